package facts

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dossier/internal/intel"
)

func ExampleEnrich() {
	r := intel.Record{
		Ref: intel.Ref{Publisher: "example", Key: "1"}, Kind: intel.Actor, Title: "Iron Heron",
		Description: "[Iron Heron](https://attack.mitre.org/groups/G9001) is a suspected Vietnamese espionage group that has been active " +
			"since at least May 2016.(Citation: Report) It targets banks and ministries of foreign affairs in Laos and Central Asia.",
		IDs: []intel.ExternalID{{Issuer: "mitre-attack", ID: "G9001"}},
	}
	Enrich(&r)
	fmt.Println(r.FirstActive[0], r.FirstActive[0].Basis, r.Origins[0].Country, r.Motives)
	for _, t := range r.Targets {
		fmt.Println(t.Kind, t.Value)
	}
	// Output:
	// 2016-05 prose VN [Espionage]
	// sector Financial Services: Banking
	// sector Government Agencies & Services: Diplomacy
	// country Laos
	// region Central Asia
}

// summary prints the facts of a record in one line.
func summary(r *intel.Record) string {
	var out []string
	for _, d := range r.FirstActive {
		out = append(out, "since "+d.String())
	}
	for _, o := range r.Origins {
		s := "from " + o.Country
		if o.Confidence > 0 {
			s += fmt.Sprint("?", o.Confidence)
		}
		if o.By != "" {
			s += " by " + o.By
		}
		out = append(out, s)
	}
	for _, a := range r.Affiliations {
		out = append(out, "body "+a.Body)
	}
	for _, t := range r.Targets {
		out = append(out, "at "+t.Value)
	}
	for _, m := range r.Motives {
		out = append(out, "for "+m)
	}
	for _, t := range r.ToolTypes {
		out = append(out, "a "+t)
	}
	if r.Availability != "" {
		out = append(out, string(r.Availability))
	}
	for _, e := range r.Events {
		out = append(out, e.Type+" "+e.Date.String()+" "+e.Text)
	}
	for _, l := range r.Links {
		out = append(out, string(l.Relation)+" "+l.Name+" "+l.ID.ID)
	}
	return strings.Join(out, "; ")
}

func actor(text string) *intel.Record {
	return &intel.Record{
		Ref: intel.Ref{Publisher: "p", Key: "k"}, Kind: intel.Actor, Title: "Iron Heron", Description: text,
		Names: []intel.Name{{Value: "TG-77"}, {Value: "PLA Navy", Relation: intel.SponsoredBy}},
		IDs:   []intel.ExternalID{{Issuer: "mitre-attack", ID: "G9001"}},
	}
}

func tool(key, text string) *intel.Record {
	return &intel.Record{
		Ref: intel.Ref{Publisher: "p", Key: key}, Kind: intel.Tool, Title: "Quillback", Description: text,
		IDs: []intel.ExternalID{{Issuer: "mitre-attack", ID: "S9001"}},
	}
}

