package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"dossier/internal/intel"
)

// An Added is the place of a thing in the order in which things were added to what
// is served, and its times.
type Added struct {
	Place
	At       int64      // when it was added, in microseconds since 1970; never lower behind a higher place
	Modified intel.Time // of the version that was added; each position has its own
	Created  intel.Time // of its first version; 0: not known
}

// An AddedIndicator is an indicator, or that it is none any more.
type AddedIndicator struct {
	Added
	Item     *Indicator // with its profiles and publishers; those only if it is shown
	Revoked  bool       // withdrawn, guarded, or gone: of what is gone, Item has little
	Only     bool       // only Unlinked is told here: the indicator has another place
	Unlinked []Unlinked // profiles that it was taken from
}

// An Unlinked is a profile that an indicator does not belong to any more.
type Unlinked struct {
	ProfileTitle
	Former *intel.Dossier // if the profile is gone itself: what it was
}

// An AddedProfile is a profile as it is, as it was, or both.
type AddedProfile struct {
	Added
	Dossier *intel.Dossier // nil if it is gone, or has another place
	Former  *intel.Dossier // what it is no more: it is gone, or another sort of thing; else nil
}

// sameSort reports whether two states of a profile are the same sort of thing: an
// actor, a tool that anybody can have, or malware. Those who take profiles in may
// know them by it.
func sameSort(a, b *intel.Dossier) bool {
	return a.Profile.Kind == b.Profile.Kind && (a.Profile.Kind == intel.Actor || (a.Availability.Value == intel.Public) == (b.Availability.Value == intel.Public))
}

// A Timeline says which indicators of a collection are wanted.
type Timeline struct {
	Selection          // without Mode and MinConfidence: time is no change
	Prefixes  []string // of ids; nil: all
	Positions []int64  // only what was added in these; nil: all
	Linked    bool     // only those of profiles
}

// IndicatorsAdded returns up to limit indicators behind a place, in the order in
// which they were added or last changed, and whether there may be more. One that
// changes meanwhile moves to the end, so that none is lost. One that never was
// shown does not occur; what is hidden or gone occurs as revoked, if the log
// of changes has it still. A filter does not apply to what is gone.
func (s *Store) IndicatorsAdded(ctx context.Context, t Timeline, v View, since Place, limit int) (items []AddedIndicator, more bool, err error) {
	err = s.within(ctx, func(ctx context.Context) error {
		items, more, err = s.indicatorsAdded(ctx, t, v, since, limit)
		return err
	})
	return items, more, err
}

func (s *Store) indicatorsAdded(ctx context.Context, t Timeline, v View, since Place, limit int) ([]AddedIndicator, bool, error) {
	if t.Prefixes != nil && len(t.Prefixes) == 0 || t.Positions != nil && len(t.Positions) == 0 {
		return nil, false, nil
	}
	v.Mode = All
	// What is committed between these statements is left to the next page, else a
	// place could lie behind something that only the first of them could have seen.
	head, err := s.Head(ctx)
	if err != nil {
		return nil, false, err
	}
	found, err := s.toldRows(ctx, t, v, since, head, limit+1)
	if err != nil {
		return nil, false, err
	}
	var end horizon
	if len(found) > limit {
		end.limit(found[limit].Place)
	}
	gone, err := s.goneIndicators(ctx, t, v, since, head, limit+1, &end)
	if err != nil {
		return nil, false, err
	}
	unlinked, err := s.unlinked(ctx, t, v, since, head, limit+1, &end)
	if err != nil {
		return nil, false, err
	}
	all := slices.Concat(found, gone, unlinked)
	all = slices.DeleteFunc(all, func(i AddedIndicator) bool { return end.beyond(i.Place) })
	slices.SortStableFunc(all, func(a, b AddedIndicator) int { return a.Compare(b.Place) })
	all = joined(all)
	more := end.set
	if len(all) > limit {
		all, more = all[:limit], true
	}
	if len(all) == 0 && more { // everything up to there has nothing to tell
		all = []AddedIndicator{{Added: Added{Place: end.at}, Item: &Indicator{ID: end.at.ID}, Only: true}}
	}
	return all, more, s.dateIndicators(ctx, all, v)
}

