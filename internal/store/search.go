package store

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"dossier/internal/intel"
	"dossier/internal/odata"
)

// A Hit is a profile found by a text or name.
type Hit struct {
	*Profile
	Match string // what was found: "id", "decided" (a person says that the name means it), "title", "alias", "name", "prefix", "text"
	Names []string
}

// ranks of matches, best first.
var matchRank = map[string]int{"id": 0, "decided": 1, "title": 2, "alias": 3, "name": 4, "prefix": 5, "text": 6}

// ProfilesByName returns every profile that a name, an external id or a profile
// id leads to, those that serve it first. An ambiguous name returns several;
// none is no error.
func (s *Store) ProfilesByName(ctx context.Context, name string, v View) ([]Hit, error) {
	if p, err := s.Profile(ctx, strings.ToLower(strings.TrimSpace(name)), v); err == nil {
		return []Hit{{Profile: p, Match: "id"}}, nil
	}
	key := intel.NameKey(name)
	if key == "" || intel.Placeholder(name) {
		return nil, nil
	}
	n, args := ceilingSQL("n", v.Ceiling)
	p, more := ceilingSQL("p", v.Ceiling)
	rows, err := s.read.QueryContext(ctx, "SELECT "+profileColumns+`, n.alias FROM profile_name n JOIN profile p ON p.id = n.profile_id
		WHERE n.name_key = ? AND `+n+" AND "+p+" ORDER BY n.alias DESC, p.kind, p.title_fold, p.id", append(append([]any{key}, args...), more...)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Hit
	for rows.Next() {
		var how int
		p, err := scanProfile(rows, &how)
		if err != nil {
			return nil, err
		}
		h := Hit{Profile: p, Match: "name"}
		switch {
		case how == nameDecided:
			h.Match = "decided"
		case intel.NameKey(p.Title) == key:
			h.Match = "title"
		case how == nameServed:
			h.Match = "alias"
		}
		out = append(out, h)
	}
	slices.SortStableFunc(out, func(a, b Hit) int { return matchRank[a.Match] - matchRank[b.Match] })
	return out, rows.Err()
}

// A NearName is a key of a name that a profile has.
type NearName struct {
	Key      string
	Profile  string // id
	Distance int
}

// NamesNear returns the names of profiles that distance finds near, nearest first,
// at most limit of them and each profile once. It looks at every name.
func (s *Store) NamesNear(ctx context.Context, limit int, v View, distance func(key string) (int, bool)) ([]NearName, error) {
	cond, args := ceilingSQL("n", v.Ceiling)
	rows, err := s.read.QueryContext(ctx, "SELECT n.name_key, n.profile_id FROM profile_name n WHERE "+cond, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []NearName
	for rows.Next() {
		var n NearName
		if err := rows.Scan(&n.Key, &n.Profile); err != nil {
			return nil, err
		}
		var ok bool
		if n.Distance, ok = distance(n.Key); !ok {
			continue
		}
		at, _ := slices.BinarySearchFunc(out, n, func(a, b NearName) int {
			return cmp.Or(cmp.Compare(a.Distance, b.Distance), cmp.Compare(a.Key, b.Key), cmp.Compare(a.Profile, b.Profile))
		})
		if have := slices.IndexFunc(out, func(x NearName) bool { return x.Profile == n.Profile }); have >= 0 {
			if have < at {
				continue
			}
			out = slices.Delete(out, have, have+1)
		}
		out = slices.Insert(out, at, n)
		out = out[:min(len(out), limit)]
	}
	return out, rows.Err()
}

// Search returns profiles whose names or texts contain the words, best first:
// by exact name, by the beginning of a title or alias, then by text. kind may
// be empty. It returns at most limit hits and whether there are more.
func (s *Store) Search(ctx context.Context, text string, kind intel.Kind, limit int, v View) (hits []Hit, more bool, err error) {
	text = strings.TrimSpace(text)
	named, err := s.ProfilesByName(ctx, text, v)
	if err != nil {
		return nil, false, err
	}
	seen := map[string]bool{}
	for _, h := range named {
		if kind == "" || h.Kind == kind {
			seen[h.ID] = true
			hits = append(hits, h)
		}
	}
	words := strings.Fields(text)
	if len(words) == 0 {
		return hits, false, nil
	}
	cond, args := ceilingSQL("p", v.Ceiling)
	if kind != "" {
		cond += " AND p.kind = ?"
		args = append(args, kindValue(kind))
	}
	e := s.emitter(ctx, profileSet, "p", v)
	for _, w := range words[:min(len(words), odata.MaxSearchTerms)] {
		hint, found, err := e.textContains("", w)
		if err != nil {
			return nil, false, err
		}
		found = sqlf(hint, found)
		cond += " AND " + found.sql
		args = append(args, found.args...)
	}
	title, whole := fragment{sql: "p.title_fold"}, fragment{"?", []any{Fold(text)}}
	query := sqlf(fragment{"SELECT " + profileColumns + " FROM profile p WHERE " + cond, args},
		" ORDER BY CASE WHEN SUBSTR(p.title_fold, 1, LENGTH(", whole, ")) = ", whole, " THEN 0 WHEN ", e.dialect.contains(title, whole),
		" THEN 1 ELSE 2 END, p.kind, p.title_fold, p.id", fragment{" LIMIT ?", []any{limit + len(seen) + 1}})
	rows, err := s.read.QueryContext(ctx, query.sql, query.args...)
	if err != nil {
		return nil, false, err
	}
	defer rows.Close()
	for rows.Next() {
		p, err := scanProfile(rows)
		if err != nil {
			return nil, false, err
		}
		if seen[p.ID] {
			continue
		}
		if len(hits) >= limit {
			return hits, true, nil
		}
		h := Hit{Profile: p, Match: "text"}
		if strings.HasPrefix(Fold(p.Title), Fold(text)) {
			h.Match = "prefix"
		}
		hits = append(hits, h)
	}
	return hits, false, rows.Err()
}

// textContains is the condition that a field of a profile's texts, or any of
// them if field is empty, contains text, ignoring case.
func (e *emitter) textContains(field, text string) (hint, cond fragment, err error) {
	text = Fold(text)
	if !e.mixed && e.root.set == profileSet {
		of := allTexts
		if shortFields[field] {
			of = shortTexts
		}
		if hint, err = e.grams(e.root, of, text); err != nil {
			return hint, cond, err
		}
	}
	on := fragment{sql: e.root.at(e.root.set.texts)}
	if field != "" {
		on = sqlf(on, fragment{" AND t.field = ?", []any{field}})
	}
	found := e.dialect.contains(fragment{sql: "t.text"}, fragment{"?", []any{text}})
	return hint, sqlf("EXISTS (SELECT 1 FROM ", on, " AND ", found, " LIMIT 1)"), nil
}

// Publishers returns the publishers that have said something here that the view
// may see, by rank.
func (s *Store) Publishers(ctx context.Context, v View) ([]intel.Publisher, error) {
	rows, err := s.read.QueryContext(ctx, "SELECT body FROM publisher WHERE tlp <= ? ORDER BY rank, id", int(v.Ceiling))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []intel.Publisher
	for rows.Next() {
		var body string
		if err := rows.Scan(&body); err != nil {
			return nil, err
		}
		var p intel.Publisher
		if err := json.Unmarshal([]byte(body), &p); err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, rows.Err()
}

// Totals are the sizes of what is served to a ceiling.
type Totals struct {
	Actors, Tools, Indicators, LinkedProfiles int64
}

// Totals counts profiles and indicators.
func (s *Store) Totals(ctx context.Context, v View) (t Totals, err error) {
	cond, args := ceilingSQL("p", v.Ceiling)
	if err = s.read.QueryRowContext(ctx, "SELECT COALESCE(SUM(CASE WHEN p.kind = 0 THEN 1 ELSE 0 END), 0), COALESCE(SUM(p.kind), 0) FROM profile p WHERE "+cond, args...).Scan(&t.Actors, &t.Tools); err != nil {
		return t, err
	}
	cond, args = ceilingSQL("i", v.Ceiling)
	if err = s.read.QueryRowContext(ctx, "SELECT COUNT(*) FROM indicator i WHERE "+cond, args...).Scan(&t.Indicators); err != nil {
		return t, err
	}
	err = s.read.QueryRowContext(ctx, "SELECT COUNT(DISTINCT i.profile_id) FROM profile_indicator i WHERE "+cond, args...).Scan(&t.LinkedProfiles)
	return t, err
}

// search is the condition of $search: each term is a part of one of the texts
// or of a name claim; a restricted one, of the property that it names.
func (e *emitter) search(x odata.Search) (fragment, error) {
	switch x := x.(type) {
	case *odata.SearchTerm:
		field := ""
		if x.Path != nil {
			field = x.Path.Leaf().Name
		}
		hint, cond, err := e.textContains(field, x.Text)
		return sqlf("(", hint, cond, ")"), err
	case *odata.SearchAnd:
		return e.searchChain(x.Terms, " AND ")
	case *odata.SearchOr:
		return e.searchChain(x.Terms, " OR ")
	case *odata.SearchNot:
		defer e.mix()()
		cond, err := e.search(x.X)
		return sqlf("NOT (", cond, ")"), err
	}
	return no, fmt.Errorf("search node %T has no SQL", x)
}

func (e *emitter) searchChain(terms []odata.Search, op string) (fragment, error) {
	var all fragment
	for i, t := range terms {
		cond, err := e.search(t)
		if err != nil {
			return no, err
		}
		if i > 0 {
			all = sqlf(all, op)
		}
		all = sqlf(all, cond)
	}
	return sqlf("(", all, ")"), nil
}
