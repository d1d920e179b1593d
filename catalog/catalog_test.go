package catalog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"

	"dossier/internal/intel"
	"dossier/internal/observable"

	"github.com/google/go-cmp/cmp"
)

// collector keeps what Decode gives.
type collector struct {
	sections     []intel.Dataset
	records      []*intel.Record
	observations []*intel.Observation
}

func (c *collector) Section(d intel.Dataset) error { c.sections = append(c.sections, d); return nil }
func (c *collector) Record(r *intel.Record) error  { c.records = append(c.records, r); return nil }
func (c *collector) Observation(o *intel.Observation) error {
	c.observations = append(c.observations, o)
	return nil
}
func (*collector) Article(*intel.Article) error { return nil }
func (*collector) Pattern(*intel.Pattern) error { return nil }
func (c *collector) Reject(intel.Reject)        {}

func sample() *collector {
	day := intel.YearDate(2014, intel.BasisReference)
	ref := intel.Ref{Publisher: "p", Key: "k"}
	return &collector{
		sections: []intel.Dataset{{Publisher: "p", Name: "n", Version: "3", Released: day.At, Snapshot: true}},
		records: []*intel.Record{{
			Ref: ref, Kind: intel.Actor, Title: "<Quiet> & Heron", Names: []intel.Name{{Value: "Grey Wader", CoinedBy: "Us", Last: day.At}},
			FirstActive: []intel.Date{day}, Links: []intel.Link{{Relation: intel.Uses, To: ref}},
		}},
		observations: []*intel.Observation{
			{Publisher: "p", Observable: observable.Observable{Kind: observable.Domain, Value: "heron.contoso.com"}, Subjects: []intel.Ref{ref}, FirstSeen: day, Confidence: 50},
			{Publisher: "other", Observable: observable.Observable{Kind: observable.MD5, Value: "0123456789abcdef0123456789abcdef"}, LastSeen: day.At, Reference: "https://r.example/"},
		},
	}
}

func written(t testing.TB, c *collector) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := NewWriter(&b)
	if err != nil {
		t.Fatal(err)
	}
	err = w.Section(c.sections[0])
	for _, r := range c.records {
		err = errors.Join(err, w.Record(r))
	}
	for _, o := range c.observations {
		err = errors.Join(err, w.Observation(o))
	}
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestRoundTrip(t *testing.T) {
	want := sample()
	data := written(t, want)
	if !bytes.Equal(data, written(t, want)) {
		t.Error("the same input gave other bytes")
	}
	got := &collector{}
	if err := Decode(t.Context(), bytes.NewReader(data), got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(collector{})); diff != "" {
		t.Error(diff)
	}
}

func TestDecodeRefuses(t *testing.T) {
	whole := written(t, sample())
	for _, data := range [][]byte{nil, []byte("no catalogue"), whole[:len(whole)/2]} {
		err := Decode(t.Context(), bytes.NewReader(data), &collector{})
		if len(data) > 0 && !errors.Is(err, ErrForm) {
			t.Errorf("%d bytes: %v, want an error that is ErrForm", len(data), err)
		}
	}
}

func TestEmbedded(t *testing.T) {
	c := &collector{}
	if err := Decode(t.Context(), Open(), c); err != nil {
		t.Fatal(err)
	}
	if len(c.sections) < 10 || len(c.records) < 3000 || len(c.observations) < 10_000 {
		t.Errorf("%d sections, %d records, %d observations", len(c.sections), len(c.records), len(c.observations))
	}
	for _, o := range c.observations {
		if again, err := observable.ParseAs(o.Observable.Kind, o.Observable.Value); err != nil || again != o.Observable || o.FirstSeen.IsZero() {
			t.Fatalf("observation %+v: %v", o, err)
		}
	}
}

func ExampleDecode() {
	c := &collector{}
	if err := Decode(context.Background(), Open(), c); err != nil {
		fmt.Println(err)
	}
	fmt.Println(c.sections[0].Publisher, c.sections[0].Name)
	// Output: mitre-attack enterprise-attack
}
