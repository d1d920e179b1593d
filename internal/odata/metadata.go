package odata

import (
	"bufio"
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"
)

// A Schema is what $metadata describes.
type Schema struct {
	Types     []*Type // every type that a property, a base or the container refers to
	Enums     []*Enum
	Container Container
}

// A Container is the entity container: what a URL may begin with.
type Container struct {
	Name       string // qualified: microsoft.graph.GraphService
	Sets       []Root
	Singletons []Root
}

// A Root is an entity set or a singleton.
type Root struct {
	Name string
	Type *Type
}

// WriteMetadata writes the schema as CSDL 4.0 in XML, one Schema element per namespace, everything in the given order, so
// the same schema gives the same bytes. Instance annotations are left out: they are no part of a type.
//
// The error is one of w, or says what is wrong with the schema, before anything is written: a name without a namespace,
// one name twice, or a type that is referred to and not listed.
func WriteMetadata(w io.Writer, schema Schema) error {
	if err := schema.check(); err != nil {
		return err
	}
	m := &metadataWriter{w: bufio.NewWriter(w)}
	m.line(0, `<?xml version="1.0" encoding="utf-8"?>`)
	m.line(0, `<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx">`)
	m.line(1, "<edmx:DataServices>")
	for _, ns := range schema.namespaces() {
		m.line(2, `<Schema Namespace="%s" xmlns="http://docs.oasis-open.org/odata/ns/edm">`, ns)
		for _, e := range schema.Enums {
			if in(ns, e.Name) {
				m.enum(e)
			}
		}
		for _, t := range schema.Types {
			if in(ns, t.Name) {
				m.typ(t)
			}
		}
		if in(ns, schema.Container.Name) {
			m.container(schema.Container)
		}
		m.line(2, "</Schema>")
	}
	m.line(1, "</edmx:DataServices>")
	m.line(0, "</edmx:Edmx>")
	return m.w.Flush()
}

// split returns the namespace and the name of a qualified name.
func split(name string) (ns, local string) {
	i := strings.LastIndexByte(name, '.')
	return name[:max(i, 0)], name[i+1:]
}

func in(ns, name string) bool {
	n, _ := split(name)
	return name != "" && n == ns
}

func (s Schema) names() []string {
	var names []string
	for _, e := range s.Enums {
		names = append(names, e.Name)
	}
	for _, t := range s.Types {
		names = append(names, t.Name)
	}
	if s.Container.Name != "" {
		names = append(names, s.Container.Name)
	}
	return names
}

// namespaces returns the namespaces, sorted.
func (s Schema) namespaces() []string {
	var list []string
	for _, name := range s.names() {
		ns, _ := split(name)
		list = append(list, ns)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func (s Schema) check() error {
	names := s.names()
	slices.Sort(names)
	for i, name := range names {
		if ns, local := split(name); ns == "" || local == "" {
			return fmt.Errorf("schema: the name %q has no namespace", name)
		}
		if i > 0 && names[i-1] == name {
			return fmt.Errorf("schema: the name %q is there twice", name)
		}
	}
	for _, t := range s.Types {
		if t.Base != nil && !slices.Contains(s.Types, t.Base) {
			return fmt.Errorf("schema: the base %q of %q is not listed", t.Base.Name, t.Name)
		}
		for i := range t.Properties {
			p := &t.Properties[i]
			if p.Type != nil && !slices.Contains(s.Types, p.Type) || p.Enum != nil && !slices.Contains(s.Enums, p.Enum) {
				return fmt.Errorf("schema: the type %q of %q in %q is not listed", p.TypeName(), p.Name, t.Name)
			}
			if p.Navigation && (p.Type == nil || p.Type.Kind != EntityType) {
				return fmt.Errorf("schema: %q in %q leads to no entity", p.Name, t.Name)
			}
		}
	}
	for _, r := range slices.Concat(s.Container.Sets, s.Container.Singletons) {
		if !slices.Contains(s.Types, r.Type) {
			return fmt.Errorf("schema: the type of %q is not listed", r.Name)
		}
	}
	return nil
}

type metadataWriter struct{ w *bufio.Writer }

// line writes one line. The arguments are escaped; an error stays in w until it is flushed.
func (m *metadataWriter) line(indent int, format string, args ...string) {
	escaped := make([]any, len(args))
	for i, arg := range args {
		var b bytes.Buffer
		_ = xml.EscapeText(&b, []byte(arg)) // a Buffer takes everything
		escaped[i] = b.String()
	}
	fmt.Fprintf(m.w, strings.Repeat("  ", indent)+format+"\n", escaped...)
}

func (m *metadataWriter) enum(e *Enum) {
	_, local := split(e.Name)
	m.line(3, `<EnumType Name="%s">`, local)
	for _, member := range e.Members {
		m.line(4, `<Member Name="%s" Value="%s"/>`, member.Name, fmt.Sprint(member.Value))
	}
	m.line(3, "</EnumType>")
}

func (m *metadataWriter) typ(t *Type) {
	element := "ComplexType"
	if t.Kind == EntityType {
		element = "EntityType"
	}
	_, local := split(t.Name)
	attrs := []string{local}
	format := "<" + element + ` Name="%s"`
	if t.Base != nil {
		format += ` BaseType="%s"`
		attrs = append(attrs, t.Base.Name)
	}
	if t.Abstract {
		format += ` Abstract="true"`
	}
	m.line(3, format+">", attrs...)
	if t.Key != "" {
		m.line(4, "<Key>")
		m.line(5, `<PropertyRef Name="%s"/>`, t.Key)
		m.line(4, "</Key>")
	}
	for _, navigation := range []bool{false, true} {
		for i := range t.Properties {
			if p := &t.Properties[i]; p.Navigation == navigation && !p.Annotation() {
				m.property(p)
			}
		}
	}
	m.line(3, "</"+element+">")
}

func (m *metadataWriter) property(p *Property) {
	typeName, element := p.TypeName(), "Property"
	if p.Collection {
		typeName = "Collection(" + typeName + ")"
	}
	suffix := ""
	// Nullable is true unless it is said. On a collection it is about the elements, and navigations to
	// collections must not have it.
	if !p.Nullable && (!p.Navigation || !p.Collection) {
		suffix = ` Nullable="false"`
	}
	if p.Navigation {
		element = "NavigationProperty"
		if p.Contained {
			suffix += ` ContainsTarget="true"`
		}
	}
	m.line(4, "<"+element+` Name="%s" Type="%s"`+suffix+"/>", p.Name, typeName)
}

func (m *metadataWriter) container(c Container) {
	_, local := split(c.Name)
	m.line(3, `<EntityContainer Name="%s">`, local)
	for _, r := range c.Sets {
		m.line(4, `<EntitySet Name="%s" EntityType="%s"/>`, r.Name, r.Type.Name)
	}
	for _, r := range c.Singletons {
		m.line(4, `<Singleton Name="%s" Type="%s"/>`, r.Name, r.Type.Name)
	}
	m.line(3, "</EntityContainer>")
}
