package store

import (
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"errors"
	"slices"

	"dossier/internal/intel"
)

// A Basis is what profiles were derived from, in short: enough to tell what a
// change bears on. It is right for a database in which everything is clear to all.
type Basis struct {
	Records []BasisRecord
	// Profiles is called when all profiles are folded: what a fold reads is
	// known then.
	Profiles func() []BasisProfile
	Facts    BasisFacts
	// Version is that of the claims when they were read ([Store.ClaimsVersion]).
	Version int64
}

// BasisFacts are the few things that bear on everything.
type BasisFacts struct {
	Program    string                // what tells one build of the program from another
	Publishers string                // what identifies the table of publishers
	Released   map[string]intel.Time // by publisher: the newest release
	Techniques map[string]int        // ATT&CK id -> profiles
}

// A BasisRecord is a record with the profile that it is part of, "" if it is
// part of none, and the keys by which it bears on others.
type BasisRecord struct {
	Ref     intel.Ref
	Profile string
	Keys    RecordKeys
}

// RecordKeys are the keys of a record: those that resolution ties it by, the
// documents that it cites, those that links find it by, and those that its own
// links ask for.
type RecordKeys struct{ Joins, Cites, Finds, Asks []Hash }

// A BasisProfile is a profile before what people set over it. Input identifies
// what its fold was given, Reads is what it read besides. Techniques are those
// that its records use, Ranked those of which it asked the order, in that order.
type BasisProfile struct {
	ID         string
	Kind       intel.Kind
	Title      string
	Input      string
	Techniques []string
	Ranked     []string
	Reads      []Hash
}

// A Hash stands for a key. Of two keys with one hash a change of either counts
// for both, which costs time and no more; only documents are counted by it.
type Hash uint64

// HashOf returns the hash of a key: of SHA-256, so that nobody can make two keys
// meet.
func HashOf(key string) Hash {
	sum := sha256.Sum256([]byte(key))
	return Hash(binary.BigEndian.Uint64(sum[:]))
}

// A Use is what a key is used for. The same key has another hash for each.
type Use uint64

// The uses, first those of records, then those of profiles.
const (
	Joined     Use = 0
	Cited      Use = 0x9e3779b97f4a7c15
	Found      Use = 0xbf58476d1ce4e5b9
	Asked      Use = 0x94d049bb133111eb
	ReadFind   Use = 0xd6e8feb86659fd93 // to which record a key leads, and what that says
	ReadLinks  Use = 0xa0761d6478bd642f // which links lead to who is found by the key
	ReadMember Use = 0xe7037ed1a0b428db // which profile a record is part of, and its title
	ReadCount  Use = 0x8ebc6af09c88c6e3 // how many profiles have a technique
	ReadDate   Use = 0x589965cc75374cc3 // when a publisher released its data
)

// For returns the hash for a use.
func (h Hash) For(u Use) Hash { return h ^ Hash(u) }

