package store

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"dossier/internal/intel"
	"dossier/internal/testdb"
)

// firstSchema opens a copy of a database that a program with the first schema
// wrote: random profiles and evidence of every marking.
func firstSchema(t *testing.T) *Store {
	t.Helper()
	packed, err := os.ReadFile("testdata/first.db.zst")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := decompress(packed)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "first.db")
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	s, isNew, err := Open(t.Context(), path, Options{})
	if err != nil || isNew {
		t.Fatal(isNew, err)
	}
	s.Now = func() time.Time { return randomNow }
	t.Cleanup(func() { s.Close() })
	return s
}

// dump returns the rows of a table, sorted, without the columns named.
func dump(t *testing.T, s *Store, table string, without ...string) []string {
	t.Helper()
	rows, err := s.write.Query("SELECT * FROM " + table)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for rows.Next() {
		values := make([]any, len(columns))
		dest := make([]any, len(columns))
		for i := range values {
			dest[i] = &values[i]
		}
		if err := rows.Scan(dest...); err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		for i, v := range values {
			if !slices.Contains(without, columns[i]) {
				fmt.Fprintf(&b, "%s=%q ", columns[i], fmt.Sprint(v))
			}
		}
		out = append(out, b.String())
	}
	slices.Sort(out)
	return out
}

// derivedIn reads back what profiles were derived.
func derivedIn(t *testing.T, s *Store) (list []*Derived) {
	t.Helper()
	rows, err := s.write.Query("SELECT id, tlp_lo, tlp_hi, dossier FROM profile ORDER BY id, tlp_lo")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		d := new(Derived)
		var packed []byte
		if err := rows.Scan(&d.ID, &d.Lo, &d.Hi, &packed); err != nil {
			t.Fatal(err)
		}
		raw, err := decompress(packed)
		if err != nil {
			t.Fatal(err)
		}
		dossier := new(intel.Dossier)
		if err := json.Unmarshal(raw, dossier); err != nil {
			t.Fatal(err)
		}
		d.Fold = func() *intel.Dossier { return dossier }
		list = append(list, d)
	}
	for _, d := range list {
		members, err := s.write.Query("SELECT publisher, key FROM member WHERE profile_id = ? AND tlp_lo = ? ORDER BY publisher, key", d.ID, int(d.Lo))
		if err != nil {
			t.Fatal(err)
		}
		for members.Next() {
			var ref intel.Ref
			if err := members.Scan(&ref.Publisher, &ref.Key); err != nil {
				t.Fatal(err)
			}
			d.Members = append(d.Members, ref)
		}
		members.Close()
	}
	return list
}

// TestUpgrade checks that a database of the first schema holds after the upgrade what one
// holds that was filled with the same claims, that it answers as odata.Eval does, and that
// nothing counts as a change.
func TestUpgrade(t *testing.T) {
	if testdb.Postgres() {
		t.Skip("databases of the first schema are files of SQLite")
	}
	s := firstSchema(t)
	fresh, _ := testStore(t)
	fresh.Now = s.Now
	list := derivedIn(t, s)
	if _, _, err := fresh.PutDerived(t.Context(), list, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := fresh.write.Exec("ATTACH DATABASE ? AS former", s.path); err != nil {
		t.Fatal(err)
	}
	for _, stmt := range []string{
		"INSERT INTO evidence SELECT * FROM former.evidence",
		"INSERT INTO pending SELECT DISTINCT indicator_id FROM evidence",
		"DETACH DATABASE former",
	} {
		if _, err := fresh.write.Exec(stmt); err != nil {
			t.Fatalf("%s: %v", stmt, err)
		}
	}
	if _, err := fresh.FoldIndicators(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"profile", "profile_value", "profile_origin", "profile_text", "profile_name", "indicator", "profile_indicator", "indicator_profile", "text_gram"} {
		got, want := dump(t, s, table, "position", "born"), dump(t, fresh, table, "position", "born")
		if len(want) == 0 || !slices.Equal(got, want) {
			t.Errorf("%s: %d rows, want these %d", table, len(got), len(want))
			for i := range min(len(got), len(want)) {
				if got[i] != want[i] {
					t.Errorf("%.600s\nwant %.600s", got[i], want[i])
					break
				}
			}
		}
	}

	d := &shared{s: s}
	for _, v := range testViews {
		d.worlds = append(d.worlds, readWorld(t, s, v))
	}
	for seed := range uint64(500) {
		if agree(t, d, seed); t.Failed() {
			return
		}
	}

	before := dump(t, s, "change")
	written, gone, err := s.PutDerived(t.Context(), list, nil)
	if err != nil || written+gone > 0 {
		t.Errorf("deriving again wrote %d profiles and dropped %d, %v", written, gone, err)
	}
	if _, err := s.write.Exec("INSERT INTO pending SELECT DISTINCT indicator_id FROM evidence"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.FoldIndicators(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if after := dump(t, s, "change"); !slices.Equal(before, after) {
		t.Errorf("the upgrade made %d changes of %d", len(after), len(before))
	}
	for _, table := range []string{"profile", "indicator"} {
		for _, r := range dump(t, s, table) {
			if !strings.Contains(r, `position="1" `) && !strings.Contains(r, `position="2" `) {
				t.Fatalf("%s has another position: %.300s", table, r)
			}
		}
	}
}
