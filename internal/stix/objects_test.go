package stix

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"dossier/internal/intel"

	"github.com/google/go-cmp/cmp"
)

// twins are the same objects as STIX 2.0 and 2.1 spell them.
func twins() (v20, v21 string) {
	common := func(typ string, n int, members string) string {
		return fmt.Sprintf(`"type":%q,"id":%q,"created":"2020-01-02T03:04:05.000Z","modified":"2021-01-02T03:04:05.678Z",%s`, typ, id(typ, n), members)
	}
	const (
		attack = `"created_by_ref":"identity--c78cb6e5-0c4b-4611-8297-d1b8b55e40b5","external_references":[{"source_name":"mitre-attack","external_id":"%s","url":"https://attack.mitre.org/%[1]s"},{"source_name":"Reed 2019","url":"https://r.contoso.com/","description":"Reed, A. (2019, May 6). On herons. Retrieved June 1, 2019."}]`
		dates  = `"first_seen":"2018-05-01T00:00:00Z","last_seen":"2019-01-01T10:00:00Z"`
	)
	same := []string{
		common("intrusion-set", 1, `"name":"Quiet Heron","aliases":["Quiet Heron","Grey Wader"],"description":"[Quiet Heron](https://contoso.com/) waits.(Citation: Reed 2019)",`+dates+`,`+fmt.Sprintf(attack, "G9001")),
		common("threat-actor", 2, `"name":"Loud Egret","aliases":["Egret"],"primary_motivation":"espionage","secondary_motivations":["profit"],"goals":["fish"]`),
		common("campaign", 3, `"name":"Operation Reed",`+dates),
		common("attack-pattern", 4, `"name":"Wading","x_mitre_platforms":["Windows"],"kill_chain_phases":[{"kill_chain_name":"mitre-attack","phase_name":"impact"}],`+fmt.Sprintf(attack, "T9001")),
		common("relationship", 10, `"relationship_type":"uses","source_ref":"`+id("intrusion-set", 1)+`","target_ref":"`+id("malware", 5)+`","description":"It used the egg.(Citation: Reed 2019)","external_references":[{"source_name":"Reed 2019","url":"https://r.contoso.com/"}]`),
		common("relationship", 11, `"relationship_type":"indicates","source_ref":"`+id("indicator", 7)+`","target_ref":"`+id("malware", 5)+`"`),
		common("report", 9, `"name":"On herons","published":"2019-05-06T00:00:00Z","object_refs":["`+id("indicator", 8)+`","`+id("intrusion-set", 1)+`"]`),
		common("sighting", 12, `"sighting_of_ref":"`+id("indicator", 7)+`","first_seen":"2018-01-01T01:00:00Z","last_seen":"2022-01-01T01:00:00Z","count":3`),
	}
	only20 := []string{
		common("malware", 5, `"name":"Grey Egg","labels":["backdoor","malware"],"x_mitre_aliases":["Grey Egg","Shell"]`),
		common("tool", 6, `"name":"CommonShell","labels":["remote-access","tool"]`),
		common("indicator", 7, `"labels":["malicious-activity"],"pattern":"[domain-name:value = 'a.contoso.com'] START '2016-06-01T00:00:00Z' STOP '2017-06-01T00:00:00Z'","valid_from":"2020-02-02T10:00:00Z"`),
		common("indicator", 8, `"labels":["malicious-activity"],"pattern":"[file:hashes.MD5 = '`+sumMD5+`']"`),
	}
	only21 := []string{
		common("malware", 5, `"spec_version":"2.1","is_family":true,"name":"Grey Egg","malware_types":["backdoor"],"labels":["seen-by-us"],"aliases":["Grey Egg","Shell"]`),
		common("tool", 6, `"spec_version":"2.1","name":"CommonShell","tool_types":["remote-access"]`),
		common("indicator", 7, `"spec_version":"2.1","indicator_types":["malicious-activity"],"pattern_type":"stix","pattern_version":"2.1","pattern":"[domain-name:value = 'a.contoso.com'] START t'2016-06-01T00:00:00Z' STOP t'2017-06-01T00:00:00Z'","valid_from":"2020-02-02T10:00:00Z"`),
		common("indicator", 8, `"spec_version":"2.1","indicator_types":["malicious-activity"],"pattern_type":"stix","pattern":"[file:hashes.MD5 = '`+sumMD5+`']"`),
	}
	v20 = `{"type":"bundle","id":"bundle--1","spec_version":"2.0","objects":[{` + strings.Join(append(slices.Clone(same), only20...), "},\n{") + `}]}`
	for i := range same {
		same[i] = `"spec_version":"2.1",` + same[i]
	}
	v21 = `{"type":"bundle","id":"bundle--2","objects":[{` + strings.Join(append(same, only21...), "},\n{") + `}]}`
	return v20, v21
}

