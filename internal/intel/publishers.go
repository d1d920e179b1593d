package intel

import "strings"

// known is the table of publishers whose licence, rank and rules are part of
// the program. Ranks leave room between them; a publisher that is not here has
// rank [UnknownRank].
var known = []Publisher{
	{ID: Analyst, Title: "Your analysts", Rank: 0, Reliability: "A", Rights: Rights{Commercial: true, Redistribute: true}},
	{
		ID: MitreAttack, Title: "MITRE ATT&CK", Rank: 10, Distinct: true, Reliability: "A",
		URL: "https://attack.mitre.org/", Licence: "ATT&CK Terms of Use",
		Credit: "© 2025 The MITRE Corporation. This work is reproduced and distributed with the permission of The MITRE Corporation.",
		Rights: Rights{Commercial: true, Redistribute: true, Attribution: true},
	},
	{
		ID: MicrosoftNaming, Title: "Microsoft threat actor naming", Rank: 20, Distinct: true, Reliability: "A",
		URL: "https://github.com/microsoft/mstic", Licence: "CC-BY-4.0",
		Credit: "Microsoft threat actor naming, microsoft/mstic, CC BY 4.0.",
		Rights: Rights{Commercial: true, Redistribute: true, Attribution: true},
	},
	{
		ID: MISPThreatActor, Title: "MISP galaxy: threat actors", Rank: 30, Distinct: true, Reliability: "B",
		URL: "https://github.com/MISP/misp-galaxy", Licence: "CC0-1.0 OR BSD-2-Clause",
		Credit: "MISP galaxy, MISP Project and contributors, CC0-1.0 or BSD-2-Clause.",
		Rights: Rights{Commercial: true, Redistribute: true},
	},
	{
		ID: "etda", Title: "ETDA threat group cards", Rank: 35, Distinct: true, Reliability: "B",
		URL: "https://apt.etda.or.th/", Licence: "CC-BY-NC-SA-4.0",
		Credit: "Threat Group Cards: A Threat Actor Encyclopedia, ThaiCERT and ETDA, CC BY-NC-SA 4.0.",
		Rights: Rights{Attribution: true, ShareAlike: true},
	},
	{
		ID: "malpedia", Title: "Malpedia", Rank: 36, Distinct: true, Reliability: "B",
		URL: "https://malpedia.caad.fkie.fraunhofer.de/", Licence: "CC-BY-NC-SA-3.0",
		Credit: "Malpedia, Fraunhofer FKIE, CC BY-NC-SA 3.0.",
		Rights: Rights{Attribution: true, ShareAlike: true},
	},
	{
		ID: "eternal-liberty", Title: "EternalLiberty", Rank: 55, Distinct: true, Reliability: "C",
		URL: "https://github.com/StrangerealIntel/EternalLiberty",
	},
	{
		ID: "microsoft-mstic", Title: "Microsoft Threat Intelligence indicators", Rank: 40, Reliability: "A",
		URL: "https://github.com/microsoft/mstic", Licence: "CC-BY-4.0",
		Credit: "Indicators by Microsoft Threat Intelligence, microsoft/mstic, CC BY 4.0.",
		Rights: Rights{Commercial: true, Redistribute: true, Attribution: true},
	},
	{
		ID: "eset", Title: "ESET Research", Rank: 41, Reliability: "A",
		URL: "https://github.com/eset/malware-ioc", Licence: "BSD-2-Clause",
		Credit: "Indicators by ESET Research, eset/malware-ioc, BSD-2-Clause.",
		Rights: Rights{Commercial: true, Redistribute: true, Attribution: true},
	},
	{
		ID: "unit42", Title: "Palo Alto Networks Unit 42", Rank: 42, Reliability: "A",
		URL: "https://github.com/pan-unit42/iocs", Licence: "MIT",
		Credit: "Indicators by Palo Alto Networks Unit 42, pan-unit42/iocs, MIT.",
		Rights: Rights{Commercial: true, Redistribute: true, Attribution: true},
	},
	{
		ID: "volexity", Title: "Volexity", Rank: 43, Reliability: "A",
		URL: "https://github.com/volexity/threat-intel", Licence: "BSD-2-Clause",
		Credit: "Indicators by Volexity, volexity/threat-intel, BSD-2-Clause.",
		Rights: Rights{Commercial: true, Redistribute: true, Attribution: true},
	},
	{
		ID: "threatlabz", Title: "Zscaler ThreatLabz", Rank: 44, Reliability: "B",
		URL: "https://github.com/threatlabz/iocs", Licence: "MIT",
		Credit: "Indicators by Zscaler ThreatLabz, threatlabz/iocs, MIT.",
		Rights: Rights{Commercial: true, Redistribute: true, Attribution: true},
	},
	{
		ID: Maltrail, Title: "Maltrail", Rank: 60, Reliability: "C",
		URL: "https://github.com/stamparm/maltrail", Licence: "MIT",
		Credit: "Trails by the Maltrail developers, stamparm/maltrail, MIT.",
		Rights: Rights{Commercial: true, Redistribute: true, Attribution: true},
	},
}

