package ingest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"dossier/catalog"
	"dossier/internal/intel"
	"dossier/internal/observable"
	"dossier/internal/odata"
	"dossier/internal/store"
	"dossier/internal/testcorpus"
)

// profileFiles are the corpus's sources of profiles.
var profileFiles = []string{
	"mitre-cti/enterprise-attack-18.1.stix20.json", "attack-stix-data/ics-attack/ics-attack-18.1.json", "misp-galaxy/clusters",
	"mstic/PublicFeeds/ThreatActorNaming/MicrosoftMapping.json",
}

func corpusPaths(dir string, files []string) []string {
	var out []string
	for _, f := range files {
		out = append(out, filepath.Join(dir, filepath.FromSlash(f)))
	}
	return out
}

// TestCorpusProfiles imports every source of profiles in two orders, twice, and
// compares the partitions.
func TestCorpusProfiles(t *testing.T) {
	if testing.Short() {
		t.Skip("takes long")
	}
	dir := testcorpus.Path(t)
	forward := corpusPaths(dir, profileFiles)
	var backward []string
	for i := len(forward) - 1; i >= 0; i-- {
		backward = append(backward, forward[i])
	}
	var want string
	for _, order := range [][]string{forward, backward} {
		im := newImporter(t)
		for _, path := range order {
			res := load(t, im, Options{}, path)
			if len(res.Failed()) > 0 {
				t.Errorf("%s: %+v", path, res.Failed())
			}
		}
		if got := partition(t, im.Store); want == "" {
			want = got
		} else if got != want {
			t.Errorf("the partition depends on the order of imports: %s", firstDifference(want, got))
		}
		if again := load(t, im, Options{}, order...); again.Changed() {
			t.Errorf("importing again changed %+v", again.Run.Counts)
		}
		if e, err := Derive(t.Context(), im.Store, nil); err != nil || e != (Effect{}) {
			t.Errorf("deriving again: %+v, %v", e, err)
		}
	}
}

// firstDifference returns some lines that only one of two texts has.
func firstDifference(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	var out []string
	only := func(mark string, of, other []string) {
		for _, line := range of {
			if !slices.Contains(other, line) && len(out) < 8 {
				out = append(out, mark+line)
			}
		}
	}
	only("- ", x, y)
	only("+ ", y, x)
	slices.Sort(out)
	return strings.Join(out, "\n")
}

// TestSTIX20And21AreTheSame imports ATT&CK in one form over the other.
func TestSTIX20And21AreTheSame(t *testing.T) {
	dir := testcorpus.Path(t)
	im := newImporter(t)
	load(t, im, Options{}, filepath.Join(dir, "mitre-cti", "enterprise-attack-18.1.stix20.json"))
	if res := load(t, im, Options{}, filepath.Join(dir, "mitre-cti", "enterprise-attack-18.1.derived-stix21.json")); res.Changed() {
		t.Errorf("the same release as STIX 2.1 changed %+v", res.Run.Counts)
	}
}

// TestCorpusIndicatorCounts compares what is stored of whole files with the
// counts of a reference reader.
func TestCorpusIndicatorCounts(t *testing.T) {
	dir := testcorpus.Path(t)
	data, err := os.ReadFile(filepath.Join(dir, "expected", "indicator-counts.json"))
	if err != nil {
		t.Fatal(err)
	}
	var expected struct{ Files map[string]map[string]int }
	if err := json.Unmarshal(data, &expected); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{
		"abusech-sslbl/sslblacklist.csv", "ipsum/ipsum.txt", "eset/backdoordiplomacy/misp.event_2021-06-10_backdoordiplomacy.json",
		"eset/telebots/misp-telebots.json", "eset/sednit/2019-05-23_Zebrocy.json", "eset/gelsemium/misp.event_2021-06-09_gelsemium-when-threat-actors-go-gardening.json",
	} {
		im := newImporter(t)
		load(t, im, Options{}, filepath.Join(dir, filepath.FromSlash(file)))
		got := kinds(t, im.Store)
		for name, kind := range map[string]observable.Kind{
			"cert-sha1": observable.CertSHA1, "ipv4": observable.IPAddress, "md5": observable.MD5, "sha1": observable.SHA1,
			"sha256": observable.SHA256, "url": observable.URL,
		} {
			if kind == observable.IPAddress && strings.Contains(file, "telebots") {
				continue // six of its addresses are Telegram's, and not for detection
			}
			if want := expected.Files[file][name]; got[kind] != want {
				t.Errorf("%s: %d of kind %s, want %d", file, got[kind], kind, want)
			}
		}
	}
}

