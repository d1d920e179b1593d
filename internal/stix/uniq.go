package stix

import "slices"

// uniq is a list without repetitions, in the order of adding. Short ones, which
// most are, cost no more than the list.
type uniq[T comparable] struct {
	list []T
	seen map[T]struct{}
}

const uniqLinear = 32 // up to here looking through the list is cheaper

func (u *uniq[T]) add(v T) {
	if u.seen == nil {
		if slices.Contains(u.list, v) {
			return
		}
		if len(u.list) >= uniqLinear {
			u.seen = make(map[T]struct{}, 2*len(u.list))
			for _, x := range u.list {
				u.seen[x] = struct{}{}
			}
		}
	}
	if u.seen != nil {
		if _, ok := u.seen[v]; ok {
			return
		}
		u.seen[v] = struct{}{}
	}
	u.list = append(u.list, v)
}

// distinct returns list without repetitions.
func distinct[T comparable](list []T) []T {
	if len(list) < 2 {
		return list
	}
	var u uniq[T]
	for _, v := range list {
		u.add(v)
	}
	return u.list
}
