package export

import (
	"net"
	"net/netip"
	"strings"

	"dossier/internal/intel"
	"dossier/internal/observable"
)

// Sigma rules are YAML documents that converters turn into the queries of other
// systems. A rule looks for the indicators of one profile in one kind of log; a
// domain is found with all names below it. What names several profiles stands in the
// rule of the first. A rule's id follows from profile, log and number, so that a rule
// whose values change is the same rule, modified.
//
// Sources: Sigma Rules Specification 2.1.0, sigma-rules-specification.md (fields,
// escaping of wildcards), sigma-modifiers-appendix.md, sigma-taxonomy-appendix.md.

const (
	// maxSigma bounds what is gathered to be told by profile.
	maxSigma = 100_000
	// sigmaValues is how many values one rule has: longer ones exceed what queries
	// may be long in common systems.
	sigmaValues = 400
)

var sigmaFormats = []*Format{
	sigma("sigma-dns", "DNS queries", sigmaLog{"category: dns", []sigmaField{{"query", "names", []observable.Kind{observable.Domain}}}}),
	sigma("sigma-proxy", "web proxies", sigmaLog{"category: proxy", []sigmaField{
		{"cs-host", "names", []observable.Kind{observable.Domain}},
		{"dst_ip", "addresses", []observable.Kind{observable.IPAddress, observable.CIDR}},
		{"c-uri", "urls", []observable.Kind{observable.URL}},
		{"c-useragent", "agents", []observable.Kind{observable.UserAgent}},
	}}),
	sigma("sigma-firewall", "firewalls", sigmaLog{"category: firewall", []sigmaField{
		{"dst_ip", "addresses", []observable.Kind{observable.IPAddress, observable.CIDR}},
		{"dst_ip dst_port", "ports", []observable.Kind{observable.IPPort}},
	}}),
	sigma("sigma-windows", "Windows, as Sysmon tells it",
		sigmaLog{"category: dns_query\n  product: windows", []sigmaField{{"QueryName", "names", []observable.Kind{observable.Domain}}}},
		sigmaLog{"category: network_connection\n  product: windows", []sigmaField{
			{"DestinationHostname", "names", []observable.Kind{observable.Domain}},
			{"DestinationIp", "addresses", []observable.Kind{observable.IPAddress, observable.CIDR}},
			{"DestinationIp DestinationPort", "ports", []observable.Kind{observable.IPPort}},
		}},
		sigmaLog{"category: process_creation\n  product: windows", []sigmaField{
			{"Hashes", "hashes", []observable.Kind{observable.MD5, observable.SHA1, observable.SHA256}},
		}}),
}

// A sigmaLog is a kind of log and the fields that are looked at.
type sigmaLog struct {
	source string // the mapping under logsource
	fields []sigmaField
}

// A sigmaField is a field, or two, of address and port, and what stands in it.
type sigmaField struct {
	name, selection string
	kinds           []observable.Kind
}

func sigma(name, about string, logs ...sigmaLog) *Format {
	f := &Format{Name: name, About: "Sigma rules for logs of " + about, MediaType: "application/yaml", Extension: ".yml", Max: maxSigma, Dated: true}
	for _, l := range logs {
		for _, field := range l.fields {
			f.Kinds = append(f.Kinds, field.kinds...)
		}
	}
	f.begin = func(out *output, o *Options) encoder {
		s := &sigmaEncoder{out: out, format: f, logs: logs, updated: o.Updated, of: map[string]int{}}
		return s
	}
	return f
}

type sigmaEncoder struct {
	out     *output
	format  *Format
	logs    []sigmaLog
	updated intel.Time
	rules   []sigmaSubject // in the order in which they came
	of      map[string]int // by id of the profile
}

// A sigmaSubject is a profile with its indicators.
type sigmaSubject struct {
	profile    Profile
	indicators []sigmaValue
}

type sigmaValue struct {
	kind           observable.Kind
	value, comment string
}

// put gathers: rules are by profile, and indicators come in another order.
func (s *sigmaEncoder) put(i *Indicator) error {
	v := i.Observable.Value
	if v == "" || line(v, len(v)) != v {
		return notPrintable
	}
	switch i.Observable.Kind {
	case observable.IPAddress, observable.CIDR:
		if _, err := prefixOf(v); err != nil {
			return refusal("not an address")
		}
	case observable.IPPort:
		if _, err := netip.ParseAddrPort(v); err != nil {
			return refusal("not an address with a port")
		}
	}
	var p Profile
	if len(i.Profiles) > 0 {
		p = i.Profiles[0]
	}
	n, ok := s.of[p.ID]
	if !ok {
		n = len(s.rules)
		s.of[p.ID] = n
		s.rules = append(s.rules, sigmaSubject{profile: p})
	}
	s.rules[n].indicators = append(s.rules[n].indicators, sigmaValue{i.Observable.Kind, v, i.comment()})
	return nil
}

