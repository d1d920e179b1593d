package store

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"dossier/internal/intel"
	"dossier/internal/observable"
	"dossier/internal/odata"
)

// What random data is made of: case pairs of one, two and three, letters whose
// other case is of another length or another letter, what LIKE, SQL, OData and JSON
// escape, and the ends of ranges of code points.
var textParts = []string{
	"a", "A", "b", "B", "aa", "x", "é", "É", "ß", "ẞ", "ſ", "s", "S", "k", "K", "\u212a", "İ", "i", "ı", "I", "σ", "ς", "Σ", "ǆ", "ǅ", "Ǆ",
	"%", "_", `\`, "'", `"`, "日本", "😀", "\ud7ff", "\ue000", "\U0010ffff", "\ufffd", " ", "\u2028", "<&>", "$$", "/", "1",
}

func randomText(r *rand.Rand) string {
	var b strings.Builder
	for range r.IntN(4) {
		b.WriteString(textParts[r.IntN(len(textParts))])
	}
	return b.String()
}

// randomContent is now and then longer than what it is sorted by.
func randomContent(r *rand.Rand) string {
	if r.IntN(3) > 0 {
		return randomText(r)
	}
	return strings.Repeat("Lorem Straße ", r.IntN(8)) + randomText(r)
}

// flip changes the case of some letters.
func flip(r *rand.Rand, s string) string {
	return strings.Map(func(c rune) rune {
		switch r.IntN(4) {
		case 0:
			return []rune(odata.Upper(string(c)))[0]
		case 1:
			return []rune(odata.Lower(string(c)))[0]
		}
		return c
	}, s)
}

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

var randomNow = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func randomTime(r *rand.Rand) intel.Time {
	return intel.TimeOf(randomNow) + intel.Time(r.IntN(6)-4)*1000
}

func randomSubject(n int) intel.Ref { return intel.Ref{Publisher: "p", Key: fmt.Sprint(n)} }

func randomProfile(r *rand.Rand, id string) *intel.Dossier {
	p := intel.Profile{
		ODataType: intel.ProfileType, ID: id, Kind: pick(r, []intel.Kind{intel.Actor, intel.Tool}), Title: randomText(r), FirstActive: randomTime(r),
		Aliases: []string{}, Targets: []string{}, Origins: []intel.CountryOfOrigin{},
		Summary: intel.Text(randomContent(r)), Description: intel.Markdown(randomContent(r)),
	}
	p.Summary.Format = pick(r, []string{"text", "html", "markdown"})
	for range r.IntN(4) {
		p.Aliases = append(p.Aliases, randomText(r))
	}
	for range r.IntN(3) {
		p.Targets = append(p.Targets, randomText(r))
	}
	for range r.IntN(3) {
		p.Origins = append(p.Origins, intel.CountryOfOrigin{ODataType: intel.OriginType, Label: randomText(r), Code: pick(r, []string{"RU", "CN", "", "ru"})})
	}
	if r.IntN(2) == 0 {
		t := intel.Markdown(randomContent(r))
		p.Tradecraft = &t
	}
	return &intel.Dossier{Profile: p}
}

const randomProfiles = 24

