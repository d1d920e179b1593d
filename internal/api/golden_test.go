package api

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite testdata with what is answered now")

// goldenHeaders are the headers that goldens keep.
var goldenHeaders = []string{
	"Allow", "Cache-Control", "client-request-id", "Content-Location", "Content-Type", "ETag", "OData-Version", "Preference-Applied", "Retry-After", "Vary",
}

var requestID = regexp.MustCompile(`"request-id":"[0-9a-f-]{36}"`)

// TestGolden holds the bytes of answers. A file is a list of requests, each
// followed by its answer: "-- name.request --" has method and path, then headers.
func TestGolden(t *testing.T) {
	s := fixtureServer(fixtureStore(t, 0))
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no goldens: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		a := parseArchive(string(text))
		out := &archive{Comment: a.Comment}
		for _, f := range a.Files {
			name, ok := strings.CutSuffix(f.Name, ".request")
			if !ok {
				continue
			}
			lines := strings.Split(strings.TrimSpace(string(f.Data)), "\n")
			method, path, _ := strings.Cut(lines[0], " ")
			headers := []string{"client-request-id", "golden"}
			for _, l := range lines[1:] {
				k, v, _ := strings.Cut(l, ": ")
				headers = append(headers, k, v)
			}
			w := ask(s, method, strings.ReplaceAll(path, "~", ti), headers...)
			var b bytes.Buffer
			b.WriteString(w.Result().Status + "\n")
			for _, h := range goldenHeaders {
				if v := w.Header().Values(h); len(v) > 0 {
					b.WriteString(h + ": " + strings.Join(v, ", ") + "\n")
				}
			}
			b.WriteString("\n" + requestID.ReplaceAllString(w.Body.String(), `"request-id":"<guid>"`) + "\n")
			answer := name + ".answer"
			out.Files = append(out.Files, f, archiveFile{Name: answer, Data: b.Bytes()})
			i := slices.IndexFunc(a.Files, func(f archiveFile) bool { return f.Name == answer })
			if !*update && (i < 0 || !bytes.Equal(a.Files[i].Data, b.Bytes())) {
				t.Errorf("%s: %s is answered with\n%s", file, name, b.String())
			}
		}
		if *update {
			if err := os.WriteFile(file, out.format(), 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// An archive is a txtar archive: a comment, then files behind lines "-- name --".
type archive struct {
	Comment string
	Files   []archiveFile
}

type archiveFile struct {
	Name string
	Data []byte
}

func parseArchive(text string) *archive {
	a := new(archive)
	for line := range strings.Lines(text) {
		name, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "-- ")
		if name, end := strings.CutSuffix(name, " --"); ok && end {
			a.Files = append(a.Files, archiveFile{Name: name})
		} else if n := len(a.Files); n > 0 {
			a.Files[n-1].Data = append(a.Files[n-1].Data, line...)
		} else {
			a.Comment += line
		}
	}
	return a
}

func (a *archive) format() []byte {
	var b bytes.Buffer
	b.WriteString(a.Comment)
	for _, f := range a.Files {
		b.WriteString("-- " + f.Name + " --\n")
		b.Write(f.Data)
	}
	return b.Bytes()
}
