package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"

	"dossier/internal/intel"
)

// assertions gathers what versions of records call things, for one write at the
// end of a data set.
type assertions struct {
	rows  *bulk
	of    []intel.Ref // up to one more than may be touched
	timed bool        // some are dated by the import, having no date of their own
}

func (b *Batch) assertions(ctx context.Context) *assertions {
	return &assertions{rows: newBulk(ctx, b.tx, "INSERT INTO assertion (publisher, key, name, tlp, coined_by, relation, first, first_basis, last, last_basis) VALUES", 10,
		`ON CONFLICT (publisher, key, name, tlp) DO UPDATE SET
			coined_by = CASE WHEN excluded.last >= assertion.last THEN excluded.coined_by ELSE assertion.coined_by END,
			relation = CASE WHEN excluded.last >= assertion.last THEN excluded.relation ELSE assertion.relation END,
			first_basis = CASE WHEN excluded.first < assertion.first THEN excluded.first_basis ELSE assertion.first_basis END,
			first = CASE WHEN excluded.first < assertion.first THEN excluded.first ELSE assertion.first END,
			last_basis = CASE WHEN excluded.last > assertion.last THEN excluded.last_basis ELSE assertion.last_basis END,
			last = CASE WHEN excluded.last > assertion.last THEN excluded.last ELSE assertion.last END
		WHERE excluded.first < assertion.first OR excluded.last > assertion.last`)}
}

// add takes note of what one version of a record calls it: since the publisher
// changed its entry, until the release that has it; what neither dates, since it
// came here.
func (a *assertions) add(r *intel.Record, ds intel.Dataset, now intel.Time) error {
	if r.Mention || r.Kind != intel.Actor && r.Kind != intel.Tool {
		return nil
	}
	if len(a.of) <= maxTouched {
		a.of = append(a.of, r.Ref)
	}
	first, firstBasis := r.Modified, intel.BasisStated
	last, lastBasis := max(r.Modified, ds.Released), intel.BasisRelease
	switch {
	case last == 0:
		first, firstBasis, last, lastBasis = now, intel.BasisImport, now, intel.BasisImport
		a.timed = true
	case first == 0:
		first, firstBasis = ds.Released, intel.BasisRelease
	case last == first:
		lastBasis = intel.BasisStated
	}
	put := func(n intel.Name) error {
		from, basis := first, firstBasis
		if n.First != 0 && n.First < from {
			from, basis = n.First, intel.BasisStated
		}
		return a.rows.add(r.Publisher, r.Key, n.Value, int(r.TLP), n.CoinedBy, string(n.Relation), int64(from), string(basis), int64(last), string(lastBasis))
	}
	if err := put(intel.Name{}); err != nil {
		return err
	}
	seen := map[string]bool{"": true}
	titled := false
	for _, n := range r.Names {
		titled = titled || n.Value == r.Title
		if seen[n.Value] {
			continue
		}
		seen[n.Value] = true
		if err := put(n); err != nil {
			return err
		}
	}
	if titled || r.Title == "" {
		return nil
	}
	return put(intel.Name{Value: r.Title})
}

// end writes what waits, and tells the batch if it was anything new.
func (a *assertions) end(b *Batch) error {
	err := a.rows.flush()
	if a.rows.changed {
		b.touch(false, a.of...)
	}
	return err
}

// Assertions returns since when and until when each record was called what, as
// those see it who see up to the ceiling: by record, in order of the name.
func (s *Store) Assertions(ctx context.Context, ceiling intel.TLP) (map[intel.Ref][]intel.Assertion, error) {
	rows, err := s.write.QueryContext(ctx, assertionQuery+"WHERE tlp <= ? ORDER BY publisher, key, name, tlp", int(ceiling))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[intel.Ref][]intel.Assertion{}
	for rows.Next() {
		if err := addAssertion(out, rows); err != nil {
			return nil, err
		}
	}
	return out, rows.Err()
}

