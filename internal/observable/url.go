package observable

import (
	"strconv"
	"strings"
)

// canonicalURL returns s normalised as RFC 3986, 6.2.2 and 6.2.3 say, always in ASCII:
//
//   - scheme and host in lower case, the host as canonicalDomain or canonicalAddress has it, no default or empty port; "http" where
//     there is no scheme; only schemes that name a host are known;
//   - an empty path is "/", dot segments are resolved, a backslash is a slash as browsers read it;
//   - escapes of unreserved characters are decoded, others have upper-case digits; characters that a URL cannot hold are
//     escaped, and so is a "%" that begins no escape; tabs and line breaks are dropped;
//   - the fragment is dropped: no server sees it. User information and an empty query stay: they are part of what was seen.
//
// A URL whose host is refused is refused for the same reason. The limit is [MaxURL]. Where there is no scheme, the top-level
// domain must exist if so asked.
func canonicalURL(s string, mustExist bool) (string, fault) {
	// Decoding may give something that Refang takes for defanged, as in /a(%2E)b: then it is once more.
	for range 4 {
		v, f := normalURL(s, mustExist)
		if f.bad() {
			return "", f
		}
		if s = Refang(v); s == v {
			return v, fault{}
		}
	}
	return "", fault{BadURL, "no stable form"}
}

func normalURL(s string, mustExist bool) (string, fault) {
	if len(s) > MaxURL {
		return "", fault{TooLong, "URL of more than 8192 bytes"}
	}
	var stack [512]byte
	b := stack[:0]

	written, rest, ok := cutScheme(s)
	scheme, port, known := "http", 80, true
	if ok {
		if scheme, port, known = knownScheme(written); !known {
			return "", fault{BadURL, "not a scheme of the network"}
		}
	}
	web := isWeb(scheme)
	if web {
		rest = strings.TrimLeft(rest, `/\`)
	}
	end := strings.IndexAny(rest, `/?#\`)
	if end < 0 {
		end = len(rest)
	}
	authority, rest := rest[:end], rest[end:]

	b = append(b, scheme...)
	b = append(b, "://"...)
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		if i > 0 {
			b = appendEscaped(b, authority[:i], partUser)
			b = append(b, '@')
		}
		authority = authority[i+1:]
	}
	h, p := splitPort(authority)
	h, f := canonicalHost(h)
	if mustExist && !ok && strings.IndexByte(h, ':') < 0 && !allOf(h, digit|dot) {
		h, f = public(h, f)
	}
	if f.bad() {
		return "", f
	}
	b = append(b, h...)
	if p != "" {
		n, f := parsePort(p)
		if f.bad() {
			return "", f
		}
		if n != port {
			b = append(b, ':')
			b = strconv.AppendInt(b, int64(n), 10)
		}
	}
	b = appendTarget(b, rest, web)
	if len(b) > MaxURL {
		return "", fault{TooLong, "URL of more than 8192 bytes"}
	}
	if string(b) == s {
		return s, fault{}
	}
	return string(b), fault{}
}

// canonicalURLPath returns a path, perhaps with a query, as canonicalURL has it. One without the leading slash is given it.
func canonicalURLPath(s string) (string, fault) {
	s = strings.TrimSpace(s)
	switch {
	case s == "":
		return "", fault{Empty, ""}
	case strings.Contains(s, "://") && s[0] != '/':
		return "", fault{WrongKind, "a whole URL"}
	case len(s) > MaxURL:
		return "", fault{TooLong, "path of more than 8192 bytes"}
	}
	var stack [512]byte
	b := stack[:0]
	if s[0] != '/' && s[0] != '\\' && s[0] != '?' && s[0] != '#' {
		b = append(b, '/')
	}
	b = appendTarget(b, s, true)
	switch {
	case len(b) > MaxURL:
		return "", fault{TooLong, "path of more than 8192 bytes"}
	case len(b) == 1:
		return "", fault{Placeholder, "the path of every site"}
	case string(b) == s:
		return s, fault{}
	}
	return string(b), fault{}
}

// canonicalHost returns the host of a URL; IPv6 keeps its brackets.
func canonicalHost(s string) (string, fault) {
	if strings.IndexByte(s, '%') >= 0 {
		s = unescape(s)
	}
	switch {
	case s == "":
		return "", fault{BadURL, "no host"}
	case s[0] == '[':
		inner := strings.TrimSuffix(s[1:], "]")
		if len(inner) != len(s)-2 || strings.IndexByte(inner, ':') < 0 {
			return "", fault{BadURL, "bad brackets"}
		}
		v, f := canonicalAddress(inner)
		if f.bad() || strings.IndexByte(v, ':') < 0 {
			return v, f
		}
		return "[" + v + "]", fault{}
	case allOf(s, digit|dot):
		return canonicalIPv4(strings.TrimSuffix(s, "."))
	case strings.IndexByte(s, ':') >= 0:
		return "", fault{BadURL, "bad host"}
	}
	return canonicalDomain(s)
}
