package lifecycle

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"dossier/internal/guard"
	"dossier/internal/intel"
	"dossier/internal/observable"
)

const now = 20000 * Day

func said(publisher, code string, rating int, ago intel.Time) Statement {
	return Statement{Publisher: publisher, Reliability: code, Rating: rating, First: intel.Date{At: now - ago*Day, Basis: intel.BasisStated}}
}

func until(s Statement, days intel.Time) Statement {
	s.ValidUntil = now + days*Day
	return s
}

func TestOf(t *testing.T) {
	revoked := said("a", "A", 0, 1)
	revoked.Revoked = true
	seen := said("a", "C", 0, 500)
	seen.Last = now - 5*Day
	for _, tt := range []struct {
		name   string
		c      Case
		base   int
		until  intel.Time // in days from now; 0: not active ever
		at     int
		active bool
	}{
		{"nothing", Case{Kind: observable.Domain}, 0, -20000, 0, false},
		{"an address, fresh", Case{Kind: observable.IPAddress, Statements: []Statement{said("a", "C", 0, 0)}}, 60, 60, 60, true},
		{"half-way to the floor", Case{Kind: observable.IPAddress, Statements: []Statement{said("a", "C", 0, 30)}}, 60, 30, 45, true},
		{"at the floor", Case{Kind: observable.IPAddress, Statements: []Statement{said("a", "C", 0, 60)}}, 60, 0, 30, false},
		{"long past", Case{Kind: observable.IPAddress, Statements: []Statement{said("a", "C", 0, 300)}}, 60, -240, 0, false},
		{"seen again", Case{Kind: observable.IPAddress, Statements: []Statement{seen}}, 60, 55, 57, true}, // 57.5
		{"met in one's own logs", Case{Kind: observable.IPAddress, Statements: []Statement{said("a", "C", 0, 300)}, Sighted: now - 5*Day}, 60, 55, 57, true},
		{"a file does not age", Case{Kind: observable.SHA256, Statements: []Statement{said("a", "C", 0, 5000)}}, 60, (Never - now) / Day, 60, true},
		{"unless its source limits it", Case{Kind: observable.SHA256, Statements: []Statement{until(said("a", "C", 0, 500), -1)}}, 60, -1, 30, false},
		{"rated by its source", Case{Kind: observable.Domain, Statements: []Statement{said("a", "A", 30, 0)}}, 60, 258, 60, true},
		{"two sources", Case{Kind: observable.SHA1, Statements: []Statement{said("a", "C", 0, 0), said("b", "C", 0, 0)}}, 72, (Never - now) / Day, 72, true},
		{"one source, twice", Case{Kind: observable.SHA1, Statements: []Statement{said("a", "C", 0, 0), said("a", "C", 0, 9)}}, 60, (Never - now) / Day, 60, true},
		{"withdrawn", Case{Kind: observable.SHA1, Statements: []Statement{revoked}}, 0, -20000, 0, false},
		{"an unreliable source", Case{Kind: observable.SHA1, Statements: []Statement{said("a", "E", 0, 0)}}, 15, -20000, 15, false},
		{"lowered by a list", Case{Kind: observable.SHA1, Statements: []Statement{said("a", "A", 0, 0)}, Guard: guard.Demote}, 45, (Never - now) / Day, 45, true},
		{"the source's limit wins over a longer life", Case{Kind: observable.Domain, Statements: []Statement{until(said("a", "A", 0, 0), 7)}}, 90, 7, 90, true},
		{"and over a shorter one", Case{Kind: observable.IPAddress, Statements: []Statement{until(said("a", "C", 0, 100), 100)}}, 60, 100, 45, true},
		{"another source does not limit it", Case{Kind: observable.IPAddress, Statements: []Statement{until(said("a", "C", 0, 0), 1), said("b", "C", 0, 0)}}, 72, 69, 72, true},
	} {
		l := Of(tt.c)
		if days := (l.Until - now) / Day; l.Base != tt.base || days != tt.until || l.Active(now) != tt.active {
			t.Errorf("%s: base %d, until %d days from now, active %v; want %d, %d, %v", tt.name, l.Base, days, l.Active(now), tt.base, tt.until, tt.active)
		}
		if got := l.At(tt.c.Kind, now); got < tt.at || got > tt.at+1 {
			t.Errorf("%s: confidence %d, want %d", tt.name, got, tt.at)
		}
	}
}

