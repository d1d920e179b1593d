package hunt

import (
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"dossier/internal/observable"
)

func sequence(list []observable.Observable) iter.Seq2[observable.Observable, error] {
	return func(yield func(observable.Observable, error) bool) {
		for _, o := range list {
			if !yield(o, nil) {
				return
			}
		}
	}
}

func compile(t testing.TB, list []observable.Observable) *Matcher {
	t.Helper()
	m, err := Compile(sequence(list))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func parse(t testing.TB, k observable.Kind, v string) observable.Observable {
	t.Helper()
	o, err := observable.ParseAs(k, v)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// The indicators of the tests; the values are made up.
var sample = []struct {
	kind  observable.Kind
	value string
}{
	{observable.Domain, "evil.com"},
	{observable.Domain, "bad.co.uk"},
	{observable.Domain, "deep.sub.wicked.example.org"},
	{observable.Domain, "bücher-klau.de"},
	{observable.Domain, "例子.中国"},
	{observable.Domain, "-odd_name.net"},
	{observable.IPAddress, "1.2.3.4"},
	{observable.IPAddress, "45.77.0.9"},
	{observable.IPAddress, "2a01:4f8::dead:beef"},
	{observable.CIDR, "91.200.14.0/24"},
	{observable.CIDR, "2a02:26f0::/32"},
	{observable.CIDR, "77.0.0.0/12"},
	{observable.URL, "http://files.shop.ru/a/gate.php"},
	{observable.URL, "https://files.shop.ru:8443/x?id=1"},
	{observable.URL, "http://5.6.7.8/bin.sh"},
	{observable.URL, "http://rooted.top/"},
	{observable.URL, "http://[2a01:4f8::1]/p"},
	{observable.URL, "http://cdn.host.io/a%20b/c%2Fd"},
	{observable.URL, "ftp://drop.biz/up"},
	{observable.Email, "Boss.Man@phish.com"},
	{observable.IPPort, "6.7.8.9:4444"},
	{observable.IPPort, "[2a01:4f8::77]:53"},
	{observable.MD5, "0123456789abcdef0123456789abcdef"},
	{observable.SHA1, "0123456789abcdef0123456789abcdef01234567"},
	{observable.SHA256, "fff3456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"},
	{observable.SHA512, strings.Repeat("ab34567890cdef12", 8)},
	{observable.JA3, "e7d705a3286e19ea42f587b344ee6865"},
	{observable.JARM, "07d14d16d21d21d07c42d41d00041d24a458a375eef0c576d23a7bab9a9fb1"},
	{observable.CertSHA1, "aabbccddeeff00112233445566778899aabbccdd"},
}

func samples(t testing.TB) []observable.Observable {
	var out []observable.Observable
	for _, s := range sample {
		out = append(out, parse(t, s.kind, s.value))
	}
	return out
}

// found returns what the engine finds in each line of text.
func found(s *Scanner, text string) []map[observable.Observable]bool {
	out := make([]map[observable.Observable]bool, strings.Count(text, "\n")+1)
	for i := range out {
		out[i] = map[observable.Observable]bool{}
	}
	s.Scan(Pad([]byte(text)), func(l Line) {
		n := strings.Count(text[:l.Offset], "\n")
		for _, m := range l.Matches {
			if out[n][m.Observable] {
				panic("the same twice")
			}
			out[n][m.Observable] = true
		}
	})
	return out
}

func names(set map[observable.Observable]bool) string {
	var s []string
	for o := range set {
		s = append(s, o.Value)
	}
	slices.Sort(s)
	return strings.Join(s, " ")
}

func TestRightMatches(t *testing.T) {
	const (
		md5, sha1 = "0123456789abcdef0123456789abcdef", "0123456789abcdef0123456789abcdef01234567"
		sha256    = "fff3456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
		cert      = "aabbccddeeff00112233445566778899aabbccdd"
		gate      = "http://files.shop.ru/a/gate.php"
	)
	list := samples(t)
	s := NewScanner(compile(t, list))
	for _, tt := range []struct{ line, want string }{
		{"evil.com", "evil.com"},
		{"a www.evil.com b", "evil.com"},
		{"notevil.com evil.com.au evil.comx xevil.com evil-com evil.co", ""},
		{"EVIL.COM. and more", "evil.com"},
		{"(evil.com)", "evil.com"},
		{"-evil.com evil.com-", "evil.com"},
		{"user@evil.com", "evil.com"},
		{"evil.com@gmail.com", ""},
		{"q=evil%2Ecom", "evil.com"},
		{"%20evil.com", "evil.com"},
		{"u=http%3A%2F%2Fevil.com%2Fx", "evil.com"},
		{"u=http%253A%252F%252Fevil.com%252Fx", "evil.com"},
		{`{"m":"Source:\nevil.com\t1.2.3.4"}`, "1.2.3.4 evil.com"},
		{`"\u0065vil.com"`, "evil.com"},
		{"evil[.]com evil(dot)com", "evil.com"},
		{"see evil [.] com", "evil.com"},
		{"see evil %5B.] com or evil [%2e] com", "evil.com"},
		{`\u=evil%2Ecom \u=%65vil\u002ecom`, "evil.com"},
		{"bad.co.uk", "bad.co.uk"},
		{"x.deep.sub.wicked.example.org.", "deep.sub.wicked.example.org"},
		{"wicked.example.org", ""},
		{"bücher-klau.de", "xn--bcher-klau-9db.de"},
		{"www.BÜCHER-klau.DE", "xn--bcher-klau-9db.de"},
		{"www.xn--bcher-klau-9db.de", "xn--bcher-klau-9db.de"},
		{"XN--BCHER-KLAU-9DB.de", "xn--bcher-klau-9db.de"},
		{"b%C3%BCcher-klau.de", "xn--bcher-klau-9db.de"},
		{"http://例子.中国/x", "xn--fsqu00a.xn--fiqs8s"},
		{"例子。中国", "xn--fsqu00a.xn--fiqs8s"},
		{"访问evil.com的", "evil.com"},
		{"evil\u200b.com", "evil.com"},
		{"„evil.com“", "evil.com"},
		{"\xff\xfeevil.com\xff", "evil.com"},
		{"-odd_name.net a.-odd_name.net", "-odd_name.net"},
		{"1.2.3.4", "1.2.3.4"},
		{"1.2.3.45 1.2.3.4.5 11.2.3.4 0.1.2.3.4 v1.2.3.4 1.2.3.4a", ""},
		{"1.2.3.4.", "1.2.3.4"},
		{"1.2.3.4-1.2.3.9", "1.2.3.4"},
		{"001.002.003.004", ""},
		{"/1.2.3.4:80", "1.2.3.4"},
		{"%201.2.3.4", "1.2.3.4"},
		{"::ffff:1.2.3.4", "1.2.3.4"},
		{"::FFFF:102:304", "1.2.3.4"},
		{"45.77.0.9,45.77.00.9", "45.77.0.9"},
		{"91.200.14.255", "91.200.14.0/24"},
		{"91.200.15.1", ""},
		{"77.15.1.1 77.16.1.1", "77.0.0.0/12"},
		{"2a02:26f0:1::5", "2a02:26f0::/32"},
		{"2A01:04F8:0000:0000:0000:0000:DEAD:BEEF", "2a01:4f8::dead:beef"},
		{"[2a01:4f8::dead:beef]:443", "2a01:4f8::dead:beef"},
		{"src:2a01:4f8:0:0::dead:beef.", "2a01:4f8::dead:beef"},
		{"2a01:4f8::dead:beef%eth0", "2a01:4f8::dead:beef"},
		{"2a01:4f8::dead:beef.53", "2a01:4f8::dead:beef"},
		{"2a01:4f8::dead:beef1", ""},
		{"std::dead::beef 12:30:45 00:11:22:33:44:55", ""},
		{gate, gate},
		{"https://files.shop.ru/a/gate.php", ""},
		{"HTTP://Files.Shop.RU:80/a/./gate%2Ephp#x", gate},
		{"files.shop.ru/a/gate.php", gate},
		{"files.shop.ru./a/gate.php", gate},
		{"http://files.shop.ru/a/gate.php?x=1", gate},
		{"http://files.shop.ru/a/gate.php5 http://files.shop.ru/a http://files.shop.ru/", ""},
		{"http://www.files.shop.ru/a/gate.php", ""},
		{"http://files.shop.ru.com/a/gate.php", ""},
		{`"http:\/\/files.shop.ru\/a\/gate.php"`, gate},
		{`\"http:\\/\\/files.shop.ru\\/a\\/gate.php\"`, gate},
		{"hxxp://files[.]shop[.]ru/a/gate.php", gate},
		{"(http://files.shop.ru/a/gate.php).", gate},
		{"x,http://files.shop.ru/a/gate.php,200,1", gate},
		{"r?u=http://files.shop.ru/a/gate.php&z=1", gate},
		{"http://u:p@files.shop.ru/a/gate.php", ""},
		{"r?u=http%3A%2F%2Ffiles.shop.ru%2Fa%2Fgate.php", gate},
		{"1.1\tfiles.shop.ru\t80\tGET\t/a/gate.php\t-", gate},
		{`{"hostname":"files.shop.ru","url":"\/a\/gate.php?q"}`, gate},
		{"files.shop.ru:8443/x?id=1", "https://files.shop.ru:8443/x?id=1"},
		{"files.shop.ru:443", ""},
		{"http://5.6.7.8/bin.sh 5.6.7.8", "http://5.6.7.8/bin.sh"},
		{"5.6.7.8/bin.sh", "http://5.6.7.8/bin.sh"},
		{"dns query rooted.top A", "http://rooted.top/"},
		{"rooted.top:80 www.rooted.top", "http://rooted.top/"},
		{"www.rooted.top http://rooted.top/x", ""},
		{"http://[2A01:4F8:0::1]/p", "http://[2a01:4f8::1]/p"},
		{"http://cdn.host.io/a%20b/c%2fd", "http://cdn.host.io/a%20b/c%2Fd"},
		{"ftp://DROP.biz:21/up", "ftp://drop.biz/up"},
		{"from=<boss.man@PHISH.com>", "Boss.Man@phish.com"},
		{"mailto:Boss.Man@phish.com,", "Boss.Man@phish.com"},
		{"xBoss.Man@phish.com", ""},
		{"boss.man%40phish.com", "Boss.Man@phish.com"},
		{"6.7.8.9:4444", "6.7.8.9:4444"},
		{"6.7.8.9:44441 6.7.8.9 443", ""},
		{"10.0.0.1\t5555\t6.7.8.9\t4444\ttcp", "6.7.8.9:4444"},
		{`"dest_ip":"6.7.8.9","dest_port":4444,`, "6.7.8.9:4444"},
		{`"id.resp_h":"6.7.8.9","id.resp_p":4444}`, "6.7.8.9:4444"},
		{"dst=6.7.8.9 dpt=4444", "6.7.8.9:4444"},
		{"outside:6.7.8.9/4444 (x)", "6.7.8.9:4444"},
		{"from 6.7.8.9 port 4444 ssh2", "6.7.8.9:4444"},
		{"[2a01:4f8:0::77]:53", "[2a01:4f8::77]:53"},
		{"MD5=0123456789ABCDEF0123456789ABCDEF,X", md5},
		{sha1, sha1},
		{sha1 + "0 x" + sha1 + " " + sha1 + "_", sha1},
		{"/" + md5 + ".exe", md5},
		{"sha256:" + strings.ToUpper(sha256), sha256},
		{"sha256-//NFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4mrze8=", sha256},
		{`"sha256":"\/\/NFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4mrze8="`, sha256},
		{"ASNFZ4mrze8BI0VniavN7w==", md5},
		{"Fingerprint=AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD", cert},
		{`"ja3":{"hash":"e7d705a3286e19ea42f587b344ee6865"}`, "e7d705a3286e19ea42f587b344ee6865"},
		{"07d14d16d21d21d07c42d41d00041d24a458a375eef0c576d23a7bab9a9fb1", "07d14d16d21d21d07c42d41d00041d24a458a375eef0c576d23a7bab9a9fb1"},
	} {
		for _, line := range []string{tt.line, strings.Repeat("x ", 31) + tt.line + " y", strings.Repeat("1.5,", 13) + " " + tt.line} {
			if got := names(found(s, line)[0]); got != tt.want {
				t.Errorf("%q: found %q, want %q", line, got, tt.want)
			}
			if got := names(oracle(line, list)); got != tt.want {
				t.Errorf("%q: the oracle says %q, want %q", line, got, tt.want)
			}
		}
	}
}

// TestRelations holds how what is found relates to the indicator, the closest if a line has several.
func TestRelations(t *testing.T) {
	list := append(samples(t), parse(t, observable.URL, "http://9.8.7.6/"), parse(t, observable.URL, "https://[2a01:4f8::9]:8443/"))
	s := NewScanner(compile(t, list))
	for _, tt := range []struct {
		line string
		want Relation
	}{
		{"evil.com", Exact},
		{"www.evil.com", Subdomain},
		{"www.evil.com evil.com", Exact},
		{"91.200.14.9", Network},
		{"http://files.shop.ru/a/gate.php?x", Query},
		{"files.shop.ru\t/a/gate.php", Joined},
		{"files.shop.ru\t/a/gate.php?q http://files.shop.ru/a/gate.php", Exact},
		{"6.7.8.9\t4444", Joined},
		{"6.7.8.9:4444", Exact},
		// A URL without a path: only what has a scheme or a slash is surely a URL.
		{"http://rooted.top/", Exact},
		{"http://rooted.top", Exact},
		{"HTTP://ROOTED.TOP:80.", Exact},
		{"rooted.top/", Exact},
		{"rooted.top:80/", Exact},
		{"r?u=http%3A%2F%2Frooted.top", Exact},
		{"rooted.top/?x", Query},
		{"rooted.top", Host},
		{"rooted.top:80", Host},
		{"x@rooted.top", Host},
		{"rooted.top\t/other", Host},
		{"rooted.top\t80\tGET\t/\t-", Joined},
		{"rooted.top http://rooted.top/", Exact},
		{"9.8.7.6", Host},
		{"http://9.8.7.6", Exact},
		{"[2a01:4f8::9]:8443", Host},
		{"https://[2a01:4f8:0::9]:8443", Exact},
	} {
		got := []Relation{}
		s.Scan(Pad([]byte(tt.line)), func(l Line) {
			for _, m := range l.Matches {
				got = append(got, m.Relation)
			}
		})
		if len(got) != 1 || got[0] != tt.want {
			t.Errorf("%q: %q, want %q", tt.line, got, tt.want)
		}
	}
}

// TestAgainstOracle makes lines of values, near misses, wrappings and noise.
func TestAgainstOracle(t *testing.T) {
	list := samples(t)
	s := NewScanner(compile(t, list))
	rounds := 30000
	if testing.Short() {
		rounds = 3000
	}
	rnd := rand.New(rand.NewPCG(7, 7))
	hits := 0
	for range rounds {
		line := randomLine(rnd, list)
		got, want := found(s, line)[0], oracle(line, list)
		if !maps.Equal(got, want) {
			t.Fatalf("%q:\nfound  %q\noracle %q", line, names(got), names(want))
		}
		hits += len(want)
	}
	if hits < rounds/2 {
		t.Errorf("only %d matches in %d lines", hits, rounds)
	}
}

var noise = []string{
	" ", "\t", ",", ";", "|", "\"", "'", "=", ":", "/", "//", "://", ".", "..", "-", "_", "@", "%", "%20", "%2F", "%2e", "%41", "\\", `\/`, `\n`, `\u002e`, "\\\\", "[", "]", "[.]", "(dot)",
	"(", ")", "{", "}", "<", ">", "&", "?", "#", "+", "*", "!", "a", "x", "9", "0", "www.", "http://", "https://", "hxxp://", "ftp://", "é", "ü", "例", "。", "\u200b", "\xff", "xn--", ":80", ":443", ":4444",
	".com", ".au", "1.2.3.", "/a/gate.php", "/bin.sh", "\"dest_port\":", " port ", "sha256:", "==", "=", strings.Repeat("z", 61), strings.Repeat("k", 130), strings.Repeat("9", 64), "abcdef", "::", "2a01:4f8:",
}

func randomLine(rnd *rand.Rand, list []observable.Observable) string {
	var b strings.Builder
	for range 1 + rnd.IntN(9) {
		if rnd.IntN(3) == 0 {
			b.WriteString(mangle(rnd, list[rnd.IntN(len(list))]))
		} else {
			b.WriteString(noise[rnd.IntN(len(noise))])
		}
	}
	return b.String()
}

// mangle writes a value in another way, or almost.
func mangle(rnd *rand.Rand, o observable.Observable) string {
	v := o.Value
	switch rnd.IntN(12) {
	case 0:
		v = strings.ToUpper(v)
	case 1:
		v = observable.Defang(o)
	case 2:
		v = strings.ReplaceAll(v, "/", `\/`)
	case 3:
		v = strings.NewReplacer(":", "%3A", "/", "%2F", "?", "%3f").Replace(v)
	case 4:
		v = strings.Replace(v, ".", "%2E", 1)
	case 5:
		_, v, _ = strings.Cut(v, "://")
	case 6:
		v = v[:rnd.IntN(len(v))]
	case 7:
		i := rnd.IntN(len(v))
		v = v[:i] + noise[rnd.IntN(len(noise))] + v[i:]
	case 8:
		if h, ok := o.Host(); ok {
			v = h.Value
		}
	}
	return v
}

func FuzzScan(f *testing.F) {
	rnd := rand.New(rand.NewPCG(1, 1))
	list := samples(f)
	for range 200 {
		f.Add(randomLine(rnd, list))
	}
	s := NewScanner(compile(f, list))
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4096 {
			return
		}
		text = strings.ReplaceAll(text, "\r", "")
		got := found(s, text)
		for i, line := range strings.Split(text, "\n") {
			if want := oracle(line, list); !maps.Equal(got[i], want) {
				t.Errorf("%q:\nfound  %q\noracle %q", line, names(got[i]), names(want))
			}
		}
	})
}

