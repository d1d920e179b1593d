package hunt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

func TestRead(t *testing.T) {
	list := samples(t)
	m := compile(t, list)
	// Lines of many lengths, some far longer than a block, with a value at the end of every seventh.
	var text bytes.Buffer
	var want []string
	for i := range 20000 {
		n := i * 7919 % 300
		if i%5000 == 4999 {
			n = 3 << 20
		}
		text.WriteString(strings.Repeat("ab c", n/4))
		if i%7 == 0 {
			o := list[i%len(list)]
			text.WriteString(" " + o.Value)
			want = append(want, fmt.Sprint(i+1, o.Value))
		}
		text.WriteByte('\n')
	}
	for _, tt := range []struct {
		name string
		r    func() io.Reader
		o    ReadOptions
	}{
		{"plain", func() io.Reader { return bytes.NewReader(text.Bytes()) }, ReadOptions{}},
		{"one worker", func() io.Reader { return bytes.NewReader(text.Bytes()) }, ReadOptions{Workers: 1}},
		{"eight workers, odd reads", func() io.Reader { return iotest.HalfReader(bytes.NewReader(text.Bytes())) }, ReadOptions{Workers: 8}},
		{"live", func() io.Reader { return iotest.DataErrReader(bytes.NewReader(text.Bytes())) }, ReadOptions{Live: true}},
	} {
		var got []string
		size, lines, err := m.Read(context.Background(), tt.r(), tt.o, func(f *Found) error {
			for _, m := range f.Matches {
				got = append(got, fmt.Sprint(f.Number, m.Observable.Value))
			}
			if !f.Piece && !bytes.Equal(text.Bytes()[f.At:][:len(f.Text)], f.Text) {
				t.Errorf("%s: line %d is not at %d", tt.name, f.Number, f.At)
			}
			return nil
		})
		if err != nil || size != int64(text.Len()) || lines != 20000 {
			t.Errorf("%s: %d bytes, %d lines, %v", tt.name, size, lines, err)
		}
		if !equalUpToSubdomains(got, want) {
			t.Errorf("%s: found %d, want %d", tt.name, len(got), len(want))
		}
	}
}

// equalUpToSubdomains compares, allowing that a value brings along another one (the host of a URL).
func equalUpToSubdomains(got, want []string) bool {
	i := 0
	for _, g := range got {
		if i < len(want) && g == want[i] {
			i++
		}
	}
	return i == len(want)
}

func TestReadStops(t *testing.T) {
	m := compile(t, samples(t))
	text := strings.Repeat("evil.com\n", 200000)
	stop := errors.New("enough")
	n := 0
	if _, _, err := m.Read(context.Background(), strings.NewReader(text), ReadOptions{}, func(*Found) error {
		if n++; n == 3 {
			return stop
		}
		return nil
	}); !errors.Is(err, stop) || n != 3 {
		t.Errorf("%v after %d", err, n)
	}
	ctx, cancel := context.WithCancel(context.Background())
	if _, _, err := m.Read(ctx, strings.NewReader(text), ReadOptions{}, func(*Found) error { cancel(); return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("after cancel: %v", err)
	}
	// What stands before an error is found, and the error is told.
	broken := errors.New("broken")
	found := 0
	_, lines, err := m.Read(context.Background(), io.MultiReader(strings.NewReader("a\nevil.com\nevil.com"), iotest.ErrReader(broken)), ReadOptions{}, func(*Found) error { found++; return nil })
	if !errors.Is(err, broken) || found != 2 || lines != 3 {
		t.Errorf("%v, found %d in %d lines", err, found, lines)
	}
}

func TestReadLive(t *testing.T) {
	m := compile(t, samples(t))
	r, w := io.Pipe()
	got := make(chan time.Time, 1)
	go func() {
		_, _, _ = m.Read(context.Background(), r, ReadOptions{Live: true}, func(*Found) error { got <- time.Now(); return nil })
	}()
	for range 20 {
		sent := time.Now()
		if _, err := io.WriteString(w, "x evil.com\n"); err != nil {
			t.Fatal(err)
		}
		if d := (<-got).Sub(sent); d > 500*time.Millisecond { // 10 ms where the machine is idle
			t.Errorf("found after %v", d)
		}
	}
	w.Close()
}

func TestText(t *testing.T) {
	const line = "the line with evil.com in it\n"
	plain := strings.Repeat(line, 1000)
	var gz, zs bytes.Buffer
	for range 2 { // two members, as rotated logs are joined
		w := gzip.NewWriter(&gz)
		_, _ = io.WriteString(w, plain)
		w.Close()
		z, _ := zstd.NewWriter(&zs)
		_, _ = io.WriteString(z, plain)
		z.Close()
	}
	files := map[string]string{"plain": plain + plain, "gzip": gz.String(), "zstd": zs.String()}
	for _, tool := range []string{"bzip2", "xz"} {
		cmd := exec.Command(tool, "-c")
		cmd.Stdin = strings.NewReader(plain + plain)
		out, err := cmd.Output()
		if err != nil {
			t.Logf("%s is not there: %v", tool, err)
			continue
		}
		files[tool] = string(out)
	}
	utf16 := "\xff\xfe"
	for _, c := range plain + plain {
		utf16 += string([]byte{byte(c), 0})
	}
	files["utf-16"] = utf16
	for name, data := range files {
		r, done, err := Text(strings.NewReader(data), false)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got, err := io.ReadAll(r)
		done()
		if err != nil || strings.TrimPrefix(string(got), "\ufeff") != plain+plain {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
		if name == "plain" || name == "utf-16" {
			continue
		}
		// Cut short, what there is comes, then an error that says so.
		r, done, err = Text(strings.NewReader(data[:len(data)-9]), false)
		if err == nil {
			_, err = io.ReadAll(r)
		}
		done()
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s, cut short: %v", name, err)
		}
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(exe)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, _, err := Text(f, false); !errors.Is(err, ErrBinary) {
		t.Errorf("an executable: %v", err)
	}
}
