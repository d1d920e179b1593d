package export

import (
	"strings"

	"dossier/internal/observable"
)

// zeekFormat is a file for Zeek's intelligence framework (Zeek documentation,
// "Intelligence Framework"; base/frameworks/intel): fields between tabs, escaped as
// the input framework's ASCII reader takes it.
var zeekFormat = &Format{
	Name: "zeek", About: "Zeek Intel file", MediaType: plainText, Extension: ".intel",
	Kinds: []observable.Kind{
		observable.Domain, observable.IPAddress, observable.CIDR, observable.URL, observable.Email, observable.MD5, observable.SHA1, observable.SHA256,
		observable.CertSHA1, observable.FileName, observable.UserAgent,
	},
	begin: func(out *output, _ *Options) encoder {
		out.str("#fields\tindicator\tindicator_type\tmeta.source\tmeta.desc\tmeta.url\n")
		return encode{each: func(i *Indicator) error {
			v := i.Observable.Value
			if i.Observable.Kind == observable.URL {
				host, rest, ok := splitURL(v)
				if !ok {
					return refusal("not a URL")
				}
				v = host + rest // "without the prefix http://"
			}
			source := "dossier"
			if len(i.Publishers) > 0 {
				source += ": " + strings.Join(i.Publishers[:min(len(i.Publishers), mostTitles)], ", ")
			}
			desc := i.subject()
			if desc == "" {
				desc = "no profile"
			}
			out.str(zeekField(v), "\t", zeekTypes[i.Observable.Kind], "\t", zeekField(line(source, 200)), "\t", zeekField(desc), "\t", zeekField(i.Reference), "\n")
			return nil
		}}
	},
}

var zeekTypes = map[observable.Kind]string{
	observable.Domain: "Intel::DOMAIN", observable.IPAddress: "Intel::ADDR", observable.CIDR: "Intel::SUBNET", observable.URL: "Intel::URL",
	observable.Email: "Intel::EMAIL", observable.MD5: "Intel::FILE_HASH", observable.SHA1: "Intel::FILE_HASH", observable.SHA256: "Intel::FILE_HASH",
	observable.CertSHA1: "Intel::CERT_HASH", observable.FileName: "Intel::FILE_NAME", observable.UserAgent: "Intel::SOFTWARE",
}

// zeekField escapes what the reader gives a meaning: the separator, the escape
// itself, line ends, and a field that would be unset ("-"), empty or a directive.
func zeekField(s string) string {
	if s == "" {
		return "-"
	}
	const hex = "0123456789abcdef"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c < ' ' || c == 0x7f || c == '\\' || i == 0 && (c == '#' || c == '-' && len(s) == 1 || c == '(' && s == "(empty)") {
			b.WriteString(`\x`)
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}
