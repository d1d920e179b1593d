package hunt

import (
	"encoding/base64"
	"encoding/hex"
	"net/netip"
	"regexp"
	"strings"

	"dossier/internal/observable"
)

// oracle returns which of the indicators the line holds, slowly: it looks for each indicator in each reading of the whole line, by the rules in the
// package's comment. It shares with the engine the readings and the field that follows an address, which have tests of their own.
func oracle(line string, indicators []observable.Observable) map[observable.Observable]bool {
	found := map[observable.Observable]bool{}
	texts := []string{line}
	readings(line, func(r string) { texts = append(texts, r) })
	for _, o := range indicators {
		for _, text := range texts {
			if holds(text, line, o) {
				found[o] = true
			}
		}
	}
	return found
}

func at(s string, i int) byte {
	if i < 0 || i >= len(s) {
		return '\n'
	}
	return s[i]
}

func escaped(s string, i int) bool { return at(s, i-1) == '%' && isHex(at(s, i)) && isHex(at(s, i+1)) }

// occurrences yields where sub is in s, overlapping ones too.
func occurrences(s, sub string, f func(i, j int) bool) bool {
	for i := 0; i+len(sub) <= len(s); i++ {
		if s[i:i+len(sub)] == sub && f(i, i+len(sub)) {
			return true
		}
	}
	return false
}

func lowerASCII(s string) string {
	b := []byte(s)
	for i, c := range b {
		b[i] = lower(c)
	}
	return string(b)
}

// endsWord reports whether a name may end before s[j].
func endsWord(s string, j int) bool {
	k := j
	for strings.IndexByte(".-_", at(s, k)) >= 0 {
		k++
	}
	return !isWord(at(s, k)) && (k > j || at(s, j) != '@' || !isAlnum(at(s, j+1)))
}

// beginsWord reports whether a whole name may begin at s[i].
func beginsWord(s string, i int) bool {
	if escaped(s, i) {
		return false
	}
	for at(s, i-1) == '-' || at(s, i-1) == '_' {
		i--
	}
	return !isWord(at(s, i-1))
}

func holds(text, line string, o observable.Observable) bool {
	low := lowerASCII(text)
	switch o.Kind {
	case observable.Domain:
		return occurrences(low, o.Value, func(i, j int) bool {
			return (beginsWord(text, i) || at(text, i-1) == '.') && endsWord(text, j)
		})
	case observable.IPAddress, observable.CIDR:
		p, err := netip.ParsePrefix(o.Value)
		if err != nil {
			a := netip.MustParseAddr(o.Value)
			p = netip.PrefixFrom(a, a.BitLen())
		}
		for _, a := range addressesIn(text) {
			if p.Contains(a.addr) {
				return true
			}
		}
		return false
	case observable.IPPort:
		want := netip.MustParseAddrPort(o.Value)
		for _, a := range addressesIn(text) {
			if a.addr != want.Addr() {
				continue
			}
			e := a.end
			if at(text, e) == ']' && at(text, a.start-1) == '[' {
				e++
			}
			rest := []byte(text[e:] + strings.Repeat("\n", group))
			d := digitsAt(rest, 1)
			if strings.IndexByte(":/#|", rest[0]) < 0 || d == nil {
				d = nextNumber(rest, 0)
			}
			if d != nil && strings.TrimLeft(string(d), "0") == strings.Split(o.Value, ":")[strings.Count(o.Value, ":")] {
				return true
			}
		}
		return false
	case observable.Email:
		v := strings.ToLower(o.Value)
		return occurrences(low, v, func(i, j int) bool {
			return !isWord(at(text, i-1)) && endsWord(text, j) && !escaped(text, i+strings.IndexByte(v, '@')+1)
		})
	case observable.URL:
		return holdsURL(text, line, o)
	}
	return holdsHash(text, o.Value)
}

func holdsHash(text, v string) bool {
	if occurrences(lowerASCII(text), v, func(i, j int) bool { return !isAlnum(at(text, i-1)) && !isAlnum(at(text, j)) }) {
		return true
	}
	raw, _ := hex.DecodeString(v)
	for _, run := range colonRuns(text) {
		if lowerASCII(text[run[0]:run[1]]) == strings.ReplaceAll(strings.TrimSpace(regexp.MustCompile("..").ReplaceAllString(v, "$0 ")), " ", ":") {
			switch len(raw) {
			case 16, 20, 32, 64:
				return true
			}
		}
	}
	for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
		switch len(raw) {
		case 16, 20, 32, 64:
		default:
			continue
		}
		for _, t := range []string{text, strings.ReplaceAll(text, `\/`, `/`)} {
			if occurrences(t, enc.EncodeToString(raw), func(i, j int) bool {
				return !isAlnum(at(t, i-1)) && !isWord(at(t, j)) && at(t, j) != '='
			}) {
				return true
			}
		}
	}
	return false
}

type place struct {
	addr       netip.Addr
	start, end int
}

var quad = regexp.MustCompile(`^(?:0|[1-9][0-9]{0,2})(?:\.(?:0|[1-9][0-9]{0,2})){3}`)

