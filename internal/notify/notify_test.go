package notify

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"dossier/internal/fetch"
	"dossier/internal/intel"
	"dossier/internal/store"
	"dossier/internal/testdb"

	"golang.org/x/net/dns/dnsmessage"
)

// A received is what receivers read of a notification.
type received struct {
	ID      string       `json:"id"`
	Sub     string       `json:"subscriptionId"`
	Expires string       `json:"subscriptionExpirationDateTime"`
	State   string       `json:"clientState"`
	Type    store.Op     `json:"changeType"`
	Path    string       `json:"resource"`
	Tenant  string       `json:"tenantId"`
	Data    resourceData `json:"resourceData"`
	Event   string       `json:"lifecycleEvent"`
}

// A receiver is an HTTPS server that keeps what it gets. handle, if not nil, sees
// every request first and reports whether it has answered.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	got    []received
	posts  int
	handle func(w http.ResponseWriter, r *http.Request, posts int) bool
}

func newReceiver(t testing.TB) *receiver {
	r := &receiver{}
	r.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, err := io.ReadAll(q.Body)
		if err != nil {
			return
		}
		r.mu.Lock()
		r.posts++
		posts, handle := r.posts, r.handle
		r.mu.Unlock()
		if handle != nil && handle(w, q, posts) {
			return
		}
		if token := q.URL.Query().Get("validationToken"); token != "" {
			w.Header().Set("Content-Type", "text/plain")
			fmt.Fprint(w, token)
			return
		}
		var e struct {
			Value []received `json:"value"`
		}
		if err := json.Unmarshal(body, &e); err != nil {
			t.Errorf("%v: %s", err, body)
		}
		r.mu.Lock()
		r.got = append(r.got, e.Value...)
		r.mu.Unlock()
		w.WriteHeader(http.StatusAccepted)
	}))
	r.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) all() []received {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]received{}, r.got...)
}

func (r *receiver) do(f func(http.ResponseWriter, *http.Request, int) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.handle = f
}

func fails(w http.ResponseWriter, _ *http.Request, _ int) bool {
	w.WriteHeader(http.StatusInternalServerError)
	return true
}

// wait waits until the receiver has n notifications.
func (r *receiver) wait(t testing.TB, n int) []received {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if got := r.all(); len(got) >= n {
			return got
		}
	}
	t.Fatalf("%d notifications, want %d", len(r.all()), n)
	return nil
}

func posterFor(servers ...*receiver) *fetch.Poster {
	p := &fetch.Poster{AllowPrivate: true, Roots: x509.NewCertPool()}
	for _, s := range servers {
		p.Roots.AddCert(s.Certificate())
	}
	return p
}

