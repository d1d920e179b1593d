package odata

import (
	"slices"
	"strings"
)

// parseSelect reads a $select: names of properties in declared order without repetitions. With * there are none, and all is
// true.
func parseSelect(text string, pos int, t *Type) (list []*Property, all bool, err error) {
	p, err := newParser("$select", text, pos, t)
	if err != nil {
		return nil, false, err
	}
	chosen := map[*Property]bool{}
	for {
		item := p.tok
		if item.kind != tokWord && !item.is('*') {
			return nil, false, p.errorf(item.pos, "expected a property at position %d, found %s", item.pos, item.found())
		}
		if err := p.advance(); err != nil {
			return nil, false, err
		}
		switch property := t.Property(item.text); {
		case item.is('*'):
			all = true
		case p.tok.is('/'), property != nil && p.tok.is('('):
			return nil, false, p.errorf(p.tok.pos, "expected ',' at position %d, found '%s': only whole properties can be selected",
				p.tok.pos, p.tok.text)
		case property == nil:
			return nil, false, noProperty("$select", item.pos, item.text, t)
		default:
			chosen[property] = true
		}
		if !p.tok.is(',') {
			break
		}
		if err := p.advance(); err != nil {
			return nil, false, err
		}
	}
	if p.tok.kind != tokEOF {
		return nil, false, p.errorf(p.tok.pos, "expected ',' at position %d, found %s", p.tok.pos, p.tok.found())
	}
	if all {
		return nil, true, nil
	}
	for property := range t.All() {
		if chosen[property] {
			list = append(list, property)
		}
	}
	return list, false, nil
}

// SelectNames returns the declared names of q.Select joined by commas, or "*" if $select has it, or "" if all
// properties are meant because nothing was selected.
func (q *Query) SelectNames() string {
	if q.SelectAll {
		return "*"
	}
	names := make([]string, 0, len(q.Select))
	for p := range slices.Values(q.Select) {
		names = append(names, p.Name)
	}
	return strings.Join(names, ",")
}
