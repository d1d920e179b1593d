package api

import (
	"dossier/internal/ingest"
)

// Limits of /api/changes.
const (
	usualChanges = 100
	maxChanges   = 1000
)

// changes answers GET /api/changes: an [ingest.Report].
func changes(r *request) (*answer, error) {
	p, err := r.params()
	if err != nil {
		return nil, err
	}
	text, err := p.needed("since")
	if err != nil {
		return nil, err
	}
	since, err := ingest.ParseSince(text, r.s.now())
	if err != nil {
		return nil, badRequest("Invalid value of since: "+clip(err.Error())+".", "since")
	}
	limit, err := p.limit(usualChanges, maxChanges)
	if err != nil {
		return nil, err
	}
	id := ""
	if ids := p.all("profile"); len(ids) > 0 {
		id = ids[0]
	}
	report, err := ingest.ReportChanges(r.Context(), r.s.store, id, since, limit, r.ceiling())
	if err != nil {
		return nil, err
	}
	return r.document(report)
}
