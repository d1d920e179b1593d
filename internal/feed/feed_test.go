package feed_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dossier/internal/feed"
	"dossier/internal/ingest"
	"dossier/internal/intel"
	"dossier/internal/store"
	"dossier/internal/testcorpus"
	"dossier/internal/testdb"
)

func open(t testing.TB) *store.Store {
	t.Helper()
	return openAt(t, testdb.Path(t))
}

func openAt(t testing.TB, path string) *store.Store {
	t.Helper()
	s, _, err := store.Open(context.Background(), path, store.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func put(t testing.TB, s *store.Store, f feed.Feed) {
	t.Helper()
	f.AllowPrivate, f.Rate = true, 1000
	if _, err := feed.Put(t.Context(), s, f); err != nil {
		t.Fatal(err)
	}
}

func run(t testing.TB, s *store.Store, name string) (*ingest.Result, error) {
	t.Helper()
	return (&feed.Runner{Store: s}).Run(t.Context(), name)
}

func health(t testing.TB, s *store.Store, name string) (*store.Feed, *intel.Run) {
	t.Helper()
	f, err := s.Feed(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	runs, err := s.Runs(t.Context(), name, 1)
	if err != nil || len(runs) == 0 {
		t.Fatal(runs, err)
	}
	return f, runs[0]
}

// indicators counts what is served.
func indicators(t testing.TB, s *store.Store) int64 {
	t.Helper()
	n, err := s.Totals(t.Context(), store.View{Ceiling: intel.Red})
	if err != nil {
		t.Fatal(err)
	}
	return n.Indicators
}

const list = "1.0.0.1\n1.0.0.2\nevil.contoso.com\n"

// TestKnown holds that every source of the table is whole.
func TestKnown(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range feed.KnownSources() {
		own := feed.Feed{Name: k.Name}
		if k.Kind == feed.Graph {
			own.Tenant, own.Client = "contoso.example", "1"
		}
		f, err := own.Resolved()
		if err != nil {
			t.Error(err)
		}
		if seen[k.Name] || f.Licence == "" || f.Credit == "" || f.Home == "" || k.Terms == "" || k.Brings == "" || f.Title == k.Name {
			t.Errorf("%s: something is missing: %+v", k.Name, k)
		}
		seen[k.Name] = true
		for _, u := range f.URLs {
			if !strings.HasPrefix(u, "https://") {
				t.Errorf("%s: %s", k.Name, u)
			}
		}
		if k.Recommended && k.NeedsKey != "" {
			t.Errorf("%s is recommended and needs a key", k.Name)
		}
	}
}

func TestFile(t *testing.T) {
	s := open(t)
	body, status, asked := list, 200, 0
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		w.Header().Set("ETag", fmt.Sprintf(`"%d"`, len(body)))
		if r.Header.Get("If-None-Match") == w.Header().Get("ETag") {
			w.WriteHeader(304)
			return
		}
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}))
	defer web.Close()
	put(t, s, feed.Feed{Name: "ours", URL: web.URL + "/bad.txt", Source: "our-team", Every: "6h"})

	res, err := run(t, s, "ours")
	if err != nil || res.Run.Counts.Indicators.New != 3 || indicators(t, s) != 3 || res.Run.Unchanged || res.Run.Bytes != int64(len(list)) {
		t.Fatalf("%+v, %v", res.Run, err)
	}
	f, r := health(t, s, "ours")
	if f.Run != "" || f.LastRun != r.ID || r.Feed != "ours" || f.Failures != 0 || r.Finished == 0 {
		t.Errorf("%+v, %+v", f, r)
	}
	if wait := f.Due.Std().Sub(s.Now()); wait < 5*time.Hour+30*time.Minute || wait > 6*time.Hour+30*time.Minute {
		t.Errorf("next in %v", wait)
	}
	if res, err = run(t, s, "ours"); err != nil || !res.Run.Unchanged || asked != 2 {
		t.Errorf("%+v, %v, asked %d times", res.Run, err, asked)
	}
	// It fails: what was there stays, the error is told, and the next run is sooner.
	status, body = 404, "gone"
	if _, err = run(t, s, "ours"); err == nil || indicators(t, s) != 3 {
		t.Error(err)
	}
	f, r = health(t, s, "ours")
	if f.Failures != 1 || !strings.Contains(r.Error, "404 Not Found") || f.Due.Std().Sub(s.Now()) > 5*time.Minute {
		t.Errorf("%+v, %+v", f, r)
	}
	// A page instead of data.
	status, body = 200, "<!doctype html><title>Moved</title>"
	if _, err = run(t, s, "ours"); err == nil || !strings.Contains(err.Error(), `web page, not data: "Moved"`) || indicators(t, s) != 3 {
		t.Error(err)
	}
	// What is not understood is not remembered as read.
	body = "\x00\x01\x02"
	if _, err = run(t, s, "ours"); err == nil {
		t.Error("binary data were taken")
	}
	body = list + "1.0.0.9\n"
	if res, err = run(t, s, "ours"); err != nil || indicators(t, s) != 4 {
		t.Errorf("%+v, %v", res.Run, err)
	}
	// Another meaning reads everything again, though the server has nothing new.
	put(t, s, feed.Feed{Name: "ours", URL: web.URL + "/bad.txt", Source: "our-team", Format: "list"})
	if res, err = run(t, s, "ours"); err != nil || res.Run.Unchanged {
		t.Errorf("%+v, %v", res.Run, err)
	}
}

