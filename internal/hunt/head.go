package hunt

import (
	"bytes"
	"io"
)

// A Head keeps what was read first, so that [ColumnsOf] can find the header of a log of which the rest was read since.
type Head struct {
	R    io.Reader
	text []byte
	read bool
}

// headSize is how much of a log may be its header.
const headSize = 16 << 10

func (h *Head) Read(p []byte) (int, error) {
	n, err := h.R.Read(p)
	if !h.read && n > 0 {
		h.text, h.read = bytes.Clone(p[:min(n, headSize)]), true
	}
	return n, err
}

// Text returns what was read first.
func (h *Head) Text() []byte { return h.text }
