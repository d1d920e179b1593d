package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"dossier/internal/intel"
	"dossier/internal/observable"
	"dossier/internal/odata"
)

// An Article is an article as it is served, ready to be written.
type Article struct {
	ID        string // 8 hex digits
	Title     string
	Publisher string
	Reference string // URL of the document, "" if none is known
	Created   intel.Time
	TLP       intel.TLP
	Body      []byte // JSON of [intel.WireArticle]
	ETag      string // digest of Body, without quotes
}

// An ArticleTitle names an article.
type ArticleTitle struct {
	ID        string     `json:"id"`
	Title     string     `json:"title"`
	Publisher string     `json:"publisher"`
	Created   intel.Time `json:"createdDateTime"`
}

const articleColumns = "a.id, a.title, a.publisher, a.reference, a.created, a.tlp, a.body, a.etag"

func scanArticle(rows scanner, more ...any) (*Article, error) {
	a := new(Article)
	err := rows.Scan(append([]any{&a.ID, &a.Title, &a.Publisher, &a.Reference, &a.Created, &a.TLP, &a.Body, &a.ETag}, more...)...)
	return a, err
}

func (s *Store) articleList(v View) list[*Article] {
	return list[*Article]{
		set: articleSet, alias: "a", view: v, scope: "articles" + string(v.Mode), columns: articleColumns, from: "article a",
		where: fragment{"a.tlp <= ?", []any{int(v.Ceiling)}}, scan: scanArticle,
	}
}

// Articles returns a page of articles. The query is one against Types.Article.
func (s *Store) Articles(ctx context.Context, q *odata.Query, v View) (*Page[*Article], error) {
	l := s.articleList(v)
	return l.page(ctx, s, q)
}

// ArticleCount returns how many articles match the query.
func (s *Store) ArticleCount(ctx context.Context, q *odata.Query, v View) (int64, error) {
	l := s.articleList(v)
	return l.count(ctx, s, q)
}

// Article returns the article with the id. The error wraps [intel.ErrNotFound]
// if there is none.
func (s *Store) Article(ctx context.Context, id string, v View) (*Article, error) {
	a, err := scanArticle(s.read.QueryRowContext(ctx, "SELECT "+articleColumns+" FROM article a WHERE a.id = ? AND a.tlp <= ?", id, int(v.Ceiling)))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("article %q: %w", id, intel.ErrNotFound)
	}
	return a, err
}

// WireArticleIndicator is articleIndicator in its wire form.
type WireArticleIndicator struct {
	ODataType string       `json:"@odata.type"`
	ID        string       `json:"id"`
	Source    string       `json:"source"`
	Artifact  WireArtifact `json:"artifact"`
}

// WireInArticle returns the wire form that the indicator has in articles.
func (i *Indicator) WireInArticle() WireArticleIndicator {
	return WireArticleIndicator{ODataType: intel.ArticleIndicatorType, ID: ArticleIndicatorID(i.Observable), Source: string(i.Source), Artifact: Artifact(i.Observable)}
}

// ArticleIndicatorID returns the id of an observable as an articleIndicator:
// base64 of the name or address itself, and of kind$$value for anything else,
// since values alone are not unique.
func ArticleIndicatorID(o observable.Observable) string {
	if a := Artifact(o); a.Kind == "" {
		return base64.StdEncoding.EncodeToString([]byte(a.ID))
	} else {
		return a.ID
	}
}

// observableOfRef returns the observable whose articleIndicator has the id.
func observableOfRef(id string) (o observable.Observable, ok bool) {
	raw, err := base64.StdEncoding.DecodeString(id)
	if err != nil {
		return o, false
	}
	value := string(raw)
	if kind, rest, ok := strings.Cut(value, "$$"); ok {
		return observable.Observable{Kind: observable.Kind(kind), Value: rest}, true
	}
	if _, err := netip.ParseAddr(value); err == nil {
		return observable.Observable{Kind: observable.IPAddress, Value: value}, true
	}
	return observable.Observable{Kind: observable.Domain, Value: value}, true
}

