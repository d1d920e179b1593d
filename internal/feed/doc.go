// Package feed knows configured sources and runs them: what the well-known open
// sources are called, where they are and what they allow; how each kind of
// server is read; when the next run is due.
//
// Start at [Runner.Run]. The steps of a run:
//
//	store.BeginFeed -> fetch (conditional, with what was kept last time)
//	  -> ingest.Importer -> store.KeepFeed -> store.EndFeed
//
// Rules: nothing is fetched that nobody enabled; runs of a feed never overlap,
// on however many servers; every run is saved; how far a source was read is kept
// last, so that a broken run is repeated.
package feed