// A horizon is how far several lists go that are read side by side: of what is
// behind the end of one, the others may have more.
type horizon struct {
	at  Place
	set bool // else they all came to their ends
}

func (h *horizon) limit(p Place) {
	if !h.set || p.Compare(h.at) < 0 {
		h.at, h.set = p, true
	}
}

func (h *horizon) beyond(p Place) bool { return h.set && p.Compare(h.at) > 0 }

// joined puts what is told of one indicator at one place together.
func joined(all []AddedIndicator) []AddedIndicator {
	out := all[:0]
	for _, i := range all {
		n := len(out) - 1
		if n < 0 || out[n].Place != i.Place {
			out = append(out, i)
			continue
		}
		out[n].Unlinked = append(out[n].Unlinked, i.Unlinked...)
		if out[n].Only && !i.Only {
			i.Unlinked = out[n].Unlinked
			out[n] = i
		}
	}
	return out
}

// toldRows returns rows by when something was last told of them.
func (s *Store) toldRows(ctx context.Context, t Timeline, v View, since Place, head int64, n int) ([]AddedIndicator, error) {
	l := s.indicatorList(v)
	where := sqlf(l.where, " AND (i.hidden = 0 OR i.born < i.position)")
	if t.Filter != nil && t.Filter.Filter != nil {
		cond, err := s.emitter(ctx, l.set, l.alias, l.view).condition(t.Filter.Filter)
		if err != nil {
			return nil, fmt.Errorf("$filter=%s: %w", t.Filter.Filter, err)
		}
		where = sqlf(where, " AND (", cond, ")")
	}
	if len(t.Kinds) > 0 {
		where = sqlf(where, " AND i.kind IN ", listed(kinds(t.Kinds)))
	}
	if t.Profile != "" || t.Linked {
		cond, args := ceilingSQL("ip", v.Ceiling)
		exists := fragment{" AND EXISTS (SELECT 1 FROM indicator_profile ip WHERE ip.indicator_id = i.id AND " + cond, args}
		if t.Profile != "" {
			exists = sqlf(exists, fragment{" AND ip.profile_id = ?", []any{t.Profile}})
		}
		where = sqlf(where, exists, ")")
	}
	if t.Positions != nil {
		where = sqlf(where, " AND i.told IN ", listed(t.Positions))
	}
	where = sqlf(where, prefixed("i.id", t.Prefixes))
	query := sqlf("SELECT "+l.columns+", i.told, i.born, i.marking FROM "+l.from+" WHERE ", where,
		fragment{" AND (i.told, i.id) > (?, ?) AND i.told <= ? ORDER BY i.told, i.id LIMIT ?", []any{since.Position, since.ID, head, n}})
	rows, err := s.read.QueryContext(ctx, query.sql, query.args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []AddedIndicator
	for rows.Next() {
		var a AddedIndicator
		var born int64
		var marking intel.TLP
		if a.Item, err = l.scan(rows, &a.Position, &born, &marking); err != nil {
			return nil, err
		}
		a.Item.TLP = marking
		a.ID, a.Revoked, a.Created = a.Item.ID, a.Item.Revoked || a.Item.Guarded(), intel.Time(born) // a position yet
		out = append(out, a)
	}
	return out, rows.Err()
}

// prefixed is the condition that an id begins with one of these.
func prefixed(column string, prefixes []string) fragment {
	if prefixes == nil {
		return fragment{}
	}
	var f fragment
	for i, p := range prefixes {
		if i > 0 {
			f.sql += " OR "
		}
		f.sql += column + " >= ? AND " + column + " < ?"
		f.args = append(f.args, p, p+lastID)
	}
	return sqlf(" AND (", f, ")")
}

func hasPrefix(id string, prefixes []string) bool {
	return prefixes == nil || slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(id, p) })
}

