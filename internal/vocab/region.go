package vocab

import (
	"slices"
	"strings"
	"sync"
)

// A Region is a part of the world that sources name as an origin or a target.
type Region struct {
	Name   string `json:"name"`
	Within string `json:"within,omitempty"` // the region that holds it, "" for the largest
}

// RegionOf returns the region that a source's word means: a name, a usual
// variant or an adjective, in any case ("South-East Asia", "APAC", "European").
// Organisations of states are no regions: NATO, ASEAN and the European Union
// are not found; nor is "worldwide".
func RegionOf(word string) (Region, bool) {
	t := regionTable()
	key := fold(word)
	i, ok := t[key]
	if !ok {
		for _, tail := range []string{" countries", " region", " regions", " nations", " states"} {
			if cut, found := strings.CutSuffix(key, tail); found {
				i, ok = t[cut]
				break
			}
		}
	}
	if !ok {
		return Region{}, false
	}
	return regions[i].Region, true
}

// Regions returns every region, ordered by name. The slice is the caller's.
func Regions() []Region {
	out := make([]Region, len(regions))
	for i, r := range regions {
		out[i] = r.Region
	}
	slices.SortFunc(out, func(a, b Region) int { return strings.Compare(a.Name, b.Name) })
	return out
}

type regionRow struct {
	Region
	also string // separated by "|"
}

var regionTable = sync.OnceValue(func() map[string]int {
	t := map[string]int{}
	for i, r := range regions {
		for _, n := range append(strings.Split(r.also, "|"), r.Name) {
			if key := fold(n); key != "" {
				t[key] = i
			}
		}
	}
	return t
})

// The largest regions.
const (
	africa   = "Africa"
	americas = "Americas"
	asia     = "Asia"
	europe   = "Europe"
	latin    = "Latin America"
)

var regions = []regionRow{
	{Region{africa, ""}, "African|002 - Africa"},
	{Region{northAfrica, africa}, "Northern Africa|North African|Maghreb|015 - Northern Africa"},
	{Region{"Sub-Saharan Africa", africa}, "Subsaharan Africa|202 - Sub-Saharan Africa"},
	{Region{westAfrica, africa}, "Western Africa|West African|011 - Western Africa"},
	{Region{centralAfrica, africa}, "Middle Africa|017 - Middle Africa"},
	{Region{eastAfrica, africa}, "Eastern Africa|East African|Northeast Africa|014 - Eastern Africa"},
	{Region{"Horn of Africa", eastAfrica}, ""},
	{Region{southernAfrica, africa}, "018 - Southern Africa"},
	{Region{americas, ""}, "019 - Americas|the Americas"},
	{Region{northAmerica, americas}, "Northern America|North American|021 - Northern America"},
	{Region{latin, americas}, "Latin American|LATAM|Latin America and the Caribbean|419 - Latin America and the Caribbean"},
	{Region{centralAmerica, latin}, "Central American|013 - Central America"},
	{Region{southAmerica, latin}, "South American|005 - South America"},
	{Region{caribbean, latin}, "029 - Caribbean"},
	{Region{asia, ""}, "Asian|142 - Asia"},
	{Region{"Asia-Pacific", ""}, "APAC|Asia Pacific|Asia and the Pacific|APJ|Asia-Pacific-Japan|Asia Pacific and Japan|Indo-Pacific"},
	{Region{centralAsia, asia}, "Central Asian|143 - Central Asia"},
	{Region{eastAsia, asia}, "Eastern Asia|East Asian|Northeast Asia|Northeast Asian|North East Asia|Far East|030 - Eastern Asia"},
	{Region{southAsia, asia}, "Southern Asia|South Asian|Indian subcontinent|034 - Southern Asia"},
	{Region{southeastAsia, asia}, "Southeastern Asia|South East Asia|South-eastern Asia|Southeast Asian|South East Asian|035 - South-eastern Asia|SEA region"},
	{Region{middleEast, asia}, "Middle Eastern|Mideast|Western Asia|West Asia|Near East|145 - Western Asia"},
	{Region{"Middle East and North Africa", ""}, "MENA|Middle East & North Africa"},
	{Region{"Persian Gulf", middleEast}, "Gulf|Gulf region|Gulf states|Arab Gulf|Arabian Gulf|Arabian Peninsula"},
	{Region{"Levant", middleEast}, ""},
	{Region{caucasus, asia}, "South Caucasus|Southern Caucasus|Transcaucasia|Caucasian region"},
	{Region{"Eurasia", ""}, "Eurasian"},
	{Region{europe, ""}, "European|150 - Europe"},
	{Region{easternEurope, europe}, "East Europe|Eastern European|East European|151 - Eastern Europe"},
	{Region{westernEurope, europe}, "West Europe|Western European|West European|155 - Western Europe"},
	{Region{northernEurope, europe}, "North Europe|Northern European|154 - Northern Europe"},
	{Region{southernEurope, europe}, "South Europe|Southern European|039 - Southern Europe"},
	{Region{"Central Europe", europe}, "Central European"},
	{Region{"Balkans", southernEurope}, "Balkan|Western Balkans|Southeastern Europe|Southeast Europe"},
	{Region{"Baltic states", northernEurope}, "Baltic|Baltics|Baltic countries"},
	{Region{"Nordic countries", northernEurope}, "Scandinavia|Scandinavian|Nordic|Nordics"},
	{Region{"Channel Islands", northernEurope}, "830 - Channel Islands"},
	{Region{oceania, ""}, "Pacific Islands|Pacific Island|South Pacific|Australasia|009 - Oceania"},
	{Region{"Australia and New Zealand", oceania}, "ANZ|053 - Australia and New Zealand"},
	{Region{"Melanesia", oceania}, "054 - Melanesia"},
	{Region{"Polynesia", oceania}, "061 - Polynesia"},
	{Region{"Micronesia (region)", oceania}, "057 - Micronesia"},
	{Region{antarctica, ""}, "010 - Antarctica"},
}
