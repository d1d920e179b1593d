package profile

import (
	"encoding/json"
	"slices"

	"dossier/internal/intel"
)

// Override returns the dossier with what people set over it: the claims, which
// are those of one level ([intel.Claims.At]). The dossier is not changed; it may
// be one that was overridden before, then the new claims replace the old ones.
// Composed texts stay as they are unless a claim sets them.
func Override(d *intel.Dossier, claims intel.Claims) *intel.Dossier {
	base := d
	if d.Base != nil {
		base = d.Base
	}
	claims = slices.DeleteFunc(slices.Clone(claims), func(c *intel.Claim) bool { return c.Field == intel.FieldIndicators })
	if len(claims) == 0 {
		return base
	}
	out := *base
	out.Base, out.Claims = base, claims
	for _, c := range claims {
		set(&out.Profile, c)
	}
	out.Names = overriddenNames(&out)
	if c := claims.Of("title"); c != nil {
		out.TitleFrom = claimRef(c)
	}
	if c := claims.Of("firstActiveDateTime"); c != nil {
		out.FirstActive = intel.Sourced[intel.Date]{
			Value: intel.Date{At: out.Profile.FirstActive, Precision: intel.Exact, Basis: intel.BasisStated}, From: claimRef(c),
		}
	}
	if c := claims.Of("countriesOrRegionsOfOrigin"); c != nil {
		var own []intel.Sourced[intel.Origin]
		for _, o := range out.Profile.Origins {
			own = append(own, intel.Sourced[intel.Origin]{Value: intel.Origin{Country: o.Code}, From: claimRef(c)})
		}
		out.Origins, out.OriginsDiffer = slices.Concat(own, base.Origins), false
	}
	if c := claims.Of("targets"); c != nil {
		var own []intel.TargetClaim
		for _, t := range out.Profile.Targets {
			own = append(own, intel.TargetClaim{Served: t, Target: intel.Target{Value: t}, From: claimRef(c)})
		}
		out.Targets = slices.Concat(own, base.Targets)
	}
	return &out
}

// Made returns the dossier of a profile that people made: nothing but claims.
func Made(id string, claims intel.Claims) *intel.Dossier {
	d := &intel.Dossier{
		Profile: intel.Profile{
			ODataType: intel.ProfileType, ID: id, Kind: intel.Actor, Title: id,
			Aliases: []string{}, Targets: []string{}, Origins: []intel.CountryOfOrigin{},
			Summary: intel.Text(""), Description: intel.Markdown(""),
		},
		Names: []intel.NameClaim{}, Records: []intel.RecordUse{},
	}
	d = Override(d, claims)
	d.Base = nil // there is nothing beneath
	return d
}

func claimRef(c *intel.Claim) intel.Ref { return intel.Ref{Publisher: intel.Analyst, Key: c.ID} }

// set applies one claim to the served form. Values were checked when the claim
// was made; one that does not fit is passed over.
func set(p *intel.Profile, c *intel.Claim) {
	text := func(f *intel.FormattedContent, part string) {
		var v string
		if c.Action != intel.ClearOut && json.Unmarshal(c.Value, &v) != nil {
			return
		}
		f.ODataType = intel.FormattedType
		if part == "format" {
			f.Format = v
		} else {
			f.Content = v
		}
	}
	switch c.Field {
	case "kind":
		_ = json.Unmarshal(c.Value, &p.Kind)
	case "title":
		_ = json.Unmarshal(c.Value, &p.Title)
	case "firstActiveDateTime":
		_ = json.Unmarshal(c.Value, &p.FirstActive)
	case "aliases":
		setList(&p.Aliases, c)
	case "targets":
		setList(&p.Targets, c)
	case "countriesOrRegionsOfOrigin":
		setList(&p.Origins, c)
		for i := range p.Origins {
			p.Origins[i].ODataType = intel.OriginType
		}
	case "summary/content":
		text(&p.Summary, "content")
	case "summary/format":
		text(&p.Summary, "format")
	case "description/content":
		text(&p.Description, "content")
	case "description/format":
		text(&p.Description, "format")
	case "tradecraft":
		if c.Action == intel.ClearOut {
			p.Tradecraft = nil
			return
		}
		var v intel.FormattedContent
		if json.Unmarshal(c.Value, &v) == nil {
			v.ODataType = intel.FormattedType
			p.Tradecraft = &v
		}
	}
}

func setList[T any](list *[]T, c *intel.Claim) {
	v := []T{}
	if c.Action == intel.ClearOut || json.Unmarshal(c.Value, &v) == nil {
		*list = v
	}
}

// overriddenNames are the names with those that a claim sets, and with the mark
// of an alias where the served names have it.
func overriddenNames(d *intel.Dossier) []intel.NameClaim {
	title, aliases := d.Claims.Of("title"), d.Claims.Of("aliases")
	names := slices.Clone(d.Names)
	if title == nil && aliases == nil {
		return names
	}
	served := map[string]bool{intel.NameKey(d.Profile.Title): true}
	for _, a := range d.Profile.Aliases {
		served[intel.NameKey(a)] = true
	}
	for i := range names {
		if aliases != nil {
			names[i].Alias = served[intel.NameKey(names[i].Value)]
		}
	}
	add := func(value string, c *intel.Claim) {
		names = append(names, intel.NameClaim{
			Name: intel.Name{Value: value, Relation: intel.Same, First: c.Made, Last: c.Made}, From: claimRef(c), Alias: true,
		})
	}
	if title != nil {
		add(d.Profile.Title, title)
	}
	if aliases != nil {
		for _, a := range d.Profile.Aliases {
			add(a, aliases)
		}
	}
	return names
}
