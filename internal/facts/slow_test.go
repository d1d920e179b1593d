package facts

import (
	"strings"
	"testing"
	"time"
)

// Hostile texts of the largest size cost no more than the same amount of prose:
// nothing here is quadratic in the length of a text.
func TestHostileTexts(t *testing.T) {
	for name, unit := range map[string]string{
		"words": "a ", "open links": "[", "open tags": "<", "citations": "(Citation: ", "the group": "the group ", "names": "Iron Heron ",
		"others": "APT1 ", "links": "[A](https://attack.mitre.org/groups/G0001) is ", "since": "since 2014 ", "targets": "Iron Heron targets ", "places": "North Korea, ",
		"stops": ". ", "lines": "\n", "parens": "(((", "laws": "Iron Heron members were indicted ", "bodies": "attributed to GRU Unit ", "countries": "People's Republic of ", "ransomware": "ransomware of the ",
	} {
		for _, kind := range []string{"actor", "malware--1"} {
			r := actor("Iron Heron " + strings.Repeat(unit, maxText/len(unit)))
			if kind != "actor" {
				r = tool(kind, "Quillback is a "+strings.Repeat(unit, maxText/len(unit)))
			}
			start := time.Now()
			Enrich(r)
			// A quadratic reading takes minutes; a loaded machine needs some slack.
			if d := time.Since(start); d > 3*time.Second {
				t.Errorf("%s of %s: %v", kind, name, d)
			} else {
				t.Logf("%s of %s: %v", kind, name, d)
			}
		}
	}
}
