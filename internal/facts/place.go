package facts

import (
	"strings"

	"dossier/internal/vocab"
)

// A place is a country or region met in the text.
type place struct {
	country vocab.Country
	region  vocab.Region
	n       int    // tokens
	suffix  string // of a hyphenated word: based, linked, nexus, sponsored …
	prefix  string // pro or anti
	noun    bool   // a name, not a demonym
}

// placeAt reads the longest name of a place at token i. n is 0 if there is none.
func (sen *sentence) placeAt(i int) place {
	if i >= len(sen.tok) || !sen.tok[i].word || sen.tok[i].ref == refSelf || sen.tok[i].ref == refOther {
		return place{}
	}
	first := sen.tok[i]
	if low, rest, ok := strings.Cut(first.s, "-"); ok && (strings.EqualFold(low, "pro") || strings.EqualFold(low, "anti")) {
		if c, ok := vocab.CountryNamed(rest); ok {
			return place{country: c, n: 1, prefix: strings.ToLower(low)}
		}
		return place{}
	}
	if !first.upper() && first.l != "people" {
		return place{}
	}
	if i > 0 && sen.tok[i-1].s == "New" {
		return place{} // New Jersey, New Mexico
	}
	for n := min(6, len(sen.tok)-i); n > 0; n-- {
		last := sen.tok[i+n-1]
		if !last.word || n > 1 && !inName(sen, i, n) {
			continue
		}
		name := joined(sen.tok[i : i+n])
		suffix := ""
		if base, s, ok := cutNexus(name); ok {
			name, suffix = base, s
		}
		if g, ok := vocab.RegionOf(name); ok {
			return place{region: g, n: n, suffix: suffix, noun: g.Name == name}
		}
		if c, ok := vocab.CountryNamed(name); ok {
			if elseName(sen, i, n) {
				return place{}
			}
			return place{country: c, n: n, suffix: suffix, noun: name != c.Demonym}
		}
	}
	return place{}
}

// inName reports whether the tokens can be one name: words, with no comma.
func inName(sen *sentence, i, n int) bool {
	for k := i; k < i+n; k++ {
		t := sen.tok[k]
		if !t.word || !t.upper() && t.l != "of" && t.l != "and" && t.l != "the" {
			return false
		}
	}
	return true
}

// elseName reports whether a country's name is part of something else's: Bank of
// America, Indian Ocean, Georgia Tech, South China Sea.
func elseName(sen *sentence, i, n int) bool {
	if sen.l(i-1) == "de" || sen.l(i-1) == "del" {
		return true
	}
	switch sen.l(i + n) {
	case "ocean", "sea", "tech", "telecom", "airlines", "airways", "today", "times":
		return true
	}
	if sen.l(i-1) == "of" && oneOf(sen.l(i-2), "bank", "voice") {
		return true
	}
	return i > 0 && sen.tok[i-1].upper() && oneOf(sen.l(i-1), "east", "native", "air")
}

// nexus are the second halves of words that tie an actor to a country.
var nexus = set("based nexus linked sponsored backed aligned affiliated origin related originated located state-sponsored state-backed state-linked state-aligned supported associated state connected attributed government-linked government-backed led focused speaking language centric themed")

// cutNexus splits "China-based" into its halves.
func cutNexus(name string) (base, suffix string, ok bool) {
	for i := 0; i < len(name); i++ {
		if name[i] == '-' && nexus[strings.ToLower(name[i+1:])] {
			return name[:i], strings.ToLower(name[i+1:]), true
		}
	}
	return name, "", false
}
