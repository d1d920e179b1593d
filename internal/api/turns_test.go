package api

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

// TestTurns checks that one client leaves turns to others, and that those that
// wait are let in by client.
func TestTurns(t *testing.T) {
	ts := newTurns(6) // one client has four at most
	const long = time.Minute
	for n := range 4 {
		if err := ts.take(t.Context(), "slow", long); err != nil {
			t.Fatal(n, err)
		}
	}
	if err := ts.take(t.Context(), "slow", time.Millisecond); err == nil {
		t.Error("a client has more than its share")
	}
	for range 2 {
		if err := ts.take(t.Context(), "other", time.Millisecond); err != nil {
			t.Error("others find no turn:", err)
		}
	}
	if err := ts.take(t.Context(), "third", time.Millisecond); err == nil {
		t.Error("there are more turns than turns")
	}

	// The first wants three, the others came later.
	got := make(chan string, 8)
	for n, client := range []string{"a", "a", "a", "b", "c"} {
		go func() {
			if err := ts.take(t.Context(), client, long); err != nil {
				t.Error(err)
			}
			got <- client
		}()
		await(t, func() bool { return ts.waiting() == n+1 })
	}
	order := ""
	ts.leave("slow")
	for range 5 {
		client := <-got
		order += client
		ts.leave(client)
	}
	if order != "abcaa" {
		t.Errorf("the turns went to %s", order)
	}

	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := ts.take(gone, "gone", long); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	for range 3 {
		ts.leave("slow")
	}
	for range 2 {
		ts.leave("other")
	}
	if ts.count() != 0 || len(ts.clients) != 0 || ts.rotation.Len() != 0 {
		t.Errorf("left behind: %d turns, %d clients, %d in rotation", ts.count(), len(ts.clients), ts.rotation.Len())
	}
}

// waiting returns how many wait for a turn.
func (t *turns) waiting() (n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range t.clients {
		n += c.waiting.Len()
	}
	return n
}

func await(t *testing.T, done func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it does not happen")
		}
	}
}

// TestTurnsAreKept lets many clients come, wait, give up and leave.
func TestTurnsAreKept(t *testing.T) {
	ts := newTurns(5)
	var wg sync.WaitGroup
	var mu sync.Mutex
	now, most := map[string]int{}, 0
	for g := range 40 {
		r := rand.New(rand.NewPCG(1, uint64(g)))
		client := fmt.Sprint(g % 7)
		wg.Go(func() {
			for range 200 {
				if ts.take(t.Context(), client, time.Duration(r.IntN(300))*time.Microsecond) != nil {
					continue
				}
				mu.Lock()
				now[client]++
				all := 0
				for _, n := range now {
					all += n
				}
				most = max(most, all)
				if now[client] > ts.share {
					t.Errorf("a client has %d turns", now[client])
				}
				mu.Unlock()
				time.Sleep(time.Duration(r.IntN(100)) * time.Microsecond)
				mu.Lock()
				now[client]--
				mu.Unlock()
				ts.leave(client)
			}
		})
	}
	wg.Wait()
	if most > ts.max {
		t.Errorf("%d turns at a time", most)
	}
	if ts.count() != 0 || len(ts.clients) != 0 || ts.rotation.Len() != 0 {
		t.Errorf("left behind: %d turns, %d clients, %d in rotation", ts.count(), len(ts.clients), ts.rotation.Len())
	}
}
