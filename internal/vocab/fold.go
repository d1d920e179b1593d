package vocab

import (
	"strings"
	"unicode"
)

// plain maps the accented letters that occur in names of countries to what is
// written without a key for them.
var plain = map[rune]string{
	'à': "a", 'á': "a", 'â': "a", 'ã': "a", 'ä': "a", 'å': "a", 'ā': "a",
	'ç': "c", 'è': "e", 'é': "e", 'ê': "e", 'ë': "e", 'ğ': "g",
	'ì': "i", 'í': "i", 'î': "i", 'ï': "i", 'ı': "i", 'ñ': "n",
	'ò': "o", 'ó': "o", 'ô': "o", 'õ': "o", 'ö': "o", 'ø': "o",
	'ş': "s", 'ù': "u", 'ú': "u", 'û': "u", 'ü': "u", 'ý': "y", 'ệ': "e",
}

// fold gives the key under which words are found: lower case, no accents, no
// apostrophes and full stops ("U.S." is us), every other run of characters that
// are neither letters nor digits one blank ("Korea (Republic of)" is korea
// republic of), & as and, no leading "the". It is idempotent.
func fold(word string) string {
	var b strings.Builder
	b.Grow(len(word))
	gap := false
	put := func(s string) {
		if gap && b.Len() > 0 {
			b.WriteByte(' ')
		}
		gap = false
		b.WriteString(s)
	}
	for _, r := range word {
		r = unicode.ToLower(r)
		switch {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9':
			if gap && b.Len() > 0 {
				b.WriteByte(' ')
			}
			gap = false
			b.WriteByte(byte(r))
		case r == '.', r == '\'', r == '’', r == '‘', r == '`', r == '\u0307': // the last is what lowering İ leaves
		case r == '&':
			gap = true
			put("and")
			gap = true
		case plain[r] != "":
			put(plain[r])
		case unicode.IsLetter(r), unicode.IsDigit(r):
			put(string(r))
		default:
			gap = true
		}
	}
	s := b.String()
	for strings.HasPrefix(s, "the ") {
		s = s[len("the "):]
	}
	return s
}
