package portal

import (
	"cmp"
	"context"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"

	"dossier/internal/intel"
	"dossier/internal/store"
	"dossier/internal/vocab"
)

// facetShown is how many values of a facet are in sight before the rest unfolds.
const facetShown = 8

// briefsKept is how long counts of what is active are believed: time alone
// changes them.
const briefsKept = 10 * time.Minute

// An entry is a profile as the list filters it.
type entry struct {
	id, title          string
	key, sort          string // of the title: what names are compared by, what titles are sorted by
	kind               intel.Kind
	aliases            []string
	origins            []intel.CountryOfOrigin
	sectors, countries []string
	techniques         []string
	publishers         []string
	first              intel.Time
	since              string // the year of first activity, "" if only the entry is dated
	indicators, active int64
}

// catalogue keeps all entries as of a position.
type catalogue struct {
	sync.Mutex
	at   int64
	when time.Time
	all  []*entry
}

// entries returns all profiles by title. Nobody may change them.
func (p *portal) entries(ctx context.Context) ([]*entry, error) {
	at, err := p.Store.Position(ctx)
	if err != nil {
		return nil, err
	}
	c := &p.catalogue
	c.Lock()
	defer c.Unlock()
	if now := p.Now(); c.all == nil || c.at != at || now.Sub(c.when) > briefsKept {
		briefs, err := p.Store.Briefs(ctx, p.view())
		if err != nil {
			return nil, err
		}
		all := make([]*entry, 0, len(briefs))
		for _, b := range briefs {
			e, err := newEntry(b)
			if err != nil {
				return nil, err
			}
			all = append(all, e)
		}
		c.at, c.when, c.all = at, now, all
	}
	return c.all, nil
}

var techniqueID = regexp.MustCompile(`\bT\d{4}(\.\d{3})?\b`)

func newEntry(b *store.Brief) (*entry, error) {
	prof, err := b.Decode()
	if err != nil {
		return nil, err
	}
	e := &entry{
		id: b.ID, title: b.Title, key: intel.NameKey(b.Title), sort: store.Fold(b.Title), kind: b.Kind, aliases: prof.Aliases, origins: prof.Origins, publishers: b.Publishers,
		first: prof.FirstActive, indicators: b.Indicators, active: b.Active,
	}
	if b.Basis.Rung() < intel.BasisCreated.Rung() {
		e.since = prof.FirstActive.Std().Format("2006")
	}
	for _, t := range prof.Targets {
		if _, ok := vocab.CountryNamed(t); ok {
			e.countries = appendNew(e.countries, t)
			continue
		}
		if _, ok := vocab.RegionOf(t); ok {
			e.countries = appendNew(e.countries, t)
			continue
		}
		sector, _, _ := strings.Cut(t, ":")
		e.sectors = appendNew(e.sectors, sector)
	}
	if prof.Tradecraft != nil {
		for _, id := range techniqueID.FindAllString(prof.Tradecraft.Content, -1) {
			e.techniques = appendNew(e.techniques, id)
		}
	}
	return e, nil
}

// A selection is what the address of the list says: the whole state of the page.
type selection struct {
	Text                             string // part of a title or alias
	Kind, Origin, Sector, Country    string
	Technique, Source                string
	With                             string // "indicators", "active": profiles that have some
	Sort                             string // "title", "first", "indicators", "active"
	After                            string // the last profile of the former page
	OData, Address, Curl, UnservedBy string // for the page
}

// values returns the fields by their names in the address.
func (s *selection) values() []struct {
	name  string
	value *string
} {
	return []struct {
		name  string
		value *string
	}{
		{"text", &s.Text},
		{"kind", &s.Kind},
		{"origin", &s.Origin},
		{"sector", &s.Sector},
		{"country", &s.Country},
		{"technique", &s.Technique},
		{"source", &s.Source},
		{"with", &s.With},
		{"sort", &s.Sort},
		{"after", &s.After},
	}
}

func readSelection(q url.Values) (s selection) {
	for _, v := range s.values() {
		*v.value = strings.TrimSpace(q.Get(v.name))
	}
	if !intel.Kind(s.Kind).HasProfile() {
		s.Kind = ""
	}
	if _, ok := orders[s.Sort]; !ok {
		s.Sort = ""
	}
	if s.With != "indicators" && s.With != "active" {
		s.With = ""
	}
	return s
}

// String returns the address.
func (s selection) String() string {
	q := url.Values{}
	for _, v := range s.values() {
		if *v.value != "" {
			q.Set(v.name, *v.value)
		}
	}
	if len(q) == 0 {
		return "/profiles"
	}
	return "/profiles?" + q.Encode()
}

// with returns the selection with one field set, from the first page on.
func (s selection) with(name, value string) selection {
	s.After = ""
	for _, v := range s.values() {
		if v.name == name {
			*v.value = value
		}
	}
	return s
}

