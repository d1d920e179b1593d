package facts

import (
	"strings"

	"dossier/internal/vocab"
)

// seat reads "operates out of China", "based in Brazil", "of Chinese origin".
func (d *document) seat(sen *sentence, k int, by string) {
	if !seats[sen.l(k)] || !seatPreps[sen.l(k+1)] {
		return
	}
	if sen.negated(k-6, k) || relative(sen, k) {
		return
	}
	if sen.l(k) == "located" && sen.has(max(0, sen.at), k, aims) {
		return
	}
	if sen.l(k) == "based" && k > 0 {
		// "organizations based in Ukraine" are victims.
		prev := sen.tok[k-1]
		if !(prev.ref != refNone || oneOf(prev.l, "is", "are", "be", "was", "likely", "reportedly", "allegedly", "believed", "primarily", "possibly", "probably", ",", "group", "actor", "gang", "mainly", "team", "collective", "actors")) {
			return
		}
	}
	if oneOf(sen.l(k), "operating", "operates", "operated", "operate", "located") && (sen.l(k+1) == "in" || sen.l(k+1) == "within") {
		// Where it operates may be where its victims are.
		if sen.l(k) != "located" || !oneOf(sen.l(k-1), "is", "are", "be", "likely", "group") {
			return
		}
	}
	if oneOf(sen.l(k), "originating", "originated", "originates") && sen.at >= 0 && k > sen.at+16 {
		return
	}
	for i := k + 2; i < min(k+9, len(sen.tok)); i++ {
		w := sen.l(i)
		if oneOf(w, "targeting", "that", "which", ";", "and", "using", "infrastructure", "servers", "ip") {
			return
		}
		p := sen.placeAt(i)
		if p.n == 0 {
			continue
		}
		if p.country.Code != "" && p.suffix == "" && p.prefix == "" && p.noun {
			d.addOrigin(p.country, confidence(sen, k), by)
			if sen.l(i+p.n) == "and" || sen.l(i+p.n) == "or" {
				if q := sen.placeAt(i + p.n + 1); q.country.Code != "" && q.noun && q.suffix == "" {
					d.addOrigin(q.country, confidence(sen, k), by)
				}
			}
		}
		return
	}
}

// roots reads "of likely Chinese origin", "has South Korean origins".
func (d *document) roots(sen *sentence, k int, by string) {
	if !oneOf(sen.l(k), "of", "have", "has", "having", "with") && !(sen.l(k) == "from" && actorNouns[sen.l(k-1)]) || sen.negated(k-4, k) || relative(sen, k) {
		return
	}
	for i := k + 1; i < min(k+5, len(sen.tok)); i++ {
		p := sen.placeAt(i)
		if p.n == 0 {
			continue
		}
		if sen.l(k) == "from" {
			if p.country.Code != "" && p.noun && p.prefix == "" && p.suffix == "" {
				d.addOrigin(p.country, confidence(sen, i), by)
			}
			return
		}
		if p.country.Code != "" && p.prefix == "" && p.suffix == "" && oneOf(sen.l(i+p.n), "origin", "origins", "roots", "nexus") {
			d.addOrigin(p.country, confidence(sen, i), by)
		}
		return
	}
}

// relative reports that token k stands in a relative clause about something
// other than the subject: "… overlaps with X, which is believed to have …".
func relative(sen *sentence, k int) bool {
	for j := k - 1; j > max(sen.at, k-9, 0); j-- {
		if !oneOf(sen.l(j), "who", "which", "whom", "that") {
			continue
		}
		a := j - 1
		if sen.l(a) == "," {
			a--
		}
		if a < 0 || sen.tok[a].ref == refSelf || sen.tok[a].ref == refThis {
			return false
		}
		if sen.tok[a].ref == refOther || sen.l(j-1) == "," && !actorNouns[sen.l(a)] {
			return true
		}
		for b := a; b >= max(sen.at, a-6, 0); b-- {
			switch sen.l(b) {
			case "is", "are", "was", "were", "as":
				return j > sen.at+14
			case "to", "with", "by", "against", "from", "like":
				return true
			}
		}
		return j > sen.at+12
	}
	return false
}

// selfStyled are words by which an actor says itself where it is from.
var selfStyled = set("claims claim claimed claiming identifying self-proclaimed purporting self-described calling pretending posing")

// victimsAhead are nouns before a tie that say that victims are tied.
var victimsAhead = set("organizations organisations entities individuals companies targets websites victims people users institutions persons tools malware infrastructure domains attacks")

