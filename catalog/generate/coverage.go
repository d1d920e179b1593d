package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"dossier/catalog"
	"dossier/internal/ingest"
	"dossier/internal/intel"
	"dossier/internal/odata"
	"dossier/internal/store"
)

// Floors that the catalogue must reach.
const (
	minIndicators    = 10_000
	minLinked        = 60
	minActorsWithInd = 150
	minOrigin        = 40 // per cent of the actors
	minTargets       = 20
	minDated         = 40 // first active by something better than the record's own creation
)

// coverage loads the catalogue as any database does, counts, and returns the
// report. The error names the floors that are missed.
func coverage(ctx context.Context, data []byte) (string, error) {
	dir, err := os.MkdirTemp("", "dossier-catalogue-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	s, _, err := store.Open(ctx, filepath.Join(dir, "c.db"), store.Options{Create: true})
	if err != nil {
		return "", err
	}
	defer s.Close()
	im := &ingest.Importer{Store: s}
	res, err := im.Load(ctx, bytes.NewReader(data), "catalogue")
	if err != nil {
		return "", err
	}
	v := store.View{Ceiling: intel.Clear}
	totals, err := s.Totals(ctx, v)
	if err != nil {
		return "", err
	}
	c, err := counts(ctx, s, v)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# What the catalogue covers\n\nMade by `go run ./catalog/generate`; do not edit.\n\n")
	fmt.Fprintf(&b, "%d bytes, version %s. %d actors, %d tools, %d indicators; %d profiles have at least one indicator.\n\n", len(data), catalog.VersionOf(data), totals.Actors, totals.Tools, totals.Indicators, totals.LinkedProfiles)
	fmt.Fprintf(&b, "| of the actors | number | share | floor |\n|---|---|---|---|\n")
	missed := []string{}
	row := func(what string, n, floorNumber, floorShare int) {
		share := 100 * float64(n) / float64(max(c.actors, 1))
		floor := ""
		switch {
		case floorNumber > 0:
			floor = fmt.Sprint(floorNumber)
		case floorShare > 0:
			floor = fmt.Sprintf("%d %%", floorShare)
		}
		if n < floorNumber || floorShare > 0 && share < float64(floorShare) {
			missed = append(missed, what)
		}
		fmt.Fprintf(&b, "| %s | %d | %.1f %% | %s |\n", what, n, share, floor)
	}
	row("with an indicator", c.withIndicator, minActorsWithInd, 0)
	row("with an origin", c.origin, 0, minOrigin)
	row("with a target", c.targets, 0, minTargets)
	row("first active by better than the entry's creation", c.dated, 0, minDated)
	row("with techniques", c.techniques, 0, 0)
	row("with tools", c.tools, 0, 0)
	row("with an affiliation", c.affiliation, 0, 0)
	row("with a law-enforcement measure", c.law, 0, 0)
	if totals.Indicators < minIndicators {
		missed = append(missed, "indicators")
	}
	if totals.LinkedProfiles < minLinked {
		missed = append(missed, "profiles with indicators")
	}
	fmt.Fprintf(&b, "\nFirst active, by what the date rests on: %s.\n\n", bases(c.basis))
	fmt.Fprintf(&b, "| source | records | indicators | licence |\n|---|---|---|---|\n")
	for _, line := range sources(res) {
		b.WriteString(line)
	}
	if len(missed) > 0 {
		return b.String(), fmt.Errorf("floors missed: %s\n\n%s", strings.Join(missed, ", "), b.String())
	}
	return b.String(), nil
}

type count struct {
	actors, withIndicator, origin, targets, dated, techniques, tools, affiliation, law int
	basis                                                                              map[intel.Basis]int
}

func counts(ctx context.Context, s *store.Store, v store.View) (c count, err error) {
	c.basis = map[intel.Basis]int{}
	q, err := odata.ParseQuery("$top=1000&$filter=kind%20eq%20'actor'", store.Types.Profile, odata.Options{Allow: odata.AllowCollection})
	if err != nil {
		return c, err
	}
	none, err := odata.ParseQuery("", store.Types.Indicator, odata.Options{Allow: odata.AllowCollection})
	if err != nil {
		return c, err
	}
	for {
		page, err := s.Profiles(ctx, q, v)
		if err != nil {
			return c, err
		}
		for _, p := range page.Items {
			d, err := s.Dossier(ctx, p.ID, v)
			if err != nil {
				return c, err
			}
			n, err := s.ProfileIndicatorCount(ctx, p.ID, none, v)
			if err != nil {
				return c, err
			}
			c.add(d, n)
		}
		if page.Next == "" {
			return c, nil
		}
		q.SkipToken = page.Next
	}
}

func (c *count) add(d *intel.Dossier, indicators int64) {
	yes := func(n *int, b bool) {
		if b {
			*n++
		}
	}
	c.actors++
	basis := d.FirstActive.Value.Basis
	c.basis[basis]++
	yes(&c.withIndicator, indicators > 0)
	yes(&c.origin, len(d.Profile.Origins) > 0)
	yes(&c.targets, len(d.Profile.Targets) > 0)
	yes(&c.dated, basis.Rung() < intel.BasisCreated.Rung())
	yes(&c.techniques, len(d.Techniques) > 0)
	yes(&c.tools, len(d.Tools) > 0)
	yes(&c.affiliation, len(d.Affiliations) > 0)
	yes(&c.law, slices.ContainsFunc(d.Events, func(e intel.Sourced[intel.Event]) bool { return e.Value.Type == "law-enforcement" }))
}

func bases(m map[intel.Basis]int) string {
	var list []intel.Basis
	for b := range m {
		list = append(list, b)
	}
	slices.SortFunc(list, func(a, b intel.Basis) int { return a.Rung() - b.Rung() })
	var parts []string
	for _, b := range list {
		parts = append(parts, fmt.Sprintf("%s %d", b, m[b]))
	}
	return strings.Join(parts, ", ")
}

// sources sums the sections by publisher.
func sources(res *ingest.Result) []string {
	type sum struct{ records, indicators int }
	sums := map[string]*sum{}
	for _, f := range res.Files {
		for _, d := range f.Datasets {
			if sums[d.Publisher] == nil {
				sums[d.Publisher] = &sum{}
			}
		}
		if len(f.Datasets) > 0 {
			s := sums[f.Datasets[0].Publisher]
			s.records += f.Counts.Records.Read
			s.indicators += f.Counts.Indicators.Read
		}
	}
	var lines []string
	for _, id := range sortedKeys(sums) {
		p := intel.PublisherOf(id)
		lines = append(lines, fmt.Sprintf("| %s (`%s`) | %d | %d | %s |\n", p.Title, id, sums[id].records, sums[id].indicators, p.Licence))
	}
	return lines
}
