package store

import (
	"context"
	"hash/maphash"
	"slices"
	"strings"

	"dossier/internal/intel"
	"dossier/internal/observable"
)

// flushAt is how many observations are gathered for one round trip.
const flushAt = 400

// touchedCap bounds the memory of the set of rows that a snapshot has touched
// (16 bytes each): a larger list marks nothing as absent, and says so.
const touchedCap = 2_000_000

// touchedSet remembers which evidence a batch has met, by a 64-bit hash.
type touchedSet struct {
	seed maphash.Seed
	m    map[uint64]struct{}
	full bool
}

func (t *touchedSet) hash(indicator string, subject intel.Ref) uint64 {
	if t.m == nil {
		t.seed, t.m = maphash.MakeSeed(), map[uint64]struct{}{}
	}
	var h maphash.Hash
	h.SetSeed(t.seed)
	h.WriteString(indicator)
	h.WriteString(subject.Publisher)
	h.WriteByte(0)
	h.WriteString(subject.Key)
	return h.Sum64()
}

func (t *touchedSet) add(indicator string, subject intel.Ref) {
	if t.full || subject.IsZero() {
		return
	}
	h := t.hash(indicator, subject)
	if len(t.m) >= touchedCap {
		t.full, t.m = true, nil
		return
	}
	t.m[h] = struct{}{}
}

func (t *touchedSet) has(indicator string, subject intel.Ref) bool {
	_, ok := t.m[t.hash(indicator, subject)]
	return ok
}

// Observe takes an observation. Its observable must be canonical. Statements
// about one observable by one publisher under one subject are merged: the
// earliest first and the latest last sighting, and the newest word on
// confidence, validity and revocation; the order in which they come makes no
// difference.
func (b *Batch) Observe(ctx context.Context, o *intel.Observation) error {
	b.obs = append(b.obs, *o)
	if len(b.obs) >= flushAt {
		return b.flush(ctx)
	}
	return nil
}

// Observed ends the observations of one input and tells what became of them.
func (b *Batch) Observed(ctx context.Context) (intel.Tally, error) {
	err := b.flush(ctx)
	t := b.obsTally
	b.obsTally = intel.Tally{}
	return t, err
}

type evidenceKey struct {
	indicator, publisher string
	subject              intel.Ref
}

// evidence is one row: what a publisher says of an observable under a subject.
type evidence struct {
	evidenceKey
	dataset    string
	observable observable.Observable
	first      intel.Date
	last       intel.Time
	validUntil intel.Time
	confidence int
	tlp        intel.TLP
	source     intel.IndicatorSource
	reference  string
	context    string
	revoked    bool
	modified   intel.Time
	absent     bool
}

// maxContext bounds the note that is kept with a piece of evidence, in bytes.
const maxContext = 400

func (b *Batch) rowsOf(o *intel.Observation) []evidence {
	e := evidence{
		evidenceKey: evidenceKey{indicator: o.Observable.ID(), publisher: o.Publisher},
		observable:  o.Observable, first: o.FirstSeen, last: o.LastSeen, validUntil: o.ValidUntil,
		confidence: int(o.Confidence), tlp: o.TLP, source: o.Source, reference: o.Reference,
		context: cut(o.Context, maxContext), revoked: o.Revoked, modified: o.Modified,
	}
	if e.source == "" {
		e.source = intel.SourceOSINT
	}
	if e.first.IsZero() || e.first.At > b.now {
		e.first = intel.Date{At: b.now, Precision: intel.Exact, Basis: intel.BasisImport}
	}
	if e.last > b.now {
		e.last = b.now
	}
	if e.last != 0 && e.last < e.first.At {
		e.first.At = e.last
	}
	if len(o.Subjects) == 0 {
		return []evidence{e}
	}
	rows := make([]evidence, len(o.Subjects))
	for i, subject := range o.Subjects {
		rows[i] = e
		rows[i].subject = subject
	}
	return rows
}

