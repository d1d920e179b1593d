package dictionary

import (
	"strings"

	"dossier/internal/intel"
	"dossier/internal/naming"
)

// A role is what a field of a dictionary says.
type role int

const (
	isNothing   role = iota // not understood, or of no use
	isTitle                 // what the list calls the actor
	isToolTitle             // … the tool
	isNames                 // other names
	isVendor                // what one organisation calls it
	isKey                   // the publisher's key
	isAttack                // ids of ATT&CK, or addresses of its pages
	isCountry
	isSponsor
	isMotive
	isSort // of actor or tool: "APT", "Organized Crime", "Backdoor"
	isFirst
	isSector
	isTarget // sectors and countries mixed
	isVictim // countries
	isTool   // what the actor uses
	isOperation
	isText
	isReference
	isModified
	isIndicator // the file is no dictionary
)

// A column is a field's role, and whose names it holds.
type column struct {
	role role
	by   string
}

// fields maps what fields are called, folded to letters and digits, to what they
// say.
var fields = map[string]role{
	"actor": isTitle, "actorname": isTitle, "threatactor": isTitle, "threatactorname": isTitle, "threatactorofficialname": isTitle,
	"officialname": isTitle, "name": isTitle, "group": isTitle, "groupname": isTitle, "threatgroup": isTitle, "aptgroup": isTitle, "apt": isTitle,
	"commonname": isTitle, "primaryname": isTitle, "intrusionset": isTitle, "adversary": isTitle, "adversaryname": isTitle, "title": isTitle, "value": isTitle,
	"tool": isToolTitle, "toolname": isToolTitle, "malware": isToolTitle, "malwarename": isToolTitle, "malwarefamily": isToolTitle, "family": isToolTitle, "software": isToolTitle,

	"alias": isNames, "aliases": isNames, "synonym": isNames, "synonyms": isNames, "names": isNames, "othernames": isNames, "othername": isNames,
	"alsoknownas": isNames, "aka": isNames, "akas": isNames, "associatedgroups": isNames, "altnames": isNames, "alternativenames": isNames,
	"alternatenames": isNames, "knownas": isNames, "vendornames": isNames,

	"uuid": isKey, "id": isKey,
	"mitre": isAttack, "mitreattack": isAttack, "mitreid": isAttack, "attackid": isAttack, "mitreattackid": isAttack, "mitregroupid": isAttack, "mitreattackgroup": isAttack, "attackgroupid": isAttack,

	"country": isCountry, "countries": isCountry, "origin": isCountry, "origins": isCountry, "nationality": isCountry, "attribution": isCountry, "countryoforigin": isCountry, "suspectedorigin": isCountry,
	"sponsor": isSponsor, "sponsors": isSponsor, "irl": isSponsor, "statesponsor": isSponsor, "affiliation": isSponsor,
	"motivation": isMotive, "motivations": isMotive, "motive": isMotive, "motives": isMotive,
	"type": isSort, "types": isSort, "category": isSort, "threattype": isSort,
	"firstseen": isFirst, "since": isFirst, "activesince": isFirst, "firstactive": isFirst, "firstobserved": isFirst, "yearfirstseen": isFirst,
	"observedsectors": isSector, "sectors": isSector, "targetsectors": isSector, "targetedsectors": isSector, "industries": isSector, "targetindustries": isSector, "targetedindustries": isSector,
	"observedcountries": isVictim, "targetcountries": isVictim, "targetedcountries": isVictim, "victimcountries": isVictim,
	"targets": isTarget, "target": isTarget, "victims": isTarget, "victimology": isTarget, "cfrsuspectedvictims": isTarget, "cfrtargetcategory": isTarget, "targetedsector": isSector,
	"tools": isTool, "toolset": isTool, "toolsetmalware": isTool, "toolsandmalware": isTool, "malwareused": isTool,
	"operations": isOperation, "counteroperations": isOperation,
	"description": isText, "summary": isText, "comment": isText, "comments": isText, "notes": isText, "modusoperandi": isNothing,
	"information": isReference, "refs": isReference, "references": isReference, "reference": isReference, "link": isReference, "links": isReference,
	"url": isReference, "urls": isReference, "source": isReference, "sources": isReference,
	"lastcardchange": isModified, "modified": isModified, "lastmodified": isModified, "updated": isModified, "lastupdated": isModified,
	"cfrsuspectedstatesponsor": isCountry,
	"confidence":               isNothing, "status": isNothing, "playbook": isNothing, "number": isNothing, "no": isNothing, "index": isNothing,

	"ioc": isIndicator, "iocs": isIndicator, "iocvalue": isIndicator, "ioctype": isIndicator, "indicator": isIndicator, "indicators": isIndicator, "indicatortype": isIndicator,
	"ip": isIndicator, "ipaddress": isIndicator, "domain": isIndicator, "hash": isIndicator, "md5": isIndicator, "sha1": isIndicator, "sha256": isIndicator,
	"sha256hash": isIndicator, "pattern": isIndicator, "originthreat": isIndicator, // Microsoft's own table
}

// numbered are the beginnings of columns that come several times: "Operation 1".
var numbered = []struct {
	prefix string
	role   role
}{
	{"operation", isOperation}, {"link", isReference}, {"reference", isReference}, {"alias", isNames}, {"othername", isNames}, {"synonym", isNames}, {"source", isReference},
}

// columnOf returns what a field is by its name. vendors says that the table has
// columns of organisations: a heading that means nothing else is one.
func columnOf(heading string, vendors bool) column {
	key := intel.NameKey(heading)
	if r, ok := fields[key]; ok {
		if key == "mitre" && vendors {
			return column{role: isAttack, by: naming.MITRE}
		}
		return column{role: r}
	}
	for _, n := range numbered {
		if rest, ok := strings.CutPrefix(key, n.prefix); ok && rest != "" && strings.Trim(rest, "0123456789") == "" {
			return column{role: n.role}
		}
	}
	if by, ok := organisation(heading); ok {
		return column{role: isVendor, by: by}
	}
	if vendors && key != "" {
		return column{role: isVendor, by: naming.Producer(heading)}
	}
	return column{}
}

// organisation returns the organisation that a heading names, by the first part
// of "Mandiant/FireEye" or "Cisco (Sourcefire/VRT)" that is known.
func organisation(heading string) (string, bool) {
	if by, ok := naming.Known(heading); ok {
		return by, true
	}
	for _, part := range strings.FieldsFunc(heading, func(r rune) bool { return strings.ContainsRune("/(),;|", r) }) {
		if by, ok := naming.Known(part); ok {
			return by, true
		}
	}
	return "", false
}

// dictionaryFields reports whether fields of these names, taken together, are
// those of a dictionary.
func dictionaryFields(names []string) bool {
	title, aliases, vendors := false, false, 0
	for _, n := range names {
		switch c := columnOf(n, false); c.role {
		case isTitle, isToolTitle:
			title = true
		case isNames:
			aliases = true
		case isVendor:
			vendors++
		case isIndicator:
			return false
		}
	}
	return title && (aliases || vendors >= 2)
}
