package hunt

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"net/netip"
	"slices"

	"dossier/internal/observable"
)

func (s *Scanner) hit(pos int, entry uint32, rel Relation) {
	s.hits = append(s.hits, hit{s.origin(pos), entry, rel})
}

// name looks up the name that ends at e: itself, the names above it, and what has it as a host.
func (s *Scanner) name(text []byte, e int) {
	if text[e] == '@' && isAlnum(text[e+1]) {
		return // the local part of an address
	}
	const longest = 253 + 1
	i, dots := e, 0
	for e-i <= longest && isWord(text[i-1]) {
		i--
		if text[i] == '.' {
			if dots++; dots > 1 {
				s.nameFrom(text, i+1, e, Subdomain)
			}
		}
	}
	if e-i > longest || dots == 0 || escapedBefore(text, i) {
		return
	}
	// Hyphens and underscores before it may belong to it or not.
	for ; ; i++ {
		s.nameFrom(text, i, e, Exact)
		s.hostName(text, i, e)
		if classes[text[i]]&joiner == 0 {
			return
		}
	}
}

func (s *Scanner) nameFrom(text []byte, i, e int, rel Relation) {
	if i >= e {
		return
	}
	s.m.lookup(hashTail(domains, text, e, e-i), func(at uint32, code byte, v []byte) {
		if code == codeDomain && equalFold(text[i:e], v) {
			s.hit(i, at, rel)
		}
	})
}

// equalFold reports whether s is v, which is in lower case, but for the case of ASCII letters.
func equalFold(s, v []byte) bool {
	if len(s) != len(v) {
		return false
	}
	for i, c := range s {
		if lower(c) != v[i] {
			return false
		}
	}
	return true
}

// hostName looks for what has the name as its host.
func (s *Scanner) hostName(text []byte, i, e int) {
	found := false
	s.m.lookup(hashTail(hosts, text, e, e-i), func(_ uint32, code byte, v []byte) {
		found = found || code == codeHost && equalFold(text[i:e], v)
	})
	if !found {
		return
	}
	s.email(text, i, e)
	s.url(text, i, e)
}

// address4 looks up the IPv4 address that ends at e, if one does, and what has it as a host.
func (s *Scanner) address4(text []byte, e int) {
	a, start, ok := ipv4Before(text, e)
	if ok {
		s.address(text, start, e, netip.AddrFrom4([4]byte{byte(a >> 24), byte(a >> 16), byte(a >> 8), byte(a)}))
	}
}

// address looks up the address in text[i:e], and what has it as a host.
func (s *Scanner) address(text []byte, i, e int, a netip.Addr) {
	raw := a.AsSlice()
	if at, ok := s.m.find(hashAddress(raw), codeAddress, raw); ok {
		s.hit(i, at, Exact)
	}
	key := hostKey(a)
	if _, ok := s.m.find(hashString(hosts, key), codeHost, key); !ok {
		return
	}
	switch bracketed := text[i-1] == '[' && text[e] == ']'; {
	case a.Is4():
		s.url(text, i, e)
		if bracketed {
			e++
		}
	case bracketed:
		i, e = i-1, e+1
		s.url(text, i, e)
	default:
		host := "[" + a.String() + "]"
		for _, scheme := range webPrefixes {
			s.lookupURL(i, scheme+host, Host)
		}
		s.joins = append(s.joins, join{s.origin(i), host})
	}
	s.port(text, i, e, a)
}

// networks4 looks up the networks of the IPv4 address that ends at e, if one does.
func (s *Scanner) networks4(text []byte, e int) {
	if a, start, ok := ipv4Before(text, e); ok {
		s.networksOf(start, a)
	}
}

func (s *Scanner) networksOf(pos int, a uint32) {
	var v [5]byte
	for n := range 33 {
		if s.m.bits4>>n&1 == 0 {
			continue
		}
		v[0] = byte(n)
		binary.BigEndian.PutUint32(v[1:], uint32(uint64(a)>>(32-n)<<(32-n)))
		if at, ok := s.m.find(hashString(networks, v[:]), codeNetwork, v[:]); ok {
			s.hit(pos, at, Network)
		}
	}
}

