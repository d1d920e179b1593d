package conformance

import (
	"strings"
	"testing"

	kiota "github.com/microsoft/kiota-abstractions-go"
	core "github.com/microsoftgraph/msgraph-sdk-go-core"
	models "github.com/microsoftgraph/msgraph-sdk-go/models/security"
)

// TestHosts reads hosts and their reputation: of an indicator, and of a name that
// nobody has heard of.
func TestHosts(t *testing.T) {
	client, _ := newClient(t, "v1.0")
	hosts := client.Security().ThreatIntelligence().Hosts()
	for id, known := range map[string]bool{"c7.conformance-check.com": true, "unheard-of-name.com": false, "45.77.12.34": true} {
		host, err := hosts.ByHostId(id).Get(t.Context(), nil)
		if err != nil {
			t.Fatal(id, explain(err))
		}
		_, address := host.(models.IpAddressable)
		if *host.GetId() != id || address != (id == "45.77.12.34") {
			t.Errorf("host %s: %T %s", id, host, *host.GetId())
		}
		r, err := hosts.ByHostId(id).Reputation().Get(t.Context(), nil)
		if err != nil {
			t.Fatal(id, explain(err))
		}
		if r.GetClassification() == nil || r.GetScore() == nil || (*r.GetScore() > 0) != known || (len(r.GetRules()) > 0) != known {
			t.Errorf("reputation of %s: %v, score %v, %d rules", id, r.GetClassification(), r.GetScore(), len(r.GetRules()))
		}
		for _, rule := range r.GetRules() {
			if rule.GetName() == nil || rule.GetDescription() == nil || rule.GetSeverity() == nil {
				t.Errorf("reputation of %s: rule %v", id, rule)
			}
		}
		ports, err := hosts.ByHostId(id).Ports().Get(t.Context(), nil)
		if err != nil || len(ports.GetValue()) != 0 {
			t.Errorf("ports of %s: %v, %v", id, ports, err)
		}
	}
}

// TestBatch sends a batch as the SDK does: compressed, with escaped options.
func TestBatch(t *testing.T) {
	client, adapter := newClient(t, "v1.0")
	intelligence := client.Security().ThreatIntelligence()
	list, err := intelligence.IntelProfiles().ToGetRequestInformation(t.Context(), &profileConfig{QueryParameters: &profileQuery{Top: ptr(int32(3)), Filter: ptr("kind eq 'tool'")}})
	if err != nil {
		t.Fatal(err)
	}
	host, err := intelligence.Hosts().ByHostId("c7.conformance-check.com").ToGetRequestInformation(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	batch := core.NewBatchRequest(adapter)
	add := func(info *kiota.RequestInformation) string {
		item, err := batch.AddBatchRequestStep(*info)
		if err != nil {
			t.Fatal(err)
		}
		return *item.GetId()
	}
	listID, hostID := add(list), add(host)
	response, err := batch.Send(t.Context(), adapter)
	if err != nil {
		t.Fatal(explain(err))
	}
	page, err := core.GetBatchResponseById[models.IntelligenceProfileCollectionResponseable](response, listID, models.CreateIntelligenceProfileCollectionResponseFromDiscriminatorValue)
	if err != nil {
		t.Fatal(err)
	}
	if len(page.GetValue()) != 3 || *page.GetValue()[0].GetKind() != models.TOOL_INTELLIGENCEPROFILEKIND || !strings.Contains(*page.GetOdataNextLink(), "$top=3") {
		t.Errorf("list: %v", page)
	}
	h, err := core.GetBatchResponseById[models.Hostable](response, hostID, models.CreateHostFromDiscriminatorValue)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := h.(models.Hostnameable); !ok || *h.GetId() != "c7.conformance-check.com" {
		t.Errorf("host: %T %v", h, *h.GetId())
	}
}
