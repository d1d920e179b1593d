package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"dossier/internal/intel"
	"dossier/internal/observable"
)

//go:embed schema/*.sql
var schemaFiles embed.FS

// applicationID marks a SQLite file as Dossier's ("DOSS"), in its header.
const applicationID = 0x444f5353

// versions are kept in meta: what values were folded and canonicalised with.
var versions = map[string]string{
	"observable": strconv.Itoa(observable.Version),
	"name_key":   strconv.Itoa(intel.NameKeyVersion),
	"compare":    strconv.Itoa(foldVersion),
	"grams":      strconv.Itoa(gramVersion),
}

// upgrades compute what a schema file leaves to the program, in the same
// transaction, by the number of the file.
var upgrades = map[int]func(context.Context, *sql.Tx) error{2: fillQuery, 7: fillIndicators, 9: fillAssertions, 16: fillGrams, 17: fillMoments}

// migrate brings the schema up to date, a file at a time, each in a
// transaction, and reports whether the database was empty before.
func (s *Store) migrate(ctx context.Context) (isNew bool, err error) {
	files, err := schemaNames()
	if err != nil {
		return false, err
	}
	have, err := s.migrateTo(ctx, len(files))
	if err != nil {
		return false, err
	}
	if have == 0 {
		return true, nil
	}
	return false, s.checkVersions(ctx)
}

// schemaNames returns the schema files, in their order.
func schemaNames() ([]string, error) { return fs.Glob(schemaFiles, "schema/*.sql") }

// migrateTo applies schema files until there are so many, and returns how many
// the database had.
func (s *Store) migrateTo(ctx context.Context, want int) (have int, err error) {
	if have, err = s.schemaVersion(ctx); err != nil {
		return 0, err
	}
	files, err := schemaNames()
	if err != nil {
		return 0, err
	}
	if have > len(files) {
		return 0, &OpenError{
			Path: s.Path(), Msg: fmt.Sprintf("was made by a newer Dossier (schema %d; this one knows %d)", have, len(files)),
			Hint: "use that version, or a newer one",
		}
	}
	if have == 0 && s.readOnly {
		return 0, &OpenError{Path: s.Path(), Msg: "is empty, and cannot be written", Hint: "choose another file with --db"}
	}
	if have < want && s.readOnly {
		return 0, &OpenError{
			Path: s.Path(), Msg: fmt.Sprintf("cannot be written, and was made by an older Dossier (schema %d; this one needs %d)", have, want),
			Hint: "copy it elsewhere and use that with --db, or let somebody who may write it run this version once",
		}
	}
	for i := have; i < want; i++ {
		if err := s.migrateFile(ctx, files[i], i+1); err != nil {
			return 0, fmt.Errorf("schema %d: %w", i+1, err)
		}
	}
	return have, nil
}

// schemaVersion returns how many schema files the database has, 0 if it is empty.
// The error says that it is another program's.
func (s *Store) schemaVersion(ctx context.Context) (have int, err error) {
	if s.postgres {
		return s.postgresVersion(ctx)
	}
	var app, tables int
	for query, dest := range map[string]*int{"PRAGMA user_version": &have, "PRAGMA application_id": &app, "SELECT COUNT(*) FROM sqlite_schema": &tables} {
		if err := s.write.QueryRowContext(ctx, query).Scan(dest); err != nil {
			return 0, err
		}
	}
	if app != applicationID && tables > 0 {
		return 0, &OpenError{Path: s.path, Msg: "is a database of another program", Hint: "choose another file with --db"}
	}
	return have, nil
}

func (s *Store) migrateFile(ctx context.Context, file string, version int) error {
	text, err := schemaFiles.ReadFile(file)
	if err != nil {
		return err
	}
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	return finish(tx, func() error {
		// Another process may have been faster.
		if have, err := s.lockedVersion(ctx, tx); err != nil || have >= version {
			return err
		}
		for _, stmt := range statements(string(text)) {
			if s.postgres {
				stmt = postgresSchema(stmt)
			}
			if _, err := tx.ExecContext(ctx, stmt); err != nil {
				return fmt.Errorf("%w in: %s", err, stmt)
			}
		}
		if upgrade := upgrades[version]; upgrade != nil {
			if err := upgrade(ctx, tx); err != nil {
				return err
			}
		}
		if version == 1 {
			if err := setMeta(ctx, tx, metaForm, derivedForm); err != nil {
				return err
			}
			for k, v := range versions {
				if _, err := tx.ExecContext(ctx, "INSERT INTO meta (key, value) VALUES (?, ?)", "version."+k, v); err != nil {
					return err
				}
			}
			// The row by which writers take turns, where the database lets several write.
			if _, err := tx.ExecContext(ctx, "INSERT INTO head (id, position) VALUES (?, 0)", turnRow); err != nil {
				return err
			}
		}
		return s.setVersion(ctx, tx, version)
	})
}