func TestEnrichActor(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		// First activity.
		{"Iron Heron has been active since 2014.", "since 2014"},
		{"The group has operated since at least March 2011.", "since 2011-03"},
		{"Active since at least mid-2012, TG-77 sends mail.", "since 2012"},
		{"Iron Heron was first observed in late 2018.", "since 2018"},
		{"Iron Heron emerged in 2020 and was first seen on 4 May 2019.", "since 2019-05-04"},
		{"Since January 2013, the group has conducted intrusions.", "since 2013-01"},
		{"TG-77 is assessed to have operated as early as 2009.", "since 2009"},
		{"Iron Heron broke into a firm that has made pumps since 1998.", ""},
		{"Iron Heron has refined its methods and differentiated itself since 2021.", ""},
		{"[Iron Heron](https://attack.mitre.org/groups/G9001) works beside [Other](https://attack.mitre.org/groups/G9002), which has been active since 2004.", ""},
		{"Iron Heron has not been seen since 2015.", ""},
		{"First observed in 2018, Quillback ransomware is run by Iron Heron.", ""},
		// Origins.
		{"Iron Heron is a Russian cyber unit.", "from RU"},
		{"Iron Heron is a China-nexus threat actor.", "from CN"},
		{"Iron Heron is a People's Republic of China (PRC) state-backed actor.", "from CN"},
		{"Iron Heron is a threat group attributed to actors operating out of China.", "from CN"},
		{"Iron Heron, also called TG-77, is likely based in Brazil.", "from BR?50"},
		{"Iron Heron is a group of likely Chinese origin.", "from CN?50"},
		{"According to Mandiant, Iron Heron works on behalf of the Iranian government.", "from IR by Mandiant"},
		{"Microsoft assesses with moderate confidence that Iron Heron is a North Korean threat actor.", "from KP?50 by Microsoft"},
		{"A Pakistani group that sends malicious documents.", "from PK"},
		{"Iron Heron is a Russian-speaking group.", ""},
		{"Iron Heron is a pro-Palestinian threat group.", ""},
		{"Iron Heron has not been attributed to China.", "dispute  The source leaves open who is behind it."},
		{"The group hit organizations based in Ukraine.", "at Ukraine"},
		{"Iron Heron is a threat group with members who overlap with another group, which is believed to have an Iranian nexus.", ""},
		{"This group claims to be patriotic hackers from Sudan.", ""},
		{"Iron Heron is linked to an attack on Italy's railways.", ""},
		// Affiliations.
		{"Iron Heron has been attributed to Russia's General Staff Main Intelligence Directorate (GRU) military unit 12345.", "from RU; body GRU, Unit 12345"},
		{"Iron Heron is attributed to the FSB's Center 16.", "from RU; body FSB, Center 16"},
		{"In 2018, the US indicted GRU Unit 12345 officers associated with Iron Heron.", "from RU; body GRU, Unit 12345; law-enforcement 2018 The United States announced an indictment."},
		{"Iron Heron is a threat group that has been attributed to Unit 61234 of the 9th Bureau of the PLA's department.", "from CN; body People's Liberation Army (PLA), Unit 61234"},
		{"Iron Heron targets the FSB.", ""},
		{"Iron Heron coordinates with multiple actors affiliated with Iran's Ministry of Intelligence and Security (MOIS).", ""},
		// Targets.
		{"Iron Heron targets Chinese-speaking users in Germany.", "at Germany"},
		{"The group has targeted the energy, water, and telecommunications sectors in the U.S. and Eastern Europe using mail.", "at Energy; at Utilities: Water; at Telecommunications; at United States; at Eastern Europe"},
		{"The group targets German and Italian speakers.", ""},
		{"Its victims include think tanks, NGOs and universities in Japan.", ""}, // no subject that is certain
		{"Iron Heron targets cloud environments and web servers in order to steal media files.", ""},
		{"Iron Heron targets banks in countries such as Austria and Peru.", "at Financial Services: Banking; at Austria; at Peru"},
		{"Iron Heron avoids targeting Russia.", ""},
		// Motives.
		{"Iron Heron is a financially motivated threat group.", "for Financially motivated"},
		{"Iron Heron is a hacktivist group known for destructive attacks.", "for Destruction; for Hacktivism"},
		{"Iron Heron is a ransomware gang.", "for Extortion"},
		{"Iron Heron sells access to ransomware operators.", ""},
		{"Iron Heron is driven by theft of designs rather than espionage.", ""},
		// Law enforcement.
		{"Members of Iron Heron were arrested in Spain in March 2018.", "law-enforcement 2018-03 Persons tied to it were arrested."},
		{"Iron Heron has been sanctioned by the US Treasury.", "law-enforcement  The U.S. Department of the Treasury imposed sanctions."},
		{"Iron Heron leaked data in retaliation for the arrest of its members.", ""},
		// Others.
		{"Iron Heron is a subgroup of [Great Auk](https://attack.mitre.org/groups/G9002).", "part-of Great Auk G9002"},
		{"Iron Heron overlaps with APT99.", "overlaps APT99 "},
		{
			"Some analysts track Iron Heron and [Great Auk](https://attack.mitre.org/groups/G9002) as the same group, but that is unclear.",
			"dispute  Some analysts take it for the same group as Great Auk; that is not settled.; overlaps Great Auk G9002",
		},
		{"Iron Heron is an unattributed threat group.", "dispute  The source leaves open who is behind it."},
		// Discovery.
		{"Iron Heron was first reported by Symantec in May 2017.", "discovery 2017-05 First publicly reported by Symantec."},
		{"", ""},
	} {
		r := actor(tt.in)
		Enrich(r)
		if got := summary(r); got != tt.want {
			t.Errorf("%s\n got %q\nwant %q", tt.in, got, tt.want)
		}
	}
}

