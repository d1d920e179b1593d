package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"dossier/internal/guard"
	"dossier/internal/intel"
)

// A GuardList is a list of guards as it is kept. Entries are not read with it.
type GuardList struct {
	guard.List
	Own  guard.Policy `json:"own"` // the list's own policy; Policy is what holds
	Size int          `json:"size"`
}

// Guards returns the lists of guards, by name, without their entries.
func (s *Store) Guards(ctx context.Context) ([]GuardList, error) {
	rows, err := s.read.QueryContext(ctx, "SELECT name, source, title, policy, chosen, scope, version, size FROM guard_list ORDER BY name")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []GuardList
	for rows.Next() {
		var l GuardList
		if err := rows.Scan(&l.Name, &l.Source, &l.Title, &l.Own, &l.Policy, &l.Scope, &l.Version, &l.Size); err != nil {
			return nil, err
		}
		if l.Policy == "" {
			l.Policy = l.Own
		}
		out = append(out, l)
	}
	return out, rows.Err()
}

// PutGuards adds lists of guards, in place of those with their names, and returns how many lists are other than
// before. A list whose version is older than that of the one that is kept changes nothing, nor does what the operator
// chose of a list. Indicators that are guarded otherwise are folded again by [Store.FoldIndicators].
func (s *Store) PutGuards(ctx context.Context, lists []guard.List) (changed int, err error) {
	lists = slices.DeleteFunc(slices.Clone(lists), func(l guard.List) bool {
		var same bool
		if err == nil {
			same, err = guardKept(ctx, s.write, &l)
		}
		return same
	})
	if err != nil || len(lists) == 0 {
		return 0, err
	}
	err = s.changeGuards(ctx, func(tx *sql.Tx) error {
		for i := range lists {
			if err := putGuard(ctx, tx, &lists[i]); err != nil {
				return fmt.Errorf("list %s: %w", lists[i].Name, err)
			}
		}
		return nil
	})
	return len(lists), err
}

func guardHash(l *guard.List, entries []byte) string {
	return digest([]byte(l.Title), []byte(l.Policy), []byte(l.Scope), []byte(l.Version), []byte(l.Source), entries)
}

func guardEntries(l *guard.List) []byte { return []byte(strings.Join(l.Entries, "\n")) }

type rowQuerier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// guardKept reports whether what is kept of a list is the same, or newer.
func guardKept(ctx context.Context, q rowQuerier, l *guard.List) (bool, error) {
	var hash, version string
	err := q.QueryRowContext(ctx, "SELECT hash, version FROM guard_list WHERE name = ?", l.Name).Scan(&hash, &version)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return hash == guardHash(l, guardEntries(l)) || version > l.Version, err
}

func putGuard(ctx context.Context, tx *sql.Tx, l *guard.List) error {
	// Another process may have been faster.
	if kept, err := guardKept(ctx, tx, l); err != nil || kept {
		return err
	}
	entries := guardEntries(l)
	_, err := tx.ExecContext(ctx, `INSERT INTO guard_list (name, owner, source, title, policy, chosen, scope, version, size, hash, entries)
		VALUES (?, '', ?, ?, ?, '', ?, ?, ?, ?, ?)
		ON CONFLICT (name) DO UPDATE SET source = excluded.source, title = excluded.title, policy = excluded.policy, scope = excluded.scope,
			version = excluded.version, size = excluded.size, hash = excluded.hash, entries = excluded.entries`,
		l.Name, l.Source, l.Title, string(l.Policy), string(l.Scope), l.Version, len(l.Entries), guardHash(l, entries), compress(entries))
	return err
}

// SetGuardPolicy sets what a list does, in place of its own policy; "" takes that back. The error wraps
// [intel.ErrNotFound] if there is no such list.
func (s *Store) SetGuardPolicy(ctx context.Context, name string, p guard.Policy) error {
	return s.changeGuards(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, "UPDATE guard_list SET chosen = ? WHERE name = ?", string(p), name)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, fmt.Errorf("guard list %q: %w", name, intel.ErrNotFound))
		}
		return nil
	})
}

// changeGuards runs f, and notes which indicators are guarded otherwise after it.
func (s *Store) changeGuards(ctx context.Context, f func(*sql.Tx) error) error {
	return s.inTx(ctx, func(tx *sql.Tx) error {
		before, err := guardMatcher(ctx, tx)
		if err != nil {
			return err
		}
		if err := f(tx); err != nil {
			return err
		}
		after, err := guardMatcher(ctx, tx)
		if err != nil {
			return err
		}
		return guardedOtherwise(ctx, tx, before, after)
	})
}

// guardChunk is how many indicators are compared at once.
const guardChunk = 5000

// guardedOtherwise notes the indicators for which two matchers differ.
func guardedOtherwise(ctx context.Context, tx *sql.Tx, before, after *guard.Matcher) error {
	pend := newBulk(ctx, tx, "INSERT INTO pending (indicator_id) VALUES", 1, "ON CONFLICT (indicator_id) DO NOTHING")
	noted := false
	for last := ""; ; {
		list, err := observablesAfter(ctx, tx, last)
		if err != nil {
			return err
		}
		for _, i := range list {
			was, _ := before.Match(i.Observable)
			is, _ := after.Match(i.Observable)
			if was == is || i.ID == last {
				continue
			}
			noted = true
			if err := pend.add(i.ID); err != nil {
				return err
			}
			last = i.ID
		}
		if len(list) < guardChunk {
			break
		}
		last = list[len(list)-1].ID
	}
	if err := pend.flush(); err != nil || !noted {
		return err
	}
	return setMeta(ctx, tx, metaStale, "1")
}

