package profile

import "dossier/internal/intel"

// A World answers what a profile's texts need to know of everything else. The
// caller implements it over what one reader may see: folding adds no
// restriction of its own. Fold calls it from the goroutine that called Fold.
type World interface {
	// Record returns any record: actor, tool, campaign, technique.
	Record(intel.Ref) (*intel.Record, bool)
	// Find returns the record that a link points to, also where the link has
	// only an external id, a bare uuid as key, or a name.
	Find(intel.Link) (intel.Ref, bool)
	// ProfileOf returns the profile that holds the record.
	ProfileOf(intel.Ref) (id, title string, kind intel.Kind, ok bool)
	// Incoming returns the links that point to the record, in any order.
	Incoming(intel.Ref) []Incoming
	// Publisher returns what is known of a publisher.
	Publisher(id string) intel.Publisher
	// Indicators counts the indicators that are linked to the records, each
	// once, however many of the records it is linked to.
	Indicators(members []intel.Ref) Stats
	// FirstImported is when the record was first heard of.
	FirstImported(intel.Ref) intel.Time
	// Released is when the publisher released the data set that has the
	// record, 0 if that is not known.
	Released(intel.Ref) intel.Time
	// Assertions returns since when and until when a record was called what, in
	// the versions that were imported; none if that is not known.
	Assertions(intel.Ref) []intel.Assertion
	// Rarest returns the techniques with these ATT&CK ids by the number of profiles
	// that they are tied to, then by id.
	Rarest(ids []string) []string
}

// Incoming is a link seen from its target.
type Incoming struct {
	From *intel.Record
	Link intel.Link
}

// Stats count indicators. ByPublisher counts an indicator once for each
// publisher that has it, so its sum may exceed Count. First and Last are the
// earliest and the latest date stated for any of them, 0 if none is.
type Stats struct {
	Count       int
	ByPublisher map[string]int
	First, Last intel.Time
}

// A Member is a record of the profile with the reason of its assignment, in
// words.
type Member struct {
	Record *intel.Record
	Reason string
}
