package dictionary

import (
	"regexp"
	"slices"
	"strings"

	"dossier/internal/intel"
	"dossier/internal/naming"
	"dossier/internal/refdate"
)

var (
	// malpediaFamily is the key of a family of malware at Malpedia: the platform
	// and a short name.
	malpediaFamily = regexp.MustCompile(`^(?:win|elf|osx|apk|jar|js|ps1|py|php|ios|vbs|asp|aspx|fas|sh|symbian|aix|pl)\.[a-z0-9_]+$`)

	attackPage = regexp.MustCompile(`attack\.mitre\.org/(?:groups|software)/([GS]\d{4})`)
	attackID   = regexp.MustCompile(`^[GS]\d{4}$`)
	partOf     = regexp.MustCompile(`(?i)\bsub-?group of (?:\[[^\]]*\]\s*)?\{\{([^}]+)\}\}`)
	braces     = regexp.MustCompile(`\{\{([^}]+)\}\}`)
	year       = regexp.MustCompile(`\b(?:19|20)\d\d\b`)
)

// An entry is a record in the making.
type entry struct {
	r     *intel.Record
	bound refdate.Bound
}

// take adds what one field says.
func (e *entry) take(c cell) {
	r := e.r
	switch c.role {
	case isNames, isVendor:
		for _, n := range c.named {
			e.name(n)
		}
	case isAttack:
		for _, n := range c.named {
			e.attack(n)
		}
	case isTitle, isToolTitle:
		for _, t := range c.texts {
			if t = plain(t); t != r.Title && !strings.HasPrefix(t, r.Title+",") {
				e.name(named{name: t})
			}
		}
	case isCountry:
		for _, t := range c.texts {
			if t = plain(t); r.Kind == intel.Actor && t != "" && !strings.EqualFold(t, "worldwide") && !slices.ContainsFunc(r.Origins, func(o intel.Origin) bool { return o.Country == t }) {
				r.Origins = append(r.Origins, intel.Origin{Country: t})
			}
		}
	case isSponsor:
		for _, t := range c.texts {
			if t = plain(t); t != "" && !strings.EqualFold(t, "state-sponsored") {
				r.Affiliations = append(r.Affiliations, intel.Affiliation{Body: t})
			}
		}
	case isMotive:
		r.Motives = appendNew(r.Motives, c.texts)
	case isSort:
		if r.Kind == intel.Tool {
			r.ToolTypes = appendNew(r.ToolTypes, c.texts)
		} else {
			r.Notes = appendNew(r.Notes, c.texts)
		}
	case isFirst:
		for _, t := range c.texts {
			e.first(t)
		}
	case isSector:
		e.targets(intel.TargetSector, c.texts)
	case isVictim:
		e.targets(intel.TargetCountry, c.texts)
	case isTarget:
		e.targets(intel.Unsorted, c.texts)
	case isTool:
		for _, t := range c.texts {
			if t = plain(t); t != "" && r.Kind == intel.Actor {
				r.Links = append(r.Links, intel.Link{Relation: intel.Uses, Name: t, Kind: intel.Tool})
			}
		}
	case isOperation:
		for _, t := range c.texts {
			e.event(named{name: t})
		}
		for _, n := range c.named {
			e.event(n)
		}
	case isText:
		for _, t := range c.texts {
			e.text(t)
		}
	case isReference:
		for _, t := range c.texts {
			e.reference(t)
		}
	case isModified:
		for _, t := range c.texts {
			r.Modified = max(r.Modified, refdate.Stamp(t, e.bound, intel.BasisCreated).At)
		}
	}
}

// name adds a name and who gave it. An id of ATT&CK is an id, whoever's column it
// stands in.
func (e *entry) name(n named) {
	value := plain(strings.Trim(n.name, `"`))
	reading := naming.Read(value)
	if reading.ID.ID != "" {
		e.attack(named{name: reading.ID.ID})
		return
	}
	name := reading.Name
	if name.Value == "" {
		return
	}
	if by := plain(n.by); by != "" && name.CoinedBy == "" {
		if known, ok := organisation(by); ok {
			by = known
		}
		name.CoinedBy = by
	}
	if name.CoinedBy == "" {
		name.CoinedBy = naming.SchemeOf(name.Value)
	}
	if name.Value == e.r.Title && name.CoinedBy == "" {
		return
	}
	for i := range e.r.Names {
		have := &e.r.Names[i]
		if have.Value == name.Value && have.Relation == name.Relation && (have.CoinedBy == name.CoinedBy || have.CoinedBy == "" || name.CoinedBy == "") {
			if have.CoinedBy == "" {
				have.CoinedBy = name.CoinedBy
			}
			return
		}
	}
	e.r.Names = append(e.r.Names, name)
}