// goneIndicators returns those that are gone and have not come again.
func (s *Store) goneIndicators(ctx context.Context, t Timeline, v View, since Place, head int64, n int, end *horizon) ([]AddedIndicator, error) {
	if t.Positions != nil || t.Linked {
		return nil, nil
	}
	events, err := s.logged(ctx, logIndicatorGone, "", "", v.Ceiling, since, head, n)
	if err != nil || len(events) == 0 {
		return nil, err
	}
	if len(events) == n {
		end.limit(events[n-1].Place)
	}
	now, err := s.presentIndicators(ctx, idsOf(events), v)
	if err != nil {
		return nil, err
	}
	values, err := s.valuesOf(ctx, idsOf(events))
	if err != nil {
		return nil, err
	}
	last := map[string]int{} // that it went, of several times
	for i, e := range events {
		last[e.ID] = i
	}
	var out []AddedIndicator
	for i, e := range events {
		o, known := values[e.ID]
		if now[e.ID] == nil && known && last[e.ID] == i && hasPrefix(e.ID, t.Prefixes) && (len(t.Kinds) == 0 || slices.Contains(t.Kinds, o.Kind)) {
			out = append(out, AddedIndicator{Added: Added{Place: e.Place}, Item: &Indicator{ID: e.ID, Observable: o, Source: intel.SourceOSINT, TLP: v.Ceiling}, Revoked: true})
		}
	}
	return out, nil
}

// presentIndicators returns those of the ids that exist, shown or not.
func (s *Store) presentIndicators(ctx context.Context, ids []string, v View) (map[string]*Indicator, error) {
	out := make(map[string]*Indicator, len(ids))
	l := s.indicatorList(View{Ceiling: v.Ceiling, Mode: All})
	for part := range slices.Chunk(ids, 500) {
		query := sqlf("SELECT "+l.columns+" FROM "+l.from+" WHERE ", l.where, " AND i.id IN ", listed(part))
		list, err := s.streamPage(ctx, query, l.scan)
		if err != nil {
			return nil, err
		}
		for _, i := range list {
			out[i.ID] = i
		}
	}
	return out, nil
}

