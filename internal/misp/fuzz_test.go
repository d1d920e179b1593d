package misp

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dossier/internal/intel"
	"dossier/internal/observable"
)

// FuzzDecode: any body is read twice to the same end; every record has a name
// and a key; every observable is canonical and refers to records that were
// given.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"Event":` + event + `}`))
	f.Add([]byte(galaxyOf("threat-actor", "actor", "APT28", `{"synonyms":"A","name-attribution":["A:b"],"origin:A":["c"],"date":"May 2016"}`)))
	f.Add([]byte(`{"response":{"Attribute":[{"type":"domain|ip","value":"a.com|8.8.4.9","to_ids":1}]}}`))
	f.Add([]byte(`{"values":[{"uuid":"u","value":"v","meta":[]}],"type":"rat"}`))
	f.Add([]byte("0123456789abcdef0123456789abcdef,1aeaec17-e988-5fa4-b051-304125b388d4\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		var a, b collector
		setA, errA := Decode(context.Background(), bytes.NewReader(body), Options{}, &a)
		setB, errB := Decode(context.Background(), bytes.NewReader(body), Options{}, &b)
		if setA != setB || (errA == nil) != (errB == nil) || !cmp.Equal(briefs(&a), briefs(&b)) || !cmp.Equal(a.records, b.records) {
			t.Fatal("two readings differ")
		}
		given := make(map[intel.Ref]bool)
		for _, r := range a.records {
			if strings.TrimSpace(r.Title) == "" || r.Key == "" || r.Publisher == "" || !r.Kind.HasProfile() {
				t.Fatalf("record %+v", r)
			}
			given[r.Ref] = true
		}
		for _, o := range a.observations {
			if again, err := observable.ParseAs(o.Observable.Kind, o.Observable.Value); err != nil || again != o.Observable {
				t.Fatalf("%v is not canonical: %v, %v", o.Observable, again, err)
			}
			for _, s := range o.Subjects {
				if !given[s] {
					t.Fatalf("%v refers to %v, which was not given", o.Observable, s)
				}
			}
		}
		for _, r := range a.rejects {
			if len(r.Sample) > 120 || r.Reason == "" || r.Position == "" {
				t.Fatalf("reject %+v", r)
			}
		}
	})
}
