package resolve

import (
	"strings"
	"testing"
	"unicode"

	"dossier/internal/intel"
)

func TestConfusable(t *testing.T) {
	for _, tt := range []struct{ name, want string }{ // want "" is not confusable
		{"\u0410\u0420\u042228", "APT28"}, // all Cyrillic
		{"A\u0420T28", "APT28"},           // one Cyrillic letter
		{"F\u0430ncy Bear", "Fancy Bear"},
		{"Lazarus Gr\u03bfup", "Lazarus Group"}, // Greek omicron
		{"Tur\u0434a", "Tur\u0434a"},            // mixed, and no twin for one letter
		{"APT28", ""},
		{"Сандворм", ""},          // a Cyrillic word
		{"Sandworm Сандворм", ""}, // two words, each in one script
		{"Ayyıldız Tim", ""},
		{"Café", ""},
		{"狼毒草", ""},
		{"APT37 금성121", ""},
		{"α-Group", "a-Group"},
		{"", ""},
		{"\xff\xfe", ""},
	} {
		got, ok := Confusable(tt.name)
		if got != tt.want || ok != (tt.want != "") {
			t.Errorf("Confusable(%q) = %q, %v; want %q", tt.name, got, ok, tt.want)
		}
	}
}

// What a name looks like does not itself look like another, unless letters
// without a Latin twin are left; and ASCII never looks like anything else.
func FuzzConfusable(f *testing.F) {
	for _, s := range []string{"\u0410\u0420\u042228", "A\u0420T28", "Tur\u0434a", "α-Group", "\xff", "e\u0301", "Ꭺ"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		like, ok := Confusable(name)
		if !ok {
			if like != "" {
				t.Errorf("Confusable(%q) = %q, false", name, like)
			}
			return
		}
		if isASCII(name) {
			t.Errorf("Confusable(%q) = %q, but it is ASCII", name, like)
		}
		if again, ok := Confusable(like); ok && strings.IndexFunc(again, func(r rune) bool { return unicode.In(r, similarScripts...) }) < 0 {
			t.Errorf("Confusable(%q) = %q, which looks like %q", name, like, again)
		}
	})
}

// Whatever a name is, looking it up finds every record that has it, under each
// spelling with the same key, and the best candidate comes first.
func FuzzLookup(f *testing.F) {
	f.Add("APT28", "Fancy Bear", "apt-28")
	f.Add("Unknown", "-", "N/A")
	f.Add("\u0410\u0420\u042228", "APT28", "狼毒草")
	f.Add("G0007", "G0007", "UNC1")
	f.Fuzz(func(t *testing.T, title, alias, other string) {
		records := []*intel.Record{
			actor(intel.MitreAttack, "a", title, alias),
			actor(intel.MicrosoftNaming, "b", alias, other),
			actor(intel.MISPThreatActor, "c", other, title, alias),
			{Ref: intel.Ref{Publisher: "x", Key: "d"}, Kind: intel.Tool, Title: title},
		}
		p := assignAll(records)
		sound(t, Input{}, p)
		for _, r := range records {
			cell, ok := p.CellOf(r.Ref)
			if !ok {
				t.Fatalf("%v has no cell", r.Ref)
			}
			key := intel.NameKey(r.Title)
			for _, spelling := range []string{r.Title, strings.ToUpper(r.Title), " " + r.Title + "-"} {
				if intel.NameKey(spelling) != key {
					continue // upper case is not always the same name
				}
				answers := p.Lookup(spelling)
				found := key == ""
				for i, c := range answers {
					found = found || c.Cell == cell
					if len(c.Claims) == 0 || c.Reason == "" {
						t.Errorf("Lookup(%q): %v without claims or reason", spelling, c.Cell.Founder)
					}
					if i > 0 && answers[i-1].Score < c.Score {
						t.Errorf("Lookup(%q): a better candidate after a worse", spelling)
					}
				}
				if !found {
					t.Errorf("Lookup(%q) does not find %v", spelling, r.Ref)
				}
			}
		}
	})
}
