package main

import (
	"bufio"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"dossier/internal/hunt"
	"dossier/internal/observable"
	"dossier/internal/store"
	"dossier/internal/testdb"
)

// TestExpired hunts with a kept matcher after an indicator in it has expired: nothing changed in the database, so the matcher is used, but the indicator is
// not reported.
func TestExpired(t *testing.T) {
	dir, db := t.TempDir(), testdb.Path(t)
	write := func(name, text string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	output, err := os.Create(filepath.Join(dir, "output"))
	if err != nil {
		t.Fatal(err)
	}
	defer output.Close()
	a := &app{out: newTerminal(output), err: newTerminal(output)}
	cmd := a.root()
	cmd.SetArgs([]string{"--db", db, "--no-catalog", "--audit-log", filepath.Join(dir, "audit"), "--allow-list", filepath.Join(dir, "allow"), "import", write("iocs.csv", "type,value,validUntil\ndomain,short-lived.com,"+time.Now().AddDate(0, 0, 2).Format(time.RFC3339)+"\n")})
	if err := cmd.ExecuteContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	s, _, err := store.Open(t.Context(), db, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	log, matcher := write("log", "www.short-lived.com\n"), filepath.Join(dir, "m")
	evil := observable.Observable{Kind: observable.Domain, Value: "short-lived.com"}
	for _, days := range []int{0, 3} {
		s.Now = func() time.Time { return time.Now().AddDate(0, 0, days) }
		h, err := a.newHunt(huntFlags{saved: matcher, direction: "both", tlp: "red"})
		if err != nil {
			t.Fatal(err)
		}
		if err := h.run(t.Context(), s, []string{log}); (days == 0) != (err == nil) || days > 0 && !errors.Is(err, errNothing) {
			t.Errorf("after %d days: %v", days, err)
		}
		n := 0
		hunt.NewScanner(h.matcher).Scan(hunt.Pad([]byte("short-lived.com")), func(hunt.Line) { n++ })
		if n != 1 || h.known[evil] == nil || h.known[evil].over != (days > 0) {
			t.Errorf("after %d days the matcher finds %d, and %+v is known", days, n, h.known[evil])
		}
	}
}

// TestFollower follows a file that grows, is rotated, and is cut.
func TestFollower(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	write := func(flags int, text string) {
		t.Helper()
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|flags, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := f.WriteString(text); err != nil {
			t.Fatal(err)
		}
	}
	write(0, "one\n")
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	ctx, cancel := context.WithCancel(t.Context())
	w := &follower{ctx: ctx, path: path, f: f}
	defer w.close()
	in := bufio.NewReader(w)
	want := func(line string) {
		t.Helper()
		if got, err := in.ReadString('\n'); got != line || err != nil {
			t.Fatalf("read %q, %v; want %q", got, err, line)
		}
	}
	want("one\n")
	write(os.O_APPEND, "two\n")
	want("two\n")
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	write(0, "three, of another file\n")
	want("three, of another file\n")
	write(os.O_TRUNC, "four\n")
	want("four\n")
	cancel()
	if line, err := in.ReadString('\n'); err == nil {
		t.Errorf("read %q after the end", line)
	}
}
