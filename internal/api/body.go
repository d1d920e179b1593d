package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"dossier/internal/intel"
	"dossier/internal/odata"
)

// Limits of what is written.
const (
	maxEntityBody = 1 << 20 // bytes, inflated
	maxTitle      = 500     // bytes
	maxElements   = 1000    // of a collection
)

// An input is the body of a write, checked against the type: the declared
// properties that are there, in the order of their declaration, each with its
// value in the API's own form. null stands for null.
type input struct {
	typ    *odata.Type
	values map[string]json.RawMessage
}

// has reports whether the property is there.
func (in *input) has(name string) bool { return in.values[name] != nil }

// badBody says what is wrong with the body; target is the path of the property.
func badBody(target, format string, args ...any) *failure {
	f := badRequest(fmt.Sprintf(format, args...), target)
	return f
}

// readEntity reads the body of a write of type t. Navigation properties are
// handed over as they are; annotations are left out, but the type that one names
// must be t.
func (r *request) readEntity(t *odata.Type) (*input, error) {
	body, err := r.readBody(maxEntityBody)
	if err != nil {
		return nil, err
	}
	object, err := parseObject(body)
	if err != nil {
		return nil, badBody("", "Invalid body: %v.", err)
	}
	in := &input{typ: t, values: map[string]json.RawMessage{}}
	for name, value := range object {
		if strings.Contains(name, "@") {
			continue
		}
		p := t.Property(name)
		switch {
		case p == nil || p.Name != name:
			return nil, badBody(name, "Property '%s' does not exist on type '%s'.", clip(name), t.Name)
		case p.Navigation:
			in.values[name] = value
			continue
		}
		if in.values[name], err = checkValue(p, p.Name, value); err != nil {
			return nil, err
		}
	}
	return in, checkType(t, object, "")
}

// checkType compares the type that an object names, if it does, with t.
func checkType(t *odata.Type, object map[string]json.RawMessage, target string) error {
	raw, ok := object["@odata.type"]
	if !ok {
		return nil
	}
	var name string
	if json.Unmarshal(raw, &name) != nil || strings.TrimPrefix(name, "#") != t.Name {
		return badBody(target, "Invalid @odata.type: expected #%s, found %s.", t.Name, clip(string(raw)))
	}
	return nil
}

// parseObject reads one JSON object. Errors say where and why: a name that comes
// twice, text behind the object, what is no JSON.
func parseObject(body []byte) (map[string]json.RawMessage, error) {
	if !utf8.Valid(body) {
		return nil, errors.New("it is not UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	at := func(err error) error {
		var syntax *json.SyntaxError
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return errors.New("it ends before the JSON object does")
		case errors.As(err, &syntax):
			return fmt.Errorf("byte %d: %s", syntax.Offset, syntax.Error())
		}
		return err
	}
	if tok, err := dec.Token(); err != nil {
		return nil, at(err)
	} else if tok != json.Delim('{') {
		return nil, errors.New("expected a JSON object")
	}
	out := map[string]json.RawMessage{}
	for dec.More() {
		tok, err := dec.Token()
		if err != nil {
			return nil, at(err)
		}
		name, _ := tok.(string) // a name, or Token had failed
		if _, twice := out[name]; twice {
			return nil, fmt.Errorf("byte %d: '%s' comes twice", dec.InputOffset(), clip(name))
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, at(err)
		}
		out[name] = value
	}
	if _, err := dec.Token(); err != nil {
		return nil, at(err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("byte %d: there is more behind the object", dec.InputOffset())
	}
	return out, nil
}

// checkValue checks a value of a property and returns it in the API's form. Path
// is that of the property in the body, for messages.
func checkValue(p *odata.Property, path string, raw json.RawMessage) (json.RawMessage, error) {
	if !p.Collection {
		return checkOne(p, path, raw)
	}
	if string(raw) == "null" {
		return nil, badBody(path, "Property '%s' is a collection and cannot be null; use [].", path)
	}
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		return nil, badBody(path, "Property '%s': expected an array, found %s.", path, found(raw))
	}
	if len(list) > maxElements {
		return nil, badBody(path, "Property '%s': at most %d elements, found %d.", path, maxElements, len(list))
	}
	for i, e := range list {
		at := fmt.Sprintf("%s/%d", path, i)
		if string(e) == "null" {
			return nil, badBody(at, "Property '%s' cannot be null.", at)
		}
		var err error
		if list[i], err = checkOne(p, at, e); err != nil {
			return nil, err
		}
	}
	return json.Marshal(slices.Concat([]json.RawMessage{}, list))
}

