package fetch

import (
	"bytes"
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// A Poster sends bodies to addresses that strangers chose: one attempt, https
// only, no redirects, bounded in time and size. Addresses are guarded as
// [Client]'s. Its zero value works; its fields are set before the first use. It is
// safe for concurrent use.
type Poster struct {
	AllowPrivate bool           // private and loopback addresses may be contacted
	Roots        *x509.CertPool // nil: the system's
	Proxy        *url.URL       // nil: what the environment says
	UserAgent    string

	// Resolver, if not nil, resolves names; for tests.
	Resolver *net.Resolver

	once sync.Once
	http *http.Client
}

// maxReply bounds what is read of an answer, in bytes.
const maxReply = 16 << 10

// A Reply is what the receiver answered.
type Reply struct {
	Status int
	Header http.Header
	Body   []byte        // the beginning
	Retry  time.Duration // what Retry-After asks for, 0 if nothing
}

// OK reports whether the receiver took it.
func (r *Reply) OK() bool { return r.Status >= 200 && r.Status < 300 }

func (p *Poster) setup() {
	c := &Client{AllowPrivate: p.AllowPrivate, Roots: p.Roots, Proxy: p.Proxy}
	direct := c.transport()
	direct.MaxResponseHeaderBytes = maxReply
	direct.DialContext = (&net.Dialer{Timeout: 10 * time.Second, Resolver: p.Resolver, Control: guard(p.AllowPrivate)}).DialContext
	find := http.ProxyFromEnvironment
	if p.Proxy != nil {
		find = http.ProxyURL(p.Proxy)
	}
	proxied := c.transport()
	proxied.MaxResponseHeaderBytes, proxied.Proxy = maxReply, find
	p.http = &http.Client{
		Transport:     &router{find: find, direct: direct, proxied: proxied, private: p.AllowPrivate},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// CheckAddress says what is wrong with an address that bodies are to be sent to,
// as far as that can be told without connecting: nil if nothing is.
func CheckAddress(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return errors.New("it is no URL")
	case u.Scheme != "https":
		return errors.New("it must begin with https://")
	case u.Hostname() == "":
		return errors.New("it has no host")
	case u.User != nil:
		return errors.New("it must not hold a name or password")
	case u.Fragment != "":
		return errors.New("it must not have a fragment")
	}
	return nil
}

// Post sends the body once and returns the answer, whatever its status. It takes no
// longer than within, the answer's body included: of a body that is larger or slower
// than wanted, what came is returned. Errors do not name the query of the address.
func (p *Poster) Post(ctx context.Context, address, contentType string, body []byte, within time.Duration) (*Reply, error) {
	p.once.Do(p.setup)
	if err := CheckAddress(address); err != nil {
		return nil, &RefusedError{err.Error()}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, within, &SlowError{fmt.Sprintf("no answer within %s", within)})
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", contentType)
	req.Header.Set("User-Agent", cmp.Or(p.UserAgent, "dossier"))
	about := &Client{}
	res, err := p.http.Do(req)
	if err != nil {
		return nil, about.about(req.URL, cause(ctx, err))
	}
	defer res.Body.Close()
	reply := &Reply{Status: res.StatusCode, Header: res.Header, Retry: retryAfter(res.Header, time.Now())}
	// What cannot be read is as good as not sent: the status is what counts.
	reply.Body, _ = io.ReadAll(io.LimitReader(res.Body, maxReply))
	if res.StatusCode >= 300 && res.StatusCode < 400 {
		return reply, about.about(req.URL, &RefusedError{"the receiver redirects, which is not followed"})
	}
	return reply, nil
}