// kinds counts the stored indicators by kind.
func kinds(t *testing.T, s *store.Store) map[observable.Kind]int {
	t.Helper()
	q, err := odata.ParseQuery("$top=1000", store.Types.Indicator, odata.Options{Allow: odata.AllowCollection})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[observable.Observable]bool{}
	for {
		page, err := s.Indicators(t.Context(), q, store.View{Ceiling: intel.Red, Mode: store.All})
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range page.Items {
			seen[i.Observable] = true
			if host, ok := i.Observable.Host(); ok && i.Observable.Kind == observable.IPPort { // counted as both
				seen[host] = true
			}
		}
		if page.Next == "" {
			m := map[observable.Kind]int{}
			for o := range seen {
				m[o.Kind]++
			}
			return m
		}
		q.SkipToken = page.Next
	}
}

// TestCatalogue holds the embedded catalogue to what is said of it.
func TestCatalogue(t *testing.T) {
	if n := catalog.Size(); n == 0 || n > 6_000_000 {
		t.Errorf("the catalogue has %d bytes", n)
	}
	im := newImporter(t)
	if _, err := im.Seed(t.Context()); err != nil {
		t.Fatal(err)
	}
	v := store.View{Ceiling: intel.Clear}
	totals, err := im.Store.Totals(t.Context(), v)
	if err != nil || totals.Actors < 1000 || totals.Tools < 700 || totals.Indicators < 10_000 || totals.LinkedProfiles < 60 {
		t.Errorf("%+v, %v", totals, err)
	}
	if res, err := im.Seed(t.Context()); err != nil || res != nil {
		t.Errorf("seeding again: %+v, %v", res, err)
	}
	for name, want := range map[string]string{"fancy bear": "APT28", "G0016": "APT29", "Midnight Blizzard": "APT29", "S0154": "Cobalt Strike"} {
		hits, err := im.Store.ProfilesByName(t.Context(), name, v)
		if err != nil || len(hits) == 0 || hits[0].Title != want {
			t.Errorf("%s: %v, %v; want %s", name, hits, err, want)
		}
	}
	// No source's prose is in it.
	records, err := im.Store.Records(t.Context(), intel.Red)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		if r.Description != "" {
			t.Errorf("record %s has a text", r.Ref)
		}
	}
	pubs, err := im.Store.Publishers(t.Context(), v)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pubs {
		if !p.Rights.Redistribute || p.Credit == "" || p.Licence == "" {
			t.Errorf("publisher %s: %+v", p.ID, p)
		}
	}
}

// TestCatalogueIsSuperseded imports the release that the catalogue was made of:
// its texts come, nothing is lost, and the catalogue does not take them back.
func TestCatalogueIsSuperseded(t *testing.T) {
	dir := testcorpus.Path(t)
	im := newImporter(t)
	if _, err := im.Seed(t.Context()); err != nil {
		t.Fatal(err)
	}
	before, err := im.Store.Totals(t.Context(), store.View{})
	if err != nil {
		t.Fatal(err)
	}
	im.Store.Now = func() time.Time { return time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC) }
	res := load(t, im, Options{}, corpusPaths(dir, profileFiles[:2])...)
	if c := res.Run.Counts.Records; c.New != 0 || c.Gone != 0 || c.Changed < 1000 {
		t.Errorf("%+v", c)
	}
	after, err := im.Store.Totals(t.Context(), store.View{})
	if err != nil || after != before {
		t.Errorf("%+v before, %+v after, %v", before, after, err)
	}
	hits, err := im.Store.ProfilesByName(t.Context(), "APT28", store.View{})
	if err != nil || len(hits) == 0 || !strings.Contains(string(hits[0].Body), "MITRE ATT&CK describes it") {
		t.Errorf("the source's own text is not in the profile: %v", err)
	}
	if res, err := im.Load(t.Context(), catalog.Open(), "again"); err != nil || res.Changed() {
		t.Errorf("the catalogue again: %+v, %v", res.Run.Counts, err)
	}
}
