package resolve

import (
	"slices"
	"strings"
	"testing"

	"dossier/internal/intel"
)

// The rules one by one, on small sets. The answer is the records' keys, those
// of one cell in one word.
func TestRules(t *testing.T) {
	id := func(r *intel.Record, ids ...string) *intel.Record {
		for _, i := range ids {
			r.IDs = append(r.IDs, intel.ExternalID{Issuer: intel.MitreAttack, ID: i})
		}
		return r
	}
	from := func(r *intel.Record, country string) *intel.Record {
		r.Origins = append(r.Origins, intel.Origin{Country: country})
		return r
	}
	cites := func(r *intel.Record, url string) *intel.Record {
		r.References = append(r.References, intel.Reference{URL: url})
		return r
	}
	link := func(r *intel.Record, rel intel.Relation, to intel.Ref) *intel.Record {
		r.Links = append(r.Links, intel.Link{Relation: rel, To: to})
		return r
	}
	revoked := func(r *intel.Record) *intel.Record { r.Revoked = true; return r }
	mention := func(r *intel.Record) *intel.Record { r.Mention = true; return r }
	tool := func(r *intel.Record) *intel.Record { r.Kind = intel.Tool; return r }
	related := func(r *intel.Record, rel intel.Relation) *intel.Record {
		for i := range r.Names {
			r.Names[i].Relation = rel
		}
		return r
	}
	const attack, ms, mispTA = intel.MitreAttack, intel.MicrosoftNaming, intel.MISPThreatActor
	const uuid = "bef4c620-0787-42a8-a96d-b7eb6e85917c"
	for _, tt := range []struct {
		name    string
		records []*intel.Record
		want    string
	}{
		{"an id of the issuer", []*intel.Record{id(actor(attack, "a", "Axe Bear"), "G0001"), id(actor(mispTA, "m", "Other"), "G0001")}, "am"},
		{"an id among the names", []*intel.Record{id(actor(attack, "a", "Axe Bear"), "G0001"), actor(mispTA, "m", "Other", "G0001")}, "am"},
		{"an id that two cite", []*intel.Record{
			id(actor(attack, "a", "Axe Bear"), "G0001"), id(actor(attack, "b", "Bow Bear"), "G0002"),
			id(actor(mispTA, "m", "Bow Bear"), "G0001", "G0002"), id(actor(mispTA, "n", "Axe Bear"), "G0001"),
		}, "an bm"},
		{"an id that two cite, without names", []*intel.Record{
			id(actor(attack, "a", "Axe Bear"), "G0001"), id(actor(attack, "b", "Bow Bear"), "G0002"),
			id(actor(mispTA, "m", "Other"), "G0001"), id(actor(mispTA, "n", "Another"), "G0001", "G0002"),
		}, "am bn"},
		{"a CVE is nobody's name", []*intel.Record{
			{Ref: intel.Ref{Publisher: "x", Key: "x"}, Kind: intel.Actor, Title: "Xxxx", IDs: []intel.ExternalID{{Issuer: "cve", ID: "CVE-2020-1"}}},
			{Ref: intel.Ref{Publisher: "y", Key: "y"}, Kind: intel.Actor, Title: "Yyyy", IDs: []intel.ExternalID{{Issuer: "cve", ID: "CVE-2020-1"}}},
		}, "x y"},
		{"equal titles", []*intel.Record{actor(attack, "a", "Axe Bear"), actor(ms, "m", "AXE-BEAR")}, "am"},
		{"equal titles in one list", []*intel.Record{actor(attack, "a", "Axe Bear"), actor(attack, "b", "Axe Bear")}, "a b"},
		{"equal titles, other kinds", []*intel.Record{actor(attack, "a", "Axe Bear"), tool(actor(ms, "t", "Axe Bear"))}, "a t"},
		{"two aliases", []*intel.Record{actor(attack, "a", "Axe Bear", "Uno Bear", "Due Bear"), actor(mispTA, "m", "Other", "Uno Bear", "Due Bear")}, "am"},
		{"one alias", []*intel.Record{actor(attack, "a", "Axe Bear", "Uno Bear"), actor(mispTA, "m", "Other", "Uno Bear")}, "a m"},
		{"one alias and a report", []*intel.Record{cites(actor(attack, "a", "Axe Bear", "Uno Bear"), "https://example.org/r/1"), cites(actor(mispTA, "m", "Other", "Uno Bear"), "http://www.example.org/R/1/")}, "am"},
		{"a report is no name", []*intel.Record{cites(actor(attack, "a", "Axe Bear"), "https://example.org/r/1"), cites(actor(mispTA, "m", "Other"), "https://example.org/r/1")}, "a m"},
		{"tools: one alias, title of the other", []*intel.Record{tool(actor(attack, "a", "Hydraq", "Aurora")), tool(actor("misp-galaxy/malpedia", "m", "Aurora"))}, "a m"},
		{"one alias, title of the other", []*intel.Record{actor(attack, "a", "Axe Bear", "Uno Bear"), actor(mispTA, "m", "Uno Bear")}, "am"},
		{"the same, but the countries differ", []*intel.Record{from(actor(attack, "a", "Axe Bear", "Uno Bear"), "CN"), from(actor(mispTA, "m", "Uno Bear"), "Iran")}, "a m"},
		{"the same, but others have it too", []*intel.Record{actor(attack, "a", "Axe Bear", "Uno Bear"), actor(attack, "b", "Bow Bear", "Uno Bear"), actor(mispTA, "m", "Uno Bear")}, "a b m"},
		{"a dictionary word", []*intel.Record{actor(attack, "a", "Silence"), actor(mispTA, "m", "Silence")}, "a m"},
		{"a dictionary word and another name", []*intel.Record{actor(attack, "a", "Silence", "Uno Bear"), actor(mispTA, "m", "Silence", "Uno Bear")}, "am"},
		{"two temporary ids", []*intel.Record{actor(attack, "a", "Axe Bear", "UNC1", "DEV-0001"), actor(mispTA, "m", "Other", "UNC1", "DEV-0001")}, "a m"},
		{"a temporary id as title of both", []*intel.Record{actor(attack, "a", "Storm-0501"), actor(ms, "m", "Storm-0501")}, "am"},
		{"sponsors and campaigns", []*intel.Record{related(actor(attack, "a", "Axe Bear", "GRU", "PLA Navy"), intel.SponsoredBy), actor(mispTA, "m", "Other", "GRU", "PLA Navy")}, "a m"},
		{"two names of software", []*intel.Record{tool(actor(attack, "t", "Karbo", "Karbx")), actor(attack, "a", "Axe Bear", "Karbo", "Karbx"), actor(mispTA, "m", "Other", "Karbo", "Karbx")}, "a m t"},
		{"a name of software as title of one", []*intel.Record{tool(actor(attack, "t", "Karbo")), actor(attack, "a", "Axe Bear", "Karbo"), actor(mispTA, "m", "Karbo")}, "a m t"},
		{"a name of software as title of both", []*intel.Record{tool(actor(attack, "t", "Karbo")), actor(attack, "a", "Karbo"), actor(mispTA, "m", "Karbo")}, "am t"},
		{"a name of software that two lists give to one actor", []*intel.Record{
			tool(actor(attack, "t", "Karbo")), actor(attack, "a", "Axe Bear", "Karbo"), actor(ms, "b", "Axe Bear", "Karbo"), actor("maltrail", "m", "Karbo"),
		}, "abm t"},
		{"a bridge does not carry", []*intel.Record{
			actor(attack, "a", "Axe Bear", "Uno Bear"), actor(attack, "b", "Bow Bear", "Due Bear"),
			actor(ms, "m", "Xxxx Rain", "Axe Bear", "Bow Bear"), actor(mispTA, "n", "Yyyy", "Xxxx Rain"),
		}, "a b mn"},
		{"similar never joins", []*intel.Record{actor(attack, "a", "Axe Bear"), link(actor(mispTA, "m", "Other"), intel.Similar, intel.Ref{Publisher: attack, Key: "a"})}, "a m"},
		{"same-as joins", []*intel.Record{actor(attack, "a", "Axe Bear"), link(actor(mispTA, "m", "Other"), intel.Same, intel.Ref{Publisher: attack, Key: "a"})}, "am"},
		{"same-as a bare UUID", []*intel.Record{actor(attack, "intrusion-set--"+uuid, "Axe Bear"), link(actor("x", "m", "Other"), intel.Same, intel.Ref{Key: uuid})}, "intrusion-set--" + uuid + "m"},
		{"one UUID", []*intel.Record{actor(attack, "intrusion-set--"+uuid, "Axe Bear"), actor("misp-galaxy/mitre-intrusion-set", uuid, "Other")}, "intrusion-set--" + uuid + uuid},
		{"revoked by", []*intel.Record{actor(attack, "a", "Axe Bear"), revoked(link(actor(attack, "b", "Bow Bear"), intel.RevokedBy, intel.Ref{Publisher: attack, Key: "a"}))}, "ab"},
		{"revoked, successor missing", []*intel.Record{actor(attack, "a", "Axe Bear"), revoked(actor(attack, "b", "Bow Bear"))}, "a"},
		{"revoked in a circle", []*intel.Record{
			revoked(link(actor(attack, "a", "Axe Bear"), intel.RevokedBy, intel.Ref{Publisher: attack, Key: "b"})),
			revoked(link(actor(attack, "b", "Bow Bear"), intel.RevokedBy, intel.Ref{Publisher: attack, Key: "a"})),
		}, ""},
		{"a supersession that names both", []*intel.Record{
			actor(attack, "a", "Axe Bear"), revoked(link(actor(attack, "b", "Bow Bear", "Uno Bear"), intel.RevokedBy, intel.Ref{Publisher: attack, Key: "a"})),
			actor(mispTA, "m", "Axe Bear"), actor(mispTA, "n", "Bow Bear", "Uno Bear"),
		}, "abmn"},
		{"a mention", []*intel.Record{actor(attack, "a", "Axe Bear"), mention(actor("x", "m", "axebear"))}, "am"},
		{"a mention of nobody", []*intel.Record{actor(attack, "a", "Axe Bear"), mention(actor("x", "m", "Other"))}, "a"},
		{"a mention of two", []*intel.Record{actor(attack, "a", "Axe Bear", "Uno Bear"), actor(attack, "b", "Bow Bear", "Uno Bear"), mention(actor("x", "m", "Uno Bear"))}, "a b"},
		{"a mention that is a word", []*intel.Record{actor(attack, "a", "Silence"), mention(actor("x", "m", "silence"))}, "a"},
		{"a mirror of an entry that is not here", []*intel.Record{id(actor(attack, "a", "Axe Bear", "Uno Bear", "Due Bear"), "G0001"), id(actor("misp-galaxy/mitre-intrusion-set", "m", "Uno Bear", "Due Bear"), "G0002")}, "a m"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := assignAll(tt.records)
			sound(t, Input{}, p)
			var words []string
			for i := range p.Cells {
				var keys []string
				for _, m := range p.Cells[i].Members {
					keys = append(keys, m.Record.Key)
				}
				if tt.name != "one UUID" && !strings.Contains(tt.name, "bare") {
					slices.Sort(keys)
				}
				words = append(words, strings.Join(keys, ""))
			}
			slices.Sort(words)
			if got := strings.Join(words, " "); got != tt.want {
				t.Errorf("got %q, want %q\n%s", got, tt.want, strings.Join(snapshot(p), "\n"))
			}
		})
	}
}
