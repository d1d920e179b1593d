// Package dictionary reads lists of who is called what: actors, or tools, each
// with its other names, as people and vendors publish them outside STIX and
// MISP. Three layouts are told apart by the names of their fields, not by who
// made them:
//
//   - a table with a column of names and one of aliases;
//   - a table with a column an organisation, which holds what that organisation
//     calls the actor (EternalLiberty, the spreadsheet of APT groups and
//     operations);
//   - JSON: objects in a list, at the top or under any key, or by name in an
//     object (ETDA's threat group cards, EternalLiberty, Malpedia's actors and
//     families).
//
// fields.go knows what fields are called. An entry becomes one record of a data
// set that is read whole; rows of the same name are one entry. Who coined a name
// is what the list says, else what the form of the name says ([naming.SchemeOf]).
//
// A dictionary is held whole in memory, at most [MaxFile] bytes of it. Nothing
// here keeps state.
package dictionary

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"dossier/internal/intel"
	"dossier/internal/naming"
	"dossier/internal/refdate"
)

// MaxFile is the largest dictionary that is read, in bytes.
const MaxFile = 64 << 20

// Options say how to read a body. The zero value works.
type Options struct {
	Publisher string     // overrides what the content or the file's name tells
	Path      string     // of the file: names the publisher of a list that nothing else names
	NotAfter  intel.Time // the latest date that is believed; 0: the end of the year 2100
}

// Sniff reports whether a body that begins with head is a dictionary: a table or
// JSON whose field names say so. The path makes no difference.
func Sniff(head []byte, _ string) bool {
	head, _, _ = transform.Bytes(unicode.BOMOverride(encoding.Nop.NewDecoder()), head)
	if looksLikeJSON(head) {
		return sniffJSON(head)
	}
	_, ok := tableOf(head)
	return ok
}

func looksLikeJSON(head []byte) bool {
	head = bytes.TrimLeft(head, " \t\r\n")
	return len(head) > 0 && (head[0] == '{' || head[0] == '[')
}

// Decode reads one dictionary and gives the sink a record for each entry. What is
// no entry, or has no name, is rejected with its place. The error is an
// [*intel.SyntaxError], the sink's own, or the context's.
func Decode(ctx context.Context, r io.Reader, o Options, sink intel.Sink) (intel.Dataset, error) {
	data, err := io.ReadAll(io.LimitReader(transform.NewReader(bufio.NewReader(r), unicode.BOMOverride(encoding.Nop.NewDecoder())), MaxFile+1))
	if err != nil {
		return intel.Dataset{}, err
	}
	if len(data) > MaxFile {
		return intel.Dataset{}, &intel.SyntaxError{Msg: fmt.Sprintf("more than %d MB, too much for a list of names", MaxFile>>20)}
	}
	d := &decoder{
		ctx: ctx, sink: sink, bound: refdate.Until(o.NotAfter), byKey: map[string]*intel.Record{},
		set: intel.Dataset{Publisher: o.Publisher, Name: stem(o.Path), Snapshot: true, Distinct: true},
	}
	if looksLikeJSON(data) {
		err = d.json(data)
	} else {
		err = d.table(data)
	}
	if err != nil {
		return d.set, err
	}
	publisher, known := publisherOf(data, d.set.Name)
	if d.set.Publisher == "" {
		d.set.Publisher = publisher
	}
	if known && len(d.records) > 0 { // whatever its file is called, it is the same list
		d.set.Name = string(d.records[0].Kind) + "s"
	}
	for _, r := range d.records {
		if err := errors.Join(ctx.Err(), d.give(r)); err != nil {
			return d.set, err
		}
	}
	d.set.Waits = d.bound.Refused()
	return d.set, nil
}

// A decoder is one call of Decode.
type decoder struct {
	ctx   context.Context
	sink  intel.Sink
	bound refdate.Bound
	set   intel.Dataset

	records []*intel.Record // in the order of the file
	byKey   map[string]*intel.Record
}

func (d *decoder) give(r *intel.Record) error {
	r.Publisher = d.set.Publisher
	return d.sink.Record(r)
}

func (d *decoder) reject(position, reason, sample string) {
	if len(sample) > 120 {
		sample = strings.ToValidUTF8(sample[:120], "")
	}
	d.sink.Reject(intel.Reject{Position: position, Reason: reason, Sample: sample})
}

