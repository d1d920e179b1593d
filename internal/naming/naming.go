// Package naming knows how the industry names threat actors: whose a name is
// when its form says so, and what is written among an actor's names without
// being one.
//
//   - [SchemeOf] tells who coined a name, if the form leaves no doubt;
//   - [Producer] gives an organisation one spelling;
//   - [Read] takes apart what a source writes in a list of names: "TG-2884
//     (SCWX CTU)", "Subgroup: Andariel", "Operation Troy", "PLA Navy";
//   - [OriginThreat] takes apart Microsoft's column of that name.
//
// Everything here is a function of its arguments; nothing keeps state.
package naming

import (
	"regexp"
	"strings"
)

// The organisations that coin names, each in one spelling.
const (
	CERTUA         = "CERT-UA"
	CheckPoint     = "Check Point"
	Cisco          = "Cisco Talos"
	CrowdStrike    = "CrowdStrike"
	Dragos         = "Dragos"
	Elastic        = "Elastic Security Labs"
	ESET           = "ESET"
	Google         = "Google"
	IBM            = "IBM X-Force"
	Kaspersky      = "Kaspersky"
	Mandiant       = "Mandiant"
	Microsoft      = "Microsoft"
	MITRE          = "MITRE"
	NSHC           = "NSHC"
	Proofpoint     = "Proofpoint"
	PwC            = "PwC"
	QiAnXin        = "QiAnXin"
	Qihoo          = "Qihoo 360"
	RecordedFuture = "Recorded Future"
	Secureworks    = "Secureworks"
	SentinelOne    = "SentinelOne"
	Symantec       = "Symantec"
	TrendMicro     = "Trend Micro"
	Unit42         = "Palo Alto Networks Unit 42"
	Volexity       = "Volexity"
)

// spellings maps what sources write for an organisation, in lower case.
var spellings = map[string]string{
	"scwx ctu": Secureworks, "scwx": Secureworks, "secureworks": Secureworks, "secureworks ctu": Secureworks, "dell secureworks": Secureworks,
	"palo alto": Unit42, "palo alto networks": Unit42, "unit 42": Unit42, "unit42": Unit42, "palo alto networks unit 42": Unit42,
	"ibm": IBM, "ibm x-force": IBM, "x-force": IBM,
	"nhsc": NSHC, "nshc": NSHC, "threatrecon": NSHC,
	"qianxin": QiAnXin, "qi an xin": QiAnXin, "qihoo 360": Qihoo, "360": Qihoo, "qihoo": Qihoo,
	"fireeye": Mandiant, "mandiant": Mandiant, "isight": Mandiant, "isight partners": Mandiant,
	"microsoft": Microsoft, "crowdstrike": CrowdStrike, "proofpoint": Proofpoint, "mitre": MITRE, "mitre att&ck": MITRE,
	"kaspersky": Kaspersky, "kaspersky lab": Kaspersky, "trend micro": TrendMicro, "trendmicro": TrendMicro, "eset": ESET,
	"symantec": Symantec, "broadcom": Symantec, "cisco talos": Cisco, "talos": Cisco, "cisco": Cisco,
	"recorded future": RecordedFuture, "insikt group": RecordedFuture, "check point": CheckPoint, "checkpoint": CheckPoint,
	"sentinelone": SentinelOne, "sentinellabs": SentinelOne, "volexity": Volexity, "dragos": Dragos, "elastic": Elastic,
	"elastic security labs": Elastic, "google": Google, "google threat intelligence group": Google, "cert-ua": CERTUA,
	"pwc": PwC,
}

// Producer returns the one spelling of an organisation's name, or the name as
// written, trimmed, if it is not known.
func Producer(name string) string {
	if known, ok := Known(name); ok {
		return known
	}
	return strings.TrimSpace(name)
}

// Known returns the one spelling of an organisation's name, if it is one that
// coins names.
func Known(name string) (string, bool) {
	known, ok := spellings[strings.ToLower(strings.TrimSpace(name))]
	return known, ok
}

