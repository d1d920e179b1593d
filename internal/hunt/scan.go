package hunt

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math/bits"
	"slices"

	"dossier/internal/observable"
)

// A Relation says how what a log holds relates to the indicator.
type Relation string

const (
	Exact     Relation = "exact"
	Subdomain Relation = "subdomain" // the log has a name below the indicator
	Network   Relation = "network"   // the log has an address in it
	Query     Relation = "query"     // the log has the URL with a query that the indicator has not
	Joined    Relation = "joined"    // host and path, or address and port, stand apart in the line
)

// A Match is an indicator that a line holds.
type Match struct {
	Observable observable.Observable
	Relation   Relation
	Offset     int // in the line, of the value or of what it is wrapped in
}

// A Line is one that holds indicators.
type Line struct {
	Text    []byte // without its end; valid until the next call
	Offset  int    // in what was scanned
	Matches []Match
}

// A Scanner finds the indicators of a matcher in text. It is for one goroutine at a time and may be used again.
type Scanner struct {
	m     *Matcher
	masks [strip + history]masks
	carry uint64

	cands  []cand
	hits   []hit
	chunks []span // that may be read in another way
	joins  []join
	seen   map[uint32]int // entry to match, of one line

	// While readings are scanned, where they come from.
	scratch []byte
	origins []origin

	digestEnd, colonEnd, chunkEnd, fangedEnd, aceEnd int // up to where the text was looked at

	tries, triesEnd int // URLs tried in the line that ends there
}

const (
	strip   = 64 // groups whose masks are kept
	history = 2  // and of those before them
)

// A cand is a value that passed the first look: a name if n > 0, else an IPv4 address.
type cand struct {
	h   uint64
	end int32
	n   int32
	ip  uint32
}

type span struct{ start, end int }

// A hit is an entry of the arena that was found at a place of the text.
type hit struct {
	pos   int
	entry uint32
	rel   Relation
}

// A join is a host that stands by itself, whose URLs may have their path elsewhere in the line.
type join struct {
	pos  int
	host string // with port, as it is written
}

// An origin says that the scratch text from at on is a reading of what stands at pos.
type origin struct{ at, pos int }

// NewScanner returns a scanner for the matcher.
func NewScanner(m *Matcher) *Scanner { return &Scanner{m: m, seen: map[uint32]int{}} }

// Pad returns a copy of text, padded for [Scanner.Scan].
func Pad(text []byte) []byte {
	b := bytes.Repeat([]byte{'\n'}, front+len(text)+group)
	copy(b[front:], text)
	return b
}

// Scan yields the lines of padded text that hold indicators, in order. buf begins with 64 line feeds and ends with 64, as [Pad] makes it. The text should
// be whole lines. A match is yielded once a line.
func (s *Scanner) Scan(buf []byte, yield func(Line)) {
	s.hits, s.chunks, s.joins, s.scratch, s.origins = s.hits[:0], s.chunks[:0], s.joins[:0], append(s.scratch[:0], newlines[:]...), s.origins[:0]
	end := len(buf) - group
	s.scan(buf, end, true)
	if len(s.chunks) > 0 {
		s.reread(buf)
	}
	if len(s.joins) > 0 {
		s.joinAll(buf)
	}
	if len(s.hits) > 0 {
		s.lines(buf, yield)
	}
}

var newlines = [front]byte(bytes.Repeat([]byte{'\n'}, front))

// lines gathers the hits by line.
func (s *Scanner) lines(buf []byte, yield func(Line)) {
	slices.SortFunc(s.hits, func(a, b hit) int { return cmp.Or(a.pos-b.pos, cmp.Compare(a.entry, b.entry)) })
	for i := 0; i < len(s.hits); {
		start, end := lineAt(buf, s.hits[i].pos)
		line := Line{Text: bytes.TrimSuffix(buf[start:end], []byte{'\r'}), Offset: start - front}
		j := i
		clear(s.seen)
		for ; j < len(s.hits) && s.hits[j].pos <= end; j++ {
			h := s.hits[j]
			k, again := s.seen[h.entry]
			switch {
			case !again:
				s.seen[h.entry] = len(line.Matches)
				line.Matches = append(line.Matches, Match{s.m.observable(h.entry), h.rel, h.pos - start})
			case h.rel == Exact && line.Matches[k].Relation != Exact: // now with the closest relation
				line.Matches[k].Relation, line.Matches[k].Offset = Exact, h.pos-start
			}
		}
		yield(line)
		i = j
	}
}

