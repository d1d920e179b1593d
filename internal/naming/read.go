package naming

import (
	"regexp"
	"strings"

	"dossier/internal/intel"
)

var (
	bracketed = regexp.MustCompile(`^(.+?)\s+\(([^()]+)\)$`)
	subgroup  = regexp.MustCompile(`(?i)^sub-?group:\s*(.+)$`)
	attackID  = regexp.MustCompile(`^[GSC]\d{4}$`)
	campaign  = regexp.MustCompile(`^Operation[A-Z].*$|(?i)^(?:operation|op\.)\s.+$|(?i)\scampaigns?$`)

	// Bodies of states: armies, services, their units. They employ the
	// actor; they are not its name.
	sponsor = regexp.MustCompile(`(?i)^(?:` + strings.Join([]string{
		`pla(?: (?:navy|army|air force|unit \d{5}))?`, `people'?s liberation army.*`, `(?:military )?unit \d{3,5}`, `military unit.*`,
		`bureau \d{2,3}`, `(?:lab|office) \d{2,3}`, `\d{3}(?:st|nd|rd|th) (?:research|bureau).*`, `reconnaissance general bureau`, `rgb`,
		`gru(?: .*)?`, `gtsst?s?`, `fsb(?: .*)?`, `svr`, `mss`, `irgc(?:[ -].*)?`, `islamic revolutionary guard corps.*`, `mois`,
		`ministry of .*`, `(?:russian )?foreign intelligence service`, `federal security service.*`, `main intelligence directorate.*`,
		`\d+(?:st|nd|rd|th) (?:main |special )?(?:centre|center|department|directorate)\b.*`, `main cent(?:re|er) (?:for|of) special technologies.*`,
		`center 1[68]`, `national security agency`, `nsa`, `cia`, `mossad`, `unit 8200`,
	}, "|") + `)$`)
)

// A Reading is what one entry in a source's list of names says. Exactly one of
// Name and ID is set; both are empty for a placeholder.
type Reading struct {
	Name intel.Name
	ID   intel.ExternalID // the entry is an id of ATT&CK
}

// Read takes apart an entry in a list of names.
//
//   - blanks and commas around it are dropped, and so are the marks of text
//     direction and zero width;
//   - an ATT&CK id is an id;
//   - "Subgroup: X" is the name X of a part;
//   - a known organisation in brackets coined the name before them; all other
//     brackets belong to the name, as in NoName057(16);
//   - operations and campaigns, and bodies of states, get their relation.
//
// Who coined the name is set only by brackets: ask [SchemeOf] for the rest.
func Read(entry string) Reading {
	s := strings.Trim(strings.Map(dropInvisible, entry), " \t\r\n,;")
	if intel.Placeholder(s) {
		return Reading{}
	}
	if attackID.MatchString(s) {
		return Reading{ID: ATTACK(s)}
	}
	n := intel.Name{Value: s}
	if m := subgroup.FindStringSubmatch(s); m != nil {
		n.Value, n.Relation = m[1], intel.SubGroup
		return Reading{Name: n}
	}
	if m := bracketed.FindStringSubmatch(s); m != nil {
		if by, ok := spellings[strings.ToLower(m[2])]; ok {
			n.Value, n.CoinedBy = m[1], by
		}
	}
	n.Relation = RelationOf(n.Value)
	return Reading{Name: n}
}

// RelationOf returns what a name is by its words alone: CampaignName,
// SponsoredBy, or "" for a name like any other.
func RelationOf(name string) intel.Relation {
	switch {
	case campaign.MatchString(name):
		return intel.CampaignName
	case sponsor.MatchString(name):
		return intel.SponsoredBy
	}
	return ""
}

// ATTACK returns the id of an object of ATT&CK with the address of its page.
func ATTACK(id string) intel.ExternalID {
	e := intel.ExternalID{Issuer: intel.MitreAttack, ID: id}
	switch {
	case strings.HasPrefix(id, "G"):
		e.URL = "https://attack.mitre.org/groups/" + id
	case strings.HasPrefix(id, "S"):
		e.URL = "https://attack.mitre.org/software/" + id
	case strings.HasPrefix(id, "C"):
		e.URL = "https://attack.mitre.org/campaigns/" + id
	}
	return e
}

// dropInvisible drops zero-width characters and marks of direction, which
// arrive by copying from web pages, and turns no-break spaces into blanks.
func dropInvisible(r rune) rune {
	switch {
	case r >= 0x200B && r <= 0x200F, r >= 0x202A && r <= 0x202E, r >= 0x2060 && r <= 0x2064, r == 0xFEFF, r == 0xAD:
		return -1
	case r == 0xA0:
		return ' '
	}
	return r
}

// threats are the words in Microsoft's column "Origin/Threat" that are no
// country, in lower case, and what they say.
var threats = map[string]struct {
	motive string
	note   string
}{
	"financially motivated":           {motive: "Financially motivated"},
	"influence operations":            {motive: "Influence operations"},
	"private sector offensive actor":  {note: "Private sector offensive actor"},
	"private sector offensive actors": {note: "Private sector offensive actor"},
	"covert network":                  {note: "Covert network"},
	"group in development":            {note: "Group in development"},
	"groups in development":           {note: "Group in development"},
}

// OriginThreat takes apart Microsoft's column "Origin/Threat", which mixes
// countries, motives and the standing of the entry in one string: "Russia,
// Influence operations". Countries stay as written: one row says "Korea".
func OriginThreat(s string) (countries, motives, notes []string) {
	for _, part := range strings.Split(s, ",") {
		part = strings.TrimSpace(part)
		t, known := threats[strings.ToLower(part)]
		switch {
		case intel.Placeholder(part):
		case !known:
			countries = append(countries, part)
		case t.motive != "":
			motives = append(motives, t.motive)
		default:
			notes = append(notes, t.note)
		}
	}
	return countries, motives, notes
}
