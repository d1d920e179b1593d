package hunt

import (
	"bytes"
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"

	"dossier/internal/observable"
)

// readings yields the ways in which text can be read other than as it stands: with the escapes of JSON undone, those of percent-encoding, refanged
// and with international names in Punycode, each on top of the one before, and all of it again if values were wrapped more than once.
func readings(text string, yield func(string)) {
	const rounds = 3
	for range rounds {
		before := text
		f := featuresOf(text)
		if f&escapes != 0 {
			for _, step := range []func(string) string{unescapeJSON, unescapePercent} {
				if s := step(text); s != text {
					text = s
					yield(text)
				}
			}
			f = featuresOf(text)
		}
		if f&(high|fang) != 0 {
			if s := refang(text); s != text {
				text = s
				yield(text)
				f = featuresOf(text)
			}
		}
		if f&(high|hyphens) != 0 && (hasHigh(text) || hasACE(text)) {
			for _, split := range []bool{false, true} {
				if s := toPunycode(text, split); s != text {
					yield(s)
				}
			}
		}
		if text == before || f&(escapes|high|fang) == 0 {
			return
		}
	}
}

// What else is asked of a byte: the first four say that a text may need to be read in another way.
const (
	escapes  = 1 << iota // % or \
	fang                 // an opening bracket
	high                 // not ASCII
	hyphens              // a hyphen, as in xn--
	inFang               // what may follow the bracket
	noURL                // white space, quotes, angle brackets, control characters
	alnum                // letters and digits of ASCII
	hexDigit             // 0-9, a-f, A-F
)

var features = func() (t [256]byte) {
	for b := 0x80; b < 0x100; b++ {
		t[b] = high
	}
	t['%'], t['\\'], t['-'] = escapes, escapes, hyphens
	t['['], t['('], t['{'] = fang, fang, fang
	for _, c := range []byte(" .@:/dDaA") {
		t[c] |= inFang
	}
	for c := range ' ' + 1 {
		t[c] |= noURL
	}
	for b := range t {
		if isAlnum(byte(b)) {
			t[b] |= alnum
		}
		if isHex(byte(b)) {
			t[b] |= hexDigit
		}
	}
	t['"'], t['<'], t['>'], t[0x7f] = noURL, noURL, noURL, noURL
	return t
}()

func featuresOf(s string) (f byte) {
	for i := range len(s) {
		f |= features[s[i]]
	}
	return f
}

func unescapeJSON(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	return string(appendJSON(nil, []byte(s)))
}

// appendJSON appends s with the escapes of JSON undone, which makes it shorter, if it has any.
func appendJSON(dst, s []byte) []byte {
	for {
		i := bytes.IndexByte(s, '\\')
		if i < 0 || i+1 == len(s) {
			return append(dst, s...)
		}
		dst = append(dst, s[:i]...)
		s = s[i:]
		n := 2
		switch c := s[1]; c {
		case '/', '\\', '"':
			dst = append(dst, c)
		case 'n', 'r', 't', 'b', 'f':
			dst = append(dst, ' ')
		case 'u':
			if 5 < len(s) && isHex(s[2]) && isHex(s[3]) && isHex(s[4]) && isHex(s[5]) {
				r := rune(nibble(s[2]))<<12 | rune(nibble(s[3]))<<8 | rune(nibble(s[4]))<<4 | rune(nibble(s[5]))
				if r < ' ' {
					r = ' '
				}
				dst = utf8.AppendRune(dst, r)
				n = 6
				break
			}
			fallthrough
		default:
			dst = append(dst, '\\')
			n = 1
		}
		s = s[n:]
	}
}

func unescapePercent(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	return string(appendPercent(nil, []byte(s)))
}

