package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"dossier/internal/store"

	"github.com/spf13/cobra"
)

func (a *app) backupCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "backup FILE|-", Short: "Write everything to one file, while serving",
		Long: `Backup writes the whole database to one file: as it is at one moment, while
servers and imports go on. The file fits every kind of database: what was SQLite
can be restored to PostgreSQL and back, with the same answers.

The key that seals the keys of tokens is not in it, so that who has the backup
cannot make tokens. Without that key a restored server makes new ones, and
clients ask for a token again. The audit and the allow-list are files of their
own; back them up with your other files.`,
		Example: "  dossier backup dossier-2026-11-24.backup\n  dossier --db postgres://dossier@db/dossier backup - | ssh backup 'cat > dossier.backup'",
		Args:    cobra.ExactArgs(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return a.backup(cmd.Context(), args[0]) },
	}
	a.jsonFlag(cmd)
	return cmd
}

func (a *app) backup(ctx context.Context, file string) (err error) {
	s, _, err := store.Open(ctx, a.db, store.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	var written int64
	write := func(w io.Writer) (*store.Backup, error) {
		counted := &countedWriter{w: w}
		b, err := s.Backup(ctx, counted, buildVersion(), func(p store.BackupProgress) {
			a.err.showProgress(fmt.Sprintf("%s  %s rows  %s", p.Table, number(int(p.Rows)), size(counted.n)))
		})
		written = counted.n
		return b, s.Explain(err)
	}
	var b *store.Backup
	if file == "-" {
		b, err = write(a.out)
	} else {
		b, err = toFile(file, write)
	}
	a.err.clearProgress()
	switch {
	case err != nil:
		return err
	case a.json && file != "-":
		return a.printJSON(b)
	}
	_, err = fmt.Fprintf(a.err, "%s, %s, of %s: SHA-256 of the content %s\n", size(written), count(int(b.Rows), "row"), s.Path(), b.SHA256)
	return err
}

// toFile lets write fill a file that has its name only once it is whole.
func toFile[T any](path string, write func(io.Writer) (T, error)) (out T, err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // readable by its owner only
	if err != nil {
		return out, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	if out, err = write(f); err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return out, err
	}
	return out, os.Rename(f.Name(), path)
}

// A countedWriter counts what goes through it.
type countedWriter struct {
	w io.Writer
	n int64
}

func (c *countedWriter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

// A countedReader counts what goes through it, and ends when the context does.
type countedReader struct {
	ctx context.Context
	r   io.Reader
	n   int64
}

func (c *countedReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

func (a *app) restoreCommand() *cobra.Command {
	var check bool
	cmd := &cobra.Command{
		Use: "restore FILE|-", Short: "Make a database of a backup",
		Long: `Restore makes the database that --db names of a backup: a file that does not
exist yet, or an empty PostgreSQL database. All or nothing: if it fails or is
stopped there is no database, and it can be tried again. A backup of an older
Dossier is brought up to date; one of a newer is refused.`,
		Example: "  dossier restore dossier-2026-11-24.backup --db new.db\n  dossier restore dossier-2026-11-24.backup --db postgres://dossier@db/dossier\n  dossier restore --check dossier-2026-11-24.backup",
		Args:    cobra.ExactArgs(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return a.restore(cmd.Context(), args[0], check) },
	}
	cmd.Flags().BoolVar(&check, "check", false, "only read the backup to its end and say whether it is whole")
	a.jsonFlag(cmd)
	return cmd
}

func (a *app) restore(ctx context.Context, file string, check bool) error {
	in, total := io.Reader(a.in), int64(0)
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return err
		}
		defer f.Close()
		if info, err := f.Stat(); err == nil {
			total = info.Size()
		}
		in = f
	}
	counted := &countedReader{ctx: ctx, r: in}
	progress := func(p store.BackupProgress) {
		text := fmt.Sprintf("%s  %s rows  %s", p.Table, number(int(p.Rows)), size(counted.n))
		if total > 0 {
			text += fmt.Sprintf(" of %s", size(total))
		}
		a.err.showProgress(text)
	}
	var b *store.Backup
	var err error
	if check {
		b, err = store.CheckBackup(counted, progress)
	} else {
		b, err = store.Restore(ctx, a.db, counted, progress)
	}
	a.err.clearProgress()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return fmt.Errorf("%s: %w", file, err)
	case a.json:
		return a.printJSON(b)
	}
	what := "restored"
	if check {
		what = "is whole"
	}
	_, err = fmt.Fprintf(a.out, "%s %s: made %s by %s, %s, SHA-256 of the content %s\n",
		clean(file), what, b.Made.Format("2006-01-02 15:04 MST"), clean(b.Dossier), count(int(b.Rows), "row"), b.SHA256)
	return err
}
