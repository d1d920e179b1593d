package stix

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"dossier/internal/intel"
)

// indicate makes an indicator of a domain.
func indicate(n int, domain, more string) string {
	if more != "" {
		more = "," + more
	}
	return object("indicator", n, fmt.Sprintf(`"pattern":"[domain-name:value = '%s']","pattern_type":"stix","valid_from":"2020-02-02T10:00:00Z"%s`, domain, more))
}

// listing makes a report that lists objects.
func listing(n int, more string, refs ...string) string {
	if more != "" {
		more = "," + more
	}
	return object("report", n, fmt.Sprintf(`"name":"r","object_refs":["%s"]%s`, strings.Join(refs, `","`), more))
}

func subjectKeys(o *intel.Observation) string {
	var keys []string
	for _, r := range o.Subjects {
		typ, _, _ := strings.Cut(r.Key, "--")
		keys = append(keys, typ)
	}
	return strings.Join(keys, " ")
}

func TestSubjects(t *testing.T) {
	egret := object("threat-actor", 10, `"name":"Loud Egret"`)
	egg := object("malware", 3, `"name":"Grey Egg","is_family":true`)
	common := object("tool", 11, `"name":"CommonShell"`)
	reed := object("campaign", 2, `"name":"Operation Reed"`)
	ind := indicate(4, "a.contoso.com", "")
	actor, actor2, malware, tool, camp, in := id("intrusion-set", 1), id("threat-actor", 10), id("malware", 3), id("tool", 11), id("campaign", 2), id("indicator", 4)
	for _, tt := range []struct {
		name, text, want string
	}{
		{"nobody", bundle(ind, heron), ""},
		{"a report names one actor", bundle(ind, heron, listing(5, "", actor, in)), "intrusion-set"},
		{"and malware", bundle(ind, heron, egg, listing(5, "", malware, actor, in)), "intrusion-set malware"},
		{"a common tool beside the actor is not meant", bundle(ind, heron, common, listing(5, "", tool, actor, in)), "intrusion-set"},
		{"the tool alone is", bundle(ind, common, listing(5, "", tool, in)), "tool"},
		{"two actors: it may be either", bundle(ind, heron, egret, listing(5, "", actor, actor2, in)), ""},
		{"a report without objects of ours", bundle(ind, listing(5, "", in)), ""},
		{"own relationships go before reports", bundle(ind, heron, egg, listing(5, "", actor, in), relationship(6, "indicates", in, malware)), "malware"},
		{"a campaign that nobody is named for", bundle(ind, reed, relationship(6, "indicates", in, camp)), "campaign"},
		{"a campaign stands for its actor", bundle(ind, reed, heron, relationship(6, "indicates", in, camp), relationship(7, "attributed-to", camp, actor)), "intrusion-set"},
		{"also in a report", bundle(ind, reed, heron, listing(5, "", camp, in), relationship(7, "attributed-to", camp, actor)), "intrusion-set"},
		{"a technique is no subject", bundle(ind, relationship(6, "indicates", in, id("attack-pattern", 8))), ""},
		{"an actor that is in another file", bundle(ind, relationship(6, "indicates", in, actor)), "intrusion-set"},
	} {
		c, _ := decode(t, tt.text, Options{Publisher: "p"})
		if len(c.Observations) != 1 {
			t.Errorf("%s: %d observations", tt.name, len(c.Observations))
			continue
		}
		if got := subjectKeys(c.Observations[0]); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestObservationFields(t *testing.T) {
	const sum = "0123456789abcdef0123456789abcdef"
	pattern := func(p, more string) string {
		if more != "" {
			more = "," + more
		}
		return bundle(object("indicator", 4, fmt.Sprintf(`"pattern":%q%s`, p, more)))
	}
	for _, tt := range []struct {
		name, text, want string // of the first observation
	}{
		{
			"the name of a file beside its hash is context",
			pattern("[file:hashes.MD5 = '"+sum+"' AND file:name = 'egg.exe']", `"valid_from":"2020-02-02T10:00:00Z"`),
			sum + " 2020-02-02T10:00:00Z stated 0 egg.exe",
		},
		{
			"a name that repeats the value is left out",
			pattern("[domain-name:value = 'a[.]contoso.com']", `"name":"A.contoso.com","description":"Seen in spring.","valid_from":"2024-04-12T00:00:00.001Z"`),
			"a.contoso.com 2024-04-12 stated 0 Seen in spring.",
		},
		{
			"no valid_from",
			pattern("[domain-name:value = 'a.contoso.com']", `"confidence":60`),
			"a.contoso.com 2020-01-02T03:04:05Z created 60 ",
		},
		{
			"a confidence of zero is a statement",
			pattern("[domain-name:value = 'a.contoso.com']", `"confidence":0`),
			"a.contoso.com 2020-01-02T03:04:05Z created 1 ",
		},
		{
			"one of a sequence is half as sure",
			pattern("[domain-name:value = 'a.contoso.com'] FOLLOWEDBY [domain-name:value = 'b.contoso.com']", `"confidence":60`),
			"a.contoso.com 2020-01-02T03:04:05Z created 30 one of several signs that count together",
		},
		{
			"and of low confidence where none is stated",
			pattern("[domain-name:value = 'a.contoso.com'] AND [domain-name:value = 'b.contoso.com']", ""),
			"a.contoso.com 2020-01-02T03:04:05Z created 25 one of several signs that count together",
		},
		{
			"a year that nobody means",
			pattern("[domain-name:value = 'a.contoso.com']", `"valid_from":"1970-01-01T00:00:00Z"`),
			"a.contoso.com 2020-01-02T03:04:05Z created 0 ",
		},
		{
			"a hash under another's name",
			pattern("[file:hashes.'SHA-256' = '"+sum+"']", ""),
			sum + " 2020-01-02T03:04:05Z created 0 ",
		},
	} {
		c, _ := decode(t, tt.text, Options{})
		if len(c.Observations) == 0 {
			t.Errorf("%s: no observation; %+v", tt.name, c.Rejects)
			continue
		}
		o := c.Observations[0]
		if got := fmt.Sprintf("%s %s %s %d %s", o.Observable.Value, o.FirstSeen, o.FirstSeen.Basis, o.Confidence, o.Context); got != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.name, got, tt.want)
		}
	}
}

