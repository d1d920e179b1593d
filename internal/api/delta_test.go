package api

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"dossier/internal/intel"
	"dossier/internal/observable"
	"dossier/internal/store"
	"dossier/internal/testdb"
)

// A deltaPage is what a client reads of an answer of delta.
type deltaPage struct {
	Next  string `json:"@odata.nextLink"`
	Delta string `json:"@odata.deltaLink"`
	Value []struct {
		ID      string `json:"id"`
		Removed *struct {
			Reason string `json:"reason"`
		} `json:"@removed"`
		raw string
	} `json:"value"`
}

func readDelta(t *testing.T, s http.Handler, link string) deltaPage {
	t.Helper()
	w := ask(s, "GET", strings.TrimPrefix(link, "https://intel.example.org"))
	if w.Code != http.StatusOK {
		t.Fatalf("GET %s: %d %s", link, w.Code, w.Body)
	}
	var p deltaPage
	var raw struct {
		Value []json.RawMessage `json:"value"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
		t.Fatal(err)
	}
	_ = json.Unmarshal(w.Body.Bytes(), &raw)
	for i := range p.Value {
		p.Value[i].raw = string(raw.Value[i])
	}
	if (p.Next == "") == (p.Delta == "") {
		t.Fatalf("GET %s: not one link: %s", link, w.Body)
	}
	return p
}

// A follower is a client that knows nothing but the links of delta.
type follower struct {
	list    string // what it follows, as a list
	ceiling intel.TLP
	link    string
	rows    map[string]string
	saved   map[string]string // as of savedLink
	savedAt string
}

// step follows one link; it reports whether a round is done.
func (f *follower) step(t *testing.T, s http.Handler) bool {
	t.Helper()
	p := readDelta(t, s, f.link)
	for _, v := range p.Value {
		if v.Removed != nil {
			delete(f.rows, v.ID)
		} else {
			f.rows[v.ID] = v.raw
		}
	}
	f.link = p.Next + p.Delta
	return p.Delta != ""
}

// listed reads a list to its end.
func listed(t *testing.T, s http.Handler, target string) map[string]string {
	t.Helper()
	rows := map[string]string{}
	for target != "" {
		w := ask(s, "GET", strings.TrimPrefix(target, "https://intel.example.org"))
		if w.Code != http.StatusOK {
			t.Fatalf("GET %s: %d %s", target, w.Code, w.Body)
		}
		var p struct {
			Next  string            `json:"@odata.nextLink"`
			Value []json.RawMessage `json:"value"`
		}
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
			t.Fatal(err)
		}
		for _, raw := range p.Value {
			var v struct {
				ID string `json:"id"`
			}
			if err := json.Unmarshal(raw, &v); err != nil {
				t.Fatal(err)
			}
			rows[v.ID] = string(raw)
		}
		target = p.Next
	}
	return rows
}

// A history writes random things into one database by several stores.
type history struct {
	r        *rand.Rand
	stores   []*store.Store
	profiles map[int][]*store.Derived
	claims   []*intel.Claim
}

var historyWords = []string{"Alpha", "beta", "Gamma", "delta"}

// writeOne makes one random change.
func (h *history) writeOne(t *testing.T) {
	t.Helper()
	ctx, r := t.Context(), h.r
	s := h.stores[r.IntN(len(h.stores))]
	fold := func() {
		if _, err := s.FoldIndicators(ctx, nil); err != nil {
			t.Fatal(err)
		}
	}
	switch r.IntN(6) {
	case 0, 1: // profiles come, change, go; some only for high ceilings, some in several forms
		for range 1 + r.IntN(3) {
			n := r.IntN(6)
			var list []*store.Derived
			for lo := intel.TLP(r.IntN(3) * r.IntN(2)); lo <= intel.Red && r.IntN(5) > 0; {
				hi := intel.Red
				if r.IntN(3) == 0 {
					hi = min(intel.Red, lo+intel.TLP(r.IntN(3)))
				}
				d := derived(numberedID(n), []intel.Kind{intel.Actor, intel.Tool}[r.IntN(2)], historyWords[r.IntN(4)], nil)
				d.Lo, d.Hi, d.Members = lo, hi, []intel.Ref{refTo(fmt.Sprint(n))}
				list = append(list, d)
				lo = hi + 1
			}
			h.profiles[n] = list
		}
		var all []*store.Derived
		for _, n := range slices.Sorted(maps.Keys(h.profiles)) {
			all = append(all, h.profiles[n]...)
		}
		if _, _, err := s.PutDerived(ctx, all, nil); err != nil {
			t.Fatal(err)
		}
		fold()
	case 2, 3: // evidence
		b := beginBatch(t, s)
		for range 1 + r.IntN(6) {
			o := &intel.Observation{
				Publisher:  []string{"p", "q"}[r.IntN(2)],
				Observable: observable.Observable{Kind: observable.Domain, Value: fmt.Sprintf("d%d.example", r.IntN(12))},
				FirstSeen:  intel.Date{At: intel.TimeOf(fixtureNow) - intel.Time(r.IntN(4))*1000, Basis: intel.BasisStated},
				TLP:        intel.TLP(r.IntN(5) * r.IntN(2)), Revoked: r.IntN(3) == 0, Modified: intel.Time(1 + r.IntN(1000)),
				Source: []intel.IndicatorSource{intel.SourceOSINT, intel.SourceMicrosoft}[r.IntN(2)],
			}
			if r.IntN(3) > 0 {
				o.Subjects = []intel.Ref{refTo(fmt.Sprint(r.IntN(6)))}
			}
			if err := b.Observe(ctx, o); err != nil {
				t.Fatal(err)
			}
		}
		if r.IntN(5) == 0 { // as if it had been killed
			b.Rollback()
			return
		}
		if err := b.Commit(ctx); err != nil {
			t.Fatal(err)
		}
		if r.IntN(4) > 0 { // else another writer folds it later
			fold()
		}
	case 4: // a person hides an indicator, or links it
		id := observable.Observable{Kind: observable.Domain, Value: fmt.Sprintf("d%d.example", r.IntN(12))}.ID()
		c := &intel.Claim{ID: store.NewGUID(), Target: id, Action: intel.Suppress, TLP: intel.TLP(r.IntN(5) * r.IntN(2)), Made: intel.TimeOf(fixtureNow)}
		if r.IntN(2) == 0 {
			value, err := json.Marshal(id)
			if err != nil {
				t.Fatal(err)
			}
			c.Target, c.Field, c.Value = numberedID(r.IntN(6)), intel.FieldIndicators, value
			c.Action = []intel.ClaimAction{intel.Set, intel.Suppress}[r.IntN(2)]
		}
		h.claims = append(h.claims, c)
		b := beginBatch(t, s)
		if err := b.Claim(ctx, c); err != nil {
			t.Fatal(err)
		}
		if err := b.Commit(ctx); err != nil {
			t.Fatal(err)
		}
		fold()
	case 5: // and takes that back
		if len(h.claims) == 0 {
			return
		}
		b := beginBatch(t, s)
		if err := b.Withdraw(ctx, h.claims[r.IntN(len(h.claims))]); err != nil {
			t.Fatal(err)
		}
		if err := b.Commit(ctx); err != nil {
			t.Fatal(err)
		}
		fold()
	}
}

func beginBatch(t *testing.T, s *store.Store) *store.Batch {
	t.Helper()
	b, err := s.Begin(context.Background(), store.FromImport)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestDeltaFollows: whatever is written, by whomever, and however a client
// stumbles, following the links ends with what the list has.
func TestDeltaFollows(t *testing.T) {
	histories := 12
	if testing.Short() {
		histories = 3
	}
	for seed := range histories {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { followHistory(t, uint64(seed)) })
	}
}

func followHistory(t *testing.T, seed uint64) {
	h := &history{r: rand.New(rand.NewPCG(seed, 7)), profiles: map[int][]*store.Derived{}}
	path := testdb.Path(t)
	for range 2 {
		s, _, err := store.Open(t.Context(), path, store.Options{Create: true})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		s.Now = func() time.Time { return fixtureNow }
		h.stores = append(h.stores, s)
	}
	var servers [2][5]*Server // by store and ceiling
	for i, s := range h.stores {
		for level := range servers[i] {
			servers[i][level] = New(Config{Store: s, PublicURL: "https://intel.example.org/", Ceiling: intel.TLP(level), Now: func() time.Time { return fixtureNow }})
		}
	}
	const ti = "/v1.0/security/threatIntelligence/"
	var clients []*follower
	start := func() {
		r := h.r
		list := []string{"intelProfiles", "intelligenceProfileIndicators"}[r.IntN(2)]
		filter := map[string][]string{
			"intelProfiles":                 {"", "kind eq 'actor'", "startswith(title,'alpha')"},
			"intelligenceProfileIndicators": {"", "source eq 'osint'", "firstSeenDateTime lt 2026-01-02T03:04:05Z"},
		}[list][r.IntN(3)]
		query := url.Values{"$top": {fmt.Sprint(1 + r.IntN(4))}}
		if filter != "" {
			query.Set("$filter", filter)
		}
		if r.IntN(3) == 0 {
			query.Set("view", "all")
		}
		f := &follower{ceiling: intel.TLP(r.IntN(5)), rows: map[string]string{}}
		f.list, f.link = ti+list+"?"+query.Encode(), ti+list+"/delta?"+query.Encode()
		clients = append(clients, f)
	}
	for range 40 {
		h.writeOne(t)
		if len(clients) < 8 {
			start()
		}
		for _, f := range clients {
			for range h.r.IntN(4) {
				done := f.step(t, servers[h.r.IntN(2)][f.ceiling])
				switch {
				case done && h.r.IntN(3) == 0: // what it would have after a crash
					f.saved, f.savedAt = maps.Clone(f.rows), f.link
				case f.savedAt != "" && h.r.IntN(8) == 0: // the crash
					f.rows, f.link = maps.Clone(f.saved), f.savedAt
				case f.savedAt != "" && h.r.IntN(8) == 0: // a replay onto a newer state
					f.link = f.savedAt
				}
			}
		}
	}
	for _, s := range h.stores {
		if _, err := s.FoldIndicators(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
	}
	settle()
	for _, f := range clients {
		server := servers[0][f.ceiling]
		for range 2 { // a round that is under way, then one with all
			for !f.step(t, server) {
			}
		}
		if want := listed(t, server, f.list); !maps.Equal(f.rows, want) {
			t.Errorf("%s at TLP:%s\n got %v\nwant %v", f.list, f.ceiling, f.rows, want)
		}
	}
	followLinks(t, servers[0], h)
}

// followLinks does the same for the indicators of each profile, from a token that
// the first state gave.
func followLinks(t *testing.T, servers [5]*Server, h *history) {
	var clients []*follower
	for level, server := range servers {
		for id := range listed(t, server, "/v1.0/security/threatIntelligence/intelProfiles") {
			list := "/v1.0/security/threatIntelligence/intelProfiles/" + id + "/indicators"
			clients = append(clients, &follower{ceiling: intel.TLP(level), rows: map[string]string{}, list: list, link: list + "/delta?$top=3"})
		}
	}
	for range 15 {
		h.writeOne(t)
		for _, f := range clients {
			f.link = stepIfThere(t, servers[f.ceiling], f)
		}
	}
	settle()
	for _, f := range clients {
		if ask(servers[f.ceiling], "GET", f.list).Code == http.StatusNotFound {
			continue // the profile is gone, and the client is told so
		}
		for range 2 {
			for !f.step(t, servers[f.ceiling]) {
			}
		}
		if want := listed(t, servers[f.ceiling], f.list); !maps.Equal(f.rows, want) {
			t.Errorf("%s at TLP:%s\n got %v\nwant %v", f.list, f.ceiling, f.rows, want)
		}
	}
}

// settle waits until servers know of what others wrote.
func settle() {
	if testdb.Postgres() {
		time.Sleep(600 * time.Millisecond)
	}
	time.Sleep(2 * time.Millisecond)
}

func stepIfThere(t *testing.T, s http.Handler, f *follower) string {
	if ask(s, "GET", strings.TrimPrefix(f.link, "https://intel.example.org")).Code == http.StatusOK {
		f.step(t, s)
	}
	return f.link
}

// TestDeltaRestricted: what is restricted leaves no trace in the delta of those
// below, not even a repeated row.
func TestDeltaRestricted(t *testing.T) {
	s := fixtureStore(t, 4)
	server := fixtureServer(s)
	const ti = "/v1.0/security/threatIntelligence/"
	links := map[string]string{}
	for _, list := range []string{"intelProfiles", "intelligenceProfileIndicators", "intelProfiles/" + snakeID + "/indicators"} {
		links[list] = readDelta(t, server, ti+list+"/delta?$deltatoken=latest").Delta
	}
	first := intel.Date{At: intel.TimeOf(fixtureNow.AddDate(-9, 0, 0)), Basis: intel.BasisStated}
	seen := func(tlp intel.TLP, value string) *intel.Observation {
		return &intel.Observation{
			Publisher: "secret", Observable: parsed(t, observable.Domain, value), FirstSeen: first, TLP: tlp,
			Subjects: []intel.Ref{refTo(snakeID)}, Source: intel.SourceOSINT,
		}
	}
	list := fixtureProfiles(4)
	list[2].Hi = intel.Green // the tool has another title above
	restricted := derived(snakeID, intel.Tool, "restricted title", nil)
	restricted.Lo = intel.Amber
	write(t, s, []*intel.Observation{seen(intel.Amber, "shared.example.com"), seen(intel.Red, "new.example.com")}, append(list, restricted))
	for list, link := range links {
		if p := readDelta(t, server, link); len(p.Value) != 0 {
			t.Errorf("%s: %v", list, p.Value)
		}
	}
	write(t, s, []*intel.Observation{seen(intel.Clear, "shared.example.com")}, fixtureProfiles(4))
	for list, want := range map[string]int{"intelProfiles": 0, "intelligenceProfileIndicators": 1, "intelProfiles/" + snakeID + "/indicators": 1} {
		if p := readDelta(t, server, links[list]); len(p.Value) != want {
			t.Errorf("%s: %d rows, want %d: %v", list, len(p.Value), want, p.Value)
		}
	}
}

// TestDeltaTokens: what is wrong with a token or an option is said, and what is
// forgotten is 410 with the way to start again.
func TestDeltaTokens(t *testing.T) {
	s := fixtureStore(t, 4)
	server := fixtureServer(s)
	const ti = "/v1.0/security/threatIntelligence/"
	first := readDelta(t, server, ti+"intelProfiles/delta?$select=title&$filter=kind%20eq%20'tool'&$top=2")
	if len(first.Value) != 2 || first.Next == "" || !strings.HasPrefix(first.Value[0].raw, `{"@odata.type":"#microsoft.graph.security.intelligenceProfile","id":"`) || strings.Contains(first.Value[0].raw, "kind") {
		t.Fatalf("%+v", first)
	}
	token := first.Next[strings.Index(first.Next, "$skiptoken=")+len("$skiptoken="):]
	flipped := "A" + token[1:]
	if flipped == token {
		flipped = "B" + token[1:]
	}
	for _, tt := range []struct {
		target string
		status int
	}{
		{"intelProfiles/delta?$skiptoken=" + token, 200},
		{"intelProfiles/delta()?$skiptoken=" + token + "&$top=1", 200}, // as PowerShell does
		{"intelProfiles/delta?$skiptoken=" + flipped, 400},
		{"intelProfiles/delta?$skiptoken=" + token[:20], 400},
		{"intelProfiles/delta?$skiptoken=%00", 400},
		{"intelProfiles/delta?$skiptoken=" + token + "&$select=id", 400},
		{"intelProfiles/delta?$skiptoken=" + token + "&$filter=kind%20eq%20'tool'", 400},
		{"intelProfiles/delta?$skiptoken=" + token + "&$deltatoken=" + token, 400},
		{"intelligenceProfileIndicators/delta?$skiptoken=" + token, 410}, // of another list
		{"intelProfiles/delta?$orderby=title", 400},
		{"intelProfiles/delta?$search=x", 400},
		{"intelProfiles/delta?$expand=indicators", 400},
		{"intelProfiles/delta?$skip=1", 400},
		{"intelProfiles/delta?$count=true", 400},
		{"intelProfiles/delta?view=active", 400},
		{"intelProfiles/delta?$filter=indicators/any(i:i/source%20eq%20'osint')", 400},
		{"intelProfiles/delta?$filter=indicators/$count%20gt%201", 400},
		{"intelProfiles/delta?$deltatoken=latest&$filter=indicators/$count%20gt%201", 400},
		{"intelProfiles/delta?$deltatoken=", 200},
		{"intelProfiles/nobody/indicators/delta", 404},
		{"intelProfiles/" + formerID + "/indicators/microsoft.graph.delta()", 200},
	} {
		if w := ask(server, "GET", ti+tt.target); w.Code != tt.status {
			t.Errorf("%s: %d, want %d: %s", tt.target, w.Code, tt.status, w.Body)
		}
	}
	red := New(Config{Store: s, PublicURL: "https://intel.example.org/", Ceiling: intel.Red})
	if w := ask(red, "GET", ti+"intelProfiles/delta?$skiptoken="+token); w.Code != http.StatusGone {
		t.Errorf("with another ceiling: %d", w.Code)
	}

	link := readDelta(t, server, ti+"intelProfiles/delta?$deltatoken=latest&$filter=kind%20eq%20'tool'").Delta
	later := fixtureNow.Add(store.DefaultRetention + time.Hour)
	s.Now = func() time.Time { return later }
	write(t, s, nil, fixtureProfiles(3))
	s.Now = func() time.Time { return later.Add(store.DefaultRetention + time.Hour) }
	write(t, s, nil, fixtureProfiles(2))
	w := ask(server, "GET", strings.TrimPrefix(link, "https://intel.example.org"))
	if w.Code != http.StatusGone || !strings.Contains(w.Body.String(), `"syncStateNotFound"`) {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	again := readDelta(t, server, w.Header().Get("Location"))
	if !strings.Contains(w.Header().Get("Location"), "/intelProfiles/delta?$deltatoken=&$filter=") || len(again.Value) != 2 {
		t.Errorf("%s: %+v", w.Header().Get("Location"), again)
	}
}

// TestDeltaRemoved: what is gone says why.
func TestDeltaRemoved(t *testing.T) {
	s := fixtureStore(t, 0)
	server := fixtureServer(s)
	const ti = "/v1.0/security/threatIntelligence/"
	all := readDelta(t, server, ti+"intelligenceProfileIndicators/delta?$deltatoken=latest").Delta
	of := readDelta(t, server, ti+"intelProfiles/"+snakeID+"/indicators/delta?$deltatoken=latest").Delta
	tools := readDelta(t, server, ti+"intelProfiles/delta?$deltatoken=latest&$filter=kind%20eq%20'tool'").Delta
	hide, unlink := parsed(t, observable.IPAddress, "20.103.85.33").ID(), parsed(t, observable.Domain, "shared.example.com").ID()
	value, _ := json.Marshal(unlink)
	b := beginBatch(t, s)
	for _, c := range []*intel.Claim{
		{ID: store.NewGUID(), Target: hide, Action: intel.Suppress, Made: 1},
		{ID: store.NewGUID(), Target: snakeID, Field: intel.FieldIndicators, Action: intel.Suppress, Value: value, Made: 1},
	} {
		if err := b.Claim(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	list := fixtureProfiles(0)
	list[2] = derived(snakeID, intel.Actor, "snake keylogger", nil)
	write(t, s, nil, list)
	for link, want := range map[string]string{
		all:   `{"id":"` + hide + `","@removed":{"reason":"deleted"}}`,
		of:    `{"id":"` + hide + `","@removed":{"reason":"deleted"}} {"id":"` + unlink + `","@removed":{"reason":"changed"}}`,
		tools: `{"id":"` + snakeID + `","@removed":{"reason":"changed"}}`,
	} {
		var got []string
		for _, v := range readDelta(t, server, link).Value {
			got = append(got, v.raw)
		}
		slices.Sort(got)
		parts := strings.SplitAfter(want, "}} ")
		for i := range parts {
			parts[i] = strings.TrimSpace(parts[i])
		}
		slices.Sort(parts)
		if !slices.Equal(got, parts) {
			t.Errorf("%s\n got %q\nwant %q", link, got, parts)
		}
	}
}

// TestRetention: how long changes are kept is said once, in the database, and holds
// for all who write.
func TestRetention(t *testing.T) {
	s := fixtureStore(t, 0)
	server := fixtureServer(s)
	if err := s.SetRetention(t.Context(), time.Hour); err == nil {
		t.Error("an hour is taken")
	}
	if d, err := s.Retention(t.Context()); err != nil || d != store.DefaultRetention {
		t.Errorf("%v, %v", d, err)
	}
	if err := s.SetRetention(t.Context(), 90*24*time.Hour); err != nil {
		t.Fatal(err)
	}
	link := readDelta(t, server, ti+"/intelProfiles/delta?$deltatoken=latest").Delta
	status := func(after time.Duration, n int) int {
		s.Now = func() time.Time { return fixtureNow.Add(after) }
		write(t, s, nil, fixtureProfiles(n))
		return ask(server, "GET", strings.TrimPrefix(link, "https://intel.example.org")).Code
	}
	const day = 24 * time.Hour
	for i, tt := range []struct {
		after time.Duration
		want  int
	}{{31 * day, 200}, {62 * day, 200}, {125 * day, 410}} {
		if got := status(tt.after, i+1); got != tt.want {
			t.Errorf("after %s: %d, want %d", tt.after, got, tt.want)
		}
	}
}
