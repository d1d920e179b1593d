package api

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"dossier/internal/auth"
	"dossier/internal/ingest"
	"dossier/internal/intel"
	"dossier/internal/store"
	"dossier/internal/testdb"
)

// A desk is a server with a client that may write.
type desk struct {
	t     *testing.T
	s     *Server
	st    *store.Store
	token string
}

// newDesk imports the made-up bundle, so that profiles have records behind them.
func newDesk(t *testing.T) *desk {
	dir := t.TempDir()
	st, _, err := store.Open(t.Context(), testdb.Path(t), store.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	files := writeFiles(t, dir, map[string]string{"bundle.json": string(madeUpBundle())})
	if _, err := (&ingest.Importer{Store: st}).Import(t.Context(), files, ingest.Options{Publisher: "team"}); err != nil {
		t.Fatal(err)
	}
	sealer, err := auth.SealerFromFile(filepath.Join(dir, "key"))
	if err != nil {
		t.Fatal(err)
	}
	s := New(Config{Store: st, Guard: &auth.Guard{Mode: auth.Auto, Ceiling: intel.Clear, Issuer: &auth.Issuer{Store: st, Sealer: sealer}}, PublicURL: "http://dossier"})
	return &desk{t, s, st, newToken(t, s, st, "editor", intel.Amber, auth.ReadWrite)}
}

// do sends a request as the client, with further headers.
func (d *desk) do(method, path, body string, header ...string) *httptest.ResponseRecorder {
	if strings.HasPrefix(path, "~") {
		path = ti + path[1:]
	}
	return send(d.s, method, path, body, append([]string{"Authorization", d.token, "Content-Type", "application/json"}, header...)...)
}

// get reads an entity.
func (d *desk) get(path string) map[string]any {
	d.t.Helper()
	w := d.do("GET", path, "")
	var out map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil || w.Code != 200 {
		d.t.Fatalf("%s: %d %s", path, w.Code, w.Body)
	}
	return out
}

// named returns the id of the profile with the title.
func (d *desk) named(title string) string {
	d.t.Helper()
	list := d.get("~/intelProfiles?$filter=title%20eq%20'" + strings.ReplaceAll(title, " ", "%20") + "'")["value"].([]any)
	if len(list) != 1 {
		d.t.Fatalf("%d profiles with the title %s", len(list), title)
	}
	return list[0].(map[string]any)["id"].(string)
}

const (
	wholeProfile = `{"kind":"actor","title":"Iron Stork","firstActiveDateTime":"2024-05-06T07:08:09Z",
		"summary":{"content":"A stork.","format":"text"},"description":{"content":"## Snapshot"}}`
	storkIndicator = `{"source":"osint","firstSeenDateTime":"2024-05-06T07:08:09Z","artifact":{"@odata.type":"#microsoft.graph.security.hostname","id":"stork.contoso.com"}}`
)

func TestMakeProfile(t *testing.T) {
	d := newDesk(t)
	w := d.do("POST", "~/intelProfiles", `{"@odata.type":"#microsoft.graph.security.intelligenceProfile","kind":"tool","title":" Iron Stork ","firstActiveDateTime":"2024-05-06T07:08:09.5Z",
		"aliases":["STORK-7","Störkchen"],"targets":["Government"],"countriesOrRegionsOfOrigin":[{"label":"Germany","code":"DE"}],
		"summary":{"content":"<A stork> & more.","format":"text"},"description":{"content":"## Snapshot"},"tradecraft":null}`)
	var p struct{ ID, Title, Kind string }
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != 201 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	want := `{"@odata.context":"http://dossier/v1.0/$metadata#security/threatIntelligence/intelProfiles/$entity","@odata.type":"#microsoft.graph.security.intelligenceProfile",` +
		`"id":"` + p.ID + `","kind":"tool","title":" Iron Stork ","firstActiveDateTime":"2024-05-06T07:08:09.500Z","aliases":["STORK-7","Störkchen"],"targets":["Government"],` +
		`"countriesOrRegionsOfOrigin":[{"@odata.type":"microsoft.graph.security.intelligenceProfileCountryOrRegionOfOrigin","label":"Germany","code":"DE"}],` +
		`"summary":{"@odata.type":"microsoft.graph.security.formattedContent","content":"<A stork> & more.","format":"text"},` +
		`"description":{"@odata.type":"microsoft.graph.security.formattedContent","content":"## Snapshot","format":"markdown"},"tradecraft":null}`
	if w.Body.String() != want {
		t.Errorf("%s\nwant\n%s", w.Body, want)
	}
	home := ti + "/intelProfiles/" + p.ID
	if w.Header().Get("Location") != "http://dossier"+home || w.Header().Get("ETag") == "" {
		t.Errorf("%v", w.Header())
	}
	if got := d.do("GET", home, ""); got.Body.String() != want || got.Header().Get("ETag") != w.Header().Get("ETag") {
		t.Errorf("read again: %s", got.Body)
	}
	for _, query := range []string{"$filter=aliases/any(a:a%20eq%20'stork-7')", "$search=%22st%C3%B6rkchen%22", "$filter=countriesOrRegionsOfOrigin/any(c:c/code%20eq%20'DE')%20and%20kind%20eq%20'tool'"} {
		list := d.get("~/intelProfiles?$top=1000&" + query)["value"].([]any)
		found := false
		for _, x := range list {
			found = found || x.(map[string]any)["id"] == p.ID
		}
		if !found {
			t.Errorf("%s does not find it", query)
		}
	}
	// Everybody sees it, names included, and it survives that everything is computed again.
	if w := send(d.s, "GET", "/api/names?name=stork%207", ""); !strings.Contains(w.Body.String(), p.ID) {
		t.Errorf("its alias is not found: %s", w.Body)
	}
	if _, err := ingest.Derive(t.Context(), d.st, nil); err != nil {
		t.Fatal(err)
	}
	if got := d.do("GET", home, ""); got.Body.String() != want {
		t.Errorf("computed again: %s", got.Body)
	}
	given := strings.Repeat("0a", 32)
	w = d.do("POST", "~/intelProfiles", `{"id":"`+given+`",`+wholeProfile[1:], "Prefer", "return=minimal")
	if w.Code != 204 || w.Body.Len() > 0 || !strings.HasSuffix(w.Header().Get("Location"), given) || w.Header().Get("Preference-Applied") != "return=minimal" {
		t.Errorf("minimal: %d %v %s", w.Code, w.Header(), w.Body)
	}
	if w = d.do("POST", "~/intelProfiles", `{"id":"`+given+`",`+wholeProfile[1:]); w.Code != 409 || !strings.Contains(w.Body.String(), codeExists) {
		t.Errorf("an id that exists: %d %s", w.Code, w.Body)
	}
}

func TestChangeProfile(t *testing.T) {
	d := newDesk(t)
	id := d.named("Heron 3")
	home := "~/intelProfiles/" + id
	before := d.do("GET", home, "")
	patch := func(body string, header ...string) *httptest.ResponseRecorder {
		return d.do("PATCH", home, body, header...)
	}

	w := patch(`{"title":"Renamed","summary":{"content":"Own words."},"aliases":["One","Two"],"tradecraft":{"content":"x"},"indicators":[],"@odata.etag":"ignored"}`, "If-Match", before.Header().Get("ETag"))
	p := d.get(home)
	if w.Code != 200 || p["title"] != "Renamed" || fmt.Sprint(p["aliases"]) != "[One Two]" {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	summary := p["summary"].(map[string]any)
	if summary["content"] != "Own words." || summary["format"] != "text" {
		t.Errorf("parts are merged: %v", summary)
	}
	if w := patch(`{"title":"x"}`, "If-Match", before.Header().Get("ETag")); w.Code != 412 || !strings.Contains(w.Body.String(), codeChanged) {
		t.Errorf("an old tag: %d %s", w.Code, w.Body)
	}
	for _, tag := range []string{"*", `"other", `} {
		if tag != "*" {
			tag += strings.TrimPrefix(d.do("GET", home, "").Header().Get("ETag"), "W/")
		}
		if w := patch(`{"kind":"tool"}`, "If-Match", tag); w.Code != 200 {
			t.Errorf("If-Match: %s: %d %s", tag, w.Code, w.Body)
		}
	}
	patch(`{"tradecraft":null}`)
	if p := d.get(home); p["tradecraft"] != nil || p["kind"] != "tool" {
		t.Errorf("%v", p)
	}
	changed := d.do("GET", home, "").Body.String()
	// A later import does not touch it, and neither does computing everything again.
	dir := t.TempDir()
	newer := strings.ReplaceAll(string(madeUpBundle()), `"name":"Heron 3"`, `"name":"Heron 3a"`)
	newer = strings.ReplaceAll(newer, "2021-01-0", "2022-01-0")
	files := writeFiles(t, dir, map[string]string{"bundle.json": newer})
	if _, err := (&ingest.Importer{Store: d.st}).Import(t.Context(), files, ingest.Options{Publisher: "team"}); err != nil {
		t.Fatal(err)
	}
	if got := d.do("GET", home, "").Body.String(); !strings.Contains(got, `"title":"Renamed"`) || !strings.Contains(got, "Own words.") {
		t.Errorf("after an import:\n%s\nwant\n%s", got, changed)
	}
	// Every claim is shown with who made it, and can be taken back.
	claims := d.get("/api/claims?target=" + id)["claims"].([]any)
	if len(claims) != 7 {
		t.Fatalf("%d claims: %v", len(claims), claims)
	}
	for _, c := range claims {
		c := c.(map[string]any)
		if c["name"] != "editor" || c["client"] == "" || c["made"] == nil {
			t.Errorf("%v", c)
		}
		if w := d.do("DELETE", "/api/claims/"+c["id"].(string), ""); w.Code != 204 {
			t.Errorf("withdrawing %v: %d %s", c, w.Code, w.Body)
		}
	}
	got := d.get(home)
	if got["title"] != "Heron 3a" || got["kind"] != "actor" || strings.Contains(fmt.Sprint(got["summary"]), "Own words") {
		t.Errorf("after withdrawing: %v", got)
	}
	if w := d.do("GET", "/api/claims/"+claims[0].(map[string]any)["id"].(string), ""); w.Code != 200 || !strings.Contains(w.Body.String(), `"withdrawn":"`) {
		t.Errorf("a withdrawn claim: %d %s", w.Code, w.Body)
	}
}

func TestDeleteProfile(t *testing.T) {
	d := newDesk(t)
	id := d.named("Heron 5")
	home := "~/intelProfiles/" + id
	w := d.do("POST", home+"/indicators", storkIndicator)
	if w.Code != 201 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	iid := w.Header().Get("Location")
	iid = iid[strings.LastIndex(iid, "/")+1:]
	before := d.do("GET", home, "").Body.String()
	if w := d.do("DELETE", home, "", "If-Match", `"no"`); w.Code != 412 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := d.do("DELETE", home, ""); w.Code != 204 || w.Body.Len() > 0 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	gone := func(when string) {
		t.Helper()
		for method, path := range map[string]string{"GET": home, "DELETE": home, "PATCH": home} {
			if w := d.do(method, path, `{"title":"x"}`); w.Code != 404 {
				t.Errorf("%s: %s: %d %s", when, method, w.Code, w.Body)
			}
		}
		if w := d.do("GET", "~/intelligenceProfileIndicators/"+iid, ""); w.Code != 200 {
			t.Errorf("%s: its indicator: %d", when, w.Code)
		}
		if w := send(d.s, "GET", "/api/lookup?value=stork.contoso.com", ""); strings.Contains(w.Body.String(), id) {
			t.Errorf("%s: the indicator leads to it: %s", when, w.Body)
		}
	}
	gone("deleted")
	if _, err := ingest.Derive(t.Context(), d.st, nil); err != nil {
		t.Fatal(err)
	}
	gone("computed again")
	// It is made again with its id, or the claim is withdrawn.
	if w := d.do("POST", "~/intelProfiles", `{"id":"`+id+`",`+wholeProfile[1:]); w.Code != 201 || !strings.Contains(w.Body.String(), "Iron Stork") {
		t.Fatalf("revived: %d %s", w.Code, w.Body)
	}
	for _, c := range d.get("/api/claims?target=" + id)["claims"].([]any) {
		d.do("DELETE", "/api/claims/"+c.(map[string]any)["id"].(string), "")
	}
	if got := d.do("GET", home, "").Body.String(); got != before {
		t.Errorf("all withdrawn:\n%s\nwant\n%s", got, before)
	}
}

func TestWriteIndicators(t *testing.T) {
	d := newDesk(t)
	a, b := d.named("Heron 1"), d.named("Heron 2")
	w := d.do("POST", "~/intelligenceProfileIndicators", storkIndicator)
	var i struct{ ID string }
	if err := json.Unmarshal(w.Body.Bytes(), &i); err != nil || w.Code != 201 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	home := "~/intelligenceProfileIndicators/" + i.ID
	for _, again := range []string{storkIndicator, `{"id":"` + i.ID + `",` + storkIndicator[1:], strings.Replace(storkIndicator, "stork.contoso.com", "STORK[.]contoso[.]com.", 1)} {
		if w := d.do("POST", "~/intelligenceProfileIndicators", again); w.Code != 200 || !strings.Contains(w.Body.String(), i.ID) {
			t.Errorf("a known value: %d %s", w.Code, w.Body)
		}
	}
	count := func(profile string) string {
		return strings.TrimSpace(d.do("GET", "~/intelProfiles/"+profile+"/indicators/$count", "").Body.String())
	}
	had := count(a)
	ref := `{"@odata.id":"http://dossier/v1.0/security/threatIntelligence/intelligenceProfileIndicators/` + i.ID + `"}`
	for range 2 {
		if w := d.do("POST", "~/intelProfiles/"+a+"/indicators/$ref", ref); w.Code != 204 {
			t.Fatalf("linking: %d %s", w.Code, w.Body)
		}
	}
	d.do("POST", "~/intelProfiles/"+b+"/indicators/$ref", `{"@odata.id":"intelProfileIndicators('`+i.ID+`')"}`)
	for _, p := range []string{a, b} {
		if w := d.do("GET", "~/intelProfiles/"+p+"/indicators/"+i.ID, ""); w.Code != 200 {
			t.Errorf("a linked indicator: %d %s", w.Code, w.Body)
		}
	}
	if w := d.do("DELETE", "~/intelProfiles/"+a+"/indicators/"+i.ID+"/$ref", ""); w.Code != 204 || count(a) != had {
		t.Errorf("unlinking: %d %s; %s indicators, want %s", w.Code, w.Body, count(a), had)
	}
	if w := d.do("DELETE", "~/intelProfiles/"+a+"/indicators/"+i.ID+"/$ref", ""); w.Code != 404 {
		t.Errorf("unlinking again: %d %s", w.Code, w.Body)
	}
	if w := d.do("GET", "~/intelProfiles/"+b+"/indicators/"+i.ID, ""); w.Code != 200 {
		t.Errorf("the other link: %d", w.Code)
	}
	tag := d.do("GET", home, "").Header().Get("ETag")
	w = d.do("PATCH", home, `{"source":"public","firstSeenDateTime":"2020-01-01T00:00:00Z","lastSeenDateTime":"2021-01-01T00:00:00Z","artifact":{"@odata.type":"#microsoft.graph.security.hostname","id":"stork.contoso.com"}}`, "If-Match", tag)
	if w.Code != 200 || !strings.Contains(w.Body.String(), `"source":"public","firstSeenDateTime":"2020-01-01T00:00:00.000Z","lastSeenDateTime":"2021-01-01T00:00:00.000Z"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := d.do("PATCH", home, `{"lastSeenDateTime":null}`, "Prefer", "return=minimal"); w.Code != 204 || d.get(home)["lastSeenDateTime"] != nil {
		t.Errorf("%d %v", w.Code, d.get(home))
	}
	if w := d.do("PATCH", home, `{"source":"osint"}`, "If-Match", tag); w.Code != 412 {
		t.Errorf("an old tag: %d", w.Code)
	}
	if w := d.do("DELETE", home, ""); w.Code != 204 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	for _, path := range []string{home, "~/intelProfiles/" + b + "/indicators/" + i.ID} {
		if w := d.do("GET", path, ""); w.Code != 404 {
			t.Errorf("a deleted indicator at %s: %d", path, w.Code)
		}
	}
	if w := d.do("DELETE", home, ""); w.Code != 404 {
		t.Errorf("deleted twice: %d", w.Code)
	}
	if w := d.do("POST", "~/intelligenceProfileIndicators", storkIndicator); w.Code != 201 {
		t.Errorf("revived: %d %s", w.Code, w.Body)
	}
}

// TestWriteWhatSourcesRevoked: what no list shows cannot be changed; who states it
// anew brings it back.
func TestWriteWhatSourcesRevoked(t *testing.T) {
	d := newDesk(t)
	o := parsed(t, "domain", "revoked.contoso.com")
	write(t, d.st, []*intel.Observation{{
		Publisher: "team", Observable: o, Revoked: true, Source: intel.SourceOSINT, FirstSeen: intel.Date{At: 2000, Basis: intel.BasisStated}, LastSeen: 1000,
	}}, nil)
	if _, err := ingest.Derive(t.Context(), d.st, nil); err != nil {
		t.Fatal(err)
	}
	home := "~/intelligenceProfileIndicators/" + o.ID()
	for _, method := range []string{"GET", "PATCH", "DELETE"} {
		if w := d.do(method, home, `{"source":"public"}`); w.Code != 404 {
			t.Errorf("%s: %d %s", method, w.Code, w.Body)
		}
	}
	if claims := d.get("/api/claims")["claims"].([]any); len(claims) != 0 {
		t.Errorf("written all the same: %v", claims)
	}
	if w := d.do("POST", "~/intelligenceProfileIndicators", strings.Replace(storkIndicator, "stork", "revoked", 1)); w.Code != 200 {
		t.Errorf("stated anew: %d %s", w.Code, w.Body)
	}
	// The sources' times are in the wrong order; who leaves them alone is not blamed.
	if w := d.do("PATCH", home, `{"source":"public"}`); w.Code != 200 || !strings.Contains(w.Body.String(), `"source":"public"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestWritesRefused(t *testing.T) {
	d := newDesk(t)
	home := "~/intelProfiles/" + d.named("Heron 1")
	indicators := "~/intelligenceProfileIndicators"
	without := func(name string) string {
		var m map[string]any
		_ = json.Unmarshal([]byte(wholeProfile), &m)
		delete(m, name)
		return mustJSON(m)
	}
	iid := func() string {
		w := d.do("POST", indicators, storkIndicator)
		return strings.TrimPrefix(w.Header().Get("Location"), "http://dossier"+ti+"/intelligenceProfileIndicators/")
	}()
	artifact := func(a string) string {
		return `{"source":"osint","firstSeenDateTime":"2024-05-06T07:08:09Z","artifact":` + a + `}`
	}
	for _, tt := range []struct {
		method, path, body string
		status             int
		target, message    string
	}{
		{"POST", "~/intelProfiles", `{`, 400, "", "ends before the JSON object does"},
		{"POST", "~/intelProfiles", `[]`, 400, "", "expected a JSON object"},
		{"POST", "~/intelProfiles", `{"a":1}{`, 400, "", ""},
		{"POST", "~/intelProfiles", `{"title":"a","title":"b"}`, 400, "", "'title' comes twice"},
		{"POST", "~/intelProfiles", "{\"title\":\"\xff\"}", 400, "", "not UTF-8"},
		{"POST", "~/intelProfiles", without("kind"), 400, "kind", "is needed"},
		{"POST", "~/intelProfiles", without("title"), 400, "title", "is needed"},
		{"POST", "~/intelProfiles", without("firstActiveDateTime"), 400, "firstActiveDateTime", "is needed"},
		{"POST", "~/intelProfiles", without("summary"), 400, "summary", "is needed"},
		{"POST", "~/intelProfiles", without("description"), 400, "description", "is needed"},
		{"POST", "~/intelProfiles", `{"id":"x",` + wholeProfile[1:], 400, "id", "64 lower-case hexadecimal digits"},
		{"POST", "~/intelProfiles", `{"id":"` + strings.Repeat("0A", 32) + `",` + wholeProfile[1:], 400, "id", ""},
		{"POST", "~/intelProfiles", `{"indicators":[],` + wholeProfile[1:], 400, "indicators", ""},
		{"POST", "~/intelProfiles", `{"@odata.type":"#microsoft.graph.security.article",` + wholeProfile[1:], 400, "", "Invalid @odata.type"},
		{"PATCH", home, `{"colour":"red"}`, 400, "colour", "does not exist on type"},
		{"PATCH", home, `{"Title":"x"}`, 400, "Title", "does not exist on type"},
		{"PATCH", home, `{"title":null}`, 400, "title", "cannot be null"},
		{"PATCH", home, `{"title":5}`, 400, "title", "expected a string, found a number"},
		{"PATCH", home, `{"title":"  "}`, 400, "title", "one line"},
		{"PATCH", home, `{"title":"a\nb"}`, 400, "title", "one line"},
		{"PATCH", home, `{"title":"a\u0000b"}`, 400, "title", "NUL"},
		{"PATCH", home, `{"title":"` + strings.Repeat("a", maxTitle+1) + `"}`, 400, "title", ""},
		{"PATCH", home, `{"kind":"backdoor"}`, 400, "kind", "is not a member of"},
		{"PATCH", home, `{"kind":"unknownFutureValue"}`, 400, "kind", "is not a member of"},
		{"PATCH", home, `{"kind":"Actor"}`, 400, "kind", "is not a member of"},
		{"PATCH", home, `{"firstActiveDateTime":"yesterday"}`, 400, "firstActiveDateTime", "a date and time"},
		{"PATCH", home, `{"firstActiveDateTime":"2024-05-06"}`, 400, "firstActiveDateTime", "a date and time"},
		{"PATCH", home, `{"firstActiveDateTime":"1970-01-01T00:00:00Z"}`, 400, "firstActiveDateTime", "unknown time"},
		{"PATCH", home, `{"aliases":null}`, 400, "aliases", "cannot be null"},
		{"PATCH", home, `{"aliases":"x"}`, 400, "aliases", "expected an array"},
		{"PATCH", home, `{"aliases":["a",null]}`, 400, "aliases/1", "cannot be null"},
		{"PATCH", home, `{"aliases":["a",{}]}`, 400, "aliases/1", "expected a string, found an object"},
		{"PATCH", home, `{"summary":null}`, 400, "summary", "cannot be null"},
		{"PATCH", home, `{"summary":{"content":null}}`, 400, "summary/content", "cannot be empty"},
		{"PATCH", home, `{"summary":{"text":"x"}}`, 400, "summary/text", "does not exist"},
		{"PATCH", home, `{"summary":{"format":"pdf"}}`, 400, "summary/format", "is not a member of"},
		{"PATCH", home, `{"countriesOrRegionsOfOrigin":[{"label":"Germany"}]}`, 400, "countriesOrRegionsOfOrigin", "label and code"},
		{"PATCH", home, `{"id":"` + strings.Repeat("0a", 32) + `"}`, 400, "id", "cannot be changed"},
		{"PATCH", "~/intelProfiles/nope", `{"title":"x"}`, 404, "", ""},
		{"PUT", home, `{}`, 405, "", ""},
		{"PATCH", home + "/indicators/" + iid, `{}`, 405, "", ""},
		{"POST", indicators, `{"source":"osint","firstSeenDateTime":"2024-05-06T07:08:09Z"}`, 400, "artifact", "is needed"},
		{"POST", indicators, artifact(`"contoso.com"`), 400, "artifact", "expected an object"},
		{"POST", indicators, artifact(`{"id":"contoso.com"}`), 400, "artifact/@odata.type", "is needed"},
		{"POST", indicators, artifact(`{"@odata.type":"#microsoft.graph.security.Hostname","id":"contoso.com"}`), 400, "artifact/@odata.type", ""},
		{"POST", indicators, artifact(`{"@odata.type":"#microsoft.graph.security.sslCertificate","id":"x"}`), 400, "artifact/@odata.type", ""},
		{"POST", indicators, artifact(`{"@odata.type":"microsoft.graph.security.hostname"}`), 400, "artifact/id", "is needed"},
		{"POST", indicators, artifact(`{"@odata.type":"microsoft.graph.security.hostname","id":"not a name"}`), 400, "artifact/id", ""},
		{"POST", indicators, artifact(`{"@odata.type":"microsoft.graph.security.ipAddress","id":"1.2.3.999"}`), 400, "artifact/id", ""},
		{"POST", indicators, artifact(`{"@odata.type":"microsoft.graph.security.unclassifiedArtifact","kind":"md6","value":"x"}`), 400, "artifact/kind", "md6"},
		{"POST", indicators, artifact(`{"@odata.type":"microsoft.graph.security.unclassifiedArtifact","kind":"domain","value":"contoso.com"}`), 400, "artifact/kind", "hostname"},
		{"POST", indicators, artifact(`{"@odata.type":"microsoft.graph.security.unclassifiedArtifact","kind":"md5","value":"xyz"}`), 400, "artifact/value", ""},
		{"POST", indicators, `{"id":"00000000-0000-4000-8000-000000000000",` + storkIndicator[1:], 400, "id", iid},
		{"POST", indicators, `{"lastSeenDateTime":"2001-01-01T00:00:00Z",` + storkIndicator[1:], 400, "lastSeenDateTime", "before"},
		{"POST", indicators, strings.Replace(storkIndicator, "osint", "secret", 1), 400, "source", "is not a member of"},
		{"PATCH", indicators + "/" + iid, `{"artifact":{"@odata.type":"#microsoft.graph.security.hostname","id":"other.contoso.com"}}`, 400, "artifact", "cannot be changed"},
		{"PATCH", indicators + "/" + iid, `{"firstSeenDateTime":null}`, 400, "firstSeenDateTime", "cannot be null"},
		{"PATCH", indicators + "/" + iid, `{"lastSeenDateTime":"2001-01-01T00:00:00Z"}`, 400, "lastSeenDateTime", "before"},
		{"POST", "~/intelProfiles/nope/indicators", storkIndicator, 404, "", ""},
		{"POST", home + "/indicators/$ref", `{}`, 400, "@odata.id", "is needed"},
		{"POST", home + "/indicators/$ref", `{"@odata.id":"http://dossier/v1.0/users/1"}`, 400, "@odata.id", "the URL of an indicator"},
		{"POST", home + "/indicators/$ref", `{"@odata.id":"intelligenceProfileIndicators/00000000-0000-4000-8000-000000000000"}`, 404, "", ""},
		{"DELETE", indicators + "/00000000-0000-4000-8000-000000000000", "", 404, "", ""},
		{"DELETE", "/api/claims/nope", "", 404, "", ""},
		{"POST", "~/intelProfiles", strings.Repeat(" ", maxEntityBody+1), 413, "", ""},
	} {
		w := d.do(tt.method, tt.path, tt.body)
		var e envelope
		if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || w.Code != tt.status || !strings.Contains(e.Error.Message, tt.message) || e.Error.Target != tt.target {
			t.Errorf("%s %s %.120s:\n%d %s\nwant %d, target %q, message %q", tt.method, tt.path, tt.body, w.Code, w.Body, tt.status, tt.target, tt.message)
		}
	}
	if w := send(d.s, "PATCH", ti+home[1:], `{"title":"x"}`, "Content-Type", "application/json"); w.Code != 403 {
		t.Errorf("without a token: %d %s", w.Code, w.Body)
	}
	if w := d.do("PATCH", home, "title=x", "Content-Type", "text/plain"); w.Code != 415 {
		t.Errorf("no JSON: %d %s", w.Code, w.Body)
	}
	if w := d.do("PATCH", home, `{"title":"x"}`, "Prefer", "dossier.tlp=red"); w.Code != 400 {
		t.Errorf("a marking above one's own: %d %s", w.Code, w.Body)
	}
}

func mustJSON(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}

// TestWrittenUnderMarking: what is written under a marking is seen from there
// upward, and leaves no trace below.
func TestWrittenUnderMarking(t *testing.T) {
	d := newDesk(t)
	home := "~/intelProfiles/" + d.named("Heron 7")
	open := func() string { return send(d.s, "GET", ti+home[1:], "").Body.String() }
	before := open()
	if w := d.do("PATCH", home, `{"title":"Secret Heron"}`, "Prefer", "dossier.tlp=amber, return=representation"); w.Code != 200 || !strings.Contains(w.Body.String(), "Secret Heron") {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	w := d.do("POST", home+"/indicators", storkIndicator, "Prefer", "dossier.tlp=amber")
	if w.Code != 201 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	made := d.do("POST", "~/intelProfiles", wholeProfile, "Prefer", "dossier.tlp=green")
	if made.Code != 201 {
		t.Fatalf("%d %s", made.Code, made.Body)
	}
	for _, when := range []string{"written", "computed again"} {
		if got := open(); got != before {
			t.Errorf("%s: an open reader sees\n%s\nwant\n%s", when, got, before)
		}
		for _, path := range []string{"/api/lookup?value=stork.contoso.com", ti + "/intelProfiles?$search=stork", ti + "/intelProfiles?$search=secret", "/api/claims", "/api/sources"} {
			if w := send(d.s, "GET", path, ""); strings.Contains(w.Body.String(), "Stork") || strings.Contains(w.Body.String(), "Secret") || strings.Contains(w.Body.String(), "analyst") {
				t.Errorf("%s: an open reader sees %s: %s", when, path, w.Body)
			}
		}
		if got := d.do("GET", home, "").Body.String(); !strings.Contains(got, "Secret Heron") {
			t.Errorf("%s: the writer sees %s", when, got)
		}
		if _, err := ingest.Derive(t.Context(), d.st, nil); err != nil {
			t.Fatal(err)
		}
	}
}

// TestWritesAreDerived: after any writes, computing everything again changes
// nothing of what is served.
func TestWritesAreDerived(t *testing.T) {
	d := newDesk(t)
	rng := rand.New(rand.NewPCG(3, 4))
	var ids, iids []string
	for n := range 12 {
		ids = append(ids, d.named(fmt.Sprint("Heron ", n)))
	}
	for n := range 8 {
		w := d.do("POST", "~/intelligenceProfileIndicators", strings.Replace(storkIndicator, "stork", fmt.Sprint("s", n), 1))
		var i struct{ ID string }
		_ = json.Unmarshal(w.Body.Bytes(), &i)
		iids = append(iids, i.ID)
	}
	pick := func(list []string) string { return list[rng.IntN(len(list))] }
	count := map[int]int{}
	for n := range 250 {
		home, indicator := "~/intelProfiles/"+pick(ids), "~/intelligenceProfileIndicators/"+pick(iids)
		iid := indicator[strings.LastIndex(indicator, "/")+1:]
		tlp := "dossier.tlp=" + pick([]string{"clear", "clear", "green", "amber"})
		var w *httptest.ResponseRecorder
		switch rng.IntN(10) {
		case 0, 1, 2:
			w = d.do("PATCH", home, pick([]string{
				fmt.Sprintf(`{"title":"T%d"}`, n), fmt.Sprintf(`{"aliases":["A%d"]}`, n), `{"tradecraft":null}`, `{"tradecraft":{"content":"x"}}`,
				`{"kind":"tool"}`, `{"summary":{"content":"y"}}`, `{"targets":[]}`, `{"firstActiveDateTime":"2011-01-01T00:00:00Z"}`,
			}), "Prefer", tlp)
		case 3:
			w = d.do("DELETE", home, "")
		case 4:
			w = d.do("POST", "~/intelProfiles", `{"id":"`+pick(append(ids, fmt.Sprintf("%064x", n)))+`",`+wholeProfile[1:], "Prefer", tlp)
		case 5:
			w = d.do("POST", home+"/indicators/$ref", `{"@odata.id":"intelligenceProfileIndicators/`+iid+`"}`, "Prefer", tlp)
		case 6:
			w = d.do("DELETE", home+"/indicators/"+iid+"/$ref", "", "Prefer", tlp)
		case 7:
			w = d.do("PATCH", indicator, pick([]string{`{"source":"microsoft"}`, `{"lastSeenDateTime":null}`, `{"firstSeenDateTime":"2001-01-01T00:00:00Z"}`}), "Prefer", tlp)
		case 8:
			w = d.do("DELETE", indicator, "", "Prefer", tlp)
		case 9:
			list := d.get("/api/claims?limit=1000")["claims"].([]any)
			w = d.do("DELETE", "/api/claims/"+list[rng.IntN(len(list))].(map[string]any)["id"].(string), "")
		}
		count[w.Code]++
		if w.Code >= 500 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		if n%25 != 24 {
			continue
		}
		for _, ceiling := range []intel.TLP{intel.Clear, intel.Green, intel.Amber} {
			before := served(t, d.st, ceiling, ids)
			if _, err := ingest.Derive(t.Context(), d.st, nil); err != nil {
				t.Fatal(err)
			}
			if after := served(t, d.st, ceiling, ids); after != before {
				t.Fatalf("after %d writes, TLP:%s: computed again\n%s\nwritten\n%s", n+1, ceiling, around(after, before), around(before, after))
			}
		}
	}
	t.Log(count)
	if count[200] < 20 || count[204] < 20 || count[201] < 2 {
		t.Errorf("too few writes went through: %v", count)
	}
}

// served is everything that is served to a ceiling, as one text.
func served(t *testing.T, st *store.Store, ceiling intel.TLP, ids []string) string {
	c := crawler(t, st, ceiling)
	var b strings.Builder
	for _, path := range []string{
		ti + "/intelProfiles?$top=1000&$orderby=id", ti + "/intelligenceProfileIndicators?$top=1000&$orderby=id&view=all",
		ti + "/intelProfiles?$top=1000&$select=id,title&$orderby=id&$expand=indicators($select=id;$orderby=id;$top=20)", "/api/names?name=A1",
	} {
		b.WriteString(c.get(path))
	}
	for _, id := range ids {
		b.WriteString(c.get("/api/profiles/" + id))
	}
	return b.String()
}
