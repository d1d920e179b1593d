package observable_test

import (
	"errors"
	"strings"
	"testing"

	"dossier/internal/observable"
)

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		in     string
		kind   observable.Kind
		want   string            // "" means Parse reports an error
		reason observable.Reason // of the error
	}{
		// names
		{"evil.com", observable.Domain, "evil.com", ""},
		{"EVIL.Com.", observable.Domain, "evil.com", ""},
		{" hXXp[.]evil(dot)com ", observable.Domain, "hxxp.evil.com", ""}, // no scheme without ://
		{"_dmarc.evil.com", observable.Domain, "_dmarc.evil.com", ""},
		{"-x.ab--cd.com", observable.Domain, "-x.ab--cd.com", ""},
		{"r3---sn-4g5.googlevideo.com", observable.Domain, "r3---sn-4g5.googlevideo.com", ""},
		{"bücher.de", observable.Domain, "xn--bcher-kva.de", ""},
		{"xn--BCHER-kva.de", observable.Domain, "xn--bcher-kva.de", ""},
		{"faß.de", observable.Domain, "xn--fa-hia.de", ""}, // not fass.de: non-transitional
		{"xn--a.com", observable.Domain, "xn--a.com", ""},  // no Punycode, and yet in DNS
		{"пример.рф", observable.Domain, "xn--e1afmkfd.xn--p1ai", ""},
		{"evil。com", observable.Domain, "evil.com", ""},
		{"ev\u200bil.com", observable.Domain, "evil.com", ""},
		{"*.evil.com", observable.Domain, "evil.com", ""},
		{".evil.com", observable.Domain, "evil.com", ""},
		{"evil.com:8080", observable.Domain, "evil.com", ""}, // the port is dropped
		{"evil.bit", observable.Domain, "evil.bit", ""},
		{"expyuzz4wqqyqhjn.onion", observable.Domain, "expyuzz4wqqyqhjn.onion", ""},
		{"foo.ck", observable.Domain, "foo.ck", ""}, // the list has only *.ck
		{"github.io", observable.Domain, "github.io", ""},
		{"contoso.com", observable.Domain, "contoso.com", ""},
		{"localhost", "", "", observable.NoDot},
		{"evil", "", "", observable.NoDot},
		{"evil..com", "", "", observable.BadLabel},
		{strings.Repeat("a", 64) + ".com", "", "", observable.BadLabel},
		{strings.Repeat("a.", 126) + "com", "", "", observable.TooLong},
		{"setup.exe", "", "", observable.UnknownTLD},
		{"evil.c0m", "", "", observable.BadTLD},
		{"printer.local", "", "", observable.Reserved},
		{"router.home.arpa", "", "", observable.Reserved},
		{"www.example", "", "", observable.Reserved},
		{"℀.com", "", "", observable.BadLabel}, // IDNA makes a slash of it
		{"*.com", "", "", observable.NoDot},

		// addresses
		{"8.8.8.8", observable.IPAddress, "8.8.8.8", ""},
		{"8[.]8[.]8.8", observable.IPAddress, "8.8.8.8", ""},
		{"::ffff:8.8.8.8", observable.IPAddress, "8.8.8.8", ""}, // mapped addresses are IPv4
		{"[2606:4700:0:0::1]", observable.IPAddress, "2606:4700::1", ""},
		{"2606:4700:0000:0000:0000:0000:0000:ABCD", observable.IPAddress, "2606:4700::abcd", ""},
		{"64:ff9b::808:808", observable.IPAddress, "64:ff9b::808:808", ""},
		{"8.8.8.8/32", observable.IPAddress, "8.8.8.8", ""},
		{"2606:4700::1/128", observable.IPAddress, "2606:4700::1", ""},
		{"192.000.002.007", "", "", observable.BadAddress}, // octal or decimal?
		{"8.8.8", "", "", observable.BadAddress},
		{"8.8.8.8.8", "", "", observable.BadAddress},
		{"8.8.8.256", "", "", observable.BadAddress},
		{"134744072", "", "", observable.Unrecognised},
		{"0x8.0x8.0x8.0x8", "", "", observable.BadTLD},
		{"fe80::1%eth0", "", "", observable.BadAddress},
		{"10.1.2.3", "", "", observable.Private},
		{"172.31.0.1", "", "", observable.Private},
		{"172.32.0.1", observable.IPAddress, "172.32.0.1", ""},
		{"192.168.1.1", "", "", observable.Private},
		{"fd00::1", "", "", observable.Private},
		{"127.0.0.1", "", "", observable.Reserved},
		{"0.0.0.0", "", "", observable.Reserved},
		{"100.64.0.1", "", "", observable.Reserved},
		{"169.254.1.1", "", "", observable.Reserved},
		{"192[.]0[.]2[.]7", "", "", observable.Reserved},
		{"224.0.0.251", "", "", observable.Reserved},
		{"255.255.255.255", "", "", observable.Reserved},
		{"::1", "", "", observable.Reserved},
		{"2001:db8::1", "", "", observable.Reserved},
		{"dead::beef", "", "", observable.Reserved}, // not assigned
		{"64:ff9b::a00:1", "", "", observable.Private},

		// networks
		{"8.8.8.8/24", observable.CIDR, "8.8.8.0/24", ""},
		{"2606:4700::1/32", observable.CIDR, "2606:4700::/32", ""},
		{"::ffff:8.8.8.8/120", observable.CIDR, "8.8.8.0/24", ""},
		{"192.0.0.0/16", observable.CIDR, "192.0.0.0/16", ""}, // special only in part
		{"8.0.0.0/7", "", "", observable.TooBroad},
		{"2606::/15", "", "", observable.TooBroad},
		{"10.0.0.0/8", "", "", observable.Private},
		{"8.8.8.8/33", "", "", observable.BadAddress},
		{"8.8.8.8/024", "", "", observable.BadAddress},

		// addresses with ports
		{"8.8.8.8:8080", observable.IPPort, "8.8.8.8:8080", ""},
		{"8.8.8[.]8[:]080", observable.IPPort, "8.8.8.8:80", ""},
		{"[2606:4700::0001]:443", observable.IPPort, "[2606:4700::1]:443", ""},
		{"[::ffff:8.8.8.8]:443", observable.IPPort, "8.8.8.8:443", ""},
		{"8.8.8.8:0", "", "", observable.BadPort},
		{"8.8.8.8:65536", "", "", observable.BadPort},
		{"127.0.0.1:80", "", "", observable.Reserved},

		// hashes
		{"0CC175B9C0F1B6A831C399E269772661", observable.MD5, "0cc175b9c0f1b6a831c399e269772661", ""},
		{"86f7e437faa5a7fce15d1ddcb9eaeaea377667b8", observable.SHA1, "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8", ""},
		{strings.Repeat("0a", 32), observable.SHA256, strings.Repeat("0a", 32), ""},
		{strings.Repeat("0a", 64), observable.SHA512, strings.Repeat("0a", 64), ""},
		{"d41d8cd98f00b204e9800998ecf8427e", "", "", observable.Placeholder},
		{strings.Repeat("0", 64), "", "", observable.Placeholder},
		{strings.Repeat("0a", 31), "", "", observable.Unrecognised},

		// e-mail
		{"John.Doe+x@EVIL.com", observable.Email, "John.Doe+x@evil.com", ""}, // the local part keeps its case
		{"user[at]evil[.]com", observable.Email, "user@evil.com", ""},
		{"user [at] evil [dot] com", observable.Email, "user@evil.com", ""},
		{"mailto:user@evil.com?subject=x", "", "", observable.Unrecognised}, // ParseAs takes it
		{"mailto:user@evil.com", observable.Email, "user@evil.com", ""},
		{"mailto:o'brien@evil.com", observable.Email, "o'brien@evil.com", ""},
		{"'user@evil.com'", observable.Email, "user@evil.com", ""},
		{"mailto:'@evil.com", "", "", observable.BadEmail}, // the quotation mark alone would vanish
		{"user@evil.exe", "", "", observable.UnknownTLD},
		{".user@evil.com", "", "", observable.BadEmail},
		{"a@b@evil.com", "", "", observable.BadEmail},
		{"user@8.8.8.8", "", "", observable.WrongKind},

		// URLs
		{"hxxps://evil[.]com", observable.URL, "https://evil.com/", ""},
		{"evil.com/path", observable.URL, "http://evil.com/path", ""},
		{"evil.com:8080/path", observable.URL, "http://evil.com:8080/path", ""},
		{"evil.com?x", observable.URL, "http://evil.com/?x", ""},
		{"8.8.8.8/x", observable.URL, "http://8.8.8.8/x", ""},
		{"//evil.com/x", observable.URL, "http://evil.com/x", ""},
		{"http://c2.evil.typo/x", observable.URL, "http://c2.evil.typo/x", ""}, // a scheme says that it is meant
		{"tests/run.sh/x", "", "", observable.NoDot},
		{"*.evil.com/x", "", "", observable.BadLabel}, // a pattern
		{"notes.txt/x", "", "", observable.UnknownTLD},
		{"a/b", "", "", observable.NoDot},

		{"", "", "", observable.Empty},
		{" \"' ", "", "", observable.Empty},
		{"not an observable", "", "", observable.Unrecognised},
		{"\xff.com", "", "", observable.NotUTF8},
		{strings.Repeat("a", observable.MaxInput+1), "", "", observable.TooLong},
	} {
		got, err := observable.Parse(tt.in)
		check(t, "Parse", tt.in, got, err, tt.kind, tt.want, tt.reason)
	}
}

