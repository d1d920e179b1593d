package resolve

import (
	"testing"

	"dossier/internal/intel"
)

func TestLookup(t *testing.T) {
	alias := func(r *intel.Record, name string, rel intel.Relation) *intel.Record {
		r.Names = append(r.Names, intel.Name{Value: name, Relation: rel})
		return r
	}
	a := actor(intel.MitreAttack, "a", "Axe Bear", "Uno Bear", "Unknown")
	a.IDs = []intel.ExternalID{{Issuer: intel.MitreAttack, ID: "G0001"}}
	b := actor(intel.MitreAttack, "b", "Uno Bear")
	row := actor(intel.MicrosoftNaming, "r", "Xxxx Rain", "Axe Bear", "Uno Bear")
	c := alias(actor(intel.MISPThreatActor, "c", "Cat Bear"), "GRU", intel.SponsoredBy)
	c.Names = append(c.Names, intel.Name{Value: "CAT-BEAR", CoinedBy: "Acme", First: 5})
	d := actor(intel.MISPThreatActor, "d", "Axe Bear", "Uno Bear", "Uno Bear")
	tool := actor(intel.MitreAttack, "t", "Axe Bear")
	tool.Kind = intel.Tool
	p := assignAll([]*intel.Record{a, b, row, c, d, tool})

	for _, tt := range []struct {
		name string
		want []intel.Ref // founders, in order
		why  string      // of the first
	}{
		{"uno bear", []intel.Ref{b.Ref, a.Ref, row.Ref}, "title of mitre-attack Uno Bear"},                                               // though more say the other
		{"AXE  BEAR", []intel.Ref{a.Ref, tool.Ref, row.Ref, b.Ref}, "title of mitre-attack G0001 and misp-galaxy/threat-actor Axe Bear"}, // b overlaps: the two others name it
		{"g0001", []intel.Ref{a.Ref}, "title of mitre-attack G0001"},
		{"xxxx rain", []intel.Ref{row.Ref, a.Ref, b.Ref}, "title of microsoft-naming Xxxx Rain"}, // it overlaps both
		{"gru", []intel.Ref{c.Ref}, "sponsored-by in misp-galaxy/threat-actor Cat Bear"},
		{"Unknown", nil, ""},
		{"-", nil, ""},
		{"nobody", nil, ""},
	} {
		got := p.Lookup(tt.name)
		var founders []intel.Ref
		for _, c := range got {
			founders = append(founders, c.Cell.Founder)
		}
		if len(founders) != len(tt.want) {
			t.Errorf("Lookup(%q) gives %s", tt.name, describe(got))
			continue
		}
		for i := range founders {
			if founders[i] != tt.want[i] {
				t.Errorf("Lookup(%q) gives %s", tt.name, describe(got))
				break
			}
		}
		if len(got) > 0 && got[0].Reason != tt.why {
			t.Errorf("Lookup(%q): %s, want %s", tt.name, got[0].Reason, tt.why)
		}
	}
	claim := p.Lookup("cat bear")[0].Claims[0]
	if claim.Value != "Cat Bear" || claim.CoinedBy != "Acme" || claim.First != 5 || claim.From != c.Ref {
		t.Errorf("the claim of a title that says who coined it: %+v", claim)
	}
	if over := p.Lookup("xxxx rain")[1].Claims[0]; over.Relation != intel.Overlaps || over.From != row.Ref {
		t.Errorf("the claim on a profile that a record names: %+v", over)
	}
}
