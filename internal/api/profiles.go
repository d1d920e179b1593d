package api

import (
	"dossier/internal/odata"
	"dossier/internal/store"
)

const profilesPath = "/intelProfiles"

// The options of the kinds of resources. What is not allowed and not ignored is
// an error.
var (
	entityOptions   = odata.Options{Allow: odata.AllowEntity}
	countOptions    = odata.Options{Allow: odata.AllowNumber, Ignore: odata.AllowAll}
	profileOptions  = odata.Options{Allow: odata.AllowCollection}
	noSearchOptions = odata.Options{Allow: odata.AllowCollection &^ odata.AllowSearch}
	noSearchCount   = odata.Options{Allow: odata.AllowFilter, Ignore: odata.AllowAll &^ odata.AllowSearch}
)

func listProfiles(r *request) (*answer, error) {
	q, err := r.query(store.Types.Profile, profileOptions)
	if err != nil {
		return nil, err
	}
	v, err := r.view(q)
	if err != nil {
		return nil, err
	}
	boundExpand(q)
	page, err := r.s.store.Profiles(r.Context(), q, v)
	if err != nil {
		return nil, err
	}
	at := func(i int) (*entity, error) { return r.profile(page.Items[i], q, v) }
	return r.many(len(page.Items), at, profilesPath, profilesPath, q, page.Count, page.Next)
}

func countProfiles(r *request) (*answer, error) {
	q, err := r.query(store.Types.Profile, countOptions)
	if err != nil {
		return nil, err
	}
	v, err := r.view(q)
	if err != nil {
		return nil, err
	}
	n, err := r.s.store.ProfileCount(r.Context(), q, v)
	return number(n), err
}

// getProfile also answers ids that lead to the profile without being its own;
// then Content-Location tells the canonical one.
func getProfile(r *request) (*answer, error) {
	q, err := r.query(store.Types.Profile, entityOptions)
	if err != nil {
		return nil, err
	}
	v, err := r.view(q)
	if err != nil {
		return nil, err
	}
	p, err := r.s.store.Profile(r.Context(), r.ids[0], v)
	if err != nil {
		return nil, err
	}
	if p.ID != r.ids[0] {
		r.header.Set("Content-Location", r.url(profilesPath+"/"+p.ID))
	}
	e, err := r.profile(p, q, v)
	if err != nil {
		return nil, err
	}
	return r.one(e, profilesPath, q)
}

// profile makes an entity of a profile, with what the query expands.
func (r *request) profile(p *store.Profile, q *odata.Query, v store.View) (*entity, error) {
	e := &entity{body: p.Body, home: profilesPath + "/" + p.ID, digest: p.ETag}
	if x := q.Expanded("indicators"); x != nil {
		extra, err := r.expandIndicators(p.ID, x.Query, q, v)
		if err != nil {
			return nil, err
		}
		e.extra = extra
	}
	return e, r.annotateProfile(e, p.ID, v)
}

// canonicalProfile returns the id of the profile that the path names. If it is
// another, Content-Location tells the path with it; rest is what follows.
func (r *request) canonicalProfile(v store.View, rest string) (string, error) {
	id, err := r.s.store.CanonicalID(r.Context(), r.ids[0], v)
	if err != nil {
		return "", err
	}
	if id != r.ids[0] {
		r.header.Set("Content-Location", r.url(profilesPath+"/"+id+rest))
	}
	return id, nil
}
