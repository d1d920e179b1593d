package stix

import "fmt"

// Limits of patterns. One that exceeds them is an error, not a partial result.
const (
	MaxPattern      = 1 << 20 // bytes
	maxPatternDepth = 200     // of parentheses and qualifiers
)

// ParsePattern reads a pattern: the whole grammar of STIX 2.1, part 9, which
// includes that of STIX 2.0. Beyond it, these spellings are taken that sources
// use: a hyphen in a key without quotes (hashes.SHA-256), a quoted key in
// brackets (hashes['SHA-256']), a backslash that escapes nothing, a string as
// the time of START and STOP (2.0).
//
// The error is a [*PatternError]. Time and memory are linear in the input.
func ParsePattern(s string) (Pattern, error) {
	if len(s) > MaxPattern {
		return Pattern{}, &PatternError{0, fmt.Sprintf("longer than %d bytes", MaxPattern)}
	}
	p := patternParser{lex: lexer{src: s}}
	if err := p.advance(); err != nil {
		return Pattern{}, err
	}
	root, err := p.observations(bindFollowed)
	if err != nil {
		return Pattern{}, err
	}
	if p.tok.kind != 0 {
		return Pattern{}, p.want("an operator or the end")
	}
	return Pattern{root}, nil
}

// patternParser is a recursive-descent parser with one token of look-ahead.
type patternParser struct {
	lex   lexer
	tok   token
	depth int
}

func (p *patternParser) advance() (err error) {
	p.tok, err = p.lex.next()
	return err
}

func (p *patternParser) want(what string) error {
	found := "the end"
	switch p.tok.kind {
	case 0:
	case 's':
		found = "a string"
	case 'l':
		found = "a literal"
	default:
		found = p.tok.text
		if len(found) > 40 {
			found = found[:40] + "…"
		}
	}
	return &PatternError{p.tok.pos, "expected " + what + ", found " + found}
}

func (p *patternParser) word(w string) bool { return p.tok.kind == 'w' && p.tok.text == w }
func (p *patternParser) op(o string) bool   { return p.tok.kind == 'o' && p.tok.text == o }

// expect passes over an operator or keyword.
func (p *patternParser) expect(text string) error {
	if !p.op(text) && !p.word(text) {
		return p.want(text)
	}
	return p.advance()
}

func (p *patternParser) enter() error {
	if p.depth++; p.depth > maxPatternDepth {
		return &PatternError{p.tok.pos, "nested too deeply"}
	}
	return nil
}

// observations reads a chain of observations whose operators bind at least as
// strongly as bind.
func (p *patternParser) observations(bind int) (Observation, error) {
	if bind == bindUnit {
		return p.observation()
	}
	op := [...]string{bindFollowed: "FOLLOWEDBY", bindOr: "OR", bindAnd: "AND"}[bind]
	first, err := p.observations(bind + 1)
	if err != nil {
		return nil, err
	}
	parts := []Observation{first}
	for p.word(op) {
		if err := p.advance(); err != nil {
			return nil, err
		}
		part, err := p.observations(bind + 1)
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
	}
	if len(parts) == 1 {
		return first, nil
	}
	return Combined{op, parts}, nil
}

// observation reads [comparison] or (observations), then its qualifiers.
func (p *patternParser) observation() (o Observation, err error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	entered := p.depth - 1
	defer func() { p.depth = entered }()

	switch {
	case p.op("["):
		if err := p.advance(); err != nil {
			return nil, err
		}
		c, err := p.comparisons(bindOr)
		if err != nil {
			return nil, err
		}
		o = Observed{c}
		if err := p.expect("]"); err != nil {
			return nil, err
		}
	case p.op("("):
		if err := p.advance(); err != nil {
			return nil, err
		}
		if o, err = p.observations(bindFollowed); err != nil {
			return nil, err
		}
		if err := p.expect(")"); err != nil {
			return nil, err
		}
	default:
		return nil, p.want("[ or (")
	}
	for p.word("WITHIN") || p.word("REPEATS") || p.word("START") {
		if err := p.enter(); err != nil {
			return nil, err
		}
		if o, err = p.qualifier(o); err != nil {
			return nil, err
		}
	}
	return o, nil
}

func (p *patternParser) qualifier(o Observation) (Observation, error) {
	q := Qualified{Part: o, Kind: p.tok.text}
	if err := p.advance(); err != nil {
		return nil, err
	}
	var err error
	switch q.Kind {
	case "WITHIN":
		if q.Value, err = p.positive(true); err == nil {
			err = p.expect("SECONDS")
		}
	case "REPEATS":
		if q.Value, err = p.positive(false); err == nil {
			err = p.expect("TIMES")
		}
	case "START":
		if q.Value, err = p.instant(); err == nil {
			if err = p.expect("STOP"); err == nil {
				q.Stop, err = p.instant()
			}
		}
	}
	return q, err
}

func (p *patternParser) positive(float bool) (Literal, error) {
	l := p.tok.lit
	if p.tok.kind != 'n' || l.Text[0] == '-' || l.Kind == FloatLiteral && !float {
		return l, p.want("a positive number")
	}
	return l, p.advance()
}

func (p *patternParser) instant() (Literal, error) {
	l := p.tok.lit
	if l.Kind == StringLiteral && isTimestamp(l.Text) {
		l.Kind = TimestampLiteral
	}
	if l.Kind != TimestampLiteral {
		return l, p.want("a timestamp")
	}
	return l, p.advance()
}

