package api

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"dossier/internal/auth"
	"dossier/internal/fetch"
	"dossier/internal/intel"
	"dossier/internal/observable"
	"dossier/internal/store"
	"dossier/internal/taxii"
	"dossier/internal/testdb"
)

// taxiiEnvelope is what tests read of every page: of objects, or of a manifest.
type taxiiEnvelope struct {
	More    *bool             `json:"more"`
	Next    *string           `json:"next"`
	Objects []json.RawMessage `json:"objects"`
}

// stixPart is what tests read of an object.
type stixPart struct {
	Type      string   `json:"type"`
	ID        string   `json:"id"`
	Created   string   `json:"created"`
	Modified  string   `json:"modified"`
	Revoked   bool     `json:"revoked"`
	Source    string   `json:"source_ref"`
	Target    string   `json:"target_ref"`
	Objects   []string `json:"object_refs"`
	Name      string   `json:"name"`
	Version   string   `json:"version"`    // of a manifest
	DateAdded string   `json:"date_added"` // of a manifest
}

func partOf(t testing.TB, raw []byte) (p stixPart) {
	t.Helper()
	if err := json.Unmarshal(raw, &p); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return p
}

const rootPath = "/taxii2/api/collections/"

// taxiiPage asks for a page and holds it to what the standard says of every page:
// the media type (1.6), "more" and "next" together, no empty list, and dates in the
// headers that are timestamps in order (3.4.1, 3.5).
func taxiiPage(t testing.TB, s http.Handler, target string) (e taxiiEnvelope, h http.Header) {
	t.Helper()
	w := ask(s, "GET", target, "Accept", "application/taxii+json;version=2.1")
	if w.Code != 200 || w.Header().Get("Content-Type") != "application/taxii+json;version=2.1" {
		t.Fatalf("%s: %d %s %v", target, w.Code, w.Body, w.Header())
	}
	if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil {
		t.Fatalf("%s: %v in %s", target, err, w.Body)
	}
	if (e.More == nil) != (e.Next == nil) || e.More != nil && (!*e.More || *e.Next == "") || strings.Contains(w.Body.String(), "[]") {
		t.Errorf("%s: %s", target, w.Body)
	}
	first, last := w.Header().Get("X-Taxii-Date-Added-First"), w.Header().Get("X-Taxii-Date-Added-Last")
	if len(e.Objects) == 0 {
		if first != "" || last != "" {
			t.Errorf("%s: dates of nothing: %q %q", target, first, last)
		}
		return e, w.Header()
	}
	for _, text := range []string{first, last} {
		if _, err := time.Parse("2006-01-02T15:04:05.000000Z", text); err != nil {
			t.Errorf("%s: %v", target, err)
		}
	}
	if first > last {
		t.Errorf("%s: from %s to %s", target, first, last)
	}
	return e, w.Header()
}

// A taxiiReader follows a collection in one of the ways that the standard allows.
type taxiiReader struct {
	way        string // "next", "date", "manifest"
	ceiling    intel.TLP
	collection string
	limit      int

	mark  string // the last date that was seen
	query url.Values
	have  map[string]string // by id, the last version
}

// step reads one page; it reports whether there was no more.
func (r *taxiiReader) step(t testing.TB, s http.Handler) bool {
	t.Helper()
	if r.query == nil {
		r.query = url.Values{"limit": {strconv.Itoa(r.limit)}}
		if r.mark != "" {
			r.query.Set("added_after", r.mark)
		}
	}
	what := "/objects/"
	if r.way == "manifest" {
		what = "/manifest/"
	}
	e, h := taxiiPage(t, s, rootPath+r.collection+what+"?"+r.query.Encode())
	if len(e.Objects) > r.limit {
		t.Errorf("%d objects, limit %d", len(e.Objects), r.limit)
	}
	for _, raw := range e.Objects {
		r.have[partOf(t, raw).ID] = string(raw)
	}
	if last := h.Get("X-Taxii-Date-Added-Last"); last != "" {
		if last < r.mark {
			t.Errorf("the date goes back from %s to %s", r.mark, last)
		}
		r.mark = last
	}
	if e.Next == nil {
		r.query = nil
		return true
	}
	if r.way == "next" {
		r.query.Set("next", *e.Next) // with the same options as before (3.5.1)
	} else {
		r.query.Set("added_after", r.mark)
	}
	return false
}

