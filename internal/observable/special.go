package observable

import "net/netip"

// The address blocks that no host on the Internet has, from IANA's IPv4 and IPv6 Special-Purpose Address Registries
// (RFC 6890) and the multicast registries.
var specialBlocks = []struct {
	prefix netip.Prefix
	fault  fault
}{
	{netip.MustParsePrefix("0.0.0.0/8"), fault{Reserved, "unspecified"}},
	{netip.MustParsePrefix("10.0.0.0/8"), fault{Private, "RFC 1918"}},
	{netip.MustParsePrefix("100.64.0.0/10"), fault{Reserved, "shared by carriers"}},
	{netip.MustParsePrefix("127.0.0.0/8"), fault{Reserved, "loopback"}},
	{netip.MustParsePrefix("169.254.0.0/16"), fault{Reserved, "link-local"}},
	{netip.MustParsePrefix("172.16.0.0/12"), fault{Private, "RFC 1918"}},
	{netip.MustParsePrefix("192.0.0.0/24"), fault{Reserved, "protocol assignments"}},
	{netip.MustParsePrefix("192.0.2.0/24"), fault{Reserved, "documentation"}},
	{netip.MustParsePrefix("192.168.0.0/16"), fault{Private, "RFC 1918"}},
	{netip.MustParsePrefix("198.18.0.0/15"), fault{Reserved, "benchmarking"}},
	{netip.MustParsePrefix("198.51.100.0/24"), fault{Reserved, "documentation"}},
	{netip.MustParsePrefix("203.0.113.0/24"), fault{Reserved, "documentation"}},
	{netip.MustParsePrefix("224.0.0.0/4"), fault{Reserved, "multicast"}},
	{netip.MustParsePrefix("240.0.0.0/4"), fault{Reserved, "for future use"}},

	{netip.MustParsePrefix("::/128"), fault{Reserved, "unspecified"}},
	{netip.MustParsePrefix("::1/128"), fault{Reserved, "loopback"}},
	{netip.MustParsePrefix("2001:2::/48"), fault{Reserved, "benchmarking"}},
	{netip.MustParsePrefix("2001:10::/28"), fault{Reserved, "identifiers"}},
	{netip.MustParsePrefix("2001:20::/28"), fault{Reserved, "identifiers"}},
	{netip.MustParsePrefix("2001:db8::/32"), fault{Reserved, "documentation"}},
	{netip.MustParsePrefix("3fff::/20"), fault{Reserved, "documentation"}},
	{netip.MustParsePrefix("fc00::/7"), fault{Private, "unique local"}},
	{netip.MustParsePrefix("fe80::/10"), fault{Reserved, "link-local"}},
	{netip.MustParsePrefix("fec0::/10"), fault{Private, "site-local"}},
	{netip.MustParsePrefix("ff00::/8"), fault{Reserved, "multicast"}},
}

// The only IPv6 space that is in use: global unicast, and the well-known prefix of NAT64 (RFC 6052). In prose, a::b
// is more often code than an address, so this is worth being strict about.
var (
	globalUnicast = netip.MustParsePrefix("2000::/3")
	nat64         = netip.MustParsePrefix("64:ff9b::/96")
)

// specialIPv4 reports why nobody on the Internet can have the address a.
func specialIPv4(a uint32) fault {
	// Most first bytes hold no special block; the table is only walked for the others.
	switch b := a >> 24; {
	case b == 0, b == 10, b == 100, b == 127, b == 169, b == 172, b == 192, b == 198, b == 203, b >= 224:
		return specialNetwork(netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(b), byte(a >> 16), byte(a >> 8), byte(a)}), 32))
	}
	return fault{}
}

// special is specialIPv4 for either family. Mapped addresses are expected as IPv4.
func special(a netip.Addr) fault {
	return specialNetwork(netip.PrefixFrom(a, a.BitLen()))
}

// specialNetwork reports why no address of p can be on the Internet. A network that is special only in part is not.
func specialNetwork(p netip.Prefix) fault {
	a := p.Addr()
	if a.Is6() {
		// Global unicast outside of 2001::/16 and 3fff::/16 holds no special block.
		if b := a.As16(); b[0]>>5 == 1 && (b[0] != 0x20 || b[1] != 0x01) && (b[0] != 0x3f || b[1] != 0xff) {
			return fault{}
		}
	}
	for _, b := range specialBlocks {
		if b.prefix.Bits() <= p.Bits() && b.prefix.Contains(a) {
			return b.fault
		}
	}
	if a.Is4() {
		return fault{}
	}
	if nat64.Contains(a) && p.Bits() == 128 {
		b := a.As16()
		return special(netip.AddrFrom4([4]byte(b[12:])))
	}
	if !globalUnicast.Contains(a) && !nat64.Contains(a) {
		return fault{Reserved, "not assigned"}
	}
	return fault{}
}
