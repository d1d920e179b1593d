package conformance

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	kiota "github.com/microsoft/kiota-abstractions-go"
	"github.com/microsoft/kiota-abstractions-go/serialization"
	"github.com/microsoft/kiota-abstractions-go/store"
	khttp "github.com/microsoft/kiota-http-go"
	graph "github.com/microsoftgraph/msgraph-sdk-go/models"
	"github.com/microsoftgraph/msgraph-sdk-go/models/odataerrors"
	models "github.com/microsoftgraph/msgraph-sdk-go/models/security"
	"github.com/microsoftgraph/msgraph-sdk-go/security"
)

type (
	profileBuilder   = security.ThreatIntelligenceIntelProfilesIntelligenceProfileItemRequestBuilder
	profilePost      = security.ThreatIntelligenceIntelProfilesRequestBuilderPostRequestConfiguration
	profilePatch     = security.ThreatIntelligenceIntelProfilesIntelligenceProfileItemRequestBuilderPatchRequestConfiguration
	profileDelete    = security.ThreatIntelligenceIntelProfilesIntelligenceProfileItemRequestBuilderDeleteRequestConfiguration
	indicatorBuilder = security.ThreatIntelligenceIntelligenceProfileIndicatorsIntelligenceProfileIndicatorItemRequestBuilder
	indicatorPatch   = security.ThreatIntelligenceIntelligenceProfileIndicatorsIntelligenceProfileIndicatorItemRequestBuilderPatchRequestConfiguration
	indicatorDelete  = security.ThreatIntelligenceIntelligenceProfileIndicatorsIntelligenceProfileIndicatorItemRequestBuilderDeleteRequestConfiguration
)

func (s *session) profiles() *security.ThreatIntelligenceIntelProfilesRequestBuilder {
	return s.Security().ThreatIntelligence().IntelProfiles()
}

func (s *session) profile(id string) *profileBuilder {
	return s.profiles().ByIntelligenceProfileId(id)
}

func (s *session) indicators() *security.ThreatIntelligenceIntelligenceProfileIndicatorsRequestBuilder {
	return s.Security().ThreatIntelligence().IntelligenceProfileIndicators()
}

func (s *session) indicator(id string) *indicatorBuilder {
	return s.indicators().ByIntelligenceProfileIndicatorId(id)
}

// request makes a request that the SDK generates no method for: what is written
// goes through the SDK's models and its adapter all the same.
func (s *session) request(t *testing.T, method kiota.HttpMethod, path string, body serialization.Parsable) *kiota.RequestInformation {
	t.Helper()
	info := kiota.NewRequestInformationWithMethodAndUrlTemplateAndPathParameters(method, "{+baseurl}/security/threatIntelligence"+path, map[string]string{"baseurl": s.base})
	info.Headers.TryAdd("Accept", "application/json")
	if body != nil {
		if err := info.SetContentFromParsable(t.Context(), s.adapter, "application/json", body); err != nil {
			t.Fatal(err)
		}
	}
	return info
}

var odataErrors = kiota.ErrorMappings{
	"4XX": odataerrors.CreateODataErrorFromDiscriminatorValue, "5XX": odataerrors.CreateODataErrorFromDiscriminatorValue,
}

// addTo makes an indicator and links it to a profile.
func (s *session) addTo(t *testing.T, profile string, i models.IntelligenceProfileIndicatorable) (models.IntelligenceProfileIndicatorable, error) {
	t.Helper()
	made, err := s.adapter.Send(t.Context(), s.request(t, kiota.POST, "/intelProfiles/"+profile+"/indicators", i), models.CreateIntelligenceProfileIndicatorFromDiscriminatorValue, odataErrors)
	if err != nil {
		return nil, err
	}
	return made.(models.IntelligenceProfileIndicatorable), nil
}

func (s *session) link(t *testing.T, profile, indicatorURL string) error {
	t.Helper()
	ref := graph.NewReferenceCreate()
	ref.SetOdataId(&indicatorURL)
	return s.adapter.SendNoContent(t.Context(), s.request(t, kiota.POST, "/intelProfiles/"+profile+"/indicators/$ref", ref), odataErrors)
}