// randomData fills a store with profiles and indicators of every marking.
func randomData(t testing.TB, s *Store, r *rand.Rand) {
	t.Helper()
	ctx := context.Background()
	var list []*Derived
	for n := range randomProfiles {
		id := fmt.Sprintf("%02x", n*89%256)
		for lo := intel.TLP(r.IntN(3) * r.IntN(2)); lo <= intel.Red; {
			hi := intel.Red
			if r.IntN(3) == 0 {
				hi = min(intel.Red, lo+intel.TLP(r.IntN(3)))
			}
			d := randomProfile(r, id)
			list = append(list, &Derived{ID: id, Lo: lo, Hi: hi, Members: []intel.Ref{randomSubject(n)}, Fold: func() *intel.Dossier { return d }})
			lo = hi + 1
		}
	}
	domains := []string{"a.example", "b.a.example", "c.b.a.example", "xn--80ak6aa92e.example", "d.example", "ab.example", "e.test"}
	values := []observable.Observable{
		{Kind: observable.IPAddress, Value: "192.0.2.1"},
		{Kind: observable.IPAddress, Value: "192.0.2.10"},
		{Kind: observable.IPAddress, Value: "2001:db8::1"},
		{Kind: observable.Other, Value: "a.example"},
		{Kind: observable.Mutex, Value: "a.example"},
		{Kind: observable.Other, Value: "192.0.2.1"},
		{Kind: observable.SHA256, Value: strings.Repeat("0f", 32)},
		{Kind: observable.URL, Value: "http://a.example/" + strings.Repeat("x", 150)},
		{Kind: observable.URL, Value: "http://a.example/" + strings.Repeat("x", 150) + "y"},
	}
	for _, d := range domains {
		values = append(values, observable.Observable{Kind: observable.Domain, Value: d})
	}
	for range 20 {
		if text := strings.TrimSpace(randomText(r)); text != "" {
			values = append(values, observable.Observable{Kind: pick(r, []observable.Kind{observable.Other, observable.Mutex, observable.FileName}), Value: text})
		}
	}
	batch(t, s, FromImport, func(b *Batch) {
		for range 6 * len(values) {
			o := &intel.Observation{
				Publisher: pick(r, []string{"p", "q"}), Observable: pick(r, values), TLP: intel.TLP(r.IntN(int(intel.Red)+1) * r.IntN(2)), Revoked: r.IntN(5) == 0,
				Source: pick(r, []intel.IndicatorSource{intel.SourceOSINT, intel.SourceMicrosoft, intel.SourcePublic}),
			}
			if r.IntN(4) > 0 {
				o.FirstSeen = intel.Date{At: randomTime(r), Basis: pick(r, []intel.Basis{intel.BasisStated, intel.BasisEvent, intel.BasisFile})}
			}
			if r.IntN(2) == 0 {
				o.LastSeen = randomTime(r)
			}
			if r.IntN(2) == 0 {
				o.ValidUntil = randomTime(r) + 2000
			}
			for range r.IntN(4) {
				o.Subjects = append(o.Subjects, randomSubject(r.IntN(randomProfiles)))
			}
			slices.SortFunc(o.Subjects, func(a, b intel.Ref) int { return strings.Compare(a.Key, b.Key) })
			o.Subjects = slices.Compact(o.Subjects)
			if err := b.Observe(ctx, o); err != nil {
				t.Fatal(err)
			}
		}
	})
	if _, _, err := s.PutDerived(ctx, list, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := s.FoldIndicators(ctx, nil); err != nil {
		t.Fatal(err)
	}
}

// A world is what a view shows of a store, read without any filter.
type world struct {
	profiles, indicators []row
	linked               map[string][]row    // the indicators of each profile
	texts                map[string][]string // that occur, by the name of the property; "" has all
}

func (w *world) text(property string, texts ...string) {
	w.texts[property] = append(w.texts[property], texts...)
	w.texts[""] = append(w.texts[""], texts...)
}

// A row is an entity as expressions see it, and as sorting does: with texts cut.
type row struct {
	id        string
	full, cut odata.MapRow
}

// everything walks all pages of a list.
func everything[T any](t testing.TB, typ *odata.Type, raw string, next func(*odata.Query) (*Page[T], error)) (all []T, count int64) {
	t.Helper()
	q := query(t, raw, typ)
	count = -1
	for {
		page, err := next(q)
		if err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		if page.Count >= 0 {
			count = page.Count
		}
		all = append(all, page.Items...)
		if page.Next == "" {
			return all, count
		}
		q.SkipToken = page.Next
	}
}

func readWorld(t testing.TB, s *Store, v View) *world {
	t.Helper()
	ctx := context.Background()
	w := &world{texts: map[string][]string{}, linked: map[string][]row{}}
	profiles, _ := everything(t, Types.Profile, "$top=1000", func(q *odata.Query) (*Page[*Profile], error) { return s.Profiles(ctx, q, v) })
	for _, stored := range profiles {
		p, err := stored.Decode()
		if err != nil {
			t.Fatal(err)
		}
		indicators, _ := everything(t, Types.Indicator, "$top=1000", func(q *odata.Query) (*Page[*Indicator], error) { return s.ProfileIndicators(ctx, p.ID, q, v) })
		var rows []odata.Row
		for _, i := range indicators {
			r := row{i.ID, indicatorRow(t, s, i, v, whole), indicatorRow(t, s, i, v, firstRunes)}
			w.linked[p.ID] = append(w.linked[p.ID], r)
			rows = append(rows, r.full)
		}
		origins := []odata.Row{}
		for _, o := range p.Origins {
			origins = append(origins, odata.MapRow{Of: originSet.typ, Values: map[string]any{"label": o.Label, "code": o.Code}})
			w.text("label", o.Label)
			w.text("code", o.Code)
		}
		make := func(cut func(string, int) string) odata.MapRow {
			content := func(c *intel.FormattedContent) any {
				if c == nil {
					return nil
				}
				return odata.MapRow{Of: Types.Profile.Property("summary").Type, Values: map[string]any{"content": cut(c.Content, sortPrefix), "format": c.Format}}
			}
			return odata.MapRow{Of: Types.Profile, Values: map[string]any{
				"id": p.ID, "kind": string(p.Kind), "title": p.Title, "firstActiveDateTime": int64(p.FirstActive), "aliases": p.Aliases, "targets": p.Targets,
				"countriesOrRegionsOfOrigin": origins, "summary": content(&p.Summary), "description": content(&p.Description),
				"tradecraft": content(p.Tradecraft), "indicators": rows,
			}}
		}
		w.profiles = append(w.profiles, row{p.ID, make(whole), make(firstRunes)})
		w.text("id", p.ID)
		w.text("title", p.Title)
		w.text("aliases", p.Aliases...)
		w.text("targets", p.Targets...)
		w.text("content", p.Summary.Content, p.Description.Content)
		if p.Tradecraft != nil {
			w.text("content", p.Tradecraft.Content)
		}
	}
	indicators, _ := everything(t, Types.Indicator, "$top=1000", func(q *odata.Query) (*Page[*Indicator], error) { return s.Indicators(ctx, q, v) })
	for _, i := range indicators {
		w.indicators = append(w.indicators, row{i.ID, indicatorRow(t, s, i, v, whole), indicatorRow(t, s, i, v, firstRunes)})
		w.text("id", i.ID, Artifact(i.Observable).ID)
		w.text("value", i.Observable.Value)
		w.text("kind", string(i.Observable.Kind))
	}
	return w
}

func whole(s string, _ int) string { return s }

// indicatorRow builds what is served of an indicator; a host's dates come from
// the evidence, as the host's own resource has them.
func indicatorRow(t testing.TB, s *Store, i *Indicator, v View, cut func(string, int) string) odata.MapRow {
	a := Artifact(i.Observable)
	typ := Types.Indicator.Property("artifact").Type.Cast(strings.TrimPrefix(a.ODataType, "#"))
	values := map[string]any{"id": cut(a.ID, sortPrefix), "kind": a.Kind, "value": cut(a.Value, sortPrefix)}
	if a.Kind == "" {
		evidence, err := s.Evidence(context.Background(), i.ID, v)
		if err != nil {
			t.Fatal(err)
		}
		var first, last intel.Time
		for _, e := range evidence {
			if at := e.FirstSeen.At; IsSighting(e.FirstSeen.Basis) && (first == 0 || at < first) {
				first = at
			}
			last = max(last, e.LastSeen)
		}
		if first != 0 {
			values["firstSeenDateTime"] = int64(first)
		}
		if last != 0 {
			values["lastSeenDateTime"] = int64(last)
		}
	}
	row := odata.MapRow{Of: Types.Indicator, Values: map[string]any{
		"id": i.ID, "source": string(i.Source), "firstSeenDateTime": int64(i.FirstSeen), "artifact": odata.MapRow{Of: typ, Values: values},
	}}
	if i.LastSeen != 0 {
		row.Values["lastSeenDateTime"] = int64(i.LastSeen)
	}
	return row
}
