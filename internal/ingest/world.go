package ingest

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"dossier/internal/intel"
	"dossier/internal/profile"
	"dossier/internal/resolve"
	"dossier/internal/store"
)

// dates are what folding needs to know of when data came.
type dates struct {
	imported map[intel.Ref]intel.Time
	released map[string]intel.Time // by publisher: the newest release
	said     map[intel.Ref][]intel.Assertion
}

func loadDates(ctx context.Context, s *store.Store, level intel.TLP) (d dates, err error) {
	if d.imported, err = s.FirstImported(ctx); err != nil {
		return d, err
	}
	if d.said, err = s.Assertions(ctx, level); err != nil {
		return d, err
	}
	sets, err := s.Datasets(ctx, store.View{Ceiling: level})
	if err != nil {
		return d, err
	}
	d.released = map[string]intel.Time{}
	for _, set := range sets {
		d.released[set.Publisher] = max(d.released[set.Publisher], set.Released)
	}
	return d, nil
}

// A world answers the composer's questions from what one level may see.
type world struct {
	dates
	sights
	part       *resolve.Partition
	publishers *intel.Publishers
	titles     map[string]string // profile id -> title
	stats      map[string]profile.Stats
}

// sights are where a world looks up records.
type sights interface {
	// Record implements [profile.World].
	Record(intel.Ref) (*intel.Record, bool)
	// found returns the record that a key of [findsOf] leads to.
	found(key string) (intel.Ref, bool)
	// Incoming implements [profile.World].
	Incoming(intel.Ref) []profile.Incoming
	// elsewhere returns the profile of a record that the partition does not hold.
	elsewhere(intel.Ref) (id, title string, kind intel.Kind, ok bool)
	// Rarest implements [profile.World].
	Rarest(ids []string) []string
}

// newWorld returns the world of all records. It is immutable once the techniques
// are counted ([readers]), and then safe for concurrent use.
func newWorld(ctx context.Context, s *store.Store, level intel.TLP, records []*intel.Record, part *resolve.Partition, d dates, publishers *intel.Publishers) (*world, *allRecords, error) {
	all := &allRecords{records: make(map[intel.Ref]*intel.Record, len(records)), byKey: map[string]intel.Ref{}, incoming: map[intel.Ref][]profile.Incoming{}, techniques: map[string]int{}}
	for _, r := range records {
		all.records[r.Ref] = r
	}
	for _, r := range records {
		for _, key := range findsOf(r) {
			had, ok := all.byKey[key]
			all.byKey[key] = chosen(key, all.records[had], ok, r)
		}
	}
	w := &world{dates: d, sights: all, part: part, publishers: publishers}
	for _, r := range records {
		for _, l := range r.Links {
			if to, ok := w.Find(l); ok {
				all.incoming[to] = append(all.incoming[to], profile.Incoming{From: r, Link: l})
			}
		}
	}
	w.entitle()
	return w, all, w.count(func(f func(store.LinkedEvidence)) error { return s.EachLinked(ctx, level, f) })
}

// allRecords are the sights of a world that holds everything.
type allRecords struct {
	records    map[intel.Ref]*intel.Record
	byKey      map[string]intel.Ref // zero if the key leads nowhere
	incoming   map[intel.Ref][]profile.Incoming
	techniques map[string]int // ATT&CK id -> profiles
}

func (a *allRecords) Record(ref intel.Ref) (*intel.Record, bool) {
	r, ok := a.records[ref]
	return r, ok
}

func (a *allRecords) found(key string) (intel.Ref, bool) {
	ref := a.byKey[key]
	return ref, !ref.IsZero()
}

func (a *allRecords) Incoming(ref intel.Ref) []profile.Incoming { return a.incoming[ref] }

func (a *allRecords) elsewhere(intel.Ref) (id, title string, kind intel.Kind, ok bool) {
	return "", "", "", false
}

func (a *allRecords) Rarest(ids []string) []string { return rarest(ids, a.techniques) }

// rarest sorts techniques by how many profiles have them, then by id.
func rarest(ids []string, counts map[string]int) []string {
	return slices.SortedFunc(slices.Values(ids), func(a, b string) int { return cmp.Or(cmp.Compare(counts[a], counts[b]), cmp.Compare(a, b)) })
}

// entitle gives the profiles of the partition their titles.
func (w *world) entitle() {
	w.titles = map[string]string{}
	for i := range w.part.Cells {
		cell := &w.part.Cells[i]
		w.titles[cell.ID] = profile.Title(members(cell, w), w)
	}
}

