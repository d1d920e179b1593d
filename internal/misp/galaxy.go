package misp

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"dossier/internal/intel"
)

var (
	uuidForm = regexp.MustCompile(`^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
	hashes   = regexp.MustCompile(`^[0-9a-f]{32},[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\r?\n`)
)

// A galaxy is the head of a file of clusters, as far as it has gone by.
type galaxy struct {
	typ, category, name, source, version text

	seen    map[string]bool   // keys of the file
	waiting []json.RawMessage // values met before the type was
	read    int               // values
}

func (g *galaxy) field(key string) *text {
	switch key {
	case "type":
		return &g.typ
	case "category":
		return &g.category
	case "source":
		return &g.source
	}
	return &g.name
}

// id returns the galaxy's short name, as it stands in tags: its type, but
// Tidal's has the type "groups".
func (g *galaxy) id() string {
	if g.typ == "groups" && strings.HasPrefix(strings.ToLower(string(g.name)), "tidal") {
		return "tidal-groups"
	}
	return string(g.typ)
}

// kinds says what the clusters of a galaxy are. Galaxies that are not here are
// judged by their category, and by the end of their name.
var kinds = map[string]intel.Kind{
	"threat-actor": intel.Actor, "microsoft-activity-group": intel.Actor, "360net-threat-actor": intel.Actor,
	"mitre-intrusion-set": intel.Actor, "mitre-enterprise-attack-intrusion-set": intel.Actor, "mitre-mobile-attack-intrusion-set": intel.Actor,
	"mitre-ics-groups": intel.Actor, "tidal-groups": intel.Actor, "groups": intel.Actor,

	"android": intel.Tool, "backdoor": intel.Tool, "banker": intel.Tool, "botnet": intel.Tool, "cryptominers": intel.Tool,
	"exploit-kit": intel.Tool, "malpedia": intel.Tool, "mitre-malware": intel.Tool, "mitre-tool": intel.Tool,
	"mitre-enterprise-attack-malware": intel.Tool, "mitre-enterprise-attack-tool": intel.Tool, "mitre-mobile-attack-malware": intel.Tool,
	"mitre-mobile-attack-tool": intel.Tool, "mitre-ics-software": intel.Tool, "ransomware": intel.Tool, "rat": intel.Tool,
	"stealer": intel.Tool, "tds": intel.Tool, "tidal-software": intel.Tool, "tool": intel.Tool, "wiper": intel.Tool, "rootkit": intel.Tool,
}

// neither lists galaxies that have the category of actors or tools and are
// none: who makes reports, who sells surveillance, state bodies, weapons.
var neither = map[string]bool{
	"producer": true, "surveillance-vendor": true, "intelligence-agency": true, "intelligence-agencies": true,
	"ammunitions": true, "firearms": true, "uavs": true, "branded-vulnerability": true, "online-service": true,
}

// kindOf returns what the clusters of a galaxy are, or "" for vocabulary.
func kindOf(typ, category string) intel.Kind {
	if neither[typ] {
		return ""
	}
	if k, ok := kinds[typ]; ok {
		return k
	}
	// Galaxies of organisations: eset-threat-actor.
	switch {
	case strings.HasSuffix(typ, "threat-actor"), strings.HasSuffix(typ, "intrusion-set"):
		return intel.Actor
	}
	switch strings.ToLower(category) {
	case "actor", "threat groups":
		return intel.Actor
	case "tool", "software":
		return intel.Tool
	}
	return ""
}

// values reads the list of clusters, one at a time if the type is known.
func (d *decoder) values(g *galaxy) error {
	known := g.typ != "" && !g.seen["predicates"]
	switch {
	case known && d.producerGalaxy(g), known && kindOf(g.id(), string(g.category)) != "":
	case known || g.seen["predicates"] || g.seen["namespace"]:
		return d.json.elements(func(int) error {
			g.read++
			return d.json.skip()
		})
	}
	size := 0
	return d.json.elements(func(i int) error {
		if err := d.ctx.Err(); err != nil {
			return err
		}
		g.read++
		var raw json.RawMessage
		if err := d.json.value(&raw); err != nil {
			return err
		}
		if known {
			return d.cluster(g, raw, i)
		}
		if size += len(raw); size > MaxObject {
			return errTooLarge
		}
		g.waiting = append(g.waiting, raw)
		return nil
	})
}

// endGalaxy names the data set, once the whole file is read.
func (d *decoder) endGalaxy(g *galaxy) error {
	kind := kindOf(g.id(), string(g.category))
	d.set.Name, d.set.Version = g.id(), string(g.version)
	d.set.Publisher = d.galaxyPublisher(g)
	for i, raw := range g.waiting {
		if kind != "" || d.producerGalaxy(g) {
			if err := d.cluster(g, raw, i); err != nil {
				return err
			}
		}
	}
	if kind == "" {
		d.note("vocabulary, not profiles", fmt.Sprintf("galaxy %s, %d values", g.id(), g.read))
		return nil
	}
	d.set.Snapshot = true
	return nil
}

func (d *decoder) galaxyPublisher(g *galaxy) string {
	if d.o.Publisher != "" {
		return d.o.Publisher
	}
	return intel.MISPGalaxyPrefix + g.id()
}

func (d *decoder) producerGalaxy(g *galaxy) bool { return g.typ == "producer" && d.o.Producers != nil }

// cluster decodes one value and gives its record to the sink.
func (d *decoder) cluster(g *galaxy, raw json.RawMessage, i int) error {
	position := fmt.Sprintf("values[%d]", i)
	var c wireCluster
	if err := json.Unmarshal(raw, &c); err != nil {
		d.reject(position, "not an object", string(raw))
		return nil
	}
	if g.typ == "producer" {
		if c.UUID != "" && c.Value != "" {
			d.o.Producers[strings.ToLower(string(c.UUID))] = strings.TrimSpace(string(c.Value))
		}
		return nil
	}
	switch {
	case strings.TrimSpace(string(c.Value)) == "":
		d.reject(position, "no name", string(raw))
		return nil
	case strings.TrimSpace(string(c.UUID)) == "":
		d.reject(position, "no uuid", string(c.Value))
		return nil
	}
	return d.sink.Record(d.record(g, &c))
}
