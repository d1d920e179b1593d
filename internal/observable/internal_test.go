package observable

import (
	"testing"

	"golang.org/x/net/publicsuffix"
)

// The shortcuts for top-level domains agree with the list of public suffixes.
func TestTLDs(t *testing.T) {
	for _, tld := range []string{
		"com", "net", "org", "info", "biz", "ru", "top", "xyz", "online", "site", "shop", "store", "space", "click", "digital", "cloud", "icu", "cyou", "live", "life", "club", "sbs", "cfd", "website",
		"fun", "pro", "app", "dev", "tech", "world", "link", "today", "vip", "host", "onion", "co", "in", "us", "io", "me", "tk", "cn", "pw", "cc", "ml", "gg", "cf", "ga",
		"gq", "de", "uk", "nl", "fr", "eu", "br", "it", "es", "au", "ca", "ch", "jp", "su", "to", "tv", "id", "ir", "ua", "kr", "tw", "vn",
	} {
		if _, icann := publicsuffix.PublicSuffix(tld); !icann || !commonTLD(tld) {
			t.Errorf("%q: in the list %v, common %v", tld, icann, commonTLD(tld))
		}
	}
	for _, tld := range []string{"bit", "bazar", "lib", "parody", "i2p", "eth"} {
		if knownTLD("x."+tld) || !alternativeTLD(tld) {
			t.Errorf("%q: known %v, alternative %v", tld, knownTLD("x."+tld), alternativeTLD(tld))
		}
	}
	// A file extension that is no top-level domain would be pointless in the list.
	for _, tld := range []string{"py", "sh", "zip", "md", "rs", "pl", "so", "mov", "cab", "pm", "ps", "am", "mk", "mo", "ac", "tf", "inc", "dot", "map", "properties"} {
		if !knownTLD("x."+tld) || !fileExtension(tld) {
			t.Errorf("%q: known %v, file extension %v", tld, knownTLD("x."+tld), fileExtension(tld))
		}
	}
	for name, want := range map[string]bool{"x.ck": true, "x.com.ck": true, "foo.github.io": true, "x.exe": false, "xn--e1afmkfd.xn--p1ai": true, "x.onion": true} {
		if got := knownTLD(name); got != want {
			t.Errorf("knownTLD(%q) = %v", name, got)
		}
	}
}

// specialIPv4 skips the table by the first byte: it must not skip a block.
func TestSpecialIPv4(t *testing.T) {
	for _, b := range specialBlocks {
		if !b.prefix.Addr().Is4() {
			continue
		}
		a := b.prefix.Addr().As4()
		first := uint32(a[0])
		if f := specialIPv4(first<<24 | uint32(a[1])<<16 | uint32(a[2])<<8 | uint32(a[3])); f != b.fault {
			t.Errorf("%v: %v", b.prefix, f)
		}
	}
	for first := uint32(0); first < 256; first++ {
		quick := specialIPv4(first<<24 | 1<<16 | 1<<8 | 1)
		if slow := first == 0 || first == 10 || first == 127 || first >= 224; slow != quick.bad() {
			t.Errorf("%d.1.1.1: %v", first, quick)
		}
	}
}

// Nor does the shortcut for IPv6.
func TestSpecialNetwork(t *testing.T) {
	for _, b := range specialBlocks {
		if f := specialNetwork(b.prefix); f != b.fault {
			t.Errorf("%v: %v; want %v", b.prefix, f, b.fault)
		}
	}
}
