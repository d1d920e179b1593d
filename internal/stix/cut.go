package stix

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"

	"dossier/internal/intel"
)

// maxObject bounds one object in a file, and so the window over the file.
const maxObject = 64 << 20

// place is where something stands in the file.
type place struct {
	off  int64 // bytes from the beginning
	line int   // 1-based
	col  int   // 1-based, in bytes
}

// within returns the place of raw[i], where raw begins at p.
func (p place) within(raw []byte, i int) place {
	before := raw[:i]
	if n := bytes.Count(before, []byte{'\n'}); n > 0 {
		return place{p.off + int64(i), p.line + n, i - bytes.LastIndexByte(before, '\n')}
	}
	return place{p.off + int64(i), p.line, p.col + i}
}

func (p place) syntax(msg string) *intel.SyntaxError {
	return &intel.SyntaxError{Line: p.line, Column: p.col, Offset: p.off, Msg: msg}
}

// cutter cuts a stream into raw objects without decoding them: it knows strings,
// escapes and brackets, and nothing else; the objects are checked by whoever
// decodes them. It holds a window of the file that grows to the largest object.
type cutter struct {
	ctx  context.Context
	r    io.Reader
	emit func(raw []byte, at place) error // raw is valid during the call

	buf  []byte // the window
	pos  int    // next byte to read
	keep int    // bytes from here on must stay in the window
	eof  bool

	seen place // place of buf[counted]
	upTo int
}

func newCutter(ctx context.Context, r io.Reader, emit func([]byte, place) error) *cutter {
	return &cutter{ctx: ctx, r: r, emit: emit, buf: make([]byte, 0, 1<<18), seen: place{0, 1, 1}}
}

// at returns the place of buf[i]; calls must not go back.
func (c *cutter) at(i int) place {
	if i > c.upTo {
		c.seen = c.seen.within(c.buf[c.upTo:i], i-c.upTo)
		c.upTo = i
	}
	return c.seen
}

func (c *cutter) syntax(i int, msg string) error { return c.at(i).syntax(msg) }

// fill reads more, moving what must be kept to the front; it returns by how
// much indices have shrunk. At the end of the file it sets eof.
func (c *cutter) fill() (shift int, err error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	if c.keep > 0 {
		shift = c.keep
		c.at(shift)
		n := copy(c.buf, c.buf[shift:])
		c.buf = c.buf[:n]
		c.pos -= shift
		c.keep = 0
		c.upTo -= shift
	}
	if len(c.buf) == cap(c.buf) {
		if cap(c.buf) >= maxObject {
			return shift, c.syntax(c.upTo, fmt.Sprintf("object larger than %d MiB", maxObject>>20))
		}
		grown := make([]byte, len(c.buf), 2*cap(c.buf))
		copy(grown, c.buf)
		c.buf = grown
	}
	for range 100 {
		n, err := c.r.Read(c.buf[len(c.buf):cap(c.buf)])
		c.buf = c.buf[:len(c.buf)+n]
		if err == io.EOF {
			c.eof = true
			return shift, nil
		}
		if n > 0 || err != nil {
			return shift, err
		}
	}
	return shift, io.ErrNoProgress
}

// peek passes over white space and returns the next byte, 0 at the end.
// Windows outside a value are not kept.
func (c *cutter) peek() (byte, error) {
	for {
		for ; c.pos < len(c.buf); c.pos++ {
			switch b := c.buf[c.pos]; b {
			case ' ', '\t', '\n', '\r':
			default:
				return b, nil
			}
		}
		if c.eof {
			return 0, nil
		}
		if _, err := c.fill(); err != nil {
			return 0, err
		}
	}
}

// value passes over one value and returns where it begins and ends in buf.
func (c *cutter) value() (from, to int, err error) {
	if _, err := c.peek(); err != nil {
		return 0, 0, err
	}
	from = c.pos
	i, depth := from, 0
	more := func() error {
		if c.eof {
			return c.syntax(len(c.buf), "unexpected end of the file")
		}
		shift, err := c.fill()
		from, i = from-shift, i-shift
		return err
	}
	for {
		if i >= len(c.buf) {
			if depth == 0 && i > from && c.eof {
				break // a bare word at the end
			}
			if err := more(); err != nil {
				return 0, 0, err
			}
			continue
		}
		switch b := c.buf[i]; b {
		case '"':
			end := stringEnd(c.buf[i+1:])
			if end < 0 {
				if err := more(); err != nil {
					return 0, 0, err
				}
				continue
			}
			i += 1 + end
		case '{', '[':
			depth++
			i++
		case '}', ']':
			if depth == 0 {
				c.pos = i
				return from, i, nil
			}
			depth--
			i++
		case ',', ':', ' ', '\t', '\n', '\r':
			if depth == 0 {
				c.pos = i
				return from, i, nil
			}
			i++
			continue
		default:
			i++
			continue
		}
		if depth == 0 {
			break
		}
	}
	c.pos = i
	return from, i, nil
}

// stringEnd returns the index after the closing quote, -1 if it is not there.
func stringEnd(b []byte) int {
	for i := 0; ; {
		n := bytes.IndexByte(b[i:], '"')
		if n < 0 {
			return -1
		}
		i += n
		slashes := 0
		for slashes < i && b[i-1-slashes] == '\\' {
			slashes++
		}
		i++
		if slashes%2 == 0 {
			return i
		}
	}
}

