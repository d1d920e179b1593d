package fetch

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
)

// inside are the networks that are nobody's on the Internet, beyond what
// net/netip tells by itself: IANA's special-purpose registries (RFC 6890).
var inside = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"),
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("fec0::/10"),
	netip.MustParsePrefix("64:ff9b:1::/48"), // local NAT64
}

// embedding are IPv6 networks of which the addresses hold an IPv4 address, and
// where it begins.
var embedding = []struct {
	prefix netip.Prefix
	at     int
}{
	{netip.MustParsePrefix("64:ff9b::/96"), 12}, // NAT64, RFC 6052
	{netip.MustParsePrefix("2002::/16"), 2},     // 6to4, RFC 3056
	{netip.MustParsePrefix("::/96"), 12},        // IPv4-compatible
}

// refusal says why an address is not contacted, "" if it is.
func refusal(a netip.Addr, private bool) string {
	a = a.Unmap().WithZone("")
	for _, e := range embedding {
		if e.prefix.Contains(a) && !a.IsLoopback() && !a.IsUnspecified() {
			b := a.As16()
			return refusal(netip.AddrFrom4([4]byte(b[e.at:e.at+4])), private)
		}
	}
	switch {
	case a.IsLinkLocalUnicast(), a.IsMulticast(), a.IsUnspecified(), a == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return "an address that is no server's" // link-local ones are where clouds keep credentials
	case private:
		return ""
	case a.IsLoopback(), a.IsPrivate():
		return "a private address"
	}
	for _, p := range inside {
		if p.Contains(a) {
			return "a private address"
		}
	}
	return ""
}

// guard returns the check of a connection that is about to be made. The address
// is the one that the name was resolved to: there is no moment in between in
// which it could change.
func guard(private bool) func(network, address string, _ syscall.RawConn) error {
	return func(_, address string, _ syscall.RawConn) error {
		ap, err := netip.ParseAddrPort(address)
		if err != nil {
			return &RefusedError{"cannot tell what " + clip(address) + " is"}
		}
		if why := refusal(ap.Addr(), private); why != "" {
			return &RefusedError{ap.Addr().String() + " is " + why}
		}
		return nil
	}
}

// A router sends requests directly or by a proxy. A proxy resolves names
// itself, so there only what the address says can be checked.
type router struct {
	find            func(*http.Request) (*url.URL, error)
	direct, proxied http.RoundTripper
	private         bool
}

// RoundTrip implements [http.RoundTripper].
func (r *router) RoundTrip(req *http.Request) (*http.Response, error) {
	proxy, err := r.find(req)
	if err != nil {
		return nil, err
	}
	if proxy == nil {
		return r.direct.RoundTrip(req)
	}
	host := strings.ToLower(strings.TrimSuffix(req.URL.Hostname(), "."))
	if a, err := netip.ParseAddr(host); err == nil {
		if why := refusal(a, r.private); why != "" {
			return nil, &RefusedError{host + " is " + why}
		}
	}
	if !r.private && (host == "localhost" || strings.HasSuffix(host, ".localhost") || numeric(host)) {
		return nil, &RefusedError{host + " is a private address"}
	}
	return r.proxied.RoundTrip(req)
}

// numeric reports whether a host is an address in a form that only some
// resolvers read, as 0x7f.1 or 2130706433.
func numeric(host string) bool {
	last := host[strings.LastIndexByte(host, '.')+1:]
	if _, err := netip.ParseAddr(host); err == nil || last == "" {
		return false
	}
	return strings.Trim(last, "0123456789") == "" || strings.HasPrefix(last, "0x")
}
