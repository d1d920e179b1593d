package odata

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// FoldVersion numbers the mapping of [Fold]. It changes when stored folds must be made anew: with another mapping, or with
// a Unicode version that has other case pairs.
const FoldVersion = 1

// Fold returns the form of s in which text is compared regardless of case: each code point is replaced by the
// smallest one of its simple case folding, so k, K and the Kelvin sign become K. It maps code point by code point, so a
// prefix, suffix or part of a text stays one of its fold, and it is idempotent.
// Folds compare and sort byte by byte.
func Fold(s string) string {
	for i := range len(s) {
		if c := s[i]; c >= utf8.RuneSelf || 'a' <= c && c <= 'z' {
			return strings.Map(foldRune, s)
		}
	}
	return s
}

func foldRune(r rune) rune {
	if r < utf8.RuneSelf {
		if 'a' <= r && r <= 'z' {
			r -= 'a' - 'A'
		}
		return r
	}
	least := r
	for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
		least = min(least, f)
	}
	return least
}

// Lower is what tolower does: lower case, code point by code point, where that has the same [Fold]. (The dotted capital I
// stays, since its lower case is another letter.) So Fold(Lower(s)) is Fold(s).
func Lower(s string) string { return strings.Map(sameFold(unicode.ToLower), s) }

// Upper is what toupper does, as Lower.
func Upper(s string) string { return strings.Map(sameFold(unicode.ToUpper), s) }

func sameFold(mapping func(rune) rune) func(rune) rune {
	return func(r rune) rune {
		if m := mapping(r); m == r || foldRune(m) == foldRune(r) {
			return m
		}
		return r
	}
}
