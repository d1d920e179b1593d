package api

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"dossier/internal/intel"
)

// TestAnnotations: what stands beside a profile's and an indicator's own
// properties, as the Prefer header asks for it.
func TestAnnotations(t *testing.T) {
	s := fixtureServer(fixtureStore(t, 3))
	s.ceiling = intel.Red
	const all = "@dossier.dateBasis @dossier.lastModifiedDateTime @dossier.names @dossier.related @dossier.sources @dossier.techniques"
	first := read(t, ask(s, "GET", ti+"/intelligenceProfileIndicators?$top=1")).Value[0]
	var indicator struct{ ID string }
	if err := json.Unmarshal(first, &indicator); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ path, prefer, want, applied string }{
		{"/intelProfiles/" + aquaID, "", "", ""},
		{"/intelProfiles/" + aquaID, `odata.include-annotations="dossier.*"`, all, `odata.include-annotations="dossier.*"`},
		{"/intelProfiles/" + aquaID, `include-annotations="*"`, all, `odata.include-annotations="*"`},
		{"/intelProfiles/" + aquaID, `odata.include-annotations="dossier.names"`, "@dossier.names", `odata.include-annotations="dossier.names"`},
		{"/intelProfiles/" + aquaID, `odata.include-annotations="*,-dossier.*,dossier.names"`, "@dossier.names", `odata.include-annotations="*,-dossier.*,dossier.names"`},
		{"/intelProfiles/" + aquaID, `odata.include-annotations="dossier.names,-dossier.*"`, "@dossier.names", ""},
		{"/intelProfiles/" + aquaID, `odata.include-annotations="-*"`, "", `odata.include-annotations="-*"`},
		{"/intelProfiles/" + aquaID, `odata.include-annotations="display.*"`, "", ""},
		{"/intelProfiles/" + aquaID + "?$select=title", `odata.include-annotations="dossier.dateBasis"`, "@dossier.dateBasis", ""},
		{"/intelProfiles?$top=1", `odata.include-annotations="dossier.sources", odata.maxpagesize=5`, "@dossier.sources", ""},
		{"/intelligenceProfileIndicators/" + indicator.ID, `odata.include-annotations="dossier.*"`, "@dossier.confidence @dossier.evidence @dossier.guard @dossier.tlp", ""},
		{"/intelligenceProfileIndicators?$top=1", `odata.include-annotations="dossier.tlp"`, "@dossier.tlp", ""},
		{"/intelProfiles/" + aquaID + "/indicators?$top=1", `odata.include-annotations="dossier.evidence"`, "@dossier.evidence", ""},
	} {
		var header []string
		if tt.prefer != "" {
			header = []string{"Prefer", tt.prefer}
		}
		w := ask(s, "GET", ti+tt.path, header...)
		body := map[string]any{}
		if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || w.Code != 200 {
			t.Errorf("%s: %d %s", tt.path, w.Code, w.Body)
			continue
		}
		if list, ok := body["value"].([]any); ok {
			body = list[0].(map[string]any)
		}
		names := slices.DeleteFunc(slices.Sorted(maps.Keys(body)), func(n string) bool { return !strings.HasPrefix(n, "@dossier.") })
		if got := strings.Join(names, " "); got != tt.want {
			t.Errorf("%s with %s: %s, want %s", tt.path, tt.prefer, got, tt.want)
		}
		if got := w.Header().Get("Preference-Applied"); tt.applied != "" && got != tt.applied {
			t.Errorf("%s with %s: applied %s", tt.path, tt.prefer, got)
		}
		// Without the header not a byte differs.
		if tt.want == "" && w.Body.String() != ask(s, "GET", ti+tt.path).Body.String() {
			t.Errorf("%s with %s: another body than without", tt.path, tt.prefer)
		}
	}
	w := ask(s, "GET", ti+"/intelProfiles/"+aquaID, "Prefer", `odata.include-annotations="dossier.names"`)
	for _, want := range []string{`"@dossier.names":[{"value":"`, `"coinedBy":"Symantec"`, `"from":{"publisher":"`} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("no %s in %s", want, w.Body)
		}
	}
	tag := w.Header().Get("ETag")
	if w := ask(s, "GET", ti+"/intelProfiles/"+aquaID, "Prefer", `odata.include-annotations="dossier.names"`, "If-None-Match", tag); w.Code != 200 {
		t.Errorf("annotations may change where the profile does not: %d", w.Code)
	}
	w = ask(s, "GET", ti+"/intelProfiles/"+aquaID+"?$expand=indicators($top=1)", "Prefer", `odata.include-annotations="dossier.tlp"`)
	if !strings.Contains(w.Body.String(), `"@dossier.tlp":"`) {
		t.Errorf("expanded indicators have none: %s", w.Body)
	}
}
