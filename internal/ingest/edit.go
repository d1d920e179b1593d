package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"dossier/internal/intel"
	"dossier/internal/profile"
	"dossier/internal/store"
)

// An Editor writes what people say of profiles and indicators, as claims that
// override the sources and can be withdrawn. What is served changes with it at
// once. It is safe for concurrent use; writes wait for each other.
type Editor struct{ Store *store.Store }

// An Author is who writes.
type Author struct {
	Client string // id
	Name   string
	Owner  string
	TLP    intel.TLP // marking of what is written; raised to that of what it is about
	View   store.View
}

// A Statement is what is said of one field.
type Statement struct {
	Field  string // as in [intel.Claim]
	Action intel.ClaimAction
	Value  json.RawMessage
}

// Errors of an Editor, besides [intel.ErrNotFound] and [store.ErrExists].
var ErrChanged = errors.New("it was changed meanwhile")

// A Match reports whether a thing is in the state that the writer expects; nil is
// any state.
type Match[T any] func(T) bool

// begin starts a write; settle must be deferred.
func (e Editor) begin(ctx context.Context) (*store.Batch, error) {
	return e.Store.Begin(ctx, store.FromImport)
}

// settle ends a write, as a deferred call: it is kept if there is no error, and what
// is served is computed, all of it if whole is set (nil: not). A panic goes on,
// and nothing is kept.
func (e Editor) settle(ctx context.Context, b *store.Batch, whole *bool, err *error) {
	if p := recover(); p != nil {
		b.Rollback()
		panic(p)
	}
	if *err != nil {
		b.Rollback()
		return
	}
	if *err = b.Commit(ctx); *err != nil {
		return
	}
	// It is written: what follows is not given up because the client hung up.
	ctx = context.WithoutCancel(ctx)
	if whole != nil && *whole {
		_, *err = rederive(ctx, e.Store, nil)
		return
	}
	_, *err = e.Store.FoldIndicators(ctx, nil)
}

func (a Author) claim(target string, s Statement, tlp intel.TLP, now intel.Time) *intel.Claim {
	return &intel.Claim{
		ID: store.NewGUID(), Owner: a.Owner, Target: target, Field: s.Field, Action: s.Action, Value: s.Value,
		TLP: max(a.TLP, tlp), Client: a.Client, Name: a.Name, Made: now,
	}
}

// MakeProfile makes a profile of which people say everything, or revives one
// that was hidden. The error wraps [store.ErrExists] if there is one with the id.
func (e Editor) MakeProfile(ctx context.Context, by Author, id string, says []Statement) (err error) {
	b, err := e.begin(ctx)
	if err != nil {
		return err
	}
	founded := false
	defer e.settle(ctx, b, &founded, &err)
	if _, err := e.Store.CanonicalID(ctx, id, by.View); !errors.Is(err, intel.ErrNotFound) {
		if err == nil {
			err = fmt.Errorf("profile %q: %w", id, store.ErrExists)
		}
		return err
	}
	if founded, err = b.Founded(ctx, id); err != nil {
		return err
	}
	return e.say(ctx, b, by, id, intel.Clear, append([]Statement{{Action: intel.Set}}, says...))
}

// ChangeProfile sets fields of a profile; id is the canonical one. The error wraps
// [intel.ErrNotFound], or [ErrChanged] if it does not match.
func (e Editor) ChangeProfile(ctx context.Context, by Author, id string, match Match[*store.Profile], says []Statement) (err error) {
	b, err := e.begin(ctx)
	if err != nil {
		return err
	}
	defer e.settle(ctx, b, nil, &err)
	if err := e.expectProfile(ctx, by, id, match); err != nil {
		return err
	}
	lo, err := lowest(ctx, b, id)
	if err != nil {
		return err
	}
	return e.say(ctx, b, by, id, lo, says)
}

// HideProfile takes a profile away until somebody makes it again, or withdraws
// the claim. Its indicators stay. Errors are those of [Editor.ChangeProfile].
func (e Editor) HideProfile(ctx context.Context, by Author, id string, match Match[*store.Profile]) error {
	return e.ChangeProfile(ctx, by, id, match, []Statement{{Action: intel.Suppress}})
}

func (e Editor) expectProfile(ctx context.Context, by Author, id string, match Match[*store.Profile]) error {
	p, err := e.Store.Profile(ctx, id, by.View)
	switch {
	case err != nil:
		return err
	case match != nil && !match(p):
		return ErrChanged
	}
	return nil
}

