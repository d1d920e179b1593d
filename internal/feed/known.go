package feed

import (
	"slices"

	"dossier/internal/intel"
)

// A Source is a well-known open source.
type Source struct {
	Feed
	Recommended bool   // part of "enable recommended"
	Terms       string // what the licence asks for, in a few words
	Brings      string // what is in it
	NeedsKey    string // where to get the key that it needs, "" if none
}

const (
	github  = "https://raw.githubusercontent.com/"
	tarball = "https://codeload.github.com/"

	microsoftGraph = "https://graph.microsoft.com/"
)

// galaxies are the clusters of MISP that profiles come from.
var galaxies = []string{"threat-actor", "microsoft-activity-group", "tool", "malpedia", "ransomware", "rat", "backdoor", "banker", "botnet", "stealer", "cryptominers", "exploit-kit"}

func galaxyURLs() []string {
	var out []string
	for _, g := range galaxies {
		out = append(out, github+"MISP/misp-galaxy/main/clusters/"+g+".json")
	}
	return out
}

// licensed takes licence, credit and home of a publisher.
func licensed(publisher string, f Feed) Feed {
	p := intel.PublisherOf(publisher)
	f.Licence, f.Credit, f.Home = p.Licence, p.Credit, p.URL
	return f
}

func attack(name, title, domain string) Feed {
	return licensed(intel.MitreAttack, Feed{Name: name, Title: title, URL: github + "mitre-attack/attack-stix-data/master/" + domain + "/" + domain + ".json", Every: "1d"})
}

func abusech(name, title, url, source, every string) Feed {
	return Feed{
		Name: name, Title: title, URL: url, Source: source, Every: every, Header: "Auth-Key", Secret: "env:ABUSECH_AUTH_KEY",
		Licence: "abuse.ch Terms of Use", Credit: title + ", abuse.ch.", Home: "https://abuse.ch/",
	}
}

const (
	mitreTerms   = "use and redistribution with the MITRE notice"
	freeTerms    = "any use"
	creditTerms  = "any use, with the credit line"
	abusechTerms = "fair use free of charge, commercial use by agreement; a key is needed"
	abusechKey   = "https://auth.abuse.ch/ (free of charge)"
	askTerms     = "not stated in one licence for all events; each names its own terms"
)

