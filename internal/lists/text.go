package lists

import (
	"regexp"
	"strings"

	"dossier/internal/intel"
	"dossier/internal/observable"
	"dossier/internal/refdate"
)

var updated = regexp.MustCompile(`(?i)^#\s*(?:last[ -]?updated?|generated(?: on| at)?|date)\s*:\s*(.+?)\s*#?$`)

// ofWhole matches comments that speak of the whole list.
var ofWhole = regexp.MustCompile(`(?i)^(?:title|name|version|expires|homepage|licen[cs]e|description|last[ -]?(?:modified|updated?)|syntax|entries|total|count|maintainer|source|url|author|generated|format|updated|date|number of [a-z]+)\b[^:]*:`)

// parseField parses a field that may be an observable.
func parseField(f string) (observable.Observable, error) {
	if addressAndMore(f) {
		return observable.Observable{}, &observable.Error{Input: f, Reason: observable.Unrecognised}
	}
	return observable.Parse(unpadded(f))
}

// banner reads what a comment says of the whole file.
func (d *decoder) banner(comment string) {
	m := updated.FindStringSubmatch(comment)
	if m == nil {
		return
	}
	if date := refdate.Stamp(m[1], d.bound, intel.BasisFile); !date.IsZero() {
		d.set.Released = date.At
		d.fallback = date
	}
}

// bullets are what stands before the values of lists in prose.
var bullets = regexp.MustCompile(`^(?:[-*•·>+]|\d{1,3}[.)])\s+`)

// plain reads a list of one value a line, and the formats that [ruleOf] knows.
// What follows a value after a blank is its context; otherwise that is the
// heading of its section: a comment by itself, or a line that ends in a colon.
// Of a line that is a sentence, the defanged values and the hashes count.
func (d *decoder) plain() error {
	l := plainList{decoder: d, o: intel.Observation{Publisher: d.set.Publisher, Subjects: d.subjects()}}
	return d.eachLine(func(n int, line string) error { return l.line(n, strings.TrimSpace(line)) })
}

// A plainList is a list that is being read.
type plainList struct {
	*decoder
	o        intel.Observation
	section  string
	comments int // in a row
}

func (l *plainList) line(n int, line string) error {
	if line == "" {
		l.comments = 0
		return nil
	}
	if isComment(line) {
		l.banner(line)
		l.section = note(strings.Trim(line, "#/;!=: "))
		if l.comments++; l.comments > 1 || ofWhole.MatchString(l.section) {
			l.section = "" // a banner, not a heading
		}
		return nil
	}
	if seen, err := parseField(line); err == nil {
		l.comments = 0
		return l.give(seen, "")
	}
	if strings.HasSuffix(line, ":") && !strings.Contains(line, "://") {
		l.section, l.comments = note(strings.TrimSuffix(line, ":")), 0
		return nil
	}
	l.comments = 0
	if r, ok := ruleOf(line); ok {
		return l.rule(n, line, r)
	}
	seen, context, err := plainValue(line)
	if err == nil {
		return l.give(seen, context)
	}
	return l.sentence(n, line, err)
}

func (l *plainList) give(seen observable.Observable, context string) error {
	l.o.Observable, l.o.FirstSeen, l.o.Context = seen, l.fallback, note(context)
	if l.o.Context == "" {
		l.o.Context = l.section
	}
	return l.sink.Observation(&l.o)
}

// rule gives what a line of a block list names.
func (l *plainList) rule(n int, line string, r rule) error {
	if r.refuse != "" {
		l.reject(n, r.refuse, line)
		return nil
	}
	for _, v := range r.values {
		seen, err := observable.Parse(v)
		if err != nil {
			l.reject(n, reason(err), v)
			continue
		}
		if err := l.give(seen, ""); err != nil {
			return err
		}
	}
	return nil
}

// sentence looks for values in a line that is none; err is why.
func (l *plainList) sentence(n int, line string, err error) error {
	found, serr := l.within(n, line, func(observable.Observable, string) string { return notDefanged }, l.section)
	switch {
	case found:
	case strings.ContainsAny(bullets.ReplaceAllString(line, ""), " \t"):
		l.reject(n, "no observable in the line", line)
	default:
		l.reject(n, reason(err), line)
	}
	return serr
}

