package lists

import (
	"regexp"
	"strconv"
	"strings"

	"dossier/internal/intel"
	"dossier/internal/naming"
	"dossier/internal/observable"
	"dossier/internal/refdate"
)

// maxRow is the size of a row that a quoted field spreads over lines. A quote
// that is still open after that stood alone.
const maxRow = 16 << 10

// A table reads the rows of a CSV.
type table struct {
	*decoder
	comma   byte
	cols    []column
	guess   bool // the headings tell nothing: judge each row by its content
	heading []string
	sample  [][]string
	ready   bool
	split   splitter
	open    []string // lines of a row whose quotes are not closed
	from    int      // line of the row
	size    int      // bytes of open
}

// csv reads comma-separated values, or those between semicolons, tabs or bars.
// The first row that is no comment is the heading if it holds no observable; a
// comment may be it, as in abuse.ch's lists.
func (d *decoder) csv() error {
	head, _ := d.in.Peek(headSize)
	t := &table{decoder: d, comma: commaOf(head)}
	t.split.comma = t.comma
	if looksLikeTweetFeed(head) {
		t.ready, t.cols = true, tweetFeed
	}
	t.sample = sampleRows(head, t.comma)
	err := d.eachLine(func(n int, line string) error {
		trimmed := strings.TrimSpace(line)
		if len(t.open) == 0 && strings.HasPrefix(trimmed, "#") {
			d.banner(trimmed)
			row := commentRow(trimmed, t.comma)
			if cols, ok := columnsOf(row); ok && len(row) > 1 && !t.ready {
				t.headed(cols, row)
			}
			return nil
		}
		if len(t.open) == 0 && (trimmed == "" || t.remark(trimmed)) {
			return nil
		}
		return t.line(n, line)
	})
	if err != nil {
		return err
	}
	return t.flush()
}

// commentRow returns the fields of a comment, which may be the heading: that of
// abuse.ch's lists, or Zeek's "#fields".
func commentRow(comment string, comma byte) []string {
	row, _ := fields(strings.Trim(comment, "# "), comma)
	if len(row) > 1 && row[0] == "fields" && comma == '\t' {
		return row[1:]
	}
	return row
}

// remark reports lines that are comments in some lists and could be rows.
func (t *table) remark(line string) bool {
	if line[0] != ';' && line[0] != '!' && !strings.HasPrefix(line, "//") {
		return false
	}
	row, _ := fields(line, t.comma)
	_, has := t.find(row)
	return !has
}

// line adds a line to the row and reads the row if it is whole.
func (t *table) line(n int, line string) error {
	if len(t.open) == 0 {
		t.from, t.size = n, 0
	}
	t.open = append(t.open, line)
	t.size += len(line) + 1
	switch {
	case t.split.feed(line):
		t.open = t.open[:0]
		return t.row(t.from, t.split.row())
	case t.size > maxRow:
		return t.flush()
	}
	return nil
}

// flush reads the lines of a row that was never closed, each as a row.
func (t *table) flush() error {
	lines, from := t.open, t.from
	t.open, t.split = nil, splitter{comma: t.comma}
	for i, l := range lines {
		row, _ := fields(strings.ReplaceAll(l, `"`, ""), t.comma)
		if err := t.row(from+i, row); err != nil {
			return err
		}
	}
	return nil
}

// A splitter splits a row into fields, line by line. A field in quotes may hold
// the comma, line ends and, doubled, the quote.
type splitter struct {
	comma  byte
	fields []string
	field  strings.Builder
	open   bool // inside quotes
	text   bool // the field holds more than blanks
}

// feed adds a line, and reports whether the row is whole: no quote is open.
func (s *splitter) feed(line string) bool {
	if s.open {
		s.field.WriteByte('\n')
	} else if strings.IndexByte(line, '"') < 0 { // most rows: the fields are parts of the line
		for {
			i := strings.IndexByte(line, s.comma)
			if i < 0 {
				break
			}
			s.fields = append(s.fields, strings.TrimSpace(line[:i]))
			line = line[i+1:]
		}
		s.field.WriteString(line)
		return true
	}
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case s.open && c == '"' && i+1 < len(line) && line[i+1] == '"':
			s.field.WriteByte('"')
			i++
		case s.open && c == '"':
			s.open = false
		case s.open:
			s.field.WriteByte(c)
		case c == s.comma:
			s.end()
		case c == '"' && !s.text:
			s.field.Reset()
			s.open, s.text = true, true
		default:
			s.field.WriteByte(c)
			s.text = s.text || c != ' ' && c != '\t'
		}
	}
	return !s.open
}

func (s *splitter) end() {
	s.fields = append(s.fields, strings.TrimSpace(s.field.String()))
	s.field.Reset()
	s.text = false
}

