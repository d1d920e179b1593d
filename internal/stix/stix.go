// Package stix reads STIX 2.0 and 2.1, and the pattern language of their
// indicators (STIX 2.1, part 9).
//
// Start with [Decode]. It cuts the stream into raw objects (cut.go), reads them
// on several workers (decode.go, json.go, wire.go, object.go), gathers what
// relates them (file.go, link.go), and hands records and observations to the
// sink (emit.go, observe.go) once the file is known to be whole. [ParsePattern]
// reads the patterns; values.go and paths.go know which of their comparisons
// are observables.
//
// The rules of the package:
//
//   - The same object as STIX 2.0 and as 2.1 is the same record.
//   - Relationships come in any order, so what is kept of a file stays in
//     memory until its end; see item for how much that is.
//   - A malformed object is one reject; a malformed file is an error and gives
//     nothing.
package stix

import (
	"bytes"
	"context"
	"io"
	"regexp"

	"dossier/internal/intel"
)

// Options tell what the file itself does not.
type Options struct {
	Publisher string // overrides detection; "" = detect
	Path      string // the file's name, for detection hints
	// Own is the id of the identity that this installation exports as. What it
	// created says nothing new: it is rejected, object by object. "" = none.
	Own string
}

// Decode reads a bundle, a single object, a list of objects or bundles, a TAXII
// envelope, or several of these one after the other. A bundle with ATT&CK's
// matrix or collection is a release of a domain: the data set is a snapshot,
// and its release is the latest change of an object in it.
//
// The error is an [*intel.SyntaxError] where the text ends early or is no JSON;
// then the sink was given nothing. Otherwise it is the reader's, the sink's or
// the context's.
func Decode(ctx context.Context, r io.Reader, o Options, sink intel.Sink) (intel.Dataset, error) {
	batches, err := decodeItems(ctx, r, workers())
	if err != nil {
		return intel.Dataset{Publisher: o.Publisher}, err
	}
	f := gather(batches, o, sink)
	if err := f.emit(ctx); err != nil {
		return intel.Dataset{Publisher: o.Publisher}, err
	}
	return f.dataset(), nil
}

var (
	bundleType = regexp.MustCompile(`"type"\s*:\s*"bundle"`)
	objectID   = regexp.MustCompile(`"id"\s*:\s*"(?:bundle|intrusion-set|threat-actor|malware|tool|campaign|attack-pattern|indicator|relationship|report|identity|location|marking-definition|sighting|observed-data|course-of-action|vulnerability|infrastructure|grouping|note|opinion|malware-analysis|extension-definition|language-content|x-[a-z0-9-]+|[a-z0-9-]+)--[0-9a-fA-F]{8}-`)
	envelope   = regexp.MustCompile(`^\{\s*(?:"more"\s*:\s*(?:true|false)\s*,\s*)?(?:"next"\s*:\s*"[^"]*"\s*,\s*)?"objects"\s*:\s*\[`)
)

// Sniff reports whether the first bytes of a file look like STIX.
func Sniff(head []byte) bool {
	head = bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	if len(head) == 0 || head[0] != '{' && head[0] != '[' {
		return false
	}
	return bundleType.Match(head) || objectID.Match(head) && bytes.Contains(head, []byte(`"type"`)) || envelope.Match(head)
}
