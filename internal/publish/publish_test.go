package publish

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"dossier/internal/guard"
	"dossier/internal/ingest"
	"dossier/internal/intel"
	"dossier/internal/odata"
	"dossier/internal/store"
	"dossier/internal/testdb"
)

// open returns a store that holds what three publishers say: eset may be passed
// on, acme may not, and one indicator of eset is marked AMBER.
func open(t *testing.T) *store.Store {
	t.Helper()
	st, _, err := store.Open(t.Context(), testdb.Path(t), store.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	day := st.Now().UTC().AddDate(0, 0, -2).Format("2006-01-02T15:04:05.000Z")
	indicator := func(n, pattern, more string) string {
		return `{"type":"indicator","spec_version":"2.1","id":"indicator--00000000-0000-4000-8000-00000000000` + n + `","created":"` + day + `","modified":"` + day +
			`","confidence":90,"pattern":"` + pattern + `","pattern_type":"stix","valid_from":"` + day + `"` + more + `}`
	}
	actor := `{"type":"intrusion-set","spec_version":"2.1","id":"intrusion-set--00000000-0000-4000-8000-000000000001","created":"` + day + `","modified":"` + day + `","name":"Marsh Heron"}`
	link := `{"type":"relationship","spec_version":"2.1","id":"relationship--00000000-0000-4000-8000-000000000001","created":"` + day + `","modified":"` + day +
		`","relationship_type":"indicates","source_ref":"indicator--00000000-0000-4000-8000-000000000001","target_ref":"intrusion-set--00000000-0000-4000-8000-000000000001"}`
	amber := `,"object_marking_refs":["marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421"]`
	load(t, st, "eset", actor, link, indicator("1", "[domain-name:value = 'heron-eset.com']", ""), indicator("2", "[domain-name:value = 'heron-amber.com']", amber),
		indicator("4", "[ipv4-addr:value = '45.9.20.5']", ""))
	load(t, st, "acme", indicator("3", "[domain-name:value = 'heron-acme.com']", ""), indicator("5", "[domain-name:value = 'heron-eset.com']", ""))
	return st
}

func load(t *testing.T, st *store.Store, publisher string, objects ...string) *ingest.Result {
	t.Helper()
	file := filepath.Join(t.TempDir(), "bundle.json")
	text := `{"type":"bundle","id":"bundle--00000000-0000-4000-8000-000000000001","objects":[` + strings.Join(objects, ",") + `]}`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	im := &ingest.Importer{Store: st}
	res, err := im.Import(t.Context(), []string{file}, ingest.Options{Publisher: publisher})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func written(t *testing.T, st *store.Store, req Request, ceiling intel.TLP) (string, Result) {
	t.Helper()
	job, err := Prepare(t.Context(), st, req, store.View{Ceiling: ceiling})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	r, err := job.Write(t.Context(), &b)
	if err != nil {
		t.Fatal(err)
	}
	return b.String(), r
}

func TestWho(t *testing.T) {
	st := open(t)
	for _, tt := range []struct {
		req      Request
		ceiling  intel.TLP
		want     string // names that stand in the list
		withheld int    // of acme
	}{
		{Request{}, intel.Red, "acme amber eset", 0},
		{Request{}, intel.Clear, "acme eset", 0},
		{Request{Audience: Customers}, intel.Red, "amber eset", 1},
		{Request{Audience: Customers}, intel.Clear, "eset", 1},
		{Request{Audience: Public}, intel.Red, "eset", 1},
		{Request{Profile: "marsh heron"}, intel.Red, "eset", 0},
		{Request{Filter: "artifact/id eq 'heron-acme.com'"}, intel.Red, "acme", 0},
		{Request{MinConfidence: 100}, intel.Red, "", 0},
	} {
		tt.req.Format = "domains"
		text, r := written(t, st, tt.req, tt.ceiling)
		var got []string
		for _, name := range []string{"acme", "amber", "eset"} {
			if strings.Contains(text, "heron-"+name+".com\n") {
				got = append(got, name)
			}
		}
		if strings.Join(got, " ") != tt.want || r.Withheld["acme"] != tt.withheld || strings.Count(text, "\n") != len(got) {
			t.Errorf("%+v up to %s: %v, withheld %v; want %s", tt.req, tt.ceiling, got, r.Withheld, tt.want)
		}
		if strings.Contains(tt.want, "eset") && tt.req.Audience != "" && (len(r.Credits) != 1 || !strings.Contains(r.Credits[0], "ESET")) {
			t.Errorf("%+v: credits %v", tt.req, r.Credits)
		}
	}
	// A publisher who may not be passed on is not even named outside.
	if text, _ := written(t, st, Request{Format: "jsonl", Audience: Public, Filter: "artifact/id eq 'heron-eset.com'"}, intel.Red); strings.Contains(text, "acme") {
		t.Errorf("%s", text)
	}
}

func TestMistakes(t *testing.T) {
	st := open(t)
	for _, tt := range []struct {
		req   Request
		field string
	}{
		{Request{Format: "nope"}, "format"},
		{Request{Format: "csv", MinConfidence: 101}, "minConfidence"},
		{Request{Format: "csv", Audience: "x"}, "audience"},
		{Request{Format: "csv", View: "x"}, "view"},
		{Request{Format: "csv", FirstRule: 9, LastRule: 1}, "rules"},
	} {
		var m *Mistake
		if _, err := Prepare(t.Context(), st, tt.req, store.View{}); !errors.As(err, &m) || m.Field != tt.field {
			t.Errorf("%+v: %v", tt.req, err)
		}
	}
	var q *odata.Error
	if _, err := Prepare(t.Context(), st, Request{Format: "csv", Filter: "kind eq"}, store.View{}); !errors.As(err, &q) {
		t.Errorf("filter: %v", err)
	}
	if _, err := Prepare(t.Context(), st, Request{Format: "csv", Filter: "source eq 'osint'&$top=1"}, store.View{}); !errors.As(err, &q) {
		t.Errorf("a filter that goes on: %v", err)
	}
	if _, err := Prepare(t.Context(), st, Request{Format: "csv", Profile: "nobody"}, store.View{}); !errors.Is(err, intel.ErrNotFound) {
		t.Errorf("profile: %v", err)
	}
}

// TestOwnExport imports what was exported: nothing is added and nothing changes.
func TestOwnExport(t *testing.T) {
	st := open(t)
	before, r := written(t, st, Request{Format: "jsonl"}, intel.Red)
	bundle, _ := written(t, st, Request{Format: "stix"}, intel.Red)
	file := filepath.Join(t.TempDir(), "own.json")
	if err := os.WriteFile(file, []byte(bundle), 0o600); err != nil {
		t.Fatal(err)
	}
	position, err := st.Position(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (&ingest.Importer{Store: st}).Import(t.Context(), []string{file}, ingest.Options{}); err != nil {
		t.Fatal(err)
	}
	after, _ := written(t, st, Request{Format: "jsonl"}, intel.Red)
	if before != after || r.Written != 4 {
		t.Errorf("%d entries before\n%s\nafter\n%s", r.Written, before, after)
	}
	if now, err := st.Position(t.Context()); err != nil || now != position {
		t.Errorf("the position has moved from %d to %d: %v", position, now, err)
	}
}

func TestSpool(t *testing.T) {
	st := open(t)
	s := &Spool{Fresh: 0} // every time is looked at anew
	get := func(req Request) *Spooled {
		t.Helper()
		f, err := s.Open(t.Context(), st, req, store.View{Ceiling: intel.Red})
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	// The serial of a zone goes on only when the zone differs.
	first, again := get(Request{Format: "rpz"}), get(Request{Format: "rpz"})
	if first.Tag != again.Tag || !first.Modified.Equal(again.Modified) {
		t.Error("nothing has changed, and the zone is another")
	}
	day := st.Now().UTC().AddDate(0, 0, -1).Format("2006-01-02T15:04:05.000Z")
	load(t, st, "eset", `{"type":"indicator","spec_version":"2.1","id":"indicator--00000000-0000-4000-8000-000000000009","created":"`+day+`","modified":"`+day+
		`","confidence":90,"pattern":"[domain-name:value = 'heron-new.com']","pattern_type":"stix","valid_from":"`+day+`"}`)
	next := get(Request{Format: "rpz"})
	old, err := io.ReadAll(first) // its readers go on
	if err != nil || next.Tag == first.Tag || bytes.Contains(old, []byte("heron-new")) {
		t.Errorf("%v, %s", err, old)
	}
	text, err := io.ReadAll(next)
	if err != nil || !bytes.Contains(text, []byte("heron-new.com CNAME .")) {
		t.Errorf("%v, %s", err, text)
	}
	for _, f := range []*Spooled{first, again, next} {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}

	// Many at once, of more exports than are kept.
	var all sync.WaitGroup
	for n := range 3 * maxKept {
		all.Go(func() {
			f, err := s.Open(t.Context(), st, Request{Format: "domains", Max: 1 + n%(maxKept+8)}, store.View{Ceiling: intel.Red})
			if err != nil {
				t.Error(err)
				return
			}
			defer f.Close()
			if b, err := io.ReadAll(f); err != nil || bytes.Count(b, []byte("\n")) != min(1+n%(maxKept+8), 4) {
				t.Errorf("%v: %q", err, b)
			}
		})
	}
	all.Wait()
	if f := get(Request{Format: "domains"}); f.Close() != nil || len(s.kept) > maxKept {
		t.Errorf("%d exports are kept", len(s.kept))
	}
}

func TestCompare(t *testing.T) {
	for _, tt := range []struct {
		before, after string
		gone, new     int
		share         float64
	}{
		{"a\nb\n", "b\na\n", 0, 0, 0},
		{"a\nb\n", "a\n", 1, 0, 50},
		{"a\na\n", "a\n", 1, 0, 50},
		{"", "a\n", 0, 1, 100},
		{"", "", 0, 0, 0},
		{"a\nb", "a\nb\n", 1, 1, 100}, // a line without end is another
		{strings.Repeat("x", 200_000) + "\n", strings.Repeat("x", 200_000) + "\n", 0, 0, 0},
	} {
		c, err := Compare(strings.NewReader(tt.before), strings.NewReader(tt.after))
		if err != nil || c.Gone != tt.gone || c.New != tt.new || c.Share() != tt.share {
			t.Errorf("%.10q, %.10q: %+v, %g, %v", tt.before, tt.after, c, c.Share(), err)
		}
	}
}

// TestRuleNumbers: a rule keeps its number while others come and go, and an export
// that changes nothing writes nothing.
func TestRuleNumbers(t *testing.T) {
	st := open(t)
	sids := func(req Request) map[string]string {
		t.Helper()
		req.Format = "suricata"
		text, _ := written(t, st, req, intel.Red)
		out := map[string]string{}
		for l := range strings.Lines(text) {
			if before, after, ok := strings.Cut(l, "sid:"); ok {
				sid, _, _ := strings.Cut(after, ";")
				out[sid] = before
			}
		}
		return out
	}
	narrow := Request{FirstRule: 100, LastRule: 111} // so that numbers collide
	all := sids(narrow)
	if len(all) < 8 {
		t.Fatalf("%v", all)
	}
	for _, filter := range []string{"artifact/id eq 'heron-eset.com'", "artifact/id eq 'heron-acme.com'", "artifact/id eq '45.9.20.5'", ""} {
		some := narrow
		some.Filter = filter
		for sid, rule := range sids(some) {
			if all[sid] != rule {
				t.Errorf("%q: %s is %s, was %s", filter, sid, rule, all[sid])
			}
		}
	}
}

// TestNear: what stands on a list of guards that does not keep it back is told, of
// the kinds that the format carries.
func TestNear(t *testing.T) {
	st := open(t)
	list := guard.List{Name: "shared", Title: "Shared hosting", Policy: guard.Annotate, Entries: []string{"heron-eset.com", "heron-acme.com", "45.9.20.5"}}
	if _, err := st.PutGuards(t.Context(), []guard.List{list}); err != nil {
		t.Fatal(err)
	}
	if _, err := st.FoldIndicators(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	for format, want := range map[string]int{"domains": 2, "ipv4": 1, "urls": 0} {
		_, r := written(t, st, Request{Format: format}, intel.Red)
		if n := r.Near["shared"]; n.Entries != want || len(n.Examples) != want {
			t.Errorf("%s: %+v, want %d", format, r.Near, want)
		}
	}
}
