package stix

import (
	"fmt"
	"strconv"
	"strings"
)

// A Pattern is a parsed STIX pattern (STIX 2.1, part 9). It is immutable.
type Pattern struct{ Root Observation }

// String writes the pattern in one canonical spelling: single blanks, the
// symbols = and !=, path keys quoted only where they must be, parentheses only
// where the reading depends on them. Parsing it gives an equal pattern.
func (p Pattern) String() string {
	var b strings.Builder
	p.Root.write(&b, 0)
	return b.String()
}

// An Observation is a node of the outer language, which speaks of separate
// observations: [Observed], [Combined] or [Qualified].
type Observation interface {
	// write appends the node; outer is the binding strength of the operator
	// around it, and a node that binds weaker puts itself in parentheses.
	write(b *strings.Builder, outer int)
}

// Observed is one observation: a comparison in square brackets.
type Observed struct{ Comparison Comparison }

// Combined is two or more observations under one operator.
type Combined struct {
	Op    string // AND, OR, FOLLOWEDBY
	Parts []Observation
}

// Qualified is an observation with a qualifier. Which fields count follows from
// Kind: WITHIN has Value (seconds), REPEATS has Value (times), START has Value
// and Stop (timestamps).
type Qualified struct {
	Part        Observation
	Kind        string // WITHIN, REPEATS, START
	Value, Stop Literal
}

// A Comparison is a node of the inner language, which speaks of one
// observation: [Test] or [Logic].
type Comparison interface {
	write(b *strings.Builder, outer int)
}

// Logic is two or more comparisons under one operator.
type Logic struct {
	Op    string // AND, OR
	Parts []Comparison
}

// A Test compares what a path leads to with constants.
type Test struct {
	Pos    int // byte offset of the test in the source
	Path   Path
	Not    bool      // NOT stands before the operator
	Op     string    // = != < > <= >= IN LIKE MATCHES ISSUBSET ISSUPERSET EXISTS
	Values []Literal // none for EXISTS, any number for IN, else one
}

// A Path names a property: the object's type, then steps into it.
type Path struct {
	Type  string
	Steps []Step // at least one, the first a key
}

// A Step is a key, or an index into a list: a number, or * for any element.
type Step struct {
	Key   string
	Index string // "" for a key
}

// LiteralKind tells the types of constants apart.
type LiteralKind string

// The types of constants.
const (
	StringLiteral    LiteralKind = "string"
	IntegerLiteral   LiteralKind = "integer"
	FloatLiteral     LiteralKind = "float"
	BooleanLiteral   LiteralKind = "boolean"
	BinaryLiteral    LiteralKind = "binary"    // Text is base64
	HexLiteral       LiteralKind = "hex"       // Text is lower-case digits
	TimestampLiteral LiteralKind = "timestamp" // Text is RFC 3339 in UTC
)

// A Literal is a constant; Text is its value without quotes and escapes.
type Literal struct {
	Kind LiteralKind
	Text string
}

// How strongly the operators bind, weakest first.
const (
	bindFollowed = 1 + iota
	bindOr
	bindAnd
	bindUnit
)

func binding(op string) int {
	switch op {
	case "FOLLOWEDBY":
		return bindFollowed
	case "OR":
		return bindOr
	}
	return bindAnd
}

func (o Observed) write(b *strings.Builder, _ int) {
	b.WriteByte('[')
	o.Comparison.write(b, 0)
	b.WriteByte(']')
}

func (c Combined) write(b *strings.Builder, outer int) { writeParts(b, c.Op, c.Parts, outer) }
func (l Logic) write(b *strings.Builder, outer int)    { writeParts(b, l.Op, l.Parts, outer) }

func writeParts[T interface{ write(*strings.Builder, int) }](b *strings.Builder, op string, parts []T, outer int) {
	bind := binding(op)
	if bind < outer {
		b.WriteByte('(')
		defer b.WriteByte(')')
	}
	for i, p := range parts {
		if i > 0 {
			b.WriteString(" " + op + " ")
		}
		// A part that is itself a chain of the same operator was in
		// parentheses, and keeps them.
		p.write(b, bind+1)
	}
}

func (q Qualified) write(b *strings.Builder, _ int) {
	q.Part.write(b, bindUnit)
	switch q.Kind {
	case "WITHIN":
		fmt.Fprintf(b, " WITHIN %s SECONDS", q.Value)
	case "REPEATS":
		fmt.Fprintf(b, " REPEATS %s TIMES", q.Value)
	case "START":
		fmt.Fprintf(b, " START %s STOP %s", q.Value, q.Stop)
	}
}

func (t Test) write(b *strings.Builder, _ int) {
	if t.Op == "EXISTS" {
		if t.Not {
			b.WriteString("NOT ")
		}
		b.WriteString("EXISTS ")
		t.Path.write(b)
		return
	}
	t.Path.write(b)
	if t.Not {
		b.WriteString(" NOT")
	}
	b.WriteString(" " + t.Op + " ")
	if t.Op != "IN" {
		b.WriteString(t.Values[0].String())
		return
	}
	b.WriteByte('(')
	for i, v := range t.Values {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(v.String())
	}
	b.WriteByte(')')
}

// String writes the path as patterns spell it: file:hashes.'SHA-256'.
func (p Path) String() string {
	var b strings.Builder
	p.write(&b)
	return b.String()
}

func (p Path) write(b *strings.Builder) {
	b.WriteString(p.Type)
	for i, s := range p.Steps {
		switch {
		case s.Index != "":
			b.WriteString("[" + s.Index + "]")
			continue
		case i == 0:
			b.WriteByte(':')
		default:
			b.WriteByte('.')
		}
		if plainKey(s.Key) {
			b.WriteString(s.Key)
		} else {
			b.WriteString(quote(s.Key))
		}
	}
}

// String writes the literal as patterns spell it.
func (l Literal) String() string {
	switch l.Kind {
	case StringLiteral:
		return quote(l.Text)
	case BinaryLiteral:
		return "b'" + l.Text + "'"
	case HexLiteral:
		return "h'" + l.Text + "'"
	case TimestampLiteral:
		return "t'" + l.Text + "'"
	}
	return l.Text
}

var quoting = strings.NewReplacer(`\`, `\\`, `'`, `\'`)

func quote(s string) string { return "'" + quoting.Replace(s) + "'" }

// A PatternError says where a pattern is wrong.
type PatternError struct {
	Pos int // byte offset, from 0
	Msg string
}

func (e *PatternError) Error() string { return "pattern: at " + strconv.Itoa(e.Pos) + ": " + e.Msg }
