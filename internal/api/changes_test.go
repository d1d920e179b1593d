package api

import (
	"encoding/json"
	"net/url"
	"slices"
	"testing"
	"time"

	"dossier/internal/ingest"
	"dossier/internal/intel"
	"dossier/internal/observable"
	"dossier/internal/profile"
	"dossier/internal/store"
)

// TestChanges: what is new, changed and gone since a time, field by field, and
// nothing of what is restricted.
func TestChanges(t *testing.T) {
	s := fixtureStore(t, 2)
	server := fixtureServer(s)
	later := fixtureNow.Add(time.Hour)
	s.Now = func() time.Time { return later }
	first := intel.Date{At: intel.TimeOf(fixtureNow.AddDate(-9, 0, 0)), Basis: intel.BasisStated}
	seen := func(tlp intel.TLP, value string) *intel.Observation {
		return &intel.Observation{
			Publisher: "p", Observable: parsed(t, observable.Domain, value), FirstSeen: first, TLP: tlp,
			Subjects: []intel.Ref{refTo(snakeID)}, Source: intel.SourceOSINT,
		}
	}
	hidden := parsed(t, observable.IPAddress, "20.103.85.33").ID()
	b := beginBatch(t, s)
	if err := b.Claim(t.Context(), &intel.Claim{ID: store.NewGUID(), Target: hidden, Action: intel.Suppress, Made: 1}); err != nil {
		t.Fatal(err)
	}
	if err := b.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	list := fixtureProfiles(3)
	list = slices.Delete(list, 1, 2) // the turtle
	list[0] = derived(aquaID, intel.Actor, "Aqua Storm", func(d *intel.Dossier) {
		d.Profile.FirstActive = intel.TimeOf(time.Date(2020, 2, 24, 0, 0, 0, 0, time.UTC))
		d.TitleFrom = refTo(aquaID)
		d.Records[0].Title = "Aqua Storm"
	})
	write(t, s, []*intel.Observation{seen(intel.Clear, "shared.example.com"), seen(intel.Clear, "new.example.com"), seen(intel.Red, "secret.example.com")}, list)

	read := func(query url.Values) *ingest.Report {
		t.Helper()
		w := ask(server, "GET", "/api/changes?"+query.Encode())
		if w.Code != 200 {
			t.Fatal(w.Code, w.Body)
		}
		r := new(ingest.Report)
		if err := json.Unmarshal(w.Body.Bytes(), r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	since := fixtureNow.Add(time.Minute).Format(time.RFC3339)
	r := read(url.Values{"since": {since}})
	got := map[string]string{}
	fields := map[string][]profile.FieldChange{}
	for _, p := range r.Profiles {
		got[p.Title], fields[p.Title] = p.Change, p.Fields
	}
	for _, i := range r.Indicators {
		got[i.Value], fields[i.Value] = i.Change, i.Fields
	}
	want := map[string]string{
		"Aqua Storm": "changed", "Żółw <Söhne> & 日本": "gone", "GROUP 01": "new", "Group 01": "new",
		"20.103.85.33": "gone", "new.example.com": "new", "shared.example.com": "changed",
	}
	delete(want, "GROUP 01")
	if len(got) != len(want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
	for k, v := range want {
		if got[k] != v {
			t.Errorf("%s: %q, want %q", k, got[k], v)
		}
	}
	title := fields["Aqua Storm"][0]
	if title.Field != "title" || title.Before[0] != "Aqua Blizzard" || title.After[0] != "Aqua Storm" || !slices.Equal(title.Sources, []string{"MITRE ATT&CK"}) {
		t.Errorf("title: %+v", title)
	}
	if f := fields["shared.example.com"]; len(f) != 3 || f[1].Field != "activeUntil" || f[2].Field != "confidence" || f[0].Field != "firstSeenDateTime" || f[0].Before[0] != "2022-05-02T23:09:20Z" || f[0].After[0] != "2017-01-02T03:04:05Z" {
		t.Errorf("shared: %+v", f)
	}
	if r := read(url.Values{"since": {since}, "profile": {snakeID}}); len(r.Profiles) != 0 || len(r.Indicators) != 3 {
		t.Errorf("of the tool: %+v", r)
	}
	if r := read(url.Values{"since": {since}, "limit": {"1"}}); !r.More || len(r.Profiles) > 1 || len(r.Indicators) > 1 {
		t.Errorf("limited: %+v", r)
	}
	if r := read(url.Values{"since": {later.Add(time.Second).Format(time.RFC3339)}}); len(r.Profiles)+len(r.Indicators) != 0 {
		t.Errorf("since then: %+v", r)
	}
	for _, query := range []string{"", "since=yesterday", "since=-1h", "since=1h&profile=nobody"} {
		if w := ask(server, "GET", "/api/changes?"+query); w.Code != 400 && w.Code != 404 {
			t.Errorf("%s: %d", query, w.Code)
		}
	}
}
