package store

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"dossier/internal/intel"
)

// Records returns every present record marked at or below the ceiling, as it is
// seen there ([intel.Record.At]), in order of reference. What the data sets of one publisher say of the same key is one
// record: the properties of its newest version, the links of all; parts are joined with what they are of.
func (s *Store) Records(ctx context.Context, ceiling intel.TLP) ([]*intel.Record, error) {
	return s.recordsWhere(ctx, s.write, ceiling, "1 = 1")
}

// recordsWhere is [Store.Records] of those that meet a condition.
func (s *Store) recordsWhere(ctx context.Context, q querier, ceiling intel.TLP, cond string, args ...any) ([]*intel.Record, error) {
	rows, err := q.QueryContext(ctx, "SELECT hash, body FROM record WHERE absent = 0 AND tlp <= ? AND "+cond+" ORDER BY publisher, key, layer DESC, modified DESC, dataset", append([]any{int(ceiling)}, args...)...)
	if err != nil {
		return nil, err
	}
	fresh := s.takeFresh()
	var bodies [][]byte // nil for a record that was written a moment ago
	var recs []*intel.Record
	for rows.Next() {
		var hash string
		var body []byte
		if err := rows.Scan(&hash, &body); err != nil {
			rows.Close()
			return nil, err
		}
		r := fresh[hash]
		if r != nil {
			body = nil
			delete(fresh, hash) // the next level wants its own copy
		}
		recs, bodies = append(recs, r), append(bodies, body)
	}
	if err := rows.Close(); err != nil {
		return nil, err
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	errs := make([]error, len(bodies))
	eachParallel(len(bodies), func(i int) {
		if recs[i] == nil {
			recs[i], errs[i] = unpack(bodies[i])
		}
	})
	var out []*intel.Record
	for i, r := range recs {
		if errs[i] != nil {
			return nil, fmt.Errorf("stored record %d: %w", i, errs[i])
		}
		r = r.At(ceiling)
		if n := len(out); n > 0 && out[n-1].Ref == r.Ref {
			out[n-1] = combine(out[n-1], r)
			continue
		}
		out = append(out, r)
	}
	return intel.Join(out), nil
}

// maxFresh bounds how many records are kept from being written to being read
// again, which is what an import does.
const maxFresh = 20_000

// keepFresh keeps records that were just written, so that deriving need not
// decode them again: that is a fifth of an import's time.
func (s *Store) keepFresh(recs map[string]*intel.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fresh == nil {
		s.fresh = recs
		return
	}
	for hash, r := range recs {
		if len(s.fresh) >= maxFresh {
			return
		}
		s.fresh[hash] = r
	}
}

func (s *Store) takeFresh() map[string]*intel.Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	fresh := s.fresh
	s.fresh = nil
	return fresh
}

// combine makes one record of two statements of the same publisher.
func combine(a, b *intel.Record) *intel.Record {
	if b.Modified > a.Modified {
		a, b = b, a
	}
	for _, l := range b.Links {
		same := func(o intel.Link) bool {
			return o.Relation == l.Relation && o.To == l.To && o.ID == l.ID && o.Name == l.Name
		}
		if !slices.ContainsFunc(a.Links, same) {
			a.Links = append(a.Links, l)
		}
	}
	if a.Description == "" {
		a.Description = b.Description
	}
	return a
}

// eachParallel calls f(0) … f(n-1) on all processors.
func eachParallel(n int, f func(i int)) {
	var wg sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := w; i < n; i += workers {
				f(i)
			}
		}()
	}
	wg.Wait()
}

// metaRestricted begins the keys of markings that occurred within records.
const metaRestricted = "restricted."

// Levels returns the markings that occur among records, in them and among
// evidence, lowest first; Clear is always one of them. One may have occurred
// once and be gone.
func (s *Store) Levels(ctx context.Context) ([]intel.TLP, error) {
	rows, err := s.write.QueryContext(ctx, "SELECT DISTINCT tlp FROM record UNION SELECT DISTINCT tlp FROM evidence UNION SELECT CAST(value AS BIGINT) FROM meta WHERE key LIKE ?", metaRestricted+"%")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	levels := []intel.TLP{intel.Clear}
	for rows.Next() {
		var t intel.TLP
		if err := rows.Scan(&t); err != nil {
			return nil, err
		}
		if !slices.Contains(levels, t) {
			levels = append(levels, t)
		}
	}
	slices.Sort(levels)
	return levels, rows.Err()
}

// A Remembered is what the ledger holds for a record.
type Remembered struct {
	ProfileID string
	Asserted  intel.Time
}

