package misp

import (
	"fmt"
	"strings"
	"testing"

	"dossier/internal/intel"

	"github.com/google/go-cmp/cmp"
)

// articleText prints an article in one line.
func articleText(a *intel.Article) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %q %q %v", a.Ref, a.Title, a.Body, a.Tags)
	if a.Featured {
		b.WriteString(" featured")
	}
	fmt.Fprintf(&b, " created %s modified %s tlp %s", a.Created, a.Modified, a.TLP)
	for _, r := range a.References {
		fmt.Fprintf(&b, " <%s>", r.URL)
	}
	for _, s := range a.Subjects {
		fmt.Fprintf(&b, " about %s %s", s.Key, s.TLP)
	}
	for _, i := range a.Indicators {
		fmt.Fprintf(&b, " lists %s %s", i.Value, i.TLP)
	}
	return b.String()
}

func TestArticles(t *testing.T) {
	const head = `"uuid":"1aeaec17-e988-5fa4-b051-304125b388d4","info":" Herons\tat dusk ","date":"2020-05-05","timestamp":"1588843800","Orgc":{"name":"Our Team"}`
	const ref = `our-team:1aeaec17-e988-5fa4-b051-304125b388d4`
	attribute := func(more string) string {
		return `{"type":"domain","category":"Network activity","to_ids":true,"value":` + more + `}`
	}
	for _, tt := range []struct{ name, event, want string }{
		{
			"plain", head + `,"Attribute":[` + attribute(`"a.contoso.com"`) + `,` + attribute(`"nonsense"`) + `]`,
			ref + ` "Herons\tat dusk" "" [] created 2020-05-05T00:00:00Z modified 2020-05-07T09:30:00Z tlp clear lists a.contoso.com clear`,
		},
		{
			"tags and weight", head + `,"threat_level_id":"1","Tag":[{"name":"tlp:green"},{"name":"misp-galaxy:threat-actor=\"Quiet Heron\""},{"name":"type:OSINT"}],"Attribute":[` + attribute(`"a.contoso.com","Tag":[{"name":"tlp:red"}]`) + `]`,
			ref + ` "Herons\tat dusk" "" [Quiet Heron type:OSINT] featured created 2020-05-05T00:00:00Z modified 2020-05-07T09:30:00Z tlp green about mention:actor:quietheron:green green lists a.contoso.com red`,
		},
		{
			"words and links", head + `,"Attribute":[{"type":"comment","category":"Other","to_ids":false,"value":"They came at dusk."},{"type":"link","category":"External analysis","to_ids":false,"value":"https://contoso.com/r"},` +
				`{"type":"comment","to_ids":false,"value":"Said in private.","Tag":[{"name":"tlp:red"}]},{"type":"link","to_ids":false,"value":"https://contoso.com/secret","Tag":[{"name":"tlp:amber"}]}]`,
			ref + ` "Herons\tat dusk" "They came at dusk." [] created 2020-05-05T00:00:00Z modified 2020-05-07T09:30:00Z tlp clear <https://contoso.com/r>`,
		},
		{
			"reports", head + `,"EventReport":[{"name":"r","content":"# Dusk\nAll of it."},{"name":"gone","content":"no","deleted":true}],"Attribute":[{"type":"comment","to_ids":false,"value":"They came at dusk."}]`,
			ref + ` "Herons\tat dusk" "# Dusk\nAll of it." [] created 2020-05-05T00:00:00Z modified 2020-05-07T09:30:00Z tlp clear`,
		},
		{
			"withdrawn attributes", head + `,"Attribute":[{"deleted":true,"type":"domain","to_ids":true,"value":"a.contoso.com"}],"Object":[{"name":"file","Attribute":[` + attribute(`"b.contoso.com"`) + `]}]`,
			ref + ` "Herons\tat dusk" "" [] created 2020-05-05T00:00:00Z modified 2020-05-07T09:30:00Z tlp clear lists b.contoso.com clear`,
		},
		{"no uuid", `"info":"x","Attribute":[` + attribute(`"a.contoso.com"`) + `]`, ""},
		{"no title", `"uuid":"1aeaec17-e988-5fa4-b051-304125b388d4","Attribute":[` + attribute(`"a.contoso.com"`) + `]`, ""},
	} {
		c, _ := decodeString(t, `{"Event":{`+tt.event+`}}`, Options{})
		var got string
		for _, a := range c.articles {
			a.Title = strings.TrimSpace(a.Title)
			got += articleText(a)
		}
		if got != tt.want {
			t.Errorf("%s:\n%s", tt.name, cmp.Diff(tt.want, got))
		}
		for _, o := range c.observations {
			if strings.Contains(o.Reference, "secret") {
				t.Errorf("%s: %s comes from a stricter attribute", tt.name, o.Reference)
			}
		}
	}
}

// TestNoArticlesOfAttributes: attributes that a search found are no document.
func TestNoArticlesOfAttributes(t *testing.T) {
	c, _ := decodeString(t, `{"response":{"Attribute":[{"type":"domain","to_ids":true,"value":"a.contoso.com","Event":{"uuid":"1aeaec17-e988-5fa4-b051-304125b388d4","info":"x","date":"2020-05-05"}}]}}`, Options{})
	if len(c.articles) > 0 || len(c.observations) != 1 {
		t.Errorf("%d articles, %d observations", len(c.articles), len(c.observations))
	}
}
