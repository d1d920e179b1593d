package store

import (
	"math/bits"
	"strings"
	"unicode/utf8"
)

// marks returns n comma-separated placeholders.
func marks(n int) string {
	if n == 0 {
		return "NULL"
	}
	return strings.Repeat("?,", n-1) + "?"
}

func anys[T any](in []T) []any {
	out := make([]any, len(in))
	for i, v := range in {
		out[i] = v
	}
	return out
}

// cut shortens s to at most n bytes, at a rune's beginning.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// reversed returns s from its last code point to its first, so that a suffix
// becomes a prefix.
func reversed(s string) string {
	b := make([]byte, 0, len(s))
	for s != "" {
		_, n := utf8.DecodeLastRuneInString(s)
		b = append(b, s[len(s)-n:]...)
		s = s[:len(s)-n]
	}
	return string(b)
}

// roundUp returns the next power of two. Lists of that many values have few
// different lengths, so that statements with them are found prepared.
func roundUp(n int) int { return 1 << bits.Len(uint(max(n, 1)-1)) }

// padded returns a list that is not empty with its last value repeated, up to a
// length of roundUp. It stands behind IN, where repetitions mean nothing.
func padded[T any](values []T) []T {
	n := roundUp(len(values))
	out := append(make([]T, 0, n), values...)
	for len(out) < n {
		out = append(out, values[len(values)-1])
	}
	return out
}
