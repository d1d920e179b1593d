package export

import (
	"io"
	"iter"
	"strings"
	"testing"

	"dossier/internal/intel"
	"dossier/internal/observable"
)

// many yields n domains with a profile each, from one value in memory.
func many(n int) iter.Seq2[*Indicator, error] {
	return func(yield func(*Indicator, error) bool) {
		i := &Indicator{
			ID: "00000000-0000-5000-8000-000000000000", FirstSeen: 1700000000000, LastSeen: 1700000000000, Confidence: 80, Publishers: []string{"eset", "maltrail"},
			Profiles: []Profile{{ID: strings.Repeat("ab", 32), Kind: intel.Actor, Title: "APT28"}}, Reference: "https://example.org/report",
		}
		for n := range n {
			i.Observable = observable.Observable{Kind: observable.Domain, Value: "host" + itoa(n) + ".evil.example"}
			if !yield(i, nil) {
				return
			}
		}
	}
}

// counter counts what is written.
type counter struct{ n int64 }

func (c *counter) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	return len(p), nil
}

// BenchmarkExport writes 1,000,000 indicators from memory in each format that has
// no limit below that, so what is measured is the format alone.
func BenchmarkExport(b *testing.B) {
	for _, f := range Formats() {
		if !f.Carries(&Indicator{Observable: observable.Observable{Kind: observable.Domain, Value: "a.example"}}) || f.Max > 0 && f.Max < 1_000_000 {
			continue
		}
		b.Run(f.Name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				var c counter
				if _, err := Export(io.MultiWriter(&c), f, Options{}, many(1_000_000)); err != nil {
					b.Fatal(err)
				}
				b.SetBytes(c.n)
			}
		})
	}
}
