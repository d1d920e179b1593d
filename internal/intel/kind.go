package intel

import (
	"fmt"
	"strings"
)

// Kind says what a record describes.
type Kind string

// The kinds of records. Only actors and tools become profiles; campaigns and
// techniques are what their dossiers are written from.
const (
	Actor     Kind = "actor"
	Tool      Kind = "tool"
	Campaign  Kind = "campaign"
	Technique Kind = "technique"

	// Part is what is said of a record apart from it: see [Record.Of].
	Part Kind = "part"
)

// HasProfile reports whether records of the kind are served as profiles.
func (k Kind) HasProfile() bool { return k == Actor || k == Tool }

// TLP is a marking of the Traffic Light Protocol 2.0 (FIRST, 2022), ordered:
// a reader with a ceiling sees what is marked at or below it.
type TLP int8

// The markings, most open first. Clear is the zero value; TLP 1.0's WHITE is
// Clear.
const (
	Clear TLP = iota
	Green
	Amber
	AmberStrict
	Red
)

var tlpNames = [...]string{"clear", "green", "amber", "amber+strict", "red"}

// String returns the lower-case name: clear, green, amber, amber+strict, red.
func (t TLP) String() string {
	if t < Clear || t > Red {
		return fmt.Sprintf("tlp(%d)", int8(t))
	}
	return tlpNames[t]
}

// MarshalText writes the name.
func (t TLP) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads any form that [ParseTLP] reads.
func (t *TLP) UnmarshalText(b []byte) (err error) {
	*t, err = ParseTLP(string(b))
	return err
}

// ParseTLP reads a marking as sources write it, in any case: "TLP:AMBER+STRICT",
// "tlp:white", "Green". The empty string is Clear.
func ParseTLP(s string) (TLP, error) {
	word := strings.ToLower(strings.TrimSpace(s))
	word = strings.TrimPrefix(word, "tlp:")
	word = strings.Trim(word, ` "`)
	switch word {
	case "", "white", "clear", "unlimited":
		return Clear, nil
	case "green":
		return Green, nil
	case "amber":
		return Amber, nil
	case "amber+strict", "amber-strict", "amber_strict", "amber strict":
		return AmberStrict, nil
	case "red", "ex:chr":
		return Red, nil
	}
	return Red, fmt.Errorf("TLP marking %q: want clear, green, amber, amber+strict or red", s)
}

// Relation says how a name or another record relates to a record.
type Relation string

// The relations of names and links.
const (
	Same         Relation = "same-as"       // the same thing
	Formerly     Relation = "formerly"      // the source renamed or superseded it; links: revoked-by points to the successor
	PartOf       Relation = "part-of"       // a sub-group of it
	Overlaps     Relation = "overlaps"      // shares activity with it
	Similar      Relation = "similar"       // the source says only "similar"; never joins
	Uses         Relation = "uses"          // uses the technique or tool
	AttributedTo Relation = "attributed-to" // a campaign of that actor
	RevokedBy    Relation = "revoked-by"    // the source itself replaced it by the other
	SponsoredBy  Relation = "sponsored-by"  // a state body or employer, not a name of the actor
	CampaignName Relation = "campaign"      // an operation's name, given as if it were the actor's
	SubGroup     Relation = "sub-group"     // the name of a part of it
	Related      Relation = "related-to"    // any other stated relation
)
