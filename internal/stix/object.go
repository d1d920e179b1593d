package stix

import (
	"slices"
	"strings"

	"dossier/internal/intel"
)

// An item is what is kept of one object until the whole file is known, because
// relationships come in any order: about 500 bytes and its texts for an object
// that becomes a record, 250 and its text for a relationship, 300 and its
// pattern for an indicator. Texts of references, ids and names that repeat are
// kept once per worker.
type item struct {
	index int // in the file, over all bundles
	sub   int // in a bundle inside a list, else -1
	id    string
	body  any // *thing, *relation, *indicator, *report, *sighting, *identity, *location, *marking, *tactic, *matrix, *collection, *gone
	notes []note
}

// note is something of an object that could not be taken; field is "" for the
// object itself.
type note struct{ field, reason, sample string }

// meta is what objects have in common.
type meta struct {
	typ, id   string
	createdBy string
	markings  []string
	created   intel.Time
	modified  intel.Time
	revoked   bool
	conf      int8 // 1..100, 0 is not stated
}

type thing struct { // an object that becomes a record
	meta
	attack bool // has an ATT&CK id of its own
	rec    intel.Record
	tags   []string           // labels, of intrusion sets
	parts  []intel.Restricted // what relationships say of it, by marking
}

type relation struct {
	meta
	kind, source, target string
	text                 string
	refs                 []intel.Reference
	first                intel.Date
}

type indicator struct {
	meta
	name, description     string
	pattern, patternType  string
	validFrom, validUntil intel.Time
	reference             string
	benign                bool
}

type report struct {
	meta
	name, description string
	refs              []string
	reference         string
	links             []intel.Reference
	labels            []string // and report types
	title             string   // Unit 42 writes it beside a name that is a file's
	published         intel.Time
	playbook, unit42  bool

	named [intel.Red + 1][]string // whose its indicators are; see file.named
	asked [intel.Red + 1]bool
	tlp   intel.TLP // once the marking definitions are known
}

// gone is a version that withdraws a relationship or a sighting: of itself it
// says nothing, but it outdates the versions before it.
type gone struct{ meta }

type sighting struct {
	meta
	of          string
	first, last intel.Time
}

type identity struct {
	meta
	name, class string
	sectors     []string
}

type location struct {
	meta
	kind  intel.TargetKind
	value string
}

type marking struct {
	meta
	tlp   intel.TLP
	isTLP bool
}

type tactic struct {
	meta
	short string
}

type matrix struct {
	meta
	name    string
	tactics []string
}

type collection struct {
	meta
	name, version string
}

// kindOf returns what records of a STIX type are.
func kindOf(typ string) intel.Kind {
	switch typ {
	case "intrusion-set", "threat-actor":
		return intel.Actor
	case "malware", "tool":
		return intel.Tool
	case "campaign":
		return intel.Campaign
	case "attack-pattern":
		return intel.Technique
	}
	return ""
}

// typeOf returns the type that an id begins with.
func typeOf(id string) string {
	typ, _, _ := strings.Cut(id, "--")
	return typ
}

// builder turns raw objects into items. It belongs to one worker.
type builder struct {
	w    wire
	it   *item
	text map[string]string          // strings that repeat
	refs map[string]intel.Reference // by their three texts
	key  []byte

	alike []note // of the object before, if it is a single one
}

func newBuilder() *builder {
	return &builder{text: map[string]string{}, refs: map[string]intel.Reference{}}
}

// maxShared bounds the tables of repeated texts.
const maxShared = 1 << 16

// shared returns the text of a string that is likely to repeat.
func (b *builder) shared(raw []byte) string {
	if len(raw) == 0 {
		return ""
	}
	if s, ok := b.text[string(raw)]; ok {
		return s
	}
	s := strings.TrimSpace(unescape(raw))
	if len(b.text) < maxShared {
		b.text[string(raw)] = s
	}
	return s
}

func (b *builder) sharedAll(raw [][]byte) []string {
	var all uniq[string]
	for _, r := range raw {
		if s := b.shared(r); s != "" {
			all.add(s)
		}
	}
	return all.list
}

func (b *builder) note(field, reason, sample string) {
	n := note{field, reason, shorten(sample, 120)}
	if b.it.notes == nil && len(b.alike) == 1 && b.alike[0] == n { // a million of the same, perhaps
		b.it.notes = b.alike
		return
	}
	b.it.notes = append(b.it.notes, n)
	b.alike = b.it.notes[:1:1]
}

// time reads a timestamp, with a note if it cannot be believed.
func (b *builder) time(field string, raw []byte) intel.Time {
	t, why := timeOf(raw)
	if why != "" {
		b.note(field, why, unescape(raw))
	}
	return t
}

