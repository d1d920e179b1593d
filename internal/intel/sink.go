package intel

import "fmt"

// A Sink takes what a decoder reads, in the order of the file. Decoders call it
// from one goroutine; an error from it ends the decoding and is returned as is.
type Sink interface {
	Record(*Record) error
	Observation(*Observation) error
	// Article takes a document. What is known of its indicators comes as
	// observations, before or after.
	Article(*Article) error
	// Pattern takes a statement that is no plain value, or not only that.
	Pattern(*Pattern) error
	// Reject takes note of something that was read and cannot be used. It
	// never ends the decoding.
	Reject(Reject)
}

// A Reject is one thing that was read and not taken, with the reason.
type Reject struct {
	Position string `json:"position"`         // within the file: "line 12", "objects[3].pattern"
	Reason   string `json:"reason"`           // short and countable: "private address"
	Sample   string `json:"sample,omitempty"` // the value, cut to 120 bytes
}

// A Dataset tells what a decoder has read once it is done.
type Dataset struct {
	Publisher string `json:"publisher"` // the owner of the data, as detected
	Name      string `json:"name"`      // "enterprise-attack"; "" for loose objects
	Version   string `json:"version,omitempty"`
	Released  Time   `json:"released,omitzero"` // of this release; the latest modified date if the data has none
	// Snapshot means that the data set was read whole: a record missing from
	// a newer release is absent since then. Otherwise it adds to what is there.
	Snapshot bool `json:"snapshot,omitempty"`
	// Distinct means that each entry of the list is another thing, as in a
	// dictionary of actors: see [Publisher.Distinct].
	Distinct bool `json:"distinct,omitempty"`
	// Waits means that a date in it was not believed because it lies ahead: the
	// same bytes may say more when they are read later.
	Waits bool `json:"-"`
}

// A SyntaxError is about a file that cannot be read on: where and why.
type SyntaxError struct {
	Line, Column int   // 1-based; 0 if unknown
	Offset       int64 // bytes from the beginning, 0 if unknown
	Msg          string
}

func (e *SyntaxError) Error() string {
	switch {
	case e.Line > 0:
		return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Msg)
	case e.Offset > 0:
		return fmt.Sprintf("at byte %d: %s", e.Offset, e.Msg)
	}
	return e.Msg
}
