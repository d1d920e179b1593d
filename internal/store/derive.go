package store

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"dossier/internal/intel"
	"dossier/internal/odata"

	"github.com/klauspost/compress/zstd"
)

// A Derived is one computed profile, right for the ceilings Lo to Hi.
type Derived struct {
	ID      string
	Lo, Hi  intel.TLP
	Members []intel.Ref
	Former  []string // further ids that lead to the profile
	// Fold computes the profile. It is called once, when the profile's turn
	// comes, maybe on another goroutine: all of them at once would need much
	// memory.
	Fold func() *intel.Dossier
}

// Stale reports whether claims are newer than what is derived from them, as
// after an import that was interrupted, or an older release derived it.
func (s *Store) Stale(ctx context.Context) (bool, error) {
	v, err := s.meta(ctx, metaStale)
	if err != nil || v == "1" {
		return v == "1", err
	}
	form, err := s.meta(ctx, metaForm)
	return form != derivedForm, err
}

// encode folds a profile and prepares it for storing, if it is not what have
// says. It may run on several goroutines.
func (d *Derived) encode(have map[profileKey]storedProfile) (*encoded, error) {
	dossier := d.Fold()
	body, err := encodeJSON(dossier.Profile)
	if err != nil {
		return nil, err
	}
	full, err := encodeJSON(dossier)
	if err != nil {
		return nil, err
	}
	e := &encoded{Derived: d, Dossier: dossier, body: body, etag: digest(body)}
	members := slices.SortedFunc(slices.Values(d.Members), func(a, b intel.Ref) int {
		return cmp.Or(cmp.Compare(a.Publisher, b.Publisher), cmp.Compare(a.Key, b.Key))
	})
	e.hash = digest(full, []byte(fmt.Sprint(members, slices.Sorted(slices.Values(d.Former)))))
	if old, had := have[profileKey{d.ID, d.Lo}]; had && old.hash == e.hash && old.hi == d.Hi {
		e.unchanged = true
		return e, nil
	}
	e.dossier = compress(full)
	e.texts = searchTexts(dossier)
	e.grams = gramsOf(e.texts)
	return e, nil
}

func gramsOf(texts map[string]string) *grams {
	g := new(grams)
	for field, text := range texts {
		g.add(allTexts, text)
		if shortFields[field] {
			g.add(shortTexts, text)
		}
	}
	return g
}

type encoded struct {
	*Derived
	Dossier       *intel.Dossier
	body, dossier []byte
	etag, hash    string
	unchanged     bool // what follows is not set
	texts         map[string]string
	grams         *grams
}

// encodeJSON writes a value as the API does: no HTML escapes, no line end.
func encodeJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

func decodeJSON(text string, v any) error { return json.Unmarshal([]byte(text), v) }

func digest(parts ...[]byte) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write(p)
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

var (
	zstdEncoder, _ = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(2), zstd.WithWindowSize(1<<20))
	zstdDecoder, _ = zstd.NewReader(nil, zstd.WithDecoderConcurrency(2), zstd.WithDecoderMaxMemory(64<<20))
)

func compress(b []byte) []byte { return zstdEncoder.EncodeAll(b, nil) }

func decompress(b []byte) ([]byte, error) { return zstdDecoder.DecodeAll(b, nil) }

// namesField is the field of profile_text that holds every name claim.
const namesField = "names"

// searchTexts is what $search looks through, folded: the properties of the
// contract, and every name claim, one a line.
func searchTexts(d *intel.Dossier) map[string]string {
	p := &d.Profile
	var names bytes.Buffer
	for _, n := range d.Names {
		names.WriteString(n.Value)
		names.WriteByte('\n')
	}
	texts := map[string]string{
		"title": p.Title, "aliases": strings.Join(p.Aliases, "\n"), "summary": p.Summary.Content,
		"description": p.Description.Content, namesField: names.String(),
	}
	if p.Tradecraft != nil {
		texts["tradecraft"] = p.Tradecraft.Content
	}
	for field, text := range texts {
		texts[field] = Fold(text)
	}
	return texts
}

// foldVersion changes when [Fold] gives another answer for any text.
const foldVersion = odata.FoldVersion

