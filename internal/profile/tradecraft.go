package profile

import (
	"cmp"
	"slices"
	"strings"

	"dossier/internal/intel"
)

// distinctive is how many techniques are told in full; the rest is listed.
const distinctive = 30

// tradecraft returns the Markdown on techniques and tools, "" where no source
// states any.
func (t *teller) tradecraft() string {
	if len(t.d.Techniques) == 0 && len(t.d.Tools) == 0 {
		return ""
	}
	p := &page{limit: MaxTradecraft}
	full, rest := t.rank()
	p.para(t.tradecraftLead(len(rest) > 0)...)
	if len(rest) > 0 {
		p.section("Distinctive techniques")
	} else {
		p.section("Techniques")
	}
	for _, g := range byTactic(full) {
		p.subsection(cmp.Or(t.esc(g.name), "Tactic not stated"))
		for _, u := range g.uses {
			p.item(t.technique(u))
		}
	}
	p.section("Further techniques")
	for _, g := range byTactic(rest) {
		var names []string
		for _, u := range g.uses {
			names = append(names, t.techniqueLabel(u))
		}
		p.item("**" + cmp.Or(t.esc(g.name), "Tactic not stated") + "**: " + sentence(strings.Join(names, "; ")))
	}
	t.toolsSection(p)
	return p.b.String()
}

// rank divides the techniques: those that few other profiles use, to be told in
// full, and the rest. Both stay ordered, the first by rarity, the second by id.
func (t *teller) rank() (full, rest []intel.TechniqueUse) {
	ids := make([]string, len(t.d.Techniques))
	byID := make(map[string]intel.TechniqueUse, len(ids))
	for i, u := range t.d.Techniques {
		ids[i], byID[u.ID] = u.ID, u
	}
	all := t.f.w.Rarest(ids)
	n := len(all)
	if n > distinctive+5 {
		n = distinctive
	}
	for i, id := range all {
		if i < n {
			full = append(full, byID[id])
		} else {
			rest = append(rest, byID[id])
		}
	}
	slices.SortStableFunc(rest, func(a, b intel.TechniqueUse) int { return cmp.Compare(a.ID, b.ID) })
	return full, rest
}

func (t *teller) tradecraftLead(split bool) []string {
	var have []string
	if n := len(t.d.Techniques); n > 0 {
		have = append(have, count(n, "technique"))
	}
	if n := len(t.d.Tools); n > 0 {
		have = append(have, count(n, "tool"))
	}
	var refs []intel.Ref
	texts := false
	for _, u := range t.d.Techniques {
		refs, texts = append(refs, u.From), texts || u.Text != ""
	}
	for _, l := range t.d.Tools {
		refs, texts = append(refs, l.From), texts || l.Text != ""
	}
	by := t.publishers(refs)
	subject := and(by)
	s := []string{sentence(subject, " ", verb(len(by), "ties", "tie"), " ", and(have), " to ", t.title())}
	if !t.actor() {
		s[0] = sentence("According to ", subject, ", ", t.title(), " implements ", and(have))
	}
	if split {
		s = append(s, t.vary("split",
			"The ones that few other profiles share come first; what many have in common is listed after them.",
			"Told in full are those that set it apart, since few other profiles have them; the common ones follow as a list.",
			"First come those that are rare among the profiles known here, then the rest in brief."))
	} else if len(t.d.Techniques) > 5 {
		s = append(s, "Within each tactic the rarer ones come first.")
	}
	if texts {
		s = append(s, sentence("The remarks after the names are quoted from ", subject))
	}
	return s
}

func (t *teller) techniqueLabel(u intel.TechniqueUse) string {
	if u.Name == "" {
		return u.ID
	}
	return t.esc(u.Name) + " (" + u.ID + ")"
}

// technique is a line on one technique.
func (t *teller) technique(u intel.TechniqueUse) string {
	line := "**" + t.esc(cmp.Or(u.Name, u.ID)) + "** (" + u.ID + ")"
	if u.Name == "" {
		line = "**" + u.ID + "**"
	}
	text := inline(u.Text, 700)
	if u.Via != "" && !strings.Contains(text, u.Via) {
		line += ", seen in " + t.esc(u.Via)
	}
	if text != "" {
		return line + ": " + text
	}
	return line
}

// toolsSection lists the tools, marked by how they are obtained.
func (t *teller) toolsSection(p *page) {
	if t.actor() {
		p.section("Malware and tools")
	} else {
		p.section("Related tools")
	}
	groups := []struct {
		availability intel.Availability
		title        string
	}{
		{intel.Custom, "Custom"},
		{intel.Commodity, "Commodity"},
		{intel.Public, "Public"},
		{"", "Availability unknown"},
	}
	grouped := len(t.d.Tools) > 6
	for _, g := range groups {
		if grouped {
			p.subsection(g.title)
		}
		for _, l := range t.d.Tools {
			if l.Availability == g.availability || g.availability == "" && !slices.Contains([]intel.Availability{intel.Custom, intel.Commodity, intel.Public}, l.Availability) {
				p.item(t.tool(l, !grouped))
			}
		}
	}
}

// tool is a line on one tool.
func (t *teller) tool(l intel.ProfileLink, mark bool) string {
	line := "**" + t.esc(l.Title) + "**"
	if l.ExternalID != "" {
		line += " (" + t.esc(l.ExternalID) + ")"
	}
	var facts []string
	for _, s := range l.ToolTypes {
		if w := t.esc(typeWord(s)); w != "" && !slices.Contains(facts, w) {
			facts = append(facts, w)
		}
	}
	if mark {
		switch l.Availability {
		case intel.Custom, intel.Commodity, intel.Public:
			facts = append([]string{string(l.Availability)}, facts...)
		default:
			facts = append(facts, "availability unknown")
		}
	}
	text := inline(l.Text, 500)
	if l.Via != "" && !strings.Contains(text, l.Via) {
		facts = append(facts, "seen in "+t.esc(l.Via))
	}
	if len(facts) > 0 {
		line += ", " + strings.Join(facts, ", ")
	}
	if text != "" {
		return line + ": " + text
	}
	return line
}
