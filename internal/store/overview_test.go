package store

import (
	"math/rand/v2"
	"slices"
	"testing"

	"dossier/internal/intel"
	"dossier/internal/observable"
	"dossier/internal/odata"
	"dossier/internal/testdb"
)

// TestOverview holds what is counted and gathered for pages to what the lists say.
func TestOverview(t *testing.T) {
	s := openAt(t, testdb.Path(t))
	randomData(t, s, rand.New(rand.NewPCG(11, 12)))
	ctx := t.Context()
	for _, ceiling := range []intel.TLP{intel.Clear, intel.Amber, intel.Red} {
		v := View{Ceiling: ceiling}
		briefs, err := s.Briefs(ctx, v)
		if err != nil {
			t.Fatal(err)
		}
		q, err := odata.ParseQuery("$orderby=title&$top=100", Types.Profile, odata.Options{Allow: odata.AllowCollection})
		if err != nil {
			t.Fatal(err)
		}
		list, err := s.Profiles(ctx, q, v)
		if err != nil {
			t.Fatal(err)
		}
		if len(briefs) != len(list.Items) || len(briefs) == 0 {
			t.Fatalf("%v: %d briefs of %d profiles", ceiling, len(briefs), len(list.Items))
		}
		all := map[string][]*Indicator{}
		counted := int64(0)
		for n, b := range briefs {
			if b.ID != list.Items[n].ID {
				t.Errorf("%v: %s stands where %s does in the list", ceiling, b.ID, list.Items[n].ID)
			}
			q, err := odata.ParseQuery("$top=1000", Types.Indicator, odata.Options{Allow: odata.AllowCollection})
			if err != nil {
				t.Fatal(err)
			}
			of, err := s.ProfileIndicators(ctx, b.ID, q, v)
			if err != nil {
				t.Fatal(err)
			}
			all[b.ID] = of.Items
			active := int64(0)
			for _, i := range of.Items {
				if i.Active {
					active++
				}
			}
			if b.Indicators != int64(len(of.Items)) || b.Active != active {
				t.Errorf("%v: %s has %d indicators, %d active; counted %d, %d", ceiling, b.ID, len(of.Items), active, b.Indicators, b.Active)
			}
			counted += b.Indicators
			if len(b.Publishers) == 0 || !slices.IsSorted(b.Publishers) {
				t.Errorf("%v: the publishers of %s are %v", ceiling, b.ID, b.Publishers)
			}
			months, err := s.Months(ctx, b.ID, v)
			if err != nil {
				t.Fatal(err)
			}
			dated := 0
			for i, m := range months {
				dated += m.Count
				if i > 0 && (m.Year < months[i-1].Year || m.Year == months[i-1].Year && m.Month <= months[i-1].Month) {
					t.Errorf("%v: months of %s: %v", ceiling, b.ID, months)
				}
			}
			if dated > len(of.Items) {
				t.Errorf("%v: %d of %d are dated", ceiling, dated, len(of.Items))
			}
		}
		if counted == 0 {
			t.Errorf("%v: no profile has an indicator", ceiling)
		}
		for _, a := range briefs[:5] {
			for _, b := range briefs {
				want := 0
				for _, i := range all[a.ID] {
					if slices.ContainsFunc(all[b.ID], func(o *Indicator) bool { return o.ID == i.ID }) {
						want++
					}
				}
				got, n, err := s.Shared(ctx, a.ID, b.ID, 3, v)
				if err != nil || n != int64(want) || len(got) != min(want, 3) {
					t.Errorf("%v: %s and %s share %d, told %d and %d (%v)", ceiling, a.ID, b.ID, want, n, len(got), err)
				}
			}
		}
		newest, err := s.Newest(ctx, intel.TimeOf(randomNow)-10_000, 100, v)
		if err != nil {
			t.Fatal(err)
		}
		for i, c := range newest {
			if i > 0 && c.Count > newest[i-1].Count || c.Count > int64(len(all[c.ID])) || c.Count == 0 {
				t.Errorf("%v: %d of %s, of %d", ceiling, c.Count, c.ID, len(all[c.ID]))
			}
		}
	}
}

// TestNear: the names below a domain, and the addresses beside one.
func TestNear(t *testing.T) {
	s := openAt(t, testdb.Path(t))
	randomData(t, s, rand.New(rand.NewPCG(13, 14)))
	for _, tt := range []struct {
		of   observable.Observable
		want []string
	}{
		{observable.Observable{Kind: observable.Domain, Value: "a.example"}, []string{"b.a.example", "c.b.a.example"}},
		{observable.Observable{Kind: observable.Domain, Value: "b.a.example"}, []string{"c.b.a.example"}},
		{observable.Observable{Kind: observable.Domain, Value: "none.example"}, nil},
		{observable.Observable{Kind: observable.IPAddress, Value: "192.0.2.1"}, []string{"192.0.2.10"}},
		{observable.Observable{Kind: observable.IPAddress, Value: "192.0.2.77"}, []string{"192.0.2.1", "192.0.2.10"}},
		{observable.Observable{Kind: observable.IPAddress, Value: "192.0.3.1"}, nil},
		{observable.Observable{Kind: observable.IPAddress, Value: "2001:db8::2"}, nil},
		{observable.Observable{Kind: observable.Mutex, Value: "a.example"}, nil},
	} {
		found, more, err := s.Near(t.Context(), tt.of, 10, View{Ceiling: intel.Red})
		if err != nil || more {
			t.Fatal(more, err)
		}
		var got []string
		for _, i := range found {
			got = append(got, i.Observable.Value)
		}
		slices.Sort(got)
		if !slices.Equal(got, tt.want) {
			t.Errorf("near %s: %v, want %v", tt.of.Value, got, tt.want)
		}
	}
	if found, more, err := s.Near(t.Context(), observable.Observable{Kind: observable.Domain, Value: "a.example"}, 1, View{Ceiling: intel.Red}); err != nil || !more || len(found) != 1 {
		t.Errorf("%d, %v, %v", len(found), more, err)
	}
}
