package portal

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dossier/internal/intel"
	"dossier/internal/observable"
	"dossier/internal/store"
)

// hostile is a text as an adversary would put it into a feed.
const hostile = "<script>alert(1)</script><img src=x onerror=alert(2)> [a](javascript:alert(3)) \"'>\u202e"

func testPortal(t testing.TB) http.Handler {
	t.Helper()
	s, _, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "p.db"), store.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	ref := intel.Ref{Publisher: "p", Key: "k"}
	profile := func(id, title string) *store.Derived {
		d := &intel.Dossier{
			Profile: intel.Profile{
				ID: id, Kind: intel.Actor, Title: title, FirstActive: intel.YearDate(2014, "").At, Aliases: []string{"Grey " + title}, Targets: []string{title},
				Origins: []intel.CountryOfOrigin{{Label: "France", Code: "FR"}},
				Summary: intel.Text("About " + title), Description: intel.Markdown("## Snapshot\r\n\r\nAbout " + title), Tradecraft: new(intel.Markdown("- " + title)),
			},
			Names:       []intel.NameClaim{{Name: intel.Name{Value: title, CoinedBy: title}, From: ref, Alias: true}},
			References:  []intel.Sourced[intel.Reference]{{Value: intel.Reference{Title: title, URL: "javascript:alert(4)"}}},
			IDs:         []intel.Sourced[intel.ExternalID]{{Value: intel.ExternalID{Issuer: "x", ID: title, URL: "javascript:alert(5)"}}},
			Records:     []intel.RecordUse{{Ref: ref, Title: title, Reason: title}},
			FirstActive: intel.Sourced[intel.Date]{Value: intel.YearDate(2014, intel.BasisProse), From: ref},
		}
		return &store.Derived{ID: id, Lo: intel.Clear, Hi: intel.Red, Members: []intel.Ref{ref}, Former: []string{"old-" + id}, Fold: func() *intel.Dossier { return d }}
	}
	b, err := s.Begin(t.Context(), store.FromImport)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Rollback()
	o, err := observable.Parse("evil.contoso.com")
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Observe(t.Context(), &intel.Observation{Publisher: "p", Observable: o, Subjects: []intel.Ref{ref}}); err != nil {
		t.Fatal(err)
	}
	if err := b.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	quiet := profile("quiet", "Quiet Heron")
	quiet.Members = nil
	profiles := []*store.Derived{profile("bad", hostile), quiet}
	for i := range 60 {
		d := profile(fmt.Sprintf("n%02d", i), fmt.Sprintf("Group %02d", i))
		d.Members = nil
		profiles = append(profiles, d)
	}
	if _, _, err := s.PutDerived(t.Context(), profiles, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := s.FoldIndicators(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	return New(Config{Store: s, Ceiling: intel.Red, Version: "dossier test", Now: func() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }})
}

func get(h http.Handler, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Host = "127.0.0.1:8080"
	h.ServeHTTP(w, r)
	return w
}

func TestPages(t *testing.T) {
	h := testPortal(t)
	for _, tt := range []struct {
		path   string
		status int
		parts  []string
	}{
		{"/", 200, []string{"Group 00", "Next page", "$orderby=title", "What to do next"}},
		{"/?kind=tool", 200, []string{"No profile holds these words"}},
		{"/?kind=nonsense", 200, []string{"Group 00"}},
		{"/?q=heron", 200, []string{"Quiet Heron", "2014", `--data-urlencode &#39;$search=&#34;heron&#34;&#39;`}},
		{"/?q=%3Cb%3E%27%22", 200, []string{"No profile holds these words", "&lt;b&gt;"}},
		{"/profiles/quiet", 200, []string{"Quiet Heron", "France", "from the source", "No source ties an indicator"}},
		{"/profiles/bad", 200, []string{"evil[.]contoso[.]com"}},
		{"/profiles/none", 404, []string{"There is nothing here"}},
		{"/profiles/%2e%2e%2f%27", 404, []string{"There is nothing here"}},
		{"/nowhere", 404, []string{"There is nothing here"}},
		{"/?after=garbage", 400, []string{"does not belong to this query"}},
		{"/profiles/quiet?after=%00", 400, []string{"does not belong to this query"}},
		{"/static/style.css", 200, []string{"prefers-color-scheme"}},
		{"/static/none.js", 404, nil},
	} {
		w := get(h, tt.path)
		if w.Code != tt.status {
			t.Errorf("%s: status %d, want %d", tt.path, w.Code, tt.status)
		}
		for _, part := range tt.parts {
			if !strings.Contains(w.Body.String(), part) {
				t.Errorf("%s lacks %q", tt.path, part)
			}
		}
		if csp := w.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: policy %q", tt.path, csp)
		}
	}
	if w := get(h, "/profiles/old-quiet"); w.Code != http.StatusMovedPermanently || w.Header().Get("Location") != "/profiles/quiet" {
		t.Errorf("a superseded id: %d %s", w.Code, w.Header().Get("Location"))
	}
}

// TestHostileText: what strangers write is shown, never run.
func TestHostileText(t *testing.T) {
	h := testPortal(t)
	for _, path := range []string{"/", "/?q=" + url.QueryEscape("alert"), "/?q=" + url.QueryEscape(hostile), "/profiles/bad"} {
		body := get(h, path).Body.String()
		for _, bad := range []string{"<script", "<img src=x", "onerror=alert(2)>"} {
			if strings.Contains(body, bad) || strings.Contains(body, `href="javascript`) {
				t.Errorf("%s holds %q", path, bad)
			}
		}
	}
}

// FuzzMarkdown: whatever the text, the HTML has no script in any form.
func FuzzMarkdown(f *testing.F) {
	f.Add(hostile)
	f.Add("[x](java\tscript:alert(1)) <a href=\"data:text/html,x\">y</a>")
	f.Add("<svg/onload=alert(1)> ![x](http://a/\"onerror=\"alert(1))")
	f.Add("> quote\r\n\r\n- list\r\n```html\r\n<script>\r\n```")
	f.Fuzz(func(t *testing.T, s string) {
		html, err := markdown(s)
		if err != nil {
			t.Fatal(err)
		}
		lower := strings.ToLower(string(html))
		for _, bad := range []string{"<script", "<img", "<svg", "<iframe", "<style", `href="javascript`, `href="data`, " onerror=\"", " onload=\"", " style=\""} {
			if strings.Contains(lower, bad) {
				t.Errorf("%q became %q, which holds %s", s, html, bad)
			}
		}
	})
}
