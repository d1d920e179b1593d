package ingest

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"dossier/internal/intel"
)

// ReadRecords returns the records in everything that the arguments name, as an
// import would take them, without a database; indicators are passed over. Of a
// record that several files have, each version is there. A file that cannot be
// read is an error.
func ReadRecords(ctx context.Context, args []string) ([]*intel.Record, error) {
	var out []*intel.Record
	producers := map[string]string{}
	in := &inputs{
		ctx: ctx, read: func(int) {},
		fail: func(path string, err error) error { return fmt.Errorf("%s: %s", path, reason(err)) },
		take: func(f file) error {
			form, _ := detect(f.Head, f.Path, "")
			if form == nil {
				return nil
			}
			var s recordSink
			ds, err := form.decode(ctx, f.Body, decodeOptions{path: strings.ReplaceAll(f.Path, "!", "/"), producers: producers}, &s)
			if err != nil {
				return fmt.Errorf("%s: %w", f.Path, err)
			}
			enrich(s.records)
			for _, g := range byPublisher(s.records, ds) {
				out = slices.Concat(out, g.records)
			}
			return nil
		},
	}
	for _, arg := range args {
		if err := in.walk(arg); err != nil {
			return nil, err
		}
	}
	return intel.Join(out), nil
}

type recordSink struct{ records []*intel.Record }

func (s *recordSink) Record(r *intel.Record) error {
	s.records = append(s.records, r)
	return nil
}
func (s *recordSink) Observation(*intel.Observation) error { return nil }
func (*recordSink) Article(*intel.Article) error           { return nil }
func (*recordSink) Pattern(*intel.Pattern) error           { return nil }
func (s *recordSink) Reject(intel.Reject)                  {}
