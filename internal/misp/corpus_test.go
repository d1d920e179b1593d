package misp

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"dossier/internal/intel"
	"dossier/internal/observable"
	"dossier/internal/testcorpus"
)

func decodeFile(t testing.TB, dir, file string) (*collector, intel.Dataset, error) {
	t.Helper()
	body, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(file)))
	if err != nil {
		t.Fatal(err)
	}
	if !Sniff(body[:min(len(body), 512)]) {
		t.Errorf("%s: Sniff is false", file)
	}
	var c collector
	set, err := Decode(context.Background(), strings.NewReader(string(body)), Options{Path: file}, &c)
	return &c, set, err
}

// TestCorpusGalaxies reads every file of clusters.
func TestCorpusGalaxies(t *testing.T) {
	dir := testcorpus.Path(t)
	want := map[string]int{ // records; 0 is vocabulary
		"backdoor": 29, "banker": 53, "botnet": 148, "country": 0, "malpedia": 3683, "microsoft-activity-group": 179,
		"mitre-intrusion-set": 191, "mitre-malware": 850, "mitre-tool": 97, "ransomware": 2135, "rat": 270, "region": 0, "sector": 0,
		"stealer": 18, "target-information": 0, "threat-actor": 1041, "tidal-groups": 281, "tool": 608,
	}
	for galaxy, n := range want {
		c, set, err := decodeFile(t, dir, "misp-galaxy/clusters/"+galaxy+".json")
		if err != nil {
			t.Errorf("%s: %v", galaxy, err)
			continue
		}
		if set.Name != galaxy || set.Publisher != intel.MISPGalaxyPrefix+galaxy || set.Version == "" || set.Snapshot != (n > 0) {
			t.Errorf("%s: data set %+v", galaxy, set)
		}
		rejects := 0
		if n == 0 {
			rejects = 1
		}
		if len(c.records) != n || len(c.rejects) != rejects {
			t.Errorf("%s: %d records, want %d; rejects %v", galaxy, len(c.records), n, c.reasons())
		}
		keys := make(map[string]bool)
		for _, r := range c.records {
			if keys[r.Key] || r.Title == "" || !r.Kind.HasProfile() || r.Kind != kindOf(galaxy, "") {
				t.Errorf("%s: record %s %q of kind %q", galaxy, r.Key, r.Title, r.Kind)
			}
			keys[r.Key] = true
			for _, n := range r.Names {
				if n.Value != strings.TrimSpace(n.Value) || intel.Placeholder(n.Value) && n.Value != r.Title {
					t.Errorf("%s: name %q on %q", galaxy, n.Value, r.Title)
				}
			}
			if strings.Contains(r.Description, "(Citation: ") || strings.Contains(r.Description, "<sup>") || strings.Contains(r.Description, "<br") {
				t.Errorf("%s: description of %q: %q", galaxy, r.Title, r.Description)
			}
			for _, d := range r.FirstActive {
				if y := d.At.Std().Year(); y < 1985 || y > 2026 {
					t.Errorf("%s: %q first active %v", galaxy, r.Title, d)
				}
			}
		}
	}
}

// TestCorpusThreatActors counts what is read of the fields of the main galaxy.
func TestCorpusThreatActors(t *testing.T) {
	c, _, err := decodeFile(t, testcorpus.Path(t), "misp-galaxy/clusters/threat-actor.json")
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]int)
	byTitle := make(map[string]intel.Record)
	for _, r := range c.records {
		byTitle[r.Title] = r
		for _, n := range r.Names {
			if n.CoinedBy != "" {
				got["coined"]++
			}
			if n.Relation != "" {
				got[string(n.Relation)]++
			}
		}
		for field, n := range map[string]int{
			"origins": len(r.Origins), "affiliations": len(r.Affiliations), "targets": len(r.Targets), "motives": len(r.Motives),
			"firstActive": len(r.FirstActive), "ids": len(r.IDs), "links": len(r.Links),
		} {
			if n > 0 {
				got[field]++
			}
		}
		for _, ref := range r.References {
			if ref.URL != "" {
				got["references"]++
			}
			if !ref.Date.IsZero() {
				got["dated"]++
			}
		}
	}
	for what, least := range map[string]int{
		"coined": 1243, "campaign": 20, "sponsored-by": 10, "sub-group": 2, "origins": 476, "affiliations": 3, "targets": 150,
		"motives": 110, "firstActive": 7, "ids": 80, "links": 166, "references": 3000, "dated": 600,
	} {
		if got[what] < least {
			t.Errorf("%s: %d, want %d or more", what, got[what], least)
		}
	}
	if ids := byTitle["Lazarus Group"].IDs; len(ids) != 2 {
		t.Errorf("Lazarus Group cites %v, want both of its ids", ids)
	}
	if o := byTitle["APT28"].Affiliations; len(o) != 1 || o[0].Body != "GRU, Military unit 26165" {
		t.Errorf("APT28: %v", o)
	}
}

// TestProducerTable: every uuid in the main galaxy is in the table, or among
// those that could not be told.
func TestProducerTable(t *testing.T) {
	body, err := os.ReadFile(filepath.Join(testcorpus.Path(t), "misp-galaxy", "clusters", "threat-actor.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Values []struct {
			Meta struct {
				Attribution []string `json:"name-attribution"`
			}
		}
	}
	if err := json.Unmarshal(body, &file); err != nil {
		t.Fatal(err)
	}
	claims := make(map[string]int)
	total := 0
	for _, v := range file.Values {
		for _, a := range v.Meta.Attribution {
			uuid := a[strings.LastIndexByte(a, ':')+1:]
			total++
			if producers[uuid] == "" {
				claims[uuid]++
			}
		}
	}
	want := []string{
		"1c141c9b-ec78-4f86-a8ea-b02944fa5492", "3176f708-da5b-4c41-926b-0a94ebeb0e3b",
		"adc57f66-9910-4500-a16b-311cd4f08409", "bfafdca5-3171-4953-86ab-c74f44822fd3",
	}
	if got := slices.Sorted(maps.Keys(claims)); !slices.Equal(got, want) || total != 1243 {
		t.Errorf("of %d claims, these uuids have no name: %v", total, claims)
	}
}

