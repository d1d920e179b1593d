package store

import (
	"context"
	"errors"

	"dossier/internal/intel"
	"dossier/internal/lifecycle"
	"dossier/internal/observable"
)

// Evidence is what one publisher says of an indicator.
type Evidence struct {
	Publisher  string                `json:"publisher"`
	Subject    intel.Ref             `json:"subject,omitzero"` // whom it ties the value to
	FirstSeen  intel.Date            `json:"firstSeen"`
	LastSeen   intel.Time            `json:"lastSeen,omitzero"`
	ValidUntil intel.Time            `json:"validUntil,omitzero"`
	Confidence int                   `json:"confidence,omitempty"`
	TLP        intel.TLP             `json:"tlp,omitempty"`
	Source     intel.IndicatorSource `json:"source"`
	Reference  string                `json:"reference,omitempty"`
	Context    string                `json:"context,omitempty"`
	Revoked    bool                  `json:"revoked,omitempty"`
}

// A ProfileTitle names a profile.
type ProfileTitle struct {
	ID    string     `json:"id"`
	Kind  intel.Kind `json:"kind"`
	Title string     `json:"title"`
}

// A Known is an indicator with its evidence and profiles.
type Known struct {
	Indicator *Indicator
	Evidence  []Evidence
	Profiles  []ProfileTitle
	Articles  []ArticleTitle // that list it, latest first, at most [KnownArticles]
	More      bool           // there are more articles
	AsOf      intel.Time     // when it was looked up
}

// KnownArticles is how many articles a look-up names.
const KnownArticles = 10

// Lookup returns what is known of an observable; the error wraps
// [intel.ErrNotFound] if nothing is.
func (s *Store) Lookup(ctx context.Context, o observable.Observable, v View) (*Known, error) {
	v.Mode = All
	i, err := s.Indicator(ctx, o.ID(), v)
	if err != nil {
		return nil, err
	}
	k := &Known{Indicator: i, AsOf: intel.TimeOf(s.Now())}
	if k.Evidence, err = s.Evidence(ctx, i.ID, v); err != nil {
		return nil, err
	}
	if k.Profiles, err = s.IndicatorProfiles(ctx, i.ID, v); err != nil {
		return nil, err
	}
	k.Articles, k.More, err = s.IndicatorArticles(ctx, i.ID, KnownArticles, v)
	return k, err
}

// Evidence returns what the publishers say of an indicator, earliest first.
func (s *Store) Evidence(ctx context.Context, id string, v View) ([]Evidence, error) {
	rows, err := s.read.QueryContext(ctx, "SELECT "+evidenceColumns+` FROM evidence WHERE indicator_id = ? AND absent = 0 AND tlp <= ?
		ORDER BY first_seen, publisher, subject_publisher, subject_key`, id, int(v.Ceiling))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Evidence
	for rows.Next() {
		e, err := scanEvidence(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, Evidence{
			Publisher: e.publisher, Subject: e.subject, FirstSeen: e.first, LastSeen: e.last, ValidUntil: e.validUntil,
			Confidence: e.confidence, TLP: e.tlp, Source: e.source, Reference: e.reference, Context: e.context, Revoked: e.revoked,
		})
	}
	return out, rows.Err()
}

// Why returns the confidence of an indicator now, with every term of it, as
// those see it whose view it is.
func (s *Store) Why(ctx context.Context, i *Indicator, v View) (e lifecycle.Explanation, err error) {
	publishers, err := publisherTable(ctx, s.read)
	if err != nil {
		return e, err
	}
	c := lifecycle.Case{Kind: i.Observable.Kind, Guard: i.Guard.Policy}
	met, err := sightedOf(ctx, s.read, []string{i.ID})
	if err != nil {
		return e, err
	}
	c.Sighted = met[i.ID]
	rows, err := s.read.QueryContext(ctx, "SELECT "+evidenceColumns+` FROM evidence WHERE indicator_id = ? AND absent = 0 AND tlp <= ?
		ORDER BY publisher, subject_publisher, subject_key`, i.ID, int(v.Ceiling))
	if err != nil {
		return e, err
	}
	defer rows.Close()
	for rows.Next() {
		row, err := scanEvidence(rows)
		if err != nil {
			return e, err
		}
		c.Statements = append(c.Statements, row.statement(publishers))
	}
	return lifecycle.Explain(c, i.Guard.List, intel.TimeOf(s.Now())), rows.Err()
}

// IndicatorProfiles returns the profiles that an indicator is linked to, by title.
func (s *Store) IndicatorProfiles(ctx context.Context, id string, v View) ([]ProfileTitle, error) {
	ip, args := ceilingSQL("ip", v.Ceiling)
	p, more := ceilingSQL("p", v.Ceiling)
	return s.titles(ctx, `SELECT p.id, p.kind, p.title FROM indicator_profile ip JOIN profile p ON p.id = ip.profile_id
		WHERE ip.indicator_id = ? AND `+ip+" AND "+p+" ORDER BY p.title_fold, p.id", append(append([]any{id}, args...), more...)...)
}

func (s *Store) titles(ctx context.Context, query string, args ...any) ([]ProfileTitle, error) {
	rows, err := s.read.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []ProfileTitle
	for rows.Next() {
		var t ProfileTitle
		var kind int
		if err := rows.Scan(&t.ID, &kind, &t.Title); err != nil {
			return nil, err
		}
		t.Kind = kindOf(kind)
		out = append(out, t)
	}
	return out, rows.Err()
}

// OnHost returns indicators on a host other than the host itself: its URLs and
// its ports, at most limit of them, and whether there are more.
func (s *Store) OnHost(ctx context.Context, host string, limit int, v View) (found []*Indicator, more bool, err error) {
	cond, args := ceilingSQL("i", v.Ceiling)
	rows, err := s.read.QueryContext(ctx, "SELECT "+indicatorSelect("i.id")+` FROM indicator i WHERE i.host_reversed = ? AND i.value <> i.host AND `+cond+
		" AND i.hidden = 0 ORDER BY i.id LIMIT ?", append(append([]any{reversed(host)}, args...), limit+1)...)
	if err != nil {
		return nil, false, err
	}
	defer rows.Close()
	scan := s.scanIndicator()
	for rows.Next() {
		i, err := scan(rows)
		if err != nil {
			return nil, false, err
		}
		if len(found) == limit {
			return found, true, nil
		}
		found = append(found, i)
	}
	return found, false, rows.Err()
}

// Parents returns the nearest known names above a domain, as evil.com for
// www.evil.com, down to the registrable domain.
func (s *Store) Parents(ctx context.Context, domain string, v View) ([]*Known, error) {
	var out []*Known
	base := observable.RegistrableDomain(domain)
	for name := domain; ; {
		i := indexDot(name)
		if i < 0 || name == base {
			return out, nil
		}
		name = name[i+1:]
		k, err := s.Lookup(ctx, observable.Observable{Kind: observable.Domain, Value: name}, v)
		switch {
		case err == nil:
			out = append(out, k)
		case !errors.Is(err, intel.ErrNotFound):
			return out, err
		}
	}
}

func indexDot(s string) int {
	for i := range len(s) {
		if s[i] == '.' {
			return i
		}
	}
	return -1
}
