package export

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"dossier/internal/intel"
	"dossier/internal/misp"
	"dossier/internal/observable"
)

// TestMISPMeansTheSame: our decoder of MISP events takes from each attribute the
// observable that it was made of.
func TestMISPMeansTheSame(t *testing.T) {
	var list []*Indicator
	for _, v := range []struct {
		kind  observable.Kind
		value string
	}{
		{observable.Domain, "evil.com"},
		{observable.IPAddress, "8.8.8.8"},
		{observable.IPAddress, "2606:4700::1111"},
		{observable.CIDR, "8.8.8.0/24"},
		{observable.IPPort, "8.8.8.8:8443"},
		{observable.IPPort, "[2606:4700::1111]:443"},
		{observable.URL, `http://evil.com/it's?x="y"`},
		{observable.Email, "bad@evil.com"},
		{observable.SHA256, strings.Repeat("0c", 32)},
		{observable.JA3, strings.Repeat("0d", 16)},
		{observable.CertSHA1, strings.Repeat("1a", 20)},
		{observable.FileName, "it's.exe"},
		{observable.UserAgent, `Mozilla/4.0 (compatible; it's \ "x")`},
	} {
		o, err := observable.ParseAs(v.kind, v.value)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, &Indicator{
			ID: o.ID(), Observable: o, FirstSeen: 1700000000000, TLP: intel.Green, Publishers: []string{"eset"},
			Profiles: []Profile{{ID: "p", Kind: intel.Actor, Title: `APT "28"`}},
		})
	}
	text, r := write(t, "misp", Options{Updated: 1700000000000}, list)
	if r.Written != len(list) {
		t.Errorf("%+v", r)
	}
	var got taken
	if _, err := misp.Decode(context.Background(), strings.NewReader(text), misp.Options{}, &got); err != nil {
		t.Fatal(err)
	}
	for _, i := range list {
		if !slices.ContainsFunc(got.seen, func(o *intel.Observation) bool { return o.Observable == i.Observable && o.TLP == intel.Green }) {
			t.Errorf("%v is not read back: %+v", i.Observable, got.rejects)
		}
	}
}

func FuzzMISP(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, kind uint8, value, title, publisher, reference string) {
		i := fuzzed(kind, value, title, publisher, reference)
		text, r := write(t, "misp", Options{Title: title, Updated: 1700000000000}, []*Indicator{i})
		var e struct {
			Event struct {
				Info      string
				Attribute []mispAttribute
				Tag       []mispTag
			}
		}
		if err := json.Unmarshal([]byte(text), &e); err != nil || len(e.Event.Attribute) != r.Written || len(e.Event.Tag) != 1 {
			t.Fatalf("%v: %s", err, text)
		}
		for _, a := range e.Event.Attribute {
			if a.Value != value && i.Observable.Kind != observable.IPPort || strings.Contains(a.Value, "\n") || a.Type == "" || a.Category == "" {
				t.Errorf("%q: %+v", value, a)
			}
			for _, tag := range a.Tags {
				if strings.Count(tag.Name, `"`) > 2 {
					t.Errorf("%q", tag.Name)
				}
			}
		}
	})
}

func TestNavigator(t *testing.T) {
	d := &intel.Dossier{Profile: intel.Profile{Title: "APT28\n\"x"}, Techniques: []intel.TechniqueUse{{ID: "T1566.001"}, {ID: "T1059"}, {ID: "T1059"}, {ID: "drop all"}}}
	text, r := write(t, "navigator", Options{Profile: func(string) (*intel.Dossier, intel.Time, error) { return d, 0, nil }}, sample()[:2])
	var l layer
	if err := json.Unmarshal([]byte(text), &l); err != nil || r.Written != 2 {
		t.Fatal(err, r)
	}
	want := []layerTechnique{{"T1059", 1, `APT28 "x`, true}, {"T1566.001", 1, `APT28 "x`, true}}
	if !slices.Equal(l.Techniques, want) || l.Versions["layer"] != "4.5" || l.Domain != "enterprise-attack" {
		t.Errorf("%+v", l)
	}
}
