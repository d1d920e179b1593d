package stix

import (
	"cmp"
	"strings"

	"dossier/internal/intel"
)

// articles hands the sink every report as an article: what it says, whom it is
// about, and the values that it lists. MITRE's are not: a release has none, and
// what others copy of it is theirs. A report that is revoked is none any more.
func (f *file) articles() error {
	byID := map[string][]*indicator{}
	for _, ind := range f.indicators {
		if f.reported[ind.id] != nil {
			byID[ind.id] = append(byID[ind.id], ind)
		}
	}
	for _, r := range f.reports {
		if r.revoked || r.name == "" && r.title == "" {
			continue
		}
		a := f.article(r)
		f.valuesIn(r, a, byID)
		if err := f.sink.Article(a); err != nil {
			return err
		}
	}
	return nil
}

func (f *file) article(r *report) *intel.Article {
	publisher := f.publisher(&r.meta, false)
	a := &intel.Article{
		Ref: intel.Ref{Publisher: publisher, Key: r.id}, Title: reportTitle(r), Body: r.description, Tags: r.labels, TLP: r.tlp, References: r.links,
		Created: cmp.Or(r.published, r.created), Modified: r.modified,
	}
	for _, ref := range r.refs {
		switch k := kindOf(typeOf(ref)); k {
		case intel.Actor, intel.Tool, intel.Campaign:
			tlp := r.tlp
			if t := f.things[ref]; t != nil {
				tlp = max(tlp, f.tlp(t.markings))
			}
			a.About(f.ref(publisher, ref, tlp), tlp)
		}
	}
	return a
}

// reportTitle is the name of a report; where that is a file's, its title.
func reportTitle(r *report) string {
	if r.name == "" || r.title != "" && strings.HasSuffix(strings.ToLower(r.name), ".json") {
		return r.title
	}
	return r.name
}

// valuesIn returns the values of the indicators that a report lists. Their
// patterns are read once more, so that only one report's values are in memory.
func (f *file) valuesIn(r *report, a *intel.Article, byID map[string][]*indicator) {
	for _, ref := range r.refs {
		for _, ind := range byID[ref] {
			if ind.revoked || ind.benign || ind.patternType != "" && ind.patternType != "stix" {
				continue
			}
			p, err := ParsePattern(ind.pattern)
			if err != nil {
				continue // it was reported
			}
			found, _ := observables(p)
			tlp := f.tlp(ind.markings)
			for _, v := range found {
				a.List(v.Observable, tlp)
			}
		}
	}
}
