package resolve

import (
	"cmp"
	"slices"
	"strings"

	"dossier/internal/intel"
)

// A Candidate is one profile that a name may mean.
type Candidate struct {
	Cell   *Cell
	Claims []intel.NameClaim // who calls it so, best first
	Score  float64           // comparable within one answer only
	Reason string            // of its place, in words: "title of mitre-attack G0076"
}

// A posting is one claim in the look-up table.
type posting struct {
	cell, member int32
	name         intel.Name
	title        bool
}

// Lookup returns all profiles that claim the name, compared by
// [intel.NameKey], the likeliest first: what an analyst says, then titles
// before aliases, more and better publishers before fewer. Names of relation
// overlaps, part-of and the like count little, but lead to the profile too: a
// record that names two profiles leaves its title as such a claim on the one
// that it was not assigned to. Ids of issuers (G0007) are names. Profiles of
// every kind are among the answers. An unknown name gives none; see
// [Confusable] for those that only look like a known one.
//
// The claims are in order of precedence. "As of" a day means looking up in the
// partition of the records of that day.
func (p *Partition) Lookup(name string) []Candidate {
	key := intel.NameKey(name)
	if key == "" {
		return nil
	}
	var out []Candidate
	for _, post := range p.names[key] { // ordered by cell
		c := &p.Cells[post.cell]
		if len(out) == 0 || out[len(out)-1].Cell != c {
			out = append(out, Candidate{Cell: c})
		}
		last := &out[len(out)-1]
		last.Claims = append(last.Claims, intel.NameClaim{Name: post.name, From: p.record(post).Ref})
	}
	rest := p.names[key]
	for i := range out {
		n := len(out[i].Claims)
		p.rank(&out[i], rest[:n])
		rest = rest[n:]
	}
	if d, ok := p.means[key]; ok {
		out = p.decided(out, d, name, key)
	}
	slices.SortStableFunc(out, func(a, b Candidate) int {
		return cmp.Or(-cmp.Compare(a.Score, b.Score), p.precede(a.Cell, b.Cell))
	})
	return out
}

// precede orders cells by rank and reference of their founders.
func (p *Partition) precede(a, b *Cell) int {
	return cmp.Or(
		cmp.Compare(p.rankOf[a.Founder.Publisher], p.rankOf[b.Founder.Publisher]),
		strings.Compare(a.Founder.Publisher, b.Founder.Publisher), strings.Compare(a.Founder.Key, b.Founder.Key),
	)
}

// record returns the record that makes a claim; a claim of relation overlaps
// stands on another profile than the record's own.
func (p *Partition) record(post posting) *intel.Record {
	if post.member < 0 {
		return p.guests[-post.member-1]
	}
	return p.Cells[post.cell].Members[post.member].Record
}

// rank scores a candidate by its claims: each publisher counts once, with its
// best claim.
func (p *Partition) rank(c *Candidate, posts []posting) {
	best := make(map[string]float64)
	var titles, aliases, others []string
	for _, post := range posts {
		r := p.record(post)
		w := claimWeight(p.rankOf[r.Publisher], r, post)
		c.Score += max(0, w-best[r.Publisher])
		best[r.Publisher] = max(w, best[r.Publisher])
		switch label := labelOf(r); {
		case !evidential(post.name.Relation):
			others = append(others, string(post.name.Relation)+" in "+label)
		case post.title:
			titles = append(titles, label)
		default:
			aliases = append(aliases, label)
		}
	}
	switch {
	case titles != nil:
		c.Reason = "title of " + list(titles)
	case aliases != nil:
		c.Reason = "alias in " + list(aliases)
	default:
		c.Reason = list(others)
	}
}

// claimWeight is what one claim counts for.
func claimWeight(rank int, r *intel.Record, post posting) float64 {
	w := 1 / (1 + float64(rank)/40)
	switch rel := post.name.Relation; {
	case post.title && r.Live():
		w *= 4
	case post.title:
		w *= 3
	case rel == intel.Formerly || !r.Live():
		w *= 0.9
	case !evidential(rel):
		w *= 0.1
	}
	if r.Mention {
		w *= 0.25
	}
	return w
}

// decided puts the profile first that an analyst says the name means, whether
// or not a source calls it so.
func (p *Partition) decided(out []Candidate, d Decision, name, key string) []Candidate {
	cell := &p.Cells[p.meansCell[key]]
	at := slices.IndexFunc(out, func(c Candidate) bool { return c.Cell == cell })
	if at < 0 {
		at = len(out)
		out = append(out, Candidate{Cell: cell})
	}
	claim := intel.NameClaim{From: intel.Ref{Publisher: intel.Analyst, Key: d.By}}
	claim.Value, claim.Relation, claim.First = cmp.Or(d.Name, name), intel.Same, d.At
	out[at].Claims = slices.Insert(out[at].Claims, 0, claim)
	out[at].Score += 1000
	out[at].Reason = byName(d.By) + " says so"
	return out
}

// list joins up to three words.
func list(words []string) string {
	words = slices.Compact(words)
	switch n := len(words); {
	case n == 1:
		return words[0]
	case n == 2:
		return words[0] + " and " + words[1]
	case n == 3:
		return words[0] + ", " + words[1] + " and " + words[2]
	default:
		return words[0] + ", " + words[1] + " and others"
	}
}
