package resolve

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"dossier/internal/intel"
	"dossier/internal/lists"
	"dossier/internal/misp"
	"dossier/internal/naming"
	"dossier/internal/testcorpus"
)

// corpus holds the records of the development data, decoded once.
var corpus struct {
	sync.Once
	records []*intel.Record
	err     error
}

// corpusRecords returns ATT&CK (enterprise and ICS), Microsoft's names and all
// galaxies of MISP. The records are shared: clone before changing one.
func corpusRecords(t testing.TB) []*intel.Record {
	t.Helper()
	dir := testcorpus.Path(t)
	corpus.Do(func() { corpus.records, corpus.err = readCorpus(dir) })
	if corpus.err != nil {
		t.Fatal(corpus.err)
	}
	return corpus.records
}

type recordSink struct{ records []*intel.Record }

func (s *recordSink) Record(r *intel.Record) error         { s.records = append(s.records, r); return nil }
func (s *recordSink) Observation(*intel.Observation) error { return nil }
func (*recordSink) Article(*intel.Article) error           { return nil }
func (*recordSink) Pattern(*intel.Pattern) error           { return nil }
func (s *recordSink) Reject(intel.Reject)                  {}

func readCorpus(dir string) ([]*intel.Record, error) {
	var sink recordSink
	for _, name := range []string{"mitre-cti/enterprise-attack-18.1.stix20.json", "attack-stix-data/ics-attack/ics-attack-18.1.json"} {
		if err := readATTACK(filepath.Join(dir, name), &sink); err != nil {
			return nil, err
		}
	}
	err := decodeFile(filepath.Join(dir, "mstic/PublicFeeds/ThreatActorNaming/MicrosoftMapping.json"), func(name string, r io.Reader) error {
		_, err := lists.Decode(context.Background(), r, lists.Options{Path: name}, &sink)
		return err
	})
	if err != nil {
		return nil, err
	}
	files, err := filepath.Glob(filepath.Join(dir, "misp-galaxy/clusters/*.json"))
	if err != nil {
		return nil, err
	}
	for _, name := range files {
		err := decodeFile(name, func(name string, r io.Reader) error {
			_, err := misp.Decode(context.Background(), r, misp.Options{Path: name}, &sink)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return sink.records, nil
}

// decodeFile opens a file and hands it to a decoder.
func decodeFile(name string, decode func(string, io.Reader) error) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	return decode(name, f)
}

// readATTACK reads the groups and software of a bundle: what resolution needs
// of them, without texts.
func readATTACK(name string, sink intel.Sink) error {
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	var bundle struct {
		Objects []struct {
			Type, ID, Name, Modified string
			Relationship             string `json:"relationship_type"`
			Source                   string `json:"source_ref"`
			Target                   string `json:"target_ref"`
			Aliases                  []string
			XAliases                 []string `json:"x_mitre_aliases"`
			Revoked                  bool
			Deprecated               bool                                                    `json:"x_mitre_deprecated"`
			External                 []struct{ Source_name, External_id, Url, Title string } `json:"external_references"`
		}
	}
	if err := json.Unmarshal(data, &bundle); err != nil {
		return err
	}
	by := make(map[string]*intel.Record)
	for _, o := range bundle.Objects {
		kind := map[string]intel.Kind{"intrusion-set": intel.Actor, "malware": intel.Tool, "tool": intel.Tool}[o.Type]
		if kind == "" {
			continue
		}
		r := &intel.Record{Ref: intel.Ref{Publisher: intel.MitreAttack, Key: o.ID}, Kind: kind, Title: o.Name, Revoked: o.Revoked, Deprecated: o.Deprecated}
		_ = r.Modified.UnmarshalJSON([]byte(`"` + o.Modified + `"`))
		for _, e := range o.External {
			if strings.HasPrefix(e.Source_name, "mitre") && r.IDs == nil {
				r.IDs = append(r.IDs, intel.ExternalID{Issuer: intel.MitreAttack, ID: e.External_id, URL: e.Url})
			} else if e.Url != "" {
				r.References = append(r.References, intel.Reference{Title: e.Source_name, URL: e.Url})
			}
		}
		for _, alias := range append(o.Aliases, o.XAliases...) {
			if n := naming.Read(alias).Name; n.Value != "" && n.Value != r.Title {
				r.Names = append(r.Names, n)
			}
		}
		by[o.ID] = r
		if err := sink.Record(r); err != nil {
			return err
		}
	}
	for _, o := range bundle.Objects {
		if from, to := by[o.Source], by[o.Target]; o.Relationship == "revoked-by" && from != nil && to != nil {
			from.Links = append(from.Links, intel.Link{Relation: intel.RevokedBy, To: to.Ref})
		}
	}
	return nil
}

// of returns the records of the given publishers.
func of(records []*intel.Record, publishers ...string) []*intel.Record {
	var out []*intel.Record
	for _, r := range records {
		if slices.Contains(publishers, r.Publisher) {
			out = append(out, r)
		}
	}
	return out
}

// assignAll resolves records from nothing.
func assignAll(records []*intel.Record) *Partition {
	return Assign(Input{Records: slices.Values(records)})
}
