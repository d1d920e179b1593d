// Package refdate tells when a document was published from how it is cited,
// and reads the dates that sources write into free text. It looks nothing up:
// an address, a column or a note either carries its date or it does not.
//
// Start with [OfURL] for addresses, [Loose] for fields that people fill in
// ("Fall Oct. 2012 - Spring 2013"), [Stamp] for columns of machines, and
// [OfPath] for the folders that reports are published in.
//
// Every function takes a bound and returns the zero Date for what lies behind
// it: one status id met in the wild decodes to the year 2161. All functions
// may be called at once; none fails on any input.
package refdate

import (
	"sync/atomic"
	"time"

	"dossier/internal/intel"
)

// The dates that are believed where the caller knows no better bound: computers
// that are attacked exist, and the century has not ended.
const (
	firstYear = 1980
	lastYear  = 2100
)

// A Bound is the latest time that is believed, usually that of the import. The
// zero Bound is the end of the year 2100. Copies of a bound are one bound.
type Bound struct {
	latest  intel.Time
	refused *atomic.Bool
}

// Until returns the bound that admits what is not later than t; if that is zero,
// the zero Bound.
func Until(t intel.Time) Bound {
	if t == 0 {
		return Bound{}
	}
	return Bound{t, new(atomic.Bool)}
}

// YearEnd returns the bound that admits everything within the year.
func YearEnd(year int) Bound {
	return Until(intel.TimeOf(time.Date(year+1, 1, 1, 0, 0, 0, 0, time.UTC)) - 1)
}

// Refused reports whether a date was not believed that a later bound will admit:
// what was read may say more when it is read again later.
func (b Bound) Refused() bool { return b.refused != nil && b.refused.Load() }

func (b Bound) admits(t time.Time) bool {
	if t.Year() < firstYear || t.Year() > lastYear {
		return false
	}
	if b.latest == 0 || intel.TimeOf(t) <= b.latest {
		return true
	}
	b.refused.Store(true)
	return false
}

// date returns what is stated, or the zero Date if it is no day of the calendar
// or lies behind the bound. month and day are 0 where they are not stated.
func date(year, month, day int, b Bound, basis intel.Basis) intel.Date {
	p := intel.Day
	switch {
	case month == 0:
		p, month, day = intel.Year, 1, 1
	case day == 0:
		p, day = intel.Month, 1
	}
	if month < 1 || month > 12 || day < 1 || day > 31 {
		return intel.Date{}
	}
	t := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	if int(t.Month()) != month || !b.admits(t) { // 31 April
		return intel.Date{}
	}
	return intel.Date{At: intel.TimeOf(t), Precision: p, Basis: basis}
}

func exact(t time.Time, b Bound, basis intel.Basis) intel.Date {
	if !b.admits(t) {
		return intel.Date{}
	}
	return intel.Date{At: intel.TimeOf(t), Precision: intel.Exact, Basis: basis}
}
