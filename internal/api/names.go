package api

import (
	"dossier/internal/ingest"
)

// names answers GET /api/names?name=: an [ingest.NameAnswer]. Every profile that
// the name may mean is in it, likeliest first, with who calls it so, who coined
// the name, since when, and the reason for its place; there are no claims where
// the profile was found by an id. A name that nobody has gives an empty list,
// with the names like it in "similar". The status is 200 either way.
func names(r *request) (*answer, error) {
	p, err := r.params()
	if err != nil {
		return nil, err
	}
	name, err := p.needed("name")
	if err != nil {
		return nil, err
	}
	out, err := ingest.Names(r.Context(), r.s.store, name, r.ceiling())
	if err != nil {
		return nil, err
	}
	return r.document(out)
}
