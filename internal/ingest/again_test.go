package ingest

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"database/sql"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"dossier/internal/intel"
	"dossier/internal/store"
	"dossier/internal/testdb"
)

// zipped returns an archive of the files.
func zipped(t testing.TB, files map[string]string) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, content := range files {
		w, err := z.Create(name)
		if err == nil {
			_, err = io.WriteString(w, content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// gzipped returns the content compressed.
func gzipped(t testing.TB, content string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.WriteString(z, content); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// claims returns the rows of all tables of a SQLite database but those that tell
// of runs, and of what was read; on PostgreSQL what is served.
func claims(t testing.TB, s *store.Store) string {
	t.Helper()
	if testdb.Postgres() {
		return answers(t, s, intel.Red)
	}
	db, err := sql.Open("sqlite", "file:"+s.Path()+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	column := func(query string) (list []string) {
		rows, err := db.Query(query)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		names, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		values, at := make([]any, len(names)), make([]any, len(names))
		for i := range values {
			at[i] = &values[i]
		}
		for rows.Next() {
			if err := rows.Scan(at...); err != nil {
				t.Fatal(err)
			}
			list = append(list, strings.Trim(fmt.Sprintf("%v", values), "[]"))
		}
		return list
	}
	var b strings.Builder
	for _, table := range column("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name") {
		// head and moment count transactions too: those of a run that changes nothing. What deriving left for
		// the next time (derived_…) depends on how much was derived at once.
		if slices.Contains([]string{"run", "reading", "meta", "touched"}, table) || strings.HasPrefix(table, "sqlite_") || strings.HasPrefix(table, "derived_") {
			continue
		}
		rows := column("SELECT * FROM " + table)
		slices.Sort(rows)
		fmt.Fprintf(&b, "%s\n%s\n", table, strings.Join(rows, "\n"))
	}
	return b.String()
}

const (
	againMISP = `{"Event":{"uuid":"aaaaaaaa-0000-4000-8000-000000000001","info":"a campaign","date":"2026-01-02","timestamp":"1767312000","published":true,"Orgc":{"uuid":"aaaaaaaa-0000-4000-8000-0000000000ff","name":"Our CERT"},
"Tag":[{"name":"misp-galaxy:threat-actor=\"Loud Gull\""}],"Attribute":[
{"uuid":"aaaaaaaa-0000-4000-8000-000000000002","type":"domain","category":"Network activity","to_ids":true,"value":"misp.contoso.com","timestamp":"1767312000"},
{"uuid":"aaaaaaaa-0000-4000-8000-000000000003","type":"ip-dst","category":"Network activity","to_ids":true,"value":"8.8.4.4","timestamp":"1767312000","deleted":DELETED}]}}`
	againProducers = `{"name":"Producer","type":"producer","category":"actor","uuid":"1d5b7ba2-1a5f-4c36-9a4c-9e1ab6a8bdc1","version":1,"values":[{"value":"Contoso Labs","uuid":"99999999-7777-4777-8777-777777777777"}]}`
	againGraph     = `{"@odata.context":"https://graph.microsoft.com/v1.0/$metadata#security/threatIntelligence/intelProfiles('9b01')/indicators","value":[
{"id":"b","source":"osint","firstSeenDateTime":"2022-12-02T12:29:18.668Z","lastSeenDateTime":"LAST","artifact":{"@odata.type":"#microsoft.graph.security.hostname","id":"graph.contoso.com"}}]}`
	againGuards = `{"name":"List of ours","type":"hostname","description":"ours","version":1,"list":["guarded.contoso.com"],"matching_attributes":["domain"]}`
)

// againInputs are files, each in several states.
func againInputs(t testing.TB) map[string][]string {
	csv := func(rows ...string) string { return "first_seen,last_seen,domain\n" + strings.Join(rows, "\n") + "\n" }
	return map[string][]string{
		"heron.json": {
			stixGroup, strings.Replace(stixGroup, `"modified":"2021-01-01`, `"modified":"2022-01-01`, 1), strings.Replace(stixGroup, "Grey Wader\"]", "Grey Heron\"]", 1),
			strings.Replace(stixGroup, `"valid_from":"2020-02-02T00:00:00Z"},`, `"valid_from":"2020-02-02T00:00:00Z","revoked":true},`, 1),
		},
		"copy/heron.json":                               {stixGroup},
		"galaxy/threat-actor.json":                      {galaxy, strings.Replace(galaxy, `"version":7`, `"version":8`, 1), strings.Replace(strings.Replace(galaxy, `"version":7`, `"version":9`, 1), "Loud Gull", "Loud Tern", 1), strings.Replace(galaxy, `"version":7`, `"version":6`, 1)},
		"thin/galaxy/threat-actor.json":                 {galaxy[:strings.LastIndex(galaxy, ",\n")] + "]}"}, // the same version, an entry less
		"copy/galaxy/threat-actor.json":                 {galaxy, strings.Replace(galaxy, `"version":7`, `"version":8`, 1), strings.Replace(strings.Replace(galaxy, `"version":7`, `"version":9`, 1), "Loud Gull", "Loud Tern", 1), strings.Replace(galaxy, `"version":7`, `"version":6`, 1)},
		"trails/static/malware/apt_quietheron-1.txt":    {"trail.contoso.com\nsecond.contoso.com\n", "second.contoso.com\n"},
		"galaxy/producer.json":                          {againProducers, strings.Replace(againProducers, "Contoso Labs", "Fabrikam Labs", 1)},
		"trails/static/malware/apt_quietheron.txt":      {trail, trail + "more.contoso.com\n", strings.Replace(trail, "trail.contoso.com\nhttp", "http", 1), strings.Replace(trail, "# Reference: https://reports.contoso.com/2021/06/07/heron\n", "", 1)},
		"more/trails/static/malware/apt_quietheron.txt": {trail, strings.Replace(trail, "/2021/06/07/", "/2026/03/05/", 1)}, // the day after the first
		"event.json":         {strings.Replace(againMISP, "DELETED", "false", 1), strings.Replace(againMISP, "DELETED", "true", 1), strings.Replace(againMISP, "2026-01-02", "2026-03-08", 1)},
		"graph.json":         {strings.Replace(againGraph, "LAST", "2026-03-06T00:00:00Z", 1), strings.Replace(againGraph, "LAST", "2026-01-06T00:00:00Z", 1)},
		"list.txt":           {"a.contoso.com\nguarded.contoso.com\nnonsense here\n", "a.contoso.com\n"},
		"other.txt":          {"a.contoso.com\nb.contoso.com\n"},
		"dated.csv":          {csv("2026-01-01,2026-01-02,c.contoso.com"), csv("2026-01-01,2026-03-06,c.contoso.com", "2026-03-09,,d.contoso.com"), csv("2025-01-01,2026-01-03,c.contoso.com", "x,,10.0.0.1")},
		"actors.csv":         {"Threat Actor Official Name,Confidence,Type,Country\nLoud Gull,High,State,FR\nPale Rail,Low,Crime,\n", "Threat Actor Official Name,Confidence,Type,Country\nLoud Gull,High,State,FR\n"},
		"warninglist.json":   {againGuards, strings.Replace(againGuards, "guarded", "a", 1)},
		"pack.zip":           {zipped(t, map[string]string{"one.json": stixGroup, "two.txt": "e.contoso.com\n", "three.bin": "\x00\x01\x02"}), zipped(t, map[string]string{"two.txt": "e.contoso.com\n", "trails/static/malware/apt_quietheron.txt": trail})},
		"torn.zip":           {"PK\x03\x04 no archive"},
		"torn.json":          {stixGroup[:700]},
		"nothing.txt":        {"", "nothing that is known\n"},
		"packed/list.txt.gz": {gzipped(t, "f.contoso.com\n")},
	}
}

var againHistories = flag.Int("histories", 3, "how many random histories TestAgain goes through")

// TestAgain holds that an import which recognises what was read before is like one
// that reads everything: through random histories of files that change, sources
// that are removed or set, and time that passes, two stores hold the same and
// tell the same, of which one decodes everything.
func TestAgain(t *testing.T) {
	histories, steps := *againHistories, 40
	if testdb.Postgres() || testing.Short() {
		histories, steps = 1, 30
	}
	recognised := 0
	for seed := range histories {
		rnd := rand.New(rand.NewPCG(uint64(seed), 6))
		dir := t.TempDir()
		inputs := againInputs(t)
		names := make([]string, 0, len(inputs))
		for name := range inputs {
			names = append(names, name)
		}
		slices.Sort(names)
		put := func(name string) {
			write(t, dir, map[string]string{name: inputs[name][rnd.IntN(len(inputs[name]))]})
		}
		for _, name := range names {
			put(name)
		}
		quick, full := newImporter(t), newImporter(t)
		full.decodeAll = true
		now := quick.Store.Now()
		var log []string
		var publishers []string
		both := func(what string, f func(im *Importer) (any, error)) {
			t.Helper()
			log = append(log, what)
			var told [2]string
			for i, im := range []*Importer{quick, full} {
				im.Store.Now = func() time.Time { return now }
				said, err := f(im)
				text, _ := json.Marshal(said)
				told[i] = fmt.Sprintf("%s %v", text, err)
			}
			if told[0] != told[1] {
				t.Fatalf("seed %d: %s\ntold %s\nwant %s", seed, strings.Join(log, "\n"), told[0], told[1])
			}
			if got, want := claims(t, quick.Store), claims(t, full.Store); got != want {
				t.Fatalf("seed %d: %s\nhold %s", seed, strings.Join(log, "\n"), firstDifference(want, got))
			}
		}
		for range steps {
			switch rnd.IntN(10) {
			case 0:
				now = now.Add([]time.Duration{time.Minute, 36 * time.Hour, 200 * 24 * time.Hour}[rnd.IntN(3)])
			case 1:
				if len(publishers) > 0 {
					p := publishers[rnd.IntN(len(publishers))]
					both("remove "+p, func(im *Importer) (any, error) {
						r, err := Editor{Store: im.Store}.RemovePublisher(t.Context(), p)
						if errors.Is(err, intel.ErrNotFound) {
							err = nil
						}
						return r, err
					})
				}
			case 2:
				if len(publishers) > 0 {
					p, set := publishers[rnd.IntN(len(publishers))], intel.PublisherSetting{}
					if rnd.IntN(2) == 0 {
						set = intel.PublisherSetting{Rank: ptr(1 + rnd.IntN(9)), Reliability: ptr("A")}
					}
					both("set "+p, func(im *Importer) (any, error) {
						return Editor{Store: im.Store}.SetPublisher(t.Context(), p, set)
					})
				}
			case 3:
				name := names[rnd.IntN(len(names))]
				put(name)
				log = append(log, "write "+name)
			default:
				o := Options{Publisher: []string{"", "", "ours", "theirs"}[rnd.IntN(4)], TLP: []intel.TLP{intel.Clear, intel.Clear, intel.Amber}[rnd.IntN(3)]}
				args := []string{dir}
				if rnd.IntN(3) > 0 {
					args = nil
					for range 1 + rnd.IntN(3) {
						args = append(args, filepath.Join(dir, names[rnd.IntN(len(names))]))
					}
				}
				both(fmt.Sprintf("import %+v %s at %s", o, strings.ReplaceAll(strings.Join(args, " "), dir, "."), now.Format(time.DateTime)), func(im *Importer) (any, error) {
					res, err := im.Import(t.Context(), args, o)
					for _, f := range res.Files {
						for _, ds := range f.Datasets {
							if !slices.Contains(publishers, ds.Publisher) {
								publishers = append(publishers, ds.Publisher)
							}
						}
					}
					res.Run.ID = ""
					return res, err
				})
			}
		}
		recognised += quick.recognised
		if full.recognised > 0 {
			t.Fatal("the store that is compared with did not decode everything")
		}
	}
	t.Logf("%d inputs were recognised", recognised)
	if recognised < 10*histories {
		t.Errorf("only %d inputs were recognised", recognised)
	}
}

// TestAgainIsQuick holds that what was read is recognised, at once, by each way in
// which it may come, and that whatever differs is read.
func TestAgainIsQuick(t *testing.T) {
	dir := t.TempDir()
	var b strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&b, "n%d.contoso.com\n", i)
	}
	write(t, dir, map[string]string{"list.txt": b.String(), "heron.json": stixGroup})
	list, heron := filepath.Join(dir, "list.txt"), filepath.Join(dir, "heron.json")
	im := newImporter(t)
	takes := func(what string, want int, o Options, args ...string) {
		t.Helper()
		before := im.recognised
		res := load(t, im, o, args...)
		if got := im.recognised - before; got != want {
			t.Errorf("%s: %d were recognised, want %d: %+v", what, got, want, res.Files)
		}
		if want > 0 && (res.Changed() || res.Run.Counts.Indicators.Unchanged == 0) {
			t.Errorf("%s: %+v", what, res.Run.Counts)
		}
	}
	takes("first", 0, Options{}, list, heron)
	takes("again", 2, Options{}, list, heron)
	takes("the folder", 2, Options{}, dir)
	takes("another source", 0, Options{Publisher: "ours"}, list)
	takes("another marking", 0, Options{TLP: intel.Amber}, list)
	takes("another format", 0, Options{Format: "list"}, list)
	takes("a profile", 0, Options{Profile: "Quiet Heron"}, list)
	takes("a profile again", 1, Options{Profile: "Quiet Heron"}, list)
	body := func() []Input {
		f, err := os.Open(list)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return []Input{{Path: "feed/list.txt", Body: f}}
	}
	for want := range 2 {
		before := im.recognised
		if _, err := im.ImportInputs(t.Context(), body(), Options{}); err != nil || im.recognised-before != want {
			t.Errorf("what was fetched: %d were recognised, want %d (%v)", im.recognised-before, want, err)
		}
	}
	write(t, dir, map[string]string{"list.txt": strings.Replace(b.String(), "n7.", "m7.", 1)}) // as long as before
	takes("one other byte", 0, Options{}, list)
	takes("and again", 1, Options{}, list)
	if _, err := (Editor{Store: im.Store}).RemovePublisher(t.Context(), unattributed); err != nil {
		t.Fatal(err)
	}
	if res := load(t, im, Options{}, list); res.Run.Counts.Indicators.New != 3000 {
		t.Errorf("after its removal: %+v", res.Run.Counts.Indicators)
	}
}
