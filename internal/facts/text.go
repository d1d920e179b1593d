package facts

import (
	"strings"
	"unicode/utf8"
)

// maxText bounds how much of a description is read, in bytes. The longest
// description of ATT&CK and of the MISP galaxies is shorter.
const maxText = 64 << 10

// A mention is a stretch of the cleaned text that was a link to an ATT&CK
// object.
type mention struct {
	start, end int
	id         string // G0007
}

// clean turns Markdown into plain text: links become their text, citation marks
// and HTML tags go, typographic quotes and dashes become ASCII, hard spaces
// blanks. Links to ATT&CK groups, software and campaigns are reported.
func clean(md string) (string, []mention) {
	if len(md) > maxText {
		md = md[:maxText]
	}
	var b strings.Builder
	b.Grow(len(md))
	var ms []mention
	for i := 0; i < len(md); {
		c := md[i]
		switch {
		case c == '(' && hasPrefixFold(md[i:], "(citation:"):
			n := strings.IndexByte(md[i:], ')')
			if n < 0 {
				return b.String(), ms
			}
			i += n + 1
			// A mark between two words stands where a blank would.
			if i < len(md) && md[i] != ' ' && md[i] != '.' && md[i] != ',' && md[i] != '(' {
				b.WriteByte(' ')
			}
		case c == '[':
			text, url, n := link(md[i:])
			if n == 0 {
				i++
				continue
			}
			if id := attackID(url); id != "" {
				start := b.Len()
				b.WriteString(ascii(text))
				ms = append(ms, mention{start, b.Len(), id})
			} else {
				b.WriteString(ascii(text))
			}
			i += n
		case c == '<':
			n := strings.IndexByte(md[i:min(len(md), i+200)], '>')
			if n < 0 {
				i++
				continue
			}
			b.WriteByte(' ')
			i += n + 1
		case c == '*' || c == '`':
			i++
		case c < utf8.RuneSelf:
			b.WriteByte(c)
			i++
		default:
			r, n := utf8.DecodeRuneInString(md[i:])
			b.WriteString(asciiRune(r, md[i:i+n]))
			i += n
		}
	}
	return b.String(), ms
}

// maxLink bounds the text and the address of a Markdown link, in bytes each.
const maxLink = 2048

// link reads a Markdown link at the start of s. n is 0 if there is none.
func link(s string) (text, url string, n int) {
	close := strings.IndexByte(s[:min(len(s), maxLink)], ']')
	if close < 0 || close+1 >= len(s) || s[close+1] != '(' {
		return "", "", 0
	}
	end := strings.IndexByte(s[close:min(len(s), close+maxLink)], ')')
	if end < 0 {
		return "", "", 0
	}
	return s[1:close], s[close+2 : close+end], close + end + 1
}

// attackID returns the id that an address of attack.mitre.org ends in, for
// groups, software and campaigns; "" for everything else.
func attackID(url string) string {
	_, path, ok := strings.Cut(url, "attack.mitre.org/")
	if !ok {
		return ""
	}
	kind, id, _ := strings.Cut(path, "/")
	switch kind {
	case "groups", "software", "campaigns":
	default:
		return ""
	}
	id = strings.TrimRight(id, "/")
	if len(id) != 5 || !isDigits(id[1:]) {
		return ""
	}
	return id
}

func hasPrefixFold(s, lower string) bool {
	return len(s) >= len(lower) && strings.EqualFold(s[:len(lower)], lower)
}

// ascii applies asciiRune to a text.
func ascii(s string) string {
	plain := true
	for i := 0; i < len(s); i++ {
		plain = plain && s[i] < utf8.RuneSelf
	}
	if plain {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		_, n := utf8.DecodeRuneInString(s[i:])
		b.WriteString(asciiRune(r, s[i:i+n]))
	}
	return b.String()
}

func asciiRune(r rune, as string) string {
	switch r {
	case '’', '‘', '‛', 'ʼ':
		return "'"
	case '“', '”', '„', '«', '»':
		return `"`
	case '\u2010', '\u2011', '–', '\u2012':
		return "-"
	case '—':
		return " - "
	case '\u00a0', '\u2009', '\u202f':
		return " "
	case '\u200b', '\ufeff', '\u00ad':
		return ""
	}
	return as
}

func isDigits(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
