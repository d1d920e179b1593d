package api

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
)

// listen serves with the limits of this package, some of which edit changes.
func listen(t *testing.T, h http.Handler, s *Server, edit func(*http.Server)) string {
	t.Helper()
	ts := httptest.NewUnstartedServer(h)
	ts.Config = s.HTTPServer("")
	ts.Config.Handler = h
	if edit != nil {
		edit(ts.Config)
	}
	ts.Start()
	t.Cleanup(func() { ts.CloseClientConnections(); ts.Close() })
	return ts.Listener.Addr().String()
}

// exchange sends bytes as they are, and nothing after them, and returns what is
// answered until the server closes the connection.
func exchange(t *testing.T, addr, raw string) []byte {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(30 * time.Second))
	// What is refused may be closed before all of it is written.
	go func() {
		io.WriteString(c, raw)
		// Who ends too soon is taken to have hung up.
		time.AfterFunc(2*time.Second, func() { c.(*net.TCPConn).CloseWrite() })
	}()
	out, err := io.ReadAll(c)
	if e, ok := err.(net.Error); ok && e.Timeout() {
		t.Errorf("%.60q: the connection stays open", raw)
	}
	return out
}

// responses reads all that was answered.
func responses(t *testing.T, raw []byte) (list []*http.Response, bodies []string) {
	t.Helper()
	in := bufio.NewReader(bytes.NewReader(raw))
	for {
		if _, err := in.Peek(1); err != nil {
			return list, bodies
		}
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Errorf("%v: %.200q", err, raw)
			return list, bodies
		}
		b, err := io.ReadAll(res.Body)
		if err != nil {
			t.Errorf("%v: %.200q", err, raw)
		}
		list, bodies = append(list, res), append(bodies, string(b))
	}
}

func statuses(list []*http.Response) string {
	var b []string
	for _, r := range list {
		b = append(b, fmt.Sprint(r.StatusCode))
	}
	return strings.Join(b, " ")
}

