package dictionary

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"dossier/internal/intel"
)

// sniffJSON reads the beginning of a text of JSON and reports whether some
// object in it has the fields of a dictionary. What MISP calls meta counts for a
// member of the outermost object, as Malpedia has it; deeper it is MISP's own.
func sniffJSON(head []byte) bool {
	type open struct {
		fields *[]string
		object bool
		key    bool // a key is next
	}
	var stack []open
	dec := json.NewDecoder(bytes.NewReader(head))
	last := ""
	for {
		t, err := dec.Token()
		if err != nil {
			return false
		}
		switch t {
		case json.Delim('{'), json.Delim('['):
			o := open{fields: &[]string{}, object: t == json.Delim('{'), key: t == json.Delim('{')}
			if len(stack) == 2 && last == "meta" && o.object {
				o.fields = stack[len(stack)-1].fields
			}
			if len(stack) > 0 {
				stack[len(stack)-1].key = stack[len(stack)-1].object
			}
			stack = append(stack, o)
			last = ""
			continue
		case json.Delim('}'), json.Delim(']'):
			closed := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			if closed.object && dictionaryFields(*closed.fields) {
				return true
			}
			continue
		}
		if len(stack) == 0 {
			return false
		}
		top := &stack[len(stack)-1]
		if top.object && top.key {
			last, top.key = t.(string), false
			*top.fields = append(*top.fields, last)
			continue
		}
		top.key = top.object
	}
}

// json reads a text of JSON: entries are the objects of the list that has most
// of them, or the members of an object.
func (d *decoder) json(data []byte) error {
	var v any
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		return jsonError(data, err)
	}
	if dec.More() { // an entry a line
		lines := []any{v}
		for dec.More() {
			var next any
			if err := dec.Decode(&next); err != nil {
				return jsonError(data, err)
			}
			lines = append(lines, next)
		}
		v = lines
	}
	if top, ok := v.(map[string]any); ok {
		if s, ok := top["version"].(string); ok {
			d.set.Version = s
		}
		if s, ok := top["name"].(string); ok && d.set.Name == "" {
			d.set.Name = s
		}
	}
	if !d.entries("", v, 0) {
		return &intel.SyntaxError{Line: 1, Column: 1, Msg: "want a list of objects, each with the name of an actor and its other names"}
	}
	return d.ctx.Err()
}

// entries finds the entries in a value and reads them.
func (d *decoder) entries(at string, v any, depth int) (found bool) {
	if depth > 3 {
		return false
	}
	switch v := v.(type) {
	case []any:
		if !slices.ContainsFunc(v, isEntry) {
			return false
		}
		for i, e := range v {
			d.object(fmt.Sprintf("%s[%d]", at, i), "", e)
		}
		return true
	case map[string]any:
		keys := slices.Sorted(maps.Keys(v))
		if isEntry(v) { // a single one
			d.object(at, "", v)
			return true
		}
		members := 0
		for _, k := range keys {
			if isEntry(v[k]) {
				members++
			}
		}
		if members > 0 && 2*members >= len(keys) {
			for _, k := range keys {
				d.object(at+"."+k, k, v[k])
			}
			return true
		}
		for _, k := range keys {
			found = d.entries(strings.TrimPrefix(at+"."+k, "."), v[k], depth+1) || found
		}
	}
	return found
}

// isEntry reports whether a value has the fields of a dictionary's entry.
func isEntry(v any) bool {
	o, ok := v.(map[string]any)
	if !ok {
		return false
	}
	names := slices.Collect(maps.Keys(o))
	if meta, ok := o["meta"].(map[string]any); ok {
		names = slices.AppendSeq(names, maps.Keys(meta))
	}
	return dictionaryFields(names)
}

// object reads one entry. byName is the name under which it stands in an object.
func (d *decoder) object(position, byName string, v any) {
	o, ok := v.(map[string]any)
	if !ok {
		d.reject(position, "not an entry of the list", fmt.Sprint(v))
		return
	}
	var cells []cell
	var add func(o map[string]any)
	add = func(o map[string]any) {
		for _, k := range slices.Sorted(maps.Keys(o)) {
			if meta, ok := o[k].(map[string]any); ok && k == "meta" {
				add(meta)
				continue
			}
			if c := jsonCell(columnOf(k, false), o[k]); c.role != isNothing {
				cells = append(cells, c)
			}
		}
	}
	add(o)
	sample, _ := json.Marshal(o)
	d.entry(position, byName, cells, string(sample))
}

// jsonCell is a field of an entry. Names are texts, or objects with the name and
// who gave it, or an object from organisation to names.
func jsonCell(c column, v any) cell {
	out := cell{column: c}
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	for _, e := range list {
		switch e := e.(type) {
		case string:
			if len(list) == 1 && !ok {
				one := textCell(c, e)
				out.texts, out.named = append(out.texts, one.texts...), append(out.named, one.named...)
				continue
			}
			out.add(e, "")
		case json.Number:
			out.add(e.String(), "")
		case map[string]any:
			name, by, text := "", "", ""
			for k, f := range e {
				s, _ := f.(string)
				switch intel.NameKey(k) {
				case "name", "alias", "value":
					name = s
				case "entity", "namegiver", "vendor", "source", "org", "organisation", "organization", "producer", "coinedby", "by":
					by = s
				case "activity", "text", "description":
					text = s
				}
			}
			switch {
			case c.role == isOperation:
				date, _ := e["date"].(string)
				out.named = append(out.named, named{name: text, by: date})
			case name != "":
				for _, n := range splitNames(name) {
					out.add(n, by)
				}
			case c.role == isNames: // organisation -> names
				for _, k := range slices.Sorted(maps.Keys(e)) {
					for _, n := range jsonCell(column{role: isNames}, e[k]).named {
						out.add(n.name, k)
					}
				}
			}
		}
	}
	return out
}

func (c *cell) add(s, by string) {
	switch c.role {
	case isNames, isVendor, isAttack:
		if by == "" {
			by = c.by
		}
		c.named = append(c.named, named{name: s, by: by})
	default:
		c.texts = append(c.texts, s)
	}
}

// jsonError gives an error of the JSON decoder its place.
func jsonError(data []byte, err error) error {
	var bad *json.SyntaxError
	offset, msg := int64(len(data)), err.Error()
	if errors.As(err, &bad) {
		offset = max(bad.Offset-1, 0)
	}
	before := data[:min(int(offset), len(data))]
	msg = strings.TrimPrefix(msg, "json: ")
	if strings.Contains(msg, "EOF") {
		msg = "the text ends in the middle of a value, after " + strconv.Itoa(len(data)) + " bytes"
	}
	return &intel.SyntaxError{
		Line: bytes.Count(before, []byte("\n")) + 1, Column: len(before) - bytes.LastIndexByte(before, '\n'), Offset: offset, Msg: msg,
	}
}
