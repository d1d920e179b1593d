package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"

	"dossier/internal/guard"
	"dossier/internal/intel"
	"dossier/internal/lifecycle"
	"dossier/internal/observable"
	"dossier/internal/odata"
)

// An Indicator is an observable with what its evidence amounts to.
type Indicator struct {
	ID         string
	Observable observable.Observable
	Source     intel.IndicatorSource
	FirstSeen  intel.Time
	Basis      intel.Basis // what FirstSeen rests on
	LastSeen   intel.Time  // 0: not stated
	// Life is what the evidence amounts to; Confidence is what is left of it at the time of
	// the answer, 0..100.
	Life       lifecycle.Life
	Confidence int
	Active     bool          // shown, and above the confidence floor at the time of the answer
	Guard      guard.Listing // the list that guards it, if one does
	Revoked    bool          // every source withdrew it
	TLP        intel.TLP     // the lowest ceiling that sees it as it is here

	// Only [Store.EachIndicator] fills these.
	Profiles   []ProfileTitle // that it is linked to, by title
	Publishers []string       // that assert it, by id

	// Only with [Selection.Dated]: when it was first served here, and when what is told
	// of it last changed. TLP is then the lowest ceiling that sees the same, whenever it
	// changed for whom.
	Created, Modified intel.Time
}

// Guarded reports whether a list keeps the indicator from hunts, exports and the
// collections.
func (i *Indicator) Guarded() bool { return i.Guard.Policy == guard.Exclude }

// WireIndicator is intelligenceProfileIndicator in its wire form.
type WireIndicator struct {
	ODataType string       `json:"@odata.type"`
	ID        string       `json:"id"`
	Source    string       `json:"source"`
	FirstSeen string       `json:"firstSeenDateTime"`
	LastSeen  *string      `json:"lastSeenDateTime"`
	Artifact  WireArtifact `json:"artifact"`
}

// WireArtifact is an artifact as it is inlined.
type WireArtifact struct {
	ODataType string `json:"@odata.type"`
	ID        string `json:"id"`
	Kind      string `json:"kind,omitempty"`
	Value     string `json:"value,omitempty"`
}

// Wire returns the wire form. Times have three fraction digits.
func (i *Indicator) Wire() WireIndicator {
	w := WireIndicator{
		ODataType: intel.IndicatorType, ID: i.ID, Source: string(i.Source), FirstSeen: i.FirstSeen.Millis(),
		Artifact: Artifact(i.Observable),
	}
	if i.LastSeen != 0 {
		last := i.LastSeen.Millis()
		w.LastSeen = &last
	}
	return w
}

// ETag returns the digest of the wire form, which the entity's tag is made of.
func (i *Indicator) ETag() (string, error) {
	raw, err := encodeJSON(i.Wire())
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:16]), nil
}

// Artifact returns the inlined artifact of an observable: names and addresses
// are hosts, anything else is an unclassifiedArtifact.
func Artifact(o observable.Observable) WireArtifact {
	switch o.Kind {
	case observable.Domain:
		return WireArtifact{ODataType: "#" + namespace + "hostname", ID: o.Value}
	case observable.IPAddress:
		return WireArtifact{ODataType: "#" + namespace + "ipAddress", ID: o.Value}
	}
	return WireArtifact{
		ODataType: "#" + namespace + "unclassifiedArtifact",
		ID:        base64.StdEncoding.EncodeToString([]byte(string(o.Kind) + "$$" + o.Value)),
		Kind:      string(o.Kind), Value: o.Value,
	}
}

func indicatorSelect(id string) string {
	return id + ", i.kind, i.value, i.source, i.first_seen, i.first_basis, i.last_seen, i.ages_from, i.active_until, i.confidence, i.hidden, i.guard, i.guard_policy, i.tlp_lo"
}

