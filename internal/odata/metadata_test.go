package odata

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"testing"
)

func TestWriteMetadata(t *testing.T) {
	var b bytes.Buffer
	if err := WriteMetadata(&b, testSchema); err != nil {
		t.Fatal(err)
	}
	const file = "testdata/metadata.xml"
	if *update {
		if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b.Bytes(), want) {
		t.Errorf("$metadata differs from %s; run with -update and read the diff", file)
	}
	for d := xml.NewDecoder(&b); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

func TestWriteMetadataErrors(t *testing.T) {
	stray := &Type{Name: "ns.stray", Kind: EntityType}
	complexType := &Type{Name: "ns.c", Kind: ComplexType}
	with := func(p Property) Schema {
		return Schema{Types: []*Type{{Name: "ns.a", Properties: []Property{p}}, complexType}}
	}
	for _, tt := range []struct {
		schema Schema
		want   string
	}{
		{Schema{Types: []*Type{{Name: "a"}}}, `schema: the name "a" has no namespace`},
		{Schema{Types: []*Type{{Name: "ns."}}}, `schema: the name "ns." has no namespace`},
		{Schema{Types: []*Type{{Name: "ns.a"}}, Enums: []*Enum{{Name: "ns.a"}}}, `schema: the name "ns.a" is there twice`},
		{Schema{Types: []*Type{{Name: "ns.a", Base: stray}}}, `schema: the base "ns.stray" of "ns.a" is not listed`},
		{with(Property{Name: "p", Type: stray}), `schema: the type "ns.stray" of "p" in "ns.a" is not listed`},
		{with(Property{Name: "p", Enum: &Enum{Name: "ns.e"}}), `schema: the type "ns.e" of "p" in "ns.a" is not listed`},
		{with(Property{Name: "p", Type: complexType, Navigation: true}), `schema: "p" in "ns.a" leads to no entity`},
		{Schema{Container: Container{Name: "ns.s", Sets: []Root{{"x", stray}}}}, `schema: the type of "x" is not listed`},
	} {
		if err := WriteMetadata(io.Discard, tt.schema); err == nil || err.Error() != tt.want {
			t.Errorf("%v, want %s", err, tt.want)
		}
	}
	if err := WriteMetadata(brokenWriter{}, testSchema); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("the error of the writer is lost: %v", err)
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }
