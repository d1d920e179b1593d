package auth

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// How the keys of a foreign issuer are fetched. Requests wait for a fetch only
// if they name a key that is not there; who sends unknown keys makes at most
// one fetch in keysRetry.
const (
	keysFresh    = 15 * time.Minute // then they are fetched again, in the background
	keysStale    = 24 * time.Hour   // without success they are believed for so long
	keysRetry    = 30 * time.Second // from the start of one fetch to the next
	fetchTimeout = 10 * time.Second // of discovery and keys together
	maxDocument  = 1 << 20          // bytes of a discovery document or key set
	maxKeys      = 200
	minRSA       = 2048 // bits
)

// ErrUnavailable is wrapped by errors about an issuer whose keys cannot be had:
// the token may be good, nobody can tell.
var ErrUnavailable = errors.New("the keys of the token's issuer cannot be fetched")

// A keySet holds the public keys of a foreign issuer. It is safe for concurrent
// use.
type keySet struct {
	issuer string
	source string // URL or file of the key set; "": what discovery names
	client *http.Client
	log    *slog.Logger
	now    func() time.Time

	mu      sync.Mutex
	current *keys
	attempt time.Time
	running chan struct{} // closed when the fetch under way ends; nil if there is none
}

// keys are those of one successful fetch; they do not change.
type keys struct {
	byID  map[string][]jose.JSONWebKey // several may share an id
	count int
	at    time.Time
}

// named returns the keys that a token may have been signed with. A token that
// names none may be one of an issuer that has one key.
func (k *keys) named(kid string) []jose.JSONWebKey {
	if kid != "" || k.count != 1 {
		return k.byID[kid]
	}
	for _, only := range k.byID {
		return only
	}
	return nil
}

// get returns the keys, among which one named kid if the issuer has it. The error
// wraps [ErrUnavailable] if there are no keys to go by, or is that of ctx.
func (s *keySet) get(ctx context.Context, kid string) (*keys, error) {
	k, wait := s.look(kid)
	if wait == nil {
		return k, unavailable(k)
	}
	select {
	case <-wait:
		k, _ = s.look(kid)
		return k, unavailable(k)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func unavailable(k *keys) error {
	if k == nil {
		return ErrUnavailable
	}
	return nil
}

// look returns the keys as they are, nil if there are none to go by. It starts a
// fetch where one is due; wait is not nil if that may bring the key.
func (s *keySet) look(kid string) (k *keys, wait <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if k = s.current; k != nil && now.Sub(k.at) >= keysStale {
		k = nil
	}
	known := k != nil && k.named(kid) != nil
	if (!known || now.Sub(k.at) >= keysFresh) && s.running == nil && (s.attempt.IsZero() || now.Sub(s.attempt) >= keysRetry) {
		s.attempt, s.running = now, make(chan struct{})
		go s.fetch()
	}
	if known {
		return k, nil
	}
	return k, s.running
}

// fetch replaces the keys. If it fails the old ones stay.
func (s *keySet) fetch() {
	// Nobody's request: all who wait share it.
	ctx, cancel := context.WithTimeout(context.Background(), fetchTimeout)
	defer cancel()
	k, err := s.read(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.running)
	s.running = nil
	if err != nil {
		s.log.Warn("the keys of an issuer were not fetched", "issuer", s.issuer, "err", err)
		return
	}
	k.at = s.now()
	s.current = k
}

// read gets the key set from where it is.
func (s *keySet) read(ctx context.Context) (*keys, error) {
	source := s.source
	if source == "" {
		var err error
		if source, err = s.discover(ctx); err != nil {
			return nil, err
		}
	}
	body, err := s.load(ctx, source)
	if err != nil {
		return nil, err
	}
	k, err := parseKeys(body)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", source, err)
	}
	return k, nil
}

// discover returns where the issuer says its keys are (OpenID Connect
// Discovery 1.0, 4; RFC 8414 has the same document).
func (s *keySet) discover(ctx context.Context) (string, error) {
	at := strings.TrimSuffix(s.issuer, "/") + "/.well-known/openid-configuration"
	body, err := s.load(ctx, at)
	if err != nil {
		return "", err
	}
	var doc struct {
		Issuer string `json:"issuer"`
		Keys   string `json:"jwks_uri"`
	}
	if err := json.Unmarshal(body, &doc); err != nil {
		return "", fmt.Errorf("%s: not a discovery document: %w", at, err)
	}
	if doc.Issuer != s.issuer {
		return "", fmt.Errorf("%s: it is the document of the issuer %q, not of %q", at, clipped(doc.Issuer), s.issuer)
	}
	if err := secureURL(doc.Keys); err != nil {
		return "", fmt.Errorf("%s: jwks_uri: %w", at, err)
	}
	return doc.Keys, nil
}

// load reads a document of bounded size from a URL or a file.
func (s *keySet) load(ctx context.Context, from string) ([]byte, error) {
	if !strings.Contains(from, "://") {
		f, err := os.Open(from)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		return bounded(f, from)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %s", from, resp.Status)
	}
	return bounded(resp.Body, from)
}

func bounded(r io.Reader, from string) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r, maxDocument+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", from, err)
	case len(body) > maxDocument:
		return nil, fmt.Errorf("%s: more than %d bytes", from, maxDocument)
	}
	return body, nil
}

// parseKeys reads a JWK set (RFC 7517, 5). Keys that cannot sign for us are
// passed over, as the RFC asks: unknown types, symmetric ones, those for
// encryption, RSA below 2048 bits. A set without any usable key is an error.
func parseKeys(body []byte) (*keys, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(body, &set); err != nil {
		return nil, fmt.Errorf("not a JWK set: %w", err)
	}
	if len(set.Keys) > maxKeys {
		return nil, fmt.Errorf("a JWK set of %d keys; want at most %d", len(set.Keys), maxKeys)
	}
	k := &keys{byID: map[string][]jose.JSONWebKey{}}
	for _, raw := range set.Keys {
		var key jose.JSONWebKey
		if json.Unmarshal(raw, &key) != nil || !verifies(&key) {
			continue
		}
		k.byID[key.KeyID] = append(k.byID[key.KeyID], key.Public())
		k.count++
	}
	if k.count == 0 {
		return nil, fmt.Errorf("a JWK set of %d keys, none of them public and for signatures", len(set.Keys))
	}
	return k, nil
}

func verifies(k *jose.JSONWebKey) bool {
	if k.Use != "" && k.Use != "sig" || !k.Valid() {
		return false
	}
	switch key := k.Public().Key.(type) {
	case *rsa.PublicKey:
		return key.N.BitLen() >= minRSA && key.E >= 3
	case *ecdsa.PublicKey, ed25519.PublicKey:
		return true
	}
	return false
}
