package resolve

import (
	"cmp"
	"slices"

	"dossier/internal/intel"
)

// partition turns the cells in the making into the answer. A cell without a
// live founding member cannot come about: only such members found cells.
func (a *assignment) partition() *Partition {
	a.leftUnmet()
	p := &Partition{unmet: a.unmet, rankOf: make(map[string]int)}
	for i := range a.nodes {
		p.rankOf[a.nodes[i].rec.Publisher] = a.nodes[i].pub.Rank
	}
	ids := a.assignIDs()
	for k, c := range a.cells {
		if c.gone {
			continue
		}
		slices.SortFunc(c.members, func(x, y int32) int {
			return cmp.Or(cmp.Compare(a.group(x), a.group(y)), cmp.Compare(x, y))
		})
		out := Cell{ID: ids[k].id, Kind: c.kind, Former: ids[k].former, Founder: a.nodes[c.members[0]].rec.Ref}
		if c.base != none {
			out.Founder = a.in.Base.Cells[c.base].Founder
		}
		out.Members = make([]Member, len(c.members))
		for j, m := range c.members {
			out.Members[j] = Member{a.nodes[m].rec, a.nodes[m].reason}
		}
		p.Cells = append(p.Cells, out)
	}
	p.index()
	a.claims(p)
	a.suggest(p)
	return p
}

// group orders the members of a cell: live, withdrawn, mentions.
func (a *assignment) group(i int32) int {
	switch n := &a.nodes[i]; {
	case n.rec.Mention:
		return 2
	case !n.rec.Live():
		return 1
	}
	return 0
}

// claims fills the table of names: every name of every member, whatever its
// relation, the ids that members own or cite, and the titles of records that
// name a profile which they were not assigned to.
func (a *assignment) claims(p *Partition) {
	p.names = make(map[string][]posting, len(a.keys))
	for k := range p.Cells {
		for m, member := range p.Cells[k].Members {
			claimAll(p, int32(k), int32(m), member.Record)
		}
	}
	a.overlaps(p)
	for _, posts := range p.names {
		slices.SortStableFunc(posts, func(x, y posting) int { return cmp.Compare(x.cell, y.cell) })
	}
	p.means, p.meansCell = make(map[string]Decision), make(map[string]int32)
	for folded, key := range a.keys {
		if d, ok := a.means[key]; ok {
			if c, ok := p.byRef[a.nodes[a.resolved(d.A)].rec.Ref]; ok {
				p.means[folded], p.meansCell[folded] = d, c
			}
		}
	}
}

// claimAll adds the names of one member, each key once.
func claimAll(p *Partition, cell, member int32, r *intel.Record) {
	mine := make(map[string]bool, 2+len(r.Names))
	add := func(n intel.Name, title bool) {
		key := intel.NameKey(n.Value)
		if key == "" || mine[key] {
			return
		}
		mine[key] = true
		p.names[key] = append(p.names[key], posting{cell, member, n, title})
	}
	title, folded := intel.Name{Value: r.Title}, intel.NameKey(r.Title)
	for _, n := range r.Names {
		if evidential(n.Relation) && intel.NameKey(n.Value) == folded {
			title.CoinedBy, title.First, title.Last = n.CoinedBy, n.First, n.Last
			break
		}
	}
	add(title, true)
	for _, id := range r.IDs {
		if owns(r.Publisher, id.Issuer) {
			add(intel.Name{Value: id.ID, CoinedBy: id.Issuer}, true)
		} else if id.Issuer == intel.MitreAttack {
			add(intel.Name{Value: id.ID, CoinedBy: id.Issuer}, false)
		}
	}
	for _, n := range r.Names {
		if !intel.Placeholder(n.Value) {
			add(n, false)
		}
	}
}

// overlaps leaves the title of a record on the profiles that it names by their
// title and was not assigned to: "the actor that Microsoft calls Viridian
// Vortex is, by Microsoft, this one too".
func (a *assignment) overlaps(p *Partition) {
	titled := make(map[int32][]int32) // name key -> curated records with that title
	for i := range a.nodes {
		n := &a.nodes[i]
		if n.cell != none && n.founding() && n.pub.Distinct && len(n.uses) > 0 && n.uses[0].title {
			titled[n.uses[0].key] = append(titled[n.uses[0].key], int32(i))
		}
	}
	for i := range a.nodes {
		n := &a.nodes[i]
		if n.cell == none || !n.founding() {
			continue
		}
		var told []int32
		for _, u := range n.uses {
			if u.title || u.weak != "" && u.weak != weakSoftware {
				continue
			}
			for _, m := range titled[u.key] {
				o := &a.nodes[m]
				if o.cell == n.cell || o.rec.Kind != n.rec.Kind || slices.Contains(told, o.cell) {
					continue
				}
				told = append(told, o.cell)
				cell := p.byRef[o.rec.Ref]
				key := intel.NameKey(n.rec.Title)
				if key == "" || intel.Placeholder(n.rec.Title) || slices.ContainsFunc(p.names[key], func(x posting) bool { return x.cell == cell && p.record(x) == n.rec }) {
					continue
				}
				p.guests = append(p.guests, n.rec)
				p.names[key] = append(p.names[key], posting{cell, -int32(len(p.guests)), intel.Name{Value: n.rec.Title, Relation: intel.Overlaps}, false})
			}
		}
	}
}
