package portal

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"dossier/internal/ingest"
	"dossier/internal/intel"
	"dossier/internal/odata"
	"dossier/internal/store"
)

const (
	pageSize    = 50
	searchLimit = 100
)

// sourcesShown is how many sources are in sight before the rest unfolds.
const sourcesShown = 8

type home struct {
	place
	Start   bool // nothing was asked yet
	Totals  store.Totals
	Rows    []row
	More    bool   // a search that found more than is shown
	Next    string // address of the next page
	First   string // address of the first page, on later ones
	Curl    string
	Sources short[source]
	Credits []string
	Kinds   []choice
	Letters []choice
	News    []profileChange // profiles that came or changed lately
	Newest  []store.ProfileCount
	Feeds   []feedRow
}

// A feedRow is how a configured source is.
type feedRow struct {
	Name, State, Next string
	Failed            bool
}

// Limits of what the first page tells of.
const (
	newsSince   = 7 * 24 * time.Hour
	newsShown   = 8
	newestSince = 365 * 24 * time.Hour
)

// lately adds what is new, who is active, and how the feeds are.
func (p *portal) lately(ctx context.Context, h *home) error {
	report, err := ingest.ReportChanges(ctx, p.Store, "", intel.TimeOf(p.Now().Add(-newsSince)), newsShown, p.view())
	if err != nil {
		return err
	}
	for _, c := range report.Profiles {
		h.News = append(h.News, profileChange{c, fieldChanges(c.Fields)})
	}
	if h.Newest, err = p.Store.Newest(ctx, intel.TimeOf(p.Now().Add(-newestSince)), newsShown, p.view()); err != nil {
		return err
	}
	feeds, err := p.Store.Feeds(ctx)
	if err != nil {
		return err
	}
	for _, f := range feeds {
		row := feedRow{Name: f.Name, State: "not read yet", Failed: f.Failures > 0}
		runs, err := p.Store.Runs(ctx, f.Name, 1)
		if err != nil {
			return err
		}
		switch {
		case f.Run != "":
			row.State = "being read"
		case len(runs) > 0 && f.Failures > 0:
			row.State = fmt.Sprintf("failed %d times: %s", f.Failures, brief(120, runs[0].Error))
		case len(runs) > 0:
			row.State = "read " + age(p.Now().Sub(runs[0].Finished.Std())) + " ago"
		}
		h.Feeds = append(h.Feeds, row)
	}
	return nil
}

// A place is what the address of the home page says. Search and letter exclude
// each other.
type place struct {
	Query string
	Kind  string // actor, tool; "" is both
	From  string // capital letter at which the list starts
	After string // token of a later page
}

// String returns the address.
func (p place) String() string {
	q := url.Values{}
	for name, value := range map[string]string{"q": p.Query, "kind": p.Kind, "from": p.From, "after": p.After} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if len(q) == 0 {
		return "/"
	}
	return "/?" + q.Encode()
}

// A choice is one of several lists.
type choice struct {
	Name, Link string
	Count      int64
	On         bool
}

// A row is a profile in a list.
type row struct {
	*intel.Profile
	Since string   // the year of first activity, "" if only the entry is dated
	Match string   // the alias that was looked for
	Also  []string // other aliases
	Text  snippet  // where the words stand
}

func rowOf(p *store.Profile, query string) (row, error) {
	prof, err := p.Decode()
	if err != nil {
		return row{}, err
	}
	r := row{Profile: prof}
	key := intel.NameKey(query)
	for _, a := range prof.Aliases {
		if key != "" && r.Match == "" && intel.NameKey(a) == key {
			r.Match = a
			continue
		}
		r.Also = append(r.Also, a)
	}
	switch {
	case query == "":
	case r.Match != "" || intel.NameKey(prof.Title) == key:
		r.Text = snippet{Before: brief(2*around, prof.Summary.Content)} // the name is why it was found
	default:
		r.Text = passage(prof, query)
	}
	if p.Basis.Rung() < intel.BasisCreated.Rung() {
		r.Since = prof.FirstActive.Std().Format("2006")
	}
	return r, err
}

