package publish

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"dossier/internal/export"
	"dossier/internal/intel"
	"dossier/internal/odata"
	"dossier/internal/store"
)

// A Collection is a stream of STIX objects in the order in which they were added,
// as TAXII 2.1 serves it: those that the format stix writes. It has one version of
// each object, the last.
type Collection struct {
	ID          string // a UUID of version 4, that follows from the installation and the alias
	Alias       string // a word
	Title       string
	Description string

	profiles, indicators bool
	view                 store.View
	line                 store.Timeline
	maker                *export.STIX
	st                   *store.Store
	types                *ProfileTypes
	broken               error // what its filter is wrong with
}

// Words of aliases that the operator may not take.
const (
	aliasAll        = "all"
	aliasProfiles   = "profiles"
	aliasIndicators = "indicators"
)

var collectionName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

// CheckCollection says what is wrong with a collection that an operator defines; a
// profile may be given by a name, which becomes its id. Errors are those of [Prepare].
func CheckCollection(ctx context.Context, st *store.Store, c *store.Collection, v store.View) error {
	taken := []string{aliasAll, aliasProfiles, aliasIndicators}
	for t := intel.Clear; t <= intel.Red; t++ {
		taken = append(taken, t.String())
	}
	if !collectionName.MatchString(c.Name) || slices.Contains(taken, c.Name) {
		return &Mistake{"name", fmt.Sprintf("the name %q: want up to 63 of a-z, 0-9 and hyphens, and none of %s", c.Name, strings.Join(taken, ", "))}
	}
	if c.Filter == "" && c.Profile == "" {
		return &Mistake{"filter", "a filter or a profile is needed; all indicators are a collection already"}
	}
	if _, err := filtered(c.Filter); err != nil {
		return err
	}
	if c.Profile != "" {
		p, err := profile(ctx, st, c.Profile, v)
		if err != nil {
			return err
		}
		c.Profile = p.ID
	}
	return nil
}

func filtered(text string) (*odata.Query, error) {
	if text == "" {
		return nil, nil
	}
	return odata.ParseQuery("$filter="+url.QueryEscape(text), store.Types.Indicator, odata.Options{Allow: odata.AllowFilter})
}

// ProfileTypes remembers which STIX type a profile is. It is safe for concurrent
// use; its zero value is ready.
type ProfileTypes struct {
	mu       sync.Mutex
	position int64
	known    map[typeKey]string
}

type typeKey struct {
	id      string
	ceiling intel.TLP
}

// of returns the type of a profile as the view sees it.
func (t *ProfileTypes) of(ctx context.Context, st *store.Store, p export.Profile, v store.View) (string, error) {
	if p.Kind == intel.Actor {
		return export.STIXProfileType(p.Kind, nil), nil
	}
	position, err := st.Position(ctx)
	if err != nil {
		return "", err
	}
	key := typeKey{p.ID, v.Ceiling}
	t.mu.Lock()
	if t.known == nil || t.position != position {
		t.known, t.position = map[typeKey]string{}, position
	}
	typ, ok := t.known[key]
	t.mu.Unlock()
	if ok {
		return typ, nil
	}
	d, _, err := st.DatedDossier(ctx, p.ID, v)
	if err != nil && !errors.Is(err, intel.ErrNotFound) {
		return "", err
	}
	typ = export.STIXProfileType(p.Kind, d)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.position == position {
		t.known[key] = typ
	}
	return typ, nil
}