// TestAbuse sends what no client should, followed by a proper request, to the
// server and to net/http alone, whose handler answers 200 to everything. Both
// must find the same number of requests in it, and refuse alike what net/http
// refuses. The statuses stand there to be seen when a new Go changes one.
func TestAbuse(t *testing.T) {
	s := fixtureServer(fixtureStore(t, 3))
	ours := listen(t, s, s, nil)
	plain := listen(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "POST" {
			_, _ = io.Copy(io.Discard, r.Body)
		}
	}), fixtureServer(s.store), nil)
	const (
		get    = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
		post   = "POST /v1.0/$batch HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
		last   = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
		inner  = "GET /within HTTP/1.1\r\nHost: localhost\r\n\r\n"
		inner5 = "5\r\nhello\r\n0\r\n\r\n"
	)
	many := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "X-%d: 1\r\n", i)
		}
		return b.String()
	}
	for _, tt := range []struct {
		name, raw string
		want      string
	}{
		{"proper", get + "\r\n", "200 200"},
		{"pipelined", strings.Repeat(get+"\r\n", 50), strings.Repeat("200 ", 50) + "200"},
		{"CL and TE", post + fmt.Sprintf("Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 5+len(inner)) + inner, "400 404 200"}, // TE wins
		{"TE and CL", post + "Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n" + inner5, "400 200"},
		{"two CL", post + "Content-Length: 2\r\nContent-Length: 0\r\n\r\n{}", "400"},
		{"the same CL twice", post + "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", "400 200"},
		{"CL list", post + "Content-Length: 2, 2\r\n\r\n{}", "400"},
		{"CL signed", post + "Content-Length: +2\r\n\r\n{}", "400"},
		{"CL negative", post + "Content-Length: -1\r\n\r\n{}", "400"},
		{"CL huge", post + "Content-Length: 99999999999999999999\r\n\r\n{}", "400"},
		{"CL hexadecimal", post + "Content-Length: 0x2\r\n\r\n{}", "400"},
		{"CL of 8 EB", post + "Content-Length: 9223372036854775807\r\n\r\n{}", "400"},
		{"CL too long", post + "Content-Length: 4000000\r\n\r\n{}", "400"},
		{"CL too short", post + "Content-Length: 1\r\n\r\n{}", "400 400"},
		{"CL with a space before the colon", post + "Content-Length : 2\r\n\r\n{}", "400"},
		{"TE with a space before the colon", post + "Transfer-Encoding : chunked\r\n\r\n" + inner5, "400"},
		{"TE unknown", post + "Transfer-Encoding: gzip\r\n\r\n" + inner5, "501"},
		{"TE obscured", post + "Transfer-Encoding: xchunked\r\n\r\n" + inner5, "501"},
		{"TE twice", post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n" + inner5, "501"},
		{"TE list", post + "Transfer-Encoding: chunked, chunked\r\n\r\n" + inner5, "501"},
		{"TE in HTTP/1.0", "POST /v1.0/$batch HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n" + inner5, "400"},
		{"chunked", post + "Transfer-Encoding: chunked\r\n\r\n" + inner5, "400 200"},
		{"chunk without a size", post + "Transfer-Encoding: chunked\r\n\r\nhello\r\n0\r\n\r\n", "400"},
		{"chunk with a negative size", post + "Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n", "400"},
		{"chunk with a huge size", post + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nhello\r\n0\r\n\r\n", "400"},
		{"chunk too short", post + "Transfer-Encoding: chunked\r\n\r\n3\r\nhello\r\n0\r\n\r\n", "400"},
		{"chunk ended by LF", post + "Transfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n", "400"},
		{"long chunk extension", post + "Transfer-Encoding: chunked\r\n\r\n5;" + strings.Repeat("x", 1<<20) + "\r\nhello\r\n0\r\n\r\n", "400"},
		{"10,000 trailers", post + "Transfer-Encoding: chunked\r\nTrailer: X-1\r\n\r\n5\r\nhello\r\n0\r\n" + many(10_000) + "\r\n", "400"},
		{"obs-fold", get + "X-Folded: a\r\n b\r\n\r\n", "200 200"}, // one value, as RFC 9112 5.2 allows
		{"folded CL", post + "Content-Length:\r\n 2\r\n\r\n{}", "400 200"},
		{"fold first", "GET /healthz HTTP/1.1\r\n Host: localhost\r\n\r\n", "400"},
		{"NUL in a value", get + "X-Nul: a\x00b\r\n\r\n", "400"},
		{"NUL in a name", get + "X-\x00: a\r\n\r\n", "400"},
		{"CR in a value", get + "X-Cr: a\rb\r\n\r\n", "400"},
		{"no name", get + ": a\r\n\r\n", "400"},
		{"no colon", get + "nothing\r\n\r\n", "400"},
		{"LF only", "GET /healthz HTTP/1.1\nHost: localhost\n\n", "200 200"},
		{"empty lines first", "\r\n\r\n" + get + "\r\n", "400"},
		{"absolute form", "GET http://localhost/healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", "200 200"},
		{"absolute form of another host", "GET http://other.example/healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", "200 200"},
		{"absolute form of a strange scheme", "GET gopher://x:70/1 HTTP/1.1\r\nHost: localhost\r\n\r\n", "404 200"},
		{"no slash", "GET healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", "400"},
		{"space in the target", "GET /health z HTTP/1.1\r\nHost: localhost\r\n\r\n", "400"},
		{"fragment", "GET /healthz#x HTTP/1.1\r\nHost: localhost\r\n\r\n", "404 200"},
		{"bad percent encoding", "GET /v1.0/%zz HTTP/1.1\r\nHost: localhost\r\n\r\n", "400"},
		{"OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n", "200 200"},
		{"GET *", "GET * HTTP/1.1\r\nHost: localhost\r\n\r\n", "404 200"},
		{"OPTIONS", "OPTIONS /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", "405 200"},
		{"CONNECT", "CONNECT localhost:443 HTTP/1.1\r\nHost: localhost:443\r\n\r\n", "404 200"},
		{"CONNECT with a path", "CONNECT /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", "405 200"},
		{"TRACE", "TRACE /healthz HTTP/1.1\r\nHost: localhost\r\nX-Secret: 1\r\n\r\n", "405 200"},
		{"PRI", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "404"},
		{"unknown method", "FETCH /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", "405 200"},
		{"bad method", "G(T /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", "400"},
		{"long method", strings.Repeat("G", 100_000) + " /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", "405 200"},
		{"HTTP/0.9", "GET /healthz\r\n\r\n", "400"},
		{"HTTP/1.0 without Host", "GET /healthz HTTP/1.0\r\n\r\n", "200"},
		{"HTTP/1.0 kept", "GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "200 200"},
		{"HTTP/1.2", "GET /healthz HTTP/1.2\r\nHost: localhost\r\n\r\n", "200 200"},
		{"HTTP/3.0", "GET /healthz HTTP/3.0\r\nHost: localhost\r\n\r\n", "505"},
		{"HTTP/x", "GET /healthz HTTP/x\r\nHost: localhost\r\n\r\n", "400"},
		{"no Host", "GET /healthz HTTP/1.1\r\n\r\n", "400"},
		{"two Hosts", get + "Host: localhost\r\n\r\n", "400"},
		{"bad Host", "GET /healthz HTTP/1.1\r\nHost: a b/c\r\n\r\n", "400"},
		{"empty Host", "GET /healthz HTTP/1.1\r\nHost:\r\n\r\n", "200 200"},
		{"strange Host", "GET /v1.0 HTTP/1.1\r\nHost: [::1%25x]:99999\r\n\r\n", "200 200"},
		{"1 MB header", get + "X-Large: " + strings.Repeat("x", 1<<20) + "\r\n\r\n", "431"},
		{"1 MB header name", get + strings.Repeat("X", 1<<20) + ": 1\r\n\r\n", "431"},
		{"10,000 headers", get + many(10_000) + "\r\n", "200 200"},
		{"100,000 headers", get + many(100_000) + "\r\n", "431"},
		{"100 kB target", "GET /" + strings.Repeat("x", 100<<10) + " HTTP/1.1\r\nHost: localhost\r\n\r\n", "400 200"},
		{"1 MB target", "GET /" + strings.Repeat("x", 1<<20) + " HTTP/1.1\r\nHost: localhost\r\n\r\n", "431"},
		{"200 kB query", "GET " + ti + "/intelProfiles?$filter=" + strings.Repeat("x", 200<<10) + " HTTP/1.1\r\nHost: localhost\r\n\r\n", "400 200"},
		{"10,000 slashes", "GET " + strings.Repeat("/", 10_000) + " HTTP/1.1\r\nHost: localhost\r\n\r\n", "404 200"},
		{"Expect", post + "Content-Length: 2\r\nExpect: 100-continue\r\n\r\n{}", "100 400 200"},
		{"Expect something else", post + "Content-Length: 2\r\nExpect: tea\r\n\r\n{}", "417"},
		{"Expect, not read", get + "Content-Length: 2\r\nExpect: 100-continue\r\n\r\n{}", "200"},
		{"Upgrade to h2c", get + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n", "200 200"},
		{"Upgrade to WebSocket", get + "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n", "200 200"},
		{"GET with a body", get + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(inner)) + inner, "200 200"},
		{"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", "400"},
		{"nothing", "\x00\x00\x00\x00\r\n\r\n", "400"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			out := exchange(t, ours, tt.raw+last)
			list, bodies := responses(t, out)
			if got := statuses(list); got != tt.want {
				t.Errorf("answered with %s, want %s\n%.900s", got, tt.want, out)
			}
			theirs, _ := responses(t, exchange(t, plain, tt.raw+last))
			same := len(list) == len(theirs)
			for i := 0; same && i < len(list); i++ {
				same = list[i].StatusCode == theirs[i].StatusCode || theirs[i].StatusCode == 200 && list[i].StatusCode < 500
			}
			if !same {
				t.Errorf("answered with %s, by net/http alone with %s", statuses(list), statuses(theirs))
			}
			for i, b := range bodies {
				if list[i].StatusCode > 200 && list[i].Header.Get("Request-Id") != "" {
					var e envelope
					if err := json.Unmarshal([]byte(b), &e); err != nil || e.Error.Code == "" || list[i].Header.Get("Content-Type") != "application/json" {
						t.Errorf("not the envelope of errors: %.200q, %v", b, err)
					}
				}
			}
		})
	}
}

// TestSlowBody holds a body that comes too slowly, or not at all, to ReadTimeout.
func TestSlowBody(t *testing.T) {
	t.Parallel()
	s, _ := guarded(t, "none")
	addr := listen(t, s, s, func(h *http.Server) { h.ReadTimeout = time.Second })
	var all sync.WaitGroup
	defer all.Wait()
	for _, head := range []string{
		"POST /v1.0/$batch HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n",
		"POST /v1.0/$batch HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\n",
		"POST /contoso/oauth2/v2.0/token HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n",
	} {
		for _, framing := range []string{"Content-Length: 1000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n1000\r\n"} {
			for _, trickle := range []string{"", "\x1f"} {
				all.Go(func() {
					c, err := net.Dial("tcp", addr)
					if err != nil {
						t.Error(err)
						return
					}
					defer c.Close()
					c.SetDeadline(time.Now().Add(20 * time.Second))
					start := time.Now()
					io.WriteString(c, head+framing)
					go func() {
						for err := error(nil); err == nil; _, err = io.WriteString(c, trickle) {
							time.Sleep(50 * time.Millisecond)
						}
					}()
					res, err := http.ReadResponse(bufio.NewReader(c), nil)
					if err != nil {
						t.Errorf("%s: %v", head+framing, err)
						return
					}
					var e envelope
					err = json.NewDecoder(res.Body).Decode(&e)
					gzip := strings.Contains(head, "gzip") && trickle != "" // is wrong from the beginning
					if want := http.StatusRequestTimeout; err != nil || res.StatusCode != want && !gzip || e.Error.Code == "" {
						t.Errorf("%s: %s, %+v, %v; want %d", head+framing, res.Status, e, err, want)
					}
					if _, err := res.Body.Read(make([]byte, 1)); err == nil {
						t.Errorf("%s: the connection stays open", head+framing)
					}
					if took := time.Since(start); took > 10*time.Second {
						t.Errorf("%s: the answer took %v", head+framing, took)
					}
				})
			}
		}
	}
}

// TestBodies are bodies and options that are small on the wire only.
func TestBodies(t *testing.T) {
	s := fixtureServer(fixtureStore(t, 3))
	var bomb bytes.Buffer
	z, _ := gzip.NewWriterLevel(&bomb, gzip.BestCompression)
	zeros := make([]byte, 1<<20)
	for range 40 {
		z.Write(zeros)
	}
	z.Close()
	deep := strings.Repeat("[", 1<<18)
	for _, tt := range []struct {
		name, path, encoding, body string
		status                     int
	}{
		{"gzip bomb", "/v1.0/$batch", "gzip", bomb.String(), 413},
		{"5 MB", "/v1.0/$batch", "", strings.Repeat(" ", 5<<20), 413},
		{"deep JSON", "/v1.0/$batch", "", deep, 400},
		{"deep JSON in a request", "/v1.0/$batch", "", `{"requests":[{"id":"1","method":"GET","url":"/","body":` + deep + `}]}`, 400},
		{"deep filter", ti + "/intelProfiles?$filter=" + strings.Repeat("(", 100_000), "", "", 400},
		{"deep not", ti + "/intelProfiles?$filter=" + strings.Repeat("not%20", 20_000), "", "", 400},
		{"deep expand", ti + "/intelProfiles?$expand=" + strings.Repeat("indicators($expand=", 5000), "", "", 400},
		{"long filter", ti + "/intelProfiles?$filter=title%20eq%20'x'" + strings.Repeat("%20or%20title%20eq%20'x'", 5000), "", "", 400},
		{"long in-list", ti + "/intelProfiles?$filter=title%20in%20(" + strings.Repeat("'x',", 30_000) + "'x')", "", "", 400},
		{"long search", ti + "/intelProfiles?$search=" + strings.Repeat("a%20", 30_000), "", "", 400},
		{"many options", ti + "/intelProfiles?" + strings.Repeat("a=1&", 30_000), "", "", 200},
	} {
		r := httptest.NewRequest("GET", tt.path, nil)
		if tt.body != "" {
			r = httptest.NewRequest("POST", tt.path, strings.NewReader(tt.body))
			r.Header.Set("Content-Type", "application/json")
			if tt.encoding != "" {
				r.Header.Set("Content-Encoding", tt.encoding)
			}
		}
		w := httptest.NewRecorder()
		start := time.Now()
		s.ServeHTTP(w, r)
		if took := time.Since(start); w.Code != tt.status || took > 5*time.Second {
			t.Errorf("%s: %d after %v, want %d: %.200s", tt.name, w.Code, took, tt.status, w.Body)
		}
		if w.Code != 200 && read(t, w).Error == nil {
			t.Errorf("%s: no envelope", tt.name)
		}
	}
}

// TestReaders has a large answer taken slowly but steadily, and not at all.
func TestReaders(t *testing.T) {
	t.Parallel()
	s := fixtureServer(fixtureStore(t, 3))
	s.patience = 2 * time.Second
	large := bytes.Repeat([]byte("x"), 16<<20)
	var all sync.WaitGroup
	defer all.Wait()
	for _, tt := range []struct{ secure, steady bool }{{false, true}, {false, false}, {true, true}, {true, false}} {
		ended := make(chan struct{}, 1)
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s.write(w, s.newRequest(r), &answer{body: large})
			ended <- struct{}{}
		})
		ts := httptest.NewUnstartedServer(h)
		ts.Config, ts.EnableHTTP2 = s.HTTPServer(""), true
		ts.Config.Handler, ts.Config.WriteTimeout = h, time.Second
		if tt.secure {
			ts.StartTLS()
		} else {
			ts.Start()
		}
		t.Cleanup(func() { ts.CloseClientConnections(); ts.Close() })
		all.Go(func() {
			tr := ts.Client().Transport.(*http.Transport)
			tr.DisableCompression = true
			tr.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
				c, err := new(net.Dialer).DialContext(ctx, network, addr)
				if err == nil { // or the system takes what the reader does not
					err = c.(*net.TCPConn).SetReadBuffer(64 << 10)
				}
				return c, err
			}
			res, err := ts.Client().Get(ts.URL)
			if err != nil {
				t.Error(err)
				return
			}
			defer res.Body.Close()
			n := 0
			if tt.steady { // eight pauses, four times as long as WriteTimeout
				for buf := make([]byte, 2<<20); err == nil; time.Sleep(s.patience / 4) {
					var m int
					m, err = io.ReadFull(res.Body, buf)
					n += m
				}
			}
			select {
			case <-ended:
			case <-time.After(30 * time.Second):
				t.Error("the server still waits")
			}
			rest, _ := io.ReadAll(res.Body)
			if n += len(rest); (n == len(large)) != tt.steady {
				t.Errorf("%s: %d bytes of %d, %v", res.Proto, n, len(large), err)
			}
		})
	}
}

