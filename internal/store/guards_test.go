package store

import (
	"errors"
	"slices"
	"testing"
	"time"

	"dossier/internal/guard"
	"dossier/internal/intel"
	"dossier/internal/lifecycle"
	"dossier/internal/observable"
)

// guardedStore has a popular and another name, and an address.
func guardedStore(t *testing.T) (*Store, *time.Time) {
	t.Helper()
	s, now := testStore(t)
	batch(t, s, FromImport, func(b *Batch) {
		for _, o := range []observable.Observable{domain(t, "popular.com"), domain(t, "evil.popular.com"), {Kind: observable.IPAddress, Value: "8.8.4.4"}} {
			seen := intel.Date{At: intel.TimeOf(now.Add(-5 * 24 * time.Hour)), Precision: intel.Day, Basis: intel.BasisStated}
			if err := b.Observe(t.Context(), &intel.Observation{Publisher: "p", Observable: o, FirstSeen: seen, Confidence: 90}); err != nil {
				t.Fatal(err)
			}
		}
	})
	refold(t, s)
	return s, now
}

func refold(t *testing.T, s *Store) {
	t.Helper()
	if _, err := s.FoldIndicators(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
}

func selected(t *testing.T, s *Store, m Mode) (values []string) {
	t.Helper()
	err := s.EachIndicator(t.Context(), Selection{Mode: m}, View{Ceiling: intel.Red}, func(i *Indicator) error {
		values = append(values, i.Observable.Value)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(values)
	return values
}

func TestGuards(t *testing.T) {
	s, _ := guardedStore(t)
	all := []string{"8.8.4.4", "evil.popular.com", "popular.com"}
	if got := selected(t, s, Active); !slices.Equal(got, all) {
		t.Fatalf("before there are guards: %v", got)
	}
	popular := guard.List{Name: "popular", Title: "Popular names", Policy: guard.Exclude, Version: "2", Source: "test", Entries: []string{"popular.com"}}
	resolvers := guard.List{Name: "resolvers", Policy: guard.Demote, Version: "1", Entries: []string{"8.8.4.0/24"}}
	put := func(want int, lists ...guard.List) {
		t.Helper()
		if n, err := s.PutGuards(t.Context(), lists); err != nil || n != want {
			t.Fatalf("%d lists changed, %v; want %d", n, err, want)
		}
		refold(t, s)
	}
	put(2, popular, resolvers)
	for m, want := range map[Mode][]string{Active: all[:2], Shown: all[:2], All: all} {
		if got := selected(t, s, m); !slices.Equal(got, want) {
			t.Errorf("mode %q: %v, want %v", m, got, want)
		}
	}
	k, err := s.Lookup(t.Context(), domain(t, "popular.com"), View{})
	if err != nil || k.Indicator.Guard.List != "popular" || !k.Indicator.Guarded() || k.Indicator.Active {
		t.Errorf("the guarded indicator does not stay, marked: %+v, %v", k, err)
	}
	k, err = s.Lookup(t.Context(), observable.Observable{Kind: observable.IPAddress, Value: "8.8.4.4"}, View{})
	if err != nil || k.Indicator.Guard.Policy != guard.Demote || k.Indicator.Life.Base != 35 {
		t.Errorf("lowered: %+v, %v", k.Indicator, err)
	}

	put(0, popular, resolvers) // the same again
	older := popular
	older.Version, older.Entries = "1", []string{"evil.popular.com"}
	put(0, older)
	if err := s.SetGuardPolicy(t.Context(), "popular", guard.Off); err != nil {
		t.Fatal(err)
	}
	refold(t, s)
	newer := popular
	newer.Version = "3"
	put(1, newer) // what was chosen holds for the newer, too
	if got := selected(t, s, Active); !slices.Equal(got, all) {
		t.Errorf("the list is off: %v", got)
	}
	if err := s.SetGuardPolicy(t.Context(), "nope", guard.Off); !errors.Is(err, intel.ErrNotFound) {
		t.Errorf("a list that is not there: %v", err)
	}
	if err := s.SetGuardPolicy(t.Context(), "popular", ""); err != nil {
		t.Fatal(err)
	}
	refold(t, s)
	if got := selected(t, s, Active); !slices.Equal(got, all[:2]) {
		t.Errorf("the list's own policy: %v", got)
	}
	lists, err := s.Guards(t.Context())
	if err != nil || len(lists) != 2 || lists[0].Name != "popular" || lists[0].Size != 1 || lists[0].Policy != guard.Exclude {
		t.Errorf("lists %+v, %v", lists, err)
	}
	m, err := s.GuardMatcher(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if l, ok := m.Match(domain(t, "popular.com")); !ok || l.List != "popular" {
		t.Error("the matcher guards nothing")
	}
}

// TestTimePasses: what is active follows the clock without a write, and being met in one's own data prolongs it.
func TestTimePasses(t *testing.T) {
	s, now := guardedStore(t)
	address := observable.Observable{Kind: observable.IPAddress, Value: "8.8.4.4"}
	position, err := s.Position(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	*now = now.Add(90 * 24 * time.Hour)
	if got, want := selected(t, s, Active), []string{"evil.popular.com", "popular.com"}; !slices.Equal(got, want) {
		t.Errorf("after 90 days: %v, want %v", got, want)
	}
	if p, err := s.Position(t.Context()); err != nil || p != position {
		t.Errorf("the passing of time is a change: %d, %d, %v", position, p, err)
	}
	if err := s.Sighted(t.Context(), map[string]intel.Time{address.ID(): intel.TimeOf(*now)}); err != nil {
		t.Fatal(err)
	}
	refold(t, s)
	if got := selected(t, s, Active); len(got) != 3 {
		t.Errorf("after it was met: %v", got)
	}
}

// TestWhyAgrees holds explanations to what is stored, for every ceiling.
func TestWhyAgrees(t *testing.T) {
	s := sharedStore(t).s
	for _, ceiling := range []intel.TLP{intel.Clear, intel.Green, intel.Amber, intel.AmberStrict, intel.Red} {
		v := View{Ceiling: ceiling}
		err := s.EachIndicator(t.Context(), Selection{Mode: All}, v, func(i *Indicator) error {
			e, err := s.Why(t.Context(), i, v)
			if err != nil {
				return err
			}
			if got := (lifecycle.Life{Base: e.Base, From: e.From, Until: e.Until}); got != i.Life || e.Confidence != i.Confidence || e.Active != i.Active {
				t.Errorf("%s %s: %+v, and it is explained as %+v", ceiling, i.Observable.Value, i, e)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
