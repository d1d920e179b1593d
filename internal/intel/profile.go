package intel

// A Profile is Graph's microsoft.graph.security.intelligenceProfile in its wire
// form: members, order and casing are the contract's, so that its JSON encoding
// is what clients receive.
type Profile struct {
	ODataType   string            `json:"@odata.type"`
	ID          string            `json:"id"`
	Kind        Kind              `json:"kind"`
	Title       string            `json:"title"`
	FirstActive Time              `json:"firstActiveDateTime"`
	Aliases     []string          `json:"aliases"`
	Targets     []string          `json:"targets"`
	Origins     []CountryOfOrigin `json:"countriesOrRegionsOfOrigin"`
	Summary     FormattedContent  `json:"summary"`
	Description FormattedContent  `json:"description"`
	Tradecraft  *FormattedContent `json:"tradecraft"`
}

// A CountryOfOrigin is intelligenceProfileCountryOrRegionOfOrigin.
type CountryOfOrigin struct {
	ODataType string `json:"@odata.type"`
	Label     string `json:"label"` // common English name
	Code      string `json:"code"`  // ISO 3166-1 alpha-2, upper case
}

// FormattedContent is a text with its format.
type FormattedContent struct {
	ODataType string `json:"@odata.type"`
	Content   string `json:"content"`
	Format    string `json:"format"` // text, html, markdown
}

// The OData types of a profile and its parts.
const (
	ProfileType   = "#microsoft.graph.security.intelligenceProfile"
	OriginType    = "microsoft.graph.security.intelligenceProfileCountryOrRegionOfOrigin"
	FormattedType = "microsoft.graph.security.formattedContent"
)

// Text and Markdown return content in their format.
func Text(s string) FormattedContent { return FormattedContent{FormattedType, s, "text"} }

// Markdown returns Markdown content; its lines end in \r\n as Graph's do.
func Markdown(s string) FormattedContent { return FormattedContent{FormattedType, s, "markdown"} }

// A Dossier is a profile with what it rests on: for people, for the portal, and
// for annotations. It is computed from the records and never edited.
type Dossier struct {
	Profile Profile `json:"profile"`

	FirstActive   Sourced[Date]          `json:"firstActive"`
	TitleFrom     Ref                    `json:"titleFrom"`
	Names         []NameClaim            `json:"names"`             // every claim, also those that are no alias
	Origins       []Sourced[Origin]      `json:"origins,omitempty"` // every claim, served ones first
	OriginsDiffer bool                   `json:"originsDiffer,omitempty"`
	Affiliations  []Sourced[Affiliation] `json:"affiliations,omitempty"`
	Targets       []TargetClaim          `json:"targets,omitempty"`
	Motives       []Sourced[string]      `json:"motives,omitempty"`
	IDs           []Sourced[ExternalID]  `json:"ids,omitempty"`
	Techniques    []TechniqueUse         `json:"techniques,omitempty"`
	Tools         []ProfileLink          `json:"tools,omitempty"`   // of an actor: what it uses
	Users         []ProfileLink          `json:"users,omitempty"`   // of a tool: who uses it
	Related       []ProfileLink          `json:"related,omitempty"` // part-of, overlaps, similar …
	Campaigns     []CampaignUse          `json:"campaigns,omitempty"`
	Events        []Sourced[Event]       `json:"events,omitempty"`
	References    []Sourced[Reference]   `json:"references,omitempty"`
	ToolTypes     []Sourced[string]      `json:"toolTypes,omitempty"`
	Platforms     []string               `json:"platforms,omitempty"`
	Availability  Sourced[Availability]  `json:"availability,omitzero"`
	FirstActives  []Sourced[Date]        `json:"firstActives,omitempty"` // every date that was weighed, the served one first
	Records       []RecordUse            `json:"records"`                // in order of precedence
	NearMisses    []NearMiss             `json:"nearMisses,omitempty"`   // likeliest first
	Claims        Claims                 `json:"claims,omitempty"`       // what people set over it
	Base          *Dossier               `json:"base,omitempty"`         // as the records alone have it, where people set something over it
}

// Sourced is a value with the record that states it.
type Sourced[T any] struct {
	Value T   `json:"value"`
	From  Ref `json:"from,omitzero"`
}

// A NameClaim says who calls the profile what.
type NameClaim struct {
	Name
	From    Ref  `json:"from"`
	Alias   bool `json:"alias,omitempty"`   // stands in the served aliases or is the title
	Gone    bool `json:"gone,omitempty"`    // a former version of the record had it; Last is when it still had
	Decided bool `json:"decided,omitempty"` // a person says that the name means this profile; From.Key is the decision's id
}

