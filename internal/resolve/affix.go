package resolve

import (
	"slices"
	"strings"

	"dossier/internal/intel"
)

// affixes are the words that sources put after a name or leave out. They
// propose, and a person accepts: "Equation" and "Equation Group" are most
// likely one, but so would be two.
var affixes = []string{"group", "team", "gang", "crew", "apt", "ransomware", "locker", "malware", "rat", "trojan", "stealer", "loader", "botnet", "backdoor"}

// core returns a name key without a leading "the" and one affix, "" if too
// little would be left to mean anything.
func core(key string) string {
	key = strings.TrimPrefix(key, "the")
	for _, a := range affixes {
		if rest, ok := strings.CutSuffix(key, a); ok {
			key = rest
			break
		}
	}
	if len(key) < 5 {
		return ""
	}
	return key
}

// noteAffixes proposes the cells whose title has the same core as the title of
// a record that joined nothing and has no other near miss.
func (a *assignment) noteAffixes() {
	byCore := make(map[string][]int32)
	near := make(map[int32]bool)
	for _, p := range a.near {
		near[p.node] = true
	}
	type entry struct {
		node      int32
		key, core string
	}
	var entries []entry
	for i := range a.nodes {
		n := &a.nodes[i]
		if !n.rec.Live() || len(n.uses) == 0 || !n.uses[0].title {
			continue
		}
		key := intel.NameKey(n.rec.Title)
		c := core(key)
		if c == "" {
			continue
		}
		entries = append(entries, entry{int32(i), key, c})
		if n.cell != none && n.founding() {
			byCore[c] = append(byCore[c], int32(i))
		}
	}
	for _, e := range entries {
		n := &a.nodes[e.node]
		if near[e.node] || n.cell != none && len(a.cells[n.cell].members) > 1 || n.settled {
			continue
		}
		var told []int32
		for _, m := range byCore[e.core] {
			o := &a.nodes[m]
			if m >= e.node || o.rec.Kind != n.rec.Kind || o.cell == n.cell || slices.Contains(told, o.cell) || len(told) == 3 ||
				a.keys[e.key] == o.uses[0].key || a.closed(e.node, o.cell) != "" {
				continue
			}
			told = append(told, o.cell)
			ev := Evidence{Kind: ByName, Name: n.rec.Title, By: o.rec.Ref, Weight: 0.25, Weak: "similar name"}
			a.near = append(a.near, pair{node: e.node, cell: o.cell, score: ev.Weight, evidence: []Evidence{ev}, rule: RuleNames})
			a.why = append(a.why, "the names are only similar: "+n.rec.Title+" and "+o.rec.Title)
		}
	}
}
