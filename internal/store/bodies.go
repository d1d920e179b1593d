package store

import (
	"context"
	"sync"
)

// maxBodies bounds the bodies of profiles that are kept in memory, in bytes.
const maxBodies = 32 << 20

// bodyMemory keeps the bodies of profiles that were served last. A body is known by
// the profile's id and the digest of the body itself, so what is found is right
// whatever has changed since: nothing is ever to be forgotten but for room. It is
// safe for
// concurrent use, and the zero value is ready for it.
//
// There are two generations: when the young one has taken half of the room, it
// becomes the old one, and what was old and not asked for since is forgotten.
type bodyMemory struct {
	mu         sync.Mutex
	young, old map[bodyKey][]byte
	size       int // of the young ones
}

type bodyKey struct{ id, etag string }

// fill sets the bodies of the profiles that it knows, and returns the others.
func (b *bodyMemory) fill(list []*Profile) (missing []*Profile) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range list {
		k := bodyKey{p.ID, p.ETag}
		body, ok := b.young[k]
		if !ok {
			if body, ok = b.old[k]; ok {
				b.put(k, body)
			}
		}
		if p.Body = body; !ok {
			missing = append(missing, p)
		}
	}
	return missing
}

// keep remembers the body of a profile, which nobody may change from now on.
func (b *bodyMemory) keep(p *Profile) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.put(bodyKey{p.ID, p.ETag}, p.Body)
}

func (b *bodyMemory) put(k bodyKey, body []byte) {
	if _, ok := b.young[k]; ok || len(body) > maxBodies/8 {
		return
	}
	if b.young == nil {
		b.young = map[bodyKey][]byte{}
	}
	b.young[k] = body
	if b.size += len(k.id) + len(k.etag) + len(body); b.size > maxBodies/2 {
		b.old, b.young, b.size = b.young, nil, 0
	}
}

// fillBodies sets the bodies of profiles that were read without. It reports false
// if one of them is no longer there as it was read. It asks for no ceiling: what
// another one sees has another digest, or is the same body.
func (s *Store) fillBodies(ctx context.Context, list []*Profile) (bool, error) {
	const chunk = 256 // arguments of a statement
	missing := s.bodies.fill(list)
	for len(missing) > 0 {
		part := missing[:min(len(missing), chunk)]
		missing = missing[len(part):]
		byKey := make(map[bodyKey]*Profile, len(part))
		ids := make([]string, len(part))
		for n, p := range part {
			byKey[bodyKey{p.ID, p.ETag}], ids[n] = p, p.ID
		}
		rows, err := s.query(ctx, "SELECT id, etag, body FROM profile WHERE id IN ("+marks(roundUp(len(ids)))+")", anys(padded(ids))...)
		if err != nil {
			return false, err
		}
		for rows.Next() {
			var k bodyKey
			var body []byte
			if err := rows.Scan(&k.id, &k.etag, &body); err != nil {
				rows.Close()
				return false, err
			}
			if p := byKey[k]; p != nil && p.Body == nil {
				p.Body = body
				s.bodies.keep(p)
			}
		}
		if err := rows.Err(); err != nil {
			return false, err
		}
		rows.Close()
		for _, p := range part {
			if p.Body == nil {
				return false, nil
			}
		}
	}
	return true, nil
}
