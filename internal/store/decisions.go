package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"dossier/internal/intel"
)

// decisionLink stands in the column link of claims that hold a decision, so that
// they are found by its index, and are none of those about fields.
const decisionLink = "decision"

// Decisions returns what people decided about who is who, up to the ceiling, in
// the order in which it was made; with all, also what was withdrawn.
func (s *Store) Decisions(ctx context.Context, all bool, v View) ([]intel.Decision, error) {
	cond := "link = ? AND tlp <= ?"
	if !all {
		cond += " AND withdrawn = 0"
	}
	list, err := claimsWhere(ctx, s.write, cond, decisionLink, int(v.Ceiling))
	if err != nil {
		return nil, err
	}
	return decisionsOf(list), nil
}

func decisionsOf(list intel.Claims) (out []intel.Decision) {
	for _, c := range list {
		if d, ok := c.Decision(); ok {
			out = append(out, d)
		}
	}
	return out
}

// A RecordInfo is a record in short.
type RecordInfo struct {
	intel.RecordRef
	Kind intel.Kind
	TLP  intel.TLP // the lowest under which it shows
}

// maxFound bounds how many records one title finds.
const maxFound = 10

// FindRecords returns the present records of a publisher that have the key or,
// if none has, the title.
func (s *Store) FindRecords(ctx context.Context, publisher, keyOrTitle string, v View) ([]RecordInfo, error) {
	for _, column := range []string{"key", "title"} {
		rows, err := s.read.QueryContext(ctx, `SELECT publisher, key, MAX(title), MAX(kind), MIN(tlp) FROM record
			WHERE publisher = ? AND absent = 0 AND tlp <= ? AND `+column+" = ? GROUP BY publisher, key ORDER BY publisher, key LIMIT ?",
			publisher, int(v.Ceiling), keyOrTitle, maxFound)
		if err != nil {
			return nil, err
		}
		var out []RecordInfo
		for rows.Next() {
			var r RecordInfo
			if err := rows.Scan(&r.Publisher, &r.Key, &r.Title, &r.Kind, &r.TLP); err != nil {
				return nil, errors.Join(err, rows.Close())
			}
			out = append(out, r)
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil || len(out) > 0 {
			return out, err
		}
	}
	return nil, nil
}

// MemberOf returns the id of the profile that a record is part of. The error wraps
// [intel.ErrNotFound] if it is part of none, or if there is no such record.
func (s *Store) MemberOf(ctx context.Context, ref intel.Ref, v View) (id string, err error) {
	cond, args := ceilingSQL("m", v.Ceiling)
	err = s.read.QueryRowContext(ctx, "SELECT m.profile_id FROM member m WHERE m.publisher = ? AND m.key = ? AND "+cond, append([]any{ref.Publisher, ref.Key}, args...)...).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("record %q: %w", ref.String(), intel.ErrNotFound)
	}
	return id, err
}
