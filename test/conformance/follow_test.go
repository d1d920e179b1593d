package conformance

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	kiota "github.com/microsoft/kiota-abstractions-go"
	graph "github.com/microsoftgraph/msgraph-sdk-go/models"
	models "github.com/microsoftgraph/msgraph-sdk-go/models/security"
)

// receiversCA writes the certificate that the receivers of these tests have.
func receiversCA(dir string) (string, error) {
	s := httptest.NewTLSServer(http.NotFoundHandler())
	defer s.Close()
	path := filepath.Join(dir, "receivers.pem")
	return path, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600)
}

// A receiver of notifications, as Microsoft's documentation describes one.
type receiver struct {
	*httptest.Server
	mu    sync.Mutex
	items []map[string]any
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{}
	r.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if token := q.URL.Query().Get("validationToken"); token != "" {
			w.Header().Set("Content-Type", "text/plain")
			fmt.Fprint(w, token)
			return
		}
		var body struct {
			Value []map[string]any `json:"value"`
		}
		raw, _ := io.ReadAll(q.Body)
		if err := json.Unmarshal(raw, &body); err != nil {
			t.Errorf("%v: %s", err, raw)
		}
		w.WriteHeader(http.StatusAccepted)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.items = append(r.items, body.Value...)
	}))
	t.Cleanup(r.Close)
	return r
}

// wait waits for a notification.
func (r *receiver) wait(t *testing.T, want func(map[string]any) bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		r.mu.Lock()
		for _, item := range r.items {
			if want(item) {
				r.mu.Unlock()
				return
			}
		}
		r.mu.Unlock()
	}
	t.Fatalf("not notified; only of %v", r.items)
}

// TestSubscription makes a subscription with the SDK, gets a notification at a real
// HTTPS server, and lists, renews and deletes the subscription.
func TestSubscription(t *testing.T) {
	s, writer, r := open(t, "subscriber", mayRead, "v1.0"), open(t, "changer", mayWrite, "v1.0"), newReceiver(t)
	sub := graph.NewSubscription()
	sub.SetChangeType(ptr("created,updated,deleted"))
	sub.SetNotificationUrl(ptr(r.URL + "/hook"))
	sub.SetLifecycleNotificationUrl(ptr(r.URL + "/life"))
	sub.SetResource(ptr("security/threatIntelligence/intelProfiles"))
	sub.SetClientState(ptr("s3cret"))
	end := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	sub.SetExpirationDateTime(&end)
	made, err := s.Subscriptions().Post(t.Context(), sub, nil)
	if err != nil {
		t.Fatal(explain(err))
	}
	if *made.GetResource() != *sub.GetResource() || !made.GetExpirationDateTime().Equal(end) || *made.GetClientState() != "s3cret" || made.GetApplicationId() == nil {
		t.Errorf("%+v", made)
	}
	id := *made.GetId()

	p := models.NewIntelligenceProfile()
	kind, first := models.ACTOR_INTELLIGENCEPROFILEKIND, time.Date(2025, 1, 2, 0, 0, 0, 0, time.UTC)
	p.SetKind(&kind)
	p.SetTitle(ptr("Notified Heron"))
	p.SetFirstActiveDateTime(&first)
	text := models.NewFormattedContent()
	text.SetContent(ptr("Seen once."))
	p.SetSummary(text)
	p.SetDescription(text)
	profile, err := writer.profiles().Post(t.Context(), p, nil)
	if err != nil {
		t.Fatal(explain(err))
	}
	start := time.Now()
	r.wait(t, func(item map[string]any) bool {
		data, _ := item["resourceData"].(map[string]any)
		return item["changeType"] == "created" && data["id"] == *profile.GetId() && item["clientState"] == "s3cret" && item["subscriptionId"] == id &&
			data["@odata.type"] == "#microsoft.graph.security.intelligenceProfile" && strings.HasSuffix(item["resource"].(string), "/intelProfiles/"+*profile.GetId())
	})
	t.Logf("notified %s after the answer", time.Since(start).Round(time.Millisecond))

	list, err := s.Subscriptions().Get(t.Context(), nil)
	if err != nil || len(list.GetValue()) != 1 || *list.GetValue()[0].GetId() != id {
		t.Errorf("%v, %v", list, explain(err))
	}
	if others, err := writer.Subscriptions().Get(t.Context(), nil); err != nil || len(others.GetValue()) != 0 {
		t.Errorf("another client sees it: %v, %v", others, explain(err))
	}
	later := end.Add(time.Hour)
	renewal := graph.NewSubscription()
	renewal.SetExpirationDateTime(&later)
	renewed, err := s.Subscriptions().BySubscriptionId(id).Patch(t.Context(), renewal, nil)
	if err != nil || !renewed.GetExpirationDateTime().Equal(later) {
		t.Errorf("%v", explain(err))
	}
	if err := s.Subscriptions().BySubscriptionId(id).Reauthorize().Post(t.Context(), nil); err != nil {
		t.Errorf("reauthorize: %v", explain(err))
	}
	if err := s.Subscriptions().BySubscriptionId(id).Delete(t.Context(), nil); err != nil {
		t.Fatal(explain(err))
	}
	if _, err := s.Subscriptions().BySubscriptionId(id).Get(t.Context(), nil); err == nil {
		t.Error("it is still there")
	}
}

