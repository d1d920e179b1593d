package ingest

import (
	"cmp"
	"math"
	"slices"

	"dossier/internal/intel"
	"dossier/internal/profile"
	"dossier/internal/resolve"
)

// notes are what a partition knows of its profiles beyond their members: the
// near misses, and the names that others give them. All by profile id.
type notes struct {
	near   map[string][]intel.NearMiss
	guests map[string][]intel.NameClaim
}

// notesOf gathers the notes of a partition.
func notesOf(part *resolve.Partition, w *world) notes {
	n := notes{near: map[string][]intel.NearMiss{}, guests: map[string][]intel.NameClaim{}}
	for _, s := range part.Suggestions() {
		miss := intel.NearMiss{
			Record: s.Record.Ref, Title: s.Record.Title, Score: math.Round(s.Score*1000) / 1000,
			For: s.Text, Against: s.Why, Evidence: resolve.Matches(s.Evidence),
		}
		own, ok := part.CellOf(s.Record.Ref)
		if ok {
			out := miss
			out.Out, out.Profile, out.ProfileTitle = true, s.Cell.ID, w.titles[s.Cell.ID]
			n.near[own.ID] = append(n.near[own.ID], out)
			miss.Profile, miss.ProfileTitle = own.ID, w.titles[own.ID]
		}
		n.near[s.Cell.ID] = append(n.near[s.Cell.ID], miss)
	}
	for _, list := range n.near {
		slices.SortStableFunc(list, func(a, b intel.NearMiss) int {
			return cmp.Or(-cmp.Compare(a.Score, b.Score), cmp.Compare(a.Record.String(), b.Record.String()), cmp.Compare(a.Profile, b.Profile))
		})
	}
	for _, g := range part.Guests() {
		if g.Claim.Last == 0 { // as for the names of members
			g.Claim.Last = w.Released(g.Claim.From)
		}
		n.guests[g.Cell.ID] = append(n.guests[g.Cell.ID], g.Claim)
	}
	return n
}

// add completes a folded dossier with what the partition knows.
func (n notes) add(d *intel.Dossier, cell *resolve.Cell) {
	byRef := make(map[intel.Ref]*resolve.Member, len(cell.Members))
	for i := range cell.Members {
		byRef[cell.Members[i].Record.Ref] = &cell.Members[i]
	}
	for i := range d.Records {
		r := &d.Records[i]
		m := byRef[r.Ref]
		if m == nil {
			continue
		}
		r.Rule, r.Score, r.Evidence = string(m.Reason.Rule), math.Round(m.Reason.Score*1000)/1000, resolve.Matches(m.Reason.Evidence)
		r.Withdrawn, r.Mention = !m.Record.Live(), m.Record.Mention
	}
	for _, c := range n.guests[cell.ID] {
		if c.Value = profile.Clean(c.Value); c.Value != "" {
			d.Names = append(d.Names, c)
		}
	}
	d.NearMisses = n.near[cell.ID]
}
