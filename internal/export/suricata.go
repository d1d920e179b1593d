package export

import (
	"net"
	"strconv"
	"strings"

	"dossier/internal/observable"
)

// suricataFormat are rules for Suricata 7 and later (Suricata user guide, "Suricata
// Rules"). A name is matched with all names below it, in DNS, TLS and HTTP; a URL
// by host and whole path, so only where it is not encrypted; an address only as
// the destination of one's own hosts, at most once an hour for each.
var suricataFormat = &Format{
	Name: "suricata", About: "Suricata rules, one or more for each indicator", MediaType: plainText, Extension: ".rules", Max: 100_000, Rules: true,
	Kinds: []observable.Kind{
		observable.Domain, observable.IPAddress, observable.CIDR, observable.IPPort, observable.URL, observable.JA3, observable.JA3S, observable.CertSHA1,
		observable.UserAgent,
	},
	begin: func(out *output, o *Options) encoder {
		out.str("# ", ascii(o.Title, 100, plain), "\n")
		return encode{each: func(i *Indicator) error {
			rules, err := suricataRules(i)
			if err != nil {
				return err
			}
			for _, r := range rules {
				sid, err := o.number("suricata " + r.head + " " + r.match)
				if err != nil {
					return err
				}
				out.str("alert ", r.head, ` (msg:"DOSSIER `, r.what, " ", ascii(i.subjectOr("no profile"), 150, plain), `"; `, r.match, " ", suricataContext(i), " sid:", strconv.FormatUint(uint64(sid), 10), "; rev:1;)\n")
			}
			return nil
		}}
	},
}

// A suricataRule is what a rule matches, apart from its message and number. Head
// and match together are what its number follows from.
type suricataRule struct{ head, what, match string }

// maxContent is the longest content of Suricata and Snort, in bytes.
const maxContent = 255

const tooLongContent = refusal("longer than what a rule can match")

func suricataRules(i *Indicator) ([]suricataRule, error) {
	v := i.Observable.Value
	switch i.Observable.Kind {
	case observable.Domain:
		if !plainName(v) {
			return nil, notPlain
		}
		const to = " any any -> any any"
		const home = " $HOME_NET any -> any any"
		match := `; dotprefix; content:"` + content("."+v) + `"; nocase; endswith;`
		return []suricataRule{
			{"dns" + to, "DNS query", "dns.query" + match},
			{"tls" + home, "TLS server name", "flow:established,to_server; tls.sni" + match},
			{"http" + home, "HTTP host", "flow:established,to_server; http.host" + strings.Replace(match, " nocase;", "", 1)},
		}, nil
	case observable.IPAddress, observable.CIDR:
		p, err := prefixOf(v)
		if err != nil {
			return nil, refusal("not an address")
		}
		to := p.String()
		if p.IsSingleIP() {
			to = p.Addr().String()
		}
		return []suricataRule{{"ip $HOME_NET any -> [" + to + "] any", "traffic to address", hourly}}, nil
	case observable.IPPort:
		host, port, err := net.SplitHostPort(v)
		if err != nil {
			return nil, refusal("not an address with a port")
		}
		p, err := prefixOf(host)
		if n, bad := strconv.Atoi(port); err != nil || bad != nil || n < 1 || n > 65535 {
			return nil, refusal("not an address with a port")
		}
		return []suricataRule{{"tcp $HOME_NET any -> [" + p.Addr().String() + "] " + port, "connection to address", "flow:to_server; " + hourly}}, nil
	case observable.URL:
		return suricataURL(v)
	case observable.JA3:
		return []suricataRule{{"tls $HOME_NET any -> any any", "TLS client JA3", `ja3.hash; content:"` + content(v) + `"; bsize:32;`}}, nil
	case observable.JA3S:
		return []suricataRule{{"tls any any -> $HOME_NET any", "TLS server JA3S", `ja3s.hash; content:"` + content(v) + `"; bsize:32;`}}, nil
	case observable.CertSHA1:
		var b strings.Builder
		for n := 0; n < len(v); n += 2 {
			if n > 0 {
				b.WriteByte(':')
			}
			b.WriteString(v[n : n+2])
		}
		return []suricataRule{{"tls any any -> any any", "TLS certificate", `tls.cert_fingerprint; content:"` + content(b.String()) + `"; bsize:59;`}}, nil
	case observable.UserAgent:
		if len(v) > maxContent {
			return nil, tooLongContent
		}
		if !strings.ContainsAny(v, " /") {
			return nil, refusal("a user agent of one word matches too much")
		}
		return []suricataRule{{"http $HOME_NET any -> any any", "HTTP user agent", `flow:established,to_server; http.user_agent; content:"` + content(v) + `"; bsize:` + itoa(len(v)) + ";"}}, nil
	}
	return nil, refusal("no rule for this kind")
}

