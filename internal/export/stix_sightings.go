package export

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/netip"
	"strconv"

	"dossier/internal/intel"
	"dossier/internal/observable"
)

// A Sighting is an indicator that was met in an organisation's own data.
type Sighting struct {
	Indicator *Indicator
	Lines     int64
	First     intel.Time // 0: the data tells no time
	Last      intel.Time
	Hosts     []SightedBy
}

// A SightedBy is how one host met it; Host "" stands for lines that name none.
type SightedBy struct {
	Host        string // an address, a name of a machine, or a pseudonym
	Lines       int64
	First, Last intel.Time
}

// STIXSightings writes sightings as a bundle of STIX 2.1: for each the indicator as [Export] writes it, with its profiles, a sighting (part 5.2), and for
// each host an observed-data object (part 4.14) with the observables that it is of (part 6). Ids follow from the things, so that the same data gives the same
// bytes; told is the time of what has none. What was met in one's own data is for one's own organisation: it is marked TLP:AMBER+STRICT, or higher if the
// indicator is. It returns how many sightings are of kinds that have no pattern in STIX and were left out.
func STIXSightings(w io.Writer, o Options, told intel.Time, each func(yield func(*Sighting) error) error) (left int, err error) {
	out := &output{b: bufio.NewWriter(w)}
	e := &stixBundle{out: out, enc: json.NewEncoder(out.b), stix: NewSTIX(&o)}
	e.enc.SetEscapeHTML(false)
	out.str(`{"type":"bundle","id":"bundle--`, uuid("stix sightings", o.Installation, told.Millis()), `","objects":[`, "\n")
	if err := e.write(e.stix.Identity()); err != nil {
		return 0, err
	}
	known := map[string]bool{} // observables that were told
	err = each(func(s *Sighting) error {
		objects, err := e.stix.sighting(s, told, known)
		if why, ok := err.(refusal); ok && why != "" {
			left++
			return nil
		}
		if err != nil {
			return err
		}
		return e.write(objects...)
	})
	if err != nil {
		return left, err
	}
	if err := e.end(); err != nil {
		return left, err
	}
	return left, out.b.Flush()
}

type stixSighting struct {
	stixCommon
	First    string   `json:"first_seen,omitempty"`
	Last     string   `json:"last_seen,omitempty"`
	Count    int64    `json:"count"`
	Of       string   `json:"sighting_of_ref"`
	Observed []string `json:"observed_data_refs,omitempty"`
	Where    []string `json:"where_sighted_refs"`
}

type stixObserved struct {
	stixCommon
	First   string   `json:"first_observed"`
	Last    string   `json:"last_observed"`
	Number  int64    `json:"number_observed"`
	Objects []string `json:"object_refs"`
}

// A stixObservable is a cyber-observable object, whose id follows from what it says (part 2.9).
type stixObservable struct {
	Type        string            `json:"type"`
	SpecVersion string            `json:"spec_version"`
	ID          string            `json:"id"`
	Value       string            `json:"value,omitempty"`
	Hashes      map[string]string `json:"hashes,omitempty"`
	Dst         string            `json:"dst_ref,omitempty"`
	DstPort     int               `json:"dst_port,omitempty"`
	Protocols   []string          `json:"protocols,omitempty"`
}

// maxSTIXCount is the largest number that a sighting or observation may have.
const maxSTIXCount = 999_999_999

