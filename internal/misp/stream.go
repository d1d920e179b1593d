package misp

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"dossier/internal/intel"
)

// A stream reads JSON token by token and can say where it stopped.
type stream struct {
	*json.Decoder
	in *lineCounter
}

// newStream reads UTF-8, and UTF-16 that begins with a byte order mark.
func newStream(r io.Reader) *stream {
	in := &lineCounter{r: transform.NewReader(r, unicode.BOMOverride(encoding.Nop.NewDecoder()))}
	s := &stream{json.NewDecoder(in), in}
	s.UseNumber()
	return s
}

// value reads the next value, if it is not too large.
func (s *stream) value(v any) error {
	before := s.InputOffset()
	s.in.limit = before + MaxObject
	err := s.Decode(v)
	s.in.limit = 0
	return err
}

// skip passes over the next value, however large.
func (s *stream) skip() error {
	for depth := 0; ; {
		t, err := s.Token()
		if err != nil {
			return err
		}
		switch t {
		case json.Delim('['), json.Delim('{'):
			depth++
		case json.Delim(']'), json.Delim('}'):
			depth--
		}
		if depth == 0 {
			return nil
		}
	}
}

// elements calls f before each element of an array whose bracket is next, and f
// reads the element. A value of another kind is passed over.
func (s *stream) elements(f func(i int) error) error {
	t, err := s.Token()
	if err != nil {
		return err
	}
	switch t {
	case json.Delim('['):
	case json.Delim('{'):
		return s.rest(func(string) error { return s.skip() })
	default:
		return nil
	}
	for i := 0; s.More(); i++ {
		if err := f(i); err != nil {
			return err
		}
	}
	_, err = s.Token()
	return err
}

// rest calls f for each key of an object whose opening brace is read, and f
// reads the value.
func (s *stream) rest(f func(key string) error) error {
	for s.More() {
		t, err := s.Token()
		if err != nil {
			return err
		}
		key, ok := t.(string)
		if !ok {
			return &intel.SyntaxError{Offset: s.InputOffset(), Msg: "want a key"}
		}
		if err := f(key); err != nil {
			return err
		}
	}
	_, err := s.Token()
	return err
}

// explain turns an error of the JSON decoder into one with a position; others
// it returns as they are.
func (s *stream) explain(err error) error {
	var syntax *json.SyntaxError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errTooLarge):
		return s.in.at(s.InputOffset(), fmt.Sprintf("an object of more than %d MiB", MaxObject>>20))
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return s.in.at(s.in.n, "the text ends in the middle of a value")
	case errors.As(err, &syntax):
		return s.in.at(s.culprit(syntax), syntax.Error())
	}
	return err
}

// culprit returns the offset of the byte that cannot be there. The decoder
// counts only the bytes of values that it has decoded whole, not of the tokens
// between them; so the value that it has stopped in is scanned again.
func (s *stream) culprit(err *json.SyntaxError) int64 {
	start := s.InputOffset()
	var again *json.SyntaxError
	if errors.As(json.NewDecoder(s.Buffered()).Decode(new(json.RawMessage)), &again) {
		return start + max(again.Offset-1, 0)
	}
	return err.Offset
}

var errTooLarge = errors.New("object too large")

// A lineCounter passes bytes through and remembers where the last lines begin.
type lineCounter struct {
	r      io.Reader
	n      int64          // bytes read
	lines  int            // newlines among them
	starts [1 << 14]int64 // of line i+2 at i mod len
	limit  int64          // 0 is none
}

func (c *lineCounter) Read(p []byte) (int, error) {
	if c.limit > 0 && c.n >= c.limit {
		return 0, errTooLarge
	}
	n, err := c.r.Read(p)
	for i, b := range p[:n] {
		if b == '\n' {
			c.starts[c.lines%len(c.starts)] = c.n + int64(i) + 1
			c.lines++
		}
	}
	c.n += int64(n)
	return n, err
}

// at returns an error about the byte at offset, with line and column if its line
// is among those remembered.
func (c *lineCounter) at(offset int64, msg string) *intel.SyntaxError {
	e := &intel.SyntaxError{Offset: offset, Msg: msg}
	for i := c.lines - 1; i >= 0 && i >= c.lines-len(c.starts); i-- {
		if start := c.starts[i%len(c.starts)]; start <= offset {
			e.Line, e.Column = i+2, int(offset-start)+1
			return e
		}
	}
	if c.lines <= len(c.starts) {
		e.Line, e.Column = 1, int(offset)+1
	}
	return e
}
