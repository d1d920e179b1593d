package intel

// A Publisher is who says something. Keys of records belong to publishers; a
// feed is only a way to get a publisher's data.
type Publisher struct {
	ID    string `json:"id"`    // "mitre-attack", "misp-galaxy/threat-actor"
	Title string `json:"title"` // "MITRE ATT&CK"
	// Rank is the place in the order of precedence, smaller first. The total
	// order of claims is: analyst, then rank, then modified, then key.
	Rank        int    `json:"rank"`
	URL         string `json:"url,omitempty"`
	Licence     string `json:"licence,omitempty"` // SPDX expression or short name
	Credit      string `json:"credit,omitempty"`  // the line that must be shown
	Rights      Rights `json:"rights"`
	Reliability string `json:"reliability,omitempty"` // Admiralty code A..F, "" if not judged
	DefaultTLP  TLP    `json:"defaultTlp,omitempty"`
	Distinct    bool   `json:"distinct,omitempty"` // two live records of it are never the same thing
}

// Rights say what may be done with a publisher's data; exports obey them. The zero value, of a
// publisher whose licence is not known, allows nothing but one's own reading.
type Rights struct {
	Commercial   bool `json:"commercial"` // may be used by a business for its own protection, and in what it sells
	Redistribute bool `json:"redistribute"`
	Attribution  bool `json:"attribution,omitempty"`
	ShareAlike   bool `json:"shareAlike,omitempty"`
}

// The publishers that Dossier knows by name.
const (
	Analyst          = "analyst"
	MitreAttack      = "mitre-attack"
	MicrosoftNaming  = "microsoft-naming"
	MISPThreatActor  = "misp-galaxy/threat-actor"
	MISPGalaxyPrefix = "misp-galaxy/"
	Maltrail         = "maltrail"
)
