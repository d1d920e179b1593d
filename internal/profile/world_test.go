package profile_test

import (
	"cmp"
	"slices"
	"strings"

	"dossier/internal/intel"
	"dossier/internal/profile"
)

// memory is a World over maps, as callers build one.
type memory struct {
	records    map[intel.Ref]*intel.Record
	byID       map[intel.ExternalID]intel.Ref // without URL
	byKey      map[string]intel.Ref           // bare uuid, or key
	in         map[intel.Ref][]profile.Incoming
	profileOf  map[intel.Ref]string
	titles     map[string]string
	kinds      map[string]intel.Kind
	indicators map[intel.Ref]profile.Stats
	use        map[string]int
	said       map[intel.Ref][]intel.Assertion
	imported   intel.Time
	released   map[string]intel.Time // by publisher
}

func newMemory() *memory {
	return &memory{
		records: map[intel.Ref]*intel.Record{}, byID: map[intel.ExternalID]intel.Ref{}, byKey: map[string]intel.Ref{},
		in: map[intel.Ref][]profile.Incoming{}, profileOf: map[intel.Ref]string{}, titles: map[string]string{},
		kinds: map[string]intel.Kind{}, indicators: map[intel.Ref]profile.Stats{}, use: map[string]int{},
		released: map[string]intel.Time{},
	}
}

func (w *memory) add(r *intel.Record) {
	w.records[r.Ref] = r
	for _, id := range r.IDs {
		key := intel.ExternalID{Issuer: id.Issuer, ID: id.ID}
		if _, ok := w.byID[key]; !ok || r.Publisher == id.Issuer && r.Live() {
			w.byID[key] = r.Ref
		}
	}
	w.byKey[r.Key] = r.Ref
	if _, uuid, ok := strings.Cut(r.Key, "--"); ok {
		w.byKey[uuid] = r.Ref
	}
}

// link finds what points to what; call it after the last add.
func (w *memory) link() {
	refs := make([]intel.Ref, 0, len(w.records))
	for ref := range w.records {
		refs = append(refs, ref)
	}
	slices.SortFunc(refs, func(a, b intel.Ref) int {
		return cmp.Or(cmp.Compare(a.Publisher, b.Publisher), cmp.Compare(a.Key, b.Key))
	})
	for _, ref := range refs {
		r := w.records[ref]
		for _, l := range r.Links {
			if to, ok := w.Find(l); ok {
				w.in[to] = append(w.in[to], profile.Incoming{From: r, Link: l})
				if t := w.records[to]; t.Kind == intel.Technique && r.Kind == intel.Actor && len(t.IDs) > 0 {
					w.use[t.IDs[0].ID]++
				}
			}
		}
	}
}

func (w *memory) assign(id string, members []profile.Member) {
	best := members[0].Record
	for _, m := range members {
		w.profileOf[m.Record.Ref] = id
		if intel.PublisherOf(m.Record.Publisher).Rank < intel.PublisherOf(best.Publisher).Rank {
			best = m.Record
		}
	}
	w.titles[id], w.kinds[id] = best.Title, best.Kind
}

func (w *memory) Record(ref intel.Ref) (*intel.Record, bool) {
	r, ok := w.records[ref]
	return r, ok
}

func (w *memory) Find(l intel.Link) (intel.Ref, bool) {
	if _, ok := w.records[l.To]; ok {
		return l.To, true
	}
	if ref, ok := w.byKey[l.To.Key]; ok && l.To.Key != "" {
		return ref, true
	}
	ref, ok := w.byID[intel.ExternalID{Issuer: l.ID.Issuer, ID: l.ID.ID}]
	return ref, ok && l.ID.ID != ""
}

func (w *memory) ProfileOf(ref intel.Ref) (id, title string, kind intel.Kind, ok bool) {
	id, ok = w.profileOf[ref]
	return id, w.titles[id], w.kinds[id], ok
}

func (w *memory) Incoming(ref intel.Ref) []profile.Incoming { return w.in[ref] }

func (w *memory) Publisher(id string) intel.Publisher { return intel.PublisherOf(id) }

func (w *memory) Indicators(members []intel.Ref) profile.Stats {
	sum := profile.Stats{ByPublisher: map[string]int{}}
	for _, ref := range members {
		s := w.indicators[ref]
		sum.Count += s.Count
		for id, n := range s.ByPublisher {
			sum.ByPublisher[id] += n
		}
		if s.First != 0 && (sum.First == 0 || s.First < sum.First) {
			sum.First = s.First
		}
		sum.Last = max(sum.Last, s.Last)
	}
	return sum
}

func (w *memory) FirstImported(intel.Ref) intel.Time { return w.imported }

func (w *memory) Released(ref intel.Ref) intel.Time { return w.released[ref.Publisher] }

func (w *memory) Assertions(ref intel.Ref) []intel.Assertion { return w.said[ref] }
func (w *memory) Rarest(ids []string) []string {
	return slices.SortedFunc(slices.Values(ids), func(a, b string) int { return cmp.Or(cmp.Compare(w.use[a], w.use[b]), cmp.Compare(a, b)) })
}
