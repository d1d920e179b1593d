package refdate

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"dossier/internal/intel"
)

var (
	isoDate  = regexp.MustCompile(`\b((?:19|20)\d\d)-(\d{1,2})(?:-(\d{1,2}))?\b`)
	dayFirst = regexp.MustCompile(`(?i)\b(\d{1,2})(?:st|nd|rd|th)?\s+([a-z]{3,9})\.?,?\s+((?:19|20)\d\d)\b`)
	monthly  = regexp.MustCompile(`(?i)\b([a-z]{3,9})\.?(?:\s*/\s*[a-z]{3,9}\.?)?,?\s+(?:(\d{1,2})(?:st|nd|rd|th)?,\s*)?((?:19|20)\d\d)\b`)
	years    = regexp.MustCompile(`\b((?:19|20)\d\d)\b`)
)

// Loose returns the earliest date in a field that people fill in: "April
// 2016", "Febuary 2017", "2016-04", "Discovered ~Sept. 2014", "between 2006
// and 2007". Quarters and seasons count as their year, for their months are
// not the same everywhere. No date gives the zero Date.
func Loose(s string, b Bound, basis intel.Basis) intel.Date {
	if len(s) > 4096 {
		s = s[:4096]
	}
	var best intel.Date
	take := func(year, month, day string) bool {
		y, _ := strconv.Atoi(year)
		m, _ := strconv.Atoi(month)
		if month != "" && m == 0 {
			m = monthOf(month)
		}
		d, _ := strconv.Atoi(day)
		found := date(y, m, d, b, basis)
		if !found.IsZero() && (best.IsZero() || found.At < best.At) {
			best = found
		}
		return !found.IsZero()
	}
	// What a finer form has read is blanked out, so that a coarser one does
	// not read its year again.
	each := func(re *regexp.Regexp, f func(m []string) bool) {
		for _, at := range re.FindAllStringSubmatchIndex(s, -1) {
			m := make([]string, len(at)/2)
			for i := range m {
				if at[2*i] >= 0 {
					m[i] = s[at[2*i]:at[2*i+1]]
				}
			}
			if f(m) {
				s = s[:at[0]] + strings.Repeat("_", at[1]-at[0]) + s[at[1]:]
			}
		}
	}
	each(isoDate, func(m []string) bool { return take(m[1], m[2], m[3]) })
	each(dayFirst, func(m []string) bool { return monthOf(m[2]) != 0 && take(m[3], m[2], m[1]) })
	each(monthly, func(m []string) bool { return monthOf(m[1]) != 0 && take(m[3], m[1], m[2]) })
	each(years, func(m []string) bool { return take(m[1], "", "") })
	return best
}

const monthNames = "januaryfebruarymarchaprilmayjunejulyaugustseptemberoctobernovemberdecember"

// months are found by their first three letters, which also reads the
// misspellings met in MISP's galaxies: Febuary, Mars, JanuaryJ.
var months = map[string]int{
	"jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6, "jul": 7, "aug": 8, "sep": 9, "oct": 10, "nov": 11, "dec": 12,
}

// monthOf returns the number of a month by its name, or 0.
func monthOf(word string) int {
	word = strings.ToLower(word)
	if len(word) < 3 {
		return 0
	}
	n := months[word[:3]]
	switch {
	case n == 0:
		return 0
	case strings.Contains(monthNames, word), word == "mars", word == "febuary", word == "sept",
		strings.HasPrefix(word, "january"):
		return n
	}
	return 0
}

// layouts of columns, most common first. Where a number of a date could be a
// day or a month, the month comes first, as in all feeds met that write so.
var layouts = []struct {
	layout string
	p      intel.Precision
}{
	{time.RFC3339Nano, intel.Exact},
	{"2006-01-02 15:04:05", intel.Exact},
	{"2006-01-02 15:04:05 MST", intel.Exact},
	{"2006-01-02T15:04:05", intel.Exact},
	{"2006-01-02T15:04:05-0700", intel.Exact},
	{"2006-01-02 15:04:05.999999-07:00", intel.Exact},
	{"2006-01-02 15:04", intel.Exact},
	{"2006-01-02", intel.Day},
	{"2006/01/02", intel.Day},
	{"20060102", intel.Day},
	{"1/2/2006", intel.Day},
	{"1/2/2006 15:04", intel.Exact},
	{"1/2/2006 15:04:05", intel.Exact},
	{"1/2/2006 3:04:05 PM", intel.Exact},
	{"2-Jan-2006", intel.Day},
	{"2 Jan 2006", intel.Day},
	{"Jan 2, 2006", intel.Day},
	{"January 2, 2006", intel.Day},
	{time.RFC1123Z, intel.Exact},
	{time.RFC1123, intel.Exact},
	{"2006-01", intel.Month},
}

// Stamp reads a time as machines write it into a field: RFC 3339 and its
// relatives, 2006-01-02, 1/2/2006, seconds, milliseconds or microseconds since
// 1970. Anything else gives the zero Date.
func Stamp(s string, b Bound, basis intel.Basis) intel.Date {
	s = strings.Trim(s, " \t\"'")
	if s == "" || len(s) > 64 {
		return intel.Date{}
	}
	for _, l := range layouts {
		if t, err := time.Parse(l.layout, s); err == nil {
			if !b.admits(t) {
				return intel.Date{}
			}
			return intel.Date{At: intel.TimeOf(t.UTC()), Precision: l.p, Basis: basis}
		}
	}
	if n, err := strconv.ParseInt(leadingDigits(s), 10, 64); err == nil && leadingDigits(s) == s {
		switch {
		case len(s) >= 9 && len(s) <= 10:
			return exact(time.Unix(n, 0).UTC(), b, basis)
		case len(s) == 13:
			return exact(time.UnixMilli(n).UTC(), b, basis)
		case len(s) == 16:
			return exact(time.UnixMicro(n).UTC(), b, basis)
		}
	}
	if year, err := strconv.Atoi(s); err == nil && len(s) == 4 {
		return date(year, 0, 0, b, basis)
	}
	return intel.Date{}
}
