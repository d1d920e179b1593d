package resolve

import "dossier/internal/intel"

// A pair is a record and a cell with all that speaks for joining them.
type pair struct {
	node, cell int32
	kind       intel.Kind
	score      float64
	evidence   []Evidence
	rule       Rule // of the strongest evidence
	strong     int  // names that are not weak, stated by one member
	weak       int
	sole       bool // the one strong name is nobody else's, and the title of a side
	titles     bool // equal titles
	titled     bool // equal titles that are not weak
	kindly     bool // equal titles that are a temporary id, or a software name of two actors
	named      bool // the title of a record of no curated list is a software name that one actor alone has
	curated    int  // publishers with distinct lists that have one of the names here
	country    int
	documents  int
}

// enough says whether the evidence suffices to join, or what is missing.
//
// Names of software, and temporary ids, join nothing by themselves. But where
// two sources have an entry of that title as an actor, titles and kinds agree;
// and an entry outside the curated lists, such as a list of indicators, that is
// called what two of these lists call one actor and no other, is about that one.
func (p *pair) enough() string {
	switch {
	case p.rule == RuleSameAs, p.rule == RuleUUID:
		return ""
	case p.rule == RuleExternalID && p.score >= 2:
		return ""
	case p.strong == 0 && p.named && p.curated > 1 && p.country >= 0:
		return ""
	case p.score < threshold:
		return "too little"
	case p.strong >= 2:
		return ""
	case p.country < 0:
		return "countries differ"
	case p.strong == 1 && (p.titles || p.sole && (p.kind == intel.Actor || p.documents > 0) || p.weak > 0 || p.documents > 0 && (p.kind == intel.Actor || p.country > 0)):
		// Tools are often called by one ordinary word, so that a name shared
		// with a tool of another title needs a report that both cite.
		return ""
	case p.kindly:
		return ""
	case p.strong == 0 && p.titles && (p.weak > 1 || p.country > 0 || p.documents > 0):
		return ""
	case p.strong == 0 && p.weak > 2 && p.country > 0:
		return ""
	case p.strong == 0:
		return "weak names only"
	}
	return "a single name"
}
