package misp

import (
	"errors"
	"strings"

	"dossier/internal/intel"
	"dossier/internal/observable"
	"dossier/internal/refdate"
)

// parts says what the values of an attribute's type are; a composite type has a
// part for each, between bars. "" is a part that is no observable.
var parts = map[string][]observable.Kind{
	"domain": {observable.Domain}, "hostname": {observable.Domain}, "domain|ip": {observable.Domain, observable.IPAddress},
	"hostname|port": {observable.Domain, ""}, "ip-src": {observable.IPAddress}, "ip-dst": {observable.IPAddress},
	"url": {observable.URL}, "uri": {observable.URL}, "link": {observable.URL},
	"email": {observable.Email}, "email-src": {observable.Email}, "email-dst": {observable.Email}, "email-reply-to": {observable.Email},
	"md5": {observable.MD5}, "sha1": {observable.SHA1}, "sha256": {observable.SHA256}, "sha512": {observable.SHA512},
	"filename": {observable.FileName}, "filename|md5": {observable.FileName, observable.MD5},
	"filename|sha1": {observable.FileName, observable.SHA1}, "filename|sha256": {observable.FileName, observable.SHA256},
	"filename|sha512": {observable.FileName, observable.SHA512}, "malware-sample": {observable.FileName, observable.MD5},
	"x509-fingerprint-sha1": {observable.CertSHA1}, "x509-fingerprint-sha256": {observable.CertSHA256},
	"ja3-fingerprint-md5": {observable.JA3}, "jarm-fingerprint": {observable.JARM},
	"mutex": {observable.Mutex}, "regkey": {observable.RegistryKey}, "regkey|value": {observable.RegistryKey, ""},
	"user-agent": {observable.UserAgent}, "btc": {observable.Cryptocurrency}, "xmr": {observable.Cryptocurrency}, "dash": {observable.Cryptocurrency},
	"ip-src|port": {observable.IPPort}, "ip-dst|port": {observable.IPPort},
}

// detected are the categories of what is looked for in traffic and on hosts.
var detected = map[string]bool{
	"Network activity": true, "Payload delivery": true, "Payload installation": true, "Artifacts dropped": true,
	"Persistence mechanism": true, "Payload type": true,
}

// unflagged reports whether an event sets to_ids nowhere, though it has things
// to detect: its author does not use the flag, so that a false one says nothing.
func unflagged(e *wireEvent) bool {
	found := false
	each := func(list []*wireAttr) bool {
		for _, a := range list {
			if a == nil {
				continue
			}
			if a.ToIDs.True {
				return false
			}
			_, known := parts[strings.ToLower(strings.TrimSpace(string(a.Type)))]
			found = found || known && detected[string(a.Category)]
		}
		return true
	}
	if !each(e.Attribute) {
		return false
	}
	for _, o := range e.Object {
		if !each(o.Attribute) {
			return false
		}
	}
	return found
}

// attribute gives the sink what an attribute says: an observation for each
// observable in it, or why there is none.
func (d *decoder) attribute(a *wireAttr, s scope, position string) error {
	if a == nil {
		d.reject(position, "not an object", "")
		return nil
	}
	typ := strings.ToLower(strings.TrimSpace(string(a.Type)))
	kinds, known := parts[typ]
	ids := a.ToIDs.True || !a.ToIDs.Set && known || // older exports leave out what is the default of the type
		s.unflagged && known && detected[string(a.Category)]
	switch {
	case isReference(a) && !a.ToIDs.True:
		return nil // it is the reference of the others
	case !ids && a.ToIDs.Set:
		d.reject(position, "to_ids is false", string(a.Value))
		return nil
	case !known:
		d.reject(position, "no observable: "+sample(typ), string(a.Value))
		return nil
	}
	o, err := d.observation(a, s)
	if err != nil {
		return err
	}
	values := split(string(a.Value), kinds)
	if values == nil {
		d.reject(position, "not of type "+typ, string(a.Value))
		return nil
	}
	for i, kind := range kinds {
		if kind == "" {
			continue
		}
		seen, err := parse(kind, values[i])
		if err != nil {
			d.reject(position, reason(err), values[i])
			continue
		}
		one := *o
		one.Observable = seen
		if err := d.sink.Observation(&one); err != nil {
			return err
		}
		s.list(&one)
	}
	return nil
}

// split returns the values of a composite type, or nil if there are not as
// many. Names of files may hold bars, so the last bar counts; keys of the
// registry may not, and their values may.
func split(value string, kinds []observable.Kind) []string {
	switch {
	case len(kinds) == 1 && kinds[0] == observable.IPPort:
		host, port, ok := strings.Cut(value, "|")
		if !ok {
			return []string{value}
		}
		if strings.Count(host, ":") > 1 && !strings.HasPrefix(host, "[") {
			host = "[" + host + "]"
		}
		return []string{host + ":" + port}
	case len(kinds) == 1:
		return []string{value}
	}
	i := strings.LastIndexByte(value, '|')
	if kinds[0] == observable.RegistryKey {
		i = strings.IndexByte(value, '|')
	}
	if i < 0 {
		return nil
	}
	return []string{value[:i], value[i+1:]}
}

// parse makes a value canonical: networks stand among addresses, and paths
// among URIs.
func parse(kind observable.Kind, value string) (observable.Observable, error) {
	value = strings.TrimSpace(value)
	switch {
	case kind == observable.IPAddress && strings.Contains(value, "/"):
		kind = observable.CIDR
	case kind == observable.URL && strings.HasPrefix(value, "/") && !strings.HasPrefix(value, "//"):
		kind = observable.URLPath
	}
	return observable.ParseAs(kind, value)
}

// reason returns the countable part of an error about a value.
func reason(err error) string {
	var e *observable.Error
	if errors.As(err, &e) {
		return string(e.Reason)
	}
	return err.Error()
}

// observation returns what an attribute says of its observables. Its own tags
// and galaxies take the place of the event's. The date is the first of: its own
// first_seen, the object's, the date of the document in its comment, the event's.
func (d *decoder) observation(a *wireAttr, s scope) (*intel.Observation, error) {
	if tlp, ok := tlpOf(a.Tag); ok {
		s.tlp = tlp
	}
	own, err := d.mentions(a.Tag, a.Galaxy, &s)
	if err != nil {
		return nil, err
	}
	if len(own) > 0 {
		s.subjects = own
	}
	o := &intel.Observation{
		Publisher: s.publisher, Subjects: s.subjects, TLP: s.tlp, Reference: s.reference, Context: note(string(a.Comment)),
		Revoked: a.Deleted.True, FirstSeen: s.date, Modified: refdate.Stamp(string(a.Timestamp), d.bound, "").At,
	}
	if o.Modified == 0 {
		o.Modified = s.modified
	}
	if c := strings.TrimSpace(string(a.Comment)); o.Context == "" && c != "" { // nothing but an address
		o.Reference = c
		if date := refdate.OfURL(c, d.bound); !date.IsZero() {
			o.FirstSeen = date
		}
	}
	if o.Context == "" {
		o.Context = note(plainTags(a.Tag))
	}
	if o.Context == "" {
		o.Context = s.context
	}
	for _, first := range []text{a.FirstSeen, s.first} {
		if date := refdate.Stamp(string(first), d.bound, intel.BasisStated); !date.IsZero() {
			o.FirstSeen = date
			break
		}
	}
	for _, last := range []text{a.LastSeen, s.last} {
		if date := refdate.Stamp(string(last), d.bound, intel.BasisStated); !date.IsZero() && o.LastSeen == 0 {
			o.LastSeen = date.At
		}
	}
	return o, nil
}
