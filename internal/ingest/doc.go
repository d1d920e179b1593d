// Package ingest brings sources in: it opens inputs, detects their format,
// decodes them, enriches records with what their prose states, writes the
// claims in one transaction a file, and derives what is served from them.
//
// Start at [Importer.Import]. The steps of a run:
//
//	open (file, folder, archive, standard input) -> detect -> decode
//	  -> facts.Enrich -> store.Batch -> resolve.Assign -> profile.Fold
//	  -> store.PutDerived -> store.FoldIndicators
//
// Rules: every run is saved, whatever happens; a file is kept whole or not at
// all; what is not taken is counted with its reason.
package ingest
