package profile

import (
	"slices"
	"strings"

	"dossier/internal/intel"
	"dossier/internal/vocab"
)

// FieldClaims say, for one field of a profile, what each source states and by
// which rule the served value was chosen.
type FieldClaims struct {
	Field  string       `json:"field"`  // the property's name in the API
	Served []string     `json:"served"` // never absent; empty where nothing is served
	Rule   string       `json:"rule"`   // in words
	Differ bool         `json:"differ,omitempty"`
	Claims []FieldClaim `json:"claims"` // in order of precedence; never absent
}

// A FieldClaim is what one record or person states.
type FieldClaim struct {
	Value  string     `json:"value"` // as the source writes it
	From   intel.Ref  `json:"from,omitzero"`
	Source string     `json:"source"`           // the publisher, for people
	Note   string     `json:"note,omitempty"`   // who coined a name, what a date rests on, what a word is served as
	Served bool       `json:"served,omitempty"` // the served value is this one, or comes of it
	First  intel.Time `json:"first,omitzero"`   // first and last asserted, where the source dates it
	Last   intel.Time `json:"last,omitzero"`
}

const precedence = "the order of precedence is: what a person set, then the publisher's rank, then the newest, then the key"

// Claims returns what the sources say of each field of a profile: title, aliases,
// date of first activity, origins, targets and texts, in this order. A field that
// a person has set says so, and shows what it hides.
func Claims(d *intel.Dossier) []FieldClaims {
	base := d
	if d.Base != nil {
		base = d.Base
	}
	out := []FieldClaims{
		titleClaims(base), aliasClaims(base), firstActiveClaims(base), originClaims(base), targetClaims(base),
		textClaims("summary", base.Profile.Summary.Content != "", base),
		textClaims("description", base.Profile.Description.Content != "", base),
		textClaims("tradecraft", base.Profile.Tradecraft != nil, base),
	}
	for i := range out {
		out[i].override(d)
		out[i].finish()
	}
	return out
}

func source(r intel.Ref) string {
	if r.Publisher == "" {
		return "Dossier"
	}
	return intel.PublisherOf(r.Publisher).Title
}

func titleClaims(d *intel.Dossier) FieldClaims {
	f := FieldClaims{
		Field: "title", Served: []string{d.Profile.Title},
		Rule: "the title of the first live record; " + precedence,
	}
	for _, r := range d.Records {
		c := FieldClaim{Value: r.Title, From: r.Ref, Source: source(r.Ref), Served: r.Ref == d.TitleFrom, Last: r.Modified}
		switch {
		case r.Withdrawn:
			c.Note = "withdrawn by its publisher"
		case r.Mention:
			c.Note = "only repeats a name"
		}
		f.Claims = append(f.Claims, c)
		f.Differ = f.Differ || intel.NameKey(r.Title) != intel.NameKey(d.Profile.Title)
	}
	return f
}

func aliasClaims(d *intel.Dossier) FieldClaims {
	f := FieldClaims{
		Field: "aliases", Served: slices.Clone(d.Profile.Aliases),
		Rule: "every name that a source gives as the same or a former one, one for each form, in order of precedence; without the title, placeholders, ATT&CK ids, names of sponsors, campaigns, parts and of tools that the actor uses, and without what only a fairly reliable source says beside better ones",
	}
	for _, n := range d.Names {
		c := FieldClaim{Value: n.Value, From: n.From, Source: source(n.From), Served: n.Alias && intel.NameKey(n.Value) != intel.NameKey(d.Profile.Title), First: n.First, Last: n.Last}
		var notes []string
		if n.CoinedBy != "" && !n.Decided {
			notes = append(notes, "coined by "+n.CoinedBy)
		}
		switch {
		case n.Gone:
			notes = append(notes, "no longer: the entry had it until then")
		case n.Decided:
			notes = append(notes, "decided: the name means this profile")
		case n.Relation != "" && n.Relation != intel.Same:
			notes = append(notes, "as "+string(n.Relation))
		}
		c.Note = strings.Join(notes, "; ")
		f.Claims = append(f.Claims, c)
	}
	return f
}

func firstActiveClaims(d *intel.Dossier) FieldClaims {
	f := FieldClaims{
		Field: "firstActiveDateTime", Served: []string{d.Profile.FirstActive.String()},
		Rule: "the best rung of a ladder, whoever states it: activity (stated, of a campaign, or in prose; the earliest), then the earliest dated indicator, the earliest report, the day the entry was made, the release, the import",
	}
	weighed := d.FirstActives
	if len(weighed) == 0 {
		weighed = []intel.Sourced[intel.Date]{d.FirstActive}
	}
	for _, s := range weighed {
		f.Claims = append(f.Claims, FieldClaim{
			Value: s.Value.String(), From: s.From, Source: source(s.From), Served: s == d.FirstActive,
			Note: string(s.Value.Basis),
		})
		f.Differ = f.Differ || active(s.Value) && active(d.FirstActive.Value) && s.Value.At != d.FirstActive.Value.At
	}
	return f
}

