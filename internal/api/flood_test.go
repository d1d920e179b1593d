//go:build linux

package api

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"dossier/internal/intel"
)

// largeID is a profile whose text takes more than the buffers of a connection.
var largeID = strings.Repeat("e5", 32)

// A flood is many connections that keep the server waiting.
type flood struct {
	plain, secure string             // addresses of the server
	from          func(i int) net.IP // the address of number i
	conns         []net.Conn
	pause         time.Duration // of each of its workers between two steps
}

// What a connection of a flood does.
const (
	silent     = iota // sends nothing
	endless           // sends a header byte by byte
	unfinished        // sends a header but for its end
	hello             // begins a TLS handshake
	greeted           // ends it, and sends nothing
	trickle           // sends a body byte by byte
	reader            // asks for much and reads nothing
)

func kindOf(i int) int {
	switch {
	case i%64 == 0:
		return greeted
	case i%64 == 1:
		return reader
	case i%32 == 2:
		return trickle
	case i%4 == 3:
		return hello
	case i%8 == 4:
		return unfinished
	case i%2 == 1:
		return silent
	}
	return endless
}

// open opens number i, again if it is open.
func (f *flood) open(i int) error {
	if f.conns[i] != nil {
		f.conns[i].Close()
	}
	target, kind := f.plain, kindOf(i)
	if kind == hello || kind == greeted {
		target = f.secure
	}
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: f.from(i)}, Timeout: 20 * time.Second}
	c, err := d.Dial("tcp", target)
	if err != nil {
		return err
	}
	f.conns[i] = c
	send := ""
	switch kind {
	case endless:
		send = "GET / HTTP/1.1\r\nHost: localhost\r\nX-Endless: "
	case unfinished:
		send = "GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: " + strings.Repeat("x", 2000) + "\r\n"
	case hello:
		send = "\x16\x03\x01\x02\x00\x01\x00"
	case greeted:
		t := tls.Client(c, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2", "http/1.1"}})
		t.SetDeadline(time.Now().Add(20 * time.Second))
		t.Handshake() // the server may have closed it to make room
	case trickle:
		send = "POST /v1.0/$batch HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n{"
	case reader:
		c.(*net.TCPConn).SetReadBuffer(2048)
		send = "GET " + ti + "/intelProfiles/" + largeID + " HTTP/1.1\r\nHost: localhost\r\n\r\n"
	}
	io.WriteString(c, send)
	return nil
}

// run opens all connections, then keeps them going and opens those again that
// were closed, until the context ends.
func (f *flood) run(ctx context.Context, t *testing.T, opened *sync.WaitGroup) {
	const workers = 8
	opened.Add(workers)
	for w := range workers {
		go func() {
			for i := w; i < len(f.conns); i += workers {
				if err := f.open(i); err != nil {
					t.Errorf("connection %d of the flood: %v", i, err)
					break
				}
			}
			opened.Done()
			for i := w; ctx.Err() == nil; i += workers {
				if i >= len(f.conns) {
					i = w
				}
				time.Sleep(f.pause)
				var err error
				switch kindOf(i) {
				case endless, trickle:
					_, err = f.conns[i].Write([]byte("x"))
				case silent, hello, unfinished, reader:
					if i/workers%8 == 0 {
						err = io.EOF
					}
				}
				if err != nil {
					_ = f.open(i)
				}
			}
			for i := w; i < len(f.conns); i += workers {
				if f.conns[i] != nil {
					f.conns[i].Close()
				}
			}
		}()
	}
}

// A visitor is a client as it should be.
type visitor struct {
	name   string
	client *http.Client
	url    string
	took   []time.Duration
	failed []error
}

func (v *visitor) get() error {
	res, err := v.client.Get(v.url)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", res.Status, b)
	}
	return err
}

func (v *visitor) run(ctx context.Context) {
	for ctx.Err() == nil {
		start := time.Now()
		if err := v.get(); err != nil {
			v.failed = append(v.failed, err)
		}
		v.took = append(v.took, time.Since(start))
		time.Sleep(2 * time.Millisecond)
	}
}

