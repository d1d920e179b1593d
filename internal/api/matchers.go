package api

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"sync"
	"time"

	"dossier/internal/hunt"
	"dossier/internal/intel"
	"dossier/internal/observable"
	"dossier/internal/store"
)

// When a matcher is made again: when the indicators have changed, but not sooner than this after the one before, nor than so many times what that took; and
// every hour, as indicators expire.
const (
	rebuildAfter = 10 * time.Second
	rebuildTimes = 20
	rebuildEvery = time.Hour
	headEvery    = time.Second // how often it is looked whether they have changed
	matcherIdle  = 15 * time.Minute
)

// matchers holds the matchers of active indicators that streams share, one for each TLP ceiling that is asked for. Each is compiled when it is first
// wanted, in the background when the indicators have changed, and dropped when no stream has wanted it for a while. It is safe for concurrent use.
type matchers struct {
	store *store.Store
	log   *slog.Logger

	mu        sync.Mutex
	byCeiling map[intel.TLP]*shared
}

// shared is the matcher of a ceiling.
type shared struct {
	current *compiled
	making  chan struct{} // closed when the one that is being made is there; nil if none is
	err     error         // of the last attempt
	looked  time.Time     // when the head was last asked
	used    time.Time
}

// compiled is a matcher with what was found out of its indicators.
type compiled struct {
	*hunt.Matcher
	head int64
	at   time.Time
	took time.Duration

	mu    sync.Mutex
	known map[observable.Observable]*store.Known
}

// get returns the matcher for a ceiling, the newest that there is. It waits only for the first.
func (m *matchers) get(ctx context.Context, ceiling intel.TLP) (*compiled, error) {
	for {
		m.mu.Lock()
		if m.byCeiling == nil {
			m.byCeiling = map[intel.TLP]*shared{}
		}
		s := m.byCeiling[ceiling]
		if s == nil {
			s = &shared{}
			m.byCeiling[ceiling] = s
		}
		now := time.Now()
		s.used = now
		if s.current == nil && s.making == nil && s.err != nil {
			err := s.err
			s.err = nil // the next one tries again
			m.mu.Unlock()
			return nil, err
		}
		if s.making == nil && m.due(ctx, s, now) {
			s.making = make(chan struct{})
			go m.make(context.WithoutCancel(ctx), s, ceiling)
		}
		current, making := s.current, s.making
		m.mu.Unlock()
		if current != nil {
			return current, nil
		}
		select {
		case <-making:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// due reports whether a matcher is to be made.
func (m *matchers) due(ctx context.Context, s *shared, now time.Time) bool {
	c := s.current
	switch {
	case c == nil:
		return true
	case now.Sub(c.at) < max(rebuildAfter, rebuildTimes*c.took) || now.Sub(s.looked) < headEvery:
		return false
	case now.Sub(c.at) > rebuildEvery:
		return true
	}
	s.looked = now
	head, err := m.store.Head(ctx)
	return err == nil && head != c.head
}

// make compiles the matcher of a ceiling.
func (m *matchers) make(ctx context.Context, s *shared, ceiling intel.TLP) {
	start := time.Now()
	c := &compiled{known: map[observable.Observable]*store.Known{}}
	head, err := m.store.Head(ctx) // before: what changes meanwhile is seen the next time
	if err == nil {
		c.head = head
		c.Matcher, err = hunt.Compile(m.indicators(ctx, ceiling))
	}
	c.at = time.Now()
	c.took = c.at.Sub(start)
	m.mu.Lock()
	defer m.mu.Unlock()
	if err != nil {
		m.log.Error("the matcher was not made", "error", err)
	} else {
		stats := c.Stats()
		m.log.Info("matcher", "indicators", stats.Indicators, "bytes", stats.Bytes, "took", c.took.Round(time.Millisecond), "tlp", ceiling.String())
		s.current = c
		time.AfterFunc(matcherIdle, func() { m.drop(ceiling) })
	}
	s.err = err
	close(s.making)
	s.making = nil
}

// indicators yields what is active for a ceiling.
func (m *matchers) indicators(ctx context.Context, ceiling intel.TLP) iter.Seq2[observable.Observable, error] {
	return func(yield func(observable.Observable, error) bool) {
		stop := errors.New("stop")
		err := m.store.EachObservable(ctx, store.Selection{Mode: store.Active}, store.View{Ceiling: ceiling}, func(o observable.Observable) error {
			if !yield(o, nil) {
				return stop
			}
			return nil
		})
		if err != nil && !errors.Is(err, stop) {
			yield(observable.Observable{}, err)
		}
	}
}

// drop forgets a matcher that nobody has wanted for a while.
func (m *matchers) drop(ceiling intel.TLP) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.byCeiling[ceiling]
	switch {
	case s == nil:
	case s.making == nil && time.Since(s.used) >= matcherIdle:
		delete(m.byCeiling, ceiling)
	default:
		time.AfterFunc(matcherIdle, func() { m.drop(ceiling) })
	}
}

// maxKnown is of how many indicators a matcher remembers what is known of them.
const maxKnown = 10_000

// lookup returns what is known of an indicator of the matcher, asked once; nil if it has gone since.
func (c *compiled) lookup(ctx context.Context, s *store.Store, o observable.Observable, v store.View) (*store.Known, error) {
	c.mu.Lock()
	k, ok := c.known[o]
	c.mu.Unlock()
	if ok {
		return k, nil
	}
	k, err := s.Lookup(ctx, o, v)
	if err != nil && !errors.Is(err, intel.ErrNotFound) {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.known) >= maxKnown {
		clear(c.known)
	}
	c.known[o] = k
	return k, nil
}
