package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"
)

// How old the position may be that is told, as to the writes of other processes:
// it takes longer to start one that could tell the difference, and asking a
// server takes its time. Writes of this process are seen at once.
const (
	positionAge         = time.Millisecond
	postgresPositionAge = 500 * time.Millisecond
)

// A watch knows how far the database has changed.
type watch struct {
	mu       sync.Mutex
	conn     *sql.Conn // SQLite: one that only looks for commits of others
	look     *sql.Stmt // how it does
	version  int64     // of the data, as conn saw it
	position int64     // as of
	read     time.Time // this time
	writes   int64     // and after so many writes of this process
}

// Position returns the position of the last change to anything that is served. It
// may be asked for at every request: what was computed at a position holds as
// long as the position does. The passing of time is no change.
func (s *Store) Position(ctx context.Context) (int64, error) {
	w := &s.watch
	w.mu.Lock()
	defer w.mu.Unlock()
	age := positionAge
	if s.postgres {
		age = postgresPositionAge
	}
	now, writes := time.Now(), s.writes.Load()
	if writes == w.writes && now.Sub(w.read) < age {
		return w.position, nil
	}
	if s.postgres {
		p, err := s.Head(ctx)
		if err == nil {
			w.position, w.read, w.writes = p, now, writes
		}
		return p, err
	}
	// Another connection's commit, in any process, changes the version that this one sees.
	ctx = context.WithoutCancel(ctx) // cancelling would close the connection
	if w.conn == nil {
		conn, err := s.read.Conn(ctx)
		if err != nil {
			return 0, err
		}
		look, err := conn.PrepareContext(ctx, "PRAGMA data_version")
		if err != nil {
			return 0, errors.Join(err, conn.Close())
		}
		w.conn, w.look, w.version = conn, look, -1
	}
	var version int64
	if err := w.look.QueryRowContext(ctx).Scan(&version); err != nil {
		return 0, err
	}
	if version != w.version {
		if err := w.conn.QueryRowContext(ctx, "SELECT position FROM head WHERE id = 1").Scan(&w.position); err != nil {
			return 0, err
		}
		w.version = version
	}
	w.read, w.writes = now, writes
	return w.position, nil
}

// State names what the database holds and serves: it is another name after every change, in every database. The passing of time is no change.
func (s *Store) State(ctx context.Context) (string, error) {
	var position, at int64
	err := s.read.QueryRowContext(ctx, "SELECT h.position, COALESCE(m.at, 0) FROM head h LEFT JOIN moment m ON m.position = h.position WHERE h.id = 1").Scan(&position, &at)
	return fmt.Sprintf("%d@%d", position, at), err
}

// close gives the connection back.
func (w *watch) close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.conn == nil {
		return nil
	}
	conn, look := w.conn, w.look
	w.conn, w.look = nil, nil
	return errors.Join(look.Close(), conn.Close())
}
