package misp

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"dossier/internal/intel"
)

// decode reads top-level values until the text ends.
func (d *decoder) decode(r io.Reader) error {
	in := bufio.NewReader(r)
	if head, _ := in.Peek(128); hashes.Match(head) {
		d.note("not intelligence", "hash list of a MISP feed")
		return nil
	}
	d.json = newStream(in)
	for n := 0; ; n++ {
		t, err := d.json.Token()
		switch {
		case err == io.EOF && n > 0:
			return nil
		case err == io.EOF:
			return &intel.SyntaxError{Msg: "the text is empty"}
		case err != nil:
			return d.json.explain(err)
		}
		if err := d.top(t, n); err != nil {
			return d.json.explain(err)
		}
	}
}

// top reads the value that begins with t.
func (d *decoder) top(t json.Token, n int) error {
	switch t {
	case json.Delim('{'):
		return d.object(fmt.Sprintf("[%d]", n), n == 0)
	case json.Delim('['):
		for i := 0; d.json.More(); i++ {
			if err := d.element("", i); err != nil {
				return err
			}
		}
		_, err := d.json.Token()
		return err
	}
	return &intel.SyntaxError{Line: 1, Column: 1, Msg: "want an object or a list"}
}

// element reads an element of a list of events or attributes.
func (d *decoder) element(path string, i int) error {
	position := fmt.Sprintf("%s[%d]", path, i)
	var e struct {
		Event     json.RawMessage
		Attribute json.RawMessage
		wireAttr
	}
	var raw json.RawMessage
	if err := d.json.value(&raw); err != nil {
		return err
	}
	switch err := json.Unmarshal(raw, &e); {
	case err != nil:
		d.reject(position, "neither event nor attribute", string(raw))
	case len(e.Event) > 0 && e.wireAttr.Type == "":
		return d.event(e.Event, position)
	case len(e.Attribute) > 0 && e.Attribute[0] == '{':
		return d.looseAttribute(e.Attribute, position)
	case e.wireAttr.Type != "" && e.Value != "":
		return d.looseAttribute(raw, position)
	default:
		return d.event(raw, position)
	}
	return nil
}

// object reads the keys of a top-level object whose brace is read. What it is
// shows only as its keys go by, in any order.
func (d *decoder) object(position string, first bool) error {
	g := galaxy{seen: make(map[string]bool)}
	took := false
	err := d.json.rest(func(key string) error {
		g.seen[key] = true
		switch key {
		case "Event":
			took = true
			var raw json.RawMessage
			if err := d.json.value(&raw); err != nil {
				return err
			}
			return d.event(raw, "Event"+strings.TrimPrefix(position, "[0]"))
		case "response":
			took = true
			return d.response()
		case "Attribute":
			took = true
			return d.json.elements(func(i int) error { return d.element("Attribute", i) })
		case "type", "category", "name", "source":
			return d.json.value(g.field(key))
		case "version":
			return d.json.value(&g.version)
		case "values":
			return d.values(&g)
		}
		if first && !took && len(g.seen) <= 3 && uuidForm.MatchString(key) {
			g.seen["<uuid>"] = true
		}
		return d.json.skip()
	})
	switch {
	case err != nil || took:
		return err
	}
	return d.finish(&g)
}

// response reads what REST answers: a list of events, or an object with
// attributes, or with one event.
func (d *decoder) response() error {
	t, err := d.json.Token()
	if err != nil {
		return err
	}
	switch t {
	case json.Delim('['):
		for i := 0; d.json.More(); i++ {
			if err := d.element("response", i); err != nil {
				return err
			}
		}
		_, err := d.json.Token()
		return err
	case json.Delim('{'):
		return d.json.rest(func(key string) error {
			switch key {
			case "Attribute":
				return d.json.elements(func(i int) error { return d.element("response.Attribute", i) })
			case "Event":
				var raw json.RawMessage
				if err := d.json.value(&raw); err != nil {
					return err
				}
				return d.event(raw, "response.Event")
			}
			return d.json.skip()
		})
	}
	return nil
}

