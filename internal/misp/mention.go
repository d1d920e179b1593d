package misp

import (
	"regexp"
	"strings"

	"dossier/internal/intel"
	"dossier/internal/naming"
)

var galaxyTag = regexp.MustCompile(`^misp-galaxy:([^=]+)="(.+)"$`)

type mentionKey struct {
	ref intel.Ref
	tlp intel.TLP
}

// collections are the uuids of MISP's own files of actors and tools.
var collections = map[text]bool{
	"7cdff317-a673-4474-84ec-4f1754947823": true, // threat-actor
	"28b5e55d-acba-4748-a79d-0afa3512689a": true, // microsoft-activity-group
	"10df003c-7831-11e7-bdb9-971cdd1218df": true, // mitre-intrusion-set
	"d752161c-78f6-11e7-a0ea-bfa79b407ce4": true, // mitre-malware
	"d700dc5c-78f6-11e7-a476-5f748c8e4fe0": true, // mitre-tool
	"10cf658b-5d32-4c4b-bb32-61760a640372": true, // ransomware
	"312f8714-45cb-11e7-b898-135207cdceb9": true, // rat
	"0d821b68-9d82-4c6d-86a6-1071a9e0f79f": true, // tool
	"59f20cce-5420-4084-afd5-0884c0a83832": true, // banker
	"a91732f4-164a-11e8-924a-ffd4097eb03f": true, // botnet
	"75436e27-cb57-4f32-bf1d-9636dd78a2bf": true, // backdoor
	"f2ef4033-9001-4427-a418-df8c48e6d054": true, // stealer
	"1d1c9af9-37fa-4deb-a928-f9b0abc7354a": true, // malpedia
}

// mentions returns the references of the actors and tools that an event or an
// attribute is tagged with, and gives the sink a record for each: a mention,
// which says no more than the name. Its key is mention:KIND:NAME, the name
// folded; above TLP:CLEAR the marking is appended, so that a restricted event
// never replaces what an open one says.
func (d *decoder) mentions(tags []wireTag, galaxies []wireGalaxy, s *scope) ([]intel.Ref, error) {
	var refs []intel.Ref
	add := func(typ, value, uuid string, m meta) error {
		r := mention(s, strings.TrimSpace(typ), value, uuid, m)
		if r == nil {
			return nil
		}
		for _, have := range refs {
			if have == r.Ref {
				return nil
			}
		}
		refs = append(refs, r.Ref)
		key := mentionKey{r.Ref, r.TLP}
		if last, given := d.mentioned[key]; given && last >= s.modified {
			return nil
		}
		d.mentioned[key] = s.modified
		return d.sink.Record(r)
	}
	seen := make(map[text]bool)
	for _, g := range galaxies {
		for _, c := range g.Cluster {
			typ := c.Type
			if typ == "" {
				typ = g.Type
			}
			seen[c.Tag] = true
			uuid := c.UUID
			if uuid == c.Collection || uuid == g.UUID || collections[uuid] {
				uuid = "" // MISP before 2020 wrote the galaxy's in its place
			}
			if err := add(string(typ), string(c.Value), string(uuid), metaOf(c.Meta.V)); err != nil {
				return nil, err
			}
		}
	}
	for _, t := range tags {
		if m := galaxyTag.FindStringSubmatch(string(t.Name)); m != nil && !seen[t.Name] {
			uuid := ""
			if uuidForm.MatchString(m[2]) { // a cluster of one's own is tagged by its uuid
				uuid = m[2]
			}
			if err := add(m[1], m[2], uuid, nil); err != nil {
				return nil, err
			}
		}
	}
	return refs, nil
}

// mention returns the record of a named actor or tool, or nil if the galaxy is
// of neither or the name is none.
func mention(s *scope, typ, value, uuid string, m meta) *intel.Record {
	kind := kindOf(typ, "")
	title, id := titleOf(value)
	key := intel.NameKey(title)
	if kind == "" || key == "" || intel.Placeholder(title) {
		return nil
	}
	r := &intel.Record{
		Ref:  intel.Ref{Publisher: s.publisher, Key: "mention:" + string(kind) + ":" + key},
		Kind: kind, Title: title, Mention: true, Modified: s.modified, TLP: s.tlp,
	}
	if s.tlp != intel.Clear {
		r.Key += ":" + s.tlp.String()
	}
	if id != "" {
		addID(r, naming.ATTACK(id))
	}
	prefix := mirrors[typ]
	if prefix != "" {
		for _, id := range m.all("external-id") {
			addID(r, naming.ATTACK(id))
		}
	}
	uuid = strings.ToLower(strings.TrimSpace(uuid))
	switch {
	case uuid == "":
	case prefix != "":
		r.Links = []intel.Link{{Relation: intel.Same, To: intel.Ref{Publisher: intel.MitreAttack, Key: prefix + uuid}, Kind: kind}}
	default:
		r.Links = []intel.Link{{Relation: intel.Same, To: intel.Ref{Publisher: intel.MISPGalaxyPrefix + typ, Key: uuid}, Kind: kind}}
	}
	return r
}

// tlpOf returns the strictest marking among tags, and whether there is one. A
// TLP tag that nobody defines counts as red.
func tlpOf(tags []wireTag) (tlp intel.TLP, ok bool) {
	for _, t := range tags {
		word := strings.ToLower(strings.TrimSpace(string(t.Name)))
		if !strings.HasPrefix(word, "tlp:") {
			continue
		}
		marking, _ := intel.ParseTLP(word)
		tlp, ok = max(tlp, marking), true
	}
	return tlp, ok
}

// plainTags returns the tags that are words, not machine tags, in one line.
func plainTags(tags []wireTag) string {
	var out []string
	for _, t := range tags {
		name := strings.TrimSpace(string(t.Name))
		if name != "" && !strings.ContainsAny(name, `:="`) {
			out = append(out, name)
		}
	}
	return strings.Join(out, ", ")
}
