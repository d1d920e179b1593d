package beta

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	kiota "github.com/microsoft/kiota-abstractions-go"
	"github.com/microsoft/kiota-abstractions-go/serialization"
	"github.com/microsoftgraph/msgraph-beta-sdk-go/models/odataerrors"
	models "github.com/microsoftgraph/msgraph-beta-sdk-go/models/security"
	"github.com/microsoftgraph/msgraph-beta-sdk-go/security"
	core "github.com/microsoftgraph/msgraph-sdk-go-core"
)

type (
	listConfig      = security.ThreatIntelligenceIntelProfilesRequestBuilderGetRequestConfiguration
	listQuery       = security.ThreatIntelligenceIntelProfilesRequestBuilderGetQueryParameters
	indicatorConfig = security.ThreatIntelligenceIntelProfilesItemIndicatorsRequestBuilderGetRequestConfiguration
	indicatorQuery  = security.ThreatIntelligenceIntelProfilesItemIndicatorsRequestBuilderGetQueryParameters
	patchConfig     = security.ThreatIntelligenceIntelProfilesIntelligenceProfileItemRequestBuilderPatchRequestConfiguration
)

func ptr[T any](v T) *T { return &v }

// all follows every page of a list with the SDK's page iterator and returns the ids.
func all[T interface{ GetId() *string }](t *testing.T, adapter kiota.RequestAdapter, first any, factory serialization.ParsableFactory) (ids []string) {
	t.Helper()
	it, err := core.NewPageIterator[T](first, adapter, factory)
	if err != nil {
		t.Fatal(err)
	}
	if err := it.Iterate(t.Context(), func(v T) bool { ids = append(ids, *v.GetId()); return true }); err != nil {
		t.Fatal(err)
	}
	return ids
}

// distinct checks that ids are unique and as many as wanted.
func distinct(t *testing.T, what string, ids []string, want int32) {
	t.Helper()
	slices.Sort(ids)
	if n := len(slices.Compact(slices.Clone(ids))); n != len(ids) || n != int(want) || n == 0 {
		t.Errorf("%s: %d rows with %d ids, want %d", what, len(ids), n, want)
	}
}

// refused checks that an error is the SDK's own, with what the server says.
func refused(t *testing.T, what string, err error, status int, code, target string) {
	t.Helper()
	var e *odataerrors.ODataError
	if !errors.As(err, &e) || e.GetErrorEscaped() == nil {
		t.Errorf("%s: %T %v, want %d", what, err, err, status)
		return
	}
	body, got := e.GetErrorEscaped(), ""
	if body.GetTarget() != nil {
		got = *body.GetTarget()
	}
	if e.GetStatusCode() != status || *body.GetCode() != code || got != target || *body.GetMessage() == "" || body.GetInnerError() == nil || body.GetInnerError().GetRequestId() == nil {
		t.Errorf("%s: %d %s %q, target %q; want %d %s, target %q", what, e.GetStatusCode(), *body.GetCode(), *body.GetMessage(), got, status, code, target)
	}
}

