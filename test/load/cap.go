package main

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

var listeningCAP = regexp.MustCompile(`listening on \{ url: '([^']+)'`)

// startCAP serves the rows with SAP CAP, from the folder of a project in which its
// packages are installed (npm install). stop ends it.
func startCAP(dir string, rows []row) (at process, stop func(), err error) {
	if dir, err = filepath.Abs(dir); err != nil {
		return at, nil, err
	}
	data := filepath.Join(dir, "db", "data")
	if err := os.MkdirAll(data, 0o777); err != nil {
		return at, nil, err
	}
	f, err := os.Create(filepath.Join(data, "load-Profiles.csv"))
	if err != nil {
		return at, nil, err
	}
	w := csv.NewWriter(f)
	_ = w.Write([]string{"id", "kind", "title", "firstActive", "aliases", "targets", "origins", "summary", "description", "tradecraft"})
	for _, r := range rows {
		tradecraft := ""
		if r.Tradecraft != nil {
			tradecraft = r.Tradecraft.Content
		}
		_ = w.Write([]string{r.ID, r.Kind, r.Title, r.FirstActive, encoded(r.Aliases), encoded(r.Targets), encoded(r.Origins), r.Summary.Content, r.Description.Content, tradecraft})
	}
	w.Flush()
	if err := w.Error(); err != nil {
		return at, nil, err
	}
	if err := f.Close(); err != nil {
		return at, nil, err
	}
	db := filepath.Join(data, "cap.db")
	env := append(os.Environ(), "PORT=0", "NODE_ENV=production", "CDS_CONFIG="+encoded(map[string]any{
		"requires": map[string]any{"db": map[string]any{"kind": "sqlite", "credentials": map[string]string{"url": db}}, "auth": map[string]string{"kind": "dummy"}},
	}))
	deploy := exec.Command("node", "node_modules/.bin/cds-deploy")
	deploy.Dir, deploy.Env = dir, env
	if out, err := deploy.CombinedOutput(); err != nil {
		return at, nil, fmt.Errorf("cds-deploy: %w\n%s", err, out)
	}
	cmd := exec.Command("node", "node_modules/.bin/cds-serve")
	cmd.Dir, cmd.Env = dir, env
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return at, nil, err
	}
	if err := cmd.Start(); err != nil {
		return at, nil, err
	}
	stop = func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }
	var log strings.Builder
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		fmt.Fprintln(&log, lines.Text())
		if m := listeningCAP.FindStringSubmatch(lines.Text()); m != nil {
			go func() { _, _ = io.Copy(io.Discard, stdout) }()
			return process{strings.Replace(m[1], "localhost", "127.0.0.1", 1), cmd.Process.Pid}, stop, nil
		}
	}
	stop()
	return at, nil, fmt.Errorf("CAP does not say where it listens:\n%s", &log)
}
