package odata

import "testing"

// checkReparse checks that e printed and parsed again is e.
func checkReparse(t *testing.T, e Expr, typ *Type) {
	t.Helper()
	again, err := ParseFilter(e.String(), typ)
	if err != nil {
		t.Errorf("%s\n\tdoes not parse again: %v", e, err)
	} else if !equal(e, again, nil) {
		t.Errorf("%s\n\tis another tree when parsed again:\n\t%s", e, again)
	}
}

// equal compares trees without positions. Variables are equal if they were bound in the same place.
func equal(a, b Expr, vars map[*Variable]*Variable) bool {
	switch a := a.(type) {
	case *Literal:
		b, ok := b.(*Literal)
		if !ok {
			return false
		}
		x, y := *a, *b
		x.At, y.At = 0, 0
		return x == y
	case *Path:
		b, ok := b.(*Path)
		if !ok || vars[a.Var] != b.Var || len(a.Steps) != len(b.Steps) || a.Count != b.Count {
			return false
		}
		for i := range a.Steps {
			x, y := a.Steps[i], b.Steps[i]
			x.At, y.At = 0, 0
			if x != y {
				return false
			}
		}
		return true
	case *Compare:
		b, ok := b.(*Compare)
		return ok && a.Op == b.Op && a.Exact == b.Exact && equal(a.L, b.L, vars) && equal(a.R, b.R, vars)
	case *In:
		b, ok := b.(*In)
		if !ok || a.Exact != b.Exact || len(a.List) != len(b.List) || !equal(a.X, b.X, vars) {
			return false
		}
		for i := range a.List {
			if !equal(a.List[i], b.List[i], vars) {
				return false
			}
		}
		return true
	case *And:
		b, ok := b.(*And)
		return ok && equalAll(a.Terms, b.Terms, vars)
	case *Or:
		b, ok := b.(*Or)
		return ok && equalAll(a.Terms, b.Terms, vars)
	case *Not:
		b, ok := b.(*Not)
		return ok && equal(a.X, b.X, vars)
	case *Call:
		b, ok := b.(*Call)
		return ok && a.Func == b.Func && a.Exact == b.Exact && equalAll(a.Args, b.Args, vars)
	case *Lambda:
		b, ok := b.(*Lambda)
		if !ok || a.All != b.All || !equal(a.Path, b.Path, vars) {
			return false
		}
		if a.Body == nil {
			return b.Body == nil
		}
		inner := map[*Variable]*Variable{a.Var: b.Var}
		for x, y := range vars {
			inner[x] = y
		}
		return b.Var != nil && a.Var.Name == b.Var.Name && a.Var.Of == b.Var.Of && equal(a.Body, b.Body, inner)
	}
	return false
}

func equalAll(a, b []Expr, vars map[*Variable]*Variable) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !equal(a[i], b[i], vars) {
			return false
		}
	}
	return true
}
