package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"dossier/internal/intel"
	"dossier/internal/lifecycle"
	"dossier/internal/observable"
	"dossier/internal/odata"
)

// A Selection says which indicators a stream gives. The zero value gives what the
// API's collections show.
type Selection struct {
	Filter        *odata.Query      // its $filter, typed against Types.Indicator; nil: all
	Profile       string            // only those of the profile with this canonical id; "": all
	Mode          Mode              // Active for hunts and exports
	MinConfidence int               // at the time of the answer; 0: any
	Kinds         []observable.Kind // nil: all
	Dated         bool              // fill Created and Modified
}

// streamPage is how many indicators are read at once.
const streamPage = 1000

// EachIndicator calls f for every indicator that is selected, by id, each with its
// profiles and publishers, until f returns an error, which it returns. f may keep
// what it is given.
//
// It reads page by page, so its memory does not grow with the data, and neither
// writers nor the log of the database wait for it to end: an indicator that is
// written meanwhile comes as it was or as it is. With the same data and the same time the
// calls are the same. v.Mode counts for nothing.
func (s *Store) EachIndicator(ctx context.Context, sel Selection, v View, f func(*Indicator) error) error {
	l, id, where, err := s.selected(ctx, sel, v)
	if err != nil {
		return err
	}
	for last := ""; ; {
		query := sqlf("SELECT "+l.columns+" FROM "+l.from+" WHERE ", where, fragment{" AND " + id + " > ? ORDER BY " + id + " LIMIT ?", []any{last, streamPage}})
		page, err := s.streamPage(ctx, query, l.scan)
		if err != nil {
			return err
		}
		if len(page) == 0 {
			return nil
		}
		last = page[len(page)-1].ID
		full := len(page) == streamPage
		page = slices.DeleteFunc(page, func(i *Indicator) bool { return i.Confidence < sel.MinConfidence })
		if err := s.tell(ctx, page, l.view); err != nil {
			return err
		}
		if sel.Dated {
			if err := s.versions(ctx, page, v); err != nil {
				return err
			}
		}
		for _, i := range page {
			if err := f(i); err != nil {
				return err
			}
		}
		if !full {
			return nil
		}
	}
}

// selected returns the list that a selection is of, its column of ids, and its conditions.
func (s *Store) selected(ctx context.Context, sel Selection, v View) (l list[*Indicator], id string, where fragment, err error) {
	v.Mode = sel.Mode
	l, id = s.indicatorList(v), "i.id"
	if sel.Profile != "" {
		l, id = s.profileIndicatorList(sel.Profile, v), "i.indicator_id"
	}
	q := &odata.Query{}
	if sel.Filter != nil {
		q.Filter = sel.Filter.Filter
	}
	if where, err = l.conditions(s.emitter(ctx, l.set, l.alias, l.view), q); err != nil {
		return l, id, where, err
	}
	if len(sel.Kinds) > 0 {
		where = sqlf(where, " AND i.kind IN ", listed(kinds(sel.Kinds)))
	}
	if sel.MinConfidence > 0 {
		where = sqlf(where, fragment{" AND i.confidence >= ?", []any{sel.MinConfidence}})
	}
	return l, id, where, nil
}

// observablePage is how many observables are read at once.
const observablePage = 10_000

