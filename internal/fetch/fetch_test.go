package fetch

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// patient is a client for servers on this machine that does not really wait. It
// writes down how long it would have.
func patient(waits *[]time.Duration) *Client {
	return &Client{AllowPrivate: true, Rate: 1000, wait: func(ctx context.Context, d time.Duration) error {
		if waits != nil {
			*waits = append(*waits, d)
		}
		return ctx.Err()
	}}
}

func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// spooled fetches a target and returns the body with the state.
func spooled(t *testing.T, c *Client, target Target) (string, State, error) {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "body"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	st, err := c.Spool(t.Context(), target, f)
	data, readErr := os.ReadFile(f.Name())
	if readErr != nil {
		t.Fatal(readErr)
	}
	return string(data), st, err
}

const list = "192.0.2.7\n192.0.2.8\n"

// TestHostile holds what is said of servers that misbehave.
func TestHostile(t *testing.T) {
	private := serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, list) })
	hijack := func(w http.ResponseWriter, text string) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		fmt.Fprint(conn, text)
		conn.Close()
	}
	bomb := func(w http.ResponseWriter) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		zeros := make([]byte, 1<<20)
		for range 200 {
			_, _ = z.Write(zeros)
		}
		z.Close()
	}
	for _, tt := range []struct {
		name   string
		limits Limits
		handle http.HandlerFunc
		want   string // part of the error; "" is none
		tries  int
	}{
		{"500 for ever", Limits{}, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "database\n  down", 500) }, "answered 500 Internal Server Error: database down (4 attempts)", 4},
		{"404", Limits{}, func(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) }, "answered 404 Not Found", 1},
		{"401", Limits{}, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(401) }, "is the key right", 1},
		{"HTML", Limits{}, func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, "\ufeff\n<!-- hi --><!DOCTYPE HTML><title>Sign in</title>")
		}, `a web page, not data: "Sign in"`, 1},
		{"HTML as an error", Limits{}, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403); fmt.Fprint(w, "<html>no</html>") }, "allowed to read this?)", 1},
		{"truncated", Limits{}, func(w http.ResponseWriter, _ *http.Request) {
			hijack(w, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"+list)
		}, "unexpected EOF (4 attempts)", 4},
		{"broken chunk", Limits{}, func(w http.ResponseWriter, _ *http.Request) {
			hijack(w, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n14\r\n"+list+"\r\n")
		}, "unexpected EOF (4 attempts)", 4},
		{"wrong length, too small", Limits{}, func(w http.ResponseWriter, _ *http.Request) {
			hijack(w, "HTTP/1.1 200 OK\r\nContent-Length: 20\r\nConnection: close\r\n\r\n"+list+"more")
		}, "", 1},
		{"two lengths", Limits{}, func(w http.ResponseWriter, _ *http.Request) {
			hijack(w, "HTTP/1.1 200 OK\r\nContent-Length: 20\r\nContent-Length: 5\r\n\r\n"+list)
		}, "Content-Length", 4},
		{"no HTTP", Limits{}, func(w http.ResponseWriter, _ *http.Request) { hijack(w, list) }, "malformed HTTP", 4},
		{"endless headers", Limits{}, func(w http.ResponseWriter, _ *http.Request) {
			hijack(w, "HTTP/1.1 200 OK\r\n"+strings.Repeat("X: "+strings.Repeat("y", 1000)+"\r\n", 1000))
		}, "exceeded", 4},
		{"endless", Limits{Bytes: 1 << 20}, func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := fmt.Fprint(w, list); err != nil {
					return
				}
			}
		}, "larger than the limit of 1 MiB", 1},
		{"says that it is too large", Limits{Bytes: 1 << 20}, func(w http.ResponseWriter, _ *http.Request) {
			hijack(w, "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n"+list)
		}, "larger than the limit of 1 MiB", 1},
		{"slow drip", Limits{Window: 50 * time.Millisecond, MinBytes: 1 << 10}, func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				fmt.Fprint(w, "x")
				w.(http.Flusher).Flush()
				time.Sleep(2 * time.Millisecond)
			}
		}, "too slow", 4},
		{"no answer", Limits{Head: 50 * time.Millisecond}, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "timeout", 4},
		{"never done", Limits{Total: 100 * time.Millisecond, MinBytes: 1}, func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				fmt.Fprint(w, list)
				w.(http.Flusher).Flush()
				time.Sleep(5 * time.Millisecond)
			}
		}, "not done within", 1},
		{"bomb", Limits{}, func(w http.ResponseWriter, _ *http.Request) { bomb(w) }, "refused as a bomb", 1},
		{"truncated gzip", Limits{}, func(w http.ResponseWriter, r *http.Request) {
			if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
				fmt.Fprint(w, list)
				return
			}
			var b bytes.Buffer
			z := gzip.NewWriter(&b)
			fmt.Fprint(z, strings.Repeat(list, 1000))
			z.Close()
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(b.Bytes()[:b.Len()-9])
		}, "", 2},
		{"no gzip", Limits{}, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			fmt.Fprint(w, list)
		}, "invalid header (4 attempts)", 4},
		{"strange encoding", Limits{}, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "br")
			fmt.Fprint(w, list)
		}, `encoded as "br"`, 1},
		{"304 to no question", Limits{}, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(304) }, "304 Not Modified where a body", 1},
		{"206 to no question", Limits{}, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(206); fmt.Fprint(w, list) }, "206 Partial Content where a body", 1},
		{"redirect to a file", Limits{}, redirect("file:///etc/passwd"), "redirect to file://", 1},
		{"redirect to gopher", Limits{}, redirect("gopher://192.0.2.1/"), "redirect to gopher://", 1},
		{"redirect loop", Limits{}, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) }, "more than 10 redirects", 11},
		{"redirect to the cloud's keys", Limits{}, redirect("http://169.254.169.254/latest/meta-data/"), "169.254.169.254 is an address that is no server's", 1},
		{"redirect to nowhere", Limits{}, redirect("http://0.0.0.0:1/"), "no server's", 1},
		{"redirect onward", Limits{}, redirect(private), "", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var tries atomic.Int32
			base := serve(t, func(w http.ResponseWriter, r *http.Request) { tries.Add(1); tt.handle(w, r) })
			c := patient(nil)
			c.Limits = tt.limits
			body, _, err := spooled(t, c, Target{URL: base + "/feed?key=secret"})
			switch {
			case tt.want == "" && (err != nil || body != list):
				t.Errorf("%q, %v", body, err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("error %v, want %q", err, tt.want)
			case err != nil && strings.Contains(err.Error(), "secret"):
				t.Errorf("%v shows the query", err)
			}
			if int(tries.Load()) != tt.tries {
				t.Errorf("%d requests, want %d", tries.Load(), tt.tries)
			}
		})
	}
}