func newStore(t testing.TB) *store.Store {
	t.Helper()
	s, _, err := store.Open(t.Context(), testdb.Path(t), store.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// put makes profiles of the numbers, each with the title; a number that is
// left out is gone.
func put(t testing.TB, s *store.Store, title string, numbers ...int) {
	t.Helper()
	var list []*store.Derived
	for _, n := range numbers {
		id := idOf(n)
		ref := intel.Ref{Publisher: "team", Key: id}
		d := &intel.Dossier{Profile: intel.Profile{
			ODataType: intel.ProfileType, ID: id, Kind: intel.Actor, Title: title, FirstActive: 1, Aliases: []string{}, Targets: []string{}, Origins: []intel.CountryOfOrigin{},
			Summary: intel.Text("x"), Description: intel.Markdown("x"),
		}, Names: []intel.NameClaim{{Name: intel.Name{Value: title}, From: ref, Alias: true}}}
		list = append(list, &store.Derived{ID: id, Lo: intel.Clear, Hi: intel.Red, Fold: func() *intel.Dossier { return d }, Members: []intel.Ref{ref}})
	}
	if _, _, err := s.PutDerived(t.Context(), list, nil); err != nil {
		t.Fatal(err)
	}
}

func idOf(n int) string { return fmt.Sprintf("%064x", n) }

// subscribe makes a subscription of all profiles.
func subscribe(t testing.TB, s *store.Store, client, address, lifecycle string, edit func(*Terms)) *store.Subscription {
	t.Helper()
	state := "secret of " + client
	terms := &Terms{Resource: "security/threatIntelligence/intelProfiles", ChangeType: "created,updated,deleted", URL: address, Lifecycle: lifecycle, State: &state}
	if edit != nil {
		edit(terms)
	}
	body, err := json.Marshal(terms)
	if err != nil {
		t.Fatal(err)
	}
	now := s.Now()
	sub := &store.Subscription{ID: store.NewGUID(), Client: client, Ceiling: intel.Red, Body: body, Created: intel.TimeOf(now), Expires: intel.TimeOf(now.Add(24 * time.Hour))}
	if err := s.AddSubscription(t.Context(), sub, 100, 1000); err != nil {
		t.Fatal(err)
	}
	return sub
}

// run delivers until stop is called, or the test ends.
func run(t testing.TB, s *store.Store, h *Hooks, edit func(*Deliverer)) (stop func()) {
	d := &Deliverer{
		Store: s, Hooks: h, Log: slog.New(slog.DiscardHandler), Ceiling: intel.Red, Tick: 5 * time.Millisecond, Term: 2 * time.Second,
		Backoff: func(int) time.Duration { return 20 * time.Millisecond },
	}
	if edit != nil {
		edit(d)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); d.Serve(ctx) }()
	stop = sync.OnceFunc(func() { cancel(); <-done })
	t.Cleanup(stop)
	return stop
}

func TestDelivery(t *testing.T) {
	s, r := newStore(t), newReceiver(t)
	put(t, s, "before", 1)
	sub := subscribe(t, s, "a", r.URL, "", nil)
	deleted := subscribe(t, s, "b", r.URL, "", func(tt *Terms) { tt.ChangeType = "deleted" })
	one := subscribe(t, s, "c", r.URL, "", func(tt *Terms) { tt.Topic.ID = idOf(2) })
	run(t, s, &Hooks{Poster: posterFor(r)}, nil)
	put(t, s, "before", 1, 2)
	r.wait(t, 2)
	put(t, s, "after", 1, 2)
	r.wait(t, 5)
	put(t, s, "after", 2)
	got := r.wait(t, 7)
	tenant, err := s.Installation(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, n := range got {
		who := map[string]string{sub.ID: "a", deleted.ID: "b", one.ID: "c"}[n.Sub]
		told = append(told, fmt.Sprintf("%s %s %s", who, n.Type, n.Data.ID[60:]))
		if n.State != "secret of "+who || n.Tenant != tenant || n.Expires != DateTime(sub.Expires) && who == "a" || n.Path != "security/threatIntelligence/intelProfiles/"+n.Data.ID ||
			n.Data.Path != n.Path || n.Data.Type != intel.ProfileType || len(n.ID) != 36 || (n.Data.ETag == "") != (n.Type == store.Deleted) {
			t.Errorf("%+v", n)
		}
	}
	want := map[string]bool{
		"a created 0002": true, "c created 0002": true, "a updated 0001": true, "a updated 0002": true, "c updated 0002": true, "a deleted 0001": true, "b deleted 0001": true,
	}
	for _, w := range told {
		if !want[w] {
			t.Errorf("told %q, of %v", w, told)
		}
		delete(want, w)
	}
	if len(want) > 0 {
		t.Errorf("not told: %v", want)
	}
}

// TestRestart: what happens while nobody delivers is told later; nothing twice in an
// orderly end; of two that run one delivers.
func TestRestart(t *testing.T) {
	s, r := newStore(t), newReceiver(t)
	subscribe(t, s, "a", r.URL, "", nil)
	h := &Hooks{Poster: posterFor(r)}
	stop := run(t, s, h, nil)
	put(t, s, "x", 1)
	r.wait(t, 1)
	stop()
	put(t, s, "x", 1, 2, 3)
	run(t, s, h, nil)
	run(t, s, h, nil)
	r.wait(t, 3)
	put(t, s, "x", 1, 2, 3, 4)
	r.wait(t, 4)
	time.Sleep(100 * time.Millisecond)
	if got := r.all(); len(got) != 4 {
		t.Errorf("%d notifications, want 4: %+v", len(got), got)
	}
}

// TestTakeover: who vanishes with the lease is replaced when it runs out, and what
// had not been told is told.
func TestTakeover(t *testing.T) {
	s, r := newStore(t), newReceiver(t)
	sub := subscribe(t, s, "a", r.URL, "", nil)
	if held, err := s.Lease(t.Context(), leaseName, "one that was killed", 300*time.Millisecond); err != nil || !held {
		t.Fatal(held, err)
	}
	run(t, s, &Hooks{Poster: posterFor(r)}, nil)
	put(t, s, "x", 1)
	time.Sleep(100 * time.Millisecond)
	if got := r.all(); len(got) != 0 {
		t.Fatalf("delivered without the lease: %+v", got)
	}
	if got := r.wait(t, 1); got[0].Sub != sub.ID {
		t.Errorf("%+v", got)
	}
}

// TestHostileReceivers: a receiver that misbehaves is tried again, and keeps no other
// waiting.
func TestHostileReceivers(t *testing.T) {
	s, good := newStore(t), newReceiver(t)
	var private int
	secret := newReceiver(t)
	secret.do(func(http.ResponseWriter, *http.Request, int) bool { private++; return false })
	behaviours := map[string]func(http.ResponseWriter, *http.Request, int) bool{
		"500": fails,
		"redirect": func(w http.ResponseWriter, q *http.Request, _ int) bool {
			http.Redirect(w, q, secret.URL, http.StatusTemporaryRedirect)
			return true
		},
		"silence": func(_ http.ResponseWriter, q *http.Request, _ int) bool { <-q.Context().Done(); return true },
		"drip": func(w http.ResponseWriter, q *http.Request, _ int) bool {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				return true
			}
			defer conn.Close()
			for _, c := range "HTTP/1.1 200 OK\r\nX-Slow: " + strings.Repeat("y", 10_000) {
				if _, err := fmt.Fprint(conn, string(c)); err != nil {
					return true
				}
				time.Sleep(10 * time.Millisecond)
			}
			return true
		},
		"endless header": func(w http.ResponseWriter, _ *http.Request, _ int) bool {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				return true
			}
			defer conn.Close()
			fmt.Fprint(conn, "HTTP/1.1 200 OK\r\n")
			for range 10_000 {
				if _, err := fmt.Fprintf(conn, "X: %s\r\n", strings.Repeat("y", 1000)); err != nil {
					return true
				}
			}
			return true
		},
		"no HTTP": func(w http.ResponseWriter, _ *http.Request, _ int) bool {
			if conn, _, err := w.(http.Hijacker).Hijack(); err == nil {
				fmt.Fprint(conn, "hello")
				conn.Close()
			}
			return true
		},
		"for long": func(w http.ResponseWriter, _ *http.Request, _ int) bool {
			w.Header().Set("Retry-After", "1000000")
			w.WriteHeader(http.StatusServiceUnavailable)
			return true
		},
	}
	bad := map[string]*receiver{}
	all := []*receiver{good}
	for name, f := range behaviours {
		r := newReceiver(t)
		r.do(f)
		bad[name], all = r, append(all, r)
		for range 3 {
			subscribe(t, s, name, r.URL, "", nil)
		}
	}
	subscribe(t, s, "good", good.URL, "", nil)
	run(t, s, &Hooks{Poster: posterFor(append(all, secret)...), Delivery: time.Second}, nil)
	start := time.Now()
	for i := range 5 {
		put(t, s, fmt.Sprintf("title %d", i), 1)
		good.wait(t, i+1)
	}
	if took := time.Since(start); took > 15*time.Second { // one after the other they would take half a minute
		t.Errorf("five notifications took %s beside receivers that misbehave", took)
	}
	for name, r := range bad {
		for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
			r.mu.Lock()
			posts := r.posts
			r.mu.Unlock()
			if posts > 3 || name == "for long" && posts > 0 {
				break
			}
		}
		r.mu.Lock()
		if r.posts <= 3 && name != "for long" || len(r.got) > 0 {
			t.Errorf("%s: %d posts, %d taken", name, r.posts, len(r.got))
		}
		r.mu.Unlock()
	}
	if private != 0 {
		t.Error("a redirect was followed")
	}
	// A receiver that recovers gets everything.
	bad["500"].do(nil)
	if got := bad["500"].wait(t, 3); got[0].Type != store.Created {
		t.Errorf("%+v", got)
	}
}

