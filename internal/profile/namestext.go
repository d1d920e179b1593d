package profile

import (
	"slices"
	"strings"

	"dossier/internal/intel"
)

// namesSection says who calls it what, and which words that stand among its
// names are none.
func (t *teller) namesSection(p *page) {
	p.section("Names")
	by, rest := t.namesBy()
	verbs := []string{"tracks " + t.it + " as", "calls it", "uses the name", "knows it as", "refers to it as"}
	turn := int(t.vary("verbs", "0", "1", "2")[0] - '0')
	var clauses []string
	for _, g := range by {
		names := without(g.names, t.title())
		switch {
		case len(names) == 0 && len(g.names) > 0 && len(g.former) == 0:
			clauses = append(clauses, "the name "+t.title()+" is "+possessive(g.org))
			continue
		case len(names) == 0 && len(g.former) > 0:
			clauses = append(clauses, g.org+" used to call it "+and(g.former))
			continue
		case len(names) == 0:
			continue
		}
		v := verbs[turn%len(verbs)]
		turn++
		if strings.HasSuffix(v, "name") && len(names) > 1 {
			v += "s"
		}
		c := g.org + " " + v + " " + and(names)
		if len(g.former) > 0 {
			c += " (formerly " + and(g.former) + ")"
		}
		clauses = append(clauses, c)
	}
	var s []string
	clauses = clauses[:min(len(clauses), 40)]
	for len(clauses) > 0 {
		n := min(3, len(clauses))
		if len(clauses) == 4 {
			n = 2
		}
		s = append(s, sentence(strings.Join(clauses[:n], "; ")))
		clauses = clauses[n:]
	}
	if len(rest) > 0 {
		lead := t.vary("rest", "Further names, for which no source says who coined them, are ", "Other names in use, without a stated author, are ", "It also appears as ")
		switch {
		case len(rest) == 1:
			lead = t.vary("rest", "A further name, without a stated author, is ", "It is also called ", "It also appears as ")
		case len(s) == 0:
			lead = t.vary("rest", "It is also known as ", "Other names for it are ", "It also goes by ")
		}
		s = append(s, sentence(lead, andMore(rest, 60, "name")))
	}
	p.para(s...)
	p.para(t.otherNames()...)
}

// otherNames tells of words that sources list among the names and that name
// something else.
func (t *teller) otherNames() []string {
	var s []string
	for _, x := range []struct {
		relation intel.Relation
		one, few string
	}{
		{intel.SponsoredBy, "is listed among its names as well; it is a body that the actor is thought to work for", "are listed among its names as well; they are bodies that the actor is thought to work for"},
		{intel.CampaignName, "is the name of an operation rather than of the actor", "are names of operations rather than of the actor"},
		{intel.SubGroup, "is named as a part of it", "are named as parts of it"},
		{intel.PartOf, "is given as a larger whole that it belongs to", "are given as larger wholes that it belongs to"},
		{intel.Overlaps, "overlaps with it without being the same", "overlap with it without being the same"},
	} {
		var names []string
		seen := map[string]bool{}
		for _, n := range t.d.Names {
			if !n.Gone && n.Relation == x.relation && first(seen, intel.NameKey(n.Value)) && !t.serves(n.Value) {
				names = append(names, t.esc(n.Value))
			}
		}
		if len(names) > 0 {
			s = append(s, sentence(andMore(names, 8, "name"), " ", verb(len(names), x.one, x.few)))
		}
	}
	return s
}

// serves reports whether the name is the title or an alias.
func (t *teller) serves(name string) bool {
	key := intel.NameKey(name)
	return key == intel.NameKey(t.d.Profile.Title) ||
		slices.ContainsFunc(t.d.Profile.Aliases, func(a string) bool { return intel.NameKey(a) == key })
}
