package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"dossier/internal/intel"
	"dossier/internal/lifecycle"
	"dossier/internal/observable"
	"dossier/internal/odata"
)

// A Sighting is an indicator that was met in an owner's own data: through one host, direction and field, on one day. The owner "" is the installation
// itself; only its sightings count for the life of an indicator.
type Sighting struct {
	ID        string          `json:"id"` // made by the store
	Indicator string          `json:"indicatorId"`
	Kind      observable.Kind `json:"kind"`
	Value     string          `json:"value"`
	Host      string          `json:"host,omitempty"` // of ours: an address, a name, or a pseudonym
	Direction string          `json:"direction,omitempty"`
	Field     string          `json:"field,omitempty"`
	First     intel.Time      `json:"firstSeen,omitzero"` // on that day; zero if the log does not tell
	Last      intel.Time      `json:"lastSeen,omitzero"`
	Lines     int64           `json:"lines"`
	Estimated bool            `json:"estimated,omitempty"` // lines, where they are many
	Log       string          `json:"log,omitempty"`       // in which it was first met
	Origin    Origin          `json:"origin"`
	By        string          `json:"savedBy,omitempty"`
	Saved     intel.Time      `json:"saved"` // first

	Owner string `json:"-"`
	Marks Marks  `json:"-"` // of the lines; not read back
}

// An Origin is how a sighting came about.
type Origin string

// The origins.
const (
	FromHunt   Origin = "hunt"   // dossier hunt --save
	FromStream Origin = "stream" // POST /api/hunt?save=1
	FromReport Origin = "report" // told by another program
	FromDigest Origin = "digest" // seen first, named malicious later
)

// day is the beginning of the day of a sighting.
func (g *Sighting) day() intel.Time { return g.First - g.First%lifecycle.Day }

// at is how old the sighting is; sensors may have clocks that are ahead.
func (g *Sighting) at() intel.Time {
	if g.Last != 0 {
		return min(g.Last, g.Saved)
	}
	return g.Saved
}

// name gives the sighting its id.
func (g *Sighting) name() {
	g.ID = digest([]byte(g.Owner), []byte(g.Indicator), []byte(g.Host), []byte(g.Direction), []byte(g.Field), []byte(strconv.FormatInt(int64(g.day()), 10)))
}

// merge takes in what is known of the same sighting.
func (g *Sighting) merge(was *Sighting) {
	g.Marks = append(g.Marks, was.Marks...)
	g.First, g.Last = min(g.First, was.First), max(g.Last, was.Last) // both are zero, or none
	g.Log, g.Origin, g.By, g.Saved = was.Log, was.Origin, was.By, was.Saved
}

// Limits of what is kept of texts that logs bring.
const (
	maxSightedText = 256
	sightingChunk  = 500 // rows in a transaction
)

// A Kept counts what [Store.SaveSightings] did.
type Kept struct {
	New, Grown int   // sightings; the others were known as they are
	Lines      int64 // that were not known; of many an estimate
}

// SaveSightings keeps sightings. A line that is known by its mark changes nothing, so to save what a log held a second time does not either. All that is
// given of one sighting is of one day. The lives of the indicators are computed again by [Store.FoldIndicators].
func (s *Store) SaveSightings(ctx context.Context, list []*Sighting) (kept Kept, err error) {
	now := intel.TimeOf(s.Now())
	byID := map[string]*Sighting{}
	for _, g := range list {
		g.Host, g.Field, g.Log = storable(g.Host), storable(g.Field), storable(g.Log)
		g.Saved = now
		g.name()
		if have := byID[g.ID]; have != nil {
			have.merge(g)
			continue
		}
		byID[g.ID] = g
	}
	sorted := make([]*Sighting, 0, len(byID))
	for _, g := range byID {
		sorted = append(sorted, g)
	}
	slices.SortFunc(sorted, func(a, b *Sighting) int {
		return strings.Compare(a.Indicator+a.ID, b.Indicator+b.ID)
	})
	for chunk := range slices.Chunk(sorted, sightingChunk) {
		var did Kept
		err := s.inTx(ctx, func(tx *sql.Tx) error {
			did = Kept{}
			return s.putSightings(ctx, tx, chunk, &did)
		})
		if err != nil {
			return kept, err
		}
		kept.New, kept.Grown, kept.Lines = kept.New+did.New, kept.Grown+did.Grown, kept.Lines+did.Lines
	}
	return kept, nil
}

