package odata

import "strings"

// path reads a property path, whose first word has been taken, and what may follow it: /$count, a lambda.
func (p *parser) path(first token) (Expr, error) {
	path := &Path{At: first.pos, it: p.typ}
	if !p.variable(path, first) {
		if err := p.step(path, first); err != nil {
			return nil, err
		}
	}
	for p.tok.is('/') {
		if err := p.advance(); err != nil {
			return nil, err
		}
		t := p.tok
		if t.kind != tokWord {
			return nil, p.errorf(t.pos, "expected a property at position %d, found %s", t.pos, t.found())
		}
		if err := p.advance(); err != nil {
			return nil, err
		}
		switch lambda := (t.word("any") || t.word("all")) && p.tok.is('('); {
		case path.Count:
			return nil, p.errorf(t.pos, "nothing may follow $count, found '%s' at position %d", clip(t.text), t.pos)
		case lambda && path.collection():
			return p.lambda(path, t)
		case lambda:
			return nil, p.errorf(t.pos, "%s at position %d needs a collection, which '%s' is not",
				strings.ToLower(t.text), t.pos, clip(path.String()))
		case t.word("$count") && path.collection():
			path.Count = true
		case t.word("$count"):
			return nil, p.errorf(t.pos, "$count at position %d needs a collection, which '%s' is not", t.pos, clip(path.String()))
		case path.collection():
			return nil, p.notValue(path)
		default:
			if err := p.step(path, t); err != nil {
				return nil, err
			}
		}
	}
	if len(path.Steps) == 0 && path.Var == nil {
		return nil, p.errorf(p.tok.pos, "expected '/' at position %d, found %s: $it is no value", p.tok.pos, p.tok.found())
	}
	return path, nil
}

// variable makes the path start at a range variable or at $it, and reports whether the word is one of these.
func (p *parser) variable(path *Path, t token) bool {
	for _, v := range p.vars {
		if v.Name == t.text {
			path.Var = v
			return true
		}
	}
	return t.word("$it")
}

// step appends the property or cast that the word names.
func (p *parser) step(path *Path, t token) error {
	owner := path.Type()
	if strings.HasPrefix(t.text, "$") {
		return p.errorf(t.pos, "'%s' at position %d is not supported", clip(t.text), t.pos)
	}
	if owner == nil { // a primitive value
		leaf := path.Leaf()
		return &Error{
			CodeBadRequest,
			"Could not find a property named '" + clip(t.text) + "' on type '" + leaf.TypeName() + "'.", p.lex.option, t.pos,
		}
	}
	if strings.Contains(t.text, ".") && t.text[0] != '@' {
		cast := owner.Cast(t.text)
		if cast == nil {
			return p.errorf(t.pos, "'%s' at position %d is no type that '%s' can be cast to", clip(t.text), t.pos, owner.Name)
		}
		path.Steps = append(path.Steps, Step{t.pos, nil, cast, owner})
		return nil
	}
	property := owner.Property(t.text)
	switch {
	case property == nil:
		return p.unknown(path, owner, t)
	case property.NoFilter && p.lex.option == "$filter", property.NoSort && p.lex.option == "$orderby":
		return &Error{CodeBadRequest, "Query not allowed on property: " + property.Name, p.lex.option, t.pos}
	}
	path.Steps = append(path.Steps, Step{t.pos, property, nil, owner})
	return nil
}

// unknown reports a word that is no property of the type. At the start of a path it may be meant as something else.
func (p *parser) unknown(path *Path, owner *Type, t token) error {
	if len(path.Steps) == 0 && path.Var == nil {
		switch {
		case isOperator(t.text):
			return p.errorf(t.pos, "expected a property, function or literal at position %d, found '%s'", t.pos, t.text)
		case p.tok.is('('):
			return p.errorf(t.pos, "the function '%s' at position %d is not supported", clip(t.text), t.pos)
		case t.text[0] == '@' && !strings.Contains(t.text, "."):
			return p.errorf(t.pos, "the parameter alias '%s' at position %d is not supported", clip(t.text), t.pos)
		}
	}
	return noProperty(p.lex.option, t.pos, t.text, owner)
}

func isOperator(word string) bool {
	switch strings.ToLower(word) {
	case "and", "or", "not", "in", "eq", "ne", "gt", "ge", "lt", "le", "has":
		return true
	}
	return false
}

// lambda reads the parentheses of any or all, whose word has been taken.
func (p *parser) lambda(path *Path, t token) (Expr, error) {
	x := &Lambda{At: t.pos, Path: path, All: t.word("all")}
	if err := p.enter(t.pos); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	if err := p.advance(); err != nil {
		return nil, err
	}
	if p.tok.is(')') {
		if x.All {
			return nil, p.errorf(t.pos, "all at position %d needs a condition", t.pos)
		}
		return x, p.advance()
	}
	if len(p.vars) == MaxLambdas {
		return nil, p.errorf(t.pos, "%s at position %d is nested in %d others, and no more than %d may be within one another: "+
			"each multiplies the work", strings.ToLower(t.text), t.pos, len(p.vars), MaxLambdas)
	}
	v, err := p.rangeVariable(path.Leaf())
	if err != nil {
		return nil, err
	}
	x.Var = v
	p.vars = append(p.vars, v)
	x.Body, err = p.or()
	p.vars = p.vars[:len(p.vars)-1]
	if err != nil {
		return nil, err
	}
	if err := p.condition(x.Body, ""); err != nil {
		return nil, err
	}
	switch {
	case p.tok.is(')'):
		return x, p.advance()
	case p.tok.kind == tokEOF:
		return nil, p.errorf(t.pos, "the parenthesis of %s at position %d is never closed", strings.ToLower(t.text), t.pos)
	}
	return nil, p.operatorExpected()
}

// rangeVariable reads "x:".
func (p *parser) rangeVariable(of *Property) (*Variable, error) {
	t := p.tok
	if t.kind != tokWord || strings.ContainsAny(t.text, ".$@") {
		return nil, p.errorf(t.pos, "expected a range variable at position %d, found %s", t.pos, t.found())
	}
	if t.word("true") || t.word("false") || t.word("null") || t.word("not") {
		return nil, p.errorf(t.pos, "'%s' at position %d cannot be a range variable", t.text, t.pos)
	}
	for _, v := range p.vars {
		if v.Name == t.text {
			return nil, p.errorf(t.pos, "the range variable '%s' at position %d is in use already", clip(t.text), t.pos)
		}
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	return &Variable{t.text, t.pos, of}, p.expect(':')
}
