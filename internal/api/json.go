package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
)

// A member is one member of a JSON object: the name without quotation marks and
// the value, raw.
type member struct {
	name  string
	value []byte
}

var errCompact = errors.New("stored JSON is not in compact form")

// members takes apart an object that was written by encoding/json without
// indentation, as all stored bodies are. Names must have no escapes.
func members(raw []byte) ([]member, error) {
	if len(raw) < 2 || raw[0] != '{' {
		return nil, errCompact
	}
	var out []member
	for i := 1; raw[i] != '}'; {
		if raw[i] == ',' {
			i++
		}
		end, err := valueEnd(raw, i)
		if err != nil || raw[i] != '"' || end+1 >= len(raw) || raw[end] != ':' {
			return nil, errCompact
		}
		name := string(raw[i+1 : end-1])
		i = end + 1
		if end, err = valueEnd(raw, i); err != nil || end >= len(raw) {
			return nil, errCompact
		}
		out = append(out, member{name, raw[i:end]})
		i = end
	}
	return out, nil
}

// elements takes apart an array.
func elements(raw []byte) ([][]byte, error) {
	if len(raw) < 2 || raw[0] != '[' {
		return nil, errCompact
	}
	var out [][]byte
	for i := 1; raw[i] != ']'; {
		if raw[i] == ',' {
			i++
		}
		end, err := valueEnd(raw, i)
		if err != nil || end >= len(raw) {
			return nil, errCompact
		}
		out = append(out, raw[i:end])
		i = end
	}
	return out, nil
}

// valueEnd returns the offset behind the value that begins at i.
func valueEnd(raw []byte, i int) (int, error) {
	depth := 0
	for ; i < len(raw); i++ {
		switch raw[i] {
		case '"':
			for i++; i < len(raw) && raw[i] != '"'; i++ {
				if raw[i] == '\\' {
					i++
				}
			}
			if i >= len(raw) {
				return 0, errCompact
			}
			if depth == 0 {
				return i + 1, nil
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i, nil
			}
			if depth--; depth == 0 {
				return i + 1, nil
			}
		case ',', ':':
			if depth == 0 {
				return i, nil
			}
		}
	}
	return 0, errCompact
}

// put appends an object to b.
func put(b *bytes.Buffer, list []member) {
	b.WriteByte('{')
	for i, m := range list {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('"')
		b.WriteString(m.name)
		b.WriteString(`":`)
		b.Write(m.value)
	}
	b.WriteByte('}')
}

// strip appends raw to b without annotations, at any depth; only nextLink and
// count stay, as odata.metadata=none demands.
func strip(b *bytes.Buffer, raw []byte) error {
	if len(raw) == 0 {
		return errCompact
	}
	switch raw[0] {
	case '{':
		list, err := members(raw)
		if err != nil {
			return err
		}
		kept := list[:0]
		for _, m := range list {
			if !strings.Contains(m.name, "@odata.") || strings.HasSuffix(m.name, "@odata.nextLink") || strings.HasSuffix(m.name, "@odata.count") {
				var inner bytes.Buffer
				if err := strip(&inner, m.value); err != nil {
					return err
				}
				kept = append(kept, member{m.name, inner.Bytes()})
			}
		}
		put(b, kept)
		return nil
	case '[':
		list, err := elements(raw)
		if err != nil {
			return err
		}
		b.WriteByte('[')
		for i, e := range list {
			if i > 0 {
				b.WriteByte(',')
			}
			if err := strip(b, e); err != nil {
				return err
			}
		}
		b.WriteByte(']')
		return nil
	}
	b.Write(raw)
	return nil
}

// encode appends v to b in the form of all bodies: compact, with no escapes for HTML.
func encode(b *bytes.Buffer, v any) error {
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	b.Truncate(b.Len() - 1) // the line end
	return nil
}

// quoted returns a string as JSON.
func quoted(s string) []byte {
	var b bytes.Buffer
	_ = encode(&b, s) // a string can be encoded
	return b.Bytes()
}

// appendString appends a string as encode writes it.
func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return append(b, quoted(s)...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}
