package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"time"

	"dossier/internal/intel"
)

// A Reading is what became of an input, and on what it rests. As long as the
// claims of its publishers stand, reading the same bytes in the same way once
// more changes nothing, because what an input says is added to what is there:
// dates widen, the newest word counts, and a row that has taken a statement in
// is not altered by it again. What does not add is said to move claims
// ([Batch.moves]): those of a data set, if a record is replaced or gone, if a
// snapshot comes to hold more, or is of another version; those of the publisher,
// if evidence is no longer in a snapshot, or if the source is set or removed.
type Reading struct {
	Name     string // what was read, and as what: the caller's digest
	Size     int64
	Content  string // digest of the bytes
	Program  string // digest of the program that read it
	Standing Standing
	Body     []byte // the caller's
}

// A Standing says how often claims had moved: those of publishers, and of data sets.
type Standing map[string]int64

// movable is what moves: a data set, or, if dataset is nil, all of a publisher.
func movable(publisher string, dataset *string) string {
	if dataset == nil {
		return "publisher " + publisher
	}
	return "data set " + publisher + " " + strconv.Quote(*dataset)
}

// Join adds what another input found; false if the two do not agree, because
// claims moved between them.
func (s Standing) Join(more Standing) bool {
	for what, times := range more {
		if had, ok := s[what]; ok && had != times {
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

// Stands reports whether none of these claims have moved.
func (s *Store) Stands(ctx context.Context, then Standing) (bool, error) {
	now, err := movedTimes(ctx, s.read)
	if err != nil {
		return false, err
	}
	for what, times := range then {
		if now[what] != times {
			return false, nil
		}
	}
	return true, nil
}

func movedTimes(ctx context.Context, q querier) (map[string]int64, error) {
	rows, err := q.QueryContext(ctx, "SELECT what, times FROM moved")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	m := map[string]int64{}
	for rows.Next() {
		var what string
		var times int64
		if err := rows.Scan(&what, &times); err != nil {
			return nil, err
		}
		m[what] = times
	}
	return m, rows.Err()
}

// moves notes that the batch replaces or takes back claims of the data set, or, if
// that is nil, of the publisher, rather than adding to them.
func (b *Batch) moves(publisher string, dataset *string) {
	if b.moved == nil {
		b.moved = map[string]bool{}
	}
	b.moved[movable(publisher, dataset)] = true
}

// stand writes down which claims moved, and finds out how those stand that the
// batch is about.
func (b *Batch) stand(ctx context.Context) error {
	for what := range b.moved {
		if err := b.exec(ctx, "INSERT INTO moved (what, times) VALUES (?, 1) ON CONFLICT (what) DO UPDATE SET times = moved.times + 1", what); err != nil {
			return err
		}
	}
	now, err := movedTimes(ctx, b.tx)
	if err != nil {
		return err
	}
	b.standing = Standing{}
	for what := range b.said {
		b.standing[what] = now[what]
	}
	return nil
}

// Standing returns, after Commit, how the claims stand that the batch was about. ok is false if what was written rests on the time of the
// import, so that the same would be another thing later.
func (b *Batch) Standing() (s Standing, ok bool) { return b.standing, !b.timed }