// TestOneID: equally new indicators of one id with different patterns all
// count; a newer version replaces an older one.
func TestOneID(t *testing.T) {
	first, second := indicate(4, "a.contoso.com", ""), indicate(4, "b.contoso.com", "")
	newer := strings.Replace(second, "2021-01-02", "2021-01-03", 1)
	values := func(objects ...string) (got []string) {
		c, _ := decode(t, bundle(objects...), Options{})
		for _, o := range c.Observations {
			got = append(got, o.Observable.Value)
		}
		return got
	}
	if got := values(first, second, first); !slices.Equal(got, []string{"a.contoso.com", "b.contoso.com"}) {
		t.Errorf("two patterns of one day: %v", got)
	}
	if got := values(newer, first); !slices.Equal(got, []string{"b.contoso.com"}) {
		t.Errorf("two versions: %v", got)
	}
}

func TestBenign(t *testing.T) {
	for _, more := range []string{`"indicator_types":["benign"]`, `"labels":["benign"]`} {
		c, _ := decode(t, bundle(indicate(4, "a.contoso.com", more)), Options{})
		if len(c.Observations) != 0 || len(c.Rejects) != 1 || c.Rejects[0].Reason != "benign indicator" {
			t.Errorf("%s: %d observations, %+v", more, len(c.Observations), c.Rejects)
		}
	}
}

// TestTiesAreMarked: what ties an indicator to an actor may be more restricted
// than the indicator. Who may not see it sees what would be there without it.
func TestTiesAreMarked(t *testing.T) {
	const (
		red   = `"object_marking_refs":["marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"]`
		amber = `"object_marking_refs":["marking-definition--f88d31f6-486f-44da-b317-01333bde0b82"]`
	)
	marked := func(object, marking string) string { return strings.TrimSuffix(object, "}") + "," + marking + "}" }
	ind, actor, malware, camp := id("indicator", 4), id("intrusion-set", 1), id("malware", 3), id("campaign", 2)
	tie := relationship(6, "indicates", ind, actor)
	egg := object("malware", 3, `"name":"Grey Egg","is_family":true`)
	reed := object("campaign", 2, `"name":"Operation Reed"`)
	report := listing(5, `"published":"2019-03-04T05:06:07Z","external_references":[{"source_name":"r","url":"https://r.contoso.com/"}]`, actor, ind)
	plain := object("indicator", 4, `"pattern":"[domain-name:value = 'a.contoso.com']"`)
	const created, published = "2020-01-02T03:04:05Z ", "2019-03-04T05:06:07Z https://r.contoso.com/"
	for _, tt := range []struct {
		name, text string
		want       []string // marking, subjects, first seen and document of every observation
	}{
		{"none", bundle(plain, heron, tie), []string{"clear intrusion-set " + created}},
		{"relationship", bundle(plain, heron, marked(tie, red)), []string{"clear  " + created, "red intrusion-set " + created}},
		{"report", bundle(plain, heron, marked(report, red)), []string{"clear  " + created, "red intrusion-set " + published}},
		{"two levels", bundle(plain, heron, egg, marked(tie, red), relationship(7, "indicates", ind, malware)), []string{"clear malware " + created, "red intrusion-set " + created}},
		{"said openly as well", bundle(plain, heron, marked(tie, red), relationship(7, "indicates", ind, actor)), []string{"clear intrusion-set " + created}},
		{
			"attribution of a campaign", bundle(plain, heron, reed, relationship(7, "indicates", ind, camp), marked(relationship(8, "attributed-to", camp, actor), amber)),
			[]string{"clear campaign " + created, "amber intrusion-set " + created},
		},
		{
			"a restricted campaign", bundle(plain, heron, marked(reed, amber), relationship(7, "indicates", ind, camp), relationship(8, "attributed-to", camp, actor)),
			[]string{"clear campaign " + created, "amber intrusion-set " + created}, // the campaign's own record is amber
		},
		{"the indicator is red itself", bundle(marked(plain, red), heron, marked(tie, amber)), []string{"red intrusion-set " + created}},
		{
			"a red sighting", bundle(plain, marked(object("sighting", 6, `"sighting_of_ref":"`+ind+`","first_seen":"2018-01-01T01:00:00Z","last_seen":"2022-01-01T01:00:00Z"`), red)),
			[]string{"clear  " + created}, // its dates are nobody's
		},
		{"a red report beside open ties", bundle(plain, heron, tie, marked(report, red)), []string{"clear intrusion-set " + created}},
	} {
		c, _ := decode(t, tt.text, Options{})
		var got []string
		for _, o := range c.Observations {
			got = append(got, fmt.Sprintf("%s %s %s %s", o.TLP, subjectKeys(o), o.FirstSeen, o.Reference))
			if o.LastSeen != 0 {
				t.Errorf("%s: last seen %s", tt.name, o.LastSeen)
			}
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s:\n got %q\nwant %q", tt.name, got, tt.want)
		}
	}
}

