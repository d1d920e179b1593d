package dictionary

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dossier/internal/intel"
)

type collector struct {
	records []*intel.Record
	rejects []intel.Reject
}

func (c *collector) Record(r *intel.Record) error         { c.records = append(c.records, r); return nil }
func (c *collector) Observation(*intel.Observation) error { return errors.New("an observation") }
func (*collector) Article(*intel.Article) error           { return nil }
func (*collector) Pattern(*intel.Pattern) error           { return nil }
func (c *collector) Reject(r intel.Reject)                { c.rejects = append(c.rejects, r) }

// brief prints a record in one line: what is not stated is left out.
func brief(r *intel.Record) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", r.Kind, r.Title)
	if r.Key != r.Title {
		fmt.Fprintf(&b, " key %s", r.Key)
	}
	list := func(what string, n int, at func(i int) string) {
		if n == 0 {
			return
		}
		parts := make([]string, n)
		for i := range parts {
			parts[i] = at(i)
		}
		fmt.Fprintf(&b, "; %s %s", what, strings.Join(parts, ", "))
	}
	list("names", len(r.Names), func(i int) string {
		n := r.Names[i]
		s := n.Value
		if n.CoinedBy != "" {
			s += " (" + n.CoinedBy + ")"
		}
		if n.Relation != "" {
			s += " " + string(n.Relation)
		}
		return s
	})
	list("ids", len(r.IDs), func(i int) string { return r.IDs[i].Issuer + " " + r.IDs[i].ID })
	list("from", len(r.Origins), func(i int) string { return r.Origins[i].Country })
	list("for", len(r.Affiliations), func(i int) string { return r.Affiliations[i].Body })
	list("first", len(r.FirstActive), func(i int) string { return r.FirstActive[i].String() })
	list("targets", len(r.Targets), func(i int) string { return string(r.Targets[i].Kind) + " " + r.Targets[i].Value })
	list("why", len(r.Motives), func(i int) string { return r.Motives[i] })
	list("notes", len(r.Notes), func(i int) string { return r.Notes[i] })
	list("types", len(r.ToolTypes), func(i int) string { return r.ToolTypes[i] })
	list("links", len(r.Links), func(i int) string { return string(r.Links[i].Relation) + " " + r.Links[i].Name })
	list("events", len(r.Events), func(i int) string { return r.Events[i].Date.String() + " " + r.Events[i].Text })
	list("refs", len(r.References), func(i int) string { return r.References[i].URL })
	if r.Modified != 0 {
		fmt.Fprintf(&b, "; modified %s", r.Modified.Day())
	}
	if r.Description != "" {
		fmt.Fprintf(&b, "; text %q", r.Description)
	}
	return b.String()
}

