package profile_test

import (
	"flag"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"dossier/internal/intel"
	"dossier/internal/profile"
)

var show = flag.String("show", "", "print the profiles with these titles, separated by |, of the real data; * is all")

// TestCorpus folds every profile of the real data and holds it to what is
// promised of all.
func TestCorpus(t *testing.T) {
	h := realData(t)
	counts := map[intel.Basis]int{}
	tradecraft := 0
	for _, id := range h.ids {
		d := profile.Fold(id, h.profiles[id], h)
		check(t, d)
		counts[d.FirstActive.Value.Basis]++
		if d.Profile.Tradecraft != nil {
			tradecraft++
		}
	}
	t.Logf("%d profiles, %d with tradecraft, dates: %v", len(h.ids), tradecraft, counts)
	if len(h.ids) < 3000 || tradecraft < 700 {
		t.Errorf("%d profiles, %d with tradecraft: want at least 3000 and 700", len(h.ids), tradecraft)
	}
}

// TestShow prints profiles to be read: go test -run Show -show 'APT28|PlugX'.
func TestShow(t *testing.T) {
	if *show == "" {
		t.Skip("nothing to show: give -show")
	}
	h := realData(t)
	want := strings.Split(*show, "|")
	for _, id := range h.ids {
		for _, w := range want {
			if w == "*" || h.titles[id] == w {
				p := profile.Fold(id, h.profiles[id], h).Profile
				out := "\n================ " + p.Title + " (" + string(p.Kind) + ", " + p.FirstActive.String() + ")\naliases: " +
					strings.Join(p.Aliases, " | ") + "\ntargets: " + strings.Join(p.Targets, " | ") + "\n\nSUMMARY: " + p.Summary.Content + "\n\n" + p.Description.Content
				if p.Tradecraft != nil {
					out += "\n---- tradecraft\n" + p.Tradecraft.Content
				}
				os.Stdout.WriteString(out + "\n")
			}
		}
	}
}

// check holds a dossier to what is promised of every one.
func check(tb testing.TB, d *intel.Dossier) {
	tb.Helper()
	p := d.Profile
	fail := func(what string) {
		tb.Errorf("%s %q: %s\n%s\n%s", p.ID, p.Title, what, p.Summary.Content, p.Description.Content)
	}
	switch {
	case p.Title == "" || p.FirstActive == 0 || p.Kind != intel.Actor && p.Kind != intel.Tool:
		fail("title, kind or date missing")
	case p.Aliases == nil || p.Targets == nil || p.Origins == nil || d.Names == nil || d.Records == nil:
		fail("a collection is nil")
	case p.Summary.Content == "" || strings.ContainsAny(p.Summary.Content, "\r\n<>"):
		fail("summary is empty, has lines or HTML")
	case utf8.RuneCountInString(p.Summary.Content) > profile.MaxSummary:
		fail("summary is too long")
	case !strings.HasPrefix(p.Description.Content, "## Snapshot\r\n"):
		fail("description does not begin with a snapshot")
	case len(p.Description.Content) > profile.MaxDescription:
		fail("description is too long")
	}
	texts := []string{p.Description.Content}
	if p.Tradecraft != nil {
		texts = append(texts, p.Tradecraft.Content)
		if len(p.Tradecraft.Content) > profile.MaxTradecraft || p.Tradecraft.Content == "" {
			fail("tradecraft is empty or too long")
		}
	}
	for _, s := range texts {
		if strings.Contains(s, "<") || strings.Contains(s, "![") {
			fail("raw HTML or an image")
		}
		if strings.Contains(strings.ReplaceAll(s, "\r\n", ""), "\n") || strings.Contains(strings.ReplaceAll(s, "\r\n", ""), "\r") {
			fail("a line does not end in CRLF")
		}
		if !utf8.ValidString(s) {
			fail("invalid UTF-8")
		}
		for _, bad := range []string{"  ", " .", " ,", "..", ",,", "()", ": .", "a Iranian", "an Ukr", " a a", " a e", " a i", " a o"} {
			lines := strings.Split(s, "\r\n")
			for _, l := range lines {
				if strings.Contains(l, bad) && !strings.HasPrefix(l, "> ") && !strings.Contains(l, ": ") && !strings.Contains(l, "…") && !strings.Contains(l, "...") && !strings.Contains(l, "](") && !strings.Contains(l, "`") {
					fail("slip " + bad + " in " + l)
				}
			}
		}
		lines := strings.Split(strings.TrimSpace(s), "\r\n")
		for i, l := range lines {
			if strings.HasPrefix(l, "#") && (i+2 >= len(lines) || lines[i+1] != "" || strings.HasPrefix(lines[i+2], "## ")) {
				fail("empty section " + l)
			}
		}
	}
}
