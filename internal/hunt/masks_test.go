package hunt

import (
	"math/rand/v2"
	"testing"
)

func TestMasks(t *testing.T) {
	b := make([]byte, 8*group)
	rnd := rand.New(rand.NewPCG(1, 2))
	for round := range 200 {
		for i := range b {
			b[i] = byte(rnd.Uint32())
			if round < 8 {
				b[i] = byte(i + round*64) // every byte at every place
			}
		}
		got, want := make([]masks, 8), make([]masks, 8)
		classify(b, got)
		classifyGo(b, want)
		for g := range got {
			if got[g] != want[g] {
				t.Fatalf("masks of %q are %+v, want %+v", b[g*group:][:group], got[g], want[g])
			}
			for i := range group {
				for k, mask := range []uint64{want[g].word, want[g].dot, want[g].colon, want[g].equals, want[g].joiner, want[g].odd, want[g].digit} {
					if is := classes[b[g*group+i]]>>k&1 == 1; is != (mask>>i&1 == 1) {
						t.Fatalf("byte %q: property %d is %v", b[g*group+i], k, !is)
					}
				}
			}
		}
	}
}

func BenchmarkMasks(b *testing.B) {
	buf := make([]byte, 64*group)
	out := make([]masks, 64)
	for name, f := range map[string]func([]byte, []masks){"go": classifyGo, "best": classify} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(buf)))
			for b.Loop() {
				f(buf, out)
			}
		})
	}
}
