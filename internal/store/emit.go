package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"dossier/internal/intel"
	"dossier/internal/odata"
)

// An emitter turns typed expressions into SQL with bound arguments. What it
// writes means what odata.Eval computes: comparisons with eq, ne and in are
// never NULL, the others are false and functions NULL where a side is null, and
// SQL's logic does the rest. Elements of collections and indicators are those
// that the view shows.
type emitter struct {
	dialect dialect
	view    View
	guard   func(alias string) fragment // which indicators the view shows
	// slots returns the profiles that may have the folded text in one of these of theirs; ok is false if they are too many
	// or cannot be told.
	slots func(of gramSpace, text string) (slots []int64, ok bool, err error)

	root    place
	vars    map[*odata.Variable]place
	aliases int
	// hints counts the arguments of conditions that only help to find rows; there is an end to them, as a statement has no
	// more than 32,766 arguments.
	hints int
	// mixed is set below a not, a comparison or an all: hints may stand only where a condition that is too narrow by a change
	// made meanwhile is like an answer given before the change.
	mixed bool
}

// maxHints is how many arguments of one statement may be hints.
const maxHints = 4000

// A place is a structure in the statement: a row under an alias.
type place struct {
	set   *entitySet
	alias string
}

// at fills a place's alias in.
func (p place) at(sql string) string { return strings.ReplaceAll(sql, "@.", p.alias+".") }

// emitter returns an emitter for rows of the set under an alias.
func (s *Store) emitter(ctx context.Context, set *entitySet, alias string, v View) *emitter {
	return &emitter{
		dialect: s.dialect, view: v, root: place{set, alias}, vars: map[*odata.Variable]place{},
		guard: func(alias string) fragment { return s.shown(alias, v) },
		slots: func(of gramSpace, text string) ([]int64, bool, error) { return s.slots(ctx, of, text) },
	}
}

var (
	no   = fragment{sql: "1 = 0"}
	null = fragment{sql: "1 = NULL"}
)

// condition returns the SQL of an expression of kind Boolean, or of the literal null.
func (e *emitter) condition(x odata.Expr) (fragment, error) {
	switch x := x.(type) {
	case *odata.And:
		return e.chain(x.Terms, " AND ")
	case *odata.Or:
		return e.chain(x.Terms, " OR ")
	case *odata.Not:
		defer e.mix()()
		inner, err := e.condition(x.X)
		return sqlf("NOT (", inner, ")"), err
	case *odata.Compare:
		return e.compare(x)
	case *odata.In:
		return e.in(x)
	case *odata.Call:
		return e.call(x)
	case *odata.Lambda:
		return e.lambda(x)
	case *odata.Path:
		v, err := e.value(x, true)
		return sqlf("(", v.fragment, " <> 0)"), err
	case *odata.Literal:
		switch {
		case x.Prim == odata.Null:
			return null, nil
		case x.Prim == odata.Boolean && x.Bool:
			return fragment{sql: "1 = 1"}, nil
		case x.Prim == odata.Boolean:
			return no, nil
		}
	}
	return no, fmt.Errorf("%T is no condition", x)
}

// mix notes that what follows stands where hints may not; the result takes that back.
func (e *emitter) mix() func() {
	was := e.mixed
	e.mixed = true
	return func() { e.mixed = was }
}

// chain emits a long chain as a balanced tree, since databases bound the depth
// of expressions and count a flat chain as deep.
func (e *emitter) chain(terms []odata.Expr, op string) (fragment, error) {
	if len(terms) == 1 {
		return e.condition(terms[0])
	}
	l, err := e.chain(terms[:len(terms)/2], op)
	if err != nil {
		return no, err
	}
	r, err := e.chain(terms[len(terms)/2:], op)
	return sqlf("(", l, op, r, ")"), err
}

var sqlOps = map[odata.Op]string{
	odata.Eq: " = ", odata.Has: " = ", odata.Ne: " <> ", odata.Lt: " < ", odata.Le: " <= ", odata.Gt: " > ", odata.Ge: " >= ",
}

