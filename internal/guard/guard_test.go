package guard

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"dossier/internal/observable"
)

var testLists = []List{
	{Name: "popular", Policy: Exclude, Entries: []string{"example.com", "www.popular.org", "github.io", "duckdns.org", "t.co"}},
	{Name: "vendor", Policy: Exclude, Scope: Names, Entries: []string{".vendor.com", ".azurewebsites.net", "windowsupdate.com"}},
	{Name: "dotted", Policy: Annotate, Entries: []string{".dotted.net"}},
	{Name: "sites", Policy: Exclude, Scope: Shared, Entries: []string{".sites.vendor.com"}},
	{Name: "revocation", Policy: Exclude, Scope: Under, Entries: []string{"crl.vendor.com"}},
	{Name: "cloud", Policy: Annotate, Entries: []string{"198.51.100.0/24", "2001:db8:1::/48"}},
	{Name: "resolvers", Policy: Exclude, Entries: []string{"198.51.100.53", "::ffff:203.0.113.53"}},
	{Name: "wide", Policy: Demote, Entries: []string{"198.51.0.0/16"}},
	{Name: "files", Policy: Exclude, Entries: []string{"44D88612FEA8A8F36DE82E1278ABB02F", "https://github.com/who/tool"}},
	{Name: "off", Policy: Off, Entries: []string{"off.example"}},
	{Name: "tlds", Policy: Exclude, Entries: []string{"COM", "co.uk"}},
}

func TestMatch(t *testing.T) {
	m, unread := Compile(append(slices.Clone(testLists), List{Name: "odd", Policy: Exclude, Entries: []string{"", "a b c", "/regex/"}}))
	if unread != 3 {
		t.Errorf("%d entries could not be read, want 3", unread)
	}
	for _, tt := range []struct {
		in   string
		want string // list; "" for none
	}{
		{"example.com", "popular"},
		{"www.example.com", "popular"},
		{"popular.org", "popular"},
		{"evil.example.com", ""},
		{"notexample.com", ""},
		{"http://example.com/", "popular"},
		{"https://www.example.com", "popular"},
		{"http://example.com/evil", ""}, // what somebody keeps there
		{"http://example.com/?q=1", ""},
		{"http://evil.example.com/", ""},
		{"duckdns.org", "popular"},
		{"evil.duckdns.org", ""},
		{"evil.github.io", ""},
		{"vendor.com", "vendor"},
		{"a.b.vendor.com", "vendor"},
		{"https://a.vendor.com/", "vendor"},
		{"https://a.vendor.com/evil.exe", ""},
		{"evil.azurewebsites.net", ""}, // another's, says the public suffix list
		{"azurewebsites.net", "vendor"},
		{"ctldl.windowsupdate.com", "vendor"},
		{"x.dotted.net", ""},
		{"dotted.net", "dotted"},
		{"sites.vendor.com", "sites"},
		{"evil.sites.vendor.com", ""}, // though the vendor's names are guarded
		{"http://crl.vendor.com/root.crl", "revocation"},
		{"a@crl.vendor.com", "revocation"},
		{"a@example.com", ""},
		{"198.51.100.7", "wide"},       // the narrower only marks
		{"198.51.100.53", "resolvers"}, // and here the narrower excludes
		{"198.51.7.7", "wide"},
		{"203.0.113.53", "resolvers"},
		{"203.0.113.54", ""},
		{"198.51.100.53:53", "resolvers"},
		{"http://198.51.100.53/", "resolvers"},
		{"http://198.51.100.53/x.sh", ""},
		{"2001:db8:1::5", "cloud"},
		{"44d88612fea8a8f36de82e1278abb02f", "files"},
		{"https://github.com/who/tool", "files"},
		{"https://github.com/who/tool2", ""},
		{"off.example", ""},
		{"something.com", ""},
		{"bbc.co.uk", ""},
	} {
		o, err := observable.Parse(tt.in)
		if err != nil {
			// Documentation addresses are refused at the door, and must be matched all the same.
			o = byForm(tt.in)
		}
		got, ok := m.Match(o)
		if got.List != tt.want || ok != (tt.want != "") {
			t.Errorf("Match(%s %q) = %v, %v; want %q", o.Kind, tt.in, got, ok, tt.want)
		}
	}
	var zero *Matcher
	if _, ok := zero.Match(observable.Observable{Kind: observable.Domain, Value: "example.com"}); ok {
		t.Error("no matcher guards something")
	}
}

