package profile

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

var (
	guillemets = strings.NewReplacer("<", "‹", ">", "›")
	entities   = strings.NewReplacer("<", "&lt;", ">", "&gt;")
	lineEnds   = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u2028", "\n", "\u2029", "\n", "\t", " ")
	marks      = strings.NewReplacer("**", "", "__", "", "`", "", "&lt;", "‹", "&gt;", "›", "&amp;", "&")

	entity    = regexp.MustCompile(`^&#?[0-9A-Za-z]+;`)
	codeTag   = regexp.MustCompile(`(?i)</?code>`)
	breakTag  = regexp.MustCompile(`(?i)<(?:br|/p|p)\s*/?>`)
	imageLink = regexp.MustCompile(`!+\[`)
	cite      = regexp.MustCompile(`\(Citation:[^()]*(?:\([^()]*\)[^()]*)*\)`)
	webLink   = regexp.MustCompile(`^https?://[^\s<>"'\\]+$`)
	linkDef   = regexp.MustCompile(`(?m)^[\s>]{0,12}\[[^\]\n]*\]:.*$`)
	lineStart = regexp.MustCompile(`^(?:#{1,6}(?:\s+|$)|[-=_*\s]{3,}$|(?:>|&gt;)\s*)+`)
)

// maxProse is how much of a source's text is looked at; the texts have room for
// far less.
const maxProse = 32_000

// sanitise makes a source's Markdown harmless: no raw HTML, no images, no links
// but to the web, or none at all, no format characters. Lines end in \n.
func sanitise(s string, links bool) string {
	return harmless(s[:min(len(s), maxProse)], links)
}

// harmless is sanitise for a text of any length.
func harmless(s string, links bool) string {
	s = lineEnds.Replace(strings.ToValidUTF8(s, "\uFFFD"))
	if strings.Contains(s, "<") {
		s = codeTag.ReplaceAllString(s, "`")
		s = breakTag.ReplaceAllString(s, "\n")
	}
	if strings.ContainsFunc(s, hidden) {
		s = strings.Map(func(r rune) rune {
			if hidden(r) {
				return -1
			}
			return r
		}, s)
	}
	if strings.Contains(s, "(Citation:") {
		s = cite.ReplaceAllString(s, "")
	}
	if strings.Contains(s, "![") {
		s = imageLink.ReplaceAllString(s, "[")
	}
	if strings.Contains(s, "]:") {
		s = linkDef.ReplaceAllString(s, "")
	}
	if strings.Contains(s, "](") {
		s = relink(s, links)
	}
	return angles(s)
}

// hidden reports whether a rune has no place in a text: controls, and format
// characters but the joiners of Persian and Indic words.
func hidden(r rune) bool {
	if r < utf8.RuneSelf {
		return r < ' ' && r != '\n' || r == 0x7f
	}
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) && r != '\u200c' && r != '\u200d'
}

// relink keeps the links that lead to the web, or none, and writes the texts of
// the others. ATT&CK's own go too: it links each mention of each of its objects.
// What looks like a link and has no end is broken by a backslash.
func relink(s string, keep bool) string {
	out := make([]byte, 0, len(s))
	for {
		i := strings.Index(s, "](")
		if i < 0 {
			return string(append(out, s...))
		}
		out = append(out, s[:i]...)
		dest, rest, ok := destination(s[i+2:])
		s = rest
		switch {
		case !ok:
			out = append(out, `]\(`...)
		case keep && webLink.MatchString(dest) && !strings.HasPrefix(dest, "https://attack.mitre.org/"):
			out = append(out, "]("+dest+")"...)
		default:
			out = dropBracket(out)
		}
	}
}

// destination splits the text behind "](" at the end of the link, and returns
// its address without a title.
func destination(s string) (dest, rest string, ok bool) {
	depth := 1
	for i := range len(s) {
		switch s[i] {
		case '\n':
			return "", s, false
		case '(':
			depth++
		case ')':
			depth--
		}
		if depth == 0 {
			dest, _, _ = strings.Cut(strings.TrimSpace(s[:i]), " ")
			return dest, s[i+1:], true
		}
	}
	return "", s, false
}

