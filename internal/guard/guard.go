// Package guard knows lists of values that must not be taken for malicious: public resolvers, update servers, hashes of
// empty files, the names that everybody visits. [Compile] makes an immutable [Matcher] of lists, and [Matcher.Match] tells
// which of them guards an observable and what follows from it.
//
// A list has a [Policy], what a match does, and a [Scope], how far an entry reaches from the name that it has. MISP's
// warning lists (https://github.com/MISP/misp-warninglists) have neither: [Default] is the choice for each of them, and
// docs/guards.md gives the reasons.
//
// Nothing here does I/O. Everything is a pure function of the lists.
package guard

import (
	"cmp"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"dossier/internal/observable"

	"github.com/gaissmai/bart"
)

// A Policy is what becomes of an indicator that a list guards.
type Policy string

// The policies, from the one that does least.
const (
	Off      Policy = "off"      // the list is kept and guards nothing
	Annotate Policy = "annotate" // the indicator is marked with the list
	Demote   Policy = "demote"   // and counts half as much
	Exclude  Policy = "exclude"  // and reaches no hunt, no export and no default collection
)

var strength = map[Policy]int{Off: 0, "": 0, Annotate: 1, Demote: 2, Exclude: 3}

// ParsePolicy reads the name of a policy.
func ParsePolicy(s string) (Policy, error) {
	p := Policy(strings.ToLower(strings.TrimSpace(s)))
	if _, ok := strength[p]; !ok || p == "" {
		return "", fmt.Errorf("policy %q: want exclude, demote, annotate or off", s)
	}
	return p, nil
}

// A Scope says which names an entry that is a name reaches. Addresses and networks always reach what lies in them,
// hashes and the like themselves alone.
type Scope string

const (
	// Exact reaches the name itself, with and without "www.", and URLs that are no more than its front page. What others
	// keep there, under a name or a path of their own, is not reached: that is where malware lies.
	Exact Scope = "exact"
	// Under reaches the name, every name under it, and every URL and port there.
	Under Scope = "under"
)

// A List is a list of values with what a match does. Entries are as the list writes them: names (with a leading dot
// they reach what lies under them, whatever the scope), addresses, networks, URLs, hashes.
type List struct {
	Name    string   `json:"name"`  // "tranco10k"
	Title   string   `json:"title"` // for people
	Policy  Policy   `json:"policy"`
	Scope   Scope    `json:"scope,omitempty"` // "" is Exact
	Version string   `json:"version,omitempty"`
	Source  string   `json:"source,omitempty"` // who publishes it: "misp-warninglists"; "allow" for the user's own
	Entries []string `json:"entries"`
}

// A Match is the list that guards an observable.
type Match struct {
	List   string `json:"list"`
	Policy Policy `json:"policy"`
}

// IsZero reports whether nothing guards.
func (m Match) IsZero() bool { return m == Match{} }

// stronger reports whether m decides over o: the stronger policy, then the first name.
func (m Match) stronger(o Match) bool {
	return cmp.Or(cmp.Compare(strength[m.Policy], strength[o.Policy]), cmp.Compare(o.List, m.List)) > 0
}

// A Matcher answers for lists. It is immutable and safe for concurrent use; the zero value guards nothing.
type Matcher struct {
	exact map[string]Match // names and front pages
	under map[string]Match // names, and all under them
	other map[observable.Observable]Match
	nets  *bart.Table[Match]
}

// Compile makes a matcher of lists, and returns how many entries it could not read. Their order makes no difference.
func Compile(lists []List) (m *Matcher, unread int) {
	m = &Matcher{
		exact: map[string]Match{}, under: map[string]Match{}, other: map[observable.Observable]Match{},
		nets: new(bart.Table[Match]),
	}
	var nets []netEntry
	for i := range lists {
		l := &lists[i]
		if strength[l.Policy] == 0 {
			continue
		}
		match := Match{l.Name, l.Policy}
		for _, entry := range l.Entries {
			e, ok := parseEntry(entry)
			switch {
			case !ok:
				unread++
			case e.prefix.IsValid():
				nets = append(nets, netEntry{e.prefix, match})
			case e.o.Kind != observable.Domain:
				put(m.other, e.o, match)
			case e.under || l.Scope == Under:
				put(m.under, e.o.Value, match)
			default:
				put(m.exact, strings.TrimPrefix(e.o.Value, "www."), match)
			}
		}
	}
	m.insert(nets)
	return m, unread
}

