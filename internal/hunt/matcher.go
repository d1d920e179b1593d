package hunt

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"math/bits"
	"net/netip"

	"dossier/internal/observable"
)

// A Matcher is an immutable index of indicators. It is safe for concurrent use.
//
// Values lie one behind the other in an arena: kind, length, value. slots is an open-addressed table of their offsets with 32 bits of the hash of what they
// are looked up by. All but stats is plain memory, which can be saved and mapped: see [Matcher.Save].
type Matcher struct {
	arena  [][]byte // pieces of [piece] bytes, the last one shorter
	slots  []uint64 // hash>>32<<32 | offset+1; 0: free
	filter []uint64 // Bloom filter: each key has its bits in one word
	tlds   [1 << 15 / 64]uint64
	nets4  [1 << 16 / 64]uint64 // first two numbers of addresses that are in a network, by hashPair
	nets6  [1 << 16 / 64]uint64 // first 16 bits of them
	bits4  uint64               // prefix lengths that occur
	bits6  [3]uint64            // the same for IPv6
	stats  Stats
}

// Stats tell what a matcher is made of.
type Stats struct {
	Indicators int                     // that can be found
	Skipped    map[observable.Kind]int // of kinds that are not looked for in logs
	Bytes      int                     // of memory
}

// Stats returns what the matcher is made of.
func (m *Matcher) Stats() Stats { return m.stats }

const (
	piece = 1 << 22
	front = 64 // bytes before every text that is scanned, so that reading backwards stays inside
)

// The kinds in the order of their codes. Codes are written to files: only append.
var kinds = []observable.Kind{
	"host", observable.Domain, observable.IPAddress, observable.CIDR, observable.URL, observable.Email, observable.IPPort,
	observable.MD5, observable.SHA1, observable.SHA256, observable.SHA512, observable.JA3, observable.JA3S, observable.JARM,
	observable.CertSHA1, observable.CertSHA256,
}

// Codes of kinds that the code asks for.
const (
	codeHost = iota // no indicator, but the host of one
	codeDomain
	codeAddress
	codeNetwork
	codeURL
	codeEmail
	codePort
	codeDigest // and what follows
)

var codes = func() map[observable.Kind]byte {
	m := map[observable.Kind]byte{}
	for i, k := range kinds[1:] {
		m[k] = byte(i + 1)
	}
	return m
}()

// Hunted reports whether indicators of the kind are looked for in logs.
func Hunted(k observable.Kind) bool { return codes[k] != 0 }

// Compile makes a matcher of indicators, which are canonical, as package observable makes them; one may come more than once. Kinds that are not
// looked for ([Hunted]) are counted. It keeps nothing of what it is given. An error of the sequence ends it.
func Compile(indicators iter.Seq2[observable.Observable, error]) (*Matcher, error) {
	m := &Matcher{stats: Stats{Skipped: map[observable.Kind]int{}}}
	b := builder{m: m}
	for o, err := range indicators {
		if err != nil {
			return nil, err
		}
		if err := b.add(o); err != nil {
			return nil, err
		}
	}
	b.index()
	return m, nil
}

type builder struct {
	m       *Matcher
	entries int
}

var errArena = errors.New("too many indicators: their values take more than 4 GiB")

func (b *builder) add(o observable.Observable) error {
	code := codes[o.Kind]
	if code == 0 {
		b.m.stats.Skipped[o.Kind]++
		return nil
	}
	bad := func() error { return fmt.Errorf("indicator %s %q is not canonical", o.Kind, o.Value) }
	switch code {
	case codeAddress:
		a, err := netip.ParseAddr(o.Value)
		if err != nil {
			return bad()
		}
		return b.put(code, a.AsSlice())
	case codeNetwork:
		p, err := netip.ParsePrefix(o.Value)
		if err != nil {
			return bad()
		}
		return b.put(code, append([]byte{byte(p.Bits())}, p.Addr().AsSlice()...))
	case codeDomain, codeURL, codeEmail, codePort:
		if h, ok := o.Host(); ok {
			key := []byte(h.Value)
			if h.Kind == observable.IPAddress {
				a, err := netip.ParseAddr(h.Value)
				if err != nil {
					return bad()
				}
				key = hostKey(a)
			}
			if err := b.put(codeHost, key); err != nil {
				return err
			}
		} else if code != codeDomain {
			return bad()
		}
		return b.put(code, []byte(o.Value))
	}
	raw, err := hex.DecodeString(o.Value)
	if err != nil {
		return bad()
	}
	return b.put(code, raw)
}

