// Package export writes indicators in the forms that engines and platforms take
// in: blocklists, zones, rules, bundles.
//
// Start with [Lookup] for a [Format] and [Export], which takes indicators as they
// come and writes them. A format is one file, named for it, with a row in
// [formats]: it says which kinds of observables it carries and makes an encoder.
//
// The rules of the package:
//
//   - It knows no database, clock or network, and keeps nothing of what it has
//     written: memory does not grow with the data, except where a format says
//     that it gathers, and then it has a limit.
//   - The same indicators in the same order give the same bytes.
//   - Texts and values come from strangers. Each format has its own escaping, in
//     its own file, and refuses what it cannot write; a refusal is counted and
//     has a reason. A fuzz target for each reads the output back.
//   - A format carries only what it means: no URL in a list of addresses.
package export

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"

	"dossier/internal/intel"
	"dossier/internal/observable"
)

// An Indicator is what an export has to tell of one observable.
type Indicator struct {
	ID         string // UUID that follows from the observable
	Observable observable.Observable
	Source     intel.IndicatorSource
	FirstSeen  intel.Time
	LastSeen   intel.Time // 0: not stated
	ValidUntil intel.Time // 0: without end
	Created    intel.Time // when it was first known here; 0: not known
	Modified   intel.Time // when what is said here last changed; 0: not known
	Confidence int        // now, 1..100; 0: not stated
	Fresh      int        // confidence while the evidence is fresh; 0: not stated
	TLP        intel.TLP
	Revoked    bool
	Profiles   []Profile // by title
	Publishers []string  // who says it: ids, sorted
	Reference  string    // URL of a document that has it, "" if none
}

// A Profile is what an indicator is an indicator of.
type Profile struct {
	ID    string // 64 hex digits
	Kind  intel.Kind
	Title string
}

// A Format is a form of output.
type Format struct {
	Name      string // as in --format and in paths
	About     string // half a sentence for people
	MediaType string
	Extension string // with the dot
	// Kinds are what the format carries; nil is everything.
	Kinds []observable.Kind
	// Only, if set, chooses among the indicators of these kinds.
	Only func(*Indicator) bool
	// Max is how many entries the smallest device or the format itself takes; 0: no limit.
	Max int
	// Rules says that entries are numbered, see [Options.First].
	Rules bool
	// Dated says that [Options.Updated] stands in the output.
	Dated bool
	// Versioned says that Created and Modified of indicators stand in the output.
	Versioned bool

	begin func(*output, *Options) encoder
}

// Carries reports whether an indicator can stand in the format.
func (f *Format) Carries(i *Indicator) bool {
	return (f.Kinds == nil || slices.Contains(f.Kinds, i.Observable.Kind)) && (f.Only == nil || f.Only(i))
}

// An encoder writes one export. put returns a [refusal] for what the format
// cannot express, and any other error ends the export.
type encoder interface {
	put(*Indicator) error
	end() error
}

// Options say what an export is of. The zero value works.
type Options struct {
	// Title names the export for people, as in a header: "Dossier".
	Title string
	// Updated is when what is exported last changed: the serial of a zone, the date of a bundle.
	Updated intel.Time
	// Max limits the entries; 0 is the format's own limit, less than 0 none.
	Max int
	// First and Last bound the numbers of rules; 0 is [FirstRule] and [LastRule].
	First, Last uint32
	// Numbers gives each rule its number. If it is nil, numbers are unique in one
	// export only; see [Numbers].
	Numbers Numbering
	// Profile returns what is known of a profile, for formats that describe
	// profiles, and when that last changed: nil if nothing is, 0 if it is not known. It
	// may be nil itself, and is called once for each.
	Profile func(id string) (*intel.Dossier, intel.Time, error)
	// Installation is the id of this database, a GUID; "" if there is none.
	Installation string
}

// A Report tells what became of the indicators.
type Report struct {
	Read     int            // indicators that came
	Written  int            // entries, of indicators
	Skipped  map[string]int // by kind: what the format does not carry
	Refused  map[string]int // by reason: what it could not express
	Over     int            // beyond the limit
	Max      int            // the limit, 0 if none
	Repeated int            // gave the same entry as another
}

