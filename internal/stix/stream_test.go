package stix

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"dossier/internal/intel"

	"github.com/google/go-cmp/cmp"
)

// flock is a file with something of everything, over many lines.
func flock() string {
	return bundle(
		heron,
		object("malware", 3, `"name":"Grey Egg","is_family":true,"description":"A backdoor.(Citation: Reed 2019)\n\nIt waits. \u00e9 \"x\" \\"`),
		object("campaign", 2, `"name":"Operation Reed","first_seen":"2018-01-01T00:00:00Z"`),
		object("attack-pattern", 8, `"name":"Wading","kill_chain_phases":[{"kill_chain_name":"mitre-attack","phase_name":"impact"}]`),
		relationship(6, "uses", id("intrusion-set", 1), id("malware", 3)),
		relationship(7, "attributed-to", id("campaign", 2), id("intrusion-set", 1)),
		indicate(4, "a.contoso.com", ""),
		object("indicator", 9, `"pattern":"[file:hashes.MD5 = '`+sumMD5+`' AND file:name = 'egg.exe']"`),
		object("indicator", 10, `"pattern":"[domain-name:value LIKE 'x%']"`),
		relationship(11, "indicates", id("indicator", 9), id("campaign", 2)),
		object("x-unknown", 12, `"deep":[[{"a":[1,2.5e3,null,true]}]]`),
	)
}

// lineOf returns the line and the column of a byte.
func lineOf(text string, at int) (line, col int) {
	before := text[:at]
	return 1 + strings.Count(before, "\n"), at - strings.LastIndexByte(before, '\n')
}

// TestTruncated: cut anywhere, a file is an error at its end, and gives nothing.
func TestTruncated(t *testing.T) {
	for name, text := range map[string]string{
		"a bundle":   flock(),
		"a list":     "[" + heron + ",\n" + flock() + "]",
		"lines":      strings.ReplaceAll(heron, " ", "") + "\n" + flock(),
		"an object":  heron,
		"blanks too": strings.ReplaceAll(flock(), ",", " ,\n  "),
	} {
		c, _ := decode(t, text, Options{})
		if len(c.Records) == 0 {
			t.Fatalf("%s: no records of the whole", name)
		}
		ends := map[int]bool{} // where a part of it is whole
		if name == "lines" {
			ends[strings.IndexByte(text, '\n')] = true
			ends[strings.IndexByte(text, '\n')+1] = true
		}
		for at := 1; at < len(text); at++ {
			if at%50 != 0 && at < len(text)-60 && at > 60 || ends[at] {
				continue
			}
			c := &collector{}
			_, err := Decode(t.Context(), strings.NewReader(text[:at]), Options{}, c)
			var bad *intel.SyntaxError
			if !errors.As(err, &bad) {
				t.Fatalf("%s, cut at %d: %v", name, at, err)
			}
			if len(c.Records)+len(c.Observations)+len(c.Rejects) > 0 {
				t.Errorf("%s, cut at %d: something was emitted", name, at)
			}
			line, col := lineOf(text, int(bad.Offset))
			if bad.Line != line || bad.Column != col || bad.Offset > int64(at) {
				t.Errorf("%s, cut at %d: %v at byte %d, which is line %d, column %d", name, at, err, bad.Offset, line, col)
			}
		}
	}
}

