package store

import (
	"context"
	"database/sql"
	"fmt"

	"dossier/internal/intel"
)

// A Collection is one that the operator defined: the indicators that a filter and a
// profile choose.
type Collection struct {
	Name    string // unique; part of URLs
	Title   string
	Filter  string // $filter of the API's collection of indicators; "": all
	Profile string // canonical id; "": all
	Made    intel.Time
}

// Collections returns the collections that the operator defined, by name.
func (s *Store) Collections(ctx context.Context) ([]Collection, error) {
	rows, err := s.read.QueryContext(ctx, "SELECT name, title, filter, profile, made FROM taxii_collection ORDER BY name")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Collection
	for rows.Next() {
		var c Collection
		if err := rows.Scan(&c.Name, &c.Title, &c.Filter, &c.Profile, &c.Made); err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, rows.Err()
}

// AddCollection keeps a new collection. The error wraps [ErrExists] if the name is
// taken: what readers have of a collection would not be what it is.
func (s *Store) AddCollection(ctx context.Context, c Collection) error {
	return s.inTx(ctx, func(tx *sql.Tx) error {
		var n int
		if err := tx.QueryRowContext(ctx, "SELECT COUNT(*) FROM taxii_collection WHERE name = ?", c.Name).Scan(&n); err != nil {
			return err
		}
		if n > 0 {
			return fmt.Errorf("collection %q: %w", c.Name, ErrExists)
		}
		_, err := tx.ExecContext(ctx, "INSERT INTO taxii_collection (name, title, filter, profile, made) VALUES (?, ?, ?, ?, ?)",
			c.Name, c.Title, c.Filter, c.Profile, s.Now().UnixMilli())
		return err
	})
}

// RemoveCollection forgets a collection. The error wraps [intel.ErrNotFound] if
// there is none of the name.
func (s *Store) RemoveCollection(ctx context.Context, name string) error {
	return s.inTx(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, "DELETE FROM taxii_collection WHERE name = ?", name)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			if err == nil {
				err = fmt.Errorf("collection %q: %w", name, intel.ErrNotFound)
			}
			return err
		}
		return nil
	})
}
