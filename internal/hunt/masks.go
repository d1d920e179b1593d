package hunt

import "math/bits"

// What the scanner asks of a byte. They become bit masks, 64 bytes at a time.
const (
	word   = 1 << iota // what names are made of: letters, digits, dot, hyphen, underscore, and all that is not ASCII
	dot                // .
	colon              // :
	equals             // =
	joiner             // - and _
	odd                // what may hide a value: % \ [ ( { and what is not ASCII
	digit              // 0-9
)

// masks are 64 bytes seen as bits, the first byte lowest.
type masks struct{ word, dot, colon, equals, joiner, odd, digit uint64 }

const group = 64 // bytes in one masks

// classes has the properties of each byte.
var classes = func() (t [256]byte) {
	for b := range t {
		c := byte(b)
		switch {
		case isAlnum(c):
			t[b] = word
			if isDigit(c) {
				t[b] |= digit
			}
		case c >= 0x80:
			t[b] = word | odd
		}
	}
	t['.'] = word | dot
	t[':'] = colon
	t['='] = equals
	t['-'], t['_'] = word|joiner, word|joiner
	for _, c := range []byte(`%\[({`) {
		t[c] = odd
	}
	return t
}()

// classifyGo fills out with the masks of b, which holds len(out) groups.
func classifyGo(b []byte, out []masks) {
	const (
		ones   = 0x0101010101010101
		gather = 0x0102040810204080 // bit 0 of each byte to the top byte
	)
	for g := range out {
		p := (*[group]byte)(b[g*group:])
		var m masks
		for i := 0; i < group; i += 8 {
			x := uint64(classes[p[i]]) | uint64(classes[p[i+1]])<<8 | uint64(classes[p[i+2]])<<16 | uint64(classes[p[i+3]])<<24 |
				uint64(classes[p[i+4]])<<32 | uint64(classes[p[i+5]])<<40 | uint64(classes[p[i+6]])<<48 | uint64(classes[p[i+7]])<<56
			m.word |= (x & ones) * gather >> 56 << i
			m.dot |= (x >> 1 & ones) * gather >> 56 << i
			m.colon |= (x >> 2 & ones) * gather >> 56 << i
			m.equals |= (x >> 3 & ones) * gather >> 56 << i
			m.joiner |= (x >> 4 & ones) * gather >> 56 << i
			m.odd |= (x >> 5 & ones) * gather >> 56 << i
			m.digit |= (x >> 6 & ones) * gather >> 56 << i
		}
		out[g] = m
	}
}

func isAlnum(c byte) bool { return c-'0' <= 9 || (c|0x20)-'a' <= 'z'-'a' }

func isHex(c byte) bool { return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isWord(c byte) bool { return classes[c]&word != 0 }

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// bitIndex returns the place of the lowest bit.
func bitIndex(x uint64) int { return bits.TrailingZeros64(x) }