// byRef is the order of indicators of articles where none is asked for: by the
// id that is served, and not by that of the row.
var byRef = func() []odata.Order {
	q, err := odata.ParseQuery("$orderby=id", Types.ArticleIndicator, odata.Options{Allow: odata.AllowCollection})
	if err != nil {
		panic(err) // the type is a constant
	}
	return q.OrderBy
}()

func inOrder(q *odata.Query) *odata.Query {
	if len(q.OrderBy) > 0 {
		return q
	}
	ordered := *q
	ordered.OrderBy = byRef
	return &ordered
}

// articleIndicatorList is that of one article, or of all if id is empty: then
// each value once.
func (s *Store) articleIndicatorList(id string, v View) list[*Indicator] {
	where := sqlf(fragment{"i.claim <= ? AND ", []any{int(v.Ceiling)}}, s.shown("i", v))
	if id != "" {
		where = sqlf(fragment{"i.article_id = ? AND ", []any{id}}, where)
	} else {
		where = sqlf(where, fragment{
			" AND NOT EXISTS (SELECT 1 FROM article_indicator o WHERE o.indicator_id = i.indicator_id AND o.article_id < i.article_id AND o.tlp <= ?)",
			[]any{int(v.Ceiling)},
		})
	}
	return list[*Indicator]{
		set: articleIndicatorSet, alias: "i", view: v, scope: "article/" + id + "/indicators" + string(v.Mode), columns: indicatorSelect("i.indicator_id"),
		from: articleIndicatorRows + " i", where: where, scan: s.scanIndicator(),
	}
}

// ArticleIndicators returns a page of the indicators of the article with the id,
// or of those of all articles if it is empty. The query is one against
// Types.ArticleIndicator.
func (s *Store) ArticleIndicators(ctx context.Context, article string, q *odata.Query, v View) (*Page[*Indicator], error) {
	l := s.articleIndicatorList(article, v)
	return l.page(ctx, s, inOrder(q))
}

// ArticleIndicatorCount returns how many of them match.
func (s *Store) ArticleIndicatorCount(ctx context.Context, article string, q *odata.Query, v View) (int64, error) {
	l := s.articleIndicatorList(article, v)
	return l.count(ctx, s, q)
}

// ArticleIndicator returns the indicator with the id of an articleIndicator, if
// the article lists it, or any does where that is empty. The error wraps
// [intel.ErrNotFound] if not.
func (s *Store) ArticleIndicator(ctx context.Context, article, ref string, v View) (*Indicator, error) {
	o, ok := observableOfRef(ref)
	if !ok {
		return nil, fmt.Errorf("indicator %q: %w", ref, intel.ErrNotFound)
	}
	l := s.articleIndicatorList(article, v)
	return s.oneIndicator(ctx, ref, sqlf("SELECT "+l.columns+" FROM "+l.from+" WHERE ", fragment{"i.indicator_id = ? AND ", []any{o.ID()}}, l.where))
}

// IndicatorArticles returns the articles that list an indicator, latest first, at
// most limit of them, and whether there are more.
func (s *Store) IndicatorArticles(ctx context.Context, indicator string, limit int, v View) ([]ArticleTitle, bool, error) {
	return s.articleTitles(ctx, limit, `SELECT a.id, a.title, a.publisher, a.created FROM article_indicator l JOIN article a ON a.id = l.article_id
		WHERE l.indicator_id = ? AND l.tlp <= ? AND a.tlp <= ? ORDER BY a.created DESC, a.id LIMIT ?`, indicator, int(v.Ceiling), int(v.Ceiling), limit+1)
}

// ProfileArticles returns the articles that are about a profile, latest first, at
// most limit of them, and whether there are more. id is the canonical one.
func (s *Store) ProfileArticles(ctx context.Context, id string, limit int, v View) ([]ArticleTitle, bool, error) {
	member, args := ceilingSQL("m", v.Ceiling)
	return s.articleTitles(ctx, limit, `SELECT DISTINCT a.id, a.title, a.publisher, a.created FROM member m
		JOIN article_subject b ON b.publisher = m.publisher AND b.key = m.key JOIN article a ON a.id = b.article_id
		WHERE m.profile_id = ? AND `+member+` AND b.tlp <= ? AND a.tlp <= ? ORDER BY a.created DESC, a.id LIMIT ?`,
		append(append([]any{id}, args...), int(v.Ceiling), int(v.Ceiling), limit+1)...)
}

