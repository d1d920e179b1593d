package odata

// The types of the tests: a part of Microsoft's model, and a few things that it does not have.
var (
	profileType, indicatorType, hostnameType, certType *Type
	testSchema                                         Schema
)

func init() {
	const ns = "microsoft.graph.security."
	enum := func(name string, members ...string) *Enum {
		e := &Enum{Name: ns + name}
		for i, m := range members {
			e.Members = append(e.Members, Member{m, i})
		}
		return e
	}
	kind := enum("intelligenceProfileKind", "actor", "tool", "unknownFutureValue")
	source := enum("indicatorSource", "microsoft", "osint", "public", "unknownFutureValue")
	format := enum("contentFormat", "text", "html", "markdown", "unknownFutureValue")

	entity := &Type{
		Name: "microsoft.graph.entity", Kind: EntityType, Abstract: true, Key: "id",
		Properties: []Property{{Name: "id", Exact: true}},
	}
	content := &Type{Name: ns + "formattedContent", Kind: ComplexType, Properties: []Property{
		{Name: "content", Nullable: true},
		{Name: "format", Enum: format, Nullable: true},
	}}
	country := &Type{
		Name: ns + "intelligenceProfileCountryOrRegionOfOrigin", Kind: ComplexType,
		Properties: []Property{{Name: "code"}, {Name: "label"}},
	}
	artifact := &Type{Name: ns + "artifact", Kind: EntityType, Base: entity, Abstract: true}
	unclassified := &Type{
		Name: ns + "unclassifiedArtifact", Kind: EntityType, Base: artifact,
		Properties: []Property{{Name: "kind"}, {Name: "value", Exact: true}},
	}
	host := &Type{
		Name: ns + "host", Kind: EntityType, Base: artifact, Abstract: true, LowerKey: true,
		Properties: []Property{{Name: "firstSeenDateTime", Prim: DateTimeOffset, Nullable: true}},
	}
	hostnameType = &Type{
		Name: ns + "hostname", Kind: EntityType, Base: host,
		Properties: []Property{{Name: "registrant", Nullable: true}},
	}
	certType = &Type{
		Name: ns + "sslCertificate", Kind: EntityType, Base: artifact,
		Properties: []Property{
			{Name: "serialNumber", Nullable: true, Searchable: true},
			{Name: "issuer", Nullable: true, Searchable: true, Type: &Type{
				Name: ns + "sslCertificateEntity", Kind: ComplexType,
				Properties: []Property{{Name: "commonName", Nullable: true}, {Name: "alternateNames", Collection: true}},
			}},
			{Name: "port", Prim: Int32, Nullable: true},
			{Name: "weight", Prim: Double, Nullable: true},
			{Name: "isRecent", Prim: Boolean, Nullable: true},
			{Name: "secret", NoFilter: true, NoSort: true},
			{Name: "trace", Prim: Guid, Nullable: true},
		},
	}
	indicator := &Type{
		Name: ns + "indicator", Kind: EntityType, Base: entity, Abstract: true,
		Properties: []Property{
			{Name: "source", Enum: source},
			{Name: "artifact", Type: artifact, Navigation: true, Inlined: true, Expandable: true},
		},
	}
	indicatorType = &Type{
		Name: ns + "intelligenceProfileIndicator", Kind: EntityType, Base: indicator,
		Properties: []Property{
			{Name: "firstSeenDateTime", Prim: DateTimeOffset},
			{Name: "lastSeenDateTime", Prim: DateTimeOffset, Nullable: true},
		},
	}
	profileType = &Type{
		Name: ns + "intelligenceProfile", Kind: EntityType, Base: entity,
		Properties: []Property{
			{Name: "kind", Enum: kind},
			{Name: "title", Searchable: true},
			{Name: "firstActiveDateTime", Prim: DateTimeOffset},
			{Name: "aliases", Collection: true, Searchable: true},
			{Name: "targets", Collection: true},
			{Name: "countriesOrRegionsOfOrigin", Type: country, Collection: true},
			{Name: "summary", Type: content, Searchable: true},
			{Name: "description", Type: content, Searchable: true},
			{Name: "tradecraft", Type: content, Nullable: true, Searchable: true},
			{Name: "indicators", Type: indicatorType, Navigation: true, Collection: true, Expandable: true},
			{Name: "owner", Type: entity, Navigation: true, Nullable: true},
			{Name: "@dossier.confidence", Prim: Int32, Nullable: true},
			{Name: "@dossier.techniques", Collection: true},
		},
	}
	security := &Type{
		Name: "microsoft.graph.security", Kind: EntityType, Base: entity,
		Properties: []Property{{Name: "intelProfiles", Type: profileType, Navigation: true, Collection: true, Contained: true}},
	}
	types := []*Type{
		entity, security, content, country, artifact, unclassified, host, hostnameType, certType, certType.Properties[1].Type,
		indicator, indicatorType, profileType,
	}
	Link(types...)
	testSchema = Schema{types, []*Enum{kind, source, format}, Container{
		Name: "microsoft.graph.GraphService", Singletons: []Root{{"security", security}},
	}}
}

// aqua is a profile for evaluation.
func aqua() MapRow {
	content := profileType.Property("summary").Type
	country := profileType.Property("countriesOrRegionsOfOrigin").Type
	return MapRow{profileType, map[string]any{
		"id":                         "9b01de37",
		"kind":                       "actor",
		"title":                      "Aqua Blizzard",
		"firstActiveDateTime":        int64(1582502400000), // 2020-02-24
		"aliases":                    []string{"Primitive Bear", "ACTINIUM"},
		"targets":                    []string{},
		"countriesOrRegionsOfOrigin": []Row{MapRow{country, map[string]any{"label": "Russia", "code": "RU"}}},
		"summary":                    MapRow{content, map[string]any{"content": "It's a group", "format": "text"}},
		"description":                MapRow{content, map[string]any{"content": nil, "format": "markdown"}},
		"tradecraft":                 nil,
		"@dossier.confidence":        80,
		"@dossier.techniques":        []any{"T1566"},
		"indicators": []Row{
			MapRow{indicatorType, map[string]any{
				"id": "ff3eecd2-a2be-27c2-8dc0-40d1c0eada55", "source": "microsoft",
				"firstSeenDateTime": int64(1651532960000), "lastSeenDateTime": nil,
				"artifact": MapRow{hostnameType, map[string]any{"id": "fake-malicious.site"}},
			}},
			MapRow{indicatorType, map[string]any{
				"id": "0f3eecd2-a2be-27c2-8dc0-40d1c0eada55", "source": "osint",
				"firstSeenDateTime": int64(1651532960123), "lastSeenDateTime": int64(1651532960123),
				"artifact": MapRow{indicatorType.Property("artifact").Type.Cast("microsoft.graph.security.unclassifiedArtifact"), map[string]any{
					"id": "x", "kind": "sha256", "value": "abcDEF",
				}},
			}},
		},
	}}
}
