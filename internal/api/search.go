package api

import (
	"dossier/internal/intel"
	"dossier/internal/store"
)

// searchList is the body of /api/search?q=&kind=&limit=: profiles by name first,
// then by text. A value that looks like an indicator is /api/lookup's.
type searchList struct {
	Results []hit `json:"results"` // never absent
	More    bool  `json:"more,omitempty"`
}

// A hit is a profile that was found.
type hit struct {
	ID      string     `json:"id"`
	Kind    intel.Kind `json:"kind"`
	Title   string     `json:"title"`
	Match   string     `json:"match"` // what was found: id, title, alias, name, prefix, text
	Aliases []string   `json:"aliases"`
	Summary string     `json:"summary"`
}

func hitOf(h store.Hit) (hit, error) {
	p, err := h.Decode()
	if err != nil {
		return hit{}, err
	}
	return hit{h.ID, h.Kind, h.Title, h.Match, p.Aliases, p.Summary.Content}, nil
}

// How many profiles a search finds, by default and at most.
const (
	usualHits = 20
	maxHits   = 100
)

func search(r *request) (*answer, error) {
	p, err := r.params()
	if err != nil {
		return nil, err
	}
	text, err := p.needed("q")
	if err != nil {
		return nil, err
	}
	limit, err := p.limit(usualHits, maxHits)
	if err != nil {
		return nil, err
	}
	var kind intel.Kind
	if given := p.all("kind"); len(given) > 0 && given[0] != "" {
		if kind = intel.Kind(given[0]); !kind.HasProfile() {
			return nil, badRequest("Invalid value of kind: expected actor or tool, found '"+clip(given[0])+"'.", "kind")
		}
	}
	hits, more, err := r.s.store.Search(r.Context(), text, kind, limit, r.ceiling())
	if err != nil {
		return nil, err
	}
	if len(hits) > limit {
		hits, more = hits[:limit], true
	}
	out := searchList{Results: []hit{}, More: more}
	for _, h := range hits {
		v, err := hitOf(h)
		if err != nil {
			return nil, err
		}
		out.Results = append(out.Results, v)
	}
	return r.document(out)
}

// nameList is the body of /api/names?name=: every profile that a name may mean.
// More than one makes the name ambiguous; none is an empty list.
type nameList struct {
	Name     string     `json:"name"`
	Profiles []nameUser `json:"profiles"` // never absent
}

// A nameUser is a profile with the claims that give it the name: who calls it
// so, who coined the name, since when. There are none if the profile was found
// by an id.
type nameUser struct {
	hit
	Claims []intel.NameClaim `json:"claims"`
}

// maxNameUsers bounds how many profiles one name leads to.
const maxNameUsers = 50

func names(r *request) (*answer, error) {
	p, err := r.params()
	if err != nil {
		return nil, err
	}
	name, err := p.needed("name")
	if err != nil {
		return nil, err
	}
	hits, err := r.s.store.ProfilesByName(r.Context(), name, r.ceiling())
	if err != nil {
		return nil, err
	}
	out := nameList{Name: name, Profiles: []nameUser{}}
	key := intel.NameKey(name)
	for _, h := range hits[:min(len(hits), maxNameUsers)] {
		v, err := hitOf(h)
		if err != nil {
			return nil, err
		}
		d, err := r.s.store.Dossier(r.Context(), h.ID, r.ceiling())
		if err != nil {
			return nil, err
		}
		u := nameUser{hit: v, Claims: []intel.NameClaim{}}
		for _, c := range d.Names {
			if intel.NameKey(c.Value) == key {
				u.Claims = append(u.Claims, c)
			}
		}
		out.Profiles = append(out.Profiles, u)
	}
	return r.document(out)
}
