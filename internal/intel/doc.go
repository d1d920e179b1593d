// Package intel is the domain of Dossier: what sources say, and what is served
// of it. It holds types and the rules that belong to a single value; it does
// no I/O.
//
// The words, in the order in which data passes through the house:
//
//   - a [Publisher] owns data; a [Dataset] is one body of it, with a release;
//   - a [Record] is one object as one publisher describes it;
//   - an [Observation] is one observable with what a publisher says of it;
//   - a [Profile] is what is served: the records that belong together, folded
//     by precedence; a [Dossier] is a profile with the claims it rests on;
//   - a [Run] is one execution of an import; it is always kept.
//
// Decoders turn bytes into records and observations and hand them to a [Sink].
package intel

import "errors"

// ErrNotFound is wrapped by errors about things that do not exist.
var ErrNotFound = errors.New("not found")
