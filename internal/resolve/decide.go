package resolve

import (
	"cmp"
	"slices"
	"strings"

	"dossier/internal/intel"
)

// rulings are the decisions in force.
type rulings struct {
	joins []Decision
	parts map[[2]int32]Decision
	means map[int32]Decision
	ids   map[string]int32 // profile id -> node, made when a decision names one
	unmet []Unmet
}

// takeDecisions sorts the decisions and keeps, of those about the same pair or
// name, the last.
func (a *assignment) takeDecisions() {
	a.parts = make(map[[2]int32]Decision)
	a.means = make(map[int32]Decision)
	all := slices.Clone(a.in.Decisions)
	slices.SortFunc(all, func(x, y Decision) int {
		return cmp.Or(
			cmp.Compare(x.At, y.At),
			cmp.Compare(x.Verdict, y.Verdict), // join before part: of the same time, part holds
			strings.Compare(x.A.String(), y.A.String()), strings.Compare(x.B.String(), y.B.String()),
			strings.Compare(x.Name, y.Name), strings.Compare(x.By, y.By), strings.Compare(x.ID, y.ID),
		)
	})
	joins := make(map[[2]int32]Decision)
	for _, d := range all {
		x, y := a.resolved(d.A), a.resolved(d.B)
		switch d.Verdict {
		case Means:
			folded := intel.NameKey(d.Name)
			if x == none || folded == "" {
				a.unmet = append(a.unmet, Unmet{d, "there is no such record or name"})
				continue
			}
			key, ok := a.keys[folded]
			if !ok {
				key = int32(len(a.posts))
				a.keys[folded] = key
				a.posts = append(a.posts, nil)
			}
			a.means[key] = d
		case Join, Part:
			switch {
			case x == none || y == none:
				a.unmet = append(a.unmet, Unmet{d, "there is no such record"})
				continue
			case x == y:
				a.unmet = append(a.unmet, Unmet{d, "both are one record"})
				continue
			case a.nodes[x].rec.Kind != a.nodes[y].rec.Kind:
				a.unmet = append(a.unmet, Unmet{d, "an actor and a tool are never one"})
				continue
			}
			k := [2]int32{min(x, y), max(x, y)}
			delete(joins, k)
			delete(a.parts, k)
			if d.Verdict == Join {
				joins[k] = d
			} else {
				a.parts[k] = d
			}
		default:
			a.unmet = append(a.unmet, Unmet{d, "verdict " + string(d.Verdict) + " is unknown"})
		}
	}
	for _, d := range all {
		if d.Verdict != Join {
			continue
		}
		x, y := a.resolved(d.A), a.resolved(d.B)
		if in, ok := joins[[2]int32{min(x, y), max(x, y)}]; ok && in == d {
			a.joins = append(a.joins, d)
		}
	}
}

// resolved returns the node that a decision's reference stands for, or none.
func (a *assignment) resolved(ref intel.Ref) int32 {
	if ref.Publisher != "" {
		if i, ok := a.byRef[ref]; ok {
			return i
		}
		return none
	}
	if ref.Key == "" {
		return none
	}
	if a.ids == nil {
		a.ids = make(map[string]int32, len(a.nodes))
		for i := range a.nodes {
			a.ids[ProfileID(a.nodes[i].rec.Ref)] = int32(i)
		}
		for _, e := range a.remembered() {
			if _, ok := a.ids[e.id]; !ok {
				a.ids[e.id] = e.node
			}
		}
	}
	if i, ok := a.ids[ref.Key]; ok {
		return i
	}
	return none
}

// parted reports whether an analyst keeps two records apart.
func (a *assignment) parted(x, y int32) bool {
	if len(a.parts) == 0 {
		return false
	}
	_, ok := a.parts[[2]int32{min(x, y), max(x, y)}]
	return ok
}

