package lists

import (
	"strings"
	"unicode"

	"dossier/internal/observable"
)

// A role is what a column holds.
type role int

const (
	isIgnored  role = iota
	isValue         // an observable, of the kind in the row's type column, or judged by form
	isTyped         // an observable of a fixed kind
	isTypeName      // what the value is
	isFirstSeen
	isAdded // a date that stands for the first where there is no other
	isLastSeen
	isValidUntil
	isConfidence
	isMarking // TLP
	isContext
	isReference
	isActorName
	isToolName
	isRelease // a title of the report, which may name an actor
	isActive  // FALSE withdraws
	isToIDs   // FALSE: not for detection
)

// A column is a column's role, and the kind of its observables.
type column struct {
	role role
	kind observable.Kind
	head string
}

// heads maps what columns are called, in lower case without separators.
var heads = func() map[string]column {
	m := make(map[string]column)
	add := func(r role, k observable.Kind, names string) {
		for _, n := range strings.Fields(names) {
			m[n] = column{role: r, kind: k}
		}
	}
	add(isValue, "", "value ioc iocvalue indicator indicatorvalue observable observablevalue artifact host dsthost entity address addresses")
	add(isTyped, observable.Domain, "domain domains domainname domainnames fqdn fqdns hostname hostnames c2domain phishingdomain maliciousdomain domainaddress adresdomeny")
	add(isTyped, observable.IPAddress, "ip ips ipaddress ipaddresses ipaddr ipv4 ipv6 ipv4s ipv6s dstip srcip destip destinationip sourceip attackerip badip maliciousip c2ip clientip")
	add(isTyped, observable.CIDR, "cidr cidrs subnet network netblock prefix iprange")
	add(isTyped, observable.URL, "url urls c2url phishingurl phishurl maliciousurl malwareurl")
	add(isTyped, observable.Email, "email emails emailaddress emailaddresses senderaddress fromaddress")
	add(isTyped, observable.MD5, "md5 md5hash hashmd5 md5s filehashmd5 md5sum")
	add(isTyped, observable.SHA1, "sha1 sha1hash hashsha1 sha1s filehashsha1 sha1sum")
	add(isTyped, observable.SHA256, "sha256 sha256hash hashsha256 sha256s filehashsha256 sha256sum")
	add(isTyped, observable.SHA512, "sha512")
	add(isTyped, observable.JA3, "ja3 ja3md5 ja3hash ja3fingerprint")
	add(isTyped, observable.JA3S, "ja3s")
	add(isTyped, observable.JARM, "jarm")
	add(isTyped, "", "hash hashes filehash filehashes c2 c2s c2server c2address cnc")
	add(isTypeName, "", "type entitytype ioctype indicatortype kind observabletype artifacttype valuetype")
	add(isFirstSeen, "", "firstseen firstseenutc timegenerated validfrom seen listingdate date timestamp datetime time submissiontime firstreported firstobserved discovered datefirstseen datawpisu insertdate")
	add(isAdded, "", "dateadded added created createdat creationdate addedat")
	add(isLastSeen, "", "lastseen lastseenutc lastonline lastreported lastobserved")
	add(isValidUntil, "", "expirationdatetime validuntil expiration expires expirydate")
	add(isConfidence, "", "confidencescore confidence confidencelevel")
	add(isMarking, "", "trafficlightprotocollevel tlp tlplevel")
	add(isContext, "", "description notes note comment comments tags tag threattype category listingreason reason threat role filename port dstport threattypedesc metadesc details")
	add(isReference, "", "reference references source sourceurl link links tweet permalink report urlhauslink urlhausreference phishdetailurl detailurl referencelink metaurl metasource refs article externalanalysis")
	add(isActorName, "", "activitygroupnames activitygroup actor threatactor threatactorname group attribution")
	add(isToolName, "", "malwarefamily malware malwareprintable family toolname")
	add(isRelease, "", "release campaign")
	add(isActive, "", "active")
	add(isToIDs, "", "toids")
	return m
}()

