package api

import (
	"net/url"
	"strconv"

	"dossier/internal/odata"
	"dossier/internal/store"
)

const indicatorsPath = "/intelligenceProfileIndicators"

// number is the answer of a path that ends in /$count.
func number(n int64) *answer {
	return &answer{contentType: "text/plain", body: strconv.AppendInt(nil, n, 10)}
}

func listIndicators(r *request) (*answer, error) {
	q, v, err := r.indicatorQuery(noSearchOptions)
	if err != nil {
		return nil, err
	}
	page, err := r.s.store.Indicators(r.Context(), q, v)
	if err != nil {
		return nil, err
	}
	at := func(i int) (*entity, error) { return r.indicator(page.Items[i], v) }
	return r.many(len(page.Items), at, indicatorsPath, indicatorsPath, q, page.Count, page.Next)
}

func countIndicators(r *request) (*answer, error) {
	q, v, err := r.indicatorQuery(noSearchCount)
	if err != nil {
		return nil, err
	}
	n, err := r.s.store.IndicatorCount(r.Context(), q, v)
	return number(n), err
}

func getIndicator(r *request) (*answer, error) {
	q, v, err := r.indicatorQuery(entityOptions)
	if err != nil {
		return nil, err
	}
	i, err := r.s.store.Indicator(r.Context(), r.ids[0], v)
	if err != nil {
		return nil, err
	}
	e, err := r.indicator(i, v)
	if err != nil {
		return nil, err
	}
	return r.one(e, indicatorsPath, q)
}

func listProfileIndicators(r *request) (*answer, error) {
	q, v, err := r.indicatorQuery(noSearchOptions)
	if err != nil {
		return nil, err
	}
	id, err := r.canonicalProfile(v, "/indicators")
	if err != nil {
		return nil, err
	}
	page, err := r.s.store.ProfileIndicators(r.Context(), id, q, v)
	if err != nil {
		return nil, err
	}
	at := func(i int) (*entity, error) { return r.indicator(page.Items[i], v) }
	return r.many(len(page.Items), at, ofProfile(id), profilesPath+"/"+url.PathEscape(id)+"/indicators", q, page.Count, page.Next)
}

func countProfileIndicators(r *request) (*answer, error) {
	q, v, err := r.indicatorQuery(noSearchCount)
	if err != nil {
		return nil, err
	}
	id, err := r.canonicalProfile(v, "/indicators/$count")
	if err != nil {
		return nil, err
	}
	n, err := r.s.store.ProfileIndicatorCount(r.Context(), id, q, v)
	a := number(n)
	a.header = r.header
	return a, err
}

func getProfileIndicator(r *request) (*answer, error) {
	q, v, err := r.indicatorQuery(entityOptions)
	if err != nil {
		return nil, err
	}
	id, err := r.canonicalProfile(v, "/indicators/"+url.PathEscape(r.ids[1]))
	if err != nil {
		return nil, err
	}
	i, err := r.s.store.ProfileIndicator(r.Context(), id, r.ids[1], v)
	if err != nil {
		return nil, err
	}
	e, err := r.indicator(i, v)
	if err != nil {
		return nil, err
	}
	return r.one(e, ofProfile(id), q)
}

// ofProfile is the path of a profile's indicators in contexts.
func ofProfile(id string) string { return keyed("intelProfiles", id) + "/indicators" }

// indicatorQuery parses the options of a request for indicators.
func (r *request) indicatorQuery(o odata.Options) (*odata.Query, store.View, error) {
	q, err := r.query(store.Types.Indicator, o)
	if err != nil {
		return nil, store.View{}, err
	}
	v, err := r.view(q)
	return q, v, err
}

// indicator makes an entity of an indicator. Its home is the collection of all
// indicators, wherever it was met.
func (r *request) indicator(i *store.Indicator, v store.View) (*entity, error) {
	e := &entity{body: appendIndicator(nil, i.Wire()), home: indicatorsPath + "/" + i.ID, digest: digestOfBody}
	return e, r.annotateIndicator(e, i, v)
}

// appendIndicator appends what encode writes of an indicator; most of the time of
// a page of indicators went there.
func appendIndicator(b []byte, w store.WireIndicator) []byte {
	if b == nil {
		b = make([]byte, 0, 384+2*len(w.Artifact.ID))
	}
	text := func(before, s string) { b = appendString(append(b, before...), s) }
	text(`{"@odata.type":`, w.ODataType)
	text(`,"id":`, w.ID)
	text(`,"source":`, w.Source)
	text(`,"firstSeenDateTime":`, w.FirstSeen)
	if w.LastSeen == nil {
		b = append(b, `,"lastSeenDateTime":null`...)
	} else {
		text(`,"lastSeenDateTime":`, *w.LastSeen)
	}
	text(`,"artifact":{"@odata.type":`, w.Artifact.ODataType)
	text(`,"id":`, w.Artifact.ID)
	if w.Artifact.Kind != "" {
		text(`,"kind":`, w.Artifact.Kind)
	}
	if w.Artifact.Value != "" {
		text(`,"value":`, w.Artifact.Value)
	}
	return append(b, "}}"...)
}