// TestEndlessBody: the status counts, and what follows is not read for ever.
func TestEndlessBody(t *testing.T) {
	r := newReceiver(t)
	r.do(func(w http.ResponseWriter, q *http.Request, _ int) bool {
		w.WriteHeader(http.StatusOK)
		for q.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				break
			}
		}
		return true
	})
	h := &Hooks{Poster: posterFor(r), Delivery: time.Second}
	if _, err := h.send(t.Context(), r.URL, []byte("{}")); err != nil {
		t.Error(err)
	}
}

// TestMissed: what could not be told for four hours is dropped, and the client is
// told that it missed something.
func TestMissed(t *testing.T) {
	s, r, life := newStore(t), newReceiver(t), newReceiver(t)
	var mu sync.Mutex
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s.Now = func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	pass := func(d time.Duration) { mu.Lock(); defer mu.Unlock(); now = now.Add(d) }
	sub := subscribe(t, s, "a", r.URL, life.URL, nil)
	r.do(fails)
	run(t, s, &Hooks{Poster: posterFor(r, life)}, nil)
	put(t, s, "x", 1)
	posts := func(n int) {
		t.Helper()
		r.mu.Lock()
		from := r.posts
		r.mu.Unlock()
		for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
			pass(time.Millisecond * 10) // due times are the store's
			r.mu.Lock()
			enough := r.posts >= from+n
			r.mu.Unlock()
			if enough {
				return
			}
		}
		t.Fatal("it is not tried again")
	}
	posts(2)
	pass(3 * time.Hour)
	put(t, s, "x", 1, 2)
	posts(2)
	if got := life.all(); len(got) > 0 {
		t.Fatalf("told too early: %+v", got)
	}
	pass(time.Hour)
	got := life.wait(t, 1)
	if n := got[0]; n.Event != eventMissed || n.Sub != sub.ID || n.State != "secret of a" || n.Tenant == "" || n.Expires == "" || n.Type != "" {
		t.Errorf("%+v", n)
	}
	// The second change is younger: it comes when the receiver is back.
	r.do(nil)
	pass(longestWait)
	if got := r.wait(t, 1); got[0].Data.ID != idOf(2) {
		t.Errorf("%+v", got)
	}
	// An operator ends it.
	if err := s.RemoveSubscription(t.Context(), sub.ID); err != nil {
		t.Fatal(err)
	}
	if got := life.wait(t, 2); got[1].Event != eventRemoved {
		t.Errorf("%+v", got[1])
	}
	put(t, s, "x", 1, 2, 3)
	time.Sleep(100 * time.Millisecond)
	if len(r.all()) != 1 {
		t.Error("told after the end")
	}
	if list, err := s.Subscriptions(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("%d rows are left, %v", len(list), err)
	}
}

