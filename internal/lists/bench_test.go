package lists

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"dossier/internal/intel"
	"dossier/internal/testcorpus"
)

type discard struct{}

func (discard) Record(*intel.Record) error           { return nil }
func (discard) Observation(*intel.Observation) error { return nil }
func (discard) Article(*intel.Article) error         { return nil }
func (discard) Pattern(*intel.Pattern) error         { return nil }
func (discard) Reject(intel.Reject)                  {}

// BenchmarkDecode reads the largest real file of each form.
func BenchmarkDecode(b *testing.B) {
	dir := testcorpus.Path(b)
	for _, file := range []string{"maltrail/trails/static/malware/cobaltstrike-2.txt", "ipsum/ipsum.txt", "abusech-sslbl/sslblacklist.csv"} {
		body, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(file)))
		if err != nil {
			b.Fatal(err)
		}
		b.Run(filepath.Base(file), func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Decode(context.Background(), bytes.NewReader(body), Options{Path: file}, discard{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
