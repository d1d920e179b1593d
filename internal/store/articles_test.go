package store

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"dossier/internal/intel"
	"dossier/internal/observable"
	"dossier/internal/odata"
)

func article(key string, modified intel.Time, edit func(*intel.Article)) *intel.Article {
	a := &intel.Article{Ref: intel.Ref{Publisher: "p", Key: key}, Title: "Report " + key, Modified: modified}
	if edit != nil {
		edit(a)
	}
	return a
}

// wired is a plain wire form; package profile makes those that are served.
func wired(a *intel.Article) *intel.WireArticle {
	w := &intel.WireArticle{
		ODataType: intel.ArticleType, Created: a.Created, LastUpdated: a.Modified, Title: a.Title, IsFeatured: a.Featured,
		Summary: intel.Text(a.Summary), Body: intel.Markdown(a.Body), Tags: a.Tags,
	}
	if a.Image != "" {
		w.ImageURL = &a.Image
	}
	return w
}

// writeArticles puts articles, with an observation of each value that they list.
func writeArticles(t testing.TB, s *Store, list ...*intel.Article) (total intel.Tally) {
	t.Helper()
	ctx := t.Context()
	b, err := s.Begin(ctx, FromImport)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Rollback()
	for _, a := range list {
		for _, i := range a.Indicators {
			o := &intel.Observation{Publisher: a.Publisher, Observable: i.Observable, TLP: i.TLP, FirstSeen: intel.Date{At: intel.TimeOf(randomNow), Basis: intel.BasisStated}}
			if err := b.Observe(ctx, o); err != nil {
				t.Fatal(err)
			}
		}
		tally, err := b.Article(ctx, a, wired(a))
		if err != nil {
			t.Fatal(err)
		}
		total.Add(tally)
	}
	if err := b.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := s.FoldIndicators(ctx, nil); err != nil {
		t.Fatal(err)
	}
	return total
}

// TestArticleVersions: of several versions of an article the newest counts, in
// whatever order they come, and nothing of the others is left.
func TestArticleVersions(t *testing.T) {
	old := article("a", 10, func(a *intel.Article) {
		a.Tags = []string{"old"}
		a.List(domain(t, "old.contoso.com"), intel.Clear)
		a.List(domain(t, "both.contoso.com"), intel.Clear)
	})
	recent := article("a", 20, func(a *intel.Article) {
		a.Title, a.Tags, a.Featured, a.Image = "Newer", []string{"new"}, true, "https://example.org/x.png"
		a.List(domain(t, "new.contoso.com"), intel.Clear)
		a.List(domain(t, "both.contoso.com"), intel.Clear)
		a.List(domain(t, "both.contoso.com"), intel.Red) // said twice: the lower marking counts
	})
	for _, order := range [][]*intel.Article{{old, recent}, {recent, old}, {recent, recent}, {old, recent, old, recent}} {
		s, _ := testStore(t)
		for _, a := range order {
			writeArticles(t, s, a)
		}
		v := View{Ceiling: intel.Clear}
		list, _ := everything(t, Types.Article, "", func(q *odata.Query) (*Page[*Article], error) { return s.Articles(t.Context(), q, v) })
		if len(list) != 1 || list[0].Title != "Newer" || !strings.Contains(string(list[0].Body), `"tags":["new"]`) {
			t.Fatalf("%d articles: %+v", len(list), list)
		}
		values, count := everything(t, Types.ArticleIndicator, "$count=true", func(q *odata.Query) (*Page[*Indicator], error) {
			return s.ArticleIndicators(t.Context(), list[0].ID, q, v)
		})
		var names []string
		for _, i := range values {
			names = append(names, i.Observable.Value)
		}
		slices.Sort(names)
		if !slices.Equal(names, []string{"both.contoso.com", "new.contoso.com"}) || count != 2 {
			t.Errorf("%d indicators: %q", count, names)
		}
		for _, table := range articleTables {
			var n int
			if err := s.read.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM "+table).Scan(&n); err != nil {
				t.Fatal(err)
			}
			if want := map[string]int{"article_tag": 1, "article_text": 4, "article_indicator": 2}[table]; n != want {
				t.Errorf("%d rows in %s, want %d", n, table, want)
			}
		}
		before, err := s.Position(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if tally := writeArticles(t, s, recent); tally.Unchanged != 1 {
			t.Errorf("the same again: %+v", tally)
		}
		if after, err := s.Position(t.Context()); after != before {
			t.Errorf("the same again moves the position from %d to %d, %v", before, after, err)
		}
	}
}