func TestTwins(t *testing.T) {
	v20, v21 := twins()
	want, ds20 := decode(t, v20, Options{})
	got, ds21 := decode(t, v21, Options{})
	if len(want.Records) != 4 || len(want.Observations) != 2 || len(want.Rejects) != 1 {
		// Two of ATT&CK are copies in such a file, and a relationship of one.
		t.Fatalf("%d records, %d observations, %+v", len(want.Records), len(want.Observations), want.Rejects)
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(collector{})); diff != "" || ds20 != ds21 {
		t.Errorf("2.0 and 2.1: %+v, %+v\n%s", ds20, ds21, diff)
	}
	// As ATT&CK's own they count.
	want, _ = decode(t, v20, Options{Publisher: intel.MitreAttack})
	got, _ = decode(t, v21, Options{Publisher: intel.MitreAttack})
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(collector{})); diff != "" || len(want.Records) != 6 {
		t.Errorf("as ATT&CK: %d records\n%s", len(want.Records), diff)
	}
	r := want.Records[0]
	if r.Title != "Quiet Heron" || r.Description != "[Quiet Heron](https://contoso.com/) waits." || r.FirstActive[0].String() != "2018-05-01" || r.LastActive.String() != "2019-01-01T10:00:00Z" {
		t.Errorf("%+v", r)
	}
	if !slices.Equal(r.IDs, []intel.ExternalID{{Issuer: intel.MitreAttack, ID: "G9001", URL: "https://attack.mitre.org/G9001"}}) ||
		len(r.References) != 1 || r.References[0].Title != "On herons" || r.References[0].Date.String() != "2019-05-06" {
		t.Errorf("%+v, %+v", r.IDs, r.References)
	}
	if len(r.Links) != 1 || r.Links[0].Text != "It used the egg." || r.Links[0].Name != "Grey Egg" || len(r.Links[0].References) != 1 {
		t.Errorf("%+v", r.Links)
	}
	if egret := want.Records[1]; !slices.Equal(egret.Motives, []string{"espionage", "profit", "fish"}) {
		t.Errorf("%q", egret.Motives)
	}
	if wading := want.Records[3]; !slices.Equal(wading.Tactics, []string{"impact"}) || !slices.Equal(wading.Platforms, []string{"Windows"}) {
		t.Errorf("%+v", wading)
	}
	if egg := want.Records[4]; !slices.Equal(egg.ToolTypes, []string{"backdoor"}) || len(egg.Names) != 1 || egg.Names[0].Value != "Shell" {
		t.Errorf("%+v", egg)
	}
}

