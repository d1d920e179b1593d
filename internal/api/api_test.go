package api

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"dossier/internal/intel"
	"dossier/internal/observable"
)

// TestRequests is the table of what is answered with which status and code.
func TestRequests(t *testing.T) {
	s := fixtureServer(fixtureStore(t, 6))
	shared := parsed(t, observable.Domain, "shared.example.com").ID()
	withdrawn := parsed(t, observable.Domain, "withdrawn.example.com").ID()
	restricted := parsed(t, observable.Domain, "restricted.example.com").ID()
	nobody := parsed(t, observable.Domain, "nobody.example.com").ID()
	for _, tt := range []struct {
		method, path string
		status       int
		want         string // code of the error, or part of the body
	}{
		// Forms of URLs.
		{"GET", ti + "/intelProfiles", 200, "Aqua Blizzard"},
		{"GET", "/beta/security/threatIntelligence/intelProfiles", 200, "/beta/$metadata#security/threatIntelligence/intelProfiles"},
		{"GET", "//v1.0//security/threatIntelligence//intelProfiles/", 200, "Aqua"},
		{"GET", "/V1.0/SECURITY/threatintelligence/INTELPROFILES/" + aquaID + "/Indicators?$top=1", 200, "hostname"},
		{"GET", ti + "/intelProfiles('" + aquaID + "')", 200, "Aqua"},
		{"GET", ti + "/intelProfiles(id='" + aquaID + "')/indicators('" + shared + "')/artifact", 200, "shared.example.com"},
		{"GET", ti + "/intelProfiles/" + strings.ToUpper(aquaID), 404, "ResourceNotFound"},
		{"GET", ti + "/intelProfiles/%61" + aquaID[1:], 200, "Aqua"},
		{"GET", ti + "/intelProfileIndicators/" + shared, 200, "/$metadata#security/threatIntelligence/intelligenceProfileIndicators/$entity"},
		{"GET", ti, 200, `"id":"threatIntelligence"`},
		{"GET", "/v1.0", 200, `"kind":"Singleton"`},
		{"GET", "/v1.0/$metadata", 200, "<edmx:Edmx"},

		// Query options and their mistakes.
		{"GET", ti + "/intelProfiles?$top=2&", 200, "nextLink"},
		{"GET", ti + "/intelProfiles?%24top=2", 200, "$top=2"},
		{"GET", ti + "/intelProfiles?top=2", 200, "$top=2"},
		{"GET", ti + "/intelProfiles?$Top=2", 200, "$top=2"},
		{"GET", ti + "/intelProfiles?$top=0", 400, "BadRequest"},
		{"GET", ti + "/intelProfiles?$top=-1", 400, "BadRequest"},
		{"GET", ti + "/intelProfiles?$top=1&$top=2", 400, "BadRequest"},
		{"GET", ti + "/intelProfiles?$skip=x", 400, "BadRequest"},
		{"GET", ti + "/intelProfiles?$skiptoken=abc", 400, "BadRequest"},
		{"GET", ti + "/intelProfiles?$sort=x&foo=%20", 200, "Aqua"},
		{"GET", ti + "/intelProfiles?$apply=x", 400, "BadRequest"},
		{"GET", ti + "/intelProfiles?$filter=kind+eq+'tool'&$select=title", 200, "snake keylogger"},
		{"GET", ti + "/intelProfiles?$filter=kind%20eq%20microsoft.graph.security.intelligenceProfileKind'actor'", 200, "Aqua"},
		{"GET", ti + "/intelProfiles?$filter=kind%20eq%20'robot'", 400, "BadRequest"},
		{"GET", ti + "/intelProfiles?$filter=title%20eq%20'x", 400, "unterminated"},
		{"GET", ti + "/intelProfiles?$filter=nope%20eq%201", 400, "Could not find a property named 'nope' on type 'microsoft.graph.security.intelligenceProfile'."},
		{"GET", ti + "/intelProfiles?$filter=title%20eq%20'%zz'", 400, "BadRequest"},
		{"GET", ti + "/intelProfiles?$filter=title%20eq%20'%ff'", 400, "BadRequest"},
		{"GET", ti + "/intelProfiles?$orderby=title%20desc", 200, "Aqua"},
		{"GET", ti + "/intelProfiles?$orderby=nope", 400, "BadRequest"},
		{"GET", ti + "/intelProfiles?$select=nope", 400, "BadRequest"},
		{"GET", ti + "/intelProfiles?$search=keylogger", 200, "snake keylogger"},
		{"GET", ti + "/intelProfiles?$search=\"aqua%20blizzard\"", 200, "Primitive Bear"},
		{"GET", ti + "/intelProfiles?$search=nothinghasthis", 200, `"value":[]`},
		{"GET", ti + "/intelProfiles?$search=\"", 400, "BadRequest"},
		{"GET", ti + "/intelProfiles?$expand=indicators($top=1;$select=id)&$top=1", 200, "indicators@odata.nextLink"},
		{"GET", ti + "/intelProfiles?$expand=nope", 400, "ExpandNotSupported"},
		{"GET", ti + "/intelProfiles?$expand=*", 400, "ExpandNotSupported"},
		{"GET", ti + "/intelProfiles?$format=xml", 406, "notAcceptable"},
		{"GET", ti + "/intelProfiles?$format=json", 200, "Aqua"},
		{"GET", ti + "/intelProfiles?view=none", 400, "BadRequest"},
		{"GET", ti + "/intelProfiles/" + aquaID + "?$top=1", 400, "BadRequest"},
		{"GET", ti + "/intelProfiles/" + aquaID + "/indicators?$search=x", 400, "BadRequest"},
		{"GET", ti + "/intelProfiles/" + aquaID + "/indicators?$expand=artifact&$top=1", 200, "hostname"},
		{"GET", ti + "/intelligenceProfileIndicators/" + shared + "/artifact?$select=registrar", 200, `"registrar":null`},
		{"GET", ti + "/intelligenceProfileIndicators/" + shared + "/artifact?$select=netblock", 400, "BadRequest"},

		// Numbers.
		{"GET", ti + "/intelProfiles/$count", 200, "9"},
		{"GET", ti + "/intelProfiles/$count?$filter=kind%20eq%20'tool'&$top=x", 200, "3"},
		{"GET", ti + "/intelProfiles/" + aquaID + "/indicators/$count", 200, "1203"},
		{"GET", ti + "/intelProfiles/" + snakeID + "/indicators/$count", 200, "5"},
		{"GET", ti + "/intelProfiles/" + snakeID + "/indicators/$count?view=all", 200, "6"},
		{"GET", ti + "/intelligenceProfileIndicators/$count", 200, "1208"},
		{"GET", ti + "/intelligenceProfileIndicators/$count?$search=x", 400, "BadRequest"},

		// What does not exist, or not for this reader.
		{"GET", ti + "/intelProfiles/nope", 404, "ResourceNotFound"},
		{"GET", ti + "/intelProfiles/nope/indicators", 404, "ResourceNotFound"},
		{"GET", ti + "/intelProfiles/nope/indicators/$count", 404, "ResourceNotFound"},
		{"GET", ti + "/intelProfiles/" + aquaID + "/indicators/" + nobody, 404, "ResourceNotFound"},
		{"GET", ti + "/intelligenceProfileIndicators/" + nobody, 200, "nobody.example.com"},
		{"GET", ti + "/intelligenceProfileIndicators/nope", 404, "ResourceNotFound"},
		{"GET", ti + "/intelligenceProfileIndicators/nope/artifact", 404, "ResourceNotFound"},
		{"GET", ti + "/intelligenceProfileIndicators/" + withdrawn, 404, "ResourceNotFound"},
		{"GET", ti + "/intelligenceProfileIndicators/" + withdrawn + "?view=all", 200, "withdrawn"},
		{"GET", ti + "/intelligenceProfileIndicators/" + restricted + "?view=all", 404, "ResourceNotFound"},

		// Hostile ids.
		{"GET", ti + "/intelProfiles/a%2Fb%25%27%22%24%3D", 404, "ResourceNotFound"},
		{"GET", ti + "/intelProfiles/'%20or%20'1'='1", 404, "ResourceNotFound"},
		{"GET", ti + "/intelProfiles('a''b')", 404, "ResourceNotFound"},
		{"GET", ti + "/intelProfiles('a'b')", 400, "Resource not found for the segment"},
		{"GET", ti + "/intelProfiles/a$b=c==;d+e", 404, "ResourceNotFound"},
		{"GET", ti + "/intelProfiles/%ff", 400, "BadRequest"},
		{"GET", ti + "/intelProfiles/%00", 400, "BadRequest"},
		{"GET", ti + "/intelProfiles/..%2f..%2fetc", 404, "ResourceNotFound"},
		{"GET", ti + "/../intelProfiles", 400, "Resource not found for the segment '..'."},

		// Segments and versions.
		{"GET", ti + "/nope", 400, "Resource not found for the segment 'nope'."},
		{"GET", ti + "/intelProfiles/" + aquaID + "/nope", 400, "Resource not found for the segment 'nope'."},
		{"GET", ti + "/intelProfiles/$value", 400, "Resource not found for the segment '$value'."},
		{"GET", "/v1.0/users", 400, "Resource not found for the segment 'users'."},
		{"GET", "/v2.0/security/threatIntelligence/intelProfiles", 400, "Invalid version: v2.0"},
		{"GET", "/security/threatIntelligence/intelProfiles", 400, "Invalid version: security"},
		{"GET", "/v3", 400, "Invalid version: v3"},
		{"GET", "/", 404, "ResourceNotFound"},
		{"GET", "/index.html", 404, "ResourceNotFound"},

		// Neighbours, writes, methods.
		{"GET", ti + "/vulnerabilities", 501, "NotImplemented"},
		{"GET", ti + "/articles/00000000", 404, "ResourceNotFound"},
		{"GET", ti + "/articles/00000000/indicators", 404, "ResourceNotFound"},
		{"GET", ti + "/articles?$filter=nope%20eq%201", 400, "Could not find a property named 'nope' on type 'microsoft.graph.security.article'."},
		{"GET", ti + "/articleIndicators/nope", 404, "ResourceNotFound"},
		{"GET", ti + "/articleIndicators?$search=x", 400, "$search"},
		{"POST", ti + "/articles", 405, "Request_BadRequest"},
		{"GET", ti + "/vulnerabilities/CVE-2024-1/components/x", 501, "NotImplemented"},
		{"GET", ti + "/sslCertificates?$search=x:y", 501, "NotImplemented"},
		{"GET", ti + "/whoisRecords/x/history", 501, "NotImplemented"},
		{"GET", ti + "/articles/a272d5ab/nope", 400, "Resource not found for the segment 'nope'."},
		{"DELETE", ti + "/articles/a272d5ab", 405, "Request_BadRequest"},
		{"GET", ti + "/intelProfiles/delta?$skiptoken=x", 400, "Invalid value of $skiptoken"},
		{"GET", "/v1.0/subscriptions", 200, `"value":[]`},
		{"GET", "/v1.0/subscriptions/nope", 404, "ResourceNotFound"},
		{"POST", "/v1.0/subscriptions", 400, "BadRequest"},
		{"POST", ti + "/intelProfiles", 403, "Authorization_RequestDenied"},
		{"PATCH", ti + "/intelProfiles/" + aquaID, 403, "Authorization_RequestDenied"},
		{"DELETE", ti + "/intelligenceProfileIndicators/x", 403, "Authorization_RequestDenied"},
		{"PUT", ti + "/intelProfiles", 405, "Request_BadRequest"},
		{"PATCH", ti, 405, "Request_BadRequest"},
		{"BREW", ti + "/intelProfiles", 405, "Request_BadRequest"},

		// Own resources.
		{"GET", "/api/lookup?value=shared[.]example[.]com&value=127.0.0.1&value=new.example.com", 200, `"known":true`},
		{"GET", "/api/lookup", 400, "BadRequest"},
		{"GET", "/api/lookup?value=" + strings.Repeat("a&value=", 100), 400, "BadRequest"},
		{"GET", "/api/search?q=actinium", 200, `"match":"alias"`},
		{"GET", "/api/search?q=group&limit=2", 200, `"more":true`},
		{"GET", "/api/search?q=group&kind=campaign", 400, "BadRequest"},
		{"GET", "/api/search?q=", 400, "BadRequest"},
		{"GET", "/api/search?q=x&limit=none", 400, "BadRequest"},
		{"GET", "/api/names?name=shuck%20worm", 200, `"coinedBy":"Symantec"`},
		{"GET", "/api/names?name=unheard", 200, `"profiles":[]`},
		{"GET", "/api/profiles/" + aquaID, 200, `"names":[`},
		{"GET", "/api/profiles/nope", 404, "ResourceNotFound"},
		{"GET", "/api/sources", 200, `"ageDays":10`},
		{"GET", "/api/runs", 403, "Authorization_RequestDenied"}, // they tell of everything
		{"GET", "/api/nope", 404, "ResourceNotFound"},
		{"GET", "/api", 404, "ResourceNotFound"},
		{"POST", "/api/search", 405, "Request_BadRequest"},
		{"GET", "/healthz", 200, `"status":"ok"`},
		{"GET", "/readyz", 200, `"status":"ready"`},
		{"GET", "/openapi.json", 200, `"openapi":"3.1.1"`},
		{"GET", "/reference", 200, "<title>API reference"},
		{"GET", "/reference/x", 404, "ResourceNotFound"},
		{"POST", "/openapi.json", 405, "Request_BadRequest"},
	} {
		r := httptest.NewRequest(tt.method, "/", nil)
		u, err := url.Parse("http://h/")
		if err != nil {
			t.Fatal(err)
		}
		path, query, _ := strings.Cut(tt.path, "?")
		if u.Path, err = url.PathUnescape(path); err != nil {
			t.Fatalf("%s: %v", tt.path, err)
		}
		u.RawPath, u.RawQuery = path, query
		r.URL = u
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		name := tt.method + " " + tt.path
		if w.Code != tt.status {
			t.Errorf("%s: status %d, want %d\n%.300s", name, w.Code, tt.status, w.Body)
			continue
		}
		if !strings.Contains(w.Body.String(), tt.want) {
			t.Errorf("%s: no %s in\n%.600s", name, tt.want, w.Body)
		}
		checkAnswer(t, name, r, w)
		if tt.status == 405 && !strings.Contains(w.Header().Get("Allow"), "GET") {
			t.Errorf("%s: Allow is %q", name, w.Header().Get("Allow"))
		}
	}
}

