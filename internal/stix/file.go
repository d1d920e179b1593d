package stix

import (
	"fmt"
	"slices"
	"strings"

	"dossier/internal/intel"
)

// file is everything kept of a file, with what relates it.
type file struct {
	opts     Options
	sink     intel.Sink
	snapshot bool   // an ATT&CK release
	copies   bool   // not a release, and others speak in it too: MITRE's objects are copies
	fallback string // publisher of what names no creator

	items      []*item // in file order
	things     map[string]*thing
	relations  []*relation
	loose      []*thing // relationships of what the file lacks: see file.apart
	gone       []*gone
	reports    []*report
	identities map[string]*identity
	locations  map[string]*location
	markings   map[string]*marking
	tactics    map[string]*tactic
	matrices   []*matrix
	collection *collection
	sightings  []*sighting
	seen       map[sightingKey]span2
	attributed map[string]*uniq[pointer] // campaign to the actors that it is attributed to
	indicated  map[string]*uniq[pointer] // indicator to what it indicates
	levels     [intel.Red + 1]bool       // the markings of what ties observables to subjects
	reported   map[string][]*report      // indicator to the reports that list it
	indicators []*indicator
	counts     map[string]int // records and observations by publisher
	released   intel.Time
}

// span2 is a period between two sightings.
type span2 struct{ first, last intel.Time }

// sightingKey is what was sighted, and how the sightings are marked.
type sightingKey struct {
	of  string
	tlp intel.TLP
}

// pointer is a relationship from an indicator to what it indicates, or from a
// campaign to whom it is attributed.
type pointer struct {
	target string
	tlp    intel.TLP
}

// gather sorts the items by type. Of several versions of an object the newest
// counts; of equally new ones the first. Indicators are different: feeds give
// one id to several patterns of the same day, and then all count.
func gather(batches [][]item, o Options, sink intel.Sink) *file {
	f := &file{
		opts: o, sink: sink,
		things: map[string]*thing{}, identities: map[string]*identity{}, locations: map[string]*location{},
		markings: map[string]*marking{}, tactics: map[string]*tactic{}, seen: map[sightingKey]span2{},
		attributed: map[string]*uniq[pointer]{}, indicated: map[string]*uniq[pointer]{}, reported: map[string][]*report{},
		counts: map[string]int{},
	}
	newest := map[string]intel.Time{}
	for _, items := range batches {
		for i := range items {
			it := &items[i]
			if m := metaOf(it.body); m != nil && o.Own != "" && (m.createdBy == o.Own || m.id == o.Own) {
				f.own(it)
				continue
			}
			f.items = append(f.items, it)
			if m := metaOf(it.body); m != nil && m.modified > newest[m.id] {
				newest[m.id] = m.modified
			}
		}
	}
	taken := map[string]bool{} // ids, and ids with patterns
	for _, it := range f.items {
		m := metaOf(it.body)
		if m == nil {
			continue
		}
		key := m.id
		if ind, ok := it.body.(*indicator); ok {
			key += "\x00" + ind.pattern
		}
		if m.modified != newest[m.id] || taken[key] {
			it.body = nil
			continue
		}
		taken[key] = true
		f.add(it.body)
	}
	for _, s := range f.sightings {
		f.sighted(s)
	}
	slices.SortStableFunc(f.reports, func(a, b *report) int { return strings.Compare(a.id, b.id) })
	f.snapshot = f.collection != nil || f.matrices != nil
	f.fallback = f.hint()
	f.copies = !f.snapshot && f.hasOthers()
	return f
}

func metaOf(body any) *meta {
	switch x := body.(type) {
	case *thing:
		return &x.meta
	case *relation:
		return &x.meta
	case *indicator:
		return &x.meta
	case *report:
		return &x.meta
	case *sighting:
		return &x.meta
	case *identity:
		return &x.meta
	case *location:
		return &x.meta
	case *marking:
		return &x.meta
	case *tactic:
		return &x.meta
	case *matrix:
		return &x.meta
	case *collection:
		return &x.meta
	case *gone:
		return &x.meta
	}
	return nil
}

