package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

func main() {
	db := flag.String("db", "", "database of Dossier's to serve")
	seconds := flag.Float64("seconds", 3, "of each measurement")
	connections := flag.Int("connections", 32, "at once")
	rounds := flag.Int("rounds", 3, "of which the median counts")
	cap := flag.String("cap", "", "folder of the CAP project, to measure that too")
	only := flag.String("only", "", "part of the names of the requests to measure")
	serve := flag.String("serve", "", "serve as bare or hand; the program starts itself so")
	flag.Parse()
	err := errors.New("-db FILE is needed")
	switch {
	case *serve != "":
		err = serveAs(*serve, flag.Args())
	case *db != "":
		err = measure(*db, time.Duration(*seconds*float64(time.Second)), *connections, *rounds, *cap, *only)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

// serveAs serves what Dossier is compared with, as a process of its own, and says
// where.
func serveAs(kind string, args []string) error {
	var h http.Handler
	switch kind {
	case "bare":
		page, err := os.ReadFile(args[0])
		if err != nil {
			return err
		}
		h = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write(page)
		})
	case "hand":
		text, err := os.ReadFile(args[0])
		if err != nil {
			return err
		}
		var rows []row
		if err := json.Unmarshal(text, &rows); err != nil {
			return err
		}
		db, err := openHand(args[1], rows)
		if err != nil {
			return err
		}
		h = hand(db)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "listening on http://%s\n", l.Addr())
	return http.Serve(l, h)
}

// start runs a command that says where it listens. stop ends it.
func start(name string, args ...string) (base string, stop func(), err error) {
	cmd := exec.Command(name, args...)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return "", nil, err
	}
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	stop = func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		if base, ok := strings.CutPrefix(lines.Text(), "listening on "); ok {
			go func() { _, _ = io.Copy(io.Discard, stderr) }()
			return base, stop, nil
		}
		fmt.Fprintln(os.Stderr, lines.Text())
	}
	stop()
	return "", nil, fmt.Errorf("%s does not say where it listens", name)
}

const (
	profiles   = "/v1.0/security/threatIntelligence/intelProfiles"
	indicators = "/v1.0/security/threatIntelligence/intelligenceProfileIndicators"
)

// fetch reads JSON.
func fetch(target string, v any) error {
	resp, err := http.Get(target)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", target, resp.Status)
	}
	return json.NewDecoder(resp.Body).Decode(v)
}

// everything reads all profiles.
func everything(base string) (rows []row, err error) {
	for next := base + profiles + "?$top=1000"; next != ""; {
		var page struct {
			Value []row
			Next  string `json:"@odata.nextLink"`
		}
		if err := fetch(next, &page); err != nil {
			return nil, err
		}
		rows, next = append(rows, page.Value...), page.Next
	}
	return rows, nil
}

// A request is one that Dossier answers, and where the others answer the like.
// target makes the n-th of many different ones, so that none is answered from
// memory, or always the same one.
type request struct {
	name   string
	target func(n int) string
	hand   func(n int) string // nil: nothing like it
	cap    func(n int) string // likewise
}