// TestSyntaxErrors: where and what, and nothing of the objects before is given.
func TestSyntaxErrors(t *testing.T) {
	for _, tt := range []struct{ in, want string }{ // § stands before the place of the error
		{`§`, "the file is empty"},
		{" \n §", "the file is empty"},
		{`§hello`, "expected an object or a list"},
		{`§"hello"`, "expected an object or a list"},
		{"§\x00", "expected an object or a list, found a zero byte"},
		{heron + ` §x`, "expected an object or a list"},
		{heron + ` §]`, "expected an object or a list"},
		{`[` + heron + ` §` + heron + `]`, "expected , or ]"},
		{`[` + heron + `,§]`, "expected a value"},
		{`[§,` + heron + `]`, "expected a value"},
		{`[` + heron + ",\n§flase]", "expected a value"},
		{`{"type":"bundle","objects":[` + heron + `],§}`, "expected a member"},
		{`{"type":"bundle","objects":[` + heron + `] §"id":1}`, "expected , or }"},
		{`{"type":"bundle","objects":[` + heron + `],"id":§oops}`, "expected a value"},
		{`{"type":"bundle","objects":[` + heron + `],"id":{"a":0§1x}}`, "expected , or }"},
		{`{"type":"bundle","objects":[` + heron + `],"a§\x":1}`, "malformed escape in a string"},
		{`{"type":§bundle,"objects":[` + heron + `]}`, "expected a value"}, // before the list
		{"{\"a\":{\"b\":[1,§]},\n\"objects\":[" + heron + `]}`, "expected a value after ,"},
		{`{"type":§,"objects":[` + heron + `]}`, "expected a value"},
		{`{"type" §"bundle"}`, "expected :"},
		{`{§type:"bundle"}`, "expected a member"},
		{bundle(heron, `{"type":"tool","id":"x" §"name":"y"}`), "expected , or }"},
		{bundle(heron, `{"type":"tool",§}`), "expected a value after ,"},
		{bundle(heron, `{"type":"tool","name":"a§`+"\x01"+`"}`), "control character in a string"},
		{bundle(heron, `{"type":"tool","name":"§\u12"}`), "malformed escape in a string"},
		{bundle(heron, `{"x":-§}`), "malformed number"},
		{bundle(heron, `§nul`), "expected a value"},
		{bundle(heron, `{"x":`+strings.Repeat("[", maxJSONDepth-1)+"§"+strings.Repeat("[", 5)+strings.Repeat("]", maxJSONDepth+4)+`}`), "nested too deeply"},
		{bundle(heron, `{"x":[§}]`), "expected a value"}, // brackets that do not match
	} {
		at := strings.Index(tt.in, "§")
		text := strings.Replace(tt.in, "§", "", 1)
		c := &collector{}
		_, err := Decode(t.Context(), strings.NewReader(text), Options{}, c)
		var bad *intel.SyntaxError
		if !errors.As(err, &bad) {
			t.Errorf("%.60q: %v", tt.in, err)
			continue
		}
		line, col := lineOf(text, at)
		if bad.Msg != tt.want || bad.Line != line || bad.Column != col || bad.Offset != int64(at) {
			t.Errorf("%q:\n got %v (byte %d)\nwant line %d, column %d: %s (byte %d)", tt.in, err, bad.Offset, line, col, tt.want, at)
		}
		if len(c.Records)+len(c.Observations)+len(c.Rejects) > 0 {
			t.Errorf("%.60q: something was emitted", tt.in)
		}
	}
}

// TestFirstError: of several errors the first is reported, however many workers
// there are.
func TestFirstError(t *testing.T) {
	var objects []string
	for i := range 3000 {
		objects = append(objects, object("malware", i, `"name":"M","is_family":true,"description":"`+strings.Repeat("x", 400)+`"`))
	}
	objects[1200] = `{"type":"tool" "first"}`
	objects[2900] = `{"type":"tool" "second"}`
	text := bundle(objects...)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for _, n := range []int{1, 2, 4} {
		runtime.GOMAXPROCS(n)
		for range 5 {
			_, err := Decode(t.Context(), strings.NewReader(text), Options{}, &collector{})
			var bad *intel.SyntaxError
			if !errors.As(err, &bad) || bad.Line != 1201 {
				t.Fatalf("%d processors: %v, want line 1201", n, err)
			}
		}
	}
}

