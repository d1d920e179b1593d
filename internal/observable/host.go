package observable

import (
	"strings"

	"golang.org/x/net/publicsuffix"
)

// RegistrableDomain returns the part of host that somebody registered: the public suffix and one label, counting suffixes that
// companies run (foo.github.io). host is a canonical name, or else is taken in lower case without its trailing dot.
// A public suffix and an address are returned as they are.
func RegistrableDomain(host string) string {
	host = strings.TrimSuffix(lowerASCII(host), ".")
	if looksLikeAddress(host) {
		return host
	}
	if d, err := publicsuffix.EffectiveTLDPlusOne(host); err == nil {
		return d
	}
	return host
}

// Host returns the name or address in a URL, an address with a port, or an e-mail address, and whether there is one.
func (o Observable) Host() (Observable, bool) {
	var h string
	switch o.Kind {
	case URL:
		_, rest, ok := strings.Cut(o.Value, "://")
		if !ok {
			return Observable{}, false
		}
		if i := strings.IndexAny(rest, "/?#"); i >= 0 {
			rest = rest[:i]
		}
		h, _ = splitPort(rest[strings.LastIndexByte(rest, '@')+1:])
	case IPPort:
		h, _ = splitPort(o.Value)
	case Email:
		h = o.Value[strings.LastIndexByte(o.Value, '@')+1:]
	}
	if h == "" {
		return Observable{}, false
	}
	if h[0] == '[' {
		return Observable{IPAddress, strings.Trim(h, "[]")}, true
	}
	if looksLikeAddress(h) {
		return Observable{IPAddress, h}, true
	}
	return Observable{Domain, h}, true
}

// splitPort cuts an authority without user information into host, with its brackets, and port.
func splitPort(s string) (host, port string) {
	i := strings.LastIndexByte(s, ':')
	if i < 0 || strings.IndexByte(s[i:], ']') >= 0 {
		return s, ""
	}
	return s[:i], s[i+1:]
}