// TestRevoked: a client that is revoked, or sees less than before, is told no more
// than it may see.
func TestRevoked(t *testing.T) {
	s, r := newStore(t), newReceiver(t)
	for name, tlp := range map[string]intel.TLP{"low": intel.Clear, "gone": intel.Red} {
		if err := s.AddClient(t.Context(), &store.Client{ID: name, Name: name, TLP: tlp, Scopes: []string{}}); err != nil {
			t.Fatal(err)
		}
		subscribe(t, s, name, r.URL, "", nil)
	}
	if err := s.RevokeClient(t.Context(), "gone"); err != nil {
		t.Fatal(err)
	}
	subscribe(t, s, "high", r.URL, "", nil)
	run(t, s, &Hooks{Poster: posterFor(r)}, nil)
	ref := intel.Ref{Publisher: "team", Key: "r"}
	d := &intel.Dossier{Profile: intel.Profile{
		ODataType: intel.ProfileType, ID: idOf(9), Kind: intel.Actor, Title: "restricted", FirstActive: 1, Aliases: []string{}, Targets: []string{}, Origins: []intel.CountryOfOrigin{},
		Summary: intel.Text("x"), Description: intel.Markdown("x"),
	}, Names: []intel.NameClaim{{Name: intel.Name{Value: "restricted"}, From: ref, Alias: true}}}
	if _, _, err := s.PutDerived(t.Context(), []*store.Derived{{ID: idOf(9), Lo: intel.Red, Hi: intel.Red, Fold: func() *intel.Dossier { return d }, Members: []intel.Ref{ref}}}, nil); err != nil {
		t.Fatal(err)
	}
	r.wait(t, 1)
	time.Sleep(100 * time.Millisecond)
	for _, n := range r.all() {
		if n.State != "secret of high" {
			t.Errorf("told %s", n.State)
		}
	}
}

