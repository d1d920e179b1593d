package ingest

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dossier/internal/intel"
	"dossier/internal/store"
)

// claimOf returns what a dossier says of one name of a publisher's record.
func claimOf(t testing.TB, s *store.Store, profile, name string) *intel.NameClaim {
	t.Helper()
	d, err := s.Dossier(t.Context(), profileOf(t, s, profile), store.View{Ceiling: intel.Red})
	if err != nil {
		t.Fatal(err)
	}
	for i := range d.Names {
		if d.Names[i].Value == name {
			return &d.Names[i]
		}
	}
	return nil
}

// TestNamesKeepTheirTime imports two versions of an entry, which drops a name and
// takes another, in both orders: the former name is found, with the time over which
// it was given, and the answers are the same.
func TestNamesKeepTheirTime(t *testing.T) {
	dir := t.TempDir()
	newer := strings.NewReplacer(`"modified":"2021-01-01T00:00:00Z","name":"Quiet Heron","aliases":["Quiet Heron","Grey Wader"]`,
		`"modified":"2023-03-03T00:00:00Z","name":"Quiet Heron","aliases":["Quiet Heron","Pond Team"]`).Replace(stixGroup)
	lists := map[string]string{}
	for version, names := range map[string]string{"7": `"Quiet Heron"`, "9": `"Still Heron"`} {
		lists[version] = `{"name":"Threat Actor","type":"threat-actor","category":"actor","uuid":"7cdff317-a673-4474-84ec-4f1754947823","version":` + version +
			`,"values":[{"value":"Loud Gull","uuid":"77777777-7777-4777-8777-777777777777","meta":{"synonyms":[` + names + `]}}]}`
	}
	write(t, dir, map[string]string{"old.json": stixGroup, "new.json": newer, "g7.json": lists["7"], "g9.json": lists["9"]})
	var want string
	for _, order := range [][]string{{"old.json", "new.json", "g7.json", "g9.json"}, {"g9.json", "new.json", "old.json", "g7.json"}} {
		im := newImporter(t)
		for _, f := range order {
			load(t, im, Options{}, filepath.Join(dir, f))
		}
		got := answers(t, im.Store, intel.Red)
		if want == "" {
			want = got
		} else if got != want {
			t.Errorf("the order makes a difference: %s", firstDifference(want, got))
		}
		gone, now := claimOf(t, im.Store, "Quiet Heron", "Grey Wader"), claimOf(t, im.Store, "Quiet Heron", "Pond Team")
		if gone == nil || !gone.Gone || gone.Alias || gone.First.Day() != "2021-01-01" || gone.Last.Day() != "2021-01-01" {
			t.Errorf("the former name: %+v", gone)
		}
		if now == nil || now.Gone || !now.Alias || now.First.Day() != "2023-03-03" {
			t.Errorf("the new name: %+v", now)
		}
		ans, err := Names(t.Context(), im.Store, "grey wader", store.View{Ceiling: intel.Clear})
		if err != nil || len(ans.Profiles) != 1 || ans.Profiles[0].Title != "Quiet Heron" || !strings.Contains(ans.Profiles[0].Reason, "formerly in") {
			t.Errorf("a former name means %+v, %v", ans, err)
		}
		// The list has no dates of its own: the name stands there since it came here.
		still := claimOf(t, im.Store, "Loud Gull", "Still Heron")
		if still == nil || still.First != intel.TimeOf(im.Store.Now()) {
			t.Errorf("a name without a date: %+v", still)
		}
		d, err := im.Store.Dossier(t.Context(), profileOf(t, im.Store, "Loud Gull"), store.View{Ceiling: intel.Clear})
		if err != nil || d.Records[0].FirstBasis != intel.BasisImport {
			t.Errorf("the record: %+v, %v", d, err)
		}
		// The same again at a later time changes nothing.
		later := im.Store.Now().Add(48 * time.Hour)
		im.Store.Now = func() time.Time { return later }
		load(t, im, Options{}, filepath.Join(dir, "g9.json"), filepath.Join(dir, "new.json"))
		if again := answers(t, im.Store, intel.Red); again != got {
			t.Errorf("the same files again: %s", firstDifference(got, again))
		}
	}
}
