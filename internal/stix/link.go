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
// revoked-by link. What a relationship says is marked as strictly as itself and
// as the record that it is about; of a target marked more strictly it tells the id
// alone, as if that were not in the file.
func (f *file) relate(it *item, r *relation) {
	tlp := f.tlp(r.markings)
	if r.kind == "indicates" {
		if k := kindOf(typeOf(r.target)); typeOf(r.source) == "indicator" && k != "" && k != intel.Technique {
			f.tie(f.indicated, r.source, pointer{r.target, tlp})
		}
		return
	}
	from := f.things[r.source]
	if from == nil && f.snapshot {
		f.reject(it, "source_ref", "relationship of an object that is not in the file", r.source)
		return
	}
	if from == nil {
		from = f.apart(r, tlp)
	}
	if f.isCopy(from) {
		f.reject(it, "source_ref", "relationship of a copy of an ATT&CK object", r.source)
		return
	}
	switch {
	case kindOf(typeOf(r.target)) != "":
		says := from.part(tlp)
		says.Links = append(says.Links, f.link(from, r, says.TLP))
		// Not of a campaign that the file lacks: it may be marked more strictly than
		// this, and then nobody below may follow it.
		if from.rec.Kind == intel.Campaign && r.kind == "attributed-to" {
			f.tie(f.attributed, r.source, pointer{r.target, max(tlp, f.tlp(from.markings))})
		}
	case kindOf(typeOf(r.source)) == intel.Technique:
		// What a technique may be turned against is no target of anybody.
	default:
		f.side(it, from, r)
	}
}

// apart returns a thing that stands for what a relationship says of an object that
// is not in the file: a record of its own, which is joined with the object's when
// there is one. It has the key and the marking of the relationship.
func (f *file) apart(r *relation, tlp intel.TLP) *thing {
	t := &thing{meta: r.meta, rec: intel.Record{
		Ref: intel.Ref{Key: r.id}, Kind: intel.Part, Of: r.source, Created: r.created, Modified: r.modified, TLP: tlp,
	}}
	f.loose = append(f.loose, t)
	return t
}

// part returns where statements about the thing go that have the marking, at
// least the thing's own.
func (t *thing) part(tlp intel.TLP) *intel.Restricted {
	tlp = max(tlp, t.rec.TLP)
	for i := range t.parts {
		if t.parts[i].TLP == tlp {
			return &t.parts[i]
		}
	}
	t.parts = append(t.parts, intel.Restricted{TLP: tlp})
	return &t.parts[len(t.parts)-1]
}

// include makes the statements under the thing's own marking its own, and keeps
// the others apart.
func (t *thing) include() {
	slices.SortFunc(t.parts, func(a, b intel.Restricted) int { return cmp.Compare(a.TLP, b.TLP) })
	for _, p := range t.parts {
		p.Origins, p.Affiliations, p.Targets = distinct(p.Origins), distinct(p.Affiliations), distinct(p.Targets)
		intel.SortLinks(p.Links)
		switch {
		case p.TLP <= t.rec.TLP:
			t.rec.Include(&p)
		case p.Description != "" || len(p.Origins)+len(p.Affiliations)+len(p.Targets)+len(p.Links) > 0:
			t.rec.Restricted = append(t.rec.Restricted, p)
		}
	}
	t.rec.Origins, t.rec.Affiliations, t.rec.Targets = distinct(t.rec.Origins), distinct(t.rec.Affiliations), distinct(t.rec.Targets)
	intel.SortLinks(t.rec.Links)
}

// tie adds a pointer of an id to a table.
func (f *file) tie(table map[string]*uniq[pointer], id string, p pointer) {
	if table[id] == nil {
		table[id] = &uniq[pointer]{}
	}
	table[id].add(p)
	f.levels[p.tlp] = true
}

// side takes relationships to identities and locations.
func (f *file) side(it *item, from *thing, r *relation) {
	id, loc := f.identities[r.target], f.locations[r.target]
	if id == nil && loc == nil {
		if t := typeOf(r.target); t == "identity" || t == "location" {
			f.reject(it, "target_ref", "relationship to an object that is not in the file", r.target)
		}
		return
	}
	if loc != nil && loc.value == "" || id != nil && intel.Placeholder(id.name) && len(id.sectors) == 0 {
		return
	}
	tlp := f.tlp(r.markings)
	if loc != nil {
		tlp = max(tlp, f.tlp(loc.markings))
	} else {
		tlp = max(tlp, f.tlp(id.markings))
	}
	country := loc != nil && loc.kind == intel.TargetCountry
	switch r.kind {
	case "targets":
		says := from.part(tlp)
		if loc != nil {
			says.Targets = append(says.Targets, intel.Target{Kind: loc.kind, Value: loc.value})
			return
		}
		says.Targets = append(says.Targets, identityTargets(id)...)
	case "originates-from", "located-at", "attributed-to", "sponsored-by":
		says := from.part(tlp)
		switch attributed := r.kind == "attributed-to" || r.kind == "sponsored-by"; {
		case country:
			says.Origins = append(says.Origins, intel.Origin{Country: loc.value, Confidence: int(r.conf)})
		case id != nil && attributed:
			says.Affiliations = append(says.Affiliations, intel.Affiliation{Body: id.name})
		}
	}
}

// identityTargets returns what an identity says of whom is targeted: its sectors;
// else the name of a class of victims, or of one victim. A person is nobody's
// business, and an identity of unknown class is a place-holder.
func identityTargets(id *identity) []intel.Target {
	switch {
	case len(id.sectors) > 0:
		var out []intel.Target
		for _, s := range id.sectors {
			out = append(out, intel.Target{Kind: intel.TargetSector, Value: s})
		}
		return out
	case id.class == "class":
		return []intel.Target{{Kind: intel.TargetSector, Value: id.name}}
	case id.class == "organization", id.class == "group":
		return []intel.Target{{Value: id.name}}
	}
	return nil
}

// link makes the link of a relationship between records, for those who see up to
// level. The other one need not be in the file; then it is looked for under the
// publisher of this one.
func (f *file) link(from *thing, r *relation, level intel.TLP) intel.Link {
	l := intel.Link{
		Relation: linkRelations[r.kind], Text: r.text, References: r.refs, First: r.first, Modified: r.modified,
		Kind: kindOf(typeOf(r.target)), To: intel.Ref{Publisher: from.rec.Publisher, Key: r.target},
	}
	if l.Relation == "" {
		l.Relation = intel.Related
	}
	if to := f.thing(r.target, level); to != nil {
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