// scanIndicator returns what reads an indicator as of now.
func (s *Store) scanIndicator() func(rows scanner, more ...any) (*Indicator, error) {
	now := intel.TimeOf(s.Now())
	return func(rows scanner, more ...any) (*Indicator, error) {
		i := new(Indicator)
		var hidden int
		err := rows.Scan(append([]any{
			&i.ID, &i.Observable.Kind, &i.Observable.Value, &i.Source, &i.FirstSeen, &i.Basis, &i.LastSeen,
			&i.Life.From, &i.Life.Until, &i.Life.Base, &hidden, &i.Guard.List, &i.Guard.Policy, &i.TLP,
		}, more...)...)
		i.Revoked = hidden&hiddenRevoked != 0
		i.Confidence = i.Life.At(i.Observable.Kind, now)
		i.Active = hidden == 0 && i.Life.Active(now)
		return i, err
	}
}

func (s *Store) indicatorList(v View) list[*Indicator] {
	return list[*Indicator]{
		set: indicatorSet, alias: "i", view: v, scope: "indicators" + string(v.Mode), columns: indicatorSelect("i.id"), from: "indicator i",
		where: s.shown("i", v), scan: s.scanIndicator(),
		deferred: true,
	}
}

func (s *Store) profileIndicatorList(profileID string, v View) list[*Indicator] {
	return list[*Indicator]{
		set: profileIndicatorSet, alias: "i", view: v, scope: "indicators of " + profileID + string(v.Mode), columns: indicatorSelect("i.indicator_id"),
		from: "profile_indicator i", where: sqlf(fragment{"i.profile_id = ? AND ", []any{profileID}}, s.shown("i", v)), scan: s.scanIndicator(),
	}
}

// Indicators returns a page of all indicators. The query is one against
// Types.Indicator.
func (s *Store) Indicators(ctx context.Context, q *odata.Query, v View) (*Page[*Indicator], error) {
	l := s.indicatorList(v)
	return l.page(ctx, s, q)
}

// IndicatorCount returns how many indicators match the query.
func (s *Store) IndicatorCount(ctx context.Context, q *odata.Query, v View) (int64, error) {
	l := s.indicatorList(v)
	return l.count(ctx, s, q)
}

// ProfileIndicators returns a page of a profile's indicators. profileID is the
// canonical id.
func (s *Store) ProfileIndicators(ctx context.Context, profileID string, q *odata.Query, v View) (*Page[*Indicator], error) {
	l := s.profileIndicatorList(profileID, v)
	return l.page(ctx, s, q)
}

// ProfileIndicatorCount returns how many of a profile's indicators match.
func (s *Store) ProfileIndicatorCount(ctx context.Context, profileID string, q *odata.Query, v View) (int64, error) {
	l := s.profileIndicatorList(profileID, v)
	return l.count(ctx, s, q)
}

// Indicator returns the indicator with the id. The error wraps
// [intel.ErrNotFound] if there is none.
func (s *Store) Indicator(ctx context.Context, id string, v View) (*Indicator, error) {
	l := s.indicatorList(v)
	return s.oneIndicator(ctx, id, sqlf("SELECT "+l.columns+" FROM "+l.from+" WHERE ", fragment{"i.id = ? AND ", []any{id}}, l.where))
}

// ProfileIndicator returns one indicator of a profile. The error wraps
// [intel.ErrNotFound] if the profile has none with the id.
func (s *Store) ProfileIndicator(ctx context.Context, profileID, id string, v View) (*Indicator, error) {
	l := s.profileIndicatorList(profileID, v)
	return s.oneIndicator(ctx, id, sqlf("SELECT "+l.columns+" FROM "+l.from+" WHERE ", fragment{"i.indicator_id = ? AND ", []any{id}}, l.where))
}

func (s *Store) oneIndicator(ctx context.Context, id string, query fragment) (*Indicator, error) {
	i, err := s.scanIndicator()(s.queryRow(s.brief(ctx), query.sql, query.args...))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("indicator %q: %w", id, intel.ErrNotFound)
	}
	return i, err
}
