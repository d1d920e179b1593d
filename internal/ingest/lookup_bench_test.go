package ingest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"dossier/internal/intel"
	"dossier/internal/observable"
	"dossier/internal/odata"
	"dossier/internal/store"
)

// lookups asks for values, one every millisecond, until done is closed or so many
// are asked for, and returns how long each took, in order.
func lookups(b *testing.B, s *store.Store, values []observable.Observable, n int, done <-chan struct{}) (took []time.Duration) {
	v := store.View{Ceiling: intel.Red}
	for i := 0; n == 0 || i < n; i++ {
		select {
		case <-done:
			slices.Sort(took)
			return took
		case <-time.After(time.Millisecond):
		}
		began := time.Now()
		if _, err := s.Lookup(b.Context(), values[i*7919%len(values)], v); err != nil {
			b.Error(err)
			return took
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	return took
}

// BenchmarkLookups asks for indicators with their evidence while nothing else is
// going on, and while more of them are imported. DOSSIER_BENCH_ROWS is how many
// there are, and how many come; the default is 100,000.
func BenchmarkLookups(b *testing.B) {
	rows, err := strconv.Atoi(os.Getenv("DOSSIER_BENCH_ROWS"))
	if err != nil {
		rows = 100_000
	}
	dir := b.TempDir()
	first, second := filepath.Join(dir, "first.csv"), filepath.Join(dir, "second.csv")
	if err := generate(first, rows); err != nil {
		b.Fatal(err)
	}
	if err := alter(first, second, 1); err != nil {
		b.Fatal(err)
	}
	var values []observable.Observable
	for i := 4; i < rows; i += 10 {
		values = append(values, observable.Observable{Kind: observable.IPAddress, Value: fmt.Sprintf("%d.%d.%d.%d", 20+i>>24, i>>16&255, i>>8&255, i&255)})
	}
	for b.Loop() {
		im := &Importer{Store: emptyStore(b)}
		if _, err := im.Import(b.Context(), []string{first}, Options{Publisher: "generated"}); err != nil {
			b.Fatal(err)
		}
		alone := lookups(b, im.Store, values, 2000, nil)
		done := make(chan struct{})
		go func() {
			defer close(done)
			if _, err := im.Import(b.Context(), []string{second}, Options{Publisher: "generated"}); err != nil {
				b.Error(err)
			}
		}()
		beside := lookups(b, im.Store, values, 0, done)
		ms := func(list []time.Duration, part float64) float64 {
			return list[int(part*float64(len(list)-1))].Seconds() * 1000
		}
		b.ReportMetric(ms(alone, 0.5), "alone-p50-ms")
		b.ReportMetric(ms(alone, 0.99), "alone-p99-ms")
		b.ReportMetric(ms(beside, 0.5), "beside-p50-ms")
		b.ReportMetric(ms(beside, 0.99), "beside-p99-ms")
		b.ReportMetric(float64(len(beside)), "beside-lookups")
		if err := im.Store.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPages pages through the indicators of a profile with 60,000 of them, and
// asks for those of one with six.
func BenchmarkPages(b *testing.B) {
	im := &Importer{Store: emptyStore(b)}
	b.Cleanup(func() { _ = im.Store.Close() })
	dir := b.TempDir()
	var many, few strings.Builder
	for i := range 60_000 {
		fmt.Fprintf(&many, "n%d.contoso.com\n", i)
	}
	for i := range 6 {
		fmt.Fprintf(&few, "n%d.fabrikam.com\n", i)
	}
	write(b, dir, map[string]string{"trails/static/malware/apt_many.txt": many.String(), "trails/static/malware/apt_few.txt": few.String()})
	if _, err := im.Import(b.Context(), []string{dir}, Options{}); err != nil {
		b.Fatal(err)
	}
	v := store.View{Ceiling: intel.Red, Mode: store.All}
	for _, name := range []string{"many", "few"} {
		hits, err := im.Store.ProfilesByName(b.Context(), name, v)
		if err != nil || len(hits) != 1 {
			b.Fatal(hits, err)
		}
		for _, top := range []int{6, 100} {
			b.Run(fmt.Sprintf("%s/top=%d", name, top), func(b *testing.B) {
				q, err := odata.ParseQuery("$top="+strconv.Itoa(top), store.Types.Indicator, odata.Options{Allow: odata.AllowCollection})
				if err != nil {
					b.Fatal(err)
				}
				n, used := 0, processorTime()
				for b.Loop() {
					page, err := im.Store.ProfileIndicators(b.Context(), hits[0].ID, q, v)
					if err != nil || len(page.Items) == 0 {
						b.Fatal(err)
					}
					n += len(page.Items)
					q.SkipToken = page.Next // from the beginning again behind the last
				}
				b.ReportMetric((processorTime()-used).Seconds()*1e6/float64(b.N), "cpu-µs/page")
				b.ReportMetric(float64(n)/float64(b.N), "indicators/page")
			})
		}
	}
}
