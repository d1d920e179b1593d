package stix

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

func TestParsePattern(t *testing.T) {
	for _, tt := range []struct{ in, want string }{ // want "" is the same as in
		{"[domain-name:value = 'evil.com']", ""},
		{"[ domain-name:value='evil.com' ]", "[domain-name:value = 'evil.com']"},
		{"[file:hashes.'SHA-256' = 'aa' AND file:name = 'x']", ""},
		{"[file:hashes.SHA-256 = 'aa']", "[file:hashes.'SHA-256' = 'aa']"},
		{"[file:hashes['SHA-256'] = 'aa']", "[file:hashes.'SHA-256' = 'aa']"},
		{"[a:b = 'x' OR a:b = 'y' AND a:c = 'z']", "[a:b = 'x' OR a:b = 'y' AND a:c = 'z']"},
		{"[(a:b = 'x' OR a:b = 'y') AND a:c = 'z']", ""},
		{"[a:b = 'x'] AND [a:c = 'y'] OR [a:d = 'z']", ""},
		{"[a:b = 'x'] FOLLOWEDBY [a:c = 'y']", ""},
		{"([a:b = 'x'] OR [a:c = 'y']) WITHIN 300 SECONDS", ""},
		{"[a:b = 'x'] REPEATS 5 TIMES WITHIN 60 SECONDS", ""},
		{"[a:b = 'x'] START t'2016-06-01T00:00:00Z' STOP t'2016-07-01T00:00:00Z'", ""},
		{"[a:b != 'x']", ""},
		{"[a:b NOT = 'x']", ""},
		{"[a:b > 5 AND a:c <= 2.5]", ""},
		{"[a:b IN ('x', 'y', 'z')]", ""},
		{"[a:b NOT IN (1, 2)]", ""},
		{"[a:b LIKE 'x%']", ""},
		{"[a:b MATCHES '^x\\\\.y$']", ""},
		{"[ipv4-addr:value ISSUBSET '198.51.100.0/24']", ""},
		{"[ipv4-addr:value ISSUPERSET '198.51.100.0/24']", ""},
		{"[EXISTS file:name]", ""},
		{"[a:b[0].c = true AND a:b[*].d = false]", ""},
		{"[a:b = 'it\\'s']", ""},
		{"[a:b = 'back\\\\slash']", ""},
		{"[network-traffic:extensions.'http-request-ext'.request_header.'User-Agent' = 'x']", ""},
		{"[a:b_ref.value = 'x']", ""},
	} {
		want := tt.want
		if want == "" {
			want = tt.in
		}
		p, err := ParsePattern(tt.in)
		if err != nil {
			t.Errorf("%s: %v", tt.in, err)
			continue
		}
		if got := p.String(); got != want {
			t.Errorf("%s printed as %s, want %s", tt.in, got, want)
		}
		again, err := ParsePattern(p.String())
		if err != nil || again.String() != p.String() {
			t.Errorf("%s: printed and parsed again: %v, %v", tt.in, again, err)
		}
	}
}

func TestParsePatternRefuses(t *testing.T) {
	for _, tt := range []struct {
		in  string
		pos int // -1: anywhere
	}{
		{"", 0},
		{"domain-name:value = 'x'", 0},
		{"[domain-name:value = 'x'", 24},
		{"[domain-name:value 'x']", 19},
		{"[domain-name:value = ]", 21},
		{"[domain-name:value = 'x' AND]", 28},
		{"[domain-name:value = 'x'] [a:b = 'y']", 26},
		{"[a:b = 'x] ", -1},
		{"[a = 'x']", -1},
		{"[:b = 'x']", 1},
		{"[a:b = 'x'] WITHIN SECONDS", 19},
		{"[a:b = 'x'] REPEATS -1 TIMES", -1},
		{"[a:b = 'x'] START 5 STOP 6", -1},
		{"[a:b IN 'x']", 8},
		{"[a:b = t'yesterday']", -1},
		{"[a:b = h'zz']", -1},
		{"[a:b > true]", -1},
		{strings.Repeat("(", 100_000), -1},
		{"[" + strings.Repeat("(", 100_000), -1},
		{strings.Repeat("x", MaxPattern+1), 0},
	} {
		_, err := ParsePattern(tt.in)
		var bad *PatternError
		if !errors.As(err, &bad) {
			t.Errorf("%.40s: %v, want a *PatternError", tt.in, err)
			continue
		}
		if tt.pos >= 0 && bad.Pos != tt.pos {
			t.Errorf("%.40s: position %d, want %d (%v)", tt.in, bad.Pos, tt.pos, err)
		}
	}
}

