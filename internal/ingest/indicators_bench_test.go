package ingest

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"dossier/internal/store"
)

// BenchmarkIndicators imports a CSV of generated indicators into an empty
// database, and once more: recognised, then decoded in full, then with one row in
// a hundred changed. Beside it the sqlite3 shell loads the same rows into the same
// tables and makes the same indexes after. Times are by the clock; "cpu" are those
// of the processors, which say more on a busy machine. DOSSIER_BENCH_ROWS says how
// many rows there are; the default is 100,000.
func BenchmarkIndicators(b *testing.B) {
	rows, err := strconv.Atoi(os.Getenv("DOSSIER_BENCH_ROWS"))
	if err != nil {
		rows = 100_000
	}
	dir := b.TempDir()
	csv := filepath.Join(dir, "generated.csv")
	if err := generate(csv, rows); err != nil {
		b.Fatal(err)
	}
	for n := 0; b.Loop(); n++ {
		path := filepath.Join(dir, fmt.Sprintf("%d.db", n))
		s, _, err := store.Open(b.Context(), path, store.Options{Create: true})
		if err != nil {
			b.Fatal(err)
		}
		im := &Importer{Store: s}
		took := func(file string) (t spent) {
			began, used := time.Now(), processorTime()
			res, err := im.Import(b.Context(), []string{file}, Options{Publisher: "generated"})
			if c := res.Run.Counts.Indicators; err != nil || c.Read != rows {
				b.Fatalf("%+v, %v", c, err)
			}
			return spent{time.Since(began), processorTime() - used}
		}
		first := took(csv)
		again := took(csv)
		im.decodeAll = true
		decoded := took(csv)
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(rows)/first.wall.Seconds(), "indicators/s")
		b.ReportMetric(first.cpu.Seconds(), "cpu-s")
		b.ReportMetric(first.wall.Seconds()/again.wall.Seconds(), "first/again")
		b.ReportMetric(first.wall.Seconds()/decoded.wall.Seconds(), "first/decoded")
		b.ReportMetric(float64(info.Size())/float64(rows), "bytes/indicator")
		shell, err := shellLoad(path, filepath.Join(dir, "shell.db"))
		if errors.Is(err, exec.ErrNotFound) {
			b.Log("no sqlite3 to compare with")
			continue
		}
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(first.wall.Seconds()/shell.wall.Seconds(), "dossier/shell")
		b.ReportMetric(first.cpu.Seconds()/shell.cpu.Seconds(), "cpu-dossier/shell")
		if s, _, err = store.Open(b.Context(), path, store.Options{}); err != nil {
			b.Fatal(err)
		}
		im.Store = s
		if err := alter(csv, csv+".next", 100); err != nil {
			b.Fatal(err)
		}
		delta := took(csv + ".next")
		b.ReportMetric(delta.wall.Seconds(), "delta-s")
		b.ReportMetric(delta.cpu.Seconds(), "delta-cpu-s")
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// spent is time by the clock, and of the processors.
type spent struct{ wall, cpu time.Duration }

// alter copies a CSV of generate; every nth row names another value.
func alter(from, to string, n int) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	defer out.Close()
	w := bufio.NewWriterSize(out, 1<<20)
	lines := bufio.NewScanner(in)
	for i := 0; lines.Scan(); i++ {
		line := lines.Text()
		if i > 0 && i%n == 0 {
			fields := strings.Split(line, ",")
			fields[1], fields[2] = fmt.Sprintf("new-%d.net", i), "domain"
			line = strings.Join(fields, ",")
		}
		fmt.Fprintln(w, line)
	}
	return errors.Join(lines.Err(), w.Flush())
}

// generate writes a CSV of rows distinct domains, addresses, hashes and URLs.
func generate(path string, rows int) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	r := rand.New(rand.NewPCG(7, 7))
	fmt.Fprintln(w, "first_seen,ioc_value,ioc_type,confidence,reference")
	for i := range rows {
		value, kind := "", ""
		switch i % 10 {
		case 0, 1, 2, 3:
			value, kind = fmt.Sprintf("%012x-%x.com", r.Uint64()>>16, i), "domain"
		case 4, 5:
			value, kind = fmt.Sprintf("%d.%d.%d.%d", 20+i>>24, i>>16&255, i>>8&255, i&255), "ipAddress"
		case 6, 7:
			value, kind = fmt.Sprintf("%016x%016x%016x%016x", r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64()), "sha256"
		default:
			value, kind = fmt.Sprintf("http://%010x%x.net/p/%d.php", r.Uint64()>>24, i, i), "url"
		}
		fmt.Fprintf(w, "2026-%02d-%02d 10:%02d:00,%s,%s,%d,https://feed.contoso.com/%d\n", 1+r.IntN(8), 1+r.IntN(28), r.IntN(60), value, kind, 50+r.IntN(50), i)
	}
	return w.Flush()
}

var primaryKey = regexp.MustCompile(`,\s*PRIMARY KEY \([^)]*\)`)

// shellLoad copies the two tables of an import with the sqlite3 shell: it loads
// the rows from files, then makes the indexes, those of the keys among them. The
// time is that of the shell alone, without writing the files.
func shellLoad(from, to string) (t spent, err error) {
	query := func(sql string) (string, error) {
		out, err := exec.Command("sqlite3", "-readonly", "-ascii", from, sql).Output()
		return string(out), err
	}
	var files []string
	defer func() { // they are as large as all the rest
		for _, file := range append(files, to, to+"-wal", to+"-shm") {
			_ = os.Remove(file)
		}
	}()
	script := "PRAGMA journal_mode=wal;\nPRAGMA synchronous=normal;\nPRAGMA cache_size=-65536;\n"
	load, after := ".mode ascii\nBEGIN;\n", ""
	for table, key := range map[string]string{"evidence": "indicator_id, publisher, subject_publisher, subject_key", "indicator": "id, tlp_lo"} {
		rows, err := query("SELECT * FROM " + table)
		if err != nil {
			return t, err
		}
		file := to + "." + table
		files = append(files, file)
		if err := os.WriteFile(file, []byte(rows), 0o600); err != nil {
			return t, err
		}
		form, err := query("SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = '" + table + "'")
		if err != nil {
			return t, err
		}
		indexes, err := query("SELECT sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL AND tbl_name = '" + table + "'")
		if err != nil {
			return t, err
		}
		script += primaryKey.ReplaceAllString(strings.Trim(form, "\x1e\n"), "") + ";\n"
		load += fmt.Sprintf(".import %q %s\n", file, table)
		after += fmt.Sprintf("CREATE UNIQUE INDEX %s_key ON %s (%s);\n", table, table, key)
		for index := range strings.SplitSeq(strings.Trim(indexes, "\x1e\n"), "\x1e") {
			after += index + ";\n"
		}
	}
	_ = os.Remove(to)
	cmd := exec.Command("sqlite3", "-bail", to)
	cmd.Stdin = strings.NewReader(script + load + "COMMIT;\n" + after)
	began := time.Now()
	out, err := cmd.CombinedOutput()
	if err != nil {
		return t, fmt.Errorf("sqlite3: %w: %s", err, out)
	}
	return spent{time.Since(began), cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}, nil
}
