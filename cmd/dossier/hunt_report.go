package main

import (
	"context"
	"encoding/csv"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"dossier/internal/export"
	"dossier/internal/hunt"
	"dossier/internal/intel"
	"dossier/internal/observable"
	"dossier/internal/publish"
	"dossier/internal/store"
)

// A huntMatch is a match as --json prints it.
type huntMatch struct {
	File        string               `json:"file"`
	Line        int64                `json:"line"`
	Offset      int64                `json:"offset"` // of the line in the text of the file
	Time        string               `json:"time,omitempty"`
	Source      string               `json:"source,omitempty"`
	Destination string               `json:"destination,omitempty"`
	Field       string               `json:"field,omitempty"`
	Direction   hunt.Direction       `json:"direction,omitempty"`
	Indicator   huntIndicator        `json:"indicator"`
	Relation    hunt.Relation        `json:"relation"`
	Profiles    []store.ProfileTitle `json:"profiles,omitempty"`
	Text        string               `json:"text"`
}

type huntIndicator struct {
	ID         string          `json:"id"`
	Kind       observable.Kind `json:"kind"`
	Value      string          `json:"value"`
	Confidence int             `json:"confidence"`
	Publishers []string        `json:"publishers,omitempty"`
}

// print writes a match, where each is printed.
func (h *huntRun) print(name string, f *hunt.Found, m hunt.Match, e hunt.Event, k *huntKnown) error {
	if !h.json && !h.csv && !h.follow {
		return nil
	}
	when := ""
	if !e.Time.IsZero() {
		when = e.Time.UTC().Format(time.RFC3339Nano)
	}
	text := strings.ToValidUTF8(excerpt(f.Text, m.Offset, maxText), "\uFFFD")
	switch {
	case h.json:
		return h.printJSON(huntMatch{
			File: name, Line: f.Number, Offset: f.At, Time: when, Source: e.Source, Destination: e.Destination, Field: e.Field, Direction: e.Direction(m.Observable.Value),
			Indicator: huntIndicator{k.id, m.Observable.Kind, m.Observable.Value, k.confidence, k.publishers},
			Relation:  m.Relation, Profiles: k.profiles, Text: text,
		})
	case h.csv:
		w := csv.NewWriter(h.out)
		_ = w.Write([]string{
			name, strconv.FormatInt(f.Number, 10), when, e.Source, e.Destination, e.Field, string(m.Observable.Kind), cell(m.Observable.Value), string(m.Relation),
			strconv.Itoa(k.confidence), cell(titlesOf(k.profiles)), cell(text), string(e.Direction(m.Observable.Value)),
		})
		w.Flush()
		return w.Error()
	}
	_, err := fmt.Fprintf(h.out, "%s:%d: %s %s  %s\n", clean(name), f.Number, h.out.bold(red, clean(observable.Defang(m.Observable))), h.out.bold(magenta, clean(titlesOf(k.profiles))), clean(text))
	return err
}

// cell keeps spreadsheets from taking a value for a formula.
func cell(s string) string {
	if s != "" && strings.IndexByte("=+-@\t\r", s[0]) >= 0 {
		return "'" + s
	}
	return s
}

func titlesOf(profiles []store.ProfileTitle) string {
	var titles []string
	for _, p := range profiles {
		titles = append(titles, p.Title)
	}
	return strings.Join(titles, "; ")
}

// A huntGroup is a profile with what was found of it.
type huntGroup struct {
	profile    store.ProfileTitle
	found      []*huntKnown
	confidence int
	lines      int64
}

// groups puts what was found under its profiles, what matters most first: actors before tools before what is tied to neither, then
// by confidence, then by lines.
func (h *huntRun) groups() []*huntGroup {
	byID := map[string]*huntGroup{}
	for _, k := range h.known {
		profiles := k.profiles
		if len(profiles) == 0 {
			profiles = []store.ProfileTitle{{}}
		}
		for _, p := range profiles {
			g := byID[p.ID]
			if g == nil {
				g = &huntGroup{profile: p}
				byID[p.ID] = g
			}
			g.found = append(g.found, k)
			g.confidence = max(g.confidence, k.confidence)
			g.lines += k.lines
		}
	}
	var out []*huntGroup
	for _, g := range byID {
		slices.SortFunc(g.found, func(a, b *huntKnown) int {
			return cmpAll(b.confidence-a.confidence, int(b.lines-a.lines), strings.Compare(a.observable.Value, b.observable.Value))
		})
		out = append(out, g)
	}
	rank := func(g *huntGroup) int {
		switch {
		case g.profile.ID == "":
			return 2
		case g.profile.Kind == intel.Actor:
			return 0
		}
		return 1
	}
	slices.SortFunc(out, func(a, b *huntGroup) int {
		return cmpAll(rank(a)-rank(b), b.confidence-a.confidence, int(b.lines-a.lines), strings.Compare(a.profile.Title, b.profile.Title), strings.Compare(a.profile.ID, b.profile.ID))
	})
	return out
}

func cmpAll(signs ...int) int {
	for _, s := range signs {
		if s != 0 {
			return s
		}
	}
	return 0
}

const (
	maxText        = 4096 // bytes of a line that are printed for programs
	maxFoundListed = 20   // indicators of a profile
	maxHostsListed = 6
)

