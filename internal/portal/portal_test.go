package portal

import (
	"fmt"
	"net/http"
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
		if csp := w.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") || strings.Contains(csp, "script-src") {
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
		if run := regexp.MustCompile("Ж+").FindAllString(regexp.MustCompile(`(?s)<div class="prose">.*?</div>|<section id="overview".*?</section>`).ReplaceAllString(w.Body.String(), ""), -1); len(run) == 0 {
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
