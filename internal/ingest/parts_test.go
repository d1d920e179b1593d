package ingest

import (
	"fmt"
	"path/filepath"
	"testing"

	"dossier/internal/intel"
	"dossier/internal/odata"
	"dossier/internal/store"
)

// pieces are the objects of one bundle, each as a file of its own.
func pieces() map[string]string {
	object := func(typ string, n int, more string) string {
		return fmt.Sprintf(`{"type":"bundle","id":"bundle--00000000-0000-4000-8000-0000000001%02d","objects":[{"type":%q,"spec_version":"2.1","id":"%s--00000000-0000-4000-8000-0000000000%02d","created":"2020-01-02T03:04:05Z","modified":"2021-01-02T03:04:05Z",%s}]}`,
			n, typ, typ, n, more)
	}
	id := func(typ string, n int) string {
		return fmt.Sprintf("%s--00000000-0000-4000-8000-0000000000%02d", typ, n)
	}
	relation := func(kind, from, to, more string) string {
		return fmt.Sprintf(`"relationship_type":%q,"source_ref":%q,"target_ref":%q%s`, kind, from, to, more)
	}
	const red = `,"object_marking_refs":["marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"]`
	return map[string]string{
		"actor.json":  object("intrusion-set", 1, `"name":"Quiet Heron"`),
		"tool.json":   object("malware", 2, `"name":"Grey Egg","is_family":true`),
		"second.json": object("malware", 3, `"name":"Red Egg","is_family":true`),
		"uses.json":   object("relationship", 4, relation("uses", id("intrusion-set", 1), id("malware", 2), "")),
		"secret.json": object("relationship", 5, relation("uses", id("intrusion-set", 1), id("malware", 3), red)),
	}
}

// TestPartsInAnyOrder imports an actor, tools and relationships between them, each
// in a file of its own, in every order: what is served is the same, and no
// restricted relationship shows below its marking.
func TestPartsInAnyOrder(t *testing.T) {
	dir := t.TempDir()
	files := pieces()
	write(t, dir, files)
	orders := [][]string{
		{"actor.json", "tool.json", "second.json", "uses.json", "secret.json"},
		{"secret.json", "uses.json", "second.json", "tool.json", "actor.json"},
		{"uses.json", "actor.json", "secret.json", "tool.json", "second.json"},
		{"tool.json", "uses.json", "second.json", "actor.json", "secret.json"},
	}
	want := map[intel.TLP]string{}
	for _, order := range orders {
		im := newImporter(t)
		for _, f := range order {
			if res := load(t, im, Options{Publisher: "pond"}, filepath.Join(dir, f)); len(res.Files[0].Rejected) > 0 {
				t.Errorf("%s: %+v", f, res.Files[0].Rejected)
			}
		}
		for _, ceiling := range []intel.TLP{intel.Clear, intel.Red} {
			got := served(t, im.Store) + toolsOf(t, im.Store, ceiling)
			if want[ceiling] == "" {
				want[ceiling] = got
			} else if got != want[ceiling] {
				t.Errorf("%v at %s: %s", order, ceiling, firstDifference(want[ceiling], got))
			}
		}
		if open, all := toolsOf(t, im.Store, intel.Clear), toolsOf(t, im.Store, intel.Red); open != "Grey Egg;" || all != "Grey Egg;Red Egg;" {
			t.Errorf("%v: below red it uses %s, at red %s", order, open, all)
		}
		if res := load(t, im, Options{Publisher: "pond"}, filepath.Join(dir, "uses.json")); res.Changed() {
			t.Errorf("the same again: %+v", res.Run.Counts)
		}
	}
	// What is withdrawn is none any more.
	im := newImporter(t)
	load(t, im, Options{Publisher: "pond"}, filepath.Join(dir, "actor.json"), filepath.Join(dir, "tool.json"), filepath.Join(dir, "uses.json"))
	write(t, dir, map[string]string{"gone.json": `{"type":"bundle","id":"bundle--00000000-0000-4000-8000-000000000200","objects":[{"type":"relationship","spec_version":"2.1","id":"relationship--00000000-0000-4000-8000-000000000004","created":"2020-01-02T03:04:05Z","modified":"2022-01-02T03:04:05Z","revoked":true,"relationship_type":"uses","source_ref":"intrusion-set--00000000-0000-4000-8000-000000000001","target_ref":"malware--00000000-0000-4000-8000-000000000002"}]}`})
	load(t, im, Options{Publisher: "pond"}, filepath.Join(dir, "gone.json"))
	if tools := toolsOf(t, im.Store, intel.Red); tools != "" {
		t.Errorf("a withdrawn relationship: %s", tools)
	}
	load(t, im, Options{Publisher: "pond"}, filepath.Join(dir, "uses.json"))
	if tools := toolsOf(t, im.Store, intel.Red); tools != "" {
		t.Errorf("an older version brings back a withdrawn relationship: %s", tools)
	}
}

// toolsOf returns the titles of the tools that Quiet Heron uses, for a ceiling.
func toolsOf(t testing.TB, s *store.Store, ceiling intel.TLP) (out string) {
	t.Helper()
	v := store.View{Ceiling: ceiling}
	q, err := odata.ParseQuery("$filter=title eq 'Quiet Heron'", store.Types.Profile, odata.Options{Allow: odata.AllowCollection})
	if err != nil {
		t.Fatal(err)
	}
	page, err := s.Profiles(t.Context(), q, v)
	if err != nil || len(page.Items) != 1 {
		t.Fatal(page, err)
	}
	d, err := s.Dossier(t.Context(), page.Items[0].ID, v)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range d.Tools {
		out += l.Title + ";"
	}
	return out
}