// hostKey is what an address is as the host of something: its bytes behind a zero, which no name has.
func hostKey(a netip.Addr) []byte { return append([]byte{0}, a.AsSlice()...) }

// put appends an entry to the arena. No entry lies in two pieces; what is left of a piece is filled with 0xff.
func (b *builder) put(code byte, value []byte) error {
	m := b.m
	var head [binary.MaxVarintLen64 + 1]byte
	head[0] = code
	h := head[:1+binary.PutUvarint(head[1:], uint64(len(value)))]
	n := len(h) + len(value)
	if len(m.arena) == 0 || len(m.arena[len(m.arena)-1])+n > piece {
		if len(m.arena) > 0 {
			last := &m.arena[len(m.arena)-1]
			for len(*last) < piece {
				*last = append(*last, 0xff)
			}
		}
		if len(m.arena) == 1<<32/piece-1 {
			return errArena
		}
		size := piece
		if len(m.arena) == 0 {
			size = 1 << 12
		}
		m.arena = append(m.arena, make([]byte, 0, size))
	}
	last := &m.arena[len(m.arena)-1]
	*last = append(append(*last, h...), value...)
	b.entries++
	return nil
}

// entry returns what stands in the arena at an offset; of one that is not there, as only a file that was tampered with can have, a code that no entry has.
func (m *Matcher) entry(at uint32) (code byte, value []byte) {
	const none = 0xff
	if int(at/piece) >= len(m.arena) {
		return none, nil
	}
	p := m.arena[at/piece]
	if at%piece+2 > uint32(len(p)) {
		return none, nil
	}
	p = p[at%piece:]
	n, w := uint64(p[1]), 2
	if n >= 0x80 {
		long, k := binary.Uvarint(p[1:])
		if k <= 0 {
			return none, nil
		}
		n, w = long, 1+k
	}
	if n > uint64(len(p)-w) || int(p[0]) >= len(kinds) {
		return none, nil
	}
	return p[0], p[w : w+int(n)]
}

// entries yields all of the arena.
func (m *Matcher) entries(yield func(at uint32, code byte, value []byte)) {
	for i, p := range m.arena {
		for at := 0; at < len(p) && p[at] != 0xff; {
			n, k := binary.Uvarint(p[at+1:])
			v := p[at+1+k:][:n]
			yield(uint32(i*piece+at), p[at], v)
			at += 1 + k + int(n)
		}
	}
}

// keyOf returns the hash that an entry is looked up by.
func keyOf(code byte, v []byte) uint64 {
	switch code {
	case codeHost:
		return hashString(hosts, v)
	case codeDomain:
		return hashString(domains, v)
	case codeAddress:
		return hashAddress(v)
	case codeNetwork:
		return hashString(networks, v)
	case codeURL:
		return hashString(urls, v)
	case codeEmail:
		return hashString(emails, v)
	case codePort:
		return hashString(ports, v)
	}
	return hashString(digests, v)
}

func hashAddress(v []byte) uint64 {
	if len(v) == 4 {
		return hashIPv4(binary.BigEndian.Uint32(v))
	}
	return hashString(addresses, v)
}

// index makes table and filter of what is in the arena.
func (b *builder) index() {
	m := b.m
	size := 1 << bits.Len(uint(b.entries*4/3)) // at most three in four are taken
	m.slots = make([]uint64, max(size, 8))
	m.filter = make([]uint64, max(1<<bits.Len(uint(b.entries/4)), 8)) // 16 to 32 bits a key
	m.entries(func(at uint32, code byte, v []byte) {
		h := keyOf(code, v)
		if !m.insert(h, at, code, v) {
			return
		}
		if code != codeHost {
			m.stats.Indicators++
		}
		m.admit(h, code, v)
	})
	for _, p := range m.arena {
		m.stats.Bytes += cap(p)
	}
	m.stats.Bytes += 8 * (len(m.slots) + len(m.filter) + len(m.tlds) + len(m.nets4) + len(m.nets6))
}

// insert puts an entry into the table unless it is there already.
func (m *Matcher) insert(h uint64, at uint32, code byte, v []byte) bool {
	mask := uint64(len(m.slots) - 1)
	for i := h & mask; ; i = (i + 1) & mask {
		s := m.slots[i]
		if s == 0 {
			m.slots[i] = h>>32<<32 | uint64(at+1)
			return true
		}
		if s>>32 == h>>32 {
			if c, w := m.entry(uint32(s) - 1); c == code && string(w) == string(v) {
				return false
			}
		}
	}
}

