package odata

import (
	"errors"
	"strings"
	"unicode/utf8"
)

// notExpandable returns the error for anything in $expand that cannot be expanded.
func notExpandable(pos int, name string) error {
	return &Error{
		CodeExpandNotSupported, "Expand is not allowed for property '" + clip(name) + "' according to the entity schema.", "$expand", pos,
	}
}

// expand reads a $expand: navigations separated by commas, each perhaps with options in parentheses.
func (r *reader) expand(text string, pos int) ([]Expand, error) {
	if r.nested > 3 {
		return nil, badClause("$expand", pos, "it is nested too deep")
	}
	s := expandScanner{text: text, base: pos}
	var list []Expand
	for {
		e, err := r.expandItem(&s)
		if err != nil {
			return nil, err
		}
		for _, other := range list {
			if other.Property == e.Property {
				return nil, badClause("$expand", e.Pos, "'%s' at position %d is expanded twice", e.Property.Name, e.Pos)
			}
		}
		list = append(list, e)
		s.space()
		switch {
		case s.off == len(text):
			return list, nil
		case text[s.off] != ',':
			return nil, badClause("$expand", s.pos(), "expected ',' at position %d, found %s", s.pos(), s.found())
		}
		s.off++
	}
}

func (r *reader) expandItem(s *expandScanner) (Expand, error) {
	s.space()
	at := s.pos()
	name := s.until(",(); \t")
	if name == "" {
		return Expand{}, badClause("$expand", at, "expected a property at position %d, found %s", at, s.found())
	}
	property := r.typ.Property(name)
	if property == nil || !property.Navigation || !property.Expandable {
		return Expand{}, notExpandable(at, name)
	}
	allow := AllowEntity
	if property.Collection {
		allow = AllowFilter | AllowSelect | AllowOrderBy | AllowTop | AllowSkip | AllowCount | AllowExpand
	}
	// The default of a nested page is a constant: a preference of the client is for the outer one.
	nested := newReader(property.Type, Options{Allow: allow, MaxPage: r.opts.MaxPage})
	nested.nested = r.nested + 1
	e := Expand{property, nested.query, at}
	s.space()
	if s.off == len(s.text) || s.text[s.off] != '(' {
		return e, nil
	}
	open := s.pos()
	for {
		s.off++ // the parenthesis, or the semicolon
		if err := nested.nestedOption(s, open); err != nil {
			return e, err
		}
		if s.text[s.off] == ')' {
			s.off++
			return e, nil
		}
	}
}

// nestedOption reads name=value up to the semicolon or parenthesis after it.
func (r *reader) nestedOption(s *expandScanner, open int) error {
	s.space()
	at := s.pos()
	name := s.until("=,(); \t")
	if name == "" || s.off == len(s.text) || s.text[s.off] != '=' {
		return badClause("$expand", at, "expected a query option such as $top=5 at position %d, found %s", at, s.foundWord(name))
	}
	canonical := canonicalOption(name)
	if _, known := knownOptions[canonical]; !known {
		return badClause("$expand", at, "the query option '%s' at position %d is not supported", clip(name), at)
	}
	s.off++
	valueAt := s.pos()
	value, quoteAt, ok := s.value(canonical == "$search")
	switch {
	case !ok && quoteAt > 0:
		return badClause("$expand", quoteAt, "unterminated string literal starting at position %d", quoteAt)
	case !ok:
		return badClause("$expand", open, "the parenthesis at position %d is never closed", open)
	}
	err := r.option(canonical, value, valueAt)
	if bad := (*Error)(nil); errors.As(err, &bad) {
		bad.Target = "$expand" // its text is what positions count in
		if bad.Pos == 0 {
			bad.Pos = at
		}
	}
	return err
}

// An expandScanner is a place in the text of a $expand.
type expandScanner struct {
	text string
	off  int
	base int // position of the first character
}

func (s *expandScanner) pos() int { return s.base + utf8.RuneCountInString(s.text[:s.off]) }

func (s *expandScanner) space() {
	for s.off < len(s.text) && isSpace(s.text[s.off]) {
		s.off++
	}
}

// until takes the text before the next of the characters.
func (s *expandScanner) until(stops string) string {
	rest := s.text[s.off:]
	if i := strings.IndexAny(rest, stops); i >= 0 {
		rest = rest[:i]
	}
	s.off += len(rest)
	return rest
}

// value takes the value of an option: the text before the next ';' or unpaired ')' that is in no quotes, which are single
// ones in expressions and double ones in $search. It reports whether there is one; if not because of a quotation mark without
// a partner, quoteAt is the position of that.
func (s *expandScanner) value(search bool) (value string, quoteAt int, ok bool) {
	quotes := byte('\'')
	if search {
		quotes = '"'
	}
	start, depth, quoted, open := s.off, 0, false, 0
	for ; s.off < len(s.text); s.off++ {
		switch c := s.text[s.off]; {
		case quoted && search && c == '\\':
			s.off++
		case c == quotes:
			quoted, open = !quoted, s.off
		case quoted:
		case c == '(':
			depth++
		case c == ')' && depth > 0:
			depth--
		case c == ')', c == ';' && depth == 0:
			return s.text[start:s.off], 0, true
		}
	}
	if quoted {
		s.off = open
		return "", s.pos(), false
	}
	s.off = len(s.text)
	return "", 0, false
}

func (s *expandScanner) found() string { return s.foundWord("") }

// foundWord describes word, or the character here if it is empty, for a message.
func (s *expandScanner) foundWord(word string) string {
	if word == "" && s.off < len(s.text) {
		_, n := utf8.DecodeRuneInString(s.text[s.off:])
		word = s.text[s.off : s.off+n]
	}
	if word == "" {
		return "the end"
	}
	return "'" + clip(word) + "'"
}
