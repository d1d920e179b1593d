package profile_test

import (
	"testing"

	"dossier/internal/profile"
)

// BenchmarkFold folds one large and one small profile of the real data, and all
// of it.
func BenchmarkFold(b *testing.B) {
	h := realData(b)
	for _, title := range []string{"APT28", "GhostNet"} {
		b.Run(title, func(b *testing.B) {
			for _, id := range h.ids {
				if h.titles[id] != title {
					continue
				}
				b.ReportAllocs()
				for b.Loop() {
					profile.Fold(id, h.profiles[id], h)
				}
				return
			}
			b.Fatalf("no %s", title)
		})
	}
	b.Run("all", func(b *testing.B) {
		for b.Loop() {
			for _, id := range h.ids {
				profile.Fold(id, h.profiles[id], h)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*len(h.ids)), "µs/profile")
	})
}
