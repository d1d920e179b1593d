package api

import (
	"bytes"
	"slices"
	"sync"

	"dossier/internal/odata"
	"dossier/internal/store"
)

// model is what $metadata describes: the types of the store, and the way that
// leads to them from the root.
var model = sync.OnceValue(func() odata.Schema {
	entity := typeNamed("microsoft.graph.entity")
	intelligence := &odata.Type{
		Name: "microsoft.graph.security.threatIntelligence", Kind: odata.EntityType, Base: entity,
		Properties: []odata.Property{
			{Name: "articleIndicators", Type: store.Types.ArticleIndicator, Collection: true, Navigation: true, Contained: true},
			{Name: "articles", Type: store.Types.Article, Collection: true, Navigation: true, Contained: true},
			{Name: "hosts", Type: typeNamed("microsoft.graph.security.host"), Collection: true, Navigation: true, Contained: true},
			{Name: "intelligenceProfileIndicators", Type: store.Types.Indicator, Collection: true, Navigation: true, Contained: true},
			{Name: "intelProfiles", Type: store.Types.Profile, Collection: true, Navigation: true, Contained: true},
		},
	}
	security := &odata.Type{
		Name: "microsoft.graph.security", Kind: odata.EntityType,
		Properties: []odata.Property{
			{Name: "threatIntelligence", Type: intelligence, Nullable: true, Navigation: true, Contained: true},
		},
	}
	return odata.Schema{
		Types: append(slices.Clone(store.Types.Types), intelligence, security, subscriptionType),
		Enums: store.Types.Enums,
		Container: odata.Container{
			Name:       "microsoft.graph.GraphService",
			Sets:       []odata.Root{{Name: subscriptionsPath, Type: subscriptionType}},
			Singletons: []odata.Root{{Name: "security", Type: security}},
		},
	}
})

// metadataDocument answers $metadata, whatever the Accept header says.
func metadataDocument(*request) (*answer, error) {
	var b bytes.Buffer
	if err := odata.WriteMetadata(&b, model()); err != nil {
		return nil, err
	}
	return &answer{contentType: "application/xml", body: b.Bytes()}, nil
}

// serviceDocument answers {base} itself: what there is.
func serviceDocument(r *request) (*answer, error) {
	if _, err := r.query(nil, odata.Options{Allow: odata.AllowSelect}); err != nil {
		return nil, err
	}
	doc := serviceList{Context: r.base + "/$metadata"}
	if r.metadata == odata.MetadataNone {
		doc.Context = ""
	}
	for _, s := range model().Container.Sets {
		doc.Value = append(doc.Value, serviceItem{s.Name, "EntitySet", s.Name})
	}
	for _, s := range model().Container.Singletons {
		doc.Value = append(doc.Value, serviceItem{s.Name, "Singleton", s.Name})
	}
	var b bytes.Buffer
	if err := encode(&b, doc); err != nil {
		return nil, err
	}
	return &answer{contentType: r.contentType(), body: b.Bytes()}, nil
}

// serviceList is the body of {base}.
type serviceList struct {
	Context string        `json:"@odata.context,omitempty"`
	Value   []serviceItem `json:"value"`
}

type serviceItem struct {
	Name string `json:"name"`
	Kind string `json:"kind"`
	URL  string `json:"url"`
}

// root answers threatIntelligence itself, an entity that has nothing but an id.
func root(r *request) (*answer, error) {
	q, err := r.query(intelligenceType(), entityOptions)
	if err != nil {
		return nil, err
	}
	return r.one(&entity{body: []byte(`{"id":"` + rootID + `"}`)}, "", q)
}

// intelligenceType returns the type of the root.
func intelligenceType() *odata.Type {
	types := model().Types
	return types[slices.IndexFunc(types, func(t *odata.Type) bool { return t.Name == "microsoft.graph.security.threatIntelligence" })]
}
