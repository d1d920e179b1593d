package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"dossier/internal/testcorpus"
)

// TestDeterministic makes the catalogue twice: the bytes are the same, and they
// are those that are embedded.
func TestDeterministic(t *testing.T) {
	corpus := testcorpus.Path(t)
	make := func() []byte {
		sections, err := gather(t.Context(), corpus)
		if err != nil {
			t.Fatal(err)
		}
		data, err := encode(sections)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	first := make()
	if !bytes.Equal(first, make()) {
		t.Error("the same files gave other bytes")
	}
	embedded, err := os.ReadFile(filepath.Join("..", "catalog.ndjson.zst"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first, embedded) {
		t.Errorf("the embedded catalogue (%d bytes) is not what the files give (%d bytes): run go run ./catalog/generate", len(embedded), len(first))
	}
}

func TestSubjectsAreFound(t *testing.T) {
	for _, tt := range []struct{ rel, want string }{
		{"volexity/2018/2018-06-07 - Patchwork APT Group Targets US Think Tanks/indicators/indicators.csv", "Patchwork"},
		{"eset/ramsay/misp-ramsay.json", "Ramsay"},
		{"eset/other/x.json", ""},
	} {
		var list []subject
		list = append(append(list, volexitySubjects...), esetSubjects...)
		if got, _ := subjectOf(list, tt.rel); got.name != tt.want {
			t.Errorf("%s is about %q, want %q", tt.rel, got.name, tt.want)
		}
	}
}
