package observable

import (
	"strings"
	"testing"
)

var seeds = []string{
	"", "evil.com", "EVIL.com.", "hxxps://evil[.]com/a%2e/../b?x=%7e#f", "1[.]2[.]3[.]4:8080", "8.8.8.0/24", "[2606:4700::1]:443",
	"::ffff:8.8.8.8", "user[at]evil(dot)com", "Bücher.de", "xn--a.com", "http://evil.com/((%2E))", "*.evil.com:80", "h**p[:]//evil[.]com",
	"evil。com", "ev\u200bil.com", "\"(evil.com)\",", "http://a@b@[2606::1]:80\\x", "d41d8cd98f00b204e9800998ecf8427f", "mailto:a@b.com?subject=x",
	"https://evil.com./%41%zz é", "http://℀.com", "a\u200d.com", "(((((((((evil.com)))))))))", "[ [.] ]", "2606:4700::/32", "tcp://8.8.8.8:53",
	"Seen at evil.com, http://evil.com/x_(y). And 1.2.3.4:80; user+tag@evil.com (see <http://[2606::1]/>).",
	"访问evil.com。另外 see config.py, ASP.NET, setup[.]sh, /usr/lib/evil.com 8.8.8.8.8 8.8.8.8.",
	"HKLM:\\\\Software\\x\\", "\x00\xff\u2028", "AA:BB cc-dd", "1.2.3.4|80",
}

// Canonical is canonical, whichever way a value came in.
func FuzzParse(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if o, err := Parse(s); err == nil {
			if again, err := Parse(o.Value); err != nil || again != o {
				t.Errorf("Parse(%q) = %q, but Parse of that = %q, %v", s, o, again, err)
			}
			if again, err := ParseAs(o.Kind, o.Value); err != nil || again != o {
				t.Errorf("Parse(%q) = %q, but ParseAs of that = %q, %v", s, o, again, err)
			}
			checkObservable(t, s, o)
		}
		for _, k := range kinds {
			o, err := ParseAs(k, s)
			if err != nil {
				continue
			}
			if again, err := ParseAs(o.Kind, o.Value); err != nil || again != o {
				t.Errorf("ParseAs(%q, %q) = %q, but ParseAs of that = %q, %v", k, s, o, again, err)
			}
			if o.Kind != k && !(k == CIDR && o.Kind == IPAddress) {
				t.Errorf("ParseAs(%q, %q) = %q", k, s, o)
			}
			checkObservable(t, s, o)
		}
	})
}

func checkObservable(t *testing.T, s string, o Observable) {
	if o.Value == "" || len(o.Value) > MaxURL {
		t.Errorf("%q gives a value of %d bytes", s, len(o.Value))
	}
	if d := Defang(o); d != o.Value || o.Kind == URL {
		if again, err := ParseAs(o.Kind, d); err != nil || again != o {
			t.Errorf("Defang(%q) = %q, but ParseAs of that = %q, %v", o, d, again, err)
		}
	}
	h, ok := o.Host()
	if want := o.Kind == URL || o.Kind == IPPort || o.Kind == Email; ok != want {
		t.Errorf("Host of %q: %v", o, ok)
	}
	if ok {
		if again, err := ParseAs(h.Kind, h.Value); err != nil || again != h {
			t.Errorf("Host of %q is %q, but ParseAs of that is %q, %v", o, h, again, err)
		}
		if r := RegistrableDomain(h.Value); !strings.HasSuffix(h.Value, r) || r == "" {
			t.Errorf("RegistrableDomain(%q) = %q", h.Value, r)
		}
	}
}

func FuzzRefang(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		once := Refang(s)
		if twice := Refang(once); twice != once {
			t.Errorf("Refang(%q) = %q, but Refang of that = %q", s, once, twice)
		}
	})
}

// What is found stands where Find says, and alone it is the same observable.
func FuzzFind(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		last := 0
		Find(text, func(o Observable, start, end int) bool {
			if start < last || end <= start || end > len(text) {
				t.Fatalf("Find(%q): %q at %d to %d, after %d", text, o, start, end, last)
			}
			last = end
			if p, err := Parse(string(text[start:end])); err != nil || p != o {
				t.Errorf("Find(%q) = %q at %q, but Parse of that = %q, %v", text, o, text[start:end], p, err)
			}
			return true
		})
		n := 0
		Find(text, func(Observable, int, int) bool { n++; return false })
		if n > 1 {
			t.Errorf("Find(%q) goes on after yield returned false", text)
		}
	})
}

var kinds = []Kind{
	Domain, IPAddress, CIDR, IPPort, URL, Email, MD5, SHA1, SHA256, SHA512, JA3, JA3S, JARM, CertSHA1, CertSHA256,
	URLPath, FileName, FilePath, Mutex, RegistryKey, UserAgent, Cryptocurrency, Other,
}
