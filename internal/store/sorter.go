package store

import (
	"bufio"
	"cmp"
	"container/heap"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"dossier/internal/intel"
	"dossier/internal/observable"
)

// runRows is how many rows of evidence are sorted in memory. What is more goes
// to a file, in sorted runs of so many.
const runRows = 50_000

// A sorter puts the evidence of an input in the order of its key. Rows that are
// written in that order go to the ends of the indexes, or meet each page of
// them once; in the order of a file, whose keys are hashes, every row would meet
// another page. Memory is that of runRows rows, and of a buffer for each run.
type sorter struct {
	dir   string // where the file of runs is made
	limit int    // rows in memory; 0 is runRows
	rows  []evidence

	file *os.File // removed when it is made, where the system can
	at   int64
	runs []int64 // where each begins
}

func (s *sorter) add(e evidence) error {
	s.rows = append(s.rows, e)
	limit := s.limit
	if limit == 0 {
		limit = runRows
	}
	if len(s.rows) >= limit {
		return s.spill()
	}
	return nil
}

// empty reports whether there is nothing to write.
func (s *sorter) empty() bool { return len(s.rows) == 0 && len(s.runs) == 0 }

// close forgets everything and gives the file back.
func (s *sorter) close() error {
	file := s.file
	*s = sorter{dir: s.dir, limit: s.limit}
	if file == nil {
		return nil
	}
	err := file.Close()
	if rerr := os.Remove(file.Name()); rerr != nil && !errors.Is(rerr, os.ErrNotExist) {
		err = errors.Join(err, rerr)
	}
	return err
}

func compareKeys(a, b *evidenceKey) int {
	if c := strings.Compare(a.indicator, b.indicator); c != 0 {
		return c
	}
	return cmp.Or(strings.Compare(a.publisher, b.publisher), strings.Compare(a.subject.Publisher, b.subject.Publisher), strings.Compare(a.subject.Key, b.subject.Key))
}

// sorted returns the rows in memory in order, those with the same key merged.
func (s *sorter) sorted() []*evidence {
	order := make([]*evidence, len(s.rows))
	for i := range s.rows {
		order[i] = &s.rows[i]
	}
	slices.SortStableFunc(order, func(a, b *evidence) int { return compareKeys(&a.evidenceKey, &b.evidenceKey) })
	out := order[:0]
	for _, e := range order {
		if n := len(out); n > 0 && out[n-1].evidenceKey == e.evidenceKey {
			*out[n-1] = merge(*out[n-1], *e)
			continue
		}
		out = append(out, e)
	}
	return out
}

// spill writes the rows in memory to the file, as a run.
func (s *sorter) spill() error {
	if s.file == nil {
		f, err := os.CreateTemp(s.dir, ".dossier-sort-*")
		if err != nil {
			return fmt.Errorf("a file to sort in: %w", err)
		}
		_ = os.Remove(f.Name()) // Windows keeps it until it is closed
		s.file = f
	}
	s.runs = append(s.runs, s.at)
	w := bufio.NewWriterSize(s.file, 1<<18)
	var buf []byte
	for _, e := range s.sorted() {
		buf = e.append(buf[:0])
		n, err := w.Write(binary.AppendUvarint(nil, uint64(len(buf))))
		if err == nil {
			var m int
			m, err = w.Write(buf)
			n += m
		}
		if err != nil {
			return fmt.Errorf("a file to sort in: %w", err)
		}
		s.at += int64(n)
	}
	s.rows = s.rows[:0]
	if err := w.Flush(); err != nil {
		return fmt.Errorf("a file to sort in: %w", err)
	}
	return nil
}