var kinds = []observable.Kind{observable.Domain, observable.IPAddress, observable.SHA256, observable.URL, observable.Mutex, observable.JA3}

func randomCase(r *rand.Rand) Case {
	c := Case{Kind: kinds[r.IntN(len(kinds))], Guard: []guard.Policy{"", guard.Annotate, guard.Demote, guard.Exclude}[r.IntN(4)]}
	for range r.IntN(6) {
		s := said(string(rune('a'+r.IntN(4))), []string{"A", "B", "C", "D", "E", "F", ""}[r.IntN(7)], r.IntN(2)*r.IntN(101), intel.Time(r.IntN(1000)))
		if r.IntN(3) == 0 {
			s.Last = s.First.At + intel.Time(r.IntN(100))*Day
		}
		if r.IntN(4) == 0 {
			s = until(s, intel.Time(r.IntN(800)-400))
		}
		s.Revoked = r.IntN(5) == 0
		c.Statements = append(c.Statements, s)
	}
	if r.IntN(4) == 0 {
		c.Sighted = now - intel.Time(r.IntN(600))*Day
	}
	return c
}

// TestProperties states what holds of every case: the order of statements makes no difference, confidence never rises with time and is
// within bounds, active is above the floor, and the terms of an explanation add up to it.
func TestProperties(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for n := range 20000 {
		c := randomCase(r)
		l := Of(c)
		back := c
		back.Statements = slices.Clone(c.Statements)
		slices.Reverse(back.Statements)
		if Of(back) != l {
			t.Fatalf("case %d: %+v depends on the order", n, c)
		}
		if l.From == 0 {
			continue
		}
		last := 101
		for at := l.From - 10*Day; at < l.From+1500*Day; at += 37 * Day {
			got := l.At(c.Kind, at)
			if got < 0 || got > 100 || got > last {
				t.Fatalf("case %d: confidence %d after %d in %+v", n, got, last, l)
			}
			last = got
			// Rounding to whole points may reach the floor a little early.
			if l.Active(at) && got < Floor || !l.Active(at) && got > Floor && at > l.From {
				t.Fatalf("case %d: active %v with confidence %d at %d in %+v", n, l.Active(at), got, at, l)
			}
		}
		e := Explain(c, "list", now)
		sum := 0.0
		for _, term := range e.Terms {
			sum += term.Points
		}
		if math.Abs(sum-float64(e.Confidence)) > 1.5 || e.Confidence != l.At(c.Kind, now) || e.Base != l.Base {
			t.Fatalf("case %d: terms add up to %.1f, confidence is %d: %+v", n, sum, e.Confidence, e)
		}
		if len(c.Statements) > 0 && !slices.ContainsFunc(c.Statements, func(s Statement) bool { return s.Revoked }) {
			more := c
			more.Statements = append(slices.Clone(c.Statements), said("another", "B", 0, 0))
			if Of(more).Base < l.Base {
				t.Fatalf("case %d: another source lowers the confidence of %+v", n, c)
			}
		}
	}
}

func ExampleOf() {
	c := Case{Kind: observable.IPAddress, Statements: []Statement{{
		Publisher: "maltrail", Reliability: "C", First: intel.Date{At: 20000 * Day, Basis: intel.BasisStated},
	}}}
	life := Of(c)
	fmt.Println(life.Base, life.Until.Day(), life.At(c.Kind, 20030*Day))
	// Output: 60 2024-12-03 45
}
