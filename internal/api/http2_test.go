package api

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// A streamer speaks HTTP/2 as no proper client does.
type streamer struct {
	t      *testing.T
	conn   net.Conn
	framer *http2.Framer
	next   uint32 // stream
}

// serveTLS serves with HTTP/2.
func serveTLS(t *testing.T, s *Server) *httptest.Server {
	ts := httptest.NewUnstartedServer(s)
	ts.Config, ts.EnableHTTP2 = s.HTTPServer(""), true
	ts.StartTLS()
	t.Cleanup(func() { ts.CloseClientConnections(); ts.Close() })
	return ts
}

// stream opens a connection whose streams take window bytes each before the
// client says that it has read them, which it never does.
func stream(t *testing.T, ts *httptest.Server, window uint32) *streamer {
	t.Helper()
	c, err := tls.Dial("tcp", ts.Listener.Addr().String(), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(time.Minute))
	if _, err := io.WriteString(c, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	s := &streamer{t, c, http2.NewFramer(c, c), 1}
	s.framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	if err := s.framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: window}); err != nil {
		t.Fatal(err)
	}
	return s
}

// get sends a request and returns its stream.
func (s *streamer) get(path string) (uint32, error) {
	var b bytes.Buffer
	e := hpack.NewEncoder(&b)
	for _, f := range []hpack.HeaderField{{Name: ":method", Value: "GET"}, {Name: ":scheme", Value: "https"}, {Name: ":authority", Value: "localhost"}, {Name: ":path", Value: path}} {
		if err := e.WriteField(f); err != nil {
			s.t.Fatal(err)
		}
	}
	id := s.next
	s.next += 2
	return id, s.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: b.Bytes(), EndStream: true, EndHeaders: true})
}

// statuses counts the statuses of responses, and the streams that are reset
// (as "reset"), until as many have come.
func (s *streamer) statuses(n int) map[string]int {
	got := map[string]int{}
	for sum := 0; sum < n; {
		f, err := s.framer.ReadFrame()
		if err != nil {
			s.t.Errorf("after %v: %v", got, err)
			return got
		}
		switch f := f.(type) {
		case *http2.MetaHeadersFrame:
			got[f.PseudoValue("status")]++
			sum++
		case *http2.RSTStreamFrame:
			got["reset"]++
			sum++
		}
	}
	return got
}

// TestStreams opens streams that take no answer: the address that does it may
// have no more of them than connections, and loses them after a while; others
// do not notice.
func TestStreams(t *testing.T) {
	t.Parallel()
	s := fixtureServer(fixtureStore(t, 3))
	s.conns.perAddress, s.patience = 30, 3*time.Second
	ts := serveTLS(t, s)
	a := stream(t, ts, 0)
	for range 80 {
		if _, err := a.get("/nowhere"); err != nil {
			t.Fatal(err)
		}
	}
	// 30 are answered, 30 refused and the rest is cut. The headers of an answer come, its
	// body cannot.
	if got := a.statuses(80); got["404"] > 30 || got["404"]+got["429"] > 60 || got["429"] == 0 || got["reset"] == 0 {
		t.Errorf("answered with %v", got)
	}
	b := stream(t, ts, 1<<16)
	if _, err := b.get("/healthz"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.get("/v1.0"); err != nil {
		t.Fatal(err)
	}
	if got := b.statuses(2); got["200"] != 1 {
		t.Errorf("meanwhile another connection of the address: %v, want 200 for health only", got)
	}
	if got := a.statuses(60); got["reset"] != 60 {
		t.Errorf("in the end: %v", got)
	}
	s.idle(t)
}

// TestBusyConnection keeps a connection with a stream while others come, and
// closes it when the stream has ended.
func TestBusyConnection(t *testing.T) {
	s := fixtureServer(fixtureStore(t, 3))
	s.conns.perAddress = 3
	ts := serveTLS(t, s)
	a := stream(t, ts, 0)
	id, err := a.get("/nowhere")
	if err != nil {
		t.Fatal(err)
	}
	if got := a.statuses(1); got["404"] != 1 {
		t.Fatal(got)
	}
	crowd := func() {
		for range 5 {
			b := stream(t, ts, 1<<16)
			_, err := b.get("/healthz")
			if got := b.statuses(1); err != nil || got["200"] != 1 {
				t.Errorf("%v, %v", got, err)
			}
		}
	}
	crowd()
	if err := a.framer.WriteWindowUpdate(id, 1<<16); err != nil {
		t.Fatal(err)
	}
	for ended := false; !ended; {
		f, err := a.framer.ReadFrame()
		if err != nil {
			t.Fatalf("the connection was closed: %v", err)
		}
		d, ok := f.(*http2.DataFrame)
		ended = ok && d.StreamEnded()
	}
	crowd()
	for {
		if _, err := a.framer.ReadFrame(); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal("the connection stays open")
		} else if err != nil {
			break
		}
	}
}

// TestRapidReset opens thousands of streams and resets them at once. (Go ends the
// connection when 400 wait for a handler.) Meanwhile others are answered.
func TestRapidReset(t *testing.T) {
	s := fixtureServer(fixtureStore(t, 3))
	ts := serveTLS(t, s)
	a := stream(t, ts, 1<<16)
	var attack sync.WaitGroup
	attack.Go(func() {
		n := 0
		var err error
		for start := time.Now(); err == nil && n < 5000 && time.Since(start) < time.Second; n++ {
			var id uint32
			if id, err = a.get(ti + "/intelProfiles/" + aquaID + "/indicators?$top=1000"); err == nil {
				err = a.framer.WriteRSTStream(id, http2.ErrCodeCancel)
			}
		}
		t.Logf("%d streams, then %v", n, err)
		a.conn.Close()
	})
	attack.Go(func() {
		for {
			f, err := a.framer.ReadFrame()
			if err != nil {
				return
			}
			if g, ok := f.(*http2.GoAwayFrame); ok {
				t.Log("the server says", g.ErrCode)
			}
		}
	})
	for range 20 {
		res, err := ts.Client().Get(ts.URL + ti + "/intelProfiles?$top=3")
		if err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(res.Body); err != nil || res.StatusCode != http.StatusOK {
			t.Errorf("%s, %v: %.200s", res.Status, err, b)
		}
		res.Body.Close()
	}
	attack.Wait()
	s.idle(t)
}

// idle waits until no request is under way.
func (s *Server) idle(t *testing.T) {
	t.Helper()
	for until := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		s.conns.mu.Lock()
		left := s.conns.underWay
		s.conns.mu.Unlock()
		if left == (tally{}) {
			return
		}
		if time.Now().After(until) {
			t.Fatalf("requests are still under way: %v", left)
		}
	}
}
