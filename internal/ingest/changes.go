package ingest

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"dossier/internal/intel"
	"dossier/internal/lifecycle"
	"dossier/internal/profile"
	"dossier/internal/store"
)

// What became of a thing, for people.
const (
	ChangeNew     = "new"
	ChangeChanged = "changed"
	ChangeGone    = "gone"
)

// A Report says what changed since a time.
type Report struct {
	Since      intel.Time        `json:"since"`
	KnownSince intel.Time        `json:"knownSince,omitzero"` // if changes are not known from Since on
	Profiles   []ProfileReport   `json:"profiles"`            // never absent
	Indicators []IndicatorReport `json:"indicators"`          // never absent
	More       bool              `json:"more,omitempty"`      // there are more than were asked for
}

// A ProfileReport is what became of a profile.
type ProfileReport struct {
	ID     string                `json:"id"`
	Kind   intel.Kind            `json:"kind"`
	Title  string                `json:"title"`
	Change string                `json:"change"`
	Fields []profile.FieldChange `json:"fields,omitempty"` // of one that changed
}

// An IndicatorReport is what became of an indicator.
type IndicatorReport struct {
	ID     string                `json:"id"`
	Kind   string                `json:"kind"`
	Value  string                `json:"value"`
	Change string                `json:"change"`
	Fields []profile.FieldChange `json:"fields,omitempty"` // of one that changed
}

// ReportChanges says what the view sees that is not as it was at a time: at most limit
// profiles and indicators each. id is that of a profile, "" for all. The error
// wraps [intel.ErrNotFound] if there is no such profile.
func ReportChanges(ctx context.Context, s *store.Store, id string, since intel.Time, limit int, v store.View) (*Report, error) {
	if id != "" {
		canonical, err := s.CanonicalID(ctx, id, v)
		if err != nil {
			return nil, err
		}
		id = canonical
	}
	position, known, err := s.PositionAt(ctx, since)
	if err != nil {
		return nil, err
	}
	r := &Report{Since: since, KnownSince: known, Profiles: []ProfileReport{}, Indicators: []IndicatorReport{}}
	profiles, more, err := s.ProfilesSince(ctx, id, position, limit, v)
	if err != nil {
		return nil, err
	}
	r.More = more
	for _, c := range profiles {
		d, p := c.After, ProfileReport{ID: c.ID, Change: ChangeChanged}
		switch {
		case c.Before == nil:
			p.Change = ChangeNew
		case c.After == nil:
			p.Change, d = ChangeGone, c.Before
		default:
			if p.Fields = profile.Diff(c.Before, c.After); len(p.Fields) == 0 {
				continue // it is again what it was
			}
		}
		p.Kind, p.Title = d.Profile.Kind, d.Profile.Title
		r.Profiles = append(r.Profiles, p)
	}
	indicators, more, err := s.IndicatorsSince(ctx, id, position, limit, v)
	if err != nil {
		return nil, err
	}
	r.More = r.More || more
	for _, c := range indicators {
		i := IndicatorReport{ID: c.ID, Kind: string(c.Observable.Kind), Value: c.Observable.Value, Change: ChangeChanged}
		switch {
		case c.After == nil:
			i.Change = ChangeGone
		case c.New:
			i.Change = ChangeNew
		case c.Before != nil:
			if i.Fields = indicatorDiff(c.Before, c.After); len(i.Fields) == 0 {
				continue
			}
		}
		r.Indicators = append(r.Indicators, i)
	}
	return r, nil
}

func indicatorDiff(a *store.FormerIndicator, b *store.Indicator) []profile.FieldChange {
	var out []profile.FieldChange
	add := func(field, before, after string) {
		if before != after {
			out = append(out, profile.FieldChange{Field: field, Before: some(before), After: some(after)})
		}
	}
	add("source", string(a.Source), string(b.Source))
	add("firstSeenDateTime", a.FirstSeen.String(), b.FirstSeen.String())
	add("lastSeenDateTime", dated(a.LastSeen), dated(b.LastSeen))
	add("activeUntil", until(a.Until), until(b.Life.Until))
	add("confidence", number(a.Confidence), number(b.Life.Base))
	add("guard", a.Guard, b.Guard.List)
	add("revoked", strconv.FormatBool(a.Revoked), strconv.FormatBool(b.Revoked))
	return out
}

func some(s string) []string {
	if s == "" {
		return []string{}
	}
	return []string{s}
}

// until is the last moment in which an indicator counts; "never" if there is none.
func until(t intel.Time) string {
	switch t {
	case 0:
		return "never active"
	case lifecycle.Never:
		return "without end"
	}
	return t.String()
}

func dated(t intel.Time) string {
	if t == 0 {
		return ""
	}
	return t.String()
}

func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// ParseSince reads a time as people write it: a date, a time of RFC 3339, or how
// long ago, as 36h or 7d.
func ParseSince(text string, now time.Time) (intel.Time, error) {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return intel.TimeOf(t), nil
		}
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n >= 0 && n <= 36500 {
			return intel.TimeOf(now.AddDate(0, 0, -n)), nil
		}
	}
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return intel.TimeOf(now.Add(-d)), nil
	}
	return 0, fmt.Errorf("%q is no time: want 2026-01-31, 2026-01-31T08:00:00Z, 36h or 7d", text)
}
