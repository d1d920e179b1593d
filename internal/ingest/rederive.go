package ingest

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"runtime/debug"
	"slices"
	"sync"

	"dossier/internal/intel"
	"dossier/internal/profile"
	"dossier/internal/resolve"
	"dossier/internal/store"
)

// rederive computes what is served, as [Derive] does: only what the changed
// records bear on, if that is little and can be told, else everything.
func rederive(ctx context.Context, s *store.Store, progress func(step string, items int)) (e Effect, err error) {
	e, err = derivePart(ctx, s)
	if errors.Is(err, store.ErrWhole) {
		return Derive(ctx, s, progress)
	}
	if err != nil {
		return e, err
	}
	e.Indicators, err = s.FoldIndicators(ctx, func(done int) {
		if progress != nil {
			progress("computing indicators", done)
		}
	})
	return e, err
}

// What is more than this is derived with everything: that takes as long.
const (
	maxPartRecords  = 600
	maxPartProfiles = 100
	maxRounds       = 4
)

// derivePart derives what the records that were touched bear on. The error wraps
// [store.ErrWhole] if that cannot be told, or is too much.
//
// Three things are looked up in the basis that the last derivation left: the
// records that share a key of resolution with what changed, over as many steps as
// there are (they are assigned anew, see [resolve.Joins]); the profiles that they
// make, if their members, reasons, near misses or borrowed names are others than
// before; and the profiles that read something that changed when they were
// folded. These are folded again, and the basis follows, in one transaction.
func derivePart(ctx context.Context, s *store.Store) (e Effect, err error) {
	p, err := s.Part(ctx)
	if err != nil {
		return e, err
	}
	defer p.Rollback()
	d := &partial{Part: p, now: intel.TimeOf(s.Now())}
	if err := d.begin(); err != nil {
		return e, err
	}
	res, err := d.result()
	if err != nil {
		return e, err
	}
	e.Written, e.Gone, err = p.Put(res)
	return e, err
}

// A partial is the deriving of a part.
type partial struct {
	*store.Part
	now        intel.Time
	publishers *intel.Publishers
	released   map[string]intel.Time
	decisions  []resolve.Decision
	ties       map[store.Hash][]store.Hash // from a key to those that decisions tie to it

	before  map[intel.Ref]*store.PartRecord // of the touched records
	after   map[intel.Ref]*intel.Record
	changed []store.Hash // what may have been read of the touched records

	// Of the records that bear on each other.
	records []*intel.Record
	rows    map[intel.Ref]*store.PartRecord
	ledger  map[intel.Ref]resolve.Entry
	w       *world
	near    *nearRecords
	notes   notes
	had     map[string]*store.PartProfile // the profiles of the records, before
	dirty   map[string]*reader            // profiles to be folded, by id
	counts  map[string]int                // techniques, after
}

// begin reads what changed.
func (d *partial) begin() (err error) {
	if d.publishers, err = d.Publishers(); err != nil {
		return err
	}
	if d.Facts.Program != program() || d.Facts.Publishers != publishersID(d.publishers) {
		return fmt.Errorf("other rules hold: %w", store.ErrWhole)
	}
	if d.released, err = d.Released(); err != nil {
		return err
	}
	decisions, err := d.Decisions()
	if err != nil {
		return err
	}
	d.decisions = rulings(decisions, intel.Clear)
	d.ties = map[store.Hash][]store.Hash{}
	for i := range d.decisions {
		keys := hashes(d.decisions[i].Joins())
		for _, k := range keys {
			d.ties[k] = append(d.ties[k], keys...)
		}
	}
	touched := slices.Collect(maps.Keys(d.Touched))
	rows, err := d.Rows(touched)
	if err != nil {
		return err
	}
	records, err := d.Records(touched)
	if err != nil {
		return err
	}
	d.before, d.after = map[intel.Ref]*store.PartRecord{}, map[intel.Ref]*intel.Record{}
	read := map[store.Hash]bool{}
	reads := func(k store.RecordKeys) {
		for _, h := range k.Finds {
			read[h.For(store.ReadFind)], read[h.For(store.ReadLinks)] = true, true
		}
		for _, h := range k.Asks {
			read[h.For(store.ReadLinks)] = true
		}
	}
	for _, r := range rows {
		if d.before[r.Ref] = r; d.Touched[r.Ref] {
			reads(r.Keys)
		}
	}
	for _, r := range records {
		if d.after[r.Ref] = r; d.Touched[r.Ref] {
			reads(keysOf(r, ""))
		}
	}
	for _, at := range []map[string]intel.Time{d.released, d.Facts.Released} {
		for publisher := range at {
			if d.released[publisher] != d.Facts.Released[publisher] {
				read[store.HashOf(publisher).For(store.ReadDate)] = true
			}
		}
	}
	d.changed = slices.Collect(maps.Keys(read))
	return nil
}

