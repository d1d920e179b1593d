package portal

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"dossier/internal/intel"
	"dossier/internal/observable"
	"dossier/internal/odata"
	"dossier/internal/profile"
	"dossier/internal/store"
)

// How much of a list is in sight before the rest unfolds, and how much of a
// text, in bytes of HTML.
const (
	chipsShown      = 14
	targetsShown    = 10
	techniquesShown = 6 // of a tactic
	linksShown      = 36
	namesShown      = 12
	referencesShown = 12
	textShown       = 4 << 10
	tradecraftShown = 9 << 10
)

// A profileView is what the page of a profile shows.
type profileView struct {
	*intel.Dossier
	Aliases     short[string]
	Origins     []claimRow
	Bodies      []claimRow
	Sectors     short[string]
	Countries   short[string]
	Motives     []claimRow
	ToolTypes   []claimRow
	IDs         []linkRow
	Description []part
	Tradecraft  []part
	Tactics     []tacticRow
	Techniques  int  // different ones
	MatrixOpen  bool // the text does not show them all at once
	Campaigns   []intel.CampaignUse
	Tools       short[linkRow]
	Users       short[linkRow]
	SeenIn      []linkRow // campaigns with a tool
	Related     []linkRow
	Names       short[nameRow]
	References  short[referenceRow]
	Articles    short[articleRow]
	Patterns    []patternRow
	MorePats    int // patterns that are not shown
	Records     []recordRow
	Credits     []string

	Met       *store.SightingTotal // in the owner's own data; nil: never
	Sightings []sightingRow        // the latest
	Timeline  *timeline            // nil: too little is dated
	Fields    []profile.FieldClaims
	Changes   changesView
	JSON      string

	Indicators []indicatorRow
	Choices    []choice // which of them are listed
	Narrowed   bool     // not all are
	Download   string   // beginning of the address of exports
	Count      int64
	First      string // address of the first page of indicators, on later ones
	Next       string // of the next page
	Curl       string
	CurlList   string
}

// A patternRow is what a source says to look for that is no plain value.
type patternRow struct{ Name, Type, Source, Reason, Text, Date string }

// patternsShown is how many patterns the page of a profile has.
const patternsShown = 20

type indicatorRow struct {
	Kind, Shown string
	Link        string
	Confidence  int
	Active      bool
	First, Last string
	Heard       bool // First is the date of a file or an import, not of a sighting
	Met         string
	Sources     []string
	Articles    []articleRow // that list it, the latest
}

// A sightingRow is a sighting on a page.
type sightingRow struct {
	*store.Sighting
	Shown string
}

// sightingsShown is how many sightings a page has.
const sightingsShown = 10

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
	view := newProfileView(d)
	if view.Description, err = parts(d.Profile.Description.Content, textShown); err != nil {
		return nil, err
	}
	if d.Profile.Tradecraft != nil {
		if view.Tradecraft, err = parts(d.Profile.Tradecraft.Content, tradecraftShown); err != nil {
			return nil, err
		}
	}
	view.MatrixOpen = len(view.Tradecraft) == 0 || slices.ContainsFunc(view.Tradecraft, func(p part) bool { return !p.Open })
	if err := p.indicators(ctx, view, r.URL.Query()); err != nil {
		return nil, err
	}
	if view.Met, view.Sightings, err = p.sightings(ctx, store.SightingFilter{Profile: id}); err != nil {
		return nil, err
	}
	months, err := p.Store.Months(ctx, id, v)
	if err != nil {
		return nil, err
	}
	view.Timeline = newTimeline(months)
	if err := p.report(ctx, &view.Changes, id, intel.TimeOf(p.Now().Add(-profileSince))); err != nil {
		return nil, err
	}
	if view.JSON, err = indented(d); err != nil {
		return nil, err
	}
	articles, _, err := p.Store.ProfileArticles(ctx, id, articlesListed, v)
	if err != nil {
		return nil, err
	}
	patterns, total, err := p.Store.ProfilePatterns(ctx, id, patternsShown, v)
	if err != nil {
		return nil, err
	}
	for _, x := range patterns {
		view.Patterns = append(view.Patterns, patternRow{cmp.Or(x.Name, x.Key), x.Type, intel.PublisherOf(x.Publisher).Title, x.Reason, x.Text, x.Modified.Day()})
	}
	view.MorePats = total - len(patterns)
	view.Articles = shorten(articleRows(articles), articlesShown)
	view.Curl = curl(p.base(r), "/intelProfiles/"+url.PathEscape(id))
	view.CurlList = curl(p.base(r), "/intelProfiles/"+url.PathEscape(id)+"/indicators", "$count=true", "$orderby=firstSeenDateTime desc")
	view.Fields = profile.Claims(d)
	return &page{Template: "profile", Title: brief(80, d.Profile.Title) + " – Dossier", Data: view, Feeds: append(
		feedsOf("What changes in this profile", url.Values{"profile": {d.Profile.ID}}),
		feedsOf("What changes in its indicators", url.Values{"profile": {d.Profile.ID}, "of": {"indicators"}})...,
	)}, nil
}

