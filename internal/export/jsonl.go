package export

import (
	"encoding/json"

	"dossier/internal/intel"
	"dossier/internal/observable"
)

// jsonLine is an indicator as one line of JSON.
type jsonLine struct {
	ID         string          `json:"id"`
	Kind       observable.Kind `json:"kind"`
	Value      string          `json:"value"`
	Profiles   []jsonProfile   `json:"profiles"`
	Publishers []string        `json:"publishers"`
	Source     string          `json:"source"`
	FirstSeen  intel.Time      `json:"firstSeen"`
	LastSeen   intel.Time      `json:"lastSeen,omitzero"`
	ValidUntil intel.Time      `json:"validUntil,omitzero"`
	Confidence int             `json:"confidence,omitempty"`
	TLP        intel.TLP       `json:"tlp"`
	Revoked    bool            `json:"revoked,omitempty"`
	Reference  string          `json:"reference,omitempty"`
}

type jsonProfile struct {
	ID    string     `json:"id"`
	Kind  intel.Kind `json:"kind"`
	Title string     `json:"title"`
}

var jsonlFormat = &Format{
	Name: "jsonl", About: "everything, one JSON object a line", MediaType: "application/x-ndjson", Extension: ".jsonl",
	begin: func(out *output, _ *Options) encoder {
		enc := json.NewEncoder(out.b)
		enc.SetEscapeHTML(false)
		return encode{each: func(i *Indicator) error {
			l := jsonLine{
				ID: i.ID, Kind: i.Observable.Kind, Value: i.Observable.Value, Profiles: make([]jsonProfile, 0, len(i.Profiles)), Publishers: i.Publishers,
				Source: string(i.Source), FirstSeen: i.FirstSeen, LastSeen: i.LastSeen, ValidUntil: i.ValidUntil, Confidence: i.Confidence,
				TLP: i.TLP, Revoked: i.Revoked, Reference: i.Reference,
			}
			for _, p := range i.Profiles {
				l.Profiles = append(l.Profiles, jsonProfile(p))
			}
			if l.Publishers == nil {
				l.Publishers = []string{}
			}
			return enc.Encode(l)
		}}
	},
}
