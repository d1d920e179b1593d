package graph

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"dossier/internal/intel"
)

// A tape writes down what it gets, a line each.
type tape struct{ lines []string }

func (t *tape) Record(r *intel.Record) error {
	var names, origins, targets []string
	for _, n := range r.Names {
		names = append(names, n.Value)
	}
	for _, o := range r.Origins {
		origins = append(origins, o.Country)
	}
	for _, x := range r.Targets {
		targets = append(targets, x.Value)
	}
	t.lines = append(t.lines, fmt.Sprintf("%s %s %q %v %v %v %v %q", r.Ref, r.Kind, r.Title, names, origins, targets, r.FirstActive, r.Description))
	return nil
}

func (t *tape) Observation(o *intel.Observation) error {
	t.lines = append(t.lines, fmt.Sprintf("%s %s %s %v %s %s %s", o.Publisher, o.Observable.Kind, o.Observable.Value, o.Subjects, o.FirstSeen, o.LastSeen, o.Source))
	return nil
}
func (*tape) Article(*intel.Article) error { return nil }
func (*tape) Pattern(*intel.Pattern) error { return nil }
func (t *tape) Reject(r intel.Reject)      { t.lines = append(t.lines, r.Position+": "+r.Reason) }

const profiles = `{"@odata.context":"https://graph.microsoft.com/v1.0/$metadata#security/threatIntelligence/intelProfiles","value":[
{"@odata.type":"#microsoft.graph.security.intelligenceProfile","id":"9b01","kind":"actor","title":"Aqua Blizzard","firstActiveDateTime":"2013-01-01T00:00:00Z","aliases":["ACTINIUM","Aqua Blizzard"],
 "targets":["Government Agencies & Services: Defense","Ukraine"],"countriesOrRegionsOfOrigin":[{"label":"Russia","code":"RU"}],"summary":{"content":"s","format":"text"},"description":{"content":"## A\r\n\r\nb","format":"markdown"}},
{"id":"9b02","kind":"sponsor","title":"x"}, 7]}
`

const indicators = `{"@odata.context":"https://graph.microsoft.com/v1.0/$metadata#security/threatIntelligence/intelProfiles('9b01')/indicators","value":[
{"id":"a","source":"microsoft","firstSeenDateTime":"2022-12-02T12:29:18.668Z","lastSeenDateTime":null,"artifact":{"@odata.type":"#microsoft.graph.security.hostname","id":"evil.contoso.com"}},
{"id":"b","source":"osint","firstSeenDateTime":"2022-12-02T12:29:18.668Z","lastSeenDateTime":"2023-01-01T00:00:00.000Z","artifact":{"@odata.type":"#microsoft.graph.security.ipAddress","id":"1.0.0.1"}},
{"id":"c","artifact":{"@odata.type":"#microsoft.graph.security.unclassifiedArtifact","id":"x","kind":"md5","value":"D41D8CD98F00B204E9800998ECF8427F"}},
{"id":"d","artifact":{"@odata.type":"#microsoft.graph.security.unclassifiedArtifact","id":"x","kind":"hash_md5","value":"d41d8cd98f00b204e9800998ecf8427f"}},
{"id":"e","artifact":{"@odata.type":"#microsoft.graph.security.hostname","id":"10.0.0.1"}},
{"id":"f","artifact":{"@odata.type":"#microsoft.graph.security.hostCookie","id":"x"}}]}
`

func decode(t *testing.T, text string) (string, intel.Dataset, error) {
	t.Helper()
	var got tape
	set, err := Decode(context.Background(), strings.NewReader(text), Options{}, &got)
	return strings.Join(got.lines, "\n"), set, err
}

func TestDecode(t *testing.T) {
	got, set, err := decode(t, profiles+indicators+Complete)
	if err != nil || set != (intel.Dataset{Publisher: "microsoft-graph", Name: "intelProfiles", Snapshot: true}) {
		t.Errorf("%+v, %v", set, err)
	}
	const want = `microsoft-graph:9b01 actor "Aqua Blizzard" [ACTINIUM] [RU] [Defense Ukraine] [2013] "## A\n\nb"
[0].value[1]: profile without id, title or known kind
[0].value[2]: not a profile
microsoft-graph domain evil.contoso.com [microsoft-graph:9b01] 2022-12-02T12:29:18.668Z  microsoft
microsoft-graph ipAddress 1.0.0.1 [microsoft-graph:9b01] 2022-12-02T12:29:18.668Z 2023-01-01T00:00:00Z osint
microsoft-graph md5 d41d8cd98f00b204e9800998ecf8427f [microsoft-graph:9b01]   
microsoft-graph md5 d41d8cd98f00b204e9800998ecf8427f [microsoft-graph:9b01]   
[1].value[4]: wrong-kind
[1].value[5]: artifact of a type that is no observable`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if _, set, err = decode(t, profiles+indicators); err != nil || set.Snapshot {
		t.Errorf("a part is no snapshot: %+v, %v", set, err)
	}
	if !Sniff([]byte(profiles)) || !Sniff([]byte(indicators)) || Sniff([]byte(`{"value":[]}`)) || Sniff([]byte(Complete)) {
		t.Error("Sniff")
	}
	for _, bad := range []string{"", profiles[:200], profiles + "{", "[1]"} {
		if _, set, err := decode(t, bad); err == nil || set.Snapshot {
			t.Errorf("%.40q: %+v, %v", bad, set, err)
		}
	}
}

// FuzzDecode holds that no input panics, and that the same gives the same.
func FuzzDecode(f *testing.F) {
	f.Add(profiles)
	f.Add(indicators + Complete)
	f.Fuzz(func(t *testing.T, text string) {
		a, setA, errA := decode(t, text)
		b, setB, errB := decode(t, text)
		if a != b || setA != setB || (errA == nil) != (errB == nil) {
			t.Errorf("%q and %q", a, b)
		}
	})
}

func Example() {
	var got tape
	set, err := Decode(context.Background(), strings.NewReader(indicators), Options{Publisher: "isac"}, &got)
	fmt.Println(set.Publisher, len(got.lines), err)
	// Output: isac 6 <nil>
}
