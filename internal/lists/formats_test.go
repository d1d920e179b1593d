package lists

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestFormats reads what public sources publish, in small.
func TestFormats(t *testing.T) {
	const md5b = "fedcba9876543210fedcba9876543210"
	for _, tt := range []struct {
		name, path, body string
		want             []string
	}{
		{"hosts", "hosts", "# Title: hosts\n127.0.0.1 localhost\n::1 ip6-localhost\n255.255.255.255 broadcasthost\n0.0.0.0 0.0.0.0\n0.0.0.0 one.example-one.com two.example-one.com # both\n127.0.0.1\texample-two.com\n", []string{
			"domain one.example-one.com", "domain two.example-one.com", "domain example-two.com",
		}},
		{"AdBlock", "filter.txt", "[Adblock Plus]\n! Title: bad\n||example-one.com^\n||example-two.com^$all\n||example-three.com^$third-party,domain=a.com\n|https://example-four.com/x|\n||example-five.com/gate.php^\n@@||example-six.com^\n||ads*.example-seven.com^\nexample-eight.com##.ad\n/ads[0-9]+\\.com/\nexample-nine.com$document\n", []string{
			"domain example-one.com", "domain example-two.com", "url https://example-four.com/x", "url http://example-five.com/gate.php", "domain example-nine.com",
			"! line 5: rule for some sites or parts of pages only", "! line 8: exception of a filter list", "! line 9: pattern with wildcards",
			"! line 10: rule about what a page shows", "! line 11: regular expression",
		}},
		{"dnsmasq", "dnsmasq.conf", "address=/example-one.com/0.0.0.0\naddress=/example-two.com/example-three.com/#\nserver=/example-four.com/\nserver=/example-five.com/8.8.8.8\n", []string{
			"domain example-one.com", "domain example-two.com", "domain example-three.com", "domain example-four.com", "! line 4: names that are asked of another server",
		}},
		{"unbound and BIND", "", "local-zone: \"example-one.com\" always_nxdomain\nlocal-zone: \"example-two.com.\" transparent\nlocal-data: \"example-three.com A 0.0.0.0\"\nzone \"example-four.com\" { type master; file \"/x\"; };\n", []string{
			"domain example-one.com", "domain example-three.com", "domain example-four.com", "! line 2: exception of a resolver",
		}},
		{"RPZ", "urlhaus.rpz", "$TTL 30\n@ SOA rpz.example-one.com. hostmaster.example-one.com. 2011 300 1800 604800 30\n NS localhost.\n;\n; a remark\nexample-one.com CNAME .\n*.example-one.com CNAME . ; wildcard\nexample-two.com 300 IN CNAME rpz-passthru.\n24.0.4.8.8.rpz-ip CNAME .\n32.9.4.8.8.rpz-ip\tCNAME\t.\n128.1.zz.b.4860.2a00.rpz-ip CNAME .\n", []string{
			"domain example-one.com", "domain example-one.com", "cidr 8.8.4.0/24", "ipAddress 8.8.4.9", "ipAddress 2a00:4860:b::1", "! line 8: exception of a response policy zone",
		}},
		{"netset with comments", "firehol.netset", "#\n# firehol_level1\n#\n8.8.4.0/24\n8.8.5.9\n10.0.0.0/8\n", []string{"cidr 8.8.4.0/24", "ipAddress 8.8.5.9", "! line 6: private"}},
		{"ipset and iptables", "", "create bad hash:ip family inet\nadd bad 8.8.4.9\nadd bad 8.8.5.0/24 timeout 0\n-A INPUT -s 8.8.6.9/32 -j DROP\ndeny 8.8.7.9;\nALL: 8.8.8.9\n", []string{
			"ipAddress 8.8.4.9", "cidr 8.8.5.0/24", "ipAddress 8.8.6.9", "ipAddress 8.8.7.9", "ipAddress 8.8.8.9",
		}},
		{"ranges: eMule, PeerGuardian", "", "008.008.004.000 - 008.008.004.255 , 000 , Bad People\nSome name:8.8.5.9-8.8.5.9\n8.8.6.1-8.8.6.2\n", []string{
			"cidr 8.8.4.0/24", "ipAddress 8.8.5.9", "ipAddress 8.8.6.1", "ipAddress 8.8.6.2",
		}},
		{"Spamhaus DROP", "drop.txt", "; Spamhaus DROP List 2026/08/20\n; Last-Modified: Thu, 20 Aug 2026\n8.8.4.0/22 ; SBL256894\n8.8.8.0/24 ; SBL434604\n", []string{
			"cidr 8.8.4.0/22 [SBL256894]", "cidr 8.8.8.0/24 [SBL434604]",
		}},
		{"Spamhaus DROP, JSON lines", "drop_v4.json", "{\"cidr\":\"8.8.4.0/22\",\"sblid\":\"SBL1\",\"rir\":\"apnic\"}\n{\"cidr\":\"8.8.8.0/24\",\"sblid\":\"SBL2\",\"rir\":\"apnic\"}\n{\"type\":\"metadata\",\"timestamp\":1724112000,\"size\":2,\"records\":2}\n", []string{
			"cidr 8.8.4.0/22", "cidr 8.8.8.0/24", "! object 3: no observable in the object",
		}},
		{"DShield block list", "block.txt", "# comments: info@dshield.org\n#\nStart\tEnd\tNetblock\tAttacks\tName\tCountry\temail\n8.8.4.0\t8.8.4.255\t24\t3017\tNET\tUS\tabuse@example-one.com\n", []string{
			"cidr 8.8.4.0/24 [3017; NET; US; abuse@example-one.com]",
		}},
		{"DShield addresses with zeros", "ipsascii.html", "# source IP  reports  targets  first  last\n008.008.004.009\t1234\t55\t2026-08-01\t2026-08-02\n045.095.146.004\t1\t5\t2026-08-01\t2026-08-02\n", []string{
			"ipAddress 8.8.4.9 first 2026-08-01 (stated) [1234; 55; 2026-08-02]", "ipAddress 45.95.146.4 first 2026-08-01 (stated) [1; 5; 2026-08-02]",
		}},
		{"AlienVault reputation", "reputation.generic", "8.8.4.9 # Malicious Host CN,Beijing,39.9,116.4\n8.8.5.9#4#2#Malicious Host#KR##37.5,126.9#3\n", []string{
			"ipAddress 8.8.4.9 [Malicious Host CN,Beijing,39.9,116.4]", "ipAddress 8.8.5.9 [4#2#Malicious Host#KR##37.5,126.9#3]",
		}},
		{"URLhaus CSV", "csv.txt", "################\r\n# abuse.ch URLhaus Database Dump (CSV - recent URLs only)      #\r\n# Last updated: 2026-08-20 10:00:00 (UTC) #\r\n#\r\n# id,dateadded,url,url_status,last_online,threat,tags,urlhaus_link,reporter\r\n\"3600001\",\"2026-08-20 09:59:00\",\"http://8.8.4.9:33000/bin.sh\",\"online\",\"2026-08-20\",\"malware_download\",\"32-bit,elf\",\"https://urlhaus.abuse.ch/url/3600001/\",\"somebody\"\r\n", []string{
			"url http://8.8.4.9:33000/bin.sh first 2026-08-20T09:59:00Z (stated) [malware_download; 32-bit,elf] <https://urlhaus.abuse.ch/url/3600001/>",
		}},
		{"ThreatFox CSV", "full.csv", "# ThreatFox IOCs: recent indicators of compromise (IOCs) - CSV format #\n# \"first_seen_utc\",\"ioc_id\",\"ioc_value\",\"ioc_type\",\"threat_type\",\"fk_malware\",\"malware_alias\",\"malware_printable\",\"last_seen_utc\",\"confidence_level\",\"reference\",\"tags\",\"anonymous\",\"reporter\"\n\"2026-08-20 10:00:00\", \"1\", \"8.8.4.9:443\", \"ip:port\", \"botnet_cc\", \"win.cobalt_strike\", \"Agentemis\", \"Cobalt Strike\", \"\", \"75\", \"None\", \"c2\", \"0\", \"x\"\n\"2026-08-20 10:00:00\", \"2\", \"" + sha256 + "\", \"sha256_hash\", \"payload\", \"win.x\", \"None\", \"X\", \"\", \"100\", \"None\", \"\", \"0\", \"x\"\n\"2026-08-20 10:00:00\", \"3\", \"ab\", \"sha3_384_hash\", \"payload\", \"win.x\", \"None\", \"X\", \"\", \"100\", \"None\", \"\", \"0\", \"x\"\n", []string{
			"ipAddressPort 8.8.4.9:443 of mention:tool:cobaltstrike first 2026-08-20T10:00:00Z (stated) confidence 75 [botnet_cc; Cobalt Strike; c2]",
			"sha256 " + sha256 + " of mention:tool:x first 2026-08-20T10:00:00Z (stated) confidence 100 [payload; X]",
			"! line 5: no observable: sha3_384_hash",
		}},
		{"ThreatFox JSON: ids as keys", "full.json", `{"1": [{"ioc_value": "8.8.4.9:443", "ioc_type": "ip:port", "malware_printable": "Cobalt Strike", "first_seen_utc": "2026-08-20 10:00:00", "confidence_level": 75, "reference": null, "tags": "c2,cs"}], "2": [{"ioc_value": "https://example-one.com/a", "ioc_type": "url"}]}`, []string{
			"ipAddressPort 8.8.4.9:443 of mention:tool:cobaltstrike first 2026-08-20T10:00:00Z (stated) confidence 75 [Cobalt Strike; c2,cs]", "url https://example-one.com/a",
		}},
		{"URLhaus JSON: ids as keys", "", `{"99":[{"dateadded":"2026-08-20 09:59:00 UTC","url":"http://example-one.com/x","url_status":"online","last_online":null,"threat":"malware_download","tags":["elf","mirai"],"urlhaus_link":"https://urlhaus.abuse.ch/url/99/","reporter":"r"}]}`, []string{
			"url http://example-one.com/x first 2026-08-20T09:59:00Z (stated) [elf mirai; malware_download] <https://urlhaus.abuse.ch/url/99/>",
		}},
		{"Feodo JSON", "ipblocklist.json", `[{"ip_address":"8.8.4.9","port":443,"status":"offline","hostname":"x.example-one.com","as_number":1,"as_name":"N","country":"US","first_seen":"2026-08-01 01:02:03","last_online":"2026-08-02","malware":"QakBot"}]`, []string{
			"ipAddress 8.8.4.9 of mention:tool:qakbot first 2026-08-01T01:02:03Z (stated) [x.example-one.com; QakBot; port 443]",
		}},
		{"Feodo CSV", "ipblocklist.csv", "# Feodo Tracker\n\"first_seen_utc\",\"dst_ip\",\"dst_port\",\"c2_status\",\"last_online\",\"malware\"\n\"2026-08-01 01:02:03\",\"8.8.4.9\",\"443\",\"online\",\"2026-08-02\",\"QakBot\"\n# END 1 entries\n", []string{
			"ipAddress 8.8.4.9 of mention:tool:qakbot first 2026-08-01T01:02:03Z (stated) [dst_port 443; QakBot]",
		}},
		{"SSLBL JA3", "ja3_fingerprints.csv", "# abuse.ch JA3 Fingerprint\n#\n# ja3_md5,Firstseen,Lastseen,Listingreason\n" + md5 + ",2017-07-14 18:08:15,2019-07-27 20:42:54,Adware\n", []string{
			"ja3 " + md5 + " first 2017-07-14T18:08:15Z (stated) [Adware]",
		}},
		{"MalwareBazaar CSV", "full.csv", "# MalwareBazaar full malware samples dump (CSV) #\n# \"first_seen_utc\",\"sha256_hash\",\"md5_hash\",\"sha1_hash\",\"reporter\",\"file_name\",\"file_type_guess\",\"mime_type\",\"signature\",\"clamav\",\"vtpercent\",\"imphash\",\"ssdeep\",\"tlsh\"\n\"2026-08-20 10:00:00\", \"" + sha256 + "\", \"" + md5 + "\", \"" + sha1 + "\", \"r\", \"a.exe\", \"exe\", \"application/x-dosexec\", \"n/a\", \"n/a\", \"n/a\", \"" + md5b + "\", \"3:a:b\", \"T1\"\n", []string{
			"sha256 " + sha256 + " first 2026-08-20T10:00:00Z (stated) [a.exe]", "md5 " + md5 + " first 2026-08-20T10:00:00Z (stated) [a.exe]", "sha1 " + sha1 + " first 2026-08-20T10:00:00Z (stated) [a.exe]",
		}},
		{"OTX CSV", "pulse.csv", "Indicator type,Indicator,Description\nFileHash-SHA256," + sha256 + ",loader\nIPv4,8.8.4.9,\nhostname,a.example-one.com,\nCVE,CVE-2021-44228,\n", []string{
			"sha256 " + sha256 + " [loader]", "ipAddress 8.8.4.9", "domain a.example-one.com", "! line 5: no observable: cve",
		}},
		{"MISP CSV", "misp.csv", "uuid,event_id,category,type,value,comment,to_ids,date,object_relation\n\"u\",1,\"Network activity\",\"ip-dst|port\",\"8.8.4.9|443\",\"C2\",1,1724112000,\"\"\nu,1,x,filename|sha1,a|b.exe|" + sha1 + ",,1,1724112000,\nu,1,x,domain|ip,example-one.com|8.8.5.9,,1,1724112000,\nu,1,x,domain,example-two.com,,0,1724112000,\n", []string{
			"ipAddressPort 8.8.4.9:443 first 2024-08-20T00:00:00Z (stated) [Network activity; C2]", "fileName a|b.exe first 2024-08-20T00:00:00Z (stated) [x]", "sha1 " + sha1 + " first 2024-08-20T00:00:00Z (stated) [x]",
			"domain example-one.com first 2024-08-20T00:00:00Z (stated) [x]", "ipAddress 8.8.5.9 first 2024-08-20T00:00:00Z (stated) [x]", "! line 5: to_ids is false",
		}},
		{"PhishTank JSON: details are none of the site's", "", `[{"phish_id":"1","url":"https://example-one.com/l","phish_detail_url":"http://www.phishtank.com/phish_detail.php?phish_id=1","submission_time":"2026-08-20T10:00:00+00:00","verified":"yes","details":[{"ip_address":"8.8.4.9","cidr_block":"8.8.4.0/24"}],"target":"Other"}]`, []string{
			"url https://example-one.com/l first 2026-08-20T10:00:00Z (stated) <http://www.phishtank.com/phish_detail.php?phish_id=1>",
		}},
		{"a heading that says the wrong thing", "IPC2s.csv", "#ip,ioc\n8.8.4.9,Possible Cobaltstrike C2 IP\n8.8.5.9,Possible Cobaltstrike C2 IP\n", []string{
			"ipAddress 8.8.4.9 [Possible Cobaltstrike C2 IP]", "ipAddress 8.8.5.9 [Possible Cobaltstrike C2 IP]",
		}},
		{"semicolons without headings", "hash-iocs.txt", "# LOKI\n" + md5 + ";Some tool http://a.example-two.com/report\n" + sha256 + ";Other\n", []string{
			"md5 " + md5 + " [Some tool http://a.example-two.com/report]", "sha256 " + sha256 + " [Other]",
		}},
		{"all hashes of a row without headings", "", "2026-08-20," + md5 + "," + sha1 + "," + sha256 + ",a.exe\n", []string{
			"sha1 " + sha1 + " first 2026-08-20 (stated) [a.exe]", "sha256 " + sha256 + " first 2026-08-20 (stated) [a.exe]", "md5 " + md5 + " first 2026-08-20 (stated) [a.exe]",
		}},
		{"bars, as DataPlane has them", "sshclient.txt", "# ASN  ASname\n4134  |  NET  |  8.8.4.9  |  2026-08-20 10:00:00  |  sshclient\n", []string{
			"ipAddress 8.8.4.9 first 2026-08-20T10:00:00Z (stated) [4134; NET; sshclient]",
		}},
		{"Zeek's intelligence", "bad.intel", "#fields\tindicator\tindicator_type\tmeta.source\tmeta.desc\tmeta.url\n8.8.4.9\tIntel::ADDR\tsrc\tscanner\t-\nexample-one.com/x\tIntel::URL\tsrc\t-\thttps://example-two.com/report\n8.8.5.0/24\tIntel::SUBNET\tsrc\t-\t-\n" + md5 + "\tIntel::FILE_HASH\tsrc\t-\t-\nsomebody\tIntel::USER_NAME\tsrc\t-\t-\n", []string{
			"ipAddress 8.8.4.9 [scanner]", "url http://example-one.com/x <https://example-two.com/report>", "cidr 8.8.5.0/24", "md5 " + md5, "! line 6: no observable: intel::user_name",
		}},
		{"sums and names of files", "samples.txt", sha256 + "  a.exe\n" + md5 + " *b.exe\n", []string{"sha256 " + sha256 + " [a.exe]", "md5 " + md5 + " [b.exe]"}},
		{"botvrij", "ioclist.filename", "# botvrij.eu\nexample-one.com # domain - C2\nevil.exe # filename - dropped\n", []string{"domain example-one.com [domain - C2]", "fileName evil.exe [filename - dropped]"}},
		{"Suricata", "emerging.rules", "# Emerging Threats\n#\nalert tcp $HOME_NET any -> [8.8.4.9,8.8.5.9] any (msg:\"ET CNC\"; sid:1;)\nalert dns $HOME_NET any -> any any (msg:\"x\"; dns.query; content:\"example-one|2e|com\"; nocase; sid:2;)\nalert http any any -> any any (msg:\"x\"; content:\"POST\"; sid:3;)\n", []string{
			"ipAddress 8.8.4.9", "ipAddress 8.8.5.9", "domain example-one.com", "! line 5: detection rule without a plain value",
		}},
		{"lists in an object; what is allowed is none", "config.json", `{"version":2,"whitelist":["example-good.com"],"blacklist":["example-one.com","example-two.com"],"fuzzylist":["example-nice.com"]}`, []string{
			"domain example-one.com", "domain example-two.com", "! object 1: list of what is allowed", "! object 3: list of what is allowed",
		}},
		{"a list of values in JSON", "", `["example-one.com", "example-two.com", 7]`, []string{"domain example-one.com", "domain example-two.com"}},
		{"commas before brackets", "config.txt", "{\n\"urls\": [\n{\"url\": \"https://example-one.com/a,}\", },\n],\n}", []string{"url https://example-one.com/a,%7D"}},
		{"values as keys", "", `{"8.8.4.9": 7, "8.8.5.9": 1}`, []string{"ipAddress 8.8.4.9 [value 7]", "ipAddress 8.8.5.9 [value 1]"}},
		{"OTX pulse: what is said outside", "", `{"name":"A pulse","created":"2026-08-20T10:00:00","references":["https://example-two.com/report"],"indicators":[{"id":1,"indicator":"example-one.com","type":"domain","description":""},{"id":2,"indicator":"` + md5 + `","type":"FileHash-MD5"}]}`, []string{
			"domain example-one.com first 2026-08-20T10:00:00Z (stated)", "md5 " + md5 + " first 2026-08-20T10:00:00Z (stated)",
		}},
		{"OpenIOC 1.0", "x.ioc", `<?xml version="1.0"?><ioc xmlns="http://schemas.mandiant.com/2010/ioc" id="a"><short_description>GLASSES</short_description><authored_date>2013-02-01T00:00:00</authored_date><definition><Indicator operator="OR"><IndicatorItem condition="is"><Context document="FileItem" search="FileItem/Md5sum" type="mir"/><Content type="md5">` + md5 + `</Content></IndicatorItem><IndicatorItem condition="contains"><Context document="Network" search="Network/DNS" type="mir"/><Content type="string">example-one.com</Content></IndicatorItem><Indicator operator="AND"><IndicatorItem condition="is"><Context search="FileItem/FileName"/><Content>a.exe</Content></IndicatorItem></Indicator><IndicatorItem condition="isnot"><Context search="PortItem/remoteIP"/><Content>8.8.4.9</Content></IndicatorItem></Indicator></definition></ioc>`, []string{
			"md5 " + md5 + " first 2013-02-01T00:00:00Z (stated) [GLASSES]", "domain example-one.com first 2013-02-01T00:00:00Z (stated) [GLASSES]",
			"! line 1: counts only together with others", "! line 1: negated comparison",
		}},
		{"Markdown", "report.md", "# The report\n\nWe found [this](https://blog.example-good.com/post), at commit " + sha1 + ", calling hxxp://c2[.]example-one.com/gate and 8.8.4[.]9.\n\n## Network\n\n| Domain | Seen |\n|---|---|\n| `example-two.com` | 2026 |\n\n- example-three.com\n- https://blog.example-good.com\n\n```\nexample-four.com\n```\n\n## References\n\n- example-good.com\n\n## Targeted networks\n- 8.8.8.0/24\n", []string{
			"url http://c2.example-one.com/gate [The report]", "ipAddress 8.8.4.9 [The report]", "domain example-two.com [Network]", "domain example-three.com [Network]", "domain example-four.com [Network]",
			"! line 3: reference in a text, not defanged", "! line 3: a revision of a repository", "! line 12: reference in a text, not defanged", "! line 20: reference in a text, not defanged", "! line 23: a target, not an indicator",
		}},
		{"AsciiDoc", "README.adoc", "= IoCs\n\nSee https://blog.example-good.com/x[the blog].\n\n== Network\n\n|===\n|Domain |First seen\n|`+example-one[.]com+` |2026\n|===\n\n----\n" + sha1 + "\n----\n", []string{
			"domain example-one.com [Network]", "sha1 " + sha1 + " [Network]", "! line 3: reference in a text, not defanged",
		}},
		{"HTML", "post.html", "<!DOCTYPE html><html><head><style>x.com</style><script>var a='example-bad.com'</script></head><body><p>See <a href=\"https://blog.example-good.com\">blog.example-good.com</a> and example-one[.]<b>com</b>.</p><table><tr><td>example-two.com</td><td><a href=\"https://example-good.com/r\">https://example-good.com/r</a></td></tr></table><pre>8.8.4.9\nexample-three.com\n</pre></body></html>", []string{
			"domain example-one.com", "domain example-two.com", "ipAddress 8.8.4.9", "domain example-three.com", "! line 1: reference in a text, not defanged", "! line 1: reference in a text, not defanged",
		}},
		{"a list with sentences", "iocs.txt", "Traffic seen:\n- port 443 - example-one[.]com - 8.8.4[.]9\n- hxxps://example-two[.]com/a\n- 8.8.5[.]9\nNothing here to see\n", []string{
			"domain example-one.com [Traffic seen]", "ipAddress 8.8.4.9 [Traffic seen]", "url https://example-two.com/a [Traffic seen]", "ipAddress 8.8.5.9 [Traffic seen]", "! line 5: no observable in the line",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if why := Why([]byte(tt.body), tt.path); why != "" {
				t.Errorf("not recognised: %s", why)
			}
			c, _ := decodeString(t, tt.body, Options{Path: tt.path})
			if diff := cmp.Diff(tt.want, briefs(c)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestMap reads by what the user says of the columns.
func TestMap(t *testing.T) {
	for _, tt := range []struct{ mapping, body, want string }{
		{"Adres=domain,Datum=firstSeen,3=context", "Adres;Datum;Uwagi\nexample-one.com;2026-08-20;bank\n", "domain example-one.com first 2026-08-20 (stated) [bank]"},
		{"2=ipAddress,1=ignore", "8.8.4.9,8.8.5.9\n", "ipAddress 8.8.5.9"},
		{"bad=value,since=firstSeen", `{"bad":"example-one.com","since":"2026-08-20","url":"https://example-good.com/"}`, ""},
	} {
		m, err := ParseMapping(tt.mapping)
		if err != nil {
			t.Fatal(err)
		}
		c, _ := decodeString(t, tt.body, Options{Map: m})
		if got := strings.Join(briefs(c), "\n"); got != tt.want && tt.want != "" {
			t.Errorf("%s: %s, want %s", tt.mapping, got, tt.want)
		}
	}
	for _, bad := range []string{"", "a", "a=", "=value", "0=value", "a=colour"} {
		if m, err := ParseMapping(bad); err == nil {
			t.Errorf("ParseMapping(%q) = %v", bad, m)
		}
	}
}
