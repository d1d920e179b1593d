package publish

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"io"
)

// A Change is what a list has lost and gained, in lines.
type Change struct {
	Before, After, Gone, New int
}

// Share returns how much of the former list has changed, in percent. A list that
// was empty has changed wholly if it is not any more.
func (c Change) Share() float64 {
	switch {
	case c.Gone+c.New == 0:
		return 0
	case c.Before == 0:
		return 100
	}
	return 100 * float64(c.Gone+c.New) / float64(c.Before)
}

// Compare compares two texts line by line, whatever the order. It keeps 8 bytes
// and a little more for each distinct line of the former.
func Compare(before, after io.Reader) (Change, error) {
	var c Change
	have := map[uint64]int{}
	err := eachLine(before, func(h uint64) {
		c.Before++
		have[h]++
	})
	if err != nil {
		return c, err
	}
	err = eachLine(after, func(h uint64) {
		c.After++
		if have[h] == 0 {
			c.New++
			return
		}
		have[h]--
	})
	for _, n := range have {
		c.Gone += n
	}
	return c, err
}

func eachLine(r io.Reader, f func(hash uint64)) error {
	b := bufio.NewReaderSize(r, 64<<10)
	h := sha256.New()
	open := false
	for {
		piece, err := b.ReadSlice('\n')
		if len(piece) > 0 {
			h.Write(piece)
			open = true
		}
		if err == bufio.ErrBufferFull {
			continue
		}
		if open {
			f(binary.BigEndian.Uint64(h.Sum(nil)))
			h.Reset()
			open = false
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
