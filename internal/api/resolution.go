package api

import (
	"dossier/internal/intel"
	"dossier/internal/profile"
)

// A resolution is the body of /api/profiles/{id}/resolution: why the profile is
// made of these records and of no others.
type resolution struct {
	ID         string            `json:"id"`
	Kind       intel.Kind        `json:"kind"`
	Title      string            `json:"title"`
	Records    []intel.RecordUse `json:"records"`    // in order of precedence, each with its rule and evidence; never absent
	NearMisses []intel.NearMiss  `json:"nearMisses"` // likeliest first; never absent
}

// profileResolution answers GET /api/profiles/{id}/resolution. Any id that leads
// to the profile will do.
func profileResolution(r *request) (*answer, error) {
	d, err := r.dossierOf("/resolution")
	if err != nil {
		return nil, err
	}
	p := &d.Profile
	return r.document(resolution{p.ID, p.Kind, p.Title, orEmpty(d.Records), orEmpty(d.NearMisses)})
}

// fieldList is the body of /api/profiles/{id}/claims: for each field, which source
// says what, and which rule chose the served value.
type fieldList struct {
	ID     string                `json:"id"`
	Kind   intel.Kind            `json:"kind"`
	Title  string                `json:"title"`
	Fields []profile.FieldClaims `json:"fields"`
}

// profileClaims answers GET /api/profiles/{id}/claims. Any id that leads to the
// profile will do.
func profileClaims(r *request) (*answer, error) {
	d, err := r.dossierOf("/claims")
	if err != nil {
		return nil, err
	}
	p := &d.Profile
	return r.document(fieldList{p.ID, p.Kind, p.Title, profile.Claims(d)})
}

// dossierOf returns the dossier that the path names; if by another id than its
// own, the answer says where it is.
func (r *request) dossierOf(below string) (*intel.Dossier, error) {
	d, err := r.s.store.Dossier(r.Context(), r.ids[0], r.ceiling())
	if err == nil && d.Profile.ID != r.ids[0] {
		r.header.Set("Content-Location", r.s.publicURL(r.Request)+"/api/profiles/"+d.Profile.ID+below)
	}
	return d, err
}
