package odata

import "fmt"

// has makes the comparison of an enum with a literal.
func (p *parser) has(at int, x Expr) (Expr, error) {
	if x.Kind() != EnumType || enumOf(x) == nil {
		return nil, p.errorf(at, "'has' at position %d needs an enumeration, but %s is %s", at, clip(x.String()), typeName(x))
	}
	start := p.tok
	v, err := p.operand()
	if err != nil {
		return nil, err
	}
	if lit, ok := v.(*Literal); !ok || lit.Prim != String && lit.Prim != EnumType {
		return nil, p.errorf(start.pos, "'has' at position %d needs a member, found %s", at, start.found())
	}
	return p.compare(Has, at, x, v)
}

// member makes the test of x against a list.
func (p *parser) member(at int, x Expr, list []*Literal) (Expr, error) {
	for i, v := range list {
		adapted, lit, err := p.match(x, v)
		if err != nil {
			return nil, err
		}
		if x.Kind().structured() || x.Kind() != Null && lit.Kind() != Null && !comparable(adapted, lit) {
			return nil, p.mismatch(v.At, x, lit, "'in'", fmt.Sprintf(" at position %d", v.At))
		}
		list[i] = lit.(*Literal)
	}
	return computed(&In{at, x, list, isExact(x)}), nil
}

// function makes a call after checking its arguments, all of which are strings.
func (p *parser) function(f Func, at int, args []Expr) (Expr, error) {
	for _, arg := range args {
		if _, ok := arg.(*Literal); ok {
			continue // not before it is adapted to the other argument
		}
		if err := p.text(f, arg); err != nil {
			return nil, err
		}
	}
	if len(args) == 2 {
		var err error
		if args[0], args[1], err = p.match(args[0], args[1]); err != nil {
			return nil, err
		}
	}
	x := &Call{At: at, Func: f, Args: args}
	for _, arg := range args {
		if err := p.text(f, arg); err != nil {
			return nil, err
		}
		x.Exact = x.Exact || f <= Contains && isExact(arg)
	}
	return computed(x), nil
}

// text checks that an argument of f is a string.
func (p *parser) text(f Func, arg Expr) error {
	if path, ok := arg.(*Path); ok && path.collection() {
		return p.notValue(path)
	}
	if k := arg.Kind(); k != String && k != Null {
		return p.errorf(arg.Pos(), "%s needs a string at position %d, but %s is %s",
			f, arg.Pos(), clip(arg.String()), typeName(arg))
	}
	return nil
}
