package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os/user"
	"time"

	"dossier/internal/auth"
	"dossier/internal/sighting"
	"dossier/internal/store"
)

// openToHunt opens the database; only what saves is written down.
func (a *app) openToHunt(ctx context.Context, save bool) (*store.Store, func(string, ...slog.Attr), error) {
	if save {
		return a.openToAct(ctx)
	}
	s, err := a.openToRead(ctx)
	return s, nil, err
}

// saveEvery is how often what a hunt that waits for more has found is saved.
const saveEvery = 5 * time.Second

// keep makes the hunt keep what it finds. done must be called at its end, also after an error: what was found until then is saved.
func (h *huntRun) keep(ctx context.Context, s *store.Store, act func(string, ...slog.Attr)) (done func() error, err error) {
	if h.keeper, err = h.recorder(ctx, s); err != nil {
		return nil, err
	}
	// An interrupt ends the hunt, not the saving.
	ctx = context.WithoutCancel(ctx)
	stop, stopped := make(chan struct{}), make(chan error)
	go func() {
		tick := time.NewTicker(saveEvery)
		defer tick.Stop()
		var err error
		for {
			select {
			case <-tick.C:
				if h.follow && err == nil {
					err = h.keeper.Flush(ctx)
				}
			case <-stop:
				stopped <- err
				return
			}
		}
	}()
	return func() error {
		close(stop)
		err := errors.Join(<-stopped, h.keeper.Flush(ctx))
		if err != nil {
			return fmt.Errorf("saving sightings: %w", s.Explain(err))
		}
		if _, err := h.importer(s).PruneSightings(ctx); err != nil {
			return fmt.Errorf("old sightings: %w", s.Explain(err))
		}
		h.err.clearProgress()
		kept := h.keeper.Kept()
		act("sightings-saved", slog.Int("new", kept.New), slog.Int("grown", kept.Grown), slog.Int64("lines", kept.Lines))
		fmt.Fprintln(h.err, keptWords(kept))
		return nil
	}, nil
}

// keptWords tell what was saved.
func keptWords(k store.Kept) string {
	if k.New+k.Grown == 0 {
		return "no new sighting"
	}
	return fmt.Sprintf("saved: %s, %s that had been seen before, of %s not counted yet", count(k.New, "new sighting"), number(k.Grown), count(int(k.Lines), "line"))
}

// recorder makes what saves sightings for the user of this program.
func (a *app) recorder(ctx context.Context, s *store.Store) (*sighting.Recorder, error) {
	key, err := a.sightingKey(ctx, s)
	if err != nil {
		return nil, err
	}
	hide, err := s.HostsAreHidden(ctx)
	if err != nil {
		return nil, err
	}
	r := &sighting.Recorder{Key: key, Hide: hide, Origin: store.FromHunt, Save: a.importer(s).SaveSightings}
	if u, err := user.Current(); err == nil {
		r.By = u.Username
	}
	return r, nil
}

// sightingKey returns the key that lines and hosts of sightings are hashed with.
func (a *app) sightingKey(ctx context.Context, s *store.Store) (sighting.Key, error) {
	sealer, err := auth.SealerFromFile(a.sealKey(s))
	if err != nil {
		return nil, err
	}
	key, err := sealer.Secret(ctx, s, sighting.SecretName)
	if err != nil {
		return nil, hinted{err, "--key-file names the file"}
	}
	return key, nil
}
