package stix

import (
	"slices"

	"dossier/internal/intel"
)

// beyondValues returns why a pattern says more than the values that were found in
// it, "" if it does not. A value that is no good, as a private address, is not more.
func beyondValues(found []finding, skipped []skip) string {
	for _, s := range skipped {
		if !s.value {
			return s.reason
		}
	}
	switch {
	case slices.ContainsFunc(found, func(v finding) bool { return v.partial }):
		return "several signs that count together"
	case len(found)+len(skipped) == 0:
		return "no plain value in the pattern"
	}
	return ""
}

// keep hands the sink the pattern of an indicator. Whom it is tied to under a
// stricter marking than its own is said under that.
func (f *file) keep(it *item, ind *indicator, why string) error {
	if len(ind.pattern) > intel.MaxPattern {
		f.reject(it, "pattern", "pattern too long to be kept", ind.pattern)
		return nil
	}
	own := f.tlp(ind.markings)
	shared := f.observation(ind, own)
	p := &intel.Pattern{
		Ref: intel.Ref{Publisher: shared.Publisher, Key: ind.id}, Type: ind.patternType, Text: ind.pattern, Name: ind.name, Reason: why, TLP: own,
		From: shared.FirstSeen.At, Until: ind.validUntil, Modified: ind.modified, Revoked: ind.revoked, Reference: shared.Reference,
	}
	if p.Type == "" {
		p.Type = "stix" // STIX 2.0 knows no other
	}
	said := map[intel.Ref]bool{}
	for level := own; level <= intel.Red; level++ {
		if level > own && !f.levels[level] {
			continue
		}
		for _, r := range f.observation(ind, level).Subjects {
			if !said[r] {
				said[r] = true
				p.Subjects = append(p.Subjects, intel.Subject{Ref: r, TLP: level})
			}
		}
	}
	f.counts[p.Publisher]++
	return f.sink.Pattern(p)
}