// result derives the part: first what the touched records bear on, then also what
// bears on the profiles that read what changed thereby.
func (d *partial) result() (*store.PartResult, error) {
	if len(d.Touched) == 0 && maps.Equal(d.released, d.Facts.Released) {
		return &store.PartResult{Facts: d.Facts, Basis: func() []store.BasisProfile { return nil }}, nil
	}
	more := map[string]bool{}
	for range maxRounds {
		if err := d.assign(more); err != nil {
			return nil, err
		}
		outside, err := d.compare()
		if err != nil {
			return nil, err
		}
		if len(outside) == 0 {
			return d.fold()
		}
		for _, id := range outside {
			more[id] = true
		}
	}
	return nil, fmt.Errorf("a change goes far: %w", store.ErrWhole)
}

// assign assigns the records that bear on the touched ones, or on the members of
// further profiles.
func (d *partial) assign(more map[string]bool) error {
	refs, err := d.gather(more)
	if err != nil {
		return err
	}
	if d.records, err = d.Records(refs); err != nil {
		return err
	}
	slices.SortFunc(d.records, func(a, b *intel.Record) int {
		return cmp.Or(cmp.Compare(a.Publisher, b.Publisher), cmp.Compare(a.Key, b.Key))
	})
	rows, err := d.Rows(refs)
	if err != nil {
		return err
	}
	d.rows = map[intel.Ref]*store.PartRecord{}
	for _, r := range rows {
		d.rows[r.Ref] = r
	}
	known, err := d.Ledger(refs)
	if err != nil {
		return err
	}
	d.ledger = map[intel.Ref]resolve.Entry{}
	for ref, k := range known {
		d.ledger[ref] = resolve.Entry{ID: k.ProfileID, Asserted: k.Asserted}
	}
	var failed error
	citing := func(document string) int {
		n, err := d.citing(document)
		failed = cmp.Or(failed, err)
		return n
	}
	part := resolve.Assign(resolve.Input{Records: slices.Values(d.records), Ledger: d.ledger, Decisions: d.decisions, Rank: d.publishers.Of, Citing: citing})
	if failed != nil {
		return failed
	}
	facts := dates{released: d.released}
	if facts.imported, err = d.FirstImported(refs); err != nil {
		return err
	}
	if facts.said, err = d.Assertions(refs); err != nil {
		return err
	}
	d.near = newNearRecords(d.Part, refs, d.records, d.before, d.after)
	d.w = &world{dates: facts, sights: d.near, part: part, publishers: d.publishers}
	d.w.entitle()
	d.notes = notesOf(part, d.w)
	return nil
}

