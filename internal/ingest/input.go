package ingest

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"bytes"
	"cmp"
	"compress/bzip2"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// Limits of inputs: an archive may hold archives, but not without end, and no
// single file may inflate beyond any use.
const (
	maxNesting  = 4
	maxInflated = 64 << 30 // bytes of one file out of an archive
	headSize    = 64 << 10 // bytes looked at to detect a format

	maxDictionary = 64 << 20 // bytes that xz may refer back; xz -9 needs as many
)

// A file is one thing to decode. Path names it for people: the path on disk,
// then "!" and the path in an archive for each nesting.
type file struct {
	Path string
	Head []byte // its first bytes, at most headSize
	Body io.Reader
}

// An inputError is about something that cannot be read at all.
type inputError struct {
	Path string
	Err  error
}

func (e *inputError) Error() string { return fmt.Sprintf("%s: %s", e.Path, reason(e.Err)) }

func (e *inputError) Unwrap() error { return e.Err }

// reason strips the path that the os package repeats.
func reason(err error) string {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err.Error()
	}
	return err.Error()
}

// inputs walks what the user named and calls take for every file in it, in
// order. A file that cannot be opened is given to fail, and the walk goes on.
type inputs struct {
	ctx   context.Context
	stdin io.Reader
	take  func(file) error
	fail  func(path string, err error) error
	read  func(n int) // told of bytes read from disk, for progress

	inflated int64 // bytes of one file out of an archive; 0 is maxInflated
	fetch    func(ctx context.Context, url string) (io.ReadCloser, error)
	// whole, if not nil, is given each input, and calls open unless it knows what is
	// in it.
	whole func(path string, body io.Reader, open func(io.Reader) error) error
}

// walk handles one argument: a path, a glob pattern, or "-".
func (in *inputs) walk(arg string) error {
	if arg == "-" {
		return in.input("-", in.stdin)
	}
	if in.fetch != nil && isAddress(arg) {
		body, err := in.fetch(in.ctx, arg)
		if err != nil {
			return err
		}
		return errors.Join(in.input(URLPath(arg), body), body.Close())
	}
	info, err := os.Stat(arg)
	if errors.Is(err, fs.ErrNotExist) && strings.ContainsAny(arg, "*?[") {
		matches, globErr := filepath.Glob(arg)
		if globErr != nil {
			return &inputError{arg, globErr}
		}
		if len(matches) == 0 {
			return &inputError{arg, errors.New("no file matches this pattern")}
		}
		for _, m := range matches {
			if err := in.walk(m); err != nil {
				return err
			}
		}
		return nil
	}
	if err != nil {
		return &inputError{arg, err}
	}
	if !info.IsDir() {
		return in.path(arg)
	}
	return in.folder(arg)
}

// folder reads every regular file below a folder, in order of names; hidden
// files and folders are passed over.
func (in *inputs) folder(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case in.ctx.Err() != nil:
			return in.ctx.Err()
		case err != nil:
			return in.fail(path, err)
		case path != dir && strings.HasPrefix(d.Name(), "."):
			if d.IsDir() {
				return filepath.SkipDir
			}
			return nil
		case !d.Type().IsRegular() && d.Type()&fs.ModeSymlink == 0 || d.IsDir():
			return nil
		}
		if d.Type()&fs.ModeSymlink != 0 {
			if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
				return nil
			}
		}
		return in.path(path)
	})
}

func (in *inputs) path(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return in.fail(path, err)
	}
	defer f.Close()
	return in.input(path, f)
}

// input reads one thing that was named.
func (in *inputs) input(path string, body io.Reader) error {
	if in.whole == nil {
		return in.open(path, body, 0)
	}
	return in.whole(path, body, func(r io.Reader) error { return in.open(path, r, 0) })
}

func isAddress(arg string) bool {
	return strings.HasPrefix(arg, "https://") || strings.HasPrefix(arg, "http://")
}

// URLPath names what an address leads to as a path does: host and path, without
// query and credentials.
func URLPath(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "address"
	}
	return u.Host + u.Path
}

// countingReader stops when the context ends, and tells of progress.
type countingReader struct {
	ctx  context.Context
	read func(n int) // may be nil
	r    io.Reader
}

func (c *countingReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.r.Read(p)
	if c.read != nil {
		c.read(n)
	}
	return n, err
}

// open looks at the first bytes: archives are entered, anything else is taken.
func (in *inputs) open(path string, r io.Reader, depth int) error {
	if depth == 0 {
		r = &countingReader{in.ctx, in.read, r}
	} else {
		r = &limitedReader{r: r, left: cmp.Or(in.inflated, maxInflated), most: cmp.Or(in.inflated, maxInflated)}
	}
	br := bufio.NewReaderSize(r, headSize)
	head, err := br.Peek(headSize)
	if err != nil && !errors.Is(err, io.EOF) {
		return in.fail(path, err)
	}
	if depth > maxNesting {
		return in.fail(path, fmt.Errorf("archives are nested more than %d deep", maxNesting))
	}
	switch {
	case bytes.HasPrefix(head, []byte("\x1f\x8b")):
		z, err := gzip.NewReader(br)
		if err != nil {
			return in.fail(path, err)
		}
		defer z.Close()
		return in.open(strings.TrimSuffix(path, ".gz"), z, depth+1)
	case bytes.HasPrefix(head, []byte("\x28\xb5\x2f\xfd")):
		z, err := zstd.NewReader(br, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(256<<20))
		if err != nil {
			return in.fail(path, err)
		}
		defer z.Close()
		return in.open(strings.TrimSuffix(path, ".zst"), z, depth+1)
	case bytes.HasPrefix(head, []byte("BZh")):
		return in.open(strings.TrimSuffix(path, ".bz2"), bzip2.NewReader(br), depth+1)
	case bytes.HasPrefix(head, []byte("\xfd7zXZ\x00")):
		if n := xzWindow(head); n > maxDictionary {
			return in.fail(path, fmt.Errorf("xz: needs a dictionary of %d MiB; at most %d are given", n>>20, maxDictionary>>20))
		}
		z, err := xz.NewReader(br)
		if err != nil {
			return in.fail(path, err)
		}
		return in.open(strings.TrimSuffix(path, ".xz"), z, depth+1)
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return in.zip(path, br, depth)
	case len(head) > 262 && string(head[257:262]) == "ustar":
		return in.tar(path, br, depth)
	}
	if isUTF16(head) {
		// Decoders read UTF-8.
		br = bufio.NewReaderSize(transform.NewReader(br, unicode.UTF16(order(head), unicode.UseBOM).NewDecoder()), headSize)
		if head, err = br.Peek(headSize); err != nil && !errors.Is(err, io.EOF) {
			return in.fail(path, err)
		}
	}
	return in.take(file{Path: path, Head: head, Body: br})
}

// isUTF16 reports whether a text is in UTF-16: by its byte order mark, or, without
// one, because one byte of each of the first pairs is zero.
func isUTF16(head []byte) bool {
	if bytes.HasPrefix(head, []byte{0xff, 0xfe}) || bytes.HasPrefix(head, []byte{0xfe, 0xff}) {
		return true
	}
	if len(head) < 8 {
		return false
	}
	zeros := [2]int{}
	pairs := min(len(head)/2, 64)
	for i := range 2 * pairs {
		if head[i] == 0 {
			zeros[i%2]++
		}
	}
	return zeros[0] == 0 && zeros[1] >= pairs*9/10 || zeros[1] == 0 && zeros[0] >= pairs*9/10
}

// order returns the order of bytes of a text in UTF-16 without a mark.
func order(head []byte) unicode.Endianness {
	if head[0] == 0 {
		return unicode.BigEndian
	}
	return unicode.LittleEndian
}

// xzWindow returns how many bytes the first block of an xz file wants to refer
// back, as its filter LZMA2 states it (The .xz File Format 1.2, 5.3.1); 0 if
// the block has another first filter. The reader allots what the file asks for.
func xzWindow(head []byte) uint64 {
	const block = 12 // the header of the stream
	if len(head) < block+8 {
		return 0
	}
	i := block + 2
	for _, sized := range []byte{0x40, 0x80} { // compressed and uncompressed size, if they are there
		if head[block+1]&sized != 0 {
			for i < len(head) && head[i]&0x80 != 0 {
				i++
			}
			i++
		}
	}
	if i+2 >= len(head) || head[i] != 0x21 {
		return 0
	}
	bits := uint64(head[i+2] & 0x3f)
	if bits >= 40 {
		return 1<<32 - 1
	}
	return (2 | bits&1) << (bits/2 + 11)
}

func (in *inputs) tar(path string, r io.Reader, depth int) error {
	t := tar.NewReader(r)
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return in.fail(path, err)
		}
		if h.Typeflag != tar.TypeReg || hidden(h.Name) {
			continue
		}
		if err := in.open(path+"!"+h.Name, t, depth+1); err != nil {
			return err
		}
	}
}

// zip needs to read from the end, so what is no file on disk goes to a
// temporary one.
func (in *inputs) zip(path string, r io.Reader, depth int) (err error) {
	tmp, err := os.CreateTemp("", "dossier-*.zip")
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, tmp.Close(), os.Remove(tmp.Name()))
	}()
	size, err := io.Copy(tmp, r)
	if err != nil {
		return in.fail(path, err)
	}
	z, err := zip.NewReader(tmp, size)
	if err != nil {
		return in.fail(path, err)
	}
	files := slices.Clone(z.File)
	slices.SortFunc(files, func(a, b *zip.File) int { return strings.Compare(a.Name, b.Name) })
	for _, f := range files {
		if f.FileInfo().IsDir() || hidden(f.Name) {
			continue
		}
		if err := in.zipEntry(path, f, depth); err != nil {
			return err
		}
	}
	return nil
}

func (in *inputs) zipEntry(path string, f *zip.File, depth int) error {
	name := path + "!" + f.Name
	if f.Flags&1 != 0 {
		return in.fail(name, errors.New("encrypted; unpack it with its password first"))
	}
	body, err := f.Open()
	if err != nil {
		return in.fail(name, err)
	}
	defer body.Close()
	return in.open(name, body, depth+1)
}

func hidden(path string) bool {
	for part := range strings.SplitSeq(path, "/") {
		if strings.HasPrefix(part, ".") && part != "." && part != ".." || part == "__MACOSX" {
			return true
		}
	}
	return false
}

// limitedReader fails, rather than ends, when too much comes out of an archive.
type limitedReader struct {
	r          io.Reader
	left, most int64
}

func (l *limitedReader) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, fmt.Errorf("more than %d MiB come out of the archive", l.most>>20)
	}
	if int64(len(p)) > l.left {
		p = p[:l.left]
	}
	n, err := l.r.Read(p)
	l.left -= int64(n)
	return n, err
}
