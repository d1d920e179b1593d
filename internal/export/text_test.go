package export

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// zeekLine reads a line as the ASCII reader of Zeek's input framework does: fields
// between tabs, \xNN for bytes.
func zeekLine(s string) ([]string, error) {
	var out []string
	for field := range strings.SplitSeq(s, "\t") {
		var b strings.Builder
		for i := 0; i < len(field); i++ {
			c := field[i]
			if c < ' ' {
				return nil, fmt.Errorf("byte %#x", c)
			}
			if c == '\\' {
				if i+3 >= len(field) || field[i+1] != 'x' {
					return nil, fmt.Errorf("escape in %q", field)
				}
				n, err := strconv.ParseUint(field[i+2:i+4], 16, 8)
				if err != nil {
					return nil, err
				}
				c = byte(n)
				i += 3
			}
			b.WriteByte(c)
		}
		out = append(out, b.String())
	}
	if len(out) != 5 {
		return nil, fmt.Errorf("%d fields", len(out))
	}
	return out, nil
}

func TestZeek(t *testing.T) {
	text, _ := write(t, "zeek", Options{}, sample())
	for _, want := range []string{
		"evil.example\tIntel::DOMAIN\tdossier: eset, maltrail\tAPT28, X-Agent\thttps://example.org/report?id=1\n",
		"\n2001:db8:1::/48\tIntel::SUBNET\t", "\nevil.example/gate.php?id=1;x='2'\tIntel::URL\t", "\n192.0.2.9:8080/a\tIntel::URL\t",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "192.0.2.8") {
		t.Error("an address with a port has no type in Zeek")
	}
}

func FuzzZeek(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, kind uint8, value, title, publisher, reference string) {
		i := fuzzed(kind, value, title, publisher, reference)
		text, r := write(t, "zeek", Options{}, []*Indicator{i})
		lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")[1:]
		if len(lines) != r.Written {
			t.Fatalf("%d lines, %d written", len(lines), r.Written)
		}
		for _, l := range lines {
			if strings.HasPrefix(l, "#") {
				t.Errorf("a directive: %q", l)
			}
			fields, err := zeekLine(l)
			if err != nil {
				t.Fatalf("%v in %q", err, l)
			}
			if h, rest, _ := splitURL(value); fields[0] != value && fields[0] != h+rest {
				t.Errorf("%q for %q", fields[0], value)
			}
			if fields[4] != reference && reference != "" {
				t.Errorf("%q for %q", fields[4], reference)
			}
		}
	})
}

func FuzzCSV(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, kind uint8, value, title, publisher, reference string) {
		i := fuzzed(kind, value, title, publisher, reference)
		text, r := write(t, "csv", Options{}, []*Indicator{i})
		if r.Written == 0 {
			return
		}
		rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
		if err != nil || len(rows) != 2 || len(rows[1]) != len(csvHeader) {
			t.Fatalf("%v, %d rows: %q", err, len(rows), text)
		}
		if got := rows[1][1]; !freeText(i.Observable.Kind) && got != strings.ReplaceAll(value, "\r\n", "\n") && strings.TrimSpace(got) == got {
			t.Errorf("value %q for %q", got, value)
		}
		for n, field := range rows[1] {
			if n != 1 && (strings.HasPrefix(field, "=") || strings.HasPrefix(field, "@")) && n < 5 {
				t.Errorf("a formula: %q", field)
			}
		}
	})
}

func FuzzJSONL(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, kind uint8, value, title, publisher, reference string) {
		i := fuzzed(kind, value, title, publisher, reference)
		for _, name := range []string{"jsonl", "suricata-domains", "suricata-addresses", "suricata-sha256", "suricata-md5", "suricata-ja3"} {
			text, r := write(t, name, Options{}, []*Indicator{i})
			lines := strings.Split(text, "\n")
			if len(lines)-1 != r.Written || lines[len(lines)-1] != "" {
				t.Fatalf("%s: %q", name, text)
			}
			for _, l := range lines[:r.Written] {
				var got struct {
					Value string `json:"value"`
				}
				if err := json.Unmarshal([]byte(l), &got); err != nil {
					t.Fatalf("%s: %v in %q", name, err, l)
				}
				if got.Value != strings.ToValidUTF8(value, "\ufffd") && strings.ToValidUTF8(value, "") == value {
					t.Errorf("%s: %q for %q", name, got.Value, value)
				}
			}
		}
	})
}
