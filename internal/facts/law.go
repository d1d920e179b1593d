package facts

import (
	"strings"

	"dossier/internal/intel"
)

// A measure is something that law enforcement or a government does.
type measure uint8

const (
	noMeasure measure = iota
	indictment
	charges
	sanctions
	arrests
	extradition
	conviction
	takedown
	seizure
	disruption
)

// active and passive are the sentences that are composed for a measure, with and
// without the one who took it.
var measureTexts = map[measure]struct{ active, passive, reported string }{
	indictment:  {"announced an indictment", "Persons tied to it were indicted.", "An indictment was reported."},
	charges:     {"brought criminal charges", "Persons tied to it were charged.", "Criminal charges were reported."},
	sanctions:   {"imposed sanctions", "It was placed under sanctions.", "Sanctions were reported."},
	arrests:     {"announced an arrest", "Persons tied to it were arrested.", "An arrest was reported."},
	extradition: {"announced an extradition", "A person tied to it was extradited.", "An extradition was reported."},
	conviction:  {"announced a conviction", "A person tied to it was convicted.", "A conviction was reported."},
	takedown:    {"announced a takedown", "It was taken down, at least in part.", "A takedown was reported."},
	seizure:     {"announced a seizure of infrastructure", "Infrastructure of it was seized.", "A seizure of infrastructure was reported."},
	disruption:  {"announced a disruption of its operations", "Its operations were disrupted by authorities.", "A disruption of its operations was reported."},
}

var measureWords = map[string]measure{
	"indicted": indictment, "indictment": indictment, "indictments": indictment, "indicts": indictment,
	"charged": charges, "charges": charges, "sanctioned": sanctions, "sanctions": sanctions, "sanction": sanctions,
	"arrested": arrests, "arrest": arrests, "arrests": arrests, "extradited": extradition, "extradition": extradition,
	"sentenced": conviction, "convicted": conviction, "pleads": conviction, "pleaded": conviction,
	"takedown": takedown, "dismantled": takedown, "dismantle": takedown, "dismantles": takedown, "dismantling": takedown,
	"seized": seizure, "seizure": seizure, "seizes": seizure, "seize": seizure,
	"disrupt": disruption, "disrupts": disruption, "disrupted": disruption,
}

// law adds the measures that the references and the text tell of. References
// come first: they have days.
func (d *document) law() {
	for _, ref := range d.r.References {
		d.lawReference(ref)
	}
	for i := range d.sens {
		d.lawSentence(&d.sens[i])
	}
}

func (d *document) addLaw(m measure, agent string, date intel.Date, ref intel.Reference, prose bool) {
	date.Basis = "" // it is the date of the event, no rung of a ladder
	texts := measureTexts[m]
	text := texts.passive
	switch {
	case agent != "":
		text = agent + " " + texts.active + "."
	case !prose:
		text = texts.reported
	}
	// The same measure in the same year, told again with less.
	if prose {
		for _, e := range d.r.Events {
			if e.Type == LawEnforcement && sameMeasure(e.Text, m) && (date.IsZero() || !e.Date.IsZero() && e.Date.At.Std().Year() == date.At.Std().Year()) {
				return
			}
		}
	}
	d.addEvent(intel.Event{Type: LawEnforcement, Date: date, Text: text, Ref: ref})
}

func sameMeasure(text string, m measure) bool {
	same := []measure{m}
	switch m {
	case indictment:
		same = append(same, charges)
	case charges:
		same = append(same, indictment)
	}
	for _, m := range same {
		t := measureTexts[m]
		if strings.Contains(text, t.active) || text == t.passive || text == t.reported {
			return true
		}
	}
	return false
}

// agents are the words by which a sentence names who took a measure.
var agents = []struct{ words, agent string }{
	{"department of justice", "The U.S. Department of Justice"},
	{"justice department", "The U.S. Department of Justice"},
	{"doj", "The U.S. Department of Justice"},
	{"us treasury", "The U.S. Department of the Treasury"},
	{"u.s treasury", "The U.S. Department of the Treasury"},
	{"treasury department", "The U.S. Department of the Treasury"},
	{"department of the treasury", "The U.S. Department of the Treasury"},
	{"ofac", "The U.S. Department of the Treasury"},
	{"europol", "Europol"},
	{"interpol", "Interpol"},
	{"fbi", "The FBI"},
	{"national crime agency", "The UK National Crime Agency"},
	{"the us", "The United States"},
	{"u.s", "The United States"},
	{"us", "The United States"},
	{"united states", "The United States"},
	{"the uk", "The United Kingdom"},
	{"microsoft", "Microsoft"},
}

