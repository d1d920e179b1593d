package profile

import (
	"cmp"
	"slices"

	"dossier/internal/intel"
)

// campaigns collects what is attributed to the profile, by first activity.
func (f *folder) campaigns() {
	seen := map[intel.Ref]bool{}
	add := func(r *intel.Record) {
		if r.Kind != intel.Campaign || !r.Live() || seen[r.Ref] {
			return
		}
		seen[r.Ref] = true
		f.waged = append(f.waged, r)
		use := intel.CampaignUse{ID: attackID(r), Title: nameOf(r), Last: r.LastActive, From: r.Ref}
		for _, d := range r.FirstActive {
			if plausible(d.At) && (use.First.IsZero() || better(d, use.First)) {
				use.First = d
			}
		}
		f.d.Campaigns = append(f.d.Campaigns, use)
	}
	for _, m := range f.members {
		for _, in := range f.incoming(m) {
			if in.Link.Relation == intel.AttributedTo {
				add(in.From)
			}
		}
		if !m.Live() {
			continue
		}
		for _, l := range m.Links {
			if l.Relation == intel.AttributedTo || l.Kind == intel.Campaign {
				if r, ok := f.target(l); ok {
					add(r)
				}
			}
		}
	}
	slices.SortStableFunc(f.d.Campaigns, func(a, b intel.CampaignUse) int {
		return cmp.Or(compareDates(a.First, b.First), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Title, b.Title))
	})
}

// links sorts the links of the members, those to them, and those of their
// campaigns into tools, users and related profiles.
func (f *folder) links() {
	kind := f.d.Profile.Kind
	tools, users, related := linkSet{f: f}, linkSet{f: f}, linkSet{f: f}
	for _, m := range f.fields {
		for _, l := range m.Links {
			switch {
			case l.Relation == intel.RevokedBy, l.Kind == intel.Technique, l.Kind == intel.Campaign:
			case l.Relation == intel.Uses && kind == intel.Actor:
				tools.outgoing(l, intel.Tool, "", m.Ref)
			case l.Relation == intel.AttributedTo && kind == intel.Tool:
				users.outgoing(l, intel.Actor, "", m.Ref)
			case isKinship(l.Relation):
				related.outgoing(l, kind, "", m.Ref)
			}
		}
	}
	for _, r := range f.waged {
		for _, l := range r.Links {
			if l.Relation == intel.Uses && kind == intel.Actor {
				tools.outgoing(l, intel.Tool, nameOf(r), r.Ref)
			}
		}
	}
	for _, m := range f.members {
		for _, in := range f.incoming(m) {
			switch {
			case in.Link.Relation == intel.Uses && kind == intel.Tool:
				f.user(&users, in)
			case in.Link.Relation == intel.AttributedTo && kind == intel.Actor && in.From.Kind == intel.Tool:
				tools.from(in, "")
			case isKinship(in.Link.Relation) && in.From.Kind == kind:
				related.from(in, "")
			}
		}
	}
	f.d.Tools, f.d.Users, f.d.Related = tools.sorted(), users.sorted(), related.sorted()
	for _, t := range f.d.Tools {
		f.tools[intel.NameKey(t.Title)] = true
	}
}

// user notes who uses the tool: the actor that says so, the actors to which the
// campaign that says so is attributed, or that campaign.
func (f *folder) user(users *linkSet, in Incoming) {
	if in.From.Kind != intel.Campaign {
		users.from(in, "")
		return
	}
	attributed := false
	for _, l := range in.From.Links {
		if l.Relation != intel.AttributedTo {
			continue
		}
		if actor, ok := f.target(l); ok && actor.Kind == intel.Actor {
			attributed = true
			users.from(Incoming{From: actor, Link: in.Link}, nameOf(in.From))
		}
	}
	if !attributed {
		users.from(in, "")
	}
}

// isKinship reports whether a relation says how two things of one kind stand to
// each other.
func isKinship(r intel.Relation) bool {
	switch r {
	case intel.Same, intel.PartOf, intel.Overlaps, intel.Similar, intel.Formerly, intel.SubGroup, intel.Related:
		return true
	}
	return false
}

