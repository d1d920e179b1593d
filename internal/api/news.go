package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strings"
	"time"

	"dossier/internal/ingest"
	"dossier/internal/intel"
	"dossier/internal/odata"
	"dossier/internal/store"
)

// Limits of feeds.
const (
	usualNews = 50
	maxNews   = 200
)

// Of what a feed tells.
const (
	newsProfiles   = "profiles"
	newsIndicators = "indicators"
)

// A newsFeed is a feed before it has a form.
type newsFeed struct {
	id, title, self, home string
	updated               intel.Time
	pieces                []newsPiece
}

type newsPiece struct {
	ingest.Piece
	id, title, link, content, summary string
}

// atomFeed answers GET /api/changes.atom (RFC 4287).
func atomFeed(r *request) (*answer, error) {
	f, err := r.news("/api/changes.atom")
	if err != nil {
		return nil, err
	}
	return r.newsAnswer(f, "application/atom+xml; charset=utf-8", f.atom)
}

// jsonFeed answers GET /api/changes.json (JSON Feed 1.1, jsonfeed.org/version/1.1).
func jsonFeed(r *request) (*answer, error) {
	f, err := r.news("/api/changes.json")
	if err != nil {
		return nil, err
	}
	return r.newsAnswer(f, "application/feed+json; charset=utf-8", f.json)
}

// news reads the request and gathers the feed.
func (r *request) news(path string) (*newsFeed, error) {
	p, err := r.params()
	if err != nil {
		return nil, err
	}
	given := map[string]string{}
	for _, o := range p {
		name := strings.ToLower(strings.TrimPrefix(o.Name, "$"))
		switch name {
		case "filter", "of", "profile", "limit":
		default: // a misspelt filter would tell everything
			return nil, badRequest("The parameter '"+clip(o.Name)+"' is not known: use $filter, of, profile, limit.", clip(o.Name))
		}
		if _, twice := given[name]; twice {
			return nil, badRequest("The parameter '"+clip(o.Name)+"' was specified more than once.", clip(o.Name))
		}
		given[name] = o.Value
	}
	limit, err := p.limit(usualNews, maxNews)
	if err != nil {
		return nil, err
	}
	of, typ := given["of"], store.Types.Profile
	switch of {
	case "":
		of = newsProfiles
	case newsProfiles:
	case newsIndicators:
		typ = store.Types.Indicator
	default:
		return nil, badRequest("Invalid value of of: expected profiles or indicators, found '"+clip(of)+"'.", "of")
	}
	var filter odata.Expr
	if text := given["filter"]; text != "" {
		q, err := odata.ParseQuery(url.Values{"$filter": {text}}.Encode(), typ, odata.Options{Allow: odata.AllowFilter})
		if err != nil {
			return nil, err
		}
		if filter = q.Filter; followable(filter) != nil {
			return nil, badRequest("Invalid filter clause: annotations, and what a profile is linked to, cannot be filtered by in a feed: they may change without the row.", "$filter")
		}
	}
	v, id := r.ceiling(), ""
	if given["profile"] != "" {
		if id, err = r.s.store.CanonicalID(r.Context(), given["profile"], v); err != nil {
			return nil, err
		}
	}
	var list []ingest.Piece
	if of == newsIndicators {
		list, err = ingest.IndicatorNews(r.Context(), r.s.store, filter, id, v, limit)
	} else {
		list, err = ingest.ProfileNews(r.Context(), r.s.store, filter, id, v, limit)
	}
	if err != nil {
		return nil, err
	}
	installation, err := r.s.store.Installation(r.Context())
	if err != nil {
		return nil, err
	}
	base := r.s.publicURL(r.Request)
	selection := url.Values{}
	for _, name := range []string{"filter", "of", "profile"} {
		if given[name] != "" {
			selection.Set(name, given[name])
		}
	}
	f := &newsFeed{id: urn(installation, "feed", path, selection.Encode()), title: "Dossier: " + of, self: base + path, home: base + "/"}
	if given["limit"] != "" {
		selection.Set("limit", given["limit"])
	}
	if len(selection) > 0 {
		f.self += "?" + selection.Encode()
	}
	if id != "" {
		f.home = base + "/profiles/" + id
	}
	if given["filter"] != "" {
		f.title += " where " + clip(given["filter"])
	}
	for _, piece := range list {
		n := newsPiece{Piece: piece, id: urn(installation, of, fmt.Sprint(piece.Position), piece.ID), link: base + "/profiles/" + url.PathEscape(piece.ID)}
		if of == newsIndicators {
			n.link = base + "/indicators/" + url.PathEscape(piece.ID)
		}
		n.title = piece.Title + " (" + piece.Kind + "): " + piece.Change
		n.summary, n.content = newsText(piece)
		f.pieces = append(f.pieces, n)
		f.updated = max(f.updated, piece.At)
	}
	return f, nil
}

