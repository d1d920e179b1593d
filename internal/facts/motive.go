package facts

import "strings"

// The motives that are read out of prose. Sources' own fields may have other
// words.
const (
	Espionage  = "Espionage"
	Financial  = "Financially motivated"
	Destroying = "Destruction"
	Hacktivism = "Hacktivism"
	Influence  = "Influence operations"
	Extortion  = "Extortion"
)

// motiveWords are the phrases for each motive, as lower-case words, and the part
// of a source's own word that means the same.
var motiveWords = []struct {
	motive  string
	same    []string
	phrases []string
}{
	{Espionage, []string{"espionage"}, []string{"espionage", "cyberespionage", "cyber-espionage", "cyber espionage", "intelligence gathering", "intelligence collection", "intelligence-gathering", "spying operations"}},
	{Financial, []string{"financ", "crime", "theft", "profit"}, []string{"financially motivated", "financially-motivated", "financial gain", "financially driven", "financial motivation", "financial motivations", "financial theft", "cybercriminal", "cybercrime group", "cyber criminal", "cyber crime group", "cyber criminal group", "criminal group", "crime group", "cybercrime gang", "e-crime", "ecrime", "monetary gain", "cyber-criminal", "financially oriented", "financially focused", "financial profit", "profit-driven", "cyber-crime group"}},
	{Extortion, []string{"extort", "ransom"}, []string{"extortion", "ransomware group", "ransomware gang", "ransomware operator", "ransomware operators", "ransomware operation", "ransomware operations", "ransomware affiliate", "ransomware threat actor", "ransomware actor", "ransomware collective", "ransomware deployment entity", "raas operation", "ransomware-as-a-service group", "ransomware attacks", "ransomware campaigns", "double extortion", "double-extortion", "ransomware crew"}},
	{Destroying, []string{"destruct", "sabotage", "disrupt"}, []string{"destructive threat", "destructive attacks", "destructive attack", "destructive operations", "destructive wiper", "destructive wiping", "destructive cyber", "wiper attacks", "sabotage", "destructive malware", "destructive campaigns", "disruptive attacks"}},
	{Hacktivism, []string{"hacktiv", "ideolog"}, []string{"hacktivist", "hacktivists", "hacktivism", "hacktivist group", "hacktivist collective"}},
	{Influence, []string{"influence", "information operation", "disinformation"}, []string{"influence operations", "influence operation", "influence campaigns", "influence campaign", "information operations", "information operation", "disinformation campaigns", "disinformation operations", "disinformation campaign", "influence group"}},
}

// motives adds what the text says the actor is after.
func (d *document) motives() {
	for _, m := range motiveWords {
		if d.hasMotive(m.same) {
			continue
		}
		if d.saysMotive(m.motive, m.phrases) {
			d.r.Motives = append(d.r.Motives, m.motive)
		}
	}
}

func (d *document) hasMotive(same []string) bool {
	for _, have := range d.r.Motives {
		low := strings.ToLower(have)
		for _, s := range same {
			if strings.Contains(low, s) {
				return true
			}
		}
	}
	return false
}

// denials before a motive say that it is not one: "rather than", "not", "other
// groups'", "posing as".
var denials = set("potential not no rather instead without than unlike posing pretending disguised under masquerading against counter former by unlikely despite targeting investigating combat fight accused facing")

func (d *document) saysMotive(motive string, phrases []string) bool {
	for i := range d.sens {
		sen := &d.sens[i]
		if !sen.self {
			continue
		}
		for k := range sen.tok {
			if !sen.mine(k) || sen.tok[k].ref != refNone {
				continue
			}
			for _, p := range phrases {
				n := matchPhrase(sen, k, p)
				if n == 0 || sen.has(k-3, k, denials) || d.othersMotive(sen, k, n) {
					continue
				}
				if motive == Hacktivism && oneOf(sen.l(k+n), "claims", "persona", "personas", "front") {
					continue
				}
				return true
			}
		}
	}
	return false
}

// othersMotive reports that the phrase describes others that the record deals
// with: "sells access to ransomware operators", "used by cybercriminals".
func (d *document) othersMotive(sen *sentence, k, n int) bool {
	for j := k - 1; j >= max(0, k-7); j-- {
		switch sen.l(j) {
		case "to", "with", "other", "from", "between", "like", "of", "among", "multiple", "various", "several", "including", "similar":
			if oneOf(sen.l(j), "to", "of") && !oneOf(sen.l(j-1), "access", "sold", "sells", "sell", "linked", "ties", "links", "connected", "related", "similar", "services", "tied", "connections", "provides", "attributed", "member", "part", "affiliate", "affiliates", "victims", "behalf", "use") {
				continue
			}
			if sen.l(j) == "with" && oneOf(sen.l(j+1), "a", "the", "an") && oneOf(sen.l(j+2), "focus", "primary", "goal", "aim", "intent") {
				return false
			}
			if oneOf(sen.l(j), "including", "multiple", "various", "several", "from") && !strings.HasSuffix(sen.l(k+n-1), "s") {
				continue
			}
			return true
		case ",", "is", "are", "was", "conducts", "conducting", "engages":
			return false
		}
	}
	return false
}

// matchPhrase returns how many tokens from k on are the phrase's words; 0 if
// they are not.
func matchPhrase(sen *sentence, k int, phrase string) int {
	n := 0
	for phrase != "" {
		w, rest, _ := strings.Cut(phrase, " ")
		if n > 0 && sen.l(k+n) == "(" && sen.l(k+n+2) == ")" {
			n += 3 // "command and control (C2) framework"
		}
		if sen.l(k+n) != w {
			return 0
		}
		n++
		phrase = rest
	}
	return n
}
