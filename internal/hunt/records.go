package hunt

import (
	"bytes"
	"io"
	"strings"
)

// Records makes lines of what log shippers send as JSON: the elements of one array, and objects that follow each other without a line feed between them
// (Fluent Bit's formats json and json_stream, Vector's codec json). Each comes on a line of its own as soon as its last byte is there. What begins like something
// else is handed through as it is.
func Records(r io.Reader) io.Reader { return &records{r: r} }

type records struct {
	r       io.Reader
	begun   bool
	array   bool   // elements of one array; else objects behind each other
	through bool   // no JSON: as it is
	head    []byte // what was read before it was known what it is
	out     []byte // what is to be handed out
	err     error

	depth  int
	quoted bool
	escape bool
	raw    bool // the rest of the line is no JSON
	ended  bool // an object has just ended: what separates it from the next was told already
	buf    [16 << 10]byte
	made   []byte // that out is a part of
}

func (s *records) Read(p []byte) (int, error) {
	for {
		switch {
		case len(s.out) > 0:
			n := copy(p, s.out)
			s.out = s.out[n:]
			return n, nil
		case s.err != nil:
			return 0, s.err
		case s.through:
			return s.r.Read(p)
		}
		n, err := s.r.Read(s.buf[:])
		in := s.buf[:n]
		s.err = err
		if !s.begun {
			s.head = append(s.head, in...)
			if !s.begin(s.head) {
				if s.err == nil {
					continue
				}
				s.through = true
			}
			in, s.head = s.head, nil
		}
		if s.through {
			s.out = in
			continue
		}
		s.made = s.split(s.made[:0], in)
		s.out = s.made
	}
}

// begin looks at the first bytes and reports whether they tell what comes.
func (s *records) begin(in []byte) bool {
	text := bytes.TrimLeft(in, " \t\r\n")
	if len(text) == 0 {
		return s.lost(in)
	}
	switch text[0] {
	case '{':
	case '[':
		inner := bytes.TrimLeft(text[1:], " \t\r\n")
		if len(inner) == 0 {
			return s.lost(in)
		}
		// A time in brackets begins many logs.
		if s.array = strings.IndexByte(`{["]`, inner[0]) >= 0; !s.array {
			s.through = true
		}
	default:
		s.through = true
	}
	s.begun = true
	return true
}

// lost gives up where nothing but white space comes: no shipper begins so.
func (s *records) lost(in []byte) bool {
	if len(in) > 1024 {
		s.begun, s.through = true, true
	}
	return s.begun
}

// split appends what was read, in lines, to out.
func (s *records) split(out, in []byte) []byte {
	for _, c := range in {
		if c == '\n' && !s.array {
			// A record has no raw line feed in it: what is open there is broken, and the next line begins anew.
			if !s.ended {
				out = append(out, c)
			}
			s.depth, s.quoted, s.escape, s.raw, s.ended = 0, false, false, false, false
			continue
		}
		switch {
		case s.raw:
		case s.escape:
			s.escape = false
		case s.quoted:
			switch c {
			case '\\':
				s.escape = true
			case '"':
				s.quoted = false
			case '\n':
				c = ' '
			}
		default:
			switch c {
			case '"':
				s.quoted = true
			case '{', '[':
				if s.depth++; s.array && s.depth == 1 {
					continue
				}
			case '}', ']':
				s.depth--
				switch {
				case s.array && s.depth <= 0:
					s.depth, s.array, s.ended = 0, false, true
					if c == '}' { // of nothing
						out = append(out, c)
					}
					out = append(out, '\n')
					continue
				case !s.array && s.depth == 0:
					out = append(out, c, '\n')
					s.ended = true
					continue
				}
			case ',':
				if s.array && s.depth == 1 {
					out = append(out, '\n')
					continue
				}
			case ' ', '\t', '\r', '\n':
				if s.array && s.depth <= 1 || s.ended {
					continue
				}
				if c == '\n' {
					c = ' '
				}
			}
			if s.depth <= 0 && !s.array && !s.quoted && c != '{' && c != '[' {
				s.raw, s.depth = true, 0
			}
		}
		s.ended = false
		out = append(out, c)
	}
	return out
}
