package store

import (
	"context"
	"encoding/json"
	"fmt"

	"dossier/internal/intel"
)

// PublisherTable returns what holds of publishers here: the program's own table,
// what their data sets say, and what is set.
func (s *Store) PublisherTable(ctx context.Context) (*intel.Publishers, error) {
	return publisherTable(ctx, s.write)
}

func publisherTable(ctx context.Context, q querier) (*intel.Publishers, error) {
	t := &intel.Publishers{Set: map[string]intel.PublisherSetting{}, Distinct: map[string]bool{}}
	err := eachRow(ctx, q, "SELECT id, body FROM publisher_setting", func(id, body string) error {
		var set intel.PublisherSetting
		if err := json.Unmarshal([]byte(body), &set); err != nil {
			return fmt.Errorf("the settings of the publisher %q: %w", id, err)
		}
		t.Set[id] = set
		return nil
	})
	if err != nil {
		return nil, err
	}
	return t, eachRow(ctx, q, "SELECT publisher, name FROM dataset WHERE entries_distinct = 1", func(id, _ string) error {
		t.Distinct[id] = true
		return nil
	})
}

func eachRow(ctx context.Context, q querier, query string, f func(a, b string) error, args ...any) error {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var a, b string
		if err := rows.Scan(&a, &b); err != nil {
			return err
		}
		if err := f(a, b); err != nil {
			return err
		}
	}
	return rows.Err()
}

// publishers returns the table as the batch has left it.
func (b *Batch) publishers(ctx context.Context) (*intel.Publishers, error) {
	if b.table == nil {
		t, err := publisherTable(ctx, b.tx)
		if err != nil {
			return nil, err
		}
		b.table = t
	}
	return b.table, nil
}

// SetPublisher sets what holds of a publisher in place of the program's own
// table; the zero setting takes back what was set. It tells whether that is
// another than before.
func (b *Batch) SetPublisher(ctx context.Context, id string, set intel.PublisherSetting) (changed bool, err error) {
	table, err := b.publishers(ctx)
	if err != nil {
		return false, err
	}
	before := table.Of(id)
	if set.IsZero() {
		delete(table.Set, id)
		err = b.exec(ctx, "DELETE FROM publisher_setting WHERE id = ?", id)
	} else {
		table.Set[id] = set
		var body []byte
		if body, err = json.Marshal(set); err == nil {
			err = b.exec(ctx, "INSERT INTO publisher_setting (id, body) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET body = excluded.body", id, string(body))
		}
	}
	now := table.Of(id)
	if err != nil || now == before {
		return false, err
	}
	b.touchAll()
	b.moves(id, nil)
	if now.Reliability != before.Reliability { // what its evidence is worth
		if err := b.exec(ctx, pendingOf, id); err != nil {
			return true, err
		}
	}
	body, err := json.Marshal(now)
	if err != nil {
		return true, err
	}
	return true, b.exec(ctx, "UPDATE publisher SET rank = ?, body = ? WHERE id = ?", now.Rank, string(body), id)
}

// pendingOf has all indicators computed again of which a publisher has evidence.
const pendingOf = "INSERT INTO pending (indicator_id) SELECT DISTINCT indicator_id FROM evidence WHERE publisher = ? ON CONFLICT (indicator_id) DO NOTHING"

// A Removed says what a publisher had said here.
type Removed struct {
	Records    int `json:"records"`    // present and former ones, not their versions
	Indicators int `json:"indicators"` // with evidence of it
	Versions   int `json:"versions"`   // former versions of records
	Articles   int `json:"articles"`
	Patterns   int `json:"patterns"`
}

// RemovePublisher takes back everything that a publisher said: its records with
// their versions, its evidence, its articles and patterns. What others said of its records stays, and
// counts again when they return. The ledger of ids stays too, so that its profiles
// get their former ids. The error wraps [intel.ErrNotFound] if it has said nothing.
func (b *Batch) RemovePublisher(ctx context.Context, id string) (r Removed, err error) {
	if err := b.flush(ctx); err != nil {
		return r, err
	}
	known := 0
	if err := b.tx.QueryRowContext(ctx, "SELECT COUNT(*) FROM publisher WHERE id = ?", id).Scan(&known); err != nil {
		return r, err
	}
	if known == 0 {
		return r, fmt.Errorf("source %q: %w", id, intel.ErrNotFound)
	}
	b.touchAll()
	b.moves(id, nil)
	b.table = nil
	if err := b.tx.QueryRowContext(ctx, "SELECT COUNT(*) FROM (SELECT DISTINCT key FROM record WHERE publisher = ?) AS k", id).Scan(&r.Records); err != nil {
		return r, err
	}
	if r.Articles, err = b.removeArticles(ctx, id); err != nil {
		return r, err
	}
	if r.Patterns, err = b.removePatterns(ctx, id); err != nil {
		return r, err
	}
	for _, step := range []struct {
		query string
		count *int
	}{
		{pendingOf, nil},
		{"SELECT COUNT(DISTINCT indicator_id) FROM evidence WHERE publisher = ?", &r.Indicators},
		{"DELETE FROM evidence WHERE publisher = ?", nil},
		{"SELECT COUNT(*) FROM record_version WHERE publisher = ?", &r.Versions},
		{"DELETE FROM record_version WHERE publisher = ?", nil},
		{"DELETE FROM record WHERE publisher = ?", nil},
		{"DELETE FROM assertion WHERE publisher = ?", nil},
		{"DELETE FROM dataset WHERE publisher = ?", nil},
		{"DELETE FROM publisher WHERE id = ?", nil},
	} {
		if step.count != nil {
			err = b.tx.QueryRowContext(ctx, step.query, id).Scan(step.count)
		} else {
			_, err = b.tx.ExecContext(ctx, step.query, id)
		}
		if err != nil {
			return r, err
		}
	}
	return r, nil
}
