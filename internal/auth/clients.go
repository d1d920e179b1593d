package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"dossier/internal/intel"
	"dossier/internal/store"
)

// secretPrefix makes a leaked secret easy to find by tools that look for them.
const secretPrefix = "dsr_"

// Clients manages the clients of an installation.
type Clients struct{ Store *store.Store }

// A NewClient says what a client is to be. Name and Permissions are needed.
type NewClient struct {
	Name        string
	Owner       string
	Permissions []Permission
	TLP         intel.TLP
	Lifetime    time.Duration // 0: no end
	Rate        int           // requests a minute; 0: the default
}

// maxName bounds a client's name, in bytes.
const maxName = 100

// Add makes a client and returns it with its secret, which is kept nowhere. The
// error wraps [store.ErrExists] if the name is taken.
func (c Clients) Add(ctx context.Context, n NewClient) (*store.Client, string, error) {
	n.Name = strings.TrimSpace(n.Name)
	switch {
	case intel.NameKey(n.Name) == "" || len(n.Name) > maxName:
		return nil, "", fmt.Errorf("client name %q: want 1 to %d bytes with a letter or digit", n.Name, maxName)
	case len(n.Permissions) == 0:
		return nil, "", errors.New("a client needs at least one permission")
	case n.Lifetime < 0 || n.Rate < 0:
		return nil, "", errors.New("lifetime and rate must not be negative")
	}
	now := c.Store.Now()
	client := &store.Client{ID: store.NewGUID(), Owner: n.Owner, Name: n.Name, TLP: n.TLP, Rate: n.Rate, Created: intel.TimeOf(now)}
	for _, p := range n.Permissions {
		client.Scopes = append(client.Scopes, string(p))
	}
	if n.Lifetime > 0 {
		client.Expires = intel.TimeOf(now.Add(n.Lifetime))
	}
	var random [32]byte
	_, _ = rand.Read(random[:]) // never fails
	secret := secretPrefix + base64.RawURLEncoding.EncodeToString(random[:])
	client.Secret = hashSecret(secret)
	return client, secret, c.Store.AddClient(ctx, client)
}

func hashSecret(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// Find returns the client that is not revoked with the name or id. The error
// wraps [intel.ErrNotFound] if there is none.
func (c Clients) Find(ctx context.Context, nameOrID string) (*store.Client, error) {
	all, err := c.Store.Clients(ctx)
	if err != nil {
		return nil, err
	}
	for _, client := range all {
		if client.Revoked == 0 && (client.ID == nameOrID || intel.NameKey(client.Name) == intel.NameKey(nameOrID)) {
			return client, nil
		}
	}
	return nil, fmt.Errorf("client %q: %w", nameOrID, intel.ErrNotFound)
}

// usable says why a client may not be used now, nil if it may.
func usable(c *store.Client, now time.Time) error {
	switch {
	case c.Revoked != 0:
		return errors.New("the client was revoked")
	case c.Expires != 0 && intel.TimeOf(now) >= c.Expires:
		return errors.New("the client has expired")
	}
	return nil
}

// authenticate returns the client with the id if the secret is its own.
func (c Clients) authenticate(ctx context.Context, id, secret string) (*store.Client, error) {
	client, err := c.Store.Client(ctx, strings.ToLower(id))
	want := hashSecret("no client has this one") // as much work for an unknown id
	if err == nil {
		want = client.Secret
	} else if !errors.Is(err, intel.ErrNotFound) {
		return nil, err
	}
	if subtle.ConstantTimeCompare([]byte(hashSecret(secret)), []byte(want)) != 1 || err != nil {
		return nil, &OAuthError{Status: 401, Code: "invalid_client", Description: "AADSTS7000215: Invalid client id or secret provided."}
	}
	if err := usable(client, c.Store.Now()); err != nil {
		return nil, &OAuthError{Status: 401, Code: "invalid_client", Description: "AADSTS7000222: The client may not be used: " + err.Error() + "."}
	}
	return client, nil
}

func permissions(scopes []string) []Permission {
	out := make([]Permission, len(scopes))
	for i, s := range scopes {
		out[i] = Permission(s)
	}
	return out
}
