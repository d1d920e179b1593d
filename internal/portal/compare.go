package portal

import (
	"net/http"
	"slices"
	"strings"

	"dossier/internal/intel"
	"dossier/internal/store"
)

// comparedShown is how much of a cell is in sight.
const comparedShown = 12

// sharedShown is how many common indicators are listed.
const sharedShown = 50

// A compareView is two profiles side by side.
type compareView struct {
	A, B    side
	Both    bool // both were found
	Rows    []compareRow
	Shared  []valueRow
	SharedN int64
}

// A side is what was asked for, and the profiles that it may mean.
type side struct {
	Asked   string
	Dossier *intel.Dossier
	May     []store.ProfileTitle // when it is not one alone
}

// A compareRow is a property of both: what they have in common, and each alone.
type compareRow struct {
	Title        string
	Common, A, B short[string]
}

func (p *portal) compare(r *http.Request) (*page, error) {
	v := &compareView{A: side{Asked: strings.TrimSpace(r.URL.Query().Get("a"))}, B: side{Asked: strings.TrimSpace(r.URL.Query().Get("b"))}}
	for _, s := range []*side{&v.A, &v.B} {
		if err := p.choose(r, s); err != nil {
			return nil, err
		}
	}
	if v.A.Dossier != nil && v.B.Dossier != nil {
		v.Both = true
		v.Rows = compared(v.A.Dossier, v.B.Dossier)
		shared, n, err := p.Store.Shared(r.Context(), v.A.Dossier.Profile.ID, v.B.Dossier.Profile.ID, sharedShown, p.view())
		if err != nil {
			return nil, err
		}
		v.SharedN = n
		for _, i := range shared {
			v.Shared = append(v.Shared, rowOfKnown(i, nil))
		}
	}
	return &page{Template: "compare", Title: "Compare – Dossier", Data: v}, nil
}

// choose finds the profile that a name or id means, if it is one alone.
func (p *portal) choose(r *http.Request, s *side) error {
	if s.Asked == "" {
		return nil
	}
	hits, err := p.Store.ProfilesByName(r.Context(), s.Asked, p.view())
	if err != nil {
		return err
	}
	if len(hits) == 0 {
		if hits, _, err = p.Store.Search(r.Context(), s.Asked, "", 10, p.view()); err != nil {
			return err
		}
	}
	if len(hits) == 1 || len(hits) > 1 && hits[0].Match == "title" && hits[1].Match != "title" {
		s.Dossier, err = p.Store.Dossier(r.Context(), hits[0].ID, p.view())
		return err
	}
	for _, h := range hits {
		s.May = append(s.May, store.ProfileTitle{ID: h.ID, Kind: h.Kind, Title: h.Title})
	}
	return nil
}

// compared are the properties of both that say something.
func compared(a, b *intel.Dossier) []compareRow {
	var rows []compareRow
	add := func(title string, of func(*intel.Dossier) []string) {
		x, y := of(a), of(b)
		if len(x)+len(y) == 0 {
			return
		}
		row := compareRow{Title: title}
		has := func(list []string, s string) bool {
			return slices.ContainsFunc(list, func(o string) bool { return intel.NameKey(o) == intel.NameKey(s) })
		}
		var common, onlyA, onlyB []string
		for _, s := range x {
			if has(y, s) {
				common = appendNew(common, s)
			} else {
				onlyA = appendNew(onlyA, s)
			}
		}
		for _, s := range y {
			if !has(x, s) {
				onlyB = appendNew(onlyB, s)
			}
		}
		row.Common, row.A, row.B = shorten(common, comparedShown), shorten(onlyA, comparedShown), shorten(onlyB, comparedShown)
		rows = append(rows, row)
	}
	add("Names", func(d *intel.Dossier) []string { return append([]string{d.Profile.Title}, d.Profile.Aliases...) })
	add("Origin", func(d *intel.Dossier) (out []string) {
		for _, o := range d.Profile.Origins {
			out = append(out, o.Label)
		}
		return out
	})
	add("Targets", func(d *intel.Dossier) []string { return d.Profile.Targets })
	add("Motives", func(d *intel.Dossier) (out []string) {
		for _, m := range d.Motives {
			out = append(out, m.Value)
		}
		return out
	})
	add("Tools", func(d *intel.Dossier) []string { return titles(d.Tools) })
	add("Used by", func(d *intel.Dossier) []string { return titles(d.Users) })
	add("Techniques", func(d *intel.Dossier) (out []string) {
		for _, t := range d.Techniques {
			out = append(out, strings.TrimSpace(t.ID+" "+t.Name))
		}
		return out
	})
	add("Reports cited", func(d *intel.Dossier) (out []string) {
		for _, r := range d.References {
			if r.Value.Title != "" {
				out = append(out, r.Value.Title)
			}
		}
		return out
	})
	add("Sources", func(d *intel.Dossier) (out []string) {
		for _, r := range d.Records {
			out = append(out, intel.PublisherOf(r.Publisher).Title)
		}
		return out
	})
	return rows
}

func titles(links []intel.ProfileLink) (out []string) {
	for _, l := range links {
		if l.Title != "" {
			out = append(out, l.Title)
		}
	}
	return out
}

// curlOf returns a command line for a path that is not Graph's.
func curlOf(address string, params ...string) string {
	line := "curl -G " + shellQuote(address)
	for _, param := range params {
		line += " --data-urlencode " + shellQuote(param)
	}
	return line
}
