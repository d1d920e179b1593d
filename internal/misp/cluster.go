package misp

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"dossier/internal/intel"
	"dossier/internal/naming"
	"dossier/internal/refdate"
)

// meta is a cluster's meta object with its keys in one spelling: lower case,
// hyphens for underscores. Keys "origin:NAME" stay, for they hold a name.
type meta map[string][]string

const originPrefix = "origin:"

func metaOf(wire map[string]texts) meta {
	m := make(meta, len(wire))
	for _, key := range slices.Sorted(maps.Keys(wire)) {
		values := wire[key]
		k := strings.TrimSpace(key)
		if !strings.HasPrefix(k, originPrefix) {
			k = strings.ToLower(strings.ReplaceAll(k, "_", "-"))
		}
		m[k] = append(m[k], values...)
	}
	return m
}

// all returns the values of several keys, trimmed, without empty ones,
// placeholders and repetitions, in order.
func (m meta) all(keys ...string) []string {
	var out []string
	seen := make(map[string]bool)
	for _, k := range keys {
		for _, v := range m[k] {
			if v = strings.TrimSpace(v); !intel.Placeholder(v) && !seen[v] {
				seen[v] = true
				out = append(out, v)
			}
		}
	}
	return out
}

func (m meta) first(keys ...string) string {
	if all := m.all(keys...); len(all) > 0 {
		return all[0]
	}
	return ""
}

// The keys of one meaning, the proper one first. The others are met.
var (
	keysSynonyms  = []string{"synonyms", "synonym", "aliases", "alias"}
	keysRefs      = []string{"refs", "ref", "references", "reference", "sources", "links"}
	keysVictims   = []string{"cfr-suspected-victims", "suspected-victims", "victimology"}
	keysSectors   = []string{"cfr-target-category", "targeted-sector", "targeted-sectors", "target-categories"}
	keysMotives   = []string{"motive", "motives", "motivation", "cfr-type-of-incident", "observed-motivations"}
	keysFirst     = []string{"since", "date", "first-seen"}
	keysSponsors  = []string{"cfr-suspected-state-sponsor", "suspected-state-sponsor", "state-sponsor"}
	keysPlatforms = []string{"mitre-platforms", "platforms"}
)

// stateBodies are meta keys that name a body and hold a part of it: {"GRU":
// "Military unit 26165"}.
var stateBodies = []string{"gru", "fsb", "svr", "mss", "pla", "irgc", "mois", "rgb"}

// record maps a cluster to a record. It has no dates of its own, because a
// galaxy says nothing of when an entry was made or changed.
func (d *decoder) record(g *galaxy, c *wireCluster) *intel.Record {
	m := metaOf(c.Meta.V)
	r := &intel.Record{
		Ref:         intel.Ref{Publisher: d.galaxyPublisher(g), Key: strings.ToLower(strings.TrimSpace(string(c.UUID)))},
		Kind:        kindOf(g.id(), string(g.category)),
		Description: markdown(string(c.Description)),
		Revoked:     c.Revoked.True,
		Deprecated:  c.Deprecated.True,
	}
	var id string
	if r.Title, id = titleOf(string(c.Value)); id != "" {
		addID(r, naming.ATTACK(id))
	}
	d.names(r, m)
	d.origins(r, m)
	targets(r, m)
	r.Motives = appendNew(r.Motives, m.all(keysMotives...)...)
	for _, v := range m.all(keysFirst...) {
		if date := refdate.Loose(v, d.bound, intel.BasisStated); !date.IsZero() {
			r.FirstActive = append(r.FirstActive, date)
		}
	}
	if r.Kind == intel.Tool {
		r.ToolTypes = toolTypes(g.id(), m)
		r.Platforms = m.all(keysPlatforms...)
	}
	d.references(r, m, g)
	sameAs(r, g, m)
	r.Links = append(r.Links, related(c.Related)...)
	return r
}

var attackSuffix = regexp.MustCompile(`^(.+?) - ([GSC]\d{4})$`)

// titleOf returns the title of a value, and the ATT&CK id that mirrors of
// ATT&CK write behind it: "APT28 - G0007".
func titleOf(value string) (title, id string) {
	value = strings.TrimSpace(value)
	if m := attackSuffix.FindStringSubmatch(value); m != nil {
		return m[1], m[2]
	}
	return value, ""
}

