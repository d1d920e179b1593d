package store

import (
	"encoding/base64"
	"strings"

	"dossier/internal/observable"
	"dossier/internal/odata"
)

// In the SQL of this file "@." stands for the alias of the row at hand, and
// "^." for that of the row that owns a collection.

// sortPrefix is how many code points of a long text it is sorted by; rows that
// agree in them sort by id. The schema has the same number.
const sortPrefix = 64

// A column is how a property is found in a row.
type column struct {
	sql      string // the value; NULL if the property is null
	json     string // in place of sql: the path of the value in the JSON of the body
	fold     string // its folded text; "" for what is no text, and for text that compares exactly
	sort     string // what a long text is sorted by; "" if that is the fold or else the value
	nullable bool
	zero     bool // sort is a number that is 0 for null, and above it for every value
}

// A collection is where the elements of a collection are.
type collection struct {
	from  string // table
	on    string // which rows belong to the owner
	set   *entitySet
	count string // column of the owner that has their number; "" if they must be counted
	guard bool   // elements are indicators, of which a view shows only some
	marks bool   // elements have a marking of their own, claim

	owner string // column of the table that has the owner's id; "" is profile_id
	links string // of indicators: table that has owners by the id of an indicator; "" is indicator_profile

	// How owners are found by what their elements are: the path within the element, and the indexed column.
	// The elements of indicators are found by their id instead, which follows from their value.
	keys  map[string]string
	alone string // which rows of the table are of this collection, "" for all
}

// An entitySet is how a structure is stored: an entity, a complex value or an
// element of a collection.
type entitySet struct {
	typ         *odata.Type // nil for a primitive value
	id          string      // column of the key
	columns     map[string]column
	collections map[string]collection
	types       map[string]string // conditions for being of a derived type of what a navigation declares, by its name
	texts       string            // FROM and WHERE, with the alias t, of the folded texts that $search looks through
}

var profileSet = &entitySet{
	typ: Types.Profile, id: "@.id",
	columns: map[string]column{
		"id":                  {sql: "@.id"},
		"kind":                {sql: "@.kind"},
		"title":               {sql: "@.title", fold: "@.title_fold"},
		"firstActiveDateTime": {sql: "@.first_active"},
		"summary":             {sql: "@.id"},
		"summary/content":     {json: "summary.content", fold: textOf("summary"), sort: "@.summary_sort"},
		"summary/format":      {sql: "@.summary_format"},
		"description":         {sql: "@.id"},
		"description/content": {json: "description.content", fold: textOf("description"), sort: "@.description_sort"},
		"description/format":  {sql: "@.description_format"},
		"tradecraft":          {sql: "@.tradecraft_sort", nullable: true},
		"tradecraft/content":  {json: "tradecraft.content", fold: textOf("tradecraft"), sort: "@.tradecraft_sort", nullable: true},
		"tradecraft/format":   {sql: "@.tradecraft_format", nullable: true},
	},
	collections: map[string]collection{
		"aliases": stringsOf("aliases", "^.alias_count"),
		"targets": stringsOf("targets", "^.target_count"),
		"countriesOrRegionsOfOrigin": {
			from: "profile_origin", on: "@.profile_id = ^.id AND @.tlp_lo = ^.tlp_lo", set: originSet, count: "^.origin_count",
			keys: map[string]string{"code": "@.code_fold", "label": "@.label_fold"},
		},
		"indicators": {from: "profile_indicator", on: "@.profile_id = ^.id", set: profileIndicatorSet, guard: true},
	},
	texts: "profile_text t WHERE t.profile_id = @.id AND t.tlp_lo = @.tlp_lo",
}

// textOf is the folded text of a property; profile_text has no row if that is null.
func textOf(field string) string {
	return "(SELECT t.text FROM profile_text t WHERE t.profile_id = @.id AND t.tlp_lo = @.tlp_lo AND t.field = '" + field + "')"
}

func stringsOf(property, count string) collection {
	return collection{
		from: "profile_value", on: "@.profile_id = ^.id AND @.tlp_lo = ^.tlp_lo AND @.property = '" + property + "'", set: stringSet, count: count,
		keys: map[string]string{"": "@.fold"}, alone: "@.property = '" + property + "'",
	}
}

var stringSet = &entitySet{columns: map[string]column{"": {sql: "@.value", fold: "@.fold"}}}

var originSet = &entitySet{
	typ: Types.Profile.Property("countriesOrRegionsOfOrigin").Type,
	columns: map[string]column{
		"label": {sql: "@.label", fold: "@.label_fold"},
		"code":  {sql: "@.code", fold: "@.code_fold"},
	},
}

var articleSet = &entitySet{
	typ: Types.Article, id: "@.id",
	columns: map[string]column{
		"id":                  {sql: "@.id"},
		"createdDateTime":     {sql: "@.created"},
		"lastUpdatedDateTime": {sql: "@.updated"},
		"title":               {sql: "@.title", fold: "@.title_fold"},
		"summary":             {sql: "@.id"},
		"summary/content":     {json: "summary.content", fold: articleText("summary"), sort: "@.summary_sort"},
		"summary/format":      {sql: "@.summary_format"},
		"isFeatured":          {sql: "@.featured"},
		"body":                {sql: "@.id"},
		"body/content":        {json: "body.content", fold: articleText("body"), sort: "@.body_sort"},
		"body/format":         {sql: "@.body_format"},
		"imageUrl":            {sql: "@.image", fold: "@.image_fold", nullable: true},
	},
	collections: map[string]collection{
		"tags": {
			from: "article_tag", on: "@.article_id = ^.id", set: stringSet, count: "^.tag_count",
			keys: map[string]string{"": "@.fold"}, owner: "article_id",
		},
		"indicators": {
			from: articleIndicatorRows, on: "@.article_id = ^.id", set: articleIndicatorSet, guard: true, marks: true,
			owner: "article_id", links: "article_indicator",
		},
	},
	texts: "article_text t WHERE t.article_id = @.id",
}