// A linkSet holds links to other profiles, one for each relation and profile:
// of several, the one that the profile's own records state directly, then the
// first with a text.
type linkSet struct {
	f     *folder
	links []intel.ProfileLink
	index map[string]int
}

// outgoing adds the other end of a link that from states, if it is of the kind
// and no part of this profile. A link to an unknown record counts by its name.
func (s *linkSet) outgoing(l intel.Link, kind intel.Kind, via string, from intel.Ref) {
	link := intel.ProfileLink{Relation: l.Relation, Text: l.Text, Via: via, From: from}
	if r, ok := s.f.target(l); ok {
		if r.Kind == kind && r.Live() {
			s.add(s.f.describe(link, r))
		}
		return
	}
	name := clean(l.Name)
	if isName(name) && l.Kind == kind {
		link.Title, link.Kind = name, l.Kind
		if l.ID.Issuer == intel.MitreAttack {
			link.ExternalID = l.ID.ID
		}
		s.add(link, true)
	}
}

// from adds the origin of a link to this profile.
func (s *linkSet) from(in Incoming, via string) {
	s.add(s.f.describe(intel.ProfileLink{
		Relation: in.Link.Relation, Text: in.Link.Text, Via: via, Incoming: true, From: in.From.Ref,
	}, in.From))
}

// describe fills the link with what is known of the other record. It reports
// false for a record of this profile.
func (f *folder) describe(l intel.ProfileLink, r *intel.Record) (intel.ProfileLink, bool) {
	l.Title, l.Kind = nameOf(r), r.Kind
	if id, title, kind, ok := f.w.ProfileOf(r.Ref); ok {
		if id == f.d.Profile.ID {
			return l, false
		}
		l.ID, l.Title, l.Kind = id, cmp.Or(clean(title), l.Title), kind
	}
	if f.own[r.Ref] || l.Title == "" {
		return l, false
	}
	l.ExternalID = attackID(r)
	if r.Kind == intel.Tool {
		l.Availability = r.Availability
		for _, t := range r.ToolTypes {
			if t = clean(t); t != "" && !slices.Contains(l.ToolTypes, t) {
				l.ToolTypes = append(l.ToolTypes, t)
			}
		}
	}
	return l, true
}

func (s *linkSet) add(l intel.ProfileLink, ok bool) {
	if !ok {
		return
	}
	relation := string(l.Relation)
	if l.Incoming && (l.Relation == intel.PartOf || l.Relation == intel.SubGroup || l.Relation == intel.Formerly) {
		relation += " of" // the one direction is not the other
	}
	key := relation + "\x00" + cmp.Or(l.ID, "\x00"+intel.NameKey(l.Title))
	i, known := s.index[key]
	if !known {
		if s.index == nil {
			s.index = map[string]int{}
		}
		s.index[key] = len(s.links)
		s.links = append(s.links, l)
		return
	}
	old := &s.links[i]
	old.Text = cmp.Or(old.Text, l.Text)
	old.ExternalID = cmp.Or(old.ExternalID, l.ExternalID)
	old.Availability = cmp.Or(old.Availability, l.Availability)
	if len(old.ToolTypes) == 0 {
		old.ToolTypes = l.ToolTypes
	}
	if l.Via == "" {
		old.Via = ""
	}
}

// sorted returns the links by title.
func (s *linkSet) sorted() []intel.ProfileLink {
	slices.SortStableFunc(s.links, func(a, b intel.ProfileLink) int {
		return cmp.Or(
			cmp.Compare(intel.NameKey(a.Title), intel.NameKey(b.Title)),
			cmp.Compare(a.ID, b.ID),
			cmp.Compare(a.Relation, b.Relation),
		)
	})
	return s.links
}

// nameOf returns a record's title, or its id where it has none.
func nameOf(r *intel.Record) string {
	return cmp.Or(clean(r.Title), attackID(r), clean(r.Key))
}
