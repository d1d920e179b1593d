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
	// Names reaches the names under it, too, and their front pages.
	Names Scope = "names"
	// Under reaches these, and every URL, port and mail address there.
	Under Scope = "under"
	// Shared is Exact, and what lies under the name is other people's: of other lists only those that are Under reach over
	// it.
	Shared Scope = "shared"
)

// No entry reaches what lies under a public suffix, those that companies run included (https://publicsuffix.org): a list
// that has ".azurewebsites.net" says nothing of evil.azurewebsites.net, which is another's.

// Own is the name of the list that the operator keeps.
const Own = "allow"

// A List is a list of values with what a match does. Entries are as the list writes them: names (a dot or "*." before
// them makes no difference: the scope decides), addresses, networks, URLs, hashes.
type List struct {
	Name    string   `json:"name"`  // "tranco10k"
	Title   string   `json:"title"` // for people
	Policy  Policy   `json:"policy"`
	Scope   Scope    `json:"scope,omitempty"` // "" is Exact
	Version string   `json:"version,omitempty"`
	Source  string   `json:"source,omitempty"` // who publishes it: "misp-warninglists"; "allow" for the user's own
	Entries []string `json:"entries,omitempty"`
}

// A Listing is the list that guards an observable.
type Listing struct {
	List   string `json:"list"`
	Policy Policy `json:"policy"`
}

// IsZero reports whether nothing guards.
func (m Listing) IsZero() bool { return m == Listing{} }

// stronger reports whether m decides over o: the stronger policy, then the first name.
func (m Listing) stronger(o Listing) bool {
	return cmp.Or(cmp.Compare(strength[m.Policy], strength[o.Policy]), cmp.Compare(o.List, m.List)) > 0
}

// A Matcher answers for lists. It is immutable and safe for concurrent use; the zero value guards nothing.
type Matcher struct {
	exact  map[string]Listing // names and their front pages
	names  map[string]Listing // these, and the names under them
	under  map[string]Listing // these, and all that is there
	shared map[string]bool    // what lies under them is other people's
	other  map[observable.Observable]Listing
	nets   *bart.Table[Listing]
}

// Compile makes a matcher of lists, and returns how many entries it could not read. Their order makes no difference.
func Compile(lists []List) (m *Matcher, unread int) {
	m = &Matcher{
		exact: map[string]Listing{}, names: map[string]Listing{}, under: map[string]Listing{}, shared: map[string]bool{}, other: map[observable.Observable]Listing{},
		nets: new(bart.Table[Listing]),
	}
	var nets []netEntry
	for i := range lists {
		l := &lists[i]
		if strength[l.Policy] == 0 {
			continue
		}
		match := Listing{l.Name, l.Policy}
		for _, entry := range l.Entries {
			e, ok := parseEntry(entry)
			switch {
			case !ok:
				unread++
			case e.prefix.IsValid():
				nets = append(nets, netEntry{e.prefix, match})
			case e.o.Kind != observable.Domain:
				put(m.other, e.o, match)
			case l.Scope == Under:
				put(m.under, e.o.Value, match)
			case l.Scope == Names:
				put(m.names, e.o.Value, match)
			default:
				if l.Scope == Shared {
					m.shared[e.o.Value] = true
				}
				put(m.exact, strings.TrimPrefix(e.o.Value, "www."), match)
			}
		}
	}
	m.insert(nets)
	return m, unread
}

func put[K comparable](m map[K]Listing, k K, match Listing) {
	if had, ok := m[k]; !ok || match.stronger(had) {
		m[k] = match
	}
}

type netEntry struct {
	prefix netip.Prefix
	match  Listing
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
	if strings.HasPrefix(s, ".") || strings.HasPrefix(s, "*.") {
		s = strings.TrimPrefix(strings.TrimPrefix(s, "*"), ".")
	}
	if s == "" {
		return e, false
	}
	var err error
	if e.o, err = observable.Parse(s); err == nil {
		return e, true
	}
	if !strings.ContainsAny(s, "/:@ ") {
		// A top-level domain, or a name of a private root.
		s = strings.ToLower(strings.TrimSuffix(s, "."))
		e.o = observable.Observable{Kind: observable.Domain, Value: s}
		return e, !strings.ContainsAny(s, "\\()[]{}^$|?+*,;\"'<>")
	}
	return e, false
}

// Valid reports whether an entry of a list can be read.
func Valid(s string) bool {
	_, ok := parseEntry(s)
	return ok
}

func unmapped(p netip.Prefix) netip.Prefix {
	if a := p.Addr(); a.Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(a.Unmap(), p.Bits()-96)
	}
	return p.Masked()
}

// Match returns the list that guards an observable; ok is false if none does. Of several the one with the strongest
// policy answers, then the first by name.
func (m *Matcher) Match(o observable.Observable) (match Listing, ok bool) {
	if m == nil || m.nets == nil {
		return Listing{}, false
	}
	consider := func(found Listing, has bool) {
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

// name looks a host name up; itself is whether it stands for itself, and not for something that is kept there.
func (m *Matcher) name(name string, itself bool) (match Listing, ok bool) {
	consider := func(found Listing, has bool) {
		if has && (!ok || found.stronger(match)) {
			match, ok = found, true
		}
	}
	if itself {
		found, has := m.exact[strings.TrimPrefix(name, "www.")]
		consider(found, has)
	}
	top := observable.RegistrableDomain(name)
	own := itself // nothing shared lies between
	for rest := name; ; {
		own = own && (rest == name || !m.shared[rest])
		if own {
			found, has := m.names[rest]
			consider(found, has)
		}
		found, has := m.under[rest]
		consider(found, has)
		_, up, more := strings.Cut(rest, ".")
		if rest == top || !more {
			return match, ok
		}
		rest = up
	}
}

func (m *Matcher) address(s string) (Listing, bool) {
	a, err := netip.ParseAddr(s)
	if err != nil {
		return Listing{}, false
	}
	return m.nets.Lookup(a)
}

// frontPage reports whether a canonical URL has a host and nothing else.
func frontPage(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Path == "" || u.Path == "/") && u.RawQuery == "" && u.Fragment == "" && u.User == nil
}
