package export

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// inNamespace returns a command that runs a program with the rights and the network of a namespace of its own.
func inNamespace(t *testing.T, program string, args ...string) *exec.Cmd {
	t.Helper()
	return exec.Command(engine(t, "unshare"), append([]string{"--map-root-user", "--net", program}, args...)...)
}

// TestNftables loads the table into the kernel of a network namespace, and asks
// the sets for what is listed and for what is near it.
func TestNftables(t *testing.T) {
	nft := engine(t, "nft")
	if out, err := inNamespace(t, nft, "list", "ruleset").CombinedOutput(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("no namespace for nft: %v: %s", err, out)
		}
		t.Skipf("no namespace for nft: %v: %s", err, out)
	}
	text, r := write(t, "nftables", Options{Title: hostile[1]}, sample())
	file := filepath.Join(t.TempDir(), "dossier.nft")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	// Loaded twice: the second takes the place of the first.
	script := "set -e\n" + nft + " -f " + file + "\n" + nft + " -f " + file + "\n" + nft + " -nn list table inet dossier\n"
	for _, q := range []struct {
		set, value string
		in         bool
	}{
		{"address4", "192.0.2.7", true},
		{"address4", "192.0.2.77", false},
		{"address6", "2001:db8::1", true},
		{"address6", "2001:db8::11", false},
		{"network4", "198.51.100.200", true},
		{"network4", "198.51.101.1", false},
		{"network6", "2001:db8:1:2::3", true},
		{"network6", "2001:db8:2::3", false},
	} {
		not := ""
		if !q.in {
			not = "! "
		}
		script += not + nft + " get element inet dossier " + q.set + " '{ " + q.value + " }' >/dev/null 2>&1 || { echo 'WRONG " + q.set + " " + q.value + "'; exit 1; }\n"
	}
	out, err := inNamespace(t, "/bin/sh", "-c", script).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if got := strings.Count(string(out), `comment "`); got == 0 {
		t.Errorf("no comment in\n%s", out)
	}
	if r.Written != 6 {
		t.Errorf("%d entries", r.Written)
	}
}

// FuzzNftables: whatever comes, every line of the file is one of a few.
func FuzzNftables(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, kind uint8, value, title, publisher, reference string) {
		text, r := write(t, "nftables", Options{Title: title}, []*Indicator{fuzzed(kind, value, title, publisher, reference)})
		_, body, ok := strings.Cut(text, nftTable)
		if !ok {
			t.Fatalf("the table is broken: %q", text)
		}
		n := 0
		for entry := range strings.Lines(body) {
			entry = strings.TrimSuffix(entry, "\n")
			switch {
			case strings.HasPrefix(entry, "# ") && len(entry) < 200:
			case strings.HasPrefix(entry, "add element inet dossier "):
				n++
				rest := entry[len("add element inet dossier "):]
				comment := ""
				if before, after, ok := strings.Cut(rest, ` comment "`); ok {
					comment, rest = strings.TrimSuffix(after, `" }`), before+" }"
				}
				words := strings.Fields(rest)
				if len(words) != 4 || words[1] != "{" || words[3] != "}" || strings.ContainsAny(comment, "\"\\;{}#$\n") || len(comment) > maxNftComment {
					t.Errorf("%q", entry)
				}
				if _, err := prefixOf(words[2]); err != nil {
					t.Errorf("%q: %v", entry, err)
				}
			default:
				t.Errorf("unexpected line %q", entry)
			}
			if strings.ContainsFunc(entry, func(r rune) bool { return r < ' ' || r > '~' }) {
				t.Errorf("%q", entry)
			}
		}
		if n != r.Written {
			t.Errorf("%d elements, %d written", n, r.Written)
		}
	})
}
