package stix

import (
	"fmt"
	"strings"
	"testing"

	"dossier/internal/intel"

	"github.com/google/go-cmp/cmp"
)

func articleText(a *intel.Article) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %q %q %v created %s modified %s tlp %s", a.Ref, a.Title, a.Body, a.Tags, a.Created, a.Modified, a.TLP)
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
	actor, in := id("intrusion-set", 1), id("indicator", 2)
	const red = "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"
	ind := object("indicator", 2, `"pattern":"[domain-name:value = 'a.contoso.com'] OR [ipv4-addr:value = '20.103.85.33']","pattern_type":"stix","valid_from":"2020-01-02T03:04:05Z"`)
	ref := "p:" + id("report", 5)
	const dates = " created 2020-01-02T03:04:05Z modified 2021-01-02T03:04:05Z tlp "
	for _, tt := range []struct{ name, text, want string }{
		{"plain", bundle(ind, heron, listing(5, "", actor, in)), ref + ` "r" "" []` + dates + "clear about " + actor + " clear lists a.contoso.com clear lists 20.103.85.33 clear"},
		{"before what it lists", bundle(listing(5, "", actor, in), heron, ind), ref + ` "r" "" []` + dates + "clear about " + actor + " clear lists a.contoso.com clear lists 20.103.85.33 clear"},
		{
			"words", bundle(listing(5, `"description":"All of it. (Citation: X)","labels":["b","a"],"report_types":["campaign"],"published":"2019-03-04T05:06:07Z","external_references":[{"source_name":"r","url":"https://r.contoso.com/"}]`, in)),
			ref + ` "r" "All of it." [b a campaign] created 2019-03-04T05:06:07Z modified 2021-01-02T03:04:05Z tlp clear <https://r.contoso.com/>`,
		},
		{"a file's name", bundle(strings.Replace(listing(5, `"title":"Herons at dusk"`, in), `"name":"r"`, `"name":"2020-01-02-herons.json"`, 1)), ref + ` "Herons at dusk" "" []` + dates + "clear"},
		{"a red indicator", bundle(strings.Replace(ind, `"pattern":`, `"object_marking_refs":["`+red+`"],"pattern":`, 1), listing(5, "", in)), ref + ` "r" "" []` + dates + "clear lists a.contoso.com red lists 20.103.85.33 red"},
		{"a red actor", bundle(ind, strings.Replace(heron, `"name":`, `"object_marking_refs":["`+red+`"],"name":`, 1), listing(5, "", actor)), ref + ` "r" "" []` + dates + "clear about " + actor + " red"},
		{"a red report", bundle(ind, listing(5, `"object_marking_refs":["`+red+`"]`, in)), ref + ` "r" "" []` + dates + "red lists a.contoso.com red lists 20.103.85.33 red"},
		{"withdrawn", bundle(ind, listing(5, `"revoked":true`, in)), ""},
		{"withdrawn indicator", bundle(strings.Replace(ind, `"pattern":`, `"revoked":true,"pattern":`, 1), listing(5, "", in)), ref + ` "r" "" []` + dates + "clear"},
	} {
		c, _ := decode(t, tt.text, Options{Publisher: "p"})
		got := ""
		for _, a := range c.Articles {
			got += articleText(a)
		}
		if got != tt.want {
			t.Errorf("%s:\n%s", tt.name, cmp.Diff(tt.want, got))
		}
	}
}
