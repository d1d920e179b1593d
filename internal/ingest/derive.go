package ingest

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"maps"
	"slices"

	"dossier/internal/intel"
	"dossier/internal/profile"
	"dossier/internal/resolve"
	"dossier/internal/store"
)

// derive computes what is served, if claims changed, or if an earlier run was
// interrupted before it could.
func (r *run) derive(ctx context.Context) error {
	if err := r.putGuards(ctx); err != nil {
		return err
	}
	stale, err := r.im.Store.Stale(ctx)
	if err != nil || !stale && !r.changed {
		return err
	}
	effect, err := rederive(ctx, r.im.Store, func(step string, items int) {
		r.progress = Progress{Step: step, Items: items}
		r.show(items == 0)
	})
	r.res.Profiles = effect
	return err
}

// Derive computes what is served from the claims: profiles, then indicators.
// It is a pure function of the claims, the ledger and the time of first
// imports, so it may be run at any time; rows that do not change are not
// written. progress may be nil.
func Derive(ctx context.Context, s *store.Store, progress func(step string, items int)) (e Effect, err error) {
	if progress == nil {
		progress = func(string, int) {}
	}
	for again := 3; ; again-- {
		progress("resolving", 0)
		version, err := s.ClaimsVersion(ctx)
		if err != nil {
			return e, err
		}
		derived, remember, basis, err := profiles(ctx, s)
		if err != nil {
			return e, err
		}
		if basis != nil {
			basis.Version = version
		}
		if again == 0 { // others write all the time: they derive what they wrote, from nothing too
			basis = nil
		}
		progress("composing profiles", 0)
		if e.Written, e.Gone, err = s.PutAll(ctx, derived, remember, basis); err == nil {
			break
		}
		if !errors.Is(err, store.ErrMoved) {
			return e, err
		}
	}
	e.Indicators, err = s.FoldIndicators(ctx, func(done int) { progress("computing indicators", done) })
	return e, err
}

