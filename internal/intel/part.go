package intel

import (
	"cmp"
	"slices"
)

// Join returns the records with their parts in them, and without the parts:
// those whose record is not there wait for it. It makes no difference in which
// order records and parts came. What others say of MITRE's objects is no part of
// those: ATT&CK speaks for itself. The records given are not changed.
func Join(recs []*Record) []*Record {
	parts := map[string][]*Record{}
	for _, r := range recs {
		if r.Kind == Part {
			parts[r.Of] = append(parts[r.Of], r)
		}
	}
	if len(parts) == 0 {
		return recs
	}
	out := make([]*Record, 0, len(recs))
	for _, r := range recs {
		if r.Kind == Part {
			continue
		}
		if list := parts[r.Key]; list != nil {
			r = r.with(list)
		}
		out = append(out, r)
	}
	return out
}

// with returns the record with parts of it.
func (r *Record) with(parts []*Record) *Record {
	whole := *r
	parts = slices.Clone(parts)
	slices.SortFunc(parts, func(a, b *Record) int {
		return cmp.Or(cmp.Compare(a.Publisher, b.Publisher), cmp.Compare(a.Key, b.Key))
	})
	var more Restricted
	for _, p := range parts {
		if !p.Live() || r.Publisher == MitreAttack && p.Publisher != MitreAttack {
			continue
		}
		for _, l := range p.Links {
			if l.To.Publisher == "" && l.To.Key != "" {
				l.To.Publisher = r.Publisher // where links within one file look for what the file lacks
			}
			if !slices.ContainsFunc(slices.Concat(r.Links, more.Links), l.same) {
				more.Links = append(more.Links, l)
			}
		}
		more.Targets = appendNew(more.Targets, r.Targets, p.Targets)
		more.Origins = appendNew(more.Origins, r.Origins, p.Origins)
		more.Affiliations = appendNew(more.Affiliations, r.Affiliations, p.Affiliations)
	}
	whole.Include(&more)
	if len(more.Links) > 0 {
		SortLinks(whole.Links)
	}
	return &whole
}

// appendNew appends to list what neither it nor have has.
func appendNew[T comparable](list, have, more []T) []T {
	for _, v := range more {
		if !slices.Contains(have, v) && !slices.Contains(list, v) {
			list = append(list, v)
		}
	}
	return list
}

// same reports whether two links state the same.
func (l Link) same(o Link) bool {
	return o.Relation == l.Relation && o.To == l.To && o.ID == l.ID && o.Name == l.Name
}

// SortLinks makes the order of links independent of that in which they came.
func SortLinks(links []Link) {
	slices.SortStableFunc(links, func(a, b Link) int {
		return cmp.Or(
			cmp.Compare(a.Relation, b.Relation),
			cmp.Compare(a.ID.ID, b.ID.ID),
			cmp.Compare(a.To.Key, b.To.Key),
			cmp.Compare(a.First.At, b.First.At),
			cmp.Compare(a.Modified, b.Modified),
			cmp.Compare(a.Text, b.Text),
		)
	})
}
