package portal

import (
	"bytes"
	"html/template"
	"strings"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"
)

// renderer reads Markdown; HTML inside it is left out, for goldmark is not told
// that it is safe.
var renderer = goldmark.New()

// sanitiser lets through what a text needs; links lead away without a word
// about where they came from.
var sanitiser = func() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "h3", "h4", "h5", "h6", "ul", "ol", "li", "strong", "em", "code", "pre", "blockquote", "br", "hr")
	p.AllowAttrs("href").OnElements("a")
	p.AllowURLSchemes("https", "http")
	p.RequireParseableURLs(true)
	p.RequireNoReferrerOnLinks(true)
	p.RequireNoFollowOnLinks(true)
	return p
}()

// A part is a text under one of its headings. What is not Open unfolds.
type part struct {
	Title string // "" before the first heading
	Body  template.HTML
	Open  bool
}

// longPart is the length of HTML that stands under one heading without a fold.
const longPart = 12 << 10

// maxMarks is how many brackets, quotes and bullets a text may have. The time to
// read them grows with their square: these take a tenth of a second. A text
// with more is no prose and is shown as it is written.
const maxMarks = 4000

// parts renders a Markdown text from a source or from the composer, cut at its
// headings of the first two levels. The first part is open, and those after it
// as long as all open ones together are no longer than budget, in bytes of
// HTML; a text of one part too long to read at once is folded as well.
func parts(s string, budget int) ([]part, error) {
	source := []byte(strings.ReplaceAll(s, "\r\n", "\n"))
	marks := 0
	for _, mark := range []string{"[", ">", "- ", "* ", "+ "} {
		marks += bytes.Count(source, []byte(mark))
	}
	if marks > maxMarks {
		body := template.HTML("<pre>" + template.HTMLEscapeString(string(source)) + "</pre>")
		return []part{{Body: body, Open: len(body) <= budget}}, nil
	}
	doc := renderer.Parser().Parse(text.NewReader(source))
	var out []part
	var body bytes.Buffer
	title := ""
	end := func() {
		if html := sanitiser.SanitizeBytes(body.Bytes()); title != "" || len(bytes.TrimSpace(html)) > 0 {
			out = append(out, part{Title: title, Body: template.HTML(html)})
		}
		body.Reset()
	}
	for n := doc.FirstChild(); n != nil; n = n.NextSibling() {
		if h, ok := n.(*ast.Heading); ok && h.Level <= 2 {
			end()
			title = plainText(h, source)
			continue
		}
		lower(n)
		var block bytes.Buffer
		if err := renderer.Renderer().Render(&block, source, n); err != nil {
			return nil, err
		}
		if body.Len() > 0 && body.Len()+block.Len() > longPart {
			end()
			title = strings.TrimSpace(strings.TrimSuffix(title, " (continued)") + " (continued)")
		}
		_, _ = block.WriteTo(&body)
	}
	end()
	used := 0
	for i := range out {
		used += len(out[i].Body)
		out[i].Open = i == 0 && used <= longPart || used <= budget
	}
	return out, nil
}

// lower puts the headings below n under those of the page.
func lower(n ast.Node) {
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if h, ok := n.(*ast.Heading); ok && entering {
			h.Level = min(max(h.Level+1, 4), 6)
		}
		return ast.WalkContinue, nil
	})
}

// plainText returns the words of a node.
func plainText(n ast.Node, source []byte) string {
	var b strings.Builder
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering {
			switch n := n.(type) {
			case *ast.Text:
				b.Write(n.Segment.Value(source))
				if n.SoftLineBreak() || n.HardLineBreak() {
					b.WriteByte(' ')
				}
			case *ast.String:
				b.Write(n.Value)
			}
		}
		return ast.WalkContinue, nil
	})
	return b.String()
}
