package lists

import (
	"bytes"
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dossier/internal/observable"
)

// FuzzDecode: any body is read twice to the same end; every observable is
// canonical; every observation refers to a record that was given; and what was
// read is nowhere lost: a line that is no comment leaves an observation or a
// reject.
func FuzzDecode(f *testing.F) {
	f.Add([]byte("example-one.com\n# x\n8.8.4.9 C2\n"), "x.txt")
	f.Add([]byte("value,type,notes\n\"a,b\",file,\"x\n"), "x.csv")
	f.Add([]byte(trails), "trails/static/malware/apt_sofacy.txt")
	f.Add([]byte(`[{"Threat actor name":"A","Other names":"B, C"}]`), "")
	f.Add([]byte("2026-08-18 02:20:02,u,domain,e.com,#x,https://x.com/u/status/2089537777675190546\n"), "")
	f.Add([]byte("\xff\xfed\x00.\x00"), "")
	f.Fuzz(func(t *testing.T, body []byte, path string) {
		var a, b collector
		setA, errA := Decode(context.Background(), bytes.NewReader(body), Options{Path: path}, &a)
		setB, errB := Decode(context.Background(), bytes.NewReader(body), Options{Path: path}, &b)
		if setA != setB || (errA == nil) != (errB == nil) || !cmp.Equal(briefs(&a), briefs(&b)) || !cmp.Equal(a.records, b.records) {
			t.Fatal("two readings differ")
		}
		given := make(map[string]bool)
		for _, r := range a.records {
			if r.Title == "" || r.Key == "" {
				t.Fatalf("record without name: %+v", r)
			}
			given[r.Ref.String()] = true
		}
		for _, o := range a.observations {
			if again, err := observable.ParseAs(o.Observable.Kind, o.Observable.Value); err != nil || again != o.Observable {
				t.Fatalf("%v is not canonical: %v, %v", o.Observable, again, err)
			}
			for _, s := range o.Subjects {
				if !given[s.String()] && !part.MatchString(stem(path)) {
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
