package main

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"dossier/internal/testdb"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"dossier": main})
}

// TestScripts runs the commands as a terminal does. The database of the scripts
// is made once, from the catalogue, and copied.
func TestScripts(t *testing.T) {
	params := scriptParams(t)
	params.Dir = "testdata/script"
	testscript.Run(t, params)
}

// TestDocs runs the commands of guides: the lines of blocks marked as sh, with
// the files of blocks that name one, and a server in the place of the one that
// they speak of.
func TestDocs(t *testing.T) {
	for _, guide := range []string{"feeds"} {
		text, err := os.ReadFile(filepath.Join("..", "..", "docs", guide+".md"))
		if err != nil {
			t.Fatal(err)
		}
		script, files, info := "seed\nfiles web\n", "", ""
		commands := 0
		for line := range strings.Lines(string(text)) {
			if mark, ok := strings.CutPrefix(strings.TrimSpace(line), "```"); ok {
				info = mark
				if _, name, ok := strings.Cut(mark, " "); ok {
					files += "-- " + name + " --\n"
				}
				continue
			}
			line = strings.ReplaceAll(line, "http://127.0.0.1:8000/", "$FILES/")
			switch _, _, named := strings.Cut(info, " "); {
			case info == "sh":
				script += "exec " + line
				commands++
			case named:
				files += strings.ReplaceAll(line, "$FILES/", "http://127.0.0.1:8000/")
			}
		}
		if commands < 10 {
			t.Errorf("%s: %d commands found", guide, commands)
		}
		file := filepath.Join(t.TempDir(), guide+".txtar")
		if err := os.WriteFile(file, []byte(script+"-- web/blocklist.txt --\nevil.contoso.com\n1.0.0.1\n"+files), 0o600); err != nil {
			t.Fatal(err)
		}
		params := scriptParams(t)
		params.Files = []string{file}
		testscript.Run(t, params)
	}
}

// scriptParams are what scripts run with.
func scriptParams(t *testing.T) testscript.Params {
	seed := filepath.Join(t.TempDir(), "seed.db")
	return testscript.Params{
		Setup: func(env *testscript.Env) error {
			env.Setenv("SEED", seed)
			env.Setenv("NO_COLOR", "1")
			if !testdb.Postgres() {
				return nil
			}
			path, drop, err := testdb.New("")
			if err != nil {
				return err
			}
			env.Setenv("POSTGRES", path)
			env.Defer(func() {
				if err := drop(); err != nil {
					t.Error(err)
				}
			})
			return nil
		},
		Condition: func(cond string) (bool, error) {
			if cond == "postgres" {
				return testdb.Postgres(), nil
			}
			return false, fmt.Errorf("unknown condition %q", cond)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"serve":  serveCommand,
			"get":    getCommand,
			"status": statusCommand,
			"files":  filesCommand,
			"field":  fieldCommand,
			"seed":   func(ts *testscript.TestScript, _ bool, _ []string) { seedDatabase(ts, seed) },
		},
	}
}

// fieldCommand sets a variable to a text in a file of JSON: field VAR FILE NAME.
func fieldCommand(ts *testscript.TestScript, _ bool, args []string) {
	m := regexp.MustCompile(`"` + args[2] + `":"([^"]*)"`).FindStringSubmatch(ts.ReadFile(args[1]))
	if m == nil {
		ts.Fatalf("%s has no %q", args[1], args[2])
	}
	ts.Setenv(args[0], m[1])
}

// filesCommand serves a folder of the script on this machine and sets $FILES.
func filesCommand(ts *testscript.TestScript, _ bool, args []string) {
	s := httptest.NewServer(http.FileServer(http.Dir(ts.MkAbs(args[0]))))
	ts.Setenv("FILES", s.URL)
	ts.Defer(s.Close)
}

// seedDatabase makes dossier.db of the script a copy of a database with the
// catalogue, which the first script that asks for it makes.
func seedDatabase(ts *testscript.TestScript, seed string) {
	if _, err := os.Stat(seed); err != nil {
		cmd := exec.Command("dossier", "--db", seed, "search", "apt28")
		cmd.Env = append(os.Environ(), "PATH="+ts.Getenv("PATH"))
		if path, err := lookPath("dossier", ts.Getenv("PATH")); err == nil {
			cmd.Path = path
			cmd.Err = nil
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			ts.Fatalf("making the database: %v\n%s", err, out)
		}
	}
	data, err := os.ReadFile(seed)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs("dossier.db"), data, 0o600))
}

func lookPath(name, path string) (string, error) {
	for _, dir := range filepath.SplitList(path) {
		for _, file := range []string{name, name + ".exe"} {
			full := filepath.Join(dir, file)
			if info, err := os.Stat(full); err == nil && !info.IsDir() {
				return full, nil
			}
		}
	}
	return "", exec.ErrNotFound
}

var listening = regexp.MustCompile(`listening on (http://\S+)`)

// serveCommand starts "dossier serve" with the given flags on a free port and
// sets $URL; the server is stopped with the script.
func serveCommand(ts *testscript.TestScript, _ bool, args []string) {
	path, err := lookPath("dossier", ts.Getenv("PATH"))
	ts.Check(err)
	cmd := exec.Command(path, append([]string{"serve", "--listen", "127.0.0.1:0"}, args...)...)
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = append(os.Environ(), "DOSSIER_DB=")
	out, err := cmd.StderrPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	ts.Defer(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	found := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(out)
		var all strings.Builder
		for lines.Scan() {
			if m := listening.FindStringSubmatch(lines.Text()); m != nil {
				found <- m[1]
				all.Reset()
				continue
			}
			fmt.Fprintln(&all, lines.Text())
		}
		found <- "ended: " + all.String()
	}()
	select {
	case url := <-found:
		if strings.HasPrefix(url, "ended") {
			ts.Fatalf("serve %s", url)
		}
		ts.Setenv("URL", url)
		ts.Setenv("ADDR", strings.TrimPrefix(url, "http://"))
	case <-time.After(2 * time.Minute):
		ts.Fatalf("serve did not listen")
	}
}

// getCommand prints what the server that the script started answers.
func getCommand(ts *testscript.TestScript, _ bool, args []string) {
	res, err := http.Get(ts.Getenv("URL") + args[0])
	ts.Check(err)
	defer res.Body.Close()
	_, err = io.Copy(ts.Stdout(), res.Body)
	ts.Check(err)
}

// statusCommand asks for a path, with the token in a file if one is given, and
// holds the answer to a status: status 401 /path [token].
func statusCommand(ts *testscript.TestScript, _ bool, args []string) {
	req, err := http.NewRequest(http.MethodGet, ts.Getenv("URL")+args[1], nil)
	ts.Check(err)
	if len(args) > 2 {
		req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(ts.ReadFile(args[2])))
	}
	res, err := http.DefaultClient.Do(req)
	ts.Check(err)
	defer res.Body.Close()
	_, err = io.Copy(ts.Stdout(), res.Body)
	ts.Check(err)
	if want := args[0]; fmt.Sprint(res.StatusCode) != want {
		ts.Fatalf("%s: status %d, want %s", args[1], res.StatusCode, want)
	}
}
