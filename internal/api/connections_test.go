package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// peer is a connection that only has an address and can be closed.
type peer struct {
	net.Conn
	addr   string
	closed bool
}

func (p *peer) RemoteAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(p.addr), 1))
}
func (p *peer) Close() error { p.closed = true; return nil }

func newLimits(perAddress, total int, exempt ...string) *connections {
	var proxies []netip.Prefix
	for _, e := range exempt {
		proxies = append(proxies, netip.MustParsePrefix(e))
	}
	return newConnections(perAddress, total, proxies, slog.New(slog.NewTextHandler(io.Discard, nil)))
}

// TestConnections plays what happens to connections that are called by letters,
// and tells which are closed: "a=192.0.2.1" opens, "a+" begins and "a-" ends a
// request, "a." closes.
func TestConnections(t *testing.T) {
	for _, tt := range []struct {
		name, events string
		closed       string
	}{
		{"room for all", "a=192.0.2.1 b=192.0.2.1 c=192.0.2.2 d=192.0.2.2", ""},
		{"the longest waits no more", "a=192.0.2.1 b=192.0.2.1 c=192.0.2.1", "a"},
		{"one after the other", "a=192.0.2.1 b=192.0.2.1 c=192.0.2.1 d=192.0.2.1", "ab"},
		{"a busy one stays", "a=192.0.2.1 a+ b=192.0.2.1 c=192.0.2.1", "b"},
		{"one that has just been answered stays", "a=192.0.2.1 b=192.0.2.1 a+ a- c=192.0.2.1", "b"},
		{"a crowd that asks nothing", "a=192.0.2.1 a+ a- b=192.0.2.1 c=192.0.2.1 d=192.0.2.1", "bc"},
		{"clients that keep all", "a=192.0.2.1 b=192.0.2.1 a+ a- b+ b- c=192.0.2.1 d=192.0.2.1", "ac"},
		{"all are busy", "a=192.0.2.1 a+ b=192.0.2.1 b+ c=192.0.2.1", "c"},
		{"streams", "a=192.0.2.1 b=192.0.2.1 b+ a+ a+ a- c=192.0.2.1", "c"},
		{"streams that have ended", "a=192.0.2.1 b=192.0.2.1 b+ a+ a+ a- a- c=192.0.2.1", "a"},
		{"closed ones make room", "a=192.0.2.1 b=192.0.2.1 a. c=192.0.2.1 c. b. d=192.0.2.1 e=192.0.2.1", ""},
		{"closed while answering", "a=192.0.2.1 a+ a. b=192.0.2.1 a- b+ b- c=192.0.2.1 d=192.0.2.1", "c"},
		{"IPv6 by network", "a=2001:db8::1 b=2001:db8::2 c=2001:db8::3 d=2001:db8:0:1::1", "a"},
		{"IPv4 in IPv6", "a=192.0.2.1 b=::ffff:192.0.2.1 c=192.0.2.1", "a"},
		{"a zone is no address", "a=fe80::1%eth0 b=fe80::1%eth1 c=fe80::1", "a"},
		{"a proxy", "a=10.0.0.1 b=10.0.0.1 c=10.0.0.1 d=10.0.0.1", ""},
		{"in all: who has most", "a=192.0.2.1 b=192.0.2.2 c=192.0.2.2 d=192.0.2.3 e=192.0.2.4 f=192.0.2.5", "b"},
		{"in all: who waits longest", "a=192.0.2.1 b=192.0.2.2 c=192.0.2.3 d=192.0.2.4 e=192.0.2.5 f=192.0.2.6", "a"},
		{"in all: busy ones do not count", "a=192.0.2.1 b=192.0.2.1 a+ b+ c=192.0.2.2 d=192.0.2.2 d+ e=192.0.2.3 f=192.0.2.4", "c"},
		{"in all: all busy", "a=192.0.2.1 a+ b=192.0.2.2 b+ c=192.0.2.3 c+ d=192.0.2.4 d+ e=192.0.2.5 e+ f=192.0.2.6", "f"},
		{"in all: a proxy is no attacker", "a=10.0.0.1 b=10.0.0.1 c=10.0.0.1 d=192.0.2.1 e=192.0.2.1 f=192.0.2.2", "d"},
		{"in all: a proxy if there is nobody else", "a=10.0.0.1 b=10.0.0.1 c=10.0.0.1 d=10.0.0.1 e=10.0.0.1 f=10.0.0.1", "a"},
	} {
		c := newLimits(2, 5, "10.0.0.0/8")
		all := map[string]*peer{}
		known := map[string]*connection{}
		var order []string
		for _, event := range strings.Fields(tt.events) {
			name, what := event[:1], event[1:]
			switch what {
			case "+":
				_, _ = known[name].begin(ordinary)
			case "-":
				known[name].end(ordinary)
			case ".":
				c.state(all[name], http.StateClosed)
			default:
				all[name] = &peer{addr: what[1:]}
				order = append(order, name)
				known[name] = connectionOf(c.opened(t.Context(), all[name]))
			}
		}
		closed := ""
		for _, name := range order {
			if all[name].closed {
				closed += name
			}
		}
		if closed != tt.closed {
			t.Errorf("%s: %s closes %q, want %q", tt.name, tt.events, closed, tt.closed)
		}
	}
}