func (s *session) unlink(t *testing.T, profile, indicator string) error {
	t.Helper()
	return s.adapter.SendNoContent(t.Context(), s.request(t, kiota.DELETE, "/intelProfiles/"+profile+"/indicators/"+indicator+"/$ref", nil), odataErrors)
}

// headers are those of a request, given as name, value, name, value …
func headers(pairs ...string) *kiota.RequestHeaders {
	h := kiota.NewRequestHeaders()
	for i := 0; i+1 < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
	return h
}

// inspect is the option with which the SDK hands over the headers of an answer.
func inspect() (*khttp.HeadersInspectionOptions, []kiota.RequestOption) {
	o := khttp.NewHeadersInspectionOptions()
	o.InspectResponseHeaders = true
	return o, []kiota.RequestOption{o}
}

// answered is a header of the answer.
func answered(o *khttp.HeadersInspectionOptions, name string) string {
	return strings.Join(o.GetResponseHeaders().Get(name), ", ")
}

func content(text string, format models.ContentFormat) models.FormattedContentable {
	c := models.NewFormattedContent()
	c.SetContent(&text)
	if format != models.UNKNOWNFUTUREVALUE_CONTENTFORMAT {
		c.SetFormat(&format)
	}
	return c
}

func text(c models.FormattedContentable) string {
	if c == nil || c.GetContent() == nil || c.GetFormat() == nil {
		return "none"
	}
	return c.GetFormat().String() + ": " + *c.GetContent()
}

// newProfile has what every profile needs.
func newProfile(title string) *models.IntelligenceProfile {
	p := models.NewIntelligenceProfile()
	p.SetKind(ptr(models.ACTOR_INTELLIGENCEPROFILEKIND))
	p.SetTitle(&title)
	p.SetFirstActiveDateTime(ptr(time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)))
	p.SetSummary(content("About "+title+".", models.TEXT_CONTENTFORMAT))
	p.SetDescription(content("## Snapshot\r\n"+title, models.MARKDOWN_CONTENTFORMAT))
	return p
}

func newIndicator(a models.Artifactable) *models.IntelligenceProfileIndicator {
	i := models.NewIntelligenceProfileIndicator()
	i.SetSource(ptr(models.OSINT_INDICATORSOURCE))
	i.SetFirstSeenDateTime(ptr(time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)))
	i.SetArtifact(a)
	return i
}

func hostname(name string) models.Artifactable {
	h := models.NewHostname()
	h.SetId(&name)
	return h
}

func address(ip string) models.Artifactable {
	a := models.NewIpAddress()
	a.SetId(&ip)
	return a
}

func unclassified(kind, value string) models.Artifactable {
	u := models.NewUnclassifiedArtifact()
	u.SetKind(&kind)
	u.SetValue(&value)
	return u
}

// justRead tells an object that it is complete, so that it keeps track of what is
// set from then on. kiota-abstractions-go 1.9.3 does not: it calls its first hook in
// place of the last one, and changes to what was read are not sent.
func justRead(o store.BackedModel) { o.GetBackingStore().SetInitializationCompleted(true) }

