package facts

import (
	"strings"

	"dossier/internal/intel"
)

// A selves knows the names of the record whose text is read.
type selves struct {
	kind  intel.Kind
	names map[string][][]string // first word -> the words of names that start with it
	ids   map[string]bool
}

func newSelves(r *intel.Record) *selves {
	s := &selves{kind: r.Kind, names: map[string][][]string{}, ids: map[string]bool{}}
	s.add(r.Title)
	for _, n := range r.Names {
		switch n.Relation {
		case "", intel.Same, intel.Formerly:
			s.add(n.Value)
		}
	}
	for _, id := range r.IDs {
		s.ids[id.ID] = true
	}
	return s
}

func (s *selves) add(name string) {
	text, _ := clean(name)
	var words []string
	for _, sen := range sentences(text, nil) {
		for _, t := range sen.tok {
			words = append(words, t.s)
		}
	}
	if len(words) == 0 || intel.Placeholder(name) || strings.TrimSpace(text) == "" {
		return
	}
	put := func(words []string) {
		key := strings.ToLower(words[0])
		s.names[key] = append(s.names[key], words)
	}
	put(words)
	// "Lazarus" stands for "Lazarus Group", "the Dukes" for "The Dukes".
	if n := len(words); n > 1 && (words[n-1] == "Group" || words[n-1] == "Team" || words[n-1] == "Gang") && len(words[0]) > 3 {
		put(words[:n-1])
	}
	if words[0] == "The" && len(words) > 1 {
		put(words[1:])
	}
}

// The nouns that, after "the" or "this", mean the record.
var (
	actorNouns = set("group groups actor actors adversary gang collective team attackers attacker hackers crew syndicate apt cluster activity-group operators entity cybercriminals organization threat-actor cybergang")
	toolNouns  = set("malware ransomware backdoor trojan tool loader downloader dropper rat worm botnet rootkit bootkit utility framework implant family stealer infostealer spyware wiper program software bot kit miner cryptominer toolkit module shell variant")
	// makesTool after an actor's own name says that a tool of that name is meant.
	makesTool  = set("malware backdoor trojan rat loader botnet stealer worm")
	ransomware = set("ransomware")
	makesActor = set("group gang operators operator operation operations actors actor affiliates affiliate team")
)

// mark finds the mentions of the record and of others, joins names of several
// words to one token, and decides whether the record is the subject.
func (s *selves) mark(sens []sentence) {
	prev := true // the sentence before was about the record
	for i := range sens {
		sen := &sens[i]
		s.join(sen)
		s.subject(sen, prev || sen.para)
		prev = sen.self || prev && !sen.hasOther()
	}
}

func (sen *sentence) hasOther() bool {
	for _, t := range sen.tok {
		if t.ref == refOther {
			return true
		}
	}
	return false
}

// clauseVerbs are verbs that make the name before them a subject.
var clauseVerbs = set("is was are were has have had does did can could may might will would appears appear uses used targets targeted employs leverages conducts conducted operates operated")

// subject decides whether the record is the subject of the sentence. known says
// that "it" and "they" can be the record.
func (s *selves) subject(sen *sentence, known bool) {
	nouns := actorNouns
	if s.kind == intel.Tool {
		nouns = toolNouns
	}
	for i := range sen.tok {
		t := &sen.tok[i]
		switch {
		case t.ref == refSelf, t.ref == refOther:
		case (t.l == "it" && t.s != "IT" || t.l == "they") && known:
			t.ref = refThis
		case t.l == "the" || t.l == "this" || t.l == "these":
			for k := i + 1; k < min(i+5, len(sen.tok)); k++ {
				n := sen.tok[k]
				if !n.word || n.ref == refOther || n.l == "of" || n.l == "by" {
					break
				}
				if nouns[n.l] && !n.upper() {
					if !elsewhere(sen, i, k) {
						t.ref = refThis
					}
					break
				}
			}
		}
	}
	for i := range sen.tok {
		t := sen.tok[i]
		if t.ref == refNone {
			continue
		}
		if t.ref == refOther {
			// "According to X, …" and "like X, SELF …" do not make X the subject;
			// what is followed by a verb is one.
			if clauseVerbs[sen.l(i+1)] || i == 0 {
				return
			}
			continue
		}
		if t.ref == refThis && (t.l == "it" || t.l == "they") && i > 0 && sen.tok[i-1].word {
			continue // object, or of a subordinate clause
		}
		if (t.ref == refSelf || t.ref == refThis) && attributive(sen, i) {
			continue
		}
		sen.self, sen.at = true, i
		return
	}
	if sen.para && understood(sen) {
		sen.self, sen.at = true, -1
	}
}

