package observable

import (
	"strings"
	"unicode/utf8"
)

// canonicalEmail returns local@domain with the domain canonical. The case of the local part is kept: RFC 5321, 2.4 leaves its meaning
// to the receiver. Quoted local parts and address literals are refused. A leading "mailto:" is dropped. The top-level
// domain must exist if so asked.
func canonicalEmail(s string, mustExist bool) (string, fault) {
	if hasPrefixFold(s, "mailto:") {
		s = s[len("mailto:"):]
		if i := strings.IndexByte(s, '?'); i >= 0 {
			s = s[:i]
		}
	}
	i := strings.LastIndexByte(s, '@')
	if i < 0 {
		return "", fault{BadEmail, "no @"}
	}
	local, domain := s[:i], s[i+1:]
	if f := checkLocal(local); f.bad() {
		return "", f
	}
	if strings.ContainsAny(domain, ":*/") || strings.HasPrefix(domain, ".") {
		return "", fault{BadEmail, "bad domain"}
	}
	d, f := wellFormedDomain(domain)
	if mustExist {
		d, f = public(d, f)
	}
	if f.bad() {
		return "", f
	}
	if len(local)+1+len(d) > 254 {
		return "", fault{TooLong, "e-mail address of more than 254 characters"}
	}
	if d == domain {
		return s, fault{}
	}
	return local + "@" + d, fault{}
}

func checkLocal(s string) fault {
	switch {
	case s == "" || s[0] == '.' || s[len(s)-1] == '.':
		return fault{BadEmail, "bad local part"}
	case s[0] == '\'' || s[0] == '`':
		// A quotation mark, which is cut off where it stands in front of the address.
		return fault{BadEmail, "quotation mark before local part"}
	case len(s) > 64:
		return fault{TooLong, "local part of more than 64 characters"}
	case !utf8.ValidString(s):
		return fault{NotUTF8, ""}
	}
	for i := 0; i < len(s); i++ {
		if classes[s[i]]&(alnum|dot|hyphen|high) == 0 && strings.IndexByte("!#$%&'*+/=?^`{|}~", s[i]) < 0 {
			return fault{BadEmail, "character not in local parts"}
		}
	}
	return fault{}
}
