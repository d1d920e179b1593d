package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"dossier/internal/intel"
)

// SaveRun keeps the record of a run of this process; saving it again replaces it.
func (s *Store) SaveRun(ctx context.Context, r *intel.Run) error {
	defer s.noticeWait()()
	return saveRun(ctx, s.write, r, intel.TimeOf(s.Now()))
}

type execer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

func saveRun(ctx context.Context, x execer, r *intel.Run, now intel.Time) error {
	body, err := json.Marshal(r)
	if err != nil {
		return err
	}
	_, err = x.ExecContext(ctx, `INSERT INTO run (id, started, finished, body, feed, owner, alive) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET finished = excluded.finished, body = excluded.body, alive = excluded.alive`,
		r.ID, int64(r.Started), int64(r.Finished), string(body), r.Feed, thisProcess(), int64(now))
	return err
}

// KeepAlive says that a run goes on, so that other servers of the database leave
// it alone.
func (s *Store) KeepAlive(ctx context.Context, id string) error {
	_, err := s.write.ExecContext(ctx, "UPDATE run SET alive = ? WHERE id = ? AND finished = 0", s.Now().UnixMilli(), id)
	return err
}

// Runs returns the newest runs, at most limit of them: those of a feed, or all if
// it is "".
func (s *Store) Runs(ctx context.Context, feed string, limit int) ([]*intel.Run, error) {
	cond, args := "", []any{limit}
	if feed != "" {
		cond, args = "WHERE feed = ?", []any{feed, limit}
	}
	return runsWhere(ctx, s.read, cond+" ORDER BY started DESC, id LIMIT ?", args...)
}

func runsWhere(ctx context.Context, q querier, cond string, args ...any) ([]*intel.Run, error) {
	rows, err := q.QueryContext(ctx, "SELECT body FROM run "+cond, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []*intel.Run
	for rows.Next() {
		var body string
		if err := rows.Scan(&body); err != nil {
			return nil, err
		}
		r := new(intel.Run)
		if err := json.Unmarshal([]byte(body), r); err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// runLease is how long a run of another machine is believed to go on that says
// nothing.
const runLease = 2 * time.Minute

// BreakRuns marks the runs whose process is no more, lets go of their feeds, and
// returns them. What they had finished is kept; that a feed's state is kept last
// makes its next run do the rest.
func (s *Store) BreakRuns(ctx context.Context) ([]*intel.Run, error) {
	dead, err := s.deadRuns(ctx)
	if err != nil || len(dead) == 0 {
		return nil, err
	}
	return dead, s.inTx(ctx, func(tx *sql.Tx) error {
		for _, r := range dead {
			r.Broken, r.Error, r.Finished = true, "its process ended in the middle; what was finished is kept, the next run does the rest", intel.TimeOf(s.Now())
			body, err := json.Marshal(r)
			if err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, "UPDATE run SET finished = ?, body = ? WHERE id = ? AND finished = 0", int64(r.Finished), string(body), r.ID); err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, "UPDATE feed SET run = '', last_run = ?, due = ? WHERE run = ?", r.ID, int64(r.Finished), r.ID); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Store) deadRuns(ctx context.Context) ([]*intel.Run, error) {
	rows, err := s.read.QueryContext(ctx, "SELECT body, owner, alive FROM run WHERE finished = 0 ORDER BY started, id")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var dead []*intel.Run
	for rows.Next() {
		var body, owner string
		var alive intel.Time
		if err := rows.Scan(&body, &owner, &alive); err != nil {
			return nil, err
		}
		if lives(owner, s.Now().Sub(alive.Std())) {
			continue
		}
		r := new(intel.Run)
		if err := json.Unmarshal([]byte(body), r); err != nil {
			return nil, err
		}
		dead = append(dead, r)
	}
	return dead, rows.Err()
}

// thisProcess names the process: host, number, and a token for the case that
// another one gets the same number, as in a container that starts again.
var thisProcess = sync.OnceValue(func() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%s/%d/%s", strings.ReplaceAll(host, "/", "-"), os.Getpid(), rand.Text())
})

// lives reports whether the process that owns a run goes on, as far as can be
// told: on the same machine it is looked for, of another machine silence counts.
// On SQLite a process that writes cannot say that it lives until it is done.
func lives(owner string, silent time.Duration) bool {
	self := thisProcess()
	if owner == self {
		return true
	}
	host, rest, _ := strings.Cut(owner, "/")
	number, _, _ := strings.Cut(rest, "/")
	pid, err := strconv.Atoi(number)
	if err != nil {
		return false
	}
	if ownHost, _, _ := strings.Cut(self, "/"); host != ownHost {
		return silent < runLease
	}
	return pid != os.Getpid() && processExists(pid)
}

func processExists(pid int) bool {
	p, err := os.FindProcess(pid)
	if err != nil {
		return false
	}
	defer func() { _ = p.Release() }()
	if runtime.GOOS == "windows" {
		return true // it was opened
	}
	err = p.Signal(syscall.Signal(0))
	return err == nil || errors.Is(err, os.ErrPermission)
}

const metaCatalog = "catalog.version"

// CatalogVersion returns the version of the catalogue that was loaded last, ""
// if none was.
func (s *Store) CatalogVersion(ctx context.Context) (string, error) { return s.meta(ctx, metaCatalog) }

// SetCatalogVersion remembers which catalogue is loaded.
func (s *Store) SetCatalogVersion(ctx context.Context, v string) error {
	return s.inTx(ctx, func(tx *sql.Tx) error { return setMeta(ctx, tx, metaCatalog, v) })
}
