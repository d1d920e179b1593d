package portal

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"dossier/internal/intel"
)

func TestParts(t *testing.T) {
	long := strings.Repeat("word ", longPart/5)
	for _, tt := range []struct {
		in   string
		want string // the parts' titles, + before open ones
	}{
		{"", ""},
		{"one", "+"},
		{"one\r\n\r\n## Two\r\n\r\ntwo\r\n\r\n### Sub\r\n\r\nsub\r\n\r\n# Three\r\n\r\nthree", "+|+Two|+Three"},
		{"## Empty\n\n## Two\n\ntwo", "+Empty|+Two"},
		{"## *A* `b` [c](https://contoso.com/) <i>d</i>\n\ntext", "+A b c d"},
		{"## One\n\n" + strings.Repeat("x", 900) + "\n\n## Two\n\n" + strings.Repeat("x", 900), "+One|Two"}, // over the budget of 1000
		{"## One\n\n" + long + "\n\n" + long + "\n\n## Two\n\ntwo", "One|One (continued)|Two"},              // too long to read at once
		{long + "\n\n" + long, "|(continued)"},
		{strings.Repeat("[a](", maxMarks+1), ""}, // no prose
	} {
		got, err := parts(tt.in, 1000)
		if err != nil {
			t.Fatal(err)
		}
		var titles []string
		for _, p := range got {
			titles = append(titles, strings.TrimSpace(map[bool]string{true: "+"}[p.Open]+p.Title))
		}
		if s := strings.Join(titles, "|"); s != tt.want {
			t.Errorf("%.60q: %s, want %s", tt.in, s, tt.want)
		}
	}
}

// TestMarkdown: what a text may have, and what becomes of the rest.
func TestMarkdown(t *testing.T) {
	for in, want := range map[string]string{
		"*a* **b** `c`":                      "<p><em>a</em> <strong>b</strong> <code>c</code></p>",
		"[a](https://contoso.com/x?y=1&z=2)": `<p><a href="https://contoso.com/x?y=1&amp;z=2" rel="nofollow noreferrer">a</a></p>`,
		"[a](javascript:alert(1))":           "<p>a</p>",
		"[a](JaVaScRiPt:alert(1))":           "<p>a</p>",
		"[a](  data:text/html;base64,xx)":    "<p>a</p>",
		"<javascript:alert(1)>":              "<p>javascript:alert(1)</p>",
		"![a](https://contoso.com/x.png)":    "<p></p>",
		"a <b onclick=x>b</b>":               "<p>a b</p>",
		"<script>alert(1)</script>":          "",
		"### a\n\n# b":                       "<h4>a</h4>",
		"> a\n> # b":                         "<blockquote>\n<p>a</p>\n<h4>b</h4>\n</blockquote>",
	} {
		got, err := parts(in, 1000)
		if err != nil {
			t.Fatal(err)
		}
		html := ""
		if len(got) > 0 {
			html = strings.TrimSpace(string(got[0].Body))
		}
		if html != want {
			t.Errorf("%q became %q, want %q", in, html, want)
		}
	}
}

// TestMarks: a text made to keep the reader busy is shown as it is, at once.
func TestMarks(t *testing.T) {
	for _, mark := range []string{"[a](", "> ", "- ", "* ", "+ "} {
		start := time.Now()
		got, err := parts(strings.Repeat(mark, 100_000)+"<b>", 1<<30)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != 1 || !strings.HasPrefix(string(got[0].Body), "<pre>") || !strings.HasSuffix(string(got[0].Body), "&lt;b&gt;</pre>") {
			t.Errorf("%q is not shown as it is", mark)
		}
		if d := time.Since(start); d > 5*time.Second {
			t.Errorf("%q takes %v", mark, d)
		}
	}
}

func TestPassage(t *testing.T) {
	p := &intel.Profile{
		Summary:     intel.Text("A group. " + strings.Repeat("Ж", 300)),
		Description: intel.Markdown("## Healthcare\r\n\r\nIt *targets* [hospitals](https://contoso.com/) and healthcare in many countries."),
		Targets:     []string{"Energy: Nuclear"},
	}
	for query, want := range map[string]string{
		"HOSPITALS":        "It targets |hospitals| and healthcare in many countries.",
		"healthcare":       "It targets hospitals and |healthcare| in many countries.", // not the heading
		"nuclear":          "Energy: |Nuclear|",
		"group healthcare": "A |group|. …",
		"(":                "A group. Ж", // nowhere: the summary
		"\xff":             "A group. Ж",
	} {
		s := passage(p, query)
		got := strings.TrimSpace(s.Before)
		if s.Match != "" {
			got = s.Before + "|" + s.Match + "|" + s.After
		}
		if got = regexp.MustCompile("Ж+.*").ReplaceAllString(got, "Ж"); got != want {
			t.Errorf("%q: %s, want %s", query, got, want)
		}
	}
}

func TestWebLink(t *testing.T) {
	for in, want := range map[string]string{
		"https://contoso.com/a b": "https://contoso.com/a%20b", "http://contoso.com": "http://contoso.com", "HTTPS://contoso.com": "https://contoso.com",
		"": "", "javascript:alert(1)": "", "//contoso.com": "", "https:/x": "", "ftp://contoso.com": "", "https://%zz": "", "\x00https://contoso.com": "",
	} {
		if got := webLink(in); got != want {
			t.Errorf("webLink(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestShorten(t *testing.T) {
	for _, tt := range []struct{ all, n, head int }{{0, 5, 0}, {5, 5, 5}, {6, 5, 6}, {7, 5, 5}, {12, 10, 12}, {13, 10, 10}} {
		s := shorten(make([]int, tt.all), tt.n)
		if len(s.Head) != tt.head || s.Len() != tt.all {
			t.Errorf("%d shortened to %d: %d and %d", tt.all, tt.n, len(s.Head), len(s.Rest))
		}
	}
}

// FuzzMarkdown: whatever the text, the HTML can do nothing; and no budget loses
// any of it.
func FuzzMarkdown(f *testing.F) {
	f.Add(hostile)
	f.Add("[x](java\tscript:alert(1)) <a href=\"data:text/html,x\">y</a>")
	f.Add("<svg/onload=alert(1)> ![x](http://a/\"onerror=\"alert(1))")
	f.Add("> quote\r\n\r\n- list\r\n```html\r\n<script>\r\n```")
	f.Add("[a]: javascript:alert(1)\n\n## [a]\n\n[b][a] <https://contoso.com/\"onclick=x>")
	f.Add("&lt;script&gt; &#106;avascript: [x](&#106;avascript:alert(1)) [y](//contoso.com)")
	f.Fuzz(func(t *testing.T, s string) {
		few, err := parts(s, 0)
		if err != nil {
			t.Fatal(err)
		}
		many, err := parts(s, 1<<30)
		if err != nil {
			t.Fatal(err)
		}
		if len(few) != len(many) {
			t.Errorf("%q has %d parts or %d, by the budget", s, len(few), len(many))
		}
		for i, p := range many {
			if p.Body != few[i].Body || p.Title != few[i].Title {
				t.Errorf("%q: part %d depends on the budget", s, i)
			}
			if !p.Open {
				t.Errorf("%q: part %d is closed for all the budget", s, i)
			}
			html := visible.Replace(string(p.Body))
			check(t, fmt.Sprintf("%q", s), html)
			if lower := strings.ToLower(html); strings.Contains(lower, "<script") || regexp.MustCompile(`<[^>]*\s(on\w+\s*=|href="\s*(javascript|data|vbscript):)`).MatchString(lower) {
				t.Errorf("%q became %q", s, html)
			}
		}
	})
}
