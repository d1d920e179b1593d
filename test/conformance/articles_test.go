package conformance

import (
	"slices"
	"strings"
	"testing"

	models "github.com/microsoftgraph/msgraph-sdk-go/models/security"
	"github.com/microsoftgraph/msgraph-sdk-go/security"
)

// reportBundle is a report that lists a name, an address and a hash.
const reportBundle = `{"type":"bundle","id":"bundle--00000000-0000-4000-8000-00000000000a","objects":[
{"type":"report","spec_version":"2.1","id":"report--00000000-0000-4000-8000-000000000005","created":"2020-01-02T03:04:05Z","modified":"2021-01-02T03:04:05Z",
 "name":"Conformance at dusk","description":"They came at dusk.","published":"2020-02-02T00:00:00Z","labels":["dusk","dawn"],
 "object_refs":["indicator--00000000-0000-4000-8000-000000000001","indicator--00000000-0000-4000-8000-000000000002","indicator--00000000-0000-4000-8000-000000000003"]},
{"type":"indicator","spec_version":"2.1","id":"indicator--00000000-0000-4000-8000-000000000001","created":"2020-01-02T03:04:05Z","modified":"2021-01-02T03:04:05Z",
 "pattern":"[domain-name:value = 'dusk.contoso.com']","pattern_type":"stix","valid_from":"2020-01-02T03:04:05Z"},
{"type":"indicator","spec_version":"2.1","id":"indicator--00000000-0000-4000-8000-000000000002","created":"2020-01-02T03:04:05Z","modified":"2021-01-02T03:04:05Z",
 "pattern":"[ipv4-addr:value = '20.103.85.34']","pattern_type":"stix","valid_from":"2020-01-02T03:04:05Z"},
{"type":"indicator","spec_version":"2.1","id":"indicator--00000000-0000-4000-8000-000000000003","created":"2020-01-02T03:04:05Z","modified":"2021-01-02T03:04:05Z",
 "pattern":"[file:hashes.'SHA-256' = '0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f']","pattern_type":"stix","valid_from":"2020-01-02T03:04:05Z"}]}`

// TestArticles reads an article and its indicators, on both versions.
func TestArticles(t *testing.T) {
	for _, version := range []string{"v1.0", "beta"} {
		client, adapter := newClient(t, version)
		articles := client.Security().ThreatIntelligence().Articles()
		first, err := articles.Get(t.Context(), &security.ThreatIntelligenceArticlesRequestBuilderGetRequestConfiguration{
			QueryParameters: &security.ThreatIntelligenceArticlesRequestBuilderGetQueryParameters{
				Search: ptr(`"Conformance at dusk"`), Orderby: []string{"createdDateTime desc"}, Top: ptr(int32(1)), Count: ptr(true),
			},
		})
		if err != nil {
			t.Fatal(explain(err))
		}
		list := all[models.Articleable](t, adapter, first, models.CreateArticleCollectionResponseFromDiscriminatorValue)
		if len(list) != 1 || first.GetOdataCount() == nil || *first.GetOdataCount() != 1 {
			t.Fatalf("%d articles", len(list))
		}
		one := articles.ByArticleId(*list[0].GetId())
		a, err := one.Get(t.Context(), nil)
		if err != nil {
			t.Fatal(explain(err))
		}
		if *a.GetTitle() != "Conformance at dusk" || *a.GetIsFeatured() || a.GetImageUrl() != nil || !slices.Equal(a.GetTags(), []string{"dusk", "dawn"}) ||
			*a.GetSummary().GetContent() != "They came at dusk." || !strings.HasPrefix(*a.GetBody().GetContent(), "#### Description\r\nThey came at dusk.") ||
			*a.GetBody().GetFormat() != models.MARKDOWN_CONTENTFORMAT || a.GetCreatedDateTime().Format("2006-01-02") != "2020-02-02" ||
			a.GetLastUpdatedDateTime().Format("2006-01-02") != "2021-01-02" {
			t.Errorf("%s: %q, %q", version, *a.GetTitle(), *a.GetBody().GetContent())
		}
		page, err := one.Indicators().Get(t.Context(), &security.ThreatIntelligenceArticlesItemIndicatorsRequestBuilderGetRequestConfiguration{
			QueryParameters: &security.ThreatIntelligenceArticlesItemIndicatorsRequestBuilderGetQueryParameters{Top: ptr(int32(2)), Count: ptr(true)},
		})
		if err != nil {
			t.Fatal(explain(err))
		}
		if *page.GetOdataCount() != 3 || page.GetOdataNextLink() == nil {
			t.Errorf("%s: counted %d", version, *page.GetOdataCount())
		}
		kinds := map[string]int{}
		for _, i := range all[models.ArticleIndicatorable](t, adapter, page, models.CreateArticleIndicatorCollectionResponseFromDiscriminatorValue) {
			kinds[*i.GetArtifact().GetOdataType()]++
			again, err := client.Security().ThreatIntelligence().ArticleIndicators().ByArticleIndicatorId(*i.GetId()).Get(t.Context(), nil)
			if err != nil {
				t.Errorf("%s: %v", *i.GetId(), explain(err))
				continue
			}
			if *again.GetArtifact().GetId() != *i.GetArtifact().GetId() || *again.GetSource() != models.OSINT_INDICATORSOURCE {
				t.Errorf("%s: %s, want %s", *i.GetId(), *again.GetArtifact().GetId(), *i.GetArtifact().GetId())
			}
			if _, ok := again.GetArtifact().(models.Hostnameable); ok != (*i.GetId() == "ZHVzay5jb250b3NvLmNvbQ==") {
				t.Errorf("%s is a %T", *i.GetId(), again.GetArtifact())
			}
			artifact, err := client.Security().ThreatIntelligence().ArticleIndicators().ByArticleIndicatorId(*i.GetId()).Artifact().Get(t.Context(), nil)
			if err != nil || *artifact.GetId() != *i.GetArtifact().GetId() {
				t.Errorf("artifact of %s: %v", *i.GetId(), explain(err))
			}
		}
		if len(kinds) != 3 {
			t.Errorf("%s: %v", version, kinds)
		}
	}
}
