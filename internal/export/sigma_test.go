package export

import (
	"errors"
	"io"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"dossier/internal/observable"
)

// A sigmaRule is a rule as a converter reads it.
type sigmaRule struct {
	Title          string            `yaml:"title"`
	ID             string            `yaml:"id"`
	Status         string            `yaml:"status"`
	Description    string            `yaml:"description"`
	Modified       string            `yaml:"modified"`
	Logsource      map[string]string `yaml:"logsource"`
	Detection      map[string]any    `yaml:"detection"`
	FalsePositives []string          `yaml:"falsepositives"`
	Level          string            `yaml:"level"`
}

// sigmaRules parses a file of rules and holds each to the specification.
func sigmaRules(t testing.TB, text string) (rules []sigmaRule) {
	t.Helper()
	d := yaml.NewDecoder(strings.NewReader(text))
	d.KnownFields(true)
	ids := map[string]bool{}
	for {
		var r sigmaRule
		err := d.Decode(&r)
		if errors.Is(err, io.EOF) {
			return rules
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		switch {
		case r.Title == "" || len([]rune(r.Title)) > 256,
			!regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(r.ID), ids[r.ID],
			!slices.Contains([]string{"stable", "test", "experimental", "deprecated", "unsupported"}, r.Status),
			!slices.Contains([]string{"informational", "low", "medium", "high", "critical"}, r.Level),
			r.Logsource["category"] == "", r.Detection["condition"] != "1 of selection_*", len(r.Detection) < 2,
			r.Modified != "" && !regexp.MustCompile(`^\d{4}-\d{2}-\d{2}$`).MatchString(r.Modified):
			t.Fatalf("no rule: %+v", r)
		}
		ids[r.ID] = true
		rules = append(rules, r)
	}
}

// fires evaluates a rule against an event, in the modifiers that our rules have.
func (r sigmaRule) fires(t testing.TB, event map[string]string) bool {
	t.Helper()
	for name, selection := range r.Detection {
		switch s := selection.(type) {
		case string: // the condition
		case map[string]any:
			if sigmaMap(t, s, event) {
				return true
			}
		case []any:
			for _, one := range s {
				if sigmaMap(t, one.(map[string]any), event) {
					return true
				}
			}
		default:
			t.Fatalf("selection %s is a %T", name, s)
		}
	}
	return false
}

func sigmaMap(t testing.TB, all map[string]any, event map[string]string) bool {
	for key, want := range all {
		field, modifier, _ := strings.Cut(key, "|")
		values, ok := want.([]any)
		if !ok {
			values = []any{want}
		}
		have, there := event[field]
		if !there || !slices.ContainsFunc(values, func(v any) bool { return sigmaValueFits(t, modifier, v, have) }) {
			return false
		}
	}
	return true
}

func sigmaValueFits(t testing.TB, modifier string, want any, have string) bool {
	t.Helper()
	if n, ok := want.(int); ok {
		return itoa(n) == have
	}
	text := want.(string)
	if modifier == "cidr" {
		addr, err := netip.ParseAddr(have)
		return err == nil && netip.MustParsePrefix(text).Contains(addr)
	}
	// Wildcards that are not escaped would stand for anything.
	var pattern strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && i+1 < len(text) && strings.IndexByte(`\*?`, text[i+1]) >= 0:
			i++
			pattern.WriteString(regexp.QuoteMeta(text[i : i+1]))
		case c == '*':
			pattern.WriteString(".*")
		case c == '?':
			pattern.WriteString(".")
		default:
			pattern.WriteString(regexp.QuoteMeta(text[i : i+1]))
		}
	}
	begin, end := "^", "$"
	switch modifier {
	case "":
	case "endswith":
		begin = ""
	case "contains":
		begin, end = "", ""
	default:
		t.Fatalf("modifier %s", modifier)
	}
	return regexp.MustCompile("(?is)" + begin + pattern.String() + end).MatchString(have)
}