// TestPlaces moves values over all places of the masks, between bytes that are in words and not.
func TestPlaces(t *testing.T) {
	list := samples(t)
	s := NewScanner(compile(t, list))
	for _, o := range list {
		for shift := range 200 {
			for _, fill := range []string{"x", "1", ".", "é"} {
				line := strings.Repeat(fill, shift) + " " + o.Value + "\t" + fill
				if got := found(s, line)[0]; !got[o] {
					t.Fatalf("%q: %s not found", line, o.Value)
				}
			}
		}
	}
	// Across strips of masks as well.
	for shift := strip*group - 100; shift < strip*group+100; shift++ {
		for _, o := range list {
			if line := strings.Repeat(" ", shift) + o.Value; !found(s, line)[0][o] {
				t.Fatalf("%s at %d not found", o.Value, shift)
			}
		}
	}
}

func Example() {
	evil, _ := observable.Parse("evil[.]com")
	m, err := Compile(func(yield func(observable.Observable, error) bool) { yield(evil, nil) })
	if err != nil {
		fmt.Println(err)
		return
	}
	NewScanner(m).Scan(Pad([]byte("GET http://www.evil.com/\nGET http://notevil.com/\n")), func(l Line) {
		fmt.Println(string(l.Text), l.Matches[0].Observable.Value, l.Matches[0].Relation)
	})
	// Output: GET http://www.evil.com/ evil.com subdomain
}

// TestHostile holds what no log has, and who knows the indicators may send, to a bounded time.
func TestHostile(t *testing.T) {
	s := NewScanner(compile(t, samples(t)))
	for _, unit := range []string{"files.shop.ru/a,", "files.shop.ru/", "rooted.top\t/x ", "_evil.com", "!@phish.com ", "%25", `\\`, "例.", "[.]", "xn--", "a:", "aa:", "a=", "1.2.3.4-", "http://u@"} {
		line := strings.Repeat(unit, (64<<10)/len(unit))
		start := time.Now()
		found(s, line)
		if took := time.Since(start); took > 20*time.Second { // some 0.1 s on an idle machine
			t.Errorf("64 KiB of %q took %v", unit, took)
		}
	}
}
