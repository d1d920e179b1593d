package misp

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dossier/internal/intel"
)

// brief prints an observation in one line: what is not stated is left out.
func brief(o intel.Observation) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s %s", o.Publisher, o.Observable.Kind, o.Observable.Value)
	for _, s := range o.Subjects {
		fmt.Fprintf(&b, " of %s", s.Key)
	}
	if !o.FirstSeen.IsZero() {
		fmt.Fprintf(&b, " first %v (%s)", o.FirstSeen, o.FirstSeen.Basis)
	}
	if o.LastSeen != 0 {
		fmt.Fprintf(&b, " last %s", o.LastSeen.Day())
	}
	if o.TLP != intel.Clear {
		fmt.Fprintf(&b, " tlp %v", o.TLP)
	}
	if o.Context != "" {
		fmt.Fprintf(&b, " [%s]", o.Context)
	}
	if o.Reference != "" {
		fmt.Fprintf(&b, " <%s>", o.Reference)
	}
	if o.Revoked {
		b.WriteString(" revoked")
	}
	return b.String()
}

func briefs(c *collector) (out []string) {
	for _, o := range c.observations {
		out = append(out, brief(o))
	}
	return append(out, c.reasons()...)
}

const md5, sha256 = "0123456789abcdef0123456789abcdef", "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

func TestAttributeTypes(t *testing.T) {
	for _, tt := range []struct{ typ, value, want string }{
		{"domain", "example-one[.]com", "domain example-one.com"},
		{"hostname|port", "example-one.com|443", "domain example-one.com"},
		{"domain|ip", "example-one.com|8.8.4.9", "domain example-one.com, ipAddress 8.8.4.9"},
		{"ip-dst", "8.8.4.9", "ipAddress 8.8.4.9"},
		{"ip-src", "8.8.4.0/24", "cidr 8.8.4.0/24"},
		{"ip-dst|port", "8.8.4.9|443", "ipAddressPort 8.8.4.9:443"},
		{"ip-dst|port", "2001:4860:4860::8888|443", "ipAddressPort [2001:4860:4860::8888]:443"},
		{"filename|sha256", "a|b.exe|" + sha256, "fileName a|b.exe, sha256 " + sha256},
		{"malware-sample", "a.exe|" + md5, "fileName a.exe, md5 " + md5},
		{"regkey|value", `HKCU\Software\X|a|b`, `registryKey HKEY_CURRENT_USER\Software\X`},
		{"email-src", "a@example-one.com", "emailAddress a@example-one.com"},
		{"uri", "/gate.php", "urlPath /gate.php"},
		{"x509-fingerprint-sha1", "0123456789ABCDEF0123456789abcdef01234567", "sslCertificateSha1 0123456789abcdef0123456789abcdef01234567"},
		{"ja3-fingerprint-md5", md5, "ja3 " + md5},
		{"mutex", "Global\\X", "mutex Global\\X"},
		{"domain|ip", "example-one.com", "! not of type domain|ip"},
		{"ip-dst", "10.0.0.1", "! private"},
		{"imphash", md5, "! no observable: imphash"},
		{"text", "words", "! no observable: text"},
	} {
		c, _ := decodeString(t, fmt.Sprintf(`{"Event":{"uuid":"1","Attribute":[{"type":%q,"value":%q,"to_ids":"1"}]}}`, tt.typ, tt.value), Options{})
		var got []string
		for _, o := range c.observations {
			got = append(got, string(o.Observable.Kind)+" "+o.Observable.Value)
		}
		for _, r := range c.rejects {
			got = append(got, "! "+r.Reason)
		}
		if s := strings.Join(got, ", "); s != tt.want {
			t.Errorf("%s %q: %s; want %s", tt.typ, tt.value, s, tt.want)
		}
	}
}

