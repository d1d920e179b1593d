package ingest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dossier/internal/intel"
	"dossier/internal/odata"
	"dossier/internal/store"
	"dossier/internal/testcorpus"
)

// answers returns everything that the API's answers are made of, as those see it
// who see up to the ceiling: what is served, and each profile's dossier.
func answers(t testing.TB, s *store.Store, ceiling intel.TLP) string {
	t.Helper()
	var b strings.Builder
	b.WriteString(servedTo(t, s, ceiling))
	v := store.View{Ceiling: ceiling, Mode: store.All}
	q, err := odata.ParseQuery("$top=1000&$orderby=id", store.Types.Profile, odata.Options{Allow: odata.AllowCollection})
	if err != nil {
		t.Fatal(err)
	}
	for {
		page, err := s.Profiles(t.Context(), q, v)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range page.Items {
			d, err := s.Dossier(t.Context(), p.ID, v)
			if err != nil {
				t.Fatal(err)
			}
			if err := json.NewEncoder(&b).Encode(d); err != nil {
				t.Fatal(err)
			}
		}
		if page.Next == "" {
			return b.String()
		}
		q.SkipToken = page.Next
	}
}

var eve = Author{Client: "c1", Name: "eve", View: store.View{Ceiling: intel.Red, Mode: store.All}}

// decide takes a decision that must be new.
func decide(t testing.TB, e Editor, by Author, p Proposal) *intel.Decision {
	t.Helper()
	if p.Reason == "" {
		p.Reason = "we know"
	}
	d, isNew, err := e.Decide(t.Context(), by, p)
	if err != nil || !isNew {
		t.Fatalf("%+v: new %v, %v", p, isNew, err)
	}
	return d
}

func profileOf(t testing.TB, s *store.Store, name string) string {
	t.Helper()
	hits, err := s.ProfilesByName(t.Context(), name, store.View{Ceiling: intel.Red})
	if err != nil || len(hits) == 0 {
		t.Fatalf("%s: %v, %v", name, hits, err)
	}
	return hits[0].ID
}

