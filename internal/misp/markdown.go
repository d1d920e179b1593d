package misp

import (
	"html"
	"regexp"
	"strings"
)

var (
	superscript = regexp.MustCompile(`(?is)<sup>.*?</sup>`)
	citation    = regexp.MustCompile(`\(Citation: (?:[^()]|\([^()]*\))*\)`)
	script      = regexp.MustCompile(`(?is)<(script|style)\b.*?</(?:script|style)>`)
	anchor      = regexp.MustCompile(`(?is)<a\b[^>]*?href\s*=\s*["']?(https?://[^"'\s>]+)["']?[^>]*>(.*?)</a>`)
	tag         = regexp.MustCompile(`(?i)</?(a|abbr|b|blockquote|br|center|code|div|dd|dl|dt|em|font|h[1-6]|hr|i|iframe|img|li|ol|p|pre|s|small|span|strong|sub|table|tbody|td|th|thead|tr|tt|u|ul)\b[^<>]*/?>`)
	entity      = regexp.MustCompile(`&(?:amp|quot|apos|nbsp|#39|#34|#x27|rsquo|lsquo|ldquo|rdquo|ndash|mdash|hellip);`)
	blanks      = regexp.MustCompile(`([^ \n]) {2,}`)
	emptyLines  = regexp.MustCompile(`\n{3,}`)
	beforeMark  = regexp.MustCompile(` +([.,;])( |\n|$)`)
)

// markdown returns a description as Markdown: HTML elements become their
// Markdown or go, citation marks of ATT&CK and Tidal go, Markdown stays. What
// looks like an element and is none, such as <random>.exe, stays too, and so
// do &lt; and &gt;.
func markdown(s string) string {
	s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
	s = citation.ReplaceAllString(superscript.ReplaceAllString(s, ""), "")
	if strings.ContainsAny(s, "<&") {
		s = script.ReplaceAllString(s, "")
		s = anchor.ReplaceAllString(s, "[$2]($1)")
		s = tag.ReplaceAllStringFunc(s, element)
		s = entity.ReplaceAllStringFunc(s, html.UnescapeString)
	}
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\u00a0', r == '\t':
			return ' '
		case r < ' ' && r != '\n', r == '\u200b', r == '\ufeff':
			return -1
		}
		return r
	}, s)
	s = blanks.ReplaceAllString(s, "$1 ")
	s = beforeMark.ReplaceAllString(s, "$1$2")
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(l, " ")
	}
	return strings.TrimSpace(emptyLines.ReplaceAllString(strings.Join(lines, "\n"), "\n\n"))
}

// element returns the Markdown of an element of HTML.
func element(t string) string {
	closing := strings.HasPrefix(t, "</")
	switch name := strings.ToLower(tag.FindStringSubmatch(t)[1]); name {
	case "br", "tr":
		return "\n"
	case "p", "div", "ul", "ol", "table", "pre", "hr", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6":
		return "\n\n"
	case "li":
		if closing {
			return ""
		}
		return "\n- "
	case "td", "th":
		return " "
	case "code", "tt":
		return "`"
	case "b", "strong":
		return "**"
	case "i", "em":
		return "*"
	}
	return ""
}
