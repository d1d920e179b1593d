package misp

import (
	"strings"

	"dossier/internal/naming"
)

// producers names the uuids of MISP's galaxy "producer" that occur in its
// galaxy of threat actors. The table is ours: each uuid is identified by the
// names that it is said to have coined, which the comments give.
//
// Left out, because what they coined does not identify them: 1c141c9b-…
// (Bitter, ShinyHunters, Curly COMrades, Coinbase Cartel), 3176f708-…
// (BazarCall, Handala), adc57f66-… (KeyBoy), bfafdca5-… (Keksec, DragonForce,
// EC2 Grouper).
var producers = map[string]string{
	"d0c33595-b684-45ef-91c3-e2f5ce1a8191": naming.Microsoft,      // STRONTIUM, Forest Blizzard, Storm-2603
	"f9eb432f-2293-48b7-bca4-cc78beb50df0": naming.CrowdStrike,    // COMMENT PANDA, Charming Kitten
	"da5cdcd1-7b15-4371-b7eb-ca32916d2052": naming.Mandiant,       // APT1, FIN7, UNC4057
	"a7119872-bc6b-494b-9f7a-8c50faaf53a9": naming.Secureworks,    // TG-4127, BRONZE UNION, IRON HEMLOCK
	"a1ad5090-2487-46d2-8237-6151a2dd5063": naming.MITRE,          // G0006 and the other ids of groups
	"cae79680-67a6-4411-903c-f824dbcc813f": naming.Proofpoint,     // TA422, TA505
	"e9491d3b-2174-47d6-8a15-ecec552d16ae": naming.Unit42,         // Fighting Ursa, Stately Taurus
	"0d4886f9-97e1-4cb2-8822-580fd09540e5": naming.Kaspersky,      // IceFog, ScarCruft, ToddyCat
	"3ac8f6fc-9c04-4ebd-bda2-788cc02fe4ed": naming.TrendMicro,     // Pawn Storm, Earth Lusca
	"598308b3-5475-48c6-9a2c-676fe1d2c6fb": naming.Google,         // LAKE RELIC, NAIKON CASTLE
	"0adf6f0f-3795-4de1-9763-1bdd1c31a5d7": naming.Cisco,          // DNSpionage, UAT-7290
	"3a43aca5-6366-4168-b182-a8afec4550b5": naming.ESET,           // Sednit, TeleBots, GhostRedirector
	"ad7032df-0e9a-4ea9-b35c-c68ff854be80": naming.RecordedFuture, // TAG-53, RedEcho, BlueCharlie
	"e583434b-7fb8-42c8-90ce-89aa8ed35f0c": naming.Symantec,       // Shuckworm, Seedworm, Grayling
	"0904b30c-a86b-402b-9a14-87bbc44648aa": naming.Symantec,       // Elfin, Waterbug, Black Vine: before Broadcom
	"adb3369a-5683-46b2-bceb-4dafa6526b21": naming.CheckPoint,     // Scarred Manticore, Camaro Dragon
	"996c48de-7bb8-414d-b6fe-ec94abb5f461": naming.SentinelOne,    // WIP19, Metador, Aoqin Dragon
	"21afba9e-cd2a-45c9-b421-b1f14fd181e9": "Group-IB",            // OPERA1ER, DarkPink, GoldFactory
	"e4ed3168-7830-490f-9eed-d1b3ef2daccd": naming.Dragos,         // RASPITE, Xenotime, VOLTZITE
	"b8ca0932-c4cb-45c0-b7b1-88b9685ba24b": "McAfee",              // Night Dragon, Operation Sharpshooter
	"9f2ba728-8b29-48f9-badf-4f4cefb929f0": naming.PwC,            // Cloud Hopper, Blue Callisto, Red Lamassu
	"c2f76813-f24c-450e-abfd-0db4495ab68e": naming.Volexity,       // CharmingCypress, InkySquid
	"f063b54b-293c-4713-87c1-92ff760ee4ba": "Malwarebytes",        // RedStinger, Malsmoke
	"455b9e40-e8dd-443b-87b3-c70bd09b4231": "Sophos",              // FlowerStorm, DragonBreath
	"ac46bac7-e7b5-4efe-8f32-b79e9015ab86": "Intezer",             // Pacha Group, WildCard
	"58d7efca-402a-4b36-9178-dc14e52f12e5": naming.Elastic,        // REF2924, REF7707
	"94e95ed2-e07a-464a-9d56-a03679b9717a": "BlackBerry",          // CostaRicto, NewsPenguin, AeroBlade
	"d597f230-4f70-43cb-817e-c745efd4fe35": "WithSecure",          // The Dukes, as F-Secure
	"4c94ea8e-6bbd-4638-b7ba-34354cfa2281": "Fox-IT",              // Mofang, Operation Wocao
	"1427d7df-a9b8-4809-afe0-1180cfdd930d": "Zscaler ThreatLabz",  // SPIKEDWINE
}

// producer returns the name of a producer by its uuid, or "".
func (d *decoder) producer(uuid string) string {
	uuid = strings.ToLower(strings.TrimSpace(uuid))
	if name := d.o.Producers[uuid]; name != "" {
		return naming.Producer(name)
	}
	return producers[uuid]
}
