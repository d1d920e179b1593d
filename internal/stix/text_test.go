package stix

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestClean(t *testing.T) {
	for _, tt := range []struct {
		in, want string
		cited    []string
	}{
		{"Plain text.", "Plain text.", nil},
		{"It hides.(Citation: Alpha 2019)(Citation: Beta (2020) two) It seeks. (Citation: Alpha 2019)", "It hides. It seeks.", []string{"Alpha 2019", "Beta (2020) two", "Alpha 2019"}},
		{"One (Citation: A), two.", "One, two.", []string{"A"}},
		{"First.(Citation: A)\n\nSecond. ", "First.\n\nSecond.", []string{"A"}},
		{"Uses <code>net &lt;user&gt;</code> and <code>a`b</code>.<br>Next", "Uses `net <user>` and ``a`b``.\nNext", nil},
		{"[Link](https://attack.mitre.org/groups/G0007) stays.", "[Link](https://attack.mitre.org/groups/G0007) stays.", nil},
		{"Open (Citation: never closed", "Open (Citation: never closed", nil},
		{"<code>a``b`</code><code> ` </code>", "``` a``b` ```" + "`` ` ``", nil},
		{"<code>open", "<code>open", nil},
		{"The <code>a<code> and <code>b</code>.", "The `a` and `b`.", nil}, // the slash is missing
		{"<code>a</code> and <code>b<code>.", "`a` and <code>b<code>.", nil},
		{"(Citation: only)", "", []string{"only"}},
	} {
		got, cited := clean(tt.in)
		if got != tt.want || !slices.Equal(cited, tt.cited) {
			t.Errorf("clean(%q)\n got %q, %q\nwant %q, %q", tt.in, got, cited, tt.want, tt.cited)
		}
	}
}

func TestReferenceOf(t *testing.T) {
	for _, tt := range []struct{ description, title, date string }{
		{"Alpha, B. (2016, June 15). On herons: a study. Retrieved August 3, 2016.", "On herons: a study", "2016-06-15"},
		{"Alpha. (2016, October). On herons. Retrieved November 21, 2016.", "On herons", "2016-10"},
		{"Alpha. (2015). On herons?. Retrieved August 19, 2015.", "On herons?", "2015"},
		{"Alpha. (n.d.). On herons. Retrieved May 1, 2020.", "On herons", ""},
		{"Alpha. (2020, March null). On herons. Retrieved March 25, 2022.", "On herons", "2020-03"},
		{"Alpha. (2021, June 31). On herons. Retrieved July 1, 2021.", "On herons", "2021-06"},
		{"Alpha. (2014, November 18). On herons (3011780). Retrieved December 23, 2015.", "On herons (3011780)", "2014-11-18"},
		{"", "key", ""},
		{"Reported by somebody", "Reported by somebody", ""},
	} {
		r := referenceOf("key", tt.description, "https://contoso.com/")
		if r.Title != tt.title || r.Date.String() != tt.date {
			t.Errorf("%s: %q, %s", tt.description, r.Title, r.Date)
		}
	}
}

func TestCoinedBy(t *testing.T) {
	for _, tt := range []struct {
		name  string
		cited []string
		also  []string // documents that the object cites otherwise
		want  string
	}{
		{"Forest Blizzard", []string{"Microsoft Threat Actor Naming July 2023"}, nil, "Microsoft"},
		{"Fancy Bear", []string{"Kaspersky Sofacy", "Crowdstrike DNC June 2016"}, nil, "CrowdStrike"}, // the scheme's owner is among them
		{"Velvet Chollima", []string{"Netscout Stolen Pencil Dec 2018"}, nil, ""},                     // the owner is not
		{"Cozy Bear", []string{"Microsoft Unidentified Dec 2018"}, nil, ""},
		{"STRONTIUM", []string{"Kaspersky Sofacy", "Microsoft STRONTIUM Aug 2019"}, nil, "Microsoft"}, // it has the name in its title
		{"Sofacy", []string{"Kaspersky Sofacy", "Microsoft Sofacy"}, nil, ""},                         // both have
		{"Krypton", []string{"CrowdStrike VENOMOUS BEAR"}, nil, ""},                                   // only uses it
		{"Group123", []string{"FireEye APT37 Feb 2018"}, []string{"Talos Group123"}, "Cisco Talos"},
		{"Reaper", []string{"FireEye APT37 Feb 2018|FireEye. (2018, February 20). APT37 (Reaper): The Overlooked North Korean Actor."}, nil, "FireEye"},
		{"SNAKEMACKEREL", []string{"Accenture SNAKEMACKEREL Nov 2018"}, nil, "Accenture"},
		{"APT38", []string{"FireEye APT38 Oct 2018", "Mandiant APT38"}, nil, "FireEye"}, // one family
		{"Sofacy", nil, nil, ""},
		{"Group 1", []string{"Esetera Group 1 2020"}, nil, ""}, // begins like a vendor
	} {
		var all []document
		var cited []string
		for i, c := range append(tt.cited, tt.also...) {
			key, text, _ := strings.Cut(c, "|")
			all = append(all, documentOf(key, text))
			if i < len(tt.cited) {
				cited = append(cited, key)
			}
		}
		if got := coinedBy(tt.name, cited, all); got != tt.want {
			t.Errorf("coinedBy(%q, %q) = %q, want %q", tt.name, tt.cited, got, tt.want)
		}
	}
}

// TestCleanIsLinear: hostile text takes no longer than other text of its length.
func TestCleanIsLinear(t *testing.T) {
	const n = 1 << 20
	for name, text := range map[string]string{
		"openings":    strings.Repeat("<code>", n) + "</code>",
		"backticks":   "<code>" + strings.Repeat("`", 4*n) + "</code>",
		"citations":   strings.Repeat("(Citation:", n),
		"parentheses": "(Citation:" + strings.Repeat("(", 8*n),
		"both":        strings.Repeat("(Citation: a) <code>", n/2),
	} {
		began := time.Now()
		clean(text)
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("%s: %v", name, took)
		}
	}
	// Many citations of many references.
	var refs, marks []string
	for i := range 50_000 {
		refs = append(refs, fmt.Sprintf(`{"source_name":"S%d","url":"https://contoso.com/%d"}`, i, i))
		marks = append(marks, fmt.Sprintf("(Citation: S%d)", 49_999-i))
	}
	began := time.Now()
	c, _ := decode(t, bundle(heron, object("malware", 3, `"name":"x","is_family":true`), object("relationship", 6, fmt.Sprintf(
		`"relationship_type":"uses","source_ref":%q,"target_ref":%q,"description":"x%s","external_references":[%s]`,
		id("intrusion-set", 1), id("malware", 3), strings.Join(marks, ""), strings.Join(refs, ",")))), Options{})
	if l := c.Records[0].Links; len(l) != 1 || len(l[0].References) != 50_000 || l[0].References[0].URL != "https://contoso.com/49999" || time.Since(began) > 3*time.Second {
		t.Errorf("%d links after %v", len(l), time.Since(began))
	}
}
