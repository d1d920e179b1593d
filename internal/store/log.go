package store

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"dossier/internal/intel"
)

// The entities of the log of changes; see schema/0011_changes.sql.
const (
	logProfile       = "profile"
	logIndicatorGone = "indicator.gone"
	logLinkGone      = "link.gone"
	logIndicatorWas  = "indicator.was"
)

// An Op is what a change did.
type Op string

// The kinds of change, in the words of Graph's change notifications.
const (
	Created Op = "created"
	Updated Op = "updated"
	Deleted Op = "deleted"
)

// metaFloor has the position up to which changes are forgotten.
const metaFloor = "changes.floor"

// DefaultRetention is how long changes are kept.
const DefaultRetention = 30 * 24 * time.Hour

// pruneEvery is how often old changes are looked for: it reads the whole log.
const (
	pruneEvery = 6 * time.Hour
	metaPruned = "changes.pruned"
)

// levels is how many ceilings there are.
const levels = int(intel.Red) + 1

// A stamp says when a row began and when it last changed, for one ceiling. The
// zero value stands for no row.
type stamp struct{ born, position int64 }

// runs calls f for each run of ceilings of which same says that neighbours are
// alike.
func runs(same func(a, b intel.TLP) bool, f func(lo, hi intel.TLP) error) error {
	return runsWithin(intel.Clear, intel.Red, same, f)
}

func runsWithin(first, last intel.TLP, same func(a, b intel.TLP) bool, f func(lo, hi intel.TLP) error) error {
	for lo := first; lo <= last; {
		hi := lo
		for hi < last && same(hi, hi+1) {
			hi++
		}
		if err := f(lo, hi); err != nil {
			return err
		}
		lo = hi + 1
	}
	return nil
}

const logHead = "INSERT INTO change (entity, scope, position, id, tlp_lo, tlp_hi, op, former) VALUES"

const logColumns = 8

// formerIndicator is what rows said of an indicator before a change, by ceiling.
type formerIndicator struct {
	at    [levels]stamp
	ind   [levels]foldedIndicator
	links map[string]*[levels]stamp // by profile
	// told is when it, or its links, last changed, and marking the lowest ceiling that saw the same.
	told    [levels]int64
	marking [levels]intel.TLP
}

// profiles are those that the indicator was linked to, sorted.
func (w *formerIndicator) profiles(level intel.TLP) []string {
	var out []string
	for profile, at := range w.links {
		if at[level] != (stamp{}) {
			out = append(out, profile)
		}
	}
	slices.Sort(out)
	return out
}

// former reads the rows of an indicator that are about to be replaced.
func (f *folder) former(id string) (*formerIndicator, error) {
	was := &formerIndicator{links: map[string]*[levels]stamp{}}
	rows, err := f.query(`SELECT tlp_lo, tlp_hi, source, first_seen, first_basis, last_seen, sighted, ages_from, active_until, confidence, hidden, guard, guard_policy, born, position, told, marking
		FROM indicator WHERE id = ?`, id)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var lo, hi, marking intel.TLP
		var i foldedIndicator
		var st stamp
		var told int64
		if err := rows.Scan(&lo, &hi, &i.source, &i.first, &i.basis, &i.last, &i.sighted, &i.life.From, &i.life.Until, &i.life.Base, &i.hidden, &i.guard.List, &i.guard.Policy,
			&st.born, &st.position, &told, &marking); err != nil {
			return nil, err
		}
		for level := lo; level <= hi; level++ {
			was.at[level], was.ind[level], was.told[level], was.marking[level] = st.known(), i, told, marking
		}
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, err
	}
	if rows, err = f.query("SELECT DISTINCT profile_id FROM indicator_profile WHERE indicator_id = ?", id); err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var profile string
		if err := rows.Scan(&profile); err != nil {
			return nil, err
		}
		was.links[profile] = new([levels]stamp)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, err
	}
	for profile, at := range was.links {
		if err := f.formerLink(id, profile, at); err != nil {
			return nil, err
		}
	}
	return was, nil
}

