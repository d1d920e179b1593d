package ingest

import (
	"context"
	"fmt"
	"io"

	"dossier/catalog"
	"dossier/internal/intel"
	"dossier/internal/store"
)

// Seed loads the embedded catalogue, unless the store has this version of it:
// an empty database gets its first profiles, an older one the newer facts. What
// the store has from newer releases stays. It returns nil if there was nothing
// to do.
func (im *Importer) Seed(ctx context.Context) (*Result, error) {
	have, err := im.Store.CatalogVersion(ctx)
	if err != nil {
		return nil, err
	}
	if have != catalog.Version() {
		return im.Load(ctx, catalog.Open(), catalog.Version())
	}
	stale, err := im.Store.Stale(ctx)
	if err != nil || !stale {
		return nil, err
	}
	_, err = Derive(ctx, im.Store, nil) // an import was interrupted
	return nil, err
}

// Load reads a catalogue of the given version.
func (im *Importer) Load(ctx context.Context, data io.Reader, version string) (res *Result, err error) {
	now := im.Store.Now
	res = &Result{Run: &intel.Run{ID: runID(now()), Input: "catalogue " + version, Started: intel.TimeOf(now())}}
	r := &run{im: im, res: res}
	s := &sections{r: r, ctx: ctx}
	defer s.rollback()
	if err := catalog.Decode(ctx, data, s); err != nil {
		return res, fmt.Errorf("catalogue: %w", err)
	}
	if err := s.end(); err != nil {
		return res, fmt.Errorf("catalogue: %w", err)
	}
	if err := r.derive(ctx); err != nil {
		return res, err
	}
	if err := im.Store.SetCatalogVersion(ctx, version); err != nil {
		return res, err
	}
	res.Run.Finished = intel.TimeOf(now())
	return res, im.Store.SaveRun(ctx, res.Run)
}

// sections takes the catalogue: each section is written as a file of its own.
type sections struct {
	r   *run
	ctx context.Context
	ds  intel.Dataset
	cur *sink
}

func (s *sections) rollback() {
	if s.cur != nil {
		s.cur.batch.Rollback()
	}
}

// Section implements [catalog.Sink].
func (s *sections) Section(ds intel.Dataset) (err error) {
	if err := s.end(); err != nil {
		return err
	}
	s.ds = ds
	s.cur, err = s.r.newSink(s.ctx, store.FromCatalog)
	return err
}

func (s *sections) end() error {
	if s.cur == nil {
		return nil
	}
	res, err := s.cur.finish(s.ds)
	if err != nil {
		return err
	}
	res.Path, res.Format = "catalogue: "+s.ds.Publisher, "catalogue"
	s.r.add(res, s.cur.batch.Changed())
	s.cur = nil
	return nil
}

// Record implements [intel.Sink].
func (s *sections) Record(r *intel.Record) error { return s.cur.Record(r) }

// Observation implements [intel.Sink].
func (s *sections) Observation(o *intel.Observation) error { return s.cur.Observation(o) }

// Reject implements [intel.Sink].
func (s *sections) Reject(x intel.Reject) { s.cur.Reject(x) }
