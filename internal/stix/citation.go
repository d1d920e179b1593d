package stix

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"dossier/internal/intel"
)

// ATT&CK's citations read "Author. (2016, June 15). Title. Retrieved August 3,
// 2016."; the date may lack day or month, or be n.d.
var (
	citedDate = regexp.MustCompile(`\(\s*((?:19|20)\d\d)(?:,\s*([A-Za-z]{3,9})\.?(?:\s+(\d{1,2}))?[^()]*)?\s*\)`)
	undated   = regexp.MustCompile(`\(n\.\s?d\.?\)`)
	retrieved = regexp.MustCompile(`\s*Retrieved:?\s[^.]*\.?\s*$`)
)

// referenceOf makes a reference of an external reference that cites a document.
func referenceOf(source, description, url string) intel.Reference {
	ref := intel.Reference{Title: source, URL: url}
	if description == "" {
		return ref
	}
	at := citedDate.FindStringSubmatchIndex(description)
	if at != nil {
		m := citedDate.FindStringSubmatch(description)
		ref.Date = citationDate(m[1], m[2], m[3])
	} else if at = undated.FindStringIndex(description); at == nil {
		if len(description) <= 200 && !strings.Contains(description, citation) {
			ref.Title = strings.TrimSpace(description)
		}
		return ref
	}
	title := retrieved.ReplaceAllString(description[at[1]:], "")
	title = strings.TrimSpace(strings.TrimLeft(title, ".,: "))
	title = strings.TrimSuffix(title, ".")
	if title != "" {
		ref.Title = title
	}
	return ref
}

func citationDate(year, month, day string) intel.Date {
	y, _ := strconv.Atoi(year)
	if y < firstYear || y > lastYear {
		return intel.Date{}
	}
	m := monthOf(month)
	if m == 0 {
		return intel.YearDate(y, intel.BasisReference)
	}
	d, _ := strconv.Atoi(day)
	t := time.Date(y, m, max(d, 1), 0, 0, 0, 0, time.UTC)
	if d < 1 || t.Month() != m { // none, or the 31st of June
		return intel.Date{At: intel.TimeOf(time.Date(y, m, 1, 0, 0, 0, 0, time.UTC)), Precision: intel.Month, Basis: intel.BasisReference}
	}
	return intel.Date{At: intel.TimeOf(t), Precision: intel.Day, Basis: intel.BasisReference}
}

// monthOf reads an English month by its first three letters; 0 is none.
func monthOf(s string) time.Month {
	if len(s) < 3 {
		return 0
	}
	i := strings.Index("janfebmaraprmayjunjulaugsepoctnovdec", strings.ToLower(s[:3]))
	if i < 0 || i%3 != 0 {
		return 0
	}
	return time.Month(i/3 + 1)
}

// vendors are the organisations that name actors, by the words that ATT&CK's
// citation keys begin with. Words of one family stand for the same researchers
// under the names that they had.
var vendors = []struct{ prefix, name, family string }{
	{"crowdstrike", "CrowdStrike", ""},
	{"fireeye", "FireEye", "mandiant"},
	{"mandiant", "Mandiant", "mandiant"},
	{"isight", "iSIGHT Partners", "mandiant"},
	{"microsoft", "Microsoft", ""},
	{"mstic", "Microsoft", ""},
	{"kaspersky", "Kaspersky", ""},
	{"securelist", "Kaspersky", ""},
	{"eset", "ESET", ""},
	{"symantec", "Symantec", ""},
	{"palo alto", "Unit 42", ""},
	{"paloalto", "Unit 42", ""},
	{"unit 42", "Unit 42", ""},
	{"unit42", "Unit 42", ""},
	{"secureworks", "Secureworks", ""},
	{"dell secureworks", "Secureworks", ""},
	{"dell threat group", "Secureworks", ""},
	{"proofpoint", "Proofpoint", ""},
	{"cisco talos", "Cisco Talos", ""},
	{"talos", "Cisco Talos", ""},
	{"trend micro", "Trend Micro", ""},
	{"trendmicro", "Trend Micro", ""},
	{"dragos", "Dragos", ""},
	{"accenture", "Accenture", "accenture"},
	{"idefense", "iDefense", "accenture"},
	{"recorded future", "Recorded Future", ""},
	{"google", "Google", ""},
	{"volexity", "Volexity", ""},
	{"sentinelone", "SentinelOne", ""},
	{"sentinellabs", "SentinelOne", ""},
	{"check point", "Check Point", ""},
	{"checkpoint", "Check Point", ""},
	{"f-secure", "F-Secure", ""},
	{"cybereason", "Cybereason", ""},
	{"clearsky", "ClearSky", ""},
	{"group ib", "Group-IB", ""},
	{"group-ib", "Group-IB", ""},
	{"bitdefender", "Bitdefender", ""},
	{"ibm", "IBM", ""},
	{"pwc", "PwC", ""},
	{"red canary", "Red Canary", ""},
	{"forcepoint", "Forcepoint", ""},
	{"malwarebytes", "Malwarebytes", ""},
	{"novetta", "Novetta", ""},
	{"cylance", "Cylance", ""},
	{"cert-ua", "CERT-UA", ""},
}

