package resolve

import (
	"fmt"
	"slices"

	"dossier/internal/intel"
)

// superseded finds what lifts the cannot-link between two records of one list
// in a cell: another curated source had an entry for one of them, withdrew it,
// and named as successor the member that is the other. The superseded one must
// have the withdrawn entry's title or cite its id; the other may have the
// successor's title among its names. It returns the withdrawn member, or none.
func (a *assignment) superseded(i, o, c int32) int32 {
	for _, d := range a.cells[c].members {
		w := &a.nodes[d]
		if w.rec.Live() || w.reason.Rule != RuleRevokedBy || !w.pub.Distinct || w.rec.Publisher == a.nodes[i].rec.Publisher {
			continue
		}
		s := a.byRef[w.reason.Evidence[0].By]
		if a.describes(i, d, true) && a.describes(o, s, false) || a.describes(o, d, true) && a.describes(i, s, false) {
			return d
		}
	}
	return none
}

// describes reports whether a record has another's title, as its own title if
// that is asked for, or cites its id.
func (a *assignment) describes(i, of int32, byTitle bool) bool {
	n, o := &a.nodes[i], &a.nodes[of]
	if len(o.uses) > 0 && o.uses[0].title && slices.ContainsFunc(n.uses, func(u nameUse) bool { return u.key == o.uses[0].key && (u.title || !byTitle) }) {
		return true
	}
	return slices.ContainsFunc(n.links, func(l explicit) bool { return l.to == of })
}

// join puts the record of a pair into the cell. If that lifts a cannot-link,
// the record that was superseded says so.
func (a *assignment) join(p *pair) {
	reason := a.reasonOf(p)
	n := &a.nodes[p.node]
	for _, m := range a.cells[p.cell].members {
		o := &a.nodes[m]
		if !n.pub.Distinct || !o.founding() || o.rec.Publisher != n.rec.Publisher {
			continue
		}
		if d := a.superseded(p.node, m, p.cell); d != none {
			if old := &reason; a.describes(p.node, d, true) {
				a.supersede(old, d)
			} else {
				a.supersede(&o.reason, d)
			}
		}
	}
	a.put(p.node, p.cell, reason)
}

// supersede says in a reason why the list's own distinction does not hold.
func (a *assignment) supersede(r *Reason, d int32) {
	w := &a.nodes[d]
	by := w.reason.Evidence[0].By
	r.Rule = RuleSupersession
	r.Evidence = append([]Evidence{{Kind: ByLink, Name: w.rec.Title, By: by, Weight: explicitWeight}}, r.Evidence...)
	r.Text = fmt.Sprintf("%s, which replaced its own %s by %s", r.Text, name(w.rec), a.label(a.byRef[by]))
}

// name is a record's title with its publisher's id for it.
func name(r *intel.Record) string {
	for _, id := range r.IDs {
		if owns(r.Publisher, id.Issuer) {
			return r.Title + " (" + id.ID + ")"
		}
	}
	return r.Title
}