// nullSafe are the operators that are never NULL.
var nullSafe = map[odata.Op]string{
	odata.Eq: " IS NOT DISTINCT FROM ", odata.Has: " IS NOT DISTINCT FROM ", odata.Ne: " IS DISTINCT FROM ",
}

func isNull(x odata.Expr) bool {
	lit, ok := x.(*odata.Literal)
	return ok && lit.Prim == odata.Null
}

func (e *emitter) compare(x *odata.Compare) (fragment, error) {
	l, r := x.L, x.R
	if isNull(l) {
		l, r = r, l // of the operators, eq and ne alone are true of null
	}
	operand := func(y odata.Expr) (value, error) { return e.value(y, x.Exact) }
	if l.Kind() == odata.Boolean || r.Kind() == odata.Boolean {
		defer e.mix()()
		operand = func(x odata.Expr) (value, error) {
			cond, err := e.condition(x)
			return value{fragment: sqlf("(", cond, ")"), nullable: true}, err
		}
	} else if isNull(r) {
		operand = func(y odata.Expr) (value, error) { return e.value(y, exactOnly(y)) }
	}
	lv, err := operand(l)
	if err != nil {
		return no, err
	}
	if isNull(r) {
		switch x.Op {
		case odata.Eq, odata.Has:
			return sqlf(lv.fragment, " IS NULL"), nil
		case odata.Ne:
			return sqlf(lv.fragment, " IS NOT NULL"), nil
		}
		return no, nil
	}
	rv, err := operand(r)
	if err != nil {
		return no, err
	}
	op, safe := nullSafe[x.Op]
	switch {
	case !lv.nullable && !rv.nullable:
		op = sqlOps[x.Op]
	case !safe:
		return sqlf("COALESCE(", lv.fragment, sqlOps[x.Op], rv.fragment, ", 1 = 0)"), nil
	}
	cond := sqlf(lv.fragment, op, rv.fragment)
	if x.Op == odata.Eq {
		return e.identified(cond, l, r)
	}
	return cond, nil
}

// identified adds to an equality of a path and a literal the ids that it
// leaves: the key is an index for the values of artifacts.
func (e *emitter) identified(cond fragment, x odata.Expr, values ...odata.Expr) (fragment, error) {
	path, ok := x.(*odata.Path)
	if lit, isLit := x.(*odata.Literal); isLit && len(values) == 1 {
		path, ok = values[0].(*odata.Path)
		values = []odata.Expr{lit}
	}
	if !ok || path.Count {
		return cond, nil
	}
	at, key, _, err := e.resolve(path)
	if err != nil || !isIndicator(at.set) || key == "id" && at.set != articleIndicatorSet {
		return cond, err
	}
	if key == "id" {
		key = "ref"
	}
	ids, ok := e.ids(key, values)
	if !ok {
		return cond, nil
	}
	return sqlf("(", at.at(at.set.id), " IN ", listed(ids), " AND ", cond, ")"), nil
}

func isIndicator(s *entitySet) bool {
	return s == indicatorSet || s == profileIndicatorSet || s == articleIndicatorSet
}

// ids returns the ids of indicators whose property equals one of the literals,
// if that can be told and their number is no burden.
func (e *emitter) ids(path string, values []odata.Expr) (ids []string, ok bool) {
	for _, x := range values {
		lit, isLit := x.(*odata.Literal)
		if !isLit || lit.Prim != odata.String {
			return nil, false
		}
		more, known := indicatorIDs(path, lit.Str)
		if !known {
			return nil, false
		}
		ids = append(ids, more...)
	}
	return ids, e.hint(len(ids))
}

// hint reports whether n more arguments may be spent on finding rows.
func (e *emitter) hint(n int) bool {
	if e.hints+n > maxHints {
		return false
	}
	e.hints += n
	return true
}

