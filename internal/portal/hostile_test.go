package portal

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// elements are all that the pages consist of.
var elements = strings.Fields(`html head meta title link body a header img form input button main footer section article aside nav div span
	h1 h2 h3 h4 h5 h6 p ul ol li dl dt dd table thead tbody tr th td details summary small b strong em code pre blockquote br hr mark
	script label textarea figure figcaption svg rect text title ins del`)

// attributes are all that these have.
var attributes = strings.Fields(`lang charset name content rel href type src alt width height class id action role value placeholder aria-label
	autocomplete spellcheck scope aria-current open method for rows hidden data-copy download viewbox x y aria-hidden title`)

// check reads HTML as a browser does and reports everything that could act, or
// that leads elsewhere than to the web or to a page of the portal.
func check(t *testing.T, where, page string) {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatalf("%s: %v", where, err)
	}
	for n := range doc.Descendants() {
		switch n.Type {
		case html.CommentNode:
			t.Errorf("%s: comment %q", where, n.Data)
		case html.TextNode:
			if strings.ContainsAny(n.Data, "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069") {
				t.Errorf("%s: a text turns its direction: %q", where, n.Data)
			}
		case html.ElementNode:
			if !slices.Contains(elements, n.Data) {
				t.Errorf("%s: element %s", where, n.Data)
			}
			if n.Data == "script" && (n.FirstChild != nil || attribute(n, "src") == "") {
				t.Errorf("%s: a script in the page", where)
			}
			for _, a := range n.Attr {
				if !slices.Contains(attributes, a.Key) {
					t.Errorf("%s: attribute %s of %s", where, a.Key, n.Data)
				}
				ours := regexp.MustCompile(`^/static/(icon\.svg|app\.js\?[0-9a-f]+)$`)
				if a.Key == "src" && !ours.MatchString(a.Val) || a.Key == "action" && !slices.Contains([]string{"/", "/profiles", "/lookup", "/compare", "/articles"}, a.Val) {
					t.Errorf("%s: %s=%q of %s", where, a.Key, a.Val, n.Data)
				}
				if a.Key != "href" {
					continue
				}
				u, err := url.Parse(a.Val)
				web := err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
				own := err == nil && u.Scheme == "" && u.Host == "" && (strings.HasPrefix(a.Val, "/") && !strings.HasPrefix(a.Val, "//") || strings.HasPrefix(a.Val, "#"))
				if !web && !own {
					t.Errorf("%s: a link leads to %q", where, a.Val)
				}
				if rel := attribute(n, "rel"); web && !(strings.Contains(rel, "noreferrer") && strings.Contains(rel, "nofollow")) {
					t.Errorf("%s: the link to %s says rel=%q", where, a.Val, rel)
				}
			}
		}
	}
}

func attribute(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

// TestHostileText: what strangers write, into any field, is shown and never
// run.
func TestHostileText(t *testing.T) {
	h, _ := testPortal(t)
	for _, path := range []string{
		"/profiles", "/profiles?" + url.Values{"text": {hostile}, "origin": {hostile}, "sector": {hostile}, "source": {hostile}, "technique": {hostile}, "after": {hostile}}.Encode(),
		"/lookup?q=" + url.QueryEscape("evil.contoso.com "+hostile), "/indicator?value=evil.contoso.com", "/indicators/" + url.PathEscape(hostile), "/indicator?" + url.Values{"value": {hostile}}.Encode(), "/indicator?" + url.Values{"value": {hostile}, "kind": {hostile}}.Encode(),
		"/compare?a=quiet&b=bad", "/compare?" + url.Values{"a": {hostile}, "b": {"heron"}}.Encode(), "/changes?since=30d", "/changes?" + url.Values{"since": {hostile}}.Encode(),
	} {
		body := get(h, path).Body.String()
		check(t, path, body)
	}
	for _, path := range []string{"/", "/?q=" + url.QueryEscape("alert"), "/?q=" + url.QueryEscape(hostile), "/?after=" + url.QueryEscape(hostile), "/profiles/bad", "/profiles/" + url.PathEscape(hostile), "/articles", "/articles/" + badArticle} {
		body := get(h, path).Body.String()
		check(t, path, body)
		if path == "/profiles/bad" || path == "/articles/"+badArticle || strings.HasPrefix(path, "/?q=") {
			if !strings.Contains(body, "&lt;script&gt;alert(1)&lt;/script&gt;") {
				t.Errorf("%s does not show the text", path)
			}
			if !strings.Contains(body, "⟨U+202E⟩gpj.exe") {
				t.Errorf("%s does not show what turns the text", path)
			}
		}
	}
	body := get(h, "/profiles/bad").Body.String()
	if strings.Contains(body, "evil.contoso.com") {
		t.Error("the indicator is not defanged")
	}
	if !strings.Contains(body, `href="https://reports.contoso.com/`) {
		t.Error("the reference on the web is not linked")
	}
}

// FuzzPages: whatever is asked, the answer is a page, and harmless.
func FuzzPages(f *testing.F) {
	h, _ := testPortal(f)
	f.Add(hostile, "actor", "A", "")
	f.Add("heron", "", "", "AAAA")
	f.Add("\xff\u202e\x00", "tool", "é", "%")
	f.Add("(?i)[", "actor", "Z", "\n")
	f.Fuzz(func(t *testing.T, q, kind, from, after string) {
		for _, path := range []string{
			"/?" + url.Values{"q": {q}, "kind": {kind}, "from": {from}, "after": {after}}.Encode(),
			"/profiles/bad?" + url.Values{"after": {after}}.Encode(),
			"/profiles/" + url.PathEscape(q),
			"/profiles?" + url.Values{"text": {q}, "origin": {kind}, "sector": {from}, "sort": {kind}, "with": {from}, "after": {after}}.Encode(),
			"/lookup?" + url.Values{"q": {q}}.Encode(),
			"/indicator?" + url.Values{"value": {q}, "kind": {kind}}.Encode(),
			"/compare?" + url.Values{"a": {q}, "b": {kind}}.Encode(),
			"/changes?" + url.Values{"since": {q}}.Encode(),
			"/articles?" + url.Values{"q": {q}, "after": {after}}.Encode(),
			"/articles/" + badArticle + "?" + url.Values{"after": {after}}.Encode(),
		} {
			w := get(h, path)
			if w.Code >= 500 {
				t.Errorf("%s: status %d", path, w.Code)
			}
			if strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") && w.Code != 301 && w.Code != 303 && w.Code != 307 && w.Code != 308 {
				check(t, path, w.Body.String())
			}
		}
	})
}
