package lists

import (
	"context"
	"encoding/json"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"dossier/internal/intel"
	"dossier/internal/observable"
	"dossier/internal/testcorpus"
)

// expected returns the reference counts of distinct values, by file and kind.
func expected(t testing.TB, dir string) map[string]map[string]int {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "expected", "indicator-counts.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all struct{ Files map[string]map[string]int }
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	return all.Files
}

// A collector keeps what a decoder gives.
type collector struct {
	records      []intel.Record
	observations []intel.Observation
	rejects      []intel.Reject
}

func (c *collector) Record(r *intel.Record) error { c.records = append(c.records, *r); return nil }

func (c *collector) Observation(o *intel.Observation) error {
	c.observations = append(c.observations, *o)
	return nil
}
func (*collector) Article(*intel.Article) error { return nil }
func (*collector) Pattern(*intel.Pattern) error { return nil }
func (c *collector) Reject(r intel.Reject)      { c.rejects = append(c.rejects, r) }

func decodeFile(t testing.TB, dir, file string) (*collector, intel.Dataset) {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, filepath.FromSlash(file)))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var c collector
	set, err := Decode(context.Background(), f, Options{Path: file}, &c)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return &c, set
}

// distinct counts values as the reference does: an address with a port counts as
// its address too.
func distinct(c *collector) map[string]int {
	names := map[observable.Kind]string{
		observable.Domain: "domain", observable.CIDR: "cidr", observable.IPPort: "ip:port", observable.URL: "url", observable.URLPath: "urlpath",
		observable.Email: "email", observable.MD5: "md5", observable.SHA1: "sha1", observable.SHA256: "sha256",
		observable.CertSHA1: "cert-sha1", observable.FilePath: "filepath", observable.FileName: "filename",
	}
	seen := make(map[string]map[string]bool)
	add := func(kind, v string) {
		if seen[kind] == nil {
			seen[kind] = make(map[string]bool)
		}
		seen[kind][v] = true
	}
	address := func(v string) {
		a, err := netip.ParseAddr(v)
		switch {
		case err != nil:
		case a.Is4():
			add("ipv4", v)
		default:
			add("ipv6", v)
		}
	}
	for _, o := range c.observations {
		switch v := o.Observable; v.Kind {
		case observable.IPAddress:
			address(v.Value)
		case observable.IPPort:
			add("ip:port", v.Value)
			ap, _ := netip.ParseAddrPort(v.Value)
			address(ap.Addr().String())
		default:
			if n := names[v.Kind]; n != "" {
				add(n, v.Value)
			}
		}
	}
	out := make(map[string]int)
	for k, v := range seen {
		out[k] = len(v)
	}
	return out
}

// corpusPath returns where a file of the reference counts stands.
func corpusPath(f string) string {
	if f == "mstic/May21NOBELIUM" {
		return "mstic/Indicators/May21-NOBELIUM/May21NOBELIUMIoCs.csv"
	}
	return strings.Replace(f, "maltrail/", "maltrail/trails/static/", 1)
}

// differences says, for each source and kind, how far the sum over its files
// may be from the reference, and why. What is not here must be equal in every
// single file.
var differences = map[string]struct {
	low, high int
	why       string
}{
	"maltrail domain":        {0, 300, "lines with a copyright notice stuck to the name; names that the reference calls other"},
	"maltrail ip:port":       {-20, 0, "port 0 and ports above 65535"},
	"maltrail ipv4":          {-10, 0, "addresses of those"},
	"maltrail url":           {-20, 0, "http://192.0.2.1 and http://192.0.2.1/ are one URL"},
	"maltrail urlpath":       {-20, 0, "paths that are equal in their canonical form"},
	"maltrail other":         {-250, -200, "what the reference cannot sort: names in odd domains, or broken"},
	"tweetfeed url":          {-300, 0, "the same with and without a slash behind the name; private addresses"},
	"tweetfeed ip-nonglobal": {-6, -6, "rejected here"},
	"mstic url":              {0, 1, "the reference leaves one out"},
	"mstic commandline":      {-2, -2, "no kind of observable"},
	"mstic guid":             {-2, -2, "no kind of observable"},
	"threatfox-ips ipv4":     {-7, -7, "100.64.0.0/10 is not routed"},
	"volexity ipv4":          {-1, 0, "an address inside a URL, found by regular expression"},
	"threatlabz domain":      {-60, 60, "the reference takes names out of prose and mail headers by regular expression"},
	"threatlabz email":       {-7, 0, "the same"},
	"threatlabz ipv4":        {-20, 5, "the same"},
	"threatlabz url":         {0, 120, "the reference finds no URL whose scheme is defanged"},
}

