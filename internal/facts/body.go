package facts

import (
	"strings"
)

// A body is a state body, a company or a movement that actors are said to
// belong to.
type body struct {
	name    string // as it is served
	country string // alpha-2; "" where membership says nothing about origin
	words   string // lower-case phrases, separated by "|"
}

var bodies = []body{
	{"GRU", "RU", "gru|general staff main intelligence directorate|main intelligence directorate|main directorate of the general staff|russian general staff's main intelligence directorate|russian military intelligence|russia's military intelligence"},
	{"SVR", "RU", "svr|foreign intelligence service|russian foreign intelligence service"},
	{"FSB", "RU", "fsb|federal security service"},
	{"Central Scientific Institute of Chemistry and Mechanics (TsNIIKhM)", "RU", "tsniikhm|central scientific institute of chemistry and mechanics|central scientific research institute of chemistry and mechanics"},
	{"Internet Research Agency", "RU", "internet research agency"},
	{"Ministry of State Security (MSS)", "CN", "ministry of state security|mss|chinese ministry of state security"},
	{"Ministry of Public Security (MPS)", "CN", "ministry of public security"},
	{"People's Liberation Army (PLA)", "CN", "people's liberation army|pla|people liberation army|pla navy|pla general staff department"},
	{"PLA Strategic Support Force", "CN", "strategic support force|plassf"},
	{"Reconnaissance General Bureau (RGB)", "KP", "reconnaissance general bureau|rgb|north korea's reconnaissance general bureau"},
	{"Ministry of State Security (North Korea)", "KP", "north korean ministry of state security|north korea's ministry of state security"},
	{"Bureau 121", "KP", "bureau 121"},
	{"Islamic Revolutionary Guard Corps (IRGC)", "IR", "islamic revolutionary guard corps|irgc|iranian revolutionary guard corps|iranian revolutionary guards|iran's revolutionary guard corps|revolutionary guards|revolutionary guard corps|islamic revolutionary guard"},
	{"Ministry of Intelligence and Security (MOIS)", "IR", "ministry of intelligence and security|mois|ministry of intelligence|iranian ministry of intelligence and security|iranian ministry of intelligence"},
	{"Lebanese General Security Directorate (GDGS)", "LB", "lebanese general security directorate|general directorate of general security|gdgs|lebanese general directorate of general security"},
	{"Hezbollah", "LB", "hezbollah"},
	{"Hamas", "PS", "hamas"},
	{"NSA Tailored Access Operations", "US", "tailored access operations|nsa's tailored access operations"},
	{"National Security Agency (NSA)", "US", "u.s national security agency|us national security agency|national security agency"},
	{"Central Intelligence Agency (CIA)", "US", "central intelligence agency"},
	{"Unit 8200", "IL", "unit 8200"},
	{"Security Service of Ukraine (SBU)", "UA", "security service of ukraine"},
	{"Main Intelligence Directorate of Ukraine (HUR)", "UA", "ukrainian military intelligence|ukraine's main intelligence directorate"},
	{"Chengdu 404 Network Technology", "CN", "chengdu 404 network technology|chengdu 404"},
	{"i-Soon (Anxun)", "CN", "i-soon|isoon|anxun"},
	{"Integrity Technology Group", "CN", "integrity technology group|integrity tech"},
	{"Huaying Haitai", "CN", "huaying haitai|tianjin huaying haitai"},
	{"Boyusec", "CN", "boyusec|guangzhou boyu information technology"},
	{"Hainan Xiandun", "CN", "hainan xiandun"},
	{"Emennet Pasargad", "IR", "emennet pasargad|aria sepehr ayandehsazan"},
	{"Rana Intelligence Computing", "IR", "rana intelligence computing"},
	{"Mabna Institute", "IR", "mabna institute"},
	{"Najee Technology", "IR", "najee technology"},
	{"Afkar System", "IR", "afkar system"},
	{"Chosun Expo", "KP", "chosun expo"},
}

// bodyWords maps the first word of a phrase to the phrases and their bodies.
type bodyPhrase struct {
	words []string
	body  *body
}

var bodyIndex = func() map[string][]bodyPhrase {
	m := map[string][]bodyPhrase{}
	for i := range bodies {
		for p := range strings.SplitSeq(bodies[i].words, "|") {
			w := strings.Fields(p)
			m[w[0]] = append(m[w[0]], bodyPhrase{w, &bodies[i]})
		}
	}
	return m
}()

