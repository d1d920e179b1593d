package auth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"dossier/internal/intel"
	"dossier/internal/store"

	"golang.org/x/time/rate"
)

// A Mode says what those may do who give no token.
type Mode string

// The modes.
const (
	Auto     Mode = "auto"     // on loopback they may read
	None     Mode = "none"     // they may read, from anywhere
	Required Mode = "required" // nothing
)

// ParseMode reads the name of a mode.
func ParseMode(s string) (Mode, error) {
	if m := Mode(s); m == Auto || m == None || m == Required {
		return m, nil
	}
	return "", fmt.Errorf("mode %q: want auto, none or required", s)
}

// An Identity is who is asking.
type Identity struct {
	ClientID    string // of a foreign issuer: its name, a slash, the subject; "" if anonymous
	Name        string
	Owner       string
	Permissions []Permission
	Ceiling     intel.TLP
}

// Anonymous reports whether nobody said who they are.
func (i *Identity) Anonymous() bool { return i.ClientID == "" }

// May reports whether the identity holds the permission.
func (i *Identity) May(p Permission) bool { return Holds(i.Permissions, p) }

// A Guard identifies who sends a request. It is safe for concurrent use.
type Guard struct {
	Mode      Mode
	Issuer    *Issuer
	Providers []*Provider    // whose tokens are accepted beside our own
	Ceiling   intel.TLP      // of anonymous readers
	Proxies   []netip.Prefix // whose forwarded headers are believed
	Logger    *slog.Logger   // nil: the default

	mu      sync.Mutex
	buckets map[string]*bucket
	touched map[string]time.Time
}

// Errors of [Guard.Identify], besides those of tokens.
var (
	ErrNoToken   = errors.New("no access token")
	ErrTooMany   = errors.New("too many requests")
	errBadForm   = fmt.Errorf("%w: want one header Authorization: Bearer …", ErrTokenInvalid)
	errInQuery   = fmt.Errorf("%w: a token in the query is not accepted", ErrTokenInvalid)
	errNoClient  = fmt.Errorf("%w: no client has this id and secret, or it may not be used any more", ErrTokenInvalid)
	errRebound   = fmt.Errorf("%w: the Host header names another host than this machine", ErrNoToken)
	errProxied   = fmt.Errorf("%w: the request came through a proxy", ErrNoToken)
	errElsewhere = fmt.Errorf("%w: the request does not come from this machine", ErrNoToken)
)

// Identify returns who sends the request. A token that is given is checked even
// where none is needed: a bad one is never anonymous. The error wraps
// [ErrNoToken], [ErrTokenInvalid], [ErrTokenExpired], [ErrTooMany] or
// [ErrUnavailable].
func (g *Guard) Identify(r *http.Request) (*Identity, error) {
	headers := r.Header.Values("Authorization")
	if len(headers) == 0 {
		if queryHas(r.URL.RawQuery, "access_token") {
			return nil, errInQuery
		}
		return g.anonymous(r)
	}
	scheme, token, ok := strings.Cut(headers[0], " ")
	token = strings.TrimSpace(token)
	if len(headers) > 1 || !ok || !strings.EqualFold(scheme, "Bearer") || token == "" || strings.ContainsAny(token, " ,") {
		return nil, errBadForm
	}
	if len(token) > maxToken {
		return nil, invalid(fmt.Sprintf("it has more than %d bytes", maxToken))
	}
	if len(g.Providers) > 0 {
		issuer := issuerOf(token)
		for _, p := range g.Providers {
			if p.Issuer != issuer {
				continue
			}
			who, err := p.identify(r.Context(), token)
			if err == nil {
				err = g.limit(who.ClientID, p.Rate)
			}
			if err != nil {
				return nil, err
			}
			return who, nil
		}
	}
	client, err := g.Issuer.verify(r.Context(), token)
	if err == nil {
		err = g.limit(client.ID, client.Rate)
	}
	if err != nil {
		return nil, err
	}
	g.touch(r.Context(), client.ID)
	return identity(client), nil
}

// IdentifyBasic is [Guard.Identify] that takes a client's id and secret as Basic
// credentials too. Its error wraps [ErrTokenInvalid] if they are not right.
func (g *Guard) IdentifyBasic(r *http.Request) (*Identity, error) {
	id, secret, ok := r.BasicAuth()
	if !ok || len(r.Header.Values("Authorization")) > 1 {
		return g.Identify(r)
	}
	client, err := Clients{g.Issuer.Store}.authenticate(r.Context(), id, secret)
	var refused *OAuthError
	if errors.As(err, &refused) {
		return nil, errNoClient
	}
	if err == nil {
		err = g.limit(client.ID, client.Rate)
	}
	if err != nil {
		return nil, err
	}
	g.touch(r.Context(), client.ID)
	return identity(client), nil
}

