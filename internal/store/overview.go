package store

import (
	"context"
	"net/netip"
	"strings"
	"time"

	"dossier/internal/intel"
	"dossier/internal/observable"
)

// A Brief is a profile as lists of all of them need it.
type Brief struct {
	*Profile
	Publishers []string // ids of those whose records it is made of, in order
	Indicators int64    // that collections show
	Active     int64    // of them, above the floor of confidence now
}

// Briefs returns every profile, by title. It reads all bodies: callers keep the
// result as long as [Store.Position] stays.
func (s *Store) Briefs(ctx context.Context, v View) ([]*Brief, error) {
	p, args := ceilingSQL("p", v.Ceiling)
	rows, err := s.read.QueryContext(ctx, "SELECT "+profileColumns+" FROM profile p WHERE "+p+" ORDER BY p.title_fold, p.id", args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []*Brief
	byID := map[string]*Brief{}
	for rows.Next() {
		profile, err := scanProfile(rows)
		if err != nil {
			return nil, err
		}
		b := &Brief{Profile: profile}
		out = append(out, b)
		byID[profile.ID] = b
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	m, args := ceilingSQL("m", v.Ceiling)
	err = s.each(ctx, func(rows scanner) error {
		var id, publisher string
		if err := rows.Scan(&id, &publisher); err != nil {
			return err
		}
		if b := byID[id]; b != nil {
			b.Publishers = append(b.Publishers, publisher)
		}
		return nil
	}, "SELECT DISTINCT m.profile_id, m.publisher FROM member m WHERE "+m+" ORDER BY m.profile_id, m.publisher", args...)
	if err != nil {
		return nil, err
	}
	shown := s.shown("l", View{Ceiling: v.Ceiling})
	err = s.each(ctx, func(rows scanner) error {
		var id string
		var n, active int64
		if err := rows.Scan(&id, &n, &active); err != nil {
			return err
		}
		if b := byID[id]; b != nil {
			b.Indicators, b.Active = n, active
		}
		return nil
	}, "SELECT l.profile_id, COUNT(*), SUM(CASE WHEN l.active_until > ? THEN 1 ELSE 0 END) FROM profile_indicator l WHERE "+shown.sql+" GROUP BY l.profile_id",
		append([]any{s.Now().UnixMilli()}, shown.args...)...)
	return out, err
}

// each calls f with every row of a query.
func (s *Store) each(ctx context.Context, f func(scanner) error, query string, args ...any) error {
	rows, err := s.read.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := f(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// A Month counts the indicators of a profile that were first seen in a month.
type Month struct {
	Year  int
	Month time.Month
	Count int
}

// dayMillis is a day as times are stored.
const dayMillis = 24 * 60 * 60 * 1000

// Months counts the indicators of a profile by the month in which a source first
// saw them, oldest first; those for which no source says it are left out. Months
// without any are left out, too.
func (s *Store) Months(ctx context.Context, profile string, v View) (out []Month, err error) {
	shown := s.shown("l", View{Ceiling: v.Ceiling})
	// Days are grouped by the database, whose calendars differ, and months here.
	err = s.each(ctx, func(rows scanner) error {
		var day int64
		var n int
		if err := rows.Scan(&day, &n); err != nil {
			return err
		}
		at := time.UnixMilli(day * dayMillis).UTC()
		if last := len(out) - 1; last >= 0 && out[last].Year == at.Year() && out[last].Month == at.Month() {
			out[last].Count += n
			return nil
		}
		out = append(out, Month{at.Year(), at.Month(), n})
		return nil
	}, "SELECT l.sighted / ? AS day, COUNT(*) FROM profile_indicator l WHERE l.profile_id = ? AND l.sighted > 0 AND "+shown.sql+" GROUP BY 1 ORDER BY 1",
		append([]any{dayMillis, profile}, shown.args...)...)
	return out, err
}

// Shared returns the indicators that two profiles have in common, at most limit of
// them, and how many there are.
func (s *Store) Shared(ctx context.Context, a, b string, limit int, v View) (out []*Indicator, total int64, err error) {
	shown := s.shown("l", View{Ceiling: v.Ceiling})
	cond := fragment{
		"l.profile_id = ? AND EXISTS (SELECT 1 FROM profile_indicator o WHERE o.profile_id = ? AND o.indicator_id = l.indicator_id AND o.tlp_lo <= ? AND o.tlp_hi >= ?) AND ",
		[]any{a, b, int(v.Ceiling), int(v.Ceiling)},
	}
	cond = sqlf(cond, shown)
	if err := s.read.QueryRowContext(ctx, "SELECT COUNT(*) FROM profile_indicator l WHERE "+cond.sql, cond.args...).Scan(&total); err != nil {
		return nil, 0, err
	}
	i, args := ceilingSQL("i", v.Ceiling)
	out, err = s.indicatorsOf(ctx, "SELECT "+indicatorSelect("i.id")+" FROM profile_indicator l JOIN indicator i ON i.id = l.indicator_id WHERE "+cond.sql+" AND "+i+
		" ORDER BY i.kind, i.value LIMIT ?", append(append(cond.args, args...), limit)...)
	return out, total, err
}

func (s *Store) indicatorsOf(ctx context.Context, query string, args ...any) (out []*Indicator, err error) {
	scan := s.scanIndicator()
	err = s.each(ctx, func(rows scanner) error {
		i, err := scan(rows)
		out = append(out, i)
		return err
	}, query, args...)
	return out, err
}

// Near returns indicators near an observable, at most limit of them, and whether
// there are more: the names below a domain, the addresses in the same /24 of an
// IPv4 address. Of everything else nothing is near.
func (s *Store) Near(ctx context.Context, o observable.Observable, limit int, v View) (found []*Indicator, more bool, err error) {
	shown := s.shown("i", View{Ceiling: v.Ceiling})
	var where fragment
	switch network, ok := network24(o); {
	case o.Kind == observable.Domain:
		below := reversed(o.Value) + "."
		where = fragment{"i.host_reversed >= ? AND i.host_reversed < ? AND i.value = i.host", []any{below, below[:len(below)-1] + "/"}}
	case ok:
		where = fragment{
			"SUBSTR(i.artifact_id, 1, 64) >= ? AND SUBSTR(i.artifact_id, 1, 64) < ? AND i.kind = ? AND i.id <> ?",
			[]any{network, network[:len(network)-1] + "/", string(observable.IPAddress), o.ID()},
		}
	default:
		return nil, false, nil
	}
	where = sqlf(where, " AND ", shown)
	found, err = s.indicatorsOf(ctx, "SELECT "+indicatorSelect("i.id")+" FROM indicator i WHERE "+where.sql+" LIMIT ?", append(where.args, limit+1)...)
	if len(found) > limit {
		return found[:limit], true, err
	}
	return found, false, err
}

// network24 returns how the addresses in the same /24 begin: "192.0.2." of
// 192.0.2.7.
func network24(o observable.Observable) (string, bool) {
	a, err := netip.ParseAddr(o.Value)
	if o.Kind != observable.IPAddress || err != nil || !a.Is4() {
		return "", false
	}
	return o.Value[:strings.LastIndexByte(o.Value, '.')+1], true
}

// Newest returns the profiles with the most indicators that sources first saw
// since a time, most first, and how many each has.
func (s *Store) Newest(ctx context.Context, since intel.Time, limit int, v View) (out []ProfileCount, err error) {
	shown := s.shown("l", View{Ceiling: v.Ceiling})
	p, args := ceilingSQL("p", v.Ceiling)
	err = s.each(ctx, func(rows scanner) error {
		var c ProfileCount
		var kind int
		if err := rows.Scan(&c.ID, &kind, &c.Title, &c.Count); err != nil {
			return err
		}
		c.Kind = kindOf(kind)
		out = append(out, c)
		return nil
	}, `SELECT p.id, p.kind, p.title, x.n FROM (SELECT l.profile_id, COUNT(*) AS n FROM profile_indicator l WHERE l.sighted >= ? AND `+shown.sql+` GROUP BY l.profile_id) x
		JOIN profile p ON p.id = x.profile_id WHERE `+p+" ORDER BY x.n DESC, p.title_fold, p.id LIMIT ?", append(append(append([]any{int64(since)}, shown.args...), args...), limit)...)
	return out, err
}

// A ProfileCount is a profile with how much it has of something.
type ProfileCount struct {
	ProfileTitle
	Count int64
}
