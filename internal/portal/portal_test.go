package portal

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"dossier/internal/intel"
	"dossier/internal/store"
)

func TestPages(t *testing.T) {
	h, _ := testPortal(t)
	for _, tt := range []struct {
		path   string
		status int
		parts  []string
	}{
		{"/", 200, []string{"Group 00", "Next page", "$orderby=title", "What to do next", "64</small>"}},
		{"/?kind=tool", 200, []string{"No profile holds these words"}},
		{"/?kind=nonsense", 200, []string{"Group 00"}},
		{"/?from=Q", 200, []string{"Quiet Heron", "Profiles from Q", `$filter=title ge &#39;\&#39;&#39;Q&#39;\&#39;&#39;`, "First page"}},
		{"/?from=Q&kind=actor", 200, []string{`$filter=kind eq &#39;\&#39;&#39;actor&#39;\&#39;&#39; and title ge `}},
		{"/?from=%27", 200, []string{"Group 00"}}, // no letter
		{"/?q=heron", 200, []string{"Quiet Heron", "2014", `--data-urlencode &#39;$search=&#34;heron&#34;&#39;`, "About Quiet <mark>Heron</mark>"}},
		{"/?q=grey+quiet+heron", 200, []string{"<mark>Grey Quiet Heron</mark>"}},
		{"/?q=%3Cb%3E%27%22", 200, []string{"No profile holds these words", "&lt;b&gt;"}},
		{"/?q=%FF%FE", 200, []string{"No profile holds these words"}}, // no text
		{"/?q=" + strings.Repeat("x", 5000), 200, []string{"No profile holds these words"}},
		{"/profiles/quiet", 200, []string{"Quiet Heron", "France", "from the source", "No source ties an indicator", "part of"}},
		{"/profiles/bad", 200, []string{"evil[.]contoso[.]com", "heard of"}},
		{"/profiles/large", 200, []string{"150 techniques", "137 more names"}},
		{"/profiles/bad", 200, []string{"Articles about it", "/articles/" + badArticle}},
		{"/profiles/bad", 200, []string{"Patterns, kept as their sources write them"}},
		{"/articles", 200, []string{"A quiet article", "/articles/" + badArticle, "$orderby=createdDateTime desc"}},
		{"/articles?q=quiet+article", 200, []string{"A quiet article", "Articles with “quiet article” <small>1</small>"}},
		{"/articles?q=nowhere+at+all", 200, []string{"No article holds these words"}},
		{"/articles/" + quietArticle, 200, []string{"A quiet article", "without indicators", "It lists no indicator"}},
		{"/articles/" + badArticle, 200, []string{"evil[.]contoso[.]com", "TLP:GREEN", `href="/profiles/bad"`, "quiet tag"}},
		{"/static/style.css", 200, []string{"prefers-color-scheme"}},
		{"/static/none.js", 404, nil},
		{"/static/", 404, nil},
	} {
		w := get(h, tt.path)
		if w.Code != tt.status {
			t.Errorf("%.60s: status %d, want %d", tt.path, w.Code, tt.status)
		}
		for _, part := range tt.parts {
			if !strings.Contains(w.Body.String(), part) {
				t.Errorf("%.60s lacks %q", tt.path, part)
			}
		}
		if csp := w.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") || !strings.Contains(csp, "script-src 'self';") {
			t.Errorf("%.60s: policy %q", tt.path, csp)
		}
	}
}