// kindNames maps what rows say that a value is. "" leaves it to the form.
var kindNames = map[string]observable.Kind{
	"domain": observable.Domain, "domainname": observable.Domain, "hostname": observable.Domain, "fqdn": observable.Domain, "host": observable.Domain,
	"ip": observable.IPAddress, "ipaddress": observable.IPAddress, "ipv4": observable.IPAddress, "ipv6": observable.IPAddress,
	"ipdst": observable.IPAddress, "ipsrc": observable.IPAddress, "ipport": observable.IPPort, "ipv4address": observable.IPAddress,
	"cidr": observable.CIDR, "url": observable.URL, "uri": observable.URL, "email": observable.Email, "emailaddress": observable.Email,
	"emailsender": observable.Email, "emailwhois": observable.Email, "emailregistrant": observable.Email, "emailsrc": observable.Email, "md5": observable.MD5, "sha1": observable.SHA1, "sha256": observable.SHA256,
	"sha512": observable.SHA512, "md5hash": observable.MD5, "sha1hash": observable.SHA1, "sha256hash": observable.SHA256,
	"filehashmd5": observable.MD5, "filehashsha1": observable.SHA1, "filehashsha256": observable.SHA256, "filehashsha512": observable.SHA512,
	"ipsrcport": observable.IPPort, "ipdstport": observable.IPPort, "ip4": observable.IPAddress, "ip6": observable.IPAddress, "dns": observable.Domain, "c2": "",
	"network": observable.CIDR, "subnet": observable.CIDR, "netblock": observable.CIDR, "iprange": observable.CIDR, "ipv4net": observable.CIDR, "ipv4cidr": observable.CIDR, "ipv6cidr": observable.CIDR,
	"emaildst": observable.Email, "emailreplyto": observable.Email, "xmr": observable.Cryptocurrency, "bitcoinaddress": observable.Cryptocurrency, "btcaddress": observable.Cryptocurrency,
	"x509fingerprintsha1": observable.CertSHA1, "x509fingerprintsha256": observable.CertSHA256, "sslcertificatesha1": observable.CertSHA1, "sslcertfingerprint": observable.CertSHA1,
	"ja3fingerprintmd5": observable.JA3, "jarmfingerprint": observable.JARM, "urlpath": observable.URLPath, "malwaresample": observable.MD5,
	// Zeek's intelligence framework.
	"inteladdr": observable.IPAddress, "intelsubnet": observable.CIDR, "intelurl": observable.URL, "intelsoftware": observable.UserAgent, "intelemail": observable.Email,
	"inteldomain": observable.Domain, "intelfilehash": "", "intelfilename": observable.FileName, "intelcerthash": observable.CertSHA1, "intelja3": observable.JA3,
	"file": "", "hash": "", "filehash": "", "filepath": observable.FilePath, "filename": observable.FileName, "mutex": observable.Mutex,
	"ja3": observable.JA3, "ja3s": observable.JA3S, "jarm": observable.JARM, "useragent": observable.UserAgent, "registrykey": observable.RegistryKey,
	"regkey": observable.RegistryKey, "btc": observable.Cryptocurrency, "wallet": observable.Cryptocurrency, "": "", "other": "", "unknown": "",
}

// folded returns a heading or a name of a kind as the tables have it.
func folded(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
}

// columnsOf reads a row of headings; ok tells that a column of observables is
// among them.
func columnsOf(row []string) (cols []column, ok bool) {
	for _, h := range row {
		c := heads[folded(strings.TrimPrefix(h, "#"))]
		c.head = strings.TrimSpace(h)
		ok = ok || c.role == isValue || c.role == isTyped
		cols = append(cols, c)
	}
	return cols, ok
}

// unsafe are parts of headings of columns that look like observables and are
// none: keys have the length of hashes.
var unsafe = []string{"key", "token", "password", "secret", "guid", "uuid", "signature", "cookie", "wallet", "price", "watermark", "commit", "revision", "imphash", "ssdeep", "tlsh", "authentihash", "pehash", "telfhash", "dhash"}

func guessable(head string) bool {
	h := folded(head)
	for _, u := range unsafe {
		if strings.Contains(h, u) {
			return false
		}
	}
	return true
}
