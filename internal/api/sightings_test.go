package api

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"dossier/internal/auth"
	"dossier/internal/intel"
)

// TestSightings: what is reported is kept once, shown to those who may hunt, and erased.
func TestSightings(t *testing.T) {
	s, st := guarded(t, auth.Auto)
	s.now = st.Now
	token := newToken(t, s, st, "sensor", intel.Clear, auth.Hunt, auth.ReadAll)
	do := func(method, path, body string) (int, map[string]any) {
		t.Helper()
		w := send(s, method, path, body, "Authorization", token, "Content-Type", "application/json")
		var out map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
			t.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
		}
		return w.Code, out
	}
	report := func(items ...string) string { return `{"sightings":[` + strings.Join(items, ",") + `]}` }
	one := `{"value":"shared[.]example[.]com","seen":"2026-01-01T10:00:00Z","host":"10.0.0.5","direction":"out","field":"query","log":"dns"}`
	other := `{"value":"20.103.85.33","seen":"2025-12-31T10:00:00Z","host":"WS-17","id":"e1"}`

	code, out := do("POST", "/api/sightings", report(one, other, `{"value":"never-heard-of.com"}`))
	if code != 200 || fmt.Sprint(out) != "map[grown:0 lines:2 new:2 unknown:[never-heard-of.com]]" {
		t.Errorf("reported: %d %v", code, out)
	}
	if _, out = do("POST", "/api/sightings", report(one, other)); fmt.Sprint(out) != "map[grown:0 lines:0 new:0]" {
		t.Errorf("reported again: %v", out)
	}
	for _, tt := range []struct{ body, want string }{
		{`{}`, "1 to 1000 elements, found 0"},
		{report(`{"value":"no value"}`), "sightings/0/value"},
		{report(one, `{"value":"shared.example.com","direction":"up"}`), "sightings/1/direction"},
		{report(`{"value":"shared.example.com","when":"now"}`), "unknown field"},
		{report(`{"value":"shared.example.com","host":"` + strings.Repeat("x", 300) + `"}`), "at most 253"},
	} {
		if code, out := do("POST", "/api/sightings", tt.body); code != 400 || !strings.Contains(fmt.Sprint(out), tt.want) {
			t.Errorf("%s: %d %v", tt.body, code, out)
		}
	}

	for query, want := range map[string]int{
		"": 2, "?host=10.0.0.5": 1, "?host=ws-17.": 1, "?value=shared[.]example.com": 1, "?profile=" + snakeID: 2, "?profile=" + aquaID: 1, "?since=36h": 1, "?until=2026-01-01": 1, "?host=x": 0,
	} {
		code, out := do("GET", "/api/sightings"+query, "")
		total := out["total"].(map[string]any)
		if list := out["sightings"].([]any); code != 200 || len(list) != want || int(total["lines"].(float64)) != want {
			t.Errorf("%s: %d %v", query, code, out)
		}
	}
	_, out = do("GET", "/api/sightings?limit=1", "")
	first := out["sightings"].([]any)[0].(map[string]any)
	if first["value"] != "shared.example.com" || first["savedBy"] != "sensor" || first["origin"] != "report" || first["lastSeen"] != "2026-01-01T10:00:00Z" || first["lines"] != 1.0 {
		t.Errorf("%v", first)
	}
	if _, out = do("GET", "/api/sightings?limit=1&after="+out["next"].(string), ""); out["sightings"].([]any)[0].(map[string]any)["host"] != "ws-17" || out["next"] != nil {
		t.Errorf("the second page: %v", out)
	}
	if code, out := do("GET", "/api/sightings/"+first["id"].(string), ""); code != 200 || out["host"] != "10.0.0.5" {
		t.Errorf("one: %d %v", code, out)
	}
	sightedIn := func(headers ...string) bool {
		return strings.Contains(send(s, "GET", "/api/lookup?value=shared.example.com", "", headers...).Body.String(), `"sighted":{"firstSeen":"2026-01-01T10:00:00Z"`)
	}
	reader := newToken(t, s, st, "reader", intel.Clear, auth.ReadAll, auth.ReadWrite)
	if !sightedIn("Authorization", token) || sightedIn("Authorization", reader) {
		t.Error("look-ups tell of sightings those who may not know, or nobody")
	}
	for _, request := range []string{"GET /api/sightings", "GET /api/sightings/x", "POST /api/sightings", "DELETE /api/sightings?all=true"} {
		method, path, _ := strings.Cut(request, " ")
		if w := send(s, method, path, "{}", "Authorization", reader); w.Code != 403 {
			t.Errorf("%s without the permission: %d", request, w.Code)
		}
		if w := send(s, method, path, "{}"); method != "GET" && w.Code != 403 || path == "/api/sightings" && method == "GET" && w.Code != 200 {
			t.Errorf("%s by somebody on this machine: %d %s", request, w.Code, w.Body)
		}
		if w := send(s, method, path, "{}", "X-Forwarded-For", "192.0.2.1"); w.Code != 401 {
			t.Errorf("%s by nobody: %d %s", request, w.Code, w.Body)
		}
	}

	for query, want := range map[string]int{"": 400, "?all=false": 400, "?all=true&host=10.0.0.5": 400, "?hots=10.0.0.5": 400} {
		if code, out := do("DELETE", "/api/sightings"+query, ""); code != want {
			t.Errorf("DELETE %s: %d %v", query, code, out)
		}
	}
	if code, out := do("DELETE", "/api/sightings?host=10.0.0.5", ""); code != 200 || out["erased"] != 1.0 {
		t.Errorf("erased: %d %v", code, out)
	}
	if code, _ := do("DELETE", "/api/sightings/"+first["id"].(string), ""); code != 404 {
		t.Errorf("erased again: %d", code)
	}
	if code, out := do("DELETE", "/api/sightings?all=true", ""); code != 200 || out["erased"] != 1.0 {
		t.Errorf("all erased: %d %v", code, out)
	}
}

// TestSightingsHidden: with pseudonyms a host is found by its name and told by none.
func TestSightingsHidden(t *testing.T) {
	s, st := guarded(t, auth.Auto)
	token := newToken(t, s, st, "sensor", intel.Clear, auth.Hunt)
	key, err := s.sightingKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := st.HideHosts(t.Context(), true, key.Pseudonym); err != nil {
		t.Fatal(err)
	}
	w := send(s, "POST", "/api/sightings", `{"sightings":[{"value":"shared.example.com","host":"10.0.0.5"}]}`, "Authorization", token, "Content-Type", "application/json")
	if w.Code != 200 {
		t.Fatal(w.Code, w.Body)
	}
	for _, host := range []string{"10.0.0.5", key.Pseudonym("10.0.0.5")} {
		w := send(s, "GET", "/api/sightings?host="+host, "", "Authorization", token)
		if w.Code != 200 || strings.Contains(w.Body.String(), "10.0.0.5") || !strings.Contains(w.Body.String(), key.Pseudonym("10.0.0.5")) {
			t.Errorf("%s: %d %s", host, w.Code, w.Body)
		}
	}
}
