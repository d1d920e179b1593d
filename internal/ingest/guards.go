package ingest

import (
	"context"
	"fmt"

	"dossier/internal/guard"
	"dossier/internal/misp"
)

// warninglist reads a list of guards. Lists are kept until all files are read, for each time that guards change, all
// indicators are looked at.
func (r *run) warninglist(ctx context.Context, f file) error {
	var bad rejects
	l, err := misp.Warninglist(ctx, f.Body, f.Path, bad.add)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return r.failed(f.Path, fmt.Errorf("%w; nothing of this file was kept", err))
	}
	res := FileResult{Path: f.Path, Format: "misp", Rejected: bad.list()}
	if len(l.Entries) == 0 {
		res.Notes = append(res.Notes, "guard list "+l.Name+" has no entry that could be used")
	} else {
		res.Notes = append(res.Notes, fmt.Sprintf("guard list %s: %d entries, %s", l.Name, len(l.Entries), l.Policy))
		r.guards = append(r.guards, l)
	}
	r.add(res, false)
	return nil
}

func (r *run) putGuards(ctx context.Context) error {
	if len(r.guards) == 0 {
		return nil
	}
	n, err := r.im.Store.PutGuards(ctx, r.guards)
	r.res.Guards = n
	r.guards = nil
	return err
}

// SeedGuards adds lists of guards that come with the program, unless newer ones are there.
func (im *Importer) SeedGuards(ctx context.Context, lists []guard.List) error {
	n, err := im.Store.PutGuards(ctx, lists)
	if err != nil || n == 0 {
		return err
	}
	_, err = im.Store.FoldIndicators(ctx, nil)
	return err
}