// TestWithdrawn: what its publisher has withdrawn stays, marked; relationships
// to it stay as well, and revoked-by leads on.
func TestWithdrawn(t *testing.T) {
	old := object("intrusion-set", 2, `"name":"Old Heron","revoked":true`)
	stale := object("malware", 3, `"name":"Stale Egg","is_family":true,"x_mitre_deprecated":true`)
	c, _ := decode(t, bundle(heron, old, stale,
		relationship(6, "revoked-by", id("intrusion-set", 2), id("intrusion-set", 1)),
		relationship(7, "uses", id("intrusion-set", 1), id("malware", 3)),
		indicate(8, "a.contoso.com", `"revoked":true`),
		strings.TrimSuffix(relationship(9, "uses", id("intrusion-set", 1), id("intrusion-set", 2)), "}")+`,"revoked":true}`,
	), Options{Publisher: "p"})
	if len(c.Records) != 4 || len(c.Rejects) != 0 {
		t.Fatalf("%d records, %+v", len(c.Records), c.Rejects)
	}
	if r := c.Records[3]; r.Kind != intel.Part || !r.Revoked || r.Key != id("relationship", 9) { // another file may have brought it
		t.Errorf("%+v", r)
	}
	if r := c.Records[1]; !r.Revoked || r.Live() || len(r.Links) != 1 || r.Links[0].Relation != intel.RevokedBy || r.Links[0].To != c.Records[0].Ref {
		t.Errorf("%+v", r)
	}
	if r := c.Records[2]; !r.Deprecated || r.Live() {
		t.Errorf("%+v", r)
	}
	if r := c.Records[0]; len(r.Links) != 1 || r.Links[0].To.Key != id("malware", 3) {
		t.Errorf("%+v", r.Links)
	}
	if len(c.Observations) != 1 || !c.Observations[0].Revoked {
		t.Errorf("%+v", c.Observations)
	}
}

// TestVersions: of several versions of an object the newest counts, wherever it
// stands, also if it is the one that withdraws.
func TestVersions(t *testing.T) {
	newer := func(object string) string { return strings.Replace(object, "2021-01-02", "2022-01-02", 1) }
	revoked := func(object string) string { return strings.TrimSuffix(object, "}") + `,"revoked":true}` }
	renamed := newer(strings.ReplaceAll(heron, "Quiet Heron", "Late Heron"))
	egg := object("malware", 3, `"name":"Grey Egg","is_family":true`)
	uses := relationship(6, "uses", id("intrusion-set", 1), id("malware", 3))
	sight := object("sighting", 7, `"sighting_of_ref":"`+id("indicator", 4)+`","last_seen":"2022-01-01T01:00:00Z"`)
	for _, tt := range []struct {
		name    string
		objects []string
		want    string
	}{
		{"a record", []string{heron, renamed}, "Late Heron 0 "},
		{"once more", []string{heron, heron}, "Quiet Heron 0 "},
		{"a relationship", []string{heron, egg, uses}, "Quiet Heron 1 "},
		{"withdrawn", []string{heron, egg, uses, newer(revoked(uses))}, "Quiet Heron 0 "},
		{"and made again", []string{heron, egg, revoked(uses), newer(uses)}, "Quiet Heron 1 "},
		{"a sighting", []string{heron, indicate(4, "a.contoso.com", ""), sight}, "Quiet Heron 0 2022-01-01T01:00:00Z"},
		{"withdrawn", []string{heron, indicate(4, "a.contoso.com", ""), sight, newer(revoked(sight))}, "Quiet Heron 0 "},
		{"of nothing", []string{heron, indicate(4, "a.contoso.com", ""), sight, newer(strings.TrimSuffix(sight, "}") + `,"count":0}`)}, "Quiet Heron 0 "},
	} {
		for _, backwards := range []bool{false, true} {
			if backwards {
				slices.Reverse(tt.objects)
			}
			c, _ := decode(t, bundle(tt.objects...), Options{})
			i := slices.IndexFunc(c.Records, func(r *intel.Record) bool { return r.Kind == intel.Actor })
			got := fmt.Sprintf("%s %d ", c.Records[i].Title, len(c.Records[i].Links))
			for _, o := range c.Observations {
				got += o.LastSeen.String()
			}
			if got != tt.want {
				t.Errorf("%s, backwards %t: %q, want %q", tt.name, backwards, got, tt.want)
			}
		}
	}
}

