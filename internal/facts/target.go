package facts

var (
	// aims are words that a list of victims follows.
	aims = set("compromises emphasis interest compromise targeting targeted targets target attacked attacking compromised compromising against victims victim victimized impacting impacted affecting infiltrated infiltrating breached breaching focused focusing focuses focus aimed intrusions attacks operations espionage spanning hit infected infecting campaigns")
	// aims that need a preposition behind them, to be a statement about victims.
	aimsWith = map[string]map[string]bool{
		"focused": set("on within in against across"), "focusing": set("on"), "focuses": set("on"), "focus": set("on"), "aimed": set("at"), "emphasis": set("on"), "interest": set("in"), "compromises": set("of"),
		"intrusions": set("against in into"), "attacks": set("against on at in targeting"), "operations": set("against in"), "espionage": set("against in"),
		"campaigns": set("against in"), "victims": set("in across from including throughout include of have are were spanning within worldwide : within"), "victim": set("organizations countries in"),
	}
	// listEnd are words that end a list of victims: what follows says how or why.
	listEnd = set("using via through by since that which who whose where while with for when after during because leveraging utilizing employing deploying deployed exploiting based as although however whereas has have had is was been being uses used use utilizes employs leverages conducts conducting exfiltrating stealing steal sending delivering deliver distributing distribute obtain gain gather collect facilitate spread install exploit evade bypass compromise posing impersonating masquerading believed attributed linked associated tied affiliated aligned sponsored under named called known supported supporting collaborating alongside indicating suggesting leading demonstrating involving following despite rather than excluding avoiding avoids except outside to")
	// goOn are words after "to", "for" or "with" that continue the list.
	loose = set("it internet cloud developer developers computer radio music chip port ports court courts law power press science state states building property development delivery environment space game games trade business businesses enterprise enterprises corporate hacker hackers infrastructure communication communications individual individuals citizen citizens consumer consumers intelligence security water gas research production audit service services economic political state-owned software film industry culture art arts engineer engineers scientific logistics marketing foundation corporation delivery legal exile commercial metal minority minorities train press social professional payment payments trading tax tech pos investor investors employment consultants hosting registrar registrars foundation opposition tourist travel digital researchers reporter scientists laboratory laboratories advertisement commerce register industrial technology technological media energy health pharma voluntary finance public fuel oil steel marine securities postal")
	// collective nouns make a loose word before them a sector.
	collective = set("sector sectors industry industries organization organizations organisations entities companies institutions agencies verticals firms fields providers businesses enterprises entity operators manufacturers spaces areas professionals workers personnel officials outlets contractors departments ministries")
	// emigrants after a demonym are no victims in that country.
	emigrants = set("dissident dissidents diaspora expatriates expats refugees exiles language speakers-speaking speakers exile émigrés defectors minorities community communities lures keyboard new year hackers group groups apt threat actors actor malware intelligence state-sponsored nation-state cyber embassies embassy interests ip ips infrastructure servers proxies company-owned trojan")
	// notCountries before a place say that its government or origin is meant as
	// the doer.
	doers = set("by from as than posing impersonating impersonated lures spoofing mimicking named")
)

// targets adds the sectors, countries and regions that the text says the
// record is used against.
func (d *document) targets() {
	for i := range d.sens {
		sen := &d.sens[i]
		if !sen.self {
			continue
		}
		for k := 0; k < len(sen.tok); k++ {
			if !aims[sen.l(k)] || !sen.mine(k) {
				continue
			}
			from := d.listStart(sen, k)
			if from == 0 {
				continue
			}
			k = max(k, d.list(sen, from)-1)
		}
	}
}

