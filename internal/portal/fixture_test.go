package portal

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dossier/internal/intel"
	"dossier/internal/observable"
	"dossier/internal/profile"
	"dossier/internal/store"
)

// hostile is a text as an adversary would put it into a feed.
const hostile = "<script>alert(1)</script><img src=x onerror=alert(2)> [a](javascript:alert(3)) \"'>\u202egpj.exe {{.}} <!-- ]]> </style>"

// today is the clock of the tests.
var today = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// dossier makes a profile with the text in every field that a source can write.
func dossier(id, text string, ref intel.Ref) *intel.Dossier {
	return &intel.Dossier{
		Profile: intel.Profile{
			ID: id, Kind: intel.Actor, Title: text, FirstActive: intel.YearDate(2014, "").At, Aliases: []string{"Grey " + text}, Targets: []string{text, "Atlantis " + text},
			Origins: []intel.CountryOfOrigin{{Label: text, Code: "FR"}},
			Summary: intel.Text("About " + text), Description: intel.Markdown("## " + text + "\r\n\r\nAbout " + text + "\r\n\r\n> " + text), Tradecraft: new(intel.Markdown("- " + text)),
		},
		Names:        []intel.NameClaim{{Name: intel.Name{Value: text, CoinedBy: text}, From: ref, Alias: true}, {Name: intel.Name{Value: "Part of " + text, Relation: intel.PartOf}, From: ref}},
		Origins:      []intel.Sourced[intel.Origin]{{Value: intel.Origin{Country: text}, From: ref}, {Value: intel.Origin{Country: "FR"}, From: ref}},
		Affiliations: []intel.Sourced[intel.Affiliation]{{Value: intel.Affiliation{Body: text}, From: ref}},
		Targets:      []intel.TargetClaim{{Served: "Atlantis " + text, Code: "FR", From: ref}},
		Motives:      []intel.Sourced[string]{{Value: text, From: ref}},
		ToolTypes:    []intel.Sourced[string]{{Value: text, From: ref}},
		Platforms:    []string{text},
		Availability: intel.Sourced[intel.Availability]{Value: intel.Availability(text), From: ref},
		Techniques:   []intel.TechniqueUse{{ID: text, Name: text, Tactics: []string{text}, From: ref}, {ID: "T1566.001", Name: text, From: ref}},
		Tools:        []intel.ProfileLink{{ID: text, Title: text, ExternalID: text, ToolTypes: []string{text}, From: ref}},
		Users:        []intel.ProfileLink{{Title: text, Kind: intel.Campaign, From: ref}, {ID: "../" + text, Title: text, Kind: intel.Actor, From: ref}},
		Related:      []intel.ProfileLink{{Relation: intel.Relation(text), Title: text, From: ref}},
		Campaigns:    []intel.CampaignUse{{ID: text, Title: text, From: ref}},
		References: []intel.Sourced[intel.Reference]{
			{Value: intel.Reference{Title: text, URL: "javascript:alert(4)"}},
			{Value: intel.Reference{Title: text, URL: "https://reports.contoso.com/" + text}},
			{Value: intel.Reference{Title: "data", URL: "data:text/html," + text}},
			{Value: intel.Reference{Title: "no host", URL: "https:" + text}},
			{Value: intel.Reference{URL: "https://www.contoso.com/", Date: intel.YearDate(2020, intel.BasisReference)}},
		},
		IDs:         []intel.Sourced[intel.ExternalID]{{Value: intel.ExternalID{Issuer: text, ID: text, URL: "javascript:alert(5)"}}},
		Records:     []intel.RecordUse{{Ref: ref, Title: text, Reason: text}, {Ref: intel.Ref{Publisher: text, Key: text}, Title: text}},
		FirstActive: intel.Sourced[intel.Date]{Value: intel.YearDate(2014, intel.BasisProse), From: ref},
	}
}

// large makes a profile with much of everything.
func large(id string) *intel.Dossier {
	d := dossier(id, "Large Heron", intel.Ref{Publisher: "mitre-attack", Key: "large"})
	d.Origins, d.Techniques, d.References, d.Tools, d.Names = nil, nil, nil, nil, nil
	var text strings.Builder
	for i := range 150 {
		tactic := intel.Tactics[i%3].ShortName
		d.Profile.Aliases = append(d.Profile.Aliases, fmt.Sprintf("Alias %03d", i))
		d.Techniques = append(d.Techniques, intel.TechniqueUse{ID: fmt.Sprintf("T%04d", 1000+i), Name: fmt.Sprintf("Technique %03d", i), Tactics: []string{tactic}})
		d.References = append(d.References, intel.Sourced[intel.Reference]{Value: intel.Reference{Title: fmt.Sprintf("Report %03d", i), URL: fmt.Sprintf("https://contoso.com/%d", i), Date: intel.YearDate(1900+i, intel.BasisReference)}})
		d.Tools = append(d.Tools, intel.ProfileLink{Title: fmt.Sprintf("Tool %03d", i), ID: fmt.Sprintf("tool%d", i)})
		d.Names = append(d.Names, intel.NameClaim{Name: intel.Name{Value: fmt.Sprintf("Alias %03d", i)}})
		fmt.Fprintf(&text, "## Chapter %03d\r\n\r\n%s\r\n\r\n", i, strings.Repeat("It goes on. ", 20))
	}
	d.Profile.Description = intel.Markdown(text.String())
	return d
}

