package intel

import "slices"

// Ref names a record: the publisher and the publisher's key for it.
type Ref struct {
	Publisher string `json:"publisher"`
	Key       string `json:"key"`
}

// IsZero reports whether r names nothing.
func (r Ref) IsZero() bool { return r == Ref{} }

// String prints the reference as publisher:key.
func (r Ref) String() string { return r.Publisher + ":" + r.Key }

// Less orders references by publisher, then key.
func (r Ref) Less(o Ref) bool {
	if r.Publisher != o.Publisher {
		return r.Publisher < o.Publisher
	}
	return r.Key < o.Key
}

// A Record is one object as one publisher describes it, under the publisher's
// own key: a STIX id, a MISP uuid, a title. Values are kept as the source wrote
// them; folding maps them to the served vocabulary.
//
// A record has no time of import and no run: the same object read from STIX
// 2.0, from STIX 2.1, from a mirror or from the catalogue is the same record.
type Record struct {
	Ref
	Kind  Kind   `json:"kind"`
	Title string `json:"title"`
	// Names are the other names; the title needs no entry, unless something
	// is known about who coined it.
	Names []Name       `json:"names,omitempty"`
	IDs   []ExternalID `json:"ids,omitempty"`

	Origins      []Origin      `json:"origins,omitempty"`
	Affiliations []Affiliation `json:"affiliations,omitempty"`
	Targets      []Target      `json:"targets,omitempty"`
	Motives      []string      `json:"motives,omitempty"`
	Notes        []string      `json:"notes,omitempty"`       // the source's labels for its entry: "Group in development"
	FirstActive  []Date        `json:"firstActive,omitempty"` // every dated claim; folding takes the best rung
	LastActive   Date          `json:"lastActive,omitzero"`

	// Description is the publisher's own text, in Markdown, with citations
	// resolved or removed. The catalogue has none.
	Description string `json:"description,omitempty"`

	// For tools: what sort they are (backdoor, ransomware …) as the source
	// says, where they run, and how the attacker comes by them.
	ToolTypes    []string     `json:"toolTypes,omitempty"`
	Platforms    []string     `json:"platforms,omitempty"`
	Availability Availability `json:"availability,omitempty"`

	// Tactics of a technique: ATT&CK's short names (initial-access …), in the
	// order of the matrix.
	Tactics []string `json:"tactics,omitempty"`

	Links      []Link      `json:"links,omitempty"`
	References []Reference `json:"references,omitempty"`
	Events     []Event     `json:"events,omitempty"`

	Created    Time `json:"created,omitzero"`
	Modified   Time `json:"modified,omitzero"` // the publisher's own; orders versions
	Revoked    bool `json:"revoked,omitempty"`
	Deprecated bool `json:"deprecated,omitempty"`
	// Mention marks a record that only repeats a name (an event that names an
	// actor, a list file): it may join a profile but never founds one.
	Mention bool `json:"mention,omitempty"`
	TLP     TLP  `json:"tlp,omitempty"`
	// Of is set in a [Part]: the key of the record that the links, targets, origins
	// and affiliations are statements about. A relationship that comes in another
	// file than the object that it starts from is one, under its own key: see [Join].
	Of string `json:"of,omitempty"`
	// Restricted is what the publisher says of the thing under stricter markings
	// than the record's own. See [Record.At].
	Restricted []Restricted `json:"restricted,omitempty"`
}

// Restricted holds statements about a record under one marking.
type Restricted struct {
	TLP          TLP           `json:"tlp"`
	Description  string        `json:"description,omitempty"`
	Origins      []Origin      `json:"origins,omitempty"`
	Affiliations []Affiliation `json:"affiliations,omitempty"`
	Targets      []Target      `json:"targets,omitempty"`
	Links        []Link        `json:"links,omitempty"`
}

// At returns the record as those see it whose ceiling is level: with what is
// restricted up to there, and no sign of the rest. The receiver is not changed.
func (r *Record) At(level TLP) *Record {
	if len(r.Restricted) == 0 {
		return r
	}
	seen := *r
	seen.Restricted = nil
	for _, more := range r.Restricted {
		if more.TLP <= level {
			seen.Include(&more)
		}
	}
	return &seen
}