// checkAnswer holds any answer to what every answer must be.
func checkAnswer(t testing.TB, name string, r *http.Request, w *httptest.ResponseRecorder) {
	t.Helper()
	h := w.Header()
	for _, header := range []string{"request-id", "client-request-id", "Cache-Control", "Content-Type"} {
		if h.Get(header) == "" {
			t.Errorf("%s: no header %s", name, header)
		}
	}
	switch kind, _, _ := strings.Cut(h.Get("Content-Type"), ";"); {
	case kind == "text/plain" && w.Code == 200:
		if _, err := strconv.Atoi(w.Body.String()); err != nil {
			t.Errorf("%s: body %q is no number", name, w.Body)
		}
	case kind == "application/xml" && w.Code == 200:
		if err := xml.Unmarshal(w.Body.Bytes(), new(struct{})); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	case kind == "text/html" && w.Code == 200 && strings.Contains(h.Get("Content-Security-Policy"), "default-src 'none'"): // the reference
	case kind == "application/json":
		if r.Method != http.MethodHead && !json.Valid(w.Body.Bytes()) {
			t.Errorf("%s: not JSON: %.300s", name, w.Body)
		}
	default:
		t.Errorf("%s: content type %q with status %d", name, h.Get("Content-Type"), w.Code)
	}
	if w.Code < 400 {
		return
	}
	e := read(t, w).Error
	if e == nil || e.Code == "" || e.Message == "" || e.Inner.RequestID != h.Get("request-id") || e.Inner.Date == "" {
		t.Errorf("%s: status %d without the envelope: %.300s", name, w.Code, w.Body)
	}
	if h.Get("Content-Type") != "application/json" {
		t.Errorf("%s: an error of type %q", name, h.Get("Content-Type"))
	}
}