// build reads one raw object and appends what is kept of it. The error is a
// message about raw[at].
func (b *builder) build(items []item, raw []byte, index, sub int) (out []item, at int, err string) {
	it := item{index: index, sub: sub}
	b.it = &it
	if len(raw) > 0 && raw[0] != '{' {
		r := jsonReader{b: raw}
		if r.skip(); r.err == "" {
			r.end()
		}
		b.note("", "not an object", string(raw[:min(len(raw), 120)]))
		return append(items, it), r.i, r.err
	}
	r := b.w.read(raw)
	if r.err != "" {
		return items, r.i, r.err
	}
	typ := b.shared(b.w.typ)
	if typ == "bundle" && len(b.w.objects) > 0 {
		if sub < 0 && b.w.objects[0] == '[' {
			return b.nested(items, index)
		}
		b.note("", "objects of a bundle that is not at the top", "")
		return append(items, it), 0, ""
	}
	if !wanted(typ) {
		if typ == "" {
			b.note("", "no type", string(raw[:min(len(raw), 120)]))
			return append(items, it), 0, ""
		}
		return items, 0, ""
	}
	it.id = unescape(b.w.id)
	switch {
	case r.wrong != "":
		b.note("", "malformed object", r.wrong)
	case it.id == "":
		b.note("", "no id", typ)
	case !strings.HasPrefix(it.id, typ+"--") || len(it.id) > 200:
		b.note("", "id does not match the type", typ+" "+it.id)
	default:
		it.body = b.body(typ)
	}
	if it.body == nil && it.notes == nil {
		return items, 0, ""
	}
	return append(items, it), 0, ""
}

// nested reads the objects of a bundle that is an element of a list.
func (b *builder) nested(items []item, index int) ([]item, int, string) {
	list := slices.Clone(b.w.objects)
	r := jsonReader{b: list, field: "objects"}
	sub := 0
	r.array(func() {
		r.blank()
		from := r.i
		r.skip()
		items, _, _ = b.build(items, list[from:r.i], index, sub) // syntax was checked before
		sub++
	})
	return items, 0, ""
}

// wanted reports whether anything is made of objects of a type. Courses of
// action, data sources, detection strategies and analytics are not: what they
// say is about defence.
func wanted(typ string) bool {
	switch typ {
	case "relationship", "indicator", "report", "sighting", "identity", "location", "marking-definition",
		"x-mitre-tactic", "x-mitre-matrix", "x-mitre-collection":
		return true
	}
	return kindOf(typ) != ""
}

func (b *builder) meta(typ string) meta {
	w := &b.w
	m := meta{
		typ: typ, id: b.shared(w.id), createdBy: b.shared(w.createdBy), markings: b.sharedAll(w.markings),
		created: b.time("created", w.created), modified: b.time("modified", w.modified), revoked: w.revoked,
	}
	if m.modified == 0 {
		m.modified = m.created
	}
	switch {
	case w.confidence > 100 || w.confidence < -1:
		b.note("confidence", "confidence out of range", "")
	case w.confidence >= 0:
		m.conf = int8(max(w.confidence, 1)) // 0 is a statement too: none at all
	}
	return m
}

// body makes what is kept of an object of a wanted type; nil if it is rejected,
// with a note, or if nobody needs it.
func (b *builder) body(typ string) any {
	w := &b.w
	switch typ {
	case "relationship":
		return b.relation()
	case "indicator":
		return b.indicator()
	case "report":
		return b.report()
	case "sighting":
		if w.count == 0 || w.revoked {
			return &gone{b.meta(typ)} // seen nowhere
		}
		return &sighting{
			meta: b.meta(typ), of: b.shared(w.sightingOf),
			first: b.time("first_seen", w.firstSeen), last: b.time("last_seen", w.lastSeen),
		}
	case "identity":
		x := &identity{meta: b.meta(typ), name: strings.TrimSpace(unescape(w.name)), sectors: b.sharedAll(w.sectors)}
		if len(w.classes) > 0 {
			x.class = b.shared(w.classes[0])
		}
		return x
	case "location":
		return b.location()
	case "marking-definition":
		x := &marking{meta: b.meta(typ)}
		x.tlp, x.isTLP = markingTLP(w)
		return x
	case "x-mitre-tactic":
		return &tactic{meta: b.meta(typ), short: b.shared(w.shortname)}
	case "x-mitre-matrix":
		x := &matrix{meta: b.meta(typ), tactics: b.sharedAll(w.tacticRefs)}
		for _, r := range w.refs {
			if attackSource(unescape(r.source)) {
				x.name = b.shared(r.id)
			}
		}
		return x
	case "x-mitre-collection":
		return &collection{meta: b.meta(typ), name: unescape(w.name), version: b.shared(w.version)}
	}
	return b.thing(typ)
}

func (b *builder) location() any {
	w := &b.w
	x := &location{meta: b.meta("location")}
	kind := strings.ToLower(unescape(w.locType))
	switch {
	case kind == "region", len(w.country) == 0 && len(w.region) > 0:
		x.kind, x.value = intel.TargetRegion, b.shared(w.region)
	case len(w.country) > 0, kind == "country":
		x.kind, x.value = intel.TargetCountry, b.shared(w.country)
	}
	if x.value == "" {
		x.value = strings.TrimSpace(unescape(w.name))
	}
	return x
}

