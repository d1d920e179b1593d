package ingest

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

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

// peakMemory is what the Go runtime has taken from the system.
func peakMemory() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Sys
}
