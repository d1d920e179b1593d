package stix

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"dossier/internal/intel"
	"dossier/internal/observable"
	"dossier/internal/testcorpus"

	"github.com/google/go-cmp/cmp"
)

// collector keeps what a sink is given.
type collector struct {
	Records      []*intel.Record
	Observations []*intel.Observation
	Rejects      []intel.Reject
	Articles     []*intel.Article
	Patterns     []*intel.Pattern
	fail         error
}

func (c *collector) Record(r *intel.Record) error {
	c.Records = append(c.Records, r)
	return c.fail
}

func (c *collector) Observation(o *intel.Observation) error {
	c.Observations = append(c.Observations, o)
	return c.fail
}

func (c *collector) Article(a *intel.Article) error {
	c.Articles = append(c.Articles, a)
	return c.fail
}

func (c *collector) Pattern(p *intel.Pattern) error {
	c.Patterns = append(c.Patterns, p)
	return c.fail
}

func (c *collector) Reject(r intel.Reject) { c.Rejects = append(c.Rejects, r) }

func decode(t testing.TB, text string, o Options) (*collector, intel.Dataset) {
	t.Helper()
	c := &collector{}
	ds, err := Decode(t.Context(), strings.NewReader(text), o, c)
	if err != nil {
		t.Fatal(err)
	}
	return c, ds
}

// id makes an id of a type with a number.
func id(typ string, n int) string { return fmt.Sprintf("%s--00000000-0000-4000-8000-%012d", typ, n) }

// object makes an object with the members that all have; more is JSON members.
func object(typ string, n int, more string) string {
	if more != "" {
		more = "," + more
	}
	return fmt.Sprintf(`{"type":%q,"spec_version":"2.1","id":%q,"created":"2020-01-02T03:04:05Z","modified":"2021-01-02T03:04:05Z"%s}`, typ, id(typ, n), more)
}

func bundle(objects ...string) string {
	return `{"type":"bundle","id":"bundle--00000000-0000-4000-8000-000000000000","objects":[` + strings.Join(objects, ",\n") + `]}`
}

func relationship(n int, kind, from, to string) string {
	return object("relationship", n, fmt.Sprintf(`"relationship_type":%q,"source_ref":%q,"target_ref":%q`, kind, from, to))
}

var heron = object("intrusion-set", 1, `"name":"Quiet Heron","aliases":["Quiet Heron","Grey Wader"],"first_seen":"2019-05-01T00:00:00Z"`)

