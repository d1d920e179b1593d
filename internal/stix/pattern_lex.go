package stix

import (
	"encoding/base64"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// token is one word of a pattern. kind is 'w' for words (keywords, types, keys),
// 'n' for numbers, 's' for strings, 'l' for the other literals, 'o' for operators
// and punctuation, 0 for the end.
type token struct {
	kind byte
	text string // a string's value; otherwise as written, operators in canonical spelling
	lit  Literal
	pos  int
}

// lexer cuts a pattern into tokens. It never looks back, so its time is linear.
type lexer struct {
	src string
	pos int
}

func isWordByte(c byte) bool {
	return c == '_' || c == '-' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// plainKey reports whether a path key can be written without quotes.
func plainKey(s string) bool {
	if s == "" || isDigit(s[0]) {
		return false
	}
	for i := 0; i < len(s); i++ {
		if !isWordByte(s[i]) || s[i] == '-' {
			return false
		}
	}
	return true
}

// blank skips white space and comments.
func (l *lexer) blank() error {
	for l.pos < len(l.src) {
		rest := l.src[l.pos:]
		switch {
		case strings.HasPrefix(rest, "/*"):
			end := strings.Index(rest[2:], "*/")
			if end < 0 {
				return &PatternError{l.pos, "comment without end"}
			}
			l.pos += end + 4
			continue
		case strings.HasPrefix(rest, "//"):
			if end := strings.IndexAny(rest, "\r\n"); end >= 0 {
				l.pos += end
			} else {
				l.pos = len(l.src)
			}
			continue
		}
		r, n := utf8.DecodeRuneInString(rest)
		if !unicode.IsSpace(r) && r != '\ufeff' {
			return nil
		}
		l.pos += n
	}
	return nil
}

// next returns the next token.
func (l *lexer) next() (token, error) {
	if err := l.blank(); err != nil {
		return token{}, err
	}
	t := token{pos: l.pos}
	if l.pos >= len(l.src) {
		return t, nil
	}
	c := l.src[l.pos]
	switch {
	case c == '\'':
		s, err := l.quoted()
		t.kind, t.text, t.lit = 's', s, Literal{StringLiteral, s}
		return t, err
	case isDigit(c), c == '.' && l.digitAt(1), (c == '-' || c == '+') && (l.digitAt(1) || l.byteAt(1) == '.' && l.digitAt(2)):
		return l.number()
	case isWordByte(c) && c != '-':
		if (c == 'b' || c == 'h' || c == 't') && l.byteAt(1) == '\'' {
			return l.typed()
		}
		start := l.pos
		for l.pos < len(l.src) && isWordByte(l.src[l.pos]) {
			l.pos++
		}
		t.kind, t.text = 'w', l.src[start:l.pos]
		return t, nil
	}
	t.kind = 'o'
	for _, op := range [...]struct{ spelt, canonical string }{
		{"==", "="},
		{"!=", "!="},
		{"<>", "!="},
		{"<=", "<="},
		{">=", ">="},
		{"=", "="},
		{"<", "<"},
		{">", ">"},
		{"≠", "!="},
		{"≤", "<="},
		{"≥", ">="},
		{"(", "("},
		{")", ")"},
		{"[", "["},
		{"]", "]"},
		{":", ":"},
		{".", "."},
		{",", ","},
		{"*", "*"},
	} {
		if strings.HasPrefix(l.src[l.pos:], op.spelt) {
			t.text = op.canonical
			l.pos += len(op.spelt)
			return t, nil
		}
	}
	r, _ := utf8.DecodeRuneInString(l.src[l.pos:])
	return t, &PatternError{l.pos, "unexpected " + showRune(r)}
}

func showRune(r rune) string {
	if unicode.IsPrint(r) {
		return "character " + string(r)
	}
	return "unprintable character"
}

func (l *lexer) byteAt(i int) byte {
	if l.pos+i < len(l.src) {
		return l.src[l.pos+i]
	}
	return 0
}

func (l *lexer) digitAt(i int) bool { return isDigit(l.byteAt(i)) }

// quoted reads a string from its opening quote. A backslash escapes a quote or
// a backslash; before anything else it stands for itself, for sources that
// write Windows paths and forget to double it.
func (l *lexer) quoted() (string, error) {
	start := l.pos
	l.pos++
	from := l.pos
	if end := strings.IndexAny(l.src[from:], `'\`); end >= 0 && l.src[from+end] == '\'' {
		l.pos = from + end + 1
		return l.src[from : from+end], nil
	}
	var b strings.Builder
	for l.pos < len(l.src) {
		c := l.src[l.pos]
		switch {
		case c == '\'':
			l.pos++
			return b.String(), nil
		case c == '\\' && (l.byteAt(1) == '\'' || l.byteAt(1) == '\\'):
			l.pos++
			c = l.src[l.pos]
		}
		b.WriteByte(c)
		l.pos++
	}
	return "", &PatternError{start, "string without end"}
}

// number reads an integer or a float with an optional sign. A plus is dropped.
func (l *lexer) number() (token, error) {
	t := token{kind: 'n', pos: l.pos}
	start := l.pos
	if c := l.src[l.pos]; c == '-' || c == '+' {
		l.pos++
	}
	whole := l.pos
	for l.digitAt(0) {
		l.pos++
	}
	kind := IntegerLiteral
	if l.pos-whole > 1 && l.src[whole] == '0' {
		return t, &PatternError{start, "number with leading zero"}
	}
	if l.byteAt(0) == '.' && l.digitAt(1) {
		kind = FloatLiteral
		for l.pos++; l.digitAt(0); {
			l.pos++
		}
	}
	if l.pos < len(l.src) && (isWordByte(l.src[l.pos]) || kind == FloatLiteral && l.src[l.pos] == '.') {
		return t, &PatternError{start, "malformed number"}
	}
	t.text = strings.TrimPrefix(l.src[start:l.pos], "+")
	t.lit = Literal{kind, t.text}
	return t, nil
}

func isTimestamp(s string) bool {
	_, err := time.Parse("2006-01-02T15:04:05Z", s)
	return err == nil
}

// typed reads b'…', h'…' and t'…'.
func (l *lexer) typed() (token, error) {
	t := token{kind: 'l', pos: l.pos}
	c := l.src[l.pos]
	l.pos++
	s, err := l.quoted()
	if err != nil {
		return t, err
	}
	switch c {
	case 'b':
		t.lit = Literal{BinaryLiteral, s}
		if _, err := base64.StdEncoding.Strict().DecodeString(s); err != nil || strings.ContainsAny(s, "\r\n") {
			return t, &PatternError{t.pos, "binary literal is not base64"}
		}
	case 'h':
		t.lit = Literal{HexLiteral, strings.ToLower(s)}
		if len(s)%2 != 0 || strings.Trim(t.lit.Text, "0123456789abcdef") != "" {
			return t, &PatternError{t.pos, "hexadecimal literal needs pairs of digits"}
		}
	case 't':
		t.lit = Literal{TimestampLiteral, s}
		if !isTimestamp(s) {
			return t, &PatternError{t.pos, "timestamp literal is not of the form 2006-01-02T15:04:05Z"}
		}
	}
	t.text = s
	return t, nil
}