// Fold folds a text for comparison, as $filter and $orderby compare.
func Fold(s string) string { return odata.Fold(s) }

type storedProfile struct {
	hi   intel.TLP
	hash string
	etag string
	slot int64
}

// encodeChunk is how many profiles are computed ahead of being written.
const encodeChunk = 64

// PutDerived replaces all profiles by these, in one transaction; rows that are equal are not touched. remember is added to the
// ledger, which keeps what it has. It returns how many profiles were written
// and how many are gone.
func (s *Store) PutDerived(ctx context.Context, profiles []*Derived, remember map[intel.Ref]Remembered) (written, gone int, err error) {
	return s.PutAll(ctx, profiles, remember, nil)
}

// PutAll is [Store.PutDerived] with the basis of the profiles, by which [Store.Part]
// can derive some of them after a change; nil: there is none.
func (s *Store) PutAll(ctx context.Context, profiles []*Derived, remember map[intel.Ref]Remembered, basis *Basis) (written, gone int, err error) {
	err = s.inTx(ctx, func(tx *sql.Tx) error {
		d := deriver{ctx: ctx, tx: tx, now: intel.TimeOf(s.Now())}
		var err error
		if d.position, err = nextPosition(ctx, tx, d.now, len(profiles)); err != nil {
			return err
		}
		if written, gone, err = d.profiles(profiles); err != nil {
			return err
		}
		if err := d.members(profiles); err != nil {
			return err
		}
		if err := d.ledger(remember); err != nil {
			return err
		}
		if err := putBasis(ctx, tx, basis); err != nil {
			return err
		}
		if err := s.prune(ctx, tx); err != nil {
			return err
		}
		return setMeta(ctx, tx, metaForm, derivedForm)
	})
	return written, gone, err
}

type deriver struct {
	ctx      context.Context
	tx       *sql.Tx
	now      intel.Time
	position int64
	scope    map[string]bool // ids of the profiles to replace; nil: all

	former map[profileKey][]byte // dossiers of rows that are gone
	sorts  map[string]bool       // profiles that are new to some ceiling, or another sort of thing than before

	keysRows, texts, names *bulk
	changes                *bulk
	values                 valueRows
	grams                  gramWriter
	slots                  map[string]int64 // by profile id
	free                   int64            // no profile has this slot or a higher one
}

func (d *deriver) bulks() {
	d.keysRows = newBulk(d.ctx, d.tx, "INSERT INTO profile_key (id, tlp_lo, tlp_hi, profile_id) VALUES", 4,
		"ON CONFLICT (id, tlp_lo) DO UPDATE SET tlp_hi = excluded.tlp_hi, profile_id = excluded.profile_id")
	d.texts = newBulk(d.ctx, d.tx, "INSERT INTO profile_text (profile_id, tlp_lo, tlp_hi, field, text) VALUES", 5, "")
	d.names = newBulk(d.ctx, d.tx, "INSERT INTO profile_name (name_key, profile_id, tlp_lo, tlp_hi, alias) VALUES", 5, "")
	d.values = newValueRows(d.ctx, d.tx)
	d.changes = newBulk(d.ctx, d.tx, logHead, logColumns, "")
	d.former, d.sorts = map[profileKey][]byte{}, map[string]bool{}
}

func (d *deriver) prepare(query string) (*sql.Stmt, error) { return d.tx.PrepareContext(d.ctx, query) }

type profileKey struct {
	id string
	lo intel.TLP
}

