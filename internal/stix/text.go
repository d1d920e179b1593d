package stix

import (
	"html"
	"strings"
)

// clean makes Markdown of a description as ATT&CK writes it: Markdown with
// citation marks and a little HTML. It returns the keys of the citations in the
// order in which they were met. Links stay, <code> becomes backticks, other
// markup is left to whoever renders it. Plain text comes out as it is, trimmed.
func clean(s string) (text string, cited []string) {
	s = strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n"))
	if s == "" {
		return "", nil
	}
	if strings.Contains(s, citation) {
		s, cited = dropCitations(s)
	}
	if strings.IndexByte(s, '<') >= 0 {
		s = strings.TrimSpace(plainTags(s))
	}
	return s, cited
}

const citation = "(Citation:"

// dropCitations removes the marks and the blanks that they leave behind.
func dropCitations(s string) (string, []string) {
	var b strings.Builder
	b.Grow(len(s))
	var cited []string
	for {
		i := strings.Index(s, citation)
		if i < 0 {
			break
		}
		end := closing(s[i:])
		if end < 0 {
			break
		}
		key := strings.TrimSpace(s[i+len(citation) : i+end-1])
		if key != "" {
			cited = append(cited, key)
		}
		b.WriteString(strings.TrimRight(s[:i], " "))
		s = s[i+end:]
		// What follows keeps one blank, unless it is punctuation.
		s = strings.TrimLeft(s, " ")
		if s != "" && !strings.ContainsRune(".,;:)\n", rune(s[0])) && !strings.HasPrefix(s, citation) {
			b.WriteByte(' ')
		}
	}
	b.WriteString(s)
	return strings.TrimSpace(b.String()), cited
}

// closing returns the index after the parenthesis that closes the one at s[0].
func closing(s string) int {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i + 1
			}
		case '\n':
			return -1 // a mark never spans lines
		}
	}
	return -1
}

var lineTags = strings.NewReplacer("<br>", "\n", "<br/>", "\n", "<br />", "\n", "</p><p>", "\n\n", "<p>", "", "</p>", "\n")

// plainTags turns <code> into code spans, where entities mean themselves, and
// line breaks into lines.
func plainTags(s string) string {
	const opening, ending = "<code>", "</code>"
	var b strings.Builder
	b.Grow(len(s))
	pos, end := 0, 0 // end is the next ending; it is looked for once
	for {
		i := strings.Index(s[pos:], opening)
		if i < 0 {
			break
		}
		from := pos + i + len(opening)
		if end < from {
			n := strings.Index(s[from:], ending)
			if n < 0 {
				break
			}
			end = from + n
		}
		stop, next := end, end+len(ending)
		if n := strings.Index(s[from:end], opening); n >= 0 {
			stop, next = from+n, from+n+len(opening) // an ending that lacks its slash
		}
		b.WriteString(lineTags.Replace(s[pos : pos+i]))
		b.WriteString(codeSpan(html.UnescapeString(s[from:stop])))
		pos = next
	}
	b.WriteString(lineTags.Replace(s[pos:]))
	return b.String()
}

// codeSpan quotes code for Markdown; code with backticks gets longer fences.
func codeSpan(code string) string {
	code = strings.TrimSpace(strings.ReplaceAll(code, "\n", " "))
	if code == "" {
		return ""
	}
	run, longest := 0, 0
	for i := range len(code) {
		if code[i] != '`' {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	fence := strings.Repeat("`", longest+1)
	if code[0] == '`' || code[len(code)-1] == '`' {
		code = " " + code + " "
	}
	return fence + code + fence
}

// shorten cuts s at a word to at most n bytes, and says so with an ellipsis.
func shorten(s string, n int) string {
	s = strings.Join(strings.Fields(s), " ")
	if len(s) <= n {
		return s
	}
	s = strings.ToValidUTF8(s[:n-len("…")], "")
	if i := strings.LastIndexByte(s, ' '); i > n/2 {
		s = s[:i]
	}
	return s + "…"
}

// slug makes an id of a name: lower-case ASCII letters and digits, with single
// hyphens for everything between.
func slug(name string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			b.WriteRune(r)
		case r == '\'' || r == '’':
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	return strings.Trim(b.String(), "-")
}