func TestForms(t *testing.T) {
	want, _ := decode(t, bundle(heron), Options{Publisher: "p"})
	if len(want.Records) != 1 || want.Records[0].Title != "Quiet Heron" {
		t.Fatalf("%+v", want)
	}
	for name, text := range map[string]string{
		"an object":         heron,
		"a list":            "[" + heron + "]",
		"lines":             heron + "\n" + object("tool", 9, `"name":""`) + "\n",
		"a TAXII envelope":  `{"more":false,"objects":[` + heron + `]}`,
		"a byte order mark": "\xef\xbb\xbf" + bundle(heron),
		"blanks":            " \r\n\t" + bundle(heron) + "\n\n",
		"two bundles":       bundle(heron) + bundle(heron),
		"a list of bundles": "[" + bundle(heron) + "]",
	} {
		if !Sniff([]byte(text)) {
			t.Errorf("%s is not taken for STIX", name)
		}
		got, _ := decode(t, text, Options{Publisher: "p"})
		if diff := cmp.Diff(want.Records, got.Records); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	for _, text := range []string{"", "x", `{"Event":{"uuid":"1"}}`, `{"values":[],"uuid":"x"}`, "# a list\nevil.com\n", `["a"]`} {
		if Sniff([]byte(text)) {
			t.Errorf("%q is taken for STIX", text)
		}
	}
}

// TestVersionsAgree: the same object as STIX 2.0 and 2.1 gives the same record.
func TestVersionsAgree(t *testing.T) {
	const members = `"id":"malware--00000000-0000-4000-8000-000000000007","created":"2020-01-02T03:04:05.000Z","modified":"2021-01-02T03:04:05.678Z","name":"Grey Egg","description":"It is a backdoor."`
	v20, _ := decode(t, `{"type":"bundle","id":"bundle--1","spec_version":"2.0","objects":[{"type":"malware",`+members+`,"labels":["malware"]}]}`, Options{})
	v21, _ := decode(t, `{"type":"bundle","id":"bundle--1","objects":[{"type":"malware","spec_version":"2.1","is_family":true,`+members+`}]}`, Options{})
	if len(v20.Records) != 1 || len(v21.Records) != 1 || asJSON(t, v20.Records[0]) != asJSON(t, v21.Records[0]) {
		t.Errorf("%s\n%s", asJSON(t, v20.Records), asJSON(t, v21.Records))
	}
	if r := v20.Records[0]; r.Modified.String() != "2021-01-02T03:04:05.678Z" || r.Kind != intel.Tool {
		t.Errorf("%+v", r)
	}
}

// TestAnyOrder: relationships may come before what they relate.
func TestAnyOrder(t *testing.T) {
	objects := []string{
		heron,
		object("campaign", 2, `"name":"Operation Reed","first_seen":"2018-01-01T00:00:00Z"`),
		object("malware", 3, `"name":"Grey Egg","is_family":true`),
		object("indicator", 4, `"pattern":"[domain-name:value = 'heron.contoso.com']","pattern_type":"stix","valid_from":"2020-02-02T00:00:00Z"`),
		object("indicator", 5, `"pattern":"[domain-name:value = 'reed.contoso.com']","pattern_type":"stix","valid_from":"2020-02-02T00:00:00Z"`),
		relationship(6, "uses", id("intrusion-set", 1), id("malware", 3)),
		relationship(7, "attributed-to", id("campaign", 2), id("intrusion-set", 1)),
		relationship(8, "indicates", id("indicator", 4), id("malware", 3)),
		relationship(9, "indicates", id("indicator", 5), id("campaign", 2)),
	}
	want, _ := decode(t, bundle(objects...), Options{Publisher: "p"})
	subjects := map[string]intel.Ref{}
	for _, o := range want.Observations {
		if len(o.Subjects) == 1 {
			subjects[o.Observable.Value] = o.Subjects[0]
		}
	}
	if subjects["heron.contoso.com"].Key != id("malware", 3) || subjects["reed.contoso.com"].Key != id("intrusion-set", 1) {
		t.Errorf("subjects: %v; the campaign's indicator is its actor's", subjects)
	}
	slices.Reverse(objects)
	got, _ := decode(t, bundle(objects...), Options{Publisher: "p"})
	less := func(a, b *intel.Record) int { return strings.Compare(a.Key, b.Key) }
	slices.SortFunc(want.Records, less)
	slices.SortFunc(got.Records, less)
	if diff := cmp.Diff(want.Records, got.Records); diff != "" {
		t.Error(diff)
	}
}

func TestMarkings(t *testing.T) {
	const amber20 = "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82"
	marked := func(member string) string {
		return strings.Replace(heron, `"name":`, member+`,"name":`, 1)
	}
	for _, tt := range []struct {
		name, text string
		want       intel.TLP
	}{
		{"none", bundle(heron), intel.Clear},
		{"predefined", bundle(marked(`"object_marking_refs":["` + amber20 + `"]`)), intel.Amber},
		{"definition", bundle(marked(`"object_marking_refs":["`+id("marking-definition", 1)+`"]`),
			object("marking-definition", 1, `"definition_type":"tlp","definition":{"tlp":"red"}`)), intel.Red},
		{"TLP 2.0", bundle(marked(`"object_marking_refs":["`+id("marking-definition", 1)+`"]`),
			object("marking-definition", 1, `"extensions":{"extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d":{"extension_type":"property-extension","tlp_2_0":"amber+strict"}}`)), intel.AmberStrict},
		{"granular", bundle(marked(`"granular_markings":[{"marking_ref":"` + amber20 + `","selectors":["name"]}]`)), intel.Amber},
		{"a statement", bundle(marked(`"object_marking_refs":["`+id("marking-definition", 1)+`"]`),
			object("marking-definition", 1, `"definition_type":"statement","definition":{"statement":"(c)"}`)), intel.Clear},
	} {
		c, _ := decode(t, tt.text, Options{})
		if len(c.Records) != 1 || c.Records[0].TLP != tt.want {
			t.Errorf("%s: %+v; want %s", tt.name, c.Records, tt.want)
		}
	}
}

// TestBadObjects: a malformed object is rejected with its place, and the others
// go on.
func TestBadObjects(t *testing.T) {
	for _, tt := range []struct{ bad, reason string }{
		{`5`, "not an object"},
		{`{"id":"tool--00000000-0000-4000-8000-000000000001"}`, "no type"},
		{`{"type":"tool","name":"x"}`, "no id"},
		{`{"type":"tool","id":"malware--00000000-0000-4000-8000-000000000001","name":"x"}`, "id does not match the type"},
		{`{"type":"tool","id":"tool--00000000-0000-4000-8000-000000000001","name":5}`, "malformed object"},
		{`{"type":"tool","id":"tool--00000000-0000-4000-8000-000000000001"}`, "no name"},
		{object("indicator", 2, `"pattern":"[a"`), "malformed pattern"},
		{object("indicator", 2, ""), "no pattern"},
		{object("indicator", 2, `"pattern":"rule x {}","pattern_type":"yara"`), "pattern type yara"},
		{object("malware", 2, `"name":"x","first_seen":"0001-01-01T00:00:00Z"`), "date out of range"},
		{object("malware", 2, `"name":"x","first_seen":"soon"`), "malformed date"},
	} {
		c, _ := decode(t, bundle(heron, tt.bad, object("tool", 3, `"name":"Last"`)), Options{})
		if len(c.Records) < 2 || c.Records[len(c.Records)-1].Title != "Last" {
			t.Errorf("%s: %d records", tt.bad, len(c.Records))
		}
		if len(c.Rejects) != 1 || c.Rejects[0].Reason != tt.reason || !strings.HasPrefix(c.Rejects[0].Position, "objects[1]") {
			t.Errorf("%s: %+v, want %s at objects[1]", tt.bad, c.Rejects, tt.reason)
		}
	}
}

// TestBrokenStreams: a stream that ends early or is no JSON is an error with its
// place, and gives nothing.
func TestBrokenStreams(t *testing.T) {
	whole := bundle(heron, object("tool", 2, `"name":"x"`), object("indicator", 4, `"pattern":"[domain-name:value = 'a.contoso.com']","pattern_type":"stix","valid_from":"2020-01-01T00:00:00Z"`))
	for at := 1; at < len(whole)-1; at += 7 {
		c := &collector{}
		_, err := Decode(t.Context(), strings.NewReader(whole[:at]), Options{}, c)
		var syntax *intel.SyntaxError
		if !errors.As(err, &syntax) || syntax.Line < 1 && syntax.Offset < 1 {
			t.Fatalf("cut at %d: %v, want a syntax error with a place", at, err)
		}
		if len(c.Records)+len(c.Observations)+len(c.Rejects) > 0 {
			t.Fatalf("cut at %d: something was emitted", at)
		}
	}
	_, err := Decode(t.Context(), strings.NewReader(strings.Replace(whole, `"name":"x"`, "\n\"name\": oops", 1)), Options{}, &collector{})
	var syntax *intel.SyntaxError
	if !errors.As(err, &syntax) || syntax.Line != 3 {
		t.Errorf("%v, want line 3", err)
	}
}

func TestErrorsOfOthers(t *testing.T) {
	own := errors.New("the sink's")
	if _, err := Decode(t.Context(), strings.NewReader(bundle(heron)), Options{}, &collector{fail: own}); !errors.Is(err, own) {
		t.Errorf("%v, want the sink's error", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Decode(ctx, strings.NewReader(bundle(heron)), Options{}, &collector{}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want the context's error", err)
	}
}

func TestReportsAndSightings(t *testing.T) {
	indicator := object("indicator", 4, `"pattern":"[domain-name:value = 'heron.contoso.com']","pattern_type":"stix"`)
	c, _ := decode(t, bundle(heron, indicator,
		object("report", 5, `"name":"On herons","published":"2019-03-04T00:00:00Z","object_refs":["`+id("intrusion-set", 1)+`","`+id("indicator", 4)+`"],"external_references":[{"source_name":"r","url":"https://r.contoso.com/"}]`),
		object("sighting", 6, `"sighting_of_ref":"`+id("indicator", 4)+`","first_seen":"2019-01-01T00:00:00Z","last_seen":"2022-05-06T07:08:09Z"`),
	), Options{Publisher: "p"})
	if len(c.Observations) != 1 {
		t.Fatalf("%d observations", len(c.Observations))
	}
	o := c.Observations[0]
	if len(o.Subjects) != 1 || o.Subjects[0].Key != id("intrusion-set", 1) || o.Reference != "https://r.contoso.com/" {
		t.Errorf("the report's actor and document: %+v", o)
	}
	if o.FirstSeen.At.Day() != "2019-01-01" || o.LastSeen.String() != "2022-05-06T07:08:09Z" {
		t.Errorf("the sighting's dates: %+v", o)
	}
}

func TestDeterministic(t *testing.T) {
	var objects []string
	for i := range 400 {
		objects = append(objects, object("malware", i, fmt.Sprintf(`"name":"M%d","is_family":true,"description":%q`, i, strings.Repeat("text ", i%50))),
			relationship(1000+i, "uses", id("intrusion-set", 1), id("malware", i)))
	}
	text := bundle(append(objects, heron)...)
	want, _ := decode(t, text, Options{})
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for _, n := range []int{1, 2, 4} {
		runtime.GOMAXPROCS(n)
		got, _ := decode(t, text, Options{})
		if diff := cmp.Diff(want.Records, got.Records); diff != "" {
			t.Errorf("with %d processors: %s", n, diff)
		}
	}
}

// FuzzDecode: no input panics, the same input gives the same in whatever pieces
// it comes, and a broken stream gives nothing and says where it is broken.
func FuzzDecode(f *testing.F) {
	f.Add(bundle(heron))
	f.Add(heron + heron)
	f.Add(flock())
	v20, v21 := twins()
	f.Add(v20)
	f.Add("\xef\xbb\xbf[" + v21 + "]")
	f.Add(`{"more":true,"objects":[` + object("indicator", 4, `"pattern":"[url:value = 'http://a.contoso.com/']"`) + `]}`)
	f.Add(bundle(object("malware", 3, `"name":"\ud83d\ude00","granular_markings":[{"marking_ref":"x"}],"external_references":[{"source_name":"mitre-attack","external_id":"S0001"}]`)))
	f.Fuzz(func(t *testing.T, text string) {
		run := func(r io.Reader) (*collector, intel.Dataset, error) {
			c := &collector{}
			ds, err := Decode(t.Context(), r, Options{}, c)
			return c, ds, err
		}
		a, ds, err := run(strings.NewReader(text))
		b, again, err2 := run(iotest.HalfReader(iotest.OneByteReader(strings.NewReader(text))))
		if fmt.Sprint(err) != fmt.Sprint(err2) || ds != again {
			t.Fatalf("%v %+v, then %v %+v", err, ds, err2, again)
		}
		if diff := cmp.Diff(a, b, cmp.AllowUnexported(collector{})); diff != "" {
			t.Error(diff)
		}
		if err != nil {
			var bad *intel.SyntaxError
			if !errors.As(err, &bad) || bad.Offset > int64(len(text)) {
				t.Fatalf("%v", err)
			}
			if line, col := lineOf(text, int(bad.Offset)); bad.Line != line || bad.Column != col {
				t.Errorf("%v at byte %d, which is line %d, column %d", err, bad.Offset, line, col)
			}
			if len(a.Records)+len(a.Observations)+len(a.Rejects) > 0 {
				t.Error("something was emitted of a broken stream")
			}
		}
		for _, o := range a.Observations {
			if again, err := observable.ParseAs(o.Observable.Kind, o.Observable.Value); err != nil || again != o.Observable || o.Publisher == "" {
				t.Errorf("observation %+v: %v", o, err)
			}
		}
		for _, r := range a.Records {
			named := r.Title != ""
			if r.Kind == intel.Part { // it has no name of its own, but says of what it is, unless it is withdrawn
				named = r.Title == "" && (r.Of != "" || r.Revoked)
			}
			if r.Key == "" || r.Kind == "" || !named {
				t.Errorf("record %+v", r)
			}
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	data, err := os.ReadFile(filepath.Join(testcorpus.Path(b), "mitre-cti", "enterprise-attack-18.1.stix20.json"))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(b.Context(), bytes.NewReader(data), Options{}, &collector{}); err != nil {
			b.Fatal(err)
		}
	}
}

func ExampleDecode() {
	c := &collector{}
	ds, err := Decode(context.Background(), strings.NewReader(heron), Options{Publisher: "our-team"}, c)
	fmt.Println(ds.Publisher, c.Records[0].Title, c.Records[0].FirstActive[0], err)
	// Output: our-team Quiet Heron 2019-05-01 <nil>
}
