package facts

import (
	"strings"

	"dossier/internal/intel"
)

var (
	overlapWords = set("overlap overlaps overlapping overlapped overlapped-with")
	partWords    = set("sub-set subgroup sub-group subset subdivision sub-cluster subcluster subunit subordinate sub-unit offshoot umbrella splinter")
	relatedWords = set("linked links link relationship connection connections similarity similarities shares shared affiliated aligned successor connected tied ties resemblance association associated")
	apartWords   = set("distinct separate confused separately")
)

// relations adds what the text says of the record and other actors: part of
// one, overlapping with one, or expressly not the same.
func (d *document) relations() {
	for i := range d.sens {
		sen := &d.sens[i]
		self := -1
		var others []int
		for k, t := range sen.tok {
			switch {
			case (t.ref == refSelf || t.ref == refThis) && self < 0:
				self = k
			case t.ref == refOther && (t.id == "" && schemed(t) || strings.HasPrefix(t.id, "G")):
				others = append(others, k)
			}
		}
		if self >= 0 && len(others) > 0 {
			for _, o := range others {
				d.relation(sen, self, o)
			}
		}
		if sen.self {
			d.open(sen)
		}
	}
	// The stronger statement on another stands for the weaker.
	for _, l := range d.found {
		weaker := false
		for _, o := range d.found {
			weaker = weaker || o.Name == l.Name && o.ID == l.ID && strength[o.Relation] > strength[l.Relation]
		}
		if !weaker {
			d.addLink(l)
		}
	}
}

var strength = map[intel.Relation]int{intel.Related: 1, intel.Similar: 2, intel.Overlaps: 3, intel.PartOf: 4}

// schemed reports whether an unlinked name is one of a group: of two words, or
// with a number.
func schemed(t token) bool {
	return strings.ContainsAny(t.s, "0123456789 ")
}

// relation reads how the record, mentioned at self, stands to the actor at o.
func (d *document) relation(sen *sentence, self, o int) {
	all := func(words map[string]bool) bool { return sen.has(0, len(sen.tok), words) }
	other := sen.tok[o]
	if sen.l(o-1) == "by" && !all(overlapWords) {
		return
	}
	link := intel.Link{Name: other.s, Kind: intel.Actor}
	if other.id != "" {
		link.ID = intel.ExternalID{Issuer: "mitre-attack", ID: other.id}
	}
	add := func(rel intel.Relation) {
		link.Relation = rel
		d.found = append(d.found, link)
	}
	dispute := func(text string) {
		d.addEvent(intel.Event{Type: Dispute, Text: text})
	}
	switch {
	case sen.any(0, len(sen.tok), "same") && !sen.is(0, "the", "same") && sameGroup(sen):
		add(intel.Overlaps)
		dispute("Some analysts take it for the same group as " + other.s + "; that is not settled.")
	case reportedUnder(sen, o):
		add(intel.Overlaps)
		dispute("Some researchers report its activity under the name " + other.s + ".")
	case sen.is(o+1, "umbrella") && self > o && !sen.any(0, len(sen.tok), "some"), self < o && partOf(sen, o):
		if !sen.negated(0, o) {
			add(intel.PartOf)
		}
	case all(apartWords) && apart(sen):
		if all(overlapWords) {
			add(intel.Overlaps)
		} else {
			add(intel.Similar)
		}
		dispute("The source keeps it apart from " + other.s + ", with which it has been compared or confused.")
	case all(overlapWords) && !overTool(sen):
		add(intel.Overlaps)
		if sen.negated(0, len(sen.tok)) {
			dispute("Whether it is the same as " + other.s + " has not been settled.")
		} else if sen.any(0, len(sen.tok), "confusion") {
			dispute("Whether it overlaps with " + other.s + " is not settled.")
		}
	case sharesTraits(sen):
		add(intel.Overlaps)
		if sen.negated(0, len(sen.tok)) {
			dispute("The source keeps it apart from " + other.s + ", with which it has been compared or confused.")
		}
	default:
		for k := max(0, o-14); k < o; k++ {
			if relatedWords[sen.l(k)] && (k > self || sen.l(k) == "connection" || sen.l(k) == "link") && oneOf(sen.l(k+1), "to", "with", "between") && !sen.negated(max(0, k-8), k) && !interposed(sen, k, o) {
				add(intel.Related)
				return
			}
		}
	}
}