// attack adds an id of ATT&CK, given as such or as the address of its page. Other
// words in such a column are names that ATT&CK gave.
func (e *entry) attack(n named) {
	id := strings.ToUpper(strings.TrimSpace(n.name))
	if m := attackPage.FindStringSubmatch(n.name); m != nil {
		id = m[1]
	}
	if !attackID.MatchString(id) {
		if n.by != "" {
			e.name(n)
		}
		return
	}
	for _, have := range e.r.IDs {
		if have.Issuer == intel.MitreAttack && have.ID == id {
			return
		}
	}
	e.r.IDs = append(e.r.IDs, naming.ATTACK(id))
}

func (e *entry) first(s string) {
	d := refdate.Loose(s, e.bound, intel.BasisStated)
	if d.IsZero() && year.MatchString(s) {
		d = refdate.Loose(year.FindString(s), e.bound, intel.BasisStated)
	}
	if !d.IsZero() && !slices.Contains(e.r.FirstActive, d) {
		e.r.FirstActive = append(e.r.FirstActive, d)
	}
}

func (e *entry) targets(kind intel.TargetKind, words []string) {
	for _, w := range words {
		t := intel.Target{Kind: kind, Value: plain(w)}
		if t.Value != "" && !slices.Contains(e.r.Targets, t) {
			e.r.Targets = append(e.r.Targets, t)
		}
	}
}

// text takes the description. ETDA puts the names of its other cards in double
// braces, and says in words which groups are parts of others.
func (e *entry) text(s string) {
	if m := partOf.FindStringSubmatch(s); m != nil {
		whole, _, _ := strings.Cut(m[1], ",")
		e.r.Links = append(e.r.Links, intel.Link{Relation: intel.PartOf, Name: strings.TrimSpace(whole), Kind: e.r.Kind})
	}
	s = braces.ReplaceAllStringFunc(s, func(m string) string {
		name, _, _ := strings.Cut(strings.Trim(m, "{}"), ",")
		return strings.TrimSpace(name)
	})
	if s = strings.TrimSpace(s); s != "" && e.r.Description == "" {
		e.r.Description = s
	}
}

func (e *entry) event(n named) {
	text := strings.TrimSpace(n.name)
	if text == "" {
		return
	}
	ev := intel.Event{Type: "campaign", Text: text, Date: refdate.Loose(n.by, e.bound, intel.BasisStated)}
	for _, word := range strings.Fields(text) {
		if strings.HasPrefix(word, "https://") || strings.HasPrefix(word, "http://") {
			if ev.Ref.URL == "" {
				ev.Ref.URL = word
			}
			e.reference(word)
		}
	}
	if n.by == "" {
		ev.Text = firstLine(text)
	}
	e.r.Events = append(e.r.Events, ev)
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return strings.TrimSpace(s)
}

func (e *entry) reference(s string) {
	s = strings.TrimSpace(s)
	if m := attackPage.FindStringSubmatch(s); m != nil {
		e.attack(named{name: m[1]})
		return
	}
	if !strings.HasPrefix(s, "https://") && !strings.HasPrefix(s, "http://") {
		return
	}
	for _, have := range e.r.References {
		if have.URL == s {
			return
		}
	}
	e.r.References = append(e.r.References, intel.Reference{URL: s, Date: refdate.OfURL(s, e.bound)})
}

// finish gives the title its producer, if its form tells.
func (e *entry) finish() {
	r := e.r
	if slices.ContainsFunc(r.Names, func(n intel.Name) bool { return n.Value == r.Title }) {
		return
	}
	if by := naming.SchemeOf(r.Title); by != "" {
		r.Names = append([]intel.Name{{Value: r.Title, CoinedBy: by}}, r.Names...)
	}
}

func appendNew(list, values []string) []string {
	for _, v := range values {
		if v = plain(v); v != "" && !slices.Contains(list, v) {
			list = append(list, v)
		}
	}
	return list
}