func measure(db string, each time.Duration, connections, rounds int, cap, only string) error {
	dir, err := os.MkdirTemp("", "load")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	bin := filepath.Join(dir, "dossier")
	build := exec.Command("go", "build", "-o", bin, "./cmd/dossier")
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	base, stop, err := start(bin, "serve", "--listen", "127.0.0.1:0", "--db", db)
	if err != nil {
		return err
	}
	defer stop()
	rows, err := everything(base)
	if err != nil {
		return err
	}
	write := func(name string, v any) (string, error) {
		path := filepath.Join(dir, name)
		return path, os.WriteFile(path, []byte(encoded(v)), 0o600)
	}
	all, err := write("rows.json", rows)
	if err != nil {
		return err
	}
	one, err := write("one.json", rows[0])
	if err != nil {
		return err
	}
	page, err := write("page.json", map[string]any{"value": rows[:min(100, len(rows))]})
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	other := map[string]string{}
	for name, args := range map[string][]string{"bare": {"bare", one}, "bare page": {"bare", page}, "hand": {"hand", all, filepath.Join(dir, "hand.db")}} {
		at, stop, err := start(self, append([]string{"-serve"}, args...)...)
		if err != nil {
			return err
		}
		defer stop()
		other[name] = at
	}

	if cap != "" {
		at, stop, err := startCAP(cap, rows)
		if err != nil {
			return err
		}
		defer stop()
		other["cap"] = at
	}

	// Options that mean nothing to the server make requests different.
	option := func(path string, n int) string {
		sep := "?"
		if strings.Contains(path, "?") {
			sep = "&"
		}
		return fmt.Sprint(path, sep, "n=", n)
	}
	q := url.QueryEscape
	row := func(n int) *row { return &rows[n%len(rows)] }
	word := func(n int) string { // of four letters or more
		words := strings.Fields(row(n * 7).Summary.Content)
		if i := slices.IndexFunc(words, func(w string) bool { return len(w) > 3 }); i >= 0 {
			return words[i]
		}
		return "group"
	}
	domain, err := aDomain(base)
	if err != nil {
		return err
	}
	deep, err := deepPage(base)
	if err != nil {
		return err
	}
	equal := func(n int) string {
		return profiles + "?$filter=title%20eq%20" + q("'"+strings.ReplaceAll(row(n).Title, "'", "''")+"'")
	}
	requests := []request{
		{"get, unchanged", func(int) string { return profiles + "/" + rows[0].ID }, func(int) string { return "/get?id=" + rows[0].ID }, nil},
		{"list of 100, unchanged", func(int) string { return profiles }, func(int) string { return "/page" }, nil},
		{"get by key", func(n int) string { return profiles + "/" + row(n).ID }, func(n int) string { return "/get?id=" + row(n).ID }, func(n int) string { return "/intel/Profiles('" + row(n).ID + "')" }},
		{"title eq", equal, func(n int) string { return "/equal?title=" + q(row(n).Title) }, nil},
		{"get by key, first time", func(n int) string { return option(profiles+"/"+row(n).ID, n) }, func(n int) string { return "/get?id=" + row(n).ID }, func(n int) string { return "/intel/Profiles('" + row(n).ID + "')" }},
		{"list of 100, first time", func(n int) string { return option(profiles, n) }, func(int) string { return "/page" }, func(int) string { return "/intel/Profiles?$top=100" }},
		{"deep page, first time", func(n int) string { return option(deep, n) }, func(int) string { return "/page?after=" + rows[len(rows)/2].ID }, nil},
		{"title eq, first time", func(n int) string { return option(equal(n), n) }, func(n int) string { return "/equal?title=" + q(row(n).Title) }, func(n int) string {
			return "/intel/Profiles?$top=100&$filter=title%20eq%20" + url.PathEscape("'"+strings.ReplaceAll(row(n).Title, "'", "''")+"'")
		}},
		{"startswith(title), first time", func(n int) string {
			return option(profiles+"?$filter=startswith(title,"+q("'"+strings.ReplaceAll(prefix(row(n).Title), "'", "''")+"'")+")", n)
		}, func(n int) string { return "/begins?title=" + q(prefix(row(n).Title)) }, func(n int) string {
			return "/intel/Profiles?$top=100&$filter=startswith(title," + url.PathEscape("'"+strings.ReplaceAll(prefix(row(n).Title), "'", "''")+"'") + ")"
		}},
		{"contains(summary), first time", func(n int) string {
			return option(profiles+"?$filter=contains(summary/content,"+q("'"+strings.ReplaceAll(word(n), "'", "''")+"'")+")", n)
		}, func(n int) string { return "/contains?part=" + q(word(n)) }, func(n int) string {
			return "/intel/Profiles?$top=100&$filter=contains(summary," + url.PathEscape("'"+strings.ReplaceAll(word(n), "'", "''")+"'") + ")"
		}},
		{"$count, kind eq, first time", func(n int) string { return option(profiles+"/$count?$filter=kind%20eq%20'actor'", n) }, func(int) string { return "/count?kind=actor" }, func(int) string { return "/intel/Profiles/$count?$filter=kind%20eq%20'actor'" }},
		{"alias lambda, first time", func(n int) string {
			return option(profiles+"?$filter=aliases/any(a:a%20eq%20"+q("'"+strings.ReplaceAll(row(n).Title, "'", "''")+"'")+")", n)
		}, nil, nil},
		{"with a domain, first time", func(n int) string {
			return option(profiles+"?$filter=indicators/any(i:i/artifact/id%20eq%20'"+domain+"')", n)
		}, nil, nil},
		{"origin eq, first time", func(n int) string {
			return option(profiles+"?$filter=countriesOrRegionsOfOrigin/any(c:c/code%20eq%20'RU')", n)
		}, nil, nil},
		{"$search, first time", func(n int) string {
			return option(profiles+"?$search="+q(`"`+strings.ReplaceAll(row(n).Title, `"`, "")+`"`), n)
		}, nil, nil},
		{"indicator by value, first time", func(n int) string { return option(indicators+"?$filter=artifact/id%20eq%20'"+domain+"'", n) }, nil, nil},
		{"100 newest indicators, first time", func(n int) string { return option(indicators+"?$orderby=firstSeenDateTime%20desc", n) }, nil, nil},
	}
	fmt.Printf("%d profiles, %d connections, %s each, median of %d rounds\n\n", len(rows), connections, each, rounds)
	fmt.Printf("| %-33s | %8s | %7s | %7s | %8s | %5s | %8s | %5s | %8s | %5s |\n", "request", "req/s", "p50 ms", "p99 ms", "by hand", "ratio", "bare", "ratio", "CAP", "ratio")
	fmt.Println("|---|---|---|---|---|---|---|---|---|---|")
	for _, r := range requests {
		if !strings.Contains(r.name, only) {
			continue
		}
		var ours, theirs, bare, caps []result
		for range rounds {
			ours = append(ours, run(base, r.target, each, connections))
			if r.hand != nil {
				theirs = append(theirs, run(other["hand"], r.hand, each, connections))
			}
			if r.cap != nil && cap != "" {
				caps = append(caps, run(other["cap"], r.cap, each, connections))
			}
			if strings.HasSuffix(r.name, "unchanged") || r.name == "get by key" {
				at := other["bare"]
				if strings.HasPrefix(r.name, "list") {
					at = other["bare page"]
				}
				bare = append(bare, run(at, func(int) string { return "/" }, each, connections))
			}
		}
		o := median(ours)
		if o.failed > 0 {
			return fmt.Errorf("%s: %d requests failed", r.name, o.failed)
		}
		fmt.Printf("| %-33s | %8.0f | %7.2f | %7.2f |%s|%s|%s|\n", r.name, o.rate, o.p50, o.p99, beside(o, theirs), beside(o, bare), beside(o, caps))
	}
	return nil
}

