package export

import (
	"hash/maphash"
	"net/netip"
	"strings"

	"dossier/internal/observable"
)

// Plain lists have one value a line and nothing else, since few devices agree on
// what a comment is. The values of a list are of one type.
//
// What each device reads is from its maker's documentation:
// Palo Alto Networks, "Formatting Guidelines for an External Dynamic List";
// Fortinet, FortiOS administration guide, "External feeds";
// Cisco, Firepower Management Center device configuration guide, "Custom Security Intelligence lists and feeds";
// Netgate, pfSense documentation, "URL Table aliases".

const plainText = "text/plain; charset=utf-8"

// Limits of the smallest devices, in entries.
const (
	maxPaloAlto = 50_000  // addresses, URLs and domains each, on the smallest models
	maxFortinet = 131_072 // before FortiOS 7.4.4; later releases take more
	maxPfSense  = 400_000 // the usual size of the table that all entries share
)

var (
	addressKinds = []observable.Kind{observable.IPAddress, observable.CIDR}
	domainKinds  = []observable.Kind{observable.Domain}
	urlKinds     = []observable.Kind{observable.URL}
)

// lists are the plain lists; see formats.
var lists = []*Format{
	list("domains", "domain names", plainList, domainKinds...),
	list("addresses", "addresses and networks, IPv4 and IPv6", plainList, addressKinds...),
	only(isIPv4, list("ipv4", "IPv4 addresses and networks", plainList, addressKinds...)),
	only(isIPv6, list("ipv6", "IPv6 addresses and networks", plainList, addressKinds...)),
	list("urls", "URLs", plainList, urlKinds...),
	list("emails", "e-mail addresses", plainList, observable.Email),
	list("md5", "MD5 sums of files", plainList, observable.MD5),
	list("sha1", "SHA-1 sums of files", plainList, observable.SHA1),
	list("sha256", "SHA-256 sums of files", plainList, observable.SHA256),
	list("sha512", "SHA-512 sums of files", plainList, observable.SHA512),
	list("ja3", "JA3 fingerprints of TLS clients", plainList, observable.JA3),
	list("ja3s", "JA3S fingerprints of TLS servers", plainList, observable.JA3S),
	list("cert-sha1", "SHA-1 fingerprints of TLS certificates", plainList, observable.CertSHA1),

	limit(maxPaloAlto, list("paloalto-ip", "Palo Alto Networks external dynamic list of type IP", spacedComment, addressKinds...)),
	limit(maxPaloAlto, list("paloalto-domain", "Palo Alto Networks external dynamic list of type Domain", nameList(255), domainKinds...)),
	limit(maxPaloAlto, list("paloalto-url", "Palo Alto Networks external dynamic list of type URL", bareURLs(0, true), urlKinds...)),
	limit(maxFortinet, list("fortinet-ip", "Fortinet external feed of type IP Address", plainList, addressKinds...)),
	limit(maxFortinet, list("fortinet-domain", "Fortinet external feed of type Domain Name", nameList(0), domainKinds...)),
	limit(maxFortinet, list("fortinet-url", "Fortinet external feed of type FortiGuard Category", fortinetURLs, urlKinds...)),
	limit(maxFortinet, list("fortinet-hash", "Fortinet external feed of type Malware Hash, SHA-256", spacedComment, observable.SHA256)),
	list("cisco-ip", "Cisco Security Intelligence feed of networks", plainList, addressKinds...),
	list("cisco-domain", "Cisco Security Intelligence feed of DNS names", nameList(255), domainKinds...),
	limit(500_000, list("cisco-url", "Cisco Security Intelligence feed of URLs", bareURLs(255, false), urlKinds...)),
	limit(maxPfSense, list("pfsense-ip", "pfSense URL Table alias of addresses", plainList, addressKinds...)),
}

func list(name, about string, begin func(*output, *Options) encoder, kinds ...observable.Kind) *Format {
	return &Format{Name: name, About: "plain list: " + about, MediaType: plainText, Extension: ".txt", Kinds: kinds, begin: begin}
}

func limit(n int, f *Format) *Format {
	f.Max = n
	return f
}

func only(which func(*Indicator) bool, f *Format) *Format {
	f.Only = which
	return f
}

func isIPv4(i *Indicator) bool { return !strings.Contains(i.Observable.Value, ":") }

func isIPv6(i *Indicator) bool { return strings.Contains(i.Observable.Value, ":") }

