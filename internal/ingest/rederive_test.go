package ingest

import (
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"dossier/internal/intel"
	"dossier/internal/observable"
	"dossier/internal/store"
)

// derivedTables are what is derived, without the numbers that only tell rows apart
// or when they were written.
var derivedTables = []string{
	"SELECT id, tlp_lo, tlp_hi, kind, title, title_fold, first_active, first_basis, alias_count, target_count, origin_count, summary_format, description_format, tradecraft_format, hash, etag, body, dossier FROM profile",
	"SELECT * FROM profile_key", "SELECT * FROM profile_name", "SELECT * FROM profile_text", "SELECT * FROM profile_value", "SELECT * FROM profile_origin",
	"SELECT * FROM member", "SELECT * FROM ledger",
	"SELECT id, tlp_lo, tlp_hi, value, first_seen, last_seen, active_until, confidence FROM indicator",
	"SELECT indicator_id, profile_id, tlp_lo, tlp_hi FROM indicator_profile", "SELECT profile_id, indicator_id, tlp_lo, tlp_hi FROM profile_indicator",
}

// basisTables are what is derived for the next time.
var basisTables = []string{
	"SELECT publisher, key, profile_id, keys FROM derived_record", "SELECT id, kind, title, input, techniques, ranked, reads FROM derived_profile",
	"SELECT * FROM touched", "SELECT value FROM meta WHERE key = 'derived.basis'",
}