// whole reads a collection from its beginning; no object occurs twice.
func whole(t testing.TB, s http.Handler, collection string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for next := ""; ; {
		e, _ := taxiiPage(t, s, rootPath+collection+"/objects/?limit=7&next="+next)
		for _, raw := range e.Objects {
			id := partOf(t, raw).ID
			if out[id] != "" && !partOf(t, raw).Revoked { // what was revoked twice
				t.Errorf("%s occurs twice: %s and %s", id, out[id], raw)
			}
			out[id] = string(raw)
		}
		if e.Next == nil {
			return out
		}
		next = *e.Next
	}
}

// living are the objects that are not revoked, without what is not taken back: notes
// of former sources, and relationships of what is revoked itself.
func living(t testing.TB, objects, all map[string]string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for id, raw := range objects {
		p := partOf(t, []byte(raw))
		gone := func(id string) bool { return all[id] == "" || partOf(t, []byte(all[id])).Revoked }
		if p.Type == "relationship" && (gone(p.Source) || gone(p.Target)) {
			continue
		}
		if !p.Revoked && p.Type != "note" {
			out[id] = raw
		}
	}
	return out
}

func differences(a, b map[string]string) (out []string) {
	for id, raw := range a {
		if b[id] != raw {
			out = append(out, "has "+raw+" want "+b[id])
		}
	}
	for id, raw := range b {
		if _, ok := a[id]; !ok {
			out = append(out, "lacks "+raw)
		}
	}
	return out
}

// TestTaxiiFollows: whatever is written, by whomever, readers that follow a
// collection end with what it has, which is what an export has.
func TestTaxiiFollows(t *testing.T) {
	histories := 4
	if testing.Short() {
		histories = 2
	}
	for seed := range histories {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { followTaxii(t, uint64(seed)) })
	}
}

