package api

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"dossier/internal/ingest"
	"dossier/internal/intel"
	"dossier/internal/store"
	"dossier/internal/testdb"
)

// BenchmarkCatalogue answers requests over a database filled from the embedded
// catalogue, one after the other, without a network; p50 and p99 are in µs.
func BenchmarkCatalogue(b *testing.B) {
	s, _, err := store.Open(b.Context(), testdb.Path(b), store.Options{Create: true})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	if _, err := (&ingest.Importer{Store: s}).Seed(b.Context()); err != nil {
		b.Fatal(err)
	}
	hits, err := s.ProfilesByName(b.Context(), "APT28", store.View{})
	if err != nil || len(hits) == 0 {
		b.Fatal(err)
	}
	srv := New(Config{Store: s, Ceiling: intel.Red})
	const (
		ti         = "/v1.0/security/threatIntelligence"
		profiles   = ti + "/intelProfiles?"
		indicators = ti + "/intelligenceProfileIndicators?"
		value      = "artifact/microsoft.graph.security.unclassifiedArtifact/value"
	)
	filter := func(s string) string { return "$filter=" + url.QueryEscape(s) }
	// The domain that most profiles share, and a page from the middle of each list.
	page := read(b, ask(srv, "GET", indicators+"$top=1&"+filter("artifact/microsoft.graph.security.hostname ne null")))
	var one struct{ Artifact struct{ ID string } }
	if err := json.Unmarshal(page.Value[0], &one); err != nil {
		b.Fatal(err)
	}
	domain := one.Artifact.ID
	deep := func(target string) string {
		for range 15 {
			next := read(b, ask(srv, "GET", target)).Next
			if next == "" {
				b.Fatalf("%s has no deep page", target)
			}
			_, target, _ = strings.Cut(next, "http://example.com")
		}
		return target
	}
	for _, r := range []struct{ name, path string }{
		{"list100", ti + "/intelProfiles"},
		{"list1000", ti + "/intelProfiles?$top=1000"},
		{"list100byTitle", ti + "/intelProfiles?$orderby=title"},
		{"list100byTitle/deep", deep(profiles + "$orderby=title")},
		{"list100bySummary", profiles + "$orderby=summary/content"},
		{"list100bySummary/deep", deep(profiles + "$orderby=summary/content")},
		{"list100byAliases", profiles + "$orderby=aliases/$count%20desc"},
		{"list100byIndicators", profiles + "$orderby=indicators/$count%20desc"},
		{"actors100counted", ti + "/intelProfiles?$filter=kind%20eq%20'actor'&$count=true"},
		{"kind", profiles + filter("kind eq 'tool'")},
		{"titleEq", profiles + filter("title eq 'apt28'")},
		{"titleStartswith", profiles + filter("startswith(title,'apt')")},
		{"firstActive", profiles + filter("firstActiveDateTime ge 2020-01-01")},
		{"summaryContains", profiles + filter("contains(summary/content,'ukrain')")},
		{"summaryContainsRare", profiles + filter("contains(summary/content,'chess')")},
		{"descriptionContains", profiles + filter("contains(description/content,'spearphish')")},
		{"tradecraftNull", profiles + filter("tradecraft eq null")},
		{"aliasEq", profiles + filter("aliases/any(a:a eq 'fancy bear')")},
		{"aliasStartswith", profiles + filter("aliases/any(a:startswith(a,'fancy'))")},
		{"aliasContains", profiles + filter("aliases/any(a:contains(a,'bear'))")},
		{"originEq", profiles + filter("countriesOrRegionsOfOrigin/any(c:c/code eq 'RU')")},
		{"targetsAll", profiles + filter("targets/all(t:startswith(t,'Government')) and targets/$count gt 0")},
		{"withDomain", profiles + filter("indicators/any(i:i/artifact/id eq '"+domain+"')")},
		{"withHostContains", profiles + filter("indicators/any(i:contains(i/artifact/id,'duckdns'))")},
		{"indicatorCount", profiles + filter("indicators/$count gt 50")},
		{"contains/$count", ti + "/intelProfiles/$count?" + filter("contains(summary/content,'ukrain')")},
		{"kind/$count", ti + "/intelProfiles/$count?" + filter("kind eq 'actor'")},
		{"search", ti + "/intelProfiles?$search=russia"},
		{"searchRare", ti + "/intelProfiles?$search=shuckworm"},
		{"allIndicators100", indicators},
		{"allIndicators100/deep", deep(indicators)},
		{"allByArtifact", indicators + "$orderby=artifact/id"},
		{"allByArtifact/deep", deep(indicators + "$orderby=artifact/id")},
		{"allByHostname", indicators + "$orderby=artifact/microsoft.graph.security.hostname/id"},
		{"allByLastSeen", indicators + "$orderby=lastSeenDateTime%20desc"},
		{"artifactEq", indicators + filter("artifact/id eq '"+domain+"'")},
		{"valueEq", indicators + filter(value+" eq 'http://example.com/'")},
		{"artifactStartswith", indicators + filter("startswith(artifact/id,'login')")},
		{"artifactContains", indicators + filter("contains(artifact/id,'duckdns')")},
		{"source/$count", ti + "/intelligenceProfileIndicators/$count?" + filter("source eq 'osint'")},
		{"kind256", indicators + filter("artifact/microsoft.graph.security.unclassifiedArtifact/kind eq 'sha256'") + "&$orderby=lastSeenDateTime%20desc"},
		{"expand", profiles + "$top=20&$expand=indicators($top=5;$count=true)"},
		{"get", ti + "/intelProfiles/" + hits[0].ID},
		{"indicators100", ti + "/intelProfiles/" + hits[0].ID + "/indicators"},
		{"lookup", "/api/lookup?value=8.8.8.8"},
		{"list100/unchanged", ti + "/intelProfiles"},
		{"get/unchanged", ti + "/intelProfiles/" + hits[0].ID},
	} {
		b.Run(r.name, func(b *testing.B) {
			var took []time.Duration
			for b.Loop() {
				if !strings.HasSuffix(r.name, "unchanged") {
					srv.memory = newMemory()
				}
				w := httptest.NewRecorder()
				start := time.Now()
				srv.ServeHTTP(w, httptest.NewRequestWithContext(b.Context(), "GET", r.path, nil))
				took = append(took, time.Since(start))
				if w.Code != 200 {
					b.Fatal(fmt.Sprint(w.Code, " ", w.Body))
				}
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
		})
	}
}
