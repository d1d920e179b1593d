package vocab_test

import (
	"fmt"
	"strings"
	"testing"

	"dossier/internal/vocab"
)

func Example() {
	c, _ := vocab.CountryOf("Korea (Democratic People's Republic of)")
	r, _ := vocab.RegionOf("South-East Asia")
	s, _ := vocab.SectorOf("telecom providers")
	b, _ := vocab.SectorOf("Banks")
	fmt.Println(c.Code, c.Label, "|", r.Name, "|", s, "|", b)
	// Output: KP North Korea | Southeast Asia | Telecommunications | Financial Services: Banking
}

func TestCountryOf(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"RU", "RU"},
		{"rus", "RU"},
		{"Russian Federation", "RU"},
		{"russian", "RU"},
		{" RUSSIA ", "RU"},
		{"Korea (Republic of)", "KR"},
		{"Korea, Republic of", "KR"},
		{"South Korean", "KR"},
		{"ROK", "KR"},
		{"Korea (Democratic People's Republic of)", "KP"},
		{"Democratic People’s Republic of Korea", "KP"},
		{"DPRK", "KP"},
		{"Iran (Islamic Republic of)", "IR"},
		{"Iran, Islamic Republic of", "IR"},
		{"Islamic Republic of Iran", "IR"},
		{"Bolivia (Plurinational State of)", "BO"},
		{"Moldova, Republic of", "MD"},
		{"Venezuela (Bolivarian Republic of)", "VE"},
		{"USA", "US"},
		{"U.S.", "US"},
		{"the United States of America", "US"},
		{"American", "US"},
		{"UK", "GB"},
		{"Scotland", "GB"},
		{"UAE", "AE"},
		{"Viet Nam", "VN"},
		{"Palestine, State of", "PS"},
		{"Gaza", "PS"},
		{"Türkiye", "TR"},
		{"turkiye", "TR"},
		{"TÜRKİYE", "TR"},
		{"Turkey", "TR"},
		{"Hong Kong", "HK"},
		{"Taiwan, Province of China", "TW"},
		{"Republic of China", "TW"},
		{"People's Republic of China", "CN"},
		{"Kosovo", "XK"},
		{"Côte d’Ivoire", "CI"},
		{"Ivory Coast", "CI"},
		{"Swaziland", "SZ"},
		{"Macedonia", "MK"},
		{"Burma", "MM"},
		{"Georgia", "GE"},
		{"The Philippines", "PH"},
		{"Filipino", "PH"},
		{"Czech Republic", "CZ"},
		{"DR Congo", "CD"},
		{"Congo", "CG"},
		{"Korea", ""},
		{"Korean", ""},
		{"Congolese", ""},
		{"Dominican", ""}, // two countries each
		{"Crimea", ""},
		{"Kurdistan", ""},
		{"USSR", ""},
		{"Europe", ""},
		{"NATO", ""},
		{"Unknown", ""},
		{"", ""},
		{"-", ""},
	} {
		got, ok := vocab.CountryOf(tt.in)
		if got.Code != tt.want || ok != (tt.want != "") {
			t.Errorf("CountryOf(%q) = %q, %v; want %q", tt.in, got.Code, ok, tt.want)
		}
	}
}

func TestCountryNamed(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"in", ""},
		{"IT", ""},
		{"us", ""},
		{"US", "US"},
		{"U.S.", "US"},
		{"UAE", "AE"},
		{"uae", ""},
		{"Iranian", "IR"},
		{"iranian", "IR"},
		{"PRC", "CN"},
		{"North Korea", "KP"},
		{"rok", ""},
	} {
		if got, ok := vocab.CountryNamed(tt.in); got.Code != tt.want || ok != (tt.want != "") {
			t.Errorf("CountryNamed(%q) = %q, %v; want %q", tt.in, got.Code, ok, tt.want)
		}
	}
}

func TestCountriesAreWhole(t *testing.T) {
	all := vocab.Countries()
	if len(all) != 250 {
		t.Errorf("%d countries, want the 249 of ISO 3166-1 and XK", len(all))
	}
	labels, alpha3 := map[string]string{}, map[string]string{}
	for i, c := range all {
		if i > 0 && all[i-1].Code >= c.Code {
			t.Errorf("%s after %s", c.Code, all[i-1].Code)
		}
		if len(c.Code) != 2 || len(c.Alpha3) != 3 || c.Label == "" {
			t.Errorf("incomplete: %+v", c)
		}
		if other := labels[c.Label] + alpha3[c.Alpha3]; other != "" {
			t.Errorf("%s shares a label or alpha-3 with %s", c.Code, other)
		}
		labels[c.Label], alpha3[c.Alpha3] = c.Code, c.Code
		if r, ok := vocab.RegionOf(c.Region); !ok || r.Name != c.Region {
			t.Errorf("%s: region %q is not in the vocabulary", c.Code, c.Region)
		}
		for _, word := range []string{c.Code, c.Alpha3, c.Label, c.Demonym, strings.ToUpper(c.Label)} {
			if got, _ := vocab.CountryOf(word); word != "" && got.Code != c.Code {
				t.Errorf("CountryOf(%q) = %s, want %s", word, got.Code, c.Code)
			}
		}
	}
}

