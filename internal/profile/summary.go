package profile

import (
	"strings"
	"unicode/utf8"
)

// summary returns one or two sentences: who, from where, since when, whom it
// targets; for a tool what it is, where it runs, who uses it.
func (t *teller) summary() string {
	lead, second := t.leadActor, t.secondActor
	if !t.actor() {
		lead, second = t.leadTool, t.secondTool
	}
	s := lead(true)
	if utf8.RuneCountInString(s) > MaxSummary {
		s = lead(false)
	}
	if more := second(); more != "" && utf8.RuneCountInString(s)+1+utf8.RuneCountInString(more) <= MaxSummary {
		s += " " + more
	}
	return cutRunes(s, MaxSummary)
}

func cutRunes(s string, limit int) string {
	if utf8.RuneCountInString(s) <= limit {
		return s
	}
	r := []rune(s)
	return strings.TrimRight(string(r[:limit-1]), " ,;:") + "…"
}

// leadActor is the first sentence on an actor, with or without the body that it
// is tied to.
func (t *teller) leadActor(full bool) string {
	s := t.whoClause(t.noun())
	if body := t.affiliation(); full && body != "" {
		s += ", tied to " + body
	}
	if c := t.sinceClause(); c != "" {
		if strings.Contains(s, ", ") {
			return stop(s, ", and active ", c)
		}
		if t.guarded() {
			return stop(s, ", active ", c)
		}
		return stop(s, t.vary("since", ", active ", " that has been active ", ", active "), c)
	}
	return stop(s)
}

// affiliation returns the first body that a source ties the actor to, if it is
// short enough to stand in a sentence.
func (t *teller) affiliation() string {
	for _, a := range t.d.Affiliations {
		if utf8.RuneCountInString(a.Value.Body) <= 90 {
			return t.esc(theBody(a.Value.Body))
		}
	}
	return ""
}

// secondActor is whom the actor targets; else what others call it; else what
// there is to read about it.
func (t *teller) secondActor() string {
	sectors, places, others := t.targetWords()
	switch {
	case len(sectors) > 0 && len(places) > 0:
		return sentence(t.vary("targets",
			"Its reported targets include ", "It has gone after ", "Known targets include "),
			andMore(sectors, 4, "sector"), t.vary("targets", ", with victims in ", " in ", ", with victims in "), andMore(places, 3, t.placeNoun()))
	case len(sectors) > 0:
		return sentence(t.vary("targets",
			"Its reported targets include ", "It has gone after ", "Known targets include "), andMore(sectors, 5, "sector"))
	case len(places) > 0:
		return sentence(t.vary("places", "Victims have been reported in ", "It has targeted ", "Its reported victims are in "),
			andMore(places, 5, t.placeNoun()))
	case len(others) > 0:
		return sentence("Its reported targets include ", andMore(others, 4, "target"))
	}
	if s := t.namesSentence(3); s != "" {
		return s
	}
	return t.extent()
}

// namesSentence says what others call the profile, in one sentence: those whose
// author is known, up to limit of them, else the plain aliases.
func (t *teller) namesSentence(limit int) string {
	by, rest := t.namesBy()
	var parts []string
	for _, g := range by {
		names := without(g.names, t.title())
		if len(names) == 0 || len(parts) == limit {
			continue
		}
		switch len(parts) % 3 {
		case 0:
			parts = append(parts, g.org+" tracks it as "+and(names[:min(2, len(names))]))
		case 1:
			parts = append(parts, g.org+" calls it "+and(names[:min(2, len(names))]))
		default:
			parts = append(parts, g.org+" knows it as "+and(names[:min(2, len(names))]))
		}
	}
	if len(parts) > 0 {
		return stop(strings.Join(parts, "; "))
	}
	if len(rest) == 1 {
		return sentence(t.vary("aka", "It is also known as ", "Another name for it is ", "It also goes by "), rest[0])
	}
	if len(rest) > 0 {
		return sentence(t.vary("aka", "It is also known as ", "Other names for it are ", "It also goes by "), andMore(rest, 4, "name"))
	}
	return ""
}

func without(names []string, name string) []string {
	var out []string
	for _, n := range names {
		if n != name {
			out = append(out, n)
		}
	}
	return out
}

// extent says how much there is: techniques, tools, indicators; and of a
// profile with none of these that there is little.
func (t *teller) extent() string {
	var parts []string
	if n := len(t.d.Techniques); n > 0 {
		parts = append(parts, count(n, "technique"))
	}
	if n := len(t.d.Tools); n > 0 {
		parts = append(parts, count(n, "tool"))
	}
	if n := t.f.stats.Count; n > 0 {
		parts = append(parts, count(n, "indicator"))
	}
	if len(parts) > 0 {
		return sentence(t.vary("extent", "Sources tie "+and(parts)+" to it", "Sources connect "+and(parts)+" with it"))
	}
	if said := t.firstWords(); said != "" {
		return said
	}
	if n := len(t.d.Campaigns); n > 0 {
		return sentence(count(n, "campaign"), verb(n, " is", " are"), " attributed to it")
	}
	if kin := t.kin(); len(kin) > 0 {
		return kin[0]
	}
	by := t.sources()
	if len(by) == 0 {
		return "No source describes it."
	}
	listed := and(by[:min(len(by), 2)])
	if len(t.d.Profile.Origins) > 0 || t.sinceClause() != "" {
		return sentence(t.vary("little",
			"Little else is on record; it is listed by "+listed,
			"It is listed by "+listed+", with few further facts",
			listed+verb(len(by), " lists", " list")+" it and "+verb(len(by), "says", "say")+" little else"))
	}
	return sentence(t.vary("little",
		"Little more than its name is on record; it is listed by "+listed,
		"Beyond the name little is on record; it is listed by "+listed,
		"It is listed by "+listed+", with few further facts"))
}

// firstWords quotes the first sentence of the first text that a source has.
func (t *teller) firstWords() string {
	for _, m := range t.f.fields {
		text := inline(m.Description, 230)
		if i := strings.Index(text, ". "); i > 30 {
			text = text[:i]
		}
		if text = plain(unmark(text)); text != "" {
			return upper(t.esc(t.publisher(m.Publisher))) + " writes: “" + stop(text) + "”"
		}
	}
	return ""
}