// TestPlaybook: Unit 42 wraps a malware family in an intrusion set, and says by
// nesting reports which campaigns are its.
func TestPlaybook(t *testing.T) {
	set := object("intrusion-set", 1, `"name":"Grey Egg Malware"`)
	c, ds := decode(t, bundle(set,
		object("campaign", 2, `"name":"Eggs in spring"`), indicate(4, "a.contoso.com", ""),
		relationship(6, "indicates", id("indicator", 4), id("campaign", 2)),
		listing(7, `"labels":["atom-playbook","intrusion-set"],"description":"Grey Egg steals."`, id("intrusion-set", 1), id("report", 8)),
		listing(8, `"labels":["campaign"]`, id("campaign", 2), id("indicator", 4)),
	), Options{})
	if ds.Publisher != "unit42" || len(c.Records) != 2 || len(c.Observations) != 1 {
		t.Fatalf("%+v: %d records, %d observations", ds, len(c.Records), len(c.Observations))
	}
	tool, campaign := c.Records[0], c.Records[1]
	if tool.Kind != intel.Tool || len(tool.Names) != 1 || tool.Names[0].Value != "Grey Egg" || tool.Description != "Grey Egg steals." {
		t.Errorf("the family: %+v", tool)
	}
	if len(campaign.Links) != 1 || campaign.Links[0].Relation != intel.Uses || campaign.Links[0].To != tool.Ref {
		t.Errorf("the campaign: %+v", campaign.Links)
	}
	if s := c.Observations[0].Subjects; len(s) != 1 || s[0] != tool.Ref {
		t.Errorf("the indicator is of %v, want %v", s, tool.Ref)
	}
}

// TestCopiesOfATTACK: MITRE's objects in another's file are linked to and not
// emitted, also under an option.
func TestCopiesOfATTACK(t *testing.T) {
	technique := object("attack-pattern", 8, `"name":"Phishing","created_by_ref":"`+mitreIdentity+`","external_references":[{"source_name":"mitre-attack","external_id":"T1566"}]`)
	text := bundle(heron, technique, relationship(6, "uses", id("intrusion-set", 1), id("attack-pattern", 8)))
	for _, publisher := range []string{"", "ours"} {
		c, _ := decode(t, text, Options{Publisher: publisher})
		if len(c.Records) != 1 || len(c.Records[0].Links) != 1 {
			t.Fatalf("%q: %d records", publisher, len(c.Records))
		}
		if l := c.Records[0].Links[0]; l.To.Publisher != intel.MitreAttack || l.ID.ID != "T1566" || l.Name != "Phishing" {
			t.Errorf("%q: %+v", publisher, l)
		}
	}
	if c, ds := decode(t, bundle(technique), Options{}); len(c.Records) != 1 || ds.Publisher != intel.MitreAttack || ds.Snapshot {
		t.Errorf("a part of ATT&CK by itself: %d records, %+v", len(c.Records), ds)
	}
}

// TestLarge: time grows with the input, not with its square.
func TestLarge(t *testing.T) {
	const n = 20_000
	var refs, set, aliases []string
	objects := []string{heron}
	for i := range n {
		objects = append(objects, indicate(100+i, fmt.Sprintf("d%d.contoso.com", i), ""))
		refs = append(refs, id("indicator", 100+i))
		set = append(set, fmt.Sprintf("'s%d.contoso.com'", i))
		aliases = append(aliases, fmt.Sprintf(`"Name %d"`, i))
	}
	objects = append(objects,
		listing(5, "", append(refs, id("intrusion-set", 1))...),
		object("indicator", 6, `"pattern":"[domain-name:value IN (`+strings.Join(set, ",")+`)]"`),
		object("tool", 7, `"name":"Many","aliases":[`+strings.Join(aliases, ",")+`]`))
	began := time.Now()
	c, _ := decode(t, bundle(objects...), Options{})
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("took %v", took)
	}
	if len(c.Observations) != 2*n || len(c.Records[1].Names) != n {
		t.Errorf("%d observations, %d names", len(c.Observations), len(c.Records[1].Names))
	}
}
