package store

import (
	"encoding/binary"
	"math"
	"slices"
)

// MaxMarks is how many lines of one sighting are told apart.
const MaxMarks = 1024

// Marks are hashes of lines, of which each counts once however often it is read: from a log, from the same log when it was rotated or compressed, or from a
// shipper that sends it again. Up to [MaxMarks] all are kept and the number is exact. Beyond, the smallest are: they stand for a known part of all that
// there are, so that the number is estimated (k minimum values, Bar-Yossef and others 2002, with a standard error of 3 in 100), and the union of two
// is still that of what they stand for.
//
// Marks are in order, each once, after settle.
type Marks []uint64

// Add takes in a line.
func (m *Marks) Add(mark uint64) {
	*m = append(*m, mark)
	if len(*m) >= 2*MaxMarks {
		m.settle()
	}
}

func (m *Marks) settle() {
	slices.Sort(*m)
	*m = slices.Compact(*m)
	if len(*m) > MaxMarks {
		*m = (*m)[:MaxMarks]
	}
}

// Count returns how many lines there are, and whether that is an estimate.
func (m *Marks) Count() (n int64, estimated bool) {
	m.settle()
	if len(*m) < MaxMarks {
		return int64(len(*m)), false
	}
	part := float64((*m)[MaxMarks-1]) / math.MaxUint64
	return int64(math.Round((MaxMarks - 1) / part)), true
}

// bytes is the form in the database.
func (m *Marks) bytes() []byte {
	m.settle()
	out := make([]byte, 0, 8*len(*m))
	for _, x := range *m {
		out = binary.BigEndian.AppendUint64(out, x)
	}
	return out
}

func (m *Marks) read(b []byte) {
	for ; len(b) >= 8; b = b[8:] {
		*m = append(*m, binary.BigEndian.Uint64(b))
	}
}
