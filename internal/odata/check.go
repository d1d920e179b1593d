package odata

import (
	"fmt"
	"slices"
	"strings"
)

// condition checks that e can be true or false. The word is the operator that needs it, "" if none.
func (p *parser) condition(e Expr, word string) error {
	if path, ok := e.(*Path); ok && path.collection() {
		return p.notValue(path)
	}
	switch e.Kind() {
	case Boolean, Null:
		return nil
	}
	switch text := clip(e.String()); word {
	case "":
		return p.errorf(e.Pos(), "expected a condition at position %d, but %s is %s", e.Pos(), text, typeName(e))
	case "not":
		return p.errorf(e.Pos(), "'not' needs a condition at position %d, but %s is %s: "+
			"it binds tighter than 'eq', write not (…)", e.Pos(), text, typeName(e))
	default:
		return p.errorf(e.Pos(), "'%s' needs a condition at position %d, but %s is %s", word, e.Pos(), text, typeName(e))
	}
}

// notValue reports a collection that stands where a single value must.
func (p *parser) notValue(path *Path) error {
	name := clip(path.String())
	if p.lex.option == "$orderby" {
		return p.errorf(path.At, "'%s' at position %d is a collection: order by %s/$count", name, path.At, name)
	}
	return p.errorf(path.At, "'%s' at position %d is a collection: use %s/any(x:…), %s/all(x:…) or %s/$count",
		name, path.At, name, name, name)
}

// typeName names the type of e for a message.
func typeName(e Expr) string {
	switch e := e.(type) {
	case *Path:
		if e.Count {
			return Int64.String()
		}
		if t := e.Type(); t != nil {
			return t.Name
		}
		return e.Leaf().TypeName()
	case *Literal:
		if e.Prim == EnumType {
			return e.typeName
		}
	}
	return e.Kind().String()
}

// compare makes a comparison after checking that the operands fit each other.
func (p *parser) compare(op Op, at int, l, r Expr) (Expr, error) {
	l, r, err := p.match(l, r)
	if err != nil {
		return nil, err
	}
	lk, rk := l.Kind(), r.Kind()
	null := lk == Null || rk == Null
	kind := lk
	if lk == Null {
		kind = rk
	}
	switch {
	case !null && !comparable(l, r):
		return nil, p.mismatch(at, l, r, fmt.Sprintf("'%s' at position %d", op, at), "")
	case kind.structured() && (!null || op > Ne || !hasProperty(l) && !hasProperty(r)):
		return nil, p.mismatch(at, l, r, fmt.Sprintf("'%s' at position %d", op, at), "")
	case kind == Boolean && op > Ne:
		return nil, p.errorf(at, "'%s' at position %d cannot order true and false", op, at)
	}
	exact := kind == String && (isExact(l) || isExact(r))
	return computed(&Compare{at, op, l, r, exact}), nil
}

// comparable reports whether values of the two kinds, none of them null, can be compared.
func comparable(l, r Expr) bool {
	lk, rk := l.Kind(), r.Kind()
	if lk.numeric() && rk.numeric() {
		return true
	}
	return lk == rk && !lk.structured() && (lk != EnumType || enumOf(l) == enumOf(r))
}

// hasProperty reports whether e is a path that is more than a variable with casts, which is an element itself.
func hasProperty(e Expr) bool {
	path, ok := e.(*Path)
	return ok && slices.ContainsFunc(path.Steps, func(s Step) bool { return s.Property != nil })
}

func enumOf(e Expr) *Enum {
	switch e := e.(type) {
	case *Path:
		return e.Leaf().Enum
	case *Literal:
		return e.Enum
	}
	return nil
}

// match gives a literal the type of the other operand, and refuses collections.
func (p *parser) match(l, r Expr) (Expr, Expr, error) {
	for _, e := range []Expr{l, r} {
		if path, ok := e.(*Path); ok && path.collection() {
			return nil, nil, p.notValue(path)
		}
	}
	ll, lIsLit := l.(*Literal)
	rl, rIsLit := r.(*Literal)
	var err error
	if lIsLit {
		l, err = p.adapt(ll, r)
	}
	if rIsLit && err == nil {
		r, err = p.adapt(rl, l)
	}
	return l, r, err
}

// adapt returns the literal in the form in which it is compared with x. A literal that fits in no form is returned as it is.
func (p *parser) adapt(lit *Literal, x Expr) (Expr, error) {
	kind := x.Kind()
	switch {
	case kind == EnumType && (lit.Prim == String || lit.Prim == EnumType && lit.Enum == nil):
		if enum := enumOf(x); enum != nil {
			return p.enumLiteral(lit, enum)
		}
	case kind == String && lit.Prim == Guid:
		lit = &Literal{At: lit.At, Prim: String, Str: lit.Str}
	}
	if lit.Prim == EnumType && lit.Enum == nil {
		return nil, p.errorf(lit.At, "%s'%s' at position %d is compared with %s, which is %s",
			clip(lit.typeName), clip(lit.Str), lit.At, clip(x.String()), typeName(x))
	}
	if lit.Prim == String && isLowerKey(x) {
		lit = &Literal{At: lit.At, Prim: String, Str: strings.ToLower(lit.Str)}
	}
	return lit, nil
}

func (p *parser) enumLiteral(lit *Literal, enum *Enum) (Expr, error) {
	if lit.Prim == EnumType && lit.typeName != enum.Name {
		return nil, p.errorf(lit.At, "'%s' at position %d is not the type '%s'", clip(lit.typeName), lit.At, enum.Name)
	}
	m := enum.Member(lit.Str)
	if m == nil {
		names := make([]string, len(enum.Members))
		for i, m := range enum.Members {
			names[i] = quote(m.Name)
		}
		return nil, p.errorf(lit.At, "'%s' at position %d is no member of '%s': use one of %s",
			clip(lit.Str), lit.At, enum.Name, strings.Join(names, ", "))
	}
	return &Literal{At: lit.At, Prim: EnumType, Int: int64(m.Value), Enum: enum, Member: m, typeName: enum.Name}, nil
}

// mismatch reports operands that do not fit, with a hint where the mistake is a common one.
// Subject and after stand around the words that say what cannot be compared.
func (p *parser) mismatch(at int, l, r Expr, subject, after string) error {
	hint := ""
	for _, pair := range [][2]Expr{{l, r}, {r, l}} {
		lit, ok := pair[0].(*Literal)
		if !ok {
			continue
		}
		switch kind := pair[1].Kind(); {
		case lit.Prim == String && kind == DateTimeOffset:
			hint = ": date-times are written without quotes"
		case lit.Prim == String && kind == Boolean:
			hint = ": true and false are written without quotes"
		case lit.Prim == String && kind.numeric():
			hint = ": numbers are written without quotes"
		case kind == String:
			hint = ": text is written in single quotes"
		case kind.structured():
			hint = ": compare one of its properties"
		}
	}
	return p.errorf(at, "%s cannot compare %s (%s) with %s (%s)%s%s",
		subject, clip(l.String()), typeName(l), clip(r.String()), typeName(r), after, hint)
}

// isExact reports whether e is a string that compares as it is.
func isExact(e Expr) bool {
	switch e := e.(type) {
	case *Path:
		return e.Kind() == String && e.Leaf().Exact
	case *Call:
		return e.Kind() == String && isExact(e.Args[0])
	}
	return false
}

// isLowerKey reports whether e is a key that is stored in lower case.
func isLowerKey(e Expr) bool {
	switch e := e.(type) {
	case *Path:
		return e.lowerKey()
	case *Call:
		return e.Func == ToLower && isLowerKey(e.Args[0])
	}
	return false
}
