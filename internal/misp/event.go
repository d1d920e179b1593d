package misp

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"dossier/internal/intel"
	"dossier/internal/refdate"
)

// A scope is what holds for the attributes below it: the event's word, which an
// object and then the attribute itself may replace.
type scope struct {
	publisher string
	modified  intel.Time
	date      intel.Date
	tlp       intel.TLP
	subjects  []intel.Ref
	reference string
	context   string
	unflagged bool // the event does not use to_ids
	article   *intel.Article

	first, last text // of the object
}

// event reads one event, which is wholly in memory.
func (d *decoder) event(raw json.RawMessage, position string) error {
	if err := d.ctx.Err(); err != nil {
		return err
	}
	var e wireEvent
	if err := json.Unmarshal(raw, &e); err != nil || e.UUID == "" && e.ID == "" && e.Info == "" && len(e.Attribute)+len(e.Object) == 0 {
		d.reject(position, "neither event nor attribute", string(raw))
		return nil
	}
	d.events++
	s, err := d.scopeOf(&e)
	if err != nil {
		return err
	}
	s.unflagged = unflagged(&e)
	s.article = d.article(&e, &s)
	for i, a := range e.Attribute {
		if err := d.attribute(a, s, fmt.Sprintf("%s.Attribute[%d]", position, i)); err != nil {
			return err
		}
	}
	for i, o := range e.Object {
		inner := s
		inner.first, inner.last = o.FirstSeen, o.LastSeen
		if c := note(string(o.Comment)); c != "" {
			inner.context = c
		}
		for j, a := range o.Attribute {
			if a != nil && o.Deleted.True {
				a.Deleted = o.Deleted
			}
			if err := d.attribute(a, inner, fmt.Sprintf("%s.Object[%d].Attribute[%d]", position, i, j)); err != nil {
				return err
			}
		}
	}
	if s.article == nil {
		return nil
	}
	return d.sink.Article(s.article)
}

// looseAttribute reads an attribute from the answer to a search, which may say
// little of its event. Where that has no date, the attribute's own timestamp,
// which is when it was written, stands for it.
func (d *decoder) looseAttribute(raw json.RawMessage, position string) error {
	if err := d.ctx.Err(); err != nil {
		return err
	}
	var a wireAttr
	if err := json.Unmarshal(raw, &a); err != nil {
		d.reject(position, "neither event nor attribute", string(raw))
		return nil
	}
	e := a.Event.V
	if e.Timestamp == "" {
		e.Timestamp = a.Timestamp
	}
	s, err := d.scopeOf(&e)
	if err != nil {
		return err
	}
	if s.date.IsZero() {
		s.date = refdate.Stamp(string(a.Timestamp), d.bound, intel.BasisFile)
	}
	return d.attribute(&a, s, position)
}

// scopeOf reads the head of an event, and gives the sink the actors and tools
// that it names.
func (d *decoder) scopeOf(e *wireEvent) (scope, error) {
	s := scope{
		publisher: d.publisherOf(e),
		modified:  refdate.Stamp(string(e.Timestamp), d.bound, "").At,
		date:      refdate.Stamp(string(e.Date), d.bound, intel.BasisEvent),
		context:   note(string(e.Info)),
	}
	if d.set.Publisher == "" {
		d.set.Publisher = s.publisher
	}
	d.set.Released = max(d.set.Released, s.modified)
	s.tlp, _ = tlpOf(e.Tag)
	for _, a := range e.Attribute {
		if a != nil && s.reference == "" && isReference(a) && !exceeds(a, &s) {
			s.reference = strings.TrimSpace(string(a.Value))
		}
	}
	if s.date.IsZero() && s.reference != "" {
		s.date = refdate.OfURL(s.reference, d.bound)
	}
	var err error
	s.subjects, err = d.mentions(e.Tag, e.Galaxy, &s)
	return s, err
}

// isReference reports whether an attribute cites a document: a link, or an
// address that an analyst filed as analysis and not as something to detect.
func isReference(a *wireAttr) bool {
	v := strings.TrimSpace(string(a.Value))
	if a.Deleted.True || !strings.HasPrefix(v, "http://") && !strings.HasPrefix(v, "https://") {
		return false
	}
	switch a.Type {
	case "link":
		return true
	case "url":
		return !a.ToIDs.True && (a.Category == "External analysis" || a.Category == "Internal reference")
	}
	return false
}

// publishers maps the names of organisations to publishers, where the slug
// would be another.
var publishers = map[string]string{
	"eset": "eset", "eset research": "eset", "circl": "circl", "volexity": "volexity", "zscaler threatlabz": "threatlabz",
	"unit 42": "unit42", "palo alto networks": "unit42", "palo alto networks unit 42": "unit42",
}

// hints are elements of paths that name the publisher of events without an
// organisation.
var hints = []string{"eset", "circl", "volexity", "unit42", "threatlabz", "tweetfeed"}

const unattributed = "unattributed"

func (d *decoder) publisherOf(e *wireEvent) string {
	if d.o.Publisher != "" {
		return d.o.Publisher
	}
	name := strings.ToLower(strings.TrimSpace(string(e.Orgc.V.Name)))
	if known := publishers[name]; known != "" {
		return known
	}
	if s := slug(name); s != "" {
		return s
	}
	path := strings.FieldsFunc(strings.ToLower(d.o.Path), func(r rune) bool { return r == '/' || r == '\\' || r == '-' || r == '_' })
	for _, h := range hints {
		if slices.Contains(path, h) {
			return h
		}
	}
	return unattributed
}

// slug returns lower-case letters and digits, of any script, with hyphens for
// what stands between.
func slug(s string) string {
	var b strings.Builder
	gap := false
	for _, r := range s {
		if k := intel.NameKey(string(r)); k != "" {
			if gap && b.Len() > 0 {
				b.WriteByte('-')
			}
			gap = false
			b.WriteString(k)
		} else {
			gap = true
		}
	}
	return b.String()
}

// note returns a comment in one line of at most 200 bytes, and "" for one that
// is nothing but an address.
func note(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if strings.HasPrefix(s, "http") && strings.Contains(s, "://") && !strings.Contains(s, " ") {
		return ""
	}
	if len(s) > 200 {
		s = sample(s) + "…"
	}
	return s
}
