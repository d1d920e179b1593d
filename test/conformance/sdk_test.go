package conformance

import (
	"encoding/base64"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"

	kiota "github.com/microsoft/kiota-abstractions-go"
	"github.com/microsoft/kiota-abstractions-go/serialization"
	core "github.com/microsoftgraph/msgraph-sdk-go-core"
	"github.com/microsoftgraph/msgraph-sdk-go/models/odataerrors"
	models "github.com/microsoftgraph/msgraph-sdk-go/models/security"
	"github.com/microsoftgraph/msgraph-sdk-go/security"
)

func ptr[T any](v T) *T { return &v }

type (
	profileQuery      = security.ThreatIntelligenceIntelProfilesRequestBuilderGetQueryParameters
	profileConfig     = security.ThreatIntelligenceIntelProfilesRequestBuilderGetRequestConfiguration
	oneConfig         = security.ThreatIntelligenceIntelProfilesIntelligenceProfileItemRequestBuilderGetRequestConfiguration
	oneQuery          = security.ThreatIntelligenceIntelProfilesIntelligenceProfileItemRequestBuilderGetQueryParameters
	indicatorQuery    = security.ThreatIntelligenceIntelProfilesItemIndicatorsRequestBuilderGetQueryParameters
	indicatorConfig   = security.ThreatIntelligenceIntelProfilesItemIndicatorsRequestBuilderGetRequestConfiguration
	countConfig       = security.ThreatIntelligenceIntelProfilesCountRequestBuilderGetRequestConfiguration
	countQuery        = security.ThreatIntelligenceIntelProfilesCountRequestBuilderGetQueryParameters
	allIndicators     = security.ThreatIntelligenceIntelligenceProfileIndicatorsRequestBuilderGetRequestConfiguration
	allIndicatorQuery = security.ThreatIntelligenceIntelligenceProfileIndicatorsRequestBuilderGetQueryParameters
)

// all follows every page of a list with the SDK's page iterator.
func all[T any](t *testing.T, adapter kiota.RequestAdapter, first any, factory serialization.ParsableFactory) []T {
	t.Helper()
	it, err := core.NewPageIterator[T](first, adapter, factory)
	if err != nil {
		t.Fatal(err)
	}
	var list []T
	if err := it.Iterate(t.Context(), func(v T) bool { list = append(list, v); return true }); err != nil {
		t.Fatal(err)
	}
	return list
}

func profiles(t *testing.T, version string, q profileQuery) []models.IntelligenceProfileable {
	t.Helper()
	client, adapter := newClient(t, version)
	first, err := client.Security().ThreatIntelligence().IntelProfiles().Get(t.Context(), &profileConfig{QueryParameters: &q})
	if err != nil {
		t.Fatal(explain(err))
	}
	return all[models.IntelligenceProfileable](t, adapter, first, models.CreateIntelligenceProfileCollectionResponseFromDiscriminatorValue)
}

// explain makes the server's words visible in an error of the SDK.
func explain(err error) error {
	var e *odataerrors.ODataError
	if errors.As(err, &e) && e.GetErrorEscaped() != nil {
		return errors.New(*e.GetErrorEscaped().GetCode() + ": " + *e.GetErrorEscaped().GetMessage())
	}
	return err
}

// distinct checks that ids are unique and as many as wanted.
func distinct(t *testing.T, what string, ids []string, want int) {
	t.Helper()
	slices.Sort(ids)
	if n := len(slices.Compact(slices.Clone(ids))); n != len(ids) || n != want {
		t.Errorf("%s: %d rows with %d ids, want %d", what, len(ids), n, want)
	}
}

func idsOf[T interface{ GetId() *string }](list []T) []string {
	var ids []string
	for _, v := range list {
		ids = append(ids, *v.GetId())
	}
	return ids
}