// TestHeaders checks section 10 of the contract.
func TestHeaders(t *testing.T) {
	s := fixtureServer(fixtureStore(t, 0))
	path := ti + "/intelProfiles/" + aquaID
	w := ask(s, "GET", path, "client-request-id", "my id")
	for name, want := range map[string]string{
		"Content-Type":      "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8",
		"OData-Version":     "4.0",
		"Cache-Control":     "no-cache",
		"client-request-id": "my id",
	} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if got := ask(s, "GET", path).Header(); got.Get("client-request-id") != got.Get("request-id") || len(got.Get("request-id")) != 36 {
		t.Errorf("ids of a request without one: %q", got)
	}

	for _, tt := range []struct {
		accept string
		level  string // "" is 406
	}{
		{"application/json", "minimal"},
		{"*/*", "minimal"},
		{"application/*;q=0.1", "minimal"},
		{"text/html, application/xhtml+xml, */*;q=0.8", "minimal"},
		{"application/json;odata.metadata=none", "none"},
		{"application/json;odata.metadata=full;odata.streaming=true", "full"},
		{"application/json;q=0.2, application/json;odata.metadata=none", "none"},
		{"text/html", ""},
		{"application/json;q=0", ""},
		{"application/json;odata.metadata=most", ""},
	} {
		w := ask(s, "GET", path, "Accept", tt.accept)
		got := w.Header().Get("Content-Type")
		if tt.level == "" && w.Code != 406 || tt.level != "" && !strings.Contains(got, "odata.metadata="+tt.level+";") {
			t.Errorf("Accept: %s: %d, %s", tt.accept, w.Code, got)
		}
		if n := strings.Count(w.Body.String(), `"@odata.`); tt.level == "none" && n != 0 {
			t.Errorf("Accept: %s: %d annotations: %s", tt.accept, n, w.Body)
		}
		if tt.level == "full" && !strings.Contains(w.Body.String(), `"@odata.id":"https://intel.example.org/v1.0/security/threatIntelligence/intelProfiles/`+aquaID+`","@odata.etag":"W/\"`) {
			t.Errorf("Accept: %s: %s", tt.accept, w.Body)
		}
	}
	if w := ask(s, "GET", ti+"/intelProfiles/$count", "Accept", "text/plain;q=0.9"); w.Code != 200 || w.Header().Get("Content-Type") != "text/plain" {
		t.Errorf("$count: %d, %s", w.Code, w.Header())
	}

	w = ask(s, "GET", ti+"/intelProfiles", "Prefer", "return=minimal, odata.maxpagesize=2")
	if got := w.Header().Get("Preference-Applied"); got != "odata.maxpagesize=2" || len(read(t, w).Value) != 2 {
		t.Errorf("maxpagesize: %q, %.200s", got, w.Body)
	}
	if w = ask(s, "GET", ti+"/intelProfiles?$top=1", "Prefer", "maxpagesize=2"); w.Header().Get("Preference-Applied") != "" || len(read(t, w).Value) != 1 {
		t.Errorf("$top does not win over the preference: %s", w.Body)
	}

	head := ask(s, "HEAD", path)
	get := ask(s, "GET", path)
	if head.Code != 200 || head.Body.Len() != 0 || head.Header().Get("Content-Length") != strconv.Itoa(get.Body.Len()) {
		t.Errorf("HEAD: %d, %d bytes, %s", head.Code, head.Body.Len(), head.Header())
	}
}

