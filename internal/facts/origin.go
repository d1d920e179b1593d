package facts

// Confidence of an origin where the words give one, on the scale of STIX 2.1's
// appendix A: low 15, medium 50, high 85. Words of suspicion are medium.
const (
	lowConfidence    = 15
	mediumConfidence = 50
	highConfidence   = 85
)

var (
	hedges = set("suspected suspect likely probably possibly believed thought allegedly alleged reportedly purported purportedly may might could appear appears presumed suspects circumstantial potentially apparently seems")
	// heads are the nouns that an adjective of origin before them belongs to.
	heads = set("group groups actor actors team gang apt threat entity cluster organization organisation collective syndicate unit adversary operator operators hackers hacker hacktivist hacktivists espionage intrusion cyber cyberespionage cyber-espionage crew state-sponsored state-backed state-affiliated state-linked state-aligned state-nexus state-owned nation-state government-backed government-linked government-sponsored cybercriminal cybercriminals cybercrime criminal ransomware military intelligence hacking advanced company firm contractor vendor apts threat-actor origin ransomware-as-a-service individuals individual citizen national nationals outfit private persona offensive commercial information influence")
	// ties are verbs and nouns after which a state, or a body of it, is the
	// sponsor.
	ties = []string{
		"attributed to", "linked to", "links to", "tied to", "ties to", "connected to", "connections to", "sponsored by", "backed by",
		"behalf of", "behest of", "attributes to", "association with", "worked for", "working for", "works for", "directed by", "nexus to", "nexus with", "affiliated with", "associated with", "subordinate to", "supported by",
		"operated by", "run by", "conducted by", "front company", "controlled by", "funded by", "part of", "employed by", "attribute to", "affiliation with",
		"arm of", "division of", "unit of", "element of", "within", "under", "with",
	}
	// states are the nouns that make a demonym after a tie a state: "linked to
	// the Chinese government".
	states = set("government state regime authorities military intelligence actors actor threat cyber nation-state hackers ministry people armed foreign federal general main state-sponsored national security apt group groups operators leadership army government's")
	// seats come before "from", "in", "out of" and a country.
	seats     = set("based operates operating operate operated located originating originates originated headquartered located origin hails emanating emanates")
	seatPreps = set("from in out of within")
)

// origins adds the countries that the text attributes the actor to, and the
// bodies it is said to belong to.
func (d *document) origins() {
	for i := range d.sens {
		sen := &d.sens[i]
		if !sen.self {
			d.officers(sen)
			continue
		}
		by := cited(sen)
		d.complement(sen, by)
		for k := range sen.tok {
			if !sen.mine(k) || targeting(sen, k) || sen.has(max(0, k-14), k, selfStyled) {
				continue
			}
			d.seat(sen, k, by)
			d.roots(sen, k, by)
			d.tie(sen, k, by)
		}
	}
}

// confidence reads what the sentence says about how sure it is, before token m.
func confidence(sen *sentence, m int) int {
	for i := 0; i < len(sen.tok); i++ {
		if sen.l(i) != "confidence" {
			continue
		}
		switch sen.l(i - 1) {
		case "low":
			return lowConfidence
		case "moderate", "medium":
			return mediumConfidence
		case "high":
			return highConfidence
		}
	}
	if sen.has(max(0, m-12), m, hedges) {
		return mediumConfidence
	}
	return 0
}

// complement reads "X is a suspected Chinese espionage group": the noun phrase
// after the subject's copula, and the one that opens an understood sentence.
func (d *document) complement(sen *sentence, by string) {
	start := -1
	switch {
	case sen.at < 0:
		start = 0
	default:
		// An adjective within the subject: "This Chinese group …".
		if sen.tok[sen.at].ref == refThis {
			end := sen.at + 1
			for end < min(sen.at+6, len(sen.tok)) && !actorNouns[sen.l(end)] {
				end++
			}
			d.adjectives(sen, sen.at+1, min(end+1, len(sen.tok)), by)
		}
		if sen.at > 0 && actorNouns[sen.l(sen.at-1)] { // "Chinese threat actor X has …", "the Iranian group X"
			from := sen.at
			for from > 0 && sen.tok[from-1].word && sen.at-from < 6 && !clauseVerbs[sen.l(from-1)] && sen.tok[from-1].ref == refNone &&
				!oneOf(sen.l(from-1), "of", "by", "with", "against", "to", "from", "for", "in", "on", "as", "like") {
				from--
			}
			if from == 0 || !oneOf(sen.l(from-1), "of", "with", "against", "to", "from", "for", "in", "on", "like") {
				d.adjectives(sen, from, sen.at, by)
			}
		}
		for k := sen.at + 1; k < min(sen.at+32, len(sen.tok)); k++ {
			switch sen.l(k) {
			case "is", "are", "was", "were", "be", "being":
				start = k + 1
			case "as":
				if k == sen.at+1 && oneOf(sen.l(k+1), "a", "an") || k > sen.at && oneOf(sen.l(k-1), "described", "identified", "assessed") {
					start = k + 1
				}
			case "has", "have", "had", "targets", "targeted", "uses", "used", "that", "which", "conducts":
				if start < 0 && !sen.is(k+1, "been") {
					return
				}
			}
			if start > 0 {
				break
			}
		}
		if start < 0 && sen.l(sen.at+1) == "," { // "X, a Chinese group, …"
			start = sen.at + 2
		}
	}
	if start < 0 || start >= len(sen.tok) {
		return
	}
	if sen.negated(max(sen.at, 0), start+2) {
		return
	}
	d.phrase(sen, start, by)
	for k := start; k+1 < len(sen.tok); k++ {
		if sen.l(k+1) == "as" && oneOf(sen.l(k), "assessed", "identified", "described", "classified", "characterized") && sen.mine(k) && !sen.negated(k-3, k) {
			d.phrase(sen, k+2, by)
		}
	}
}