// TestHandshakes opens TLS connections that never finish the handshake, or send
// nothing after it. (For the preface of HTTP/2, Go has 10 seconds of its own.)
func TestHandshakes(t *testing.T) {
	t.Parallel()
	s := fixtureServer(fixtureStore(t, 3))
	ts := httptest.NewUnstartedServer(s)
	ts.Config, ts.EnableHTTP2 = s.HTTPServer(""), true
	ts.Config.ReadHeaderTimeout = 500 * time.Millisecond
	ts.Config.IdleTimeout = 500 * time.Millisecond
	ts.StartTLS()
	t.Cleanup(ts.Close)
	var all sync.WaitGroup
	defer all.Wait()
	for name, f := range map[string]func(net.Conn) (net.Conn, error){
		"nothing":  func(c net.Conn) (net.Conn, error) { return c, nil },
		"one byte": func(c net.Conn) (net.Conn, error) { _, err := io.WriteString(c, "\x16"); return c, err },
		"half": func(c net.Conn) (net.Conn, error) {
			_, err := io.WriteString(c, "\x16\x03\x01\x02\x00\x01\x00")
			return c, err
		},
		"HTTP/1.1": func(c net.Conn) (net.Conn, error) { return handshake(c, "http/1.1", "") },
		"a header": func(c net.Conn) (net.Conn, error) { return handshake(c, "http/1.1", "GET / HTTP/1.1\r\nHost: ") },
		"HTTP/2": func(c net.Conn) (net.Conn, error) {
			return handshake(c, "h2", http2.ClientPreface+"\x00\x00\x00\x04\x00\x00\x00\x00\x00")
		},
		"a frame": func(c net.Conn) (net.Conn, error) {
			return handshake(c, "h2", http2.ClientPreface+"\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x05\x01")
		},
		"no frame": func(c net.Conn) (net.Conn, error) { return handshake(c, "h2", http2.ClientPreface) },
	} {
		all.Go(func() {
			c, err := net.Dial("tcp", ts.Listener.Addr().String())
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			c.SetDeadline(time.Now().Add(30 * time.Second))
			in, err := f(c)
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := io.Copy(io.Discard, in); errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("%s: the connection stays open", name)
			}
		})
	}
}

