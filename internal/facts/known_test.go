package facts

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dossier/internal/intel"
	"dossier/internal/testcorpus"
)

func countries(r *intel.Record) (out []string) {
	for _, o := range r.Origins {
		out = append(out, o.Country)
	}
	return out
}

// What an analyst knows of well-known groups and tools comes out of the text of
// ATT&CK 18.1.
func TestKnownRecords(t *testing.T) {
	byID := map[string]*intel.Record{}
	records := attackRecords(t)
	for i := range records {
		Enrich(&records[i])
		byID[records[i].IDs[0].ID] = &records[i]
	}
	for _, tt := range []struct{ id, part string }{
		{"G0007", "since 2004; from RU; body GRU, Unit 26165"},
		{"G0007", "law-enforcement 2018-10-03 The U.S. Department of Justice announced an indictment."},
		{"G0006", "from CN; body People's Liberation Army (PLA), Unit 61398"},
		{"G0016", "since 2008; from RU; body SVR"},
		{"G0019", "body People's Liberation Army (PLA), Unit 78020"},
		{"G0032", "since 2009; from KP; body Reconnaissance General Bureau (RGB)"},
		{"G0034", "since 2009; from RU; body GRU, Unit 74455"},
		{"G0034", "law-enforcement 2020-10-15 The U.S. Department of Justice brought criminal charges."},
		{"G0035", "body FSB, Center 16"},
		{"G0045", "body Ministry of State Security (MSS), Tianjin State Security Bureau; body Huaying Haitai"},
		{"G0047", "from RU?50; body FSB, Center 18"},
		{"G0065", "body Ministry of State Security (MSS), Hainan State Security Department"},
		{"G0069", "from IR; body Ministry of Intelligence and Security (MOIS)"},
		{"G0087", "body Ministry of Intelligence and Security (MOIS)"},
		{"G0087", "law-enforcement 2020-09-17 The U.S. Department of the Treasury imposed sanctions."},
		{"G0096", "since 2012; from CN"},
		{"G0126", "since 2009; from KR?50"},
		{"G0138", "part-of Lazarus Group G0032"},
		{"G0138", "law-enforcement 2019-09-13 The U.S. Department of the Treasury imposed sanctions."},
		{"G1003", "body GRU, Unit 29155"},
		{"G1028", "since 2014"}, // not 2017, when it began to write spyware
		{"S0002", "a credential stealer; public"},
		{"S0154", "a remote access trojan"},
		{"S0154", "commodity"},
		{"S0194", "public"},
		{"S0640", "since 2020-06; a ransomware; commodity"},
		{"S1140", "a backdoor; custom"},
	} {
		r := byID[tt.id]
		if r == nil {
			t.Errorf("%s is not in the corpus", tt.id)
			continue
		}
		if got := summary(r); !strings.Contains(got, tt.part) {
			t.Errorf("%s %s: %q lacks %q", tt.id, r.Title, got, tt.part)
		}
	}
	for id, want := range map[string][]string{
		"G0046": nil, // FIN7: the text names no country
		"G0020": nil, // Equation
		"G0021": nil, // Molerats: Arabic is a language
		"G0033": nil, // Poseidon Group: so is Portuguese
		"G0040": nil, // Patchwork: not definitively attributed
		"G1005": {"LB"},
		"G0094": {"KP"}, // targets South Korea
	} {
		if got := countries(byID[id]); !slices.Equal(got, want) {
			t.Errorf("%s %s: origins %v, want %v", id, byID[id].Title, got, want)
		}
	}
	if got := byID["S0596"].Availability; got == intel.Custom {
		t.Errorf("ShadowPad is said to be used by various groups, not %s", got)
	}
}

// Counts of what is found, with floors, and idempotence on real texts.
func TestCounts(t *testing.T) {
	type counts map[string]int
	count := func(records []intel.Record, kind intel.Kind) counts {
		c := counts{}
		for _, r := range records {
			if r.Kind != kind {
				continue
			}
			Enrich(&r)
			once := r
			once.Events, once.Links = slices.Clone(r.Events), slices.Clone(r.Links)
			Enrich(&r)
			if diff := cmp.Diff(once, r); diff != "" {
				t.Errorf("%s: a second call changes the record:\n%s", r.Title, diff)
			}
			has := func(what string, ok bool) {
				if ok {
					c[what]++
				}
			}
			has("records", true)
			has("firstActive", len(r.FirstActive) > 0)
			has("origin", len(r.Origins) > 0)
			has("affiliation", len(r.Affiliations) > 0)
			has("targets", len(r.Targets) > 0)
			has("motive", len(r.Motives) > 0)
			has("link", len(r.Links) > 0)
			has("toolType", len(r.ToolTypes) > 0)
			has("availability", r.Availability != "")
			for _, e := range r.Events {
				c[e.Type]++
			}
		}
		return c
	}
	attack := attackRecords(t)
	for _, tt := range []struct {
		name   string
		got    counts
		floors counts
	}{
		{"ATT&CK groups", count(attack, intel.Actor), counts{"firstActive": 125, "origin": 85, "affiliation": 20, "targets": 125, "motive": 85, LawEnforcement: 18, Dispute: 14, "link": 20}},
		{"ATT&CK software", count(attack, intel.Tool), counts{"firstActive": 320, "targets": 120, "toolType": 500, "availability": 155}},
		{"MISP actors", count(mispRecords(t), intel.Actor), counts{"firstActive": 200, "origin": 170, "affiliation": 8, "targets": 440, "motive": 270, LawEnforcement: 20}},
	} {
		t.Logf("%s: %v", tt.name, tt.got)
		for what, floor := range tt.floors {
			if tt.got[what] < floor {
				t.Errorf("%s: %s %d, want at least %d", tt.name, what, tt.got[what], floor)
			}
		}
	}
}

// Where a catalogue has a field for what is read out of prose, the two agree:
// the country of MISP's actors, and the country that Tidal Cyber gives for
// ATT&CK's groups.
func TestAgreesWithFields(t *testing.T) {
	read := func(name string) (out []struct {
		Meta struct {
			Country string
			Attack  string `json:"group_attack_id"`
		}
	},
	) {
		var file struct{ Values json.RawMessage }
		b, err := os.ReadFile(testcorpus.Path(t, "misp-galaxy", "clusters", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(b, &file); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(file.Values, &out); err != nil {
			t.Fatal(err)
		}
		return out
	}
	agree, differ := 0, 0
	compare := func(r *intel.Record, field string) {
		for _, c := range countries(r) {
			switch {
			case field == "":
			case c == field:
				agree++
			default:
				differ++
				t.Logf("%s: the field says %s, the prose %s", r.Title, field, c)
			}
		}
	}
	fields := read("threat-actor.json")
	for i, r := range mispRecords(t) {
		Enrich(&r)
		compare(&r, fields[i].Meta.Country)
	}
	tidal := map[string]string{}
	for _, v := range read("tidal-groups.json") {
		tidal[v.Meta.Attack] = v.Meta.Country
	}
	for _, r := range attackRecords(t) {
		Enrich(&r)
		compare(&r, tidal[r.IDs[0].ID])
	}
	t.Logf("%d agree, %d differ", agree, differ)
	if agree < 230 || differ > agree/50 {
		t.Errorf("%d agree, %d differ; want at least 230, and at most one in fifty to differ", agree, differ)
	}
}
