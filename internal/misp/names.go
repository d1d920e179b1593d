package misp

import (
	"sort"
	"strings"

	"dossier/internal/intel"
	"dossier/internal/naming"
)

// names reads the other names of a cluster and who coined each: synonyms;
// "name-attribution" entries "name:uuid of the producer"; and keys
// "origin:name" that hold the producer's name. A name that several coined is
// one claim for each. Where the source does not say, the form of the name may:
// see [naming.SchemeOf].
func (d *decoder) names(r *intel.Record, m meta) {
	coined, order := d.coiners(m)
	seen := make(map[intel.Name]bool)
	add := func(n intel.Name) {
		if n.Value == r.Title && n.CoinedBy == "" && n.Relation == "" {
			return // the title needs no entry
		}
		if !seen[n] {
			seen[n] = true
			r.Names = append(r.Names, n)
		}
	}
	titleKey := intel.NameKey(r.Title)
	claim := func(entry string, by []string) {
		reading := naming.Read(entry)
		if reading.ID.ID != "" {
			addID(r, reading.ID)
			return
		}
		n := reading.Name
		if n.Value == "" {
			return
		}
		if intel.NameKey(n.Value) == titleKey && n.Relation != intel.SubGroup || r.Kind == intel.Tool && n.Relation == intel.SponsoredBy {
			n.Relation = ""
		}
		if len(by) == 0 && n.CoinedBy == "" && r.Kind == intel.Actor {
			n.CoinedBy = naming.SchemeOf(n.Value)
		}
		for _, producer := range by {
			n.CoinedBy = producer
			add(n)
		}
		if len(by) == 0 {
			add(n)
		}
	}
	claim(r.Title, coined[r.Title])
	for _, s := range m.all(keysSynonyms...) {
		claim(s, coined[s])
	}
	for _, name := range order { // names that stand in no list of synonyms
		claim(name, coined[name])
	}
}

// coiners returns the producers of each name, and the names in order.
func (d *decoder) coiners(m meta) (by map[string][]string, order []string) {
	by = make(map[string][]string)
	note := func(name, producer string) {
		name = strings.TrimSpace(name)
		if intel.Placeholder(name) {
			return
		}
		if _, ok := by[name]; !ok {
			order = append(order, name)
			by[name] = nil
		}
		if producer != "" {
			by[name] = appendNew(by[name], producer)
		}
	}
	for _, entry := range m.all("name-attribution") {
		i := strings.LastIndexByte(entry, ':') // names may hold colons
		if i < 0 {
			note(entry, "")
			continue
		}
		note(entry[:i], d.producer(entry[i+1:]))
	}
	var keys []string
	for k := range m {
		if strings.HasPrefix(k, originPrefix) {
			keys = append(keys, k)
		}
	}
	sort.Strings(keys)
	for _, k := range keys {
		for _, producer := range m.all(k) {
			note(k[len(originPrefix):], naming.Producer(producer))
		}
	}
	return by, order
}
