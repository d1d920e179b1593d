package profile

import (
	"slices"
	"strings"

	"dossier/internal/intel"
)

// noun says what sort of actor this is: "espionage group", "threat actor".
func (t *teller) noun() string {
	var kinds []string
	add := func(k string) {
		if !slices.Contains(kinds, k) {
			kinds = append(kinds, k)
		}
	}
	for _, m := range t.d.Motives {
		s := strings.ToLower(m.Value)
		for _, w := range []struct{ in, kind string }{
			{"espionage", "espionage"},
			{"sabotage", "sabotage"},
			{"destruct", "sabotage"},
			{"financial", "financially motivated"},
			{"cybercrime", "financially motivated"},
			{"cyber crime", "financially motivated"},
			{"extortion", "extortion"},
			{"ransom", "extortion"},
			{"hacktivis", "hacktivist"},
			{"influence", "influence operations"},
			{"information operation", "influence operations"},
			{"private sector", "private-sector offensive"},
			{"covert network", "covert network"},
			{"in development", "emerging"},
		} {
			if strings.Contains(s, w.in) {
				add(w.kind)
			}
		}
	}
	has := func(k string) bool { return slices.Contains(kinds, k) }
	base := t.vary("noun", "threat actor", "threat actor", "threat group")
	if t.it == "the group" {
		base = t.vary("noun", "threat group", "group", "threat group")
	}
	switch {
	case has("private-sector offensive"):
		return "private-sector offensive actor"
	case has("covert network"):
		return "covert network"
	case has("espionage") && has("financially motivated"):
		return "espionage and cybercrime group"
	case has("espionage") && has("sabotage"):
		return "espionage and sabotage group"
	case has("espionage"):
		return t.vary("noun", "cyber-espionage group", "espionage group", "cyber-espionage actor")
	case has("financially motivated"):
		return "financially motivated " + base
	case has("extortion"):
		return "extortion group"
	case has("hacktivist"):
		return "hacktivist group"
	case has("influence operations"):
		return "influence-operations actor"
	case has("sabotage"):
		return "sabotage group"
	case has("emerging"):
		return "activity cluster still under study"
	}
	if base == "group" {
		base = "threat group"
	}
	return base
}

// originLabels returns the served countries with their articles.
func (t *teller) originLabels() []string {
	var out []string
	for _, o := range t.d.Profile.Origins {
		out = append(out, t.esc(theCountry(o.Label)))
	}
	return out
}

// doubtful reports whether the served origin is one of low confidence, or one
// on which the sources do not agree.
func (t *teller) doubtful() bool {
	if t.d.OriginsDiffer {
		return true
	}
	o := t.d.Origins
	return len(o) > 0 && o[0].Value.Confidence > 0 && o[0].Value.Confidence < 50 || t.guarded()
}

// guarded reports whether the served origin is out of a text that says so only
// with reserve: "suspected", "believed to be".
func (t *teller) guarded() bool {
	o := t.d.Origins
	return len(o) > 0 && o[0].Value.Prose && o[0].Value.Confidence > 0 && o[0].Value.Confidence <= 50
}

// whoClause is "X is a Russian espionage group" with what is known of its
// origin.
func (t *teller) whoClause(noun string) string {
	origins := t.originLabels()
	title := t.title()
	switch {
	case len(origins) == 0:
		return title + " is " + a(noun)
	case t.d.OriginsDiffer:
		return title + " is " + a(noun) + " attributed to " + and(origins) + ", though sources differ"
	case t.guarded():
		return title + " is " + a(noun) + t.vary("guarded", " thought to operate out of ", " suspected to be from ", " believed to be based in ") + and(origins)
	case t.doubtful():
		return title + " is " + a(noun) + " attributed, with low confidence, to " + and(origins)
	}
	adjective := ""
	if len(origins) == 1 {
		adjective = t.esc(demonym(t.d.Profile.Origins[0].Code))
	}
	switch t.vary("who", "from", "adjective", "linked") {
	case "adjective":
		if adjective != "" {
			return title + " is " + a(adjective+" "+noun)
		}
	case "linked":
		return title + " is " + a(noun) + " linked to " + and(origins)
	}
	return title + " is " + a(noun) + " attributed to " + and(origins)
}

