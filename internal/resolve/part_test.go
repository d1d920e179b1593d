package resolve

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"dossier/internal/intel"
)

// closed returns the records that the seeds have to do with: those that share
// keys with them, over as many steps as there are, and over the decisions.
func closed(records, seeds []*intel.Record, in Input) []*intel.Record {
	joins := func(r *intel.Record) []string { return Joins(r, in.Ledger[r.Ref].ID) }
	byKey, decided := map[string][]*intel.Record{}, map[string][]string{}
	for _, r := range records {
		for _, k := range joins(r) {
			byKey[k] = append(byKey[k], r)
		}
	}
	for _, d := range in.Decisions {
		for _, k := range d.Joins() {
			decided[k] = append(decided[k], d.Joins()...)
		}
	}
	var out []*intel.Record
	taken, done := map[intel.Ref]bool{}, map[string]bool{}
	var visit func(key string)
	take := func(r *intel.Record) {
		if r.Kind.HasProfile() && !taken[r.Ref] {
			taken[r.Ref] = true
			out = append(out, r)
			for _, k := range joins(r) {
				visit(k)
			}
		}
	}
	visit = func(key string) {
		if done[key] {
			return
		}
		done[key] = true
		for _, k := range decided[key] {
			visit(k)
		}
		for _, r := range byKey[key] {
			take(r)
		}
	}
	for _, r := range seeds {
		take(r)
	}
	return out
}

// citing counts how many of the records cite a document.
func citing(records []*intel.Record) func(string) int {
	n := map[string]int{}
	for _, r := range records {
		for _, d := range Cites(r) {
			n[d]++
		}
	}
	return func(document string) int { return n[document] }
}

// checkPart holds that a part of the records that shares no key with the rest is
// assigned as it is with the rest: cells, their ids, members and reasons, near
// misses, and what others say of them.
func checkPart(t *testing.T, in Input, records, below, seeds []*intel.Record) {
	t.Helper()
	if in.Records = slices.Values(records); below != nil {
		in.Base = Assign(Input{Records: slices.Values(below), Ledger: in.Ledger})
	}
	whole := Assign(in)
	some := closed(records, seeds, in)
	part := in
	part.Records, part.Citing = slices.Values(some), citing(records)
	if below != nil {
		base := slices.DeleteFunc(slices.Clone(some), func(r *intel.Record) bool { return !slices.Contains(below, r) })
		part.Base = Assign(Input{Records: slices.Values(base), Ledger: in.Ledger, Citing: citing(below)})
	}
	got := Assign(part)
	near := func(p *Partition, id string) (out []Suggestion) {
		for _, s := range p.Suggestions() {
			if own, ok := p.CellOf(s.Record.Ref); s.Cell.ID == id || ok && own.ID == id {
				s.Cell = &Cell{ID: s.Cell.ID}
				out = append(out, s)
			}
		}
		return out
	}
	guests := func(p *Partition, id string) (out []intel.NameClaim) {
		for _, g := range p.Guests() {
			if g.Cell.ID == id {
				out = append(out, g.Claim)
			}
		}
		return out
	}
	for _, r := range some {
		want, ok1 := whole.CellOf(r.Ref)
		have, ok2 := got.CellOf(r.Ref)
		switch {
		case ok1 != ok2:
			t.Fatalf("%v has a cell: %v, with all records %v", r.Ref, ok2, ok1)
		case ok1 && !reflect.DeepEqual(*want, *have):
			t.Fatalf("%v: of a part of the records\n%+v\nof all\n%+v", r.Ref, *have, *want)
		case ok1 && !reflect.DeepEqual(near(whole, want.ID), near(got, want.ID)):
			t.Fatalf("%v: near misses of a part of the records\n%+v\nof all\n%+v", r.Ref, near(got, want.ID), near(whole, want.ID))
		case ok1 && !reflect.DeepEqual(guests(whole, want.ID), guests(got, want.ID)):
			t.Fatalf("%v: names that others give, of a part of the records\n%+v\nof all\n%+v", r.Ref, guests(got, want.ID), guests(whole, want.ID))
		}
	}
}

func some(r *rand.Rand, records []*intel.Record, n int) []*intel.Record {
	return shuffled(r, records)[:min(n, len(records))]
}

func TestPart(t *testing.T) {
	for seed := range uint64(150) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 12))
			records := synthetic(r, 30+r.IntN(60))
			for i, rec := range records { // documents that several cite
				if i%3 == 0 {
					rec.References = append(rec.References, intel.Reference{URL: fmt.Sprintf("https://example.com/report/%d", r.IntN(8))})
				}
			}
			in := Input{Decisions: someDecisions(r, records, r.IntN(6))}
			first := Assign(Input{Records: slices.Values(some(r, records, len(records)/2))})
			in.Ledger = first.Remember(nil, 1000)
			var below []*intel.Record
			if seed%3 == 0 {
				below = some(r, records, len(records)/2)
			}
			checkPart(t, in, records, below, some(r, records, 1+r.IntN(3)))
		})
	}
}

func TestPartCorpus(t *testing.T) {
	records := of(corpusRecords(t), intel.MitreAttack, intel.MicrosoftNaming, intel.MISPThreatActor, intel.MISPGalaxyPrefix+"malpedia", intel.MISPGalaxyPrefix+"ransomware")
	seen := map[intel.Ref]bool{}
	records = slices.DeleteFunc(slices.Clone(records), func(r *intel.Record) bool { // ATT&CK's two files share some
		had := seen[r.Ref]
		seen[r.Ref] = true
		return had
	})
	r := rand.New(rand.NewPCG(1, 12))
	for range 3 {
		in := Input{Decisions: someDecisions(r, records, 10)}
		checkPart(t, in, records, nil, some(r, records, 200))
	}
}
