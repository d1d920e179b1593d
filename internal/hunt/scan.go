package hunt

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math/bits"
	"runtime"
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
	Host      Relation = "host"      // the indicator is a URL without a path, and the log has its host, by itself
)

// distance orders relations: of an indicator that a line holds twice, the closest is told.
func (r Relation) distance() int {
	switch r {
	case Exact:
		return 0
	case Joined:
		return 2
	case Host:
		return 3
	}
	return 1
}

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
	buf   []byte // what is scanned
	masks [strip + history]masks
	carry uint64

	dot2 uint64 // of the last group: dots with another one near before them

	// Where words with a dot end, those that end with a number apart, and how many they are. A word and what ends it are two bytes.
	nameEnds, quadEnds     [strip*group/2 + 2]int32
	namesFound, quadsFound int

	cands   []cand
	hits    []hit
	escaped []span // what has escapes
	hidden  []span // what may be read in other ways still
	joins   []join
	seen    map[uint32]int // entry to match, of one line

	// While readings are scanned, where they come from.
	round   round
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

// An origin says that the scratch text from at on is a reading of a span of the text.
type origin struct {
	at int
	span
	last bool // of the readings of an escaped span
}

// A round says what is scanned.
type round int

const (
	asItStands round = iota
	unescaped        // readings of what has escapes; what has more than that is read once more
	undone           // all readings of the rest
)

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
	s.hits, s.escaped, s.hidden, s.joins = s.hits[:0], s.escaped[:0], s.hidden[:0], s.joins[:0]
	s.buf, s.round, s.scratch, s.origins = buf, asItStands, append(s.scratch[:0], newlines[:]...), s.origins[:0]
	s.scan(buf, len(buf)-group)
	if len(s.escaped)+len(s.hidden) > 0 {
		s.reread()
	}
	if len(s.joins) > 0 {
		s.joinAll(buf)
	}
	if len(s.hits) > 0 {
		s.lines(buf, yield)
	}
	runtime.KeepAlive(s.m) // whose memory may be a file's
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
			case h.rel.distance() < line.Matches[k].Relation.distance():
				line.Matches[k].Relation, line.Matches[k].Offset = h.rel, h.pos-start
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

// scan looks at text[front:end].
func (s *Scanner) scan(text []byte, end int) {
	s.carry, s.dot2 = 0, 0
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
		s.strip(text, base, n)
	}
}

// strip looks at n groups from base on, of which the masks are made.
func (s *Scanner) strip(text []byte, base, n int) {
	s.ends(text, base, n)
	s.quads(text, base)
	s.names(text, base)
	// All looks into the filter first, so that they wait for memory together.
	passed := 0
	cands := s.cands
	for i := range cands {
		c := cands[i]
		cands[passed] = c
		if s.m.allowed(c.h) {
			passed++
		}
	}
	for _, c := range cands[:passed] {
		if c.n > 0 {
			if s.mayName(text, int(c.end), int(c.n)) {
				s.name(text, int(c.end))
			}
		} else {
			s.address4(text, int(c.end))
		}
	}
}

// mayName asks the filter for the last three labels of the name that ends at e, of which the last two, n bytes, passed: those may be as common as
// co.uk. It lets pass what has hyphens or underscores before it, of which each may belong to it or not.
func (s *Scanner) mayName(text []byte, e, n int) bool {
	if s.m.allowed(hashLast(lastThree, text, e, n)) {
		return true // the name of an indicator may have no more
	}
	i := e - n - 1
	if text[i] != '.' {
		return false
	}
	const longest = 63
	for e-n-1-i <= longest && classes[text[i-1]]&(word|dot) == word {
		i--
	}
	return e-n-1-i > longest || classes[text[i]]&joiner != 0 || s.m.allowed(hashLast(lastThree, text, e, e-i))
}