// interposed reports that what the link leads to is not the actor itself but
// something of it: "linked to malware used by X".
func interposed(sen *sentence, k, o int) bool {
	for j := k + 1; j < o; j++ {
		switch sen.l(j) {
		case "malware", "used", "by", "deployment", "infrastructure", "campaign", "campaigns", "operations", "targeting", "attacks", "including", "activity":
			return true
		}
	}
	return false
}

func sameGroup(sen *sentence) bool {
	for k := range sen.tok {
		if sen.l(k) == "same" && oneOf(sen.l(k+1), "group", "groups", "actor", "entity", "threat") {
			return true
		}
	}
	return false
}

// reportedUnder reads "report all North Korean activity under the name X" and
// "group activity under the broader X umbrella".
func reportedUnder(sen *sentence, o int) bool {
	for k := max(0, o-6); k < o; k++ {
		if sen.l(k) == "under" && (sen.any(k, o, "name") || sen.l(o+1) == "umbrella") && sen.any(0, o, "some", "researchers") {
			return true
		}
	}
	return false
}

// partOf reads "is a subgroup of X", "part of X", "a unit of X".
func partOf(sen *sentence, o int) bool {
	for k := max(0, o-6); k < o; k++ {
		if (partWords[sen.l(k)] || sen.l(k) == "part" && oneOf(sen.l(k-1), "is", "be", "as", "being", "a", "was", "believed") || sen.l(k) == "division" || sen.l(k) == "subset") && oneOf(sen.l(k+1), "of", "to", "within") {
			return !sen.any(k+2, o, "campaign", "operation", "operations", "attacks", "activity")
		}
	}
	return false
}

// apart reports that the sentence keeps two groups apart.
func apart(sen *sentence) bool {
	for k := range sen.tok {
		switch sen.l(k) {
		case "distinct", "separate":
			if oneOf(sen.l(k+1), "entities", "clusters", "groups", "from", "entity", "actors", "based", "") {
				return true
			}
		case "confused":
			return sen.l(k+1) == "with"
		}
	}
	return false
}

// overTool reports that the overlap is one of tools or code with no actor in
// it.
func overTool(sen *sentence) bool {
	for k := range sen.tok {
		if overlapWords[sen.l(k)] && oneOf(sen.l(k-1), "code", "codebase", "version") {
			return true
		}
	}
	return false
}

func sharesTraits(sen *sentence) bool {
	for k := range sen.tok {
		if sen.l(k) == "shares" && sen.any(k, k+4, "characteristics", "similarities", "infrastructure", "ttps", "tactics") {
			return true
		}
	}
	return false
}

// open adds a note where the text says that nobody has been made out behind the
// record.
func (d *document) open(sen *sentence) {
	note := func() {
		d.addEvent(intel.Event{Type: Dispute, Text: "The source leaves open who is behind it."})
	}
	for k := range sen.tok {
		switch sen.l(k) {
		case "unattributed":
			if sen.mine(k) && sen.l(k-1) != "previously" {
				note()
			}
		case "attributed", "linked":
			if k > 2 && sen.mine(k) && sen.any(k-4, k, "not") && !oneOf(sen.l(k+1), "with") {
				note()
			}
		case "attribution", "origin", "origins":
			if sen.any(k+1, k+4, "unknown", "unclear", "disputed", "unconfirmed", "uncertain") && oneOf(sen.l(k+1), "is", "remains", "are", "remain") && sen.mine(k) && sen.negated(k, k+5) {
				note()
			}
		}
	}
}
