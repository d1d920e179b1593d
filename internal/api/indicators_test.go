package api

import (
	"bytes"
	"testing"

	"dossier/internal/store"
)

// FuzzIndicator holds the bytes of an indicator to what encoding/json writes of it.
func FuzzIndicator(f *testing.F) {
	f.Add("a.example", "", "", "")
	f.Add("dXJsJCRodHRwOi8vYS5leGFtcGxlLz9hPWImYz08ZD4=", "url", "http://a.example/?a=b&c=<d>", "2026-01-02T03:04:05.006Z")
	f.Add("quote\" \\ back\u2028\x7f\x00\xff", "é", "\t", "x")
	f.Fuzz(func(t *testing.T, id, kind, value, last string) {
		w := store.WireIndicator{
			ODataType: "#microsoft.graph.security.intelligenceProfileIndicator", ID: value, Source: kind, FirstSeen: last,
			Artifact: store.WireArtifact{ODataType: id, ID: id, Kind: kind, Value: value},
		}
		if last != "" {
			w.LastSeen = &last
		}
		var want bytes.Buffer
		if err := encode(&want, w); err != nil {
			t.Fatal(err)
		}
		if got := appendIndicator(nil, w); !bytes.Equal(got, want.Bytes()) {
			t.Errorf("got  %s\nwant %s", got, &want)
		}
	})
}
