package vocab

import (
	"cmp"
	"slices"
	"strings"
	"sync"
)

// A Sector is a part of the economy or of society that is targeted.
type Sector struct {
	Name string `json:"name"`
	Sub  string `json:"sub,omitempty"`
}

// String returns the served form: "Financial Services: Banking", or the name
// alone where there is no sub-sector.
func (s Sector) String() string {
	if s.Sub == "" {
		return s.Name
	}
	return s.Name + ": " + s.Sub
}

// SectorOf returns the sector that a source's word means, in any case, singular
// or plural, with or without a general noun after it: Telecoms, "telecom
// providers" and "telecommunications sector" are one. The served form of a
// sector is a word for it too. Words that name no sector (Other, Unknown,
// Country, Multi-sector, Global) and names of single organisations are not
// found.
func SectorOf(word string) (Sector, bool) {
	t := sectorTable()
	key := fold(word)
	for key != "" {
		if s, ok := t[key]; ok {
			return s, true
		}
		if s, ok := t[singular(key)]; ok {
			return s, true
		}
		short, ok := cutGeneral(key)
		if !ok {
			break
		}
		key = short
	}
	return Sector{}, false
}

// Sectors returns every sector, ordered by name, then sub-sector. The slice is
// the caller's.
func Sectors() []Sector {
	out := make([]Sector, len(sectors))
	for i, r := range sectors {
		out[i] = r.Sector
	}
	slices.SortFunc(out, func(a, b Sector) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Sub, b.Sub))
	})
	return out
}

// general holds nouns that say "organisations of that sector" and no more.
var general = map[string]bool{
	"sector": true, "sectors": true, "industry": true, "industries": true,
	"organization": true, "organizations": true, "organisation": true, "organisations": true,
	"entity": true, "entities": true, "company": true, "companies": true, "firm": true, "firms": true,
	"institution": true, "institutions": true, "institute": true, "institutes": true,
	"agency": true, "agencies": true, "business": true, "businesses": true,
	"enterprise": true, "enterprises": true, "provider": true, "providers": true,
	"operator": true, "operators": true, "facility": true, "facilities": true,
	"corporation": true, "corporations": true, "vertical": true, "verticals": true,
	"official": true, "officials": true, "department": true, "departments": true,
	"body": true, "bodies": true, "group": true, "groups": true, "system": true, "systems": true,
	"network": true, "networks": true, "target": true, "targets": true, "personnel": true,
	"supplier": true, "suppliers": true, "manufacturer": true, "manufacturers": true,
	"website": true, "websites": true, "service": true, "services": true, "professional": true, "professionals": true,
}

// cutGeneral drops a general noun from the end of a phrase of several words.
func cutGeneral(key string) (string, bool) {
	i := strings.LastIndexByte(key, ' ')
	if i < 0 || !general[key[i+1:]] {
		return "", false
	}
	return strings.TrimSuffix(key[:i], " and"), true
}

// singular turns a plural into what the table has: ies, then s.
func singular(key string) string {
	if s, ok := strings.CutSuffix(key, "ies"); ok {
		return s + "y"
	}
	if strings.HasSuffix(key, "ss") {
		return key
	}
	return strings.TrimSuffix(key, "s")
}

// sectorRow is a sector with the words that mean it, in folded form (lower case,
// "and" for &, no punctuation) and singular, separated by "|".
type sectorRow struct {
	Sector
	words string
}

var sectorTable = sync.OnceValue(func() map[string]Sector {
	t := map[string]Sector{}
	for _, r := range sectors {
		t[fold(r.String())] = r.Sector
		for w := range strings.SplitSeq(r.words, "|") {
			if w != "" {
				t[w] = r.Sector
				t[singular(w)] = r.Sector
			}
		}
	}
	return t
})