func TestDecisions(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, sample)
	im := newImporter(t)
	load(t, im, Options{}, dir)
	e := Editor{Store: im.Store}
	before := answers(t, im.Store, intel.Red)
	heron, gull := profileOf(t, im.Store, "quiet heron"), profileOf(t, im.Store, "loud gull")

	merge := decide(t, e, eve, Proposal{Verdict: intel.Merge, A: "Quiet Heron", B: gull})
	merged := profileOf(t, im.Store, "loud gull")
	if merged != profileOf(t, im.Store, heron) || merged != profileOf(t, im.Store, gull) {
		t.Errorf("after the merge the ids lead to %s, %s, %s", merged, profileOf(t, im.Store, heron), profileOf(t, im.Store, gull))
	}
	if d, isNew, err := e.Decide(t.Context(), eve, Proposal{Verdict: intel.Merge, A: merge.B.Ref.String(), B: merge.A.Ref.String(), Reason: "again"}); err != nil || isNew || d.ID != merge.ID {
		t.Errorf("the same again: %+v, %v, %v", d, isNew, err)
	}
	joined := answers(t, im.Store, intel.Red)
	if again := load(t, im, Options{}, dir); again.Changed() {
		t.Errorf("importing again: %+v", again.Run.Counts)
	}
	if e, err := Derive(t.Context(), im.Store, nil); err != nil || e != (Effect{}) || answers(t, im.Store, intel.Red) != joined {
		t.Errorf("deriving again: %+v, %v", e, err)
	}
	split := decide(t, e, eve, Proposal{Verdict: Split, A: "our-team:Quiet Heron"})
	out, err := im.Store.MemberOf(t.Context(), split.A.Ref, eve.View)
	if rest, err2 := im.Store.MemberOf(t.Context(), split.B.Ref, eve.View); err != nil || err2 != nil || out == rest {
		t.Errorf("the record was not split out: %v, %v", err, err2)
	}
	means := decide(t, e, eve, Proposal{Verdict: intel.NameMeans, Name: "The Birds", A: "Loud Gull"})
	answer, err := Names(t.Context(), im.Store, "the birds", store.View{Ceiling: intel.Red})
	if err != nil || len(answer.Profiles) != 1 || answer.Profiles[0].Reason != "eve says so" || answer.Profiles[0].Match != "decided" || answer.Profiles[0].Claims[0].From.Key != means.ID {
		t.Errorf("the birds: %+v, %v", answer, err)
	}
	list, err := Decisions(t.Context(), im.Store, false, eve.View)
	if err != nil || len(list) != 3 {
		t.Fatalf("%+v, %v", list, err)
	}
	for _, d := range list {
		if d.Effect != "holds" || d.By != "eve" || d.Reason != "we know" {
			t.Errorf("%+v", d)
		}
	}

	// Another installation understands the file, reads it twice, and says the same.
	var file bytes.Buffer
	if n, err := ExportDecisions(t.Context(), im.Store, &file, eve.View); n != 3 || err != nil {
		t.Fatalf("exported %d, %v", n, err)
	}
	other := newImporter(t)
	theirs := Editor{Store: other.Store}
	if n, err := theirs.ImportDecisions(t.Context(), eve, strings.NewReader(file.String())); err != nil || n.New != 3 {
		t.Errorf("imported before the data: %+v, %v", n, err)
	}
	if waits, err := Decisions(t.Context(), other.Store, false, eve.View); err != nil || !strings.HasPrefix(waits[0].Effect, "waits") {
		t.Errorf("%+v, %v", waits, err)
	}
	load(t, other, Options{}, dir)
	if n, err := theirs.ImportDecisions(t.Context(), eve, strings.NewReader("# ours\n\n"+file.String())); err != nil || n.New+n.Undone != 0 || n.Unchanged != 3 {
		t.Errorf("imported again: %+v, %v", n, err)
	}
	if got, want := partition(t, other.Store), partition(t, im.Store); got != want {
		t.Errorf("the other installation has\n%s\nwant\n%s", got, want)
	}

	for _, d := range []*intel.Decision{merge, means, split} {
		if _, err := e.Undo(t.Context(), eve, d.ID); err != nil {
			t.Fatal(err)
		}
	}
	if got := answers(t, im.Store, intel.Red); got != before {
		t.Errorf("after undoing all: %s", firstDifference(before, got))
	}
	if _, err := e.Undo(t.Context(), eve, merge.ID); !errors.Is(err, intel.ErrNotFound) {
		t.Errorf("undoing twice: %v", err)
	}
	// The file tells the other one of it; and ours stays undone whatever an older file says.
	old := file.String()
	file.Reset()
	if _, err := ExportDecisions(t.Context(), im.Store, &file, eve.View); err != nil {
		t.Fatal(err)
	}
	if n, err := theirs.ImportDecisions(t.Context(), eve, &file); err != nil || n.Undone != 3 {
		t.Errorf("imported what was undone: %+v, %v", n, err)
	}
	if got, want := partition(t, other.Store), partition(t, im.Store); got != want {
		t.Errorf("after undoing there:\n%s\nwant\n%s", got, want)
	}
	if n, err := e.ImportDecisions(t.Context(), eve, strings.NewReader(old)); err != nil || n.Unchanged != 3 || answers(t, im.Store, intel.Red) != before {
		t.Errorf("imported an older file: %+v, %v", n, err)
	}
}

func TestBadDecisions(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, sample)
	im := newImporter(t)
	load(t, im, Options{}, dir)
	e := Editor{Store: im.Store}
	for _, tt := range []struct {
		p    Proposal
		want string
	}{
		{Proposal{Verdict: "join", A: "x", B: "y", Reason: "r"}, `verdict "join": want merge, apart, split or means`},
		{Proposal{Verdict: intel.Merge, A: "Quiet Heron"}, "the second profile or record is missing; a decision needs a reason"},
		{Proposal{Verdict: intel.Merge, A: "nobody", B: "Loud Gull", Reason: "r"}, `profile or record "nobody": not found`},
		{Proposal{Verdict: intel.Merge, A: "Quiet Heron", B: "Quiet Heron", Reason: "r"}, "are one profile already"},
		{Proposal{Verdict: Split, A: "Loud Gull", Reason: "r"}, "is the record that its profile is founded on"},
		{Proposal{Verdict: intel.NameMeans, A: "Loud Gull", Name: "N/A", Reason: "r"}, "no placeholder"},
	} {
		if _, _, err := e.Decide(t.Context(), eve, tt.p); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: %v, want %s", tt.p, err, tt.want)
		}
	}
	const good = `{"verdict":"apart","a":{"publisher":"x","key":"1"},"b":{"publisher":"x","key":"2"},"reason":"r"}`
	for _, tt := range []struct{ file, want string }{
		{"{", "line 1: not a decision"},
		{good + "\n" + good, "line 2: it has the id of line 1"},
		{`{"verdict":"merge","a":{"publisher":"x","key":"1"},"reason":"r"}`, "line 1: the second profile or record is missing"},
		{`{"verdict":"split","a":{"publisher":"x","key":"1"},"reason":"r"}`, "split is kept as apart"},
		{`{"verdict":"means","name":"n","a":{"key":"1"},"reason":"r"}`, "a record needs publisher and key"},
		{strings.Replace(good, `"reason"`, `"why":1,"reason"`, 1), "unknown field"},
		{strings.Replace(good, `{`, `{"id":"7",`, 1), "is no GUID"},
	} {
		if _, err := e.ImportDecisions(t.Context(), eve, strings.NewReader(tt.file)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %s", tt.file, err, tt.want)
		}
	}
	if list, err := Decisions(t.Context(), im.Store, true, eve.View); err != nil || len(list) != 0 {
		t.Errorf("%+v, %v", list, err)
	}
	// By hand, without an id: the second time it is known.
	for i := range 2 {
		if n, err := e.ImportDecisions(t.Context(), eve, strings.NewReader(good)); err != nil || n.New != 1-i {
			t.Errorf("%d: %+v, %v", i, n, err)
		}
	}
}

