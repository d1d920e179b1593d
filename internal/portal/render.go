package portal

import (
	"fmt"
	"html/template"
	"net/url"
	"strings"
	"unicode/utf8"

	"dossier/internal/intel"
)

var functions = template.FuncMap{
	"number":    number,
	"join":      join,
	"publisher": func(id string) string { return brief(60, intel.PublisherOf(id).Title) },
	"labels":    labels,
	"brief":     brief,
	"sources":   sources,
	"plural": func(n any, noun string) string {
		if s := number(n); s != "1" {
			return s + " " + noun + "s"
		}
		return "1 " + noun
	},
	"basis": basisWord,
	"page":  address,
}

// number prints an integer with narrow spaces between thousands.
func number(n any) string {
	s := fmt.Sprint(n)
	var b strings.Builder
	for i, c := range s {
		if i > 0 && (len(s)-i)%3 == 0 && s[i-1] != '-' {
			b.WriteString("\u202f")
		}
		b.WriteRune(c)
	}
	return b.String()
}

// brief cuts a text to n characters; a stranger's name may have a thousand.
func brief(n int, s string) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return strings.TrimSpace(string([]rune(s)[:n])) + "…"
}

// join lists words, none at excessive length.
func join(words []string, separator string) string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = brief(60, w)
	}
	return strings.Join(out, separator)
}

// sources names up to three who state something; the sources of a profile stand
// in full at its end.
func sources(names []string) string {
	if len(names) <= 4 {
		return join(names, ", ")
	}
	return join(names[:3], ", ") + fmt.Sprintf(" +%d", len(names)-3)
}

// visible shows the characters that turn the direction of a text, so that
// "exe.gpj" reversed does not pass for a picture. They are printed by their
// code points: none is part of any word.
var visible = func() *strings.Replacer {
	var pairs []string
	for _, r := range "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069" {
		pairs = append(pairs, string(r), fmt.Sprintf("⟨%U⟩", r))
	}
	return strings.NewReplacer(pairs...)
}()

// address is the page of a profile; ids of other installations may have any
// characters.
func address(id string) string { return "/profiles/" + url.PathEscape(id) }

// webLink returns the address of a page on the web, or "": other schemes are
// not linked.
func webLink(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return ""
	}
	return u.String()
}

func labels(p *intel.Profile) string {
	var out []string
	for _, o := range p.Origins {
		out = append(out, brief(60, o.Label))
	}
	return strings.Join(out, ", ")
}

// A short list shows its beginning; the rest unfolds.
type short[T any] struct{ Head, Rest []T }

// shorten keeps about n in sight: a fold that hides next to nothing only costs
// a click.
func shorten[T any](all []T, n int) short[T] {
	if len(all) <= n+max(1, n/4) {
		return short[T]{Head: all}
	}
	return short[T]{Head: all[:n], Rest: all[n:]}
}

// Len is the number of all.
func (s short[T]) Len() int { return len(s.Head) + len(s.Rest) }

func basisWord(b intel.Basis) string {
	switch b {
	case intel.BasisStated:
		return "stated by the source"
	case intel.BasisCampaign:
		return "earliest campaign"
	case intel.BasisProse:
		return "from the source’s text"
	case intel.BasisIndicator:
		return "earliest dated indicator"
	case intel.BasisReference:
		return "earliest report cited"
	case intel.BasisCreated:
		return "date of the source’s entry; activity may be older"
	case intel.BasisRelease:
		return "date of the release; activity may be older"
	}
	return "date of the import; activity may be older"
}
