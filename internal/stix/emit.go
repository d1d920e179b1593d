package stix

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"dossier/internal/intel"
)

// isCopy reports whether t is MITRE's object in somebody else's file. It is
// linked to, and not emitted: such copies are old, or changed under a new date,
// and ATT&CK speaks for itself.
func (f *file) isCopy(t *thing) bool {
	return f.copies && t.rec.Publisher == intel.MitreAttack && f.opts.Publisher != intel.MitreAttack
}

// emit hands everything to the sink: first what could not be taken, then the
// records, then the observations, each in the order of the file.
func (f *file) emit(ctx context.Context) error {
	for _, t := range f.things {
		t.rec.Publisher = f.publisher(&t.meta, t.attack)
		t.rec.TLP = f.tlp(t.markings)
		f.quirks(t)
	}
	for _, it := range f.items {
		for _, n := range it.notes {
			f.reject(it, n.field, n.reason, n.sample)
		}
		if r, ok := it.body.(*relation); ok {
			f.relate(it, r)
		}
	}
	f.playbooks()
	order := f.tacticOrder()
	for i, it := range f.items {
		if i%256 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		t, ok := it.body.(*thing)
		if !ok || f.isCopy(t) {
			continue
		}
		t.include()
		sortTactics(t.rec.Tactics, order)
		f.counts[t.rec.Publisher]++
		if err := f.sink.Record(&t.rec); err != nil {
			return err
		}
	}
	if err := f.parts(); err != nil {
		return err
	}
	f.listReported()
	f.missing()
	for i, it := range f.items {
		if i%256 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		ind, ok := it.body.(*indicator)
		if !ok {
			continue
		}
		if err := f.observe(it, ind); err != nil {
			return err
		}
	}
	return f.articles()
}

// parts emits the relationships of objects that are not in the file, each as a
// record of its own, and those that are withdrawn. A release is whole: it has none.
func (f *file) parts() error {
	if f.snapshot {
		return nil
	}
	for _, t := range f.loose {
		t.include()
		if r := &t.rec; len(r.Links)+len(r.Targets)+len(r.Origins)+len(r.Affiliations)+len(r.Restricted) == 0 {
			continue
		}
		if err := f.emitPart(&t.meta, &t.rec); err != nil {
			return err
		}
	}
	for _, g := range f.gone {
		if g.typ != "relationship" {
			continue
		}
		r := &intel.Record{Ref: intel.Ref{Key: g.id}, Kind: intel.Part, Created: g.created, Modified: g.modified, TLP: f.tlp(g.markings), Revoked: true}
		if err := f.emitPart(&g.meta, r); err != nil {
			return err
		}
	}
	return nil
}

func (f *file) emitPart(m *meta, r *intel.Record) error {
	r.Publisher = f.publisher(m, false)
	f.counts[r.Publisher]++
	return f.sink.Record(r)
}

// missing reports the indicators that relationships tie to somebody and that are
// not in the file: what they are of is not known here.
func (f *file) missing() {
	lack := map[string]bool{}
	for id := range f.indicated {
		lack[id] = true
	}
	for _, ind := range f.indicators {
		delete(lack, ind.id)
	}
	for _, id := range sortedKeys(lack) {
		f.sink.Reject(intel.Reject{Position: "relationships", Reason: "relationship of an indicator that is not in the file", Sample: shorten(id, 120)})
	}
}

// tacticOrder returns the places of tactics in the matrix.
func (f *file) tacticOrder() map[string]int {
	order := map[string]int{}
	for _, m := range f.matrices {
		for _, ref := range m.tactics {
			if t := f.tactics[ref]; t != nil {
				if _, ok := order[t.short]; !ok {
					order[t.short] = len(order) + 1
				}
			}
		}
	}
	return order
}

// sortTactics puts tactics in the order of the matrix; those that it does not
// have come last, as they stood.
func sortTactics(tactics []string, order map[string]int) {
	place := func(t string) int {
		if n, ok := order[t]; ok {
			return n
		}
		return len(order) + 1
	}
	slices.SortStableFunc(tactics, func(a, b string) int { return cmp.Compare(place(a), place(b)) })
}

// quirks corrects what a publisher is known to say in an unusual way. Unit 42's
// playbooks wrap everything in an intrusion set, also a malware family ("Qakbot
// Malware") and the exploitation of one vulnerability.
func (f *file) quirks(t *thing) {
	if t.rec.Publisher != unit42 || t.typ != "intrusion-set" {
		return
	}
	for _, word := range []string{" Malware", " Ransomware"} {
		if short, ok := strings.CutSuffix(t.rec.Title, word); ok {
			t.rec.Kind = intel.Tool
			t.rec.Names = append(t.rec.Names, intel.Name{Value: short, First: t.modified, Last: t.modified})
		}
	}
	if strings.Contains(t.rec.Title, "CVE-") {
		t.rec.Kind = intel.Campaign
	}
}

// playbooks reads what Unit 42's playbooks say by nesting: a report lists one
// intrusion set and further reports; the campaigns of those are of that
// intrusion set. The report also has the description that the set lacks.
func (f *file) playbooks() {
	byID := map[string]*report{}
	for _, r := range f.reports {
		byID[r.id] = r
	}
	for _, r := range f.reports {
		if !r.playbook {
			continue
		}
		var sets []*thing
		var campaigns []*thing
		for _, ref := range r.refs {
			if t := f.things[ref]; t != nil && t.typ == "intrusion-set" {
				sets = append(sets, t)
			}
			if sub := byID[ref]; sub != nil {
				for _, ref := range sub.refs {
					if t := f.things[ref]; t != nil && t.typ == "campaign" {
						campaigns = append(campaigns, t)
					}
				}
			}
		}
		if len(sets) != 1 || f.isCopy(sets[0]) {
			continue
		}
		if says := sets[0].part(f.tlp(r.markings)); says.Description == "" {
			says.Description = r.description
		}
		for _, c := range campaigns {
			f.playbookLink(c, sets[0], r)
		}
	}
}

func (f *file) playbookLink(campaign, set *thing, r *report) {
	if f.attributed[campaign.id] != nil || f.isCopy(campaign) {
		return
	}
	f.tie(f.attributed, campaign.id, pointer{set.id, max(f.tlp(r.markings), f.tlp(campaign.markings))})
	rel := &relation{meta: r.meta, kind: "attributed-to", source: campaign.id, target: set.id}
	switch set.rec.Kind {
	case intel.Tool:
		rel.kind = "uses"
	case intel.Campaign:
		rel.kind = "part-of"
	}
	rel.first = intel.Date{At: r.created, Precision: intel.Exact, Basis: intel.BasisCreated}
	if r.created == 0 {
		rel.first = intel.Date{}
	}
	says := campaign.part(f.tlp(r.markings))
	says.Links = append(says.Links, f.link(campaign, rel, says.TLP))
}
