package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"
	"strconv"
	"sync"

	"dossier/internal/intel"
	"dossier/internal/observable"
)

// foldBatch is how many indicators are folded in one transaction.
const foldBatch = 20000

// FoldIndicators computes the indicators whose evidence or subjects changed,
// in transactions of [foldBatch], until none is pending, and returns how many
// were looked at. progress, if not nil, is told after each transaction.
func (s *Store) FoldIndicators(ctx context.Context, progress func(done int)) (total int, err error) {
	if progress == nil {
		progress = func(int) {}
	}
	if bulk, err := s.foldsInBulk(ctx); err != nil || bulk {
		if err != nil {
			return 0, err
		}
		return s.foldAll(ctx, progress)
	}
	for {
		n := 0
		err := s.inTx(ctx, func(tx *sql.Tx) error {
			f := folder{ctx: ctx, tx: tx, q: tx, now: intel.TimeOf(s.Now())}
			var err error
			n, err = f.run()
			return err
		})
		if err != nil {
			return total, err
		}
		total += n
		progress(total)
		if n < foldBatch {
			return total, nil
		}
	}
}

// bulkFold is how many indicators must be pending for the indexes to be made
// anew. Below that, to keep them costs less.
const bulkFold = 50_000

// foldsInBulk reports whether more indicators are to be computed than there are.
// Then it is faster to make the indexes after all are written. PostgreSQL would
// keep readers out for so long; SQLite's see what was before.
func (s *Store) foldsInBulk(ctx context.Context) (bool, error) {
	if s.postgres {
		return false, nil
	}
	var pending, have int
	if err := s.write.QueryRowContext(ctx, "SELECT COUNT(*) FROM pending").Scan(&pending); err != nil || pending < cmp.Or(s.bulkFold, bulkFold) {
		return false, err
	}
	err := s.write.QueryRowContext(ctx, "SELECT COUNT(*) FROM (SELECT 1 AS one FROM indicator LIMIT ?) AS some", pending).Scan(&have)
	return have < pending, err
}

// foldAll computes all pending indicators in one transaction, without the
// indexes of their table, which are made at its end.
func (s *Store) foldAll(ctx context.Context, progress func(done int)) (total int, err error) {
	// What an index is sorted in is as large as the index: it belongs into files.
	if err := s.sortIn(ctx, "file"); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.sortIn(context.WithoutCancel(ctx), "memory")) }()
	err = s.inTx(ctx, func(tx *sql.Tx) error {
		indexes, err := dropIndexes(ctx, tx, "indicator")
		if err != nil {
			return err
		}
		f := folder{ctx: ctx, tx: tx, q: tx, now: intel.TimeOf(s.Now()), all: true}
		if f.position, err = nextPosition(ctx, tx); err != nil {
			return err
		}
		if err := f.start(); err != nil {
			return err
		}
		if total, err = s.foldPending(f, progress); err != nil {
			return err
		}
		if err := flushAll(f.indicators, f.ofProfiles, f.profiles, f.changes); err != nil {
			return err
		}
		for _, query := range append([]string{"DELETE FROM pending"}, indexes...) {
			if _, err := tx.ExecContext(ctx, query); err != nil {
				return err
			}
		}
		return setMeta(ctx, tx, metaStale, "0")
	})
	return total, err
}

// foldPending computes all that is pending. Evidence is read on a connection of
// its own, ahead of what is written: nobody else writes meanwhile, and nothing
// that is written is read.
func (s *Store) foldPending(f folder, progress func(done int)) (total int, err error) {
	ctx, cancel := context.WithCancel(f.ctx)
	computed := make(chan foldedChunk, 4)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	wg.Go(func() {
		defer close(computed)
		r := f
		r.ctx, r.q = ctx, s.read
		for {
			ids, err := r.pending()
			if err != nil {
				computed <- foldedChunk{err: err}
				return
			}
			for part := range slices.Chunk(ids, foldChunk) {
				c := r.compute(part)
				select {
				case computed <- c:
				case <-ctx.Done():
					return
				}
				if c.err != nil {
					return
				}
			}
			if len(ids) < foldBatch {
				return
			}
			r.last = ids[len(ids)-1]
		}
	})
	for c := range computed {
		if c.err != nil {
			return total, c.err
		}
		if err := f.write(c); err != nil {
			return total, err
		}
		total += len(c.ids)
		progress(total)
	}
	return total, f.ctx.Err()
}

// A span is what an indicator looks like to ceilings lo to hi.
type span struct {
	lo, hi   intel.TLP
	ind      foldedIndicator
	profiles []string // sorted
}

