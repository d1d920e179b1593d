package api

import (
	"encoding/json"
	"encoding/xml"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"dossier/internal/intel"
	"dossier/internal/observable"
)

// A feedPiece is what both forms have of an entry.
type feedPiece struct{ id, title, link, content, date string }

// readAtom reads a feed strictly by RFC 4287: the elements that must be there, once,
// and no others.
func readAtom(t *testing.T, body string) (id string, out []feedPiece) {
	t.Helper()
	type node struct {
		XMLName xml.Name
		Attrs   []xml.Attr `xml:",any,attr"`
		Nodes   []node     `xml:",any"`
		Text    string     `xml:",chardata"`
	}
	var feed node
	dec := xml.NewDecoder(strings.NewReader(body))
	if err := dec.Decode(&feed); err != nil {
		t.Fatalf("%v\n%s", err, body)
	}
	const ns = "http://www.w3.org/2005/Atom"
	if feed.XMLName != (xml.Name{Space: ns, Local: "feed"}) {
		t.Fatal(feed.XMLName)
	}
	attr := func(n node, name string) string {
		for _, a := range n.Attrs {
			if a.Name.Local == name {
				return a.Value
			}
		}
		return ""
	}
	check := func(n node, once, may []string) map[string]node {
		got := map[string]node{}
		for _, c := range n.Nodes {
			name := c.XMLName.Local
			_, twice := got[name]
			switch {
			case c.XMLName.Space != ns || !slices.Contains(once, name) && !slices.Contains(may, name):
				t.Errorf("%v in %s", c.XMLName, n.XMLName.Local)
			case twice && slices.Contains(once, name):
				t.Errorf("two %s in %s", name, n.XMLName.Local)
			}
			if _, err := time.Parse(time.RFC3339, c.Text); name == "updated" && err != nil {
				t.Error(err)
			}
			if u, err := url.Parse(c.Text); name == "id" && (err != nil || !u.IsAbs()) {
				t.Errorf("id %q: %v", c.Text, err)
			}
			if u, err := url.Parse(attr(c, "href")); name == "link" && (err != nil || !u.IsAbs()) {
				t.Errorf("link %q: %v", attr(c, "href"), err)
			}
			if name != "link" || attr(c, "rel") == "alternate" {
				got[name] = c
			}
		}
		for _, name := range once {
			if _, ok := got[name]; !ok {
				t.Errorf("no %s in %s", name, n.XMLName.Local)
			}
		}
		return got
	}
	head := check(feed, []string{"id", "title", "updated", "author", "generator"}, []string{"link", "entry"})
	for _, n := range feed.Nodes {
		if n.XMLName.Local == "entry" {
			e := check(n, []string{"id", "title", "updated", "content", "link"}, []string{"category", "summary"})
			if attr(e["content"], "type") != "html" || len(e["content"].Nodes) > 0 {
				t.Errorf("%+v", e["content"])
			}
			out = append(out, feedPiece{e["id"].Text, e["title"].Text, attr(e["link"], "href"), e["content"].Text, e["updated"].Text})
		}
	}
	if _, err := dec.Token(); err != nil && err != io.EOF {
		t.Error(err)
	}
	return head["id"].Text, out
}

// readJSONFeed reads a feed strictly by JSON Feed 1.1.
func readJSONFeed(t *testing.T, body string) (out []feedPiece) {
	t.Helper()
	var feed struct {
		Version string `json:"version"`
		Title   string `json:"title"`
		Home    string `json:"home_page_url"`
		URL     string `json:"feed_url"`
		Authors []struct {
			Name string `json:"name"`
		} `json:"authors"`
		Items *[]struct {
			ID        string   `json:"id"`
			URL       string   `json:"url"`
			Title     string   `json:"title"`
			Content   string   `json:"content_html"`
			Summary   string   `json:"summary"`
			Published string   `json:"date_published"`
			Tags      []string `json:"tags"`
		} `json:"items"`
	}
	dec := json.NewDecoder(strings.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&feed); err != nil || feed.Version != "https://jsonfeed.org/version/1.1" || feed.Title == "" || feed.Items == nil || len(feed.Authors) != 1 {
		t.Fatalf("%v\n%s", err, body)
	}
	for _, i := range *feed.Items {
		if _, err := time.Parse(time.RFC3339, i.Published); err != nil || i.ID == "" || i.Content == "" {
			t.Errorf("%+v: %v", i, err)
		}
		out = append(out, feedPiece{i.ID, i.Title, i.URL, i.Content, i.Published})
	}
	return out
}

