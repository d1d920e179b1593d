package stix

import (
	"strings"

	"dossier/internal/observable"
)

// hostOrAddress is the kind of properties that hold a name or an address.
const hostOrAddress observable.Kind = ""

// plainPaths are the properties whose values are observables, without quotes
// and indices, in lower case. Recipients of mail are not here: they are victims.
var plainPaths = map[string]observable.Kind{
	"domain-name:value":                  observable.Domain,
	"domain-name:resolves_to_refs.value": hostOrAddress,
	"ipv4-addr:value":                    observable.IPAddress,
	"ipv6-addr:value":                    observable.IPAddress,
	"url:value":                          observable.URL,
	"email-addr:value":                   observable.Email,
	"email-message:from_ref.value":       observable.Email,
	"email-message:sender_ref.value":     observable.Email,
	"network-traffic:dst_ref.value":      hostOrAddress,
	"network-traffic:src_ref.value":      hostOrAddress,
	"file:name":                          observable.FileName,
	"file:parent_directory_ref.path":     observable.FilePath,
	"directory:path":                     observable.FilePath,
	"mutex:name":                         observable.Mutex,
	"windows-registry-key:key":           observable.RegistryKey,

	"network-traffic:extensions.http-request-ext.request_header.user-agent": observable.UserAgent,
	"network-traffic:extensions.http-request-ext.request_header.host":       hostOrAddress,

	// Objects of OpenCTI, with and without its prefix, and of MISP.
	"hostname:value":                        observable.Domain,
	"x-opencti-hostname:value":              observable.Domain,
	"user-agent:value":                      observable.UserAgent,
	"x-opencti-user-agent:value":            observable.UserAgent,
	"cryptocurrency-wallet:value":           observable.Cryptocurrency,
	"x-opencti-cryptocurrency-wallet:value": observable.Cryptocurrency,
	"x-misp-coin-address:address":           observable.Cryptocurrency,
}

var hashKinds = map[string]observable.Kind{
	"md5": observable.MD5, "sha1": observable.SHA1, "sha256": observable.SHA256, "sha512": observable.SHA512,
}

var certKinds = map[string]observable.Kind{"sha1": observable.CertSHA1, "sha256": observable.CertSHA256}

// kindOfPath returns what the values of a path are, or why they are nothing
// that is kept.
func kindOfPath(p Path) (observable.Kind, string) {
	if len(p.Steps) == 2 && p.Steps[0].Key == "hashes" {
		name := strings.ToLower(strings.NewReplacer("-", "", "_", "", " ", "").Replace(p.Steps[1].Key))
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
		return "", noObservable + "hash " + shorten(name, 40)
	}
	key := pathKey(p)
	if kind, ok := plainPaths[key]; ok {
		return kind, ""
	}
	return "", noObservable + shorten(key, 60)
}

// pathKey writes a path in lower case, without quotes and indices.
func pathKey(p Path) string {
	var b strings.Builder
	b.WriteString(p.Type)
	sep := byte(':')
	for _, s := range p.Steps {
		if s.Index != "" {
			continue
		}
		b.WriteByte(sep)
		b.WriteString(strings.ToLower(s.Key))
		sep = '.'
	}
	return b.String()
}
