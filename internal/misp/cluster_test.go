package misp

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"dossier/internal/intel"
	"dossier/internal/naming"
)

const actorUUID = "5b4ee3ea-eee3-4c8e-8323-85ae32658754"

func at(year int, month time.Month, day int) intel.Time {
	return intel.TimeOf(time.Date(year, month, day, 0, 0, 0, 0, time.UTC))
}

// galaxyOf returns a file with one cluster.
func galaxyOf(typ, category, value, meta string) string {
	return fmt.Sprintf(`{"category":%q,"name":%q,"type":%q,"values":[{"uuid":%q,"value":%q,"meta":%s}],"version":7}`, category, typ, typ, actorUUID, value, meta)
}

func TestCluster(t *testing.T) {
	self := func(galaxy string) intel.Ref {
		return intel.Ref{Publisher: intel.MISPGalaxyPrefix + galaxy, Key: actorUUID}
	}
	for _, tt := range []struct {
		name string
		body string
		want intel.Record
	}{
		{
			"names: who coined them, campaigns, parts, sponsors, ids, placeholders", galaxyOf("threat-actor", "actor", "APT28", `{
			"synonyms": ["Pawn Storm", " Sednit ", "Group:74", "TG-2884 (SCWX CTU)", "NoName057(16)", "Operation Troy", "Subgroup: Andariel", "PLA Navy", "Unknown", "G0007", "apt-28", "STRONTIUM", "APT-Q-27,", "APT-C-20"],
			"name-attribution": ["Pawn Storm:3ac8f6fc-9c04-4ebd-bda2-788cc02fe4ed", "Group:74:da5cdcd1-7b15-4371-b7eb-ca32916d2052", "Extra:00000000-0000-0000-0000-000000000000", "G0007:a1ad5090-2487-46d2-8237-6151a2dd5063", "broken"],
			"origin:APT-C-20": "QiAnXin"}`),
			intel.Record{
				Ref: self("threat-actor"), Kind: intel.Actor, Title: "APT28",
				Names: []intel.Name{
					{Value: "APT28", CoinedBy: naming.Mandiant},
					{Value: "Pawn Storm", CoinedBy: naming.TrendMicro},
					{Value: "Sednit"},
					{Value: "Group:74", CoinedBy: naming.Mandiant}, // names may hold colons
					{Value: "TG-2884", CoinedBy: naming.Secureworks},
					{Value: "NoName057(16)"},
					{Value: "Operation Troy", Relation: intel.CampaignName},
					{Value: "Andariel", Relation: intel.SubGroup},
					{Value: "PLA Navy", Relation: intel.SponsoredBy},
					{Value: "apt-28"},
					{Value: "STRONTIUM", CoinedBy: naming.Microsoft},
					{Value: "APT-Q-27", CoinedBy: naming.QiAnXin},
					{Value: "APT-C-20", CoinedBy: naming.QiAnXin},
					{Value: "Extra"},
					{Value: "broken"},
				},
				IDs: []intel.ExternalID{naming.ATTACK("G0007")},
			},
		},
		{
			"odd keys, strings for lists, lists for strings", galaxyOf("threat-actor", "actor", "X", `{
			"synonyms": "Only One", "country": ["Korea", ""], "attribution-confidence": 50, "GRU": "Military unit 26165",
			"cfr-suspected-state-sponsor": "Unknown", "suspected-victims": "Taiwan", "victimology": "Oil and Gas, US and UK",
			"cfr-target-category": ["Government", "government"], "targeted_sector": ["Defense"], "cfr-type-of-incident": ["Espionage", "Sabotage"],
			"motive": "Espionage", "since": 2014, "sources": "a report without address", "references": ["https://example-vendor.com/2019/04/12/x", "https://attack.mitre.org/groups/G0032", "https://attack.mitre.org/wiki/Group/G0082", "https://attack.mitre.org/software/S0001"]}`),
			intel.Record{
				Ref: self("threat-actor"), Kind: intel.Actor, Title: "X", Names: []intel.Name{{Value: "Only One"}},
				IDs:          []intel.ExternalID{naming.ATTACK("G0032"), naming.ATTACK("G0082")},
				Origins:      []intel.Origin{{Country: "Korea", Confidence: 50}},
				Affiliations: []intel.Affiliation{{Body: "GRU, Military unit 26165"}},
				Targets: []intel.Target{
					{Kind: intel.TargetSector, Value: "Government"},
					{Kind: intel.TargetSector, Value: "Defense"},
					{Value: "Taiwan"},
					{Value: "Oil and Gas"},
					{Value: "US"},
					{Value: "UK"},
				},
				Motives:     []string{"Espionage", "Sabotage"},
				FirstActive: []intel.Date{{At: at(2014, 1, 1), Precision: intel.Year, Basis: intel.BasisStated}},
				References: []intel.Reference{
					{URL: "https://example-vendor.com/2019/04/12/x", Date: intel.Date{At: at(2019, 4, 12), Precision: intel.Day, Basis: intel.BasisReference}},
					{URL: "https://attack.mitre.org/groups/G0032"},
					{URL: "https://attack.mitre.org/wiki/Group/G0082"},
					{URL: "https://attack.mitre.org/software/S0001"},
					{Title: "a report without address"},
				},
			},
		},
		{
			"a mirror of ATT&CK", galaxyOf("mitre-intrusion-set", "actor", "APT28 - G0007", `{"external_id":"G0007","synonyms":["APT28","Sofacy"]}`),
			intel.Record{
				Ref: self("mitre-intrusion-set"), Kind: intel.Actor, Title: "APT28",
				Names: []intel.Name{{Value: "APT28", CoinedBy: naming.Mandiant}, {Value: "Sofacy"}}, IDs: []intel.ExternalID{naming.ATTACK("G0007")},
				Links: []intel.Link{{Relation: intel.Same, To: intel.Ref{Publisher: intel.MitreAttack, Key: "intrusion-set--" + actorUUID}, Kind: intel.Actor}},
			},
		},
		{
			"Tidal: its type is not its name, a group of ATT&CK's", `{"category":"Threat Groups","name":"Tidal Groups","type":"groups","values":[{"uuid":"` + actorUUID + `","value":"Agrius",
			"description":"[Agrius](https://x.example/g) is Iranian.<sup>[[S](/references/1)]</sup>",
			"meta":{"group_attack_id":"G1030","source":"MITRE","country":"IR","observed_countries":["IL"],"target_categories":["Banks"],"observed_motivations":["Destruction"]},"related":[]}]}`,
			intel.Record{
				Ref: self("tidal-groups"), Kind: intel.Actor, Title: "Agrius", Description: "[Agrius](https://x.example/g) is Iranian.",
				IDs: []intel.ExternalID{naming.ATTACK("G1030")}, Origins: []intel.Origin{{Country: "IR"}}, Motives: []string{"Destruction"},
				Targets: []intel.Target{{Kind: intel.TargetCountry, Value: "IL"}, {Kind: intel.TargetSector, Value: "Banks"}},
				Links:   []intel.Link{{Relation: intel.Same, ID: naming.ATTACK("G1030"), Kind: intel.Actor}},
			},
		},
		{
			"Tidal: its own group has no ATT&CK id", galaxyOf("groups", "Threat Groups", "8Base", `{"group_attack_id":"G3014","source":"Tidal Cyber"}`),
			intel.Record{Ref: self("groups"), Kind: intel.Actor, Title: "8Base", IDs: []intel.ExternalID{{Issuer: "tidal-cyber", ID: "G3014"}}},
		},
		{
			"Microsoft: the mixed column, and the row of its table", galaxyOf("microsoft-activity-group", "actor", "Wisteria Tsunami", `{"sector":"India, Private sector offensive actor","synonyms":["DEV-0605"],"refs":["https://raw.githubusercontent.com/microsoft/mstic/master/PublicFeeds/ThreatActorNaming/MicrosoftMapping.json"]}`),
			intel.Record{
				Ref: self("microsoft-activity-group"), Kind: intel.Actor, Title: "Wisteria Tsunami",
				Names:   []intel.Name{{Value: "Wisteria Tsunami", CoinedBy: naming.Microsoft}, {Value: "DEV-0605", CoinedBy: naming.Microsoft}},
				Origins: []intel.Origin{{Country: "India"}}, Notes: []string{"Private sector offensive actor"},
				Links:      []intel.Link{{Relation: intel.Same, To: intel.Ref{Publisher: intel.MicrosoftNaming, Key: "Wisteria Tsunami"}, Kind: intel.Actor}},
				References: []intel.Reference{{URL: "https://raw.githubusercontent.com/microsoft/mstic/master/PublicFeeds/ThreatActorNaming/MicrosoftMapping.json"}},
			},
		},
		{
			"a tool: sort, dates as people write them", galaxyOf("ransomware", "tool", "Unknown", `{"date":"December 2016/January 2017","synonyms":["GOLD","PLA Navy"],"refs":["https://attack.mitre.org/software/S0001/"]}`),
			intel.Record{
				Ref: self("ransomware"), Kind: intel.Tool, Title: "Unknown", ToolTypes: []string{"ransomware"},
				Names:       []intel.Name{{Value: "GOLD"}, {Value: "PLA Navy"}}, // no schemes and no sponsors among tools
				IDs:         []intel.ExternalID{naming.ATTACK("S0001")},
				FirstActive: []intel.Date{{At: at(2016, 12, 1), Precision: intel.Month, Basis: intel.BasisStated}},
				References:  []intel.Reference{{URL: "https://attack.mitre.org/software/S0001/"}},
			},
		},
		{
			"an unknown galaxy is judged by its category", galaxyOf("wipers-of-mine", "tool", "W", `[]`),
			intel.Record{Ref: self("wipers-of-mine"), Kind: intel.Tool, Title: "W"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, set := decodeString(t, tt.body, Options{})
			if !set.Snapshot || set.Publisher != tt.want.Publisher || set.Released != 0 {
				t.Errorf("data set %+v", set)
			}
			if diff := cmp.Diff([]intel.Record{tt.want}, c.records, cmpopts.EquateEmpty()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRelated(t *testing.T) {
	c, _ := decodeString(t, `{"type":"tool","values":[{"uuid":"A","value":"T","revoked":true,"related":[
		{"dest-uuid":"B","type":"similar"},{"dest-uuid":"B","type":"similar"},{"dest-uuid":"C","type":"used-by"},{"dest-uuid":"D","type":"revoked-by"},
		{"dest-uuid":"E","type":"subset-of"},{"type":"uses"},"junk"]}]}`, Options{})
	r := c.records[0]
	want := []intel.Link{
		{Relation: intel.Similar, To: intel.Ref{Key: "b"}},
		{Relation: intel.Related, To: intel.Ref{Key: "c"}, Text: "used by"},
		{Relation: intel.RevokedBy, To: intel.Ref{Key: "d"}},
		{Relation: intel.PartOf, To: intel.Ref{Key: "e"}},
	}
	if diff := cmp.Diff(want, r.Links); diff != "" || r.Key != "a" || !r.Revoked {
		t.Error(diff, r.Key, r.Revoked)
	}
}

func TestClusterRejects(t *testing.T) {
	c, set := decodeString(t, `{"type":"rat","values":[{"uuid":"u"},{"value":"no id"},17,{"uuid":"v","value":"Good","meta":null}]}`, Options{})
	if diff := cmp.Diff([]string{"values[0]: no name", "values[1]: no uuid", "values[2]: not an object"}, c.reasons()); diff != "" {
		t.Error(diff)
	}
	if len(c.records) != 1 || c.records[0].Title != "Good" || set.Name != "rat" {
		t.Errorf("%+v, %+v", set, c.records)
	}
}

// TestProducers: a galaxy of producers fills the table that is passed from file
// to file, and does not override the spelling of a known organisation.
func TestProducers(t *testing.T) {
	table := map[string]string{}
	c, _ := decodeString(t, `{"type":"producer","category":"actor","values":[{"uuid":"AAAA","value":"Some Vendor"},{"uuid":"BBBB","value":"FireEye"}]}`, Options{Producers: table})
	if len(c.records) != 0 || len(c.rejects) != 1 {
		t.Errorf("%v, %v", c.records, c.rejects)
	}
	c, _ = decodeString(t, galaxyOf("threat-actor", "actor", "X", `{"name-attribution":["Foo:aaaa","Bar:bbbb"]}`), Options{Producers: table})
	want := []intel.Name{{Value: "Foo", CoinedBy: "Some Vendor"}, {Value: "Bar", CoinedBy: naming.Mandiant}}
	if diff := cmp.Diff(want, c.records[0].Names); diff != "" {
		t.Error(diff)
	}
}

func TestMarkdown(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"Plain.", "Plain."},
		{"A group.(Citation: FireEye APT28)(Citation: Foo (2017) Bar) It uses [X](https://x.example).", "A group. It uses [X](https://x.example)."},
		{"One<br>two<br/>three &amp; four&nbsp;five", "One\ntwo\nthree & four five"},
		{`<p>See <a href="https://x.example/a">this</a></p><ul><li>a</li><li>b</li></ul>`, "See [this](https://x.example/a)\n\n- a\n- b"},
		{"writes <random>.exe and <code>cmd</code>", "writes <random>.exe and `cmd`"}, // no element is called random
		{"a <script>alert(1)</script>b &lt;b&gt;", "a b &lt;b&gt;"},
		{"x\r\n\r\n\r\n\r\ny  z", "x\n\ny z"},
	} {
		if got := markdown(tt.in); got != tt.want {
			t.Errorf("markdown(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}