// addressAndMore reports whether a line is an address with a number sign and
// more behind it, as in AlienVault's lists, which is not a URL's fragment.
func addressAndMore(line string) bool {
	i := strings.IndexByte(line, '#')
	return i > 0 && strings.IndexByte(line[:i], '/') < 0
}

// plainValue returns the observable at the beginning of a line, after a bullet,
// and what follows it.
func plainValue(line string) (observable.Observable, string, error) {
	line = bullets.ReplaceAllString(line, "")
	if addressAndMore(line) {
		value, rest, _ := strings.Cut(line, "#")
		if o, err := observable.Parse(strings.TrimSpace(value)); err == nil {
			return o, typedContext(rest), nil
		}
		if kind, ok := kindNames[folded(firstWord(rest))]; ok && kind != "" { // botvrij: "a.exe # filename - note"
			if o, err := observable.ParseAs(kind, strings.TrimSpace(value)); err == nil {
				return o, typedContext(rest), nil
			}
		}
	}
	o, err := observable.Parse(strings.Trim(unpadded(line), `"', `))
	if err == nil {
		return o, "", nil
	}
	if label, hash, ok := strings.Cut(line, ": "); ok { // "WarHawk_v1: 8f9c…"
		if h, herr := observable.Parse(strings.TrimSpace(hash)); herr == nil && isHash(h.Kind) {
			return h, label, nil
		}
	}
	value, rest, ok := cutBlank(line)
	if !ok {
		return o, "", err
	}
	o, ferr := observable.Parse(unpadded(strings.Trim(value, `"',;|`)))
	if ferr != nil {
		return o, "", err
	}
	return o, typedContext(rest), nil
}

func firstWord(s string) string {
	word, _, _ := cutBlank(strings.TrimSpace(s))
	return word
}

func typedContext(rest string) string { return strings.Trim(rest, " \t#-–|;,*") }

func isHash(k observable.Kind) bool {
	return k == observable.MD5 || k == observable.SHA1 || k == observable.SHA256 || k == observable.SHA512
}

func cutBlank(s string) (before, after string, ok bool) {
	i := strings.IndexAny(s, " \t")
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}

// accessLog matches what web servers write behind the address of a client. Logs
// are hunted in; they are no lists of indicators.
var accessLog = regexp.MustCompile(`\[\d{2}/[A-Z][a-z]{2}/\d{4}|"[A-Z]+ /[^"]* HTTP/\d`)

// looksLikeValues reports whether a good part of the first lines are values. In
// lists that people write, headings and remarks stand between them.
func looksLikeValues(head []byte) bool {
	values, others := 0, 0
	for _, line := range headLines(head) {
		line = strings.TrimSpace(line)
		if line == "" || isComment(line) || strings.HasSuffix(line, ":") {
			continue
		}
		if _, rest, err := plainValue(line); err == nil && !accessLog.MatchString(rest) {
			values++
		} else {
			others++
		}
		if values+others == 60 {
			break
		}
	}
	return values > 0 && values*3 >= others
}

// stamped matches how the lines of logs begin: with a time.
var stamped = regexp.MustCompile(`^(?:\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d |\d{10}\.\d+[ \t]|<\d{1,3}>)`)

// looksLikeLog reports whether most of the first lines are of a log.
func looksLikeLog(head []byte) bool {
	logged, others := 0, 0
	for _, line := range headLines(head) {
		switch line = strings.TrimSpace(line); {
		case line == "" || line[0] == '#':
		case accessLog.MatchString(line):
			logged += 3
		case stamped.MatchString(line):
			logged++
		default:
			others++
		}
	}
	return logged > 2 && logged > others
}

// headLines returns the whole lines of the beginning of a body.
func headLines(head []byte) []string {
	lines := strings.Split(string(head), "\n")
	if len(head) >= 512 && len(lines) > 1 {
		lines = lines[:len(lines)-1] // may be cut
	}
	for i, l := range lines {
		lines[i] = clean([]byte(l))
	}
	return lines
}
