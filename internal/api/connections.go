package api

import (
	"container/heap"
	queue "container/list"
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"slices"
	"sync"
	"time"
)

// Limits of what clients can make the server hold. An address is an IPv4 address
// or an IPv6 network of 64 bits, for that is what one machine gets.
const (
	// MaxPerAddress is how many connections one address may have, and how many
	// requests may be under way on them: HTTP/2 carries many on one connection.
	// Those of which there are too many are refused with 429, or with 503 if there are
	// too many in all; as many are refused at a time, and what goes beyond is cut off.
	MaxPerAddress = 256
	// MaxConnections is the same for all addresses together.
	MaxConnections = 4096

	maxHeldByAddress = 64 << 20  // bytes of answers that are being made or taken, by one address
	maxHeld          = 256 << 20 // and by all
)

// connections keeps the limits. A server that answers nobody while strangers
// fill its lists is as good as down, so where a connection is one too many, one
// is closed that has waited long without a request under way: new, idle, or still
// sending a request. Only if there is none, the new one is. Too many of one
// address cost that address; too many in all cost the address with the most that
// wait.
//
// It is safe for concurrent use. Every event costs O(log n) for n addresses, and
// memory is that of the connections that are open.
type connections struct {
	perAddress, total int
	exempt            []netip.Prefix // of proxies: no limits by address
	log               *slog.Logger

	mu        sync.Mutex
	open      map[net.Conn]*connection
	addresses map[netip.Addr]*address
	ranking   ranking // the same addresses
	underWay  tally
	bytes     int // held
	turn      uint64
	closed    int // connections closed since the log was told
	told      time.Time
}

// An address is what connections of one address have in common.
type address struct {
	key      netip.Addr
	exempt   bool
	open     int // connections
	underWay tally
	bytes    int        // held
	silent   queue.List // of *connection, those that wait and have asked nothing yet, the longest first
	idle     queue.List // and those that wait and have been answered
	rank     int        // index in ranking, -1 when the record is forgotten
}

// A connection is known to its requests by their context. A nil one, of a server
// without these limits, has none.
type connection struct {
	all      *connections
	conn     net.Conn
	from     *address
	requests int            // under way, less those whose body is awaited
	answered bool           // at least once
	place    *queue.Element // in the list where it waits, nil while there are requests
	turn     uint64         // when it began to wait
	gone     bool           // closed
}

func newConnections(perAddress, total int, exempt []netip.Prefix, log *slog.Logger) *connections {
	if perAddress <= 0 {
		perAddress = MaxPerAddress
	}
	if total <= 0 {
		total = MaxConnections
	}
	return &connections{
		perAddress: perAddress, total: total, exempt: exempt, log: log,
		open: map[net.Conn]*connection{}, addresses: map[netip.Addr]*address{},
	}
}

// stats returns how many connections are open, and the bytes of answers that are
// held for them.
func (c *connections) stats() (open, held int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.open), c.bytes
}

type connectionKey struct{}

func connectionOf(ctx context.Context) *connection {
	c, _ := ctx.Value(connectionKey{}).(*connection)
	return c
}

// opened is for [http.Server.ConnContext].
func (c *connections) opened(ctx context.Context, conn net.Conn) context.Context {
	one := &connection{all: c, conn: conn}
	c.mu.Lock()
	one.from = c.addressOf(conn)
	one.from.open++
	c.open[conn] = one
	one.wait()
	var victim *connection
	switch {
	case !one.from.exempt && one.from.open > c.perAddress:
		victim = one.from.longest()
	case len(c.open) > c.total:
		victim = c.ranking[0].longest() // at least the new one waits
	}
	tell, left := 0, 0
	if victim != nil {
		victim.leave()
		left = victim.from.open
		if c.closed++; time.Since(c.told) > time.Minute {
			tell, c.closed, c.told = c.closed, 0, time.Now()
		}
	}
	c.mu.Unlock()
	if victim != nil {
		raw := victim.conn
		if t, ok := raw.(*tls.Conn); ok {
			raw = t.NetConn() // TLS would wait to say goodbye
		}
		_ = raw.Close()
		if tell > 0 {
			c.log.Warn("closed connections to make room", "closed", tell, "address", victim.from.key, "left", left)
		}
		// Those that were accepted before may have sent a request by now: let them read it.
		runtime.Gosched()
	}
	return context.WithValue(ctx, connectionKey{}, one)
}

