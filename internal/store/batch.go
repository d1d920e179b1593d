package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strconv"

	"dossier/internal/intel"
)

// A Layer tells how a version of a record came here. Of two versions of equal
// date the higher layer counts: the catalogue holds facts alone, a feed brings
// the same with its texts.
type Layer int

// The layers.
const (
	FromCatalog Layer = 0
	FromImport  Layer = 1
)

// A Batch writes the claims of one input, or of several, in one transaction: all
// of it is kept, or nothing. It is used by one goroutine, and ends with Commit or Rollback.
// Until then other writers wait.
type Batch struct {
	s     *Store
	tx    *sql.Tx
	layer Layer
	now   intel.Time

	sorter   sorter
	obsTally intel.Tally
	touched  touchedSet
	changed  bool
	articles bool                     // some article or pattern is new, changed or gone
	fresh    map[string]*intel.Record // by hash
	dirty    map[intel.Ref]bool       // records to be derived again, and whether they changed
	all      bool                     // everything is

	table *intel.Publishers // as the batch has left it; nil: not read yet

	said     map[string]bool // what it is about, and
	moved    map[string]bool // what of that it moves: see movable
	newSets  map[string]bool // data sets that were not there, likewise
	timed    bool            // what it wrote rests on the time
	standing Standing        // after Commit

	stmts map[string]*sql.Stmt
}

// Begin starts a batch.
func (s *Store) Begin(ctx context.Context, layer Layer) (*Batch, error) {
	tx, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	return &Batch{s: s, tx: tx, layer: layer, now: intel.TimeOf(s.Now()), sorter: sorter{dir: s.dir()}, said: map[string]bool{}, newSets: map[string]bool{}, stmts: map[string]*sql.Stmt{}}, nil
}

// Rollback forgets what the batch wrote. After Commit it does nothing.
func (b *Batch) Rollback() {
	_ = b.sorter.close()
	_ = b.tx.Rollback()
}

// Changed reports whether the batch has altered anything so far.
func (b *Batch) Changed() bool { return b.changed }

// Commit keeps what the batch wrote. If anything changed, the derived answers
// are stale until [Store.PutDerived]; the database remembers that.
func (b *Batch) Commit(ctx context.Context) error {
	if err := b.flush(ctx); err != nil {
		return err
	}
	if b.changed {
		if err := setMeta(ctx, b.tx, metaStale, "1"); err != nil {
			return err
		}
		if err := b.noteTouched(ctx); err != nil {
			return err
		}
	}
	if err := b.stand(ctx); err != nil {
		return err
	}
	if b.articles { // they are served as of this commit
		if _, err := nextPosition(ctx, b.tx, b.now, 1); err != nil {
			return err
		}
	}
	if err := b.tx.Commit(); err != nil {
		return err
	}
	b.s.writes.Add(1)
	b.s.keepFresh(b.fresh)
	return nil
}

// stmt prepares a statement once per batch.
func (b *Batch) stmt(ctx context.Context, query string) (*sql.Stmt, error) {
	if st, ok := b.stmts[query]; ok {
		return st, nil
	}
	st, err := b.tx.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	b.stmts[query] = st
	return st, nil
}

func (b *Batch) exec(ctx context.Context, query string, args ...any) error {
	st, err := b.stmt(ctx, query)
	if err != nil {
		return err
	}
	_, err = st.ExecContext(ctx, args...)
	return err
}

// metaStale is set while claims are newer than what is derived from them.
const metaStale = "derived.stale"

// metaForm is the form of what is derived. It changes when dossiers hold more
// than before, so that a database of an older release is derived again.
const (
	metaForm    = "derived.form"
	derivedForm = "3" // with near misses, evidence of assignments, names that others give, and former names
)

func setMeta(ctx context.Context, tx *sql.Tx, key, value string) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", key, value)
	return err
}

// publisher makes sure that the publisher has a row, as of a statement with the
// given marking.
func (b *Batch) publisher(ctx context.Context, id string, tlp intel.TLP) error {
	b.said[movable(id, nil)] = true
	table, err := b.publishers(ctx)
	if err != nil {
		return err
	}
	p := table.Of(id)
	body, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return b.exec(ctx, `INSERT INTO publisher (id, rank, body, tlp, first) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET rank = excluded.rank, body = excluded.body,
			tlp = CASE WHEN excluded.tlp < publisher.tlp THEN excluded.tlp ELSE publisher.tlp END
		WHERE publisher.body <> excluded.body OR excluded.tlp < publisher.tlp`,
		id, p.Rank, string(body), int(tlp), int64(b.now))
}

type storedRecord struct {
	hash     string
	modified intel.Time
	layer    Layer
	absent   bool
}

