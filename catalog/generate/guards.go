package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"dossier/catalog"
	"dossier/internal/guard"
	"dossier/internal/intel"
	"dossier/internal/misp"
)

// guardsFile is the name of the guards, beside the catalogue.
const guardsFile = "guards.ndjson.zst"

// maxGuards bounds the embedded guards, in bytes.
const maxGuards = 400_000

// maxEntries is how long a list may be to be embedded, but for tranco10k: the longer ones
// are hashes, open resolvers and names that hardly anybody asks for.
const maxEntries = 4000

// guards reads the warning lists that are embedded: those that exclude or lower, and are short.
func guards(ctx context.Context, corpus string) ([]byte, int, error) {
	files, err := filepath.Glob(filepath.Join(corpus, "misp-warninglists", "lists", "*", "list.json"))
	if err != nil {
		return nil, 0, err
	}
	if len(files) == 0 {
		return nil, 0, fmt.Errorf("no warning lists in %s", corpus)
	}
	slices.Sort(files)
	var lists []guard.List
	for _, file := range files {
		l, err := warninglist(ctx, file)
		if err != nil {
			return nil, 0, fmt.Errorf("%s: %w", file, err)
		}
		if l.Policy == guard.Annotate || len(l.Entries) == 0 || len(l.Entries) > maxEntries && l.Name != "tranco10k" {
			continue
		}
		lists = append(lists, l)
	}
	data, err := catalog.EncodeGuards(lists)
	if err == nil && len(data) > maxGuards {
		err = fmt.Errorf("the guards have %d bytes; at most %d are allowed", len(data), maxGuards)
	}
	return data, len(lists), err
}

func warninglist(ctx context.Context, file string) (guard.List, error) {
	f, err := os.Open(file)
	if err != nil {
		return guard.List{}, err
	}
	defer f.Close()
	return misp.Warninglist(ctx, f, filepath.ToSlash(file), func(intel.Reject) {})
}
