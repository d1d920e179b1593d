package api

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"dossier/internal/auth"
	"dossier/internal/intel"
	"dossier/internal/observable"
)

// A consumer is a product or program that is in use, with the requests it sends
// and what it reads of the answers.
type consumer struct {
	name    string
	headers []string // beside the token
	calls   []call
}

// A call is one request as it stands on the wire.
type call struct {
	target string
	status int
	// reads are the members that the consumer reads, as paths; "*" stands for every
	// element of a list, which must have some.
	reads string
}

// A counter is a server with a token for the consumers.
type counter struct {
	t     *testing.T
	s     *Server
	token string
}

func newCounter(t *testing.T) *counter {
	st := fixtureStore(t, 150)
	sealer, err := auth.SealerFromFile(filepath.Join(t.TempDir(), "key"))
	if err != nil {
		t.Fatal(err)
	}
	s := New(Config{Store: st, Guard: &auth.Guard{Mode: auth.Required, Ceiling: intel.Clear, Issuer: &auth.Issuer{Store: st, Sealer: sealer}}, PublicURL: "https://intel.example.org"})
	return &counter{t, s, newToken(t, s, st, "consumer", intel.Clear, auth.ReadAll)}
}

// ask sends the request and returns the answer, its body inflated.
func (c *counter) ask(target string, headers []string) (*httptest.ResponseRecorder, []byte) {
	c.t.Helper()
	w := ask(c.s, "GET", target, append([]string{"Authorization", c.token}, headers...)...)
	body := w.Body.Bytes()
	if w.Header().Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			c.t.Fatal(err)
		}
		if body, err = io.ReadAll(z); err != nil {
			c.t.Fatal(err)
		}
	}
	return w, body
}

// Members that consumers read.
const (
	readProfiles   = "value/*/id value/*/title"
	readIndicators = "value/*/artifact/id value/*/artifact/@odata.type value/*/firstSeenDateTime value/*/lastSeenDateTime?"
	readReputation = "id classification score rules/*/name rules/*/description rules/*/severity"
)