// TestTLP holds that what a restricted feed brings is seen by those alone who may.
func TestTLP(t *testing.T) {
	s := open(t)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, list) }))
	defer web.Close()
	put(t, s, feed.Feed{Name: "isac", URL: web.URL + "/bad.txt", Source: "isac", TLP: "amber"})
	if _, err := run(t, s, "isac"); err != nil {
		t.Fatal(err)
	}
	for ceiling, want := range map[intel.TLP]int64{intel.Clear: 0, intel.Green: 0, intel.Amber: 3, intel.Red: 3} {
		if n, err := s.Totals(t.Context(), store.View{Ceiling: ceiling}); err != nil || n.Indicators != want {
			t.Errorf("%s: %d indicators, %v", ceiling, n.Indicators, err)
		}
	}
}

func TestNotEnabled(t *testing.T) {
	s := open(t)
	if _, err := run(t, s, "attack-enterprise"); !errors.Is(err, intel.ErrNotFound) {
		t.Error(err)
	}
	put(t, s, feed.Feed{Name: "attack-enterprise", Disabled: true})
	if _, err := run(t, s, "attack-enterprise"); !errors.Is(err, feed.ErrDisabled) {
		t.Error(err)
	}
	if due, err := feed.Due(t.Context(), s); err != nil || len(due) != 0 {
		t.Error(due, err)
	}
}

// TestPrivate holds that a feed does not reach into the network of the server
// unless its configuration says so.
func TestPrivate(t *testing.T) {
	s := open(t)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, list) }))
	defer web.Close()
	if _, err := feed.Put(t.Context(), s, feed.Feed{Name: "x", URL: web.URL}); err != nil {
		t.Fatal(err)
	}
	if _, err := run(t, s, "x"); err == nil || !strings.Contains(err.Error(), "is a private address") {
		t.Error(err)
	}
}

func TestKey(t *testing.T) {
	s := open(t)
	var got http.Header
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { got = r.Header; fmt.Fprint(w, list) }))
	defer web.Close()
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte("s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("OUR_KEY", "s3cret")
	for i, tt := range []struct {
		f            feed.Feed
		header, want string
	}{
		{feed.Feed{Secret: "env:OUR_KEY"}, "Authorization", "Bearer s3cret"},
		{feed.Feed{Secret: "file:" + file, Header: "Auth-Key"}, "Auth-Key", "s3cret"},
		{feed.Feed{Secret: "env:OUR_KEY", User: "acme"}, "Authorization", "Basic YWNtZTpzM2NyZXQ="},
	} {
		tt.f.Name, tt.f.URL = fmt.Sprintf("f%d", i), web.URL+"/list.txt"
		put(t, s, tt.f)
		if _, err := run(t, s, tt.f.Name); err != nil || got.Get(tt.header) != tt.want {
			t.Errorf("%s %q, %v", tt.header, got.Get(tt.header), err)
		}
		if f, err := s.Feed(t.Context(), tt.f.Name); err != nil || strings.Contains(string(f.Config)+string(f.State), "s3cret") {
			t.Errorf("the database has the key: %s %v", f.Config, err)
		}
	}
	put(t, s, feed.Feed{Name: "none", URL: web.URL, Secret: "env:NOT_SET"})
	if _, err := run(t, s, "none"); err == nil || !strings.Contains(err.Error(), "NOT_SET") {
		t.Error(err)
	}
}

