// Package misp reads what MISP writes: galaxy clusters into records, events and
// attributes into observations and mentions.
//
// Start with [Decode]: it tells from the content what it has before it, reads
// it as a stream, and hands what it finds to an [intel.Sink]. One file of wire
// types (wire.go), one mapping for galaxies (cluster.go), one for events
// (event.go).
//
// The rules of the package:
//
//   - Galaxies of vocabulary (countries, sectors, techniques, producers),
//     warninglists, taxonomies, object templates and the manifests of feeds are
//     recognised; each file is noted by one [intel.Reject] and gives nothing.
//   - An attribute whose to_ids is false is no indicator. It is noted, and so
//     is everything else that is not taken. An event that sets to_ids nowhere
//     does not use the flag: there, the category decides.
//   - Numbers, truth values and lists are read in every spelling met: "1", 1,
//     true; a string for a list, a list for a string.
//   - Memory: one cluster, or one event, at a time, and at most [MaxObject]
//     bytes of it.
package misp

import (
	"context"
	"io"

	"dossier/internal/intel"
	"dossier/internal/refdate"
)

// MaxObject is the size of the largest event, cluster or attribute that is
// read. A larger one ends the decoding with an [intel.SyntaxError].
const MaxObject = 256 << 20

// Options say how to read a body. The zero value works.
type Options struct {
	// Publisher overrides the publisher that the content names.
	Publisher string
	// Path of the file, as a hint where an event names nobody.
	Path string
	// Producers maps the uuids of producers to their names, beyond the
	// built-in table. A galaxy of producers that is decoded is added to it, if
	// it is not nil, so that one map can be passed from file to file.
	Producers map[string]string
	// NotAfter is the latest date that is believed of a reference, usually
	// the time of the import; 0 is the end of the year 2100.
	NotAfter intel.Time
}

// Decode reads one body: a galaxy's clusters, an event, a list of events or of
// attributes as MISP's REST API answers, or several such objects one after the
// other. It returns what the data set is.
//
// A galaxy is a snapshot; its Released is 0, for no date is in the file, and
// its Version is the number that orders releases. Events add; their Released is
// the latest timestamp, and Publisher that of the first event.
//
// A cluster's related entries name the other by its uuid alone. Such a
// [intel.Link] has To.Publisher "" and To.Key the uuid: resolve it over all
// records whose publisher begins with [intel.MISPGalaxyPrefix], and over those of
// mitre-attack by the uuid after "--".
//
// The error is an [*intel.SyntaxError] where the text ends early or is no JSON,
// the sink's own, or the context's. What the sink was given before it stays
// given: whole clusters, and whole events. An event that is cut off gives
// nothing.
func Decode(ctx context.Context, r io.Reader, o Options, sink intel.Sink) (intel.Dataset, error) {
	d := &decoder{
		ctx: ctx, o: o, sink: sink, bound: refdate.Until(o.NotAfter),
		mentioned: make(map[mentionKey]intel.Time),
	}
	err := d.decode(r)
	if d.set.Publisher == "" {
		d.set.Publisher = o.Publisher
	}
	d.set.Waits = d.bound.Refused()
	return d.set, err
}

// A decoder holds what one call of Decode knows so far.
type decoder struct {
	ctx   context.Context
	o     Options
	sink  intel.Sink
	bound refdate.Bound
	set   intel.Dataset

	json      *stream
	events    int
	mentioned map[mentionKey]intel.Time // newest Modified given for a mention
}

// note reports once, for the whole file, why it gives no records.
func (d *decoder) note(reason, what string) {
	d.sink.Reject(intel.Reject{Position: "file", Reason: reason, Sample: sample(what)})
}

func (d *decoder) reject(position, reason, value string) {
	d.sink.Reject(intel.Reject{Position: position, Reason: reason, Sample: sample(value)})
}
