package intel

import "strings"

// known is the table of publishers whose licence, rank and rules are part of
// the program. Ranks leave room between them; a publisher that is not here has
// rank [UnknownRank].
var known = []Publisher{
	{ID: Analyst, Title: "Your analysts", Rank: 0, Rights: Rights{Redistribute: true}},
	{
		ID: MitreAttack, Title: "MITRE ATT&CK", Rank: 10, Distinct: true, Reliability: "A",
		URL: "https://attack.mitre.org/", Licence: "ATT&CK Terms of Use",
		Credit: "© 2025 The MITRE Corporation. This work is reproduced and distributed with the permission of The MITRE Corporation.",
		Rights: Rights{Redistribute: true, Attribution: true},
	},
	{
		ID: MicrosoftNaming, Title: "Microsoft threat actor naming", Rank: 20, Distinct: true, Reliability: "A",
		URL: "https://github.com/microsoft/mstic", Licence: "CC-BY-4.0",
		Credit: "Microsoft threat actor naming, microsoft/mstic, CC BY 4.0.",
		Rights: Rights{Redistribute: true, Attribution: true},
	},
	{
		ID: MISPThreatActor, Title: "MISP galaxy: threat actors", Rank: 30, Distinct: true, Reliability: "B",
		URL: "https://github.com/MISP/misp-galaxy", Licence: "CC0-1.0 OR BSD-2-Clause",
		Credit: "MISP galaxy, MISP Project and contributors, CC0-1.0 or BSD-2-Clause.",
		Rights: Rights{Redistribute: true},
	},
	{
		ID: "microsoft-mstic", Title: "Microsoft Threat Intelligence indicators", Rank: 40, Reliability: "A",
		URL: "https://github.com/microsoft/mstic", Licence: "CC-BY-4.0",
		Credit: "Indicators by Microsoft Threat Intelligence, microsoft/mstic, CC BY 4.0.",
		Rights: Rights{Redistribute: true, Attribution: true},
	},
	{
		ID: "eset", Title: "ESET Research", Rank: 41, Reliability: "A",
		URL: "https://github.com/eset/malware-ioc", Licence: "BSD-2-Clause",
		Credit: "Indicators by ESET Research, eset/malware-ioc, BSD-2-Clause.",
		Rights: Rights{Redistribute: true, Attribution: true},
	},
	{
		ID: "unit42", Title: "Palo Alto Networks Unit 42", Rank: 42, Reliability: "A",
		URL: "https://github.com/pan-unit42/iocs", Licence: "MIT",
		Credit: "Indicators by Palo Alto Networks Unit 42, pan-unit42/iocs, MIT.",
		Rights: Rights{Redistribute: true, Attribution: true},
	},
	{
		ID: "volexity", Title: "Volexity", Rank: 43, Reliability: "A",
		URL: "https://github.com/volexity/threat-intel", Licence: "BSD-2-Clause",
		Credit: "Indicators by Volexity, volexity/threat-intel, BSD-2-Clause.",
		Rights: Rights{Redistribute: true, Attribution: true},
	},
	{
		ID: "threatlabz", Title: "Zscaler ThreatLabz", Rank: 44, Reliability: "B",
		URL: "https://github.com/threatlabz/iocs", Licence: "MIT",
		Credit: "Indicators by Zscaler ThreatLabz, threatlabz/iocs, MIT.",
		Rights: Rights{Redistribute: true, Attribution: true},
	},
	{
		ID: Maltrail, Title: "Maltrail", Rank: 60, Reliability: "C",
		URL: "https://github.com/stamparm/maltrail", Licence: "MIT",
		Credit: "Trails by the Maltrail developers, stamparm/maltrail, MIT.",
		Rights: Rights{Redistribute: true, Attribution: true},
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