// ends notes where words with a dot end, those that end with a number apart, and looks at what needs no look into the filter.
func (s *Scanner) ends(text []byte, base, n int) {
	s.cands = s.cands[:0]
	carry, again := s.carry, s.round != undone
	dot2 := s.dot2
	quads, names := 0, 0
	long, double := fullLane(s.masks[history-1].word), uint64(0)
	for g := range n {
		m, before := &s.masks[g+history], &s.masks[g+history-1]
		at := base + g*group
		sum, out := bits.Add64(m.word, m.dot, carry)
		carry = out
		ends := sum &^ m.word
		// An address may end a few bytes behind two dots that are near each other.
		dot2Before := dot2
		dot2 = m.dot & behind(m.dot, before.dot)
		quad := behind(dot2, dot2Before)
		numbers := ends & (m.digit<<1 | before.digit>>63)
		ends ^= numbers
		// Of the names, only those like a.xn--p1 end with a digit.
		doubleBefore := double
		double = m.joiner & (m.joiner<<1 | before.joiner>>63)
		if double|doubleBefore != 0 {
			ends |= numbers &^ quad
		}
		numbers &= quad

		// Most groups have few: to write some always is faster than to ask.
		some := (*[2]int32)(s.quadEnds[quads:])
		quads += bits.OnesCount64(numbers)
		some[0] = int32(at + bitIndex(numbers))
		numbers &= numbers - 1
		some[1] = int32(at + bitIndex(numbers))
		numbers &= numbers - 1
		for ; numbers != 0; numbers &= numbers - 1 {
			s.quadEnds[quads-bits.OnesCount64(numbers)] = int32(at + bitIndex(numbers))
		}
		some = (*[2]int32)(s.nameEnds[names:])
		names += bits.OnesCount64(ends)
		some[0] = int32(at + bitIndex(ends))
		ends &= ends - 1
		some[1] = int32(at + bitIndex(ends))
		ends &= ends - 1
		for ; ends != 0; ends &= ends - 1 {
			s.nameEnds[names-bits.OnesCount64(ends)] = int32(at + bitIndex(ends))
		}
		if m.odd != 0 && again {
			s.odd(text, at, m.odd)
		}
		if quad &= m.joiner; quad|double != 0 {
			s.joiners(text, at, quad, double, again)
		}
		if double := m.colon & (m.colon<<1 | before.colon>>63); double != 0 || bits.OnesCount64(m.colon) > 6 || bits.OnesCount64(m.colon<<32|before.colon>>32) > 6 {
			s.colons(text, at, double, m.colon, before.colon)
		}
		if k := m.equals &^ (m.equals >> 1) &^ (m.word >> 1); k != 0 {
			s.equals(text, at, k)
		}
		longBefore := long
		if long = fullLane(m.word); long || longBefore {
			if k := longRun(m.word<<32 | before.word>>32); k != 0 {
				s.digest(text, at-32+bits.TrailingZeros64(k))
			}
			for k := longRun(m.word); k != 0; k &= k - 1 {
				s.digest(text, at+bits.TrailingZeros64(k))
			}
		}
	}
	s.carry, s.dot2 = carry, dot2
	s.quadsFound, s.namesFound = quads, names
}

// behind has the bits two to four behind those of x, which before precede.
func behind(x, before uint64) uint64 {
	return x<<2 | x<<3 | x<<4 | before>>62 | before>>61 | before>>60
}

// joiners looks at hyphens and underscores that may end an address, and at those behind another one.
func (s *Scanner) joiners(text []byte, at int, quad, double uint64, again bool) {
	for ; quad != 0; quad &= quad - 1 {
		if e := at + bitIndex(quad); isDigit(text[e-1]) {
			s.ipv4(text, e)
		}
	}
	for ; double != 0 && again; double &= double - 1 {
		s.ace(text, at+bitIndex(double))
	}
}

// equals looks at equals signs that end something, as far as the group shows.
func (s *Scanner) equals(text []byte, at int, k uint64) {
	for ; k != 0; k &= k - 1 {
		if p := at + bitIndex(k); text[p+1] != '=' && !isWord(text[p+1]) {
			s.base64(text, p)
		}
	}
}

// fullLane reports whether one of the four 16-bit lanes is all ones, as there is in each run of 32 ones.
func fullLane(x uint64) bool {
	const ones, tops = 0x0001000100010001, 0x8000800080008000
	return (^x-ones)&x&tops != 0
}

// longRun has a bit where 32 set bits begin.
func longRun(x uint64) uint64 {
	x &= x >> 1
	x &= x >> 2
	x &= x >> 4
	x &= x >> 8
	return x & (x >> 16)
}

