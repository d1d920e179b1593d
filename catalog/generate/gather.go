package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"dossier/internal/facts"
	"dossier/internal/intel"
	"dossier/internal/lists"
	"dossier/internal/misp"
	"dossier/internal/stix"
)

// collector keeps what a decoder reads.
type collector struct {
	records      []*intel.Record
	observations []*intel.Observation
}

func (c *collector) Record(r *intel.Record) error { c.records = append(c.records, r); return nil }

func (c *collector) Observation(o *intel.Observation) error {
	c.observations = append(c.observations, o)
	return nil
}
func (*collector) Article(*intel.Article) error { return nil }
func (*collector) Pattern(*intel.Pattern) error { return nil }
func (c *collector) Reject(intel.Reject)        {}

// gather decodes all sources into sections.
func gather(ctx context.Context, corpus string) ([]*section, error) {
	var out []*section
	for _, src := range recordSources {
		s, err := recordSection(ctx, corpus, src)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	known := titles(out)
	reports := map[string]*section{}
	for _, src := range reportSources {
		if err := reportSection(ctx, corpus, src, reports); err != nil {
			return nil, err
		}
	}
	for _, id := range sortedKeys(reports) {
		out = append(out, reports[id])
	}
	trails, err := maltrail(ctx, corpus, known)
	if err != nil {
		return nil, err
	}
	out = append(out, trails...)
	for _, s := range out {
		for _, r := range s.records {
			slim(r)
		}
		slices.SortFunc(s.records, func(a, b *intel.Record) int { return cmp.Compare(a.Ref.String(), b.Ref.String()) })
		slices.SortStableFunc(s.observations, func(a, b *intel.Observation) int {
			return cmp.Or(cmp.Compare(a.Observable.Kind, b.Observable.Kind), cmp.Compare(a.Observable.Value, b.Observable.Value))
		})
	}
	return out, nil
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func decode(ctx context.Context, corpus, file, format, publisher string) (*collector, intel.Dataset, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, intel.Dataset{}, err
	}
	defer f.Close()
	c := &collector{}
	rel, err := filepath.Rel(corpus, file)
	if err != nil {
		return nil, intel.Dataset{}, err
	}
	rel = filepath.ToSlash(rel)
	var ds intel.Dataset
	switch format {
	case "stix":
		ds, err = stix.Decode(ctx, f, stix.Options{Publisher: publisher, Path: rel}, c)
	case "misp":
		ds, err = misp.Decode(ctx, f, misp.Options{Publisher: publisher, Path: rel, NotAfter: day(maltrailDay)}, c)
	default:
		ds, err = lists.Decode(ctx, f, lists.Options{Publisher: publisher, Path: rel, NotAfter: day(maltrailDay)}, c)
	}
	if err != nil {
		return nil, ds, fmt.Errorf("%s: %w", rel, err)
	}
	return c, ds, nil
}

func recordSection(ctx context.Context, corpus string, src source) (*section, error) {
	c, ds, err := decode(ctx, corpus, filepath.Join(corpus, filepath.FromSlash(src.pattern)), src.format, src.publisher)
	if err != nil {
		return nil, err
	}
	if ds.Released == 0 && src.released != "" {
		ds.Released = day(src.released)
	}
	if ds.Released == 0 || !ds.Snapshot {
		return nil, fmt.Errorf("%s: no dated snapshot: %+v", src.pattern, ds)
	}
	s := &section{ds: ds}
	for _, r := range c.records {
		facts.Enrich(r)
		s.records = append(s.records, r)
	}
	return s, nil
}

// titles are the names under which profiles are known, to choose tools by.
func titles(sections []*section) map[string]bool {
	m := map[string]bool{}
	for _, s := range sections {
		for _, r := range s.records {
			if r.Kind != intel.Tool || !r.Live() {
				continue
			}
			m[intel.NameKey(r.Title)] = true
			for _, n := range r.Names {
				m[intel.NameKey(n.Value)] = true
			}
		}
	}
	return m
}

var pathDay = regexp.MustCompile(`(20\d\d)-(\d\d)-(\d\d)`)

func day(s string) intel.Time {
	t, err := time.Parse("2006-01-02", s)
	if err != nil {
		panic(err) // constants of this program, and what pathDay matches
	}
	return intel.TimeOf(t)
}

// reportSection adds the dated, linked indicators of the files to the section
// of their publisher.
func reportSection(ctx context.Context, corpus string, src source, out map[string]*section) error {
	files, err := filepath.Glob(filepath.Join(corpus, filepath.FromSlash(src.pattern)))
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return fmt.Errorf("%s: no such files", src.pattern)
	}
	s, ok := out[src.publisher]
	if !ok {
		s = &section{ds: intel.Dataset{Publisher: src.publisher, Released: day(src.released)}}
		out[src.publisher] = s
	}
	for _, file := range files {
		c, _, err := decode(ctx, corpus, file, src.format, src.publisher)
		var broken *intel.SyntaxError
		if errors.As(err, &broken) {
			continue // a file that is cut off at its source
		}
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(corpus, file)
		if err != nil {
			return err
		}
		s.add(c, filepath.ToSlash(rel), src)
	}
	return nil
}