// Records writes the records of one publisher's data set, and tells what became
// of each. The records belong to the store from then on. A snapshot replaces what the data set held: records it lacks are
// absent from now on. A data set older than the one that is stored (by version,
// then by release) changes nothing.
func (b *Batch) Records(ctx context.Context, ds intel.Dataset, recs []*intel.Record) (t intel.Tally, older bool, err error) {
	lowest := intel.Clear
	for i, r := range recs {
		if i == 0 || r.TLP < lowest {
			lowest = r.TLP
		}
	}
	if ds.Distinct {
		table, err := b.publishers(ctx)
		if err != nil {
			return t, false, err
		}
		table.Distinct[ds.Publisher] = true
	}
	if err := b.publisher(ctx, ds.Publisher, lowest); err != nil {
		return t, false, err
	}
	t.Read = len(recs)
	have, known, err := b.dataset(ctx, ds.Publisher, ds.Name)
	if err != nil {
		return t, false, err
	}
	b.said[movable(ds.Publisher, &ds.Name)] = true
	if !known {
		b.newSets[movable(ds.Publisher, &ds.Name)] = true
	}
	said := b.assertions(ctx)
	if ds.Snapshot && known && have.newerThan(ds, b.layer) {
		// It changes nothing but since when things are called what they are.
		for _, r := range recs {
			if err := said.add(r, ds, b.now); err != nil {
				return t, false, err
			}
		}
		t.Unchanged = len(recs)
		b.timed = b.timed || said.timed
		return t, true, said.end(b)
	}
	same := known && have.same(ds, b.layer)
	stored, err := b.storedRecords(ctx, ds)
	if err != nil {
		return t, false, err
	}
	packed := make([]packedRecord, len(recs))
	eachParallel(len(recs), func(i int) { packed[i] = pack(recs[i]) })
	for i, r := range recs {
		if packed[i].err != nil {
			return t, false, fmt.Errorf("record %s: %w", r.Ref, packed[i].err)
		}
		hash := packed[i].hash
		old, had := stored[r.Key]
		delete(stored, r.Key)
		switch {
		case had && !old.absent && old.hash == hash:
			t.Unchanged++
			if !same {
				if err := said.add(r, ds, b.now); err != nil {
					return t, false, err
				}
			}
			continue
		case had && !ds.Snapshot && !old.absent && !supersedes(r.Modified, b.layer, old):
			t.Unchanged++ // an older version of what is here
			if err := said.add(r, ds, b.now); err != nil {
				return t, false, err
			}
			continue
		case had:
			t.Changed++
			b.moves(ds.Publisher, &ds.Name)
			if err := b.archive(ctx, r.Ref, ds.Name); err != nil {
				return t, false, err
			}
		default:
			t.New++
		}
		if err := b.putRecord(ctx, r, ds.Name, hash, packed[i].body); err != nil {
			return t, false, err
		}
		if err := said.add(r, ds, b.now); err != nil {
			return t, false, err
		}
		if b.fresh == nil {
			b.fresh = map[string]*intel.Record{}
		}
		b.fresh[hash] = r
		b.touch(true, r.Ref)
	}
	if err := said.end(b); err != nil {
		return t, false, err
	}
	if ds.Snapshot {
		for key, old := range stored {
			if old.absent {
				continue
			}
			if err := b.exec(ctx, "UPDATE record SET absent = ? WHERE publisher = ? AND key = ? AND dataset = ?", int64(b.now), ds.Publisher, key, ds.Name); err != nil {
				return t, false, err
			}
			t.Gone++
			b.touch(true, intel.Ref{Publisher: ds.Publisher, Key: key})
			b.moves(ds.Publisher, &ds.Name)
		}
	}
	if said.timed && !ds.Snapshot && ds.Version != "" { // else the same again is known to be the same
		b.timed = true
	}
	if !ds.Snapshot {
		// Loose objects come in any order; their data set is as new as the newest.
		ds.Released = max(ds.Released, have.released)
		ds.Version = ""
	}
	if known && !have.grows(ds, b.layer) {
		b.moves(ds.Publisher, &ds.Name)
	}
	if known && have.distinct != b2i(ds.Distinct) {
		b.moves(ds.Publisher, nil)
	}
	return t, false, b.putDataset(ctx, ds, known && have.same(ds, b.layer))
}

// A packedRecord is a record as it is stored: its JSON, compressed, and what
// identifies it.
type packedRecord struct {
	hash string
	body []byte
	err  error
}

func pack(r *intel.Record) packedRecord {
	body, err := json.Marshal(r)
	if err != nil {
		return packedRecord{err: err}
	}
	return packedRecord{hash: digest(body), body: compress(body)}
}

func unpack(body []byte) (*intel.Record, error) {
	raw, err := decompress(body)
	if err != nil {
		return nil, err
	}
	r := new(intel.Record)
	return r, json.Unmarshal(raw, r)
}

// supersedes reports whether a version of a loose record replaces the stored
// one. Undated versions replace: what is imported last is the newest word.
func supersedes(modified intel.Time, layer Layer, old storedRecord) bool {
	if modified == 0 || old.modified == 0 || modified == old.modified {
		return layer >= old.layer
	}
	return modified > old.modified
}

