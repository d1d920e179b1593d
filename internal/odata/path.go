package odata

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// A Segment is one part of a resource path.
type Segment struct {
	Text   string // the whole segment, unescaped: what an id is taken from
	Name   string // Text without a key in parentheses
	Key    string // x of name('x') and name(id='x')
	HasKey bool
	Call   bool   // the segment is name(): a function without arguments
	Raw    string // as it came
	Pos    int    // position of the first character in the path, in code points from 1
}

// ParsePath splits an escaped path (as [net/url.URL.EscapedPath] gives it) at '/' and unescapes each segment
// once, so that an id may hold an escaped slash. Empty segments vanish: "//" is "/", and a trailing "/" is
// nothing. A '+' is a plus.
//
// A segment may carry a key as name('key') or name(id='key'), where a quote in the key is written twice. A segment that
// looks like neither is a name, whatever it holds, since it may be an id.
//
// The error, always an [*Error], reports bad escapes, bytes that are not UTF-8, NUL, and paths over [MaxPathLength].
func ParsePath(escaped string) ([]Segment, error) {
	if len(escaped) > MaxPathLength {
		return nil, &Error{CodeBadRequest, "The path is longer than " + strconv.Itoa(MaxPathLength) + " bytes.", "", 0}
	}
	var segments []Segment
	pos := 1
	for raw := range strings.SplitSeq(escaped, "/") {
		if raw != "" {
			text, bad, reason := unescape(raw, false)
			if reason != "" {
				// Positions are in the raw path here: the segments have no common decoded text.
				at := pos + utf8.RuneCountInString(raw[:bad])
				return nil, &Error{CodeBadRequest, "Invalid path: " + reason + " at position " + strconv.Itoa(at) + ".", "", at}
			}
			segments = append(segments, segment(text, raw, pos))
		}
		pos += utf8.RuneCountInString(raw) + 1
	}
	return segments, nil
}

func segment(text, raw string, pos int) Segment {
	s := Segment{Text: text, Name: text, Raw: raw, Pos: pos}
	name, rest, ok := strings.Cut(text, "(")
	if !ok || name == "" || !strings.HasSuffix(rest, ")") {
		return s
	}
	inner := strings.TrimSuffix(rest, ")")
	if inner == "" {
		s.Name, s.Call = name, true
		return s
	}
	if key, value, ok := strings.Cut(inner, "="); ok && equalFold(key, "id") {
		inner = value
	}
	if key, ok := unquote(inner); ok {
		s.Name, s.Key, s.HasKey = name, key, true
	}
	return s
}

// unquote returns the text of a complete literal in single quotes.
func unquote(s string) (string, bool) {
	if len(s) < 2 || s[0] != '\'' || s[len(s)-1] != '\'' {
		return "", false
	}
	s = s[1 : len(s)-1]
	text := strings.ReplaceAll(s, "''", "'")
	if strings.Count(s, "'") != 2*strings.Count(text, "'") {
		return "", false
	}
	return text, true
}

// quote is the reverse of unquote.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// unescape decodes percent-escapes once, and '+' as a space if plus is set. If reason is not empty, the byte at
// bad could not be decoded.
func unescape(s string, plus bool) (text string, bad int, reason string) {
	if strings.IndexByte(s, '%') < 0 && (!plus || strings.IndexByte(s, '+') < 0) {
		text = s
	} else {
		b := make([]byte, 0, len(s))
		for i := 0; i < len(s); i++ {
			switch c := s[i]; {
			case c == '%':
				if i+2 >= len(s) || !isHex(s[i+1]) || !isHex(s[i+2]) {
					return "", i, "invalid escape '" + escapeAt(s[i:]) + "'"
				}
				b = append(b, unhex(s[i+1])<<4|unhex(s[i+2]))
				i += 2
			case c == '+' && plus:
				b = append(b, ' ')
			default:
				b = append(b, c)
			}
		}
		text = string(b)
	}
	if !utf8.ValidString(text) {
		i := 0
		for i < len(text) {
			r, n := utf8.DecodeRuneInString(text[i:])
			if r == utf8.RuneError && n == 1 {
				break
			}
			i += n
		}
		return "", rawOffset(s, i), "bytes that are not UTF-8"
	}
	if i := strings.IndexByte(text, 0); i >= 0 {
		return "", rawOffset(s, i), "a NUL character"
	}
	return text, 0, ""
}

// escapeAt returns up to three characters of a bad escape, without breaking a character.
func escapeAt(s string) string {
	n := 0
	for i := range s {
		if n == 3 {
			return strings.ToValidUTF8(s[:i], "?")
		}
		n++
	}
	return strings.ToValidUTF8(s, "?")
}

// rawOffset returns where the byte n of the decoded text stands in the escaped one.
func rawOffset(s string, n int) int {
	i := 0
	for ; n > 0; n-- {
		if s[i] == '%' {
			i += 2
		}
		i++
	}
	return i
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func unhex(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c >= 'a':
		return c - 'a' + 10
	}
	return c - 'A' + 10
}
