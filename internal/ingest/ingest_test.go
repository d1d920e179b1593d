package ingest

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"dossier/internal/intel"
	"dossier/internal/odata"
	"dossier/internal/store"
	"dossier/internal/testdb"
)

// newImporter returns an importer into an empty store with a fixed clock.
func newImporter(t testing.TB) *Importer {
	t.Helper()
	s, _, err := store.Open(t.Context(), testdb.Path(t), store.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	s.Now = func() time.Time { return time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC) }
	return &Importer{Store: s}
}

func load(t testing.TB, im *Importer, o Options, args ...string) *Result {
	t.Helper()
	res, err := im.Import(t.Context(), args, o)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// The inputs: two groups and an indicator in STIX, a galaxy, a trail.
const (
	stixGroup = `{"type":"bundle","id":"bundle--11111111-1111-4111-8111-111111111111","objects":[
{"type":"identity","spec_version":"2.1","id":"identity--22222222-2222-4222-8222-222222222222","created":"2020-01-01T00:00:00Z","modified":"2020-01-01T00:00:00Z","name":"Our Team","identity_class":"organization"},
{"type":"intrusion-set","spec_version":"2.1","id":"intrusion-set--33333333-3333-4333-8333-333333333333","created_by_ref":"identity--22222222-2222-4222-8222-222222222222","created":"2020-01-01T00:00:00Z","modified":"2021-01-01T00:00:00Z","name":"Quiet Heron","aliases":["Quiet Heron","Grey Wader"],"first_seen":"2019-05-01T00:00:00Z"},
{"type":"indicator","spec_version":"2.1","id":"indicator--44444444-4444-4444-8444-444444444444","created_by_ref":"identity--22222222-2222-4222-8222-222222222222","created":"2020-01-01T00:00:00Z","modified":"2020-01-01T00:00:00Z","name":"c2","pattern":"[domain-name:value = 'heron.contoso.com' OR ipv4-addr:value = '8.8.4.4']","pattern_type":"stix","valid_from":"2020-02-02T00:00:00Z"},
{"type":"indicator","spec_version":"2.1","id":"indicator--55555555-5555-4555-8555-555555555555","created":"2020-01-01T00:00:00Z","modified":"2020-01-01T00:00:00Z","pattern":"rule x { condition: true }","pattern_type":"yara","valid_from":"2020-02-02T00:00:00Z"},
{"type":"relationship","spec_version":"2.1","id":"relationship--66666666-6666-4666-8666-666666666666","created":"2020-01-01T00:00:00Z","modified":"2020-01-01T00:00:00Z","relationship_type":"indicates","source_ref":"indicator--44444444-4444-4444-8444-444444444444","target_ref":"intrusion-set--33333333-3333-4333-8333-333333333333"}]}`
	galaxy = `{"name":"Threat Actor","type":"threat-actor","category":"actor","uuid":"7cdff317-a673-4474-84ec-4f1754947823","version":7,"values":[
{"value":"Grey Wader","uuid":"77777777-7777-4777-8777-777777777777","meta":{"country":"FR","synonyms":["Quiet Heron"]}},
{"value":"Loud Gull","uuid":"88888888-8888-4888-8888-888888888888"}]}`
	trail = "# Aliases: quiet heron, grey wader\n\n# Reference: https://reports.contoso.com/2021/06/07/heron\n\ntrail.contoso.com\nhttp://trail.contoso.com/gate\n"
)

func write(t testing.TB, dir string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

var sample = map[string]string{"heron.json": stixGroup, "galaxy/threat-actor.json": galaxy, "trails/static/malware/apt_quietheron.txt": trail}

// served returns everything that is served, by id, as one text.
func served(t testing.TB, s *store.Store) string {
	t.Helper()
	return servedTo(t, s, intel.Red)
}

func servedTo(t testing.TB, s *store.Store, ceiling intel.TLP) string {
	t.Helper()
	v := store.View{Ceiling: ceiling, Mode: store.All}
	var b strings.Builder
	q, err := odata.ParseQuery("$top=1000", store.Types.Profile, odata.Options{Allow: odata.AllowCollection})
	if err != nil {
		t.Fatal(err)
	}
	iq, err := odata.ParseQuery("$top=1000", store.Types.Indicator, odata.Options{Allow: odata.AllowCollection})
	if err != nil {
		t.Fatal(err)
	}
	page, err := s.Profiles(t.Context(), q, v)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range page.Items {
		fmt.Fprintf(&b, "%s\n", p.Body)
		list, err := s.ProfileIndicators(t.Context(), p.ID, iq, v)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range list.Items {
			fmt.Fprintf(&b, "  %+v\n", i.Wire())
		}
	}
	all, err := s.Indicators(t.Context(), iq, v)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(&b, "%d indicators\n", len(all.Items))
	servedArticles(t, s, v, &b)
	return b.String()
}

func TestImportTwiceChangesNothing(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, sample)
	im := newImporter(t)
	first := load(t, im, Options{}, dir)
	if c := first.Run.Counts; c.Records.New != 4 || c.Indicators.New != 4 || c.Indicators.Rejected != 1 || len(first.Failed()) > 0 {
		t.Errorf("first import: %+v", c)
	}
	before := served(t, im.Store)
	if !strings.Contains(before, "Quiet Heron") || !strings.Contains(before, "heron.contoso.com") || !strings.Contains(before, "http://trail.contoso.com/gate") {
		t.Errorf("served:\n%s", before)
	}
	head, err := im.Store.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	again := load(t, im, Options{}, dir)
	if again.Changed() || again.Profiles != (Effect{}) {
		t.Errorf("second import: %+v, %+v", again.Run.Counts, again.Profiles)
	}
	if got := served(t, im.Store); got != before {
		t.Errorf("served after the second import:\n%s\nbefore:\n%s", got, before)
	}
	if h, err := im.Store.Head(t.Context()); err != nil || h != head {
		t.Errorf("the order of changes went from %d to %d, %v", head, h, err)
	}
	// Records that were kept in memory and records that are read again are the same.
	if e, err := Derive(t.Context(), im.Store, nil); err != nil || e != (Effect{}) {
		t.Errorf("deriving again: %+v, %v", e, err)
	}
	runs, err := im.Store.Runs(t.Context(), "", 10)
	if err != nil || len(runs) != 2 || runs[0].Finished == 0 {
		t.Errorf("%d runs, %v", len(runs), err)
	}
}

// TestOrderMakesNoDifference imports the same files from empty in any order.
func TestOrderMakesNoDifference(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, sample)
	names := slices.Sorted(maps.Keys(sample))
	var want string
	for n := range 6 {
		r := rand.New(rand.NewPCG(1, uint64(n)))
		r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		im := newImporter(t)
		for _, name := range names { // one run each: ids are given as files come
			load(t, im, Options{}, filepath.Join(dir, filepath.FromSlash(name)))
		}
		got := partition(t, im.Store)
		if want == "" {
			want = got
		} else if got != want {
			t.Errorf("in order %v:\n%s\nwant\n%s", names, got, want)
		}
	}
}