// TestArticlesGo: what a source published goes with it, and the articles of others
// stay.
func TestArticlesGo(t *testing.T) {
	s, _ := testStore(t)
	writeArticles(t, s,
		article("a", 1, func(a *intel.Article) {
			a.List(domain(t, "a.contoso.com"), intel.Clear)
			a.About(randomSubject(1), intel.Clear)
		}),
		article("b", 1, func(a *intel.Article) { a.Publisher = "other"; a.List(domain(t, "a.contoso.com"), intel.Clear) }),
	)
	b, err := s.Begin(t.Context(), FromImport)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Rollback()
	removed, err := b.RemovePublisher(t.Context(), "p")
	if err != nil || removed.Articles != 1 {
		t.Fatalf("%+v, %v", removed, err)
	}
	if err := b.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	titles, more, err := s.IndicatorArticles(t.Context(), domain(t, "a.contoso.com").ID(), 10, View{Ceiling: intel.Red})
	if err != nil || more || len(titles) != 1 || titles[0].Publisher != "other" {
		t.Errorf("%+v, %t, %v", titles, more, err)
	}
	for _, table := range articleTables {
		var n int
		if err := s.read.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM "+table+" WHERE article_id NOT IN (SELECT id FROM article)").Scan(&n); err != nil || n > 0 {
			t.Errorf("%d rows of %s are left, %v", n, table, err)
		}
	}
}

