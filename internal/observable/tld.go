package observable

import (
	"strings"

	"golang.org/x/net/publicsuffix"
)

// public refuses a name, as the canonical functions return it, whose top-level domain does not exist.
func public(name string, f fault) (string, fault) {
	if !f.bad() && !knownTLD(name) && !alternativeTLD(name[strings.LastIndexByte(name, '.')+1:]) {
		return "", fault{UnknownTLD, ""}
	}
	return name, f
}

// checkTLD looks at the end of a canonical name.
func checkTLD(name string) fault {
	tld := name[strings.LastIndexByte(name, '.')+1:]
	if len(tld) < 2 || !allOf(tld, hexLetter|letter) && !strings.HasPrefix(tld, "xn--") {
		return fault{BadTLD, "no top-level domain looks like this"}
	}
	switch tld {
	case "test", "invalid", "localhost", "local", "localdomain", "internal", "example":
		return fault{Reserved, "not a public name"}
	case "arpa":
		if strings.HasSuffix("."+name, ".home.arpa") {
			return fault{Reserved, "not a public name"}
		}
	}
	return fault{}
}

// knownTLD reports whether the top-level domain of a canonical name is in the ICANN section of the public suffix list.
func knownTLD(name string) bool {
	i := strings.LastIndexByte(name, '.')
	tld := name[i+1:]
	if commonTLD(tld) {
		return true
	}
	if _, icann := publicsuffix.PublicSuffix(tld); icann {
		return true
	}
	// Where all suffixes are of two labels (*.ck), the list knows the top-level domain by them only.
	_, icann := publicsuffix.PublicSuffix(name[strings.LastIndexByte(name[:max(i, 0)], '.')+1:])
	return icann
}

// commonTLD answers for nine names in ten in a few nanoseconds, where the list takes 90 and an allocation. It holds those that are
// most common in feeds; a test holds it to the list.
func commonTLD(tld string) bool {
	switch tld {
	case "com", "net", "org", "info", "biz", "ru", "top", "xyz", "online", "site", "shop", "store", "space", "click", "digital", "cloud", "icu", "cyou", "live", "life", "club", "sbs", "cfd", "website",
		"fun", "pro", "app", "dev", "tech", "world", "link", "today", "vip", "host", "onion", "co", "in", "us", "io", "me", "tk", "cn", "pw", "cc", "ml", "gg", "cf", "ga",
		"gq", "de", "uk", "nl", "fr", "eu", "br", "it", "es", "au", "ca", "ch", "jp", "su", "to", "tv", "id", "ir", "ua", "kr", "tw", "vn":
		return true
	}
	return false
}

// alternativeTLD reports whether there are names under tld outside ICANN's root: OpenNIC, Namecoin, Emercoin, I2P and ENS. Malware uses them.
// The onion is in the list of public suffixes.
func alternativeTLD(tld string) bool {
	switch tld {
	case "bit", // Namecoin
		"bazar", "coin", "emc", "lib", // Emercoin
		"bbs", "chan", "cyb", "dyn", "epic", "geek", "gopher", "indy", "libre", "neo", "null", "oss", "oz", "parody", "pirate", // OpenNIC
		"i2p", "eth":
		return true
	}
	return false
}
