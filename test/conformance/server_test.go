package conformance

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/microsoft/kiota-abstractions-go/authentication"
	msgraph "github.com/microsoftgraph/msgraph-sdk-go"
)

// server is the base URL of the Dossier under test, without a version.
var server string

// TestMain builds Dossier, fills a database with its catalogue and with indicators
// of the test's own, and serves it. DOSSIER_URL names a running server to
// test instead.
func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	if server = strings.TrimRight(os.Getenv("DOSSIER_URL"), "/"); server != "" {
		return m.Run(), nil
	}
	dir, err := os.MkdirTemp("", "conformance")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	bin := filepath.Join(dir, "dossier")
	if runtime.GOOS == "windows" {
		bin += ".exe"
	}
	build := exec.Command("go", "build", "-o", bin, "./cmd/dossier")
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("go build: %w\n%s", err, out)
	}
	db := filepath.Join(dir, "dossier.db")
	list := filepath.Join(dir, "list.txt")
	if err := os.WriteFile(list, indicatorList(), 0o666); err != nil {
		return 0, err
	}
	report := filepath.Join(dir, "report.json")
	if err := os.WriteFile(report, []byte(reportBundle), 0o666); err != nil {
		return 0, err
	}
	imports := exec.Command(bin, "import", "--db", db, "--source", "conformance", "--profile", importedActor, list, report)
	if out, err := imports.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("dossier import: %w\n%s", err, out)
	}

	binary = bin
	guardedDB = filepath.Join(dir, "guarded.db")
	if err := copyFile(db, guardedDB); err != nil {
		return 0, err
	}
	base, stop, err := start(bin, db)
	if err != nil {
		return 0, err
	}
	defer func() {
		if log := stop(); code != 0 {
			fmt.Fprintf(os.Stderr, "the server's log:\n%s", log)
		}
		if log := stopGuarded(); code != 0 {
			fmt.Fprintf(os.Stderr, "the guarded server's log:\n%s", log)
		}
	}()
	server = base
	return m.Run(), nil
}

// binary is the program under test, "" where a running server is tested.
var binary string

// start serves a database on a free port, with further flags, and returns the
// base URL. stop ends the server and returns its log.
func start(bin, db string, flags ...string) (base string, stop func() string, err error) {
	ctx, cancel := context.WithCancel(context.Background())
	serve := exec.CommandContext(ctx, bin, append([]string{"serve", "--listen", "127.0.0.1:0", "--db", db}, flags...)...)
	serve.Cancel = func() error { return serve.Process.Signal(os.Interrupt) }
	serve.WaitDelay = 10 * time.Second
	stderr, err := serve.StderrPipe()
	if err != nil {
		cancel()
		return "", nil, err
	}
	if err := serve.Start(); err != nil {
		cancel()
		return "", nil, err
	}
	address := make(chan string, 1)
	var log bytes.Buffer
	done := make(chan struct{})
	go func() {
		defer close(done)
		lines := bufio.NewScanner(stderr)
		for lines.Scan() {
			log.WriteString(lines.Text() + "\n")
			if base, ok := strings.CutPrefix(lines.Text(), "listening on "); ok {
				address <- base
			}
		}
	}()
	stop = func() string {
		cancel()
		<-done
		_ = serve.Wait() // it was interrupted
		return log.String()
	}
	select {
	case base = <-address:
		return base, stop, nil
	case <-done:
		return "", nil, fmt.Errorf("dossier serve ended:\n%s", stop())
	case <-time.After(2 * time.Minute):
		return "", nil, fmt.Errorf("dossier serve does not say where it listens:\n%s", stop())
	}
}

// importedActor has the indicators of the test's own.
const importedActor = "Lazarus Group"

// imported is how many names the list has: more than the largest page.
const imported = 1250

// indicatorList is a plain list with all kinds of artifacts.
func indicatorList() []byte {
	var b bytes.Buffer
	for i := range imported {
		fmt.Fprintf(&b, "c%d.conformance-check.com\n", i)
	}
	fmt.Fprintln(&b, "45.77.12.34")
	fmt.Fprintln(&b, "2a01:4f8:c17:b0f::2")
	fmt.Fprintln(&b, strings.Repeat("0f1e2d3c", 8))
	fmt.Fprintln(&b, "http://c1.conformance-check.com/path?a=b")
	return b.Bytes()
}

// newClient returns the official client for a version of the API.
func newClient(t *testing.T, version string) (*msgraph.GraphServiceClient, *msgraph.GraphRequestAdapter) {
	t.Helper()
	adapter, err := msgraph.NewGraphRequestAdapter(&authentication.AnonymousAuthenticationProvider{})
	if err != nil {
		t.Fatal(err)
	}
	adapter.SetBaseUrl(server + "/" + version)
	return msgraph.NewGraphServiceClient(adapter), adapter
}
