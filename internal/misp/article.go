package misp

import (
	"slices"
	"strings"

	"dossier/internal/intel"
)

// threatHigh is the level of events that MISP's users are to look at first:
// "sophisticated APT malware or 0-day attack" (MISP book, Create an event).
const threatHigh = "1"

// article returns what an event is as a document; nil for one without a uuid and
// a title, as what is around loose attributes. Its reports are its text; failing
// these, the notes that its analysts filed as attributes. The attributes add what
// they are about and what they list.
func (d *decoder) article(e *wireEvent, s *scope) *intel.Article {
	key, title := strings.TrimSpace(string(e.UUID)), strings.TrimSpace(string(e.Info))
	if key == "" || title == "" {
		return nil
	}
	a := &intel.Article{
		Ref: intel.Ref{Publisher: s.publisher, Key: key}, Title: title, Tags: tagsOf(e), TLP: s.tlp, Featured: strings.TrimSpace(string(e.Threat)) == threatHigh,
		Created: s.date.At, Modified: s.modified,
	}
	var parts []string
	for _, r := range e.Reports {
		if content := strings.TrimSpace(string(r.Content)); content != "" && !r.Deleted.True {
			parts = append(parts, content)
		}
	}
	withReports := len(parts) > 0
	for _, at := range e.Attribute {
		if at == nil || at.Deleted.True || exceeds(at, s) { // what it says would be open in the article's text
			continue
		}
		value := strings.TrimSpace(string(at.Value))
		switch {
		case isReference(at):
			a.References = append(a.References, intel.Reference{Title: note(string(at.Comment)), URL: value})
		case !withReports && !at.ToIDs.True && (at.Type == "comment" || at.Type == "text") && strings.Contains(value, " "):
			parts = append(parts, value)
		}
	}
	a.Body = strings.Join(parts, "\n\n")
	for _, r := range s.subjects {
		a.About(r, s.tlp)
	}
	return a
}

// tagsOf returns the labels of an event as people read them: its tags, but for
// markings and the long names of galaxies, and the entries of its galaxies.
func tagsOf(e *wireEvent) []string {
	var tags []string
	add := func(s string) {
		if s = strings.TrimSpace(s); s != "" && !slices.Contains(tags, s) {
			tags = append(tags, s)
		}
	}
	for _, t := range e.Tag {
		name := string(t.Name)
		switch m := galaxyTag.FindStringSubmatch(name); {
		case strings.HasPrefix(strings.ToLower(name), "tlp:"):
		case m == nil:
			add(name)
		case !uuidForm.MatchString(m[2]):
			add(m[2])
		}
	}
	for _, g := range e.Galaxy {
		for _, c := range g.Cluster {
			add(string(c.Value))
		}
	}
	return tags
}

// list notes in the article what an attribute of it has.
func (s *scope) list(o *intel.Observation) {
	if s.article == nil || o.Revoked {
		return
	}
	s.article.List(o.Observable, o.TLP)
	for _, r := range o.Subjects {
		s.article.About(r, o.TLP)
	}
}

// exceeds reports whether an attribute is marked more strictly than its event.
func exceeds(a *wireAttr, s *scope) bool {
	tlp, ok := tlpOf(a.Tag)
	return ok && tlp > s.tlp
}