func (s *Store) articleTitles(ctx context.Context, limit int, query string, args ...any) (out []ArticleTitle, more bool, err error) {
	rows, err := s.read.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, false, err
	}
	defer rows.Close()
	for rows.Next() {
		var t ArticleTitle
		if err := rows.Scan(&t.ID, &t.Title, &t.Publisher, &t.Created); err != nil {
			return nil, false, err
		}
		if len(out) == limit {
			return out, true, nil
		}
		out = append(out, t)
	}
	return out, false, rows.Err()
}

// ArticleProfiles returns the profiles that an article is about, by title.
func (s *Store) ArticleProfiles(ctx context.Context, id string, v View) ([]ProfileTitle, error) {
	member, args := ceilingSQL("m", v.Ceiling)
	p, more := ceilingSQL("p", v.Ceiling)
	return s.titles(ctx, `SELECT p.id, p.kind, p.title FROM profile p WHERE p.id IN (SELECT m.profile_id FROM article_subject b
			JOIN member m ON m.publisher = b.publisher AND m.key = b.key WHERE b.article_id = ? AND b.tlp <= ? AND `+member+")"+
		" AND "+p+" ORDER BY p.title_fold, p.id", append(append([]any{id, int(v.Ceiling)}, args...), more...)...)
}

// Article writes an article with the indicators that it lists, in its served form
// w, which gets its id and the dates that it lacks. Of several versions the newest
// counts; between equals, or undated ones, the last. The indicators' observations
// are written apart.
func (b *Batch) Article(ctx context.Context, a *intel.Article, w *intel.WireArticle) (t intel.Tally, err error) {
	t.Read = 1
	b.said[movable(a.Publisher, nil)] = true
	body, err := encodeJSON([]any{a, w})
	if err != nil {
		return t, fmt.Errorf("article %s: %w", a.Ref, err)
	}
	hash := digest(body)
	var had struct {
		id, hash          string
		created, modified intel.Time
	}
	err = b.tx.QueryRowContext(ctx, "SELECT id, hash, created, modified FROM article WHERE publisher = ? AND key = ?", a.Publisher, a.Key).
		Scan(&had.id, &had.hash, &had.created, &had.modified)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		t.New = 1
		if had.id, err = b.articleID(ctx, a.Ref); err != nil {
			return t, err
		}
	case err != nil:
		return t, err
	case had.hash == hash, a.Modified != 0 && a.Modified < had.modified:
		t.Unchanged = 1
		return t, nil
	default:
		t.Changed = 1
		b.moves(a.Publisher, nil)
	}
	if w.ID = had.id; w.Created == 0 {
		w.Created = had.created
		if w.Created == 0 {
			w.Created = b.now
		}
	}
	w.LastUpdated = max(w.LastUpdated, w.Created)
	if err := b.publisher(ctx, a.Publisher, a.TLP); err != nil {
		return t, err
	}
	b.articles = true
	return t, b.putArticle(ctx, a, w, hash)
}

// articleID returns the id of a new article: the first eight hex digits of a
// digest of its reference, the next eight if another article has those, and so on.
// An article keeps its id.
func (b *Batch) articleID(ctx context.Context, ref intel.Ref) (string, error) {
	sum := sha256.Sum256([]byte(ref.Publisher + "\x00" + ref.Key))
	digits := hex.EncodeToString(sum[:])
	for ; len(digits) >= 8; digits = digits[8:] {
		taken := 0
		if err := b.tx.QueryRowContext(ctx, "SELECT COUNT(*) FROM article WHERE id = ?", digits[:8]).Scan(&taken); err != nil {
			return "", err
		}
		if taken == 0 {
			return digits[:8], nil
		}
	}
	return "", fmt.Errorf("article %s: all its ids are taken", ref)
}

// articleTables are the tables of what belongs to an article, with its id.
var articleTables = []string{"article_tag", "article_text", "article_subject", "article_indicator"}

