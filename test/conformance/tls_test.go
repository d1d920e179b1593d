package conformance

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	kiota "github.com/microsoft/kiota-abstractions-go"
	core "github.com/microsoftgraph/msgraph-sdk-go-core"
	models "github.com/microsoftgraph/msgraph-sdk-go/models/security"
	"github.com/microsoftgraph/msgraph-sdk-go/security"
)

type (
	allCountConfig = security.ThreatIntelligenceIntelligenceProfileIndicatorsCountRequestBuilderGetRequestConfiguration
	allCountQuery  = security.ThreatIntelligenceIntelligenceProfileIndicatorsCountRequestBuilderGetQueryParameters
)

var (
	profilePages   = models.CreateIntelligenceProfileCollectionResponseFromDiscriminatorValue
	indicatorPages = models.CreateIntelligenceProfileIndicatorCollectionResponseFromDiscriminatorValue
)

// listed reads all profiles that a query finds, page by page.
func (s *session) listed(t *testing.T, q profileQuery) []models.IntelligenceProfileable {
	t.Helper()
	first, err := s.profiles().Get(t.Context(), &profileConfig{QueryParameters: &q})
	if err != nil {
		t.Fatal(explain(err))
	}
	return all[models.IntelligenceProfileable](t, s.adapter, first, profilePages)
}

func (s *session) listedIndicators(t *testing.T, q allIndicatorQuery) []models.IntelligenceProfileIndicatorable {
	t.Helper()
	first, err := s.indicators().Get(t.Context(), &allIndicators{QueryParameters: &q})
	if err != nil {
		t.Fatal(explain(err))
	}
	return all[models.IntelligenceProfileIndicatorable](t, s.adapter, first, indicatorPages)
}

// TestGuardedPages reads everything page by page with a token and compares it with
// the number of rows that /$count says.
func TestGuardedPages(t *testing.T) {
	for _, version := range []string{"v1.0", "beta"} {
		s := open(t, "pages-"+version, mayRead, version)
		for _, tt := range []struct {
			filter, search *string
			top            *int32
		}{
			{},
			{top: ptr(int32(7)), search: ptr(`"Blizzard"`)},
			{top: ptr(int32(211)), filter: ptr("kind eq 'actor'")},
			{top: ptr(int32(1000)), filter: ptr("aliases/$count ge 1 and not contains(title,'a')")},
		} {
			name := fmt.Sprintf("%s, filter %s, search %s", version, said(tt.filter), said(tt.search))
			n, err := s.profiles().Count().Get(t.Context(), &countConfig{QueryParameters: &countQuery{Filter: tt.filter, Search: tt.search}})
			if err != nil {
				t.Fatal(name, explain(err))
			}
			if *n < 8 {
				t.Errorf("%s: %d profiles are too few for a test", name, *n)
			}
			distinct(t, name, idsOf(s.listed(t, profileQuery{Top: tt.top, Filter: tt.filter, Search: tt.search, Select: []string{"id"}})), int(*n))
		}
		for _, tt := range []struct {
			filter *string
			top    *int32
		}{
			{},
			{top: ptr(int32(333)), filter: ptr("artifact/microsoft.graph.security.hostname/id ne null")},
			{top: ptr(int32(1)), filter: ptr("artifact/microsoft.graph.security.ipAddress/id ne null and artifact/id ge '45.77.12.34' and artifact/id le '45.77.12.34'")},
			{top: ptr(int32(1000)), filter: ptr("startswith(artifact/id,'c1') and endswith(artifact/id,'.conformance-check.com')")},
		} {
			name := fmt.Sprintf("%s, indicators, filter %s", version, said(tt.filter))
			n, err := s.indicators().Count().Get(t.Context(), &allCountConfig{QueryParameters: &allCountQuery{Filter: tt.filter}})
			if err != nil {
				t.Fatal(name, explain(err))
			}
			if *n < 1 {
				t.Errorf("%s: none", name)
			}
			distinct(t, name, idsOf(s.listedIndicators(t, allIndicatorQuery{Top: tt.top, Filter: tt.filter, Select: []string{"id"}})), int(*n))
		}
		if sent := s.lastSent(); !strings.HasPrefix(sent.header.Get("Authorization"), "Bearer ") || sent.header.Get("SdkVersion") == "" {
			t.Errorf("the SDK's own headers are not there: %v", sent.header)
		}
	}
}

func said(s *string) string {
	if s == nil {
		return "none"
	}
	return *s
}