func checkOne(p *odata.Property, path string, raw json.RawMessage) (json.RawMessage, error) {
	if string(raw) == "null" {
		if !p.Nullable {
			return nil, badBody(path, "Property '%s' cannot be null.", path)
		}
		return raw, nil
	}
	wrong := func(want string) error {
		return badBody(path, "Property '%s': expected %s, found %s.", path, want, found(raw))
	}
	switch p.Kind() {
	case odata.ComplexType:
		return checkComplex(p.Type, path, raw)
	case odata.EnumType:
		var name string
		if json.Unmarshal(raw, &name) != nil {
			return nil, wrong("a member of " + p.Enum.Name)
		}
		m := p.Enum.Member(name)
		if m == nil || m.Name != name || m.Name == sentinel {
			return nil, badBody(path, "Property '%s': '%s' is not a member of '%s'.", path, clip(name), p.Enum.Name)
		}
	case odata.DateTimeOffset:
		var text string
		if json.Unmarshal(raw, &text) != nil {
			return nil, wrong("a date and time as 2024-05-06T07:08:09Z")
		}
		t, err := time.Parse(time.RFC3339Nano, text)
		if err != nil || t.Year() < 1 || t.Year() > 9999 {
			return nil, wrong("a date and time as 2024-05-06T07:08:09Z")
		}
		return json.Marshal(intel.TimeOf(t))
	case odata.String, odata.Guid:
		var text string
		if json.Unmarshal(raw, &text) != nil {
			return nil, wrong("a string")
		}
		if strings.ContainsRune(text, 0) {
			return nil, badBody(path, "Property '%s' has a NUL character.", path)
		}
		return plain(text)
	default:
		return nil, wrong(p.TypeName())
	}
	return raw, nil
}

// sentinel is the last member of every enum; it is no value.
const sentinel = "unknownFutureValue"

func checkComplex(t *odata.Type, path string, raw json.RawMessage) (json.RawMessage, error) {
	object, err := parseObject(raw)
	if err != nil {
		return nil, badBody(path, "Property '%s': expected an object, found %s.", path, found(raw))
	}
	if err := checkType(t, object, path); err != nil {
		return nil, err
	}
	out := map[string]json.RawMessage{}
	for name, value := range object {
		if strings.Contains(name, "@") {
			continue
		}
		p := t.Property(name)
		if p == nil || p.Name != name {
			return nil, badBody(path+"/"+name, "Property '%s' does not exist on type '%s'.", clip(name), t.Name)
		}
		if out[name], err = checkValue(p, path+"/"+name, value); err != nil {
			return nil, err
		}
	}
	return json.Marshal(out)
}

// plain encodes text as all bodies have it.
func plain(s string) (json.RawMessage, error) {
	var b bytes.Buffer
	err := encode(&b, s)
	return b.Bytes(), err
}

// found names the sort of a JSON value, for messages.
func found(raw json.RawMessage) string {
	switch {
	case len(raw) == 0:
		return "nothing"
	case raw[0] == '{':
		return "an object"
	case raw[0] == '[':
		return "an array"
	case raw[0] == '"':
		return "the string " + clip(string(raw))
	case raw[0] == 't', raw[0] == 'f':
		return "a Boolean"
	case raw[0] == 'n':
		return "null"
	}
	return "a number"
}
