package hunt

import (
	"bytes"
	"encoding/json"
	"math"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// An Event is what a line says of itself, as far as its format is known. What is not known is empty.
type Event struct {
	Time        time.Time
	Source      string // who began it: an address, or the name of a machine
	Destination string
	Field       string // that holds the match
}

// Columns are the names of the fields of a table, from its header: Zeek's "#fields", W3C's "#Fields:", or the first line of a CSV file.
type Columns struct {
	names []string
	sep   byte
}

// ColumnsOf reads the header at the begin of a log. It returns nil if there is none.
func ColumnsOf(head []byte) *Columns {
	first := true
	for line := range bytes.Lines(head) {
		line = bytes.TrimRight(line, "\r\n")
		switch {
		case bytes.HasPrefix(line, []byte("#fields\t")):
			return &Columns{strings.Split(string(line[len("#fields\t"):]), "\t"), '\t'}
		case bytes.HasPrefix(line, []byte("#Fields: ")):
			return &Columns{strings.Fields(string(line[len("#Fields: "):])), ' '}
		case bytes.HasPrefix(line, []byte("#")), len(line) == 0:
			continue
		case !first:
			return nil
		}
		first = false
		for _, sep := range []byte{',', '\t', ';', ' '} {
			names := strings.Split(strings.ToLower(string(line)), string(sep))
			known := 0
			for i, n := range names {
				names[i] = strings.Trim(n, `" `)
				if role[foldKey(names[i])] != 0 {
					known++
				}
			}
			if known >= 2 || known == 1 && len(names) > 2 {
				return &Columns{names, sep}
			}
		}
	}
	return nil
}

// What a field tells.
const (
	isTime = 1 + iota
	isSource
	isDestination
	isMachine // stands for the source where none is told
)

// role is what the fields are called in the formats that we know, without case and without what joins words.
var role = func() map[string]int {
	m := map[string]int{}
	for r, names := range map[int]string{
		isTime: `ts timestamp @timestamp time eventtime event.created datetime date utctime timecreated systemtime event.system.timecreated.systemtime system.timecreated.systemtime
			system.timecreated.#attributes.systemtime event.system.timecreated.#attributes.systemtime start flow.start creationtime requesttimestamp time_local @timestamp_utc _time`,
		isSource: `id.orig_h src_ip source.ip source.address src srcip src_addr srcaddr client.ip client.address client_ip clientip sourceipaddress src_endpoint.ip sourceip ipaddress c-ip remote_addr
			sourceaddress event.eventdata.sourceip eventdata.sourceip event.eventdata.ipaddress eventdata.ipaddress client_addr`,
		isDestination: `id.resp_h dest_ip destination.ip destination.address dst dstip dst_ip dst_addr dstaddr dst_endpoint.ip destinationip destip s-ip server.ip server_ip destinationaddress
			event.eventdata.destinationip eventdata.destinationip`,
		isMachine: `computer host.name hostname device.hostname agent.hostname event.system.computer system.computer winlog.computer_name computername`,
	} {
		for n := range strings.FieldsSeq(names) {
			m[foldKey(n)] = r
		}
	}
	return m
}()

// foldKey writes the name of a field without case and without what joins words.
func foldKey(s string) string {
	b := make([]byte, 0, 64)
	for i := range len(s) {
		if c := s[i]; c != '_' && c != '-' && c != '.' {
			b = append(b, lower(c))
		}
	}
	return string(b)
}

// fill takes over the value of a field.
func (e *Event) fill(machine *string, key, value string) {
	value = strings.Trim(value, `"`)
	if value == "" || value == "-" {
		return
	}
	switch role[foldKey(key)] {
	case isTime:
		if e.Time.IsZero() {
			e.Time, _ = ParseTime(value)
		}
	case isSource:
		if e.Source == "" {
			e.Source = value
		}
	case isDestination:
		if e.Destination == "" {
			e.Destination = value
		}
	case isMachine:
		if *machine == "" {
			*machine = value
		}
	}
}

// EventOf reads a line of a log, with the columns of its file if it has some. offset is where in the line the match is. now tells the year where
// the log does not.
func EventOf(line []byte, c *Columns, offset int, now time.Time) Event {
	var e Event
	machine := ""
	text := bytes.TrimLeft(line, " \t")
	switch {
	case len(text) > 0 && text[0] == '{':
		e.json(text, &machine, offset-(len(line)-len(text)))
	case bytes.HasPrefix(text, []byte("<Event")):
		e.xml(text, &machine, offset-(len(line)-len(text)))
	case c != nil && e.columns(line, c, &machine, offset):
	default:
		e.plain(line, &machine, offset, now)
	}
	if e.Source == "" {
		e.Source = machine
	}
	return e
}

// json reads an object: Zeek, Suricata, CloudTrail, Windows events, ECS, OCSF. Fields of objects in it are joined with dots.
func (e *Event) json(text []byte, machine *string, offset int) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	type level struct {
		path  string
		key   string
		array bool
		want  bool // the next string is a key
	}
	var stack []level
	for {
		t, err := dec.Token()
		if err != nil {
			return
		}
		var top *level
		if len(stack) > 0 {
			top = &stack[len(stack)-1]
		}
		path := func() string {
			if top == nil {
				return ""
			}
			if top.array {
				return top.path
			}
			return strings.TrimPrefix(top.path+"."+top.key, ".")
		}
		if d, ok := t.(json.Delim); ok {
			switch d {
			case '{', '[':
				p := path()
				if top != nil {
					top.want = true
				}
				stack = append(stack, level{path: p, array: d == '[', want: true})
			default:
				stack = stack[:len(stack)-1]
			}
			if len(stack) == 0 || len(stack) > 64 {
				return
			}
			continue
		}
		if top == nil {
			return
		}
		if !top.array && top.want {
			top.key, _ = t.(string)
			top.want = false
			continue
		}
		top.want = true
		value := ""
		switch v := t.(type) {
		case string:
			value = v
		case json.Number:
			value = v.String()
		}
		p := path()
		if e.Field == "" && int(dec.InputOffset()) > offset {
			e.Field = p
		}
		e.fill(machine, p, value)
	}
}

