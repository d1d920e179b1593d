package lists

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"dossier/internal/intel"
	"dossier/internal/observable"
)

// Limits of JSON.
const (
	maxDepth = 64       // of objects and lists inside each other
	maxValue = 16 << 20 // bytes of one value that is read whole: an object of a list, a string
)

// A jsonList reads the exports of sites that list indicators: a list of
// objects, objects one after the other, an object with lists in it, or one with
// ids as keys; also lists of bare values. Properties are told by their names, as
// the columns of a CSV, and failing that by their content.
//
// An object with an observable is a row, and objects inside of it are details.
// One without hands what it says (a title, dates, references) down to those in it.
type jsonList struct {
	table
	dec *json.Decoder
	in  *boundedReader
	n   int // rows so far
}

func (d *decoder) jsonList() error {
	in := &boundedReader{r: &lenientReader{r: d.in}}
	j := &jsonList{table: table{decoder: d}, dec: json.NewDecoder(in), in: in}
	d.unit = "object"
	j.dec.UseNumber()
	for first := true; ; first = false {
		err := j.top()
		switch {
		case err == io.EOF && !first:
			return nil
		case err != nil:
			return j.explain(err)
		}
	}
}

// top reads one value at the outermost level.
func (j *jsonList) top() error {
	t, err := j.token()
	if err != nil {
		return err
	}
	switch t {
	case json.Delim('['):
		return j.elements("", nil)
	case json.Delim('{'):
		return j.outer()
	}
	return j.bare("", t)
}

// token returns the next token, if it is not too long.
func (j *jsonList) token() (json.Token, error) {
	j.in.limit = j.dec.InputOffset() + maxValue
	return j.dec.Token()
}

// outer reads an object of the outermost level, whose brace is read. It may be
// as long as the file: lists in it are read by element, objects one at a time.
func (j *jsonList) outer() error {
	row := map[string]any{}
	frame := false // there are others in it
	for j.dec.More() {
		t, err := j.token()
		if err != nil {
			return err
		}
		key, _ := t.(string)
		v, list, err := j.value()
		switch {
		case err != nil:
			return err
		case list:
			frame = true
			if err := j.elements(key, row); err != nil {
				return err
			}
			continue
		}
		if inner, ok := v.(map[string]any); ok {
			frame = true
			if err := j.object(key, inner, row, 1); err != nil {
				return err
			}
			continue
		}
		if _, again := row[key]; again {
			j.reject(j.n+1, "duplicate key", key)
		}
		if len(row) < maxColumns {
			row[key] = v
			continue
		}
		if err := j.keyed(key, v); err != nil { // an object of values
			return err
		}
	}
	if _, err := j.token(); err != nil {
		return err
	}
	return j.row(row, nil, frame)
}

// maxColumns is how many properties of an object are held; one with more is a
// table of values by key.
const maxColumns = 256

// value reads the next value whole, unless it is a list, of which only the
// bracket is read.
func (j *jsonList) value() (v any, list bool, err error) {
	t, err := j.token()
	switch {
	case err != nil:
		return nil, false, err
	case t == json.Delim('['):
		return nil, true, nil
	case t == json.Delim('{'):
		v, err = j.rest()
		return v, false, err
	}
	return t, false, nil
}

// rest reads the rest of an object, whose brace is read.
func (j *jsonList) rest() (map[string]any, error) {
	o := map[string]any{}
	for j.dec.More() {
		t, err := j.dec.Token()
		if err != nil {
			return nil, err
		}
		var v any
		if key, ok := t.(string); ok {
			if err := j.dec.Decode(&v); err != nil {
				return nil, err
			}
			o[key] = v
		}
	}
	_, err := j.dec.Token()
	return o, err
}

func tooDeep() error {
	return &intel.SyntaxError{Msg: fmt.Sprintf("objects are nested more than %d deep", maxDepth)}
}

