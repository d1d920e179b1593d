package profile_test

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"dossier/internal/intel"
	"dossier/internal/profile"
)

// TestOrderOfMembers: the order in which members come makes no difference.
func TestOrderOfMembers(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.txtar")
	random := rand.New(rand.NewPCG(1, 2))
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, parts := parseArchive(string(raw))
		var c goldenCase
		if err := json.Unmarshal([]byte(parts["input.json"]), &c); err != nil {
			t.Fatal(err)
		}
		w, members := c.world()
		want := profile.Fold(c.ID, members, w)
		if got := profile.Title(members, w); got != want.Profile.Title {
			t.Errorf("%s: Title gives %q, Fold %q", file, got, want.Profile.Title)
		}
		for range 4 {
			random.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
			for _, in := range w.in {
				random.Shuffle(len(in), func(i, j int) { in[i], in[j] = in[j], in[i] })
			}
			if got := profile.Fold(c.ID, members, w); !reflect.DeepEqual(got, want) {
				t.Errorf("%s: another order of members gives another dossier", file)
			}
		}
	}
}

// TestPrecedence: rank, then modified, then key.
func TestPrecedence(t *testing.T) {
	record := func(publisher, key string, modified intel.Time) *intel.Record {
		return &intel.Record{Ref: intel.Ref{Publisher: publisher, Key: key}, Kind: intel.Actor, Title: key, Modified: modified}
	}
	want := []*intel.Record{
		record(intel.Analyst, "z", 1),
		record(intel.MitreAttack, "y", 1),
		record("misp-galaxy/b", "k", 9),
		record("misp-galaxy/a", "l", 5),
		record("misp-galaxy/b", "m", 5),
		record("unknown", "a", 99),
	}
	var members []profile.Member
	for _, r := range want {
		members = append(members, profile.Member{Record: r})
	}
	slices.Reverse(members)
	members = append(members, profile.Member{}, members[0]) // no record, and one twice
	d := profile.Fold("id", members, newMemory())
	var got []intel.Ref
	for _, r := range d.Records {
		got = append(got, r.Ref)
	}
	for i, r := range want {
		if i >= len(got) || got[i] != r.Ref || len(got) != len(want) {
			t.Fatalf("records %v", got)
		}
	}
	if d.Profile.Title != "z" {
		t.Errorf("title %q, want the analyst's", d.Profile.Title)
	}
}

// TestRevokedInACircle: links that lead round end.
func TestRevokedInACircle(t *testing.T) {
	w := newMemory()
	ref := func(k string) intel.Ref { return intel.Ref{Publisher: intel.MitreAttack, Key: k} }
	for _, k := range []string{"a", "b"} {
		to := map[string]string{"a": "b", "b": "a"}[k]
		w.add(&intel.Record{Ref: ref(k), Kind: intel.Technique, Revoked: true, Links: []intel.Link{{Relation: intel.RevokedBy, To: ref(to)}}})
	}
	r := &intel.Record{Ref: ref("g"), Kind: intel.Actor, Title: "G", Links: []intel.Link{{Relation: intel.Uses, To: ref("a")}}}
	if d := profile.Fold("id", []profile.Member{{Record: r}}, w); len(d.Techniques) != 0 {
		t.Errorf("techniques %v", d.Techniques)
	}
}

// TestLimits: a record of absurd size gives texts within their limits.
func TestLimits(t *testing.T) {
	r := &intel.Record{
		Ref: intel.Ref{Publisher: "x", Key: strings.Repeat("k", 5000)}, Kind: intel.Actor, Title: strings.Repeat("title ", 5000),
		Description: strings.Repeat("A sentence of a long text. ", 10_000),
	}
	w := newMemory()
	for i := range 3000 {
		s := strings.Repeat(string(rune('a'+i%26)), 1+i/26)
		r.Names = append(r.Names, intel.Name{Value: s, CoinedBy: s})
		r.Targets = append(r.Targets, intel.Target{Value: s})
		r.Affiliations = append(r.Affiliations, intel.Affiliation{Body: s})
		r.Events = append(r.Events, intel.Event{Type: "law-enforcement", Text: s})
		r.Links = append(r.Links, intel.Link{Relation: intel.Uses, Kind: intel.Tool, Name: s, Text: strings.Repeat("word ", 200)})
	}
	d := profile.Fold("id", []profile.Member{{Record: r}}, w)
	check(t, d)
	if !strings.Contains(d.Profile.Description.Content, "## How to read this profile") {
		t.Error("the last section is missing")
	}
}

