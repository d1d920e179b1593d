package main

import "dossier/internal/intel"

// Days on which the sources' files were taken, where the files have no date of
// their own: the dates of the commits.
const (
	galaxyDay    = "2026-08-06"
	microsoftDay = "2026-08-06"
	maltrailDay  = "2026-08-23"
	esetDay      = "2024-10-15"
	volexityDay  = "2026-07-17"
	unit42Day    = "2025-08-17"
)

// A source is a set of files that become one section.
type source struct {
	pattern   string // below the corpus
	format    string // stix, misp, list
	publisher string // overrides what the content says
	released  string // day
	subjects  []subject
}

// A subject ties the indicators of files to whom their report is about. The
// lists themselves do not say so; the titles of the reports do.
type subject struct {
	pattern string // of the path below the corpus
	day     string // of the report, for values without a date
	kind    intel.Kind
	name    string // "" keeps the values out
}

// records are the sources of profiles; the order is that of the sections.
var recordSources = []source{
	{pattern: "mitre-cti/enterprise-attack-18.1.stix20.json", format: "stix"},
	{pattern: "attack-stix-data/ics-attack/ics-attack-18.1.json", format: "stix"},
	{pattern: "mstic/PublicFeeds/ThreatActorNaming/MicrosoftMapping.json", format: "list", released: microsoftDay},
	{pattern: "misp-galaxy/clusters/threat-actor.json", format: "misp", released: galaxyDay},
	{pattern: "misp-galaxy/clusters/tidal-groups.json", format: "misp", released: galaxyDay},
	{pattern: "misp-galaxy/clusters/microsoft-activity-group.json", format: "misp", released: galaxyDay},
}

// reports are the sources of indicators other than Maltrail.
var reportSources = []source{
	{pattern: "eset/*/*.json", format: "misp", publisher: "eset", released: esetDay, subjects: esetSubjects},
	{pattern: "mstic/RapidReleaseTI/Indicators.csv", format: "list", publisher: "microsoft-mstic", released: microsoftDay},
	{pattern: "mstic/Indicators/May21-NOBELIUM/*.csv", format: "list", publisher: "microsoft-mstic", released: microsoftDay, subjects: []subject{
		{"mstic/Indicators/May21-NOBELIUM/*", "2021-05-28", intel.Actor, "NOBELIUM"},
	}},
	{pattern: "volexity/*/*/indicators/*.csv", format: "list", publisher: "volexity", released: volexityDay, subjects: volexitySubjects},
	{pattern: "volexity/*/*/iocs.csv", format: "list", publisher: "volexity", released: volexityDay, subjects: volexitySubjects},
	{pattern: "unit42-iocs/TA551/*.txt", format: "list", publisher: "unit42", released: unit42Day, subjects: []subject{
		{"unit42-iocs/TA551/*", "path", intel.Actor, "TA551"},
	}},
	{pattern: "unit42-iocs/lotusblossom/*.txt", format: "list", publisher: "unit42", released: unit42Day, subjects: []subject{
		{"unit42-iocs/lotusblossom/*", "2015-06-16", intel.Actor, "Lotus Blossom"},
	}},
	{pattern: "unit42-iocs/xHunt/*.csv", format: "list", publisher: "unit42", released: unit42Day, subjects: []subject{
		{"unit42-iocs/xHunt/*", "2019-09-23", intel.Actor, "xHunt"},
	}},
	{pattern: "unit42-iocs/gorgon/*", format: "list", publisher: "unit42", released: unit42Day, subjects: []subject{
		{"unit42-iocs/gorgon/*", "2018-08-02", intel.Actor, "Gorgon Group"},
	}},
	{pattern: "unit42-iocs/prince_of_persia/*.csv", format: "list", publisher: "unit42", released: unit42Day, subjects: []subject{
		{"unit42-iocs/prince_of_persia/*", "2017-08-01", intel.Actor, "Prince of Persia"},
	}},
	{pattern: "unit42-iocs/silverterrier/*.csv", format: "list", publisher: "unit42", released: unit42Day, subjects: []subject{
		{"unit42-iocs/silverterrier/domains17.csv", "2017-12-31", intel.Actor, "SilverTerrier"},
		{"unit42-iocs/silverterrier/domains18.csv", "2018-12-31", intel.Actor, "SilverTerrier"},
		{"unit42-iocs/silverterrier/domains19.csv", "2019-12-31", intel.Actor, "SilverTerrier"},
	}},
}

// The titles of Volexity's reports name whom they are about.
var volexitySubjects = []subject{
	{"volexity/2016/*PowerDuke*", "path", intel.Actor, "APT29"},
	{"volexity/2017/*OceanLotus*", "path", intel.Actor, "OceanLotus"},
	{"volexity/2018/*Patchwork*", "path", intel.Actor, "Patchwork"},
	{"volexity/2020/*OceanLotus*", "path", intel.Actor, "OceanLotus"},
	{"volexity/2020/*DarkHalo*", "path", intel.Actor, "Dark Halo"},
	{"volexity/2021/*XEGroup*", "path", intel.Actor, "XE Group"},
	{"volexity/2022/*DriftingCloud*", "path", intel.Actor, "DriftingCloud"},
	{"volexity/2024/*CharmingCypress*", "path", intel.Actor, "CharmingCypress"},
	{"volexity/2024/*Ivanti*", "path", intel.Actor, "UTA0178"},
	{"volexity/2024/*GlobalProtect*", "path", intel.Actor, "UTA0218"},
	{"volexity/2025/*UTA0388*", "path", intel.Actor, "UTA0388"},
	{"volexity/2025/*UTA0355*", "path", intel.Actor, "UTA0355"},
}

// ESET's events mostly name their actor; the folders of the others do.
var esetSubjects = []subject{
	{"eset/backdoordiplomacy/*", "", intel.Actor, "BackdoorDiplomacy"},
	{"eset/gelsemium/*", "", intel.Actor, "Gelsemium"},
	{"eset/moustachedbouncer/*", "", intel.Actor, "MoustachedBouncer"},
	{"eset/winter_vivern/*", "", intel.Actor, "Winter Vivern"},
	{"eset/windigo/*", "", intel.Tool, "Ebury"},
	{"eset/kryptocibule/*", "", intel.Tool, "KryptoCibule"},
	{"eset/ramsay/*", "", intel.Tool, "Ramsay"},
}

// Of each file so many values are taken: the dated ones, the newest first.
const (
	perReport        = 1500
	maltrailPerActor = 600
	maltrailPerTool  = 100
	// Of an actor's trails without any dated value so many are taken; they
	// carry the date of the file.
	maltrailUndated = 100
)