func TestValidate(t *testing.T) {
	token := func(w http.ResponseWriter, r *http.Request) string {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		return r.URL.Query().Get("validationToken")
	}
	for name, tt := range map[string]struct {
		answer func(http.ResponseWriter, *http.Request)
		want   string // part of the error; "" is none
	}{
		"right":   {func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, token(w, r)) }, ""},
		"encoded": {func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, url.QueryEscape(token(w, r))) }, "decoded token"},
		"another": {func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, token(w, r)+"x") }, "decoded token"},
		"202":     {func(w http.ResponseWriter, r *http.Request) { s := token(w, r); w.WriteHeader(202); fmt.Fprint(w, s) }, "answered 202, not 200"},
		"HTML": {func(w http.ResponseWriter, r *http.Request) {
			s := token(w, r)
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, s)
		}, "text/plain"},
		"redirect": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/x", http.StatusTemporaryRedirect) }, "redirects"},
		"late":     {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "no answer within 300ms"},
		"drip": {func(w http.ResponseWriter, r *http.Request) {
			s := token(w, r)
			for _, c := range s {
				fmt.Fprint(w, string(c))
				w.(http.Flusher).Flush()
				time.Sleep(50 * time.Millisecond)
			}
		}, "decoded token"},
		"endless": {func(w http.ResponseWriter, r *http.Request) {
			s := token(w, r)
			for r.Context().Err() == nil {
				fmt.Fprint(w, s)
			}
		}, "decoded token"},
		"own method": {func(w http.ResponseWriter, r *http.Request) {
			if r.Method != "POST" || !strings.HasPrefix(r.Header.Get("Content-Type"), "text/plain") || r.URL.Query().Get("q") != "1" {
				w.WriteHeader(400)
				return
			}
			fmt.Fprint(w, token(w, r))
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := newReceiver(t)
			r.do(func(w http.ResponseWriter, q *http.Request, _ int) bool { tt.answer(w, q); return true })
			err := (&Hooks{Poster: posterFor(r), Handshake: 300 * time.Millisecond}).Validate(t.Context(), r.URL+"/hook?q=1")
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
	r := newReceiver(t)
	strict := posterFor(r)
	strict.AllowPrivate = false
	for _, tt := range []struct {
		address string
		poster  *fetch.Poster
		want    string
	}{
		{strings.Replace(r.URL, "https", "http", 1), posterFor(r), "https://"},
		{"https://user:secret@example.org/", posterFor(r), "name or password"},
		{r.URL, strict, "private address"},
		{"https://[::ffff:10.0.0.1]/", strict, "private address"},
		{"https://169.254.169.254/", posterFor(r), "no server's"},
		{r.URL, &fetch.Poster{AllowPrivate: true}, "certificate"},
	} {
		if err := (&Hooks{Poster: tt.poster}).Validate(t.Context(), tt.address); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %s", tt.address, err, tt.want)
		}
	}
}

