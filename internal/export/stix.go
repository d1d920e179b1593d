package export

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"net"
	"slices"
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
	Versioned: true,
	begin: func(out *output, o *Options) encoder {
		e := &stixBundle{out: out, enc: json.NewEncoder(out.b), stix: NewSTIX(o)}
		e.enc.SetEscapeHTML(false)
		out.str(`{"type":"bundle","id":"bundle--`, uuid("stix bundle", o.Installation, o.Title), `","objects":[`, "\n")
		e.err = e.write(e.stix.Identity())
		return e
	},
}

type stixBundle struct {
	out  *output
	enc  *json.Encoder
	stix *STIX
	n    int
	err  error
}

func (e *stixBundle) put(i *Indicator) error {
	if e.err != nil {
		return e.err
	}
	objects, err := e.stix.told(i)
	if err != nil {
		return err
	}
	return e.write(objects...)
}

func (e *stixBundle) write(objects ...STIXObject) error {
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

// A STIX makes the STIX objects of indicators and profiles. Ids follow from the
// installation and the thing, so that a thing keeps its id.
type STIX struct {
	installation string
	creator      string // id of the identity
	created      intel.Time
	profile      func(id string) (*intel.Dossier, intel.Time, error)
	mask         [16]byte
	profiles     map[string]string // profile id: id of its object, once told
	marked       map[intel.TLP]bool
}

// NewSTIX returns a maker for an installation; of the options only that and Profile
// count. It is used by one goroutine.
func NewSTIX(o *Options) *STIX {
	return &STIX{
		installation: o.Installation, creator: STIXIdentity(o.Installation), created: STIXEpoch, profile: o.Profile,
		mask: uuidBits(uuid("stix", o.Installation, "indicator")), profiles: map[string]string{}, marked: map[intel.TLP]bool{},
	}
}

// STIXEpoch is when objects are said to be created for which no time is known:
// the day of the format's standard, since a created time is needed and must not change.
const STIXEpoch intel.Time = 1623283200000 // 2021-06-10

// STIXIdentity returns the id of the identity object as which an installation
// exports.
func STIXIdentity(installation string) string {
	return "identity--" + uuid("stix identity", installation)
}

// CollectionID returns the id of a collection of an installation: a UUID that says to
// be of version 4, as TAXII 2.1 (5.2) wants it.
func CollectionID(installation, alias string) string {
	bits := uuidBits(uuid("taxii collection", installation, alias))
	bits[6] |= 0x40
	bits[8] |= 0x80
	return uuidText(bits)
}

// A STIXObject is an object in one version.
type STIXObject struct {
	ID, Type string
	Version  intel.Time // modified, or created where there is no modified
	body     any        // one of the structs below
}

// JSON returns the object as it stands in a bundle.
func (o STIXObject) JSON() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(o.body)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

func (c *stixCommon) object(version intel.Time, body any) STIXObject {
	return STIXObject{c.ID, c.Type, version, body}
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

// Identity returns who creates the objects.
func (s *STIX) Identity() STIXObject {
	c := s.common("identity", s.creator, s.created, s.created)
	c.CreatedBy = ""
	return c.object(s.created, stixIdentity{c, "Dossier", "A Dossier installation. What it exports are its own readings of what publishers say; each object names them.", "system"})
}

func (s *STIX) common(typ, id string, created, modified intel.Time) stixCommon {
	return stixCommon{Type: typ, SpecVersion: "2.1", ID: id, CreatedBy: s.creator, Created: created.Millis(), Modified: max(created, modified).Millis()}
}

// told returns the objects of an indicator, behind the profiles and markings that
// they refer to where they were not told yet. The error is a refusal where there is no
// pattern for it.
func (s *STIX) told(i *Indicator) ([]STIXObject, error) {
	if _, why := stixPattern(i.Observable); why != "" {
		return nil, why
	}
	var out []STIXObject
	if !s.marked[i.TLP] {
		s.marked[i.TLP] = true
		out = append(out, s.Marking(i.TLP))
	}
	for _, p := range i.Profiles {
		if _, ok := s.profiles[p.ID]; ok {
			continue
		}
		var d *intel.Dossier
		var modified intel.Time
		if s.profile != nil {
			var err error
			if d, modified, err = s.profile(p.ID); err != nil {
				return nil, err
			}
		}
		o := s.Profile(p, d, modified)
		s.profiles[p.ID] = o.ID
		out = append(out, o)
	}
	objects, err := s.Indicator(i, func(p Profile) string { return s.profiles[p.ID] })
	return append(out, objects...), err
}

// Indicator returns an indicator's object, its relationships to profiles, and the
// note that names its sources; of one that is revoked, its object alone. target tells
// the id of a profile's object. The error is a refusal where there is no pattern.
func (s *STIX) Indicator(i *Indicator, target func(Profile) string) ([]STIXObject, error) {
	pattern, why := stixPattern(i.Observable)
	if why != "" {
		return nil, why
	}
	created, modified := s.times(i)
	c := s.common("indicator", "indicator--"+s.indicatorUUID(i.ID), created, modified)
	c.Revoked, c.Confidence, c.Markings = i.Revoked, i.Confidence, marking(i.TLP)
	if i.Fresh > 0 { // a version says the same for ever; valid_until tells how it ends
		c.Confidence = i.Fresh
	}
	if strings.HasPrefix(i.Reference, "http") && printable(i.Reference) {
		c.External = []stixLink{{Source: "reference", URL: i.Reference}}
	}
	from := i.FirstSeen
	if from == 0 {
		from = created
	}
	ind := stixIndicator{
		stixCommon: c, Name: line(i.Observable.Value, 250), Types: []string{"malicious-activity"}, Pattern: pattern, PatternType: "stix", ValidFrom: from.Millis(),
	}
	if i.ValidUntil > from {
		ind.ValidUntil = i.ValidUntil.Millis()
	}
	out := []STIXObject{c.object(modified, ind)}
	if i.Revoked {
		return out, nil
	}
	for _, p := range i.Profiles {
		out = append(out, s.relationship(i, p, target(p), false))
	}
	if len(i.Publishers) == 0 {
		return out, nil
	}
	// Another set of sources is another note.
	n := s.common("note", "note--"+s.below(i.ID, append([]string{"sources"}, i.Publishers...)...), created, modified)
	n.Markings = marking(i.TLP)
	var b strings.Builder
	for _, p := range i.Publishers {
		pub := intel.PublisherOf(p)
		b.WriteString(line(pub.Title, 200))
		if pub.Credit != "" {
			b.WriteString(": " + pub.Credit)
		}
		b.WriteByte('\n')
	}
	return append(out, n.object(modified, stixNote{n, "Sources", strings.TrimSuffix(b.String(), "\n"), []string{c.ID}})), nil
}

// Unlinked returns the relationship to a profile that the indicator does not have
// any more, revoked.
func (s *STIX) Unlinked(i *Indicator, p Profile, target string) STIXObject {
	return s.relationship(i, p, target, true)
}

func (s *STIX) relationship(i *Indicator, p Profile, target string, revoked bool) STIXObject {
	created, modified := s.times(i)
	r := s.common("relationship", "relationship--"+s.below(i.ID, "indicates", p.ID), created, modified)
	r.Markings, r.Revoked = marking(i.TLP), revoked
	return r.object(modified, stixRelationship{r, "indicates", "indicator--" + s.indicatorUUID(i.ID), target})
}

// times returns when an indicator's object was created and modified.
func (s *STIX) times(i *Indicator) (created, modified intel.Time) {
	created, modified = i.Created, i.Modified
	if created == 0 {
		created = i.FirstSeen
	}
	if created == 0 {
		created = s.created
	}
	if modified == 0 {
		modified = max(created, i.LastSeen)
	}
	return created, max(created, modified)
}

// The id of an indicator's object is the indicator's own, turned by a mask of the
// installation, so that it leads back to the indicator without an index. What
// belongs to an indicator, its relationships and its note, has its first 60 bits, then
// 62 bits of a hash.

// uuidBits returns the bits of a UUID that say neither version nor variant. A text
// that is none gives nothing.
func uuidBits(id string) (bits [16]byte) {
	raw, err := hex.DecodeString(strings.ReplaceAll(id, "-", ""))
	if err != nil || len(raw) != 16 {
		return bits
	}
	copy(bits[:], raw)
	bits[6] &= 0x0f
	bits[8] &= 0x3f
	return bits
}

func uuidOf(bits [16]byte) string {
	bits[6] = bits[6]&0x0f | 0x50
	bits[8] = bits[8]&0x3f | 0x80
	return uuidText(bits)
}

func (s *STIX) masked(id string) [16]byte {
	bits := uuidBits(id)
	for n := range bits {
		bits[n] ^= s.mask[n]
	}
	return bits
}

func (s *STIX) indicatorUUID(id string) string { return uuidOf(s.masked(id)) }

// below returns the UUID of something that belongs to an indicator.
func (s *STIX) below(id string, what ...string) string {
	bits := s.masked(id)
	rest := uuidBits(uuid(append([]string{"stix", s.installation}, what...)...))
	copy(bits[8:], rest[8:])
	return uuidOf(bits)
}

// prefixLength is how much of an indicator's id the object of something that belongs
// to it tells: 60 bits, the version, and hyphens.
const prefixLength = len("00000000-0000-5000-")

// IndicatorPrefix returns what the id of the indicator begins with to which an
// object belongs. Whether there is one, and whether the object exists, it does not
// know; "" if the id is not the like of one.
func (s *STIX) IndicatorPrefix(objectID string) string {
	typ, id, ok := strings.Cut(objectID, "--")
	if !ok || !slices.Contains([]string{"indicator", "relationship", "note"}, typ) || len(id) != len("00000000-0000-5000-8000-000000000000") {
		return ""
	}
	return uuidOf(s.masked(id))[:prefixLength]
}

// marking returns the reference to a marking.
func marking(t intel.TLP) []string { return []string{stixTLP[t]} }

// Marking returns the definition of a marking.
func (s *STIX) Marking(t intel.TLP) STIXObject {
	c := stixCommon{Type: "marking-definition", SpecVersion: "2.1", ID: stixTLP[t], Created: markingsCreated.Millis()}
	return c.object(markingsCreated, stixMarking{
		c, "TLP:" + strings.ToUpper(t.String()), map[string]stixExtension{tlpExtension: {"property-extension", t.String()}},
	})
}

const markingsCreated intel.Time = 1664582400000 // 2022-10-01, as OASIS has it

// Profile returns the object of a profile; d may be nil, and modified 0.
func (s *STIX) Profile(p Profile, d *intel.Dossier, modified intel.Time) STIXObject {
	return s.profileObject(p, d, modified, false)
}

// Gone returns the object of a profile that does not exist any more, revoked.
func (s *STIX) Gone(p Profile, d *intel.Dossier, modified intel.Time) STIXObject {
	return s.profileObject(p, d, modified, true)
}

// ProfileUUID returns what stands behind the type in the id of a profile's object.
func (s *STIX) ProfileUUID(id string) string { return uuid("stix", s.installation, "profile", id) }

func (s *STIX) profileObject(p Profile, d *intel.Dossier, modified intel.Time, revoked bool) STIXObject {
	typ := STIXProfileType(p.Kind, d)
	modified = max(modified, s.created)
	c := s.common(typ, typ+"--"+s.ProfileUUID(p.ID), s.created, modified)
	c.Revoked = revoked
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
	return c.object(modified, o)
}

// STIXProfileType returns the STIX type of a profile: a tool that anybody can have
// is a tool, any other is malware. d may be nil.
func STIXProfileType(k intel.Kind, d *intel.Dossier) string {
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
