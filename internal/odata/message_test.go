package odata

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite testdata/messages.txt")

// TestMessages holds what is refused, and the words in which. testdata/messages.txt has a line "? option text" for each
// case, decoded, followed by the error: code, target, position, message. -update rewrites the errors.
// Lines that begin with "# on " change the type; other lines are comments.
func TestMessages(t *testing.T) {
	const file = "testdata/messages.txt"
	old, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	types := map[string]*Type{"profiles": profileType, "indicators": indicatorType, "certificates": certType}
	typ := profileType
	var b strings.Builder
	cases := 0
	for lines := bufio.NewScanner(strings.NewReader(string(old))); lines.Scan(); {
		line := lines.Text()
		if strings.HasPrefix(line, "  ") {
			continue
		}
		b.WriteString(line + "\n")
		if name, ok := strings.CutPrefix(line, "# on "); ok {
			if typ = types[name]; typ == nil {
				t.Fatalf("no type for %q", line)
			}
		}
		rest, ok := strings.CutPrefix(line, "? ")
		if !ok {
			continue
		}
		cases++
		name, value, _ := strings.Cut(rest, " ")
		r := newReader(typ, Options{Allow: AllowAll})
		err := r.option(canonicalOption(name), value, 1)
		if err == nil {
			t.Errorf("%s is accepted", rest)
			continue
		}
		e := asError(t, err)
		fmt.Fprintf(&b, "  %s %s %d\n  %s\n", e.Code, e.Target, e.Pos, e.Message)
		// A position in the words is the one in Pos, or that of something earlier, such as where a list began.
		if n := strings.Count(value, "") + 1; e.Pos < 0 || e.Pos > n {
			t.Errorf("%s: position %d is outside the text", rest, e.Pos)
		}
	}
	if cases < 100 {
		t.Errorf("only %d cases", cases)
	}
	switch {
	case *update:
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	case b.String() != string(old):
		t.Errorf("messages differ from %s; run with -update and read the diff:\n%s", file, firstDifference(string(old), b.String()))
	}
}

func firstDifference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(w), len(g)) {
		if w[i] != g[i] {
			return fmt.Sprintf("line %d\nwant %s\ngot  %s", i+1, w[i], g[i])
		}
	}
	return fmt.Sprintf("%d lines, want %d", len(g), len(w))
}
