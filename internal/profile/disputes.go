package profile

import (
	"slices"
	"strings"

	"dossier/internal/intel"
	"dossier/internal/vocab"
)

// countryClaim returns the common name of a country that a source names, or the
// source's own word.
func (t *teller) countryClaim(word string) string {
	if c, ok := vocab.CountryOf(word); ok {
		return t.esc(theCountry(c.Label))
	}
	return t.esc(word)
}

// disputes is about what the sources do not agree on and where the profile's
// borders are soft.
func (t *teller) disputes(p *page) {
	p.section("Disputes and related names")
	var s []string
	if t.d.OriginsDiffer {
		served := t.originLabels()
		var others []string
		for _, o := range t.d.Origins {
			c := t.countryClaim(o.Value.Country)
			if !slices.Contains(served, c) && !slices.Contains(others, c) {
				others = append(others, c)
			}
		}
		s = append(s, sentence("The sources do not agree on its origin: this profile serves ", and(served),
			", while ", and(others), " ", verb(len(others), "is", "are"), " also named"))
	}
	s = append(s, t.kin()...)
	p.para(s...)
	for _, e := range t.events(dispute) {
		p.item(e)
	}
}

// kin says how the profile stands to others.
func (t *teller) kin() []string {
	type kind struct {
		relation intel.Relation
		incoming bool
	}
	var s []string
	done := map[string]bool{}
	for _, x := range []struct {
		kinds []kind
		lead  string
		tail  string
	}{
		{[]kind{{intel.PartOf, false}, {intel.SubGroup, true}}, "It is described as part of ", ""},
		{[]kind{{intel.PartOf, true}, {intel.SubGroup, false}}, "Described as parts of it: ", ""},
		{[]kind{{intel.Same, false}, {intel.Same, true}}, "At least one source takes it for the same as ", ", which this database keeps apart"},
		{[]kind{{intel.Overlaps, false}, {intel.Overlaps, true}}, "Its activity overlaps with that of ", ""},
		{[]kind{{intel.Formerly, false}, {intel.Formerly, true}}, "One of the two names has superseded the other for ", ""},
		{[]kind{{intel.Similar, false}, {intel.Similar, true}}, "Listed as similar: ", ""},
		{[]kind{{intel.Related, false}, {intel.Related, true}}, "Sources relate it to ", ""},
	} {
		var names []string
		for _, r := range t.d.Related {
			if slices.Contains(x.kinds, kind{r.Relation, r.Incoming && directed(r.Relation)}) && first(done, intel.NameKey(r.Title)) {
				names = append(names, t.esc(r.Title))
			}
		}
		if len(names) == 0 {
			continue
		}
		lead := x.lead
		if lead == "Described as parts of it: " && len(names) == 1 {
			s = append(s, sentence(names[0], " is described as part of it"))
			continue
		}
		if strings.HasPrefix(lead, "Listed as similar") {
			s = append(s, sentence(andMore(names, 8, "profile"), verb(len(names), " is", " are"), " listed as similar, which does not mean the same"))
			continue
		}
		s = append(s, sentence(lead, andMore(names, 8, "profile"), x.tail))
	}
	return s
}

func directed(r intel.Relation) bool {
	return r == intel.PartOf || r == intel.SubGroup
}
