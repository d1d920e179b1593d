package export

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"testing"
)

// No Suricata is to be had from Debian, npm or as a Go module, so a strict reader
// of the grammar takes its place (Suricata user guide, "Rules Format", "Payload
// Keywords", "Meta Keywords"). It also matches: see fires.

type rule struct {
	action, proto, src, srcPort, dst, dstPort string
	options                                   []option
	sid                                       uint32
	msg                                       string
}

type option struct{ name, value string }

// parseRule reads one rule and refuses all that Suricata would.
func parseRule(s string) (*rule, error) {
	head, rest, ok := strings.Cut(s, " (")
	if !ok || !strings.HasSuffix(rest, ";)") {
		return nil, errors.New("no options in parentheses")
	}
	words := strings.Split(head, " ")
	if len(words) != 7 || words[4] != "->" {
		return nil, fmt.Errorf("head of %d words", len(words))
	}
	r := &rule{action: words[0], proto: words[1], src: words[2], srcPort: words[3], dst: words[5], dstPort: words[6]}
	rest = strings.TrimSuffix(rest, ")")
	for rest != "" {
		rest = strings.TrimPrefix(rest, " ")
		end, quoted := -1, false
		for i := 0; i < len(rest); i++ {
			c := rest[i]
			if c < ' ' || c > '~' {
				return nil, fmt.Errorf("byte %#x", c)
			}
			if c == '\\' {
				return nil, errors.New("a backslash, which nothing here needs")
			}
			if c == '"' {
				quoted = !quoted
			}
			if c == ';' { // ends an option even within quotation marks
				if quoted {
					return nil, errors.New("a semicolon within quotation marks")
				}
				end = i
				break
			}
		}
		if end < 0 {
			return nil, errors.New("an option without end")
		}
		name, value, _ := strings.Cut(rest[:end], ":")
		if n := strings.Count(value, `"`); n != 0 && (n != 2 || value[0] != '"' || value[len(value)-1] != '"') {
			return nil, fmt.Errorf("quotation marks in %q", value)
		}
		r.options = append(r.options, option{name, strings.Trim(value, `"`)})
		rest = rest[end+1:]
	}
	return r, r.check()
}

var buffers = map[string]bool{
	"dns.query": true, "tls.sni": true, "http.host": true, "http.uri.raw": true, "http.user_agent": true, "ja3.hash": true, "ja3s.hash": true, "tls.cert_fingerprint": true,
}

func (r *rule) check() error {
	if r.action != "alert" || !strings.Contains(" dns tls http ip tcp ", " "+r.proto+" ") {
		return fmt.Errorf("action %q, protocol %q", r.action, r.proto)
	}
	for _, a := range []string{r.src, r.dst} {
		if a == "any" || a == "$HOME_NET" {
			continue
		}
		if _, err := prefixOf(strings.TrimSuffix(strings.TrimPrefix(a, "["), "]")); err != nil || a[0] != '[' {
			return fmt.Errorf("address %q", a)
		}
	}
	for _, p := range []string{r.srcPort, r.dstPort} {
		if n, err := strconv.Atoi(p); p != "any" && (err != nil || n < 1 || n > 65535) {
			return fmt.Errorf("port %q", p)
		}
	}
	buffer, content := "", []byte(nil)
	seen := map[string]int{}
	for _, o := range r.options {
		seen[o.name]++
		switch o.name {
		case "msg":
			r.msg = o.value
		case "sid":
			n, err := strconv.ParseUint(o.value, 10, 32)
			if err != nil || n == 0 {
				return fmt.Errorf("sid %q", o.value)
			}
			r.sid = uint32(n)
		case "content":
			var err error
			if content, err = unhex(o.value); err != nil || len(content) == 0 || len(content) > 255 {
				return fmt.Errorf("content %q: %v", o.value, err)
			}
			if buffer == "" {
				return errors.New("content without a buffer")
			}
		case "bsize":
			if n, err := strconv.Atoi(o.value); err != nil || n != len(content) {
				return fmt.Errorf("bsize %q can never match %d bytes", o.value, len(content))
			}
		case "nocase":
			if buffer == "http.host" {
				return errors.New("nocase with http.host, which is in lower case")
			}
		case "endswith", "dotprefix":
		case "flow":
			if o.value != "established,to_server" && o.value != "to_server" {
				return fmt.Errorf("flow %q", o.value)
			}
		case "threshold", "rev", "classtype", "reference", "metadata":
			if o.value == "" {
				return fmt.Errorf("%s without value", o.name)
			}
		default:
			if !buffers[o.name] || o.value != "" {
				return fmt.Errorf("keyword %q", o.name)
			}
			buffer = o.name
		}
	}
	for _, one := range []string{"msg", "sid", "rev", "classtype", "metadata"} {
		if seen[one] != 1 {
			return fmt.Errorf("%d times %s", seen[one], one)
		}
	}
	return nil
}