// own rejects what this installation has exported itself. What only relates others counts for nothing.
func (f *file) own(it *item) {
	switch it.body.(type) {
	case *thing, *indicator:
		f.reject(it, "", "exported by this installation", "")
	}
}

func (f *file) add(body any) {
	switch x := body.(type) {
	case *thing:
		f.things[x.id] = x
		f.released = max(f.released, x.modified)
	case *relation:
		f.relations = append(f.relations, x)
		f.released = max(f.released, x.modified)
	case *indicator:
		f.indicators = append(f.indicators, x)
		f.released = max(f.released, x.modified)
	case *report:
		f.reports = append(f.reports, x)
		f.released = max(f.released, x.modified)
	case *sighting:
		f.sightings = append(f.sightings, x)
	case *gone:
		f.gone = append(f.gone, x)
	case *identity:
		f.identities[x.id] = x
	case *location:
		f.locations[x.id] = x
	case *marking:
		f.markings[x.id] = x
	case *tactic:
		f.tactics[x.id] = x
	case *matrix:
		f.matrices = append(f.matrices, x)
	case *collection:
		if f.collection == nil || x.modified > f.collection.modified {
			f.collection = x
		}
	}
}

// sighted widens the period of what was sighted. It is called after all marking
// definitions are known.
func (f *file) sighted(s *sighting) {
	first, last := s.first, max(s.last, s.first)
	if first == 0 {
		first = s.last
	}
	if first == 0 {
		return
	}
	key := sightingKey{s.of, f.tlp(s.markings)}
	seen, ok := f.seen[key]
	if !ok {
		seen = span2{first, last}
	}
	f.seen[key] = span2{min(seen.first, first), max(seen.last, last)}
}

// hasOthers reports whether somebody but MITRE speaks in the file.
func (f *file) hasOthers() bool {
	if len(f.indicators) > 0 || len(f.reports) > 0 {
		return true
	}
	for _, t := range f.things {
		if t.createdBy != mitreIdentity && (t.createdBy != "" || !t.attack) {
			return true
		}
	}
	return false
}

// tlp returns the strictest marking among those given. What a marking means that
// is neither predefined nor in the file nobody knows: it counts as the strictest,
// but for MITRE's copyright, which all who copy from ATT&CK refer to.
func (f *file) tlp(refs []string) intel.TLP {
	strictest := intel.Clear
	for _, ref := range refs {
		tlp, ok := predefinedTLP[ref]
		switch m := f.markings[ref]; {
		case ok:
		case m == nil:
			tlp = intel.Red
		case m.isTLP:
			tlp = m.tlp
		}
		strictest = max(strictest, tlp)
	}
	return strictest
}

// position names an object as an operator finds it.
func (it *item) position(field string) string {
	pos := fmt.Sprintf("objects[%d]", it.index)
	if it.sub >= 0 {
		pos += fmt.Sprintf(".objects[%d]", it.sub)
	}
	if field != "" {
		pos += "." + field
	}
	if it.id != "" {
		pos += " (" + shorten(it.id, 120) + ")"
	}
	return pos
}

func (f *file) reject(it *item, field, reason, sample string) {
	f.sink.Reject(intel.Reject{Position: it.position(field), Reason: reason, Sample: shorten(sample, 120)})
}

// dataset tells what was read. The release is the latest change among the
// objects that count, because STIX 2.0 releases of ATT&CK have no other date
// and must not differ from those in 2.1.
func (f *file) dataset() intel.Dataset {
	d := intel.Dataset{Publisher: f.fallback, Released: f.released}
	if f.snapshot {
		d.Snapshot = true
		for _, m := range f.matrices {
			if strings.HasSuffix(m.name, "-attack") {
				d.Name = m.name
				break
			}
		}
		if c := f.collection; c != nil {
			d.Version = c.version
			for _, domain := range []string{"enterprise", "mobile", "ics"} {
				if d.Name == "" && slices.Contains(strings.Fields(strings.ToLower(c.name)), domain) {
					d.Name = domain + "-attack"
				}
			}
		}
		return d
	}
	if f.opts.Publisher == "" {
		most := 0
		for _, p := range sortedKeys(f.counts) {
			if n := f.counts[p]; n > most {
				d.Publisher, most = p, n
			}
		}
	}
	return d
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
