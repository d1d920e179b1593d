package ingest

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"dossier/internal/intel"
	"dossier/internal/store"
)

// cards is a dictionary whose second entry has names of the first.
const cards = `{"name": "Threat Group Cards", "category": "actor", "values": [
	{"actor": "Grey Wader", "names": [{"name": "Grey Wader", "name-giver": "Sample Lab"}, {"name": "Quiet Heron", "name-giver": "?"}], "country": ["Belgium"], "uuid": "77777777-7777-4777-8777-777777777777"},
	{"actor": "Loud Heron", "names": [{"name": "Quiet Heron"}, {"name": "Grey Wader"}, {"name": "Marsh Team"}], "country": ["France"], "uuid": "88888888-8888-4888-8888-888888888888"}]}`

// memberOf returns the profile of a publisher's record.
func memberOf(t testing.TB, s *store.Store, publisher, title string) string {
	t.Helper()
	v := store.View{Ceiling: intel.Red}
	found, err := s.FindRecords(t.Context(), publisher, title, v)
	if err != nil || len(found) != 1 {
		t.Fatalf("%s:%s: %v, %v", publisher, title, found, err)
	}
	id, err := s.MemberOf(t.Context(), found[0].Ref, v)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func ptr[T any](v T) *T { return &v }

func TestDictionaryIsOneMoreSource(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"a.json": stixGroup, "cards.json": cards, "trails/static/malware/apt_quietheron.txt": trail})
	im := newImporter(t)
	load(t, im, Options{}, filepath.Join(dir, "a.json"), filepath.Join(dir, "trails"))
	before := answers(t, im.Store, intel.Red)
	res := load(t, im, Options{}, filepath.Join(dir, "cards.json"))
	if got := res.Run.Counts.Records; got.New != 2 {
		t.Fatalf("records %+v, files %+v", got, res.Files)
	}
	if a, b := memberOf(t, im.Store, "etda", "Grey Wader"), memberOf(t, im.Store, "etda", "Loud Heron"); a == b {
		t.Error("two entries of one dictionary are one profile")
	}
	after := answers(t, im.Store, intel.Red)
	if after == before || !strings.Contains(after, "Sample Lab") {
		t.Error("the dictionary changed nothing, or lost who coined a name")
	}
	remove(t, im.Store, res)
	if got := answers(t, im.Store, intel.Red); got != before {
		t.Errorf("after removal: %s", firstDifference(before, got))
	}
	if _, err := (Editor{Store: im.Store}).RemovePublisher(t.Context(), "etda"); !errors.Is(err, intel.ErrNotFound) {
		t.Errorf("a source that said nothing: %v", err)
	}
	load(t, im, Options{}, filepath.Join(dir, "cards.json"))
	if got := answers(t, im.Store, intel.Red); got != after {
		t.Errorf("after its return: %s", firstDifference(after, got))
	}
}

// TestRemovalTakesEvidence removes a source of indicators, which other sources
// have too.
func TestRemovalTakesEvidence(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"a.json": stixGroup, "trails/static/malware/apt_quietheron.txt": trail, "own.txt": "evil.contoso.com\nonly-here.contoso.com\n"})
	im := newImporter(t)
	load(t, im, Options{}, filepath.Join(dir, "a.json"), filepath.Join(dir, "trails"))
	before := answers(t, im.Store, intel.Red)
	res := load(t, im, Options{Publisher: "own"}, filepath.Join(dir, "own.txt"))
	if answers(t, im.Store, intel.Red) == before {
		t.Fatal("nothing was added")
	}
	r, err := (Editor{Store: im.Store}).RemovePublisher(t.Context(), "own")
	if err != nil || r.Indicators != 2 {
		t.Errorf("%+v, %v; files %+v", r, err, res.Files)
	}
	if got := answers(t, im.Store, intel.Red); got != before {
		t.Errorf("after removal: %s", firstDifference(before, got))
	}
}

func TestPrecedenceIsConfigured(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"a.json": stixGroup, "cards.json": cards})
	im := newImporter(t)
	e := Editor{Store: im.Store}
	load(t, im, Options{}, filepath.Join(dir, "a.json"), filepath.Join(dir, "cards.json"))
	before := answers(t, im.Store, intel.Red)
	title := func() string {
		p, err := im.Store.Profile(t.Context(), memberOf(t, im.Store, "etda", "Grey Wader"), store.View{Ceiling: intel.Red})
		if err != nil {
			t.Fatal(err)
		}
		d, err := p.Decode()
		if err != nil {
			t.Fatal(err)
		}
		return d.Title
	}
	if got := title(); got != "Grey Wader" {
		t.Fatalf("the title is %q at first", got)
	}
	if changed, err := e.SetPublisher(t.Context(), "etda", intel.PublisherSetting{Rank: ptr(500), Reliability: ptr("E")}); err != nil || !changed {
		t.Fatal(changed, err)
	}
	if got := title(); got != "Quiet Heron" {
		t.Errorf("etda last: the title is %q", got)
	}
	list, err := im.Store.Publishers(t.Context(), store.View{Ceiling: intel.Red})
	if err != nil || list[len(list)-1].ID != "etda" || list[len(list)-1].Reliability != "E" {
		t.Errorf("publishers %+v, %v", list, err)
	}
	// A later import does not forget it, nor does it count as a change.
	if res := load(t, im, Options{}, filepath.Join(dir, "cards.json")); res.Changed() {
		t.Errorf("%+v", res)
	}
	if changed, err := e.SetPublisher(t.Context(), "etda", intel.PublisherSetting{Rank: ptr(500), Reliability: ptr("E")}); err != nil || changed {
		t.Error("the same again is a change", err)
	}
	if changed, err := e.SetPublisher(t.Context(), "etda", intel.PublisherSetting{Distinct: ptr(false)}); err != nil || !changed {
		t.Error(changed, err)
	}
	if _, err := e.SetPublisher(t.Context(), "etda", intel.PublisherSetting{}); err != nil {
		t.Fatal(err)
	}
	if got := answers(t, im.Store, intel.Red); got != before {
		t.Errorf("taken back: %s", firstDifference(before, got))
	}
}

// TestDistinctByDataSet: the entries of an unknown dictionary are kept apart,
// whatever the source is called and whatever else it brings.
func TestDistinctByDataSet(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"ours.csv": "Actor,Aliases\nQuiet Heron,Grey Wader; Marsh Team; Pond Team\nLoud Heron,Quiet Heron; Grey Wader; Marsh Team; Pond Team\n", "own.txt": "evil.contoso.com\n",
	})
	im := newImporter(t)
	load(t, im, Options{Publisher: "own"}, filepath.Join(dir, "ours.csv"), filepath.Join(dir, "own.txt"))
	table, err := im.Store.PublisherTable(t.Context())
	if err != nil || !table.Of("own").Distinct {
		t.Errorf("%+v, %v", table, err)
	}
	if a, b := memberOf(t, im.Store, "own", "Quiet Heron"), memberOf(t, im.Store, "own", "Loud Heron"); a == b {
		t.Error("one profile")
	}
}
