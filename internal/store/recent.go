package store

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"dossier/internal/intel"
	"dossier/internal/observable"
	"dossier/internal/odata"
)

// A Recent is one change of a profile or an indicator, as it was when it happened:
// the same change is the same for ever. Of an indicator only the last one is known.
type Recent struct {
	Place
	At            intel.Time
	Op            Op
	Before, After *intel.Dossier // of a profile; nil: there was, or is, none

	Observable observable.Observable // of an indicator
	Indicator  *Indicator            // nil: it is gone
	Former     *FormerIndicator      // what it was before, if that is known
}

// scanned is how many changes of profiles are looked at for those that match.
const scanned = 2000

// RecentProfiles returns the last changes of profiles, the newest first, at most limit:
// those after which the profile fulfilled the filter, or before which, if it is
// gone. The filter is nil or over properties of profiles alone. only, if not empty,
// is a canonical id.
func (s *Store) RecentProfiles(ctx context.Context, filter odata.Expr, only string, v View, limit int) (out []Recent, err error) {
	err = s.within(ctx, func(ctx context.Context) error {
		out, err = s.recentProfiles(ctx, filter, only, v, limit)
		return err
	})
	return out, err
}

func (s *Store) recentProfiles(ctx context.Context, filter odata.Expr, only string, v View, limit int) ([]Recent, error) {
	cond, args := "", []any{logProfile, int(v.Ceiling), int(v.Ceiling)}
	if only != "" {
		cond, args = " AND c.id = ?", append(args, only)
	}
	rows, err := s.read.QueryContext(ctx, `SELECT c.position, c.id, c.op, c.former, m.at FROM change c JOIN moment m ON m.position = c.position
		WHERE c.entity = ? AND c.scope = '' AND c.tlp_lo <= ? AND c.tlp_hi >= ?`+cond+" ORDER BY c.position DESC, c.id LIMIT ?", append(args, scanned)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Recent
	states := map[string]*intel.Dossier{} // after the change that is looked at
	for rows.Next() && len(out) < limit {
		var r Recent
		var packed []byte
		if err := rows.Scan(&r.Position, &r.ID, &r.Op, &packed, &r.At); err != nil {
			return nil, err
		}
		after, known := states[r.ID]
		if !known {
			if after, err = s.presentDossier(ctx, r.ID, v); err != nil {
				return nil, err
			}
		}
		r.After = after
		if r.Op != Created && len(packed) > 0 {
			raw, err := decompress(packed)
			if err != nil {
				return nil, fmt.Errorf("profile %s: %w", r.ID, err)
			}
			r.Before = new(intel.Dossier)
			if err := json.Unmarshal(raw, r.Before); err != nil {
				return nil, fmt.Errorf("profile %s: %w", r.ID, err)
			}
		}
		states[r.ID] = r.Before
		if r.Op == Deleted {
			r.After = nil
		}
		shown := r.After
		if shown == nil {
			shown = r.Before
		}
		if shown == nil {
			continue
		}
		is, err := odata.Eval(filter, ProfileRow(&shown.Profile))
		if err != nil {
			return nil, err
		}
		if is == odata.True {
			out = append(out, r)
		}
	}
	return out, rows.Err()
}

// ProfileRow is a profile as filters are evaluated on it, without what it is linked to.
func ProfileRow(p *intel.Profile) odata.Row {
	text := func(t *intel.FormattedContent) any {
		if t == nil {
			return nil
		}
		return odata.MapRow{Of: Types.Profile.Property("summary").Type, Values: map[string]any{"content": t.Content, "format": string(t.Format)}}
	}
	origins := []odata.Row{}
	for _, o := range p.Origins {
		origins = append(origins, odata.MapRow{Of: Types.Profile.Property("countriesOrRegionsOfOrigin").Type, Values: map[string]any{"label": o.Label, "code": o.Code}})
	}
	return odata.MapRow{Of: Types.Profile, Values: map[string]any{
		"id": p.ID, "kind": string(p.Kind), "title": p.Title, "firstActiveDateTime": int64(p.FirstActive), "aliases": p.Aliases, "targets": p.Targets,
		"countriesOrRegionsOfOrigin": origins, "summary": text(&p.Summary), "description": text(&p.Description), "tradecraft": text(p.Tradecraft),
	}}
}

// RecentIndicators returns the last change of each of the indicators that changed
// last, the newest first, at most limit: those that match the filter now, and, if
// there is no filter, those that are gone. profile, if not empty, is a canonical id.
func (s *Store) RecentIndicators(ctx context.Context, filter odata.Expr, profile string, v View, limit int) (out []Recent, err error) {
	err = s.within(ctx, func(ctx context.Context) error {
		out, err = s.recentIndicators(ctx, filter, profile, v, limit)
		return err
	})
	return out, err
}

func (s *Store) recentIndicators(ctx context.Context, filter odata.Expr, profile string, v View, limit int) ([]Recent, error) {
	l, entity := s.indicatorList(v), logIndicatorGone
	if profile != "" {
		l, entity = s.profileIndicatorList(profile, v), logLinkGone
	}
	where, err := l.conditions(s.emitter(ctx, l.set, l.alias, l.view), &odata.Query{Filter: filter})
	if err != nil {
		return nil, err
	}
	key := place{l.set, l.alias}.at(l.set.id)
	query := sqlf("SELECT "+l.columns+", i.position, i.born FROM "+l.from+" WHERE ", where, fragment{" AND i.position > 0 ORDER BY i.position DESC, " + key + " LIMIT ?", []any{limit}})
	rows, err := s.read.QueryContext(ctx, query.sql, query.args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Recent
	for rows.Next() {
		r := Recent{Op: Updated}
		var born int64
		if r.Indicator, err = l.scan(rows, &r.Position, &born); err != nil {
			return nil, err
		}
		r.ID, r.Observable = r.Indicator.ID, r.Indicator.Observable
		if born == r.Position {
			r.Op = Created
		}
		out = append(out, r)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	if err := s.formerAt(ctx, out, v); err != nil {
		return nil, err
	}
	if filter == nil {
		gone, err := s.lastGone(ctx, entity, profile, v, limit)
		if err != nil {
			return nil, err
		}
		out = append(out, gone...)
	}
	slices.SortStableFunc(out, func(a, b Recent) int { return cmp.Or(cmp.Compare(b.Position, a.Position), cmp.Compare(a.ID, b.ID)) })
	return s.dated(ctx, out[:min(limit, len(out))])
}

// formerAt finds out what the indicators were before their change.
func (s *Store) formerAt(ctx context.Context, list []Recent, v View) error {
	var ids []string
	at := map[Place]*Recent{}
	for i := range list {
		if list[i].Op == Updated {
			ids = append(ids, list[i].ID)
			at[list[i].Place] = &list[i]
		}
	}
	if len(ids) == 0 {
		return nil
	}
	query := sqlf(fragment{
		"SELECT id, position, former FROM change WHERE entity = ? AND scope = '' AND tlp_lo <= ? AND tlp_hi >= ? AND id IN ",
		[]any{logIndicatorWas, int(v.Ceiling), int(v.Ceiling)},
	}, listed(ids))
	rows, err := s.read.QueryContext(ctx, query.sql, query.args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var p Place
		var raw []byte
		if err := rows.Scan(&p.ID, &p.Position, &raw); err != nil {
			return err
		}
		if r := at[p]; r != nil {
			f, err := decodeFormer(raw)
			if err != nil {
				return fmt.Errorf("indicator %s: %w", p.ID, err)
			}
			r.Former = &f
		}
	}
	return rows.Err()
}

// lastGone returns the indicators that went last, of those that are gone still.
func (s *Store) lastGone(ctx context.Context, entity, profile string, v View, limit int) ([]Recent, error) {
	rows, err := s.read.QueryContext(ctx, `SELECT position, id FROM change WHERE entity = ? AND scope = ? AND tlp_lo <= ? AND tlp_hi >= ? ORDER BY position DESC, id LIMIT ?`,
		entity, profile, int(v.Ceiling), int(v.Ceiling), limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Recent
	var ids []string
	for rows.Next() {
		r := Recent{Op: Deleted}
		if err := rows.Scan(&r.Position, &r.ID); err != nil {
			return nil, err
		}
		if !slices.Contains(ids, r.ID) {
			out, ids = append(out, r), append(ids, r.ID)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	l := s.indicatorList(v)
	if profile != "" {
		l = s.profileIndicatorList(profile, v)
	}
	now, err := l.present(ctx, s, &odata.Query{}, ids)
	if err != nil {
		return nil, err
	}
	values, err := s.valuesOf(ctx, ids)
	if err != nil {
		return nil, err
	}
	out = slices.DeleteFunc(out, func(r Recent) bool { return now[r.ID] != nil || values[r.ID].Value == "" })
	for i := range out {
		out[i].Observable = values[out[i].ID]
	}
	return out, nil
}

// dated fills in when the changes were; those of which that is forgotten are left out.
func (s *Store) dated(ctx context.Context, list []Recent) ([]Recent, error) {
	if len(list) == 0 {
		return list, nil
	}
	positions := make([]int64, len(list))
	for i, r := range list {
		positions[i] = r.Position
	}
	query := sqlf("SELECT position, at FROM moment WHERE position IN ", listed(positions))
	rows, err := s.read.QueryContext(ctx, query.sql, query.args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	at := map[int64]intel.Time{}
	for rows.Next() {
		var p int64
		var t intel.Time
		if err := rows.Scan(&p, &t); err != nil {
			return nil, err
		}
		at[p] = t
	}
	out := list[:0]
	for _, r := range list {
		if r.At = at[r.Position]; r.At != 0 {
			out = append(out, r)
		}
	}
	return out, rows.Err()
}
