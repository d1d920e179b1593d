package ingest

import (
	"context"

	"dossier/internal/store"
)

// SaveSightings keeps sightings, and what they do for the lives of indicators.
func (im *Importer) SaveSightings(ctx context.Context, list []*store.Sighting) (kept store.Kept, err error) {
	_, err = im.settled(ctx, func() (int, error) {
		kept, err = im.Store.SaveSightings(ctx, list)
		return kept.New + kept.Grown, err
	})
	return kept, err
}

// EraseSightings forgets sightings, and what they did for the lives of indicators.
func (im *Importer) EraseSightings(ctx context.Context, f store.SightingFilter, v store.View) (erased int, err error) {
	return im.settled(ctx, func() (int, error) { return im.Store.EraseSightings(ctx, f, v) })
}

// PruneSightings forgets the sightings that are older than they are to be kept.
func (im *Importer) PruneSightings(ctx context.Context) (erased int, err error) {
	return im.settled(ctx, func() (int, error) { return im.Store.PruneSightings(ctx) })
}
