package api

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"dossier/internal/intel"
	"dossier/internal/observable"
	"dossier/internal/odata"
	"dossier/internal/store"
)

const hostsPath = "/hosts"

// hostOf returns the host that an id names. Every valid name and address exists,
// also those that are no indicator of anything, as private addresses.
func hostOf(id string) (observable.Observable, error) {
	if a, err := netip.ParseAddr(id); err == nil && a.Zone() == "" {
		return observable.Observable{Kind: observable.IPAddress, Value: a.Unmap().String()}, nil
	}
	o, err := observable.ParseAs(observable.Domain, id)
	var bad *observable.Error
	switch {
	case err == nil:
		return o, nil
	case errors.As(err, &bad) && bad.Reason == observable.Reserved:
		return observable.Observable{Kind: observable.Domain, Value: strings.ToLower(strings.TrimSuffix(id, "."))}, nil
	}
	return o, fmt.Errorf("host %q is neither a name nor an address: %w", id, intel.ErrNotFound)
}

// host returns the host that the path names. If its canonical id is another,
// Content-Location tells the path with it; rest is what follows.
func (r *request) host(rest string) (observable.Observable, error) {
	o, err := hostOf(r.ids[0])
	if err == nil && o.Value != r.ids[0] {
		r.header.Set("Content-Location", r.url(hostsPath+"/"+url.PathEscape(o.Value)+rest))
	}
	return o, err
}

// hostKnown returns what is known of a host; nothing is not an error.
func (r *request) hostKnown(o observable.Observable) (*store.Known, error) {
	k, err := r.s.store.Lookup(r.Context(), o, r.ceiling())
	if errors.Is(err, intel.ErrNotFound) {
		return &store.Known{}, nil
	}
	return k, err
}

func getHost(r *request) (*answer, error) {
	o, err := r.host("")
	if err != nil {
		return nil, err
	}
	inlined := store.Artifact(o)
	q, err := r.query(typeNamed(strings.TrimPrefix(inlined.ODataType, "#")), entityOptions)
	if err != nil {
		return nil, err
	}
	k, err := r.hostKnown(o)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	first, last := seen(k.Evidence)
	if err := encode(&b, hostBody(inlined, first, last)); err != nil {
		return nil, err
	}
	return r.one(&entity{body: b.Bytes(), home: hostsPath + "/" + url.PathEscape(o.Value), digest: digestOfBody}, hostsPath, q)
}

func getReputation(r *request) (*answer, error) {
	o, err := r.host("/reputation")
	if err != nil {
		return nil, err
	}
	q, err := r.query(store.Types.Reputation, entityOptions)
	if err != nil {
		return nil, err
	}
	k, err := r.hostKnown(o)
	if err != nil {
		return nil, err
	}
	publishers, err := r.s.store.Publishers(r.Context(), r.ceiling())
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	about, err := r.subject(o, k)
	if err != nil {
		return nil, err
	}
	if err := encode(&b, reputationOf(o, about, publishers)); err != nil {
		return nil, err
	}
	home := hostsPath + "/" + url.PathEscape(o.Value) + "/reputation"
	return r.one(&entity{body: b.Bytes(), home: home, digest: digestOfBody}, keyed("hosts", o.Value)+"/reputation", q)
}

// subject gathers what a host is judged by.
func (r *request) subject(o observable.Observable, k *store.Known) (about subject, err error) {
	about.known = k
	if k.Indicator != nil {
		about.guard = k.Indicator.Guard
		return about, nil
	}
	guards, err := r.s.store.GuardMatcher(r.Context())
	if err != nil {
		return about, err
	}
	about.guard, _ = guards.Match(o)
	if o.Kind == observable.Domain {
		above, err := r.s.store.Parents(r.Context(), o.Value, r.ceiling())
		if err != nil {
			return about, err
		}
		if len(above) > 0 && !above[0].Indicator.Guarded() {
			about.above = above[0]
		}
	}
	return about, nil
}

// getWhois answers with a record in which everything is null: Dossier has no
// registration data, and clients take anything but success for a fault.
func getWhois(r *request) (*answer, error) {
	o, err := r.host("/whois")
	if err != nil {
		return nil, err
	}
	q, err := r.query(nil, emptyOptions)
	if err != nil {
		return nil, err
	}
	body := `{"@odata.type":"#microsoft.graph.security.whoisRecord","id":` + string(quoted(base64.StdEncoding.EncodeToString([]byte(o.Value)))) +
		`,"abuse":null,"admin":null,"billing":null,"domainStatus":null,"expirationDateTime":null,"firstSeenDateTime":null,"lastSeenDateTime":null,` +
		`"lastUpdateDateTime":null,"nameservers":[],"noc":null,"rawWhoisText":null,"registrant":null,"registrar":null,"registrationDateTime":null,` +
		`"technical":null,"whoisServer":null,"zone":null,"host":{"id":` + string(quoted(o.Value)) + `}}`
	return r.one(&entity{body: []byte(body)}, keyed("hosts", o.Value)+"/whois", q)
}

// emptyOptions are those of collections that have no rows: what would choose
// among them is passed over.
var emptyOptions = odata.Options{
	Allow:  odata.AllowTop | odata.AllowSkip | odata.AllowCount | odata.AllowSkipToken,
	Ignore: odata.AllowAll,
}

// emptyList answers a collection of a host of which Dossier has no data.
func emptyList(name string) handler {
	return func(r *request) (*answer, error) {
		o, err := r.host("/" + name)
		if err != nil {
			return nil, err
		}
		q, err := r.query(nil, emptyOptions)
		if err != nil {
			return nil, err
		}
		count := int64(-1)
		if q.Count {
			count = 0
		}
		path := keyed("hosts", o.Value) + "/" + name
		return r.many(0, nil, path, path, q, count, "")
	}
}

func emptyCount(r *request) (*answer, error) {
	if _, err := r.host(""); err != nil {
		return nil, err
	}
	return number(0), nil
}

// nothingThere answers an item of a collection that is empty.
func nothingThere(r *request) (*answer, error) {
	return nil, fmt.Errorf("%q: %w", r.ids[len(r.ids)-1], intel.ErrNotFound)
}
