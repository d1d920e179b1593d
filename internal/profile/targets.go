package profile

import (
	"cmp"
	"slices"
	"strings"

	"dossier/internal/intel"
	"dossier/internal/vocab"
)

// targets maps the sources' words to what is served: sectors first, then
// countries, regions, and the words that are none of these, each group in
// alphabetical order. Words read out of prose count only for a group that no
// member fills from a field.
func (f *folder) targets() {
	var claims []sortedTarget
	fields := [unsortedTarget + 1]bool{}
	seen := map[intel.TargetClaim]bool{}
	for _, m := range f.fields {
		for _, t := range m.Targets {
			t.Value = clean(t.Value)
			if intel.Placeholder(t.Value) {
				continue
			}
			s := sortTarget(t)
			s.claim.From = m.Ref
			if seen[s.claim] {
				continue
			}
			seen[s.claim] = true
			if !t.Prose {
				fields[s.group] = true
			}
			claims = append(claims, s)
		}
	}
	slices.SortStableFunc(claims, func(a, b sortedTarget) int {
		return cmp.Or(
			cmp.Compare(a.group, b.group),
			cmp.Compare(intel.NameKey(a.claim.Served), intel.NameKey(b.claim.Served)),
		)
	})
	served := map[string]bool{}
	f.d.Profile.Targets = []string{}
	for _, c := range claims {
		if c.claim.Prose && fields[c.group] {
			continue
		}
		f.d.Targets, f.groups = append(f.d.Targets, c.claim), append(f.groups, c.group)
		if first(served, strings.ToLower(c.claim.Served)) {
			f.d.Profile.Targets = append(f.d.Profile.Targets, c.claim.Served)
		}
	}
}

// The groups of targets, in the order in which they are served.
const (
	sectorTarget = iota
	countryTarget
	regionTarget
	unsortedTarget
)

type sortedTarget struct {
	claim intel.TargetClaim
	group int
}

// sortTarget maps a word. The field that it stood in is tried first: a sector's
// field that holds a country's name still gives the country.
func sortTarget(t intel.Target) sortedTarget {
	order := [3]int{sectorTarget, countryTarget, regionTarget}
	switch t.Kind {
	case intel.TargetCountry:
		order = [3]int{countryTarget, regionTarget, sectorTarget}
	case intel.TargetRegion:
		order = [3]int{regionTarget, countryTarget, sectorTarget}
	}
	for _, group := range order {
		switch group {
		case sectorTarget:
			if s, ok := vocab.SectorOf(t.Value); ok {
				return sortedTarget{intel.TargetClaim{Served: s.String(), Target: t}, group}
			}
		case countryTarget:
			// A two-letter word outside a field of countries is rather an
			// abbreviation of something else: "IT" is no Italy.
			if len(t.Value) < 4 && t.Kind != intel.TargetCountry {
				if c, ok := vocab.CountryNamed(t.Value); ok {
					return sortedTarget{intel.TargetClaim{Served: c.Label, Code: c.Code, Target: t}, group}
				}
				continue
			}
			if c, ok := vocab.CountryOf(t.Value); ok {
				return sortedTarget{intel.TargetClaim{Served: c.Label, Code: c.Code, Target: t}, group}
			}
		case regionTarget:
			if r, ok := vocab.RegionOf(t.Value); ok {
				return sortedTarget{intel.TargetClaim{Served: r.Name, Target: t}, group}
			}
		}
	}
	return sortedTarget{intel.TargetClaim{Served: t.Value, Target: t}, unsortedTarget}
}

// A Word is one that a source wrote in a field of origins or of targets and that
// no vocabulary has.
type Word struct {
	Field string `json:"field"` // "origin" or "target"
	Value string `json:"value"`
}

// Unmapped returns the words of a record's own fields that are not in the
// vocabulary of countries, regions and sectors: as targets they are served as
// written, as origins not at all. Words read out of prose are not among them.
func Unmapped(r *intel.Record) (words []Word) {
	for _, o := range r.Origins {
		if word := clean(o.Country); !o.Prose && !intel.Placeholder(word) {
			if _, ok := vocab.CountryOf(word); !ok {
				words = append(words, Word{"origin", word})
			}
		}
	}
	for _, t := range r.Targets {
		if t.Value = clean(t.Value); !t.Prose && !intel.Placeholder(t.Value) && sortTarget(t).group == unsortedTarget {
			words = append(words, Word{"target", t.Value})
		}
	}
	return words
}
