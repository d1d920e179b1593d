package stix

import (
	"bytes"
	"math"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// maxJSONDepth bounds the nesting of objects and arrays.
const maxJSONDepth = 500

// jsonReader walks one JSON value in a byte slice. Strings come back as slices
// of the input, still escaped, so that a value nobody needs costs no memory;
// see [unescape]. It is strict: what it takes is RFC 8259 JSON.
//
// A syntax error is sticky in err and ends every loop. A value of the wrong
// type is passed over, and the first one is kept in wrong.
type jsonReader struct {
	b     []byte
	i     int
	depth int
	err   string // what is wrong at i
	wrong string // "name: want a string"
	field string // the member being read, for wrong
}

func (r *jsonReader) fail(msg string) {
	if r.err == "" {
		r.err = msg
	}
}

func (r *jsonReader) blank() {
	for r.i < len(r.b) {
		switch r.b[r.i] {
		case ' ', '\t', '\n', '\r':
			r.i++
		default:
			return
		}
	}
}

// peek returns the first byte of the next value, or 0 at the end.
func (r *jsonReader) peek() byte {
	r.blank()
	if r.i < len(r.b) {
		return r.b[r.i]
	}
	return 0
}

func (r *jsonReader) mismatch(want string) {
	if r.peek() != 'n' && r.wrong == "" { // null is absence
		r.wrong = r.field + ": want " + want
	}
	r.skip()
}

// object calls member for every member of the object; member reads the value.
// The key is valid until the next call.
func (r *jsonReader) object(member func(key []byte)) {
	if r.peek() != '{' {
		r.mismatch("an object")
		return
	}
	if !r.enter() {
		return
	}
	for first := true; r.err == ""; first = false {
		switch c := r.peek(); {
		case c == '}':
			if !first && r.trailingComma() {
				return
			}
			r.leave()
			return
		case c == '"':
		default:
			r.fail("expected a member or }")
			return
		}
		key := r.rawString()
		if bytes.IndexByte(key, '\\') >= 0 {
			key = []byte(unescape(key))
		}
		if r.err == "" && r.peek() != ':' {
			r.fail("expected :")
		}
		if r.err != "" {
			return
		}
		r.i++
		member(key)
		if !r.comma('}') {
			return
		}
	}
}

// array calls elem for every element of the array; elem reads the value.
func (r *jsonReader) array(elem func()) {
	if r.peek() != '[' {
		r.mismatch("a list")
		return
	}
	if !r.enter() {
		return
	}
	for first := true; r.err == ""; first = false {
		if r.peek() == ']' {
			if !first && r.trailingComma() {
				return
			}
			r.leave()
			return
		}
		elem()
		if !r.comma(']') {
			return
		}
	}
}

func (r *jsonReader) enter() bool {
	if r.depth++; r.depth > maxJSONDepth {
		r.fail("nested too deeply")
		return false
	}
	r.i++
	return true
}

func (r *jsonReader) leave() {
	r.depth--
	r.i++
}

// comma passes over a comma, or stops before end.
func (r *jsonReader) comma(end byte) bool {
	if r.err != "" {
		return false
	}
	switch r.peek() {
	case ',':
		r.i++
	case end:
	default:
		r.fail("expected , or " + string(end))
		return false
	}
	return true
}

// trailingComma reports whether the last thing before i is a comma.
func (r *jsonReader) trailingComma() bool {
	if bytes.HasSuffix(bytes.TrimRight(r.b[:r.i], " \t\r\n"), []byte(",")) {
		r.fail("expected a value after ,")
		return true
	}
	return false
}

// str reads a string, still escaped.
func (r *jsonReader) str() []byte {
	if r.peek() != '"' {
		r.mismatch("a string")
		return nil
	}
	return r.rawString()
}

// strs appends the strings of a list to s.
func (r *jsonReader) strs(s [][]byte) [][]byte {
	r.array(func() { s = append(s, r.str()) })
	return s
}

// boolean reads true or false.
func (r *jsonReader) boolean() bool {
	if c := r.peek(); c != 't' && c != 'f' {
		r.mismatch("true or false")
		return false
	}
	is := r.b[r.i] == 't'
	r.skip()
	return is
}

// integer reads a whole number; -1 is none.
func (r *jsonReader) integer() int {
	c := r.peek()
	if c != '-' && !isDigit(c) {
		r.mismatch("a number")
		return -1
	}
	from := r.i
	r.skip()
	text := string(r.b[from:r.i])
	n, err := strconv.Atoi(text)
	if err == nil {
		return n
	}
	// 85.0 is whole.
	if f, err := strconv.ParseFloat(text, 64); err == nil && f == math.Trunc(f) && math.Abs(f) < 1<<31 {
		return int(f)
	}
	if r.err == "" && r.wrong == "" {
		r.wrong = r.field + ": want a whole number"
	}
	return -1
}

// rawString reads a string from its opening quote and returns what is between
// the quotes.
func (r *jsonReader) rawString() []byte {
	r.i++
	from := r.i
	for r.i < len(r.b) {
		switch c := r.b[r.i]; {
		case c == '"':
			r.i++
			return r.b[from : r.i-1]
		case c == '\\':
			if !r.escape() {
				return nil
			}
		case c < 0x20:
			r.fail("control character in a string")
			return nil
		default:
			r.i++
		}
	}
	r.fail("string without end")
	return nil
}

// escape passes over a valid escape.
func (r *jsonReader) escape() bool {
	if r.i+1 < len(r.b) {
		switch r.b[r.i+1] {
		case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			r.i += 2
			return true
		case 'u':
			if r.i+6 <= len(r.b) && isHex(r.b[r.i+2:r.i+6]) {
				r.i += 6
				return true
			}
		}
	}
	r.fail("malformed escape in a string")
	return false
}

func isHex(b []byte) bool {
	for _, c := range b {
		if !isDigit(c) && (c < 'a' || 'f' < c) && (c < 'A' || 'F' < c) {
			return false
		}
	}
	return true
}

// skip passes over a value of any type.
func (r *jsonReader) skip() {
	switch c := r.peek(); {
	case c == '"':
		r.rawString()
	case c == '{':
		r.object(func([]byte) { r.skip() })
	case c == '[':
		r.array(r.skip)
	case c == '-' || isDigit(c):
		r.number()
	case c == 't':
		r.word("true")
	case c == 'f':
		r.word("false")
	case c == 'n':
		r.word("null")
	default:
		r.fail("expected a value")
	}
}

func (r *jsonReader) word(w string) {
	if !bytes.HasPrefix(r.b[r.i:], []byte(w)) {
		r.fail("expected a value")
		return
	}
	r.i += len(w)
}

func (r *jsonReader) digits() bool {
	from := r.i
	for r.i < len(r.b) && isDigit(r.b[r.i]) {
		r.i++
	}
	return r.i > from
}

func (r *jsonReader) at(set string) bool {
	return r.i < len(r.b) && bytes.IndexByte([]byte(set), r.b[r.i]) >= 0
}

func (r *jsonReader) number() {
	if r.at("-") {
		r.i++
	}
	ok := true
	if r.at("0") {
		r.i++
	} else {
		ok = r.digits()
	}
	if ok && r.at(".") {
		r.i++
		ok = r.digits()
	}
	if ok && r.at("eE") {
		r.i++
		if r.at("+-") {
			r.i++
		}
		ok = r.digits()
	}
	if !ok {
		r.fail("malformed number")
	}
}

// end fails unless only white space is left.
func (r *jsonReader) end() {
	if r.blank(); r.err == "" && r.i < len(r.b) {
		r.fail("unexpected data after the value")
	}
}

// unescape returns the text of a string that rawString has read. What is not
// UTF-8, byte by byte, and half a surrogate pair become U+FFFD.
func unescape(raw []byte) string {
	i := bytes.IndexByte(raw, '\\')
	if i < 0 {
		if utf8.Valid(raw) {
			return string(raw)
		}
		return string([]rune(string(raw)))
	}
	out := make([]byte, 0, len(raw))
	for i >= 0 {
		out = append(out, raw[:i]...)
		raw = raw[i:]
		switch raw[1] {
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			r, n := escapedRune(raw)
			out = utf8.AppendRune(out, r)
			raw = raw[n-2:]
		default:
			out = append(out, raw[1])
		}
		raw = raw[2:]
		i = bytes.IndexByte(raw, '\\')
	}
	out = append(out, raw...)
	if !utf8.Valid(out) {
		return string([]rune(string(out)))
	}
	return string(out)
}

// escapedRune reads \uhhhh, or a surrogate pair of two of them, and returns how
// many bytes it took.
func escapedRune(raw []byte) (rune, int) {
	n, _ := strconv.ParseUint(string(raw[2:6]), 16, 32)
	r := rune(n)
	if utf16.IsSurrogate(r) {
		if len(raw) >= 12 && raw[6] == '\\' && raw[7] == 'u' && isHex(raw[8:12]) {
			low, _ := strconv.ParseUint(string(raw[8:12]), 16, 32)
			if pair := utf16.DecodeRune(r, rune(low)); pair != utf8.RuneError {
				return pair, 12
			}
		}
		return utf8.RuneError, 6
	}
	return r, 6
}