func handshake(c net.Conn, proto, then string) (net.Conn, error) {
	in := tls.Client(c, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{proto}})
	if err := in.Handshake(); err != nil {
		return nil, err
	}
	_, err := io.WriteString(in, then)
	return in, err
}

// TestBusy lets others take all the turns and all the memory.
func TestBusy(t *testing.T) {
	t.Parallel()
	s := fixtureServer(fixtureStore(t, 3))
	batch := func(path string) string {
		r := httptest.NewRequest("POST", "/v1.0/$batch", strings.NewReader(`{"requests":[
			{"id":"1","method":"GET","url":"/security/threatIntelligence`+path+`"},
			{"id":"2","method":"GET","url":"/security/threatIntelligence/intelProfiles/`+aquaID+`"}]}`))
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		var b struct {
			Responses []struct {
				Status int
				Body   envelope
			}
		}
		if err := json.Unmarshal(w.Body.Bytes(), &b); err != nil || w.Code != 200 || len(b.Responses) != 2 {
			t.Fatalf("%d, %v: %s", w.Code, err, w.Body)
		}
		return fmt.Sprintf("%d %s %d", b.Responses[0].Status, b.Responses[0].Body.Error.Code, b.Responses[1].Status)
	}
	const large = "/intelProfiles/{}/indicators?$top=1000"
	largePath := strings.Replace(large, "{}", aquaID, 1)
	check := func(path string, want int, least, most time.Duration) {
		t.Helper()
		s.memory = newMemory() // what is remembered needs no turn
		start := time.Now()
		w := ask(s, "GET", path)
		took := time.Since(start)
		if w.Code != want || took < least || took > most {
			t.Errorf("%s: %d after %v, want %d after %v to %v", path, w.Code, took, want, least, most)
		}
		if want == 503 && (read(t, w).Error.Code != codeUnavailable || w.Header().Get("Retry-After") == "") {
			t.Errorf("%s: %v %s", path, w.Header(), w.Body)
		}
	}

	s.conns.bytes = maxHeld
	check(ti+largePath, 503, 0, 5*time.Second)
	check(ti+"/intelProfiles", 200, 0, 5*time.Second)
	if got, want := batch(largePath), "503 "+codeUnavailable+" 200"; got != want {
		t.Errorf("batch without memory: %s, want %s", got, want)
	}
	s.conns.bytes = 0
	check(ti+largePath, 200, 0, 5*time.Second)
	if got, want := batch(largePath), "200  200"; got != want {
		t.Errorf("batch: %s, want %s", got, want)
	}
	if s.conns.bytes != 0 {
		t.Errorf("%d bytes are still held", s.conns.bytes)
	}

	for n := range s.making.max {
		if err := s.making.take(t.Context(), fmt.Sprint(n), time.Second); err != nil {
			t.Fatal(err)
		}
	}
	check("/healthz", 200, 0, time.Second)
	check("/readyz", 200, 0, time.Second)
	check(ti+"/intelProfiles", 503, makingPatience, makingPatience+5*time.Second)
	go func() {
		time.Sleep(100 * time.Millisecond)
		s.making.leave("0")
	}()
	check(ti+"/intelProfiles", 200, 50*time.Millisecond, makingPatience)
	if n := s.making.count(); n != s.making.max-1 {
		t.Errorf("%d turns are taken, want %d", n, s.making.max-1)
	}
}

