package observable_test

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"dossier/internal/observable"
	"dossier/internal/testcorpus"
)

// corpus returns the folder of real data, and how many distinct values of each type a reference normaliser found in its files.
func corpus(t *testing.T) (dir string, expected map[string]map[string]int) {
	t.Helper()
	dir = testcorpus.Path(t)
	data, err := os.ReadFile(filepath.Join(dir, "expected", "indicator-counts.json"))
	if err != nil {
		t.Fatal(err)
	}
	var counts struct{ Files map[string]map[string]int }
	if err := json.Unmarshal(data, &counts); err != nil {
		t.Fatal(err)
	}
	return dir, counts.Files
}

// A tally holds the distinct values of a file, and the reasons of those refused.
type tally struct {
	values  map[observable.Observable]bool
	refused map[observable.Reason]int
}

func newTally() tally {
	return tally{map[observable.Observable]bool{}, map[observable.Reason]int{}}
}

func (c tally) add(o observable.Observable, err error) {
	var e *observable.Error
	if errors.As(err, &e) {
		c.refused[e.Reason]++
		return
	}
	c.values[o] = true
}

// counts names the kinds as the reference does, which counts the address of an address with a port as well.
func (c tally) counts() map[string]int {
	distinct := map[observable.Observable]bool{}
	n := map[string]int{}
	for o := range c.values {
		switch o.Kind {
		case observable.IPPort:
			n["ip:port"]++
			o, _ = o.Host()
		case observable.URLPath:
			n["urlpath"]++
		}
		distinct[o] = true
	}
	for o := range distinct {
		switch {
		case o.Kind == observable.IPAddress && strings.Contains(o.Value, ":"):
			n["ipv6"]++
		case o.Kind == observable.IPAddress:
			n["ipv4"]++
		default:
			n[string(o.Kind)]++
		}
	}
	return n
}

func lines(t *testing.T, path string, f func(line string)) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	sc := bufio.NewScanner(file)
	for sc.Scan() {
		line := sc.Text()
		if i := strings.IndexByte(line, '#'); i == 0 || i > 0 && line[i-1] == ' ' {
			line = line[:i]
		}
		if line = strings.TrimSpace(line); line != "" {
			f(line)
		}
	}
	if err := sc.Err(); err != nil {
		t.Fatal(err)
	}
}

func TestCorpusMaltrail(t *testing.T) {
	dir, expected := corpus(t)
	root := filepath.Join(dir, "maltrail", "trails", "static")
	files, err := filepath.Glob(filepath.Join(root, "*", "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no trails in %s: %v", root, err)
	}
	refused := map[observable.Reason]int{}
	values := 0
	for _, path := range files {
		rel, _ := filepath.Rel(root, path)
		name := "maltrail/" + filepath.ToSlash(rel)
		c := newTally()
		lines(t, path, func(line string) {
			if line[0] == '/' {
				c.add(observable.ParseAs(observable.URLPath, line))
			} else {
				c.add(observable.Parse(line))
			}
		})
		got, want := c.counts(), expected[name]
		// What differs: names of alternative roots, which the reference calls "other"; spellings of one URL or path that it
		// counts twice; ports above 65535. Measured, it is at most 14 values beyond the "other" in any file.
		slack := 14 + want["other"]
		for kind, n := range want {
			if kind != "other" && abs(got[kind]-n) > slack {
				t.Errorf("%s: %d of %s; want about %d; refused: %v", name, got[kind], kind, n, c.refused)
			}
		}
		for r, n := range c.refused {
			refused[r] += n
		}
		values += len(c.values)
	}
	n := 0
	for _, m := range refused {
		n += m
	}
	t.Logf("%d values, %d refused: %v", values, n, refused)
	if n > 100 {
		t.Errorf("%d values refused: %v", n, refused)
	}
}