// TestCorpusCounts compares what comes out of real files with the counts that
// another normaliser made of them.
func TestCorpusCounts(t *testing.T) {
	dir := testcorpus.Path(t)
	want := expected(t, dir)
	sources := map[string]int{
		"maltrail": 723, "volexity": 20, "tweetfeed": 132, "abusech-sslbl": 1, "ipsum": 1, "threatfox-ips": 1, "tek-cs": 1, "threatlabz": 86, "mstic": 2,
	}
	files := make(map[string]int)
	sums := make(map[string]int)
	for _, f := range slices.Sorted(maps.Keys(want)) {
		source, _, _ := strings.Cut(f, "/")
		if _, ok := sources[source]; !ok || strings.HasPrefix(f, "threatlabz/wikiloader/config_") { // JSON in a text file
			continue
		}
		files[source]++
		c, _ := decodeFile(t, dir, corpusPath(f))
		got := distinct(c)
		for kind, n := range want[f] {
			if got[kind] == n {
				continue
			}
			key := source + " " + kind
			sums[key] += got[kind] - n
			if _, ok := differences[key]; !ok {
				t.Errorf("%s: %d of kind %s, want %d", f, got[kind], kind, n)
			}
		}
	}
	for source, n := range sources {
		if files[source] != n {
			t.Errorf("%s: %d files, want %d", source, files[source], n)
		}
	}
	for key, d := range differences {
		if sum := sums[key]; sum < d.low || sum > d.high {
			t.Errorf("%s: differs by %d, want %d to %d (%s)", key, sum, d.low, d.high, d.why)
		}
	}
}

// TestCorpusMaltrail reads every file of trails.
func TestCorpusMaltrail(t *testing.T) {
	dir := testcorpus.Path(t)
	files, err := filepath.Glob(filepath.Join(dir, "maltrail", "trails", "static", "*", "*.txt"))
	if err != nil || len(files) < 700 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	records := make(map[string]intel.Record)
	trails, dated, tied := 0, 0, 0
	for _, f := range files {
		rel, _ := filepath.Rel(dir, f)
		c, set := decodeFile(t, dir, filepath.ToSlash(rel))
		if set.Publisher != intel.Maltrail || !set.Snapshot || set.Name != stem(f) {
			t.Fatalf("%s: data set %+v", rel, set)
		}
		if len(c.records) > 1 {
			t.Errorf("%s: %d records", rel, len(c.records))
		}
		for _, r := range c.records {
			if _, dup := records[r.Key]; dup || r.Title == "" || r.Publisher != intel.Maltrail {
				t.Errorf("%s: record %q, titled %q", rel, r.Key, r.Title)
			}
			records[r.Key] = r
		}
		for _, o := range c.observations {
			trails++
			if len(o.Subjects) == 1 {
				tied++
			}
			if o.FirstSeen.IsZero() {
				continue
			}
			dated++
			if o.FirstSeen.Basis != intel.BasisReference || o.Reference == "" {
				t.Fatalf("%s: %+v", rel, o)
			}
			if year := o.FirstSeen.At.Std().Year(); year < 1998 || year > 2026 {
				t.Fatalf("%s: %v is dated %v by %s", rel, o.Observable, o.FirstSeen, o.Reference)
			}
		}
	}
	if part := dated * 100 / trails; trails < 350_000 || part < 30 {
		t.Errorf("%d trails, %d%% dated", trails, part)
	}
	if part := tied * 100 / trails; part < 90 {
		t.Errorf("%d%% of the trails are tied to a record", part)
	}
	for key, want := range map[string]intel.Record{
		"apt_sofacy":           {Kind: intel.Actor, Title: "Sofacy"},
		"apt_33":               {Kind: intel.Actor, Title: "APT33"},
		"apt_60":               {Kind: intel.Actor, Title: "APT-C-60"},
		"apt_aridviper":        {Kind: intel.Actor, Title: "Arid Viper"},
		"apt_unc1151":          {Kind: intel.Actor, Title: "UNC1151"},
		"apt_quasar":           {Kind: intel.Tool, Title: "Quasar"},
		"storm2603":            {Kind: intel.Actor, Title: "Storm-2603"},
		"eclips_ransomware":    {Kind: intel.Tool, Title: "Eclips"},
		"android_cerberus":     {Kind: intel.Tool, Title: "Cerberus"},
		"cobaltstrike":         {Kind: intel.Tool, Title: "Cobaltstrike"},
		"apt_transparenttribe": {Kind: intel.Actor, Title: "Transparenttribe"},
	} {
		if got := records[key]; got.Kind != want.Kind || got.Title != want.Title {
			t.Errorf("%s is %s %q, want %s %q", key, got.Kind, got.Title, want.Kind, want.Title)
		}
	}
	for _, none := range []string{"apt_gamaredon-1", "cobaltstrike-1", "sinkhole_sofacy", "apt_unclassified", "parking_site", "generic_stealer"} {
		if _, ok := records[none]; ok {
			t.Errorf("%s has a record", none)
		}
	}
	if ids := records["apt_sofacy"].IDs; len(ids) != 1 || ids[0].ID != "G0007" {
		t.Errorf("ids of apt_sofacy: %v", ids)
	}
}

