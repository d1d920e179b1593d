//go:build unix

package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"dossier/internal/ingest"
	"dossier/internal/intel"
	"dossier/internal/store"
	"dossier/internal/testdb"
)

// BenchmarkLoad asks for the same things as test/load, 32 requests at a time and
// without a network; none is answered from memory. DOSSIER_BENCH_DB names a
// database, by default one is filled from the catalogue. cpu-µs is the processor
// time of a request, which other programs of the machine disturb least.
func BenchmarkLoad(b *testing.B) {
	path, filled := os.Getenv("DOSSIER_BENCH_DB"), true
	if path == "" {
		path, filled = testdb.Path(b), false
	}
	s, _, err := store.Open(b.Context(), path, store.Options{Create: true})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	if !filled {
		if _, err := (&ingest.Importer{Store: s}).Seed(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	srv := New(Config{Store: s, Ceiling: intel.Red})
	const (
		ti         = "/v1.0/security/threatIntelligence"
		profiles   = ti + "/intelProfiles"
		indicators = ti + "/intelligenceProfileIndicators"
	)
	type row struct {
		ID, Title string
		Summary   struct{ Content string }
	}
	var rows []row
	for next := profiles + "?$top=1000"; next != ""; {
		page := read(b, ask(srv, "GET", next))
		for _, v := range page.Value {
			var r row
			if err := json.Unmarshal(v, &r); err != nil {
				b.Fatal(err)
			}
			rows = append(rows, r)
		}
		_, next, _ = strings.Cut(page.Next, "http://example.com")
	}
	deep := profiles + "?$top=100"
	for range 10 {
		_, deep, _ = strings.Cut(read(b, ask(srv, "GET", deep)).Next, "http://example.com")
	}
	at := func(n int) *row { return &rows[n%len(rows)] }
	word := func(n int) string { // of four letters or more
		words := strings.Fields(at(n * 7).Summary.Content)
		if i := slices.IndexFunc(words, func(w string) bool { return len(w) > 3 }); i >= 0 {
			return words[i]
		}
		return "group"
	}
	q := func(s string) string { return url.QueryEscape("'" + strings.ReplaceAll(s, "'", "''") + "'") }
	begin := func(s string) string { r := []rune(s); return string(r[:min(4, len(r))]) }
	var asked atomic.Int64
	for _, r := range []struct {
		name   string
		target func(n int) string
	}{
		{"get", func(n int) string { return profiles + "/" + at(n).ID + "?" }},
		{"list100", func(int) string { return profiles + "?" }},
		{"deep", func(int) string { return deep }},
		{"titleEq", func(n int) string { return profiles + "?$filter=title%20eq%20" + q(at(n).Title) }},
		{"titleStartswith", func(n int) string { return profiles + "?$filter=startswith(title," + q(begin(at(n).Title)) + ")" }},
		{"summaryContains", func(n int) string { return profiles + "?$filter=contains(summary/content," + q(word(n)) + ")" }},
		{"aliasEq", func(n int) string { return profiles + "?$filter=aliases/any(a:a%20eq%20" + q(at(n).Title) + ")" }},
		{"count", func(n int) string {
			return profiles + "/$count?$filter=kind%20eq%20'actor'%20and%20title%20ne%20" + q(fmt.Sprint(n))
		}},
		{"search", func(n int) string {
			return profiles + "?$search=" + url.QueryEscape(`"`+strings.ReplaceAll(at(n).Title, `"`, "")+`"`)
		}},
		{"newestIndicators", func(int) string { return indicators + "?$orderby=firstSeenDateTime%20desc" }},
	} {
		b.Run(r.name, func(b *testing.B) {
			var mu sync.Mutex
			var took []time.Duration
			b.SetParallelism(16) // for two processors
			b.ReportAllocs()
			before, start := processorTime(b), time.Now()
			b.RunParallel(func(pb *testing.PB) {
				var own []time.Duration
				for pb.Next() {
					n := int(asked.Add(1))
					w := &discarded{header: http.Header{}, code: 200}
					req := httptest.NewRequestWithContext(b.Context(), "GET", fmt.Sprint(r.target(n), "&n=", n), nil)
					start := time.Now()
					srv.ServeHTTP(w, req)
					own = append(own, time.Since(start))
					if w.code != 200 {
						b.Errorf("%s: status %d", req.URL, w.code)
					}
				}
				mu.Lock()
				defer mu.Unlock()
				took = append(took, own...)
			})
			slices.Sort(took)
			b.ReportMetric(float64(len(took))/time.Since(start).Seconds(), "req/s")
			b.ReportMetric(float64((processorTime(b)-before).Microseconds())/float64(len(took)), "cpu-µs")
			b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
		})
	}
}

// discarded is a response that nobody reads.
type discarded struct {
	header http.Header
	code   int
}

func (d *discarded) Header() http.Header         { return d.header }
func (d *discarded) WriteHeader(code int)        { d.code = code }
func (d *discarded) Write(b []byte) (int, error) { return len(b), nil }

// processorTime is what this process has used.
func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
