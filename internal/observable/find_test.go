package observable_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"dossier/internal/observable"
)

func TestFind(t *testing.T) {
	const md5 = "0cc175b9c0f1b6a831c399e269772661"
	for _, tt := range []struct {
		text string
		want []string
	}{
		{"", nil},
		{"Nothing here, e.g. no names. At all...", nil},
		{"It calls evil.com, then www.evil.net.", []string{"evil.com", "www.evil.net"}},
		{"(evil.com) [evil.net] <evil.org> \"evil.biz\" 'evil.info' `evil.top` **evil.xyz** _evil.me_", []string{
			"evil.com", "evil.net", "evil.org", "evil.biz", "evil.info", "evil.top", "evil.xyz", "evil.me",
		}},
		{"EVIL.COM Evil.com", []string{"evil.com", "evil.com"}},
		{"a missing space.In this text.The end", nil},
		{"evil[.]com evil(dot)net evil{.}org evil[dot]biz", []string{"evil.com", "evil.net", "evil.org", "evil.biz"}},
		{"-evil.com", []string{"evil.com"}}, // a bullet
		{"evil.com|evil.net,evil.org;evil.biz", []string{"evil.com", "evil.net", "evil.org", "evil.biz"}},
		{"domain=evil.com&x", []string{"evil.com"}},
		{"evil.com:8080 is up", []string{"evil.com"}},
		{"_dmarc.evil.com", []string{"_dmarc.evil.com"}},
		{"bücher.de и пример.рф", []string{"xn--bcher-kva.de", "xn--e1afmkfd.xn--p1ai"}},
		{"éevil.com", []string{"xn--evil-9oa.com"}},
		{"访问evil.com。另外", []string{"evil.com"}},
		{"evil。com", []string{"evil.com"}},
		{"evil\u200b.com", []string{"evil.com"}},

		// what only looks like names
		{"readme.md setup.exe config.py run.sh main.rs libc.so Makefile.am a.zip", nil},
		{"run[.]sh evil[.]zip https://main.rs", []string{"run.sh", "evil.zip", "https://main.rs/"}},
		{"/usr/lib/evil.com C:\\Users\\evil.com src/evil.net", nil},
		{"Chrome/99.1.2.3 v1.2.3.4 1.2.3.4.5 1.2.3 1.2.3.400", nil},
		{"evil.bit evil[.]bit", []string{"evil.bit"}}, // alternative roots only if defanged
		{"this.field os.path std::vector a::b", nil},
		{"printer.local", nil},

		// addresses
		{"from 8.8.8.8. And 8[.]8[.]4[.]4, 10.0.0.1", []string{"8.8.8.8", "8.8.4.4"}},
		{"8.8.8.8:53, 8.8.8.8:53. 8.8.8.8:x 8.8.8.8:99999", []string{"8.8.8.8:53", "8.8.8.8:53", "8.8.8.8", "8.8.8.8"}},
		{"8.8.8.0/24 8.8.8.8/x 8.8.8.8/32", []string{"8.8.8.0/24", "http://8.8.8.8/x", "8.8.8.8"}},
		{"2606:4700::1, [2606:4700::1]:443 2606:4700::/32 (2606:4700::1) at 12:34:56", []string{
			"2606:4700::1", "[2606:4700::1]:443", "2606:4700::/32", "2606:4700::1",
		}},
		{"2606[:]4700[:][:]1", []string{"2606:4700::1"}},
		{"ad:8.8.8.8 ip:8.8.8.8", []string{"8.8.8.8", "8.8.8.8"}},
		{"00:11:22:33:44:55", nil},

		// hashes
		{md5 + ", MD5:" + strings.ToUpper(md5) + ".", []string{md5, md5}},
		{md5 + "0 x" + md5 + " " + md5 + "-1", nil},
		{"| `" + md5 + "` |", []string{md5}},

		// e-mail
		{"mail user@evil.com, a.b+c@evil.net; user[at]evil[.]org", []string{"user@evil.com", "a.b+c@evil.net", "user@evil.org"}},
		{"email=user@evil.com", []string{"user@evil.com"}},
		{"ssh root@8.8.8.8", []string{"8.8.8.8"}},
		{"@evil.com x@y", []string{"evil.com"}},

		// URLs
		{"see hxxps://evil[.]com/a[.]php?x=1.", []string{"https://evil.com/a.php?x=1"}},
		{"(http://evil.com/a_(b)) [x](http://evil.com/c)", []string{"http://evil.com/a_(b)", "http://evil.com/c"}},
		{"<a href=\"http://evil.com/a\">", []string{"http://evil.com/a"}},
		{"http://evil.com/a,http://evil.com/b", []string{"http://evil.com/a", "http://evil.com/b"}},
		{"x,http://evil.com/a,tag", []string{"http://evil.com/a"}}, // a cell
		{"http://evil.com/1,2", []string{"http://evil.com/1,2"}},
		{"h**p://evil.com meow://evil.com stratum+tcp://evil.com:3333", []string{"http://evil.com/", "http://evil.com/", "stratum+tcp://evil.com:3333/"}},
		{"http://localhost/evil.com http://192.168.1.1/evil.com", nil}, // not the names in their paths
		{"evil.com/gate.php evil.com:81/x evil.com/", []string{"http://evil.com/gate.php", "http://evil.com:81/x", "http://evil.com/"}},
		{"http://[2606:4700::1]/x http://bücher.de/ü", []string{"http://[2606:4700::1]/x", "http://xn--bcher-kva.de/%C3%BC"}},
		{"link:++https://evil.com/x++[here]", []string{"https://evil.com/x"}},
		{"https://evil.com/x[\"text\"]", []string{"https://evil.com/x"}},
		{"app://evil.com/x", []string{"http://evil.com/x"}}, // not a scheme of the network
	} {
		var got []string
		last := 0
		observable.Find([]byte(tt.text), func(o observable.Observable, start, end int) bool {
			if start < last || end > len(tt.text) {
				t.Errorf("Find(%q): %d to %d after %d", tt.text, start, end, last)
			}
			last = end
			got = append(got, o.Value)
			return true
		})
		if !slices.Equal(got, tt.want) {
			t.Errorf("Find(%q)\n got %q\nwant %q", tt.text, got, tt.want)
		}
	}
}

func TestFindOffsets(t *testing.T) {
	text := "x hxxp[:]//evil[.]com/a), “evil[.]com”"
	var got []string
	observable.Find([]byte(text), func(o observable.Observable, start, end int) bool {
		got = append(got, text[start:end])
		return true
	})
	if want := []string{"hxxp[:]//evil[.]com/a", "evil[.]com"}; !slices.Equal(got, want) {
		t.Errorf("got %q; want %q", got, want)
	}
}

// Words without end must not take more than linear time: each of these takes some tens of milliseconds.
func TestFindHostile(t *testing.T) {
	for _, s := range []string{
		"a+", "a.", "a:", "[a:", "1.2.3.4/", "a@", "a.com/", "http://", "f", "::", "h**p", "a.com@", "(", "ü.", "evil.com:1", "1.2.3.4:1", "2606::/", "http:[.]", "a.com,",
	} {
		begin := time.Now()
		observable.Find([]byte(strings.Repeat(s, 1<<20/len(s))), func(observable.Observable, int, int) bool { return true })
		if d := time.Since(begin); d > 5*time.Second {
			t.Errorf("1 MiB of %q takes %v", s, d)
		}
	}
}
