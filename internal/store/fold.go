package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"
	"strconv"
	"sync"

	"dossier/internal/guard"
	"dossier/internal/intel"
	"dossier/internal/lifecycle"
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
const bulkFold = 10_000

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
// indexes of their tables, which are made at its end.
func (s *Store) foldAll(ctx context.Context, progress func(done int)) (total int, err error) {
	// What an index is sorted in is as large as the index: it belongs into files.
	if err := s.sortIn(ctx, "file"); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.sortIn(context.WithoutCancel(ctx), "memory")) }()
	err = s.inTx(ctx, func(tx *sql.Tx) error {
		indexes, err := s.dropIndexes(ctx, tx, "indicator")
		if err != nil {
			return err
		}
		ofProfiles, err := s.dropIndexes(ctx, tx, "profile_indicator")
		if err != nil {
			return err
		}
		indexes = append(indexes, ofProfiles...)
		f := folder{ctx: ctx, tx: tx, q: tx, now: intel.TimeOf(s.Now()), all: true}
		if f.position, err = nextPosition(ctx, tx, f.now, 0); err != nil {
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
		// It took its time, and readers that go by their own clocks were there meanwhile.
		if err := date(ctx, tx, f.position, intel.TimeOf(s.Now()), total); err != nil {
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
		r.ctx, r.q, r.statements = ctx, s.read, nil
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
	source  intel.IndicatorSource
	first   intel.Time
	basis   intel.Basis
	last    intel.Time
	sighted intel.Time // when a source first saw it, 0 if none says so
	life    lifecycle.Life
	guard   guard.Listing
	hidden  int
}

// Why an indicator is hidden from collections; the sum of these.
const (
	hiddenRevoked = 1 // every source withdrew it
	hiddenGuarded = 2 // a list guards it
)

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
	positions  map[string]int64
	claims     indicatorClaims
	publishers *intel.Publishers
	guards     *guard.Matcher
	sighted    map[string]intel.Time // by indicator, of the chunk at hand
	statements []lifecycle.Statement // kept for its memory
	// all tells that pending is emptied at the end, and last is where it was read to.
	all  bool
	last string
	// unclaimed, unsighted and fresh tell that there are no claims of people, no sightings, and were no indicators.
	unclaimed, unsighted, fresh bool

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
	if f.position, err = nextPosition(f.ctx, f.tx, f.now, len(ids)); err != nil {
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
	if f.publishers, err = publisherTable(f.ctx, f.tx); err != nil {
		return err
	}
	if f.guards, err = guardMatcher(f.ctx, f.tx); err != nil {
		return err
	}
	f.stmts = map[string]*sql.Stmt{}
	f.bulks()
	if f.unclaimed, err = isEmpty(f.ctx, f.tx, "analyst_claim"); err != nil {
		return err
	}
	if f.unsighted, err = isEmpty(f.ctx, f.tx, "sighted"); err != nil {
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
	if f.positions != nil { // the schema has no stamps yet
		f.indicators = newBulk(f.ctx, f.tx, `INSERT INTO indicator (id, tlp_lo, tlp_hi, kind, value, host, source, first_seen, first_basis, last_seen,
			ages_from, active_until, confidence, hidden, guard, guard_policy, hash, artifact_id, sighted, host_reversed, position) VALUES`, 21, "")
		f.ofProfiles = newBulk(f.ctx, f.tx, `INSERT INTO profile_indicator (profile_id, indicator_id, tlp_lo, tlp_hi, kind, value, source, first_seen,
			first_basis, last_seen, ages_from, active_until, confidence, hidden, guard, guard_policy, artifact_id, sighted) VALUES`, 18, "")
	} else {
		f.indicators = newBulk(f.ctx, f.tx, `INSERT INTO indicator (id, tlp_lo, tlp_hi, kind, value, host, source, first_seen, first_basis, last_seen,
			ages_from, active_until, confidence, hidden, guard, guard_policy, hash, artifact_id, sighted, host_reversed, position, born, told, marking) VALUES`, 24, "")
		f.ofProfiles = newBulk(f.ctx, f.tx, `INSERT INTO profile_indicator (profile_id, indicator_id, tlp_lo, tlp_hi, kind, value, source, first_seen,
			first_basis, last_seen, ages_from, active_until, confidence, hidden, guard, guard_policy, artifact_id, sighted, position, born) VALUES`, 20, "")
	}
	f.profiles = newBulk(f.ctx, f.tx, "INSERT INTO indicator_profile (indicator_id, profile_id, tlp_lo, tlp_hi) VALUES", 4, "")
	f.changes = newBulk(f.ctx, f.tx, logHead, logColumns, "")
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

// stmt prepares a statement once per transaction.
func (f *folder) stmt(query string) (*sql.Stmt, error) {
	if st, ok := f.stmts[query]; ok {
		return st, nil
	}
	st, err := f.tx.PrepareContext(f.ctx, query)
	if err == nil {
		f.stmts[query] = st
	}
	return st, err
}

func (f *folder) exec(query string, args ...any) error {
	st, err := f.stmt(query)
	if err != nil {
		return err
	}
	_, err = st.ExecContext(f.ctx, args...)
	return err
}

func (f *folder) query(query string, args ...any) (*sql.Rows, error) {
	st, err := f.stmt(query)
	if err != nil {
		return nil, err
	}
	return st.QueryContext(f.ctx, args...)
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
	if f.sighted = nil; !f.unsighted {
		if f.sighted, err = sightedOf(f.ctx, f.q, ids); err != nil {
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
		b = append(b, byte(s.lo), byte(s.hi), byte(i.life.Base), byte(i.hidden), byte(len(s.profiles)))
		for _, n := range []intel.Time{i.first, i.last, i.life.From, i.life.Until, i.sighted} {
			b = strconv.AppendInt(b, int64(n), 16)
			b = append(b, ' ')
		}
		for _, text := range []string{string(i.source), string(i.basis), i.guard.List, string(i.guard.Policy)} {
			b = append(append(b, text...), ' ')
		}
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
	var guarded guard.Listing
	if len(rows) > 0 {
		guarded, _ = f.guards.Match(rows[0].observable)
	}
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
		if ind, profiles, visible = f.at(rows, level, guarded); visible {
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

func (f *folder) at(rows []evidence, level intel.TLP, guarded guard.Listing) (ind foldedIndicator, profiles []string, any bool) {
	ind.hidden = hiddenRevoked
	ind.source = intel.SourceOSINT
	statements := f.statements[:0]
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
		if e.first.At != 0 && IsSighting(e.first.Basis) && (ind.sighted == 0 || e.first.At < ind.sighted) {
			ind.sighted = e.first.At
		}
		if !e.revoked {
			ind.hidden &^= hiddenRevoked
		}
		statements = append(statements, e.statement(f.publishers))
		if e.source == intel.SourceMicrosoft || e.source == intel.SourcePublic && ind.source != intel.SourceMicrosoft {
			ind.source = e.source
		}
		for _, m := range f.member[e.subject] {
			if m.lo <= level && level <= m.hi {
				profiles = append(profiles, m.profile)
			}
		}
	}
	f.statements = statements
	if !any {
		return ind, nil, false
	}
	// What a person asserts stands against the lists of others.
	byPeople := func(s lifecycle.Statement) bool { return s.Publisher == intel.Analyst && !s.Revoked }
	if !guarded.IsZero() && guarded.List != guard.Own && slices.ContainsFunc(statements, byPeople) {
		guarded.Policy = guard.Annotate
	}
	ind.guard = guarded
	if guarded.Policy == guard.Exclude {
		ind.hidden |= hiddenGuarded
	}
	ind.life = lifecycle.Of(lifecycle.Case{Kind: rows[0].observable.Kind, Statements: statements, Sighted: f.sighted[rows[0].indicator], Guard: guarded.Policy})
	slices.Sort(profiles)
	return ind, slices.Compact(profiles), true
}

// statement is the evidence as package lifecycle judges it.
func (e *evidence) statement(publishers *intel.Publishers) lifecycle.Statement {
	return lifecycle.Statement{
		Publisher: e.publisher, Reliability: publishers.Of(e.publisher).Reliability, Rating: e.confidence,
		First: e.first, Last: e.last, ValidUntil: e.validUntil, Modified: e.modified, Revoked: e.revoked,
	}
}

// IsSighting reports whether a date with this basis says when a value was seen:
// that of a file, an entry, a release or an import does not.
func IsSighting(b intel.Basis) bool {
	switch b {
	case intel.BasisImport, intel.BasisFile, intel.BasisRelease, intel.BasisCreated:
		return false
	}
	return true
}

// put replaces the rows of one indicator. A row keeps its stamp for the ceilings
// that see no difference; where stamps differ, a span has several rows.
func (f *folder) put(id string, rows []evidence, spans []span, hash string, had bool) error {
	was := new(formerIndicator)
	if had {
		var err error
		if was, err = f.former(id); err != nil {
			return err
		}
		if err := f.note(id, was, spans); err != nil {
			return err
		}
		if err := f.remove(id); err != nil {
			return err
		}
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
		changed := func(level intel.TLP) bool { return was.ind[level] != in }
		told := func(level intel.TLP) int64 {
			if was.at[level] != (stamp{}) && !changed(level) && was.marking[level] == sp.lo && slices.Equal(was.profiles(level), sp.profiles) {
				return was.told[level]
			}
			return f.position
		}
		err := f.stamped(id, sp, &was.at, changed, told, func(lo, hi intel.TLP, stamp []any) error {
			if f.positions == nil {
				stamp = append(stamp, told(lo), int(sp.lo))
			}
			return f.indicators.add(append([]any{
				id, int(lo), int(hi), string(o.Kind), o.Value, host, string(in.source), int64(in.first), string(in.basis),
				int64(in.last), int64(in.life.From), int64(in.life.Until), in.life.Base, in.hidden, in.guard.List, string(in.guard.Policy), hash, artifact, int64(in.sighted), reversed(host),
			}, stamp...)...)
		})
		if err != nil {
			return err
		}
		for _, profile := range sp.profiles {
			at := was.links[profile]
			if at == nil {
				at = new([levels]stamp)
			}
			err := f.stamped(id, sp, at, changed, nil, func(lo, hi intel.TLP, stamp []any) error {
				if f.positions != nil {
					stamp = nil
				}
				return f.ofProfiles.add(append([]any{
					profile, id, int(lo), int(hi), string(o.Kind), o.Value, string(in.source), int64(in.first),
					string(in.basis), int64(in.last), int64(in.life.From), int64(in.life.Until), in.life.Base, in.hidden, in.guard.List, string(in.guard.Policy), artifact, int64(in.sighted),
				}, stamp...)...)
			})
			if err != nil {
				return err
			}
			if err := f.profiles.add(id, profile, int(sp.lo), int(sp.hi)); err != nil {
				return err
			}
		}
	}
	return nil
}

// stamped calls add for each part of the span whose rows have one stamp, with the
// last columns of the row: position, and born where the schema has it. Rows with
// different told, if that is not nil, are parted too.
func (f *folder) stamped(id string, sp span, was *[levels]stamp, changed func(intel.TLP) bool, told func(intel.TLP) int64, add func(lo, hi intel.TLP, stamp []any) error) error {
	if f.positions != nil {
		return add(sp.lo, sp.hi, []any{f.positions[id]})
	}
	next := func(level intel.TLP) stamp { return was[level].next(f.position, changed(level)) }
	same := func(a, b intel.TLP) bool { return next(a) == next(b) && (told == nil || told(a) == told(b)) }
	return runsWithin(sp.lo, sp.hi, same, func(lo, hi intel.TLP) error {
		born, position := next(lo).stored()
		return add(lo, hi, []any{position, born})
	})
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
