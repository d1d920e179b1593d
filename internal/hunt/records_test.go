package hunt

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestRecords(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"", ""},
		{"a line\nanother\n", "a line\nanother\n"},
		{"[2026-03-01 10:00:00] a line\n", "[2026-03-01 10:00:00] a line\n"}, // no array
		{"[]", "\n"},
		{`[{"a":1},{"b":"x,y]}\"{"}]`, "{\"a\":1}\n{\"b\":\"x,y]}\\\"{\"}\n"},
		{"[\n {\"a\":\n 1},\n {\"b\":[1,{}]}\n]\n", "{\"a\":  1}\n{\"b\":[1,{}]}\n"},
		{`["one","two"]`, "\"one\"\n\"two\"\n"},
		{`{"a":1}{"b":{"c":[2]}}`, "{\"a\":1}\n{\"b\":{\"c\":[2]}}\n"},
		{"{\"a\":1}\n{\"b\":2}\r\n{\"c\":3}", "{\"a\":1}\n{\"b\":2}\n{\"c\":3}\n"},
		{"{\"a\":1}\n\n{\"b\":2}\n", "{\"a\":1}\n\n{\"b\":2}\n"},
		{"{\"a\":\"broken\n{\"b\":2}\n", "{\"a\":\"broken\n{\"b\":2}\n"},                                                   // the next line begins anew
		{"{\"a\":1}\nplain \"text { in it\n{\"b\":2}{\"c\":3}", "{\"a\":1}\nplain \"text { in it\n{\"b\":2}\n{\"c\":3}\n"}, // a mixed log
		{"[", "["},
		{"  [ ", "  [ "},
	} {
		for name, r := range map[string]io.Reader{"at once": strings.NewReader(tt.in), "by bytes": iotest.OneByteReader(strings.NewReader(tt.in))} {
			got, err := io.ReadAll(Records(r))
			if err != nil || string(got) != tt.want {
				t.Errorf("%q %s: %q, %v; want %q", tt.in, name, got, err, tt.want)
			}
		}
		got, err := io.ReadAll(iotest.OneByteReader(Records(strings.NewReader(tt.in))))
		if err != nil || string(got) != tt.want {
			t.Errorf("%q into one byte: %q, %v; want %q", tt.in, got, err, tt.want)
		}
	}
}

// FuzzRecords: nothing that could be part of a value is lost or added, and what is an array of objects comes as they are, one a line.
func FuzzRecords(f *testing.F) {
	f.Add([]byte(`[{"a":"evil.com"},{"b":1}]`), 3)
	f.Add([]byte("{\"a\":1}{\"b\":2}\nx"), 1)
	f.Fuzz(func(t *testing.T, in []byte, step int) {
		read := func(step int) []byte {
			var r io.Reader = bytes.NewReader(in)
			if step > 0 {
				r = &stepReader{r, step%7 + 1}
			}
			got, err := io.ReadAll(Records(r))
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		got := read(0)
		if other := read(step & 0xff); !bytes.Equal(got, other) {
			t.Errorf("%q gives %q, and %q in small steps", in, got, other)
		}
		kept := func(b []byte) []byte {
			return bytes.Map(func(r rune) rune {
				if strings.ContainsRune(" \t\r\n,[]", r) {
					return -1
				}
				return r
			}, b)
		}
		if !bytes.Equal(kept(got), kept(in)) {
			t.Errorf("%q gives %q", in, got)
		}
		var list []map[string]any
		if json.Unmarshal(in, &list) != nil || len(list) == 0 {
			return
		}
		lines := bytes.Split(bytes.TrimSpace(got), []byte("\n"))
		if len(lines) != len(list) {
			t.Fatalf("%q gives %d lines, want %d: %q", in, len(lines), len(list), got)
		}
		for i, line := range lines {
			var one map[string]any
			if err := json.Unmarshal(line, &one); list[i] != nil && err != nil {
				t.Errorf("line %d of %q: %v", i, got, err)
			}
		}
	})
}

// stepReader gives few bytes at once.
type stepReader struct {
	r    io.Reader
	step int
}

func (s *stepReader) Read(p []byte) (int, error) { return s.r.Read(p[:min(len(p), s.step)]) }