// TestChunks: it makes no difference in what pieces a file comes.
func TestChunks(t *testing.T) {
	text := "\xef\xbb\xbf" + flock() + "\n" + strings.Replace(flock(), "Quiet", "Loud", 1)
	want, ds := decode(t, text, Options{})
	for name, r := range map[string]io.Reader{
		"bytes":           iotest.OneByteReader(strings.NewReader(text)),
		"halves":          iotest.HalfReader(strings.NewReader(text)),
		"data with EOF":   iotest.DataErrReader(strings.NewReader(text)),
		"some empty ones": &stutter{r: strings.NewReader(text)},
	} {
		got := &collector{}
		again, err := Decode(t.Context(), r, Options{}, got)
		if err != nil || again != ds {
			t.Errorf("%s: %+v, %v", name, again, err)
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(collector{})); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	own := errors.New("the disk's")
	c := &collector{}
	if _, err := Decode(t.Context(), io.MultiReader(strings.NewReader(text), iotest.ErrReader(own)), Options{}, c); err != own || len(c.Records) > 0 {
		t.Errorf("a reader that fails: %v, %d records", err, len(c.Records))
	}
	if _, err := Decode(t.Context(), &stutter{}, Options{}, c); err != io.ErrNoProgress {
		t.Errorf("a reader that never reads: %v", err)
	}
}

// stutter reads nothing every other time, or, without r, never anything.
type stutter struct {
	r io.Reader
	n int
}

func (s *stutter) Read(p []byte) (int, error) {
	if s.n++; s.r == nil || s.n%2 == 0 {
		return 0, nil
	}
	return s.r.Read(p[:min(len(p), 100)])
}

// TestLargeObjects: an object larger than the window is read, and one beyond the
// limit is an error that says so.
func TestLargeObjects(t *testing.T) {
	big := object("tool", 2, `"name":"Big","description":"`+strings.Repeat("long ", 300_000)+`"`)
	c, _ := decode(t, bundle(heron, big, object("tool", 3, `"name":"Last"`)), Options{})
	if len(c.Records) != 3 || len(c.Records[1].Description) < 1_400_000 || c.Records[2].Title != "Last" {
		t.Errorf("%d records", len(c.Records))
	}
	var bad *intel.SyntaxError
	endless := io.MultiReader(strings.NewReader("[\n"+heron+",\n{\"type\":\"tool\",\"name\":\""), io.LimitReader(zeroes('x'), maxObject+1))
	if _, err := Decode(t.Context(), endless, Options{}, &collector{}); !errors.As(err, &bad) || bad.Line != 3 || !strings.Contains(bad.Msg, "64 MiB") {
		t.Errorf("%v, want line 3: object larger than 64 MiB", err)
	}
}

type zeroes byte

func (z zeroes) Read(p []byte) (int, error) {
	copy(p, bytes.Repeat([]byte{byte(z)}, len(p)))
	return len(p), nil
}

// canceller cancels after some calls.
type canceller struct {
	collector
	cancel func()
	left   int
}

func (c *canceller) Record(r *intel.Record) error {
	if c.left--; c.left == 0 {
		c.cancel()
	}
	return c.collector.Record(r)
}

func (c *canceller) Observation(o *intel.Observation) error {
	if c.left--; c.left == 0 {
		c.cancel()
	}
	return c.collector.Observation(o)
}

// TestCancelled: a context that ends while the sink is given things ends the
// decoding soon, wherever in the file they stand.
func TestCancelled(t *testing.T) {
	for _, kind := range []string{"records", "observations"} {
		// Things stand at odd places only.
		var objects []string
		for i := range 3000 {
			thing := object("malware", i, `"name":"M","is_family":true`)
			if kind == "observations" {
				thing = indicate(i, fmt.Sprintf("d%d.contoso.com", i), "")
			}
			objects = append(objects, object("identity", i, `"name":"I"`), thing)
		}
		ctx, cancel := context.WithCancel(t.Context())
		c := &canceller{cancel: cancel, left: 10}
		_, err := Decode(ctx, strings.NewReader(bundle(objects...)), Options{}, c)
		if n := len(c.Records) + len(c.Observations); err != context.Canceled || n > 300 {
			t.Errorf("%s: %v after %d", kind, err, n)
		}
	}
	// And while reading.
	ctx, cancel := context.WithCancel(t.Context())
	c := &collector{}
	_, err := Decode(ctx, io.MultiReader(strings.NewReader("["+heron), readerFunc(func(p []byte) (int, error) {
		cancel()
		return copy(p, " "), nil
	})), Options{}, c)
	if err != context.Canceled || len(c.Records) > 0 {
		t.Errorf("while reading: %v, %d records", err, len(c.Records))
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// failing fails at one kind of call.
type failing struct {
	collector
	observations bool
	err          error
}

func (f *failing) Record(r *intel.Record) error {
	if !f.observations {
		return f.err
	}
	return f.collector.Record(r)
}

func (f *failing) Observation(*intel.Observation) error { return f.err }

// TestSinkErrors: the sink's errors come back as they are, at once.
func TestSinkErrors(t *testing.T) {
	own := errors.New("the sink's")
	for _, observations := range []bool{false, true} {
		s := &failing{observations: observations, err: own}
		if _, err := Decode(t.Context(), strings.NewReader(flock()), Options{}, s); err != own {
			t.Errorf("observations %t: %v", observations, err)
		}
		if observations != (len(s.Records) == 4) {
			t.Errorf("observations %t: %d records before", observations, len(s.Records))
		}
	}
}

// TestSameEverywhere: everything that comes out, in order, is the same on one
// processor and on several.
func TestSameEverywhere(t *testing.T) {
	var objects []string
	for i := range 4000 {
		objects = append(objects,
			object("malware", i, fmt.Sprintf(`"name":"M%d","is_family":true,"aliases":["A%d","B%d"],"first_seen":"0001-01-01T00:00:00Z"`, i%70, i%7, i%11)),
			indicate(i, fmt.Sprintf("d%d.contoso.com", i), fmt.Sprintf(`"created_by_ref":%q`, id("identity", i%3))),
			relationship(i, "indicates", id("indicator", i), id("malware", i)))
	}
	for i := range 3 {
		objects = append(objects, object("identity", i, fmt.Sprintf(`"name":"Team %d","identity_class":"organization"`, i)))
	}
	text := bundle(objects...)
	want, ds := decode(t, text, Options{})
	if len(want.Records) != 4000 || len(want.Observations) != 4000 || len(want.Rejects) != 4000 {
		t.Fatalf("%d records, %d observations, %d rejects", len(want.Records), len(want.Observations), len(want.Rejects))
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for _, n := range []int{1, 2, 3} {
		runtime.GOMAXPROCS(n)
		got, again := decode(t, text, Options{})
		if asJSON(t, got) != asJSON(t, want) || again != ds {
			t.Errorf("%d processors: something differs; %+v, %+v", n, ds, again)
		}
	}
}