func (s *Scanner) networks6(pos int, a netip.Addr) {
	b := a.As16()
	if !hasBit(s.m.nets6[:], uint32(b[0])<<8|uint32(b[1])) {
		return
	}
	for n := range 129 {
		if s.m.bits6[n/64]>>(n%64)&1 == 0 {
			continue
		}
		p, _ := a.Prefix(n)
		v := append([]byte{byte(n)}, p.Addr().AsSlice()...)
		if at, ok := s.m.find(hashString(networks, v), codeNetwork, v); ok {
			s.hit(pos, at, Network)
		}
	}
}

// digest looks at the word around p, which is long, for hashes.
func (s *Scanner) digest(text []byte, p int) {
	if p < s.digestEnd {
		return
	}
	i := p
	for i > s.digestEnd && isWord(text[i-1]) {
		i--
	}
	for isWord(text[i]) {
		j, all := i, byte(hexDigit)
		for ; features[text[j]]&alnum != 0; j++ {
			all &= features[text[j]]
		}
		if all != 0 {
			switch j - i {
			case 32, 40, 62, 64, 128:
				s.hash(i, unhex(text[i:j]))
			}
		}
		i = max(j, i+1)
	}
	s.digestEnd = i
}

func unhex(b []byte) []byte {
	out := make([]byte, 0, 64)
	for i := 0; i+1 < len(b); i += 2 {
		out = append(out, nibble(b[i])<<4|nibble(b[i+1]))
	}
	return out
}

func nibble(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c&7 + 9
}

// hash looks up the bytes of a hash.
func (s *Scanner) hash(pos int, raw []byte) {
	h := hashString(digests, raw)
	if !s.m.allowed(h) {
		return
	}
	s.m.lookup(h, func(at uint32, code byte, v []byte) {
		if code >= codeDigest && bytes.Equal(v, raw) {
			s.hit(pos, at, Exact)
		}
	})
}

// base64 looks at what ends with the equals sign at p: 16, 20, 32 or 64 bytes are padded with one or two.
func (s *Scanner) base64(text []byte, p int) {
	pad := 1
	if text[p-1] == '=' {
		pad = 2
	}
	want := []int{27, 43}
	if pad == 2 {
		want = []int{22, 86}
	}
	var plain [88]byte
	n, i := 0, p-pad+1
	for n < len(plain) {
		c := text[i-1]
		switch c {
		case '-':
			c = '+'
		case '_':
			c = '/'
		}
		// What is not a letter or digit may belong to it or stand before it: sha256-…, pin-sha256/….
		if k := slices.Index(want, n); k >= 0 && !isAlnum(c) {
			if raw, err := base64.RawStdEncoding.DecodeString(string(plain[len(plain)-n:])); err == nil {
				s.hash(i, raw)
			}
		}
		if !isAlnum(c) && c != '+' && c != '/' {
			return
		}
		n++
		plain[len(plain)-n] = c
		if i--; c == '/' && text[i-1] == '\\' {
			i-- // as JSON may have it
		}
	}
}

// colons looks at the colons of a group, c: IPv6 addresses have two together or seven not far apart, certificates' hashes more.
func (s *Scanner) colons(text []byte, at int, double, c, before uint64) {
	for k := double; k != 0; k &= k - 1 {
		s.colonRun(text, at+bitIndex(k))
	}
	if k := chain(c<<32 | before>>32); k != 0 {
		s.colonRun(text, at-32+bitIndex(k))
	}
	for k := chain(c); k != 0; k &= k - 1 {
		s.colonRun(text, at+bitIndex(k))
	}
}

