package profile

import (
	"cmp"
	"slices"
	"time"

	"dossier/internal/intel"
)

// Dates outside these bounds are slips of a source: no computer was attacked by
// a named group before 1980, and no record tells the far future.
var (
	earliest = intel.TimeOf(time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC))
	latest   = intel.TimeOf(time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC))
)

func plausible(t intel.Time) bool { return t >= earliest && t < latest }

// firstActive climbs the ladder of [intel.Basis]: the best rung that any member
// reaches wins, the earliest date on it, and of equal dates the more precise.
// A stated date, a campaign and the prose share the first rung, for each of
// them says that there was activity: the earliest is the first.
// What an analyst states wins outright. The last rung always holds: where not
// even the import is dated, it is 1980.
func (f *folder) firstActive() {
	best := intel.Sourced[intel.Date]{}
	weighed := map[dated]intel.Date{}
	defer func() { f.d.FirstActives = datesOf(weighed, f.d.FirstActive) }()
	offer := func(d intel.Date, from intel.Ref) {
		if !plausible(d.At) {
			return
		}
		k := dated{from, d.Basis}
		if old, had := weighed[k]; d.Basis.Rung() < intel.BasisRelease.Rung() && (!had || better(d, old)) {
			weighed[k] = d
		}
		if best.Value.IsZero() || better(d, best.Value) {
			best = intel.Sourced[intel.Date]{Value: d, From: from}
		}
	}
	for _, m := range f.fields {
		for _, d := range m.FirstActive {
			if d.Basis == "" {
				d.Basis = intel.BasisStated
			}
			offer(d, m.Ref)
		}
		if m.Publisher == intel.Analyst && !best.Value.IsZero() {
			break
		}
	}
	if f.analystDate(best) {
		return
	}
	for _, c := range f.d.Campaigns {
		offer(onRung(c.First, intel.BasisCampaign), c.From)
	}
	if f.stats.Count > 0 {
		offer(dayOf(f.stats.First, intel.BasisIndicator), intel.Ref{})
	}
	for _, r := range f.d.References {
		offer(onRung(r.Value.Date, intel.BasisReference), r.From)
	}
	for _, m := range f.members {
		offer(dayOf(m.Created, intel.BasisCreated), m.Ref)
		offer(dayOf(f.w.Released(m.Ref), intel.BasisRelease), m.Ref)
		offer(dayOf(f.w.FirstImported(m.Ref), intel.BasisImport), m.Ref)
	}
	if best.Value.IsZero() {
		best.Value = intel.Date{At: earliest, Precision: intel.Year, Basis: intel.BasisImport}
	}
	f.d.FirstActive, f.d.Profile.FirstActive = best, best.Value.At
}

// dated tells which dates are kept: of each record the best one of a basis. Those of
// releases and imports say nothing of an actor; the served one stands for them.
type dated struct {
	from  intel.Ref
	basis intel.Basis
}

// datesOf are the dates that were weighed, best first; the served one leads,
// for an analyst's wins over better rungs.
func datesOf(weighed map[dated]intel.Date, served intel.Sourced[intel.Date]) []intel.Sourced[intel.Date] {
	out := []intel.Sourced[intel.Date]{served}
	for k, d := range weighed {
		if s := (intel.Sourced[intel.Date]{Value: d, From: k.from}); s != served {
			out = append(out, s)
		}
	}
	slices.SortFunc(out[1:], func(a, b intel.Sourced[intel.Date]) int {
		switch {
		case better(a.Value, b.Value):
			return -1
		case better(b.Value, a.Value):
			return 1
		}
		return compareRefs(a.From, b.From)
	})
	return out
}

// analystDate takes the date if an analyst states it.
func (f *folder) analystDate(s intel.Sourced[intel.Date]) bool {
	if s.Value.IsZero() || s.From.Publisher != intel.Analyst {
		return false
	}
	f.d.FirstActive, f.d.Profile.FirstActive = s, s.Value.At
	return true
}

func better(a, b intel.Date) bool {
	return cmp.Or(
		cmp.Compare(step(a.Basis), step(b.Basis)),
		cmp.Compare(a.At, b.At),
		cmp.Compare(fineness(b.Precision), fineness(a.Precision)),
		cmp.Compare(a.Basis.Rung(), b.Basis.Rung()),
	) < 0
}

// step returns the place of a basis in the ladder, with one place for all that
// tell of activity.
func step(b intel.Basis) int {
	switch b {
	case intel.BasisStated, intel.BasisCampaign, intel.BasisProse:
		return 0
	}
	return b.Rung()
}

// active reports whether a date tells of activity, not of a document or entry.
func active(d intel.Date) bool { return !d.IsZero() && step(d.Basis) == 0 }

func fineness(p intel.Precision) int {
	switch p {
	case intel.Year:
		return 0
	case intel.Month:
		return 1
	case intel.Exact:
		return 3
	}
	return 2
}

func onRung(d intel.Date, b intel.Basis) intel.Date {
	d.Basis = b
	return d
}

// dayOf returns the day of a time: what indicators, entries and releases tell
// of an actor's first activity is no matter of hours.
func dayOf(t intel.Time, b intel.Basis) intel.Date {
	if t == 0 {
		return intel.Date{}
	}
	const day = 24 * 60 * 60 * 1000
	rest := t % day
	if rest < 0 {
		rest += day
	}
	return intel.Date{At: t - rest, Precision: intel.Day, Basis: b}
}