func (s *sigmaEncoder) end() error {
	first := true
	for _, subject := range s.rules {
		for n, l := range s.logs {
			// The values of the log, as many rules as they need.
			var values []sigmaValue
			for _, v := range subject.indicators {
				if l.field(v.kind) >= 0 {
					values = append(values, v)
				}
			}
			for part := 1; len(values) > 0; part++ {
				now := values[:min(len(values), sigmaValues)]
				values = values[len(now):]
				if !first {
					s.out.str("---\n")
				}
				first = false
				s.rule(subject.profile, n, part, now)
			}
		}
	}
	return nil
}

// field returns the field for a kind, -1 if the log has none.
func (l sigmaLog) field(k observable.Kind) int {
	for n, f := range l.fields {
		for _, kind := range f.kinds {
			if kind == k {
				return n
			}
		}
	}
	return -1
}

func (s *sigmaEncoder) rule(p Profile, log, part int, values []sigmaValue) {
	l := s.logs[log]
	title := line(p.Title, titleRunes)
	if title == "" {
		title = "no known profile"
	}
	s.out.str("title: ", yamlString("Indicator of "+title), "\nid: ", uuid("sigma", s.format.Name, itoa(log), p.ID, itoa(part)), "\nstatus: experimental\n",
		"description: ", yamlString("Something named in threat intelligence was met: "+title+". Each value says who names it."), "\n")
	if s.updated != 0 {
		s.out.str("modified: ", s.updated.Day(), "\n")
	}
	s.out.str("logsource:\n  ", l.source, "\ndetection:\n")
	for n, f := range l.fields {
		var own []sigmaValue
		for _, v := range values {
			if l.field(v.kind) == n {
				own = append(own, v)
			}
		}
		s.selections(f, own)
	}
	s.out.str("  condition: 1 of selection_*\nfalsepositives:\n  - What was malicious once and has another owner now\nlevel: high\n")
}

// selections writes what is looked for in a field, or two.
func (s *sigmaEncoder) selections(f sigmaField, values []sigmaValue) {
	list := func(selection, field string, of func(sigmaValue) string) {
		begun := false
		for _, v := range values {
			text := of(v)
			if text == "" {
				continue
			}
			if !begun {
				s.out.str("  selection_", selection, ":\n    ", field, ":\n")
				begun = true
			}
			s.out.str("      - ", text, " # ", v.comment, "\n")
		}
	}
	same := func(v sigmaValue) string { return sigmaString(v.value) }
	kind := func(k observable.Kind, of func(sigmaValue) string) func(sigmaValue) string {
		return func(v sigmaValue) string {
			if v.kind != k {
				return ""
			}
			return of(v)
		}
	}
	switch f.selection {
	case "names":
		list("names", f.name, same)
		list("below", f.name+"|endswith", func(v sigmaValue) string { return sigmaString("." + v.value) })
	case "addresses":
		list("addresses", f.name, kind(observable.IPAddress, same))
		list("networks", f.name+"|cidr", kind(observable.CIDR, func(v sigmaValue) string { return yamlString(v.value) }))
	case "hashes":
		list("hashes", f.name+"|contains", func(v sigmaValue) string {
			return sigmaString(strings.ToUpper(string(v.kind)) + "=" + strings.ToUpper(v.value))
		})
	case "ports":
		address, port, _ := strings.Cut(f.name, " ")
		for n, v := range values {
			host, number, err := net.SplitHostPort(v.value)
			if err != nil {
				continue // put has looked
			}
			if n == 0 {
				s.out.str("  selection_ports:\n")
			}
			s.out.str("    - ", address, ": ", sigmaString(host), " # ", v.comment, "\n      ", port, ": ", number, "\n")
		}
	default:
		list(f.selection, f.name, same)
	}
}

// sigmaString writes a value in which nothing is a wildcard.
func sigmaString(v string) string {
	return yamlString(strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`).Replace(v))
}

// yamlString writes a single-quoted scalar (YAML 1.2.2, 7.3.2) of a printable line.
func yamlString(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
