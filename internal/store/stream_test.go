package store

import (
	"context"
	"errors"
	"slices"
	"testing"

	"dossier/internal/intel"
	"dossier/internal/observable"
	"dossier/internal/odata"
)

// TestEachIndicator holds the stream to what pages, evidence and profiles say.
func TestEachIndicator(t *testing.T) {
	s := sharedStore(t).s
	profile := profileIDs(t, s)[0]
	filter := query(t, "$filter=source%20eq%20%27osint%27", Types.Indicator)
	for _, ceiling := range []intel.TLP{intel.Clear, intel.Amber, intel.Red} {
		v := View{Ceiling: ceiling}
		for _, tt := range []struct {
			name string
			sel  Selection
			keep func(*Indicator) bool
		}{
			{"shown", Selection{}, nil},
			{"active", Selection{Mode: Active}, func(i *Indicator) bool { return i.Active }},
			{"all", Selection{Mode: All}, nil},
			{"filter", Selection{Mode: All, Filter: filter}, func(i *Indicator) bool { return i.Source == intel.SourceOSINT }},
			{"kinds", Selection{Mode: All, Kinds: []observable.Kind{observable.Domain, observable.URL}}, func(i *Indicator) bool {
				return i.Observable.Kind == observable.Domain || i.Observable.Kind == observable.URL
			}},
			{"confidence", Selection{Mode: All, MinConfidence: 50}, func(i *Indicator) bool { return i.Confidence >= 50 }},
			{"profile", Selection{Mode: All, Profile: profile}, nil},
			{"active of a profile", Selection{Mode: Active, Profile: profile}, func(i *Indicator) bool { return i.Active }},
		} {
			want := map[string]bool{}
			pages, _ := everything(t, Types.Indicator, "", func(q *odata.Query) (*Page[*Indicator], error) {
				v.Mode = tt.sel.Mode
				if tt.sel.Profile != "" {
					return s.ProfileIndicators(t.Context(), profile, q, v)
				}
				return s.Indicators(t.Context(), q, v)
			})
			for _, i := range pages {
				if tt.keep == nil || tt.keep(i) {
					want[i.ID] = true
				}
			}
			var got []string
			err := s.EachIndicator(t.Context(), tt.sel, View{Ceiling: ceiling}, func(i *Indicator) error {
				got = append(got, i.ID)
				checkTold(t, s, i, View{Ceiling: ceiling})
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if !slices.IsSorted(got) || len(got) != len(want) || slices.ContainsFunc(got, func(id string) bool { return !want[id] }) {
				t.Errorf("%s %s: %d of %d indicators", ceiling, tt.name, len(got), len(want))
			}
			n := 0
			err = s.EachObservable(t.Context(), tt.sel, View{Ceiling: ceiling}, func(o observable.Observable) error {
				if n >= len(got) || o.ID() != got[n] {
					t.Fatalf("%s %s: observable %d is %v", ceiling, tt.name, n, o)
				}
				n++
				return nil
			})
			if err != nil || n != len(got) {
				t.Errorf("%s %s: %d of %d observables, %v", ceiling, tt.name, n, len(got), err)
			}
		}
	}
	stop := errors.New("enough")
	calls := 0
	if err := s.EachIndicator(t.Context(), Selection{Mode: All}, View{Ceiling: intel.Red}, func(*Indicator) error { calls++; return stop }); !errors.Is(err, stop) || calls != 1 {
		t.Errorf("after an error there were %d calls, %v", calls, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.EachIndicator(ctx, Selection{}, View{}, func(*Indicator) error { return nil }); err == nil {
		t.Error("a cancelled stream ends without an error")
	}
}

func profileIDs(t *testing.T, s *Store) (ids []string) {
	t.Helper()
	rows, err := s.read.Query("SELECT profile_id FROM profile_indicator GROUP BY profile_id ORDER BY COUNT(*) DESC, profile_id")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	return ids
}

// checkTold compares what comes with an indicator with what is asked for it alone.
func checkTold(t *testing.T, s *Store, i *Indicator, v View) {
	t.Helper()
	profiles, err := s.IndicatorProfiles(t.Context(), i.ID, v)
	if err != nil || !slices.Equal(i.Profiles, profiles) {
		t.Errorf("%s: profiles %v, want %v, %v", i.ID, i.Profiles, profiles, err)
	}
	evidence, err := s.Evidence(t.Context(), i.ID, v)
	if err != nil {
		t.Fatal(err)
	}
	var publishers []string
	for _, e := range evidence {
		if !e.Revoked {
			publishers = append(publishers, e.Publisher)
		}
	}
	slices.Sort(publishers)
	if publishers = slices.Compact(publishers); !slices.Equal(i.Publishers, publishers) {
		t.Errorf("%s: publishers %v, want %v", i.ID, i.Publishers, publishers)
	}
	if i.TLP > v.Ceiling {
		t.Errorf("%s: marked %s for a reader up to %s", i.ID, i.TLP, v.Ceiling)
	}
}
