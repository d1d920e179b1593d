package store

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"dossier/internal/intel"
	"dossier/internal/odata"
	"dossier/internal/testdb"
)

// testViews are the views that expressions are tried with.
var testViews = []View{{Ceiling: intel.Clear}, {Ceiling: intel.Amber, Mode: Active}, {Ceiling: intel.Red}, {Ceiling: intel.Red, Mode: All}}

// shared is a store with random data, and what each view shows of it. A fuzz
// target runs in many calls, and the data need not be made for each.
type shared struct {
	s      *Store
	worlds []*world
}

var sharedData = sync.OnceValues(func() (*shared, error) {
	path, drop, err := testdb.New(sharedDir)
	if err != nil {
		return nil, err
	}
	dropShared = drop
	s, _, err := Open(context.Background(), path, Options{Create: true})
	if err != nil {
		return nil, err
	}
	s.Now = func() time.Time { return randomNow }
	return &shared{s: s}, nil
})

// sharedDir is where the store of sharedData is; TestMain removes it.
var sharedDir string

// dropShared is called by TestMain when all is done.
var dropShared = func() error { return nil }

func sharedStore(t testing.TB) *shared {
	t.Helper()
	d, err := sharedData()
	if err != nil {
		t.Fatal(err)
	}
	if d.worlds == nil {
		randomData(t, d.s, rand.New(rand.NewPCG(1, 2)))
		for _, v := range testViews {
			d.worlds = append(d.worlds, readWorld(t, d.s, v))
		}
	}
	return d
}

// TestAgree holds the SQL of random expressions, orders and pages to what
// odata.Eval computes over the rows that are served.
func TestAgree(t *testing.T) {
	n := uint64(4000)
	if testing.Short() {
		n = 400
	}
	d := sharedStore(t)
	hits := map[string]int{}
	for seed := range n {
		hits[agree(t, d, seed)]++
		if t.Failed() {
			return
		}
	}
	// Expressions that are true of nothing or of everything would show little.
	if hits["some"] < int(n)/4 {
		t.Errorf("few expressions choose among the rows: %v", hits)
	}
}

// FuzzAgree is TestAgree for the seeds that the fuzzer thinks of.
func FuzzAgree(f *testing.F) {
	for seed := range uint64(20) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) { agree(t, sharedStore(t), seed) })
}

// agree writes one expression and one order from the seed, and compares. It
// returns whether none, some or all rows were chosen.
func agree(t *testing.T, d *shared, seed uint64) string {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 7))
	which := r.IntN(len(testViews))
	v, w := testViews[which], d.worlds[which]
	a := &author{Rand: r, typ: Types.Profile, texts: w.texts}
	rows := w.profiles
	profile := "" // whose indicators are asked for
	switch r.IntN(4) {
	case 0:
		a.typ, rows = Types.Indicator, w.indicators
	case 1:
		profile = pick(r, w.profiles).id
		a.typ, rows = Types.Indicator, w.linked[profile]
	}
	filter, order := a.condition(r.IntN(4)), a.order()
	if len(filter) > 60_000 {
		return "skipped"
	}
	raw := fmt.Sprintf("$count=true&$top=%d&$filter=%s", 1+r.IntN(40), url.QueryEscape(filter))
	if order != "" {
		raw += "&$orderby=" + url.QueryEscape(order)
	}
	q, err := odata.ParseQuery(raw, a.typ, odata.Options{Allow: odata.AllowCollection})
	if err != nil {
		t.Fatalf("seed %d: %s: %v", seed, filter, err)
	}
	want := chosen(t, q, rows)
	got, count, err := ask(t, d.s, a.typ, profile, raw, v)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, want) || count != int64(len(want)) {
		t.Errorf("seed %d, view %v\n$filter=%s\n$orderby=%s\n%d rows, counted %d: %v\nwant %d: %v", seed, v, q.Filter, order, len(got), count, got, len(want), want)
	}
	switch len(want) {
	case 0:
		return "none"
	case len(rows):
		return "all"
	}
	return "some"
}

// ask walks the pages of a query and returns the ids, and the count that the
// path $count gives. profile is that whose indicators are asked for, "" for all.
func ask(t testing.TB, s *Store, typ *odata.Type, profile, raw string, v View) (ids []string, count int64, err error) {
	t.Helper()
	ctx := context.Background()
	if typ == Types.Profile {
		list, counted := everything(t, typ, raw, func(q *odata.Query) (*Page[*Profile], error) { return s.Profiles(ctx, q, v) })
		for _, p := range list {
			ids = append(ids, p.ID)
		}
		if count, err = s.ProfileCount(ctx, query(t, raw, typ), v); count != counted {
			t.Errorf("%s: $count=true says %d, $count %d", raw, counted, count)
		}
		return ids, count, err
	}
	next := func(q *odata.Query) (*Page[*Indicator], error) { return s.Indicators(ctx, q, v) }
	if profile != "" {
		next = func(q *odata.Query) (*Page[*Indicator], error) { return s.ProfileIndicators(ctx, profile, q, v) }
	}
	list, count := everything(t, typ, raw, next)
	for _, i := range list {
		ids = append(ids, i.ID)
	}
	return ids, count, nil
}

