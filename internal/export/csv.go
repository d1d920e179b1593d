package export

import (
	"encoding/csv"
	"strconv"
	"strings"

	"dossier/internal/observable"
)

// The columns of the CSV (RFC 4180, lines end in \n).
var csvHeader = []string{"kind", "value", "profiles", "profile_ids", "publishers", "first_seen", "last_seen", "valid_until", "confidence", "tlp", "reference", "id"}

var csvFormat = &Format{
	Name: "csv", About: "everything, one line each, with profiles and publishers", MediaType: "text/csv; charset=utf-8; header=present", Extension: ".csv",
	begin: func(out *output, _ *Options) encoder {
		w := csv.NewWriter(out.b)
		out.err = w.Write(csvHeader)
		return encode{
			each: func(i *Indicator) error {
				titles, ids := make([]string, len(i.Profiles)), make([]string, len(i.Profiles))
				for n, p := range i.Profiles {
					titles[n], ids[n] = line(p.Title, 1000), p.ID
				}
				confidence := ""
				if i.Confidence > 0 {
					confidence = strconv.Itoa(i.Confidence)
				}
				v := i.Observable.Value
				if freeText(i.Observable.Kind) {
					v = noFormula(line(v, observable.MaxText))
				}
				return w.Write([]string{
					string(i.Observable.Kind), v, noFormula(strings.Join(titles, "; ")), strings.Join(ids, "; "),
					noFormula(line(strings.Join(i.Publishers, "; "), 1000)), i.FirstSeen.String(), i.LastSeen.String(), i.ValidUntil.String(),
					confidence, i.TLP.String(), line(i.Reference, observable.MaxURL), i.ID,
				})
			},
			last: func() error {
				w.Flush()
				return w.Error()
			},
		}
	},
}

// freeText reports whether values of a kind are whatever somebody wrote.
func freeText(k observable.Kind) bool {
	switch k {
	case observable.FileName, observable.FilePath, observable.Mutex, observable.RegistryKey, observable.UserAgent, observable.URLPath, observable.Other:
		return true
	}
	return false
}

// noFormula puts an apostrophe before a text that a spreadsheet would execute.
func noFormula(s string) string {
	if s != "" && strings.IndexByte("=+-@", s[0]) >= 0 {
		return "'" + s
	}
	return s
}