// report tells a person what was found, or a program nothing that it was not told already.
func (h *huntRun) report() {
	if !h.json && !h.csv && !h.stix && !h.follow {
		for _, g := range h.groups() {
			h.printGroup(g)
		}
	}
	if len(h.skipped) > 0 {
		fmt.Fprintf(h.err, "%s skipped, which are not text (--binary looks into them): %s\n", count(len(h.skipped), "file"), clean(few(h.skipped, 5)))
	}
	if h.json || h.csv || h.stix || h.follow {
		return
	}
	took := time.Since(h.started).Seconds()
	summary := fmt.Sprintf("%s of %s matched, in %s", number64(h.matched), count(int(h.lines), "line"), count(int(h.files), "file"))
	if h.outside > 0 {
		summary += fmt.Sprintf("; %s outside of the time asked for", number64(h.outside))
	}
	if h.opposite > 0 {
		summary += fmt.Sprintf("; %s in the other direction", number64(h.opposite))
	}
	fmt.Fprintf(h.out, "%s; %s in %.1f s, against %s\n", summary, size(h.size), took, count(h.matcher.Stats().Indicators, "indicator"))
}

func (h *huntRun) printGroup(g *huntGroup) {
	title := "tied to no profile"
	if g.profile.ID != "" {
		title = h.out.bold(magenta, clean(g.profile.Title)) + "  " + string(g.profile.Kind)
	}
	head := fmt.Sprintf("%s  %s on %s", title, count(len(g.found), "indicator"), count(int(g.lines), "line"))
	if g.confidence > 0 {
		head += fmt.Sprintf(", confidence up to %d", g.confidence)
	}
	fmt.Fprintln(h.out, head)
	for i, k := range g.found {
		if i == maxFoundListed {
			fmt.Fprintf(h.out, "  … and %s (--json lists all)\n", count(len(g.found)-i, "more indicator"))
			break
		}
		h.printFound(k)
	}
	fmt.Fprintln(h.out)
}

func (h *huntRun) printFound(k *huntKnown) {
	when := ""
	if !k.first.IsZero() {
		when = "  " + k.first.UTC().Format("2006-01-02 15:04:05")
		if !k.last.Equal(k.first) {
			when += " to " + k.last.UTC().Format("2006-01-02 15:04:05")
		}
	}
	kind := string(k.observable.Kind)
	if !k.relations[hunt.Exact] {
		var how []string
		for r := range k.relations {
			how = append(how, string(r))
		}
		slices.Sort(how)
		kind += ", by " + strings.Join(how, ", ")
	}
	if k.confidence > 0 {
		kind += fmt.Sprintf(", confidence %d", k.confidence)
	}
	fmt.Fprintf(h.out, "  %s  %s  %s%s\n", h.out.bold(red, clean(observable.Defang(k.observable))), h.out.paint(grey, kind), count(int(k.lines), "line"), when)
	if len(k.hosts) > 0 {
		var hosts []string
		for host := range k.hosts {
			hosts = append(hosts, host)
		}
		slices.SortFunc(hosts, func(a, b string) int { return cmpAll(int(k.hosts[b].lines-k.hosts[a].lines), strings.Compare(a, b)) })
		more := ""
		if k.moreHosts {
			more = " and more"
		}
		if len(hosts) > maxHostsListed {
			more = fmt.Sprintf(" and %d more", len(hosts)-maxHostsListed)
			hosts = hosts[:maxHostsListed]
		}
		fmt.Fprintf(h.out, "    hosts: %s%s\n", h.out.paint(cyan, clean(strings.Join(hosts, ", "))), more)
	}
	for _, line := range k.shown {
		fmt.Fprintln(h.out, "    "+h.out.paint(grey, clip(clean(strings.ToValidUTF8(line, "")), h.out.columns()-4)))
	}
}

// printSTIX writes what was found as a bundle of STIX.
func (h *huntRun) printSTIX(ctx context.Context) error {
	found := slices.SortedFunc(maps.Values(h.known), func(a, b *huntKnown) int { return strings.Compare(a.id, b.id) })
	left, err := publish.Sightings(ctx, h.store, h.view, h.out, intel.TimeOf(h.now), func(yield func(*store.Indicator, *export.Sighting) error) error {
		for _, k := range found {
			if k.lines == 0 {
				continue
			}
			g := &export.Sighting{
				Indicator: &export.Indicator{ID: k.id, Observable: k.observable}, // unless the database knows more
				Lines:     k.lines, First: intel.TimeOf(k.first), Last: intel.TimeOf(k.last),
			}
			for _, host := range slices.Sorted(maps.Keys(k.hosts)) {
				g.Hosts = append(g.Hosts, k.hosts[host].sighted(host))
			}
			if k.others.lines > 0 {
				g.Hosts = append(g.Hosts, k.others.sighted(""))
			}
			if err := yield(k.indicator, g); err != nil {
				return err
			}
		}
		return nil
	})
	if left > 0 {
		fmt.Fprintf(h.err, "%s left out, of kinds for which STIX has no pattern\n", count(left, "indicator"))
	}
	return err
}

func (t *hostTally) sighted(host string) export.SightedBy {
	return export.SightedBy{Host: host, Lines: t.lines, First: intel.TimeOf(t.first), Last: intel.TimeOf(t.last)}
}

func number64(n int64) string { return number(int(n)) }
