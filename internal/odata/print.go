package odata

import (
	"strconv"
	"strings"
)

// String returns the literal as it stands in a filter.
func (x *Literal) String() string { return text(x) }

// String returns the path. Inside a lambda, one that begins at the entity gets a $it in front.
func (x *Path) String() string { return text(x) }

// String returns the comparison.
func (x *Compare) String() string { return text(x) }

// String returns the test.
func (x *In) String() string { return text(x) }

// String returns the terms joined by and.
func (x *And) String() string { return text(x) }

// String returns the terms joined by or.
func (x *Or) String() string { return text(x) }

// String returns not and the operand.
func (x *Not) String() string { return text(x) }

// String returns the call.
func (x *Call) String() string { return text(x) }

// String returns the path, any or all, and the condition.
func (x *Lambda) String() string { return text(x) }

func text(e Expr) string {
	var b strings.Builder
	e.write(&b, false)
	return b.String()
}

func (x *Literal) write(b *strings.Builder, _ bool) {
	switch x.Prim {
	case String:
		b.WriteString(quote(x.Str))
	case Guid:
		b.WriteString(x.Str)
	case DateTimeOffset:
		b.WriteString(formatDate(x.Int))
	case Double:
		b.WriteString(strconv.FormatFloat(x.Float, 'e', -1, 64)) // the exponent keeps it a Double
	case Boolean:
		b.WriteString(strconv.FormatBool(x.Bool))
	case EnumType:
		if x.Member == nil {
			b.WriteString(x.typeName + quote(x.Str))
			return
		}
		b.WriteString(quote(x.Member.Name))
	case Null:
		b.WriteString("null")
	default:
		b.WriteString(strconv.FormatInt(x.Int, 10))
	}
}

func (x *Path) write(b *strings.Builder, inLambda bool) {
	sep := ""
	switch {
	case x.Var != nil:
		b.WriteString(x.Var.Name)
		sep = "/"
	case inLambda || len(x.Steps) == 0:
		b.WriteString("$it")
		sep = "/"
	}
	for _, s := range x.Steps {
		b.WriteString(sep)
		sep = "/"
		if s.Property != nil {
			b.WriteString(s.Property.Name)
		} else {
			b.WriteString(s.Cast.Name)
		}
	}
	if x.Count {
		b.WriteString("/$count")
	}
}

func (x *Compare) write(b *strings.Builder, inLambda bool) {
	writeOperand(b, x.L, inLambda, false)
	b.WriteString(" " + x.Op.String() + " ")
	writeOperand(b, x.R, inLambda, false)
}

func (x *In) write(b *strings.Builder, inLambda bool) {
	writeOperand(b, x.X, inLambda, true)
	b.WriteString(" in (")
	for i, v := range x.List {
		if i > 0 {
			b.WriteByte(',')
		}
		v.write(b, inLambda)
	}
	b.WriteByte(')')
}

func (x *And) write(b *strings.Builder, inLambda bool) { writeChain(b, x.Terms, " and ", inLambda) }

func (x *Or) write(b *strings.Builder, inLambda bool) { writeChain(b, x.Terms, " or ", inLambda) }

func (x *Not) write(b *strings.Builder, inLambda bool) {
	b.WriteString("not ")
	writeOperand(b, x.X, inLambda, false)
}

func (x *Call) write(b *strings.Builder, inLambda bool) {
	b.WriteString(x.Func.String())
	b.WriteByte('(')
	for i, arg := range x.Args {
		if i > 0 {
			b.WriteByte(',')
		}
		arg.write(b, inLambda)
	}
	b.WriteByte(')')
}

func (x *Lambda) write(b *strings.Builder, inLambda bool) {
	x.Path.write(b, inLambda)
	if x.All {
		b.WriteString("/all(")
	} else {
		b.WriteString("/any(")
	}
	if x.Body != nil {
		b.WriteString(x.Var.Name + ":")
		x.Body.write(b, true)
	}
	b.WriteByte(')')
}

// writeChain writes terms. Only an or inside an and needs parentheses: the parser keeps chains flat.
func writeChain(b *strings.Builder, terms []Expr, word string, inLambda bool) {
	for i, e := range terms {
		if i > 0 {
			b.WriteString(word)
		}
		_, or := e.(*Or)
		writeParen(b, e, inLambda, or)
	}
}

// writeOperand writes an operand of something that binds tighter than comparisons; primary if it binds tighter than not.
func writeOperand(b *strings.Builder, e Expr, inLambda, primary bool) {
	loose := false
	switch e.(type) {
	case *Compare, *And, *Or:
		loose = true
	case *Not:
		loose = primary
	}
	writeParen(b, e, inLambda, loose)
}

func writeParen(b *strings.Builder, e Expr, inLambda, paren bool) {
	if paren {
		b.WriteByte('(')
	}
	e.write(b, inLambda)
	if paren {
		b.WriteByte(')')
	}
}