func put[K comparable](m map[K]Match, k K, match Match) {
	if had, ok := m[k]; !ok || match.stronger(had) {
		m[k] = match
	}
}

type netEntry struct {
	prefix netip.Prefix
	match  Match
}

// insert adds networks from the widest to the narrowest. The table answers with the narrowest, so each takes over the
// match of what it lies in, where that is stronger.
func (m *Matcher) insert(nets []netEntry) {
	slices.SortFunc(nets, func(a, b netEntry) int {
		return cmp.Or(cmp.Compare(a.prefix.Bits(), b.prefix.Bits()), a.prefix.Addr().Compare(b.prefix.Addr()), cmp.Compare(a.match.List, b.match.List))
	})
	for _, n := range nets {
		if wide, ok := m.nets.LookupPrefix(n.prefix); ok && wide.stronger(n.match) {
			n.match = wide
		}
		m.nets.Insert(n.prefix, n.match)
	}
}

type entry struct {
	o      observable.Observable
	prefix netip.Prefix
	under  bool
}

// parseEntry reads an entry of a list.
func parseEntry(s string) (e entry, ok bool) {
	s = strings.TrimSpace(s)
	if p, err := netip.ParsePrefix(s); err == nil {
		return entry{prefix: unmapped(p)}, true
	}
	if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" {
		a = a.Unmap()
		return entry{prefix: netip.PrefixFrom(a, a.BitLen())}, true
	}
	e.under = strings.HasPrefix(s, ".") || strings.HasPrefix(s, "*.")
	s = strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(s, "*"), "."), ".")
	if s == "" {
		return e, false
	}
	var err error
	if e.o, err = observable.Parse(s); err == nil {
		return e, true
	}
	if !strings.ContainsAny(s, "/:@ ") {
		// A top-level domain, or a name of a private root.
		s = strings.ToLower(s)
		e.o = observable.Observable{Kind: observable.Domain, Value: s}
		return e, !strings.ContainsAny(s, "\\()[]{}^$|?+*,;\"'<>")
	}
	return e, false
}

func unmapped(p netip.Prefix) netip.Prefix {
	if a := p.Addr(); a.Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(a.Unmap(), p.Bits()-96)
	}
	return p.Masked()
}

// Match returns the list that guards an observable; ok is false if none does. Of several the one with the strongest
// policy answers, then the first by name.
func (m *Matcher) Match(o observable.Observable) (match Match, ok bool) {
	if m == nil || m.nets == nil {
		return Match{}, false
	}
	consider := func(found Match, has bool) {
		if has && (!ok || found.stronger(match)) {
			match, ok = found, true
		}
	}
	found, has := m.other[o]
	consider(found, has)
	switch o.Kind {
	case observable.Domain:
		consider(m.name(o.Value, true))
	case observable.IPAddress:
		consider(m.address(o.Value))
	case observable.CIDR:
		if p, err := netip.ParsePrefix(o.Value); err == nil {
			consider(m.nets.LookupPrefix(p))
		}
	case observable.IPPort, observable.URL, observable.Email:
		host, has := o.Host()
		switch {
		case !has:
		case host.Kind == observable.IPAddress:
			// An address that serves everybody, as a resolver, is guarded with its ports; a page on it is somebody's.
			if o.Kind == observable.IPPort || frontPage(o.Value) {
				consider(m.address(host.Value))
			}
		default:
			consider(m.name(host.Value, o.Kind == observable.URL && frontPage(o.Value)))
		}
	}
	return match, ok
}

// name looks a host name up; itself is whether the lists of names alone apply, too.
func (m *Matcher) name(name string, itself bool) (match Match, ok bool) {
	if itself {
		match, ok = m.exact[strings.TrimPrefix(name, "www.")]
	}
	for rest := name; ; {
		if found, has := m.under[rest]; has && (!ok || found.stronger(match)) {
			match, ok = found, true
		}
		_, up, more := strings.Cut(rest, ".")
		if !more {
			return match, ok
		}
		rest = up
	}
}

func (m *Matcher) address(s string) (Match, bool) {
	a, err := netip.ParseAddr(s)
	if err != nil {
		return Match{}, false
	}
	return m.nets.Lookup(a)
}

// frontPage reports whether a canonical URL has a host and nothing else.
func frontPage(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Path == "" || u.Path == "/") && u.RawQuery == "" && u.Fragment == "" && u.User == nil
}