// TestSigma has events run against the rules: what is named fires, what is near
// does not.
func TestSigma(t *testing.T) {
	for _, tt := range []struct {
		format, category, field, hit, miss string
	}{
		{"sigma-dns", "dns", "query", "evil.example", "notevil.example"},
		{"sigma-dns", "dns", "query", "www.EVIL.example", "evil.example.org"},
		{"sigma-proxy", "proxy", "cs-host", "x.a.b.evil-2.example", "b.evil-2.example"},
		{"sigma-proxy", "proxy", "c-uri", "http://evil.example/gate.php?id=1;x='2'", "http://evil.example/gate.phpXid=1;x='2'"},
		{"sigma-proxy", "proxy", "dst_ip", "198.51.100.9", "198.51.101.9"},
		{"sigma-proxy", "proxy", "c-useragent", `Mozilla/4.0 (compatible; "x")`, `Mozilla/4.0 (compatible; "y")`},
		{"sigma-firewall", "firewall", "dst_ip", "2001:db8::1", "2001:db8::11"},
		{"sigma-firewall", "firewall", "dst_ip", "2001:db8:1:2::3", "2001:db8:2::"},
		{"sigma-windows", "dns_query", "QueryName", "evil.example", "evil.example.com"},
		{"sigma-windows", "network_connection", "DestinationIp", "192.0.2.7", "192.0.2.70"},
		{"sigma-windows", "process_creation", "Hashes", "MD5=" + strings.Repeat("FF", 16) + ",SHA256=" + strings.Repeat("0C", 32) + ",IMPHASH=00", "SHA256=" + strings.Repeat("0E", 32)},
		{"sigma-windows", "process_creation", "Hashes", "SHA1=" + strings.Repeat("0B", 20), "SHA256=" + strings.Repeat("0B", 20)},
	} {
		text, _ := write(t, tt.format, Options{Updated: 1700000000000}, sample())
		fires := func(value string) bool {
			return slices.ContainsFunc(sigmaRules(t, text), func(r sigmaRule) bool {
				return r.Logsource["category"] == tt.category && r.fires(t, map[string]string{tt.field: value})
			})
		}
		if !fires(tt.hit) || fires(tt.miss) {
			t.Errorf("%s, %s: %q fires %v, %q fires %v", tt.format, tt.field, tt.hit, fires(tt.hit), tt.miss, fires(tt.miss))
		}
	}
	text, _ := write(t, "sigma-firewall", Options{}, sample())
	for event, want := range map[[2]string]bool{{"192.0.2.8", "8443"}: true, {"192.0.2.8", "443"}: false, {"2001:db8::2", "443"}: true, {"192.0.2.80", "8443"}: false} {
		got := slices.ContainsFunc(sigmaRules(t, text), func(r sigmaRule) bool { return r.fires(t, map[string]string{"dst_ip": event[0], "dst_port": event[1]}) })
		if got != want {
			t.Errorf("%v fires %v", event, got)
		}
	}
}

// TestSigmaRules: a rule for each profile, in parts; the same rule keeps its id
// when its values change.
func TestSigmaRules(t *testing.T) {
	var list []*Indicator
	for n := range 2*sigmaValues + 1 {
		o := observable.Observable{Kind: observable.Domain, Value: "n" + itoa(n) + ".example"}
		list = append(list, &Indicator{ID: o.ID(), Observable: o, Profiles: []Profile{{ID: "p" + itoa(n%2), Title: "P" + itoa(n%2)}}, Publishers: []string{"eset"}})
	}
	text, r := write(t, "sigma-dns", Options{}, list)
	rules := sigmaRules(t, text)
	if r.Written != len(list) || len(rules) != 3 { // 401 of one, 400 of the other
		t.Errorf("%d written in %d rules", r.Written, len(rules))
	}
	if !strings.Contains(text, "- 'n1.example' # P1, by eset\n") {
		t.Error("values do not say where they are from")
	}
	fewer, _ := write(t, "sigma-dns", Options{}, list[2:])
	for n, rule := range sigmaRules(t, fewer) {
		if !slices.ContainsFunc(rules, func(o sigmaRule) bool { return o.ID == rule.ID && o.Title == rule.Title }) {
			t.Errorf("rule %d has another id than before", n)
		}
	}
}

// FuzzSigma: whatever the texts are, what is read back is one rule that looks for the
// value, and for nothing else.
func FuzzSigma(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, kind uint8, value, title, publisher, reference string) {
		i := fuzzed(kind, value, title, publisher, reference)
		for _, format := range sigmaFormats {
			text, r := write(t, format.Name, Options{}, []*Indicator{i})
			rules := sigmaRules(t, text)
			if (len(rules) > 0) != (r.Written > 0) {
				t.Fatalf("%s: %d rules of %d entries", format.Name, len(rules), r.Written)
			}
			for _, rule := range rules {
				for name, selection := range rule.Detection {
					m, ok := selection.(map[string]any)
					if !ok {
						continue
					}
					for field, list := range m {
						values := list.([]any)
						if len(values) != 1 {
							t.Errorf("%s: %s has %v", format.Name, name, values)
						}
						got := strings.NewReplacer(`\\`, `\`, `\*`, `*`, `\?`, `?`).Replace(values[0].(string))
						want := i.Observable.Value
						switch {
						case strings.HasSuffix(field, "|endswith"):
							want = "." + want
						case strings.HasSuffix(field, "|contains"):
							want = strings.ToUpper(string(i.Observable.Kind) + "=" + want)
						}
						if got != want {
							t.Errorf("%s: %s reads %q, want %q", format.Name, field, got, want)
						}
					}
				}
			}
		}
	})
}
