package profile

import (
	"strings"

	"dossier/internal/intel"
)

// obtaining says how the attacker comes by the tool.
func (t *teller) obtaining(p *page) {
	p.section("How it is obtained")
	by := and(t.publishers([]intel.Ref{t.d.Availability.From}))
	switch t.d.Availability.Value {
	case intel.Custom:
		p.para(sentence(by, " lists it as custom: made by or for those who use it, and not offered to others"))
	case intel.Commodity:
		p.para(sentence(by, " lists it as a commodity, sold or rented to anyone who pays, so that its use alone identifies nobody"))
	case intel.Public:
		p.para(sentence("According to ", by, " it is publicly available, so that finding it says little about who is behind an intrusion"))
	}
}

// usersSection says who uses the tool, and through which campaigns that is
// known.
func (t *teller) usersSection(p *page) {
	p.section("Who uses it")
	var direct, via, loose []string
	for _, u := range t.d.Users {
		switch {
		case u.Kind == intel.Campaign:
			loose = append(loose, t.esc(u.Title))
		case u.Via != "":
			via = append(via, t.esc(u.Title)+" (in "+t.esc(u.Via)+")")
		default:
			direct = append(direct, t.esc(u.Title))
		}
	}
	var s []string
	if len(direct) > 0 {
		s = append(s, sentence(t.vary("usedby", "Sources name ", "Its use is reported for ", "Those said to use it are "), and(direct)))
		if strings.HasPrefix(s[0], "Sources") {
			s[0] = strings.TrimSuffix(s[0], ".") + " as " + verb(len(direct), "its user.", "its users.")
		}
		if strings.HasPrefix(s[0], "Those") && len(direct) == 1 {
			s[0] = sentence("The only actor said to use it is ", direct[0])
		}
	}
	if len(via) > 0 {
		s = append(s, sentence("Through campaigns it is ", map[bool]string{true: "also ", false: ""}[len(direct) > 0], "tied to ", and(via)))
	}
	if len(loose) > 0 {
		s = append(s, sentence("It was seen in ", and(loose), ", which no source attributes to a known actor"))
	}
	p.para(s...)
}
