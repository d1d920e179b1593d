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