// Ledger returns which profile each record was first part of.
func (s *Store) Ledger(ctx context.Context) (map[intel.Ref]Remembered, error) {
	rows, err := s.write.QueryContext(ctx, "SELECT publisher, key, profile_id, asserted FROM ledger")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	m := map[intel.Ref]Remembered{}
	for rows.Next() {
		var ref intel.Ref
		var e Remembered
		if err := rows.Scan(&ref.Publisher, &ref.Key, &e.ProfileID, &e.Asserted); err != nil {
			return nil, err
		}
		m[ref] = e
	}
	return m, rows.Err()
}

// A LinkedEvidence is a row of evidence that ties an indicator to a record.
type LinkedEvidence struct {
	Indicator string
	Publisher string
	Subject   intel.Ref
	First     intel.Time // 0 if no source dates it: the date is that of a file or an import
	Last      intel.Time
}

// EachLinked calls f with every piece of evidence marked at or below the
// ceiling that is tied to a record, in order of the indicator, so that a caller
// who counts indicators needs to remember one at a time.
func (s *Store) EachLinked(ctx context.Context, ceiling intel.TLP, f func(LinkedEvidence)) error {
	rows, err := s.write.QueryContext(ctx, linkedQuery+" AND tlp <= ? ORDER BY indicator_id", int(ceiling))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		e, err := scanLinked(rows)
		if err != nil {
			return err
		}
		f(e)
	}
	return rows.Err()
}

const linkedQuery = `SELECT indicator_id, publisher, subject_publisher, subject_key,
		CASE WHEN first_basis IN ('stated', 'event', 'reference') THEN first_seen ELSE 0 END, last_seen
	FROM evidence WHERE subject_key <> '' AND absent = 0 AND revoked = 0`

func scanLinked(rows scanner) (e LinkedEvidence, err error) {
	err = rows.Scan(&e.Indicator, &e.Publisher, &e.Subject.Publisher, &e.Subject.Key, &e.First, &e.Last)
	return e, err
}

// released returns the newest release of each publisher's data sets.
func released(ctx context.Context, q querier) (map[string]intel.Time, error) {
	rows, err := q.QueryContext(ctx, "SELECT publisher, MAX(released) FROM dataset GROUP BY publisher")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[string]intel.Time{}
	for rows.Next() {
		var publisher string
		var t intel.Time
		if err := rows.Scan(&publisher, &t); err != nil {
			return nil, err
		}
		out[publisher] = t
	}
	return out, rows.Err()
}

// A DatasetInfo is a data set as it is stored.
type DatasetInfo struct {
	intel.Dataset
	Layer    Layer
	Imported intel.Time
	Records  int // present ones, without parts of others
}

// Datasets returns the data sets of which the view may see something, by
// publisher and name. Those without records, of publishers of indicators alone,
// are as open as their publisher.
func (s *Store) Datasets(ctx context.Context, v View) ([]DatasetInfo, error) {
	rows, err := s.read.QueryContext(ctx, `SELECT d.publisher, d.name, d.version, d.released, d.snapshot, d.layer, d.imported,
			(SELECT COUNT(*) FROM record r WHERE r.publisher = d.publisher AND r.dataset = d.name AND r.kind <> 'part' AND r.absent = 0 AND r.tlp <= ?)
		FROM dataset d JOIN publisher p ON p.id = d.publisher
		WHERE p.tlp <= ? AND (NOT EXISTS (SELECT 1 FROM record r WHERE r.publisher = d.publisher AND r.dataset = d.name AND r.kind <> 'part' AND r.tlp > ?)
			OR EXISTS (SELECT 1 FROM record r WHERE r.publisher = d.publisher AND r.dataset = d.name AND r.kind <> 'part' AND r.tlp <= ?))
		ORDER BY d.publisher, d.name`, int(v.Ceiling), int(v.Ceiling), int(v.Ceiling), int(v.Ceiling))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []DatasetInfo
	for rows.Next() {
		var d DatasetInfo
		if err := rows.Scan(&d.Publisher, &d.Name, &d.Version, &d.Released, &d.Snapshot, &d.Layer, &d.Imported, &d.Records); err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, rows.Err()
}

// FirstImported returns when each record first came here.
func (s *Store) FirstImported(ctx context.Context) (map[intel.Ref]intel.Time, error) {
	rows, err := s.write.QueryContext(ctx, "SELECT publisher, key, MIN(imported) FROM record GROUP BY publisher, key")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	m := map[intel.Ref]intel.Time{}
	for rows.Next() {
		var ref intel.Ref
		var t intel.Time
		if err := rows.Scan(&ref.Publisher, &ref.Key, &t); err != nil {
			return nil, err
		}
		m[ref] = t
	}
	return m, rows.Err()
}