func byForm(s string) observable.Observable {
	kind := observable.IPAddress
	switch {
	case len(s) > 7 && s[:7] == "http://":
		kind = observable.URL
	case strings.Contains(s, ":") && strings.Contains(s, "."):
		kind = observable.IPPort
	}
	return observable.Observable{Kind: kind, Value: s}
}

// TestOrder: the order of lists and entries makes no difference.
func TestOrder(t *testing.T) {
	a, _ := Compile(testLists)
	back := slices.Clone(testLists)
	slices.Reverse(back)
	for i := range back {
		back[i].Entries = slices.Clone(back[i].Entries)
		slices.Reverse(back[i].Entries)
	}
	b, _ := Compile(back)
	for n := range 256 {
		o := observable.Observable{Kind: observable.IPAddress, Value: fmt.Sprintf("198.51.100.%d", n)}
		x, _ := a.Match(o)
		if y, _ := b.Match(o); x != y {
			t.Errorf("%s: %v and %v", o.Value, x, y)
		}
	}
}

func TestDefault(t *testing.T) {
	for name, want := range map[string]Policy{"tranco10k": Exclude, "shodan-nt-scanning": Demote, "vpn-ipv4": Annotate, "unheard-of": Annotate, "sinkholes": Annotate} {
		if p, _ := Default(name); p != want {
			t.Errorf("Default(%s) = %s, want %s", name, p, want)
		}
	}
	for _, s := range []string{"exclude", " Demote", "annotate", "off"} {
		if _, err := ParsePolicy(s); err != nil {
			t.Error(err)
		}
	}
	if _, err := ParsePolicy("block"); err == nil {
		t.Error("block is no policy")
	}
}

// FuzzMatch: a list guards every entry that it has, and a list that is added takes no guard away.
func FuzzMatch(f *testing.F) {
	for _, l := range testLists {
		for _, e := range l.Entries {
			f.Add(e, "http://evil.example.com/x")
		}
	}
	f.Fuzz(func(t *testing.T, entry, value string) {
		o, err := observable.Parse(value)
		if err != nil {
			return
		}
		without, _ := Compile(testLists)
		with, _ := Compile(append(slices.Clone(testLists), List{Name: "new", Policy: Exclude, Scope: Under, Entries: []string{entry}}))
		before, guarded := without.Match(o)
		after, still := with.Match(o)
		if guarded && (!still || before.stronger(after)) {
			t.Errorf("%v is guarded by %v, and with %q in a list by %v", o, before, entry, after)
		}
		own, _ := Compile([]List{{Name: "own", Policy: Exclude, Entries: []string{o.Value}}})
		if _, ok := own.Match(o); !ok && o.Kind != observable.Email {
			if again, err := observable.Parse(o.Value); err == nil && again == o && o.Kind != observable.IPPort {
				t.Errorf("a list with %v does not guard it", o)
			}
		}
	})
}

func ExampleMatcher_Match() {
	m, _ := Compile([]List{{Name: "popular", Policy: Exclude, Entries: []string{"example.com"}}})
	for _, value := range []string{"www.example.com", "evil.example.com", "http://example.com/evil.exe"} {
		o, _ := observable.Parse(value)
		match, ok := m.Match(o)
		fmt.Printf("%s %t %q\n", value, ok, match.List)
	}
	// Output:
	// www.example.com true "popular"
	// evil.example.com false ""
	// http://example.com/evil.exe false ""
}