// admit lets what could be this entry pass the filters.
func (m *Matcher) admit(h uint64, code byte, v []byte) {
	switch code {
	case codeHost, codeDomain:
		if code == codeHost && v[0] == 0 {
			m.admitAddress(v[1:])
			return
		}
		tld, two, three := lastLabels(v)
		m.allow(hashLastOf(twoLabels, two))
		m.allow(hashLastOf(lastThree, three))
		setBit(m.tlds[:], tldHash(tld))
	case codeAddress:
		m.admitAddress(v)
	case codeNetwork:
		n, first := int(v[0]), uint32(binary.BigEndian.Uint16(v[1:]))
		if len(v) > 5 {
			m.bits6[n/64] |= 1 << (n % 64)
		} else {
			m.bits4 |= 1 << n
		}
		for i := first; i < first+1<<max(16-n, 0); i++ {
			if len(v) > 5 {
				setBit(m.nets6[:], i)
				continue
			}
			var b [8]byte
			pair := fmt.Appendf(b[:0], "%d.%d", i>>8, i&0xff)
			setBit(m.nets4[:], hashPair(binary.LittleEndian.Uint64(b[:]), len(pair)))
		}
	case codeURL, codeEmail, codePort: // found by their hosts
	default:
		m.allow(h)
	}
}

// admitAddress lets an IPv4 address pass the filter; others are looked up at once.
func (m *Matcher) admitAddress(v []byte) {
	if a, ok := netip.AddrFromSlice(v); ok && a.Is4() {
		var b [16]byte
		m.allow(hashLastOf(dotted, a.AppendTo(b[:0])))
	}
}

// lastLabels returns the last label of a name, the last two and the last three, or all that there are.
func lastLabels(name []byte) (tld, two, three []byte) {
	cut := func(end int) int { return bytes.LastIndexByte(name[:max(end, 0)], '.') }
	i := cut(len(name))
	j := cut(i)
	return name[i+1:], name[j+1:], name[cut(j)+1:]
}

func setBit(set []uint64, i uint32) { set[i/64] |= 1 << (i % 64) }

func hasBit(set []uint64, i uint32) bool { return set[i/64]>>(i%64)&1 != 0 }

// tldHash gives 15 bits of a last label.
func tldHash(label []byte) uint32 {
	var x uint64
	for _, c := range label[max(0, len(label)-8):] {
		x = x>>8 | uint64(c|0x20)<<56
	}
	return tldBits(x>>(8*uint(8-min(8, len(label)))), len(label))
}

// tldBits is tldHash of at most eight folded bytes and the length of the label.
func tldBits(x uint64, n int) uint32 {
	return uint32((x ^ uint64(n)<<56) * 0x9fb21c651e98df25 >> 49)
}

// pattern is the bits of a key in its word of the filter.
func pattern(h uint64) uint64 {
	return 1<<(h&63) | 1<<(h>>6&63) | 1<<(h>>12&63) | 1<<(h>>18&63) | 1<<(h>>24&63)
}

func (m *Matcher) allow(h uint64) { m.filter[h>>32&uint64(len(m.filter)-1)] |= pattern(h) }

func (m *Matcher) allowed(h uint64) bool {
	p := pattern(h)
	return m.filter[h>>32&uint64(len(m.filter)-1)]&p == p
}

// lookup yields the entries with a hash.
func (m *Matcher) lookup(h uint64, yield func(at uint32, code byte, value []byte)) {
	mask := uint64(len(m.slots) - 1)
	for i := range m.slots { // not for ever, even if none is free
		s := m.slots[(h+uint64(i))&mask]
		if s == 0 {
			return
		}
		if s>>32 == h>>32 {
			at := uint32(s) - 1
			code, v := m.entry(at)
			yield(at, code, v)
		}
	}
}

// find returns the offset of the entry, if there is one.
func (m *Matcher) find(h uint64, code byte, v []byte) (found uint32, ok bool) {
	m.lookup(h, func(at uint32, c byte, w []byte) {
		if c == code && string(w) == string(v) {
			found, ok = at, true
		}
	})
	return found, ok
}

// observable returns the indicator that stands at an offset.
func (m *Matcher) observable(at uint32) observable.Observable {
	code, v := m.entry(at)
	o := observable.Observable{Kind: kinds[code]}
	switch code {
	case codeAddress:
		a, _ := netip.AddrFromSlice(v)
		o.Value = a.String()
	case codeNetwork:
		if len(v) == 0 {
			break
		}
		a, _ := netip.AddrFromSlice(v[1:])
		o.Value = netip.PrefixFrom(a, int(v[0])).String()
	case codeDomain, codeURL, codeEmail, codePort:
		o.Value = string(v)
	default:
		o.Value = hex.EncodeToString(v)
	}
	return o
}