// lineAt returns begin and end of the line around pos.
func lineAt(buf []byte, pos int) (start, end int) {
	end = len(buf) - group
	if i := bytes.IndexByte(buf[pos:end], '\n'); i >= 0 {
		end = pos + i
	}
	return bytes.LastIndexByte(buf[:pos], '\n') + 1, end
}

// scan looks at text[front:end]. raw is false for readings, which are not read again.
func (s *Scanner) scan(text []byte, end int, raw bool) {
	s.carry = 0
	s.masks[0], s.masks[1] = masks{}, masks{}
	s.digestEnd, s.colonEnd, s.chunkEnd, s.fangedEnd, s.aceEnd, s.triesEnd = 0, 0, 0, 0, 0, 0
	total := (end-front)/group + 1
	for done := 0; done < total; done += strip {
		n := min(strip, total-done)
		base := front + done*group
		if done > 0 {
			s.masks[0], s.masks[1] = s.masks[strip], s.masks[strip+1]
		}
		classify(text[base:], s.masks[history:history+n])
		s.strip(text, base, n, raw)
	}
}

// strip looks at n groups from base on, of which the masks are made.
func (s *Scanner) strip(text []byte, base, n int, raw bool) {
	s.cands = s.cands[:0]
	carry := s.carry
	for g := range n {
		m, before := &s.masks[g+history], &s.masks[g+history-1]
		at := base + g*group
		sum, out := bits.Add64(m.word, m.dot, carry)
		carry = out
		for ends := sum &^ m.word; ends != 0; ends &= ends - 1 {
			b := uint(bits.TrailingZeros64(ends))
			// The 64 bytes before the end, the last one in the top bit.
			words := m.word<<1<<(63-b) | before.word>>b
			dots := m.dot<<1<<(63-b) | before.dot>>b
			if b == 0 {
				words, dots = before.word, before.dot
			}
			s.value(text, at+int(b), words, dots)
		}
		if m.odd != 0 && raw {
			s.odd(text, at, m.odd)
		}
		if m.joiner != 0 {
			j := m.joiner
			near := m.dot<<2 | m.dot<<3 | m.dot<<4 | before.dot>>62 | before.dot>>61 | before.dot>>60
			for k := j & near; k != 0; k &= k - 1 {
				if e := at + bits.TrailingZeros64(k); isDigit(text[e-1]) {
					s.ipv4(text, e)
				}
			}
			if raw {
				for k := j & (j<<1 | before.joiner>>63); k != 0; k &= k - 1 {
					s.ace(text, at+bits.TrailingZeros64(k))
				}
			}
		}
		if m.colon != 0 {
			s.colons(text, at, m.colon, before.colon)
		}
		for k := m.equals &^ (m.equals >> 1) &^ (m.word >> 1); k != 0; k &= k - 1 {
			s.base64(text, at+bits.TrailingZeros64(k))
		}
		if k := longRun(m.word<<32 | before.word>>32); k != 0 {
			s.digest(text, at-32+bits.TrailingZeros64(k))
		}
		for k := longRun(m.word); k != 0; k &= k - 1 {
			s.digest(text, at+bits.TrailingZeros64(k))
		}
	}
	s.carry = carry
	// All looks into the filter first, so that they wait for memory together.
	for _, c := range s.cands {
		if !s.m.allowed(c.h) {
			continue
		}
		if c.n > 0 {
			s.name(text, int(c.end))
		} else {
			s.address4(text, int(c.end), c.ip)
		}
	}
}

// longRun has a bit where 32 set bits begin.
func longRun(x uint64) uint64 {
	x &= x >> 1
	x &= x >> 2
	x &= x >> 4
	x &= x >> 8
	return x & (x >> 16)
}

