package portal

import (
	"strings"
	"testing"

	"dossier/internal/intel"
	"dossier/internal/observable"
	"dossier/internal/store"
)

// TestSightings: what was met in the owner's own data stands on the profile's page, whatever logs bring; elsewhere nothing is said of it.
func TestSightings(t *testing.T) {
	h, s := testPortal(t)
	if body := get(h, "/profiles/bad").Body.String(); strings.Contains(body, "Met in your own data") || strings.Contains(body, "Met here") {
		t.Error("never met, and it says so")
	}
	o, err := observable.Parse("evil.contoso.com")
	if err != nil {
		t.Fatal(err)
	}
	at := intel.TimeOf(today) - 3*24*60*60*1000
	_, err = s.SaveSightings(t.Context(), []*store.Sighting{{
		Indicator: o.ID(), Kind: o.Kind, Value: o.Value, Host: "10.0.0.5" + hostile, Direction: "out", Field: hostile, Log: hostile, First: at, Last: at, Marks: store.Marks{1, 2},
	}})
	if err != nil {
		t.Fatal(err)
	}
	body := get(h, "/profiles/bad").Body.String()
	for _, part := range []string{"Met in your own data: 1 indicator on 2 lines, through 1 host, last on 2025-12-29", "10.0.0.5", "Met here", `<td class="date warn">2025-12-29</td>`, "evil[.]contoso[.]com"} {
		if !strings.Contains(body, part) {
			t.Errorf("the page lacks %q", part)
		}
	}
	check(t, "sightings", body)
	body = get(h, "/indicators/"+o.ID()).Body.String()
	if !strings.Contains(body, "Met in your own data") || !strings.Contains(body, "On 2 lines, through 1 host, last on 2025-12-29.") {
		t.Errorf("the indicator's page: %s", body)
	}
	check(t, "an indicator's sightings", body)
	if strings.Contains(get(h, "/profiles/quiet").Body.String(), "Met in your own data") {
		t.Error("another profile says so, too")
	}
}