func TestGzip(t *testing.T) {
	s := fixtureServer(fixtureStore(t, 0))
	path := ti + "/intelProfiles/" + aquaID + "/indicators"
	plain := ask(s, "GET", path)
	for _, coding := range []string{"gzip", "br, gzip;q=0.5", "*"} {
		w := ask(s, "GET", path, "Accept-Encoding", coding)
		z, err := gzip.NewReader(w.Body)
		if err != nil || w.Header().Get("Content-Encoding") != "gzip" {
			t.Fatalf("%s: %v, %s", coding, err, w.Header())
		}
		if got, err := io.ReadAll(z); err != nil || !bytes.Equal(got, plain.Body.Bytes()) {
			t.Errorf("%s: another body, %v", coding, err)
		}
	}
	for _, coding := range []string{"gzip;q=0", "identity", "br"} {
		if w := ask(s, "GET", path, "Accept-Encoding", coding); w.Header().Get("Content-Encoding") != "" {
			t.Errorf("%s: %s", coding, w.Header())
		}
	}
}

func TestConditional(t *testing.T) {
	st := fixtureStore(t, 0)
	s := fixtureServer(st)
	indicator := parsed(t, observable.Domain, "shared.example.com").ID()
	for _, path := range []string{
		ti + "/intelProfiles/" + aquaID, ti + "/intelligenceProfileIndicators/" + indicator,
		ti + "/intelProfiles/" + aquaID + "/indicators/" + indicator, ti + "/intelligenceProfileIndicators/" + indicator + "/artifact",
	} {
		tag := ask(s, "GET", path).Header().Get("ETag")
		if !strings.HasPrefix(tag, `W/"`) {
			t.Fatalf("%s: ETag %q", path, tag)
		}
		for _, match := range []string{tag, strings.TrimPrefix(tag, "W/"), `"x", ` + tag, "*"} {
			if w := ask(s, "GET", path, "If-None-Match", match); w.Code != 304 || w.Body.Len() != 0 || w.Header().Get("ETag") != tag || w.Header().Get("request-id") == "" {
				t.Errorf("%s with %s: %d, %s", path, match, w.Code, w.Header())
			}
		}
		if w := ask(s, "GET", path, "If-None-Match", `W/"other"`); w.Code != 200 {
			t.Errorf("%s with another tag: %d", path, w.Code)
		}
	}
	// The tag is of the profile's own properties: 304 would be wrong for what is expanded.
	path := ti + "/intelProfiles/" + aquaID
	tag := ask(s, "GET", path).Header().Get("ETag")
	if w := ask(s, "GET", path+"?$expand=indicators", "If-None-Match", tag); w.Code != 200 {
		t.Errorf("$expand: %d", w.Code)
	}
	// It changes with them, and only with them.
	profiles := fixtureProfiles(0)
	profiles[1].Fold().Profile.Summary = intel.Text("Changed.")
	write(t, st, nil, profiles)
	if now := ask(s, "GET", path).Header().Get("ETag"); now != tag {
		t.Errorf("the tag of an unchanged profile is %s, was %s", now, tag)
	}
	profiles[0].Fold().Profile.Summary = intel.Text("Changed.")
	write(t, st, nil, profiles)
	if now := ask(s, "GET", path).Header().Get("ETag"); now == tag {
		t.Error("the tag of a changed profile is the same")
	}
}