const event = `{"uuid":"1","info":"A report","date":"2024-05-14","timestamp":1715684400,"Orgc":{"name":"Some CERT, Ltd."},
	"Tag":[{"name":"tlp:amber"},{"name":"misp-galaxy:mitre-intrusion-set=\"APT28 - G0007\""},{"name":"misp-galaxy:sector=\"Bank\""}],
	"Galaxy":[{"type":"eset-threat-actor","uuid":"G","GalaxyCluster":[{"type":"eset-threat-actor","value":"Ebury","collection_uuid":"","tag_name":"misp-galaxy:eset-threat-actor=\"X\"","uuid":"BB3A"}]},
		{"type":"threat-actor","GalaxyCluster":[{"type":"threat-actor","value":"TeleBots","uuid":"7cdff317-a673-4474-84ec-4f1754947823"}]}],
	"Attribute":[
		{"type":"link","category":"External analysis","value":"https://example-vendor.com/2024/report","to_ids":false},
		{"type":"domain","value":"example-one.com","to_ids":true,"comment":"C2","first_seen":"2023-01-02T03:04:05.000000+00:00","last_seen":"2023-02-02T00:00:00Z"},
		{"type":"domain","value":"example-two.com","to_ids":1,"Tag":[{"name":"tlp:green"},{"name":"phishing"},{"name":"misp-galaxy:ransomware=\"Locky\""}],"comment":""},
		{"type":"domain","value":"example-three.com","to_ids":true,"comment":"https://x.com/somebody/status/1498972440080359430"},
		{"type":"domain","value":"example-four.com","to_ids":true,"deleted":true},
		{"type":"domain","value":"example-five.com","to_ids":false},
		{"type":"domain","value":"example-six.com"},
		"junk"],
	"Object":[{"name":"file","first_seen":"2022-01-01T00:00:00+00:00","comment":"loader","Attribute":[{"type":"md5","value":"` + md5 + `","to_ids":true},{"type":"text","value":"x","to_ids":false}]}]}`

func TestEvent(t *testing.T) {
	c, set := decodeString(t, `{"Event":`+event+`}`, Options{})
	const all = " of mention:actor:ebury:amber of mention:actor:telebots:amber of mention:actor:apt28:amber"
	const cert, doc = "some-cert-ltd: ", " <https://example-vendor.com/2024/report>"
	want := []string{
		cert + "domain example-one.com" + all + " first 2023-01-02T03:04:05Z (stated) last 2023-02-02 tlp amber [C2]" + doc,
		cert + "domain example-two.com of mention:tool:locky:green first 2024-05-14 (event) tlp green [phishing]" + doc,
		cert + "domain example-three.com" + all + " first 2022-03-02T10:44:13.933Z (reference) tlp amber [A report] <https://x.com/somebody/status/1498972440080359430>",
		cert + "domain example-four.com" + all + " first 2024-05-14 (event) tlp amber [A report]" + doc + " revoked",
		cert + "domain example-six.com" + all + " first 2024-05-14 (event) tlp amber [A report]" + doc, // to_ids left out: the type's default
		cert + "md5 " + md5 + all + " first 2022-01-01T00:00:00Z (stated) tlp amber [loader]" + doc,
		"Event.Attribute[5]: to_ids is false",
		"Event.Attribute[7]: not an object",
		"Event.Object[0].Attribute[1]: to_ids is false",
	}
	if diff := cmp.Diff(want, briefs(c)); diff != "" {
		t.Error(diff)
	}
	if set != (intel.Dataset{Publisher: "some-cert-ltd", Released: at(2024, 5, 14) + 11*3600*1000}) {
		t.Errorf("data set %+v", set)
	}
	ref := func(key string) intel.Ref { return intel.Ref{Publisher: "some-cert-ltd", Key: key} }
	mentions := []intel.Record{
		{
			Ref: ref("mention:actor:ebury:amber"), Kind: intel.Actor, Title: "Ebury", Mention: true, Modified: set.Released, TLP: intel.Amber,
			Links: []intel.Link{{Relation: intel.Same, To: intel.Ref{Publisher: "misp-galaxy/eset-threat-actor", Key: "bb3a"}, Kind: intel.Actor}},
		},
		// Old exports write the galaxy's uuid for the cluster's.
		{Ref: ref("mention:actor:telebots:amber"), Kind: intel.Actor, Title: "TeleBots", Mention: true, Modified: set.Released, TLP: intel.Amber},
		{
			Ref: ref("mention:actor:apt28:amber"), Kind: intel.Actor, Title: "APT28", Mention: true, Modified: set.Released, TLP: intel.Amber,
			IDs: []intel.ExternalID{{Issuer: intel.MitreAttack, ID: "G0007", URL: "https://attack.mitre.org/groups/G0007"}},
		},
		{Ref: ref("mention:tool:locky:green"), Kind: intel.Tool, Title: "Locky", Mention: true, Modified: set.Released, TLP: intel.Green},
	}
	if diff := cmp.Diff(mentions, c.records); diff != "" {
		t.Error(diff)
	}
}

