package odata

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// A Tri is the result of a condition.
type Tri uint8

// The results. Unknown is the null of the query language; a row whose filter is Unknown is left out.
const (
	False Tri = iota
	True
	Unknown
)

// Eval returns whether the row fulfils the condition e, which came out of [ParseFilter] or [ParseQuery] for a type of the row.
// A nil e is true. The error reports a value that has not the Go type that [Row] says.
//
// Comparisons with eq, ne and in are never null; the other comparisons are false, and functions are null, where an operand
// is null; not, and, or follow three-valued logic. A cast to a type that the value has not is null. A lambda over a null
// is null; a lambda takes a condition that is null for an element as false.
// Text compares by its [Fold], except where the tree says Exact.
func Eval(e Expr, row Row) (Tri, error) {
	if e == nil {
		return True, nil
	}
	v, err := (&scope{row: row}).eval(e)
	if err != nil {
		return Unknown, err
	}
	return tri(v)
}

func tri(v any) (Tri, error) {
	switch v {
	case nil:
		return Unknown, nil
	case true:
		return True, nil
	case false:
		return False, nil
	}
	return Unknown, fmt.Errorf("a condition is a %T", v)
}

// A scope is what names in an expression stand for. Values are nil, string, int64, float64, bool, Row or []any.
type scope struct {
	row    Row
	vars   []*Variable
	values []any
}

func (s *scope) eval(e Expr) (any, error) {
	switch e := e.(type) {
	case *Literal:
		return e.value(), nil
	case *Path:
		return s.path(e)
	case *Compare:
		l, err := s.eval(e.L)
		if err != nil {
			return nil, err
		}
		r, err := s.eval(e.R)
		if err != nil {
			return nil, err
		}
		return compareOp(e.Op, l, r, e.Exact), nil
	case *In:
		return s.in(e)
	case *And:
		return s.chain(e.Terms, False)
	case *Or:
		return s.chain(e.Terms, True)
	case *Not:
		v, err := s.eval(e.X)
		if b, ok := v.(bool); ok {
			return !b, err
		}
		return nil, err
	case *Call:
		return s.call(e)
	case *Lambda:
		return s.lambda(e)
	}
	return nil, fmt.Errorf("no such expression: %T", e)
}

func (x *Literal) value() any {
	switch x.Prim {
	case String, Guid:
		return x.Str
	case Double:
		return x.Float
	case Boolean:
		return x.Bool
	case Null:
		return nil
	}
	return x.Int
}

func (s *scope) path(x *Path) (any, error) {
	var v any = s.row
	if x.Var != nil {
		v = s.values[slices.Index(s.vars, x.Var)]
	}
	for _, step := range x.Steps {
		row, ok := v.(Row)
		if !ok { // null
			return nil, nil
		}
		if step.Cast != nil {
			if !row.Type().Is(step.Cast) {
				return nil, nil
			}
			continue
		}
		var err error
		if v, err = normal(row.Value(step.Property), step.Property); err != nil {
			return nil, err
		}
	}
	if list, ok := v.([]any); ok && x.Count {
		return int64(len(list)), nil
	}
	return v, nil
}

func compareOp(op Op, l, r any, exact bool) bool {
	if l == nil || r == nil {
		return (op == Eq || op == Has) && l == r || op == Ne && l != r
	}
	c := compareValues(l, r, exact)
	switch op {
	case Ne:
		return c != 0
	case Gt:
		return c > 0
	case Ge:
		return c >= 0
	case Lt:
		return c < 0
	case Le:
		return c <= 0
	}
	return c == 0
}

// compareValues compares values of one kind, neither of them null.
func compareValues(l, r any, exact bool) int {
	switch l := l.(type) {
	case string:
		r, _ := r.(string)
		if exact {
			return cmp.Compare(l, r)
		}
		return cmp.Compare(Fold(l), Fold(r))
	case bool:
		if l == r {
			return 0
		}
		return -1
	case int64:
		if r, ok := r.(int64); ok {
			return cmp.Compare(l, r)
		}
		r, _ := r.(float64)
		return cmp.Compare(float64(l), r)
	case float64:
		if r, ok := r.(int64); ok {
			return cmp.Compare(l, float64(r))
		}
		r, _ := r.(float64)
		return cmp.Compare(l, r)
	}
	return -1
}

func (s *scope) in(x *In) (any, error) {
	v, err := s.eval(x.X)
	if err != nil {
		return nil, err
	}
	for _, lit := range x.List {
		if compareOp(Eq, v, lit.value(), x.Exact) {
			return true, nil
		}
	}
	return false, nil
}

// chain evaluates and (decided by False) and or (decided by True). All terms are evaluated only if none decides.
func (s *scope) chain(terms []Expr, decides Tri) (any, error) {
	null := false
	for _, e := range terms {
		v, err := s.eval(e)
		if err != nil {
			return nil, err
		}
		if v == nil {
			null = true
		} else if v == (decides == True) {
			return v, nil
		}
	}
	if null {
		return nil, nil
	}
	return decides == False, nil
}

func (s *scope) call(x *Call) (any, error) {
	var args [2]string
	for i, arg := range x.Args {
		v, err := s.eval(arg)
		if v == nil || err != nil {
			return nil, err
		}
		args[i], _ = v.(string)
		if !x.Exact && x.Func <= Contains {
			args[i] = Fold(args[i])
		}
	}
	switch x.Func {
	case StartsWith:
		return strings.HasPrefix(args[0], args[1]), nil
	case EndsWith:
		return strings.HasSuffix(args[0], args[1]), nil
	case Contains:
		return strings.Contains(args[0], args[1]), nil
	case ToLower:
		return Lower(args[0]), nil
	case ToUpper:
		return Upper(args[0]), nil
	}
	return int64(utf8.RuneCountInString(args[0])), nil
}

func (s *scope) lambda(x *Lambda) (any, error) {
	v, err := s.path(x.Path)
	if v == nil || err != nil {
		return nil, err
	}
	list, _ := v.([]any)
	if x.Body == nil {
		return len(list) > 0, nil
	}
	for _, element := range list {
		s.vars, s.values = append(s.vars, x.Var), append(s.values, element)
		v, err := s.eval(x.Body)
		s.vars, s.values = s.vars[:len(s.vars)-1], s.values[:len(s.values)-1]
		if err != nil {
			return nil, err
		}
		if (v == true) != x.All {
			return !x.All, nil
		}
	}
	return x.All, nil
}

// computed returns e, or its value as a literal if no property takes part.
func computed(e Expr) Expr {
	constant := true
	each := func(list ...Expr) {
		for _, x := range list {
			_, lit := x.(*Literal)
			constant = constant && lit
		}
	}
	switch e := e.(type) {
	case *Compare:
		each(e.L, e.R)
	case *In:
		each(e.X)
	case *And:
		each(e.Terms...)
	case *Or:
		each(e.Terms...)
	case *Not:
		each(e.X)
	case *Call:
		each(e.Args...)
	default:
		return e
	}
	if !constant {
		return e
	}
	v, err := (&scope{}).eval(e)
	if err != nil {
		return e
	}
	lit := &Literal{At: e.Pos(), Prim: Null}
	switch v := v.(type) {
	case bool:
		lit.Prim, lit.Bool = Boolean, v
	case string:
		lit.Prim, lit.Str = String, v
	case int64:
		lit.Prim, lit.Int = Int64, v
	}
	return lit
}