func (k *RecordKeys) hashes() []Hash {
	out := make([]Hash, 0, len(k.Joins)+len(k.Cites)+len(k.Finds)+len(k.Asks))
	for _, s := range []struct {
		list []Hash
		use  Use
	}{{k.Joins, Joined}, {k.Cites, Cited}, {k.Finds, Found}, {k.Asks, Asked}} {
		for _, h := range s.list {
			out = append(out, h.For(s.use))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (k *RecordKeys) pack() []byte {
	var b []byte
	for _, list := range [][]Hash{k.Joins, k.Cites, k.Finds, k.Asks} {
		b = binary.AppendUvarint(b, uint64(len(list)))
		b = appendHashes(b, list)
	}
	return b
}

func unpackKeys(b []byte) (k RecordKeys) {
	for _, list := range []*[]Hash{&k.Joins, &k.Cites, &k.Finds, &k.Asks} {
		n, size := binary.Uvarint(b)
		*list = hashesOf(b[size:][:8*n])
		b = b[size+int(8*n):]
	}
	return k
}

func appendHashes(b []byte, list []Hash) []byte {
	for _, h := range list {
		b = binary.BigEndian.AppendUint64(b, uint64(h))
	}
	return b
}

func hashesOf(b []byte) []Hash {
	out := make([]Hash, len(b)/8)
	for i := range out {
		out[i] = Hash(binary.BigEndian.Uint64(b[8*i:]))
	}
	return out
}

// The parts of the index.
const (
	recordPart  = 0
	profilePart = 1
)

// A posting says that the record, or profile, with the number has the key.
type posting struct {
	hash Hash
	num  uint32
}

// bucketBits is how many leading bits of a hash tell its bucket: a bucket holds
// some hundred postings of the open sources.
const bucketBits = 11

func (h Hash) bucket() int { return int(h >> (64 - bucketBits)) }

const postingSize = 12

func packPostings(list []posting) []byte {
	b := make([]byte, 0, len(list)*postingSize)
	for _, p := range list {
		b = binary.BigEndian.AppendUint64(b, uint64(p.hash))
		b = binary.BigEndian.AppendUint32(b, p.num)
	}
	return b
}

func unpackPostings(b []byte) []posting {
	out := make([]posting, len(b)/postingSize)
	for i := range out {
		out[i] = posting{Hash(binary.BigEndian.Uint64(b[i*postingSize:])), binary.BigEndian.Uint32(b[i*postingSize+8:])}
	}
	return out
}

// metaBasis holds the facts of the basis; "" or none says that there is no basis
// to be trusted.
const metaBasis = "derived.basis"

// basisForm changes when the basis holds other things than before.
const basisForm = "1"

// storedFacts are the facts as they are kept, with the forms that they are of.
type storedFacts struct {
	Form string
	BasisFacts
}

func (f *BasisFacts) store(ctx context.Context, tx *sql.Tx) error {
	text, err := json.Marshal(storedFacts{derivedForm + "." + basisForm, *f})
	if err != nil {
		return err
	}
	return setMeta(ctx, tx, metaBasis, string(text))
}

// ErrMoved says that claims changed while something was derived from them.
var ErrMoved = errors.New("claims changed meanwhile")

// metaVersion counts the transactions that changed claims.
const metaVersion = "claims.version"

// ClaimsVersion returns a number that changes with the claims.
func (s *Store) ClaimsVersion(ctx context.Context) (int64, error) {
	return metaInt(ctx, s.write, metaVersion)
}

// putBasis replaces the basis; nil leaves none. The error wraps [ErrMoved] if it is
// older than the claims.
func putBasis(ctx context.Context, tx *sql.Tx, b *Basis) error {
	if b != nil {
		if version, err := metaInt(ctx, tx, metaVersion); err != nil || version != b.Version {
			return cmp.Or(err, ErrMoved)
		}
	}
	for _, query := range []string{"DELETE FROM derived_record", "DELETE FROM derived_profile", "DELETE FROM derived_index", "DELETE FROM touched"} {
		if _, err := tx.ExecContext(ctx, query); err != nil {
			return err
		}
	}
	if b == nil {
		return setMeta(ctx, tx, metaBasis, "")
	}
	records := newBulk(ctx, tx, insertBasisRecord, 5, "")
	profiles := newBulk(ctx, tx, insertBasisProfile, 8, "")
	index := newBulk(ctx, tx, "INSERT INTO derived_index (part, bucket, body) VALUES", 3, "")
	var buckets [1 << bucketBits][]posting
	add := func(hashes []Hash, num int) {
		for _, h := range hashes {
			buckets[h.bucket()] = append(buckets[h.bucket()], posting{h, uint32(num)})
		}
	}
	end := func(part int) error {
		for i, list := range buckets {
			if len(list) > 0 {
				if err := index.add(part, i, packPostings(list)); err != nil {
					return err
				}
			}
			buckets[i] = nil
		}
		return nil
	}
	for num := range b.Records {
		r := &b.Records[num]
		if err := records.add(r.row(int64(num))...); err != nil {
			return err
		}
		add(r.Keys.hashes(), num)
	}
	if err := end(recordPart); err != nil {
		return err
	}
	for num, p := range b.Profiles() {
		if err := profiles.add(p.row(int64(num))...); err != nil {
			return err
		}
		add(p.Reads, num)
	}
	if err := end(profilePart); err != nil {
		return err
	}
	if err := flushAll(records, profiles, index); err != nil {
		return err
	}
	return b.Facts.store(ctx, tx)
}

const (
	insertBasisRecord  = "INSERT INTO derived_record (publisher, key, num, profile_id, keys) VALUES"
	insertBasisProfile = "INSERT INTO derived_profile (id, num, kind, title, input, techniques, ranked, reads) VALUES"
)

func (r *BasisRecord) row(num int64) []any {
	return []any{r.Ref.Publisher, r.Ref.Key, num, r.Profile, r.Keys.pack()}
}

// wordList writes words as one text, whatever is in them.
func wordList(words []string) string {
	text, _ := json.Marshal(words) // never fails
	return string(text)
}

func (p *BasisProfile) row(num int64) []any {
	return []any{p.ID, num, string(p.Kind), p.Title, p.Input, wordList(p.Techniques), wordList(p.Ranked), appendHashes([]byte{}, p.Reads)}
}

// maxTouched is how many records may have changed for a part to be derived.
const maxTouched = 100

// touch notes that what is derived from records is to be derived again, since they
// changed, or what is said of them.
func (b *Batch) touch(changed bool, refs ...intel.Ref) {
	b.changed = true
	for _, ref := range refs {
		if b.all || ref.IsZero() {
			continue
		}
		if b.dirty == nil {
			b.dirty = map[intel.Ref]bool{}
		}
		b.dirty[ref] = b.dirty[ref] || changed
		b.all = len(b.dirty) > maxTouched
	}
}

// touchAll notes that everything is to be derived again.
func (b *Batch) touchAll() { b.changed, b.all = true, true }

// marked notes that something is said under a marking: what not everybody sees
// is derived with everything.
func (b *Batch) marked(tlp intel.TLP) {
	if tlp != intel.Clear {
		b.all = true
	}
}

// noteTouched writes what was touched.
func (b *Batch) noteTouched(ctx context.Context) error {
	if err := b.exec(ctx, `INSERT INTO meta (key, value) VALUES (?, '1') ON CONFLICT (key) DO UPDATE SET value = CAST(CAST(meta.value AS BIGINT) + 1 AS TEXT)`, metaVersion); err != nil {
		return err
	}
	dirty := b.dirty
	if b.all {
		dirty = map[intel.Ref]bool{{}: true}
	}
	for ref, changed := range dirty {
		if err := b.exec(ctx, `INSERT INTO touched (publisher, key, changed) VALUES (?, ?, ?) ON CONFLICT (publisher, key) DO UPDATE SET changed = excluded.changed
			WHERE touched.changed < excluded.changed`, ref.Publisher, ref.Key, b2i(changed)); err != nil {
			return err
		}
	}
	return nil
}
