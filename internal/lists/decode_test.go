package lists

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"dossier/internal/intel"
	"dossier/internal/naming"
)

func decodeString(t *testing.T, body string, o Options) (*collector, intel.Dataset) {
	t.Helper()
	var c collector
	set, err := Decode(context.Background(), strings.NewReader(body), o, &c)
	if err != nil {
		t.Fatalf("Decode: %v", err)
	}
	return &c, set
}

// brief prints an observation in one line: what is not stated is left out.
func brief(o intel.Observation) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", o.Observable.Kind, o.Observable.Value)
	for _, s := range o.Subjects {
		fmt.Fprintf(&b, " of %s", s.Key)
	}
	if !o.FirstSeen.IsZero() {
		fmt.Fprintf(&b, " first %v (%s)", o.FirstSeen, o.FirstSeen.Basis)
	}
	if o.ValidUntil != 0 {
		fmt.Fprintf(&b, " until %s", o.ValidUntil.Day())
	}
	if o.Confidence != 0 {
		fmt.Fprintf(&b, " confidence %d", o.Confidence)
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
	for _, r := range c.rejects {
		out = append(out, "! "+r.Position+": "+r.Reason)
	}
	return out
}

const md5, sha1, sha256 = "0123456789abcdef0123456789abcdef", "0123456789abcdef0123456789abcdef01234567",
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