func originClaims(d *intel.Dossier) FieldClaims {
	f := FieldClaims{
		Field: "countriesOrRegionsOfOrigin", Served: []string{}, Differ: d.OriginsDiffer,
		Rule: "the countries of the first record that states any in a field; those read out of prose only where no record has a field; " + precedence,
	}
	served := map[string]bool{}
	for _, o := range d.Profile.Origins {
		f.Served, served[o.Code] = append(f.Served, o.Label+" ("+o.Code+")"), true
	}
	var from intel.Ref
	var prose bool
	for i, o := range d.Origins {
		if i == 0 { // served ones stand first
			from, prose = o.From, o.Value.Prose
		}
		c := FieldClaim{Value: o.Value.Country, From: o.From, Source: source(o.From)}
		country, known := vocab.CountryOf(o.Value.Country)
		c.Served = known && served[country.Code] && o.From == from && o.Value.Prose == prose
		var notes []string
		if !known {
			notes = append(notes, "not a country of the vocabulary")
		}
		if o.Value.Prose {
			notes = append(notes, "read out of prose")
		}
		if o.Value.By != "" {
			notes = append(notes, "after "+o.Value.By)
		}
		c.Note = strings.Join(notes, "; ")
		f.Claims = append(f.Claims, c)
	}
	return f
}

func targetClaims(d *intel.Dossier) FieldClaims {
	f := FieldClaims{
		Field: "targets", Served: slices.Clone(d.Profile.Targets),
		Rule: "all that the live records state, mapped to one vocabulary: sectors, countries, regions, then other words; those read out of prose only for a group that no record fills from a field",
	}
	for _, t := range d.Targets {
		c := FieldClaim{Value: t.Value, From: t.From, Source: source(t.From), Served: true}
		if t.Served != t.Value {
			c.Note = "served as " + t.Served
		}
		if sector, ok := vocab.SectorOf(t.Served); ok {
			if stix := sector.STIX(); stix != "" {
				c.Note = strings.TrimPrefix(c.Note+"; STIX "+stix, "; ")
			}
			if nace := sector.NACE(); len(nace) > 0 && len(nace) <= 6 {
				c.Note = strings.TrimPrefix(c.Note+"; NACE "+strings.Join(nace, ", "), "; ")
			}
		}
		if t.Prose {
			c.Note = strings.TrimPrefix(c.Note+"; read out of prose", "; ")
		}
		f.Claims = append(f.Claims, c)
	}
	return f
}

// textClaims are about a text, which is written from the facts of all records.
func textClaims(field string, served bool, d *intel.Dossier) FieldClaims {
	f := FieldClaims{Field: field, Served: []string{}, Rule: "written by Dossier from the facts of all records; where a source's own text is used it is quoted, with its author"}
	if !served {
		return f
	}
	f.Served = []string{"(text)"}
	for _, r := range d.Records {
		f.Claims = append(f.Claims, FieldClaim{Value: "(facts)", From: r.Ref, Source: source(r.Ref), Served: true, Last: r.Modified})
	}
	return f
}

// override puts first what people set, where they set the field.
func (f *FieldClaims) override(d *intel.Dossier) {
	var own []FieldClaim
	for _, c := range d.Claims {
		if c.Field != f.Field && !strings.HasPrefix(c.Field, f.Field+"/") {
			continue
		}
		who := c.Name
		if who == "" {
			who = c.Client
		}
		value := strings.Trim(string(c.Value), `"`)
		if c.Action == intel.ClearOut {
			value = "(cleared)"
		}
		own = append(own, FieldClaim{
			Value: value, From: claimRef(c), Source: source(claimRef(c)), Note: "set by " + who, Served: true, First: c.Made, Last: c.Made,
		})
	}
	if len(own) == 0 {
		return
	}
	for i := range f.Claims {
		f.Claims[i].Served = false
	}
	f.Claims = append(own, f.Claims...)
	f.Differ = true
	f.Rule = "a person set it, which goes before all sources; without that: " + f.Rule
	p := &d.Profile
	switch f.Field {
	case "title":
		f.Served = []string{p.Title}
	case "aliases":
		f.Served = slices.Clone(p.Aliases)
	case "targets":
		f.Served = slices.Clone(p.Targets)
	case "firstActiveDateTime":
		f.Served = []string{p.FirstActive.String()}
	case "countriesOrRegionsOfOrigin":
		f.Served = []string{}
		for _, o := range p.Origins {
			f.Served = append(f.Served, o.Label+" ("+o.Code+")")
		}
	}
}

// finish makes lists that are never absent.
func (f *FieldClaims) finish() {
	if f.Served == nil {
		f.Served = []string{}
	}
	if f.Claims == nil {
		f.Claims = []FieldClaim{}
	}
}
