package export

import (
	"context"
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"dossier/internal/intel"
	"dossier/internal/observable"
	"dossier/internal/stix"
)

// taken is a sink that keeps what a decoder gives.
type taken struct {
	records []*intel.Record
	seen    []*intel.Observation
	rejects []intel.Reject
}

func (s *taken) Record(r *intel.Record) error {
	s.records = append(s.records, r)
	return nil
}

func (s *taken) Observation(o *intel.Observation) error {
	s.seen = append(s.seen, o)
	return nil
}

func (*taken) Article(*intel.Article) error { return nil }
func (*taken) Pattern(*intel.Pattern) error { return nil }
func (s *taken) Reject(r intel.Reject)      { s.rejects = append(s.rejects, r) }

type stixThing struct {
	Type        string   `json:"type"`
	SpecVersion string   `json:"spec_version"`
	ID          string   `json:"id"`
	CreatedBy   string   `json:"created_by_ref"`
	Created     string   `json:"created"`
	Modified    string   `json:"modified"`
	Pattern     string   `json:"pattern"`
	ValidFrom   string   `json:"valid_from"`
	Source      string   `json:"source_ref"`
	Target      string   `json:"target_ref"`
	Objects     []string `json:"object_refs"`
	Markings    []string `json:"object_marking_refs"`
	IsFamily    *bool    `json:"is_family"`
	Name        string   `json:"name"`
}

var stixID = regexp.MustCompile(`^[a-z][a-z0-9-]+--[0-9a-f]{8}-[0-9a-f]{4}-[45][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

// bundle reads a bundle and holds it to what STIX 2.1 demands of the objects in
// it (parts 3, 4, 5 and 7): required properties, ids, versions, references that lead somewhere.
func bundle(t testing.TB, text string) []stixThing {
	t.Helper()
	var b struct {
		Type, ID string
		Objects  []stixThing
	}
	if err := json.Unmarshal([]byte(text), &b); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	if b.Type != "bundle" || !stixID.MatchString(b.ID) {
		t.Errorf("bundle %q %q", b.Type, b.ID)
	}
	known := map[string]bool{}
	for _, o := range b.Objects {
		if known[o.ID] {
			t.Errorf("%s stands there twice", o.ID)
		}
		known[o.ID] = true
	}
	for _, o := range b.Objects {
		if !strings.HasPrefix(o.ID, o.Type+"--") || !stixID.MatchString(o.ID) || o.SpecVersion != "2.1" || o.Created == "" {
			t.Errorf("%+v", o)
		}
		if o.Type != "marking-definition" && (o.Modified < o.Created || o.Type != "identity" && o.CreatedBy == "") {
			t.Errorf("%+v", o)
		}
		for _, ref := range append(append([]string{o.Source, o.Target, o.CreatedBy}, o.Objects...), o.Markings...) {
			if ref != "" && !known[ref] {
				t.Errorf("%s refers to %s, which is not there", o.ID, ref)
			}
		}
		switch o.Type {
		case "indicator":
			if _, err := stix.ParsePattern(o.Pattern); err != nil || o.ValidFrom == "" {
				t.Errorf("%s: %v", o.Pattern, err)
			}
		case "malware":
			if o.IsFamily == nil || o.Name == "" {
				t.Errorf("%+v", o)
			}
		case "identity", "intrusion-set", "tool", "relationship", "note", "marking-definition":
		default:
			t.Errorf("type %s", o.Type)
		}
	}
	return b.Objects
}

func TestSTIX(t *testing.T) {
	text, r := write(t, "stix", Options{Installation: "x"}, sample())
	objects := bundle(t, text)
	n := map[string]int{}
	for _, o := range objects {
		n[o.Type]++
	}
	if n["indicator"] != r.Written || n["intrusion-set"] != 2 || n["malware"] != 1 || n["identity"] != 1 || n["marking-definition"] != 2 || n["note"] == 0 {
		t.Errorf("%v, %d written", n, r.Written)
	}
	other, _ := write(t, "stix", Options{Installation: "y"}, sample())
	if bundle(t, other)[0].ID == objects[0].ID {
		t.Error("two installations have one identity")
	}
}

// TestSTIXMeansTheSame: our decoder takes from each pattern the observable that it was made of.
func TestSTIXMeansTheSame(t *testing.T) {
	for _, tt := range []struct {
		kind  observable.Kind
		value string
	}{
		{observable.Domain, "evil.com"},
		{observable.IPAddress, "8.8.8.8"},
		{observable.IPAddress, "2606:4700::1111"},
		{observable.CIDR, "8.8.8.0/24"},
		{observable.CIDR, "2606:4700::/32"},
		{observable.IPPort, "8.8.8.8:8443"},
		{observable.IPPort, "[2606:4700::1111]:443"},
		{observable.URL, "http://evil.com/it's?x=\\y"},
		{observable.Email, "bad@evil.com"},
		{observable.MD5, strings.Repeat("0a", 16)},
		{observable.SHA1, strings.Repeat("0b", 20)},
		{observable.SHA256, strings.Repeat("0c", 32)},
		{observable.SHA512, strings.Repeat("0d", 64)},
		{observable.CertSHA1, strings.Repeat("1a", 20)},
		{observable.CertSHA256, strings.Repeat("1b", 32)},
		{observable.Mutex, `Global\it's`},
		{observable.UserAgent, `Mozilla/4.0 (compatible; it's \ "x")`},
	} {
		o, err := observable.ParseAs(tt.kind, tt.value)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := write(t, "stix", Options{}, []*Indicator{{ID: o.ID(), Observable: o, FirstSeen: 1700000000000, Confidence: 70, TLP: intel.Green, Publishers: []string{"eset"}}})
		var got taken
		if _, err := stix.Decode(context.Background(), strings.NewReader(text), stix.Options{}, &got); err != nil {
			t.Fatal(err)
		}
		found := false
		for _, seen := range got.seen {
			found = found || seen.Observable == o && seen.TLP == intel.Green && seen.Confidence == 70 && seen.FirstSeen.At == 1700000000000
		}
		if !found {
			t.Errorf("%s %q: decoded %+v, rejected %+v", o.Kind, o.Value, got.seen, got.rejects)
		}
	}
}

func FuzzSTIX(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, kind uint8, value, title, publisher, reference string) {
		i := fuzzed(kind, value, title, publisher, reference)
		text, r := write(t, "stix", Options{Title: title, Installation: reference}, []*Indicator{i})
		n := 0
		for _, o := range bundle(t, text) {
			if o.Type == "indicator" {
				n++
			}
		}
		if n != r.Written {
			t.Errorf("%d indicators, %d written", n, r.Written)
		}
	})
}
