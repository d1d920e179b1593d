package api

import (
	"bytes"
	"strings"

	"dossier/internal/odata"
	"dossier/internal/store"
)

// A schema is a Schema Object of OpenAPI 3.1, which is JSON Schema 2020-12.
type schema struct {
	Ref           string          `json:"$ref,omitempty"`
	Type          any             `json:"type,omitempty"` // string or []string
	Format        string          `json:"format,omitempty"`
	Description   string          `json:"description,omitempty"`
	Const         any             `json:"const,omitempty"`
	Enum          []any           `json:"enum,omitempty"`
	Default       any             `json:"default,omitempty"`
	Minimum       *int            `json:"minimum,omitempty"`
	Maximum       *int            `json:"maximum,omitempty"`
	MinItems      *int            `json:"minItems,omitempty"`
	MaxItems      *int            `json:"maxItems,omitempty"`
	Items         *schema         `json:"items,omitempty"`
	AnyOf         []*schema       `json:"anyOf,omitempty"`
	Discriminator *discriminator  `json:"discriminator,omitempty"`
	Properties    object[*schema] `json:"properties,omitempty"`
	Required      []string        `json:"required,omitempty"`
	Additional    *schema         `json:"additionalProperties,omitempty"`
}

type discriminator struct {
	Property string         `json:"propertyName"`
	Mapping  object[string] `json:"mapping"`
}

// An object is a JSON object whose members keep their order.
type object[T any] []named[T]

type named[T any] struct {
	Name  string
	Value T
}

// MarshalJSON writes the members in order.
func (o object[T]) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(quoted(m.Name))
		b.WriteByte(':')
		if err := encode(&b, m.Value); err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

func (o *object[T]) put(name string, value T) { *o = append(*o, named[T]{name, value}) }

// get returns the member with the name, and whether there is one.
func (o object[T]) get(name string) (value T, ok bool) {
	for _, m := range o {
		if m.Name == name {
			return m.Value, true
		}
	}
	return value, false
}

const schemaPrefix = "#/components/schemas/"

func schemaRef(name string) *schema { return &schema{Ref: schemaPrefix + name} }

func text(about string) *schema { return &schema{Type: "string", Description: about} }

func arrayOf(items *schema) *schema { return &schema{Type: "array", Items: items} }

// orNull returns the schema with null allowed.
func orNull(s *schema) *schema {
	kind, simple := s.Type.(string)
	if !simple {
		return &schema{AnyOf: []*schema{s, {Type: "null"}}}
	}
	s.Type = []string{kind, "null"}
	if s.Enum != nil {
		s.Enum = append(s.Enum, nil)
	}
	return s
}

// local returns a qualified name without its namespace.
func local(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }

// The annotations of bodies.
var (
	contextSchema  = &schema{Type: "string", Format: "uri", Description: "What the body is, as a link into $metadata. Not within a list."}
	countSchema    = &schema{Type: "integer", Description: "With $count=true: how many there are in all. On the first page only."}
	nextLinkSchema = &schema{Type: "string", Format: "uri", Description: "The next page, to be requested as it is. Missing on the last page."}
)

// graphSchemas returns the schemas of every type of the model and its collections.
func graphSchemas() object[*schema] {
	var out object[*schema]
	m := model()
	for _, e := range m.Enums {
		out.put(e.Name, enumSchema(e))
	}
	for _, t := range m.Types {
		out.put(t.Name, typeSchema(t))
	}
	for _, t := range []*odata.Type{store.Types.Profile, store.Types.Indicator, store.Types.Article, store.Types.ArticleIndicator, subscriptionType} {
		out.put(t.Name+"Collection", &schema{Type: "object", Required: []string{"value"}, Properties: object[*schema]{
			{"@odata.context", contextSchema},
			{"@odata.count", countSchema},
			{"@odata.nextLink", nextLinkSchema},
			{"value", arrayOf(schemaRef(t.Name))},
		}})
	}
	return out
}

func enumSchema(e *odata.Enum) *schema {
	s := text("Further members may come; none of them is ever unknownFutureValue.")
	for _, m := range e.Members {
		s.Enum = append(s.Enum, m.Name)
	}
	return s
}

