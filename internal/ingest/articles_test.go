package ingest

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"dossier/internal/intel"
	"dossier/internal/odata"
	"dossier/internal/store"
)

// servedArticles writes every article, with its indicators and profiles.
func servedArticles(t testing.TB, s *store.Store, v store.View, w io.Writer) {
	t.Helper()
	q, err := odata.ParseQuery("$top=1000", store.Types.Article, odata.Options{Allow: odata.AllowCollection})
	if err != nil {
		t.Fatal(err)
	}
	iq, err := odata.ParseQuery("$top=1000", store.Types.ArticleIndicator, odata.Options{Allow: odata.AllowCollection})
	if err != nil {
		t.Fatal(err)
	}
	page, err := s.Articles(t.Context(), q, v)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range page.Items {
		fmt.Fprintf(w, "%s\n", a.Body)
		list, err := s.ArticleIndicators(t.Context(), a.ID, iq, v)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range list.Items {
			fmt.Fprintf(w, "  %+v\n", i.WireInArticle())
		}
		profiles, err := s.ArticleProfiles(t.Context(), a.ID, v)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(w, "  about %v\n", profiles)
	}
}

const (
	reportObjects = `{"type":"bundle","id":"bundle--00000000-0000-4000-8000-00000000000a","objects":[
{"type":"report","spec_version":"2.1","id":"report--00000000-0000-4000-8000-000000000005","created":"2020-01-02T03:04:05Z","modified":"2021-01-02T03:04:05Z","name":"Herons at dusk","description":"They came at dusk. They left at dawn.","published":"2020-02-02T00:00:00Z","object_refs":["intrusion-set--00000000-0000-4000-8000-000000000001","indicator--00000000-0000-4000-8000-000000000002"],"labels":["dusk"]},
{"type":"intrusion-set","spec_version":"2.1","id":"intrusion-set--00000000-0000-4000-8000-000000000001","created":"2020-01-02T03:04:05Z","modified":"2021-01-02T03:04:05Z","name":"Quiet Heron"},
{"type":"indicator","spec_version":"2.1","id":"indicator--00000000-0000-4000-8000-000000000002","created":"2020-01-02T03:04:05Z","modified":"2021-01-02T03:04:05Z","pattern":"[domain-name:value = 'dusk.contoso.com']","pattern_type":"stix","valid_from":"2020-01-02T03:04:05Z"}]}`
	eventOfHerons = `{"Event":{"uuid":"1aeaec17-e988-5fa4-b051-304125b388d4","info":"Herons again","date":"2020-05-05","timestamp":"%d","Orgc":{"name":"Pond"},
"Attribute":[{"type":"domain","to_ids":true,"value":"dusk.contoso.com"},{"type":"domain","to_ids":true,"value":"%s"}]}}`
)

// TestArticles imports a report and two versions of an event in every order: the
// answers are the same, a second time changes nothing, and removing one source
// leaves what there was without it.
func TestArticles(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"report.json": reportObjects, "old.json": fmt.Sprintf(eventOfHerons, 1588843800, "old.contoso.com"), "new.json": fmt.Sprintf(eventOfHerons, 1588943800, "new.contoso.com"),
	})
	path := func(name string) string { return filepath.Join(dir, name) }
	var want string
	for _, order := range [][]string{{"report.json", "old.json", "new.json"}, {"new.json", "old.json", "report.json"}, {"old.json", "report.json", "new.json"}} {
		im := newImporter(t)
		for _, f := range order {
			load(t, im, Options{}, path(f))
		}
		got := articlesOf(t, im.Store, intel.Red)
		if want == "" {
			want = got
		} else if got != want {
			t.Errorf("the order makes a difference: %s", firstDifference(want, got))
		}
	}
	for _, part := range []string{
		`"title":"Herons at dusk","summary":{"@odata.type":"microsoft.graph.security.formattedContent","content":"They came at dusk. They left at dawn.","format":"text"}`,
		`"createdDateTime":"2020-02-02T00:00:00Z"`, `"tags":["dusk"]`, `"title":"Herons again"`, "A report by pond of 5 May 2020 with two domains.", "new.contoso.com",
	} {
		if !strings.Contains(want, part) {
			t.Errorf("no %s in\n%s", part, want)
		}
	}
	if strings.Contains(want, "old.contoso.com") || !strings.Contains(want, "Quiet Heron") {
		t.Errorf("the articles are\n%s", want)
	}

	im := newImporter(t)
	first := load(t, im, Options{}, path("report.json"))
	if c := first.Run.Counts.Articles; c.Read != 1 || c.New != 1 {
		t.Errorf("%+v", c)
	}
	before := served(t, im.Store)
	load(t, im, Options{}, path("old.json"))
	again := load(t, im, Options{}, path("old.json"), path("report.json"))
	if c := again.Run.Counts.Articles; c.Unchanged != 2 || again.Changed() {
		t.Errorf("the same again: %+v", c)
	}
	if _, err := (Editor{Store: im.Store}).RemovePublisher(t.Context(), "pond"); err != nil {
		t.Fatal(err)
	}
	if after := served(t, im.Store); after != before {
		t.Errorf("removing the source again leaves something: %s", firstDifference(before, after))
	}
}

// TestRestrictedArticles: the least marking of an import holds for articles, and a
// profile that an import is tied to is what they are about.
func TestRestrictedArticles(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"report.json": reportObjects, "event.json": fmt.Sprintf(eventOfHerons, 1588843800, "old.contoso.com")})
	im := newImporter(t)
	load(t, im, Options{}, filepath.Join(dir, "report.json"))
	open := articlesOf(t, im.Store, intel.Clear)
	load(t, im, Options{TLP: intel.Amber, Profile: "Quiet Heron"}, filepath.Join(dir, "event.json"))
	if now := articlesOf(t, im.Store, intel.Green); now != open {
		t.Errorf("an amber event shows below amber: %s", firstDifference(open, now))
	}
	titles, more, err := im.Store.ProfileArticles(t.Context(), profileOf(t, im.Store, "Quiet Heron"), 10, store.View{Ceiling: intel.Amber})
	if err != nil || more || len(titles) != 2 || titles[0].Title != "Herons again" {
		t.Errorf("%+v, %t, %v", titles, more, err)
	}
	if titles, _, err := im.Store.ProfileArticles(t.Context(), profileOf(t, im.Store, "Quiet Heron"), 10, store.View{}); err != nil || len(titles) != 1 {
		t.Errorf("%+v, %v", titles, err)
	}
}

func articlesOf(t testing.TB, s *store.Store, ceiling intel.TLP) string {
	t.Helper()
	var b strings.Builder
	servedArticles(t, s, store.View{Ceiling: ceiling}, &b)
	return b.String()
}
