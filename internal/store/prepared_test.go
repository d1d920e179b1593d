package store

import (
	"fmt"
	"sync"
	"testing"

	"dossier/internal/intel"
)

// TestPrepared asks more statements than are kept from several goroutines, so that
// they are prepared, used and closed all the time.
func TestPrepared(t *testing.T) {
	s := sharedStore(t).s
	if s.prepared == nil {
		t.Skip("the driver keeps statements by itself")
	}
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for n := range 1200 {
				want := (n*7 + g) % (maxPrepared + 40)
				var got int
				if err := s.queryRow(t.Context(), fmt.Sprintf("SELECT ? + %d", want), 1).Scan(&got); err != nil || got != want+1 {
					t.Errorf("%d, %v, want %d", got, err, want+1)
					return
				}
			}
		})
	}
	wg.Wait()
	if n := s.prepared.used.Len(); n > maxPrepared || n != len(s.prepared.byText) {
		t.Errorf("%d statements are kept, %d by their text", n, len(s.prepared.byText))
	}
	if err := s.queryRow(t.Context(), "SELECT 1 +").Scan(new(int)); err == nil {
		t.Error("no error the first time")
	}
	if err := s.queryRow(t.Context(), "SELECT 1 +").Scan(new(int)); err == nil {
		t.Error("no error the second time")
	}
}

// TestBodies checks that a profile that changed while a page was read is noticed,
// and that room is bounded.
func TestBodies(t *testing.T) {
	s := sharedStore(t).s
	v := View{Ceiling: intel.Red}
	l := s.profileList(v)
	l.columns, l.scan = bareColumns, scanBare
	read := func() []*Profile {
		page, err := l.page(t.Context(), s, query(t, "$top=5", Types.Profile))
		if err != nil || len(page.Items) != 5 {
			t.Fatal(page, err)
		}
		return page.Items
	}
	list := read()
	s.bodies = bodyMemory{}
	for range 2 { // from the database, then from memory
		if ok, err := s.fillBodies(t.Context(), list); !ok || err != nil {
			t.Fatal(ok, err)
		}
		for _, p := range list {
			if digest(p.Body) != p.ETag {
				t.Errorf("profile %s has another body", p.ID)
			}
			p.Body = nil
		}
	}
	list[3].ETag = "what it was before"
	if ok, err := s.fillBodies(t.Context(), list); ok || err != nil {
		t.Errorf("a body that is not there is %v, %v", ok, err)
	}

	b := new(bodyMemory)
	body := make([]byte, maxBodies/64)
	for n := range 1000 {
		b.keep(&Profile{ID: fmt.Sprint(n), ETag: "e", Body: body})
		if kept := len(b.young) + len(b.old); kept > 64 {
			t.Fatalf("%d bodies are kept", kept)
		}
	}
	if missing := b.fill([]*Profile{{ID: "0", ETag: "e"}, {ID: "999", ETag: "e"}}); len(missing) != 1 || missing[0].ID != "0" {
		t.Errorf("missing: %+v", missing)
	}
}

// TestCounts checks that a number is not kept for longer than it is right, nor for
// whom it is not.
func TestCounts(t *testing.T) {
	s, _ := testStore(t)
	count := func(filter string, ceiling intel.TLP) int64 {
		n, err := s.ProfileCount(t.Context(), query(t, "$filter="+filter, Types.Profile), View{Ceiling: ceiling})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	put := func(list ...*Derived) {
		if _, _, err := s.PutDerived(t.Context(), list, nil); err != nil {
			t.Fatal(err)
		}
	}
	one, two := profileOf("01", "One"), profileOf("02", "Two")
	two.Lo = intel.Amber
	put(one)
	for range 2 {
		if n := count("id%20ne%20null", intel.Red); n != 1 {
			t.Errorf("%d profiles, want 1", n)
		}
	}
	put(one, two)
	for range 2 {
		if n := count("id%20ne%20null", intel.Red); n != 2 {
			t.Errorf("%d profiles, want 2", n)
		}
		if n := count("id%20ne%20null", intel.Clear); n != 1 {
			t.Errorf("%d profiles, want 1 below the marking of the other", n)
		}
		if n := count("id%20eq%20%27x%27", intel.Red); n != 0 {
			t.Errorf("%d profiles, want none", n)
		}
	}
	put(one)
	if n := count("id%20ne%20null", intel.Red); n != 1 {
		t.Errorf("%d profiles, want 1 when the other is gone", n)
	}
}

func TestRoundUp(t *testing.T) {
	for n, want := range map[int]int{0: 1, 1: 1, 2: 2, 3: 4, 4: 4, 5: 8, 256: 256, 257: 512} {
		if got := roundUp(n); got != want {
			t.Errorf("roundUp(%d) = %d, want %d", n, got, want)
		}
	}
	if got := fmt.Sprint(padded([]int{1, 2, 3})); got != "[1 2 3 3]" {
		t.Error(got)
	}
}
