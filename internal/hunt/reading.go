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

// What a text may need to be read in another way.
const (
	escapes = 1 << iota // % or \
	fang                // an opening bracket
	high                // not ASCII
	hyphens             // a hyphen, as in xn--
)

var features = func() (t [256]byte) {
	for b := 0x80; b < 0x100; b++ {
		t[b] = high
	}
	t['%'], t['\\'], t['-'] = escapes, escapes, hyphens
	t['['], t['('], t['{'] = fang, fang, fang
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
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			out = append(out, s[i])
			continue
		}
		switch c := s[i+1]; c {
		case '/', '\\', '"':
			out = append(out, c)
			i++
		case 'n', 'r', 't', 'b', 'f':
			out = append(out, ' ')
			i++
		case 'u':
			if i+5 < len(s) && isHex(s[i+2]) && isHex(s[i+3]) && isHex(s[i+4]) && isHex(s[i+5]) {
				r := rune(nibble(s[i+2]))<<12 | rune(nibble(s[i+3]))<<8 | rune(nibble(s[i+4]))<<4 | rune(nibble(s[i+5]))
				if r < ' ' {
					r = ' '
				}
				out = utf8.AppendRune(out, r)
				i += 5
				continue
			}
			out = append(out, '\\')
		default:
			out = append(out, '\\')
		}
	}
	return string(out)
}

func unescapePercent(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]) {
			c := nibble(s[i+1])<<4 | nibble(s[i+2])
			if c == '\n' {
				c = ' '
			}
			out = append(out, c)
			i += 2
			continue
		}
		out = append(out, s[i])
	}
	return string(out)
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
				s.chunk(text, p)
			}
		case '\\':
			switch text[p+1] {
			case '/', '\\', 'n', 'r', 't', 'b', 'f', 'u':
				s.chunk(text, p)
			}
		case '[', '(', '{':
			if p >= s.fangedEnd && fangAt(text[p:p+10]) {
				start, end := lineAt(text, p)
				s.fangedEnd = end
				s.chunks = append(s.chunks, span{start, end})
			}
		default:
			s.chunk(text, p)
		}
	}
}

// chunk notes what stands around p, between white space, quotes and angle brackets, to be read again.
func (s *Scanner) chunk(text []byte, p int) {
	if p < s.chunkEnd {
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
	if mayHold(text[i:j]) {
		s.chunks = append(s.chunks, span{i, j})
	}
}

// mayHold reports whether a chunk can become a value at all: each has a dot, or two colons, or 22 bytes.
func mayHold(b []byte) bool {
	return len(b) >= 22 || bytes.IndexByte(b, '.') >= 0 || bytes.Count(b, []byte{':'}) > 1 || bytes.IndexByte(b, '%') >= 0 ||
		bytes.IndexByte(b, '\\') >= 0 || bytes.Contains(b, []byte{0xe3}) || bytes.Contains(b, []byte{0xef}) || bytes.Contains(b, []byte{0xe2})
}

// reread scans the readings of all chunks.
func (s *Scanner) reread(buf []byte) {
	for _, c := range s.chunks {
		readings(string(buf[c.start:c.end]), func(r string) {
			s.origins = append(s.origins, origin{len(s.scratch), c.start})
			s.scratch = append(append(s.scratch, r...), '\n')
		})
		if len(s.scratch) > 1<<20 {
			s.scanScratch()
		}
	}
	s.scanScratch()
}

func (s *Scanner) scanScratch() {
	if len(s.origins) == 0 {
		return
	}
	end := len(s.scratch)
	s.scratch = append(s.scratch, newlines[:]...)
	s.scan(s.scratch, end, false)
	s.scratch, s.origins = s.scratch[:front], s.origins[:0]
}

// origin returns where in the text that was given pos is, which may be a place of a reading.
func (s *Scanner) origin(pos int) int {
	if len(s.origins) == 0 {
		return pos
	}
	i := sort.Search(len(s.origins), func(i int) bool { return s.origins[i].at > pos })
	return s.origins[max(i-1, 0)].pos
}
