package store

import (
	"context"
	"database/sql"
	"hash/maphash"
	"slices"
	"strconv"
	"strings"

	"dossier/internal/intel"
	"dossier/internal/observable"
)

// flushAt is how many rows of evidence are compared with those stored in one
// round trip.
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
func (b *Batch) Observe(_ context.Context, o *intel.Observation) error {
	b.obsTally.Read++
	e := b.rowOf(o)
	if len(o.Subjects) == 0 {
		return b.sorter.add(e)
	}
	for _, e.subject = range o.Subjects {
		b.touched.add(e.indicator, e.subject)
		if err := b.sorter.add(e); err != nil {
			return err
		}
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

// rowOf returns the row of an observation that has no subject.
func (b *Batch) rowOf(o *intel.Observation) evidence {
	e := evidence{
		evidenceKey: evidenceKey{indicator: o.Observable.ID(), publisher: o.Publisher},
		observable:  o.Observable, first: o.FirstSeen, last: o.LastSeen, validUntil: o.ValidUntil,
		confidence: int(o.Confidence), tlp: o.TLP, source: o.Source, reference: o.Reference,
		context: cut(o.Context, maxContext), revoked: o.Revoked, modified: o.Modified,
	}
	if e.source == "" {
		e.source = intel.SourceOSINT
	}
	b.timed = b.timed || e.first.At > b.now || e.last > b.now
	if e.first.IsZero() || e.first.At > b.now {
		e.first = intel.Date{At: b.now, Precision: intel.Exact, Basis: intel.BasisImport}
	}
	if e.last > b.now {
		e.last = b.now
	}
	if e.last != 0 && e.last < e.first.At {
		e.first.At = e.last
	}
	return e
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

// flush writes the gathered observations, in the order of their keys.
func (b *Batch) flush(ctx context.Context) error {
	if b.sorter.empty() {
		return nil
	}
	first, err := isEmpty(ctx, b.tx, "evidence")
	if err != nil {
		return err
	}
	w := evidenceWriter{b: b, ctx: ctx, first: first, rows: b.evidenceRows(ctx, first), pending: b.pendingRows(ctx), publishers: map[string]intel.TLP{}}
	if err := b.sorter.each(w.add); err != nil {
		return err
	}
	if err := w.write(); err != nil {
		return err
	}
	if err := flushAll(w.rows, w.pending); err != nil {
		return err
	}
	w.count()
	b.obsTally.New += w.tally.New
	b.obsTally.Changed += w.tally.Changed
	b.obsTally.Unchanged = b.obsTally.Read - b.obsTally.New - b.obsTally.Changed
	return b.sorter.close()
}

// An evidenceWriter takes rows in the order of their keys and writes those that
// say something new.
type evidenceWriter struct {
	b             *Batch
	ctx           context.Context
	first         bool // nothing is stored yet
	chunk         []evidence
	rows, pending *bulk
	publishers    map[string]intel.TLP // the lowest marking of each so far

	// What the rows of one indicator and publisher amount to is counted once.
	indicator, publisher string
	status               int // 0 unchanged, 1 changed, 2 new
	written              string
	tally                intel.Tally
}

func (w *evidenceWriter) add(e *evidence) error {
	w.chunk = append(w.chunk, *e)
	if len(w.chunk) < flushAt {
		return nil
	}
	return w.write()
}

// write compares the rows of a chunk with those stored.
func (w *evidenceWriter) write() error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	for i := range w.chunk {
		e := &w.chunk[i]
		if lowest, ok := w.publishers[e.publisher]; !ok || e.tlp < lowest {
			w.publishers[e.publisher] = e.tlp
			if err := w.b.publisher(w.ctx, e.publisher, e.tlp); err != nil {
				return err
			}
		}
	}
	var stored map[evidenceKey]evidence
	if !w.first && len(w.chunk) > 0 {
		if err := w.dropUnchanged(); err != nil {
			return err
		}
		ids := make([]string, len(w.chunk))
		for i := range w.chunk {
			ids[i] = w.chunk[i].indicator
		}
		var err error
		if stored, err = w.b.storedEvidence(w.ctx, ids); err != nil {
			return err
		}
	}
	for i := range w.chunk {
		if err := w.row(&w.chunk[i], stored); err != nil {
			return err
		}
	}
	w.chunk = w.chunk[:0]
	return nil
}

// dropUnchanged takes out of the chunk what is stored exactly so. A row comes
// from the database as one text, because that costs a quarter of its columns, and
// most of what is imported again has not changed.
func (w *evidenceWriter) dropUnchanged() error {
	byLine := make(map[string]bool, len(w.chunk))
	ids := make([]string, 0, len(w.chunk))
	for i := range w.chunk {
		if id := w.chunk[i].indicator; len(ids) == 0 || ids[len(ids)-1] != id {
			ids = append(ids, id)
		}
	}
	rows, err := w.b.tx.QueryContext(w.ctx, evidenceLines+"("+marks(len(ids))+")", anys(ids)...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var line sql.RawBytes
		if err := rows.Scan(&line); err != nil {
			return err
		}
		byLine[string(line)] = true
	}
	var buf []byte
	w.chunk = slices.DeleteFunc(w.chunk, func(e evidence) bool {
		buf = e.line(buf[:0])
		return byLine[string(buf)]
	})
	return rows.Err()
}

// evidenceLines selects rows as [evidence.line] writes them.
var evidenceLines = func() string {
	columns := strings.Fields(`indicator_id publisher subject_publisher subject_key first_precision first_basis source reference context`)
	for _, n := range strings.Fields("first_seen last_seen valid_until confidence tlp modified revoked absent") {
		columns = append(columns, "CAST("+n+" AS TEXT)")
	}
	return "SELECT " + strings.Join(columns, " || '"+unitSeparator+"' || ") + " FROM evidence WHERE indicator_id IN "
}()

const unitSeparator = "\x1f"

// line appends what the row says, as one text. Kind and value follow from the id.
func (e *evidence) line(b []byte) []byte {
	for _, s := range []string{
		e.indicator, e.publisher, e.subject.Publisher, e.subject.Key, string(e.first.Precision), string(e.first.Basis), string(e.source), e.reference, e.context,
	} {
		b = append(append(b, s...), unitSeparator...)
	}
	flag := func(is bool) int64 {
		if is {
			return 1
		}
		return 0
	}
	for i, n := range []int64{int64(e.first.At), int64(e.last), int64(e.validUntil), int64(e.confidence), int64(e.tlp), int64(e.modified), flag(e.revoked), flag(e.absent)} {
		if i > 0 {
			b = append(b, unitSeparator...)
		}
		b = strconv.AppendInt(b, n, 10)
	}
	return b
}

func (w *evidenceWriter) row(e *evidence, stored map[evidenceKey]evidence) error {
	if e.indicator != w.indicator || e.publisher != w.publisher {
		w.count()
		w.indicator, w.publisher, w.status = e.indicator, e.publisher, 0
	}
	if old, had := stored[e.evidenceKey]; had {
		merged := merge(old, *e)
		merged.dataset = old.dataset
		if old.absent {
			w.b.moves(e.publisher, &old.dataset)
		}
		if merged == old {
			return nil
		}
		*e = merged
		w.status = max(w.status, 1)
	} else {
		w.status = 2
	}
	if err := w.rows.add(e.row(w.b.now)...); err != nil {
		return err
	}
	w.b.touch(false, e.subject)
	w.b.marked(e.tlp)
	if e.indicator == w.written {
		return nil
	}
	w.written = e.indicator
	return w.pending.add(e.indicator)
}

// count closes the count of one indicator and publisher.
func (w *evidenceWriter) count() {
	switch w.status {
	case 2:
		w.tally.New++
	case 1:
		w.tally.Changed++
	}
	w.status = 0
}

const evidenceColumns = `indicator_id, publisher, dataset, subject_publisher, subject_key, kind, value, first_seen, first_precision, first_basis,
	last_seen, valid_until, confidence, tlp, source, reference, context, revoked, modified, absent`

// evidenceRows and pendingRows are the inserts of a flush. Nothing can conflict if it
// is the first.
func (b *Batch) evidenceRows(ctx context.Context, first bool) *bulk {
	head := "INSERT INTO evidence (" + evidenceColumns + ", imported) VALUES"
	if first {
		return newBulk(ctx, b.tx, head, 21, "")
	}
	return newBulk(ctx, b.tx, head, 21,
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
	if len(ids) == 0 {
		return out, nil
	}
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
			b.touch(false, subject)
			b.moves(ds.Publisher, nil)
			gone++
		}
	}
	return gone, true, nil
}

// untouched claims for the data set the rows of the subject that the batch has
// met, and returns the others that stood in it.
func (b *Batch) untouched(ctx context.Context, ds intel.Dataset, subject intel.Ref) (missing []string, err error) {
	rows, err := b.tx.QueryContext(ctx, `SELECT indicator_id, dataset FROM evidence
		WHERE subject_publisher = ? AND subject_key = ? AND subject_key <> '' AND publisher = ? AND absent = 0`, subject.Publisher, subject.Key, ds.Publisher)
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
			if !b.newSets[movable(ds.Publisher, &ds.Name)] {
				b.moves(ds.Publisher, &ds.Name)
			}
			if dataset != "" {
				b.moves(ds.Publisher, &dataset)
			}
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
