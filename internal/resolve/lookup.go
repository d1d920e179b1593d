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

// rank scores a candidate by its claims.
func (p *Partition) rank(c *Candidate, posts []posting) {
	uses := make([]Use, len(posts))
	for i, post := range posts {
		r := p.record(post)
		uses[i] = Use{Name: post.name, Publisher: r.Publisher, Rank: p.rankOf[r.Publisher], Label: labelOf(r), Title: post.title, Withdrawn: !r.Live(), Mention: r.Mention}
	}
	c.Score, c.Reason = Rank(uses)
}

// A Use is one claim that a profile is called by a name, with what its weight
// depends on.
type Use struct {
	intel.Name
	Publisher string
	Rank      int    // of the publisher
	Label     string // of the record, for people: "mitre-attack G0007"
	Title     bool   // the name is the record's title, or its id
	Withdrawn bool   // the record is
	Mention   bool   // the record only repeats a name
	Gone      bool   // only a former version of the record has it
}

// Rank scores what the claims amount to, and says it in words: each publisher counts once,
// with its best claim. Scores compare within one name only.
func Rank(uses []Use) (score float64, reason string) {
	best := make(map[string]float64)
	var titles, aliases, others []string
	for _, u := range uses {
		w := u.weight()
		score += max(0, w-best[u.Publisher])
		best[u.Publisher] = max(w, best[u.Publisher])
		switch {
		case u.Gone:
			others = append(others, "formerly in "+u.Label)
		case !evidential(u.Relation):
			others = append(others, string(u.Relation)+" in "+u.Label)
		case u.Title:
			titles = append(titles, u.Label)
		default:
			aliases = append(aliases, u.Label)
		}
	}
	switch {
	case titles != nil:
		return score, "title of " + list(titles)
	case aliases != nil:
		return score, "alias in " + list(aliases)
	case others != nil:
		return score, list(others)
	}
	return score, ""
}

// weight is what one claim counts for.
func (u *Use) weight() float64 {
	w := 1 / (1 + float64(u.Rank)/40)
	switch {
	case u.Gone:
		w *= 0.5
	case u.Title && !u.Withdrawn:
		w *= 4
	case u.Title:
		w *= 3
	case u.Relation == intel.Formerly || u.Withdrawn:
		w *= 0.9
	case !evidential(u.Relation):
		w *= 0.1
	}
	if u.Mention {
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
	out[at].Claims = slices.Insert(out[at].Claims, 0, d.claim(name))
	out[at].Score += decidedBonus
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
