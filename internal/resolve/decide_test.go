package resolve

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"dossier/internal/intel"

	"github.com/google/go-cmp/cmp"
)

func TestDecisions(t *testing.T) {
	a := actor(intel.MitreAttack, "a", "Alpha Bear", "Alpha One")
	b := actor(intel.MitreAttack, "b", "Beta Bear", "Beta One")
	m := actor(intel.MISPThreatActor, "m", "Alpha Bear", "Alpha One")
	hint := actor("acme", "h", "Gamma Bear")
	hint.Mention = true
	records := []*intel.Record{a, b, m, hint}
	together := func(p *Partition, x, y *intel.Record) bool {
		c, ok := p.CellOf(x.Ref)
		d, ok2 := p.CellOf(y.Ref)
		return ok && ok2 && c == d
	}
	assign := func(ds ...Decision) *Partition { return Assign(Input{Records: slices.Values(records), Decisions: ds}) }

	if p := assign(); together(p, a, b) || !together(p, a, m) {
		t.Fatalf("without decisions:\n%s", strings.Join(snapshot(p), "\n"))
	}
	join := Decision{Verdict: Join, A: a.Ref, B: b.Ref, By: "eve", At: 10}
	if p := assign(join); !together(p, a, b) || len(p.Unmet()) != 0 {
		t.Errorf("joined by an analyst:\n%s", strings.Join(snapshot(p), "\n"))
	}
	part := Decision{Verdict: Part, A: b.Ref, B: a.Ref, By: "bob", At: 20}
	if p := assign(join, part); together(p, a, b) {
		t.Error("the later statement, to part them, does not hold")
	}
	part.At = 5
	if p := assign(part, join); !together(p, a, b) {
		t.Error("the later statement, to join them, does not hold")
	}
	if p := assign(Decision{Verdict: Part, A: a.Ref, B: m.Ref, At: 1}); together(p, a, m) || len(p.Cells) != 3 || len(p.Suggestions()) != 0 {
		t.Errorf("parted by an analyst:\n%s", strings.Join(snapshot(p), "\n"))
	}
	means := Decision{Verdict: Means, Name: "gamma-bear", A: intel.Ref{Key: ProfileID(b.Ref)}, By: "eve", At: 3}
	p := assign(means)
	if !together(p, hint, b) {
		t.Errorf("a mention of what an analyst says means Beta Bear:\n%s", strings.Join(snapshot(p), "\n"))
	}
	means.Name = "Alpha One"
	if got := assign(means).Lookup("alpha one"); len(got) != 2 || got[0].Cell.Founder != b.Ref || got[0].Reason != "eve says so" {
		t.Errorf("Lookup of a name that an analyst ruled on: %s", describe(got))
	}
	gone := Decision{Verdict: Join, A: a.Ref, B: intel.Ref{Publisher: "acme", Key: "nobody"}}
	if p := assign(gone); len(p.Unmet()) != 1 {
		t.Errorf("a decision about nobody: unmet %v", p.Unmet())
	}
}

// TestUndoneDecisions: decisions come, are remembered through, and go: what is
// left is as before, and every id that was served leads somewhere.
func TestUndoneDecisions(t *testing.T) {
	check := func(t *testing.T, r *rand.Rand, records []*intel.Record) {
		t.Helper()
		ledger := map[intel.Ref]Entry{}
		assign := func(ds []Decision) *Partition {
			p := Assign(Input{Records: slices.Values(shuffled(r, records)), Ledger: ledger, Decisions: ds})
			for ref, e := range p.Remember(ledger, intel.Time(10+len(ledger))) {
				ledger[ref] = e
			}
			return p
		}
		first := assign(nil)
		before := snapshot(first)
		ds := someDecisions(r, records, 12)
		decided := assign(ds)
		for i := range first.Cells {
			if _, ok := decided.ByID(first.Cells[i].ID); !ok {
				t.Errorf("%s leads nowhere after decisions", first.Cells[i].ID)
			}
		}
		r.Shuffle(len(ds), func(i, j int) { ds[i], ds[j] = ds[j], ds[i] })
		if diff := cmp.Diff(snapshot(decided), snapshot(assign(ds))); diff != "" {
			t.Errorf("the order of decisions makes a difference:\n%s", diff)
		}
		if diff := cmp.Diff(before, snapshot(assign(nil))); diff != "" {
			t.Errorf("after undoing the decisions:\n%s", diff)
		}
	}
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 7))
		check(t, r, synthetic(r, 5+r.IntN(60)))
	}
	check(t, rand.New(rand.NewPCG(1, 2)), corpusRecords(t))
}