func TestObservables(t *testing.T) {
	const (
		md5    = "0123456789abcdef0123456789abcdef"
		sha1   = md5 + "01234567"
		sha256 = md5 + md5
	)
	for _, tt := range []struct {
		in      string
		want    string // kind:value, joined by blanks
		skipped string // reasons, joined by "; "
	}{
		{"[domain-name:value = 'Evil.contoso.com']", "domain:evil.contoso.com", ""},
		{"[ipv4-addr:value = '8.8.8.8' OR ipv6-addr:value = '2606:4700::1']", "ipAddress:8.8.8.8 ipAddress:2606:4700::1", ""},
		{"[ipv4-addr:value = '8.8.4.0/24']", "cidr:8.8.4.0/24", ""},
		{"[ipv4-addr:value ISSUBSET '8.8.4.0/24']", "cidr:8.8.4.0/24", ""},
		{"[ipv4-addr:value IN ('8.8.8.8', '8.8.4.4')]", "ipAddress:8.8.8.8 ipAddress:8.8.4.4", ""},
		{"[url:value = 'http://evil.contoso.com/x']", "url:http://evil.contoso.com/x", ""},
		{"[file:hashes.MD5 = '" + strings.ToUpper(md5) + "']", "md5:" + md5, ""},
		{"[file:hashes.'SHA-1' = '" + sha1 + "' OR file:hashes.SHA256 = '" + sha256 + "' OR file:hashes.sha_256 = '" + sha256 + "']", "sha1:" + sha1 + " sha256:" + sha256, ""},
		{"[file:hashes.MD5 = '" + md5 + "' AND file:name = 'a.exe']", "md5:" + md5, ""}, // the name is context
		{"[file:name = 'a.exe']", "fileName:a.exe", ""},
		{"[file:name = 'a.exe' OR domain-name:value = 'evil.contoso.com']", "fileName:a.exe domain:evil.contoso.com", ""},
		{"[network-traffic:dst_ref.value = '8.8.8.8' AND network-traffic:dst_port = 443]", "ipAddress:8.8.8.8 ipAddressPort:8.8.8.8:443", ""},
		{"[network-traffic:dst_ref.value = 'evil.contoso.com']", "domain:evil.contoso.com", ""},
		{"[x509-certificate:hashes.'SHA-1' = '" + sha1 + "']", "sslCertificateSha1:" + sha1, ""},
		{"[email-message:from_ref.value = 'a@evil.contoso.com']", "emailAddress:a@evil.contoso.com", ""},
		{"[domain-name:value = 'a.contoso.com'] FOLLOWEDBY [domain-name:value = 'b.contoso.com']", "domain:a.contoso.com domain:b.contoso.com", ""},
		{"[domain-name:value = 'a.contoso.com'] AND [file:name = 'a.exe'] REPEATS 2 TIMES", "domain:a.contoso.com fileName:a.exe", ""},
		{"[domain-name:value != 'a.contoso.com']", "", "negated comparison"},
		{"[domain-name:value NOT IN ('a.contoso.com')]", "", "negated comparison"},
		{"[domain-name:value LIKE '%.contoso.com']", "", "comparison LIKE"},
		{"[domain-name:value MATCHES 'x']", "", "comparison MATCHES"},
		{"[ipv4-addr:value = '10.0.0.1']", "", "private"},
		{"[file:hashes.ssdeep = 'x']", "", "no observable: hash ssdeep"},
		{"[process:command_line = 'x']", "", "no observable: process:command_line"},
		{"[process:command_line = 'x' AND file:hashes.MD5 = '" + md5 + "']", "md5:" + md5, ""},
		{"[file:size = 5]", "", "no observable: file:size"},
		{"[domain-name:value = 5]", "", "constant of type integer"},
		{"[EXISTS domain-name:value]", "", "comparison EXISTS"},
	} {
		p, err := ParsePattern(tt.in)
		if err != nil {
			t.Fatalf("%s: %v", tt.in, err)
		}
		found, skipped := observables(p)
		var got, why []string
		for _, o := range found {
			got = append(got, string(o.Kind)+":"+o.Value)
		}
		for _, s := range skipped {
			why = append(why, s.reason)
		}
		if strings.Join(got, " ") != tt.want || strings.Join(why, "; ") != tt.skipped {
			t.Errorf("%s:\n got %q, skipped %q\nwant %q, skipped %q", tt.in, got, why, tt.want, tt.skipped)
		}
	}
}

// FuzzPattern: no input panics, and what is printed parses to the same tree.
func FuzzPattern(f *testing.F) {
	for _, s := range []string{
		"[domain-name:value = 'evil.com']", "[a:b NOT IN (1, 2.5, true)] WITHIN 5 SECONDS", "([a:b[*].'c d' = 'it\\'s'] OR [EXISTS a:b]) START t'2016-06-01T00:00:00Z' STOP t'2017-06-01T00:00:00Z'",
		"[a:b = h'00ff' AND (a:c = b'AAAA' OR a:d LIKE '%')]", "[a:b = 'x'] FOLLOWEDBY [a:b = 'y'] AND [a:b = 'z']",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParsePattern(s)
		if err != nil {
			return
		}
		observables(p)
		again, err := ParsePattern(p.String())
		if err != nil {
			t.Fatalf("%q printed as %q, which does not parse: %v", s, p.String(), err)
		}
		if again.String() != p.String() {
			t.Errorf("%q printed as %q, then as %q", s, p.String(), again.String())
		}
		if !reflect.DeepEqual(shape(p), shape(again)) {
			t.Errorf("%q: another tree after printing: %q", s, again.String())
		}
	})
}

// shape is the tree without positions.
func shape(p Pattern) any {
	var comparison func(Comparison) any
	comparison = func(c Comparison) any {
		switch c := c.(type) {
		case Test:
			c.Pos = 0
			return c
		case Logic:
			out := []any{c.Op}
			for _, part := range c.Parts {
				out = append(out, comparison(part))
			}
			return out
		}
		return nil
	}
	var observation func(Observation) any
	observation = func(o Observation) any {
		switch o := o.(type) {
		case Observed:
			return comparison(o.Comparison)
		case Combined:
			out := []any{o.Op}
			for _, part := range o.Parts {
				out = append(out, observation(part))
			}
			return out
		case Qualified:
			return []any{o.Kind, o.Value, o.Stop, observation(o.Part)}
		}
		return nil
	}
	return observation(p.Root)
}

func BenchmarkParsePattern(b *testing.B) {
	const s = "[file:hashes.'SHA-256' = '0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef' OR domain-name:value = 'evil.contoso.com']"
	b.SetBytes(int64(len(s)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParsePattern(s); err != nil {
			b.Fatal(err)
		}
	}
}