// TestFormerID checks that an id which leads to a profile without being its own
// is answered with the canonical one.
func TestFormerID(t *testing.T) {
	s := fixtureServer(fixtureStore(t, 0))
	base := "https://intel.example.org" + ti + "/intelProfiles/"
	w := ask(s, "GET", ti+"/intelProfiles/"+formerID)
	if b := read(t, w); w.Code != 200 || b.ID != aquaID || w.Header().Get("Content-Location") != base+aquaID {
		t.Errorf("profile: %d, id %s, %s", w.Code, b.ID, w.Header())
	}
	w = ask(s, "GET", ti+"/intelProfiles/"+formerID+"/indicators?$top=1")
	b := read(t, w)
	if w.Header().Get("Content-Location") != base+aquaID+"/indicators" || !strings.Contains(b.Context, aquaID) || !strings.Contains(b.Next, aquaID) {
		t.Errorf("indicators: %s, %s", w.Header(), w.Body)
	}
	if w := ask(s, "GET", "/api/profiles/"+formerID); w.Header().Get("Content-Location") != "https://intel.example.org/api/profiles/"+aquaID {
		t.Errorf("dossier: %s", w.Header())
	}
	if got := ask(s, "GET", ti+"/intelProfiles/"+aquaID).Header().Get("Content-Location"); got != "" {
		t.Errorf("the canonical id has Content-Location %s", got)
	}
}

