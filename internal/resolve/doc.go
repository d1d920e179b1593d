// Package resolve decides which records describe one thing, which profile a
// name means, and why. It is pure: records go in through an iterator, a
// [Partition] comes out; there is no database, clock or network, and the order
// of the records makes no difference. Start at [Assign].
//
// The rules, for every later change:
//
//   - A shared name is evidence, never identity. Records are assigned to cells
//     one by one; nothing is closed transitively, so a record that names two
//     actors joins at most one of them and leaves an "overlaps" claim on the
//     other.
//   - A wrong merge is worse than a missed one. What is not enough becomes a
//     [Suggestion] for a person.
//   - Two live records of a publisher that keeps its list distinct never share
//     a cell, whoever bridges them. Only an analyst's statement, or another
//     curated source that says outright that one of the two was superseded by
//     the other, lifts that.
//   - Kinds never mix: an actor and a tool may have the same name.
//   - Every member of a cell carries the [Reason] why it is there.
//
// Stages run from the publishers with distinct lists (ATT&CK, Microsoft, MISP's
// threat actors) to all others, each by rank; mentions come last. Within a
// stage all pairs of record and cell are scored, then taken greedily from the
// best down, as far as the constraints and the margin to the runner-up allow.
//
// Memory: at most about 4 kB a record while [Assign] runs, 1 kB in the partition
// afterwards, besides the records themselves, which are referenced and never
// changed (measured by TestMemory and BenchmarkAssign).
package resolve