// lowest is the marking from which on there is a profile.
func lowest(ctx context.Context, b *store.Batch, id string) (intel.TLP, error) {
	stored, err := b.Stored(ctx, id)
	if err != nil || len(stored) == 0 {
		return intel.Clear, err
	}
	return stored[0].Lo, nil
}

// say keeps claims about a profile and computes what is served of it.
func (e Editor) say(ctx context.Context, b *store.Batch, by Author, id string, tlp intel.TLP, says []Statement) error {
	now := intel.TimeOf(e.Store.Now())
	for _, s := range says {
		if err := b.Claim(ctx, by.claim(id, s, tlp, now)); err != nil {
			return err
		}
	}
	return refresh(ctx, b, id)
}

// refresh computes one profile again from what is stored of it and the claims,
// as deriving everything would.
func refresh(ctx context.Context, b *store.Batch, id string) error {
	stored, err := b.Stored(ctx, id)
	if err != nil {
		return err
	}
	former := map[string]bool{}
	for _, p := range stored {
		for _, id := range p.Former {
			former[id] = true
		}
	}
	all, err := b.ClaimsOf(ctx, append(slices.Sorted(maps.Keys(former)), id)...)
	if err != nil {
		return err
	}
	var claims intel.Claims
	for _, c := range all {
		if c = following(c, id); c != nil {
			claims = append(claims, c)
		}
	}
	var edges [intel.Red + 1]bool
	edges[intel.Clear] = true
	for _, p := range stored {
		edges[p.Lo] = true
	}
	for _, c := range claims {
		edges[c.TLP] = true
	}
	var out []*store.Derived
	open := false // the last one goes on
	for level := intel.Clear; level <= intel.Red; level++ {
		if !edges[level] {
			if open {
				out[len(out)-1].Hi = level
			}
			continue
		}
		d := derivedAt(stored, claims, id, level)
		if open = d != nil; open {
			out = append(out, d)
		}
	}
	return b.PutProfile(ctx, id, merged(out))
}

// derivedAt is the profile for those who see up to level; nil if there is none.
func derivedAt(stored []store.StoredProfile, claims intel.Claims, id string, level intel.TLP) *store.Derived {
	at := claims.At(level)
	if at.Suppressed() {
		return nil
	}
	i := slices.IndexFunc(stored, func(p store.StoredProfile) bool { return p.Lo <= level && level <= p.Hi && len(p.Dossier.Records) > 0 })
	var dossier *intel.Dossier
	d := &store.Derived{ID: id, Lo: level, Hi: level, Fold: func() *intel.Dossier { return dossier }}
	switch whole := at.Of(""); {
	case i >= 0:
		dossier, d.Former = profile.Override(stored[i].Dossier, at), stored[i].Former
		for _, r := range dossier.Records {
			d.Members = append(d.Members, r.Ref)
		}
	case whole != nil && whole.Action == intel.Set:
		dossier = profile.Made(id, at)
	default:
		return nil
	}
	return d
}

// merged joins neighbours that are the same.
func merged(list []*store.Derived) []*store.Derived {
	var out []*store.Derived
	for _, d := range list {
		if n := len(out); n > 0 && out[n-1].Hi+1 == d.Lo && digest(out[n-1]) == digest(d) {
			out[n-1].Hi = d.Hi
			continue
		}
		out = append(out, d)
	}
	return out
}

// AddIndicator keeps that people saw an observable, and links it to a profile if
// one is named by its canonical id. It reports whether the indicator is new to
// the author.
func (e Editor) AddIndicator(ctx context.Context, by Author, o *intel.Observation, profileID string) (isNew bool, err error) {
	b, err := e.begin(ctx)
	if err != nil {
		return false, err
	}
	defer e.settle(ctx, b, nil, &err)
	id := o.Observable.ID()
	view := by.View
	view.Mode = store.All
	switch _, err := e.Store.Indicator(ctx, id, view); {
	case errors.Is(err, intel.ErrNotFound):
		isNew = true
	case err != nil:
		return false, err
	}
	now := intel.TimeOf(e.Store.Now())
	seen := *o
	seen.Publisher, seen.TLP, seen.Modified = intel.Analyst, max(seen.TLP, by.TLP), now
	if err := b.Observe(ctx, &seen); err != nil {
		return false, err
	}
	if _, err := b.Observed(ctx); err != nil {
		return false, err
	}
	if err := b.Claim(ctx, by.claim(id, Statement{Action: intel.Set}, seen.TLP, now)); err != nil {
		return false, err
	}
	if profileID == "" {
		return isNew, nil
	}
	return isNew, e.link(ctx, b, by, profileID, id, intel.Set, seen.TLP)
}