// oddIDs are no ids of anything; each must come back whole in the message. Names of
// the model, as "$count", are not among them: the server takes them as such, also
// where they are encoded.
var oddIDs = []string{
	"100%", "%41", "%2F", "a/b", "../intelProfiles", "it's", "''", `"quoted"`, "a$b=c==", "$value", "a+b", "a b", "a&b?c#d", "é", "日本", "🦆", "a;b,c", "(x)", "('x')", ":@!*~", ".",
}

func TestOddIDs(t *testing.T) {
	s := open(t, "odd", mayWrite, "v1.0")
	intelligence := s.Security().ThreatIntelligence()
	for _, id := range oddIDs {
		for what, call := range map[string]func() error{
			"profile":               func() error { _, err := s.profile(id).Get(t.Context(), nil); return err },
			"indicators of":         func() error { _, err := s.profile(id).Indicators().Get(t.Context(), nil); return err },
			"indicator":             func() error { _, err := s.indicator(id).Get(t.Context(), nil); return err },
			"artifact of":           func() error { _, err := s.indicator(id).Artifact().Get(t.Context(), nil); return err },
			"changing a profile":    func() error { _, err := s.profile(id).Patch(t.Context(), newProfile("x"), nil); return err },
			"deleting an indicator": func() error { return s.indicator(id).Delete(t.Context(), nil) },
		} {
			err := call()
			refusedAs(t, what+" "+id, err, 404, "ResourceNotFound", "")
			if err != nil && !strings.Contains(explain(err).Error(), fmt.Sprintf("%q", id)) {
				t.Errorf("%s %s: the message has another id: %v", what, id, explain(err))
			}
		}
	}
	// Hosts exist in every form of their name.
	for id, want := range map[string]string{
		"Bücher.conformance-check.com": "xn--bcher-kva.conformance-check.com", "C7.Conformance-Check.com.": "c7.conformance-check.com",
		"2A01:4F8:C17:0B0F:0::2": "2a01:4f8:c17:b0f::2", "::ffff:45.77.12.34": "45.77.12.34", "_dmarc.conformance-check.com": "_dmarc.conformance-check.com",
	} {
		host, err := intelligence.Hosts().ByHostId(id).Get(t.Context(), nil)
		if err != nil || *host.GetId() != want {
			t.Errorf("host %s: %v", id, explain(err))
		}
	}
}