const hourly = "threshold:type limit, track by_src, count 1, seconds 3600;"

// suricataURL matches host and path exactly. http.host has no port, so a port is
// the connection's.
func suricataURL(v string) ([]suricataRule, error) {
	if !strings.HasPrefix(v, "http://") {
		return nil, refusal("a URL that is encrypted or not of HTTP: its path is never seen")
	}
	host, rest, ok := splitURL(v)
	if !ok || !printable(host+rest) {
		return nil, notPrintable
	}
	name, port := host, "any"
	if h, p, err := net.SplitHostPort(host); err == nil {
		name, port = h, p
	}
	name = strings.Trim(name, "[]")
	if n, err := strconv.Atoi(port); port != "any" && (err != nil || n < 1 || n > 65535) {
		return nil, refusal("a URL with a port that is none")
	}
	if strings.Contains(name, ":") {
		name = "[" + name + "]"
	}
	if len(name) > maxContent || len(rest) > maxContent {
		return nil, tooLongContent
	}
	return []suricataRule{{
		"http $HOME_NET any -> any " + port, "HTTP URL",
		`flow:established,to_server; http.host; content:"` + content(name) + `"; bsize:` + itoa(len(name)) + `; http.uri.raw; content:"` + content(rest) + `"; bsize:` + itoa(len(rest)) + ";",
	}}, nil
}

// content writes bytes in a rule's content: letters, digits and a few signs as
// they are, anything else in hexadecimal between bars.
func content(s string) string {
	const hex = "0123456789abcdef"
	var b strings.Builder
	in := false
	for i := range len(s) {
		c := s[i]
		literal := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("./_-", c) >= 0
		switch {
		case literal && in:
			b.WriteByte('|')
			in = false
		case !literal && !in:
			b.WriteByte('|')
			in = true
		case !literal:
			b.WriteByte(' ')
		}
		if literal {
			b.WriteByte(c)
		} else {
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		}
	}
	if in {
		b.WriteByte('|')
	}
	return b.String()
}

// suricataContext are the options that tell what a rule rests on.
func suricataContext(i *Indicator) string {
	var b strings.Builder
	b.WriteString("classtype:trojan-activity; ")
	if _, rest, ok := strings.Cut(i.Reference, "://"); ok && len(rest) < 300 && onlyBytes(rest, referenceByte) {
		b.WriteString("reference:url," + rest + "; ")
	}
	b.WriteString("metadata:dossier_id " + ascii(i.ID, 40, plain) + ", tlp " + strings.ReplaceAll(i.TLP.String(), "+", "_"))
	if i.Confidence > 0 {
		b.WriteString(", confidence_score " + itoa(i.Confidence))
	}
	for n, p := range i.Profiles {
		if n == mostTitles {
			break
		}
		b.WriteString(", dossier_profile " + metadataWord(p.ID))
	}
	for n, p := range i.Publishers {
		if n == mostTitles {
			break
		}
		if word := metadataWord(p); word != "" {
			b.WriteString(", dossier_source " + word)
		}
	}
	b.WriteByte(';')
	return b.String()
}

// metadataWord is a value among a rule's metadata: no comma ends it.
func metadataWord(s string) string {
	return strings.ReplaceAll(ascii(s, 80, func(c byte) bool { return plain(c) && c != ',' && c != ':' }), " ", "_")
}

func referenceByte(c byte) bool {
	return plain(c) && c != ' ' && c != ',' && c != '(' && c != ')' || strings.IndexByte("_=&?%~", c) >= 0
}

func onlyBytes(s string, ok func(byte) bool) bool {
	for i := range len(s) {
		if !ok(s[i]) {
			return false
		}
	}
	return s != ""
}

func (i *Indicator) subjectOr(none string) string {
	if s := i.subject(); s != "" {
		return s
	}
	return none
}
