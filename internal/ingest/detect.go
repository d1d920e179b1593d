package ingest

import (
	"context"
	"io"
	"strings"

	"dossier/internal/dictionary"
	"dossier/internal/graph"
	"dossier/internal/intel"
	"dossier/internal/lists"
	"dossier/internal/misp"
	"dossier/internal/stix"
)

// A format is a decoder with its way to recognise what it reads.
type format struct {
	name   string
	sniff  func(head []byte, path string) bool
	decode func(ctx context.Context, r io.Reader, o decodeOptions, sink intel.Sink) (intel.Dataset, error)
}

type decodeOptions struct {
	publisher string
	path      string
	subject   *intel.Ref
	notAfter  intel.Time
	producers map[string]string
	mapping   lists.Mapping
	own       string // identity that this installation exports STIX as
}

// formats in the order in which they are tried: the most particular first.
var formats = []format{
	{
		"stix", func(head []byte, _ string) bool { return stix.Sniff(head) },
		func(ctx context.Context, r io.Reader, o decodeOptions, sink intel.Sink) (intel.Dataset, error) {
			return stix.Decode(ctx, r, stix.Options{Publisher: o.publisher, Path: o.path, Own: o.own}, sink)
		},
	},
	{
		"graph", func(head []byte, _ string) bool { return graph.Sniff(head) },
		func(ctx context.Context, r io.Reader, o decodeOptions, sink intel.Sink) (intel.Dataset, error) {
			return graph.Decode(ctx, r, graph.Options{Publisher: o.publisher}, sink)
		},
	},
	{
		"dictionary", dictionary.Sniff,
		func(ctx context.Context, r io.Reader, o decodeOptions, sink intel.Sink) (intel.Dataset, error) {
			return dictionary.Decode(ctx, r, dictionary.Options{Publisher: o.publisher, Path: o.path, NotAfter: o.notAfter}, sink)
		},
	},
	{
		"misp", func(head []byte, _ string) bool { return misp.Sniff(head) },
		func(ctx context.Context, r io.Reader, o decodeOptions, sink intel.Sink) (intel.Dataset, error) {
			return misp.Decode(ctx, r, misp.Options{Publisher: o.publisher, Path: o.path, Producers: o.producers, NotAfter: o.notAfter}, sink)
		},
	},
	{
		"list", lists.Sniff,
		func(ctx context.Context, r io.Reader, o decodeOptions, sink intel.Sink) (intel.Dataset, error) {
			return lists.Decode(ctx, r, lists.Options{Publisher: o.publisher, Path: o.path, Subject: o.subject, NotAfter: o.notAfter, Map: o.mapping}, sink)
		},
	},
}

// Formats returns the names that [Options.Format] takes.
func Formats() []string {
	names := make([]string, len(formats))
	for i, f := range formats {
		names[i] = f.name
	}
	return names
}

// detect returns the format of a file, or nil and why it has none. A name that is
// given overrides the content.
func detect(head []byte, path, name string) (*format, string) {
	path = strings.ReplaceAll(path, "!", "/")
	for i := range formats {
		f := &formats[i]
		if name == f.name || name == "" && f.sniff(head, path) {
			return f, ""
		}
	}
	return nil, lists.Why(head, path)
}
