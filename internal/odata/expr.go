package odata

import "strings"

// An Expr is a node of a filter: [*Literal], [*Path], [*Compare], [*In], [*And], [*Or], [*Not], [*Call] or [*Lambda].
type Expr interface {
	// Pos returns where the node begins in the option's decoded text, in code points from 1. For an operator
	// with operands on both sides that is where the operator stands.
	Pos() int
	// Kind returns what kind of value the node has.
	Kind() Primitive
	// String returns the node as canonical OData, which parses to the same tree.
	String() string

	write(b *strings.Builder, inLambda bool)
}

// A Literal is a constant. Prim says which of the other fields holds the value.
type Literal struct {
	At     int
	Prim   Primitive
	Str    string  // String; Guid, in lower case
	Int    int64   // Int64; DateTimeOffset in milliseconds since 1970 UTC, truncated; value of the EnumType member
	Float  float64 // Double, always finite
	Bool   bool    // Boolean
	Enum   *Enum   // EnumType
	Member *Member // EnumType

	typeName string // of an enum literal as written, until it is resolved against the other operand
}

// A Variable is the range variable of a lambda. Paths refer to it by pointer.
type Variable struct {
	Name string
	At   int
	Of   *Property // the collection that it ranges over; its Type, if any, is the type of the variable
}

// A Path leads from the entity, or from a range variable, to a value.
// In a tree that parsed, only the path of a [Lambda] and one with Count end at a collection, and only a path compared
// with null ends at a structure.
type Path struct {
	At    int
	Var   *Variable // nil: the entity itself
	Steps []Step    // empty only for a range variable itself, or $it
	Count bool      // ends in /$count: the number of elements

	it *Type // type of the entity, for a path without steps
}

// A Step of a path is a property or a type cast.
type Step struct {
	At       int
	Property *Property // nil for a cast
	Cast     *Type     // nil for a property
	Owner    *Type     // the type, after casts, in which the step is taken
}

// An Op is a comparison operator.
type Op uint8

// The operators. Has is the same as Eq, since no enumeration here is a set of flags.
const (
	Eq Op = iota
	Ne
	Gt
	Ge
	Lt
	Le
	Has
)

var opNames = [...]string{"eq", "ne", "gt", "ge", "lt", "le", "has"}

// String returns the operator as it is written.
func (o Op) String() string { return opNames[o] }

// A Compare is two operands with an operator between. At most one of them is a Literal. Either may be any expression, also a
// Boolean one, as in contains(title,'x') eq false.
//
// Eq and Ne are never null: null equals null only. The others are false if an operand is null.
type Compare struct {
	At    int
	Op    Op
	L, R  Expr
	Exact bool // strings compare as they are; otherwise by their [Fold]
}

// An In tests an operand against a list of literals, of which one may be null. It is never null.
type In struct {
	At    int
	X     Expr // not a Literal
	List  []*Literal
	Exact bool // as in Compare
}

// An And is a conjunction of two or more terms, none of which is an And.
type And struct{ Terms []Expr }

// An Or is a disjunction of two or more terms, none of which is an Or.
type Or struct{ Terms []Expr }

// A Not negates its operand; null stays null.
type Not struct {
	At int
	X  Expr
}

// A Func is a function.
type Func uint8

// The functions.
const (
	StartsWith Func = iota // StartsWith(text, prefix) Boolean
	EndsWith               // EndsWith(text, suffix) Boolean
	Contains               // Contains(text, part) Boolean
	ToLower                // ToLower(text) String
	ToUpper                // ToUpper(text) String
	Length                 // Length(text) Int32, in code points
)

var funcNames = [...]string{"startswith", "endswith", "contains", "tolower", "toupper", "length"}

// String returns the function as it is written.
func (f Func) String() string { return funcNames[f] }

// A Call is a function of strings. It is null if an argument is null. At least one argument is not a Literal.
type Call struct {
	At    int
	Func  Func
	Args  []Expr
	Exact bool // as in Compare; for StartsWith, EndsWith, Contains
}

// A Lambda tests the elements of a collection: any is true if Body is true for at least one, all if it is true for each.
// It is null only if the path to the collection leads over a null.
type Lambda struct {
	At   int
	Path *Path // ends at a collection
	All  bool
	Var  *Variable // nil if Body is
	Body Expr      // nil for any(): true if the collection has elements
}

// Pos returns where the literal begins.
func (x *Literal) Pos() int { return x.At }

// Pos returns where the path begins.
func (x *Path) Pos() int { return x.At }

// Pos returns where the operator stands.
func (x *Compare) Pos() int { return x.At }

// Pos returns where the operator stands.
func (x *In) Pos() int { return x.At }

// Pos returns where the first term begins.
func (x *And) Pos() int { return x.Terms[0].Pos() }

// Pos returns where the first term begins.
func (x *Or) Pos() int { return x.Terms[0].Pos() }

// Pos returns where the operator stands.
func (x *Not) Pos() int { return x.At }

// Pos returns where the name of the function stands.
func (x *Call) Pos() int { return x.At }

// Pos returns where the path begins.
func (x *Lambda) Pos() int { return x.Path.At }

// Kind returns Prim.
func (x *Literal) Kind() Primitive { return x.Prim }

// Kind returns the kind of what the path leads to; of an element, if that is a collection.
func (x *Path) Kind() Primitive {
	if x.Count {
		return Int64
	}
	if n := len(x.Steps); n > 0 {
		if s := x.Steps[n-1]; s.Property == nil {
			return s.Cast.Kind
		}
	}
	if p := x.Leaf(); p != nil {
		return p.Kind()
	}
	return EntityType
}

// Kind returns Boolean.
func (x *Compare) Kind() Primitive { return Boolean }

// Kind returns Boolean.
func (x *In) Kind() Primitive { return Boolean }

// Kind returns Boolean.
func (x *And) Kind() Primitive { return Boolean }

// Kind returns Boolean.
func (x *Or) Kind() Primitive { return Boolean }

// Kind returns Boolean.
func (x *Not) Kind() Primitive { return Boolean }

// Kind returns Boolean.
func (x *Lambda) Kind() Primitive { return Boolean }

// Kind returns what the function returns.
func (x *Call) Kind() Primitive {
	switch x.Func {
	case ToLower, ToUpper:
		return String
	case Length:
		return Int32
	}
	return Boolean
}
