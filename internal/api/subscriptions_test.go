package api

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"dossier/internal/auth"
	"dossier/internal/fetch"
	"dossier/internal/intel"
	"dossier/internal/notify"
	"dossier/internal/observable"
	"dossier/internal/store"
)

// A hookReceiver validates and keeps what it gets.
type hookReceiver struct {
	*httptest.Server
	mu    sync.Mutex
	posts []map[string]any
}

func newHookReceiver(t testing.TB) *hookReceiver {
	r := &hookReceiver{}
	r.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if strings.HasPrefix(q.URL.Path, "/wrong") {
			fmt.Fprint(w, "no")
			return
		}
		if token := q.URL.Query().Get("validationToken"); token != "" {
			w.Header().Set("Content-Type", "text/plain")
			fmt.Fprint(w, token)
			return
		}
		var body struct{ Value []map[string]any }
		raw, _ := io.ReadAll(q.Body)
		if err := json.Unmarshal(raw, &body); err != nil {
			t.Errorf("%v: %s", err, raw)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.posts = append(r.posts, body.Value...)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *hookReceiver) hooks() *notify.Hooks {
	pool := x509.NewCertPool()
	pool.AddCert(r.Certificate())
	return &notify.Hooks{Poster: &fetch.Poster{AllowPrivate: true, Roots: pool}}
}

func (r *hookReceiver) wait(t testing.TB, n int) []map[string]any {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		r.mu.Lock()
		posts := r.posts
		r.mu.Unlock()
		if len(posts) >= n {
			return posts
		}
	}
	t.Fatalf("%d notifications, want %d", len(r.posts), n)
	return nil
}

func soon(d time.Duration) string { return time.Now().Add(d).UTC().Format(time.RFC3339) }

// wanted is the body of a subscription with some members changed; nil leaves one out.
func wanted(r *hookReceiver, change map[string]any) string {
	body := map[string]any{
		"resource": "security/threatIntelligence/intelProfiles", "changeType": "created,updated,deleted", "notificationUrl": r.URL + "/hook",
		"expirationDateTime": soon(time.Hour), "clientState": "s3cret",
	}
	for name, v := range change {
		body[name] = v
		if v == nil {
			delete(body, name)
		}
	}
	raw, _ := json.Marshal(body)
	return string(raw)
}