// Include makes statements the record's own. The slices that the record had are
// not written to.
func (r *Record) Include(more *Restricted) {
	if r.Description == "" {
		r.Description = more.Description
	}
	r.Origins = slices.Concat(r.Origins, more.Origins)
	r.Affiliations = slices.Concat(r.Affiliations, more.Affiliations)
	r.Targets = slices.Concat(r.Targets, more.Targets)
	r.Links = slices.Concat(r.Links, more.Links)
}

// Live reports whether the publisher still stands by the record.
func (r *Record) Live() bool { return !r.Revoked && !r.Deprecated }

// A Name is a claim: the record's publisher says that the thing is called this.
type Name struct {
	Value    string   `json:"value"`              // as written, trimmed
	CoinedBy string   `json:"coinedBy,omitempty"` // the organisation that gave the name, "" if not stated
	Relation Relation `json:"relation,omitempty"` // "" is Same
	First    Time     `json:"first,omitzero"`     // first asserted, as far as the source's dates tell
	Last     Time     `json:"last,omitzero"`      // last asserted
}

// An ExternalID is an id of some issuer; ids are names of their issuer.
type ExternalID struct {
	Issuer string `json:"issuer"` // "mitre-attack", "cve", "malpedia" …
	ID     string `json:"id"`     // "G0007"
	URL    string `json:"url,omitempty"`
}

// An Origin is a country that a source attributes the actor to.
type Origin struct {
	Country    string `json:"country"`              // code or name, as the source writes it
	Confidence int    `json:"confidence,omitempty"` // 1..100, 0 if not stated
	By         string `json:"by,omitempty"`         // whom the source cites, "" if itself
	Prose      bool   `json:"prose,omitempty"`      // read out of the source's text, not a field of it
}

// An Affiliation is a state body, employer or parent that a source ties the
// actor to.
type Affiliation struct {
	Body  string `json:"body"` // "GRU, Military unit 26165"
	By    string `json:"by,omitempty"`
	Prose bool   `json:"prose,omitempty"` // as in [Origin]
}

// A Target is a word for whom the actor is after.
type Target struct {
	Kind  TargetKind `json:"kind,omitempty"`
	Value string     `json:"value"`           // as the source writes it
	Prose bool       `json:"prose,omitempty"` // as in [Origin]
}

// TargetKind says what field of the source the word stood in.
type TargetKind string

// The kinds of targets. Unsorted is for fields that mix them.
const (
	TargetSector  TargetKind = "sector"
	TargetCountry TargetKind = "country"
	TargetRegion  TargetKind = "region"
	Unsorted      TargetKind = ""
)

// Availability says how an attacker comes by a tool.
type Availability string

// The availabilities; the empty value is "not stated".
const (
	Custom    Availability = "custom"    // made by or for the actor
	Commodity Availability = "commodity" // sold or rented
	Public    Availability = "public"    // freely to be had: open source, or part of the system
)

// A Link is a stated relation to another record. To is zero where the source
// names the other only by an id or by its name.
type Link struct {
	Relation   Relation    `json:"relation"`
	To         Ref         `json:"to,omitzero"`
	ID         ExternalID  `json:"id,omitzero"`
	Name       string      `json:"name,omitempty"`
	Kind       Kind        `json:"kind,omitempty"` // of the other, where known
	Text       string      `json:"text,omitempty"` // the source's own words, Markdown
	References []Reference `json:"references,omitempty"`
	First      Date        `json:"first,omitzero"`
	Modified   Time        `json:"modified,omitzero"`
}

// A Reference is a document that a source cites.
type Reference struct {
	Title string `json:"title,omitempty"`
	URL   string `json:"url,omitempty"`
	Date  Date   `json:"date,omitzero"` // of publication, where it can be told
}

// An Event is a dated thing that happened to or about the actor: an indictment,
// a takedown, sanctions, a discovery.
type Event struct {
	Type string    `json:"type"` // law-enforcement, discovery, campaign
	Date Date      `json:"date,omitzero"`
	Text string    `json:"text"`
	Ref  Reference `json:"ref,omitzero"`
}

// An Assertion is a name with the time over which its publisher gave it, as far as
// the versions that were imported tell. The name "" stands for the record itself.
type Assertion struct {
	Name
	FirstBasis, LastBasis Basis // stated (the entry's own date), release, or import
}
