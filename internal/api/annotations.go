package api

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"dossier/internal/guard"
	"dossier/internal/intel"
	"dossier/internal/lifecycle"
	"dossier/internal/store"
)

// annotationTerms are the instance annotations that entities carry on request
// (Prefer: odata.include-annotations, OData 4.01 Protocol 8.2.8.4), with what
// they say of a profile or of an indicator.
var (
	profileTerms = []annotation[*intel.Dossier]{
		{"dossier.names", func(d *intel.Dossier) any { return d.Names }},
		{"dossier.sources", func(d *intel.Dossier) any { return d.Records }},
		{"dossier.dateBasis", func(d *intel.Dossier) any { return d.FirstActive }},
		{"dossier.techniques", func(d *intel.Dossier) any { return orEmpty(d.Techniques) }},
		{"dossier.related", func(d *intel.Dossier) any { return orEmpty(slices.Concat(d.Related, d.Tools, d.Users)) }},
		{"dossier.lastModifiedDateTime", func(d *intel.Dossier) any { return lastModified(d) }},
	}
	indicatorTerms = []annotation[*annotatedIndicator]{
		{"dossier.evidence", func(i *annotatedIndicator) any { return orEmpty(i.evidence) }},
		{"dossier.confidence", func(i *annotatedIndicator) any { return i.why }},
		{"dossier.guard", func(i *annotatedIndicator) any { return guardOrNull(i.Guard) }},
		{"dossier.tlp", func(i *annotatedIndicator) any { return i.tlp() }},
	}
)

// An annotation is a term with its value, which is JSON of the form that the
// resources under /api have.
type annotation[T any] struct {
	term  string
	value func(T) any
}

// An annotatedIndicator is an indicator with what is said of it.
type annotatedIndicator struct {
	*store.Indicator
	evidence []store.Evidence
	why      lifecycle.Explanation
}

// tlp is the lowest marking under which the indicator shows.
func (i *annotatedIndicator) tlp() intel.TLP {
	if len(i.evidence) == 0 {
		return intel.Clear
	}
	return slices.MinFunc(i.evidence, func(a, b store.Evidence) int { return cmp.Compare(a.TLP, b.TLP) }).TLP
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// guardOrNull is null for a guard that is none.
func guardOrNull(m guard.Listing) any {
	if m.IsZero() {
		return nil
	}
	return m
}

// lastModified is when a source last changed one of the records; null if none
// says so.
func lastModified(d *intel.Dossier) any {
	var last intel.Time
	for _, r := range d.Records {
		last = max(last, r.Modified)
	}
	if last == 0 {
		return nil
	}
	return last
}

// include is the preference for annotations: its patterns, the most specific last.
type include []string

// annotationPreference reads the Prefer headers: patterns as "dossier.*",
// "dossier.names" or "*", with a minus before what is not wanted.
func annotationPreference(values []string) include {
	var in include
	for _, item := range list(values) {
		name, value, _ := strings.Cut(item, "=")
		name = strings.TrimPrefix(strings.ToLower(strings.TrimSpace(name)), "odata.")
		if name != "include-annotations" {
			continue
		}
		for p := range strings.SplitSeq(strings.Trim(strings.TrimSpace(value), `"`), ",") {
			if p = strings.TrimSpace(p); p != "" {
				in = append(in, p)
			}
		}
	}
	slices.SortStableFunc(in, func(a, b string) int {
		return cmp.Compare(len(strings.TrimPrefix(a, "-")), len(strings.TrimPrefix(b, "-")))
	})
	return in
}

// wants reports whether an annotation is to be included: the most specific
// pattern decides, and among equals the last.
func (in include) wants(term string) bool {
	wanted := false
	for _, p := range in {
		p, not := strings.CutPrefix(p, "-")
		if prefix, ok := strings.CutSuffix(p, "*"); p == term || ok && strings.HasPrefix(term, prefix) {
			wanted = !not
		}
	}
	return wanted
}

// annotations returns the members for the wanted terms; about is called if there
// are any.
func annotations[T any](in include, terms []annotation[T], about func() (T, error)) ([]member, error) {
	var out []member
	var thing T
	for _, t := range terms {
		if !in.wants(t.term) {
			continue
		}
		if out == nil {
			var err error
			if thing, err = about(); err != nil {
				return nil, err
			}
		}
		var b bytes.Buffer
		if err := encode(&b, t.value(thing)); err != nil {
			return nil, err
		}
		out = append(out, member{"@" + t.term, b.Bytes()})
	}
	return out, nil
}

// annotateProfile adds what the request wants to know beyond the profile itself.
func (r *request) annotateProfile(e *entity, id string, v store.View) error {
	extra, err := annotations(r.include, profileTerms, func() (*intel.Dossier, error) { return r.s.store.Dossier(r.Context(), id, v) })
	e.extra = append(extra, e.extra...)
	return err
}

// annotateIndicator likewise.
func (r *request) annotateIndicator(e *entity, i *store.Indicator, v store.View) error {
	extra, err := annotations(r.include, indicatorTerms, func() (*annotatedIndicator, error) {
		evidence, err := r.s.store.Evidence(r.Context(), i.ID, v)
		if err != nil {
			return nil, err
		}
		why, err := r.s.store.Why(r.Context(), i, v)
		return &annotatedIndicator{i, evidence, why}, err
	})
	e.extra = append(extra, e.extra...)
	return err
}