// gather returns the records that bear on the touched ones, with those, and on
// the members of further profiles.
func (d *partial) gather(more map[string]bool) ([]intel.Ref, error) {
	in, seen := map[intel.Ref]bool{}, map[store.Hash]bool{}
	var queue []store.Hash // keys of resolution, not yet followed
	follow := func(keys []store.Hash) {
		for _, k := range keys {
			if !seen[k] {
				seen[k] = true
				queue = append(queue, k)
			}
		}
	}
	take := func(rows []*store.PartRecord) {
		for _, r := range rows {
			if !in[r.Ref] {
				in[r.Ref] = true
				follow(r.Keys.Joins)
			}
		}
	}
	for id := range more {
		follow([]store.Hash{store.HashOf(resolve.ProfileJoin(id))})
	}
	for ref := range d.Touched {
		in[ref] = true
		var was, is store.RecordKeys
		if row := d.before[ref]; row != nil {
			was = row.Keys
		}
		if r := d.after[ref]; r != nil {
			is = keysOf(r, "")
		}
		follow(was.Joins)
		follow(is.Joins)
		for _, doc := range differing(was.Cites, is.Cites) {
			rows, err := d.Having([]store.Hash{doc.For(store.Cited)})
			if err != nil {
				return nil, err
			}
			if len(rows) <= resolve.MaxCiting+len(d.Touched) { // else it says nothing, before and after
				take(rows)
			}
		}
	}
	for len(queue) > 0 {
		for _, k := range queue {
			follow(d.ties[k])
		}
		keys := make([]store.Hash, len(queue))
		for i, k := range queue {
			keys[i] = k.For(store.Joined)
		}
		queue = queue[:0]
		rows, err := d.Having(keys)
		if err != nil {
			return nil, err
		}
		take(rows)
		if len(in) > maxPartRecords {
			return nil, fmt.Errorf("%d records bear on each other: %w", len(in), store.ErrWhole)
		}
	}
	return slices.SortedFunc(maps.Keys(in), func(a, b intel.Ref) int {
		return cmp.Or(cmp.Compare(a.Publisher, b.Publisher), cmp.Compare(a.Key, b.Key))
	}), nil
}

// differing returns what only one of two sorted lists has.
func differing(a, b []store.Hash) (out []store.Hash) {
	for _, pair := range [][2][]store.Hash{{a, b}, {b, a}} {
		for _, h := range pair[0] {
			if _, both := slices.BinarySearch(pair[1], h); !both {
				out = append(out, h)
			}
		}
	}
	return out
}

// citing returns how many records cite a document now.
func (d *partial) citing(document string) (int, error) {
	h := store.HashOf(document)
	n, err := d.Count(h.For(store.Cited))
	for _, r := range d.before {
		if _, ok := slices.BinarySearch(r.Keys.Cites, h); ok {
			n--
		}
	}
	for _, r := range d.after {
		if slices.Contains(resolve.Cites(r), document) {
			n++
		}
	}
	return n, err
}

// compare finds the profiles to be folded again: those with another input, those
// of touched records, and those that read what changed. It returns the ones of
// them that are not among those that were assigned.
func (d *partial) compare() (outside []string, err error) {
	part := d.w.part
	was := map[string]bool{}
	for _, r := range d.rows {
		if r.Profile != "" {
			was[r.Profile] = true
		}
	}
	ids := maps.Clone(was)
	for i := range part.Cells {
		ids[part.Cells[i].ID] = true
	}
	if d.had, err = d.Profiles(slices.Sorted(maps.Keys(ids))); err != nil {
		return nil, err
	}
	fold := map[string]bool{}
	for ref := range d.Touched {
		if row := d.before[ref]; row != nil {
			fold[row.Profile] = true
		}
		if cell, ok := part.CellOf(ref); ok {
			fold[cell.ID] = true
		}
	}
	for i := range part.Cells {
		cell := &part.Cells[i]
		if had := d.had[cell.ID]; had == nil || had.Input != inputOf(cell, d.notes) {
			fold[cell.ID] = true
		}
	}
	read := slices.Clone(d.changed)
	for ref := range d.moved() {
		read = append(read, store.HashOf(keyOfRef(ref)).For(store.ReadMember))
	}
	reading, err := d.Reading(read)
	if err != nil {
		return nil, err
	}
	for id := range reading {
		fold[id] = true
	}
	d.dirty = map[string]*reader{}
	if outside, err = d.take(fold); err != nil || len(outside) > 0 {
		return outside, err
	}
	// The techniques of a profile bear on all that have one of them.
	d.counts = maps.Clone(d.Facts.Techniques)
	for id := range was {
		if had := d.had[id]; had != nil && (d.dirty[id] != nil || !d.has(id)) {
			for _, t := range had.Techniques {
				d.counts[t]--
			}
		}
	}
	for _, r := range d.dirty {
		for _, t := range r.techniques {
			d.counts[t]++
		}
	}
	maps.DeleteFunc(d.counts, func(_ string, n int) bool { return n == 0 })
	read = read[:0]
	for _, counts := range []map[string]int{d.counts, d.Facts.Techniques} {
		for t := range counts {
			if d.counts[t] != d.Facts.Techniques[t] {
				read = append(read, store.HashOf(t).For(store.ReadCount))
			}
		}
	}
	if reading, err = d.Reading(read); err != nil {
		return nil, err
	}
	clear(fold)
	for id, p := range reading {
		// They bear on the order alone in which it tells its own.
		if !slices.Equal(rarest(p.Ranked, d.counts), p.Ranked) {
			fold[id] = true
		}
	}
	return d.take(fold)
}

