package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"dossier/internal/intel"
	"dossier/internal/odata"
)

// A Place is a place in the order of changes: behind the change of the thing with
// the id in the transaction at the position.
type Place struct {
	Position int64
	ID       string
}

// Settled is the place behind all changes up to a position.
func Settled(position int64) Place { return Place{position, lastID} }

// lastID sorts behind every id, in both databases.
const lastID = "~"

// A Changed is what became of one thing: its present state, or that it is gone from
// the collection.
type Changed[T any] struct {
	ID   string
	Item T    // if not Gone
	Gone bool // from the collection
	// Left says that it still exists, but does not match the filter, or is not linked any more.
	Left  bool
	Place Place // of the change
	New   bool  // it began with this change
}

// Changes are a page of what changed.
type Changes[T any] struct {
	Items []Changed[T] // by position; the state is the present one
	Next  Place        // where to go on
	More  bool         // there was no room for everything up to the end
}

// ErrPruned says that the changes behind a place are not known any more.
var ErrPruned = errors.New("the changes since then are forgotten")

// changesWindow is how many changes are looked at for one page at least: not each
// has something to tell.
const changesWindow = 500

// Known reports whether all changes since the place are known: the error wraps
// [ErrPruned] if they are not, or if the place lies ahead, as after a restore.
// It returns the position of the last change.
func (s *Store) Known(ctx context.Context, since Place) (head int64, err error) {
	if head, err = s.Head(ctx); err != nil {
		return 0, err
	}
	floor, err := metaInt(ctx, s.read, metaFloor)
	if err == nil && (since.Position < floor || since.Position > head) {
		err = fmt.Errorf("position %d: %w", since.Position, ErrPruned)
	}
	return head, err
}

// ProfileChanges returns what changed in the list of profiles after a place, up to
// a position, in pages of q.Top: q's filter chooses, and q has neither order nor
// search. A profile that changed twice may be there twice. Nothing is left out
// that [Store.Known] vouches for.
func (s *Store) ProfileChanges(ctx context.Context, q *odata.Query, v View, since Place, until int64) (*Changes[*Profile], error) {
	return s.profileChanges(ctx, q, v, "", since, until)
}

// profileChanges is about one profile, if only is its id.
func (s *Store) profileChanges(ctx context.Context, q *odata.Query, v View, only string, since Place, until int64) (*Changes[*Profile], error) {
	l := s.profileList(v)
	return changesWithin(ctx, s, func(ctx context.Context) (*Changes[*Profile], error) {
		window := max(q.Top, changesWindow)
		events, err := s.logged(ctx, logProfile, "", only, v.Ceiling, since, until, window)
		if err != nil {
			return nil, err
		}
		now, err := l.present(ctx, s, q, idsOf(events))
		if err != nil {
			return nil, err
		}
		exist, err := s.existing(ctx, "SELECT p.id FROM profile p WHERE p.id", idsOf(events), l.where)
		if err != nil {
			return nil, err
		}
		p := &pager[*Profile]{top: q.Top}
		for _, e := range events {
			item, ok := now[e.ID]
			p.add(e, Changed[*Profile]{ID: e.ID, Item: item, Gone: !ok, Left: exist[e.ID], Place: e.Place, New: e.fresh}, true)
		}
		return p.page(since, until, len(events) == window), nil
	})
}

// IndicatorChanges is [Store.ProfileChanges] for the list of indicators.
func (s *Store) IndicatorChanges(ctx context.Context, q *odata.Query, v View, since Place, until int64) (*Changes[*Indicator], error) {
	return s.indicatorChanges(ctx, "", q, v, since, until)
}

func (s *Store) indicatorChanges(ctx context.Context, only string, q *odata.Query, v View, since Place, until int64) (*Changes[*Indicator], error) {
	l := s.indicatorList(v)
	cond, args := ceilingSQL("i", v.Ceiling)
	return s.rowChanges(ctx, &l, logIndicatorGone, "", only, "i.id", fragment{cond, args}, q, since, until)
}

// ProfileIndicatorChanges is [Store.ProfileChanges] for a profile's indicators.
// profileID is the canonical id.
func (s *Store) ProfileIndicatorChanges(ctx context.Context, profileID string, q *odata.Query, v View, since Place, until int64) (*Changes[*Indicator], error) {
	return s.profileIndicatorChanges(ctx, profileID, "", q, v, since, until)
}

