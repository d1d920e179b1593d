package observable

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// canonicalText returns free text without white space around it and without control characters; tabs and line breaks
// inside become spaces. Case and all else stay: a mutex differs from another by case. The limit is [MaxText].
func canonicalText(s string) (string, fault) {
	if !utf8.ValidString(s) {
		return "", fault{NotUTF8, ""}
	}
	if strings.IndexFunc(s, control) >= 0 {
		s = strings.Map(func(r rune) rune {
			switch {
			case !control(r):
				return r
			case unicode.IsSpace(r) || r == '\u2028' || r == '\u2029':
				return ' '
			}
			return -1
		}, s)
	}
	s = strings.TrimSpace(s)
	if s == "" {
		return "", fault{Empty, ""}
	}
	if len(s) > MaxText {
		return "", fault{TooLong, "text of more than 4096 bytes"}
	}
	switch len(s) {
	case 1, 2, 3, 4, 6, 7:
		switch strings.ToLower(s) {
		case "-", "--", "?", "n/a", "na", "nil", "none", "null", "tbd", "(none)", "unknown":
			return "", fault{Placeholder, ""}
		}
	}
	return s, fault{}
}

func control(r rune) bool {
	return unicode.IsControl(r) || r == '\u2028' || r == '\u2029'
}

// canonicalCryptocurrency returns an address of any currency, which is letters and digits, perhaps after the
// name of the currency and a colon. Notations without meaning in their case (Bech32, 0x…) are in lower case.
func canonicalCryptocurrency(s string) (string, fault) {
	s, f := canonicalText(s)
	if f.bad() {
		return "", f
	}
	for hasPrefixFold(s, "bitcoin:") {
		s = s[len("bitcoin:"):]
	}
	for i := 0; i < len(s); i++ {
		if classes[s[i]]&(alnum|colon|hyphen) == 0 {
			return "", fault{BadCharacter, "not in addresses of cryptocurrencies"}
		}
	}
	if len(s) < 20 || len(s) > 128 {
		return "", fault{BadLength, "not 20 to 128 characters"}
	}
	for _, p := range []string{"bc1", "tb1", "ltc1", "bnb1", "0x", "cosmos1", "addr1"} {
		if hasPrefixFold(s, p) {
			return lowerASCII(s), fault{}
		}
	}
	return s, fault{}
}