func TestSubscriptions(t *testing.T) {
	d, r := newDesk(t), newHookReceiver(t)
	d.s.hooks = r.hooks()
	c := newChecker(t, d.s)
	check := func(w *httptest.ResponseRecorder, method, path string, status int) map[string]any {
		t.Helper()
		if w.Code != status {
			t.Fatalf("%s %s: %d %s, want %d", method, path, w.Code, w.Body, status)
		}
		c.check(t, method, path, w.Code, w.Header(), w.Body.Bytes())
		var out map[string]any
		_ = json.Unmarshal(w.Body.Bytes(), &out)
		return out
	}
	const path = "/v1.0/subscriptions"
	reader := newToken(t, d.s, d.st, "reader", intel.Clear, auth.ReadAll)
	as := func(token, method, path, body string) *httptest.ResponseRecorder {
		return send(d.s, method, path, body, "Authorization", token, "Content-Type", "application/json")
	}
	made := check(as(reader, "POST", path, wanted(r, map[string]any{"lifecycleNotificationUrl": r.URL + "/life?x=1"})), "POST", path, 201)
	id := made["id"].(string)
	if made["@odata.context"] != "http://dossier/v1.0/$metadata#subscriptions/$entity" || made["clientState"] != "s3cret" || made["includeResourceData"] != false ||
		made["resource"] != "security/threatIntelligence/intelProfiles" || made["applicationId"] == nil || made["lifecycleNotificationUrl"] != r.URL+"/life?x=1" {
		t.Errorf("%v", made)
	}
	one := check(as(reader, "GET", path+"/"+id, ""), "GET", path+"/"+id, 200)
	if one["expirationDateTime"] != made["expirationDateTime"] {
		t.Errorf("%v", one)
	}
	list := check(as(reader, "GET", path+"?$select=id", ""), "GET", path, 200)
	if v := list["value"].([]any); len(v) != 1 || len(v[0].(map[string]any)) != 1 || list["@odata.context"] != "http://dossier/v1.0/$metadata#subscriptions(id)" {
		t.Errorf("%v", list)
	}
	// Nobody else sees it.
	if list := check(d.do("GET", path, ""), "GET", path, 200); len(list["value"].([]any)) != 0 {
		t.Errorf("%v", list)
	}
	for _, method := range []string{"GET", "DELETE", "PATCH"} {
		body := ""
		if method == "PATCH" {
			body = `{"expirationDateTime":"` + soon(time.Hour) + `"}`
		}
		check(d.do(method, path+"/"+id, body), method, path+"/"+id, 404)
	}
	check(send(d.s, "POST", path, wanted(r, nil), "Content-Type", "application/json"), "POST", path, 401)
	// It is renewed, and nothing else of it changes.
	later := soon(2 * time.Hour)
	renewed := check(as(reader, "PATCH", path+"/"+id, `{"expirationDateTime":"`+later+`","clientState":"s3cret"}`), "PATCH", path+"/"+id, 200)
	if got, err := time.Parse(time.RFC3339, renewed["expirationDateTime"].(string)); err != nil || got.Format(time.RFC3339) != later {
		t.Errorf("%v", renewed)
	}
	check(as(reader, "PATCH", path+"/"+id, `{"expirationDateTime":"`+later+`","resource":"x"}`), "PATCH", path+"/"+id, 400)
	check(as(reader, "PATCH", path+"/"+id, `{}`), "PATCH", path+"/"+id, 400)
	check(as(reader, "POST", path+"/"+id+"/reauthorize", ""), "POST", path+"/"+id+"/reauthorize", 204)
	check(as(reader, "DELETE", path+"/"+id, ""), "DELETE", path+"/"+id, 204)
	check(as(reader, "GET", path+"/"+id, ""), "GET", path+"/"+id, 404)

	for name, change := range map[string]map[string]any{
		"resource":                 {"resource": "users"},
		"resource ":                {"resource": "security/threatIntelligence/intelProfiles?$filter=kind eq 'actor'"},
		"resource  ":               {"resource": nil},
		"changeType":               {"changeType": "created,moved"},
		"changeType ":              {"changeType": ""},
		"notificationUrl":          {"notificationUrl": "http://example.org/"},
		"notificationUrl ":         {"notificationUrl": r.URL + "/wrong"},
		"notificationUrl  ":        {"notificationUrl": "https://169.254.169.254/latest"},
		"lifecycleNotificationUrl": {"lifecycleNotificationUrl": r.URL + "/wrong"},
		"expirationDateTime":       {"expirationDateTime": soon(31 * 24 * time.Hour)},
		"expirationDateTime ":      {"expirationDateTime": soon(-time.Minute)},
		"clientState":              {"clientState": strings.Repeat("é", 129)},
		"includeResourceData":      {"includeResourceData": true},
		"notificationQueryOptions": {"notificationQueryOptions": "$filter=1"},
	} {
		body := check(as(reader, "POST", path, wanted(r, change)), "POST", path, 400)
		if got := body["error"].(map[string]any)["target"]; got != strings.TrimSpace(name) {
			t.Errorf("%s: %v", name, body)
		}
	}
	check(as(reader, "POST", path, wanted(r, map[string]any{"resource": "security/threatIntelligence/intelProfiles/nope"})), "POST", path, 404)
	for i := range perClient {
		if w := as(reader, "POST", path, wanted(r, map[string]any{"clientState": strings.Repeat("é", 128)})); w.Code != 201 {
			t.Fatalf("%d: %d %s", i, w.Code, w.Body)
		}
	}
	if body := check(as(reader, "POST", path, wanted(r, nil)), "POST", path, 403); body["error"].(map[string]any)["code"] != codeLimit {
		t.Errorf("%v", body)
	}
}