// Collections returns the collections that a reader with the view has: of all, of
// profiles, of indicators, of all that is marked up to each level, and those that the
// operator defined. types outlives them.
func Collections(ctx context.Context, st *store.Store, v store.View, types *ProfileTypes) ([]*Collection, error) {
	installation, err := st.Installation(ctx)
	if err != nil {
		return nil, err
	}
	maker := export.NewSTIX(&export.Options{Installation: installation})
	f, err := export.Lookup("stix")
	if err != nil {
		return nil, err
	}
	var out []*Collection
	add := func(alias, title, description string, c Collection) *Collection {
		c.Alias, c.Title, c.Description, c.ID = alias, title, description, export.CollectionID(installation, alias)
		c.st, c.maker, c.types = st, maker, types
		c.view.Mode = store.All
		c.line.Kinds = f.Kinds
		out = append(out, &c)
		return &c
	}
	add(aliasAll, "All", "Profiles, indicators, and what links them: everything that you may see.", Collection{profiles: true, indicators: true, view: v})
	add(aliasProfiles, "Profiles", "Threat actors as intrusion sets, tools and malware.", Collection{profiles: true, view: v})
	add(aliasIndicators, "Indicators", "Indicators, their sources as notes, and relationships to what the collection of profiles has.", Collection{indicators: true, view: v})
	for t := intel.Clear; t <= v.Ceiling; t++ {
		name := "TLP:" + strings.ToUpper(t.String())
		add(t.String(), "Up to "+name, "Profiles and indicators, as whoever may see up to "+name+" has them.", Collection{profiles: true, indicators: true, view: store.View{Ceiling: t}})
	}
	own, err := st.Collections(ctx)
	if err != nil {
		return nil, err
	}
	for _, o := range own {
		c := add(o.Name, o.Title, "Indicators, as the operator chose them.", Collection{indicators: true, view: v})
		c.line.Profile = o.Profile
		if c.line.Filter, err = filtered(o.Filter); err != nil { // as after an upgrade; the others are there
			c.broken = fmt.Errorf("collection %q: %w", o.Name, err)
		}
	}
	return out, nil
}

// A Match chooses among the objects of a collection. In each field the values are
// alternatives; nil is any.
type Match struct {
	After    int64 // only what was added later, in microseconds since 1970; 0: all
	IDs      []string
	Types    []string
	Versions []intel.Time // nil: the last, which is the only one
}

// A CollectionObject is an object in a collection.
type CollectionObject struct {
	export.STIXObject
	Added int64 // microseconds since 1970
}

// A Cursor is a place between two objects of a collection; its zero value is the
// beginning.
type Cursor struct {
	at   store.Place
	told int // objects of the thing at that place that lie before; whole: all
}

const whole = -1

func (c Cursor) String() string {
	return strconv.FormatInt(c.at.Position, 36) + "." + c.at.ID + "." + strconv.Itoa(c.told)
}

var cursorForm = regexp.MustCompile(`^([0-9a-z]{1,13})\.([0-9a-f-]{0,64})\.(-1|[0-9]{1,6})$`)

// ParseCursor reads what [Cursor.String] wrote.
func ParseCursor(s string) (c Cursor, ok bool) {
	m := cursorForm.FindStringSubmatch(s)
	if m == nil {
		return c, false
	}
	var err error
	if c.at.Position, err = strconv.ParseInt(m[1], 36, 64); err != nil {
		return c, false
	}
	c.at.ID = m[2]
	c.told, err = strconv.Atoi(m[3])
	return c, err == nil
}

// thing is what lies at one place of a collection.
type thing struct {
	at      store.Place
	added   int64
	objects []export.STIXObject
}

