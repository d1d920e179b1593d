package resolve

import (
	"slices"
	"testing"

	"dossier/internal/intel"
)

// TestCorpusMeasures prints what becomes of the real data, and holds the
// numbers that must not get worse.
func TestCorpusMeasures(t *testing.T) {
	records := corpusRecords(t)
	p := assignAll(records)
	byRule := make(map[Rule]int)
	var largest *Cell
	kinds := make(map[intel.Kind]int)
	for i := range p.Cells {
		c := &p.Cells[i]
		kinds[c.Kind]++
		if largest == nil || len(c.Members) > len(largest.Members) {
			largest = c
		}
		live := make(map[string]int)
		for _, m := range c.Members {
			byRule[m.Reason.Rule]++
			if m.Record.Kind != c.Kind {
				t.Errorf("%s %s is a %s in a cell of kind %s", m.Record.Publisher, m.Record.Title, m.Record.Kind, c.Kind)
			}
			if m.Record.Live() && !m.Record.Mention && m.Reason.Rule != RuleSupersession {
				live[m.Record.Publisher]++
			}
		}
		for pub, n := range live {
			if n > 1 && intel.PublisherOf(pub).Distinct {
				t.Errorf("cell of %v holds %d live records of %s", c.Founder, n, pub)
			}
		}
		for _, m := range c.Members {
			if m.Reason.Rule == RuleSupersession {
				t.Logf("superseded: %s: %s", m.Record.Title, m.Reason.Text)
			}
		}
	}
	t.Logf("%d records -> %d cells (%v), %d suggestions", len(records), len(p.Cells), kinds, len(p.Suggestions()))
	t.Logf("by rule: %v", byRule)
	t.Logf("largest: %v with %d members", largest.Founder, len(largest.Members))
	for _, m := range largest.Members {
		t.Logf("   %s %s: %s", m.Record.Publisher, m.Record.Title, m.Reason.Text)
	}
	if len(largest.Members) > 12 {
		t.Errorf("the largest cell has %d members", len(largest.Members))
	}
	// MISP's actors that share a name with a group of ATT&CK are 179; those
	// that join one are not to become fewer.
	joined := 0
	for _, r := range of(records, intel.MISPThreatActor) {
		c, _ := p.CellOf(r.Ref)
		if c != nil && slices.ContainsFunc(c.Members, func(m Member) bool { return m.Record.Publisher == intel.MitreAttack }) {
			joined++
		}
	}
	rows, matched := of(records, intel.MicrosoftNaming), 0
	for _, r := range rows {
		c, _ := p.CellOf(r.Ref)
		if c != nil && slices.ContainsFunc(c.Members, func(m Member) bool { return m.Record.Publisher == intel.MitreAttack }) {
			matched++
		}
	}
	t.Logf("in a cell with a group of ATT&CK: %d MISP actors, %d of %d Microsoft actors", joined, matched, len(rows))
	if joined < 150 || matched < 68 {
		t.Errorf("%d MISP actors and %d Microsoft actors are with a group of ATT&CK", joined, matched)
	}
}
