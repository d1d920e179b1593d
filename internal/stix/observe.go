package stix

import (
	"slices"
	"strings"

	"dossier/internal/intel"
)

// listReported notes which reports list an indicator.
func (f *file) listReported() {
	for _, r := range f.reports {
		r.tlp = f.tlp(r.markings)
		f.levels[r.tlp] = true
		for _, ref := range r.refs {
			if typeOf(ref) == "indicator" {
				f.reported[ref] = append(f.reported[ref], r)
			}
		}
	}
}

// observe emits the observations of one indicator. What is no plain indicator
// is rejected as one, once for every alternative of the pattern that is lost, and
// the pattern is kept as it is written.
//
// What ties an indicator to a subject may be more restricted than the indicator.
// Then the subject stands in an observation of its own under the stricter
// marking, and those who may not see the tie see what they would see without it.
func (f *file) observe(it *item, ind *indicator) error {
	switch {
	case ind.benign:
		f.reject(it, "", "benign indicator", ind.pattern)
		return nil
	case ind.patternType != "" && ind.patternType != "stix":
		why := "pattern type " + shorten(ind.patternType, 40)
		f.reject(it, "pattern_type", why, ind.name)
		return f.keep(it, ind, why)
	}
	p, err := ParsePattern(ind.pattern)
	if err != nil {
		f.reject(it, "pattern", "malformed pattern", err.Error())
		return nil
	}
	found, skipped := observables(p)
	for _, s := range skipped {
		f.reject(it, "pattern", s.reason, s.sample)
	}
	if why := beyondValues(found, skipped); why != "" {
		if err := f.keep(it, ind, why); err != nil {
			return err
		}
	}
	if len(found) == 0 {
		if len(skipped) == 0 {
			f.reject(it, "pattern", "no plain value in the pattern", ind.pattern)
		}
		return nil
	}
	own := f.tlp(ind.markings)
	said := map[intel.Ref]bool{}
	for level := own; level <= intel.Red; level++ {
		if level > own && !f.levels[level] {
			continue
		}
		o := f.observation(ind, level)
		o.Subjects = slices.DeleteFunc(o.Subjects, func(r intel.Ref) bool { return said[r] })
		if level > own && len(o.Subjects) == 0 {
			continue
		}
		for _, r := range o.Subjects {
			said[r] = true
		}
		if err := f.give(ind, o, found); err != nil {
			return err
		}
	}
	return nil
}

// give hands the sink an observation of every value that was found.
func (f *file) give(ind *indicator, shared intel.Observation, found []finding) error {
	for _, v := range found {
		o := shared
		o.Observable = v.Observable
		o.Subjects = slices.Clone(shared.Subjects)
		o.Context = contextOf(ind, v)
		if v.partial {
			o.Confidence = partConfidence(o.Confidence)
		}
		f.counts[o.Publisher]++
		if err := f.sink.Observation(&o); err != nil {
			return err
		}
	}
	return nil
}

// partConfidence is the confidence of a value that the pattern only counts as a
// sign together with others ([a] AND [b], [a] FOLLOWEDBY [b]): half of what is
// stated, and low, by STIX's scale, where nothing is.
func partConfidence(stated int8) int8 {
	if stated == 0 {
		return 25
	}
	return max(stated/2, 1)
}

// observation is what all observables of an indicator have in common, told
// without what is marked more strictly than level.
func (f *file) observation(ind *indicator, level intel.TLP) intel.Observation {
	x := intel.Observation{
		Publisher: f.publisher(&ind.meta, false), ValidUntil: ind.validUntil, Confidence: ind.conf,
		TLP: level, Reference: ind.reference, Revoked: ind.revoked, Source: intel.SourceOSINT,
		Modified: ind.modified,
	}
	if strings.HasPrefix(x.Publisher, "microsoft") {
		x.Source = intel.SourceMicrosoft
	}
	var reports []*report
	for _, r := range f.reported[ind.id] {
		if r.tlp > level {
			continue
		}
		reports = append(reports, r)
		if x.Reference == "" {
			x.Reference = r.reference
		}
	}
	x.FirstSeen = f.firstSeen(ind, reports)
	for tlp := range level + 1 {
		seen, ok := f.seen[sightingKey{ind.id, tlp}]
		if !ok {
			continue
		}
		x.LastSeen = max(x.LastSeen, seen.last)
		if x.FirstSeen.IsZero() || seen.first < x.FirstSeen.At {
			x.FirstSeen = stated(seen.first, intel.BasisStated)
		}
	}
	x.Subjects = f.subjects(ind, x.Publisher, reports, level)
	return x
}

