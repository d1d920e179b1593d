package store

import (
	"context"
	"sync"
)

// maxCounts is how many numbers are kept, and maxCountKey how long what
// identifies one may be, in bytes.
const (
	maxCounts   = 4096
	maxCountKey = 4 << 10
)

// counts keeps the numbers of rows that were counted since anything changed: the
// same are asked for with every page. It is safe for concurrent use, and the zero
// value is ready for it.
type counts struct {
	mu       sync.Mutex
	position int64
	byKey    map[string]int64
}

// number returns the number for a key, which count finds out if it is not known.
func (c *counts) number(ctx context.Context, s *Store, key string, count func() (int64, error)) (int64, error) {
	position, err := s.Position(ctx)
	if err != nil || len(key) > maxCountKey {
		return count()
	}
	c.mu.Lock()
	if position > c.position {
		c.position, c.byKey = position, nil
	}
	n, ok := c.byKey[key]
	ok = ok && position == c.position
	c.mu.Unlock()
	if ok {
		return n, nil
	}
	if n, err = count(); err != nil {
		return 0, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if position == c.position { // counted then, or later: as an answer that was given after a change
		if c.byKey == nil || len(c.byKey) >= maxCounts {
			c.byKey = map[string]int64{}
		}
		c.byKey[key] = n
	}
	return n, nil
}