func redirect(to string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusFound) }
}

// TestPrivate holds that private addresses are refused: named directly, by a name
// that leads to one, and after a redirect.
func TestPrivate(t *testing.T) {
	asked := 0
	base := serve(t, func(http.ResponseWriter, *http.Request) { asked++ })
	port := base[strings.LastIndexByte(base, ':'):]
	for _, address := range []string{base, "http://localhost" + port, "http://[::ffff:127.0.0.1]" + port, "http://[::1]" + port} {
		if _, _, err := spooled(t, &Client{}, Target{URL: address}); err == nil || !strings.Contains(err.Error(), "is a private address") {
			t.Errorf("%s: %v", address, err)
		}
	}
	for _, address := range []string{"file:///etc/passwd", "ftp://example.org/", "http:///x", "feed.json"} {
		if _, _, err := spooled(t, &Client{}, Target{URL: address}); err == nil || !strings.Contains(err.Error(), "refused") {
			t.Errorf("%s: %v", address, err)
		}
	}
	if asked > 0 {
		t.Errorf("%d connections were made", asked)
	}
}

func TestRefusal(t *testing.T) {
	for address, want := range map[string][2]bool{ // refused: usually; if private ones are allowed
		"93.184.215.14": {false, false}, "2606:4700::1111": {false, false}, "64:ff9b::5db8:d70e": {false, false},
		"10.0.0.1": {true, false}, "172.31.0.1": {true, false}, "192.168.1.1": {true, false}, "127.1.2.3": {true, false}, "100.64.0.1": {true, false},
		"::1": {true, false}, "fd00::1": {true, false}, "::ffff:10.0.0.1": {true, false}, "64:ff9b::a00:1": {true, false}, "2002:a00:1::": {true, false}, "::127.0.0.1": {true, false},
		"169.254.169.254": {true, true}, "fe80::1": {true, true}, "0.0.0.0": {true, true}, "::": {true, true}, "224.0.0.1": {true, true}, "255.255.255.255": {true, true},
		"64:ff9b::a9fe:a9fe": {true, true}, "::ffff:169.254.169.254": {true, true}, "240.0.0.1": {true, false}, "198.18.0.1": {true, false},
	} {
		for i, private := range []bool{false, true} {
			if got := refusal(netip.MustParseAddr(address), private) != ""; got != want[i] {
				t.Errorf("refusal(%s, %v) = %v", address, private, got)
			}
		}
	}
}