// schemes are the forms of names that only one organisation gives, in the order
// in which they are tried.
var schemes = []struct {
	form *regexp.Regexp
	by   string
}{
	{regexp.MustCompile(`^[GS]\d{4}$`), MITRE},
	// Microsoft: weather with the family's word in title case, and what is
	// in development. "Storm" alone is everybody's (Pawn Storm, Dust Storm).
	{regexp.MustCompile(`^[A-Z][a-z]+ (?:Blizzard|Cyclone|Dust|Flood|Gust|Hail|Lightning|Rain|Sandstorm|Sleet|Squall|Tempest|Tsunami|Typhoon|Vortex)$`), Microsoft},
	{regexp.MustCompile(`^(?:Storm|STORM|DEV)-\d{3,4}$`), Microsoft},
	// Secureworks: a metal and a word, both in capitals.
	{regexp.MustCompile(`^(?:ALUMINUM|BRONZE|COBALT|COPPER|GOLD|IRON|NICKEL|PLATINUM|TIN|TUNGSTEN|ZINC) [A-Z]+$`), Secureworks},
	{regexp.MustCompile(`^TG-\d{4}$`), Secureworks},
	// CrowdStrike: a word and an animal, both in capitals. In other cases the
	// animals are everybody's: Domestic Kitten, Sharp Panda, White Bear.
	{regexp.MustCompile(`^[A-Z]+ (?:BEAR|BUFFALO|CHOLLIMA|CRANE|HAWK|JACKAL|KITTEN|LEOPARD|LYNX|OCELOT|PANDA|SAIGA|SPHINX|SPIDER|TIGER|WOLF)$`), CrowdStrike},
	// Google since August 2026: a word and a family, both in capitals.
	{regexp.MustCompile(`^[A-Z]+ (?:CASTLE|COMET|ION|NEPTUNE|RELIC)$`), Google},
	// Mandiant's numbers end below 50; "APT-C-…", "APT60" and the like are others'.
	{regexp.MustCompile(`^APT[ -]?(?:[1-9]|[1-4]\d)$`), Mandiant},
	{regexp.MustCompile(`^(?:FIN[ -]?\d{1,2}|UNC[ -]?\d{3,5}|TEMP\.[A-Z]\w+)$`), Mandiant},
	{regexp.MustCompile(`^(?:TA[ -]?\d{3,4}|UNK_\w+)$`), Proofpoint},
	{regexp.MustCompile(`^(?:CL-(?:CRI|STA|UNK)-\d{4}|[A-Z][a-z]+ (?:Gemini|Libra|Pisces|Scorpius|Serpens|Taurus|Ursa))$`), Unit42},
	{regexp.MustCompile(`^(?:Earth|Water) [A-Z][a-z]+$`), TrendMicro},
	{regexp.MustCompile(`^[A-Z][a-z]+ Manticore$`), CheckPoint},
	{regexp.MustCompile(`^UAC-\d{4}$`), CERTUA},
	{regexp.MustCompile(`^TAG-\d{2,3}$`), RecordedFuture},
	{regexp.MustCompile(`^UAT-\d{4,5}$`), Cisco},
	{regexp.MustCompile(`^(?:ITG\d{2}|Hive\d{4})$`), IBM},
	{regexp.MustCompile(`^UTA\d{4}$`), Volexity},
	{regexp.MustCompile(`^REF\d{4}$`), Elastic},
	{regexp.MustCompile(`^WIP\d{2}$`), SentinelOne},
	{regexp.MustCompile(`^Sector[A-Z]\d{2}$`), NSHC},
	{regexp.MustCompile(`^APT-C-\d{1,3}$`), Qihoo},
	{regexp.MustCompile(`^APT-Q-\d{1,3}$`), QiAnXin},
}

// Microsoft named its actors by the periodic table until April 2023, and those
// in it for money by volcanoes and trees. A metal followed by another word is
// Secureworks'.
var microsoftWords = words(`ACTINIUM ALUMINIUM AMERICIUM ANTIMONY ARGON ARSENIC ASTATINE BARIUM BERKELIUM BERYLLIUM BISMUTH BOHRIUM
BORON BROMINE CADMIUM CAESIUM CESIUM CALCIUM CALIFORNIUM CARBON CERIUM CHLORINE CHROMIUM COPERNICIUM CURIUM DARMSTADTIUM DUBNIUM
DYSPROSIUM EINSTEINIUM ERBIUM EUROPIUM FERMIUM FLEROVIUM FLUORINE FRANCIUM GADOLINIUM GALLIUM GERMANIUM GOLD HAFNIUM HASSIUM HELIUM
HOLMIUM HYDROGEN INDIUM IODINE IRIDIUM KRYPTON LANTHANUM LAWRENCIUM LEAD LITHIUM LIVERMORIUM LUTETIUM MAGNESIUM MANGANESE MEITNERIUM
MENDELEVIUM MERCURY MOLYBDENUM MOSCOVIUM NEODYMIUM NEON NEPTUNIUM NICKEL NIHONIUM NIOBIUM NITROGEN NOBELIUM OGANESSON OSMIUM PALLADIUM
PHOSPHORUS PLATINUM PLUTONIUM POLONIUM POTASSIUM PRASEODYMIUM PROMETHIUM PROTACTINIUM RADIUM RADON RHENIUM RHODIUM ROENTGENIUM RUBIDIUM
RUTHENIUM RUTHERFORDIUM SAMARIUM SCANDIUM SEABORGIUM SELENIUM SILICON SILVER SODIUM STRONTIUM SULFUR TANTALUM TECHNETIUM TELLURIUM
TENNESSINE TERBIUM THALLIUM THORIUM THULIUM TITANIUM TUNGSTEN URANIUM VANADIUM XENON YTTERBIUM YTTRIUM ZINC ZIRCONIUM
CHIMBORAZO ELBRUS PARINACOTA SPURR TAAL`)

// byName lists names that have another's form.
var byName = map[string]string{
	"Red Typhoon":   PwC, // in Microsoft's table on Heart Typhoon; PwC names by colours
	"BRONZE BUTLER": Secureworks, "Bronze Butler": Secureworks,
}

func words(s string) map[string]bool {
	set := make(map[string]bool)
	for _, w := range strings.Fields(s) {
		set[w] = true
	}
	return set
}

// SchemeOf returns who coined a name, judging by its form alone, or "" if more
// than one organisation could have. It heeds case: COBALT GYPSY has the form of
// Secureworks' names, Cobalt Group has nobody's.
func SchemeOf(name string) string {
	if len(name) > 64 {
		return ""
	}
	if by := byName[name]; by != "" {
		return by
	}
	if microsoftWords[name] {
		return Microsoft
	}
	for _, s := range schemes {
		if s.form.MatchString(name) {
			return s.by
		}
	}
	return ""
}
