package facts

import (
	"strconv"
	"strings"
	"time"

	"dossier/internal/intel"
)

var months = map[string]time.Month{
	"january": 1, "february": 2, "march": 3, "april": 4, "may": 5, "june": 6, "july": 7, "august": 8,
	"september": 9, "october": 10, "november": 11, "december": 12,
	"jan": 1, "feb": 2, "mar": 3, "apr": 4, "jun": 6, "jul": 7, "aug": 8, "sep": 9, "sept": 9, "oct": 10, "nov": 11, "dec": 12,
}

// fillers may stand before a date without changing it: "since at least early
// 2016", "in the summer of 2015", "around mid-2014".
var fillers = set("at least as early far back about around approximately roughly circa of the in on late mid middle beginning start end summer spring fall autumn winter first second half quarter or before possibly likely q1 q2 q3 q4 to until year years")

// year reads a year from 1986, the year of the first known virus for the PC, to
// 2099; "mid-2014", "early-2014" and "2013's" are years too.
func year(w string) int {
	for _, p := range []string{"mid-", "early-", "late-", "q1-", "q2-", "q3-", "q4-"} {
		w = strings.TrimPrefix(w, p)
	}
	if len(w) != 4 || !isDigits(w) {
		return 0
	}
	n, _ := strconv.Atoi(w)
	if n < 1986 || n > 2099 {
		return 0
	}
	return n
}

// dateAt reads a date at token i, after any fillers: "2014", "May 2016", "May
// 4, 2016", "4 May 2016". next is the token after it; 0 if there is no date.
func (sen *sentence) dateAt(i int) (d intel.Date, next int) {
	for n := 0; i < len(sen.tok) && fillers[sen.l(i)] && n < 8; n++ {
		i++
	}
	day := 0
	if n, err := strconv.Atoi(strings.TrimRight(sen.l(i), "stndrh")); err == nil && n >= 1 && n <= 31 && len(sen.l(i)) <= 4 && months[sen.l(i+1)] != 0 {
		day = n
		i++
	}
	w := strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(sen.l(i), "mid-"), "early-"), "late-")
	if m := months[w]; m != 0 && (sen.tok[i].upper() || w != sen.l(i)) {
		i++
		if n, err := strconv.Atoi(strings.TrimRight(sen.l(i), "stndrh")); err == nil && n >= 1 && n <= 31 && year(sen.l(i)) == 0 {
			day = n
			i++
		}
		if sen.l(i) == "," || sen.l(i) == "of" {
			i++
		}
		y := year(sen.l(i))
		if y == 0 {
			return intel.Date{}, 0
		}
		return dateOf(y, m, day), i + 1
	}
	if y := year(sen.l(i)); y != 0 {
		return dateOf(y, 0, 0), i + 1
	}
	return intel.Date{}, 0
}

// dateOf makes a date with the precision of what is given; 0 is not given.
func dateOf(y int, m time.Month, day int) intel.Date {
	d := intel.Date{Precision: intel.Day, Basis: intel.BasisProse}
	switch {
	case m == 0:
		return intel.YearDate(y, intel.BasisProse)
	case day == 0:
		d.Precision, day = intel.Month, 1
	}
	d.At = intel.TimeOf(time.Date(y, m, day, 0, 0, 0, 0, time.UTC))
	return d
}
