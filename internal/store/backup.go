package store

import (
	"bufio"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"dossier/internal/intel"

	"github.com/fxamacker/cbor/v2"
	"github.com/jackc/pgx/v5"
	"github.com/klauspost/compress/zstd"
)

// A backup is a sequence of CBOR items (RFC 8742), compressed with zstd: a head, then
// for each table its name and columns, its rows as arrays in the order of the
// columns, and a null; at the end a tail. Values are integers, text, bytes and nulls,
// which mean the same in every database. What is computed is in it as well, so that a
// restored installation answers with the same bytes, and its deltas go on.
const (
	backupFormat  = "dossier-backup"
	backupVersion = 1
)

// backupHead says what the rest is. Schema is the number of schema files that made
// the tables.
type backupHead struct {
	Format  string     `cbor:"format"`
	Version int        `cbor:"version"`
	Schema  int        `cbor:"schema"`
	Dossier string     `cbor:"dossier"` // the program that wrote it
	Made    intel.Time `cbor:"made"`
	Tables  int        `cbor:"tables"`
}

type backupTable struct {
	Table   string   `cbor:"table"`
	Columns []string `cbor:"columns"`
}

// backupTail proves that the file is whole: SHA-256 is of the bytes before it,
// uncompressed.
type backupTail struct {
	Rows   int64  `cbor:"rows"`
	SHA256 []byte `cbor:"sha256"`
}

// A Backup tells what a backup holds.
type Backup struct {
	Made    time.Time `json:"made"`
	Dossier string    `json:"dossier"` // the version of the program that made it
	Schema  int       `json:"schema"`
	Tables  int       `json:"tables"`
	Rows    int64     `json:"rows"`
	SHA256  string    `json:"sha256"` // of the content, uncompressed
}

// A BackupProgress is told now and then while a backup is written or read.
type BackupProgress struct {
	Table string
	Rows  int64 // of all tables so far
}

// progressRows is after how many rows progress is told.
const progressRows = 10_000

// Backup writes the whole database to w, as it is at one moment: others may read and
// write meanwhile. program is the version that the backup names as its maker.
// Memory does not grow with the data. What is written without a nil error is no backup.
func (s *Store) Backup(ctx context.Context, w io.Writer, program string, progress func(BackupProgress)) (*Backup, error) {
	options := &sql.TxOptions{ReadOnly: true}
	if s.postgres {
		options.Isolation = sql.LevelRepeatableRead
	}
	tx, err := s.read.BeginTx(ctx, options)
	if err != nil {
		return nil, err
	}
	defer tx.Rollback() //nolint:errcheck // nothing was written
	tables, err := s.tables(ctx, tx)
	if err != nil {
		return nil, err
	}
	version := "PRAGMA user_version"
	if s.postgres {
		version = "SELECT version FROM dossier_schema WHERE id = 1"
	}
	out := &Backup{Made: s.Now().UTC().Truncate(time.Millisecond), Dossier: program, Tables: len(tables)}
	if err := tx.QueryRowContext(ctx, version).Scan(&out.Schema); err != nil {
		return nil, err
	}
	packed, err := zstd.NewWriter(w)
	if err != nil {
		return nil, err
	}
	defer packed.Close()
	sum := sha256.New()
	buffered := bufio.NewWriterSize(io.MultiWriter(packed, sum), 1<<16)
	enc := cbor.NewEncoder(buffered)
	head := backupHead{backupFormat, backupVersion, out.Schema, program, intel.TimeOf(out.Made), len(tables)}
	if err := enc.Encode(head); err != nil {
		return nil, err
	}
	for _, t := range tables {
		if err := enc.Encode(t); err != nil {
			return nil, err
		}
		if err := dumpTable(ctx, tx, enc, t, func() {
			if out.Rows++; out.Rows%progressRows == 0 && progress != nil {
				progress(BackupProgress{t.Table, out.Rows})
			}
		}); err != nil {
			return nil, fmt.Errorf("table %s: %w", t.Table, err)
		}
	}
	if err := buffered.Flush(); err != nil {
		return nil, err
	}
	digest := sum.Sum(nil)
	out.SHA256 = hex.EncodeToString(digest)
	if err := cbor.NewEncoder(packed).Encode(backupTail{out.Rows, digest}); err != nil {
		return nil, err
	}
	return out, packed.Close()
}

