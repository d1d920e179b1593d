package profile

import (
	"slices"
	"strings"

	"dossier/internal/intel"
)

// A teller writes the texts of one profile.
type teller struct {
	f   *folder
	d   *intel.Dossier
	esc func(string) string // into the format of the text that is being written
	it  string              // what the profile is called after its name: "the group", "the tool"
}

// texts writes summary, description and tradecraft.
func (f *folder) texts() {
	t := &teller{f: f, d: f.d, esc: plain}
	t.it = t.pronoun()
	p := &f.d.Profile
	p.Summary = intel.Text(t.summary())
	t.esc = escape
	p.Description = intel.Markdown(t.description())
	if content := t.tradecraft(); content != "" {
		c := intel.Markdown(content)
		p.Tradecraft = &c
	}
}

func (t *teller) actor() bool { return t.d.Profile.Kind == intel.Actor }

func (t *teller) title() string { return t.esc(t.d.Profile.Title) }

// pronoun returns "the group" where a source that lists only groups has the
// profile, else "the actor" or "the tool".
func (t *teller) pronoun() string {
	if !t.actor() {
		if strings.Contains(strings.ToLower(t.toolNoun()), "malware") || t.isMalware() {
			return "the malware"
		}
		return "the tool"
	}
	for _, m := range t.f.fields {
		if m.Publisher == intel.MitreAttack && m.Kind == intel.Actor {
			return "the group"
		}
	}
	return "the actor"
}

// A page is Markdown in the making. A heading is written when something
// follows it, so that there is no empty section. What would exceed the limit is
// left out whole.
type page struct {
	b       strings.Builder
	heading []string
	limit   int
	full    bool
	inList  bool
}

func (p *page) section(title string) { p.heading = []string{"## " + title} }
func (p *page) subsection(title string) {
	p.heading = append(p.heading[:min(len(p.heading), p.open())], "### "+title)
}

// open returns how many headings wait above the level of a subsection.
func (p *page) open() int {
	if len(p.heading) > 0 && strings.HasPrefix(p.heading[0], "## ") {
		return 1
	}
	return 0
}

// put writes a block, with a blank line before it unless it continues a list.
func (p *page) put(block string, item bool) {
	if block == "" {
		return
	}
	size := len(block) + 4
	for _, h := range p.heading {
		size += len(h) + 4
	}
	if p.b.Len()+size > p.limit {
		p.full = true
		return
	}
	for _, h := range p.heading {
		if p.b.Len() > 0 {
			p.b.WriteString("\r\n")
		}
		p.b.WriteString(h + "\r\n")
	}
	if p.b.Len() > 0 && (len(p.heading) > 0 || !item || !p.inList) {
		p.b.WriteString("\r\n")
	}
	p.heading, p.inList = nil, item
	p.b.WriteString(block)
	if !strings.HasSuffix(block, "\r\n") {
		p.b.WriteString("\r\n")
	}
}

// para writes a paragraph of sentences; empty ones are left out.
func (p *page) para(sentences ...string) {
	p.put(strings.Join(slices.DeleteFunc(sentences, func(s string) bool { return s == "" }), " "), false)
}

// item writes a line of a list.
func (p *page) item(s string) { p.put("- "+s, true) }

// sentence makes a sentence of its parts: first letter large, one full stop.
func sentence(parts ...string) string {
	s := strings.TrimSpace(strings.Join(parts, ""))
	if s == "" {
		return ""
	}
	return stop(upper(s))
}

// stop ends a sentence that begins with a name, whose letters stay as they are.
func stop(parts ...string) string {
	s := strings.TrimSpace(strings.Join(parts, ""))
	if strings.HasSuffix(s, ".") || strings.HasSuffix(s, "!") || strings.HasSuffix(s, "?") || strings.HasSuffix(s, "…") {
		return s
	}
	return s + "."
}