// TestOddPaths: what a stranger writes into an address gets a page with the
// reason.
func TestOddPaths(t *testing.T) {
	h, _ := testPortal(t)
	for _, tt := range []struct {
		path   string
		status int
		part   string
	}{
		{"/nowhere", 404, "There is nothing here"},
		{"/profiles/", 404, "There is nothing here"},
		{"/profiles/none", 404, "There is nothing here"},
		{"/profiles/quiet/", 404, "There is nothing here"},
		{"/profiles/quiet/names", 404, "There is nothing here"},
		{"/profiles/QUIET", 404, "There is nothing here"}, // ids do not match in another case
		{"/profiles/%2e%2e%2f%27", 404, "There is nothing here"},
		{"/profiles/%00", 404, "There is nothing here"},
		{"/profiles/%FF%FE", 404, "There is nothing here"},
		{"/profiles/%E2%80%AE%3Cscript%3E", 404, "There is nothing here"},
		{"/profiles/" + strings.Repeat("a", 100_000), 404, "There is nothing here"},
		{"/?after=garbage", 400, "does not belong to this query"},
		{"/?after=%FF%00%3Cscript%3E", 400, "does not belong to this query"},
		{"/?kind=tool&after=" + strings.Repeat("A", 10_000), 400, "does not belong to this query"},
		{"/articles/nope", 404, "There is nothing here"},
		{"/articles?after=x", 400, "does not belong to this query"},
		{"/articles/" + quietArticle + "?after=x", 400, "does not belong to this query"},
		{"/articles?q=%FF%FE", 400, "Not understood"},
		{"/profiles/quiet?after=%00", 400, "does not belong to this query"},
		{"/profiles/bad?after=eyJ9", 400, "does not belong to this query"},
	} {
		w := get(h, tt.path)
		if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.part) || !strings.Contains(w.Body.String(), `<a href="/">To the list`) {
			t.Errorf("%.60s: %d %.200s", tt.path, w.Code, w.Body)
		}
		check(t, tt.path[:min(60, len(tt.path))], w.Body.String())
	}
	// A token leads on in its own list only.
	next := regexp.MustCompile(`after=[^"#&]+`).FindString(get(h, "/").Body.String())
	if next == "" {
		t.Fatal("the home page has no next one")
	}
	if w := get(h, "/?"+next); w.Code != http.StatusOK {
		t.Errorf("the next page: %d", w.Code)
	}
	for _, path := range []string{"/?kind=tool&", "/?from=C&", "/profiles/bad?"} {
		if w := get(h, path+next); w.Code != http.StatusBadRequest {
			t.Errorf("%s with the token of another list: %d", path, w.Code)
		}
	}
}

// TestList: the list filters by everything that its facets show, counts right,
// and says the same in the API's language.
func TestList(t *testing.T) {
	h, _ := testPortal(t)
	for _, tt := range []struct {
		path  string
		parts []string
		lacks []string
	}{
		{"/profiles", []string{"64 profiles", "Next page", "1 to 50 of 64", "$orderby=title", `href="/profiles?origin=FR"`}, nil},
		{"/profiles?text=HERON", []string{"Quiet Heron", "Large Heron", "named “HERON”", "contains(title,"}, []string{"Group 00"}},
		{"/profiles?text=---", []string{"No profile has all of this"}, nil},
		{"/profiles?origin=FR&kind=actor", []string{"origin: France", "kind: actor", "countriesOrRegionsOfOrigin/any(o:o/code eq "}, nil},
		{"/profiles?origin=XX", []string{"No profile has all of this", "0 profiles"}, nil},
		{"/profiles?with=indicators", []string{"1 profile<", "indicators/$count gt 0"}, []string{"Quiet Heron"}},
		{"/profiles?sort=indicators", []string{"$orderby=indicators/$count desc"}, nil},
		{"/profiles?sort=nonsense&kind=nonsense&with=nonsense", []string{"64 profiles"}, nil},
		{"/profiles?source=p", []string{"is not in Graph’s model"}, nil},
		{"/profiles?after=nonsense", []string{"1 to 50 of 64"}, nil},
	} {
		w := get(h, tt.path)
		if w.Code != http.StatusOK {
			t.Errorf("%s: %d", tt.path, w.Code)
		}
		for _, part := range tt.parts {
			if !strings.Contains(w.Body.String(), part) {
				t.Errorf("%s lacks %q", tt.path, part)
			}
		}
		for _, part := range tt.lacks {
			if strings.Contains(w.Body.String(), ">"+part+"<") {
				t.Errorf("%s has %q", tt.path, part)
			}
		}
	}
}

