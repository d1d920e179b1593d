package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"dossier/internal/testdb"

	"github.com/fxamacker/cbor/v2"
	"github.com/klauspost/compress/zstd"
)

// openAt opens what may be there already.
func openAt(t *testing.T, path string) *Store {
	t.Helper()
	s, _, err := Open(t.Context(), path, Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Now = func() time.Time { return randomNow }
	t.Cleanup(func() { s.Close() })
	return s
}

func backedUp(t *testing.T, s *Store) ([]byte, *Backup) {
	t.Helper()
	var b bytes.Buffer
	about, err := s.Backup(t.Context(), &b, "test", nil)
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), about
}

// sameTables fails unless both databases have the same rows in all tables.
func sameTables(t *testing.T, a, b *Store) {
	t.Helper()
	tables, err := a.tables(t.Context(), a.write)
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for _, table := range tables {
		x, y := dump(t, a, table.Table), dump(t, b, table.Table)
		rows += len(x)
		if !slices.Equal(x, y) {
			t.Errorf("%s: %d rows became %d:\n%.300s\n%.300s", table.Table, len(x), len(y), strings.Join(x, "\n"), strings.Join(y, "\n"))
		}
	}
	if len(tables) < 25 || rows < 300 {
		t.Errorf("%d tables with %d rows: not all were compared", len(tables), rows)
	}
}

// TestBackup moves data between databases of both kinds, as far as there are.
func TestBackup(t *testing.T) {
	// From the kind that the tests run on to a file, and from there to that kind.
	a := openAt(t, testdb.Path(t))
	r := rand.New(rand.NewPCG(1, 2))
	randomData(t, a, r)
	raw, about := backedUp(t, a)
	file := filepath.Join(t.TempDir(), "b.db")
	got, err := Restore(t.Context(), file, iotest.HalfReader(bytes.NewReader(raw)), nil)
	if err != nil {
		t.Fatal(err)
	}
	if *got != *about || about.Rows == 0 || about.Dossier != "test" {
		t.Errorf("made %+v, restored %+v", about, got)
	}
	b := openAt(t, file)
	sameTables(t, a, b)

	raw, _ = backedUp(t, b)
	back := testdb.Path(t)
	if _, err := Restore(t.Context(), back, bytes.NewReader(raw), nil); err != nil {
		t.Fatal(err)
	}
	c := openAt(t, back)
	sameTables(t, a, c)
	// It goes on from there, with all its indexes.
	randomData(t, c, r)
	for _, table := range []string{"indicator", "profile"} {
		if x, y := indexNames(t, a, table), indexNames(t, c, table); !slices.Equal(x, y) || len(x) == 0 {
			t.Errorf("indexes of %s: %v became %v", table, x, y)
		}
	}
	// What has data is not overwritten.
	for _, path := range []string{file, back} {
		if _, err := Restore(t.Context(), path, bytes.NewReader(raw), nil); !isOpenError(err) {
			t.Errorf("restored over %s: %v", path, err)
		}
	}
}

func isOpenError(err error) bool {
	var open *OpenError
	return errors.As(err, &open)
}

func indexNames(t *testing.T, s *Store, table string) (names []string) {
	t.Helper()
	err := s.inPlainTx(t.Context(), func(tx *sql.Tx) error {
		var err error
		names, err = s.dropIndexes(t.Context(), tx, table)
		return errors.Join(err, errRollback)
	})
	if !errors.Is(err, errRollback) {
		t.Fatal(err)
	}
	for i, n := range names {
		names[i] = strings.Fields(n)[2]
	}
	return names
}

// TestBackupWhileWriting: what is written during a backup is not in it, wholly.
func TestBackupWhileWriting(t *testing.T) {
	a := openAt(t, testdb.Path(t))
	r := rand.New(rand.NewPCG(3, 4))
	randomData(t, a, r)
	before, _ := backedUp(t, a)
	wrote := false
	var during bytes.Buffer
	// The backup's first bytes come when its snapshot is taken.
	w := writerFunc(func(p []byte) (int, error) {
		if !wrote {
			wrote = true
			randomData(t, a, r)
		}
		return during.Write(p)
	})
	if _, err := a.Backup(t.Context(), w, "test", nil); err != nil {
		t.Fatal(err)
	}
	if !wrote {
		t.Fatal("nothing was written meanwhile")
	}
	var list []*Store
	for i, raw := range [][]byte{before, during.Bytes()} {
		file := filepath.Join(t.TempDir(), string(rune('a'+i)))
		if _, err := Restore(t.Context(), file, bytes.NewReader(raw), nil); err != nil {
			t.Fatal(err)
		}
		list = append(list, openAt(t, file))
	}
	sameTables(t, list[0], list[1])
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// TestRestoreUpgrades restores a backup of the first schema: it becomes what the
// database itself becomes.
func TestRestoreUpgrades(t *testing.T) {
	packed, err := os.ReadFile("testdata/first.db.zst")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := decompress(packed)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "first.db")
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	old := &Store{path: path, Now: time.Now, budget: queryBudget, dialect: sqliteDialect}
	if err := old.connectSQLite(); err != nil {
		t.Fatal(err)
	}
	backup, about := backedUp(t, old)
	if about.Schema != 1 {
		t.Fatalf("a backup of schema %d", about.Schema)
	}
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	target := testdb.Path(t)
	if _, err := Restore(t.Context(), target, bytes.NewReader(backup), nil); err != nil {
		t.Fatal(err)
	}
	sameTables(t, openAt(t, path), openAt(t, target))
}

