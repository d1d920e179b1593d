package vocab

import (
	"slices"
	"strings"
	"testing"
)

// industrySectors is industry-sector-ov of STIX 2.1, section 10.9.
var industrySectors = strings.Fields(`agriculture aerospace automotive chemical commercial communications construction
defense education energy entertainment financial-services government emergency-services government-local
government-national government-public-services government-regional healthcare hospitality-leisure infrastructure dams nuclear
water insurance manufacturing mining non-profit pharmaceuticals retail technology telecommunications transportation utilities`)

func TestStandards(t *testing.T) {
	all := Sectors()
	for _, s := range standards {
		if !slices.Contains(all, Sector{s.sector, s.sub}) {
			t.Errorf("%s: %s is no sector", s.sector, s.sub)
		}
		if s.stix != "" && !slices.Contains(industrySectors, s.stix) {
			t.Errorf("%s: %s: %q is not in industry-sector-ov", s.sector, s.sub, s.stix)
		}
		if n := strings.Fields(s.nace); !slices.IsSorted(n) {
			t.Errorf("%s: %s: divisions %v", s.sector, s.sub, n)
		}
	}
	for _, s := range all {
		if s.STIX() == "" && s.Name != "International Organizations" {
			t.Errorf("%s is nothing in STIX", s)
		}
		for _, d := range s.NACE() {
			if divisionOf(d) != d {
				t.Errorf("%s: %q is no division", s, d)
			}
		}
	}
}

func TestSectorsOf(t *testing.T) {
	for _, tt := range []struct {
		word      string
		has, lack string // "Name: Sub" of one that is meant, and of one that is not
	}{
		{"finance", "Financial Services: Banking", "Energy"},
		{"banking", "Financial Services: Banking", "Financial Services"},
		{"financial-services", "Financial Services: Payments", "Energy"},
		{"64", "Financial Services: Banking", "Financial Services: Insurance"},
		{"K64.19", "Financial Services: Banking", "Financial Services: Insurance"},
		{"NACE 65", "Financial Services: Insurance", "Financial Services: Banking"},
		{"hospitality-leisure", "Hospitality & Travel: Hotels", "Education"},
		{"non-profit", "Non-Government Organization", "Education"},
	} {
		var got []string
		for _, s := range SectorsOf(tt.word) {
			got = append(got, s.String())
		}
		if !slices.Contains(got, tt.has) || slices.Contains(got, tt.lack) {
			t.Errorf("%q: %v, want %q and not %q", tt.word, got, tt.has, tt.lack)
		}
	}
	for _, word := range industrySectors {
		if len(SectorsOf(word)) == 0 {
			t.Errorf("%s of industry-sector-ov is no sector here", word)
		}
	}
	for _, word := range []string{"", "zzz", "98", "K", "NACE", "6"} {
		if got := SectorsOf(word); len(got) > 0 {
			t.Errorf("%q: %v", word, got)
		}
	}
}
