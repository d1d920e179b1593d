package facts

import (
	"strings"
)

// sorts are the words for sorts of tools, longest first where one is part of
// another, with the type that is added.
var sorts = []struct{ phrase, sort string }{
	{"remote access trojan", "remote access trojan"},
	{"remote-access trojan", "remote access trojan"},
	{"remote access tool", "remote access trojan"},
	{"remote access malware", "remote access trojan"},
	{"remote administration trojan", "remote access trojan"},
	{"rat", "remote access trojan"},
	{"remote administration tool", "remote access tool"},
	{"remote-access tool", "remote access trojan"},
	{"remote management tool", "remote access tool"},
	{"remote management software", "remote access tool"},
	{"remote desktop", "remote access tool"},
	{"remote desktop software", "remote access tool"},
	{"banking trojan", "banking trojan"},
	{"banking malware", "banking trojan"},
	{"banker", "banking trojan"},
	{"web shell", "web shell"},
	{"webshell", "web shell"},
	{"web shells", "web shell"},
	{"exploit kit", "exploit kit"},
	{"post-exploitation framework", "post-exploitation framework"},
	{"post-exploitation tool", "post-exploitation tool"},
	{"post-exploitation toolkit", "post-exploitation framework"},
	{"post-exploitation agent", "post-exploitation framework"},
	{"command and control framework", "command and control framework"},
	{"command-and-control framework", "command and control framework"},
	{"c2 framework", "command and control framework"},
	{"adversary simulation software", "post-exploitation framework"},
	{"adversary emulation framework", "post-exploitation framework"},
	{"red team framework", "post-exploitation framework"},
	{"attack simulation tool", "post-exploitation framework"},
	{"penetration testing framework", "penetration testing tool"},
	{"penetration testing tool", "penetration testing tool"},
	{"penetration testing", "penetration testing tool"},
	{"credential stealer", "credential stealer"},
	{"credential dumper", "credential stealer"},
	{"credential harvester", "credential stealer"},
	{"credential harvesting tool", "credential stealer"},
	{"credential-dumping tool", "credential stealer"},
	{"credential dumping tool", "credential stealer"},
	{"password stealer", "credential stealer"},
	{"password dumper", "credential stealer"},
	{"hash dumper", "credential stealer"},
	{"password hash dumper", "credential stealer"},
	{"password dumping tool", "credential stealer"},
	{"credential theft tool", "credential stealer"},
	{"credential dumping utility", "credential stealer"},
	{"credential stealing", "credential stealer"},
	{"password capture tool", "credential stealer"},
	{"information stealer", "information stealer"},
	{"info stealer", "information stealer"},
	{"infostealer", "information stealer"},
	{"info-stealer", "information stealer"},
	{"information-stealer", "information stealer"},
	{"information stealing malware", "information stealer"},
	{"information-stealing malware", "information stealer"},
	{"information stealing trojan", "information stealer"},
	{"information-stealing trojan", "information stealer"},
	{"stealer", "information stealer"},
	{"data stealer", "information stealer"},
	{"tunneling tool", "tunneling tool"},
	{"tunneller", "tunneling tool"},
	{"tunneler", "tunneling tool"},
	{"proxy tool", "tunneling tool"},
	{"reverse proxy", "tunneling tool"},
	{"tunneling utility", "tunneling tool"},
	{"traffic tunneling tool", "tunneling tool"},
	{"cryptocurrency miner", "cryptominer"},
	{"cryptominer", "cryptominer"},
	{"coinminer", "cryptominer"},
	{"coin miner", "cryptominer"},
	{"cryptojacking malware", "cryptominer"},
	{"cryptomining malware", "cryptominer"},
	{"crypto miner", "cryptominer"},
	{"keylogger", "keylogger"},
	{"keystroke logger", "keylogger"},
	{"rootkit", "rootkit"},
	{"bootkit", "bootkit"},
	{"wiper", "wiper"},
	{"data wiper", "wiper"},
	{"ransomware", "ransomware"},
	{"ransomware-as-a-service", "ransomware"},
	{"raas", "ransomware"},
	{"backdoor", "backdoor"},
	{"back door", "backdoor"},
	{"downloader", "downloader"},
	{"dropper", "dropper"},
	{"loader", "loader"},
	{"launcher", "loader"},
	{"injector", "loader"},
	{"worm", "worm"},
	{"botnet", "botnet"},
	{"bot", "botnet"},
	{"spyware", "spyware"},
	{"surveillanceware", "spyware"},
	{"surveillance tool", "spyware"},
	{"surveillance malware", "spyware"},
	{"surveillance implant", "spyware"},
	{"stalkerware", "spyware"},
	{"adware", "adware"},
	{"virus", "virus"},
	{"implant", "implant"},
	{"point of sale malware", "point-of-sale malware"},
	{"point-of-sale malware", "point-of-sale malware"},
	{"pos malware", "point-of-sale malware"},
	{"point-of-sale", "point-of-sale malware"},
	{"point of sale", "point-of-sale malware"},
	{"memory scraper", "point-of-sale malware"},
	{"network scanner", "scanner"},
	{"port scanner", "scanner"},
	{"scanning tool", "scanner"},
	{"network scanning tool", "scanner"},
	{"vulnerability scanner", "scanner"},
	{"phishing kit", "phishing kit"},
	{"builder", "builder"},
	{"ddos malware", "DDoS tool"},
	{"file encryptor", "ransomware"},
	{"trojan", "trojan"},
	{"trojans", "trojan"},
	{"reconnaissance tool", "reconnaissance tool"},
	{"lateral movement tool", "lateral movement tool"},
	{"exfiltration tool", "exfiltration tool"},
	{"exfiltration agent", "exfiltration tool"},
}

// sortIndex finds the phrases by their first word.
var sortIndex = func() map[string][]int {
	m := map[string][]int{}
	for i, s := range sorts {
		w, _, more := strings.Cut(s.phrase, " ")
		m[w] = append(m[w], i)
		if !more {
			m[w+"s"] = append(m[w+"s"], i)
		}
	}
	return m
}()

// sameSort reports whether two words for a sort of tool differ only in spelling.
func sameSort(a, b string) bool {
	canon := func(s string) string {
		s = strings.NewReplacer("-", " ", "_", " ").Replace(strings.ToLower(s))
		for _, t := range sorts {
			if t.phrase == s {
				return t.sort
			}
		}
		return s
	}
	return canon(a) == canon(b)
}

// sortAt returns the sort of tool whose words start at token k, before to.
func sortAt(sen *sentence, k, to int) (string, int) {
	best, sort := 0, ""
	for _, i := range sortIndex[sen.l(k)] {
		n := matchPhrase(sen, k, sorts[i].phrase)
		if n == 0 {
			n = matchPhrase(sen, k, sorts[i].phrase+"s")
		}
		if n > best && k+n <= to {
			best, sort = n, sorts[i].sort
		}
	}
	if best == 1 && sen.l(k) == "bot" && sen.l(k+1) == "api" {
		return "", 0
	}
	if best == 1 && sen.l(k) == "rat" && sen.tok[k].s != "RAT" {
		return "", 0
	}
	return sort, best
}
