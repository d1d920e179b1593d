package resolve

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"

	"dossier/internal/intel"
)

// none is the index of nothing: no node, no cell.
const none int32 = -1

// A node is one record with what an assignment needs of it.
type node struct {
	rec     *intel.Record
	pub     intel.Publisher
	uses    []nameUse // one per name key, the title first
	ids     []string  // ids of issuers that own records here, as issuer + "\x00" + id
	absent  []string  // ids, in the same form, of issuers with a distinct list whose record is not here
	links   []explicit
	lands   []string
	docs    []int32 // cited documents
	cell    int32
	reason  Reason
	settled bool // member of a cell of the base
}

// A nameUse is one name of a record that may speak for identity.
type nameUse struct {
	key   int32
	name  string // as written
	title bool
	weak  string
}

// An explicit statement ties two records without any name.
type explicit struct {
	to     int32
	rule   Rule
	weight float64
	name   string // what it says: an id, a UUID
}

// A table holds the records of one assignment, in the total order of
// precedence, with the indexes over them.
type table struct {
	nodes  []node
	byRef  map[intel.Ref]int32
	keys   map[string]int32
	posts  [][]int32 // name key -> nodes that use it, ascending
	docs   map[string]int32
	cited  [][]int32 // document -> nodes that cite it
	common []bool    // document -> so many cite it that it says nothing
	uuids  map[string][]int32
}

// newTable takes in the records. Those of the base stand for themselves: a
// version that came with the others does not replace them.
func newTable(in Input) *table {
	t := &table{byRef: make(map[intel.Ref]int32), keys: make(map[string]int32), docs: make(map[string]int32)}
	latest := make(map[intel.Ref]*intel.Record)
	if in.Records != nil {
		for r := range in.Records {
			if r == nil || !r.Kind.HasProfile() {
				continue
			}
			if old, ok := latest[r.Ref]; !ok || newer(r, old) {
				latest[r.Ref] = r
			}
		}
	}
	if in.Base != nil {
		for i := range in.Base.Cells {
			for _, m := range in.Base.Cells[i].Members {
				latest[m.Record.Ref] = m.Record
			}
		}
	}
	pubs := make(map[string]intel.Publisher)
	t.nodes = make([]node, 0, len(latest))
	for _, r := range latest {
		pub, ok := pubs[r.Publisher]
		if !ok {
			pub = in.Rank(r.Publisher)
			pubs[r.Publisher] = pub
		}
		t.nodes = append(t.nodes, node{rec: r, pub: pub, cell: none})
	}
	slices.SortFunc(t.nodes, func(a, b node) int { return precedence(&a, &b) })
	for i := range t.nodes {
		t.byRef[t.nodes[i].rec.Ref] = int32(i)
	}
	t.addNames()
	t.addIDs(in.Rank)
	t.addLinks()
	t.addDocuments(in.Citing)
	return t
}

// newer orders two versions of one record: by the publisher's own time, then
// by their content, so that the order of arrival never decides.
func newer(a, b *intel.Record) bool {
	if a.Modified != b.Modified {
		return a.Modified > b.Modified
	}
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return bytes.Compare(x, y) > 0
}

// precedence is the total order of records: rank, publisher, key.
func precedence(a, b *node) int {
	return cmp.Or(
		cmp.Compare(a.pub.Rank, b.pub.Rank),
		cmp.Compare(a.rec.Publisher, b.rec.Publisher),
		cmp.Compare(a.rec.Key, b.rec.Key),
	)
}

// founding reports whether the record may have a cell of its own.
func (n *node) founding() bool { return n.rec.Live() && !n.rec.Mention }

// addNames folds the names, drops placeholders, and marks the weak ones.
func (t *table) addNames() {
	software := make(map[int32]bool)
	for i := range t.nodes {
		n := &t.nodes[i]
		n.uses = make([]nameUse, 0, 1+len(n.rec.Names))
		t.addName(n, n.rec.Title, true)
		for _, name := range n.rec.Names {
			if evidential(name.Relation) && !attackID.MatchString(name.Value) {
				t.addName(n, name.Value, false)
			}
		}
		for _, u := range n.uses {
			t.posts[u.key] = append(t.posts[u.key], int32(i))
			if n.rec.Kind == intel.Tool && n.founding() {
				software[u.key] = true
			}
		}
	}
	for i := range t.nodes {
		if t.nodes[i].rec.Kind != intel.Actor {
			continue
		}
		for j := range t.nodes[i].uses {
			if u := &t.nodes[i].uses[j]; u.weak == "" && software[u.key] {
				u.weak = weakSoftware
			}
		}
	}
}

func (t *table) addName(n *node, name string, title bool) {
	if intel.Placeholder(name) {
		return
	}
	folded := intel.NameKey(name)
	if folded == "" {
		return
	}
	key, ok := t.keys[folded]
	if !ok {
		key = int32(len(t.posts))
		t.keys[folded] = key
		t.posts = append(t.posts, nil)
	}
	for _, u := range n.uses {
		if u.key == key {
			return
		}
	}
	n.uses = append(n.uses, nameUse{key, name, title, weakness(name, folded)})
}