func prefix(title string) string {
	r := []rune(title)
	return string(r[:min(len(r), 4)])
}

func beside(o result, others []result) string {
	if len(others) == 0 {
		return fmt.Sprintf(" %8s | %5s ", "", "")
	}
	m := median(others)
	if m.failed > 0 {
		return fmt.Sprintf(" %8s | %5s ", "failed", "")
	}
	return fmt.Sprintf(" %8.0f | %5.2f ", m.rate, o.rate/m.rate)
}

func aDomain(base string) (string, error) {
	var page struct {
		Value []struct{ Artifact struct{ ID string } }
	}
	err := fetch(base+indicators+"?$top=1&$filter=artifact/microsoft.graph.security.hostname%20ne%20null", &page)
	if err == nil && len(page.Value) == 0 {
		err = errors.New("there is no domain among the indicators")
	}
	if err != nil {
		return "", err
	}
	return page.Value[0].Artifact.ID, nil
}

// deepPage returns the target of a page from the middle of the profiles.
func deepPage(base string) (string, error) {
	target := base + profiles
	for range 10 {
		var page struct {
			Next string `json:"@odata.nextLink"`
		}
		if err := fetch(target, &page); err != nil {
			return "", err
		}
		if page.Next == "" {
			break
		}
		target = page.Next
	}
	return strings.TrimPrefix(target, base), nil
}

// A result is of one measurement; p50 and p99 are in milliseconds.
type result struct {
	rate, p50, p99 float64
	failed         int
}

func median(list []result) result {
	slices.SortFunc(list, func(a, b result) int {
		switch {
		case a.rate < b.rate:
			return -1
		case a.rate > b.rate:
			return 1
		}
		return 0
	})
	return list[len(list)/2]
}

// run asks a server over several connections for some time.
func run(base string, target func(int) string, each time.Duration, connections int) result {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections, MaxConnsPerHost: connections, DisableCompression: true}}
	defer client.CloseIdleConnections()
	end := time.Now().Add(each)
	var mu sync.Mutex
	var took []time.Duration
	failed := 0
	var wg sync.WaitGroup
	for c := range connections {
		wg.Go(func() {
			var own []time.Duration
			bad := 0
			for n := c; time.Now().Before(end); n += connections {
				start := time.Now()
				resp, err := client.Get(base + target(n))
				if err != nil {
					bad++
					continue
				}
				_, err = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				if err != nil || resp.StatusCode != http.StatusOK {
					bad++
				}
				own = append(own, time.Since(start))
			}
			mu.Lock()
			defer mu.Unlock()
			took = append(took, own...)
			failed += bad
		})
	}
	wg.Wait()
	if len(took) == 0 {
		return result{failed: failed}
	}
	slices.Sort(took)
	ms := func(p int) float64 { return float64(took[len(took)*p/100].Microseconds()) / 1000 }
	return result{float64(len(took)) / each.Seconds(), ms(50), ms(99), failed}
}
