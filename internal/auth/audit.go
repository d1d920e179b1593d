package auth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"
)

// An Audit writes down who did what and who was refused: one line of JSON each,
// as [slog.JSONHandler] makes them. Secrets and tokens are never given to it.
//
// Refusals may come in floods, so of those with the same peer and message only
// the first ten in about a minute are written, then one line with the number of
// the others.
//
// A nil *Audit writes nothing. It is safe for concurrent use, and several
// processes may write to one file.
type Audit struct {
	log *slog.Logger

	mu     sync.Mutex
	now    func() time.Time
	bursts map[burstKey]*burst
	swept  time.Time // when bursts that are over were last looked for
}

// Limits of refusals.
const (
	burstLength = time.Minute
	burstLines  = 10
	maxBursts   = 10_000 // peers that are told apart; more are one
)

type burstKey struct{ peer, what string }

type burst struct {
	since time.Time
	n     int
}

// NewAudit returns an audit that writes to w, one Write for each line.
func NewAudit(w io.Writer) *Audit {
	return &Audit{log: slog.New(slog.NewJSONHandler(w, nil)), now: time.Now, bursts: map[burstKey]*burst{}}
}

// Act writes down what was done: a write, or an act of administration.
func (a *Audit) Act(ctx context.Context, what string, attrs ...slog.Attr) {
	if a != nil {
		a.log.LogAttrs(ctx, slog.LevelInfo, what, attrs...)
	}
}

// Refuse writes down that a peer was refused.
func (a *Audit) Refuse(ctx context.Context, peer, what string, attrs ...slog.Attr) {
	if a == nil {
		return
	}
	if a.count(ctx, burstKey{peer, what}) {
		a.log.LogAttrs(ctx, slog.LevelWarn, what, append([]slog.Attr{slog.String("peer", peer)}, attrs...)...)
	}
}

// count reports whether the line is to be written.
func (a *Audit) count(ctx context.Context, k burstKey) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	if now.Sub(a.swept) >= burstLength/4 {
		a.swept = now
		for k, b := range a.bursts {
			if now.Sub(b.since) >= burstLength {
				a.summarize(ctx, k, b)
			}
		}
	}
	if len(a.bursts) >= maxBursts && a.bursts[k] == nil {
		k.peer = "others"
	}
	b := a.bursts[k]
	if b == nil {
		b = &burst{since: now}
		a.bursts[k] = b
	}
	b.n++
	return b.n <= burstLines
}

// summarize ends a burst: what was left out of it is told as a number.
func (a *Audit) summarize(ctx context.Context, k burstKey, b *burst) {
	if b.n > burstLines {
		a.log.LogAttrs(ctx, slog.LevelWarn, k.what, slog.String("peer", k.peer), slog.Int("more", b.n-burstLines), slog.Time("since", b.since))
	}
	delete(a.bursts, k)
}

// Close writes the numbers that are outstanding. It does not close the writer.
func (a *Audit) Close() error {
	if a == nil {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for k, b := range a.bursts {
		a.summarize(context.Background(), k, b)
	}
	return nil
}

// An AuditFile appends to a file, which it opens for each line: it may be moved
// away at any time, as logrotate does. Only its owner can read it.
type AuditFile string

// Write appends p.
func (path AuditFile) Write(p []byte) (int, error) {
	f, err := os.OpenFile(string(path), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, fmt.Errorf("audit: %w", err)
	}
	n, err := f.Write(p)
	return n, errors.Join(err, f.Close())
}