// each calls f with every row, in order, those with the same key merged.
func (s *sorter) each(f func(*evidence) error) error {
	if len(s.runs) == 0 {
		for _, e := range s.sorted() {
			if err := f(e); err != nil {
				return err
			}
		}
		return nil
	}
	if len(s.rows) > 0 {
		if err := s.spill(); err != nil {
			return err
		}
	}
	s.rows = nil
	var h runHeap
	interned := map[string]string{}
	for i, from := range s.runs {
		to := s.at
		if i+1 < len(s.runs) {
			to = s.runs[i+1]
		}
		r := &run{in: bufio.NewReaderSize(io.NewSectionReader(s.file, from, to-from), 1<<17), interned: interned}
		switch more, err := r.next(); {
		case err != nil:
			return err
		case more:
			h = append(h, r)
		}
	}
	heap.Init(&h)
	var current evidence
	have := false
	for len(h) > 0 {
		r := h[0]
		switch {
		case have && current.evidenceKey == r.row.evidenceKey:
			current = merge(current, r.row)
		case have:
			if err := f(&current); err != nil {
				return err
			}
			current = r.row
		default:
			current, have = r.row, true
		}
		more, err := r.next()
		if err != nil {
			return err
		}
		if more {
			heap.Fix(&h, 0)
		} else {
			heap.Pop(&h)
		}
	}
	return f(&current)
}

// A run reads one sorted part of the file.
type run struct {
	in       *bufio.Reader
	row      evidence
	buf      []byte
	interned map[string]string // of what few rows differ in
}

// next reads the next row; more is false at the end.
func (r *run) next() (more bool, err error) {
	n, err := binary.ReadUvarint(r.in)
	if err == io.EOF {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("the file that is sorted in: %w", err)
	}
	r.buf = slices.Grow(r.buf[:0], int(n))[:n]
	if _, err := io.ReadFull(r.in, r.buf); err != nil {
		return false, fmt.Errorf("the file that is sorted in: %w", err)
	}
	r.row = r.decode(r.buf)
	return true, nil
}

// append adds the row to b, in a form for [run.decode] alone.
func (e *evidence) append(b []byte) []byte {
	for _, s := range []string{
		e.indicator, e.publisher, e.subject.Publisher, e.subject.Key, e.dataset, string(e.observable.Kind), e.observable.Value,
		string(e.first.Precision), string(e.first.Basis), string(e.source), e.reference, e.context,
	} {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	flags := int64(0)
	if e.revoked {
		flags |= 1
	}
	if e.absent {
		flags |= 2
	}
	for _, n := range []int64{int64(e.first.At), int64(e.last), int64(e.validUntil), int64(e.confidence), int64(e.tlp), int64(e.modified), flags} {
		b = binary.AppendVarint(b, n)
	}
	return b
}

func (r *run) decode(b []byte) (e evidence) {
	text := func() string {
		n, size := binary.Uvarint(b)
		s := string(b[size : size+int(n)])
		b = b[size+int(n):]
		return s
	}
	few := func() string {
		n, size := binary.Uvarint(b)
		raw := b[size : size+int(n)]
		b = b[size+int(n):]
		s, ok := r.interned[string(raw)]
		if !ok {
			s = string(raw)
			if len(r.interned) < 1<<12 {
				r.interned[s] = s
			}
		}
		return s
	}
	number := func() int64 {
		n, size := binary.Varint(b)
		b = b[size:]
		return n
	}
	e.indicator, e.publisher = text(), few()
	e.subject = intel.Ref{Publisher: few(), Key: few()}
	e.dataset = few()
	e.observable = observable.Observable{Kind: observable.Kind(few()), Value: text()}
	e.first.Precision, e.first.Basis, e.source = intel.Precision(few()), intel.Basis(few()), intel.IndicatorSource(few())
	e.reference, e.context = text(), few()
	e.first.At, e.last, e.validUntil = intel.Time(number()), intel.Time(number()), intel.Time(number())
	e.confidence, e.tlp, e.modified = int(number()), intel.TLP(number()), intel.Time(number())
	flags := number()
	e.revoked, e.absent = flags&1 != 0, flags&2 != 0
	return e
}

// A runHeap has the run with the least key first.
type runHeap []*run

func (h runHeap) Len() int { return len(h) }
func (h runHeap) Less(i, j int) bool {
	return compareKeys(&h[i].row.evidenceKey, &h[j].row.evidenceKey) < 0
}
func (h runHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *runHeap) Push(x any)   { *h = append(*h, x.(*run)) }
func (h *runHeap) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = old[:len(old)-1]
	return x
}
