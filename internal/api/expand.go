package api

import (
	"bytes"
	"net/url"
	"strconv"

	"dossier/internal/odata"
	"dossier/internal/store"
)

// maxExpanded bounds how many indicators one answer with $expand can hold: the
// page of profiles is cut so that it cannot be exceeded. An indicator takes
// about 400 bytes.
const maxExpanded = 20_000

// boundExpand makes the page small enough for what is expanded. The nextLink
// carries the size in effect.
func boundExpand(q *odata.Query) {
	if x := q.Expanded("indicators"); x != nil {
		q.Top = min(q.Top, max(1, maxExpanded/x.Query.Top))
	}
}

// expandIndicators returns the members that $expand=indicators adds to a
// profile: the number if it was asked for, the link to further ones, and the
// first page.
func (r *request) expandIndicators(profileID string, q, outer *odata.Query, v store.View) ([]member, error) {
	page, err := r.s.store.ProfileIndicators(r.Context(), profileID, q, v)
	if err != nil {
		return nil, err
	}
	return r.expanded(page, profilesPath+"/"+profileID+"/indicators", q, outer, func(i *store.Indicator) (*entity, error) { return r.indicator(i, v) })
}

// expanded returns the members for a page of indicators; path is that of
// the collection.
func (r *request) expanded(page *store.Page[*store.Indicator], path string, q, outer *odata.Query, entityOf func(*store.Indicator) (*entity, error)) ([]member, error) {
	var extra []member
	if page.Count >= 0 {
		extra = append(extra, member{"indicators@odata.count", strconv.AppendInt(nil, page.Count, 10)})
	}
	if page.Next != "" {
		link := q.NextLink(r.url(path), page.Next)
		if mode, ok := outer.Param("view"); ok {
			link += "&view=" + url.QueryEscape(mode)
		}
		extra = append(extra, member{"indicators@odata.nextLink", quoted(link)})
	}
	var b bytes.Buffer
	b.WriteByte('[')
	for n, i := range page.Items {
		if n > 0 {
			b.WriteByte(',')
		}
		e, err := entityOf(i)
		if err != nil {
			return nil, err
		}
		if err := r.render(&b, e, q, ""); err != nil {
			return nil, err
		}
	}
	b.WriteByte(']')
	return append(extra, member{"indicators", b.Bytes()}), nil
}