// TestPredefinedMarkings: the markings that need no definition in the file, by
// the names that the standards give them.
func TestPredefinedMarkings(t *testing.T) {
	for want, ids := range map[intel.TLP][]string{
		intel.Clear:       {"613f2e26-407d-48c7-9eca-b8e91df99dc9", "94868c89-83c2-464b-929b-a1a8aa3c8487"},
		intel.Green:       {"34098fce-860f-48ae-8e50-ebd3cc5e41da", "bab4a63c-aed9-4cf5-a766-dfca5abac2bb"},
		intel.Amber:       {"f88d31f6-486f-44da-b317-01333bde0b82", "55d920b0-5e8b-4f79-9ee9-91f868d9b421"},
		intel.AmberStrict: {"939a9414-2ddd-4d32-a0cd-375ea402b003"},
		intel.Red:         {"5e57c739-391a-4eb3-b6be-7d15ca92d5ed", "e828b379-4e03-4974-9ac4-e53a884c97c1"},
	} {
		for _, uuid := range ids {
			ref := "marking-definition--" + uuid
			// A file cannot define it anew.
			c, _ := decode(t, bundle(object("tool", 1, `"name":"x","object_marking_refs":["`+ref+`"]`),
				`{"type":"marking-definition","id":"`+ref+`","created":"2020-01-01T00:00:00Z","definition_type":"tlp","definition":{"tlp":"green"}}`), Options{})
			if c.Records[0].TLP != want {
				t.Errorf("%s: %s, want %s", ref, c.Records[0].TLP, want)
			}
		}
	}
	green, red := `"34098fce-860f-48ae-8e50-ebd3cc5e41da"`, `marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed`
	green = `"marking-definition--` + green[1:]
	own := id("marking-definition", 1)
	for _, tt := range []struct {
		name, members, definition string
		want                      intel.TLP
	}{
		{"the strictest of several", `"object_marking_refs":[` + green + `,"` + red + `"]`, "", intel.Red},
		{"of the object and its parts", `"object_marking_refs":[` + green + `],"granular_markings":[{"lang":"en","selectors":["name"]},{"marking_ref":"` + red + `","selectors":["description"]}]`, "", intel.Red},
		{"not in the file", `"object_marking_refs":["` + own + `"]`, "", intel.Red},
		{"MITRE's copyright, not in the file", `"object_marking_refs":["` + mitreCopyright + `"]`, "", intel.Clear},
		{"a statement", `"object_marking_refs":["` + own + `"]`, `"definition_type":"statement","definition":{"statement":"x"}`, intel.Clear},
		{"by its name", `"object_marking_refs":["` + own + `"]`, `"name":"TLP:AMBER+STRICT","definition_type":"statement","definition":{"statement":"x"}`, intel.AmberStrict},
		{"upper case", `"object_marking_refs":["` + own + `"]`, `"definition_type":"TLP","definition":{"TLP":"TLP:AMBER"}`, intel.Amber},
		{"a word that nobody knows is the strictest", `"object_marking_refs":["` + own + `"]`, `"definition_type":"tlp","definition":{"tlp":"purple"}`, intel.Red},
	} {
		text := bundle(object("tool", 1, `"name":"x",`+tt.members))
		if tt.definition != "" {
			text = bundle(object("tool", 1, `"name":"x",`+tt.members), object("marking-definition", 1, tt.definition))
		}
		if c, _ := decode(t, text, Options{}); c.Records[0].TLP != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, c.Records[0].TLP, tt.want)
		}
	}
}