// orders sort entries; see inOrder.
var orders = map[string]func(a, b *entry) int{
	"":           func(*entry, *entry) int { return 0 },
	"first":      func(a, b *entry) int { return cmp.Compare(b.first, a.first) },
	"indicators": func(a, b *entry) int { return cmp.Compare(b.indicators, a.indicators) },
	"active":     func(a, b *entry) int { return cmp.Compare(b.active, a.active) },
}

// A facet is a property with the values that the profiles have, most frequent
// first.
type facet struct {
	Title  string
	Values short[facetValue]
	Clear  string // address without it, "" if it is not set
}

type facetValue struct {
	Name, Link string
	Count      int
	On         bool
}

// facets are what the list can be filtered by, besides text.
var facets = []struct {
	name, title string
	of          func(*entry) []string
	label       func(string) string
}{
	{"kind", "Kind", func(e *entry) []string { return []string{string(e.kind)} }, nil},
	{"origin", "Origin", func(e *entry) []string {
		var out []string
		for _, o := range e.origins {
			out = append(out, o.Code)
		}
		return out
	}, func(code string) string {
		if c, ok := vocab.CountryByCode(code); ok {
			return c.Label
		}
		return code
	}},
	{"sector", "Target sector", func(e *entry) []string { return e.sectors }, nil},
	{"country", "Target country or region", func(e *entry) []string { return e.countries }, nil},
	{"with", "Indicators", func(e *entry) []string {
		var out []string
		if e.indicators > 0 {
			out = append(out, "indicators")
		}
		if e.active > 0 {
			out = append(out, "active")
		}
		return out
	}, func(s string) string {
		return map[string]string{"indicators": "has indicators", "active": "has active ones"}[s]
	}},
	{"source", "Source", func(e *entry) []string { return e.publishers }, func(id string) string { return intel.PublisherOf(id).Title }},
	{"technique", "Technique", func(e *entry) []string { return e.techniques }, nil},
}

func (s selection) get(name string) string {
	for _, v := range s.values() {
		if v.name == name {
			return *v.value
		}
	}
	return ""
}

// fits reports whether an entry has all that is selected but for the facet named.
func (s selection) fits(e *entry, but string) bool {
	for _, f := range facets {
		if want := s.get(f.name); want != "" && f.name != but && !slices.Contains(f.of(e), want) {
			return false
		}
	}
	if s.Text == "" {
		return true
	}
	key := intel.NameKey(s.Text)
	if key == "" {
		return false
	}
	return strings.Contains(e.key, key) || slices.ContainsFunc(e.aliases, func(a string) bool { return strings.Contains(intel.NameKey(a), key) })
}

// odata says the selection in the API's language, and what of it has no words
// there.
func (s selection) odata() (params []string, unserved string) {
	quote := func(v string) string { return "'" + strings.ReplaceAll(v, "'", "''") + "'" }
	var all []string
	add := func(value, expr string) {
		if value != "" {
			all = append(all, strings.ReplaceAll(expr, "?", quote(value)))
		}
	}
	add(s.Kind, "kind eq ?")
	add(s.Origin, "countriesOrRegionsOfOrigin/any(o:o/code eq ?)")
	if s.Sector != "" {
		all = append(all, "targets/any(t:t eq "+quote(s.Sector)+" or startswith(t,"+quote(s.Sector+":")+"))")
	}
	add(s.Country, "targets/any(t:t eq ?)")
	add(s.Technique, "contains(tradecraft/content,?)")
	add(s.Text, "(contains(title,?) or aliases/any(a:contains(a,?)))")
	switch s.With {
	case "indicators":
		all = append(all, "indicators/$count gt 0")
	case "active":
		unserved = "what is active is asked of each profile’s indicators, with view=active"
	}
	if s.Source != "" {
		unserved = "the source of a profile is not in Graph’s model; /api/profiles/{id} has it"
	}
	if len(all) > 0 {
		params = append(params, "$filter="+strings.Join(all, " and "))
	}
	params = append(params, map[string]string{
		"": "$orderby=title", "first": "$orderby=firstActiveDateTime desc", "indicators": "$orderby=indicators/$count desc", "active": "$orderby=indicators/$count desc",
	}[s.Sort], fmt.Sprintf("$top=%d", pageSize), "$count=true")
	return params, unserved
}

// A listView is the page of the list.
type listView struct {
	selection
	Rows   []listRow
	Total  int
	From   int // number of the first row
	Facets []facet
	Sorts  []choice
	Chosen []choice // what is selected, each with the address without it
	First  string
	Next   string
}

type listRow struct {
	*entry
	Targets []string
}

// ID, Title and so on are for the template.
func (r listRow) ID() string        { return r.id }
func (r listRow) Title() string     { return r.title }
func (r listRow) Kind() string      { return string(r.kind) }
func (r listRow) Aliases() []string { return r.aliases }
func (r listRow) Since() string     { return r.since }
func (r listRow) Indicators() int64 { return r.indicators }
func (r listRow) Active() int64     { return r.active }