// run cuts the whole stream.
func (c *cutter) run() error {
	for len(c.buf) < 3 && !c.eof {
		if _, err := c.fill(); err != nil {
			return err
		}
	}
	if bytes.HasPrefix(c.buf, []byte("\xef\xbb\xbf")) {
		c.pos = 3
	}
	for values := 0; ; values++ {
		c.keep = c.pos
		b, err := c.peek()
		for err == nil && b == 0x1e { // record separator of RFC 7464
			c.pos++
			b, err = c.peek()
		}
		if err != nil {
			return err
		}
		switch b {
		case 0:
			if c.pos < len(c.buf) {
				return c.syntax(c.pos, "expected an object or a list, found a zero byte")
			}
			if values == 0 {
				return c.syntax(c.pos, "the file is empty")
			}
			return nil
		case '{':
			err = c.object()
		case '[':
			err = c.list()
		default:
			err = c.syntax(c.pos, "expected an object or a list")
		}
		if err != nil {
			return err
		}
	}
}

// list emits every element of a list, from its opening bracket.
func (c *cutter) list() error {
	c.pos++
	for first := true; ; first = false {
		c.keep = c.pos
		b, err := c.peek()
		if err != nil {
			return err
		}
		if b == ']' && first {
			c.pos++
			return nil
		}
		c.keep = c.pos
		from, to, err := c.value()
		if err != nil {
			return err
		}
		if from == to {
			return c.syntax(c.pos, "expected a value")
		}
		if err := c.emit(c.buf[from:to], c.at(from)); err != nil {
			return err
		}
		c.keep = c.pos
		switch b, err = c.peek(); {
		case err != nil:
			return err
		case b == ',':
			c.pos++
		case b == ']':
			c.pos++
			return nil
		case b == 0 && c.pos == len(c.buf):
			return c.syntax(c.pos, "unexpected end of the file")
		default:
			return c.syntax(c.pos, "expected , or ]")
		}
	}
}

// object walks a top-level object, from its opening brace. If it has a list
// "objects", it is a bundle or a TAXII envelope, and the elements are emitted;
// otherwise it is emitted itself.
func (c *cutter) object() error {
	c.keep = c.pos
	c.pos++
	envelope := false
	for first := true; ; first = false {
		if envelope {
			c.keep = c.pos
		}
		b, err := c.peek()
		if err != nil {
			return err
		}
		switch {
		case b == '}' && first:
			return c.endObject(envelope)
		case b == 0 && c.pos == len(c.buf):
			return c.syntax(c.pos, "unexpected end of the file")
		case b != '"':
			return c.syntax(c.pos, "expected a member")
		}
		from, to, err := c.value()
		if err != nil {
			return err
		}
		isObjects := string(c.buf[from:to]) == `"objects"`
		if envelope {
			if err := c.check(from, to); err != nil {
				return err
			}
		}
		if b, err = c.peek(); err != nil {
			return err
		}
		if b != ':' {
			return c.syntax(c.pos, "expected :")
		}
		c.pos++
		if b, err = c.peek(); err != nil {
			return err
		}
		if isObjects && b == '[' {
			if !envelope {
				// Nobody else will look at what stands before the list.
				if err := c.checkHead(); err != nil {
					return err
				}
			}
			envelope = true
			err = c.list()
		} else {
			err = c.member(envelope)
		}
		if err != nil {
			return err
		}
		switch b, err = c.peek(); {
		case err != nil:
			return err
		case b == ',':
			c.pos++
		case b == '}':
			return c.endObject(envelope)
		case b == 0 && c.pos == len(c.buf):
			return c.syntax(c.pos, "unexpected end of the file")
		default:
			return c.syntax(c.pos, "expected , or }")
		}
	}
}

// member passes over the value of a member; in an envelope nobody else will
// look at it, so it is checked here.
func (c *cutter) member(envelope bool) error {
	from, to, err := c.value()
	if err != nil {
		return err
	}
	if from == to {
		return c.syntax(from, "expected a value")
	}
	if envelope {
		return c.check(from, to)
	}
	return nil
}

// check reports what is wrong with the value buf[from:to].
func (c *cutter) check(from, to int) error {
	raw := c.buf[from:to]
	r := jsonReader{b: raw}
	if r.skip(); r.err == "" {
		r.end()
	}
	if r.err != "" {
		return c.at(from).within(raw, r.i).syntax(r.err)
	}
	return nil
}

// checkHead checks an object from its opening brace to the list at pos, as if
// it ended there.
func (c *cutter) checkHead() error {
	head := append(slices.Clone(c.buf[c.keep:c.pos]), "[]}"...)
	r := jsonReader{b: head}
	if r.skip(); r.err != "" {
		return c.at(c.keep).within(head, r.i).syntax(r.err)
	}
	return nil
}

func (c *cutter) endObject(envelope bool) error {
	c.pos++
	if envelope {
		return nil
	}
	return c.emit(c.buf[c.keep:c.pos], c.at(c.keep))
}