func (p *portal) home(r *http.Request) (*page, error) {
	ctx, v := r.Context(), p.view()
	in := r.URL.Query()
	h := &home{place: place{Query: strings.TrimSpace(in.Get("q")), Kind: in.Get("kind"), From: in.Get("from"), After: in.Get("after")}}
	if at := placeFor(h.Query); at != "" {
		return nil, &foundError{at}
	}
	if !intel.Kind(h.Kind).HasProfile() {
		h.Kind = ""
	}
	if h.Query != "" || len(h.From) != 1 || h.From < "A" || h.From > "Z" {
		h.From = ""
	}
	h.Start = h.place == place{}
	var err error
	var sources []source
	if h.Totals, sources, err = p.contents(ctx, v); err != nil {
		return nil, err
	}
	for i := range sources {
		if s := &sources[i]; !s.As.IsZero() {
			s.Age = age(p.Now().Sub(s.As))
		}
		h.Credits = appendNew(h.Credits, sources[i].Credit)
	}
	h.Sources = shorten(sources, sourcesShown)
	for _, k := range []struct {
		kind, name string
		count      int64
	}{{"", "All", h.Totals.Actors + h.Totals.Tools}, {"actor", "Actors", h.Totals.Actors}, {"tool", "Tools", h.Totals.Tools}} {
		h.Kinds = append(h.Kinds, choice{k.name, place{Query: h.Query, Kind: k.kind, From: h.From}.String(), k.count, k.kind == h.Kind})
	}
	for c := 'A'; c <= 'Z'; c++ {
		h.Letters = append(h.Letters, choice{Name: string(c), Link: place{Kind: h.Kind, From: string(c)}.String(), On: h.From == string(c)})
	}
	if h.Start {
		if err := p.lately(ctx, h); err != nil {
			return nil, err
		}
	}
	title := "Dossier"
	if h.Query != "" {
		title = brief(80, h.Query) + " – Dossier"
		err = p.found(r, h)
	} else {
		err = p.listed(r, h)
	}
	follow := url.Values{}
	if h.Kind != "" {
		follow.Set("filter", "kind eq '"+h.Kind+"'")
	}
	return &page{Template: "home", Title: title, Query: h.Query, Data: h, Feeds: feedsOf("What changes", follow)}, err
}

// placeFor returns the page for what was typed into the search, if it is no words
// and no name: that of a value, or of several.
func placeFor(query string) string {
	if query == "" || len(query) > maxAddress {
		return ""
	}
	found, more, whole := values(query)
	switch {
	case len(found) == 1 && whole && !more:
		return valueLink(found[0])
	case len(found) > 1, len(found) == 1 && !whole:
		return "/lookup?" + url.Values{"q": {query}}.Encode()
	}
	return ""
}

// maxAddress bounds what is carried on in an address.
const maxAddress = 100_000

func (p *portal) found(req *http.Request, h *home) error {
	hits, more, err := p.Store.Search(req.Context(), h.Query, intel.Kind(h.Kind), searchLimit, p.view())
	if err != nil {
		return err
	}
	h.More = more
	for _, hit := range hits {
		r, err := rowOf(hit.Profile, h.Query)
		if err != nil {
			return err
		}
		h.Rows = append(h.Rows, r)
	}
	params := []string{"$search=\"" + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(h.Query) + "\""}
	if h.Kind != "" {
		params = append(params, "$filter=kind eq '"+h.Kind+"'")
	}
	h.Curl = curl(p.base(req), "/intelProfiles", params...)
	return nil
}

func (p *portal) listed(req *http.Request, h *home) error {
	params := []string{"$orderby=title", fmt.Sprintf("$top=%d", pageSize)}
	var filter []string
	if h.Kind != "" {
		filter = append(filter, "kind eq '"+h.Kind+"'")
	}
	if h.From != "" {
		filter = append(filter, "title ge '"+h.From+"'")
	}
	if len(filter) > 0 {
		params = append(params, "$filter="+strings.Join(filter, " and "))
	}
	q, err := odata.ParseQuery(rawQuery(params), store.Types.Profile, odata.Options{Allow: odata.AllowCollection})
	if err != nil {
		return err
	}
	q.SkipToken = h.After
	list, err := p.Store.Profiles(req.Context(), q, p.view())
	if err != nil {
		return err
	}
	for _, item := range list.Items {
		r, err := rowOf(item, "")
		if err != nil {
			return err
		}
		h.Rows = append(h.Rows, r)
	}
	if list.Next != "" {
		h.Next = place{Kind: h.Kind, From: h.From, After: list.Next}.String()
	}
	if h.After != "" || h.From != "" {
		h.First = place{Kind: h.Kind}.String()
	}
	h.Curl = curl(p.base(req), "/intelProfiles", params...)
	return nil
}
