package main

import (
	crand "crypto/rand"
	"database/sql"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dossier/internal/feed"
	"dossier/internal/intel"
	"dossier/internal/store"
	"dossier/internal/testdb"

	_ "modernc.org/sqlite"
)

var kills = flag.Int("kills", 0, "how often TestKill kills an import; 0 is 20 times, on PostgreSQL 4")

const (
	killFiles = 8
	killLines = 2000 // of a file
	killMost  = 6    // kills of one database: then it is imported to the end, and the next begins
)

// killInput writes the files of TestKill: lists of names, the file's number in
// each.
func killInput(t *testing.T, dir string) {
	t.Helper()
	for f := range killFiles {
		var b strings.Builder
		for i := range killLines {
			fmt.Fprintf(&b, "n%d.f%d.contoso.com\n", i, f)
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("f%d.txt", f)), []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestKill kills imports and runs of feeds (-9) at random moments, until
// -kills of them are dead; on PostgreSQL also, every other time, the server's
// processes that work for them. A file is there whole or not at all; what was
// there once stays; the run is marked as broken, or tells its error; and the next
// ones do the rest, until the database is as if nothing had happened.
func TestKill(t *testing.T) {
	if testing.Short() {
		t.Skip("takes long")
	}
	wanted := *kills
	switch {
	case wanted == 0 && testdb.Postgres():
		wanted = 4
	case wanted == 0:
		wanted = 20
	}
	program, err := exec.LookPath("dossier")
	if err != nil {
		t.Fatal(err)
	}
	input := t.TempDir()
	killInput(t, input)
	web := httptest.NewServer(http.FileServer(http.Dir(input)))
	defer web.Close()
	var urls []string
	for f := range killFiles {
		urls = append(urls, fmt.Sprintf("%s/f%d.txt", web.URL, f))
	}

	fresh := func() *killed {
		k := &killed{t: t, program: program, path: testdb.Path(t), dir: t.TempDir(), had: map[int]bool{}, begun: map[string]bool{}}
		if testdb.Postgres() {
			k.path += "&application_name=killed-" + strings.ToLower(crand.Text())
		}
		s := k.open()
		if _, err := feed.Put(t.Context(), s, feed.Feed{Name: "ours", URLs: urls, Source: "ours", AllowPrivate: true, Rate: 1000}); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		return k
	}
	whole := fresh()
	begin := time.Now()
	if !whole.run(0, "import", "--source", "ours", input) {
		t.Fatal("the import without a kill failed")
	}
	took := time.Since(begin)
	want := whole.served()
	if want != killFiles*killLines {
		t.Fatalf("%d indicators, want %d", want, killFiles*killLines)
	}

	dead, databases := 0, 0
	for dead < wanted {
		databases++
		k := fresh()
		k.server = testdb.Postgres() && databases%4 > 1
		args := []string{"import", "--source", "ours", input}
		if databases%2 == 0 {
			args = []string{"feed", "run", "ours"}
		}
		for k.kills < killMost && dead < wanted {
			after, begin := time.Duration(rand.Int64N(int64(took)))+time.Millisecond, time.Now()
			if k.run(after, args...) {
				took = min(took, time.Since(begin)) // the machine has less to do than at first
				break
			}
			dead++
			k.check()
		}
		if !k.run(0, args...) {
			t.Fatal("the last run failed")
		}
		k.check()
		if got := k.served(); got != want {
			t.Fatalf("%d indicators are served, %d without a kill", got, want)
		}
		k.brokenRuns()
	}
	t.Logf("%d kills in %d databases; an import takes %v", dead, databases, took.Round(time.Millisecond))
}

// killed is a database whose imports are killed.
type killed struct {
	t       *testing.T
	program string
	path    string
	dir     string
	server  bool         // kill the server's process, not the program
	had     map[int]bool // files that were seen in it
	kills   int
	begun   map[string]bool // runs that a kill left without an end
}

// run runs a command and kills it after a time; 0 does not. It reports whether it
// came to its end.
func (k *killed) run(after time.Duration, args ...string) bool {
	k.t.Helper()
	cmd := exec.Command(k.program, append([]string{"--no-catalog", "--db", k.path}, args...)...)
	cmd.Dir = k.dir
	var out strings.Builder
	cmd.Stderr = &out
	if err := cmd.Start(); err != nil {
		k.t.Fatal(err)
	}
	if after > 0 {
		timer := time.AfterFunc(after, func() {
			if k.server {
				k.terminate()
				return
			}
			_ = cmd.Process.Kill()
		})
		defer timer.Stop()
	}
	err := cmd.Wait()
	if err != nil && k.server && after > 0 {
		if !strings.Contains(out.String(), "error:") {
			k.t.Errorf("%v: %v without a word:\n%s", args, err, out.String())
		}
	} else if err != nil && cmd.ProcessState.Exited() {
		k.t.Fatalf("%v: %v\n%s", args, err, out.String())
	}
	if err != nil {
		k.kills++
	}
	return err == nil
}

func (k *killed) open() *store.Store {
	k.t.Helper()
	s, _, err := store.Open(k.t.Context(), k.path, store.Options{Create: true})
	if err != nil {
		k.t.Fatal(err)
	}
	return s
}

// database is another connection to the database than the program's.
func (k *killed) database() *sql.DB {
	k.t.Helper()
	driver, path := "sqlite", k.path
	if testdb.Postgres() {
		name, after, _ := strings.Cut(path, "&application_name=")
		driver, path = "pgx", name+"&application_name=not-"+after
	}
	db, err := sql.Open(driver, path)
	if err != nil {
		k.t.Fatal(err)
	}
	return db
}

// terminate ends the server's processes that work for the program.
func (k *killed) terminate() {
	db := k.database()
	defer db.Close()
	_, name, _ := strings.Cut(k.path, "&application_name=")
	if _, err := db.Exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '" + name + "'"); err != nil {
		k.t.Error(err)
	}
}

// check looks into the file: no damage, whole files, none lost.
func (k *killed) check() {
	k.t.Helper()
	db := k.database()
	defer db.Close()
	if !testdb.Postgres() {
		var verdict string
		if err := db.QueryRow("PRAGMA integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
			k.t.Fatalf("integrity: %s, %v", verdict, err)
		}
	}
	var open sql.NullString
	if err := db.QueryRow("SELECT MAX(id) FROM run WHERE finished = 0").Scan(&open); err != nil {
		k.t.Fatal(err)
	}
	if open.Valid {
		k.begun[open.String] = true
	}
	for f := range killFiles {
		var n int
		if err := db.QueryRow(fmt.Sprintf("SELECT COUNT(*) FROM evidence WHERE value LIKE '%%.f%d.contoso.com'", f)).Scan(&n); err != nil {
			k.t.Fatal(err)
		}
		if n != 0 && n != killLines {
			k.t.Errorf("file %d is there by half: %d of %d", f, n, killLines)
		}
		if n == 0 && k.had[f] {
			k.t.Errorf("file %d was there and is lost", f)
		}
		k.had[f] = k.had[f] || n > 0
	}
}

// served counts what the database answers with.
func (k *killed) served() int {
	k.t.Helper()
	s := k.open()
	defer s.Close()
	if stale, err := s.Stale(k.t.Context()); err != nil || stale {
		k.t.Errorf("what is served is older than what is known (%v)", err)
	}
	n, err := s.Totals(k.t.Context(), store.View{Ceiling: intel.Red})
	if err != nil {
		k.t.Fatal(err)
	}
	return int(n.Indicators)
}

// brokenRuns holds that every run has an end, that of a killed one being that it
// was broken, and that nothing holds the feed.
func (k *killed) brokenRuns() {
	k.t.Helper()
	s := k.open()
	defer s.Close()
	runs, err := s.Runs(k.t.Context(), "", 10_000)
	if err != nil {
		k.t.Fatal(err)
	}
	broken := 0
	for _, r := range runs {
		if r.Broken {
			broken++
		}
		if r.Finished == 0 || !k.server && r.Broken == (r.Error == "") {
			k.t.Errorf("run %+v", r)
		}
	}
	if broken != len(k.begun) {
		k.t.Errorf("%d runs are marked as broken, %d had no end", broken, len(k.begun))
	}
	f, err := s.Feed(k.t.Context(), "ours")
	if err != nil || f.Run != "" {
		k.t.Errorf("%+v, %v", f, err)
	}
}
