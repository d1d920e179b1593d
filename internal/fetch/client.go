package fetch

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limits bound what a server may cost. Zero fields have the defaults of
// [DefaultLimits].
type Limits struct {
	Bytes    int64         // of one body, after decompression
	Total    time.Duration // of one attempt, body included
	Head     time.Duration // until the answer begins
	Window   time.Duration // time in which at least MinBytes must come
	MinBytes int64
	Attempts int           // for one request, and for one body
	Wait     time.Duration // longest wait between attempts; a server that asks for more is given up
}

// DefaultLimits are generous for a feed, and end a slow drip within minutes.
var DefaultLimits = Limits{
	Bytes: 4 << 30, Total: time.Hour, Head: 2 * time.Minute, Window: time.Minute, MinBytes: 64 << 10, Attempts: 4, Wait: 2 * time.Minute,
}

func (l Limits) orDefaults() Limits {
	d := DefaultLimits
	return Limits{
		cmp.Or(l.Bytes, d.Bytes), cmp.Or(l.Total, d.Total), cmp.Or(l.Head, d.Head), cmp.Or(l.Window, d.Window), cmp.Or(l.MinBytes, d.MinBytes),
		cmp.Or(l.Attempts, d.Attempts), cmp.Or(l.Wait, d.Wait),
	}
}

// A Client sends requests. Its zero value works; its fields are set before the
// first use. It is safe for concurrent use.
type Client struct {
	AllowPrivate bool           // private and loopback addresses may be contacted
	Roots        *x509.CertPool // nil: the system's
	Proxy        *url.URL       // nil: what the environment says (HTTPS_PROXY, NO_PROXY)
	UserAgent    string
	Limits       Limits
	// Rate is how many requests a second one host gets; 0 is 5.
	Rate float64
	// Secrets are taken out of errors.
	Secrets []string
	// Progress, if not nil, is told how many bytes of a body came.
	Progress func(n int)

	wait  func(ctx context.Context, d time.Duration) error // nil: [sleep]
	once  sync.Once
	http  *http.Client
	mu    sync.Mutex
	hosts map[string]*rate.Limiter
}

const (
	maxRedirects = 10
	maxHeader    = 256 << 10
	usualRate    = 5
	firstWait    = time.Second
)

func (c *Client) setup() {
	direct := c.transport()
	direct.DialContext = (&net.Dialer{Timeout: 30 * time.Second, Control: guard(c.AllowPrivate)}).DialContext
	find := http.ProxyFromEnvironment
	if c.Proxy != nil {
		find = http.ProxyURL(c.Proxy)
	}
	proxied := c.transport() // dials nothing but the proxy, which the operator named
	proxied.Proxy = find
	c.http = &http.Client{
		Transport:     &router{find: find, direct: direct, proxied: proxied, private: c.AllowPrivate},
		CheckRedirect: checkRedirect,
	}
	c.hosts = map[string]*rate.Limiter{}
}