func TestWriteProfiles(t *testing.T) {
	s := open(t, "profile-editor", mayWrite, "v1.0")
	p := newProfile("Conformance Stork <&> \"Störche\" 1")
	p.SetAliases([]string{"CS-1", "O'Stork & co+ %41"})
	p.SetTargets([]string{"Government Agencies & Services: Defense"})
	country := models.NewIntelligenceProfileCountryOrRegionOfOrigin()
	country.SetCode(ptr("DE"))
	country.SetLabel(ptr("Germany"))
	p.SetCountriesOrRegionsOfOrigin([]models.IntelligenceProfileCountryOrRegionOfOriginable{country})
	p.SetTradecraft(content("Nests.", models.MARKDOWN_CONTENTFORMAT))

	saw, options := inspect()
	made, err := s.profiles().Post(t.Context(), p, &profilePost{Options: options})
	if err != nil {
		t.Fatal(explain(err))
	}
	if sent := s.lastSent(); sent.header.Get("Content-Encoding") != "gzip" || sent.status != 201 || !strings.HasPrefix(sent.header.Get("Authorization"), "Bearer ") {
		t.Errorf("POST: status %d, %v", sent.status, sent.header)
	}
	id := *made.GetId()
	if got := answered(saw, "Location"); got != s.base+"/security/threatIntelligence/intelProfiles/"+id {
		t.Errorf("Location %s", got)
	}
	first := answered(saw, "ETag")
	if !strings.HasPrefix(first, `W/"`) {
		t.Errorf("ETag %s", first)
	}
	read := func() models.IntelligenceProfileable {
		t.Helper()
		p, err := s.profile(id).Get(t.Context(), nil)
		if err != nil {
			t.Fatal(explain(err))
		}
		return p
	}
	check := func(got models.IntelligenceProfileable, want map[string]string) {
		t.Helper()
		var origins []string
		for _, c := range got.GetCountriesOrRegionsOfOrigin() {
			origins = append(origins, *c.GetCode()+" "+*c.GetLabel())
		}
		have := map[string]string{
			"kind": got.GetKind().String(), "title": *got.GetTitle(), "firstActive": got.GetFirstActiveDateTime().Format(time.RFC3339),
			"aliases": strings.Join(got.GetAliases(), "; "), "targets": strings.Join(got.GetTargets(), "; "), "origins": strings.Join(origins, "; "),
			"summary": text(got.GetSummary()), "description": text(got.GetDescription()), "tradecraft": text(got.GetTradecraft()),
		}
		for name, w := range want {
			if have[name] != w {
				t.Errorf("%s is %q, want %q", name, have[name], w)
			}
		}
	}
	want := map[string]string{
		"kind": "actor", "title": "Conformance Stork <&> \"Störche\" 1", "firstActive": "2024-05-06T07:08:09Z", "aliases": "CS-1; O'Stork & co+ %41",
		"targets": "Government Agencies & Services: Defense", "origins": "DE Germany", "summary": "text: About Conformance Stork <&> \"Störche\" 1.",
		"description": "markdown: ## Snapshot\r\nConformance Stork <&> \"Störche\" 1", "tradecraft": "markdown: Nests.",
	}
	check(made, want)
	check(read(), want)

	// A new object has what is to be changed.
	change := models.NewIntelligenceProfile()
	change.SetAliases([]string{"CS-2"})
	change.SetSummary(content("Other words.", models.UNKNOWNFUTUREVALUE_CONTENTFORMAT))
	saw, options = inspect()
	changed, err := s.profile(id).Patch(t.Context(), change, &profilePatch{Headers: headers("If-Match", first), Options: options})
	if err != nil {
		t.Fatal(explain(err))
	}
	want["aliases"], want["summary"] = "CS-2", "text: Other words."
	check(changed, want)
	check(read(), want)
	tag := answered(saw, "ETag")
	if tag == "" || tag == first {
		t.Errorf("ETag %s after the change, %s before", tag, first)
	}

	// An object that was read sends what was set since.
	again := read()
	justRead(again)
	again.SetTitle(ptr("Conformance Stork 2"))
	again.SetTradecraft(nil)
	again.SetTargets([]string{})
	saw, options = inspect()
	if changed, err = s.profile(id).Patch(t.Context(), again, &profilePatch{Headers: headers("If-Match", `"other", `+tag), Options: options}); err != nil {
		t.Fatalf("%v; sent %s", explain(err), s.lastSent().body)
	}
	var sent map[string]json.RawMessage
	if err := json.Unmarshal([]byte(s.lastSent().body), &sent); err != nil {
		t.Fatal(err)
	}
	if got := slices.DeleteFunc(slices.Sorted(maps.Keys(sent)), func(n string) bool { return strings.HasPrefix(n, "@") }); !slices.Equal(got, []string{"targets", "title", "tradecraft"}) {
		t.Errorf("the SDK sent %v", got)
	}
	want["title"], want["tradecraft"], want["targets"] = "Conformance Stork 2", "none", ""
	check(changed, want)
	check(read(), want)
	last := answered(saw, "ETag")

	// Conditions that do not hold leave everything as it is.
	change = models.NewIntelligenceProfile()
	change.SetTitle(ptr("Never"))
	_, err = s.profile(id).Patch(t.Context(), change, &profilePatch{Headers: headers("If-Match", tag)})
	refusedAs(t, "PATCH with an old tag", err, 412, "resourceModified", "")
	refusedAs(t, "DELETE with an old tag", s.profile(id).Delete(t.Context(), &profileDelete{Headers: headers("If-Match", tag)}), 412, "resourceModified", "")
	check(read(), want)

	// Who prefers it gets no body.
	minimal := headers("Prefer", "return=minimal", "If-Match", "*")
	change = models.NewIntelligenceProfile()
	change.SetKind(ptr(models.TOOL_INTELLIGENCEPROFILEKIND))
	saw, options = inspect()
	if p, err := s.profile(id).Patch(t.Context(), change, &profilePatch{Headers: minimal, Options: options}); err != nil || p != nil || answered(saw, "Preference-Applied") != "return=minimal" {
		t.Errorf("return=minimal: %v, %v, applied %s", p, explain(err), answered(saw, "Preference-Applied"))
	}
	want["kind"] = "tool"
	check(read(), want)
	if answered(saw, "ETag") == last {
		t.Error("the ETag stays the same")
	}

	// The id that a caller chose.
	given := strings.Repeat("c0", 32)
	p = newProfile("Conformance Stork 3")
	p.SetId(&given)
	if made, err := s.profiles().Post(t.Context(), p, nil); err != nil || *made.GetId() != given {
		t.Errorf("POST with an id: %v", explain(err))
	}
	_, err = s.profiles().Post(t.Context(), p, nil)
	refusedAs(t, "POST of an id that exists", err, 409, "nameAlreadyExists", "")

	for i, gone := range []string{id, given} {
		config := &profileDelete{}
		if i == 0 {
			config.Headers = headers("If-Match", answered(saw, "ETag"))
		}
		if err := s.profile(gone).Delete(t.Context(), config); err != nil {
			t.Errorf("DELETE: %v", explain(err))
		}
		if status := s.lastSent().status; status != 204 {
			t.Errorf("DELETE: status %d", status)
		}
		_, err := s.profile(gone).Get(t.Context(), nil)
		refusedAs(t, "GET of a deleted profile", err, 404, "ResourceNotFound", "")
		refusedAs(t, "DELETE of a deleted profile", s.profile(gone).Delete(t.Context(), nil), 404, "ResourceNotFound", "")
	}
}

