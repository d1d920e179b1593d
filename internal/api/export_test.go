package api

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"dossier/internal/export"
	"dossier/internal/store"

	"github.com/klauspost/compress/zstd"
)

func TestExport(t *testing.T) {
	s := fixtureServer(fixtureStore(t, 0))
	get := func(path string, headers ...string) *httptest.ResponseRecorder {
		t.Helper()
		return ask(s, "GET", path, headers...)
	}
	for _, f := range export.Formats() {
		w := get("/api/export/" + f.Name)
		if w.Code != 200 || w.Header().Get("ETag") == "" || w.Header().Get("Last-Modified") == "" || w.Header().Get("Content-Type") != f.MediaType {
			t.Errorf("%s: %d %v", f.Name, w.Code, w.Header())
		}
	}
	whole := get("/api/export/jsonl?view=default")
	body := whole.Body.String()
	if !strings.Contains(body, "20.103.85.33") {
		t.Fatalf("%s", body)
	}
	tag, modified := whole.Header().Get("ETag"), whole.Header().Get("Last-Modified")

	for _, tt := range []struct {
		name    string
		headers []string
		status  int
		body    string
	}{
		{"the tag", []string{"If-None-Match", tag}, 304, ""},
		{"another tag", []string{"If-None-Match", `"x"`}, 200, body},
		{"a time", []string{"If-Modified-Since", modified}, 304, ""},
		{"an old time", []string{"If-Modified-Since", "Sat, 01 Jan 2000 00:00:00 GMT"}, 200, body},
		{"tag before time", []string{"If-None-Match", `"x"`, "If-Modified-Since", modified}, 200, body},
		{"a range", []string{"Range", "bytes=5-9"}, 206, body[5:10]},
		{"the rest", []string{"Range", "bytes=5-", "If-Range", tag}, 206, body[5:]},
		{"a range of another", []string{"Range", "bytes=5-9", "If-Range", `"x"`}, 200, body},
		{"beyond the end", []string{"Range", "bytes=99999999-"}, 416, "invalid range: failed to overlap\n"},
	} {
		if w := get("/api/export/jsonl?view=default", tt.headers...); w.Code != tt.status || w.Body.String() != tt.body {
			t.Errorf("%s: %d, %d bytes; want %d, %d bytes", tt.name, w.Code, w.Body.Len(), tt.status, len(tt.body))
		}
	}

	for coding, open := range map[string]func(io.Reader) (io.Reader, error){
		"gzip": func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) },
		"zstd": func(r io.Reader) (io.Reader, error) { return zstd.NewReader(r) },
	} {
		w := get("/api/export/jsonl?view=default", "Accept-Encoding", coding)
		if w.Header().Get("Content-Encoding") != coding || w.Header().Get("ETag") == tag || w.Header().Get("Last-Modified") != modified || !strings.Contains(strings.Join(w.Header().Values("Vary"), ","), "Accept-Encoding") {
			t.Fatalf("%s: %v", coding, w.Header())
		}
		z, err := open(bytes.NewReader(w.Body.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		if plain, err := io.ReadAll(z); err != nil || string(plain) != body {
			t.Errorf("%s: %v, %d bytes", coding, err, len(plain))
		}
		if w := get("/api/export/jsonl?view=default", "Accept-Encoding", coding, "If-None-Match", w.Header().Get("ETag")); w.Code != 304 {
			t.Errorf("%s with its tag: %d", coding, w.Code)
		}
		if w := ask(s, "HEAD", "/api/export/jsonl?view=default", "Accept-Encoding", coding); w.Code != 200 || w.Body.Len() != 0 {
			t.Errorf("%s HEAD: %d, %d bytes", coding, w.Code, w.Body.Len())
		}
	}

	one := get("/api/export/addresses?view=default&%24filter=artifact%2Fid%20eq%20'20.103.85.33'")
	if one.Body.String() != "20.103.85.33\n" || one.Header().Get("Dossier-Entries") != "1" {
		t.Errorf("with a filter: %q %v", one.Body, one.Header())
	}
	for path, want := range map[string]int{
		"/api/export/nope":                             http.StatusNotFound,
		"/api/export/domains?$filter=kind%20gt":        http.StatusBadRequest,
		"/api/export/domains?flter=x":                  http.StatusBadRequest,
		"/api/export/domains?minConfidence=x":          http.StatusBadRequest,
		"/api/export/domains?minConfidence=101":        http.StatusBadRequest,
		"/api/export/domains?audience=nobody":          http.StatusBadRequest,
		"/api/export/domains?view=all":                 http.StatusBadRequest,
		"/api/export/domains?max=1&max=2":              http.StatusBadRequest,
		"/api/export/domains?profile=no%20such%20name": http.StatusNotFound,
	} {
		if w := get(path); w.Code != want {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

// TestExportIsWhatTheListHas holds the plain list to the API's own answer for the same filter.
func TestExportIsWhatTheListHas(t *testing.T) {
	s, header := catalogueServer(t)
	w := ask(s, "GET", "/api/export/domains?view=default&%24filter=firstSeenDateTime%20ge%202024-01-01T00:00:00Z", "Authorization", header)
	if w.Code != 200 {
		t.Fatal(w.Code, w.Body)
	}
	listed := map[string]bool{}
	for l := range strings.Lines(w.Body.String()) {
		listed[strings.TrimSuffix(l, "\n")] = true
	}
	next := "/v1.0/security/threatIntelligence/intelligenceProfileIndicators?$top=1000&%24filter=firstSeenDateTime%20ge%202024-01-01T00:00:00Z"
	n := 0
	for next != "" {
		var page struct {
			Value []store.WireIndicator `json:"value"`
			Next  string                `json:"@odata.nextLink"`
		}
		if err := json.Unmarshal(ask(s, "GET", next, "Authorization", header).Body.Bytes(), &page); err != nil {
			t.Fatal(err)
		}
		for _, v := range page.Value {
			if v.Artifact.ODataType != "#microsoft.graph.security.hostname" {
				continue
			}
			if n++; !listed[v.Artifact.ID] {
				t.Errorf("the list lacks %s", v.Artifact.ID)
			}
		}
		_, next, _ = strings.Cut(page.Next, "/v1.0")
		if next != "" {
			next = "/v1.0" + next
		}
	}
	if n != len(listed) || n == 0 {
		t.Errorf("the API has %d, the list %d", n, len(listed))
	}
}
