package profile

import (
	"strings"

	"dossier/internal/intel"
)

// history lists the campaigns by date, then what else happened.
func (t *teller) history(p *page) {
	p.section("History and campaigns")
	if n := len(t.d.Campaigns); n > 0 {
		p.para(sentence(upper(count(n, "campaign")), " ", verb(n, "is", "are"), " attributed to ", t.title()))
	}
	for _, c := range t.d.Campaigns {
		line := "**" + t.esc(c.Title) + "**"
		if c.ID != "" && c.ID != c.Title {
			line += " (" + c.ID + ")"
		}
		if when := span(c.First, c.Last); when != "" {
			line += ", " + when
		}
		if r, ok := t.f.w.Record(c.From); ok && r.Description != "" {
			text := inline(r.Description, 420)
			if i := strings.Index(text, ". "); i > 30 {
				text = text[:i+1]
			}
			line += ". " + upper(t.esc(t.publisher(r.Publisher))) + " writes: “" + text + "”"
			p.item(line)
			continue
		}
		p.item(sentence(line))
	}
	for _, e := range t.events(campaignEvent) {
		p.item(e)
	}
}

// events returns the events of a type, one line each.
func (t *teller) events(kind string) []string {
	var out []string
	for _, e := range t.d.Events {
		if e.Value.Type != kind {
			continue
		}
		out = append(out, t.event(e.Value))
	}
	return out
}

// event is a line on an event: date, what happened, and the document.
func (t *teller) event(e intel.Event) string {
	line := sentence(escapeLong(e.Text))
	if !e.Date.IsZero() {
		line = when(e.Date) + ": " + line
	}
	if e.Ref.URL != "" || clean(e.Ref.Title) != "" {
		line += " (" + t.link(e.Ref) + ")"
	}
	return line
}

// law lists indictments, arrests, takedowns and sanctions.
func (t *teller) law(p *page) {
	p.section("Law enforcement")
	for _, e := range t.events(lawEnforcement) {
		p.item(e)
	}
	// What is neither of the known types is told as well, here or in the
	// history: an event is never dropped.
	p.section("Other events")
	for _, e := range t.d.Events {
		switch e.Value.Type {
		case lawEnforcement, discovery, dispute, campaignEvent:
		default:
			p.item(t.event(e.Value))
		}
	}
}
