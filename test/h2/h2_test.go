package h2

import (
	"bufio"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/summerwind/h2spec/config"
	"github.com/summerwind/h2spec/generic"
	"github.com/summerwind/h2spec/hpack"
	"github.com/summerwind/h2spec/http2"
	"github.com/summerwind/h2spec/spec"
)

// TestConformance runs all cases against net/http alone, then against the
// program.
func TestConformance(t *testing.T) {
	plain := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(strings.Repeat("net/http ", 100)))
	}))
	plain.EnableHTTP2 = true
	plain.Config.ErrorLog = log.New(io.Discard, "", 0)
	plain.StartTLS()
	defer plain.Close()
	theirs := newTarget(t, plain.Listener.Addr().String(), "/").cases()
	dossier := newTarget(t, serve(t), "/v1.0/security/threatIntelligence/intelProfiles?$top=5")
	ours := dossier.cases()
	report(t, "net/http", theirs)
	report(t, "dossier", ours)
	if len(ours) < 100 || len(ours) != len(theirs) {
		t.Errorf("%d cases for dossier, %d for net/http", len(ours), len(theirs))
	}
	for id, failure := range ours {
		// Some cases pass only if their frames come before the answer is sent.
		for try := 0; try < tries && failure != nil && theirs[id] == nil; try++ {
			failure = dossier.cases(id)[id]
		}
		if failure != nil && theirs[id] == nil {
			t.Errorf("%s: %v", id, failure)
		}
	}
}

// tries is how often a case that fails is tried again.
const tries = 10

func report(t *testing.T, name string, results map[string]error) {
	passed := 0
	for id, failure := range results {
		if failure == nil {
			passed++
		} else {
			t.Logf("%s fails %s", name, id)
		}
	}
	t.Logf("%s passes %d of %d", name, passed, len(results))
}

// A target is a server that listens, and what to ask it for.
type target config.Config

func newTarget(t *testing.T, addr, path string) *target {
	t.Helper()
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	return &target{Host: host, Port: n, Path: path, Timeout: 2 * time.Second, MaxHeaderLen: 4000, Strict: true, TLS: true, Insecure: true}
}

// cases runs the cases with these ids, or all, and returns what went wrong in
// each, nil for nothing. Cases that do not apply are left out.
func (t *target) cases(ids ...string) map[string]error {
	c := config.Config(*t)
	c.Sections = ids
	// h2spec prints every case and draws the line again.
	stdout := os.Stdout
	defer func() { os.Stdout = stdout }()
	os.Stdout = nil
	results := map[string]error{}
	var collect func(*spec.TestGroup)
	collect = func(g *spec.TestGroup) {
		for i, one := range append(g.Tests, g.StrictTests...) {
			if r := one.Result; r != nil && !r.Skipped {
				if results[fmt.Sprintf("%s/%d", g.ID(), i+1)] = nil; r.Failed {
					results[fmt.Sprintf("%s/%d", g.ID(), i+1)] = fmt.Errorf("%s: %w", one.Desc, r.Error)
				}
			}
		}
		for _, inner := range g.Groups {
			collect(inner)
		}
	}
	for _, group := range []*spec.TestGroup{generic.Spec(), http2.Spec(), hpack.Spec()} {
		group.Test(&c)
		collect(group)
	}
	return results
}

// serve builds the program and starts it, over a new database, and returns the
// address.
func serve(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	bin := filepath.Join(dir, "dossier")
	build := exec.Command("go", "build", "-o", bin, "./cmd/dossier")
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	cmd := exec.Command(bin, "serve", "--listen", "127.0.0.1:0", "--tls-self-signed", "--db", filepath.Join(dir, "dossier.db"))
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	})
	address := make(chan string, 1)
	go func() {
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			if found, ok := strings.CutPrefix(lines.Text(), "listening on https://"); ok {
				address <- found
			}
		}
	}()
	select {
	case found := <-address:
		return found
	case <-time.After(2 * time.Minute):
		t.Fatal("dossier serve does not say where it listens")
	}
	return ""
}
