package observable

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// The profile is UTS 46, non-transitional, without the checks that refuse names which occur in the wild: _dmarc.…,
// -x.com, ab--cd.com. It also lets through spaces and "*", so scanDomain looks at its result again.
var profile = idna.New(idna.MapForLookup(), idna.StrictDomainName(false), idna.CheckHyphens(false),
	idna.CheckJoiners(false), idna.Transitional(false))

// wellFormedDomain is canonicalDomain without what feeds put around names: "*." or "." before, a port behind.
func wellFormedDomain(s string) (string, fault) {
	if strings.IndexByte(s, '/') >= 0 {
		return "", fault{WrongKind, "not just a name"}
	}
	if looksLikeAddress(s) && strings.ContainsAny(s, ".:") {
		return "", fault{WrongKind, "an address"}
	}
	if i := strings.LastIndexByte(s, ':'); i >= 0 {
		if _, f := parsePort(s[i+1:]); f.bad() {
			return "", f
		}
		if s = s[:i]; allOf(s, digit|dot) {
			return "", fault{WrongKind, "an address"}
		}
	}
	s = strings.TrimPrefix(s, "*.")
	s = strings.TrimPrefix(s, ".")
	return canonicalDomain(s)
}

// canonicalDomain returns the name in lower case, without a trailing dot, international labels in Punycode.
// Labels may hold underscores and hyphens anywhere. An ASCII name that IDNA refuses (xn--a.com) is kept as it is: it does
// occur in DNS. The last label must be letters or begin with xn--; names that are never public are refused.
func canonicalDomain(s string) (string, fault) {
	s = strings.TrimSuffix(s, ".")
	seen, f := scanDomain(s)
	if seen&(high|ace) != 0 {
		return internationalDomain(s)
	}
	if f.bad() {
		return "", f
	}
	if seen&upper != 0 {
		s = lowerASCII(s)
	}
	return s, checkTLD(s)
}

// ace marks a name with a label that begins with "xn--".
const ace class = 1 << 15

// scanDomain returns the classes of the bytes of s, and what is wrong with it as an ASCII name.
func scanDomain(s string) (class, fault) {
	var seen class
	var f fault
	start := 0
	for i := 0; i < len(s); i++ {
		c := classes[s[i]]
		seen |= c
		if c&host == 0 {
			f = fault{BadLabel, "character not in names"}
		}
		if c&dot != 0 {
			if n := i - start; n == 0 || n > 63 {
				f = fault{BadLabel, "label not of 1 to 63 characters"}
			}
			start = i + 1
		} else if i == start && hasPrefixFold(s[i:], "xn--") {
			seen |= ace
		}
	}
	switch n := len(s) - start; {
	case len(s) == 0:
		f = fault{Empty, ""}
	case n == 0 || n > 63:
		f = fault{BadLabel, "label not of 1 to 63 characters"}
	case len(s) > 253:
		f = fault{TooLong, "name of more than 253 characters"}
	case !f.bad() && start == 0:
		f = fault{NoDot, ""}
	}
	return seen, f
}

func internationalDomain(s string) (string, fault) {
	if len(s) > 1024 {
		return "", fault{TooLong, "name of more than 253 characters"}
	}
	if !utf8.ValidString(s) {
		return "", fault{NotUTF8, ""}
	}
	// What comes out in ASCII may still change when it goes in again, so it goes in until it does not.
	for range 4 {
		v, err := profile.ToASCII(s)
		if err != nil {
			v = lowerASCII(s)
		}
		v = strings.TrimSuffix(v, ".")
		if v != s {
			s = v
			continue
		}
		if _, f := scanDomain(s); f.bad() {
			return "", f
		}
		return s, checkTLD(s)
	}
	return "", fault{BadLabel, "no stable form in IDNA"}
}
