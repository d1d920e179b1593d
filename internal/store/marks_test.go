package store

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestMarks: lines count once, in any order and however they are split; many are estimated.
func TestMarks(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{0, 1, 100, MaxMarks - 1, MaxMarks, 10 * MaxMarks, 300_000} {
		lines := make([]uint64, n)
		for i := range lines {
			lines[i] = r.Uint64()
		}
		var once, pieces, kept Marks
		for _, x := range lines {
			once.Add(x)
		}
		for range 3 { // again and again, the kept form between
			r.Shuffle(n, func(i, k int) { lines[i], lines[k] = lines[k], lines[i] })
			var again Marks
			for _, x := range lines[:n/2] {
				again.Add(x)
			}
			for _, x := range lines {
				pieces.Add(x)
			}
			kept = nil
			kept.read(pieces.bytes())
			pieces = append(kept, again...)
		}
		want, estimated := once.Count()
		if got, e := pieces.Count(); got != want || e != estimated || !slices.Equal(once, pieces) {
			t.Errorf("%d lines: %d in pieces, %d at once", n, got, want)
		}
		if estimated != (n >= MaxMarks) || !estimated && want != int64(n) || math.Abs(float64(want)-float64(n)) > 0.12*float64(n) {
			t.Errorf("%d lines: counted %d, estimated %v", n, want, estimated)
		}
	}
}
