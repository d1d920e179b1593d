package stix

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"dossier/internal/intel"
	"dossier/internal/observable"
	"dossier/internal/testcorpus"

	"github.com/google/go-cmp/cmp"
)

func decodeFile(t testing.TB, path string) (*collector, intel.Dataset) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c := &collector{}
	ds, err := Decode(t.Context(), f, Options{Path: path}, c)
	if err != nil {
		t.Fatal(err)
	}
	return c, ds
}

func asJSON(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestCorpusATTACK(t *testing.T) {
	dir := testcorpus.Path(t)
	v20, ds20 := decodeFile(t, filepath.Join(dir, "mitre-cti", "enterprise-attack-18.1.stix20.json"))
	v21, ds21 := decodeFile(t, filepath.Join(dir, "mitre-cti", "enterprise-attack-18.1.derived-stix21.json"))
	if len(v20.Records) != len(v21.Records) || ds20 != ds21 || ds20.Name != "enterprise-attack" || !ds20.Snapshot || ds20.Publisher != intel.MitreAttack || ds20.Released == 0 {
		t.Errorf("data sets %+v and %+v", ds20, ds21)
	}
	for i, r := range v20.Records {
		if a, b := asJSON(t, r), asJSON(t, v21.Records[i]); a != b {
			t.Fatalf("2.0 and 2.1 differ:\n%s\n%s", a, b)
		}
	}
	if len(v20.Rejects) > 0 {
		t.Errorf("rejected: %+v", v20.Rejects[0])
	}
	live := map[intel.Kind]int{}
	for _, r := range v20.Records {
		if r.Live() {
			live[r.Kind]++
		}
	}
	if want := map[intel.Kind]int{intel.Actor: 172, intel.Tool: 784, intel.Campaign: 52, intel.Technique: 691}; !cmp.Equal(live, want) {
		t.Errorf("live records: %v, want %v", live, want)
	}
	withLinks, cited := 0, 0
	for _, r := range v20.Records {
		if len(r.Links) > 0 {
			withLinks++
		}
		if strings.Contains(r.Description, "(Citation:") || strings.Contains(r.Description, "<code>") {
			cited++
		}
	}
	if withLinks < 1500 || cited > 0 {
		t.Errorf("%d records with links, %d with marks left in the text", withLinks, cited)
	}
}

func TestCorpusICS(t *testing.T) {
	c, ds := decodeFile(t, filepath.Join(testcorpus.Path(t), "attack-stix-data", "ics-attack", "ics-attack-18.1.json"))
	if ds.Publisher != intel.MitreAttack || ds.Name != "ics-attack" || ds.Version != "18.1" || !ds.Snapshot || ds.Released == 0 {
		t.Errorf("%+v", ds)
	}
	live := map[intel.Kind]int{}
	for _, r := range c.Records {
		if r.Publisher != intel.MitreAttack {
			t.Errorf("%s is of %s", r.Title, r.Publisher)
		}
		if r.Live() {
			live[r.Kind]++
		}
	}
	if want := map[intel.Kind]int{intel.Actor: 14, intel.Tool: 23, intel.Campaign: 7, intel.Technique: 83}; !cmp.Equal(live, want) || len(c.Rejects) > 0 {
		t.Errorf("live records: %v, want %v; %d rejects", live, want, len(c.Rejects))
	}
}

// difference explains a count that is not that of the reference reader.
type difference struct {
	file, what string
	got        int
	why        string
}

// differences are all there are. Days of TweetFeed: its CSV has what was seen on
// a day, its STIX pages have each value once, on the day when it was last seen.
var differences = []difference{
	{"cti-documentation/poisonivy.json", "domain", 24, "one reads “domain autuo.xicp.net”"},
	{"unit42-iocs/stix2-reports/report_json/2024-03-14-AsyncRAT-and-XWorm.json", "url", 5, "eight are file://host@port/…, which is no URL"},
	{"unit42-iocs/stix2-reports/report_json/2024-03-19-DarkGate.json", "url", 4, "one is of the scheme file"},
	{"unit42-iocs/stix2-reports/report_json/IcedID_Malware.json", "domain", 25, "the name of an .iso file under domain-name is taken at its word"},
	{"unit42-iocs/stix2-reports/report_json/matanbuchus-loader.json", "domain", 39, "the name of an .xml file under domain-name is taken at its word"},
	{"unit42-iocs/stix2-reports/report_json/threat-hunting-in-alexa-top-sites.json", "url", 72, "two pairs differ in the fragment only"},
	{"tweetfeed/2026/202608/20260801.csv", "domain", 18, "seen again later"},
	{"tweetfeed/2026/202608/20260801.csv", "url", 20, "seen again later"},
	{"tweetfeed/2026/202608/20260802.csv", "domain", 21, "seen again later"},
	{"tweetfeed/2026/202608/20260802.csv", "ipv4", 33, "seen again later"},
	{"tweetfeed/2026/202608/20260802.csv", "url", 46, "five seen again later, two of private addresses"},
	{"tweetfeed/2026/202608/20260803.csv", "domain", 82, "seen again later"},
	{"tweetfeed/2026/202608/20260803.csv", "ipv4", 41, "seen again later"},
	{"tweetfeed/2026/202608/20260803.csv", "url", 109, "seen again later"},
	{"tweetfeed/2026/202608/20260804.csv", "domain", 470, "seen again later"},
	{"tweetfeed/2026/202608/20260804.csv", "ipv4", 25, "seen again later"},
	{"tweetfeed/2026/202608/20260804.csv", "url", 489, "seen again later"},
	{"tweetfeed/2026/202608/20260805.csv", "domain", 69, "seen again later"},
	{"tweetfeed/2026/202608/20260805.csv", "ipv4", 27, "seen again later"},
	{"tweetfeed/2026/202608/20260805.csv", "url", 88, "seen again later"},
}

// filesOf returns the STIX files that stand for an entry of the expected counts.
func filesOf(dir, name string) []string {
	folder, file := filepath.Split(filepath.FromSlash(name))
	switch day := strings.TrimSuffix(file, ".csv"); {
	case strings.HasPrefix(name, "cti-documentation/"):
		return []string{filepath.Join(dir, "cti-documentation", "examples", "example_json", file)}
	case strings.HasPrefix(name, "unit42-iocs/") && strings.HasSuffix(name, ".json"):
		return []string{filepath.Join(dir, folder, file)}
	case name == "tweetfeed/2026/202608/20260822.csv":
		return []string{filepath.Join(dir, "tweetfeed-stix", "stix", "today.json")}
	case strings.HasPrefix(name, "tweetfeed/2026/202608/"):
		pages, _ := filepath.Glob(filepath.Join(dir, "tweetfeed-stix", "stix", "taxii", "pages", "2026-08-"+day[6:]+".*.json"))
		return pages
	}
	return nil
}

// TestCorpusCounts compares the distinct values of every file with those of a
// reference reader.
func TestCorpusCounts(t *testing.T) {
	dir := testcorpus.Path(t)
	data, err := os.ReadFile(filepath.Join(dir, "expected", "indicator-counts.json"))
	if err != nil {
		t.Fatal(err)
	}
	var expected struct{ Files map[string]map[string]int }
	if err := json.Unmarshal(data, &expected); err != nil {
		t.Fatal(err)
	}
	words := map[observable.Kind]string{
		observable.Domain: "domain", observable.IPAddress: "ipv4", observable.MD5: "md5", observable.SHA1: "sha1", observable.SHA256: "sha256",
		observable.URL: "url", observable.FileName: "filename", observable.Email: "email",
		// The reference reader has no kinds for these.
		observable.CIDR: "", observable.RegistryKey: "", observable.FilePath: "",
	}
	want := map[[2]string]difference{}
	for _, d := range differences {
		want[[2]string{d.file, d.what}] = d
	}
	compared := 0
	for name, counts := range expected.Files {
		files := filesOf(dir, name)
		if files == nil {
			continue
		}
		compared++
		seen := map[observable.Observable]bool{}
		got := map[string]int{}
		for _, path := range files {
			c, ds := decodeFile(t, path)
			if strings.HasPrefix(name, "tweetfeed") && ds.Publisher != "tweetfeed" || strings.HasPrefix(name, "unit42") && ds.Publisher != "unit42" {
				t.Errorf("%s is of %s", name, ds.Publisher)
			}
			for _, o := range c.Observations {
				word, ok := words[o.Observable.Kind]
				if !ok {
					t.Errorf("%s: %v", name, o.Observable)
				}
				if word != "" && !seen[o.Observable] {
					got[word]++
				}
				seen[o.Observable] = true
				if o.FirstSeen.IsZero() {
					t.Errorf("%s: %v without a date", name, o.Observable)
				}
			}
			for _, r := range c.Rejects {
				if r.Reason == "private" && !strings.Contains(r.Sample, "://") {
					got["ip-nonglobal"]++
				}
			}
		}
		for word := range counts {
			got[word] += 0
		}
		for word, n := range got {
			key := [2]string{name, word}
			expect := counts[word]
			if d, ok := want[key]; ok {
				expect = d.got
				delete(want, key)
			}
			if n != expect {
				t.Errorf("%s: %d of kind %s, want %d", name, n, word, expect)
			}
		}
	}
	if compared < 56 {
		t.Errorf("only %d files were compared", compared)
	}
	for key := range want {
		t.Errorf("%v: nothing of the kind was read", key)
	}
}

// TestCorpusTweetFeed: its pages are lists, its day is a bundle, and an
// indicator tells where it was seen.
func TestCorpusTweetFeed(t *testing.T) {
	c, _ := decodeFile(t, filepath.Join(testcorpus.Path(t), "tweetfeed-stix", "stix", "today.json"))
	if i := slices.IndexFunc(c.Observations, func(o *intel.Observation) bool {
		return o.TLP != intel.Clear || !strings.HasPrefix(o.Reference, "https://") || o.FirstSeen.At.Day() != "2026-08-22" || o.Source != intel.SourceOSINT
	}); len(c.Observations) == 0 || i >= 0 {
		t.Errorf("%d observations; %s", len(c.Observations), asJSON(t, c.Observations[max(i, 0)]))
	}
}
