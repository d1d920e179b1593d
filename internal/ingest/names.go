package ingest

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"dossier/internal/intel"
	"dossier/internal/resolve"
	"dossier/internal/store"
)

// A NameAnswer is what a name may mean.
type NameAnswer struct {
	Name string `json:"name"`
	// Weak says why the name by itself joins nothing: "temporary id", "short name" …
	Weak string `json:"weak,omitempty"`
	// LooksLike is the name with its look-alike letters replaced, where it mixes
	// scripts to look like another.
	LooksLike string        `json:"looksLike,omitempty"`
	Profiles  []NameProfile `json:"profiles"`          // likeliest first; more than one: the name is ambiguous
	Similar   []SimilarName `json:"similar,omitempty"` // nearest first; only where nothing has the name
}

// A NameProfile is a profile that a name may mean.
type NameProfile struct {
	ID      string            `json:"id"`
	Kind    intel.Kind        `json:"kind"`
	Title   string            `json:"title"`
	Match   string            `json:"match"` // how the name leads there: id, decided, title, alias, name
	Aliases []string          `json:"aliases"`
	Summary string            `json:"summary"`
	Reason  string            `json:"reason"` // of its place, in words
	Score   float64           `json:"score"`  // comparable within one answer only
	Claims  []intel.NameClaim `json:"claims"` // who calls it so, best first; never absent
}

// A SimilarName is a name that somebody has, and that is close to what was asked.
type SimilarName struct {
	Name    string `json:"name"` // as written
	Profile string `json:"profile"`
	Title   string `json:"title"`
	Why     string `json:"why"` // "written alike", "differs in a few letters" …
}

// Bounds of an answer.
const (
	MaxNameProfiles = 50
	maxSimilar      = 8
)

// Names returns what a name may mean to those who see what the view sees: each
// profile that the name, an issuer's id or a profile's id leads to, ranked as
// [resolve.Partition.Lookup] ranks them; for an unknown name, those like it.
func Names(ctx context.Context, s *store.Store, name string, v store.View) (*NameAnswer, error) {
	out := &NameAnswer{Name: name, Weak: resolve.Weakness(name), Profiles: []NameProfile{}}
	if like, ok := resolve.Confusable(name); ok {
		out.LooksLike = like
	}
	hits, err := s.ProfilesByName(ctx, name, v)
	if err != nil {
		return nil, err
	}
	publishers, err := s.PublisherTable(ctx)
	if err != nil {
		return nil, err
	}
	type ranked struct {
		NameProfile
		rank    int
		founder intel.Ref
	}
	var list []ranked
	for _, h := range hits[:min(len(hits), MaxNameProfiles)] {
		p, err := h.Decode()
		if err != nil {
			return nil, err
		}
		d, err := s.Dossier(ctx, h.ID, v)
		if errors.Is(err, intel.ErrNotFound) { // it was changed just now
			continue
		}
		if err != nil {
			return nil, err
		}
		r := ranked{NameProfile: NameProfile{ID: h.ID, Kind: h.Kind, Title: h.Title, Match: h.Match, Aliases: p.Aliases, Summary: p.Summary.Content, Claims: []intel.NameClaim{}}}
		if h.Match == "id" {
			r.Reason = "the id of the profile"
			if strings.ToLower(strings.TrimSpace(name)) != h.ID {
				r.Reason = "an id of a record of the profile, or a former one"
			}
		} else if claims, score, reason := resolve.Claimed(d, name, publishers); len(claims) > 0 {
			r.Claims, r.Score, r.Reason = claims, score, reason
		}
		if len(d.Records) > 0 {
			r.founder, r.rank = d.Records[0].Ref, publishers.Of(d.Records[0].Publisher).Rank
		}
		list = append(list, r)
	}
	slices.SortStableFunc(list, func(a, b ranked) int {
		return cmp.Or(-cmp.Compare(a.Score, b.Score), cmp.Compare(a.rank, b.rank),
			cmp.Compare(a.founder.Publisher, b.founder.Publisher), cmp.Compare(a.founder.Key, b.founder.Key), cmp.Compare(a.ID, b.ID))
	})
	for _, r := range list {
		out.Profiles = append(out.Profiles, r.NameProfile)
	}
	if len(list) > 0 {
		return out, nil
	}
	out.Similar, err = similar(ctx, s, name, out.LooksLike, v)
	return out, err
}

// similar returns the names that somebody has and that are close to one that
// nobody has.
func similar(ctx context.Context, s *store.Store, name, looksLike string, v store.View) ([]SimilarName, error) {
	key := intel.NameKey(name)
	if key == "" || intel.Placeholder(name) {
		return nil, nil
	}
	near, alike := resolve.Near(key), intel.NameKey(looksLike)
	found, err := s.NamesNear(ctx, maxSimilar, v, func(other string) (int, bool) {
		if alike != "" && other == alike {
			return 0, true
		}
		return near(other)
	})
	if err != nil {
		return nil, err
	}
	var out []SimilarName
	for _, f := range found {
		d, err := s.Dossier(ctx, f.Profile, v)
		if errors.Is(err, intel.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		x := SimilarName{Name: f.Key, Profile: f.Profile, Title: d.Profile.Title}
		if claims, _, _ := resolve.Claimed(d, f.Key, &intel.Publishers{}); len(claims) > 0 {
			x.Name = claims[0].Value
		} else if intel.NameKey(x.Title) == f.Key {
			x.Name = x.Title
		}
		switch f.Distance {
		case 0:
			x.Why = "has Latin letters where the name has others that look like them"
		case 3:
			x.Why = "one begins with the other"
		default:
			x.Why = "is written nearly the same"
		}
		out = append(out, x)
	}
	return out, nil
}