// merge combines two statements with the same key.
func merge(a, b evidence) evidence {
	if b.first.At < a.first.At || b.first.At == a.first.At && (b.first.Basis.Rung() < a.first.Basis.Rung() ||
		b.first.Basis.Rung() == a.first.Basis.Rung() && textLess(b, a)) {
		a.first, a.reference, a.context, a.source = b.first, b.reference, b.context, b.source
	}
	a.last = max(a.last, b.last)
	a.tlp = min(a.tlp, b.tlp)
	switch {
	case b.modified > a.modified:
		a.modified, a.revoked, a.confidence, a.validUntil = b.modified, b.revoked, b.confidence, b.validUntil
	case b.modified == a.modified:
		a.revoked = a.revoked || b.revoked
		a.confidence = max(a.confidence, b.confidence)
		a.validUntil = max(a.validUntil, b.validUntil)
	}
	a.absent = false
	return a
}

// textLess breaks ties between statements of equal date; a row with a reference
// comes before one without.
func textLess(a, b evidence) bool {
	if (a.reference == "") != (b.reference == "") {
		return a.reference != ""
	}
	return strings.Compare(a.reference+"\x00"+a.context+"\x00"+string(a.source), b.reference+"\x00"+b.context+"\x00"+string(b.source)) < 0
}

// flush writes the gathered observations.
func (b *Batch) flush(ctx context.Context) error {
	if len(b.obs) == 0 {
		return nil
	}
	incoming := map[evidenceKey]evidence{}
	var order []evidenceKey
	var ids []string
	for i := range b.obs {
		for _, e := range b.rowsOf(&b.obs[i]) {
			b.touched.add(e.indicator, e.subject)
			if had, ok := incoming[e.evidenceKey]; ok {
				incoming[e.evidenceKey] = merge(had, e)
				continue
			}
			incoming[e.evidenceKey] = e
			order = append(order, e.evidenceKey)
			ids = append(ids, e.indicator)
		}
	}
	stored, err := b.storedEvidence(ctx, ids)
	if err != nil {
		return err
	}
	rows, pending := b.evidenceRows(ctx), b.pendingRows(ctx)
	publishers := map[string]intel.TLP{}
	status := map[string]int{} // by indicator and publisher: 0 unchanged, 1 changed, 2 new
	for _, key := range order {
		e := incoming[key]
		if lowest, ok := publishers[key.publisher]; !ok || e.tlp < lowest {
			publishers[key.publisher] = e.tlp
			if err := b.publisher(ctx, key.publisher, e.tlp); err != nil {
				return err
			}
		}
		sk := key.indicator + key.publisher
		old, had := stored[key]
		if had {
			merged := merge(old, e)
			merged.dataset = old.dataset
			if merged == old {
				continue
			}
			e = merged
			status[sk] = max(status[sk], 1)
		} else {
			status[sk] = 2
		}
		if err := rows.add(e.row(b.now)...); err != nil {
			return err
		}
		if err := pending.add(e.indicator); err != nil {
			return err
		}
		b.changed = true
	}
	if err := flushAll(rows, pending); err != nil {
		return err
	}
	for i := range b.obs {
		b.obsTally.Read++
		sk := b.obs[i].Observable.ID() + b.obs[i].Publisher
		switch status[sk] {
		case 2:
			b.obsTally.New++
			status[sk] = 0 // the same value again, later in the batch, is nothing new
		case 1:
			b.obsTally.Changed++
			status[sk] = 0
		default:
			b.obsTally.Unchanged++
		}
	}
	b.obs = b.obs[:0]
	return nil
}

const evidenceColumns = `indicator_id, publisher, dataset, subject_publisher, subject_key, kind, value, first_seen, first_precision, first_basis,
	last_seen, valid_until, confidence, tlp, source, reference, context, revoked, modified, absent`

// evidenceRows and pendingRows are the inserts of a flush.
func (b *Batch) evidenceRows(ctx context.Context) *bulk {
	return newBulk(ctx, b.tx, "INSERT INTO evidence ("+evidenceColumns+", imported) VALUES", 21,
		`ON CONFLICT (indicator_id, publisher, subject_publisher, subject_key) DO UPDATE SET dataset = excluded.dataset,
			first_seen = excluded.first_seen, first_precision = excluded.first_precision, first_basis = excluded.first_basis,
			last_seen = excluded.last_seen, valid_until = excluded.valid_until, confidence = excluded.confidence, tlp = excluded.tlp,
			source = excluded.source, reference = excluded.reference, context = excluded.context, revoked = excluded.revoked,
			modified = excluded.modified, absent = excluded.absent`)
}

