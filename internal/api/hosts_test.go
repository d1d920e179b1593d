package api

import (
	"encoding/json"
	"testing"

	"dossier/internal/intel"
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
		"/shared.example.com":     {"malicious", 80, 1},
		"/nobody.example.com":     {"suspicious", 60, 1},
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

	o := observable.Observable{Kind: observable.Domain, Value: "x.example.com"}
	for _, tt := range []struct {
		evidence []store.Evidence
		class    string
		score    int
	}{
		{[]store.Evidence{{Confidence: 30}}, "neutral", 30},
		{[]store.Evidence{{Confidence: 30}, {Confidence: 90, Revoked: true}}, "neutral", 30},
		{[]store.Evidence{{ValidUntil: 999}}, "neutral", 40},
		{[]store.Evidence{{ValidUntil: 999}, {ValidUntil: 1001}}, "suspicious", 60},
		{[]store.Evidence{{Confidence: 10, ValidUntil: 999}}, "unknown", 10},
	} {
		if got := reputationOf(o, &store.Known{Evidence: tt.evidence}, nil, intel.Time(1000)); got.Classification != tt.class || got.Score != tt.score {
			t.Errorf("%+v: %s %d, want %s %d", tt.evidence, got.Classification, got.Score, tt.class, tt.score)
		}
	}
}
