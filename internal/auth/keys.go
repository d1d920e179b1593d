package auth

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"dossier/internal/intel"
	"dossier/internal/store"

	"github.com/go-jose/go-jose/v4"
)

// Lives of keys: a new one signs after rotateAfter; an old one still verifies
// until every token that it signed has ended.
const (
	rotateAfter = 30 * 24 * time.Hour
	forgetAfter = rotateAfter + MaxTokenLife + time.Hour
	keyBits     = 2048
)

// algorithm is the only one that signs and the only one that is accepted:
// gateways that check tokens on the way know it from Microsoft's.
const algorithm = jose.RS256

// A Sealer seals signing keys with a key that is not in the database.
type Sealer struct{ aead cipher.AEAD }

// SealerFromFile reads the key file, or makes one that only its owner can read.
// Whoever has the file and the database can sign tokens.
func SealerFromFile(path string) (*Sealer, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		var key [32]byte
		_, _ = rand.Read(key[:]) // never fails
		text = []byte(hex.EncodeToString(key[:]) + "\n")
		f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if errors.Is(err, fs.ErrExist) { // another process was faster
			return SealerFromFile(path)
		}
		if err != nil {
			return nil, fmt.Errorf("key file: %w", err)
		}
		_, err = f.Write(text)
		if err := errors.Join(err, f.Close()); err != nil {
			return nil, fmt.Errorf("key file: %w", err)
		}
	} else if err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) != 32 {
		return nil, fmt.Errorf("key file %s: want 64 hex digits", path)
	}
	return newSealer(key)
}

func newSealer(key []byte) (*Sealer, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	return &Sealer{aead}, err
}

func (s *Sealer) seal(plain []byte, about string) []byte {
	nonce := make([]byte, s.aead.NonceSize())
	_, _ = rand.Read(nonce) // never fails
	return s.aead.Seal(nonce, nonce, plain, []byte(about))
}

func (s *Sealer) open(sealed []byte, about string) ([]byte, error) {
	n := s.aead.NonceSize()
	if len(sealed) < n {
		return nil, errors.New("too short")
	}
	return s.aead.Open(nil, sealed[:n], sealed[n:], []byte(about))
}

// A keyring holds the keys as they were last read.
type keyring struct {
	signing *rsa.PrivateKey
	id      string
	made    time.Time
	public  map[string]*rsa.PublicKey
	jwks    jose.JSONWebKeySet
	read    time.Time
}

// keys returns the keyring, making a key if there is none or the newest is old.
// Another server's new key is seen within a minute, and at once if a token
// names it.
func (i *Issuer) keys(ctx context.Context, named string) (*keyring, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	now := i.Store.Now()
	if r := i.ring; r != nil && now.Sub(r.read) < time.Minute && now.Sub(r.made) < rotateAfter {
		if _, ok := r.public[named]; ok || named == "" || now.Sub(r.read) < time.Second {
			return r, nil
		}
	}
	r, err := i.readKeys(ctx)
	if err != nil {
		return nil, err
	}
	if r.signing == nil || now.Sub(r.made) >= rotateAfter {
		if err := i.makeKey(ctx, now); err != nil {
			return nil, err
		}
		if r, err = i.readKeys(ctx); err != nil {
			return nil, err
		}
	}
	i.ring = r
	return r, nil
}

func (i *Issuer) readKeys(ctx context.Context) (*keyring, error) {
	stored, err := i.Store.SigningKeys(ctx)
	if err != nil {
		return nil, err
	}
	r := &keyring{public: map[string]*rsa.PublicKey{}, read: i.Store.Now()}
	for n, k := range stored {
		var jwk jose.JSONWebKey
		if err := json.Unmarshal([]byte(k.Public), &jwk); err != nil {
			return nil, fmt.Errorf("signing key %s: %w", k.ID, err)
		}
		pub, ok := jwk.Key.(*rsa.PublicKey)
		if !ok {
			return nil, fmt.Errorf("signing key %s: not RSA", k.ID)
		}
		r.public[k.ID] = pub
		r.jwks.Keys = append(r.jwks.Keys, jwk)
		if n > 0 {
			continue
		}
		plain, err := i.Sealer.open(k.Sealed, k.ID)
		if err != nil {
			return nil, fmt.Errorf("signing key %s cannot be opened with this key file: bring back the one that belongs to the database", k.ID)
		}
		key, err := x509.ParsePKCS8PrivateKey(plain)
		if err != nil {
			return nil, fmt.Errorf("signing key %s: %w", k.ID, err)
		}
		r.signing, r.id, r.made = key.(*rsa.PrivateKey), k.ID, k.Created.Std()
	}
	return r, nil
}

func (i *Issuer) makeKey(ctx context.Context, now time.Time) error {
	key, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return err
	}
	plain, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	var random [12]byte
	_, _ = rand.Read(random[:]) // never fails
	id := base64.RawURLEncoding.EncodeToString(random[:])
	public, err := json.Marshal(jose.JSONWebKey{Key: &key.PublicKey, KeyID: id, Algorithm: string(algorithm), Use: "sig"})
	if err != nil {
		return err
	}
	return i.Store.AddSigningKey(ctx, store.SigningKey{
		ID: id, Created: intel.TimeOf(now), Public: string(public), Sealed: i.Sealer.seal(plain, id),
	}, intel.TimeOf(now.Add(-forgetAfter)))
}
