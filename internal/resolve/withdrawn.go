package resolve

import "dossier/internal/intel"

// joinWithdrawn puts revoked records into the cell of their successor, over as
// many steps as the successor itself was replaced.
func (a *assignment) joinWithdrawn() {
	for i := range a.nodes {
		n := &a.nodes[i]
		if n.cell != none || n.rec.Live() || n.rec.Mention {
			continue
		}
		next, seen := a.successor(int32(i)), 0
		for next != none && !a.nodes[next].rec.Live() && a.nodes[next].cell == none && seen < len(a.nodes) {
			next = a.successor(next)
			seen++
		}
		if next == none || a.nodes[next].cell == none || a.closed(int32(i), a.nodes[next].cell) != "" {
			continue
		}
		e := Evidence{Kind: ByLink, By: a.nodes[next].rec.Ref, Weight: explicitWeight}
		a.put(int32(i), a.nodes[next].cell, Reason{
			Rule: RuleRevokedBy, Evidence: []Evidence{e}, Score: e.Weight,
			Text: n.rec.Publisher + " replaced it by " + a.label(next),
		})
	}
}

// successor returns the node that the publisher names as the record's
// successor, or none.
func (a *assignment) successor(i int32) int32 {
	n := &a.nodes[i]
	for _, l := range n.rec.Links {
		if l.Relation != intel.RevokedBy {
			continue
		}
		for _, k := range a.targets(l) {
			if k != i && a.nodes[k].rec.Kind == n.rec.Kind {
				return k
			}
		}
	}
	return none
}