func observablesAfter(ctx context.Context, tx *sql.Tx, last string) ([]Indicator, error) {
	rows, err := tx.QueryContext(ctx, "SELECT id, kind, value FROM indicator WHERE id > ? ORDER BY id, tlp_lo LIMIT ?", last, guardChunk)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := make([]Indicator, 0, guardChunk)
	for rows.Next() {
		var i Indicator
		if err := rows.Scan(&i.ID, &i.Observable.Kind, &i.Observable.Value); err != nil {
			return nil, err
		}
		out = append(out, i)
	}
	return out, rows.Err()
}

// guardMatcher compiles the lists that are kept.
func guardMatcher(ctx context.Context, q querier) (*guard.Matcher, error) {
	rows, err := q.QueryContext(ctx, "SELECT name, policy, chosen, scope, entries FROM guard_list")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var lists []guard.List
	for rows.Next() {
		var l guard.List
		var chosen guard.Policy
		var packed []byte
		if err := rows.Scan(&l.Name, &l.Policy, &chosen, &l.Scope, &packed); err != nil {
			return nil, err
		}
		if chosen != "" {
			l.Policy = chosen
		}
		entries, err := decompress(packed)
		if err != nil {
			return nil, fmt.Errorf("guard list %s: %w", l.Name, err)
		}
		l.Entries = strings.Split(string(entries), "\n")
		lists = append(lists, l)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	m, _ := guard.Compile(lists)
	return m, nil
}

// GuardMatcher returns what the lists of guards amount to, for values that are no indicators.
// It is compiled once per change of the lists.
func (s *Store) GuardMatcher(ctx context.Context) (*guard.Matcher, error) {
	var key string
	err := eachRow(ctx, s.read, "SELECT hash, chosen FROM guard_list ORDER BY name", func(hash, chosen string) error {
		key += hash + " " + chosen + "\n"
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.guards == nil || s.guardsOf != key {
		m, err := guardMatcher(ctx, s.read)
		if err != nil {
			return nil, err
		}
		s.guards, s.guardsOf = m, key
	}
	return s.guards, nil
}

// GuardEntries returns the entries of a list, as it writes them. The error wraps [intel.ErrNotFound] if there is no such
// list.
func (s *Store) GuardEntries(ctx context.Context, name string) ([]string, error) {
	var packed []byte
	err := s.read.QueryRowContext(ctx, "SELECT entries FROM guard_list WHERE name = ?", name).Scan(&packed)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("guard list %q: %w", name, intel.ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	entries, err := decompress(packed)
	if err != nil || len(entries) == 0 {
		return nil, err
	}
	return strings.Split(string(entries), "\n"), nil
}

// Sighted notes when indicators were met in the installation's own data, by id; a time that is not newer than the one
// that is known changes nothing. Their lives are computed again by [Store.FoldIndicators].
func (s *Store) Sighted(ctx context.Context, met map[string]intel.Time) error {
	if len(met) == 0 {
		return nil
	}
	return s.inTx(ctx, func(tx *sql.Tx) error { return s.sighted(ctx, tx, met) })
}

func (s *Store) sighted(ctx context.Context, tx *sql.Tx, met map[string]intel.Time) error {
	if len(met) == 0 {
		return nil
	}
	sighted := newBulk(ctx, tx, "INSERT INTO sighted (indicator_id, owner, last_seen) VALUES", 3,
		`ON CONFLICT (indicator_id, owner) DO UPDATE SET last_seen = excluded.last_seen WHERE sighted.last_seen < excluded.last_seen`)
	pend := newBulk(ctx, tx, "INSERT INTO pending (indicator_id) VALUES", 1, "ON CONFLICT (indicator_id) DO NOTHING")
	now := intel.TimeOf(s.Now())
	for id, at := range met {
		if at != 0 { // else only computed again
			if err := sighted.add(id, "", int64(min(at, now))); err != nil {
				return err
			}
		}
		if err := pend.add(id); err != nil {
			return err
		}
	}
	if err := flushAll(sighted, pend); err != nil {
		return err
	}
	return setMeta(ctx, tx, metaStale, "1")
}

// sightedOf returns when indicators were last met in the installation's own data.
func sightedOf(ctx context.Context, q querier, ids []string) (map[string]intel.Time, error) {
	rows, err := q.QueryContext(ctx, "SELECT indicator_id, last_seen FROM sighted WHERE owner = '' AND indicator_id IN ("+marks(len(ids))+")", anys(ids)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out map[string]intel.Time
	for rows.Next() {
		var id string
		var at intel.Time
		if err := rows.Scan(&id, &at); err != nil {
			return nil, err
		}
		if out == nil {
			out = map[string]intel.Time{}
		}
		out[id] = at
	}
	return out, rows.Err()
}
