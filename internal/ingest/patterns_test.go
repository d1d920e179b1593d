package ingest

import (
	"fmt"
	"path/filepath"
	"testing"

	"dossier/internal/intel"
	"dossier/internal/store"
)

const ruleOfHerons = `{"type":"bundle","id":"bundle--00000000-0000-4000-8000-00000000000b","objects":[
{"type":"intrusion-set","spec_version":"2.1","id":"intrusion-set--00000000-0000-4000-8000-000000000001","created":"2020-01-02T03:04:05Z","modified":"2021-01-02T03:04:05Z","name":"Quiet Heron"},
{"type":"relationship","spec_version":"2.1","id":"relationship--00000000-0000-4000-8000-000000000009","created":"2020-01-02T03:04:05Z","modified":"2021-01-02T03:04:05Z","relationship_type":"indicates","source_ref":"indicator--00000000-0000-4000-8000-000000000008","target_ref":"intrusion-set--00000000-0000-4000-8000-000000000001"},
{"type":"indicator","spec_version":"2.1","id":"indicator--00000000-0000-4000-8000-000000000008","created":"2020-01-02T03:04:05Z","modified":"%s","revoked":%t,"name":"Dusk","pattern":"rule %s { condition: true }","pattern_type":"yara","valid_from":"2020-01-02T03:04:05Z"}]}`

// TestPatterns: patterns stay beside their profile, the newest version whatever the
// order, until their source withdraws them or goes.
func TestPatterns(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"old.json": fmt.Sprintf(ruleOfHerons, "2021-01-02T03:04:05Z", false, "old"), "new.json": fmt.Sprintf(ruleOfHerons, "2022-01-02T03:04:05Z", false, "new"),
		"gone.json": fmt.Sprintf(ruleOfHerons, "2023-01-02T03:04:05Z", true, "new"),
	})
	patterns := func(s *store.Store, ceiling intel.TLP) []intel.Pattern {
		t.Helper()
		list, total, err := s.ProfilePatterns(t.Context(), profileOf(t, s, "Quiet Heron"), 10, store.View{Ceiling: ceiling})
		if err != nil || total != len(list) {
			t.Fatal(total, err)
		}
		return list
	}
	for _, order := range [][]string{{"old.json", "new.json"}, {"new.json", "old.json"}} {
		im := newImporter(t)
		for _, f := range order {
			load(t, im, Options{Publisher: "pond"}, filepath.Join(dir, f))
		}
		if list := patterns(im.Store, intel.Clear); len(list) != 1 || list[0].Text != "rule new { condition: true }" || list[0].Name != "Dusk" || list[0].Type != "yara" {
			t.Errorf("%v: %+v", order, list)
		}
		if res := load(t, im, Options{Publisher: "pond"}, filepath.Join(dir, "new.json")); res.Changed() || res.Run.Counts.Patterns.Unchanged != 1 {
			t.Errorf("the same again: %+v", res.Run.Counts)
		}
		load(t, im, Options{Publisher: "pond"}, filepath.Join(dir, "gone.json"))
		if list := patterns(im.Store, intel.Red); len(list) != 0 {
			t.Errorf("withdrawn: %+v", list)
		}
	}
	im := newImporter(t)
	load(t, im, Options{Publisher: "marsh"}, filepath.Join(dir, "old.json"))
	load(t, im, Options{Publisher: "pond", TLP: intel.Amber, Profile: "Quiet Heron"}, filepath.Join(dir, "new.json"))
	if open, all := patterns(im.Store, intel.Green), patterns(im.Store, intel.Amber); len(open) != 1 || len(all) != 2 {
		t.Errorf("%d patterns below amber, %d at it", len(open), len(all))
	}
	removed, err := Editor{Store: im.Store}.RemovePublisher(t.Context(), "pond")
	if err != nil || removed.Patterns != 1 {
		t.Errorf("%+v, %v", removed, err)
	}
	if all := patterns(im.Store, intel.Red); len(all) != 1 || all[0].Publisher != "marsh" {
		t.Errorf("%+v", all)
	}
}
