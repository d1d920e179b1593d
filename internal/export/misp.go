package export

import (
	"encoding/json"
	"strconv"
	"strings"

	"dossier/internal/intel"
	"dossier/internal/observable"
)

// mispFormat is an event in MISP's core format (draft-dulaunoy-misp-core-format):
// an attribute for each indicator, tagged with its profiles and its marking.
var mispFormat = &Format{
	Name: "misp", About: "MISP event", MediaType: "application/json", Extension: ".json", Kinds: mispKinds(),
	Dated: true,
	begin: func(out *output, o *Options) encoder {
		e := &mispEvent{out: out, o: o}
		e.id = uuid("misp event", o.Installation, o.Title)
		e.enc = json.NewEncoder(out.b)
		e.enc.SetEscapeHTML(false)
		stamp := strconv.FormatInt(int64(o.Updated)/1000, 10)
		head, err := json.Marshal(map[string]any{
			"uuid": e.id, "info": line(o.Title, 250), "date": max(o.Updated, STIXEpoch).Day(), "timestamp": stamp, "publish_timestamp": stamp, "published": true,
			"threat_level_id": "2", "analysis": "2", "distribution": "0",
			"Orgc": map[string]string{"name": "Dossier", "uuid": uuid("misp organisation", o.Installation)},
		})
		out.err = err
		out.str(`{"Event":`, strings.TrimSuffix(string(head), "}"), `,"Attribute":[`)
		return e
	},
}

type mispEvent struct {
	out *output
	enc *json.Encoder
	o   *Options
	id  string
	n   int
	tlp intel.TLP
}

type mispAttribute struct {
	UUID      string    `json:"uuid"`
	Type      string    `json:"type"`
	Category  string    `json:"category"`
	Value     string    `json:"value"`
	Comment   string    `json:"comment"`
	ToIDs     bool      `json:"to_ids"`
	Timestamp string    `json:"timestamp"`
	FirstSeen string    `json:"first_seen,omitempty"`
	LastSeen  string    `json:"last_seen,omitempty"`
	Dist      string    `json:"distribution"`
	Deleted   bool      `json:"deleted"`
	Tags      []mispTag `json:"Tag"`
}

type mispTag struct {
	Name string `json:"name"`
}

func (e *mispEvent) put(i *Indicator) error {
	a, why := mispAttributeOf(i)
	if why != "" {
		return why
	}
	a.UUID = uuid("misp attribute", e.id, i.ID)
	e.tlp = max(e.tlp, i.TLP)
	if e.n++; e.n > 1 {
		e.out.str(",")
	}
	e.out.str("\n")
	return e.enc.Encode(a)
}

func (e *mispEvent) end() error {
	e.out.str(`],"Tag":[{"name":"tlp:`, e.tlp.String(), "\"}]}}\n")
	return e.out.err
}

// mispTypes are the type and the category of each kind (MISP core format, 2.4).
var mispTypes = map[observable.Kind][2]string{
	observable.Domain: {"domain", "Network activity"}, observable.IPAddress: {"ip-dst", "Network activity"}, observable.CIDR: {"ip-dst", "Network activity"},
	observable.IPPort: {"ip-dst|port", "Network activity"}, observable.URL: {"url", "Network activity"}, observable.Email: {"email-src", "Payload delivery"},
	observable.MD5: {"md5", "Payload delivery"}, observable.SHA1: {"sha1", "Payload delivery"}, observable.SHA256: {"sha256", "Payload delivery"},
	observable.SHA512: {"sha512", "Payload delivery"}, observable.JA3: {"ja3-fingerprint-md5", "Network activity"}, observable.JARM: {"jarm-fingerprint", "Network activity"},
	observable.CertSHA1: {"x509-fingerprint-sha1", "Network activity"}, observable.CertSHA256: {"x509-fingerprint-sha256", "Network activity"},
	observable.FileName: {"filename", "Payload delivery"}, observable.Mutex: {"mutex", "Artifacts dropped"}, observable.RegistryKey: {"regkey", "Persistence mechanism"},
	observable.UserAgent: {"user-agent", "Network activity"}, observable.URLPath: {"uri", "Network activity"},
}

func mispKinds() []observable.Kind {
	return []observable.Kind{
		observable.Domain, observable.IPAddress, observable.CIDR, observable.IPPort, observable.URL, observable.Email, observable.MD5, observable.SHA1,
		observable.SHA256, observable.SHA512, observable.JA3, observable.JARM, observable.CertSHA1, observable.CertSHA256, observable.FileName, observable.Mutex,
		observable.RegistryKey, observable.UserAgent, observable.URLPath,
	}
}

func mispAttributeOf(i *Indicator) (mispAttribute, refusal) {
	t := mispTypes[i.Observable.Kind]
	v := i.Observable.Value
	switch {
	case line(v, len(v)) != v:
		return mispAttribute{}, "a value with characters that are not printable"
	case i.Observable.Kind == observable.IPPort:
		n := strings.LastIndexByte(v, ':')
		if n < 0 {
			return mispAttribute{}, "not an address with a port"
		}
		v = strings.Trim(v[:n], "[]") + "|" + v[n+1:]
	case strings.Contains(v, "|"):
		return mispAttribute{}, "a value with a bar, which divides values in MISP"
	}
	a := mispAttribute{
		Type: t[0], Category: t[1], Value: v, Comment: line(i.trace(), 500), ToIDs: !i.Revoked, Dist: "5", Deleted: i.Revoked,
		Timestamp: strconv.FormatInt(int64(max(i.Modified, i.LastSeen, i.FirstSeen))/1000, 10), Tags: []mispTag{{"tlp:" + i.TLP.String()}},
	}
	if i.FirstSeen != 0 {
		a.FirstSeen = i.FirstSeen.Millis()
	}
	if i.LastSeen >= i.FirstSeen && i.LastSeen != 0 {
		a.LastSeen = i.LastSeen.Millis()
	}
	for _, p := range i.Profiles {
		galaxy := "threat-actor"
		if p.Kind == intel.Tool {
			galaxy = "tool"
		}
		if title := strings.ReplaceAll(line(p.Title, 200), `"`, "'"); title != "" {
			a.Tags = append(a.Tags, mispTag{"misp-galaxy:" + galaxy + `="` + title + `"`})
		}
	}
	if i.Confidence > 0 {
		a.Tags = append(a.Tags, mispTag{"dossier:confidence=" + strconv.Quote(itoa(i.Confidence))})
	}
	return a, ""
}
