package auth

import (
	"crypto/sha256"
	"sync"
)

// maxCached bounds how many verified tokens are remembered for each issuer.
const maxCached = 10_000

// A tokenCache remembers what was in tokens whose signature was verified. It says
// nothing of their times, their keys or their clients: those are checked at
// every use. Its zero value is ready; it is safe for concurrent use.
type tokenCache[V any] struct {
	mu sync.Mutex
	m  map[[sha256.Size]byte]V
}

func (c *tokenCache[V]) get(raw string) (V, bool) {
	key := sha256.Sum256([]byte(raw))
	c.mu.Lock()
	defer c.mu.Unlock()
	v, ok := c.m[key]
	return v, ok
}

// put remembers a token. When there are too many, half of them go, whichever.
func (c *tokenCache[V]) put(raw string, v V) {
	key := sha256.Sum256([]byte(raw))
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.m == nil {
		c.m = map[[sha256.Size]byte]V{}
	}
	if len(c.m) >= maxCached {
		for old := range c.m {
			if delete(c.m, old); len(c.m) <= maxCached/2 {
				break
			}
		}
	}
	c.m[key] = v
}
