package resolve

import (
	"slices"
	"testing"

	"dossier/internal/intel"
)

func TestProfileID(t *testing.T) {
	// printf 'mitre-attack\0intrusion-set--1' | sha256sum
	const want = "7d45c64c3b21a200abadbbf196e36b82ad2d6653611a98d9eaedf56f24e5d598"
	if got := ProfileID(intel.Ref{Publisher: intel.MitreAttack, Key: "intrusion-set--1"}); got != want {
		t.Errorf("ProfileID = %s, want %s", got, want)
	}
	if ProfileID(intel.Ref{Publisher: "a", Key: "bc"}) == ProfileID(intel.Ref{Publisher: "ab", Key: "c"}) {
		t.Error("publisher and key run together")
	}
}

// The ledger decides which id a cell bears, and where the others lead.
func TestLedger(t *testing.T) {
	x, y, z := actor(intel.MitreAttack, "x", "Axe Bear"), actor(intel.MicrosoftNaming, "y", "Bow Bear"), actor(intel.MISPThreatActor, "z", "Axe Bear")
	idX, idY, idZ, other := ProfileID(x.Ref), ProfileID(y.Ref), ProfileID(z.Ref), ProfileID(intel.Ref{Publisher: "gone", Key: "1"})
	for _, tt := range []struct {
		name    string
		records []*intel.Record
		ledger  map[intel.Ref]Entry
		cells   map[intel.Ref]string // record -> id of its cell
		leads   map[string]intel.Ref // id -> a record of the cell that it resolves to
	}{
		{
			"nothing remembered: the founder's id",
			[]*intel.Record{x, y, z},
			nil,
			map[intel.Ref]string{x.Ref: idX, y.Ref: idY, z.Ref: idX},
			map[string]intel.Ref{idZ: x.Ref},
		},
		{
			"what was there first keeps its id",
			[]*intel.Record{x, z},
			map[intel.Ref]Entry{z.Ref: {idZ, 1}},
			map[intel.Ref]string{x.Ref: idZ, z.Ref: idZ},
			map[string]intel.Ref{idX: x.Ref},
		},
		{
			"the earliest of two",
			[]*intel.Record{x, z},
			map[intel.Ref]Entry{z.Ref: {idZ, 1}, x.Ref: {idX, 2}},
			map[intel.Ref]string{x.Ref: idZ},
			map[string]intel.Ref{idX: x.Ref},
		},
		{
			"at one time, the lower rank",
			[]*intel.Record{x, z},
			map[intel.Ref]Entry{z.Ref: {idZ, 1}, x.Ref: {idX, 1}},
			map[intel.Ref]string{x.Ref: idX},
			map[string]intel.Ref{idZ: x.Ref},
		},
		{
			"the id of a record that is gone",
			[]*intel.Record{y},
			map[intel.Ref]Entry{y.Ref: {other, 1}},
			map[intel.Ref]string{y.Ref: other},
			map[string]intel.Ref{idY: y.Ref},
		},
		{
			"one remembered id for two cells: the earlier bears it",
			[]*intel.Record{x, y},
			map[intel.Ref]Entry{x.Ref: {other, 2}, y.Ref: {other, 1}},
			map[intel.Ref]string{y.Ref: other, x.Ref: idX},
			map[string]intel.Ref{idY: y.Ref},
		},
		{
			"the id belongs to the record it is computed from",
			[]*intel.Record{x, y},
			map[intel.Ref]Entry{y.Ref: {idX, 1}},
			map[intel.Ref]string{x.Ref: idX, y.Ref: idY},
			nil,
		},
		{
			"even where that record bears another",
			[]*intel.Record{x, y, z},
			map[intel.Ref]Entry{y.Ref: {idX, 1}, z.Ref: {idZ, 1}},
			map[intel.Ref]string{x.Ref: idZ, y.Ref: idY},
			map[string]intel.Ref{idX: z.Ref},
		},
		{
			"a later remembered id resolves",
			[]*intel.Record{x, z},
			map[intel.Ref]Entry{x.Ref: {idX, 1}, z.Ref: {other, 2}},
			map[intel.Ref]string{x.Ref: idX},
			map[string]intel.Ref{other: x.Ref, idZ: x.Ref},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := Input{Records: slices.Values(tt.records), Ledger: tt.ledger}
			p := Assign(in)
			sound(t, in, p)
			for ref, id := range tt.cells {
				if c, ok := p.CellOf(ref); !ok || c.ID != id {
					t.Errorf("%v is in %+v, want id %s", ref, c, id)
				}
			}
			for id, ref := range tt.leads {
				c, _ := p.CellOf(ref)
				if got, ok := p.ByID(id); !ok || got != c || !slices.Contains(c.Former, id) {
					t.Errorf("id %s leads to %+v, want the cell of %v", id, got, ref)
				}
			}
		})
	}
}

// What only a restricted level knows leaves no trace in the ledger of an open
// record.
func TestRememberKeepsLevelsApart(t *testing.T) {
	hint := actor("acme", "h", "Axe Bear")
	hint.Mention = true
	secret := actor("zeta", "s", "Axe Bear")
	open := actor("maltrail", "o", "Axe Bear")
	low := Assign(Input{Records: slices.Values([]*intel.Record{hint})})
	high := Assign(Input{Records: slices.Values([]*intel.Record{hint, secret}), Base: low})
	if c, ok := high.CellOf(hint.Ref); !ok || c.Founder != secret.Ref {
		t.Fatalf("the mention is in %+v", c)
	}
	ledger := high.Remember(nil, 1)
	later := Assign(Input{Records: slices.Values([]*intel.Record{hint, open}), Ledger: ledger})
	if c, _ := later.CellOf(open.Ref); c.ID != ProfileID(open.Ref) || len(c.Former) != 1 {
		t.Errorf("an open profile bears %s, former %v, with the ledger %v", c.ID, c.Former, ledger)
	}
}