func (b *Batch) pendingRows(ctx context.Context) *bulk {
	return newBulk(ctx, b.tx, "INSERT INTO pending (indicator_id) VALUES", 1, "ON CONFLICT (indicator_id) DO NOTHING")
}

func (e *evidence) row(now intel.Time) []any {
	return []any{
		e.indicator, e.publisher, e.dataset, e.subject.Publisher, e.subject.Key, string(e.observable.Kind), e.observable.Value,
		int64(e.first.At), string(e.first.Precision), string(e.first.Basis), int64(e.last), int64(e.validUntil), e.confidence, int(e.tlp),
		string(e.source), e.reference, e.context, e.revoked, int64(e.modified), e.absent, int64(now),
	}
}

func (b *Batch) storedEvidence(ctx context.Context, ids []string) (map[evidenceKey]evidence, error) {
	out := map[evidenceKey]evidence{}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	rows, err := b.tx.QueryContext(ctx, "SELECT "+evidenceColumns+" FROM evidence WHERE indicator_id IN ("+marks(len(ids))+")", anys(ids)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		e, err := scanEvidence(rows)
		if err != nil {
			return nil, err
		}
		out[e.evidenceKey] = e
	}
	return out, rows.Err()
}

type scanner interface{ Scan(...any) error }

func scanEvidence(rows scanner) (e evidence, err error) {
	err = rows.Scan(&e.indicator, &e.publisher, &e.dataset, &e.subject.Publisher, &e.subject.Key, &e.observable.Kind, &e.observable.Value,
		&e.first.At, &e.first.Precision, &e.first.Basis, &e.last, &e.validUntil, &e.confidence, &e.tlp, &e.source, &e.reference, &e.context,
		&e.revoked, &e.modified, &e.absent)
	return e, err
}

// EndSnapshot marks as absent what the data set held before for its records and
// does not hold any more, and returns how many. If the list was too long to
// remember, complete is false and nothing is marked.
func (b *Batch) EndSnapshot(ctx context.Context, ds intel.Dataset, subjects []intel.Ref) (gone int, complete bool, err error) {
	if err := b.flush(ctx); err != nil {
		return 0, false, err
	}
	defer func() { b.touched = touchedSet{} }()
	if b.touched.full {
		return 0, false, nil
	}
	for _, subject := range subjects {
		missing, err := b.untouched(ctx, ds, subject)
		if err != nil {
			return gone, true, err
		}
		for _, id := range missing {
			if err := b.exec(ctx, "UPDATE evidence SET absent = 1 WHERE indicator_id = ? AND publisher = ? AND subject_publisher = ? AND subject_key = ?",
				id, ds.Publisher, subject.Publisher, subject.Key); err != nil {
				return gone, true, err
			}
			if err := b.exec(ctx, "INSERT INTO pending (indicator_id) VALUES (?) ON CONFLICT (indicator_id) DO NOTHING", id); err != nil {
				return gone, true, err
			}
			b.changed = true
			gone++
		}
	}
	return gone, true, nil
}

// untouched claims for the data set the rows of the subject that the batch has
// met, and returns the others that stood in it.
func (b *Batch) untouched(ctx context.Context, ds intel.Dataset, subject intel.Ref) (missing []string, err error) {
	rows, err := b.tx.QueryContext(ctx, `SELECT indicator_id, dataset FROM evidence
		WHERE subject_publisher = ? AND subject_key = ? AND publisher = ? AND absent = 0`, subject.Publisher, subject.Key, ds.Publisher)
	if err != nil {
		return nil, err
	}
	var claim []string
	for rows.Next() {
		var id, dataset string
		if err := rows.Scan(&id, &dataset); err != nil {
			rows.Close()
			return nil, err
		}
		switch touched := b.touched.has(id, subject); {
		case touched && dataset != ds.Name:
			claim = append(claim, id)
		case !touched && dataset == ds.Name:
			missing = append(missing, id)
		}
	}
	if err := rows.Close(); err != nil {
		return nil, err
	}
	for _, id := range claim {
		if err := b.exec(ctx, "UPDATE evidence SET dataset = ? WHERE indicator_id = ? AND publisher = ? AND subject_publisher = ? AND subject_key = ?",
			ds.Name, id, ds.Publisher, subject.Publisher, subject.Key); err != nil {
			return nil, err
		}
	}
	return missing, rows.Err()
}
