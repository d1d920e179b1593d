package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"dossier/internal/intel"
	"dossier/internal/observable"
	"dossier/internal/store"
	"dossier/internal/testdb"
)

// Ids of profiles of the fixture.
var (
	aquaID   = strings.Repeat("a1", 32)
	turtleID = strings.Repeat("b2", 32)
	snakeID  = strings.Repeat("c3", 32)
	formerID = strings.Repeat("f0", 32) // leads to Aqua Blizzard
)

// aquaCount is how many indicators Aqua Blizzard has: more than the largest page.
const aquaCount = 1203

var fixtureNow = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func refTo(key string) intel.Ref { return intel.Ref{Publisher: intel.MitreAttack, Key: key} }

func derived(id string, kind intel.Kind, title string, edit func(*intel.Dossier)) *store.Derived {
	d := &intel.Dossier{
		Profile: intel.Profile{
			ODataType: intel.ProfileType, ID: id, Kind: kind, Title: title,
			FirstActive: intel.TimeOf(time.Date(2014, 1, 1, 0, 0, 0, 0, time.UTC)),
			Aliases:     []string{}, Targets: []string{}, Origins: []intel.CountryOfOrigin{},
			Summary: intel.Text("About " + title + "."), Description: intel.Markdown("## Snapshot\r\n" + title + "."),
		},
		Names:   []intel.NameClaim{{Name: intel.Name{Value: title}, From: refTo(id), Alias: true}},
		Records: []intel.RecordUse{{Ref: refTo(id), Title: title, Reason: "founded the profile"}},
	}
	if edit != nil {
		edit(d)
	}
	return &store.Derived{ID: id, Lo: intel.Clear, Hi: intel.Red, Fold: func() *intel.Dossier { return d }, Members: []intel.Ref{refTo(id)}}
}

// fixtureProfiles are three written ones and n numbered ones, whose titles
// collide when case is ignored.
func fixtureProfiles(n int) []*store.Derived {
	list := []*store.Derived{
		derived(aquaID, intel.Actor, "Aqua Blizzard", func(d *intel.Dossier) {
			p := &d.Profile
			p.FirstActive = intel.TimeOf(time.Date(2020, 2, 24, 0, 0, 0, 0, time.UTC))
			p.Aliases = []string{"Primitive Bear", "ACTINIUM"}
			p.Targets = []string{"Government Agencies & Services: Defense"}
			p.Origins = []intel.CountryOfOrigin{{ODataType: intel.OriginType, Label: "Russia", Code: "RU"}}
			d.Names = append(d.Names,
				intel.NameClaim{Name: intel.Name{Value: "ACTINIUM", CoinedBy: "Microsoft"}, From: refTo(aquaID), Alias: true},
				intel.NameClaim{Name: intel.Name{Value: "Shuckworm", CoinedBy: "Symantec"}, From: refTo(aquaID)})
		}),
		derived(turtleID, intel.Actor, "Żółw <Söhne> & 日本", func(d *intel.Dossier) {
			text := intel.Markdown("Sends \"lures\" with a \\ in them: {\"@odata.type\":\"x\"}, [T1566].\r\nThen nothing.")
			d.Profile.Tradecraft = &text
			d.Profile.FirstActive += 7
		}),
		derived(snakeID, intel.Tool, "snake keylogger", nil),
	}
	list[0].Former = []string{formerID}
	for i := range n {
		kind := intel.Actor
		if i%3 == 0 {
			kind = intel.Tool
		}
		title := fmt.Sprintf("Group %02d", i/2)
		if i%2 == 1 {
			title = strings.ToUpper(title)
		}
		list = append(list, derived(numberedID(i), kind, title, func(d *intel.Dossier) {
			d.Profile.FirstActive += intel.Time(i%5) * 86_400_000
		}))
	}
	return list
}

func numberedID(i int) string { return fmt.Sprintf("d4%062x", i*0x9e3779b1) }