// TestEveryProfile reads all profiles page by page and checks what is never null.
func TestEveryProfile(t *testing.T) {
	for _, version := range []string{"v1.0", "beta"} {
		client, _ := newClient(t, version)
		n, err := client.Security().ThreatIntelligence().IntelProfiles().Count().Get(t.Context(), nil)
		if err != nil {
			t.Fatal(explain(err))
		}
		if *n < 10 {
			t.Fatalf("%s: only %d profiles", version, *n)
		}
		list := profiles(t, version, profileQuery{Top: ptr(int32(97))})
		distinct(t, version, idsOf(list), int(*n))
		for _, p := range list {
			id := *p.GetId()
			if len(id) != 64 || p.GetKind() == nil || p.GetTitle() == nil || *p.GetTitle() == "" || p.GetFirstActiveDateTime() == nil {
				t.Errorf("profile %s: kind %v, title %v, first active %v", id, p.GetKind(), p.GetTitle(), p.GetFirstActiveDateTime())
			}
			for name, c := range map[string]models.FormattedContentable{"summary": p.GetSummary(), "description": p.GetDescription()} {
				if c == nil || c.GetContent() == nil || *c.GetContent() == "" || c.GetFormat() == nil {
					t.Errorf("profile %s: no %s", id, name)
				}
			}
			if p.GetAliases() == nil || p.GetTargets() == nil || p.GetCountriesOrRegionsOfOrigin() == nil {
				t.Errorf("profile %s: a collection is null", id)
			}
			for _, c := range p.GetCountriesOrRegionsOfOrigin() {
				if c.GetCode() == nil || len(*c.GetCode()) != 2 || c.GetLabel() == nil || *c.GetLabel() == "" {
					t.Errorf("profile %s: country %v %v", id, c.GetCode(), c.GetLabel())
				}
			}
			if extra := p.GetAdditionalData(); len(extra) > 0 {
				t.Errorf("profile %s: members that the SDK does not know: %v", id, extra)
			}
		}
	}
}

func TestGet(t *testing.T) {
	client, _ := newClient(t, "v1.0")
	for _, p := range profiles(t, "v1.0", profileQuery{Top: ptr(int32(1000)), Select: []string{"id", "title"}})[:5] {
		if p.GetKind() != nil || p.GetSummary() != nil || p.GetAliases() != nil {
			t.Errorf("$select gave more than it should: %v", p)
		}
		got, err := client.Security().ThreatIntelligence().IntelProfiles().ByIntelligenceProfileId(*p.GetId()).Get(t.Context(), nil)
		if err != nil {
			t.Fatal(explain(err))
		}
		if *got.GetId() != *p.GetId() || *got.GetTitle() != *p.GetTitle() || got.GetSummary() == nil {
			t.Errorf("profile %s: %v", *p.GetId(), got)
		}
		got, err = client.Security().ThreatIntelligence().IntelProfiles().ByIntelligenceProfileId(*p.GetId()).
			Get(t.Context(), &oneConfig{QueryParameters: &oneQuery{Select: []string{"title"}, Expand: []string{"indicators($top=3;$select=id)"}}})
		if err != nil {
			t.Fatal(explain(err))
		}
		if got.GetId() != nil || *got.GetTitle() != *p.GetTitle() || got.GetIndicators() == nil {
			t.Errorf("profile %s, selected and expanded: %v", *p.GetId(), got)
		}
	}
}