// storable is text from a log as a database takes it.
func storable(s string) string {
	return cut(strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", ""), maxSightedText)
}

const sightingColumns = "id, indicator_id, kind, value, host, direction, field, first_seen, last_seen, lines, log, origin, saved_by, saved, owner"

func scanSighting(row scanner, more ...any) (*Sighting, error) {
	g := new(Sighting)
	err := row.Scan(append([]any{
		&g.ID, &g.Indicator, &g.Kind, &g.Value, &g.Host, &g.Direction, &g.Field, &g.First, &g.Last, &g.Lines, &g.Log, &g.Origin, &g.By, &g.Saved, &g.Owner,
	}, more...)...)
	g.Estimated = g.Lines >= MaxMarks
	return g, err
}

func (s *Store) putSightings(ctx context.Context, tx *sql.Tx, list []*Sighting, kept *Kept) error {
	ids, indicators := make([]string, len(list)), []string{}
	for i, g := range list {
		ids[i] = g.ID
		if n := len(indicators); n == 0 || indicators[n-1] != g.Indicator {
			indicators = append(indicators, g.Indicator)
		}
	}
	known := map[string]*Sighting{}
	rows, err := tx.QueryContext(ctx, "SELECT "+sightingColumns+", marks FROM sighting WHERE indicator_id IN ("+marks(len(indicators))+") AND id IN ("+marks(len(ids))+")",
		append(anys(indicators), anys(ids)...)...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var raw []byte
		g, err := scanSighting(rows, &raw)
		if err != nil {
			return err
		}
		g.Marks.read(raw)
		known[g.ID] = g
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	put := newBulk(ctx, tx, "INSERT INTO sighting ("+sightingColumns+", marks, day, at) VALUES", 18,
		`ON CONFLICT (indicator_id, id) DO UPDATE SET first_seen = excluded.first_seen, last_seen = excluded.last_seen, lines = excluded.lines, marks = excluded.marks, at = excluded.at`)
	met := map[string]intel.Time{}
	for _, g := range list {
		was := known[g.ID]
		before := int64(0)
		if was != nil {
			before = was.Lines
			g.merge(was)
		}
		g.Lines, g.Estimated = g.Marks.Count()
		switch {
		case was == nil:
			kept.New++
		case g.Lines == was.Lines && g.First == was.First && g.Last == was.Last:
			continue
		default:
			kept.Grown++
		}
		kept.Lines += max(0, g.Lines-before)
		if err := put.add(g.ID, g.Indicator, string(g.Kind), g.Value, g.Host, g.Direction, g.Field, int64(g.First), int64(g.Last), g.Lines, g.Log, string(g.Origin), g.By,
			int64(g.Saved), g.Owner, g.Marks.bytes(), int64(g.day()), int64(g.at())); err != nil {
			return err
		}
		if g.Last != 0 && g.Owner == "" {
			met[g.Indicator] = max(met[g.Indicator], g.Last)
		}
	}
	if err := put.flush(); err != nil {
		return err
	}
	return s.putMet(ctx, tx, met)
}

// metStep is how finely the life of an indicator follows its sightings: what streams in must not fold it, and tell readers of a change, every second.
const metStep = intel.Time(time.Hour / time.Millisecond)

// putMet notes when indicators were last met, as [Store.Sighted] does.
func (s *Store) putMet(ctx context.Context, tx *sql.Tx, met map[string]intel.Time) error {
	for id, at := range met {
		met[id] = at - at%metStep
	}
	ids := make([]string, 0, len(met))
	for id := range met {
		ids = append(ids, id)
	}
	had, err := sightedOf(ctx, tx, ids)
	if err != nil {
		return err
	}
	for id, at := range had {
		if at >= met[id] {
			delete(met, id)
		}
	}
	return s.sighted(ctx, tx, met)
}

// A SightingFilter says which sightings are meant. The zero value means all of the installation's own.
type SightingFilter struct {
	Owner        string
	Indicator    string     // id
	Profile      string     // canonical id: of its indicators
	Hosts        []string   // of any of these
	Since, Until intel.Time // last seen from Since on and before Until; for those without a time, saved
	ID           string
}

// where is the condition on sighting g. Who sees up to red sees also those of indicators that nobody brings any more.
func (f *SightingFilter) where(v View) fragment {
	cond := fragment{"g.owner = ?", []any{f.Owner}}
	and := func(text string, args ...any) { cond = sqlf(cond, fragment{" AND " + text, args}) }
	if f.Indicator != "" {
		and("g.indicator_id = ?", f.Indicator)
	}
	if f.ID != "" {
		and("g.id = ?", f.ID)
	}
	if f.Profile != "" {
		c, args := ceilingSQL("pi", v.Ceiling)
		and("g.indicator_id IN (SELECT pi.indicator_id FROM profile_indicator pi WHERE pi.profile_id = ? AND "+c+")", append([]any{f.Profile}, args...)...)
	}
	if len(f.Hosts) > 0 {
		and("g.host IN ("+marks(len(f.Hosts))+")", anys(f.Hosts)...)
	}
	if f.Since != 0 {
		and("g.at >= ?", int64(f.Since))
	}
	if f.Until != 0 {
		and("g.at < ?", int64(f.Until))
	}
	if v.Ceiling < intel.Red {
		c, args := ceilingSQL("i", v.Ceiling)
		and("EXISTS (SELECT 1 FROM indicator i WHERE i.id = g.indicator_id AND "+c+")", args...)
	}
	return cond
}

// Sightings returns those that a filter means, the latest first, at most limit of them, and the place where to go on, "" at the end.
// after is such a place.
func (s *Store) Sightings(ctx context.Context, f SightingFilter, limit int, after string, v View) (list []*Sighting, next string, err error) {
	where := f.where(v)
	if after != "" {
		t, id, ok := strings.Cut(after, ".")
		at, err := strconv.ParseInt(t, 10, 64)
		if !ok || err != nil {
			return nil, "", &odata.Error{Code: odata.CodeBadRequest, Message: "Invalid value of after: it is no place that an answer gave.", Target: "after"}
		}
		where = sqlf(where, fragment{" AND g.at <= ? AND (g.at < ? OR g.id > ?)", []any{at, at, id}})
	}
	query := sqlf("SELECT g."+strings.ReplaceAll(sightingColumns, ", ", ", g.")+" FROM sighting g WHERE ", where, fragment{" ORDER BY g.at DESC, g.id LIMIT ?", []any{limit + 1}})
	err = s.within(ctx, func(ctx context.Context) error {
		rows, err := s.read.QueryContext(ctx, query.sql, query.args...)
		if err != nil {
			return fmt.Errorf("sightings: %w", err)
		}
		defer rows.Close()
		for rows.Next() {
			g, err := scanSighting(rows)
			if err != nil {
				return err
			}
			if len(list) == limit {
				last := list[limit-1]
				next = strconv.FormatInt(int64(last.at()), 10) + "." + last.ID
				break
			}
			list = append(list, g)
		}
		return rows.Err()
	})
	return list, next, err
}

// A SightingTotal sums up sightings.
type SightingTotal struct {
	First      intel.Time `json:"firstSeen,omitzero"`
	Last       intel.Time `json:"lastSeen,omitzero"`
	Lines      int64      `json:"lines"`
	Hosts      int        `json:"hosts"`
	Indicators int        `json:"indicators"`
}

// SightingTotal sums up those that a filter means.
func (s *Store) SightingTotal(ctx context.Context, f SightingFilter, v View) (t SightingTotal, err error) {
	where := f.where(v)
	err = s.within(ctx, func(ctx context.Context) error {
		return s.read.QueryRowContext(ctx, `SELECT COALESCE(MIN(NULLIF(g.first_seen, 0)), 0), COALESCE(MAX(g.last_seen), 0), CAST(COALESCE(SUM(g.lines), 0) AS BIGINT),
			COUNT(DISTINCT NULLIF(g.host, '')), COUNT(DISTINCT g.indicator_id) FROM sighting g WHERE `+where.sql, where.args...).Scan(&t.First, &t.Last, &t.Lines, &t.Hosts, &t.Indicators)
	})
	return t, err
}

// EraseSightings forgets those that a filter means, as far as the view sees them, and what they did for the lives of indicators, which are computed again by
// [Store.FoldIndicators]. It returns how many there were.
func (s *Store) EraseSightings(ctx context.Context, f SightingFilter, v View) (erased int, err error) {
	for {
		n := 0
		err := s.inTx(ctx, func(tx *sql.Tx) error {
			var err error
			n, err = s.eraseSome(ctx, tx, f.where(v))
			return err
		})
		if err != nil {
			return erased, err
		}
		erased += n
		if n < sightingChunk {
			return erased, nil
		}
	}
}

func (s *Store) eraseSome(ctx context.Context, tx *sql.Tx, where fragment) (int, error) {
	rows, err := tx.QueryContext(ctx, "SELECT g.indicator_id, g.id FROM sighting g WHERE "+where.sql+" ORDER BY g.indicator_id, g.id LIMIT ?", append(where.args, sightingChunk)...)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	var indicators, ids []string
	for rows.Next() {
		var indicator, id string
		if err := rows.Scan(&indicator, &id); err != nil {
			return 0, err
		}
		indicators, ids = append(indicators, indicator), append(ids, id)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil || len(ids) == 0 {
		return 0, err
	}
	for i := range ids {
		if _, err := tx.ExecContext(ctx, "DELETE FROM sighting WHERE indicator_id = ? AND id = ?", indicators[i], ids[i]); err != nil {
			return 0, err
		}
	}
	return len(ids), s.metAnew(ctx, tx, slices.Compact(indicators))
}

// metAnew computes from the sightings that are left when indicators were last met.
func (s *Store) metAnew(ctx context.Context, tx *sql.Tx, indicators []string) error {
	left := map[string]intel.Time{}
	rows, err := tx.QueryContext(ctx, "SELECT indicator_id, MAX(last_seen) FROM sighting WHERE owner = '' AND last_seen > 0 AND indicator_id IN ("+marks(len(indicators))+") GROUP BY indicator_id", anys(indicators)...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		var at intel.Time
		if err := rows.Scan(&id, &at); err != nil {
			return err
		}
		left[id] = at - at%metStep
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	had, err := sightedOf(ctx, tx, indicators)
	if err != nil {
		return err
	}
	again := map[string]intel.Time{}
	for id, at := range had {
		if at <= left[id] {
			continue
		}
		if _, err := tx.ExecContext(ctx, "DELETE FROM sighted WHERE indicator_id = ? AND owner = ''", id); err != nil {
			return err
		}
		again[id] = left[id]
	}
	return s.sighted(ctx, tx, again)
}

const (
	metaSightingsKept = "sightings.retention"
	metaPseudonyms    = "sightings.pseudonyms"
)

// SightingRetention returns how long sightings are kept; 0: for ever.
func (s *Store) SightingRetention(ctx context.Context) (time.Duration, error) {
	text, err := s.readMeta(ctx, metaSightingsKept)
	if err != nil || text == "" {
		return 0, err
	}
	return time.ParseDuration(text)
}

// SetSightingRetention sets how long sightings are kept, 0 for ever. [Store.PruneSightings] follows it.
func (s *Store) SetSightingRetention(ctx context.Context, d time.Duration) error {
	text := ""
	if d > 0 {
		text = d.String()
	}
	return s.inTx(ctx, func(tx *sql.Tx) error { return setMeta(ctx, tx, metaSightingsKept, text) })
}

// PruneSightings forgets sightings, of all owners, that are older than they are to be kept, and returns how many.
func (s *Store) PruneSightings(ctx context.Context) (erased int, err error) {
	keep, err := s.SightingRetention(ctx)
	if err != nil || keep == 0 {
		return 0, err
	}
	owners, err := s.sightingOwners(ctx)
	if err != nil {
		return 0, err
	}
	for _, owner := range owners {
		n, err := s.EraseSightings(ctx, SightingFilter{Owner: owner, Until: intel.TimeOf(s.Now().Add(-keep))}, View{Ceiling: intel.Red})
		erased += n
		if err != nil {
			return erased, err
		}
	}
	return erased, nil
}

func (s *Store) sightingOwners(ctx context.Context) (owners []string, err error) {
	rows, err := s.read.QueryContext(ctx, "SELECT DISTINCT owner FROM sighting ORDER BY owner")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var o string
		if err := rows.Scan(&o); err != nil {
			return nil, err
		}
		owners = append(owners, o)
	}
	return owners, rows.Err()
}

// HostsAreHidden reports whether hosts are kept under pseudonyms.
func (s *Store) HostsAreHidden(ctx context.Context) (bool, error) {
	text, err := s.readMeta(ctx, metaPseudonyms)
	return text != "", err
}

// HideHosts sets whether hosts are kept under pseudonyms. If so, those of the sightings that are there get theirs, by the function, and it returns how
// many sightings had a host in the clear; what has a pseudonym keeps it for ever.
func (s *Store) HideHosts(ctx context.Context, on bool, pseudonym func(host string) string) (changed int, err error) {
	text := ""
	if on {
		text = "1"
	}
	if err := s.inTx(ctx, func(tx *sql.Tx) error { return setMeta(ctx, tx, metaPseudonyms, text) }); err != nil || !on {
		return 0, err
	}
	for last := [2]string{}; ; {
		n := 0
		err := s.inTx(ctx, func(tx *sql.Tx) (err error) {
			var list []*Sighting
			if list, err = sightingsAfter(ctx, tx, last); err != nil {
				return err
			}
			for n = range list {
				last = [2]string{list[n].Indicator, list[n].ID}
			}
			n = len(list)
			list = slices.DeleteFunc(list, func(g *Sighting) bool { return g.Host == "" || pseudonym(g.Host) == g.Host })
			for _, g := range list {
				if _, err := tx.ExecContext(ctx, "DELETE FROM sighting WHERE indicator_id = ? AND id = ?", g.Indicator, g.ID); err != nil {
					return err
				}
				g.Host = pseudonym(g.Host)
				g.name()
			}
			changed += len(list)
			return s.putSightings(ctx, tx, list, new(Kept))
		})
		if err != nil || n < sightingChunk {
			return changed, err
		}
	}
}

func sightingsAfter(ctx context.Context, tx *sql.Tx, last [2]string) (list []*Sighting, err error) {
	rows, err := tx.QueryContext(ctx, "SELECT "+sightingColumns+", marks FROM sighting WHERE (indicator_id, id) > (?, ?) ORDER BY indicator_id, id LIMIT ?", last[0], last[1], sightingChunk)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var raw []byte
		g, err := scanSighting(rows, &raw)
		if err != nil {
			return nil, err
		}
		g.Marks.read(raw)
		list = append(list, g)
	}
	return list, rows.Err()
}

// readMeta reads a setting without waiting for a writer.
func (s *Store) readMeta(ctx context.Context, key string) (v string, err error) {
	err = s.read.QueryRowContext(ctx, "SELECT value FROM meta WHERE key = ?", key).Scan(&v)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return v, err
}

// SealedSecret returns a secret that the installation has under a name, opaque to the store, made once.
func (s *Store) SealedSecret(ctx context.Context, name string, make func() string) (string, error) {
	return s.once(ctx, "secret."+name, make)
}