func followTaxii(t *testing.T, seed uint64) {
	h := &history{r: rand.New(rand.NewPCG(seed, 11)), profiles: map[int][]*store.Derived{}}
	path := testdb.Path(t)
	for range 2 {
		s, _, err := store.Open(t.Context(), path, store.Options{Create: true})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		s.Now = func() time.Time { return fixtureNow } // all transactions in one moment
		h.stores = append(h.stores, s)
	}
	var servers [5]*Server
	for level := range servers {
		servers[level] = New(Config{Store: h.stores[0], Ceiling: intel.TLP(level), Now: func() time.Time { return fixtureNow }})
	}
	var readers []*taxiiReader
	for range 50 {
		h.writeOne(t)
		if len(readers) < 12 {
			r := &taxiiReader{
				way: []string{"next", "date", "manifest"}[h.r.IntN(3)], ceiling: intel.TLP(h.r.IntN(5)),
				collection: []string{"all", "profiles", "indicators"}[h.r.IntN(3)], limit: 1 + h.r.IntN(9), have: map[string]string{},
			}
			if r.way != "next" { // what was added at one time must fit: an indicator and all that belongs to it
				r.limit += 8
			}
			readers = append(readers, r)
		}
		for _, r := range readers {
			for range h.r.IntN(3) {
				r.step(t, servers[r.ceiling])
			}
		}
	}
	for _, s := range h.stores {
		if _, err := s.FoldIndicators(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
	}
	settle()
	for _, r := range readers {
		for range 2 { // a round that is under way, then one with all
			for !r.step(t, servers[r.ceiling]) {
			}
		}
		s := servers[r.ceiling]
		all := whole(t, s, "all")
		want := living(t, whole(t, s, r.collection), all)
		if r.way != "manifest" {
			if d := differences(living(t, r.have, all), want); len(d) > 0 {
				t.Errorf("%s of %s at TLP:%s, by %d:\n%s", r.way, r.collection, r.ceiling, r.limit, strings.Join(d, "\n"))
			}
			continue
		}
		for id, raw := range want {
			o, m := partOf(t, []byte(raw)), stixPart{}
			if r.have[id] != "" {
				m = partOf(t, []byte(r.have[id]))
			}
			if version := o.Modified; m.Version != version && o.Type != "marking-definition" {
				t.Errorf("manifest of %s at TLP:%s: %s has version %q, want %q", r.collection, r.ceiling, id, m.Version, version)
			}
		}
	}
	for level, s := range servers {
		all := whole(t, s, "all")
		var bundle struct {
			Objects []json.RawMessage `json:"objects"`
		}
		w := ask(s, "GET", "/api/export/stix?view=default&max=0")
		if err := json.Unmarshal(w.Body.Bytes(), &bundle); err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, raw := range bundle.Objects {
			id := partOf(t, raw).ID
			if all[id] != string(raw) {
				t.Errorf("TLP:%s: an export has\n%s\nthe collection\n%s", intel.TLP(level), raw, all[id])
			}
			if strings.HasPrefix(id, "indicator--") {
				n++
			}
		}
		for id, raw := range all {
			if strings.HasPrefix(id, "indicator--") && !partOf(t, []byte(raw)).Revoked {
				n--
			}
		}
		if n != 0 {
			t.Errorf("TLP:%s: the export has %d indicators more than the collection", intel.TLP(level), n)
		}
	}
}

// TestTaxiiClient: our own client reads every collection to the last object, through
// Basic credentials and through tokens, and again what came since.
func TestTaxiiClient(t *testing.T) {
	s, st := guarded(t, auth.Required)
	ts := httptest.NewServer(s)
	defer ts.Close()
	client, secret, err := auth.Clients{Store: st}.Add(t.Context(), auth.NewClient{Name: "platform", Permissions: []auth.Permission{auth.ReadAll}, TLP: intel.Green})
	if err != nil {
		t.Fatal(err)
	}
	if err := st.AddCollection(t.Context(), store.Collection{Name: "addresses", Title: "Addresses", Filter: "source eq 'microsoft'"}); err != nil {
		t.Fatal(err)
	}
	basic := &http.Request{Header: http.Header{}}
	basic.SetBasicAuth(client.ID, secret)
	for _, credentials := range []string{basic.Header.Get("Authorization"), newToken(t, s, st, "other", intel.Green, auth.ReadAll)} {
		c := &taxii.Client{HTTP: &fetch.Client{AllowPrivate: true, Rate: 10000}, Header: http.Header{"Authorization": {credentials}}}
		list, err := c.Locate(t.Context(), ts.URL+"/taxii2/")
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, col := range list {
			names = append(names, col.Alias)
			got := map[string]string{}
			cursor, err := c.Poll(t.Context(), col.URL, taxii.Cursor{}, taxii.Options{Limit: 400}, func(p taxii.Page) error {
				for _, raw := range p.Objects {
					got[partOf(t, raw).ID] = string(raw)
				}
				return nil
			})
			if err != nil {
				t.Fatalf("%s: %v", col.Alias, err)
			}
			want := whole(t, New(Config{Store: st, Ceiling: intel.Green}), col.Alias)
			if d := differences(got, want); len(d) > 0 || len(got) < 2 {
				t.Errorf("%s: %d objects\n%s", col.Alias, len(got), strings.Join(d, "\n"))
			}
			again := 0
			if _, err := c.Poll(t.Context(), col.URL, cursor, taxii.Options{}, func(p taxii.Page) error { again += len(p.Objects); return nil }); err != nil || again > len(got) {
				t.Errorf("%s again: %d, %v", col.Alias, again, err)
			}
		}
		if want := []string{"all", "profiles", "indicators", "clear", "green", "addresses"}; !slices.Equal(names, want) {
			t.Errorf("%v, want %v", names, want)
		}
	}
}

// TestTaxiiConformance has a case for each thing that TAXII 2.1 demands of a
// server that can only be read; sections in brackets. They are ours, written from the
// standard: its own are not to be had as a program.
func TestTaxiiConformance(t *testing.T) {
	s, st := guarded(t, auth.Required)
	token := newToken(t, s, st, "reader", intel.Clear, auth.ReadAll)
	hunter := newToken(t, s, st, "hunter", intel.Clear, auth.Hunt)
	writer := newToken(t, s, st, "writer", intel.Clear, auth.ReadWrite)
	open := New(Config{Store: st, Ceiling: intel.Clear})
	objects := whole(t, open, "all")
	var indicator, link, note, profile stixPart
	for _, raw := range objects {
		switch p := partOf(t, []byte(raw)); p.Type {
		case "indicator":
			indicator = p
		case "relationship":
			link = p
		case "note":
			note = p
		case "intrusion-set":
			profile = p
		}
	}
	const all = rootPath + "all/"
	for _, tt := range []struct {
		name, method, target, token, accept string
		status                              int
		part                                string // of the body
	}{
		{"discovery [4.1]", "GET", "/taxii2/", token, "", 200, `"default":"http://127.0.0.1:8080/taxii2/api/","api_roots":["http://127.0.0.1:8080/taxii2/api/"]`},
		{"without its slash", "GET", "/taxii2", token, "", 200, `"title":"Dossier"`},
		{"no credentials [6.2]", "GET", "/taxii2/", "", "", 401, `"http_status":"401"`},
		{"wrong ones", "GET", "/taxii2/", "Basic eDp5", "", 401, `"title":`},
		{"no permission", "GET", "/taxii2/", hunter, "", 403, `"http_status":"403"`},
		{"an API root [4.2]", "GET", "/taxii2/api/", token, "", 200, `"versions":["application/taxii+json;version=2.1"],"max_content_length":1`},
		{"another", "GET", "/taxii2/nope/", token, "", 404, `"http_status":"404"`},
		{"a status [4.3]", "GET", "/taxii2/api/status/2d086da7-4bdc-4f91-900e-d77486753710/", token, "", 404, `"title":`},
		{"the media type [1.6.8.1]", "GET", "/taxii2/", token, "application/taxii+json;version=2.1", 200, ""},
		{"with a space", "GET", "/taxii2/", token, "application/taxii+json; version=2.1", 200, ""},
		{"without a version", "GET", "/taxii2/", token, "application/taxii+json", 200, ""},
		{"anything", "GET", "/taxii2/", token, "text/html, */*;q=0.1", 200, ""},
		{"TAXII 2.0", "GET", "/taxii2/", token, "application/vnd.oasis.taxii+json; version=2.0", 406, `"http_status":"406"`},
		{"another version", "GET", "/taxii2/", token, "application/taxii+json;version=9.9", 406, ""},
		{"not that", "GET", "/taxii2/", token, "application/taxii+json;q=0", 406, ""},
		{"collections [5.1]", "GET", rootPath, token, "", 200, `"alias":"profiles","can_read":true,"can_write":false,"media_types":["application/stix+json;version=2.1"]`},
		{"one [5.2]", "GET", all, token, "", 200, `"title":"All"`},
		{"none", "GET", rootPath + "nope/", token, "", 404, `"title":`},
		{"above the ceiling", "GET", rootPath + "red/objects/", token, "", 404, `"title":`},
		{"a manifest [5.3]", "GET", all + "manifest/?limit=1", token, "", 200, `"media_type":"application/stix+json;version=2.1"`},
		{"objects [5.4]", "GET", all + "objects/?limit=1", token, "", 200, `"type":"identity"`},
		{"no writing [5.5]", "POST", all + "objects/", token, "", 403, `"http_status":"403"`},
		{"nor with the permission", "POST", all + "objects/", writer, "", 405, `"http_status":"405"`},
		{"an object [5.6]", "GET", all + "objects/" + indicator.ID + "/", token, "", 200, indicator.ID},
		{"of another kind", "GET", all + "objects/" + link.ID + "/", token, "", 200, link.ID},
		{"a note", "GET", all + "objects/" + note.ID + "/", token, "", 200, note.ID},
		{"a profile", "GET", all + "objects/" + profile.ID + "/", token, "", 200, profile.ID},
		{"an object that is not there", "GET", all + "objects/indicator--00000000-0000-4000-8000-000000000000/", token, "", 404, `"title":`},
		{"no id", "GET", all + "objects/x/", token, "", 404, ""},
		{"in another collection", "GET", rootPath + "profiles/objects/" + indicator.ID + "/", token, "", 404, ""},
		{"another version of it", "GET", all + "objects/" + indicator.ID + "/?match[version]=2001-01-01T00:00:00Z", token, "", 200, "{}"},
		{"no deleting [5.7]", "DELETE", all + "objects/" + indicator.ID + "/", token, "", 403, ""},
		{"versions [5.8]", "GET", all + "objects/" + indicator.ID + "/versions/", token, "", 200, `{"versions":["` + indicator.Modified + `"]}`},
		{"a limit of 0 [3.4]", "GET", all + "objects/?limit=0", token, "", 400, "limit"},
		{"below", "GET", all + "objects/?limit=-1", token, "", 400, ""},
		{"no number", "GET", all + "objects/?limit=x", token, "", 400, ""},
		{"above what is given", "GET", all + "objects/?limit=99999999", token, "", 200, ""},
		{"no time", "GET", all + "objects/?added_after=yesterday", token, "", 400, "added_after"},
		{"two of them", "GET", all + "objects/?added_after=2020-01-01T00:00:00Z&added_after=2020-01-01T00:00:00Z", token, "", 400, ""},
		{"before everything", "GET", all + "objects/?added_after=2001-01-01T00:00:00Z&limit=1", token, "", 200, `"type":"identity"`},
		{"behind everything", "GET", all + "objects/?added_after=2999-01-01T00:00:00Z", token, "", 200, "{}"},
		{"a next that never was", "GET", all + "objects/?next=nope", token, "", 400, "next"},
		{"a filter that is not known", "GET", all + "objects/?match[name]=x", token, "", 400, "match[name]"},
		{"an empty one", "GET", all + "objects/?match[type]=", token, "", 400, ""},
		{"a parameter that is not known", "GET", all + "objects/?x=y&limit=1", token, "", 200, ""},
		{"another specification", "GET", all + "objects/?match[spec_version]=2.0", token, "", 200, "{}"},
		{"either", "GET", all + "objects/?match[spec_version]=2.0,2.1&limit=1", token, "", 200, `"type":"identity"`},
		{"a type that is not there", "GET", all + "objects/?match[type]=campaign", token, "", 200, "{}"},
		{"no version", "GET", all + "objects/?match[version]=newest", token, "", 400, "match[version]"},
	} {
		header := []string{"Authorization", tt.token, "Accept", tt.accept}
		if tt.accept == "" {
			header = header[:2]
		}
		if tt.token == "" {
			header = header[2:]
		}
		w := send(s, tt.method, strings.ReplaceAll(tt.target, " ", "%20"), "", header...)
		if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.part) || tt.part == "{}" && w.Body.String() != "{}" ||
			w.Header().Get("Content-Type") != "application/taxii+json;version=2.1" {
			t.Errorf("%s: %d %s %s\nwant %d with %s", tt.name, w.Code, w.Header().Get("Content-Type"), w.Body, tt.status, tt.part)
		}
		if w.Code == 401 && len(w.Header().Values("WWW-Authenticate")) != 2 {
			t.Errorf("%s: %v", tt.name, w.Header())
		}
	}
	// The filters choose from the whole what they say, and nothing else.
	list := func(query string) map[string]string {
		out := map[string]string{}
		for next := ""; ; {
			e, _ := taxiiPage(t, open, all+"objects/?"+query+next)
			for _, raw := range e.Objects {
				out[partOf(t, raw).ID] = string(raw)
			}
			if e.Next == nil {
				return out
			}
			next = "&next=" + *e.Next
		}
	}
	for query, want := range map[string]func(stixPart) bool{
		"match[type]=indicator&limit=2":                                func(p stixPart) bool { return p.Type == "indicator" },
		"match[type]=relationship&limit=2":                             func(p stixPart) bool { return p.Type == "relationship" },
		"match[type]=note,identity":                                    func(p stixPart) bool { return p.Type == "note" || p.Type == "identity" },
		"match[type]=malware,tool,intrusion-set":                       func(p stixPart) bool { return slices.Contains([]string{"malware", "tool", "intrusion-set"}, p.Type) },
		"match[id]=" + indicator.ID + "," + link.ID + "," + profile.ID: func(p stixPart) bool { return slices.Contains([]string{indicator.ID, link.ID, profile.ID}, p.ID) },
		"match[id]=" + indicator.ID + "&match[type]=note":              func(stixPart) bool { return false },
		"match[version]=" + indicator.Modified:                         func(p stixPart) bool { return p.Modified == indicator.Modified },
		"match[version]=last,2001-01-01T00:00:00Z":                     func(stixPart) bool { return true },
		"match[version]=first":                                         func(stixPart) bool { return true },
		"match[version]=all&limit=3":                                   func(stixPart) bool { return true },
	} {
		expected := map[string]string{}
		for id, raw := range objects {
			if want(partOf(t, []byte(raw))) {
				expected[id] = raw
			}
		}
		if d := differences(list(query), expected); len(d) > 0 {
			t.Errorf("%s:\n%s", query, strings.Join(d, "\n"))
		}
	}
	// What refers to something refers to what is there.
	for _, raw := range objects {
		p := partOf(t, []byte(raw))
		for _, ref := range append(p.Objects, p.Source, p.Target) {
			if ref != "" && objects[ref] == "" {
				t.Errorf("%s refers to %s, which is not there", p.ID, ref)
			}
		}
		if p.Modified != "" && p.Modified < p.Created {
			t.Errorf("%s", raw)
		}
	}
	if w := ask(open, "GET", all+"objects/", "Accept-Encoding", "gzip"); w.Header().Get("Content-Encoding") != "gzip" {
		t.Errorf("not compressed: %v", w.Header())
	}
}

