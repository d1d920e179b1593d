package hunt

import (
	"bytes"
	"net/netip"
	"strconv"
	"strings"

	"dossier/internal/observable"
)

// email looks up the address whose domain is text[i:e].
func (s *Scanner) email(text []byte, i, e int) {
	if text[i-1] != '@' {
		return
	}
	j := i - 1
	for i-1-j < 64 && (isWord(text[j-1]) || strings.IndexByte("!#$%&'*+/=?^`{|}~", text[j-1]) >= 0) {
		j--
	}
	// The local part may begin behind any character that is not in names: <mailto:a@b.com>, to=a@b.com.
	for k := j; k < i-1; k++ {
		if k > j && isWord(text[k-1]) {
			continue
		}
		key := bytes.ToLower(text[k:e])
		s.m.lookup(hashString(emails, key), func(at uint32, code byte, v []byte) {
			if code == codeEmail && bytes.EqualFold(v, key) {
				s.hit(k, at, Exact)
			}
		})
	}
}

// hardEnd reports bytes that are in no URL.
func hardEnd(c byte) bool { return features[c]&noURL != 0 }

// softEnd reports bytes that may be in a URL and may end one.
func softEnd(c byte) bool { return strings.IndexByte(",;()[]{}'`|\\^*!", c) >= 0 }

const (
	maxURL   = observable.MaxURL
	maxCuts  = 64      // ends of one URL that are tried
	maxTries = 1 << 14 // URLs of one line, or of a piece of 1 MiB of it, that are tried, a long one counting more: what is hostile must not take for ever
)

// ends yields where a value may end that goes on at from: there are few, even in hostile text.
func ends(text []byte, from int, nested bool, try func(end int)) {
	h := from
	for h-from < maxURL && !hardEnd(text[h]) {
		h++
	}
	cuts, last := 0, -1
	cut := func(c int) {
		if c > last {
			try(c)
			cuts++
			last = c
		}
	}
	if text[from] == ':' && !isDigit(text[from+1]) {
		cut(from)
	}
	for c := from; c <= h; c++ {
		if c != h && (cuts >= maxCuts || !softEnd(text[c]) && (!nested || text[c] != '&')) {
			continue
		}
		t := c
		for t > from && strings.IndexByte(".,;:!?'*", text[t-1]) >= 0 {
			t--
		}
		cut(t)
		cut(c)
	}
}

// url looks up the URLs whose host is text[i:e].
func (s *Scanner) url(text []byte, i, e int) {
	if i >= s.triesEnd {
		_, s.triesEnd = lineAt(text, i)
		s.tries = 0
	}
	if s.tries > maxTries {
		return
	}
	begin, prefixes := i, webPrefixes
	at := i
	if text[i-1] == '@' { // user information
		for at = i - 1; i-at < 256 && !hardEnd(text[at-1]) && text[at-1] != '/'; at-- {
		}
	}
	if bytes.HasSuffix(text[:at], []byte("://")) {
		b := at - 3
		for at-3-b < 16 && (isAlnum(text[b-1]) || strings.IndexByte("+-.*", text[b-1]) >= 0) {
			b--
		}
		if scheme := string(text[b:at]); knownScheme(scheme) {
			begin, prefixes = b, []string{""}
		}
	}
	nested := text[begin-1] == '=' || text[begin-1] == '&'
	tail := e
	for text[tail] == '.' {
		tail++ // a trailing dot belongs to the name if a path follows
	}
	if text[tail] != '/' && text[tail] != ':' && text[tail] != '?' && text[tail] != '#' {
		tail = e
	}
	ends(text, tail, nested, func(end int) {
		rel := Exact
		if begin == i && !bytes.ContainsAny(text[e:max(e, end)], "/?#") {
			rel = Host // a name or an address that may stand for anything there
		}
		for _, p := range prefixes {
			s.lookupURL(begin, p+string(text[begin:end]), rel)
		}
	})
	// A host that stands alone may have its path elsewhere in the line.
	if begin != i || text[i-1] == '/' || text[i-1] == '@' {
		return
	}
	end := e
	if text[e] == ':' {
		for end++; end-e < 6 && isDigit(text[end]); end++ {
		}
	}
	if c := text[end]; c != '/' && c != '?' && c != '@' && c != '%' && !isAlnum(c) {
		s.joins = append(s.joins, join{s.origin(i), string(text[i:end])})
	}
}

var webPrefixes = []string{"http://", "https://"}

// knownScheme reports whether package observable knows the scheme, defanged or not.
func knownScheme(s string) bool {
	o, err := observable.ParseAs(observable.URL, s+"known.com/")
	if err != nil {
		return false
	}
	h, _ := o.Host()
	return h.Value == "known.com"
}