// phrase reads the noun phrase that starts at token start.
func (d *document) phrase(sen *sentence, start int, by string) {
	end := start
	for end < len(sen.tok) && end < start+24 {
		if p := sen.placeAt(end); p.n > 0 {
			end += p.n
			continue
		}
		if phraseEnd(sen, end, start) {
			break
		}
		end++
	}
	d.adjectives(sen, start, min(end, len(sen.tok)), by)
}

// openers are articles and words of belief that may open a complement.
var openers = set("a an the been to be believed thought assessed considered suspected likely by as known also described tracked reported alleged allegedly probably possibly one of is among reportedly attributed researchers widely with")

// phraseEnd reports whether the noun phrase that started at start ends before
// token k: at a verb, a preposition or a comma after its head.
func phraseEnd(sen *sentence, k, start int) bool {
	w := sen.l(k)
	switch w {
	case ";", ":", "that", "which", "who", "whose", "targeting", "targets", "responsible", "known", "active", "using", "focused", "focusing", "against", "operating", "associated",
		"linked", "specializing", "engaged", "involved", "leveraging", "conducting", "first", "primarily", "for", "since", "in", "from", "used", "has", "have", "whom", "where", "while", "because", "notable", "mainly", "deploying":
		return w != "from" && (k > start || w != "known" && w != "first")
	case ",":
		// "a sophisticated, Chinese group": adjectives go on.
		return sen.has(start, k, heads) || k > start+8
	case "with", "by", "of":
		return k > start && !openers[sen.l(k-1)] && sen.l(k-1) != "confidence" && !sen.is(k, "of", "likely") && !ofOrigin(sen, k)
	}
	return false
}

// ofOrigin allows "of Chinese origin" after a head.
func ofOrigin(sen *sentence, k int) bool {
	if sen.l(k) != "of" {
		return sen.l(k) == "with" && oneOf(sen.l(k+2), "confidence")
	}
	for i := k + 1; i < min(k+5, len(sen.tok)); i++ {
		if sen.l(i) == "origin" {
			return true
		}
	}
	return false
}

// adjectives adds the countries of demonyms and of words such as China-nexus
// that stand before a head noun in [from, to).
func (d *document) adjectives(sen *sentence, from, to int, by string) {
	for k := from; k < to; {
		p := sen.placeAt(k)
		if p.n == 0 {
			k++
			continue
		}
		at := k
		k += p.n
		if p.country.Code == "" || p.prefix != "" || p.suffix == "speaking" || p.suffix == "language" || p.suffix == "focused" || p.suffix == "centric" || p.suffix == "themed" {
			continue
		}
		if p.suffix == "" {
			// "People's Republic of China (PRC) state-backed actor"
			j := k
			if sen.l(j) == "(" {
				for j < to && sen.l(j) != ")" {
					j++
				}
				j++
			}
			if sen.l(j) == "and" || sen.l(j) == "or" || sen.l(j) == "/" { // Russian and Belarusian
				if q := sen.placeAt(j + 1); q.n > 0 && q.prefix == "" && q.suffix != "speaking" {
					j += 1 + q.n
				}
			}
			if sen.l(j) == "based" && p.noun {
				j++
			}
			if !heads[sen.l(j)] && !(heads[sen.l(j+1)] && sen.tok[min(j, len(sen.tok)-1)].word && !clauseVerbs[sen.l(j)]) {
				continue
			}
			if p.noun && p.country.Code != "US" && p.country.Code != "GB" && p.country.Code != "CN" && p.country.Code != "KP" && p.country.Code != "AE" && sen.l(j) == "origin" {
				continue
			}
			if sen.l(j) == "government" && !sen.tok[min(j+1, len(sen.tok)-1)].word {
				// "is the Chinese government": only a tie
				continue
			}
			if oneOf(sen.l(at-1), "against", "targeting", "targets", "attacking") {
				continue
			}
		}
		d.addOrigin(p.country, confidence(sen, at), by)
	}
}
