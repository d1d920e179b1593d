package profile

import (
	"cmp"
	"slices"
	"strings"

	"dossier/internal/intel"
	"dossier/internal/observable"
)

// The limits of an article: the title in characters, the others in bytes or
// elements. What a source has beyond them is cut, with an ellipsis.
const (
	MaxArticleTitle = 300
	MaxArticleBody  = 256 << 10
	maxArticleTags  = 200
	maxArticleLinks = 50
)

// Article returns an article as it is served, but for its id and for dates that
// its source does not state. The source's own words are made harmless as those of
// profiles are; what it does not say is composed from the facts.
func Article(a *intel.Article, publisher intel.Publisher) *intel.WireArticle {
	w := &intel.WireArticle{
		ODataType: intel.ArticleType, Created: a.Created, LastUpdated: max(a.Modified, a.Created), IsFeatured: a.Featured, Tags: []string{},
		Title: cleanTo(a.Title, MaxArticleTitle),
	}
	for _, tag := range a.Tags {
		if tag = clean(tag); tag != "" && !slices.Contains(w.Tags, tag) && len(w.Tags) < maxArticleTags {
			w.Tags = append(w.Tags, tag)
		}
	}
	if webLink.MatchString(a.Image) {
		w.ImageURL = &a.Image
	}
	facts := articleFacts(a, publisher)
	if w.Title == "" {
		w.Title = "Untitled report"
	}
	words := strings.TrimSpace(cut(harmless(a.Body, true), MaxArticleBody))
	w.Summary = intel.Text(cmp.Or(articleSummary(a.Summary), articleSummary(a.Body), plain(facts)))
	var b strings.Builder
	b.WriteString("#### Description\r\n")
	b.WriteString(cmp.Or(strings.ReplaceAll(words, "\n", "\r\n"), escapeLong(facts)))
	var links []string
	for _, r := range a.References {
		if webLink.MatchString(r.URL) && len(links) < maxArticleLinks {
			links = append(links, "- ["+escape(cmp.Or(r.Title, r.URL))+"]("+bracketless.Replace(r.URL)+")")
		}
	}
	if len(links) > 0 {
		b.WriteString("\r\n\r\n#### References\r\n" + strings.Join(links, "\r\n"))
	}
	w.Body = intel.Markdown(b.String())
	return w
}

// bracketless escapes what would end the address of a link early.
var bracketless = strings.NewReplacer("(", "%28", ")", "%29")

// articleSummary is the beginning of a text as one or two plain sentences.
func articleSummary(s string) string {
	return plain(unmark(inline(s, MaxSummary)))
}

// articleFacts says in a sentence what is known of an article without prose.
func articleFacts(a *intel.Article, publisher intel.Publisher) string {
	s := "A report by " + clean(cmp.Or(publisher.Title, publisher.ID))
	if a.Created != 0 {
		s += " of " + day(a.Created)
	}
	n := len(a.Indicators)
	if n == 0 {
		return s + ", without indicators."
	}
	kinds := map[observable.Kind]int{}
	for _, i := range a.Indicators {
		kinds[i.Kind]++
	}
	var parts []string
	for _, k := range articleKinds {
		if c := kinds[k.kind]; c > 0 && c < n {
			parts = append(parts, count(c, k.noun))
		} else if c == n {
			return s + " with " + count(n, k.noun) + "."
		}
	}
	s += " with " + count(n, "indicator")
	if len(parts) > 0 {
		s += ", among them " + and(parts)
	}
	return s + "."
}

// articleKinds are the kinds of indicators that have a noun of their own.
var articleKinds = []struct {
	kind observable.Kind
	noun string
}{
	{observable.Domain, "domain"},
	{observable.IPAddress, "IP address"},
	{observable.URL, "URL"},
	{observable.SHA256, "SHA-256 hash"},
	{observable.SHA1, "SHA-1 hash"},
	{observable.MD5, "MD5 hash"},
	{observable.Email, "e-mail address"},
}
