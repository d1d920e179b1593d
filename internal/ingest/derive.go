package ingest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"maps"
	"slices"
	"strings"

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
	effect, err := Derive(ctx, r.im.Store, func(step string, items int) {
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
	progress("resolving", 0)
	derived, remember, err := profiles(ctx, s)
	if err != nil {
		return e, err
	}
	progress("composing profiles", 0)
	if e.Written, e.Gone, err = s.PutDerived(ctx, derived, remember); err != nil {
		return e, err
	}
	derived = nil
	e.Indicators, err = s.FoldIndicators(ctx, func(done int) { progress("computing indicators", done) })
	return e, err
}

// profiles folds every profile for every TLP level that occurs, from the lowest
// upward: what a level shows depends on nothing above it.
func profiles(ctx context.Context, s *store.Store) (out []*store.Derived, remember map[intel.Ref]store.Remembered, err error) {
	levels, err := s.Levels(ctx)
	if err != nil {
		return nil, nil, err
	}
	known, err := s.Ledger(ctx)
	if err != nil {
		return nil, nil, err
	}
	claims, err := s.ProfileClaims(ctx)
	if err != nil {
		return nil, nil, err
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
		return nil, nil, err
	}
	for _, d := range decisions {
		if !slices.Contains(levels, d.TLP) {
			levels = append(levels, d.TLP)
		}
	}
	slices.Sort(levels)
	publishers, err := s.PublisherTable(ctx)
	if err != nil {
		return nil, nil, err
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
			return nil, nil, err
		}
		part := resolve.Assign(resolve.Input{Records: slices.Values(records), Ledger: ledger, Base: base, Decisions: rulings(decisions, level), Rank: publishers.Of})
		facts, err := loadDates(ctx, s, level)
		if err != nil {
			return nil, nil, err
		}
		w, err := newWorld(ctx, s, level, records, part, facts, publishers)
		if err != nil {
			return nil, nil, err
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
		for _, d := range slices.Concat(cells(part, w, at, notesOf(part, w), level, hi), made(at, level, hi)) {
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
	return out, remember, nil
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
// they are folded when their turn comes. Claims that were used are taken out of
// the map.
func cells(part *resolve.Partition, w *world, claims map[string]intel.Claims, notes notes, lo, hi intel.TLP) []*store.Derived {
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
				d := profile.Fold(cell.ID, members(cell, w), w)
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
		if r := w.records[m.Record.Ref]; r != nil {
			out[i].Record = r
		}
	}
	return out
}

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

// A world answers the composer's questions from what one level may see. It is
// immutable after newWorld, and safe for concurrent use.
type world struct {
	dates
	records    map[intel.Ref]*intel.Record
	byID       map[string]intel.Ref // issuer and external id
	byUUID     map[string]intel.Ref
	byTitle    map[string]intel.Ref // kind and name key; zero if several have it
	incoming   map[intel.Ref][]profile.Incoming
	part       *resolve.Partition
	publishers *intel.Publishers
	titles     map[string]string // profile id -> title
	techniques map[string]int    // ATT&CK id -> profiles
	stats      map[string]profile.Stats
}

func newWorld(ctx context.Context, s *store.Store, level intel.TLP, records []*intel.Record, part *resolve.Partition, d dates, publishers *intel.Publishers) (*world, error) {
	w := &world{
		dates: d, part: part, publishers: publishers, records: make(map[intel.Ref]*intel.Record, len(records)),
		byID: map[string]intel.Ref{}, byUUID: map[string]intel.Ref{}, byTitle: map[string]intel.Ref{},
		incoming: map[intel.Ref][]profile.Incoming{}, titles: map[string]string{}, techniques: map[string]int{},
	}
	for _, r := range records {
		w.records[r.Ref] = r
	}
	for _, r := range records {
		w.index(r)
	}
	for _, r := range records {
		for _, l := range r.Links {
			if to, ok := w.Find(l); ok {
				w.incoming[to] = append(w.incoming[to], profile.Incoming{From: r, Link: l})
			}
		}
	}
	for i := range part.Cells {
		cell := &part.Cells[i]
		own := members(cell, w)
		w.titles[cell.ID] = profile.Title(own, w)
		used := map[string]bool{}
		for _, m := range own {
			for _, l := range m.Record.Links {
				if l.Relation != intel.Uses {
					continue
				}
				if to, ok := w.Find(l); ok && w.records[to].Kind == intel.Technique {
					used[techniqueID(w.records[to])] = true
				}
			}
		}
		for id := range used {
			w.techniques[id]++
		}
	}
	return w, w.count(ctx, s, level)
}

func techniqueID(r *intel.Record) string {
	for _, id := range r.IDs {
		if id.Issuer == intel.MitreAttack {
			return id.ID
		}
	}
	return r.Key
}

func (w *world) index(r *intel.Record) {
	for _, id := range r.IDs {
		if id.Issuer == r.Publisher { // ids are what their issuer says they are
			key := id.Issuer + "\x00" + id.ID
			if had, ok := w.byID[key]; !ok || r.Live() && !w.records[had].Live() {
				w.byID[key] = r.Ref
			}
		}
	}
	uuid := r.Key
	if i := bytes.LastIndex([]byte(uuid), []byte("--")); i >= 0 {
		uuid = uuid[i+2:]
	}
	if had, ok := w.byUUID[uuid]; !ok || r.Ref.Less(had) {
		w.byUUID[uuid] = r.Ref
	}
	title := string(r.Kind) + "\x00" + intel.NameKey(r.Title)
	if had, ok := w.byTitle[title]; ok && had != r.Ref {
		w.byTitle[title] = intel.Ref{}
	} else {
		w.byTitle[title] = r.Ref
	}
}

// count adds up the indicators of each profile, each indicator once.
func (w *world) count(ctx context.Context, s *store.Store, level intel.TLP) error {
	w.stats = map[string]profile.Stats{}
	current := ""
	counted := map[string]map[string]bool{} // profile -> publishers, of the current indicator
	err := s.EachLinked(ctx, level, func(e store.LinkedEvidence) {
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
	return err
}

// Record implements [profile.World].
func (w *world) Record(ref intel.Ref) (*intel.Record, bool) {
	r, ok := w.records[ref]
	return r, ok
}

// Find implements [profile.World].
func (w *world) Find(l intel.Link) (intel.Ref, bool) {
	if !l.To.IsZero() {
		if _, ok := w.records[l.To]; ok {
			return l.To, true
		}
		// Another publisher may have it, in another file.
		uuid := l.To.Key
		if i := strings.LastIndex(uuid, "--"); i >= 0 {
			uuid = uuid[i+2:]
		}
		ref, ok := w.byUUID[uuid]
		return ref, ok
	}
	if l.ID.ID != "" {
		if ref, ok := w.byID[l.ID.Issuer+"\x00"+l.ID.ID]; ok {
			return ref, true
		}
	}
	if l.Name != "" && l.Kind != "" {
		if ref := w.byTitle[string(l.Kind)+"\x00"+intel.NameKey(l.Name)]; !ref.IsZero() {
			return ref, true
		}
	}
	return intel.Ref{}, false
}

// ProfileOf implements [profile.World].
func (w *world) ProfileOf(ref intel.Ref) (id, title string, kind intel.Kind, ok bool) {
	cell, ok := w.part.CellOf(ref)
	if !ok {
		return "", "", "", false
	}
	return cell.ID, w.titles[cell.ID], cell.Kind, true
}

// Incoming implements [profile.World].
func (w *world) Incoming(ref intel.Ref) []profile.Incoming { return w.incoming[ref] }

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

// TechniqueUse implements [profile.World].
func (w *world) TechniqueUse(id string) int { return w.techniques[id] }