// techniquesOf returns the techniques that the members of a profile use, by
// ATT&CK id, sorted.
func techniquesOf(cell *resolve.Cell, w *reader) []string {
	used := map[string]bool{}
	for _, m := range members(cell, w.world) {
		for _, l := range m.Record.Links {
			if l.Relation != intel.Uses {
				continue
			}
			if to, ok := w.Find(l); ok {
				if r, ok := w.Record(to); ok && r.Kind == intel.Technique {
					used[techniqueID(r)] = true
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(used))
}

func techniqueID(r *intel.Record) string {
	for _, id := range r.IDs {
		if id.Issuer == intel.MitreAttack {
			return id.ID
		}
	}
	return r.Key
}

// The keys by which a link finds a record: its reference, the issuer's id, its
// UUID, and its title, if only one of the kind has it.
const (
	findRef   = "r"
	findID    = "i"
	findUUID  = "u"
	findTitle = "t"
)

func keyOfRef(ref intel.Ref) string { return findRef + ref.Publisher + "\x00" + ref.Key }

// keyOfUUID takes the key of a record, or a UUID alone.
func keyOfUUID(key string) string {
	if i := strings.LastIndex(key, "--"); i >= 0 {
		key = key[i+2:]
	}
	return findUUID + key
}

// findsOf returns the keys that may lead to a record.
func findsOf(r *intel.Record) []string {
	out := []string{keyOfRef(r.Ref)}
	for _, id := range r.IDs {
		if id.Issuer == r.Publisher { // ids are what their issuer says they are
			out = append(out, findID+id.Issuer+"\x00"+id.ID)
		}
	}
	return append(out, keyOfUUID(r.Key), findTitle+string(r.Kind)+"\x00"+intel.NameKey(r.Title))
}

// asksOf returns the keys that a link asks for; the first that leads anywhere
// counts.
func asksOf(l intel.Link) []string {
	if !l.To.IsZero() {
		// Another publisher may have it, in another file.
		if l.To.Publisher != "" {
			return []string{keyOfRef(l.To), keyOfUUID(l.To.Key)}
		}
		return []string{keyOfUUID(l.To.Key)}
	}
	var out []string
	if l.ID.ID != "" {
		out = append(out, findID+l.ID.Issuer+"\x00"+l.ID.ID)
	}
	if l.Name != "" && l.Kind != "" {
		out = append(out, findTitle+string(l.Kind)+"\x00"+intel.NameKey(l.Name))
	}
	return out
}

// chosen returns which of two records a key leads to; zero if to neither. had is
// the choice so far, if there was any; records come in order of reference.
func chosen(key string, had *intel.Record, some bool, r *intel.Record) intel.Ref {
	switch {
	case !some:
		return r.Ref
	case had == nil:
		return intel.Ref{} // several have the title
	case had.Ref == r.Ref:
		return r.Ref
	case key[:1] == findTitle:
		return intel.Ref{}
	case key[:1] == findID && r.Live() && !had.Live():
		return r.Ref
	}
	return had.Ref
}

// count adds up the indicators of each profile, each indicator once: of evidence
// that comes in order of the indicator.
func (w *world) count(each func(func(store.LinkedEvidence)) error) error {
	w.stats = map[string]profile.Stats{}
	current := ""
	counted := map[string]map[string]bool{} // profile -> publishers, of the current indicator
	return each(func(e store.LinkedEvidence) {
		cell, ok := w.part.CellOf(e.Subject)
		if !ok {
			return
		}
		if e.Indicator != current {
			current = e.Indicator
			clear(counted)
		}
		st := w.stats[cell.ID]
		if st.ByPublisher == nil {
			st.ByPublisher = map[string]int{}
		}
		if counted[cell.ID] == nil {
			counted[cell.ID] = map[string]bool{}
			st.Count++
		}
		if !counted[cell.ID][e.Publisher] {
			counted[cell.ID][e.Publisher] = true
			st.ByPublisher[e.Publisher]++
		}
		if e.First != 0 && (st.First == 0 || e.First < st.First) {
			st.First = e.First
		}
		st.Last = max(st.Last, e.Last, e.First)
		w.stats[cell.ID] = st
	})
}

// Find implements [profile.World].
func (w *world) Find(l intel.Link) (intel.Ref, bool) {
	for _, key := range asksOf(l) {
		if ref, ok := w.found(key); ok {
			return ref, true
		}
	}
	if l.To.Publisher != "" {
		return l.To, false
	}
	return intel.Ref{}, false
}

// ProfileOf implements [profile.World].
func (w *world) ProfileOf(ref intel.Ref) (id, title string, kind intel.Kind, ok bool) {
	cell, ok := w.part.CellOf(ref)
	if !ok {
		return w.elsewhere(ref)
	}
	return cell.ID, w.titles[cell.ID], cell.Kind, true
}

// Publisher implements [profile.World].
func (w *world) Publisher(id string) intel.Publisher { return w.publishers.Of(id) }

// Indicators implements [profile.World].
func (w *world) Indicators(members []intel.Ref) profile.Stats {
	for _, ref := range members {
		if cell, ok := w.part.CellOf(ref); ok {
			st := w.stats[cell.ID]
			st.ByPublisher = maps.Clone(st.ByPublisher)
			return st
		}
	}
	return profile.Stats{}
}

// FirstImported implements [profile.World].
func (w *world) FirstImported(ref intel.Ref) intel.Time { return w.imported[ref] }

// Released implements [profile.World].
func (w *world) Released(ref intel.Ref) intel.Time { return w.released[ref.Publisher] }

// Assertions implements [profile.World].
func (w *world) Assertions(ref intel.Ref) []intel.Assertion { return w.said[ref] }