// TestLinks checks what links begin with when no public URL is configured.
func TestLinks(t *testing.T) {
	s := New(Config{Store: fixtureStore(t, 0)})
	r := httptest.NewRequest("GET", "https://intel.example.net:8443/beta/security/threatIntelligence/intelProfiles?$top=1", nil)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	if b := read(t, w); !strings.HasPrefix(b.Next, "https://intel.example.net:8443/beta/security/threatIntelligence/intelProfiles?$top=1&$skiptoken=") {
		t.Errorf("nextLink %s", b.Next)
	}
}

// TestPanic checks that a fault is a JSON answer that tells nothing of its cause.
func TestPanic(t *testing.T) {
	var log bytes.Buffer
	s := fixtureServer(fixtureStore(t, 0))
	s.log = newTestLog(&log)
	s.graph.at("security/panic", "GET", func(*request) (*answer, error) { panic("SELECT secret") })
	s.graph.at("security/fault", "GET", func(*request) (*answer, error) { return nil, fmt.Errorf("SELECT secret") })
	for _, path := range []string{"/v1.0/security/panic", "/v1.0/security/fault"} {
		log.Reset()
		r := httptest.NewRequest("GET", path, nil)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		checkAnswer(t, path, r, w)
		if w.Code != 500 || read(t, w).Error.Code != "generalException" || strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%s: %d, %s", path, w.Code, w.Body)
		}
		if !strings.Contains(log.String(), "SELECT secret") || !strings.Contains(log.String(), w.Header().Get("request-id")) {
			t.Errorf("%s: the log has %q", path, log.String())
		}
	}
}

