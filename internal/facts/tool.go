package facts

import (
	"slices"
)

// toolTypes adds the sorts of tool that the text says it is: those in the noun
// phrase after "X is a", right behind the name, or after "serves as a".
func (d *document) toolTypes() {
	var found []string
	add := func(from, to int, sen *sentence) {
		for k := from; k < to; {
			n := 1
			if s, m := sortAt(sen, k, to); m > 0 {
				n = m
				if !slices.Contains(found, s) {
					found = append(found, s)
				}
			}
			k += n
		}
	}
	for i := range d.sens {
		sen := &d.sens[i]
		if !sen.self {
			continue
		}
		if from, to := nounPhrase(sen); from < to && (i == 0 || len(found) == 0) {
			add(from, to, sen)
		}
		if sen.at >= 0 && sen.tok[sen.at].ref == refSelf { // "Prestige ransomware has been used"
			if s, m := sortAt(sen, sen.at+1, sen.at+4); m > 0 && !slices.Contains(found, s) && !sen.tok[sen.at].poss {
				found = append(found, s)
			}
		}
		for k := range sen.tok {
			if oneOf(sen.l(k), "serves", "acts", "functions", "operates", "act", "serve", "function") && sen.l(k+1) == "as" && sen.mine(k) && oneOf(sen.l(k+2), "a", "an") {
				add(k+3, npEnd(sen, k+3), sen)
			}
			if sen.l(k) == "as" && oneOf(sen.l(k-1), "used", "primarily", "mainly", "solely") && sen.mine(k) && oneOf(sen.l(k+1), "a", "an") && sen.any(k-3, k, "used") {
				add(k+2, npEnd(sen, k+2), sen)
			}
		}
	}
	if len(found) > 1 { // "backdoor Trojan" is a backdoor
		found = slices.DeleteFunc(found, func(s string) bool { return s == "trojan" || s == "implant" && len(found) > 1 })
	}
	for _, s := range found {
		if !slices.ContainsFunc(d.r.ToolTypes, func(have string) bool { return sameSort(have, s) }) {
			d.r.ToolTypes = append(d.r.ToolTypes, s)
		}
	}
}

// nounPhrase returns the noun phrase after "X is a": the tokens [from, to).
func nounPhrase(sen *sentence) (from, to int) {
	if sen.at < 0 {
		return 0, npEnd(sen, 0)
	}
	for k := sen.at + 1; k < min(sen.at+20, len(sen.tok)); k++ {
		switch sen.l(k) {
		case "is", "are", "was", "were":
			if sen.negated(k, k+3) || oneOf(sen.l(k+1), "used", "being", "designed", "capable", "able", "known", "believed", "thought", "named", "suspected", "assessed", "written", "attributed", "based", "delivered", "not") {
				return 0, 0
			}
			return k + 1, npEnd(sen, k+1)
		case "has", "have", "uses", "used", "can", "will", "had", "first":
			return 0, 0
		}
	}
	return 0, 0
}

// npEnd returns where the noun phrase that starts at token i ends: before a verb
// or preposition that says what the thing does.
func npEnd(sen *sentence, i int) int {
	for k := i; k < len(sen.tok); k++ {
		t := sen.tok[k]
		switch t.l {
		case "used", "that", "which", "written", "designed", "capable", "targeting", "for", "by", "to", "from", "in", "on", "has", "have", "was", "with", "leveraged", "developed", "associated", "known", "built", "created", "believed", "deployed", "who", "using", "delivered", "since", "first", "observed", "through", "attributed", "disguised", "posing", "offered", "sold", "is", "exists", "linked", ";", "whose", "based", "consisting", "dropped", "appears", "containing", "installed", "downloaded", "distributed", "via", "employed", "active", "variant", "variants", "similar", "utilized", "discovered", "identified", "seen", "derived":
			if t.l == "first" && oneOf(sen.l(k+1), "stage", "-") || t.l == "based" && sen.l(k+1) != "on" && sen.l(k+1) != "upon" {
				continue
			}
			return k
		case "of":
			// "a piece of malware", "a family of backdoors", not "a version of".
			if sen.is(k-1, "point", "of", "sale") {
				continue
			}
			if !oneOf(sen.l(k-1), "piece", "family", "set", "suite", "type", "form", "strain", "kind", "collection", "pair", "one", "class") {
				return k
			}
		case "(":
			if sen.l(k+2) == ")" || sen.l(k+3) == ")" {
				continue
			}
			return k
		case ",":
			// Adjectives go on: "a commercial, full-featured, remote access tool".
			if !commaGoesOn(sen, k, i) {
				return k
			}
		}
		if t.ref == refOther && k > i {
			if sen.l(k+1) == "toolchain" || sen.tok[k].poss {
				return k
			}
			return k
		}
	}
	return len(sen.tok)
}

// commaGoesOn reports whether a sort of tool follows the comma at k before a
// verb: the phrase has not reached its head.
func commaGoesOn(sen *sentence, k, from int) bool {
	for j := from; j < k; j++ {
		if _, n := sortAt(sen, j, k); n > 0 {
			// "backdoor, keylogger and …": a list of sorts goes on only if the next
			// word is one.
			at := k + 1
			if sen.l(at) == "and" || sen.l(at) == "a" {
				at++
			}
			_, m := sortAt(sen, at, at+4)
			return m > 0
		}
	}
	for j := k + 1; j < min(k+6, len(sen.tok)); j++ {
		if _, n := sortAt(sen, j, j+4); n > 0 {
			return true
		}
		if toolNouns[sen.l(j)] {
			return true
		}
	}
	return false
}