// TestRestrictedDecisions: a decision under a marking changes nothing for those
// below it, and is not told to them.
func TestRestrictedDecisions(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, sample)
	im := newImporter(t)
	load(t, im, Options{}, dir)
	e := Editor{Store: im.Store}
	before := answers(t, im.Store, intel.Clear)
	amber := eve
	amber.TLP = intel.Amber
	means := decide(t, e, amber, Proposal{Verdict: intel.NameMeans, Name: "The Birds", A: "Loud Gull"})
	merge := decide(t, e, amber, Proposal{Verdict: intel.Merge, A: "Quiet Heron", B: "Loud Gull"})
	if got := answers(t, im.Store, intel.Clear); got != before {
		t.Errorf("a clear reader sees %s", firstDifference(before, got))
	}
	for ceiling, want := range map[intel.TLP]int{intel.Clear: 0, intel.Amber: 1} {
		n, err := Names(t.Context(), im.Store, "the birds", store.View{Ceiling: ceiling})
		if err != nil || len(n.Profiles) != want {
			t.Errorf("%v: %+v, %v", ceiling, n, err)
		}
		list, err := Decisions(t.Context(), im.Store, true, store.View{Ceiling: ceiling})
		if err != nil || len(list) != 2*want {
			t.Errorf("%v: %+v, %v", ceiling, list, err)
		}
	}
	if d, err := DecisionOf(t.Context(), im.Store, merge.ID, amber.View); err != nil || !strings.Contains(d.Effect, "lower marking") {
		t.Errorf("%+v, %v", d, err)
	}
	if _, err := e.Undo(t.Context(), Author{View: store.View{}}, means.ID); !errors.Is(err, intel.ErrNotFound) {
		t.Errorf("undone by one who does not see it: %v", err)
	}
	for _, d := range []*intel.Decision{means, merge} {
		if _, err := e.Undo(t.Context(), amber, d.ID); err != nil {
			t.Fatal(err)
		}
	}
	if got := answers(t, im.Store, intel.Red); got != before {
		t.Errorf("after undoing: %s", firstDifference(before, got))
	}
}

