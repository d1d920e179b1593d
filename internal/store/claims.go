package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"dossier/internal/intel"
)

const claimColumns = "id, owner, target, field, action, value, tlp, client, name, made, withdrawn, link"

func scanClaim(row scanner) (*intel.Claim, error) {
	c := new(intel.Claim)
	var value, link string
	err := row.Scan(&c.ID, &c.Owner, &c.Target, &c.Field, &c.Action, &value, &c.TLP, &c.Client, &c.Name, &c.Made, &c.Withdrawn, &link)
	if value != "" {
		c.Value = json.RawMessage(value)
	}
	return c, err
}

// linked returns the indicator that a claim links, "" if it is no link.
func linked(c *intel.Claim) (id string) {
	if c.Field == intel.FieldIndicators {
		_ = json.Unmarshal(c.Value, &id) // a string: it was written so
	}
	return id
}

type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// claimsWhere returns claims in the order in which they were made.
func claimsWhere(ctx context.Context, q querier, cond string, args ...any) (intel.Claims, error) {
	rows, err := q.QueryContext(ctx, "SELECT "+claimColumns+" FROM analyst_claim WHERE "+cond+" ORDER BY made, id", args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out intel.Claims
	for rows.Next() {
		c, err := scanClaim(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, rows.Err()
}

// Claims returns what people have said of the target, or of everything if it is
// "", up to the ceiling, withdrawn claims included, in the order in which they
// were made; at most limit of them, the newest.
func (s *Store) Claims(ctx context.Context, target string, limit int, v View) (intel.Claims, error) {
	cond, args := "tlp <= ?", []any{int(v.Ceiling)}
	if target != "" {
		cond, args = cond+" AND (target = ? OR link = ?)", append(args, target, target)
	}
	list, err := claimsWhere(ctx, s.read, "id IN (SELECT id FROM analyst_claim WHERE "+cond+" ORDER BY made DESC, id DESC LIMIT ?)", append(args, limit)...)
	return list, err
}

// Claim returns one claim. The error wraps [intel.ErrNotFound] if there is none
// up to the ceiling.
func (s *Store) Claim(ctx context.Context, id string, v View) (*intel.Claim, error) {
	list, err := claimsWhere(ctx, s.read, "id = ? AND tlp <= ?", id, int(v.Ceiling))
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("claim %q: %w", id, intel.ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	return list[0], nil
}

// ProfileClaims returns the claims that hold about profiles, by their target.
func (s *Store) ProfileClaims(ctx context.Context) (map[string]intel.Claims, error) {
	list, err := claimsWhere(ctx, s.write, "withdrawn = 0 AND link = '' AND LENGTH(target) = ?", profileIDLength)
	if err != nil {
		return nil, err
	}
	out := map[string]intel.Claims{}
	for _, c := range list {
		out[c.Target] = append(out[c.Target], c)
	}
	return out, nil
}

// profileIDLength tells ids of profiles, which are SHA-256 in hex, from those of
// indicators, which are GUIDs.
const profileIDLength = 64

// IsIndicator reports whether an id is that of an indicator, not of a profile.
func IsIndicator(id string) bool { return len(id) != profileIDLength }

// Claim keeps a claim. If it is about an indicator or a link, that indicator is
// folded again by [Store.FoldIndicators].
func (b *Batch) Claim(ctx context.Context, c *intel.Claim) error {
	if err := b.publisher(ctx, intel.Analyst, c.TLP); err != nil {
		return err
	}
	link := linked(c)
	if c.Field == intel.FieldResolution {
		link = decisionLink
	}
	if err := b.exec(ctx, "INSERT INTO analyst_claim ("+claimColumns+") VALUES ("+marks(12)+")",
		c.ID, c.Owner, c.Target, c.Field, string(c.Action), string(c.Value), int(c.TLP), c.Client, c.Name, int64(c.Made), int64(c.Withdrawn), link); err != nil {
		return err
	}
	return b.claimed(ctx, c)
}

// Withdraw ends a claim, which stays to be seen.
func (b *Batch) Withdraw(ctx context.Context, c *intel.Claim) error {
	if c.Field == "" && !IsIndicator(c.Target) {
		b.touchAll() // what was hidden is not stored as it would be
	}
	if err := b.exec(ctx, "UPDATE analyst_claim SET withdrawn = ? WHERE id = ? AND withdrawn = 0", int64(b.now), c.ID); err != nil {
		return err
	}
	return b.claimed(ctx, c)
}

// claimed notes what is to be computed again. A field of a profile is not: it is
// computed with the claim.
func (b *Batch) claimed(ctx context.Context, c *intel.Claim) error {
	b.changed = true
	b.marked(c.TLP)
	indicator := linked(c)
	if indicator == "" && IsIndicator(c.Target) {
		indicator = c.Target
	}
	d, decided := c.Decision()
	switch {
	case indicator != "":
	case decided && d.Verdict != intel.NameMeans && d.A.Publisher != "" && (d.B == nil || d.B.Publisher != ""):
		if b.touch(false, d.A.Ref); d.B != nil {
			b.touch(false, d.B.Ref)
		}
	case decided:
		b.touchAll()
	}
	if indicator == "" {
		return nil
	}
	return b.exec(ctx, "INSERT INTO pending (indicator_id) VALUES (?) ON CONFLICT (indicator_id) DO NOTHING", indicator)
}

// ClaimByID returns a claim as the batch has left it. The error wraps
// [intel.ErrNotFound] if there is none.
func (b *Batch) ClaimByID(ctx context.Context, id string) (*intel.Claim, error) {
	list, err := claimsWhere(ctx, b.tx, "id = ?", id)
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("claim %q: %w", id, intel.ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	return list[0], nil
}

// ClaimsOf returns the claims about things, links left out, as the batch has left
// them.
func (b *Batch) ClaimsOf(ctx context.Context, targets ...string) (intel.Claims, error) {
	return claimsWhere(ctx, b.tx, "link = '' AND target IN ("+marks(len(targets))+")", anys(targets)...)
}

// A StoredProfile is a profile as it is served to the ceilings Lo to Hi.
type StoredProfile struct {
	Lo, Hi  intel.TLP
	ETag    string
	Dossier *intel.Dossier
	Former  []string // further ids that lead to it
}

// Stored returns what is served of a profile, by ceiling, lowest first; nothing if
// there is no profile with this id.
func (b *Batch) Stored(ctx context.Context, id string) ([]StoredProfile, error) {
	rows, err := b.tx.QueryContext(ctx, "SELECT tlp_lo, tlp_hi, etag, dossier FROM profile WHERE id = ? ORDER BY tlp_lo", id)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []StoredProfile
	for rows.Next() {
		var p StoredProfile
		var packed []byte
		if err := rows.Scan(&p.Lo, &p.Hi, &p.ETag, &packed); err != nil {
			return nil, err
		}
		raw, err := decompress(packed)
		if err != nil {
			return nil, err
		}
		p.Dossier = new(intel.Dossier)
		if err := json.Unmarshal(raw, p.Dossier); err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, err
	}
	for i := range out {
		if out[i].Former, err = b.former(ctx, id, out[i].Lo); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (b *Batch) former(ctx context.Context, id string, lo intel.TLP) ([]string, error) {
	rows, err := b.tx.QueryContext(ctx, "SELECT id FROM profile_key WHERE profile_id = ? AND tlp_lo = ? AND id <> ? ORDER BY id", id, int(lo), id)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var former string
		if err := rows.Scan(&former); err != nil {
			return nil, err
		}
		out = append(out, former)
	}
	return out, rows.Err()
}

// Founded reports whether a profile with this id was ever made from records: then
// everything is to be derived again, for it is not stored as it would be.
func (b *Batch) Founded(ctx context.Context, id string) (bool, error) {
	var n int
	err := b.tx.QueryRowContext(ctx, "SELECT COUNT(*) FROM (SELECT 1 FROM ledger WHERE profile_id = ? LIMIT 1) found", id).Scan(&n)
	if n > 0 {
		b.touchAll()
	}
	return n > 0, err
}

// PutProfile replaces what is served of one profile; an empty list removes it,
// and its indicators are folded again by [Store.FoldIndicators].
func (b *Batch) PutProfile(ctx context.Context, id string, list []*Derived) error {
	d := deriver{ctx: ctx, tx: b.tx, now: b.now, scope: map[string]bool{id: true}}
	var err error
	if d.position, err = nextPosition(ctx, b.tx, b.now, 1); err != nil {
		return err
	}
	if _, _, err := d.profiles(list); err != nil {
		return err
	}
	b.changed = true
	if len(list) > 0 {
		return nil
	}
	for _, q := range []string{
		"INSERT INTO pending (indicator_id) SELECT DISTINCT indicator_id FROM indicator_profile WHERE profile_id = ? ON CONFLICT (indicator_id) DO NOTHING",
		"DELETE FROM member WHERE profile_id = ?",
	} {
		if _, err := b.tx.ExecContext(ctx, q, id); err != nil {
			return err
		}
	}
	return nil
}

// indicatorClaims are the claims that bear on a chunk of indicators.
type indicatorClaims struct {
	about map[string]intel.Claims // by indicator: fields and the whole
	links map[string]intel.Claims // by indicator
	keys  map[string][]memberSpan // what the targets of links lead to
}

// claimsOn reads the claims that bear on the indicators.
func claimsOn(ctx context.Context, tx querier, ids []string) (c indicatorClaims, err error) {
	list, err := claimsWhere(ctx, tx, "withdrawn = 0 AND (target IN ("+marks(len(ids))+") OR link IN ("+marks(len(ids))+"))", slices.Concat(anys(ids), anys(ids))...)
	if err != nil || len(list) == 0 {
		return c, err
	}
	c = indicatorClaims{map[string]intel.Claims{}, map[string]intel.Claims{}, map[string][]memberSpan{}}
	for _, x := range list {
		link := linked(x)
		if link == "" {
			c.about[x.Target] = append(c.about[x.Target], x)
			continue
		}
		c.links[link] = append(c.links[link], x)
		c.keys[x.Target] = nil
	}
	for target := range c.keys {
		rows, err := tx.QueryContext(ctx, "SELECT tlp_lo, tlp_hi, profile_id FROM profile_key WHERE id = ?", target)
		if err != nil {
			return c, err
		}
		for rows.Next() {
			var m memberSpan
			if err := rows.Scan(&m.lo, &m.hi, &m.profile); err != nil {
				rows.Close()
				return c, err
			}
			c.keys[target] = append(c.keys[target], m)
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return c, err
		}
	}
	return c, nil
}

// edges marks the ceilings where what the claims say of an indicator begins or
// ends.
func (c *indicatorClaims) edges(id string, edge []bool) {
	for _, x := range slices.Concat(c.about[id], c.links[id]) {
		edge[x.TLP] = true
		for _, m := range c.keys[x.Target] {
			edge[m.lo], edge[m.hi+1] = true, true
		}
	}
}

// apply sets over an indicator what people say of it at a level; it reports
// whether there still is one.
func (c *indicatorClaims) apply(id string, level intel.TLP, ind *foldedIndicator, profiles []string) ([]string, bool) {
	for _, x := range c.about[id].At(level) {
		switch {
		case x.Field == "" && x.Action == intel.Suppress:
			return nil, false
		case x.Field == "source":
			_ = json.Unmarshal(x.Value, &ind.source)
		case x.Field == "firstSeenDateTime":
			if json.Unmarshal(x.Value, &ind.first) == nil {
				ind.basis, ind.sighted = intel.BasisStated, ind.first
			}
		case x.Field == "lastSeenDateTime":
			ind.last = 0
			if x.Action == intel.Set {
				_ = json.Unmarshal(x.Value, &ind.last)
			}
		}
	}
	for _, x := range c.links[id].At(level) {
		for _, m := range c.keys[x.Target] {
			if m.lo > level || level > m.hi {
				continue
			}
			profiles = slices.DeleteFunc(profiles, func(p string) bool { return p == m.profile })
			if x.Action == intel.Set {
				profiles = append(profiles, m.profile)
			}
		}
	}
	slices.Sort(profiles)
	return slices.Compact(profiles), true
}
