package lists

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"dossier/internal/intel"
	"dossier/internal/observable"
)

// eachLine calls f with every line, numbered from 1, without its ending and
// without what cannot be seen. A line of more than MaxLine bytes is rejected.
func (d *decoder) eachLine(f func(n int, line string) error) error {
	for n := 1; ; n++ {
		if n%1024 == 1 {
			if err := d.ctx.Err(); err != nil {
				return err
			}
		}
		line, long, err := readLine(d.in)
		if err != nil && err != io.EOF {
			return err
		}
		if err == io.EOF && len(line) == 0 && !long {
			return nil
		}
		if long {
			d.reject(n, "line too long", string(line))
		} else if ferr := f(n, clean(line)); ferr != nil {
			return ferr
		}
		if err == io.EOF {
			return nil
		}
	}
}

// readLine returns a line without its line feed; long tells that it was cut.
func readLine(in *bufio.Reader) (line []byte, long bool, err error) {
	for {
		part, err := in.ReadSlice('\n')
		if len(line)+len(part) <= MaxLine {
			line = append(line, part...)
		} else {
			long = true
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if !long {
			line = bytes.TrimSuffix(line, []byte("\n"))
		}
		return line, long, err
	}
}

// clean returns a line as text: valid UTF-8, no-break blanks as blanks, without
// zero-width characters, byte order marks and carriage returns.
func clean(line []byte) string {
	if !utf8.Valid(line) {
		line = repaired(line)
	}
	s := string(line)
	if strings.IndexFunc(s, odd) < 0 {
		return s
	}
	return strings.Map(func(r rune) rune {
		switch {
		case !odd(r):
			return r
		case r == 0xA0, r == '\v', r == '\f':
			return ' '
		}
		return -1
	}, s)
}

// repaired returns a line that is no UTF-8 with its foreign bytes replaced: the
// no-break blanks of Latin-1 and Mac Roman, which spreadsheets leave behind
// values, by blanks, and the others by U+FFFD.
func repaired(line []byte) []byte {
	out := make([]byte, 0, len(line)+8)
	for len(line) > 0 {
		r, n := utf8.DecodeRune(line)
		switch {
		case r != utf8.RuneError || n > 1:
			out = append(out, line[:n]...)
		case line[0] == 0xA0, line[0] == 0xCA:
			out = append(out, ' ')
		default:
			out = append(out, "\uFFFD"...)
		}
		line = line[n:]
	}
	return out
}

func odd(r rune) bool {
	switch r {
	case '\t':
		return false
	case 0xA0, 0xAD, 0xFEFF:
		return true
	}
	return r < ' ' || r >= 0x200B && r <= 0x200F || r >= 0x2060 && r <= 0x2064
}

func (d *decoder) reject(line int, reason, value string) {
	unit := d.unit
	if unit == "" {
		unit = "line"
	}
	d.sink.Reject(intel.Reject{Position: unit + " " + strconv.Itoa(line), Reason: reason, Sample: sample(value)})
}

// reason returns the countable part of an error about a value.
func reason(err error) string {
	var e *observable.Error
	if errors.As(err, &e) {
		return string(e.Reason)
	}
	return err.Error()
}

// sample returns s cut to 120 bytes at a character.
func sample(s string) string {
	const limit = 120
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= limit {
		return s
	}
	cut := limit
	for cut > limit-utf8.UTFMax && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut]
}

// note returns a text as one line of at most 200 bytes.
func note(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > 200 {
		s = sample(s) + "…"
	}
	return s
}

// whole reads the rest of the body, if it is not too large.
func (d *decoder) whole() ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(d.in, MaxFile+1))
	if err == nil && len(data) > MaxFile {
		err = &intel.SyntaxError{Offset: MaxFile, Msg: fmt.Sprintf("a file of more than %d MiB", MaxFile>>20)}
	}
	return data, err
}