func TestBeta(t *testing.T) {
	client, adapter, base := serve(t)
	profiles := client.Security().ThreatIntelligence().IntelProfiles()
	indicators := client.Security().ThreatIntelligence().IntelligenceProfileIndicators()

	t.Run("lists", func(t *testing.T) {
		n, err := profiles.Count().Get(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		first, err := profiles.Get(t.Context(), &listConfig{QueryParameters: &listQuery{Top: ptr(int32(300)), Count: ptr(true), Orderby: []string{"title desc"}, Select: []string{"id", "title", "kind"}}})
		if err != nil {
			t.Fatal(err)
		}
		if first.GetOdataCount() == nil || *first.GetOdataCount() != int64(*n) || !strings.HasPrefix(*first.GetOdataNextLink(), base+"/security/threatIntelligence/intelProfiles?") {
			t.Errorf("count %v, want %d; nextLink %s", first.GetOdataCount(), *n, *first.GetOdataNextLink())
		}
		for i, p := range first.GetValue() {
			if p.GetKind() == nil || p.GetSummary() != nil || i > 0 && strings.ToUpper(*first.GetValue()[i-1].GetTitle()) < strings.ToUpper(*p.GetTitle()) {
				t.Fatalf("row %d: %s", i, *p.GetTitle())
			}
		}
		distinct(t, "profiles", all[models.IntelligenceProfileable](t, adapter, first, models.CreateIntelligenceProfileCollectionResponseFromDiscriminatorValue), *n)
	})

	t.Run("gets, with indicators", func(t *testing.T) {
		filter := "indicators/any(i:i/artifact/microsoft.graph.security.hostname/id eq 'c7.conformance-check.com')"
		found, err := profiles.Get(t.Context(), &listConfig{QueryParameters: &listQuery{Filter: &filter}})
		if err != nil || len(found.GetValue()) == 0 {
			t.Fatal(found, err)
		}
		id := *found.GetValue()[0].GetId()
		p, err := profiles.ByIntelligenceProfileId(id).Get(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if *p.GetId() != id || p.GetKind() == nil || p.GetFirstActiveDateTime() == nil || *p.GetSummary().GetFormat() != models.TEXT_CONTENTFORMAT || *p.GetDescription().GetContent() == "" {
			t.Errorf("profile %s: %v", id, p)
		}
		for name := range p.GetAdditionalData() {
			if name != "@odata.context" {
				t.Errorf("a member that the SDK does not know: %s", name)
			}
		}
		of := profiles.ByIntelligenceProfileId(id).Indicators()
		n, err := of.Count().Get(t.Context(), nil)
		if err != nil || *n < imported {
			t.Fatal(n, err)
		}
		first, err := of.Get(t.Context(), &indicatorConfig{QueryParameters: &indicatorQuery{Top: ptr(int32(60)), Orderby: []string{"firstSeenDateTime"}}})
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range first.GetValue() {
			if _, ok := i.GetArtifact().(models.Hostnameable); !ok && strings.Contains(*i.GetArtifact().GetId(), "conformance") || i.GetSource() == nil || i.GetFirstSeenDateTime() == nil {
				t.Errorf("indicator %s: %T", *i.GetId(), i.GetArtifact())
			}
		}
		ids := all[models.IntelligenceProfileIndicatorable](t, adapter, first, models.CreateIntelligenceProfileIndicatorCollectionResponseFromDiscriminatorValue)
		distinct(t, "indicators", ids, *n)
		one, err := indicators.ByIntelligenceProfileIndicatorId(ids[0]).Get(t.Context(), nil)
		if err != nil || *one.GetId() != ids[0] || one.GetArtifact() == nil {
			t.Errorf("indicator %s: %v", ids[0], err)
		}
	})

	t.Run("errors", func(t *testing.T) {
		_, err := profiles.ByIntelligenceProfileId("x/y+z w%41é'q").Get(t.Context(), nil)
		refused(t, "unknown id", err, 404, "ResourceNotFound", "")
		_, err = profiles.Get(t.Context(), &listConfig{QueryParameters: &listQuery{Filter: ptr("title eq")}})
		refused(t, "bad filter", err, 400, "BadRequest", "$filter")
		_, err = client.Security().ThreatIntelligence().Vulnerabilities().Get(t.Context(), nil)
		refused(t, "unserved", err, 501, "NotImplemented", "")
	})

	t.Run("writes", func(t *testing.T) {
		content := func(text string, format models.ContentFormat) models.FormattedContentable {
			c := models.NewFormattedContent()
			c.SetContent(&text)
			c.SetFormat(&format)
			return c
		}
		p := models.NewIntelligenceProfile()
		p.SetKind(ptr(models.TOOL_INTELLIGENCEPROFILEKIND))
		p.SetTitle(ptr("Conformance Stork <&> é"))
		p.SetFirstActiveDateTime(ptr(time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)))
		p.SetSummary(content("A stork.", models.TEXT_CONTENTFORMAT))
		p.SetDescription(content("## Snapshot", models.MARKDOWN_CONTENTFORMAT))
		made, err := profiles.Post(t.Context(), p, nil)
		if err != nil {
			t.Fatal(err)
		}
		one := profiles.ByIntelligenceProfileId(*made.GetId())
		change := models.NewIntelligenceProfile()
		change.SetAliases([]string{"CS-1"})
		if changed, err := one.Patch(t.Context(), change, nil); err != nil || !slices.Equal(changed.GetAliases(), []string{"CS-1"}) || *changed.GetTitle() != *p.GetTitle() {
			t.Errorf("PATCH: %v", err)
		}
		old := kiota.NewRequestHeaders()
		old.Add("If-Match", `W/"old"`)
		_, err = one.Patch(t.Context(), change, &patchConfig{Headers: old})
		refused(t, "PATCH with an old tag", err, 412, "resourceModified", "")
		change.SetTitle(ptr(" "))
		_, err = one.Patch(t.Context(), change, nil)
		refused(t, "an empty title", err, 400, "BadRequest", "title")
		if err := one.Delete(t.Context(), nil); err != nil {
			t.Errorf("DELETE: %v", err)
		}
		_, err = one.Get(t.Context(), nil)
		refused(t, "a deleted profile", err, 404, "ResourceNotFound", "")
	})
}