func (c *Client) transport() *http.Transport {
	return &http.Transport{
		TLSClientConfig:       &tls.Config{RootCAs: c.Roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:   30 * time.Second,
		ResponseHeaderTimeout: c.Limits.orDefaults().Head, MaxResponseHeaderBytes: maxHeader,
		IdleConnTimeout: 90 * time.Second, MaxIdleConnsPerHost: 4, ForceAttemptHTTP2: true,
		DisableCompression: true, // it is asked for, bounded and undone in spool.go
	}
}

// harmless are the headers that follow a redirect to another origin.
var harmless = map[string]bool{
	"Accept": true, "Accept-Encoding": true, "User-Agent": true, "Range": true, "If-Range": true, "If-None-Match": true, "If-Modified-Since": true, "Referer": false,
}

func checkRedirect(req *http.Request, via []*http.Request) error {
	first, last := via[0].URL, via[len(via)-1].URL
	switch {
	case len(via) > maxRedirects:
		return &RefusedError{"more than 10 redirects"}
	case req.URL.Scheme != "http" && req.URL.Scheme != "https":
		return &RefusedError{"a redirect to " + clip(req.URL.Scheme) + "://, which is not fetched"}
	case last.Scheme == "https" && req.URL.Scheme == "http":
		return &RefusedError{"a redirect from https to http"}
	}
	if req.URL.Scheme != first.Scheme || req.URL.Host != first.Host {
		for name := range req.Header {
			if !harmless[name] {
				req.Header.Del(name)
			}
		}
	}
	return nil
}

// Do sends a request until there is an answer: it waits its turn at the host,
// retries what may pass (lost connections, 408, 425, 429, 500, 502, 503, 504)
// with growing waits, and obeys Retry-After. The answer's body is bounded in
// size and time, and must be closed. The request's body, if it has one, must be
// one that net/http can send again.
//
// The error is a *[StatusError] for an answer of 400 and more, a
// *[RefusedError] for what is never fetched, or that of the connection.
func (c *Client) Do(req *http.Request) (*http.Response, error) {
	c.once.Do(c.setup)
	if req.URL.Scheme != "http" && req.URL.Scheme != "https" || req.URL.Host == "" {
		return nil, c.about(req.URL, &RefusedError{"only http:// and https:// are fetched"})
	}
	if req.Header.Get("User-Agent") == "" {
		req.Header.Set("User-Agent", cmp.Or(c.UserAgent, "dossier"))
	}
	l := c.Limits.orDefaults()
	for attempt := 1; ; attempt++ {
		if err := c.limiter(req.URL.Host).Wait(req.Context()); err != nil {
			return nil, err
		}
		if attempt > 1 && req.GetBody != nil {
			body, err := req.GetBody()
			if err != nil {
				return nil, err
			}
			req.Body = body
		}
		res, err := c.once1(req, l)
		if err == nil {
			return res, nil
		}
		pause, again := retryIn(err, attempt)
		if req.Context().Err() != nil || !again || attempt >= l.Attempts || pause > l.Wait {
			if attempt > 1 {
				err = &triedError{err, attempt}
			}
			return nil, c.about(req.URL, err)
		}
		if err := c.sleep(req.Context(), pause); err != nil {
			return nil, err
		}
	}
}

// once1 is one attempt; an answer of 400 and more is an error.
func (c *Client) once1(req *http.Request, l Limits) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	total := time.AfterFunc(l.Total, func() { cancel(&SlowError{fmt.Sprintf("not done within %s", l.Total)}) })
	stop := func() { total.Stop(); cancel(nil) }
	res, err := c.http.Do(req.WithContext(ctx))
	if err != nil {
		err = cause(ctx, err)
		stop()
		return nil, err
	}
	res.Body = newBody(ctx, cancel, stop, res.Body, l, c.Progress)
	if res.StatusCode < 400 {
		return res, nil
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(res.Body, 2<<10))
	return nil, &StatusError{Code: res.StatusCode, Header: res.Header, Text: plain(text), Retry: retryAfter(res.Header, time.Now())}
}

func (c *Client) limiter(host string) *rate.Limiter {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.hosts[host]
	if l == nil {
		r := cmp.Or(c.Rate, usualRate)
		l = rate.NewLimiter(rate.Limit(r), max(1, int(r)))
		c.hosts[host] = l
	}
	return l
}

func (c *Client) sleep(ctx context.Context, d time.Duration) error {
	if c.wait != nil {
		return c.wait(ctx, d)
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// retryIn says how long to wait before the next attempt, and whether there is
// any use in one.
func retryIn(err error, attempt int) (time.Duration, bool) {
	var status *StatusError
	var refused *RefusedError
	var unknown x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	var other x509.HostnameError
	var dns *net.DNSError
	switch {
	case errors.As(err, &status):
		if !status.temporary() {
			return 0, false
		}
		if status.Retry > 0 {
			return status.Retry, true
		}
	case errors.As(err, &refused), errors.As(err, &unknown), errors.As(err, &invalid), errors.As(err, &other),
		errors.As(err, &dns) && dns.IsNotFound:
		return 0, false
	}
	return Backoff(attempt), true
}

// Backoff returns how long to wait after so many failures: 1 s, 2 s, 4 s … up to
// an hour, between half and the whole of it by chance, so that those who failed
// together do not return together.
func Backoff(failures int) time.Duration {
	d := min(firstWait<<min(max(failures, 1)-1, 20), time.Hour)
	return d/2 + rand.N(d/2+1)
}

// about says what was fetched, without query and secrets.
func (c *Client) about(u *url.URL, err error) error {
	var status *StatusError
	if errors.Is(err, context.Canceled) && !errors.As(err, &status) {
		return err
	}
	shown := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}
	return &requestError{c.hide(shown.String()), c.hide(err.Error()), err}
}

func (c *Client) hide(s string) string {
	for _, secret := range c.Secrets {
		if secret != "" {
			s = strings.ReplaceAll(strings.ReplaceAll(s, secret, "***"), url.PathEscape(secret), "***")
		}
	}
	return s
}

// cause is why a request ended: our own reason before that of the connection.
func cause(ctx context.Context, err error) error {
	if why := context.Cause(ctx); why != nil && !errors.Is(why, context.Canceled) {
		return why
	}
	var refused *RefusedError
	if errors.As(err, &refused) {
		return refused // the connection that was not made adds nothing
	}
	var ue *url.Error
	if errors.As(err, &ue) {
		return ue.Err // the address is named by about
	}
	return err
}
