package store

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"dossier/internal/odata"
)

// An emitter turns a typed filter into SQL with bound arguments. SQL's logic of
// NULL is OData's for and, or, not and functions; comparisons are emitted so
// that eq and ne are never NULL, and the others false where a side is null.
type emitter struct {
	set  entitySet
	args []any
}

// where returns the condition; args are to be bound in order.
func (e *emitter) where(x odata.Expr) (string, error) {
	switch x := x.(type) {
	case *odata.And:
		return e.chain(x.Terms, " AND ")
	case *odata.Or:
		return e.chain(x.Terms, " OR ")
	case *odata.Not:
		inner, err := e.where(x.X)
		return "NOT (" + inner + ")", err
	case *odata.Compare:
		return e.compare(x)
	case *odata.In:
		return e.in(x)
	case *odata.Call:
		return e.call(x)
	case *odata.Literal:
		if x.Prim == odata.Boolean {
			if x.Bool {
				return "1 = 1", nil
			}
			return "1 = 0", nil
		}
		if x.Prim == odata.Null {
			return "NULL", nil
		}
	}
	return "", fmt.Errorf("filter node %T has no SQL", x)
}

// chain emits a long chain as a balanced tree, since databases bound the depth
// of expressions and count a flat chain as deep.
func (e *emitter) chain(terms []odata.Expr, op string) (string, error) {
	if len(terms) == 1 {
		return e.where(terms[0])
	}
	l, err := e.chain(terms[:len(terms)/2], op)
	if err != nil {
		return "", err
	}
	r, err := e.chain(terms[len(terms)/2:], op)
	return "(" + l + op + r + ")", err
}

var sqlOps = map[odata.Op]string{
	odata.Eq: "IS NOT DISTINCT FROM", odata.Has: "IS NOT DISTINCT FROM", odata.Ne: "IS DISTINCT FROM",
	odata.Lt: "<", odata.Le: "<=", odata.Gt: ">", odata.Ge: ">=",
}

func (e *emitter) compare(x *odata.Compare) (string, error) {
	if l, ok := x.L.(*odata.Literal); !ok || l.Prim != odata.Boolean {
		if r, ok := x.R.(*odata.Literal); ok && r.Prim == odata.Boolean {
			return e.compareBool(x.L, x.Op, r.Bool)
		}
	} else {
		return e.compareBool(x.R, x.Op, l.Bool)
	}
	fold := !x.Exact
	l, err := e.value(x.L, fold)
	if err != nil {
		return "", err
	}
	r, err := e.value(x.R, fold)
	if err != nil {
		return "", err
	}
	cond := l + " " + sqlOps[x.Op] + " " + r
	if x.Op != odata.Eq && x.Op != odata.Ne && x.Op != odata.Has {
		cond = "COALESCE(" + cond + ", 1 = 0)"
	}
	return cond, nil
}

// compareBool emits a condition compared with true or false.
func (e *emitter) compareBool(x odata.Expr, op odata.Op, value bool) (string, error) {
	cond, err := e.where(x)
	if err != nil {
		return "", err
	}
	if !value {
		cond = "NOT (" + cond + ")"
	}
	cond = "COALESCE(" + cond + ", 1 = 0)"
	switch op {
	case odata.Eq, odata.Has:
		return cond, nil
	case odata.Ne:
		return "NOT " + cond, nil
	}
	return "", fmt.Errorf("operator %s between truth values has no SQL", op)
}

func (e *emitter) in(x *odata.In) (string, error) {
	left, err := e.value(x.X, !x.Exact)
	if err != nil {
		return "", err
	}
	var list []string
	null := false
	for _, v := range x.List {
		if v.Prim == odata.Null {
			null = true
			continue
		}
		sql, err := e.value(v, !x.Exact)
		if err != nil {
			return "", err
		}
		list = append(list, sql)
	}
	cond := "1 = 0"
	if len(list) > 0 {
		cond = "COALESCE(" + left + " IN (" + strings.Join(list, ", ") + "), 1 = 0)"
	}
	if null {
		// The operand's arguments are bound once, so the test for null repeats only plain columns.
		if _, ok := x.X.(*odata.Path); !ok {
			return "", fmt.Errorf("null in a list after a function has no SQL")
		}
		cond = "(" + cond + " OR " + left + " IS NULL)"
	}
	return cond, nil
}

func (e *emitter) call(x *odata.Call) (string, error) {
	text, err := e.value(x.Args[0], !x.Exact)
	if err != nil {
		return "", err
	}
	lit, ok := x.Args[1].(*odata.Literal)
	if !ok || lit.Prim != odata.String {
		return "", fmt.Errorf("%s without a literal has no SQL", x.Func)
	}
	s := lit.Str
	if !x.Exact {
		s = Fold(s)
	}
	switch x.Func {
	case odata.StartsWith:
		if path, ok := x.Args[0].(*odata.Path); ok && s != "" {
			if upper, ok := prefixEnd(s); ok && path != nil {
				e.args = append(e.args, s, upper)
				return "(" + text + " >= ? AND " + text + " < ?)", nil
			}
		}
		return e.like(text, "", s, "%"), nil
	case odata.EndsWith:
		return e.like(text, "%", s, ""), nil
	case odata.Contains:
		return e.like(text, "%", s, "%"), nil
	}
	return "", fmt.Errorf("%s is no condition", x.Func)
}

func (e *emitter) like(text, before, s, after string) string {
	e.args = append(e.args, before+likeEscaper.Replace(s)+after)
	return text + ` LIKE ? ESCAPE '\'`
}

var likeEscaper = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

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

// value returns an operand: a column, a literal, a function of a column.
func (e *emitter) value(x odata.Expr, fold bool) (string, error) {
	switch x := x.(type) {
	case *odata.Literal:
		return e.literal(x, fold)
	case *odata.Path:
		col, ok := e.column(x)
		if !ok {
			return "", fmt.Errorf("path %s has no column", x)
		}
		if fold && col.fold != "" {
			return col.fold, nil
		}
		return col.sql, nil
	case *odata.Call:
		switch x.Func {
		case odata.ToLower, odata.ToUpper:
			// Comparisons fold both sides, which takes away the difference.
			return e.value(x.Args[0], fold)
		case odata.Length:
			inner, err := e.value(x.Args[0], false)
			return "LENGTH(" + inner + ")", err
		}
		cond, err := e.call(x)
		return "(" + cond + ")", err
	}
	return "", fmt.Errorf("operand %T has no SQL", x)
}

func (e *emitter) column(p *odata.Path) (column, bool) {
	if len(p.Steps) != 1 || p.Steps[0].Property == nil || p.Count || p.Var != nil {
		return column{}, false
	}
	c, ok := e.set.columns[p.Steps[0].Property.Name]
	return c, ok
}

func (e *emitter) literal(x *odata.Literal, fold bool) (string, error) {
	var v any
	switch x.Prim {
	case odata.Null:
		return "NULL", nil
	case odata.String, odata.Guid:
		v = x.Str
		if fold {
			v = Fold(x.Str)
		}
	case odata.DateTimeOffset, odata.Int32, odata.Int64:
		v = x.Int
	case odata.Double:
		v = x.Float
	case odata.Boolean:
		v = x.Bool
	case odata.EnumType:
		if x.Enum == Types.ProfileKind {
			v = x.Int
		} else {
			v = x.Member.Name
		}
	default:
		return "", fmt.Errorf("literal of type %s has no SQL", x.Prim)
	}
	e.args = append(e.args, v)
	return "?", nil
}
