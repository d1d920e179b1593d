package odata

// Walk calls f for e and every node under it, parents first. Where f returns false, it does not go deeper.
// The values of an In and the path of a Lambda are nodes.
func Walk(e Expr, f func(Expr) bool) {
	if e == nil || !f(e) {
		return
	}
	switch e := e.(type) {
	case *Compare:
		Walk(e.L, f)
		Walk(e.R, f)
	case *In:
		Walk(e.X, f)
		for _, v := range e.List {
			Walk(v, f)
		}
	case *And:
		walkAll(e.Terms, f)
	case *Or:
		walkAll(e.Terms, f)
	case *Not:
		Walk(e.X, f)
	case *Call:
		walkAll(e.Args, f)
	case *Lambda:
		Walk(e.Path, f)
		Walk(e.Body, f)
	}
}

func walkAll(list []Expr, f func(Expr) bool) {
	for _, e := range list {
		Walk(e, f)
	}
}

// height returns the number of nodes on the longest way down from e. Operators in a row nest without parentheses, which
// the depth of the parser does not see.
func height(e Expr) int {
	h := 0
	switch e := e.(type) {
	case *Compare:
		h = max(height(e.L), height(e.R))
	case *In:
		h = height(e.X)
	case *And:
		h = heights(e.Terms)
	case *Or:
		h = heights(e.Terms)
	case *Not:
		h = height(e.X)
	case *Call:
		h = heights(e.Args)
	case *Lambda:
		if e.Body != nil {
			h = height(e.Body)
		}
	}
	return h + 1
}

func heights(list []Expr) int {
	h := 0
	for _, e := range list {
		h = max(h, height(e))
	}
	return h
}