// newProfileView arranges the claims of a dossier for reading.
func newProfileView(d *intel.Dossier) *profileView {
	v := &profileView{
		Dossier: d, Aliases: shorten(d.Profile.Aliases, chipsShown), Origins: originRows(d), Bodies: bodyRows(d),
		Motives: valueRows(d.Motives), ToolTypes: valueRows(d.ToolTypes), IDs: idRows(d), Tactics: tacticRows(d.Techniques), Campaigns: d.Campaigns,
		Tools: shorten(linkRows(d.Tools, false), linksShown), Related: linkRows(d.Related, true),
		Names: shorten(nameRows(d), namesShown), References: shorten(referenceRows(d), referencesShown),
	}
	actors, campaigns := users(d)
	v.Users, v.SeenIn = shorten(linkRows(actors, false), linksShown), linkRows(campaigns, false)
	sectors, countries := targets(d)
	v.Sectors, v.Countries = shorten(sectors, targetsShown), shorten(countries, targetsShown)
	ids := map[string]bool{}
	for _, t := range d.Techniques {
		ids[t.ID] = true
	}
	v.Techniques = len(ids)
	for _, r := range d.Records {
		pub := intel.PublisherOf(r.Publisher)
		v.Records = append(v.Records, recordRow{r, pub.Title, webLink(pub.URL)})
		v.Credits = appendNew(v.Credits, pub.Credit)
	}
	return v
}

// sightings returns what was met in the owner's own data of what the filter means: the sum, nil if there is nothing, and the latest.
func (p *portal) sightings(ctx context.Context, f store.SightingFilter) (*store.SightingTotal, []sightingRow, error) {
	list, _, err := p.Store.Sightings(ctx, f, sightingsShown, "", p.view())
	if err != nil || len(list) == 0 {
		return nil, nil, err
	}
	total, err := p.Store.SightingTotal(ctx, f, p.view())
	if err != nil {
		return nil, nil, err
	}
	var rows []sightingRow
	for _, g := range list {
		rows = append(rows, sightingRow{g, observable.Defang(observable.Observable{Kind: g.Kind, Value: g.Value})})
	}
	return &total, rows, nil
}

// indented is a profile as the API serves it, for reading.
func indented(d *intel.Dossier) (string, error) {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(&d.Profile)
	return b.String(), err
}

// sorts are the kinds of indicators that a reader tells apart, with the kinds of
// observables in each.
var sorts = []struct{ name, title, filter string }{
	{"", "All", ""},
	{"active", "Active", ""},
	{"host", "Domains", "artifact/microsoft.graph.security.hostname/id ne null"},
	{"ip", "Addresses", "artifact/microsoft.graph.security.ipAddress/id ne null"},
	{"url", "URLs", "artifact/microsoft.graph.security.unclassifiedArtifact/kind eq 'url'"},
	{"hash", "Hashes", "artifact/microsoft.graph.security.unclassifiedArtifact/kind in ('md5','sha1','sha256','sha512')"},
}

// indicators adds a page of indicators, with who says them.
func (p *portal) indicators(ctx context.Context, view *profileView, in url.Values) error {
	id, v := view.Profile.ID, p.view()
	after, only := in.Get("after"), in.Get("only")
	query := "$orderby=firstSeenDateTime desc&$top=50&$count=true"
	for _, s := range sorts {
		link := address(id)
		if s.name != "" {
			link += "?only=" + s.name
		}
		view.Choices = append(view.Choices, choice{Name: s.title, Link: link + "#indicators", On: s.name == only})
		if s.name == only && only != "" {
			view.Narrowed = true
			if s.filter != "" {
				query += "&$filter=" + url.QueryEscape(s.filter)
			}
		}
	}
	if only == "active" {
		v.Mode = store.Active
	}
	view.Download = "/api/export/"
	q, err := odata.ParseQuery(query, store.Types.Indicator, odata.Options{Allow: odata.AllowCollection})
	if err != nil {
		return err
	}
	if view.Count, err = p.Store.ProfileIndicatorCount(ctx, id, q, v); err != nil {
		return err
	}
	q.SkipToken = after
	list, err := p.Store.ProfileIndicators(ctx, id, q, v)
	if err != nil {
		return err
	}
	for _, i := range list.Items {
		row := indicatorRow{
			Kind: string(i.Observable.Kind), Shown: observable.Defang(i.Observable), Link: indicatorLink(i.Observable), Confidence: i.Confidence, Active: i.Active,
			First: i.FirstSeen.Day(), Last: i.LastSeen.Day(),
			Heard: i.Basis.Rung() >= intel.BasisFile.Rung(),
		}
		met, err := p.Store.SightingTotal(ctx, store.SightingFilter{Indicator: i.ID}, v)
		if err != nil {
			return err
		}
		row.Met = met.Last.Day()
		evidence, err := p.Store.Evidence(ctx, i.ID, v)
		if err != nil {
			return err
		}
		for _, e := range evidence {
			row.Sources = appendNew(row.Sources, intel.PublisherOf(e.Publisher).Title)
		}
		articles, _, err := p.Store.IndicatorArticles(ctx, i.ID, articlesOfAValue, v)
		if err != nil {
			return err
		}
		row.Articles = articleRows(articles)
		view.Indicators = append(view.Indicators, row)
	}
	link := url.URL{Path: "/profiles/" + id, RawPath: address(id), Fragment: "indicators"}
	more := url.Values{}
	if view.Narrowed {
		more.Set("only", only)
	}
	if link.RawQuery = more.Encode(); after != "" {
		view.First = link.String()
	}
	if list.Next != "" {
		more.Set("after", list.Next)
		link.RawQuery = more.Encode()
		view.Next = link.String()
	}
	return nil
}

func appendNew(list []string, s string) []string {
	s = strings.TrimSpace(s)
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