// articleText is the folded text of a property of an article.
func articleText(field string) string {
	return "(SELECT t.text FROM article_text t WHERE t.article_id = @.id AND t.field = '" + field + "')"
}

// articleIndicatorRows are the indicators of articles with what is known of them; claim is the marking under which the article lists
// the value. The two tables are not distributed alike, which articles are short enough for.
const articleIndicatorRows = `(SELECT l.article_id, l.indicator_id, l.ref, l.tlp AS claim, i.tlp_lo, i.tlp_hi, i.kind, i.value, i.artifact_id, i.source,
		i.first_seen, i.first_basis, i.last_seen, i.sighted, i.ages_from, i.active_until, i.confidence, i.hidden, i.guard, i.guard_policy
	FROM article_indicator l JOIN indicator i ON i.id = l.indicator_id)`

var (
	indicatorSet        = newIndicatorSet("@.id")
	profileIndicatorSet = newIndicatorSet("@.indicator_id")
	articleIndicatorSet = newArticleIndicatorSet()
)

// newArticleIndicatorSet differs in the id that is served: it is made of the value.
func newArticleIndicatorSet() *entitySet {
	set := newIndicatorSet("@.indicator_id")
	set.typ = Types.ArticleIndicator
	set.columns["id"] = column{sql: "@.ref", sort: "SUBSTR(@.ref, 1, 64)"}
	return set
}

func newIndicatorSet(id string) *entitySet {
	const isHost = "@.kind IN ('domain', 'ipAddress')"
	unknownText := column{sql: "CAST(NULL AS TEXT)", nullable: true}
	columns := map[string]column{
		"id":                {sql: id},
		"source":            {sql: "@.source"}, // names of members sort as their values do
		"firstSeenDateTime": {sql: "@.first_seen"},
		"lastSeenDateTime":  {sql: "NULLIF(@.last_seen, 0)", sort: "@.last_seen", nullable: true, zero: true},

		// What a property of a derived type holds is read after the test for that type.
		"artifact":                   {sql: id},
		"artifact/id":                {sql: "@.artifact_id", sort: "SUBSTR(@.artifact_id, 1, 64)"},
		"artifact/kind":              {sql: "@.kind", fold: "UPPER(@.kind)"}, // ASCII letters only
		"artifact/value":             {sql: "@.value", sort: "SUBSTR(@.value, 1, 64)"},
		"artifact/firstSeenDateTime": {sql: "NULLIF(@.sighted, 0)", nullable: true},
		"artifact/lastSeenDateTime":  {sql: "NULLIF(@.last_seen, 0)", nullable: true},

		"artifact/autonomousSystem":        unknownText,
		"artifact/autonomousSystem/number": {sql: "CAST(NULL AS BIGINT)", nullable: true},
	}
	for _, name := range []string{
		"registrant", "registrar", "countryOrRegion", "hostingProvider", "netblock",
		"autonomousSystem/name", "autonomousSystem/organization", "autonomousSystem/value",
	} {
		columns["artifact/"+name] = unknownText
	}
	return &entitySet{
		typ: Types.Indicator, id: id, columns: columns,
		types: map[string]string{
			namespace + "host":                 isHost,
			namespace + "hostname":             "@.kind = 'domain'",
			namespace + "ipAddress":            "@.kind = 'ipAddress'",
			namespace + "unclassifiedArtifact": "NOT " + isHost,
		},
	}
}

// byName reports whether members of an enumeration are stored by name.
func byName(e *odata.Enum) bool { return e == Types.IndicatorSource }

// unclassified are the kinds of observables that are no hosts.
var unclassified = []observable.Kind{
	observable.CIDR, observable.IPPort, observable.URL, observable.Email, observable.MD5, observable.SHA1, observable.SHA256, observable.SHA512,
	observable.JA3, observable.JA3S, observable.JARM, observable.CertSHA1, observable.CertSHA256, observable.URLPath, observable.FileName,
	observable.FilePath, observable.Mutex, observable.RegistryKey, observable.UserAgent, observable.Cryptocurrency, observable.Other,
}

// indicatorIDs returns the ids that an indicator can have if the property at
// path equals s, since an id follows from kind and value.
func indicatorIDs(path, s string) (ids []string, ok bool) {
	switch path {
	case "id":
		return []string{s}, true
	case "ref": // the id of an articleIndicator
		if o, ok := observableOfRef(s); ok {
			ids = append(ids, o.ID())
		}
		return ids, true
	case "artifact/id":
		ids := []string{observable.Observable{Kind: observable.Domain, Value: s}.ID(), observable.Observable{Kind: observable.IPAddress, Value: s}.ID()}
		if raw, err := base64.StdEncoding.DecodeString(s); err == nil {
			if kind, value, ok := strings.Cut(string(raw), "$$"); ok {
				ids = append(ids, observable.Observable{Kind: observable.Kind(kind), Value: value}.ID())
			}
		}
		return ids, true
	case "artifact/value":
		for _, kind := range unclassified {
			ids = append(ids, observable.Observable{Kind: kind, Value: s}.ID())
		}
		return ids, true
	}
	return nil, false
}
