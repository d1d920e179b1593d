package observable

import (
	"math/bits"
	"strings"
)

// mend undoes what people rarely do to values, and what values suffer on their way: JSON's and regular expressions' backslashes (https:\/\/,
// evil\.com), half brackets (evil[.com, evil.]com), brackets with a comma, a hyphen or a word of another language (evil[,]com, (punto), [arroba]),
// maimed schemes (http//, http:/, hxxp__, [http]://, hxxp[s]://, xxxx://), spaces in a URL, as Cisco's e-mail gateways put them (http:// evil .com /x),
// a URL that was escaped as a whole, and the name of the algorithm before a hash. Some of these could mean something else in a value that is good
// as it stands, so only what is refused is read once more in this way: see [Parse].
//
// The forms are those of the tables and issues of InQuest's iocextract, of ioc-fanger and of MISP's import of free text.
func mend(s string) string {
	if hash, ok := cutAlgorithm(s); ok {
		return hash
	}
	if i := strings.IndexByte(s, '%'); i >= 3 && i <= 6 && hasPrefixFold(s[i:], "%3a%2f%2f") {
		s = unescape(s)
	}
	s = mendEdges(strings.ReplaceAll(s, `\/`, "/"))
	scheme, rest := mendScheme(s)
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	authority, path := rest[:end], rest[end:]
	authority = mendDots(mendWords.Replace(authority), scheme != "")
	if scheme != "" {
		authority, path = strings.TrimSpace(authority), strings.TrimSpace(path)
	}
	return Refang(scheme + authority + path)
}

// mendEdges cuts off the half of a pair of brackets that is before or behind a value, and the dot behind an address that ended a sentence; of
// "Name <user@evil.com>" it leaves the address.
func mendEdges(s string) string {
	if i := strings.LastIndexByte(s, '<'); i >= 0 && strings.IndexByte(s[i:], '@') > 0 {
		s = s[i+1:]
	}
	for _, pair := range []string{"()", "[]", "{}"} {
		switch open, closed := strings.Count(s, pair[:1]), strings.Count(s, pair[1:]); {
		case open == 1 && closed == 0:
			s = strings.TrimPrefix(s, pair[:1])
		case closed == 1 && open == 0:
			s = strings.TrimSuffix(s, pair[1:])
		}
	}
	if trimmed := strings.TrimSuffix(s, "."); looksLikeAddress(trimmed) {
		s = trimmed
	}
	return s
}

// cutAlgorithm returns the hash behind the name of its algorithm.
func cutAlgorithm(s string) (hash string, ok bool) {
	name, hash, ok := strings.Cut(s, ":")
	if !ok || len(name) > 7 {
		return "", false
	}
	hash = strings.TrimSpace(hash)
	want := Kind("")
	switch lowerASCII(strings.TrimSpace(name)) {
	case "md5", "md-5":
		want = MD5
	case "sha1", "sha-1":
		want = SHA1
	case "sha256", "sha-256":
		want = SHA256
	case "sha512", "sha-512":
		want = SHA512
	default:
		return "", false
	}
	return hash, hashKind(len(hash)) == want && allOf(hash, digit|hexLetter)
}

// mendScheme returns the scheme that s begins with, with "://", and what is behind it.
func mendScheme(s string) (scheme, rest string) {
	if i := strings.Index(s[:min(len(s), 14)], "://"); i >= 0 {
		word := strings.Map(func(r rune) rune {
			if strings.ContainsRune("[](){} ", r) {
				return -1
			}
			return r
		}, s[:i])
		if scheme := plainScheme(word); scheme != "" {
			return scheme + "://", strings.TrimLeft(s[i+3:], `/\ `)
		}
		return "", s
	}
	i := 0
	for i < len(s) && i < 7 && (classes[s[i]]&(hexLetter|letter) != 0 || s[i] == '*') {
		i++
	}
	scheme = plainScheme(s[:i])
	for _, mark := range []string{":/", `:\`, "//", `\\`, "__"} {
		if scheme != "" && strings.HasPrefix(s[i:], mark) {
			return scheme + "://", strings.TrimLeft(s[i+len(mark):], `/\ `)
		}
	}
	return "", s
}

// plainScheme returns the scheme of the web that a word stands for, or "".
func plainScheme(word string) string {
	switch w := lowerASCII(word); w {
	case "http", "https", "ftp":
		return w
	case "xxxx":
		return "http"
	case "xxxxs", "xxxxx":
		return "https"
	}
	return refangedScheme(word)
}

// mendWords has what is in brackets where a dot, an at or a hyphen was.
var mendWords = func() *strings.Replacer {
	var list []string
	for plain, words := range map[string][]string{
		".": {",", "punto", "PUNTO", "punkt", "PUNKT", "point", "POINT", "d0t", "D0T", "DOt"}, "@": {"arroba", "ARROBA", "et", "ET", "a", "A"}, "-": {"-"},
	} {
		for _, w := range words {
			list = append(list, "["+w+"]", plain, "("+w+")", plain, "{"+w+"}", plain,
				" ["+w+"] ", plain, " ("+w+") ", plain, " {"+w+"} ", plain)
		}
	}
	return strings.NewReplacer(list...)
}()

// mendDots makes plain dots of those between two characters of a name that have brackets or backslashes about them, or, if spaces is set, spaces.
func mendDots(s string, spaces bool) string {
	about := `[](){}\.`
	if spaces {
		about += " "
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		j := i
		for j < len(s) && strings.IndexByte(about, s[j]) >= 0 {
			j++
		}
		switch run := s[i:j]; {
		case j == i:
			b.WriteByte(s[i])
			j++
		case len(run) > 1 && strings.Count(run, ".") == 1 && i > 0 && j < len(s) && classes[s[i-1]]&(alnum|hyphen|high) != 0 && classes[s[j]]&(alnum|hyphen|high) != 0:
			b.WriteByte('.')
		default:
			b.WriteString(run)
		}
		i = j
	}
	return b.String()
}

// worthAnother reports whether a value that was refused may be good when it is read as [mend] does.
func (f fault) worthAnother() bool {
	switch f.reason {
	case Private, Reserved, TooLong, TooBroad, Empty, Placeholder, NotUTF8, UnknownKind:
		return false
	}
	return f.bad()
}

// orMended parses s once more as [mend] reads it, and returns what that gives; or
// o and f, which it gave as it stands, if nothing better comes of it.
func orMended(o Observable, f fault, s string, parse func(string) (Observable, fault)) (Observable, fault) {
	mended := mend(s)
	if mended == s {
		return o, f
	}
	if again, g := parse(mended); !g.bad() || !g.worthAnother() {
		return again, g
	}
	return o, f
}

// maskBits returns how many bits an IPv4 netmask has: 24 for 255.255.255.0.
func maskBits(s string) (int, bool) {
	mask, f := parseIPv4(s)
	if f.bad() || mask == 0 || mask&(^mask>>1) != 0 || ^mask&(^mask+1) != 0 {
		return 0, false
	}
	return bits.OnesCount32(mask), true
}
