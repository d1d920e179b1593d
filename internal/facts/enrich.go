package facts

import (
	"slices"

	"dossier/internal/intel"
	"dossier/internal/vocab"
)

// The types of the events that this package adds to a record; see [intel.Event].
const (
	LawEnforcement = "law-enforcement" // an indictment, arrests, sanctions, a seizure, a takedown
	Discovery      = "discovery"       // the first public report, or the discovery itself
	Dispute        = "dispute"         // sources disagree or leave open who it is
)

// Enrich adds to an actor or a tool the facts that its description states and
// its fields lack; records of other kinds stay as they are. Nothing is removed
// or changed: what the source's fields say stands, and a fact that they already
// have is not added again. Added origins, affiliations and targets are marked
// Prose, dates have the basis [intel.BasisProse], texts of events are composed
// here and hold no sentence of the source. A second call changes nothing.
//
// It keeps no state and may run concurrently on different records.
func Enrich(r *intel.Record) {
	if r == nil || !r.Kind.HasProfile() {
		return
	}
	text, ms := clean(r.Description)
	sens := sentences(text, ms)
	who := newSelves(r)
	who.mark(sens)
	d := &document{r: r, sens: sens, who: who}
	d.firstActive()
	d.targets()
	if r.Kind == intel.Actor {
		d.origins()
		d.motives()
		d.relations()
	} else {
		d.toolTypes()
		d.availability()
	}
	d.law()
	d.discovery()
}

// A document is a record with its text in sentences.
type document struct {
	r    *intel.Record
	sens []sentence
	who  *selves
	// found are the links to other actors, in the order of the text.
	found []intel.Link
	keys  []string // folded names, for references; nil until needed
}

func (d *document) addFirstActive(date intel.Date) {
	if date.IsZero() || !d.plausible(date) || slices.Contains(d.r.FirstActive, date) {
		return
	}
	d.r.FirstActive = append(d.r.FirstActive, date)
}

// plausible refuses dates after the source's last change of the record, which
// are misread; there is no clock here.
func (d *document) plausible(date intel.Date) bool {
	return d.r.Modified.IsZero() || date.At.Std().Year() <= d.r.Modified.Std().Year()
}

func (d *document) addOrigin(c vocab.Country, confidence int, by string) {
	for _, o := range d.r.Origins {
		if have, ok := vocab.CountryOf(o.Country); ok && have == c {
			return
		}
	}
	d.r.Origins = append(d.r.Origins, intel.Origin{Country: c.Code, Confidence: confidence, By: by, Prose: true})
}

func (d *document) addAffiliation(body, by string) {
	for _, a := range d.r.Affiliations {
		if a.Body == body {
			return
		}
	}
	d.r.Affiliations = append(d.r.Affiliations, intel.Affiliation{Body: body, By: by, Prose: true})
}

func (d *document) addTarget(kind intel.TargetKind, value string) {
	for _, t := range d.r.Targets {
		if t.Value == value || served(t.Value) == value {
			return
		}
	}
	d.r.Targets = append(d.r.Targets, intel.Target{Kind: kind, Value: value, Prose: true})
}

// served returns the word of the vocabulary for a source's word.
func served(word string) string {
	if c, ok := vocab.CountryOf(word); ok {
		return c.Label
	}
	if g, ok := vocab.RegionOf(word); ok {
		return g.Name
	}
	if s, ok := vocab.SectorOf(word); ok {
		return s.String()
	}
	return word
}

func (d *document) addEvent(e intel.Event) {
	for _, have := range d.r.Events {
		if have.Type == e.Type && have.Text == e.Text && have.Date.At == e.Date.At {
			return
		}
	}
	d.r.Events = append(d.r.Events, e)
}

func (d *document) addLink(l intel.Link) {
	for _, have := range d.r.Links {
		if have.Relation == l.Relation && (have.ID.ID == l.ID.ID && l.ID.ID != "" || l.Name != "" && have.Name == l.Name) {
			return
		}
	}
	d.r.Links = append(d.r.Links, l)
}
