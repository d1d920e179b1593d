package facts

import (
	"dossier/internal/intel"
)

var (
	// activeVerbs before "since" say that the record was active from then on.
	activeVerbs = set("active operating operated operational operates operate targeted targeting target targets conducted conducting conducts used using use uses existed exist compromised compromising attacked attacking engaged involved observed seen tracked performed launched carried deployed distributed distributing infected infecting around leveraged stealing spying spied offered sold advertised available in-the-wild employed executing conduct working run running maintained")
	// otherVerbs nearer to "since" say that something else has been so from
	// then on.
	otherVerbs = set("differentiated shifted expanded evolved changed added increased rebranded moved grown switched developed developing removed improved updated adopted replaced supplanted leaked arrested indicted founded renamed resurfaced returned ceased stopped declined disappeared transitioned been-replaced sanctioned become became begun began formed merged attributed supported")
	// seenVerbs after "first", or alone in the passive, date an activity.
	seenVerbs   = set("observed seen identified detected spotted appeared emerged surfaced noticed active used deployed launched noted tracked")
	riseVerbs   = set("emerged appeared surfaced debuted formed")
	reportVerbs = set("discovered reported documented described disclosed publicized published named exposed uncovered revealed")
)

// firstActive adds the earliest date from which the text says that the record
// has been active.
func (d *document) firstActive() {
	var best intel.Date
	for i := range d.sens {
		sen := &d.sens[i]
		for k := range sen.tok {
			if date := d.activeAt(sen, k); !date.IsZero() && d.plausible(date) &&
				(best.IsZero() || date.At < best.At || date.At == best.At && date.Precision != intel.Year && best.Precision == intel.Year) {
				best = date
			}
		}
	}
	d.addFirstActive(best)
}

// activeAt reads a statement of first activity whose key word is token k.
func (d *document) activeAt(sen *sentence, k int) intel.Date {
	if !sen.mine(k) || k == 0 && sen.at >= 0 && !leadsTo(sen) || k == 1 && sen.tok[0].l == "active" && sen.at >= 0 && !leadsTo(sen) {
		return intel.Date{}
	}
	switch w := sen.l(k); {
	case w == "since":
		if date, next := sen.dateAt(k + 1); next > 0 && d.sinceActive(sen, k, next) {
			return date
		}
	case w == "dates" || w == "dating" || w == "dated":
		if sen.l(k+1) == "back" && (d.r.Kind == intel.Tool || sen.any(k-3, k, "activity", "activities", "operations", "campaigns", "attacks", "it", "they")) {
			date, _ := sen.dateAt(k + 2)
			return date
		}
	case w == "early" && sen.l(k-1) == "as" && sen.l(k+1) == "as", w == "far" && sen.is(k-1, "as", "far", "back", "as"):
		at := k + 2
		if w == "far" {
			at++
		}
		if verb := lastVerb(sen, k-1); activeVerbs[verb] && !sen.negated(k-6, k) && !d.ofTool(sen, k) {
			date, _ := sen.dateAt(at)
			return date
		}
	case w == "first":
		v := k + 1
		if sen.l(v) == "publicly" {
			return intel.Date{}
		}
		if seenVerbs[sen.l(v)] && !d.ofTool(sen, k) && sen.l(k-1) != "the" {
			if date := dateSoon(sen, v+1, 9); !date.IsZero() && !sen.any(k-4, k, "when", "were", "who") {
				return date
			}
		}
	case riseVerbs[w] && (sen.tok[max(0, k-1)].ref != refNone || oneOf(sen.l(k-1), "that", "which", "who", "first", "has")):
		return dateSoon(sen, k+1, 4)
	case w == "active" && (sen.l(k+1) == "from" || sen.l(k+1) == "between" || sen.l(k+1) == "as" && sen.l(k+2) == "of"),
		w == "operated" && sen.l(k+1) == "from":
		if sen.l(k+1) == "as" {
			return intel.Date{}
		}
		date, _ := sen.dateAt(k + 2)
		return date
	case d.r.Kind == intel.Tool && (w == "from" || w == "between") && sen.any(k-8, k, "used"):
		date, next := sen.dateAt(k + 1)
		if next > 0 && oneOf(sen.l(next), "to", "and", "through", "until", "-") {
			return date
		}
	}
	return intel.Date{}
}

// leadsTo reports, of a sentence that opens with a participle ("First observed
// in January 2018, …"), that the record is what follows the first comma.
func leadsTo(sen *sentence) bool {
	for i := range sen.tok {
		if sen.l(i) == "," {
			if months[sen.l(i-2)] != 0 && year(sen.l(i+1)) != 0 {
				continue // January 5, 2018
			}
			return sen.at > i && sen.at <= i+2
		}
	}
	return sen.at >= 0 && sen.at < 8
}

// sinceActive reports whether "since" at k, with its date ending at next, tells
// when the record began to be active.
func (d *document) sinceActive(sen *sentence, k, next int) bool {
	if k == 0 || k == 1 && !sen.tok[0].word {
		// "Since 2014, the group has targeted …"
		if sen.at < next || sen.at > next+2 {
			return false
		}
		for i := sen.at; i < min(sen.at+8, len(sen.tok)); i++ {
			if sen.l(i) == "also" || otherVerbs[sen.l(i)] || sen.negated(i, i+1) {
				return false
			}
			if activeVerbs[sen.l(i)] || sen.l(i) == "able" {
				return true
			}
		}
		return false
	}
	if sen.negated(k-5, k) || sen.any(max(0, sen.at, k-14), k, "not", "never", "no") || oneOf(sen.l(k-1), "has", "have", "and", "but") {
		return false
	}
	if d.ofTool(sen, k) {
		return false
	}
	return activeVerbs[lastVerb(sen, k)]
}

// ofTool reports that in an actor's text the nearest clause before k is about a
// tool: "… malware, which has been active since".
func (d *document) ofTool(sen *sentence, k int) bool {
	if d.r.Kind != intel.Actor {
		return false
	}
	if toolNouns[sen.l(k-1)] || activeVerbs[sen.l(k-1)] && toolNouns[sen.l(k-2)] {
		return true
	}
	for i := k - 1; i > max(0, sen.at, k-9); i-- {
		if oneOf(sen.l(i), "that", "which", "called", "named", ",") && i > 0 {
			if n := sen.tok[i-1]; toolNouns[n.l] && n.l != "family" || n.ref == refOther {
				return true
			}
			if sen.l(i) != "," {
				return false
			}
		}
	}
	return false
}

// lastVerb returns the nearest word before k that is one of the verbs of either
// table.
func lastVerb(sen *sentence, k int) string {
	for i := k - 1; i >= 0; i-- {
		w := sen.l(i)
		if activeVerbs[w] || otherVerbs[w] {
			return w
		}
		if w == ";" {
			break
		}
	}
	return ""
}

// dateSoon returns the date that an "in", "on", "during" or "around" leads in
// within the next n tokens.
func dateSoon(sen *sentence, from, n int) intel.Date {
	for i := from; i < min(from+n, len(sen.tok)); i++ {
		switch sen.l(i) {
		case "in", "on", "during", "around", "circa":
			if date, next := sen.dateAt(i + 1); next > 0 {
				return date
			}
		case ";", "that", "which", "since":
			return intel.Date{}
		}
		if i == from {
			if date, next := sen.dateAt(i); next > 0 {
				return date
			}
		}
	}
	return intel.Date{}
}