// has reports whether a profile is among those that were assigned.
func (d *partial) has(id string) bool {
	cell, ok := d.w.part.ByID(id)
	return ok && cell.ID == id
}

// take makes readers for the profiles, and returns those that are elsewhere.
func (d *partial) take(ids map[string]bool) (outside []string, err error) {
	for id := range ids {
		switch {
		case d.has(id):
			if d.dirty[id] == nil {
				cell, _ := d.w.part.ByID(id)
				d.dirty[id] = newReader(cell, d.w)
			}
		case d.had[id] == nil && id != "":
			outside = append(outside, id)
		}
		if len(d.dirty)+len(outside) > maxPartProfiles {
			return nil, fmt.Errorf("many profiles change: %w", store.ErrWhole)
		}
	}
	return outside, d.near.err
}

// moved yields the records that are part of another profile than before, or of one
// of another title.
func (d *partial) moved() map[intel.Ref]bool {
	out := map[intel.Ref]bool{}
	check := func(ref intel.Ref) {
		var id, title string
		var kind intel.Kind
		if row := d.rows[ref]; row != nil && row.Profile != "" {
			id = row.Profile
			if had := d.had[id]; had != nil {
				title, kind = had.Title, had.Kind
			}
		}
		now, nowTitle, nowKind, _ := d.w.ProfileOf(ref)
		if now != id || nowTitle != title || nowKind != kind {
			out[ref] = true
		}
	}
	for ref := range d.rows {
		check(ref)
	}
	for _, r := range d.records {
		check(r.Ref)
	}
	return out
}

