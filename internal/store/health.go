package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	sqlite "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Unavailable reports whether an error says that the database cannot be used now
// and may be soon: it restarts or fails over, refuses connections or has none
// left, is locked, or gave way to another transaction.
func (s *Store) Unavailable(err error) bool {
	if err == nil {
		return false
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch {
		case strings.HasPrefix(pg.Code, "08"), // connection exception
			strings.HasPrefix(pg.Code, "53"),  // insufficient resources
			strings.HasPrefix(pg.Code, "57P"), // shutdown, crash, cannot connect now
			strings.HasPrefix(pg.Code, "40"),  // serialization failure, deadlock
			pg.Code == "55P03",                // lock not available
			pg.Code == "25006":                // a standby: a failover is not over
			return true
		}
		return false
	}
	var refused *pgconn.ConnectError
	var network net.Error
	if errors.As(err, &refused) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) {
		return true
	}
	if s.postgres && (errors.As(err, &network) || pgconn.SafeToRetry(err) || strings.Contains(err.Error(), "unexpected EOF")) {
		return !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded)
	}
	var se *sqlite.Error
	return errors.As(err, &se) && (se.Code()&0xff == sqlite3.SQLITE_BUSY || se.Code()&0xff == sqlite3.SQLITE_LOCKED)
}

// A Pool tells how connections to the database are used.
type Pool struct {
	Use              string // "read", "write"
	Max, InUse, Idle int
	Waits            int64
	Waited           time.Duration
}

// Pools returns how busy the connections are.
func (s *Store) Pools() []Pool {
	of := func(use string, db *sql.DB) Pool {
		st := db.Stats()
		return Pool{use, st.MaxOpenConnections, st.InUse, st.Idle, st.WaitCount, st.WaitDuration}
	}
	return []Pool{of("read", s.read), of("write", s.write)}
}