// TestFlood lets a normal client work while thousands of connections keep the
// server waiting.
func TestFlood(t *testing.T) {
	size := 9000
	if testing.Short() {
		size = 1500
	}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	// Each is a file for the flood, and one for the server while it is open there.
	if most := (int(min(limit.Cur, 1<<20)) - 500) - min(size, MaxConnections); most < size {
		t.Logf("%d connections, since %d files may be open", most, limit.Cur)
		size = most
	}
	for _, tt := range []struct {
		name string
		from func(i int) net.IP
	}{
		{"from the same address", func(int) net.IP { return net.IPv4(127, 0, 0, 1) }},
		{"from others", func(i int) net.IP { return net.IPv4(127, 0, 1, byte(i/300)) }},
	} {
		t.Run(tt.name, func(t *testing.T) { testFlood(t, size, tt.from) })
	}
}

func testFlood(t *testing.T, size int, from func(i int) net.IP) {
	st := fixtureStore(t, 10)
	large := derived(largeID, intel.Tool, "Large", func(d *intel.Dossier) { d.Profile.Description = intel.Markdown(strings.Repeat("large ", 1<<20)) }) // 6 MB
	write(t, st, nil, append(fixtureProfiles(10), large))
	s := fixtureServer(st)
	s.conns.total = size / 4 // less than the default, so that it is reached
	start := func(begin func(*httptest.Server)) *httptest.Server {
		ts := httptest.NewUnstartedServer(s)
		ts.Config, ts.EnableHTTP2 = s.HTTPServer(""), true
		begin(ts)
		return ts
	}
	plain, secure := start((*httptest.Server).Start), start((*httptest.Server).StartTLS)
	path := ti + "/intelProfiles?$top=10"
	var visitors []*visitor
	for _, ts := range []*httptest.Server{plain, secure} {
		for _, keep := range []bool{true, false} {
			tr := ts.Client().Transport.(*http.Transport).Clone()
			tr.DisableKeepAlives, tr.ForceAttemptHTTP2 = !keep, true
			v := &visitor{name: fmt.Sprintf("%.5s, connections kept: %v", ts.URL, keep), client: &http.Client{Transport: tr, Timeout: 30 * time.Second}, url: ts.URL + path}
			if err := v.get(); err != nil {
				t.Fatal(err)
			}
			visitors = append(visitors, v)
		}
	}
	before := inUse()

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var visiting, opened sync.WaitGroup
	f := &flood{
		plain: plain.Listener.Addr().String(), secure: secure.Listener.Addr().String(), from: from,
		conns: make([]net.Conn, size), pause: 10 * time.Millisecond,
	}
	began := time.Now()
	f.run(ctx, t, &opened)
	opened.Wait()
	opening := time.Since(began)
	for _, v := range visitors {
		visiting.Go(func() { v.run(ctx) })
	}
	peak := uint64(0)
	for range 4 {
		time.Sleep(500 * time.Millisecond)
		peak = max(peak, inUse())
	}
	s.conns.mu.Lock()
	open, addresses, held := len(s.conns.open), len(s.conns.addresses), s.conns.bytes
	s.conns.mu.Unlock()
	goroutines := runtime.NumGoroutine()
	cancel()
	visiting.Wait()
	t.Logf("%d connections in %v: %d open of %d addresses, %d goroutines; memory %d MB, before %d MB; %d MB of answers",
		size, opening.Round(time.Millisecond), open, addresses, goroutines, peak>>20, before>>20, held>>20)
	for _, v := range visitors {
		slices.Sort(v.took)
		n := len(v.took)
		t.Logf("%s: %d requests, median %v, p99 %v, slowest %v", v.name, n, v.took[n/2], v.took[n*99/100], v.took[n-1])
		if len(v.failed) > 0 {
			t.Errorf("%s: %d of %d requests failed: %v", v.name, len(v.failed), n, v.failed[0])
		}
		if p := v.took[n*99/100]; p > 5*time.Second {
			t.Errorf("%s: p99 is %v", v.name, p)
		}
	}
	if open > s.conns.total {
		t.Errorf("%d connections are open", open)
	}
	if peak > before+maxHeld+250<<20 {
		t.Errorf("memory grew from %d to %d MB", before>>20, peak>>20)
	}
	for _, ts := range []*httptest.Server{plain, secure} {
		ts.CloseClientConnections()
		ts.Close()
	}
}

// inUse returns what memory is in use, of the server and of those who are in its way.
func inUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}
