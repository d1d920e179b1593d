package facts

import (
	"slices"
	"strings"

	"dossier/internal/intel"
)

// authorities are the hosts whose pages announce measures, and who speaks
// there.
var authorities = []struct{ host, path, agent string }{
	{"justice.gov", "", "The U.S. Department of Justice"},
	{"home.treasury.gov", "", "The U.S. Department of the Treasury"},
	{"treasury.gov", "", "The U.S. Department of the Treasury"},
	{"ofac.treasury.gov", "", "The U.S. Department of the Treasury"},
	{"europol.europa.eu", "", "Europol"},
	{"eurojust.europa.eu", "", "Eurojust"},
	{"nationalcrimeagency.gov.uk", "", "The UK National Crime Agency"},
	{"fbi.gov", "", "The FBI"},
	{"gov.uk", "/government/", "The UK government"},
	{"consilium.europa.eu", "", "The Council of the European Union"},
	{"state.gov", "", "The U.S. Department of State"},
	{"politie.nl", "", "The Dutch police"},
	{"bka.de", "", "The German Federal Criminal Police"},
}

// lawReference reads a reference's title and address.
func (d *document) lawReference(ref intel.Reference) {
	host, path := splitURL(ref.URL)
	agent := ""
	for _, a := range authorities {
		if (host == a.host || strings.HasSuffix(host, "."+a.host)) && strings.HasPrefix(path, a.path) {
			agent = a.agent
			break
		}
	}
	title := strings.ToLower(ascii(titleOf(ref.Title)))
	words := wordsOf(title + " " + strings.ToLower(path))
	m := measureIn(words, agent != "")
	if m == noMeasure && agent == "The U.S. Department of Justice" && versus(words) {
		m = charges
	}
	if m == noMeasure {
		return
	}
	if agent == "" {
		court := strings.Contains(title, "indictment - united states") || strings.Contains(title, "united states of america v")
		switch {
		case court:
			m = indictment
			agent = "The U.S. Department of Justice"
		case m == disruption || m == takedown || m == seizure || m == sanctions || m == charges && !pressCharges(words):
			return
		case !d.namedIn(title+" "+strings.ToLower(path)) || comment(words):
			return
		}
	}
	date := ref.Date
	if date.IsZero() {
		date = citedDate(ref.Title)
	}
	if date.Precision != intel.Day && date.Precision != intel.Exact && date.Precision != intel.Month && date.Precision != intel.Year {
		date = intel.Date{}
	}
	d.addLaw(m, agent, date, ref, false)
}

// measureIn finds the measure that words tell of; the law's own pages use more
// words for it than others may.
func measureIn(words []string, official bool) measure {
	best := noMeasure
	for i, w := range words {
		m := measureWords[w]
		if m == noMeasure {
			continue
		}
		if m == charges && i+1 < len(words) && words[i+1] == "of" {
			continue
		}
		if !official && (w == "seize" || w == "disrupt" || w == "pleads" && (i+1 >= len(words) || words[i+1] != "guilty")) {
			continue
		}
		// "charged … indicted": the first of indictment, charges, sanctions.
		if best == noMeasure || m < best {
			best = m
		}
	}
	if official && best == noMeasure {
		for i := range words {
			if words[i] == "charged" || words[i] == "taken" && i+1 < len(words) && words[i+1] == "down" {
				best = takedown
			}
		}
	}
	return best
}

// versus reports whether a title is a case: "U.S. v. Rafatnejad et al".
func versus(words []string) bool {
	for i, w := range words {
		if (w == "v" || w == "vs") && i > 0 && (words[i-1] == "us" || words[i-1] == "states" || words[i-1] == "america") {
			return true
		}
	}
	return false
}

func pressCharges(words []string) bool {
	for _, w := range words {
		if w == "charged" {
			return true
		}
	}
	return false
}

// comment reports that an article writes about a measure after the fact, so
// that its date is not that of the measure.
func comment(words []string) bool {
	for _, w := range words {
		switch w {
		case "after", "despite", "following", "analysis", "story", "inside", "unabated", "evade", "focus", "wake", "since", "circumvent", "leaking", "days":
			return true
		}
	}
	return false
}

// namedIn reports whether a folded name of the record stands in a lower-case
// title or address.
func (d *document) namedIn(text string) bool {
	if d.keys == nil {
		d.keys = []string{}
		add := func(name string) {
			if k := intel.NameKey(name); len(k) > 3 {
				d.keys = append(d.keys, k)
			}
		}
		add(d.r.Title)
		for _, n := range d.r.Names {
			if n.Relation == "" || n.Relation == intel.Same {
				add(n.Value)
			}
		}
	}
	key := intel.NameKey(text)
	return slices.ContainsFunc(d.keys, func(k string) bool { return strings.Contains(key, k) })
}