// TestConsumers replays what consumers send.
func TestConsumers(t *testing.T) {
	c := newCounter(t)
	shared := parsed(t, observable.Domain, "shared.example.com").ID()
	// What is not served is said to be so, in a form that they can read.
	unserved := func(targets ...string) (calls []call) {
		for _, target := range targets {
			calls = append(calls, call{target, 501, "error/code error/message error/innerError/request-id"})
		}
		return calls
	}
	python := []string{"Accept", "*/*", "Accept-Encoding", "gzip, deflate", "Content-Type", "application/json"}
	const (
		beta = "/beta/security/threatIntelligence"
		host = "/hosts/shared.example.com"
	)
	for _, who := range []consumer{
		{"Cortex XSOAR and XSIAM", python, slices.Concat([]call{
			{ti + "/intelProfiles?$top=50&", 200, readProfiles},
			{ti + "/intelProfiles?$top=50&$filter=kind+eq+'actor'", 200, readProfiles},
			{ti + "/intelProfiles?$top=50&$search=%22Aqua+Blizzard%22&$orderby=title", 200, readProfiles},
			{ti + "/intelProfiles/" + aquaID, 200, "id title"},
			{ti + "/intelProfiles/" + aquaID + "/indicators?$top=50", 200, "value/*/id value/*/artifact/id"},
			{ti + "/intelProfiles/" + aquaID + "/indicators", 200, "value/*/id value/*/artifact/id"},
			{ti + "/intelligenceProfileIndicators/" + shared, 200, "id artifact/id"},
			{ti + host, 200, "id registrar? registrant?"},
			{ti + host + "/whois", 200, "id registrar? registrant? whoisServer? domainStatus?"},
			{ti + host + "/whois/history", 200, "value"},
			{ti + host + "/reputation", 200, "id classification score"},
			{ti + "/hosts/20.103.85.33", 200, "id"},
			{ti + "/hosts/20.103.85.33/reputation", 200, "id classification score"},
			{ti + "/articles", 200, readArticles},
			{ti + "/articles/" + articleID, 200, "id title"},
			{ti + "/articles/" + articleID + "/indicators?$top=50", 200, "value/*/id value/*/artifact/id"},
			{ti + "/articleIndicators/c2hhcmVkLmV4YW1wbGUuY29t", 200, "id artifact/id"},
		}, unserved(
			ti+"/whoisRecords/Y29udG9zby5jb20=", ti+"/whoisRecords/Y29udG9zby5jb20%3D/history"))},
		{"Netskope", python, []call{ // its base ends in a slash
			{"/v1.0//security/threatIntelligence/intelProfiles?%24top=1", 200, "value/*/id"},
			{"/v1.0//security/threatIntelligence/intelProfiles?%24filter=firstActiveDateTime+ge+2013-06-01T00%3A00%3A00Z&%24select=id%2Ctradecraft%2Ckind&%24top=100", 200, "value/*/id value/*/kind value/*/tradecraft? @odata.nextLink"},
			{"/v1.0//security/threatIntelligence/intelProfiles?$filter=firstActiveDateTime%20ge%202014-01-01T00:00:00.006Z&$select=id,tradecraft,kind&$top=100", 200, "value/*/id value/*/kind"},
			{"/v1.0//security/threatIntelligence/intelProfiles/" + turtleID, 200, "tradecraft/content"},
			{"/v1.0//security/threatIntelligence/intelProfiles/" + snakeID + "/indicators", 200, readIndicators},
			{"/v1.0//security/threatIntelligence/hosts/20.103.85.33/reputation", 200, "classification score"},
		}},
		{"FortiSOAR", python, slices.Concat([]call{ // anything but success is fatal to it
			{ti + host, 200, "id"},
			{ti + host + "/reputation", 200, readReputation},
			{ti + host + "/whois", 200, "id registrar? nameservers"},
			{ti + host + "/components", 200, "value"},
			{ti + host + "/passiveDns", 200, "value"},
			{ti + host + "/passiveDnsReverse", 200, "value"},
			{ti + host + "/ports", 200, "value"},
			{ti + host + "/sslCertificates", 200, "value"},
			{ti + "/hosts/unheard.example.net/reputation", 200, "classification score rules"},
			{ti + "/intelProfiles/" + aquaID + "/indicators", 200, readIndicators},
			{beta + host + "/ports", 200, "value"},
		}, unserved(ti+"/hostSslCertificates/MWFjNGQ=", ti+"/hostComponents/TWljcm9zb2Z0LUlJUyQk", ti+"/whoisRecords/c2hhcmVk"))},
		{"Sentinel playbooks", []string{"Accept-Encoding", "gzip", "Content-Type", "application/json; charset=utf-8"}, slices.Concat([]call{
			{beta + "/hosts('shared.example.com')", 200, "id"},
			{beta + "/hosts('shared.example.com')/reputation", 200, readReputation},
			{beta + "/hosts('20.103.85.33')/reputation", 200, readReputation},
			{beta + "/hosts('shared.example.com')/components", 200, "value"},
			{beta + "/hosts('shared.example.com')/cookies", 200, "value"},
			{beta + "/hosts('shared.example.com')/trackers", 200, "value"},
			{beta + "/hosts('shared.example.com')/passiveDns", 200, "value"},
			{beta + "/hosts('20.103.85.33')/passiveDnsReverse", 200, "value"},
			{ti + "/intelProfiles?$count=true", 200, readProfiles + " @odata.count"},
			{ti + "/intelProfiles/" + aquaID, 200, "id title"},
			{ti + "/intelProfiles/" + aquaID + "/indicators", 200, readIndicators},
			{beta + "/articles?$sort=lastUpdatedDateTime", 200, readArticles},
		})},
		{"an MCP server", []string{"Accept", "application/json"}, slices.Concat([]call{
			{ti + "/intelProfiles?$top=50&$skip=0", 200, readProfiles},
			{ti + "/intelProfiles?$top=1000&$skip=10&$filter=kind%20eq%20%27tool%27&$select=id,title&$search=%22group%22", 200, readProfiles},
			{ti + "/intelProfiles/" + aquaID + "?$expand=indicators", 200, "id indicators/*/artifact/id"},
			{ti + "/intelProfiles/" + aquaID + "/indicators?$top=50&$skip=1200", 200, "value/*/id"},
			{ti + "/intelProfileIndicators?$top=50", 200, "value/*/id value/*/artifact/id"},
			{ti + "/intelProfileIndicators?$top=1000&$skip=1200&$filter=source%20eq%20%27osint%27&$select=id,artifact", 200, "value/*/artifact/id"},
			{ti + "/intelProfileIndicators/" + shared, 200, "id artifact/id"},
			{ti + host, 200, "id"},
			{ti + "/articles?$top=50&$skip=0", 200, readArticles},
			{ti + "/articles/" + articleID, 200, "id title"},
		}, unserved(ti+"/hosts?$top=50"))},
		{"notebooks, apps and a test suite", python, slices.Concat([]call{
			{ti + "/intelProfiles?$count=true&$top=10&$skip=0", 200, readProfiles + " @odata.count @odata.nextLink"},
			{ti + "/intelProfiles?$orderby=title%20desc", 200, readProfiles},
			{ti + "/intelProfiles?$orderby=title+desc&top=10", 200, readProfiles},
			{beta + "/intelProfiles?count=true&orderby=title+desc", 200, readProfiles + " @odata.count"},
			{ti + "/intelProfiles?$select=id", 200, "value/*/id"},
			{ti + "/intelProfiles?$search=Blizzard", 200, readProfiles},
			{ti + `/intelProfiles?$search="Aqua%20Blizzard"`, 200, readProfiles},
			{ti + "/intelProfiles?$search=Aqua%20Blizzard", 200, readProfiles},
			{ti + "/intelProfiles?$filter=kind%20eq%20microsoft.graph.security.intelligenceProfileKind'actor'", 200, readProfiles},
			{ti + "/intelProfiles('" + aquaID + "')/indicators", 200, readIndicators},
			{ti + host + "/passivedns?$top=1000", 200, "value"},
			{beta + host + "/passivedns?$top=1000", 200, "value"},
			{ti + host + "/WHOIS", 200, "id registrar?"},
			{ti + host + "/Subdomains", 200, "value"},
			{ti + host + "/hostpairs", 200, "value"},
			{ti + "/intelProfiles/?$Top=5&$orderBy=title", 200, readProfiles},
			{ti + `/articles?$search="v"&$top=5`, 200, readArticles},
			{beta + `/articles?$search="v"&$top=5`, 200, readArticles},
		})},
		{"PowerShell", []string{"Accept", "application/json", "Accept-Encoding", "gzip, deflate"}, []call{
			{ti + "/intelProfiles?$count=true&$search=%22group%22&$top=999", 200, readProfiles + " @odata.count"},
			{ti + "/intelProfiles/" + aquaID + "/indicators?$top=999", 200, readIndicators + " @odata.nextLink"},
			{beta + "/intelligenceProfileIndicators/" + shared, 200, "id artifact/id"},
		}},
		{"the Graph SDK for Go", []string{"Accept", "application/json", "Accept-Encoding", "gzip", "Client-Request-Id", "4e2b5c0e-1f8f-4b53-8d8e-8f6f1b6f9a61", "SdkVersion", "graph-go/1.89.0", "User-Agent", "kiota-go/1.5.4"}, []call{
			{ti + "/intelProfiles?$count=true&$expand=indicators%28$top%3D5%29&$filter=kind%20eq%20%27actor%27&$orderby=title%20desc,firstActiveDateTime&$search=%22Blizzard%22&$select=id,title&$skip=0&$top=2", 200, readProfiles + " @odata.count value/*/indicators/*/artifact/id"},
			{ti + "/intelProfiles/a%24b%3Dc%3D%3D", 404, "error/code error/innerError/client-request-id"},
			{ti + "/intelProfiles/x%2Fy%2Bz%20w%2541%C3%A9%27q", 404, "error/code"},
		}},
		{"the Graph clients for JavaScript and TypeScript", []string{"Accept", "*/*", "Accept-Encoding", "gzip, deflate"}, []call{
			{ti + "/intelProfiles?$filter=startswith(title,'Mint%20&%20co+1')", 400, "error/code error/message"},
			{ti + "/intelProfiles/a$b%3Dc%3D%3D%2Fx%20y", 404, "error/code"},
			{"/v1.0/http://host/v1.0/security/threatIntelligence/intelProfiles", 400, "error/code"},
		}},
	} {
		t.Run(who.name, func(t *testing.T) {
			for _, call := range who.calls {
				w, raw := c.ask(call.target, who.headers)
				if w.Code != call.status {
					t.Errorf("%s: status %d, want %d: %.300s", call.target, w.Code, call.status, raw)
					continue
				}
				// Netskope asks for a new token if a body has this word.
				if bytes.Contains(raw, []byte("U"+"nauth"+"orized")) {
					t.Errorf("%s: the word on which it signs in again is in %.300s", call.target, raw)
				}
				var body any
				if err := json.Unmarshal(raw, &body); err != nil {
					t.Errorf("%s: %v: %.300s", call.target, err, raw)
					continue
				}
				for path := range strings.FieldsSeq(call.reads) {
					if err := reads(body, path); err != nil {
						t.Errorf("%s: %s: %v in %.400s", call.target, path, err, raw)
					}
				}
				if code := map[int]string{501: "NotImplemented", 404: "ResourceNotFound", 400: "BadRequest"}[call.status]; code != "" && !bytes.Contains(raw, []byte(`"code":"`+code+`"`)) {
					t.Errorf("%s: no code %s in %s", call.target, code, raw)
				}
			}
		})
	}
}

