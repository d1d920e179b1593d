package resolve

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"dossier/internal/intel"
)

// agreeing returns the records with one more name in common between two of them,
// which nobody else has.
func agreeing(records []*intel.Record, a, b intel.Ref, name string) []*intel.Record {
	out := slices.Clone(records)
	for i, r := range out {
		if r.Ref == a || r.Ref == b {
			more := *r
			more.Names = append(slices.Clone(r.Names), intel.Name{Value: name})
			out[i] = &more
		}
	}
	return out
}

// checkMonotone holds that more evidence for an assignment neither undoes nor
// weakens it: a record that was put into a cell because of what both say is still
// with the cell's founder, on a score as high, when the two have one more name in
// common. It returns how many it looked at.
func checkMonotone(t *testing.T, records []*intel.Record, r *rand.Rand, most int) (n int) {
	t.Helper()
	before := assignAll(records)
	type pair struct {
		founder, member intel.Ref
		score           float64
	}
	var joined []pair
	for i := range before.Cells {
		c := &before.Cells[i]
		for _, m := range c.Members {
			switch m.Reason.Rule {
			case RuleNames, RuleTitle, RuleExternalID:
				if m.Record.Live() && !m.Record.Mention {
					joined = append(joined, pair{c.Founder, m.Record.Ref, m.Reason.Score})
				}
			}
		}
	}
	r.Shuffle(len(joined), func(i, j int) { joined[i], joined[j] = joined[j], joined[i] })
	for _, p := range joined[:min(len(joined), most)] {
		after := assignAll(agreeing(records, p.founder, p.member, "Monotone Proofname"))
		c, ok := after.CellOf(p.founder)
		if !ok {
			t.Fatalf("%v is in no cell", p.founder)
		}
		i := slices.IndexFunc(c.Members, func(m Member) bool { return m.Record.Ref == p.member })
		if i < 0 {
			t.Errorf("%v left %v when they had one more name in common", p.member, p.founder)
			continue
		}
		if score := c.Members[i].Reason.Score; c.Members[i].Reason.Rule != RuleFounder && score < p.score-1e-9 {
			t.Errorf("%v with %v: score %.3f fell to %.3f when they had one more name in common", p.member, p.founder, p.score, score)
		}
		n++
	}
	return n
}

func TestMonotoneEvidence(t *testing.T) {
	total := 0
	for seed := range 60 {
		r := rand.New(rand.NewPCG(uint64(seed), 11))
		t.Run(fmt.Sprint(seed), func(t *testing.T) { total += checkMonotone(t, synthetic(r, 60), r, 20) })
	}
	if total < 100 {
		t.Errorf("only %d assignments looked at", total)
	}
}

func TestMonotoneEvidenceCorpus(t *testing.T) {
	records := of(corpusRecords(t), intel.MitreAttack, intel.MicrosoftNaming, intel.MISPThreatActor)
	most := 60
	if testing.Short() {
		most = 5
	}
	checkMonotone(t, records, rand.New(rand.NewPCG(1, 1)), most)
}