// ChangeIndicator sets fields of an indicator; errors are those of
// [Editor.ChangeProfile].
func (e Editor) ChangeIndicator(ctx context.Context, by Author, id string, match Match[*store.Indicator], says []Statement) (err error) {
	b, err := e.begin(ctx)
	if err != nil {
		return err
	}
	defer e.settle(ctx, b, nil, &err)
	i, err := e.Store.Indicator(ctx, id, by.View)
	switch {
	case err != nil:
		return err
	case match != nil && !match(i):
		return ErrChanged
	}
	lo, err := e.lowestEvidence(ctx, by, id)
	if err != nil {
		return err
	}
	for _, s := range says {
		if err := b.Claim(ctx, by.claim(id, s, lo, intel.TimeOf(e.Store.Now()))); err != nil {
			return err
		}
	}
	return nil
}

// HideIndicator takes an indicator away from everywhere. Errors are those of
// [Editor.ChangeProfile].
func (e Editor) HideIndicator(ctx context.Context, by Author, id string, match Match[*store.Indicator]) error {
	return e.ChangeIndicator(ctx, by, id, match, []Statement{{Action: intel.Suppress}})
}

// lowestEvidence is the marking from which on there is an indicator.
func (e Editor) lowestEvidence(ctx context.Context, by Author, id string) (intel.TLP, error) {
	list, err := e.Store.Evidence(ctx, id, by.View)
	if err != nil || len(list) == 0 {
		return intel.Clear, err
	}
	lo := intel.Red
	for _, x := range list {
		lo = min(lo, x.TLP)
	}
	return lo, nil
}

// Link ties an indicator to a profile, or, with [intel.Suppress], takes it from it.
// Both ids are canonical. The error wraps [intel.ErrNotFound] if either is not
// there, or if what is to be taken away is not linked.
func (e Editor) Link(ctx context.Context, by Author, profileID, indicatorID string, action intel.ClaimAction) (err error) {
	b, err := e.begin(ctx)
	if err != nil {
		return err
	}
	defer e.settle(ctx, b, nil, &err)
	view := by.View
	view.Mode = store.All
	if action == intel.Suppress {
		if _, err := e.Store.ProfileIndicator(ctx, profileID, indicatorID, view); err != nil {
			return err
		}
	} else if _, err := e.Store.Indicator(ctx, indicatorID, view); err != nil {
		return err
	}
	lo, err := e.lowestEvidence(ctx, by, indicatorID)
	if err != nil {
		return err
	}
	return e.link(ctx, b, by, profileID, indicatorID, action, lo)
}

func (e Editor) link(ctx context.Context, b *store.Batch, by Author, profileID, indicatorID string, action intel.ClaimAction, tlp intel.TLP) error {
	if err := e.expectProfile(ctx, by, profileID, nil); err != nil {
		return err
	}
	lo, err := lowest(ctx, b, profileID)
	if err != nil {
		return err
	}
	value, err := json.Marshal(indicatorID)
	if err != nil {
		return err
	}
	return b.Claim(ctx, by.claim(profileID, Statement{intel.FieldIndicators, action, value}, max(lo, tlp), intel.TimeOf(e.Store.Now())))
}

// Withdraw ends a claim: what the sources say counts again, or an earlier claim.
// The error wraps [intel.ErrNotFound] if the author sees no such claim.
func (e Editor) Withdraw(ctx context.Context, by Author, id string) (err error) {
	b, err := e.begin(ctx)
	if err != nil {
		return err
	}
	whole := false
	defer e.settle(ctx, b, &whole, &err)
	c, err := e.Store.Claim(ctx, id, by.View)
	if err != nil {
		return err
	}
	if err := b.Withdraw(ctx, c); err != nil {
		return err
	}
	// What was hidden, or has moved, is not stored as it would be.
	whole = c.Field == intel.FieldResolution || c.Field == "" && !store.IsIndicator(c.Target)
	if whole || c.Field == intel.FieldIndicators || store.IsIndicator(c.Target) {
		return nil
	}
	return refresh(ctx, b, c.Target)
}
