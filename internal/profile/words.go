package profile

import (
	"strings"

	"dossier/internal/vocab"
)

// theCountry puts the article before the names of countries that have one.
func theCountry(label string) string {
	switch label {
	case "United States", "United Kingdom", "United Arab Emirates", "Netherlands", "Philippines", "Maldives",
		"Bahamas", "Gambia", "Comoros", "Seychelles", "Marshall Islands", "Solomon Islands", "Cayman Islands",
		"Dominican Republic", "Central African Republic", "Czech Republic", "Democratic Republic of the Congo",
		"Republic of the Congo", "Faroe Islands", "Falkland Islands", "Cook Islands", "Vatican City State",
		"British Virgin Islands", "U.S. Virgin Islands", "Palestinian Territories", "Isle of Man",
		"Middle East", "Middle East and North Africa", "Americas", "Balkans", "Caucasus", "Persian Gulf",
		"Levant", "Caribbean", "Horn of Africa", "Baltic states", "Nordic countries", "Channel Islands":
		return "the " + label
	}
	return label
}

// theBody puts the article before the names of state bodies that have one.
func theBody(body string) string {
	word, rest, _ := strings.Cut(body, " ")
	if parent, ok := strings.CutSuffix(word, ","); ok && rest != "" && parent == strings.ToUpper(parent) {
		if strings.HasPrefix(rest, "Military ") {
			rest = "military " + strings.TrimPrefix(rest, "Military ")
		}
		return "the " + parent + "'s " + rest // "GRU, Military unit 26165"
	}
	switch strings.TrimRight(word, ",;:)") {
	case "the", "The", "Unit":
		return body
	case "GRU", "SVR", "FSB", "KGB", "FSO", "IRGC", "MSS", "MPS", "PLA", "RGB", "MOIS", "NSA", "CIA", "FBI", "GTsSS", "ISI":
		return "the " + body
	}
	for w := range strings.FieldsSeq(body) {
		switch strings.Trim(w, ",;:()") {
		case "Ministry", "Directorate", "Bureau", "Service", "Services", "Agency", "Army", "Guard", "Guards", "Corps", "Office",
			"Department", "Division", "Command", "Center", "Centre", "Committee", "Forces", "Government", "Staff":
			return "the " + body
		}
	}
	return body
}

// demonym returns the adjective for a country, "" where there is none in use.
func demonym(code string) string {
	c, ok := vocab.CountryByCode(code)
	if !ok {
		return ""
	}
	return c.Demonym
}

// sectorWords are the sectors whose served name is not how one speaks of them.
var sectorWords = map[string]string{
	"Government Agencies & Services": "government",
	"Defense Industry":               "the defense industry",
	"Non-Government Organization":    "non-governmental organizations",
	"Non-Government Organizations":   "non-governmental organizations",
	"Retail & Consumer Goods":        "retail",
	"Intelligence":                   "intelligence services",
	"Local Government":               "local government",
	"Diplomacy":                      "diplomatic missions",
	"Religious Organizations":        "religious organizations",
	"Justice":                        "the judiciary",
	"Software":                       "software makers",
	"Security":                       "IT security",
	"Hackers":                        "hackers",
	"Individuals":                    "private individuals",
	"Trade":                          "trading companies",
	"Environment":                    "environmental organizations",
	"Humanitarian":                   "humanitarian aid",
	"Water":                          "water utilities",
	"Games":                          "the games industry",
	"News":                           "the news media",
	"Legal":                          "law firms",
	"Sports":                         "sports organizations",
	"Payments":                       "payment services",
	"Investment":                     "investment firms",
	"Nuclear":                        "nuclear energy",
	"Internet Services":              "internet services",
	"Research":                       "research institutions",
	"Chemicals":                      "the chemical industry",
	"Other":                          "other sectors",
	"Private Sector":                 "private companies",
}

// sectorWord returns the word for a served sector: the sub-sector, if it has
// one.
func sectorWord(served string) string {
	name, sub, ok := strings.Cut(served, ": ")
	if ok {
		name = sub
	}
	if w, ok := sectorWords[name]; ok {
		return w
	}
	return strings.ReplaceAll(strings.ToLower(name), "&", "and")
}
