package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"dossier/internal/hunt"
	"dossier/internal/intel"
	"dossier/internal/observable"
	"dossier/internal/store"
)

// A matcherKey says what a saved matcher was made of. What time alone changes is not part of it: indicators only expire by it, and what is found is
// asked of the store once more.
type matcherKey struct {
	State         string            `json:"state,omitempty"` // of the store
	Mode          store.Mode        `json:"mode,omitempty"`
	MinConfidence int               `json:"minConfidence,omitempty"`
	Profile       string            `json:"profile,omitempty"`
	Ceiling       string            `json:"ceiling,omitempty"` // if it is not the highest
	List          string            `json:"list,omitempty"`    // SHA-256 of the file
	Kinds         []observable.Kind `json:"kinds,omitempty"`
}

func (k matcherKey) String() string {
	slices.Sort(k.Kinds)
	b, err := json.Marshal(k)
	if err != nil {
		panic(err) // it has only strings and numbers
	}
	return string(b)
}

// ready makes the matcher, or takes the one that was saved if it was made of the same.
func (h *huntRun) ready(ctx context.Context) error {
	key := matcherKey{Kinds: slices.Clone(h.kinds)}
	make := func() error { return h.compileList(ctx) }
	if h.list == "" {
		sel, err := h.selection(ctx)
		if err != nil {
			return h.store.Explain(err)
		}
		key.Mode, key.MinConfidence, key.Profile = sel.Mode, sel.MinConfidence, sel.Profile
		if h.view.Ceiling < intel.Red {
			key.Ceiling = h.view.Ceiling.String()
		}
		make = func() error { return h.store.Explain(h.compile(ctx, sel)) }
	}
	if h.saved == "" {
		return make()
	}
	// Asked before anything is read: what changes meanwhile makes it stale.
	var err error
	if h.list != "" {
		key.List, err = sumOf(h.list)
	} else {
		key.State, err = h.store.State(ctx)
	}
	if err != nil {
		return err
	}
	h.matcher, err = hunt.Load(h.saved, key.String())
	why := ""
	switch {
	case err == nil:
		return nil
	case errors.Is(err, hunt.ErrNoMatcher):
		return hinted{fmt.Errorf("--matcher: %w", err), "it is not written over; name a file that is not there yet"}
	case errors.Is(err, fs.ErrNotExist):
		why = "made"
	case errors.Is(err, hunt.ErrStale):
		why = "made anew, since the indicators or what is asked of them changed"
	default:
		fmt.Fprintf(h.err, "%s\n", clean(err.Error()))
		why = "made anew"
	}
	if err := make(); err != nil {
		return err
	}
	if err := h.matcher.Save(h.saved, key.String()); err != nil {
		fmt.Fprintf(h.err, "the matcher is not saved: %s\n", clean(err.Error())) // the hunt goes on without
		return nil
	}
	fmt.Fprintf(h.err, "%s: %s\n", clean(h.saved), why)
	return nil
}

func sumOf(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
