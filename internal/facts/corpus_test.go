package facts

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"dossier/internal/intel"
	"dossier/internal/testcorpus"
)

func readJSON(t testing.TB, path string, v any) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, v); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// attackRecords reads groups and software of the enterprise bundle, as far as
// this package needs them.
func attackRecords(t testing.TB) []intel.Record {
	t.Helper()
	var bundle struct {
		Objects []struct {
			Type, ID, Name, Description string
			Aliases                     []string
			Labels                      []string  `json:"x_mitre_aliases"`
			Modified                    time.Time `json:"modified"`
			Revoked                     bool
			Deprecated                  bool `json:"x_mitre_deprecated"`
			References                  []struct {
				Source      string `json:"source_name"`
				ID          string `json:"external_id"`
				URL         string
				Description string
			} `json:"external_references"`
		}
	}
	readJSON(t, testcorpus.Path(t, "mitre-cti", "enterprise-attack-18.1.derived-stix21.json"), &bundle)
	var out []intel.Record
	for _, o := range bundle.Objects {
		r := intel.Record{Ref: intel.Ref{Publisher: "mitre-attack", Key: o.ID}, Title: o.Name, Description: o.Description, Modified: intel.TimeOf(o.Modified)}
		switch {
		case o.Revoked || o.Deprecated:
			continue
		case o.Type == "intrusion-set":
			r.Kind = intel.Actor
		case o.Type == "malware" || o.Type == "tool":
			r.Kind = intel.Tool
		default:
			continue
		}
		for _, a := range append(o.Aliases, o.Labels...) {
			if a != o.Name {
				r.Names = append(r.Names, intel.Name{Value: a})
			}
		}
		for _, ref := range o.References {
			switch {
			case ref.Source == "mitre-attack":
				r.IDs = append(r.IDs, intel.ExternalID{Issuer: "mitre-attack", ID: ref.ID})
			case ref.URL != "":
				r.References = append(r.References, intel.Reference{Title: ref.Description, URL: ref.URL, Date: citedDate(ref.Description)})
			}
		}
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b intel.Record) int { return strings.Compare(a.IDs[0].ID, b.IDs[0].ID) })
	return out
}

// mispRecords reads the actors of the MISP galaxy, without the fields that this
// package would not repeat: the text is to stand alone.
func mispRecords(t testing.TB) []intel.Record {
	t.Helper()
	var file struct {
		Values []struct {
			UUID, Value, Description string
			Meta                     struct {
				Synonyms []string
				Refs     []string
				Country  string
			}
		}
	}
	readJSON(t, testcorpus.Path(t, "misp-galaxy", "clusters", "threat-actor.json"), &file)
	var out []intel.Record
	for _, v := range file.Values {
		r := intel.Record{Ref: intel.Ref{Publisher: "misp-galaxy/threat-actor", Key: v.UUID}, Kind: intel.Actor, Title: strings.TrimSpace(v.Value), Description: v.Description}
		for _, s := range v.Meta.Synonyms {
			r.Names = append(r.Names, intel.Name{Value: s})
		}
		for _, u := range v.Meta.Refs {
			r.References = append(r.References, intel.Reference{URL: u})
		}
		out = append(out, r)
	}
	return out
}
