package profile

import (
	"cmp"
	"slices"
	"strings"

	"dossier/internal/intel"
	"dossier/internal/vocab"
)

// origins keeps every claim and serves the countries of the first member that
// states any in a field; those read out of prose only if no member has a field.
func (f *folder) origins() {
	p := &f.d.Profile
	p.Origins = []intel.CountryOfOrigin{}
	type claim struct {
		intel.Sourced[intel.Origin]
		country vocab.Country
		ok      bool
	}
	var claims []claim
	seen := map[intel.Sourced[intel.Origin]]bool{}
	for _, m := range f.fields {
		for _, o := range m.Origins {
			o.Country, o.By = clean(o.Country), clean(o.By)
			s := intel.Sourced[intel.Origin]{Value: o, From: m.Ref}
			if o.Country == "" || seen[s] {
				continue
			}
			seen[s] = true
			c, ok := vocab.CountryOf(o.Country)
			claims = append(claims, claim{s, c, ok})
		}
	}
	servedBy, prose := intel.Ref{}, false
	for _, want := range []bool{false, true} {
		i := slices.IndexFunc(claims, func(c claim) bool { return c.ok && c.Value.Prose == want })
		if i >= 0 {
			servedBy, prose = claims[i].From, want
			break
		}
	}
	serves := func(c claim) bool { return c.ok && c.From == servedBy && c.Value.Prose == prose }
	codes := map[string]bool{}
	for _, c := range claims {
		if serves(c) {
			f.d.Origins = append(f.d.Origins, c.Sourced)
			if !codes[c.country.Code] {
				codes[c.country.Code] = true
				p.Origins = append(p.Origins, intel.CountryOfOrigin{
					ODataType: intel.OriginType, Label: c.country.Label, Code: c.country.Code,
				})
			}
		}
	}
	for _, c := range claims {
		if !serves(c) {
			f.d.Origins = append(f.d.Origins, c.Sourced)
			f.d.OriginsDiffer = f.d.OriginsDiffer || c.ok && !codes[c.country.Code]
		}
	}
}

// claims collects what is kept as stated: affiliations, motives, ids, events,
// references, and for tools their types, platforms and availability.
func (f *folder) claims() {
	d := f.d
	affiliations, motives, types := map[string]bool{}, map[string]bool{}, map[string]bool{}
	ids, refs, events := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, m := range f.fields {
		for _, a := range m.Affiliations {
			a.Body, a.By = clean(a.Body), clean(a.By)
			if a.Body != "" && first(affiliations, intel.NameKey(a.Body)+"\x00"+m.Ref.String()) {
				d.Affiliations = append(d.Affiliations, intel.Sourced[intel.Affiliation]{Value: a, From: m.Ref})
			}
		}
		for _, s := range m.Motives {
			if s = clean(s); s != "" && first(motives, strings.TrimPrefix(intel.NameKey(s), "cyber")) { // "cyber espionage" is espionage
				d.Motives = append(d.Motives, intel.Sourced[string]{Value: s, From: m.Ref})
			}
		}
		for _, s := range m.ToolTypes {
			if s = clean(s); s != "" && first(types, intel.NameKey(s)) {
				d.ToolTypes = append(d.ToolTypes, intel.Sourced[string]{Value: s, From: m.Ref})
			}
		}
		for _, s := range m.Platforms {
			if s = clean(s); s != "" && !slices.Contains(d.Platforms, s) {
				d.Platforms = append(d.Platforms, s)
			}
		}
		if m.Availability != "" && d.Availability.Value == "" {
			d.Availability = intel.Sourced[intel.Availability]{Value: m.Availability, From: m.Ref}
		}
		for _, e := range m.Events {
			e.Type, e.Text = clean(e.Type), cleanTo(e.Text, 600)
			if e.Text != "" && first(events, e.Type+"\x00"+intel.NameKey(e.Text)+"\x00"+e.Date.String()) {
				d.Events = append(d.Events, intel.Sourced[intel.Event]{Value: e, From: m.Ref})
			}
		}
	}
	for _, m := range f.members {
		for _, x := range m.IDs {
			if x.ID != "" && first(ids, x.Issuer+"\x00"+x.ID) {
				d.IDs = append(d.IDs, intel.Sourced[intel.ExternalID]{Value: x, From: m.Ref})
			}
		}
		for _, r := range m.References {
			if key := cmp.Or(strings.TrimSuffix(r.URL, "/"), r.Title); key != "" && first(refs, key) {
				d.References = append(d.References, intel.Sourced[intel.Reference]{Value: r, From: m.Ref})
			}
		}
	}
	slices.Sort(d.Platforms)
	slices.SortStableFunc(d.Events, func(a, b intel.Sourced[intel.Event]) int {
		return compareDates(a.Value.Date, b.Value.Date)
	})
	// Each source has an earliest report of its own; there is one earliest.
	discovered := map[string]bool{}
	d.Events = slices.DeleteFunc(d.Events, func(e intel.Sourced[intel.Event]) bool {
		return e.Value.Type == "discovery" && !first(discovered, intel.NameKey(e.Value.Text))
	})
}

// compareDates orders dates by time, undated ones last.
func compareDates(a, b intel.Date) int {
	if a.IsZero() != b.IsZero() {
		if a.IsZero() {
			return 1
		}
		return -1
	}
	return cmp.Compare(a.At, b.At)
}

// first reports whether the key is new, and notes it.
func first(seen map[string]bool, key string) bool {
	if seen[key] {
		return false
	}
	seen[key] = true
	return true
}
