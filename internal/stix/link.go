package stix

import (
	"cmp"
	"slices"

	"dossier/internal/intel"
)

// relations of STIX that have a meaning in the domain; every other between two
// records is related-to.
var linkRelations = map[string]intel.Relation{
	"uses":            intel.Uses,
	"attributed-to":   intel.AttributedTo,
	"authored-by":     intel.AttributedTo,
	"subtechnique-of": intel.PartOf,
	"part-of":         intel.PartOf,
	"revoked-by":      intel.RevokedBy,
	"duplicate-of":    intel.Same,
	"variant-of":      intel.Similar,
	"overlaps":        intel.Overlaps,
	"overlaps-with":   intel.Overlaps,
	"formerly":        intel.Formerly,
	"subset-of":       intel.PartOf,
	"sub-group-of":    intel.PartOf,
	"sponsored-by":    intel.SponsoredBy,
}

// relate puts every relationship where it belongs: links, targets, origins and
// affiliations into the record that it starts from, pointers beside indicators.
//
// A relationship to a record that its publisher has revoked or deprecated is
// kept as it is: who follows the link finds the successor by the record's own
// revoked-by link. A relationship under a stricter marking than the record that
// it starts from raises the record's marking; else its words would be shown to
// readers who may not see them.
func (f *file) relate(it *item, r *relation) {
	tlp := f.tlp(r.markings)
	if r.kind == "indicates" {
		if k := kindOf(typeOf(r.target)); typeOf(r.source) == "indicator" && k != "" && k != intel.Technique {
			f.tie(f.indicated, r.source, pointer{r.target, tlp})
		}
		return
	}
	from := f.things[r.source]
	if from == nil {
		f.reject(it, "source_ref", "relationship of an object that is not in the file", r.source)
		return
	}
	if f.isCopy(from) {
		f.reject(it, "source_ref", "relationship of a copy of an ATT&CK object", r.source)
		return
	}
	rec := &from.rec
	switch {
	case kindOf(typeOf(r.target)) != "":
		rec.Links = append(rec.Links, f.link(from, r))
		if rec.Kind == intel.Campaign && r.kind == "attributed-to" {
			f.tie(f.attributed, r.source, pointer{r.target, max(tlp, f.tlp(from.markings))})
		}
	case rec.Kind == intel.Technique:
		return // what a technique may be turned against is no target of anybody
	case !f.side(it, rec, r):
		return
	}
	rec.TLP = max(rec.TLP, tlp)
}

// tie adds a pointer of an id to a table.
func (f *file) tie(table map[string]*uniq[pointer], id string, p pointer) {
	if table[id] == nil {
		table[id] = &uniq[pointer]{}
	}
	table[id].add(p)
	f.levels[p.tlp] = true
}

// side takes relationships to identities and locations; it reports whether the
// record says more by it.
func (f *file) side(it *item, rec *intel.Record, r *relation) bool {
	id, loc := f.identities[r.target], f.locations[r.target]
	if id == nil && loc == nil {
		if t := typeOf(r.target); t == "identity" || t == "location" {
			f.reject(it, "target_ref", "relationship to an object that is not in the file", r.target)
		}
		return false
	}
	if loc != nil && loc.value == "" || id != nil && intel.Placeholder(id.name) && len(id.sectors) == 0 {
		return false
	}
	switch r.kind {
	case "targets":
		if loc != nil {
			rec.Targets = append(rec.Targets, intel.Target{Kind: loc.kind, Value: loc.value})
			rec.TLP = max(rec.TLP, f.tlp(loc.markings))
			return true
		}
		rec.TLP = max(rec.TLP, f.tlp(id.markings))
		return identityTargets(rec, id)
	case "originates-from", "located-at":
		if loc == nil || loc.kind != intel.TargetCountry {
			return false
		}
		rec.TLP = max(rec.TLP, f.tlp(loc.markings))
		rec.Origins = append(rec.Origins, intel.Origin{Country: loc.value, Confidence: int(r.conf)})
		return true
	case "attributed-to", "sponsored-by":
		if loc != nil {
			if loc.kind == intel.TargetCountry {
				rec.Origins = append(rec.Origins, intel.Origin{Country: loc.value, Confidence: int(r.conf)})
				return true
			}
			return false
		}
		rec.TLP = max(rec.TLP, f.tlp(id.markings))
		rec.Affiliations = append(rec.Affiliations, intel.Affiliation{Body: id.name})
		return true
	}
	return false
}

// identityTargets adds what an identity says of whom is targeted: its sectors;
// else the name of a class of victims, or of one victim. A person is nobody's
// business, and an identity of unknown class is a place-holder.
func identityTargets(rec *intel.Record, id *identity) bool {
	switch {
	case len(id.sectors) > 0:
		for _, s := range id.sectors {
			rec.Targets = append(rec.Targets, intel.Target{Kind: intel.TargetSector, Value: s})
		}
	case id.class == "class":
		rec.Targets = append(rec.Targets, intel.Target{Kind: intel.TargetSector, Value: id.name})
	case id.class == "organization", id.class == "group":
		rec.Targets = append(rec.Targets, intel.Target{Value: id.name})
	default:
		return false
	}
	return true
}

// link makes the link of a relationship between records. The other one need not
// be in the file; then it is looked for under the publisher of this one.
func (f *file) link(from *thing, r *relation) intel.Link {
	l := intel.Link{
		Relation: linkRelations[r.kind], Text: r.text, References: r.refs, First: r.first, Modified: r.modified,
		Kind: kindOf(typeOf(r.target)), To: intel.Ref{Publisher: from.rec.Publisher, Key: r.target},
	}
	if l.Relation == "" {
		l.Relation = intel.Related
	}
	if to := f.things[r.target]; to != nil {
		l.To, l.Kind, l.Name = to.rec.Ref, to.rec.Kind, to.rec.Title
		for _, id := range to.rec.IDs {
			if id.Issuer == intel.MitreAttack {
				l.ID = id
				break
			}
		}
	}
	return l
}

// sortLinks makes the order of links independent of that of the file.
func sortLinks(links []intel.Link) {
	slices.SortStableFunc(links, func(a, b intel.Link) int {
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
