package vocab

import (
	"slices"
	"strings"
	"sync"
)

// A Country is a country or territory with a code of its own.
type Country struct {
	Code    string `json:"code"`              // ISO 3166-1 alpha-2, upper case
	Alpha3  string `json:"alpha3"`            // ISO 3166-1 alpha-3, upper case
	Label   string `json:"label"`             // common English name
	Demonym string `json:"demonym,omitempty"` // adjective: "Russian"; "" where none is in use
	Region  string `json:"region"`            // name of a Region
}

// CountryOf returns the country that a source's word means: an alpha-2 or
// alpha-3 code, a common or official name ("Russian Federation", "Iran (Islamic
// Republic of)", "Viet Nam"), a usual short form (USA, UK, UAE, DPRK) or a
// demonym ("North Korean"), in any case.
//
// A word that could be two countries is none: Korea, Korean, Congolese,
// Dominican. So are regions within a country (Crimea, Kurdistan), with the
// exception of the parts of the United Kingdom and of Gaza and the West Bank,
// and states that are no more (USSR).
func CountryOf(word string) (Country, bool) {
	t := countryTables()
	key := fold(word)
	if i, ok := t.names[key]; ok {
		return countries[i].Country, true
	}
	if i, ok := t.codes[key]; ok {
		return countries[i].Country, true
	}
	return Country{}, false
}

// CountryNamed is [CountryOf] for words of running text: names, short forms in
// capitals and demonyms, but no ISO codes.
func CountryNamed(word string) (Country, bool) {
	t := countryTables()
	key := fold(word)
	i, ok := t.names[key]
	if !ok {
		return Country{}, false
	}
	if t.short[key] && word != strings.ToUpper(word) {
		return Country{}, false
	}
	return countries[i].Country, true
}

// CountryByCode returns the country with the alpha-2 code, in any case.
func CountryByCode(code string) (Country, bool) {
	if len(code) != 2 {
		return Country{}, false
	}
	i, ok := countryTables().codes[strings.ToLower(code)]
	if !ok {
		return Country{}, false
	}
	return countries[i].Country, true
}

// Countries returns every country of the vocabulary, ordered by code. The slice
// is the caller's.
func Countries() []Country {
	out := make([]Country, len(countries))
	for i, c := range countries {
		out[i] = c.Country
	}
	slices.SortFunc(out, func(a, b Country) int { return strings.Compare(a.Code, b.Code) })
	return out
}

// countryRow is a country with its further names: official names, former names
// that still mean the same country, further demonyms, separated by "|". The
// form "P of Label" also stands for "Label, P of".
type countryRow struct {
	Country
	also string
}

type countryIndex struct {
	names map[string]int  // folded names and demonyms
	codes map[string]int  // folded alpha-2 and alpha-3
	short map[string]bool // names that are an English word unless in capitals
}

var countryTables = sync.OnceValue(func() countryIndex {
	t := countryIndex{names: map[string]int{}, codes: map[string]int{}, short: map[string]bool{}}
	for i, c := range countries {
		t.codes[fold(c.Code)] = i
		t.codes[fold(c.Alpha3)] = i
		label := fold(c.Label)
		for _, n := range append(strings.Split(c.also, "|"), c.Label, c.Demonym) {
			key := fold(n)
			if key == "" {
				continue
			}
			t.names[key] = i
			for _, mid := range []string{" of ", " of the "} {
				if p, ok := strings.CutSuffix(key, mid+label); ok {
					t.names[label+" "+p+strings.TrimSuffix(mid, " ")] = i
				}
			}
		}
	}
	for _, s := range []string{"us", "uk", "usa", "uae", "prc", "roc", "rok", "ksa", "rf", "drc", "dprk"} {
		t.short[s] = true
	}
	return t
})
