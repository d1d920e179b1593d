package resolve

import (
	"cmp"
	"math"
	"slices"

	"dossier/internal/intel"
)

// decidedBonus puts what a person says before all else.
const decidedBonus = 1000

// Claimed returns what a profile's dossier says of a name: who calls it so, best
// first, and the score and reason of its place among the profiles that the name
// may mean, as [Partition.Lookup] has them of the same publishers. No claims: the
// profile does not have the name.
func Claimed(d *intel.Dossier, name string, publishers *intel.Publishers) (claims []intel.NameClaim, score float64, reason string) {
	key := intel.NameKey(name)
	if key == "" {
		return nil, 0, ""
	}
	records := make(map[intel.Ref]*intel.RecordUse, len(d.Records))
	for i := range d.Records {
		records[d.Records[i].Ref] = &d.Records[i]
	}
	ids := make(map[intel.Ref]string) // a publisher's own id of its record
	var uses []Use
	decided := ""
	for _, id := range d.IDs {
		own := owns(id.From.Publisher, id.Value.Issuer)
		if own {
			ids[id.From] = id.Value.ID
		}
		if intel.NameKey(id.Value.ID) == key && (own || id.Value.Issuer == intel.MitreAttack) {
			claims = append(claims, intel.NameClaim{Name: intel.Name{Value: id.Value.ID, CoinedBy: id.Value.Issuer}, From: id.From, Alias: own})
		}
	}
	cited := len(claims)
	for _, n := range d.Names {
		if intel.NameKey(n.Value) == key {
			claims = append(claims, n)
		}
	}
	for i, c := range claims {
		if c.From.Publisher == intel.Analyst && c.Decided {
			decided = byName(c.CoinedBy)
		}
		u := Use{Name: c.Name, Publisher: c.From.Publisher, Rank: publishers.Of(c.From.Publisher).Rank, Title: i < cited && c.Alias}
		u.Gone = c.Gone
		title := c.Value
		if r := records[c.From]; r != nil {
			title = r.Title
			u.Withdrawn, u.Mention = r.Withdrawn, r.Mention
			u.Title = u.Title || i >= cited && !c.Gone && intel.NameKey(r.Title) == key
		}
		u.Label = c.From.Publisher + " " + cmp.Or(ids[c.From], title, c.From.Key)
		uses = append(uses, u)
	}
	order := make([]int, len(uses))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return -cmp.Compare(uses[a].weight(), uses[b].weight()) })
	sorted, ranked := make([]intel.NameClaim, len(claims)), make([]Use, len(uses))
	for i, k := range order {
		sorted[i], ranked[i] = claims[k], uses[k]
	}
	score, reason = Rank(ranked)
	if decided != "" {
		score, reason = score+decidedBonus, decided+" says so"
	}
	return sorted, math.Round(score*1000) / 1000, reason
}

// Matches returns evidence in the form that dossiers have.
func Matches(evidence []Evidence) []intel.Match {
	out := make([]intel.Match, len(evidence))
	for i, e := range evidence {
		out[i] = intel.Match{Kind: string(e.Kind), Value: e.Name, With: e.By, Weight: rounded(e.Weight), Weak: e.Weak}
	}
	return out
}

// rounded keeps three digits: more would only tell of the order of additions.
func rounded(f float64) float64 { return math.Round(f*1000) / 1000 }

// A Guest is a claim that one profile leaves on another: a record names the other
// by its title and was not assigned to it, so that its own title may mean it too;
// or a person says that the name means it.
type Guest struct {
	Cell  *Cell
	Claim intel.NameClaim
}

// Guests returns the claims that no member of the cell makes, by cell and name.
func (p *Partition) Guests() []Guest {
	var out []Guest
	for _, posts := range p.names {
		for _, post := range posts {
			if post.member < 0 {
				claim := intel.NameClaim{Name: post.name, From: p.record(post).Ref}
				claim.Last = p.record(post).Modified
				out = append(out, Guest{&p.Cells[post.cell], claim})
			}
		}
	}
	for key, d := range p.means {
		out = append(out, Guest{&p.Cells[p.meansCell[key]], d.claim(d.Name)})
	}
	slices.SortFunc(out, func(a, b Guest) int {
		return cmp.Or(
			cmp.Compare(a.Cell.ID, b.Cell.ID), cmp.Compare(a.Claim.Value, b.Claim.Value),
			cmp.Compare(a.Claim.From.Publisher, b.Claim.From.Publisher), cmp.Compare(a.Claim.From.Key, b.Claim.From.Key),
		)
	})
	return out
}

// claim is what the decision that a name means a profile says as a claim.
func (d *Decision) claim(name string) intel.NameClaim {
	return intel.NameClaim{
		Name: intel.Name{Value: cmp.Or(d.Name, name), CoinedBy: d.By, Relation: intel.Same, First: d.At, Last: d.At},
		From: intel.Ref{Publisher: intel.Analyst, Key: cmp.Or(d.ID, d.By)}, Decided: true,
	}
}
