// Package sighting makes sightings of what hunts find, for the store to keep.
//
// A [Recorder] sums up matches: one [store.Sighting] for each indicator, host, direction, field and day. Of every line it takes a keyed hash, so that the store
// counts each line once, however often it is read. Hosts may be kept under pseudonyms, which are keyed hashes too: who has the [Key] can ask for a
// host, and nobody can tell it from the database alone.
package sighting

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"strings"
	"sync"

	"dossier/internal/hunt"
	"dossier/internal/intel"
	"dossier/internal/lifecycle"
	"dossier/internal/observable"
	"dossier/internal/store"
)

// SecretName is the name of the secret of an installation that is the [Key].
const SecretName = "sightings"

// A Key makes the hashes of an installation.
type Key []byte

func (k Key) hash(what string, text []byte) []byte {
	h := hmac.New(sha256.New, k)
	h.Write([]byte(what))
	h.Write([]byte{0})
	h.Write(text)
	return h.Sum(nil)
}

// Mark returns the hash of a line.
func (k Key) Mark(line []byte) uint64 { return binary.BigEndian.Uint64(k.hash("line", line)) }

const prefix = "pseudonym-"

// Pseudonym returns what stands for a host in the place of its name; a pseudonym stands for itself.
func (k Key) Pseudonym(host string) string {
	if digits, ok := strings.CutPrefix(host, prefix); ok && len(digits) == 20 {
		return host
	}
	return prefix + hex.EncodeToString(k.hash("host", []byte(host))[:10])
}

// Names returns under what names a host may be kept. Without a key that is only its own.
func (k Key) Names(host string) []string {
	host = canonicalHost(host)
	if k == nil {
		return []string{host}
	}
	return []string{host, k.Pseudonym(host)}
}

// canonicalHost writes a host in one way: an address as package netip does, a name in lower case and without a trailing dot.
func canonicalHost(host string) string {
	if a, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return a.Unmap().String()
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// Limits of what a recorder holds.
const (
	maxHeld  = 4096    // sightings
	maxMarks = 1 << 19 // marks, of 8 bytes
)

// A Recorder gathers what is found and saves it. The fields are set before it is used; it is safe for concurrent use.
type Recorder struct {
	Key    Key
	Hide   bool // hosts get pseudonyms
	Origin store.Origin
	By     string // who saves
	Owner  string // whose data it is; "": the installation's own
	Save   func(context.Context, []*store.Sighting) (store.Kept, error)

	mu   sync.Mutex
	held map[bucket]*store.Sighting
	n    int // marks held, at least
	kept store.Kept
}

// A bucket is what one sighting is of.
type bucket struct {
	o                      observable.Observable
	host, field, direction string
	day                    intel.Time
}

// Add takes in a match in a line of a log. It saves what has gathered if that is much.
func (r *Recorder) Add(ctx context.Context, o observable.Observable, e hunt.Event, line []byte, log string) error {
	return r.Told(ctx, o, e, e.Host(o.Value), e.Direction(o.Value), line, log)
}

// Told is Add of what another program says of host and direction; of the event only time and field count. text tells the event from others.
func (r *Recorder) Told(ctx context.Context, o observable.Observable, e hunt.Event, host string, d hunt.Direction, text []byte, log string) error {
	if host != "" {
		host = canonicalHost(host)
		if r.Hide {
			host = r.Key.Pseudonym(host)
		}
	}
	at := intel.TimeOf(e.Time)
	if at < 0 {
		at = 0 // no log is so old: its clock is not to be believed
	}
	b := bucket{o, host, e.Field, string(d), at - at%lifecycle.Day}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.held == nil {
		r.held = map[bucket]*store.Sighting{}
	}
	g := r.held[b]
	if g == nil {
		if len(r.held) >= maxHeld || r.n >= maxMarks {
			if err := r.save(ctx); err != nil {
				return err
			}
		}
		g = &store.Sighting{
			Indicator: o.ID(), Kind: o.Kind, Value: o.Value, Host: host, Direction: b.direction, Field: b.field,
			First: at, Last: at, Log: log, Origin: r.Origin, By: r.By, Owner: r.Owner,
		}
		r.held[b] = g
	}
	g.First, g.Last = min(g.First, at), max(g.Last, at)
	had := len(g.Marks)
	g.Marks.Add(r.Key.Mark(text))
	r.n += len(g.Marks) - had
	return nil
}

// Flush saves what has gathered.
func (r *Recorder) Flush(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.save(ctx)
}

func (r *Recorder) save(ctx context.Context) error {
	if len(r.held) == 0 {
		return nil
	}
	list := make([]*store.Sighting, 0, len(r.held))
	for _, g := range r.held {
		list = append(list, g)
	}
	kept, err := r.Save(ctx, list)
	if err != nil {
		return err
	}
	r.kept.New, r.kept.Grown, r.kept.Lines = r.kept.New+kept.New, r.kept.Grown+kept.Grown, r.kept.Lines+kept.Lines
	clear(r.held)
	r.n = 0
	return nil
}

// Kept tells what was saved so far.
func (r *Recorder) Kept() store.Kept {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.kept
}
