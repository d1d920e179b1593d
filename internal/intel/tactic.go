package intel

// A Tactic is a column of an ATT&CK matrix.
type Tactic struct {
	ShortName string // x_mitre_shortname: initial-access
	Name      string
}

// Tactics stand in the order of the matrices: Enterprise, with those that only
// ICS and Mobile have at their places.
var Tactics = []Tactic{
	{"reconnaissance", "Reconnaissance"},
	{"resource-development", "Resource Development"},
	{"initial-access", "Initial Access"},
	{"execution", "Execution"},
	{"persistence", "Persistence"},
	{"privilege-escalation", "Privilege Escalation"},
	{"defense-evasion", "Defense Evasion"},
	{"evasion", "Evasion"},
	{"credential-access", "Credential Access"},
	{"discovery", "Discovery"},
	{"lateral-movement", "Lateral Movement"},
	{"collection", "Collection"},
	{"command-and-control", "Command and Control"},
	{"exfiltration", "Exfiltration"},
	{"network-effects", "Network Effects"},
	{"remote-service-effects", "Remote Service Effects"},
	{"inhibit-response-function", "Inhibit Response Function"},
	{"impair-process-control", "Impair Process Control"},
	{"impact", "Impact"},
}