// fold computes the profiles, and what is kept of all this.
func (d *partial) fold() (*store.PartResult, error) {
	part := d.w.part
	var linked []intel.Ref
	for _, r := range d.dirty {
		for _, m := range r.cell.Members {
			linked = append(linked, m.Record.Ref)
		}
	}
	if err := d.w.count(func(f func(store.LinkedEvidence)) error { return d.EachLinked(linked, f) }); err != nil {
		return nil, err
	}
	d.near.techniques = d.counts
	remember := part.Remember(d.ledger, d.now)
	res := &store.PartResult{Scope: map[string]bool{}, Remember: map[intel.Ref]store.Remembered{}}
	for ref, e := range remember {
		d.ledger[ref] = e
		res.Remember[ref] = store.Remembered{ProfileID: e.ID, Asserted: e.Asserted}
	}
	// Every id that leads to one of these profiles, or did.
	ids := map[string]bool{}
	for ref, row := range d.rows {
		ids[resolve.ProfileID(ref)] = true
		if row.Profile != "" {
			ids[row.Profile] = true
		}
	}
	for _, r := range d.records {
		if r.Kind.HasProfile() {
			ids[resolve.ProfileID(r.Ref)] = true
		}
	}
	for _, e := range d.ledger {
		ids[e.ID] = true
	}
	for i := range part.Cells {
		ids[part.Cells[i].ID] = true
	}
	claims, err := d.Claims(slices.Sorted(maps.Keys(ids)))
	if err != nil {
		return nil, err
	}
	for id := range ids {
		res.Scope[id] = !d.has(id) || d.dirty[id] != nil
	}
	maps.DeleteFunc(res.Scope, func(_ string, in bool) bool { return !in })
	reads := make([]*reader, len(part.Cells))
	for i := range part.Cells {
		reads[i] = d.dirty[part.Cells[i].ID]
	}
	at := claimed(part, claims, intel.Clear)
	for _, p := range slices.Concat(cells(part, reads, at, d.notes, intel.Clear, intel.Red), made(at, intel.Clear, intel.Red)) {
		if !res.Scope[p.ID] {
			continue
		}
		dossier := p.Fold() // here, since it reads from the transaction
		p.Fold = func() *intel.Dossier { return dossier }
		res.Profiles = append(res.Profiles, p)
	}
	if d.near.err != nil {
		return nil, d.near.err
	}
	for _, r := range d.records {
		b := basisRecord(r, part, d.ledger[r.Ref].ID)
		if row := d.rows[r.Ref]; row == nil || !row.Same(&b) {
			res.Records = append(res.Records, b)
		}
		res.Refs = append(res.Refs, r.Ref)
	}
	for ref := range d.Touched {
		if d.after[ref] == nil {
			res.GoneRecords = append(res.GoneRecords, ref)
			res.Refs = append(res.Refs, ref)
		}
	}
	res.Refs = slices.DeleteFunc(res.Refs, func(ref intel.Ref) bool {
		row := d.rows[ref]
		cell, ok := part.CellOf(ref)
		return !(row != nil && res.Scope[row.Profile] || ok && res.Scope[cell.ID])
	})
	res.Basis = func() []store.BasisProfile {
		var out []store.BasisProfile
		for _, r := range d.dirty {
			out = append(out, r.basis(d.notes))
		}
		return out
	}
	res.Facts = store.BasisFacts{Program: d.Facts.Program, Publishers: d.Facts.Publishers, Released: d.released, Techniques: d.counts}
	return res, nil
}

// nearRecords are the sights of a world that holds some records and looks up others when
// they are asked for. Its methods report errors in err.
type nearRecords struct {
	part       *store.Part
	assigned   map[intel.Ref]bool
	records    map[intel.Ref]*intel.Record // nil: there is none
	before     map[intel.Ref]*store.PartRecord
	keys       map[intel.Ref]store.RecordKeys // of the touched records, now
	techniques map[string]int
	profiles   map[string]*store.PartProfile
	byKey      map[string]intel.Ref // as found
	err        error
}

// newNearRecords returns the sights of a part, of which the records of the
// references are assigned, and the touched ones were and are as told.
func newNearRecords(p *store.Part, refs []intel.Ref, records []*intel.Record, before map[intel.Ref]*store.PartRecord, after map[intel.Ref]*intel.Record) *nearRecords {
	n := &nearRecords{
		part: p, assigned: map[intel.Ref]bool{}, records: map[intel.Ref]*intel.Record{}, before: before,
		keys: map[intel.Ref]store.RecordKeys{}, profiles: map[string]*store.PartProfile{}, byKey: map[string]intel.Ref{},
	}
	for _, ref := range refs {
		n.assigned[ref], n.records[ref] = true, nil
	}
	for ref, r := range after {
		n.keys[ref] = keysOf(r, "")
	}
	for _, r := range records {
		n.records[r.Ref] = r
	}
	return n
}

func (n *nearRecords) failed(err error) bool {
	n.err = cmp.Or(n.err, err)
	return n.err != nil
}

// load reads the records that are not here yet.
func (n *nearRecords) load(refs []intel.Ref) {
	var missing []intel.Ref
	for _, ref := range refs {
		if _, ok := n.records[ref]; !ok {
			n.records[ref] = nil
			missing = append(missing, ref)
		}
	}
	if len(missing) == 0 {
		return
	}
	list, err := n.part.Records(missing)
	if n.failed(err) {
		return
	}
	for _, r := range list {
		n.records[r.Ref] = r
	}
}