// row returns the fields, and makes the splitter ready for the next row.
func (s *splitter) row() []string {
	s.end()
	row := s.fields
	*s = splitter{comma: s.comma}
	return row
}

// fields splits a row that is one line; open tells that a quote is not closed.
func fields(line string, comma byte) (row []string, open bool) {
	s := splitter{comma: comma}
	open = !s.feed(line)
	return s.row(), open
}

// row reads one row: the heading, if it is the first, or data.
func (t *table) row(n int, row []string) error {
	if !t.ready {
		t.ready = true
		cols, ok := columnsOf(row)
		_, has := t.find(row)
		switch {
		case t.o.Map != nil:
			t.cols = t.o.Map.apply(cols, row)
			if !has {
				return nil
			}
			return t.known(n, row)
		case ok && !has && !isBlockList(row):
			t.headed(cols, row)
			return nil
		case !has:
			t.guess, t.heading = true, row
			return nil
		}
		t.guess = true
	}
	if strings.Join(row, "") == "" { // the empty rows of a spreadsheet
		return nil
	}
	if t.guess {
		return t.guessed(n, row)
	}
	return t.known(n, row)
}

// find returns the first observable of a row whose heading does not forbid it.
func (t *table) find(row []string) (int, bool) {
	for i, f := range row {
		if i < len(t.heading) && !guessable(t.heading[i]) {
			continue
		}
		if _, err := parseField(f); err == nil {
			return i, true
		}
	}
	return 0, false
}

// guessed reads a row without headings: its first observable, the first field
// that is a date, and the rest as context.
func (t *table) guessed(n int, row []string) error {
	at, ok := t.find(row)
	if !ok {
		t.reject(n, "no observable in the row", strings.Join(row, string(t.comma)))
		return nil
	}
	seen, err := parseField(row[at])
	if err == nil && seen.Kind == observable.MD5 && t.set.Publisher == "salesforce-ja3" {
		seen, err = observable.ParseAs(observable.JA3, row[at])
	}
	if err != nil {
		t.reject(n, reason(err), row[at])
		return nil
	}
	if network, ok := networkOf(row); ok {
		seen, row = network, append([]string{"", ""}, row[3:]...)
	}
	o := intel.Observation{Publisher: t.set.Publisher, Subjects: t.subjects(), Observable: seen, FirstSeen: t.fallback}
	var context []string
	var others []observable.Observable // hashes of the same file
	for i, f := range row {
		if i == at || f == "" || f == "-" || i < len(t.heading) && !guessable(t.heading[i]) {
			continue
		}
		if isHash(seen.Kind) && len(f) >= 32 {
			if h, err := observable.Parse(f); err == nil && isHash(h.Kind) {
				others = append(others, h)
				continue
			}
		}
		date := intel.Date{}
		if strings.ContainsAny(f, "-/") {
			date = refdate.Stamp(f, t.bound, intel.BasisStated)
		}
		switch {
		case !date.IsZero() && o.FirstSeen.Basis != intel.BasisStated:
			o.FirstSeen = date
		case strings.HasPrefix(f, "http") && o.Reference == "":
			o.Reference = f
		default:
			context = append(context, f)
		}
	}
	o.Context = note(strings.Join(context, "; "))
	for _, h := range others {
		x := o
		x.Observable = h
		if err := t.sink.Observation(&x); err != nil {
			return err
		}
	}
	return t.sink.Observation(&o)
}

// isBlockList reports the headings of DShield's block list.
func isBlockList(row []string) bool {
	return len(row) > 2 && folded(row[0]) == "start" && folded(row[1]) == "end" && folded(row[2]) == "netblock"
}

// networkOf reads the beginning of a row of DShield's block list: the first and
// the last address of a network, and the length of its prefix.
func networkOf(row []string) (observable.Observable, bool) {
	if len(row) < 3 || len(row[2]) > 2 || !allDigits(row[2]) {
		return observable.Observable{}, false
	}
	m := addressRange.FindStringSubmatch(row[0] + "-" + row[1])
	if m == nil {
		return observable.Observable{}, false
	}
	o, err := observable.Parse(unpadded(row[0]) + "/" + row[2])
	if err != nil {
		return o, false
	}
	r, _ := rangeRule(row[0] + "-" + row[1])
	return o, len(r.values) == 1 && strings.HasSuffix(r.values[0], "/"+row[2])
}

