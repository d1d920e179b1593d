package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
	"golang.org/x/text/width"
)

// A terminal is standard output or standard error: colours, width and progress
// only where a person looks.
type terminal struct {
	f        *os.File
	isTerm   bool
	colour   bool
	progress bool // a progress line is on the screen
}

func newTerminal(f *os.File) *terminal {
	is := term.IsTerminal(int(f.Fd()))
	_, no := os.LookupEnv("NO_COLOR")
	return &terminal{f: f, isTerm: is, colour: is && !no && os.Getenv("TERM") != "dumb"}
}

// Write implements [io.Writer]; a progress line makes room.
func (t *terminal) Write(p []byte) (int, error) {
	t.clearProgress()
	return t.f.Write(p)
}

var _ io.Writer = (*terminal)(nil)

// columns returns the width of the screen, or 100 where there is none.
func (t *terminal) columns() int {
	if t.isTerm {
		if w, _, err := term.GetSize(int(t.f.Fd())); err == nil && w > 20 {
			return min(w, 140)
		}
	}
	return 100
}

// showProgress replaces the progress line, on a terminal only.
func (t *terminal) showProgress(text string) {
	if !t.isTerm {
		return
	}
	if w := t.columns() - 1; utf8.RuneCountInString(text) > w {
		text = string([]rune(text)[:w])
	}
	fmt.Fprint(t.f, "\r\x1b[K"+text)
	t.progress = true
}

func (t *terminal) clearProgress() {
	if t.progress {
		t.progress = false
		fmt.Fprint(t.f, "\r\x1b[K")
	}
}

// A colour is an SGR code.
type colour int

const (
	plain   colour = 0
	red     colour = 31
	green   colour = 32
	yellow  colour = 33
	magenta colour = 35
	cyan    colour = 36
	grey    colour = 90
)

func (t *terminal) paint(c colour, s string) string {
	if !t.colour || s == "" {
		return s
	}
	return fmt.Sprintf("\x1b[%dm%s\x1b[0m", c, s)
}

func (t *terminal) bold(c colour, s string) string {
	if !t.colour || s == "" {
		return s
	}
	return fmt.Sprintf("\x1b[1;%dm%s\x1b[0m", c, s)
}

// clean makes a text from a stranger safe to print: no control characters, no
// bidirectional overrides, one line.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\r', r == '\t':
			return ' '
		case r < 0x20, r == 0x7f, 0x80 <= r && r < 0xa0, r == utf8.RuneError,
			0x202a <= r && r <= 0x202e, 0x2066 <= r && r <= 0x2069, r == 0x200e, r == 0x200f:
			return -1
		}
		return r
	}, s)
}

// cells returns how many columns a text takes.
func cells(s string) int {
	n := 0
	for _, r := range s {
		switch width.LookupRune(r).Kind() {
		case width.EastAsianWide, width.EastAsianFullwidth:
			n += 2
		default:
			n++
		}
	}
	return n
}

// clip shortens a text to n columns.
func clip(s string, n int) string {
	if cells(s) <= n {
		return s
	}
	used, out := 0, ""
	for _, r := range s {
		w := cells(string(r))
		if used+w > n-1 {
			break
		}
		used += w
		out += string(r)
	}
	return out + "…"
}

// wrap breaks a text into lines of at most n columns, indented by the prefix
// from the second line on.
func wrap(s string, n int, indent string) string {
	var b strings.Builder
	col := 0
	for i, word := range strings.Fields(s) {
		w := cells(word)
		switch {
		case i == 0:
		case col+1+w > n:
			b.WriteString("\n" + indent)
			col = cells(indent)
		default:
			b.WriteByte(' ')
			col++
		}
		b.WriteString(word)
		col += w
	}
	return b.String()
}

// A table aligns columns; cells may be painted after alignment.
type table struct {
	t      *terminal
	rows   [][]string
	colour []colour
	max    []int // widest allowed, 0: no limit
	indent string
}

func (tb *table) add(cellsOfRow ...string) {
	for i := range cellsOfRow {
		cellsOfRow[i] = clean(cellsOfRow[i])
	}
	tb.rows = append(tb.rows, cellsOfRow)
}

func (tb *table) print(w io.Writer) {
	var widths []int
	for _, row := range tb.rows {
		for i, c := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			n := cells(c)
			if i < len(tb.max) && tb.max[i] > 0 {
				n = min(n, tb.max[i])
			}
			widths[i] = max(widths[i], n)
		}
	}
	for _, row := range tb.rows {
		var b strings.Builder
		b.WriteString(tb.indent)
		for i, c := range row {
			c = clip(c, widths[i])
			pad := ""
			if i < len(row)-1 {
				pad = strings.Repeat(" ", widths[i]-cells(c)+2)
			}
			if i < len(tb.colour) {
				c = tb.t.paint(tb.colour[i], c)
			}
			b.WriteString(c + pad)
		}
		fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
	}
}
