package stix

import (
	"errors"
	"slices"
	"strings"

	"dossier/internal/intel"
	"dossier/internal/observable"
)

// listReported remembers which reports list an indicator.
func (f *file) listReported() {
	for _, r := range f.reports {
		for _, ref := range r.refs {
			if typeOf(ref) == "indicator" {
				f.reported[ref] = append(f.reported[ref], r)
			}
		}
	}
}

// observe gives the sink an observation for each observable of an indicator's
// pattern.
func (f *file) observe(it *item, ind *indicator) error {
	switch {
	case ind.patternType != "" && ind.patternType != "stix":
		f.reject(it, "pattern_type", "pattern type "+ind.patternType, ind.name)
		return nil
	case ind.benign:
		f.reject(it, "", "benign indicator", ind.pattern)
		return nil
	}
	p, err := ParsePattern(ind.pattern)
	if err != nil {
		f.reject(it, "pattern", "malformed pattern", err.Error())
		return nil
	}
	found, skipped := observables(p)
	for _, s := range skipped {
		f.reject(it, "pattern", s.reason, s.sample)
	}
	if len(found) == 0 {
		if len(skipped) == 0 {
			f.reject(it, "pattern", "no plain value in the pattern", ind.pattern)
		}
		return nil
	}
	o := f.observation(ind)
	for _, v := range found {
		one := o
		one.Observable = v
		if one.Context == v.Value {
			one.Context = ""
		}
		f.counts[one.Publisher]++
		if err := f.sink.Observation(&one); err != nil {
			return err
		}
	}
	return nil
}

// observation is what all observables of an indicator have in common.
func (f *file) observation(ind *indicator) intel.Observation {
	o := intel.Observation{
		Publisher: f.publisher(&ind.meta, false), FirstSeen: stated(ind.validFrom, intel.BasisStated), ValidUntil: ind.validUntil,
		Confidence: ind.conf, TLP: f.tlp(ind.markings), Source: intel.SourceOSINT, Reference: ind.reference,
		Context: shorten(ind.name, 200), Revoked: ind.revoked, Modified: ind.modified,
	}
	if o.Publisher == publisherNames["microsoft"] {
		o.Source = intel.SourceMicrosoft
	}
	if o.Context == "" || strings.HasPrefix(o.Context, "[") {
		o.Context = shorten(ind.description, 200)
	}
	o.Subjects = f.subjects(ind, &o)
	for _, r := range f.reported[ind.id] {
		if o.Reference == "" {
			o.Reference = r.reference
		}
		if o.FirstSeen.IsZero() && r.published != 0 {
			o.FirstSeen = stated(r.published, intel.BasisEvent)
		}
	}
	if o.FirstSeen.IsZero() {
		o.FirstSeen = stated(ind.created, intel.BasisCreated)
	}
	if seen, ok := f.seen[ind.id]; ok {
		if first := stated(seen.first, intel.BasisStated); o.FirstSeen.IsZero() || first.At < o.FirstSeen.At {
			o.FirstSeen = first
		}
		o.LastSeen = seen.last
	}
	return o
}

// maxSubjects bounds how many actors and tools a report may name and still say
// whose its indicators are.
const maxSubjects = 4

// subjects returns whom an indicator betrays: what it indicates; else, if a
// report lists it, the actors and tools of that report, as long as they are few.
func (f *file) subjects(ind *indicator, o *intel.Observation) []intel.Ref {
	var refs []intel.Ref
	for _, p := range f.indicated[ind.id] {
		refs = f.subject(refs, p.target, o.Publisher)
		o.TLP = max(o.TLP, p.tlp)
	}
	if refs != nil {
		return refs
	}
	for _, r := range f.reported[ind.id] {
		var named []intel.Ref
		for _, ref := range r.refs {
			named = f.subject(named, ref, o.Publisher)
		}
		if len(named) > maxSubjects {
			continue
		}
		for _, ref := range named {
			if !slices.Contains(refs, ref) {
				refs = append(refs, ref)
			}
		}
		if len(named) > 0 {
			o.TLP = max(o.TLP, f.tlp(r.markings))
		}
	}
	return refs
}

