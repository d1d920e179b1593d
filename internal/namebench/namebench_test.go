package namebench

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"dossier/internal/intel"
	"dossier/internal/testcorpus"
)

// TestCorpus holds the resolution of the real dictionaries to what is required.
func TestCorpus(t *testing.T) {
	records, err := Dictionaries(t.Context(), testcorpus.Path(t))
	if err != nil {
		t.Fatal(err)
	}
	r := Run(records, Cases())
	if len(r.Cases) < 28 || len(r.Apart) != 3 || len(r.Links) != 4 {
		t.Errorf("%d cases, %d lists, %d sets of links", len(r.Cases), len(r.Apart), len(r.Links))
	}
	for _, p := range r.Problems() {
		t.Error(p)
	}
	for _, c := range r.Cases {
		if c.Absent != "" {
			t.Errorf("%s is not measured: %s is not in the data", c.ID, c.Absent)
		}
	}
	for _, a := range r.Apart {
		t.Logf("%s: %d entries, %d pairs, wrong %v, excused %v", a.List, a.Entries, a.Pairs, a.Wrong, a.Excused)
	}
	for i := range r.Links {
		l := &r.Links[i]
		t.Logf("%s (hidden: %s): %d links, %d right, %d wrong, %d suggested, %d missed: precision %.3f, recall %.3f", l.Name, l.Hidden, l.Gold, l.Right, l.Wrong, l.Ambiguous, l.Missed, l.Precision(), l.Recall())
		for _, f := range l.Fails {
			t.Log("   " + f)
		}
	}
	t.Logf("%d records -> %d profiles, the largest of %d; %d suggestions", r.Records, r.Profiles, r.Largest, r.Suggestions)
}

// TestWrongIsSeen: a wrong answer, a wrong merge and a missed link are reported.
func TestWrongIsSeen(t *testing.T) {
	actor := func(publisher, key, title string, names ...string) *intel.Record {
		r := &intel.Record{Ref: intel.Ref{Publisher: publisher, Key: key}, Kind: intel.Actor, Title: title}
		for _, n := range names {
			r.Names = append(r.Names, intel.Name{Value: n})
		}
		return r
	}
	group := actor(intel.MitreAttack, "a", "Alpha Bear")
	group.IDs = []intel.ExternalID{{Issuer: intel.MitreAttack, ID: "G0001"}}
	records := []*intel.Record{group, actor(intel.MISPThreatActor, "m", "Gamma Bear", "G0001")}
	cases, err := ReadCases(strings.NewReader(`[{"id":"x","kind":"same","names":["Beta Bear"],"expect":{"anchor":"attack:G0001"}},{"id":"y","kind":"odd"},{"id":"z","kind":"same","expect":{"anchor":"misp:Nobody"}}]`))
	if err != nil {
		t.Fatal(err)
	}
	r := Run(records, cases)
	if r.Cases[2].Absent != "misp:Nobody" {
		t.Errorf("%+v", r.Cases[2])
	}
	problems := r.Problems()
	for _, want := range []string{"known answer x: Beta Bear leads to nothing", `known answer y: the kind "odd" is unknown`, "ATT&CK ↔ MISP: recall 0.000"} {
		if !slices.Contains(problems, want) {
			t.Errorf("%q is not among %q", want, problems)
		}
	}
}

// BenchmarkDictionaries resolves every dictionary from nothing.
func BenchmarkDictionaries(b *testing.B) {
	records, err := Dictionaries(context.Background(), filepath.Clean(testcorpus.Path(b)))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		assign(records)
	}
	b.ReportMetric(float64(len(records)), "records")
}