// bodyAt reads a body at token i with the unit that is named beside it. n is 0
// if there is none.
func bodyAt(sen *sentence, i int) (b *body, unit string, n int) {
	best := 0
	for _, p := range bodyIndex[sen.l(i)] {
		if len(p.words) <= best || i+len(p.words) > len(sen.tok) || !sen.tok[i].upper() && p.words[0] != "i-soon" {
			continue
		}
		ok := true
		for k, w := range p.words {
			t := sen.tok[i+k]
			ok = ok && (t.l == w || t.poss && t.l+"'s" == w)
		}
		if len(p.words) == 1 && len(p.words[0]) <= 4 && sen.tok[i].s != strings.ToUpper(sen.tok[i].s) {
			ok = false // RGB, not rgb
		}
		if ok {
			best, b = len(p.words), p.body
		}
	}
	if best > 0 {
		after := i + best
		unit = unitAfter(sen, after)
		if unit == "" {
			unit = unitBefore(sen, i)
		}
		return b, unit, best
	}
	// A numbered unit alone: "PLA Unit 61398" is caught above; "Unit 61486 of the
	// 12th Bureau of the PLA's" has its body behind.
	if u, k := unitAt(sen, i); k > 0 {
		for j := i + k; j < min(i+k+9, len(sen.tok)); j++ {
			if stopTie[sen.l(j)] {
				break
			}
			for _, p := range bodyIndex[sen.l(j)] {
				if len(p.words) == 1 && sen.tok[j].s == strings.ToUpper(sen.tok[j].s) {
					return p.body, u, j + 1 - i
				}
			}
		}
	}
	return nil, "", 0
}

// unitAt reads "Unit 26165", "military unit 74455", "Center 16", "Bureau 325",
// "Military Unit Cover Designator 78020".
func unitAt(sen *sentence, i int) (string, int) {
	switch sen.l(i) {
	case "military":
		if sen.l(i+1) == "unit" {
			if sen.is(i+2, "cover", "designator") {
				j := i + 4
				if sen.l(j) == "(" {
					j += 3
				}
				if isDigits(sen.l(j)) && len(sen.l(j)) == 5 {
					return "Unit " + sen.l(j), j + 1 - i
				}
				return "", 0
			}
			u, n := unitAt(sen, i+1)
			if n > 0 {
				return u, n + 1
			}
		}
	case "unit":
		if w := sen.l(i + 1); isDigits(w) && len(w) >= 4 {
			return "Unit " + w, 2
		}
	case "center", "centre":
		if w := sen.l(i + 1); isDigits(w) && len(w) <= 2 {
			return "Center " + w, 2
		}
	case "lab", "bureau":
		if w := sen.l(i + 1); isDigits(w) && len(w) == 3 {
			return strings.ToUpper(sen.l(i)[:1]) + sen.l(i)[1:] + " " + w, 2
		}
	}
	return "", 0
}

// unitAfter reads the unit that follows a body within twenty words and the same
// clause.
func unitAfter(sen *sentence, i int) string {
	for j := i; j < min(i+34, len(sen.tok)); j++ {
		if stopTie[sen.l(j)] || sen.tok[j].ref != refNone || sen.l(j) == "." || sen.l(j) == "," && !unitSoon(sen, j+1) {
			return ""
		}
		if u, n := unitAt(sen, j); n > 0 {
			return u
		}
		if r := regional(sen, j); r != "" {
			return r
		}
	}
	return ""
}

func unitSoon(sen *sentence, i int) bool {
	for j := i; j < i+16; j++ {
		if _, n := unitAt(sen, j); n > 0 {
			return true
		}
	}
	return false
}

// unitBefore reads the unit that leads to a body: "Center 16 of the FSB".
func unitBefore(sen *sentence, i int) string {
	for j := max(0, i-5); j < i; j++ {
		if u, n := unitAt(sen, j); n > 0 && j+n <= i {
			return u
		}
		if r := regional(sen, j); r != "" {
			return r
		}
	}
	return ""
}

// regional reads a provincial department of a ministry: "Hainan State Security
// Department", "Quds Force", "Cyber-Electronic Command".
func regional(sen *sentence, j int) string {
	switch {
	case sen.is(j+1, "state", "security", "department"), sen.is(j+1, "state", "security", "bureau"):
		if sen.tok[j].upper() {
			return joined(sen.tok[j : j+4])
		}
	case sen.is(j, "intelligence", "organization"):
		return "Intelligence Organization"
	case sen.is(j, "cyber-electronic", "command"), sen.is(j, "cyber", "electronic", "command"):
		return "Cyber-Electronic Command"
	case sen.is(j, "quds", "force"), sen.is(j, "qods", "force"):
		return "Quds Force"
	}
	return ""
}

// bodyName composes what is served: "GRU, Unit 26165".
func bodyName(b *body, unit string) string {
	if unit == "" {
		return b.name
	}
	return b.name + ", " + unit
}