// appendPercent appends s with percent-encoding undone, which makes it shorter, if there is some.
func appendPercent(dst, s []byte) []byte {
	for {
		i := bytes.IndexByte(s, '%')
		if i < 0 {
			return append(dst, s...)
		}
		dst = append(dst, s[:i]...)
		if s = s[i:]; len(s) < 3 || !isHex(s[1]) || !isHex(s[2]) {
			dst = append(dst, '%')
			s = s[1:]
			continue
		}
		c := nibble(s[1])<<4 | nibble(s[2])
		if c == '\n' {
			c = ' '
		}
		dst = append(dst, c)
		s = s[3:]
	}
}

func refang(s string) string {
	if !hasHigh(s) && !hasFang(s) {
		return s
	}
	return strings.ReplaceAll(observable.Refang(s), "\n", " ")
}

func hasFang(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c == '[' || c == '(' || c == '{') && fangAt(s[i:min(len(s), i+10)]) {
			return true
		}
	}
	return false
}

// fangAt reports whether s begins with brackets around something that makes a value harmless, as observable.Refang knows it.
func fangAt[T string | []byte](s T) bool {
	for k := 1; k < len(s) && k <= 9; k++ {
		if c := s[k]; c == ']' || c == ')' || c == '}' {
			switch strings.Trim(string(s[1:k]), " ") {
			case ".", "@", ":", "://", "/", "//", "dot", "DOT", "Dot", "at", "AT", "At":
				return true
			}
			return false
		}
	}
	return false
}

func hasHigh(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return true
		}
	}
	return false
}

func hasACE(s string) bool {
	for i := 0; i+4 <= len(s); i++ {
		if s[i+2] == '-' && s[i+3] == '-' && s[i]|0x20 == 'x' && s[i+1]|0x20 == 'n' {
			return true
		}
	}
	return false
}

