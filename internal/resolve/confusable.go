package resolve

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// lookalikes are the Cyrillic, Greek, Armenian and Cherokee letters that are
// drawn like a Latin one in common fonts: the subset of Unicode's confusables
// (UTS #39) that is met in names.
var lookalikes = map[rune]rune{
	// Cyrillic
	'А': 'A', 'В': 'B', 'Е': 'E', 'Ѕ': 'S', 'І': 'I', 'Ј': 'J', 'К': 'K', 'М': 'M', 'Н': 'H', 'О': 'O', 'Р': 'P',
	'С': 'C', 'Т': 'T', 'У': 'Y', 'Х': 'X', 'Ү': 'Y', 'Ԛ': 'Q', 'Ԝ': 'W', 'Ԁ': 'D', 'Ӏ': 'I', 'Ѵ': 'V', 'З': '3',
	'а': 'a', 'е': 'e', 'ѕ': 's', 'і': 'i', 'ј': 'j', 'о': 'o', 'р': 'p', 'с': 'c', 'у': 'y', 'х': 'x', 'һ': 'h',
	'ԛ': 'q', 'ԝ': 'w', 'ԁ': 'd', 'ӏ': 'l', 'ѵ': 'v', 'ү': 'y', 'к': 'k', 'т': 't', 'м': 'm', 'в': 'b', 'н': 'h',
	// Greek
	'Α': 'A', 'Β': 'B', 'Ε': 'E', 'Ζ': 'Z', 'Η': 'H', 'Ι': 'I', 'Κ': 'K', 'Μ': 'M', 'Ν': 'N', 'Ο': 'O', 'Ρ': 'P',
	'Τ': 'T', 'Υ': 'Y', 'Χ': 'X', 'ο': 'o', 'α': 'a', 'ν': 'v', 'ρ': 'p', 'ι': 'i', 'κ': 'k', 'υ': 'u', 'χ': 'x', 'γ': 'y',
	// Armenian
	'Օ': 'O', 'Տ': 'S', 'Լ': 'L', 'օ': 'o', 'ո': 'n', 'ս': 'u', 'հ': 'h', 'ց': 'g', 'զ': 'q',
	// Cherokee
	'Ꭺ': 'A', 'Ᏼ': 'B', 'Ꮯ': 'C', 'Ꭰ': 'D', 'Ꭼ': 'E', 'Ꮋ': 'H', 'Ꭻ': 'J', 'Ꮶ': 'K', 'Ꮮ': 'L', 'Ꮇ': 'M', 'Ꮲ': 'P',
	'Ꮪ': 'S', 'Ꭲ': 'T', 'Ꮩ': 'V', 'Ꮃ': 'W', 'Ꮓ': 'Z',
}

// scripts whose letters are easily taken for Latin ones.
var similarScripts = []*unicode.RangeTable{unicode.Cyrillic, unicode.Greek, unicode.Armenian, unicode.Cherokee}

// Confusable reports whether a name is written so that it is easily taken for
// another: all its letters look Latin and some are not ("АРТ28" in Cyrillic),
// or one word mixes Latin with Cyrillic, Greek, Armenian or Cherokee letters.
// looksLike is the name with the look-alikes replaced; letters without a Latin
// twin stay. Names wholly in another script, and Latin beside Han, Kana, Hangul
// or Arabic, are ordinary. Such a name is shown and found as it is written; it
// joins nothing.
func Confusable(name string) (looksLike string, ok bool) {
	if isASCII(name) {
		return "", false
	}
	name = norm.NFC.String(name)
	var b strings.Builder
	var mixed, wordLatin, wordOther, other, twinless, latin bool
	for _, r := range name {
		if !unicode.IsLetter(r) && !unicode.Is(unicode.M, r) {
			wordLatin, wordOther = false, false
			b.WriteRune(r)
			continue
		}
		switch {
		case unicode.Is(unicode.Latin, r):
			wordLatin, latin = true, true
		case unicode.In(r, similarScripts...):
			wordOther, other = true, true
			if twin, known := lookalikes[r]; known {
				r = twin
			} else {
				twinless = true
			}
		case unicode.IsLetter(r):
			twinless = true
		}
		mixed = mixed || wordLatin && wordOther
		b.WriteRune(r)
	}
	if !other || !mixed && (twinless || latin && !allLatin(b.String())) {
		return "", false
	}
	return b.String(), true
}

// allLatin reports whether every letter of s is Latin.
func allLatin(s string) bool {
	for _, r := range s {
		if unicode.IsLetter(r) && !unicode.Is(unicode.Latin, r) {
			return false
		}
	}
	return true
}