// names makes candidates of the words with a dot that have a known last label.
func (s *Scanner) names(text []byte, base int) {
	for _, end := range s.nameEnds[:s.namesFound] {
		e := int(end)
		// The 64 bytes before the end, the last one in the top bit.
		b := uint(e - base)
		m, before := &s.masks[b/group+history], &s.masks[b/group+history-1]
		b %= group
		words := m.word<<1<<(63-b) | before.word>>b
		dots := m.dot<<1<<(63-b) | before.dot>>b

		tail := text[e-8 : e]
		d1, length := bits.LeadingZeros64(dots), bits.LeadingZeros64(^words)
		if d1 < 2 || d1 == 64 || classes[tail[7]]&joiner != 0 {
			s.unusual(text, e, d1)
			continue
		}
		x := binary.LittleEndian.Uint64(tail) | fold8
		if !hasBit(s.m.tlds[:], tldBits(x>>(8*uint(8-min(d1, 8))&63), d1)) {
			continue
		}
		n := min(d1+1+bits.LeadingZeros64(dots<<uint(d1+1)), length)
		if n == length {
			if length == 64 {
				s.longValue(text, e)
				continue
			}
			if classes[text[e-n]]&joiner != 0 {
				s.trimmedName(text, e, n)
			}
		}
		s.cands = append(s.cands, cand{h: hashLast(twoLabels, text, e, n), end: end, n: int32(n)})
	}
}

// quads makes candidates of the words that look like an IPv4 address.
func (s *Scanner) quads(text []byte, base int) {
	const longest = len("255.255.255.255")
	for _, end := range s.quadEnds[:s.quadsFound] {
		e := int(end)
		b := uint(e - base)
		m, before := &s.masks[b/group+history], &s.masks[b/group+history-1]
		b %= group
		length := bits.LeadingZeros64(^(m.word<<1<<(63-b) | before.word>>b))
		if length > longest {
			s.ipv4(text, e)
			continue
		}
		shift := uint(64-length) & 63
		dots := (m.dot<<1<<(63-b) | before.dot>>b) >> shift
		joiners := (m.joiner<<1<<(63-b) | before.joiner>>b) >> shift
		start, third := e-length, dots&(dots-1)&(dots&(dots-1)-1)
		if third == 0 {
			continue
		}
		if third&(third-1) != 0 || joiners != 0 || !isDigit(text[start]) {
			s.ipv4(text, e)
			continue
		}
		if s.m.bits4 != 0 {
			two := bits.TrailingZeros64(dots & (dots - 1))
			if two <= 7 && hasBit(s.m.nets4[:], hashPair(binary.LittleEndian.Uint64(text[start:]), two)) {
				s.networks4(text, e)
			}
		}
		s.cands = append(s.cands, cand{h: hashLast(dotted, text, e, length), end: end})
	}
}

// unusual takes a first look at words that end with punctuation or with a label of one letter, or whose last label is long.
func (s *Scanner) unusual(text []byte, e, d1 int) {
	if classes[text[e-1]]&(dot|joiner) != 0 {
		for classes[text[e-1]]&(dot|joiner) != 0 {
			e--
		}
		s.longValue(text, e)
	} else if d1 == 64 {
		s.longValue(text, e)
	}
}

// trimmedName adds a name of n bytes without the hyphens and underscores before it, of which each may belong to it.
func (s *Scanner) trimmedName(text []byte, e, n int) {
	for n > 1 && classes[text[e-n]]&joiner != 0 {
		n--
		s.cands = append(s.cands, cand{h: hashLast(twoLabels, text, e, n), end: int32(e), n: int32(n)})
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
		s.cands = append(s.cands, cand{h: hashLast(twoLabels, text, e, n), end: int32(e), n: int32(n)})
		if classes[text[i]]&joiner != 0 && seen == 1 {
			s.trimmedName(text, e, n)
		}
	}
}

// ipv4 looks at the address that ends at e, if one does.
func (s *Scanner) ipv4(text []byte, e int) {
	_, start, ok := ipv4Before(text, e)
	if !ok {
		return
	}
	if s.m.bits4 != 0 {
		s.networks4(text, e)
	}
	s.cands = append(s.cands, cand{h: hashLast(dotted, text, e, e-start), end: int32(e)})
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
