// Package catalog embeds the starter catalogue: facts about threat actors and
// tools, with credits, so that Dossier has real profiles without a network.
//
// The data is a dated snapshot of several publishers, made from their files by
// catalog/generate; docs/catalogue.md tells what it covers. It holds facts, not
// prose: names and who coined them, origins, targets, dates, ids, techniques,
// tools, links, references and dated indicators.
//
// The form is JSON lines, compressed with Zstandard: a line {"dataset":…}
// opens a section, the lines {"record":…} and {"observation":…} after it belong
// to it. [Decode] reads it, and [Writer] writes it.
package catalog

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"dossier/internal/guard"
	"dossier/internal/intel"
	"dossier/internal/observable"

	"github.com/klauspost/compress/zstd"
)

//go:embed catalog.ndjson.zst
var data []byte

// Version identifies the embedded data, guards included: it changes with every
// byte of it.
func Version() string { return VersionOf(slices.Concat(data, guardData)) }

// VersionOf returns the version of a catalogue by its bytes.
func VersionOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:8])
}

// Size returns the size of the embedded data in bytes.
func Size() int { return len(data) }

// Open returns the embedded catalogue, as [Decode] reads it.
func Open() io.Reader { return bytes.NewReader(data) }

//go:embed guards.ndjson.zst
var guardData []byte

// Guards returns the compact set of guards that goes with the catalogue: the lists
// that keep a first hunt from finding what everybody has. The rest comes with
// the warning lists themselves.
func Guards() ([]guard.List, error) {
	z, err := zstd.NewReader(bytes.NewReader(guardData), zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	defer z.Close()
	var out []guard.List
	for dec := json.NewDecoder(z); ; {
		var l guard.List
		switch err := dec.Decode(&l); {
		case errors.Is(err, io.EOF):
			return out, nil
		case err != nil:
			return nil, fmt.Errorf("guards: %w", err)
		}
		out = append(out, l)
	}
}

// EncodeGuards returns lists in the form that [Guards] reads. Equal lists give equal
// bytes.
func EncodeGuards(lists []guard.List) ([]byte, error) {
	var b bytes.Buffer
	z, err := zstd.NewWriter(&b, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(4<<20))
	if err != nil {
		return nil, err
	}
	enc := json.NewEncoder(z)
	enc.SetEscapeHTML(false)
	for i := range lists {
		if err := enc.Encode(&lists[i]); err != nil {
			return nil, err
		}
	}
	err = z.Close()
	return b.Bytes(), err
}

// A Sink takes a catalogue: its sections in order, and what is in them.
type Sink interface {
	intel.Sink
	// Section begins a section; what follows belongs to it.
	Section(intel.Dataset) error
}

// line is one line of the catalogue.
type line struct {
	Dataset     *intel.Dataset `json:"dataset,omitempty"`
	Record      *intel.Record  `json:"record,omitempty"`
	Observation *observation   `json:"observation,omitempty"`
}

// observation is an [intel.Observation] in short form. The publisher is that of
// the section, where it is left out.
type observation struct {
	Publisher  string                `json:"p,omitempty"`
	Kind       observable.Kind       `json:"k"`
	Value      string                `json:"v"`
	Subjects   []intel.Ref           `json:"s,omitempty"`
	First      intel.Date            `json:"f,omitzero"`
	Last       intel.Time            `json:"l,omitzero"`
	ValidUntil intel.Time            `json:"u,omitzero"`
	Confidence int8                  `json:"c,omitempty"`
	Source     intel.IndicatorSource `json:"o,omitempty"`
	Reference  string                `json:"r,omitempty"`
	Context    string                `json:"n,omitempty"`
	Modified   intel.Time            `json:"m,omitzero"`
}

// ErrForm is wrapped by errors about data that is no catalogue.
var ErrForm = errors.New("not a catalogue")

// Decode reads a catalogue from r, which is compressed. Errors name the line
// and wrap [ErrForm] where the data is at fault.
func Decode(ctx context.Context, r io.Reader, sink Sink) error {
	z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return err
	}
	defer z.Close()
	in := bufio.NewReaderSize(z, 1<<20)
	var section intel.Dataset
	for n := 1; ; n++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		text, err := in.ReadBytes('\n')
		if len(text) == 0 && errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("%w: line %d: %w", ErrForm, n, err)
		}
		var l line
		if err := json.Unmarshal(text, &l); err != nil {
			return fmt.Errorf("%w: line %d: %w", ErrForm, n, err)
		}
		switch {
		case l.Dataset != nil:
			section = *l.Dataset
			err = sink.Section(section)
		case l.Record != nil:
			err = sink.Record(l.Record)
		case l.Observation != nil:
			err = sink.Observation(l.Observation.value(section.Publisher))
		default:
			return fmt.Errorf("%w: line %d: neither dataset, record nor observation", ErrForm, n)
		}
		if err != nil {
			return err
		}
	}
}

func (o *observation) value(publisher string) *intel.Observation {
	if o.Publisher != "" {
		publisher = o.Publisher
	}
	return &intel.Observation{
		Publisher: publisher, Observable: observable.Observable{Kind: o.Kind, Value: o.Value}, Subjects: o.Subjects,
		FirstSeen: o.First, LastSeen: o.Last, ValidUntil: o.ValidUntil, Confidence: o.Confidence, Source: o.Source,
		Reference: o.Reference, Context: o.Context, Modified: o.Modified,
	}
}

// A Writer writes a catalogue. Close it to end the data.
type Writer struct {
	z         *zstd.Encoder
	enc       *json.Encoder
	publisher string
}

// NewWriter returns a writer to w. Equal input gives equal bytes.
func NewWriter(w io.Writer) (*Writer, error) {
	z, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(8<<20))
	if err != nil {
		return nil, err
	}
	enc := json.NewEncoder(z)
	enc.SetEscapeHTML(false)
	return &Writer{z: z, enc: enc}, nil
}

// Section begins a section.
func (w *Writer) Section(d intel.Dataset) error {
	w.publisher = d.Publisher
	return w.enc.Encode(line{Dataset: &d})
}

// Record adds a record to the section.
func (w *Writer) Record(r *intel.Record) error { return w.enc.Encode(line{Record: r}) }

// Observation adds an observation to the section.
func (w *Writer) Observation(o *intel.Observation) error {
	publisher := o.Publisher
	if publisher == w.publisher {
		publisher = ""
	}
	return w.enc.Encode(line{Observation: &observation{
		Publisher: publisher, Kind: o.Observable.Kind, Value: o.Observable.Value, Subjects: o.Subjects, First: o.FirstSeen,
		Last: o.LastSeen, ValidUntil: o.ValidUntil, Confidence: o.Confidence, Source: o.Source, Reference: o.Reference,
		Context: o.Context, Modified: o.Modified,
	}})
}

// Close ends the data; the underlying writer stays open.
func (w *Writer) Close() error { return w.z.Close() }
