package feed

import (
	"context"
	"errors"

	"dossier/internal/fetch"
	"dossier/internal/ingest"
)

// files reads a feed of files: each is kept for itself, and one that fails does
// not stop the others.
func (x *execution) files(ctx context.Context) error {
	var failed []error
	for _, address := range x.f.URLs {
		if err := x.file(ctx, address); ctx.Err() != nil {
			return ctx.Err()
		} else if err != nil {
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}

func (x *execution) file(ctx context.Context, address string) error {
	f, st, err := x.spool(ctx, address, x.state.Files[address])
	if errors.Is(err, fetch.ErrUnchanged) {
		if st != x.state.Files[address] {
			x.state.Files[address] = st
			return x.keep(ctx)
		}
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	name := ingest.URLPath(address)
	res, err := x.take(ctx, ingest.Input{Path: name, Body: f})
	if err != nil {
		return err
	}
	if err := x.understood(name, res); err != nil {
		return err
	}
	x.state.Files[address] = st
	return x.keep(ctx)
}
