package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"dossier/internal/intel"
	"dossier/internal/observable"
	"dossier/internal/odata"
)

// PositionAt returns the position that was the last before a time, and from when
// on changes are known: if that is later than the time, the position is that of
// the earliest known state.
func (s *Store) PositionAt(ctx context.Context, at intel.Time) (position int64, known intel.Time, err error) {
	if err := s.read.QueryRowContext(ctx, "SELECT COALESCE(MAX(position), 0) FROM moment WHERE at < ?", int64(at)).Scan(&position); err != nil {
		return 0, 0, err
	}
	floor, err := metaInt(ctx, s.read, metaFloor)
	if err != nil || position >= floor {
		return position, 0, err
	}
	err = s.read.QueryRowContext(ctx, "SELECT COALESCE(MIN(at), 0) FROM moment WHERE position >= ?", floor).Scan(&known)
	return floor, known, err
}

// A ProfileChange is what became of a profile since a position.
type ProfileChange struct {
	ID            string
	Before, After *intel.Dossier // nil: there was, or is, none
}

// ProfilesSince returns the profiles that are not what they were at a position, in
// the order in which they first changed; at most limit, and whether there are more.
// id is a canonical id, "" for all.
func (s *Store) ProfilesSince(ctx context.Context, id string, since int64, limit int, v View) (out []ProfileChange, more bool, err error) {
	cond, args := "", []any{logProfile, since, int(v.Ceiling), int(v.Ceiling)}
	if id != "" {
		cond, args = " AND id = ?", append(args, id)
	}
	rows, err := s.read.QueryContext(ctx, "SELECT id, op, former FROM change WHERE entity = ? AND scope = '' AND position > ? AND tlp_lo <= ? AND tlp_hi >= ?"+cond+" ORDER BY position, id", args...)
	if err != nil {
		return nil, false, err
	}
	defer rows.Close()
	seen := map[string]bool{}
	for rows.Next() {
		var c ProfileChange
		var op Op
		var packed []byte
		if err := rows.Scan(&c.ID, &op, &packed); err != nil {
			return nil, false, err
		}
		if seen[c.ID] { // what it was in between
			continue
		}
		seen[c.ID] = true
		if len(out) == limit {
			more = true
			break
		}
		if op != Created && len(packed) > 0 {
			raw, err := decompress(packed)
			if err != nil {
				return nil, false, fmt.Errorf("profile %s: %w", c.ID, err)
			}
			c.Before = new(intel.Dossier)
			if err := json.Unmarshal(raw, c.Before); err != nil {
				return nil, false, fmt.Errorf("profile %s: %w", c.ID, err)
			}
		}
		out = append(out, c)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, false, err
	}
	kept := out[:0]
	for _, c := range out {
		now, err := s.presentDossier(ctx, c.ID, v)
		if err != nil {
			return nil, false, err
		}
		c.After = now
		if c.Before != nil || c.After != nil { // else it came and went
			kept = append(kept, c)
		}
	}
	return kept, more, nil
}

// presentDossier is [Store.Dossier] by the canonical id alone; nil if there is none:
// an id that leads elsewhere now is that of a profile that is gone.
func (s *Store) presentDossier(ctx context.Context, id string, v View) (*intel.Dossier, error) {
	d, err := s.Dossier(ctx, id, v)
	if errors.Is(err, intel.ErrNotFound) || err == nil && d.Profile.ID != id {
		return nil, nil
	}
	return d, err
}

// An IndicatorChange is what became of an indicator since a position.
type IndicatorChange struct {
	ID         string
	Observable observable.Observable
	Before     *FormerIndicator // what it was, if it was and is served and has changed
	After      *Indicator       // nil: it is gone
	New        bool
}

// IndicatorsSince returns the indicators, of the profile with the canonical id or
// of all if that is "", that came, changed or went since a position, in the order
// of their last change; at most limit, and whether there are more. One that came
// and went is listed as gone.
func (s *Store) IndicatorsSince(ctx context.Context, profile string, since int64, limit int, v View) (out []IndicatorChange, more bool, err error) {
	err = s.within(ctx, func(ctx context.Context) error {
		out, more, err = s.indicatorsSince(ctx, profile, since, limit, v)
		return err
	})
	return out, more, err
}