func TestRegionOf(t *testing.T) {
	for _, tt := range []struct{ in, want, within string }{
		{"Southeast Asia", "Southeast Asia", "Asia"},
		{"South-eastern Asia", "Southeast Asia", "Asia"},
		{"the Middle East", "Middle East", "Asia"},
		{"Middle Eastern countries", "Middle East", "Asia"},
		{"Eastern European", "Eastern Europe", "Europe"},
		{"APAC", "Asia-Pacific", ""},
		{"the Americas", "Americas", ""},
		{"Gulf states", "Persian Gulf", "Middle East"},
		{"LATAM", "Latin America", "Americas"},
		{"NATO", "", ""},
		{"European Union", "", ""},
		{"worldwide", "", ""},
		{"Russia", "", ""},
		{"", "", ""},
	} {
		if got, ok := vocab.RegionOf(tt.in); got.Name != tt.want || got.Within != tt.within || ok != (tt.want != "") {
			t.Errorf("RegionOf(%q) = %+v, %v; want %q within %q", tt.in, got, ok, tt.want, tt.within)
		}
	}
	for _, r := range vocab.Regions() {
		if got, ok := vocab.RegionOf(r.Name); !ok || got != r {
			t.Errorf("RegionOf(%q) = %v, %v", r.Name, got, ok)
		}
		if _, ok := vocab.RegionOf(r.Within); r.Within != "" && !ok {
			t.Errorf("%s is within %q, which is not in the vocabulary", r.Name, r.Within)
		}
	}
}

func TestSectorOf(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"Government, Administration", "Government Agencies & Services"},
		{"government agencies", "Government Agencies & Services"},
		{"Government Agencies & Services: Defense", "Government Agencies & Services: Defense"},
		{"Military", "Government Agencies & Services: Defense"},
		{"Defense industrial base", "Defense Industry"},
		{"defence contractors", "Defense Industry"},
		{"Telecomms", "Telecommunications"},
		{"telecommunications companies", "Telecommunications"},
		{"Banks", "Financial Services: Banking"},
		{"financial institutions", "Financial Services"},
		{"Credit Unions", "Financial Services: Banking"},
		{"universities", "Education: Higher Education"},
		{"Academia - University ", "Education: Higher Education"},
		{"think tanks", "Non-Government Organization: Think Tanks"},
		{"NGOs", "Non-Government Organization"},
		{"law firms", "Professional Services: Legal"},
		{"Human Rights", "Non-Government Organization: Human Rights"},
		{"Oil & Gas", "Energy: Oil & Gas"},
		{"Critical manufacturing", "Manufacturing"},
		{"IT - ISP", "Telecommunications: Internet Service Providers"},
		{"Other", ""},
		{"Unknown", ""},
		{"Country", ""},
		{"Multi-sector", ""},
		{"Global", ""},
		{"Sony Pictures Entertainment", ""},
		{"", ""},
		{"sectors", ""},
	} {
		got, ok := vocab.SectorOf(tt.in)
		if got.String() != tt.want || ok != (tt.want != "") {
			t.Errorf("SectorOf(%q) = %q, %v; want %q", tt.in, got, ok, tt.want)
		}
	}
	for _, s := range vocab.Sectors() {
		if got, ok := vocab.SectorOf(s.String()); !ok || got != s {
			t.Errorf("SectorOf(%q) = %v, %v", s, got, ok)
		}
	}
}

// No word is two things: a place is no sector, a country no region.
func FuzzWords(f *testing.F) {
	for _, s := range []string{"Türkiye", "U.S.", "Korea (Republic of)", "IT & telecoms", "İ", "the the Gambia", "\xff", "ies", "s"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if c, ok := vocab.CountryOf(s); ok {
			if again, ok := vocab.CountryOf(c.Label); !ok || again != c {
				t.Errorf("CountryOf(%q) = %v, but its label gives %v", s, c, again)
			}
		}
		if c, ok := vocab.CountryNamed(s); ok {
			if all, _ := vocab.CountryOf(s); all != c {
				t.Errorf("CountryNamed(%q) = %v, CountryOf %v", s, c, all)
			}
			if r, ok := vocab.RegionOf(s); ok {
				t.Errorf("%q is %v and %v", s, c, r)
			}
		}
		if sec, ok := vocab.SectorOf(s); ok {
			if again, ok := vocab.SectorOf(sec.String()); !ok || again != sec {
				t.Errorf("SectorOf(%q) = %v, but its form gives %v", s, sec, again)
			}
		}
	})
}

func BenchmarkCountryOf(b *testing.B) {
	for b.Loop() {
		vocab.CountryOf("Iran (Islamic Republic of)")
	}
}

func BenchmarkSectorOf(b *testing.B) {
	for b.Loop() {
		vocab.SectorOf("telecommunications companies")
	}
}
