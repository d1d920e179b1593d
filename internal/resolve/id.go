package resolve

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"dossier/internal/intel"
)

// ProfileID returns the id of a profile that the record founds: the SHA-256, in
// 64 lower-case hex digits, of the publisher's id, one zero byte, and the
// record's key. No publisher's id holds a zero byte, so two records never give
// the same text.
func ProfileID(r intel.Ref) string {
	sum := sha256.Sum256([]byte(r.Publisher + "\x00" + r.Key))
	return hex.EncodeToString(sum[:])
}

// memory is one entry of the ledger about a record that is here.
type memory struct {
	id   string
	at   intel.Time
	node int32
}

// remembered returns the ledger's entries about the records, the earliest
// first, then by precedence.
func (a *assignment) remembered() []memory {
	var out []memory
	for i := range a.nodes {
		if e, ok := a.in.Ledger[a.nodes[i].rec.Ref]; ok && e.ID != "" {
			out = append(out, memory{e.ID, e.Asserted, int32(i)})
		}
	}
	slices.SortStableFunc(out, func(x, y memory) int { return cmp.Compare(x.at, y.at) })
	return out
}

// cellIDs are the ids of one cell.
type cellIDs struct {
	id     string
	former []string
}

// assignIDs gives every id to one cell. A lower level's cells keep theirs. Then
// an id belongs to the cell that holds the record it is computed from, then to
// the cell of the record that the ledger knew first under it. Of its ids a cell
// bears the one that the ledger knew first, or else its founder's; all others
// resolve to it.
func (a *assignment) assignIDs() []cellIDs {
	owner := make(map[string]int32)
	own := func(id string, c int32) {
		if _, taken := owner[id]; !taken {
			owner[id] = c
		}
	}
	ids := make([]cellIDs, len(a.cells))
	for k, c := range a.cells {
		if c.base == none {
			continue
		}
		b := &a.in.Base.Cells[c.base]
		ids[k].id = b.ID
		own(b.ID, int32(k))
		for _, id := range b.Former {
			own(id, int32(k))
		}
	}
	founders := make([]string, len(a.cells))
	for i := range a.nodes {
		c := a.nodes[i].cell
		if c == none {
			continue
		}
		id := ProfileID(a.nodes[i].rec.Ref)
		own(id, c)
		if founders[c] == "" && a.nodes[i].founding() && owner[id] == c { // nodes are in order of precedence
			founders[c] = id
		}
	}
	for _, m := range a.remembered() {
		c := a.nodes[m.node].cell
		if c == none {
			continue
		}
		own(m.id, c)
		if owner[m.id] == c && ids[c].id == "" {
			ids[c].id = m.id
		}
	}
	for k := range ids {
		if ids[k].id = cmp.Or(ids[k].id, founders[k]); ids[k].id == "" && !a.cells[k].gone {
			// All its ids belong to a lower level's cells.
			ref := a.nodes[a.cells[k].first()].rec.Ref
			ids[k].id = ProfileID(intel.Ref{Publisher: ref.Publisher, Key: ref.Key + "\x00"})
		}
	}
	for id, c := range owner {
		if id != ids[c].id {
			ids[c].former = append(ids[c].former, id)
		}
	}
	for k := range ids {
		slices.Sort(ids[k].former)
	}
	return ids
}