// comparisons reads a chain of comparisons, as observations does.
func (p *patternParser) comparisons(bind int) (Comparison, error) {
	if bind == bindUnit {
		return p.comparison()
	}
	op := [...]string{bindOr: "OR", bindAnd: "AND"}[bind]
	first, err := p.comparisons(bind + 1)
	if err != nil {
		return nil, err
	}
	parts := []Comparison{first}
	for p.word(op) {
		if err := p.advance(); err != nil {
			return nil, err
		}
		part, err := p.comparisons(bind + 1)
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
	}
	if len(parts) == 1 {
		return first, nil
	}
	return Logic{op, parts}, nil
}

// comparison reads (comparisons), [NOT] EXISTS path, or path [NOT] op value.
func (p *patternParser) comparison() (Comparison, error) {
	if p.op("(") {
		if err := p.enter(); err != nil {
			return nil, err
		}
		defer func() { p.depth-- }()
		if err := p.advance(); err != nil {
			return nil, err
		}
		c, err := p.comparisons(bindOr)
		if err != nil {
			return nil, err
		}
		return c, p.expect(")")
	}

	t := Test{Pos: p.tok.pos}
	var err error
	if p.word("NOT") || p.word("EXISTS") {
		if t.Not = p.word("NOT"); t.Not {
			if err := p.advance(); err != nil {
				return nil, err
			}
		}
		t.Op = "EXISTS"
		if err := p.expect("EXISTS"); err != nil {
			return nil, err
		}
		t.Path, err = p.path()
		return t, err
	}
	if t.Path, err = p.path(); err != nil {
		return nil, err
	}
	if t.Not = p.word("NOT"); t.Not {
		if err := p.advance(); err != nil {
			return nil, err
		}
	}
	t.Op = p.tok.text
	if p.tok.kind != 'o' && p.tok.kind != 'w' {
		return nil, p.want("a comparison operator")
	}
	switch t.Op {
	case "=", "!=":
		t.Values, err = p.value(func(l Literal) bool { return true }, "a constant")
	case "<", ">", "<=", ">=":
		t.Values, err = p.value(func(l Literal) bool { return l.Kind != BooleanLiteral }, "a constant that has an order")
	case "LIKE", "MATCHES", "ISSUBSET", "ISSUPERSET":
		t.Values, err = p.value(func(l Literal) bool { return l.Kind == StringLiteral }, "a string")
	case "IN":
		t.Values, err = p.set()
	default:
		return nil, p.want("a comparison operator")
	}
	return t, err
}

// value passes over the operator and reads one constant.
func (p *patternParser) value(ok func(Literal) bool, what string) ([]Literal, error) {
	if err := p.advance(); err != nil {
		return nil, err
	}
	l, isLiteral := p.literal()
	if !isLiteral || !ok(l) {
		return nil, p.want(what)
	}
	return []Literal{l}, p.advance()
}

func (p *patternParser) literal() (Literal, bool) {
	if p.word("true") || p.word("false") {
		return Literal{BooleanLiteral, p.tok.text}, true
	}
	return p.tok.lit, p.tok.lit.Kind != ""
}

// set reads IN's list of constants, which may be empty.
func (p *patternParser) set() ([]Literal, error) {
	if err := p.advance(); err != nil {
		return nil, err
	}
	if err := p.expect("("); err != nil {
		return nil, err
	}
	var set []Literal
	for !p.op(")") {
		if len(set) > 0 {
			if err := p.expect(","); err != nil {
				return nil, err
			}
		}
		l, ok := p.literal()
		if !ok {
			return nil, p.want("a constant")
		}
		set = append(set, l)
		if err := p.advance(); err != nil {
			return nil, err
		}
	}
	return set, p.advance()
}

var patternKeywords = map[string]bool{
	"AND": true, "OR": true, "NOT": true, "FOLLOWEDBY": true, "LIKE": true, "MATCHES": true, "ISSUPERSET": true,
	"ISSUBSET": true, "EXISTS": true, "IN": true, "START": true, "STOP": true, "SECONDS": true, "WITHIN": true,
	"REPEATS": true, "TIMES": true, "true": true, "false": true,
}

// path reads type:key.key[index]….
func (p *patternParser) path() (Path, error) {
	if p.tok.kind != 'w' || patternKeywords[p.tok.text] {
		return Path{}, p.want("an object type")
	}
	path := Path{Type: p.tok.text}
	if err := p.advance(); err != nil {
		return path, err
	}
	if !p.op(":") {
		return path, p.want(":")
	}
	for {
		if err := p.advance(); err != nil {
			return path, err
		}
		if p.tok.kind != 'w' && p.tok.kind != 's' {
			return path, p.want("a property name")
		}
		path.Steps = append(path.Steps, Step{Key: p.tok.text})
		if err := p.advance(); err != nil {
			return path, err
		}
		for p.op("[") {
			step, err := p.index()
			if err != nil {
				return path, err
			}
			path.Steps = append(path.Steps, step)
		}
		if !p.op(".") {
			return path, nil
		}
	}
}

// index reads [3], [*] or ['key'].
func (p *patternParser) index() (s Step, err error) {
	if err := p.advance(); err != nil {
		return s, err
	}
	switch {
	case p.op("*"):
		s.Index = "*"
	case p.tok.lit.Kind == IntegerLiteral:
		s.Index = p.tok.text
	case p.tok.kind == 's':
		s.Key = p.tok.text
	default:
		return s, p.want("an index, * or a quoted key")
	}
	if err := p.advance(); err != nil {
		return s, err
	}
	return s, p.expect("]")
}
