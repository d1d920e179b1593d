package lists

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"dossier/internal/intel"
)

// repeated reads s over and over, n bytes of it.
type repeated struct {
	s    string
	at   int
	left int
}

func (r *repeated) Read(p []byte) (int, error) {
	if r.left <= 0 {
		return 0, io.EOF
	}
	n := 0
	for n < len(p) && n < r.left {
		c := copy(p[n:min(len(p), r.left)], r.s[r.at:])
		r.at = (r.at + c) % len(r.s)
		n += c
	}
	r.left -= n
	return n, nil
}

type tally struct{ observations, rejects int }

func (t *tally) Record(*intel.Record) error           { return nil }
func (t *tally) Observation(*intel.Observation) error { t.observations++; return nil }
func (*tally) Article(*intel.Article) error           { return nil }
func (*tally) Pattern(*intel.Pattern) error           { return nil }
func (t *tally) Reject(intel.Reject)                  { t.rejects++ }

// TestHostile reads bodies that are made to hurt: in bounded time and memory, and
// with an error or a reject where something is not taken.
func TestHostile(t *testing.T) {
	const mebibyte = 1 << 20
	usual := 4 * mebibyte
	if testing.Short() {
		usual = mebibyte
	}
	for _, tt := range []struct {
		name, begin, body, path string
		fails                   bool
		size                    int // 0 is 4 MiB
	}{
		{"deep lists of JSON", `{"urls":`, "[", "", true, 0},
		{"deep objects of JSON", "", `{"a":`, "", true, 0},
		{"a string without end", `{"url":"`, "x", "", true, 18 * mebibyte},
		{"a million empty objects", "[{\"url\":\"http://example-one.com/\"}", ",{}", "", true, 0},
		{"the same key for ever", `{"url":"http://example-one.com/"`, `,"a":1`, "", true, 0},
		{"other keys for ever", `{"url":"http://example-one.com/"`, `,"a":[1],"b":{}`, "", true, 0},
		{"one line", "", "example-one.com ", "", false, 0},
		{"brackets", "example-one.com\n", "([{", "", false, 0},
		{"quotes", "value,type\nexample-one.com,domain\n", "\"", "x.csv", false, 0},
		{"separators", "value,type\nexample-one.com,domain\n", ",", "x.csv", false, 0},
		{"tags", "<html>", "<td>", "x.html", false, 0},
		{"a tag without end", "<html>", "<a href='", "x.html", true, 0},
		{"elements", `<ioc xmlns="http://schemas.mandiant.com/2010/ioc">`, "<a>", "x.ioc", true, 0},
		{"table cells", "", "|", "x.md", false, 0},
		{"dots", "example-one.com\n", "a.b.c.d[.]", "", false, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			var sink tally
			began := time.Now()
			body := io.MultiReader(strings.NewReader(tt.begin), &repeated{s: tt.body, left: cmp.Or(tt.size, usual)})
			_, err := Decode(context.Background(), body, Options{Path: tt.path}, &sink)
			took := time.Since(began)
			runtime.ReadMemStats(&after)
			var syntax *intel.SyntaxError
			if err != nil && !errors.As(err, &syntax) || (err != nil) != tt.fails {
				t.Errorf("error %v", err)
			}
			if grown := int64(after.Sys) - int64(before.Sys); grown > 200<<20 {
				t.Errorf("memory grew by %d MiB", grown>>20)
			}
			t.Logf("%v, %d MiB more of the system, %+v, %v", took.Round(time.Millisecond), (after.Sys-before.Sys)>>20, sink, err)
		})
	}
}

// BenchmarkHead tells the format of beginnings that are made to hurt.
func BenchmarkHead(b *testing.B) {
	for _, s := range []string{"(", "a.b", "||a", "1.2.3.4-", "alert tcp [", "<", "{\"a\":", "[[", ",;|\t", "\"", "a@", "://", "-A x -s ", "#\n", "x$y,"} {
		head := bytes.Repeat([]byte(s), headSize/len(s))
		b.Run(s, func(b *testing.B) {
			for b.Loop() {
				Why(head, "")
			}
		})
	}
}
