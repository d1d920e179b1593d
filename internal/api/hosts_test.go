package api

import (
	"encoding/json"
	"testing"

	"dossier/internal/guard"
	"dossier/internal/intel"
	"dossier/internal/lifecycle"
	"dossier/internal/observable"
	"dossier/internal/store"
)

func TestHosts(t *testing.T) {
	s := fixtureServer(fixtureStore(t, 0))
	hosts := ti + "/hosts"
	for _, tt := range []struct{ path, want string }{
		{"/shared.example.com", `{"@odata.context":"https://intel.example.org/v1.0/$metadata#security/threatIntelligence/hosts/$entity","@odata.type":"#microsoft.graph.security.hostname","id":"shared.example.com","firstSeenDateTime":"2022-05-02T23:09:20Z","lastSeenDateTime":null,"registrant":null,"registrar":null}`},
		{"('20.103.85.33')?$select=id,netblock", `{"@odata.context":"https://intel.example.org/v1.0/$metadata#security/threatIntelligence/hosts(id,netblock)/$entity","@odata.type":"#microsoft.graph.security.ipAddress","id":"20.103.85.33","netblock":null}`},
		{"/unheard.example.net?$select=id,firstSeenDateTime", `{"@odata.context":"https://intel.example.org/v1.0/$metadata#security/threatIntelligence/hosts(id,firstSeenDateTime)/$entity","@odata.type":"#microsoft.graph.security.hostname","id":"unheard.example.net","firstSeenDateTime":null}`},
		{"/10.0.0.1?$select=id", `{"@odata.context":"https://intel.example.org/v1.0/$metadata#security/threatIntelligence/hosts(id)/$entity","@odata.type":"#microsoft.graph.security.ipAddress","id":"10.0.0.1"}`},
		{"/x.example.com/passivedns?$top=1000&$count=true", `{"@odata.context":"https://intel.example.org/v1.0/$metadata#security/threatIntelligence/hosts('x.example.com')/passiveDns","@odata.count":0,"value":[]}`},
		{"('x.example.com')/WHOIS/history?$orderby=x", `{"@odata.context":"https://intel.example.org/v1.0/$metadata#security/threatIntelligence/hosts('x.example.com')/whois/history","value":[]}`},
		{"/x.example.com/ports/$count", "0"},
	} {
		if w := ask(s, "GET", hosts+tt.path); w.Code != 200 || w.Body.String() != tt.want {
			t.Errorf("%s: %d\n%s\nwant\n%s", tt.path, w.Code, w.Body, tt.want)
		}
	}
	for path, code := range map[string]int{
		"/not%20a%20host": 404, "/-": 404, "/fe80::1%25eth0": 404, "/a..b": 404, "/x.example.com/ports/1": 404, "": 501,
		"/x.example.com/nope": 400, "/x.example.com?$select=netblock": 400, "/x.example.com/ports?$top=0": 400, "/x.example.com/whois": 200,
	} {
		if w := ask(s, "GET", hosts+path); w.Code != code {
			t.Errorf("%s: %d, want %d: %s", path, w.Code, code, w.Body)
		}
	}
	w := ask(s, "GET", hosts+"/SHARED.Example.com./reputation")
	if got := w.Header().Get("Content-Location"); got != "https://intel.example.org"+hosts+"/shared.example.com/reputation" {
		t.Errorf("Content-Location %q", got)
	}
	w = ask(s, "GET", hosts+"/2001:67C:0::1?$select=id")
	if read(t, w).ID != "2001:67c::1" {
		t.Errorf("an address in another form: %s", w.Body)
	}
}

func TestReputation(t *testing.T) {
	s := fixtureServer(fixtureStore(t, 0))
	for path, want := range map[string]struct {
		class string
		score int
		rules int
	}{
		"/shared.example.com":     {"suspicious", 55, 2}, // of an actor, in 2022
		"/nobody.example.com":     {"neutral", 25, 2},
		"/withdrawn.example.com":  {"unknown", 0, 0},
		"/restricted.example.com": {"unknown", 0, 0}, // not for this reader
		"/unheard.example.net":    {"unknown", 0, 0},
		"/192.168.0.1":            {"unknown", 0, 0},
	} {
		var got reputation
		w := ask(s, "GET", ti+"/hosts"+path+"/reputation")
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		if got.Classification != want.class || got.Score != want.score || len(got.Rules) != want.rules || got.Rules == nil || len(got.ID) != 36 {
			t.Errorf("%s: %s", path, w.Body)
		}
	}

	const now = 1000 * lifecycle.Day
	o := observable.Observable{Kind: observable.Domain, Value: "x.example.com"}
	actor := []store.ProfileTitle{{ID: "p", Kind: intel.Actor, Title: "P"}}
	say := func(publisher string, revoked bool) store.Evidence {
		return store.Evidence{Publisher: publisher, Revoked: revoked}
	}
	known := func(base int, until intel.Time, profiles []store.ProfileTitle, evidence ...store.Evidence) *store.Known {
		life := lifecycle.Life{Base: base, From: now - 10*lifecycle.Day, Until: until}
		return &store.Known{
			Indicator: &store.Indicator{Observable: o, Life: life, Confidence: life.At(o.Kind, now)},
			Evidence:  evidence, Profiles: profiles, AsOf: now,
		}
	}
	fresh, past := now+1000*lifecycle.Day, now-lifecycle.Day
	exclude := guard.Listing{List: "popular", Policy: guard.Exclude}
	for _, tt := range []struct {
		name  string
		about subject
		class string
		score int
		rules int
	}{
		{"nothing known", subject{known: &store.Known{}}, "unknown", 0, 0},
		{"one source", subject{known: known(60, fresh, nil, say("a", false))}, "suspicious", 60, 2},
		{"of an actor", subject{known: known(60, fresh, actor, say("a", false))}, "malicious", 80, 2},
		{"two sources", subject{known: known(90, fresh, nil, say("a", false), say("b", false))}, "malicious", 90, 4},
		{"weak", subject{known: known(20, 0, nil, say("a", false))}, "neutral", 25, 2},
		{"past", subject{known: known(90, past, nil, say("a", false))}, "neutral", 25, 2},
		{"past of an actor", subject{known: known(90, past, actor, say("a", false))}, "suspicious", 55, 2},
		{"withdrawn", subject{known: known(0, 0, actor, say("a", true))}, "unknown", 0, 0},
		{"guarded", subject{known: known(95, fresh, actor, say("a", false)), guard: exclude}, "neutral", 0, 3},
		{"benign and unknown", subject{known: &store.Known{}, guard: exclude}, "neutral", 0, 1},
		{"only marked", subject{known: known(60, fresh, nil, say("a", false)), guard: guard.Listing{List: "vpn", Policy: guard.Annotate}}, "suspicious", 60, 2},
		{"under a known name", subject{known: &store.Known{}, above: known(90, fresh, actor, say("a", false))}, "malicious", 80, 3},
	} {
		got := reputationOf(o, tt.about, nil)
		if got.Classification != tt.class || got.Score < tt.score-1 || got.Score > tt.score || len(got.Rules) != tt.rules {
			t.Errorf("%s: %s %d with %d rules, want %s %d with %d", tt.name, got.Classification, got.Score, len(got.Rules), tt.class, tt.score, tt.rules)
		}
	}
}
