package stix

import (
	"strings"

	"dossier/internal/intel"
)

const (
	mitreIdentity = "identity--c78cb6e5-0c4b-4611-8297-d1b8b55e40b5"
	unit42        = "unit42"
	unattributed  = "unattributed"
)

// knownIdentities are creators whose identity object is often not in the file
// that refers to it: MITRE, and TweetFeed, which pages its feed.
var knownIdentities = map[string]string{
	mitreIdentity: intel.MitreAttack,
	"identity--96b9f522-7592-502b-a5f7-8fa59a268afd": "tweetfeed",
}

// publisherNames maps the slug of an organisation's name to a publisher's id
// where the two differ.
var publisherNames = map[string]string{
	"unit-42":                       unit42,
	"palo-alto-networks":            unit42,
	"palo-alto-networks-unit-42":    unit42,
	"unit-42-palo-alto-networks":    unit42,
	"unit-42-by-palo-alto-networks": unit42,
	"microsoft":                     "microsoft-mstic",
	"mstic":                         "microsoft-mstic",
	"microsoft-threat-intelligence": "microsoft-mstic",
	"microsoft-corporation":         "microsoft-mstic",
	"eset-research":                 "eset",
	"eset-spol-s-r-o":               "eset",
	"zscaler-threatlabz":            "threatlabz",
	"zscaler":                       "threatlabz",
}

func publisherOf(name string) string {
	s := slug(name)
	if id, ok := publisherNames[s]; ok {
		return id
	}
	return s
}

// publisher returns who says what an object says: the option; the identity that
// created it, unless that is marked more strictly; for an object without creator that has an ATT&CK id, MITRE; else
// whose file it is.
func (f *file) publisher(m *meta, attack bool) string {
	mitre := m.createdBy == mitreIdentity || m.createdBy == "" && attack
	switch {
	case mitre && !f.snapshot && f.opts.Publisher == "":
		return intel.MitreAttack
	case mitre && !f.snapshot && f.copies:
		return intel.MitreAttack
	case f.opts.Publisher != "":
		return f.opts.Publisher
	case f.snapshot && (mitre || m.createdBy == ""):
		return intel.MitreAttack
	}
	if id, ok := knownIdentities[m.createdBy]; ok {
		return id
	}
	if x := f.identities[m.createdBy]; x != nil && f.tlp(x.markings) <= f.tlp(m.markings) {
		if id := publisherOf(x.name); id != "" {
			return id
		}
	}
	return f.fallback
}

// hint returns whose file it is as far as the path and the reports tell.
func (f *file) hint() string {
	if f.opts.Publisher != "" {
		return f.opts.Publisher
	}
	if f.snapshot {
		return intel.MitreAttack
	}
	for _, r := range f.reports {
		if r.unit42 {
			return unit42
		}
	}
	path := "/" + strings.ToLower(strings.ReplaceAll(f.opts.Path, `\`, "/"))
	for _, p := range []struct{ part, id string }{
		{"/unit42", unit42},
		{"/pan-unit42", unit42},
		{"/tweetfeed", "tweetfeed"},
	} {
		if strings.Contains(path, p.part) {
			return p.id
		}
	}
	return unattributed
}
