package ingest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"

	"dossier/internal/intel"
	"dossier/internal/profile"
	"dossier/internal/resolve"
	"dossier/internal/store"
)

// A reader is a world that notes what one profile reads of it: when any of that
// changes the profile is to be computed again, and when what it is given does
// (inputOf, its members and their dates). It is used by one goroutine.
type reader struct {
	*world
	cell       *resolve.Cell
	techniques []string // that its members use
	ranked     []string // the answer of Rarest
	keys       map[store.Hash]bool
}

func newReader(cell *resolve.Cell, w *world) *reader {
	r := &reader{world: w, cell: cell, keys: map[store.Hash]bool{}}
	r.techniques = techniquesOf(cell, r)
	return r
}

// readers returns a reader for each profile of a world of everything, and counts
// the techniques.
func readers(w *world, all *allRecords) []*reader {
	out := make([]*reader, len(w.part.Cells))
	for i := range out {
		out[i] = newReader(&w.part.Cells[i], w)
		for _, id := range out[i].techniques {
			all.techniques[id]++
		}
	}
	return out
}

func (r *reader) note(key string, use store.Use) { r.keys[store.HashOf(key).For(use)] = true }

// Record implements [profile.World].
func (r *reader) Record(ref intel.Ref) (*intel.Record, bool) {
	r.note(keyOfRef(ref), store.ReadFind)
	return r.world.Record(ref)
}

// Find implements [profile.World].
func (r *reader) Find(l intel.Link) (intel.Ref, bool) {
	for _, key := range asksOf(l) {
		r.note(key, store.ReadFind)
	}
	return r.world.Find(l)
}

// ProfileOf implements [profile.World].
func (r *reader) ProfileOf(ref intel.Ref) (id, title string, kind intel.Kind, ok bool) {
	r.note(keyOfRef(ref), store.ReadMember)
	return r.world.ProfileOf(ref)
}

// Incoming implements [profile.World].
func (r *reader) Incoming(ref intel.Ref) []profile.Incoming {
	if own, ok := r.world.Record(ref); ok {
		for _, key := range findsOf(own) {
			r.note(key, store.ReadLinks)
		}
	}
	return r.world.Incoming(ref)
}

// Released implements [profile.World].
func (r *reader) Released(ref intel.Ref) intel.Time {
	r.note(ref.Publisher, store.ReadDate)
	return r.world.Released(ref)
}

// Rarest implements [profile.World].
func (r *reader) Rarest(ids []string) []string {
	for _, id := range ids {
		r.note(id, store.ReadCount)
	}
	r.ranked = r.world.Rarest(ids)
	return r.ranked
}

// keysOf returns the keys by which a record bears on others. profileID is the
// ledger's, "" if it has none.
func keysOf(r *intel.Record, profileID string) store.RecordKeys {
	var asks []string
	for _, l := range r.Links {
		asks = append(asks, asksOf(l)...)
	}
	return store.RecordKeys{
		Joins: hashes(resolve.Joins(r, profileID)), Cites: hashes(resolve.Cites(r)),
		Finds: hashes(findsOf(r)), Asks: hashes(asks),
	}
}

func hashes(keys []string) []store.Hash {
	out := make([]store.Hash, len(keys))
	for i, k := range keys {
		out[i] = store.HashOf(k)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// inputOf identifies what a profile's fold is given: its members and why they are
// members, near misses, and what others call it.
func inputOf(cell *resolve.Cell, notes notes) string {
	type member struct {
		Ref    intel.Ref
		Reason resolve.Reason
	}
	list := make([]member, len(cell.Members))
	for i, m := range cell.Members {
		list[i] = member{m.Record.Ref, m.Reason}
	}
	h := sha256.New()
	// Strings and finite numbers never fail.
	_ = json.NewEncoder(h).Encode([]any{list, cell.Kind, cell.Former, notes.near[cell.ID], notes.guests[cell.ID]})
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// basis returns what is kept of the profile once it is folded.
func (r *reader) basis(notes notes) store.BasisProfile {
	return store.BasisProfile{
		ID: r.cell.ID, Kind: r.cell.Kind, Title: r.titles[r.cell.ID], Input: inputOf(r.cell, notes),
		Techniques: r.techniques, Ranked: r.ranked, Reads: slices.Sorted(maps.Keys(r.keys)),
	}
}

// basisRecord returns what is kept of a record.
func basisRecord(r *intel.Record, part *resolve.Partition, profileID string) store.BasisRecord {
	b := store.BasisRecord{Ref: r.Ref, Keys: keysOf(r, profileID)}
	if cell, ok := part.CellOf(r.Ref); ok {
		b.Profile = cell.ID
	}
	return b
}

// basisOf returns the basis of everything, once it is assigned. The profiles'
// own is read when they are folded.
func basisOf(records []*intel.Record, w *world, all *allRecords, notes notes, reads []*reader, ledger map[intel.Ref]resolve.Entry) *store.Basis {
	b := &store.Basis{
		Records: make([]store.BasisRecord, len(records)),
		Facts:   store.BasisFacts{Program: program(), Publishers: publishersID(w.publishers), Released: w.released, Techniques: all.techniques},
	}
	eachParallel(len(records), func(i int) { b.Records[i] = basisRecord(records[i], w.part, ledger[records[i].Ref].ID) })
	b.Profiles = func() []store.BasisProfile {
		out := make([]store.BasisProfile, len(reads))
		eachParallel(len(reads), func(i int) { out[i] = reads[i].basis(notes) })
		return out
	}
	return b
}