// Page returns up to limit objects behind a cursor that match, in the order in
// which they were added. If there may be more, next is where to go on. Where it
// can, a page ends between two times, so that who goes on by the time of its last
// object misses nothing either.
func (c *Collection) Page(ctx context.Context, m Match, from Cursor, limit int) (out []CollectionObject, next *Cursor, err error) {
	if c.broken != nil {
		return nil, nil, c.broken
	}
	want, err := c.wanted(ctx, m)
	if err != nil || want == nil {
		return nil, nil, err
	}
	if from == (Cursor{}) && m.After > 0 {
		at, err := c.st.AddedAfter(ctx, m.After)
		if err != nil {
			return nil, nil, err
		}
		if at != (store.Place{}) || m.After >= fixedAdded {
			from = Cursor{at, whole}
		}
	}
	var cursors []Cursor // behind each object
	take := func(t thing) {
		for n, o := range t.objects {
			if t.at == from.at && n < from.told || !want.object(o) {
				continue
			}
			behind := Cursor{t.at, n + 1}
			if n == len(t.objects)-1 {
				behind.told = whole
			}
			out, cursors = append(out, CollectionObject{o, t.added}), append(cursors, behind)
		}
	}
	since := from.at
	if from.at.Position == 0 {
		if from.told != whole {
			take(thing{added: fixedAdded, objects: c.fixed()})
		}
		since = store.Place{}
	} else if from.told != whole {
		since.ID = since.ID[:max(len(since.ID)-1, 0)] // the thing itself comes again
	}
	for more := true; more && len(out) <= limit; {
		var things []thing
		if things, more, err = c.things(ctx, want, since, min(limit+1-len(out), thingsAtOnce)); err != nil {
			return nil, nil, err
		}
		for _, t := range things {
			since = t.at
			if from.told == whole || t.at == from.at || store.Later(t.at, from.at) {
				take(t)
			}
		}
	}
	if len(out) <= limit {
		return out, nil, nil
	}
	cut := limit
	for cut > 0 && out[cut].Added == out[cut-1].Added {
		cut--
	}
	if cut == 0 {
		cut = limit
	}
	return out[:cut], &cursors[cut-1], nil
}

// thingsAtOnce is how many are read at once: each gives one to a few objects.
const thingsAtOnce = 350

// fixedAdded is when the objects that every collection begins with count as added.
const fixedAdded = int64(export.STIXEpoch) * 1000

// fixed are the objects that others refer to: who makes them, and the markings.
func (c *Collection) fixed() []export.STIXObject {
	out := []export.STIXObject{c.maker.Identity()}
	if c.indicators {
		for t := intel.Clear; t <= c.view.Ceiling; t++ {
			out = append(out, c.maker.Marking(t))
		}
	}
	return out
}

// wanted is a match against one collection, with what the store needs of it.
type wanted struct {
	Match
	line                 store.Timeline
	profileIDs           []string // nil: all
	profiles, indicators bool
}

var profileTypes = []string{"intrusion-set", "malware", "tool"}

// wanted returns nil if nothing in the collection can match.
func (c *Collection) wanted(ctx context.Context, m Match) (*wanted, error) {
	w := &wanted{Match: m, line: c.line, profiles: c.profiles, indicators: c.indicators}
	typed := func(types ...string) bool {
		return m.Types == nil || slices.ContainsFunc(types, func(t string) bool { return slices.Contains(m.Types, t) })
	}
	w.profiles = w.profiles && typed(profileTypes...)
	w.indicators = w.indicators && typed("indicator", "relationship", "note")
	w.line.Linked = m.Types != nil && !typed("indicator", "note")
	if m.Versions != nil {
		positions, err := c.st.PositionsIn(ctx, m.Versions)
		if err != nil {
			return nil, err
		}
		w.line.Positions = append([]int64{}, positions...) // never nil
	}
	if m.IDs == nil {
		return w, nil
	}
	w.line.Prefixes, w.profileIDs = []string{}, []string{}
	uuids := map[string]bool{}
	for _, id := range m.IDs {
		if p := c.maker.IndicatorPrefix(id); p != "" {
			w.line.Prefixes = append(w.line.Prefixes, p)
		} else if typ, rest, ok := strings.Cut(id, "--"); ok && slices.Contains(profileTypes, typ) {
			uuids[rest] = true
		}
	}
	if w.profiles && len(uuids) > 0 {
		ids, err := c.st.ProfileIDs(ctx, c.view)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			if uuids[c.maker.ProfileUUID(id)] {
				w.profileIDs = append(w.profileIDs, id)
			}
		}
	}
	return w, nil
}

