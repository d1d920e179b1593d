package api

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"dossier/internal/intel"
	"dossier/internal/observable"
	"dossier/internal/store"
)

// BenchmarkTaxiiPage asks for pages of 1,000 objects at the beginning, in the middle
// and near the end of collections, among as many indicators as the environment
// variable DOSSIER_BENCH_INDICATORS says; nine in ten belong to a profile.
func BenchmarkTaxiiPage(b *testing.B) {
	n := 20_000
	if text := os.Getenv("DOSSIER_BENCH_INDICATORS"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			b.Fatal(err)
		}
	}
	st, _, err := store.Open(b.Context(), b.TempDir()+"/bench.db", store.Options{Create: true})
	if err != nil {
		b.Fatal(err)
	}
	defer st.Close()
	const profiles = 500
	var list []*store.Derived
	for i := range profiles {
		d := derived(numberedID(i), []intel.Kind{intel.Actor, intel.Tool}[i%2], fmt.Sprintf("Profile %d", i), nil)
		d.Members = []intel.Ref{refTo(fmt.Sprint(i))}
		list = append(list, d)
	}
	start := time.Now()
	write := func(from, to int) {
		batch, err := st.Begin(b.Context(), store.FromImport)
		if err != nil {
			b.Fatal(err)
		}
		for i := from; i < to; i++ {
			o := &intel.Observation{
				Publisher: intel.Maltrail, Observable: observable.Observable{Kind: observable.Domain, Value: fmt.Sprintf("h%d.evil-%d.example", i, i%5000)},
				FirstSeen: intel.Date{At: intel.TimeOf(time.Now().AddDate(0, 0, -i%300)), Basis: intel.BasisStated}, Source: intel.SourceOSINT,
			}
			if i%10 > 0 {
				o.Subjects = []intel.Ref{refTo(fmt.Sprint(i % profiles))}
			}
			if err := batch.Observe(b.Context(), o); err != nil {
				b.Fatal(err)
			}
		}
		if err := batch.Commit(b.Context()); err != nil {
			b.Fatal(err)
		}
		if _, _, err := st.PutDerived(b.Context(), list, nil); err != nil {
			b.Fatal(err)
		}
		if _, err := st.FoldIndicators(b.Context(), nil); err != nil {
			b.Fatal(err)
		}
	}
	write(0, n)
	write(n, n+n/100) // most came at once, some later
	b.Logf("%d indicators in %s", n, time.Since(start).Round(time.Second))
	s := New(Config{Store: st, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)), Ceiling: intel.Red})
	middle := func(fraction string) string { // half of the ids lie behind
		e, _ := taxiiPage(b, s, rootPath+"indicators/objects/?limit=1&match[type]=indicator")
		first := partOf(b, e.Objects[0])
		at, err := time.Parse(time.RFC3339Nano, first.Modified)
		if err != nil {
			b.Fatal(err)
		}
		d, err := time.ParseDuration(fraction)
		if err != nil {
			b.Fatal(err)
		}
		return taxiiTime(at.Add(d * time.Duration(n) / 1_000_000).UnixMicro())
	}
	for _, tt := range []struct{ name, query string }{
		{"first", "indicators/objects/?"},
		{"middle", "indicators/objects/?added_after=" + middle("4s")},
		{"end", "indicators/objects/?added_after=" + middle("7.9s")},
		{"middle, indicators only", "indicators/objects/?match[type]=indicator&added_after=" + middle("4s")},
		{"middle, manifest", "indicators/manifest/?added_after=" + middle("4s")},
		{"middle, all", "all/objects/?added_after=" + middle("4s")},
		{"profiles", "profiles/objects/?"},
		{"Graph's list, beside", ""}, // a page of as many indicators in Graph's form
	} {
		b.Run(tt.name, func(b *testing.B) {
			var took []time.Duration

			for b.Loop() {
				start := time.Now()
				target := rootPath + tt.query
				if tt.query == "" {
					target = "/v1.0/security/threatIntelligence/intelligenceProfileIndicators?$top=1000&$count=false&x=" + strconv.Itoa(len(took)) // not from memory
				}
				w := ask(s, "GET", target)
				took = append(took, time.Since(start))
				b.SetBytes(int64(w.Body.Len()))
				if len(took) == 1 && tt.query != "" {
					e, _ := taxiiPage(b, s, rootPath+tt.query)
					objects := len(e.Objects)
					if objects < 500 {
						b.Fatalf("%d objects", objects)
					}
				}
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[0].Microseconds())/1000, "min-ms")
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "median-ms")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
		})
	}
}
