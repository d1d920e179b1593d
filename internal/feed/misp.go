package feed

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"dossier/internal/fetch"
	"dossier/internal/ingest"
)

// A MISP feed is a folder: manifest.json says which events there are and when
// each was changed, and each event is a file <uuid>.json. Events that are no
// longer in the manifest stay here: the manifest of many feeds is a window.

var eventID = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

const (
	maxEvents   = 1_000_000
	eventBatch  = 100 // events between two times that the state is kept
	maxFailures = 10  // events in a row
)

// misp reads the events that are new or changed, oldest change first.
func (x *execution) misp(ctx context.Context) error {
	base := strings.TrimSuffix(strings.TrimSuffix(x.f.URLs[0], "manifest.json"), "/") + "/"
	manifest := base + "manifest.json"
	f, st, err := x.spool(ctx, manifest, x.state.Files[manifest])
	if errors.Is(err, fetch.ErrUnchanged) {
		return nil // kept only when all its events were read
	}
	if err != nil {
		return err
	}
	events, err := readManifest(f.File)
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("%s: %w", ingest.URLPath(manifest), err)
	}
	var failed []error
	row := 0
	for i, e := range events {
		if x.state.Events[e.id] == e.stamp {
			continue
		}
		err := x.event(ctx, base+e.id+".json")
		switch {
		case ctx.Err() != nil:
			return errors.Join(ctx.Err(), x.keep(context.WithoutCancel(ctx)))
		case err == nil:
			x.state.Events[e.id], row = e.stamp, 0
		default:
			if len(failed) < maxFailures {
				failed = append(failed, err)
			}
			if row++; row >= maxFailures {
				return errors.Join(errors.Join(failed...), x.keep(ctx))
			}
		}
		if i%eventBatch == eventBatch-1 {
			if err := x.keep(ctx); err != nil {
				return err
			}
		}
	}
	if len(failed) == 0 {
		x.state.Files[manifest] = st
	}
	return errors.Join(errors.Join(failed...), x.keep(ctx))
}

func (x *execution) event(ctx context.Context, address string) error {
	f, _, err := x.spool(ctx, address, fetch.State{})
	if err != nil {
		return err
	}
	defer f.Close()
	name := ingest.URLPath(address)
	res, err := x.take(ctx, ingest.Input{Path: name, Body: f})
	if err != nil {
		return err
	}
	return x.understood(name, res)
}

type manifestEvent struct{ id, stamp string }

// readManifest returns the events of a manifest, oldest change first.
func readManifest(f *os.File) ([]manifestEvent, error) {
	dec := json.NewDecoder(f)
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.New("want an object with an event each")
	}
	stamps := map[string]string{}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, err
		}
		var e struct {
			Timestamp json.RawMessage `json:"timestamp"`
		}
		if err := dec.Decode(&e); err != nil {
			return nil, fmt.Errorf("event %v: %w", key, err)
		}
		id, _ := key.(string)
		if !eventID.MatchString(id) {
			return nil, fmt.Errorf("%q is no event's uuid", id)
		}
		if len(stamps) >= maxEvents {
			return nil, fmt.Errorf("more than %d events", maxEvents)
		}
		stamps[id] = strings.Trim(string(e.Timestamp), `"`) // a number in either form
	}
	if _, err := dec.Token(); err != nil {
		return nil, err
	}
	var out []manifestEvent
	for id, stamp := range stamps {
		out = append(out, manifestEvent{id, stamp})
	}
	slices.SortFunc(out, func(a, b manifestEvent) int {
		if len(a.stamp) != len(b.stamp) { // seconds: the longer number is the later
			return len(a.stamp) - len(b.stamp)
		}
		return strings.Compare(a.stamp+a.id, b.stamp+b.id)
	})
	return out, nil
}
