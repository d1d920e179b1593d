package odata

import (
	"math"
	"strconv"
	"strings"
)

// knownOptions are the options that are read, with their bit in Allow. $format has none.
var knownOptions = map[string]Allow{
	"$filter": AllowFilter, "$orderby": AllowOrderBy, "$search": AllowSearch, "$select": AllowSelect,
	"$expand": AllowExpand, "$top": AllowTop, "$skip": AllowSkip, "$count": AllowCount,
	"$skiptoken": AllowSkipToken, "$deltatoken": AllowDeltaToken, "$format": 0,
}

// refusedOptions would change the answer so much that ignoring them would be a lie.
var refusedOptions = map[string]bool{"$apply": true, "$compute": true, "$index": true, "$levels": true}

// canonicalOption returns the name of a known option as $name, and any other name as it is.
func canonicalOption(name string) string {
	canonical := strings.ToLower(name)
	if refusedOptions[canonical] {
		return canonical
	}
	if !strings.HasPrefix(canonical, "$") {
		canonical = "$" + canonical
	}
	if _, ok := knownOptions[canonical]; ok {
		return canonical
	}
	return name
}

// A reader takes the options of one query, at the top or nested in $expand.
type reader struct {
	query  *Query
	typ    *Type
	opts   Options
	seen   map[string]bool
	nested int // how many $expand are around it
}

func newReader(t *Type, opts Options) *reader {
	if opts.MaxPage <= 0 {
		opts.MaxPage = MaxPage
	}
	if opts.DefaultPage <= 0 {
		opts.DefaultPage = DefaultPage
	}
	if t == nil {
		opts.Allow &^= AllowFilter | AllowOrderBy | AllowSearch | AllowSelect | AllowExpand
	}
	return &reader{
		query: &Query{Top: min(opts.DefaultPage, opts.MaxPage)},
		typ:   t,
		opts:  opts,
		seen:  make(map[string]bool),
	}
}

// option takes one option. The name is canonical and the value begins at pos.
func (r *reader) option(name, value string, pos int) error {
	q := r.query
	q.Params = append(q.Params, Param{name, value})
	if refusedOptions[name] {
		return &Error{CodeBadRequest, "Query option '" + name + "' is not supported.", name, 0}
	}
	bit, known := knownOptions[name]
	if !known {
		return nil
	}
	if r.seen[name] {
		return &Error{CodeBadRequest, "Query option '" + name + "' was specified more than once, but it must be specified at most once.", name, 0}
	}
	r.seen[name] = true
	if bit&r.opts.Allow != bit {
		if bit&r.opts.Ignore == bit {
			return nil
		}
		return &Error{CodeBadRequest, "Query option '" + name + "' is not allowed here.", name, 0}
	}
	var err error
	switch name {
	case "$filter":
		q.Filter, err = parseFilter(value, pos, r.typ)
	case "$orderby":
		q.OrderBy, err = parseOrderBy(value, pos, r.typ)
	case "$search":
		q.Search, err = parseSearch(value, pos, r.typ)
	case "$select":
		q.Select, q.SelectAll, err = parseSelect(value, pos, r.typ)
	case "$expand":
		q.Expand, err = r.expand(value, pos)
	case "$top":
		q.Top, err = number(name, value, pos, 1, r.opts.MaxPage)
		q.TopGiven = true
	case "$skip":
		q.Skip, err = number(name, value, pos, 0, math.MaxInt32)
	case "$count":
		q.Count, err = boolean(name, value, pos)
	case "$skiptoken":
		q.SkipToken = value
		if value == "" {
			err = badClause(name, pos, "it is empty")
		}
	case "$deltatoken":
		q.DeltaToken, q.DeltaGiven = value, true
	case "$format":
		q.Format, err = ParseFormat(value)
	}
	return err
}

// number reads a whole number of at least low; larger ones than high are cut to high.
func number(option, s string, pos, low, high int) (int, error) {
	n := 0
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			n = -1
			break
		}
		n = min(n*10+int(s[i]-'0'), math.MaxInt32)
	}
	if s == "" || n < low {
		return 0, badClause(option, pos, "expected a whole number of at least %s, found '%s'", strconv.Itoa(low), clip(s))
	}
	return min(n, high), nil
}

func boolean(option, s string, pos int) (bool, error) {
	switch {
	case equalFold(s, "true"):
		return true, nil
	case equalFold(s, "false"):
		return false, nil
	}
	return false, badClause(option, pos, "expected true or false, found '%s'", clip(s))
}

// Metadata is how many annotations a body is to have.
type Metadata uint8

// The levels of metadata.
const (
	MetadataUnset Metadata = iota // nothing was asked for; the same as minimal
	MetadataNone
	MetadataMinimal
	MetadataFull
)

// ParseFormat reads the value of $format or one media type of an Accept header without its q: json, application/json, and
// the latter with parameters, of which odata.metadata counts. The error, always an [*Error] with code notAcceptable,
// says that it is another format.
func ParseFormat(s string) (Metadata, error) {
	refused := &Error{CodeNotAcceptable, "Unsupported format '" + clip(s) + "': only application/json is served.", "$format", 1}
	mediaType, params, _ := strings.Cut(s, ";")
	mediaType = strings.TrimSpace(mediaType)
	if !equalFold(mediaType, "json") && !equalFold(mediaType, "application/json") {
		return 0, refused
	}
	level := MetadataMinimal
	for param := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(param), "=")
		if !equalFold(name, "odata.metadata") && !equalFold(name, "metadata") {
			continue
		}
		switch value = strings.Trim(value, `"`); {
		case equalFold(value, "none"):
			level = MetadataNone
		case equalFold(value, "minimal"):
			level = MetadataMinimal
		case equalFold(value, "full"):
			level = MetadataFull
		default:
			return 0, refused
		}
	}
	return level, nil
}