// lookupURL looks up a URL and, if it has one, the same without its query.
func (s *Scanner) lookupURL(pos int, u string, rel Relation) {
	if s.tries += 1 + len(u)/128; s.tries > maxTries {
		return
	}
	o, err := observable.ParseAs(observable.URL, u)
	if err != nil {
		return
	}
	if at, ok := s.m.find(hashString(urls, []byte(o.Value)), codeURL, []byte(o.Value)); ok {
		s.hit(pos, at, rel)
	}
	if i := strings.IndexByte(o.Value, '?'); i >= 0 {
		if at, ok := s.m.find(hashString(urls, []byte(o.Value[:i])), codeURL, []byte(o.Value[:i])); ok {
			s.hit(pos, at, Query)
		}
	}
}

// joinAll puts hosts that stand alone and paths that stand alone together, line by line.
func (s *Scanner) joinAll(buf []byte) {
	start, end := -1, -1
	var paths []string
	tried := map[string]bool{}
	for _, j := range s.joins {
		if j.pos < start || j.pos > end || start < 0 {
			start, end = lineAt(buf, j.pos)
			paths = pathsIn(string(buf[start:end]))
			s.tries = 0
			clear(tried)
		}
		if tried[j.host] {
			continue
		}
		tried[j.host] = true
		for _, p := range paths {
			for _, scheme := range webPrefixes {
				s.lookupURL(j.pos, scheme+j.host+p, Joined)
			}
		}
	}
}

const maxPaths = 256 // in one line

// pathsIn returns the paths that stand alone in a line: from a slash behind something that is in no URL, or behind an equals sign or a comma, to wherever
// they may end.
func pathsIn(line string) []string {
	var out []string
	text := Pad([]byte(unescapeJSON(line)))
	end := len(text) - group
	for i, found := front, 0; i < end && found < maxPaths; i++ {
		if text[i] != '/' || text[i+1] == '/' {
			continue
		}
		if c := text[i-1]; !hardEnd(c) && c != '=' && c != ',' && c != '\'' && c != '|' && c != ';' {
			continue
		}
		ends(text, i+1, false, func(end int) { out = append(out, string(text[i:end])) })
		found++
	}
	return out
}

// port looks up the address text[i:e] with its port.
func (s *Scanner) port(text []byte, i, e int, a netip.Addr) {
	try := func(digits []byte, rel Relation) {
		n, err := strconv.ParseUint(string(digits), 10, 16)
		if err != nil {
			return
		}
		v := netip.AddrPortFrom(a, uint16(n)).String()
		if at, ok := s.m.find(hashString(ports, []byte(v)), codePort, []byte(v)); ok {
			s.hit(i, at, rel)
		}
	}
	if c := text[e]; c == ':' || c == '/' || c == '#' || c == '|' {
		if d := digitsAt(text, e+1); d != nil {
			try(d, Exact)
			return
		}
	}
	if d := nextNumber(text, e); d != nil {
		try(d, Joined)
	}
}

// digitsAt returns the number of at most five digits at k, if it ends there.
func digitsAt(text []byte, k int) []byte {
	n := k
	for n-k < 6 && isDigit(text[n]) {
		n++
	}
	if n == k || n-k == 6 || isWord(text[n]) && text[n] != '.' {
		return nil
	}
	return text[k:n]
}

// nextNumber returns the number that follows a value that ends at e as its next field: 1.2.3.4<tab>443, "1.2.3.4","dest_port":443, 1.2.3.4 dpt=443,
// 1.2.3.4 port 443.
func nextNumber(text []byte, e int) []byte {
	k := e
	for k-e < 3 && strings.IndexByte(`"'])\`, text[k]) >= 0 {
		k++
	}
	sep := k
	for k-sep < 4 && strings.IndexByte(" \t,;|", text[k]) >= 0 {
		k++
	}
	if k == sep {
		return nil
	}
	for text[k] == '"' || text[k] == '\'' || text[k] == '\\' {
		k++
	}
	if d := digitsAt(text, k); d != nil {
		return d
	}
	key := k
	for k-key < 40 && isWord(text[k]) {
		k++
	}
	name := bytes.ToLower(text[key:k])
	if !bytes.HasSuffix(name, []byte("port")) && !bytes.HasSuffix(name, []byte("_p")) && !bytes.HasSuffix(name, []byte("pt")) {
		return nil
	}
	for n := 0; n < 6 && strings.IndexByte("\"'\\:= ", text[k]) >= 0; n++ {
		k++
	}
	return digitsAt(text, k)
}
