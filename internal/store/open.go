package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"dossier/internal/guard"
	"dossier/internal/intel"

	sqlite "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// A Store is an open database. Close it when done.
type Store struct {
	write *sql.DB // one connection: SQLite has one writer
	read  *sql.DB
	path  string
	dialect
	watch    watch
	prepared *prepared // of read; nil: none
	bodies   bodyMemory
	counts   counts
	writes   atomic.Int64 // commits of this process
	// Now gives the time of writes; tests set it.
	Now func() time.Time
	// Waiting, if not nil, is called, perhaps on another goroutine, when a write has
	// waited for other writers for a while, and goes on to wait.
	Waiting func()

	readOnly bool
	budget   time.Duration // of a query; see queryBudget
	bulkFold int           // 0 is the constant of that name

	mu    sync.Mutex
	fresh map[string]*intel.Record // by hash; see keepFresh

	guards   *guard.Matcher // see GuardMatcher
	guardsOf string         // what it was compiled of
}

// Options say how to open a database. The zero value opens an existing one.
type Options struct {
	Create bool // make the file if it does not exist
	// Read opens a file that cannot be written for reading alone. It must be of the
	// present schema.
	Read bool
}

// An OpenError says why a database cannot be used and what may help.
type OpenError struct {
	Path string
	Msg  string
	Hint string
	Err  error
}

func (e *OpenError) Error() string { return fmt.Sprintf("database %s: %s", e.Path, e.Msg) }

// Unwrap returns the cause, if there is one.
func (e *OpenError) Unwrap() error { return e.Err }

// busyTimeout is how long a statement waits for another process's transaction.
const busyTimeout = 30 * time.Second

// Open opens the database at path, which is a file or the URL of a PostgreSQL
// database (postgres://…), brings its schema up to date, and says whether the
// database was new. Errors are of type *[OpenError].
func Open(ctx context.Context, path string, o Options) (s *Store, isNew bool, err error) {
	s = &Store{path: path, Now: time.Now, budget: queryBudget}
	if isPostgres(path) {
		s.dialect = postgresDialect
		if s.write, s.read, err = openPostgres(path); err != nil {
			return nil, false, postgresError(path, err)
		}
		if isNew, err = s.migrate(ctx); err != nil {
			return nil, false, errors.Join(postgresError(path, err), s.Close())
		}
		return s, isNew, nil
	}
	s.dialect = sqliteDialect
	err = checkFile(path, o.Create)
	if errors.Is(err, errNotWritable) && o.Read {
		return s, false, s.openForReading(ctx)
	}
	if err != nil {
		return nil, false, err
	}
	if err := s.connectSQLite(); err != nil {
		return nil, false, err
	}
	isNew, err = s.migrate(ctx)
	if err != nil {
		return nil, false, errors.Join(openError(path, err), s.Close())
	}
	return s, isNew, nil
}

// sqliteReaders returns how many connections read a file at a time: some more than
// there are processors, so that what takes long does not hold up all others.
func sqliteReaders() int { return max(8, 2*runtime.GOMAXPROCS(0)) }

// sqliteReadCache is how much of a file these connections keep in memory, all
// together, in kB.
const sqliteReadCache = 128 << 10

// Readers returns how many queries the database answers at a time.
func (s *Store) Readers() int {
	if s.postgres {
		return postgresReaders
	}
	return sqliteReaders() - 1 // one looks for changes: watch
}

// connectSQLite opens the connections to the file.
func (s *Store) connectSQLite() (err error) {
	sqlite.StrictPragmas(true)
	if s.write, err = sql.Open("sqlite", dsn(s.path, "journal_mode(wal)", "cache_size(-65536)")); err != nil {
		return openError(s.path, err)
	}
	s.write.SetMaxOpenConns(1)
	readers := sqliteReaders()
	if s.read, err = sql.Open("sqlite", dsn(s.path, fmt.Sprintf("cache_size(-%d)", sqliteReadCache/readers), "query_only(1)")); err != nil {
		return errors.Join(openError(s.path, err), s.write.Close())
	}
	s.read.SetMaxOpenConns(readers)
	s.read.SetMaxIdleConns(readers)
	s.prepared = newPrepared()
	return nil
}

// openForReading opens a file that cannot be written.
func (s *Store) openForReading(ctx context.Context) (err error) {
	s.readOnly = true
	sqlite.StrictPragmas(true)
	params := []string{"mode=ro"}
	if wal, err := os.Stat(s.path + "-wal"); err != nil || wal.Size() == 0 {
		// Nobody has it open. Without this SQLite wants to make files beside it, where
		// writing is refused as well, as a rule.
		params = append(params, "immutable=1")
	}
	if s.read, err = sql.Open("sqlite", dsn(s.path, "cache_size(-16384)", "query_only(1)")+"&"+strings.Join(params, "&")); err != nil {
		return openError(s.path, err)
	}
	s.read.SetMaxOpenConns(8)
	s.read.SetMaxIdleConns(8)
	s.write = s.read // what is read through it, too
	if _, err := s.migrate(ctx); err != nil {
		return errors.Join(openError(s.path, err), s.Close())
	}
	return nil
}

// ReadOnly reports whether the database was opened for reading alone.
func (s *Store) ReadOnly() bool { return s.readOnly }