func unhex(s string) ([]byte, error) {
	var out []byte
	for n, part := range strings.Split(s, "|") {
		if n%2 == 0 {
			out = append(out, part...)
			continue
		}
		for _, x := range strings.Fields(part) {
			b, err := strconv.ParseUint(x, 16, 8)
			if err != nil || len(x) != 2 {
				return nil, fmt.Errorf("byte %q", x)
			}
			out = append(out, byte(b))
		}
	}
	if strings.Count(s, "|")%2 != 0 {
		return nil, errors.New("an odd bar")
	}
	return out, nil
}

// An event is what a sensor sees: the buffers of one transaction.
type event struct {
	proto   string
	dst     string
	port    int
	buffers map[string]string
}

// fires says whether a rule would alert on an event.
func (r *rule) fires(e event) bool {
	if r.proto != e.proto && r.proto != "ip" && !(r.proto == "tcp" && e.proto != "dns") {
		return false
	}
	if a := strings.Trim(r.dst, "[]"); r.dst[0] == '[' {
		p, _ := prefixOf(a)
		if !p.Contains(netip.MustParseAddr(e.dst)) {
			return false
		}
	}
	if r.dstPort != "any" && r.dstPort != strconv.Itoa(e.port) {
		return false
	}
	buffer, text := "", ""
	content := ""
	dot, ok := false, true
	for n, o := range r.options {
		switch {
		case buffers[o.name]:
			buffer, dot = o.name, false
			text = e.buffers[buffer]
		case o.name == "dotprefix":
			dot = true
		case o.name == "content":
			b, _ := unhex(o.value)
			content = string(b)
			have := text
			if dot {
				have = "." + have
			}
			for _, m := range r.options[n+1:] {
				if m.name == "nocase" {
					have, content = strings.ToLower(have), strings.ToLower(content)
				}
				if m.name != "nocase" {
					break
				}
			}
			at := strings.Index(have, content)
			if at < 0 {
				ok = false
				continue
			}
			for _, m := range r.options[n+1:] {
				if m.name == "endswith" && !strings.HasSuffix(have, content) || m.name == "bsize" && m.value != strconv.Itoa(len(have)) {
					ok = false
				}
				if buffers[m.name] {
					break
				}
			}
		}
	}
	return ok
}

func rulesOf(t testing.TB, text string) []*rule {
	t.Helper()
	var out []*rule
	for entry := range strings.Lines(text) {
		entry = strings.TrimSuffix(entry, "\n")
		if strings.HasPrefix(entry, "# ") {
			continue
		}
		r, err := parseRule(entry)
		if err != nil {
			t.Fatalf("%v in %q", err, entry)
		}
		out = append(out, r)
	}
	return out
}

