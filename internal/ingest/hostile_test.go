package ingest

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// repeated is a file made of a beginning, a part that comes often, and an end.
type repeated struct {
	name        string
	begin, part string
	times       int
	end         string
}

func (f repeated) write(dir string) error {
	out, err := os.Create(filepath.Join(dir, f.name))
	if err != nil {
		return err
	}
	_, err = io.WriteString(out, f.begin)
	chunk := max(1, 1<<16/len(f.part))
	for left := f.times; left > 0 && err == nil; left -= chunk {
		_, err = io.WriteString(out, strings.Repeat(f.part, min(left, chunk)))
	}
	if err == nil {
		_, err = io.WriteString(out, f.end)
	}
	if cerr := out.Close(); err == nil {
		err = cerr
	}
	return err
}

// hostileJSON wraps what is hostile as the formats that are JSON have their entries.
func hostileJSON(what repeated) (files []repeated) {
	for _, form := range []struct{ name, begin, end string }{
		{"stix.json", `{"type":"bundle","id":"bundle--11111111-1111-4111-8111-111111111111","objects":[`, "]}"},
		{"misp.json", `{"Event":{"uuid":"aaaaaaaa-0000-4000-8000-000000000001","info":"x","date":"2026-01-02","Attribute":[`, "]}}"},
		{"galaxy.json", `{"name":"X","type":"threat-actor","uuid":"7cdff317-a673-4474-84ec-4f1754947823","version":1,"values":[`, "]}"},
		{"list.json", "[", "]"},
		{"graph.json", `{"@odata.context":"https://graph.microsoft.com/v1.0/$metadata#security/threatIntelligence/intelProfiles","value":[`, "]}"},
	} {
		files = append(files, repeated{form.name, form.begin + what.begin, what.part, what.times, what.end + form.end})
	}
	return files
}

// TestHostileFiles holds that files that are made to hurt end in an error, or are
// read with their entries counted as rejected, in memory that is bounded; and that
// a good file beside them is read.
func TestHostileFiles(t *testing.T) {
	const mb = 1 << 20
	for _, what := range []struct {
		repeated
		heap int64 // what it may take, in MB
	}{
		{repeated{"a million empty objects", "{}", ",{}", 1_000_000, ""}, 320},
		{repeated{"deep lists", "", "[", 4 * mb, ""}, 128},
		{repeated{"deep objects", "", `{"a":`, mb / 4, ""}, 400}, // most of it is stack
		{repeated{"a huge string", `{"type":"indicator","value":"`, "aaaaaaaa", mb, `"}`}, 128},
		{repeated{"a huge key", `{"`, "aaaaaaaa", mb, `":1}`}, 160},
		{repeated{"duplicate keys", `{"type":"indicator"`, `,"type":"indicator","value":"a.contoso.com"`, 50_000, "}"}, 128},
		{repeated{"a number without end", `{"value":`, "1234567890", mb / 4, "}"}, 128},
		{repeated{"an object with many keys", `{"k":1`, `,"k0":[{}]`, 200_000, "}"}, 128},
	} {
		t.Run(what.name, func(t *testing.T) {
			dir := t.TempDir()
			for _, f := range hostileJSON(what.repeated) {
				if what.times == 1_000_000 && f.name != "stix.json" {
					f.times /= 50 // of the others none keeps anything of what it has read
				}
				if err := f.write(dir); err != nil {
					t.Fatal(err)
				}
			}
			write(t, dir, map[string]string{"zz.txt": "good.contoso.com\n"})
			im := newImporter(t)
			runtime.GC()
			before := heapInUse()
			peak := watchHeap()
			res := load(t, im, Options{}, dir)
			grown := (peak() - before) / mb
			told := ""
			for _, f := range res.Files {
				told += fmt.Sprintf("%s: %d new, %d rejected, %s%s\n", filepath.Base(f.Path), f.Counts.Indicators.New, f.Counts.Indicators.Rejected, f.Error, f.Skipped)
				if f.Error == "" && f.Skipped == "" && f.Counts.Indicators.Read+f.Counts.Records.Read == 0 {
					t.Errorf("%s: nothing is told of it", f.Path)
				}
			}
			if testing.Verbose() {
				t.Logf("%d MB\n%s", grown, told)
			}
			if grown > what.heap {
				t.Errorf("the heap grew by %d MB", grown)
			}
			if n := res.Files[len(res.Files)-1].Counts.Indicators.New; n != 1 {
				t.Errorf("the good file: %d indicators", n)
			}
		})
	}
}