func TestNewsFeeds(t *testing.T) {
	d := newDesk(t)
	now := time.Now().Add(time.Minute)
	d.st.Now = func() time.Time { return now }
	d.s.now = d.st.Now
	c := newChecker(t, d.s)
	both := func(query string) (id string, out []feedPiece) {
		t.Helper()
		a, j := d.do("GET", "/api/changes.atom"+query, ""), d.do("GET", "/api/changes.json"+query, "")
		if a.Code != 200 || j.Code != 200 {
			t.Fatalf("%s: %d %s, %d %s", query, a.Code, a.Body, j.Code, j.Body)
		}
		c.check(t, "GET", "/api/changes.atom"+query, a.Code, a.Header(), a.Body.Bytes())
		id, out = readAtom(t, a.Body.String())
		if other := readJSONFeed(t, j.Body.String()); !slices.Equal(out, other) {
			t.Errorf("Atom %v\nJSON %v", out, other)
		}
		ids := map[string]bool{}
		for i, p := range out {
			if ids[p.id] || i > 0 && p.date > out[i-1].date {
				t.Errorf("%d: %v", i, p)
			}
			ids[p.id] = true
		}
		return id, out
	}
	w := d.do("POST", "~/intelProfiles", `{"kind":"actor","title":"Egret <b>&\"","firstActiveDateTime":"2025-03-01T00:00:00Z","summary":{"content":"A <script>x</script>."},"description":{"content":"x"}}`)
	if w.Code != 201 {
		t.Fatal(w.Body)
	}
	var made struct{ ID string }
	_ = json.Unmarshal(w.Body.Bytes(), &made)
	feedID, first := both("?$filter=startswith(title,'Egret')")
	if len(first) != 1 || !strings.HasSuffix(first[0].title, `Egret <b>&" (actor): new`) || first[0].link != "http://dossier/profiles/"+made.ID || strings.Contains(first[0].content, "<script>") {
		t.Errorf("%v", first)
	}
	now = now.Add(5 * time.Second)
	if w := d.do("PATCH", "~/intelProfiles/"+made.ID, `{"aliases":["Grey Bird"]}`); w.Code != 200 {
		t.Fatal(w.Body)
	}
	again, second := both("?$filter=startswith(title,'Egret')")
	if len(second) != 2 || second[1] != first[0] || again != feedID || !strings.Contains(second[0].content, "aliases: nothing → Grey Bird") || !strings.Contains(second[0].content, "Your analysts") {
		t.Errorf("%v", second)
	}
	// Conditional requests.
	now = now.Add(5 * time.Second)
	full := d.do("GET", "/api/changes.atom", "")
	tag, modified := full.Header().Get("ETag"), full.Header().Get("Last-Modified")
	if w := d.do("GET", "/api/changes.atom", "", "If-None-Match", tag); w.Code != http.StatusNotModified || w.Body.Len() > 0 {
		t.Errorf("%d", w.Code)
	}
	if w := d.do("GET", "/api/changes.atom", "", "If-Modified-Since", modified); modified == "" || w.Code != http.StatusNotModified {
		t.Errorf("%d %q", w.Code, modified)
	}
	if w := d.do("DELETE", "~/intelProfiles/"+made.ID, ""); w.Code != 204 {
		t.Fatal(w.Body)
	}
	if w := d.do("GET", "/api/changes.atom", "", "If-Modified-Since", modified); w.Code != 200 {
		t.Errorf("%d", w.Code)
	}
	// What is gone is judged by what it was.
	if _, list := both("?$filter=startswith(title,'Egret')"); len(list) != 3 || !strings.HasSuffix(list[0].title, "gone") {
		t.Errorf("%v", list)
	}
	if _, list := both("?$filter=kind%20eq%20'tool'%20and%20startswith(title,'Egret')"); len(list) != 0 {
		t.Errorf("%v", list)
	}
	// Indicators: values are defanged, and what is gone is told without a filter.
	if w := d.do("POST", "~/intelligenceProfileIndicators", `{"source":"public","firstSeenDateTime":"2026-01-01T00:00:00Z","artifact":{"@odata.type":"#microsoft.graph.security.hostname","id":"news.example.com"}}`); w.Code != 201 {
		t.Fatal(w.Body)
	}
	if _, list := both("?of=indicators&limit=1&$filter=source%20eq%20'public'"); len(list) != 1 || list[0].title != "news[.]example[.]com (domain): new" {
		t.Errorf("%v", list)
	}
	now = now.Add(5 * time.Second)
	if w := d.do("DELETE", "~/intelligenceProfileIndicators/"+parsed(t, observable.Domain, "news.example.com").ID(), ""); w.Code != 204 {
		t.Fatal(w.Body)
	}
	if _, list := both("?of=indicators&limit=1"); len(list) != 1 || list[0].title != "news[.]example[.]com (domain): gone" {
		t.Errorf("%v", list)
	}
	for query, target := range map[string]string{
		"?filtre=x": "filtre", "?of=campaigns": "of", "?$filter=title": "$filter", "?$filter=indicators/any()": "$filter", "?limit=0": "limit", "?of=profiles&of=indicators": "of",
	} {
		var e struct{ Error errorBody }
		w := d.do("GET", "/api/changes.atom"+query, "")
		if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || w.Code != 400 || e.Error.Target != target {
			t.Errorf("%s: %d %s", query, w.Code, w.Body)
		}
	}
	if w := d.do("GET", "/api/changes.json?profile=nope", ""); w.Code != 404 {
		t.Errorf("%d", w.Code)
	}
}

// TestNewsRestricted: a client sees nothing of what is above its ceiling.
func TestNewsRestricted(t *testing.T) {
	d := newDesk(t)
	low := newToken(t, d.s, d.st, "low", intel.Clear, "ThreatIntelligence.Read.All")
	before := send(d.s, "GET", "/api/changes.atom", "", "Authorization", low).Body.String()
	w := d.do("POST", "~/intelProfiles", `{"kind":"actor","title":"Hidden Egret","firstActiveDateTime":"2025-03-01T00:00:00Z","summary":{"content":"x"},"description":{"content":"x"}}`, "Prefer", "dossier.tlp=amber")
	if w.Code != 201 {
		t.Fatal(w.Body)
	}
	if !strings.Contains(d.do("GET", "/api/changes.atom", "").Body.String(), "Hidden Egret") {
		t.Error("who may see it does not")
	}
	if after := send(d.s, "GET", "/api/changes.atom", "", "Authorization", low).Body.String(); after != before {
		t.Errorf("%s\n%s", before, after)
	}
}