var xmlData = regexp.MustCompile(`<Data Name=['"]([^'"]+)['"]>([^<]*)<|<(Computer)>([^<]*)<|(SystemTime)=['"]([^'"]+)['"]`)

// keyNames are those of key=value text that are understood.
var keyNames = func() map[string]bool {
	m := map[string]bool{}
	for n := range strings.FieldsSeq("src dst srcip dstip src_ip dst_ip srcaddr dstaddr client rt devicetime start srcipaddr sourceaddress destinationaddress eventtime devtime") {
		m[n] = true
	}
	return m
}()

// keyed yields the values of such keys, from and to where they are in the line. A value ends at white space, or is in quotes.
func keyed(line []byte, yield func(key string, from, to int)) {
	isKey := func(c byte) bool { return isAlnum(c) || c == '_' }
	for at := 0; ; {
		i := bytes.IndexByte(line[at:], '=')
		if i < 0 {
			return
		}
		equals := at + i
		key := equals
		for key > at && isKey(line[key-1]) {
			key--
		}
		at = equals + 1
		const longest = len("destinationaddress")
		if n := equals - key; n == 0 || n > longest {
			continue
		}
		name := string(line[key:equals])
		if !keyNames[strings.ToLower(name)] {
			continue
		}
		to := at
		for to < len(line) && bytes.IndexByte([]byte(" \t\n\v\f\r"), line[to]) < 0 {
			to++
		}
		if at < len(line) && line[at] == '"' {
			if end := bytes.IndexByte(line[at+1:], '"'); end >= 0 {
				to = at + 1 + end + 1
			}
		}
		if to > at {
			yield(name, at, to)
			at = to
		}
	}
}

// xml reads a Windows event.
func (e *Event) xml(text []byte, machine *string, offset int) {
	for _, m := range xmlData.FindAllSubmatchIndex(text, -1) {
		for k := 2; k+3 < len(m); k += 4 {
			if m[k] < 0 {
				continue
			}
			key := string(text[m[k]:m[k+1]])
			e.fill(machine, key, string(text[m[k+2]:m[k+3]]))
			if m[k+2] <= offset && offset < max(m[k+3], m[k+2]+1) {
				e.Field = key
			}
		}
	}
}

// columns reads a row of a table; it reports whether it is one.
func (e *Event) columns(line []byte, c *Columns, machine *string, offset int) bool {
	at, quoted, col := 0, false, 0
	for i := 0; i <= len(line) && col < len(c.names); i++ {
		if i < len(line) && line[i] == '"' && c.sep != '\t' {
			quoted = !quoted
		}
		if i < len(line) && (line[i] != c.sep || quoted) {
			continue
		}
		e.fill(machine, c.names[col], string(line[at:i]))
		if at <= offset && offset <= i {
			e.Field = c.names[col]
		}
		at = i + 1
		col++
	}
	return col > len(c.names)/2
}