// TestNotifications: writes by the API are told, with the tags that the API gives, of
// all resources.
func TestNotifications(t *testing.T) {
	d, r := newDesk(t), newHookReceiver(t)
	d.s.hooks = r.hooks()
	profile := d.get("~/intelProfiles?$top=1")["value"].([]any)[0].(map[string]any)["id"].(string)
	for name, resource := range map[string]string{
		"all": "/security/threatIntelligence/intelProfiles", "one": "security/threatIntelligence/intelProfiles('" + profile + "')",
		"indicators": "security/threatIntelligence/intelligenceProfileIndicators", "linked": "security/threatIntelligence/intelProfiles/" + profile + "/indicators",
	} {
		if w := d.do("POST", "/v1.0/subscriptions", wanted(r, map[string]any{"resource": resource, "clientState": name})); w.Code != 201 {
			t.Fatalf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		(&notify.Deliverer{Store: d.st, Hooks: d.s.hooks, Log: slog.New(slog.DiscardHandler), Ceiling: intel.Red, Tick: 10 * time.Millisecond}).Serve(ctx)
	}()
	defer func() { stop(); <-done }()
	told := func(n int) map[string]map[string]any {
		t.Helper()
		r.wait(t, n)
		time.Sleep(50 * time.Millisecond)
		r.mu.Lock()
		defer r.mu.Unlock()
		out := map[string]map[string]any{}
		for _, p := range r.posts {
			out[p["clientState"].(string)+" "+p["changeType"].(string)] = p
		}
		if len(r.posts) != n {
			t.Errorf("%d notifications, want %d: %v", len(r.posts), n, r.posts)
		}
		r.posts = nil
		return out
	}
	if w := d.do("PATCH", "~/intelProfiles/"+profile, `{"title":"Renamed"}`); w.Code != 200 {
		t.Fatal(w.Body)
	}
	got := told(2)
	tag := d.do("GET", "~/intelProfiles/"+profile, "").Header().Get("ETag")
	for _, name := range []string{"all updated", "one updated"} {
		if p := got[name]; p == nil || p["resource"] != "security/threatIntelligence/intelProfiles/"+profile || p["resourceData"].(map[string]any)["@odata.etag"] != tag {
			t.Errorf("%s: %v, want the tag %s", name, p, tag)
		}
	}
	if w := d.do("POST", "~/intelProfiles/"+profile+"/indicators", `{"source":"public","firstSeenDateTime":"2026-01-01T00:00:00Z","artifact":{"@odata.type":"#microsoft.graph.security.hostname","id":"told.example.com"}}`); w.Code != 201 {
		t.Fatal(w.Body)
	}
	got = told(2)
	id := parsed(t, observable.Domain, "told.example.com").ID()
	tag = d.do("GET", "~/intelligenceProfileIndicators/"+id, "").Header().Get("ETag")
	for name, path := range map[string]string{"indicators created": "/intelligenceProfileIndicators/" + id, "linked created": "/intelProfiles/" + profile + "/indicators/" + id} {
		p := got[name]
		if p == nil || p["resource"] != contextPrefix+path {
			t.Fatalf("%s: %v", name, got)
		}
		data := p["resourceData"].(map[string]any)
		if data["@odata.etag"] != tag || data["@odata.type"] != intel.IndicatorType || data["id"] != id || d.do("GET", "/v1.0/"+data["@odata.id"].(string), "").Code != 200 {
			t.Errorf("%s: %v, want the tag %s", name, data, tag)
		}
	}
	if w := d.do("DELETE", "~/intelProfiles/"+profile+"/indicators/"+id+"/$ref", ""); w.Code != 204 {
		t.Fatal(w.Body)
	}
	if got := told(1); got["linked deleted"] == nil {
		t.Errorf("%v", got)
	}
	if w := d.do("DELETE", "~/intelligenceProfileIndicators/"+id, ""); w.Code != 204 {
		t.Fatal(w.Body)
	}
	if got := told(1); got["indicators deleted"] == nil {
		t.Errorf("%v", got)
	}
	if w := d.do("DELETE", "~/intelProfiles/"+profile, ""); w.Code != 204 {
		t.Fatal(w.Body)
	}
	r.wait(t, 2)
	for _, p := range r.wait(t, 2) {
		if p["changeType"] == "deleted" && p["resourceData"].(map[string]any)["@odata.etag"] != nil {
			t.Errorf("%v", p)
		}
	}
}

// BenchmarkNotification is how long it takes from a write until the receiver has the
// notification: with the settings of a server.
func BenchmarkNotification(b *testing.B) {
	st, r := fixtureStore(b, 0), newHookReceiver(b)
	s := fixtureServer(st)
	s.hooks, s.now = r.hooks(), time.Now
	st.Now = time.Now
	w := send(s, "POST", "/v1.0/subscriptions", wanted(r, nil), "Content-Type", "application/json")
	if w.Code != 201 {
		b.Fatal(w.Body)
	}
	ctx, stop := context.WithCancel(b.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		(&notify.Deliverer{Store: st, Hooks: s.hooks, Log: slog.New(slog.DiscardHandler), Ceiling: intel.Red}).Serve(ctx)
	}()
	defer func() { stop(); <-done }()
	var longest time.Duration
	n := 0
	for b.Loop() {
		start := time.Now()
		list := []*store.Derived{derived(aquaID, intel.Actor, fmt.Sprint("title ", n), nil)}
		if _, _, err := st.PutDerived(b.Context(), list, nil); err != nil {
			b.Fatal(err)
		}
		n++
		r.wait(b, n)
		longest = max(longest, time.Since(start))
	}
	b.ReportMetric(float64(longest.Milliseconds()), "ms-longest")
}
