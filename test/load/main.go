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
	"strconv"
	"strings"
	"time"
)

func main() {
	db := flag.String("db", "", "database of Dossier's to serve")
	seconds := flag.Float64("seconds", 1, "of each slice")
	connections := flag.Int("connections", 32, "at once")
	rounds := flag.Int("rounds", 7, "in which the servers take turns; the median counts")
	cap := flag.String("cap", "", "folder of the CAP project, to measure that too")
	only := flag.String("only", "", "part of the names of the requests to measure")
	serve := flag.String("serve", "", "serve as bare or hand; the program starts itself so")
	own := flag.Bool("own", false, "ask with net/http also where wrk is installed")
	flag.Parse()
	l := &load{each: time.Duration(*seconds * float64(time.Second)), connections: *connections}
	if !*own {
		l.wrk, _ = exec.LookPath("wrk")
	}
	err := errors.New("-db FILE is needed")
	switch {
	case *serve != "":
		err = serveAs(*serve, flag.Args())
	case *db != "":
		err = measure(*db, l, *rounds, *cap, *only)
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

// A process is a server that was started.
type process struct {
	base string
	pid  int
}

// start runs a command that says where it listens. stop ends it.
func start(name string, args ...string) (at process, stop func(), err error) {
	cmd := exec.Command(name, args...)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return at, nil, err
	}
	if err := cmd.Start(); err != nil {
		return at, nil, err
	}
	stop = func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		if base, ok := strings.CutPrefix(lines.Text(), "listening on "); ok {
			go func() { _, _ = io.Copy(io.Discard, stderr) }()
			return process{base, cmd.Process.Pid}, stop, nil
		}
		fmt.Fprintln(os.Stderr, lines.Text())
	}
	stop()
	return at, nil, fmt.Errorf("%s does not say where it listens", name)
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

func measure(db string, l *load, rounds int, cap, only string) error {
	dir, err := os.MkdirTemp("", "load")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	l.dir = dir
	bin := filepath.Join(dir, "dossier")
	build := exec.Command("go", "build", "-o", bin, "./cmd/dossier")
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	self, stop, err := start(bin, "serve", "--listen", "127.0.0.1:0", "--db", db)
	if err != nil {
		return err
	}
	defer stop()
	base := self.base
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
	program, err := os.Executable()
	if err != nil {
		return err
	}
	other := map[string]process{}
	for name, args := range map[string][]string{"bare": {"bare", one}, "bare page": {"bare", page}, "hand": {"hand", all, filepath.Join(dir, "hand.db")}} {
		at, stop, err := start(program, append([]string{"-serve"}, args...)...)
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
		{"get by key, first time", func(n int) string { return profiles + "/" + row(n).ID }, func(n int) string { return "/get?id=" + row(n).ID }, func(n int) string { return "/intel/Profiles('" + row(n).ID + "')" }},
		{"list of 100, first time", func(n int) string { return profiles }, func(int) string { return "/page" }, func(int) string { return "/intel/Profiles?$top=100" }},
		{"deep page, first time", func(n int) string { return deep }, func(int) string { return "/page?after=" + rows[len(rows)/2].ID }, nil},
		{"title eq, first time", func(n int) string { return equal(n) }, func(n int) string { return "/equal?title=" + q(row(n).Title) }, func(n int) string {
			return "/intel/Profiles?$top=100&$filter=title%20eq%20" + url.PathEscape("'"+strings.ReplaceAll(row(n).Title, "'", "''")+"'")
		}},
		{"startswith(title), first time", func(n int) string {
			return profiles + "?$filter=startswith(title," + q("'"+strings.ReplaceAll(prefix(row(n).Title), "'", "''")+"'") + ")"
		}, func(n int) string { return "/begins?title=" + q(prefix(row(n).Title)) }, func(n int) string {
			return "/intel/Profiles?$top=100&$filter=startswith(title," + url.PathEscape("'"+strings.ReplaceAll(prefix(row(n).Title), "'", "''")+"'") + ")"
		}},
		{"contains(summary), first time", func(n int) string {
			return profiles + "?$filter=contains(summary/content," + q("'"+strings.ReplaceAll(word(n), "'", "''")+"'") + ")"
		}, func(n int) string { return "/contains?part=" + q(word(n)) }, func(n int) string {
			return "/intel/Profiles?$top=100&$filter=contains(summary," + url.PathEscape("'"+strings.ReplaceAll(word(n), "'", "''")+"'") + ")"
		}},
		{"$count, a filter never counted", func(int) string {
			return profiles + "/$count?$filter=kind%20eq%20'actor'%20and%20title%20ne%20'" + placeholder + "'"
		}, func(n int) string { return "/count?kind=actor&not=" + strconv.Itoa(n) }, func(int) string {
			return "/intel/Profiles/$count?$filter=kind%20eq%20'actor'%20and%20title%20ne%20'" + placeholder + "'"
		}},
		{"$count, kind eq, first time", func(n int) string { return profiles + "/$count?$filter=kind%20eq%20'actor'" }, func(int) string { return "/count?kind=actor" }, func(int) string { return "/intel/Profiles/$count?$filter=kind%20eq%20'actor'" }},
		{"alias lambda, first time", func(n int) string {
			return profiles + "?$filter=aliases/any(a:a%20eq%20" + q("'"+strings.ReplaceAll(row(n).Title, "'", "''")+"'") + ")"
		}, nil, nil},
		{"with a domain, first time", func(n int) string {
			return profiles + "?$filter=indicators/any(i:i/artifact/id%20eq%20'" + domain + "')"
		}, nil, nil},
		{"origin eq, first time", func(n int) string {
			return profiles + "?$filter=countriesOrRegionsOfOrigin/any(c:c/code%20eq%20'RU')"
		}, nil, nil},
		{"$search, first time", func(n int) string {
			return profiles + "?$search=" + q(`"`+strings.ReplaceAll(row(n).Title, `"`, "")+`"`)
		}, nil, nil},
		{"indicator by value, first time", func(n int) string { return indicators + "?$filter=artifact/id%20eq%20'" + domain + "'" }, nil, nil},
		{"100 newest indicators, first time", func(n int) string { return indicators + "?$orderby=firstSeenDateTime%20desc" }, nil, nil},
	}
	asking := "net/http"
	if l.wrk != "" {
		asking = "wrk"
	}
	fmt.Printf("%s asks; %d profiles, %d connections, slices of %s, median of %d rounds\n\n", asking, len(rows), l.connections, l.each, rounds)
	fmt.Printf("| %-33s | %8s | %7s | %7s | %6s | %8s | %5s | %6s | %5s | %8s | %5s | %6s | %5s | %8s | %5s | %6s | %5s | %s |\n", "request", "req/s", "p50 ms", "p99 ms", "µs",
		"by hand", "ratio", "µs", "ratio", "bare", "ratio", "µs", "ratio", "CAP", "ratio", "µs", "ratio", "kB: ours, hand, CAP")
	fmt.Println("|" + strings.Repeat("---|", 18))
	for _, r := range requests {
		if !strings.Contains(r.name, only) {
			continue
		}
		servers := []*server{{process: self, target: r.target, first: strings.HasSuffix(r.name, "first time") || strings.HasSuffix(r.name, "never counted")}}
		ours := servers[0]
		add := func(at process, target func(int) string) *server {
			if at.base == "" || target == nil {
				return nil
			}
			servers = append(servers, &server{process: at, target: target})
			return servers[len(servers)-1]
		}
		byHand, byCAP := add(other["hand"], r.hand), add(other["cap"], r.cap)
		var bare *server
		if strings.HasSuffix(r.name, "unchanged") || r.name == "get by key" {
			at := other["bare"]
			if strings.HasPrefix(r.name, "list") {
				at = other["bare page"]
			}
			bare = add(at, func(int) string { return "/" })
		}
		for n := range rounds {
			for i := range servers { // in another order each time
				if err := l.slice(servers[(i+n)%len(servers)]); err != nil {
					return fmt.Errorf("%s: %w", r.name, err)
				}
			}
		}
		o := medians(ours.results)
		if o.failed > 0 {
			return fmt.Errorf("%s: %d requests failed", r.name, o.failed)
		}
		sizes, err := sizes(ours, byHand, byCAP)
		if err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
		fmt.Printf("| %-33s | %8.0f | %7.2f | %7.2f | %6.0f |%s|%s|%s| %s |\n", r.name, o.rate, o.p50, o.p99, o.work, beside(o, byHand), beside(o, bare), beside(o, byCAP), sizes)
	}
	return nil
}

func prefix(title string) string {
	r := []rune(title)
	return string(r[:min(len(r), 4)])
}

// beside is what another server does of requests a second, and of processor time
// for each, with how much better ours is.
func beside(o result, other *server) string {
	if other == nil {
		return fmt.Sprintf(" %8s | %5s | %6s | %5s ", "", "", "", "")
	}
	m := medians(other.results)
	if m.failed > 0 {
		return fmt.Sprintf(" %8s | %5s | %6s | %5s ", "failed", "", "", "")
	}
	return fmt.Sprintf(" %8.0f | %5.2f | %6.0f | %5.2f ", m.rate, o.rate/m.rate, m.work, m.work/o.work)
}

// aDomain returns a domain that a profile has among its indicators.
func aDomain(base string) (string, error) {
	var page struct {
		Value []struct{ ID string }
	}
	if err := fetch(base+profiles+"?$top=1&$filter=indicators/any(i:i/artifact/microsoft.graph.security.hostname%20ne%20null)", &page); err != nil {
		return "", err
	}
	if len(page.Value) == 0 {
		return "", errors.New("no profile has a domain")
	}
	var list struct {
		Value []struct{ Artifact struct{ ID string } }
	}
	err := fetch(base+profiles+"/"+page.Value[0].ID+"/indicators?$top=1&$filter=artifact/microsoft.graph.security.hostname%20ne%20null", &list)
	if err != nil {
		return "", err
	}
	return list.Value[0].Artifact.ID, nil
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

// A result is of one slice, or the medians of several; p50 and p99 are in
// milliseconds.
type result struct {
	rate, p50, p99 float64
	work           float64 // processor time of the server for each request, in µs
	requests       int
	failed         int
}

// medians takes the median of each figure; what failed is added up.
func medians(list []result) (m result) {
	middle := func(of func(result) float64) float64 {
		var all []float64
		for _, r := range list {
			all = append(all, of(r))
		}
		slices.Sort(all)
		return all[len(all)/2]
	}
	m.rate = middle(func(r result) float64 { return r.rate })
	m.p50 = middle(func(r result) float64 { return r.p50 })
	m.p99 = middle(func(r result) float64 { return r.p99 })
	m.work = middle(func(r result) float64 { return r.work })
	for _, r := range list {
		m.failed += r.failed
	}
	return m
}
