package publish

import (
	"context"
	"errors"
	"io"

	"dossier/internal/export"
	"dossier/internal/intel"
	"dossier/internal/store"
)

// Sightings writes what was met of indicators as a bundle of STIX 2.1, as [export.STIXSightings] does, from a store as the view sees it. The indicator of a
// sighting may be left to this: then it is the one that each gives with it, with its profiles and publishers. st may be nil where the indicators come from
// no database.
func Sightings(ctx context.Context, st *store.Store, v store.View, w io.Writer, told intel.Time, each func(yield func(*store.Indicator, *export.Sighting) error) error) (left int, err error) {
	var o export.Options
	if st != nil {
		if o.Installation, err = st.Installation(ctx); err != nil {
			return 0, err
		}
		o.Profile = func(id string) (*intel.Dossier, intel.Time, error) {
			d, modified, err := st.DatedDossier(ctx, id, v)
			if errors.Is(err, intel.ErrNotFound) {
				return nil, 0, nil
			}
			return d, modified, err
		}
	}
	return export.STIXSightings(w, o, told, func(yield func(*export.Sighting) error) error {
		return each(func(i *store.Indicator, g *export.Sighting) error {
			if i != nil {
				g.Indicator = indicator(i, i.Publishers)
			}
			return yield(g)
		})
	})
}
