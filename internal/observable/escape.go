package observable

import "strings"

// appendTarget appends path and query of rest; b ends in an authority or is the begin of the path.
func appendTarget(b []byte, rest string, web bool) []byte {
	if i := strings.IndexByte(rest, '#'); i >= 0 {
		rest = rest[:i]
	}
	path, query, hasQuery := strings.Cut(rest, "?")
	start := len(b)
	if start == 1 { // the slash of a path that came without
		start = 0
	}
	part := partPath
	if web {
		part = partWebPath
	}
	b = appendEscaped(b, path, part)
	if len(b) == start || b[start] != '/' {
		// Nothing, or a path that began with an ignored tab.
		b = append(b, 0)
		copy(b[start+1:], b[start:])
		b[start] = '/'
	}
	b = b[:start+removeDotSegments(b[start:])]
	if hasQuery {
		b = append(b, '?')
		b = appendEscaped(b, query, partQuery)
	}
	return b
}

type part int

const (
	partUser part = iota
	partPath
	partWebPath // where a backslash is a slash
	partQuery
)

func appendEscaped(b []byte, s string, p part) []byte {
	const upperHex = "0123456789ABCDEF"
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case classes[c]&(unreserved|subDelim) != 0 || c == ':':
			b = append(b, c)
		case c == '/' && p != partUser, c == '@' && p != partUser, c == '?' && p == partQuery:
			b = append(b, c)
		case c == '\t', c == '\r', c == '\n':
		case c == '\\' && p == partWebPath:
			b = append(b, '/')
		case c == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]):
			v := unhex(s[i+1])<<4 | unhex(s[i+2])
			if classes[v]&unreserved != 0 {
				b = append(b, v)
			} else {
				b = append(b, '%', upperHex[v>>4], upperHex[v&15])
			}
			i += 2
		default:
			b = append(b, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	return b
}

func isHex(c byte) bool { return classes[c]&(digit|hexLetter) != 0 }

func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c&7 + 9
}

// removeDotSegments resolves "." and ".." in the path p, in place (RFC 3986, 5.2.4), and returns the new length. p begins with a slash.
func removeDotSegments(p []byte) int {
	w := 0
	for i := 0; i < len(p); {
		j := i + 1
		for j < len(p) && p[j] != '/' {
			j++
		}
		last := j == len(p)
		switch string(p[i+1 : j]) {
		case ".":
		case "..":
			for w > 0 {
				if w--; p[w] == '/' {
					break
				}
			}
		default:
			w += copy(p[w:], p[i:j])
			last = false
		}
		if last {
			p[w] = '/'
			w++
		}
		i = j
	}
	return w
}

func unescape(s string) string {
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]) {
			b = append(b, unhex(s[i+1])<<4|unhex(s[i+2]))
			i += 2
			continue
		}
		b = append(b, s[i])
	}
	return string(b)
}
