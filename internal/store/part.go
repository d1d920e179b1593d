package store

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"dossier/internal/intel"
)

// ErrWhole says that a part cannot be derived alone: all of it is to be.
var ErrWhole = errors.New("everything is to be derived")

// A Part derives again what some changes bear on, in one transaction: what it
// reads, nobody changes before it has written. It is used by one goroutine, and
// ends with Put or Rollback.
type Part struct {
	Facts   BasisFacts         // as of the last derivation
	Touched map[intel.Ref]bool // records to be derived again, and whether they changed

	s   *Store
	ctx context.Context
	tx  *sql.Tx

	buckets [2]map[int][]posting // of the index, as read
	added   [2][]posting
	dropped [2]map[posting]bool
	rows    map[intel.Ref]*PartRecord // as read; nil: there is none
	byNum   map[uint32]*PartRecord
}

// A PartRecord is a record of the basis.
type PartRecord struct {
	BasisRecord
	num uint32
}

// Same reports whether the record is as it was.
func (r *PartRecord) Same(b *BasisRecord) bool {
	return r.Profile == b.Profile && bytes.Equal(r.Keys.pack(), b.Keys.pack())
}

// Part begins to derive a part. The error wraps [ErrWhole] if there is no basis to
// be trusted, or if too much changed. Nothing may be read or written by the
// store's other methods until the part has ended.
func (s *Store) Part(ctx context.Context) (*Part, error) {
	tx, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	p := &Part{s: s, ctx: ctx, tx: tx, rows: map[intel.Ref]*PartRecord{}, byNum: map[uint32]*PartRecord{}}
	for i := range p.buckets {
		p.buckets[i], p.dropped[i] = map[int][]posting{}, map[posting]bool{}
	}
	if err := p.begin(); err != nil {
		p.Rollback()
		return nil, err
	}
	return p, nil
}

// metaParts is set once there was a record that is part of another ([intel.Part]):
// which one that is the basis does not tell.
const metaParts = "records.parts"

func (p *Part) begin() error {
	parts, err := metaInt(p.ctx, p.tx, metaParts)
	if err != nil {
		return err
	}
	if parts != 0 {
		return fmt.Errorf("records have parts in other files: %w", ErrWhole)
	}
	var text string
	err = p.tx.QueryRowContext(p.ctx, "SELECT value FROM meta WHERE key = ?", metaBasis).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) || err == nil && text == "" {
		return fmt.Errorf("nothing was derived: %w", ErrWhole)
	}
	if err != nil {
		return err
	}
	var have storedFacts
	if err := json.Unmarshal([]byte(text), &have); err != nil {
		return err
	}
	if have.Form != derivedForm+"."+basisForm {
		return fmt.Errorf("another release derived it: %w", ErrWhole)
	}
	p.Facts = have.BasisFacts
	p.Touched = map[intel.Ref]bool{}
	err = p.each("SELECT publisher, key, changed FROM touched", nil, func(rows *sql.Rows) error {
		var ref intel.Ref
		var changed int
		err := rows.Scan(&ref.Publisher, &ref.Key, &changed)
		p.Touched[ref] = changed != 0
		return err
	})
	if _, all := p.Touched[intel.Ref{}]; err == nil && (all || len(p.Touched) > maxTouched) {
		err = fmt.Errorf("too much changed: %w", ErrWhole)
	}
	return err
}

// Rollback gives the part up; after Put it does nothing.
func (p *Part) Rollback() { _ = p.tx.Rollback() }

// someRefs is how many references go into one statement.
const someRefs = 200

// refArgs returns the condition that (publisher, key) is one of the references.
func refArgs(refs []intel.Ref, columns string) (cond string, args []any) {
	args = make([]any, 0, 2*len(refs))
	for _, r := range refs {
		args = append(args, r.Publisher, r.Key)
	}
	return columns + " IN (VALUES " + strings.Repeat(", (?, ?)", len(refs))[2:] + ")", args
}