// listStart returns the token at which the list of victims after the word at k
// starts; 0 if there is none.
func (d *document) listStart(sen *sentence, k int) int {
	w := sen.l(k)
	if sen.negated(k-3, k) || sen.any(k-3, k, "avoid", "avoids", "avoiding", "avoided") {
		return 0
	}
	switch w {
	case "against":
		if oneOf(sen.l(k-1), "protect", "defend", "retaliation", "protests", "protest", "charges", "evidence", "sanctions", "protection", "fight", "defense", "stand", "advocating", "advocate", "war") || k == 0 {
			return 0
		}
		return k + 1
	case "target", "compromised", "victim":
		// "target environments", "compromised websites": adjectives.
		if w == "compromised" && !oneOf(sen.l(k-1), "has", "have", "had", "they", "it", "reportedly", "also", "previously", "successfully", "and") && sen.tok[max(0, k-1)].ref == refNone {
			return 0
		}
		if oneOf(sen.l(k-1), "the", "a", "an", "its", "their", "each", "of", "primary", "key", "main") {
			return 0
		}
	case "targeted":
		if oneOf(sen.l(k+1), "attacks", "attack", "threat", "campaigns", "ransomware", "phishing", "intrusions", "spear", "campaign", "malware", "spearphishing", "spear-phishing", "spyware", "cyber", "intrusion", "activity", "operations", "espionage") && !oneOf(sen.l(k-1), "has", "have") {
			return 0
		}
		if oneOf(sen.l(k-1), "highly", "a", "of", "the", "through", "via", "conducts", "in", "use") {
			return 0
		}
	case "targets":
		if oneOf(sen.l(k+1), "reside", "resided", "span", "spanned", "include", "included", "including", "in", "have", "are", "were", "of", "located", "across", "within", "throughout") {
			return k + 1
		}
		if oneOf(sen.l(k-1), "its", "their", "the", "of", "primary", "key", "high-value", "value", "many", "multiple", "israeli", "on", "to", "against", "select", "new", "potential", "specific", "profile", "likely", "profiled") {
			return 0
		}
	case "compromise":
		if sen.l(k-1) != "to" {
			return 0
		}
	case "targeting":
		if k > 0 && (sen.tok[k-1].poss || oneOf(sen.l(k-1), "their", "its", "the", "of")) && !oneOf(sen.l(k-1), "of") || oneOf(sen.l(k+1), "and", "is", "has", "of", "patterns") {
			return 0
		}
	case "spanning":
		if !sen.any(k+1, k+8, "industries", "sectors", "countries", "verticals") {
			return 0
		}
	case "infected", "infecting", "hit", "attacked", "breached":
		if oneOf(sen.l(k-1), "an", "the", "of", "a", "other") {
			return 0
		}
	}
	if need := aimsWith[w]; need != nil {
		for j := k + 1; j <= k+4; j++ {
			if need[sen.l(j)] {
				return j + 1
			}
			if !oneOf(sen.l(j), "primarily", "mainly", "largely", "heavily", "have", "almost", "its", "their", "operations", "efforts", "attacks", "activities", "exclusively", "especially", "specifically") {
				break
			}
		}
		return 0
	}
	return k + 1
}

// list reads a list of victims from token i on and returns where it ends.
func (d *document) list(sen *sentence, i int) int {
	end := i
	for end < len(sen.tok) {
		t := sen.tok[end]
		w := t.l
		if w == ";" || w == ":" && !collective[sen.l(end-1)] && end > i+1 || w == "(" && !d.listParen(sen, end) {
			break
		}
		if t.ref == refOther || t.ref == refSelf || t.ref == refThis {
			break
		}
		if listEnd[w] && !d.carryOn(sen, end, i) {
			break
		}
		if w == "but" && !oneOf(sen.l(end+1), "not", "also", "has", "have", "especially", "primarily", "mainly") {
			break
		}
		end++
	}
	for k := i; k < end; {
		if p := sen.placeAt(k); p.n > 0 {
			d.victim(sen, p, k, end)
			k += p.n
			continue
		}
		n := d.sectorAt(sen, k, i, end)
		k += max(1, n)
	}
	return end
}

// carryOn reports whether a word that usually ends a list does not end this one.
func (d *document) carryOn(sen *sentence, k, from int) bool {
	w := sen.l(k)
	switch {
	case k == from && oneOf(w, "have", "been", "has", "were", "are", "is", "was"), k == from+1 && oneOf(w, "been", "has"):
		return true
	case w == "based":
		return sen.l(k+1) == "in" || sen.l(k+1) == "out"
	case w == "as":
		return sen.is(k, "as", "well", "as") || sen.is(k-2, "as", "well", "as") || sen.l(k-1) == "such"
	case w == "with" && oneOf(sen.l(k-1), "associated", "affiliated"):
		return true
	case w == "than":
		return sen.l(k-1) == "more"
	case w == "following":
		return oneOf(sen.l(k+1), "sectors", "industries", "countries", "verticals", "regions")
	case w == "with":
		return sen.is(k, "with", "a", "focus", "on") || sen.is(k, "with", "a", "particular", "focus", "on") || sen.is(k, "with", "an", "emphasis", "on") || sen.is(k, "with", "a", "primary", "focus", "on") || sen.is(k, "with", "emphasis", "on") || sen.is(k, "with", "notable", "activity", "in") || sen.is(k, "with", "a", "specific", "focus", "on")
	case w == "associated" || w == "affiliated":
		return sen.l(k+1) == "with" && k <= from+3 && oneOf(sen.l(k-1), "targets", "individuals", "organizations", "entities", "companies", "people", "those")
	case w == "to":
		return sen.l(k-1) == "limited"
	case w == "involved":
		return sen.l(k+1) == "in"
	}
	return false
}

// listParen lets "(particularly Mexico)" and "(US)" be part of a list.
func (d *document) listParen(sen *sentence, k int) bool {
	for j := k + 1; j < min(k+12, len(sen.tok)); j++ {
		if sen.l(j) == ")" {
			return true
		}
	}
	return false
}
