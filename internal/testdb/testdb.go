// Package testdb gives the tests of other packages databases of their own; no
// program imports it.
package testdb

import (
	"context"
	"crypto/rand"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Variable names a PostgreSQL database, postgres://…, on which all tests run
// that use Path; each gets a schema there. Without it they run on SQLite.
const Variable = "DOSSIER_TEST_POSTGRES"

// Postgres reports whether tests run on PostgreSQL.
func Postgres() bool { return os.Getenv(Variable) != "" }

// Path returns where a test may open a database, which does not exist yet: a file
// in the test's own folder, or a schema that is dropped in the end.
func Path(t testing.TB) string {
	t.Helper()
	path, drop, err := New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := drop(); err != nil {
			t.Error(err)
		}
	})
	return path
}

// New is Path for what outlives a test: the file is in dir, and drop removes the
// schema.
func New(dir string) (path string, drop func() error, err error) {
	base := os.Getenv(Variable)
	if base == "" {
		return filepath.Join(dir, "test.db"), func() error { return nil }, nil
	}
	u, err := url.Parse(base)
	if err != nil {
		return "", nil, err
	}
	ctx := context.Background()
	db, err := pgx.Connect(ctx, base)
	if err != nil {
		return "", nil, err
	}
	schema := "t" + strings.ToLower(rand.Text())
	if _, err := db.Exec(ctx, "CREATE SCHEMA "+schema); err != nil {
		return "", nil, errors.Join(err, db.Close(ctx))
	}
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	return u.String(), func() error {
		_, err := db.Exec(ctx, "DROP SCHEMA "+schema+" CASCADE")
		return errors.Join(err, db.Close(ctx))
	}, nil
}