// eachOf runs a query for chunks of references: cond stands where the query has %s.
func (p *Part) eachOf(refs []intel.Ref, columns, query string, scan func(*sql.Rows) error, more ...any) error {
	for chunk := range slices.Chunk(refs, someRefs) {
		cond, args := refArgs(chunk, columns)
		if err := p.each(strings.Replace(query, "%s", cond, 1), append(args, more...), scan); err != nil {
			return err
		}
	}
	return nil
}

func (p *Part) each(query string, args []any, scan func(*sql.Rows) error) error {
	rows, err := p.tx.QueryContext(p.ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Publishers is [Store.PublisherTable].
func (p *Part) Publishers() (*intel.Publishers, error) { return publisherTable(p.ctx, p.tx) }

// Decisions returns the decisions that hold.
func (p *Part) Decisions() ([]intel.Decision, error) {
	list, err := claimsWhere(p.ctx, p.tx, "link = ? AND withdrawn = 0", decisionLink)
	return decisionsOf(list), err
}

// Claims returns the claims that hold about profiles, by their target.
func (p *Part) Claims(ids []string) (map[string]intel.Claims, error) {
	out := map[string]intel.Claims{}
	for chunk := range slices.Chunk(ids, 2*someRefs) {
		list, err := claimsWhere(p.ctx, p.tx, "withdrawn = 0 AND link = '' AND target IN ("+marks(len(chunk))+")", anys(chunk)...)
		if err != nil {
			return nil, err
		}
		for _, c := range list {
			out[c.Target] = append(out[c.Target], c)
		}
	}
	return out, nil
}

// Released returns the newest release of each publisher's data sets.
func (p *Part) Released() (map[string]intel.Time, error) {
	return released(p.ctx, p.tx)
}

// Records returns the present records among the references.
func (p *Part) Records(refs []intel.Ref) ([]*intel.Record, error) {
	var out []*intel.Record
	for chunk := range slices.Chunk(refs, someRefs) {
		cond, args := refArgs(chunk, "(publisher, key)")
		list, err := p.s.recordsWhere(p.ctx, p.tx, intel.Clear, cond, args...)
		if err != nil {
			return nil, err
		}
		out = append(out, list...)
	}
	return out, nil
}

// Ledger is [Store.Ledger] of some records.
func (p *Part) Ledger(refs []intel.Ref) (map[intel.Ref]Remembered, error) {
	out := map[intel.Ref]Remembered{}
	err := p.eachOf(refs, "(publisher, key)", "SELECT publisher, key, profile_id, asserted FROM ledger WHERE %s", func(rows *sql.Rows) error {
		var ref intel.Ref
		var e Remembered
		err := rows.Scan(&ref.Publisher, &ref.Key, &e.ProfileID, &e.Asserted)
		out[ref] = e
		return err
	})
	return out, err
}

// Assertions is [Store.Assertions] of some records.
func (p *Part) Assertions(refs []intel.Ref) (map[intel.Ref][]intel.Assertion, error) {
	out := map[intel.Ref][]intel.Assertion{}
	err := p.eachOf(refs, "(publisher, key)", assertionQuery+"WHERE %s ORDER BY publisher, key, name, tlp", func(rows *sql.Rows) error { return addAssertion(out, rows) })
	return out, err
}

// FirstImported is [Store.FirstImported] of some records.
func (p *Part) FirstImported(refs []intel.Ref) (map[intel.Ref]intel.Time, error) {
	out := map[intel.Ref]intel.Time{}
	err := p.eachOf(refs, "(publisher, key)", "SELECT publisher, key, MIN(imported) FROM record WHERE %s GROUP BY publisher, key", func(rows *sql.Rows) error {
		var ref intel.Ref
		var t intel.Time
		err := rows.Scan(&ref.Publisher, &ref.Key, &t)
		out[ref] = t
		return err
	})
	return out, err
}

// maxLinked is how many pieces of evidence are read for one part: to read all
// costs no more.
const maxLinked = 20_000

// EachLinked is [Store.EachLinked] of some records. The error wraps [ErrWhole] if
// they have very much evidence.
func (p *Part) EachLinked(refs []intel.Ref, f func(LinkedEvidence)) error {
	var list []LinkedEvidence
	err := p.eachOf(refs, "(subject_publisher, subject_key)", linkedQuery+" AND %s", func(rows *sql.Rows) error {
		if len(list) == maxLinked {
			return fmt.Errorf("much evidence: %w", ErrWhole)
		}
		e, err := scanLinked(rows)
		list = append(list, e)
		return err
	})
	if err != nil {
		return err
	}
	slices.SortStableFunc(list, func(a, b LinkedEvidence) int { return cmp.Compare(a.Indicator, b.Indicator) })
	for _, e := range list {
		f(e)
	}
	return nil
}

// Rows returns the records of the basis among the references, those that there are.
func (p *Part) Rows(refs []intel.Ref) (out []*PartRecord, err error) {
	var missing []intel.Ref
	for _, ref := range refs {
		if _, ok := p.rows[ref]; !ok {
			p.rows[ref] = nil
			missing = append(missing, ref)
		}
	}
	if err := p.eachOf(missing, "(publisher, key)", selectBasisRecord+"WHERE %s", p.scanRow); err != nil {
		return nil, err
	}
	for _, ref := range refs {
		if r := p.rows[ref]; r != nil {
			out = append(out, r)
		}
	}
	return out, nil
}

const selectBasisRecord = "SELECT publisher, key, num, profile_id, keys FROM derived_record "

func (p *Part) scanRow(rows *sql.Rows) error {
	var r PartRecord
	var keys []byte
	if err := rows.Scan(&r.Ref.Publisher, &r.Ref.Key, &r.num, &r.Profile, &keys); err != nil {
		return err
	}
	r.Keys = unpackKeys(keys)
	p.rows[r.Ref], p.byNum[r.num] = &r, &r
	return nil
}

// Having returns the records of the basis that have one of the keys; the hashes
// are for their use.
func (p *Part) Having(hashes []Hash) ([]*PartRecord, error) {
	nums, err := p.nums(recordPart, hashes)
	if err != nil {
		return nil, err
	}
	var missing []uint32
	for _, n := range nums {
		if p.byNum[n] == nil {
			missing = append(missing, n)
		}
	}
	for chunk := range slices.Chunk(missing, 2*someRefs) {
		if err := p.each(selectBasisRecord+"WHERE num IN ("+marks(len(chunk))+")", anys(chunk), p.scanRow); err != nil {
			return nil, err
		}
	}
	var out []*PartRecord
	for _, n := range nums {
		if r := p.byNum[n]; r != nil {
			out = append(out, r)
		}
	}
	return out, nil
}

// Count returns how many records of the basis have the key.
func (p *Part) Count(h Hash) (int, error) {
	nums, err := p.nums(recordPart, []Hash{h})
	return len(nums), err
}

// nums looks hashes up in the index.
func (p *Part) nums(part int, hashes []Hash) ([]uint32, error) {
	if err := p.load(part, hashes); err != nil {
		return nil, err
	}
	var out []uint32
	for _, h := range hashes {
		for _, e := range p.buckets[part][h.bucket()] {
			if e.hash == h {
				out = append(out, e.num)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// load reads the buckets of the hashes.
func (p *Part) load(part int, hashes []Hash) error {
	var missing []int
	for _, h := range hashes {
		if _, ok := p.buckets[part][h.bucket()]; !ok {
			p.buckets[part][h.bucket()] = nil
			missing = append(missing, h.bucket())
		}
	}
	for chunk := range slices.Chunk(missing, 2*someRefs) {
		err := p.each("SELECT bucket, body FROM derived_index WHERE part = ? AND bucket IN ("+marks(len(chunk))+")", append([]any{part}, anys(chunk)...), func(rows *sql.Rows) error {
			var bucket int
			var body sql.RawBytes
			if err := rows.Scan(&bucket, &body); err != nil {
				return err
			}
			p.buckets[part][bucket] = unpackPostings(body)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// A PartProfile is a profile of the basis.
type PartProfile struct {
	BasisProfile
	num uint32
}

const selectBasisProfile = "SELECT id, num, kind, title, input, techniques, ranked, reads FROM derived_profile WHERE "

// Profiles returns profiles of the basis by their ids, those that there are.
func (p *Part) Profiles(ids []string) (map[string]*PartProfile, error) {
	return p.profiles("id", anys(ids))
}

// Reading returns the profiles of the basis that read one of the keys when they
// were computed, by their ids.
func (p *Part) Reading(hashes []Hash) (map[string]*PartProfile, error) {
	nums, err := p.nums(profilePart, hashes)
	if err != nil {
		return nil, err
	}
	return p.profiles("num", anys(nums))
}

func (p *Part) profiles(column string, values []any) (map[string]*PartProfile, error) {
	out := map[string]*PartProfile{}
	for chunk := range slices.Chunk(values, 2*someRefs) {
		err := p.each(selectBasisProfile+column+" IN ("+marks(len(chunk))+")", chunk, func(rows *sql.Rows) error {
			var b PartProfile
			var techniques, ranked string
			var reads []byte
			if err := rows.Scan(&b.ID, &b.num, &b.Kind, &b.Title, &b.Input, &techniques, &ranked, &reads); err != nil {
				return err
			}
			b.Reads = hashesOf(reads)
			out[b.ID] = &b
			return errors.Join(decodeJSON(techniques, &b.Techniques), decodeJSON(ranked, &b.Ranked))
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// A PartResult is what a part amounts to.
type PartResult struct {
	Profiles []*Derived      // in place of those in Scope
	Scope    map[string]bool // ids of profiles
	Refs     []intel.Ref     // records that may be part of another profile than before
	Remember map[intel.Ref]Remembered

	// The basis of the same.
	Records     []BasisRecord         // those that are new or other than before
	GoneRecords []intel.Ref           // those that are no more
	Basis       func() []BasisProfile // called when all profiles are folded
	Facts       BasisFacts
}

// Put writes what was derived, and ends the part. It returns how many profiles
// were written and how many are gone.
func (p *Part) Put(r *PartResult) (written, gone int, err error) {
	err = finish(p.tx, func() error {
		if len(r.Scope) > 0 || len(r.Refs) > 0 || len(r.Remember) > 0 {
			d := deriver{ctx: p.ctx, tx: p.tx, now: intel.TimeOf(p.s.Now()), scope: r.Scope}
			if d.position, err = nextPosition(p.ctx, p.tx, d.now, len(r.Profiles)); err != nil {
				return err
			}
			if len(r.Scope) > 0 {
				if written, gone, err = d.profiles(r.Profiles); err != nil {
					return err
				}
			}
			have := map[memberRow]memberValue{}
			if err := p.eachOf(r.Refs, "(publisher, key)", selectMembers+" WHERE %s", func(rows *sql.Rows) error { return addMember(have, rows) }); err != nil {
				return err
			}
			if err := d.moveMembers(have, r.Profiles); err != nil {
				return err
			}
			if err := d.ledger(r.Remember); err != nil {
				return err
			}
			if err := p.s.prune(p.ctx, p.tx); err != nil {
				return err
			}
		}
		if err := p.putBasis(r); err != nil {
			return err
		}
		_, err := p.tx.ExecContext(p.ctx, "DELETE FROM touched")
		return err
	})
	p.s.writes.Add(1)
	return written, gone, err
}

func (p *Part) putBasis(r *PartResult) error {
	free, err := p.free("derived_record")
	if err != nil {
		return err
	}
	put := func(query string, args ...any) error {
		_, err := p.tx.ExecContext(p.ctx, query, args...)
		return err
	}
	for _, ref := range r.GoneRecords {
		if old := p.rows[ref]; old != nil {
			p.repost(recordPart, old.num, old.Keys.hashes(), nil)
		}
		if err := put("DELETE FROM derived_record WHERE publisher = ? AND key = ?", ref.Publisher, ref.Key); err != nil {
			return err
		}
	}
	for i := range r.Records {
		rec := &r.Records[i]
		num, before := free, []Hash(nil)
		if old := p.rows[rec.Ref]; old != nil {
			num, before = old.num, old.Keys.hashes()
		} else {
			free++
		}
		p.repost(recordPart, num, before, rec.Keys.hashes())
		if err := put(insertBasisRecord+" (?, ?, ?, ?, ?) ON CONFLICT (publisher, key) DO UPDATE SET profile_id = excluded.profile_id, keys = excluded.keys", rec.row(int64(num))...); err != nil {
			return err
		}
	}
	if free, err = p.free("derived_profile"); err != nil {
		return err
	}
	profiles := r.Basis()
	ids := slices.Collect(maps.Keys(r.Scope))
	for _, b := range profiles {
		if !r.Scope[b.ID] {
			ids = append(ids, b.ID)
		}
	}
	have, err := p.Profiles(ids)
	if err != nil {
		return err
	}
	for i := range profiles {
		b := &profiles[i]
		num, before := free, []Hash(nil)
		if old := have[b.ID]; old != nil {
			num, before = old.num, old.Reads
		} else {
			free++
		}
		delete(have, b.ID)
		p.repost(profilePart, num, before, b.Reads)
		if err := put(insertBasisProfile+` (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, title = excluded.title,
			input = excluded.input, techniques = excluded.techniques, ranked = excluded.ranked, reads = excluded.reads`, b.row(int64(num))...); err != nil {
			return err
		}
	}
	for id, old := range have {
		p.repost(profilePart, old.num, old.Reads, nil)
		if err := put("DELETE FROM derived_profile WHERE id = ?", id); err != nil {
			return err
		}
	}
	if err := p.writeIndex(); err != nil {
		return err
	}
	return r.Facts.store(p.ctx, p.tx)
}

// free returns a number that no row of a table has.
func (p *Part) free(table string) (uint32, error) {
	var n int64
	err := p.tx.QueryRowContext(p.ctx, "SELECT COALESCE(MAX(num), -1) + 1 FROM "+table).Scan(&n)
	if err == nil && n > math.MaxUint32 {
		err = fmt.Errorf("the numbers of %s are used up: %w", table, ErrWhole)
	}
	return uint32(n), err
}

// repost notes that who has the number has other keys than before. Both lists are
// sorted.
func (p *Part) repost(part int, num uint32, before, now []Hash) {
	for _, h := range before {
		if _, still := slices.BinarySearch(now, h); !still {
			p.dropped[part][posting{h, num}] = true
		}
	}
	for _, h := range now {
		if _, had := slices.BinarySearch(before, h); !had {
			p.added[part] = append(p.added[part], posting{h, num})
		}
	}
}

// writeIndex writes the buckets in which postings came or went.
func (p *Part) writeIndex() error {
	for part := range p.buckets {
		changed := map[int]bool{}
		var hashes []Hash
		for e := range p.dropped[part] {
			changed[e.hash.bucket()], hashes = true, append(hashes, e.hash)
		}
		for _, e := range p.added[part] {
			changed[e.hash.bucket()], hashes = true, append(hashes, e.hash)
		}
		if err := p.load(part, hashes); err != nil {
			return err
		}
		for b := range changed {
			p.buckets[part][b] = slices.DeleteFunc(p.buckets[part][b], func(e posting) bool { return p.dropped[part][e] })
		}
		for _, e := range p.added[part] {
			p.buckets[part][e.hash.bucket()] = append(p.buckets[part][e.hash.bucket()], e)
		}
		index := newBulk(p.ctx, p.tx, "INSERT INTO derived_index (part, bucket, body) VALUES", 3, "ON CONFLICT (part, bucket) DO UPDATE SET body = excluded.body")
		for _, b := range slices.Sorted(maps.Keys(changed)) {
			if err := index.add(part, b, packPostings(p.buckets[part][b])); err != nil {
				return err
			}
		}
		if err := index.flush(); err != nil {
			return err
		}
	}
	return nil
}
