package store

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"dossier/internal/intel"
	"dossier/internal/observable"
)

// randomEvidence returns rows with few keys, so that many are to be merged.
func randomEvidence(r *rand.Rand, n int) []evidence {
	out := make([]evidence, n)
	for i := range out {
		o := observable.Observable{Kind: observable.Domain, Value: fmt.Sprintf("h%d.contoso.com", r.IntN(n/2+1))}
		out[i] = evidence{
			evidenceKey: evidenceKey{indicator: o.ID(), publisher: fmt.Sprint("p", r.IntN(3)), subject: intel.Ref{Key: fmt.Sprint("s", r.IntN(2))}},
			observable:  o, first: intel.Date{At: intel.Time(r.Int64N(1e12) - 1e6), Precision: intel.Exact, Basis: intel.BasisStated},
			last: intel.Time(r.Int64N(1e12)), validUntil: intel.Time(r.IntN(3)), confidence: r.IntN(100), tlp: intel.TLP(r.IntN(5)),
			source: intel.SourceOSINT, reference: fmt.Sprint("https://x.contoso.com/", r.IntN(9)), context: fmt.Sprint("c\x1f", r.IntN(4)),
			revoked: r.IntN(2) == 0, modified: intel.Time(r.IntN(5)),
		}
	}
	return out
}

func drain(t *testing.T, s *sorter) (out []evidence) {
	t.Helper()
	if err := s.each(func(e *evidence) error { out = append(out, *e); return nil }); err != nil {
		t.Fatal(err)
	}
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestSorter: rows that went through a file come out as those that did not, in
// order, each key once, whatever order they came in; and no file is left.
func TestSorter(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	dir := t.TempDir()
	for _, n := range []int{1, 2, 7, 8, 100, 1000} {
		rows := randomEvidence(r, n)
		var want []evidence
		for _, limit := range []int{n + 1, 1, 3, 7, 64} {
			s := &sorter{dir: dir, limit: limit}
			r.Shuffle(n, func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
			for _, e := range rows {
				if err := s.add(e); err != nil {
					t.Fatal(err)
				}
			}
			got := drain(t, s)
			if want == nil {
				want = got
			}
			if !slices.Equal(got, want) {
				t.Errorf("%d rows in runs of %d: %d rows, want %d", n, limit, len(got), len(want))
			}
			if !slices.IsSortedFunc(got, func(a, b evidence) int { return compareKeys(&a.evidenceKey, &b.evidenceKey) }) {
				t.Errorf("%d rows in runs of %d are not in order", n, limit)
			}
			if !s.empty() {
				t.Error("the sorter is not empty")
			}
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("files are left: %v, %v", left, err)
	}
}

// TestFoldInBulk: with the indexes made anew, the same is served as without.
func TestFoldInBulk(t *testing.T) {
	var want, indexes string
	for _, bulk := range []int{1 << 30, 1} {
		s, _ := testStore(t)
		s.bulkFold = bulk
		for round := range 3 {
			batch(t, s, FromImport, func(b *Batch) {
				b.sorter.limit = 16
				for i := range 100 << round {
					o := intel.Observation{Publisher: "p", Observable: observable.Observable{Kind: observable.Domain, Value: fmt.Sprintf("h%d.contoso.com", i)}, Confidence: int8(round + 1)}
					if err := b.Observe(t.Context(), &o); err != nil {
						t.Fatal(err)
					}
				}
				tally, err := b.Observed(t.Context())
				if err != nil || tally.Read != 100<<round || tally.New != max(100, 50<<round) || tally.New+tally.Changed+tally.Unchanged != tally.Read {
					t.Errorf("round %d: %+v, %v", round, tally, err)
				}
			})
			if n, err := s.FoldIndicators(t.Context(), nil); err != nil || n != 100<<round {
				t.Fatalf("%d folded, %v", n, err)
			}
		}
		got := table(t, s, "SELECT id, tlp_lo, tlp_hi, kind, value, confidence, hash, position FROM indicator ORDER BY id")
		if want == "" {
			want = got
		}
		if got != want {
			t.Errorf("bulk %d: %.300s, want %.300s", bulk, got, want)
		}
		if left := table(t, s, "SELECT COUNT(*) FROM pending"); left != "0\n" {
			t.Errorf("%s are pending", left)
		}
		if s.postgres {
			continue
		}
		have := table(t, s, "SELECT sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL ORDER BY name")
		if indexes == "" {
			indexes = have
		}
		if have != indexes {
			t.Errorf("indexes are %s, want %s", have, indexes)
		}
	}
}

// table returns the rows of a query as lines.
func table(t *testing.T, s *Store, query string) string {
	t.Helper()
	rows, err := s.write.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var out string
	for rows.Next() {
		row := make([]any, len(columns))
		to := make([]any, len(columns))
		for i := range row {
			to[i] = &row[i]
		}
		if err := rows.Scan(to...); err != nil {
			t.Fatal(err)
		}
		for i, v := range row {
			if i > 0 {
				out += "|"
			}
			out += fmt.Sprint(v)
		}
		out += "\n"
	}
	return out
}

// BenchmarkSorter sorts a million rows of evidence through a file.
func BenchmarkSorter(b *testing.B) {
	rows := randomEvidence(rand.New(rand.NewPCG(1, 2)), 1_000_000)
	for b.Loop() {
		s := &sorter{dir: b.TempDir()}
		for _, e := range rows {
			if err := s.add(e); err != nil {
				b.Fatal(err)
			}
		}
		if err := s.each(func(*evidence) error { return nil }); err != nil {
			b.Fatal(err)
		}
		if err := s.close(); err != nil {
			b.Fatal(err)
		}
	}
}
