package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"dossier/internal/intel"
	"dossier/internal/odata"
)

// A Profile is a profile as it is served: its wire form, ready to be written.
type Profile struct {
	ID    string
	Kind  intel.Kind
	Title string
	Basis intel.Basis // what the date of first activity rests on
	Body  []byte      // JSON of [intel.Profile]
	ETag  string      // digest of Body, without quotes
}

// Decode returns the profile as a value.
func (p *Profile) Decode() (*intel.Profile, error) {
	var v intel.Profile
	err := json.Unmarshal(p.Body, &v)
	return &v, err
}

// A Page is part of a list.
type Page[T any] struct {
	Items []T
	Next  string // the token of the next page, "" on the last
	Count int64  // rows that match, if the query asked for it and this is the first page; else -1
}

const profileColumns = "p.id, p.kind, p.title, p.first_basis, p.body, p.etag"

func scanProfile(rows scanner, more ...any) (*Profile, error) {
	p := new(Profile)
	var kind int
	err := rows.Scan(append([]any{&p.ID, &kind, &p.Title, &p.Basis, &p.Body, &p.ETag}, more...)...)
	p.Kind = kindOf(kind)
	return p, err
}

// ceilingSQL is the condition for derived rows that are right for a ceiling.
func ceilingSQL(alias string, c intel.TLP) (string, []any) {
	return alias + ".tlp_lo <= ? AND " + alias + ".tlp_hi >= ?", []any{int(c), int(c)}
}

// Profiles returns a page of profiles. The query is one against Types.Profile.
func (s *Store) Profiles(ctx context.Context, q *odata.Query, v View) (*Page[*Profile], error) {
	cond, args := ceilingSQL("p", v.Ceiling)
	l := list[*Profile]{
		set: profileSet, scope: "profiles", columns: profileColumns, from: "profile p", where: cond, args: args,
		scan:   scanProfile,
		search: func(x odata.Search) (string, []any, error) { return searchSQL(x, v.Ceiling) },
	}
	return l.page(ctx, s.read, q)
}

// ProfileCount returns how many profiles match the query.
func (s *Store) ProfileCount(ctx context.Context, q *odata.Query, v View) (int64, error) {
	cond, args := ceilingSQL("p", v.Ceiling)
	l := list[*Profile]{
		set: profileSet, from: "profile p", where: cond, args: args,
		search: func(x odata.Search) (string, []any, error) { return searchSQL(x, v.Ceiling) },
	}
	return l.count(ctx, s.read, q)
}

// CanonicalID returns the id of the profile that id leads to: its own, a
// superseded one, or that of one of its records. The error wraps
// [intel.ErrNotFound] if there is none.
func (s *Store) CanonicalID(ctx context.Context, id string, v View) (string, error) {
	cond, args := ceilingSQL("k", v.Ceiling)
	var canonical string
	err := s.read.QueryRowContext(ctx, "SELECT k.profile_id FROM profile_key k WHERE k.id = ? AND "+cond+" ORDER BY k.profile_id LIMIT 1", append([]any{id}, args...)...).Scan(&canonical)
	if errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("profile %q: %w", id, intel.ErrNotFound)
	}
	return canonical, err
}

// Profile returns the profile that id leads to; its ID is the canonical one.
// The error wraps [intel.ErrNotFound] if there is none.
func (s *Store) Profile(ctx context.Context, id string, v View) (*Profile, error) {
	canonical, err := s.CanonicalID(ctx, id, v)
	if err != nil {
		return nil, err
	}
	cond, args := ceilingSQL("p", v.Ceiling)
	p, err := scanProfile(s.read.QueryRowContext(ctx, "SELECT "+profileColumns+" FROM profile p WHERE p.id = ? AND "+cond, append([]any{canonical}, args...)...))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("profile %q: %w", id, intel.ErrNotFound)
	}
	return p, err
}

