package portal

import (
	"bytes"
	"fmt"
	"html/template"
	"strings"

	"dossier/internal/intel"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
)

// renderer reads Markdown; HTML inside it is left out, for goldmark is not told
// that it is safe.
var renderer = goldmark.New()

// sanitiser lets through what a text needs; links lead away without a word
// about where they came from.
var sanitiser = func() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "strong", "em", "code", "pre", "blockquote", "br", "hr")
	p.AllowAttrs("href").OnElements("a")
	p.AllowURLSchemes("https", "http")
	p.RequireParseableURLs(true)
	p.RequireNoReferrerOnLinks(true)
	p.RequireNoFollowOnLinks(true)
	return p
}()

// markdown renders a text from a source or from the composer.
func markdown(s string) (template.HTML, error) {
	var b bytes.Buffer
	if err := renderer.Convert([]byte(strings.ReplaceAll(s, "\r\n", "\n")), &b); err != nil {
		return "", err
	}
	return template.HTML(sanitiser.SanitizeBytes(b.Bytes())), nil
}

var functions = template.FuncMap{
	"number":    number,
	"join":      strings.Join,
	"publisher": func(id string) string { return intel.PublisherOf(id).Title },
	"labels":    labels,
	"few":       few,
	"plural": func(n int, noun string) string {
		if n == 1 {
			return "1 " + noun
		}
		return number(n) + " " + noun + "s"
	},
	"basis":    basisWord,
	"relation": func(r intel.Relation) string { return strings.ReplaceAll(string(r), "-", " ") },
	"tactic":   func(s string) string { return strings.ReplaceAll(s, "-", " ") },
}

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

func labels(p *intel.Profile) string {
	var out []string
	for _, o := range p.Origins {
		out = append(out, o.Label)
	}
	return strings.Join(out, ", ")
}

func few(n int, words []string) string {
	if len(words) <= n {
		return strings.Join(words, ", ")
	}
	return strings.Join(words[:n], ", ") + fmt.Sprintf(" +%d", len(words)-n)
}

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