func TestParseAs(t *testing.T) {
	for _, tt := range []struct {
		kind   observable.Kind
		in     string
		want   string
		reason observable.Reason
	}{
		{observable.Domain, "evil.typo", "evil.typo", ""},
		{observable.Domain, "dwsupport.servecom", "dwsupport.servecom", ""},
		{observable.Domain, "evil[.]com:443", "evil.com", ""},
		{observable.Domain, "8.8.8.8", "", observable.WrongKind},
		{observable.Domain, "8.8.8.8:80", "", observable.WrongKind},
		{observable.Domain, "2606:4700::1", "", observable.WrongKind},
		{observable.Domain, "http://evil.com/", "", observable.WrongKind},
		{observable.Domain, "evil.com:http", "", observable.BadPort},
		{observable.Domain, "evil com", "", observable.BadLabel},
		{observable.IPAddress, "evil.com", "", observable.BadAddress},
		{observable.IPAddress, "8.8.8.0/24", "", observable.WrongKind},
		{observable.IPAddress, "2606:4700::/32", "", observable.WrongKind},
		{observable.IPAddress, "8.8.8.8/32", "8.8.8.8", ""},
		{observable.Domain, "*evil.com", "", observable.BadLabel}, // who knows which
		{observable.IPPort, "8.8.8.8|80", "8.8.8.8:80", ""},       // MISP
		{observable.IPPort, "2606:4700::1|80", "[2606:4700::1]:80", ""},
		{observable.IPPort, "2606:4700::1:80", "", observable.BadAddress}, // where does the address end?
		{observable.IPPort, "evil.com:80", "", observable.BadAddress},
		{observable.URL, "evil.com", "http://evil.com/", ""},
		{observable.Email, "user@evil.typo", "user@evil.typo", ""},

		{observable.MD5, "0C:C1:75:B9:C0:F1:B6:A8:31:C3:99:E2:69:77:26:61", "0cc175b9c0f1b6a831c399e269772661", ""},
		{observable.MD5, "0cc175b9c0f1b6a831c399e26977266", "", observable.BadLength},
		{observable.MD5, "0cc175b9c0f1b6a831c399e26977266g", "", observable.BadCharacter},
		{observable.JA3, "0cc175b9c0f1b6a831c399e269772661", "0cc175b9c0f1b6a831c399e269772661", ""},
		{observable.JARM, strings.Repeat("0", 62), "", observable.Placeholder}, // no TLS there
		{observable.JARM, strings.Repeat("2a", 31), strings.Repeat("2a", 31), ""},
		{observable.CertSHA1, "86 f7 e4 37 fa a5 a7 fc e1 5d 1d dc b9 ea ea ea 37 76 67 b8", "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8", ""},
		{observable.SHA256, "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8", "", observable.BadLength},

		{observable.URLPath, "/gate.php?id=%7e#x", "/gate.php?id=~", ""},
		{observable.URLPath, "gate.php", "/gate.php", ""},
		{observable.URLPath, "/USER-ПК/x", "/USER-%D0%9F%D0%9A/x", ""},
		{observable.URLPath, "/Steal%Keys.ps1", "/Steal%25Keys.ps1", ""},
		{observable.URLPath, "/", "", observable.Placeholder},
		{observable.URLPath, "http://evil.com/x", "", observable.WrongKind},

		{observable.FileName, " Setup.EXE\x00", "Setup.EXE", ""},
		{observable.FileName, "a\tb", "a b", ""},
		{observable.FileName, "n/a", "", observable.Placeholder},
		{observable.FileName, "\xff", "", observable.NotUTF8},
		{observable.FileName, strings.Repeat("a", observable.MaxText+1), "", observable.TooLong},
		{observable.Mutex, `Global\{E3D3[.]9}`, `Global\{E3D3[.]9}`, ""}, // text is not refanged
		{observable.RegistryKey, `HKLM\Software\Evil\`, `HKEY_LOCAL_MACHINE\Software\Evil`, ""},
		{observable.RegistryKey, `hkcu:\\Software`, `HKEY_CURRENT_USER\Software`, ""},
		{observable.RegistryKey, `Computer\HKEY_Users\S-1`, `HKEY_USERS\S-1`, ""},
		{observable.RegistryKey, `\REGISTRY\MACHINE\SYSTEM`, `HKEY_LOCAL_MACHINE\SYSTEM`, ""},
		{observable.RegistryKey, `HKLMX\Evil`, `HKLMX\Evil`, ""},
		{observable.Cryptocurrency, "BC1QAR0SRRR7XFKVY5L643LYDNW9RE59GTZZWF5MDQ", "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq", ""},
		{observable.Cryptocurrency, "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", ""},
		{observable.Cryptocurrency, "short", "", observable.BadLength},
		{observable.Other, "anything", "anything", ""},
		{"nonsense", "anything", "", observable.UnknownKind},
	} {
		got, err := observable.ParseAs(tt.kind, tt.in)
		check(t, "ParseAs "+string(tt.kind), tt.in, got, err, tt.kind, tt.want, tt.reason)
	}
	if o, err := observable.ParseAs(observable.CIDR, "8.8.8.8/32"); err != nil || o != (observable.Observable{observable.IPAddress, "8.8.8.8"}) {
		t.Errorf("a network of one address is %v, %v", o, err)
	}
}

func check(t *testing.T, f, in string, got observable.Observable, err error, kind observable.Kind, want string, reason observable.Reason) {
	t.Helper()
	if want == "" {
		if e := new(observable.Error); !errors.As(err, &e) || e.Reason != reason || len(e.Input) > 130 {
			t.Errorf("%s(%.60q) = %q, %v; want reason %q", f, in, got, err, reason)
		}
		return
	}
	if err != nil || got.Kind != kind || got.Value != want {
		t.Errorf("%s(%.60q) = %q, %v; want %s %q", f, in, got, err, kind, want)
	}
}

func TestID(t *testing.T) {
	o := observable.Observable{observable.Domain, "contoso.com"}
	if got, want := o.ID(), "d64e4857-e1d4-59a2-84ac-4d6e850595d2"; got != want {
		t.Errorf("ID = %s; want %s: identifiers must never change", got, want)
	}
	if o.ID() == (observable.Observable{observable.Other, "contoso.com"}).ID() {
		t.Error("the kind is not part of the ID")
	}
}

func TestHost(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want observable.Observable
	}{
		{"https://user:p@evil.com:8443/a@b:c", observable.Observable{observable.Domain, "evil.com"}},
		{"http://[2606:4700::1]:8080/", observable.Observable{observable.IPAddress, "2606:4700::1"}},
		{"http://[2606:4700::1]/", observable.Observable{observable.IPAddress, "2606:4700::1"}},
		{"http://8.8.8.8:8080/?@", observable.Observable{observable.IPAddress, "8.8.8.8"}},
		{"8.8.8.8:53", observable.Observable{observable.IPAddress, "8.8.8.8"}},
		{"[2606:4700::1]:53", observable.Observable{observable.IPAddress, "2606:4700::1"}},
		{"a@evil.com", observable.Observable{observable.Domain, "evil.com"}},
		{"evil.com", observable.Observable{}}, // is one
	} {
		o, err := observable.Parse(tt.in)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := o.Host(); got != tt.want || ok != (tt.want.Value != "") {
			t.Errorf("Host of %q = %q, %v; want %q", tt.in, got, ok, tt.want)
		}
	}
}

func TestRegistrableDomain(t *testing.T) {
	for in, want := range map[string]string{
		"a.b.evil.co.uk":  "evil.co.uk",
		"A.Evil.com.":     "evil.com",
		"a.foo.github.io": "foo.github.io",
		"github.io":       "github.io", // a suffix is its own
		"com":             "com",
		"a.evil.bit":      "evil.bit",
		"8.8.8.8":         "8.8.8.8",
		"2606:4700::1":    "2606:4700::1",
		"":                "",
	} {
		if got := observable.RegistrableDomain(in); got != want {
			t.Errorf("RegistrableDomain(%q) = %q; want %q", in, got, want)
		}
	}
}