// known reads a row by its headings.
func (t *table) known(n int, row []string) error {
	var r rowFacts
	o := intel.Observation{Publisher: t.set.Publisher, FirstSeen: t.fallback}
	if t.set.Publisher == "microsoft-mstic" {
		o.Source = intel.SourceMicrosoft
	}
	for i, f := range row {
		if i >= len(t.cols) || f == "" || f == "-" {
			continue
		}
		if c := t.cols[i]; c.role == isToIDs && (f == "0" || strings.EqualFold(f, "false")) {
			t.reject(n, "to_ids is false", strings.Join(row, string(t.comma)))
			return nil
		} else {
			t.field(&o, &r, c, f)
		}
	}
	if o.FirstSeen.Basis != intel.BasisStated && r.added.At != 0 {
		o.FirstSeen = r.added
	}
	if o.FirstSeen.Basis != intel.BasisStated && o.Reference != "" {
		if date := refdate.OfURL(o.Reference, t.bound); !date.IsZero() {
			o.FirstSeen = date
		}
	}
	o.Context = note(strings.Join(r.context, "; "))
	o.Subjects = t.subjects()
	if t.o.Subject == nil {
		for _, m := range r.mentions {
			ref, err := t.mention(m.kind, m.name, o.TLP)
			if err != nil {
				return err
			}
			if ref != (intel.Ref{}) {
				o.Subjects = append(o.Subjects, ref)
			}
		}
	}
	return t.give(n, row, &o, r.typ)
}

// rowFacts is what a row says besides its observables.
type rowFacts struct {
	typ      string
	added    intel.Date
	context  []string
	mentions []struct {
		kind intel.Kind
		name string
	}
}

func (r *rowFacts) mention(kind intel.Kind, names string) {
	for _, name := range strings.FieldsFunc(names, func(c rune) bool { return c == ',' || c == ';' || c == '|' }) {
		r.mentions = append(r.mentions, struct {
			kind intel.Kind
			name string
		}{kind, strings.TrimSpace(name)})
	}
}

// microsoftName finds Microsoft's name of an actor in the title of a report.
var microsoftName = regexp.MustCompile(`\b[A-Z][a-z]+ [A-Z][a-z]+\b`)

// field reads one field that holds no observable.
func (t *table) field(o *intel.Observation, r *rowFacts, c column, f string) {
	switch c.role {
	case isTypeName:
		if r.typ == "" { // Microsoft's second one holds the name of the feed
			r.typ = f
		}
	case isFirstSeen:
		if date := refdate.Stamp(f, t.bound, intel.BasisStated); !date.IsZero() {
			o.FirstSeen = date
			if folded(c.head) == "timegenerated" { // the time of the statement
				o.Modified = date.At
			}
		}
	case isAdded:
		r.added = refdate.Stamp(f, t.bound, intel.BasisStated)
		o.Modified = r.added.At
	case isLastSeen:
		o.LastSeen = refdate.Stamp(f, t.bound, intel.BasisStated).At
	case isValidUntil:
		o.ValidUntil = refdate.Stamp(f, refdate.Bound{}, intel.BasisStated).At
	case isConfidence:
		o.Confidence = percent(f)
	case isMarking:
		o.TLP, _ = intel.ParseTLP(f) // what nobody defines is red
	case isContext:
		if _, err := strconv.Atoi(f); err == nil {
			f = c.head + " " + f
		}
		if f = strings.Trim(strings.ReplaceAll(" "+f, " #", " "), " "); f != "" {
			r.context = append(r.context, f)
		}
	case isReference:
		if strings.Contains(f, "://") && o.Reference == "" {
			o.Reference = f
		}
	case isActorName:
		r.mention(intel.Actor, f)
	case isToolName:
		r.mention(intel.Tool, f)
		r.context = append(r.context, f)
	case isRelease:
		r.context = append(r.context, f)
		for at := 0; at < len(f); {
			m := microsoftName.FindStringIndex(f[at:])
			if m == nil {
				break
			}
			if name := f[at+m[0] : at+m[1]]; naming.SchemeOf(name) == naming.Microsoft {
				r.mention(intel.Actor, name)
			}
			at += m[0] + strings.IndexByte(f[at+m[0]:], ' ') + 1
		}
	case isActive:
		o.Revoked = strings.EqualFold(f, "false") || f == "0"
	}
}

// percent reads a confidence: a number up to 100, or a word, as in STIX 2.1,
// appendix A.
func percent(s string) int8 {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "high":
		return 85
	case "medium", "med", "moderate":
		return 50
	case "low":
		return 15
	}
	n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(s), "%"))
	if err != nil || n < 1 || n > 100 {
		return 0
	}
	return int8(n)
}

