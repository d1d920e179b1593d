package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

func TestUnavailable(t *testing.T) {
	pg := func(code string) error { return fmt.Errorf("reading: %w", &pgconn.PgError{Code: code}) }
	for _, tt := range []struct {
		err  error
		want bool
	}{
		{nil, false},
		{pg("57P01"), true},  // administrator's command
		{pg("57P03"), true},  // starting up
		{pg("53300"), true},  // too many connections
		{pg("40001"), true},  // serialization failure
		{pg("40P01"), true},  // deadlock
		{pg("08006"), true},  // connection failure
		{pg("25006"), true},  // read-only: a standby
		{pg("57014"), false}, // canceled
		{pg("23505"), false}, // unique violation
		{pg("42601"), false}, // syntax error
		{driver.ErrBadConn, true},
		{&net.OpError{Op: "read", Err: syscall.ECONNRESET}, true},
		{context.Canceled, false},
		{context.DeadlineExceeded, false},
		{errors.New("other"), false},
	} {
		s := &Store{dialect: postgresDialect}
		if got := s.Unavailable(tt.err); got != tt.want {
			t.Errorf("%v: %v", tt.err, got)
		}
	}
	// A database that another process holds.
	path := filepath.Join(t.TempDir(), "a.db")
	a, b := openAt(t, path), openAt(t, path)
	if _, err := b.write.Exec("PRAGMA busy_timeout = 0"); err != nil {
		t.Fatal(err)
	}
	tx, err := a.begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if _, err := b.begin(t.Context()); !b.Unavailable(err) {
		t.Errorf("locked: %v", err)
	}
}
