package observable

import (
	"bytes"
	"unicode/utf8"
)

// Find yields the observables in prose, defanged or not, in order and without overlap: text[start:end] is what was written, and
// [Parse] of it gives o. It stops when yield returns false. It takes time linear in the text, and memory for
// the longest word with brackets or beyond ASCII.
//
// Prose is full of things that look like names, so Find is stricter than Parse:
//
//   - An observable begins and ends where a word does; 1.2.3.4.5, and a hash with a digit too many, are nothing.
//   - A name must end in a top-level domain of the ICANN section of the public suffix list, written in lower case or all in capitals
//     as the rest is ("end.In" is a missing space). Those that are also extensions of files (setup.sh, notes.md) count only if
//     the name is defanged, has a scheme, or belongs to an e-mail address. So do alternative roots.
//   - A name or IPv4 address behind a single slash or backslash is part of a path or a version (Chrome/1.2.3.4), unless defanged.
//   - A URL ends before punctuation that ends the sentence, and before a bracket that was opened outside of it. The host of a URL and the
//     domain of an e-mail address are not yielded as well; see [Observable.Host].
//   - Letters of scripts that are written without spaces end a word: a name stands free in Chinese text. Names in such scripts are
//     found in Punycode.
func Find(text []byte, yield func(o Observable, start, end int) bool) {
	f := finder{text: text, yield: yield}
	for i := 0; i < len(text); {
		if classes[text[i]]&delim != 0 {
			i++
			continue
		}
		start := i
		var seen class
		for i < len(text) {
			c := classes[text[i]]
			if c&delim != 0 {
				break
			}
			if c&high != 0 {
				n, also := inWord(text, i)
				if n == 0 {
					break
				}
				c |= also
				i += n - 1
			}
			seen |= c
			i++
		}
		if i == start { // a character beyond ASCII that is in no word
			_, n := utf8.DecodeRune(text[i:])
			i += n
			continue
		}
		if f.promising(text[start:i], seen) && !f.chunk(start, i, seen) {
			return
		}
	}
}

// inWord returns the length of the character at text[i], which is not ASCII, or 0 if it ends a word. The
// class is fullStop for one that stands for a dot.
func inWord(text []byte, i int) (n int, c class) {
	r, n := utf8.DecodeRune(text[i:])
	switch {
	case 0x400 <= r && r < 0x482: // Cyrillic, to save the look into tables
		return n, 0
	case 0x4e00 <= r && r < 0xa000: // Han
		return 0, 0
	case isFullStop(r):
		// Between letters of a name it is a dot; else it ends a sentence in Chinese or Japanese.
		if i == 0 || i+n == len(text) || classes[text[i-1]]&alnum == 0 || classes[text[i+n]]&alnum == 0 {
			return 0, 0
		}
		return n, fullStop
	case isInvisible(r) || r == '\u200c' || r == '\u200d' || r != utf8.RuneError && isWordRune(r):
		return n, 0
	}
	return 0, 0
}

// fullStop marks a word with a dot beyond ASCII.
const fullStop class = 1 << 15

// A finder holds what Find works on: the text, and one chunk of it, which is what stands between two delimiters.
type finder struct {
	text  []byte
	yield func(o Observable, start, end int) bool

	chunkStart int
	s          []byte // the chunk, refanged
	pos        []span // where each byte of s comes from, relative to the chunk; nil if s is the chunk itself
	scratch    refanger

	failedIPv6, failedLocal int // up to here in s there is no IPv6 address, or no local part with a plus
}

// promising reports whether a chunk may hold an observable. Most words do not, and this is what makes Find fast.
func (f *finder) promising(chunk []byte, seen class) bool {
	if len(chunk) >= 32 {
		return true
	}
	if seen&dot != 0 && bytes.IndexByte(chunk[:len(chunk)-1], '.') >= 0 {
		return true
	}
	if seen&colon != 0 && bytes.IndexByte(chunk, ':') != bytes.LastIndexByte(chunk, ':') {
		return true
	}
	if seen&bracket != 0 && (bytes.Contains(chunk, []byte("dot")) || bytes.Contains(chunk, []byte("DOT")) || bytes.Contains(chunk, []byte("Dot"))) {
		return true
	}
	return seen&fullStop != 0
}

// chunk yields what is in text[start:end].
func (f *finder) chunk(start, end int, seen class) bool {
	f.chunkStart, f.failedIPv6, f.failedLocal = start, 0, 0
	f.s, f.pos = f.text[start:end], nil
	if seen&(bracket|high) != 0 {
		f.refang(f.s)
	}
	return f.scan()
}

// refang sets s to the refanged chunk and pos to where it comes from.
func (f *finder) refang(chunk []byte) {
	r := &f.scratch
	r.out, r.pos, r.track = r.out[:0], r.pos[:0], true
	for i := 0; i < len(chunk); {
		c := chunk[i]
		if c < utf8.RuneSelf {
			if c != ')' && c != ']' && c != '}' || !r.close(c, i) {
				r.add(c, span{i, i + 1})
			}
			i++
			continue
		}
		ch, n := utf8.DecodeRune(chunk[i:])
		r.rune(ch, chunk[i:i+n], i)
		i += n
	}
	f.s, f.pos = r.out, r.pos
}