// TestCancelled checks that a request which ends before its answer is no fault.
func TestCancelled(t *testing.T) {
	var log bytes.Buffer
	s := fixtureServer(fixtureStore(t, 0))
	s.log = newTestLog(&log)
	ctx, cancel := context.WithCancel(t.Context())
	s.graph.at("security/slow", "GET", func(r *request) (*answer, error) {
		cancel()
		<-r.Context().Done()
		return nil, errors.New("interrupted (9)")
	})
	r := httptest.NewRequest("GET", "/v1.0/security/slow", nil).WithContext(ctx)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	checkAnswer(t, "slow", r, w)
	if w.Code != 503 || w.Header().Get("Retry-After") == "" || log.Len() > 0 {
		t.Errorf("%d, %s, log %q", w.Code, w.Body, log.String())
	}
	w = httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest("GET", ti+"/intelProfiles", nil).WithContext(ctx))
	if w.Code != 503 {
		t.Errorf("a query under a cancelled context: %d, %s", w.Code, w.Body)
	}
}

// TestMessages checks that no message holds the word on which a client signs in
// again.
func TestMessages(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) < 10 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if word := "nauth" + "orized"; bytes.Contains(text, []byte(word)) {
			t.Errorf("%s has the word U%s", file, word)
		}
	}
}

func TestHome(t *testing.T) {
	s := New(Config{Store: fixtureStore(t, 0), Home: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/panic" {
			panic("home")
		}
		fmt.Fprint(w, "home")
	})})
	s.log = newTestLog(io.Discard)
	for path, want := range map[string]string{"/": "home", "/profiles/x": "home", "/apiary": "home", "/panic": "generalException", "/api/x": "ResourceNotFound", "/v1.0/x": "BadRequest"} {
		if w := ask(s, "GET", path); !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d, %s", path, w.Code, w.Body)
		}
	}
}

