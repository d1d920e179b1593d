// Package vocab is the one vocabulary of Dossier for countries, regions and
// sectors: it maps the words that sources write to the words that are served.
//
// Start with [CountryOf], [RegionOf] and [SectorOf]. Each takes a word or a
// short phrase as a source's field has it, in any case and with any
// punctuation, and reports whether it is in the vocabulary; a word that is not
// stays what it is, as the source's own word. For running text use
// [CountryNamed], which knows no codes: "in", "it" and "us" are English before
// they are India, Italy and the United States.
//
// Codes and alpha-3 codes are those of ISO 3166-1 (249 entries) and the user
// assigned XK for Kosovo. Labels are the common English names. Regions follow
// UN M49 where analysts do, and depart from it where they do not: Western Asia
// and Iran are the Middle East, Armenia, Azerbaijan and Georgia the Caucasus,
// Cyprus is in Southern Europe. Sectors have the form of Microsoft's profiles,
// "Sector: Sub-sector".
//
// The package is a leaf; all its functions are safe for concurrent use and give
// the same answer every time.
package vocab
