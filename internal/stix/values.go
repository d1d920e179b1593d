package stix

import (
	"errors"
	"slices"
	"strings"

	"dossier/internal/observable"
)

// A finding is an observable that a pattern looks for.
type finding struct {
	observable.Observable
	text    string   // as the pattern writes it
	partial bool     // it counts only together with something else
	beside  []string // names of files that stand beside it, at most maxBeside
	source  bool     // it is where traffic comes from
}

// skip is a part of a pattern that gives no observable.
type skip struct {
	reason, sample string
	value          bool // it is a plain value, and no good: a private address
}

// gatherer walks a pattern.
type gatherer struct {
	found   []finding
	skipped []skip
}

// observables returns the plain values that a pattern looks for, each once, and
// why other parts give none.
//
//   - Under OR, every alternative stands for itself.
//   - Under AND, hashes and the values of the network count. The name of a file
//     beside them would match far more than the pattern does, so it is context;
//     so is whatever is no observable. Where there is nothing but such names, they
//     are marked. An address with a port gives the pair too.
//   - What is negated is never a value.
//   - The parts of [a] AND [b] and of [a] FOLLOWEDBY [b] count, and are marked:
//     each betrays the subject, but less surely than both do.
//   - Qualifiers do not change what is looked for.
func observables(p Pattern) ([]finding, []skip) {
	var g gatherer
	g.observation(p.Root, false)
	return g.distinct(), g.skipped
}

// distinct returns the findings, of those with the same value the surest.
func (g *gatherer) distinct() []finding {
	at := make(map[observable.Observable]int, len(g.found))
	out := g.found[:0:0]
	for _, v := range g.found {
		i, ok := at[v.Observable]
		switch {
		case !ok:
			at[v.Observable] = len(out)
			out = append(out, v)
		case out[i].partial && !v.partial:
			out[i] = v
		}
	}
	return out
}

func (g *gatherer) observation(o Observation, partial bool) {
	switch o := o.(type) {
	case Observed:
		var inner gatherer
		inner.comparison(o.Comparison)
		for i := range inner.found {
			inner.found[i].partial = inner.found[i].partial || partial
		}
		g.take(inner)
	case Combined:
		for _, part := range o.Parts {
			g.observation(part, partial || o.Op != "OR")
		}
	case Qualified:
		g.observation(o.Part, partial)
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
		g.take(inner)
	}
}

func (g *gatherer) take(inner gatherer) {
	g.found = append(g.found, inner.found...)
	g.skipped = append(g.skipped, inner.skipped...)
}

// weak reports whether a value says little by itself.
func weak(v finding) bool {
	switch v.Kind {
	case observable.FileName, observable.FilePath, observable.UserAgent, observable.Other:
		return true
	}
	return false
}

// narrow drops the weak values of a conjunction that has strong ones, and joins
// an address with its port.
func (g *gatherer) narrow(parts []Comparison) {
	if len(g.found) == 0 {
		// Nothing is left to narrow; one reason is enough.
		g.skipped = g.skipped[:min(len(g.skipped), 1)]
		return
	}
	g.skipped = slices.DeleteFunc(g.skipped, func(s skip) bool { return strings.HasPrefix(s.reason, noObservable) })
	if !slices.ContainsFunc(g.found, func(v finding) bool { return !weak(v) }) {
		for i := range g.found {
			g.found[i].partial = true
		}
		return
	}
	var names []string
	for _, v := range g.found {
		if v.Kind == observable.FileName && len(names) < maxBeside {
			names = append(names, v.text)
		}
	}
	g.found = slices.DeleteFunc(g.found, weak)
	if names != nil {
		for i, v := range g.found {
			if n := maxBeside - len(v.beside); n > 0 {
				g.found[i].beside = slices.Concat(v.beside, names[:min(n, len(names))])
			}
		}
	}
	for _, part := range parts {
		if t, ok := part.(Test); ok && t.Op == "=" && !t.Not && pathKey(t.Path) == "network-traffic:dst_port" {
			g.join(t.Values[0].Text)
			return
		}
	}
}

// maxBeside bounds the names of files that are kept beside a value: an IN has
// room for tens of thousands, and they go with every hash.
const maxBeside = 8

// join adds the pairs of addresses and the port that traffic goes to. Where it
// comes from has another port.
func (g *gatherer) join(port string) {
	for _, v := range slices.Clone(g.found) {
		if v.Kind != observable.IPAddress || v.source {
			continue
		}
		host := v.Value
		if strings.Contains(host, ":") {
			host = "[" + host + "]"
		}
		if o, err := observable.ParseAs(observable.IPPort, host+":"+port); err == nil {
			v.Observable, v.text = o, host+":"+port
			g.found = append(g.found, v)
		}
	}
}

const noObservable = "no observable: "

func (g *gatherer) test(t Test) {
	kind, why := kindOfPath(t.Path)
	skipped := func(reason, sample string) { g.skipped = append(g.skipped, skip{reason: reason, sample: sample}) }
	switch {
	case why == "" && (t.Not || t.Op == "!="):
		skipped("negated comparison", t.Path.String())
		return
	case why != "":
		skipped(why, t.Path.String())
		return
	case t.Op == "ISSUBSET" && (kind == observable.IPAddress || kind == hostOrAddress):
	case t.Op != "=" && t.Op != "IN":
		skipped("comparison "+t.Op, t.Path.String())
		return
	}
	source := pathKey(t.Path) == "network-traffic:src_ref.value"
	for _, l := range t.Values {
		if l.Kind != StringLiteral && l.Kind != HexLiteral {
			skipped("constant of type "+string(l.Kind), t.Path.String())
			continue
		}
		o, err := parseValue(kind, l.Text)
		if err != nil {
			g.skipped = append(g.skipped, skip{reasonOf(err), l.Text, true})
			continue
		}
		g.found = append(g.found, finding{Observable: o, text: l.Text, source: source})
	}
}

// parseValue makes a value canonical.
func parseValue(kind observable.Kind, value string) (observable.Observable, error) {
	switch {
	case kind == hostOrAddress:
		address := observable.IPAddress
		if strings.Contains(value, "/") {
			address = observable.CIDR
		}
		if o, err := observable.ParseAs(address, value); err == nil || strings.ContainsAny(value, ":/") || strings.Trim(value, "0123456789.") == "" {
			return o, err
		}
		kind = observable.Domain
	case kind == observable.IPAddress && strings.Contains(value, "/"):
		kind = observable.CIDR // networks stand under addresses
	}
	o, err := observable.ParseAs(kind, value)
	if err == nil {
		return o, nil
	}
	if k := hashByLength(value); k != kind {
		switch kind {
		case observable.MD5, observable.SHA1, observable.SHA256, observable.SHA512:
			// A hash under the name of another algorithm: its length tells.
			if o, err := observable.ParseAs(k, value); err == nil {
				return o, nil
			}
		}
	}
	return o, err
}

func hashByLength(s string) observable.Kind {
	switch len(strings.TrimSpace(s)) {
	case 32:
		return observable.MD5
	case 40:
		return observable.SHA1
	case 64:
		return observable.SHA256
	case 128:
		return observable.SHA512
	}
	return ""
}

// reasonOf is the countable part of an error.
func reasonOf(err error) string {
	var bad *observable.Error
	if errors.As(err, &bad) {
		return string(bad.Reason)
	}
	return "malformed value"
}
