package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"dossier/internal/intel"
	"dossier/internal/odata"
)

// A Profile is a profile as it is served: its wire form, ready to be written.
type Profile struct {
	ID    string
	Kind  intel.Kind
	Title string
	Basis intel.Basis // what the date of first activity rests on
	Body  []byte      // JSON of [intel.Profile]; shared, so nobody may change it
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

// bareColumns are those of a profile without its body, which is the most of it
// and mostly in memory.
const (
	bareColumns    = "p.id, p.kind, p.title, p.first_basis, p.etag"
	profileColumns = bareColumns + ", p.body"
)

func scanBare(rows scanner, more ...any) (*Profile, error) {
	p := new(Profile)
	var kind int
	err := rows.Scan(append([]any{&p.ID, &kind, &p.Title, &p.Basis, &p.ETag}, more...)...)
	p.Kind = kindOf(kind)
	return p, err
}

func scanProfile(rows scanner, more ...any) (*Profile, error) {
	var body []byte
	p, err := scanBare(rows, append([]any{&body}, more...)...)
	p.Body = body
	return p, err
}

func (s *Store) profileList(v View) list[*Profile] {
	cond, args := ceilingSQL("p", v.Ceiling)
	return list[*Profile]{
		set: profileSet, alias: "p", view: v, scope: "profiles" + string(v.Mode), columns: profileColumns, from: "profile p",
		where: fragment{cond, args}, scan: scanProfile,
	}
}

// Profiles returns a page of profiles. The query is one against Types.Profile.
// A query that takes too long is refused with an *[odata.Error].
func (s *Store) Profiles(ctx context.Context, q *odata.Query, v View) (*Page[*Profile], error) {
	l := s.profileList(v)
	l.columns, l.scan = bareColumns, scanBare
	page, err := l.page(ctx, s, q)
	if err != nil {
		return nil, err
	}
	if whole, err := s.fillBodies(ctx, page.Items); whole || err != nil {
		return page, err
	}
	// Some profile changed since the page was read: one statement sees all at one time.
	l = s.profileList(v)
	return l.page(ctx, s, q)
}

// ProfileCount returns how many profiles match the query; errors are those of
// [Store.Profiles].
func (s *Store) ProfileCount(ctx context.Context, q *odata.Query, v View) (int64, error) {
	l := s.profileList(v)
	return l.count(ctx, s, q)
}

// CanonicalID returns the id of the profile that id leads to: its own, a
// superseded one, or that of one of its records. The error wraps
// [intel.ErrNotFound] if there is none.
func (s *Store) CanonicalID(ctx context.Context, id string, v View) (string, error) {
	cond, args := ceilingSQL("k", v.Ceiling)
	var canonical string
	err := s.queryRow(ctx, "SELECT k.profile_id FROM profile_key k WHERE k.id = ? AND "+cond+" ORDER BY k.profile_id LIMIT 1", append([]any{id}, args...)...).Scan(&canonical)
	if errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("profile %q: %w", id, intel.ErrNotFound)
	}
	return canonical, err
}

// Profile returns the profile that id leads to; its ID is the canonical one.
// The error wraps [intel.ErrNotFound] if there is none.
func (s *Store) Profile(ctx context.Context, id string, v View) (*Profile, error) {
	cond, args := ceilingSQL("p", v.Ceiling)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	ctx = s.brief(ctx)
	get := func(id string) (*Profile, error) {
		p, err := scanBare(s.queryRow(ctx, "SELECT "+bareColumns+" FROM profile p WHERE p.id = ? AND "+cond, append([]any{id}, args...)...))
		if err != nil {
			return nil, err
		}
		if whole, err := s.fillBodies(ctx, []*Profile{p}); whole || err != nil {
			return p, err
		}
		return scanProfile(s.queryRow(ctx, "SELECT "+profileColumns+" FROM profile p WHERE p.id = ? AND "+cond, append([]any{id}, args...)...))
	}
	p, err := get(id) // as a rule it is the canonical one
	if errors.Is(err, sql.ErrNoRows) {
		canonical, err := s.CanonicalID(ctx, id, v)
		if err != nil {
			return nil, err
		}
		if p, err = get(canonical); errors.Is(err, sql.ErrNoRows) {
			return nil, fmt.Errorf("profile %q: %w", id, intel.ErrNotFound)
		}
		return p, err
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