// lockedVersion is schemaVersion within a transaction that nobody else can be in.
func (s *Store) lockedVersion(ctx context.Context, tx *sql.Tx) (have int, err error) {
	query := "PRAGMA user_version"
	if s.postgres {
		query = "SELECT version FROM dossier_schema WHERE id = 1 FOR UPDATE"
	}
	err = tx.QueryRowContext(ctx, query).Scan(&have)
	return have, err
}

func (s *Store) setVersion(ctx context.Context, tx *sql.Tx, version int) error {
	if s.postgres {
		_, err := tx.ExecContext(ctx, "UPDATE dossier_schema SET version = ? WHERE id = 1", version)
		return err
	}
	for _, pragma := range []string{fmt.Sprintf("PRAGMA application_id = %d", applicationID), fmt.Sprintf("PRAGMA user_version = %d", version)} {
		if _, err := tx.ExecContext(ctx, pragma); err != nil {
			return err
		}
	}
	return nil
}

// checkVersions refuses a database whose values were folded or canonicalised by
// other rules than this program's: look-ups would miss them.
func (s *Store) checkVersions(ctx context.Context) error {
	for k, want := range versions {
		got, err := s.meta(ctx, "version."+k)
		if err != nil {
			return err
		}
		if got != want {
			return &OpenError{
				Path: s.path, Msg: fmt.Sprintf("holds values in form %q of version %s; this Dossier writes version %s", k, got, want),
				Hint: "import its sources into a new database",
			}
		}
	}
	return nil
}

// statements splits a schema file: statements end with ";" at a line's end,
// lines that begin with "--" are comments.
func statements(text string) []string {
	var kept []string
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(strings.TrimSpace(line), "--") {
			kept = append(kept, line)
		}
	}
	var out []string
	for _, stmt := range strings.Split(strings.Join(kept, ""), ";\n") {
		if stmt = strings.TrimSpace(stmt); stmt != "" {
			out = append(out, stmt)
		}
	}
	return out
}

// turnRow is the row of head that writers lock first.
const turnRow = 2

// begin starts a write transaction. It waits until it is the only one, in this
// process and in all others.
func (s *Store) begin(ctx context.Context) (*sql.Tx, error) {
	defer s.noticeWait()()
	tx, err := s.write.BeginTx(ctx, nil) // in SQLite it locks the database
	if err != nil || !s.postgres {
		return tx, err
	}
	if _, err := tx.ExecContext(ctx, "UPDATE head SET position = position + 1 WHERE id = ?", turnRow); err != nil {
		return nil, errors.Join(err, tx.Rollback())
	}
	return tx, nil
}

// waitNoticed is how long a writer waits before it says so.
const waitNoticed = 1500 * time.Millisecond

// noticeWait calls Waiting unless what it returns is called in time.
func (s *Store) noticeWait() (stop func()) {
	if s.Waiting == nil {
		return func() {}
	}
	t := time.AfterFunc(waitNoticed, s.Waiting)
	return func() { t.Stop() }
}

// inTx runs f in a write transaction; an error of f rolls it back.
func (s *Store) inTx(ctx context.Context, f func(*sql.Tx) error) error {
	tx, err := s.begin(ctx)
	if err != nil {
		return err
	}
	err = finish(tx, func() error { return f(tx) })
	s.writes.Add(1)
	return err
}

// finish commits what f did, or rolls it back if it failed.
func finish(tx *sql.Tx, f func() error) (err error) {
	defer func() {
		if err != nil {
			if rollback := tx.Rollback(); rollback != nil && !errors.Is(rollback, sql.ErrTxDone) {
				err = errors.Join(err, rollback)
			}
		}
	}()
	if err := f(); err != nil {
		return err
	}
	return tx.Commit()
}

func (s *Store) meta(ctx context.Context, key string) (string, error) {
	var v string
	err := s.write.QueryRowContext(ctx, "SELECT value FROM meta WHERE key = ?", key).Scan(&v)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return v, err
}

// nextPosition takes the transaction's place in the one order of changes, for
// about so many things that change. It must be the last thing before the commit that
// other writers can wait for.
func nextPosition(ctx context.Context, tx *sql.Tx, now intel.Time, things int) (int64, error) {
	if _, err := tx.ExecContext(ctx, "UPDATE head SET position = position + 1 WHERE id = 1"); err != nil {
		return 0, err
	}
	var p int64
	if err := tx.QueryRowContext(ctx, "SELECT position FROM head WHERE id = 1").Scan(&p); err != nil {
		return 0, err
	}
	if _, err := tx.ExecContext(ctx, "INSERT INTO moment (position, at) VALUES (?, ?)", p, int64(now)); err != nil {
		return 0, err
	}
	return p, date(ctx, tx, p, now, things)
}

// Head returns the position of the last change that was committed. Callers poll
// it to learn that another process wrote.
func (s *Store) Head(ctx context.Context) (int64, error) {
	var p int64
	err := s.read.QueryRowContext(ctx, "SELECT position FROM head WHERE id = 1").Scan(&p)
	return p, err
}