func (b *Batch) putArticle(ctx context.Context, a *intel.Article, w *intel.WireArticle, hash string) error {
	for _, query := range append([]string{"DELETE FROM article WHERE id = ?"}, deleteArticle...) {
		if err := b.exec(ctx, query, w.ID); err != nil {
			return err
		}
	}
	body, err := encodeJSON(w)
	if err != nil {
		return err
	}
	reference := ""
	if len(a.References) > 0 {
		reference = a.References[0].URL
	}
	var image, imageFold any
	if w.ImageURL != nil {
		image, imageFold = *w.ImageURL, Fold(*w.ImageURL)
	}
	if err := b.exec(ctx, `INSERT INTO article (id, publisher, key, tlp, title, title_fold, created, updated, featured, image, image_fold, tag_count,
			summary_format, body_format, summary_sort, body_sort, reference, modified, hash, etag, body)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		w.ID, a.Publisher, a.Key, int(a.TLP), w.Title, Fold(w.Title), int64(w.Created), int64(w.LastUpdated), b2i(w.IsFeatured), image, imageFold, len(w.Tags),
		formatValue(&w.Summary), formatValue(&w.Body), sortText(w.Summary.Content), sortText(w.Body.Content), reference, int64(a.Modified), hash,
		digest(body), body); err != nil {
		return err
	}
	tags := newBulk(ctx, b.tx, "INSERT INTO article_tag (article_id, n, value, fold) VALUES", 4, "")
	for n, tag := range w.Tags {
		if err := tags.add(w.ID, n, tag, Fold(tag)); err != nil {
			return err
		}
	}
	texts := newBulk(ctx, b.tx, "INSERT INTO article_text (article_id, field, text) VALUES", 3, "")
	for field, text := range map[string]string{"title": w.Title, "summary": w.Summary.Content, "body": w.Body.Content, "tags": strings.Join(w.Tags, "\n")} {
		if err := texts.add(w.ID, field, Fold(text)); err != nil {
			return err
		}
	}
	subjects := newBulk(ctx, b.tx, "INSERT INTO article_subject (article_id, publisher, key, tlp) VALUES", 4, "")
	about := map[intel.Ref]intel.TLP{}
	for _, x := range a.Subjects {
		if had, ok := about[x.Ref]; !ok || x.TLP < had {
			about[x.Ref] = x.TLP
		}
	}
	for ref, tlp := range about {
		if err := subjects.add(w.ID, ref.Publisher, ref.Key, int(max(tlp, a.TLP))); err != nil {
			return err
		}
	}
	listed := newBulk(ctx, b.tx, "INSERT INTO article_indicator (article_id, indicator_id, ref, tlp) VALUES", 4, "")
	lowest := make(map[observable.Observable]intel.TLP, len(a.Indicators))
	for _, x := range a.Indicators {
		if had, ok := lowest[x.Observable]; !ok || x.TLP < had {
			lowest[x.Observable] = x.TLP
		}
	}
	for o, tlp := range lowest {
		if err := listed.add(w.ID, o.ID(), ArticleIndicatorID(o), int(max(tlp, a.TLP))); err != nil {
			return err
		}
	}
	return flushAll(tags, texts, subjects, listed)
}

var deleteArticle = func() (out []string) {
	for _, table := range articleTables {
		out = append(out, "DELETE FROM "+table+" WHERE article_id = ?")
	}
	return out
}()

// removeArticles takes back the articles of a publisher and returns how many
// there were.
func (b *Batch) removeArticles(ctx context.Context, publisher string) (n int, err error) {
	if err := b.tx.QueryRowContext(ctx, "SELECT COUNT(*) FROM article WHERE publisher = ?", publisher).Scan(&n); err != nil || n == 0 {
		return n, err
	}
	b.articles = true
	for _, table := range articleTables {
		if _, err := b.tx.ExecContext(ctx, "DELETE FROM "+table+" WHERE article_id IN (SELECT id FROM article WHERE publisher = ?)", publisher); err != nil {
			return n, err
		}
	}
	_, err = b.tx.ExecContext(ctx, "DELETE FROM article WHERE publisher = ?", publisher)
	return n, err
}