// Path returns the path that the store was opened with; of a URL without its
// password.
func (s *Store) Path() string {
	if s.postgres {
		return postgresPath(s.path)
	}
	return s.path
}

// Beside returns the path of a file that lies beside the database: with the ending
// added to its own path. PostgreSQL has no folder of ours: there it is the
// current folder.
func (s *Store) Beside(ending string) string {
	if s.postgres {
		return "dossier" + ending
	}
	return s.path + ending
}

// dir returns the folder for files that are too large for memory: that of the
// database, which has room for as much, or "", the system's.
func (s *Store) dir() string {
	if s.postgres {
		return ""
	}
	return filepath.Dir(s.path)
}

// Close ends all use of the database.
func (s *Store) Close() error {
	return errors.Join(s.watch.close(), s.read.Close(), s.write.Close())
}

func dsn(path string, pragmas ...string) string {
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // a drive letter
	}
	q := url.Values{"_txlock": {"immediate"}, "_dqs": {"0"}}
	q.Add("_pragma", fmt.Sprintf("busy_timeout(%d)", busyTimeout.Milliseconds()))
	q.Add("_pragma", "synchronous(normal)")
	q.Add("_pragma", "temp_store(memory)")
	// Checkpoints copy and sync: seldom is better while data is loaded.
	q.Add("_pragma", "wal_autocheckpoint(16000)")
	q.Add("_pragma", "journal_size_limit(67108864)")
	for _, p := range pragmas {
		q.Add("_pragma", p)
	}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
}

// errNotWritable marks the error of checkFile about a file that could be read.
var errNotWritable = errors.New("not writable")

// checkFile finds out what a driver would say less clearly.
func checkFile(path string, create bool) error {
	if path == "" {
		return &OpenError{Path: `""`, Msg: "no path given", Hint: "set --db or DOSSIER_DB to a file path"}
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		if !create {
			return &OpenError{Path: path, Msg: "there is no such file", Err: intel.ErrNotFound}
		}
		dir := filepath.Dir(path)
		if _, err := os.Stat(dir); err != nil {
			return &OpenError{Path: path, Msg: "its folder does not exist", Hint: "create " + dir + " first", Err: err}
		}
		f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return &OpenError{Path: path, Msg: "cannot be created", Hint: "no permission to write in " + dir + "? choose another place with --db", Err: err}
		}
		return f.Close()
	case err != nil:
		return &OpenError{Path: path, Msg: err.Error(), Err: err}
	case info.IsDir():
		return &OpenError{Path: path, Msg: "is a folder", Hint: "give --db the path of a file"}
	}
	f, notWritable := os.OpenFile(path, os.O_RDWR, 0)
	if notWritable != nil {
		if f, err = os.Open(path); err != nil {
			return &OpenError{Path: path, Msg: "cannot be read", Hint: "check the file's permissions", Err: err}
		}
	}
	defer f.Close()
	head := make([]byte, 16)
	n, _ := f.Read(head)
	if n > 0 && string(head[:n]) != "SQLite format 3\x00" {
		return &OpenError{Path: path, Msg: "is not a Dossier database", Hint: "to read data from it, use: dossier import " + path}
	}
	if notWritable != nil {
		return &OpenError{
			Path: path, Msg: "cannot be written", Hint: "check the file's permissions, or copy it elsewhere and use that with --db",
			Err: errors.Join(errNotWritable, notWritable),
		}
	}
	return nil
}

func openError(path string, err error) error {
	var open *OpenError
	if errors.As(err, &open) {
		return err
	}
	e := &OpenError{Path: path, Msg: err.Error(), Err: err}
	var se *sqlite.Error
	if errors.As(err, &se) {
		switch se.Code() & 0xff {
		case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
			e.Msg, e.Hint = "is locked by another process", "wait for its import to end, or stop it"
		case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
			e.Msg, e.Hint = "cannot be written", "check the permissions of the file and of its folder"
		case sqlite3.SQLITE_NOTADB:
			e.Msg, e.Hint = "is not a database", "choose another file with --db"
		case sqlite3.SQLITE_CORRUPT:
			e.Msg, e.Hint = "is damaged", "restore it from a backup"
		case sqlite3.SQLITE_FULL:
			e.Msg, e.Hint = "the disk is full", "make room and try again; what was there before is whole"
		case sqlite3.SQLITE_IOERR:
			if se.Code() == sqlite3.SQLITE_IOERR_SHMSIZE {
				e.Msg, e.Hint = "the disk is full", "make room and try again; what was there before is whole"
				break
			}
			e.Msg, e.Hint = "the disk cannot be read or written ("+err.Error()+")", "check the disk, its space and limits, and try again; what was there before is whole"
		}
	}
	return e
}

// Explain turns an error of a write into one that says what may help; errors
// that are not about the database itself come back as they are.
func (s *Store) Explain(err error) error {
	var pg *pgconn.PgError
	var lost *pgconn.ConnectError
	if errors.As(err, &pg) || errors.As(err, &lost) {
		return postgresError(s.path, err)
	}
	var se *sqlite.Error
	if err == nil || !errors.As(err, &se) {
		return err
	}
	switch se.Code() & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN,
		sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR:
		return openError(s.path, err)
	}
	return err
}