// refusal is why a format cannot express an indicator.
type refusal string

func (r refusal) Error() string { return string(r) }

// Refused reports whether an error is that a format cannot express something.
func Refused(err error) bool {
	var r refusal
	return errors.As(err, &r)
}

// repeated is the refusal of an entry that stands there already.
const repeated = refusal("stands there already")

// Export writes the indicators that a format carries, in the order in which they
// come. Beyond the limit it goes on counting. The error is the sequence's or the
// writer's.
func Export(w io.Writer, f *Format, o Options, indicators iter.Seq2[*Indicator, error]) (Report, error) {
	r := Report{Skipped: map[string]int{}, Refused: map[string]int{}, Max: o.Max}
	if r.Max == 0 {
		r.Max = f.Max
	}
	r.Max = max(r.Max, 0)
	if o.Title == "" {
		o.Title = "Dossier"
	}
	out := &output{b: bufio.NewWriterSize(w, 64<<10)}
	e := f.begin(out, &o)
	for i, err := range indicators {
		if err != nil {
			return r, err
		}
		r.Read++
		if !f.Carries(i) {
			r.Skipped[string(i.Observable.Kind)]++
			continue
		}
		if r.Max > 0 && r.Written >= r.Max {
			r.Over++
			continue
		}
		var why refusal
		err := malformed(i.Observable)
		if err == nil {
			err = e.put(i)
		}
		switch {
		case err == nil:
			r.Written++
		case err == error(repeated):
			r.Repeated++
		case errors.As(err, &why):
			r.Refused[string(why)]++
		default:
			return r, err
		}
		if out.err != nil {
			return r, out.err
		}
	}
	if err := e.end(); err != nil {
		return r, err
	}
	return r, out.flush()
}

// hashLengths are the digits of kinds that are hexadecimal.
var hashLengths = map[observable.Kind]int{
	observable.MD5: 32, observable.SHA1: 40, observable.SHA256: 64, observable.SHA512: 128, observable.JA3: 32, observable.JA3S: 32, observable.JARM: 62,
	observable.CertSHA1: 40, observable.CertSHA256: 64,
}

// malformed refuses what is no canonical value, however it came here.
func malformed(o observable.Observable) error {
	n, hash := hashLengths[o.Kind]
	switch {
	case o.Value == "":
		return refusal("an empty value")
	case !hash:
		return nil
	case len(o.Value) != n || !onlyBytes(o.Value, func(c byte) bool { return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' }):
		return refusal("not a hash of its kind")
	}
	return nil
}

// Formats returns all formats, in the order of the documentation.
func Formats() []*Format { return slices.Clone(formats) }

// Lookup returns the format with the name. The error lists them all.
func Lookup(name string) (*Format, error) {
	names := make([]string, 0, len(formats))
	for _, f := range formats {
		if f.Name == name {
			return f, nil
		}
		names = append(names, f.Name)
	}
	return nil, fmt.Errorf("format %q: want one of %s", name, strings.Join(names, ", "))
}

// output is a buffer that keeps its first error.
type output struct {
	b   *bufio.Writer
	err error
}

func (o *output) str(parts ...string) {
	for _, s := range parts {
		if o.err == nil {
			_, o.err = o.b.WriteString(s)
		}
	}
}

func (o *output) bytes(p []byte) {
	if o.err == nil {
		_, o.err = o.b.Write(p)
	}
}

// room returns space at the end of the buffer to append to; written takes it.
func (o *output) room() []byte { return o.b.AvailableBuffer() }

func (o *output) flush() error {
	if o.err == nil {
		o.err = o.b.Flush()
	}
	return o.err
}

// encode is an encoder without state.
type encode struct {
	each func(*Indicator) error
	last func() error
}

func (e encode) put(i *Indicator) error { return e.each(i) }

func (e encode) end() error {
	if e.last == nil {
		return nil
	}
	return e.last()
}