type foldedIndicator struct {
	source     intel.IndicatorSource
	first      intel.Time
	basis      intel.Basis
	last       intel.Time
	sighted    intel.Time // when a source first saw it, 0 if none says so
	until      intel.Time
	confidence int
	revoked    bool
}

type folder struct {
	ctx context.Context
	tx  *sql.Tx
	// q reads what is pending, evidence and what is stored: tx, or a connection beside it.
	q        querier
	now      intel.Time
	position int64
	member   map[intel.Ref][]memberSpan
	stmts    map[string]*sql.Stmt
	// positions are those that rows keep when they are made anew with other columns, which is no change. Else it is nil.
	positions map[string]int64
	claims    indicatorClaims
	// all tells that pending is emptied at the end, and last is where it was read to.
	all  bool
	last string
	// unclaimed and fresh tell that there are no claims of people, and were no indicators.
	unclaimed, fresh bool

	indicators, ofProfiles, profiles, changes *bulk
}

type memberSpan struct {
	lo, hi  intel.TLP
	profile string
}

func (f *folder) run() (int, error) {
	ids, err := f.pending()
	if err != nil {
		return 0, err
	}
	if len(ids) == 0 {
		return 0, setMeta(f.ctx, f.tx, metaStale, "0")
	}
	if f.position, err = nextPosition(f.ctx, f.tx); err != nil {
		return 0, err
	}
	if err := f.start(); err != nil {
		return 0, err
	}
	for part := range slices.Chunk(ids, foldChunk) {
		if err := f.fold(part); err != nil {
			return 0, err
		}
	}
	if err := flushAll(f.indicators, f.ofProfiles, f.profiles, f.changes); err != nil {
		return 0, err
	}
	if len(ids) < foldBatch {
		if err := setMeta(f.ctx, f.tx, metaStale, "0"); err != nil {
			return 0, err
		}
	}
	return len(ids), nil
}

// foldChunk is how many indicators' evidence is in memory at once.
const foldChunk = 500

// start reads what every indicator needs.
func (f *folder) start() error {
	rows, err := memberRows(f.ctx, f.tx)
	if err != nil {
		return err
	}
	f.member = map[intel.Ref][]memberSpan{}
	for k, v := range rows {
		f.member[k.ref] = append(f.member[k.ref], memberSpan{k.lo, v.hi, v.profile})
	}
	f.stmts = map[string]*sql.Stmt{}
	f.bulks()
	if f.unclaimed, err = isEmpty(f.ctx, f.tx, "analyst_claim"); err != nil {
		return err
	}
	f.fresh, err = isEmpty(f.ctx, f.tx, "indicator")
	return err
}

// isEmpty reports whether a table has no rows.
func isEmpty(ctx context.Context, tx *sql.Tx, table string) (bool, error) {
	var one int
	err := tx.QueryRowContext(ctx, "SELECT 1 FROM "+table+" LIMIT 1").Scan(&one)
	if err == sql.ErrNoRows {
		return true, nil
	}
	return false, err
}

func (f *folder) bulks() {
	f.indicators = newBulk(f.ctx, f.tx, `INSERT INTO indicator (id, tlp_lo, tlp_hi, kind, value, host, source, first_seen, first_basis, last_seen,
		active_until, confidence, revoked, hash, position, artifact_id, sighted, host_reversed) VALUES`, 18, "")
	f.ofProfiles = newBulk(f.ctx, f.tx, `INSERT INTO profile_indicator (profile_id, indicator_id, tlp_lo, tlp_hi, kind, value, source, first_seen,
		first_basis, last_seen, active_until, confidence, revoked, artifact_id, sighted) VALUES`, 15, "")
	f.profiles = newBulk(f.ctx, f.tx, "INSERT INTO indicator_profile (indicator_id, profile_id, tlp_lo, tlp_hi) VALUES", 4, "")
	f.changes = newBulk(f.ctx, f.tx, "INSERT INTO change (position, entity, id, op, tlp_lo, at) VALUES", 6, "")
}

