package export

import (
	"encoding/json"

	"dossier/internal/intel"
	"dossier/internal/observable"
)

// datasets are files for Suricata's keyword dataset with JSON context (Suricata 8
// user guide, "Datasets"; format ndjson, value_key value): what stands beside the value
// goes into the alert. Datasets are exact: a name does not match those below it, as the rules
// of format suricata do.
var datasets = []*Format{
	dataset("suricata-domains", "domain names, for dns.query, tls.sni and http.host", observable.Domain),
	dataset("suricata-addresses", "addresses, for ip.src and ip.dst (type ip)", observable.IPAddress),
	dataset("suricata-sha256", "SHA-256 sums, for file.data with to_sha256 (type sha256)", observable.SHA256),
	dataset("suricata-md5", "MD5 sums, for file.data with to_md5 (type md5)", observable.MD5),
	dataset("suricata-ja3", "JA3 fingerprints, for ja3.hash (type string)", observable.JA3),
}

// datasetLine is the value and what an alert tells of it.
type datasetLine struct {
	Value      string    `json:"value"`
	Profiles   []string  `json:"profiles"`
	Sources    []string  `json:"sources"`
	Confidence int       `json:"confidence,omitempty"`
	TLP        intel.TLP `json:"tlp"`
	ID         string    `json:"dossier_id"`
}

func dataset(name, about string, kind observable.Kind) *Format {
	return &Format{
		Name: name, About: "Suricata dataset with JSON context: " + about, MediaType: "application/x-ndjson", Extension: ".json", Kinds: []observable.Kind{kind},
		begin: func(out *output, _ *Options) encoder {
			enc := json.NewEncoder(out.b)
			enc.SetEscapeHTML(false)
			return encode{each: func(i *Indicator) error {
				v, err := value(i)
				if err != nil {
					return err
				}
				l := datasetLine{Value: v, Profiles: []string{}, Sources: []string{}, Confidence: i.Confidence, TLP: i.TLP, ID: i.ID}
				for n, p := range i.Profiles {
					if n == mostTitles {
						break
					}
					l.Profiles = append(l.Profiles, line(p.Title, titleRunes))
				}
				for n, p := range i.Publishers {
					if n == mostTitles {
						break
					}
					l.Sources = append(l.Sources, line(p, titleRunes))
				}
				return enc.Encode(l)
			}}
		},
	}
}
