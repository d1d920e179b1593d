package misp

import (
	"context"
	"errors"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"dossier/internal/intel"
)

// A collector keeps what a decoder gives.
type collector struct {
	records      []intel.Record
	observations []intel.Observation
	rejects      []intel.Reject
	articles     []*intel.Article
}

func (c *collector) Record(r *intel.Record) error { c.records = append(c.records, *r); return nil }

func (c *collector) Observation(o *intel.Observation) error {
	c.observations = append(c.observations, *o)
	return nil
}

func (c *collector) Article(a *intel.Article) error { c.articles = append(c.articles, a); return nil }
func (*collector) Pattern(*intel.Pattern) error     { return nil }
func (c *collector) Reject(r intel.Reject)          { c.rejects = append(c.rejects, r) }

// reasons returns the rejects, each in one line.
func (c *collector) reasons() (out []string) {
	for _, r := range c.rejects {
		out = append(out, r.Position+": "+r.Reason)
	}
	return out
}

func decodeString(t *testing.T, body string, o Options) (*collector, intel.Dataset) {
	t.Helper()
	var c collector
	set, err := Decode(context.Background(), strings.NewReader(body), o, &c)
	if err != nil {
		t.Fatalf("Decode: %v", err)
	}
	return &c, set
}

// TestNotIntelligence: what is MISP's and no intelligence is noted once.
func TestNotIntelligence(t *testing.T) {
	const uuid = "1aeaec17-e988-5fa4-b051-304125b388d4"
	for _, tt := range []struct{ name, body, reason, sample string }{
		{"vocabulary", `{"type":"sector","category":"sector","values":[{"value":"Bank","uuid":"x"},{"value":"Gas"}],"version":6}`, "vocabulary, not profiles", "galaxy sector, 2 values"},
		{"vocabulary, type last", `{"values":[{"value":"Bank"}],"category":"sector","type":"sector"}`, "vocabulary, not profiles", "galaxy sector, 1 values"},
		{"sellers of spyware are no actors", `{"type":"surveillance-vendor","category":"actor","values":[{"value":"Vendor","uuid":"x"}]}`, "vocabulary, not profiles", "galaxy surveillance-vendor, 1 values"},
		{"warninglist", `{"description":"d","list":["8.8.8.8"],"matching_attributes":["ip-dst"],"name":"Resolvers","type":"string","version":1}`, "not intelligence", "warninglist Resolvers"},
		{"taxonomy", `{"namespace":"tlp","description":"d","predicates":[{"value":"red"}],"version":5}`, "not intelligence", "taxonomy"},
		{"taxonomy with values", `{"values":[{"predicate":"p","entry":[]}],"predicates":[{"value":"p"}],"namespace":"n","type":"x"}`, "not intelligence", "taxonomy"},
		{"object template", `{"attributes":{"ip":{"misp-attribute":"ip-dst"}},"meta-category":"network","name":"domain-ip"}`, "not intelligence", "object template domain-ip"},
		{"definition", `{"description":"d","icon":"user","name":"Threat Actor","namespace":"misp","type":"threat-actor","uuid":"` + uuid + `"}`, "not intelligence", "definition of galaxy threat-actor"},
		{"manifest", `{"` + uuid + `":{"info":"i","Orgc":{"name":"o"}}}`, "not intelligence", "manifest of a MISP feed"},
		{"hashes", "0123456789abcdef0123456789abcdef," + uuid + "\n", "not intelligence", "hash list of a MISP feed"},
	} {
		c, set := decodeString(t, tt.body, Options{})
		want := []intel.Reject{{Position: "file", Reason: tt.reason, Sample: tt.sample}}
		if !cmp.Equal(c.rejects, want) || len(c.records)+len(c.observations) > 0 || set.Snapshot {
			t.Errorf("%s: %+v, %v", tt.name, set, c.rejects)
		}
		if !Sniff([]byte(tt.body)) {
			t.Errorf("%s: Sniff is false", tt.name)
		}
	}
}

func TestSniff(t *testing.T) {
	for head, want := range map[string]bool{
		`{"Event": {"uui`:                                    true,
		` [ {"Event": {`:                                     true,
		`{"response": [{"Event"`:                             true,
		"\xef\xbb\xbf{\"response\": {\"Attribute\": [":       true,
		`{"authors": ["a"], "category": "actor", "descript`:  true, // a galaxy, cut off before its type
		`{"type": "bundle", "id": "bundle--1", "objects": [`: false,
		`{"type": "indicator", "spec_version": "2.1", "name`: false,
		`[{"Threat actor name": "A"`:                         false,
		`{"a": 1}`:                                           false,
		"example.com\n":                                      false,
		"":                                                   false,
	} {
		if got := Sniff([]byte(head)); got != want {
			t.Errorf("Sniff(%q) = %v", head, got)
		}
	}
}

func TestSyntaxErrors(t *testing.T) {
	event := `{"uuid":"1","Attribute":[{"type":"domain","value":"example-one.com","to_ids":true}]}`
	for _, tt := range []struct {
		name, body   string
		line, column int
		events       int // that were whole
	}{
		{"empty", "", 0, 0, 0},
		{"a list that ends in a comma", "{\"Event\":\n {\"Tag\": [\n  {},\n ]}}", 4, 2, 0},
		{"cut off", "{\"Event\":\n{\"uuid\": \"1\", \"inf", 2, 19, 0},
		{"the second is cut off", "[{\"Event\":" + event + "},\n{\"Event\":{", 2, 11, 1},
		{"no JSON", "hello", 1, 1, 0},
		{"no object", "17", 1, 1, 0},
		{"another format", `{"type":"bundle","objects":[]}`, 0, 0, 0},
	} {
		var c collector
		_, err := Decode(context.Background(), strings.NewReader(tt.body), Options{}, &c)
		var syntax *intel.SyntaxError
		if !errors.As(err, &syntax) || syntax.Line != tt.line || syntax.Column != tt.column {
			t.Errorf("%s: error %v, want one at %d:%d", tt.name, err, tt.line, tt.column)
		}
		if len(c.observations) != tt.events {
			t.Errorf("%s: %d observations", tt.name, len(c.observations))
		}
	}
}

func TestUTF16(t *testing.T) {
	body := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(`{"type":"rat","values":[{"uuid":"u","value":"Ŧ"}]}`)) {
		body = append(body, byte(u), byte(u>>8))
	}
	c, _ := decodeString(t, string(body), Options{})
	if len(c.records) != 1 || c.records[0].Title != "Ŧ" {
		t.Errorf("records %+v", c.records)
	}
}

type failing struct{ collector }

var errSink = errors.New("sink is full")

func (*failing) Record(*intel.Record) error { return errSink }

func TestErrors(t *testing.T) {
	const body = `{"type":"rat","values":[{"uuid":"u","value":"A"}]}`
	if _, err := Decode(context.Background(), strings.NewReader(body), Options{}, &failing{}); !errors.Is(err, errSink) {
		t.Errorf("error %v, want the sink's", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Decode(ctx, strings.NewReader(body), Options{}, &collector{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want the context's", err)
	}
}
