package facts

import (
	"testing"
)

// BenchmarkEnrich reads all groups and software of ATT&CK, one record an
// operation.
func BenchmarkEnrich(b *testing.B) {
	records := attackRecords(b)
	var bytes int64
	for _, r := range records {
		bytes += int64(len(r.Description))
	}
	b.SetBytes(bytes / int64(len(records)))
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		r := records[i%len(records)]
		r.Events, r.Links = nil, nil
		Enrich(&r)
		i++
	}
}
