package stix

import (
	"context"
	"io"
	"runtime"
	"sync"
	"sync/atomic"

	"dossier/internal/intel"
)

// batchSize is how much of the file a worker gets at once.
const batchSize = 256 << 10

// span is one raw object in a batch.
type span struct {
	from, to int
	index    int
	at       place
}

type batch struct {
	seq   int
	data  []byte
	spans []span
}

// pool decodes batches on several workers; the result does not depend on how
// many there are or who is first.
type pool struct {
	jobs chan *batch
	free chan *batch // bounds the batches in flight
	wg   sync.WaitGroup
	stop atomic.Bool

	mu   sync.Mutex
	done [][]item // by batch
	bad  *intel.SyntaxError
}

func newPool(workers int) *pool {
	p := &pool{jobs: make(chan *batch), free: make(chan *batch, 2*workers)}
	for range cap(p.free) {
		p.free <- &batch{}
	}
	for range workers {
		p.wg.Go(p.work)
	}
	return p
}

func (p *pool) work() {
	b := newBuilder()
	for job := range p.jobs {
		items := make([]item, 0, len(job.spans))
		var bad *intel.SyntaxError
		for _, s := range job.spans {
			var at int
			var msg string
			raw := job.data[s.from:s.to]
			if items, at, msg = b.build(items, raw, s.index, -1); msg != "" {
				bad = s.at.within(raw, at).syntax(msg)
				p.stop.Store(true)
				break
			}
		}
		p.mu.Lock()
		for len(p.done) <= job.seq {
			p.done = append(p.done, nil)
		}
		p.done[job.seq] = items
		p.bad = earlier(p.bad, bad)
		p.mu.Unlock()
		job.data, job.spans = job.data[:0], job.spans[:0]
		p.free <- job
	}
}

// earlier returns the error that stands first in the file.
func earlier(a, b *intel.SyntaxError) *intel.SyntaxError {
	if a == nil || b != nil && b.Offset < a.Offset {
		return b
	}
	return a
}

// decodeItems reads the whole stream. The error is an [*intel.SyntaxError], or
// that of the reader or the context.
func decodeItems(ctx context.Context, r io.Reader, workers int) ([][]item, error) {
	p := newPool(workers)
	seq, index := 0, 0
	cur := <-p.free
	send := func() {
		if len(cur.spans) > 0 {
			cur.seq = seq
			seq++
			p.jobs <- cur
			cur = <-p.free
		}
	}
	err := newCutter(ctx, r, func(raw []byte, at place) error {
		if p.stop.Load() {
			return errStopped
		}
		if len(cur.data)+len(raw) > batchSize {
			send()
		}
		from := len(cur.data)
		cur.data = append(cur.data, raw...)
		cur.spans = append(cur.spans, span{from, len(cur.data), index, at})
		index++
		return nil
	}).run()
	send()
	close(p.jobs)
	p.wg.Wait()

	cut, isSyntax := err.(*intel.SyntaxError)
	switch {
	case p.bad != nil && (err == nil || err == errStopped || isSyntax):
		return nil, earlier(p.bad, cut)
	case err != nil:
		return nil, err
	}
	return p.done, nil
}

// errStopped ends the cutting after a worker has met an error.
var errStopped = io.ErrClosedPipe

func workers() int { return max(1, runtime.GOMAXPROCS(0)) }