func TestCorpusTweetFeed(t *testing.T) {
	dir, expected := corpus(t)
	kinds := map[string]observable.Kind{
		"ip": observable.IPAddress, "domain": observable.Domain, "url": observable.URL, "md5": observable.MD5, "sha256": observable.SHA256,
	}
	files, _ := filepath.Glob(filepath.Join(dir, "tweetfeed", "*", "*", "*.csv"))
	if len(files) == 0 {
		t.Fatal("no files")
	}
	total, want := map[string]int{}, map[string]int{}
	refused := map[observable.Reason]int{}
	for _, path := range files {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		r := csv.NewReader(f)
		r.LazyQuotes, r.FieldsPerRecord = true, -1
		rows, err := r.ReadAll()
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		c := newTally()
		for _, row := range rows {
			o, err := observable.ParseAs(kinds[row[2]], row[3])
			c.add(o, err)
			// The form tells as much as the source does.
			if p, perr := observable.Parse(row[3]); err == nil && (perr != nil || p != o) {
				t.Errorf("ParseAs(%q) = %q, but Parse = %q, %v", row[3], o, p, perr)
			}
		}
		rel, _ := filepath.Rel(dir, path)
		for kind, n := range expected[filepath.ToSlash(rel)] {
			want[kind] += n
		}
		for kind, n := range c.counts() {
			total[kind] += n
		}
		for r, n := range c.refused {
			refused[r] += n
		}
	}
	t.Logf("got %v, want %v, refused %v", total, want, refused)
	for kind, n := range want {
		switch kind {
		case "ip-nonglobal": // refused
			if refused[observable.Private]+refused[observable.Reserved] < n {
				t.Errorf("refused: %v; want at least %d that are private or reserved", refused, n)
			}
		case "url":
			// One URL with and without "/", fragment or default port is two for the reference: 259 in all; 11 have a private host.
			if d := n - total[kind]; d < 0 || d > 270 {
				t.Errorf("%d of %s; want %d less 270 at most", total[kind], kind, n)
			}
		default:
			if total[kind] != n {
				t.Errorf("%d of %s; want %d", total[kind], kind, n)
			}
		}
	}
}

func TestCorpusLists(t *testing.T) {
	dir, expected := corpus(t)
	for _, tt := range []struct {
		file    string
		kind    string
		refused int
		parse   func(line string) (observable.Observable, error)
	}{
		{"ipsum/ipsum.txt", "ipv4", 0, func(line string) (observable.Observable, error) {
			return observable.Parse(strings.Fields(line)[0])
		}},
		{"threatfox-ips/ips.txt", "ipv4", 7, observable.Parse}, // 100.64.0.0/10: no address on the Internet
		{"abusech-sslbl/sslblacklist.csv", "cert-sha1", 0, func(line string) (observable.Observable, error) {
			return observable.ParseAs(observable.CertSHA1, strings.Split(line, ",")[1])
		}},
	} {
		c := newTally()
		lines(t, filepath.Join(dir, filepath.FromSlash(tt.file)), func(line string) { c.add(tt.parse(line)) })
		n := 0
		for _, m := range c.refused {
			n += m
		}
		if want := expected[tt.file][tt.kind] - tt.refused; len(c.values) != want || n != tt.refused {
			t.Errorf("%s: %d values, refused %v; want %d", tt.file, len(c.values), c.refused, want)
		}
	}
}

// In reports and lists, Find sees what the reference sees by regular expressions.
func TestCorpusFind(t *testing.T) {
	dir, expected := corpus(t)
	for _, tt := range []struct {
		folder, ext string
		// How much more or less than the reference is right, by kind. Find sees http[:]// and URLs without a scheme, which the
		// reference counts as names and addresses or not at all; the reference takes the passwords of a list (1234.qwer, 123.com) for names.
		slack map[string]int
	}{
		{"threatlabz", ".txt", map[string]int{"url": 60, "domain": 60, "ipv4": 10}},
		{"volexity", ".csv", map[string]int{"ipv4": 1}}, // a version in a path: \microsoft_network\1.0.0.0\
	} {
		got, want := map[string]int{}, map[string]int{}
		err := filepath.WalkDir(filepath.Join(dir, tt.folder), func(path string, d os.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != tt.ext {
				return err
			}
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			rel, _ := filepath.Rel(dir, path)
			name := filepath.ToSlash(rel)
			c := newTally()
			last := 0
			observable.Find(data, func(o observable.Observable, start, end int) bool {
				if p, err := observable.Parse(string(data[start:end])); err != nil || p != o || start < last {
					t.Errorf("%s: found %q at %q, but Parse = %q, %v", name, o, data[start:end], p, err)
				}
				last = end
				c.add(o, nil)
				return true
			})
			n := c.counts()
			n["email"] = n["emailAddress"]
			var differ []string
			for kind, m := range expected[name] {
				want[kind] += m
				got[kind] += n[kind]
				if n[kind] != m {
					differ = append(differ, fmt.Sprintf("%d of %s, reference %d", n[kind], kind, m))
				}
			}
			if len(differ) > 0 {
				slices.Sort(differ)
				t.Logf("%s: %s", name, strings.Join(differ, "; "))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: got %v; want %v", tt.folder, got, want)
		for kind, n := range want {
			if abs(got[kind]-n) > tt.slack[kind] {
				t.Errorf("%s: found %d of %s; want %d, give or take %d", tt.folder, got[kind], kind, n, tt.slack[kind])
			}
		}
		if len(want) == 0 {
			t.Errorf("%s: nothing expected", tt.folder)
		}
	}
}

func abs(n int) int { return max(n, -n) }