// elsewhereLaw are words that say that a sentence tells of a measure against
// others, or of one that was not taken.
var elsewhereLaw = set("retaliation protest protests reward bounty demand demanding demanded evade evading circumvent avoid against-the avoiding journalist response threatened claims claimed extort extortion release")

// persons are words that tie a measure to the record's people or means.
var persons = set("members member officers officer leader leaders operators operator individuals individual affiliates affiliate administrators administrator developer developers hackers domains infrastructure servers nationals associated infrastructure author alleged")

// lawSentence reads a measure out of a sentence.
func (d *document) lawSentence(sen *sentence) {
	named := sen.self
	for _, t := range sen.tok {
		named = named || t.ref == refSelf || t.ref == refThis
	}
	if !named || sen.has(0, len(sen.tok), elsewhereLaw) {
		return
	}
	for k := range sen.tok {
		m := measureWords[sen.l(k)]
		if m == noMeasure || sen.negated(k-4, k) {
			continue
		}
		if !d.measureOf(sen, k, m) {
			continue
		}
		date := dateNear(sen, k)
		if !date.IsZero() && !d.plausible(date) {
			continue
		}
		d.addLaw(m, agentIn(sen, m), date, intel.Reference{}, true)
	}
}

// agentIn returns who took the measure, the most special body that is named; ""
// if none is. A company only takes down and seizes.
func agentIn(sen *sentence, m measure) string {
	for _, a := range agents {
		if a.agent == "Microsoft" && m != seizure && m != takedown {
			continue
		}
		for j, t := range sen.tok {
			if t.word && t.upper() != strings.HasPrefix(a.words, "the ") && matchPhrase(sen, j, a.words) > 0 {
				return a.agent
			}
		}
	}
	return ""
}

// measureOf reports whether the measure at token k was taken against the record
// or its people.
func (d *document) measureOf(sen *sentence, k int, m measure) bool {
	w := sen.l(k)
	switch w {
	case "charges", "charged":
		if w == "charged" && !oneOf(sen.l(k-1), "were", "was", "been") {
			return false
		}
		if w == "charges" && !sen.any(k-4, k, "criminal", "unsealed", "filed", "brought", "announced") {
			return false
		}
	case "sanctions":
		// Lures and reasons: "after sanctions on Russia".
		if !sen.any(k-3, k, "following", "us", "u.s", "treasury", "imposed", "after") || oneOf(sen.l(k+1), "on", "against") && sen.tok[min(k+2, len(sen.tok)-1)].ref == refNone {
			return false
		}
	case "disrupt", "disrupts", "seize", "dismantle", "seizes", "sanction", "dismantles", "dismantling":
		return false
	case "disrupted", "seized", "dismantled":
		if !sen.any(0, len(sen.tok), "europol", "fbi", "police", "authorities", "law", "doj", "microsoft", "interpol", "enforcement") {
			return false
		}
	case "takedown":
		next := sen.l(k + 1)
		if next != "of" && next != "by" && next != "in" || next == "of" && sen.tok[min(k+2, len(sen.tok)-1)].ref != refSelf {
			return false
		}
	}
	if sen.self && oneOf(sen.l(k-1), "was", "were", "been") && sen.mine(k) && m != arrests && m != indictment && m != conviction && m != extradition {
		return true
	}
	for j := max(0, k-24); j < min(len(sen.tok), k+24); j++ {
		if !persons[sen.l(j)] {
			continue
		}
		for x := max(0, j-8); x < min(len(sen.tok), j+9); x++ {
			if r := sen.tok[x].ref; r == refSelf || r == refThis {
				return true
			}
		}
	}
	// "Following U.S. sanctions and an indictment in 2019, X changed …"
	if oneOf(sen.l(0), "following", "after") && sen.at > k && sen.self && sen.any(0, k, "us", "u.s", "doj", "fbi", "europol", "treasury") && !sen.hasOther() {
		return true
	}
	// A person who is the record: "who was arrested".
	return sen.self && sen.at >= 0 && oneOf(sen.l(k-1), "was") && sen.mine(k) && sen.tok[sen.at].ref == refSelf && k-sen.at < 12
}

// dateNear returns the date that stands nearest to the measure: "in 2018" after
// it, or the one that opens the sentence.
func dateNear(sen *sentence, k int) intel.Date {
	for j := k + 1; j < min(k+14, len(sen.tok)); j++ {
		if oneOf(sen.l(j), "for", "conducted", "against", "that", "which", "but", ";") {
			break
		}
		if oneOf(sen.l(j), "in", "on", "of") {
			if date, next := sen.dateAt(j + 1); next > 0 {
				return date
			}
		}
	}
	if oneOf(sen.l(0), "in", "on") {
		if date, next := sen.dateAt(1); next > 0 && next <= 6 {
			return date
		}
	}
	return intel.Date{}
}