// known is the table of sources that Dossier knows by name.
var known = []Source{
	{Feed: attack("attack-enterprise", "MITRE ATT&CK Enterprise", "enterprise-attack"), Recommended: true, Terms: mitreTerms, Brings: "actors, tools, techniques"},
	{Feed: attack("attack-mobile", "MITRE ATT&CK Mobile", "mobile-attack"), Recommended: true, Terms: mitreTerms, Brings: "actors and tools against phones"},
	{Feed: attack("attack-ics", "MITRE ATT&CK ICS", "ics-attack"), Recommended: true, Terms: mitreTerms, Brings: "actors and tools against industrial control"},
	{
		Feed:        licensed(intel.MISPThreatActor, Feed{Name: "misp-galaxy", Title: "MISP galaxy", URLs: galaxyURLs(), Every: "1d"}),
		Recommended: true, Terms: freeTerms, Brings: "actors and tools with their names",
	},
	{
		Feed:        licensed(intel.MicrosoftNaming, Feed{Name: "microsoft-naming", Title: "Microsoft threat actor naming", URL: github + "microsoft/mstic/master/PublicFeeds/ThreatActorNaming/MicrosoftMapping.json", Every: "1d"}),
		Recommended: true, Terms: creditTerms, Brings: "names of actors",
	},
	{
		Feed: Feed{
			Name: "misp-warninglists", Title: "MISP warninglists", URL: tarball + "MISP/misp-warninglists/tar.gz/refs/heads/main", Only: []string{"*/lists/*/list.json"}, Every: "1d",
			Licence: "CC0-1.0", Credit: "MISP warninglists, MISP Project and contributors, CC0-1.0.", Home: "https://github.com/MISP/misp-warninglists",
		}, Recommended: true, Terms: freeTerms, Brings: "values that are no threat",
	},
	{
		Feed: licensed(intel.Maltrail, Feed{
			Name: "maltrail", Title: "Maltrail", URL: tarball + "stamparm/maltrail/tar.gz/refs/heads/master", Only: []string{"*/trails/static/malware/*.txt"}, Source: intel.Maltrail, Every: "1d",
		}), Recommended: true, Terms: creditTerms, Brings: "indicators by actor and tool",
	},
	{
		Feed:        licensed("eset", Feed{Name: "eset", Title: "ESET Research", URL: tarball + "eset/malware-ioc/tar.gz/refs/heads/master", Source: "eset", Every: "1d"}),
		Recommended: true, Terms: creditTerms, Brings: "indicators of campaigns",
	},
	{
		Feed:        licensed("unit42", Feed{Name: "unit42", Title: "Palo Alto Networks Unit 42", URL: tarball + "pan-unit42/iocs/tar.gz/refs/heads/master", Source: "unit42", Every: "1d"}),
		Recommended: true, Terms: creditTerms, Brings: "indicators and reports",
	},
	{
		Feed:        licensed("volexity", Feed{Name: "volexity", Title: "Volexity", URL: tarball + "volexity/threat-intel/tar.gz/refs/heads/main", Source: "volexity", Every: "1d"}),
		Recommended: true, Terms: creditTerms, Brings: "indicators of campaigns",
	},
	{
		Feed:  licensed("threatlabz", Feed{Name: "threatlabz", Title: "Zscaler ThreatLabz", URL: tarball + "threatlabz/iocs/tar.gz/refs/heads/main", Source: "threatlabz", Every: "1d"}),
		Terms: creditTerms, Brings: "indicators of campaigns",
	},
	{
		Feed: Feed{
			Name: "circl-osint", Title: "CIRCL OSINT feed", Kind: MISP, URL: "https://www.circl.lu/doc/misp/feed-osint/", Every: "6h",
			Licence: "as each event says", Credit: "CIRCL OSINT feed, CIRCL.", Home: "https://www.circl.lu/",
		}, Terms: askTerms, Brings: "MISP events",
	},
	{
		Feed: Feed{
			Name: "botvrij", Title: "Botvrij.eu", Kind: MISP, URL: "https://www.botvrij.eu/data/feed-osint/", Every: "1d",
			Licence: "as each event says", Credit: "Botvrij.eu.", Home: "https://www.botvrij.eu/",
		}, Terms: askTerms, Brings: "MISP events",
	},
	{
		Feed: Feed{
			Name: "tweetfeed", Title: "TweetFeed", URL: "https://tweetfeed.live/stix/month.json", Every: "6h",
			Licence: "CC0-1.0", Credit: "TweetFeed by Daniel López, CC0-1.0.", Home: "https://tweetfeed.live/",
		}, Terms: freeTerms, Brings: "indicators that researchers post",
	},
	{
		Feed: Feed{
			Name: "ipsum", Title: "IPsum", URL: github + "stamparm/ipsum/master/levels/3.txt", Source: "ipsum", Every: "1d",
			Licence: "Unlicense", Credit: "IPsum by Miroslav Stampar, Unlicense.", Home: "https://github.com/stamparm/ipsum",
		}, Terms: freeTerms, Brings: "addresses on three blocklists and more",
	},
	{
		Feed: Feed{
			Name: "microsoft-graph", Title: "Microsoft Graph threat intelligence", Kind: Graph, URL: microsoftGraph, Source: "microsoft-graph", Every: "1d", Secret: "env:AZURE_CLIENT_SECRET",
			Licence: "Microsoft Defender Threat Intelligence licence", Credit: "Microsoft Defender Threat Intelligence.", Home: "https://learn.microsoft.com/graph/api/resources/security-threatintelligence-overview",
		}, Terms: "for those who have the licence; no redistribution", NeedsKey: "Entra ID: an app with ThreatIntelligence.Read.All (--tenant, --client)", Brings: "Microsoft's own profiles",
	},
	{Feed: abusech("urlhaus", "URLhaus", "https://urlhaus.abuse.ch/downloads/csv_recent/", "urlhaus", "1h"), Terms: abusechTerms, NeedsKey: abusechKey, Brings: "URLs of malware"},
	{Feed: abusech("threatfox", "ThreatFox", "https://threatfox.abuse.ch/export/csv/recent/", "threatfox", "1h"), Terms: abusechTerms, NeedsKey: abusechKey, Brings: "indicators by malware"},
	{Feed: abusech("feodo", "Feodo Tracker", "https://feodotracker.abuse.ch/downloads/ipblocklist.json", "feodo", "1h"), Terms: abusechTerms, NeedsKey: abusechKey, Brings: "servers of botnets"},
	{Feed: abusech("sslbl", "SSLBL", "https://sslbl.abuse.ch/blacklist/sslblacklist.csv", "abusech-sslbl", "1h"), Terms: abusechTerms, NeedsKey: abusechKey, Brings: "certificates of botnets"},
	{Feed: abusech("malwarebazaar", "MalwareBazaar", "https://bazaar.abuse.ch/export/csv/recent/", "malwarebazaar", "1h"), Terms: abusechTerms, NeedsKey: abusechKey, Brings: "hashes of malware"},
}

// KnownSources returns the table of well-known sources.
func KnownSources() []Source { return slices.Clone(known) }

// Known returns a well-known source by name.
func Known(name string) (Source, bool) {
	i := slices.IndexFunc(known, func(s Source) bool { return s.Name == name })
	if i < 0 {
		return Source{}, false
	}
	return known[i], true
}
