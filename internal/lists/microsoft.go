package lists

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"dossier/internal/intel"
	"dossier/internal/naming"
)

// words is a string, or a list of strings, of names between commas.
type words []string

func (w *words) UnmarshalJSON(b []byte) error {
	var list []string
	if json.Unmarshal(b, &list) != nil {
		var s string
		if err := json.Unmarshal(b, &s); err != nil {
			return errors.New("want a string")
		}
		list = strings.Split(s, ",")
	}
	for _, s := range list {
		if s = strings.TrimSpace(s); s != "" {
			*w = append(*w, s)
		}
	}
	return nil
}

// actorRow is a row of MicrosoftMapping.json, and of the table of 2023 that it
// came from, which had the older name in a column.
type actorRow struct {
	Name     string `json:"Threat actor name"`
	New      string `json:"New name"`
	Previous string `json:"Previous name"`
	Origin   string `json:"Origin/Threat"`
	Others   words  `json:"Other names"`
}

// microsoft reads the table of how Microsoft names threat actors: a list of
// rows, each the record of an actor under its name. The column of origins mixes
// countries, motives and the standing of the entry; see [naming.OriginThreat].
func (d *decoder) microsoft() error {
	data, err := d.whole()
	if err != nil {
		return err
	}
	var rows []json.RawMessage
	if err := json.Unmarshal(data, &rows); err != nil {
		return syntax(data, err)
	}
	d.set.Name, d.set.Snapshot = "MicrosoftMapping", true
	seen := make(map[string]bool)
	for i, raw := range rows {
		position := fmt.Sprintf("[%d]", i)
		refuse := func(reason string) {
			d.sink.Reject(intel.Reject{Position: position, Reason: reason, Sample: sample(string(raw))})
		}
		var row actorRow
		if err := json.Unmarshal(raw, &row); err != nil {
			refuse("not a row of the table")
			continue
		}
		r := d.actor(row)
		switch {
		case intel.Placeholder(r.Title):
			refuse("no name")
			continue
		case seen[r.Key]:
			refuse("repeated name")
			continue
		}
		seen[r.Key] = true
		if err := d.sink.Record(r); err != nil {
			return err
		}
	}
	return d.ctx.Err()
}

func (d *decoder) actor(row actorRow) *intel.Record {
	title := strings.TrimSpace(row.Name)
	if title == "" {
		title = strings.TrimSpace(row.New)
	}
	r := &intel.Record{Ref: intel.Ref{Publisher: d.set.Publisher, Key: title}, Kind: intel.Actor, Title: title}
	r.Names = append(r.Names, intel.Name{Value: title, CoinedBy: naming.Microsoft})
	if old := strings.TrimSpace(row.Previous); !intel.Placeholder(old) {
		r.Names = append(r.Names, intel.Name{Value: old, CoinedBy: naming.Microsoft, Relation: intel.Formerly})
	}
	for _, entry := range row.Others {
		reading := naming.Read(entry)
		if reading.ID.ID != "" {
			r.IDs = append(r.IDs, reading.ID)
			continue
		}
		n := reading.Name
		if n.Value == "" || n.Value == title {
			continue
		}
		if n.CoinedBy == "" {
			n.CoinedBy = naming.SchemeOf(n.Value)
		}
		r.Names = append(r.Names, n)
	}
	countries, motives, notes := naming.OriginThreat(row.Origin)
	for _, c := range countries {
		r.Origins = append(r.Origins, intel.Origin{Country: c})
	}
	r.Motives, r.Notes = motives, notes
	return r
}

// syntax returns an error of the JSON decoder with its line and column.
func syntax(data []byte, err error) error {
	var bad *json.SyntaxError
	var typ *json.UnmarshalTypeError
	offset, msg := int64(len(data)), "the text ends in the middle of a value"
	switch {
	case errors.As(err, &bad):
		if int(bad.Offset) < len(data) || !strings.Contains(bad.Error(), "unexpected end") {
			offset, msg = max(bad.Offset-1, 0), bad.Error()
		}
	case errors.As(err, &typ):
		offset, msg = typ.Offset, "want a list of rows"
	case !errors.Is(err, io.ErrUnexpectedEOF):
		return err
	}
	before := data[:min(int(offset), len(data))]
	return &intel.SyntaxError{
		Line: bytes.Count(before, []byte("\n")) + 1, Column: len(before) - bytes.LastIndexByte(before, '\n'), Offset: offset, Msg: msg,
	}
}
