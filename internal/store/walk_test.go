package store

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"

	"dossier/internal/intel"
	"dossier/internal/observable"
	"dossier/internal/odata"
)

// A churn is a store in which some rows never change while others come, change
// and go.
type churn struct {
	t     *testing.T
	s     *Store
	r     *rand.Rand
	fixed []*Derived
	n     int
}

func newChurn(t *testing.T) *churn {
	s, _ := testStore(t)
	c := &churn{t: t, s: s, r: rand.New(rand.NewPCG(3, 4))}
	for n := range randomProfiles {
		c.fixed = append(c.fixed, derivedOf(randomProfile(c.r, fmt.Sprintf("%02x", n*89%256)), randomSubject(n)))
	}
	var list []*intel.Observation
	for n := range 60 {
		o := c.observation(fmt.Sprintf("fixed%d.example", n))
		if n%3 == 0 {
			o.Observable = observable.Observable{Kind: pick(c.r, []observable.Kind{observable.Other, observable.FileName}), Value: fmt.Sprintf("fixed %s%d", randomText(c.r), n/6)}
		}
		o.Subjects = []intel.Ref{randomSubject(c.r.IntN(4))}
		list = append(list, o)
	}
	c.write(nil, list)
	return c
}

func (c *churn) observation(name string) *intel.Observation {
	o := &intel.Observation{
		Publisher: "p", Observable: observable.Observable{Kind: observable.Domain, Value: name},
		Source: pick(c.r, []intel.IndicatorSource{intel.SourceOSINT, intel.SourceMicrosoft}), FirstSeen: intel.Date{At: randomTime(c.r), Basis: intel.BasisStated},
	}
	if c.r.IntN(2) == 0 {
		o.LastSeen = randomTime(c.r)
	}
	return o
}

func (c *churn) write(extra []*Derived, list []*intel.Observation) {
	c.t.Helper()
	batch(c.t, c.s, FromImport, func(b *Batch) {
		for _, o := range list {
			if err := b.Observe(c.t.Context(), o); err != nil {
				c.t.Fatal(err)
			}
		}
	})
	if _, _, err := c.s.PutDerived(c.t.Context(), append(slices.Clone(c.fixed), extra...), nil); err != nil {
		c.t.Fatal(err)
	}
	if _, err := c.s.FoldIndicators(c.t.Context(), nil); err != nil {
		c.t.Fatal(err)
	}
}

// step makes some rows, changes others and drops the rest.
func (c *churn) step() {
	c.n++
	var extra []*Derived
	for range c.r.IntN(5) {
		id := fmt.Sprintf("%02xx", c.r.IntN(256)) // among the others in every order
		if !slices.ContainsFunc(extra, func(d *Derived) bool { return d.ID == id }) {
			extra = append(extra, derivedOf(randomProfile(c.r, id), randomSubject(900+len(extra))))
		}
	}
	var list []*intel.Observation
	for range 3 {
		o := c.observation(fmt.Sprintf("other%d.example", c.r.IntN(40)))
		o.Revoked, o.Modified = c.r.IntN(3) == 0, intel.Time(c.n)
		if c.r.IntN(2) == 0 {
			o.Observable = observable.Observable{Kind: observable.Other, Value: fmt.Sprintf("other%d", c.r.IntN(40))}
		}
		o.Subjects = []intel.Ref{randomSubject(900 + c.r.IntN(4))}
		list = append(list, o)
	}
	c.write(extra, list)
}

// TestPagesUnderWrites follows the pages of every order that the table offers, in
// several sizes, while others write: rows that do not change are met once each, in
// the order that odata.Order tells.
func TestPagesUnderWrites(t *testing.T) {
	c := newChurn(t)
	v := View{Ceiling: intel.Red, Mode: All}
	w := readWorld(t, c.s, v)
	for _, typ := range []*odata.Type{Types.Profile, Types.Indicator} {
		rows := w.profiles
		if typ == Types.Indicator {
			rows = w.indicators
		}
		fixed := map[string]bool{}
		for _, r := range rows {
			fixed[r.id] = true
		}
		for _, item := range append(orders(typ), "") {
			for i, direction := range []string{"", " desc"} {
				if item == "" && i > 0 {
					continue
				}
				for _, top := range []int{1, 7, 1000} {
					raw := fmt.Sprintf("$top=%d", top)
					if item != "" {
						raw += "&$orderby=" + url.QueryEscape(item+direction)
					}
					q := query(t, raw, typ)
					want := chosen(t, q, rows)
					var got []string
					for pages := 0; ; pages++ {
						ids, next := c.page(typ, q, v)
						for _, id := range ids {
							if fixed[id] {
								got = append(got, id)
							}
						}
						if next == "" {
							break
						}
						if pages%(1+40/top) == 1 {
							c.step()
						}
						if pages > 5000 {
							t.Fatalf("%s: the pages have no end", raw)
						}
						q.SkipToken = next
					}
					if !slices.Equal(got, want) {
						t.Fatalf("%s: rows that did not change came as\n%v, want\n%v", strings.ReplaceAll(raw, "%2F", "/"), got, want)
					}
				}
			}
		}
	}
}

func (c *churn) page(typ *odata.Type, q *odata.Query, v View) (ids []string, next string) {
	c.t.Helper()
	if typ == Types.Profile {
		page, err := c.s.Profiles(c.t.Context(), q, v)
		if err != nil {
			c.t.Fatal(err)
		}
		for _, p := range page.Items {
			ids = append(ids, p.ID)
		}
		return ids, page.Next
	}
	page, err := c.s.Indicators(c.t.Context(), q, v)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, i := range page.Items {
		ids = append(ids, i.ID)
	}
	return ids, page.Next
}