// Dossier returns the profile that id leads to with the claims it rests on. The
// error wraps [intel.ErrNotFound] if there is none.
func (s *Store) Dossier(ctx context.Context, id string, v View) (*intel.Dossier, error) {
	canonical, err := s.CanonicalID(ctx, id, v)
	if err != nil {
		return nil, err
	}
	cond, args := ceilingSQL("p", v.Ceiling)
	var packed []byte
	err = s.read.QueryRowContext(ctx, "SELECT p.dossier FROM profile p WHERE p.id = ? AND "+cond, append([]any{canonical}, args...)...).Scan(&packed)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("profile %q: %w", id, intel.ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	raw, err := decompress(packed)
	if err != nil {
		return nil, fmt.Errorf("profile %q: %w", id, err)
	}
	d := new(intel.Dossier)
	return d, json.Unmarshal(raw, d)
}

// A list is a table that is served in pages.
type list[T any] struct {
	set     entitySet
	scope   string // what the rows are, for tokens
	columns string
	from    string
	where   string
	args    []any
	scan    func(rows scanner, more ...any) (T, error)
	search  func(odata.Search) (string, []any, error) // nil: no $search
}

// conditions returns the WHERE of a query, without paging.
func (l *list[T]) conditions(q *odata.Query) (string, []any, error) {
	where, args := l.where, append([]any(nil), l.args...)
	if q.Filter != nil {
		e := emitter{set: l.set}
		cond, err := e.where(q.Filter)
		if err != nil {
			return "", nil, err
		}
		where += " AND (" + cond + ")"
		args = append(args, e.args...)
	}
	if q.Search != nil && l.search != nil {
		cond, more, err := l.search(q.Search)
		if err != nil {
			return "", nil, err
		}
		where += " AND (" + cond + ")"
		args = append(args, more...)
	}
	return where, args, nil
}

func (l *list[T]) count(ctx context.Context, db *sql.DB, q *odata.Query) (n int64, err error) {
	where, args, err := l.conditions(q)
	if err != nil {
		return 0, err
	}
	err = db.QueryRowContext(ctx, "SELECT COUNT(*) FROM "+l.from+" WHERE "+where, args...).Scan(&n)
	return n, err
}

// page asks for one row more than a page has, to learn whether there is a next.
func (l *list[T]) page(ctx context.Context, db *sql.DB, q *odata.Query) (*Page[T], error) {
	keys, err := order(l.set, q.OrderBy)
	if err != nil {
		return nil, err
	}
	where, args, err := l.conditions(q)
	if err != nil {
		return nil, err
	}
	page := &Page[T]{Items: []T{}, Count: -1}
	sum := queryDigest(l.scope, q)
	if q.SkipToken != "" {
		values, err := decodeToken(q.SkipToken, sum, keys)
		if err != nil {
			return nil, err
		}
		cond, more := after(keys, values)
		where += " AND (" + cond + ")"
		args = append(args, more...)
	} else if q.Count {
		if page.Count, err = l.count(ctx, db, q); err != nil {
			return nil, err
		}
	}
	columns := l.columns
	for _, k := range keys {
		columns += ", " + k.sql
	}
	query := "SELECT " + columns + " FROM " + l.from + " WHERE " + where + " ORDER BY " + orderSQL(keys) + " LIMIT ?"
	args = append(args, q.Top+1)
	if q.Skip > 0 && q.SkipToken == "" {
		query += " OFFSET ?"
		args = append(args, q.Skip)
	}
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", strings.Fields(l.from)[0], err)
	}
	defer rows.Close()
	last := make([]any, len(keys))
	for rows.Next() {
		if len(page.Items) == q.Top {
			page.Next = token{Query: sum, Values: last}.encode()
			return page, nil
		}
		values, dest := sortValues(keys)
		item, err := l.scan(rows, dest...)
		if err != nil {
			return nil, err
		}
		page.Items = append(page.Items, item)
		last = values()
	}
	return page, rows.Err()
}

// sortValues returns where to scan the sort values of a row, and a function
// that reads them.
func sortValues(keys []sortKey) (values func() []any, dest []any) {
	texts, ints := make([]string, len(keys)), make([]int64, len(keys))
	dest = make([]any, len(keys))
	for i, k := range keys {
		if k.text {
			dest[i] = &texts[i]
		} else {
			dest[i] = &ints[i]
		}
	}
	return func() []any {
		out := make([]any, len(keys))
		for i, k := range keys {
			if k.text {
				out[i] = texts[i]
			} else {
				out[i] = ints[i]
			}
		}
		return out
	}, dest
}