// elsewhere reports whether "the … group" at [i, k] is another one: "the threat
// group X", "the other group", "the two groups".
func elsewhere(sen *sentence, i, k int) bool {
	for j := i + 1; j < k; j++ {
		switch sen.l(j) {
		case "other", "two", "three", "both", "same", "different", "various", "multiple", "several", "lazarus", "broader", "wider", "larger":
			return true
		}
	}
	return k+1 < len(sen.tok) && sen.tok[k+1].ref == refOther
}

// attributive reports whether the name at i is part of another subject: "the
// source code of X", "malware used by X", "victims of X".
func attributive(sen *sentence, i int) bool {
	if sen.l(i-1) == "of" && oneOf(sen.l(i-2), "members", "operators") && i <= 3 {
		return false
	}
	if oneOf(sen.l(i-1), "the", "this") && oneOf(sen.l(i-2), "of", "by", "for", "from", "against", "with") {
		return true
	}
	switch sen.l(i - 1) {
	case "of", "for", "by", "from", "against", "with", "like", "to", "than", "between", "as":
		// "The threat actor that Microsoft tracks as X is …" names the record.
		if sen.l(i-1) == "as" && i >= 2 && oneOf(sen.l(i-2), "tracks", "tracked", "tracking", "known") {
			return false
		}
		if sen.l(i-1) == "to" && sen.l(i-2) == "according" {
			return true
		}
		return true
	}
	return false
}

// understood reports whether a paragraph opens without naming its subject: "A
// Chinese group that …", "Active since 2014, …", "Suspected to be …".
func understood(sen *sentence) bool {
	for _, t := range sen.tok {
		if t.ref == refOther {
			return false
		}
	}
	switch sen.l(0) {
	case "active", "operating", "operational", "believed", "suspected":
		return true
	case "a", "an":
		return npHead(sen, 1)
	}
	return npHead(sen, 0) && sen.tok[0].upper()
}

// npHead reports whether the tokens from i on are a noun phrase with a word for
// an actor or a tool as its head, within eight words and before any verb.
func npHead(sen *sentence, i int) bool {
	for k := i; k < min(i+8, len(sen.tok)); k++ {
		t := sen.tok[k]
		if !t.word || t.l == "of" || t.l == "in" || clauseVerbs[t.l] {
			return false
		}
		if actorNouns[t.l] || toolNouns[t.l] {
			return true
		}
	}
	return false
}

// mine reports whether what is said at token m is said of the record: no other
// name has become the subject of a clause since the record was mentioned.
func (sen *sentence) mine(m int) bool {
	if !sen.self {
		return false
	}
	ok := true
	for i := max(0, sen.at); i < min(m, len(sen.tok)); i++ {
		t := sen.tok[i]
		switch {
		case t.ref == refSelf || t.ref == refThis:
			ok = true
		case t.ref == refOther && clauseVerbs[sen.l(i+1)]:
			switch sen.l(i - 1) {
			case "by", "of", "with", "as", "to", "from", "like":
			default:
				ok = false
			}
		case t.ref == refOther && (sen.l(i+1) == "that" || sen.l(i+1) == "which" || sen.l(i+1) == "," && oneOf(sen.l(i+2), "which", "a", "an", "who")):
			ok = false
		}
	}
	return ok
}

// negated reports whether a word of denial or doubt about the fact stands in
// [from, to).
func (sen *sentence) negated(from, to int) bool {
	for i := max(0, from); i < min(to, len(sen.tok)); i++ {
		switch sen.l(i) {
		case "not", "no", "never", "neither", "nor", "unclear", "unconfirmed", "disputed", "without", "unattributed", "unknown", "cannot", "hasn't", "isn't":
			if sen.l(i+1) == "only" || sen.l(i+1) == "limited" {
				continue
			}
			return true
		}
	}
	return false
}