// TestConnectionsHold plays at random and compares what the lists say with what
// is there.
func TestConnectionsHold(t *testing.T) {
	const perAddress, total, addresses = 4, 20, 9
	c := newLimits(perAddress, total, "10.0.0.0/8")
	random := rand.New(rand.NewPCG(1, 2))
	type client struct {
		*peer
		*connection
		requests []class
	}
	var clients []*client
	for range 50_000 {
		if random.IntN(3) == 0 || len(clients) == 0 {
			p := &peer{addr: fmt.Sprintf("192.0.2.%d", random.IntN(addresses))}
			if random.IntN(5) == 0 {
				p.addr = "10.0.0.1"
			}
			clients = append(clients, &client{p, connectionOf(c.opened(t.Context(), p)), nil})
		} else {
			i := random.IntN(len(clients))
			one := clients[i]
			switch what := random.IntN(4); {
			case what == 0 && len(one.requests) == 0, one.peer.closed && len(one.requests) == 0:
				c.state(one.peer, http.StateClosed)
				clients = slices.Delete(clients, i, i+1)
			case what == 1 && len(one.requests) > 0:
				one.end(one.requests[0])
				one.requests = one.requests[1:]
			case what > 1 && len(one.requests) < 3:
				as, _ := one.begin(class(random.IntN(2)))
				one.requests = append(one.requests, as)
			}
		}
		open, requests, waiting := map[netip.Addr]int{}, tally{}, map[netip.Addr]int{}
		for _, one := range clients {
			key := netip.MustParseAddr(one.addr)
			for _, as := range one.requests {
				if as != cut {
					requests[as]++
				}
			}
			if !one.peer.closed {
				if open[key]++; len(one.requests) == 0 {
					waiting[key]++
				}
			}
		}
		sum := 0
		for key, n := range open {
			sum += n
			a := c.addresses[key]
			if a == nil || a.open != n || a.silent.Len()+a.idle.Len() != waiting[key] || c.ranking[a.rank] != a || n > perAddress && !a.exempt {
				t.Fatalf("%v: %d connections, %d waiting; noted %+v", key, n, waiting[key], a)
			}
		}
		if sum > total || sum != len(c.open) || requests != c.underWay || len(c.ranking) != len(c.addresses) {
			t.Fatalf("%d connections, %d noted; %v requests, %v noted; %d ranked of %d", sum, len(c.open), requests, c.underWay, len(c.ranking), len(c.addresses))
		}
		for i := range c.ranking {
			if c.ranking.Less(i, 0) {
				t.Fatalf("the first has %d, number %d has %d", c.ranking[0].weight(), i, c.ranking[i].weight())
			}
		}
	}
	for _, one := range clients {
		for _, as := range one.requests {
			one.end(as)
		}
		c.state(one.peer, http.StateClosed)
	}
	if len(c.open)+len(c.addresses)+len(c.ranking) != 0 || c.underWay != (tally{}) {
		t.Errorf("left: %d connections, %d addresses, %d ranked, %v requests", len(c.open), len(c.addresses), len(c.ranking), c.underWay)
	}
}

func TestTooManyRequests(t *testing.T) {
	c := newLimits(2, 5, "10.0.0.0/8")
	at := func(addr string) *connection { return connectionOf(c.opened(context.Background(), &peer{addr: addr})) }
	one, other, third, proxy := at("192.0.2.1"), at("192.0.2.2"), at("192.0.2.3"), at("10.0.0.1")
	for i, tt := range []struct {
		conn   *connection
		as     class
		want   class
		status int
	}{
		{one, ordinary, ordinary, 0},
		{one, ordinary, ordinary, 0},
		{one, ordinary, refused, 429},
		{one, urgent, urgent, 0},
		{one, ordinary, refused, 429},
		{one, ordinary, cut, 429},
		{one, urgent, urgent, 0},
		{one, urgent, cut, 429},
		{other, ordinary, ordinary, 0},
		{proxy, ordinary, ordinary, 0},
		{proxy, ordinary, ordinary, 0},
		{proxy, ordinary, refused, 503},
		{other, ordinary, refused, 503},
		{third, ordinary, refused, 503},
		{third, ordinary, cut, 503},
		{third, urgent, urgent, 0},
		{nil, ordinary, ordinary, 0}, // no limits
	} {
		as, err := tt.conn.begin(tt.as)
		status := 0
		if f := (*failure)(nil); errors.As(err, &f) {
			status = f.status
		}
		if as != tt.want || status != tt.status {
			t.Errorf("request %d: class %d, status %d, want %d, %d", i, as, status, tt.want, tt.status)
		}
	}
	one.end(ordinary)
	one.end(refused)
	if as, err := one.begin(ordinary); as != ordinary || err != nil {
		t.Errorf("when one has ended: class %d, %v", as, err)
	}
}

func TestHold(t *testing.T) {
	c := newLimits(0, 0, "10.0.0.0/8")
	at := func(addr string) *connection { return connectionOf(c.opened(context.Background(), &peer{addr: addr})) }
	one, proxy := at("192.0.2.1"), at("10.0.0.1")
	for i, tt := range []struct {
		by    *connection
		bytes int
		want  bool
	}{
		{one, 2 * maxHeldByAddress, true}, // one answer may be large
		{one, 1, false},
		{one, -2 * maxHeldByAddress, true},
		{one, maxHeldByAddress, true},
		{one, 1, false},
		{proxy, maxHeld - maxHeldByAddress, true},
		{proxy, 1, false},
		{nil, 1, false},
		{one, -1, true},
		{nil, 1, true},
	} {
		if got := c.hold(tt.by, tt.bytes); got != tt.want {
			t.Errorf("case %d: %d more bytes: %v", i, tt.bytes, got)
		}
	}
}