func TestConditional(t *testing.T) {
	body, tag, modified := list, `"1"`, "Tue, 01 Sep 2026 10:00:00 GMT"
	var asked []string
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Header.Get("If-None-Match")+r.Header.Get("If-Modified-Since"))
		w.Header().Set("ETag", tag)
		w.Header().Set("Last-Modified", modified)
		if r.Header.Get("If-None-Match") == tag {
			w.WriteHeader(304)
			return
		}
		fmt.Fprint(w, body)
	})
	c := patient(nil)
	_, st, err := spooled(t, c, Target{URL: base})
	if err != nil || st.ETag != tag || st.LastModified != modified || st.Size != int64(len(list)) {
		t.Fatal(st, err)
	}
	_, again, err := spooled(t, c, Target{URL: base, State: st})
	if !errors.Is(err, ErrUnchanged) || again != st || asked[1] != tag+modified {
		t.Errorf("%+v, %v, asked %q", again, err, asked)
	}
	// The ETag changes, the content does not.
	tag = `"2"`
	if _, again, err = spooled(t, c, Target{URL: base, State: st}); !errors.Is(err, ErrUnchanged) || again.ETag != tag {
		t.Errorf("%+v, %v", again, err)
	}
	// The content changes, the ETag does not: believed for a week.
	body, st = "192.0.2.9\n", again
	if _, _, err = spooled(t, c, Target{URL: base, State: st}); !errors.Is(err, ErrUnchanged) {
		t.Error(err)
	}
	st.Whole -= (8 * 24 * time.Hour).Milliseconds()
	got, again, err := spooled(t, c, Target{URL: base, State: st})
	if err != nil || got != body || again.Hash == st.Hash || asked[len(asked)-1] != "" {
		t.Errorf("%q, %+v, %v", got, again, err)
	}
}

// TestResume holds that a broken transfer goes on where it broke, that a body
// that changes meanwhile is never mixed, and that servers without ranges work.
func TestResume(t *testing.T) {
	old, changed := strings.Repeat(list, 5000), strings.Repeat("198.51.100.7\n", 9000)
	for _, tt := range []struct {
		name    string
		serve   func(w http.ResponseWriter, r *http.Request, n int) // n counts from 1
		want    string
		renewed int // bytes sent in all, at most
	}{
		{"range", func(w http.ResponseWriter, r *http.Request, n int) { part(w, r, old, `"a"`, n <= 3) }, old, len(old) + 4*overlap},
		{"changed, other tag", func(w http.ResponseWriter, r *http.Request, n int) {
			if n == 1 {
				part(w, r, old, `"a"`, true)
				return
			}
			part(w, r, changed, `"b"`, false)
		}, changed, 1 << 30},
		{"changed, same tag", func(w http.ResponseWriter, r *http.Request, n int) {
			if n == 1 {
				part(w, r, old, `"a"`, true)
				return
			}
			part(w, r, changed, `"a"`, false)
		}, changed, 1 << 30},
		{"no ranges", func(w http.ResponseWriter, _ *http.Request, n int) {
			w.Header().Set("ETag", `"a"`)
			cut(w, old, n <= 2)
		}, old, 1 << 30},
		{"other place", func(w http.ResponseWriter, r *http.Request, n int) {
			if r.Header.Get("Range") != "" {
				w.Header().Set("Content-Range", fmt.Sprintf("bytes 7-%d/%d", len(old)-1, len(old)))
				w.WriteHeader(206)
				fmt.Fprint(w, old[7:])
				return
			}
			w.Header().Set("ETag", `"a"`)
			cut(w, old, n == 1)
		}, old, 1 << 30},
		{"416", func(w http.ResponseWriter, r *http.Request, n int) {
			if r.Header.Get("Range") != "" {
				w.WriteHeader(416)
				return
			}
			w.Header().Set("ETag", `"a"`)
			cut(w, old, n == 1)
		}, old, 1 << 30},
		{"weak tag", func(w http.ResponseWriter, r *http.Request, n int) {
			if r.Header.Get("Range") != "" {
				panic("a weak ETag does not allow it")
			}
			w.Header().Set("ETag", `W/"a"`)
			cut(w, old, n == 1)
		}, old, 1 << 30},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n, sent := 0, 0
			base := serve(t, func(w http.ResponseWriter, r *http.Request) {
				n++
				counted := &countingWriter{ResponseWriter: w, n: &sent}
				tt.serve(counted, r, n)
			})
			got, st, err := spooled(t, patient(nil), Target{URL: base})
			if err != nil || got != tt.want || st.Size != int64(len(tt.want)) {
				t.Errorf("%d bytes, %v; want %d", len(got), err, len(tt.want))
			}
			if sent > tt.renewed {
				t.Errorf("%d bytes were sent for a body of %d", sent, len(tt.want))
			}
		})
	}
}