// reads follows a path of members. What it leads to must be there; it may be null
// or empty only if the path ends in "?".
func reads(value any, path string) error {
	name, rest, more := strings.Cut(path, "/")
	name, optional := strings.CutSuffix(name, "?")
	var found []any
	if list, ok := value.([]any); name == "*" {
		if !ok || len(list) == 0 {
			return errors.New("no elements")
		}
		found = list
	} else {
		object, _ := value.(map[string]any)
		member, ok := object[name]
		if !ok {
			return fmt.Errorf("no member %s", name)
		}
		found = []any{member}
	}
	for _, v := range found {
		if more {
			if err := reads(v, rest); err != nil {
				return err
			}
		} else if !optional && (v == nil || v == "") {
			return fmt.Errorf("%s is %#v", name, v)
		}
	}
	return nil
}

// pages follows every nextLink as it is, or as edit makes it, and returns the ids.
func (c *counter) pages(target string, headers []string, edit func(string) string) (ids []string) {
	c.t.Helper()
	for n := 0; target != ""; n++ {
		w, raw := c.ask(target, headers)
		var page body
		if err := json.Unmarshal(raw, &page); err != nil || w.Code != 200 || n > 5000 {
			c.t.Fatalf("%s: %d %.300s", target, w.Code, raw)
		}
		for _, row := range page.Value {
			var e struct{ ID string }
			if err := json.Unmarshal(row, &e); err != nil {
				c.t.Fatal(err)
			}
			ids = append(ids, e.ID)
		}
		next, ok := strings.CutPrefix(page.Next, "https://intel.example.org")
		if page.Next != "" && !ok {
			c.t.Fatalf("nextLink %s", page.Next)
		}
		if target = next; target != "" && edit != nil {
			target = edit(target)
		}
	}
	return ids
}

