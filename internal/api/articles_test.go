package api

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"dossier/internal/intel"
	"dossier/internal/observable"
	"dossier/internal/profile"
	"dossier/internal/store"
)

// articleID is the id of the fixture's first article.
const articleID = exampleArticleID

const readArticles = "value/*/id value/*/title"

// fixtureArticles are a full one, of which a restricted value is a part; an empty
// one; and one that is restricted.
func fixtureArticles(t testing.TB) []*intel.Article {
	day := func(d int) intel.Time { return intel.TimeOf(time.Date(2025, 3, d, 0, 0, 0, 0, time.UTC)) }
	full := &intel.Article{
		Ref: intel.Ref{Publisher: intel.Maltrail, Key: "report-1"}, Title: "Snakes on a <plane>", Created: day(1), Modified: day(2) + 7,
		Body: "It reads **keys** and very\nlittle else.", Tags: []string{"keylogger", "OSINT"}, Image: "https://example.org/snake.png", Featured: true,
		References: []intel.Reference{{Title: "The report", URL: "https://example.org/report_(1)"}},
	}
	full.About(refTo(snakeID), intel.Clear)
	for _, v := range []struct {
		kind  observable.Kind
		value string
		tlp   intel.TLP
	}{
		{observable.Domain, "shared.example.com", intel.Clear},
		{observable.Domain, "nobody.example.com", intel.Amber},
		{observable.Domain, "restricted.example.com", intel.Clear}, // what is known of it is amber
		{observable.Domain, "withdrawn.example.com", intel.Clear},
		{observable.IPAddress, "2001:67c::1", intel.Clear},
		{observable.IPAddress, "20.103.85.33", intel.Clear},
		{observable.SHA256, strings.Repeat("0f", 32), intel.Clear},
	} {
		full.List(parsed(t, v.kind, v.value), v.tlp)
	}
	empty := &intel.Article{Ref: intel.Ref{Publisher: intel.Maltrail, Key: "report-2"}, Title: "Nothing"}
	secret := &intel.Article{Ref: intel.Ref{Publisher: intel.Maltrail, Key: "report-3"}, Title: "Secret plane", Created: day(3), TLP: intel.Amber}
	secret.About(refTo(snakeID), intel.Amber)
	secret.List(parsed(t, observable.Domain, "shared.example.com"), intel.Amber)
	return []*intel.Article{full, empty, secret}
}

func putArticles(t testing.TB, s *store.Store, list ...*intel.Article) {
	t.Helper()
	b, err := s.Begin(t.Context(), store.FromImport)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Rollback()
	for _, a := range list {
		if _, err := b.Article(t.Context(), a, profile.Article(a, intel.PublisherOf(a.Publisher))); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestArticles asks for what each ceiling sees of the fixture's articles.
func TestArticles(t *testing.T) {
	st := fixtureStore(t, 0)
	open := fixtureServer(st)
	amber := New(Config{Store: st, Ceiling: intel.Amber})
	count := func(s *Server, path string) string {
		t.Helper()
		w := ask(s, "GET", ti+path)
		if w.Code != 200 {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
		return w.Body.String()
	}
	for _, tt := range []struct{ path, open, amber string }{
		{"/articles/$count", "2", "3"},
		{"/articles/" + articleID + "/indicators/$count", "4", "6"},
		{"/articles/" + articleID + "/indicators/$count?view=all", "5", "7"},
		{"/articleIndicators/$count", "4", "6"}, // each once
		{"/articles/$count?$search=plane", "1", "2"},
		{`/articles/$count?$search="tags:osint"`, "1", "1"},
		{"/articles/$count?$search=little%20AND%20keys", "1", "1"},
		{"/articles/$count?$filter=isFeatured", "1", "1"},
		{"/articles/$count?$filter=isFeatured%20eq%20false%20and%20imageUrl%20eq%20null", "1", "2"},
		{"/articles/$count?$filter=tags/any(t:t%20eq%20'KEYLOGGER')", "1", "1"},
		{"/articles/$count?$filter=createdDateTime%20lt%202025-03-03T00:00:00Z", "1", "1"},
		{"/articles/$count?$filter=indicators/any(i:i/artifact/id%20eq%20'shared.example.com')", "1", "2"},
		{"/articles/$count?$filter=indicators/any(i:i/id%20eq%20'c2hhcmVkLmV4YW1wbGUuY29t')", "1", "2"},
		{"/articles/$count?$filter=indicators/any(i:i/artifact/id%20eq%20'nobody.example.com')", "0", "1"},
		{"/articles/$count?$filter=indicators/$count%20gt%205", "0", "1"},
		{"/articles/$count?$filter=not%20indicators/any()", "1", "1"},
		{"/articleIndicators/$count?$filter=id%20in%20('c2hhcmVkLmV4YW1wbGUuY29t','x')", "1", "1"},
		{"/articleIndicators/$count?$filter=artifact/microsoft.graph.security.ipAddress/id%20ne%20null", "2", "2"},
	} {
		if got := count(open, tt.path); got != tt.open {
			t.Errorf("%s: %s, want %s", tt.path, got, tt.open)
		}
		if got := count(amber, tt.path); got != tt.amber {
			t.Errorf("%s at amber: %s, want %s", tt.path, got, tt.amber)
		}
	}
	// A restricted article is none for those below.
	var secret string
	for _, raw := range read(t, ask(amber, "GET", ti+"/articles?$filter=title%20eq%20'Secret%20plane'")).Value {
		secret = strings.Split(string(raw), `"id":"`)[1][:8]
	}
	for _, path := range []string{"", "/indicators", "/indicators/c2hhcmVkLmV4YW1wbGUuY29t", "/indicators/$count"} {
		if w := ask(open, "GET", ti+"/articles/"+secret+path); w.Code != 404 {
			t.Errorf("%s of a restricted article: %d", path, w.Code)
		}
		if w := ask(amber, "GET", ti+"/articles/"+secret+path); w.Code != 200 {
			t.Errorf("%s of a restricted article at amber: %d", path, w.Code)
		}
	}
}

// TestArticlePages walks the pages of what is served in the order of ids.
func TestArticlePages(t *testing.T) {
	s := fixtureServer(fixtureStore(t, 0))
	for _, path := range []string{"/articleIndicators", "/articles/" + articleID + "/indicators", "/articles"} {
		var ids []string
		for next := ti + path + "?$top=1"; next != ""; {
			b := read(t, ask(s, "GET", next))
			for _, raw := range b.Value {
				ids = append(ids, strings.Split(strings.Split(string(raw), `"id":"`)[1], `"`)[0])
			}
			next = strings.TrimPrefix(b.Next, "https://intel.example.org")
		}
		want := map[string]int{"/articles": 2}[path]
		if want == 0 {
			want = 4
		}
		if len(ids) != want {
			t.Errorf("%s: %d rows, want %d: %q", path, len(ids), want, ids)
		}
		for i, id := range ids {
			if i > 0 && ids[i-1] >= id {
				t.Errorf("%s: %s after %s", path, id, ids[i-1])
			}
			home := strings.TrimSuffix(path, "/indicators") + "/" + url.PathEscape(id)
			if strings.HasSuffix(path, "/indicators") {
				home = "/articleIndicators/" + url.PathEscape(id)
			}
			if w := ask(s, "GET", ti+home); w.Code != 200 || w.Header().Get("ETag") == "" {
				t.Errorf("%s: %d", home, w.Code)
			} else if again := ask(s, "GET", ti+home, "If-None-Match", w.Header().Get("ETag")); again.Code != 304 {
				t.Errorf("%s with its ETag: %d", home, again.Code)
			}
		}
	}
}
