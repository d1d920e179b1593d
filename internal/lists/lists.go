// Package lists reads the plain formats of threat intelligence: Microsoft's
// table of actor names, Maltrail's trails, CSV of any vendor, Zeek's
// intelligence files, exports in JSON, OpenIOC, what resolvers and firewalls
// block, lists of one value a line, and prose.
//
// Start with [Decode]: it tells from the content, with the path as a hint, what
// it has before it. Each format is a file: microsoft.go, maltrail.go, csv.go
// (columns.go knows what columns are called, mapping.go what a user says they
// are), json.go, openioc.go, rules.go, text.go, and prose.go for texts and HTML.
//
// The rules of the package:
//
//   - What is not taken is an [intel.Reject] with its line and reason.
//   - UTF-8 and UTF-16, with and without byte order mark, any line ending,
//     defanged values, zero-width characters and no-break blanks are read.
//   - Memory: a line of at most [MaxLine] bytes at a time, or an object of JSON
//     of at most 16 MiB; Microsoft's table and a file of Maltrail's are held
//     whole, at most [MaxFile] bytes.
package lists

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"path"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"dossier/internal/intel"
	"dossier/internal/refdate"
)

// Limits, in bytes.
const (
	MaxLine = 1 << 20  // of a line; a longer one is rejected
	MaxFile = 64 << 20 // of a body that is read whole; a longer one is an error
)

// Options say how to read a body. The zero value works.
type Options struct {
	Publisher string     // overrides the detected publisher
	Path      string     // of the file: names Maltrail's record, and hints at publisher and date
	Subject   *intel.Ref // ties every observation to this record
	// NotAfter is the latest date that is believed, usually the time of the
	// import. Where it is 0, Maltrail's own copyright line bounds the dates of
	// its references, and the end of the year 2100 all others.
	NotAfter intel.Time
	Map      Mapping // what columns and properties hold, before what they are called
}

// Decode reads one body and returns what it is. Names of actors and tools in a
// CSV become records that are mentions; Microsoft's table and Maltrail's files
// become records of their own, given before the observations that refer to
// them.
//
// The error is an [*intel.SyntaxError], the sink's own, or the context's.
// What the sink was given before it stays given.
func Decode(ctx context.Context, r io.Reader, o Options, sink intel.Sink) (intel.Dataset, error) {
	in := bufio.NewReaderSize(transform.NewReader(r, unicode.BOMOverride(encoding.Nop.NewDecoder())), headSize)
	head, err := in.Peek(headSize)
	if err != nil && err != io.EOF {
		return intel.Dataset{}, err
	}
	d := &decoder{
		ctx: ctx, o: o, sink: sink, in: in, bound: refdate.Until(o.NotAfter),
		set:       intel.Dataset{Publisher: publisherOf(o, head)},
		mentioned: make(map[intel.Ref]bool),
	}
	d.fallback = d.dateOfFile()
	switch formOf(head, o) {
	case microsoftForm:
		err = d.microsoft()
	case maltrailForm:
		err = d.maltrail()
	case jsonForm:
		err = d.jsonList()
	case logForm:
		err = &intel.SyntaxError{Line: 1, Column: 1, Msg: "a log, not a list of indicators"}
	case openIOCForm:
		err = d.openIOC()
	case markupForm:
		err = d.markup()
	case proseForm:
		err = d.prose()
	case csvForm:
		err = d.csv()
	default:
		err = d.plain()
	}
	d.set.Waits = d.bound.Refused()
	return d.set, err
}

// headSize is how much of a body is looked at before it is read.
const headSize = 64 << 10

// A decoder holds what one call of Decode knows so far.
type decoder struct {
	ctx   context.Context
	o     Options
	sink  intel.Sink
	in    *bufio.Reader
	bound refdate.Bound
	set   intel.Dataset
	unit  string // what positions count, "" for lines

	fallback  intel.Date // of the file, for values without a date
	mentioned map[intel.Ref]bool
}

func (d *decoder) subjects(own ...intel.Ref) []intel.Ref {
	if d.o.Subject != nil {
		return []intel.Ref{*d.o.Subject}
	}
	return own
}

// form is a format that a body is in.
type form int

const (
	plainForm form = iota
	csvForm
	maltrailForm
	microsoftForm
	jsonForm
	openIOCForm
	markupForm // HTML and XML
	proseForm
	logForm // of Zeek or IIS: addresses of one's own network, not indicators
)

// Sniff reports whether a body that begins with head, in a file at path (which
// may be empty), is one that [Decode] reads: anything that is text, but for what
// [Why] tells of.
func Sniff(head []byte, path string) bool { return Why(head, path) == "" }

// Why returns why a body is none that [Decode] reads, "" if it is.
func Why(head []byte, path string) string {
	head, _, _ = transform.Bytes(unicode.BOMOverride(encoding.Nop.NewDecoder()), head)
	switch {
	case len(bytes.TrimSpace(head)) == 0:
		return "the file is empty"
	case sums.MatchString(slashed(path)):
		return "the sums of a download"
	case !looksLikeText(head):
		return "no known format"
	}
	switch formOf(head, Options{Path: path}) {
	case logForm:
		return "a log, not a list of indicators"
	case jsonForm:
		ok, isLog := looksLikeJSONList(head)
		switch {
		case isLog:
			return "a log, not a list of indicators"
		case !ok:
			return "JSON without indicators that are known by name (--as list --map NAME=KIND reads it)"
		}
	}
	return ""
}