// sinceClause is ", active since at least 2004", as far as the date is one of
// activity; "" otherwise.
func (t *teller) sinceClause() string {
	if d := t.activity().Value; !d.IsZero() {
		return since(d)
	}
	return ""
}

// activity returns the date served if it tells of activity, else nothing.
func (t *teller) activity() intel.Sourced[intel.Date] {
	if d := t.d.FirstActive; active(d.Value) {
		return d
	}
	return intel.Sourced[intel.Date]{}
}

// since prints the date from which something was active. A year, a campaign's
// beginning and a date out of prose are lower bounds.
func since(d intel.Date) string {
	if d.Precision == intel.Year || d.Basis == intel.BasisCampaign || d.Basis == intel.BasisProse {
		return "since at least " + when(d)
	}
	return "since " + when(d)
}

// targetWords returns the sectors, the countries and regions, and the other
// words among the served targets, as one speaks of them.
func (t *teller) targetWords() (sectors, places, others []string) {
	seen := map[string]bool{}
	for i, c := range t.d.Targets {
		var word string
		list := &others
		switch t.f.groups[i] {
		case sectorTarget:
			word, list = t.esc(sectorWord(c.Served)), &sectors
		case countryTarget, regionTarget:
			word, list = t.esc(theCountry(c.Served)), &places
		default:
			word = t.esc(c.Served)
		}
		if first(seen, strings.ToLower(word)) {
			*list = append(*list, word)
		}
	}
	return sectors, places, others
}

// placeNoun is what the places among the targets are: "country", or "place"
// where there are regions among them.
func (t *teller) placeNoun() string {
	if slices.Contains(t.f.groups, regionTarget) {
		return "place"
	}
	return "country"
}

// namesBy groups the names by the organisation that uses them, in the order in
// which a reader looks for them; the rest are names whose author nobody states.
func (t *teller) namesBy() (by []nameGroup, rest []string) {
	title := t.d.Profile.Title
	for _, n := range t.f.coinedNames() {
		name := t.esc(n.name)
		if len(n.by) == 0 {
			if n.name != title {
				rest = append(rest, name)
			}
			continue
		}
		for _, org := range n.by {
			i := slices.IndexFunc(by, func(g nameGroup) bool { return g.raw == org })
			if i < 0 {
				i = len(by)
				by = append(by, nameGroup{raw: org, org: t.esc(org)})
			}
			if n.former {
				by[i].former = append(by[i].former, name)
			} else {
				by[i].names = append(by[i].names, name)
			}
		}
	}
	t.microsoft(by)
	slices.SortStableFunc(by, func(x, y nameGroup) int { return vendorPlace(x.raw) - vendorPlace(y.raw) })
	return by, rest
}

// microsoft tells Microsoft's present name from its former ones: the present one
// is the title of its record.
func (t *teller) microsoft(by []nameGroup) {
	i := slices.IndexFunc(by, func(g nameGroup) bool { return g.raw == "Microsoft" })
	if i < 0 {
		return
	}
	for _, m := range t.f.fields {
		if m.Publisher != intel.MicrosoftNaming {
			continue
		}
		key := intel.NameKey(m.Title)
		at := slices.IndexFunc(by[i].names, func(n string) bool { return intel.NameKey(n) == key })
		if at >= 0 {
			now := by[i].names[at]
			by[i].former = append(without(by[i].names, now), by[i].former...)
			by[i].names = []string{now}
			return
		}
	}
}

type nameGroup struct {
	raw, org      string
	names, former []string
}

// vendors are the organisations whose names are best known, in that order.
var vendors = []string{
	"Microsoft", "CrowdStrike", "Mandiant", "Google", "FireEye", "Secureworks", "Palo Alto Networks", "Kaspersky", "ESET",
	"Proofpoint", "Symantec", "Trend Micro", "Recorded Future", "Cisco Talos", "SentinelOne", "Check Point",
}

func vendorPlace(org string) int {
	if i := slices.Index(vendors, org); i >= 0 {
		return i
	}
	return len(vendors)
}
