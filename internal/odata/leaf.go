package odata

// Leaf returns the last property of the path, or the collection that its range variable ranges over if there is none. It
// is nil for $it alone.
func (x *Path) Leaf() *Property {
	for i := len(x.Steps) - 1; i >= 0; i-- {
		if p := x.Steps[i].Property; p != nil {
			return p
		}
	}
	if x.Var != nil {
		return x.Var.Of
	}
	return nil
}

// Type returns the type of the structure the path leads to, after casts; nil if it leads to a primitive value.
func (x *Path) Type() *Type {
	if n := len(x.Steps); n > 0 {
		if s := x.Steps[n-1]; s.Property == nil {
			return s.Cast
		}
	}
	if p := x.Leaf(); p != nil {
		return p.Type
	}
	return x.it
}

// lowerKey reports whether the path leads to a key that is stored in lower case.
func (x *Path) lowerKey() bool {
	n := len(x.Steps)
	if n == 0 || x.Count || x.Steps[n-1].Property == nil {
		return false
	}
	s := x.Steps[n-1]
	return s.Owner.lowerKey() && s.Property.Name == s.Owner.KeyName()
}

// collection reports whether the path as it is ends at a collection.
func (x *Path) collection() bool {
	n := len(x.Steps)
	return n > 0 && !x.Count && x.Steps[n-1].Property != nil && x.Steps[n-1].Property.Collection
}
