package resolve

import (
	"fmt"
	"slices"
	"strings"

	"dossier/internal/intel"
)

// label names a record for people: its publisher, and its own id there or its
// title: "mitre-attack G0007".
func (a *assignment) label(i int32) string { return labelOf(a.nodes[i].rec) }

func labelOf(r *intel.Record) string {
	for _, id := range r.IDs {
		if owns(r.Publisher, id.Issuer) && id.ID != "" {
			return r.Publisher + " " + id.ID
		}
	}
	if r.Title == "" {
		return r.Publisher + " " + r.Key
	}
	return r.Publisher + " " + r.Title
}

// reasonOf puts a pair's evidence into words.
func (a *assignment) reasonOf(p *pair) Reason {
	return Reason{Rule: p.rule, Evidence: p.evidence, Score: p.score, Text: a.sentence(p)}
}

// sentence says what the record shares with the strongest of the members.
func (a *assignment) sentence(p *pair) string {
	var names, extra []string
	var by intel.Ref
	for _, e := range p.evidence {
		switch e.Kind {
		case ByName, ByTitle:
			if by.IsZero() {
				by = e.By
			}
			names = append(names, e.Name)
		case ByID:
			return fmt.Sprintf("cites %s of %s", e.Name, e.By.Publisher)
		case ByLink:
			who := a.label(a.byRef[e.By])
			if p.rule == RuleUUID {
				return "has the UUID of " + who
			}
			return "is linked as the same as " + who
		case ByReference:
			if !slices.Contains(extra, "a report") {
				extra = append(extra, "a report")
			}
		case ByCountry:
			if e.Weight > 0 {
				extra = append(extra, "the country "+e.Name)
			}
		}
	}
	if len(names) == 0 {
		return "shares " + strings.Join(extra, " and ")
	}
	text := "shares " + names[0]
	switch n := len(names); {
	case n == 2:
		text += " and " + names[1]
	case n == 3:
		text += ", " + names[1] + " and " + names[2]
	case n > 3:
		text += fmt.Sprintf(", %s and %d more names", names[1], n-2)
	}
	text += " with " + a.label(a.byRef[by])
	if len(names) < 3 && len(extra) > 0 {
		text += ", and " + strings.Join(extra, " and ")
	}
	return text
}