func TestSuricata(t *testing.T) {
	text, _ := write(t, "suricata", Options{}, sample())
	rules := rulesOf(t, text)
	sids := map[uint32]bool{}
	for _, r := range rules {
		if sids[r.sid] {
			t.Errorf("sid %d twice", r.sid)
		}
		if sids[r.sid] = true; r.sid < FirstRule || r.sid > LastRule {
			t.Errorf("sid %d is out of range", r.sid)
		}
	}
	dns := func(name string) event {
		return event{"dns", "203.0.113.9", 53, map[string]string{"dns.query": name}}
	}
	web := func(host string, port int, uri string) event {
		return event{"http", "203.0.113.9", port, map[string]string{"http.host": host, "http.uri.raw": uri}}
	}
	for _, tt := range []struct {
		e    event
		what string // of the rule that fires, "" if none
	}{
		{dns("evil.example"), "DNS query"},
		{dns("Deep.EVIL.example"), "DNS query"},
		{dns("notevil.example"), ""},
		{dns("evil.example.org"), ""},
		{event{"tls", "203.0.113.9", 443, map[string]string{"tls.sni": "x.evil.example"}}, "TLS server name"},
		{web("evil.example", 80, "/other"), "HTTP host"},
		{web("192.0.2.9", 8080, "/a"), "HTTP URL"},
		{web("192.0.2.9", 80, "/a"), ""},
		{web("192.0.2.9", 8080, "/a/b"), ""},
		{web("x.example", 8080, "/a"), ""},
		{event{"tcp", "192.0.2.7", 9, nil}, "traffic to address"},
		{event{"tcp", "192.0.2.70", 9, nil}, ""},
		{event{"tcp", "2001:db8::1", 9, nil}, "traffic to address"},
		{event{"tcp", "198.51.100.3", 9, nil}, "traffic to address"},
		{event{"tcp", "192.0.2.8", 8443, nil}, "connection to address"},
		{event{"tcp", "192.0.2.8", 443, nil}, ""},
		{event{"tcp", "2001:db8::2", 443, nil}, "connection to address"},
		{event{"http", "203.0.113.9", 80, map[string]string{"http.user_agent": `Mozilla/4.0 (compatible; "x")`}}, "HTTP user agent"},
		{event{"http", "203.0.113.9", 80, map[string]string{"http.user_agent": `Mozilla/4.0 (compatible; "x") more`}}, ""},
		{event{"tls", "203.0.113.9", 443, map[string]string{"tls.cert_fingerprint": strings.TrimSuffix(strings.Repeat("1a:", 20), ":")}}, "TLS certificate"},
	} {
		what := ""
		for _, r := range rules {
			if r.fires(tt.e) {
				what = r.msg
			}
		}
		if tt.what == "" && what != "" || !strings.HasPrefix(what, strings.TrimSuffix("DOSSIER "+tt.what, "DOSSIER ")) {
			t.Errorf("%v: %q fires, want %q", tt.e, what, tt.what)
		}
	}
}

// TestSIDsKeepTheirMeaning exports parts: a rule has its number whatever stands beside it.
func TestSIDsKeepTheirMeaning(t *testing.T) {
	all, _ := write(t, "suricata", Options{}, sample())
	list := sample()
	for n := range list {
		text, _ := write(t, "suricata", Options{}, list[n:n+1])
		for _, r := range strings.Split(text, "\n")[1:] {
			if !strings.Contains(all, r) {
				t.Errorf("alone, this is another: %s", r)
			}
		}
	}
	own, _ := write(t, "suricata", Options{First: 5_000_000, Last: 5_999_999}, list)
	for _, r := range rulesOf(t, own) {
		if r.sid < 5_000_000 || r.sid > 5_999_999 {
			t.Errorf("sid %d is out of the range asked for", r.sid)
		}
	}
}

func FuzzSuricata(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, kind uint8, value, title, publisher, reference string) {
		i := fuzzed(kind, value, title, publisher, reference)
		text, r := write(t, "suricata", Options{Title: title}, []*Indicator{i})
		rules := rulesOf(t, text)
		if (len(rules) > 0) != (r.Written == 1) || len(rules) > 3 {
			t.Errorf("%d rules, %d written", len(rules), r.Written)
		}
		for _, r := range rules {
			for _, o := range r.options {
				if o.name != "content" {
					continue
				}
				b, _ := unhex(o.value)
				h, rest, _ := splitURL(value)
				if hp, _, err := net.SplitHostPort(h); err == nil {
					h = hp
				}
				if got := strings.TrimPrefix(string(b), "."); got != strings.TrimPrefix(value, ".") && strings.Trim(got, "[]") != strings.Trim(h, "[]") && got != rest && strings.ReplaceAll(got, ":", "") != value {
					t.Errorf("%q matches %q", value, got)
				}
			}
		}
	})
}