func TestText(t *testing.T) {
	for _, tt := range []struct {
		name, path, body string
		publisher        string
		want             []string
	}{
		{"plain, defanged, with headings", "x.txt", "# C2 of the loader\nhxxp://c2[.]example-one.com/gate.php\n\nDomains:\nexample-two[.]com\n- " + sha256 + "  invoice.doc\nnot a value\n", unattributed, []string{
			"url http://c2.example-one.com/gate.php [C2 of the loader]",
			"domain example-two.com [Domains]",
			"sha256 " + sha256 + " [invoice.doc]",
			"! line 7: no observable in the line",
		}},
		{"a banner is no heading", "x.txt", "# A list\n# Last update: Sat, 22 Aug 2026 03:00:29 +0200\n#\nexample-one.com\n", unattributed, []string{
			"domain example-one.com first 2026-08-22T01:00:29Z (file)",
		}},
		{"label and hash", "x.txt", "Loader v1: " + md5 + "\nHost: example-one.com\n", unattributed, []string{
			"md5 " + md5 + " [Loader v1]",
			"! line 2: reference in a text, not defanged", // a header, not a value
		}},
		{"zero width, no-break blanks of Latin-1 and Mac Roman, CRLF, BOM", "x.txt", "\xef\xbb\xbfexample\u200b-one.com\r\nexample-two.com\xa0\r\nexample-three.com\xca\r\n", unattributed, []string{
			"domain example-one.com", "domain example-two.com", "domain example-three.com",
		}},
		{
			"Volexity: type, value, remark, date of the folder", "volexity/2024/2024-02-13 Some Report/iocs.csv",
			"value,entity_type,description\nexample-one.com,hostname,\"C2, first stage\"\n8.8.4.9:443,url,C2\n\"" + sha1 + "," + sha256 + "," + md5 + "\",file,loader\na@example-one.com,email-sender,\nfoo,mystery,\n", "volexity",
			[]string{
				"domain example-one.com first 2024-02-13 (event) [C2, first stage]",
				"ipAddressPort 8.8.4.9:443 first 2024-02-13 (event) [C2]",
				"sha1 " + sha1 + " first 2024-02-13 (event) [loader]",
				"sha256 " + sha256 + " first 2024-02-13 (event) [loader]",
				"md5 " + md5 + " first 2024-02-13 (event) [loader]",
				"emailAddress a@example-one.com first 2024-02-13 (event)",
				"! line 6: no observable: mystery",
			},
		},
		{
			"Microsoft: actor, expiry, confidence, withdrawn", "Indicators.csv",
			"TimeGenerated,IoC,IoC_Type,ExpirationDateTime,Description,Action,ConfidenceScore,ThreatType,Active,Type,TrafficLightProtocolLevel,ActivityGroupNames\n" +
				"12/7/2022,example-one.com,domainname,12/7/2025,,Alert,100,Spyware,TRUE,Rapid Release TI,Green,Storm-0001\n" +
				"12/8/2022,example-two.com,domainname,,,Alert,,,FALSE,Rapid Release TI,Clear,Storm-0001\n", "microsoft-mstic",
			[]string{
				"domain example-one.com of mention:actor:storm0001:green first 2022-12-07 (stated) until 2025-12-07 confidence 100 tlp green [Spyware]",
				"domain example-two.com of mention:actor:storm0001 first 2022-12-08 (stated) revoked",
			},
		},
		{
			"SSLBL: headings in a comment, certificates", "sslblacklist.csv",
			"####\n# abuse.ch SSLBL SSL Certificate Blacklist (SHA1 Fingerprints) #\n# Last updated: 2023-11-14 06:52:51 UTC                        #\n#\n# Listingdate,SHA1,Listingreason\n2023-11-14 06:52:51," + sha1 + ",DCRat C&C\n", "abusech-sslbl",
			[]string{
				"sslCertificateSha1 " + sha1 + " first 2023-11-14T06:52:51Z (stated) [DCRat C&C]",
			},
		},
		{
			"TweetFeed: no headings", "20260818.csv",
			"2026-08-18 02:20:02,somebody,domain,example-one.com,#phishing #scam,https://x.com/somebody/status/2089537777675190546\n", "tweetfeed",
			[]string{
				"domain example-one.com first 2026-08-18T02:20:02Z (stated) [phishing scam] <https://x.com/somebody/status/2089537777675190546>",
			},
		},
		{"IPsum: a tab and a count", "ipsum.txt", "# IPsum Threat Intelligence Feed\n#\n# IP\tnumber of (black)lists\n#\n8.8.4.9\t10\n", "ipsum", []string{
			"ipAddress 8.8.4.9",
		}},
		{"JA3: a quoted notice over several lines", "ja3/list.csv", "\"Copyright somebody.\nAll rights reserved.\",\n" + md5 + ",\"Some client\"\n" + md5 + ",Another\n", "salesforce-ja3", []string{
			"ja3 " + md5 + " [Some client]", "ja3 " + md5 + " [Another]", // the notice stands where headings do
		}},
		{"keys are no hashes", "MachineKeys.csv", "validationKey, decryptionKey\n" + sha256 + ", " + sha256 + "\n", unattributed, []string{
			"! line 2: no observable in the row",
		}},
		{"a quote that is never closed", "x.csv", "domain,comment\nexample-one.com,\"open\nexample-two.com,closed\n", unattributed, []string{
			"domain example-one.com [open]", "domain example-two.com [closed]",
		}},
		{"empty rows of a spreadsheet", "x.csv", "Domain,Domain Use\nexample-one.com,Malware\n,\n,\n", unattributed, []string{"domain example-one.com"}},
		{
			"a name in the title of a report", "x.csv",
			"DateAdded,FirstSeen,IoC,Type,TLP,Release,Category,MalwareFamily,SHA1,MD5,Filename,C2Domain\n5/28/2021,2/24/2021," + sha256 + ",SHA256,White,May 21 Midnight Blizzard Indicators,Email Attachment,EnvyScout," + sha1 + "," + md5 + ",a.html,example-one.com;example-two.com\n", "microsoft-mstic",
			[]string{
				"sha256 " + sha256 + " of mention:actor:midnightblizzard of mention:tool:envyscout first 2021-02-24 (stated) [May 21 Midnight Blizzard Indicators; Email Attachment; EnvyScout; a.html]",
				"sha1 " + sha1 + " of mention:actor:midnightblizzard of mention:tool:envyscout first 2021-02-24 (stated) [May 21 Midnight Blizzard Indicators; Email Attachment; EnvyScout; a.html]",
				"md5 " + md5 + " of mention:actor:midnightblizzard of mention:tool:envyscout first 2021-02-24 (stated) [May 21 Midnight Blizzard Indicators; Email Attachment; EnvyScout; a.html]",
				"domain example-one.com of mention:actor:midnightblizzard of mention:tool:envyscout first 2021-02-24 (stated) [May 21 Midnight Blizzard Indicators; Email Attachment; EnvyScout; a.html]",
				"domain example-two.com of mention:actor:midnightblizzard of mention:tool:envyscout first 2021-02-24 (stated) [May 21 Midnight Blizzard Indicators; Email Attachment; EnvyScout; a.html]",
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, set := decodeString(t, tt.body, Options{Path: tt.path})
			if set.Publisher != tt.publisher {
				t.Errorf("publisher %q, want %q", set.Publisher, tt.publisher)
			}
			if diff := cmp.Diff(tt.want, briefs(c)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

const trails = `# Copyright (c) 2014-2026 Maltrail developers (https://github.com/stamparm/maltrail/)
# See the file 'LICENSE' for copying permission

# Aliases: apt28, fancy bear, Sofacy, uac-0001, cve-2020-0001, COBALT X (# https://example-vendor.com/x)
# MITRE: https://attack.mitre.org/groups/G0007/
# CERT-UA: UAC-0028

# Reference: https://example-vendor.com/2019/04/report.html
# Reference: https://x.com/somebody/status/1498972440080359430

example-one.com
8.8.4.9:8080
http://8.8.4.9
example-two.com/gate.php # first stage

# Referecne: https://x.com/somebody/status/9223372036854775807
/gate/task.php
example-three.com# Copyright (c) 2014-2026 Maltrail developers (https://github.com/stamparm/maltrail/)
ih[0-9]{7}\.example\.ru
8.8.4.9:0

# Generic

example-four.com
`

func TestMaltrail(t *testing.T) {
	c, set := decodeString(t, trails, Options{Path: "trails/static/malware/apt_sofacy.txt"})
	if set.Publisher != intel.Maltrail || set.Name != "apt_sofacy" || !set.Snapshot || set.Released.Day() != "2022-03-02" {
		t.Errorf("data set %+v", set)
	}
	want := []string{
		"domain example-one.com of apt_sofacy first 2019-04 (reference) <https://example-vendor.com/2019/04/report.html>",
		"ipAddressPort 8.8.4.9:8080 of apt_sofacy first 2019-04 (reference) <https://example-vendor.com/2019/04/report.html>",
		"url http://8.8.4.9/ of apt_sofacy first 2019-04 (reference) <https://example-vendor.com/2019/04/report.html>",
		"url http://example-two.com/gate.php of apt_sofacy first 2019-04 (reference) <https://example-vendor.com/2019/04/report.html>",
		// The status is of a year that the copyright does not reach.
		"urlPath /gate/task.php of apt_sofacy <https://x.com/somebody/status/9223372036854775807>",
		"domain example-three.com of apt_sofacy <https://x.com/somebody/status/9223372036854775807>",
		"domain example-four.com of apt_sofacy",
		"! line 19: regular expression",
		"! line 20: bad-port",
	}
	if diff := cmp.Diff(want, briefs(c)); diff != "" {
		t.Error(diff)
	}
	record := intel.Record{
		Ref: intel.Ref{Publisher: intel.Maltrail, Key: "apt_sofacy"}, Kind: intel.Actor, Title: "Sofacy",
		Names: []intel.Name{
			{Value: "apt28", CoinedBy: naming.Mandiant},
			{Value: "fancy bear"},
			{Value: "uac-0001", CoinedBy: naming.CERTUA},
			{Value: "COBALT X", CoinedBy: naming.Secureworks},
			{Value: "UAC-0028", CoinedBy: naming.CERTUA},
		},
		IDs:   []intel.ExternalID{naming.ATTACK("G0007")},
		Links: []intel.Link{{Relation: intel.Related, ID: intel.ExternalID{Issuer: "cve", ID: "CVE-2020-0001"}}},
		References: []intel.Reference{{
			URL:  "https://example-vendor.com/2019/04/report.html",
			Date: c.observations[0].FirstSeen,
		}},
	}
	if diff := cmp.Diff([]intel.Record{record}, c.records); diff != "" {
		t.Error(diff)
	}
}

func TestMaltrailOwners(t *testing.T) {
	subject := &intel.Ref{Publisher: "analyst", Key: "x"}
	for _, tt := range []struct {
		path    string
		subject *intel.Ref
		record  string // key of the record, "" for none
		of      string // key of the subject
	}{
		{"trails/static/malware/apt_gamaredon-1.txt", nil, "", "apt_gamaredon"}, // a further part
		{"trails/static/malware/sinkhole_sofacy.txt", nil, "", ""},
		{"trails/static/suspicious/superfish.txt", nil, "", ""},
		{"trails/static/malware/azorult.txt", nil, "azorult", "azorult"},
		{"trails/static/malware/azorult.txt", subject, "azorult", "x"},
		{"", nil, "", ""}, // from a pipe: no name, no record
	} {
		c, _ := decodeString(t, trails, Options{Path: tt.path, Subject: tt.subject})
		record, of := "", ""
		if len(c.records) > 0 {
			record = c.records[0].Key
		}
		if s := c.observations[0].Subjects; len(s) > 0 {
			of = s[0].Key
		}
		if record != tt.record || of != tt.of {
			t.Errorf("%q: record %q, subject %q; want %q, %q", tt.path, record, of, tt.record, tt.of)
		}
	}
}

func TestTrailNames(t *testing.T) {
	for _, tt := range []struct {
		stem    string
		aliases []string
		want    trailName
	}{
		{"apt_sofacy", nil, trailName{title: "Sofacy"}},
		{"apt_28", []string{"apt28"}, trailName{title: "APT28"}},
		{"apt_60", []string{"apt-c-60"}, trailName{title: "APT-C-60"}}, // Mandiant has no APT60
		{"apt_23", []string{"apt23", "apt-c-23"}, trailName{title: "APT-C-23"}},
		{"apt_aridviper", []string{"arid gopher", "arid viper"}, trailName{title: "Arid Viper"}},
		{"apt_unc4210", nil, trailName{title: "UNC4210"}},
		{"storm2603", nil, trailName{title: "Storm-2603"}},
		{"android_basbanke", nil, trailName{title: "Basbanke", platform: "Android"}},
		{"eclips_ransomware", nil, trailName{title: "Eclips", sort: "ransomware", more: []string{"Eclips Ransomware"}}},
	} {
		if got := nameOf(tt.stem, tt.aliases); !cmp.Equal(got, tt.want, cmp.AllowUnexported(trailName{})) {
			t.Errorf("nameOf(%q) = %+v, want %+v", tt.stem, got, tt.want)
		}
	}
}

func TestMicrosoft(t *testing.T) {
	const body = `[
  {"Threat actor name": "Forest Blizzard", "Origin/Threat": "Russia, Influence operations", "Other names": "STRONTIUM, FANCY BEAR, Operation Pawn Storm, APT28, -"},
  {"Threat actor name": "Storm-0252", "Origin/Threat": "Group in development", "Other names": ["CHATTY SPIDER"]},
  {"Threat actor name": "Storm-0252", "Origin/Threat": "", "Other names": ""},
  {"Threat actor name": " ", "Origin/Threat": "", "Other names": ""},
  17
]`
	c, set := decodeString(t, body, Options{})
	if set != (intel.Dataset{Publisher: intel.MicrosoftNaming, Name: "MicrosoftMapping", Snapshot: true}) {
		t.Errorf("data set %+v", set)
	}
	want := []intel.Record{{
		Ref: intel.Ref{Publisher: intel.MicrosoftNaming, Key: "Forest Blizzard"}, Kind: intel.Actor, Title: "Forest Blizzard",
		Names: []intel.Name{
			{Value: "Forest Blizzard", CoinedBy: naming.Microsoft},
			{Value: "STRONTIUM", CoinedBy: naming.Microsoft},
			{Value: "FANCY BEAR", CoinedBy: naming.CrowdStrike},
			{Value: "Operation Pawn Storm", Relation: intel.CampaignName},
			{Value: "APT28", CoinedBy: naming.Mandiant},
		},
		Origins: []intel.Origin{{Country: "Russia"}}, Motives: []string{"Influence operations"},
	}, {
		Ref: intel.Ref{Publisher: intel.MicrosoftNaming, Key: "Storm-0252"}, Kind: intel.Actor, Title: "Storm-0252",
		Names: []intel.Name{{Value: "Storm-0252", CoinedBy: naming.Microsoft}, {Value: "CHATTY SPIDER", CoinedBy: naming.CrowdStrike}},
		Notes: []string{"Group in development"},
	}}
	if diff := cmp.Diff(want, c.records); diff != "" {
		t.Error(diff)
	}
	var reasons []string
	for _, r := range c.rejects {
		reasons = append(reasons, r.Position+" "+r.Reason)
	}
	if diff := cmp.Diff([]string{"[2] repeated name", "[3] no name", "[4] not a row of the table"}, reasons); diff != "" {
		t.Error(diff)
	}

	_, err := Decode(context.Background(), strings.NewReader("[\n{\"Threat actor name\": \"A\"},\n}]"), Options{}, &collector{})
	var syntax *intel.SyntaxError
	if !errors.As(err, &syntax) || syntax.Line != 3 || syntax.Column != 1 {
		t.Errorf("error %v, want one at line 3, column 1", err)
	}
}

func TestUTF16(t *testing.T) {
	body := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune("domain,comment\r\nexample-one.com,C2\r\n")) {
		body = append(body, byte(u), byte(u>>8))
	}
	c, _ := decodeString(t, string(body), Options{})
	if diff := cmp.Diff([]string{"domain example-one.com [C2]"}, briefs(c)); diff != "" {
		t.Error(diff)
	}
}

func TestLongLine(t *testing.T) {
	c, _ := decodeString(t, "example-one.com\n"+strings.Repeat("x", MaxLine+10)+"\nexample-two.com\n", Options{})
	if diff := cmp.Diff([]string{"domain example-one.com", "domain example-two.com", "! line 2: line too long"}, briefs(c)); diff != "" {
		t.Error(diff)
	}
}

func TestSubjectAndPublisher(t *testing.T) {
	c, set := decodeString(t, "example-one.com\n", Options{Publisher: "mine", Subject: &intel.Ref{Publisher: "p", Key: "k"}})
	if set.Publisher != "mine" || c.observations[0].Publisher != "mine" || brief(c.observations[0]) != "domain example-one.com of k" {
		t.Errorf("%+v, %+v", set, c.observations[0])
	}
}

type failing struct{ collector }

var errSink = errors.New("sink is full")

func (*failing) Observation(*intel.Observation) error { return errSink }

func TestErrors(t *testing.T) {
	if _, err := Decode(context.Background(), strings.NewReader("example-one.com"), Options{}, &failing{}); !errors.Is(err, errSink) {
		t.Errorf("error %v, want the sink's", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Decode(ctx, strings.NewReader("example-one.com"), Options{}, &collector{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want the context's", err)
	}
	var syntax *intel.SyntaxError
	if _, err := Decode(context.Background(), strings.NewReader(`{"type":"bundle"`), Options{}, &collector{}); !errors.As(err, &syntax) {
		t.Errorf("error %v, want a SyntaxError", err)
	}
}

func TestSniff(t *testing.T) {
	for _, tt := range []struct {
		head, path string
		want       bool
	}{
		{"example-one.com\n8.8.4.9\n", "", true},
		{"value,type,notes\nexample-one.com,hostname,\n", "", true},
		{`[{"Threat actor name": "A"`, "", true},
		{"/gate.php\n", "trails/static/malware/x.txt", true},
		{"# only comments\n", "", true},                                       // an empty list
		{"#separator \\x09\n#fields\tts\tid.orig_h\n1\t8.8.4.9\n", "", false}, // Zeek's log
		{"8.8.4.9 - - [10/Oct/2025:13:55:36 +0000] \"GET / HTTP/1.1\" 200 5\n", "", false},
		{"Dear reader,\nthis is prose.\n", "", true},
		{"\x7fELF\x02\x00\x00", "", false},
		{`{"type": "bundle"}`, "", false},
		{sha256 + "  a.tar.gz\n", "release/SHA256SUMS", false},
		{"", "", false},
	} {
		if got := Sniff([]byte(tt.head), tt.path); got != tt.want {
			t.Errorf("Sniff(%q, %q) = %v", tt.head, tt.path, got)
		}
	}
}