// profiles folds every profile for every TLP level that occurs, from the lowest
// upward: what a level shows depends on nothing above it.
// If there is one level, it also returns the basis of what it derives.
func profiles(ctx context.Context, s *store.Store) (out []*store.Derived, remember map[intel.Ref]store.Remembered, basis *store.Basis, err error) {
	levels, err := s.Levels(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	known, err := s.Ledger(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	claims, err := s.ProfileClaims(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	for _, list := range claims {
		for _, c := range list {
			if !slices.Contains(levels, c.TLP) {
				levels = append(levels, c.TLP)
			}
		}
	}
	decisions, err := s.Decisions(ctx, false, store.View{Ceiling: intel.Red})
	if err != nil {
		return nil, nil, nil, err
	}
	for _, d := range decisions {
		if !slices.Contains(levels, d.TLP) {
			levels = append(levels, d.TLP)
		}
	}
	slices.Sort(levels)
	publishers, err := s.PublisherTable(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	ledger := make(map[intel.Ref]resolve.Entry, len(known))
	for ref, k := range known {
		ledger[ref] = resolve.Entry{ID: k.ProfileID, Asserted: k.Asserted}
	}
	remember = map[intel.Ref]store.Remembered{}
	var base *resolve.Partition
	last := map[string]*levelled{} // by profile id, of the level below
	for i, level := range levels {
		records, err := s.Records(ctx, level)
		if err != nil {
			return nil, nil, nil, err
		}
		part := resolve.Assign(resolve.Input{Records: slices.Values(records), Ledger: ledger, Base: base, Decisions: rulings(decisions, level), Rank: publishers.Of})
		facts, err := loadDates(ctx, s, level)
		if err != nil {
			return nil, nil, nil, err
		}
		w, all, err := newWorld(ctx, s, level, records, part, facts, publishers)
		if err != nil {
			return nil, nil, nil, err
		}
		hi := intel.Red
		if i+1 < len(levels) {
			hi = levels[i+1] - 1
		}
		for ref, e := range part.Remember(ledger, intel.TimeOf(s.Now())) {
			ledger[ref] = e
			remember[ref] = store.Remembered{ProfileID: e.ID, Asserted: e.Asserted}
		}
		next := map[string]*levelled{}
		at := claimed(part, claims, level)
		notes := notesOf(part, w)
		reads := readers(w, all)
		if len(levels) == 1 {
			basis = basisOf(records, w, all, notes, reads, ledger)
		}
		for _, d := range slices.Concat(cells(part, reads, at, notes, level, hi), made(at, level, hi)) {
			l := &levelled{Derived: d}
			if len(levels) > 1 {
				l.digest = digest(d)
			}
			if below := last[d.ID]; below != nil && below.digest == l.digest {
				below.Hi = hi
				next[d.ID] = below
				continue
			}
			next[d.ID] = l
			out = append(out, d)
		}
		last, base = next, part
	}
	return out, remember, basis, nil
}

// levelled is a profile with what tells whether two levels see the same of it.
type levelled struct {
	*store.Derived
	digest [sha256.Size]byte
}

func digest(d *store.Derived) [sha256.Size]byte {
	h := sha256.New()
	// A dossier has strings and numbers only, which never fail.
	_ = json.NewEncoder(h).Encode([]any{d.Members, d.Former, d.Fold()})
	return [sha256.Size]byte(h.Sum(nil))
}

// claimed returns the claims about profiles that count at a level, by the id of the
// profile that has the target's id now: claims follow it through merges. That a
// profile is hidden is said of that one alone, not of what it was merged into.
func claimed(part *resolve.Partition, claims map[string]intel.Claims, level intel.TLP) map[string]intel.Claims {
	if len(claims) == 0 {
		return nil
	}
	gathered := map[string]intel.Claims{}
	moved := map[string]bool{}
	for i := range part.Cells {
		cell := &part.Cells[i]
		for _, former := range cell.Former {
			for _, c := range claims[former] {
				moved[former] = true
				if c = following(c, cell.ID); c != nil {
					gathered[cell.ID] = append(gathered[cell.ID], c)
				}
			}
		}
	}
	for id, list := range claims {
		if !moved[id] {
			gathered[id] = append(gathered[id], list...)
		}
	}
	for id, list := range gathered {
		if gathered[id] = list.At(level); len(gathered[id]) == 0 {
			delete(gathered, id)
		}
	}
	return gathered
}

// following is the claim as one about the profile that its target is part of now;
// nil if it does not follow.
func following(c *intel.Claim, id string) *intel.Claim {
	switch {
	case c.Target == id:
		return c
	case c.Field == "":
		return nil
	}
	own := *c
	own.Target = id
	return &own
}

// cells returns the profiles of the partition, with what people set over them;
// they are folded when their turn comes, each with its own reader. Claims that were used are taken out of
// the map.
func cells(part *resolve.Partition, reads []*reader, claims map[string]intel.Claims, notes notes, lo, hi intel.TLP) []*store.Derived {
	out := make([]*store.Derived, 0, len(part.Cells))
	for i := range part.Cells {
		cell := &part.Cells[i]
		over := claims[cell.ID]
		delete(claims, cell.ID)
		if over.Suppressed() {
			continue
		}
		refs := make([]intel.Ref, len(cell.Members))
		for j, m := range cell.Members {
			refs[j] = m.Record.Ref
		}
		out = append(out, &store.Derived{
			ID: cell.ID, Lo: lo, Hi: hi, Members: refs, Former: cell.Former,
			Fold: func() *intel.Dossier {
				d := profile.Fold(cell.ID, members(cell, reads[i].world), reads[i])
				notes.add(d, cell)
				if len(over) > 0 {
					d = profile.Override(d, over)
				}
				return d
			},
		})
	}
	return out
}

// made returns the profiles that people made: those that are claimed to be, and
// have no records.
func made(claims map[string]intel.Claims, lo, hi intel.TLP) []*store.Derived {
	var out []*store.Derived
	for _, id := range slices.Sorted(maps.Keys(claims)) {
		if c := claims[id].Of(""); c == nil || c.Action != intel.Set {
			continue
		}
		out = append(out, &store.Derived{ID: id, Lo: lo, Hi: hi, Fold: func() *intel.Dossier { return profile.Made(id, claims[id]) }})
	}
	return out
}

// members returns the records of a cell as the level of w sees them: those of the
// level below that the cell may have been settled with lack what is said above it.
func members(cell *resolve.Cell, w *world) []profile.Member {
	out := make([]profile.Member, len(cell.Members))
	for i, m := range cell.Members {
		out[i] = profile.Member{Record: m.Record, Reason: m.Reason.Text}
		if r, ok := w.Record(m.Record.Ref); ok {
			out[i].Record = r
		}
	}
	return out
}
