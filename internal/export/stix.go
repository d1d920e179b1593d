package export

import (
	"encoding/json"
	"net"
	"strings"

	"dossier/internal/intel"
	"dossier/internal/observable"
)

// stixFormat is a bundle of STIX 2.1 (OASIS, 2021). Profiles are intrusion sets,
// malware or tools, and stand before the first indicator that refers to them.
var stixFormat = &Format{
	Name: "stix", About: "STIX 2.1 bundle: profiles, indicators, relationships, notes", MediaType: "application/stix+json;version=2.1", Extension: ".json",
	Kinds: []observable.Kind{
		observable.Domain, observable.IPAddress, observable.CIDR, observable.IPPort, observable.URL, observable.Email, observable.MD5, observable.SHA1,
		observable.SHA256, observable.SHA512, observable.CertSHA1, observable.CertSHA256, observable.FileName, observable.FilePath, observable.Mutex,
		observable.RegistryKey, observable.UserAgent,
	},
	begin: func(out *output, o *Options) encoder {
		e := &stixBundle{out: out, enc: json.NewEncoder(out.b), stix: newSTIX(o)}
		e.enc.SetEscapeHTML(false)
		out.str(`{"type":"bundle","id":"bundle--`, uuid("stix bundle", o.Installation, o.Title), `","objects":[`, "\n")
		e.err = e.write(e.stix.identity())
		return e
	},
}

type stixBundle struct {
	out  *output
	enc  *json.Encoder
	stix *stixMaker
	n    int
	err  error
}

func (e *stixBundle) put(i *Indicator) error {
	if e.err != nil {
		return e.err
	}
	objects, err := e.stix.objects(i)
	if err != nil {
		return err
	}
	return e.write(objects...)
}

func (e *stixBundle) write(objects ...stixObject) error {
	for _, o := range objects {
		if e.n++; e.n > 1 {
			e.out.str(",")
		}
		if err := e.enc.Encode(o.body); err != nil { // with a line end
			return err
		}
	}
	return e.out.err
}

func (e *stixBundle) end() error {
	e.out.str("]}\n")
	return e.err
}

// stixMaker makes STIX objects of indicators. Ids follow from the installation and
// the thing, so that a thing keeps its id.
type stixMaker struct {
	installation string
	creator      string // id of the identity
	created      intel.Time
	profile      func(id string) (*intel.Dossier, error)
	told         map[string]string // profile id: id of its object, once told
	marked       map[intel.TLP]bool
}

// newSTIX returns a maker that tells each profile and marking once.
func newSTIX(o *Options) *stixMaker {
	return &stixMaker{
		installation: o.Installation, creator: STIXIdentity(o.Installation), created: stixEpoch, profile: o.Profile,
		told: map[string]string{}, marked: map[intel.TLP]bool{},
	}
}

// stixEpoch is when objects are said to be created for which no time is known:
// the day of the format's standard, since a created time is needed and must not change.
const stixEpoch intel.Time = 1623283200000 // 2021-06-10

// STIXIdentity returns the id of the identity object as which an installation
// exports.
func STIXIdentity(installation string) string {
	return "identity--" + uuid("stix identity", installation)
}

// A stixObject is one of the structs below.
type stixObject struct {
	id   string
	body any
}

// stixCommon are the common properties (STIX 2.1, 3.2).
type stixCommon struct {
	Type        string     `json:"type"`
	SpecVersion string     `json:"spec_version"`
	ID          string     `json:"id"`
	CreatedBy   string     `json:"created_by_ref,omitempty"`
	Created     string     `json:"created"`
	Modified    string     `json:"modified,omitempty"`
	Revoked     bool       `json:"revoked,omitempty"`
	Confidence  int        `json:"confidence,omitempty"`
	Markings    []string   `json:"object_marking_refs,omitempty"`
	External    []stixLink `json:"external_references,omitempty"`
}

type stixLink struct {
	Source      string `json:"source_name"`
	Description string `json:"description,omitempty"`
	URL         string `json:"url,omitempty"`
	ExternalID  string `json:"external_id,omitempty"`
}

type stixIdentity struct {
	stixCommon
	Name        string `json:"name"`
	Description string `json:"description"`
	Class       string `json:"identity_class"`
}

type stixProfile struct {
	stixCommon
	Name        string   `json:"name"`
	Description string   `json:"description,omitempty"`
	Aliases     []string `json:"aliases,omitempty"`
	IsFamily    *bool    `json:"is_family,omitempty"` // of malware
	FirstSeen   string   `json:"first_seen,omitempty"`
}

