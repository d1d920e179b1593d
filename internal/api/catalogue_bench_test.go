package api

import (
	"fmt"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"dossier/internal/ingest"
	"dossier/internal/intel"
	"dossier/internal/store"
	"dossier/internal/testdb"
)

// BenchmarkCatalogue answers requests over a database filled from the embedded
// catalogue, one after the other, without a network; p50 and p99 are in µs.
func BenchmarkCatalogue(b *testing.B) {
	s, _, err := store.Open(b.Context(), testdb.Path(b), store.Options{Create: true})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	if _, err := (&ingest.Importer{Store: s}).Seed(b.Context()); err != nil {
		b.Fatal(err)
	}
	hits, err := s.ProfilesByName(b.Context(), "APT28", store.View{})
	if err != nil || len(hits) == 0 {
		b.Fatal(err)
	}
	srv := New(Config{Store: s, Ceiling: intel.Red})
	const ti = "/v1.0/security/threatIntelligence"
	for _, r := range []struct{ name, path string }{
		{"list100", ti + "/intelProfiles"},
		{"list1000", ti + "/intelProfiles?$top=1000"},
		{"list100byTitle", ti + "/intelProfiles?$orderby=title"},
		{"actors100counted", ti + "/intelProfiles?$filter=kind%20eq%20'actor'&$count=true"},
		{"search", ti + "/intelProfiles?$search=russia"},
		{"get", ti + "/intelProfiles/" + hits[0].ID},
		{"indicators100", ti + "/intelProfiles/" + hits[0].ID + "/indicators"},
		{"lookup", "/api/lookup?value=8.8.8.8"},
	} {
		b.Run(r.name, func(b *testing.B) {
			var took []time.Duration
			for b.Loop() {
				w := httptest.NewRecorder()
				start := time.Now()
				srv.ServeHTTP(w, httptest.NewRequestWithContext(b.Context(), "GET", r.path, nil))
				took = append(took, time.Since(start))
				if w.Code != 200 {
					b.Fatal(fmt.Sprint(w.Code, " ", w.Body))
				}
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
		})
	}
}
