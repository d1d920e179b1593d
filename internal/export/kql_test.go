package export

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// kustoCheck has Microsoft's parser read queries; it returns its findings and
// the string literals that it sees.
func kustoCheck(t *testing.T, text string) (findings, literals []string) {
	t.Helper()
	node := engine(t, "node")
	dir := filepath.Join("..", "..", "test", "kql")
	if _, err := os.Stat(filepath.Join(dir, "node_modules")); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("npm ci has not run in test/kql: %v", err)
		}
		t.Skip("npm ci has not run in test/kql: the queries are not parsed")
	}
	cmd := exec.Command(node, filepath.Join(dir, "check.cjs"), "literals")
	cmd.Stdin = strings.NewReader(text)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, err.(*exec.ExitError).Stderr)
	}
	for l := range strings.Lines(string(out)) {
		l = strings.TrimSuffix(l, "\n")
		literal, ok := strings.CutPrefix(l, "literal ")
		if !ok {
			findings = append(findings, l)
			continue
		}
		var s string
		if err := json.Unmarshal([]byte(literal), &s); err != nil {
			t.Fatal(err)
		}
		literals = append(literals, s)
	}
	return findings, literals
}

// TestKQL has the queries parsed and bound to the tables, with every hostile text
// in every field, and reads the values back from the parser's own tree.
func TestKQL(t *testing.T) {
	list := sample()
	for k := range kinds {
		for _, h := range hostile {
			list = append(list, fuzzed(uint8(k), h, h, h, h))
		}
	}
	for _, f := range kqlFormats {
		text, r := write(t, f.Name, Options{Title: hostile[1]}, list)
		findings, literals := kustoCheck(t, text)
		for _, l := range findings {
			t.Errorf("%s: %s", f.Name, l)
		}
		if r.Written == 0 || len(literals) < 5*r.Written {
			t.Errorf("%s: %d literals for %d entries", f.Name, len(literals), r.Written)
		}
		n := 0
		for _, i := range list {
			if f.Carries(i) && slices.Contains(literals, i.Observable.Value) {
				n++
			}
		}
		if n < r.Written {
			t.Errorf("%s: %d of %d values are read back", f.Name, n, r.Written)
		}
	}
	if findings, _ := kustoCheck(t, `DeviceNetworkEvents | where Nope == "x`); len(findings) == 0 {
		t.Error("the parser finds nothing wrong with a wrong query")
	}
}

// kqlRow reads a row of the table: literals between quotation marks.
func kqlRow(s string) (fields []string, ok bool) {
	s = strings.TrimPrefix(s, "  ")
	for s != "" {
		if s[0] != '"' {
			field, rest, found := strings.Cut(s, ",")
			if !found || strings.ContainsAny(field, `"\;|`) {
				return nil, false
			}
			fields, s = append(fields, field), strings.TrimPrefix(rest, " ")
			continue
		}
		end := 1
		for ; end < len(s) && s[end] != '"'; end++ {
			if s[end] == '\\' {
				end++
			}
			if end < len(s) && s[end] < ' ' {
				return nil, false
			}
		}
		if end >= len(s) {
			return nil, false
		}
		var v string
		if json.Unmarshal([]byte(s[:end+1]), &v) != nil {
			return nil, false
		}
		fields = append(fields, v)
		rest, found := strings.CutPrefix(s[end+1:], ",")
		if !found {
			return nil, false
		}
		s = strings.TrimPrefix(rest, " ")
	}
	return fields, true
}

func FuzzKQL(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, kind uint8, value, title, publisher, reference string) {
		i := fuzzed(kind, value, title, publisher, reference)
		text, r := write(t, "kql-defender", Options{Title: title}, []*Indicator{i})
		_, rows, _ := strings.Cut(text, "[\n")
		rows, rest, _ := strings.Cut(rows, "];\n")
		if rest != kqlNames+kqlDefender || strings.Count(rows, "\n") != r.Written {
			t.Fatalf("%q", text)
		}
		for row := range strings.Lines(rows) {
			fields, ok := kqlRow(strings.TrimSuffix(row, "\n"))
			if !ok || len(fields) != 6 || fields[1] != value || fields[5] != i.ID {
				t.Errorf("%q: %q", row, fields)
			}
		}
	})
}
