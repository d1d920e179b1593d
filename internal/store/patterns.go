package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"dossier/internal/intel"
)

// Pattern keeps a pattern. Of several versions of a key the newest counts, in
// whatever order they come; all patterns of that version do.
func (b *Batch) Pattern(ctx context.Context, p *intel.Pattern) (t intel.Tally, err error) {
	t.Read = 1
	b.said[movable(p.Publisher, nil)] = true
	id := digest([]byte(p.Publisher), []byte(p.Key), []byte(p.Text))
	body, err := encodeJSON(p)
	if err != nil {
		return t, fmt.Errorf("pattern %s: %w", p.Ref, err)
	}
	hash := digest(body)
	var newest sql.NullInt64
	if err := b.tx.QueryRowContext(ctx, "SELECT MAX(modified) FROM pattern WHERE publisher = ? AND key = ?", p.Publisher, p.Key).Scan(&newest); err != nil {
		return t, err
	}
	if newest.Valid && newest.Int64 > int64(p.Modified) {
		t.Unchanged = 1
		return t, nil
	}
	var had string
	err = b.tx.QueryRowContext(ctx, "SELECT hash FROM pattern WHERE id = ?", id).Scan(&had)
	switch {
	case errors.Is(err, sql.ErrNoRows) && newest.Valid && newest.Int64 < int64(p.Modified):
		t.Changed = 1
	case errors.Is(err, sql.ErrNoRows):
		t.New = 1
	case err != nil:
		return t, err
	case had == hash:
		t.Unchanged = 1
		return t, nil
	default:
		t.Changed = 1
	}
	if t.Changed > 0 {
		b.moves(p.Publisher, nil)
	}
	if err := b.publisher(ctx, p.Publisher, p.TLP); err != nil {
		return t, err
	}
	b.articles = true // served as of this commit, as articles are
	for _, query := range []string{
		"DELETE FROM pattern_subject WHERE pattern_id IN (SELECT id FROM pattern WHERE id = ? OR publisher = ? AND key = ? AND modified < ?)",
		"DELETE FROM pattern WHERE id = ? OR publisher = ? AND key = ? AND modified < ?",
	} {
		if err := b.exec(ctx, query, id, p.Publisher, p.Key, int64(p.Modified)); err != nil {
			return t, err
		}
	}
	if err := b.exec(ctx, `INSERT INTO pattern (id, publisher, key, type, name, reason, reference, tlp, valid_from, valid_to, modified, revoked, hash, body)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		id, p.Publisher, p.Key, p.Type, p.Name, p.Reason, p.Reference, int(p.TLP), int64(p.From), int64(p.Until), int64(p.Modified), b2i(p.Revoked), hash,
		compress([]byte(p.Text))); err != nil {
		return t, err
	}
	for _, s := range p.Subjects {
		if err := b.exec(ctx, "INSERT INTO pattern_subject (pattern_id, publisher, key, tlp) VALUES (?, ?, ?, ?)", id, s.Publisher, s.Key, int(max(s.TLP, p.TLP))); err != nil {
			return t, err
		}
	}
	return t, nil
}

const patternColumns = "x.publisher, x.key, x.type, x.name, x.reason, x.reference, x.tlp, x.valid_from, x.valid_to, x.modified, x.body"

// ProfilePatterns returns the patterns that are tied to a profile and not
// withdrawn, latest first, at most limit of them, and how many there are. id is
// the canonical one. They come without subjects.
func (s *Store) ProfilePatterns(ctx context.Context, id string, limit int, v View) (list []intel.Pattern, total int, err error) {
	member, args := ceilingSQL("m", v.Ceiling)
	where := `x.revoked = 0 AND x.tlp <= ? AND x.id IN (SELECT b.pattern_id FROM pattern_subject b JOIN member m ON m.publisher = b.publisher AND m.key = b.key
		WHERE b.tlp <= ? AND m.profile_id = ? AND ` + member + ")"
	args = append([]any{int(v.Ceiling), int(v.Ceiling), id}, args...)
	if err := s.read.QueryRowContext(ctx, "SELECT COUNT(*) FROM pattern x WHERE "+where, args...).Scan(&total); err != nil || total == 0 {
		return nil, total, err
	}
	err = s.eachPattern(ctx, where+" ORDER BY x.modified DESC, x.id LIMIT ?", append(args, limit), func(p *intel.Pattern) error {
		list = append(list, *p)
		return nil
	})
	return list, total, err
}

// EachPattern calls f with every pattern that is not withdrawn, by publisher and
// key. They come without subjects. An error of f ends it.
func (s *Store) EachPattern(ctx context.Context, v View, f func(*intel.Pattern) error) error {
	return s.eachPattern(ctx, "x.revoked = 0 AND x.tlp <= ? ORDER BY x.publisher, x.key, x.id", []any{int(v.Ceiling)}, f)
}

func (s *Store) eachPattern(ctx context.Context, where string, args []any, f func(*intel.Pattern) error) error {
	rows, err := s.read.QueryContext(ctx, "SELECT "+patternColumns+" FROM pattern x WHERE "+where, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var p intel.Pattern
		var packed []byte
		if err := rows.Scan(&p.Publisher, &p.Key, &p.Type, &p.Name, &p.Reason, &p.Reference, &p.TLP, &p.From, &p.Until, &p.Modified, &packed); err != nil {
			return err
		}
		text, err := decompress(packed)
		if err != nil {
			return fmt.Errorf("pattern %s: %w", p.Ref, err)
		}
		p.Text = string(text)
		if err := f(&p); err != nil {
			return err
		}
	}
	return rows.Err()
}

// removePatterns takes back the patterns of a publisher.
func (b *Batch) removePatterns(ctx context.Context, publisher string) (n int, err error) {
	if err := b.tx.QueryRowContext(ctx, "SELECT COUNT(*) FROM pattern WHERE publisher = ?", publisher).Scan(&n); err != nil || n == 0 {
		return n, err
	}
	b.articles = true
	for _, query := range []string{
		"DELETE FROM pattern_subject WHERE pattern_id IN (SELECT id FROM pattern WHERE publisher = ?)", "DELETE FROM pattern WHERE publisher = ?",
	} {
		if _, err := b.tx.ExecContext(ctx, query, publisher); err != nil {
			return n, err
		}
	}
	return n, nil
}