func TestWriteIndicators(t *testing.T) {
	s := open(t, "indicator-editor", mayWrite, "v1.0")
	owner, err := s.profiles().Post(t.Context(), newProfile("Conformance Heron"), nil)
	if err != nil {
		t.Fatal(explain(err))
	}
	other, err := s.profiles().Post(t.Context(), newProfile("Conformance Egret"), nil)
	if err != nil {
		t.Fatal(explain(err))
	}
	defer func() {
		for _, p := range []models.IntelligenceProfileable{owner, other} {
			if err := s.profile(*p.GetId()).Delete(t.Context(), nil); err != nil {
				t.Error(explain(err))
			}
		}
	}()
	count := func(profile models.IntelligenceProfileable) int {
		t.Helper()
		n, err := s.profile(*profile.GetId()).Indicators().Count().Get(t.Context(), nil)
		if err != nil {
			t.Fatal(explain(err))
		}
		return int(*n)
	}

	var ids []string
	for n, tt := range []struct {
		artifact models.Artifactable
		kind, id string
	}{
		{hostname("heron.conformance-writes.com"), "hostname", "heron.conformance-writes.com"},
		{hostname("EGRET[.]conformance-writes[.]com."), "hostname", "egret.conformance-writes.com"},
		{hostname("störche.conformance-writes.com"), "hostname", "xn--strche-xxa.conformance-writes.com"},
		{address("45.77.99.1"), "ipAddress", "45.77.99.1"},
		{address("2A01:4F8:0:0::7"), "ipAddress", "2a01:4f8::7"},
		{unclassified("sha256", strings.Repeat("AB", 32)), "unclassifiedArtifact", ""},
		{unclassified("url", "http://heron.conformance-writes.com/a?b=1&c='%41'"), "unclassifiedArtifact", ""},
		{unclassified("mutex", `Global\{conformance}`), "unclassifiedArtifact", ""},
	} {
		// Every other one is made by itself and linked, the rest under the profile.
		var i models.IntelligenceProfileIndicatorable
		if n%2 == 0 {
			saw, options := inspect()
			i, err = s.indicators().Post(t.Context(), newIndicator(tt.artifact), &security.ThreatIntelligenceIntelligenceProfileIndicatorsRequestBuilderPostRequestConfiguration{Options: options})
			if err == nil && (answered(saw, "ETag") == "" || answered(saw, "Location") != s.base+"/security/threatIntelligence/intelligenceProfileIndicators/"+*i.GetId()) {
				t.Errorf("%s: Location %s, ETag %s", tt.kind, answered(saw, "Location"), answered(saw, "ETag"))
			}
		} else {
			i, err = s.addTo(t, *owner.GetId(), newIndicator(tt.artifact))
		}
		if err != nil {
			t.Errorf("%s: %v; sent %s", tt.kind, explain(err), s.lastSent().body)
			continue
		}
		if sent := s.lastSent(); sent.status != 201 || sent.header.Get("Content-Encoding") != "gzip" {
			t.Errorf("%s: status %d, %v", tt.kind, sent.status, sent.header)
		}
		if kind := checkIndicator(t, i); kind != tt.kind || tt.id != "" && *i.GetArtifact().GetId() != tt.id {
			t.Errorf("%s %s became %s %s", tt.kind, tt.id, kind, *i.GetArtifact().GetId())
		}
		ids = append(ids, *i.GetId())
		if n%2 == 0 {
			before := count(owner)
			for range 2 {
				if err := s.link(t, *owner.GetId(), s.base+"/security/threatIntelligence/intelligenceProfileIndicators/"+*i.GetId()); err != nil {
					t.Errorf("linking %s: %v", tt.kind, explain(err))
				}
			}
			if got := count(owner); got != before+1 {
				t.Errorf("linked twice: %d indicators, %d before", got, before)
			}
		}
		got, err := s.profile(*owner.GetId()).Indicators().ByIntelligenceProfileIndicatorId(*i.GetId()).Get(t.Context(), nil)
		if err != nil || *got.GetArtifact().GetId() != *i.GetArtifact().GetId() {
			t.Errorf("%s below its profile: %v", tt.kind, explain(err))
		}
		// A known value is no new indicator.
		if again, err := s.indicators().Post(t.Context(), newIndicator(tt.artifact), nil); err != nil || *again.GetId() != *i.GetId() || s.lastSent().status != 200 {
			t.Errorf("%s again: status %d, %v", tt.kind, s.lastSent().status, explain(err))
		}
	}
	if n := count(owner); n != 8 || len(ids) != 8 {
		t.Fatalf("%d indicators, %d ids", n, len(ids))
	}
	if sent := s.lastSent(); sent.method != "GET" {
		t.Errorf("the last request is %s", sent.method)
	}

	// One indicator may belong to two profiles, and each link is its own.
	if err := s.link(t, *other.GetId(), "intelligenceProfileIndicators('"+ids[0]+"')"); err != nil || count(other) != 1 {
		t.Errorf("linked to another: %v, %d indicators", explain(err), count(other))
	}
	if err := s.unlink(t, *owner.GetId(), ids[0]); err != nil || s.lastSent().status != 204 || count(owner) != 7 || count(other) != 1 {
		t.Errorf("unlinked: %v, %d and %d indicators", explain(err), count(owner), count(other))
	}
	refusedAs(t, "unlinking twice", s.unlink(t, *owner.GetId(), ids[0]), 404, "ResourceNotFound", "")

	// Changes, with the tag of the indicator.
	saw, options := inspect()
	read, err := s.indicator(ids[0]).Get(t.Context(), &security.ThreatIntelligenceIntelligenceProfileIndicatorsIntelligenceProfileIndicatorItemRequestBuilderGetRequestConfiguration{Options: options})
	if err != nil {
		t.Fatal(explain(err))
	}
	tag := answered(saw, "ETag")
	justRead(read)
	read.SetSource(ptr(models.PUBLIC_INDICATORSOURCE))
	read.SetFirstSeenDateTime(ptr(time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)))
	read.SetLastSeenDateTime(ptr(time.Date(2021, 1, 1, 0, 0, 0, 0, time.FixedZone("", 3600))))
	changed, err := s.indicator(ids[0]).Patch(t.Context(), read, &indicatorPatch{Headers: headers("If-Match", tag)})
	if err != nil {
		t.Fatalf("%v; sent %s", explain(err), s.lastSent().body)
	}
	times := func(i models.IntelligenceProfileIndicatorable) string {
		return fmt.Sprintln(i.GetSource(), i.GetFirstSeenDateTime(), i.GetLastSeenDateTime())
	}
	const moved = "public 2020-01-02 03:04:05 +0000 UTC 2020-12-31 23:00:00 +0000 UTC\n"
	if got := times(changed); got != moved {
		t.Errorf("changed to %s, want %s", got, moved)
	}
	late := models.NewIntelligenceProfileIndicator()
	late.SetSource(ptr(models.MICROSOFT_INDICATORSOURCE))
	_, err = s.indicator(ids[0]).Patch(t.Context(), late, &indicatorPatch{Headers: headers("If-Match", tag)})
	refusedAs(t, "PATCH with an old tag", err, 412, "resourceModified", "")
	refusedAs(t, "DELETE with an old tag", s.indicator(ids[0]).Delete(t.Context(), &indicatorDelete{Headers: headers("If-Match", tag)}), 412, "resourceModified", "")
	if now, err := s.indicator(ids[0]).Get(t.Context(), nil); err != nil || times(now) != times(changed) {
		t.Errorf("after what was refused: %v %v", now, explain(err))
	}
	justRead(changed)
	changed.SetLastSeenDateTime(nil)
	if cleared, err := s.indicator(ids[0]).Patch(t.Context(), changed, nil); err != nil || cleared.GetLastSeenDateTime() != nil {
		t.Errorf("cleared: %v; sent %s", explain(err), s.lastSent().body)
	}

	for _, id := range ids {
		if err := s.indicator(id).Delete(t.Context(), nil); err != nil {
			t.Errorf("DELETE: %v", explain(err))
		}
		_, err := s.indicator(id).Get(t.Context(), nil)
		refusedAs(t, "GET of a deleted indicator", err, 404, "ResourceNotFound", "")
	}
	if count(owner) != 0 || count(other) != 0 {
		t.Errorf("all deleted: %d and %d indicators", count(owner), count(other))
	}
}