func (b *Batch) putRecord(ctx context.Context, r *intel.Record, dataset, hash string, body []byte) error {
	b.marked(r.TLP)
	if r.Kind == intel.Part {
		if err := setMeta(ctx, b.tx, metaParts, "1"); err != nil {
			return err
		}
	}
	for _, part := range r.Restricted {
		b.marked(part.TLP)
		if err := setMeta(ctx, b.tx, metaRestricted+part.TLP.String(), strconv.Itoa(int(part.TLP))); err != nil {
			return err
		}
	}
	return b.exec(ctx, `INSERT INTO record (publisher, key, dataset, kind, title, tlp, modified, layer, hash, body, imported, absent)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)
		ON CONFLICT (publisher, key, dataset) DO UPDATE SET kind = excluded.kind, title = excluded.title, tlp = excluded.tlp,
			modified = excluded.modified, layer = excluded.layer, hash = excluded.hash, body = excluded.body, imported = excluded.imported, absent = 0`,
		r.Publisher, r.Key, dataset, string(r.Kind), r.Title, int(r.TLP), int64(r.Modified), int(b.layer), hash, body, int64(b.now))
}

// archive keeps the current version of a record before it is replaced.
func (b *Batch) archive(ctx context.Context, ref intel.Ref, dataset string) error {
	return b.exec(ctx, `INSERT INTO record_version (publisher, key, dataset, hash, modified, body, valid_from, valid_to)
		SELECT publisher, key, dataset, hash, modified, body, imported, CAST(? AS BIGINT) FROM record WHERE publisher = ? AND key = ? AND dataset = ?
		ON CONFLICT (publisher, key, dataset, valid_to, hash) DO NOTHING`,
		int64(b.now), ref.Publisher, ref.Key, dataset)
}

// storedRecords returns what the data set holds, by key. For loose objects that
// is the whole of the publisher's: their number bounds the memory.
func (b *Batch) storedRecords(ctx context.Context, ds intel.Dataset) (map[string]storedRecord, error) {
	rows, err := b.tx.QueryContext(ctx, "SELECT key, hash, modified, layer, absent FROM record WHERE publisher = ? AND dataset = ?", ds.Publisher, ds.Name)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	m := map[string]storedRecord{}
	for rows.Next() {
		var key string
		var r storedRecord
		var absent int64
		if err := rows.Scan(&key, &r.hash, &r.modified, &r.layer, &absent); err != nil {
			return nil, err
		}
		r.absent = absent != 0
		m[key] = r
	}
	return m, rows.Err()
}

type storedDataset struct {
	version  string
	released intel.Time
	layer    Layer
	imported intel.Time
	distinct int
}

// newerThan reports whether what is stored is newer than ds: by version where
// both are numbers, by release where both have one; between equals the
// catalogue is older than an import.
func (d storedDataset) newerThan(ds intel.Dataset, layer Layer) bool {
	have, err1 := strconv.Atoi(d.version)
	come, err2 := strconv.Atoi(ds.Version)
	switch {
	case err1 == nil && err2 == nil && have != come:
		return have > come
	case err1 == nil && err2 == nil:
	case d.released != 0 && ds.Released != 0 && d.released != ds.Released:
		return d.released > ds.Released
	}
	return d.layer > layer
}

func (d storedDataset) same(ds intel.Dataset, layer Layer) bool {
	return d.version == ds.Version && (d.released == ds.Released || ds.Released == 0) && d.layer >= layer && d.distinct == b2i(ds.Distinct)
}

// grows reports whether ds, put in the place of what is stored, alters nothing but
// how new the loose objects of a publisher are.
func (d storedDataset) grows(ds intel.Dataset, layer Layer) bool {
	return d.version == ds.Version && d.layer >= layer && d.distinct == b2i(ds.Distinct) && (ds.Name == "" || d.released == ds.Released || ds.Released == 0)
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (b *Batch) dataset(ctx context.Context, publisher, name string) (d storedDataset, known bool, err error) {
	row := b.tx.QueryRowContext(ctx, "SELECT version, released, layer, imported, entries_distinct FROM dataset WHERE publisher = ? AND name = ?", publisher, name)
	err = row.Scan(&d.version, &d.released, &d.layer, &d.imported, &d.distinct)
	if err == sql.ErrNoRows {
		return d, false, nil
	}
	return d, err == nil, err
}

func (b *Batch) putDataset(ctx context.Context, ds intel.Dataset, unchanged bool) error {
	if unchanged {
		return nil
	}
	b.changed = true
	return b.exec(ctx, `INSERT INTO dataset (publisher, name, version, released, snapshot, layer, imported, entries_distinct) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (publisher, name) DO UPDATE SET version = excluded.version,
			released = CASE WHEN excluded.released = 0 AND excluded.version = dataset.version THEN dataset.released ELSE excluded.released END,
			snapshot = excluded.snapshot, layer = excluded.layer, imported = excluded.imported, entries_distinct = excluded.entries_distinct`,
		ds.Publisher, ds.Name, ds.Version, int64(ds.Released), b2i(ds.Snapshot), int(b.layer), int64(b.now), b2i(ds.Distinct))
}