func TestFilter(t *testing.T) {
	client, _ := newClient(t, "v1.0")
	total := 0
	for kind, want := range map[string]models.IntelligenceProfileKind{"actor": models.ACTOR_INTELLIGENCEPROFILEKIND, "tool": models.TOOL_INTELLIGENCEPROFILEKIND} {
		filter := "kind eq '" + kind + "'"
		list := profiles(t, "v1.0", profileQuery{Filter: &filter, Top: ptr(int32(500))})
		for _, p := range list {
			if *p.GetKind() != want {
				t.Errorf("%s: %s is %v", filter, *p.GetTitle(), *p.GetKind())
			}
		}
		n, err := client.Security().ThreatIntelligence().IntelProfiles().Count().Get(t.Context(), &countConfig{QueryParameters: &countQuery{Filter: &filter}})
		if err != nil {
			t.Fatal(explain(err))
		}
		if int(*n) != len(list) || *n == 0 {
			t.Errorf("%s: %d rows, $count %d", filter, len(list), *n)
		}
		total += len(list)
	}
	if every := profiles(t, "v1.0", profileQuery{Select: []string{"id"}, Top: ptr(int32(1000))}); len(every) != total {
		t.Errorf("%d profiles, but %d actors and tools", len(every), total)
	}
}

// TestOrder checks that titles are ordered without regard to case: as their
// upper-case forms are, which decides where "_" stands.
func TestOrder(t *testing.T) {
	up := profiles(t, "v1.0", profileQuery{Orderby: []string{"title asc"}, Select: []string{"id", "title"}, Top: ptr(int32(53))})
	down := profiles(t, "v1.0", profileQuery{Orderby: []string{"title desc"}, Select: []string{"id", "title"}, Top: ptr(int32(1000))})
	if len(up) != len(down) || len(up) == 0 {
		t.Fatalf("%d rows up, %d down", len(up), len(down))
	}
	for i := range up {
		a, b := strings.ToUpper(*up[i].GetTitle()), strings.ToUpper(*down[len(down)-1-i].GetTitle())
		if a != b {
			t.Errorf("row %d: %q up, %q down", i, a, b)
		}
		if i > 0 && strings.ToUpper(*up[i-1].GetTitle()) > a {
			t.Errorf("%q before %q", *up[i-1].GetTitle(), *up[i].GetTitle())
		}
	}
}

// TestPage checks $top, $skip and $count together.
func TestPage(t *testing.T) {
	client, _ := newClient(t, "v1.0")
	get := func(q profileQuery) models.IntelligenceProfileCollectionResponseable {
		page, err := client.Security().ThreatIntelligence().IntelProfiles().Get(t.Context(), &profileConfig{QueryParameters: &q})
		if err != nil {
			t.Fatal(explain(err))
		}
		return page
	}
	four := get(profileQuery{Top: ptr(int32(4)), Count: ptr(true), Orderby: []string{"title"}})
	two := get(profileQuery{Top: ptr(int32(2)), Skip: ptr(int32(2)), Orderby: []string{"title"}})
	if got, want := idsOf(two.GetValue()), idsOf(four.GetValue())[2:]; !slices.Equal(got, want) {
		t.Errorf("$skip=2: %v, want %v", got, want)
	}
	if four.GetOdataCount() == nil || *four.GetOdataCount() < 4 || two.GetOdataCount() != nil {
		t.Errorf("@odata.count: %v, and %v without asking", four.GetOdataCount(), two.GetOdataCount())
	}
	next := four.GetOdataNextLink()
	if next == nil || !strings.HasPrefix(*next, server+"/v1.0/security/threatIntelligence/intelProfiles?") || !strings.Contains(*next, "$top=4") {
		t.Errorf("nextLink %v", next)
	}
}

func TestSearch(t *testing.T) {
	for _, term := range []string{`"` + importedActor + `"`, "lazarus"} {
		found := false
		for _, p := range profiles(t, "v1.0", profileQuery{Search: &term, Top: ptr(int32(50))}) {
			found = found || *p.GetTitle() == importedActor || slices.Contains(p.GetAliases(), importedActor)
		}
		if !found {
			t.Errorf("$search=%s does not find %s", term, importedActor)
		}
	}
	nothing := `"no profile has this text in it"`
	if list := profiles(t, "v1.0", profileQuery{Search: &nothing}); len(list) != 0 {
		t.Errorf("$search=%s finds %d", nothing, len(list))
	}
}