// partition prints which records are together, without ids of profiles: those
// depend on which record was there first.
func partition(t testing.TB, s *store.Store) string {
	t.Helper()
	q, err := odata.ParseQuery("$top=1000", store.Types.Profile, odata.Options{Allow: odata.AllowCollection})
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for {
		page, err := s.Profiles(t.Context(), q, store.View{Ceiling: intel.Red})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range page.Items {
			d, err := s.Dossier(t.Context(), p.ID, store.View{Ceiling: intel.Red})
			if err != nil {
				t.Fatal(err)
			}
			var refs []string
			for _, r := range d.Records {
				refs = append(refs, r.Ref.String())
			}
			lines = append(lines, p.Title+": "+strings.Join(refs, " "))
		}
		if q.SkipToken = page.Next; page.Next == "" {
			break
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func TestArchives(t *testing.T) {
	dir := t.TempDir()
	var zipped, tarred, gzipped bytes.Buffer
	z := zip.NewWriter(&zipped)
	gz := gzip.NewWriter(&tarred)
	tw := tar.NewWriter(gz)
	for _, name := range slices.Sorted(maps.Keys(sample)) {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(w, sample[name])
		_ = tw.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Size: int64(len(sample[name])), Mode: 0o644})
		_, _ = io.WriteString(tw, sample[name])
	}
	if err := errors.Join(z.Close(), tw.Close(), gz.Close()); err != nil {
		t.Fatal(err)
	}
	one := gzip.NewWriter(&gzipped)
	_, _ = io.WriteString(one, stixGroup)
	if err := one.Close(); err != nil {
		t.Fatal(err)
	}
	write(t, dir, map[string]string{"a.zip": zipped.String(), "b.tar.gz": tarred.String(), "c.json.gz": gzipped.String(), ".hidden.json": stixGroup})

	want := newImporter(t)
	plain := t.TempDir()
	write(t, plain, sample)
	load(t, want, Options{}, plain)
	for _, arg := range []string{"a.zip", "b.tar.gz"} {
		im := newImporter(t)
		res := load(t, im, Options{}, filepath.Join(dir, arg))
		if len(res.Files) != 3 || served(t, im.Store) != served(t, want.Store) {
			t.Errorf("%s: %d files\n%s", arg, len(res.Files), served(t, im.Store))
		}
		// The same again through standard input changes nothing.
		data, err := os.ReadFile(filepath.Join(dir, arg))
		if err != nil {
			t.Fatal(err)
		}
		im.Stdin = bytes.NewReader(data)
		if res := load(t, im, Options{}, "-"); res.Changed() || len(res.Files) != 3 {
			t.Errorf("%s from standard input: %+v", arg, res.Run.Counts)
		}
	}
	im := newImporter(t)
	if res := load(t, im, Options{}, filepath.Join(dir, "*.gz")); len(res.Files) != 4 {
		t.Errorf("a pattern gave %d files, want 4", len(res.Files))
	}
}

// TestBrokenFilesLeaveNothing cuts a file at many places: a file is kept whole
// or not at all, and the error says where it ends.
func TestBrokenFilesLeaveNothing(t *testing.T) {
	dir := t.TempDir()
	for _, content := range []string{stixGroup, galaxy} {
		for at := 20; at < len(content)-1; at += 97 {
			write(t, dir, map[string]string{"cut.json": content[:at]})
			im := newImporter(t)
			res := load(t, im, Options{}, filepath.Join(dir, "cut.json"))
			if res.Changed() || served(t, im.Store) != "0 indicators\n" {
				t.Fatalf("cut at %d of %d: something was kept: %+v", at, len(content), res.Run.Counts)
			}
			f := res.Files[0]
			if f.Error == "" && f.Skipped == "" {
				t.Fatalf("cut at %d of %d: no error: %+v", at, len(content), f)
			}
			if f.Error != "" && !strings.Contains(f.Error, "nothing of this file was kept") {
				t.Errorf("cut at %d: %s", at, f.Error)
			}
		}
	}
}

func TestImportOfNothing(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"empty.json": "", "picture.bin": "\x89PNG\r\n\x1a\n\x00\x00", "bad.gz": "\x1f\x8b nothing", "bad.zip": "PK\x03\x04 nothing"})
	im := newImporter(t)
	res := load(t, im, Options{}, dir)
	if len(res.Files) != 4 || len(res.Failed()) != 2 || res.Changed() {
		t.Errorf("%+v", res.Files)
	}
	if _, err := im.Import(t.Context(), []string{filepath.Join(dir, "none.json")}, Options{}); err == nil || !strings.Contains(err.Error(), "none.json") {
		t.Errorf("a missing file: %v", err)
	}
	if _, err := im.Import(t.Context(), []string{filepath.Join(dir, "*.xml")}, Options{}); err == nil {
		t.Error("a pattern without a match is no error")
	}
	if _, err := im.Import(t.Context(), []string{dir}, Options{Format: "pdf"}); err == nil || !strings.Contains(err.Error(), "stix") {
		t.Errorf("an unknown format: %v", err)
	}
	runs, err := im.Store.Runs(t.Context(), "", 10)
	if err != nil || len(runs) != 3 {
		t.Errorf("%d runs were saved, %v; want 3", len(runs), err)
	}
}