func (d *deriver) profiles(list []*Derived) (written, dropped int, err error) {
	have, err := d.stored()
	if err != nil {
		return 0, 0, err
	}
	insert, err := d.prepare(`INSERT INTO profile (id, tlp_lo, tlp_hi, kind, title, title_fold, first_active, first_basis, slot,
		alias_count, target_count, origin_count, summary_format, description_format, tradecraft_format, summary_sort, description_sort, tradecraft_sort,
		body, dossier, hash, etag, position) VALUES (` + marks(23) + ")")
	if err != nil {
		return 0, 0, err
	}
	defer insert.Close()
	d.bulks()
	gone := maps.Clone(have)
	was, is := map[string]*profileLevels{}, map[string]*profileLevels{}
	levelsOf := func(m map[string]*profileLevels, id string) *profileLevels {
		if m[id] == nil {
			m[id] = new(profileLevels)
		}
		return m[id]
	}
	for k, p := range have {
		levelsOf(was, k.id).set(k.lo, p.hi, p.etag)
	}
	for e, err := range encodeAhead(list, have) {
		if err != nil {
			return 0, 0, err
		}
		key := profileKey{e.ID, e.Lo}
		old, had := have[key]
		delete(gone, key)
		levelsOf(is, e.ID).set(e.Lo, e.Hi, e.etag)
		if e.unchanged {
			continue
		}
		written++
		if err := d.put(insert, e, old, had); err != nil {
			return 0, 0, fmt.Errorf("profile %s (%s): %w", e.ID, e.Dossier.Profile.Title, err)
		}
	}
	if err := flushAll(d.keysRows, d.texts, d.names, d.values.strings, d.values.origins); err != nil {
		return 0, 0, err
	}
	if err := d.grams.flush(d.ctx, d.tx); err != nil {
		return 0, 0, err
	}
	for key := range gone {
		if err := errors.Join(d.retain(key), d.drop(key)); err != nil {
			return 0, 0, err
		}
	}
	for id := range was {
		levelsOf(is, id)
	}
	for id, now := range is {
		if err := d.log(id, levelsOf(was, id), now, d.former); err != nil {
			return 0, 0, err
		}
	}
	if err := d.changes.flush(); err != nil {
		return 0, 0, err
	}
	for id := range d.sorts { // what links to them says of which sort they are
		_, err := d.tx.ExecContext(d.ctx, "UPDATE indicator SET told = ? WHERE id IN (SELECT indicator_id FROM profile_indicator WHERE profile_id = ?)", d.position, id)
		if err != nil {
			return 0, 0, err
		}
	}
	return written, len(gone), nil
}

// encodeAhead yields the encoded profiles in order; while a chunk is written,
// the next one is computed on all processors.
func encodeAhead(list []*Derived, have map[profileKey]storedProfile) iter.Seq2[*encoded, error] {
	type result struct {
		e   *encoded
		err error
	}
	return func(yield func(*encoded, error) bool) {
		chunks, stop := make(chan []result), make(chan struct{})
		defer close(stop)
		go func() {
			defer close(chunks)
			for chunk := range slices.Chunk(list, encodeChunk) {
				out := make([]result, len(chunk))
				eachParallel(len(chunk), func(i int) { out[i].e, out[i].err = chunk[i].encode(have) })
				select {
				case chunks <- out:
				case <-stop:
					return
				}
			}
		}()
		for chunk := range chunks {
			for _, r := range chunk {
				if !yield(r.e, r.err) {
					return
				}
			}
		}
	}
}

// put writes one profile, in place of the old one if there was one.
func (d *deriver) put(insert *sql.Stmt, e *encoded, old storedProfile, had bool) error {
	key := profileKey{e.ID, e.Lo}
	if had {
		if err := d.retain(key); err != nil {
			return err
		}
		was, err := unpackDossier(d.former[key])
		if err != nil {
			return err
		}
		if !sameSort(was, e.Dossier) || e.Hi > old.hi {
			d.sorts[e.ID] = true
		}
		if old.etag == e.etag && old.hi == e.Hi {
			delete(d.former, key)
		}
		// The grams of what is replaced are there.
		had, err := d.gramsOf(key)
		if err != nil {
			return err
		}
		e.grams.drop(had)
		if err := d.drop(key); err != nil {
			return err
		}
	}
	if !had {
		d.sorts[e.ID] = true
	}
	p := &e.Dossier.Profile
	slot := d.slot(e.ID)
	row := []any{e.ID, int(e.Lo), int(e.Hi), kindValue(p.Kind), p.Title, Fold(p.Title), int64(p.FirstActive), string(e.Dossier.FirstActive.Value.Basis)}
	row = append(row, queried(p, slot)...)
	if _, err := insert.ExecContext(d.ctx, append(row, e.body, e.dossier, e.hash, e.etag, d.position)...); err != nil {
		return err
	}
	if err := d.keys(e); err != nil {
		return err
	}
	if err := d.values.add(p, e.Lo, e.Hi); err != nil {
		return err
	}
	d.grams.add(slot, e.grams)
	return nil
}

