package export

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"dossier/internal/intel"
	"dossier/internal/observable"
)

// TestObservableIDs holds the ids of observables to what an independent implementation of the rule gives (Python's uuid5 over the canonical JSON). Those in the
// examples of the standard's text do not follow its rule.
func TestObservableIDs(t *testing.T) {
	for _, tt := range []struct {
		o    observable.Observable
		want string
	}{
		{observable.Observable{Kind: observable.Domain, Value: "circl.lu"}, "domain-name--4f2ea360-1460-5a03-afb8-4cbce15a9cf0"},
		{observable.Observable{Kind: observable.IPAddress, Value: "198.51.100.3"}, "ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4"},
	} {
		list := observables(tt.o)
		if got := list[len(list)-1].ID; got != tt.want {
			t.Errorf("%v: %s, want %s", tt.o, got, tt.want)
		}
	}
}

func TestSTIXSightings(t *testing.T) {
	const day = 24 * 60 * 60 * 1000
	told, first := intel.Time(1772600000000), intel.Time(1772359200000)
	sighting := func(kind observable.Kind, value string, hosts ...SightedBy) *Sighting {
		o := observable.Observable{Kind: kind, Value: value}
		g := &Sighting{Indicator: &Indicator{ID: o.ID(), Observable: o, FirstSeen: first - 100*day, Profiles: []Profile{{ID: "p1", Kind: intel.Actor, Title: "APT28"}}}, Hosts: hosts}
		for _, h := range hosts {
			g.Lines += h.Lines
			g.First, g.Last = h.First, max(g.Last, h.Last)
		}
		return g
	}
	list := []*Sighting{
		sighting(observable.Domain, "evil.com", SightedBy{"10.0.0.5", 3, first, first + day}, SightedBy{"ws-17", 1, first, first}),
		sighting(observable.IPPort, "198.51.100.3:443", SightedBy{"", 1 << 40, 0, 0}),
		sighting(observable.SHA256, strings.Repeat("0f", 32), SightedBy{"fd00::5", 1, first, first}),
		sighting(observable.JA3, strings.Repeat("ab", 16), SightedBy{"10.0.0.5", 1, first, first}), // has no pattern
	}
	write := func() string {
		t.Helper()
		var b strings.Builder
		left, err := STIXSightings(&b, Options{Installation: "i"}, told, func(yield func(*Sighting) error) error {
			for _, g := range list {
				if err := yield(g); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil || left != 1 {
			t.Fatalf("%d left out, %v", left, err)
		}
		return b.String()
	}
	text := write()
	if text != write() {
		t.Error("the same sightings give other bytes")
	}
	var b struct {
		Type, ID string
		Objects  []struct {
			Type, ID, Created, Modified string
			SpecVersion                 string   `json:"spec_version"`
			Of                          string   `json:"sighting_of_ref"`
			Count                       int64    `json:"count"`
			Number                      int64    `json:"number_observed"`
			First                       string   `json:"first_observed"`
			Last                        string   `json:"last_observed"`
			Seen                        *string  `json:"first_seen"`
			Objects                     []string `json:"object_refs"`
			Observed                    []string `json:"observed_data_refs"`
			Where                       []string `json:"where_sighted_refs"`
			Markings                    []string `json:"object_marking_refs"`
		}
	}
	if err := json.Unmarshal([]byte(text), &b); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	ids, count := map[string]bool{}, map[string]int{}
	for _, o := range b.Objects {
		if ids[o.ID] || !strings.HasPrefix(o.ID, o.Type+"--") || !stixID.MatchString(o.ID) || o.SpecVersion != "2.1" {
			t.Errorf("%+v", o)
		}
		ids[o.ID] = true
		count[o.Type]++
	}
	for _, o := range b.Objects {
		refs := slices.Concat(o.Objects, o.Observed, o.Where, o.Markings)
		switch o.Type {
		case "sighting":
			refs = append(refs, o.Of)
			if o.Count < 1 || o.Count > maxSTIXCount || !strings.HasPrefix(o.Of, "indicator--") || len(o.Observed) == 0 || o.Created > o.Modified {
				t.Errorf("%+v", o)
			}
		case "observed-data":
			if o.Number < 1 || o.Number > maxSTIXCount || o.First > o.Last || o.First == "" || len(o.Objects) == 0 {
				t.Errorf("%+v", o)
			}
		}
		if (o.Type == "sighting" || o.Type == "observed-data") && !slices.Equal(o.Markings, []string{stixTLP[intel.AmberStrict]}) {
			t.Errorf("%s is marked %v", o.Type, o.Markings)
		}
		for _, r := range refs {
			if !ids[r] {
				t.Errorf("%s refers to %s, which is not there", o.ID, r)
			}
		}
	}
	for typ, want := range map[string]int{
		"identity": 1, "indicator": 3, "intrusion-set": 1, "sighting": 3, "observed-data": 4, "domain-name": 2, "ipv4-addr": 2, "ipv6-addr": 1, "network-traffic": 1, "file": 1,
	} {
		if count[typ] != want {
			t.Errorf("%d of %s, want %d", count[typ], typ, want)
		}
	}
}
