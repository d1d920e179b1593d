package profile_test

import (
	"fmt"

	"dossier/internal/intel"
	"dossier/internal/profile"
)

func Example() {
	attack := &intel.Record{
		Ref: intel.Ref{Publisher: intel.MitreAttack, Key: "intrusion-set--1"}, Kind: intel.Actor, Title: "Granite Heron",
		FirstActive: []intel.Date{intel.YearDate(2004, intel.BasisProse)},
	}
	microsoft := &intel.Record{
		Ref: intel.Ref{Publisher: intel.MicrosoftNaming, Key: "Pebble Blizzard"}, Kind: intel.Actor, Title: "Pebble Blizzard",
		Origins: []intel.Origin{{Country: "Russia"}},
	}
	members := []profile.Member{{Record: microsoft, Reason: "same title"}, {Record: attack, Reason: "founder"}}
	world := newMemory() // a World over what else there is: here, nothing
	d := profile.Fold("9b01de37", members, world)
	fmt.Println(d.Profile.Title, d.Profile.Aliases, d.Profile.Origins[0].Code, d.FirstActive.Value, d.FirstActive.Value.Basis)
	fmt.Println(d.Profile.Summary.Content)
	// Output:
	// Granite Heron [Pebble Blizzard] RU 2004 prose
	// Granite Heron is a threat group linked to Russia, active since at least 2004. Microsoft tracks it as Pebble Blizzard.
}