// urn makes a permanent name (RFC 9562, version 8) of what a thing is.
func urn(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\n")))
	sum[6], sum[8] = sum[6]&0x0f|0x80, sum[8]&0x3f|0x80
	h := hex.EncodeToString(sum[:16])
	return "urn:uuid:" + h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// newsText tells what happened: in a line, and in HTML.
func newsText(p ingest.Piece) (line, content string) {
	var b strings.Builder
	var fields []string
	if p.Summary != "" {
		b.WriteString("<p>" + html.EscapeString(p.Summary) + "</p>")
	}
	if len(p.Fields) > 0 {
		b.WriteString("<ul>")
	}
	for _, f := range p.Fields {
		fields = append(fields, f.Field)
		b.WriteString("<li>" + html.EscapeString(f.Field) + ": " + html.EscapeString(newsValues(f.Before)) + " → " + html.EscapeString(newsValues(f.After)))
		if len(f.Sources) > 0 {
			b.WriteString(" (" + html.EscapeString(strings.Join(f.Sources, ", ")) + ")")
		}
		b.WriteString("</li>")
	}
	if len(p.Fields) > 0 {
		b.WriteString("</ul>")
	}
	if b.Len() == 0 {
		b.WriteString("<p>" + html.EscapeString(p.Title+": "+p.Change) + "</p>")
	}
	line = p.Summary
	if len(fields) > 0 {
		line = "changed: " + strings.Join(fields, ", ")
	}
	return line, b.String()
}

// newsValues is the values of a field, shortened.
func newsValues(values []string) string {
	if len(values) == 0 {
		return "nothing"
	}
	const most = 300
	s := []rune(strings.Join(values, ", "))
	if len(s) > most {
		return string(s[:most]) + "…"
	}
	return string(s)
}

// newsAnswer answers with the feed in a form. A time that is over to the second is
// its Last-Modified: what changes later has another.
func (r *request) newsAnswer(f *newsFeed, contentType string, write func() ([]byte, error)) (*answer, error) {
	body, err := write()
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(body)
	tag := `"` + hex.EncodeToString(sum[:16]) + `"`
	r.header.Set("ETag", tag)
	modified := f.updated.Std().Truncate(time.Second)
	if f.updated != 0 && r.s.now().Sub(modified) > time.Second {
		r.header.Set("Last-Modified", modified.Format(http.TimeFormat))
	} else {
		modified = time.Time{}
	}
	if r.notModified(tag) || !modified.IsZero() && r.unchangedSince(modified) {
		return &answer{status: http.StatusNotModified, header: r.header}, nil
	}
	return &answer{contentType: contentType, header: r.header, body: body}, nil
}

// The elements of Atom that are used, in the order of RFC 4287's examples.
type (
	atomDocument struct {
		XMLName xml.Name    `xml:"http://www.w3.org/2005/Atom feed"`
		Title   string      `xml:"title"`
		ID      string      `xml:"id"`
		Updated string      `xml:"updated"`
		Author  atomPerson  `xml:"author"`
		Maker   string      `xml:"generator"`
		Links   []atomLink  `xml:"link"`
		Entries []atomEntry `xml:"entry"`
	}
	atomPerson struct {
		Name string `xml:"name"`
	}
	atomLink struct {
		Rel  string `xml:"rel,attr"`
		Type string `xml:"type,attr,omitempty"`
		Href string `xml:"href,attr"`
	}
	atomEntry struct {
		Title      string       `xml:"title"`
		ID         string       `xml:"id"`
		Updated    string       `xml:"updated"`
		Links      []atomLink   `xml:"link"`
		Categories []atomTerm   `xml:"category"`
		Summary    string       `xml:"summary,omitempty"`
		Content    *atomContent `xml:"content"`
	}
	atomTerm struct {
		Term string `xml:"term,attr"`
	}
	atomContent struct {
		Type string `xml:"type,attr"`
		Text string `xml:",chardata"`
	}
)

// atomTime is a time of RFC 3339; Atom wants one even where nothing has happened.
func atomTime(t intel.Time) string {
	return time.UnixMilli(int64(t)).UTC().Format("2006-01-02T15:04:05.000Z")
}

func (f *newsFeed) atom() ([]byte, error) {
	doc := atomDocument{
		Title: xmlText(f.title), ID: f.id, Updated: atomTime(f.updated), Author: atomPerson{"Dossier"}, Maker: "Dossier",
		Links: []atomLink{{"self", "application/atom+xml", f.self}, {"alternate", "text/html", f.home}},
	}
	for _, p := range f.pieces {
		doc.Entries = append(doc.Entries, atomEntry{
			Title: xmlText(p.title), ID: p.id, Updated: atomTime(p.At), Links: []atomLink{{Rel: "alternate", Href: p.link}},
			Categories: []atomTerm{{xmlText(p.Kind)}, {p.Change}}, Summary: xmlText(p.summary), Content: &atomContent{"html", xmlText(p.content)},
		})
	}
	var b bytes.Buffer
	b.WriteString(xml.Header)
	enc := xml.NewEncoder(&b)
	enc.Indent("", " ")
	err := enc.Encode(doc)
	return append(b.Bytes(), '\n'), err
}

// xmlText leaves out what XML 1.0 has no place for; encoding/xml would put U+FFFD.
func xmlText(s string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' && c != '\t' && c != '\n' && c != '\r' || c == 0xfffe || c == 0xffff {
			return -1
		}
		return c
	}, s)
}

// The members of JSON Feed 1.1 that are used.
type (
	jsonDocument struct {
		Version string       `json:"version"`
		Title   string       `json:"title"`
		Home    string       `json:"home_page_url"`
		Self    string       `json:"feed_url"`
		Authors []jsonAuthor `json:"authors"`
		Items   []jsonItem   `json:"items"` // never absent
	}
	jsonAuthor struct {
		Name string `json:"name"`
	}
	jsonItem struct {
		ID        string   `json:"id"`
		URL       string   `json:"url"`
		Title     string   `json:"title"`
		Content   string   `json:"content_html"`
		Summary   string   `json:"summary,omitempty"`
		Published string   `json:"date_published"`
		Tags      []string `json:"tags"`
	}
)

func (f *newsFeed) json() ([]byte, error) {
	doc := jsonDocument{"https://jsonfeed.org/version/1.1", f.title, f.home, f.self, []jsonAuthor{{"Dossier"}}, []jsonItem{}}
	for _, p := range f.pieces {
		doc.Items = append(doc.Items, jsonItem{p.id, p.link, p.title, p.content, p.summary, atomTime(p.At), []string{p.Kind, p.Change}})
	}
	var b bytes.Buffer
	err := encode(&b, doc)
	return b.Bytes(), err
}