// refusedAs checks that an error is the SDK's own, with what the server says.
func refusedAs(t *testing.T, what string, err error, status int, code, target string) {
	t.Helper()
	var e *odataerrors.ODataError
	if !errors.As(err, &e) || e.GetErrorEscaped() == nil {
		t.Errorf("%s: %T %v, want %d", what, err, err, status)
		return
	}
	body := e.GetErrorEscaped()
	got := ""
	if body.GetTarget() != nil {
		got = *body.GetTarget()
	}
	if e.GetStatusCode() != status || *body.GetCode() != code || got != target || *body.GetMessage() == "" {
		t.Errorf("%s: %d %s, target %q; want %d %s, target %q", what, e.GetStatusCode(), explain(err), got, status, code, target)
	}
	if inner := body.GetInnerError(); inner == nil || inner.GetRequestId() == nil || inner.GetClientRequestId() == nil || inner.GetDate() == nil {
		t.Errorf("%s: innerError %v", what, inner)
	}
}

func TestWritesRefused(t *testing.T) {
	s := open(t, "clumsy-editor", mayWrite, "v1.0")
	reader := open(t, "mere-reader", mayRead, "v1.0")
	some, err := s.profiles().Get(t.Context(), &profileConfig{QueryParameters: &profileQuery{Top: ptr(int32(1))}})
	if err != nil {
		t.Fatal(explain(err))
	}
	id := *some.GetValue()[0].GetId()
	someIndicator, err := s.indicators().Get(t.Context(), &allIndicators{QueryParameters: &allIndicatorQuery{Top: ptr(int32(1))}})
	if err != nil {
		t.Fatal(explain(err))
	}
	iid := *someIndicator.GetValue()[0].GetId()

	post := func(edit func(*models.IntelligenceProfile)) func() error {
		return func() error {
			p := newProfile("Refused")
			edit(p)
			_, err := s.profiles().Post(t.Context(), p, nil)
			return err
		}
	}
	patch := func(edit func(*models.IntelligenceProfile)) func() error {
		return func() error {
			p := models.NewIntelligenceProfile()
			edit(p)
			_, err := s.profile(id).Patch(t.Context(), p, nil)
			return err
		}
	}
	indicator := func(edit func(*models.IntelligenceProfileIndicator)) func() error {
		return func() error {
			i := newIndicator(hostname("refused.conformance-writes.com"))
			edit(i)
			_, err := s.indicators().Post(t.Context(), i, nil)
			return err
		}
	}
	for _, tt := range []struct {
		what         string
		call         func() error
		status       int
		code, target string
	}{
		{"no title", post(func(p *models.IntelligenceProfile) { p.SetTitle(nil) }), 400, "BadRequest", "title"},
		{"no summary", post(func(p *models.IntelligenceProfile) { p.SetSummary(nil) }), 400, "BadRequest", "summary"},
		{"an id of another form", post(func(p *models.IntelligenceProfile) { p.SetId(ptr("stork")) }), 400, "BadRequest", "id"},
		{"indicators in a new profile", post(func(p *models.IntelligenceProfile) {
			p.SetIndicators([]models.IntelligenceProfileIndicatorable{newIndicator(hostname("refused.conformance-writes.com"))})
		}), 400, "BadRequest", "indicators"},
		{"an unknown property", post(func(p *models.IntelligenceProfile) { p.SetAdditionalData(map[string]any{"colour": "red"}) }), 400, "BadRequest", "colour"},
		{"an unknown kind", post(func(p *models.IntelligenceProfile) { p.SetKind(ptr(models.UNKNOWNFUTUREVALUE_INTELLIGENCEPROFILEKIND)) }), 400, "BadRequest", "kind"},
		{"an empty title", patch(func(p *models.IntelligenceProfile) { p.SetTitle(ptr(" ")) }), 400, "BadRequest", "title"},
		{"another id", patch(func(p *models.IntelligenceProfile) { p.SetId(ptr(strings.Repeat("0a", 32))) }), 400, "BadRequest", "id"},
		{"a wrong type", patch(func(p *models.IntelligenceProfile) { p.SetOdataType(ptr("#microsoft.graph.security.article")) }), 400, "BadRequest", ""},
		{"an unknown id", func() error {
			_, err := s.profile("nope").Patch(t.Context(), newProfile("x"), nil)
			return err
		}, 404, "ResourceNotFound", ""},
		{"no artifact", indicator(func(i *models.IntelligenceProfileIndicator) { i.SetArtifact(nil) }), 400, "BadRequest", "artifact"},
		{"no source", indicator(func(i *models.IntelligenceProfileIndicator) { i.SetSource(nil) }), 400, "BadRequest", "source"},
		{"no first sight", indicator(func(i *models.IntelligenceProfileIndicator) { i.SetFirstSeenDateTime(nil) }), 400, "BadRequest", "firstSeenDateTime"},
		{"seen last before first", indicator(func(i *models.IntelligenceProfileIndicator) { i.SetLastSeenDateTime(ptr(time.Unix(1, 0))) }), 400, "BadRequest", "lastSeenDateTime"},
		{"no name", indicator(func(i *models.IntelligenceProfileIndicator) { i.SetArtifact(hostname("no name")) }), 400, "BadRequest", "artifact/id"},
		{"an artifact without type", indicator(func(i *models.IntelligenceProfileIndicator) {
			a := models.NewArtifact()
			a.SetId(ptr("refused.conformance-writes.com"))
			i.SetArtifact(a)
		}), 400, "BadRequest", "artifact/@odata.type"},
		{"an artifact that is no indicator's", indicator(func(i *models.IntelligenceProfileIndicator) { i.SetArtifact(models.NewSslCertificate()) }), 400, "BadRequest", "artifact/@odata.type"},
		{"an unknown kind of artifact", indicator(func(i *models.IntelligenceProfileIndicator) { i.SetArtifact(unclassified("md6", "x")) }), 400, "BadRequest", "artifact/kind"},
		{"a hash that is none", indicator(func(i *models.IntelligenceProfileIndicator) { i.SetArtifact(unclassified("md5", "x")) }), 400, "BadRequest", "artifact/value"},
		{"the id of another value", indicator(func(i *models.IntelligenceProfileIndicator) { i.SetId(&iid) }), 400, "BadRequest", "id"},
		{"another artifact", func() error {
			_, err := s.indicator(iid).Patch(t.Context(), newIndicator(hostname("another.conformance-writes.com")), nil)
			return err
		}, 400, "BadRequest", "artifact"},
		{"below an unknown profile", func() error {
			_, err := s.addTo(t, "nope", newIndicator(hostname("refused.conformance-writes.com")))
			return err
		}, 404, "ResourceNotFound", ""},
		{"a link to a profile", func() error {
			return s.link(t, id, s.base+"/security/threatIntelligence/intelProfiles/"+id)
		}, 400, "BadRequest", "@odata.id"},
		{"a link to nothing", func() error {
			return s.link(t, id, "intelligenceProfileIndicators/00000000-0000-4000-8000-000000000000")
		}, 404, "ResourceNotFound", ""},
		{"PATCH below a profile", func() error {
			_, err := s.adapter.Send(t.Context(), s.request(t, kiota.PATCH, "/intelProfiles/"+id+"/indicators/"+iid, models.NewIntelligenceProfileIndicator()), models.CreateIntelligenceProfileIndicatorFromDiscriminatorValue, odataErrors)
			return err
		}, 405, "Request_BadRequest", ""},
		{"a neighbour", func() error {
			return s.Security().ThreatIntelligence().Articles().ByArticleId("a272d5ab").Delete(t.Context(), nil)
		}, 405, "Request_BadRequest", ""},
		{"who may only read", func() error {
			_, err := reader.profiles().Post(t.Context(), newProfile("Refused"), nil)
			return err
		}, 403, "Authorization_RequestDenied", ""},
		{"who may only read, changing", func() error {
			_, err := reader.profile(id).Patch(t.Context(), newProfile("Refused"), nil)
			return err
		}, 403, "Authorization_RequestDenied", ""},
		{"who may only read, deleting", func() error { return reader.indicator(iid).Delete(t.Context(), nil) }, 403, "Authorization_RequestDenied", ""},
		{"who may only read, linking", func() error { return reader.link(t, id, "intelligenceProfileIndicators/"+iid) }, 403, "Authorization_RequestDenied", ""},
		{"too long a body", func() error {
			p := newProfile("Refused")
			p.SetDescription(content(strings.Repeat("long ", 300_000), models.MARKDOWN_CONTENTFORMAT))
			_, err := s.profiles().Post(t.Context(), p, nil)
			return err
		}, 413, "requestEntityTooLarge", ""},
	} {
		refusedAs(t, tt.what, tt.call(), tt.status, tt.code, tt.target)
	}
	// Nothing of it was written.
	for _, query := range []string{"title eq 'Refused'", "title eq ' '"} {
		if page, err := s.profiles().Get(t.Context(), &profileConfig{QueryParameters: &profileQuery{Filter: &query}}); err != nil || len(page.GetValue()) > 0 {
			t.Errorf("%s: %v, %d profiles", query, explain(err), len(page.GetValue()))
		}
	}
	made := "endswith(artifact/id,'conformance-writes.com')"
	page, err := s.indicators().Get(t.Context(), &allIndicators{QueryParameters: &allIndicatorQuery{Filter: &made}})
	if err != nil {
		t.Fatal(explain(err))
	}
	if names := page.GetValue(); len(names) > 0 {
		slices.SortFunc(names, func(a, b models.IntelligenceProfileIndicatorable) int { return cmp.Compare(*a.GetId(), *b.GetId()) })
		t.Errorf("%d indicators are left, as %s", len(names), *names[0].GetArtifact().GetId())
	}
}