// typeSchema returns the schema of a type in answers. An abstract type is one of
// those derived from it, told apart by @odata.type. No property of an entity is
// required, since $select may leave out any.
func typeSchema(t *odata.Type) *schema {
	if t.Abstract && t.Base != nil {
		s := &schema{Description: typeWords[local(t.Name)], Discriminator: &discriminator{Property: "@odata.type"}}
		for _, d := range concrete(t) {
			s.AnyOf = append(s.AnyOf, schemaRef(d.Name))
			s.Discriminator.Mapping.put("#"+d.Name, schemaPrefix+d.Name)
		}
		return s
	}
	s := &schema{Type: "object", Description: typeWords[local(t.Name)]}
	entity := t.Kind == odata.EntityType
	if entity {
		s.Properties.put("@odata.context", contextSchema)
	}
	if entity && !t.Abstract {
		s.Properties.put("@odata.type", &schema{Type: "string", Const: "#" + t.Name, Description: "Missing with odata.metadata=none."})
		s.Properties.put("@odata.id", &schema{Type: "string", Format: "uri", Description: "With odata.metadata=full: where the entity is at home."})
		s.Properties.put("@odata.etag", text("With odata.metadata=full: its ETag."))
	} else if !entity {
		s.Properties.put("@odata.type", &schema{Type: "string", Const: t.Name, Description: "Missing with odata.metadata=none."})
	}
	for p := range t.All() {
		if p.Annotation() || p.Navigation && !p.Inlined && !p.Expandable {
			continue
		}
		if p.Navigation && p.Collection {
			s.Properties.put(p.Name+"@odata.count", &schema{Type: "integer", Description: "With $expand=" + p.Name + "($count=true)."})
			s.Properties.put(p.Name+"@odata.nextLink", nextLinkSchema)
		}
		s.Properties.put(p.Name, propertySchema(t, p))
		if !entity {
			s.Required = append(s.Required, p.Name)
		}
	}
	return s
}

// concrete returns the types derived from t that entities can have.
func concrete(t *odata.Type) []*odata.Type {
	var out []*odata.Type
	if !t.Abstract {
		out = append(out, t)
	}
	for _, d := range t.Derived {
		out = append(out, concrete(d)...)
	}
	return out
}

func propertySchema(t *odata.Type, p *odata.Property) *schema {
	s := valueSchema(p)
	switch {
	case p.Collection:
		s = arrayOf(s)
	case p.Nullable:
		s = orNull(s)
	}
	s.Description = wordsOf(t, p)
	return s
}

// wordsOf returns the description of a property, which may stand with the type
// that declares it.
func wordsOf(t *odata.Type, p *odata.Property) string {
	for ; t != nil; t = t.Base {
		if words := propertyWords[local(t.Name)+"."+p.Name]; words != "" {
			return words
		}
	}
	return ""
}

// valueSchema returns the schema of one value of a property.
func valueSchema(p *odata.Property) *schema {
	switch p.Kind() {
	case odata.EnumType:
		return schemaRef(p.Enum.Name)
	case odata.ComplexType, odata.EntityType:
		return schemaRef(p.Type.Name)
	case odata.DateTimeOffset:
		return &schema{Type: "string", Format: "date-time"}
	case odata.Int32:
		return &schema{Type: "integer", Format: "int32"}
	case odata.Int64:
		return &schema{Type: "integer", Format: "int64"}
	case odata.Double:
		return &schema{Type: "number", Format: "double"}
	case odata.Boolean:
		return &schema{Type: "boolean"}
	case odata.Guid:
		return &schema{Type: "string", Format: "uuid"}
	}
	return &schema{Type: "string"}
}

// writeSchema returns the schema of a body that makes an entity of the type, or
// that changes one: then nothing is required.
func writeSchema(t *odata.Type, create bool) *schema {
	s := &schema{Type: "object"}
	if t.Kind == odata.EntityType {
		s.Properties.put("@odata.type", text("May be left out."))
	}
	for p := range t.All() {
		if p.Annotation() || p.Navigation && !p.Inlined {
			continue
		}
		v := propertySchema(t, p)
		if p.Type != nil && p.Kind() == odata.ComplexType && !p.Collection {
			v = writeSchema(p.Type, false) // parts that are not given stay
			if p.Nullable {
				v = orNull(v)
			}
			v.Description = wordsOf(t, p)
		}
		s.Properties.put(p.Name, v)
		if create && !p.Nullable && !p.Collection && p.Name != t.KeyName() {
			s.Required = append(s.Required, p.Name)
		}
	}
	return s
}
