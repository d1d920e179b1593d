// Package store keeps claims and serves answers. It is the only package that
// writes SQL.
//
// Claims come in through a [Batch]: records, observations and the end of a data
// set. What is served is derived from them: [Store.Records] and
// [Store.EachLinked] give the input, [Store.PutDerived] takes the profiles,
// and [Store.FoldIndicators] computes indicators from their evidence. Queries
// read derived tables only: [Store.Profiles], [Store.Profile],
// [Store.Indicators], [Store.Indicator], [Store.Dossier], [Store.Search],
// [Store.ProfilesByName], [Store.Lookup].
//
// A Store is safe for concurrent use. It has one writer at a time; other
// processes may read and write the same file.
package store