// TestDamagedBackups: each is refused, with what is wrong, and leaves nothing.
func TestDamagedBackups(t *testing.T) {
	a := openAt(t, filepath.Join(t.TempDir(), "a.db"))
	randomData(t, a, rand.New(rand.NewPCG(5, 6)))
	whole, _ := backedUp(t, a)
	plain := unzipped(t, whole)
	r := rand.New(rand.NewPCG(7, 8))

	cases := map[string][]byte{
		"empty": {}, "text": []byte("hello"), "another file": zipped(t, []byte("hello")),
		"no end":     zipped(t, plain[:len(plain)-1]),
		"other head": zipped(t, append(encode(t, backupHead{Format: "x"}), plain...)),
		"newer form": zipped(t, encode(t, backupHead{Format: backupFormat, Version: 2, Schema: 1})),
		"newer":      zipped(t, encode(t, backupHead{Format: backupFormat, Version: 1, Schema: 10_000})),
		"no tables":  zipped(t, encode(t, backupHead{Format: backupFormat, Version: 1, Schema: 1}, backupTail{SHA256: make([]byte, 32)})),
		"SQL in a name": zipped(t, encode(t, backupHead{Format: backupFormat, Version: 1, Schema: 1, Tables: 1},
			backupTable{"meta; DROP TABLE meta", []string{"key", "value"}}, nil, backupTail{})),
		"SQL in a column": zipped(t, encode(t, backupHead{Format: backupFormat, Version: 1, Schema: 1, Tables: 1},
			backupTable{"meta", []string{"key", "1); --"}}, nil, backupTail{})),
		"a nested value": zipped(t, encode(t, backupHead{Format: backupFormat, Version: 1, Schema: 1, Tables: 1},
			backupTable{"meta", []string{"key", "value"}}, []any{"a", []any{"b"}}, nil, backupTail{})),
		"a short row": zipped(t, encode(t, backupHead{Format: backupFormat, Version: 1, Schema: 1, Tables: 1},
			backupTable{"meta", []string{"key", "value"}}, []any{"a"}, nil, backupTail{})),
		"a long list": zipped(t, append(encode(t, backupHead{Format: backupFormat, Version: 1, Schema: 1, Tables: 1}), 0x9b, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff)),
	}
	for _, n := range []int{0, 1, 2, 3, 4, 5} {
		at := r.IntN(len(whole))
		cases["cut"+string(rune('0'+n))] = whole[:at]
		flipped := bytes.Clone(whole)
		flipped[at] ^= 1 << r.IntN(8)
		cases["flipped"+string(rune('0'+n))] = flipped
		changed := bytes.Clone(plain) // as by who can compress
		changed[len(changed)/7*(n+1)] ^= 1
		cases["changed"+string(rune('0'+n))] = zipped(t, changed)
	}
	for name, raw := range cases {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			_, err := Restore(t.Context(), filepath.Join(dir, "b.db"), bytes.NewReader(raw), nil)
			if err == nil {
				t.Fatal("restored")
			}
			if left, _ := os.ReadDir(dir); len(left) != 0 {
				t.Errorf("left %v after: %v", left, err)
			}
			var damaged *BackupError
			if _, err := CheckBackup(bytes.NewReader(raw), nil); !errors.As(err, &damaged) && name != "SQL in a name" && name != "SQL in a column" && name != "no tables" {
				t.Errorf("checked: %v", err)
			}
		})
	}
	if _, err := CheckBackup(bytes.NewReader(whole), nil); err != nil {
		t.Error(err)
	}
}

// TestFailedRestoreToPostgres leaves nothing in the way of the next.
func TestFailedRestoreToPostgres(t *testing.T) {
	if !testdb.Postgres() {
		t.Skip("needs PostgreSQL: set " + testdb.Variable)
	}
	a := openAt(t, filepath.Join(t.TempDir(), "a.db"))
	randomData(t, a, rand.New(rand.NewPCG(9, 10)))
	whole, _ := backedUp(t, a)
	target := testdb.Path(t)
	for _, end := range []int{len(whole) / 2, len(whole) - 3} {
		if _, err := Restore(t.Context(), target, bytes.NewReader(whole[:end]), nil); err == nil {
			t.Fatal("restored")
		}
	}
	stop, cancel := context.WithCancel(t.Context())
	r := io.MultiReader(bytes.NewReader(whole[:len(whole)/2]), readerFunc(func([]byte) (int, error) { cancel(); return 0, context.Canceled }))
	if _, err := Restore(stop, target, r, nil); err == nil {
		t.Fatal("restored")
	}
	if _, err := Restore(t.Context(), target, bytes.NewReader(whole), nil); err != nil {
		t.Fatal(err)
	}
	sameTables(t, a, openAt(t, target))
}

// errRollback ends a transaction that was only to look.
var errRollback = errors.New("looked")

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func encode(t *testing.T, items ...any) []byte {
	t.Helper()
	var b bytes.Buffer
	for _, v := range items {
		if err := cbor.NewEncoder(&b).Encode(v); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

func zipped(t *testing.T, raw []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	return w.EncodeAll(raw, nil)
}

func unzipped(t *testing.T, packed []byte) []byte {
	t.Helper()
	r, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	raw, err := r.DecodeAll(packed, nil)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