// chain has a bit for each colon that has six more before it, each at most five bytes apart.
func chain(c uint64) uint64 {
	k := c
	for range 6 {
		k = c & (k<<2 | k<<3 | k<<4 | k<<5)
		if k == 0 {
			return 0
		}
	}
	return k
}

// colonRun looks at the run of hex digits, colons and dots around p.
func (s *Scanner) colonRun(text []byte, p int) {
	if p < s.colonEnd {
		return
	}
	in := func(c byte) bool { return isHex(c) || c == ':' || c == '.' }
	i, j := p, p
	for i > s.colonEnd && in(text[i-1]) {
		i--
	}
	for in(text[j]) {
		j++
	}
	s.colonEnd = j
	if c := text[j]; isAlnum(c) || c >= 0x80 {
		return
	}
	if c := text[i-1]; isAlnum(c) || c >= 0x80 || c == '%' {
		// The run begins inside a word, which perhaps a colon ends.
		k := bytes.IndexByte(text[i:j], ':')
		if k < 0 {
			return
		}
		i += k + 1
		if text[i] == ':' && i < j {
			return
		}
	}
	for j > i && (text[j-1] == '.' || text[j-1] == ':' && text[j-2] != ':') {
		j--
	}
	if i < j && text[i] == ':' && text[i+1] != ':' {
		i++
	}
	s.fingerprint(text, i, j)
	if e, start, a, ok := ipv6In(text, i, j); ok {
		if a.Is6() {
			s.networks6(start, a)
		} else {
			b := a.As4()
			s.networksOf(start, binary.BigEndian.Uint32(b[:]))
		}
		s.address(text, start, e, a)
	}
}

// ipv6In returns the address that text[i:j] is, with what may stick to it: behind, a port after a dot or a colon, before, a word and a colon.
func ipv6In(text []byte, i, j int) (end, start int, a netip.Addr, ok bool) {
	const longest = 64
	if j-i > longest {
		return 0, 0, a, false
	}
	try := func(i, j int) bool {
		addr, err := netip.ParseAddr(string(text[i:j]))
		if err != nil || addr.Is4() {
			return false
		}
		end, start, a, ok = j, i, addr.Unmap(), true
		return true
	}
	if try(i, j) {
		return
	}
	if k := bytes.LastIndexAny(text[i:j], ".:"); k > 0 && try(i, i+k) {
		return
	}
	if k := bytes.IndexByte(text[i:j], ':'); k > 0 && text[i+k+1] != ':' && try(i+k+1, j) {
		return
	}
	return 0, 0, a, false
}

// fingerprint looks at pairs of digits joined by colons, as certificates' hashes are written.
func (s *Scanner) fingerprint(text []byte, i, j int) {
	n := j - i
	if n%3 != 2 {
		return
	}
	switch n / 3 {
	case 15, 19, 31, 63:
	default:
		return
	}
	raw := make([]byte, 0, 64)
	for k := i; k < j; k += 3 {
		if !isHex(text[k]) || !isHex(text[k+1]) || k+2 < j && text[k+2] != ':' {
			return
		}
		raw = append(raw, nibble(text[k])<<4|nibble(text[k+1]))
	}
	s.hash(i, raw)
}

// ace looks whether the hyphen at p ends "xn--" in a name that is not in canonical form.
func (s *Scanner) ace(text []byte, p int) {
	if text[p] != '-' || text[p-1] != '-' || text[p-2]|0x20 != 'n' || text[p-3]|0x20 != 'x' {
		return
	}
	if p < s.aceEnd {
		return // of a word that was looked at
	}
	i, j := p, p
	for p-i < 512 && isWord(text[i-1]) {
		i--
	}
	for j-p < 512 && isWord(text[j]) {
		j++
	}
	s.aceEnd = j
	w := bytes.TrimRight(text[i:j], ".-_")
	if o, err := observable.ParseAs(observable.Domain, string(w)); err == nil && !equalFold(w, []byte(o.Value)) {
		s.chunk(text, p, false)
	}
}