// unlinked returns which indicators were taken from profiles and do not belong to
// them again.
func (s *Store) unlinked(ctx context.Context, t Timeline, v View, since Place, head int64, n int, end *horizon) ([]AddedIndicator, error) {
	if t.Positions != nil {
		return nil, nil
	}
	rows, err := s.read.QueryContext(ctx, `SELECT position, id, scope FROM change WHERE entity = ? AND (position, id) > (?, ?) AND position <= ?
		AND tlp_lo <= ? AND tlp_hi >= ? ORDER BY position, id LIMIT ?`, logLinkGone, since.Position, since.ID, head, int(v.Ceiling), int(v.Ceiling), n)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []AddedIndicator
	var ids []string
	for rows.Next() {
		a := AddedIndicator{Only: true, Unlinked: make([]Unlinked, 1)}
		if err := rows.Scan(&a.Position, &a.ID, &a.Unlinked[0].ID); err != nil {
			return nil, err
		}
		out, ids = append(out, a), append(ids, a.ID)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil || len(out) == 0 {
		return nil, err
	}
	slices.Sort(ids)
	now, err := s.presentIndicators(ctx, slices.Compact(ids), v)
	if err != nil {
		return nil, err
	}
	if len(out) == n {
		end.limit(out[n-1].Place)
	}
	titles := map[string]*Unlinked{}
	kept := out[:0]
	for _, a := range out {
		a.Item = now[a.ID]
		if a.Item == nil || a.Item.Revoked || a.Item.Guarded() { // it is gone itself
			continue
		}
		if !hasPrefix(a.ID, t.Prefixes) || t.Profile != "" && a.Unlinked[0].ID != t.Profile || len(t.Kinds) > 0 && !slices.Contains(t.Kinds, a.Item.Observable.Kind) {
			continue
		}
		p, err := s.titleOf(ctx, a.Unlinked[0].ID, v, titles)
		if err != nil {
			return nil, err
		}
		if p == nil {
			continue
		}
		linked, err := s.isLinked(ctx, a.ID, p.ID, v)
		if err != nil {
			return nil, err
		}
		if !linked {
			a.Unlinked[0] = *p
			kept = append(kept, a)
		}
	}
	return kept, nil
}

// titleOf returns what a profile is called, or was; nil if that is not known.
func (s *Store) titleOf(ctx context.Context, id string, v View, known map[string]*Unlinked) (*Unlinked, error) {
	if p, ok := known[id]; ok {
		return p, nil
	}
	p, err := s.Profile(ctx, id, v)
	switch {
	case errors.Is(err, intel.ErrNotFound), err == nil && p.ID != id:
		d, err := s.lastDossier(ctx, id, v)
		if err != nil || d == nil {
			known[id] = nil
			return nil, err
		}
		known[id] = &Unlinked{ProfileTitle{id, d.Profile.Kind, d.Profile.Title}, d}
	case err != nil:
		return nil, err
	default:
		known[id] = &Unlinked{ProfileTitle: ProfileTitle{ID: p.ID, Kind: p.Kind, Title: p.Title}}
	}
	return known[id], nil
}

// lastDossier returns what a profile was before it went; nil if the log of changes
// does not have it.
func (s *Store) lastDossier(ctx context.Context, id string, v View) (*intel.Dossier, error) {
	var packed []byte
	err := s.read.QueryRowContext(ctx, `SELECT former FROM change WHERE entity = ? AND scope = '' AND id = ? AND op = ? AND tlp_lo <= ? AND tlp_hi >= ?
		ORDER BY position DESC LIMIT 1`, logProfile, id, string(Deleted), int(v.Ceiling), int(v.Ceiling)).Scan(&packed)
	if errors.Is(err, sql.ErrNoRows) || err == nil && len(packed) == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return unpackDossier(packed)
}

func (s *Store) isLinked(ctx context.Context, indicator, profile string, v View) (bool, error) {
	cond, args := ceilingSQL("ip", v.Ceiling)
	var n int
	err := s.read.QueryRowContext(ctx, "SELECT COUNT(*) FROM indicator_profile ip WHERE ip.indicator_id = ? AND ip.profile_id = ? AND "+cond, append([]any{indicator, profile}, args...)...).Scan(&n)
	return n > 0, err
}

// dateIndicators fills in times, profiles and publishers.
func (s *Store) dateIndicators(ctx context.Context, items []AddedIndicator, v View) error {
	positions := make([]int64, 0, 2*len(items))
	var shown []*Indicator
	for _, a := range items {
		positions = append(positions, a.Position)
		if a.Created != 0 {
			positions = append(positions, int64(a.Created))
		}
		if !a.Revoked && !a.Only {
			shown = append(shown, a.Item)
		}
	}
	moments, err := s.moments(ctx, positions)
	if err != nil {
		return err
	}
	for i := range items {
		a := &items[i]
		m := moments[a.Position]
		a.At, a.Modified = m.at(a.ID), intel.Time(m.added/1000)
		if a.Created != 0 {
			a.Created = intel.Time(moments[int64(a.Created)].added / 1000)
		}
	}
	for part := range slices.Chunk(shown, streamPage) {
		if err := s.tell(ctx, part, v); err != nil {
			return err
		}
	}
	return nil
}

// versions tells when each indicator was created and last modified, and how it is
// marked, as [Store.IndicatorsAdded] does.
func (s *Store) versions(ctx context.Context, list []*Indicator, v View) error {
	out := make(map[string]Added, len(list))
	ids, byID := make([]string, len(list)), make(map[string]*Indicator, len(list))
	for n, i := range list {
		ids[n], byID[i.ID] = i.ID, i
	}
	cond, args := ceilingSQL("i", v.Ceiling)
	var positions []int64
	for part := range slices.Chunk(ids, 500) {
		rows, err := s.read.QueryContext(ctx, "SELECT i.id, i.told, i.born, i.marking FROM indicator i WHERE i.id IN ("+marks(len(part))+") AND "+cond, append(anys(part), args...)...)
		if err != nil {
			return err
		}
		for rows.Next() {
			var a Added
			var marking intel.TLP
			if err := rows.Scan(&a.ID, &a.Position, &a.Created, &marking); err != nil {
				return errors.Join(err, rows.Close())
			}
			byID[a.ID].TLP = marking
			out[a.ID] = a
			positions = append(positions, a.Position, int64(a.Created))
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return err
		}
	}
	moments, err := s.moments(ctx, slices.DeleteFunc(positions, func(p int64) bool { return p == 0 }))
	if err != nil {
		return err
	}
	for id, a := range out {
		m := moments[a.Position]
		a.At, a.Modified = m.at(id), intel.Time(m.added/1000)
		if a.Created != 0 {
			a.Created = intel.Time(moments[int64(a.Created)].added / 1000)
		}
		byID[id].Created, byID[id].Modified = a.Created, a.Modified
	}
	return nil
}

// ProfilesAdded returns up to limit profiles behind a place, in the order in which
// they were added or last changed, and whether there may be more; ids, if not nil,
// are those that are wanted. What is gone occurs as revoked, if the log of changes
// has it still.
func (s *Store) ProfilesAdded(ctx context.Context, ids []string, v View, since Place, limit int) (items []AddedProfile, more bool, err error) {
	if ids != nil && len(ids) == 0 {
		return nil, false, nil
	}
	head, err := s.Head(ctx) // as for indicators
	if err != nil {
		return nil, false, err
	}
	cond, args := ceilingSQL("p", v.Ceiling)
	where := fragment{cond, args}
	if ids != nil {
		where = sqlf(where, " AND p.id IN ", listed(ids))
	}
	query := sqlf("SELECT p.id, p.position, p.dossier FROM profile p WHERE ", where,
		fragment{" AND (p.position, p.id) > (?, ?) AND p.position <= ? ORDER BY p.position, p.id LIMIT ?", []any{since.Position, since.ID, head, limit + 1}})
	rows, err := s.read.QueryContext(ctx, query.sql, query.args...)
	if err != nil {
		return nil, false, err
	}
	defer rows.Close()
	var found []AddedProfile
	for rows.Next() {
		var a AddedProfile
		var packed []byte
		if err := rows.Scan(&a.ID, &a.Position, &packed); err != nil {
			return nil, false, err
		}
		if a.Dossier, err = unpackDossier(packed); err != nil {
			return nil, false, fmt.Errorf("profile %s: %w", a.ID, err)
		}
		found = append(found, a)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, false, err
	}
	var end horizon
	if len(found) > limit {
		end.limit(found[limit].Place)
	}
	gone, err := s.goneProfiles(ctx, ids, v, since, head, limit+1, &end)
	if err != nil {
		return nil, false, err
	}
	all := slices.Concat(found, gone)
	all = slices.DeleteFunc(all, func(p AddedProfile) bool { return end.beyond(p.Place) })
	slices.SortStableFunc(all, func(a, b AddedProfile) int { return a.Compare(b.Place) })
	kept := all[:0]
	for _, p := range all { // at one place, what it was and what it is
		if n := len(kept); n > 0 && kept[n-1].Place == p.Place {
			kept[n-1].Former = p.Former
			continue
		}
		kept = append(kept, p)
	}
	all = kept
	more = end.set
	if len(all) > limit {
		all, more = all[:limit], true
	}
	if len(all) == 0 && more { // everything up to there has nothing to tell
		all = []AddedProfile{{Added: Added{Place: end.at}}}
	}
	positions := make([]int64, len(all))
	for i, p := range all {
		positions[i] = p.Position
	}
	moments, err := s.moments(ctx, positions)
	if err != nil {
		return nil, false, err
	}
	for i := range all {
		m := moments[all[i].Position]
		all[i].At, all[i].Modified = m.at(all[i].ID), intel.Time(m.added/1000)
	}
	return all, more, nil
}

func unpackDossier(packed []byte) (*intel.Dossier, error) {
	raw, err := decompress(packed)
	if err != nil {
		return nil, err
	}
	d := new(intel.Dossier)
	return d, json.Unmarshal(raw, d)
}

// goneProfiles returns those that are gone and have not come again, and the former
// states of those that are another sort of thing now.
func (s *Store) goneProfiles(ctx context.Context, ids []string, v View, since Place, head int64, n int, end *horizon) (out []AddedProfile, err error) {
	rows, err := s.read.QueryContext(ctx, `SELECT position, id, former FROM change WHERE entity = ? AND scope = '' AND (position, id) > (?, ?) AND position <= ? AND op <> ?
		AND tlp_lo <= ? AND tlp_hi >= ? ORDER BY position, id LIMIT ?`, logProfile, since.Position, since.ID, head, string(Created), int(v.Ceiling), int(v.Ceiling), n)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []AddedProfile
	for rows.Next() {
		var a AddedProfile
		var packed []byte
		if err := rows.Scan(&a.Position, &a.ID, &packed); err != nil {
			return nil, err
		}
		if len(packed) > 0 {
			if a.Former, err = unpackDossier(packed); err != nil {
				return nil, fmt.Errorf("profile %s: %w", a.ID, err)
			}
		}
		all = append(all, a)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil || len(all) == 0 {
		return nil, err
	}
	if len(all) == n {
		end.limit(all[n-1].Place)
	}
	now := map[string]*intel.Dossier{}
	for i, a := range all {
		if a.Former == nil || ids != nil && !slices.Contains(ids, a.ID) {
			continue
		}
		d, known := now[a.ID]
		if !known {
			if d, _, err = s.DatedDossier(ctx, a.ID, v); err != nil && !errors.Is(err, intel.ErrNotFound) {
				return nil, err
			}
			now[a.ID] = d
		}
		later := func(b AddedProfile) bool { return b.ID == a.ID && b.Former != nil && sameSort(a.Former, b.Former) }
		if (d == nil || !sameSort(d, a.Former)) && !slices.ContainsFunc(all[i+1:], later) {
			out = append(out, a)
		}
	}
	return out, nil
}

// DatedDossier returns a profile, by its canonical id, with the claims it rests on,
// and when it last changed. The error wraps [intel.ErrNotFound] if there is none.
func (s *Store) DatedDossier(ctx context.Context, id string, v View) (*intel.Dossier, intel.Time, error) {
	cond, args := ceilingSQL("p", v.Ceiling)
	var position int64
	var packed []byte
	err := s.read.QueryRowContext(ctx, "SELECT p.position, p.dossier FROM profile p WHERE p.id = ? AND "+cond, append([]any{id}, args...)...).Scan(&position, &packed)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, 0, fmt.Errorf("profile %q: %w", id, intel.ErrNotFound)
	}
	if err != nil {
		return nil, 0, err
	}
	d, err := unpackDossier(packed)
	if err != nil {
		return nil, 0, fmt.Errorf("profile %s: %w", id, err)
	}
	moments, err := s.moments(ctx, []int64{position})
	return d, intel.Time(moments[position].added / 1000), err
}

// ProfileIDs returns the ids of all profiles.
func (s *Store) ProfileIDs(ctx context.Context, v View) ([]string, error) {
	cond, args := ceilingSQL("p", v.Ceiling)
	rows, err := s.read.QueryContext(ctx, "SELECT p.id FROM profile p WHERE "+cond, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		out = append(out, id)
	}
	return out, rows.Err()
}
