package observable

// class is a set of properties of one byte; of a string, the union over its bytes.
type class uint16

const (
	digit      class = 1 << iota // 0-9
	hexLetter                    // a-f, A-F
	letter                       // g-z, G-Z
	upper                        // A-Z, besides hexLetter or letter
	dot                          // .
	hyphen                       // - _
	colon                        // :
	slash                        // / \ ? #
	high                         // not ASCII
	mark                         // what Refang may change
	bracket                      // ( ) [ ] { }
	delim                        // Find: never inside an observable
	unreserved                   // RFC 3986, 2.3
	subDelim                     // RFC 3986, 2.2
	odd                          // none of host, colon, slash, high

	host  = digit | hexLetter | letter | upper | dot | hyphen // what a name in ASCII is made of
	alnum = digit | hexLetter | letter
	shape = host | colon | slash | high | odd // every byte has one of these
)

var classes = func() (t [256]class) {
	add := func(c class, bytes string) {
		for _, b := range []byte(bytes) {
			t[b] |= c
		}
	}
	const lower, capital = "ghijklmnopqrstuvwxyz", "GHIJKLMNOPQRSTUVWXYZ"
	add(digit|unreserved, "0123456789")
	add(hexLetter|unreserved, "abcdef")
	add(hexLetter|upper|unreserved, "ABCDEF")
	add(letter|unreserved, lower)
	add(letter|upper|unreserved, capital)
	add(dot|unreserved, ".")
	add(hyphen|unreserved, "-_")
	add(unreserved, "~")
	add(subDelim, "!$&'()*+,;=")
	add(colon, ":")
	add(slash, `/\?#`)
	add(bracket|mark, "()[]{}")
	add(mark, "<>\"'`,; ")
	add(delim, "<>\"'`|\\^ \x7f")
	for b := 0; b < 0x20; b++ {
		t[b] |= mark | delim
	}
	for b := 0x80; b < 0x100; b++ {
		t[b] |= high | mark
	}
	for b, c := range t {
		if c&(host|colon|slash|high) == 0 {
			t[b] |= odd
		}
	}
	return t
}()

// lowerASCII returns s with its ASCII letters in lower case: s itself if there is nothing to do.
func lowerASCII(s string) string {
	for i := 0; i < len(s); i++ {
		if classes[s[i]]&upper != 0 {
			b := []byte(s)
			for ; i < len(b); i++ {
				if classes[b[i]]&upper != 0 {
					b[i] += 'a' - 'A'
				}
			}
			return string(b)
		}
	}
	return s
}

func allOf(s string, c class) bool {
	for i := 0; i < len(s); i++ {
		if classes[s[i]]&c == 0 {
			return false
		}
	}
	return true
}

func hasPrefixFold(s, lower string) bool {
	if len(s) < len(lower) {
		return false
	}
	for i := 0; i < len(lower); i++ {
		b := s[i]
		if classes[b]&upper != 0 {
			b += 'a' - 'A'
		}
		if b != lower[i] {
			return false
		}
	}
	return true
}

func isAll(b []byte, c class) bool {
	for _, x := range b {
		if classes[x]&c == 0 {
			return false
		}
	}
	return true
}