// TestArticleIDs: ids are eight hex digits, and stay; one that is taken gives way.
func TestArticleIDs(t *testing.T) {
	s, _ := testStore(t)
	var list []*intel.Article
	for i := range 50 {
		list = append(list, article(fmt.Sprint(i), 1, nil))
	}
	writeArticles(t, s, list...)
	ids := map[string]bool{}
	all, _ := everything(t, Types.Article, "", func(q *odata.Query) (*Page[*Article], error) { return s.Articles(t.Context(), q, View{}) })
	for _, a := range all {
		ids[a.ID] = len(a.ID) == 8 && strings.Trim(a.ID, "0123456789abcdef") == ""
		if !ids[a.ID] {
			t.Errorf("id %q", a.ID)
		}
	}
	if len(ids) != 50 {
		t.Errorf("%d ids", len(ids))
	}
	b, err := s.Begin(t.Context(), FromImport)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Rollback()
	first, err := b.articleID(t.Context(), intel.Ref{Publisher: "q", Key: "1"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.tx.ExecContext(t.Context(), "UPDATE article SET id = ? WHERE id = ?", first, all[0].ID); err != nil {
		t.Fatal(err)
	}
	if next, err := b.articleID(t.Context(), intel.Ref{Publisher: "q", Key: "1"}); err != nil || next == first || len(next) != 8 {
		t.Errorf("%s is taken, and then %s, %v", first, next, err)
	}
}

// TestArticleIndicatorIDs: an id says what it is of.
func TestArticleIndicatorIDs(t *testing.T) {
	for _, tt := range []struct {
		o  observable.Observable
		id string
	}{
		{domain(t, "fake-malicious.site"), "ZmFrZS1tYWxpY2lvdXMuc2l0ZQ=="}, // the documented example
		{observable.Observable{Kind: observable.IPAddress, Value: "2001:db8::1"}, "MjAwMTpkYjg6OjE="},
		{observable.Observable{Kind: observable.URL, Value: "http://a.example/$$?b"}, "dXJsJCRodHRwOi8vYS5leGFtcGxlLyQkP2I="},
	} {
		if got := ArticleIndicatorID(tt.o); got != tt.id {
			t.Errorf("%v: %s, want %s", tt.o, got, tt.id)
		}
		if got, ok := observableOfRef(tt.id); !ok || got != tt.o {
			t.Errorf("%s: %v, want %v", tt.id, got, tt.o)
		}
	}
	if _, ok := observableOfRef("no base64!"); ok {
		t.Error("what is no base64 is an id")
	}
}

// foundArticle is found for articles and their indicators.
func (a *author) foundArticle() string {
	path := pick(a.Rand, []string{"id", "artifact/id", "artifact/microsoft.graph.security.unclassifiedArtifact/value", "artifact/microsoft.graph.security.host/id"})
	texts := a.texts[path[strings.LastIndexByte(path, '/')+1:]]
	switch {
	case a.typ == Types.ArticleIndicator:
		return a.match(path, texts)
	case a.IntN(2) == 0:
		return "tags/any(x:" + a.matches("x", a.texts["tags"]) + ")"
	}
	return "indicators/any(x:" + a.matches("x/"+path, texts) + ")"
}

// randomArticles fills a store with articles of every marking.
func randomArticles(t testing.TB, s *Store, r *rand.Rand) {
	t.Helper()
	randomData(t, s, r)
	v := View{Ceiling: intel.Red, Mode: All}
	known, _ := everything(t, Types.Indicator, "$top=1000", func(q *odata.Query) (*Page[*Indicator], error) { return s.Indicators(t.Context(), q, v) })
	batch(t, s, FromImport, func(b *Batch) {
		for n := range 20 {
			a := article(fmt.Sprint(n), 0, func(a *intel.Article) {
				a.Title, a.Summary, a.Body, a.Featured = randomText(r), randomContent(r), randomContent(r), r.IntN(3) == 0
				a.TLP = intel.TLP(r.IntN(int(intel.Red)+1) * r.IntN(2))
				a.Created, a.Modified, a.Tags = randomTime(r), randomTime(r), []string{}
				for range r.IntN(4) {
					a.Tags = append(a.Tags, randomText(r))
				}
				if r.IntN(2) == 0 {
					a.Image = "https://example.org/" + pick(r, []string{"a", "A", "b"})
				}
				for range r.IntN(8) {
					a.List(pick(r, known).Observable, intel.TLP(r.IntN(int(intel.Red)+1)*r.IntN(2)))
				}
			})
			if _, err := b.Article(t.Context(), a, wired(a)); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// articleWorld is what a view shows of articles, read without any filter.
func articleWorld(t testing.TB, s *Store, v View) (articles, indicators []row, texts map[string][]string) {
	t.Helper()
	ctx := t.Context()
	w := &world{texts: map[string][]string{}}
	inArticle := func(i *Indicator, cut func(string, int) string) odata.MapRow {
		r := indicatorRow(t, s, i, v, cut)
		return odata.MapRow{Of: Types.ArticleIndicator, Values: map[string]any{
			"id": cut(ArticleIndicatorID(i.Observable), sortPrefix), "source": r.Values["source"], "artifact": r.Values["artifact"],
		}}
	}
	list, _ := everything(t, Types.Article, "$top=1000", func(q *odata.Query) (*Page[*Article], error) { return s.Articles(ctx, q, v) })
	for _, stored := range list {
		var a intel.WireArticle
		if err := json.Unmarshal(stored.Body, &a); err != nil {
			t.Fatal(err)
		}
		values, _ := everything(t, Types.ArticleIndicator, "$top=1000", func(q *odata.Query) (*Page[*Indicator], error) { return s.ArticleIndicators(ctx, a.ID, q, v) })
		rows := []odata.Row{}
		for _, i := range values {
			rows = append(rows, inArticle(i, whole))
		}
		make := func(cut func(string, int) string) odata.MapRow {
			content := func(c intel.FormattedContent) any {
				return odata.MapRow{Of: Types.Article.Property("summary").Type, Values: map[string]any{"content": cut(c.Content, sortPrefix), "format": c.Format}}
			}
			m := map[string]any{
				"id": a.ID, "title": a.Title, "createdDateTime": int64(a.Created), "lastUpdatedDateTime": int64(a.LastUpdated), "isFeatured": a.IsFeatured,
				"tags": a.Tags, "summary": content(a.Summary), "body": content(a.Body), "indicators": rows,
			}
			if a.ImageURL != nil {
				m["imageUrl"] = *a.ImageURL
			}
			return odata.MapRow{Of: Types.Article, Values: m}
		}
		articles = append(articles, row{a.ID, make(whole), make(firstRunes)})
		w.text("title", a.Title)
		w.text("tags", a.Tags...)
		w.text("content", a.Summary.Content, a.Body.Content)
		w.text("imageUrl", "https://example.org/A")
	}
	all, _ := everything(t, Types.ArticleIndicator, "$top=1000", func(q *odata.Query) (*Page[*Indicator], error) { return s.ArticleIndicators(ctx, "", q, v) })
	for _, i := range all {
		indicators = append(indicators, row{ArticleIndicatorID(i.Observable) + i.ID, inArticle(i, whole), inArticle(i, firstRunes)})
		w.text("id", ArticleIndicatorID(i.Observable), Artifact(i.Observable).ID)
		w.text("value", i.Observable.Value)
		w.text("kind", string(i.Observable.Kind))
	}
	return articles, indicators, w.texts
}

// TestArticlesAgree holds the SQL of random expressions over articles and their
// indicators to what odata.Eval computes over the rows that are served.
func TestArticlesAgree(t *testing.T) {
	s, _ := testStore(t)
	s.Now = func() time.Time { return randomNow }
	randomArticles(t, s, rand.New(rand.NewPCG(3, 4)))
	some := 0
	const seeds = 300
	for _, v := range testViews {
		articles, indicators, texts := articleWorld(t, s, v)
		if len(articles) < 5 || len(indicators) < 10 {
			t.Fatalf("%v shows %d articles and %d indicators", v, len(articles), len(indicators))
		}
		for seed := range uint64(seeds) {
			r := rand.New(rand.NewPCG(seed, 8))
			a := &author{Rand: r, typ: Types.Article, texts: texts}
			rows := articles
			if seed%3 == 0 {
				a.typ, rows = Types.ArticleIndicator, indicators
			}
			filter := a.condition(r.IntN(3))
			if len(filter) > 60_000 {
				continue
			}
			q := query(t, "$top=7&$count=true&$filter="+url.QueryEscape(filter), a.typ)
			want := chosen(t, q, rows)
			var got []string
			var count int64
			if a.typ == Types.Article {
				var list []*Article
				list, count = everything(t, a.typ, "$top=7&$count=true&$filter="+url.QueryEscape(filter), func(q *odata.Query) (*Page[*Article], error) { return s.Articles(t.Context(), q, v) })
				for _, x := range list {
					got = append(got, x.ID)
				}
			} else {
				var list []*Indicator
				list, count = everything(t, a.typ, "$top=7&$count=true&$filter="+url.QueryEscape(filter), func(q *odata.Query) (*Page[*Indicator], error) { return s.ArticleIndicators(t.Context(), "", q, v) })
				for _, x := range list {
					got = append(got, ArticleIndicatorID(x.Observable)+x.ID)
				}
			}
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) || count != int64(len(want)) {
				t.Fatalf("seed %d, view %v\n$filter=%s\n%d rows, counted %d: %v\nwant %d: %v", seed, v, q.Filter, len(got), count, got, len(want), want)
			}
			if len(want) > 0 && len(want) < len(rows) {
				some++
			}
		}
	}
	if some < len(testViews)*seeds/4 {
		t.Errorf("few expressions choose among the rows: %d", some)
	}
}
