package api

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestReference checks that the page has everything that the document has, needs
// nothing else, and that its links lead somewhere.
func TestReference(t *testing.T) {
	s := guardedServer(fixtureStore(t, 0)) // no token is needed all the same
	w := ask(s, "GET", "/reference")
	if w.Code != 200 || w.Header().Get("Content-Type") != "text/html; charset=utf-8" {
		t.Fatalf("%d %s", w.Code, w.Header())
	}
	page := w.Body.String()
	style := regexp.MustCompile(`(?s)<style>(.*)</style>`).FindStringSubmatch(page)
	if style == nil {
		t.Fatal("no style")
	}
	sum := sha256.Sum256([]byte(style[1]))
	if policy := w.Header().Get("Content-Security-Policy"); !strings.Contains(policy, "style-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") || strings.Contains(policy, "unsafe") {
		t.Errorf("the policy %s does not allow the style sheet alone", policy)
	}
	for _, foreign := range []string{"<script", "<img", "<link", " src=", "style=", "url(", "@import"} {
		if strings.Contains(page, foreign) {
			t.Errorf("the page has %s", foreign)
		}
	}
	var ids []string
	for _, m := range regexp.MustCompile(` id="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		if slices.Contains(ids, m[1]) {
			t.Errorf("two elements have the id %s", m[1])
		}
		ids = append(ids, m[1])
	}
	for _, m := range regexp.MustCompile(` href="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		if id, here := strings.CutPrefix(m[1], "#"); here && !slices.Contains(ids, id) || !here && m[1] != "/" && m[1] != "/openapi.json" {
			t.Errorf("a link leads to %s", m[1])
		}
	}
	doc := s.document()
	for _, p := range doc.Paths {
		if !strings.Contains(page, p.Name+"</code>") {
			t.Errorf("the page does not have the path %s", p.Name)
		}
		for _, m := range p.Value.Methods {
			if !slices.Contains(ids, m.Value.ID) {
				t.Errorf("the page does not have %s", m.Value.ID)
			}
		}
	}
	for _, c := range doc.Components.Schemas {
		if !slices.Contains(ids, "type-"+anchor(c.Name)) {
			t.Errorf("the page does not have the type %s", c.Name)
		}
	}
	if !strings.Contains(page, "https://intel.example.org/beta") || strings.Contains(page, "dossier.invalid") {
		t.Error("the page does not name the public URL")
	}
}

// TestDescriptionHost: where no public URL is configured it comes from the request,
// and what a client writes there stays text.
func TestDescriptionHost(t *testing.T) {
	s := New(Config{Store: fixtureStore(t, 0)})
	for _, tt := range []struct{ path, want string }{
		{"/openapi.json", `http://a\"b</v1.0`},
		{"/reference", `http://a&#34;b&lt;/v1.0`},
	} {
		r := httptest.NewRequest("GET", tt.path, nil)
		r.Host = `a"b<`
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if !strings.Contains(w.Body.String(), tt.want) || strings.Contains(w.Body.String(), `a"b<`) {
			t.Errorf("%s: no %s", tt.path, tt.want)
		}
	}
}
