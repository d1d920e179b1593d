// Package observable knows the technical values that threat intelligence is about: names, addresses, URLs, hashes and
// so on. It is the one place where a value becomes canonical. The API, the feeds and the hunt all come through here,
// so two sources that write the same thing differently speak of one [Observable], with one [Observable.ID].
//
// Start with [Parse] for a value of unknown kind, [ParseAs] where the source says what it is, and [Find] for prose.
// All of them take defanged input (hxxp://evil[.]com); [Defang] writes it.
//
// The rules of the package:
//
//   - Canonical is canonical: ParseAs(o.Kind, o.Value) gives o again, and so does Parse for what Parse returned.
//   - A value that is refused has an [Error] with a [Reason]; nothing is cut to fit or silently repaired into something else.
//   - Everything has a limit ([MaxInput], [MaxURL], [MaxText]) and takes time linear in the input.
//   - Nothing here resolves, fetches or keeps state. All functions may be called at once.
package observable

import "strings"

// Version numbers the canonical form. It is stored with the data: a change that gives any value another canonical form
// gives it another identity, and must raise this.
const Version = 1

// Limits, in bytes.
const (
	MaxInput = 16384 // of anything, as given, before it is refanged
	MaxURL   = 8192  // of a canonical URL or URL path
	MaxText  = 4096  // of the kinds that are free text: file names, mutexes, user agents and the like
)

// A Kind says what sort of thing an observable is. The values are those of artifact kinds on the wire.
type Kind string

// The kinds. [Parse] tells apart the first group by form; the others look like text or like each other, so only [ParseAs]
// returns them.
const (
	Domain    Kind = "domain"
	IPAddress Kind = "ipAddress"
	CIDR      Kind = "cidr"
	IPPort    Kind = "ipAddressPort"
	URL       Kind = "url"
	Email     Kind = "emailAddress"
	MD5       Kind = "md5"
	SHA1      Kind = "sha1"
	SHA256    Kind = "sha256"
	SHA512    Kind = "sha512"

	JA3            Kind = "ja3"
	JA3S           Kind = "ja3s"
	JARM           Kind = "jarm"
	CertSHA1       Kind = "sslCertificateSha1"
	CertSHA256     Kind = "sslCertificateSha256"
	URLPath        Kind = "urlPath"
	FileName       Kind = "fileName"
	FilePath       Kind = "filePath"
	Mutex          Kind = "mutex"
	RegistryKey    Kind = "registryKey"
	UserAgent      Kind = "userAgent"
	Cryptocurrency Kind = "cryptocurrencyAddress"
	Other          Kind = "other"
)

// Kinds are all kinds, in the order above.
var Kinds = []Kind{
	Domain, IPAddress, CIDR, IPPort, URL, Email, MD5, SHA1, SHA256, SHA512,
	JA3, JA3S, JARM, CertSHA1, CertSHA256, URLPath, FileName, FilePath, Mutex, RegistryKey, UserAgent, Cryptocurrency, Other,
}

// An Observable is a canonical value and its kind. Two of them are the same thing if and only if they are equal.
// Make them with [Parse], [ParseAs] or [Find].
type Observable struct {
	Kind  Kind
	Value string // canonical
}

// Parse returns the observable that s is, judging the kind by the form: an address, a network in CIDR notation,
// an address with a port, a URL, an e-mail address, an MD5, SHA-1, SHA-256 or SHA-512, or a domain name. s may be
// defanged.
//
//   - A network of one address is that address. A netmask (8.8.8.0/255.255.255.0) is taken as well.
//   - What is nothing as it stands is read once more, with rarer ways of defanging undone (evil\.com, evil[.com, http//evil.com, sha256:…).
//   - A name with a port (evil.com:8080), a leading "*." or "." and a trailing dot is that name.
//   - A name or address followed by a path is a URL, "http" where no scheme is written.
//   - A name without a scheme must end in a top-level domain that exists (see [ParseAs] for the others), or in one of the few alternative
//     roots met in the wild, such as .bit; otherwise every file name would be a domain.
//
// The error is an [*Error].
func Parse(s string) (Observable, error) {
	o, f := parse(s)
	if f.bad() {
		return Observable{}, f.of(s)
	}
	return o, nil
}

// ParseAs returns the observable of kind k that s is, for sources that say what their values are. Names, addresses, URLs
// and e-mail addresses may be defanged; hashes may have upper case and separators. The kind of the result is k, except that a
// network of one address is an [IPAddress].
//
// Free text (file names and paths, mutexes, user agents, other) keeps its case; white space around it and control characters go,
// tabs and line breaks become spaces, and more than [MaxText] bytes are refused. A registry key has the full name of
// its hive.
//
// Any well-formed top-level domain is taken, so that names of private roots and mistyped names are not lost.
//
// The error is an [*Error].
func ParseAs(k Kind, s string) (Observable, error) {
	o, f := parseAs(k, s)
	if f.bad() {
		return Observable{}, f.of(s)
	}
	return o, nil
}