// unused are relationships that nothing is made of.
var unused = map[string]bool{"mitigates": true, "detects": true, "based-on": true, "exploits": true, "investigates": true, "remediates": true}

func (b *builder) relation() any {
	w := &b.w
	kind := b.shared(w.relType)
	if unused[kind] {
		return nil
	}
	x := &relation{kind: kind, source: b.shared(w.source), target: b.shared(w.target)}
	switch {
	case kind == "":
		b.note("", "no relationship_type", "")
	case x.source == "" || x.target == "":
		b.note("", "no source_ref or target_ref", "")
	}
	if b.it.notes != nil {
		return nil
	}
	if kindOf(typeOf(x.source)) == "" && kind != "indicates" {
		return nil // of a course of action, an identity, an observable
	}
	x.meta = b.meta("relationship")
	x.meta.id = b.it.id // seldom met again
	if w.revoked || w.deprecated {
		return &gone{x.meta}
	}
	if t := b.time("start_time", w.startTime); t != 0 {
		x.first = stated(t, intel.BasisStated)
	} else if x.created != 0 {
		x.first = intel.Date{At: x.created, Precision: intel.Exact, Basis: intel.BasisCreated}
	}
	var cited []string
	x.text, cited = clean(unescape(w.description))
	x.refs = b.cited(cited)
	return x
}

// cited returns the references of a text by the keys that it cites; a key that
// the object does not explain is a reference by its title. Without citations
// all references of the object count.
func (b *builder) cited(keys []string) []intel.Reference {
	var refs uniq[intel.Reference]
	var at map[string]int // where the references stand, if they are many
	if len(keys) > uniqLinear && len(b.w.refs) > uniqLinear {
		at = make(map[string]int, len(b.w.refs))
		for i, r := range slices.Backward(b.w.refs) {
			at[b.shared(r.source)] = i
		}
	}
	for _, key := range keys {
		i, ok := at[key]
		if at == nil {
			i = slices.IndexFunc(b.w.refs, func(r wireRef) bool { return b.shared(r.source) == key })
			ok = i >= 0
		}
		if ok {
			refs.add(b.reference(b.w.refs[i]))
		} else {
			refs.add(intel.Reference{Title: key})
		}
	}
	if keys == nil {
		for _, r := range b.w.refs {
			if len(r.id) == 0 {
				refs.add(b.reference(r))
			}
		}
	}
	return refs.list
}

func (b *builder) reference(r wireRef) intel.Reference {
	b.key = append(b.key[:0], r.source...)
	b.key = append(append(b.key, 0), r.url...)
	b.key = append(append(b.key, 0), r.description...)
	if ref, ok := b.refs[string(b.key)]; ok {
		return ref
	}
	ref := referenceOf(b.shared(r.source), unescape(r.description), strings.TrimSpace(unescape(r.url)))
	if len(b.refs) < maxShared {
		b.refs[string(b.key)] = ref
	}
	return ref
}

// maxNote bounds the name of an indicator, in bytes: long enough for a name that
// repeats a value to be told.
const maxNote = 4096

func (b *builder) indicator() any {
	w := &b.w
	x := &indicator{
		name: shorten(unescape(w.name), maxNote), pattern: unescape(w.pattern), patternType: strings.ToLower(b.shared(w.patternType)),
		reference: b.firstURL(),
	}
	if strings.TrimSpace(x.pattern) == "" {
		b.note("", "no pattern", "")
		return nil
	}
	x.meta = b.meta("indicator")
	x.validFrom = b.time("valid_from", w.validFrom)
	x.validUntil = b.time("valid_until", w.validUntil)
	x.description, _ = clean(unescape(w.description))
	x.description = shorten(x.description, maxContext)
	for _, types := range [][][]byte{w.indicTypes, w.labels} {
		for _, t := range types {
			x.benign = x.benign || string(t) == "benign"
		}
	}
	return x
}

func (b *builder) firstURL() string {
	for _, r := range b.w.refs {
		if len(r.url) > 0 {
			return strings.TrimSpace(unescape(r.url))
		}
	}
	return ""
}

func (b *builder) report() any {
	w := &b.w
	x := &report{
		meta: b.meta("report"), name: strings.TrimSpace(unescape(w.name)), refs: b.sharedAll(w.objectRefs),
		reference: b.firstURL(), published: b.time("published", w.published),
	}
	x.description, _ = clean(unescape(w.description))
	x.labels, x.title = b.sharedAll(slices.Concat(w.labels, w.reportTypes)), strings.TrimSpace(unescape(w.title))
	for _, r := range w.refs {
		if len(r.url) > 0 {
			x.links = append(x.links, b.reference(r))
		}
	}
	for _, l := range w.labels {
		x.playbook = x.playbook || string(l) == "atom-playbook"
	}
	for _, r := range w.refs {
		x.unit42 = x.unit42 || strings.Contains(unescape(r.url), "unit42.paloaltonetworks.com/")
	}
	x.unit42 = x.unit42 || x.playbook
	return x
}