func (e *emitter) in(x *odata.In) (fragment, error) {
	if x.X.Kind() == odata.Boolean {
		return e.inBool(x)
	}
	left, err := e.value(x.X, x.Exact)
	if err != nil {
		return no, err
	}
	var values []fragment
	var literals []odata.Expr
	withNull := false
	for _, lit := range x.List {
		if lit.Prim == odata.Null {
			withNull = true
			continue
		}
		v, err := e.literal(lit, x.Exact)
		if err != nil {
			return no, err
		}
		values, literals = append(values, v), append(literals, lit)
	}
	switch {
	case len(values) == 0:
		return sqlf(left.fragment, " IS NULL"), nil
	case withNull && left.nullable:
		return sqlf("COALESCE(", left.fragment, " IN (", comma(values), "), 1 = 1)"), nil
	}
	cond := sqlf(left.fragment, " IN (", comma(values), ")")
	if left.nullable {
		cond = sqlf("COALESCE(", cond, ", 1 = 0)")
	}
	return e.identified(cond, x.X, literals...)
}

func comma(list []fragment) fragment {
	var out fragment
	var b strings.Builder
	for i, f := range list {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(f.sql)
		out.args = append(out.args, f.args...)
	}
	out.sql = b.String()
	return out
}

// inBool emits the test of a condition against a list of truth values. The
// condition stands there once, or such tests within one another would grow without bound.
func (e *emitter) inBool(x *odata.In) (fragment, error) {
	defer e.mix()()
	cond, err := e.condition(x.X)
	var has [3]bool
	for _, lit := range x.List {
		switch {
		case lit.Prim == odata.Null:
			has[odata.Unknown] = true
		case lit.Bool:
			has[odata.True] = true
		default:
			has[odata.False] = true
		}
	}
	switch has {
	case [3]bool{odata.True: true}:
		return sqlf("COALESCE(", cond, ", 1 = 0)"), err
	case [3]bool{odata.True: true, odata.Unknown: true}:
		return sqlf("COALESCE(", cond, ", 1 = 1)"), err
	case [3]bool{odata.False: true}:
		return sqlf("NOT COALESCE(", cond, ", 1 = 1)"), err
	case [3]bool{odata.False: true, odata.Unknown: true}:
		return sqlf("NOT COALESCE(", cond, ", 1 = 0)"), err
	case [3]bool{odata.Unknown: true}:
		return sqlf("(", cond, ") IS NULL"), err
	case [3]bool{odata.False: true, odata.True: true}:
		return sqlf("(", cond, ") IS NOT NULL"), err
	}
	return fragment{sql: "1 = 1"}, err
}

// call emits a function that returns a truth value.
func (e *emitter) call(x *odata.Call) (fragment, error) {
	if x.Func > odata.Contains {
		return no, fmt.Errorf("%s is no condition", x.Func)
	}
	for _, arg := range x.Args {
		if isNull(arg) {
			return null, nil
		}
	}
	text, err := e.value(x.Args[0], x.Exact)
	if err != nil {
		return no, err
	}
	part, err := e.value(x.Args[1], x.Exact)
	if err != nil {
		return no, err
	}
	switch x.Func {
	case odata.StartsWith:
		if lit, ok := x.Args[1].(*odata.Literal); ok {
			return e.prefix(x, text, lit)
		}
		return sqlf("SUBSTR(", text.fragment, ", 1, LENGTH(", part.fragment, ")) = ", part.fragment), nil
	case odata.EndsWith:
		return sqlf("(", e.suffix(x), "LENGTH(", text.fragment, ") >= LENGTH(", part.fragment, ") AND SUBSTR(", text.fragment, ", LENGTH(", text.fragment,
			") - LENGTH(", part.fragment, ") + 1) = ", part.fragment, ")"), nil
	}
	cond := e.dialect.contains(text.fragment, part.fragment)
	if path, ok := x.Args[0].(*odata.Path); ok && !x.Exact && !e.mixed && path.Var == nil && e.root.set == profileSet {
		if lit, ok := x.Args[1].(*odata.Literal); ok {
			of := allTexts
			if field, _, _ := strings.Cut(names(path), "/"); shortFields[field] {
				of = shortTexts
			}
			hint, err := e.grams(e.root, of, Fold(lit.Str))
			return sqlf(hint, cond), err
		}
	}
	return cond, nil
}

