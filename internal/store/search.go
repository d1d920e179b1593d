package store

import (
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
	Match string // what was found: "title", "alias", "name", "id", "text"
	Names []string
}

// ranks of matches, best first.
var matchRank = map[string]int{"id": 0, "title": 1, "alias": 2, "name": 3, "prefix": 4, "text": 5}

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
		var alias bool
		p, err := scanProfile(rows, &alias)
		if err != nil {
			return nil, err
		}
		h := Hit{Profile: p, Match: "name"}
		switch {
		case intel.NameKey(p.Title) == key:
			h.Match = "title"
		case alias:
			h.Match = "alias"
		}
		out = append(out, h)
	}
	slices.SortStableFunc(out, func(a, b Hit) int { return matchRank[a.Match] - matchRank[b.Match] })
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
	for _, w := range words {
		found, err := s.textContains(ctx, "", w, v.Ceiling)
		if err != nil {
			return nil, false, err
		}
		cond += " AND " + found.sql
		args = append(args, found.args...)
	}
	prefix := likeEscaper.Replace(Fold(text)) + "%"
	rows, err := s.read.QueryContext(ctx, "SELECT "+profileColumns+` FROM profile p WHERE `+cond+`
		ORDER BY CASE WHEN p.title_fold LIKE ? ESCAPE '\' THEN 0 WHEN p.title_fold LIKE ? ESCAPE '\' THEN 1 ELSE 2 END, p.kind, p.title_fold, p.id LIMIT ?`,
		append(args, prefix, "%"+prefix, limit+len(seen)+1)...)
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

var likeEscaper = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// textContains is the condition that a field of a profile's texts, or any of
// them if field is empty, contains s, ignoring case. profiles is the alias p.
func (s *Store) textContains(ctx context.Context, field, text string, c intel.TLP) (fragment, error) {
	text = Fold(text)
	e := s.emitter(ctx, profileSet, "p", View{Ceiling: c})
	hint, err := e.grams(e.root, text)
	if err != nil {
		return hint, err
	}
	on := fragment{sql: "t.profile_id = p.id AND t.tlp_lo = p.tlp_lo"}
	if field != "" {
		on = sqlf(on, fragment{" AND t.field = ?", []any{field}})
	}
	found := e.dialect.contains(fragment{sql: "t.text"}, fragment{"?", []any{text}})
	return sqlf("(", hint, "EXISTS (SELECT 1 FROM profile_text t WHERE ", on, " AND ", found, "))"), nil
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

// searchSQL is the condition of $search: each term is a part of one of the
// texts or of a name claim; a restricted one, of the property that it names.
func (s *Store) searchSQL(ctx context.Context, x odata.Search, c intel.TLP) (fragment, error) {
	switch x := x.(type) {
	case *odata.SearchTerm:
		field := ""
		if x.Path != nil {
			field = x.Path.Leaf().Name
		}
		return s.textContains(ctx, field, x.Text, c)
	case *odata.SearchAnd:
		return s.searchChain(ctx, x.Terms, " AND ", c)
	case *odata.SearchOr:
		return s.searchChain(ctx, x.Terms, " OR ", c)
	case *odata.SearchNot:
		cond, err := s.searchSQL(ctx, x.X, c)
		return sqlf("NOT (", cond, ")"), err
	}
	return no, fmt.Errorf("search node %T has no SQL", x)
}

func (s *Store) searchChain(ctx context.Context, terms []odata.Search, op string, c intel.TLP) (fragment, error) {
	var all fragment
	for i, t := range terms {
		cond, err := s.searchSQL(ctx, t, c)
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
