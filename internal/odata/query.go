package odata

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Page sizes, where Options sets no others. Microsoft documents neither.
const (
	DefaultPage = 100
	MaxPage     = 1000
)

// Allow is a set of query options.
type Allow uint16

// The options that a resource may have. $format is valid everywhere.
const (
	AllowFilter Allow = 1 << iota
	AllowOrderBy
	AllowSearch
	AllowSelect
	AllowExpand
	AllowTop
	AllowSkip
	AllowCount
	AllowSkipToken
	AllowDeltaToken

	AllowAll        = AllowDeltaToken<<1 - 1
	AllowCollection = AllowAll &^ AllowDeltaToken
	AllowEntity     = AllowSelect | AllowExpand
	AllowNumber     = AllowFilter | AllowSearch // of the path /$count
	AllowDelta      = AllowFilter | AllowSelect | AllowTop | AllowSkipToken | AllowDeltaToken
)

// Options says what a resource takes.
type Options struct {
	Allow       Allow // options that are read; any other known option is an error
	Ignore      Allow // options that are passed over unread, as most are on /$count
	DefaultPage int   // page size without $top, as from Prefer: odata.maxpagesize; 0: the constant
	MaxPage     int   // larger pages are cut to this; 0: the constant
}

// A Query is what a client asks for.
type Query struct {
	Filter     Expr        // nil: none. Boolean
	OrderBy    []Order     // without repetitions; may be empty
	Search     Search      // nil: none
	Select     []*Property // in declared order, without repetitions; nil: all
	SelectAll  bool        // $select has *; then Select is nil
	Expand     []Expand
	Top        int  // size of a page, always set
	TopGiven   bool // by $top, not by default
	Skip       int
	Count      bool
	SkipToken  string // "" if not given
	DeltaToken string // may be "" though given
	DeltaGiven bool
	Format     Metadata // what $format asks for

	Params []Param // everything the client gave, in order
}

// A Param is one parameter of a query, decoded. The names of known options are canonical, as $top; others are as given.
type Param struct {
	Name, Value string
}

// An Expand is a navigation that comes with each row.
type Expand struct {
	Property *Property
	Query    *Query // the nested options, with a page size
	Pos      int
}

// Selected reports whether the property with the declared name is to be printed.
func (q *Query) Selected(name string) bool {
	return q.Select == nil || slices.ContainsFunc(q.Select, func(p *Property) bool { return p.Name == name })
}

// Expanded returns the Expand of the property with the declared name, or nil.
func (q *Query) Expanded(name string) *Expand {
	for i := range q.Expand {
		if q.Expand[i].Property.Name == name {
			return &q.Expand[i]
		}
	}
	return nil
}

// Param returns the value of the first parameter with the given name, in any case, and whether there is one. It is meant
// for parameters that are no OData options.
func (q *Query) Param(name string) (string, bool) {
	for _, p := range q.Params {
		if equalFold(p.Name, name) {
			return p.Value, true
		}
	}
	return "", false
}

// NextLink returns the link to the page that token stands for: base, which is the absolute URL of the resource without a
// query, then all parameters the client gave. $top is always there, with the size in effect; $skiptoken replaces any $skip,
// $skiptoken and $deltatoken.
func (q *Query) NextLink(base, token string) string {
	var b strings.Builder
	b.WriteString(base)
	sep := byte('?')
	put := func(name, value string) {
		b.WriteByte(sep)
		sep = '&'
		escape(&b, name)
		b.WriteByte('=')
		escape(&b, value)
	}
	top := strconv.Itoa(q.Top)
	given := false
	for _, p := range q.Params {
		switch p.Name {
		case "$skip", "$skiptoken", "$deltatoken":
		case "$top":
			given = true
			put(p.Name, top)
		default:
			put(p.Name, p.Value)
		}
	}
	if !given {
		put("$top", top)
	}
	put("$skiptoken", token)
	return b.String()
}

// escape writes s for a query: what is reserved is escaped except '$', ',', ':', '@' and '/', which clients
// and people like to read.
func escape(b *strings.Builder, s string) {
	const hex = "0123456789ABCDEF"
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-._~$,:@/", c) >= 0:
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		}
	}
}

// ParseQuery reads a raw query string, such as [net/http.Request].URL.RawQuery, for a resource of type t.
// t may be nil if the resource has no type; then options that need one are refused.
//
// Options may come with or without '$' and in any case. Unknown parameters are kept in Params and otherwise ignored,
// except $apply, $compute, $index and $levels. The error is always an [*Error].
func ParseQuery(rawQuery string, t *Type, opts Options) (*Query, error) {
	if len(rawQuery) > MaxQueryLength {
		return nil, &Error{CodeBadRequest, "The query is longer than " + strconv.Itoa(MaxQueryLength) + " bytes.", "", 0}
	}
	r := newReader(t, opts)
	parts := strings.Split(rawQuery, "&")
	for i, part := range parts {
		name, value, _ := strings.Cut(part, "=")
		if name == "" {
			continue
		}
		name, err := decode(name, "")
		if err != nil {
			return nil, err
		}
		canonical := canonicalOption(name)
		if value, err = decode(value, canonical); err != nil {
			return nil, err
		}
		if err := r.option(canonical, value, 1); err != nil {
			return nil, hintAmpersand(err, parts[i+1:])
		}
	}
	return r.query, nil
}

// hintAmpersand adds the likely reason to the error about a string without end, if the rest of the query does not begin
// with an option: some clients send an '&' in a string as it is, which ends the option.
func hintAmpersand(err error, rest []string) error {
	e, ok := err.(*Error)
	if !ok || len(rest) == 0 || !strings.Contains(e.Message, ": unterminated ") {
		return err
	}
	name, _, _ := strings.Cut(rest[0], "=")
	name, _, _ = unescape(name, true)
	if _, known := knownOptions[canonicalOption(name)]; !known {
		e.Message += "; an '&' in a value must be sent as %26"
	}
	return e
}

// decode unescapes one half of a parameter. The name is "" when it is the name that is being decoded.
func decode(raw, name string) (string, error) {
	text, bad, reason := unescape(raw, true)
	if reason == "" {
		return text, nil
	}
	before, _, _ := unescape(raw[:bad], true)
	pos := utf8.RuneCountInString(before) + 1
	where := "in the name of a query parameter"
	if name != "" {
		where = "in query parameter '" + clip(name) + "'"
	}
	return "", &Error{CodeBadRequest, "Invalid query: " + reason + " " + where + " at position " + strconv.Itoa(pos) + ".", name, pos}
}