func (s *STIX) sighting(g *Sighting, told intel.Time, known map[string]bool) ([]STIXObject, error) {
	out, err := s.told(g.Indicator)
	if err != nil {
		return nil, err
	}
	indicator := "indicator--" + s.indicatorUUID(g.Indicator.ID)
	tell := func(o stixObservable) string {
		if !known[o.ID] {
			known[o.ID] = true
			out = append(out, STIXObject{ID: o.ID, Type: o.Type, body: o})
		}
		return o.ID
	}
	var of string
	for _, o := range observables(g.Indicator.Observable) {
		of = tell(o) // the last one stands on those before
	}
	level := max(intel.AmberStrict, g.Indicator.TLP)
	if !s.marked[level] {
		s.marked[level] = true
		out = append(out, s.Marking(level))
	}
	mark := marking(level)
	span := func(first, last intel.Time) (intel.Time, intel.Time) {
		if last == 0 {
			return told, told
		}
		return first, last
	}
	var observed []string
	for _, h := range g.Hosts {
		first, last := span(h.First, h.Last)
		c := s.common("observed-data", "observed-data--"+uuid("stix", s.installation, "observed", g.Indicator.ID, h.Host, first.Millis()), first, last)
		c.Markings = mark
		refs := []string{of}
		if h.Host != "" {
			refs = append(refs, tell(hostObservable(h.Host)))
		}
		out = append(out, c.object(last, stixObserved{c, first.Millis(), last.Millis(), min(max(h.Lines, 1), maxSTIXCount), refs}))
		observed = append(observed, c.ID)
	}
	first, last := span(g.First, g.Last)
	c := s.common("sighting", "sighting--"+uuid("stix", s.installation, "sighting", g.Indicator.ID, first.Millis()), first, last)
	c.Markings = mark
	sight := stixSighting{stixCommon: c, Count: min(g.Lines, maxSTIXCount), Of: indicator, Observed: observed, Where: []string{s.creator}}
	if g.Last != 0 {
		sight.First, sight.Last = g.First.Millis(), g.Last.Millis()
	}
	return append(out, c.object(last, sight)), nil
}

// hostObservable is a host of one's own as an object: an address, or the name of a machine.
func hostObservable(host string) stixObservable {
	if a, err := netip.ParseAddr(host); err == nil {
		return valued(addressType(a.String()), a.String())
	}
	return valued("domain-name", line(host, 253))
}

// observables returns the objects of an indicator with a pattern, the last of which is the thing itself.
func observables(o observable.Observable) []stixObservable {
	switch o.Kind {
	case observable.Domain:
		return []stixObservable{valued("domain-name", o.Value)}
	case observable.IPAddress, observable.CIDR:
		return []stixObservable{valued(addressType(o.Value), o.Value)}
	case observable.URL:
		return []stixObservable{valued("url", o.Value)}
	case observable.Email:
		return []stixObservable{valued("email-addr", o.Value)}
	case observable.IPPort:
		host, text, _ := net.SplitHostPort(o.Value) // it has a pattern
		port, _ := strconv.Atoi(text)
		address := valued(addressType(host), host)
		protocol := address.Type[:4]
		t := stixObservable{Type: "network-traffic", Dst: address.ID, DstPort: port, Protocols: []string{protocol}}
		return []stixObservable{address, t.named(map[string]any{"dst_ref": t.Dst, "dst_port": t.DstPort, "protocols": t.Protocols})}
	}
	algorithm := map[observable.Kind]string{
		observable.MD5: "MD5", observable.SHA1: "SHA-1", observable.SHA256: "SHA-256", observable.SHA512: "SHA-512", observable.CertSHA1: "SHA-1", observable.CertSHA256: "SHA-256",
	}[o.Kind]
	t := stixObservable{Type: "file", Hashes: map[string]string{algorithm: o.Value}}
	if o.Kind == observable.CertSHA1 || o.Kind == observable.CertSHA256 {
		t.Type = "x509-certificate"
	}
	return []stixObservable{t.named(map[string]any{"hashes": t.Hashes})}
}

func valued(typ, value string) stixObservable {
	return stixObservable{Type: typ, Value: value}.named(map[string]any{"value": value})
}

// stixNamespace is that of ids of observables (part 2.9).
var stixNamespace = [16]byte{0x00, 0xab, 0xed, 0xb4, 0xaa, 0x42, 0x46, 0x6c, 0x9c, 0x01, 0xfe, 0xd2, 0x33, 0x15, 0xa9, 0xb7}

// named gives an observable the id that follows from the contributing properties, as canonical JSON (RFC 8785): of their forms encoding/json writes just that,
// without escapes for HTML.
func (o stixObservable) named(contributing map[string]any) stixObservable {
	o.SpecVersion = "2.1"
	o.ID = o.Type + "--" + uuidIn(stixNamespace, canonicalJSON(contributing))
	return o
}

func canonicalJSON(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // strings and numbers only
	return bytes.TrimSpace(b.Bytes())
}
