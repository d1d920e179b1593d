package ingest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// generateSTIX writes a STIX 2.1 bundle of about so many bytes, in the mix that
// vendors' bundles have: of a hundred objects some 55 are indicators, 30
// relationships, 6 reports with references, 5 sightings, the rest tools, groups and
// techniques with prose.
func generateSTIX(w io.Writer, size int64) error {
	r := rand.New(rand.NewPCG(8, 8))
	out := bufio.NewWriterSize(w, 1<<20)
	var n int64
	put := func(format string, args ...any) {
		k, _ := fmt.Fprintf(out, format, args...)
		n += int64(k)
	}
	uuid := func(kind string) string {
		return fmt.Sprintf("%s--%08x-%04x-4%03x-8%03x-%012x", kind, r.Uint32(), r.Uint32()>>16, r.Uint32()>>20, r.Uint32()>>20, r.Uint64()>>16)
	}
	day := func() string {
		return fmt.Sprintf("2026-%02d-%02dT%02d:%02d:00.000Z", 1+r.IntN(9), 1+r.IntN(28), r.IntN(24), r.IntN(60))
	}
	const team = "identity--22222222-2222-4222-8222-222222222222"
	common := func(kind, id string) string {
		at := day()
		return fmt.Sprintf(`{"type":%q,"spec_version":"2.1","id":%q,"created_by_ref":%q,"created":%q,"modified":%q`, kind, id, team, at, at)
	}
	prose := strings.Repeat("The group sends mail with an archive, whose installer keeps itself alive with a scheduled task. ", 6)
	put(`{"type":"bundle","id":%q,"objects":[{"type":"identity","spec_version":"2.1","id":%q,"created":"2020-01-01T00:00:00Z","modified":"2020-01-01T00:00:00Z","name":"Generated","identity_class":"organization"}`, uuid("bundle"), team)
	var indicators, things []string
	for i := 0; n < size; i++ {
		put(",\n")
		switch k := i % 100; {
		case k < 4 && len(things) < 2000:
			kind := []string{"intrusion-set", "malware", "tool", "attack-pattern"}[k]
			id := uuid(kind)
			if kind != "attack-pattern" {
				things = append(things, id)
			}
			extra := ""
			if kind == "malware" {
				extra = `,"is_family":true`
			}
			put(`%s,"name":"Generated %s %d","description":%q%s}`, common(kind, id), kind, i, prose, extra)
		case k < 60:
			pattern := ""
			switch i % 4 {
			case 0:
				pattern = fmt.Sprintf("[domain-name:value = '%012x-%x.com']", r.Uint64()>>16, i)
			case 1:
				pattern = fmt.Sprintf("[ipv4-addr:value = '%d.%d.%d.%d']", 20+i>>24, i>>16&255, i>>8&255, i&255)
			case 2:
				pattern = fmt.Sprintf("[file:hashes.'SHA-256' = '%016x%016x%016x%016x']", r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64())
			default:
				pattern = fmt.Sprintf("[url:value = 'http://%010x%x.net/p/%d.php']", r.Uint64()>>24, i, i)
			}
			id := uuid("indicator")
			indicators = append(indicators, id)
			put(`%s,"name":"Generated indicator %d","description":"Seen in mail.","indicator_types":["malicious-activity"],"pattern":%q,"pattern_type":"stix","pattern_version":"2.1","valid_from":%q,"labels":["c2"],"confidence":%d}`,
				common("indicator", id), i, pattern, day(), 50+r.IntN(50))
		case k < 89 && len(indicators) > 0 && len(things) > 0:
			put(`%s,"relationship_type":"indicates","source_ref":%q,"target_ref":%q}`, common("relationship", uuid("relationship")), indicators[len(indicators)-1-r.IntN(min(len(indicators), 50))], things[r.IntN(len(things))])
		case k < 95 && len(indicators) > 20:
			refs, _ := json.Marshal(indicators[len(indicators)-20:])
			put(`%s,"name":"Generated report %d","description":%q,"published":%q,"object_refs":%s}`, common("report", uuid("report")), i, prose, day(), refs)
		default:
			if len(indicators) == 0 {
				indicators = append(indicators, uuid("indicator"))
			}
			at := day()
			put(`%s,"first_seen":%q,"last_seen":%q,"count":3,"sighting_of_ref":%q}`, common("sighting", uuid("sighting")), at, at, indicators[r.IntN(len(indicators))])
		}
		if len(indicators) > 4096 {
			indicators = append(indicators[:0], indicators[2048:]...)
		}
	}
	put("]}\n")
	return out.Flush()
}

// writeSTIX writes a generated bundle to a file.
func writeSTIX(tb testing.TB, path string, size int64) {
	tb.Helper()
	f, err := os.Create(path)
	if err != nil {
		tb.Fatal(err)
	}
	if err := generateSTIX(f, size); err != nil {
		tb.Fatal(err)
	}
	if err := f.Close(); err != nil {
		tb.Fatal(err)
	}
}

// BenchmarkSTIX imports a generated bundle into an empty database, and beside it
// decodes the same bytes with encoding/json, twice. DOSSIER_BENCH_MB says how
// large it is; the default is 50 MB.
func BenchmarkSTIX(b *testing.B) {
	mb, err := strconv.Atoi(os.Getenv("DOSSIER_BENCH_MB"))
	if err != nil {
		mb = 50
	}
	path := filepath.Join(b.TempDir(), "generated.json")
	writeSTIX(b, path, int64(mb)*1e6)
	b.SetBytes(int64(mb) * 1e6)
	for b.Loop() {
		s := emptyStore(b)
		runtime.GC()
		before := heapInUse()
		peak := watchHeap()
		began, used := time.Now(), processorTime()
		res, err := (&Importer{Store: s}).Import(b.Context(), []string{path}, Options{})
		stored := spent{time.Since(began), processorTime() - used}
		grown := peak() - before
		if err != nil || res.Run.Counts.Indicators.New == 0 {
			b.Fatalf("%+v, %v", res.Run.Counts, err)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(grown)/(1<<20), "MiB-grown")
		b.ReportMetric(float64(res.Run.Counts.Indicators.Read), "indicators")
		if mb > 200 {
			continue // that it needs as much memory as it does is known
		}
		began, used = time.Now(), processorTime()
		for range 2 {
			data, err := os.ReadFile(path)
			if err != nil {
				b.Fatal(err)
			}
			var v any
			if err := json.Unmarshal(data, &v); err != nil {
				b.Fatal(err)
			}
		}
		twice := spent{time.Since(began), processorTime() - used}
		b.ReportMetric(stored.wall.Seconds()/twice.wall.Seconds(), "stored/json-twice")
		b.ReportMetric(stored.cpu.Seconds()/twice.cpu.Seconds(), "cpu-stored/json-twice")
	}
}

func heapInUse() int64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}

// watchHeap looks at the heap from time to time, and returns how to end that and
// get the largest that was seen.
func watchHeap() (peak func() int64) {
	stop, most := make(chan struct{}), int64(0)
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			most = max(most, heapInUse())
			select {
			case <-stop:
				return
			case <-tick.C:
			}
		}
	})
	return func() int64 {
		close(stop)
		wg.Wait()
		return most
	}
}