// value refuses what does not fit on a line of its own. Canonical values of the
// kinds in lists have no white space; this holds whatever becomes of them.
func value(i *Indicator) (string, error) {
	v := i.Observable.Value
	if !lineSafe(v) {
		return "", notPrintable
	}
	switch i.Observable.Kind {
	case observable.IPAddress:
		if _, err := netip.ParseAddr(v); err != nil {
			return "", refusal("not an address")
		}
	case observable.CIDR:
		if p, err := netip.ParsePrefix(v); err != nil || p.Masked() != p {
			return "", refusal("not a network")
		}
	}
	return v, nil
}

// lineSafe reports whether a value is one line without spaces, and does not begin
// like a comment. Letters of any script may be in e-mail addresses.
func lineSafe(s string) bool {
	if s == "" || s[0] == '#' || s[0] == ';' {
		return false
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] == 0x7f {
			return false
		}
		if s[i] >= 0x80 {
			return line(s, len(s)) == s && !strings.ContainsFunc(s, func(r rune) bool { return r == ' ' || r == '\u00a0' })
		}
	}
	return true
}

func plainList(out *output, _ *Options) encoder {
	return encode{each: func(i *Indicator) error {
		v, err := value(i)
		if err != nil {
			return err
		}
		out.bytes(append(append(out.room(), v...), '\n'))
		return nil
	}}
}

// spacedComment writes "VALUE COMMENT": the first space ends the value.
func spacedComment(out *output, _ *Options) encoder {
	return encode{each: func(i *Indicator) error {
		v, err := value(i)
		if err != nil {
			return err
		}
		out.str(v, " ", i.comment(), "\n")
		return nil
	}}
}

// nameList writes names of at most so many characters; 0 is any length.
func nameList(most int) func(*output, *Options) encoder {
	return func(out *output, _ *Options) encoder {
		return encode{each: func(i *Indicator) error {
			v := i.Observable.Value
			switch {
			case !plainName(v):
				return notPlain
			case most > 0 && len(v) > most:
				return refusal("longer than the device takes")
			}
			out.str(v, "\n")
			return nil
		}}
	}
}

// bareURLs writes URLs without scheme, user and fragment, of at most so many
// characters. With anchor, an entry that is only a host ends in a slash, so that
// example.com does not match example.com.au, and the device's wildcards are refused.
func bareURLs(most int, anchor bool) func(*output, *Options) encoder {
	return func(out *output, _ *Options) encoder {
		seen := newSeen()
		return encode{each: func(i *Indicator) error {
			host, rest, ok := splitURL(i.Observable.Value)
			switch v := host + rest; {
			case !ok || !lineSafe(v):
				return notPrintable
			case most > 0 && len(v) > most:
				return refusal("longer than the device takes")
			case anchor && strings.ContainsAny(v, "*^"):
				return refusal("a URL with characters that are wildcards to the device")
			case !seen.first(v):
				return repeated
			default:
				out.str(v, "\n")
			}
			return nil
		}}
	}
}

// fortinetURLs writes whole URLs; an asterisk at either end would be a wildcard.
func fortinetURLs(out *output, _ *Options) encoder {
	return encode{each: func(i *Indicator) error {
		v := i.Observable.Value
		switch {
		case !lineSafe(v):
			return notPrintable
		case strings.Contains(v, "*"):
			return refusal("a URL with characters that are wildcards to the device")
		}
		out.str(v, "\n")
		return nil
	}}
}

// splitURL returns host (with port) and the rest from the first slash on, without
// user and fragment. The rest of a URL without path is "/".
func splitURL(u string) (host, rest string, ok bool) {
	_, after, ok := strings.Cut(u, "://")
	if !ok {
		return "", "", false
	}
	after, _, _ = strings.Cut(after, "#")
	host, rest = after, "/"
	if n := strings.IndexAny(after, "/?"); n >= 0 {
		host, rest = after[:n], after[n:]
		if rest[0] == '?' {
			rest = "/" + rest
		}
	}
	if n := strings.LastIndexByte(host, '@'); n >= 0 {
		host = host[n+1:]
	}
	return host, rest, host != ""
}

// seen tells repetitions by a 64-bit hash. It takes some 20 bytes for each
// entry, so only formats with a limit use it.
type seen struct {
	seed maphash.Seed
	m    map[uint64]struct{}
}

func newSeen() *seen { return &seen{maphash.MakeSeed(), map[uint64]struct{}{}} }

// first reports whether s comes for the first time.
func (s *seen) first(v string) bool {
	h := maphash.String(s.seed, v)
	if _, ok := s.m[h]; ok {
		return false
	}
	s.m[h] = struct{}{}
	return true
}
