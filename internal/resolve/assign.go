package resolve

import (
	"cmp"
	"slices"
	"strings"

	"dossier/internal/intel"
)

// Assign decides which records belong together. The answer depends on the
// input alone, not on the order of its records, decisions or map entries. It
// takes O(n log n) in the number of names, save that a name is compared once
// with every cell that has it.
func Assign(in Input) *Partition {
	if in.Rank == nil {
		in.Rank = intel.PublisherOf
	}
	a := &assignment{table: newTable(in), in: in}
	a.takeBase()
	a.takeDecisions()
	for _, stage := range a.stages() {
		a.runStage(stage)
	}
	a.joinWithdrawn()
	a.joinMentions()
	a.mergeJoined()
	a.noteAffixes()
	return a.partition()
}

// An assignment is one run of [Assign].
type assignment struct {
	*table
	in    Input
	cells []*cell
	rulings
	near []pair // not enough, with why
	why  []string
}

// A cell in the making.
type cell struct {
	kind    intel.Kind
	members []int32
	base    int32 // index in the base's Cells, or none
	gone    bool  // merged into another
	into    int32 // the other
}

// first returns the member of highest precedence.
func (c *cell) first() int32 { return slices.Min(c.members) }

// stage is the live records of one publisher and kind.
type stage struct {
	pub   intel.Publisher
	kind  intel.Kind
	nodes []int32
}

