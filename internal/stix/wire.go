package stix

import (
	"bytes"
	"time"

	"dossier/internal/intel"
)

// wire is a STIX object as it stands in the file: every member that any of the
// types we read has. Strings are slices of the raw object, still escaped. One
// wire serves a worker for all its objects.
type wire struct {
	typ, id, specVersion, createdBy []byte
	created, modified               []byte
	revoked, deprecated             bool
	confidence                      int // -1 is absent
	markings                        [][]byte
	tlp                             []byte // of a marking definition
	definitionType                  []byte

	name, description     []byte
	aliases, labels       [][]byte
	refs                  []wireRef
	firstSeen, lastSeen   []byte
	motive                []byte // the primary one
	motives, toolTypes    [][]byte
	platforms, indicTypes [][]byte
	phases                []wirePhase

	relType, source, target, startTime []byte // relationship

	pattern, patternType  []byte // indicator
	validFrom, validUntil []byte
	objectRefs            [][]byte // report
	published, title      []byte
	reportTypes           [][]byte
	sightingOf            []byte // sighting
	count                 int    // -1 is absent

	classes, sectors         [][]byte // identity
	country, region, locType []byte   // location

	shortname, version  []byte // ATT&CK
	tacticRefs, domains [][]byte
	objects             []byte // of a bundle inside a list
}

type wireRef struct{ source, description, url, id []byte }

type wirePhase struct{ chain, name []byte }

// read fills w from raw. The reader tells what was wrong.
func (w *wire) read(raw []byte) jsonReader {
	*w = wire{
		confidence: -1, count: -1,
		markings: w.markings[:0], aliases: w.aliases[:0], labels: w.labels[:0], refs: w.refs[:0], motives: w.motives[:0],
		toolTypes: w.toolTypes[:0], platforms: w.platforms[:0], indicTypes: w.indicTypes[:0], phases: w.phases[:0],
		objectRefs: w.objectRefs[:0], classes: w.classes[:0], sectors: w.sectors[:0], tacticRefs: w.tacticRefs[:0],
		domains: w.domains[:0], reportTypes: w.reportTypes[:0],
	}
	r := jsonReader{b: raw, field: "object"}
	r.object(func(key []byte) { w.member(&r, key) })
	r.end()
	return r
}

// member reads one member of an object. A type of ours that is not as the
// specification says makes the object malformed; members of other types are
// passed over.
func (w *wire) member(r *jsonReader, key []byte) {
	switch string(key) {
	case "type":
		r.field, w.typ = "type", nil
		w.typ = r.str()
	case "id":
		r.field = "id"
		w.id = r.str()
	case "spec_version":
		r.field = "spec_version"
		w.specVersion = r.str()
	case "created_by_ref":
		r.field = "created_by_ref"
		w.createdBy = r.str()
	case "created":
		r.field = "created"
		w.created = r.str()
	case "modified":
		r.field = "modified"
		w.modified = r.str()
	case "revoked":
		r.field = "revoked"
		w.revoked = r.boolean()
	case "x_mitre_deprecated":
		r.field = "x_mitre_deprecated"
		w.deprecated = r.boolean()
	case "confidence":
		r.field = "confidence"
		w.confidence = r.integer()
	case "object_marking_refs":
		r.field = "object_marking_refs"
		w.markings = r.strs(w.markings)
	case "granular_markings":
		r.field = "granular_markings"
		r.array(func() {
			r.object(func(key []byte) {
				if string(key) == "marking_ref" {
					w.markings = append(w.markings, r.str())
				} else {
					r.skip()
				}
			})
		})
	case "external_references":
		r.field = "external_references"
		r.array(func() { w.reference(r) })
	case "name":
		r.field = "name"
		w.name = r.str()
	case "description":
		r.field = "description"
		w.description = r.str()
	case "aliases", "x_mitre_aliases", "x_opencti_aliases":
		r.field = "aliases"
		w.aliases = r.strs(w.aliases)
	case "labels":
		r.field = "labels"
		w.labels = r.strs(w.labels)
	case "first_seen":
		r.field = "first_seen"
		w.firstSeen = r.str()
	case "last_seen":
		r.field = "last_seen"
		w.lastSeen = r.str()
	case "primary_motivation":
		r.field = "primary_motivation"
		w.motive = r.str()
	case "secondary_motivations", "personal_motivations", "goals":
		r.field = "motivations and goals"
		w.motives = r.strs(w.motives)
	case "malware_types", "tool_types":
		r.field = "malware_types or tool_types"
		w.toolTypes = r.strs(w.toolTypes)
	case "indicator_types":
		r.field = "indicator_types"
		w.indicTypes = r.strs(w.indicTypes)
	case "x_mitre_platforms":
		r.field = "x_mitre_platforms"
		w.platforms = r.strs(w.platforms)
	case "kill_chain_phases":
		r.field = "kill_chain_phases"
		r.array(func() { w.phase(r) })
	case "relationship_type":
		r.field = "relationship_type"
		w.relType = r.str()
	case "source_ref":
		r.field = "source_ref"
		w.source = r.str()
	case "target_ref":
		r.field = "target_ref"
		w.target = r.str()
	case "start_time":
		r.field = "start_time"
		w.startTime = r.str()
	default:
		w.rareMember(r, key)
	}
}