// elements reads the elements of a list, whose bracket is read.
func (j *jsonList) elements(key string, above map[string]any) error {
	for i := 0; j.dec.More(); i++ {
		if i%1024 == 0 {
			if err := j.ctx.Err(); err != nil {
				return err
			}
		}
		var v any
		j.in.limit = j.dec.InputOffset() + maxValue
		if err := j.dec.Decode(&v); err != nil {
			return err
		}
		if err := j.element(key, v, above, 1); err != nil {
			return err
		}
	}
	_, err := j.token()
	return err
}

// element reads an element of a list under a key.
func (j *jsonList) element(key string, v any, above map[string]any, depth int) error {
	switch v := v.(type) {
	case map[string]any:
		return j.object(key, v, above, depth)
	case []any:
		if depth > maxDepth {
			return tooDeep()
		}
		for _, e := range v {
			if err := j.element(key, e, above, depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	return j.bare(key, v)
}

// object reads an object that is held: a row, or a frame around rows.
func (j *jsonList) object(key string, o, above map[string]any, depth int) error {
	if depth > maxDepth {
		return tooDeep()
	}
	if why := notBad(key); why != "" {
		j.reject(j.n+1, why, key)
		return nil
	}
	if j.isRow(o) {
		return j.row(o, above, false)
	}
	own := maps.Clone(above)
	if own == nil {
		own = map[string]any{}
	}
	frame := false
	for k, v := range o {
		switch v.(type) {
		case map[string]any, []any:
			frame = true
		default:
			own[k] = v
		}
	}
	if !frame {
		return j.pairs(o, false)
	}
	for _, k := range slices.Sorted(maps.Keys(o)) {
		switch v := o[k].(type) {
		case map[string]any:
			if err := j.object(k, v, own, depth+1); err != nil {
				return err
			}
		case []any:
			for _, e := range v {
				if err := j.element(k, e, own, depth+1); err != nil {
					return err
				}
			}
		default:
			if err := j.keyed(k, v); err != nil {
				return err
			}
		}
	}
	return nil
}

// notBad returns why what stands under a key is no indicator.
func notBad(key string) string {
	switch folded(key) {
	case "whitelist", "allowlist", "whitelisted", "allowed", "benign", "safelist", "exceptions", "falsepositives", "fuzzylist", "tolerated":
		return "list of what is allowed"
	}
	return ""
}

// bare reads a value that is an element of a list, or stands alone.
func (j *jsonList) bare(key string, v any) error {
	s, ok := v.(string)
	if !ok {
		return nil // numbers and nulls say nothing by themselves
	}
	c := j.column(key)
	if why := notBad(key); why != "" {
		j.reject(j.n+1, why, s)
		return nil
	}
	switch c.role {
	case isValue, isTyped:
	case isIgnored:
		if key != "" && !guessable(key) {
			return nil
		}
		if key != "" {
			if o, err := observable.Parse(s); err != nil || o.Kind == observable.Email {
				return nil // a list of words
			}
		}
		c = column{role: isValue}
	default:
		return nil // tags, references
	}
	j.n++
	j.cols = []column{c}
	return j.known(j.n, []string{s})
}

// keyed reads a pair of which the key may be the observable: {"1.2.3.4": 7}.
func (j *jsonList) keyed(key string, v any) error {
	if !strings.ContainsAny(key, ".:") && len(key) < 32 {
		return nil
	}
	if _, err := observable.Parse(key); err != nil {
		return nil
	}
	j.n++
	j.cols = []column{{role: isValue}, {role: isContext, head: "value"}}
	return j.known(j.n, []string{key, scalar(v)})
}

// column tells what a property holds.
func (j *jsonList) column(key string) column {
	if c, ok := j.o.Map.column(key, -1); ok {
		return c
	}
	c := heads[folded(key)]
	c.head = key
	return c
}

// isRow reports whether an object has an observable of its own.
func (j *jsonList) isRow(o map[string]any) bool {
	guess := false
	for k, v := range o {
		switch c := j.column(k); c.role {
		case isValue, isTyped:
			if s := scalar(v); s != "" && !intel.Placeholder(s) {
				if c.role == isTyped || j.typed(o) {
					return true
				}
				if _, err := parseAs(c.kind, s); err == nil {
					return true
				}
			}
		case isIgnored:
			s, ok := v.(string)
			if !guess && ok && guessable(k) {
				_, err := observable.Parse(s)
				guess = err == nil
			}
		}
	}
	return guess && j.o.Map == nil
}

// typed reports whether an object says what its value is.
func (j *jsonList) typed(o map[string]any) bool {
	for k, v := range o {
		if j.column(k).role == isTypeName && scalar(v) != "" {
			return true
		}
	}
	return false
}

// row gives what an object says; above is what the objects around it say, and
// frame tells that it is around others itself.
func (j *jsonList) row(o, above map[string]any, frame bool) error {
	keys := slices.Sorted(maps.Keys(o))
	j.cols, j.guess = j.cols[:0], true
	var row []string
	address := false
	for _, k := range keys {
		c := j.column(k)
		address = address || c.role == isTyped && c.kind == observable.IPAddress && scalar(o[k]) != ""
		j.guess = j.guess && c.role != isValue && c.role != isTyped
	}
	for _, k := range keys {
		c := j.column(k)
		switch v := o[k].(type) {
		case []any:
			if c.role == isIgnored {
				continue
			}
			var words []string
			for _, e := range v {
				if s := scalar(e); s != "" {
					words = append(words, s)
				}
			}
			if c.role == isTyped || c.role == isValue {
				for _, w := range words {
					j.cols, row = append(j.cols, c), append(row, w)
				}
				continue
			}
			j.cols, row = append(j.cols, c), append(row, strings.Join(words, " "))
			continue
		case string:
			if c.role == isIgnored && j.guess && guessable(k) {
				if seen, err := observable.Parse(v); err == nil && seen.Kind != observable.Email {
					c.role = isValue
				}
			}
		}
		if address && c.role == isTyped && c.kind == observable.Domain && folded(k) == "hostname" && o["as_number"] != nil {
			c = column{role: isContext, head: k} // the address's name in the DNS, as Feodo Tracker tells it
		}
		j.cols, row = append(j.cols, c), append(row, scalar(o[k]))
	}
	given := slices.ContainsFunc(j.cols, func(c column) bool { return c.role == isValue || c.role == isTyped })
	if !given {
		return j.pairs(o, frame)
	}
	for _, k := range slices.Sorted(maps.Keys(above)) { // what is said further out, where the row is silent
		c := j.column(k)
		if c.role == isIgnored || c.role == isValue || c.role == isTyped || c.role == isTypeName ||
			slices.ContainsFunc(j.cols, func(have column) bool { return have.role == c.role }) {
			continue
		}
		j.cols, row = append(j.cols, c), append(row, scalar(above[k]))
	}
	j.n++
	return j.known(j.n, row)
}

// pairs reads an object without an observable of its own: its keys may be some.
func (j *jsonList) pairs(o map[string]any, frame bool) error {
	before := j.n
	for _, k := range slices.Sorted(maps.Keys(o)) {
		if err := j.keyed(k, o[k]); err != nil {
			return err
		}
	}
	if j.n == before && !frame {
		j.n++
		j.reject(j.n, "no observable in the object", strings.Join(slices.Sorted(maps.Keys(o)), " "))
	}
	return nil
}

// scalar returns a value as text, "" for null, lists and objects.
func scalar(v any) string {
	switch v := v.(type) {
	case string:
		return strings.TrimSpace(clean([]byte(v)))
	case json.Number:
		return v.String()
	case bool:
		return fmt.Sprint(v)
	}
	return ""
}

var errTooLong = errors.New("too long")

// A boundedReader refuses to read on behind limit, if that is not 0, and counts
// what it has read.
type boundedReader struct {
	r     io.Reader
	read  int64
	limit int64
	lines int
}

func (b *boundedReader) Read(p []byte) (int, error) {
	if b.limit > 0 && b.read >= b.limit {
		return 0, errTooLong
	}
	n, err := b.r.Read(p)
	b.read += int64(n)
	b.lines += bytes.Count(p[:n], []byte("\n"))
	return n, err
}

// A lenientReader puts a blank in place of each comma that stands before a
// closing bracket, which people leave behind in lists that they shorten.
type lenientReader struct {
	r      *bufio.Reader
	quoted bool
	escape bool
}

func (l *lenientReader) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	for i := range n {
		switch c := p[i]; {
		case l.escape:
			l.escape = false
		case c == '\\' && l.quoted:
			l.escape = true
		case c == '"':
			l.quoted = !l.quoted
		case c == ',' && !l.quoted && l.closes(p[i+1:n]):
			p[i] = ' '
		}
	}
	return n, err
}

// closes reports whether the next character is a closing bracket: in what has
// been read, or in what comes next, as far as that is in the buffer.
func (l *lenientReader) closes(rest []byte) bool {
	rest = bytes.TrimLeft(rest, " \t\r\n")
	if len(rest) == 0 {
		next, _ := l.r.Peek(64)
		rest = bytes.TrimLeft(next, " \t\r\n")
	}
	return len(rest) > 0 && (rest[0] == ']' || rest[0] == '}')
}

// explain says where the text is no JSON.
func (j *jsonList) explain(err error) error {
	var syntax *json.SyntaxError
	at := &intel.SyntaxError{Offset: j.dec.InputOffset(), Msg: err.Error()}
	switch {
	case errors.As(err, &syntax):
		at.Msg = syntax.Error()
	case errors.Is(err, io.ErrUnexpectedEOF), err == io.EOF:
		at.Msg = "unexpected end of the file"
	case errors.Is(err, errTooLong):
		at.Msg = fmt.Sprintf("a value of more than %d MiB", maxValue>>20)
	default:
		return err
	}
	return at
}

// logKeys are properties that logs have and lists of indicators have not.
var logKeys = []string{"id.orig_h", "id_orig_h", "@stream", "@timestamp", "_path", "EventID", "event_id", "flow_id", "eventName", "winlog", "timestamp_ns", "src_port"}

// looksLikeJSONList reports whether a beginning of JSON has properties that hold
// observables, or lists of them; isLog that it is a log.
func looksLikeJSONList(head []byte) (ok, isLog bool) {
	dec := json.NewDecoder(bytes.NewReader(head))
	key, depth := "", 0
	var keys []bool // whether the next string is a key, by depth
	for range 4096 {
		t, err := dec.Token()
		if err != nil {
			break
		}
		switch t := t.(type) {
		case json.Delim:
			switch t {
			case '{', '[':
				if depth++; depth > maxDepth {
					return false, false
				}
				keys = append(keys, t == '{')
			default:
				depth--
				keys = keys[:max(len(keys)-1, 0)]
				if len(keys) > 0 && keys[len(keys)-1] {
					key = ""
				}
			}
			continue
		case string:
			inObject := len(keys) > 0 && keys[len(keys)-1]
			if inObject && key == "" {
				if key = t; key == "" {
					key = " "
				}
				if slices.Contains(logKeys, key) {
					return false, true
				}
				if _, err := observable.Parse(key); err == nil && strings.Contains(key, ".") {
					ok = true
				}
				continue
			}
			c := heads[folded(key)]
			if o, err := observable.Parse(t); err == nil && guessable(key) && notBad(key) == "" {
				ok = ok || c.role == isValue || c.role == isTyped || c.role == isIgnored && o.Kind != observable.URL && o.Kind != observable.Email
			}
			if inObject {
				key = ""
			}
			continue
		}
		if len(keys) > 0 && keys[len(keys)-1] {
			key = "" // a number or a word
		}
	}
	return ok, false
}