// publishers knows lists by a text at their beginning.
var publishers = []struct{ text, publisher string }{
	{"Threat Group Cards", "etda"},
	{"EternalLiberty", "eternal-liberty"},
	{"Threat Actor Official Name,Confidence,Type,Country", "eternal-liberty"},
	{"malpedia.caad.fkie.fraunhofer.de", "malpedia"},
}

// publisherOf returns whose list it is: one that is known, or the file's name as
// a short name, for keys belong to publishers and two lists must not share them.
func publisherOf(data []byte, name string) (publisher string, known bool) {
	head := data[:min(len(data), 16<<10)]
	for _, p := range publishers {
		if bytes.Contains(head, []byte(p.text)) {
			return p.publisher, true
		}
	}
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	if short := strings.Trim(b.String(), "-"); short != "" {
		return short, false
	}
	return "unattributed", false
}

// stem returns the name of a file without folder and extensions.
func stem(p string) string {
	base := path.Base(strings.ReplaceAll(p, `\`, "/"))
	for ext := path.Ext(base); ext != "" && ext != base; ext = path.Ext(base) {
		base = strings.TrimSuffix(base, ext)
	}
	if base == "." || base == "/" || base == "-" {
		return ""
	}
	return base
}

// A cell is a field of an entry with what it is.
type cell struct {
	column
	texts []string
	named []named // for JSON that says whose a name is
}

type named struct{ name, by string }

// entry makes a record of an entry's fields, or adds them to that of the same key.
func (d *decoder) entry(position, byName string, cells []cell, sample string) {
	e := entry{bound: d.bound}
	title, key, kind := d.titleOf(byName, cells)
	if title == "" {
		d.reject(position, "no name", sample)
		return
	}
	if key == "" {
		key = title
	}
	r := d.byKey[string(kind)+"\x00"+key]
	if r == nil {
		r = &intel.Record{Ref: intel.Ref{Key: key}, Kind: kind, Title: title}
		d.byKey[string(kind)+"\x00"+key] = r
		d.records = append(d.records, r)
	}
	e.r = r
	if kind == intel.Tool && malpediaFamily.MatchString(byName) && len(r.IDs) == 0 {
		r.IDs = []intel.ExternalID{{Issuer: "malpedia", ID: byName}}
	}
	for _, c := range cells {
		e.take(c)
	}
	e.finish()
}

// titleOf returns what an entry is called, its publisher's key for it, if there
// is one, and what it is. ETDA's titles are all its names with commas between.
func (d *decoder) titleOf(byName string, cells []cell) (title, key string, kind intel.Kind) {
	kind = intel.Actor
	var names []string
	for _, c := range cells {
		switch c.role {
		case isTitle, isToolTitle:
			if title == "" && len(c.texts) > 0 {
				title = plain(c.texts[0])
			}
			if c.role == isToolTitle {
				kind = intel.Tool
			}
		case isKey:
			if len(c.texts) > 0 {
				key = c.texts[0]
			}
		case isNames:
			for _, n := range c.named {
				names = append(names, plain(n.name))
			}
		}
	}
	if malpediaFamily.MatchString(byName) {
		kind = intel.Tool
		if title == "" {
			title = byName
		}
	}
	if title == "" {
		title = plain(byName)
	}
	if first, _, several := strings.Cut(title, ","); several && slices.Contains(names, strings.TrimSpace(first)) {
		title = strings.TrimSpace(first)
	}
	if n := naming.Read(title).Name; n.Relation == "" && n.Value != "" {
		title = n.Value
	}
	return title, key, kind
}

// plain is a word of a list without the brackets that say "not a real one", or
// nothing if it stands for none: "[Unnamed group]", "[Unknown]", "?".
func plain(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if inner, ok := strings.CutPrefix(s, "["); ok && strings.HasSuffix(inner, "]") {
		if inner = strings.TrimSuffix(inner, "]"); intel.Placeholder(inner) || strings.HasPrefix(strings.ToLower(inner), "unnamed") {
			return ""
		}
		s = inner
	}
	if intel.Placeholder(s) {
		return ""
	}
	return s
}
