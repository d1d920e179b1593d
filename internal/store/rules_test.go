package store

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// crowded gives numbers of a narrow range, so that many collide.
func crowded(content string, n int, first, last uint32) uint32 {
	h := uint32(2166136261)
	for _, c := range []byte(fmt.Sprint(content, "\x00", n)) {
		h = (h ^ uint32(c)) * 16777619
	}
	return first + h%(last-first+1)
}

// TestRuleLedger: whatever rules come and go, whoever asks first, a number never
// gets another meaning, and a rule keeps its own.
func TestRuleLedger(t *testing.T) {
	s, _ := testStore(t)
	const first, last = 1000, 2000
	r := rand.New(rand.NewPCG(1, 2))
	meaning, number := map[uint32]string{}, map[string]uint32{}
	for round := range 12 {
		var rules []string
		for range 120 {
			rules = append(rules, fmt.Sprint("rule ", r.IntN(400)))
		}
		l := s.RuleLedger(t.Context(), crowded)
		if round%3 > 0 { // as an export does
			l.Collect()
			for _, c := range rules {
				if _, err := l.Number(c, first, last); err != nil {
					t.Fatal(err)
				}
			}
			if err := l.Settle(); err != nil {
				t.Fatal(err)
			}
		}
		for _, c := range rules {
			n, err := l.Number(c, first, last)
			if err != nil {
				t.Fatal(err)
			}
			if n < first || n > last || meaning[n] != "" && meaning[n] != c || number[c] != 0 && number[c] != n {
				t.Fatalf("%s has %d, which is that of %q; before it had %d", c, n, meaning[n], number[c])
			}
			meaning[n], number[c] = c, n
		}
	}
	moved := 0
	for c, n := range number {
		if n != crowded(c, 0, first, last) {
			moved++
		}
	}
	if moved == 0 {
		t.Error("nothing collided, so nothing was tried")
	}
	l := s.RuleLedger(t.Context(), crowded)
	for i := 0; ; i++ {
		if _, err := l.Number(fmt.Sprint("other ", i), 5, 7); err != nil {
			if i != 3 {
				t.Errorf("the range was full after %d", i)
			}
			break
		}
	}
}