type stixIndicator struct {
	stixCommon
	Name        string   `json:"name"`
	Description string   `json:"description,omitempty"`
	Types       []string `json:"indicator_types"`
	Pattern     string   `json:"pattern"`
	PatternType string   `json:"pattern_type"`
	ValidFrom   string   `json:"valid_from"`
	ValidUntil  string   `json:"valid_until,omitempty"`
}

type stixRelationship struct {
	stixCommon
	Relationship string `json:"relationship_type"`
	Source       string `json:"source_ref"`
	Target       string `json:"target_ref"`
}

type stixNote struct {
	stixCommon
	Abstract string   `json:"abstract"`
	Content  string   `json:"content"`
	Objects  []string `json:"object_refs"`
}

type stixMarking struct {
	stixCommon
	Name       string                   `json:"name"`
	Extensions map[string]stixExtension `json:"extensions"`
}

type stixExtension struct {
	Type string `json:"extension_type"`
	TLP  string `json:"tlp_2_0"`
}

// stixTLP are the marking definitions of TLP 2.0 that OASIS's extension fixes.
var stixTLP = map[intel.TLP]string{
	intel.Clear: "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487", intel.Green: "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
	intel.Amber: "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421", intel.AmberStrict: "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
	intel.Red: "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
}

const tlpExtension = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"

// identity returns who creates the objects.
func (s *stixMaker) identity() stixObject {
	c := s.common("identity", s.creator, s.created, s.created)
	c.CreatedBy = ""
	return stixObject{c.ID, stixIdentity{c, "Dossier", "A Dossier installation. What it exports are its own readings of what publishers say; each object names them.", "system"}}
}

func (s *stixMaker) common(typ, id string, created, modified intel.Time) stixCommon {
	return stixCommon{Type: typ, SpecVersion: "2.1", ID: id, CreatedBy: s.creator, Created: created.Millis(), Modified: max(created, modified).Millis()}
}

// objects returns the indicator's object, behind the profiles and markings that
// it refers to where they were not told yet, and before its relationships and
// its note. The error is a refusal where there is no pattern for it.
func (s *stixMaker) objects(i *Indicator) ([]stixObject, error) {
	pattern, why := stixPattern(i.Observable)
	if why != "" {
		return nil, why
	}
	var out []stixObject
	mark := s.marking(i.TLP, &out)
	var profiles []string
	for _, p := range i.Profiles {
		id, err := s.tell(p, &out)
		if err != nil {
			return nil, err
		}
		profiles = append(profiles, id)
	}

	created := i.FirstSeen
	if created == 0 {
		created = s.created
	}
	modified := i.Modified
	if modified == 0 {
		modified = max(created, i.LastSeen)
	}
	c := s.common("indicator", "indicator--"+uuid("stix", s.installation, "indicator", i.ID), created, modified)
	c.Revoked, c.Confidence, c.Markings = i.Revoked, i.Confidence, mark
	if strings.HasPrefix(i.Reference, "http") && printable(i.Reference) {
		c.External = []stixLink{{Source: "reference", URL: i.Reference}}
	}
	ind := stixIndicator{
		stixCommon: c, Name: line(i.Observable.Value, 250), Types: []string{"malicious-activity"}, Pattern: pattern, PatternType: "stix", ValidFrom: created.Millis(),
	}
	if len(i.Profiles) > 0 {
		ind.Description = "Indicator of " + i.subject() + "."
	}
	if i.ValidUntil > created {
		ind.ValidUntil = i.ValidUntil.Millis()
	}
	out = append(out, stixObject{c.ID, ind})
	for _, id := range profiles {
		r := s.common("relationship", "relationship--"+uuid("stix", s.installation, "indicates", i.ID, id), created, created)
		r.Markings = mark
		out = append(out, stixObject{r.ID, stixRelationship{r, "indicates", c.ID, id}})
	}
	if len(i.Publishers) > 0 {
		n := s.common("note", "note--"+uuid("stix", s.installation, "sources", i.ID), created, modified)
		n.Markings = mark
		var b strings.Builder
		for _, p := range i.Publishers {
			pub := intel.PublisherOf(p)
			b.WriteString(line(pub.Title, 200))
			if pub.Credit != "" {
				b.WriteString(": " + pub.Credit)
			}
			b.WriteByte('\n')
		}
		out = append(out, stixObject{n.ID, stixNote{n, "Sources", strings.TrimSuffix(b.String(), "\n"), []string{c.ID}}})
	}
	return out, nil
}

