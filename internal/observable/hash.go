package observable

import "strings"

// hashKind returns the kind of a hash of n hex digits, or "".
func hashKind(n int) Kind {
	switch n {
	case 32:
		return MD5
	case 40:
		return SHA1
	case 64:
		return SHA256
	case 128:
		return SHA512
	}
	return ""
}

// canonicalHash returns the n hex digits of s in lower case. Spaces, colons and hyphens between them are dropped, as are
// quotes around. Hashes that stand for nothing are refused: those of the empty input, and one digit repeated.
func canonicalHash(s string, n int) (string, fault) {
	if len(s) != n || !allOf(s, digit|hexLetter) {
		if s = stripHash(s); s == "" {
			return "", fault{Empty, ""}
		}
		if !allOf(s, digit|hexLetter) {
			return "", fault{BadCharacter, "not hexadecimal"}
		}
		if len(s) != n {
			return "", fault{BadLength, "not the length of such a hash"}
		}
	}
	s = lowerASCII(s)
	switch s {
	case "d41d8cd98f00b204e9800998ecf8427e",
		"da39a3ee5e6b4b0d3255bfef95601890afd80709",
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e":
		return "", fault{Placeholder, "the hash of no data"}
	}
	for i := range n {
		if s[i] != s[0] {
			return s, fault{}
		}
	}
	return "", fault{Placeholder, "one digit repeated"}
}

func stripHash(s string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case ' ', '\t', '\r', '\n', ':', '-', '"', '\'', '`':
			return -1
		}
		return r
	}, s)
}
