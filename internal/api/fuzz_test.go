package api

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// FuzzServe checks that whatever a client writes in a URL gets a whole answer: no
// panic, no status of 500, JSON or the two other types, and the headers.
func FuzzServe(f *testing.F) {
	s := fixtureServer(fixtureStore(f, 4))
	for _, seed := range []string{
		ti + "/intelProfiles?$top=2&$filter=kind eq 'actor'&$expand=indicators($top=1)", "/beta//security/threatIntelligence/intelProfiles('x')",
		ti + "/intelProfiles/" + aquaID + "/indicators/$count?$filter=lastSeenDateTime eq null", "/v1.0/$metadata", "/%zz", "/v1.0/%ff", "//", "/v1.0/..//",
		ti + "/intelligenceProfileIndicators?$orderby=lastSeenDateTime desc&$skiptoken=x", ti + "/intelProfiles?$search=\"a\" OR b NOT c",
		"/api/lookup?value=hxxp://a[.]b&value=%00", "/api/search?q=%25&limit=9", "/api/names?name='", ti + "/intelProfiles?$format=application/json;odata.metadata=none",
		ti + "/intelProfiles?$select=*,title&view=all", ti + "/hosts/x/reputation", "/healthz?", "/reference", "/openapi.json", "/v1.0/security/threatIntelligence?$select=id",
	} {
		path, query, _ := strings.Cut(seed, "?")
		f.Add("GET", path, query)
	}
	f.Add("PATCH", "/v1.0", "")
	f.Fuzz(func(t *testing.T, method, path, query string) {
		if method == "" || len(method) > 20 {
			method = http.MethodGet
		}
		u := &url.URL{RawPath: path, RawQuery: query}
		var err error
		if u.Path, err = url.PathUnescape(path); err != nil {
			u.Path, u.RawPath = path, "" // what a server would never hand on
		}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Method, r.URL = method, u
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code >= 500 && w.Code != 501 {
			t.Errorf("%s %q ? %q: status %d: %s", method, path, query, w.Code, w.Body)
		}
		checkAnswer(t, method+" "+path+"?"+query, r, w)
	})
}