// TestViews holds what views show to what was put in and what evidence says.
func TestViews(t *testing.T) {
	d := sharedStore(t)
	active := 0
	for _, c := range []intel.TLP{intel.Clear, intel.Green, intel.Amber, intel.Red} {
		all := func(m Mode) (out []*Indicator) {
			v := View{Ceiling: c, Mode: m}
			out, _ = everything(t, Types.Indicator, "", func(q *odata.Query) (*Page[*Indicator], error) { return d.s.Indicators(t.Context(), q, v) })
			return out
		}
		var served, live []string
		for _, i := range all(All) {
			evidence, err := d.s.Evidence(t.Context(), i.ID, View{Ceiling: c})
			if err != nil || len(evidence) == 0 {
				t.Fatalf("%s: an indicator without evidence: %v", c, err)
			}
			if !slices.ContainsFunc(evidence, func(e Evidence) bool { return !e.Revoked }) {
				continue
			}
			served = append(served, i.ID)
			if i.Life.Until > intel.TimeOf(randomNow) {
				live = append(live, i.ID)
			}
		}
		for m, want := range map[Mode][]string{Shown: served, Active: live} {
			var got []string
			for _, i := range all(m) {
				got = append(got, i.ID)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s %s: %v, want %v", c, m, got, want)
			}
		}
		active += len(served) - len(live)
	}
	if active == 0 {
		t.Error("every indicator is active")
	}
}

// chosen returns the ids of the rows that a query chooses, in its order.
func chosen(t *testing.T, q *odata.Query, rows []row) []string {
	t.Helper()
	var found []row
	for _, r := range rows {
		is, err := odata.Eval(q.Filter, r.full)
		if err != nil {
			t.Fatal(err)
		}
		if is == odata.True {
			found = append(found, r)
		}
	}
	slices.SortFunc(found, func(x, y row) int {
		for _, o := range q.OrderBy {
			c, err := o.Compare(x.cut, y.cut)
			if err != nil {
				t.Fatal(err)
			}
			if c != 0 {
				return c
			}
		}
		return cmp.Compare(x.id, y.id)
	})
	var ids []string
	for _, r := range found {
		ids = append(ids, r.id)
	}
	return ids
}

// TestEveryPathHasSQL checks that no path that the table allows lacks a place in the
// database, for filters, orders and conditions on null.
func TestEveryPathHasSQL(t *testing.T) {
	s, _ := testStore(t)
	try := func(typ *odata.Type, raw string) {
		t.Helper()
		q := query(t, raw, typ)
		var err error
		switch typ {
		case Types.Profile:
			_, err = s.Profiles(t.Context(), q, View{})
		case Types.Article:
			_, err = s.Articles(t.Context(), q, View{})
		case Types.ArticleIndicator:
			if _, err = s.ArticleIndicators(t.Context(), "", q, View{}); err == nil {
				_, err = s.ArticleIndicators(t.Context(), "x", q, View{})
			}
		default:
			if _, err = s.Indicators(t.Context(), q, View{}); err == nil {
				_, err = s.ProfileIndicators(t.Context(), "x", q, View{})
			}
		}
		if err != nil {
			t.Errorf("%s: %v", raw, err)
		}
	}
	for _, typ := range []*odata.Type{Types.Profile, Types.Indicator, Types.Article, Types.ArticleIndicator} {
		for _, p := range terms(typ, "") {
			filter := p.text + " eq null"
			if p.list {
				filter = p.text + "/any() and " + p.text + "/$count gt 0"
				if p.leaf.Type != nil {
					for _, inner := range terms(p.leaf.Type, "x/") {
						try(typ, "$filter="+url.QueryEscape(p.text+"/all(x:"+inner.text+" ne null)"))
					}
				}
			}
			try(typ, "$filter="+url.QueryEscape(filter))
		}
		for _, o := range orders(typ) {
			try(typ, "$orderby="+url.QueryEscape(o+" desc"))
		}
	}
	if n := len(orders(Types.Profile)); n < 14 || strings.Join(orders(Types.Indicator), " ") == "" {
		t.Errorf("profiles have %d orders", n)
	}
}

// TestSearchAgrees holds $search to the texts of the profiles that are served.
func TestSearchAgrees(t *testing.T) {
	d := sharedStore(t)
	r := rand.New(rand.NewPCG(5, 6))
	found := 0
	for range 400 {
		which := r.IntN(len(testViews))
		v, w := testViews[which], d.worlds[which]
		a := &author{Rand: r, typ: Types.Profile, texts: w.texts}
		words := []string{a.text(term{}), a.text(term{})}
		if strings.ContainsAny(words[0]+words[1], `"\`) || strings.TrimSpace(words[0]) == "" || strings.TrimSpace(words[1]) == "" {
			continue
		}
		raw := "$top=1000&$search=" + url.QueryEscape(`"`+words[0]+`" AND NOT "`+words[1]+`"`)
		var want []string
		for _, p := range w.profiles {
			var texts []string
			for _, name := range []string{"title", "aliases", "summary", "description", "tradecraft"} {
				switch x := p.full.Values[name].(type) {
				case string:
					texts = append(texts, x)
				case []string:
					texts = append(texts, x...)
				case odata.MapRow:
					texts = append(texts, x.Values["content"].(string))
				}
			}
			has := func(word string) bool {
				return slices.ContainsFunc(texts, func(s string) bool { return strings.Contains(Fold(s), Fold(word)) })
			}
			if has(words[0]) && !has(words[1]) {
				want = append(want, p.id)
			}
		}
		got, _, err := ask(t, d.s, Types.Profile, "", raw+"&$count=true", v)
		slices.Sort(want)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v, %v; want %v", raw, got, err, want)
		}
		found += len(want)
	}
	if found < 100 {
		t.Errorf("only %d profiles were found", found)
	}
}