// TestConsumersPage follows pages as consumers do.
func TestConsumersPage(t *testing.T) {
	c := newCounter(t)
	top := regexp.MustCompile(`(\$|%24)top=\d+`)
	for name, tt := range map[string]struct {
		target string
		edit   func(string) string
		want   int
	}{
		"Netskope, profiles":   {"/v1.0//security/threatIntelligence/intelProfiles?%24filter=firstActiveDateTime+ge+2014-01-01T00%3A00%3A00Z&%24select=id%2Ctradecraft%2Ckind&%24top=100", nil, 153},
		"Netskope, since 2015": {"/v1.0//security/threatIntelligence/intelProfiles?$filter=firstActiveDateTime%20ge%202015-01-01T00:00:00Z&$select=id,tradecraft,kind&$top=100", nil, 1},
		"Netskope, indicators": {"/v1.0//security/threatIntelligence/intelProfiles/" + aquaID + "/indicators", nil, aquaCount},
		// -All writes the page size of its own into the link.
		"PowerShell, -All": {ti + "/intelProfiles?$count=true&$top=20", func(link string) string {
			if !top.MatchString(link) {
				t.Errorf("no $top in %s", link)
			}
			return top.ReplaceAllLiteralString(link, "$top=7")
		}, 153},
	} {
		ids := c.pages(tt.target, []string{"Accept", "*/*"}, tt.edit)
		slices.Sort(ids)
		if n := len(slices.Compact(slices.Clone(ids))); n != len(ids) || n != tt.want {
			t.Errorf("%s: %d rows with %d ids, want %d", name, len(ids), n, tt.want)
		}
	}
	// Cortex XSOAR reads the first page only, of the size it asks for.
	w, raw := c.ask(ti+"/intelProfiles?$top=50&", nil)
	var page body
	if err := json.Unmarshal(raw, &page); err != nil || w.Code != 200 || len(page.Value) != 50 {
		t.Errorf("a first page: %d, %d rows", w.Code, len(page.Value))
	}
}

