package stix

import (
	"encoding/json"
	"strings"
	"testing"
)

// FuzzJSON: our reader takes exactly what encoding/json takes, and reads the
// same strings.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{
		`{}`, `[]`, `[1,-0.5e+3,true,false,null,"x"]`, `{"a":{"b":[]},}`, `[1,]`, `"\ud83d\ude00\ud83d"`, `"\u00e9\/\b"`, "\"\xff\"", `01`, `1.`, `"a` + "\n" + `"`,
		`{"a" 1}`, `{"a":1 "b":2}`, `[1 2]`, `tru`, ` {"a": "b"} x`, `{"objects":[{"id":"\\\""}]}`, `-`, `"\x"`, `[,1]`, `{,"a":1}`, "0\x00",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if strings.Count(s, "[")+strings.Count(s, "{") >= maxJSONDepth {
			return
		}
		r := jsonReader{b: []byte(s)}
		if r.skip(); r.err == "" {
			r.end()
		}
		if (r.err == "") != json.Valid([]byte(s)) {
			t.Fatalf("%q: err %q at %d, but valid is %t", s, r.err, r.i, json.Valid([]byte(s)))
		}
		var want string
		if r.err != "" || json.Unmarshal([]byte(s), &want) != nil || strings.TrimSpace(s) == "null" {
			return
		}
		r = jsonReader{b: []byte(s)}
		if got := unescape(r.str()); got != want {
			t.Errorf("%s: read %q, want %q", s, got, want)
		}
	})
}