// The fixtures have the fields of the real lists, with entries of our own.
func TestDecode(t *testing.T) {
	for _, tt := range []struct {
		name, path, body string
		publisher        string
		want             []string
	}{
		{
			"a column an organisation", "EternalLiberty.csv",
			"Threat Actor Official Name,Confidence,Type,Country,Mandiant/FireEye,Kaspersky,CrowdStrike,Microsoft,MITRE,SCWX CTU,Qihoo 360,Some Lab\n" +
				"FIN7,High,Organized Crime,Russia,FIN7,Carbanak,Carbon Spider,Elbrus/Sangria Tempest,G0046,,APT-C-11,\n" +
				"APT5,High,APT,China,APT5/UNC2630,,\"Keyhole Panda/\nPitty Panda\",,,TG-2754,,Lab Name \n" +
				"FIN7,High,Organized Crime,Russia,,,,,,,,Second Row\n" +
				",,,,,,,,,,,\n" +
				"Unknown,Low,APT,China,,,,,,,,\n" +
				"Lone,Low,APT,Worldwide,,,,,Named By Mitre,,,,extra\n",
			"eternal-liberty",
			[]string{
				"actor FIN7; names FIN7 (Mandiant), Carbanak (Kaspersky), Carbon Spider (CrowdStrike), Elbrus (Microsoft), Sangria Tempest (Microsoft), APT-C-11 (Qihoo 360), Second Row (Some Lab); ids mitre-attack G0046; from Russia; notes Organized Crime",
				"actor APT5; names APT5 (Mandiant), UNC2630 (Mandiant), Keyhole Panda (CrowdStrike), Pitty Panda (CrowdStrike), TG-2754 (Secureworks), Lab Name (Some Lab); from China; notes APT",
				"actor Lone; names Named By Mitre (MITRE); notes APT",
				"! line 7: no name",
				"! line 8: more fields than headings",
			},
		},
		{
			"the same as JSON", "x.json",
			`{"name": "EternalLiberty", "authors": ["a"], "version": "1.022", "data": [
				{"official_name": "FIN4", "confidence": "High", "type": "Organized Crime", "country": "Romania",
				 "alias": [{"entity": "Mandiant/FireEye", "name": "FIN4"}, {"entity": "CrowdStrike", "name": "Wolf Spider"}, {"entity": "MITRE", "name": "G0085"}]}]}`,
			"eternal-liberty",
			[]string{"actor FIN4; names FIN4 (Mandiant), Wolf Spider (CrowdStrike); ids mitre-attack G0085; from Romania; notes Organized Crime"},
		},
		{
			"cards", "all.json",
			`{"authors": ["x"], "category": "actor", "name": "Threat Group Cards: A Threat Actor Encyclopedia", "license": "CC BY-NC-SA", "values": [
				{"actor": "Example Spider, Sample Team", "names": [{"name": "Example Spider", "name-giver": "CrowdStrike"}, {"name": "Sample Team", "name-giver": "?"}],
				 "country": ["North Korea"], "sponsor": "State-sponsored, Bureau 121", "motivation": ["Information theft and espionage"], "first-seen": "2014",
				 "description": "A subgroup of {{Bigger Group, Other Name}}. Quiet.", "observed-sectors": ["Defense"], "observed-countries": ["South Korea"],
				 "tools": ["Loader"], "operations": [{"date": "2018-06", "activity": "Operation \"Sample\"\nhttps://example.com/2018/06/report/"}],
				 "information": ["https://example.com/a"], "mitre-attack": ["https://attack.mitre.org/groups/G0138/"],
				 "uuid": "00089621-cabc-421a-b2ce-3fd18f6bfa9c", "last-card-change": "2023-09-06"},
				{"actor": "[Unnamed group]", "names": [{"name": "[Unnamed group]", "name-giver": "?"}], "country": ["[Unknown]"]}]}`,
			"etda",
			[]string{
				"actor Example Spider key 00089621-cabc-421a-b2ce-3fd18f6bfa9c; names Example Spider (CrowdStrike), Sample Team; ids mitre-attack G0138; from North Korea; for Bureau 121; first 2014; " +
					"targets country South Korea, sector Defense; why Information theft and espionage; links part-of Bigger Group, uses Loader; events 2018-06 Operation \"Sample\"\nhttps://example.com/2018/06/report/; " +
					"refs https://example.com/a, https://example.com/2018/06/report/; modified 2023-09-06; text \"A subgroup of Bigger Group. Quiet.\"",
				"! values[1]: no name",
			},
		},
		{
			"cards of tools", "tools.json",
			`{"category": "tool", "name": "Threat Group Cards: A Threat Actor Encyclopedia", "values": [
				{"tool": "Loader", "names": [{"name": "Loader"}, {"name": "Loadr"}], "category": "Malware", "type": ["Backdoor"], "information": []}]}`,
			"etda",
			[]string{"tool Loader; names Loadr; types Malware, Backdoor"},
		},
		{
			"actors by name, with meta", "malpedia-actors.json",
			`{"example_bear": {"value": "Example Bear", "description": "See https://malpedia.caad.fkie.fraunhofer.de/actor/x", "uuid": "5b4ee3ea-eee3-4c8e-8323-85ae32658754",
				"meta": {"synonyms": ["TA422", "Sample Bear"], "country": "RU", "refs": ["https://example.com/r"], "cfr-suspected-victims": ["France"]}, "related": []}}`,
			"malpedia",
			[]string{"actor Example Bear key 5b4ee3ea-eee3-4c8e-8323-85ae32658754; names TA422 (Proofpoint), Sample Bear; from RU; targets  France; refs https://example.com/r; text \"See https://malpedia.caad.fkie.fraunhofer.de/actor/x\""},
		},
		{
			"families by key", "families.json",
			`{"win.sample": {"common_name": "Sample", "alt_names": ["Smpl"], "attribution": ["Example Bear"], "description": "x", "urls": [], "uuid": "6b4ee3ea-eee3-4c8e-8323-85ae32658754"}}`,
			"families",
			[]string{"tool Sample key 6b4ee3ea-eee3-4c8e-8323-85ae32658754; names Smpl; ids malpedia win.sample; text \"x\""},
		},
		{
			"a table of one's own", "our actors.tsv",
			"Exported 2026\n\nGroup Name\tAliases\tOrigin\tFirst seen\tTargeted industries\tMITRE ID\tURL\nQuiet Heron\tHeron; UNC1234 | Operation Nest\tBE\tcirca 2019\tEnergy, Finance\tG9999\thttps://example.com/h\n",
			"our-actors",
			[]string{"actor Quiet Heron; names Heron, UNC1234 (Mandiant), Operation Nest campaign; ids mitre-attack G9999; from BE; first 2019; targets sector Energy, sector Finance; refs https://example.com/h"},
		},
		{
			"a spreadsheet with operations", "China.csv",
			"Common Name,CrowdStrike,IRL,Kaspersky,Secureworks,Mandiant,Other Names,Operation 1,Operation 2,Toolset / Malware,Targets,Modus Operandi,Comment,Link 1,Link 2\n" +
				"Comment Crew,Comment Panda,PLA Unit 61398,,TG-8223,APT 1,Byzantine Candor,Shady RAT,,\"WEBC2, BISCUIT\",U.S. cybersecurity,phishing,first one,https://example.com/1,\n",
			"china",
			[]string{"actor Comment Crew; names Comment Panda (CrowdStrike), TG-8223 (Secureworks), APT 1 (Mandiant), Byzantine Candor; for PLA Unit 61398; targets  U.S. cybersecurity; links uses WEBC2, uses BISCUIT; events  Shady RAT; refs https://example.com/1; text \"first one\""},
		},
		{
			"an entry a line", "lines.ndjson",
			"{\"name\": \"Quiet Heron\", \"aliases\": [\"Heron\"]}\n{\"name\": \"Loud Gull\", \"aliases\": \"Gull, Mew\"}\n",
			"lines",
			[]string{"actor Quiet Heron; names Heron", "actor Loud Gull; names Gull, Mew"},
		},
		{
			"organisations as keys", "map.json",
			`[{"name": "Quiet Heron", "aliases": {"Microsoft": "Gray Sleet", "Kaspersky": ["Heron", "H-1/Nest Team"]}}]`,
			"map",
			[]string{"actor Quiet Heron; names Heron (Kaspersky), H-1/Nest Team (Kaspersky), Gray Sleet (Microsoft)"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if !Sniff([]byte(tt.body[:min(len(tt.body), 8192)]), tt.path) {
				t.Error("not recognised")
			}
			var c collector
			set, err := Decode(context.Background(), strings.NewReader(tt.body), Options{Path: tt.path}, &c)
			if err != nil {
				t.Fatal(err)
			}
			if set.Publisher != tt.publisher || !set.Snapshot || !set.Distinct {
				t.Errorf("data set %+v, want the publisher %s", set, tt.publisher)
			}
			var got []string
			for _, r := range c.records {
				if r.Publisher != set.Publisher {
					t.Errorf("%s has the publisher %q", r.Title, r.Publisher)
				}
				got = append(got, brief(r))
			}
			for _, r := range c.rejects {
				got = append(got, "! "+r.Position+": "+r.Reason)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSniffOthers(t *testing.T) {
	for _, body := range []string{
		"",
		"# a comment\nexample.com\n",
		"value,entity_type,description\nexample.com,hostname,C2\n",
		"name,description\nAPT1,x\n",
		"domain,name,aliases\nexample.com,x,y\n",
		`[{"Threat actor name": "Amber Typhoon", "Origin/Threat": "China", "Other names": "X"}]`,
		`{"1234": [{"ioc_value": "example.com", "malware": "x", "malware_alias": "y"}]}`,
		`{"name": "x", "description": "aliases"}`,
		`{"authors": ["x"], "category": "actor", "name": "Threat actor", "values": [{"value": "APT1", "meta": {"synonyms": ["Comment Crew"]}}]}`,
		`{"Event": {"Galaxy": [{"GalaxyCluster": [{"value": "APT1", "meta": {"synonyms": ["Comment Crew"]}}]}]}}`,
		`[1, 2, 3]`,
		`{`,
		`"name"`,
	} {
		if Sniff([]byte(body), "x") {
			t.Errorf("%q is taken for a dictionary", body)
		}
	}
}

func TestDecodeErrors(t *testing.T) {
	for _, tt := range []struct{ body, want string }{
		{"name,description\nx,y\n", "line 1, column 1: want a row of headings"},
		{`[{"name": "x", "aliases": ["y"]}, `, "the text ends in the middle of a value"},
		{"[{\"name\": \"x\",\n nope}]", "line 2, column 2: invalid character"},
		{`{"a": 1}`, "line 1, column 1: want a list of objects"},
		{`[] []`, "want a list of objects"},
	} {
		var c collector
		_, err := Decode(context.Background(), strings.NewReader(tt.body), Options{}, &c)
		var syntax *intel.SyntaxError
		if !errors.As(err, &syntax) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: %v, want %s", tt.body, err, tt.want)
		}
	}
}

// FuzzDecode holds that nothing makes it fail in another way than a syntax
// error, and that every record has a key, a title and names that are names.
func FuzzDecode(f *testing.F) {
	f.Add([]byte("name,aliases\nx,y/z\n"))
	f.Add([]byte(`{"values": [{"actor": "a, b", "names": [{"name": "a", "name-giver": "?"}], "operations": [{"date": "2018", "activity": "x"}]}]}`))
	f.Add([]byte(`{"x": {"value": "a", "meta": {"synonyms": {"k": ["v", 1]}}}}`))
	f.Add([]byte("a|b\nactor|alias\n\"x\n|y"))
	f.Fuzz(func(t *testing.T, data []byte) {
		Sniff(data, "x")
		var c collector
		_, err := Decode(context.Background(), strings.NewReader(string(data)), Options{Path: "x.csv"}, &c)
		var syntax *intel.SyntaxError
		if err != nil && !errors.As(err, &syntax) {
			t.Fatal(err)
		}
		for _, r := range c.records {
			if r.Key == "" || r.Title == "" || r.Publisher == "" {
				t.Errorf("%+v", r)
			}
			for _, n := range r.Names {
				if intel.Placeholder(n.Value) {
					t.Errorf("the name %q of %s", n.Value, r.Title)
				}
			}
		}
	})
}
