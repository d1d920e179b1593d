package stix

import (
	"strings"

	"dossier/internal/intel"
)

// mitreCopyright is a statement, not a restriction.
const mitreCopyright = "marking-definition--fa42a846-8d90-4e51-bc29-71d5b4802168"

// predefinedTLP are the marking definitions that STIX 2.0 and 2.1 (TLP 1.0) and
// the OASIS extension for TLP 2.0 define once and for all; files may use them
// without containing them. With them goes MITRE's copyright.
var predefinedTLP = map[string]intel.TLP{
	mitreCopyright: intel.Clear,
	"marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9": intel.Clear,
	"marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da": intel.Green,
	"marking-definition--f88d31f6-486f-44da-b317-01333bde0b82": intel.Amber,
	"marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed": intel.Red,
	"marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487": intel.Clear,
	"marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb": intel.Green,
	"marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421": intel.Amber,
	"marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003": intel.AmberStrict,
	"marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1": intel.Red,
}

// markingTLP reads what a marking definition says of TLP; false if nothing. A
// TLP word that is not known is taken for the strictest.
func markingTLP(w *wire) (intel.TLP, bool) {
	word := unescape(w.tlp)
	if word == "" {
		if name := unescape(w.name); strings.HasPrefix(strings.ToUpper(name), "TLP:") {
			word = name
		}
	}
	if word == "" {
		return intel.Clear, false
	}
	tlp, _ := intel.ParseTLP(word) // Red with an error
	return tlp, true
}