// give hands the observables of a row to the sink.
func (t *table) give(n int, row []string, o *intel.Observation, typ string) error {
	given := 0
	one := func(kind observable.Kind, v string) error {
		seen, err := parseAs(kind, v)
		if err != nil {
			t.reject(n, reason(err), v)
			return nil
		}
		given++
		x := *o
		x.Observable = seen
		return t.sink.Observation(&x)
	}
	empty := true
	for i, f := range row {
		if i >= len(t.cols) || f == "" {
			continue
		}
		c := t.cols[i]
		switch c.role {
		case isTyped:
			if intel.Placeholder(f) {
				continue
			}
			empty = false
			if c.kind == observable.IPAddress || c.kind == observable.CIDR {
				f = unpadded(f)
			}
			kind := c.kind
			if kind == observable.SHA1 && t.set.Publisher == "abusech-sslbl" {
				kind = observable.CertSHA1 // its list is of certificates
			}
			for _, v := range several(kind, f) {
				if err := one(kind, v); err != nil {
					return err
				}
			}
		case isValue:
			if f == "-" {
				continue
			}
			empty = false
			if strings.Contains(typ, "|") && strings.Contains(f, "|") {
				if err := t.composite(n, typ, f, one); err != nil {
					return err
				}
				continue
			}
			kind, known := kindNames[folded(typ)]
			if !known {
				t.reject(n, "no observable: "+sample(strings.ToLower(typ)), f)
				continue
			}
			for _, v := range several(kind, f) {
				if err := one(kind, v); err != nil {
					return err
				}
			}
		}
	}
	if empty {
		t.reject(n, "no observable in the row", strings.Join(row, string(t.comma)))
	}
	return nil
}

// composite reads a value of one of MISP's types with two parts:
// "filename|sha256", "domain|ip", "ip-dst|port".
func (t *table) composite(n int, typ, value string, one func(observable.Kind, string) error) error {
	typ1, typ2, _ := strings.Cut(typ, "|")
	i := strings.LastIndexByte(value, '|') // names of files may hold bars
	v1, v2 := value[:i], value[i+1:]
	kind1, known1 := kindNames[folded(typ1)]
	kind2, known2 := kindNames[folded(typ2)]
	switch {
	case folded(typ2) == "port" && kind1 == observable.IPAddress:
		if strings.Contains(v1, ":") {
			v1 = "[" + v1 + "]"
		}
		return one(observable.IPPort, v1+":"+v2)
	case !known1:
		t.reject(n, "no observable: "+sample(strings.ToLower(typ)), value)
		return nil
	}
	if err := one(kind1, v1); err != nil || !known2 {
		return err
	}
	return one(kind2, v2)
}

// several splits a field that holds more than one value: between semicolons, or
// hashes between commas. A remark in brackets behind a value is left off.
func several(kind observable.Kind, f string) []string {
	cut := ";"
	switch kind {
	case "":
		cut = ";, "
	case observable.IPAddress, observable.Domain, observable.CIDR:
		cut = ";|, "
	}
	if strings.HasSuffix(f, ")") {
		f = remark.ReplaceAllString(f, "")
	}
	if !strings.ContainsAny(f, cut) {
		return []string{f}
	}
	if _, err := parseAs(kind, f); err == nil || kind == observable.URL || kind == observable.FilePath {
		return []string{f}
	}
	return strings.FieldsFunc(f, func(c rune) bool { return strings.ContainsRune(cut, c) })
}

var remark = regexp.MustCompile(`\s+\([^()]*\)$`)

// parseAs makes a value canonical. Where the source's word for the kind does not
// fit the form decides, and so it does for a "url" without a slash, which is an
// address with a port or a name.
func parseAs(kind observable.Kind, v string) (observable.Observable, error) {
	if kind == "" || kind == observable.URL && !strings.Contains(v, "/") {
		return observable.Parse(v)
	}
	o, err := observable.ParseAs(kind, v)
	if err != nil {
		if byForm, ferr := observable.Parse(v); ferr == nil {
			return byForm, nil
		}
	}
	return o, err
}

// mention gives the sink, once, a record that repeats a name, and returns its
// reference. Above TLP:CLEAR the key has the marking, so that a restricted row
// never replaces what an open one says.
func (d *decoder) mention(kind intel.Kind, name string, tlp intel.TLP) (intel.Ref, error) {
	key := intel.NameKey(name)
	if key == "" || intel.Placeholder(name) {
		return intel.Ref{}, nil
	}
	r := &intel.Record{
		Ref:  intel.Ref{Publisher: d.set.Publisher, Key: "mention:" + string(kind) + ":" + key},
		Kind: kind, Title: name, Mention: true, TLP: tlp,
	}
	if tlp != intel.Clear {
		r.Key += ":" + tlp.String()
	}
	if d.mentioned[r.Ref] {
		return r.Ref, nil
	}
	if len(d.mentioned) < 1<<16 { // beyond that, a repeated record does no harm
		d.mentioned[r.Ref] = true
	}
	if kind == intel.Actor {
		if by := naming.SchemeOf(name); by != "" {
			r.Names = []intel.Name{{Value: name, CoinedBy: by}}
		}
	}
	return r.Ref, d.sink.Record(r)
}
