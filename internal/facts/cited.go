package facts

// makers are organisations whose word a source cites, as they are written.
// A name of several words is found by its first.
var makers = map[string]string{
	"microsoft": "Microsoft", "mandiant": "Mandiant", "fireeye": "FireEye", "crowdstrike": "CrowdStrike", "symantec": "Symantec",
	"kaspersky": "Kaspersky", "eset": "ESET", "secureworks": "Secureworks", "dragos": "Dragos", "proofpoint": "Proofpoint",
	"google": "Google", "cisa": "CISA", "fbi": "FBI", "nsa": "NSA", "ncsc": "NCSC", "sentinelone": "SentinelOne", "sentinellabs": "SentinelLabs",
	"group-ib": "Group-IB", "clearsky": "ClearSky", "cybereason": "Cybereason", "sekoia": "Sekoia", "volexity": "Volexity",
	"cisco": "Cisco Talos", "talos": "Cisco Talos", "trendmicro": "Trend Micro", "novetta": "Novetta", "cert-ua": "CERT-UA", "ctu": "Secureworks",
	"zscaler": "Zscaler", "bitdefender": "Bitdefender", "lookout": "Lookout", "citizenlab": "Citizen Lab", "pwc": "PwC", "blackberry": "BlackBerry",
	"cylance": "Cylance", "fortinet": "Fortinet", "mcafee": "McAfee", "trellix": "Trellix", "ahnlab": "AhnLab", "qianxin": "QiAnXin",
	"netscout": "NETSCOUT", "threatconnect": "ThreatConnect", "rapid7": "Rapid7", "sophos": "Sophos", "meta": "Meta", "facebook": "Facebook", "cyfirma": "Cyfirma",
	"recorded": "Recorded Future", "palo": "Palo Alto Networks", "check": "Check Point", "trend": "Trend Micro", "positive": "Positive Technologies", "unit": "",
}

// second is the word that must follow the first of a name of two words.
var second = map[string]string{"recorded": "future", "palo": "alto", "check": "point", "trend": "micro", "positive": "technologies"}

// sayings are words by which an organisation's word is given.
var sayings = set("assess assesses assessed believe believes believed attribute attributes attributed tracks linked links associates identified discovered considers consider reports reported suspects suspected researchers analysts according documented described observed says said has have assessment")

// makerAt returns the organisation that is named at token i.
func makerAt(sen *sentence, i int) (string, int) {
	if i < 0 || i >= len(sen.tok) || !sen.tok[i].upper() {
		return "", 0
	}
	m := makers[sen.l(i)]
	if m == "" {
		return "", 0
	}
	if s := second[sen.l(i)]; s != "" {
		if sen.l(i+1) != s {
			return "", 0
		}
		return m, 2
	}
	return m, 1
}

// cited returns the organisation whose word the sentence gives: "according to
// Microsoft", "Mandiant assesses that", "attributed by FireEye to"; "" if the
// source itself speaks.
func cited(sen *sentence) string {
	for i := range sen.tok {
		// "The Ukrainian government publicly attributed X to …"
		if sen.l(i) == "government" && i > 0 && i < 8 && sayings[sen.l(i+1)] || sen.l(i) == "government" && i > 0 && sen.l(i+1) == "publicly" && sayings[sen.l(i+2)] {
			if p := sen.placeAt(i - 1); p.country.Code != "" && p.n == 1 {
				return sen.tok[i-1].s + " government"
			}
		}
		m, n := makerAt(sen, i)
		if n == 0 {
			continue
		}
		if sen.l(i-1) == "to" && sen.l(i-2) == "according" {
			return m
		}
		if sen.l(i-1) == "by" && sayings[sen.l(i-2)] {
			return m
		}
		if next := sen.l(i + n); i <= 1 && (sayings[next] || next == "threat" && sayings[sen.l(i+n+2)]) {
			return m
		}
	}
	return ""
}