var (
	clfTime  = regexp.MustCompile(`\[(\d{2}/[A-Z][a-z]{2}/\d{4}:\d{2}:\d{2}:\d{2} [+-]\d{4})\]`)
	isoTime  = regexp.MustCompile(`\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(?:[.,]\d+)?(?:Z|[+-]\d{2}:?\d{2})?`)
	bsdTime  = regexp.MustCompile(`^(?:<\d+>)?([A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2}) (\S+)`)
	epoch    = regexp.MustCompile(`^\d{10}(?:\.\d+)?\b`)
	squid    = regexp.MustCompile(`^\d{10}\.\d{3}\s+\d+ (\S+) `)
	flowLog  = regexp.MustCompile(`^\d \S+ eni-\S+ (\S+) (\S+) \S+ \S+ \S+ \S+ \S+ (\d{10}) `)
	fromHere = regexp.MustCompile(`^([0-9A-Fa-f:.]+) \S+ \S+ \[`)
)

// plain reads what has no structure but conventions: syslog, CEF and LEEF, Squid, Apache and nginx, VPC flow logs.
func (e *Event) plain(line []byte, machine *string, offset int, now time.Time) {
	line = line[:min(len(line), 8192)]
	if m := flowLog.FindSubmatch(line); m != nil {
		e.Source, e.Destination = string(m[1]), string(m[2])
		e.Time, _ = ParseTime(string(m[3]))
		return
	}
	if m := squid.FindSubmatch(line); m != nil {
		e.Source = string(m[1])
	}
	if m := bsdTime.FindSubmatch(line); m != nil {
		*machine = string(m[2])
		if t, err := time.Parse("Jan _2 15:04:05", string(m[1])); err == nil {
			t = t.AddDate(now.Year(), 0, 0)
			if t.After(now.AddDate(0, 0, 2)) { // of last year
				t = t.AddDate(-1, 0, 0)
			}
			e.Time = t
		}
	} else if m := clfTime.FindSubmatch(line); m != nil {
		e.Time, _ = time.Parse("02/Jan/2006:15:04:05 -0700", string(m[1]))
		if from := fromHere.FindSubmatch(line); from != nil {
			e.Source = string(from[1])
		}
	} else if m := isoTimeIn(line); m != nil {
		e.Time, _ = ParseTime(string(m))
	} else if m := epoch.Find(line); m != nil {
		e.Time, _ = ParseTime(string(m))
	}
	keyed(line, func(key string, from, to int) {
		if key == "rt" || key == "devTime" {
			key = "time"
		}
		e.fill(machine, key, strings.Trim(string(line[from:to]), `",`))
		if from <= offset && offset < to {
			e.Field = key
		}
	})
}

// isoTimeIn returns the first time as in RFC 3339, if there is one. Most lines have no two hyphens where it has them.
func isoTimeIn(line []byte) []byte {
	for at := 0; ; {
		i := bytes.IndexByte(line[at:], '-')
		if at += i + 1; i < 0 || at+2 >= len(line) {
			return nil
		}
		if line[at+2] == '-' && isDigit(line[at]) && at >= 5 {
			return isoTime.Find(line[at-5:])
		}
	}
}

// ParseTime reads a time as logs write them: RFC 3339 and what is like it, or seconds, milliseconds and so on since 1970. A time without a zone is UTC.
func ParseTime(s string) (time.Time, bool) {
	if f, err := strconv.ParseFloat(s, 64); err == nil {
		for f >= 1e11 {
			f /= 1000
		}
		if f < 1e8 {
			return time.Time{}, false
		}
		sec, frac := math.Modf(f)
		return time.Unix(int64(sec), int64(math.Round(frac*1e6))*1000).UTC(), true
	}
	s = strings.Replace(s, ",", ".", 1)
	for _, layout := range []string{
		time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700", "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999Z0700", "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999",
		"02/Jan/2006:15:04:05 -0700", "2006-01-02", time.RFC1123Z, "Jan 02 2006 15:04:05",
	} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// IsInternal reports whether an address is of a network of one's own (RFC 1918, RFC 4193, link-local), or is no address but a name.
func IsInternal(s string) bool {
	a, err := netip.ParseAddr(s)
	return err != nil || a.IsPrivate() || a.IsLinkLocalUnicast() || a.IsLoopback()
}
