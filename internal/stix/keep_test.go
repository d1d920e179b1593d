package stix

import (
	"fmt"
	"strings"
	"testing"

	"dossier/internal/intel"
)

// TestKeep: what says more than plain values is kept as it is written, and what is
// wrong is not.
func TestKeep(t *testing.T) {
	const red = "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"
	actor, in := id("intrusion-set", 1), id("indicator", 2)
	for _, tt := range []struct{ pattern, typ, more, want string }{
		{"[domain-name:value = 'a.contoso.com']", "stix", "", ""},
		{"[file:size = 5 AND file:hashes.MD5 = '0123456789abcdef0123456789abcdef']", "stix", "", ""}, // the hash says it all
		{"[process:command_line MATCHES '^x']", "stix", "", "stix: no observable: process:command_line"},
		{"[domain-name:value LIKE '%.contoso.com']", "stix", "", "stix: comparison LIKE"},
		{"[domain-name:value = 'a.contoso.com'] FOLLOWEDBY [url:value = 'http://b.contoso.com/x']", "stix", "", "stix: several signs that count together"},
		{"[domain-name:value = 'a.contoso.com'] OR [process:name = 'x']", "stix", "", "stix: no observable: process:name"},
		{"[ipv4-addr:value = '10.0.0.1']", "stix", "", ""}, // a plain value, and no good
		{"rule x { condition: true }", "yara", "", "yara: pattern type yara"},
		{"[domain-name:value = ", "stix", "", ""}, // malformed
		{"rule x { condition: true }", "yara", `,"labels":["benign"]`, ""},
		{"rule x { condition: true }", "yara", `,"revoked":true`, "yara: pattern type yara revoked"},
		{"rule x { condition: true }", "yara", `,"object_marking_refs":["` + red + `"]`, "yara: pattern type yara red"},
	} {
		ind := object("indicator", 2, fmt.Sprintf(`"name":"n","pattern":%q,"pattern_type":%q,"valid_from":"2020-01-02T03:04:05Z"%s`, tt.pattern, tt.typ, tt.more))
		c, _ := decode(t, bundle(ind, heron, relationship(6, "indicates", in, actor)), Options{Publisher: "p"})
		var got []string
		for _, p := range c.Patterns {
			text := p.Type + ": " + p.Reason
			if p.Revoked {
				text += " revoked"
			}
			if p.TLP != intel.Clear {
				text += " " + p.TLP.String()
			}
			got = append(got, text)
			if p.Text != tt.pattern || p.Key != in || p.Name != "n" || len(p.Subjects) != 1 || p.Subjects[0].Key != actor || p.Subjects[0].TLP != p.TLP {
				t.Errorf("%s: %+v", tt.pattern, p)
			}
		}
		if strings.Join(got, "; ") != tt.want {
			t.Errorf("%s: %q, want %q", tt.pattern, got, tt.want)
		}
	}
	// A tie that is marked more strictly is said under that.
	ind := object("indicator", 2, `"name":"n","pattern":"rule","pattern_type":"yara","valid_from":"2020-01-02T03:04:05Z"`)
	tie := object("relationship", 6, fmt.Sprintf(`"relationship_type":"indicates","source_ref":%q,"target_ref":%q,"object_marking_refs":[%q]`, in, actor, red))
	c, _ := decode(t, bundle(ind, heron, tie), Options{Publisher: "p"})
	if len(c.Patterns) != 1 || len(c.Patterns[0].Subjects) != 1 || c.Patterns[0].TLP != intel.Clear || c.Patterns[0].Subjects[0].TLP != intel.Red {
		t.Errorf("%+v", c.Patterns)
	}
	long := object("indicator", 2, fmt.Sprintf(`"pattern":"%s","pattern_type":"yara","valid_from":"2020-01-02T03:04:05Z"`, strings.Repeat("x", intel.MaxPattern+1)))
	if c, _ := decode(t, bundle(long), Options{Publisher: "p"}); len(c.Patterns) != 0 || len(c.Rejects) != 2 {
		t.Errorf("too long: %d patterns, %d rejects", len(c.Patterns), len(c.Rejects))
	}
}