// subject appends the actor or tool that an id stands for. A campaign stands
// for the actors that it is attributed to. An object outside of the file is
// looked for under the publisher of the indicator.
func (f *file) subject(refs []intel.Ref, id, publisher string) []intel.Ref {
	add := func(ref intel.Ref) {
		if !slices.Contains(refs, ref) {
			refs = append(refs, ref)
		}
	}
	t := f.things[id]
	kind := kindOf(typeOf(id))
	if t != nil {
		kind = t.rec.Kind
	}
	switch {
	case kind == intel.Campaign:
		for _, actor := range f.attributed[id] {
			refs = f.subject(refs, actor, publisher)
		}
	case !kind.HasProfile():
	case t != nil:
		add(t.rec.Ref)
	default:
		add(intel.Ref{Publisher: publisher, Key: id})
	}
	return refs
}

// skip is a part of a pattern that gives no observable.
type skip struct{ reason, sample string }

// gatherer walks a pattern.
type gatherer struct {
	found   []observable.Observable
	skipped []skip
}

// observables returns the plain values that a pattern looks for, each once, and
// why other parts give none. Observations joined by AND, OR or FOLLOWEDBY count
// alike: each of them betrays the subject. What is negated is never a value.
// The name of a file beside its hash, or beside an address, is no value of its
// own: it would match far more than the pattern does.
func observables(p Pattern) ([]observable.Observable, []skip) {
	var g gatherer
	g.observation(p.Root)
	return g.found, g.skipped
}

func (g *gatherer) observation(o Observation) {
	switch o := o.(type) {
	case Observed:
		g.comparison(o.Comparison)
	case Combined:
		for _, part := range o.Parts {
			g.observation(part)
		}
	case Qualified:
		g.observation(o.Part)
	}
}

func (g *gatherer) comparison(c Comparison) {
	switch c := c.(type) {
	case Test:
		g.test(c)
	case Logic:
		var inner gatherer
		for _, part := range c.Parts {
			inner.comparison(part)
		}
		if c.Op == "AND" {
			inner.narrow(c.Parts)
		}
		for _, o := range inner.found {
			g.add(o)
		}
		g.skipped = append(g.skipped, inner.skipped...)
	}
}

// narrow drops the weak values of a conjunction that has strong ones, and joins
// an address with its port.
func (g *gatherer) narrow(parts []Comparison) {
	weak := func(o observable.Observable) bool {
		switch o.Kind {
		case observable.FileName, observable.FilePath, observable.UserAgent, observable.Other:
			return true
		}
		return false
	}
	strong := slices.ContainsFunc(g.found, func(o observable.Observable) bool { return !weak(o) })
	if !strong {
		return
	}
	g.found = slices.DeleteFunc(g.found, weak)
	g.skipped = slices.DeleteFunc(g.skipped, func(s skip) bool { return strings.HasPrefix(s.reason, noObservable) })
	port := ""
	for _, part := range parts {
		if t, ok := part.(Test); ok && t.Op == "=" && !t.Not && t.Path.String() == "network-traffic:dst_port" {
			port = t.Values[0].Text
		}
	}
	if port == "" {
		return
	}
	for _, o := range slices.Clone(g.found) {
		if o.Kind == observable.IPAddress {
			host := o.Value
			if strings.Contains(host, ":") {
				host = "[" + host + "]"
			}
			if both, err := observable.ParseAs(observable.IPPort, host+":"+port); err == nil {
				g.add(both)
			}
		}
	}
}

func (g *gatherer) add(o observable.Observable) {
	if !slices.Contains(g.found, o) {
		g.found = append(g.found, o)
	}
}

const noObservable = "no observable: "