// TestDelta follows deltaLinks through the SDK's adapter and models: a client that
// does only that has what the list has.
func TestDelta(t *testing.T) {
	s := open(t, "follower", mayWrite, "v1.0")
	rows := map[string]bool{}
	// follow reads pages until there is a deltaLink, which it returns.
	follow := func(link string) string {
		t.Helper()
		for pages := 0; ; pages++ {
			info := kiota.NewRequestInformation()
			info.Method = kiota.GET
			info.UrlTemplate = "{+url}"
			info.PathParameters = map[string]string{"url": link}
			res, err := s.adapter.Send(t.Context(), info, models.CreateIntelligenceProfileCollectionResponseFromDiscriminatorValue, odataErrors)
			if err != nil {
				t.Fatal(explain(err))
			}
			page := res.(models.IntelligenceProfileCollectionResponseable)
			for _, p := range page.GetValue() {
				if p.GetAdditionalData()["@removed"] != nil {
					delete(rows, *p.GetId())
				} else {
					rows[*p.GetId()] = true
				}
			}
			delta, _ := page.GetAdditionalData()["@odata.deltaLink"].(*string)
			next := page.GetOdataNextLink()
			switch {
			case (delta == nil) == (next == nil):
				t.Fatal("a page has not one link")
			case delta != nil && pages > 0 || delta != nil && !strings.Contains(link, "$top"):
				return *delta
			case delta != nil:
				t.Fatal("everything came in one page")
			}
			link = *next
		}
	}
	link := follow(s.base + "/security/threatIntelligence/intelProfiles/delta?$top=500")
	before := len(rows)
	p := models.NewIntelligenceProfile()
	kind, first := models.TOOL_INTELLIGENCEPROFILEKIND, time.Date(2025, 1, 2, 0, 0, 0, 0, time.UTC)
	p.SetKind(&kind)
	p.SetTitle(ptr("Followed Heron"))
	p.SetFirstActiveDateTime(&first)
	text := models.NewFormattedContent()
	text.SetContent(ptr("Seen once."))
	p.SetSummary(text)
	p.SetDescription(text)
	made, err := s.profiles().Post(t.Context(), p, nil)
	if err != nil {
		t.Fatal(explain(err))
	}
	link = follow(link)
	if !rows[*made.GetId()] || len(rows) < before+1 {
		t.Errorf("%d rows, %d before, the new one: %t", len(rows), before, rows[*made.GetId()])
	}
	if err := s.profile(*made.GetId()).Delete(t.Context(), nil); err != nil {
		t.Fatal(explain(err))
	}
	follow(link)
	if rows[*made.GetId()] {
		t.Error("what was deleted is still there")
	}
}
