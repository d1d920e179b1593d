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
		lists, err := catalog.Guards()
		if err != nil {
			return nil, err
		}
		if _, err := im.Store.PutGuards(ctx, lists); err != nil {
			return nil, err
		}
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
	res = &Result{Run: &intel.Run{ID: RunID(now()), Input: "catalogue " + version, Started: intel.TimeOf(now())}}
	r := &run{im: im, res: res}
	if err := r.load(ctx, data); err != nil {
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

// readAhead is how many lines of the catalogue are decoded ahead of being written.
const readAhead = 512

// load writes a catalogue in one transaction; it is decoded ahead, on another
// processor.
func (r *run) load(ctx context.Context, data io.Reader) error {
	b, err := r.im.Store.Begin(ctx, store.FromCatalog)
	if err != nil {
		return err
	}
	defer b.Rollback()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	lines := make(lineSink, readAhead)
	decoded := make(chan error, 1)
	go func() {
		defer close(lines)
		decoded <- catalog.Decode(ctx, data, lines.until(ctx))
	}()
	s := &sections{r: r, ctx: ctx, batch: b}
	defer func() {
		if s.cur != nil {
			s.cur.stop()
		}
	}()
	for l := range lines {
		if err := s.take(l); err != nil {
			return err
		}
	}
	if err := <-decoded; err != nil {
		return err
	}
	if err := s.end(); err != nil {
		return err
	}
	return b.Commit(ctx)
}

// A catalogLine is one line of the catalogue; one of the pointers is set.
type catalogLine struct {
	ds  *intel.Dataset
	rec *intel.Record
	obs *intel.Observation
}

type lineSink chan catalogLine

// until returns a sink that sends lines until the context ends.
func (c lineSink) until(ctx context.Context) catalog.Sink { return sender{ctx, c} }

type sender struct {
	ctx   context.Context
	lines lineSink
}

func (s sender) send(l catalogLine) error {
	select {
	case s.lines <- l:
		return nil
	case <-s.ctx.Done():
		return s.ctx.Err()
	}
}

func (s sender) Section(ds intel.Dataset) error         { return s.send(catalogLine{ds: &ds}) }
func (s sender) Record(r *intel.Record) error           { return s.send(catalogLine{rec: r}) }
func (s sender) Observation(o *intel.Observation) error { return s.send(catalogLine{obs: o}) }
func (sender) Article(*intel.Article) error             { return nil }
func (sender) Pattern(*intel.Pattern) error             { return nil }
func (s sender) Reject(intel.Reject)                    {} // the catalogue has been through the door

// sections writes the lines: each section is as a file of its own.
type sections struct {
	r     *run
	ctx   context.Context
	batch *store.Batch
	ds    intel.Dataset
	cur   *sink
}

func (s *sections) take(l catalogLine) error {
	switch {
	case l.ds != nil:
		if err := s.end(); err != nil {
			return err
		}
		s.ds, s.cur = *l.ds, &sink{r: s.r, ctx: s.ctx, batch: s.batch}
		return nil
	case s.cur == nil:
		return fmt.Errorf("%w: data before the first section", catalog.ErrForm)
	case l.rec != nil:
		return s.cur.Record(l.rec)
	}
	return s.cur.Observation(l.obs)
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
	s.r.add(res, s.batch.Changed())
	s.cur = nil
	return nil
}
