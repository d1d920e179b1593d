package lists

import (
	"regexp"
	"strings"

	"dossier/internal/intel"
	"dossier/internal/observable"
	"dossier/internal/refdate"
)

var updated = regexp.MustCompile(`(?i)^#\s*(?:last[ -]?updated?|generated(?: on| at)?|date)\s*:\s*(.+?)\s*#?$`)

// text reads lines: of CSV, or of one value each. Comments begin with "#"; they
// may hold headings, the date of the file, or the heading of a section.
func (d *decoder) text(f form) error {
	if f == csvForm {
		return d.csv()
	}
	return d.plain()
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

// plain reads a list of one value a line. What follows a value after a blank is
// its context; otherwise that is the heading of its section: a comment by
// itself, or a line that ends in a colon.
func (d *decoder) plain() error {
	o := intel.Observation{Publisher: d.set.Publisher, Subjects: d.subjects()}
	section, comments := "", 0
	return d.eachLine(func(n int, line string) error {
		line = strings.TrimSpace(line)
		switch {
		case line == "":
			comments = 0
			return nil
		case strings.HasPrefix(line, "#"), strings.HasPrefix(line, "//"), strings.HasPrefix(line, ";"):
			d.banner(line)
			section = note(strings.Trim(line, "#/;=: "))
			if comments++; comments > 1 {
				section = "" // a banner, not a heading
			}
			return nil
		case strings.HasSuffix(line, ":") && !strings.Contains(line, "://"):
			section, comments = note(strings.TrimSuffix(line, ":")), 0
			return nil
		}
		comments = 0
		seen, context, err := plainValue(line)
		if err != nil {
			d.reject(n, reason(err), line)
			return nil
		}
		o.Observable, o.FirstSeen, o.Context = seen, d.fallback, note(context)
		if o.Context == "" {
			o.Context = section
		}
		return d.sink.Observation(&o)
	})
}

// plainValue returns the observable at the beginning of a line, after a bullet,
// and what follows it.
func plainValue(line string) (observable.Observable, string, error) {
	line = bullets.ReplaceAllString(line, "")
	o, err := observable.Parse(strings.Trim(line, `"', `))
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
	o, ferr := observable.Parse(strings.Trim(value, `"',;|`))
	if ferr != nil {
		return o, "", err
	}
	return o, strings.Trim(rest, " \t#-–|;,"), nil
}

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

// looksLikeValues reports whether at least half of the first lines are values.
func looksLikeValues(head []byte) bool {
	values, others := 0, 0
	for _, line := range headLines(head) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") || strings.HasSuffix(line, ":") {
			continue
		}
		if _, rest, err := plainValue(line); err == nil && !accessLog.MatchString(rest) {
			values++
		} else {
			others++
		}
		if values+others == 40 {
			break
		}
	}
	return values > 0 && values >= others
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
