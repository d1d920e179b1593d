package resolve_test

import (
	"fmt"
	"slices"

	"dossier/internal/intel"
	"dossier/internal/resolve"
)

func Example() {
	group := &intel.Record{
		Ref: intel.Ref{Publisher: intel.MitreAttack, Key: "intrusion-set--1"}, Kind: intel.Actor, Title: "APT28",
		Names: []intel.Name{{Value: "Fancy Bear"}, {Value: "Sednit"}},
		IDs:   []intel.ExternalID{{Issuer: intel.MitreAttack, ID: "G0007"}},
	}
	row := &intel.Record{
		Ref: intel.Ref{Publisher: intel.MicrosoftNaming, Key: "Forest Blizzard"}, Kind: intel.Actor, Title: "Forest Blizzard",
		Names: []intel.Name{{Value: "FANCY BEAR"}, {Value: "Sednit"}, {Value: "STRONTIUM"}},
	}
	backdoor := &intel.Record{
		Ref: intel.Ref{Publisher: intel.MitreAttack, Key: "malware--1"}, Kind: intel.Tool, Title: "JHUHUGIT",
		Names: []intel.Name{{Value: "Sednit"}},
	}
	p := resolve.Assign(resolve.Input{Records: slices.Values([]*intel.Record{backdoor, row, group})})

	cell, _ := p.CellOf(row.Ref)
	for _, m := range cell.Members {
		fmt.Printf("%s: %s\n", m.Record.Title, m.Reason.Text)
	}
	for _, c := range p.Lookup("sednit") {
		fmt.Printf("sednit: %s %s, %s\n", c.Cell.Kind, c.Cell.Members[0].Record.Title, c.Reason)
	}
	// Output:
	// APT28: founds the profile
	// Forest Blizzard: shares FANCY BEAR and Sednit with mitre-attack G0007
	// sednit: actor APT28, alias in mitre-attack G0007 and microsoft-naming Forest Blizzard
	// sednit: tool JHUHUGIT, alias in mitre-attack JHUHUGIT
}