func (s *Store) profileIndicatorChanges(ctx context.Context, profileID, only string, q *odata.Query, v View, since Place, until int64) (*Changes[*Indicator], error) {
	l := s.profileIndicatorList(profileID, v)
	cond, args := ceilingSQL("i", v.Ceiling)
	return s.rowChanges(ctx, &l, logLinkGone, profileID, only, "i.indicator_id", fragment{"i.profile_id = ? AND " + cond, append([]any{profileID}, args...)}, q, since, until)
}

// An event is that something changed: a row with the stamp, or an entry of the log.
type event struct {
	Place
	item    *Indicator
	born    int64
	gone    bool // an entry of the log
	shown   bool // in the view
	matches bool // shown, and the filter too
	fresh   bool // began with this change, so nobody had it before
}

// rowChanges is about one indicator, if only is its id.
func (s *Store) rowChanges(ctx context.Context, l *list[*Indicator], entity, scope, only, id string, rows fragment, q *odata.Query, since Place, until int64) (*Changes[*Indicator], error) {
	return changesWithin(ctx, s, func(ctx context.Context) (*Changes[*Indicator], error) {
		window := max(q.Top, changesWindow)
		if only != "" {
			rows = sqlf(rows, fragment{" AND " + id + " = ?", []any{only}})
		}
		events, err := l.touched(ctx, s, id, rows, q, since, until, window)
		if err != nil {
			return nil, err
		}
		gone, err := s.logged(ctx, entity, scope, only, l.view.Ceiling, since, until, window)
		if err != nil {
			return nil, err
		}
		// What is gone in one place may be there again, in another.
		now, err := l.present(ctx, s, q, idsOf(gone))
		if err != nil {
			return nil, err
		}
		all := s.indicatorList(l.view)
		exist, err := s.existing(ctx, "SELECT i.id FROM indicator i WHERE i.id", idsOf(gone), all.where)
		if err != nil {
			return nil, err
		}
		full := len(events) == window || len(gone) == window
		if full { // of what is beyond the end of one, the other may have more
			end := Place{until, lastID}
			for _, part := range [][]event{events, gone} {
				if len(part) == window {
					end = least(end, part[window-1].Place)
				}
			}
			beyond := func(e event) bool { return e.Place.Compare(end) > 0 }
			events, gone = slices.DeleteFunc(events, beyond), slices.DeleteFunc(gone, beyond)
		}
		p := &pager[*Indicator]{top: q.Top}
		for _, e := range merged(events, gone) {
			switch c := (Changed[*Indicator]{ID: e.ID, Item: e.item, Place: e.Place, New: e.fresh}); {
			case e.gone && now[e.ID] != nil: // its own place comes
				p.add(e, c, false)
			case e.gone:
				c.Gone, c.Left = true, exist[e.ID]
				p.add(e, c, true)
			case e.matches:
				p.add(e, c, true)
			default:
				c.Item, c.Gone, c.Left = nil, true, e.shown
				p.add(e, c, !e.fresh)
			}
		}
		return p.page(since, until, full), nil
	})
}

// Compare orders places.
func (p Place) Compare(q Place) int {
	return cmp.Or(cmp.Compare(p.Position, q.Position), cmp.Compare(p.ID, q.ID))
}

// Later reports whether p lies behind q.
func Later(p, q Place) bool { return p.Compare(q) > 0 }

func least(a, b Place) Place {
	if a.Compare(b) < 0 {
		return a
	}
	return b
}

// merged joins events in the order of their places; at one place what is gone comes
// first.
func merged(events, gone []event) []event {
	out := slices.Concat(gone, events)
	slices.SortStableFunc(out, func(a, b event) int { return a.Place.Compare(b.Place) })
	return out
}

func changesWithin[T any](ctx context.Context, s *Store, f func(context.Context) (*Changes[T], error)) (c *Changes[T], err error) {
	err = s.within(ctx, func(ctx context.Context) error {
		c, err = f(ctx)
		return err
	})
	return c, err
}

// A pager gathers a page from events, in order.
type pager[T any] struct {
	top   int
	items []Changed[T]
	last  Place
	full  bool
}

// add takes an event; tell says whether there is something to tell of it.
func (p *pager[T]) add(e event, c Changed[T], tell bool) {
	if p.full || tell && len(p.items) == p.top {
		p.full = true
		return
	}
	if tell {
		p.items = append(p.items, c)
	}
	p.last = e.Place
}

func (p *pager[T]) page(since Place, until int64, more bool) *Changes[T] {
	c := &Changes[T]{Items: p.items, Next: Settled(until)}
	if p.full || more {
		c.More, c.Next = true, p.last
		if p.last == (Place{}) {
			c.Next = since
		}
	}
	return c
}

