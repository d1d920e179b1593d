package api

import (
	"encoding/json"
	"strings"
	"testing"

	"dossier/internal/auth"
	"dossier/internal/intel"
)

func TestDecisions(t *testing.T) {
	d := newDesk(t)
	whole := func() string {
		var b strings.Builder
		for _, path := range []string{
			ti + "/intelProfiles?$top=1000&$orderby=id", ti + "/intelligenceProfileIndicators?$top=1000&$orderby=id",
			"/api/names?name=Ibis1", "/api/names?name=Ibis2",
		} {
			w := d.do("GET", path, "")
			b.WriteString(w.Body.String())
		}
		return b.String()
	}
	before := whole()
	one, two := d.named("Ibis1"), d.named("Ibis2")

	reader := newToken(t, d.s, d.st, "reader", intel.Clear, auth.ReadAll)
	body := `{"verdict":"merge","a":"` + one + `","b":"Ibis2","reason":"seen on one desk"}`
	if w := send(d.s, "POST", "/api/decisions", body, "Authorization", reader, "Content-Type", "application/json"); w.Code != 403 {
		t.Errorf("a reader decides: %d %s", w.Code, w.Body)
	}
	for _, tt := range []struct{ body, want string }{
		{"", "Invalid body"},
		{`{"verdict":"join"}`, "want merge, apart, split or means"},
		{`{"verdict":"merge","a":"Ibis1","b":"Ibis2"}`, "needs a reason"},
		{`{"verdict":"merge","a":"Ibis1","b":"Heron 1","reason":"r"}`, "they are never one"},
		{`{"verdict":"merge","c":"Ibis1"}`, "unknown field"},
	} {
		if w := d.do("POST", "/api/decisions", tt.body); w.Code != 400 || !strings.Contains(w.Body.String(), tt.want) {
			t.Errorf("%s: %d %s, want %s", tt.body, w.Code, w.Body, tt.want)
		}
	}
	if w := d.do("POST", "/api/decisions", `{"verdict":"merge","a":"Ibis1","b":"nobody","reason":"r"}`); w.Code != 404 {
		t.Errorf("with nobody: %d %s", w.Code, w.Body)
	}

	w := d.do("POST", "/api/decisions", body)
	var made struct{ ID, Effect, By string }
	if err := json.Unmarshal(w.Body.Bytes(), &made); err != nil || w.Code != 201 || made.Effect != "holds" || made.By != "editor" || w.Header().Get("Location") != "http://dossier/api/decisions/"+made.ID {
		t.Fatalf("%d %s %v", w.Code, w.Body, w.Header())
	}
	if w := d.do("POST", "/api/decisions", body); w.Code != 400 || !strings.Contains(w.Body.String(), "one profile already") {
		t.Errorf("the same by names that are one now: %d %s", w.Code, w.Body)
	}
	kept := d.get(ti + "/intelProfiles/" + two)["id"].(string)
	if other := d.get(ti + "/intelProfiles/" + one)["id"].(string); other != kept || kept != one && kept != two {
		t.Errorf("the ids lead to %s and %s", kept, other)
	}
	if w := d.do("GET", "/api/profiles/"+one+"/resolution", ""); !strings.Contains(w.Body.String(), "editor joined it with") || !strings.Contains(w.Body.String(), `"rule":"analyst"`) {
		t.Errorf("the resolution does not tell: %s", w.Body)
	}
	if w := d.do("GET", "/api/profiles/"+one+"/claims", ""); w.Code != 200 || !strings.Contains(w.Body.String(), `"field":"title"`) {
		t.Errorf("claims: %d %s", w.Code, w.Body)
	}
	if list := d.get("/api/decisions")["decisions"].([]any); len(list) != 1 {
		t.Errorf("%v", list)
	}
	if w := d.do("GET", "/api/claims", ""); !strings.Contains(w.Body.String(), made.ID) {
		t.Errorf("it is not among the claims: %s", w.Body)
	}
	// A name that a person gave, beside a field that a person set.
	if w := d.do("PATCH", "~/intelProfiles/"+one, `{"targets":["Birds"]}`); w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if w := d.do("GET", "/api/profiles/"+one+"/claims", ""); !strings.Contains(w.Body.String(), "a person set it") {
		t.Errorf("claims after a write: %s", w.Body)
	}
	claim := d.get("/api/claims?target=" + kept)["claims"].([]any)
	set := claim[len(claim)-1].(map[string]any)["id"].(string)
	if w := d.do("DELETE", "/api/claims/"+set, ""); w.Code != 204 {
		t.Errorf("%d %s", w.Code, w.Body)
	}

	if w := d.do("DELETE", "/api/decisions/"+set, ""); w.Code != 404 {
		t.Errorf("undoing another claim: %d %s", w.Code, w.Body)
	}
	if w := d.do("DELETE", "/api/decisions/"+made.ID, ""); w.Code != 204 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if got := whole(); got != before {
		t.Error("after undoing, something else is served")
	}
	if list := d.get("/api/decisions")["decisions"].([]any); len(list) != 0 {
		t.Errorf("%v", list)
	}
	if list := d.get("/api/decisions?all=true")["decisions"].([]any); len(list) != 1 || list[0].(map[string]any)["effect"] != "undone" {
		t.Errorf("%v", list)
	}
}