// UnknownRank is the rank of a publisher that Dossier does not know.
const UnknownRank = 100

// galaxyRank is the rank of MISP's other galaxies, below its threat actors.
const galaxyRank = 50

// KnownPublishers returns the table of publishers, by rank.
func KnownPublishers() []Publisher { return append([]Publisher(nil), known...) }

// PublisherOf returns what is known of a publisher by its id. A galaxy that is
// not in the table has MISP's licence; any other gets its id as title,
// [UnknownRank], and no right to redistribute.
func PublisherOf(id string) Publisher {
	for _, p := range known {
		if p.ID == id {
			return p
		}
	}
	if name, ok := strings.CutPrefix(id, MISPGalaxyPrefix); ok {
		p := PublisherOf(MISPThreatActor)
		p.ID, p.Title, p.Rank, p.Distinct = id, "MISP galaxy: "+name, galaxyRank, false
		return p
	}
	return Publisher{ID: id, Title: id, Rank: UnknownRank}
}

// A PublisherSetting is what an operator sets of a publisher, in place of what
// Dossier knows of it. A nil field is as it was.
type PublisherSetting struct {
	Rank        *int    `json:"rank,omitempty"`        // 1..[MaxRank]
	Reliability *string `json:"reliability,omitempty"` // Admiralty code A..F
	Distinct    *bool   `json:"distinct,omitempty"`
}

// MaxRank is the last place in the order of precedence.
const MaxRank = 1000

// IsZero reports whether nothing is set.
func (p PublisherSetting) IsZero() bool { return p == PublisherSetting{} }

// Check returns what is wrong with a setting for a publisher, in one sentence, or
// "".
func (p PublisherSetting) Check(id string) string {
	switch {
	case id == Analyst:
		return "what your analysts say always comes first"
	case p.Rank != nil && (*p.Rank < 1 || *p.Rank > MaxRank):
		return "a rank is a number from 1, which comes first, to 1000"
	case p.Reliability != nil && (len(*p.Reliability) != 1 || *p.Reliability < "A" || *p.Reliability > "F"):
		return "reliability is a letter from A (completely reliable) to E (unreliable), or F (cannot be judged)"
	}
	return ""
}

// Publishers answers what holds of each publisher in one installation. The zero
// value is the program's own table. It is safe for concurrent use while nobody
// writes its maps.
type Publishers struct {
	Set      map[string]PublisherSetting // by publisher
	Distinct map[string]bool             // publishers with a data set of which each entry is another thing
}

// Of returns what holds of a publisher: what is set, else what its data sets say,
// else [PublisherOf].
func (t *Publishers) Of(id string) Publisher {
	p := PublisherOf(id)
	p.Distinct = p.Distinct || t.Distinct[id]
	set := t.Set[id]
	if set.Rank != nil {
		p.Rank = *set.Rank
	}
	if set.Reliability != nil {
		p.Reliability = *set.Reliability
	}
	if set.Distinct != nil {
		p.Distinct = *set.Distinct
	}
	return p
}