// touched returns the rows with a stamp behind the place, of any view.
func (l *list[T]) touched(ctx context.Context, s *Store, id string, rows fragment, q *odata.Query, since Place, until int64, window int) ([]event, error) {
	match, err := l.conditions(s.emitter(ctx, l.set, l.alias, l.view), q)
	if err != nil {
		return nil, err
	}
	one := func(cond fragment) fragment { return sqlf("CASE WHEN ", cond, " THEN 1 ELSE 0 END") }
	query := sqlf("SELECT "+l.columns+", i.position, i.born, ", one(l.where), ", ", one(match), " FROM "+l.from+" WHERE ", rows,
		fragment{" AND (i.position, " + id + ") > (?, ?) AND i.position <= ? ORDER BY i.position, " + id + " LIMIT ?", []any{since.Position, since.ID, until, window}})
	found, err := s.read.QueryContext(ctx, query.sql, query.args...)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	var out []event
	scan := s.scanIndicator()
	for found.Next() {
		var e event
		if e.item, err = scan(found, &e.Position, &e.born, &e.shown, &e.matches); err != nil {
			return nil, err
		}
		e.ID, e.fresh = e.item.ID, e.born == e.Position
		out = append(out, e)
	}
	return out, found.Err()
}

// logged returns the entries of the log behind the place that the ceiling sees.
// only, if not empty, is the id of the one thing that they are about.
func (s *Store) logged(ctx context.Context, entity, scope, only string, c intel.TLP, since Place, until int64, window int) ([]event, error) {
	cond, args := "", []any{entity, scope, since.Position, since.ID, until, int(c), int(c)}
	if only != "" {
		cond, args = " AND id = ?", append(args, only)
	}
	rows, err := s.read.QueryContext(ctx, `SELECT position, id, op FROM change WHERE entity = ? AND scope = ? AND (position, id) > (?, ?) AND position <= ?
		AND tlp_lo <= ? AND tlp_hi >= ?`+cond+" ORDER BY position, id LIMIT ?", append(args, window)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []event
	for rows.Next() {
		e := event{gone: true}
		var op Op
		if err := rows.Scan(&e.Position, &e.ID, &op); err != nil {
			return nil, err
		}
		e.fresh = op == Created
		out = append(out, e)
	}
	return out, rows.Err()
}

func idsOf(events []event) []string {
	ids := make([]string, len(events))
	for i, e := range events {
		ids[i] = e.ID
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// present returns the rows of the list with these ids that match the query now.
func (l *list[T]) present(ctx context.Context, s *Store, q *odata.Query, ids []string) (map[string]T, error) {
	out := map[string]T{}
	if len(ids) == 0 {
		return out, nil
	}
	where, err := l.conditions(s.emitter(ctx, l.set, l.alias, l.view), q)
	if err != nil {
		return nil, err
	}
	key := place{l.set, l.alias}.at(l.set.id)
	query := sqlf("SELECT "+l.columns+", "+key+" FROM "+l.from+" WHERE "+key+" IN ", listed(ids), " AND ", where)
	rows, err := s.read.QueryContext(ctx, query.sql, query.args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		item, err := l.scan(rows, &id)
		if err != nil {
			return nil, err
		}
		out[id] = item
	}
	return out, rows.Err()
}

// existing returns which of the ids a statement finds, the head of which ends with
// the column of the id.
func (s *Store) existing(ctx context.Context, head string, ids []string, where fragment) (map[string]bool, error) {
	out := map[string]bool{}
	if len(ids) == 0 {
		return out, nil
	}
	query := sqlf(head+" IN ", listed(ids), " AND ", where)
	rows, err := s.read.QueryContext(ctx, query.sql, query.args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		out[id] = true
	}
	return out, rows.Err()
}

// metaSecret has the key that authenticates what clients hold for the database.
const metaSecret = "changes.secret"

// Secret returns a key that all servers of this database share, made when it is first wanted.
func (s *Store) Secret(ctx context.Context) (string, error) {
	return s.once(ctx, metaSecret, func() string { return NewGUID() + NewGUID() })
}

// once returns a value that is made when it is first wanted, and the same for ever.
func (s *Store) once(ctx context.Context, key string, make func() string) (v string, err error) {
	// Not through the connection that writes: an import may have it.
	err = s.read.QueryRowContext(ctx, "SELECT value FROM meta WHERE key = ?", key).Scan(&v)
	if !errors.Is(err, sql.ErrNoRows) {
		return v, err
	}
	err = s.inTx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO NOTHING", key, make()); err != nil {
			return err
		}
		return tx.QueryRowContext(ctx, "SELECT value FROM meta WHERE key = ?", key).Scan(&v)
	})
	return v, err
}