// suffix returns a condition, with AND behind it, for the indicators of hosts that
// end as endswith asks; it is empty if others can too.
func (e *emitter) suffix(x *odata.Call) fragment {
	path, isPath := x.Args[0].(*odata.Path)
	lit, isLit := x.Args[1].(*odata.Literal)
	if !isPath || !isLit || e.mixed {
		return fragment{}
	}
	at, key, _, err := e.resolve(path)
	if err != nil || at.set != indicatorSet || key != "artifact/id" {
		return fragment{}
	}
	isHost := slices.ContainsFunc(path.Steps, func(s odata.Step) bool { return s.Cast != nil && s.Cast.Is(Types.Host) })
	if !isHost && !strings.ContainsAny(lit.Str, ".:-") { // which no id of another artifact has: those are base64
		return fragment{}
	}
	s := reversed(lit.Str)
	upper, ok := prefixEnd(s)
	if !ok {
		return fragment{}
	}
	return sqlf(between(at.at("@.host_reversed"), s, upper), " AND ")
}

// grams returns a condition, with AND behind it, for profiles that may have
// the folded text in one of these of theirs; it is empty if that leaves too many.
func (e *emitter) grams(p place, of gramSpace, text string) (fragment, error) {
	const lookup = 20 // what asking costs, in arguments
	if !e.hint(lookup) {
		return fragment{}, nil
	}
	slots, ok, err := e.slots(of, text)
	if err != nil || !ok || !e.hint(roundUp(len(slots))) {
		return fragment{}, err
	}
	if len(slots) == 0 {
		return sqlf(no, " AND "), nil
	}
	return sqlf(p.at("@.slot IN "), listed(padded(slots)), " AND "), nil
}

// prefix emits startswith with a literal: a range where the text is a column.
func (e *emitter) prefix(x *odata.Call, text value, lit *odata.Literal) (fragment, error) {
	s := lit.Str
	if !x.Exact {
		s = Fold(s)
	}
	cond := sqlf("SUBSTR(", text.fragment, ", 1, "+strconv.Itoa(utf8.RuneCountInString(s))+") = ", fragment{"?", []any{s}})
	if upper, ok := prefixEnd(s); ok && text.column {
		cond = between(text.sql, s, upper)
	}
	begin := firstRunes(s, sortPrefix) // only so many code points are in the index
	if upper, ok := prefixEnd(begin); ok && text.indexed != "" && !e.mixed {
		cond = sqlf("(", between(text.indexed, begin, upper), " AND ", cond, ")")
	}
	return cond, nil
}

func between(sql, from, to string) fragment {
	return fragment{"(" + sql + " >= ? AND " + sql + " < ?)", []any{from, to}}
}

// firstRunes returns the first n code points of s.
func firstRunes(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

// prefixEnd returns the least string greater than all that begin with s: its
// last code point raised by one. There is none if that is the last of all.
func prefixEnd(s string) (string, bool) {
	for s != "" {
		r, n := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-n]
		switch {
		case r == 0xD7FF:
			return s + "\uE000", true
		case r < utf8.MaxRune:
			return s + string(r+1), true
		}
	}
	return "", false
}

// A value is an operand.
type value struct {
	fragment
	nullable bool
	column   bool   // it is a column, so it may stand more than once and has a range
	indexed  string // the beginning of the column, if that is what is indexed
}

// value returns an operand: a literal, a path, a function of a text. Texts come
// as they are if exact is set, else folded.
func (e *emitter) value(x odata.Expr, exact bool) (value, error) {
	switch x := x.(type) {
	case *odata.Literal:
		f, err := e.literal(x, exact)
		return value{fragment: f, nullable: x.Prim == odata.Null}, err
	case *odata.Path:
		return e.path(x, exact)
	case *odata.Call:
		switch x.Func {
		case odata.ToLower, odata.ToUpper:
			v, err := e.value(x.Args[0], exact)
			if !exact { // folding both sides takes away the difference
				return value{fragment: v.fragment, nullable: v.nullable}, err
			}
			f := e.dialect.lower
			if x.Func == odata.ToUpper {
				f = e.dialect.upper
			}
			return value{fragment: sqlf(f+"(", v.fragment, ")"), nullable: v.nullable}, err
		case odata.Length:
			v, err := e.value(x.Args[0], exactOnly(x.Args[0])) // a fold has as many code points
			return value{fragment: sqlf("LENGTH(", v.fragment, ")"), nullable: v.nullable}, err
		}
	}
	return value{}, fmt.Errorf("%T is no operand", x)
}