// dump returns the rows of queries, sorted; by = the query without its columns.
func dump(t testing.TB, db *sql.DB, queries []string) []string {
	t.Helper()
	var out []string
	for _, q := range queries {
		rows, err := db.QueryContext(t.Context(), q)
		if err != nil {
			t.Fatal(q, err)
		}
		columns, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		table := q[strings.Index(q, "FROM "):]
		for rows.Next() {
			row, at := make([]any, len(columns)), make([]any, len(columns))
			for i := range row {
				at[i] = &row[i]
			}
			if err := rows.Scan(at...); err != nil {
				t.Fatal(err)
			}
			out = append(out, fmt.Sprint(table, " ", row))
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(out)
	return out
}

// postings returns the index by what it says: which record or profile has which key.
func postings(t testing.TB, db *sql.DB) []string {
	t.Helper()
	names := map[string]string{}
	for _, row := range dump(t, db, []string{"SELECT num, publisher, key FROM derived_record", "SELECT num, id FROM derived_profile"}) {
		table, rest, _ := strings.Cut(row, " [")
		num, name, _ := strings.Cut(rest, " ")
		names[table+num] = name
	}
	rows, err := db.QueryContext(t.Context(), "SELECT part, body FROM derived_index")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var part int
		var body []byte
		if err := rows.Scan(&part, &body); err != nil {
			t.Fatal(err)
		}
		for ; len(body) > 0; body = body[12:] {
			num := uint32(body[8])<<24 | uint32(body[9])<<16 | uint32(body[10])<<8 | uint32(body[11])
			name, ok := names[fmt.Sprint([]string{"FROM derived_record", "FROM derived_profile"}[part], num)]
			if !ok {
				t.Errorf("the index knows %d, which is nobody", num)
			}
			out = append(out, fmt.Sprintf("%d %x %s", part, body[:8], name))
		}
	}
	slices.Sort(out)
	return out
}

// checkFromNothing holds that a store is as if all were derived from nothing: in a
// copy of it, all that is derived is taken away and derived again.
func checkFromNothing(t testing.TB, s *store.Store, hidden bool, what string) {
	t.Helper()
	if strings.Contains(s.Path(), "://") { // no file to copy: everything is derived again in place
		before := answers(t, s, intel.Red)
		if e, err := Derive(t.Context(), s, nil); err != nil || e != (Effect{}) || answers(t, s, intel.Red) != before {
			t.Fatalf("%s: everything derived again changes %+v: %v", what, e, err)
		}
		return
	}
	file := filepath.Join(t.TempDir(), "copy.db")
	db, err := sql.Open("sqlite", s.Path())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), "VACUUM INTO ?", file); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if db, err = sql.Open("sqlite", file); err != nil {
		t.Fatal(err)
	}
	got, basis, index := dump(t, db, derivedTables), dump(t, db, basisTables), postings(t, db)
	for _, table := range strings.Fields("profile profile_key profile_name profile_text profile_value profile_origin text_gram member indicator indicator_profile profile_indicator derived_record derived_profile derived_index") {
		if _, err := db.ExecContext(t.Context(), "DELETE FROM "+table); err != nil {
			t.Fatal(err)
		}
	}
	for _, query := range []string{"INSERT INTO pending (indicator_id) SELECT DISTINCT indicator_id FROM evidence WHERE true ON CONFLICT (indicator_id) DO NOTHING", "UPDATE meta SET value = '' WHERE key = 'derived.basis'"} {
		if _, err := db.ExecContext(t.Context(), query); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	fresh, _, err := store.Open(t.Context(), file, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	fresh.Now = s.Now
	if _, err := Derive(t.Context(), fresh, nil); err != nil {
		t.Fatal(err)
	}
	for _, ceiling := range []intel.TLP{intel.Clear, intel.Red} {
		if a, b := answers(t, fresh, ceiling), answers(t, s, ceiling); a != b {
			t.Fatalf("%s: the answers are not those of a database derived from nothing: %s", what, firstDifference(a, b))
		}
	}
	if err := fresh.Close(); err != nil {
		t.Fatal(err)
	}
	if db, err = sql.Open("sqlite", file); err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	difference(t, what+": rows", dump(t, db, derivedTables), got)
	if hidden || len(basis) == 0 || slices.Contains(basis, basisTables[3][len("SELECT value "):]+" []") {
		return // what is hidden is not folded; nothing was derived yet, or at several levels
	}
	difference(t, what+": the basis", dump(t, db, basisTables), basis)
	difference(t, what+": the index", postings(t, db), index)
}

// difference reports lines that only one of two sorted lists has.
func difference(t testing.TB, what string, want, got []string) {
	t.Helper()
	shown := 0
	for _, x := range []struct {
		sign string
		a, b []string
	}{{"-", want, got}, {"+", got, want}} {
		for _, line := range x.a {
			if _, ok := slices.BinarySearch(x.b, line); !ok && shown < 8 {
				shown++
				t.Errorf("%s: %s %.700s", what, x.sign, line)
			}
		}
	}
	if shown > 0 {
		t.FailNow()
	}
}

// A history writes random claims into a store.
type history struct {
	t         *testing.T
	r         *rand.Rand
	im        *Importer
	e         Editor
	at        time.Time
	names     []string
	sets      map[string][]*intel.Record // by publisher: what its list holds now
	decisions []string
	hidden    bool // some profile is
	parts     int  // how often a part sufficed
	wholes    int
}

var listed = []string{intel.MitreAttack, intel.MicrosoftNaming, intel.MISPThreatActor, "acme", "zeta"}

// record makes a record that has much to do with others.
func (h *history) record(publisher string) *intel.Record {
	r := h.r
	pick := func(list []string) string { return list[r.IntN(len(list))] }
	rec := &intel.Record{Kind: []intel.Kind{intel.Actor, intel.Actor, intel.Actor, intel.Tool, intel.Tool, intel.Technique, intel.Campaign}[r.IntN(7)]}
	rec.Ref = intel.Ref{Publisher: publisher, Key: h.key()}
	rec.Title, rec.Modified = pick(h.names), intel.TimeOf(h.at)
	for range r.IntN(3) {
		rec.Names = append(rec.Names, intel.Name{Value: pick(h.names), Relation: []intel.Relation{"", "", intel.Overlaps, intel.Formerly}[r.IntN(4)]})
	}
	switch n := r.IntN(12); {
	case rec.Kind == intel.Technique:
		rec.IDs = append(rec.IDs, intel.ExternalID{Issuer: intel.MitreAttack, ID: fmt.Sprintf("T%04d", 1000+n)})
		rec.Tactics = []string{"persistence"}
	case r.IntN(2) == 0:
		rec.IDs = append(rec.IDs, intel.ExternalID{Issuer: intel.MitreAttack, ID: fmt.Sprintf("G%04d", n)})
	}
	for range r.IntN(4) {
		l := intel.Link{Relation: []intel.Relation{intel.Uses, intel.Uses, intel.Same, intel.PartOf, intel.AttributedTo, intel.Similar, intel.RevokedBy}[r.IntN(7)]}
		switch r.IntN(4) {
		case 0:
			l.To = intel.Ref{Publisher: pick(listed), Key: h.key()}
		case 1:
			key := h.key()
			l.To.Key = key[max(0, len(key)-36):]
		case 2:
			l.Kind, l.ID = intel.Technique, intel.ExternalID{Issuer: intel.MitreAttack, ID: fmt.Sprintf("T%04d", 1000+r.IntN(12))}
		default:
			l.Name, l.Kind = pick(h.names), []intel.Kind{intel.Tool, intel.Actor, intel.Campaign}[r.IntN(3)]
		}
		rec.Links = append(rec.Links, l)
	}
	for range r.IntN(3) {
		rec.References = append(rec.References, intel.Reference{URL: fmt.Sprintf("https://example.org/report/%d", r.IntN(12))})
	}
	if r.IntN(3) == 0 {
		rec.Origins = []intel.Origin{{Country: pick([]string{"CN", "Russia", "Iran"})}}
	}
	rec.Revoked, rec.Mention = r.IntN(12) == 0, r.IntN(8) == 0 && publisher != intel.MitreAttack
	rec.Description = fmt.Sprintf("What %s is, said for the %dth time.", rec.Title, r.IntN(100))
	return rec
}

func (h *history) key() string {
	n := h.r.IntN(30)
	if n%3 == 0 {
		return fmt.Sprintf("k%02d", n)
	}
	return fmt.Sprintf("set--%08d-1111-4111-8111-111111111111", n)
}

// write brings the changes of f, and derives.
func (h *history) write(f func(b *store.Batch) error) {
	h.t.Helper()
	ctx := h.t.Context()
	b, err := h.im.Store.Begin(ctx, store.FromImport)
	if err != nil {
		h.t.Fatal(err)
	}
	defer b.Rollback()
	if err := f(b); err != nil {
		h.t.Fatal(err)
	}
	if err := b.Commit(ctx); err != nil {
		h.t.Fatal(err)
	}
	h.derive()
}

func (h *history) derive() {
	h.t.Helper()
	ctx := h.t.Context()
	switch _, err := derivePart(ctx, h.im.Store); {
	case err == nil:
		h.parts++
	case errors.Is(err, store.ErrWhole):
		h.wholes++
	default:
		h.t.Fatal(err)
	}
	if _, err := rederive(ctx, h.im.Store, nil); err != nil {
		h.t.Fatal(err)
	}
}

// step does one thing at random, and says what.
func (h *history) step() string {
	r, ctx := h.r, h.t.Context()
	h.at = h.at.Add(time.Hour)
	publisher := listed[r.IntN(len(listed))]
	ref := intel.Ref{Publisher: publisher, Key: h.key()}
	if list := h.sets[publisher]; len(list) > 0 && r.IntN(5) > 0 {
		ref = list[r.IntN(len(list))].Ref
	}
	side := ref.String()
	other := listed[r.IntN(len(listed))]
	if list := h.sets[other]; len(list) > 0 {
		other = list[r.IntN(len(list))].Ref.String()
	}
	switch n := r.IntN(20); {
	case n < 10: // a list changes by a few entries
		list := slices.Clone(h.sets[publisher])
		for range 1 + r.IntN(2) {
			rec := h.record(publisher)
			list = slices.DeleteFunc(list, func(o *intel.Record) bool { return o.Key == rec.Key })
			if r.IntN(4) > 0 {
				list = append(list, rec)
			}
		}
		h.sets[publisher] = list
		ds := intel.Dataset{Publisher: publisher, Snapshot: true, Version: fmt.Sprint(h.at.Unix())}
		if r.IntN(3) == 0 {
			ds.Released = intel.TimeOf(h.at)
		}
		h.write(func(b *store.Batch) error {
			_, _, err := b.Records(ctx, ds, slices.Clone(list))
			return err
		})
		return "a list: " + publisher
	case n < 12: // loose records
		rec := h.record("loose")
		h.write(func(b *store.Batch) error {
			_, _, err := b.Records(ctx, intel.Dataset{Publisher: "loose"}, []*intel.Record{rec})
			return err
		})
		return "a record: " + rec.Ref.String()
	case n < 14: // evidence
		o, err := observable.Parse(fmt.Sprintf("host%d.example.com", r.IntN(20)))
		if err != nil {
			h.t.Fatal(err)
		}
		h.write(func(b *store.Batch) error {
			if err := b.Observe(ctx, &intel.Observation{
				Publisher: publisher, Observable: o, Subjects: []intel.Ref{ref}, Revoked: r.IntN(3) == 0, Modified: intel.TimeOf(h.at),
				FirstSeen: intel.Date{At: intel.TimeOf(h.at), Precision: intel.Exact, Basis: intel.BasisStated},
			}); err != nil {
				return err
			}
			_, err := b.Observed(ctx)
			return err
		})
		return "evidence under " + side
	case n < 17: // a decision
		p := Proposal{Verdict: []intel.Verdict{intel.Merge, intel.Merge, intel.KeepApart, intel.NameMeans}[r.IntN(4)], A: side, B: other, Reason: "so"}
		if p.Verdict == intel.NameMeans {
			p.B, p.Name = "", h.names[r.IntN(len(h.names))]
			p.A = p.Name
			p.A = side
		}
		d, isNew, err := h.e.Decide(ctx, eve, p)
		if err != nil || !isNew {
			return "no decision"
		}
		h.decisions = append(h.decisions, d.ID)
		return fmt.Sprintf("decision %+v", p)
	case n < 18 && len(h.decisions) > 0:
		i := r.IntN(len(h.decisions))
		id := h.decisions[i]
		h.decisions = slices.Delete(h.decisions, i, i+1)
		if _, err := h.e.Undo(ctx, eve, id); err != nil {
			h.t.Fatal(err)
		}
		return "undone: " + id
	case n < 19: // what people say of a profile
		id, err := h.im.Store.MemberOf(ctx, ref, eve.View)
		if err != nil {
			return "nothing said"
		}
		if r.IntN(4) == 0 {
			err = h.e.HideProfile(ctx, eve, id, nil)
			h.hidden = true
		} else {
			err = h.e.ChangeProfile(ctx, eve, id, nil, []Statement{{Field: "title", Action: intel.Set, Value: []byte(fmt.Sprintf("%q", h.names[r.IntN(len(h.names))]))}})
		}
		if err != nil {
			h.t.Fatal(err)
		}
		return "said of " + id
	case r.IntN(3) == 0:
		if _, err := h.e.RemovePublisher(ctx, publisher); err == nil {
			h.sets[publisher] = nil
		}
		return "removed " + publisher
	default:
		rank := 1 + r.IntN(90)
		if _, err := h.e.SetPublisher(ctx, publisher, intel.PublisherSetting{Rank: &rank}); err != nil {
			h.t.Fatal(err)
		}
		return "precedence of " + publisher
	}
}

func newHistory(t *testing.T, seed uint64) *history {
	h := &history{t: t, r: rand.New(rand.NewPCG(seed, 5)), im: newImporter(t), at: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), sets: map[string][]*intel.Record{}}
	h.im.Store.Now = func() time.Time { return h.at }
	h.e = Editor{Store: h.im.Store}
	for i := range 40 {
		h.names = append(h.names, fmt.Sprintf("%s %s", []string{"Quiet", "Loud", "Grey", "Still", "Salt"}[i%5], []string{"Heron", "Gull", "Wader", "Plover", "Tern", "Stork", "Crane", "Swan"}[i/5]))
	}
	return h
}

