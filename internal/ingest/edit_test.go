package ingest

import (
	"testing"

	"dossier/internal/intel"
	"dossier/internal/store"
)

// TestPanicKeepsNothing: a write that panics is rolled back, and the next one has
// its turn.
func TestPanicKeepsNothing(t *testing.T) {
	e := Editor{Store: newImporter(t).Store}
	id := "00000000-0000-4000-8000-000000000000"
	claims := func() int {
		t.Helper()
		list, err := e.Store.Claims(t.Context(), id, 10, store.View{Ceiling: intel.Red})
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	write := func(fail bool) (err error) {
		b, err := e.begin(t.Context())
		if err != nil {
			return err
		}
		defer e.settle(t.Context(), b, nil, &err)
		if err := b.Claim(t.Context(), Author{Client: "x"}.claim(id, Statement{Field: "source", Action: intel.Set}, intel.Clear, 1)); err != nil {
			return err
		}
		if fail {
			panic("half way")
		}
		return nil
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		_ = write(true)
	}()
	if n := claims(); n != 0 {
		t.Errorf("%d claims are kept of a write that panicked", n)
	}
	if err := write(false); err != nil || claims() != 1 {
		t.Errorf("the next write: %v, %d claims", err, claims())
	}
}
