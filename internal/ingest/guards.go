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

// PutGuards adds lists of guards, in place of those with their names, and computes the
// indicators again that are guarded otherwise. It returns how many lists are other
// than before.
func (im *Importer) PutGuards(ctx context.Context, lists ...guard.List) (changed int, err error) {
	return im.settled(ctx, func() (int, error) { return im.Store.PutGuards(ctx, lists) })
}

// SetGuardPolicy sets what a list does in place of its own policy; "" takes that back.
func (im *Importer) SetGuardPolicy(ctx context.Context, name string, p guard.Policy) error {
	_, err := im.settled(ctx, func() (int, error) { return 1, im.Store.SetGuardPolicy(ctx, name, p) })
	return err
}

// settled makes a change after which indicators are judged otherwise, and judges them.
func (im *Importer) settled(ctx context.Context, change func() (int, error)) (changed int, err error) {
	before, err := im.Store.Stale(ctx)
	if err != nil {
		return 0, err
	}
	if changed, err = change(); err != nil || changed == 0 {
		return changed, err
	}
	if before {
		_, err = Derive(ctx, im.Store, nil) // an import was interrupted: profiles come first
		return changed, err
	}
	_, err = im.Store.FoldIndicators(ctx, nil)
	return changed, err
}
