package odata

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A tokenKind tells tokens apart.
type tokenKind uint8

const (
	tokEOF    tokenKind = iota
	tokWord             // a name, qualified name or keyword; may begin with '$' or '@'
	tokString           // in single quotes
	tokNumber           // whole or not
	tokDate             // date or date-time
	tokGuid
	tokPunct // one character
)

// A token is a piece of the text. Strings are unquoted by the lexer, so that nothing else sees what is inside them.
type token struct {
	kind       tokenKind
	text       string // as written; of a string, what is between the quotes, unquoted
	pos        int    // in code points
	start, end int    // in bytes
}

func (t token) is(punct byte) bool { return t.kind == tokPunct && t.text[0] == punct }

func (t token) word(s string) bool { return t.kind == tokWord && equalFold(t.text, s) }

// found describes the token for a message.
func (t token) found() string {
	switch t.kind {
	case tokEOF:
		return "the end"
	case tokString:
		return "the string " + clip(quote(t.text))
	}
	if t.kind == tokPunct {
		switch r, _ := utf8.DecodeRuneInString(t.text); {
		case strings.ContainsRune("‘’“”`\"", r):
			return "a quote " + t.text + ": strings stand in straight single quotes (')"
		case !unicode.IsPrint(r):
			return fmt.Sprintf("%U", r)
		}
	}
	return "'" + clip(t.text) + "'"
}

// A lexer cuts text into tokens.
type lexer struct {
	option string
	src    string
	off    int // in bytes
	pos    int // in code points
}

func newLexer(option, src string, pos int) lexer { return lexer{option: option, src: src, pos: pos} }

// peek returns the character at the current place, 0 at the end.
func (l *lexer) peek() rune {
	r, _ := l.decode(l.off)
	return r
}

func (l *lexer) decode(off int) (rune, int) {
	if off >= len(l.src) {
		return 0, 0
	}
	if c := l.src[off]; c < utf8.RuneSelf {
		return rune(c), 1
	}
	return utf8.DecodeRuneInString(l.src[off:])
}

func (l *lexer) skip(n int) {
	l.pos += utf8.RuneCountInString(l.src[l.off : l.off+n])
	l.off += n
}

func (l *lexer) space() {
	for l.off < len(l.src) && isSpace(l.src[l.off]) {
		l.off++
		l.pos++
	}
}

// Line breaks are no white space in OData, but long filters in scripts have them.
func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

func isDigit(r rune) bool { return '0' <= r && r <= '9' }

// isNameStart and isName follow odataIdentifier of the ABNF.
func isNameStart(r rune) bool {
	if r < utf8.RuneSelf {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || r == '_'
	}
	return unicode.In(r, unicode.L, unicode.Nl)
}

func isName(r rune) bool {
	if r < utf8.RuneSelf {
		return isNameStart(r) || isDigit(r)
	}
	return unicode.In(r, unicode.L, unicode.Nl, unicode.Nd, unicode.Mn, unicode.Mc, unicode.Pc, unicode.Cf)
}

// next returns the next token. The only error is a string without end.
func (l *lexer) next() (token, error) {
	l.space()
	t := token{pos: l.pos, start: l.off}
	r := l.peek()
	n := 0
	switch {
	case l.off >= len(l.src):
		t.end = l.off
		return t, nil
	case r == '\'':
		return l.quoted(t)
	case isGuid(l.src[l.off:]):
		t.kind, n = tokGuid, 36
	case isDigit(r), (r == '-' || r == '+') && l.off+1 < len(l.src) && isDigit(rune(l.src[l.off+1])):
		t.kind, n = scanNumber(l.src[l.off:])
	case isNameStart(r), r == '$', r == '@':
		t.kind, n = tokWord, l.scanWord()
	default:
		_, n = l.decode(l.off)
		t.kind = tokPunct
	}
	t.text = l.src[l.off : l.off+n]
	l.skip(n)
	t.end = l.off
	return t, nil
}

// scanWord returns the length of the word here: a name, or names joined by dots, perhaps after '$' or '@'.
func (l *lexer) scanWord() int {
	off := l.off + 1
	if l.src[l.off] >= utf8.RuneSelf {
		off = l.off
	}
	for {
		r, n := l.decode(off)
		if r == '.' {
			if next, _ := l.decode(off + 1); !isNameStart(next) {
				break
			}
		} else if n == 0 || !isName(r) {
			break
		}
		off += n
	}
	return off - l.off
}

// quoted reads a string in single quotes.
func (l *lexer) quoted(t token) (token, error) {
	rest := l.src[l.off+1:]
	n, doubled := 0, false
	for {
		i := strings.IndexByte(rest[n:], '\'')
		if i < 0 {
			return t, badClause(l.option, t.pos, "unterminated string literal starting at position %d", t.pos)
		}
		n += i
		if n+1 < len(rest) && rest[n+1] == '\'' {
			n += 2
			doubled = true
			continue
		}
		break
	}
	t.kind, t.text = tokString, rest[:n]
	if doubled {
		t.text = strings.ReplaceAll(t.text, "''", "'")
	}
	l.skip(n + 2)
	t.end = l.off
	return t, nil
}

// scanNumber returns the length of the number or date at the start of s, with whatever is glued to it, so that
// a message can name all of it.
func scanNumber(s string) (tokenKind, int) {
	digits := 0
	for digits < len(s) && isDigit(rune(s[digits])) {
		digits++
	}
	kind, more := tokNumber, "."
	if digits >= 4 && digits < len(s) && s[digits] == '-' {
		kind, more = tokDate, ".:-+"
	}
	n := 1
	for n < len(s) {
		r, size := utf8.DecodeRuneInString(s[n:])
		exponent := (r == '+' || r == '-') && (s[n-1] == 'e' || s[n-1] == 'E')
		if !isName(r) && !strings.ContainsRune(more, r) && !exponent {
			break
		}
		n += size
	}
	return kind, n
}

// isGuid reports whether s begins with a GUID that nothing is glued to.
func isGuid(s string) bool {
	if len(s) < 36 || s[8] != '-' {
		return false
	}
	for i := range 36 {
		if dash := i == 8 || i == 13 || i == 18 || i == 23; dash && s[i] != '-' || !dash && !isHex(s[i]) {
			return false
		}
	}
	r, _ := utf8.DecodeRuneInString(s[36:])
	return len(s) == 36 || !isName(r) && r != '-' && r != '.'
}
