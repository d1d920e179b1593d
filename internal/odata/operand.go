package odata

import (
	"fmt"
	"strings"
)

func (p *parser) primary() (Expr, error) {
	x, err := p.operand()
	for err == nil {
		at := p.tok.pos
		switch {
		case p.tok.word("has"):
			if err = p.advance(); err == nil {
				x, err = p.has(at, x)
			}
		case p.tok.word("in"):
			if err = p.advance(); err == nil {
				x, err = p.in(at, x)
			}
		default:
			return x, nil
		}
	}
	return nil, err
}

// operand reads what operators stand between.
func (p *parser) operand() (Expr, error) {
	t := p.tok
	if err := p.node(t.pos); err != nil {
		return nil, err
	}
	switch t.kind {
	case tokString, tokNumber, tokDate, tokGuid:
		x, err := p.literal(t)
		if err != nil {
			return nil, err
		}
		return x, p.advance()
	case tokWord:
		return p.wordOperand()
	}
	if !t.is('(') {
		return nil, p.operandExpected()
	}
	if err := p.enter(t.pos); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	if err := p.advance(); err != nil {
		return nil, err
	}
	e, err := p.or()
	if err != nil {
		return nil, err
	}
	switch {
	case p.tok.is(')'):
		return e, p.advance()
	case p.tok.kind == tokEOF:
		return nil, p.errorf(t.pos, "the parenthesis at position %d is never closed", t.pos)
	}
	return nil, p.operatorExpected()
}

// wordOperand reads an operand that begins with a word: a literal, function or path.
func (p *parser) wordOperand() (Expr, error) {
	t := p.tok
	if err := p.advance(); err != nil {
		return nil, err
	}
	if p.tok.kind == tokString && p.tok.start == t.end {
		return p.typedLiteral(t)
	}
	switch {
	case t.word("true"):
		return &Literal{At: t.pos, Prim: Boolean, Bool: true}, nil
	case t.word("false"):
		return &Literal{At: t.pos, Prim: Boolean}, nil
	case t.word("null"):
		return &Literal{At: t.pos, Prim: Null}, nil
	}
	if p.tok.is('(') {
		for f := range Func(len(funcNames)) {
			if t.word(f.String()) {
				return p.call(f, t)
			}
		}
	}
	return p.path(t)
}

// typedLiteral reads the string of ns.type'member', whose first word has been taken.
func (p *parser) typedLiteral(t token) (Expr, error) {
	if !strings.Contains(t.text, ".") {
		return nil, p.errorf(t.pos, "literals such as %s'…' at position %d are not supported; "+
			"numbers, dates and GUIDs are written without quotes", clip(t.text), t.pos)
	}
	x := &Literal{At: t.pos, Prim: EnumType, Str: p.tok.text, typeName: t.text}
	return x, p.advance()
}

func (p *parser) in(at int, x Expr) (Expr, error) {
	if !p.tok.is('(') {
		return nil, p.errorf(p.tok.pos, "expected a list in parentheses at position %d, found %s", p.tok.pos, p.tok.found())
	}
	open := p.tok.pos
	var list []*Literal
	for sep := byte('('); p.tok.is(sep); sep = ',' {
		if err := p.advance(); err != nil {
			return nil, err
		}
		if sep == '(' && p.tok.is(')') {
			return nil, p.errorf(open, "the list at position %d is empty", open)
		}
		if len(list) == MaxInList {
			return nil, p.errorf(p.tok.pos, "the list at position %d has more than %d values", open, MaxInList)
		}
		start := p.tok
		v, err := p.operand()
		if err != nil {
			return nil, err
		}
		lit, ok := v.(*Literal)
		if !ok || start.is('(') {
			return nil, p.errorf(start.pos, "expected a literal at position %d: lists hold nothing else", start.pos)
		}
		list = append(list, lit)
	}
	if !p.tok.is(')') {
		return nil, p.errorf(p.tok.pos, "expected ',' or ')' at position %d, found %s", p.tok.pos, p.tok.found())
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	return p.member(at, x, list)
}

func (p *parser) call(f Func, t token) (Expr, error) {
	if err := p.enter(t.pos); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	want := 1
	if f <= Contains {
		want = 2
	}
	var args []Expr
	for sep := byte('('); p.tok.is(sep); sep = ',' {
		if err := p.advance(); err != nil {
			return nil, err
		}
		if sep == '(' && p.tok.is(')') {
			break
		}
		x, err := p.or()
		if err != nil {
			return nil, err
		}
		args = append(args, x)
	}
	if !p.tok.is(')') {
		return nil, p.errorf(p.tok.pos, "expected ',' or ')' at position %d, found %s", p.tok.pos, p.tok.found())
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	if len(args) != want {
		return nil, p.errorf(t.pos, "%s at position %d takes %s, found %d", f, t.pos, count(want, "argument"), len(args))
	}
	return p.function(f, t.pos, args)
}

// operandExpected reports a token that can begin no operand.
func (p *parser) operandExpected() error {
	return p.errorf(p.tok.pos, "expected a property, function or literal at position %d, found %s", p.tok.pos, p.tok.found())
}

// symbols are operators of other languages.
var symbols = map[string]string{"=": "eq", "!": "not or ne", "<": "lt or le", ">": "gt or ge", "&": "and", "|": "or"}

// unsupported are operators of OData that are not served.
var unsupported = map[string]bool{"add": true, "sub": true, "mul": true, "div": true, "divby": true, "mod": true}

// operatorExpected reports a token that stands where only an operator or the end can.
func (p *parser) operatorExpected() error {
	t := p.tok
	switch hint := symbols[t.text]; {
	case t.is(')'):
		return p.errorf(t.pos, "the ')' at position %d closes nothing", t.pos)
	case t.kind == tokPunct && hint != "":
		return p.errorf(t.pos, "expected an operator at position %d, found %s: use %s", t.pos, t.found(), hint)
	case p.last.kind == tokString && p.last.end == t.start && (t.kind == tokWord || t.kind == tokString):
		return p.errorf(t.pos, "expected an operator at position %d, found %s: a quote inside a string is written twice", t.pos, t.found())
	case t.kind == tokWord && unsupported[strings.ToLower(t.text)]:
		return p.errorf(t.pos, "the operator '%s' at position %d is not supported", t.text, t.pos)
	}
	return p.errorf(t.pos, "expected an operator at position %d, found %s", t.pos, t.found())
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