type countingWriter struct {
	http.ResponseWriter
	n *int
}

func (c *countingWriter) Write(p []byte) (int, error) {
	*c.n += len(p)
	return c.ResponseWriter.Write(p)
}

// part serves ranges as it should be done, a third of what is left if it breaks.
func part(w http.ResponseWriter, r *http.Request, body, tag string, breaks bool) {
	w.Header().Set("ETag", tag)
	from := 0
	if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from); err == nil && r.Header.Get("If-Range") == tag {
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(body)-1, len(body)))
		w.Header().Set("Content-Length", fmt.Sprint(len(body)-from))
		w.WriteHeader(206)
	} else {
		from = 0
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
	}
	rest := body[from:]
	if breaks {
		rest = rest[:len(rest)/3]
	}
	fmt.Fprint(w, rest)
	if breaks {
		panic(http.ErrAbortHandler)
	}
}

func cut(w http.ResponseWriter, body string, breaks bool) {
	w.Header().Set("Content-Length", fmt.Sprint(len(body)))
	if breaks {
		fmt.Fprint(w, body[:len(body)/2])
		panic(http.ErrAbortHandler)
	}
	fmt.Fprint(w, body)
}

func TestRetry(t *testing.T) {
	for _, tt := range []struct {
		name   string
		header string
		code   int
		want   func(waits []time.Duration) bool
		fails  string
	}{
		{"seconds", "7", 429, func(w []time.Duration) bool { return len(w) == 1 && w[0] == 7*time.Second }, ""},
		{"a date", time.Now().Add(30 * time.Second).UTC().Format(http.TimeFormat), 503, func(w []time.Duration) bool {
			return len(w) == 1 && w[0] > 25*time.Second && w[0] <= 30*time.Second
		}, ""},
		{"nothing", "", 502, func(w []time.Duration) bool { return len(w) == 1 && w[0] >= firstWait/2 && w[0] <= firstWait }, ""},
		{"nonsense", "soon", 503, func(w []time.Duration) bool { return len(w) == 1 && w[0] <= firstWait }, ""},
		{"the past", "Tue, 01 Sep 1998 10:00:00 GMT", 503, func(w []time.Duration) bool { return len(w) == 1 && w[0] <= firstWait }, ""},
		{"too long", "86400", 429, func(w []time.Duration) bool { return len(w) == 0 }, "asks to wait 24h0m0s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n := 0
			base := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				if n++; n == 1 {
					w.Header().Set("Retry-After", tt.header)
					w.WriteHeader(tt.code)
					return
				}
				fmt.Fprint(w, list)
			})
			var waits []time.Duration
			_, _, err := spooled(t, patient(&waits), Target{URL: base})
			if !tt.want(waits) {
				t.Errorf("waits %v", waits)
			}
			if (err == nil) != (tt.fails == "") || err != nil && !strings.Contains(err.Error(), tt.fails) {
				t.Error(err)
			}
		})
	}
	for failures, most := 1, time.Second; failures < 40; failures, most = failures+1, min(2*most, time.Hour) {
		if d := Backoff(failures); d < most/2 || d > most {
			t.Errorf("Backoff(%d) = %v, want up to %v", failures, d, most)
		}
	}
}