// EachObservable is [Store.EachIndicator] for those who want nothing but the values, such as a hunt of millions: it reads only these.
func (s *Store) EachObservable(ctx context.Context, sel Selection, v View, f func(observable.Observable) error) error {
	l, id, where, err := s.selected(ctx, sel, v)
	if err != nil {
		return err
	}
	columns, life := "i.kind, i.value", sel.MinConfidence > 0
	if life {
		columns += ", i.ages_from, i.active_until, i.confidence"
	}
	now := intel.TimeOf(s.Now())
	names := map[string]observable.Kind{} // so that kinds are not a string each
	page := make([]observable.Observable, 0, observablePage)
	read := func(last string) (n int, next string, err error) {
		query := sqlf("SELECT "+columns+" FROM "+l.from+" WHERE ", where, fragment{" AND " + id + " > ? ORDER BY " + id + " LIMIT ?", []any{last, observablePage}})
		rows, err := s.read.QueryContext(ctx, query.sql, query.args...)
		if err != nil {
			return 0, "", fmt.Errorf("indicators: %w", err)
		}
		defer rows.Close()
		page = page[:0]
		var o observable.Observable
		var kind sql.RawBytes
		var ages lifecycle.Life
		into := []any{&kind, &o.Value, &ages.From, &ages.Until, &ages.Base}
		if !life {
			into = into[:2]
		}
		for ; rows.Next(); n++ {
			if err := rows.Scan(into...); err != nil {
				return n, "", err
			}
			k, known := names[string(kind)]
			if !known {
				k = observable.Kind(kind)
				names[string(k)] = k
			}
			if o.Kind = k; !life || ages.At(k, now) >= sel.MinConfidence {
				page = append(page, o)
			}
		}
		return n, o.ID(), rows.Err()
	}
	for last := ""; ; {
		n, next, err := read(last)
		if err != nil || n == 0 {
			return err
		}
		for _, o := range page {
			if err := f(o); err != nil {
				return err
			}
		}
		if n < observablePage {
			return nil
		}
		last = next
	}
}

func kinds(list []observable.Kind) []string {
	out := make([]string, len(list))
	for i, k := range list {
		out[i] = string(k)
	}
	return out
}

func (s *Store) streamPage(ctx context.Context, query fragment, scan func(scanner, ...any) (*Indicator, error)) ([]*Indicator, error) {
	rows, err := s.read.QueryContext(ctx, query.sql, query.args...)
	if err != nil {
		return nil, fmt.Errorf("indicators: %w", err)
	}
	defer rows.Close()
	page := make([]*Indicator, 0, streamPage)
	for rows.Next() {
		i, err := scan(rows)
		if err != nil {
			return nil, err
		}
		page = append(page, i)
	}
	return page, rows.Err()
}

// tell adds the profiles and publishers of indicators.
func (s *Store) tell(ctx context.Context, page []*Indicator, v View) error {
	if len(page) == 0 {
		return nil
	}
	byID := make(map[string]*Indicator, len(page))
	ids := make([]string, len(page))
	for n, i := range page {
		byID[i.ID], ids[n] = i, i.ID
	}
	ip, args := ceilingSQL("ip", v.Ceiling)
	p, more := ceilingSQL("p", v.Ceiling)
	rows, err := s.read.QueryContext(ctx, `SELECT ip.indicator_id, p.id, p.kind, p.title FROM indicator_profile ip JOIN profile p ON p.id = ip.profile_id
		WHERE ip.indicator_id IN (`+marks(len(ids))+") AND "+ip+" AND "+p+" ORDER BY ip.indicator_id, p.title_fold, p.id", slices.Concat(anys(ids), args, more)...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		var t ProfileTitle
		var kind int
		if err := rows.Scan(&id, &t.ID, &kind, &t.Title); err != nil {
			return err
		}
		t.Kind = kindOf(kind)
		byID[id].Profiles = append(byID[id].Profiles, t)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return s.tellPublishers(ctx, byID, ids, v.Ceiling)
}

func (s *Store) tellPublishers(ctx context.Context, byID map[string]*Indicator, ids []string, ceiling intel.TLP) error {
	rows, err := s.read.QueryContext(ctx, `SELECT DISTINCT indicator_id, publisher FROM evidence
		WHERE indicator_id IN (`+marks(len(ids))+") AND absent = 0 AND revoked = 0 AND tlp <= ? ORDER BY indicator_id, publisher", append(anys(ids), int(ceiling))...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id, publisher string
		if err := rows.Scan(&id, &publisher); err != nil {
			return err
		}
		byID[id].Publishers = append(byID[id].Publishers, publisher)
	}
	return rows.Err()
}
