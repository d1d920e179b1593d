package ingest

import (
	"context"

	"dossier/internal/intel"
	"dossier/internal/store"
)

// SetPublisher sets rank, reliability or distinctness of a publisher in place of
// the program's own table, and computes everything anew if that changes anything.
// The zero setting takes back what was set. The setting has been checked.
func (e Editor) SetPublisher(ctx context.Context, id string, set intel.PublisherSetting) (changed bool, err error) {
	b, err := e.begin(ctx)
	if err != nil {
		return false, err
	}
	defer e.settle(ctx, b, &changed, &err)
	changed, err = b.SetPublisher(ctx, id, set)
	return changed, err
}

// RemovePublisher takes back everything that a publisher said, and computes
// everything anew: see [store.Batch.RemovePublisher].
func (e Editor) RemovePublisher(ctx context.Context, id string) (r store.Removed, err error) {
	b, err := e.begin(ctx)
	if err != nil {
		return r, err
	}
	whole := true
	defer e.settle(ctx, b, &whole, &err)
	return b.RemovePublisher(ctx, id)
}