// TestMISP reads a real feed from a server that fails in between, then the change
// of one event.
func TestMISP(t *testing.T) {
	dir := testcorpus.Path(t, "tweetfeed-misp", "misp")
	s := open(t)
	manifest, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	var events map[string]map[string]any
	if err := json.Unmarshal(manifest, &events); err != nil {
		t.Fatal(err)
	}
	asked, fail := 0, 20
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := filepath.Base(r.URL.Path)
		if name == "manifest.json" {
			_ = json.NewEncoder(w).Encode(events)
			return
		}
		if asked++; fail > 0 && asked > fail {
			w.WriteHeader(404)
			return
		}
		http.ServeFile(w, r, filepath.Join(dir, name))
	}))
	defer web.Close()
	put(t, s, feed.Feed{Name: "tweetfeed", Kind: feed.MISP, URL: web.URL + "/misp/"})
	if _, err := run(t, s, "tweetfeed"); err == nil || asked != 30 {
		t.Fatalf("%v after %d events", err, asked)
	}
	asked, fail = 0, 0
	_, err = run(t, s, "tweetfeed")
	if err != nil || asked != len(events)-20 {
		t.Fatalf("%v, %d events of %d", err, asked, len(events))
	}
	if n := indicators(t, s); n < 1000 {
		t.Errorf("%d indicators", n)
	}
	asked = 0
	res, err := run(t, s, "tweetfeed")
	if err != nil || !res.Run.Unchanged || asked != 0 {
		t.Errorf("%+v, %v, %d events", res.Run, err, asked)
	}
	for id := range events {
		events[id]["timestamp"] = 1999999999 // as a number, too
		break
	}
	if res, err = run(t, s, "tweetfeed"); err != nil || asked != 1 {
		t.Errorf("%+v, %v, %d events", res.Run, err, asked)
	}
}

func TestMISPHostile(t *testing.T) {
	for body, want := range map[string]string{
		`{"../../etc/passwd": {"timestamp": "1"}}`: "no event's uuid", `[]`: "want an object", `{"a`: "unexpected EOF", `{}`: "",
	} {
		s := open(t)
		web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) }))
		put(t, s, feed.Feed{Name: "x", Kind: feed.MISP, URL: web.URL})
		if _, err := run(t, s, "x"); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", body, err)
		}
		web.Close()
	}
}

// TestTAXII reads real pages from a TAXII server, broken off in the middle and
// then on.
func TestTAXII(t *testing.T) {
	dir := testcorpus.Path(t, "tweetfeed-stix", "stix", "taxii", "pages")
	pages, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	s := open(t)
	var asked []string
	broken := true
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.RequestURI())
		w.Header().Set("Content-Type", "application/taxii+json;version=2.1")
		if !strings.HasSuffix(r.URL.Path, "/objects/") {
			fmt.Fprint(w, `{"id":"b7dc78af","title":"TweetFeed","can_read":true}`)
			return
		}
		n := 0
		_, _ = fmt.Sscan(r.URL.Query().Get("next"), &n)
		if r.URL.Query().Get("added_after") != "" && n == 0 {
			fmt.Fprint(w, `{}`)
			return
		}
		if broken && n == 3 {
			w.WriteHeader(403)
			return
		}
		data, err := os.ReadFile(pages[n])
		if err != nil {
			panic(err)
		}
		w.Header().Set("X-TAXII-Date-Added-Last", filepath.Base(pages[n])[:10]+"T12:00:00Z")
		fmt.Fprintf(w, `{"more":%v,"next":"%d","objects":%s}`, n+1 < len(pages), n+1, data)
	}))
	defer web.Close()
	put(t, s, feed.Feed{Name: "t", Kind: feed.TAXII, URL: web.URL + "/api/collections/b7dc78af"})
	res, err := run(t, s, "t")
	if err == nil || !strings.Contains(err.Error(), "403") || res.Run.Counts.Indicators.New == 0 {
		t.Fatalf("%+v, %v", res.Run, err)
	}
	first := indicators(t, s)
	broken, asked = false, nil
	if res, err = run(t, s, "t"); err != nil || indicators(t, s) <= first || !strings.Contains(asked[1], "next=3") {
		t.Errorf("%+v, %v, asked %q", res.Run, err, asked)
	}
	asked = nil
	if res, err = run(t, s, "t"); err != nil || !res.Run.Unchanged || !strings.Contains(asked[1], "added_after=2026-08-05T11%3A59%3A59") {
		t.Errorf("%+v, %v, asked %q", res.Run, err, asked)
	}
}