// value takes a first look at the word with a dot that ends at e. words and dots are the 64 bytes before.
func (s *Scanner) value(text []byte, e int, words, dots uint64) {
	last := text[e-1]
	if classes[last]&(dot|joiner) != 0 { // punctuation
		for classes[text[e-1]]&(dot|joiner) != 0 {
			e--
		}
		s.longValue(text, e)
		return
	}
	d1 := bits.LeadingZeros64(dots)
	if isDigit(last) {
		if d1 <= 3 {
			if dots<<uint(d1+1)>>60 != 0 { // another dot close before
				s.ipv4(text, e)
			}
			return
		}
		if d1 < 5 || text[e-d1+2] != '-' { // no address, and no name but one like a.xn--p1
			return
		}
	}
	if d1 < 2 || d1 == 64 {
		if d1 == 64 {
			s.longValue(text, e)
		}
		return
	}
	if d1 <= 8 {
		x := (binary.LittleEndian.Uint64(text[e-8:]) | fold8) >> (8 * uint(8-d1) & 63)
		if !hasBit(s.m.tlds[:], tldBits(x, d1)) {
			return
		}
	} else if d1 > 63 || !hasBit(s.m.tlds[:], tldHash(text[e-d1:e])) {
		return
	}
	length := bits.LeadingZeros64(^words)
	n := d1 + 1 + bits.LeadingZeros64(dots<<uint(d1+1))
	if n >= length {
		if length == 64 {
			s.longValue(text, e)
			return
		}
		if n = length; classes[text[e-n]]&joiner != 0 {
			s.trimmedName(text, e, n)
		}
	}
	s.cands = append(s.cands, cand{h: hashTail(twoLabels, text, e, n), end: int32(e), n: int32(n)})
}

// trimmedName adds a name of n bytes without the hyphens and underscores before it, of which each may belong to it.
func (s *Scanner) trimmedName(text []byte, e, n int) {
	for n > 1 && classes[text[e-n]]&joiner != 0 {
		n--
		s.cands = append(s.cands, cand{h: hashTail(twoLabels, text, e, n), end: int32(e), n: int32(n)})
	}
}

// longValue is value for words that the masks do not show whole.
func (s *Scanner) longValue(text []byte, e int) {
	if isDigit(text[e-1]) {
		s.ipv4(text, e)
	}
	const longest = 63 + 1 + 63
	i, seen := e, 0
	for e-i <= longest && isWord(text[i-1]) {
		if text[i-1] == '.' {
			if seen++; seen == 2 {
				break
			}
		}
		i--
	}
	if n := e - i; n <= longest && seen > 0 {
		s.cands = append(s.cands, cand{h: hashTail(twoLabels, text, e, n), end: int32(e), n: int32(n)})
		if classes[text[i]]&joiner != 0 && seen == 1 {
			s.trimmedName(text, e, n)
		}
	}
}

// ipv4 looks at the address that ends at e, if one does.
func (s *Scanner) ipv4(text []byte, e int) {
	a, start, ok := ipv4Before(text, e)
	if !ok {
		return
	}
	if hasBit(s.m.nets4[:], a>>16) {
		s.networks4(start, a)
	}
	s.cands = append(s.cands, cand{h: hashIPv4(a), end: int32(e), ip: a})
}

// ipv4Before returns the IPv4 address that ends at e and begins where a value may, and its begin.
func ipv4Before(text []byte, e int) (a uint32, start int, ok bool) {
	i := e
	for part := range uint(4) {
		end, v, scale := i, uint32(0), uint32(1)
		for end-i < 3 && isDigit(text[i-1]) {
			i--
			v += scale * uint32(text[i]-'0')
			scale *= 10
		}
		if end == i || v > 255 || end-i > 1 && text[i] == '0' {
			return 0, 0, false // a leading zero: octal or not?
		}
		a |= v << (8 * part)
		if part < 3 {
			if i--; text[i] != '.' {
				return 0, 0, false
			}
		}
	}
	start = i
	for text[i-1] == '.' {
		i--
	}
	if c := text[i-1]; isAlnum(c) || c >= 0x80 {
		return 0, 0, false
	}
	if i == start && escapedBefore(text, start) {
		return 0, 0, false
	}
	return a, start, true
}

// escapedBefore reports whether what begins at i begins with the digits of a percent escape, and so further on.
func escapedBefore(text []byte, i int) bool {
	return text[i-1] == '%' && isHex(text[i]) && isHex(text[i+1])
}