// dropBracket takes the bracket that opens the text of a link out again; a text
// without one gets its closing bracket back, escaped.
func dropBracket(out []byte) []byte {
	depth := 1
	for i := len(out) - 1; i >= 0; i-- {
		switch out[i] {
		case ']':
			depth++
		case '[':
			depth--
		}
		if depth == 0 {
			return append(out[:i], out[i+1:]...)
		}
	}
	return append(out, `\]`...)
}

// angles writes < and > so that they never open HTML: as entities, and within
// code, where an entity would show, as single guillemets.
func angles(s string) string {
	if !strings.ContainsAny(s, "<>") {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 16)
	for i, part := range strings.Split(s, "`") {
		if i > 0 {
			b.WriteByte('`')
		}
		if i%2 == 1 {
			part = guillemets.Replace(part)
		} else {
			part = entities.Replace(part)
		}
		b.WriteString(part)
	}
	return b.String()
}

// inline returns a source's Markdown as one line of at most limit bytes, its
// links as their texts. A line without a lower-case word, such as two bare
// names, says nothing and gives "".
func inline(s string, limit int) string {
	if s == "" {
		return ""
	}
	s = strings.Join(strings.Fields(sanitise(s, false)), " ")
	if strings.IndexAny(s, "#-=_*>&") == 0 {
		s = lineStart.ReplaceAllString(s, "")
	}
	if !says(s) {
		return ""
	}
	return cut(s, limit)
}

// unmark takes the marks of Markdown off an inline text, and the entities of
// [sanitise] with them.
func unmark(s string) string {
	return marks.Replace(s)
}

// says reports whether s has a word that begins with a small letter.
func says(s string) bool {
	for word := range strings.FieldsSeq(s) {
		if r, _ := utf8.DecodeRuneInString(word); unicode.IsLower(r) || r > unicode.MaxLatin1 && unicode.IsLetter(r) && !unicode.IsUpper(r) {
			return true
		}
	}
	return false
}

// quote returns a source's Markdown as a block quotation of at most limit bytes,
// lines ended by \r\n. Its headings become bold lines and its rules go, so that
// the structure of the text around stays ours.
func quote(s string, limit int) string {
	var b strings.Builder
	room, gap := limit, false
	for line := range strings.SplitSeq(sanitise(s, true), "\n") {
		line = strings.TrimRight(line, " ")
		if head := lineStart.FindString(strings.TrimLeft(line, " ")); head != "" {
			line = strings.TrimLeft(line, " ")[len(head):]
			if line != "" && strings.HasPrefix(head, "#") {
				line = "**" + strings.Trim(line, "*# ") + "**"
			}
		}
		if strings.TrimSpace(line) == "" {
			gap = b.Len() > 0
			continue
		}
		if room <= 0 {
			break
		}
		if gap {
			b.WriteString(">\r\n")
			gap = false
		}
		short := cut(line, room)
		room -= len(line)
		b.WriteString("> " + short + "\r\n")
	}
	return b.String()
}

// cut shortens s to at most limit bytes: after a sentence if one ends in the
// second half, else after a word with an ellipsis.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	end := max(limit-len("…"), 0)
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	whole := s[end] == ' '
	s = s[:end]
	if i := lastSentence(s); i > limit/2 {
		return s[:i]
	}
	if i := strings.LastIndexByte(s, ' '); i > 0 && !whole {
		s = s[:i]
	}
	s = strings.TrimRight(s, " ,;:(")
	if open := strings.LastIndexByte(s, '['); open > strings.LastIndexByte(s, ')') {
		s = strings.TrimRight(s[:open], " ,;:(")
	}
	return s + "…"
}

// lastSentence returns the end of the last whole sentence of s, 0 if there is
// none.
func lastSentence(s string) int {
	for i := len(s) - 1; i > 0; i-- {
		if s[i] == ' ' && strings.IndexByte(".!?", s[i-1]) >= 0 {
			return i
		}
	}
	return 0
}
