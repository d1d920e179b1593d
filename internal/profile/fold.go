package profile

import (
	"cmp"
	"slices"

	"dossier/internal/intel"
)

// Fold returns the profile with the given id as the members' claims make it,
// with every claim. Members may come in any order; a nil record and a second
// member with the same reference are left out. The records are only read.
//
// The profile is complete in its wire form: collections are never nil, summary
// and description never empty, and the date of first activity is never zero.
func Fold(id string, members []Member, w World) *intel.Dossier {
	f := newFolder(id, members, w)
	f.titleAndKind()
	f.indicators()
	f.campaigns()
	f.links()
	f.techniques()
	f.names()
	f.origins()
	f.targets()
	f.claims()
	f.firstActive()
	f.texts()
	return f.d
}

// A folder holds what is being folded: the members in order of precedence and
// the dossier that grows.
type folder struct {
	w       World
	d       *intel.Dossier
	members []member
	fields  []member // those whose field values count: the live ones, or all if none is
	own     map[intel.Ref]bool
	stats   Stats
	waged   []*intel.Record // campaigns attributed to the profile, by first activity
	tools   map[string]bool // name keys of the titles of tools that the profile uses
	groups  []int           // of each of the dossier's targets: sectorTarget …
}

type member struct {
	*intel.Record
	reason string
	pub    intel.Publisher
}

func newFolder(id string, members []Member, w World) *folder {
	f := &folder{w: w, d: &intel.Dossier{}, own: make(map[intel.Ref]bool, len(members)), tools: map[string]bool{}}
	f.d.Profile.ODataType, f.d.Profile.ID = intel.ProfileType, id
	for _, m := range members {
		if m.Record != nil {
			f.members = append(f.members, member{m.Record, m.Reason, w.Publisher(m.Record.Publisher)})
		}
	}
	slices.SortFunc(f.members, byPrecedence)
	f.members = slices.CompactFunc(f.members, func(a, b member) bool { return a.Ref == b.Ref })
	f.d.Records = make([]intel.RecordUse, 0, len(f.members))
	for _, m := range f.members {
		f.own[m.Ref] = true
		use := intel.RecordUse{Ref: m.Ref, Title: clean(m.Title), Modified: m.Modified, Reason: m.reason, TLP: m.TLP}
		for _, a := range w.Assertions(m.Ref) {
			if a.Value == "" {
				use.First, use.FirstBasis, use.Last, use.LastBasis = a.First, a.FirstBasis, a.Last, a.LastBasis
			}
		}
		f.d.Records = append(f.d.Records, use)
		if m.Live() {
			f.fields = append(f.fields, m)
		}
	}
	if len(f.fields) == 0 {
		f.fields = f.members
	}
	return f
}

// indicators counts those of the members.
func (f *folder) indicators() {
	refs := make([]intel.Ref, len(f.members))
	for i, m := range f.members {
		refs[i] = m.Ref
	}
	slices.SortFunc(refs, compareRefs)
	f.stats = f.w.Indicators(refs)
}

// byPrecedence is the total order of claims.
func byPrecedence(a, b member) int {
	return cmp.Or(
		cmp.Compare(a.pub.Rank, b.pub.Rank),
		cmp.Compare(b.Modified, a.Modified),
		cmp.Compare(a.Key, b.Key),
		cmp.Compare(a.Publisher, b.Publisher),
		cmp.Compare(a.reason, b.reason),
	)
}

func compareRefs(a, b intel.Ref) int {
	return cmp.Or(cmp.Compare(a.Publisher, b.Publisher), cmp.Compare(a.Key, b.Key))
}

// titleAndKind takes title and kind from the first member that founds a
// profile and has them.
func (f *folder) titleAndKind() {
	p := &f.d.Profile
	p.Kind = intel.Actor
	founds := func(m member) bool { return m.Live() && !m.Mention }
	for _, ok := range []func(member) bool{founds, member.Live, func(member) bool { return true }} {
		i := slices.IndexFunc(f.members, func(m member) bool { return ok(m) && m.Kind.HasProfile() })
		if i >= 0 {
			p.Kind = f.members[i].Kind
			break
		}
	}
	for _, ok := range []func(member) bool{founds, member.Live, func(member) bool { return true }} {
		for _, m := range f.members {
			if t := clean(m.Title); ok(m) && isName(t) {
				p.Title, f.d.TitleFrom = t, m.Ref
				return
			}
		}
	}
	for _, m := range f.members {
		for _, n := range m.Names {
			if t := clean(n.Value); isName(t) {
				p.Title, f.d.TitleFrom = t, m.Ref
				return
			}
		}
	}
	p.Title = "Unnamed " + string(p.Kind)
	if len(f.members) > 0 {
		f.d.TitleFrom = f.members[0].Ref
	}
}

// Live is [intel.Record.Live] as a method of the value.
func (m member) Live() bool { return m.Record.Live() }

// target returns the record that a link points to, past records that their
// publisher has replaced by others.
func (f *folder) target(l intel.Link) (*intel.Record, bool) {
	ref, ok := f.w.Find(l)
	if !ok {
		ref = l.To
	}
	r, ok := f.w.Record(ref)
	return f.successor(r, ok)
}

// successor follows revoked-by. A chain longer than any real one is a circle.
func (f *folder) successor(r *intel.Record, ok bool) (*intel.Record, bool) {
	for range 8 {
		if !ok || r == nil {
			return nil, false
		}
		i := slices.IndexFunc(r.Links, func(l intel.Link) bool { return l.Relation == intel.RevokedBy })
		if !r.Revoked || i < 0 {
			return r, true
		}
		ref, found := f.w.Find(r.Links[i])
		if !found {
			ref = r.Links[i].To
		}
		r, ok = f.w.Record(ref)
	}
	return nil, false
}

// incoming returns the live links to a member, in a fixed order.
func (f *folder) incoming(m member) []Incoming {
	in := slices.Clone(f.w.Incoming(m.Ref))
	in = slices.DeleteFunc(in, func(i Incoming) bool { return i.From == nil || !i.From.Live() })
	slices.SortStableFunc(in, func(a, b Incoming) int {
		return cmp.Or(
			compareRefs(a.From.Ref, b.From.Ref),
			cmp.Compare(a.Link.Relation, b.Link.Relation),
			cmp.Compare(a.Link.Text, b.Link.Text),
			cmp.Compare(a.Link.Name, b.Link.Name),
		)
	})
	return in
}

// attackID returns the record's ATT&CK id, "" if it has none.
func attackID(r *intel.Record) string {
	for _, id := range r.IDs {
		if id.Issuer == intel.MitreAttack && isAttackID(id.ID) {
			return id.ID
		}
	}
	return ""
}
