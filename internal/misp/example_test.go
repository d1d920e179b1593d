package misp_test

import (
	"context"
	"fmt"
	"strings"

	"dossier/internal/intel"
	"dossier/internal/misp"
)

type printer struct{}

func (printer) Record(r *intel.Record) error {
	fmt.Println(r.Kind, r.Title)
	for _, n := range r.Names {
		fmt.Printf("  %s %q %q\n", n.Value, n.CoinedBy, n.Relation)
	}
	return nil
}

func (printer) Observation(o *intel.Observation) error {
	fmt.Println(o.Observable.Kind, o.Observable.Value, "of", o.Subjects, "since", o.FirstSeen)
	return nil
}

func (printer) Article(*intel.Article) error { return nil }
func (printer) Pattern(*intel.Pattern) error { return nil }
func (printer) Reject(r intel.Reject)        { fmt.Println(r.Position, "rejected:", r.Reason) }

func Example() {
	const cluster = `{"type": "threat-actor", "category": "actor", "values": [
		{"uuid": "5b4ee3ea-eee3-4c8e-8323-85ae32658754", "value": "APT28", "meta": {
			"synonyms": ["Pawn Storm", "Operation Troy", "TG-4127"],
			"name-attribution": ["Pawn Storm:3ac8f6fc-9c04-4ebd-bda2-788cc02fe4ed"]}}],
		"version": 349}`
	set, err := misp.Decode(context.Background(), strings.NewReader(cluster), misp.Options{}, printer{})
	fmt.Println(set.Publisher, set.Version, err)

	const event = `{"Event": {"uuid": "1", "date": "2024-05-14", "Orgc": {"name": "ESET"},
		"Tag": [{"name": "misp-galaxy:threat-actor=\"APT28\""}],
		"Attribute": [
			{"type": "domain", "value": "evil-one[.]com", "to_ids": true},
			{"type": "domain", "value": "harmless-one.com", "to_ids": false}]}}`
	set, err = misp.Decode(context.Background(), strings.NewReader(event), misp.Options{}, printer{})
	fmt.Println(set.Publisher, err)
	// Output:
	// actor APT28
	//   APT28 "Mandiant" ""
	//   Pawn Storm "Trend Micro" ""
	//   Operation Troy "" "campaign"
	//   TG-4127 "Secureworks" ""
	// misp-galaxy/threat-actor 349 <nil>
	// actor APT28
	// domain evil-one.com of [eset:mention:actor:apt28] since 2024-05-14
	// Event.Attribute[1] rejected: to_ids is false
	// eset <nil>
}
