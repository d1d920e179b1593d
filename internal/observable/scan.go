package observable

import "bytes"

// isWord reports the bytes of names: letters, digits, dots, hyphens and what is not ASCII.
func isWord(c byte) bool { return classes[c]&(host|high) != 0 }

func (f *finder) wordEnd(i int) int {
	for i < len(f.s) && isWord(f.s[i]) {
		i++
	}
	return i
}

func (f *finder) at(i int) byte {
	if i < 0 || i >= len(f.s) {
		return 0
	}
	return f.s[i]
}

// scan walks over the words of the chunk. Each step either yields and goes on behind what it yielded, or skips a word.
func (f *finder) scan() bool {
	for i := 0; i < len(f.s); {
		var end int // behind what was found or can be skipped
		var more bool
		switch c := f.s[i]; {
		case c == '[':
			end, more = f.bracketed(i)
		case isWord(c):
			end, more = f.word(i)
		default:
			end, more = i+1, true
		}
		if !more {
			return false
		}
		i = end
	}
	return true
}

// word looks at what begins with the word at i. It returns where to go on.
func (f *finder) word(i int) (next int, more bool) {
	s := f.s
	j := f.wordEnd(i)
	if end, more, ok := f.url(i, j); ok {
		return end, more
	}
	if end, more, ok := f.email(i, j); ok {
		return end, more
	}
	if end, more, ok := f.ipv6(i, j); ok {
		return end, more
	}
	a, b := trimWord(s, i, j)
	switch w := s[a:b]; {
	case len(w) < 4:
	case hashKind(len(w)) != "" && isAll(w, digit|hexLetter):
		return f.try(string(w), a, b, j)
	case bytes.IndexByte(w, '.') < 0:
	case isAll(w, digit|dot):
		if !f.inPath(a) || f.defanged(a, b) {
			return f.ipv4(a, b, j)
		}
	case f.isName(w, a, b) && (!f.inPath(a) || f.defanged(a, b)):
		return f.name(a, b, j)
	}
	return j, true
}

// trimWord cuts dots and hyphens off both ends of the word s[i:j], and underscores that stand at the end, or at both ends as in
// the emphasis of Markdown.
func trimWord(s []byte, i, j int) (a, b int) {
	emphasis := i < j && s[j-1] == '_'
	for i < j && (s[i] == '.' || s[i] == '-' || emphasis && s[i] == '_') {
		i++
	}
	for i < j && classes[s[j-1]]&(dot|hyphen) != 0 {
		j--
	}
	return i, j
}

// url handles a word before "://".
func (f *finder) url(i, j int) (next int, more, ok bool) {
	s := f.s
	switch {
	case f.at(j) == '*' && f.at(j+1) == '*' && (f.at(j+2) == 'p' || f.at(j+2) == 'P'): // h**p
		j = f.wordEnd(j + 2)
	case f.at(j) == '+' && j-i <= 8: // stratum+tcp
		j = f.wordEnd(j + 1)
	}
	if !bytes.HasPrefix(s[j:], []byte("://")) {
		return 0, false, false
	}
	a, _ := trimWord(s, i, j)
	if j-a > 16 {
		return 0, false, false
	}
	scheme := string(s[a:j])
	if plain := refangedScheme(scheme); plain != "" {
		scheme = plain
	}
	if _, _, known := knownScheme(scheme); !known {
		return 0, false, false
	}
	// Behind a comma it is a cell of a table, and the next comma is its end.
	end := f.urlEnd(j+3, f.at(a-1) == ',')
	// What fails goes as a whole: the path of a URL to a private host is no place to find names.
	next, more = f.try(scheme+string(s[j:end]), a, end, max(end, j+3))
	return next, more, true
}

// urlEnd returns where the URL ends whose authority, or whose path, begins at i. A cell of a table ends at a comma.
func (f *finder) urlEnd(i int, cell bool) int {
	s, begin := f.s, i
	if f.at(i) == '[' { // an IPv6 address
		for i++; i < len(s) && (isHex(s[i]) || s[i] == ':' || s[i] == '.'); i++ {
		}
		if f.at(i) == ']' {
			i++
		}
	}
	depth := 0
scan:
	for ; i < len(s); i++ {
		switch c := s[i]; c {
		case '(':
			depth++
		case ')':
			if depth--; depth < 0 {
				break scan
			}
		case ',', ';':
			if cell {
				break scan
			}
			if rest := s[i+1:]; len(rest) > 4 && (rest[0] == 'h' || rest[0] == 'f') && bytes.Contains(rest[:min(len(rest), 9)], []byte("://")) {
				break scan
			}
		default:
			if classes[c]&(unreserved|subDelim|colon|slash|high) == 0 && c != '@' && c != '%' {
				break scan
			}
		}
	}
	if bytes.HasSuffix(s[begin:i], []byte("++")) { // as AsciiDoc has it
		i -= 2
	}
	for i > begin && bytes.IndexByte([]byte(".,;:!?*("), s[i-1]) >= 0 {
		i--
	}
	return i
}

