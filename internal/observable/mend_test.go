package observable_test

import (
	"strings"
	"testing"

	"dossier/internal/observable"
)

// TestMend has the forms that other programs' tables and users' issues tell of, and what must stay refused.
func TestMend(t *testing.T) {
	sha256 := strings.Repeat("0a", 32)
	for _, tt := range []struct {
		in     string
		kind   observable.Kind
		want   string
		reason observable.Reason
	}{
		// backslashes of regular expressions and of JSON
		{`evil\.com`, observable.Domain, "evil.com", ""},
		{`www\.evil\.com`, observable.Domain, "www.evil.com", ""},
		{`8\.8\.8\.8`, observable.IPAddress, "8.8.8.8", ""},
		{`evil\.com/path`, observable.URL, "http://evil.com/path", ""},
		{`https:\/\/evil.com\/a.php`, observable.URL, "https://evil.com/a.php", ""},
		{`http:\\evil.com\a`, observable.URL, "http://evil.com/a", ""},

		// half brackets, and brackets the wrong way round
		{"evil[.com", observable.Domain, "evil.com", ""},
		{"www.]evil.]com", observable.Domain, "www.evil.com", ""},
		{"www].[evil].[com", observable.Domain, "www.evil.com", ""},
		{"www[.[evil[.[com", observable.Domain, "www.evil.com", ""},
		{`8\.)8[.8.)8`, observable.IPAddress, "8.8.8.8", ""},
		{"8[.8[.8.]8", observable.IPAddress, "8.8.8.8", ""},
		{"http://evil[.com/a[.]b", observable.URL, "http://evil.com/a.b", ""},
		{"me@evil[.com", observable.Email, "me@evil.com", ""},
		{"me @evil[.)com", observable.Email, "", observable.BadEmail}, // a space is no bracket

		// other things in brackets
		{"evil[,]com", observable.Domain, "evil.com", ""},
		{"8[,]8(,)8.8", observable.IPAddress, "8.8.8.8", ""},
		{"evil(punto)com", observable.Domain, "evil.com", ""},
		{"me [arroba] evil [punkt] com", observable.Email, "me@evil.com", ""},
		{"me(et)evil.com", observable.Email, "me@evil.com", ""},
		{"foo[-]bar.com", observable.Domain, "foo-bar.com", ""},
		{"foo[-]bar.com:80/.well-known/x", observable.URL, "http://foo-bar.com/.well-known/x", ""},

		// edges
		{"(evil.com", observable.Domain, "evil.com", ""},
		{"evil.com]", observable.Domain, "evil.com", ""},
		{"Evil User <user@evil.com>", observable.Email, "user@evil.com", ""},
		{"8.8.8.8.", observable.IPAddress, "8.8.8.8", ""},
		{"8.8.8..", "", "", observable.BadAddress},

		// schemes
		{"http//evil.com/x", observable.URL, "http://evil.com/x", ""},
		{"https:/evil.com/x", observable.URL, "https://evil.com/x", ""},
		{"http__evil[.com/x", observable.URL, "http://evil.com/x", ""},
		{"[http]://evil.com/x", observable.URL, "http://evil.com/x", ""},
		{"(https)://evil.com/x", observable.URL, "https://evil.com/x", ""},
		{"hxxp[s]://evil[.]com/x", observable.URL, "https://evil.com/x", ""},
		{"http ://evil.com/x", observable.URL, "http://evil.com/x", ""},
		{"http:// evil.com/x", observable.URL, "http://evil.com/x", ""},
		{"http:// evil .com /x", observable.URL, "http://evil.com/x", ""}, // Cisco ESA
		{"xxxx://evil.com/x", observable.URL, "http://evil.com/x", ""},
		{"xxxxs://evil[.]com/", observable.URL, "https://evil.com/", ""},
		{"http%3A%2F%2Fevil%2Ecom%2Fpath", observable.URL, "http://evil.com/path", ""},

		// hashes and networks
		{"SHA256:" + strings.ToUpper(sha256), observable.SHA256, sha256, ""},
		{"md5: 0cc175b9c0f1b6a831c399e269772661", observable.MD5, "0cc175b9c0f1b6a831c399e269772661", ""},
		{"md5:" + sha256, "", "", observable.BadPort},
		{"8.8.8.0/255.255.255.0", observable.CIDR, "8.8.8.0/24", ""},
		{"8.8.8.8/255.255.255.255", observable.IPAddress, "8.8.8.8", ""},
		{"10.0.0.0/255.0.0.0", "", "", observable.Private},
		{"8.8.8.0/255.0.255.0", observable.URL, "http://8.8.8.0/255.0.255.0", ""}, // no mask

		// what stays refused, or what it was
		{"evil dot com", "", "", observable.Unrecognised},
		{"evil .com", "", "", observable.Unrecognised},
		{"bad-dot-com", "", "", observable.NoDot},
		{"evil,com", "", "", observable.Unrecognised},
		{"evil.com(malware)", "", "", observable.Unrecognised},
		{"http://192[.168.1.1/", "", "", observable.Private},
		{`C:\Users\.ssh`, "", "", observable.NoDot},
		{`\\server\.share`, "", "", observable.NoDot},
		{"javascript:/evil.com", "", "", observable.NoDot},
		{"http__evil.com/x", observable.URL, "http://http__evil.com/x", ""}, // there are names with underscores
		{"http://evil.com/a[-]b", observable.URL, "http://evil.com/a%5B-%5Db", ""},
		{"http://evil.com/(punto)", observable.URL, "http://evil.com/(punto)", ""},
	} {
		got, err := observable.Parse(tt.in)
		check(t, "Parse", tt.in, got, err, tt.kind, tt.want, tt.reason)
		if tt.want == "" {
			continue
		}
		if as, err := observable.ParseAs(tt.kind, tt.in); tt.kind != observable.IPAddress && (err != nil || as != got) {
			t.Errorf("ParseAs(%s, %q) = %q, %v", tt.kind, tt.in, as, err)
		}
	}
}