func (g *gatherer) test(t Test) {
	path := t.Path.String()
	kind, why := kindOfPath(t.Path)
	switch {
	case t.Not || t.Op == "!=":
		g.skipped = append(g.skipped, skip{"negated comparison", path})
		return
	case why != "":
		g.skipped = append(g.skipped, skip{why, path})
		return
	case t.Op == "ISSUBSET" && kind == observable.IPAddress:
	case t.Op != "=" && t.Op != "IN":
		g.skipped = append(g.skipped, skip{"comparison " + t.Op, path})
		return
	}
	for _, v := range t.Values {
		if v.Kind != StringLiteral && v.Kind != HexLiteral {
			g.skipped = append(g.skipped, skip{"constant of type " + string(v.Kind), path})
			continue
		}
		o, err := parseValue(kind, v.Text)
		if err != nil {
			g.skipped = append(g.skipped, skip{reasonOf(err), v.Text})
			continue
		}
		g.add(o)
	}
}

// parseValue makes a value canonical. Networks stand under = among addresses,
// and names and addresses under the same reference of network traffic.
func parseValue(kind observable.Kind, value string) (observable.Observable, error) {
	switch {
	case kind == "":
		return observable.Parse(value)
	case kind == observable.IPAddress && strings.Contains(value, "/"):
		return observable.ParseAs(observable.CIDR, value)
	}
	return observable.ParseAs(kind, value)
}

func reasonOf(err error) string {
	var bad *observable.Error
	if errors.As(err, &bad) {
		return string(bad.Reason)
	}
	return "malformed value"
}

// plainPaths are the paths whose values are observables. The empty kind is
// told from the value.
var plainPaths = map[string]observable.Kind{
	"domain-name:value": observable.Domain, "hostname:value": observable.Domain,
	"ipv4-addr:value": observable.IPAddress, "ipv6-addr:value": observable.IPAddress,
	"url:value": observable.URL, "email-addr:value": observable.Email,
	"email-message:from_ref.value": observable.Email, "email-message:sender_ref.value": observable.Email,
	"file:name": observable.FileName, "directory:path": observable.FilePath, "file:parent_directory_ref.path": observable.FilePath,
	"mutex:name": observable.Mutex, "windows-registry-key:key": observable.RegistryKey,
	"network-traffic:dst_ref.value": "", "network-traffic:src_ref.value": "",
	"user-agent:value": observable.UserAgent, "cryptocurrency-wallet:value": observable.Cryptocurrency,
	"x-opencti-cryptocurrency-wallet:value": observable.Cryptocurrency, "x-opencti-hostname:value": observable.Domain,
	"x-opencti-user-agent:value": observable.UserAgent,
}

var hashKinds = map[string]observable.Kind{
	"md5": observable.MD5, "sha1": observable.SHA1, "sha256": observable.SHA256, "sha512": observable.SHA512,
}

var certKinds = map[string]observable.Kind{"sha1": observable.CertSHA1, "sha256": observable.CertSHA256}

// kindOfPath returns what the values of a path are, or why they are nothing
// that is kept.
func kindOfPath(p Path) (observable.Kind, string) {
	if len(p.Steps) == 2 && p.Steps[0].Key == "hashes" {
		name := strings.ToLower(strings.NewReplacer("-", "", "_", "").Replace(p.Steps[1].Key))
		kinds := hashKinds
		switch p.Type {
		case "x509-certificate":
			kinds = certKinds
		case "file", "artifact":
		default:
			return "", noObservable + p.Type + " hash"
		}
		if kind, ok := kinds[name]; ok {
			return kind, ""
		}
		return "", noObservable + "hash " + name
	}
	path := p.String()
	if kind, ok := plainPaths[path]; ok {
		return kind, ""
	}
	if p.Type == "network-traffic" && strings.EqualFold(p.Steps[len(p.Steps)-1].Key, "User-Agent") {
		return observable.UserAgent, ""
	}
	return "", noObservable + shorten(path, 60)
}