// TestConsumerValues: the very values that consumers compare.
func TestConsumerValues(t *testing.T) {
	c := newCounter(t)
	types := map[string]int{}
	_, raw := c.ask(ti+"/intelProfiles/"+snakeID+"/indicators", nil)
	var list struct {
		Value []struct {
			Artifact struct {
				Type string `json:"@odata.type"`
				ID   string
			}
		}
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		t.Fatal(err)
	}
	for _, i := range list.Value {
		types[i.Artifact.Type]++
	}
	// Netskope looks for "ipaddress" and so finds none: the case is as documented.
	want := map[string]int{"#microsoft.graph.security.hostname": 1, "#microsoft.graph.security.ipAddress": 2, "#microsoft.graph.security.unclassifiedArtifact": 2}
	if !maps.Equal(types, want) {
		t.Errorf("types %v, want %v", types, want)
	}
	var r struct {
		Classification string
		Score          int
		Rules          []any
	}
	for target, class := range map[string]string{"/hosts('shared.example.com')": "suspicious", "/hosts/20.103.85.33": "suspicious", "/hosts/unheard.example.net": "unknown"} {
		_, raw := c.ask("/beta/security/threatIntelligence"+target+"/reputation", nil)
		if err := json.Unmarshal(raw, &r); err != nil || r.Classification != class || (r.Score > 0) != (class != "unknown") || r.Rules == nil {
			t.Errorf("%s: %s", target, raw)
		}
	}
}

// TestNetskopeSignsIn at the older endpoint, and again when it is told 401.
func TestNetskopeSignsIn(t *testing.T) {
	s, st := guarded(t, auth.Required)
	known, secret, err := auth.Clients{Store: st}.Add(t.Context(), auth.NewClient{Name: "netskope", Permissions: []auth.Permission{auth.ReadAll}})
	if err != nil {
		t.Fatal(err)
	}
	target := "/v1.0//security/threatIntelligence/intelProfiles?%24top=1"
	if w := ask(s, "GET", target, "Authorization", "Bearer old"); w.Code != 401 || read(t, w).Error.Code != "InvalidAuthenticationToken" {
		t.Errorf("an old token: %d %s", w.Code, w.Body)
	}
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {known.ID}, "client_secret": {secret}, "resource": {"https://graph.microsoft.com"}}
	w := send(s, "POST", "/contoso.com/oauth2/token", form.Encode(), "Content-Type", "application/x-www-form-urlencoded")
	var tok struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &tok); err != nil || w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if w := ask(s, "GET", target, "Authorization", "Bearer "+tok.AccessToken); w.Code != 200 {
		t.Errorf("with the new token: %d %s", w.Code, w.Body)
	}
}

// TestTerraform posts an indicator as the modules that are generated from the
// model do.
func TestTerraform(t *testing.T) {
	d := newDesk(t)
	for n, lastSeen := range []string{"null", `"2025-02-01T00:00:00Z"`} {
		w := d.do("POST", "~/intelligenceProfileIndicators", `{"artifact":{"@odata.type":"#microsoft.graph.security.hostname","id":"t`+strconv.Itoa(n)+`.contoso.com"},"firstSeenDateTime":"2025-01-01T00:00:00Z","lastSeenDateTime":`+lastSeen+`,"source":"osint"}`)
		if w.Code != http.StatusCreated {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		i := d.get(w.Header().Get("Location")[len("http://dossier"):])
		if i["source"] != "osint" || i["firstSeenDateTime"] != "2025-01-01T00:00:00.000Z" || (i["lastSeenDateTime"] == nil) != (lastSeen == "null") {
			t.Errorf("%v", i)
		}
	}
}
