package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"dossier/internal/intel"
)

// A Feed is a configured source as it is kept. Config and State are JSON of the
// caller's.
type Feed struct {
	Name     string
	Config   json.RawMessage
	State    json.RawMessage
	Run      string     // id of the run under way, "" if there is none
	LastRun  string     // id of the last run that ended, "" if there was none
	Due      intel.Time // of the next run
	Failures int        // runs in a row that failed
}

// ErrBusy is wrapped by errors about a feed that is being run already.
var ErrBusy = errors.New("is being run already")

const feedColumns = "name, config, state, run, last_run, due, failures"

func scanFeed(row scanner) (*Feed, error) {
	f := new(Feed)
	var config, state string
	err := row.Scan(&f.Name, &config, &state, &f.Run, &f.LastRun, &f.Due, &f.Failures)
	f.Config, f.State = json.RawMessage(config), json.RawMessage(state)
	return f, err
}

// Feeds returns the configured sources by name.
func (s *Store) Feeds(ctx context.Context) ([]*Feed, error) {
	return feeds(ctx, s.read)
}

func feeds(ctx context.Context, q querier) ([]*Feed, error) {
	rows, err := q.QueryContext(ctx, "SELECT "+feedColumns+" FROM feed ORDER BY name")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []*Feed
	for rows.Next() {
		f, err := scanFeed(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, rows.Err()
}

// Feed returns one configured source. The error wraps [intel.ErrNotFound] if
// there is none of that name.
func (s *Store) Feed(ctx context.Context, name string) (*Feed, error) {
	f, err := scanFeed(s.read.QueryRowContext(ctx, "SELECT "+feedColumns+" FROM feed WHERE name = ?", name))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("feed %q: %w", name, intel.ErrNotFound)
	}
	return f, err
}

// SetFeeds changes the configured sources in one transaction: edit gets those
// that are there, and returns which to write and which to remove. Of those that
// are written, Config and Due count; a source keeps its state and its run. The
// evidence of a source that is removed stays.
func (s *Store) SetFeeds(ctx context.Context, edit func(have []*Feed) (put []*Feed, remove []string, err error)) error {
	return s.inTx(ctx, func(tx *sql.Tx) error {
		have, err := feeds(ctx, tx)
		if err != nil {
			return err
		}
		put, remove, err := edit(have)
		if err != nil {
			return err
		}
		for _, f := range put {
			if _, err := tx.ExecContext(ctx, `INSERT INTO feed (name, config, state, run, last_run, due, failures) VALUES (?, ?, '{}', '', '', ?, 0)
				ON CONFLICT (name) DO UPDATE SET config = excluded.config, due = excluded.due`, f.Name, string(f.Config), int64(f.Due)); err != nil {
				return err
			}
		}
		for _, name := range remove {
			if _, err := tx.ExecContext(ctx, "DELETE FROM feed WHERE name = ?", name); err != nil {
				return err
			}
		}
		return nil
	})
}

// BeginFeed starts a run of a feed, which no other run of it overlaps, on however
// many servers, and returns the feed. The error wraps [ErrBusy] if there is one
// under way, or [intel.ErrNotFound].
func (s *Store) BeginFeed(ctx context.Context, name string, r *intel.Run) (f *Feed, err error) {
	if _, err := s.BreakRuns(ctx); err != nil {
		return nil, err
	}
	err = s.inTx(ctx, func(tx *sql.Tx) error {
		f, err = scanFeed(tx.QueryRowContext(ctx, "SELECT "+feedColumns+" FROM feed WHERE name = ?", name))
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return fmt.Errorf("feed %q: %w", name, intel.ErrNotFound)
		case err != nil:
			return err
		case f.Run != "":
			return fmt.Errorf("feed %q %w", name, ErrBusy)
		}
		if err := saveRun(ctx, tx, r, intel.TimeOf(s.Now())); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "UPDATE feed SET run = ? WHERE name = ?", r.ID, name)
		return err
	})
	return f, err
}

// errLost says that a run has lost its feed: it was removed, or the run was taken
// for dead.
var errLost = errors.New("the feed was removed or taken over by another server in the meantime")

// KeepFeed keeps how far a feed was read by the run that holds it.
func (s *Store) KeepFeed(ctx context.Context, name string, r *intel.Run, state json.RawMessage) error {
	return s.inTx(ctx, func(tx *sql.Tx) error {
		return heldFeed(tx.ExecContext(ctx, "UPDATE feed SET state = ? WHERE name = ? AND run = ?", string(state), name, r.ID))
	})
}

// EndFeed ends a run and lets the feed go: due again at the given time, after so
// many failures in a row.
func (s *Store) EndFeed(ctx context.Context, name string, r *intel.Run, due intel.Time, failures int) error {
	return s.inTx(ctx, func(tx *sql.Tx) error {
		if err := saveRun(ctx, tx, r, intel.TimeOf(s.Now())); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "UPDATE feed SET run = '', last_run = ?, due = ?, failures = ? WHERE name = ? AND run = ?", r.ID, int64(due), failures, name, r.ID)
		return err
	})
}

func heldFeed(res sql.Result, err error) error {
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return errors.Join(errLost, err)
	}
	return nil
}

// An Age says how old the data of a publisher is.
type Age struct {
	Publisher string     `json:"publisher"`
	Title     string     `json:"title"`
	As        intel.Time `json:"as"` // of the newest release, or import where the data has no date
	Released  bool       `json:"released"`
}

// Ages returns the age of each publisher's data, by rank.
func (s *Store) Ages(ctx context.Context, v View) ([]Age, error) {
	pubs, err := s.Publishers(ctx, v)
	if err != nil {
		return nil, err
	}
	sets, err := s.Datasets(ctx, v)
	if err != nil {
		return nil, err
	}
	var out []Age
	for _, p := range pubs {
		a := Age{Publisher: p.ID, Title: p.Title}
		for _, d := range sets {
			at, released := d.Released, true
			if at == 0 {
				at, released = d.Imported, false
			}
			if d.Publisher == p.ID && at > a.As {
				a.As, a.Released = at, released
			}
		}
		if a.As != 0 {
			out = append(out, a)
		}
	}
	return out, nil
}