// state is for [http.Server.ConnState].
func (c *connections) state(conn net.Conn, state http.ConnState) {
	if state != http.StateClosed && state != http.StateHijacked {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if one := c.open[conn]; one != nil {
		one.leave()
	}
}

// addressOf returns the record of the connection's address, a new one if need be.
func (c *connections) addressOf(conn net.Conn) *address {
	var addr, key netip.Addr
	if a, ok := conn.RemoteAddr().(*net.TCPAddr); ok {
		addr = a.AddrPort().Addr().Unmap()
		if key = addr; addr.Is6() {
			prefix, _ := addr.WithZone("").Prefix(64) // 64 bits are not too many
			key = prefix.Addr()
		}
	}
	a := c.addresses[key]
	if a == nil {
		a = &address{key: key, exempt: slices.ContainsFunc(c.exempt, func(p netip.Prefix) bool { return p.Contains(addr) })}
		c.addresses[key] = a
		heap.Push(&c.ranking, a)
	}
	return a
}

// wait puts the connection at the end of those that wait.
func (c *connection) wait() {
	if c.gone {
		return
	}
	c.all.turn++
	c.turn = c.all.turn
	c.place = c.list().PushBack(c)
	heap.Fix(&c.all.ranking, c.from.rank)
}

// work takes the connection from those that wait.
func (c *connection) work() {
	if c.place != nil {
		c.list().Remove(c.place)
		c.place = nil
		heap.Fix(&c.all.ranking, c.from.rank)
	}
}

// list is where the connection waits.
func (c *connection) list() *queue.List {
	if c.answered {
		return &c.from.idle
	}
	return &c.from.silent
}

// leave forgets the connection.
func (c *connection) leave() {
	c.work()
	c.gone = true
	delete(c.all.open, c.conn)
	c.from.open--
	c.all.forget(c.from)
}

// forget drops the record of an address of which nothing is left.
func (c *connections) forget(a *address) {
	if a.rank >= 0 && a.open == 0 && a.underWay == (tally{}) && a.bytes == 0 {
		heap.Remove(&c.ranking, a.rank)
		delete(c.addresses, a.key)
	}
}

// A tally counts requests that are under way, by class.
type tally [3]int

type class int

// The classes of requests, each with the same limits.
const (
	ordinary class = iota
	urgent         // somebody learns from it whether the server is well
	refused        // there were too many; the answer says so
	cut            // even of those there were too many: no answer, not counted
)

// begin notes that a request is under way, and returns how it is to be answered.
// If the class is refused or cut, the error says why. end must follow.
func (c *connection) begin(as class) (class, error) {
	if c == nil {
		return as, nil
	}
	c.all.mu.Lock()
	defer c.all.mu.Unlock()
	defer c.resume()
	err := c.count(as)
	if err == nil {
		return as, nil
	}
	if c.count(refused) == nil {
		return refused, err
	}
	return cut, err
}

// count counts a request if the limits allow it.
func (c *connection) count(as class) error {
	switch {
	case c.from.underWay[as] >= c.all.perAddress && !c.from.exempt:
		return tooMany()
	case c.all.underWay[as] >= c.all.total:
		return tooBusy()
	}
	c.all.underWay[as]++
	c.from.underWay[as]++
	return nil
}

// end notes that a request has been answered.
func (c *connection) end(as class) {
	if c == nil {
		return
	}
	c.all.mu.Lock()
	defer c.all.mu.Unlock()
	if as != cut {
		c.all.underWay[as]--
		c.from.underWay[as]--
	}
	c.answered = c.answered || as < refused
	c.pause()
	if c.gone {
		c.all.forget(c.from)
	}
}

func (c *connection) resume() {
	if c.requests++; c.requests == 1 {
		c.work()
	}
}

func (c *connection) pause() {
	if c.requests--; c.requests == 0 {
		c.wait()
	}
}

// hold notes that a request holds so many bytes more. It reports whether that is
// allowed; if not, nothing is noted. One answer is, however large. A negative
// number is always allowed.
func (c *connections) hold(by *connection, bytes int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if bytes > 0 && c.bytes > 0 && c.bytes+bytes > maxHeld {
		return false
	}
	if by != nil {
		if bytes > 0 && by.from.bytes > 0 && by.from.bytes+bytes > maxHeldByAddress && !by.from.exempt {
			return false
		}
		by.from.bytes += bytes
	}
	c.bytes += bytes
	return true
}

// awaited is the body of a request. Who awaits the rest of it has not begun to
// answer: meanwhile the connection may be closed for another.
type awaited struct {
	io.ReadCloser
	conn *connection
}

func (b *awaited) Read(p []byte) (int, error) {
	if c := b.conn; c != nil {
		c.all.mu.Lock()
		c.pause()
		c.all.mu.Unlock()
		defer func() {
			c.all.mu.Lock()
			c.resume()
			c.all.mu.Unlock()
		}()
	}
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		err = &bodyError{err}
	}
	return n, err
}

// A bodyError says that the client did not send the body it announced.
type bodyError struct{ err error }

func (e *bodyError) Error() string { return "reading the body: " + e.err.Error() }
func (e *bodyError) Unwrap() error { return e.err }

// longest returns which connection of the address is closed next, nil if none
// waits: the one that has waited longest of the silent or of the idle ones,
// whichever are more. So a crowd that only connects does not push out clients who
// have asked before, nor do those who keep connections push out who comes.
func (a *address) longest() *connection {
	front := a.idle.Front()
	if a.silent.Len() > a.idle.Len() {
		front = a.silent.Front()
	}
	if front == nil {
		return nil
	}
	return front.Value.(*connection)
}

// weight is how many connections wait. A proxy is not taken for an attacker
// because it keeps many.
func (a *address) weight() int {
	n := a.silent.Len() + a.idle.Len()
	if a.exempt {
		return min(n, 1)
	}
	return n
}

// ranking is a heap of addresses: first the one with the most connections that
// wait, among equals the one whose first waits longest.
type ranking []*address

func (r ranking) Len() int { return len(r) }

func (r ranking) Less(i, j int) bool {
	if a, b := r[i].weight(), r[j].weight(); a != b || a == 0 {
		return a > b
	}
	return r[i].longest().turn < r[j].longest().turn
}

func (r ranking) Swap(i, j int) {
	r[i], r[j] = r[j], r[i]
	r[i].rank, r[j].rank = i, j
}

// Push is for package heap.
func (r *ranking) Push(a any) {
	a.(*address).rank = len(*r)
	*r = append(*r, a.(*address))
}

// Pop is for package heap.
func (r *ranking) Pop() any {
	last := len(*r) - 1
	a := (*r)[last]
	(*r)[last] = nil
	*r = (*r)[:last]
	a.rank = -1
	return a
}