// exactOnly reports whether a text can be had only as it is.
func exactOnly(x odata.Expr) bool {
	switch x := x.(type) {
	case *odata.Path:
		return x.Leaf().Exact
	case *odata.Call:
		return exactOnly(x.Args[0])
	}
	return false
}

// resolve finds the row in which a path ends and the names of the properties
// on the way there. guard is the condition under which its casts hold, empty if
// they always do; it is the fragment "no" if they never do.
func (e *emitter) resolve(x *odata.Path) (at place, key, guard string, err error) {
	at = e.root
	if x.Var != nil {
		var ok bool
		if at, ok = e.vars[x.Var]; !ok {
			return at, "", "", fmt.Errorf("variable %s is not in scope", x.Var.Name)
		}
	}
	declared := at.set.typ
	var names, guards []string
	for _, s := range x.Steps {
		switch {
		case s.Property != nil:
			names = append(names, s.Property.Name)
			declared = s.Property.Type
		case declared.Is(s.Cast):
		case s.Cast.Is(declared):
			cond, ok := at.set.types[s.Cast.Name]
			if !ok {
				return at, "", "", fmt.Errorf("type %s has no SQL", s.Cast.Name)
			}
			guards = append(guards, at.at(cond))
		default:
			return at, "", no.sql, nil
		}
	}
	return at, strings.Join(names, "/"), strings.Join(guards, " AND "), nil
}

func (e *emitter) path(x *odata.Path, exact bool) (value, error) {
	at, key, guard, err := e.resolve(x)
	if err != nil {
		return value{}, err
	}
	if guard == no.sql {
		if k := x.Kind(); k == odata.String || k == odata.Guid || k == odata.EnumType {
			return value{fragment: fragment{sql: "CAST(NULL AS TEXT)"}, nullable: true}, nil
		}
		return value{fragment: fragment{sql: "CAST(NULL AS BIGINT)"}, nullable: true}, nil
	}
	if x.Count {
		return e.count(x, at, key, guard)
	}
	col, ok := at.set.columns[key]
	if !ok {
		return value{}, fmt.Errorf("path %s has no column", x)
	}
	v := value{nullable: col.nullable, column: true}
	switch {
	case !exact && col.fold != "":
		v.sql = at.at(col.fold)
	case col.json != "":
		v.sql = e.dialect.json(at.at("@.body"), col.json)
	default:
		v.sql = at.at(col.sql)
		if key == "artifact/id" {
			v.indexed = at.at(col.sort)
		}
	}
	v.column = !strings.HasPrefix(v.sql, "(")
	if guard != "" {
		v = value{fragment: fragment{sql: "CASE WHEN " + guard + " THEN " + v.sql + " END"}, nullable: true, indexed: v.indexed}
	}
	return v, nil
}

// count emits the number of elements of a collection.
func (e *emitter) count(x *odata.Path, owner place, key, guard string) (value, error) {
	c, ok := owner.set.collections[key]
	if !ok || guard != "" {
		return value{}, fmt.Errorf("path %s has no SQL", x)
	}
	if c.count != "" {
		return value{fragment: fragment{sql: strings.ReplaceAll(c.count, "^.", owner.alias+".")}, column: true}, nil
	}
	el, on := e.elements(c, owner)
	return value{fragment: sqlf("(SELECT COUNT(*) FROM "+c.from+" "+el.alias+" WHERE ", on, ")")}, nil
}

