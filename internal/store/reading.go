package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"

	"dossier/internal/intel"
)

// A Reading is what became of an input, and on what it rests. As long as the
// claims of its publishers stand, reading the same bytes in the same way once
// more changes nothing, because what an input says is added to what is there:
// dates widen, the newest word counts, and a row that has taken a statement in
// is not altered by it again. What does not add moves the claims of its
// publisher ([Batch.moves]): a record replaced or gone, evidence that a snapshot
// no longer holds or that comes back, a data set of another version, a source
// that was set or removed.
type Reading struct {
	Name     string // what was read, and as what: the caller's digest
	Size     int64
	Content  string // digest of the bytes
	Program  string // digest of the program that read it
	Standing Standing
	Body     []byte // the caller's
}

// A Standing says how often the claims of each publisher had moved.
type Standing map[string]int64

// Join adds what another input found; false if the two do not agree, because
// claims moved between them.
func (s Standing) Join(more Standing) bool {
	for publisher, times := range more {
		if had, ok := s[publisher]; ok && had != times {
			return false
		}
	}
	maps.Copy(s, more)
	return true
}

// Reading returns what is remembered of the input. The error wraps
// [intel.ErrNotFound] if that is nothing.
func (s *Store) Reading(ctx context.Context, name string) (*Reading, error) {
	r := &Reading{Name: name}
	var standing string
	var body []byte
	err := s.read.QueryRowContext(ctx, "SELECT size, content, program, standing, body FROM reading WHERE name = ?", name).
		Scan(&r.Size, &r.Content, &r.Program, &standing, &body)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("reading %q: %w", name, intel.ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal([]byte(standing), &r.Standing); err != nil {
		return nil, fmt.Errorf("reading %q: %w", name, err)
	}
	r.Body, err = decompress(body)
	return r, err
}

// readingsKept is how long is remembered what was read.
const readingsKept = 400 * 24 * time.Hour

// KeepReading remembers a reading, in place of that of the same name, and forgets
// those that are very old.
func (s *Store) KeepReading(ctx context.Context, r *Reading) error {
	standing, err := json.Marshal(r.Standing)
	if err != nil {
		return err
	}
	now := s.Now()
	return s.inTx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO reading (name, size, content, program, standing, body, at) VALUES (?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (name) DO UPDATE SET size = excluded.size, content = excluded.content, program = excluded.program,
				standing = excluded.standing, body = excluded.body, at = excluded.at`,
			r.Name, r.Size, r.Content, r.Program, string(standing), compress(r.Body), now.UnixMilli())
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "DELETE FROM reading WHERE at < ?", now.Add(-readingsKept).UnixMilli())
		return err
	})
}

// Stands reports whether no claims of these publishers have moved.
func (s *Store) Stands(ctx context.Context, then Standing) (bool, error) {
	now, err := movedTimes(ctx, s.read)
	if err != nil {
		return false, err
	}
	for publisher, times := range then {
		if now[publisher] != times {
			return false, nil
		}
	}
	return true, nil
}

func movedTimes(ctx context.Context, q querier) (map[string]int64, error) {
	rows, err := q.QueryContext(ctx, "SELECT publisher, times FROM moved")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	m := map[string]int64{}
	for rows.Next() {
		var publisher string
		var times int64
		if err := rows.Scan(&publisher, &times); err != nil {
			return nil, err
		}
		m[publisher] = times
	}
	return m, rows.Err()
}

// moves notes that the batch replaces or takes back claims of the publisher,
// rather than adding to them.
func (b *Batch) moves(publisher string) {
	if b.moved == nil {
		b.moved = map[string]bool{}
	}
	b.moved[publisher] = true
}

// stand writes down which claims moved, and finds out how those stand that the
// batch is about.
func (b *Batch) stand(ctx context.Context) error {
	for publisher := range b.moved {
		if err := b.exec(ctx, "INSERT INTO moved (publisher, times) VALUES (?, 1) ON CONFLICT (publisher) DO UPDATE SET times = moved.times + 1", publisher); err != nil {
			return err
		}
	}
	now, err := movedTimes(ctx, b.tx)
	if err != nil {
		return err
	}
	b.standing = Standing{}
	for publisher := range b.said {
		b.standing[publisher] = now[publisher]
	}
	return nil
}

// Standing returns, after Commit, how the claims stand of the publishers that the
// batch was about. ok is false if what was written rests on the time of the
// import, so that the same would be another thing later.
func (b *Batch) Standing() (s Standing, ok bool) { return b.standing, !b.timed }
