// Command generate makes the embedded catalogue from the files of its sources:
//
//	go run ./catalog/generate -corpus ../shared/corpus
//
// It writes catalog/catalog.ndjson.zst, catalog/guards.ndjson.zst and docs/catalogue.md. The same files
// give the same bytes. What goes in, and from which files, is in sources.go.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"dossier/catalog"
	"dossier/internal/intel"
)

// maxSize bounds the embedded data, in bytes.
const maxSize = 6_000_000

func main() {
	corpus := flag.String("corpus", "../shared/corpus", "folder with the sources' files")
	out := flag.String("out", "catalog/catalog.ndjson.zst", "the catalogue")
	report := flag.String("report", "docs/catalogue.md", "the report of what it covers")
	flag.Parse()
	if err := run(context.Background(), *corpus, *out, *report); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(2)
	}
}

func run(ctx context.Context, corpus, out, report string) error {
	sections, err := gather(ctx, corpus)
	if err != nil {
		return err
	}
	data, err := encode(sections)
	if err != nil {
		return err
	}
	if len(data) > maxSize {
		return fmt.Errorf("the catalogue has %d bytes; at most %d are allowed", len(data), maxSize)
	}
	if err := os.WriteFile(out, data, 0o644); err != nil {
		return err
	}
	lists, n, err := guards(ctx, corpus)
	if err != nil {
		return err
	}
	fmt.Printf("%d lists of guards, %d bytes\n", n, len(lists))
	if err := os.WriteFile(filepath.Join(filepath.Dir(out), guardsFile), lists, 0o644); err != nil {
		return err
	}
	text, err := coverage(ctx, data)
	if err != nil {
		return err
	}
	fmt.Print(text)
	return os.WriteFile(filepath.Clean(report), []byte(text), 0o644)
}

// A section is one data set of the catalogue.
type section struct {
	ds           intel.Dataset
	records      []*intel.Record
	observations []*intel.Observation
}

func encode(sections []*section) ([]byte, error) {
	var b bytes.Buffer
	w, err := catalog.NewWriter(&b)
	if err != nil {
		return nil, err
	}
	for _, s := range sections {
		if err := w.Section(s.ds); err != nil {
			return nil, err
		}
		for _, r := range s.records {
			if err := w.Record(r); err != nil {
				return nil, err
			}
		}
		for _, o := range s.observations {
			if err := w.Observation(o); err != nil {
				return nil, err
			}
		}
	}
	err = w.Close()
	return b.Bytes(), err
}