// TestRebinding: a name that led to a public address when the subscription was made,
// and leads to a private one later, is not followed there.
func TestRebinding(t *testing.T) {
	r := newReceiver(t)
	p := posterFor(r)
	p.AllowPrivate = false
	asked := 0
	p.Resolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go answerDNS(server, func() [4]byte { asked++; return [4]byte{127, 0, 0, 1} })
		return client, nil
	}}
	h := &Hooks{Poster: p}
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(r.URL, "https://"))
	_, err := h.send(t.Context(), "https://hook.example.com:"+port+"/", []byte("{}"))
	var refused *fetch.RefusedError
	if !errors.As(err, &refused) || asked == 0 {
		t.Errorf("%v after %d questions", err, asked)
	}
	if r.posts > 0 {
		t.Error("it was sent to a private address")
	}
}

// answerDNS answers questions over a stream: an address for A, nothing else.
func answerDNS(conn net.Conn, address func() [4]byte) {
	defer conn.Close()
	for {
		var size [2]byte
		if _, err := io.ReadFull(conn, size[:]); err != nil {
			return
		}
		raw := make([]byte, int(size[0])<<8|int(size[1]))
		if _, err := io.ReadFull(conn, raw); err != nil {
			return
		}
		var m dnsmessage.Message
		if m.Unpack(raw) != nil {
			return
		}
		m.Response, m.Additionals = true, nil
		for _, q := range m.Questions {
			if q.Type == dnsmessage.TypeA {
				m.Answers = append(m.Answers, dnsmessage.Resource{
					Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 1}, Body: &dnsmessage.AResource{A: address()},
				})
			}
		}
		out, err := m.Pack()
		if err != nil {
			return
		}
		if _, err := conn.Write(append([]byte{byte(len(out) >> 8), byte(len(out))}, out...)); err != nil {
			return
		}
	}
}

func TestParseResource(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want store.Topic
		ok   bool
	}{
		{"security/threatIntelligence/intelProfiles", store.Topic{}, true},
		{"/security/threatintelligence/intelprofiles/", store.Topic{}, true},
		{"/security/threatIntelligence/intelProfiles('ab')", store.Topic{ID: "ab"}, true},
		{"security/threatIntelligence/intelProfiles/ab/indicators", store.Topic{Indicators: true, Profile: "ab"}, true},
		{"security/threatIntelligence/intelligenceProfileIndicators", store.Topic{Indicators: true}, true},
		{"security/threatIntelligence/intelligenceProfileIndicators/a%2Fb", store.Topic{Indicators: true, ID: "a/b"}, true},
		{"security/threatIntelligence/intelProfiles/ab/indicators/cd", store.Topic{}, false},
		{"security/threatIntelligence/intelProfiles?$filter=kind eq 'actor'", store.Topic{}, false},
		{"security/threatIntelligence/articles", store.Topic{}, false},
		{"https://graph.microsoft.com/v1.0/security/threatIntelligence/intelProfiles", store.Topic{}, false},
		{"//host/security/threatIntelligence/intelProfiles", store.Topic{}, false},
		{"users", store.Topic{}, false},
		{"", store.Topic{}, false},
		{"security/threatIntelligence/intelProfiles/%zz", store.Topic{}, false},
	} {
		got, err := ParseResource(tt.in)
		if (err == nil) != tt.ok || tt.ok && got != tt.want {
			t.Errorf("%q: %+v, %v", tt.in, got, err)
		}
	}
}

// FuzzParseResource: what is a resource leads to one thing, and the path of that
// thing leads back to it.
func FuzzParseResource(f *testing.F) {
	f.Add("security/threatIntelligence/intelProfiles('a''b')")
	f.Add("/security/threatIntelligence/intelProfiles/x/indicators")
	f.Fuzz(func(t *testing.T, s string) {
		topic, err := ParseResource(s)
		if err != nil || topic.ID == "" || topic.ID == "." || topic.ID == ".." {
			return
		}
		again, err := ParseResource(resourceOf(topic, topic.ID))
		if err != nil || again != topic {
			t.Errorf("%q is %+v, its path %+v, %v", s, topic, again, err)
		}
	})
}