// TestGraph reads a service by client credentials, twice: what is gone from it is
// gone here, and a service that breaks off takes nothing away.
func TestGraph(t *testing.T) {
	s := open(t)
	var web *httptest.Server
	signIns, profiles, breaks, other := 0, 5, false, ""
	web = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/contoso/oauth2/v2.0/token" {
			signIns++
			if r.PostFormValue("client_id") != "c1" || r.PostFormValue("client_secret") != "s3cret" || r.PostFormValue("grant_type") != "client_credentials" {
				w.WriteHeader(401)
				fmt.Fprint(w, `{"error":"invalid_client"}`)
				return
			}
			fmt.Fprint(w, `{"token_type":"Bearer","expires_in":3599,"access_token":"t0ken"}`)
			return
		}
		if r.Header.Get("Authorization") != "Bearer t0ken" {
			w.WriteHeader(401)
			return
		}
		at, context := web.URL+r.URL.Path, web.URL+"/v1.0/$metadata#security/threatIntelligence/"
		if id, ok := strings.CutSuffix(strings.TrimPrefix(r.URL.Path, "/v1.0/security/threatIntelligence/intelProfiles/"), "/indicators"); ok {
			if breaks && id == "p3" {
				w.WriteHeader(403)
				return
			}
			fmt.Fprintf(w, `{"@odata.context":"%sintelProfiles('%s')/indicators","value":[{"id":"i","source":"osint","firstSeenDateTime":"2026-01-02T03:04:05.000Z",
				"artifact":{"@odata.type":"#microsoft.graph.security.hostname","id":"%s.contoso.com"}}]}`, context, id, id)
			return
		}
		n := 0
		_, _ = fmt.Sscan(r.URL.Query().Get("$skiptoken"), &n)
		next := ""
		if n+1 < profiles {
			next = fmt.Sprintf(`,"@odata.nextLink":"%s?$skiptoken=%d"`, at, n+1)
		}
		if other != "" {
			next = `,"@odata.nextLink":"` + other + `"`
		}
		fmt.Fprintf(w, `{"@odata.context":"%sintelProfiles","value":[{"id":"p%d","kind":"actor","title":"Grey Wader %d","firstActiveDateTime":"2021-01-01T00:00:00Z",
			"aliases":[],"targets":[],"countriesOrRegionsOfOrigin":[],"summary":{"content":"s","format":"text"},"description":{"content":"d","format":"markdown"},"tradecraft":null}]%s}`, context, n, n, next)
	}))
	defer web.Close()
	t.Setenv("GRAPH_SECRET", "s3cret")
	put(t, s, feed.Feed{Name: "g", Kind: feed.Graph, URL: web.URL, Client: "c1", Tenant: "contoso", Secret: "env:GRAPH_SECRET", Source: "partner"})
	served := func() (actors, indicators int64) {
		n, err := s.Totals(t.Context(), store.View{Ceiling: intel.Red})
		if err != nil {
			t.Fatal(err)
		}
		return n.Actors, n.LinkedProfiles
	}
	res, err := run(t, s, "g")
	if err != nil || signIns != 1 {
		t.Fatalf("%+v, %v, %d sign-ins", res.Run, err, signIns)
	}
	if actors, linked := served(); actors != 5 || linked != 5 {
		t.Errorf("%d actors, %d with indicators", actors, linked)
	}
	profiles, breaks = 2, true
	other = "http://elsewhere.example/"
	if _, err = run(t, s, "g"); err == nil || !strings.Contains(err.Error(), "on another host") {
		t.Error(err)
	}
	other, profiles = "", 4
	if _, err = run(t, s, "g"); err == nil || !strings.Contains(err.Error(), "profile p3") {
		t.Error(err)
	}
	if actors, _ := served(); actors != 5 {
		t.Errorf("%d actors are left of 5 by a service that breaks off", actors)
	}
	profiles, breaks = 2, false
	if res, err = run(t, s, "g"); err != nil || res.Run.Counts.Records.Gone != 3 {
		t.Errorf("%+v, %v", res.Run, err)
	}
	if actors, _ := served(); actors != 2 {
		t.Errorf("%d actors, 2 are left", actors)
	}
	t.Setenv("GRAPH_SECRET", "wrong")
	if _, err = run(t, s, "g"); err == nil || !strings.Contains(err.Error(), "signing in: ") || strings.Contains(err.Error(), "wrong") {
		t.Error(err)
	}
}

