package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strconv"

	"dossier/internal/intel"
)

// Readers of collections go by the time at which a thing was added, and ask for
// what was added after the last time that they saw. So a time must never be given
// to two things of which a reader might have seen only one, and what is committed
// later must have a later time, whatever the clock does. A transaction may
// change a million things at once: therefore a position is not a point in time but a
// span, and a thing's time is its place in the span by its id. Several things have
// the same time only by chance.

// A moment is the span of a position, in microseconds. Spans begin and end at whole
// milliseconds, so that each position has a millisecond of its own.
type moment struct {
	position, added, span int64
}

// thingSpan is how long the span is for each thing, in microseconds, so that few
// have the same time.
const thingSpan = 8

// date gives a position its span: behind that of the position before, and as long
// as so many things want it.
func date(ctx context.Context, tx *sql.Tx, position int64, now intel.Time, things int) error {
	var end int64
	err := tx.QueryRowContext(ctx, "SELECT added + span FROM moment WHERE position < ? ORDER BY position DESC LIMIT 1", position).Scan(&end)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	span := int64(things)*thingSpan/1000*1000 + 1000
	_, err = tx.ExecContext(ctx, "UPDATE moment SET added = ?, span = ? WHERE position = ?", max(int64(now)*1000, end), span, position)
	return err
}

// maxFormerSpan bounds the span of a position from before spans were kept.
const maxFormerSpan = 60_000_000

// fillMoments gives positions spans that were taken before spans were kept: up to
// the next one, a minute at most.
func fillMoments(ctx context.Context, tx *sql.Tx) error {
	rows, err := tx.QueryContext(ctx, "SELECT position, at FROM moment ORDER BY position")
	if err != nil {
		return err
	}
	defer rows.Close()
	var all []moment
	for rows.Next() {
		var m moment
		if err := rows.Scan(&m.position, &m.added); err != nil {
			return err
		}
		m.added, m.span = m.added*1000, 1000
		if n := len(all); n > 0 {
			last := &all[n-1]
			m.added = max(m.added, last.added+last.span)
			last.span = min(m.added-last.added, maxFormerSpan)
		}
		all = append(all, m)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	for _, m := range all {
		if _, err := tx.ExecContext(ctx, "UPDATE moment SET added = ?, span = ? WHERE position = ?", m.added, m.span, m.position); err != nil {
			return err
		}
	}
	return nil
}

// fraction is where an id lies between the lowest and the highest, in 2^-32: ids
// are hexadecimal digits of a hash.
func fraction(id string) int64 {
	n, _ := strconv.ParseUint(id[:min(8, len(id))], 16, 32) // what is none lies at the beginning
	return int64(n)
}

// at is when a thing was added, in microseconds since 1970.
func (m moment) at(id string) int64 { return m.added + fraction(id)*m.span>>32 }

// moments returns the spans of positions. Those that are not known any more all lie
// right before the first that is.
func (s *Store) moments(ctx context.Context, positions []int64) (map[int64]moment, error) {
	slices.Sort(positions)
	positions = slices.Compact(positions)
	out := make(map[int64]moment, len(positions))
	for part := range slices.Chunk(positions, 500) {
		query := sqlf("SELECT position, added, span FROM moment WHERE position IN ", listed(part))
		rows, err := s.read.QueryContext(ctx, query.sql, query.args...)
		if err != nil {
			return nil, err
		}
		for rows.Next() {
			var m moment
			if err := rows.Scan(&m.position, &m.added, &m.span); err != nil {
				return nil, errors.Join(err, rows.Close())
			}
			out[m.position] = m
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return nil, err
		}
	}
	if len(out) == len(positions) {
		return out, nil
	}
	first, err := s.firstMoment(ctx)
	if err != nil {
		return nil, err
	}
	for _, p := range positions {
		if _, ok := out[p]; !ok {
			out[p] = moment{position: p, added: first.added - 1}
		}
	}
	return out, nil
}

// firstMoment is the first span that is known; of no position if there is none.
func (s *Store) firstMoment(ctx context.Context) (m moment, err error) {
	err = s.read.QueryRowContext(ctx, "SELECT position, added, span FROM moment ORDER BY position LIMIT 1").Scan(&m.position, &m.added, &m.span)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return m, err
}

// AddedAfter returns the place behind everything that was added up to a time, in
// microseconds since 1970: what lies behind the place was added later.
func (s *Store) AddedAfter(ctx context.Context, micros int64) (Place, error) {
	var m moment
	err := s.read.QueryRowContext(ctx, "SELECT position, added, span FROM moment WHERE added <= ? ORDER BY added DESC LIMIT 1", micros).Scan(&m.position, &m.added, &m.span)
	if errors.Is(err, sql.ErrNoRows) {
		first, err := s.firstMoment(ctx)
		if err != nil || first.position == 0 || micros < first.added-1 {
			return Place{}, err
		}
		return Settled(first.position - 1), nil
	}
	if err != nil || micros >= m.added+m.span {
		return Settled(m.position), err
	}
	// The lowest id of which the time is later.
	from := ((micros-m.added+1)<<32 + m.span - 1) / m.span
	if from >= 1<<32 {
		return Settled(m.position), nil
	}
	digits := strconv.FormatInt(from+(1<<32), 16) // with leading zeros, behind a 1
	return Place{m.position, digits[1:]}, nil
}

// PositionsIn returns the positions of which the span begins in one of these
// milliseconds.
func (s *Store) PositionsIn(ctx context.Context, at []intel.Time) ([]int64, error) {
	var out []int64
	for _, t := range at {
		rows, err := s.read.QueryContext(ctx, "SELECT position FROM moment WHERE added >= ? AND added < ?", int64(t)*1000, int64(t)*1000+1000)
		if err != nil {
			return nil, err
		}
		for rows.Next() {
			var p int64
			if err := rows.Scan(&p); err != nil {
				return nil, errors.Join(err, rows.Close())
			}
			out = append(out, p)
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return nil, err
		}
	}
	return out, nil
}
