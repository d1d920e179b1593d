package namebench

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"dossier/catalog"
	"dossier/internal/ingest"
	"dossier/internal/intel"
)

// dictionaries are where the sources of names lie in the development data set.
var dictionaries = []string{
	"mitre-cti/enterprise-attack-18.1.stix20.json",
	"attack-stix-data/ics-attack/ics-attack-18.1.json",
	"attack-stix-data/mobile-attack/mobile-attack-18.1.json",
	"mstic/PublicFeeds/ThreatActorNaming/MicrosoftMapping.json",
	"misp-galaxy/clusters",
}

// Dictionaries returns the records of the sources of names in a folder of the form
// of the development data set. What is not there is left out; if nothing is, that
// is an error.
func Dictionaries(ctx context.Context, dir string) ([]*intel.Record, error) {
	var paths []string
	for _, d := range dictionaries {
		path := filepath.Join(dir, filepath.FromSlash(d))
		if _, err := os.Stat(path); err == nil {
			paths = append(paths, path)
		}
	}
	if paths == nil {
		return nil, fmt.Errorf("%s: no dictionary of names is there, such as %s", dir, dictionaries[0])
	}
	return ingest.ReadRecords(ctx, paths)
}

// Catalogue returns the records of the embedded catalogue.
func Catalogue(ctx context.Context) ([]*intel.Record, error) {
	var s catalogSink
	err := catalog.Decode(ctx, catalog.Open(), &s)
	return s.records, err
}

type catalogSink struct{ records []*intel.Record }

func (s *catalogSink) Section(intel.Dataset) error { return nil }
func (s *catalogSink) Record(r *intel.Record) error {
	s.records = append(s.records, r)
	return nil
}
func (s *catalogSink) Observation(*intel.Observation) error { return nil }
func (*catalogSink) Article(*intel.Article) error           { return nil }
func (*catalogSink) Pattern(*intel.Pattern) error           { return nil }
func (s *catalogSink) Reject(intel.Reject)                  {}
