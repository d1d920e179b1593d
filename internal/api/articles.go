package api

import (
	"bytes"
	"net/url"

	"dossier/internal/odata"
	"dossier/internal/store"
)

const (
	articlesPath          = "/articles"
	articleIndicatorsPath = "/articleIndicators"
)

func listArticles(r *request) (*answer, error) {
	q, err := r.query(store.Types.Article, profileOptions)
	if err != nil {
		return nil, err
	}
	v, err := r.view(q)
	if err != nil {
		return nil, err
	}
	boundExpand(q)
	page, err := r.s.store.Articles(r.Context(), q, v)
	if err != nil {
		return nil, err
	}
	at := func(i int) (*entity, error) { return r.article(page.Items[i], q, v) }
	return r.many(len(page.Items), at, articlesPath, articlesPath, q, page.Count, page.Next)
}

func countArticles(r *request) (*answer, error) {
	q, err := r.query(store.Types.Article, countOptions)
	if err != nil {
		return nil, err
	}
	v, err := r.view(q)
	if err != nil {
		return nil, err
	}
	n, err := r.s.store.ArticleCount(r.Context(), q, v)
	return number(n), err
}

func getArticle(r *request) (*answer, error) {
	q, err := r.query(store.Types.Article, entityOptions)
	if err != nil {
		return nil, err
	}
	v, err := r.view(q)
	if err != nil {
		return nil, err
	}
	a, err := r.s.store.Article(r.Context(), r.ids[0], v)
	if err != nil {
		return nil, err
	}
	e, err := r.article(a, q, v)
	if err != nil {
		return nil, err
	}
	return r.one(e, articlesPath, q)
}

// article makes an entity of an article, with what the query expands.
func (r *request) article(a *store.Article, q *odata.Query, v store.View) (*entity, error) {
	e := &entity{body: a.Body, home: articlesPath + "/" + a.ID, digest: a.ETag}
	x := q.Expanded("indicators")
	if x == nil {
		return e, nil
	}
	page, err := r.s.store.ArticleIndicators(r.Context(), a.ID, x.Query, v)
	if err != nil {
		return nil, err
	}
	e.extra, err = r.expanded(page, e.home+"/indicators", x.Query, q, r.articleIndicator)
	return e, err
}

// articleIndicator makes an entity of an indicator as articles have it.
func (r *request) articleIndicator(i *store.Indicator) (*entity, error) {
	var b bytes.Buffer
	w := i.WireInArticle()
	if err := encode(&b, w); err != nil {
		return nil, err
	}
	return &entity{body: b.Bytes(), home: articleIndicatorsPath + "/" + url.PathEscape(w.ID), digest: digestOfBody}, nil
}

// An articlePlace is the collection of articleIndicators that a path names.
type articlePlace struct {
	article string // "" for those of all articles
	context string // path of the context
	link    string // path of the collection
}

// articlePlace returns the collection that the path names; keys is how many ids
// follow the collection's name. The error wraps [intel.ErrNotFound] if there is no
// such article.
func (r *request) articlePlace(keys int, v store.View) (articlePlace, error) {
	if len(r.ids) == keys {
		return articlePlace{"", articleIndicatorsPath, articleIndicatorsPath}, nil
	}
	a, err := r.s.store.Article(r.Context(), r.ids[0], v)
	if err != nil {
		return articlePlace{}, err
	}
	return articlePlace{a.ID, keyed("articles", a.ID) + "/indicators", articlesPath + "/" + a.ID + "/indicators"}, nil
}

// articleQuery parses the options of a request for articleIndicators.
func (r *request) articleQuery(o odata.Options) (*odata.Query, store.View, error) {
	q, err := r.query(store.Types.ArticleIndicator, o)
	if err != nil {
		return nil, store.View{}, err
	}
	v, err := r.view(q)
	return q, v, err
}

func listArticleIndicators(r *request) (*answer, error) {
	q, v, err := r.articleQuery(noSearchOptions)
	if err != nil {
		return nil, err
	}
	place, err := r.articlePlace(0, v)
	if err != nil {
		return nil, err
	}
	page, err := r.s.store.ArticleIndicators(r.Context(), place.article, q, v)
	if err != nil {
		return nil, err
	}
	at := func(i int) (*entity, error) { return r.articleIndicator(page.Items[i]) }
	return r.many(len(page.Items), at, place.context, place.link, q, page.Count, page.Next)
}

func countArticleIndicators(r *request) (*answer, error) {
	q, v, err := r.articleQuery(noSearchCount)
	if err != nil {
		return nil, err
	}
	place, err := r.articlePlace(0, v)
	if err != nil {
		return nil, err
	}
	n, err := r.s.store.ArticleIndicatorCount(r.Context(), place.article, q, v)
	return number(n), err
}

func getArticleIndicator(r *request) (*answer, error) {
	q, v, err := r.articleQuery(entityOptions)
	if err != nil {
		return nil, err
	}
	place, err := r.articlePlace(1, v)
	if err != nil {
		return nil, err
	}
	i, err := r.s.store.ArticleIndicator(r.Context(), place.article, r.ids[len(r.ids)-1], v)
	if err != nil {
		return nil, err
	}
	e, err := r.articleIndicator(i)
	if err != nil {
		return nil, err
	}
	return r.one(e, place.context, q)
}

func getArticleArtifact(r *request) (*answer, error) {
	v, err := r.artifactView()
	if err != nil {
		return nil, err
	}
	place, err := r.articlePlace(1, v)
	if err != nil {
		return nil, err
	}
	i, err := r.s.store.ArticleIndicator(r.Context(), place.article, r.ids[len(r.ids)-1], v)
	if err != nil {
		return nil, err
	}
	id := store.ArticleIndicatorID(i.Observable)
	if place.article == "" {
		return r.artifact(i, keyed("articleIndicators", id)+"/artifact", v)
	}
	return r.artifact(i, place.context+"('"+id+"')/artifact", v)
}
