package intel

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// NameKeyVersion changes when [NameKey] gives another answer for any name.
const NameKeyVersion = 1

// NameKey folds a name for look-up: NFKD, marks dropped, case folded, then only
// letters and digits, of every script. "APT 28", "apt-28" and "Apt28" are one
// key; "APT-C-20" and "APT20" are two, for a letter is never dropped. The fold
// keeps scripts apart: Cyrillic АРТ28 is not apt28. The key of a name without a
// letter or digit is empty, and no key; bytes that are no UTF-8 count for
// nothing. NameKey of a key is that key.
func NameKey(name string) string {
	var b strings.Builder
	b.Grow(len(name))
	for _, r := range norm.NFKD.String(strings.ToValidUTF8(name, "")) {
		switch {
		case unicode.Is(unicode.M, r):
		case unicode.IsLetter(r), unicode.IsDigit(r):
			b.WriteRune(foldRune(r))
		}
	}
	return b.String()
}

// foldRune returns the same rune for all runes that are equal under Unicode's
// simple case folding: lower case where it exists.
func foldRune(r rune) rune {
	if r < 0x80 {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}
	return unicode.ToLower(foldOrbit(r))
}

// foldOrbit returns the smallest upper-case rune of r's case orbit, or r if
// there is none. Orbits also hold runes that are no letters or that NFKD
// replaces: the iota's a combining mark, the mu's the micro sign.
func foldOrbit(r rune) rune {
	least := rune(unicode.MaxRune + 1)
	if unicode.IsUpper(r) {
		least = r
	}
	for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
		if unicode.IsUpper(next) {
			least = min(least, next)
		}
	}
	if least > unicode.MaxRune {
		return r
	}
	return least
}

// Placeholder reports whether a name is a word that sources write where they
// have none: it is no name.
func Placeholder(name string) bool {
	switch strings.ToLower(strings.TrimSpace(name)) {
	case "", "-", "--", "?", "n/a", "na", "none", "null", "unknown", "unnamed", "undefined", "tbd", "not available":
		return true
	}
	return false
}
