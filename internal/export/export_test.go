package export

import (
	"bytes"
	"iter"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"dossier/internal/intel"
	"dossier/internal/observable"
)

// hostile are texts that would break out of their field somewhere.
var hostile = []string{
	"# drop all", "a\nb", "a\r\nadd rule inet dossier in drop", `"; sid:1; `, `'); DROP TABLE x; --`, "a;b", `\`, `\x0a`, "-", "(empty)", "=cmd|' /C calc'!A0",
	"$(reboot)", "`reboot`", "a\tb", "|0a|", "\u2028new", "\u202eevil", "} }", "%0a", `{"a":1}`, "*/ x", "]]>", "\xff\xfe", "",
}

func sample() []*Indicator {
	apt := Profile{ID: strings.Repeat("ab", 32), Kind: intel.Actor, Title: "APT28"}
	tool := Profile{ID: strings.Repeat("cd", 32), Kind: intel.Tool, Title: "X-Agent"}
	day := intel.Time(1700000000000)
	var out []*Indicator
	add := func(k observable.Kind, v string) {
		o := observable.Observable{Kind: k, Value: v}
		out = append(out, &Indicator{
			ID: o.ID(), Observable: o, Source: intel.SourceOSINT, FirstSeen: day, LastSeen: day + 86400000, Confidence: 80, Profiles: []Profile{apt, tool},
			Publishers: []string{"eset", "maltrail"}, Reference: "https://example.org/report?id=1",
		})
	}
	add(observable.Domain, "evil.example")
	add(observable.Domain, "a.b.evil-2.example")
	add(observable.Domain, "_dmarc.evil.example")
	add(observable.IPAddress, "192.0.2.7")
	add(observable.IPAddress, "2001:db8::1")
	add(observable.IPAddress, "2001:db8:0:1:0:0:0:7")
	add(observable.CIDR, "198.51.100.0/24")
	add(observable.CIDR, "198.51.100.128/25")
	add(observable.CIDR, "2001:db8:1::/48")
	add(observable.IPPort, "192.0.2.8:8443")
	add(observable.IPPort, "[2001:db8::2]:443")
	add(observable.URL, "http://evil.example/gate.php?id=1;x='2'")
	add(observable.URL, "http://192.0.2.9:8080/a")
	add(observable.URL, "http://evil.example/")
	add(observable.URL, "https://evil.example/")
	add(observable.Email, "bad@evil.example")
	add(observable.MD5, strings.Repeat("0a", 16))
	add(observable.SHA1, strings.Repeat("0b", 20))
	add(observable.SHA256, strings.Repeat("0c", 32))
	add(observable.SHA512, strings.Repeat("0d", 64))
	add(observable.JA3, strings.Repeat("0e", 16))
	add(observable.JA3S, strings.Repeat("0f", 16))
	add(observable.CertSHA1, strings.Repeat("1a", 20))
	add(observable.FileName, "it's.exe")
	add(observable.FilePath, `C:\Windows\Temp\a.exe`)
	add(observable.Mutex, `Global\"m"`)
	add(observable.RegistryKey, `HKEY_CURRENT_USER\Software\x`)
	add(observable.UserAgent, `Mozilla/4.0 (compatible; "x")`)
	add(observable.Other, "=1+1")
	for n, text := range hostile {
		o := observable.Observable{Kind: observable.Other, Value: text}
		if n%2 == 0 {
			o = observable.Observable{Kind: observable.Domain, Value: "h" + itoa(n) + ".example"}
		}
		out = append(out, &Indicator{
			ID: o.ID(), Observable: o, FirstSeen: day, TLP: intel.Amber, Profiles: []Profile{{strings.Repeat("e", 64), intel.Actor, text}}, Publishers: []string{text}, Reference: "http://x.example/" + text,
		})
	}
	return out
}

func each(list []*Indicator) iter.Seq2[*Indicator, error] {
	return func(yield func(*Indicator, error) bool) {
		for _, i := range list {
			if !yield(i, nil) {
				return
			}
		}
	}
}

// write exports a list and fails the test on an error.
func write(t testing.TB, name string, o Options, list []*Indicator) (string, Report) {
	t.Helper()
	f, err := Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	r, err := Export(&b, f, o, each(list))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return b.String(), r
}

// engine returns the path of a program that reads a format. Where it is missing
// the test is skipped, or fails if CI is "true".
func engine(t testing.TB, name string) string {
	t.Helper()
	for _, dir := range append([]string{""}, "/usr/sbin/", "/sbin/") {
		if path, err := exec.LookPath(dir + name); err == nil {
			return path
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is missing", name)
	}
	t.Skipf("%s is missing: the format is not tried on it", name)
	return ""
}

func TestEveryIndicatorIsAccountedFor(t *testing.T) {
	list := sample()
	for _, f := range Formats() {
		_, r := write(t, f.Name, Options{}, list)
		sum := r.Written + r.Over + r.Repeated
		for _, n := range r.Skipped {
			sum += n
		}
		for _, n := range r.Refused {
			sum += n
		}
		if r.Read != len(list) || sum != len(list) {
			t.Errorf("%s: %d of %d indicators are accounted for: %+v", f.Name, sum, len(list), r)
		}
		if r.Written == 0 {
			t.Errorf("%s: nothing was written", f.Name)
		}
	}
}

func TestSameBytes(t *testing.T) {
	for _, f := range Formats() {
		a, _ := write(t, f.Name, Options{}, sample())
		b, _ := write(t, f.Name, Options{}, sample())
		if a != b {
			t.Errorf("%s: the same indicators give other bytes", f.Name)
		}
	}
}

func TestLimit(t *testing.T) {
	for _, f := range Formats() {
		_, r := write(t, f.Name, Options{Max: 1}, sample())
		if r.Written != 1 {
			t.Errorf("%s: %d entries under a limit of 1", f.Name, r.Written)
		}
	}
}

// TestTypesDoNotLeak gives every list every kind: each entry is the value of an
// indicator of the list's own kinds.
func TestTypesDoNotLeak(t *testing.T) {
	list := sample()
	for _, f := range lists {
		want := map[string]bool{}
		for _, i := range list {
			if slices.Contains(f.Kinds, i.Observable.Kind) {
				want[i.Observable.Value] = true
				h, rest, _ := splitURL(i.Observable.Value)
				want[h+rest] = true
			}
		}
		text, _ := write(t, f.Name, Options{}, list)
		for entry := range strings.Lines(text) {
			if v, _, _ := strings.Cut(strings.TrimSuffix(entry, "\n"), " "); !want[v] {
				t.Errorf("%s: %q is no value of %v", f.Name, entry, f.Kinds)
			}
		}
	}
}

func TestLists(t *testing.T) {
	list := sample()
	for _, tt := range []struct{ format, want string }{
		{"addresses", "192.0.2.7\n2001:db8::1\n2001:db8:0:1:0:0:0:7\n198.51.100.0/24\n198.51.100.128/25\n2001:db8:1::/48\n"},
		{"ipv4", "192.0.2.7\n198.51.100.0/24\n198.51.100.128/25\n"},
		{"ipv6", "2001:db8::1\n2001:db8:0:1:0:0:0:7\n2001:db8:1::/48\n"},
		{"urls", "http://evil.example/gate.php?id=1;x='2'\nhttp://192.0.2.9:8080/a\nhttp://evil.example/\nhttps://evil.example/\n"},
		{"paloalto-url", "evil.example/gate.php?id=1;x='2'\n192.0.2.9:8080/a\nevil.example/\n"},
		{"fortinet-hash", strings.Repeat("0c", 32) + " APT28, X-Agent, by eset, maltrail\n"},
	} {
		if got, _ := write(t, tt.format, Options{}, list); got != tt.want {
			t.Errorf("%s:\n%swant\n%s", tt.format, got, tt.want)
		}
	}
	if got, _ := write(t, "paloalto-ip", Options{Max: 2}, list); got != "192.0.2.7 APT28, X-Agent, by eset, maltrail\n2001:db8::1 APT28, X-Agent, by eset, maltrail\n" {
		t.Errorf("paloalto-ip: %s", got)
	}
}

func TestNumbers(t *testing.T) {
	const first, last = 100, 163
	all := map[uint32]string{}
	s := new(Numbers)
	for n := range int(last-first) + 1 {
		content := "c" + itoa(n)
		number, err := s.Number(content, first, last)
		if err != nil {
			break // probing found no free place: an error, not a repetition
		}
		if number < first || number > last {
			t.Fatalf("%d is out of its range", number)
		}
		if other, ok := all[number]; ok {
			t.Fatalf("%s and %s both have %d", other, content, number)
		}
		all[number] = content
		if again, _ := s.Number(content, first, last); again != number {
			t.Fatalf("%s has %d, then %d", content, number, again)
		}
	}
	if len(all) < 60 {
		t.Errorf("only %d numbers of a range of 64 were given", len(all))
	}
	if got := Candidate("x", 0, FirstRule, LastRule); got != 1131159862 {
		t.Errorf("a number has changed its meaning: %d", got)
	}
}

// kinds are those that a fuzzed value is given.
var kinds = []observable.Kind{
	observable.Domain, observable.IPAddress, observable.CIDR, observable.IPPort, observable.URL, observable.Email, observable.MD5, observable.SHA256, observable.JA3,
	observable.CertSHA1, observable.FileName, observable.FilePath, observable.Mutex, observable.RegistryKey, observable.UserAgent, observable.Other,
}

// fuzzed makes an indicator of what a fuzzer gives: the value is taken as it is,
// not only as observable would make it, so that no format relies on that alone.
func fuzzed(kind uint8, value, title, publisher, reference string) *Indicator {
	o := observable.Observable{Kind: kinds[int(kind)%len(kinds)], Value: value}
	return &Indicator{
		ID: o.ID(), Observable: o, FirstSeen: 1700000000000, Confidence: 50, Reference: reference, Publishers: []string{publisher},
		Profiles: []Profile{{ID: strings.Repeat("a", 64), Kind: intel.Actor, Title: title}},
	}
}

func seed(f *testing.F) {
	for k := range kinds {
		for _, v := range []string{"evil.example", "192.0.2.1", "2001:db8::/32", "http://a.example/b?c=d"} {
			f.Add(uint8(k), v, "APT28", "eset", "https://example.org/x")
		}
		for _, h := range hostile {
			f.Add(uint8(k), h, h, h, h)
		}
	}
}

// FuzzLists: a list has at most one line for an indicator, that line is the
// value, and a device's comment holds no line end.
func FuzzLists(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, kind uint8, value, title, publisher, reference string) {
		i := fuzzed(kind, value, title, publisher, reference)
		for _, l := range slices.Concat(lists, []*Format{hostsFormat}) {
			text, r := write(t, l.Name, Options{}, []*Indicator{i})
			if l.Name == "hosts" {
				_, text, _ = strings.Cut(text, "\n")
			}
			n := 0
			for entry := range strings.SplitSeq(text, "\n") {
				if entry == "" {
					continue
				}
				n++
				fields := strings.SplitN(entry, " ", 2)
				if l.Name == "hosts" {
					fields = strings.SplitN(fields[1], " ", 2)
				}
				if want := i.Observable.Value; fields[0] != want && !(i.Observable.Kind == observable.URL && strings.Contains("/"+want+"/", strings.TrimSuffix(fields[0], "/"))) && !strings.HasPrefix(fields[0], host(want)) {
					t.Errorf("%s: %q gives %q", l.Name, want, entry)
				}
				if strings.ContainsFunc(entry, func(r rune) bool { return r < ' ' || r == 0x7f || r == 0x2028 || r == 0x85 }) {
					t.Errorf("%s: control characters in %q", l.Name, entry)
				}
			}
			if lines := map[bool]int{false: 1, true: 2}[l.Name == "hosts"]; n != r.Written*lines {
				t.Errorf("%s: %d lines for %d entries: %q", l.Name, n, r.Written, text)
			}
		}
	})
}

func host(u string) string {
	h, _, _ := splitURL(u)
	return h
}