// stages groups the unsettled founding records: publishers with distinct lists
// first, since others repeat what these say, then by rank.
func (a *assignment) stages() []stage {
	type group struct {
		publisher string
		kind      intel.Kind
	}
	index := make(map[group]int)
	var out []stage
	for i := range a.nodes {
		n := &a.nodes[i]
		if n.settled || !n.founding() {
			continue
		}
		g := group{n.rec.Publisher, n.rec.Kind}
		k, ok := index[g]
		if !ok {
			k = len(out)
			index[g] = k
			out = append(out, stage{pub: n.pub, kind: n.rec.Kind})
		}
		out[k].nodes = append(out[k].nodes, int32(i))
	}
	slices.SortFunc(out, func(x, y stage) int {
		return cmp.Or(
			cmp.Compare(b2i(y.pub.Distinct), b2i(x.pub.Distinct)),
			cmp.Compare(x.pub.Rank, y.pub.Rank),
			strings.Compare(x.pub.ID, y.pub.ID),
			cmp.Compare(x.kind, y.kind),
		)
	})
	return out
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// takeBase settles the records of the lower level where they are.
func (a *assignment) takeBase() {
	if a.in.Base == nil {
		return
	}
	for k := range a.in.Base.Cells {
		b := &a.in.Base.Cells[k]
		c := a.found(b.Kind)
		a.cells[c].base = int32(k)
		for _, m := range b.Members {
			i := a.byRef[m.Record.Ref]
			a.put(i, c, m.Reason)
			a.nodes[i].settled = true
		}
	}
}

// found makes an empty cell.
func (a *assignment) found(kind intel.Kind) int32 {
	a.cells = append(a.cells, &cell{kind: kind, base: none})
	return int32(len(a.cells) - 1)
}

// put makes a record a member of a cell.
func (a *assignment) put(i, c int32, why Reason) {
	a.nodes[i].cell, a.nodes[i].reason = c, why
	a.cells[c].members = append(a.cells[c].members, i)
}

// closed says why a record may not be in a cell: an analyst parts them, or
// its publisher keeps it apart from a live member.
func (a *assignment) closed(i, c int32) string {
	n := &a.nodes[i]
	for _, m := range a.cells[c].members {
		if a.parted(i, m) {
			return "an analyst keeps it apart from " + a.label(m)
		}
		if o := &a.nodes[m]; n.pub.Distinct && n.founding() && o.founding() && o.rec.Publisher == n.rec.Publisher && a.superseded(i, m, c) == none {
			return n.rec.Publisher + " keeps it apart from " + a.label(m)
		}
		if id := a.elsewhere(i, m); id != "" {
			return "it cites " + id + ", which is not " + a.label(m)
		}
	}
	return ""
}

// elsewhere returns an id that shows that two records are of different entries
// in a distinct list, though one of the entries is not here: a mirror may have
// more of the list than was loaded.
func (a *assignment) elsewhere(i, m int32) string {
	n, o := &a.nodes[i], &a.nodes[m]
	if len(n.absent) == 0 && len(o.absent) == 0 {
		return ""
	}
	for _, id := range n.absent {
		issuer, name, _ := strings.Cut(id, "\x00")
		if o.rec.Publisher == issuer && o.founding() {
			return name
		}
		if slices.ContainsFunc(o.absent, func(x string) bool { return strings.HasPrefix(x, issuer+"\x00") }) && !slices.Contains(o.absent, id) {
			return name
		}
	}
	return ""
}

// runStage assigns the records of one stage: the pairs by score, then a cell for
// each that is left. What a person joined is made one at the end, so that
// profiles are merged as they would be, with all their records.
func (a *assignment) runStage(st stage) {
	s := a.newScorer(st.kind, st.nodes)
	all := make(map[int32][]pair, len(st.nodes))
	var queue []*pair
	for _, i := range st.nodes {
		if a.nodes[i].cell != none {
			continue
		}
		all[i] = s.pairs(i)
		for k := range all[i] {
			queue = append(queue, &all[i][k])
		}
	}
	slices.SortFunc(queue, s.order)
	rivals := make(map[int32][]*pair) // cell -> its pairs, best first
	for _, p := range queue {
		rivals[p.cell] = append(rivals[p.cell], p)
	}
	for _, p := range queue {
		if a.nodes[p.node].cell != none || p.enough() != "" || a.closed(p.node, p.cell) != "" {
			continue
		}
		if a.runnerUp(p, all[p.node], rivals[p.cell]) != nil {
			continue
		}
		a.join(p)
	}
	for _, i := range st.nodes {
		if a.nodes[i].cell == none && !a.joinTied(i) {
			a.put(i, a.found(st.kind), Reason{Rule: RuleFounder, Text: "founds the profile"})
		}
		a.noteNear(i, all[i], rivals)
	}
	a.joinWithdrawn()
}

// runnerUp returns the pair that makes the race too close to call: another
// cell for the record, or another record of a distinct list for the cell.
// Pairs that are decided or ruled out do not count.
func (a *assignment) runnerUp(p *pair, cells []pair, records []*pair) *pair {
	for k := range cells {
		q := &cells[k]
		if q.cell == p.cell || q.score*margin <= p.score || a.closed(q.node, q.cell) != "" {
			continue
		}
		if (p.titled && !q.titled || p.kindly && !q.titles) && q.score <= p.score*margin {
			continue // between close ones an equal title decides, also one that is a temporary id
		}
		return q
	}
	if !a.nodes[p.node].pub.Distinct {
		return nil
	}
	for _, q := range records {
		if q.node != p.node && q.score*rivalMargin > p.score && a.nodes[q.node].cell == none && a.closed(q.node, q.cell) == "" && a.superseded(p.node, q.node, p.cell) == none {
			return q
		}
	}
	return nil
}

// joinTied puts a record where an explicit statement of its own publisher, or
// one about a cell founded in this stage, ties it.
func (a *assignment) joinTied(i int32) bool {
	for _, l := range a.nodes[i].links {
		c := a.nodes[l.to].cell
		if c != none && l.rule != RuleExternalID && a.nodes[l.to].rec.Publisher == a.nodes[i].rec.Publisher && a.closed(i, c) == "" {
			a.put(i, c, a.reasonOf(&pair{node: i, cell: c, rule: l.rule, evidence: []Evidence{{Kind: ByLink, Name: l.name, By: a.nodes[l.to].rec.Ref, Weight: l.weight}}, score: l.weight}))
			return true
		}
	}
	return false
}