func identity(c *store.Client) *Identity {
	return &Identity{ClientID: c.ID, Name: c.Name, Owner: c.Owner, Permissions: permissions(c.Scopes), Ceiling: c.TLP}
}

// Exchange is [Issuer.Exchange] within the client's rate.
func (g *Guard) Exchange(ctx context.Context, r TokenRequest) (*Token, error) {
	client, err := g.Issuer.authenticate(ctx, r)
	if err == nil {
		err = g.limit(client.ID, client.Rate)
	}
	if err != nil {
		return nil, err
	}
	return g.Issuer.grant(ctx, client, r)
}

func queryHas(raw, name string) bool {
	for part := range strings.SplitSeq(raw, "&") {
		key, _, _ := strings.Cut(part, "=")
		if strings.EqualFold(key, name) {
			return true
		}
	}
	return false
}

// anonymous lets somebody without a token read where the mode allows it. On
// loopback that is only what surely comes from this machine: its address, a
// Host header that names it (else a web page could reach the server by a name
// that it rebinds), and no trace of a proxy that speaks for others.
func (g *Guard) anonymous(r *http.Request) (*Identity, error) {
	switch g.Mode {
	case None:
	case Auto, "":
		if err := fromHere(r); err != nil {
			return nil, err
		}
	default:
		return nil, ErrNoToken
	}
	return &Identity{Name: "anonymous", Permissions: []Permission{ReadAll}, Ceiling: g.Ceiling}, nil
}

// forwarded are the headers by which proxies say for whom they speak.
var forwarded = []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Via", "X-Forwarded-Proto"}

func fromHere(r *http.Request) error {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !peer.Addr().Unmap().IsLoopback() {
		return errElsewhere
	}
	for _, h := range forwarded {
		if r.Header.Get(h) != "" {
			return errProxied
		}
	}
	if !LoopbackHost(r.Host) {
		return errRebound
	}
	return nil
}

// LoopbackHost reports whether a Host header names this machine.
func LoopbackHost(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.Trim(host, "[]")
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

// Peer returns the address of who is asking: behind a proxy that is trusted,
// what it forwards.
func (g *Guard) Peer(r *http.Request) string {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	addr := peer.Addr().Unmap()
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for slices.ContainsFunc(g.Proxies, func(p netip.Prefix) bool { return p.Contains(addr) }) && len(hops) > 0 {
		next, err := netip.ParseAddr(strings.TrimSpace(hops[len(hops)-1]))
		if err != nil {
			break
		}
		addr, hops = next.Unmap(), hops[:len(hops)-1]
	}
	return addr.String()
}

// DefaultRate is how many requests a client may send in a minute, on average.
const DefaultRate = 1200

// bucketLife is how long the bucket of a silent client is kept.
const bucketLife = 10 * time.Minute

type bucket struct {
	limiter *rate.Limiter
	rate    int
	used    time.Time
}

// A TooMany says how long a client has to wait.
type TooMany struct{ Wait time.Duration }

func (t *TooMany) Error() string { return ErrTooMany.Error() }

// Unwrap returns [ErrTooMany].
func (t *TooMany) Unwrap() error { return ErrTooMany }

// limit takes one request from the client's bucket; the error is a *[TooMany] if
// it is empty.
func (g *Guard) limit(id string, perMinute int) error {
	if perMinute == 0 {
		perMinute = DefaultRate
	}
	now := g.Issuer.Store.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.buckets == nil {
		g.buckets = map[string]*bucket{}
	}
	b := g.buckets[id]
	if b == nil || b.rate != perMinute {
		for other, old := range g.buckets {
			if now.Sub(old.used) > bucketLife {
				delete(g.buckets, other)
			}
		}
		b = &bucket{limiter: rate.NewLimiter(rate.Limit(float64(perMinute)/60), max(perMinute/4, 1)), rate: perMinute}
		g.buckets[id] = b
	}
	b.used = now
	res := b.limiter.ReserveN(now, 1)
	if wait := res.DelayFrom(now); wait > 0 {
		res.CancelAt(now)
		return &TooMany{wait}
	}
	return nil
}

// touch remembers the last use of a client, at most once a minute.
func (g *Guard) touch(ctx context.Context, id string) {
	now := g.Issuer.Store.Now()
	g.mu.Lock()
	if g.touched == nil {
		g.touched = map[string]time.Time{}
	}
	recent := now.Sub(g.touched[id]) < time.Minute
	if !recent {
		g.touched[id] = now
	}
	g.mu.Unlock()
	if recent {
		return
	}
	// Not in the request's way: an import may hold the database.
	go func() {
		if err := g.Issuer.Store.TouchClient(context.WithoutCancel(ctx), id, intel.TimeOf(now)); err != nil {
			g.logger().Warn("last use of a client was not kept", "client", id, "err", err)
		}
	}()
}

func (g *Guard) logger() *slog.Logger {
	if g.Logger != nil {
		return g.Logger
	}
	return slog.Default()
}
