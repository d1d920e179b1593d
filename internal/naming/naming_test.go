package naming_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dossier/internal/intel"
	"dossier/internal/naming"
)

func TestSchemeOf(t *testing.T) {
	for _, tt := range []struct{ name, want string }{
		{"Forest Blizzard", naming.Microsoft},
		{"Storm-0252", naming.Microsoft},
		{"DEV-500", naming.Microsoft}, // one row has three digits
		{"STRONTIUM", naming.Microsoft},
		{"GOLD", naming.Microsoft},
		{"GOLD NIAGARA", naming.Secureworks},
		{"PLATINUM", naming.Microsoft},
		{"PLATINUM TERMINAL", naming.Secureworks},
		{"Red Typhoon", naming.PwC}, // Microsoft's form, PwC's name
		{"Cobalt Group", ""},
		{"TG-4127", naming.Secureworks},
		{"FANCY BEAR", naming.CrowdStrike},
		{"White Bear", ""},  // Kaspersky's
		{"Sharp Panda", ""}, // Check Point's
		{"Pawn Storm", ""},  // Trend Micro's
		{"Dust Storm", ""},  // Cylance's
		{"LAKE RELIC", naming.Google},
		{"APT28", naming.Mandiant},
		{"APT-28", naming.Mandiant},
		{"APT 28", naming.Mandiant},
		{"APT60", ""}, // no number of Mandiant's
		{"APT-C-20", naming.Qihoo},
		{"APT-Q-27", naming.QiAnXin},
		{"UNC2452", naming.Mandiant},
		{"FIN7", naming.Mandiant},
		{"TEMP.Veles", naming.Mandiant},
		{"TA505", naming.Proofpoint},
		{"TA2541", naming.Proofpoint},
		{"TA240524", ""}, // NSFOCUS numbers by date
		{"G0007", naming.MITRE},
		{"Fighting Ursa", naming.Unit42},
		{"CL-STA-0969", naming.Unit42},
		{"Earth Lusca", naming.TrendMicro},
		{"Void Manticore", naming.CheckPoint},
		{"Void Blizzard", naming.Microsoft},
		{"UAC-0010", naming.CERTUA},
		{"NoName057(16)", ""},
		{"", ""},
	} {
		if got := naming.SchemeOf(tt.name); got != tt.want {
			t.Errorf("SchemeOf(%q) = %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestRead(t *testing.T) {
	name := func(v, by string, r intel.Relation) naming.Reading {
		return naming.Reading{Name: intel.Name{Value: v, CoinedBy: by, Relation: r}}
	}
	for _, tt := range []struct {
		in   string
		want naming.Reading
	}{
		{" Daggerfly", name("Daggerfly", "", "")},
		{"APT-Q-27,", name("APT-Q-27", "", "")},
		{"FireAnt\u200b", name("FireAnt", "", "")},
		{"TG-2884 (SCWX CTU)", name("TG-2884", naming.Secureworks, "")},
		{"SectorD01 (NHSC)", name("SectorD01", naming.NSHC, "")},
		{"xHunt campaign (Palo Alto)", name("xHunt campaign", naming.Unit42, intel.CampaignName)},
		{"NoName057(16)", name("NoName057(16)", "", "")},
		{"BlackEnergy (Group)", name("BlackEnergy (Group)", "", "")}, // no organisation of that name
		{"Subgroup: Andariel", name("Andariel", "", intel.SubGroup)},
		{"Operation Troy", name("Operation Troy", "", intel.CampaignName)},
		{"OperationTroy", name("OperationTroy", "", intel.CampaignName)},
		{"Operator Panda", name("Operator Panda", "", "")},
		{"PLA Navy", name("PLA Navy", "", intel.SponsoredBy)},
		{"PLA Unit 78020", name("PLA Unit 78020", "", intel.SponsoredBy)},
		{"Bureau 121", name("Bureau 121", "", intel.SponsoredBy)},
		{"Military Unit 26165", name("Military Unit 26165", "", intel.SponsoredBy)},
		{"PLATINUM", name("PLATINUM", "", "")},
		{"United Cyber Caliphate", name("United Cyber Caliphate", "", "")},
		{"G0007", naming.Reading{ID: naming.ATTACK("G0007")}},
		{"N/A", naming.Reading{}},
		{" , ", naming.Reading{}},
	} {
		if diff := cmp.Diff(tt.want, naming.Read(tt.in)); diff != "" {
			t.Errorf("Read(%q): %s", tt.in, diff)
		}
	}
}

func TestOriginThreat(t *testing.T) {
	for _, tt := range []struct {
		in                        string
		countries, motives, notes []string
	}{
		{"Russia", []string{"Russia"}, nil, nil},
		{"Russia, Influence operations", []string{"Russia"}, []string{"Influence operations"}, nil},
		{"Israel, Private sector offensive actor", []string{"Israel"}, nil, []string{"Private sector offensive actor"}},
		{"Group in development", nil, nil, []string{"Group in development"}},
		{"Korea", []string{"Korea"}, nil, nil},
		{"", nil, nil, nil},
	} {
		c, m, n := naming.OriginThreat(tt.in)
		if !cmp.Equal(c, tt.countries) || !cmp.Equal(m, tt.motives) || !cmp.Equal(n, tt.notes) {
			t.Errorf("OriginThreat(%q) = %q, %q, %q", tt.in, c, m, n)
		}
	}
}

func TestProducer(t *testing.T) {
	for in, want := range map[string]string{"FireEye": naming.Mandiant, " Unit 42 ": naming.Unit42, "Some Vendor": "Some Vendor"} {
		if got := naming.Producer(in); got != want {
			t.Errorf("Producer(%q) = %q, want %q", in, got, want)
		}
	}
}

// FuzzRead: what was read reads as itself, save that a campaign's or a part's
// name no longer says what it is.
func FuzzRead(f *testing.F) {
	for _, s := range []string{"TG-2884 (SCWX CTU)", "Subgroup: Andariel", "G0007", " x, ", "PLA Navy"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r := naming.Read(s)
		if r.ID.ID != "" && r.Name.Value != "" {
			t.Fatalf("Read(%q) is a name and an id: %+v", s, r)
		}
		if again := naming.Read(r.Name.Value); r.Name.Value != "" && r.Name.CoinedBy == "" && r.Name.Relation == "" && again != r {
			t.Fatalf("Read(%q) = %+v, but Read of that = %+v", s, r, again)
		}
	})
}

func Example() {
	for _, s := range []string{"TG-2884 (SCWX CTU)", "Subgroup: Andariel", "Forest Blizzard"} {
		n := naming.Read(s).Name
		fmt.Printf("%s %q %q %q\n", n.Value, n.Relation, n.CoinedBy, naming.SchemeOf(n.Value))
	}
	// Output:
	// TG-2884 "" "Secureworks" "Secureworks"
	// Andariel "sub-group" "" ""
	// Forest Blizzard "" "" "Microsoft"
}