// TestListPages: in each order the pages repeat nothing and leave nothing out,
// also when the last profile of a page is gone.
func TestListPages(t *testing.T) {
	h, _ := testPortal(t)
	link := regexp.MustCompile(`<th scope="row"><a href="(/profiles/[^"]+)"`)
	next := regexp.MustCompile(`<a href="([^"]+)" rel="next"`)
	for _, sort := range []string{"", "first", "indicators", "active"} {
		var got []string
		for path, n := "/profiles?sort="+sort, 0; path != "" && n < 5; n++ {
			body := get(h, path).Body.String()
			for _, m := range link.FindAllStringSubmatch(body, -1) {
				got = append(got, m[1])
			}
			path = ""
			if m := next.FindStringSubmatch(body); m != nil {
				path = strings.ReplaceAll(m[1], "&amp;", "&")
			}
		}
		slices.Sort(got)
		if n := len(slices.Compact(slices.Clone(got))); n != 64 || len(got) != 64 {
			t.Errorf("sorted by %q: %d rows, %d different, of 64", sort, len(got), n)
		}
	}
}

// TestListGoesOn: a page begins where it should when the last profile of the former
// is gone, or has changed.
func TestListGoesOn(t *testing.T) {
	var rows []*entry
	for i := range 10 {
		rows = append(rows, &entry{id: fmt.Sprint(i), sort: fmt.Sprint("t", i/2), indicators: int64(9 - i/4)})
	}
	for name, order := range orders {
		for i, e := range rows {
			place := placeOf(e, name)
			if got := startAfter(rows, place, order); got != i+1 {
				t.Errorf("%q: behind %d comes %d", name, i, got)
			}
			if got := startAfter(slices.Delete(slices.Clone(rows), i, i+1), place, order); got != i {
				t.Errorf("%q: %d is gone, then comes %d", name, i, got)
			}
		}
	}
}

