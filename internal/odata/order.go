package odata

import "slices"

// An Order is one item of $orderby. Null sorts first ascending and last descending.
type Order struct {
	Path *Path // to a single primitive value, or /$count of a collection
	Desc bool
}

// String returns the item as it is written.
func (o Order) String() string {
	if o.Desc {
		return o.Path.String() + " desc"
	}
	return o.Path.String()
}

// Exact reports whether the values are strings that sort as they are, not by their [Fold].
func (o Order) Exact() bool { return isExact(o.Path) }

// Compare returns a negative number if a sorts before b, a positive one if after, and 0 if the item does not tell. The
// error is as that of [Eval].
func (o Order) Compare(a, b Row) (int, error) {
	l, err := (&scope{row: a}).path(o.Path)
	if err != nil {
		return 0, err
	}
	r, err := (&scope{row: b}).path(o.Path)
	if err != nil {
		return 0, err
	}
	c := 0
	switch {
	case l == nil && r == nil:
	case l == nil:
		c = -1
	case r == nil:
		c = 1
	case l == false && r == true: // compareValues knows only whether they are equal
		c = -1
	case l == true && r == false:
		c = 1
	default:
		c = compareValues(l, r, o.Exact())
	}
	if o.Desc {
		c = -c
	}
	return c, nil
}

// ParseOrderBy reads a $orderby for rows of type t, outside of a URL. Items that repeat an earlier path are left out, since
// they decide nothing. The error is always an [*Error].
func ParseOrderBy(text string, t *Type) ([]Order, error) { return parseOrderBy(text, 1, t) }

func parseOrderBy(text string, pos int, t *Type) ([]Order, error) {
	p, err := newParser("$orderby", text, pos, t)
	if err != nil {
		return nil, err
	}
	var list []Order
	for {
		o, err := p.orderItem()
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(list, func(other Order) bool { return other.Path.String() == o.Path.String() }) {
			list = append(list, o)
		}
		if len(list) > MaxOrderBy {
			return nil, p.errorf(o.Path.At, "it has more than %d items", MaxOrderBy)
		}
		if !p.tok.is(',') {
			break
		}
		if err := p.advance(); err != nil {
			return nil, err
		}
	}
	if p.tok.kind != tokEOF {
		return nil, p.errorf(p.tok.pos, "expected ',', asc or desc at position %d, found %s", p.tok.pos, p.tok.found())
	}
	return list, nil
}

func (p *parser) orderItem() (Order, error) {
	var o Order
	t := p.tok
	if t.kind != tokWord {
		return o, p.errorf(t.pos, "expected a property at position %d, found %s", t.pos, t.found())
	}
	if err := p.advance(); err != nil {
		return o, err
	}
	e, err := p.path(t)
	if err != nil {
		return o, err
	}
	path, ok := e.(*Path)
	switch {
	case !ok:
		return o, p.errorf(t.pos, "expected a property at position %d, found a condition", t.pos)
	case path.collection():
		return o, p.notValue(path)
	case path.Kind().structured():
		return o, p.errorf(t.pos, "'%s' at position %d has no order: use one of its properties", clip(path.String()), t.pos)
	}
	o.Path = path
	if o.Desc = p.tok.word("desc"); o.Desc || p.tok.word("asc") {
		err = p.advance()
	}
	return o, err
}