// TestOddText: values that need care in a query, in filters and searches.
func TestOddText(t *testing.T) {
	s := open(t, "odd-text", mayWrite, "v1.0")
	for _, title := range []string{
		"O'Malley & Söhne + 100%", `back\slash "quoted"`, "%41%27 $filter=1", "日本 🦆 #1?", "a;b,c/d:e", "İstanbul ẞ", "100%25",
	} {
		made, err := s.profiles().Post(t.Context(), newProfile(title), nil)
		if err != nil {
			t.Errorf("%s: %v", title, explain(err))
			continue
		}
		literal := "'" + strings.ReplaceAll(title, "'", "''") + "'"
		for what, q := range map[string]profileQuery{
			"filter": {Filter: ptr("title eq " + literal)},
			"in":     {Filter: ptr("title in ('nothing'," + literal + ")")},
			"part":   {Filter: ptr("contains(title," + literal + ") and title ne null")},
			"search": {Search: ptr(`"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(title) + `"`)},
		} {
			found := s.listed(t, q)
			if len(found) != 1 || *found[0].GetId() != *made.GetId() {
				t.Errorf("%s with %s finds %d profiles: %s", title, what, len(found), s.lastSent().uri)
			}
		}
		if err := s.profile(*made.GetId()).Delete(t.Context(), nil); err != nil {
			t.Error(explain(err))
		}
	}
}

// TestAllOptions gives every option at once and compares the rows with what the
// same choice among all rows gives.
func TestAllOptions(t *testing.T) {
	s := open(t, "options", mayRead, "v1.0")
	var want []models.IntelligenceProfileable
	for _, p := range s.listed(t, profileQuery{Search: ptr("russia"), Top: ptr(int32(1000))}) {
		if *p.GetKind() == models.ACTOR_INTELLIGENCEPROFILEKIND && len(p.GetAliases()) > 0 {
			want = append(want, p)
		}
	}
	slices.SortFunc(want, func(a, b models.IntelligenceProfileable) int {
		return cmp.Or(-a.GetFirstActiveDateTime().Compare(*b.GetFirstActiveDateTime()), cmp.Compare(strings.ToUpper(*a.GetTitle()), strings.ToUpper(*b.GetTitle())), cmp.Compare(*a.GetId(), *b.GetId()))
	})
	if len(want) < 12 {
		t.Fatalf("%d profiles are too few for a test", len(want))
	}
	q := profileQuery{
		Count: ptr(true), Expand: []string{"indicators($top=2;$count=true;$select=id,artifact;$orderby=lastSeenDateTime desc;$filter=source ne 'microsoft')"},
		Filter: ptr("kind eq 'actor' and aliases/$count gt 0"), Orderby: []string{"firstActiveDateTime desc", "title"}, Search: ptr("russia"),
		Select: []string{"id", "title", "firstActiveDateTime"}, Skip: ptr(int32(3)), Top: ptr(int32(4)),
	}
	first, err := s.profiles().Get(t.Context(), &profileConfig{QueryParameters: &q})
	if err != nil {
		t.Fatal(explain(err))
	}
	if n := first.GetOdataCount(); n == nil || int(*n) != len(want) {
		t.Errorf("@odata.count %v, want %d", n, len(want))
	}
	if n := len(first.GetValue()); n != 4 {
		t.Errorf("%d rows in a page of 4", n)
	}
	got := all[models.IntelligenceProfileable](t, s.adapter, first, profilePages)
	if g, w := idsOf(got), idsOf(want[3:]); !slices.Equal(g, w) {
		t.Errorf("rows %v\nwant %v", g, w)
	}
	expanded := 0
	for _, p := range got {
		if p.GetKind() != nil || p.GetSummary() != nil || p.GetAliases() != nil {
			t.Errorf("%s has more than was selected", *p.GetTitle())
		}
		if p.GetIndicators() == nil {
			t.Errorf("%s has no indicators, not even none", *p.GetTitle())
		}
		n, ok := p.GetAdditionalData()["indicators@odata.count"]
		if !ok {
			t.Errorf("%s: no indicators@odata.count in %v", *p.GetTitle(), p.GetAdditionalData())
		}
		expanded += len(p.GetIndicators())
		if toJSON(t, n) != fmt.Sprint(len(p.GetIndicators())) && len(p.GetIndicators()) != 2 {
			t.Errorf("%s: %d indicators, count %s", *p.GetTitle(), len(p.GetIndicators()), toJSON(t, n))
		}
	}
	t.Log(len(got), "profiles with", expanded, "expanded indicators")
}

func toJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestExpandNested expands the indicators of the profile with the most of them,
// and follows their own nextLink to the end.
func TestExpandNested(t *testing.T) {
	s := open(t, "expand", mayRead, "v1.0")
	found := s.listed(t, profileQuery{Filter: ptr(fmt.Sprintf("indicators/any(i:i/artifact/microsoft.graph.security.hostname/id eq 'c%d.conformance-check.com')", imported-1))})
	if len(found) == 0 {
		t.Fatal("no profile has the imported indicators")
	}
	const filter = "artifact/microsoft.graph.security.hostname/id ne null and endswith(artifact/id,'conformance-check.com')"
	p, err := s.profile(*found[0].GetId()).Get(t.Context(), &oneConfig{QueryParameters: &oneQuery{
		Select: []string{"id"}, Expand: []string{"indicators($count=true;$top=400;$skip=10;$select=id,artifact;$orderby=artifact/id desc;$filter=" + filter + ")"},
	}})
	if err != nil {
		t.Fatal(explain(err))
	}
	if n := toJSON(t, p.GetAdditionalData()["indicators@odata.count"]); n != fmt.Sprint(imported) {
		t.Errorf("indicators@odata.count %s, want %d", n, imported)
	}
	var next string
	if err := json.Unmarshal([]byte(toJSON(t, p.GetAdditionalData()["indicators@odata.nextLink"])), &next); err != nil || !strings.HasPrefix(next, s.base+"/") {
		t.Fatalf("indicators@odata.nextLink %q, %v", next, err)
	}
	rest, err := s.profile(*found[0].GetId()).Indicators().WithUrl(next).Get(t.Context(), nil)
	if err != nil {
		t.Fatal(next, explain(err))
	}
	list := append(p.GetIndicators(), all[models.IntelligenceProfileIndicatorable](t, s.adapter, rest, indicatorPages)...)
	if len(p.GetIndicators()) != 400 {
		t.Errorf("%d expanded, want 400", len(p.GetIndicators()))
	}
	distinct(t, "expanded and the rest", idsOf(list), imported-10)
	for n, i := range list {
		if i.GetSource() != nil || i.GetFirstSeenDateTime() != nil || !strings.HasSuffix(*i.GetArtifact().GetId(), "conformance-check.com") {
			t.Fatalf("row %d: %s", n, *i.GetArtifact().GetId())
		}
		if n > 0 && *list[n-1].GetArtifact().GetId() < *i.GetArtifact().GetId() {
			t.Fatalf("%s before %s", *list[n-1].GetArtifact().GetId(), *i.GetArtifact().GetId())
		}
	}
}

// TestAnnotations reads the annotations that a client asked for where the SDK has
// what it does not know: in the additional data.
func TestAnnotations(t *testing.T) {
	s := open(t, "annotations", mayRead, "v1.0")
	prefer := headers("Prefer", `odata.include-annotations="dossier.*,-dossier.related"`)
	terms := []string{"@dossier.dateBasis", "@dossier.names", "@dossier.sources", "@dossier.techniques"}
	// The SDK drops what is null, as the time of the last change may be.
	own := func(data map[string]any) []string {
		return slices.DeleteFunc(slices.Sorted(maps.Keys(data)), func(n string) bool {
			return strings.HasPrefix(n, "@odata.") || n == "@dossier.lastModifiedDateTime"
		})
	}
	saw, options := inspect()
	first, err := s.profiles().Get(t.Context(), &profileConfig{Headers: prefer, Options: options, QueryParameters: &profileQuery{Top: ptr(int32(700)), Select: []string{"id", "title"}}})
	if err != nil {
		t.Fatal(explain(err))
	}
	if got := answered(saw, "Preference-Applied"); got != `odata.include-annotations="dossier.*,-dossier.related"` {
		t.Errorf("Preference-Applied %s", got)
	}
	it, err := core.NewPageIterator[models.IntelligenceProfileable](first, s.adapter, profilePages)
	if err != nil {
		t.Fatal(err)
	}
	it.SetHeaders(prefer) // the iterator sends them with every page
	rows, techniques, modified := 0, 0, 0
	err = it.Iterate(t.Context(), func(p models.IntelligenceProfileable) bool {
		rows++
		if got := own(p.GetAdditionalData()); !slices.Equal(got, terms) {
			t.Errorf("%s: %v", *p.GetTitle(), got)
			return false
		}
		var names []struct{ Value string }
		if err := json.Unmarshal([]byte(toJSON(t, p.GetAdditionalData()["@dossier.names"])), &names); err != nil || len(names) == 0 || names[0].Value == "" {
			t.Errorf("%s: names %s", *p.GetTitle(), toJSON(t, p.GetAdditionalData()["@dossier.names"]))
			return false
		}
		if toJSON(t, p.GetAdditionalData()["@dossier.techniques"]) != "[]" {
			techniques++
		}
		if p.GetAdditionalData()["@dossier.lastModifiedDateTime"] != nil {
			modified++
		}
		return true
	})
	if err != nil {
		t.Fatal(explain(err))
	}
	if n, err := s.profiles().Count().Get(t.Context(), nil); err != nil || int(*n) != rows || techniques < 100 || modified < 100 {
		t.Errorf("%d profiles, %d with techniques, %d with a time; /$count %d, %v", rows, techniques, modified, *n, explain(err))
	}
	indicators, err := s.indicators().Get(t.Context(), &allIndicators{Headers: headers("Prefer", `odata.include-annotations="dossier.evidence"`), QueryParameters: &allIndicatorQuery{Top: ptr(int32(5)), Filter: ptr("endswith(artifact/id,'conformance-check.com')")}})
	if err != nil {
		t.Fatal(explain(err))
	}
	for _, i := range indicators.GetValue() {
		var evidence []struct{ Publisher string }
		if got := own(i.GetAdditionalData()); !slices.Equal(got, []string{"@dossier.evidence"}) {
			t.Errorf("indicator: %v", got)
		} else if err := json.Unmarshal([]byte(toJSON(t, i.GetAdditionalData()[got[0]])), &evidence); err != nil || len(evidence) == 0 || evidence[0].Publisher != "conformance" {
			t.Errorf("evidence %s, %v", toJSON(t, i.GetAdditionalData()[got[0]]), err)
		}
	}
	plain, err := s.profiles().Get(t.Context(), &profileConfig{QueryParameters: &profileQuery{Top: ptr(int32(1))}})
	if err != nil || len(own(plain.GetValue()[0].GetAdditionalData())) > 0 {
		t.Errorf("not asked for: %v, %v", plain, explain(err))
	}
}

// TestBatchOfWrites makes, changes and reads in one batch, each after what it
// needs.
func TestBatchOfWrites(t *testing.T) {
	for _, version := range []string{"v1.0", "beta"} {
		s := open(t, "batch-"+version, mayWrite, version)
		batch := core.NewBatchRequest(s.adapter)
		add := func(info *kiota.RequestInformation, err error) core.BatchItem {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
			item, err := batch.AddBatchRequestStep(*info)
			if err != nil {
				t.Fatal(err)
			}
			return item
		}
		after := func(item core.BatchItem, before ...core.BatchItem) core.BatchItem {
			for _, b := range before {
				item.DependsOnItem(b)
			}
			return item
		}
		id := strings.Repeat("ba", 32)
		p := newProfile("Conformance batch: Söhne & co")
		p.SetId(&id)
		change := models.NewIntelligenceProfile()
		change.SetTitle(ptr("Conformance batch, changed"))

		// What depends stands first: the order is the server's.
		ctx := t.Context()
		reading := add(s.profile(id).ToGetRequestInformation(ctx, &oneConfig{QueryParameters: &oneQuery{Expand: []string{"indicators($select=id,artifact)"}}}))
		changing := add(s.profile(id).ToPatchRequestInformation(ctx, change, &profilePatch{Headers: headers("If-Match", "*")}))
		linking := add(s.request(t, kiota.POST, "/intelProfiles/"+id+"/indicators", newIndicator(hostname("batch.conformance-writes.com"))), nil)
		making := add(s.profiles().ToPostRequestInformation(ctx, p, nil))
		broken := add(s.profiles().ToPostRequestInformation(ctx, models.NewIntelligenceProfile(), nil))
		never := add(s.profile(id).ToDeleteRequestInformation(ctx, nil))
		neither := add(s.profiles().ToGetRequestInformation(ctx, nil))
		stale := add(s.profile(id).ToDeleteRequestInformation(ctx, &profileDelete{Headers: headers("If-Match", `"old"`)}))
		after(changing, making)
		after(linking, making)
		after(reading, changing, linking)
		after(stale, making)
		after(never, broken)
		after(neither, never)

		response, err := batch.Send(ctx, s.adapter)
		if err != nil {
			t.Fatal(explain(err))
		}
		if sent := s.lastSent(); sent.header.Get("Content-Encoding") != "gzip" || !strings.HasSuffix(sent.uri, "/"+version+"/$batch") {
			t.Errorf("batch: %s %v", sent.uri, sent.header)
		}
		status := response.GetStatusCodes()
		for what, tt := range map[string]struct {
			item core.BatchItem
			want int32
		}{
			"making": {making, 201}, "changing": {changing, 200}, "linking": {linking, 201}, "reading": {reading, 200},
			"broken": {broken, 400}, "never": {never, 424}, "neither": {neither, 424}, "stale": {stale, 412},
		} {
			if got := status[*tt.item.GetId()]; got != tt.want {
				t.Errorf("%s, %s: status %d, want %d: %v", version, what, got, tt.want, response.GetResponseById(*tt.item.GetId()).GetBody())
			}
		}
		if _, err := core.GetBatchResponseById[models.IntelligenceProfileable](response, *broken.GetId(), models.CreateIntelligenceProfileFromDiscriminatorValue); err == nil {
			t.Error("a refused item is no error to the SDK")
		}
		got, err := core.GetBatchResponseById[models.IntelligenceProfileable](response, *reading.GetId(), models.CreateIntelligenceProfileFromDiscriminatorValue)
		if err != nil {
			t.Fatal(explain(err))
		}
		if *got.GetTitle() != "Conformance batch, changed" || len(got.GetIndicators()) != 1 || *got.GetIndicators()[0].GetArtifact().GetId() != "batch.conformance-writes.com" {
			t.Errorf("%s: read %s with %d indicators", version, *got.GetTitle(), len(got.GetIndicators()))
		}
		made := response.GetResponseById(*making.GetId())
		if made.GetHeaders()["Location"] != s.base+"/security/threatIntelligence/intelProfiles/"+id {
			t.Errorf("%s: headers of what was made: %v", version, made.GetHeaders())
		}

		// All of it is taken away again, in a batch too.
		batch = core.NewBatchRequest(s.adapter)
		first := add(s.profile(id).ToDeleteRequestInformation(ctx, &profileDelete{Headers: headers("If-Match", "*")}))
		second := after(add(s.indicator(*got.GetIndicators()[0].GetId()).ToDeleteRequestInformation(ctx, nil)), first)
		third := after(add(s.profile(id).ToGetRequestInformation(ctx, nil)), second)
		if response, err = batch.Send(ctx, s.adapter); err != nil {
			t.Fatal(explain(err))
		}
		for n, item := range []core.BatchItem{first, second, third} {
			if got, want := response.GetStatusCodes()[*item.GetId()], []int32{204, 204, 404}[n]; got != want {
				t.Errorf("%s: taking away, step %d: %d, want %d", version, n, got, want)
			}
		}
	}
}