// FuzzFold: whatever the strings are, folding does not panic, gives the same
// twice, and keeps what is promised of the texts.
func FuzzFold(f *testing.F) {
	f.Add("APT28", "Fancy Bear", "a [text](https://a.example) with <b>", "Russia", "Government", uint8(0))
	f.Add("<script>", "```", "> quote\n\n# x\r\n![i](j)", "\x00", "\u202e", uint8(7))
	f.Add("Operation X", "- - -", "[a]: b\n===\n`<`", "KP", "US", uint8(255))
	f.Fuzz(func(t *testing.T, title, name, text, country, word string, bits uint8) {
		kind := intel.Actor
		if bits&1 != 0 {
			kind = intel.Tool
		}
		w := newMemory()
		r := &intel.Record{
			Ref: intel.Ref{Publisher: intel.MitreAttack, Key: "k"}, Kind: kind, Title: title, Description: text,
			Names:        []intel.Name{{Value: name, CoinedBy: word}, {Value: word, Relation: intel.SponsoredBy}, {Value: text, CoinedBy: name}},
			Origins:      []intel.Origin{{Country: country, By: word, Confidence: int(bits)}},
			Affiliations: []intel.Affiliation{{Body: word, By: name}},
			Targets:      []intel.Target{{Value: word}, {Kind: intel.TargetCountry, Value: country}},
			Motives:      []string{word}, ToolTypes: []string{name}, Platforms: []string{word}, Availability: intel.Availability(word),
			FirstActive: []intel.Date{{At: intel.Time(len(text)) * 1e11, Precision: intel.Precision(word)}},
			Links: []intel.Link{
				{Relation: intel.Uses, Kind: intel.Tool, Name: name, Text: text},
				{Relation: intel.Uses, ID: intel.ExternalID{Issuer: intel.MitreAttack, ID: "T1566"}, Name: word, Text: text},
				{Relation: intel.Overlaps, Kind: kind, Name: word},
			},
			References: []intel.Reference{{Title: name, URL: word, Date: intel.YearDate(2015, "")}},
			Events: []intel.Event{
				{Type: "law-enforcement", Text: text, Ref: intel.Reference{Title: name, URL: word}},
				{Type: name, Text: word},
				{Type: "dispute", Text: name},
			},
		}
		if bits&2 != 0 {
			r.Modified, r.Revoked = 1, true
		}
		w.add(r)
		w.add(&intel.Record{
			Ref: intel.Ref{Publisher: "y", Key: "c"}, Kind: intel.Campaign, Title: word, Description: text,
			Links: []intel.Link{{Relation: intel.AttributedTo, To: r.Ref}, {Relation: intel.Uses, To: r.Ref, Text: text}},
		})
		second := &intel.Record{Ref: intel.Ref{Publisher: word, Key: "k"}, Kind: kind, Title: name, Description: title}
		w.add(second)
		w.link()
		members := []profile.Member{{Record: r, Reason: word}, {Record: second}}
		if bits&4 != 0 {
			w.indicators[r.Ref] = profile.Stats{Count: int(bits), ByPublisher: map[string]int{word: 1, name: 2}, First: intel.Time(bits) * 1e10, Last: 1e12}
		}
		d := profile.Fold("id", members, w)
		fuzzed(t, d)
		slices.Reverse(members)
		if again := profile.Fold("id", members, w); !reflect.DeepEqual(d, again) {
			t.Error("another order of members gives another dossier")
		}
	})
}

// fuzzed holds a dossier of arbitrary strings to what is promised of all.
func fuzzed(t *testing.T, d *intel.Dossier) {
	t.Helper()
	p := d.Profile
	if p.Summary.Content == "" || strings.ContainsAny(p.Summary.Content, "\r\n<>") || len([]rune(p.Summary.Content)) > profile.MaxSummary {
		t.Errorf("summary %q", p.Summary.Content)
	}
	if p.Title == "" || p.FirstActive == 0 || p.Aliases == nil || p.Targets == nil || p.Origins == nil {
		t.Errorf("incomplete profile %+v", p)
	}
	texts := []string{p.Description.Content}
	if p.Tradecraft != nil {
		texts = append(texts, p.Tradecraft.Content)
	}
	for _, s := range texts {
		if s == "" || strings.Contains(s, "<") || strings.Contains(s, "![") || len(s) > profile.MaxTradecraft {
			t.Errorf("text %q", s)
		}
		for line := range strings.SplitSeq(strings.TrimSuffix(s, "\r\n"), "\r\n") {
			if strings.ContainsAny(line, "\r\n") {
				t.Errorf("line break in %q", line)
			}
			if strings.HasPrefix(line, "#") && !slices.Contains(headings, strings.TrimLeft(line, "# ")) {
				t.Errorf("a heading that is not ours: %q", line)
			}
		}
	}
}

// headings are all that the texts of FuzzFold may have.
var headings = []string{
	"Snapshot", "Names", "Origin and discovery", "Affiliation", "Targeting", "History and campaigns", "Law enforcement",
	"Other events", "Disputes and related names", "How it is obtained", "Who uses it", "How to read this profile",
	"Techniques", "Distinctive techniques", "Further techniques", "Malware and tools", "Tactic not stated",
}

func TestUnmapped(t *testing.T) {
	r := &intel.Record{
		Origins: []intel.Origin{{Country: "Iran (Islamic Republic of)"}, {Country: "Korea"}, {Country: "Atlantis", Prose: true}, {Country: "Unknown"}},
		Targets: []intel.Target{
			{Value: "mideast"},
			{Value: "Türkiye", Kind: intel.TargetCountry},
			{Value: "NATO"},
			{Value: "Telecoms", Kind: intel.TargetSector},
			{Value: "widgets", Kind: intel.TargetSector},
			{Value: "gadgets", Prose: true},
			{Value: "-"},
		},
	}
	want := []profile.Word{{"origin", "Korea"}, {"target", "NATO"}, {"target", "widgets"}}
	if got := profile.Unmapped(r); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