// having returns the records that have a key now, in order of reference.
func (n *nearRecords) having(keys []string, use store.Use, of func(*store.RecordKeys) []store.Hash) []*intel.Record {
	want := hashes(keys)
	used := make([]store.Hash, len(want))
	for i, h := range want {
		used[i] = h.For(use)
	}
	rows, err := n.part.Having(used)
	if n.failed(err) {
		return nil
	}
	var refs []intel.Ref
	for _, row := range rows {
		if _, touched := n.before[row.Ref]; !touched {
			refs = append(refs, row.Ref)
		}
	}
	for ref, k := range n.keys {
		if slices.ContainsFunc(of(&k), func(h store.Hash) bool { _, ok := slices.BinarySearch(want, h); return ok }) {
			refs = append(refs, ref)
		}
	}
	n.load(refs)
	var out []*intel.Record
	for _, ref := range refs {
		if r := n.records[ref]; r != nil {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b *intel.Record) int {
		return cmp.Or(cmp.Compare(a.Publisher, b.Publisher), cmp.Compare(a.Key, b.Key))
	})
	return slices.Compact(out)
}

// Record implements sights.
func (n *nearRecords) Record(ref intel.Ref) (*intel.Record, bool) {
	n.load([]intel.Ref{ref})
	r := n.records[ref]
	return r, r != nil
}

func (n *nearRecords) found(key string) (ref intel.Ref, ok bool) {
	if ref, ok = n.byKey[key]; ok {
		return ref, !ref.IsZero()
	}
	some := false
	for _, r := range n.having([]string{key}, store.Found, func(k *store.RecordKeys) []store.Hash { return k.Finds }) {
		if slices.Contains(findsOf(r), key) {
			ref, some = chosen(key, n.records[ref], some, r), true
		}
	}
	n.byKey[key] = ref
	return ref, !ref.IsZero()
}

// Incoming implements sights.
func (n *nearRecords) Incoming(ref intel.Ref) []profile.Incoming {
	own, ok := n.Record(ref)
	if !ok {
		return nil
	}
	var out []profile.Incoming
	w, finds := world{sights: n}, findsOf(own)
	for _, r := range n.having(finds, store.Asked, func(k *store.RecordKeys) []store.Hash { return k.Asks }) {
		for _, l := range r.Links {
			if !slices.ContainsFunc(asksOf(l), func(key string) bool { return slices.Contains(finds, key) }) {
				continue
			}
			if to, ok := w.Find(l); ok && to == ref {
				out = append(out, profile.Incoming{From: r, Link: l})
			}
		}
	}
	return out
}

func (n *nearRecords) elsewhere(ref intel.Ref) (id, title string, kind intel.Kind, ok bool) {
	if n.assigned[ref] {
		return "", "", "", false
	}
	rows, err := n.part.Rows([]intel.Ref{ref})
	if n.failed(err) || len(rows) == 0 || rows[0].Profile == "" {
		return "", "", "", false
	}
	id = rows[0].Profile
	if _, known := n.profiles[id]; !known {
		list, err := n.part.Profiles([]string{id})
		if n.failed(err) {
			return "", "", "", false
		}
		n.profiles[id] = list[id]
	}
	p := n.profiles[id]
	if p == nil {
		return "", "", "", false
	}
	return id, p.Title, p.Kind, true
}

// Rarest implements sights.
func (n *nearRecords) Rarest(ids []string) []string { return rarest(ids, n.techniques) }

// program tells one build of the program from another: what an older one derived
// is derived again.
var program = sync.OnceValue(func() string {
	h := sha256.New()
	if info, ok := debug.ReadBuildInfo(); ok {
		_, _ = h.Write([]byte(info.String()))
	}
	if path, err := os.Executable(); err == nil {
		if info, err := os.Stat(path); err == nil {
			_, _ = fmt.Fprint(h, info.Size(), info.ModTime().UnixNano())
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
})

// publishersID identifies what holds of the publishers.
func publishersID(t *intel.Publishers) string {
	// Maps are written in order of their keys.
	text, _ := json.Marshal(t)
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}