var changeHistories = flag.Int("change-histories", 3, "how many random histories TestPartIsWhole writes; above ten, it looks at every step")

// TestPartIsWhole writes random histories, and holds after each change that what
// was derived of it alone is what is derived of everything, byte for byte.
func TestPartIsWhole(t *testing.T) {
	parts, wholes := 0, 0
	for seed := range uint64(*changeHistories) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			h := newHistory(t, seed)
			for n := range 40 {
				what := h.step()
				if n%4 == 3 || *changeHistories > 10 {
					checkFromNothing(t, h.im.Store, h.hidden, fmt.Sprintf("step %d, %s", n, what))
				}
			}
			parts, wholes = parts+h.parts, wholes+h.wholes
		})
	}
	if t.Logf("%d parts, %d times everything", parts, wholes); parts < 3*wholes {
		t.Errorf("a part sufficed %d times, everything was derived %d times", parts, wholes)
	}
}

// TestPartOfCatalogue changes entries of the catalogue that have much to do with
// others, and takes decisions about them; in the end all is as if it was derived
// from nothing.
func TestPartOfCatalogue(t *testing.T) {
	im := newImporter(t)
	if _, err := im.Seed(t.Context()); err != nil {
		t.Fatal(err)
	}
	records, err := im.Store.Records(t.Context(), intel.Clear)
	if err != nil {
		t.Fatal(err)
	}
	h := &history{t: t, im: im, e: Editor{Store: im.Store}}
	change := func(what, publisher, title string, f func(r *intel.Record)) {
		t.Helper()
		i := slices.IndexFunc(records, func(r *intel.Record) bool { return r.Publisher == publisher && r.Title == title })
		if i < 0 {
			t.Fatalf("%s has no %s", publisher, title)
		}
		r := *records[i]
		f(&r)
		r.Modified = max(r.Modified, intel.TimeOf(im.Store.Now())-1000) + 1
		parts := h.parts
		at := time.Now()
		h.write(func(b *store.Batch) error {
			_, _, err := b.Records(t.Context(), intel.Dataset{Publisher: publisher}, []*intel.Record{&r})
			return err
		})
		t.Logf("%s: %v, a part: %v", what, time.Since(at), h.parts > parts)
	}
	change("a new entry", intel.MitreAttack, "APT29", func(r *intel.Record) {
		r.Ref, r.Title, r.Names, r.IDs = intel.Ref{Publisher: "acme", Key: "1"}, "Salt Heron", []intel.Name{{Value: "Salt Gull"}}, nil
	})
	change("a description", intel.MitreAttack, "APT28", func(r *intel.Record) { r.Description += " And more." })
	change("a technique less", intel.MitreAttack, "APT28", func(r *intel.Record) {
		i := slices.IndexFunc(r.Links, func(l intel.Link) bool { return l.Relation == intel.Uses })
		r.Links = slices.Delete(slices.Clone(r.Links), i, i+1)
	})
	change("a title", intel.MitreAttack, "Sandworm Team", func(r *intel.Record) { r.Title = "Sandworm" })
	change("a tool's title", intel.MitreAttack, "Mimikatz", func(r *intel.Record) { r.Title = "Mimikatz 2" })
	change("a name less", intel.MicrosoftNaming, "Forest Blizzard", func(r *intel.Record) { r.Names = nil })
	for _, pair := range [][2]string{{"Salt Heron", "Elderwood"}, {"APT28", "APT29"}} {
		at := time.Now()
		d := decide(t, h.e, eve, Proposal{Verdict: intel.Merge, A: pair[0], B: pair[1]})
		t.Logf("%v joined: %v", pair, time.Since(at))
		checkFromNothing(t, im.Store, false, fmt.Sprint(pair, " joined"))
		at = time.Now()
		if _, err := h.e.Undo(t.Context(), eve, d.ID); err != nil {
			t.Fatal(err)
		}
		t.Logf("%v undone: %v", pair, time.Since(at))
	}
	checkFromNothing(t, im.Store, false, "at the end")
}
