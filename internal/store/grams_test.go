package store

import (
	"testing"

	"dossier/internal/intel"
)

// TestShortTexts checks that a word in a long text does not make a profile a
// candidate for the same word in a short one.
func TestShortTexts(t *testing.T) {
	s, _ := testStore(t)
	list := []*Derived{profileOf("01", "Quixotic"), profileOf("02", "Two"), profileOf("03", "Three")}
	said := list[1].Fold()
	said.Profile.Description = intel.Markdown("It is quixotic.")
	if _, _, err := s.PutDerived(t.Context(), list, nil); err != nil {
		t.Fatal(err)
	}
	for of, want := range map[gramSpace]int{allTexts: 2, shortTexts: 1} {
		slots, ok, err := s.slots(t.Context(), of, Fold("QUIXOTIC"))
		if err != nil || !ok || len(slots) != want {
			t.Errorf("texts %d: candidates %v, %v, %v; want %d", of, slots, ok, err, want)
		}
	}
	for filter, want := range map[string]int64{
		"contains(title,'uixo')": 1, "contains(summary/content,'quixotic')": 1, "contains(description/content,'quixotic')": 2, "contains(summary/content,'qx')": 0,
	} {
		n, err := s.ProfileCount(t.Context(), query(t, "$filter="+filter, Types.Profile), View{Ceiling: intel.Red})
		if err != nil || n != want {
			t.Errorf("%s: %d, %v, want %d", filter, n, err, want)
		}
	}
}
