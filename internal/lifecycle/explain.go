package lifecycle

import (
	"fmt"
	"math"

	"dossier/internal/guard"
	"dossier/internal/intel"
)

// An Explanation is the confidence of an indicator at a time with every term that it was computed from, in the order in
// which they are applied.
type Explanation struct {
	Confidence int        `json:"confidence"`     // at the time, 0..100
	Base       int        `json:"base"`           // while fresh
	Floor      int        `json:"floor"`          // below it the indicator is not active
	Active     bool       `json:"active"`         // above the floor, not withdrawn, not kept back by a list
	From       intel.Time `json:"from,omitzero"`  // from here it ages
	Until      intel.Time `json:"until,omitzero"` // the last moment above the floor; 9999-12-31 if it does not age
	Terms      []Term     `json:"terms"`
}

// A Term is one step: what it did to the confidence, and why.
type Term struct {
	Name   string  `json:"name"`             // source, corroboration, guard, age, valid-until, sighting, withdrawn
	Who    string  `json:"who,omitempty"`    // id of the publisher, name of the list
	Points float64 `json:"points,omitempty"` // added to the confidence; negative: taken from it
	Text   string  `json:"text"`             // a sentence
}

// Explain judges a case as [Of] and [Life.At] do, and tells why. list is the name of the list that guards it.
func Explain(c Case, list string, now intel.Time) Explanation {
	j := judge(c)
	e := Explanation{
		Confidence: j.At(c.Kind, now), Base: j.Base, Floor: Floor, From: j.From, Until: j.Until,
		Active: len(j.voices) > 0 && j.Life.Active(now) && c.Guard != guard.Exclude, Terms: []Term{},
	}
	withdrawn := map[string]bool{}
	for _, s := range c.Statements {
		if s.Revoked && !withdrawn[s.Publisher] {
			withdrawn[s.Publisher] = true
			e.add("withdrawn", s.Publisher, 0, "it withdrew what it said; that counts for nothing")
		}
	}
	for i, v := range j.voices {
		text := fmt.Sprintf("reliability %s is worth %d", v.code, Reliability(v.code))
		if v.rating > 0 {
			text += fmt.Sprintf("; it rates this value %d, and the mean counts: %s", v.rating, points(v.worth))
		} else {
			text += "; it gives no rating of its own"
		}
		name := "source"
		if i > 0 {
			name = "corroboration"
			text += "; half of that, of the doubt that is left, since sources copy each other"
		}
		e.add(name, v.publisher, v.adds, text)
	}
	if len(j.voices) == 0 {
		e.add("source", "", 0, "nobody stands by it")
		return e
	}
	switch c.Guard {
	case guard.Exclude:
		e.add("guard", list, 0, "on a list of values that are not to be taken for malicious: it reaches no hunt, no export and no default collection")
	case guard.Demote:
		e.add("guard", list, float64(j.Base)-j.together, "on a list of values that are seldom malicious: it counts half")
	case guard.Annotate:
		e.add("guard", list, 0, "on a list that is only told of")
	}
	e.age(&c, &j, now)
	return e
}

// age adds the terms of time.
func (e *Explanation) age(c *Case, j *judged, now intel.Time) {
	if c.Sighted != 0 {
		text := "met in your own data on " + c.Sighted.Day()
		if c.Sighted == j.From {
			text += ": its age is counted from there"
		} else {
			text += ", which is older than what the sources say"
		}
		e.add("sighting", "", 0, text)
	}
	a := AgeingOf(c.Kind)
	for _, s := range c.Statements {
		if s.ValidUntil != 0 && !s.Revoked {
			e.add("valid-until", s.Publisher, 0, "it limits what it said to "+s.ValidUntil.Day()+", and that counts in place of the age")
		}
	}
	lost := float64(e.Confidence - j.Base)
	switch {
	case j.Base <= Floor:
		e.add("age", "", lost, fmt.Sprintf("%d is not above the floor of %d even when fresh", j.Base, Floor))
	case j.Until == Never:
		e.add("age", "", 0, fmt.Sprintf("a %s does not age", c.Kind))
	case a.Lifetime == 0:
		e.add("age", "", lost, fmt.Sprintf("a %s does not age, but its sources limit it: it meets the floor of %d on %s", c.Kind, Floor, j.Until.Day()))
	default:
		e.add("age", "", lost, fmt.Sprintf("last known on %s, %s ago; from %d it meets the floor of %d on %s (a %s has a lifetime of %d days, falling with speed %g)",
			j.From.Day(), days(now-j.From), j.Base, Floor, j.Until.Day(), c.Kind, a.Lifetime/Day, a.Speed))
	}
}

func (e *Explanation) add(name, who string, p float64, text string) {
	e.Terms = append(e.Terms, Term{name, who, math.Round(p*10) / 10, text})
}

func points(f float64) string { return fmt.Sprintf("%.4g", f) }

func days(t intel.Time) string {
	if n := t / Day; n != 1 {
		return fmt.Sprintf("%d days", max(n, 0))
	}
	return "1 day"
}