func TestMediaTypes(t *testing.T) {
	s := fixtureServer(fixtureStore(t, 0))
	for _, tt := range []struct {
		coding, mediaType string
		status            int
	}{
		{"gzip", "application/json", 400}, // it is none
		{"", "application/json; charset=utf-8", 400},
		{"", "", 400},
		{"br", "application/json", 415},
		{"", "text/xml", 415},
		{"", "not a type;;", 415},
	} {
		r := httptest.NewRequest("POST", "/v1.0/subscriptions", strings.NewReader("{}"))
		if tt.coding != "" {
			r.Header.Set("Content-Encoding", tt.coding)
		}
		if tt.mediaType != "" {
			r.Header.Set("Content-Type", tt.mediaType)
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		checkAnswer(t, "POST", r, w)
		if w.Code != tt.status {
			t.Errorf("%+v: %d, %s", tt, w.Code, w.Body)
		}
	}
}

// TestMembers checks that taking a body apart and putting it together gives the
// same bytes, whatever stands in its texts.
func TestMembers(t *testing.T) {
	for _, p := range fixtureProfiles(1) {
		var b, again, without bytes.Buffer
		if err := encode(&b, p.Fold().Profile); err != nil {
			t.Fatal(err)
		}
		list, err := members(b.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if put(&again, list); again.String() != b.String() {
			t.Errorf("%s\nbecame\n%s", b.String(), again.String())
		}
		if err := strip(&without, b.Bytes()); err != nil {
			t.Fatal(err)
		}
		var got intel.Profile
		if err := json.Unmarshal(without.Bytes(), &got); err != nil || got.ODataType != "" || got.Summary.ODataType != "" {
			t.Errorf("%v: %s", err, without.String())
		}
		if got.Description.Content != p.Fold().Profile.Description.Content || p.Fold().Profile.Tradecraft != nil && got.Tradecraft.Content != p.Fold().Profile.Tradecraft.Content {
			t.Errorf("texts changed: %s", without.String())
		}
	}
	for _, bad := range []string{"", "{", "[]", `{"a"`, `{"a":`, `{"a":"`, `{"a":1`, `{"a":}`, `{"a" 1}`, `{,`, `{"`, `{"a":[1,{}`} {
		list, err := members([]byte(bad))
		if err == nil {
			err = strip(new(bytes.Buffer), []byte(bad))
		}
		if err == nil {
			t.Errorf("%s was read as %s", bad, list)
		}
	}
}

// TestModel holds the table of types to the bodies: each property is a member, in
// the same order, and the other way round.
func TestModel(t *testing.T) {
	s := fixtureServer(fixtureStore(t, 0))
	shared := parsed(t, observable.Domain, "shared.example.com").ID()
	address := parsed(t, observable.IPAddress, "20.103.85.33").ID()
	hash := parsed(t, observable.SHA256, strings.Repeat("0f", 32)).ID()
	for path, name := range map[string]string{
		"/intelProfiles/" + aquaID:                                "intelligenceProfile",
		"/intelligenceProfileIndicators/" + shared:                "intelligenceProfileIndicator",
		"/intelligenceProfileIndicators/" + shared + "/artifact":  "hostname",
		"/intelligenceProfileIndicators/" + address + "/artifact": "ipAddress",
		"/intelligenceProfileIndicators/" + hash + "/artifact":    "unclassifiedArtifact",
		"": "threatIntelligence",
	} {
		var want []string
		for _, typ := range model().Types {
			if typ.Name == "microsoft.graph.security."+name {
				for p := range typ.All() {
					if !p.Navigation || p.Inlined {
						want = append(want, p.Name)
					}
				}
			}
		}
		list, err := members(ask(s, "GET", ti+path).Body.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, m := range list {
			if !strings.HasPrefix(m.name, "@") {
				got = append(got, m.name)
			}
		}
		if strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("%s: members %v, properties %v", name, got, want)
		}
	}
}

func TestRuns(t *testing.T) {
	s := New(Config{Store: fixtureStore(t, 0), Ceiling: intel.Red})
	if w := ask(s, "GET", "/api/runs"); w.Code != 200 || !strings.Contains(w.Body.String(), `"runs":[]`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func newTestLog(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }
