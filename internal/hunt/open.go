package hunt

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
	"golang.org/x/text/encoding/unicode"
)

// ErrBinary says that a file is no text.
var ErrBinary = errors.New("not a text file")

// sniffed is how much of a file tells what it is.
const sniffed = 4096

// Text returns the text that r holds: decompressed if it is gzip, zstd, bzip2 or xz, whatever its name, and as UTF-8 if it begins with a byte order mark of
// UTF-16. The error wraps [ErrBinary] for what is no text, unless any is set. close frees what the decompressor took; it does not close r.
func Text(r io.Reader, anything bool) (text io.Reader, closeText func(), err error) {
	closeText = func() {}
	for range 2 { // what is compressed twice by mistake
		in := bufio.NewReaderSize(r, 64<<10)
		head, err := in.Peek(8)
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, closeText, err
		}
		inner := closeText
		switch {
		case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
			z, err := gzip.NewReader(in)
			if err != nil {
				return nil, closeText, fmt.Errorf("gzip: %w", err)
			}
			r = named{z, "gzip"}
		case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
			z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(128<<20))
			if err != nil {
				return nil, closeText, fmt.Errorf("zstd: %w", err)
			}
			r, closeText = named{z, "zstd"}, func() { z.Close(); inner() }
		case bytes.HasPrefix(head, []byte("BZh")):
			r = named{bzip2.NewReader(in), "bzip2"}
		case bytes.HasPrefix(head, []byte{0xfd, '7', 'z', 'X', 'Z', 0}):
			z, err := xz.ReaderConfig{DictCap: 64 << 20}.NewReader(in)
			if err != nil {
				return nil, closeText, fmt.Errorf("xz: %w", err)
			}
			r = named{z, "xz"}
		case bytes.HasPrefix(head, []byte{0xff, 0xfe}), bytes.HasPrefix(head, []byte{0xfe, 0xff}):
			return unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder().Reader(in), closeText, nil
		default:
			if anything {
				return in, closeText, nil
			}
			// A pipe may give its first line and then wait, so only what is there is looked at.
			head, _ := in.Peek(max(in.Buffered(), 1))
			if looksBinary(head[:min(len(head), sniffed)]) {
				return nil, closeText, ErrBinary
			}
			return in, closeText, nil
		}
	}
	return r, closeText, nil
}

// looksBinary reports whether text begins like something else: with more than one byte in a hundred that is zero. A log of a machine that
// crashed may have some.
func looksBinary(head []byte) bool { return bytes.Count(head, []byte{0})*100 > len(head) }

// named says in errors what was read.
type named struct {
	io.Reader
	format string
}

func (n named) Read(p []byte) (int, error) {
	k, err := n.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = fmt.Errorf("%s: %w", n.format, err)
	}
	return k, err
}
