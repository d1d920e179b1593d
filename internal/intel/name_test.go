package intel

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestNameKey(t *testing.T) {
	for _, tt := range []struct{ name, want string }{
		{"APT28", "apt28"},
		{"APT 28", "apt28"},
		{"apt-28", "apt28"},
		{"Apt28 ", "apt28"},
		{"\u200bAPT28\ufeff", "apt28"},    // zero-width characters come with copied text
		{"ＡＰＴ２８", "apt28"},                // full width
		{"APT-C-20", "aptc20"},            // not APT20
		{"LotusBlossom", "lotusblossom"},  //
		{"Lotus BLossom", "lotusblossom"}, //
		{"Larva‑25012", "larva25012"},     // U+2011
		{"NoName057(16)", "noname05716"},  // the brackets belong to it
		{"TG-2884 (SCWX CTU)", "tg2884scwxctu"},
		{"LAPSUS$", "lapsus"},
		{"admin@338", "admin338"},
		{"Ayyıldız Tim", "ayyıldıztim"}, // a dotless i is a letter of its own
		{"İSTANBUL", "istanbul"},        // a dotted I is an I with a mark
		{"Café", "cafe"},
		{"Cafe\u0301", "cafe"}, // the same, decomposed
		{"狼毒草", "狼毒草"},
		{"АРТ28", "арт28"}, // Cyrillic, and stays so
		{"ΣΊΣΥΦΟΣ", "σισυφοσ"},
		{"σίσυφος", "σισυφοσ"}, // the final sigma is a sigma
		{"Straße", "straße"},
		{"STRAẞE", "straße"},
		{"한국", "\u1112\u1161\u11ab\u1100\u116e\u11a8"}, // syllables come apart
		{"①Ⅷ", "1viii"},
		{"-", ""},
		{"?", ""},
		{"🐻", ""},
		{"", ""},
	} {
		if got := NameKey(tt.name); got != tt.want {
			t.Errorf("NameKey(%q) = %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestPlaceholder(t *testing.T) {
	for _, name := range []string{"", " ", "-", "?", "N/A", "n/a", "Unknown", " UNKNOWN ", "none"} {
		if !Placeholder(name) {
			t.Errorf("Placeholder(%q) = false", name)
		}
	}
	for _, name := range []string{"APT28", "Unknown Logger", "Nobody", "NA Team", "狼毒草"} {
		if Placeholder(name) {
			t.Errorf("Placeholder(%q) = true", name)
		}
	}
}

func FuzzNameKey(f *testing.F) {
	for _, s := range []string{"APT 28", "Ayyıldız Tim", "狼毒草", "АРТ28", "ＡＰＴ２８", "Straße", "ΣΊΣΥΦΟΣ", "한국", "①Ⅷ", "\xff\xfe", "ǅ", "ᾼ", "\u0345"} {
		f.Add(s, "-")
	}
	f.Fuzz(func(t *testing.T, s, separator string) {
		key := NameKey(s)
		if again := NameKey(key); again != key {
			t.Errorf("NameKey(%q) = %q, but NameKey of that = %q", s, key, again)
		}
		if !utf8.ValidString(key) {
			t.Errorf("NameKey(%q) = %q is no UTF-8", s, key)
		}
		for _, r := range key {
			if !unicode.IsLetter(r) && !unicode.IsDigit(r) || unicode.Is(unicode.M, r) {
				t.Errorf("NameKey(%q) = %q holds %q", s, key, r)
			}
		}
		// What is no letter, digit or mark makes no difference, wherever it stands.
		plain := strings.Map(func(r rune) rune {
			if r >= 0x80 || unicode.IsLetter(r) || unicode.IsDigit(r) {
				return -1
			}
			return r
		}, separator)
		if utf8.ValidString(s) {
			if got := NameKey(plain + s + plain); got != key {
				t.Errorf("NameKey(%q) = %q, but with %q around it %q", s, key, plain, got)
			}
			// Case makes no difference to names in ASCII; elsewhere upper
			// and lower case are not always each other's.
			if isASCII(s) && (NameKey(strings.ToUpper(s)) != key || NameKey(strings.ToLower(s)) != key) {
				t.Errorf("case changes the key of %q", s)
			}
		}
	})
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func BenchmarkNameKey(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		NameKey("Threat Group-3390")
	}
}
