package profile

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxName is the length in characters at which a name is cut, in texts and
// elsewhere; the longest real one has 96.
const MaxName = 200

// clean returns a stranger's name or phrase as one line: no control and no
// format characters (they can turn the direction of writing), blanks collapsed,
// cut to [MaxName].
func clean(s string) string { return cleanTo(s, MaxName) }

// Clean returns a name as dossiers have it: one line, of bounded length.
func Clean(s string) string { return clean(s) }

func cleanTo(s string, limit int) string {
	if isPlain(s) && len(s) <= limit {
		return s
	}
	var b strings.Builder
	n, blank := 0, false
	for _, r := range s {
		switch {
		case unicode.IsSpace(r), unicode.IsControl(r):
			blank = n > 0
			continue
		case unicode.Is(unicode.Cf, r) && r != '\u200c' && r != '\u200d':
			continue // but the joiners of Persian and Indic words stay
		}
		if n == limit {
			b.WriteRune('…')
			break
		}
		if blank {
			b.WriteByte(' ')
			blank = false
		}
		b.WriteRune(r)
		n++
	}
	return b.String()
}

// isPlain reports whether clean would leave s as it is, length aside.
func isPlain(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c < ' ' || c > '~' || c == ' ' && (i == 0 || i == len(s)-1 || s[i-1] == ' ') {
			return false
		}
	}
	return true
}

// plain returns s for a text of format "text": as [clean], with angle brackets
// that no reader takes for HTML.
func plain(s string) string {
	return guillemets.Replace(cleanTo(s, MaxSummary))
}

// escape returns a name or phrase for Markdown: one line that renders as it
// reads, wherever it stands.
func escape(s string) string { return escapeLine(clean(s)) }

// escapeLong is escape for a phrase longer than a name: a line of credit.
func escapeLong(s string) string { return escapeLine(cleanTo(s, 600)) }

func escapeLine(s string) string {
	if !strings.ContainsAny(s, "\\`*_{}[]()<>#+-.!|~&:@=$^\"'0123456789wW") {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 8)
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch c {
		case '\\', '`', '*', '[', ']', '|', '~', '$', '^':
			b.WriteByte('\\')
		case '_':
			if !(i > 0 && isAlnum(s[i-1]) && i+1 < len(s) && isAlnum(s[i+1])) {
				b.WriteByte('\\')
			}
		case '<':
			b.WriteString("&lt;")
			continue
		case '>':
			b.WriteString("&gt;")
			continue
		case '&':
			if entity.MatchString(s[i:]) {
				b.WriteString("&amp;")
				continue
			}
		case '@':
			b.WriteByte('\\')
		case ':':
			if strings.HasPrefix(s[i:], "://") {
				b.WriteByte('\\') // no link out of a bare address
			}
		case '.':
			if i >= 3 && strings.EqualFold(s[i-3:i], "www") || i > 0 && isDigits(s[:i]) {
				b.WriteByte('\\')
			}
		case ')':
			if i > 0 && isDigits(s[:i]) {
				b.WriteByte('\\')
			}
		case '#', '+', '-', '=':
			if i == 0 {
				b.WriteByte('\\')
			}
		}
		b.WriteByte(c)
	}
	return b.String()
}

func isAlnum(c byte) bool {
	return c >= utf8.RuneSelf || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
