package profile

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestEscape(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"APT28", "APT28"},
		{"MITRE ATT&CK", "MITRE ATT&CK"},
		{"a &amp; b", "a &amp;amp; b"}, // shows as it was written
		{"**x**", `\*\*x\*\*`},
		{"snake_case", "snake_case"}, // no emphasis within a word
		{"_x_", `\_x\_`},
		{"[a](b)", `\[a\](b)`},
		{"<img>", "&lt;img&gt;"},
		{"# head", `\# head`},
		{"C#", "C#"},
		{"- item", `\- item`},
		{"1. item", `1\. item`},
		{"2) item", `2\) item`},
		{"v1.2", "v1.2"},
		{"http://a.example", `http\://a.example`},
		{"www.a.example", `www\.a.example`},
		{"a@b.example", `a\@b.example`},
		{"a\r\nb\tc", "a b c"},
		{"a\u202eb\u0000c", "ab c"}, // turns the direction of writing; a control is a gap
		{"狼毒草", "狼毒草"},
		{" x ", "x"},
	} {
		if got := escape(tt.in); got != tt.want {
			t.Errorf("escape(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestInline(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"[X](https://attack.mitre.org/groups/G1) has used `a`.(Citation: B)", "X has used `a`."},
		{"[X](https://a.example) [Y](https://b.example)", ""}, // two names say nothing
		{"# Head\nthat says", "Head that says"},
		{"see ![i](https://a.example/p.png) it", "see i it"},
		{"use <code>cmd</code> now", "use `cmd` now"},
		{"is `a < b` or a < b", "is `a ‹ b` or a &lt; b"},
	} {
		if got := inline(tt.in, 500); got != tt.want {
			t.Errorf("inline(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestRelink(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"[a](https://b.example/c_(d)) e", "[a](https://b.example/c_(d)) e"},
		{`[a](https://b.example "title")`, "[a](https://b.example)"},
		{"[a](javascript:alert(1)) b", "a b"},
		{"[a [b]](javascript:x)", "a [b]"}, // brackets within the text
		{"[a](//b.example)", "a"},
		{"[a](https://attack.mitre.org/groups/G1)", "a"},
		{"a](javascript:x)", `a\]`},
		{"[a](javascript:x", `[a]\(javascript:x`},
		{"[a](java\nscript:x)", "[a]\\(java\nscript:x)"},
	} {
		if got := relink(tt.in, true); got != tt.want {
			t.Errorf("relink(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestCut(t *testing.T) {
	for _, tt := range []struct {
		in    string
		limit int
		want  string
	}{
		{"short", 10, "short"},
		{"One sentence. Another one that is long.", 20, "One sentence."},
		{"no sentence at all in this", 14, "no sentence…"},
		{"see [a link](https://a.example)", 20, "see…"}, // half a link is none
		{"ééééééé", 8, "éé…"},
	} {
		got := cut(tt.in, tt.limit)
		if got != tt.want || len(got) > tt.limit || !utf8.ValidString(got) {
			t.Errorf("cut(%q, %d) = %q, want %q", tt.in, tt.limit, got, tt.want)
		}
	}
}

func TestQuote(t *testing.T) {
	got := quote("# H\n\ntext\n---\n> more\n", 1000)
	if want := "> **H**\r\n>\r\n> text\r\n>\r\n> more\r\n"; got != want {
		t.Errorf("quote = %q, want %q", got, want)
	}
	long := quote(strings.Repeat("word ", 100)+"\n\n"+strings.Repeat("more ", 100), 600)
	if len(long) > 620 || !strings.HasSuffix(long, "…\r\n") {
		t.Errorf("quote of a long text has %d bytes and ends %q", len(long), long[len(long)-10:])
	}
}