// toPunycode puts the international names of text in canonical form. A name is a run of letters, marks and digits of any script, dots, hyphens and underscores. If
// split, letters of scripts that are written without spaces are no part of it, so that a name may stand in Chinese text. Other characters become spaces.
// What follows a single slash is a path.
func toPunycode(text string, split bool) string {
	var out strings.Builder
	flush := func(w string) {
		if w == "" {
			return
		}
		trimmed := strings.TrimRight(w, ".-_")
		if (hasHigh(w) || hasACE(w)) && strings.IndexByte(trimmed, '.') > 0 && !inPath(out.String()) {
			if o, err := observable.ParseAs(observable.Domain, trimmed); err == nil {
				out.WriteString(o.Value)
				out.WriteString(w[len(trimmed):])
				return
			}
		}
		out.WriteString(w)
	}
	start := 0
	for i := 0; i < len(text); {
		c := text[i]
		if c < utf8.RuneSelf {
			if !isWord(c) {
				flush(text[start:i])
				out.WriteByte(c)
				start = i + 1
			}
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(text[i:])
		if r == utf8.RuneError && n == 1 || !unicode.In(r, unicode.L, unicode.M, unicode.Nd) || split && spaceless(r) {
			flush(text[start:i])
			out.WriteByte(' ')
			start = i + n
		}
		i += n
	}
	flush(text[start:])
	return out.String()
}

func inPath(before string) bool {
	return strings.HasSuffix(before, "/") && !strings.HasSuffix(before, "//")
}

func spaceless(r rune) bool {
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
}

// odd looks at bytes that may wrap or hide a value.
func (s *Scanner) odd(text []byte, at int, bits uint64) {
	for ; bits != 0; bits &= bits - 1 {
		p := at + bitIndex(bits)
		if p < s.chunkEnd {
			continue
		}
		switch c := text[p]; c {
		case '%':
			if isHex(text[p+1]) && isHex(text[p+2]) {
				s.chunk(text, p, true)
			}
		case '\\':
			switch text[p+1] {
			case '/', '\\', 'n', 'r', 't', 'b', 'f', 'u':
				s.chunk(text, p, true)
			}
		case '[', '(', '{':
			if p >= s.fangedEnd && features[text[p+1]]&inFang != 0 && fangAt(text[p:p+10]) {
				// There may be spaces around the brackets, so the whole line is read again.
				_, s.fangedEnd = lineAt(text, p)
				start, end := lineAt(s.buf, s.origin(p))
				s.hidden = append(s.hidden, span{start, end})
			}
		default:
			s.chunk(text, p, false)
		}
	}
}

// chunk notes what stands around p, between white space, quotes and angle brackets, to be read again. simple says that so far only an escape was seen in it.
func (s *Scanner) chunk(text []byte, p int, simple bool) {
	if p < s.chunkEnd {
		return
	}
	if s.round == unescaped {
		// There is more to it than escapes, if this is its last reading.
		i := s.originOf(p)
		s.chunkEnd = len(text)
		if i+1 < len(s.origins) {
			s.chunkEnd = s.origins[i+1].at
		}
		if s.origins[i].last {
			s.hidden = append(s.hidden, s.origins[i].span)
		}
		return
	}
	i, j := p, p
	for i > s.chunkEnd && !hardEnd(text[i-1]) {
		i--
	}
	for !hardEnd(text[j]) {
		j++
	}
	s.chunkEnd = j
	switch {
	case !mayHold(text[i:j]):
	case simple:
		s.escaped = append(s.escaped, span{i, j})
	default:
		s.hidden = append(s.hidden, span{i, j})
	}
}

// mayHold reports whether a chunk can become a value at all: each has a dot, or two colons, or 22 bytes.
func mayHold(b []byte) bool {
	return len(b) >= 22 || bytes.IndexByte(b, '.') >= 0 || bytes.Count(b, []byte{':'}) > 1 || bytes.IndexByte(b, '%') >= 0 ||
		bytes.IndexByte(b, '\\') >= 0 || bytes.Contains(b, []byte{0xe3}) || bytes.Contains(b, []byte{0xef}) || bytes.Contains(b, []byte{0xe2})
}

// reread scans the readings of what was noted.
func (s *Scanner) reread() {
	const most = 1 << 20 // bytes of readings at once
	s.round = unescaped
	for _, c := range s.escaped {
		if s.unescape(c); len(s.scratch) > most {
			s.scanScratch()
		}
	}
	s.scanScratch()
	s.round = undone
	for _, c := range s.hidden {
		readings(string(s.buf[c.start:c.end]), func(r string) { s.reading(append(s.scratch, r...), c) })
		if len(s.scratch) > most {
			s.scanScratch()
		}
	}
	s.scanScratch()
}

// unescape makes the readings of a text that has nothing but escapes, once, as most have: what [readings] gives for it, but without garbage. If it has
// more, that will be seen when the last of them is scanned.
func (s *Scanner) unescape(c span) {
	text, n := s.buf[c.start:c.end], len(s.origins)
	for _, step := range []func(dst, text []byte) []byte{appendJSON, appendPercent} {
		from := len(s.scratch)
		if out := step(s.scratch, text); len(out)-from < len(text) {
			text = out[from:]
			s.reading(out, c)
		}
	}
	if len(s.origins) == n { // what looked like an escape is none, but there may be other things behind it
		s.hidden = append(s.hidden, c)
		return
	}
	s.origins[len(s.origins)-1].last = true
}

// reading takes the scratch text with a reading of a span appended to it.
func (s *Scanner) reading(scratch []byte, of span) {
	s.origins = append(s.origins, origin{at: len(s.scratch), span: of})
	s.scratch = append(scratch, '\n')
}

func (s *Scanner) scanScratch() {
	if len(s.origins) == 0 {
		return
	}
	end := len(s.scratch)
	s.scratch = append(s.scratch, newlines[:]...)
	s.scan(s.scratch, end)
	s.scratch, s.origins = s.scratch[:front], s.origins[:0]
}

// origin returns where in the text that was given pos is, which may be a place of a reading.
func (s *Scanner) origin(pos int) int {
	if len(s.origins) == 0 {
		return pos
	}
	return s.origins[s.originOf(pos)].start
}

// originOf returns which reading pos is in.
func (s *Scanner) originOf(pos int) int {
	i := sort.Search(len(s.origins), func(i int) bool { return s.origins[i].at > pos })
	return max(i-1, 0)
}