// TestIndicators reads all indicators of the profiles that have some, and all
// indicators there are.
func TestIndicators(t *testing.T) {
	client, adapter := newClient(t, "v1.0")
	intelligence := client.Security().ThreatIntelligence()
	search := `"` + importedActor + `"`
	candidates := append(profiles(t, "v1.0", profileQuery{Search: &search}), profiles(t, "v1.0", profileQuery{})[:20]...)
	most := 0
	read := 0
	for _, p := range candidates {
		of := intelligence.IntelProfiles().ByIntelligenceProfileId(*p.GetId()).Indicators()
		n, err := of.Count().Get(t.Context(), nil)
		if err != nil {
			t.Fatal(explain(err))
		}
		if *n == 0 || read > 5 && *n < 1000 {
			continue
		}
		first, err := of.Get(t.Context(), &indicatorConfig{QueryParameters: &indicatorQuery{Top: ptr(int32(400)), Orderby: []string{"firstSeenDateTime"}}})
		if err != nil {
			t.Fatal(explain(err))
		}
		list := all[models.IntelligenceProfileIndicatorable](t, adapter, first, models.CreateIntelligenceProfileIndicatorCollectionResponseFromDiscriminatorValue)
		distinct(t, *p.GetTitle(), idsOf(list), int(*n))
		for _, i := range list {
			checkIndicator(t, i)
		}
		most = max(most, len(list))
		read++
	}
	if most < imported {
		t.Errorf("the largest profile has %d indicators, want at least %d", most, imported)
	}

	n, err := intelligence.IntelligenceProfileIndicators().Count().Get(t.Context(), nil)
	if err != nil {
		t.Fatal(explain(err))
	}
	first, err := intelligence.IntelligenceProfileIndicators().Get(t.Context(), &allIndicators{QueryParameters: &allIndicatorQuery{Top: ptr(int32(1000))}})
	if err != nil {
		t.Fatal(explain(err))
	}
	list := all[models.IntelligenceProfileIndicatorable](t, adapter, first, models.CreateIntelligenceProfileIndicatorCollectionResponseFromDiscriminatorValue)
	distinct(t, "all indicators", idsOf(list), int(*n))
	kinds := map[string]models.IntelligenceProfileIndicatorable{}
	for _, i := range list {
		kinds[checkIndicator(t, i)] = i
	}
	for _, kind := range []string{"hostname", "ipAddress", "unclassifiedArtifact"} {
		i := kinds[kind]
		if i == nil {
			t.Errorf("no indicator has a %s", kind)
			continue
		}
		byID := intelligence.IntelligenceProfileIndicators().ByIntelligenceProfileIndicatorId(*i.GetId())
		got, err := byID.Get(t.Context(), nil)
		if err != nil {
			t.Fatal(explain(err))
		}
		if *got.GetId() != *i.GetId() || checkIndicator(t, got) != kind {
			t.Errorf("indicator %s by its id: %v", *i.GetId(), got)
		}
		artifact, err := byID.Artifact().Get(t.Context(), nil)
		if err != nil {
			t.Fatal(explain(err))
		}
		if *artifact.GetId() != *i.GetArtifact().GetId() || kindOf(artifact) != kind {
			t.Errorf("artifact of %s: %T %s", *i.GetId(), artifact, *artifact.GetId())
		}
	}
}

func kindOf(a models.Artifactable) string {
	switch a.(type) {
	case models.Hostnameable:
		return "hostname"
	case models.IpAddressable:
		return "ipAddress"
	case models.UnclassifiedArtifactable:
		return "unclassifiedArtifact"
	}
	return "artifact"
}