func (d *deriver) stored() (map[profileKey]storedProfile, error) {
	d.slots = map[string]int64{}
	cond, args := "1 = 1", []any(nil)
	if d.scope != nil {
		cond, args = "id IN ("+marks(len(d.scope))+")", anys(slices.Collect(maps.Keys(d.scope)))
		if err := d.tx.QueryRowContext(d.ctx, "SELECT COALESCE(MAX(slot), -1) + 1 FROM profile").Scan(&d.free); err != nil {
			return nil, err
		}
	}
	rows, err := d.tx.QueryContext(d.ctx, "SELECT id, tlp_lo, tlp_hi, hash, etag, slot FROM profile WHERE "+cond, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	m := map[profileKey]storedProfile{}
	for rows.Next() {
		var k profileKey
		var p storedProfile
		if err := rows.Scan(&k.id, &k.lo, &p.hi, &p.hash, &p.etag, &p.slot); err != nil {
			return nil, err
		}
		m[k] = p
		d.slots[k.id] = p.slot
		d.free = max(d.free, p.slot+1)
	}
	return m, rows.Err()
}

// slot returns the slot of a profile, a new one if it is new.
func (d *deriver) slot(id string) int64 {
	slot, ok := d.slots[id]
	if !ok {
		slot = d.free
		d.free++
		d.slots[id] = slot
	}
	return slot
}

// How a name leads to a profile; the column is called alias.
const (
	nameClaimed = 0 // some source says so
	nameServed  = 1 // it is the title or an alias
	nameDecided = 2 // a person says that it means this profile
)

// keys writes the ids and names that lead to the profile.
func (d *deriver) keys(e *encoded) error {
	p := &e.Dossier.Profile
	ids := append([]string{p.ID}, e.Former...)
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		if err := d.keysRows.add(id, int(e.Lo), int(e.Hi), p.ID); err != nil {
			return err
		}
	}
	for field, text := range e.texts {
		if err := d.texts.add(p.ID, int(e.Lo), int(e.Hi), field, text); err != nil {
			return err
		}
	}
	names := map[string]int{} // key -> how it leads here
	add := func(name string, how int) {
		if k := intel.NameKey(name); k != "" {
			names[k] = max(names[k], how)
		}
	}
	add(p.Title, nameServed)
	for _, n := range e.Dossier.Names {
		switch {
		case n.Decided:
			add(n.Value, nameDecided)
		case n.Alias:
			add(n.Value, nameServed)
		default:
			add(n.Value, nameClaimed)
		}
	}
	for _, id := range e.Dossier.IDs {
		add(id.Value.ID, nameClaimed)
	}
	for k, how := range names {
		if err := d.names.add(k, p.ID, int(e.Lo), int(e.Hi), how); err != nil {
			return err
		}
	}
	return nil
}

// drop removes a profile's rows.
func (d *deriver) drop(k profileKey) error {
	for _, q := range []string{
		"DELETE FROM profile WHERE id = ? AND tlp_lo = ?",
		"DELETE FROM profile_key WHERE profile_id = ? AND tlp_lo = ?",
		"DELETE FROM profile_name WHERE profile_id = ? AND tlp_lo = ?",
		"DELETE FROM profile_text WHERE profile_id = ? AND tlp_lo = ?",
		"DELETE FROM profile_value WHERE profile_id = ? AND tlp_lo = ?",
		"DELETE FROM profile_origin WHERE profile_id = ? AND tlp_lo = ?",
	} {
		if _, err := d.tx.ExecContext(d.ctx, q, k.id, int(k.lo)); err != nil {
			return err
		}
	}
	return nil
}

