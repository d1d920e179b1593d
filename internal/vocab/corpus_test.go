package vocab_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"dossier/internal/testcorpus"
	"dossier/internal/vocab"
)

// words is a JSON value that is one string or a list of them.
type words []string

func (w *words) UnmarshalJSON(b []byte) error {
	var list []string
	if json.Unmarshal(b, &list) == nil {
		*w = list
		return nil
	}
	var one string
	if json.Unmarshal(b, &one) == nil {
		*w = words{one}
	}
	return nil
}

type cluster struct {
	Value string           `json:"value"`
	Meta  map[string]words `json:"meta"`
}

func clusters(t *testing.T, name string) []cluster {
	t.Helper()
	b, err := os.ReadFile(testcorpus.Path(t, "misp-galaxy", "clusters", name))
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Values []cluster }
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	return file.Values
}

// coverage counts how many uses of words a function knows, lists the unknown
// words in the log and fails below the floor (a share of the uses).
func coverage(t *testing.T, what string, uses []string, known func(string) bool, floor float64) {
	t.Helper()
	var hit int
	missing := map[string]int{}
	for _, w := range uses {
		if known(w) {
			hit++
		} else {
			missing[w]++
		}
	}
	var list []string
	for w := range missing {
		list = append(list, w)
	}
	slices.Sort(list)
	share := float64(hit) / float64(max(1, len(uses)))
	t.Logf("%s: %d of %d uses (%.1f %%); unmapped: %s", what, hit, len(uses), 100*share, strings.Join(list, " | "))
	if len(uses) == 0 || share < floor {
		t.Errorf("%s: %.3f of %d uses mapped, want at least %.3f", what, share, len(uses), floor)
	}
}

func field(cs []cluster, keys ...string) (out []string) {
	for _, c := range cs {
		for _, k := range keys {
			out = append(out, c.Meta[k]...)
		}
	}
	return out
}

func isCountry(w string) bool { _, ok := vocab.CountryOf(w); return ok }
func isRegion(w string) bool  { _, ok := vocab.RegionOf(w); return ok }
func isSector(w string) bool  { _, ok := vocab.SectorOf(w); return ok }
func isPlace(w string) bool   { return isCountry(w) || isRegion(w) }

func TestCorpusCoverage(t *testing.T) {
	actors := clusters(t, "threat-actor.json")
	tidal := clusters(t, "tidal-groups.json")
	coverage(t, "country", field(actors, "country"), isCountry, 0.99)
	coverage(t, "state sponsor", field(actors, "cfr-suspected-state-sponsor"), isCountry, 0.91) // the rest is "Unknown"
	coverage(t, "victims", field(actors, "cfr-suspected-victims", "suspected-victims"), isPlace, 0.95)
	coverage(t, "target category", field(actors, "cfr-target-category"), isSector, 0.99)
	coverage(t, "targeted sector", field(actors, "targeted-sector"), isSector, 0.97)
	coverage(t, "tidal categories", field(tidal, "target_categories"), isSector, 0.99)
	coverage(t, "tidal observed countries", field(tidal, "observed_countries"), isCountry, 1)

	var sectors, regions, targets []string
	for _, c := range clusters(t, "sector.json") {
		sectors = append(sectors, c.Value)
		sectors = append(sectors, c.Meta["synonyms"]...)
	}
	for _, c := range clusters(t, "region.json") {
		regions = append(regions, c.Value)
	}
	for _, c := range clusters(t, "target-information.json") {
		if len(c.Meta["iso-code"]) > 0 {
			targets = append(targets, c.Value)
		}
	}
	coverage(t, "sector galaxy", sectors, isSector, 0.95)
	coverage(t, "region galaxy", regions, isRegion, 0.96) // the rest is "World"
	coverage(t, "target information", targets, isCountry, 0.99)
}

// Every ISO code of the country galaxy is known, save two that are withdrawn.
func TestCorpusCodes(t *testing.T) {
	for _, c := range clusters(t, "country.json") {
		code, code3 := c.Meta["ISO"][0], c.Meta["ISO3"][0]
		got, ok := vocab.CountryByCode(code)
		if withdrawn := code == "AN" || code == "CS"; ok == withdrawn {
			t.Errorf("CountryByCode(%s) = %v, %v", code, got, ok)
		}
		if ok && got.Alpha3 != code3 {
			t.Errorf("%s: alpha-3 %s, the galaxy has %s", code, got.Alpha3, code3)
		}
	}
}