func TestEnrichTool(t *testing.T) {
	for _, tt := range []struct{ key, in, want string }{
		{"malware--1", "Quillback is a custom backdoor used by [X](https://attack.mitre.org/groups/G9002) since at least 2019.", "since 2019; a backdoor; custom"},
		{"malware--1", "Quillback is a modular remote access trojan (RAT) written in .NET that was sold on hacking forums.", "a remote access trojan; commodity"},
		{"malware--1", "Quillback is ransomware that has been offered as Ransomware-as-a-Service since June 2020.", "since 2020-06; a ransomware; commodity"},
		{"malware--1", "Quillback is an open-source Linux rootkit.", "a rootkit; public"},
		{"malware--1", "Quillback is a modified version of the open source tool Foo.", ""},
		{"malware--1", "Quillback is a commercial, full-featured, remote access tool.", "a remote access trojan; commodity"},
		{"malware--1", "Quillback was thought to be exclusively used by APT99, but others have it.", ""},
		{"malware--1", "Quillback is a downloader that has been used by multiple groups from 2013 to 2015.", "since 2013; a downloader"},
		{"malware--1", "Quillback serves as a keylogger and is used to target banks in Chile.", "at Financial Services: Banking; at Chile; a keylogger"},
		{"malware--1", "The source code of Quillback was sold on forums.", ""},
		{"malware--1", "Quillback is a backdoor. [Foo](https://attack.mitre.org/software/S9002) is sold on forums as a wiper.", "a backdoor"},
		{"malware--1", "Quillback is a point of sale (PoS) memory scraper.", "a point-of-sale malware"},
		{"malware--1", "First discovered in August 2020, Quillback is a banking trojan.", "a banking trojan; discovery 2020-08 Discovered."},
		{"tool--1", "Quillback lists processes.", "public"},
		{"tool--1", "Quillback is a commercial scanner for networks.", "commodity"},
		{"tool--1", "Quillback is a legitimate remote administration tool.", "a remote access tool"}, // free or not is not said
	} {
		r := tool(tt.key, tt.in)
		Enrich(r)
		if got := summary(r); got != tt.want {
			t.Errorf("%s\n got %q\nwant %q", tt.in, got, tt.want)
		}
	}
}