// marking returns the reference to a marking, and tells the marking first.
func (s *stixMaker) marking(t intel.TLP, out *[]stixObject) []string {
	id := stixTLP[t]
	if !s.marked[t] {
		s.marked[t] = true
		c := stixCommon{Type: "marking-definition", SpecVersion: "2.1", ID: id, Created: "2022-10-01T00:00:00.000Z"}
		*out = append(*out, stixObject{id, stixMarking{
			c, "TLP:" + strings.ToUpper(t.String()), map[string]stixExtension{tlpExtension: {"property-extension", t.String()}},
		}})
	}
	return []string{id}
}

// tell returns the id of a profile's object, and tells the object first.
func (s *stixMaker) tell(p Profile, out *[]stixObject) (string, error) {
	if id, ok := s.told[p.ID]; ok {
		return id, nil
	}
	var d *intel.Dossier
	if s.profile != nil {
		var err error
		if d, err = s.profile(p.ID); err != nil {
			return "", err
		}
	}
	o := s.profileObject(p, d)
	s.told[p.ID] = o.id
	*out = append(*out, o)
	return o.id, nil
}

// profileObject returns the object of a profile; d may be nil.
func (s *stixMaker) profileObject(p Profile, d *intel.Dossier) stixObject {
	typ := profileType(p.Kind, d)
	c := s.common(typ, typ+"--"+uuid("stix", s.installation, "profile", p.ID), s.created, s.created)
	c.External = []stixLink{{Source: "dossier", ExternalID: p.ID}}
	o := stixProfile{stixCommon: c, Name: line(p.Title, 500)}
	if typ == "malware" {
		o.IsFamily = new(bool)
		*o.IsFamily = true
	}
	if d != nil {
		o.Description = d.Profile.Summary.Content
		for _, a := range d.Profile.Aliases {
			o.Aliases = append(o.Aliases, line(a, 500))
		}
		if typ == "intrusion-set" && !d.FirstActive.Value.IsZero() {
			o.FirstSeen = d.FirstActive.Value.At.Millis()
		}
		for _, x := range d.IDs {
			o.External = append(o.External, stixLink{Source: line(x.Value.Issuer, 200), ExternalID: line(x.Value.ID, 200)})
		}
	}
	return stixObject{c.ID, o}
}

// profileType returns the STIX type of a profile: a tool that anybody can have is
// a tool, any other is malware.
func profileType(k intel.Kind, d *intel.Dossier) string {
	switch {
	case k == intel.Actor:
		return "intrusion-set"
	case d != nil && d.Availability.Value == intel.Public:
		return "tool"
	}
	return "malware"
}

// stixPattern returns the pattern that matches an observable (STIX 2.1, 9).
func stixPattern(o observable.Observable) (string, refusal) {
	compare := func(path, value string) (string, refusal) { return "[" + path + " = " + stixString(value) + "]", "" }
	v := o.Value
	switch o.Kind {
	case observable.Domain:
		return compare("domain-name:value", v)
	case observable.IPAddress, observable.CIDR:
		return compare(addressType(v)+":value", v)
	case observable.IPPort:
		host, port, err := net.SplitHostPort(v)
		if err != nil || !onlyBytes(port, func(c byte) bool { return '0' <= c && c <= '9' }) {
			return "", "not an address with a port"
		}
		return "[network-traffic:dst_ref.value = " + stixString(host) + " AND network-traffic:dst_port = " + port + "]", ""
	case observable.URL:
		return compare("url:value", v)
	case observable.Email:
		return compare("email-addr:value", v)
	case observable.MD5:
		return compare("file:hashes.MD5", v)
	case observable.SHA1:
		return compare("file:hashes.'SHA-1'", v)
	case observable.SHA256:
		return compare("file:hashes.'SHA-256'", v)
	case observable.SHA512:
		return compare("file:hashes.'SHA-512'", v)
	case observable.CertSHA1:
		return compare("x509-certificate:hashes.'SHA-1'", v)
	case observable.CertSHA256:
		return compare("x509-certificate:hashes.'SHA-256'", v)
	case observable.FileName:
		return compare("file:name", v)
	case observable.FilePath:
		return compare("file:parent_directory_ref.path", v)
	case observable.Mutex:
		return compare("mutex:name", v)
	case observable.RegistryKey:
		return compare("windows-registry-key:key", v)
	case observable.UserAgent:
		return compare("network-traffic:extensions.'http-request-ext'.request_header.'User-Agent'", v)
	}
	return "", "no pattern for this kind"
}

func addressType(v string) string {
	if strings.Contains(v, ":") {
		return "ipv6-addr"
	}
	return "ipv4-addr"
}

// stixString quotes a string constant: only the quote and the backslash are escaped.
func stixString(s string) string {
	return "'" + stixEscapes.Replace(s) + "'"
}

var stixEscapes = strings.NewReplacer(`\`, `\\`, `'`, `\'`)