// TestCorpusEvents compares ESET's events with the reference counts, which heed
// neither to_ids nor whether a type is an observable here.
func TestCorpusEvents(t *testing.T) {
	dir := testcorpus.Path(t)
	data, err := os.ReadFile(filepath.Join(dir, "expected", "indicator-counts.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all struct{ Files map[string]map[string]int }
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	kinds := map[string]observable.Kind{
		"domain": observable.Domain, "url": observable.URL, "email": observable.Email, "md5": observable.MD5, "sha1": observable.SHA1,
		"sha256": observable.SHA256, "ipv4": observable.IPAddress,
	}
	// to_ids keeps some values out: the later events set it only for what
	// ESET stands by. Those of 2017 to 2020 set it nowhere, so it says nothing.
	files := 0
	for _, f := range slices.Sorted(maps.Keys(all.Files)) {
		if !strings.HasPrefix(f, "eset/") || strings.Contains(f, "pypi_backdoor") {
			continue
		}
		files++
		c, set, err := decodeFile(t, dir, f)
		if err != nil {
			t.Errorf("%s: %v", f, err)
			continue
		}
		if set.Publisher != "eset" && (set.Publisher != "circl" || !strings.Contains(f, "telebots")) {
			t.Errorf("%s: publisher %q", f, set.Publisher)
		}
		got := make(map[observable.Kind]map[string]bool)
		for _, o := range c.observations {
			if got[o.Observable.Kind] == nil {
				got[o.Observable.Kind] = make(map[string]bool)
			}
			got[o.Observable.Kind][o.Observable.Value] = true
			if host, ok := o.Observable.Host(); ok && o.Observable.Kind == observable.IPPort { // counted as both
				if got[host.Kind] == nil {
					got[host.Kind] = make(map[string]bool)
				}
				got[host.Kind][host.Value] = true
			}
			if o.FirstSeen.IsZero() {
				t.Errorf("%s: %v has no date", f, o.Observable)
			}
		}
		if len(c.observations) == 0 {
			t.Errorf("%s: no observations", f)
		}
		for name, n := range all.Files[f] {
			kind, ok := kinds[name]
			if !ok {
				continue
			}
			have := len(got[kind])
			if kind == observable.URL && strings.HasSuffix(f, "2018-11-20_Zebrocy.json") {
				have++ // the address of ESET's own article
			}
			kept := 0
			for _, r := range c.rejects {
				if r.Reason == "to_ids is false" {
					if o, err := observable.Parse(r.Sample); err == nil && o.Kind == kind && !got[kind][o.Value] {
						kept++
					}
				}
			}
			if have > n || have+kept < n {
				t.Errorf("%s: %d of kind %s and %d kept out, want %d together", f, have, name, kept, n)
			}
		}
	}
	if files < 30 {
		t.Errorf("%d files", files)
	}
}

// TestCorpusTruncated: the file is cut in its middle upstream, and its error
// says where.
func TestCorpusTruncated(t *testing.T) {
	c, _, err := decodeFile(t, testcorpus.Path(t), "eset/pypi_backdoor/malicious_pypi_packages.misp-event.json")
	var syntax *intel.SyntaxError
	if !errors.As(err, &syntax) || syntax.Line != 37374 || syntax.Column != 9 {
		t.Errorf("error %v", err)
	}
	if len(c.records)+len(c.observations) > 0 {
		t.Errorf("%d records, %d observations", len(c.records), len(c.observations))
	}
}

// TestCorpusOthers reads a feed of events, and what is MISP's and holds no
// intelligence.
func TestCorpusOthers(t *testing.T) {
	dir := testcorpus.Path(t)
	for pattern, want := range map[string]struct {
		files  int
		reason string // "" for events
	}{
		"tweetfeed-misp/misp/*-*.json":        {45, ""},
		"tweetfeed-misp/misp/manifest.json":   {1, "not intelligence"},
		"tweetfeed-misp/misp/hashes.csv":      {1, "not intelligence"},
		"misp-warninglists/lists/*/*.json":    {100, "not intelligence"},
		"misp-taxonomies/*/machinetag.json":   {10, "not intelligence"},
		"misp-objects/objects/*/*.json":       {20, "not intelligence"},
		"misp-galaxy/galaxies/*.json":         {4, "not intelligence"},
		"misp-stix/tests/*_collection_?.json": {3, ""},
	} {
		files, err := filepath.Glob(filepath.Join(dir, filepath.FromSlash(pattern)))
		if err != nil || len(files) < want.files {
			t.Errorf("%s: %d files, %v", pattern, len(files), err)
		}
		for _, f := range files {
			rel, _ := filepath.Rel(dir, f)
			c, _, err := decodeFile(t, dir, filepath.ToSlash(rel))
			switch {
			case err != nil:
				t.Errorf("%s: %v", rel, err)
			case want.reason == "" && len(c.observations) == 0:
				t.Errorf("%s: no observations; %v", rel, c.reasons())
			case want.reason != "" && (len(c.rejects) != 1 || c.rejects[0].Reason != want.reason || len(c.observations)+len(c.records) > 0):
				t.Errorf("%s: %v", rel, c.reasons())
			}
		}
	}
}
