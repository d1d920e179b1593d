package ingest

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"dossier/internal/intel"
	"dossier/internal/store"
	"dossier/internal/testcorpus"
	"dossier/internal/testdb"
)

func emptyStore(b *testing.B) *store.Store {
	b.Helper()
	s, _, err := store.Open(b.Context(), testdb.Path(b), store.Options{Create: true})
	if err != nil {
		b.Fatal(err)
	}
	return s
}

// BenchmarkSeed fills an empty database from the embedded catalogue.
func BenchmarkSeed(b *testing.B) {
	for b.Loop() {
		s := emptyStore(b)
		if _, err := (&Importer{Store: s}).Seed(b.Context()); err != nil {
			b.Fatal(err)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(peakMemory())/(1<<20), "MiB-sys")
}

// benchmarkImport imports files into an empty database, all steps included.
func benchmarkImport(b *testing.B, size int64, args ...string) {
	b.SetBytes(size)
	for b.Loop() {
		s := emptyStore(b)
		if _, err := (&Importer{Store: s}).Import(b.Context(), args, Options{}); err != nil {
			b.Fatal(err)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(peakMemory())/(1<<20), "MiB-sys")
}

func BenchmarkImportATTACK(b *testing.B) {
	file := filepath.Join(testcorpus.Path(b), "mitre-cti", "enterprise-attack-18.1.stix20.json")
	info, err := os.Stat(file)
	if err != nil {
		b.Fatal(err)
	}
	benchmarkImport(b, info.Size(), file)
}

func BenchmarkImportGalaxies(b *testing.B) {
	dir := filepath.Join(testcorpus.Path(b), "misp-galaxy", "clusters")
	var size int64
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		b.Fatal(err)
	}
	for _, f := range files {
		info, err := os.Stat(f)
		if err != nil {
			b.Fatal(err)
		}
		size += info.Size()
	}
	benchmarkImport(b, size, dir)
}

// seeded returns a store with the catalogue.
func seeded(b *testing.B) *Importer {
	im := &Importer{Store: emptyStore(b)}
	b.Cleanup(func() { _ = im.Store.Close() })
	if _, err := im.Seed(b.Context()); err != nil {
		b.Fatal(err)
	}
	return im
}

// BenchmarkImportOneRecord imports one record that changes each time, beside the
// catalogue: the whole import, from opening the file to the last commit. The
// start of the process is not in it. On a busy machine the time that the
// processors took tells more.
func BenchmarkImportOneRecord(b *testing.B) {
	im := seeded(b)
	dir := b.TempDir()
	one := func(n int) {
		at := time.Date(2022, 1, 1, 0, 0, n, 0, time.UTC).Format(time.RFC3339)
		write(b, dir, map[string]string{"one.json": strings.NewReplacer("Grey Wader", fmt.Sprintf("Grey Wader%c", 'A'+n%20), "2021-01-01T00:00:00Z", at).Replace(stixGroup)})
		if res, err := im.Import(b.Context(), []string{filepath.Join(dir, "one.json")}, Options{}); err != nil || !res.Changed() {
			b.Fatal(err)
		}
	}
	one(0)
	n, before := 0, processorTime()
	for b.Loop() {
		n++
		one(n)
	}
	b.ReportMetric(float64((processorTime()-before).Microseconds())/1000/float64(n), "processor-ms/op")
}

// BenchmarkDecision merges two profiles of the catalogue, and undoes it: two that
// little else has to do with, and two of the largest.
func BenchmarkDecision(b *testing.B) {
	for _, pair := range [][2]string{{"Elderwood", "Scarlet Mimic"}, {"APT28", "APT29"}} {
		b.Run(pair[0], func(b *testing.B) {
			im := seeded(b)
			e := Editor{Store: im.Store}
			n, before := 0, processorTime()
			for b.Loop() {
				n++
				d := decide(b, e, eve, Proposal{Verdict: intel.Merge, A: pair[0], B: pair[1]})
				if _, err := e.Undo(b.Context(), eve, d.ID); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64((processorTime()-before).Microseconds())/1000/float64(n), "processor-ms/op")
		})
	}
}

// BenchmarkNames asks for an ambiguous name, and for one that nobody has.
func BenchmarkNames(b *testing.B) {
	im := seeded(b)
	for _, name := range []string{"Labyrinth Chollima", "Labyrinht Cholima"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := Names(b.Context(), im.Store, name, eve.View); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// peakMemory is what the Go runtime has taken from the system.
func peakMemory() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Sys
}