// firstSeen is the ladder: valid_from, the report's date, the object's own.
func (f *file) firstSeen(ind *indicator, reports []*report) intel.Date {
	if ind.validFrom != 0 {
		return stated(ind.validFrom, intel.BasisStated)
	}
	var published intel.Time
	for _, r := range reports {
		if r.published != 0 && (published == 0 || r.published < published) {
			published = r.published
		}
	}
	if published != 0 {
		return stated(published, intel.BasisEvent)
	}
	if ind.created != 0 {
		return intel.Date{At: ind.created, Precision: intel.Exact, Basis: intel.BasisCreated}
	}
	return intel.Date{}
}

// maxSubjects bounds whom one indicator is tied to; files that exceed it are
// made to be slow.
const maxSubjects = 64

// subjects returns whom the indicator is tied to: what its own relationships
// say; failing that, what reports that list it say.
func (f *file) subjects(ind *indicator, publisher string, reports []*report, level intel.TLP) []intel.Ref {
	var refs uniq[intel.Ref]
	if own := f.indicated[ind.id]; own != nil {
		for _, p := range own.list {
			if len(refs.list) >= maxSubjects {
				break
			}
			if p.tlp > level {
				continue
			}
			for _, id := range f.actorsOf(p.target, level) {
				refs.add(f.ref(publisher, id, level))
			}
		}
	}
	if refs.list == nil {
		for _, r := range reports {
			if len(refs.list) >= maxSubjects {
				break
			}
			for _, id := range f.named(r, level) {
				refs.add(f.ref(publisher, id, level))
			}
		}
	}
	return refs.list[:min(len(refs.list), maxSubjects)]
}

// named returns whose the indicators of a report are, as far as the report
// tells: the one actor that it lists, and malware; failing these a campaign, or
// tools. A report that lists several actors does not say which it is, and tools
// beside an actor or malware are what others use as well.
func (f *file) named(r *report, level intel.TLP) []string {
	if !r.asked[level] {
		r.asked[level] = true
		r.named[level] = f.namedIn(r.refs, level)
	}
	return r.named[level]
}

func (f *file) namedIn(refs []string, level intel.TLP) []string {
	var actors, malware, tools, campaigns uniq[string]
	for _, ref := range refs {
		switch typeOf(ref) {
		case "intrusion-set", "threat-actor":
			actors.add(ref)
		case "campaign":
			for _, id := range f.actorsOf(ref, level) {
				switch {
				case id == ref:
					campaigns.add(id)
				case f.kind(id, level) == intel.Actor:
					actors.add(id)
				default:
					malware.add(id)
				}
			}
		case "malware":
			malware.add(ref)
		case "tool":
			tools.add(ref)
		}
	}
	if len(actors.list) > 1 {
		return nil
	}
	named := append(actors.list, malware.list...)
	for _, other := range [][]string{campaigns.list, tools.list} {
		if len(named) == 0 {
			named = other
		}
	}
	if len(named) > maxSubjects {
		return nil
	}
	return named
}

// actorsOf returns what a campaign is attributed to, or id itself.
func (f *file) actorsOf(id string, level intel.TLP) []string {
	var actors []string
	if ties := f.attributed[id]; ties != nil {
		for _, p := range ties.list {
			if len(actors) > maxSubjects {
				break // no one takes more
			}
			if p.tlp <= level {
				actors = append(actors, p.target)
			}
		}
	}
	if actors == nil {
		return []string{id}
	}
	return actors
}

// thing returns an object of the file that those see who see up to level, else nil.
func (f *file) thing(id string, level intel.TLP) *thing {
	if t := f.things[id]; t != nil && f.tlp(t.markings) <= level {
		return t
	}
	return nil
}

func (f *file) kind(id string, level intel.TLP) intel.Kind {
	if t := f.thing(id, level); t != nil {
		return t.rec.Kind
	}
	return kindOf(typeOf(id))
}

// ref names a record, also one that is not in the file.
func (f *file) ref(publisher, id string, level intel.TLP) intel.Ref {
	if t := f.thing(id, level); t != nil {
		return t.rec.Ref
	}
	return intel.Ref{Publisher: publisher, Key: id}
}

// contextOf is the note of an observation: the indicator's name unless it only
// repeats the value, what stands beside the value in the pattern, and the
// description, cut to maxContext.
func contextOf(ind *indicator, v finding) string {
	var parts []string
	if n := ind.name; n != "" && !strings.EqualFold(n, v.text) && !strings.EqualFold(n, v.Value) && !intel.Placeholder(n) && n[0] != '[' {
		parts = append(parts, n)
	}
	for _, name := range v.beside {
		if name != ind.name {
			parts = append(parts, name)
		}
	}
	if v.partial {
		parts = append(parts, "one of several signs that count together")
	}
	if ind.description != "" {
		parts = append(parts, ind.description)
	}
	return shorten(strings.Join(parts, "; "), maxContext)
}

// maxContext bounds the context of an observation, in bytes.
const maxContext = 240