// checkIndicator checks what every indicator has, and returns the derived type of
// its artifact.
func checkIndicator(t *testing.T, i models.IntelligenceProfileIndicatorable) string {
	t.Helper()
	id, a := *i.GetId(), i.GetArtifact()
	if len(id) != 36 || i.GetSource() == nil || i.GetFirstSeenDateTime() == nil || a == nil || a.GetId() == nil || *a.GetId() == "" {
		t.Fatalf("indicator %s: source %v, first seen %v, artifact %v", id, i.GetSource(), i.GetFirstSeenDateTime(), a)
	}
	if last := i.GetLastSeenDateTime(); last != nil && last.Before(*i.GetFirstSeenDateTime()) {
		t.Errorf("indicator %s was last seen before it was first seen", id)
	}
	kind := kindOf(a)
	_, err := netip.ParseAddr(*a.GetId())
	switch kind {
	case "hostname":
		if err == nil || !strings.Contains(*a.GetId(), ".") || *a.GetId() != strings.ToLower(*a.GetId()) {
			t.Errorf("indicator %s: hostname %q", id, *a.GetId())
		}
	case "ipAddress":
		if err != nil {
			t.Errorf("indicator %s: address %q", id, *a.GetId())
		}
	case "unclassifiedArtifact":
		u := a.(models.UnclassifiedArtifactable)
		if u.GetKind() == nil || u.GetValue() == nil {
			t.Fatalf("indicator %s: kind %v, value %v", id, u.GetKind(), u.GetValue())
		}
		if want := base64.StdEncoding.EncodeToString([]byte(*u.GetKind() + "$$" + *u.GetValue())); *a.GetId() != want {
			t.Errorf("indicator %s: artifact id %s, want %s", id, *a.GetId(), want)
		}
	default:
		t.Errorf("indicator %s: artifact of type %T", id, a)
	}
	return kind
}

// TestErrors checks that the SDK can read errors of every kind.
func TestErrors(t *testing.T) {
	client, _ := newClient(t, "v1.0")
	intelligence := client.Security().ThreatIntelligence()
	for name, tt := range map[string]struct {
		call   func() error
		status int
		code   string
	}{
		"unknown id": {func() error {
			_, err := intelligence.IntelProfiles().ByIntelligenceProfileId("x/y+z w%41é'q").Get(t.Context(), nil)
			return err
		}, 404, "ResourceNotFound"},
		"indicators of an unknown id": {func() error {
			_, err := intelligence.IntelProfiles().ByIntelligenceProfileId("a$b=c==").Indicators().Get(t.Context(), nil)
			return err
		}, 404, "ResourceNotFound"},
		"bad filter": {func() error {
			_, err := intelligence.IntelProfiles().Get(t.Context(), &profileConfig{QueryParameters: &profileQuery{Filter: ptr("kind eq 'robot'")}})
			return err
		}, 400, "BadRequest"},
		"bad expand": {func() error {
			_, err := intelligence.IntelProfiles().Get(t.Context(), &profileConfig{QueryParameters: &profileQuery{Expand: []string{"nothing"}}})
			return err
		}, 400, "ExpandNotSupported"},
		"unserved": {func() error {
			_, err := intelligence.Vulnerabilities().Get(t.Context(), nil)
			return err
		}, 501, "NotImplemented"},
		"write": {func() error {
			_, err := intelligence.IntelProfiles().Post(t.Context(), models.NewIntelligenceProfile(), nil)
			return err
		}, 403, "Authorization_RequestDenied"}, // nobody writes without a token
	} {
		err := tt.call()
		var e *odataerrors.ODataError
		if !errors.As(err, &e) {
			t.Errorf("%s: %T %v", name, err, err)
			continue
		}
		body := e.GetErrorEscaped()
		if e.GetStatusCode() != tt.status || body == nil || body.GetCode() == nil || *body.GetCode() != tt.code || body.GetMessage() == nil || *body.GetMessage() == "" {
			t.Errorf("%s: status %d, %v; want %d, %s", name, e.GetStatusCode(), explain(err), tt.status, tt.code)
			continue
		}
		if inner := body.GetInnerError(); inner == nil || inner.GetRequestId() == nil || inner.GetClientRequestId() == nil || inner.GetDate() == nil {
			t.Errorf("%s: innerError %v", name, inner)
		}
	}
}
