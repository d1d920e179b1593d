package ingest

import (
	"context"

	"dossier/internal/intel"
	"dossier/internal/observable"
	"dossier/internal/odata"
	"dossier/internal/profile"
	"dossier/internal/store"
)

// A Piece is one piece of news: one change of a profile or an indicator.
type Piece struct {
	Position int64
	At       intel.Time
	ID       string // of the profile or indicator
	Kind     string
	Title    string // of an indicator its value, defanged
	Summary  string // of a profile
	Change   string
	Fields   []profile.FieldChange // of one that changed
}

// ProfileNews returns the last changes of profiles that can be seen in them, as
// [store.Store.RecentProfiles].
func ProfileNews(ctx context.Context, s *store.Store, filter odata.Expr, only string, v store.View, limit int) ([]Piece, error) {
	list, err := s.RecentProfiles(ctx, filter, only, v, limit)
	if err != nil {
		return nil, err
	}
	var out []Piece
	for _, r := range list {
		d, p := r.After, Piece{Position: r.Position, At: r.At, ID: r.ID, Change: ChangeChanged}
		switch {
		case r.After == nil:
			p.Change, d = ChangeGone, r.Before
		case r.Before == nil:
			p.Change = ChangeNew
		default:
			if p.Fields = profile.Diff(r.Before, r.After); len(p.Fields) == 0 {
				continue
			}
		}
		p.Kind, p.Title, p.Summary = string(d.Profile.Kind), d.Profile.Title, d.Profile.Summary.Content
		out = append(out, p)
	}
	return out, nil
}

// IndicatorNews returns the last changes of indicators, as
// [store.Store.RecentIndicators].
func IndicatorNews(ctx context.Context, s *store.Store, filter odata.Expr, of string, v store.View, limit int) ([]Piece, error) {
	list, err := s.RecentIndicators(ctx, filter, of, v, limit)
	if err != nil {
		return nil, err
	}
	var out []Piece
	for _, r := range list {
		p := Piece{
			Position: r.Position, At: r.At, ID: r.ID, Kind: string(r.Observable.Kind), Title: observable.Defang(r.Observable),
			Change: ChangeChanged,
		}
		switch {
		case r.Indicator == nil:
			p.Change = ChangeGone
		case r.Op == store.Created:
			p.Change = ChangeNew
		case r.Former != nil:
			p.Fields = indicatorDiff(r.Former, r.Indicator)
		}
		out = append(out, p)
	}
	return out, nil
}
