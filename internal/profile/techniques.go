package profile

import (
	"cmp"
	"slices"
	"strings"

	"dossier/internal/intel"
)

// techniques collects the techniques that the members and the campaigns
// attributed to them use, one for each ATT&CK id, by id. A technique that ATT&CK
// has revoked counts as its successor; one without a successor, and a deprecated
// one, is left out.
func (f *folder) techniques() {
	set := techniqueSet{f: f}
	for _, m := range f.fields {
		for i := range m.Links {
			set.add(&m.Links[i], "", m.Ref)
		}
	}
	for _, r := range f.waged {
		for i := range r.Links {
			set.add(&r.Links[i], nameOf(r), r.Ref)
		}
	}
	slices.SortFunc(set.uses, func(a, b intel.TechniqueUse) int { return cmp.Compare(a.ID, b.ID) })
	f.d.Techniques = set.uses
}

type techniqueSet struct {
	f     *folder
	uses  []intel.TechniqueUse
	index map[string]int
}

// add notes the technique at the end of a link, if there is one. Of several
// links to one technique a direct one counts before one through a campaign, and
// the first text before none.
func (s *techniqueSet) add(l *intel.Link, via string, from intel.Ref) {
	if l.Relation != intel.Uses || l.Kind != "" && l.Kind != intel.Technique {
		return
	}
	use := intel.TechniqueUse{Text: l.Text, Via: via, References: l.References, From: from}
	switch r, ok := s.f.target(*l); {
	case ok && r.Kind == intel.Technique && r.Live():
		use.ID, use.Name, use.Tactics = attackID(r), s.f.techniqueName(r), r.Tactics
	case !ok && l.ID.Issuer == intel.MitreAttack && strings.HasPrefix(l.ID.ID, "T"):
		use.ID, use.Name = l.ID.ID, clean(l.Name)
	}
	if !isAttackID(use.ID) {
		return
	}
	i, known := s.index[use.ID]
	if !known {
		if s.index == nil {
			s.index = map[string]int{}
		}
		s.index[use.ID] = len(s.uses)
		s.uses = append(s.uses, use)
		return
	}
	old := &s.uses[i]
	if old.Text == "" && use.Text != "" {
		old.Text, old.References = use.Text, use.References
		old.From = use.From
	}
	old.Name = cmp.Or(old.Name, use.Name)
	if via == "" {
		old.Via = ""
	}
}

// techniqueName returns the name as ATT&CK prints it: a sub-technique after its
// technique, "Phishing: Spearphishing Link".
func (f *folder) techniqueName(r *intel.Record) string {
	name := clean(r.Title)
	parent, _, sub := strings.Cut(attackID(r), ".")
	if !sub || strings.Contains(name, ": ") {
		return name
	}
	p, ok := f.target(intel.Link{
		Relation: intel.PartOf, Kind: intel.Technique,
		ID: intel.ExternalID{Issuer: intel.MitreAttack, ID: parent},
	})
	if !ok || p.Kind != intel.Technique || attackID(p) != parent {
		return name
	}
	return clean(p.Title) + ": " + name
}

// A tacticGroup is a tactic with the techniques that a text puts under it.
type tacticGroup struct {
	name string
	uses []intel.TechniqueUse
}

// byTactic puts every technique under the first of its tactics, in the order of
// the matrix. Tactics that are not known follow, and last the techniques whose
// tactic no source states, under "". Within a group the order is kept.
func byTactic(uses []intel.TechniqueUse) []tacticGroup {
	place := func(u intel.TechniqueUse) (int, string) {
		best, name := len(intel.Tactics)+1, ""
		for _, t := range u.Tactics {
			i := slices.IndexFunc(intel.Tactics, func(x intel.Tactic) bool { return x.ShortName == t })
			if i >= 0 && i < best {
				best, name = i, intel.Tactics[i].Name
			} else if i < 0 && best > len(intel.Tactics) && clean(t) != "" {
				best, name = len(intel.Tactics), titleCase(clean(t))
			}
		}
		return best, name
	}
	type placed struct {
		tacticGroup
		place int
	}
	var groups []placed
	for _, u := range uses {
		at, name := place(u)
		i := slices.IndexFunc(groups, func(g placed) bool { return g.place == at && g.name == name })
		if i < 0 {
			i = len(groups)
			groups = append(groups, placed{tacticGroup{name: name}, at})
		}
		groups[i].uses = append(groups[i].uses, u)
	}
	slices.SortStableFunc(groups, func(a, b placed) int {
		return cmp.Or(cmp.Compare(a.place, b.place), cmp.Compare(a.name, b.name))
	})
	out := make([]tacticGroup, len(groups))
	for i, g := range groups {
		out[i] = g.tacticGroup
	}
	return out
}