func parsed(t testing.TB, kind observable.Kind, s string) observable.Observable {
	t.Helper()
	o, err := observable.ParseAs(kind, s)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// fixtureStore returns a store with the profiles and with indicators: aquaCount
// of Aqua Blizzard, five of the tool, of which one is shared with Aqua Blizzard, one
// of nobody, one withdrawn, and one that only a higher ceiling sees.
func fixtureStore(t testing.TB, numbered int) *store.Store {
	t.Helper()
	s, _, err := store.Open(t.Context(), testdb.Path(t), store.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	s.Now = func() time.Time { return fixtureNow }
	first := intel.Date{At: intel.TimeOf(time.Date(2022, 5, 2, 23, 9, 20, 0, time.UTC)), Precision: intel.Exact, Basis: intel.BasisStated}
	var list []*intel.Observation
	add := func(kind observable.Kind, value string, subjects ...string) *intel.Observation {
		o := &intel.Observation{Publisher: intel.Maltrail, Observable: parsed(t, kind, value), FirstSeen: first, Source: intel.SourceOSINT}
		for _, s := range subjects {
			o.Subjects = append(o.Subjects, refTo(s))
		}
		list = append(list, o)
		return o
	}
	for i := range aquaCount - 1 {
		o := add(observable.Domain, fmt.Sprintf("c%d.fake-malicious.example.com", i), aquaID)
		o.FirstSeen.At += intel.Time(i%7) * 1000
		if i%2 == 0 {
			o.LastSeen = o.FirstSeen.At + 1234
		}
	}
	add(observable.Domain, "shared.example.com", aquaID, snakeID)
	add(observable.IPAddress, "20.103.85.33", snakeID).Source = intel.SourceMicrosoft
	add(observable.IPAddress, "2001:67c::1", snakeID)
	add(observable.SHA256, strings.Repeat("0f", 32), snakeID).Confidence = 80
	add(observable.URL, "http://shared.example.com/a?b=1&c=<x>", snakeID).Reference = "https://example.org/report"
	add(observable.Domain, "nobody.example.com")
	add(observable.Domain, "withdrawn.example.com", snakeID).Revoked = true
	add(observable.Domain, "restricted.example.com", snakeID).TLP = intel.Amber
	write(t, s, list, fixtureProfiles(numbered))
	putArticles(t, s, fixtureArticles(t)...)
	return s
}

// write stores observations and derives the profiles and indicators.
func write(t testing.TB, s *store.Store, list []*intel.Observation, profiles []*store.Derived) {
	t.Helper()
	ctx := context.Background()
	b, err := s.Begin(ctx, store.FromImport)
	if err != nil {
		t.Error(err)
		return
	}
	defer b.Rollback()
	ds := intel.Dataset{Publisher: intel.MitreAttack, Name: "fixture", Version: "7", Released: intel.TimeOf(fixtureNow.AddDate(0, 0, -10))}
	rec := &intel.Record{Ref: refTo(aquaID), Kind: intel.Actor, Title: "Aqua Blizzard"}
	if _, _, err := b.Records(ctx, ds, []*intel.Record{rec}); err != nil {
		t.Error(err)
	}
	for _, o := range list {
		if err := b.Observe(ctx, o); err != nil {
			t.Error(err)
		}
	}
	if err := b.Commit(ctx); err != nil {
		t.Error(err)
	}
	if _, _, err := s.PutDerived(ctx, profiles, nil); err != nil {
		t.Error(err)
	}
	if _, err := s.FoldIndicators(ctx, nil); err != nil {
		t.Error(err)
	}
}

func fixtureServer(s *store.Store) *Server {
	return New(Config{
		Store: s, PublicURL: "https://intel.example.org/", Version: "test", Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Now: func() time.Time { return fixtureNow },
	})
}

// ask sends a request; headers are given as name, value, name, value …
func ask(s http.Handler, method, target string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// A body is what tests read of an answer.
type body struct {
	Context string            `json:"@odata.context"`
	Count   *int64            `json:"@odata.count"`
	Next    string            `json:"@odata.nextLink"`
	Value   []json.RawMessage `json:"value"`
	ID      string            `json:"id"`
	Error   *errorBody        `json:"error"`
}

func read(t testing.TB, w *httptest.ResponseRecorder) (b body) {
	t.Helper()
	if err := json.Unmarshal(w.Body.Bytes(), &b); err != nil {
		t.Fatalf("body is not JSON: %v\n%s", err, bytes.TrimSpace(w.Body.Bytes()))
	}
	return b
}

const ti = "/v1.0/security/threatIntelligence"
