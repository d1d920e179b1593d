package api

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"dossier/internal/odata"
)

// A handler answers one request.
type handler func(*request) (*answer, error)

// A node is a place in the tree of paths. The tree is not changed after New.
type node struct {
	label    string           // the name as declared
	path     string           // how it was registered, "" for what is only on the way
	literals map[string]*node // by name in lower case
	key      *node            // what follows an id
	methods  map[string]handler
	fold     bool // names match in any case
	long     bool // answers may take longer to make than others
}

// at registers a handler, and returns its place. path is a list of names; "{}"
// stands for an id.
func (n *node) at(path, method string, h handler) *node {
	for name := range strings.SplitSeq(path, "/") {
		if name == "" {
			continue
		}
		n = n.child(name)
	}
	if n.methods == nil {
		n.methods, n.path = map[string]handler{}, "/"+path
	}
	n.methods[method] = h
	return n
}

func (n *node) child(name string) *node {
	if name == "{}" {
		if n.key == nil {
			n.key = &node{fold: n.fold}
		}
		return n.key
	}
	key := n.name(name)
	if n.literals == nil {
		n.literals = map[string]*node{}
	}
	if n.literals[key] == nil {
		n.literals[key] = &node{label: name, fold: n.fold}
	}
	return n.literals[key]
}

func (n *node) name(s string) string {
	if n.fold {
		return strings.ToLower(s)
	}
	return s
}

// find follows the segments and returns the node, and the ids on the way. A
// segment that leads nowhere is returned as unknown.
//
// An id stands in its own segment, or in parentheses behind the name. A name comes
// before an id; a raw '$' begins a name, never an id.
func (n *node) find(segments []odata.Segment) (found *node, ids []string, unknown *odata.Segment) {
	for i := range segments {
		seg := &segments[i]
		if next := n.literals[n.name(seg.Text)]; next != nil {
			n = next
			continue
		}
		if next := n.literals[n.name(seg.Name)]; seg.HasKey && next != nil && next.key != nil {
			n = next.key
			ids = append(ids, seg.Key)
			continue
		}
		if n.key == nil || strings.HasPrefix(seg.Raw, "$") {
			return nil, nil, seg
		}
		n = n.key
		ids = append(ids, seg.Text)
	}
	return n, ids, nil
}

// allowed lists the methods that the node answers.
func (n *node) allowed() string {
	methods := slices.Collect(maps.Keys(n.methods))
	if n.methods[http.MethodGet] != nil {
		methods = append(methods, http.MethodHead)
	}
	slices.Sort(methods)
	return strings.Join(methods, ", ")
}

// each calls f with every route below n, in the order of their paths. The path has
// the names as declared and "{}" for ids.
func (n *node) each(path []string, f func(path []string, method string, h handler)) {
	for _, method := range slices.Sorted(maps.Keys(n.methods)) {
		f(path, method, n.methods[method])
	}
	for _, name := range slices.Sorted(maps.Keys(n.literals)) {
		next := n.literals[name]
		next.each(append(slices.Clone(path), next.label), f)
	}
	if n.key != nil {
		n.key.each(append(slices.Clone(path), "{}"), f)
	}
}
