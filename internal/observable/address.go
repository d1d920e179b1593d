package observable

import (
	"net/netip"
	"strconv"
	"strings"
)

// canonicalAddress returns an address as text: IPv4 as four decimal numbers, IPv6 as RFC 5952 says, an IPv4-mapped one as
// IPv4. Zones, leading zeros and other notations are refused, and so is an address that nobody on the Internet can have.
func canonicalAddress(s string) (string, fault) {
	if strings.IndexByte(s, ':') < 0 {
		return canonicalIPv4(s)
	}
	a, f := parseIPv6(s)
	if f.bad() {
		return "", f
	}
	if f := special(a); f.bad() {
		return "", f
	}
	if v := a.String(); v != s {
		return v, fault{}
	}
	return s, fault{}
}

// canonicalIPv4 returns s: the notation that it takes has one form for each address.
func canonicalIPv4(s string) (string, fault) {
	a, f := parseIPv4(s)
	if f.bad() {
		return "", f
	}
	if f := specialIPv4(a); f.bad() {
		return "", f
	}
	return s, fault{}
}

func parseIPv4(s string) (uint32, fault) {
	var addr, part uint32
	dots, digits := 0, 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '.':
			if digits == 0 {
				return 0, fault{BadAddress, "empty part"}
			}
			addr, part, digits = addr<<8|part, 0, 0
			dots++
		case '0' <= c && c <= '9':
			if digits > 0 && part == 0 {
				// inet_aton reads 010 as 8, others as 10: whose address would it be?
				return 0, fault{BadAddress, "leading zero"}
			}
			part = part*10 + uint32(c-'0')
			digits++
			if part > 255 {
				return 0, fault{BadAddress, "number above 255"}
			}
		default:
			return 0, fault{BadAddress, "not an address"}
		}
	}
	if dots != 3 || digits == 0 {
		return 0, fault{BadAddress, "not four numbers"}
	}
	return addr<<8 | part, fault{}
}

func parseIPv6(s string) (netip.Addr, fault) {
	if len(s) > 64 {
		return netip.Addr{}, fault{BadAddress, "not an address"}
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Addr{}, fault{BadAddress, "not an address"}
	}
	if a.Zone() != "" {
		return netip.Addr{}, fault{BadAddress, "has a zone"}
	}
	return a.Unmap(), fault{}
}

// The shortest prefixes that say anything: an /8 is sixteen million addresses.
const minBits4, minBits6 = 8, 16

// parseCIDR returns the network with its host bits cleared; one of a single address is an IPAddress.
func parseCIDR(s string) (Observable, fault) {
	addr, digits, ok := strings.Cut(s, "/")
	if !ok {
		return as(IPAddress)(canonicalAddress(s))
	}
	bits, err := strconv.Atoi(digits)
	if n, ok := maskBits(digits); ok {
		bits, err, digits = n, nil, strconv.Itoa(n)
	}
	if err != nil || len(digits) > 3 || strconv.Itoa(bits) != digits {
		return Observable{}, fault{BadAddress, "bad prefix length"}
	}
	var a netip.Addr
	if strings.IndexByte(addr, ':') >= 0 {
		var f fault
		if a, f = parseIPv6(addr); f.bad() {
			return Observable{}, f
		}
		if a.Is4() { // was ::ffff:192.0.2.0/120
			if bits -= 96; bits < 0 {
				return Observable{}, fault{TooBroad, ""}
			}
		}
	} else {
		v, f := parseIPv4(addr)
		if f.bad() {
			return Observable{}, f
		}
		a = netip.AddrFrom4([4]byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)})
	}
	if bits > a.BitLen() {
		return Observable{}, fault{BadAddress, "bad prefix length"}
	}
	if bits == a.BitLen() {
		return as(IPAddress)(canonicalAddress(a.String()))
	}
	p, _ := a.Prefix(bits)
	if f := specialNetwork(p); f.bad() {
		return Observable{}, f
	}
	if bits < minBits4 || a.Is6() && bits < minBits6 {
		return Observable{}, fault{TooBroad, "prefix too short to say anything"}
	}
	return Observable{CIDR, p.String()}, fault{}
}

// canonicalIPPort returns "192.0.2.1:80" or "[2001:db8::1]:80". MISP's "192.0.2.1|80" is taken too.
func canonicalIPPort(s string) (string, fault) {
	i := strings.LastIndexAny(s, ":|")
	if i < 0 {
		return "", fault{BadPort, "no port"}
	}
	addr, port := s[:i], s[i+1:]
	n, f := parsePort(port)
	if f.bad() {
		return "", f
	}
	if len(addr) > 2 && addr[0] == '[' && addr[len(addr)-1] == ']' {
		addr = addr[1 : len(addr)-1]
	} else if s[i] == ':' && strings.IndexByte(addr, ':') >= 0 {
		return "", fault{BadAddress, "an IPv6 address with a port needs brackets"}
	}
	v, f := canonicalAddress(addr)
	if f.bad() {
		return "", f
	}
	if strings.IndexByte(v, ':') >= 0 {
		v = "[" + v + "]"
	} else if i == len(v) && s[i] == ':' && s[:i] == v && port[0] != '0' {
		return s, fault{}
	}
	return v + ":" + strconv.Itoa(n), fault{}
}

func parsePort(s string) (int, fault) {
	n := 0
	for i := 0; i < len(s); i++ {
		if classes[s[i]]&digit == 0 || n > 65535 {
			return 0, fault{BadPort, "not a port"}
		}
		n = n*10 + int(s[i]-'0')
	}
	if n == 0 || n > 65535 {
		return 0, fault{BadPort, "not 1 to 65535"}
	}
	return n, fault{}
}

// looksLikeAddress reports whether s can only be meant as an address.
func looksLikeAddress(s string) bool {
	if strings.IndexByte(s, ':') < 0 {
		return allOf(s, digit|dot)
	}
	return strings.Count(s, ":") >= 2 && strings.Trim(s, "0123456789abcdefABCDEF:.") == "" || strings.IndexByte(s, '%') > 0
}

// looksLikeIPPort reports whether s can only be meant as an address with a port.
func looksLikeIPPort(s string) bool {
	if s[0] == '[' {
		return true
	}
	i := strings.IndexByte(s, ':')
	return i > 0 && allOf(s[:i], digit|dot) && strings.IndexByte(s[:i], '.') > 0
}