// TestTaxiiDeletion: what is withdrawn, guarded or gone, and what is taken from a
// profile, reaches readers as revoked.
func TestTaxiiDeletion(t *testing.T) {
	st := fixtureStore(t, 0)
	s := fixtureServer(st)
	r := &taxiiReader{way: "next", collection: "all", limit: 1000, have: map[string]string{}}
	all := func() {
		t.Helper()
		for !r.step(t, s) {
		}
	}
	all()
	named := func(name string) (p stixPart) {
		t.Helper()
		for _, raw := range r.have {
			if o := partOf(t, []byte(raw)); o.Name == name {
				p = o
			}
		}
		return p
	}
	if named("withdrawn.example.com").ID != "" {
		t.Error("what was withdrawn before anybody could see it is told")
	}
	address := named("20.103.85.33")
	links := func() (n, revoked int) {
		for _, raw := range r.have {
			if o := partOf(t, []byte(raw)); o.Source == address.ID {
				if n++; o.Revoked {
					revoked++
				}
			}
		}
		return n, revoked
	}
	if n, revoked := links(); n != 1 || revoked != 0 {
		t.Errorf("%d relationships, %d revoked", n, revoked)
	}
	// The address belongs to the other profile now, and a name is withdrawn.
	moved := &intel.Observation{Publisher: "p", Observable: parsed(t, observable.IPAddress, "20.103.85.33"), Subjects: []intel.Ref{refTo(aquaID)}, Source: intel.SourceOSINT, Confidence: 70}
	gone := &intel.Observation{Publisher: intel.Maltrail, Observable: parsed(t, observable.Domain, "nobody.example.com"), Revoked: true, Modified: intel.TimeOf(fixtureNow), Source: intel.SourceOSINT}
	write(t, st, []*intel.Observation{moved, gone}, fixtureProfiles(0))
	all()
	if n, _ := links(); n != 2 {
		t.Errorf("%d relationships", n)
	}
	if p := named("nobody.example.com"); !p.Revoked {
		t.Errorf("%+v", p)
	}
}