const assertionQuery = "SELECT publisher, key, name, coined_by, relation, first, first_basis, last, last_basis FROM assertion "

// addAssertion adds a row of assertionQuery, which come in order of the name.
func addAssertion(out map[intel.Ref][]intel.Assertion, rows scanner) error {
	var ref intel.Ref
	var a intel.Assertion
	if err := rows.Scan(&ref.Publisher, &ref.Key, &a.Value, &a.CoinedBy, &a.Relation, &a.First, &a.FirstBasis, &a.Last, &a.LastBasis); err != nil {
		return err
	}
	list := out[ref]
	if n := len(list); n > 0 && list[n-1].Value == a.Value { // under several markings
		list[n-1] = widest(list[n-1], a)
		return nil
	}
	out[ref] = append(list, a)
	return nil
}

// widest is two assertions of the same name as one.
func widest(a, b intel.Assertion) intel.Assertion {
	if b.First < a.First {
		a.First, a.FirstBasis = b.First, b.FirstBasis
	}
	if b.Last > a.Last {
		a.Last, a.LastBasis = b.Last, b.LastBasis
		a.CoinedBy, a.Relation = cmp.Or(b.CoinedBy, a.CoinedBy), b.Relation
	}
	return a
}

// fillAssertions fills what the ninth schema added, from the records and their
// former versions. Of a former version the release is not known any more, so that
// only its own date counts, or when it came here.
func fillAssertions(ctx context.Context, tx *sql.Tx) error {
	released := map[[2]string]intel.Time{}
	if err := eachRow(ctx, tx, "SELECT publisher || '|' || name, CAST(released AS TEXT) FROM dataset", func(name, at string) error {
		publisher, dataset, _ := strings.Cut(name, "|")
		t, err := strconv.ParseInt(at, 10, 64)
		released[[2]string{publisher, dataset}] = intel.Time(t)
		return err
	}); err != nil {
		return err
	}
	said := (&Batch{tx: tx}).assertions(ctx)
	for _, q := range []struct {
		query   string // of the version that comes next after three keys
		current bool
	}{
		{"SELECT publisher, key, dataset, imported, body FROM record WHERE (publisher, key, dataset) > (?, ?, ?) ORDER BY publisher, key, dataset LIMIT ?", true},
		{"SELECT publisher, key, dataset || '|' || CAST(valid_to AS TEXT) || '|' || hash, valid_from, body FROM record_version WHERE (publisher, key, dataset || '|' || CAST(valid_to AS TEXT) || '|' || hash) > (?, ?, ?) ORDER BY publisher, key, dataset || '|' || CAST(valid_to AS TEXT) || '|' || hash LIMIT ?", false},
	} {
		last := [3]string{}
		for {
			versions, err := recordVersions(ctx, tx, q.query, last)
			if err != nil {
				return err
			}
			for _, v := range versions {
				if v.key[0] == last[0] && v.key[1] == last[1] { // no key twice in one statement
					if err := said.rows.flush(); err != nil {
						return err
					}
				}
				last = v.key
				r, err := unpack(v.body)
				if err != nil {
					return fmt.Errorf("record %s:%s: %w", v.key[0], v.key[1], err)
				}
				ds := intel.Dataset{}
				if q.current {
					ds.Released = released[[2]string{v.key[0], v.key[2]}]
				}
				if err := said.add(r, ds, v.at); err != nil {
					return err
				}
			}
			if len(versions) < upgradeChunk {
				break
			}
		}
		if err := said.rows.flush(); err != nil {
			return err
		}
	}
	return nil
}

type recordVersion struct {
	key  [3]string
	at   intel.Time // when it came here
	body []byte
}

func recordVersions(ctx context.Context, tx *sql.Tx, query string, after [3]string) (out []recordVersion, err error) {
	rows, err := tx.QueryContext(ctx, query, after[0], after[1], after[2], upgradeChunk)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var v recordVersion
		if err := rows.Scan(&v.key[0], &v.key[1], &v.key[2], &v.at, &v.body); err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rows.Err()
}
