package resolve

import "fmt"

// joinMentions puts the records that only repeat a name where the name leads.
// Each stands for itself; a mention never founds a cell and lends no name to
// others.
func (a *assignment) joinMentions() {
	var pending []int32
	for i := range a.nodes {
		if n := &a.nodes[i]; n.rec.Mention && n.rec.Live() && n.cell == none {
			pending = append(pending, int32(i))
		}
	}
	a.joinDecided(pending)
	scorers := make(map[string]*scorer)
	var chosen []pair
	for _, i := range pending {
		n := &a.nodes[i]
		if n.cell != none {
			continue
		}
		if a.joinMeant(i) {
			continue
		}
		s, ok := scorers[string(n.rec.Kind)]
		if !ok {
			s = a.newScorer(n.rec.Kind, nil)
			scorers[string(n.rec.Kind)] = s
		}
		pairs := s.pairs(i)
		open := pairs[:0:0]
		for _, p := range pairs {
			if a.closed(i, p.cell) == "" {
				open = append(open, p)
			}
		}
		if len(open) == 0 {
			continue
		}
		best, why := open[0], ""
		switch {
		case len(open) > 1 && open[1].score*margin > best.score:
			why = "as close to " + a.label(a.cells[open[1].cell].first())
		default:
			why = best.mentioned()
		}
		if why == "" {
			chosen = append(chosen, best)
			continue
		}
		for k := range open[:min(3, len(open))] {
			a.near, a.why = append(a.near, open[k]), append(a.why, why)
		}
	}
	for k := range chosen {
		a.put(chosen[k].node, chosen[k].cell, a.reasonOf(&chosen[k]))
	}
}

// mentioned says whether the evidence suffices for a mention, or what is
// missing. A mention states its kind, so the name of a tool may lead to an
// actor, and a temporary id to who bears it: if it is the title there, or if two
// lists have it. Ordinary words, short and numbered names never lead anywhere.
func (p *pair) mentioned() string {
	switch {
	case p.rule == RuleSameAs, p.rule == RuleUUID, p.rule == RuleExternalID:
		return ""
	case p.strong > 0 && p.score >= 1:
		return ""
	case p.strong > 0:
		return "too little"
	}
	for _, e := range p.evidence {
		if (e.Weak == weakSoftware || e.Weak == weakTemporary) && (e.Kind == ByTitle || p.curated > 1) {
			return ""
		}
	}
	return "weak names only"
}

// joinMeant puts a mention where an analyst says that its name leads.
func (a *assignment) joinMeant(i int32) bool {
	n := &a.nodes[i]
	for _, u := range n.uses {
		d, ok := a.means[u.key]
		if !ok {
			continue
		}
		to := a.resolved(d.A)
		if to == none || a.nodes[to].cell == none || a.nodes[to].rec.Kind != n.rec.Kind || a.closed(i, a.nodes[to].cell) != "" {
			continue
		}
		a.put(i, a.nodes[to].cell, Reason{
			Rule: RuleAnalyst, Text: fmt.Sprintf("%s says that %s means this profile", byName(d.By), u.name),
			Evidence: []Evidence{{Kind: ByName, Name: u.name, By: a.nodes[to].rec.Ref, Weight: explicitWeight}}, Score: explicitWeight,
		})
		return true
	}
	return false
}