// object reports whether an object is wanted.
func (w *wanted) object(o export.STIXObject) bool {
	return (w.IDs == nil || slices.Contains(w.IDs, o.ID)) && (w.Types == nil || slices.Contains(w.Types, o.Type)) &&
		(w.Versions == nil || slices.Contains(w.Versions, o.Version))
}

// things returns what lies behind a place, in order, about n of it, and whether there
// may be more. One that has nothing to tell may be among it.
func (c *Collection) things(ctx context.Context, w *wanted, since store.Place, n int) (out []thing, more bool, err error) {
	end := store.Settled(1<<63 - 1) // up to where both are known
	if w.profiles {
		list, left, err := c.st.ProfilesAdded(ctx, w.profileIDs, c.view, since, n)
		if err != nil {
			return nil, false, err
		}
		for _, p := range list {
			out = append(out, c.profile(p))
		}
		if left {
			end, more = list[len(list)-1].Place, true
		}
	}
	if w.indicators {
		list, left, err := c.st.IndicatorsAdded(ctx, w.line, c.view, since, n)
		if err != nil {
			return nil, false, err
		}
		for _, i := range list {
			t, err := c.indicator(ctx, i)
			if err != nil {
				return nil, false, err
			}
			out = append(out, t)
		}
		if left {
			if last := list[len(list)-1].Place; store.Later(end, last) {
				end = last
			}
			more = true
		}
	}
	if w.profiles && w.indicators {
		slices.SortStableFunc(out, func(a, b thing) int { return a.at.Compare(b.at) })
		out = slices.DeleteFunc(out, func(t thing) bool { return store.Later(t.at, end) })
	}
	return out, more, nil
}

func (c *Collection) profile(p store.AddedProfile) thing {
	t := thing{at: p.Place, added: p.At}
	about := func(d *intel.Dossier) export.Profile {
		return export.Profile{ID: p.ID, Kind: d.Profile.Kind, Title: d.Profile.Title}
	}
	if p.Former != nil {
		t.objects = append(t.objects, c.maker.Gone(about(p.Former), p.Former, p.Modified))
	}
	if p.Dossier != nil {
		t.objects = append(t.objects, c.maker.Profile(about(p.Dossier), p.Dossier, p.Modified))
	}
	return t
}

func (c *Collection) indicator(ctx context.Context, a store.AddedIndicator) (thing, error) {
	t := thing{at: a.Place, added: a.At}
	i := indicator(a.Item, a.Item.Publishers)
	i.Created, i.Modified, i.Revoked = a.Created, a.Modified, a.Revoked
	targets := map[string]string{}
	target := func(p export.Profile, typ string) { targets[p.ID] = typ + "--" + c.maker.ProfileUUID(p.ID) }
	for _, p := range i.Profiles {
		typ, err := c.types.of(ctx, c.st, p, c.view)
		if err != nil {
			return t, err
		}
		target(p, typ)
	}
	unlinked := make([]export.Profile, len(a.Unlinked))
	for n, u := range a.Unlinked {
		p := export.Profile{ID: u.ID, Kind: u.Kind, Title: u.Title}
		unlinked[n] = p
		if u.Former != nil {
			target(p, export.STIXProfileType(p.Kind, u.Former))
			continue
		}
		typ, err := c.types.of(ctx, c.st, p, c.view)
		if err != nil {
			return t, err
		}
		target(p, typ)
	}
	if !a.Only {
		var err error
		// What has no pattern is refused, as in an export, and so has no object.
		if t.objects, err = c.maker.Indicator(i, func(p export.Profile) string { return targets[p.ID] }); err != nil && !export.Refused(err) {
			return t, err
		}
	}
	for _, p := range unlinked {
		t.objects = append(t.objects, c.maker.Unlinked(i, p, targets[p.ID]))
	}
	return t, nil
}