func parse(s string) (Observable, fault) {
	if len(s) > MaxInput {
		return Observable{}, fault{TooLong, "longer than any observable"}
	}
	refanged := Refang(s)
	o, f := parseRefanged(refanged)
	if f.worthAnother() {
		return orMended(o, f, refanged, parseRefanged)
	}
	return o, f
}

// parseRefanged is parse for what Refang returned.
func parseRefanged(s string) (Observable, fault) {
	if s == "" {
		return Observable{}, fault{Empty, ""}
	}
	var seen class
	for i := 0; i < len(s); i++ {
		seen |= classes[s[i]]
	}
	seen &= shape
	switch {
	case seen&^(digit|hexLetter|upper) == 0:
		if k := hashKind(len(s)); k != "" {
			return as(k)(canonicalHash(s, len(s)))
		}
		return Observable{}, fault{Unrecognised, "no hash has this length"}
	case seen&^(digit|dot) == 0:
		return as(IPAddress)(canonicalIPv4(s))
	case seen&^host == 0:
		return as(Domain)(public(wellFormedDomain(s)))
	case strings.Contains(s, "://"), strings.HasPrefix(s, "//"):
		return as(URL)(canonicalURL(s, true))
	case seen&slash != 0:
		if addr, bits, ok := strings.Cut(s, "/"); ok && bits != "" && looksLikeAddress(addr) {
			if _, mask := maskBits(bits); mask || allOf(bits, digit) {
				return parseCIDR(s)
			}
		}
		end := strings.IndexAny(s, `/?#\`)
		if strings.IndexByte(s[:end], '@') >= 0 {
			break
		}
		return as(URL)(canonicalURL(s, true))
	case strings.IndexByte(s, '@') >= 0:
		return as(Email)(canonicalEmail(s, true))
	case seen&colon != 0:
		switch {
		case looksLikeIPPort(s):
			return as(IPPort)(canonicalIPPort(s))
		case looksLikeAddress(s):
			return as(IPAddress)(canonicalAddress(s))
		}
		return as(Domain)(public(wellFormedDomain(s)))
	case seen&high != 0, strings.HasPrefix(s, "*."):
		return as(Domain)(public(wellFormedDomain(s)))
	}
	return Observable{}, fault{Unrecognised, "not the form of any kind"}
}

func parseAs(k Kind, s string) (Observable, fault) {
	if len(s) > MaxInput {
		return Observable{}, fault{TooLong, "longer than any observable"}
	}
	switch k {
	case Domain, IPAddress, CIDR, URL, Email, IPPort:
		s = Refang(s)
		if s == "" {
			return Observable{}, fault{Empty, ""}
		}
	case MD5, SHA1, SHA256, SHA512:
	default:
		return parsePlain(k, s)
	}
	o, f := parsePlain(k, s)
	if f.worthAnother() {
		return orMended(o, f, s, func(s string) (Observable, fault) { return parsePlain(k, s) })
	}
	return o, f
}

// parsePlain is parseAs for what is refanged.
func parsePlain(k Kind, s string) (Observable, fault) {
	switch k {
	case Domain:
		return as(k)(wellFormedDomain(s))
	case IPAddress:
		if strings.IndexByte(s, '/') >= 0 {
			o, f := parseCIDR(s)
			if !f.bad() && o.Kind != IPAddress {
				f = fault{WrongKind, "a network"}
			}
			return o, f
		}
		return as(k)(canonicalAddress(s))
	case CIDR:
		return parseCIDR(s)
	case URL:
		return as(k)(canonicalURL(s, false))
	case Email:
		return as(k)(canonicalEmail(s, false))
	case IPPort:
		return as(k)(canonicalIPPort(s))
	case MD5, JA3, JA3S:
		return as(k)(canonicalHash(s, 32))
	case SHA1, CertSHA1:
		return as(k)(canonicalHash(s, 40))
	case SHA256, CertSHA256:
		return as(k)(canonicalHash(s, 64))
	case SHA512:
		return as(k)(canonicalHash(s, 128))
	case JARM:
		return as(k)(canonicalHash(s, 62))
	case URLPath:
		return as(k)(canonicalURLPath(s))
	case RegistryKey:
		return as(k)(canonicalRegistryKey(s))
	case Cryptocurrency:
		return as(k)(canonicalCryptocurrency(s))
	case FileName, FilePath, Mutex, UserAgent, Other:
		return as(k)(canonicalText(s))
	}
	return Observable{}, fault{UnknownKind, ""}
}

// as makes what the canonical functions return an observable of kind k.
func as(k Kind) func(string, fault) (Observable, fault) {
	return func(v string, f fault) (Observable, fault) {
		if f.bad() {
			return Observable{}, f
		}
		return Observable{k, v}, fault{}
	}
}