// elements returns a new place for the elements of a collection, and the
// condition for those that the owner has and the view shows.
func (e *emitter) elements(c collection, owner place) (place, fragment) {
	e.aliases++
	el := place{c.set, "e" + strconv.Itoa(e.aliases)}
	on := fragment{sql: strings.ReplaceAll(el.at(c.on), "^.", owner.alias+".")}
	if c.guard {
		on = sqlf(on, " AND ", e.guard(el.alias))
	}
	if c.marks {
		on = sqlf(on, " AND ", el.alias+".claim <= ", fragment{"?", []any{int(e.view.Ceiling)}})
	}
	return el, on
}

func (e *emitter) lambda(x *odata.Lambda) (fragment, error) {
	owner, key, guard, err := e.resolve(x.Path)
	if err != nil {
		return no, err
	}
	if guard == no.sql {
		return null, nil // a lambda over null
	}
	c, ok := owner.set.collections[key]
	if !ok || guard != "" {
		return no, fmt.Errorf("path %s has no SQL", x.Path)
	}
	el, on := e.elements(c, owner)
	from := "EXISTS (SELECT 1 FROM " + c.from + " " + el.alias + " WHERE "
	if x.Body == nil {
		return sqlf(from, on, ")"), nil
	}
	var hint fragment
	end := ")"
	if !x.All && !e.mixed {
		if found, ok := e.owners(x.Body, x.Var, c); ok {
			// With a limit SQLite makes no join of it, in which every element would be looked for once for each of the owners found.
			end = " LIMIT 1)"
			hint = sqlf(owner.at(owner.set.id), " IN (SELECT o."+cmp.Or(c.owner, "profile_id")+" FROM ", found, ") AND ")
		}
	}
	e.vars[x.Var] = el
	if x.All {
		defer e.mix()()
	}
	body, err := e.condition(x.Body)
	delete(e.vars, x.Var)
	if x.All {
		return sqlf("NOT "+from, on, " AND NOT COALESCE(", body, ", 1 = 0))"), err
	}
	return sqlf(hint, from, on, " AND ", body, end), err
}

// owners returns FROM and WHERE, with the alias o, of the owners that can have
// an element for which the condition is true, if an index tells them.
func (e *emitter) owners(body odata.Expr, v *odata.Variable, c collection) (fragment, bool) {
	if c.guard {
		ids, ok := e.elementIDs(body, v, c)
		if !ok || !e.hint(len(ids)) {
			return fragment{}, false
		}
		return sqlf(cmp.Or(c.links, "indicator_profile")+" o WHERE o.indicator_id IN ", listed(ids)), true
	}
	cond, ok := e.elementKeys(body, v, c)
	if !ok {
		return fragment{}, false
	}
	if c.alone != "" {
		cond = sqlf(place{alias: "o"}.at(c.alone), " AND ", cond)
	}
	return sqlf(c.from+" o WHERE ", cond), true
}

// elementIDs returns the ids of indicators of which one must be an element for which the
// condition is true.
func (e *emitter) elementIDs(body odata.Expr, v *odata.Variable, c collection) (ids []string, ok bool) {
	switch x := body.(type) {
	case *odata.And:
		for _, term := range x.Terms {
			if ids, ok := e.elementIDs(term, v, c); ok {
				return ids, true
			}
		}
	case *odata.Or:
		for _, term := range x.Terms {
			more, ok := e.elementIDs(term, v, c)
			if !ok {
				return nil, false
			}
			ids = append(ids, more...)
		}
		return ids, true
	default:
		if path, values, ok := equality(x, v); ok {
			if path == "id" && c.set == articleIndicatorSet {
				path = "ref"
			}
			return e.ids(path, values)
		}
	}
	return nil, false
}

