package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"dossier/internal/feed"
	"dossier/internal/store"
	"dossier/internal/testdb"
)

// An installation is a database that several processes work on.
type installation struct {
	t       *testing.T
	program string
	dir     string
	db      string
	token   string
}

func (in *installation) command(args ...string) *exec.Cmd {
	cmd := exec.Command(in.program, append([]string{"--no-catalog", "--db", in.db, "--key-file", filepath.Join(in.dir, "key")}, args...)...)
	cmd.Dir = in.dir
	return cmd
}

func (in *installation) run(args ...string) string {
	in.t.Helper()
	out, err := in.command(args...).CombinedOutput()
	if err != nil {
		in.t.Fatalf("%v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// serve starts a server and returns its address and a function that kills it.
func (in *installation) serve(flags ...string) (url string, kill func()) {
	in.t.Helper()
	cmd := in.command(append([]string{"serve", "--listen", "127.0.0.1:0", "--auth", "required"}, flags...)...)
	out, err := cmd.StderrPipe()
	if err != nil {
		in.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		in.t.Fatal(err)
	}
	kill = func() { _, _ = cmd.Process.Kill(), cmd.Wait() }
	in.t.Cleanup(kill)
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if m := listening.FindStringSubmatch(lines.Text()); m != nil {
			go func() { _, _ = io.Copy(io.Discard, out) }()
			return m[1], kill
		}
	}
	in.t.Fatal("serve did not listen")
	return "", nil
}

// A page is what a client reads of a list.
type page struct {
	Value []struct {
		ID string `json:"id"`
	} `json:"value"`
	Next  string `json:"@odata.nextLink"`
	Delta string `json:"@odata.deltaLink"`
}

// get asks a server; links of another server are followed at this one.
func (in *installation) get(url, target string) (p page) {
	in.t.Helper()
	if i := strings.Index(target, "/v1.0/"); i > 0 {
		target = target[i:]
	}
	req, err := http.NewRequest(http.MethodGet, url+target, nil)
	if err != nil {
		in.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+in.token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		in.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		in.t.Fatalf("%s: %s %s %v", target, res.Status, body, err)
	}
	if err := json.Unmarshal(body, &p); err != nil {
		in.t.Fatal(err)
	}
	return p
}

// TestServers runs two servers on one PostgreSQL database: tokens and links of one
// are good at the other, what one process writes both answer within a second, and
// when the one that reads a feed is killed another finishes it.
func TestServers(t *testing.T) {
	if !testdb.Postgres() {
		t.Skip("needs PostgreSQL: set " + testdb.Variable)
	}
	program, err := exec.LookPath("dossier")
	if err != nil {
		t.Fatal(err)
	}
	in := &installation{t: t, program: program, dir: t.TempDir(), db: testdb.Path(t)}
	var asked atomic.Int32
	never := make(chan struct{})
	defer close(never)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) == 1 { // whoever asks first gets no end
			fmt.Fprintln(w, "half.contoso.com")
			w.(http.Flusher).Flush()
			<-never
			return
		}
		for i := range 50 {
			fmt.Fprintf(w, "n%d.contoso.com\n", i)
		}
	}))
	defer web.CloseClientConnections()
	s, _, err := store.Open(t.Context(), in.db, store.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	in.run("client", "add", "soar")
	in.token = in.run("token", "soar")

	// The feed is due at once: one of the servers begins it and gets stuck.
	if _, err := feed.Put(t.Context(), s, feed.Feed{Name: "ours", URLs: []string{web.URL + "/list.txt"}, Source: "ours", AllowPrivate: true}); err != nil {
		t.Fatal(err)
	}
	a, killA := in.serve()
	b, killB := in.serve()
	const list = "/v1.0/security/threatIntelligence/intelligenceProfileIndicators"
	before := in.get(a, list+"/delta")
	if n := len(in.get(b, list).Value); n != 0 || before.Delta == "" {
		t.Fatalf("%d indicators at first", n)
	}

	wait(t, time.Minute, "the feed is begun", func() bool { return asked.Load() > 0 })
	holder, err := s.Feed(t.Context(), "ours")
	if err != nil || holder.Run == "" {
		t.Fatalf("nobody holds the feed: %+v %v", holder, err)
	}
	if out, err := in.command("feed", "run", "ours").CombinedOutput(); err == nil || !strings.Contains(string(out), "is being run already") {
		t.Errorf("runs overlap: %s", out)
	}
	// Whichever it is: both die, and a third process takes over.
	killA()
	killB()
	in.run("feed", "run", "ours")
	f, err := s.Feed(t.Context(), "ours")
	if err != nil || f.Run != "" || f.LastRun == holder.Run {
		t.Errorf("after the run: %+v %v", f, err)
	}

	a, _ = in.serve()
	b, _ = in.serve()
	seen := map[string]int{}
	url := a
	for p, n := in.get(a, list+"?$top=7"), 0; ; n++ {
		for _, v := range p.Value {
			seen[v.ID]++
		}
		if p.Next == "" {
			break
		}
		if url = a; n%2 == 0 {
			url = b
		}
		p = in.get(url, p.Next)
	}
	if len(seen) != 50 {
		t.Errorf("%d indicators on pages of two servers, want 50", len(seen))
	}
	if n := len(in.get(b, before.Delta).Value); n != 50 {
		t.Errorf("the delta of one server tells %d changes at the other", n)
	}
	// A third process writes.
	in.get(a, list+"?$top=100") // what it remembers
	write := in.command("import", "--source", "ours", "-")
	write.Stdin = strings.NewReader("more.contoso.com\n")
	if out, err := write.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, url := range []string{a, b} {
		wait(t, time.Second, "the import is seen", func() bool { return len(in.get(url, list+"?$top=100").Value) == 51 })
	}
}

// wait waits for a condition.
func wait(t *testing.T, most time.Duration, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(most); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("after %v it is not true that %s", most, what)
		}
	}
}
