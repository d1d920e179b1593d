package store

import "dossier/internal/odata"

// namespace is the OData namespace of the model.
const namespace = "microsoft.graph.security."

// Model is the table of types. The type check of queries, the SQL and
// $metadata all read it; a test holds it to the JSON of what is served.
type Model struct {
	Profile, Indicator *odata.Type
	Article            *odata.Type
	ArticleIndicator   *odata.Type
	ProfileKind        *odata.Enum
	IndicatorSource    *odata.Enum
	ContentFormat      *odata.Enum
	Host               *odata.Type
	Reputation         *odata.Type // of hosts
	Classification     *odata.Enum
	RuleSeverity       *odata.Enum
	Types              []*odata.Type
	Enums              []*odata.Enum
}

// Types is the model of this release.
var Types = newModel()

func newModel() *Model {
	m := &Model{
		ProfileKind: &odata.Enum{Name: namespace + "intelligenceProfileKind", Members: []odata.Member{
			{Name: "actor", Value: 0}, {Name: "tool", Value: 1}, {Name: "unknownFutureValue", Value: 2},
		}},
		IndicatorSource: &odata.Enum{Name: namespace + "indicatorSource", Members: []odata.Member{
			{Name: "microsoft", Value: 0}, {Name: "osint", Value: 1}, {Name: "public", Value: 2}, {Name: "unknownFutureValue", Value: 3},
		}},
		ContentFormat: &odata.Enum{Name: namespace + "contentFormat", Members: []odata.Member{
			{Name: "text", Value: 0}, {Name: "html", Value: 1}, {Name: "markdown", Value: 2}, {Name: "unknownFutureValue", Value: 3},
		}},
		Classification: &odata.Enum{Name: namespace + "hostReputationClassification", Members: []odata.Member{
			{Name: "unknown", Value: 0}, {Name: "neutral", Value: 1}, {Name: "suspicious", Value: 2}, {Name: "malicious", Value: 3}, {Name: "unknownFutureValue", Value: 4},
		}},
		RuleSeverity: &odata.Enum{Name: namespace + "hostReputationRuleSeverity", Members: []odata.Member{
			{Name: "unknown", Value: 0}, {Name: "low", Value: 1}, {Name: "medium", Value: 2}, {Name: "high", Value: 3}, {Name: "unknownFutureValue", Value: 4},
		}},
	}
	entity := &odata.Type{
		Name: "microsoft.graph.entity", Kind: odata.EntityType, Abstract: true, Key: "id",
		Properties: []odata.Property{{Name: "id", Exact: true}},
	}
	formatted := &odata.Type{Name: namespace + "formattedContent", Kind: odata.ComplexType, Properties: []odata.Property{
		{Name: "content", Nullable: true}, {Name: "format", Enum: m.ContentFormat, Nullable: true},
	}}
	origin := &odata.Type{Name: namespace + "intelligenceProfileCountryOrRegionOfOrigin", Kind: odata.ComplexType, Properties: []odata.Property{
		{Name: "label"}, {Name: "code"},
	}}
	artifact := &odata.Type{Name: namespace + "artifact", Kind: odata.EntityType, Base: entity, Abstract: true}
	rule := &odata.Type{Name: namespace + "hostReputationRule", Kind: odata.ComplexType, Properties: []odata.Property{
		{Name: "name"}, {Name: "description"}, {Name: "severity", Enum: m.RuleSeverity}, {Name: "relatedDetailsUrl", Nullable: true},
	}}
	m.Reputation = &odata.Type{Name: namespace + "hostReputation", Kind: odata.EntityType, Base: entity, Properties: []odata.Property{
		{Name: "classification", Enum: m.Classification}, {Name: "score", Prim: odata.Int32}, {Name: "rules", Type: rule, Collection: true},
	}}
	m.Host = &odata.Type{Name: namespace + "host", Kind: odata.EntityType, Base: artifact, Abstract: true, LowerKey: true, Properties: []odata.Property{
		{Name: "firstSeenDateTime", Prim: odata.DateTimeOffset, Nullable: true},
		{Name: "lastSeenDateTime", Prim: odata.DateTimeOffset, Nullable: true},
		{Name: "reputation", Type: m.Reputation, Nullable: true, Navigation: true, Contained: true, NoFilter: true, NoSort: true},
	}}
	hostname := &odata.Type{Name: namespace + "hostname", Kind: odata.EntityType, Base: m.Host, Properties: []odata.Property{
		{Name: "registrant", Nullable: true}, {Name: "registrar", Nullable: true},
	}}
	system := &odata.Type{Name: namespace + "autonomousSystem", Kind: odata.ComplexType, Properties: []odata.Property{
		{Name: "name"}, {Name: "number", Prim: odata.Int32}, {Name: "organization"}, {Name: "value"},
	}}
	ipAddress := &odata.Type{Name: namespace + "ipAddress", Kind: odata.EntityType, Base: m.Host, Properties: []odata.Property{
		{Name: "autonomousSystem", Type: system, Nullable: true},
		{Name: "countryOrRegion", Nullable: true},
		{Name: "hostingProvider", Nullable: true},
		{Name: "netblock", Nullable: true},
	}}
	unclassified := &odata.Type{Name: namespace + "unclassifiedArtifact", Kind: odata.EntityType, Base: artifact, Properties: []odata.Property{
		{Name: "kind"}, {Name: "value", Exact: true},
	}}
	indicator := &odata.Type{Name: namespace + "indicator", Kind: odata.EntityType, Base: entity, Abstract: true, Properties: []odata.Property{
		{Name: "source", Enum: m.IndicatorSource},
		{Name: "artifact", Type: artifact, Navigation: true, Inlined: true, Expandable: true},
	}}
	m.Indicator = &odata.Type{Name: namespace + "intelligenceProfileIndicator", Kind: odata.EntityType, Base: indicator, Properties: []odata.Property{
		{Name: "firstSeenDateTime", Prim: odata.DateTimeOffset},
		{Name: "lastSeenDateTime", Prim: odata.DateTimeOffset, Nullable: true},
	}}
	m.Profile = &odata.Type{Name: namespace + "intelligenceProfile", Kind: odata.EntityType, Base: entity, Properties: []odata.Property{
		{Name: "kind", Enum: m.ProfileKind},
		{Name: "title", Searchable: true},
		{Name: "firstActiveDateTime", Prim: odata.DateTimeOffset},
		{Name: "aliases", Collection: true, Searchable: true},
		{Name: "targets", Collection: true},
		{Name: "countriesOrRegionsOfOrigin", Type: origin, Collection: true},
		{Name: "summary", Type: formatted, Searchable: true},
		{Name: "description", Type: formatted, Searchable: true},
		{Name: "tradecraft", Type: formatted, Nullable: true, Searchable: true},
		{Name: "indicators", Type: m.Indicator, Collection: true, Navigation: true, Expandable: true},
	}}
	m.ArticleIndicator = &odata.Type{Name: namespace + "articleIndicator", Kind: odata.EntityType, Base: indicator}
	m.Article = &odata.Type{Name: namespace + "article", Kind: odata.EntityType, Base: entity, Properties: []odata.Property{
		{Name: "createdDateTime", Prim: odata.DateTimeOffset},
		{Name: "lastUpdatedDateTime", Prim: odata.DateTimeOffset},
		{Name: "title", Searchable: true},
		{Name: "summary", Type: formatted, Searchable: true},
		{Name: "isFeatured", Prim: odata.Boolean},
		{Name: "body", Type: formatted, Searchable: true},
		{Name: "tags", Collection: true, Searchable: true},
		{Name: "imageUrl", Nullable: true},
		{Name: "indicators", Type: m.ArticleIndicator, Collection: true, Navigation: true, Expandable: true},
	}}
	m.Types = []*odata.Type{
		entity, formatted, origin, artifact, rule, m.Reputation, m.Host, hostname, system, ipAddress, unclassified,
		indicator, m.Indicator, m.Profile, m.ArticleIndicator, m.Article,
	}
	m.Enums = []*odata.Enum{m.ProfileKind, m.IndicatorSource, m.ContentFormat, m.Classification, m.RuleSeverity}
	odata.Link(m.Types...)
	return m
}