// dumpTable writes the rows of a table and the null after them.
func dumpTable(ctx context.Context, tx *sql.Tx, enc *cbor.Encoder, t backupTable, wrote func()) error {
	rows, err := tx.QueryContext(ctx, "SELECT "+strings.Join(t.Columns, ", ")+" FROM "+t.Table)
	if err != nil {
		return err
	}
	defer rows.Close()
	row := make([]any, len(t.Columns))
	into := make([]any, len(row))
	for i := range row {
		into[i] = &row[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		for i, v := range row {
			if b, ok := v.([]byte); ok && b == nil {
				row[i] = []byte{} // no bytes are not NULL
			}
		}
		if err := enc.Encode(row); err != nil {
			return err
		}
		wrote()
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return enc.Encode(nil)
}

// tables returns the tables of the schema with their columns, in the order of names.
func (s *Store) tables(ctx context.Context, q interface {
	QueryContext(context.Context, string, ...any) (*sql.Rows, error)
},
) ([]backupTable, error) {
	query := `SELECT t.name, c.name FROM sqlite_schema AS t JOIN pragma_table_info(t.name) AS c
		WHERE t.type = 'table' AND SUBSTR(t.name, 1, 7) <> 'sqlite_' ORDER BY t.name, c.cid`
	if s.postgres {
		query = `SELECT c.table_name, c.column_name FROM information_schema.columns AS c
			JOIN information_schema.tables AS t ON t.table_schema = c.table_schema AND t.table_name = c.table_name
			WHERE c.table_schema = current_schema() AND t.table_type = 'BASE TABLE' AND c.table_name <> 'dossier_schema'
			ORDER BY c.table_name COLLATE "C", c.ordinal_position`
	}
	rows, err := q.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []backupTable
	for rows.Next() {
		var table, column string
		if err := rows.Scan(&table, &column); err != nil {
			return nil, err
		}
		if n := len(out); n == 0 || out[n-1].Table != table {
			out = append(out, backupTable{Table: table})
		}
		t := &out[len(out)-1]
		t.Columns = append(t.Columns, column)
	}
	return out, rows.Err()
}

// A BackupError says why a file cannot be restored. Nothing was changed.
type BackupError struct {
	Msg string
	Err error
}

func (e *BackupError) Error() string {
	if e.Err != nil {
		return e.Msg + ": " + e.Err.Error()
	}
	return e.Msg
}

// Unwrap returns the cause, if there is one.
func (e *BackupError) Unwrap() error { return e.Err }

// CheckBackup reads a backup to its end. The error, a *[BackupError], says what is
// wrong with it.
func CheckBackup(r io.Reader, progress func(BackupProgress)) (*Backup, error) {
	in, err := openBackup(r, progress)
	if err != nil {
		return nil, err
	}
	defer in.close()
	for range in.about.Tables {
		var t backupTable
		if err := in.next(&t); err != nil {
			return nil, err
		}
		blob := make([]bool, len(t.Columns))
		for {
			row, err := in.row(t, blob)
			if err != nil {
				return nil, err
			}
			if row == nil {
				break
			}
		}
	}
	return &in.about, in.finish()
}

// Restore makes the database at path, a file that does not exist or an empty
// PostgreSQL database, of a backup from either kind, and brings its schema up to
// date. It is all or nothing: after an error, or when it was killed, there is no
// database, and it may be tried again. Errors about the backup are of type
// *[BackupError], those about the database of type *[OpenError].
func Restore(ctx context.Context, path string, r io.Reader, progress func(BackupProgress)) (*Backup, error) {
	in, err := openBackup(r, progress)
	if err != nil {
		return nil, err
	}
	defer in.close()
	if isPostgres(path) {
		err = in.intoPostgres(ctx, path)
	} else {
		err = in.intoFile(ctx, path)
	}
	if err != nil {
		return nil, err
	}
	return &in.about, nil
}

// A backupReader reads a backup.
type backupReader struct {
	packed   *zstd.Decoder
	items    *cbor.Decoder
	sum      *prefixSum
	about    Backup
	progress func(BackupProgress)
}

// Limits of what is read of a backup: of one text or list of bytes, and of lists.
const (
	backupMaxElements = 1 << 16
	backupMemory      = 256 << 20
)

func openBackup(r io.Reader, progress func(BackupProgress)) (*backupReader, error) {
	packed, err := zstd.NewReader(r, zstd.WithDecoderMaxMemory(backupMemory))
	if err != nil {
		return nil, err
	}
	in := &backupReader{packed: packed, sum: &prefixSum{r: packed, hash: sha256.New()}, progress: progress}
	mode, err := cbor.DecOptions{
		MaxArrayElements: backupMaxElements, MaxMapPairs: 64, MaxNestedLevels: 8, IntDec: cbor.IntDecConvertSignedOrFail,
		DefaultMapType: reflect.TypeFor[map[string]any](), IndefLength: cbor.IndefLengthForbidden, TagsMd: cbor.TagsForbidden,
	}.DecMode()
	if err != nil {
		return nil, err
	}
	in.items = mode.NewDecoder(in.sum)
	var head backupHead
	if err := in.next(&head); err != nil || head.Format != backupFormat {
		packed.Close()
		return nil, &BackupError{Msg: "this is no backup of Dossier", Err: err}
	}
	files, err := schemaNames()
	if err != nil {
		packed.Close()
		return nil, err
	}
	if head.Version != backupVersion || head.Schema > len(files) || head.Schema < 1 {
		packed.Close()
		return nil, &BackupError{Msg: fmt.Sprintf("the backup was made by a newer Dossier, %s (form %d, schema %d; this one reads form %d and schemas up to %d)",
			head.Dossier, head.Version, head.Schema, backupVersion, len(files))}
	}
	in.about = Backup{Made: head.Made.Std(), Dossier: head.Dossier, Schema: head.Schema, Tables: head.Tables}
	return in, nil
}

func (in *backupReader) close() { in.packed.Close() }

// next decodes an item. The error says where.
func (in *backupReader) next(v any) error {
	err := in.items.Decode(v)
	if err == nil {
		return nil
	}
	at := in.items.NumBytesRead()
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return &BackupError{Msg: fmt.Sprintf("the backup ends after %d bytes (uncompressed), before its end", at), Err: io.ErrUnexpectedEOF}
	}
	return &BackupError{Msg: fmt.Sprintf("the backup is damaged at byte %d (uncompressed)", at), Err: err}
}

// load fills the tables of an empty database.
func (in *backupReader) load(ctx context.Context, s *Store, conn *sql.Conn) error {
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	return finish(tx, func() error {
		tables, err := s.tables(ctx, tx)
		if err != nil {
			return err
		}
		columns := map[string][]string{}
		for _, t := range tables {
			columns[t.Table] = t.Columns
			if _, err := tx.ExecContext(ctx, "DELETE FROM "+t.Table); err != nil {
				return err
			}
		}
		for range in.about.Tables {
			var t backupTable
			if err := in.next(&t); err != nil {
				return err
			}
			if err := fits(t, columns[t.Table]); err != nil {
				return err
			}
			delete(columns, t.Table) // no table comes twice
			again, err := s.dropIndexes(ctx, tx, t.Table)
			if err != nil {
				return err
			}
			if err := in.loadTable(ctx, s, conn, tx, t); err != nil {
				return fmt.Errorf("table %s: %w", t.Table, err)
			}
			for _, stmt := range again {
				if _, err := tx.ExecContext(ctx, stmt); err != nil {
					return err
				}
			}
		}
		if len(columns) > 0 {
			return &BackupError{Msg: fmt.Sprintf("the backup lacks %d of the tables of its schema", len(columns))}
		}
		return in.finish()
	})
}

// fits checks that a table of the backup is the one of the schema: names go into
// statements.
func fits(t backupTable, have []string) error {
	if have == nil {
		return &BackupError{Msg: fmt.Sprintf("the backup has a table %q that its schema has not, or twice", t.Table)}
	}
	known := map[string]bool{}
	for _, c := range have {
		known[c] = true
	}
	for _, c := range t.Columns {
		if !known[c] {
			return &BackupError{Msg: fmt.Sprintf("the backup has a column %s.%s that its schema has not, or twice", t.Table, c)}
		}
		delete(known, c)
	}
	if len(known) > 0 {
		return &BackupError{Msg: fmt.Sprintf("the backup lacks %d columns of %s", len(known), t.Table)}
	}
	return nil
}

// finish reads the tail.
func (in *backupReader) finish() error {
	want := in.sum.at(int64(in.items.NumBytesRead()))
	var tail backupTail
	if err := in.next(&tail); err != nil {
		return err
	}
	if tail.Rows != in.about.Rows || string(tail.SHA256) != string(want) {
		return &BackupError{Msg: "the backup is damaged: its content is not what its end says"}
	}
	in.about.SHA256 = hex.EncodeToString(want)
	return nil
}

// row returns the next row of a table, nil after the last.
func (in *backupReader) row(t backupTable, blob []bool) ([]any, error) {
	var row []any
	if err := in.next(&row); err != nil || row == nil {
		return nil, err
	}
	if len(row) != len(t.Columns) {
		return nil, &BackupError{Msg: fmt.Sprintf("row %d of the backup has %d values for %d columns", in.about.Rows+1, len(row), len(t.Columns))}
	}
	for i, v := range row {
		switch v := v.(type) {
		case nil, int64:
		case string:
			if blob[i] {
				row[i] = []byte(v)
			}
		case []byte:
			if !blob[i] {
				row[i] = string(v)
			}
		default:
			return nil, &BackupError{Msg: fmt.Sprintf("row %d of the backup has a %T in %s.%s", in.about.Rows+1, v, t.Table, t.Columns[i])}
		}
	}
	if in.about.Rows++; in.about.Rows%progressRows == 0 && in.progress != nil {
		in.progress(BackupProgress{t.Table, in.about.Rows})
	}
	return row, nil
}

func (in *backupReader) loadTable(ctx context.Context, s *Store, conn *sql.Conn, tx *sql.Tx, t backupTable) error {
	blob, err := blobs(ctx, tx, t)
	if err != nil {
		return err
	}
	if s.postgres {
		_, err := copyFrom(ctx, conn, t.Table, t.Columns, func() ([]any, error) { return in.row(t, blob) })
		return err
	}
	b := newBulk(ctx, tx, "INSERT INTO "+t.Table+" ("+strings.Join(t.Columns, ", ")+") VALUES", len(t.Columns), "")
	for {
		row, err := in.row(t, blob)
		if err != nil {
			return err
		}
		if row == nil {
			return b.flush()
		}
		if err := b.add(row...); err != nil {
			return err
		}
	}
}

// blobs says which columns hold bytes.
func blobs(ctx context.Context, tx *sql.Tx, t backupTable) ([]bool, error) {
	rows, err := tx.QueryContext(ctx, "SELECT "+strings.Join(t.Columns, ", ")+" FROM "+t.Table+" WHERE 1 = 0")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	types, err := rows.ColumnTypes()
	if err != nil {
		return nil, err
	}
	out := make([]bool, len(types))
	for i, c := range types {
		out[i] = c.DatabaseTypeName() == "BLOB" || c.DatabaseTypeName() == "BYTEA"
	}
	return out, rows.Err()
}

// copyFrom loads rows into a table of PostgreSQL by COPY, within the transaction of
// the connection. next returns nil after the last row.
func copyFrom(ctx context.Context, conn *sql.Conn, table string, columns []string, next func() ([]any, error)) (n int64, err error) {
	err = conn.Raw(func(dc any) error {
		c, ok := dc.(*reboundConn)
		if !ok {
			return fmt.Errorf("unexpected connection %T", dc)
		}
		n, err = c.Conn.Conn().CopyFrom(ctx, pgx.Identifier{table}, columns, pgx.CopyFromFunc(next))
		return err
	})
	return n, err
}

// intoFile makes an SQLite database, under another name until it is whole.
func (in *backupReader) intoFile(ctx context.Context, path string) (err error) {
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		if err != nil {
			return &OpenError{Path: path, Msg: err.Error(), Err: err}
		}
		return &OpenError{Path: path, Msg: "exists already", Hint: "move it away, or restore to another file with --db"}
	}
	part := path + ".restoring"
	remove := func() {
		for _, end := range []string{"", "-wal", "-shm"} {
			_ = os.Remove(part + end)
		}
	}
	remove() // of a restore that was killed
	if err := checkFile(part, true); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			remove()
		}
	}()
	s := &Store{path: part, Now: time.Now, budget: queryBudget, dialect: sqliteDialect}
	if err := s.connectSQLite(); err != nil {
		return err
	}
	if err := in.into(ctx, s); err != nil {
		return errors.Join(s.Explain(err), s.Close())
	}
	if _, err := s.write.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		return errors.Join(s.Explain(err), s.Close())
	}
	if err := s.Close(); err != nil {
		return err
	}
	if err := os.Rename(part, path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// into makes the schema of the backup, loads it and brings it up to date.
func (in *backupReader) into(ctx context.Context, s *Store) error {
	if _, err := s.migrateTo(ctx, in.about.Schema); err != nil {
		return err
	}
	if !s.postgres {
		// What an index is sorted in is as large as the index.
		if err := s.sortIn(ctx, "file"); err != nil {
			return err
		}
	}
	conn, err := s.write.Conn(ctx)
	if err != nil {
		return err
	}
	if err := errors.Join(in.load(ctx, s, conn), conn.Close()); err != nil {
		return err
	}
	_, err = s.migrate(ctx)
	return err
}

// intoPostgres fills an empty database. A failed restore leaves tables that hold
// nothing, which the next one replaces.
func (in *backupReader) intoPostgres(ctx context.Context, path string) (err error) {
	s := &Store{path: path, Now: time.Now, budget: queryBudget, dialect: postgresDialect}
	if s.write, s.read, err = openPostgres(path); err != nil {
		return postgresError(path, err)
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if err := s.dropBlank(ctx); err != nil {
		return postgresError(path, err)
	}
	if err := in.into(ctx, s); err != nil {
		cleanup := s.dropTables(context.WithoutCancel(ctx))
		var damaged *BackupError
		if errors.As(err, &damaged) {
			return errors.Join(err, cleanup)
		}
		return errors.Join(postgresError(path, err), cleanup)
	}
	_, err = s.write.ExecContext(ctx, "ANALYZE")
	return err
}

// filled are the tables that only an installation that was used has rows in.
var filled = []string{"record", "evidence", "client", "publisher", "feed"}

// dropBlank drops the tables of a database that nothing was ever written to.
func (s *Store) dropBlank(ctx context.Context) error {
	have, err := s.schemaVersion(ctx)
	if err != nil || have == 0 {
		return err
	}
	tables, err := s.tables(ctx, s.write)
	if err != nil {
		return err
	}
	for _, t := range tables {
		if !slices.Contains(filled, t.Table) {
			continue
		}
		var n int
		if err := s.write.QueryRowContext(ctx, "SELECT COUNT(*) FROM (SELECT 1 FROM "+t.Table+" LIMIT 1) AS x").Scan(&n); err != nil {
			return err
		}
		if n > 0 {
			return &OpenError{Path: s.Path(), Msg: "has a Dossier in it already", Hint: "use an empty database, or another schema: ?search_path=dossier2"}
		}
	}
	return s.dropTables(ctx)
}

func (s *Store) dropTables(ctx context.Context) error {
	return s.inPlainTx(ctx, func(tx *sql.Tx) error {
		tables, err := s.tables(ctx, tx)
		if err != nil {
			return err
		}
		for _, t := range tables {
			if _, err := tx.ExecContext(ctx, "DROP TABLE "+t.Table); err != nil {
				return err
			}
		}
		return s.setVersion(ctx, tx, 0)
	})
}

// inPlainTx is inTx where there may be no table to take turns by.
func (s *Store) inPlainTx(ctx context.Context, f func(*sql.Tx) error) error {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	return finish(tx, func() error { return f(tx) })
}

// syncDir makes a rename in a folder last. Systems that cannot do that are not at
// fault.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	_ = d.Sync()
	return d.Close()
}

// A prefixSum hashes what is read through it and can tell the hash of what lay
// before a position that is at most one read back.
type prefixSum struct {
	r    io.Reader
	hash hash.Hash
	last []byte // the newest piece, not hashed yet
	n    int64  // bytes hashed
}

func (p *prefixSum) Read(b []byte) (int, error) {
	p.hash.Write(p.last)
	p.n += int64(len(p.last))
	n, err := p.r.Read(b)
	p.last = append(p.last[:0], b[:n]...)
	return n, err
}

// at returns the hash of the first n bytes. Nothing can be hashed after it.
func (p *prefixSum) at(n int64) []byte {
	if k := n - p.n; k > 0 && k <= int64(len(p.last)) {
		p.hash.Write(p.last[:k])
	}
	return p.hash.Sum(nil)
}
