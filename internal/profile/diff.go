package profile

import (
	"slices"

	"dossier/internal/intel"
)

// A FieldChange is what became of one field.
type FieldChange struct {
	Field   string   `json:"field"`             // the property's name in the API
	Before  []string `json:"before"`            // never absent; empty where there was nothing
	After   []string `json:"after"`             // never absent
	Sources []string `json:"sources,omitempty"` // who says what is served now
}

// Diff returns the fields in which two states of a profile differ, in the order of
// the API. Either may be nil: the profile did not exist.
func Diff(before, after *intel.Dossier) []FieldChange {
	was, is := values(before), values(after)
	sources := map[string][]string{}
	if after != nil {
		for _, f := range Claims(after) {
			for _, c := range f.Claims {
				if c.Served && !slices.Contains(sources[f.Field], c.Source) {
					sources[f.Field] = append(sources[f.Field], c.Source)
				}
			}
		}
	}
	out := []FieldChange{}
	for i, f := range diffFields {
		if !slices.Equal(was[i], is[i]) {
			out = append(out, FieldChange{f, was[i], is[i], sources[f]})
		}
	}
	return out
}

var diffFields = []string{"kind", "title", "firstActiveDateTime", "aliases", "targets", "countriesOrRegionsOfOrigin", "summary", "description", "tradecraft"}

// values are those of diffFields.
func values(d *intel.Dossier) [][]string {
	out := make([][]string, len(diffFields))
	for i := range out {
		out[i] = []string{}
	}
	if d == nil {
		return out
	}
	p := &d.Profile
	out[0], out[1], out[2] = []string{string(p.Kind)}, []string{p.Title}, []string{p.FirstActive.String()}
	out[3], out[4] = append(out[3], p.Aliases...), append(out[4], p.Targets...)
	for _, o := range p.Origins {
		out[5] = append(out[5], o.Label)
	}
	out[6], out[7] = append(out[6], p.Summary.Content), append(out[7], p.Description.Content)
	if p.Tradecraft != nil {
		out[8] = append(out[8], p.Tradecraft.Content)
	}
	return out
}
