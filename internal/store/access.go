package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"

	"dossier/internal/intel"
)

// A Client is a program or person that may use the API.
type Client struct {
	ID       string     `json:"id"` // a GUID
	Owner    string     `json:"owner,omitempty"`
	Name     string     `json:"name"`
	TLP      intel.TLP  `json:"tlp"` // highest marking that it sees
	Scopes   []string   `json:"scopes"`
	Rate     int        `json:"rate,omitempty"` // requests a minute, 0 is the default
	Secret   string     `json:"-"`              // SHA-256 of the secret, in hex
	Created  intel.Time `json:"created"`
	Expires  intel.Time `json:"expires,omitzero"` // 0: never
	Revoked  intel.Time `json:"revoked,omitzero"`
	LastUsed intel.Time `json:"lastUsed,omitzero"`
}

// ErrExists is wrapped by errors about names that are taken.
var ErrExists = errors.New("exists already")

// AddClient keeps a new client. The error wraps [ErrExists] if another client
// that is not revoked has the name.
func (s *Store) AddClient(ctx context.Context, c *Client) error {
	return s.inTx(ctx, func(tx *sql.Tx) error {
		var n int
		if err := tx.QueryRowContext(ctx, "SELECT COUNT(*) FROM client WHERE name_key = ? AND revoked = 0", intel.NameKey(c.Name)).Scan(&n); err != nil {
			return err
		}
		if n > 0 {
			return fmt.Errorf("client %q: %w", c.Name, ErrExists)
		}
		scopes, err := encodeJSON(c.Scopes)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO client (id, owner, name, name_key, tlp, scopes, rate, secret, created, expires, revoked, last_used)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0)`,
			c.ID, c.Owner, c.Name, intel.NameKey(c.Name), int(c.TLP), string(scopes), c.Rate, c.Secret, int64(c.Created), int64(c.Expires))
		return err
	})
}

const clientColumns = "id, owner, name, tlp, scopes, rate, secret, created, expires, revoked, last_used"

func scanClient(row scanner) (*Client, error) {
	c := new(Client)
	var scopes string
	err := row.Scan(&c.ID, &c.Owner, &c.Name, &c.TLP, &scopes, &c.Rate, &c.Secret, &c.Created, &c.Expires, &c.Revoked, &c.LastUsed)
	if err != nil {
		return nil, err
	}
	return c, decodeJSON(scopes, &c.Scopes)
}

// Client returns the client with the id. The error wraps [intel.ErrNotFound] if
// there is none.
func (s *Store) Client(ctx context.Context, id string) (*Client, error) {
	c, err := scanClient(s.queryRow(s.brief(ctx), "SELECT "+clientColumns+" FROM client WHERE id = ?", id))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("client %q: %w", id, intel.ErrNotFound)
	}
	return c, err
}

// Clients returns all clients, revoked ones included, by name.
func (s *Store) Clients(ctx context.Context) ([]*Client, error) {
	rows, err := s.read.QueryContext(ctx, "SELECT "+clientColumns+" FROM client ORDER BY name_key, created, id")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []*Client
	for rows.Next() {
		c, err := scanClient(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, rows.Err()
}

// RevokeClient ends a client at once: its secret and its tokens.
func (s *Store) RevokeClient(ctx context.Context, id string) error {
	_, err := s.write.ExecContext(ctx, "UPDATE client SET revoked = ? WHERE id = ? AND revoked = 0", s.Now().UnixMilli(), id)
	return err
}

// TouchClient remembers when a client was last used.
func (s *Store) TouchClient(ctx context.Context, id string, at intel.Time) error {
	_, err := s.write.ExecContext(ctx, "UPDATE client SET last_used = ? WHERE id = ? AND last_used < ?", int64(at), id, int64(at))
	return err
}

// A SigningKey is a key that signs tokens; Sealed is opaque to the store.
type SigningKey struct {
	ID      string
	Created intel.Time
	Public  string // JWK
	Sealed  []byte
}

// SigningKeys returns all keys, the newest first.
func (s *Store) SigningKeys(ctx context.Context) ([]SigningKey, error) {
	rows, err := s.read.QueryContext(ctx, "SELECT id, created, public, sealed FROM signing_key ORDER BY created DESC, id")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []SigningKey
	for rows.Next() {
		var k SigningKey
		if err := rows.Scan(&k.ID, &k.Created, &k.Public, &k.Sealed); err != nil {
			return nil, err
		}
		out = append(out, k)
	}
	return out, rows.Err()
}

// AddSigningKey keeps a key, and forgets those made before the given time.
func (s *Store) AddSigningKey(ctx context.Context, k SigningKey, forget intel.Time) error {
	return s.inTx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "DELETE FROM signing_key WHERE created < ?", int64(forget)); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "INSERT INTO signing_key (id, created, public, sealed) VALUES (?, ?, ?, ?)", k.ID, int64(k.Created), k.Public, k.Sealed)
		return err
	})
}

const metaInstallation = "installation"

// Installation returns the id of this database, a GUID given once.
func (s *Store) Installation(ctx context.Context) (string, error) {
	return s.once(ctx, metaInstallation, NewGUID)
}

// NewGUID returns a random UUID (version 4).
func NewGUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
