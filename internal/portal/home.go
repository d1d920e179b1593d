package portal

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"dossier/internal/intel"
	"dossier/internal/odata"
	"dossier/internal/store"
)

const (
	pageSize    = 50
	searchLimit = 100
)

type home struct {
	Query, Kind string
	Totals      store.Totals
	Rows        []row
	More        bool   // a search that found more than is shown
	Next        string // address of the next page
	First       string // address of the first page, on later ones
	Curl        string
	Sources     []source
	Kinds       []kindLink
}

type kindLink struct {
	Name, Link string
	On         bool
}

// A row is a profile in a list.
type row struct {
	*intel.Profile
	Since string // the year of first activity, "" if only the entry is dated
	Match string
}

func rowOf(p *store.Profile, match string) (row, error) {
	prof, err := p.Decode()
	r := row{Profile: prof, Match: match}
	if p.Basis.Rung() < intel.BasisCreated.Rung() {
		r.Since = prof.FirstActive.Std().Format("2006")
	}
	return r, err
}

// A source is a publisher with the age of its data.
type source struct {
	intel.Publisher
	Records  int
	Versions []string
	As       time.Time // release, or import where the data has no date
	Released bool
	Age      string
}

func (p *portal) home(r *http.Request) (*page, error) {
	ctx, v := r.Context(), p.view()
	in := r.URL.Query()
	h := &home{Query: strings.TrimSpace(in.Get("q")), Kind: in.Get("kind")}
	if !intel.Kind(h.Kind).HasProfile() {
		h.Kind = ""
	}
	var err error
	if h.Totals, err = p.Store.Totals(ctx, v); err != nil {
		return nil, err
	}
	if h.Sources, err = p.sources(r); err != nil {
		return nil, err
	}
	for _, k := range []struct{ kind, name string }{{"", "All"}, {"actor", "Actors"}, {"tool", "Tools"}} {
		h.Kinds = append(h.Kinds, kindLink{k.name, address(h.Query, k.kind, ""), k.kind == h.Kind})
	}
	if h.Query != "" {
		err = p.found(r, h)
	} else {
		err = p.listed(r, h, in.Get("after"))
	}
	title := "Dossier"
	if h.Query != "" {
		title = h.Query + " – Dossier"
	}
	return &page{Template: "home", Title: title, Query: h.Query, Data: h}, err
}

// address is the home page with a search, a kind and a place.
func address(query, kind, after string) string {
	q := url.Values{}
	for name, value := range map[string]string{"q": query, "kind": kind, "after": after} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if len(q) == 0 {
		return "/"
	}
	return "/?" + q.Encode()
}

func (p *portal) found(req *http.Request, h *home) error {
	hits, more, err := p.Store.Search(req.Context(), h.Query, intel.Kind(h.Kind), searchLimit, p.view())
	if err != nil {
		return err
	}
	h.More = more
	for _, hit := range hits {
		r, err := rowOf(hit.Profile, hit.Match)
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

func (p *portal) listed(req *http.Request, h *home, after string) error {
	params := []string{"$orderby=title", fmt.Sprintf("$top=%d", pageSize)}
	if h.Kind != "" {
		params = append(params, "$filter=kind eq '"+h.Kind+"'")
	}
	var raw []string
	for _, param := range params {
		raw = append(raw, strings.ReplaceAll(url.QueryEscape(param), "%3D", "="))
	}
	q, err := odata.ParseQuery(strings.Join(raw, "&"), store.Types.Profile, odata.Options{Allow: odata.AllowCollection})
	if err != nil {
		return err
	}
	q.SkipToken = after
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
		h.Next = address("", h.Kind, list.Next)
	}
	if after != "" {
		h.First = address("", h.Kind, "")
	}
	h.Curl = curl(p.base(req), "/intelProfiles", params...)
	return nil
}

// sources returns the publishers with records or indicators here, by rank.
func (p *portal) sources(r *http.Request) ([]source, error) {
	pubs, err := p.Store.Publishers(r.Context(), p.view())
	if err != nil {
		return nil, err
	}
	sets, err := p.Store.Datasets(r.Context(), p.view())
	if err != nil {
		return nil, err
	}
	var out []source
	for _, pub := range pubs {
		s := source{Publisher: pub}
		count := 0
		for _, set := range sets {
			if set.Publisher != pub.ID {
				continue
			}
			count++
			s.Records += set.Records
			if set.Version != "" && set.Name != "" {
				s.Versions = append(s.Versions, set.Name+" "+set.Version)
			}
			at, released := set.Released, true
			if at == 0 {
				at, released = set.Imported, false
			}
			if t := at.Std(); t.After(s.As) {
				s.As, s.Released = t, released
			}
		}
		if !s.As.IsZero() {
			s.Age = age(p.Now().Sub(s.As))
		}
		if len(s.Versions) > 2 || len(s.Versions) < count {
			s.Versions = nil // some of several would mislead
		}
		out = append(out, s)
	}
	return out, nil
}

// age says how old something is, in one unit.
func age(d time.Duration) string {
	days := int(d.Hours() / 24)
	unit := func(n int, name string) string {
		if n == 1 {
			return "1 " + name
		}
		return fmt.Sprintf("%d %ss", n, name)
	}
	switch {
	case d < 0:
		return "0 minutes"
	case d < 2*time.Hour:
		return unit(int(d.Minutes()), "minute")
	case days < 2:
		return unit(int(d.Hours()), "hour")
	case days < 60:
		return unit(days, "day")
	case days < 730:
		return unit(days/30, "month")
	}
	return unit(days/365, "year")
}