// TestLookup: whatever is typed or pasted leads to the page that answers it.
func TestLookup(t *testing.T) {
	h, _ := testPortal(t)
	for _, tt := range []struct{ q, at string }{
		{"evil[.]contoso[.]com", "/indicator?kind=domain&value=evil.contoso.com"},
		{"hxxps://evil.contoso[.]com/x", "/indicator?kind=url&value="},
		{"8.8.8.8", "/indicator?kind=ipAddress&value=8.8.8.8"},
		{"seen 8.8.8.8 and evil.contoso.com", "/lookup?q="},
		{"8.8.8.8 8.8.4.4", "/lookup?q="},
		{"quiet heron", ""},
		{"G0007", ""},
	} {
		w := get(h, "/?q="+url.QueryEscape(tt.q))
		if at := w.Header().Get("Location"); !strings.HasPrefix(at, tt.at) || (at == "") != (tt.at == "") {
			t.Errorf("%q leads to %d %q, want %q", tt.q, w.Code, at, tt.at)
		}
	}
	body := get(h, "/lookup?q="+url.QueryEscape("8.8.8.8, evil[.]contoso[.]com; www.evil.contoso.com 10.0.0.1")).Body.String()
	for _, part := range []string{"1 unknown", "evil[.]contoso[.]com is known", "8[.]8[.]8[.]8"} {
		if !strings.Contains(body, part) {
			t.Errorf("the look-up lacks %q", part)
		}
	}
	post := func(text string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("POST", "/lookup", strings.NewReader(url.Values{"q": {text}}.Encode()))
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	if w := post("x 8.8.8.8"); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "8[.]8[.]8[.]8") {
		t.Errorf("a post: %d", w.Code)
	}
	if w := post(strings.Repeat("x", maxPasted)); w.Code != http.StatusRequestEntityTooLarge || !strings.Contains(w.Body.String(), "dossier hunt") {
		t.Errorf("a long post: %d", w.Code)
	}
	var many strings.Builder
	for i := range maxValues + 5 {
		fmt.Fprintf(&many, "n%d.contoso.com\n", i)
	}
	if w := post(many.String()); !strings.Contains(w.Body.String(), "There are more values") {
		t.Error("more values than are looked up are not told of")
	}
	for path, parts := range map[string][]string{
		"/indicator?value=evil.contoso.com":     {"Whose is it?", "What is it worth, and why?", "Who says so?", "reputation", "api/lookup"},
		"/indicator?value=www.evil.contoso.com": {"No source names this value", "What it stands on", "evil[.]contoso[.]com"},
		"/indicator?value=contoso.com":          {"No source names this value", "On this host and below it", "evil[.]contoso[.]com"},
	} {
		w := get(h, path)
		for _, part := range parts {
			if !strings.Contains(w.Body.String(), part) {
				t.Errorf("%s (%d) lacks %q", path, w.Code, part)
			}
		}
	}
	link := regexp.MustCompile(`/indicators/[0-9a-f-]{36}`).FindString(get(h, "/profiles/bad").Body.String())
	if w := get(h, link); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "evil[.]contoso[.]com") {
		t.Errorf("the profile's indicator leads to %q: %d", link, w.Code)
	}
	if w := get(h, "/indicators/none"); w.Code != http.StatusNotFound {
		t.Errorf("no indicator: %d", w.Code)
	}
	for _, path := range []string{"/indicator", "/indicator?value=no+value", "/indicator?value=10.0.0.1"} {
		if w := get(h, path); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "no value that can be looked up") {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

// TestCompare: two names, or what each may mean.
func TestCompare(t *testing.T) {
	h, _ := testPortal(t)
	for path, parts := range map[string][]string{
		"/compare":                             {"Give two names"},
		"/compare?a=Quiet+Heron&b=Large+Heron": {"In common", "Only", "Indicators in common", "None."},
		"/compare?a=Quiet+Heron&b=nobody":      {"No profile is called “nobody”"},
		"/compare?a=heron&b=quiet":             {"“heron” may mean", "Quiet Heron", "Large Heron"},
	} {
		w := get(h, path)
		for _, part := range parts {
			if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), part) {
				t.Errorf("%s (%d) lacks %q", path, w.Code, part)
			}
		}
	}
}

// TestChangesPage: what came is new, and a wrong time is said to be one.
func TestChangesPage(t *testing.T) {
	h, _ := testPortal(t)
	for path, part := range map[string]string{
		"/changes?since=2000-01-01": "Quiet Heron", "/changes?since=nonsense": "nonsense", "/changes": "api/changes",
	} {
		if w := get(h, path); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), part) {
			t.Errorf("%s (%d) lacks %q", path, w.Code, part)
		}
	}
}

// TestMoved: a former id leads to the profile, whatever characters it has.
func TestMoved(t *testing.T) {
	h, s := testPortal(t)
	odd := "odd/id ?#%'\"<b>"
	d := dossier(odd, "Odd Heron", intel.Ref{Publisher: "p", Key: "odd"})
	if _, _, err := s.PutDerived(t.Context(), []*store.Derived{derived(d)}, nil); err != nil {
		t.Fatal(err)
	}
	w := get(h, "/profiles/old-"+"odd%2Fid%20%3F%23%25%27%22%3Cb%3E")
	at := w.Header().Get("Location")
	if w.Code != http.StatusMovedPermanently || at != "/profiles/odd%2Fid%20%3F%23%25%27%22%3Cb%3E" {
		t.Fatalf("%d %s", w.Code, at)
	}
	if w := get(h, at); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "Odd Heron") {
		t.Errorf("%s: %d", at, w.Code)
	}
	if body := get(h, "/?q=odd+heron").Body.String(); !strings.Contains(body, `href="/profiles/odd%2Fid%20%3F%23%25%27%22%3Cb%3E"`) {
		t.Errorf("the search does not link to the odd id: %s", body)
	}
}