// TestNoOverlap holds that of several servers on one database, one runs a feed.
func TestNoOverlap(t *testing.T) {
	path := testdb.Path(t)
	servers := []*store.Store{openAt(t, path), openAt(t, path), openAt(t, path)}
	var at, most, asked atomic.Int32
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		if n := at.Add(1); n > most.Load() {
			most.Store(n)
		}
		time.Sleep(50 * time.Millisecond)
		at.Add(-1)
		fmt.Fprint(w, list)
	}))
	defer web.Close()
	put(t, servers[0], feed.Feed{Name: "x", URL: web.URL + "/list.txt"})
	var wg sync.WaitGroup
	var ran, busy atomic.Int32
	for _, s := range servers {
		for range 2 {
			wg.Add(1)
			go func() {
				defer wg.Done()
				switch _, err := (&feed.Runner{Store: s}).Run(context.Background(), "x"); {
				case err == nil:
					ran.Add(1)
				case errors.Is(err, store.ErrBusy):
					busy.Add(1)
				default:
					t.Error(err)
				}
			}()
		}
	}
	wg.Wait()
	if most.Load() != 1 || ran.Load() < 1 || ran.Load() != asked.Load() || ran.Load()+busy.Load() != 6 {
		t.Errorf("%d at once, %d ran, %d found it busy", most.Load(), ran.Load(), busy.Load())
	}
	// All schedules together run it once, when it is due.
	asked.Store(0)
	put(t, servers[0], feed.Feed{Name: "x", URL: web.URL + "/list.txt", Every: "1h"})
	for range 2 {
		for _, s := range servers {
			wg.Add(1)
			go func() {
				defer wg.Done()
				sch := feed.Schedule{Runner: &feed.Runner{Store: s}, Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
				if err := sch.Once(context.Background()); err != nil {
					t.Error(err)
				}
			}()
		}
		wg.Wait()
	}
	if asked.Load() != 1 {
		t.Errorf("it was read %d times", asked.Load())
	}
}

func TestApply(t *testing.T) {
	s := open(t)
	apply := func(text string, dry bool) string {
		t.Helper()
		list, err := feed.ReadFile(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		changes, err := feed.Apply(t.Context(), s, list, dry)
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, c := range changes {
			out = append(out, c.What+" "+c.Name)
		}
		return strings.Join(out, ", ")
	}
	const one = "feeds:\n  - name: attack-enterprise\n  - name: mine\n    url: https://feed.example/x.csv\n"
	const two = "feeds:\n  - name: mine\n    url: https://feed.example/y.csv\n  - name: maltrail\n"
	for _, tt := range []struct {
		text string
		dry  bool
		want string
	}{
		{one, true, "added attack-enterprise, added mine"},
		{one, false, "added attack-enterprise, added mine"},
		{one, false, "unchanged attack-enterprise, unchanged mine"},
		{two, true, "changed mine, added maltrail, removed attack-enterprise"},
		{two, false, "changed mine, added maltrail, removed attack-enterprise"},
		{"feeds: []", false, "removed maltrail, removed mine"},
	} {
		if got := apply(tt.text, tt.dry); got != tt.want {
			t.Errorf("%q: %s, want %s", tt.text, got, tt.want)
		}
	}
	for text, want := range map[string]string{
		"":                        "the file is empty",
		"feeds:\n  - name: x\n":   "url: is missing",
		"feeds:\n  - nam: x\n":    "line 2: field nam is no field of a feed",
		"feeds:\n  - name: A b\n": "name: want small letters",
		"feeds:\n  - {name: x, url: \"file:///etc/passwd\"}":                       "want http:// or https://",
		"feeds:\n  - {name: x, url: \"https://u:p@h.example/\"}":                   "holds credentials",
		"feeds:\n  - {name: x, url: \"https://h.example/\", secret: abc}":          "the secret itself is not kept",
		"feeds:\n  - {name: x, url: \"https://h.example/\", every: 1s}":            `every: "1s"`,
		"feeds:\n  - {name: x, url: \"https://h.example/\", kind: rss, tlp: pink}": "tlp:",
		"feeds:\n  - name: maltrail\n  - name: maltrail\n":                         "is there twice",
	} {
		if _, err := feed.ReadFile(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// Example adds a feed and reads it.
func Example() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	s, _, err := store.Open(ctx, filepath.Join(dir, "x.db"), store.Options{Create: true})
	if err != nil {
		panic(err)
	}
	defer s.Close()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, list) }))
	defer web.Close()
	if _, err := feed.Put(ctx, s, feed.Feed{Name: "ours", URL: web.URL + "/list.txt", AllowPrivate: true}); err != nil {
		panic(err)
	}
	res, err := (&feed.Runner{Store: s}).Run(ctx, "ours")
	fmt.Println(res.Run.Counts.Indicators.New, err)
	// Output: 3 <nil>
}
