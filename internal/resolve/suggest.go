package resolve

import (
	"cmp"
	"slices"

	"dossier/internal/intel"
)

// A Suggestion is a near miss: a record and a cell whose evidence was not
// enough to join them without a person.
type Suggestion struct {
	Record   *intel.Record
	Cell     *Cell
	Score    float64
	Evidence []Evidence // heaviest first
	Text     string     // what speaks for it: "shares Silence with mitre-attack G0091"
	Why      string     // why it did not join: "a single name", "as close to mitre-attack G0013", "mitre-attack keeps it apart from …"
}

// Suggestions returns the near misses, strongest first: at most three for each
// record. Nothing is suggested that an analyst has ruled out.
func (p *Partition) Suggestions() []Suggestion { return p.suggestions }

// suggest keeps what is still a near miss at the end: a later statement may
// have joined the two.
//
// A lower level's near misses stand as they are: its records are settled, and
// not compared again.
func (a *assignment) suggest(p *Partition) {
	if a.in.Base != nil {
		for _, s := range a.in.Base.suggestions {
			cell, ok := p.byID[s.Cell.ID]
			node := a.byRef[s.Record.Ref]
			if !ok || a.nodes[node].cell == a.nodes[a.byRef[p.Cells[cell].Founder]].cell || a.partedFrom(node, a.nodes[a.byRef[p.Cells[cell].Founder]].cell) {
				continue
			}
			s.Cell = &p.Cells[cell]
			p.suggestions = append(p.suggestions, s)
		}
	}
	for k := range a.near {
		n := &a.near[k]
		for a.cells[n.cell].gone {
			n.cell = a.cells[n.cell].into
		}
		into := a.cells[n.cell]
		if a.nodes[n.node].cell == n.cell || a.partedFrom(n.node, n.cell) {
			continue
		}
		cell, ok := p.byRef[a.nodes[into.members[0]].rec.Ref]
		if !ok {
			continue
		}
		p.suggestions = append(p.suggestions, Suggestion{a.nodes[n.node].rec, &p.Cells[cell], n.score, n.evidence, a.sentence(n), a.why[k]})
	}
	slices.SortFunc(p.suggestions, func(x, y Suggestion) int {
		i, j := a.byRef[x.Record.Ref], a.byRef[y.Record.Ref]
		return cmp.Or(-cmp.Compare(x.Score, y.Score), cmp.Compare(i, j), p.precede(x.Cell, y.Cell))
	})
}

// noteNear keeps the best pairs of a record that did not join.
func (a *assignment) noteNear(i int32, pairs []pair, rivals map[int32][]*pair) {
	kept := 0
	if rule := a.nodes[i].reason.Rule; rule == RuleSameAs || rule == RuleUUID || rule == RuleAnalyst {
		return
	}
	for k := range pairs {
		p := &pairs[k]
		if p.cell == a.nodes[i].cell || p.score < 0.5 || p.strong+p.weak == 0 && p.rule == RuleNames || kept == 3 {
			continue
		}
		why := p.enough()
		if why == "" {
			why = a.closed(p.node, p.cell)
		}
		if why == "" {
			why = "another was closer"
			if q := a.runnerUp(p, pairs, rivals[p.cell]); q != nil && q.cell != p.cell {
				why = "as close to " + a.label(a.cells[q.cell].first())
			} else if q != nil {
				why = a.label(q.node) + " is as close"
			}
		}
		if why == "too little" && a.nodes[i].reason.Rule != RuleFounder {
			continue
		}
		a.near, a.why = append(a.near, *p), append(a.why, why)
		kept++
	}
}
