package resolve

import (
	"slices"
	"strings"

	"dossier/internal/intel"
)

// addIDs ties records that cite an id to the records of the id's issuer. Ids
// whose issuer has no records here tie nothing: two records that mention one
// CVE are not the same.
func (t *table) addIDs(rank func(string) intel.Publisher) {
	owners := make(map[string][]int32)
	for i := range t.nodes {
		n := &t.nodes[i]
		for _, id := range n.rec.IDs {
			if owns(n.rec.Publisher, id.Issuer) {
				owners[id.Issuer+"\x00"+id.ID] = append(owners[id.Issuer+"\x00"+id.ID], int32(i))
			}
		}
	}
	type citation struct {
		publisher string
		kind      intel.Kind
		id        string
	}
	citing := make(map[citation]int)
	for i := range t.nodes {
		n := &t.nodes[i]
		for id := range citedIDs(n.rec) {
			if to, ok := owners[id]; ok && t.nodes[to[0]].rec.Kind == n.rec.Kind && !slices.Contains(to, int32(i)) && !slices.Contains(n.ids, id) {
				n.ids = append(n.ids, id)
				citing[citation{n.rec.Publisher, n.rec.Kind, id}]++
			} else if issuer, _, _ := strings.Cut(id, "\x00"); !ok && issuer != n.rec.Publisher && rank(issuer).Distinct {
				n.absent = append(n.absent, id)
			}
		}
	}
	for i := range t.nodes {
		n := &t.nodes[i]
		for _, id := range n.ids {
			// An id that two records of one publisher cite, or one of
			// several that a record cites, is worth less.
			w := explicitWeight / float64(len(n.ids)*citing[citation{n.rec.Publisher, n.rec.Kind, id}])
			_, name, _ := strings.Cut(id, "\x00")
			for _, to := range owners[id] {
				t.tie(int32(i), to, RuleExternalID, w, name)
			}
		}
	}
}

// owns reports whether a publisher's records are those that the issuer's ids
// stand for.
func owns(publisher, issuer string) bool {
	return issuer != "" && (publisher == issuer || publisher == intel.MISPGalaxyPrefix+issuer)
}

// citedIDs yields the external ids of a record, with ATT&CK's ids among its
// names.
func citedIDs(r *intel.Record) func(func(string) bool) {
	return func(yield func(string) bool) {
		for _, id := range r.IDs {
			if !yield(id.Issuer + "\x00" + id.ID) {
				return
			}
		}
		for _, n := range r.Names {
			if evidential(n.Relation) && attackID.MatchString(n.Value) && !yield(intel.MitreAttack+"\x00"+n.Value) {
				return
			}
		}
	}
}

// addLinks ties records that a source links as the same, and those that are the
// same object under one UUID.
func (t *table) addLinks() {
	t.uuids = make(map[string][]int32)
	for i := range t.nodes {
		if u := uuidOf(t.nodes[i].rec.Key); u != "" {
			t.uuids[u] = append(t.uuids[u], int32(i))
		}
	}
	for _, same := range t.uuids {
		for x, a := range same {
			for _, b := range same[x+1:] {
				t.tie(b, a, RuleUUID, explicitWeight, uuidOf(t.nodes[a].rec.Key))
			}
		}
	}
	for i := range t.nodes {
		for _, l := range t.nodes[i].rec.Links {
			if l.Relation != intel.Same && l.Relation != intel.Formerly {
				continue
			}
			for _, to := range t.targets(l) {
				t.tie(int32(i), to, RuleSameAs, explicitWeight, "")
			}
		}
	}
}

// targets returns the nodes that a link points to: by reference, or by a bare
// UUID over all publishers.
func (t *table) targets(l intel.Link) []int32 {
	if l.To.Publisher != "" {
		if to, ok := t.byRef[l.To]; ok {
			return []int32{to}
		}
		return nil
	}
	if u := uuidOf(l.To.Key); u != "" {
		return t.uuids[u]
	}
	return nil
}

// tie notes an explicit statement at both ends. Kinds never mix, and a
// publisher with a distinct list ties none of its own.
func (t *table) tie(a, b int32, rule Rule, w float64, name string) {
	x, y := &t.nodes[a], &t.nodes[b]
	if a == b || x.rec.Kind != y.rec.Kind || x.rec.Publisher == y.rec.Publisher && x.pub.Distinct {
		return
	}
	x.links = append(x.links, explicit{b, rule, w, name})
	y.links = append(y.links, explicit{a, rule, w, name})
}

// uuidOf returns the UUID that a key is or ends with, in lower case, else "".
func uuidOf(key string) string {
	if len(key) < 36 {
		return ""
	}
	u := key[len(key)-36:]
	for i := range len(u) {
		c := u[i] | 0x20
		if dash := i == 8 || i == 13 || i == 18 || i == 23; dash != (u[i] == '-') || !dash && !(c >= 'a' && c <= 'f' || u[i] >= '0' && u[i] <= '9') {
			return ""
		}
	}
	if len(key) > 36 && key[len(key)-37] != '-' && key[len(key)-37] != ':' {
		return ""
	}
	return strings.ToLower(u)
}

// MaxCiting is how many records may cite a document before it says nothing
// about any of them.
const MaxCiting = 4

// addDocuments notes which documents the records cite, and which are cited too
// often.
func (t *table) addDocuments(citing func(string) int) {
	for i := range t.nodes {
		n := &t.nodes[i]
		n.lands = countries(n.rec)
		for _, ref := range n.rec.References {
			url := document(ref.URL)
			if url == "" {
				continue
			}
			d, ok := t.docs[url]
			if !ok {
				d = int32(len(t.cited))
				t.docs[url] = d
				t.cited = append(t.cited, nil)
			}
			if !slices.Contains(n.docs, d) {
				n.docs = append(n.docs, d)
				t.cited[d] = append(t.cited[d], int32(i))
			}
		}
	}
	t.common = make([]bool, len(t.cited))
	for url, d := range t.docs {
		n := len(t.cited[d])
		if n > 1 && citing != nil { // what one record cites agrees with no other
			n = citing(url)
		}
		t.common[d] = n > MaxCiting
	}
}

// document returns one form for the spellings of an address, "" for pages that
// are a catalogue's entry or the root of a site.
func document(url string) string {
	_, rest, ok := strings.Cut(url, "://")
	if !ok {
		return ""
	}
	rest = strings.TrimPrefix(strings.ToLower(strings.TrimRight(rest, "/#")), "www.")
	if !strings.Contains(rest, "/") || strings.HasPrefix(rest, "attack.mitre.org/") {
		return ""
	}
	return rest
}