// gramsOf returns the grams of the texts of a profile that is stored.
func (d *deriver) gramsOf(k profileKey) (*grams, error) {
	texts := map[string]string{}
	err := eachRow(d.ctx, d.tx, "SELECT field, text FROM profile_text WHERE profile_id = ? AND tlp_lo = ?", func(field, text string) error {
		texts[field] = text
		return nil
	}, k.id, int(k.lo))
	return gramsOf(texts), err
}

type memberRow struct {
	ref intel.Ref
	lo  intel.TLP
}

type memberValue struct {
	hi      intel.TLP
	profile string
}

// members writes which record belongs where; the indicators of records that
// moved are to be folded again.
func (d *deriver) members(list []*Derived) error {
	have, err := memberRows(d.ctx, d.tx)
	if err != nil {
		return err
	}
	return d.moveMembers(have, list)
}

// moveMembers replaces the rows of members that there are by those of the profiles.
func (d *deriver) moveMembers(have map[memberRow]memberValue, list []*Derived) error {
	want := map[memberRow]memberValue{}
	for _, e := range list {
		for _, ref := range e.Members {
			want[memberRow{ref, e.Lo}] = memberValue{e.Hi, e.ID}
		}
	}
	moved := map[intel.Ref]bool{}
	for k, v := range have {
		if want[k] == v {
			delete(want, k)
			continue
		}
		moved[k.ref] = true
		if _, err := d.tx.ExecContext(d.ctx, "DELETE FROM member WHERE publisher = ? AND key = ? AND tlp_lo = ?", k.ref.Publisher, k.ref.Key, int(k.lo)); err != nil {
			return err
		}
	}
	insert, err := d.prepare("INSERT INTO member (publisher, key, tlp_lo, tlp_hi, profile_id) VALUES (?, ?, ?, ?, ?)")
	if err != nil {
		return err
	}
	defer insert.Close()
	for k, v := range want {
		moved[k.ref] = true
		if _, err := insert.ExecContext(d.ctx, k.ref.Publisher, k.ref.Key, int(k.lo), int(v.hi), v.profile); err != nil {
			return err
		}
	}
	pend, err := d.prepare(`INSERT INTO pending (indicator_id) SELECT DISTINCT indicator_id FROM evidence
		WHERE subject_publisher = ? AND subject_key = ? AND subject_key <> '' ON CONFLICT (indicator_id) DO NOTHING`)
	if err != nil {
		return err
	}
	defer pend.Close()
	for ref := range moved {
		if _, err := pend.ExecContext(d.ctx, ref.Publisher, ref.Key); err != nil {
			return err
		}
	}
	return nil
}

func memberRows(ctx context.Context, tx *sql.Tx) (map[memberRow]memberValue, error) {
	rows, err := tx.QueryContext(ctx, selectMembers)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	m := map[memberRow]memberValue{}
	for rows.Next() {
		if err := addMember(m, rows); err != nil {
			return nil, err
		}
	}
	return m, rows.Err()
}

const selectMembers = "SELECT publisher, key, tlp_lo, tlp_hi, profile_id FROM member"

func addMember(m map[memberRow]memberValue, rows scanner) error {
	var k memberRow
	var v memberValue
	err := rows.Scan(&k.ref.Publisher, &k.ref.Key, &k.lo, &v.hi, &v.profile)
	m[k] = v
	return err
}

func (d *deriver) ledger(remember map[intel.Ref]Remembered) error {
	insert, err := d.prepare("INSERT INTO ledger (publisher, key, profile_id, asserted) VALUES (?, ?, ?, ?) ON CONFLICT (publisher, key) DO NOTHING")
	if err != nil {
		return err
	}
	defer insert.Close()
	for ref, e := range remember {
		if e.Asserted == 0 {
			e.Asserted = d.now
		}
		if _, err := insert.ExecContext(d.ctx, ref.Publisher, ref.Key, e.ProfileID, int64(e.Asserted)); err != nil {
			return err
		}
	}
	return nil
}

// kindValue is the value of the member of intelligenceProfileKind, by which kinds sort.
func kindValue(k intel.Kind) int {
	if k == intel.Tool {
		return 1
	}
	return 0
}

func kindOf(value int) intel.Kind {
	if value == 1 {
		return intel.Tool
	}
	return intel.Actor
}
