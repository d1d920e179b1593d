package facts

import (
	"strconv"
	"strings"
	"unicode"

	"dossier/internal/intel"
)

// titleOf returns a reference's own title out of a full citation: "FireEye.
// (2015). APT28: A WINDOW. Retrieved August 19, 2015." gives "APT28: A WINDOW".
func titleOf(citation string) string {
	if i := strings.Index(citation, " Retrieved "); i >= 0 {
		citation = citation[:i]
	}
	if i := strings.Index(citation, ")"); i >= 0 {
		if open := strings.LastIndex(citation[:i], "("); open >= 0 && year(firstWord(citation[open+1:i])) != 0 {
			citation = citation[i+1:]
		}
	}
	return strings.Trim(citation, " .")
}

func firstWord(s string) string {
	w, _, _ := strings.Cut(s, ",")
	return strings.TrimSpace(w)
}

// citedDate reads the date of publication in a full citation: "(2018, October
// 3)", "(2015, July)", "(2014)".
func citedDate(citation string) intel.Date {
	for rest := citation; ; {
		open := strings.IndexByte(rest, '(')
		if open < 0 {
			return intel.Date{}
		}
		rest = rest[open+1:]
		in, _, ok := strings.Cut(rest, ")")
		if !ok {
			return intel.Date{}
		}
		y, tail, _ := strings.Cut(in, ",")
		n := year(strings.TrimSpace(y))
		if n == 0 {
			continue
		}
		month, day, _ := strings.Cut(strings.TrimSpace(tail), " ")
		m := months[strings.ToLower(strings.TrimRight(month, ".,"))]
		dd, err := strconv.Atoi(strings.TrimSpace(day))
		if err != nil || dd < 1 || dd > 31 {
			dd = 0
		}
		d := dateOf(n, m, dd)
		d.Basis = ""
		return d
	}
}

// splitURL returns the host and the path of an address, without "www.".
func splitURL(url string) (host, path string) {
	_, rest, ok := strings.Cut(url, "://")
	if !ok {
		return "", ""
	}
	i := strings.IndexAny(rest, "/?#")
	if i < 0 {
		i = len(rest)
	}
	return strings.TrimPrefix(strings.ToLower(rest[:i]), "www."), rest[i:]
}

// wordsOf cuts a lower-case text into words of letters and digits; full stops
// within initials go ("u.s." is us).
func wordsOf(text string) []string {
	text = strings.NewReplacer("u.s.", "us ", "u.k.", "uk ").Replace(text)
	return strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}