func addID(r *intel.Record, id intel.ExternalID) {
	for _, have := range r.IDs {
		if have.Issuer == id.Issuer && have.ID == id.ID {
			return
		}
	}
	r.IDs = append(r.IDs, id)
}

// origins reads the country, whom the Council on Foreign Relations suspects, and
// Microsoft's mixed column, which microsoft-activity-group also keeps as
// "sector".
func (d *decoder) origins(r *intel.Record, m meta) {
	confidence := 0
	if v := m.first("attribution-confidence"); v != "" {
		confidence = percent(v)
	}
	add := func(country string) {
		for _, have := range r.Origins {
			if strings.EqualFold(have.Country, country) {
				return
			}
		}
		r.Origins = append(r.Origins, intel.Origin{Country: country, Confidence: confidence})
	}
	for _, c := range m.all("country") {
		add(c)
	}
	for _, c := range m.all(keysSponsors...) {
		add(c)
	}
	mixed := m.all("microsoft-origin-threat")
	if strings.HasSuffix(r.Publisher, "microsoft-activity-group") {
		mixed = m.all("microsoft-origin-threat", "sector")
	}
	for _, v := range mixed {
		countries, motives, notes := naming.OriginThreat(v)
		if len(r.Origins) == 0 {
			for _, c := range countries {
				add(c)
			}
		}
		r.Motives = appendNew(r.Motives, motives...)
		r.Notes = appendNew(r.Notes, notes...)
	}
	for _, body := range stateBodies {
		for _, v := range m.all(body) {
			r.Affiliations = append(r.Affiliations, intel.Affiliation{Body: strings.ToUpper(body) + ", " + v})
		}
	}
}

func appendNew(list []string, values ...string) []string {
next:
	for _, v := range values {
		for _, have := range list {
			if have == v {
				continue next
			}
		}
		list = append(list, v)
	}
	return list
}

// percent reads an attribution confidence: "50", "75%"; 0 if it is none.
func percent(s string) int {
	n := 0
	for i := 0; i < len(s) && i < 4; i++ {
		if s[i] < '0' || s[i] > '9' {
			break
		}
		n = n*10 + int(s[i]-'0')
	}
	if n > 100 {
		return 0
	}
	return n
}

var twoCodes = regexp.MustCompile(`^([A-Z]{2,3}) and ([A-Z]{2,3})$`)

// targets reads whom the actor is after. Victims mix countries, regions,
// sectors and organisations; victimology is prose between commas.
func targets(r *intel.Record, m meta) {
	add := func(kind intel.TargetKind, v string) {
		v = strings.TrimSpace(v)
		if v == "" {
			return
		}
		for _, have := range r.Targets {
			if have.Kind == kind && strings.EqualFold(have.Value, v) {
				return
			}
		}
		r.Targets = append(r.Targets, intel.Target{Kind: kind, Value: v})
	}
	for _, v := range m.all("observed-countries") {
		add(intel.TargetCountry, v)
	}
	for _, v := range m.all(keysSectors...) {
		add(intel.TargetSector, v)
	}
	for _, key := range keysVictims {
		for _, v := range m.all(key) {
			if key != "victimology" {
				add(intel.Unsorted, v)
				continue
			}
			for _, part := range strings.Split(v, ",") {
				part = strings.TrimPrefix(strings.TrimSpace(part), "and ")
				if two := twoCodes.FindStringSubmatch(part); two != nil {
					add(intel.Unsorted, two[1])
					part = two[2]
				}
				add(intel.Unsorted, part)
			}
		}
	}
}

// galaxySorts are the galaxies whose name says what sort of tool is in them.
var galaxySorts = map[string]string{
	"android": "Android malware", "backdoor": "backdoor", "banker": "banking trojan", "botnet": "botnet", "cryptominers": "cryptominer",
	"exploit-kit": "exploit kit", "ransomware": "ransomware", "rat": "remote access trojan", "rootkit": "rootkit", "stealer": "stealer",
	"tds": "traffic distribution system", "wiper": "wiper",
}

func toolTypes(galaxy string, m meta) []string {
	var out []string
	if sort := galaxySorts[galaxy]; sort != "" {
		out = append(out, sort)
	}
	return appendNew(out, m.all("type")...)
}