// sums matches the names of files with the sums of a download.
var sums = regexp.MustCompile(`(?i)(?:^|/)(?:(?:sha|md5)\d*sums?|checksums?)(?:\.txt)?$`)

// Files that are prose by their names, though there may be values in them.
var (
	proseName  = regexp.MustCompile(`(?i)\.(?:md|markdown|adoc|asciidoc|rst)$|(?:^|/)(?:readme|licen[cs]e|copying|notice)[^/]*$`)
	markupHead = regexp.MustCompile(`(?i)^(?:<\?xml|<!doctype|<!--|<[a-z][a-z0-9:_-]*(?:\s[^<>]*)?>)`)
)

func formOf(head []byte, o Options) form {
	path := slashed(o.Path)
	start := bytes.TrimLeft(head, " \t\r\n")
	switch {
	case bytes.HasPrefix(start, []byte("[")) && bytes.Contains(head, []byte(`"Threat actor name"`)),
		bytes.HasPrefix(start, []byte("[")) && bytes.Contains(head, []byte(`"Previous name"`)):
		return microsoftForm
	case jsonStart.Match(start):
		return jsonForm
	case maltrailNotice.Match(head), maltrailPath.MatchString(path):
		return maltrailForm
	case bytes.HasPrefix(start, []byte("#separator")), bytes.HasPrefix(start, []byte("#Software:")):
		return logForm
	case markupHead.Match(start):
		if openIOC.Match(head) {
			return openIOCForm
		}
		return markupForm
	case proseName.MatchString(path):
		return proseForm
	case looksLikeRules(head):
		return plainForm
	case looksLikeCSV(head, o):
		return csvForm
	case looksLikeValues(head):
		return plainForm
	case looksLikeLog(head):
		return logForm
	}
	return proseForm
}

// jsonStart matches the beginning of JSON. A bracket alone may begin a defanged
// value, a section of a configuration, or the first line of a filter list.
var jsonStart = regexp.MustCompile(`^(?:\{\s*["}]|\[\s*(?:["{\]]|\[\s*["{\[]))`)

func slashed(p string) string { return strings.ReplaceAll(p, `\`, "/") }

// Publishers by what their folders and files are called.
var pathHints = []struct{ element, publisher string }{
	{"maltrail", intel.Maltrail},
	{"mstic", "microsoft-mstic"},
	{"eset", "eset"},
	{"malware-ioc", "eset"},
	{"volexity", "volexity"},
	{"unit42", "unit42"},
	{"unit42-iocs", "unit42"},
	{"pan-unit42", "unit42"},
	{"threatlabz", "threatlabz"},
	{"tweetfeed", "tweetfeed"},
	{"ipsum", "ipsum"},
	{"threatfox", "threatfox"},
	{"threatfox-ips", "threatfox"},
	{"abusech-sslbl", "abusech-sslbl"},
	{"ja3", "salesforce-ja3"},
	{"tek-cs", "tek-cs"},
}

// Publishers by what their files say at the beginning.
var headHints = []struct{ text, publisher string }{
	{`"Threat actor name"`, intel.MicrosoftNaming},
	{`"Previous name"`, intel.MicrosoftNaming},
	{"abuse.ch SSLBL", "abusech-sslbl"},
	{"sslbl.abuse.ch", "abusech-sslbl"},
	{"threatfox.abuse.ch", "threatfox"},
	{"urlhaus.abuse.ch", "urlhaus"},
	{"ActivityGroupNames", "microsoft-mstic"},
	{"DateAdded,FirstSeen,IoC,Type,TLP,Release", "microsoft-mstic"},
	{"IPsum Threat Intelligence Feed", "ipsum"},
}

// unattributed is the publisher of a body that nothing names.
const unattributed = "unattributed"

func publisherOf(o Options, head []byte) string {
	if o.Publisher != "" {
		return o.Publisher
	}
	if maltrailNotice.Match(head) {
		return intel.Maltrail
	}
	for _, h := range headHints {
		if bytes.Contains(head, []byte(h.text)) {
			return h.publisher
		}
	}
	if maltrailPath.MatchString(slashed(o.Path)) {
		return intel.Maltrail
	}
	elements := strings.Split(strings.ToLower(slashed(o.Path)), "/")
	for _, h := range pathHints {
		if slices.Contains(elements, h.element) {
			return h.publisher
		}
	}
	if looksLikeTweetFeed(head) {
		return "tweetfeed"
	}
	return unattributed
}

// dateOfFile returns the date in the path. Volexity's folders are named for the
// day of the report.
func (d *decoder) dateOfFile() intel.Date {
	basis := intel.BasisFile
	if d.set.Publisher == "volexity" {
		basis = intel.BasisEvent
	}
	return refdate.OfPath(d.o.Path, d.bound, basis)
}

// stem returns the name of a file without folder and extension.
func stem(p string) string {
	base := path.Base(slashed(p))
	return strings.TrimSuffix(base, path.Ext(base))
}
