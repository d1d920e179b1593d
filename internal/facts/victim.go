package facts

import (
	"strings"

	"dossier/internal/intel"
	"dossier/internal/vocab"
)

// victim adds a place that stands in a list of victims.
func (d *document) victim(sen *sentence, p place, k, end int) {
	if p.prefix != "" || p.suffix != "" && !oneOf(p.suffix, "based", "located") {
		return
	}
	if doers[sen.l(k-1)] && !(sen.l(k-1) == "as" && oneOf(sen.l(k-2), "such", "well")) && k > 0 || sen.l(k-1) == "like" && !oneOf(sen.l(k-2), "countries", "nations", "places") {
		return
	}
	next := sen.l(k + p.n)
	// "German, Italian and Japanese speakers" are no countries.
	if !p.noun {
		for j := k + p.n; j < len(sen.tok); {
			if q := sen.placeAt(j); q.n > 0 && !q.noun {
				j += q.n
				continue
			}
			if w := sen.l(j); w != "," && w != "and" && w != "or" {
				if emigrants[w] && w != "interests" || oneOf(w, "speaker", "language") {
					return
				}
				break
			}
			j++
		}
	}
	if emigrants[next] && !p.noun {
		return
	}
	switch next {
	case "hackers", "language", "malware", "apt", "lures":
		return
	case "-":
		if oneOf(sen.l(k+p.n+1), "speaking", "language") {
			return
		}
	}
	if p.country.Code != "" {
		d.addTarget(intel.TargetCountry, p.country.Label)
		return
	}
	if sen.l(k-1) == "of" && oneOf(sen.l(k-2), "allies", "supporters", "opponents", "critics", "friends") {
		return
	}
	if t := k + p.n; !p.noun && p.country.Code == "" && t < end && sen.tok[t].word && sen.tok[t].upper() && sen.tok[t].s != strings.ToUpper(sen.tok[t].s) && sen.placeAt(t).n == 0 {
		return // Central European University
	}
	// "European Union" is no region, "Asian American" none either.
	if next == "union" || next == "american" {
		return
	}
	d.addTarget(intel.TargetRegion, p.region.Name)
}

// sectorAt adds the sector whose words start at token k, and returns how many
// they are.
func (d *document) sectorAt(sen *sentence, k, from, end int) int {
	if !sen.tok[k].word || sen.tok[k].ref != refNone {
		return 0
	}
	if sen.l(k) == "industrial" && oneOf(sen.l(k-1), "multiple", "various", "several", "many", "different") {
		return 1
	}
	for n := min(4, end-k); n > 0; n-- {
		ok := true
		for j := k; j < k+n; j++ {
			t := sen.tok[j]
			if !t.word && t.l != "-" || t.ref != refNone || (t.l == "and" || t.l == "of" || t.l == "in" || t.l == "the") && (j == k || j == k+n-1) {
				ok = false
			}
		}
		if !ok {
			continue
		}
		s, found := vocab.SectorOf(joined(sen.tok[k : k+n]))
		if !found {
			continue
		}
		if notSector(sen, k, n) || properName(sen, k, n, from) {
			return n
		}
		if n == 1 {
			w := sen.l(k)
			if w == "it" && sen.tok[k].s != "IT" || w == "ics" && sen.tok[k].s != "ICS" {
				return 1
			}
			if general1[w] {
				return 1
			}
			if (loose[w] || loose[strings.TrimSuffix(w, "s")]) && !d.collected(sen, k+1, end) && !listed(sen, k, from, end) {
				return 1
			}
		}
		if n == 2 && loose[sen.l(k)] && !collective[sen.l(k+1)] && general2[sen.l(k+1)] {
			return n
		}
		if s.Sub == "Individuals" {
			return n // everybody is one
		}
		d.addTarget(intel.TargetSector, s.String())
		return n
	}
	return 0
}

// general1 are words of the vocabulary that alone say nothing in running text.
var general1 = set("manufacturer infrastructure industries corporations technologies environments developments issues organization organizations private industry state political business businesses individuals individual consumer enterprises enterprise corporate country groups exchange users minority it's development environment intelligence services service security")

// general2 after a loose word do not make it a sector: "cloud services", "IT systems".
var general2 = set("systems system networks network targets target website websites services service group groups body bodies professional")

// notSector reports that the word at k belongs to something else: "media files",
// "government-themed lures", "energy drink".
func notSector(sen *sentence, k, n int) bool {
	switch sen.l(k + n) {
	case "files", "file", "lures", "credentials", "accounts", "account", "data", "servers", "server", "documents", "email", "emails", "records", "information", "secrets", "portals", "portal", "theft", "gain", "gains", "fraud", "devices", "keys", "wallets", "software", "operations", "gathering", "collection", "espionage", "platforms", "applications", "apps", "motivation", "transactions", "assets", "fund", "funds", "projects", "tools", "policies", "policy", "issues", "affairs", "purposes", "activities", "activity", "campaign", "attacks", "loss", "losses", "benefit", "losses-", "infrastructures", "stealer", "keys-", "crimes", "crime", "shares", "controllers":
		return true
	}
	return oneOf(sen.l(k-1), "social", "virtual", "remote", "removable")
}

// properName reports that the words at k are part of a longer name in capitals:
// "World Health Organization".
func properName(sen *sentence, k, n, from int) bool {
	capital := func(j int) bool {
		if j < from || j >= len(sen.tok) {
			return false
		}
		t := sen.tok[j]
		return t.word && t.upper() && t.s != strings.ToUpper(t.s) && sen.placeAt(j).n == 0
	}
	if !capital(k) {
		return false
	}
	return capital(k-1) || capital(k+n)
}

// collected reports whether a collective noun closes the list that the word
// before i is in: "water, energy, and transportation sectors".
func (d *document) collected(sen *sentence, i, end int) bool {
	for j := i; j < min(end, i+16); j++ {
		w := sen.l(j)
		if collective[w] {
			return true
		}
		if oneOf(w, "in", "across", "throughout", "within", "from", "located", "around", "of") {
			return false
		}
	}
	return false
}

// plainSectors are words that are a sector when they stand alone between commas.
var plainSectors = set("finance energy media health legal technology mining research oil gas law technological scientific steel logistics marine industrial water power fuel electronics tourism travel communications")

// listed reports whether the loose word at k is an item of a list of sectors:
// one that a collective noun opens ("industries, including …"), or, for the
// plainer words, one between commas.
func listed(sen *sentence, k, from, end int) bool {
	for j := from; j < k; j++ {
		if collective[sen.l(j)] && (oneOf(sen.l(j+1), "including", "such", "like", ":", "spanning", "(") || sen.l(j+1) == "," && oneOf(sen.l(j+2), "including", "such", "like", "particularly", "especially")) {
			return true
		}
	}
	item := func(w string) bool { return w == "," || w == "and" || w == "or" || w == "" || w == "/" || w == "&" }
	return plainSectors[sen.l(k)] && item(sen.l(k-1)) && (item(sen.l(k+1)) || k+1 >= end)
}
