// Package graph reads answers of Microsoft Graph's /security/threatIntelligence:
// lists of profiles and of their indicators, as Microsoft or another Dossier
// serves them.
//
// Start at [Decode]. The rules of the package: an answer's "@odata.context" says
// what it holds; a publisher is the host that answered; a profile's key is its id
// there; what is malformed is one reject.
package graph

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"strings"

	"dossier/internal/intel"
	"dossier/internal/observable"
)

// Options say how to read answers. The zero value works.
type Options struct {
	Publisher string // overrides the detected publisher
}

// Complete stands behind the answers of a service that were fetched to the last:
// what is not among them is no longer there.
const Complete = `{"dossier.complete":true}`

// dataset is the name of the data set of a service's profiles.
const dataset = "intelProfiles"

var (
	sniff = regexp.MustCompile(`^\{\s*"@odata\.context"\s*:\s*"[^"]*\$metadata#security/threatIntelligence/`)
	// context cuts a context into collection, key and navigation.
	contextForm = regexp.MustCompile(`^(intelProfiles|intelligenceProfileIndicators)(?:\('([^']*)'\))?(/indicators)?(?:\([^)]*\))?(?:/\$entity)?$`)
)

// Sniff reports whether the first bytes of a file look like such an answer.
func Sniff(head []byte) bool {
	return sniff.Match(bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n"))
}

// Decode reads answers, one after the other. The data set is a snapshot if
// [Complete] stands behind them. The error is an [*intel.SyntaxError] where the
// text ends early or is no JSON, the sink's, or the context's.
func Decode(ctx context.Context, r io.Reader, o Options, sink intel.Sink) (intel.Dataset, error) {
	d := &decoder{sink: sink, o: o, set: intel.Dataset{Publisher: o.Publisher}}
	dec := json.NewDecoder(r)
	for n := 0; ; n++ {
		if err := ctx.Err(); err != nil {
			return d.set, err
		}
		var a answer
		switch err := dec.Decode(&a); {
		case errors.Is(err, io.EOF) && n > 0:
			return d.set, nil
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return d.set, &intel.SyntaxError{Offset: dec.InputOffset(), Msg: "the text ends early"}
		case err != nil:
			var syntax *json.SyntaxError
			var kind *json.UnmarshalTypeError
			if errors.As(err, &syntax) || errors.As(err, &kind) {
				return d.set, &intel.SyntaxError{Offset: dec.InputOffset(), Msg: err.Error()}
			}
			return d.set, err
		}
		if a.Complete {
			d.set.Name, d.set.Snapshot = dataset, true
			continue
		}
		if err := d.answer(&a, fmt.Sprintf("[%d]", n)); err != nil {
			return d.set, err
		}
	}
}

type answer struct {
	Context  string            `json:"@odata.context"`
	Value    []json.RawMessage `json:"value"`
	Complete bool              `json:"dossier.complete"`
}

type decoder struct {
	sink intel.Sink
	o    Options
	set  intel.Dataset
}

func (d *decoder) answer(a *answer, position string) error {
	base, what, ok := strings.Cut(a.Context, "$metadata#security/threatIntelligence/")
	m := contextForm.FindStringSubmatch(what)
	if !ok || m == nil {
		d.sink.Reject(intel.Reject{Position: position, Reason: "not an answer about profiles or their indicators", Sample: clip(a.Context)})
		return nil
	}
	publisher := d.o.Publisher
	if publisher == "" {
		publisher = publisherOf(base)
	}
	d.set.Publisher = publisher
	profile := m[2]
	for i, raw := range a.Value {
		at := fmt.Sprintf("%s.value[%d]", position, i)
		var err error
		if m[1] == "intelProfiles" && m[3] == "" {
			err = d.profile(raw, publisher, at)
		} else {
			err = d.indicator(raw, publisher, profile, at)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// publisherOf names a service by its host.
func publisherOf(base string) string {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Host == "graph.microsoft.com" {
		return "microsoft-graph"
	}
	return "dossier/" + strings.ToLower(u.Hostname())
}

func (d *decoder) profile(raw json.RawMessage, publisher, at string) error {
	var p intel.Profile
	if err := json.Unmarshal(raw, &p); err != nil {
		d.sink.Reject(intel.Reject{Position: at, Reason: "not a profile", Sample: clip(string(raw))})
		return nil
	}
	if p.ID == "" || p.Title == "" || !p.Kind.HasProfile() {
		d.sink.Reject(intel.Reject{Position: at, Reason: "profile without id, title or known kind", Sample: clip(string(raw))})
		return nil
	}
	r := &intel.Record{Ref: intel.Ref{Publisher: publisher, Key: p.ID}, Kind: p.Kind, Title: strings.TrimSpace(p.Title)}
	for _, alias := range p.Aliases {
		if alias = strings.TrimSpace(alias); alias != "" && alias != r.Title {
			r.Names = append(r.Names, intel.Name{Value: alias})
		}
	}
	for _, o := range p.Origins {
		if country := strings.TrimSpace(first(o.Code, o.Label)); country != "" {
			r.Origins = append(r.Origins, intel.Origin{Country: country})
		}
	}
	for _, t := range p.Targets {
		// "Sector: Sub-sector" is one target in the vocabulary of profiles; the last
		// word is the closest.
		if i := strings.LastIndex(t, ": "); i >= 0 {
			t = t[i+2:]
		}
		if t = strings.TrimSpace(t); t != "" {
			r.Targets = append(r.Targets, intel.Target{Value: t})
		}
	}
	if p.FirstActive != 0 {
		r.FirstActive = []intel.Date{date(p.FirstActive)}
	}
	if p.Description.Format != "html" { // Markdown is what records hold
		r.Description = strings.ReplaceAll(p.Description.Content, "\r\n", "\n")
	}
	return d.sink.Record(r)
}

// date is a stated time; one at midnight is of the day, one at the beginning of
// a year of the year: services must give a time where they know less.
func date(t intel.Time) intel.Date {
	d := intel.Date{At: t, Precision: intel.Exact, Basis: intel.BasisStated}
	switch s := t.Std().Format("01-02T15:04:05.000"); {
	case s == "01-01T00:00:00.000":
		d.Precision = intel.Year
	case strings.HasSuffix(s, "T00:00:00.000"):
		d.Precision = intel.Day
	}
	return d
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

type indicator struct {
	Source    intel.IndicatorSource `json:"source"`
	FirstSeen intel.Time            `json:"firstSeenDateTime"`
	LastSeen  intel.Time            `json:"lastSeenDateTime"`
	Artifact  struct {
		Type  string `json:"@odata.type"`
		ID    string `json:"id"`
		Kind  string `json:"kind"`
		Value string `json:"value"`
	} `json:"artifact"`
}

func (d *decoder) indicator(raw json.RawMessage, publisher, profile, at string) error {
	var i indicator
	if err := json.Unmarshal(raw, &i); err != nil {
		d.sink.Reject(intel.Reject{Position: at, Reason: "not an indicator", Sample: clip(string(raw))})
		return nil
	}
	o, err := i.observable()
	if err != nil {
		reason, sample := "artifact of a type that is no observable", i.Artifact.Type
		var wrong *observable.Error
		if errors.As(err, &wrong) {
			reason, sample = string(wrong.Reason), first(i.Artifact.Value, i.Artifact.ID)
		}
		d.sink.Reject(intel.Reject{Position: at, Reason: reason, Sample: clip(sample)})
		return nil
	}
	obs := &intel.Observation{Publisher: publisher, Observable: o, LastSeen: i.LastSeen, Source: i.Source}
	if i.FirstSeen != 0 {
		obs.FirstSeen = intel.Date{At: i.FirstSeen, Precision: intel.Exact, Basis: intel.BasisStated}
	}
	if profile != "" {
		obs.Subjects = []intel.Ref{{Publisher: publisher, Key: profile}}
	}
	return d.sink.Observation(obs)
}

var errNoObservable = errors.New("no observable")

func (i *indicator) observable() (observable.Observable, error) {
	switch i.Artifact.Type[strings.LastIndexByte(i.Artifact.Type, '.')+1:] {
	case "hostname":
		return observable.ParseAs(observable.Domain, i.Artifact.ID)
	case "ipAddress":
		return observable.ParseAs(observable.IPAddress, i.Artifact.ID)
	case "unclassifiedArtifact":
		o, err := observable.ParseAs(observable.Kind(i.Artifact.Kind), i.Artifact.Value)
		if err != nil { // Microsoft's words for kinds are not documented
			return observable.Parse(i.Artifact.Value)
		}
		return o, nil
	}
	return observable.Observable{}, errNoObservable
}

func clip(s string) string {
	if len(s) > 120 {
		return strings.ToValidUTF8(s[:120], "")
	}
	return s
}
