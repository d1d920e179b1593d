package observable_test

import (
	"strings"
	"testing"

	"dossier/internal/observable"
)

func TestURL(t *testing.T) {
	for _, tt := range []struct {
		in, want string
		reason   observable.Reason
	}{
		{"HTTP://EVIL.com:80", "http://evil.com/", ""},
		{"https://evil.com:443/a", "https://evil.com/a", ""},
		{"https://evil.com:0443/a", "https://evil.com/a", ""},
		{"https://evil.com:80/a", "https://evil.com:80/a", ""},
		{"http://evil.com:/", "http://evil.com/", ""},
		{"http://evil.com./", "http://evil.com/", ""},
		{"http:///evil.com/", "http://evil.com/", ""},  // as browsers do
		{`http:\\evil.com\a`, "http://evil.com/a", ""}, // as browsers do
		{`http://evil.com\a`, "http://evil.com/a", ""},
		{"http://evil.com/a/./b/../c", "http://evil.com/a/c", ""},
		{"http://evil.com/../../a", "http://evil.com/a", ""},
		{"http://evil.com/a/..", "http://evil.com/", ""},
		{"http://evil.com//a//", "http://evil.com//a//", ""}, // not the same file
		{"http://evil.com/%2e%2e/%41%2f%zz%", "http://evil.com/A%2F%25zz%25", ""},
		{"http://evil.com/a b\tc\"[]", "http://evil.com/a%20bc%22%5B%5D", ""},
		{"http://evil.com/ü", "http://evil.com/%C3%BC", ""},
		{"http://evil.com/\xff", "http://evil.com/%FF", ""},
		{"http://evil.com/a#b", "http://evil.com/a", ""},
		{"http://evil.com/?", "http://evil.com/?", ""},
		{"http://evil.com?a=/../b?", "http://evil.com/?a=/../b?", ""},
		{"http://evil.com/?u=http://a.b/#", "http://evil.com/?u=http://a.b/", ""},
		{"http://www.bank.com@evil.com/", "http://www.bank.com@evil.com/", ""}, // the trick is the indicator
		{"ftp://user:p@ss@evil.com/", "ftp://user:p%40ss@evil.com/", ""},
		{"http://@evil.com/", "http://evil.com/", ""},
		{"http://[::FFFF:8.8.8.8]/", "http://8.8.8.8/", ""},
		{"http://[2606:4700::0]:81/", "http://[2606:4700::]:81/", ""},
		{"http://bücher.de/", "http://xn--bcher-kva.de/", ""},
		{"http://ev%69l.com/", "http://evil.com/", ""},
		{"hxxp[://]evil[.]com[/]gate[.]php", "http://evil.com/gate.php", ""},
		{"h**ps://evil.com/", "https://evil.com/", ""},
		{"meow://evil.com/", "http://evil.com/", ""},
		{"fxp://evil.com/", "ftp://evil.com/", ""},
		{"<http://evil.com/a>,", "http://evil.com/a", ""},
		{"(http://evil.com/a)", "http://evil.com/a", ""},
		{"http://evil.com/a_(b)", "http://evil.com/a_(b)", ""},
		{"http://evil.com/a(%2E)b", "http://evil.com/a.b", ""}, // decoding made it look defanged
		{"tcp://8.8.8.8:53", "tcp://8.8.8.8:53/", ""},
		{"stratum+tcp://pool.evil.com:3333", "stratum+tcp://pool.evil.com:3333/", ""},
		{"http://192.168.1.1/x", "", observable.Private},
		{"http://localhost/x", "", observable.NoDot},
		{"http://a.localhost/x", "", observable.Reserved},
		{"http://2130706433/", "", observable.BadAddress},
		{"http://0x7f.1/", "", observable.BadTLD},
		{"http://evil.com:99999/", "", observable.BadPort},
		{"http://[evil.com]/", "", observable.BadURL},
		{"http://", "", observable.BadURL},
		{"javascript:alert(1)//", "", observable.NoDot},
		{"javascript://evil.com/%0aalert(1)", "", observable.BadURL},
		{"http://evil.com/" + strings.Repeat("a", observable.MaxURL), "", observable.TooLong},
		{"http://evil.com/" + strings.Repeat("ü", observable.MaxURL/4), "", observable.TooLong},
	} {
		got, err := observable.ParseAs(observable.URL, tt.in)
		check(t, "ParseAs url", tt.in, got, err, observable.URL, tt.want, tt.reason)
	}
}