// elementKeys returns a condition on indexed columns that elements fulfil for
// which the condition is true.
func (e *emitter) elementKeys(body odata.Expr, v *odata.Variable, c collection) (fragment, bool) {
	o := place{c.set, "o"}
	switch x := body.(type) {
	case *odata.And:
		for _, term := range x.Terms {
			if cond, ok := e.elementKeys(term, v, c); ok {
				return cond, true
			}
		}
	case *odata.Or:
		var all []fragment
		for _, term := range x.Terms {
			cond, ok := e.elementKeys(term, v, c)
			if !ok {
				return fragment{}, false
			}
			all = append(all, cond)
		}
		out := sqlf("(", all[0])
		for _, cond := range all[1:] {
			out = sqlf(out, " OR ", cond)
		}
		return sqlf(out, ")"), len(all) <= 20
	case *odata.Call:
		path, isPath := x.Args[0].(*odata.Path)
		if x.Func != odata.StartsWith || x.Exact || !isPath || path.Var != v {
			break
		}
		lit, isLit := x.Args[1].(*odata.Literal)
		key, ok := c.keys[names(path)]
		if !isLit || !ok {
			break
		}
		s := Fold(lit.Str)
		upper, ok := prefixEnd(s)
		return between(o.at(key), s, upper), ok && e.hint(2)
	default:
		path, values, ok := equality(x, v)
		key, indexed := c.keys[path]
		if !ok || !indexed {
			break
		}
		var folds []string
		for _, x := range values {
			lit, ok := x.(*odata.Literal)
			if !ok || lit.Prim != odata.String {
				return fragment{}, false
			}
			folds = append(folds, Fold(lit.Str))
		}
		return sqlf(o.at(key)+" IN ", listed(folds)), e.hint(len(folds))
	}
	return fragment{}, false
}

// equality returns the path and the literals of an equality, or of a test
// against a list without null, of a property of the variable.
func equality(x odata.Expr, v *odata.Variable) (path string, values []odata.Expr, ok bool) {
	var left odata.Expr
	switch x := x.(type) {
	case *odata.Compare:
		if x.Op != odata.Eq {
			return "", nil, false
		}
		left, values = x.L, []odata.Expr{x.R}
		if _, lit := left.(*odata.Literal); lit {
			left, values[0] = x.R, x.L
		}
	case *odata.In:
		left = x.X
		for _, lit := range x.List {
			values = append(values, lit)
		}
	}
	p, ok := left.(*odata.Path)
	if !ok || p.Var != v || p.Count {
		return "", nil, false
	}
	return names(p), values, true
}

// names returns the names of a path's properties, without casts.
func names(p *odata.Path) string {
	var list []string
	for _, s := range p.Steps {
		if s.Property != nil {
			list = append(list, s.Property.Name)
		}
	}
	return strings.Join(list, "/")
}

func (e *emitter) literal(x *odata.Literal, exact bool) (fragment, error) {
	bound := func(v any) (fragment, error) { return fragment{"?", []any{v}}, nil }
	switch x.Prim {
	case odata.Null:
		return fragment{sql: "CAST(NULL AS TEXT)"}, nil
	case odata.String, odata.Guid:
		if exact {
			return bound(x.Str)
		}
		return bound(Fold(x.Str))
	case odata.DateTimeOffset, odata.Int32, odata.Int64:
		return fragment{"CAST(? AS BIGINT)", []any{x.Int}}, nil
	case odata.Double:
		return fragment{"CAST(? AS DOUBLE PRECISION)", []any{x.Float}}, nil
	case odata.EnumType:
		if byName(x.Enum) {
			return bound(x.Member.Name)
		}
		return bound(x.Int)
	}
	return no, fmt.Errorf("literal of type %s has no SQL", x.Prim)
}

// ceilingSQL is the condition for derived rows that are right for a ceiling.
func ceilingSQL(alias string, c intel.TLP) (string, []any) {
	return alias + ".tlp_lo <= ? AND " + alias + ".tlp_hi >= ?", []any{int(c), int(c)}
}

// shown is the condition for indicators that a view shows.
func (s *Store) shown(alias string, v View) fragment {
	cond, args := ceilingSQL(alias, v.Ceiling)
	f := fragment{cond, args}
	switch v.Mode {
	case All:
		return f
	case Active:
		f = sqlf(f, fragment{" AND " + alias + ".active_until > ?", []any{s.Now().UnixMilli()}})
	}
	return sqlf(f, " AND "+alias+".hidden = 0")
}