func (w *wire) rareMember(r *jsonReader, key []byte) {
	r.field = string(key)
	switch r.field {
	case "pattern":
		w.pattern = r.str()
	case "pattern_type":
		w.patternType = r.str()
	case "valid_from":
		w.validFrom = r.str()
	case "valid_until":
		w.validUntil = r.str()
	case "object_refs":
		w.objectRefs = r.strs(w.objectRefs)
	case "published":
		w.published = r.str()
	case "report_types":
		w.reportTypes = r.strs(w.reportTypes)
	case "title": // of ours, only of reports; elsewhere it may be anything
		if r.peek() == '"' {
			w.title = r.str()
		} else {
			r.skip()
		}
	case "sighting_of_ref":
		w.sightingOf = r.str()
	case "count":
		w.count = r.integer()
	case "identity_class":
		// A string; Unit 42 writes a list of one.
		if r.peek() == '[' {
			w.classes = r.strs(w.classes)
		} else {
			w.classes = append(w.classes, r.str())
		}
	case "sectors":
		w.sectors = r.strs(w.sectors)
	case "country":
		w.country = r.str()
	case "region":
		w.region = r.str()
	case "x_opencti_location_type":
		w.locType = r.str()
	case "definition_type":
		w.definitionType = r.str()
	case "definition":
		r.object(func(key []byte) {
			if string(key) == "tlp" || string(key) == "TLP" {
				w.tlp = r.str()
			} else {
				r.skip()
			}
		})
	case "extensions":
		r.object(func([]byte) {
			if r.peek() != '{' {
				r.skip()
				return
			}
			r.object(func(key []byte) {
				if string(key) == "tlp_2_0" {
					w.tlp = r.str()
				} else {
					r.skip()
				}
			})
		})
	case "x_mitre_shortname":
		w.shortname = r.str()
	case "x_mitre_version":
		w.version = r.str()
	case "tactic_refs":
		w.tacticRefs = r.strs(w.tacticRefs)
	case "x_mitre_domains":
		w.domains = r.strs(w.domains)
	case "objects":
		r.blank()
		from := r.i
		r.skip()
		w.objects = r.b[from:r.i]
	default:
		r.skip()
	}
}

func (w *wire) reference(r *jsonReader) {
	var ref wireRef
	r.object(func(key []byte) {
		switch string(key) {
		case "source_name":
			ref.source = r.str()
		case "description":
			ref.description = r.str()
		case "url":
			ref.url = r.str()
		case "external_id":
			ref.id = r.str()
		default:
			r.skip()
		}
	})
	w.refs = append(w.refs, ref)
}

func (w *wire) phase(r *jsonReader) {
	var p wirePhase
	r.object(func(key []byte) {
		switch string(key) {
		case "kill_chain_name":
			p.chain = r.str()
		case "phase_name":
			p.name = r.str()
		default:
			r.skip()
		}
	})
	w.phases = append(w.phases, p)
}

// The years that are believed. Feeds write the year 1 and 1970 for "none", and
// 5138 or 9999 for "for ever".
const firstYear, lastYear = 1980, 2100

// timeOf reads a timestamp; the note says why there is none.
func timeOf(raw []byte) (t intel.Time, note string) {
	if len(raw) == 0 {
		return 0, ""
	}
	s := string(bytes.TrimSpace(raw))
	std, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		if std, err = time.Parse(time.DateOnly, s); err != nil {
			return 0, "malformed date"
		}
	}
	if y := std.UTC().Year(); y < firstYear || y > lastYear {
		return 0, "date out of range"
	}
	return intel.TimeOf(std), ""
}

// stated returns t as a date that the source has a field for. Midnight, in UTC
// or on the US east coast, is how a day is written where only a timestamp fits.
func stated(t intel.Time, basis intel.Basis) intel.Date {
	if t == 0 {
		return intel.Date{}
	}
	const hour = 3600 * 1000
	const day = 24 * hour
	// Unit 42 adds a millisecond.
	switch int64(t) % day {
	case 0, 1, 4 * hour, 4*hour + 1, 5 * hour, 5*hour + 1:
		return intel.Date{At: t - t%day, Precision: intel.Day, Basis: basis}
	}
	return intel.Date{At: t, Precision: intel.Exact, Basis: basis}
}
