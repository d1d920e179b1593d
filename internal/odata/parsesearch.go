package odata

import (
	"strings"
	"unicode/utf8"
)

// ParseSearch reads a $search for rows of type t, outside of a URL. Words that follow each other are all required;
// AND, OR and NOT count in capitals only. In a phrase, \" and \\ stand for a quotation mark and a backslash. A term
// name:text is restricted if name is a searchable property of t, and otherwise is text like any other.
// The error is always an [*Error].
func ParseSearch(text string, t *Type) (Search, error) { return parseSearch(text, 1, t) }

type searchParser struct {
	lex   lexer
	tok   searchToken
	typ   *Type
	depth int
	terms int
}

type searchToken struct {
	kind byte   // 'w' word, 'p' phrase, '&' AND, '|' OR, '!' NOT, '(' ')', 0 the end
	text string // of a phrase, without quotes and escapes
	pos  int
}

func (t searchToken) found() string {
	switch t.kind {
	case 0:
		return "the end"
	case 'p':
		return `"` + clip(t.text) + `"`
	}
	return "'" + clip(t.text) + "'"
}

func parseSearch(text string, pos int, t *Type) (Search, error) {
	base, err := newParser("$search", "", pos, t)
	if err == nil && (len(text) > MaxQueryLength || strings.IndexByte(text, 0) >= 0 || !utf8.ValidString(text)) {
		err = base.errorf(0, "it is too long or not valid UTF-8 text")
	}
	if err != nil {
		return nil, err
	}
	p := &searchParser{lex: newLexer("$search", text, pos), typ: t}
	if err := p.advance(); err != nil {
		return nil, err
	}
	if p.tok.kind == 0 {
		return nil, p.errorf(pos, "it is empty")
	}
	s, err := p.or()
	if err == nil && p.tok.kind == ')' {
		err = p.errorf(p.tok.pos, "the ')' at position %d closes nothing", p.tok.pos)
	}
	return s, err
}

func (p *searchParser) errorf(pos int, format string, args ...any) error {
	return badClause(p.lex.option, pos, format, args...)
}

func (p *searchParser) advance() error {
	l := &p.lex
	l.space()
	start := l.off
	p.tok = searchToken{pos: l.pos}
	if start == len(l.src) {
		return nil
	}
	switch c := l.src[start]; c {
	case '(', ')':
		p.tok.kind, p.tok.text = c, string(c)
		l.skip(1)
		return nil
	case '"':
		return p.phrase()
	}
	n := strings.IndexAny(l.src[start:], "\"() \t\r\n")
	if n < 0 {
		n = len(l.src) - start
	}
	word := l.src[start : start+n]
	l.skip(n)
	if l.peek() == '"' {
		return p.errorf(l.pos, "expected a space before the quotation mark at position %d", l.pos)
	}
	if strings.TrimSpace(word) == "" { // of other white space than isSpace
		return p.errorf(p.tok.pos, "expected a word or phrase at position %d, found %q", p.tok.pos, word)
	}
	p.tok.text = word
	switch word {
	case "AND":
		p.tok.kind = '&'
	case "OR":
		p.tok.kind = '|'
	case "NOT":
		p.tok.kind = '!'
	default:
		p.tok.kind = 'w'
	}
	return nil
}

// phrase reads what stands in double quotes.
func (p *searchParser) phrase() error {
	l := &p.lex
	at := l.pos
	var b strings.Builder
	for i := l.off + 1; i < len(l.src); i++ {
		c := l.src[i]
		if c == '\\' && i+1 < len(l.src) && (l.src[i+1] == '"' || l.src[i+1] == '\\') {
			i++
			c = l.src[i]
		} else if c == '"' {
			l.skip(i + 1 - l.off)
			p.tok.kind, p.tok.text = 'p', b.String()
			if strings.TrimSpace(p.tok.text) == "" {
				return p.errorf(at, "the phrase at position %d is empty", at)
			}
			if r := l.peek(); r != 0 && r != ')' && !(r < utf8.RuneSelf && isSpace(byte(r))) {
				return p.errorf(l.pos, "expected a space after the quotation mark at position %d", l.pos-1)
			}
			return nil
		}
		b.WriteByte(c)
	}
	return p.errorf(at, "unterminated phrase starting at position %d", at)
}

func (p *searchParser) or() (Search, error) {
	first, err := p.and()
	if err != nil || p.tok.kind != '|' {
		return first, err
	}
	var terms []Search
	add := func(s Search) {
		if or, ok := s.(*SearchOr); ok {
			terms = append(terms, or.Terms...)
		} else {
			terms = append(terms, s)
		}
	}
	add(first)
	for p.tok.kind == '|' {
		if err := p.advance(); err != nil {
			return nil, err
		}
		s, err := p.and()
		if err != nil {
			return nil, err
		}
		add(s)
	}
	return &SearchOr{terms}, nil
}

// and reads terms with AND or nothing between them.
func (p *searchParser) and() (Search, error) {
	var terms []Search
	for {
		s, err := p.term()
		if err != nil {
			return nil, err
		}
		if and, ok := s.(*SearchAnd); ok {
			terms = append(terms, and.Terms...)
		} else {
			terms = append(terms, s)
		}
		switch p.tok.kind {
		case '&':
			if err := p.advance(); err != nil {
				return nil, err
			}
		case 0, '|', ')':
			if len(terms) == 1 {
				return terms[0], nil
			}
			return &SearchAnd{terms}, nil
		}
	}
}

func (p *searchParser) term() (Search, error) {
	t := p.tok
	switch t.kind {
	case '(', '!':
		if p.depth++; p.depth > MaxDepth {
			return nil, p.errorf(t.pos, "it is nested more than %d levels deep at position %d", MaxDepth, t.pos)
		}
		defer func() { p.depth-- }()
	case 'w', 'p':
		if p.terms++; p.terms > MaxSearchTerms {
			return nil, p.errorf(t.pos, "it has more than %d terms at position %d", MaxSearchTerms, t.pos)
		}
		return p.restrict(t), p.advance()
	default:
		return nil, p.errorf(t.pos, "expected a word or phrase at position %d, found %s", t.pos, t.found())
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	if t.kind == '!' {
		x, err := p.term()
		return &SearchNot{t.pos, x}, err
	}
	s, err := p.or()
	if err != nil {
		return nil, err
	}
	if p.tok.kind != ')' {
		return nil, p.errorf(t.pos, "the parenthesis at position %d is never closed", t.pos)
	}
	return s, p.advance()
}

// restrict makes a term, which is restricted to a property if it begins with the name of one.
func (p *searchParser) restrict(t searchToken) *SearchTerm {
	x := &SearchTerm{At: t.pos, Text: t.text}
	names, text, ok := strings.Cut(t.text, ":")
	if text = strings.TrimSpace(text); !ok || text == "" {
		return x
	}
	path := &Path{At: t.pos, it: p.typ}
	for name := range strings.SplitSeq(names, "/") {
		owner := path.Type()
		property := owner.Property(name)
		if property == nil || len(path.Steps) == 0 && !property.Searchable || path.collection() {
			return x
		}
		path.Steps = append(path.Steps, Step{t.pos, property, nil, owner})
	}
	x.Text, x.Path = text, path
	return x
}