// TestCorpusMicrosoft reads the table of names as of August 2026.
func TestCorpusMicrosoft(t *testing.T) {
	c, set := decodeFile(t, testcorpus.Path(t), "mstic/PublicFeeds/ThreatActorNaming/MicrosoftMapping.json")
	if set.Publisher != intel.MicrosoftNaming || !set.Snapshot || len(c.records) != 166 || len(c.rejects) != 0 {
		t.Fatalf("%+v: %d records, %d rejects", set, len(c.records), len(c.rejects))
	}
	coined, without := 0, 0
	distinct := make(map[string]bool)
	for _, r := range c.records {
		for _, n := range r.Names {
			distinct[n.Value] = true
			if n.CoinedBy != "" {
				coined++
			}
		}
		if len(r.Origins)+len(r.Motives)+len(r.Notes) == 0 {
			without++
		}
	}
	if len(distinct) != 596 || coined < 380 || without != 3 {
		t.Errorf("%d names, %d claims with who coined them; %d rows without origin", len(distinct), coined, without)
	}
}

// TestCorpusOthers reads what has no reference counts: nothing may fail, and
// lists must not turn into noise.
func TestCorpusOthers(t *testing.T) {
	dir := testcorpus.Path(t)
	for file, want := range map[string]int{
		"mstic/RapidReleaseTI/MachineKeys.csv":    0, // keys that look like hashes
		"ja3/lists/osx-nix-ja3.csv":               157,
		"unit42-iocs/silverterrier/domains18.csv": 18623, // no-break blanks of Mac Roman behind values
		"unit42-iocs/prince_of_persia/hashes.csv": 242,   // and of Latin-1
		"threatlabz/trigona/extensions.txt":       0,
		"threatlabz/warhawk/hashes.txt":           7, // "label: hash"
		"unit42-iocs/rarog/c2_w_timestamps.csv":   161,
		"eset/moustachedbouncer/samples.sha1":     29,
	} {
		c, _ := decodeFile(t, dir, file)
		if len(c.observations) != want || want == 0 && len(c.rejects) == 0 && file != "threatlabz/trigona/extensions.txt" {
			t.Errorf("%s: %d observations and %d rejects, want %d", file, len(c.observations), len(c.rejects), want)
		}
	}
}
