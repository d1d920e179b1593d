package hunt

import (
	"bytes"
	"context"
	"errors"
	"io"
	"runtime"
	"sync"
)

const (
	block   = 256 << 10 // bytes that a worker takes at once
	maxLine = 1 << 20   // longer lines are looked at piece by piece
)

// ReadOptions say how to read.
type ReadOptions struct {
	Workers  int         // at once; 0: as many as there are processors
	Live     bool        // answer after each read, however little it gives: pipes and growing files
	Progress func(int64) // told of bytes read, now and then, by one goroutine at a time; may be nil
}

// A Found line is a [Line] in a stream.
type Found struct {
	Line
	Number int64 // of the line, from 1
	At     int64 // offset of the line in the stream, or of the piece of it, if it is longer than 1 MiB
	Piece  bool  // the text is not the whole line
}

// Read yields the lines of r that hold indicators, in order, one at a time, until r ends or yield returns an error. It returns the number of
// bytes and lines read. What was read before an error of r is looked at. Memory is bounded by the workers: a block each, or a long line.
func (m *Matcher) Read(ctx context.Context, r io.Reader, o ReadOptions, yield func(*Found) error) (size, lines int64, err error) {
	workers := o.Workers
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	if o.Live {
		workers = 1
	}
	f := &feeder{r: r, live: o.Live, progress: o.Progress, ctx: ctx}
	d := &delivery{yield: yield}
	d.turn.L = &d.mu
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() { m.work(f, d) })
	}
	wg.Wait()
	err = d.err
	if err == nil && !errors.Is(f.err, io.EOF) {
		err = f.err
	}
	return d.bytes, d.lines, err
}

// work takes blocks until there are no more.
func (m *Matcher) work(f *feeder, d *delivery) {
	s := NewScanner(m)
	var b blockOf
	b.grow(block)
	for f.next(&b) {
		var found []Found
		s.Scan(b.buf[:front+b.n+group], func(l Line) {
			found = append(found, Found{Line: l, Piece: b.piece && (l.Offset == 0 || l.Offset+len(l.Text) >= b.n)})
		})
		if !d.deliver(&b, found) {
			f.stop()
			return
		}
	}
}

// A blockOf the stream: n bytes behind the padding.
type blockOf struct {
	buf   []byte
	n     int
	seq   int
	piece bool // begins or ends inside a line
}

// A feeder cuts a stream into blocks of whole lines. The workers take turns, each reading what it is going to look at.
type feeder struct {
	mu       sync.Mutex
	ctx      context.Context
	r        io.Reader
	live     bool
	progress func(int64)
	rest     []byte // of the last block, behind its last line feed
	seq      int
	inLine   bool // the last block ended inside a line
	err      error
}

func (f *feeder) stop() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		f.err = io.EOF
	}
}

// next reads the next block and reports whether there is one.
func (f *feeder) next(b *blockOf) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		f.err = f.ctx.Err()
	}
	if f.err != nil && (len(f.rest) == 0 || f.ctx.Err() != nil) {
		return false
	}
	n := copy(b.buf[front:len(b.buf)-group], f.rest)
	if n < len(f.rest) {
		b.grow(len(f.rest))
		n = copy(b.buf[front:len(b.buf)-group], f.rest)
	}
	cut := -1
	for f.err == nil {
		room := b.buf[front+n : len(b.buf)-group]
		if len(room) == 0 {
			if cut = bytes.LastIndexByte(b.buf[front:front+n], '\n') + 1; cut > 0 {
				break
			}
			if n >= maxLine {
				cut = pieceEnd(b.buf[front : front+n])
				break
			}
			b.grow(maxLine)
			continue
		}
		k, err := f.r.Read(room)
		n += k
		if f.progress != nil {
			f.progress(int64(k))
		}
		if err != nil {
			f.err = err
		} else if f.live {
			if i := bytes.LastIndexByte(room[:k], '\n'); i >= 0 {
				cut = n - k + i + 1
				break
			}
		}
	}
	if cut <= 0 {
		cut = n // the end
	}
	f.rest = append(f.rest[:0], b.buf[front+cut:front+n]...)
	b.n = cut
	copy(b.buf[front+cut:], newlines[:])
	b.seq = f.seq
	f.seq++
	b.piece = f.inLine
	f.inLine = cut > 0 && b.buf[front+cut-1] != '\n' && f.err == nil
	b.piece = b.piece || f.inLine
	return cut != 0
}

func (b *blockOf) grow(n int) {
	if front+n+group <= len(b.buf) {
		return
	}
	bigger := make([]byte, front+n+group)
	copy(bigger, b.buf)
	b.buf = bigger
	copy(b.buf, newlines[:])
}

// pieceEnd returns where a line that is too long can be cut so that no value is: behind the last white space or quote, else behind the last byte that is in no
// name, if there is one in the last quarter.
func pieceEnd(b []byte) int {
	for _, is := range []func(byte) bool{hardEnd, func(c byte) bool { return !isWord(c) && c != '%' && c != ':' && c != '/' && c != '\\' }} {
		for i := len(b) - 1; i > len(b)*3/4; i-- {
			if is(b[i]) {
				return i + 1
			}
		}
	}
	return len(b)
}

// A delivery puts what the workers find in order.
type delivery struct {
	mu           sync.Mutex
	turn         sync.Cond
	next         int
	yield        func(*Found) error
	bytes, lines int64
	err          error
}

// deliver waits until all blocks before this one are delivered. It reports whether to go on.
func (d *delivery) deliver(b *blockOf, found []Found) bool {
	text := b.buf[front : front+b.n]
	count := int64(bytes.Count(text, []byte{'\n'}))
	if b.n > 0 && text[b.n-1] != '\n' && !b.piece {
		count++ // a last line without its end
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for d.next != b.seq && d.err == nil {
		d.turn.Wait()
	}
	defer d.turn.Broadcast()
	d.next++
	if d.err != nil {
		return false
	}
	number, from := d.lines+1, 0
	for i := range found {
		f := &found[i]
		number += int64(bytes.Count(text[from:f.Offset], []byte{'\n'}))
		from = f.Offset
		f.Number, f.At = number, d.bytes+int64(f.Offset)
		if d.err = d.yield(f); d.err != nil {
			return false
		}
	}
	d.bytes += int64(b.n)
	d.lines += count
	return true
}