func TestReferences(t *testing.T) {
	for _, tt := range []struct {
		title, url string
		want       string
	}{
		{"DOJ. (2020, October 19). Six Officers Charged in Connection with Malware. Retrieved May 1, 2021.", "https://www.justice.gov/opa/pr/six-officers-charged", "law-enforcement 2020-10-19 The U.S. Department of Justice brought criminal charges."},
		{"DOJ. (2018, March 23). U.S. v. Doe et al. Retrieved May 1, 2021.", "https://www.justice.gov/file/1/download", "law-enforcement 2018-03-23 The U.S. Department of Justice brought criminal charges."},
		{"", "https://home.treasury.gov/news/treasury-sanctions-hackers", "law-enforcement  The U.S. Department of the Treasury imposed sanctions."},
		{"", "https://www.europol.europa.eu/newsroom/news/network-dismantled-in-operation", "law-enforcement  Europol announced a takedown."},
		{"", "https://news.example/iron-heron-member-arrested", "law-enforcement  An arrest was reported."},
		{"", "https://news.example/others-member-arrested", ""},
		{"", "https://news.example/iron-heron-after-arrests-of-leaders", ""},
		{"Doe, J. (2015, July). The Iron Heron Papers. Retrieved May 1, 2016.", "https://vendor.example/p.pdf", "discovery 2015-07 The earliest of the cited reports that name it appeared."},
		{"Doe, J. (2015, July). Something Else. Retrieved May 1, 2016.", "https://vendor.example/p.pdf", ""},
		{"", "https://justice.gov.example/charged", ""},
	} {
		r := actor("")
		r.References = []intel.Reference{{Title: tt.title, URL: tt.url}}
		Enrich(r)
		if got := summary(r); got != tt.want {
			t.Errorf("%s %s\n got %q\nwant %q", tt.title, tt.url, got, tt.want)
		}
	}
}

// What fields state stays, and is not said twice.
func TestFieldsStand(t *testing.T) {
	r := actor("Iron Heron is a Russian threat group. It has been active since 2014 and targets banks in the United Kingdom. It is an espionage group.")
	r.Origins = []intel.Origin{{Country: "Russian Federation", Confidence: 80}}
	r.Targets = []intel.Target{{Kind: intel.TargetSector, Value: "Banking"}, {Value: "UK"}}
	r.Motives = []string{"Cyber Espionage"}
	r.FirstActive = []intel.Date{intel.YearDate(2012, intel.BasisStated)}
	before := summary(r)
	Enrich(r)
	if got, want := summary(r), strings.Replace(before, "since 2012", "since 2012; since 2014", 1); got != want {
		t.Errorf("got %q\nwant %q", got, want)
	}
	if r.FirstActive[1].Basis != intel.BasisProse {
		t.Errorf("basis of the added date: %q", r.FirstActive[1].Basis)
	}
}

func TestOtherKinds(t *testing.T) {
	for _, k := range []intel.Kind{intel.Campaign, intel.Technique, ""} {
		r := actor("Iron Heron is a Russian threat group that has been active since 2014.")
		r.Kind = k
		Enrich(r)
		if got := summary(r); got != "" {
			t.Errorf("kind %q: %s", k, got)
		}
	}
	Enrich(nil)
}

// No text panics, what was there stays at the front, and a second call changes
// nothing.
func FuzzEnrich(f *testing.F) {
	f.Add("Iron Heron is a Russian group (Citation: X) [A](https://attack.mitre.org/groups/G0007) since 2014. U.S. <b>", "DOJ. (2018, March 23). U.S. v. X", "https://justice.gov/charged", true)
	f.Add("\u2014[](https://attack.mitre.org/groups/G0007)'s .NET 5. Mar. 2010 people's Unit 26165 (GRU", "(2018", "://", false)
	f.Add("It's a\xff point of sale (", "", "", false)
	f.Fuzz(func(t *testing.T, text, title, url string, isActor bool) {
		r := actor(text)
		if !isActor {
			r = tool("malware--1", text)
		}
		r.Origins = []intel.Origin{{Country: "RU"}}
		r.References = []intel.Reference{{Title: title, URL: url}}
		Enrich(r)
		if r.Origins[0] != (intel.Origin{Country: "RU"}) || len(r.References) != 1 || r.Description != text {
			t.Errorf("a stated field changed: %+v", r)
		}
		for _, o := range r.Origins[1:] {
			if !o.Prose || len(o.Country) != 2 {
				t.Errorf("added origin %+v", o)
			}
		}
		once := *r
		once.Events, once.Links, once.Targets = slices.Clone(r.Events), slices.Clone(r.Links), slices.Clone(r.Targets)
		Enrich(r)
		if diff := cmp.Diff(&once, r); diff != "" {
			t.Errorf("a second call changes the record:\n%s", diff)
		}
	})
}
