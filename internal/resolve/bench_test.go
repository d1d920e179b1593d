package resolve

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"dossier/internal/intel"
)

// tenThousand makes 10,000 records with 20,000 further names, about as
// connected as the real ones: five publishers speak of the same things, one
// record in five has something of its own.
func tenThousand() []*intel.Record {
	r := rand.New(rand.NewPCG(1, 1))
	publishers := []string{intel.MitreAttack, intel.MicrosoftNaming, intel.MISPThreatActor, "misp-galaxy/malpedia", "misp-galaxy/tool"}
	var out []*intel.Record
	for thing := range 2500 {
		pool := make([]string, 6)
		for i := range pool {
			pool[i] = fmt.Sprintf("Thing%d Name%c", thing, 'A'+i)
		}
		for _, pub := range publishers[:4] {
			rec := actor(pub, fmt.Sprintf("%s-%05d", pub, thing), pool[r.IntN(len(pool))])
			for range 2 {
				name := pool[r.IntN(len(pool))]
				if r.IntN(10) == 0 {
					name = fmt.Sprintf("Shared Name%d", r.IntN(200))
				}
				rec.Names = append(rec.Names, intel.Name{Value: name})
			}
			if pub == publishers[3] && thing%2 == 0 {
				rec.Kind = intel.Tool
			}
			out = append(out, rec)
		}
	}
	return out
}

func BenchmarkAssign(b *testing.B) {
	records := tenThousand()
	b.ReportAllocs()
	for b.Loop() {
		assignAll(records)
	}
	b.ReportMetric(float64(len(records)), "records")
}

func BenchmarkAssignCorpus(b *testing.B) {
	records := corpusRecords(b)
	b.ReportAllocs()
	for b.Loop() {
		assignAll(records)
	}
	b.ReportMetric(float64(len(records)), "records")
}

func BenchmarkLookup(b *testing.B) {
	p := assignAll(tenThousand())
	b.ReportAllocs()
	for b.Loop() {
		p.Lookup("Thing77 NameB")
	}
}

// TestMemory holds what the package comment says a partition takes.
func TestMemory(t *testing.T) {
	records := tenThousand()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	p := Assign(Input{Records: slices.Values(records)})
	runtime.GC()
	runtime.ReadMemStats(&after)
	per := (int64(after.HeapAlloc) - int64(before.HeapAlloc)) / int64(len(records))
	t.Logf("%d bytes a record", per)
	if per > 3000 {
		t.Errorf("a partition takes %d bytes a record", per)
	}
	runtime.KeepAlive(p)
	runtime.KeepAlive(records)
}
