package resolve

import (
	"cmp"
	"math"
	"slices"

	"dossier/internal/intel"
)

// The weights. A name that both sides have as an alias, and nobody else has,
// weighs 1; each side that has it as its title doubles that. Measured against
// the actors that cite one ATT&CK id (package namebench).
const (
	explicitWeight = 12.0
	titleFactor    = 2.0
	otherMember    = 0.5 // of names that only other members than the best state
	joinedMember   = 0.8 // of what a member states that was itself joined: its place is less certain than the founder's
	countryBonus   = 0.5
	countryMalus   = -1.5
	documentWeight = 0.5 // of one shared document; all together at most twice this
	doubtfulID     = 3.0 // divides the weight of an id that the record's title contradicts
	threshold      = 1.25
	margin         = 1.25 // how far the best cell must be ahead of the record's next
	rivalMargin    = 1.1  // how far the best record of a distinct list must be ahead of the cell's next
)

// A scorer compares records with cells during one stage.
type scorer struct {
	*assignment
	own    map[int32]int // name key -> records of the stage's publisher that use it
	holder map[int32]int // name key -> cells of the kind that have it
	kind   intel.Kind
}

// newScorer counts who claims each name at the beginning of a stage.
func (a *assignment) newScorer(kind intel.Kind, stage []int32) *scorer {
	s := &scorer{assignment: a, kind: kind, own: make(map[int32]int), holder: make(map[int32]int)}
	for _, i := range stage {
		for _, u := range a.nodes[i].uses {
			s.own[u.key]++
		}
	}
	return s
}

// holders returns how many cells of the kind have the name.
func (s *scorer) holders(key int32) int {
	if n, ok := s.holder[key]; ok {
		return n
	}
	var cells []int32
	for _, m := range s.posts[key] {
		if c := s.nodes[m].cell; c != none && s.nodes[m].rec.Kind == s.kind && !slices.Contains(cells, c) {
			cells = append(cells, c)
		}
	}
	s.holder[key] = len(cells)
	return len(cells)
}

// pairs scores a record against every cell that shares a name with it or is
// tied to it, best first.
func (s *scorer) pairs(i int32) []pair {
	n := &s.nodes[i]
	perMember := make(map[int32][]Evidence)
	var named []int32
	for _, u := range n.uses {
		holders := s.holders(u.key)
		for _, m := range s.posts[u.key] {
			o := &s.nodes[m]
			if m == i || o.cell == none || o.rec.Kind != s.kind || o.rec.Mention {
				continue
			}
			theirs := o.uses[slices.IndexFunc(o.uses, func(x nameUse) bool { return x.key == u.key })]
			e := Evidence{Kind: ByName, Name: u.name, By: o.rec.Ref, Weak: cmp.Or(u.weak, theirs.weak)}
			e.Weight = weakFactor(e.Weak) / float64(holders*max(1, s.own[u.key]))
			if u.title {
				e.Weight *= titleFactor
			}
			if theirs.title {
				e.Weight *= titleFactor
			}
			if u.title && theirs.title {
				// Others that have it as an alias take less from equal titles.
				e.Kind = ByTitle
				e.Weight = weakFactor(e.Weak) * titleFactor * titleFactor * 2 / float64(max(1, holders)+max(1, s.own[u.key]))
			}
			if s.cells[o.cell].first() != m {
				e.Weight *= joinedMember
			}
			if u.title && e.Weak == weakSoftware && holders == 1 && !n.pub.Distinct {
				named = append(named, o.cell)
			}
			perMember[m] = append(perMember[m], e)
		}
	}
	for _, l := range n.links {
		if o := &s.nodes[l.to]; o.cell != none {
			kind := ByLink
			if l.rule == RuleExternalID {
				kind = ByID
			}
			perMember[l.to] = append(perMember[l.to], Evidence{Kind: kind, Name: l.name, By: o.rec.Ref, Weight: l.weight})
		}
	}
	members := make([]int32, 0, len(perMember))
	for m := range perMember {
		members = append(members, m)
	}
	slices.SortFunc(members, func(x, y int32) int {
		return cmp.Or(cmp.Compare(s.nodes[x].cell, s.nodes[y].cell), -cmp.Compare(sum(perMember[x]), sum(perMember[y])), cmp.Compare(x, y))
	})
	var out []pair
	for len(members) > 0 {
		c := s.nodes[members[0]].cell
		k := 1
		for k < len(members) && s.nodes[members[k]].cell == c {
			k++
		}
		out = append(out, s.best(i, c, members[:k], perMember, slices.Contains(named, c)))
		members = members[k:]
	}
	s.doubtIDs(out)
	slices.SortFunc(out, func(x, y pair) int { return s.order(&x, &y) })
	return out
}

// best sums up the evidence of one cell with each of its members in the lead, and
// takes the sum that suffices, or the highest. So more evidence from one member
// never hides what another says enough with.
func (s *scorer) best(i, c int32, members []int32, per map[int32][]Evidence, named bool) pair {
	best := s.pair(i, c, members, per)
	best.named = named
	order := slices.Clone(members)
	for k := 1; k < len(members) && best.enough() != ""; k++ {
		copy(order[1:], members[:k])
		order[0] = members[k]
		p := s.pair(i, c, order, per)
		p.named = named
		if p.enough() == "" || p.score > best.score {
			best = p
		}
	}
	return best
}