// TestSides: identities and locations become targets, origins and affiliations.
func TestSides(t *testing.T) {
	actor := id("intrusion-set", 1)
	c, _ := decode(t, bundle(heron,
		object("location", 1, `"name":"France","country":"FR"`),
		object("location", 2, `"name":"Europe","region":"europe"`),
		object("location", 3, `"name":"Utopia","x_opencti_location_type":"Country"`),
		object("identity", 1, `"name":"Banks","identity_class":"class"`),
		object("identity", 2, `"name":"Contoso","identity_class":"organization","sectors":["energy","utilities"]`),
		object("identity", 3, `"name":"J. Doe","identity_class":"individual"`),
		object("identity", 4, `"name":"Ministry of Reeds","identity_class":["organization"]`),
		relationship(1, "targets", actor, id("location", 1)),
		relationship(2, "targets", actor, id("location", 2)),
		relationship(3, "originates-from", actor, id("location", 3)),
		relationship(4, "targets", actor, id("identity", 1)),
		relationship(5, "targets", actor, id("identity", 2)),
		relationship(6, "targets", actor, id("identity", 3)),
		relationship(7, "attributed-to", actor, id("identity", 4)),
		relationship(8, "targets", actor, id("location", 1)), // again
		relationship(9, "targets", actor, id("location", 9)), // not there
	), Options{})
	r := c.Records[0]
	want := []intel.Target{{Kind: intel.TargetCountry, Value: "FR"}, {Kind: intel.TargetRegion, Value: "europe"}, {Kind: intel.TargetSector, Value: "Banks"}, {Kind: intel.TargetSector, Value: "energy"}, {Kind: intel.TargetSector, Value: "utilities"}}
	if diff := cmp.Diff(want, r.Targets); diff != "" {
		t.Error(diff)
	}
	if len(r.Origins) != 1 || r.Origins[0].Country != "Utopia" || len(r.Affiliations) != 1 || r.Affiliations[0].Body != "Ministry of Reeds" {
		t.Errorf("%+v, %+v", r.Origins, r.Affiliations)
	}
	if len(c.Rejects) != 1 || c.Rejects[0].Reason != "relationship to an object that is not in the file" || c.Rejects[0].Sample != id("location", 9) {
		t.Errorf("%+v", c.Rejects)
	}
}

// TestNumbers: a confidence may be written as 85.0; what is no confidence is
// noted and costs only itself or, if it is of the wrong type, the object.
func TestNumbers(t *testing.T) {
	for _, tt := range []struct {
		confidence string
		want       int8 // -1: no observation
		reason     string
	}{
		{"85", 85, ""},
		{"85.0", 85, ""},
		{"1e2", 100, ""},
		{"null", 0, ""},
		{"0", 1, ""},
		{"101", 0, "confidence out of range"},
		{"-1", 0, ""}, // as if absent
		{"-5", 0, "confidence out of range"},
		{"85.5", -1, "malformed object"},
		{"1e300", -1, "malformed object"},
		{`"85"`, -1, "malformed object"},
	} {
		c, _ := decode(t, bundle(indicate(4, "a.contoso.com", `"confidence":`+tt.confidence)), Options{})
		got, reason := int8(-1), ""
		if len(c.Observations) == 1 {
			got = c.Observations[0].Confidence
		}
		if len(c.Rejects) == 1 {
			reason = c.Rejects[0].Reason
		}
		if got != tt.want || reason != tt.reason {
			t.Errorf("%s: %d, %q", tt.confidence, got, reason)
		}
	}
}

// TestPositions: a reject says which object, also of lists of bundles, and an
// object after several bundles.
func TestPositions(t *testing.T) {
	bad := `{"type":"tool","id":"` + id("tool", 7) + `"}`
	for text, want := range map[string]string{
		bundle(heron, bad):                                 "objects[1] (" + id("tool", 7) + ")",
		"[" + bundle(heron, bad) + "]":                     "objects[0].objects[1] (" + id("tool", 7) + ")",
		bundle(heron) + bundle(bad):                        "objects[1] (" + id("tool", 7) + ")",
		heron + "\n" + bad:                                 "objects[1] (" + id("tool", 7) + ")",
		`{"more":true,"next":"5","objects":[` + bad + `]}`: "objects[0] (" + id("tool", 7) + ")",
	} {
		if c, _ := decode(t, text, Options{}); len(c.Rejects) != 1 || c.Rejects[0].Position != want {
			t.Errorf("%.40s: %+v, want %s", text, c.Rejects, want)
		}
	}
	// A bundle in a bundle in a bundle is not read, and that is said.
	c, _ := decode(t, bundle(bundle(heron, bundle(heron))), Options{})
	if len(c.Records) != 1 || len(c.Rejects) != 1 || c.Rejects[0].Position != "objects[0].objects[1]" || c.Rejects[0].Reason != "objects of a bundle that is not at the top" {
		t.Errorf("%d records, %+v", len(c.Records), c.Rejects)
	}
}