// TestHistoryLeavesNoTrace adds, removes, decides and undoes at random, and comes
// back to where it was: the same bytes. Where it ends elsewhere, the partition is
// that of a store which got there directly.
func TestHistoryLeavesNoTrace(t *testing.T) {
	seeds := 3
	if testing.Short() {
		seeds = 1
	}
	for seed := range seeds {
		r := rand.New(rand.NewPCG(uint64(seed), 5))
		dir := t.TempDir()
		const lists = 4
		name := func(list, version int, empty bool) string {
			path := fmt.Sprintf("%d-%d-%v.json", list, version, empty)
			var values []string
			rr := rand.New(rand.NewPCG(uint64(seed), uint64(list)))
			for i := range 12 {
				names := []string{}
				for range 1 + rr.IntN(3) {
					names = append(names, fmt.Sprintf("%q", fmt.Sprintf("Bird Number%c", 'A'+rr.IntN(16))))
				}
				values = append(values, fmt.Sprintf(`{"value":"Bird Number%c","uuid":"%08d-0000-4000-8000-%012d","meta":{"synonyms":[%s]}}`, 'A'+rr.IntN(16), list, i, strings.Join(names, ",")))
			}
			if empty {
				values = nil
			}
			write(t, dir, map[string]string{path: fmt.Sprintf(`{"name":"Threat Actor","type":%q,"category":"actor","uuid":"7cdff317-a673-4474-84ec-4f17549478%02d","version":%d,"values":[%s]}`,
				[]string{"threat-actor", "microsoft-activity-group", "360net-threat-actor", "intrusion-set"}[list], list, version, strings.Join(values, ","))})
			return filepath.Join(dir, path)
		}
		im := newImporter(t)
		clock := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
		im.Store.Now = func() time.Time { return clock }
		e := Editor{Store: im.Store}
		load(t, im, Options{}, name(0, 1, false))
		before := answers(t, im.Store, intel.Red)
		version := 1
		have := map[int]bool{}
		var held []*intel.Decision
		steps := 0
		for steps < 14 {
			steps++
			version++
			switch list := 1 + r.IntN(lists-1); r.IntN(3) {
			case 0:
				have[list] = !have[list]
				load(t, im, Options{}, name(list, version, !have[list]))
			case 1:
				clock = clock.Add(time.Second)
				records, err := im.Store.Records(t.Context(), intel.Red)
				if err != nil {
					t.Fatal(err)
				}
				a, b := records[r.IntN(len(records))], records[r.IntN(len(records))]
				p := Proposal{Verdict: []intel.Verdict{intel.Merge, intel.KeepApart, Split, intel.NameMeans}[r.IntN(4)], A: a.Ref.String(), B: b.Ref.String(), Name: b.Title, Reason: "r"}
				d, isNew, err := e.Decide(t.Context(), eve, p)
				var bad *BadDecision
				if err != nil && !errors.As(err, &bad) {
					t.Fatal(err)
				}
				if err == nil && isNew {
					held = append(held, d)
				}
			case 2:
				if len(held) > 0 {
					i := r.IntN(len(held))
					if _, err := e.Undo(t.Context(), eve, held[i].ID); err != nil {
						t.Fatal(err)
					}
					held = append(held[:i], held[i+1:]...)
				}
			}
		}
		// Another store gets the same data and decisions at once, in another order.
		var file bytes.Buffer
		if _, err := ExportDecisions(t.Context(), im.Store, &file, eve.View); err != nil {
			t.Fatal(err)
		}
		direct := newImporter(t)
		direct.Store.Now = im.Store.Now
		if _, err := (Editor{Store: direct.Store}).ImportDecisions(t.Context(), eve, &file); err != nil {
			t.Fatal(err)
		}
		for list := lists - 1; list >= 0; list-- {
			if list == 0 || have[list] {
				load(t, direct, Options{}, name(list, version, false))
			}
		}
		if got, want := partition(t, direct.Store), partition(t, im.Store); got != want {
			t.Errorf("seed %d: the partition depends on the history: %s", seed, firstDifference(want, got))
		}
		for _, d := range held {
			if _, err := e.Undo(t.Context(), eve, d.ID); err != nil {
				t.Fatal(err)
			}
		}
		for list := 1; list < lists; list++ {
			if version++; have[list] {
				load(t, im, Options{}, name(list, version, true))
			}
		}
		if got := answers(t, im.Store, intel.Red); got != before {
			t.Errorf("seed %d: back at the beginning: %s", seed, firstDifference(before, got))
		}
	}
}

// remove takes back all that the publishers of an import's data sets said.
func remove(t testing.TB, s *store.Store, res *Result) {
	t.Helper()
	gone := map[string]bool{}
	for _, f := range res.Files {
		for _, ds := range f.Datasets {
			if gone[ds.Publisher] {
				continue
			}
			gone[ds.Publisher] = true
			if _, err := (Editor{Store: s}).RemovePublisher(t.Context(), ds.Publisher); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestEachSourceComesAndGoes adds each dictionary to the others, takes it away and
// adds it again: the same bytes.
func TestEachSourceComesAndGoes(t *testing.T) {
	if testing.Short() {
		t.Skip("takes long")
	}
	files := corpusPaths(testcorpus.Path(t), []string{
		"attack-stix-data/ics-attack/ics-attack-18.1.json", "misp-galaxy/clusters/threat-actor.json",
		"mstic/PublicFeeds/ThreatActorNaming/MicrosoftMapping.json", "misp-galaxy/clusters/microsoft-activity-group.json",
	})
	for i := range files {
		im := newImporter(t)
		for j, file := range files {
			if j != i {
				load(t, im, Options{}, file)
			}
		}
		before := answers(t, im.Store, intel.Red)
		im.Store.Now = func() time.Time { return time.Date(2026, 3, 5, 5, 6, 7, 0, time.UTC) }
		res := load(t, im, Options{}, files[i])
		after := answers(t, im.Store, intel.Red)
		if after == before {
			t.Errorf("%s changed nothing", files[i])
		}
		remove(t, im.Store, res)
		if got := answers(t, im.Store, intel.Red); got != before {
			t.Errorf("%s came and went: %s", filepath.Base(files[i]), firstDifference(before, got))
		}
		load(t, im, Options{}, files[i])
		if got := answers(t, im.Store, intel.Red); got != after {
			t.Errorf("%s came again: %s", filepath.Base(files[i]), firstDifference(after, got))
		}
	}
}
