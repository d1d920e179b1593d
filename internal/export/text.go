package export

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// line makes one printable line of a text from a stranger, of at most n runes: white
// space becomes a space, control and formatting characters (line ends of any
// script, changes of direction) and broken UTF-8 go.
func line(s string, n int) string {
	var b strings.Builder
	space, count := false, 0
	for _, r := range s {
		switch {
		case unicode.IsSpace(r):
			space = b.Len() > 0
			continue
		case r == utf8.RuneError, unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs, unicode.Zl, unicode.Zp):
			continue
		}
		if space {
			b.WriteByte(' ')
			count++
			space = false
		}
		if count++; count > n {
			return strings.TrimRight(b.String(), " ") + "…"
		}
		b.WriteRune(r)
	}
	return b.String()
}

// ascii is line in the characters that every engine's parser takes anywhere:
// what is not in keep becomes a space. keep is asked about ASCII only.
func ascii(s string, n int, keep func(byte) bool) string {
	s = strings.Map(func(r rune) rune {
		if r < utf8.RuneSelf && keep(byte(r)) {
			return r
		}
		return ' '
	}, line(s, n))
	return strings.Join(strings.Fields(s), " ")
}

// plain are the characters that are free of meaning in comments and messages of
// all engines: no quotes, semicolons, hashes, backslashes, brackets or dollars.
func plain(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte(" .,:_+()/-", c) >= 0
}

const (
	mostTitles = 3  // named in a comment
	titleRunes = 60 // of each
)

// subject names the profiles of an indicator: "APT28, X-Agent (+2)".
func (i *Indicator) subject() string {
	var b strings.Builder
	for n, p := range i.Profiles {
		if n == mostTitles {
			b.WriteString(" (+")
			b.WriteString(itoa(len(i.Profiles) - n))
			b.WriteByte(')')
			break
		}
		if n > 0 {
			b.WriteString(", ")
		}
		b.WriteString(line(p.Title, titleRunes))
	}
	return b.String()
}

// trace says where an indicator comes from, for a comment: "APT28; eset, maltrail".
func (i *Indicator) trace() string {
	subject := i.subject()
	if subject == "" {
		subject = "no profile"
	}
	var from strings.Builder
	for n, p := range i.Publishers {
		if n == mostTitles {
			from.WriteString(" (+" + itoa(len(i.Publishers)-n) + ")")
			break
		}
		if n > 0 {
			from.WriteString(", ")
		}
		from.WriteString(line(p, titleRunes))
	}
	if from.Len() == 0 {
		return subject
	}
	return subject + "; " + from.String()
}

// comment is trace in plain characters, commas between.
func (i *Indicator) comment() string {
	return ascii(strings.ReplaceAll(i.trace(), "; ", ", by "), 200, plain)
}

// plainName reports whether a domain consists of letters, digits, hyphens,
// underscores and dots, so that it means the same to every parser.
func plainName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.') {
			return false
		}
	}
	return s != "" && s[0] != '.' && s[len(s)-1] != '.' && len(s) <= 253
}

// printable reports whether a value is of visible ASCII only, without spaces.
func printable(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return s != ""
}

const (
	notPlain     = refusal("a name with characters that the format has no place for")
	notPrintable = refusal("a value with spaces or characters outside ASCII")
)
