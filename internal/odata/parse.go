package odata

import (
	"strings"
	"unicode/utf8"
)

// ParseFilter reads a $filter for rows of type t, which is not nil, outside of a URL: text is not percent-encoded.
// The error is always an [*Error].
func ParseFilter(text string, t *Type) (Expr, error) { return parseFilter(text, 1, t) }

// A parser reads expressions by recursive descent. From loose to tight the levels are or, and, equality (eq ne),
// relation (gt ge lt le), unary (not), and primary (has in); that is the precedence of OData.
type parser struct {
	lex   lexer
	tok   token // the next one, not yet taken
	last  token // the one before
	typ   *Type
	vars  []*Variable // range variables in scope
	depth int
	nodes int
}

// newParser returns a parser whose text begins at position pos of the option.
func newParser(option, text string, pos int, t *Type) (*parser, error) {
	p := &parser{lex: newLexer(option, text, pos), typ: t}
	if len(text) > MaxQueryLength {
		return nil, p.errorf(0, "it is longer than %d bytes", MaxQueryLength)
	}
	if i := strings.IndexByte(text, 0); i >= 0 || !utf8.ValidString(text) {
		return nil, p.errorf(0, "it is not valid UTF-8 text")
	}
	return p, p.advance()
}

func parseFilter(text string, pos int, t *Type) (Expr, error) {
	p, err := newParser("$filter", text, pos, t)
	if err != nil {
		return nil, err
	}
	if p.tok.kind == tokEOF {
		return nil, p.errorf(pos, "it is empty")
	}
	e, err := p.or()
	if err != nil {
		return nil, err
	}
	if p.tok.kind != tokEOF {
		return nil, p.operatorExpected()
	}
	if err := p.condition(e, ""); err != nil {
		return nil, err
	}
	if height(e) > MaxDepth {
		return nil, p.errorf(pos, "it is nested more than %d levels deep", MaxDepth)
	}
	return e, nil
}

func (p *parser) errorf(pos int, format string, args ...any) error {
	return badClause(p.lex.option, pos, format, args...)
}

func (p *parser) advance() (err error) {
	p.last = p.tok
	p.tok, err = p.lex.next()
	return err
}

// expect takes the punctuation, or fails.
func (p *parser) expect(punct byte) error {
	if !p.tok.is(punct) {
		return p.errorf(p.tok.pos, "expected '%c' at position %d, found %s", punct, p.tok.pos, p.tok.found())
	}
	return p.advance()
}

// enter counts a level of nesting that begins at pos. The caller leaves by p.depth--.
func (p *parser) enter(pos int) error {
	if p.depth++; p.depth > MaxDepth {
		return p.errorf(pos, "it is nested more than %d levels deep at position %d", MaxDepth, pos)
	}
	return nil
}

// node counts a node at pos.
func (p *parser) node(pos int) error {
	if p.nodes++; p.nodes > MaxNodes {
		return p.errorf(pos, "it has more than %d terms at position %d", MaxNodes, pos)
	}
	return nil
}

// or reads a whole expression.
func (p *parser) or() (Expr, error) {
	return p.chain("or", p.and, func(terms []Expr) Expr { return &Or{terms} }, func(e Expr) ([]Expr, bool) {
		if or, ok := e.(*Or); ok {
			return or.Terms, true
		}
		return nil, false
	})
}

func (p *parser) and() (Expr, error) {
	return p.chain("and", p.equality, func(terms []Expr) Expr { return &And{terms} }, func(e Expr) ([]Expr, bool) {
		if and, ok := e.(*And); ok {
			return and.Terms, true
		}
		return nil, false
	})
}

// chain reads terms joined by a word and keeps them flat: terms that are such chains themselves are taken apart.
func (p *parser) chain(
	word string, term func() (Expr, error), join func([]Expr) Expr, split func(Expr) ([]Expr, bool),
) (Expr, error) {
	first, err := term()
	if err != nil || !p.tok.word(word) {
		return first, err
	}
	var terms []Expr
	add := func(e Expr) error {
		if err := p.condition(e, word); err != nil {
			return err
		}
		if more, ok := split(e); ok {
			terms = append(terms, more...)
		} else {
			terms = append(terms, e)
		}
		return nil
	}
	if err := add(first); err != nil {
		return nil, err
	}
	for p.tok.word(word) {
		if err := p.node(p.tok.pos); err != nil {
			return nil, err
		}
		if err := p.advance(); err != nil {
			return nil, err
		}
		e, err := term()
		if err != nil {
			return nil, err
		}
		if err := add(e); err != nil {
			return nil, err
		}
	}
	return computed(join(terms)), nil
}

func (p *parser) equality() (Expr, error) { return p.comparisons(Eq, Ne, p.relation) }

func (p *parser) relation() (Expr, error) { return p.comparisons(Gt, Le, p.unary) }

// comparisons reads operands of one level, joined from the left by the operators low to high.
func (p *parser) comparisons(low, high Op, operand func() (Expr, error)) (Expr, error) {
	left, err := operand()
	for err == nil {
		op, ok := p.operator(low, high)
		if !ok {
			break
		}
		at := p.tok.pos
		if err = p.advance(); err != nil {
			break
		}
		var right Expr
		if right, err = operand(); err == nil {
			left, err = p.compare(op, at, left, right)
		}
	}
	return left, err
}

// operator returns the operator that comes next if it is one of low to high.
func (p *parser) operator(low, high Op) (Op, bool) {
	for op := low; op <= high; op++ {
		if p.tok.word(op.String()) {
			return op, true
		}
	}
	return 0, false
}

func (p *parser) unary() (Expr, error) {
	if !p.tok.word("not") {
		return p.primary()
	}
	at := p.tok.pos
	if err := p.enter(at); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	if err := p.node(at); err != nil {
		return nil, err
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	x, err := p.unary()
	if err != nil {
		return nil, err
	}
	if err := p.condition(x, "not"); err != nil {
		return nil, err
	}
	return computed(&Not{at, x}), nil
}