func (f *folder) pending() ([]string, error) {
	rows, err := f.q.QueryContext(f.ctx, "SELECT indicator_id FROM pending WHERE indicator_id > ? ORDER BY indicator_id LIMIT ?", f.last, foldBatch)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var ids []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

func (f *folder) exec(query string, args ...any) error {
	st, ok := f.stmts[query]
	if !ok {
		var err error
		if st, err = f.tx.PrepareContext(f.ctx, query); err != nil {
			return err
		}
		f.stmts[query] = st
	}
	_, err := st.ExecContext(f.ctx, args...)
	return err
}

func (f *folder) fold(ids []string) error {
	if err := f.refold(ids); err != nil {
		return err
	}
	_, err := f.tx.ExecContext(f.ctx, "DELETE FROM pending WHERE indicator_id IN ("+marks(len(ids))+")", anys(ids)...)
	return err
}

// refold writes the indicators whose rows are not what their evidence amounts to.
func (f *folder) refold(ids []string) error { return f.write(f.compute(ids)) }

// A foldedChunk is what the evidence of some indicators amounts to.
type foldedChunk struct {
	ids  []string
	rows map[string][]evidence
	all  [][]span // of each id
	hash []string // of each, "" if nothing is served
	had  map[string]string
	err  error
}

// compute reads the evidence of the indicators, and what is stored of them.
func (f *folder) compute(ids []string) (c foldedChunk) {
	c = foldedChunk{ids: ids, rows: make(map[string][]evidence, len(ids)), all: make([][]span, len(ids)), hash: make([]string, len(ids))}
	rows, err := f.q.QueryContext(f.ctx, "SELECT "+evidenceColumns+" FROM evidence WHERE absent = 0 AND indicator_id IN ("+marks(len(ids))+")", anys(ids)...)
	if err != nil {
		return foldedChunk{err: err}
	}
	for rows.Next() {
		e, err := scanEvidence(rows)
		if err != nil {
			rows.Close()
			return foldedChunk{err: err}
		}
		c.rows[e.indicator] = append(c.rows[e.indicator], e)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return foldedChunk{err: err}
	}
	if f.positions == nil && !f.unclaimed { // else there are none yet
		if f.claims, err = claimsOn(f.ctx, f.q, ids); err != nil {
			return foldedChunk{err: err}
		}
	}
	if c.had, err = f.stored(ids); err != nil {
		return foldedChunk{err: err}
	}
	for i, id := range ids {
		if c.all[i] = f.spans(id, c.rows[id]); len(c.all[i]) > 0 {
			c.hash[i] = spansDigest(c.all[i])
		}
	}
	return c
}

// write puts what is not stored so.
func (f *folder) write(c foldedChunk) error {
	if c.err != nil {
		return c.err
	}
	for i, id := range c.ids {
		if c.had[id] == c.hash[i] {
			continue
		}
		if err := f.put(id, c.rows[id], c.all[i], c.hash[i], c.had[id] != ""); err != nil {
			return err
		}
	}
	return nil
}

// spansDigest identifies what is stored of an indicator.
func spansDigest(spans []span) string {
	b := make([]byte, 0, 256)
	for _, s := range spans {
		i := s.ind
		b = append(b, byte(s.lo), byte(s.hi), byte(i.confidence), byte(len(s.profiles)))
		for _, n := range []intel.Time{i.first, i.last, i.until, i.sighted} {
			b = strconv.AppendInt(b, int64(n), 16)
			b = append(b, ' ')
		}
		b = append(append(append(b, i.source...), ' '), i.basis...)
		b = strconv.AppendBool(b, i.revoked)
		for _, p := range s.profiles {
			b = append(append(b, ' '), p...)
		}
	}
	return digest(b)
}

func (f *folder) stored(ids []string) (map[string]string, error) {
	if f.fresh {
		return nil, nil
	}
	rows, err := f.q.QueryContext(f.ctx, "SELECT id, hash FROM indicator WHERE id IN ("+marks(len(ids))+")", anys(ids)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	m := map[string]string{}
	for rows.Next() {
		var id, hash string
		if err := rows.Scan(&id, &hash); err != nil {
			return nil, err
		}
		m[id] = hash
	}
	return m, rows.Err()
}

// spans computes what the evidence amounts to for each ceiling. Only where a
// marking or a membership begins or ends can there be a difference.
func (f *folder) spans(id string, rows []evidence) []span {
	var edge [intel.Red + 2]bool
	edge[intel.Clear] = true
	for i := range rows {
		edge[rows[i].tlp] = true
		for _, m := range f.member[rows[i].subject] {
			edge[m.lo], edge[m.hi+1] = true, true
		}
	}
	f.claims.edges(id, edge[:])
	var out []span
	visible := false
	for level := intel.Clear; level <= intel.Red; level++ {
		if !edge[level] {
			if visible {
				out[len(out)-1].hi = level
			}
			continue
		}
		var ind foldedIndicator
		var profiles []string
		if ind, profiles, visible = f.at(rows, level); visible {
			profiles, visible = f.claims.apply(id, level, &ind, profiles)
		}
		if !visible {
			continue
		}
		if n := len(out); n > 0 && out[n-1].hi == level-1 && out[n-1].ind == ind && slices.Equal(out[n-1].profiles, profiles) {
			out[n-1].hi = level
			continue
		}
		out = append(out, span{level, level, ind, profiles})
	}
	return out
}

func (f *folder) at(rows []evidence, level intel.TLP) (ind foldedIndicator, profiles []string, any bool) {
	ind.revoked = true
	ind.source = intel.SourceOSINT
	for i := range rows {
		e := &rows[i]
		if e.tlp > level {
			continue
		}
		if !any || e.first.At < ind.first || e.first.At == ind.first && e.first.Basis.Rung() < ind.basis.Rung() {
			ind.first, ind.basis = e.first.At, e.first.Basis
		}
		any = true
		ind.last = max(ind.last, e.last)
		if e.first.At != 0 && Sighting(e.first.Basis) && (ind.sighted == 0 || e.first.At < ind.sighted) {
			ind.sighted = e.first.At
		}
		ind.until = max(ind.until, e.validUntil)
		ind.confidence = max(ind.confidence, e.confidence)
		ind.revoked = ind.revoked && e.revoked
		if e.source == intel.SourceMicrosoft || e.source == intel.SourcePublic && ind.source != intel.SourceMicrosoft {
			ind.source = e.source
		}
		for _, m := range f.member[e.subject] {
			if m.lo <= level && level <= m.hi {
				profiles = append(profiles, m.profile)
			}
		}
	}
	slices.Sort(profiles)
	return ind, slices.Compact(profiles), any
}

// Sighting reports whether a date with this basis says when a value was seen:
// that of a file, an entry, a release or an import does not.
func Sighting(b intel.Basis) bool {
	switch b {
	case intel.BasisImport, intel.BasisFile, intel.BasisRelease, intel.BasisCreated:
		return false
	}
	return true
}

// put replaces the rows of one indicator.
func (f *folder) put(id string, rows []evidence, spans []span, hash string, had bool) error {
	if had {
		if err := f.remove(id); err != nil {
			return err
		}
	}
	op := "created"
	switch {
	case len(spans) == 0:
		op = "deleted"
	case had:
		op = "updated"
	}
	position := f.position
	if f.positions != nil {
		position = f.positions[id]
	}
	for _, sp := range spans {
		o := rows[0].observable
		artifact := Artifact(o).ID
		host := ""
		if h, ok := o.Host(); ok {
			host = h.Value
		} else if o.Kind == observable.Domain || o.Kind == observable.IPAddress {
			host = o.Value
		}
		in := sp.ind
		if err := f.indicators.add(id, int(sp.lo), int(sp.hi), string(o.Kind), o.Value, host, string(in.source), int64(in.first), string(in.basis),
			int64(in.last), int64(in.until), in.confidence, in.revoked, hash, position, artifact, int64(in.sighted), reversed(host)); err != nil {
			return err
		}
		for _, profile := range sp.profiles {
			if err := f.ofProfiles.add(profile, id, int(sp.lo), int(sp.hi), string(o.Kind), o.Value, string(in.source), int64(in.first),
				string(in.basis), int64(in.last), int64(in.until), in.confidence, in.revoked, artifact, int64(in.sighted)); err != nil {
				return err
			}
			if err := f.profiles.add(id, profile, int(sp.lo), int(sp.hi)); err != nil {
				return err
			}
		}
	}
	lo := intel.Clear
	if len(spans) > 0 {
		lo = spans[0].lo
	}
	if f.positions != nil {
		return nil
	}
	return f.changes.add(f.position, "indicator", id, op, int(lo), int64(f.now))
}

func (f *folder) remove(id string) error {
	rows, err := f.tx.QueryContext(f.ctx, "SELECT DISTINCT profile_id FROM indicator_profile WHERE indicator_id = ?", id)
	if err != nil {
		return err
	}
	var profiles []string
	for rows.Next() {
		var p string
		if err := rows.Scan(&p); err != nil {
			rows.Close()
			return err
		}
		profiles = append(profiles, p)
	}
	if err := rows.Close(); err != nil {
		return err
	}
	for _, p := range profiles {
		if err := f.exec("DELETE FROM profile_indicator WHERE profile_id = ? AND indicator_id = ?", p, id); err != nil {
			return err
		}
	}
	if err := f.exec("DELETE FROM indicator_profile WHERE indicator_id = ?", id); err != nil {
		return err
	}
	return f.exec("DELETE FROM indicator WHERE id = ?", id)
}
