package resolve

import (
	"slices"

	"dossier/internal/intel"
	"dossier/internal/vocab"
)

// countries returns the codes of the countries that the record attributes
// itself to, without those read out of prose: a description tells of victims
// and neighbours too. A word that is no country ("Korea" is two) says nothing.
func countries(r *intel.Record) []string {
	var out []string
	for _, o := range r.Origins {
		if c, ok := vocab.CountryOf(o.Country); ok && !o.Prose && !slices.Contains(out, c.Code) {
			out = append(out, c.Code)
		}
	}
	return out
}

// agreement compares two sets of countries: 1 and the country if they share
// one, -1 if both are stated and share none, else 0.
func agreement(a, b []string) (int, string) {
	for _, x := range a {
		if slices.Contains(b, x) {
			return 1, x
		}
	}
	if len(a) == 0 || len(b) == 0 {
		return 0, ""
	}
	return -1, a[0]
}
