package feed

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"dossier/internal/intel"
	"dossier/internal/store"

	"go.yaml.in/yaml/v3"
)

// A Configured feed is one that the database has. Feed is as people wrote it.
type Configured struct {
	Feed
	Stored *store.Feed
}

// List returns the configured feeds by name.
func List(ctx context.Context, s *store.Store) ([]Configured, error) {
	stored, err := s.Feeds(ctx)
	if err != nil {
		return nil, err
	}
	return decodeAll(stored)
}

func decodeAll(stored []*store.Feed) ([]Configured, error) {
	var out []Configured
	for _, f := range stored {
		c := Configured{Stored: f}
		if err := json.Unmarshal(f.Config, &c.Feed); err != nil {
			return nil, fmt.Errorf("feed %q: %w", f.Name, err)
		}
		out = append(out, c)
	}
	return out, nil
}

// Find returns a configured feed. The error wraps [intel.ErrNotFound] if there is
// none of that name.
func Find(ctx context.Context, s *store.Store, name string) (Configured, error) {
	f, err := s.Feed(ctx, name)
	if err != nil {
		return Configured{}, err
	}
	list, err := decodeAll([]*store.Feed{f})
	if err != nil {
		return Configured{}, err
	}
	return list[0], nil
}

// A Change is what an edit did to a feed.
type Change struct {
	Name string `json:"name"`
	What string `json:"what"` // added, changed, unchanged, removed
}

// Put adds feeds, or changes those that are there; their next run is due at once.
func Put(ctx context.Context, s *store.Store, list ...Feed) ([]Change, error) {
	return set(ctx, s, list, func(string) bool { return false }, false)
}

// Apply makes the configured feeds equal a list. With dry, it only tells what
// that would change.
func Apply(ctx context.Context, s *store.Store, list []Feed, dry bool) ([]Change, error) {
	wanted := map[string]bool{}
	for _, f := range list {
		wanted[f.Name] = true
	}
	return set(ctx, s, list, func(name string) bool { return !wanted[name] }, dry)
}

// Remove removes a feed; what it brought stays. The error wraps
// [intel.ErrNotFound] if there is none of that name.
func Remove(ctx context.Context, s *store.Store, name string) error {
	changes, err := set(ctx, s, nil, func(n string) bool { return n == name }, false)
	if err == nil && len(changes) == 0 {
		err = fmt.Errorf("feed %q: %w", name, intel.ErrNotFound)
	}
	return err
}

// errDry ends a transaction that was only to tell.
var errDry = errors.New("dry run")

func set(ctx context.Context, s *store.Store, list []Feed, gone func(string) bool, dry bool) (changes []Change, err error) {
	var wrong []error
	for _, f := range list {
		_, err := f.Resolved()
		wrong = append(wrong, err)
	}
	if err := errors.Join(wrong...); err != nil {
		return nil, err
	}
	err = s.SetFeeds(ctx, func(have []*store.Feed) (put []*store.Feed, remove []string, err error) {
		changes = nil
		for _, f := range list {
			config, err := json.Marshal(f)
			if err != nil {
				return nil, nil, err
			}
			i := slices.IndexFunc(have, func(h *store.Feed) bool { return h.Name == f.Name })
			switch {
			case i < 0:
				changes = append(changes, Change{f.Name, "added"})
			case bytes.Equal(have[i].Config, config):
				changes = append(changes, Change{f.Name, "unchanged"})
				continue
			default:
				changes = append(changes, Change{f.Name, "changed"})
			}
			put = append(put, &store.Feed{Name: f.Name, Config: config, Due: intel.TimeOf(s.Now())})
		}
		for _, h := range have {
			if gone(h.Name) {
				changes, remove = append(changes, Change{h.Name, "removed"}), append(remove, h.Name)
			}
		}
		if dry {
			return nil, nil, errDry
		}
		return put, remove, nil
	})
	if errors.Is(err, errDry) {
		err = nil
	}
	return changes, err
}

// ReadFile reads a file of feeds, as YAML:
//
//	feeds:
//	  - name: attack-enterprise
//	  - name: our-isac
//	    kind: taxii
//	    url: https://isac.example/taxii2/
//
// The error names every line that is wrong.
func ReadFile(r io.Reader) ([]Feed, error) {
	var file struct {
		Feeds []Feed `yaml:"feeds"`
	}
	dec := yaml.NewDecoder(r)
	dec.KnownFields(true)
	if err := dec.Decode(&file); errors.Is(err, io.EOF) {
		return nil, errors.New("the file is empty; a list without feeds is written as: feeds: []")
	} else if err != nil {
		return nil, errors.New(strings.ReplaceAll(strings.TrimPrefix(err.Error(), "yaml: "), "not found in type feed.Feed", "is no field of a feed"))
	}
	var wrong []error
	seen := map[string]bool{}
	for i, f := range file.Feeds {
		if seen[f.Name] {
			wrong = append(wrong, fmt.Errorf("feed %q is there twice", f.Name))
		}
		seen[f.Name] = true
		if _, err := f.Resolved(); err != nil {
			wrong = append(wrong, fmt.Errorf("entry %d: %w", i+1, err))
		}
	}
	return file.Feeds, errors.Join(wrong...)
}