func (f *folder) formerLink(id, profile string, at *[levels]stamp) error {
	rows, err := f.query("SELECT tlp_lo, tlp_hi, born, position FROM profile_indicator WHERE profile_id = ? AND indicator_id = ?", profile, id)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var lo, hi intel.TLP
		var st stamp
		if err := rows.Scan(&lo, &hi, &st.born, &st.position); err != nil {
			return err
		}
		for level := lo; level <= hi; level++ {
			at[level] = st.known()
		}
	}
	return rows.Err()
}

// before is the stamp of rows from before stamps were kept.
const before = -1

// known tells a row without a stamp from no row.
func (st stamp) known() stamp {
	if st.born == 0 {
		st.born = before
	}
	return st
}

// stored is the stamp as it stands in a row.
func (st stamp) stored() (born, position int64) { return max(st.born, 0), st.position }

// next is the stamp after a change at the position: changed says whether what the
// ceiling sees is another than before.
func (st stamp) next(position int64, changed bool) stamp {
	switch {
	case st == stamp{}:
		return stamp{position, position}
	case changed:
		st.position = position
	}
	return st
}

// note logs what is gone, and what was served before it changed, where a ceiling
// can see it. now has the ceilings that still see something.
func (f *folder) note(id string, was *formerIndicator, now []span) error {
	var is [levels]*span
	for i := range now {
		for level := now[i].lo; level <= now[i].hi; level++ {
			is[level] = &now[i]
		}
	}
	var op [levels]Op
	for level := range op {
		switch {
		case was.at[level] == stamp{}:
		case is[level] == nil:
			op[level] = Deleted
		case is[level].ind != was.ind[level]:
			op[level] = Updated
		}
	}
	err := runs(func(a, b intel.TLP) bool { return op[a] == op[b] && was.ind[a] == was.ind[b] }, func(lo, hi intel.TLP) error {
		if op[lo] == "" {
			return nil
		}
		entity := logIndicatorWas
		if op[lo] == Deleted {
			entity = logIndicatorGone
		}
		body, err := encodeJSON(was.ind[lo].wire())
		if err != nil {
			return err
		}
		return f.changes.add(entity, "", f.position, id, int(lo), int(hi), string(op[lo]), body)
	})
	if err != nil {
		return err
	}
	for profile, at := range was.links {
		gone := func(level intel.TLP) bool {
			return at[level] != stamp{} && (is[level] == nil || !slices.Contains(is[level].profiles, profile))
		}
		err := runs(func(a, b intel.TLP) bool { return gone(a) == gone(b) }, func(lo, hi intel.TLP) error {
			if !gone(lo) {
				return nil
			}
			return f.changes.add(logLinkGone, profile, f.position, id, int(lo), int(hi), string(Deleted), []byte{})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// A FormerIndicator is what was served of an indicator before it changed.
type FormerIndicator struct {
	Source     intel.IndicatorSource `json:"source"`
	FirstSeen  intel.Time            `json:"first"`
	LastSeen   intel.Time            `json:"last,omitempty"`
	Until      intel.Time            `json:"until,omitempty"` // the last moment above the floor of confidence
	Confidence int                   `json:"confidence,omitempty"`
	Revoked    bool                  `json:"revoked,omitempty"`
	Guard      string                `json:"guard,omitempty"` // the list that guards it
}

func (i foldedIndicator) wire() FormerIndicator {
	return FormerIndicator{i.source, i.first, i.last, i.life.Until, i.life.Base, i.hidden&hiddenRevoked != 0, i.guard.List}
}

// profileLevels is what each ceiling sees of a profile: the ETag, and the lowest
// ceiling of its row.
type profileLevels [levels]struct {
	etag string // "": nothing
	lo   intel.TLP
}

func (p *profileLevels) set(lo, hi intel.TLP, etag string) {
	for level := lo; level <= hi; level++ {
		p[level].etag, p[level].lo = etag, lo
	}
}

// log notes what ceilings see another state of a profile than before. former has
// the dossiers of the rows that are gone or replaced.
func (d *deriver) log(id string, was, is *profileLevels, former map[profileKey][]byte) error {
	op := func(level intel.TLP) Op {
		switch a, b := was[level].etag, is[level].etag; {
		case a == b:
			return ""
		case a == "":
			return Created
		case b == "":
			return Deleted
		}
		return Updated
	}
	same := func(a, b intel.TLP) bool { return op(a) == op(b) && was[a] == was[b] }
	return runs(same, func(lo, hi intel.TLP) error {
		what := op(lo)
		if what == "" {
			return nil
		}
		body := former[profileKey{id, was[lo].lo}]
		if what == Created || body == nil {
			body = []byte{}
		}
		return d.changes.add(logProfile, "", d.position, id, int(lo), int(hi), string(what), body)
	})
}

// retain keeps the dossier of a row that is about to go.
func (d *deriver) retain(k profileKey) error {
	var packed []byte
	err := d.tx.QueryRowContext(d.ctx, "SELECT dossier FROM profile WHERE id = ? AND tlp_lo = ?", k.id, int(k.lo)).Scan(&packed)
	if err == nil {
		d.former[k] = bytes.Clone(packed)
	}
	return err
}

// prune forgets changes that are older than the retention.
func (s *Store) prune(ctx context.Context, tx *sql.Tx) error {
	now := s.Now()
	last, err := metaInt(ctx, tx, metaPruned)
	if err != nil || now.Sub(time.UnixMilli(last)) < pruneEvery && last <= now.UnixMilli() {
		return err
	}
	var floor int64
	retention, err := s.retention(ctx, tx)
	if err != nil {
		return err
	}
	cutoff := now.Add(-retention).UnixMilli()
	if err := tx.QueryRowContext(ctx, "SELECT COALESCE(MAX(position), 0) FROM moment WHERE at < ?", cutoff).Scan(&floor); err != nil {
		return err
	}
	if have, err := metaInt(ctx, tx, metaFloor); err != nil {
		return err
	} else if floor > have {
		if _, err := tx.ExecContext(ctx, "DELETE FROM change WHERE position <= ?", floor); err != nil {
			return err
		}
		if err := setMeta(ctx, tx, metaFloor, strconv.FormatInt(floor, 10)); err != nil {
			return err
		}
	}
	return setMeta(ctx, tx, metaPruned, strconv.FormatInt(now.UnixMilli(), 10))
}

// metaRetention has how long changes are kept, in milliseconds: all who write obey it.
const metaRetention = "changes.retention"

// LeastRetention is the shortest time for which changes can be kept: notifications
// are tried again for hours, and clients of delta come by the day.
const LeastRetention = 24 * time.Hour

func (s *Store) retention(ctx context.Context, q rowQuerier) (time.Duration, error) {
	ms, err := metaInt(ctx, q, metaRetention)
	if err != nil || ms == 0 {
		return DefaultRetention, err
	}
	return time.Duration(ms) * time.Millisecond, nil
}

// Retention returns how long changes are kept.
func (s *Store) Retention(ctx context.Context) (time.Duration, error) {
	return s.retention(ctx, s.read)
}

// SetRetention says how long changes are kept from now on, in this database, by all
// who write to it. Older ones are forgotten with a later write; what is forgotten
// already does not come back.
func (s *Store) SetRetention(ctx context.Context, d time.Duration) error {
	if d < LeastRetention {
		return fmt.Errorf("changes are kept for at least %s, not %s", LeastRetention, d)
	}
	return s.inTx(ctx, func(tx *sql.Tx) error {
		if err := setMeta(ctx, tx, metaPruned, "0"); err != nil {
			return err
		}
		return setMeta(ctx, tx, metaRetention, strconv.FormatInt(d.Milliseconds(), 10))
	})
}

// metaInt reads a number, 0 if there is none.
func metaInt(ctx context.Context, q rowQuerier, key string) (n int64, err error) {
	var text string
	err = q.QueryRowContext(ctx, "SELECT value FROM meta WHERE key = ?", key).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	if n, err = strconv.ParseInt(text, 10, 64); err != nil {
		err = fmt.Errorf("%s: %w", key, err)
	}
	return n, err
}

func decodeFormer(raw []byte) (FormerIndicator, error) {
	var f FormerIndicator
	return f, json.Unmarshal(raw, &f)
}
