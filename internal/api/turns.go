package api

import (
	queue "container/list"
	"context"
	"sync"
	"time"
)

// turns lets a number of answers be made at a time: more of them would only take
// the processors and the database from each other. Those that wait are let in by
// client, in rotation, and each client's in the order in which they came. One
// client never has all turns, so that whoever asks slow questions leaves others
// room. It is safe for concurrent use; all costs are constant.
type turns struct {
	mu       sync.Mutex
	max      int // at a time
	share    int // of one client
	taken    int
	clients  map[string]*turnClient // that have turns or wait for them
	rotation queue.List             // of *turnClient that wait for a turn and may have one
}

type turnClient struct {
	key     string
	taken   int
	waiting queue.List     // of chan struct{}, closed when it is its turn
	place   *queue.Element // in rotation, nil if it is not there
}

func newTurns(n int) *turns {
	n = max(n, 2)
	return &turns{max: n, share: n - max(1, n/3), clients: map[string]*turnClient{}}
}

// take waits for a turn, which leave gives back. After the patience it is refused
// with an error, as it is when nobody waits for the answer any more.
func (t *turns) take(ctx context.Context, client string, patience time.Duration) error {
	t.mu.Lock()
	c := t.clients[client]
	if c == nil {
		c = &turnClient{key: client}
		t.clients[client] = c
	}
	turn := make(chan struct{})
	place := c.waiting.PushBack(turn)
	t.enter(c)
	t.next()
	t.mu.Unlock()
	err := ctx.Err()
	select {
	case <-turn: // at once
		if err != nil {
			t.leave(client)
		}
		return err
	default:
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-turn:
		return nil
	case <-timer.C:
		err = tooBusy()
	case <-ctx.Done():
		err = ctx.Err()
	}
	t.mu.Lock()
	select {
	case <-turn: // just now
		t.mu.Unlock()
		t.leave(client)
		return err
	default:
	}
	c.waiting.Remove(place)
	if c.waiting.Len() == 0 && c.place != nil {
		t.rotation.Remove(c.place)
		c.place = nil
	}
	t.forget(c)
	t.mu.Unlock()
	return err
}

// leave gives a turn back.
func (t *turns) leave(client string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.clients[client]
	c.taken--
	t.taken--
	t.enter(c)
	t.next()
	t.forget(c)
}

// enter puts a client that waits at the end of the rotation.
func (t *turns) enter(c *turnClient) {
	if c.place == nil && c.waiting.Len() > 0 && c.taken < t.share {
		c.place = t.rotation.PushBack(c)
	}
}

// next gives the turns that are free to those whose they are.
func (t *turns) next() {
	for t.taken < t.max && t.rotation.Len() > 0 {
		c := t.rotation.Remove(t.rotation.Front()).(*turnClient)
		c.place = nil
		close(c.waiting.Remove(c.waiting.Front()).(chan struct{}))
		c.taken++
		t.taken++
		t.enter(c)
	}
}

func (t *turns) forget(c *turnClient) {
	if c.taken == 0 && c.waiting.Len() == 0 {
		delete(t.clients, c.key)
	}
}

// count returns how many turns are taken.
func (t *turns) count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.taken
}
