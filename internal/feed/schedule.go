package feed

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"dossier/internal/ingest"
	"dossier/internal/intel"
	"dossier/internal/store"
)

// tick is how often a server looks for feeds that are due.
const tick = 15 * time.Second

// A Schedule runs the feeds when they are due, one after the other. Several
// servers may do so on one database.
type Schedule struct {
	Runner *Runner
	Log    *slog.Logger
	every  time.Duration // 0: tick
}

// Serve runs until the context ends.
func (s *Schedule) Serve(ctx context.Context) {
	every := s.every
	if every == 0 {
		every = tick
	}
	t := time.NewTimer(0)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		if err := s.Once(ctx); err != nil && ctx.Err() == nil {
			s.Log.Error("the schedule of feeds", "error", s.Runner.Store.Explain(err))
		}
		t.Reset(every)
	}
}

// Once runs the feeds that are due, those first that have waited longest. Failures
// of feeds are logged and saved with their runs; the error is that of the database.
func (s *Schedule) Once(ctx context.Context) error {
	broken, err := s.Runner.Store.BreakRuns(ctx)
	if err != nil {
		return err
	}
	for _, r := range broken {
		s.Log.Warn("a run was broken off", "run", r.ID, "input", r.Input, "started", r.Started.String())
	}
	due, err := Due(ctx, s.Runner.Store)
	if err != nil {
		return err
	}
	for _, f := range due {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		res, err := s.Runner.Run(ctx, f.Name)
		switch {
		case errors.Is(err, store.ErrBusy), errors.Is(err, intel.ErrNotFound), errors.Is(err, ErrDisabled):
			// another server was faster, or the feed has changed
		case res == nil:
			return err
		default:
			s.report(f.Name, res, err)
		}
	}
	return nil
}

func (s *Schedule) report(name string, res *ingest.Result, err error) {
	c := res.Run.Counts
	attrs := []any{
		"feed", name, "run", res.Run.ID, "unchanged", res.Run.Unchanged, "files", res.Run.Files, "bytes", res.Run.Bytes,
		"records", c.Records.New + c.Records.Changed, "indicators", c.Indicators.New + c.Indicators.Changed, "rejected", c.Records.Rejected + c.Indicators.Rejected,
	}
	if err != nil {
		s.Log.Error("feed failed", append(attrs, "error", err)...)
		return
	}
	s.Log.Info("feed read", attrs...)
}

// Due returns the enabled feeds of which the time has come and that nobody is
// running, the longest due first.
func Due(ctx context.Context, s *store.Store) ([]Configured, error) {
	list, err := List(ctx, s)
	if err != nil {
		return nil, err
	}
	now := intel.TimeOf(s.Now())
	list = slices.DeleteFunc(list, func(c Configured) bool { return c.Disabled || c.Stored.Run != "" || c.Stored.Due > now })
	slices.SortStableFunc(list, func(a, b Configured) int { return int(max(min(a.Stored.Due-b.Stored.Due, 1), -1)) })
	return list, nil
}