// TestServerLog holds what net/http says of strangers' doings out of the log.
func TestServerLog(t *testing.T) {
	var b bytes.Buffer
	s := New(Config{Logger: slog.New(slog.NewTextHandler(&b, nil))})
	l := s.HTTPServer("").ErrorLog
	l.Print("http: TLS handshake error from 192.0.2.1:5: EOF")
	l.Print("http2: server connection error from 192.0.2.1:5: connection error: PROTOCOL_ERROR")
	if b.Len() > 0 {
		t.Errorf("logged: %s", &b)
	}
	l.Print("http: Accept error: accept tcp: too many open files; retrying in 5ms")
	if !strings.Contains(b.String(), "too many open files") {
		t.Errorf("logged: %q", &b)
	}
}

// TestTurnWhileReading holds a request that awaits its body to let others go
// first.
func TestTurnWhileReading(t *testing.T) {
	s := fixtureServer(fixtureStore(t, 3))
	s.making = newTurns(2) // of which one client has one
	in, out := io.Pipe()
	slow := s.newRequest(httptest.NewRequest("POST", "/v1.0/x", in))
	if err := slow.takeTurn(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() {
		body, err := slow.readBody(100)
		if string(body) != "{}" || !slow.turn {
			t.Errorf("read %q, its turn: %v", body, slow.turn)
		}
		slow.leaveTurn()
		done <- err
	}()
	io.WriteString(out, "{")
	if w := ask(s, "GET", ti+"/intelProfiles?$top=1"); w.Code != 200 {
		t.Errorf("meanwhile: %d %s", w.Code, w.Body)
	}
	io.WriteString(out, "}")
	out.Close()
	if err := <-done; err != nil || s.making.count() != 0 {
		t.Errorf("%v; %d turns are taken", err, s.making.count())
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequestWithContext(gone, "GET", ti+"/intelProfiles", nil))
	if w.Code != 503 || s.making.count() != 0 {
		t.Errorf("for a client who is gone: %d; %d turns are taken", w.Code, s.making.count())
	}
}