// fill makes a database in a folder: a quiet profile, one full of hostile text
// with an indicator, one with very long names, a large one, and sixty more.
func fill(ctx context.Context, dir string) (*store.Store, error) {
	s, _, err := store.Open(ctx, filepath.Join(dir, "p.db"), store.Options{Create: true})
	if err != nil {
		return nil, err
	}
	s.Now = func() time.Time { return today }
	ref := intel.Ref{Publisher: "p", Key: "k"}
	if err := observe(ctx, s, ref, "evil.contoso.com"); err != nil {
		return nil, err
	}
	if err := publishArticles(ctx, s, ref); err != nil {
		return nil, err
	}
	profiles := []*store.Derived{
		derived(dossier("bad", hostile, ref), ref),
		derived(dossier("quiet", "Quiet Heron", ref)),
		derived(dossier("long", strings.Repeat("Ж", 5000), ref)),
		derived(large("large")),
	}
	for i := range 60 {
		profiles = append(profiles, derived(dossier(fmt.Sprintf("n%02d", i), fmt.Sprintf("Group %02d", i), ref)))
	}
	if _, _, err := s.PutDerived(ctx, profiles, nil); err != nil {
		return nil, err
	}
	_, err = s.FoldIndicators(ctx, nil)
	return s, err
}

func derived(d *intel.Dossier, members ...intel.Ref) *store.Derived {
	return &store.Derived{ID: d.Profile.ID, Lo: intel.Clear, Hi: intel.Red, Members: members, Former: []string{"old-" + d.Profile.ID}, Fold: func() *intel.Dossier { return d }}
}

// observe adds indicators of a record.
func observe(ctx context.Context, s *store.Store, ref intel.Ref, values ...string) error {
	b, err := s.Begin(ctx, store.FromImport)
	if err != nil {
		return err
	}
	defer b.Rollback()
	for _, v := range values {
		o, err := observable.Parse(v)
		if err != nil {
			return err
		}
		if err := b.Observe(ctx, &intel.Observation{Publisher: ref.Publisher, Observable: o, Subjects: []intel.Ref{ref}}); err != nil {
			return err
		}
	}
	return b.Commit(ctx)
}

func testPortal(t testing.TB) (http.Handler, *store.Store) {
	t.Helper()
	s, err := fill(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return New(Config{Store: s, Ceiling: intel.Red, Version: "dossier test", Now: func() time.Time { return today }}), s
}

func get(h http.Handler, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Host = "127.0.0.1:8080"
	h.ServeHTTP(w, r)
	return w
}

// badArticle and quietArticle are the ids of articles: one full of hostile text,
// about the hostile profile, and one without any.
const (
	badArticle   = "4bd14e83"
	quietArticle = "828d48c5"
)

func publishArticles(ctx context.Context, s *store.Store, ref intel.Ref) error {
	b, err := s.Begin(ctx, store.FromImport)
	if err != nil {
		return err
	}
	defer b.Rollback()
	bad := &intel.Article{
		Ref: intel.Ref{Publisher: ref.Publisher, Key: "bad"}, Title: hostile, Summary: hostile, Body: "# " + hostile + "\n\n" + hostile + "\n\n```\n" + hostile,
		Tags: []string{hostile, "quiet tag"}, Image: "javascript:alert(6)", Created: intel.TimeOf(today), TLP: intel.Green,
		References: []intel.Reference{{Title: hostile, URL: "javascript:alert(7)"}, {Title: hostile, URL: "https://contoso.com/"}},
	}
	bad.About(ref, intel.Clear)
	o, err := observable.Parse("evil.contoso.com")
	if err != nil {
		return err
	}
	bad.List(o, intel.Clear)
	quiet := &intel.Article{Ref: intel.Ref{Publisher: ref.Publisher, Key: "quiet"}, Title: "A quiet article"}
	for _, a := range []*intel.Article{bad, quiet} {
		w := profile.Article(a, intel.PublisherOf(a.Publisher))
		if a == bad {
			w.Title, w.Tags, w.Body.Content, w.Summary.Content = a.Title, a.Tags, a.Body, a.Summary // as if nobody had cleaned them
		}
		if _, err := b.Article(ctx, a, w); err != nil {
			return err
		}
	}
	rule := &intel.Pattern{Ref: intel.Ref{Publisher: ref.Publisher, Key: "rule"}, Type: hostile, Name: hostile, Text: hostile, Reason: hostile, Subjects: []intel.Subject{{Ref: ref}}}
	if _, err := b.Pattern(ctx, rule); err != nil {
		return err
	}
	return b.Commit(ctx)
}
