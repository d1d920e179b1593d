package vocab

import (
	"slices"
	"strings"
	"sync"
)

// standard says what a sector is called in two vocabularies of others: STIX's
// open vocabulary industry-sector-ov (STIX 2.1, section 10.9), and the statistical
// classification of economic activities in the European Union, by division. The
// numbers of the divisions named here are the same in NACE Rev. 2 and Rev. 2.1.
type standard struct {
	sector, sub string
	stix, nace  string // words separated by blanks; a sub-sector without has its sector's
}

var standards = []standard{
	{government, "", "government", "84"},
	{government, "Local Government", "government-local", "84"},
	{government, "Defense", "defense", "84"},
	{government, "Law Enforcement", "government-public-services", "84"},
	{government, "Justice", "government-public-services", "84"},
	{defense, "", "defense", "25 30"},
	{"Aerospace", "", "aerospace", "30"},
	{"Aerospace", "Space & Satellites", "aerospace", "30 51 61"},
	{financial, "", "financial-services", "64 66"},
	{financial, "Banking", "financial-services", "64"},
	{financial, "Insurance", "insurance", "65"},
	{financial, "Payments", "financial-services", "64 66"},
	{financial, "Investment", "financial-services", "64 66"},
	{financial, "Cryptocurrency", "financial-services", "64 66"},
	{energy, "", "energy", "35"},
	{energy, "Oil & Gas", "energy", "06 19 35"},
	{energy, "Nuclear", "nuclear", "35"},
	{utilities, "", "utilities", "35 36 37 38"},
	{utilities, "Water", "water", "36 37"},
	{healthcare, "", "healthcare", "86"},
	{healthcare, "Pharmaceuticals", "pharmaceuticals", "21"},
	{healthcare, "Life Sciences", "healthcare", "72"},
	{healthcare, "Medical Devices", "healthcare", "32"},
	{healthcare, "Veterinary", "healthcare", "75"},
	{education, "", "education", "85"},
	{education, "Research", "education", "72"},
	{technology, "", "technology", "62"},
	{technology, "Internet Services", "technology", "63"},
	{technology, "Data Brokers", "technology", "63"},
	{telecom, "", "telecommunications", "61"},
	{manufacturing, "", "manufacturing", "10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33"},
	{manufacturing, "Automotive", "automotive", "29"},
	{manufacturing, "Semiconductors", "manufacturing", "26"},
	{manufacturing, "Electronics", "manufacturing", "26 27"},
	{manufacturing, "Chemicals", "chemical", "20"},
	{manufacturing, "Textiles", "manufacturing", "13 14"},
	{transport, "", "transportation", "49 50 51 52 53"},
	{transport, "Aviation", "transportation", "51 52"},
	{transport, "Maritime", "transportation", "50 52"},
	{transport, "Rail", "transportation", "49 52"},
	{transport, "Logistics", "transportation", "52 53"},
	{media, "", "entertainment", "59 90"},
	{media, "News", "communications", "58 60 63"},
	{media, "Broadcasting", "communications", "60"},
	{media, "Games", "entertainment", "58 62"},
	{media, "Social Networks", "communications", "63"},
	{media, "Publishing", "communications", "58"},
	{media, "Sports", "entertainment", "93"},
	{retail, "", "retail", "46 47"},
	{retail, "E-Commerce", "retail", "47"},
	{hospitality, "", "hospitality-leisure", "55 56 79"},
	{hospitality, "Hotels", "hospitality-leisure", "55"},
	{hospitality, "Restaurants", "hospitality-leisure", "56"},
	{hospitality, "Casinos & Gambling", "hospitality-leisure", "92"},
	{food, "", "agriculture", "01 02 03 10 11"},
	{construction, "", "construction", "41 42 43"},
	{construction, "Engineering", "construction", "71"},
	{construction, "Real Estate", "commercial", "68"},
	{mining, "", "mining", "05 07 08 09 24"},
	{professional, "", "commercial", "69 70 71 73 74 78"},
	{professional, "Legal", "commercial", "69"},
	{professional, "Consulting", "commercial", "70"},
	{professional, "Accounting & Tax", "commercial", "69"},
	{professional, "Marketing & Advertising", "commercial", "73"},
	{professional, "Trade", "commercial", "46"},
	{ngo, "", "non-profit", "94"},
	{ngo, "Humanitarian", "non-profit", "88 94"},
	{civil, "", "non-profit", "94"},
	{government, "Emergency Services", "emergency-services", "84"},
	{"International Organizations", "", "", "99"},
	{"Critical Infrastructure", "", "infrastructure", ""},
	{"Private Sector", "", "commercial", ""},
}

var standardOf = sync.OnceValue(func() map[Sector]standard {
	t := map[Sector]standard{}
	for _, s := range standards {
		t[Sector{s.sector, s.sub}] = s
	}
	return t
})

func (s Sector) standard() standard {
	if st, ok := standardOf()[s]; ok {
		return st
	}
	return standardOf()[Sector{Name: s.Name}]
}

// STIX returns the value of STIX's industry-sector-ov that comes nearest, "" if
// none does.
func (s Sector) STIX() string { return s.standard().stix }

// NACE returns the divisions of NACE that the sector is in, ascending; none where
// it cuts across them.
func (s Sector) NACE() []string { return strings.Fields(s.standard().nace) }

// SectorsOf returns the sectors that a word for one's own organisation means: a
// sector as [SectorOf] takes it, with its sub-sectors if it names none, a value of
// industry-sector-ov, or a division of NACE with or without the letter of its
// section and what follows it ("64", "K64.19", "NACE 64").
func SectorsOf(word string) []Sector {
	if s, ok := SectorOf(word); ok {
		return slices.DeleteFunc(Sectors(), func(o Sector) bool { return o != s && (s.Sub != "" || o.Name != s.Name) })
	}
	key := strings.ToLower(strings.TrimSpace(word))
	division := divisionOf(key)
	if key == "" {
		return nil
	}
	return slices.DeleteFunc(Sectors(), func(o Sector) bool {
		return o.STIX() != key && (division == "" || !slices.Contains(o.NACE(), division))
	})
}

// divisionOf returns the two digits of a code of NACE, or "".
func divisionOf(code string) string {
	code = strings.TrimSpace(strings.TrimPrefix(code, "nace"))
	if len(code) > 2 && code[0] >= 'a' && code[0] <= 'v' {
		code = strings.TrimSpace(code[1:])
	}
	if len(code) >= 2 && code[0] >= '0' && code[0] <= '9' && code[1] >= '0' && code[1] <= '9' && strings.Trim(code[2:], "0123456789.") == "" {
		return code[:2]
	}
	return ""
}