func (s *section) add(c *collector, rel string, src source) {
	about, ok := subjectOf(src.subjects, rel)
	var mention *intel.Record
	if ok && about.name != "" {
		mention = &intel.Record{
			Ref:  intel.Ref{Publisher: src.publisher, Key: "mention:" + string(about.kind) + ":" + intel.NameKey(about.name)},
			Kind: about.kind, Title: about.name, Mention: true,
		}
	}
	used := map[intel.Ref]bool{}
	taken := 0
	for _, o := range c.observations {
		if mention != nil && len(o.Subjects) == 0 {
			o.Subjects = []intel.Ref{mention.Ref}
		}
		if len(o.Subjects) == 0 || o.Revoked {
			continue
		}
		if o.FirstSeen.IsZero() && ok && about.day != "" {
			at := about.day
			if at == "path" {
				at = pathDay.FindString(rel)
			}
			o.FirstSeen = intel.Date{At: day(at), Precision: intel.Day, Basis: intel.BasisEvent}
		}
		if o.FirstSeen.IsZero() || taken == perReport {
			continue
		}
		taken++
		for _, ref := range o.Subjects {
			used[ref] = true
		}
		s.observations = append(s.observations, o)
	}
	if mention != nil && used[mention.Ref] {
		s.addRecord(mention)
	}
	for _, r := range c.records {
		if used[r.Ref] {
			s.addRecord(r)
		}
	}
}

func (s *section) addRecord(r *intel.Record) {
	if !slices.ContainsFunc(s.records, func(have *intel.Record) bool { return have.Ref == r.Ref }) {
		s.records = append(s.records, r)
	}
}

func subjectOf(list []subject, rel string) (subject, bool) {
	for _, s := range list {
		for p := rel; p != "." && p != "/"; p = path.Dir(p) {
			if ok, err := path.Match(s.pattern, p); ok && err == nil {
				return s, true
			}
		}
	}
	return subject{}, false
}

// maltrail makes a section of each trail file that is about an actor, or about
// a tool that another source describes too.
func maltrail(ctx context.Context, corpus string, known map[string]bool) ([]*section, error) {
	files, err := filepath.Glob(filepath.Join(corpus, "maltrail", "trails", "static", "malware", "*.txt"))
	if err != nil {
		return nil, err
	}
	slices.Sort(files)
	var out []*section
	for _, file := range files {
		c, ds, err := decode(ctx, corpus, file, "list", "")
		if err != nil {
			return nil, err
		}
		if len(c.records) == 0 {
			continue
		}
		r := c.records[0]
		limit := maltrailPerActor
		if r.Kind == intel.Tool {
			limit = maltrailPerTool
			if !isKnown(r, known) {
				continue
			}
		}
		ds.Released = day(maltrailDay)
		s := &section{ds: ds, records: c.records}
		s.observations = newest(c.observations, limit)
		if len(s.observations) == 0 && r.Kind == intel.Actor {
			for _, o := range c.observations {
				o.FirstSeen = intel.Date{At: ds.Released, Precision: intel.Day, Basis: intel.BasisFile}
			}
			s.observations = newest(c.observations, maltrailUndated)
		}
		if len(s.observations) == 0 && r.Kind == intel.Tool {
			continue
		}
		for _, rec := range s.records {
			facts.Enrich(rec)
			rec.References = nil // each value names the one that it comes from
		}
		out = append(out, s)
	}
	return out, nil
}

func isKnown(r *intel.Record, known map[string]bool) bool {
	if known[intel.NameKey(r.Title)] {
		return true
	}
	return slices.ContainsFunc(r.Names, func(n intel.Name) bool { return known[intel.NameKey(n.Value)] })
}

// newest returns the dated values, the newest first, at most limit of them;
// each value once.
func newest(list []*intel.Observation, limit int) []*intel.Observation {
	var dated []*intel.Observation
	seen := map[string]bool{}
	for _, o := range list {
		key := string(o.Observable.Kind) + o.Observable.Value
		if o.FirstSeen.IsZero() || o.FirstSeen.Basis == intel.BasisImport || seen[key] {
			continue
		}
		seen[key] = true
		dated = append(dated, o)
	}
	slices.SortStableFunc(dated, func(a, b *intel.Observation) int {
		return cmp.Or(cmp.Compare(b.FirstSeen.At, a.FirstSeen.At), cmp.Compare(a.Observable.Value, b.Observable.Value))
	})
	if len(dated) > limit {
		dated = dated[:limit]
	}
	return dated
}

// slim leaves the facts of a record and takes away its prose.
func slim(r *intel.Record) {
	r.Description = ""
	for i := range r.Links {
		r.Links[i].Text = ""
		r.Links[i].References = nil
	}
}