// finish handles a top-level object that held neither events nor attributes.
func (d *decoder) finish(g *galaxy) error {
	has := func(keys ...string) bool {
		for _, k := range keys {
			if !g.seen[k] {
				return false
			}
		}
		return true
	}
	switch {
	case has("values") && g.typ != "" && !has("predicates"):
		return d.endGalaxy(g)
	case has("namespace", "predicates"):
		d.note("not intelligence", "taxonomy")
	case has("list", "name"), has("matching_attributes"):
		d.note("not intelligence", "warninglist "+string(g.name))
	case has("attributes", "meta-category"):
		d.note("not intelligence", "object template "+string(g.name))
	case has("namespace", "icon"):
		d.note("not intelligence", "definition of galaxy "+string(g.typ))
	case has("<uuid>"):
		d.note("not intelligence", "manifest of a MISP feed")
	default:
		return &intel.SyntaxError{Msg: "no event, no attributes and no galaxy: none of MISP's formats that hold intelligence"}
	}
	return nil
}

// Sniff reports whether a body that begins with head is one that [Decode]
// reads, or recognises as MISP's and notes. 512 bytes are enough for galaxies
// and events.
func Sniff(head []byte) bool {
	head = bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))
	if hashes.Match(head) {
		return true
	}
	dec := json.NewDecoder(bytes.NewReader(head))
	keys := make(map[string]bool)
	collectKeys(dec, keys, "", 0)
	has := func(names ...string) bool {
		for _, n := range names {
			if !keys[n] {
				return false
			}
		}
		return true
	}
	switch {
	case has("/Event"), has("/response"), has("/Attribute"), has("/response/Event"):
		return true
	case has("/objects"), has("/spec_version"):
		return false
	case has("/authors", "/category"), has("/values", "/type"), has("/namespace", "/predicates"), has("/namespace", "/icon"),
		has("/description", "/icon"), has("/list", "/description"), has("/list", "/matching_attributes"), has("/meta-category"),
		has("/attributes", "/requiredOneOf"), has("/namespace", "/description"), has("/namespace", "/expanded"), has("/predicates", "/predicates/value"), has("/predicates", "/predicates/expanded"),
		has("/predicates", "/predicates/colour"), has("/values", "/values/entry"):
		return true
	case has("/<uuid>", "/<uuid>/Orgc"), has("/<uuid>", "/<uuid>/info"):
		return true
	case has("/type", "/value", "/to_ids"), has("/uuid", "/info", "/Orgc"):
		return true // a bare list of attributes or events
	}
	// An object template or a warninglist begins with its long part.
	return has("/attributes") && has("/attributes/*/misp-attribute")
}

// collectKeys notes the paths of the keys in a beginning of JSON, down to three
// levels. Lists add nothing to a path.
func collectKeys(dec *json.Decoder, keys map[string]bool, path string, depth int) {
	t, err := dec.Token()
	if err != nil {
		return
	}
	switch t {
	case json.Delim('['):
		for dec.More() {
			before := dec.InputOffset()
			collectKeys(dec, keys, path, depth+1)
			if dec.InputOffset() == before {
				return
			}
		}
	case json.Delim('{'):
		for dec.More() {
			k, err := dec.Token()
			key, ok := k.(string)
			if err != nil || !ok {
				return
			}
			if uuidForm.MatchString(key) {
				key = "<uuid>"
			}
			p := path + "/" + key
			if path == "/attributes" {
				p = path + "/*"
			}
			if depth < 4 {
				keys[p] = true
			}
			before := dec.InputOffset()
			collectKeys(dec, keys, p, depth+1)
			if dec.InputOffset() == before {
				return
			}
		}
	default:
		return
	}
	if _, err := dec.Token(); err != nil && !errors.Is(err, io.EOF) {
		return
	}
}