// addressesIn returns the addresses in text, IPv4 from each place where one may begin.
func addressesIn(text string) []place {
	var out []place
	for i := range len(text) {
		q := quad.FindString(text[i:])
		a, err := netip.ParseAddr(q)
		if err != nil {
			continue
		}
		b := i
		for at(text, b-1) == '.' {
			b--
		}
		if c := at(text, b-1); isAlnum(c) || c >= 0x80 || escaped(text, i) {
			continue
		}
		j := i + len(q)
		if c := at(text, j); c == '-' || c == '_' || endsWord(text, j) || c == '@' {
			out = append(out, place{a, i, j})
		}
	}
	for _, run := range colonRuns(text) {
		i, j := run[0], run[1]
		for _, s := range [][2]int{
			{i, j},
			{i, i + max(0, strings.LastIndexAny(text[i:j], ".:"))},
			{i + strings.IndexByte(text[i:j], ':') + 1, j},
		} {
			if a, err := netip.ParseAddr(text[s[0]:s[1]]); err == nil && a.Is6() && j-i <= 64 {
				if s[0] > i && at(text, s[0]) == ':' {
					continue
				}
				out = append(out, place{a.Unmap(), s[0], s[1]})
				break
			}
		}
	}
	return out
}

var hexColons = regexp.MustCompile(`[0-9A-Fa-f:.]+`)

// colonRuns returns the runs of hex digits, colons and dots that may be a value.
func colonRuns(text string) [][2]int {
	var out [][2]int
	for _, r := range hexColons.FindAllStringIndex(latin1(text), -1) {
		i, j := r[0], r[1]
		if c := at(text, j); isAlnum(c) || c >= 0x80 {
			continue
		}
		if c := at(text, i-1); isAlnum(c) || c >= 0x80 || c == '%' {
			k := strings.IndexByte(text[i:j], ':')
			if k < 0 || at(text, i+k+1) == ':' {
				continue
			}
			i += k + 1
		}
		for j > i && (text[j-1] == '.' || text[j-1] == ':' && at(text, j-2) != ':') {
			j--
		}
		if i < j && text[i] == ':' && at(text, i+1) != ':' {
			i++
		}
		if i < j && strings.IndexByte(text[i:j], ':') >= 0 {
			out = append(out, [2]int{i, j})
		}
	}
	return out
}

// latin1 makes every byte a character, so that regexp's positions are bytes whatever they are.
func latin1(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 0x80 {
			b[i] = 0x7f
		}
	}
	return string(b)
}

// holdsURL tries every begin and every end that a URL may have.
func holdsURL(text, line string, o observable.Observable) bool {
	is := func(u string) bool {
		p, err := observable.ParseAs(observable.URL, u)
		if err != nil {
			return false
		}
		return p.Value == o.Value || strings.HasPrefix(p.Value, o.Value+"?") && !strings.Contains(o.Value, "?")
	}
	h, _ := o.Host()
	type hostPlace struct{ i, j int }
	var places []hostPlace
	if h.Kind == observable.Domain {
		occurrences(lowerASCII(text), h.Value, func(i, j int) bool {
			if beginsWord(text, i) && endsWord(text, j) {
				places = append(places, hostPlace{i, j})
			}
			return false
		})
	} else {
		for _, a := range addressesIn(text) {
			if a.addr.String() != h.Value {
				continue
			}
			switch {
			case a.addr.Is4():
				places = append(places, hostPlace{a.start, a.end})
			case at(text, a.start-1) == '[' && at(text, a.end) == ']':
				places = append(places, hostPlace{a.start - 1, a.end + 1})
			default:
				for _, p := range append(pathsIn(line), "") {
					if is("http://["+h.Value+"]"+p) || is("https://["+h.Value+"]"+p) {
						return true
					}
				}
			}
		}
	}
	scheme := regexp.MustCompile(`[A-Za-z0-9+.*-]{1,16}$`)
	for _, p := range places {
		begin, prefixes := p.i, webPrefixes
		user := p.i
		if at(text, user-1) == '@' {
			for user--; user > 0 && p.i-user <= 256 && !hardEnd(text[user-1]) && text[user-1] != '/'; user-- {
			}
		}
		if strings.HasSuffix(text[:user], "://") {
			if sch := scheme.FindString(latin1(text[max(0, user-19) : user-3])); sch != "" && knownScheme(sch+"://") {
				begin, prefixes = user-3-len(sch), []string{""}
			}
		}
		nested := at(text, begin-1) == '=' || at(text, begin-1) == '&'
		hard := p.j
		for hard < len(text) && !hardEnd(text[hard]) {
			hard++
		}
		for end := p.j; end <= hard; end++ {
			// Between end and a place where a URL may end there is nothing but punctuation.
			c := end
			for c < hard && strings.IndexByte(".,;:!?'*", text[c]) >= 0 && !softEnd(text[c]) {
				c++
			}
			may := c == hard || softEnd(text[c]) || nested && text[c] == '&' || end == p.j && at(text, end) == ':' && !isDigit(at(text, end+1))
			for _, prefix := range prefixes {
				if may && is(prefix+text[begin:end]) {
					return true
				}
			}
		}
		if begin == p.i && at(text, p.i-1) != '/' && at(text, p.i-1) != '@' {
			end := p.j
			if at(text, end) == ':' {
				for end++; end-p.j < 6 && isDigit(at(text, end)); end++ {
				}
			}
			if c := at(text, end); c == '/' || c == '?' || c == '@' || c == '%' || isAlnum(c) {
				continue
			}
			for _, path := range pathsIn(line) {
				if is("http://"+text[p.i:end]+path) || is("https://"+text[p.i:end]+path) {
					return true
				}
			}
		}
	}
	return false
}
