package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"dossier/internal/intel"
	"dossier/internal/observable"
	"dossier/internal/odata"
	"dossier/internal/testdb"
)

// testStore opens an empty store whose clock the test moves.
func testStore(t testing.TB) (*Store, *time.Time) {
	t.Helper()
	path := testdb.Path(t)
	if !testdb.Postgres() {
		path = filepath.Join(filepath.Dir(path), "odd name%20 ü.db")
	}
	s, isNew, err := Open(t.Context(), path, Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	if !isNew {
		t.Fatal("a new database is not new")
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s.Now = func() time.Time { return now }
	return s, &now
}

// batch runs f in a batch and commits it.
func batch(t testing.TB, s *Store, layer Layer, f func(*Batch)) {
	t.Helper()
	b, err := s.Begin(t.Context(), layer)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Rollback()
	f(b)
	if err := b.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func records(t testing.TB, b *Batch, ds intel.Dataset, recs ...*intel.Record) (intel.Tally, bool) {
	t.Helper()
	tally, older, err := b.Records(t.Context(), ds, recs)
	if err != nil {
		t.Fatal(err)
	}
	return tally, older
}

func actor(publisher, key, title string) *intel.Record {
	return &intel.Record{Ref: intel.Ref{Publisher: publisher, Key: key}, Kind: intel.Actor, Title: title}
}

func profileOf(id, title string, members ...intel.Ref) *Derived {
	return derivedOf(&intel.Dossier{Profile: intel.Profile{
		ODataType: intel.ProfileType, ID: id, Kind: intel.Actor, Title: title, FirstActive: 1000,
		Aliases: []string{}, Targets: []string{}, Origins: []intel.CountryOfOrigin{},
		Summary: intel.Text("About " + title + "."), Description: intel.Markdown("More about " + title + "."),
	}}, members...)
}

func derivedOf(d *intel.Dossier, members ...intel.Ref) *Derived {
	return &Derived{ID: d.Profile.ID, Lo: intel.Clear, Hi: intel.Red, Members: members, Fold: func() *intel.Dossier { return d }}
}

func domain(t testing.TB, s string) observable.Observable {
	t.Helper()
	o, err := observable.ParseAs(observable.Domain, s)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func query(t testing.TB, raw string, typ *odata.Type) *odata.Query {
	t.Helper()
	q, err := odata.ParseQuery(raw, typ, odata.Options{Allow: odata.AllowCollection})
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func TestRecordVersions(t *testing.T) {
	s, now := testStore(t)
	ds := func(version string) intel.Dataset {
		return intel.Dataset{Publisher: "p", Name: "set", Version: version, Snapshot: true}
	}
	a, b := actor("p", "a", "A"), actor("p", "b", "B")
	for _, step := range []struct {
		name  string
		layer Layer
		ds    intel.Dataset
		recs  []*intel.Record
		want  intel.Tally
		older bool
	}{
		{"first", FromCatalog, ds("2"), []*intel.Record{a, b}, intel.Tally{Read: 2, New: 2}, false},
		{"again", FromCatalog, ds("2"), []*intel.Record{a, b}, intel.Tally{Read: 2, Unchanged: 2}, false},
		{"the same release as a feed brings it", FromImport, ds("2"), []*intel.Record{a, {Ref: b.Ref, Kind: b.Kind, Title: b.Title, Description: "prose"}}, intel.Tally{Read: 2, Unchanged: 1, Changed: 1}, false},
		{"the catalogue does not take it back", FromCatalog, ds("2"), []*intel.Record{a, b}, intel.Tally{Read: 2, Unchanged: 2}, true},
		{"an older release", FromImport, ds("1"), []*intel.Record{actor("p", "old", "Old")}, intel.Tally{Read: 1, Unchanged: 1}, true},
		{"a newer release lacks one", FromImport, ds("3"), []*intel.Record{a}, intel.Tally{Read: 1, Unchanged: 1, Gone: 1}, false},
		{"which comes back", FromImport, ds("4"), []*intel.Record{a, b}, intel.Tally{Read: 2, Unchanged: 1, Changed: 1}, false},
	} {
		*now = now.Add(time.Hour)
		batch(t, s, step.layer, func(batch *Batch) {
			got, older := records(t, batch, step.ds, step.recs...)
			if got != step.want || older != step.older {
				t.Errorf("%s: %+v, older %v; want %+v, %v", step.name, got, older, step.want, step.older)
			}
		})
	}
	var versions int
	if err := s.read.QueryRow("SELECT COUNT(*) FROM record_version").Scan(&versions); err != nil || versions != 2 {
		t.Errorf("%d former versions are kept, %v; want 2", versions, err)
	}
}

// TestRecordsOfTwoDatasets checks that what two data sets of a publisher say of
// one key is one record, and that each keeps its own links.
func TestRecordsOfTwoDatasets(t *testing.T) {
	s, _ := testStore(t)
	link := func(key string) intel.Link {
		return intel.Link{Relation: intel.Uses, To: intel.Ref{Publisher: "p", Key: key}}
	}
	one, two := actor("p", "a", "Old title"), actor("p", "a", "New title")
	one.Links, two.Links = []intel.Link{link("x"), link("y")}, []intel.Link{link("y"), link("z")}
	one.Modified, two.Modified = 1, 2
	batch(t, s, FromImport, func(b *Batch) {
		records(t, b, intel.Dataset{Publisher: "p", Name: "one", Snapshot: true}, one)
		records(t, b, intel.Dataset{Publisher: "p", Name: "two", Snapshot: true}, two)
	})
	got, err := s.Records(t.Context(), intel.Red)
	if err != nil || len(got) != 1 {
		t.Fatalf("%d records, %v", len(got), err)
	}
	if got[0].Title != "New title" || len(got[0].Links) != 3 {
		t.Errorf("got %q with %d links; want the newer title and the links of both", got[0].Title, len(got[0].Links))
	}
}

// TestLooseDataset: loose objects of several dates are as new as the newest,
// whatever came last.
func TestLooseDataset(t *testing.T) {
	s, _ := testStore(t)
	for _, released := range []intel.Time{3000, 5000, 3000, 5000} {
		batch(t, s, FromImport, func(b *Batch) {
			records(t, b, intel.Dataset{Publisher: "p", Released: released}, actor("p", "a", "A"))
		})
	}
	sets, err := s.Datasets(t.Context(), View{})
	if err != nil || len(sets) != 1 || sets[0].Released != 5000 {
		t.Errorf("%+v, %v", sets, err)
	}
}

func TestObservationsMerge(t *testing.T) {
	o := func(first, last, modified intel.Time, revoked bool) *intel.Observation {
		return &intel.Observation{
			Publisher: "p", Observable: domain(t, "evil.example.com"), Subjects: []intel.Ref{{Publisher: "p", Key: "a"}},
			FirstSeen: intel.Date{At: first, Precision: intel.Day, Basis: intel.BasisStated}, LastSeen: last, Modified: modified, Revoked: revoked,
			Reference: fmt.Sprintf("https://r.example/%d", first),
		}
	}
	statements := []*intel.Observation{o(3000, 9000, 1, false), o(2000, 0, 3, true), o(5000, 10000, 2, false)}
	var want []Evidence
	for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}, {1, 2, 0}} {
		s, _ := testStore(t)
		for _, i := range order { // one batch each, then all at once
			batch(t, s, FromImport, func(b *Batch) {
				if err := b.Observe(t.Context(), statements[i]); err != nil {
					t.Fatal(err)
				}
			})
		}
		batch(t, s, FromImport, func(b *Batch) {
			for _, i := range order {
				if err := b.Observe(t.Context(), statements[i]); err != nil {
					t.Fatal(err)
				}
			}
			if got, err := b.Observed(t.Context()); err != nil || got != (intel.Tally{Read: 3, Unchanged: 3}) {
				t.Errorf("again: %+v, %v; want all unchanged", got, err)
			}
			if b.Changed() {
				t.Error("the same statements again change something")
			}
		})
		got, err := s.Evidence(t.Context(), statements[0].Observable.ID(), View{Ceiling: intel.Red})
		if err != nil || len(got) != 1 {
			t.Fatalf("%d rows, %v", len(got), err)
		}
		if got[0].FirstSeen.At != 2000 || got[0].LastSeen != 10000 || !got[0].Revoked || got[0].Reference != "https://r.example/2000" {
			t.Errorf("order %v: %+v", order, got[0])
		}
		if want == nil {
			want = got
		} else if got[0] != want[0] {
			t.Errorf("order %v: %+v, want %+v", order, got[0], want[0])
		}
	}
}

func TestSnapshotOfAListLosesValues(t *testing.T) {
	s, _ := testStore(t)
	subject := intel.Ref{Publisher: "list", Key: "apt_x"}
	load := func(name string, values ...string) (gone int) {
		batch(t, s, FromImport, func(b *Batch) {
			for _, v := range values {
				if err := b.Observe(t.Context(), &intel.Observation{Publisher: "list", Observable: domain(t, v), Subjects: []intel.Ref{subject}}); err != nil {
					t.Fatal(err)
				}
			}
			var complete bool
			var err error
			gone, complete, err = b.EndSnapshot(t.Context(), intel.Dataset{Publisher: "list", Name: name, Snapshot: true}, []intel.Ref{subject})
			if err != nil || !complete {
				t.Fatal(complete, err)
			}
		})
		return gone
	}
	for i, step := range []struct {
		name   string
		values []string
		gone   int
	}{
		{"apt_x", []string{"a.example.com", "b.example.com"}, 0},
		{"apt_x-1", []string{"c.example.com"}, 0}, // another file about the same actor
		{"apt_x", []string{"b.example.com"}, 1},
		{"apt_x", []string{"b.example.com"}, 0},
		{"apt_x", []string{"a.example.com", "b.example.com"}, 0},
	} {
		if gone := load(step.name, step.values...); gone != step.gone {
			t.Errorf("step %d: %d gone, want %d", i, gone, step.gone)
		}
	}
	var present int
	if err := s.read.QueryRow("SELECT COUNT(*) FROM evidence WHERE absent = 0").Scan(&present); err != nil || present != 3 {
		t.Errorf("%d present, %v; want 3", present, err)
	}
}

// TestCeilings checks that each ceiling sees what a database without the
// restricted evidence would show.
func TestCeilings(t *testing.T) {
	s, _ := testStore(t)
	p, q := intel.Ref{Publisher: "p", Key: "a"}, intel.Ref{Publisher: "p", Key: "b"}
	observe := func(b *Batch, value string, tlp intel.TLP, first intel.Time, subject intel.Ref) {
		t.Helper()
		if err := b.Observe(t.Context(), &intel.Observation{
			Publisher: fmt.Sprint("p", tlp), Observable: domain(t, value), Subjects: []intel.Ref{subject}, TLP: tlp,
			FirstSeen: intel.Date{At: first, Basis: intel.BasisStated},
		}); err != nil {
			t.Fatal(err)
		}
	}
	batch(t, s, FromImport, func(b *Batch) {
		observe(b, "both.example.com", intel.Clear, 5000, p)
		observe(b, "both.example.com", intel.Amber, 3000, q)
		observe(b, "secret.example.com", intel.Red, 1000, p)
	})
	hidden := profileOf("idb", "Hidden", q)
	hidden.Lo = intel.Amber
	if _, _, err := s.PutDerived(t.Context(), []*Derived{profileOf("ida", "Open", p), hidden}, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := s.FoldIndicators(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		ceiling    intel.TLP
		profiles   int
		indicators int64
		first      intel.Time // of both.example.com
		linked     int        // profiles of it
	}{
		{intel.Clear, 1, 1, 5000, 1},
		{intel.Green, 1, 1, 5000, 1},
		{intel.Amber, 2, 1, 3000, 2},
		{intel.Red, 2, 2, 3000, 2},
	} {
		v := View{Ceiling: tt.ceiling}
		page, err := s.Profiles(t.Context(), query(t, "", Types.Profile), v)
		if err != nil || len(page.Items) != tt.profiles {
			t.Errorf("%s: %d profiles, %v; want %d", tt.ceiling, len(page.Items), err, tt.profiles)
		}
		n, err := s.IndicatorCount(t.Context(), query(t, "", Types.Indicator), v)
		if err != nil || n != tt.indicators {
			t.Errorf("%s: %d indicators, %v; want %d", tt.ceiling, n, err, tt.indicators)
		}
		k, err := s.Lookup(t.Context(), domain(t, "both.example.com"), v)
		if err != nil || k.Indicator.FirstSeen != tt.first || len(k.Profiles) != tt.linked {
			t.Errorf("%s: %+v, %v", tt.ceiling, k, err)
		}
		_, err = s.Lookup(t.Context(), domain(t, "secret.example.com"), v)
		if (err == nil) != (tt.ceiling == intel.Red) {
			t.Errorf("%s: look-up of a red value: %v", tt.ceiling, err)
		}
		if _, err := s.Profile(t.Context(), "idb", v); (err == nil) != (tt.ceiling >= intel.Amber) {
			t.Errorf("%s: hidden profile: %v", tt.ceiling, err)
		}
	}
}

// TestDerivingAgainWritesNothing is the rule that unchanged rows are not touched.
func TestDerivingAgainWritesNothing(t *testing.T) {
	s, _ := testStore(t)
	ref := intel.Ref{Publisher: "p", Key: "a"}
	batch(t, s, FromImport, func(b *Batch) {
		if err := b.Observe(t.Context(), &intel.Observation{Publisher: "p", Observable: domain(t, "evil.example.com"), Subjects: []intel.Ref{ref}}); err != nil {
			t.Fatal(err)
		}
	})
	derive := func(profiles ...*Derived) (written, gone, folded int) {
		written, gone, err := s.PutDerived(t.Context(), profiles, map[intel.Ref]Remembered{ref: {ProfileID: "id"}})
		if err != nil {
			t.Fatal(err)
		}
		if folded, err = s.FoldIndicators(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		return written, gone, folded
	}
	if w, g, f := derive(profileOf("id", "A", ref)); w != 1 || g != 0 || f != 1 {
		t.Errorf("first: %d %d %d", w, g, f)
	}
	if stale, err := s.Stale(t.Context()); stale || err != nil {
		t.Errorf("stale after deriving: %v, %v", stale, err)
	}
	if w, g, f := derive(profileOf("id", "A", ref)); w != 0 || g != 0 || f != 0 {
		t.Errorf("again: %d %d %d", w, g, f)
	}
	// The record moves to another profile: its indicators follow.
	if w, g, f := derive(profileOf("other", "B", ref)); w != 1 || g != 1 || f != 1 {
		t.Errorf("moved: %d %d %d", w, g, f)
	}
	page, err := s.ProfileIndicators(t.Context(), "other", query(t, "", Types.Indicator), View{Ceiling: intel.Red})
	if err != nil || len(page.Items) != 1 {
		t.Errorf("the moved indicator: %v, %v", page, err)
	}
	if _, err := s.Profile(t.Context(), "id", View{Ceiling: intel.Red}); !errors.Is(err, intel.ErrNotFound) {
		t.Errorf("the former profile: %v", err)
	}
}

// TestPagesVisitEveryRowOnce follows pages of several sizes and orders while
// other rows come and go.
func TestPagesVisitEveryRowOnce(t *testing.T) {
	s, _ := testStore(t)
	var fixed []*Derived
	for i := range 57 {
		title := []string{"Alpha", "alpha", "Éclair", "éclair", "Zed", "", "a%b_c\\d"}[i%7]
		d := profileOf(fmt.Sprintf("%03d", i*7%57), fmt.Sprintf("%s%d", title, i/20))
		p := &d.Fold().Profile
		p.Kind = []intel.Kind{intel.Actor, intel.Tool}[i%2]
		p.FirstActive = intel.Time(1000 * (i % 5))
		fixed = append(fixed, d)
	}
	put := func(extra ...*Derived) {
		if _, _, err := s.PutDerived(t.Context(), append(slices.Clone(fixed), extra...), nil); err != nil {
			t.Fatal(err)
		}
	}
	put()
	v := View{Ceiling: intel.Clear}
	for _, orderBy := range []string{"", "title", "title desc", "kind desc,title", "firstActiveDateTime desc", "id desc"} {
		for _, top := range []int{1, 2, 10, 56, 57, 58, 1000} {
			raw := fmt.Sprintf("$top=%d&$count=true", top)
			if orderBy != "" {
				raw += "&$orderby=" + strings.ReplaceAll(orderBy, " ", "%20")
			}
			q := query(t, raw, Types.Profile)
			seen := map[string]int{}
			for n := 0; ; n++ {
				page, err := s.Profiles(t.Context(), q, v)
				if err != nil {
					t.Fatal(err)
				}
				for _, p := range page.Items {
					if !strings.HasPrefix(p.ID, "x") {
						seen[p.ID]++
					}
				}
				if page.Next == "" {
					break
				}
				if n%3 == 0 && top < 20 {
					put(profileOf(fmt.Sprintf("x%d", n), "Alpha0"), profileOf(fmt.Sprintf("x0%d", n), "Zed9"))
				}
				q.SkipToken = page.Next
			}
			for _, d := range fixed {
				if n := seen[d.ID]; n != 1 {
					t.Fatalf("$orderby=%s $top=%d: profile %s was seen %d times", orderBy, top, d.ID, n)
				}
			}
		}
	}
}

func TestTokensAreChecked(t *testing.T) {
	s, _ := testStore(t)
	if _, _, err := s.PutDerived(t.Context(), []*Derived{profileOf("1", "A"), profileOf("2", "B")}, nil); err != nil {
		t.Fatal(err)
	}
	v := View{Ceiling: intel.Clear}
	page, err := s.Profiles(t.Context(), query(t, "$orderby=title&$top=1", Types.Profile), v)
	if err != nil {
		t.Fatal(err)
	}
	for _, raw := range []string{
		"$skiptoken=%25", "$skiptoken=AAAA", "$skiptoken=eyJxIjoiIn0", "$skiptoken=" + page.Next, // of another order
		"$orderby=title%20desc&$skiptoken=" + page.Next,
	} {
		var bad *odata.Error
		if _, err := s.Profiles(t.Context(), query(t, raw, Types.Profile), v); !errors.As(err, &bad) {
			t.Errorf("%s: %v, want an *odata.Error", raw, err)
		}
	}
	if _, err := s.Profiles(t.Context(), query(t, "$orderby=title&$top=500&$skiptoken="+page.Next, Types.Profile), v); err != nil {
		t.Errorf("with another $top: %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	newer := filepath.Join(dir, "newer.db")
	s, _, err := Open(t.Context(), newer, Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.write.Exec("PRAGMA user_version = 99"); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ path, want string }{
		{"", "no path given"},
		{dir, "is a folder"},
		{filepath.Join(dir, "none", "x.db"), "folder does not exist"},
		{write("text.db", "this is a text, and no database at all", 0o600), "not a Dossier database"},
		{write("cut.db", "SQLite format 3\x00 and then nothing", 0o600), "not a database"},
		{newer, "newer Dossier"},
		{"postgres://u:hidden@127.0.0.1:1/db?sslmode=disable", "cannot be reached"},
		{"postgres://u:hidden@host:port/db", "cannot be read"},
	} {
		_, _, err := Open(t.Context(), tt.path, Options{Create: true})
		var open *OpenError
		if err != nil && strings.Contains(err.Error(), "hidden") {
			t.Errorf("the password is told: %v", err)
		}
		if !errors.As(err, &open) || !strings.Contains(open.Msg, tt.want) && !strings.Contains(err.Error(), tt.want) || open.Hint == "" {
			t.Errorf("Open(%q): %v; want %q and a hint", tt.path, err, tt.want)
		}
	}
	if _, _, err := Open(t.Context(), filepath.Join(dir, "missing.db"), Options{}); !errors.Is(err, intel.ErrNotFound) {
		t.Errorf("a missing file without Create: %v", err)
	}
}

// TestTwoProcesses opens the file twice, as a server and a command do.
func TestTwoProcesses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	one, _, err := Open(t.Context(), path, Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	defer one.Close()
	two, isNew, err := Open(t.Context(), path, Options{})
	if err != nil || isNew {
		t.Fatal(isNew, err)
	}
	defer two.Close()
	before, err := two.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := one.PutDerived(t.Context(), []*Derived{profileOf("1", "A")}, nil); err != nil {
		t.Fatal(err)
	}
	after, err := two.Head(t.Context())
	if err != nil || after <= before {
		t.Errorf("head went from %d to %d, %v", before, after, err)
	}
	if _, err := two.Profile(t.Context(), "1", View{}); err != nil {
		t.Error(err)
	}
}

func TestSearchFindsByNameFirst(t *testing.T) {
	s, _ := testStore(t)
	a, b, c := profileOf("1", "Fancy Bear"), profileOf("2", "APT28"), profileOf("3", "Other")
	b.Fold().Names = []intel.NameClaim{{Name: intel.Name{Value: "FANCY-BEAR"}, Alias: true}}
	c.Fold().Profile.Description = intel.Markdown("Not the fancy bear. 100% sure_")
	if _, _, err := s.PutDerived(context.Background(), []*Derived{c, b, a}, nil); err != nil {
		t.Fatal(err)
	}
	hits, more, err := s.Search(t.Context(), "fancy bear", "", 10, View{})
	if err != nil || more {
		t.Fatal(more, err)
	}
	var got []string
	for _, h := range hits {
		got = append(got, h.ID+" "+h.Match)
	}
	if want := []string{"1 title", "2 alias", "3 text"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for text, want := range map[string]int{"100%": 1, "100_": 0, "sure_": 1, "SURE": 1, "%": 1, "": 0, "no such": 0} {
		hits, _, err := s.Search(t.Context(), text, "", 10, View{})
		if err != nil || len(hits) != want {
			t.Errorf("Search(%q): %d hits, %v; want %d", text, len(hits), err, want)
		}
	}
}

// TestPosition: the position changes with what is served, whoever writes, and
// with nothing else.
func TestPosition(t *testing.T) {
	path := testdb.Path(t)
	var stores []*Store
	for range 2 { // as two processes would
		s, _, err := Open(t.Context(), path, Options{Create: true})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		stores = append(stores, s)
	}
	positions := func() (out [2]int64) {
		t.Helper()
		time.Sleep(positionAge)
		if testdb.Postgres() {
			time.Sleep(postgresPositionAge)
		}
		for i, s := range stores {
			p, err := s.Position(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			out[i] = p
		}
		return out
	}
	before := positions()
	for i, s := range stores {
		if err := s.inTx(t.Context(), func(tx *sql.Tx) error { _, err := nextPosition(t.Context(), tx, 0, 1); return err }); err != nil {
			t.Fatal(err)
		}
		after := positions()
		if want := before[0] + 1; after != [2]int64{want, want} {
			t.Errorf("after a change by %d: %v, want twice %d", i, after, want)
		}
		if own, err := s.Position(t.Context()); err != nil || own != after[0] {
			t.Errorf("one's own change: %d, %v", own, err)
		}
		before = after
	}
	if err := stores[0].AddClient(t.Context(), &Client{ID: NewGUID(), Name: "x"}); err != nil {
		t.Fatal(err)
	}
	if after := positions(); after != before {
		t.Errorf("a client is nothing that is served: %v, want %v", after, before)
	}
}

func BenchmarkPosition(b *testing.B) {
	s, _ := testStore(b)
	for b.Loop() {
		if _, err := s.Position(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
