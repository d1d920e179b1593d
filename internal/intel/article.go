package intel

import (
	"slices"

	"dossier/internal/observable"
)

// An Article is a document as one publisher describes it, with the indicators
// that it lists: a STIX report, a MISP event. It stands by itself: two
// publishers that write of the same document have two articles.
type Article struct {
	Ref          // the publisher's own key: a STIX id, the uuid of an event
	Title string `json:"title"`
	// Summary is plain text, Body the publisher's own words in Markdown. Where
	// either is empty it is composed from the facts.
	Summary  string   `json:"summary,omitempty"`
	Body     string   `json:"body,omitempty"`
	Tags     []string `json:"tags,omitempty"`
	Image    string   `json:"image,omitempty"`    // URL
	Featured bool     `json:"featured,omitempty"` // its publisher gives it the highest weight: a MISP event of threat level high
	Created  Time     `json:"created,omitzero"`   // published; 0: not stated
	Modified Time     `json:"modified,omitzero"`  // orders versions; 0: not stated
	TLP      TLP      `json:"tlp,omitempty"`

	References []Reference        `json:"references,omitempty"` // the document itself first
	Subjects   []Subject          `json:"subjects,omitempty"`
	Indicators []ArticleIndicator `json:"indicators,omitempty"`
}

// A Subject is a record that something is about, with the marking under which
// that is said.
type Subject struct {
	Ref
	TLP TLP `json:"tlp,omitempty"`
}

// An ArticleIndicator is a value that an article lists. What is known of it is
// told by observations, as for any other; its marking is at least the article's.
type ArticleIndicator struct {
	observable.Observable
	TLP TLP `json:"tlp,omitempty"`
}

// MaxSubjects bounds how many records one article is about: longer lists
// are indexes, not articles about somebody.
const MaxSubjects = 64

// About notes that the article is about a record, under a marking; of several for
// the same record the lowest counts. What exceeds [MaxSubjects] is passed over.
func (a *Article) About(r Ref, tlp TLP) {
	tlp = max(tlp, a.TLP)
	if i := slices.IndexFunc(a.Subjects, func(s Subject) bool { return s.Ref == r }); i >= 0 {
		a.Subjects[i].TLP = min(a.Subjects[i].TLP, tlp)
	} else if len(a.Subjects) < MaxSubjects {
		a.Subjects = append(a.Subjects, Subject{r, tlp})
	}
}

// List notes that the article lists a value, under a marking.
func (a *Article) List(o observable.Observable, tlp TLP) {
	a.Indicators = append(a.Indicators, ArticleIndicator{o, max(tlp, a.TLP)})
}

// A WireArticle is Graph's microsoft.graph.security.article in its wire form:
// members in the order of the published samples.
type WireArticle struct {
	ODataType   string           `json:"@odata.type"`
	ID          string           `json:"id"`
	Created     Time             `json:"createdDateTime"`
	LastUpdated Time             `json:"lastUpdatedDateTime"`
	Title       string           `json:"title"`
	Summary     FormattedContent `json:"summary"`
	IsFeatured  bool             `json:"isFeatured"`
	Body        FormattedContent `json:"body"`
	Tags        []string         `json:"tags"`
	ImageURL    *string          `json:"imageUrl"`
}

// The OData types of articles and of their indicators.
const (
	ArticleType          = "#microsoft.graph.security.article"
	ArticleIndicatorType = "#microsoft.graph.security.articleIndicator"
)