// email handles a word before "@", with more words before it joined by "+".
func (f *finder) email(i, j int) (next int, more, ok bool) {
	s := f.s
	k := j
	if f.at(k) == '+' && i >= f.failedLocal {
		for f.at(k) == '+' {
			k = f.wordEnd(k + 1)
		}
		if f.at(k) != '@' {
			f.failedLocal = k
		}
	}
	if f.at(k) != '@' {
		return 0, false, false
	}
	a := i
	for a < k && (s[a] == '.' || s[a] == '-') {
		a++
	}
	c, d := trimWord(s, k+1, f.wordEnd(k+1))
	if c == k+1 && a < k && d > c && f.isTLD(s[c:d], true) {
		if o, fault := parseRefanged(string(s[a:d])); !fault.bad() {
			return d, f.emit(o, a, d), true
		}
	}
	return k + 1, true, true
}

// ipv6 handles a word that may begin an IPv6 address. A network may follow.
func (f *finder) ipv6(i, j int) (next int, more, ok bool) {
	if i < f.failedIPv6 || f.at(j) != ':' || j-i > 4 || !isAll(f.s[i:j], digit|hexLetter) {
		return 0, false, false
	}
	end := f.addressEnd(i)
	stop := end
	for stop > i && (f.s[stop-1] == ':' && f.at(stop-2) != ':' || f.s[stop-1] == '.') {
		stop--
	}
	if isWord(f.at(end)) || f.at(end) == '%' || bytes.Count(f.s[i:stop], []byte(":")) < 2 || f.at(i-1) == ':' {
		f.failedIPv6 = end
		return 0, false, false
	}
	if k := f.digitsEnd(stop + 1); f.at(stop) == '/' && k > stop+1 && !isWord(f.at(k)) {
		if o, fault := parseRefanged(string(f.s[i:k])); !fault.bad() {
			return k, f.emit(o, i, k), true
		}
	}
	if o, fault := parseRefanged(string(f.s[i:stop])); !fault.bad() {
		return end, f.emit(o, i, stop), true
	}
	f.failedIPv6 = end
	return 0, false, false
}

// bracketed handles [2001:db8::1]:80.
func (f *finder) bracketed(i int) (next int, more bool) {
	if i < f.failedIPv6 || !isHex(f.at(i+1)) {
		return i + 1, true
	}
	end := f.addressEnd(i + 1)
	if f.at(end) == ']' && f.at(end+1) == ':' {
		if k := f.digitsEnd(end + 2); k > end+2 && !isWord(f.at(k)) {
			if o, fault := parseRefanged(string(f.s[i:k])); !fault.bad() {
				return k, f.emit(o, i, k)
			}
		}
	}
	return i + 1, true
}

func (f *finder) addressEnd(i int) int {
	for i < len(f.s) && (isHex(f.s[i]) || f.s[i] == ':' || f.s[i] == '.') {
		i++
	}
	return i
}

func (f *finder) digitsEnd(i int) int {
	for i < len(f.s) && classes[f.s[i]]&digit != 0 {
		i++
	}
	return i
}

// ipv4 handles an address s[a:b] in a word that ends at j: alone, with a port, as a network, or with a path.
func (f *finder) ipv4(a, b, j int) (next int, more bool) {
	if _, fault := parseIPv4(string(f.s[a:b])); fault.bad() || b != j {
		return f.try(string(f.s[a:b]), a, b, j)
	}
	end := b
	if f.at(b) == ':' {
		if k := f.digitsEnd(b + 1); k > b+1 && k <= b+6 && !isWord(f.at(k)) {
			end = k
		} else if k > b+1 && k <= b+6 && f.at(k) == '.' && !isWord(f.at(k+1)) {
			end = k // the end of a sentence
		}
	}
	return f.withPath(a, b, end, j)
}

// name handles a name s[a:b] in a word that ends at j: alone or with a path.
func (f *finder) name(a, b, j int) (next int, more bool) {
	end := b
	if b == j && f.at(b) == ':' {
		if k := f.digitsEnd(b + 1); k > b+1 && k <= b+6 && f.at(k) == '/' {
			end = k
		}
	}
	if b != j || f.at(end) != '/' {
		return f.try(string(f.s[a:b]), a, b, j)
	}
	return f.withPath(a, b, end, j)
}

// withPath yields s[a:end], the host s[a:b] and perhaps a port, with the path behind it if there is one.
func (f *finder) withPath(a, b, end, j int) (next int, more bool) {
	if f.at(end) == '/' {
		stop := max(f.urlEnd(end, f.at(a-1) == ','), end)
		if o, fault := parseRefanged(string(f.s[a:stop])); !fault.bad() {
			return stop, f.emit(o, a, stop)
		}
		// The host alone is no better, but something like 192.0.2.1/999 is an address and something else.
		return f.try(string(f.s[a:b]), a, b, stop)
	}
	if o, fault := parseRefanged(string(f.s[a:end])); !fault.bad() {
		return max(end, j), f.emit(o, a, end)
	}
	return f.try(string(f.s[a:b]), a, b, j)
}

// try yields value, which is s[a:b], if it is an observable, and goes on at next.
func (f *finder) try(value string, a, b, next int) (int, bool) {
	o, fault := parseRefanged(value)
	if fault.bad() {
		return next, true
	}
	return next, f.emit(o, a, b)
}

func (f *finder) emit(o Observable, a, b int) bool {
	if f.pos != nil {
		a, b = f.pos[a].start, f.pos[b-1].end
	}
	return f.yield(o, f.chunkStart+a, f.chunkStart+b)
}