// schemes are naming schemes that belong to one vendor; a name that fits one
// was coined by nobody else, whoever repeats it.
var schemes = []struct {
	name   *regexp.Regexp
	family string // vendor name or family
}{
	{regexp.MustCompile(`(?i)^\S+ (Bear|Panda|Kitten|Chollima|Spider|Jackal|Tiger|Buffalo|Leopard|Lynx|Crane|Ocelot|Wolf|Hawk|Sphinx|Saiga)$`), "CrowdStrike"},
	{regexp.MustCompile(`^\S+ (Blizzard|Typhoon|Sandstorm|Sleet|Tempest|Tsunami|Flood|Cyclone|Hail|Dust|Rain)$|^(DEV|Storm)-\d+$`), "Microsoft"},
	{regexp.MustCompile(`^(APT ?\d+|UNC\d+|FIN\d+|TEMP\..+)$`), "mandiant"},
	{regexp.MustCompile(`^(TA\d{3,4})$`), "Proofpoint"},
	{regexp.MustCompile(`^((BRONZE|IRON|GOLD|COBALT|NICKEL|ALUMINUM|TIN|ZINC|TUNGSTEN|COPPER|PLATINUM) \S+|(TG|Threat Group)-\d+)$`), "Secureworks"},
	{regexp.MustCompile(`^(Earth|Water|Void|Fire) [A-Z]\S+$`), "Trend Micro"},
	{regexp.MustCompile(`^(TAG-\d+|Red[A-Z]\w+)$`), "Recorded Future"},
	{regexp.MustCompile(`^UAC-\d+$`), "CERT-UA"},
	{regexp.MustCompile(`^ITG\d+$`), "IBM"},
	{regexp.MustCompile(`^(CL-(STA|CRI|UNK)-\d+|\S+ (Libra|Taurus|Ursa|Pisces|Serpens|Scorpius))$`), "Unit 42"},
}

// A document is what an object cites: the key of its citation, which begins with
// who published it, and key and title in the form of [intel.NameKey].
type document struct{ key, folded string }

func documentOf(key, text string) document {
	return document{key, intel.NameKey(key) + " " + intel.NameKey(text)}
}

// names reports whether the document has the name in its key or title. Very short
// ones are in anything.
func (d *document) names(name string) bool {
	key := intel.NameKey(name)
	return len(key) > 3 && strings.Contains(d.folded, key)
}

// coinedBy returns who coined a name, judging by the documents that the source
// cites for it, or "" where that is not reliable. Many cite a name that
// somebody else coined, so it takes either a naming scheme whose owner is among
// those cited; or a document of one vendor that has the name in its title, among
// those cited or, failing that, among all of the object's. Documents that only
// use the name do not tell.
func coinedBy(name string, cited []string, all []document) string {
	if len(cited) == 0 {
		return ""
	}
	owner := ""
	for _, s := range schemes {
		if s.name.MatchString(name) {
			owner = s.family
			break
		}
	}
	titled := map[string]string{} // family -> vendor, of cited documents that have the name in their title
	for _, key := range cited {
		vendor, f := vendorOf(key)
		if vendor == "" {
			continue
		}
		if f == owner {
			return vendor
		}
		i := slices.IndexFunc(all, func(d document) bool { return d.key == key })
		if i >= 0 && all[i].names(name) && titled[f] == "" {
			titled[f] = vendor
		}
	}
	if owner != "" {
		return ""
	}
	if len(titled) == 0 {
		for i := range all {
			if vendor, f := vendorOf(all[i].key); vendor != "" && all[i].names(name) && titled[f] == "" {
				titled[f] = vendor
			}
		}
	}
	if len(titled) != 1 {
		return ""
	}
	for _, vendor := range titled {
		return vendor
	}
	return ""
}

// vendorOf returns the vendor whose name a citation key begins with, and its
// family.
func vendorOf(key string) (name, family string) {
	key = strings.ToLower(key)
	for _, v := range vendors {
		rest, ok := strings.CutPrefix(key, v.prefix)
		if !ok || rest != "" && rest[0] != ' ' && rest[0] != '_' && rest[0] != ':' {
			continue
		}
		if v.family == "" {
			return v.name, v.name
		}
		return v.name, v.family
	}
	return "", ""
}