// TestEnvelopes: an event says the same in every envelope that MISP puts it in.
func TestEnvelopes(t *testing.T) {
	c, _ := decodeString(t, `{"Event":`+event+`}`, Options{})
	want := len(c.observations)
	for _, body := range []string{
		`{"response":[{"Event":` + event + `}]}`,
		`[{"Event":` + event + `}]`,
		`[` + event + `]`,
		`{"response":{"Event":` + event + `}}`,
		`{"meta":{"a":[1,{"b":2}]},"Event":` + event + `,"more":[]}`,
		"\xef\xbb\xbf" + `{"Event":` + event + "}\n",
		strings.Replace(`{"Event":`+event+`}`, `"Object":[`, `"ShadowAttribute":[],"Object":[`, 1),
	} {
		c, _ := decodeString(t, body, Options{})
		if len(c.observations) != want || len(c.records) != 4 {
			t.Errorf("%.40s…: %d observations, %d records", body, len(c.observations), len(c.records))
		}
	}
	// One object after the other: both events, the mentions once.
	c, _ = decodeString(t, `{"Event":`+event+"}\n"+`{"Event":`+event+`}`, Options{})
	if len(c.observations) != 2*want || len(c.records) != 4 {
		t.Errorf("two events: %d observations, %d records", len(c.observations), len(c.records))
	}
}

func TestSearchForAttributes(t *testing.T) {
	const body = `{"response":{"Attribute":[
		{"type":"domain","value":"example-one.com","to_ids":true,"timestamp":"1603642920","Event":{"info":"I","Orgc":{"name":"CIRCL"}}},
		{"type":"ip-dst","value":"8.8.4.9","to_ids":true,"Event":[]},
		{"type":"AS","value":"AS1"}]}}`
	want := []string{
		"circl: domain example-one.com first 2020-10-25T16:22:00Z (file) [I]",
		"unattributed: ipAddress 8.8.4.9",
		"response.Attribute[2]: no observable: as",
	}
	c, _ := decodeString(t, body, Options{})
	if diff := cmp.Diff(want, briefs(c)); diff != "" {
		t.Error(diff)
	}
	c, _ = decodeString(t, body, Options{Path: "feeds/eset/x.json"})
	if got := c.observations[1].Publisher; got != "eset" {
		t.Errorf("publisher by path is %q", got)
	}
	c, set := decodeString(t, body, Options{Publisher: "mine"})
	if set.Publisher != "mine" || c.observations[0].Publisher != "mine" {
		t.Errorf("publisher is %q, %q", set.Publisher, c.observations[0].Publisher)
	}
}

// TestUnflagged: an event that sets to_ids nowhere does not use the flag; what
// its categories say is to be detected is taken, and nothing else.
func TestUnflagged(t *testing.T) {
	const attrs = `{"type":"domain","category":"Network activity","value":"example-one.com","to_ids":false},
		{"type":"domain","category":"External analysis","value":"example-two.com","to_ids":false},
		{"type":"link","category":"External analysis","value":"https://example-vendor.com/2024/report","to_ids":false}`
	for _, tt := range []struct {
		more string
		want int
	}{
		{"", 1},
		{`,{"type":"domain","category":"Network activity","value":"example-three.com","to_ids":true}`, 1}, // the flag is used
	} {
		c, _ := decodeString(t, `{"Event":{"uuid":"1","Attribute":[`+attrs+tt.more+`]}}`, Options{})
		if len(c.observations) != tt.want {
			t.Errorf("with %q: %d observations, want %d", tt.more, len(c.observations), tt.want)
		}
	}
}