// TestSecrets holds that keys go to nobody but the server that they are for.
func TestSecrets(t *testing.T) {
	var other http.Header
	elsewhere := serve(t, func(w http.ResponseWriter, r *http.Request) { other = r.Header; fmt.Fprint(w, list) })
	// The same machine under another name is another origin.
	elsewhere = strings.Replace(elsewhere, "127.0.0.1", "localhost", 1)
	var own string
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		own = r.Header.Get("Auth-Key")
		http.Redirect(w, r, elsewhere, http.StatusFound)
	})
	c := patient(nil)
	c.Secrets = []string{"s3cret"}
	if _, _, err := spooled(t, c, Target{URL: base, Header: http.Header{"Auth-Key": {"s3cret"}, "Authorization": {"Bearer s3cret"}, "Accept": {"text/csv"}}}); err != nil {
		t.Fatal(err)
	}
	if own != "s3cret" || other.Get("Auth-Key") != "" || other.Get("Authorization") != "" || other.Get("Accept") != "text/csv" {
		t.Errorf("own %q, other %v", own, other)
	}
	_, _, err := spooled(t, c, Target{URL: serve(t, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "bad key s3cret", http.StatusForbidden) }) + "/s3cret/x"})
	if err == nil || strings.Contains(err.Error(), "s3cret") || !strings.Contains(err.Error(), "/***/x") {
		t.Error(err)
	}
}

// TestProxy holds that a proxy is used, may be private itself, and is not asked
// for private addresses.
func TestProxy(t *testing.T) {
	var asked []string
	proxy, err := url.Parse(serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.String())
		fmt.Fprint(w, list)
	}))
	if err != nil {
		t.Fatal(err)
	}
	c := &Client{Proxy: proxy}
	if got, _, err := spooled(t, c, Target{URL: "http://feed.example/x"}); err != nil || got != list || asked[0] != "http://feed.example/x" {
		t.Error(got, err, asked)
	}
	for _, host := range []string{"127.0.0.1", "10.1.2.3", "localhost", "2130706433", "0x7f.1", "[::1]", "localhost."} {
		if _, _, err := spooled(t, c, Target{URL: "http://" + host + "/"}); err == nil || !strings.Contains(err.Error(), "is a private address") {
			t.Errorf("%s: %v", host, err)
		}
	}
	if len(asked) != 1 {
		t.Errorf("the proxy was asked for %q", asked)
	}
}

func TestCertificates(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, list) }))
	defer s.Close()
	s.Config.ErrorLog = nil
	var waits []time.Duration
	if _, _, err := spooled(t, patient(&waits), Target{URL: s.URL}); err == nil || !strings.Contains(err.Error(), "certificate") || len(waits) > 0 {
		t.Errorf("%v, after %v", err, waits)
	}
	c := patient(nil)
	c.Roots = s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	if got, _, err := spooled(t, c, Target{URL: s.URL}); err != nil || got != list {
		t.Error(got, err)
	}
	down := serve(t, func(http.ResponseWriter, *http.Request) {})
	tls := httptest.NewTLSServer(redirect(down))
	defer tls.Close()
	c = patient(nil)
	c.Roots = tls.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	if _, _, err := spooled(t, c, Target{URL: tls.URL}); err == nil || !strings.Contains(err.Error(), "from https to http") {
		t.Error(err)
	}
}

func TestDiskFull(t *testing.T) {
	f, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
	if err != nil {
		t.Skip(err)
	}
	defer f.Close()
	n := 0
	base := serve(t, func(w http.ResponseWriter, _ *http.Request) { n++; fmt.Fprint(w, list) })
	_, err = patient(nil).Spool(t.Context(), Target{URL: base}, f)
	if err == nil || n != 1 {
		t.Errorf("%v, after %d requests", err, n)
	}
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, list)
		w.(http.Flusher).Flush()
		cancel()
		<-r.Context().Done()
	})
	f, err := os.Create(filepath.Join(t.TempDir(), "body"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := patient(nil).Spool(ctx, Target{URL: base}, f); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestRate holds that one host is not asked faster than agreed.
func TestRate(t *testing.T) {
	base := serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, list) })
	c := &Client{AllowPrivate: true, Rate: 50}
	begin := time.Now()
	for range 60 {
		req, err := http.NewRequest(http.MethodGet, base, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		res.Body.Close()
	}
	if d := time.Since(begin); d < 150*time.Millisecond {
		t.Errorf("60 requests in %v: more than 50 a second after the first 50", d)
	}
}
