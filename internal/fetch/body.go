package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// A body reads an answer within its limits: a byte too many is an error, not an
// end, and so is a server that sends too little for too long.
type body struct {
	io.ReadCloser
	ctx      context.Context
	stop     func()
	watch    *time.Timer
	limits   Limits
	left     int64
	window   int64 // bytes since the watch was set
	progress func(int)
}

func newBody(ctx context.Context, cancel context.CancelCauseFunc, stop func(), rc io.ReadCloser, l Limits, progress func(int)) *body {
	b := &body{ReadCloser: rc, ctx: ctx, stop: stop, limits: l, left: l.Bytes, progress: progress}
	b.watch = time.AfterFunc(l.Window, func() {
		cancel(&SlowError{fmt.Sprintf("less than %d KiB in %s", max(1, l.MinBytes>>10), l.Window)})
	})
	return b
}

// Read implements [io.Reader].
func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.left -= int64(n)
	if b.left < 0 {
		return 0, tooLarge(b.limits.Bytes)
	}
	if b.window += int64(n); b.window >= b.limits.MinBytes {
		b.window = 0
		b.watch.Reset(b.limits.Window)
	}
	if b.progress != nil && n > 0 {
		b.progress(n)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = cause(b.ctx, err)
	}
	return n, err
}

// Close implements [io.Closer].
func (b *body) Close() error {
	b.watch.Stop()
	b.stop() // ends the transfer of what nobody will read
	return b.ReadCloser.Close()
}

func tooLarge(limit int64) error {
	return &BodyError{fmt.Sprintf("the body is larger than the limit of %d MiB", max(1, limit>>20))}
}