func TestInterruptedImportIsFinishedLater(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"a.json": stixGroup, "b/threat-actor.json": galaxy})
	im := newImporter(t)
	ctx, cancel := context.WithCancel(t.Context())
	im.Progress = func(p Progress) {
		if strings.HasSuffix(p.Path, "threat-actor.json") {
			cancel()
		}
	}
	im.shownAlways()
	if _, err := im.Import(ctx, []string{dir}, Options{}); !errors.Is(err, context.Canceled) {
		t.Fatalf("interrupted import: %v", err)
	}
	if got := partition(t, im.Store); !strings.Contains(got, "Quiet Heron") || strings.Contains(got, "Loud Gull") {
		t.Errorf("after the interruption:\n%s", got)
	}
	if stale, err := im.Store.Stale(t.Context()); stale || err != nil {
		t.Errorf("stale %v, %v", stale, err)
	}
}

func TestProfileTiesIndicators(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"a.json": stixGroup, "iocs.txt": "evil.contoso.com\n1.1.1.1\nnot a value at all\n"})
	im := newImporter(t)
	load(t, im, Options{}, filepath.Join(dir, "a.json"))
	res := load(t, im, Options{Profile: "grey wader", Publisher: "our-team"}, filepath.Join(dir, "iocs.txt"))
	if res.Run.Counts.Indicators.New != 2 || res.Run.Counts.Indicators.Rejected != 1 {
		t.Errorf("%+v", res.Run.Counts)
	}
	if got := served(t, im.Store); !strings.Contains(got, "  {ODataType:#microsoft.graph.security.intelligenceProfileIndicator ID:") || strings.Count(got, "evil.contoso.com") != 1 {
		t.Errorf("served:\n%s", got)
	}
	if _, err := im.Import(t.Context(), []string{dir}, Options{Profile: "nobody"}); !errors.Is(err, intel.ErrNotFound) {
		t.Errorf("an unknown profile: %v", err)
	}
}

