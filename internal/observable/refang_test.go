package observable_test

import (
	"strings"
	"testing"

	"dossier/internal/observable"
)

func TestRefang(t *testing.T) {
	for in, want := range map[string]string{
		"evil.com":                     "evil.com",
		"evil[.]com":                   "evil.com",
		"evil(.)com":                   "evil.com",
		"evil{.}com":                   "evil.com",
		"evil[dot]com":                 "evil.com",
		"evil (DOT) com":               "evil.com",
		"evil[ . ]com":                 "evil.com",
		"evil dot com":                 "evil dot com", // without brackets it is prose
		"evil[[.]]com":                 "evil.com",
		"hxxp://evil.com":              "http://evil.com",
		"hXXps://evil.com":             "https://evil.com",
		"h**p://evil.com":              "http://evil.com",
		"htxp://evil.com":              "http://evil.com",
		"hxxp[:]//evil.com":            "http://evil.com",
		"hxxp[://]evil.com":            "http://evil.com",
		"hxxps[:][/][/]evil.com":       "https://evil.com",
		"HTTP://evil.com":              "HTTP://evil.com", // upper case is no defanging
		"http://x.com/?u=hxxp://y.com": "http://x.com/?u=hxxp://y.com",
		"user[@]evil.com":              "user@evil.com",
		"user(at)evil.com":             "user@evil.com",
		"2606[:]4700[:][:]1":           "2606:4700::1",
		"[2606:4700::1]:80":            "[2606:4700::1]:80",
		"evil．com":                     "evil.com",
		"evil。com":                     "evil.com",
		"e\u200bvil\ufeff.com":         "evil.com",
		"می\u200cخواهم.com":            "می\u200cخواهم.com", // a joiner that means something
		"“evil.com”":                   "evil.com",
		"'(<evil.com>)',;":             "evil.com",
		"(a)(b)":                       "(a)(b)",
		"a(b)":                         "a(b)",
		strings.Repeat("(", 9) + "a" + strings.Repeat(")", 9): strings.Repeat("(", 9) + "a" + strings.Repeat(")", 9),
		"\x00 \n": "",
	} {
		if got := observable.Refang(in); got != want {
			t.Errorf("Refang(%q) = %q; want %q", in, got, want)
		}
	}
}

func TestDefang(t *testing.T) {
	for in, want := range map[string]string{
		"https://evil.com/x.php":           "hxxps://evil[.]com/x.php",
		"http://a.b:c@evil.com:81/@":       "hxxp://a.b:c@evil[.]com:81/@",
		"http://[2606:4700::1]:81/":        "hxxp://[2606[:]4700[:][:]1]:81/",
		"tcp://8.8.8.8:53":                 "tcp[:]//8[.]8[.]8[.]8:53/",
		"ftp://evil.com/":                  "fxp://evil[.]com/",
		"8.8.8.8":                          "8[.]8[.]8[.]8",
		"2606:4700::1":                     "2606[:]4700[:][:]1",
		"8.8.8.0/24":                       "8[.]8[.]8[.]0/24",
		"8.8.8.8:53":                       "8[.]8[.]8[.]8:53",
		"user.name@evil.com":               "user.name[at]evil[.]com",
		"evil.com":                         "evil[.]com",
		"0cc175b9c0f1b6a831c399e269772661": "0cc175b9c0f1b6a831c399e269772661",
	} {
		o, err := observable.Parse(in)
		if err != nil {
			t.Fatal(err)
		}
		got := observable.Defang(o)
		if again, err := observable.Parse(got); got != want || err != nil || again != o {
			t.Errorf("Defang(%q) = %q; want %q; Parse of it = %q, %v", in, got, want, again, err)
		}
	}
}

// A hostile value must not take more than linear time.
func TestRefangHostile(t *testing.T) {
	const n = 1 << 20
	for _, s := range []string{
		strings.Repeat("(", n) + "." + strings.Repeat(")", n),
		strings.Repeat("[.]", n),
		strings.Repeat("]", n),
		strings.Repeat("\"(", n) + strings.Repeat(")\"", n),
		strings.Repeat(" [", n),
		strings.Repeat("\u200d", n),
	} {
		observable.Refang(s)
		observable.Find([]byte(s), func(observable.Observable, int, int) bool { return true })
	}
}