// Origins are the labels of where it is from.
func (r listRow) Origins() string {
	var out []string
	for _, o := range r.origins {
		out = append(out, brief(60, o.Label))
	}
	return strings.Join(out, ", ")
}

func (p *portal) list(r *http.Request) (*page, error) {
	all, err := p.entries(r.Context())
	if err != nil {
		return nil, err
	}
	s := readSelection(r.URL.Query())
	v := &listView{selection: s}
	var rows []*entry
	for _, e := range all {
		if s.fits(e, "") {
			rows = append(rows, e)
		}
	}
	order := orders[s.Sort]
	slices.SortFunc(rows, inOrder(order))
	v.Total = len(rows)
	at := startAfter(rows, s.After, order)
	v.From = at + 1
	for _, e := range rows[at:min(at+pageSize, len(rows))] {
		v.Rows = append(v.Rows, listRow{e, append(slices.Clone(e.sectors), e.countries...)})
	}
	if end := at + pageSize; end < len(rows) {
		next := s
		next.After = placeOf(rows[end-1], s.Sort)
		v.Next = next.String()
	}
	if s.After != "" {
		v.First = s.with("after", "").String()
	}
	v.Facets = s.count(all)
	for _, o := range []struct{ sort, name string }{{"", "Title"}, {"first", "First active"}, {"indicators", "Indicators"}, {"active", "Active indicators"}} {
		v.Sorts = append(v.Sorts, choice{Name: o.name, Link: s.with("sort", o.sort).String(), On: s.Sort == o.sort})
	}
	if s.Text != "" {
		v.Chosen = append(v.Chosen, choice{Name: "named “" + brief(40, s.Text) + "”", Link: s.with("text", "").String()})
	}
	for _, f := range facets {
		if value := s.get(f.name); value != "" {
			name := value
			if f.label != nil {
				name = f.label(value)
			}
			v.Chosen = append(v.Chosen, choice{Name: strings.ToLower(f.title) + ": " + brief(60, name), Link: s.with(f.name, "").String()})
		}
	}
	params, unserved := s.odata()
	v.Curl, v.UnservedBy = curl(p.base(r), "/intelProfiles", params...), unserved
	return &page{Template: "list", Title: "Profiles – Dossier", Data: v}, nil
}

// placeOf names the place of an entry in an order. The next page begins behind it,
// also when the entry is gone by then.
func placeOf(e *entry, sort string) string {
	n := map[string]int64{"first": int64(e.first), "indicators": e.indicators, "active": e.active}[sort]
	return strconv.FormatInt(n, 10) + "." + hex.EncodeToString([]byte(e.sort)) + "." + e.id // an id may have dots
}

// startAfter returns the index of the first row behind a place.
func startAfter(rows []*entry, place string, order func(a, b *entry) int) int {
	parts := strings.SplitN(place, ".", 3)
	n, err := strconv.ParseInt(parts[0], 10, 64)
	if err != nil || len(parts) != 3 {
		return 0
	}
	title, err := hex.DecodeString(parts[1])
	if err != nil {
		return 0
	}
	then := &entry{id: parts[2], sort: string(title), first: intel.Time(n), indicators: n, active: n}
	return sort.Search(len(rows), func(i int) bool { return inOrder(order)(rows[i], then) > 0 })
}

// inOrder sorts equal entries by title, then id.
func inOrder(order func(a, b *entry) int) func(a, b *entry) int {
	return func(a, b *entry) int {
		return cmp.Or(order(a, b), cmp.Compare(a.sort, b.sort), cmp.Compare(a.id, b.id))
	}
}

// count returns the facets: how many profiles each value would leave, with all
// else that is selected.
func (s selection) count(all []*entry) (out []facet) {
	for _, f := range facets {
		chosen := s.get(f.name)
		counts := map[string]int{}
		for _, e := range all {
			if s.fits(e, f.name) {
				for _, v := range f.of(e) {
					counts[v]++
				}
			}
		}
		if chosen != "" && counts[chosen] == 0 {
			counts[chosen] = 0
		}
		var values []facetValue
		for v, n := range counts {
			fv := facetValue{Name: v, Count: n, On: v == chosen, Link: s.with(f.name, v).String()}
			if f.label != nil {
				fv.Name = f.label(v)
			}
			if fv.On {
				fv.Link = s.with(f.name, "").String()
			}
			values = append(values, fv)
		}
		slices.SortFunc(values, func(a, b facetValue) int {
			return cmp.Or(-cmp.Compare(truth(a.On), truth(b.On)), -cmp.Compare(a.Count, b.Count), cmp.Compare(a.Name, b.Name))
		})
		fc := facet{Title: f.title, Values: shorten(values, facetShown)}
		if chosen != "" {
			fc.Clear = s.with(f.name, "").String()
		}
		out = append(out, fc)
	}
	return out
}

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Last is the number of the last row.
func (v *listView) Last() int { return v.From + len(v.Rows) - 1 }
