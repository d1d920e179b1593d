package portal

import (
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"dossier/internal/intel"
	"dossier/internal/observable"
	"dossier/internal/odata"
	"dossier/internal/store"
)

type profileView struct {
	*intel.Dossier
	Names       []nameRow
	Bodies      []bodyRow
	Description template.HTML
	Tradecraft  template.HTML
	Indicators  []indicatorRow
	Count       int64
	Next        string
	Curl        string
	CurlList    string
	JSON        string
}

// A nameRow is one name with all who use it.
type nameRow struct {
	Value    string
	CoinedBy []string
	Sources  []string
	Relation string
	Alias    bool
	Last     intel.Time // last asserted
}

type indicatorRow struct {
	ID, Kind, Shown string
	First, Last     string
}

func (p *portal) profile(r *http.Request) (*page, error) {
	ctx, v := r.Context(), p.view()
	d, err := p.Store.Dossier(ctx, r.PathValue("id"), v)
	if err != nil {
		return nil, err
	}
	id := d.Profile.ID
	if id != r.PathValue("id") {
		return nil, &movedError{id}
	}
	view := &profileView{Dossier: d, Names: nameRows(d), Bodies: bodyRows(d), Count: -1}
	if view.Description, err = markdown(d.Profile.Description.Content); err != nil {
		return nil, err
	}
	if d.Profile.Tradecraft != nil {
		if view.Tradecraft, err = markdown(d.Profile.Tradecraft.Content); err != nil {
			return nil, err
		}
	}
	q, err := odata.ParseQuery("$orderby=firstSeenDateTime desc&$top=50&$count=true", store.Types.Indicator, odata.Options{Allow: odata.AllowCollection})
	if err != nil {
		return nil, err
	}
	if view.Count, err = p.Store.ProfileIndicatorCount(ctx, id, q, v); err != nil {
		return nil, err
	}
	q.SkipToken = r.URL.Query().Get("after")
	list, err := p.Store.ProfileIndicators(ctx, id, q, v)
	if err != nil {
		return nil, err
	}
	for _, i := range list.Items {
		view.Indicators = append(view.Indicators, indicatorRow{
			ID: i.ID, Kind: string(i.Observable.Kind), Shown: observable.Defang(i.Observable), First: i.FirstSeen.Day(), Last: i.LastSeen.Day(),
		})
	}
	if list.Next != "" {
		view.Next = "/profiles/" + id + "?after=" + url.QueryEscape(list.Next) + "#indicators"
	}
	view.Curl = curl(p.base(r), "/intelProfiles/"+id)
	view.CurlList = curl(p.base(r), "/intelProfiles/"+id+"/indicators", "$count=true", "$orderby=firstSeenDateTime desc")
	return &page{Template: "profile", Title: d.Profile.Title + " – Dossier", Data: view}, nil
}

func nameRows(d *intel.Dossier) []nameRow {
	var rows []nameRow
	at := map[string]int{}
	for _, n := range d.Names {
		k := intel.NameKey(n.Value) + "\x00" + string(n.Relation)
		i, ok := at[k]
		if !ok {
			i = len(rows)
			at[k] = i
			rows = append(rows, nameRow{Value: n.Value})
			if n.Relation != intel.Same {
				rows[i].Relation = strings.ReplaceAll(string(n.Relation), "-", " ")
			}
		}
		rows[i].Alias = rows[i].Alias || n.Alias
		rows[i].Last = max(rows[i].Last, n.Last)
		rows[i].CoinedBy = appendNew(rows[i].CoinedBy, n.CoinedBy)
		rows[i].Sources = appendNew(rows[i].Sources, intel.PublisherOf(n.From.Publisher).Title)
	}
	return rows
}

// A bodyRow is a state body or employer with all who tie the actor to it.
type bodyRow struct {
	Body    string
	Sources []string
}

func bodyRows(d *intel.Dossier) []bodyRow {
	var rows []bodyRow
	at := map[string]int{}
	for _, a := range d.Affiliations {
		k := strings.ReplaceAll(intel.NameKey(a.Value.Body), "militaryunit", "unit")
		i, ok := at[k]
		if !ok {
			i = len(rows)
			at[k] = i
			rows = append(rows, bodyRow{Body: a.Value.Body})
		}
		rows[i].Sources = appendNew(rows[i].Sources, intel.PublisherOf(a.From.Publisher).Title)
	}
	return rows
}

func appendNew(list []string, s string) []string {
	if s == "" {
		return list
	}
	for _, have := range list {
		if have == s {
			return list
		}
	}
	return append(list, s)
}