func (s *Store) indicatorsSince(ctx context.Context, profile string, since int64, limit int, v View) ([]IndicatorChange, bool, error) {
	head, err := s.Head(ctx)
	if err != nil {
		return nil, false, err
	}
	cond, args := ceilingSQL("i", v.Ceiling)
	l, id, entity := s.indicatorList(v), "i.id", logIndicatorGone
	if profile != "" {
		l, id, entity = s.profileIndicatorList(profile, v), "i.indicator_id", logLinkGone
		cond, args = "i.profile_id = ? AND "+cond, append([]any{profile}, args...)
	}
	from, q := Settled(since), &odata.Query{}
	events, err := l.touched(ctx, s, id, fragment{cond, args}, q, from, head, limit+1)
	if err != nil {
		return nil, false, err
	}
	gone, err := s.logged(ctx, entity, profile, "", v.Ceiling, from, head, limit+1)
	if err != nil {
		return nil, false, err
	}
	now, err := l.present(ctx, s, q, idsOf(gone))
	if err != nil {
		return nil, false, err
	}
	was, err := s.formerSince(ctx, since, idsOf(events), v)
	if err != nil {
		return nil, false, err
	}
	values, err := s.valuesOf(ctx, idsOf(gone))
	if err != nil {
		return nil, false, err
	}
	var out []IndicatorChange
	seen := map[string]bool{}
	for _, e := range merged(events, gone) {
		c := IndicatorChange{ID: e.ID}
		switch {
		case e.gone && (now[e.ID] != nil || seen[e.ID]):
			continue
		case e.gone:
			c.Observable = values[e.ID]
		default:
			before, had := was[e.ID]
			c.Observable, c.New = e.item.Observable, e.born > since
			if !c.New && had {
				c.Before = &before
			}
			if e.shown {
				c.After = e.item
			} else if c.New {
				continue // never served
			}
		}
		seen[e.ID] = true
		if len(out) == limit {
			return out, true, nil
		}
		out = append(out, c)
	}
	return out, len(events) > limit || len(gone) > limit, nil
}

// formerSince returns what indicators were at a position, if they changed since.
func (s *Store) formerSince(ctx context.Context, since int64, ids []string, v View) (map[string]FormerIndicator, error) {
	out := map[string]FormerIndicator{}
	if len(ids) == 0 {
		return out, nil
	}
	query := sqlf(fragment{
		"SELECT id, former FROM change WHERE entity = ? AND scope = '' AND position > ? AND tlp_lo <= ? AND tlp_hi >= ? AND id IN ",
		[]any{logIndicatorWas, since, int(v.Ceiling), int(v.Ceiling)},
	}, listed(ids), " ORDER BY position DESC")
	rows, err := s.read.QueryContext(ctx, query.sql, query.args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		var raw []byte
		if err := rows.Scan(&id, &raw); err != nil {
			return nil, err
		}
		f, err := decodeFormer(raw)
		if err != nil {
			return nil, fmt.Errorf("indicator %s: %w", id, err)
		}
		out[id] = f // the earliest is the last
	}
	return out, rows.Err()
}

// valuesOf returns what indicators that may be gone stand for, by the evidence.
func (s *Store) valuesOf(ctx context.Context, ids []string) (map[string]observable.Observable, error) {
	out := map[string]observable.Observable{}
	if len(ids) == 0 {
		return out, nil
	}
	query := sqlf("SELECT indicator_id, kind, value FROM evidence WHERE indicator_id IN ", listed(ids))
	rows, err := s.read.QueryContext(ctx, query.sql, query.args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		var o observable.Observable
		if err := rows.Scan(&id, &o.Kind, &o.Value); err != nil {
			return nil, err
		}
		out[id] = o
	}
	return out, rows.Err()
}
