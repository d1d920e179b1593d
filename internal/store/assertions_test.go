package store

import (
	"database/sql"
	"fmt"
	"slices"
	"testing"

	"dossier/internal/intel"
)

// TestAssertionsOfAnOlderDatabase: what an upgrade reads from the kept versions is
// what was noted as they came.
func TestAssertionsOfAnOlderDatabase(t *testing.T) {
	s, now := testStore(t)
	for version := range 3 {
		var recs []*intel.Record
		for i := range 120 {
			r := &intel.Record{Ref: intel.Ref{Publisher: "p", Key: fmt.Sprintf("k%03d", i)}, Kind: intel.Actor, Title: fmt.Sprintf("Actor %d", i), TLP: intel.TLP(i % 2)}
			r.Names = []intel.Name{{Value: fmt.Sprintf("Name %d of version %d", i, version), CoinedBy: "Lab"}, {Value: "Always", Relation: intel.Formerly}}
			if i%3 > 0 {
				r.Modified = intel.TimeOf(now.AddDate(-5+version, 0, i))
			}
			recs = append(recs, r)
		}
		batch(t, s, FromImport, func(b *Batch) {
			ds := intel.Dataset{Publisher: "p", Name: "list", Version: fmt.Sprint(version), Snapshot: true}
			if _, _, err := b.Records(t.Context(), ds, recs); err != nil {
				t.Fatal(err)
			}
		})
		*now = now.AddDate(0, 1, 0)
	}
	read := func() []string {
		all, err := s.Assertions(t.Context(), intel.Red)
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for ref, list := range all {
			for _, a := range list {
				out = append(out, fmt.Sprint(ref, a))
			}
		}
		slices.Sort(out)
		return out
	}
	want := read()
	if len(want) != 120*(1+1+1+3) {
		t.Errorf("%d assertions", len(want))
	}
	if err := s.inTx(t.Context(), func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(t.Context(), "DELETE FROM assertion"); err != nil {
			return err
		}
		return fillAssertions(t.Context(), tx)
	}); err != nil {
		t.Fatal(err)
	}
	if got := read(); !slices.Equal(got, want) {
		for i := range min(len(got), len(want)) {
			if got[i] != want[i] {
				t.Fatalf("%d of %d; %s, want %s", len(got), len(want), got[i], want[i])
			}
		}
		t.Errorf("%d, want %d", len(got), len(want))
	}
}
