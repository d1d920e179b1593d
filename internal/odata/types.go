package odata

import (
	"iter"
	"strconv"
	"strings"
)

// A Primitive is what kind of value a property or an expression has.
type Primitive uint8

// The kinds of values. String is the zero value, since most properties are strings.
const (
	String         Primitive = iota
	DateTimeOffset           // milliseconds since 1970 UTC
	Int32
	Int64
	Double
	Boolean
	Guid
	EnumType    // a member of an [Enum]
	ComplexType // a structure without identity
	EntityType  // a structure with a key
	Null        // the literal null only
)

var primitiveNames = [...]string{
	"Edm.String", "Edm.DateTimeOffset", "Edm.Int32", "Edm.Int64", "Edm.Double", "Edm.Boolean", "Edm.Guid",
	"Edm.EnumType", "Edm.ComplexType", "Edm.EntityType", "null",
}

// String returns the name in OData, such as Edm.String.
func (p Primitive) String() string {
	if int(p) < len(primitiveNames) {
		return primitiveNames[p]
	}
	return "Primitive(" + strconv.Itoa(int(p)) + ")"
}

func (p Primitive) numeric() bool    { return p == Int32 || p == Int64 || p == Double }
func (p Primitive) structured() bool { return p == ComplexType || p == EntityType }

// A Type is an entity type or a complex type. Types refer to one another, so a table is built in a function and
// finished with [Link].
type Type struct {
	Name       string    // qualified: microsoft.graph.security.intelligenceProfile
	Kind       Primitive // EntityType or ComplexType
	Base       *Type     // nil if none
	Abstract   bool
	Key        string // name of the key property; set where it is declared, derived types inherit it
	Properties []Property
	Derived    []*Type // direct children; see Link

	// LowerKey says that keys of this type and of those derived from it are stored in lower case:
	// literals compared with such a key are lower-cased.
	LowerKey bool
}

// A Property describes one property of a type. The zero value of everything but Name is a non-nullable string that may be
// filtered and sorted.
type Property struct {
	Name string    // as declared; an instance annotation starts with '@', as in @dossier.confidence
	Prim Primitive // may be left out where Type or Enum is set
	Type *Type     // of complex and navigation properties
	Enum *Enum     // of enum properties

	Collection bool // a collection of these
	Nullable   bool // of a collection: its elements, for $metadata only
	Navigation bool // leads to entities
	Contained  bool // of a navigation: its targets have no other home
	Inlined    bool // of a navigation: part of the body without $expand

	Exact      bool // strings compare as they are, not folded: id, value
	Searchable bool // $search="name:text" may be restricted to it
	Expandable bool // of a navigation: may stand in $expand
	NoFilter   bool // refused in $filter
	NoSort     bool // refused in $orderby
}

// Kind returns the kind of the property, or of one element if it is a collection.
func (p *Property) Kind() Primitive {
	switch {
	case p.Type != nil:
		return p.Type.Kind
	case p.Enum != nil:
		return EnumType
	}
	return p.Prim
}

// Annotation reports whether p is an instance annotation: its name starts with '@'.
func (p *Property) Annotation() bool { return strings.HasPrefix(p.Name, "@") }

// TypeName returns the qualified name of the type of one value: Edm.String, microsoft.graph.security.host.
func (p *Property) TypeName() string {
	switch {
	case p.Type != nil:
		return p.Type.Name
	case p.Enum != nil:
		return p.Enum.Name
	}
	return p.Prim.String()
}

// An Enum is an enumeration. Its values compare and sort by Value.
type Enum struct {
	Name    string // qualified
	Members []Member
}

// A Member is one member of an Enum.
type Member struct {
	Name  string
	Value int
}

// Member returns the member with the given name, in any case, or nil if there is none.
func (e *Enum) Member(name string) *Member {
	for i := range e.Members {
		if equalFold(e.Members[i].Name, name) {
			return &e.Members[i]
		}
	}
	return nil
}

// Link fills Derived of every type from the Base of the others, in the given order. It is called once, when the table is
// complete.
func Link(types ...*Type) {
	for _, t := range types {
		t.Derived = nil
	}
	for _, t := range types {
		if t.Base != nil {
			t.Base.Derived = append(t.Base.Derived, t)
		}
	}
}

// Property returns the property with the given name, in any case, declared by t or a type it is derived from;
// nil if there is none.
func (t *Type) Property(name string) *Property {
	for ; t != nil; t = t.Base {
		for i := range t.Properties {
			if equalFold(t.Properties[i].Name, name) {
				return &t.Properties[i]
			}
		}
	}
	return nil
}

// All yields the properties of t in the order they are printed: structural ones before navigations, and
// inherited before own.
func (t *Type) All() iter.Seq[*Property] {
	return func(yield func(*Property) bool) {
		_ = t.each(false, yield) && t.each(true, yield)
	}
}

func (t *Type) each(navigation bool, yield func(*Property) bool) bool {
	if t == nil {
		return true
	}
	if !t.Base.each(navigation, yield) {
		return false
	}
	for i := range t.Properties {
		if p := &t.Properties[i]; p.Navigation == navigation && !yield(p) {
			return false
		}
	}
	return true
}

// Is reports whether t is base or derived from it.
func (t *Type) Is(base *Type) bool {
	for ; t != nil; t = t.Base {
		if t == base {
			return true
		}
	}
	return false
}

// KeyName returns the name of the key property, "" for complex types.
func (t *Type) KeyName() string {
	for ; t != nil; t = t.Base {
		if t.Key != "" {
			return t.Key
		}
	}
	return ""
}

// Cast returns the type with the qualified name that a value declared as t may be cast to: t itself,
// a type derived from it, or a type that it is derived from. It returns nil if there is none.
func (t *Type) Cast(name string) *Type {
	if d := t.derived(name); d != nil {
		return d
	}
	for b := t.Base; b != nil; b = b.Base {
		if b.Name == name {
			return b
		}
	}
	return nil
}

func (t *Type) derived(name string) *Type {
	if t.Name == name {
		return t
	}
	for _, d := range t.Derived {
		if found := d.derived(name); found != nil {
			return found
		}
	}
	return nil
}

func (t *Type) lowerKey() bool {
	for ; t != nil; t = t.Base {
		if t.LowerKey {
			return true
		}
	}
	return false
}

// equalFold compares names: only ASCII letters have two cases.
func equalFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if lowerASCII(a[i]) != lowerASCII(b[i]) {
			return false
		}
	}
	return true
}

func lowerASCII(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