// TestAddThenRemove: what a release adds and a later one takes away leaves no
// trace in what is served.
func TestAddThenRemove(t *testing.T) {
	dir := t.TempDir()
	more := strings.Replace(strings.Replace(galaxy, `"version":7`, `"version":8`, 1), `"values":[`,
		`"values":[{"value":"Third Bird","uuid":"99999999-9999-4999-8999-999999999999","meta":{"synonyms":["Loud Gull"],"country":"BE"}},`, 1)
	less := strings.Replace(galaxy, `"version":7`, `"version":9`, 1)
	write(t, dir, map[string]string{"a.json": stixGroup, "b.json": galaxy, "more.json": more, "less.json": less, "old.json": more})
	im := newImporter(t)
	load(t, im, Options{}, filepath.Join(dir, "a.json"), filepath.Join(dir, "b.json"))
	before := served(t, im.Store)
	if res := load(t, im, Options{}, filepath.Join(dir, "more.json")); res.Run.Counts.Records.New != 1 {
		t.Errorf("%+v", res.Run.Counts)
	}
	if served(t, im.Store) == before {
		t.Error("the new entry is not served")
	}
	if res := load(t, im, Options{}, filepath.Join(dir, "less.json")); res.Run.Counts.Records.Gone != 1 {
		t.Errorf("%+v", res.Run.Counts)
	}
	if got := served(t, im.Store); got != before {
		t.Errorf("after the removal:\n%s\nbefore:\n%s", got, before)
	}
	// An older release that comes later changes nothing.
	if res := load(t, im, Options{}, filepath.Join(dir, "old.json")); res.Changed() || len(res.Files[0].Notes) != 1 {
		t.Errorf("an older release: %+v", res.Files)
	}
}

// TestRestrictedDataLeavesNoTrace imports the same open data with and without a
// restricted source, in both orders: a clear reader sees no difference.
func TestRestrictedDataLeavesNoTrace(t *testing.T) {
	dir := t.TempDir()
	const amber = `"object_marking_refs":["marking-definition--f88d31f6-486f-44da-b317-01333bde0b82"],`
	secret := strings.NewReplacer(
		`"type":"intrusion-set",`, `"type":"intrusion-set",`+amber, `"type":"indicator",`, `"type":"indicator",`+amber,
		`"type":"relationship",`, `"type":"relationship",`+amber, `"aliases":["Quiet Heron","Grey Wader"]`, `"aliases":["Quiet Heron","Grey Wader","Loud Gull"]`,
	).Replace(stixGroup)
	write(t, dir, map[string]string{"secret.json": secret, "open.json": galaxy, "trails/static/malware/apt_quietheron.txt": trail})
	open := []string{filepath.Join(dir, "open.json"), filepath.Join(dir, "trails")}
	view := func(s *store.Store, ceiling intel.TLP) string { return servedTo(t, s, ceiling) }

	plain := newImporter(t)
	load(t, plain, Options{}, open...)
	want := view(plain.Store, intel.Clear)
	for _, secretFirst := range []bool{true, false} {
		im := newImporter(t)
		if secretFirst {
			load(t, im, Options{}, filepath.Join(dir, "secret.json"))
		}
		load(t, im, Options{}, open...)
		if !secretFirst {
			load(t, im, Options{}, filepath.Join(dir, "secret.json"))
		}
		if got := view(im.Store, intel.Clear); got != want {
			t.Errorf("secret first %v: a clear reader sees\n%s\nwant\n%s", secretFirst, got, want)
		}
		if got := view(im.Store, intel.Green); got != want {
			t.Errorf("secret first %v: a green reader sees something else", secretFirst)
		}
		if got := view(im.Store, intel.Amber); got == want || !strings.Contains(got, "heron.contoso.com") {
			t.Errorf("secret first %v: an amber reader sees\n%s", secretFirst, got)
		}
	}
}
