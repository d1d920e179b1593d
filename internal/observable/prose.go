package observable

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"
)

// isWordRune reports letters, marks and digits of scripts that put spaces between words.
func isWordRune(r rune) bool {
	return unicode.In(r, unicode.L, unicode.M, unicode.Nd) &&
		!unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
}

// defanged reports whether s[a:b] was written in another way.
func (f *finder) defanged(a, b int) bool {
	return f.pos != nil && f.pos[b-1].end-f.pos[a].start != b-a
}

// inPath reports whether a single slash or a backslash stands before s[a].
func (f *finder) inPath(a int) bool {
	if a > 0 {
		return f.s[a-1] == '/' && f.at(a-2) != '/'
	}
	return f.chunkStart > 0 && f.text[f.chunkStart-1] == '\\'
}

// isName reports whether w, which is s[a:b], can be meant as a name.
func (f *finder) isName(w []byte, a, b int) bool {
	if len(w) > 253*4 {
		return false
	}
	return f.isTLD(w, f.defanged(a, b))
}

// isTLD reports whether the last label of w makes it a name; sure says that something else does, so that there need be no doubt about
// file names and missing spaces.
func (f *finder) isTLD(w []byte, sure bool) bool {
	i := bytes.LastIndexByte(w, '.')
	tld := w[i+1:]
	if i <= 0 || len(tld) < 2 {
		return false
	}
	if !isAll(tld, hexLetter|letter) {
		// Punycode and other alphabets are for the parser to judge.
		return hasPrefixFold(string(tld), "xn--") || tld[0] >= utf8.RuneSelf
	}
	if sure {
		return true // the parser looks at it again
	}
	capitals := 0
	for _, c := range tld {
		if classes[c]&upper != 0 {
			capitals++
		}
	}
	if capitals > 0 && (capitals != len(tld) || bytes.IndexFunc(w[:i], unicode.IsLower) >= 0) {
		return false
	}
	var lower [32]byte
	if len(tld) > len(lower) {
		return false
	}
	for k, c := range tld {
		lower[k] = c | 0x20
	}
	t := lower[:len(tld)]
	if commonTLD(string(t)) {
		return true
	}
	return !fileExtension(string(t)) && knownTLD(strings.ToLower(string(w[bytes.LastIndexByte(w[:i], '.')+1:])))
}

// fileExtension reports top-level domains that prose uses more often for files: scripts, archives, sources, documents.
// Not in the list are those that criminals use as much, such as .app, .cc, .ml and .com.
func fileExtension(tld string) bool {
	switch tld {
	case "py", "sh", "zip", "md", "rs", "pl", "so", "mov", "cab", "pm", "ps", "am", "mk", "mo", "ac", "tf", "inc", "dot", "map", "properties":
		return true
	}
	return false
}