// doubtIDs lowers the weight of a cited id where the record has the title of
// another cell: sources keep ids that the issuer has since given a narrower
// meaning, and add those of neighbours.
func (s *scorer) doubtIDs(pairs []pair) {
	titled := slices.ContainsFunc(pairs, func(p pair) bool { return p.titled && p.strong > 1 })
	for k := range pairs {
		p := &pairs[k]
		if !titled || p.titles || p.rule != RuleExternalID {
			continue
		}
		for j := range p.evidence {
			if e := &p.evidence[j]; e.Kind == ByID {
				e.Weight /= doubtfulID
			}
		}
		p.score = sum(p.evidence)
	}
}

// order sorts pairs: score, then the precedence of record and founder.
func (s *scorer) order(x, y *pair) int {
	return cmp.Or(-cmp.Compare(x.score, y.score), cmp.Compare(x.node, y.node), cmp.Compare(s.cells[x.cell].first(), s.cells[y.cell].first()))
}

// pair sums up the evidence of one cell. The names are those that one member
// states, the best one; what others add counts less, so that no chain of
// single names makes an identity.
func (s *scorer) pair(i, c int32, members []int32, per map[int32][]Evidence) pair {
	p := pair{node: i, cell: c, kind: s.kind, rule: RuleNames}
	n := &s.nodes[i]
	seen := make(map[string]int) // name -> its evidence
	var lists []string
	for rank, m := range members {
		for _, e := range per[m] {
			switch e.Kind {
			case ByID:
				if p.rule == RuleNames {
					p.rule = RuleExternalID
				}
			case ByLink:
				p.rule = RuleSameAs
				if e.Name != "" {
					p.rule = RuleUUID
				}
			case ByTitle:
				p.titles = true
				p.titled = p.titled || e.Weak == ""
				p.kindly = p.kindly || e.Weak == weakTemporary || e.Weak == weakSoftware
			case ByName:
				if rank > 0 {
					e.Weight *= otherMember
				}
			}
			if e.Kind != ByName && e.Kind != ByTitle {
				p.evidence = append(p.evidence, e)
				continue
			}
			if o := &s.nodes[m]; o.pub.Distinct && !slices.Contains(lists, o.rec.Publisher) {
				lists = append(lists, o.rec.Publisher)
			}
			at, again := seen[e.Name]
			switch {
			case !again:
				seen[e.Name] = len(p.evidence)
				p.evidence = append(p.evidence, e)
				if rank > 0 && e.Kind != ByTitle {
					break
				}
				if e.Weak != "" {
					p.weak++
				} else {
					p.strong++
				}
			case e.Weight > p.evidence[at].Weight:
				p.evidence[at] = e
			}
			p.sole = p.sole || e.Weak == "" && e.Weight >= titleFactor*joinedMember
		}
	}
	p.curated = len(lists)
	if p.rule == RuleNames && p.titles {
		p.rule = RuleTitle
	}
	s.corroborate(n, &p)
	slices.SortStableFunc(p.evidence, func(x, y Evidence) int {
		return cmp.Or(-cmp.Compare(math.Abs(x.Weight), math.Abs(y.Weight)), cmp.Compare(x.Name, y.Name), cmp.Compare(x.By.String(), y.By.String()))
	})
	p.score = sum(p.evidence)
	return p
}

// corroborate adds what cannot join by itself: countries and documents.
func (s *scorer) corroborate(n *node, p *pair) {
	var by intel.Ref
	var land string
	for _, m := range s.cells[p.cell].members {
		o := &s.nodes[m]
		if o.rec.Mention {
			continue
		}
		if a, l := agreement(n.lands, o.lands); a > p.country && a > 0 || a < 0 && p.country == 0 {
			p.country, land, by = a, l, o.rec.Ref
		}
	}
	switch {
	case p.country > 0:
		p.evidence = append(p.evidence, Evidence{Kind: ByCountry, Name: land, By: by, Weight: countryBonus})
	case p.country < 0:
		p.evidence = append(p.evidence, Evidence{Kind: ByCountry, Name: land, By: by, Weight: countryMalus})
	}
	for _, d := range n.docs {
		if s.common[d] {
			continue
		}
		for _, m := range s.cited[d] {
			if o := &s.nodes[m]; o != n && o.cell == p.cell && !o.rec.Mention {
				p.documents++
				if p.documents <= 2 {
					p.evidence = append(p.evidence, Evidence{Kind: ByReference, Name: s.address(n, d), By: o.rec.Ref, Weight: documentWeight})
				}
				break
			}
		}
	}
}

// address returns the document as the record writes it.
func (s *scorer) address(n *node, d int32) string {
	for _, ref := range n.rec.References {
		if id, ok := s.docs[document(ref.URL)]; ok && id == d {
			return ref.URL
		}
	}
	return ""
}

func sum(evidence []Evidence) float64 {
	var total float64
	for _, e := range evidence {
		total += e.Weight
	}
	return total
}