// partedCells reports whether any members of two cells are kept apart.
func (a *assignment) partedCells(c, d int32) bool {
	for k := range a.parts {
		x, y := a.nodes[k[0]].cell, a.nodes[k[1]].cell
		if x == c && y == d || x == d && y == c {
			return true
		}
	}
	return false
}

// joinDecided puts the given mentions where a person joined them with one that
// has a cell.
func (a *assignment) joinDecided(nodes []int32) {
	if len(a.joins) == 0 {
		return
	}
	for _, d := range a.joins {
		x, y := a.resolved(d.A), a.resolved(d.B)
		if a.nodes[x].cell != none {
			x, y = y, x
		}
		if a.nodes[x].cell != none || a.nodes[y].cell == none || !slices.Contains(nodes, x) {
			continue
		}
		if c := a.nodes[y].cell; !a.partedFrom(x, c) {
			a.put(x, c, a.ruled(d, y))
		}
	}
}

func (a *assignment) partedFrom(i, c int32) bool {
	return slices.ContainsFunc(a.cells[c].members, func(m int32) bool { return a.parted(i, m) })
}

// mergeJoined makes one of two cells that a person joined. The cells of a
// lower level stay apart: a statement that its readers may not see changes
// nothing for them.
func (a *assignment) mergeJoined() {
	for _, d := range a.joins {
		x, y := a.resolved(d.A), a.resolved(d.B)
		c, e := a.nodes[x].cell, a.nodes[y].cell
		if c == none || e == none || c == e || a.partedCells(c, e) || a.cells[c].base != none && a.cells[e].base != none {
			continue
		}
		if a.cells[e].base != none || a.cells[c].base == none && a.cells[e].first() < a.cells[c].first() {
			c, e, x = e, c, y
		}
		for _, m := range a.cells[e].members {
			if a.nodes[m].reason.Rule == RuleFounder {
				a.nodes[m].reason = a.ruled(d, x)
			}
			a.nodes[m].cell = c
			a.cells[c].members = append(a.cells[c].members, m)
		}
		a.cells[e].members, a.cells[e].gone, a.cells[e].into = nil, true, c
	}
}

// ruled is the reason of what a person joined.
func (a *assignment) ruled(d Decision, with int32) Reason {
	text := byName(d.By) + " joined it with " + a.label(with)
	if d.At != 0 {
		text += " on " + d.At.Day()
	}
	return Reason{
		Rule: RuleAnalyst, Text: text, Score: explicitWeight,
		Evidence: []Evidence{{Kind: ByLink, By: a.nodes[with].rec.Ref, Weight: explicitWeight}},
	}
}

// byName names who decided.
func byName(by string) string { return cmp.Or(by, "an analyst") }

// leftUnmet notes the decisions that the outcome does not follow.
func (a *assignment) leftUnmet() {
	for _, d := range a.joins {
		c, e := a.nodes[a.resolved(d.A)].cell, a.nodes[a.resolved(d.B)].cell
		switch {
		case c == none || e == none:
			a.unmet = append(a.unmet, Unmet{d, "one of them has no profile"})
		case c == e:
		case a.partedCells(c, e):
			a.unmet = append(a.unmet, Unmet{d, "others of their profiles are kept apart"})
		default:
			a.unmet = append(a.unmet, Unmet{d, "both are profiles of a lower level"})
		}
	}
	for k, d := range a.parts {
		if c := a.nodes[k[0]].cell; c != none && c == a.nodes[k[1]].cell {
			a.unmet = append(a.unmet, Unmet{d, "both are in one profile of a lower level"})
		}
	}
	slices.SortFunc(a.unmet, func(x, y Unmet) int {
		return cmp.Or(
			cmp.Compare(x.At, y.At), cmp.Compare(x.Verdict, y.Verdict), strings.Compare(x.A.String(), y.A.String()),
			strings.Compare(x.B.String(), y.B.String()), strings.Compare(x.Name, y.Name), strings.Compare(x.By, y.By), strings.Compare(x.ID, y.ID),
		)
	})
}
