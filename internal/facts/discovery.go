package facts

import (
	"strings"

	"dossier/internal/intel"
)

// before are words that "reported" and "discovered" may follow when they are
// said of the subject; after a noun they are said of that: "campaigns first
// reported in 2018".
var before = set("was were been first initially publicly originally and , that which is later")

// discovery adds when the record was discovered or first reported: as the text
// says, and by the earliest dated reference that names it.
func (d *document) discovery() {
	for i := range d.sens {
		sen := &d.sens[i]
		for k := range sen.tok {
			if e, ok := d.discoveryAt(sen, k); ok && d.plausible(e.Date) {
				d.addEvent(e)
			}
		}
	}
	var first intel.Reference
	for _, ref := range d.r.References {
		if ref.Date.IsZero() {
			ref.Date = citedDate(ref.Title)
		}
		if ref.Date.IsZero() || !d.plausible(ref.Date) || !d.namedIn(strings.ToLower(titleOf(ref.Title)+" "+ref.URL)) {
			continue
		}
		if first.Date.IsZero() || ref.Date.At < first.Date.At || ref.Date.At == first.Date.At && ref.URL < first.URL {
			first = ref
		}
	}
	if first.Date.IsZero() || strings.HasPrefix(d.r.Key, "tool--") {
		return
	}
	date := first.Date
	date.Basis = ""
	d.addEvent(intel.Event{Type: Discovery, Date: date, Text: "The earliest of the cited reports that name it appeared.", Ref: first})
}

func (d *document) discoveryAt(sen *sentence, k int) (intel.Event, bool) {
	w := sen.l(k)
	if !reportVerbs[w] || !sen.mine(k) || k <= 1 && sen.at >= 0 && !leadsTo(sen) || k > 0 && !before[sen.l(k-1)] {
		return intel.Event{}, false
	}
	if k > 1 && oneOf(sen.l(k-1), "first", "initially", "publicly", "originally") && !before[sen.l(k-2)] {
		return intel.Event{}, false
	}
	if sen.negated(k-4, k) {
		return intel.Event{}, false
	}
	by, at := "", k+1
	if sen.l(at) == "by" {
		m, n := makerAt(sen, at+1)
		if n == 0 {
			m, n = makerAt(sen, at+2)
			n++
		}
		if m != "" {
			by = " by " + m
			at += 1 + n
			if oneOf(sen.l(at), "researchers", "labs", "threat") {
				at++
			}
		}
	}
	if !oneOf(sen.l(at), "in", "on", "by") {
		return intel.Event{}, false
	}
	j := at + 1
	if sen.l(at) == "by" { // by an organisation that is not known here
		j = 0
		for x := at + 1; x < min(at+9, len(sen.tok)); x++ {
			if sen.l(x) == "in" {
				j = x + 1
				break
			}
		}
		if j == 0 {
			return intel.Event{}, false
		}
	}
	date, next := sen.dateAt(j)
	if next == 0 {
		return intel.Event{}, false
	}
	date.Basis = ""
	text := "First publicly reported" + by + "."
	if w == "discovered" || w == "uncovered" {
		text = "Discovered" + by + "."
	}
	if w == "named" || w == "published" || w == "exposed" || w == "revealed" || w == "described" || w == "documented" {
		if sen.l(k-1) != "first" && sen.l(k-1) != "publicly" {
			return intel.Event{}, false
		}
	}
	return intel.Event{Type: Discovery, Date: date, Text: text}, true
}
