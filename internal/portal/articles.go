package portal

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"dossier/internal/intel"
	"dossier/internal/observable"
	"dossier/internal/odata"
	"dossier/internal/store"
)

// How many articles of a profile, and of one of its indicators, are named.
const (
	articlesShown    = 12
	articlesListed   = 200
	articlesOfAValue = 2
)

func articleAddress(id string) string { return "/articles/" + url.PathEscape(id) }

// An articleRow is an article in a list.
type articleRow struct {
	Title, Link, Source, Date, Summary string
}

func articleRows(titles []store.ArticleTitle) (out []articleRow) {
	for _, t := range titles {
		out = append(out, articleRow{Title: t.Title, Link: articleAddress(t.ID), Source: intel.PublisherOf(t.Publisher).Title, Date: t.Created.Day()})
	}
	return out
}

// An articleList is what the page of all articles shows.
type articleList struct {
	Query       string
	Count       int64
	Rows        []articleRow
	First, Next string
	Curl        string
}

// articles lists the articles, latest first; q chooses those with its words.
func (p *portal) articles(r *http.Request) (*page, error) {
	in := r.URL.Query()
	view := &articleList{Query: strings.TrimSpace(in.Get("q"))}
	params := []string{"$orderby=createdDateTime desc", "$top=50"}
	if view.Query != "" {
		params = append(params, `$search="`+strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(view.Query)+`"`)
	}
	q, err := odata.ParseQuery(rawQuery(params), store.Types.Article, odata.Options{Allow: odata.AllowCollection})
	if err != nil {
		return nil, err
	}
	if view.Count, err = p.Store.ArticleCount(r.Context(), q, p.view()); err != nil {
		return nil, err
	}
	q.SkipToken = in.Get("after")
	list, err := p.Store.Articles(r.Context(), q, p.view())
	if err != nil {
		return nil, err
	}
	for _, a := range list.Items {
		row := articleRows([]store.ArticleTitle{{ID: a.ID, Title: a.Title, Publisher: a.Publisher, Created: a.Created}})[0]
		var w intel.WireArticle
		if err := json.Unmarshal(a.Body, &w); err != nil {
			return nil, err
		}
		row.Summary = w.Summary.Content
		view.Rows = append(view.Rows, row)
	}
	here := url.Values{}
	if view.Query != "" {
		here.Set("q", view.Query)
	}
	if q.SkipToken != "" {
		view.First = "/articles?" + here.Encode()
	}
	if list.Next != "" {
		here.Set("after", list.Next)
		view.Next = "/articles?" + here.Encode()
	}
	view.Curl = curl(p.base(r), "/articles", params...)
	return &page{Template: "articles", Title: "Articles – Dossier", Data: view}, nil
}

// rawQuery writes options as they stand in an address.
func rawQuery(params []string) string {
	var raw []string
	for _, param := range params {
		raw = append(raw, strings.ReplaceAll(url.QueryEscape(param), "%3D", "="))
	}
	return strings.Join(raw, "&")
}

// An articleView is what the page of an article shows.
type articleView struct {
	intel.WireArticle
	Tags        short[string]
	Source      string
	SourceLink  string
	Credit      string
	Document    string // address of the document itself
	Marking     string // "" for what is clear
	Text        []part
	Profiles    []linkRow
	Indicators  []indicatorRow
	Count       int64
	First, Next string
	Curl        string
	CurlList    string
}

func (p *portal) article(r *http.Request) (*page, error) {
	ctx, v := r.Context(), p.view()
	a, err := p.Store.Article(ctx, r.PathValue("id"), v)
	if err != nil {
		return nil, err
	}
	pub := intel.PublisherOf(a.Publisher)
	view := &articleView{Source: pub.Title, SourceLink: webLink(pub.URL), Credit: pub.Credit, Document: webLink(a.Reference)}
	if a.TLP != intel.Clear {
		view.Marking = "TLP:" + strings.ToUpper(a.TLP.String())
	}
	if err := json.Unmarshal(a.Body, &view.WireArticle); err != nil {
		return nil, err
	}
	view.Tags = shorten(view.WireArticle.Tags, chipsShown)
	if view.Text, err = parts(strings.TrimPrefix(view.Body.Content, "#### Description\r\n"), tradecraftShown); err != nil {
		return nil, err
	}
	profiles, err := p.Store.ArticleProfiles(ctx, a.ID, v)
	if err != nil {
		return nil, err
	}
	for _, t := range profiles {
		view.Profiles = append(view.Profiles, linkRow{Title: t.Title, Link: address(t.ID), Note: string(t.Kind)})
	}
	if err := p.articleIndicators(ctx, view, r.URL.Query().Get("after")); err != nil {
		return nil, err
	}
	view.Curl = curl(p.base(r), "/articles/"+a.ID)
	view.CurlList = curl(p.base(r), "/articles/"+a.ID+"/indicators", "$count=true")
	return &page{Template: "article", Title: brief(80, a.Title) + " – Dossier", Data: view}, nil
}

// articleIndicators adds a page of the values that an article lists.
func (p *portal) articleIndicators(ctx context.Context, view *articleView, after string) error {
	q, err := odata.ParseQuery("$top=50", store.Types.ArticleIndicator, odata.Options{Allow: odata.AllowCollection})
	if err != nil {
		return err
	}
	if view.Count, err = p.Store.ArticleIndicatorCount(ctx, view.ID, q, p.view()); err != nil {
		return err
	}
	q.SkipToken = after
	list, err := p.Store.ArticleIndicators(ctx, view.ID, q, p.view())
	if err != nil {
		return err
	}
	for _, i := range list.Items {
		view.Indicators = append(view.Indicators, indicatorRow{
			Kind: string(i.Observable.Kind), Shown: observable.Defang(i.Observable), First: i.FirstSeen.Day(), Last: i.LastSeen.Day(),
			Heard: i.Basis.Rung() >= intel.BasisFile.Rung(),
		})
	}
	here := articleAddress(view.ID)
	if list.Next != "" {
		view.Next = here + "?after=" + url.QueryEscape(list.Next) + "#indicators"
	}
	if after != "" {
		view.First = here + "#indicators"
	}
	return nil
}