// A TargetClaim is a served target with the source's own word.
type TargetClaim struct {
	Served string `json:"served"`         // "Sector: Sub-sector", a country's name, or the word itself
	Code   string `json:"code,omitempty"` // ISO alpha-2 of a country
	Target
	From Ref `json:"from"`
}

// A TechniqueUse is a technique that a source ties to the profile.
type TechniqueUse struct {
	ID         string      `json:"id"` // T1566.001
	Name       string      `json:"name"`
	Tactics    []string    `json:"tactics,omitempty"`
	Text       string      `json:"text,omitempty"`
	Via        string      `json:"via,omitempty"` // name of the campaign through which it is known
	References []Reference `json:"references,omitempty"`
	From       Ref         `json:"from"`
}

// A ProfileLink is a link to another profile, or to a name that has none.
type ProfileLink struct {
	Relation     Relation     `json:"relation"`
	ID           string       `json:"id,omitempty"` // profile id, "" if it has no profile
	Title        string       `json:"title"`
	Kind         Kind         `json:"kind,omitempty"`
	ExternalID   string       `json:"externalId,omitempty"` // S0154
	Availability Availability `json:"availability,omitempty"`
	ToolTypes    []string     `json:"toolTypes,omitempty"`
	Text         string       `json:"text,omitempty"`
	Via          string       `json:"via,omitempty"`
	Incoming     bool         `json:"incoming,omitempty"` // the other one states it
	From         Ref          `json:"from"`
}

// A CampaignUse is a campaign attributed to the profile.
type CampaignUse struct {
	ID    string `json:"id,omitempty"` // C0022
	Title string `json:"title"`
	First Date   `json:"first,omitzero"`
	Last  Date   `json:"last,omitzero"`
	From  Ref    `json:"from"`
}

// A RecordUse says which record is part of a profile and why.
type RecordUse struct {
	Ref
	Title    string `json:"title"`
	Modified Time   `json:"modified,omitzero"`
	Reason   string `json:"reason"` // of the assignment, in words
	TLP      TLP    `json:"tlp,omitempty"`

	Rule      string  `json:"rule,omitempty"`      // by which it was assigned: founder, names, external-id …
	Score     float64 `json:"score,omitempty"`     // sum of the evidence; 0 for the founder
	Evidence  []Match `json:"evidence,omitempty"`  // heaviest first
	Withdrawn bool    `json:"withdrawn,omitempty"` // its publisher revoked or deprecated it
	Mention   bool    `json:"mention,omitempty"`   // it only repeats a name

	// Since when and until when its publisher had it, in the versions that were
	// imported, and what these dates rest on ([Assertion]).
	First      Time  `json:"first,omitzero"`
	FirstBasis Basis `json:"firstBasis,omitempty"`
	Last       Time  `json:"last,omitzero"`
	LastBasis  Basis `json:"lastBasis,omitempty"`
}

// A Match is one thing that speaks for a record being of a profile, or against it.
type Match struct {
	Kind   string  `json:"kind"`           // name, title, id, link, reference, country
	Value  string  `json:"value"`          // a name, an id, a URL, a country: as the record writes it
	With   Ref     `json:"with"`           // the member that states it too
	Weight float64 `json:"weight"`         // negative: it speaks against
	Weak   string  `json:"weak,omitempty"` // why it never joins by itself: "temporary id", "software name" …
}

// A NearMiss is a record that might belong to a profile and was not joined with
// it: a person may decide. It stands at both profiles that it concerns.
type NearMiss struct {
	Record Ref    `json:"record"`
	Title  string `json:"title"`
	// Out is set where the record is of this profile and might be of the other;
	// else it might be of this one.
	Out bool `json:"out,omitempty"`
	// Profile is the other profile, "" if the record is in none.
	Profile      string  `json:"profile,omitempty"`
	ProfileTitle string  `json:"profileTitle,omitempty"`
	Score        float64 `json:"score"`
	For          string  `json:"for"`     // what speaks for it: "shares Silence with mitre-attack G0091"
	Against      string  `json:"against"` // why it was not joined: "a single name", "as close to …"
	Evidence     []Match `json:"evidence,omitempty"`
}

// IndicatorType is the OData type of a profile's indicator.
const IndicatorType = "#microsoft.graph.security.intelligenceProfileIndicator"