// tie reads "attributed to Russia's GRU", "linked to the Iranian government",
// "working for China's Ministry of State Security".
func (d *document) tie(sen *sentence, k int, by string) {
	words := 0
	for _, t := range ties {
		first, second, two := strings.Cut(t, " ")
		if sen.l(k) == first && (!two || sen.l(k+1) == second) {
			words = 1
			if two {
				words = 2
			}
			break
		}
	}
	if words == 0 && oneOf(sen.l(k), "linked", "attributed", "tied", "connected") && k+2 < len(sen.tok) && sen.tok[k+1].ref == refSelf && sen.l(k+2) == "to" {
		words = 3
	}
	if words == 0 || sen.negated(max(0, k-8), k) {
		return
	}
	switch sen.l(k - 1) {
	case "commonly", "typically", "ttps", "tools", "techniques", "infrastructure", "tactics", "malware", "often", "indicators":
		return // what is known of others
	}
	for j := max(0, k-5); j < k; j++ {
		if oneOf(sen.l(j), "other", "multiple", "various", "several", "another") && sen.has(j+1, k, actorNouns) {
			return // it deals with others that are
		}
	}
	if relative(sen, k) || sen.has(k-4, k, victimsAhead) && sen.tok[max(0, k-1)].ref == refNone {
		return
	}
	weak := words == 1 // "within", "under", "with": only before a body
	conf := confidence(sen, k)
	end := min(k+words+28, len(sen.tok))
	found := false
	for i := k + words; i < end; i++ {
		w := sen.l(i)
		if stopTie[w] || sen.tok[i].ref != refNone && i > k+words {
			break
		}
		if b, unit, n := bodyAt(sen, i); n > 0 {
			if weak && (i > k+words+3 || !oneOf(sen.l(k-1), "ties", "links", "affiliation", "affiliated", "associated", "contract", "contracts", "unit", "group", "actor", "officers", "contractor", "connections", "element", "entity", "organization", "component", "team")) {
				break
			}
			d.addAffiliation(bodyName(b, unit), by)
			if c, ok := vocab.CountryByCode(b.country); ok {
				d.addOrigin(c, conf, by)
			}
			return
		}
		p := sen.placeAt(i)
		if p.n == 0 {
			if i > k+words+10 && found {
				break
			}
			continue
		}
		if weak || p.country.Code == "" || p.prefix != "" || oneOf(p.suffix, "speaking", "language", "focused", "centric", "themed") {
			i += p.n - 1
			continue
		}
		next := sen.l(i + p.n)
		switch {
		case found:
		case i > k+words+7:
		case !plainWay(sen, k+words, i):
		case sen.tok[i+p.n-1].poss, p.suffix != "", !p.noun && states[next]:
			d.addOrigin(p.country, conf, by)
			found = true
		case p.noun && i <= k+words+4 && (next == "" || next == "." || next == "," || next == "and" || next == "-" || next == "(" || next == ")" || next == "with" || next == "that" || states[next] || next == "based" || next == "by" || next == "since" || next == "active" || next == "targeting" || next == "primarily" || next == "known"):
			d.addOrigin(p.country, conf, by)
			found = true
		}
		i += p.n - 1
	}
}

// plainWay reports that between a tie and a country only words stand that keep
// them together: "attributed to actors operating out of China", not "linked to
// an attack on Italy's university".
func plainWay(sen *sentence, from, to int) bool {
	for j := from; j < to; j++ {
		if !wayWords[sen.l(j)] && !hedges[sen.l(j)] {
			return false
		}
	}
	return true
}

var wayWords = set("the a an actors actor groups operating out of from in government individuals threat state hackers persons people based within and or to with by affiliated associated working for linked two several unknown sponsored individual nationals its same broader single other more 1st 2nd 3rd bureau")

var stopTie = set("cyberattack cyberattacks incident that which who targeting targeted targets using since because while when where but against ; attack attacks campaign campaigns intrusion intrusions malware exploitation compromise breach activity activities interests infrastructure deployment use including conducting victims")

// targeting reports whether token k stands in a phrase about victims.
func targeting(sen *sentence, k int) bool {
	for i := k - 1; i >= max(0, k-14); i-- {
		switch sen.l(i) {
		case "targeting", "targeted", "targets", "target", "against", "victims", "attacking", "victim", "compromised", "compromising":
			return true
		case "is", "are", "was", ";", "been", "believed", "and":
			if sen.l(i) != "and" {
				return false
			}
		}
	}
	return false
}

// officers reads "indicted five GRU Unit 26165 officers associated with X".
func (d *document) officers(sen *sentence) {
	for k := range sen.tok {
		if sen.tok[k].ref != refSelf && sen.tok[k].ref != refThis {
			continue
		}
		if !oneOf(sen.l(k-1), "with", "of", "as") || !oneOf(sen.l(k-2), "associated", "members", "part", "known", "affiliated") {
			continue
		}
		for i := max(0, k-10); i < k; i++ {
			b, unit, n := bodyAt(sen, i)
			if n == 0 || unit == "" {
				continue
			}
			for j := i + n; j < k; j++ {
				if oneOf(sen.l(j), "officers", "officer", "members", "employees", "hackers", "personnel") {
					d.addAffiliation(bodyName(b, unit), "")
					if c, ok := vocab.CountryByCode(b.country); ok {
						d.addOrigin(c, 0, "")
					}
					return
				}
			}
		}
	}
}
