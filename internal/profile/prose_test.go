package profile

import (
	"testing"

	"dossier/internal/intel"
	"dossier/internal/vocab"
)

func TestArticle(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"Iranian group", "an Iranian group"},
		{"Ukrainian group", "a Ukrainian group"},
		{"Uzbek group", "an Uzbek group"},
		{"Emirati group", "an Emirati group"},
		{"unidentified group", "an unidentified group"},
		{"European group", "a European group"},
		{"espionage group", "an espionage group"},
		{"RAT", "a RAT"},
		{"SSH backdoor", "an SSH backdoor"},
		{"USB worm", "a USB worm"},
		{"DDoS tool", "a DDoS tool"},
		{"information stealer", "an information stealer"},
		{"IoT botnet", "an IoT botnet"},
		{"HTTP bot", "an HTTP bot"},
	} {
		if got := a(tt.in); got != tt.want {
			t.Errorf("a(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
	for _, c := range vocab.Countries() {
		if d := c.Demonym; d != "" {
			vowel := d[0] == 'A' || d[0] == 'E' || d[0] == 'I' || d[0] == 'O' || d[:2] == "Uz"
			if got, want := a(d), map[bool]string{true: "an ", false: "a "}[vowel]+d; got != want {
				t.Errorf("a(%q) = %q, want %q", d, got, want)
			}
		}
	}
}

func TestLists(t *testing.T) {
	for _, tt := range []struct {
		in    []string
		limit int
		want  string
	}{
		{nil, 3, ""},
		{[]string{"a"}, 3, "a"},
		{[]string{"a", "b"}, 3, "a and b"},
		{[]string{"a and b", "c"}, 3, "a and b as well as c"},
		{[]string{"a", "b", "c"}, 3, "a, b, and c"},
		{[]string{"a", "b", "c", "d"}, 3, "a, b, c, and d"}, // one rest is named
		{[]string{"a", "b", "c", "d", "e"}, 3, "a, b, c, and two other countries"},
		{[]string{"a, x", "b", "c"}, 3, "a, x; b; and c"},
	} {
		if got := andMore(tt.in, tt.limit, "country"); got != tt.want {
			t.Errorf("andMore(%q, %d) = %q, want %q", tt.in, tt.limit, got, tt.want)
		}
	}
}

func TestNumber(t *testing.T) {
	for n, want := range map[int]string{0: "no", 1: "one", 12: "twelve", 13: "13", 999: "999", 1204: "1,204", 1234567: "1,234,567"} {
		if got := number(n); got != want {
			t.Errorf("number(%d) = %q, want %q", n, got, want)
		}
	}
	for n, want := range map[int]string{1: "one country", 2: "two countries", 3: "three countries"} {
		if got := count(n, "country"); got != want {
			t.Errorf("count(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestSince(t *testing.T) {
	at := intel.TimeOf(intel.YearDate(2016, "").At.Std().AddDate(0, 4, 11))
	for _, tt := range []struct {
		precision intel.Precision
		basis     intel.Basis
		want      string
	}{
		{intel.Year, intel.BasisStated, "since at least 2016"},
		{intel.Month, intel.BasisStated, "since May 2016"},
		{intel.Day, intel.BasisStated, "since 12 May 2016"},
		{intel.Month, intel.BasisCampaign, "since at least May 2016"},
		{intel.Day, intel.BasisProse, "since at least 12 May 2016"},
	} {
		if got := since(intel.Date{At: at, Precision: tt.precision, Basis: tt.basis}); got != tt.want {
			t.Errorf("since(%s, %s) = %q, want %q", tt.precision, tt.basis, got, tt.want)
		}
	}
}

func TestIsAttackID(t *testing.T) {
	for s, want := range map[string]bool{
		"G0007": true, "S0154": true, "C0022": true, "T1566.001": true, "TA0001": true, "M1036": true,
		"G007": false, "TA505": false, "G00071": false, "T1566.1": false, "APT28": false, "": false, "0007": false, "DS0017": true,
	} {
		if got := isAttackID(s); got != want {
			t.Errorf("isAttackID(%q) = %t, want %t", s, got, want)
		}
	}
}

func TestTheBody(t *testing.T) {
	for in, want := range map[string]string{
		"GRU, Military unit 26165":      "the GRU's military unit 26165",
		"GRU, Unit 74455":               "the GRU's Unit 74455",
		"GRU":                           "the GRU",
		"Ministry of State Security":    "the Ministry of State Security",
		"the FSB":                       "the FSB",
		"Unit 8200":                     "Unit 8200",
		"Reconnaissance General Bureau": "the Reconnaissance General Bureau",
	} {
		if got := theBody(in); got != want {
			t.Errorf("theBody(%q) = %q, want %q", in, got, want)
		}
	}
}