// TestNothingTwice: the pages of the list repeat nothing and leave nothing out.
func TestNothingTwice(t *testing.T) {
	h, _ := testPortal(t)
	link := regexp.MustCompile(`<th scope="row"><a href="(/profiles/[^"]+)"`)
	var got []string
	path := "/"
	for range 3 {
		body := get(h, path).Body.String()
		for _, m := range link.FindAllStringSubmatch(body, -1) {
			got = append(got, m[1])
		}
		next := regexp.MustCompile(`<a href="([^"]+)" rel="next"`).FindStringSubmatch(body)
		if next == nil {
			break
		}
		path = strings.ReplaceAll(next[1], "&amp;", "&")
	}
	slices.Sort(got)
	if n := len(slices.Compact(slices.Clone(got))); n != 64 || len(got) != 64 {
		t.Errorf("%d rows, %d different, of 64", len(got), n)
	}
}

// TestCounted: what the home page counts follows what is written.
func TestCounted(t *testing.T) {
	h, s := testPortal(t)
	if body := get(h, "/").Body.String(); !strings.Contains(body, "with 1 indicators") {
		t.Fatal("the home page does not count one indicator")
	}
	if err := observe(t.Context(), s, intel.Ref{Publisher: "p", Key: "k"}, "worse.contoso.com", "8.8.4.4"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.FoldIndicators(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if body := get(h, "/").Body.String(); !strings.Contains(body, "with 3 indicators") {
		t.Error("the home page does not see what was written since")
	}
}

// TestLarge: of a profile with much of everything the beginning is in sight,
// and all of it is on the page.
func TestLarge(t *testing.T) {
	h, _ := testPortal(t)
	body := get(h, "/profiles/large").Body.String()
	open := regexp.MustCompile(`(?s)<details class="(more|part)">.*?</details>`).ReplaceAllString(body, "")
	for i := range 150 {
		for _, text := range []string{"Alias %03d", "Technique %03d", "Report %03d", "Tool %03d", "Chapter %03d"} {
			if text := fmt.Sprintf(text, i); !strings.Contains(body, text) {
				t.Errorf("the page lacks %s", text)
			}
		}
	}
	for word, most := range map[string]int{"Alias ": 40, "Technique ": 30, "Report ": 20, "Tool ": 50, "Chapter ": 40} {
		if n := strings.Count(open, word); n == 0 || n > most {
			t.Errorf("%d of %q are in sight, want at most %d", n, word, most)
		}
	}
	if !strings.Contains(open, "Report 149") {
		t.Error("the newest report is not in sight")
	}
}

// TestLongNames: a name of thousands of characters does not fill a page.
func TestLongNames(t *testing.T) {
	h, _ := testPortal(t)
	for _, path := range []string{"/?q=" + strings.Repeat("%D0%96", 40), "/profiles/long"} {
		w := get(h, path)
		if run := regexp.MustCompile("Ж+").FindAllString(regexp.MustCompile(`(?s)<div class="prose">.*?</div>|<section id="(overview|json)".*?</section>`).ReplaceAllString(w.Body.String(), ""), -1); len(run) == 0 {
			t.Errorf("%.20s does not show the name", path)
		} else {
			for _, r := range run {
				if n := utf8.RuneCountInString(r); n > 1000 {
					t.Errorf("%.20s: a name takes %d characters", path, n)
				}
			}
		}
	}
}

// TestFeedLinks: feed readers find the feeds of a page.
func TestFeedLinks(t *testing.T) {
	h, _ := testPortal(t)
	for path, want := range map[string]string{
		"/":           `type="application/atom&#43;xml" title="What changes" href="/api/changes.atom"`,
		"/changes":    `title="What changes in indicators" href="/api/changes.json?of=indicators"`,
		"/?kind=tool": `href="/api/changes.json?filter=kind&#43;eq&#43;%27tool%27"`,
	} {
		if body := get(h, path).Body.String(); !strings.Contains(body, want) {
			t.Errorf("%s: no %s in %.1200s", path, want, body)
		}
	}
}
