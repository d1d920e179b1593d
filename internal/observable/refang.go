package observable

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Refang returns s as it was before somebody made it harmless or wrapped it up for print:
//
//   - hxxp, hXXp, h**p, htxp and the like at the begin are http; fxp is ftp; meow is http;
//   - [.] (.) {.} [dot] (dot) {dot} are dots; [at] [@] are @; [:] [://] [/] [//] are what they hold, in any of the three brackets and with
//     spaces inside or around;
//   - full-width and ideographic full stops are dots; marks without width are dropped;
//   - white space, quotes and angle brackets around s go, as do brackets that enclose all of it and commas and semicolons behind.
//
// It does not judge whether the result is an observable. Refang(Refang(s)) == Refang(s). It takes linear time, and
// returns s itself, without allocation, if there is nothing to do.
func Refang(s string) string {
	var seen class
	for i := 0; i < len(s); i++ {
		seen |= classes[s[i]]
	}
	if seen&mark != 0 {
		if seen&(high|bracket) != 0 {
			s = unbracket(s)
		}
		s = unwrap(s)
	}
	return refangScheme(s)
}

// refangScheme undoes what was done to the scheme.
func refangScheme(s string) string {
	i := strings.Index(s[:min(len(s), 10)], "://")
	if i < 3 {
		return s
	}
	if scheme := refangedScheme(s[:i]); scheme != "" {
		return scheme + s[i:]
	}
	return s
}

// refangedScheme returns the scheme that w stands for, or "" if it stands for itself.
func refangedScheme(w string) string {
	if len(w) < 3 || len(w) > 6 {
		return ""
	}
	secure := ""
	body := w
	if c := w[len(w)-1]; c == 's' || c == 'S' {
		secure, body = "s", w[:len(w)-1]
	}
	last := len(body) - 1
	switch {
	case hasPrefixFold(body, "meow") && last == 3:
		return "http" + secure
	case last < 2 || body[last] != 'p' && body[last] != 'P':
		return ""
	case (body[0] == 'f' || body[0] == 'F') && last == 2 && strings.IndexByte("xX*", body[1]) >= 0:
		return "ftp" + secure
	case body[0] != 'h' && body[0] != 'H' || last > 3 || strings.Trim(body[1:last], "xXtT*") != "":
		return ""
	case last == 3 && strings.Trim(body[1:last], "tT") == "":
		return "" // http
	}
	return "http" + secure
}

// A refanger rewrites bytes to bytes, keeping an eye on brackets that enclose a dot and the like.
type refanger struct {
	out []byte
	// pos holds, for each byte of out, where in the input it comes from; only Find asks for it.
	pos   []span
	track bool
}

type span struct{ start, end int }

func (r *refanger) add(b byte, at span) {
	r.out = append(r.out, b)
	if r.track {
		r.pos = append(r.pos, at)
	}
}

func unbracket(s string) string {
	var stack [256]byte
	r := refanger{out: stack[:0]}
	// In broken text, bytes that a dropped mark kept apart would join to another character.
	valid := utf8.ValidString(s)
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == ')' || c == ']' || c == '}':
			if r.close(c, i) {
				for i++; i < len(s) && s[i] == ' '; i++ {
				}
				continue
			}
			r.add(c, span{i, i + 1})
			i++
		case c < utf8.RuneSelf || !valid:
			r.add(c, span{i, i + 1})
			i++
		default:
			ch, n := utf8.DecodeRuneInString(s[i:])
			r.rune(ch, []byte(s[i:i+n]), i)
			i += n
		}
	}
	if string(r.out) == s {
		return s
	}
	return string(r.out)
}

// rune adds a character beyond ASCII, of which text are the bytes.
func (r *refanger) rune(ch rune, text []byte, at int) {
	switch {
	case isFullStop(ch):
		r.add('.', span{at, at + len(text)})
		return
	case isInvisible(ch):
		return
	case ch == '\u200c' || ch == '\u200d':
		// Joiners mean something, but only between letters of the scripts that have them.
		if n := len(r.out); n == 0 || r.out[n-1] < utf8.RuneSelf {
			return
		}
	}
	for k := range len(text) {
		r.add(text[k], span{at + k, at + k + 1})
	}
}

// close handles the closing bracket c at an offset: if the brackets hold a token, it puts what that stands for in their place.
func (r *refanger) close(c byte, at int) bool {
	open := byte('(')
	if c != ')' {
		open = c - 2 // [ and {
	}
	const longest = 8 // bytes to look back
	n := len(r.out)
	for i := n - 1; i >= 0 && i >= n-longest; i-- {
		if r.out[i] != open {
			continue
		}
		plain := token(strings.Trim(string(r.out[i+1:n]), " "))
		if plain == "" {
			return false
		}
		from := at
		if r.track {
			from = r.pos[i].start
		}
		for i > 0 && r.out[i-1] == ' ' {
			i--
		}
		r.out = r.out[:i]
		if r.track {
			r.pos = r.pos[:i]
		}
		for k := range len(plain) {
			r.add(plain[k], span{from, at + 1})
		}
		return true
	}
	return false
}

// token returns what a word in brackets stands for, or "".
func token(w string) string {
	switch w {
	case ".", "@", ":", "://", "/", "//":
		return w
	case "dot", "DOT", "Dot":
		return "."
	case "at", "AT", "At":
		return "@"
	}
	return ""
}

func isFullStop(r rune) bool {
	switch r {
	case '．', '。', '｡', '․', '﹒':
		return true
	}
	return false
}

// isInvisible reports marks without width that mean nothing in a name: soft hyphen, zero-width space, direction marks.
func isInvisible(r rune) bool {
	switch {
	case r == '\u00ad', r == '\u200b', r == '\u200e', r == '\u200f', r == '\u2060', r == '\ufeff',
		'\u202a' <= r && r <= '\u202e', '\u2066' <= r && r <= '\u2069':
		return true
	}
	return false
}

// unwrap cuts off what is around a value. Brackets go only where they enclose all of it; of more than eight pairs,
// none does, so that the time is bounded and the second call finds nothing to do.
func unwrap(s string) string {
	s = trimEdges(s)
	inner := s
	for range 9 {
		t := unpair(inner)
		if len(t) == len(inner) {
			return inner
		}
		inner = trimEdges(t)
	}
	return s
}

func trimEdges(s string) string {
	s = strings.TrimLeftFunc(s, func(r rune) bool { return isEdge(r) || r == '<' })
	return strings.TrimRightFunc(s, func(r rune) bool { return isEdge(r) || r == '>' || r == ',' || r == ';' })
}

func isEdge(r rune) bool {
	switch r {
	case '"', '\'', '`', '“', '”', '„', '‘', '’', '‚', '«', '»', '\u200c', '\u200d':
		return true
	}
	return unicode.IsSpace(r) || unicode.IsControl(r) || isInvisible(r)
}

// unpair returns s without its first and last byte if they are a pair of brackets.
func unpair(s string) string {
	if len(s) < 2 {
		return s
	}
	open, end := s[0], s[len(s)-1]
	if !(open == '(' && end == ')' || open == '[' && end == ']' || open == '{' && end == '}') {
		return s
	}
	depth := 0
	for i := 0; i < len(s)-1; i++ {
		switch s[i] {
		case open:
			depth++
		case end:
			if depth--; depth == 0 {
				return s // the first one closes before the end
			}
		}
	}
	return s[1 : len(s)-1]
}
