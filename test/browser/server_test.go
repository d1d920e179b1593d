package browser

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// base is the address of the program under test, over a new database with the
// catalogue.
var base string

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		code = 1
	}
	os.Exit(code)
}

// run builds the program, serves, and runs the tests if there is a browser.
func run(m *testing.M) (int, error) {
	if _, err := chromium(); err != nil {
		return m.Run(), nil // each test says why it is skipped
	}
	dir, err := os.MkdirTemp("", "browser")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	bin := filepath.Join(dir, "dossier")
	build := exec.Command("go", "build", "-o", bin, "./cmd/dossier")
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("go build: %w\n%s", err, out)
	}
	cmd := exec.Command(bin, "serve", "--listen", "127.0.0.1:0", "--db", filepath.Join(dir, "dossier.db"))
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	defer func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	}()
	address := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(stderr)
		for lines.Scan() {
			if found, ok := strings.CutPrefix(lines.Text(), "listening on "); ok {
				address <- found
			}
		}
		close(address)
	}()
	select {
	case base = <-address:
	case <-time.After(2 * time.Minute):
	}
	if base == "" {
		return 0, fmt.Errorf("dossier serve does not say where it listens")
	}
	return m.Run(), nil
}

// answer asks the API and returns the body.
func answer(t *testing.T, address string, into any) {
	t.Helper()
	res, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Fatalf("%s answers %s", address, res.Status)
	}
	if err := json.NewDecoder(res.Body).Decode(into); err != nil {
		t.Fatalf("%s: %v", address, err)
	}
}

// A profile is what the tests read of the API's answers.
type profile struct {
	ID      string   `json:"id"`
	Title   string   `json:"title"`
	Aliases []string `json:"aliases"`
}

// curlAddress reads the address that a curl line of a page asks.
func curlAddress(t *testing.T, line string) string {
	t.Helper()
	const quote = "\x00" // as the shell's '\'' within quotes
	quoted := strings.Split(strings.ReplaceAll(line, `'\''`, quote), "'")
	for i := range quoted {
		quoted[i] = strings.ReplaceAll(quoted[i], quote, "'")
	}
	if len(quoted) < 3 || !strings.HasPrefix(line, "curl ") || !strings.HasPrefix(quoted[1], base+"/v1.0/") {
		t.Fatalf("the curl line is %s", line)
	}
	q := url.Values{}
	for i := 3; i < len(quoted); i += 2 {
		name, value, _ := strings.Cut(quoted[i], "=")
		q.Set(name, value)
	}
	if len(q) == 0 {
		return quoted[1]
	}
	return quoted[1] + "?" + q.Encode()
}

// list asks the API for profiles.
func list(t *testing.T, address string) []profile {
	t.Helper()
	var body struct {
		Value []profile `json:"value"`
	}
	answer(t, address, &body)
	return body.Value
}

// profileOf returns the profile with the title.
func profileOf(t *testing.T, title string) profile {
	t.Helper()
	found := list(t, base+"/v1.0/security/threatIntelligence/intelProfiles?"+url.Values{"$filter": {"title eq '" + title + "'"}}.Encode())
	if len(found) != 1 {
		t.Fatalf("%d profiles are called %s", len(found), title)
	}
	return found[0]
}
