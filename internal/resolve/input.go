package resolve

import (
	"iter"

	"dossier/internal/intel"
)

// Input is all that an assignment depends on.
type Input struct {
	// Records are the current records of all levels to be seen, in any order,
	// of any kind; those without a profile of their own (campaigns,
	// techniques) are passed over. Should a reference occur twice, the version
	// modified last counts.
	Records iter.Seq[*intel.Record]
	// Rank tells rank and rules of a publisher; nil means [intel.PublisherOf].
	Rank func(publisher string) intel.Publisher
	// Ledger remembers which profile id a record had first. It outlives the
	// removal of records and is never derived; see [Partition.Remember].
	Ledger map[intel.Ref]Entry
	// Base is the partition of the next lower TLP level, nil at the lowest. Its
	// cells keep their ids, members and reasons; what is not in it joins one
	// of them or founds a new cell.
	Base *Partition
	// Decisions are statements by analysts, in any order.
	Decisions []Decision
	// Citing, if not nil, tells how many records cite a document (see [Cites]):
	// for an assignment of some of the records alone. nil counts Records.
	Citing func(document string) int
}

// An Entry of the ledger is the id that a record's profile had when the record
// was first assigned.
type Entry struct {
	ID       string // 64 hex digits
	Asserted intel.Time
}

// Verdict is what a [Decision] states.
type Verdict string

// The verdicts.
const (
	Join  Verdict = "join"  // the profiles of A and B are one; lifts every cannot-link between them
	Part  Verdict = "part"  // A and B are not the same thing: they never share a profile
	Means Verdict = "means" // Name means the profile of A: it comes first, and mentions of it join there
)

// A Decision is one statement of an analyst. A and B name records. A reference
// without publisher is a profile id (64 hex digits) and stands for the record
// that it was computed from or, failing that, for the first record that the
// ledger knows under it. Of contradicting statements about the same pair or
// name the later one holds, then Part over Join.
type Decision struct {
	ID      string // of the claim, "" if it has none
	Verdict Verdict
	A, B    intel.Ref
	Name    string // for Means, as written
	By      string // who says so
	At      intel.Time
}

// An Unmet decision could not be followed, with the reason.
type Unmet struct {
	Decision
	Why string
}
